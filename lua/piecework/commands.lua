-- :[range]Piecework[!] {sub} {args}: the table of subcommands, and their completion.

local host = require('piecework.host')
local message = require('piecework.message')

local M = {}

---@class piecework.Verb
---@field module string   verbs/MODULE.lua; the function has the verb's name
---@field args? string    for the help: what may follow
---@field help string
---@field complete? string[]  names of completers below
---@field range? boolean
---@field bang? string    what the bang does

---@type table<string, piecework.Verb>
M.verbs = {
  plan = { module = 'plan', args = '[--solo|--cheap-first] [words | @template | @file | N]',
    range = true, complete = { 'plan_options', 'templates', 'plans' },
    bang = 'goes on although advice is against it',
    help = 'plan a request; without words show the newest plan' },
  edit = { module = 'plan', args = '{words | @template}', range = true,
    complete = { 'templates' },
    help = 'do it at once in the range, without a plan' },
  each = { module = 'plan', args = '[--by=file|entry|function] {words | @template}', range = true,
    complete = { 'by', 'templates' }, bang = 'runs at once',
    help = 'one task per place of the range, quickfix list or arguments' },
  run = { module = 'run', args = '[N] [T01,T02] [--batch]',
    complete = { 'plans', 'tasks', 'batch' }, bang = 'goes past the budget once',
    help = 'execute and verify a plan' },
  stop = { module = 'run', args = '[N] [T01]', complete = { 'plans', 'tasks' },
    bang = 'kills without waiting', help = 'stop a run, one task of it, or all' },
  retry = { module = 'run', args = '[N] T01 [remark]', complete = { 'tasks', 'plans' },
    help = 'do a task again' },
  verify = { module = 'run', args = '[N]', complete = { 'plans' },
    bang = 'judge all again, past the budget', help = 'run the test and the reviewer again' },
  resume = { module = 'run', args = '[N]', complete = { 'plans' },
    help = 'go on after a stop or crash' },
  trust = { module = 'run', args = '[N]', complete = { 'plans' },
    help = 'show the exact commands of a plan; ZZ trusts them' },
  review = { module = 'review', args = '[N] [qf]', complete = { 'qf', 'plans' },
    help = 'the diff of all results; qf: as a quickfix list' },
  diff = { module = 'review', args = '[N] [path]', complete = { 'files', 'plans' },
    help = 'a file beside its proposal, in diff mode' },
  overlay = { module = 'review', args = '[N]', complete = { 'plans' }, bang = 'hides it',
    help = 'show the hunks in their files' },
  accept = { module = 'review', args = '[plan | file [path] | task T01]', range = true,
    complete = { 'what', 'tasks' }, bang = 'with plan: also what you rejected',
    help = 'accept hunks; in a file those of the range, applied at once' },
  reject = { module = 'review', args = '[plan | file [path] | task T01]', range = true,
    complete = { 'what', 'tasks' }, help = 'reject hunks' },
  apply = { module = 'review', args = '[N] [file path | task T01]', complete = { 'plans', 'what' },
    bang = 'writes the files too, and removes deleted ones',
    help = 'do what is accepted, in the buffers' },
  revert = { module = 'review', args = '[N] [file path | task T01]', complete = { 'plans', 'what' },
    bang = 'writes the files too', help = 'take applied hunks back, by content' },
  commit = { module = 'review', args = '[N] [--by-task]', complete = { 'plans', 'by_task' },
    help = 'commit the plan\'s files; opens the message' },
  status = { module = 'show', args = '[N]', complete = { 'plans' }, help = 'what is going on' },
  cost = { module = 'show', args = '[N | day | week | month | all]',
    complete = { 'spans', 'plans' }, help = 'the receipt' },
  log = { module = 'show', args = '[N]', complete = { 'plans' }, help = 'what happened' },
  preview = { module = 'plan', args = '[N] T01', complete = { 'tasks', 'plans' },
    bang = 'has the provider count its tokens',
    help = 'exactly what would be sent for a task' },
  bug = { module = 'show', args = '[N]', complete = { 'plans' },
    help = 'a report and a cassette of a plan, to read before you send them' },
  health = { module = 'show', bang = 'asks the providers in use, too',
    help = 'what is there and what is missing' },
  build = { module = 'show', help = 'build the engine, in a visible log' },
}

local function names()
  local list = {}
  for name in pairs(M.verbs) do list[#list + 1] = name end
  table.sort(list)
  return list
end
M.names = names

local function words_of(text)
  local words = {}
  for word in text:gmatch('%S+') do words[#words + 1] = word end
  return words
end

local function unknown(sub)
  local near = require('piecework.config').nearest(sub, names())
  message.error(('no such subcommand: %s. %s'):format(sub,
    near and 'Did you mean ' .. near .. '?' or 'See :help piecework-verbs'))
end

-- These have something to show without an engine. For all others it starts while they are loaded.
local SHOWS_ALONE = { build = true, health = true, log = true }

-- The command. [given]: line numbers given (0, 1 or 2).
function M.run(first, last, given, bang, mods, args)
  message.fresh()
  local sub, text = args:match('^%s*(%S*)%s*(.-)%s*$')
  if sub == '' then sub = 'status' end
  local verb = M.verbs[sub]
  if not verb then return unknown(sub) end
  if given > 0 and not verb.range then return message.error(sub .. ' takes no range') end
  if bang and not verb.bang then return message.error(sub .. ' takes no !') end
  if not SHOWS_ALONE[sub] then require('piecework.engine').wake() end
  local call = { sub = sub, text = text, words = words_of(text), bang = bang, mods = mods or '',
    range = given, first = first, last = last }
  local ok, err = pcall(require('piecework.verbs.' .. verb.module)[sub], call)
  if not ok then message.error('internal error: ' .. tostring(err)) end
end

-- Completion ------------------------------------------------------------------------------------

-- Of the session's plans.
local function task_ids()
  local out = {}
  for _, plan in pairs(require('piecework.state').plans) do
    for task in pairs(plan.tasks) do out[#out + 1] = task end
  end
  table.sort(out)
  return out
end

local completers = {
  by = function() return { '--by=file', '--by=entry', '--by=function' } end,
  plan_options = function() return { '--solo', '--cheap-first', '--model=' } end,
  templates = function(lead, sub)
    return lead:sub(1, 1) == '@' and require('piecework.known').templates(sub) or {}
  end,
  qf = function() return { 'qf' } end,
  batch = function() return { '--batch' } end,
  by_task = function() return { '--by-task' } end,
  what = function() return { 'plan', 'file', 'task' } end,
  spans = function() return { 'day', 'week', 'month', 'all' } end,
  plans = function(lead)
    return lead:find('^#?%d*$') and require('piecework.known').plans() or {}
  end,
  tasks = task_ids,
  files = function(lead) return host.fn('getcompletion', lead, 'file') end,
}

-- `accept file {path}`: what follows these words is one thing only.
local FOLLOWED_BY = { file = 'files', task = 'tasks' }

-- What can stand where the cursor is; [line] up to the cursor.
---@return string[]
function M.complete(lead, line)
  -- As short as it may be typed, behind whatever range and modifiers.
  local rest = line:match('Pi?e?c?e?w?o?r?k?!?%s+(.*)$') or ''
  local sub, between = rest:match('^(%S+)(%s.*)$')
  local follows = between and FOLLOWED_BY[between:sub(1, -#lead - 1):match('(%S+)%s+$')]
  local out = {}
  if follows and sub ~= 'edit' and sub ~= 'plan' and sub ~= 'each' then
    out = completers[follows](lead, sub)
  elseif not sub then
    for _, name in ipairs(names()) do out[#out + 1] = name end
  elseif M.verbs[sub] then
    -- `plan @file` takes a path.
    if sub == 'plan' and lead:sub(1, 1) == '@' then
      for _, path in ipairs(host.fn('getcompletion', lead:sub(2), 'file')) do
        out[#out + 1] = '@' .. path
      end
    end
    for _, completer in ipairs(M.verbs[sub].complete or {}) do
      for _, item in ipairs(completers[completer](lead, sub)) do out[#out + 1] = item end
    end
  end
  local fitting, seen = {}, {}
  for _, item in ipairs(out) do
    if item:sub(1, #lead) == lead and not seen[item] then
      seen[item] = true
      fitting[#fitting + 1] = item
    end
  end
  return fitting
end

return M
