-- Stands before each of the other scripts, after rings.lua: the arithmetic of limits/windows.py.

-- Returns how much is used, and the milliseconds until `cost` more fits into `amount`. An entry is a pair: the instant
-- at which it ends, and how much it counts.
local function window(entries, amount, cost)
  local used = 0
  for _, entry in ipairs(entries) do used = used + entry[2] end
  local total, wait = used, 0
  if total + cost > amount then
    wait = 3600000
    table.sort(entries, function(one, other) return one[1] < other[1] end)
    for _, entry in ipairs(entries) do
      total = total - entry[2]
      if total + cost <= amount then
        wait = entry[1] - now
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
  local entries = {}
  for _, at in ipairs(lane.s) do
    if at > now - limit.period * 1000 then table.insert(entries, {at + limit.period * 1000, 1}) end
  end
  return window(entries, limit.amount, limit.cost)
end

local function failures_usage(limit, lane, pending)
  local entries = {}
  for at, n in pairs(lane.f) do
    local till = tonumber(at) + limit.period * 1000
    if till > now then table.insert(entries, {till, n}) end
  end
  for _, challenge in ipairs(pending) do
    local till = expires_at(challenge) + GRACE
    if till > now then table.insert(entries, {till, challenge.checks_left}) end
  end
  return window(entries, limit.amount, limit.cost)
end

local function key_counter_usage(limit)
  local counter = counter_of(limit.key)
  local ring, newest = ring_of(counter, limit)
  local usage = {used = sum_of(ring, 0), wait = 0, blocked = 0, slot = newest}
  if usage.used + limit.cost > limit.amount then
    local entries, width = {}, width_of(limit)
    for slot = newest - SIZE + 1, newest do
      local n = ring[slot % SIZE + 2]
      if n > 0 then table.insert(entries, {(slot + SIZE) * width, n}) end
    end
    usage.wait = window(entries, limit.amount, limit.cost).wait
  end
  if counter.b > now then usage.wait, usage.blocked = math.max(usage.wait, counter.b - now), counter.b end
  return usage
end

local function usages_of(phone, name)
  local usages = {}
  for i, limit in ipairs(asked.limits) do
    if limit.counts == 'crowd' then
      usages[i] = key_counter_usage(limit)
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

local function begin_block(key, seconds)
  block(key, now + seconds * 1000, 0)
end

-- Returns the answer that a limit refuses the request, or nil; a refusal may begin a block.
local function refusal(usages)
  local refused, begun = false, nil
  for i, limit in ipairs(asked.limits) do
    local usage = usages[i]
    refused = refused or usage.wait > 0
    local over = limit.counts == 'crowd' and limit.blocks > 0 and usage.used + limit.cost > limit.amount
    if not begun and over and usage.blocked == 0 then begun = i end
  end
  if not refused then return nil end
  if begun then begin_block(asked.limits[begun].key, asked.limits[begun].blocks) end
  return answer('refused', {usages = triples(usages), begun = begun})
end

-- Returns the answer that a region has a poor conversion, or that a proof of work is needed, or nil; judges as
-- windows.judge and windows.needs_proof do.
local function suspicion(usages)
  local proof, judged, counted = false, asked.conversion, {}
  for i, limit in ipairs(asked.limits) do
    if limit.counts == 'crowd' then
      proof = proof or limit.proof and (usages[i].used + limit.cost) * 2 > limit.amount
      if judged and limit.key == judged.key then
        local counter = counter_of(limit.key) -- counted anew since its last block
        counted[limit.ring] = sum_of(counter.r[tostring(limit.ring)], math.floor(counter.b / width_of(limit)))
      end
    end
  end
  if judged then
    local sends = counted[judged.sends]
    local converted, settled = sends - counted[judged.unconverted], sends - counted[judged.fresh]
    if settled >= judged.least and converted * 100 < judged.block * settled then
      begin_block(judged.key, judged.blocks)
      return answer('conversion', {sends = sends, converted = converted})
    end
    proof = proof or sends >= judged.least and converted * 100 < judged.proof * sends
  end
  return proof and not asked.proven and answer('proof') or nil
end
