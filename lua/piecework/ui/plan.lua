-- piecework://plan/N: the plan file as an editable buffer. `:w` saves and validates; ZZ saves and
-- runs; ZQ drops the plan. Deleting a section skips its task.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local config = require('piecework.config')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')
local quickfix = require('piecework.quickfix')

local M = { editable = true }

-- Estimate and problems behind their lines; problems first.
local function notes_of(result)
  local notes = {}
  for _, problem in ipairs(result.problems or {}) do
    local mark = problem.warning and '' or '!! '
    notes[#notes + 1] = { line = problem.line or 1, text = mark .. problem.text }
  end
  for _, note in ipairs(result.notes or {}) do
    notes[#notes + 1] = { line = note.line or 1, text = note.text }
  end
  return notes
end

local function show_notes(view, result)
  if config.get('notes') then host.notes(view.buf, notes_of(result)) end
end

function M.load(view, show)
  if view.plan == 0 then return show('no plan yet: :Piecework plan {what to do}') end
  engine.request('plan/text', { plan = view.plan }, function(err, result)
    view.failed = err ~= nil
    if err then
      message.error(err)
      return show(message.page(err))
    end
    view.path, view.words = result.path, result.words
    if result.words then  -- for `gf`, wherever the editor stands
      local root = result.words.root:gsub('[ ,\\]', '\\%0')
      host.fn('setbufvar', view.buf, '&path', root .. ',,')
    end
    show(result.text or '')
    show_notes(view, result)
  end)
end

local function errors_of(problems)
  local errors = 0
  for _, problem in ipairs(problems) do
    if not problem.warning then errors = errors + 1 end
  end
  return errors
end

local function tell_problems(view, problems)
  quickfix.problems(view.plan, view.buf, problems)
  local errors = errors_of(problems)
  if errors > 0 then
    local first = problems[1]
    for i = #problems, 1, -1 do
      if not problems[i].warning then first = problems[i] end
    end
    message.say(('plan %d, line %d: %s'):format(view.plan, first.line or 1, first.text), 'error',
      errors > 1 and (':cnext has %d more'):format(errors - 1) or nil)
  end
  return errors == 0
end

-- Saves the text; [done] gets whether it can run, and how many problems there are. The buffer
-- counts as saved at once, so that `:wq` works; a failure takes that back.
local function save(view, done)
  local text = table.concat(host.lines(view.buf), '\n') .. '\n'
  host.fn('setbufvar', view.buf, '&modified', 0)
  engine.request('plan/save', { plan = view.plan, text = text }, function(err, result)
    if err then
      host.fn('setbufvar', view.buf, '&modified', 1)
      return message.error(err)
    end
    show_notes(view, result)
    local problems = result.problems or {}
    local ok = tell_problems(view, problems)
    if done then done(ok, #problems) end
  end)
end

function M.write(view)
  message.fresh()
  save(view, function(ok, problems)
    if not ok then return end
    local warnings = message.count(problems, 'warning')
    message.say(('plan %d saved'):format(view.plan)
      .. (problems > 0 and ', ' .. warnings .. ': :copen' or ''))
  end)
end

local function run(view)
  if buffers.is_loading(view) then return end
  save(view, function(ok)
    if not ok then return end
    if host.fn('bufnr', '%') == view.buf then buffers.close() end
    require('piecework.verbs.run').start(view.plan, {})
  end)
end

local function drop(view)
  engine.ask('plan/drop', { plan = view.plan }, function()
    message.say(('plan %d dropped'):format(view.plan))
  end)
  host.fn('setbufvar', view.buf, '&modified', 0)
  buffers.close()
end

-- The file named on this line ('files: src/net.c:80-140'), at its range.
local function open_path(view)
  local text = host.fn('getline', '.')
  local word = host.fn('expand', '<cWORD>'):gsub('[,;]$', '')
  -- On the name of a field its first path is meant.
  if word:find('^%l[%l_]*:$') then word = text:match('^%l[%l_]*:%s+([^%s,;]+)') or word end
  local path, first = word:match('^(.-):(%d+)')
  path = path or word
  if not text:find(path, 1, true) or path == '' then return end
  require('piecework.verbs.files').absolute(view.plan, path, function(absolute)
    if host.fn('filereadable', absolute) == 0 then
      return message.say(('no file %s here; g? lists the keys'):format(path), 'warn')
    end
    host.cmd('split ' .. host.fn('fnameescape', absolute))
    if first then host.fn('cursor', tonumber(first), 1) end
  end)
end

-- 'omnifunc': [findstart] as Vim gives it, 1 or 0.
function M.omni(view, findstart, base)
  local words = require('piecework.ui.plan_words')
  local before = host.fn('strpart', host.fn('getline', '.'), 0, host.fn('col', '.') - 1)
  if findstart == 1 then return words.start(before) end
  return table.concat(words.items(view.words or {}, host.lines(view.buf), before, base), '\n')
end

-- A fold for each task, all open at first.
M.options = { omnifunc = 'Piecework_omni', foldmethod = 'expr', foldlevel = 99,
  foldexpr = [[getline(v:lnum) =~# '^## ' ? '>1' : '=']],
  foldtext = require('piecework.ui.foldtext').option }

M.keys = keys.with_help({
  { lhs = 'ZZ', name = 'plan-run', run = run, help = 'save and run' },
  { lhs = 'ZQ', name = 'plan-drop', run = drop, help = 'drop the plan' },
  { lhs = 'K', name = 'plan-file', run = open_path, help = 'the file named here' },
})

M.syntax = {
  { 'PieceworkTask', '^## .*' },
  { 'PieceworkField', '^\\l[a-z_]*:' },
  { 'PieceworkNote', '^---$' },
  { 'PieceworkNote', '\\s# .*', 'contained' },
}

return M
