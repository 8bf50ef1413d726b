local found = known_challenge(asked.id)
if not found or found.status ~= 'pending' then return answer('none') end

local function without(list)
  local left = {}
  for _, at in ipairs(list) do
    if at ~= asked.at then table.insert(left, at) end
  end
  return left
end

local left = without(found.sent_at)
if #left == #found.sent_at then return answer('none') end
local phone = phone_of(asked.phone)
local lane = phone[lane_of(found)]
lane.s, found.sent_at = without(lane.s), left
found.sends_left = found.sends_left + 1
if #found.sent_at == 0 then found.status = 'canceled' end
local given, kept = {}, {} -- a later success must not give the same increments back again
for _, increment in ipairs(found.taken) do
  if increment[7] ~= asked.at or asked.chosen then
    table.insert(kept, increment)
  elseif increment[4] > 0 then
    table.insert(given, increment)
  end
end
found.taken = kept
give_back(given)
keep_challenge(found)
keep_phone(asked.phone, phone)
return answer('taken')
