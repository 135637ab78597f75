-- piecework://status[/N]: what is going on, live. One line a task.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')
local state = require('piecework.state')

local M = { live = true, table = true, passing = true }

function M.load(view, show)
  engine.request('status/get', { plan = view.plan }, function(err, result)
    if err then
      if not view.shown then show(message.page(err)) end
      return message.error(err)
    end
    show(result.text or '', result.index)
  end)
end

-- What a provider holds back counts down behind its line, as long as it waits and is seen.
local TICK_MS = 1000
local ticking = {}

local function waits_of(view)
  local notes, seen = {}, {}
  for line, entry in pairs(view.index) do
    if entry.kind == 'task' and not seen[entry.task] then
      local text = state.waits(entry.plan, entry.task, host.fn('localtime'))
      seen[entry.task] = true
      if text then notes[#notes + 1] = { line = line, text = text } end
    end
  end
  return notes
end

function M.shown(view)
  local notes = waits_of(view)
  host.notes(view.buf, notes)
  if #notes == 0 or ticking[view.buf] then return end
  ticking[view.buf] = true
  host.defer(TICK_MS, function()
    ticking[view.buf] = nil
    host.safe(function()
      if buffers.view(view.buf) == view and buffers.visible(view) then M.shown(view) end
    end)
  end)
end

-- The plan a line speaks of: its own, or that of the lines above it.
local function plan_at(view, line)
  for i = line, 1, -1 do
    local entry = view.index[i]
    if entry and entry.plan and entry.plan ~= 0 then return entry.plan end
  end
  return view.plan
end

local function go(view, line)
  local entry = view.index[line] or {}
  local plan = plan_at(view, line)
  if entry.task then return buffers.open(buffers.uri('preview', plan, entry.task)) end
  if plan ~= 0 then buffers.open(buffers.uri(view.plan == plan and 'plan' or 'status', plan)) end
end

local function on_task(run)
  return function(view, line)
    local entry = view.index[line] or {}
    if not entry.task then return message.say('no task on this line', 'warn') end
    run(plan_at(view, line), entry.task)
  end
end

local function on_plan(run)
  return function(view, line)
    local plan = plan_at(view, line)
    if plan == 0 then return message.say('no plan on this line', 'warn') end
    run(plan, (view.index[line] or {}).task)
  end
end

-- One task on its line, else the run.
local stop = on_plan(function(plan, task)
  host.cmd('Piecework stop ' .. plan .. (task and ' ' .. task or ''))
end)

local function verb(name)
  return function(plan) host.cmd('Piecework ' .. name .. ' ' .. plan) end
end

M.keys = keys.with_help({
  { lhs = '<CR>', name = 'status-open', run = go,
    help = 'the task\'s prompt; on a plan its status' },
  { lhs = 'r', name = 'status-retry', help = 'do the task again',
    run = on_task(function(plan, task) require('piecework.verbs.run').retry_task(plan, task) end) },
  { lhs = 'x', name = 'status-stop', help = 'stop the task; on a plan the run', run = stop },
  { lhs = 'l', name = 'status-log', help = 'the log', run = on_plan(verb('log')) },
  { lhs = 'p', name = 'status-plan', help = 'the plan',
    run = on_plan(function(plan) buffers.open(buffers.uri('plan', plan)) end) },
  { lhs = 'a', name = 'status-review', help = 'the review', run = on_plan(verb('review')) },
  { lhs = '$', name = 'status-cost', help = 'the receipt', run = on_plan(verb('cost')) },
  { lhs = 'R', name = 'status-reload', help = 'look again', run = buffers.load },
  { lhs = 'gq', name = 'status-close', help = 'close', run = buffers.close },
})

M.syntax = {
  { 'PieceworkHead', '^piecework:.*' },
  { 'PieceworkOk', '^ ok ' },
  { 'PieceworkFailed', '^ !! ' },
  { 'PieceworkDoubt', '^ ?? ' },
  { 'PieceworkRunning', '^ \\.\\. ' },
  { 'PieceworkNote', '^ \\(xx\\|==\\|--\\) ' },
}

return M
