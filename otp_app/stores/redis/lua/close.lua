local found = challenge_of(asked.id)
if not found or found.status ~= 'pending' then return answer('none') end
found.status = asked.status
if asked.status == 'approved' then
  local phone = phone_of(asked.phone)
  local converting = {}
  for _, increment in ipairs(found.taken) do
    if increment[6] then table.insert(converting, increment) end
  end
  local lane = phone[lane_of(found)]
  for _, pending in ipairs({phone.pending_s, phone.pending_d}) do
    for _, other in ipairs(pending) do
      if other.id ~= found.id and other.purpose == found.purpose then
        other.status, other.closed_at = 'canceled', now
        keep_challenge(other)
      end
    end
  end
  found.closed_at, lane.a = now, now
  local paid = asked.checked_at > 0 and asked.checked_at or found.checked_at
  fail(lane, paid, -1)
  for _, increment in ipairs(asked.increments) do table.insert(converting, increment) end
  give_back(converting)
  keep_phone(asked.phone, phone)
end
keep_challenge(found)
local converted = {}
if asked.status == 'approved' then
  redis.call('RPUSH', 'otp:converted', found.id)
  redis.call('PEXPIRE', 'otp:converted', text(MONTH))
  if redis.call('LLEN', 'otp:converted') >= asked.batch then converted = take_converted(asked.batch) end
end
return answer('taken', {converted = converted})
