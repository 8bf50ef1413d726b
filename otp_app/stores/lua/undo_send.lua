local found = read('otp:c:' .. asked.id)
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
for _, charge in ipairs(asked.charges) do -- a success must not give back again what is given back now
  for i, held in ipairs(found.charges) do
    if held[1] == charge[1] and held[2] == charge[2] then
      table.remove(found.charges, i)
      break
    end
  end
  -- Of comparisons, of which more than one is taken at once, those that failed meanwhile stay taken.
  if charge[3] > 1 then charge[3] = charge[3] - (found.checks - found.checks_left) end
end
give_back(asked.charges)
keep_challenge(found)
keep_phone(asked.phone, phone)
return answer('taken')
