-- status, cost, log, bug, health, build: verbs that only show something.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local context = require('piecework.verbs.context')
local engine = require('piecework.engine')
local message = require('piecework.message')

local M = {}

function M.status(call)
  context.open(call, 'status', context.take_plan(call) or 0)
end

function M.cost(call)
  local span = call.words[1]
  if span and not span:find('^#?%d+$') then return context.open(call, 'cost', 0, span) end
  context.plan(call, nil, function(plan) context.open(call, 'cost', plan) end)
end

function M.log(call)
  -- What was told must stay readable when there is no engine to ask.
  local state = require('piecework.state')
  local plan = context.take_plan(call) or (buffers.view() or {}).plan or state.newest
  if plan and plan ~= 0 then return context.open(call, 'log', plan) end
  if not engine.running() then return context.open(call, 'log', 0) end
  engine.request('plan/list', { limit = 1 }, function(err, result)
    local newest = not err and result.plans and result.plans[1]
    context.open(call, 'log', newest and newest.plan or 0)
  end)
end

-- Written by the engine, nothing is sent; the report opens, for it is to be read.
function M.bug(call)
  local view = buffers.view()
  local plan = context.take_plan(call) or (view and view.plan ~= 0 and view.plan)
    or require('piecework.state').newest or 0
  engine.ask('bug/write', { plan = plan }, function(result)
    local ok, err = host.cmd(call.mods .. ' split ' .. host.fn('fnameescape', result.report))
    if not ok then return message.error(err) end
    local two = (result.cassette or '') ~= ''
    message.say(('read %s before you send %s, nothing was sent: %s'):format(two and 'both' or 'it',
      two and 'them' or 'it', two and result.cassette or result.report))
  end)
end

function M.health(call)
  context.open(call, 'health', 0, call.bang and 'reach' or nil)
end

function M.build(call)
  require('piecework.ui.build').start(call.mods)
end

return M
