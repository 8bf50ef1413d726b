-- Stands before each of the other scripts: key counters, as in counters/rings.py.
-- otp:k:<key> is a document (cmsgpack) with r, the rings by their numbers; b, the instant at which the latest block of
-- the key ends or ended; x, the instant at which the document expires. A ring is a list: the number of its newest
-- sub-bucket, then 25 counts, that of sub-bucket n at n mod 25.
local SIZE = 25
local counters = {} -- those that this script has read

local function counter_of(key)
  if not counters[key] then
    local found = redis.call('GET', 'otp:k:' .. key)
    counters[key] = found and cmsgpack.unpack(found) or {r = {}, b = 0, x = 0}
  end
  return counters[key]
end

local function keep_counter(key)
  local counter = counters[key]
  redis.call('SET', 'otp:k:' .. key, cmsgpack.pack(counter), 'PX', text(math.max(1, counter.x - now)))
end

local function width_of(limit)
  return math.floor(limit.period * 1000 / (SIZE - 1))
end

-- Returns a ring, emptied of what is too old by now, and the number of its newest sub-bucket.
local function ring_of(counter, limit)
  local name, slot = tostring(limit.ring or 0), math.floor(now / width_of(limit))
  local ring = counter.r[name]
  if not ring then
    ring = {0}
    for n = 2, SIZE + 1 do ring[n] = 0 end
    counter.r[name] = ring
  end
  local newest = math.max(ring[1], slot)
  for old = math.max(ring[1] + 1, newest - SIZE + 1), newest do ring[old % SIZE + 2] = 0 end
  ring[1] = newest
  return ring, newest
end

-- Returns the sum of a ring's counts from the sub-bucket `first` on.
local function sum_of(ring, first)
  local total = 0
  for slot = math.max(first, ring[1] - SIZE + 1), ring[1] do total = total + ring[slot % SIZE + 2] end
  return total
end

-- Adds to a sub-bucket, which never falls below 0; does nothing if the ring has forgotten the sub-bucket.
local function add(key, number, slot, cost)
  local ring = counter_of(key).r[tostring(number)]
  if ring and ring[1] - slot >= 0 and ring[1] - slot < SIZE then
    ring[slot % SIZE + 2] = math.max(0, ring[slot % SIZE + 2] + cost)
  end
end

-- Blocks a key until an instant and keeps its counter `longer` milliseconds beyond.
local function block(key, till, longer)
  local counter = counter_of(key)
  counter.b, counter.x = till, math.max(counter.x, till + longer)
  keep_counter(key)
end
