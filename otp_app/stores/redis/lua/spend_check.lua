local usages = usages_of()
local refused = refusal(usages)
if refused then return refused end
local phone = phone_of(asked.phone)

local function newest(pending, device)
  local found = nil
  for _, challenge in ipairs(pending) do
    local matches = challenge.purpose == asked.purpose and challenge.device == device and expires_at(challenge) > now
    if matches and (not found or challenge.created_at >= found.created_at) then found = challenge end
  end
  return found
end

local found
if asked.id then
  found = challenge_of(asked.id)
  local same = found and found.phone == asked.number and found.purpose == asked.purpose
  if not same or found.status ~= 'pending' or expires_at(found) <= now then found = nil end
else
  found = asked.device ~= '' and newest(phone.pending_d, asked.device) or newest(phone.pending_s, '')
end
if not found or found.checks_left == 0 then return answer('none') end
if not asked.id then
  if found.phone_checks_left == 0 then return answer('none') end
  found.phone_checks_left = found.phone_checks_left - 1
end
found.checks_left, found.checked_at = found.checks_left - 1, now
fail(phone[lane_of(found)], now, 1)
local taken = take(usages, 0)
keep_challenge(found)
keep_phone(asked.phone, phone)
return answer('taken', {challenge = found, taken = taken})
