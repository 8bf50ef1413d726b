give_back(asked.increments)
return answer('taken')
