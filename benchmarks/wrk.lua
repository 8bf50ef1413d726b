-- Plays a file of whole requests, each behind its length, once; prints what came of it as JSON.
local requests, sent, threads = {}, -1, {} -- wrk asks for one request before it begins, and does not send it
local expected
answered, refused, sample = 0, 0, ''

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  expected = tonumber(args[2])
  local file = assert(io.open(args[1], 'rb'))
  local length = file:read('*n')
  while length do
    file:read(1)
    table.insert(requests, file:read(length))
    length = file:read('*n')
  end
end

-- A connection that finds nothing more to play waits until the others have their answers.
function delay()
  return sent < #requests and 0 or 3600000
end

function request()
  sent = sent + 1
  return requests[math.max(1, sent)]
end

function response(status, headers, body)
  answered = answered + 1
  if status ~= expected then
    refused = refused + 1
    sample = status .. ' ' .. body
  end
  if answered == #requests then
    io.write('played\n') -- wrk itself would wait for the end of its time
    io.flush()
  end
end

function done(summary, latency)
  local thread, lost = threads[1], 0
  for _, kind in ipairs({'connect', 'read', 'write', 'timeout'}) do lost = lost + summary.errors[kind] end
  local form = '\n{"answered": %d, "refused": %d, "lost": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "sample": "%s"}\n'
  local text = thread:get('sample'):gsub('[%c"\\]', ' ')
  io.write(form:format(thread:get('answered'), thread:get('refused'), lost, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, text))
end
