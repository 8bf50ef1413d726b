local phone = asked.phone and phone_of(asked.phone)
local missing = unready(phone)
if missing then return missing end
return answer('taken', {usages = triples(usages_of(phone, asked.lane))})
