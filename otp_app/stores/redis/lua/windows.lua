-- Stands before each of the other scripts, after rings.lua: the arithmetic of limits/windows.py.

-- What is not said of a limit is as limits.values.Limit has it by default.
local function cost_of(limit)
  return limit.cost or 1
end

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
  return {used = used, wait = wait, amount = amount}
end

local function waits_usage(limit, lane)
  local count, last = 0, 0
  for _, at in ipairs(lane.s) do
    if at > now - limit.period * 1000 and at > lane.a then count, last = count + 1, math.max(last, at) end
  end
  local steps = limit.steps or {}
  local step = steps[math.min(count, #steps)]
  return {used = count, wait = step and math.max(0, last + step * 1000 - now) or 0, amount = limit.amount}
end

local function sends_usage(limit, lane)
  local entries = {}
  for _, at in ipairs(lane.s) do
    if at > now - limit.period * 1000 then table.insert(entries, {at + limit.period * 1000, 1}) end
  end
  return window(entries, limit.amount, cost_of(limit))
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
  return window(entries, limit.amount, cost_of(limit))
end

-- Returns the usage of a limit on answered messages, and whether by it nobody is a stranger. For a day after the server
-- forgot, nobody is: from which networks messages were answered before is not known.
local function answered_usage(limit, history)
  local ring, newest = ring_of(counter_of(limit.key), limit)
  history.week, history.day = sum_of(ring, 0), sum_of(ring, newest - 3)
  local forgot = generation.rings ~= true and now - generation.rings < DAY
  local young = history.week < limit.amount or forgot
  local known = limit.vouches == 'known' and history.week >= limit.amount or limit.vouches == 'young' and young
  return {used = history.week, wait = 0, amount = limit.amount, slot = newest}, known
end

local function key_counter_usage(limit, history)
  local ring, newest = ring_of(counter_of(limit.key), limit)
  local week = limit.steady and history.week or math.max(7 * history.day, history.week)
  local amount = limit.amount + math.floor((limit.growth or 0) * week / 700)
  local usage = {used = sum_of(ring, 0), wait = 0, amount = amount, slot = newest}
  if usage.used + cost_of(limit) > amount then
    local entries, width = {}, width_of(limit)
    for slot = newest - SIZE + 1, newest do
      local n = ring[slot % SIZE + 2]
      if n > 0 then table.insert(entries, {(slot + SIZE) * width, n}) end
    end
    usage.wait = window(entries, amount, cost_of(limit)).wait
  end
  return usage
end

-- Returns the usage of each limit. Of each key the answered messages come first, because the amounts of the key's other
-- limits grow with them.
local function usages_of(phone, name)
  local usages, key, history, known = {}, nil, nil, false
  for i, limit in ipairs(asked.limits) do
    if limit.key ~= key then key, history = limit.key, {day = 0, week = 0} end
    if limit.counts == 'answered' then
      local vouched
      usages[i], vouched = answered_usage(limit, history)
      known = known or vouched
    elseif limit.strangers and known then
      usages[i] = {used = 0, wait = 0, amount = limit.amount}
    elseif limit.counts == 'key' then
      usages[i] = key_counter_usage(limit, history)
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
  for i, usage in ipairs(usages) do list[i] = {usage.used, usage.wait, usage.amount} end
  return list
end

-- Returns the answer that a limit refuses the request or asks for a proof of work, or nil. Nothing is written.
local function refusal(usages)
  local refused, suspect = false, false
  for i, limit in ipairs(asked.limits) do
    local usage = usages[i]
    refused = refused or usage.wait > 0
    suspect = suspect or limit.proof and usage.slot and (usage.used + cost_of(limit)) * 2 > usage.amount
  end
  if not refused and (asked.proven or not suspect) then return nil end
  return answer(refused and 'refused' or 'proof', {usages = triples(usages)})
end
