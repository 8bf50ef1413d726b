-- Begins a generation: merges what SQL remembers into the counters, keeping the higher count. Of several callers at
-- once the first does it. A generation begun by the release before stays; its counters were kept elsewhere, so they
-- begin here.
if generation and generation.rings then return answer('none') end
for _, known in ipairs(asked.counters) do
  local counter = counter_of(known.key)
  local ring = ring_of(counter, {ring = known.ring, period = known.period})
  for slot, n in pairs(known.slots) do
    slot = tonumber(slot)
    local there = slot <= ring[1] and ring[1] - slot < SIZE and ring[slot % SIZE + 2]
    if there and n > there then ring[slot % SIZE + 2] = n end
  end
  counter.x = math.max(counter.x, now + known.period * 1000 + HOUR)
  keep_counter(known.key)
end
for key, till in pairs(asked.blocks) do
  block(key, till, HOUR)
end
if not generation then
  generation = {id = asked.id, server = asked.server, since = now, complete = asked.complete}
end
generation.rings = asked.complete and 0 or now
redis.call('SET', 'otp:generation', cjson.encode(generation))
return answer('taken')
