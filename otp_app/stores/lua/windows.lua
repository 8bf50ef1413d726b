-- Put before each of the other scripts, after documents.lua: the arithmetic of ../windows.py.

-- Milliseconds until cost more fit into amount; holds are pairs of until when and how much.
local function window(holds, amount, cost)
  local used = 0
  for _, hold in ipairs(holds) do used = used + hold[2] end
  local total, wait = used, 0
  if total + cost > amount then
    wait = 3600000
    table.sort(holds, function(one, other) return one[1] < other[1] end)
    for _, hold in ipairs(holds) do
      total = total - hold[2]
      if total + cost <= amount then
        wait = hold[1] - now
        break
      end
    end
  end
  return {used = used, wait = wait, blocked = 0}
end

local function waits_usage(limit, lane)
  local count, last = 0, 0
  for _, at in ipairs(lane.s) do
    if at > now - limit.period * 1000 and at > lane.a then count, last = count + 1, math.max(last, at) end
  end
  local step = limit.steps[math.min(count, #limit.steps)]
  return {used = count, wait = step and math.max(0, last + step * 1000 - now) or 0, blocked = 0}
end

local function sends_usage(limit, lane)
  local holds = {}
  for _, at in ipairs(lane.s) do
    if at > now - limit.period * 1000 then table.insert(holds, {at + limit.period * 1000, 1}) end
  end
  return window(holds, limit.amount, limit.cost)
end

local function failures_usage(limit, lane, pending)
  local holds = {}
  for at, n in pairs(lane.f) do
    local till = tonumber(at) + limit.period * 1000
    if till > now then table.insert(holds, {till, n}) end
  end
  for _, challenge in ipairs(pending) do
    local till = expires_at(challenge) + GRACE
    if till > now then table.insert(holds, {till, challenge.checks_left}) end
  end
  return window(holds, limit.amount, limit.cost)
end

local function width_of(limit)
  return math.floor(limit.period * 1000 / SUB_BUCKETS)
end

local function crowd_usage(limit)
  local raw = redis.call('HGETALL', 'otp:n:' .. limit.key)
  local width, holds, old, blocked = width_of(limit), {}, {}, 0
  for i = 1, #raw, 2 do
    if raw[i] == 'b' then
      blocked = tonumber(raw[i + 1])
    else
      local till = (raw[i] + SUB_BUCKETS + 1) * width
      if till > now then table.insert(holds, {till, tonumber(raw[i + 1])}) else table.insert(old, raw[i]) end
    end
  end
  local usage = window(holds, limit.amount, limit.cost)
  usage.old, usage.holds, usage.last = old, holds, blocked
  if blocked > now then usage.wait, usage.blocked = math.max(usage.wait, blocked - now), blocked end
  return usage
end

local function usages_of(phone, name)
  local usages = {}
  for i, limit in ipairs(asked.limits) do
    if limit.counts == 'crowd' then
      usages[i] = crowd_usage(limit)
    elseif limit.counts == 'waits' then
      usages[i] = waits_usage(limit, phone[name])
    elseif limit.counts == 'sends' then
      usages[i] = sends_usage(limit, phone[name])
    else
      usages[i] = failures_usage(limit, phone[name], phone['pending_' .. name])
    end
  end
  return usages
end

local function triples(usages)
  local list = {}
  for i, usage in ipairs(usages) do list[i] = {usage.used, usage.wait, usage.blocked} end
  return list
end

-- Held back until then, and remembered that much longer.
local function hold(key, till, longer)
  key = 'otp:n:' .. key
  redis.call('HSET', key, 'b', text(till))
  redis.call('PEXPIRE', key, text(math.max(1, redis.call('PTTL', key), till + longer - now)))
end

local function block(key, seconds)
  hold(key, now + seconds * 1000, 0)
end

-- The answer when one of the limits (own: of those that few requests share) refuses; a refusal may begin a block.
local function refusal(usages, own)
  local refused, begun = false, nil
  for i, limit in ipairs(asked.limits) do
    local usage = usages[i]
    refused = refused or usage.wait > 0 and (not own or limit.counts == 'crowd' and not limit.shared)
    if not begun and limit.blocks > 0 and usage.blocked == 0 and usage.used + limit.cost > limit.amount then begun = i end
  end
  if not refused then return nil end
  if begun then block(asked.limits[begun].key, asked.limits[begun].blocks) end
  return answer('refused', {usages = triples(usages), begun = begun})
end

-- What counts of it after a block: a region is judged anew, without what led to the last one.
local function used_since(usage, till)
  local width, used = DAY / SUB_BUCKETS, 0
  for _, hold in ipairs(usage.holds) do
    if hold[1] >= (math.floor(till / width) + SUB_BUCKETS + 1) * width then used = used + hold[2] end
  end
  return used
end

-- The answer when a region's sends, or a crowd's, look wrong; as windows.judge and windows.needs_proof.
local function suspicion(usages)
  local counted, proof = {}, false
  for i, limit in ipairs(asked.limits) do
    counted[limit.key] = usages[i]
    proof = proof or limit.proof and (usages[i].used + limit.cost) * 2 > limit.amount
  end
  local judged = asked.conversion
  if judged then
    local last = counted[judged.sends].last
    local sends = used_since(counted[judged.sends], last)
    local converted = sends - used_since(counted[judged.unconverted], last)
    local settled = sends - counted[judged.fresh].used
    if settled >= judged.least and converted * 100 < judged.block * settled then
      block(judged.sends, judged.blocks)
      return answer('conversion', {sends = sends, converted = converted})
    end
    proof = proof or sends >= judged.least and converted * 100 < judged.proof * sends
  end
  return proof and not asked.proven and answer('proof') or nil
end

-- Writing, once all is decided

local function take(usages)
  for i, limit in ipairs(asked.limits) do
    if limit.counts == 'crowd' then
      local key, width = 'otp:n:' .. limit.key, width_of(limit)
      redis.call('HINCRBY', key, text(math.floor(now / width)), limit.cost)
      if #usages[i].old > 0 then redis.call('HDEL', key, unpack(usages[i].old)) end
      redis.call('PEXPIRE', key, text((SUB_BUCKETS + 1) * width))
    end
  end
end

-- Where there is nothing any more to give it back to, it is nothing, never a credit.
local function give_back(charges)
  for _, charge in ipairs(charges) do
    local key, slot, cost = 'otp:n:' .. charge[1], text(charge[2]), charge[3]
    local n = tonumber(redis.call('HGET', key, slot) or 0)
    if n > cost then redis.call('HINCRBY', key, slot, -cost) elseif n > 0 then redis.call('HDEL', key, slot) end
  end
end

-- Until when, of what is watched, each is held back.
local function holds_of(keys)
  local found = {}
  for _, key in ipairs(keys) do
    local till = redis.call('HGET', 'otp:n:' .. key, 'b')
    if till then found[key] = tonumber(till) end
  end
  return found
end

-- What a send adds to its challenge, and the answer to it.
local function send(challenge, phone, usages)
  local name = lane_of(challenge)
  local lane, again, unconverted = phone[name], 0, 0
  challenge.sends_left = challenge.sends_left - 1
  local at = math.max(now, (challenge.sent_at[#challenge.sent_at] or 0) + 1) -- it names the send: no two have the same
  table.insert(challenge.sent_at, at)
  table.insert(lane.s, at)
  for i, limit in ipairs(asked.limits) do
    if limit.counts == 'waits' then again = math.max(again, waits_usage(limit, lane).wait) end
    if limit.counts == 'sends' then again = math.max(again, sends_usage(limit, lane).wait) end
    if limit.counts == 'crowd' and limit.name ~= 'proofs' then -- as crowds.charges
      local slot = math.floor(now / width_of(limit))
      table.insert(challenge.charges, {limit.key, slot, limit.cost, limit.shared, limit.converts, at})
    end
    if limit.name == 'unconverted_per_day' then unconverted = usages[i].used + limit.cost end
  end
  take(usages)
  keep_challenge(challenge)
  keep_phone(asked.phone, phone)
  local reply = {challenge = challenge, again = again, unconverted = unconverted}
  if asked.providers then
    local provider = asked.providers[challenge.channel] or ''
    reply.journal = cjson.encode({challenge.id, text(at), provider, unconverted})
    reply.holds = next(asked.watched) and holds_of(asked.watched)
    redis.call('ZADD', 'otp:journal', text(at), reply.journal)
  end
  return answer('taken', reply)
end
