-- status, cost, log, health, build: verbs that only show something.

local buffers = require('piecework.buffers')
local context = require('piecework.verbs.context')
local engine = require('piecework.engine')

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

function M.health(call)
  context.open(call, 'health', 0)
end

function M.build(call)
  require('piecework.ui.build').start(call.mods)
end

return M
