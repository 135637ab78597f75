-- piecework://review/N: one unified diff of all results, with fugitive's keys. A key records a
-- decision at once in the engine's journal; only ZZ and `:Piecework apply` change files' buffers.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local config = require('piecework.config')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')
local lines = require('piecework.ui.review_lines')

local M = {}

-- Where each window's cursor stands, as a hunk and a line in it: files may change their order.
local function places(view)
  local out = {}
  for _, win in ipairs(host.fn('win_findbuf', view.buf)) do
    local line = host.fn('line', '.', win)
    local hunk = lines.hunk_at(view.index, view.hunks or {}, line)
    if hunk then out[#out + 1] = { win = win, id = hunk.id, offset = line - hunk.first } end
  end
  return out
end

local function restore(view, was)
  local by_id = {}
  for _, hunk in ipairs(view.hunks) do by_id[hunk.id] = hunk end
  for _, place in ipairs(was or {}) do
    local hunk = by_id[place.id]
    local line = hunk and math.min(hunk.first + place.offset, hunk.last)
    if line and line ~= host.fn('line', '.', place.win) then
      host.fn('win_execute', place.win, ('call cursor(%d, 1)'):format(line))
    end
  end
end

function M.load(view, show)
  engine.request('review/get', { plan = view.plan }, function(err, result)
    if err then
      message.error(err)
      return show('piecework: ' .. err.message .. '\n' .. (err.hint or ''))
    end
    view.title, view.counts = result.title, result
    view.places = places(view)
    show(result.text or '', result.index or {})
  end)
end

local function text_lines(view)
  return host.lines(view.buf)
end

function M.shown(view, first)
  view.hunks = lines.hunks(view.index, text_lines(view))
  restore(view, view.places)
  if config.get('folds') then host.folds(view.buf, lines.folds(view.index, view.hunks)) end
  local target = first and lines.next_undecided(view.hunks, 0)
  if target and host.fn('bufnr', '%') == view.buf then host.fn('cursor', target, 1) end
end

-- Decisions -------------------------------------------------------------------------------------

local function go_to(line)
  host.fn('cursor', line, 1)
  host.cmd('silent! normal! zv')
end

-- What the journal will say, for the next key: the text itself is loaded anew a moment later.
local function foresee(view, what, decision, advance_from)
  local named = {}
  for _, name in ipairs(what) do named[name] = true end
  local open = 0
  for _, hunk in ipairs(view.hunks or {}) do
    if named[hunk.id] or named['file:' .. (hunk.path or '')] then hunk.decision = decision end
    if lines.is_open(hunk) then open = open + 1 end
  end
  if decision ~= 'none' and open == 0 then
    message.say(('all %s decided: ZZ applies'):format(message.count(#view.hunks, 'hunk')))
  elseif advance_from and config.get('auto_next') then
    local target = lines.next_undecided(view.hunks, advance_from)
    if target then go_to(target) end
  end
end

local function decide(view, what, decision, advance_from)
  if #what == 0 then return message.say('no changed line here; g? lists the keys', 'warn') end
  foresee(view, what, decision, advance_from)
  engine.request('review/decide', { plan = view.plan, what = what, decision = decision },
    function(err)
      if err then message.error(err) end
      buffers.load_soon(view)
      require('piecework.quickfix').touch(view.plan)
    end)
end

-- What a key is about, and from where to go on: not at all when part of a hunk is left here.
local function meant(view, first, last, visual)
  if not visual then return lines.named(view.index, first, last), last end
  local what, parts = lines.named_lines(view.index, view.hunks or {}, first, last)
  return what, not parts and last or nil
end

local function decider(decision)
  return function(view, first, last, visual)
    local what, advance = meant(view, first, last, visual)
    decide(view, what, decision, decision ~= 'none' and advance or nil)
  end
end

-- Accepted becomes undecided, everything else accepted.
local function toggle(view, first, last, visual)
  local hunk = view.hunks and lines.hunk_at(view.index, view.hunks, first)
  local decision = hunk and hunk.decision == 'accepted' and 'none' or 'accepted'
  local what, advance = meant(view, first, last, visual)
  decide(view, what, decision, decision == 'accepted' and advance or nil)
end

-- For the verbs: `:Piecework accept plan` and the like, from anywhere.
function M.decide(plan, what, decision)
  engine.ask('review/decide', { plan = plan, what = what, decision = decision }, function(result)
    message.say(('%s %s; :Piecework apply does what is accepted'):format(
      message.count(result.changed or 0, 'hunk'), decision == 'none' and 'undecided' or decision))
    buffers.changed(plan)
    require('piecework.quickfix').touch(plan)
  end)
end

-- Moving ----------------------------------------------------------------------------------------

local function mover(find)
  return function(view)
    local at = host.fn('line', '.')
    for _ = 1, math.max(1, host.fn('eval', 'v:count1')) do
      local target = find(view, at)
      if not target then break end
      at = target
    end
    if at ~= host.fn('line', '.') then
      host.cmd("normal! m'")
      go_to(at)
    end
  end
end

local function by_kind(kind, step)
  return mover(function(view, at) return lines.next_of_kind(view.index, kind, at, step) end)
end

local function undecided(step)
  return mover(function(view, at) return lines.next_undecided(view.hunks or {}, at, step) end)
end

-- Opening ---------------------------------------------------------------------------------------

local function opener(command)
  return function(view, first)
    local entry = view.index[first]
    if not entry or not entry.path then return message.say('no file on this line', 'warn') end
    require('piecework.verbs.files').absolute(view.plan, entry.path, function(path)
      host.cmd("normal! m'")
      local ok, err = host.cmd(command .. ' ' .. host.fn('fnameescape', path))
      if not ok then return message.error(err) end
      if entry.line and entry.line > 0 then go_to(entry.line) end
    end)
  end
end

local function diff(view, first)
  local entry = view.index[first]
  if not entry or not entry.path then return message.say('no file on this line', 'warn') end
  require('piecework.ui.proposal').diff(view.plan, entry.path)
end

local function task_of(view, first)
  local entry = view.index[first]
  return entry and entry.task
end

local function retry(view, first)
  local task = task_of(view, first)
  if not task then return message.say('no task on this line', 'warn') end
  require('piecework.verbs.run').retry_task(view.plan, task)
end

local function comment(view, first)
  local task = task_of(view, first)
  if not task then return message.say('no task on this line', 'warn') end
  local input = host.ui('input')
  if input then
    return input({ prompt = ('Remark for %s: '):format(task) }, function(remark)
      if (remark or '') == '' then return end
      require('piecework.verbs.run').retry_task(view.plan, task, remark)
    end)
  end
  -- The command line is the place to type: it has editing and history, and can be left.
  host.fn('feedkeys', (':Piecework retry %d %s '):format(view.plan, task), 'n')
end

local function spec(view, first)
  local task = task_of(view, first)
  if not task then return message.say('no task on this line', 'warn') end
  engine.ask('plan/text', { plan = view.plan }, function(result)
    local section = lines.section(buffers.split(result.text or ''), task)
    if #section == 0 then return message.say('the plan has no section for ' .. task, 'warn') end
    host.popup(section, view.plan .. ' ' .. task)
  end)
end

local function fold(view, first)
  if host.cmd('silent normal! za') then return end
  local range = lines.range_at(view.index, view.hunks or {}, first)
  if range then host.cmd(range.first .. ',' .. range.last .. 'fold') end
end

M.keys = {
  { lhs = 's', name = 'review-accept', visual = true, run = decider('accepted'),
    help = 'accept the hunk, or file' },
  { lhs = 'u', name = 'review-undo', visual = true, run = decider('none'),
    help = 'undecided again' },
  { lhs = '-', name = 'review-toggle', visual = true, run = toggle,
    help = 'accepted or undecided' },
  { lhs = 'X', name = 'review-reject', visual = true, run = decider('rejected'), help = 'reject' },
  { lhs = ']c', name = 'review-next-hunk', run = by_kind('hunk', 1), help = 'next hunk' },
  { lhs = '[c', name = 'review-prev-hunk', run = by_kind('hunk', -1), help = 'hunk before' },
  { lhs = ']m', name = 'review-next-file', run = by_kind('file', 1), help = 'next file' },
  { lhs = '[m', name = 'review-prev-file', run = by_kind('file', -1), help = 'file before' },
  { lhs = ']u', name = 'review-next-open', run = undecided(1), help = 'next undecided hunk' },
  { lhs = '[u', name = 'review-prev-open', run = undecided(-1), help = 'undecided hunk before' },
  { lhs = '<CR>', name = 'review-edit', run = opener('edit'), help = 'the file at this line' },
  { lhs = 'o', name = 'review-split', run = opener('split'), help = 'the same in a split' },
  { lhs = 'gO', name = 'review-vsplit', run = opener('vsplit'), help = 'the same beside' },
  { lhs = 'O', name = 'review-tab', run = opener('tabedit'), help = 'the same in a tab' },
  { lhs = '=', name = 'review-fold', run = fold, help = 'fold or unfold' },
  { lhs = 'dv', name = 'review-diff', run = diff,
    help = 'diff mode with the proposal' },
  { lhs = 'dd', name = 'review-diff-too', run = diff, help = 'the same' },
  { lhs = 'dq', name = 'review-diff-end', help = 'end diff mode',
    run = function() require('piecework.ui.proposal').diff_end() end },
  { lhs = 'K', name = 'review-task', run = spec, help = 'the task: what was asked' },
  { lhs = 'r', name = 'review-retry', run = retry, help = 'do the task again' },
  { lhs = 'C', name = 'review-comment', run = comment, help = 'do it again with a remark' },
  { lhs = 'R', name = 'review-rebase', help = 'stale: again, on the text as it is',
    run = retry },
  { lhs = 'ZZ', name = 'review-apply', help = 'apply what is accepted, close',
    run = function(view)
      buffers.close()
      require('piecework.apply').start(view.plan, {})
    end },
  { lhs = 'ZQ', name = 'review-leave', help = 'close; decisions stay',
    run = function() buffers.close() end },
}
M.keys[#M.keys + 1] = keys.help_key(function() return M.keys end)

M.syntax = {
  { 'PieceworkHead', '^piecework:.*' },
  { 'PieceworkFile', '^diff .*' },
  { 'PieceworkHunk', '^@@ .*' },
  { 'PieceworkAdd', '^+.*' },
  { 'PieceworkDelete', '^-.*' },
  { 'PieceworkNote', '^#.*' },
  { 'PieceworkDoubt', '\\<\\(DOUBT\\|REJECTED\\|CONFLICT\\|FAILED\\)\\>',
    'contained containedin=PieceworkFile,PieceworkNote' },
  { 'PieceworkAccepted', '\\[\\(accepted\\|applied\\)\\]$',
    'contained containedin=PieceworkFile,PieceworkHunk' },
  { 'PieceworkRejected', '\\[rejected\\]$', 'contained containedin=PieceworkFile,PieceworkHunk' },
  { 'PieceworkStale', '\\[\\(stale\\|moved\\)[^]]*\\]', 'contained containedin=PieceworkHunk' },
}

-- `:w` in a review saves nothing, spends nothing and accepts nothing: decisions are stored
-- already.
function M.write(view)
  host.fn('setbufvar', view.buf, '&modified', 0)
end

return M
