local early = unready()
if early then return early end
redis.call('HDEL', 'otp:n:' .. asked.key, 'b')
local forgiven = 'otp:n:' .. asked.forgives
for _, field in ipairs(redis.call('HKEYS', forgiven)) do
  if field ~= 'b' then redis.call('HDEL', forgiven, field) end
end
return answer('taken')
