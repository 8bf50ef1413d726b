local missing = unready()
if missing then return missing end
local usages = usages_of()
local refused = refusal(usages)
if refused then return refused end
return answer('taken', {taken = take(usages, 0)})
