-- The wire against the stand-in: answers, events, errors, death, versions, nonsense.

return function(T)
  local host = require('piecework.host')
  local engine = require('piecework.engine')
  local json = require('piecework.json')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)

  -- answers and events
  local seen = {}
  require('piecework.rpc').listen(function(method, params) seen[#seen + 1] = { method, params } end)
  standin.script({
    ['cost/get'] = { { result = { big = 1700000000123, flag = true, text = 'a\nb\0c', none = json.null },
      events = { { kind = 'money', plan = 3, spent = 31000000, budget = 600000000 } } } },
    ['log/get'] = { { error = { code = 'io', message = 'no space', hint = 'free some' } } },
  })
  local got
  engine.request('cost/get', {}, function(err, result) got = { err, result } end)
  T.ok(got == nil, 'never from inside')
  T.wait(function() return got end, 'an answer')
  T.eq(got[1], nil, 'no error')
  T.eq(got[2].big, 1700000000123, 'a 64-bit number')
  T.eq(got[2].flag, true, 'a boolean')
  T.eq(got[2].text, 'a\nb\0c', 'control characters')
  T.eq(got[2].none, nil, 'null is a missing field')
  T.eq(seen[1] and seen[1][1], 'event', 'an event')
  T.eq(seen[1][2].spent, 31000000, 'with its fields')
  T.eq(require('piecework.state').plans[3].spent, 31000000, 'recorded')
  T.eq(engine.state, 'ready', 'greeted')
  local first = standin.requests()[1]
  T.eq(first[1], 'initialize', 'the greeting comes first')
  T.eq({ first[2].protocol, first[2].editor, first[2].cwd }, { 1, host.name, T.cwd }, 'and says who')

  got = nil
  engine.request('log/get', {}, function(err) got = err end)
  T.wait(function() return got end, 'an error')
  T.eq({ got.code, got.message, got.hint }, { 'io', 'no space', 'free some' }, 'an error with its hint')
  engine.ask('log/get', {}, function() end)
  T.wait(function() return T.said() == 'piecework: no space. Free some' end, 'the error as one line')

  -- many at once, in order of asking
  local order = {}
  for i = 1, 200 do
    engine.request('cost/get', { i = i }, function() order[#order + 1] = i end)
  end
  T.wait(function() return #order == 200 end, '200 answers')
  T.ok(order[1] == 1 and order[200] == 200, '200 answers in order')

  -- large texts
  engine.stop()
  local big = ('0123456789abcdef'):rep(65536)
  standin.script({ ['review/get'] = { { result = { text = big } } } })
  got = nil
  engine.request('review/get', { text = big }, function(err, result) got = result or err end)
  T.wait(function() return got end, '1 MB both ways')
  T.ok(got.text == big, '1 MB both ways arrives whole')

  -- a large answer is decoded in steps; what comes behind it waits its turn, and nothing is lost when the engine ends
  engine.stop()
  local many = {}
  for i = 1, 12000 do many[i] = { path = 'src/file.c', line = i, text = 'say "x"' } end
  standin.script({ ['review/quickfix'] = { { result = { items = many },
    events = { { kind = 'money', plan = 3, spent = 5 } }, later = { { kind = 'money', plan = 3, spent = 7 } } } },
    ['cost/get'] = { { result = { n = 1 } } }, ['log/get'] = { { die = true } } })
  local said, steps, whole = {}, 0, json.steps
  json.steps = function(text)
    local step = whole(text)
    return function(ms)
      steps = steps + 1
      return step(ms)
    end
  end
  engine.peek('review/quickfix', {}, function(_, result)
    said[#said + 1] = 'large ' .. #result.items .. ' ' .. tostring(require('piecework.state').plans[3].spent)
  end)
  engine.peek('cost/get', {}, function(_, result) said[#said + 1] = 'small ' .. result.n end)
  engine.peek('log/get', {}, function(failed) said[#said + 1] = failed.code end)
  T.wait(function() return #said == 3 end, 'three answers')
  T.eq(said, { 'large 12000 5', 'small 1', 'gone' }, 'answers and events in their order')
  T.eq(require('piecework.state').plans[3].spent, 7, 'the event behind the large answer came after it')
  T.ok(host.name ~= 'vim' or steps > 1, 'it was decoded in steps', steps)
  json.steps = whole

  -- answers nobody waits for
  engine.stop()
  standin.script({ ['cost/get'] = { { result = { n = 1 }, twice = true }, { result = { n = 2 } } } })
  local count, last = 0, nil
  engine.request('cost/get', {}, function() count = count + 1 end)
  engine.request('cost/get', {}, function(_, result) last = result.n end)
  T.wait(function() return last end, 'the second answer')
  T.eq({ count, last }, { 1, 2 }, 'an answer told twice counts once')

  -- death in the middle
  engine.stop()
  standin.script({ ['run/start'] = { { die = true, code = 3, stderr = 'piecework: out of luck' } },
    ['cost/get'] = { { result = {} } } })
  got = nil
  engine.request('run/start', { plan = 1 }, function(err) got = err end)
  T.wait(function() return got end, 'the answer of a dying engine')
  T.eq(got.code, 'gone', 'a dead engine answers with an error')
  T.wait(function() return (T.said() or ''):find('out of luck') end, 'the one line of a dead engine')
  T.like(T.said(), ':Piecework resume', 'which names resume')
  T.eq(engine.state, 'off', 'it is known to be gone')
  got = nil
  engine.request('cost/get', {}, function(err) got = err or 'fine' end)
  T.wait(function() return got end, 'a new engine')
  T.eq(got, 'fine', 'the next verb starts a new one')

  -- another protocol, a binary that is something else, none at all
  engine.stop()
  standin.script({ initialize = { { result = { protocol = 2, version = '9' } } } })
  engine.ask('cost/get', {}, function() end)
  T.wait(function() return (T.said() or ''):find('protocol 2') end, 'the mismatch')
  T.like(T.said(), ':Piecework build', 'a protocol mismatch names build')
  T.eq(engine.state, 'off', 'and that engine is not used')

  standin.script({ initialize = { { die = true, code = 0 } } })
  engine.ask('cost/get', {}, function() end)
  T.wait(function() return (T.said() or ''):find('did not answer') end, 'a binary that leaves')
  T.like(T.said(), ':Piecework build', 'a binary that leaves names build')

  standin.script({ initialize = { { die = true, code = 1, stderr = 'piecework: cannot write the state' } } })
  engine.ask('cost/get', {}, function() end)
  T.wait(function() return (T.said() or ''):find('cannot write the state') end, 'the reason on stderr')
  T.like(T.said(), 'did not start', 'an engine that cannot start says why')

  host.cmd('let g:piecework = {"bin": "/nonexistent/piecework"}')
  engine.ask('cost/get', {}, function() end)
  T.wait(function() return (T.said() or ''):find('/nonexistent/piecework') end, 'a wrong bin')
  T.like(T.said(), 'g:piecework.bin', 'a wrong g:piecework.bin is named, no other taken in its place')
  host.cmd('let g:piecework = {}')
  local find = engine.find
  engine.find = function() return nil end
  engine.ask('cost/get', {}, function() end)
  T.wait(function() return (T.said() or ''):find('not built') end, 'no binary')
  T.like(T.said(), ':Piecework build', 'a missing binary names build')
  engine.find = find
end
