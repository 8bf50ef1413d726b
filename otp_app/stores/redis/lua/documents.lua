-- Stands before each of the other scripts: reads the request, and the documents that decide it.
-- A script reads, decides and only then writes, so nothing can fail halfway.
--
--   otp:generation  identifies this server's data: {id, server, since, complete, rings}; without this key no data is
--                   trusted. rings is the instant at which counting in rings began without a history, 0 if there was
--                   none to know; the release before wrote true
--   otp:c:<id>      a challenge, with g, the generation it was opened in
--   otp:p:<key>     a phone: g, the generation in which it was compared with SQL, and its lanes s (strangers) and d
--                   (devices), each with s: instants of sends, f: failures by instant, a: instant of the last
--                   approval, o: ids of pending challenges
--   otp:k:<key>     the key counters of a subject (rings.lua)
--   otp:converted   a list of approved challenges whose sends are not yet marked as converted in SQL
--   otp:journal     claimed sends that are not yet in SQL, sorted by instant: [challenge, instant, provider, 0,
--                   reference]
local GRACE, HOUR, DAY, WEEK, MONTH = 10000, 3600000, 86400000, 604800000, 2592000000 -- milliseconds
local asked = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + asked.offset

local function text(number)
  return string.format('%.0f', number) -- tostring() would write an instant with an exponent
end

local function read(key)
  local found = redis.call('GET', key)
  return found and cjson.decode(found)
end

local function keep(key, document, milliseconds)
  redis.call('SET', key, cjson.encode(document), 'PX', text(milliseconds))
end

local function answer(state, values)
  values = values or {}
  values.state, values.now = state, now
  return cjson.encode(values)
end

local generation = read('otp:generation')

-- Challenges

local function expires_at(challenge)
  return challenge.created_at + challenge.ttl * 1000
end

local function known_challenge(id)
  local challenge = read('otp:c:' .. id)
  if challenge then challenge.taken = challenge.taken or {} end -- the release before kept them elsewhere
  return challenge
end

-- Returns a challenge of this generation only: of an older one, the last checks or the approval may be lost.
local function challenge_of(id)
  local challenge = known_challenge(id)
  return challenge and generation and challenge.g == generation.id and challenge
end

local function keep_challenge(challenge)
  keep('otp:c:' .. challenge.id, challenge, math.max(1, expires_at(challenge) + HOUR - now))
end

-- Drops the entries that are in SQL by now, even if this request is refused, because each entry is named only once.
if asked.written and #asked.written > 0 then redis.call('ZREM', 'otp:journal', unpack(asked.written)) end

local function take_converted(most)
  local ids = redis.call('LRANGE', 'otp:converted', 0, most - 1)
  if #ids > 0 then redis.call('LTRIM', 'otp:converted', #ids, -1) end
  return ids
end

-- Phones

local function phone_of(key)
  local phone = read('otp:p:' .. key) or {}
  for _, name in ipairs({'s', 'd'}) do
    local lane = phone[name] or {s = {}, f = {}, a = 0, o = {}}
    local old, pending = lane, {}
    lane = {s = {}, f = {}, a = old.a, o = {}}
    for _, at in ipairs(old.s) do
      if at > now - DAY then table.insert(lane.s, at) end
    end
    for at, n in pairs(old.f) do
      if n > 0 and tonumber(at) > now - MONTH then lane.f[at] = n end
    end
    for _, id in ipairs(old.o) do
      local challenge = challenge_of(id)
      if challenge and challenge.status == 'pending' then
        table.insert(lane.o, id)
        table.insert(pending, challenge)
      end
    end
    phone[name], phone['pending_' .. name] = lane, pending
  end
  return phone
end

local function keep_phone(key, phone)
  local failed = next(phone.s.f) or next(phone.d.f)
  keep('otp:p:' .. key, {g = phone.g, s = phone.s, d = phone.d}, failed and MONTH or DAY + HOUR)
end

local function lane_of(challenge)
  return challenge.device ~= '' and 'd' or 's'
end

local function fail(lane, at, n)
  local key = text(at)
  local left = (lane.f[key] or 0) + n
  lane.f[key] = left > 0 and left or nil
end

-- Adds to a lane the sends that only SQL knows, and takes the higher of two counts of failures.
local function merge(lane, known)
  local seen = {}
  for _, at in ipairs(lane.s) do seen[at] = true end
  for _, at in ipairs(known.s) do
    if not seen[at] and at > now - DAY then table.insert(lane.s, at) end
  end
  table.sort(lane.s)
  for at, n in pairs(known.f) do
    if tonumber(at) > now - MONTH then lane.f[at] = math.max(lane.f[at] or 0, n) end
  end
end

-- Returns the answer that names what must be read from SQL before this request can be decided; nil if nothing must.
local function unready(phone)
  if not (generation and generation.rings) then return answer('cold') end
  if not phone or phone.g == generation.id or generation.complete or generation.since < now - MONTH then return nil end
  if not asked.history then return answer('history') end
  merge(phone.s, asked.history.s)
  merge(phone.d, asked.history.d)
  phone.g = generation.id
  keep_phone(asked.phone, phone) -- even if this request is refused
  return nil
end
