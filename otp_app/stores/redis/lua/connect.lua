-- Runs alone, once for each new connection. A server with another id has taken over, or was started again: its data may
-- be older than what clients were answered, so the script ends the generation, and the data is compared with SQL.
local found = redis.call('GET', 'otp:generation')
if found and cjson.decode(found).server ~= ARGV[1] then redis.call('DEL', 'otp:generation') end
return 1
