-- review, diff, accept, reject, apply, revert, commit: what the user decides.

local host = require('piecework.host')
local apply = require('piecework.apply')
local buffers = require('piecework.buffers')
local context = require('piecework.verbs.context')
local engine = require('piecework.engine')
local files = require('piecework.verbs.files')
local message = require('piecework.message')
local scope = require('piecework.scope')

local M = {}

local REVIEWABLE = { 'review', 'verifying', 'running', 'paused', 'done' }

function M.review(call)
  local word = call.words[#call.words]
  local twin = word == 'qf'
  if word and not twin and not word:find('^#?%d+$') then
    return message.error(("review %s? a plan's number, and qf for the quickfix list"):format(word))
  end
  context.plan(call, REVIEWABLE, function(plan)
    if not twin then return context.open(call, 'review', plan) end
    require('piecework.quickfix').fill(plan, function(count)
      message.say(('%d entr%s in the quickfix list: :cnext, :copen'):format(count,
        count == 1 and 'y' or 'ies'))
    end)
  end)
end

function M.diff(call)
  context.plan(call, REVIEWABLE, function(plan)
    local path = call.words[1] and host.fn('fnamemodify', call.text:match('^%s*(.-)%s*$'), ':p')
      or context.current_file()
    if not path then return message.error('which file? :Piecework diff [N] {path}') end
    engine.ask('review/files', { plan = plan, accepted = false }, function(result)
      for _, file in ipairs(result.files or {}) do
        if files.resolve(file.path) == files.resolve(path) then
          local relative = files.relative(file.path, result.root)
            or host.fn('fnamemodify', file.path, ':.')
          return require('piecework.ui.proposal').diff(plan, relative)
        end
      end
      message.say(('plan %d does not change %s'):format(plan,
        host.fn('fnamemodify', path, ':t')), 'warn')
    end)
  end)
end

-- The hunks drawn in their files, whose text stays as it is.
function M.overlay(call)
  local overlay = require('piecework.ui.overlay')
  if call.bang then return overlay.hide() end
  context.plan(call, REVIEWABLE, overlay.show)
end

-- Deciding --------------------------------------------------------------------------------------

-- The hunks of the newest review that touch these lines of the current file.
local function at_lines(call, done)
  local buf = host.fn('bufnr', '%')
  engine.ask('review/at', { plan = 0, path = scope.path(buf), first = call.first, last = call.last,
    text = scope.text(buf) }, function(result)
    local ids = {}
    for _, hunk in ipairs(result.hunks or {}) do ids[#ids + 1] = hunk.id end
    if #ids == 0 then
      return message.say('no hunk on these lines; :Piecework review shows all', 'warn')
    end
    done(result.plan, ids)
  end)
end

-- In a file accepting applies at once: the user sees the place. Rejecting changes nothing.
local function decide_in_file(call, decision)
  at_lines(call, function(found, ids)
    call.plan = found
    context.plan(call, REVIEWABLE, function(plan)
      engine.ask('review/decide', { plan = plan, what = ids, decision = decision }, function()
        buffers.changed(plan)
        if decision == 'accepted' then return apply.start(plan, { only = ids }) end
        message.say(message.count(#ids, 'hunk') .. ' rejected')
      end)
    end)
  end)
end

-- `plan`, `file [path]`, `task T01`, `T01` as review/decide takes them; nil when it is none of
-- these, or more.
local function named(call)
  local what, name = call.words[1], call.words[2]
  local words = #call.words
  if what == 'plan' or what == 'all' then return words == 1 and 'all' or nil end
  if what == 'task' then return words == 2 and 'task:' .. name or nil end
  if what and what:find('^T%d') then return words == 1 and 'task:' .. what or nil end
  if what ~= 'file' then return nil end
  -- A name may have spaces.
  name = name and call.text:match('^%s*file%s+(.-)%s*$')
  local view = buffers.view()
  local sections = require('piecework.ui.sections')
  local entry = view and view.sections and sections.at(view.sections, host.fn('line', '.'))
  local path = name or (entry and entry.path)
  -- As it is named from here, when there is such a file; else as the plan names it.
  local absolute = name and host.fn('fnamemodify', name, ':p')
  if absolute and host.fn('filereadable', absolute) == 1 then path = absolute end
  path = path or context.current_file()
  return path and 'file:' .. path
end

-- For those who have put a picker of their own in vim.ui.select's place.
local function choose(call)
  context.plan(call, REVIEWABLE, function(plan)
    local choices = { 'plan' }
    local known = require('piecework.state').plans[plan]
    for task in pairs(known and known.tasks or {}) do choices[#choices + 1] = 'task ' .. task end
    table.sort(choices)
    local prompt = ('%s of plan %d what?'):format(call.sub, plan)
    host.ui('select')(choices, { prompt = prompt }, function(choice)
      if choice then host.cmd(('Piecework %s %d %s'):format(call.sub, plan, choice)) end
    end)
  end)
end

local function decide(call, decision)
  local view = buffers.view()
  if #call.words == 0 then
    if view and view.kind == 'review' then
      if require('piecework.ui.review').is_changed(view) then return end
      local lines = require('piecework.ui.review_lines')
      local what = lines.named(view.sections, call.first, call.last)
      if #what == 0 then return message.say('no hunk on these lines', 'warn') end
      return require('piecework.ui.review').decide(view.plan, what, decision)
    end
    if context.current_file() then return decide_in_file(call, decision) end
  end
  context.take_plan(call)
  local what = named(call)
  if not what and #call.words == 0 and host.ui('select') then return choose(call) end
  if not what then
    return message.error(('%s what? plan, file [path], task T01, or a range of a file')
      :format(call.sub))
  end
  if what == 'all' and call.bang and decision == 'accepted' then what = 'all!' end
  context.plan(call, REVIEWABLE, function(plan)
    require('piecework.ui.review').decide(plan, { what }, decision)
  end)
end

function M.accept(call)
  decide(call, 'accepted')
end

function M.reject(call)
  decide(call, 'rejected')
end

-- Doing -----------------------------------------------------------------------------------------

-- Without words all of it. What is not understood must not come to mean all of it.
local function start(call, states, revert)
  context.take_plan(call)
  local what = named(call)
  if not what and #call.words > 0 then
    return message.error(('%s %s? file [path], task T01, or nothing for the whole plan')
      :format(call.sub, call.text))
  end
  local only = what and what ~= 'all' and { what } or nil
  context.plan(call, states, function(plan)
    apply.start(plan, { write = call.bang, revert = revert, only = only })
  end)
end

function M.apply(call)
  start(call, REVIEWABLE)
end

function M.revert(call)
  start(call, { 'review', 'done' }, true)
end

function M.commit(call)
  local by_task = false
  for i, word in ipairs(call.words) do
    if word == '--by-task' then by_task = table.remove(call.words, i) ~= nil end
  end
  context.plan(call, { 'done', 'review' }, function(plan)
    if not by_task then return context.open(call, 'commit', plan) end
    local params = { plan = plan, by_task = true, buffers = scope.buffers() }
    engine.ask('commit/start', params, function()
      message.say(('#%d committed, a commit per task'):format(plan))
    end)
  end)
end

return M
