local phone = asked.phone and phone_of(asked.phone)
local early = unready(phone)
if early then return early end
return answer('taken', {usages = triples(usages_of(phone, asked.lane))})
