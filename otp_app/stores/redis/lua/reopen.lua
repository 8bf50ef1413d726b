local found = challenge_of(asked.id)
if not found or found.status ~= 'approved' then return answer('none') end
found.status, found.closed_at = 'pending', 0
local kept = {} -- the next approval must not give the same increments back again
for _, increment in ipairs(found.taken) do
  if not increment[6] then table.insert(kept, increment) end
end
found.taken = kept
local phone = phone_of(asked.phone)
table.insert(phone[lane_of(found)].o, found.id)
keep_challenge(found)
keep_phone(asked.phone, phone)
return answer('taken')
