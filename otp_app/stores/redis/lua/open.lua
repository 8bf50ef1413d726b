local phone, challenge = phone_of(asked.phone), asked.challenge
local early = unready(phone)
if early then return early end
local usages = usages_of(phone, lane_of(challenge))
local no = refusal(usages) or suspicion(usages)
if no then return no end
challenge.g, challenge.created_at = generation.id, now
table.insert(phone[lane_of(challenge)].o, challenge.id)
return send(challenge, phone, usages)
