for key, till in pairs(asked.holds) do
  if till > now then hold(key, till, HOUR) else redis.call('HDEL', 'otp:n:' .. key, 'b') end
end
return answer('taken')
