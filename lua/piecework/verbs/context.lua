-- What a verb was called with, and which plan it means.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local message = require('piecework.message')
local state = require('piecework.state')

local M = {}

---@class piecework.Call
---@field sub string        the subcommand
---@field words string[]    what followed it
---@field text string       the same, as typed
---@field bang boolean
---@field mods string
---@field range integer     how many line numbers were given
---@field first integer
---@field last integer
---@field plan? integer      that was taken off the front of the words

-- Takes a plan number off the front of the words: `12`, `#12`; once, then it is known.
---@param call piecework.Call
function M.take_plan(call)
  local number = not call.plan and (call.words[1] or ''):match('^#?(%d+)$')
  if number then
    table.remove(call.words, 1)
    call.text = call.text:gsub('^%s*#?%d+%s*', '')
    call.plan = tonumber(number)
  end
  return call.plan
end

local function newest_in(plans, states)
  for _, wanted in ipairs(states or {}) do
    for _, plan in ipairs(plans) do
      if plan.state == wanted then return plan.plan end
    end
  end
  return plans[1] and plans[1].plan
end

-- Calls [done] with the plan that is meant: the number given, that of the buffer at hand, the
-- newest one in one of [states] (in that order), the newest one.
---@param call piecework.Call
---@param states? string[]
---@param done fun(plan: integer)
function M.plan(call, states, done)
  local number = M.take_plan(call)
  if number then return done(number) end
  local view = buffers.view()
  if view and view.plan ~= 0 then return done(view.plan) end
  if not states and state.newest then return done(state.newest) end
  engine.ask('plan/list', { limit = 50 }, function(result)
    local plan = newest_in(result.plans or {}, states)
    if not plan then
      return message.say('no plan in this project yet: :Piecework plan {what to do}', 'warn')
    end
    done(plan)
  end)
end

-- Opens KIND/N with the call's mods.
function M.open(call, kind, plan, rest)
  buffers.open(buffers.uri(kind, plan, rest), call.mods)
end

-- The path of the current buffer when it is a file, else nil.
function M.current_file()
  local scope = require('piecework.scope')
  local buf = host.fn('bufnr', '%')
  return scope.is_file(buf) and scope.path(buf) or nil
end

return M
