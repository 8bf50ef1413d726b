return answer('taken', {converted = take_converted(asked.batch)})
