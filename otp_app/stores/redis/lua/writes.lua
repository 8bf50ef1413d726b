-- Stands before each of the other scripts: writes, once all is decided.

-- Adds the costs of the limits to their key counters; returns the increments. A success gives back -1 answered message,
-- which is one more.
local function take(usages, sent_at)
  local taken, keys = {}, {}
  for i, limit in ipairs(asked.limits) do
    local slot, cost = usages[i].slot, limit.counts == 'answered' and -1 or cost_of(limit)
    if slot then
      if cost > 0 then
        local counter = counter_of(limit.key)
        add(limit.key, limit.ring or 0, slot, cost)
        counter.x = math.max(counter.x, (slot + SIZE) * width_of(limit))
        keys[limit.key] = true
      end
      if not limit.kept then
        local shared, converts = limit.shared or 0, limit.converts or false
        table.insert(taken, {limit.key, limit.ring or 0, slot, cost, shared, converts, sent_at})
      end
    end
  end
  for key in pairs(keys) do keep_counter(key) end
  return taken
end

-- Gives increments back. Answered messages, of cost -1, count for a week.
local function give_back(increments)
  local keys = {}
  for _, increment in ipairs(increments) do
    local counter, cost = counter_of(increment[1]), increment[4]
    add(increment[1], increment[2], increment[3], -cost)
    if cost < 0 and counter.x > now then counter.x = math.max(counter.x, (increment[3] + SIZE) * WEEK / (SIZE - 1)) end
    keys[increment[1]] = counter.x > now
  end
  for key, alive in pairs(keys) do
    if alive then keep_counter(key) end
  end
end

-- Returns, by key, until when each of the watched keys is blocked.
local function blocks_of(keys)
  local found = {}
  for _, key in ipairs(keys) do
    local till = counter_of(key).b
    if till > 0 then found[key] = till end
  end
  return found
end

-- Adds a send to its challenge and its phone, and returns the answer.
local function send(challenge, phone, usages)
  local name = lane_of(challenge)
  local lane, again = phone[name], 0
  challenge.sends_left = challenge.sends_left - 1
  local at = math.max(now, (challenge.sent_at[#challenge.sent_at] or 0) + 1) -- it names the send: no two have the same
  table.insert(challenge.sent_at, at)
  table.insert(lane.s, at)
  for _, limit in ipairs(asked.limits) do
    if limit.counts == 'waits' then again = math.max(again, waits_usage(limit, lane).wait) end
    if limit.counts == 'sends' then again = math.max(again, sends_usage(limit, lane).wait) end
  end
  for _, increment in ipairs(take(usages, at)) do table.insert(challenge.taken, increment) end
  keep_challenge(challenge)
  keep_phone(asked.phone, phone)
  local reply = {challenge = challenge, again = again}
  local delivery = asked.delivery
  if delivery.providers then
    local provider = delivery.providers[challenge.channel] or ''
    reply.journal = cjson.encode({challenge.id, text(at), provider, 0, delivery.reference})
    reply.blocks = blocks_of(delivery.watched)
    redis.call('ZADD', 'otp:journal', text(at), reply.journal)
  end
  return answer('taken', reply)
end
