-- The one engine of this editor: found and started at the first verb, greeted, and started again
-- at the next verb when it died. Nothing is lost with it: what was paid for is in its journal.
--
--   off -> started -> greeting -> ready     a request greets, and goes right behind its greeting
--    ^--------+----------+--------+  exit

local host = require('piecework.host')
local config = require('piecework.config')
local message = require('piecework.message')
local rpc = require('piecework.rpc')

local M = {
  state = 'off',
  root = nil,      -- of the project the engine was started in
  version = nil,
  binary = nil,    -- the one in use
}

local GREETING_MS = 10000
local client
local behind = {}    -- callbacks of requests sent behind the greeting
local generation = 0 -- tells a late exit of an earlier engine from one of this
local hinted = false

-- The plugin's own directory: two levels above this file.
function M.home()
  local source = debug.getinfo(1, 'S').source:sub(2)
  return host.fn('fnamemodify', source, ':p:h:h:h')
end

-- Where an engine may be, best first: {path, where}.
function M.candidates()
  local list = {}
  local own = config.get('bin')
  -- Who names one means that one: another in its place would be a surprise.
  if own and own ~= '' then
    return { { path = host.fn('expand', own), where = 'g:piecework.bin' } }
  end
  list[#list + 1] = { path = M.home() .. '/build/piecework', where = 'build/' }
  list[#list + 1] = { path = host.fn('exepath', 'piecework'), where = '$PATH' }
  return list
end

function M.find()
  for _, candidate in ipairs(M.candidates()) do
    if candidate.path ~= '' and host.fn('executable', candidate.path) == 1 then
      return candidate.path
    end
  end
end

-- The engine is not used: who asked hears [err], and nothing that it may still answer. Those of
-- now, not who may have asked the next engine by the time this is told.
local function refuse(err)
  local waiting = behind
  behind = {}
  for _, item in ipairs(waiting) do item.refused = true end
  host.safe(function()
    for _, item in ipairs(waiting) do item.callback(err) end
  end)
end

local function ask_behind(method, params, callback)
  local item = { callback = callback }
  behind[#behind + 1] = item
  rpc.request(client, method, params, function(err, result)
    if not item.refused then callback(err, result) end
  end)
end

-- What is shown of a review depends on the buffers: hunks are stale, moved, undone in them.
local SHOWS = {
  ['review/get'] = true, ['review/quickfix'] = true, ['review/diff'] = true,
}

-- Calls [done] when the engine knows the texts that [method] is about.
local function tell_buffers(method, params, done)
  local scope = require('piecework.scope')
  if params.buffers then scope.forget_known() end
  if params.buffers or not SHOWS[method] or params.more then return done() end
  scope.news(params.plan, function(news)
    if news and M.state == 'ready' then
      rpc.request(client, 'review/buffers', { plan = params.plan, buffers = news,
        cwd = params.cwd }, function() end)
    end
    done()
  end)
end

local function stale_binary(what)
  return rpc.failure('protocol', what, ':Piecework build')
end

-- The last line of stderr says most.
local function last_line(text)
  local last = ''
  for line in text:gmatch('[^\r\n]+') do
    if line:find('%S') then last = line end
  end
  return (last:gsub('^piecework: ', ''))
end

local function on_exit(code, stderr)
  local was = M.state
  M.state, client = 'off', nil
  if was == 'leaving' or was == 'off' or was == 'started' then return end
  local why = last_line(stderr)
  if was == 'greeting' then
    local err = rpc.failure('gone', 'the engine did not start'
      .. (why ~= '' and ': ' .. why or ' (exit ' .. code .. ')'), 'see :Piecework health')
    if why == '' then err = stale_binary('the engine did not answer (exit ' .. code .. ')') end
    refuse(err)
  end
  host.safe(function()
    require('piecework.events').engine_gone()
    if was == 'greeting' then return end
    message.error(rpc.failure('gone', ('the engine ended (%s), nothing is lost'):format(
      why ~= '' and why or 'exit ' .. code), ':Piecework resume'))
  end)
end

local function open_work_hint(open)
  if hinted or type(open) ~= 'table' then return end
  hinted = true
  local tasks, hunks = tonumber(open.tasks) or 0, tonumber(open.hunks) or 0
  local parts = {}
  if tasks > 0 then parts[1] = message.count(tasks, 'open task') end
  if hunks > 0 then parts[#parts + 1] = message.count(hunks, 'undecided hunk') end
  if #parts == 0 then return end
  message.say(('%s here: :Piecework %s'):format(table.concat(parts, ', '),
    tasks > 0 and 'resume' or 'review'))
end

local function on_greeted(err, result)
  if not err and result.protocol ~= rpc.PROTOCOL then
    err = stale_binary(('the engine speaks protocol %s, this plugin %d')
      :format(tostring(result.protocol), rpc.PROTOCOL))
  elseif err and err.code == 'protocol' then
    err = stale_binary(err.message)
  end
  if err then
    M.stop()
    return refuse(err)
  end
  M.state, M.root, M.version = 'ready', result.root, result.version
  host.safe(function()
    for _, warning in ipairs(result.warnings or {}) do message.say(tostring(warning), 'warn') end
    open_work_hint(result.open)
  end)
  behind = {}
  require('piecework.known').ahead()
end

-- [next]: the method of the request behind it, so that the engine can make ready what that takes.
local function greet(next)
  local mine = generation
  M.state = 'greeting'
  rpc.request(client, 'initialize', {
    protocol = rpc.PROTOCOL, client = 'piecework', editor = host.name, next = next,
    cwd = host.fn('getcwd'), config = require('piecework.json').map(config.for_engine()),
  }, function(err, result)
    if mine == generation and M.state == 'greeting' then on_greeted(err, result) end
  end)
  host.defer(GREETING_MS, function()
    if mine ~= generation or M.state ~= 'greeting' then return end
    M.stop()
    refuse(stale_binary(M.binary .. ' does not answer'))
  end)
  require('piecework.events') -- listens
  require('piecework.disk').watch()
  require('piecework.scope').forget_known()
end

-- Nil, or why not.
local function start()
  if host.fn('eval', '&encoding') ~= 'utf-8' then
    return rpc.failure('encoding', 'the editor must work in UTF-8',
      '`set encoding=utf-8` in your vimrc')
  end
  M.binary = M.find()
  if not M.binary and config.get('bin') then
    return rpc.failure('no_engine', 'g:piecework.bin is no program: ' .. config.get('bin'),
      'Unset it, then :Piecework build')
  end
  if not M.binary then
    return rpc.failure('no_engine', 'the engine is not built yet', ':Piecework build makes it')
  end
  generation = generation + 1
  local mine = generation
  local err
  client, err = rpc.connect({ M.binary, 'serve', '--wire=' .. host.wire }, function(code, stderr)
    if mine == generation then on_exit(code, stderr) end
  end)
  if not client then
    return rpc.failure('no_engine', 'the engine does not start: ' .. err, ':Piecework build')
  end
  M.state = 'started'
end

-- A verb is about to ask: the engine starts while the rest of the layer is loaded. Why it does not
-- is told when it is asked.
function M.wake()
  if M.state == 'off' then start() end
end

-- Asks the engine; starts it when it is not there. [callback] comes exactly once, as soon as the
-- answer is there, in any mode: it may only record.
---@param method string
---@param params table
---@param callback fun(err: piecework.Error?, result: table)
function M.peek(method, params, callback)
  params.cwd = params.cwd or host.fn('getcwd')
  if M.state == 'off' then
    local err = start()
    if err then return callback(err) end
  end
  if M.state == 'started' then greet(method) end
  if M.state ~= 'ready' then return ask_behind(method, params, callback) end
  tell_buffers(method, params, function()
    -- Reading may have taken a moment.
    if M.state ~= 'ready' then return M.peek(method, params, callback) end
    rpc.request(client, method, params, callback)
  end)
end

-- The same at a safe time; without [callback] an error is told to the user.
---@param method string
---@param params table
---@param callback? fun(err: piecework.Error?, result: table)
function M.request(method, params, callback)
  callback = callback or function(err)
    if err then message.error(err) end
  end
  M.peek(method, params, function(err, result)
    host.safe(function() callback(err, result) end)
  end)
end

-- The same, for callers that only go on when it went well.
---@param method string
---@param params table
---@param done fun(result: table)
function M.ask(method, params, done)
  M.request(method, params, function(err, result)
    if err then return message.error(err) end
    done(result)
  end)
end

-- Events are due, or no longer.
function M.expect(yes)
  if client and client.channel then host.expect(client.channel, yes) end
end

function M.running()
  return M.state == 'ready'
end

function M.stop()
  if not client then return end
  M.state = 'leaving'
  rpc.close(client)
  client = nil
  M.state = 'off'
  generation = generation + 1
end

return M
