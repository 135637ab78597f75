-- plan, edit, each: from words and a scope to tasks.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local context = require('piecework.verbs.context')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')
local state = require('piecework.state')

local M = {}

local function adopt(call)
  local path = host.fn('fnamemodify', host.fn('expand', call.text:match('^@%s*(.-)%s*$')), ':p')
  engine.ask('plan/adopt', { path = path }, function(result)
    state.plan(result.plan)
    message.say(('plan %d adopted from %s: :Piecework plan'):format(
      result.plan, host.fn('fnamemodify', path, ':t')))
  end)
end

-- Without words: the plan meant, opened.
local function show(call)
  context.plan(call, { 'ready', 'planning', 'review', 'running' }, function(plan)
    context.open(call, 'plan', plan)
  end)
end

local function create(call, range)
  engine.ask('plan/create', { request = call.text, scope = range, buffers = scope.buffers(),
    go_on = call.bang }, function(result)
    state.plan(result.plan).state = 'planning'
    require('piecework.events').touch(result.plan)
    message.say(('planning %d in the background; :Piecework shows how far'):format(result.plan))
  end)
end

-- What would serve better than a plan, beside the cursor; it is shown once for the same words.
local function show_advice(advice)
  local lines = buffers.split(advice.text)
  if (advice.command or '') ~= '' then
    lines[#lines + 1] = ''
    lines[#lines + 1] = 'instead:  ' .. advice.command
  end
  host.popup(lines, 'piecework')
  message.say('not planned, nothing spent; :Piecework! plan plans all the same')
end

function M.plan(call)
  local first = call.words[1]
  if not first then return show(call) end
  if #call.words == 1 and first:find('^#?%d+$') then return show(call) end
  if first:sub(1, 1) == '@' then return adopt(call) end
  local range = call.range > 0 and scope.range(call.first, call.last) or {}
  if call.bang then return create(call, range) end
  engine.ask('project/advise', { request = call.text, scope = range }, function(advice)
    if advice.kind == 'fits' or advice.seen then return create(call, range) end
    show_advice(advice)
  end)
end

-- Starts tasks without a planner. [run]: at once; else they wait in a plan.
local function start(call, ranges, run)
  local events = require('piecework.events')
  -- The event of the plan comes before the answer, which says more.
  events.expected = true
  engine.request('edit/start', { instruction = call.text, scope = ranges, buffers = scope.buffers(),
    run = run }, function(err, result)
    events.expected = false
    if err then return message.error(err) end
    state.plan(result.plan).state = run and 'running' or 'ready'
    events.touch(result.plan)
    if run then
      message.say(('#%d started; :Piecework shows how far it is'):format(result.plan))
    else
      message.say(('plan %d ready (%s): :Piecework plan'):format(result.plan,
        message.count(#ranges, 'place')))
    end
  end)
end

function M.edit(call)
  if call.text == '' then
    return message.error('say what to do: :\'<,\'>Piecework edit {instruction}')
  end
  local first, last = call.first, call.last
  if call.range == 0 then first, last = 0, 0 end
  local ranges = scope.range(first, last)
  if #ranges == 0 then return message.error('this buffer is no file; nothing to edit') end
  start(call, ranges, true)
end

-- `--by=file` (default) or `--by=entry`, taken off the front.
local function take_by(call)
  local by, rest = call.text:match('^%-%-by=(%S+)%s*(.*)$')
  if not by then return 'file' end
  call.text = rest
  return by
end

-- The range, else the quickfix list, else the argument list.
local function targets(call, by)
  if call.range > 0 then return scope.range(call.first, call.last) end
  local entries = scope.quickfix()
  if entries then return by == 'entry' and entries or scope.by_file(entries) end
  return scope.args()
end

function M.each(call)
  local by = take_by(call)
  if by ~= 'file' and by ~= 'entry' then
    return message.error('--by takes file or entry, not ' .. by)
  end
  if call.text == '' then return message.error('say what to do: :Piecework each {instruction}') end
  local ranges = targets(call, by)
  if #ranges == 0 then
    return message.error('no range, no quickfix list and no arguments to work on')
  end
  start(call, ranges, call.bang)
end

function M.preview(call)
  context.plan(call, nil, function(plan)
    local task = call.words[1]
    if not task then return message.error('which task? :Piecework preview [N] T01') end
    buffers.open(buffers.uri('preview', plan, task), call.mods)
    if not call.bang then return end
    engine.request('preview/count', { plan = plan, task = task }, function(err, counted)
      if err then return message.error(err) end
      message.say(task .. ': ' .. counted.text)
    end)
  end)
end

return M
