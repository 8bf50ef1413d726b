local found = challenge_of(asked.id)
local open = found and found.status == 'pending' and expires_at(found) > now and found.checks_left > 0
if not open or found.ttl >= asked.ttl then return answer('none') end
found.ttl = asked.ttl
keep_challenge(found)
return answer('taken')
