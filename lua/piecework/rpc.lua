-- Requests, their answers, and events, over a host channel.
--
--   [0, id, method, [params]]  ->   <-  [1, id, error, result]
--                                   <-  [2, method, params]
--
-- In msgpack an event comes wrapped as Neovim's own call of on() below; on a channel that is ours
-- the wrapping is taken off, nothing is executed.
--
-- An answer nobody waits for (late, repeated, of an earlier engine) is dropped. When the channel
-- dies every open request is answered with an error, so that no caller waits for ever.

local host = require('piecework.host')
local json = require('piecework.json')

local M = {}

---@class piecework.Error
---@field code string
---@field message string
---@field hint string

---@alias piecework.Callback fun(err: piecework.Error?, result: any)

---@class piecework.Client
---@field channel integer?  nil once it is dead
---@field last_id integer
---@field waiting table<integer, piecework.Callback>

M.PROTOCOL = 1

local listeners = {}

-- [listener] gets every event: (method, params).
function M.listen(listener)
  listeners[#listeners + 1] = listener
end

-- An event of the engine. Also what the msgpack wire names.
function M.on(method, params)
  for _, listener in ipairs(listeners) do
    listener(method, params or {})
  end
end

local function failure(code, message, hint)
  return { code = code, message = message, hint = hint or '' }
end
M.failure = failure

-- Only a table with words in it is an error; null may come as several things.
local function as_error(value)
  if type(value) == 'table' and (value.message or value.code) then return value end
  if type(value) == 'string' then return failure('failed', value) end
  return nil
end

local function on_answer(client, message)
  local callback = client.waiting[message[2]]
  if not callback then return end
  client.waiting[message[2]] = nil
  local err = as_error(message[3])
  local result = message[4]
  if type(result) ~= 'table' then result = {} end
  if err then callback(err) else callback(nil, result) end
end

local function on_event(_, message)
  local method, params = message[2], message[3]
  if method == 'nvim_exec_lua' then
    local args = type(params) == 'table' and params[2]
    if type(args) ~= 'table' then return end
    method, params = args[1], args[2]
  end
  if type(method) == 'string' then M.on(method, type(params) == 'table' and params or {}) end
end

local receive = { [1] = on_answer, [2] = on_event }

-- Public for tests: one decoded message.
function M.receive(client, message)
  local handle = type(message) == 'table' and receive[message[1]]
  if handle then handle(client, message) end
end

-- Starts an engine. [on_exit] gets its exit status and the end of what it wrote to stderr.
---@param argv string[]
---@param on_exit fun(code: integer, stderr: string)
---@return piecework.Client?, string?
function M.connect(argv, on_exit)
  local client = { last_id = 0, waiting = {} }
  local channel, err = host.connect(argv, {
    message = function(message) M.receive(client, message) end,
    exit = function(code, stderr)
      client.channel = nil
      local waiting = client.waiting
      client.waiting = {}
      on_exit(code, stderr)
      for _, callback in pairs(waiting) do
        callback(failure('gone', 'the engine ended', ':Piecework resume goes on'))
      end
    end,
  })
  if not channel then return nil, err end
  client.channel = channel
  return client
end

-- [callback] is called exactly once, never from inside.
---@param client piecework.Client
---@param method string
---@param params table
---@param callback piecework.Callback
function M.request(client, method, params, callback)
  client.last_id = client.last_id + 1
  local id = client.last_id
  client.waiting[id] = callback
  local sent = client.channel and host.send(client.channel, { 0, id, method, { json.map(params) } })
  if sent then return end
  client.waiting[id] = nil
  host.defer(0, function() callback(failure('gone', 'the engine ended', 'try again')) end)
end

function M.close(client)
  if client.channel then host.stop(client.channel) end
end

return M
