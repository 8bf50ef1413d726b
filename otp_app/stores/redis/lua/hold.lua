for key, till in pairs(asked.holds) do
  hold(key, till > now and till or 0, till > now and HOUR or 0)
end
return answer('taken')
