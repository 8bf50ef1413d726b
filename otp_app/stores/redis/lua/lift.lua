local missing = unready()
if missing then return missing end
local counter = counter_of(asked.key)
local ring = counter.r[tostring(asked.ring)]
if ring then
  for n = 2, SIZE + 1 do ring[n] = 0 end
end
counter.b = 0
redis.call('HDEL', 'otp:n:' .. asked.key, 'b')
if counter.x > now then keep_counter(asked.key) end
return answer('taken')
