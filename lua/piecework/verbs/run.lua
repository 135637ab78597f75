-- run, stop, retry, verify, resume, trust: money is spent here, and only here and in plan.lua.

local context = require('piecework.verbs.context')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')
local state = require('piecework.state')

local M = {}

-- 'T01,T02' and 'T01 T02' alike.
local function task_ids(words)
  local ids = {}
  for _, word in ipairs(words) do
    for id in word:gmatch('[^,%s]+') do ids[#ids + 1] = id end
  end
  return #ids > 0 and ids or nil
end

local function take_word(words, word)
  for i, each in ipairs(words) do
    if each == word then return table.remove(words, i) ~= nil end
  end
  return false
end

-- A command nobody has seen stops a run: say where to look.
local function tell(err, plan)
  if err.code == 'untrusted' then
    err = { code = err.code, message = err.message,
      hint = (':Piecework trust %d shows it'):format(plan) }
  elseif err.code == 'budget' then
    err = { code = err.code, message = err.message, hint = ':Piecework! run goes past it' }
  end
  message.error(err)
end

---@param options {only?: string[], force?: boolean, batch?: boolean}
function M.start(plan, options)
  engine.request('run/start', { plan = plan, only = options.only, force = options.force or false,
    batch = options.batch or false,
    buffers = scope.buffers() }, function(err)
    if err then return tell(err, plan) end
    local known = state.plan(plan)
    known.state = 'running'
    require('piecework.events').touch(plan)
    message.say((options.batch and '#%d goes through batches: hours, at half the price'
      or '#%d runs in the background; :Piecework shows how far it is'):format(plan))
  end)
end

function M.run(call)
  context.plan(call, { 'ready', 'paused' }, function(plan)
    local batch = take_word(call.words, '--batch')
    M.start(plan, { only = task_ids(call.words), force = call.bang, batch = batch })
  end)
end

function M.stop(call)
  local plan = context.take_plan(call) or 0
  local task = call.words[1]
  if task then
    if plan == 0 then plan = state.newest or 0 end
    return engine.ask('task/cancel', { plan = plan, task = task }, function()
      message.say(('#%d %s stopped; :Piecework retry does it again'):format(plan, task))
    end)
  end
  engine.ask('run/stop', { plan = plan, now = call.bang }, function(result)
    if result.stopped == 0 then return message.say('nothing is running') end
    message.say(plan == 0 and 'stopping all runs' or ('stopping #%d'):format(plan))
  end)
end

function M.retry_task(plan, task, remark)
  engine.request('task/retry', { plan = plan, task = task, remark = remark,
    buffers = scope.buffers() }, function(err)
    if err then return tell(err, plan) end
    message.say(('#%d %s is done again'):format(plan, task))
  end)
end

function M.retry(call)
  context.plan(call, nil, function(plan)
    local task = table.remove(call.words, 1)
    if not task then return message.error('which task? :Piecework retry [N] T01 [remark]') end
    local remark = call.text:gsub('^%s*%S+%s*', '')
    M.retry_task(plan, task, remark ~= '' and remark or nil)
  end)
end

function M.verify(call)
  context.plan(call, { 'review' }, function(plan)
    engine.request('verify/start', { plan = plan, force = call.bang, buffers = scope.buffers() },
      function(err)
        if err then return tell(err, plan) end
        message.say(('#%d is verified again in the background'):format(plan))
      end)
  end)
end

function M.resume(call)
  local plan = context.take_plan(call) or 0
  engine.ask('resume', { plan = plan, buffers = scope.buffers() }, function(result)
    for _, id in ipairs(result.plans or {}) do state.plan(id).state = 'running' end
    message.say(result.text and result.text ~= '' and result.text or 'nothing to resume')
  end)
end

function M.trust(call)
  context.plan(call, nil, function(plan) context.open(call, 'trust', plan) end)
end

return M
