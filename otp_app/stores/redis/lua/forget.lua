-- Deletes the challenges of a phone: those that SQL names, those that are open, and those whose sends are not in SQL yet.
-- Its sends and failed checks go on counting, under its keyed hash.
local phone, ids = phone_of(asked.phone), asked.ids
for _, lane in ipairs({phone.s, phone.d}) do
  for _, id in ipairs(lane.o) do table.insert(ids, id) end
  lane.o = {}
end
for _, entry in ipairs(redis.call('ZRANGE', 'otp:journal', 0, -1)) do table.insert(ids, cjson.decode(entry)[1]) end
for _, id in ipairs(ids) do
  local found = known_challenge(id)
  if found and found.phone == asked.number then redis.call('DEL', 'otp:c:' .. id) end
end
if redis.call('EXISTS', 'otp:p:' .. asked.phone) == 1 then keep_phone(asked.phone, phone) end
return answer('taken')
