-- plan, edit, each: from words and a scope to tasks.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local context = require('piecework.verbs.context')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')
local state = require('piecework.state')

local M = {}

local function file_behind_at(text)
  return host.fn('fnamemodify', text:match('^@%s*(.-)%s*$'), ':p')
end

local function adopt(call)
  local path = file_behind_at(call.text)
  engine.ask('plan/adopt', { path = path }, function(result)
    state.plan(result.plan)
    message.say(('plan %d adopted from %s: :Piecework plan'):format(
      result.plan, host.fn('fnamemodify', path, ':t')))
  end)
end

-- `@file` is a plan to adopt, `@name words` a template, as the engine tells them apart.
local function names_file(text)
  local first = text:match('^@%s*(%S*)')
  return first:find('/', 1, true) or first:find('%.md$')
    or host.fn('filereadable', file_behind_at(text)) == 1
end

-- What each option of `plan` makes of the request.
local OPTIONS = {
  solo = function(params) params.solo = true end,
  ['cheap-first'] = function(params) params.cheap_first = true end,
  model = function(params, value) params.model = value end,
}

-- The options in front of the words, taken off; nil when one is not known, which is said.
local function take_options(call)
  local params = {}
  while true do
    local name, value, rest = call.text:match('^%-%-([%w-]+)=?(%S*)%s*(.*)$')
    if not name then return params end
    if not OPTIONS[name] then
      message.error('plan takes --solo, --cheap-first and --model=ROLE, not --' .. name)
      return nil
    end
    OPTIONS[name](params, value)
    call.text = rest
  end
end

-- Without words: the plan meant, opened.
local function show(call)
  context.plan(call, { 'ready', 'planning', 'review', 'running' }, function(plan)
    context.open(call, 'plan', plan)
  end)
end

local WORDS = {
  plan = 'planning %d in the background; :Piecework shows how far',
  solo = 'plan %d ready, for one model in one call: :Piecework run',
  cheap_first = '#%d: the small model tries each place, what fails is planned; :Piecework',
}

local function create(call, range, params)
  local kind = params.solo and 'solo' or params.cheap_first and 'cheap_first' or 'plan'
  local begins = { plan = 'planning', solo = 'ready', cheap_first = 'running' }
  params.request, params.scope, params.buffers = call.text, range, scope.buffers()
  params.go_on = call.bang
  local events = require('piecework.events')
  events.expected = params.solo  -- it is ready before the answer, which says more
  engine.request('plan/create', params, function(err, result)
    events.expected = false
    if err then return message.error(err) end
    state.plan(result.plan).state = begins[kind]
    events.touch(result.plan)
    message.say(WORDS[kind]:format(result.plan))
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

-- The range, else the quickfix list, else the argument list; nil when there is none, which is said.
local function targets(call, by)
  if call.range > 0 then return scope.range(call.first, call.last) end
  local entries = scope.quickfix()
  local ranges = entries and (by == 'file' and scope.by_file(entries) or entries) or scope.args()
  if #ranges > 0 then return ranges end
  message.error('no range, no quickfix list and no arguments to work on')
end

function M.plan(call)
  local first = call.words[1]
  if not first then return show(call) end
  if #call.words == 1 and first:find('^#?%d+$') then return show(call) end
  if first:sub(1, 1) == '@' and names_file(call.text) then return adopt(call) end
  local params = take_options(call)
  if not params then return end
  if call.text == '' then return message.error('say what to do: :Piecework plan {request}') end
  if params.model and not params.solo then
    return message.error('--model says who does --solo; the planner is the role big')
  end
  if params.cheap_first then
    local places = targets(call, 'file')
    if not places then return end
    return create(call, places, params)
  end
  local range = call.range > 0 and scope.range(call.first, call.last) or {}
  if call.bang or params.solo then return create(call, range, params) end
  engine.ask('project/advise', { request = call.text, scope = range }, function(advice)
    if advice.kind == 'fits' or advice.seen then return create(call, range, params) end
    show_advice(advice)
  end)
end

-- Starts tasks without a planner. [run]: at once; else they wait in a plan. [by]: "function" when
-- the engine is to find those around the ranges.
local function start(call, ranges, run, by)
  local events = require('piecework.events')
  -- The event of the plan comes before the answer, which says more.
  events.expected = true
  engine.request('edit/start', { instruction = call.text, scope = ranges, buffers = scope.buffers(),
    run = run, by = by }, function(err, result)
    events.expected = false
    if err then return message.error(err) end
    state.plan(result.plan).state = run and 'running' or 'ready'
    events.touch(result.plan)
    if run then
      message.say(('#%d started; :Piecework shows how far it is'):format(result.plan))
    else
      message.say(('plan %d ready (%s): :Piecework plan'):format(result.plan,
        message.count(result.places or #ranges, 'place')))
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

local BY = { file = true, entry = true, ['function'] = true }

-- `--by=file` (default), `--by=entry` or `--by=function`, taken off the front. Nil for another
-- option: as a word of the instruction it would be paid for.
local function take_by(call)
  local name, by, rest = call.text:match('^%-%-(%w+)=?(%S*)%s*(.*)$')
  if not name then return 'file' end
  call.text = rest
  return name == 'by' and BY[by] and by or nil
end

function M.each(call)
  local given = call.words[1]
  local by = take_by(call)
  if not by then
    return message.error('each takes --by=file, --by=entry or --by=function, not ' .. given)
  end
  if call.text == '' then return message.error('say what to do: :Piecework each {instruction}') end
  local ranges = targets(call, by)
  if ranges then start(call, ranges, call.bang, by == 'function' and by or nil) end
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
