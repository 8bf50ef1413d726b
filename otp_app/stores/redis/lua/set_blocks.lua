for key, till in pairs(asked.blocks) do
  block(key, till > now and till or 0, till > now and HOUR or 0)
end
return answer('taken')
