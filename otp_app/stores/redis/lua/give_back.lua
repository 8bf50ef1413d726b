give_back(asked.charges, 0)
return answer('taken')
