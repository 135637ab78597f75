-- For specs: the stand-in engine in place of the real one.

return function(T)
  local host = require('piecework.host')
  local json = require('piecework.json')
  local engine = require('piecework.engine')
  local M = {}
  local script_path = T.cwd .. '/standin.json'

  local launcher = T.write('standin.sh', '#!/bin/sh\nexec python3 -B '
    .. T.word(T.tree .. '/tests/editor/standin.py') .. ' "$@"\n')
  os.execute('chmod +x ' .. T.word(launcher))
  host.cmd('let $STANDIN = ' .. host.fn('string', script_path))
  host.cmd('let g:piecework = {"bin": ' .. host.fn('string', launcher) .. '}')

  -- What it answers from now on; a running one is stopped.
  function M.script(replies)
    engine.stop()
    host.cmd('let g:piecework = {"bin": ' .. host.fn('string', launcher) .. '}')
    T.write('standin.json', json.encode(json.map(replies)))
    os.remove(script_path .. '.log')
  end

  -- All requests so far: {method, params}. The last may be half written.
  function M.requests()
    local list = {}
    for line in (T.read(script_path .. '.log') or ''):gmatch('([^\n]+)\n') do
      list[#list + 1] = json.decode(line)
    end
    return list
  end

  -- The params of the last request of that method.
  function M.last(method)
    local found
    for _, request in ipairs(M.requests()) do
      if request[1] == method then found = request[2] end
    end
    return found
  end

  -- Questions asked so far, and those that wait for their answer.
  local rpc = require('piecework.rpc')
  local request, asked, open = rpc.request, 0, 0
  rpc.request = function(client, method, params, callback)
    asked, open = asked + 1, open + 1
    return request(client, method, params, function(...)
      open = open - 1
      return callback(...)
    end)
  end

  -- Lets the editor work until all is answered, and what follows from it is done: in 300 ms of its own time nothing
  -- more is asked.
  function M.settle()
    local turns, before = 0, nil
    T.wait(function()
      turns = open == 0 and asked == before and turns + 1 or 0
      before = asked
      return turns > 60
    end, 'the end of what was begun')
  end

  return M
end
