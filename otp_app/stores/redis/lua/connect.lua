-- By itself, once for each new connection: another server has taken over, or the same was started again. What it holds
-- may be older than what was answered, so nothing of it is trusted before it was compared with SQL.
local found = redis.call('GET', 'otp:generation')
if found and cjson.decode(found).server ~= ARGV[1] then redis.call('DEL', 'otp:generation') end
return 1
