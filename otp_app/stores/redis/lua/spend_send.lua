local phone = phone_of(asked.phone)
local missing = unready(phone)
if missing then return missing end
local found = challenge_of(asked.id)
local same = found and found.phone == asked.number and found.purpose == asked.purpose and found.device == asked.device
local open = same and found.status == 'pending' and expires_at(found) > now
if not open or found.sends_left == 0 or found.checks_left == 0 then return answer('none') end
local usages = usages_of(phone, asked.lane)
local refused = refusal(usages)
if refused then return refused end
found.language = asked.language
if asked.channel ~= '' then found.channel = asked.channel end
return send(found, phone, usages)
