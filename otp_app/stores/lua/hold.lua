for key, till in pairs(asked.holds) do
  local name = 'otp:n:' .. key
  if till > now then
    redis.call('HSET', name, 'b', text(till))
    redis.call('PEXPIRE', name, text(math.max(redis.call('PTTL', name), till + HOUR - now)))
  else
    redis.call('HDEL', name, 'b')
  end
end
return answer('taken')
