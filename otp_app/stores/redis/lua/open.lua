local phone, challenge = phone_of(asked.phone), asked.challenge
local missing = unready(phone)
if missing then return missing end
local usages = usages_of(phone, lane_of(challenge))
local refused = refusal(usages)
if refused then return refused end
challenge.g, challenge.created_at = generation.id, now
table.insert(phone[lane_of(challenge)].o, challenge.id)
return send(challenge, phone, usages)
