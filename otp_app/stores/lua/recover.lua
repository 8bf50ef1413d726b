-- What SQL remembers, put beside what is there; of many who do it at once, the first.
if generation then return answer('none') end
for key, counter in pairs(asked.counters) do
  local name = 'otp:n:' .. key
  for slot, n in pairs(counter.slots) do
    local there = tonumber(redis.call('HGET', name, slot) or 0)
    if n > there then redis.call('HSET', name, slot, text(n)) end
  end
  redis.call('PEXPIRE', name, text((SUB_BUCKETS + 1) * counter.width))
end
for key, till in pairs(asked.blocks) do
  hold(key, till, HOUR)
end
local known = {id = asked.id, server = asked.server, since = now, complete = asked.complete}
redis.call('SET', 'otp:generation', cjson.encode(known))
return answer('taken')
