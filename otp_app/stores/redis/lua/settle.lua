local left = redis.call('ZRANGEBYSCORE', 'otp:journal', '-inf', text(now - asked.lease), 'LIMIT', 0, asked.batch)
return answer('taken', {converted = take_converted(asked.batch), left = left})
