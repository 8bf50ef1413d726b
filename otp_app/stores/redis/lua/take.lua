local early = unready()
if early then return early end
local usages = usages_of()
local no = refusal(usages)
if no then return no end
return answer('taken', {taken = take(usages, 0)})
