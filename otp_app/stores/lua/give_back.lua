give_back(asked.charges)
return answer('taken')
