-- piecework://review/N: one unified diff of all results, with fugitive's keys. A key records a
-- decision at once in the engine's journal; only ZZ and `:Piecework apply` change files' buffers.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local config = require('piecework.config')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')
local lines = require('piecework.ui.review_lines')
local sections = require('piecework.ui.sections')

local M = { hunks = true }

-- Loading ---------------------------------------------------------------------------------------
--
-- The engine sends pages: the first is shown at once, the others are added behind it. Later only
-- what differs comes. A review that is on the screen and must come whole again (another engine,
-- another version) is put together first, so that the text does not jump.

-- Where each window's cursor stands, as a hunk and a line in it: files may change their order.
local function places(view)
  local out = {}
  for _, win in ipairs(host.fn('win_findbuf', view.buf)) do
    local line = host.fn('line', '.', win)
    local hunk = lines.hunk_at(view.sections, line)
    if hunk then out[#out + 1] = { win = win, id = hunk.id, offset = line - hunk.first } end
  end
  return out
end

local function restore(view, was)
  if #was == 0 then return end
  local by_id = {}
  for _, hunk in ipairs(view.sections.hunks) do by_id[hunk.id] = hunk end
  for _, place in ipairs(was) do
    local hunk = by_id[place.id]
    local line = hunk and math.min(hunk.first + place.offset, hunk.last)
    if line and line ~= host.fn('line', '.', place.win) then
      host.fn('win_execute', place.win, ('call cursor(%d, 1)'):format(line))
    end
  end
end

-- The buffer's text is what the sections say, as long as nobody has forced it to be something else.
local function in_step(view)
  local n = view.sections.lines
  return #host.fn('getbufline', view.buf, math.max(n, 1), n + 1) == 1
end

local function add_page(view, page)
  if page.reset then
    view.sections = sections.new()
    sections.take(view.sections, page)
    return host.fill(view.buf, buffers.split(page.text))
  end
  local ends = #view.sections.items
  local was = page.steps[1] and page.steps[1][1] <= ends and places(view) or {}
  host.splice(view.buf, sections.take(view.sections, page), page.text)
  restore(view, was)
end

-- Pages of a text that replaces the one on the screen: kept until they are all there.
local function gather(view, feed, page)
  if page.reset then feed.whole, feed.text = sections.new(), {} end
  sections.take(feed.whole, page)
  feed.text[#feed.text + 1] = page.text
  if page.more then return true end
  return view.show(function()
    local was = places(view)
    view.sections, view.folded = feed.whole, {}
    host.fill(view.buf, buffers.split(table.concat(feed.text)))
    restore(view, was)
  end)
end

local ask

local function on_page(view, feed, page)
  view.version, view.title = page.version, page.title or view.title
  feed.more = page.more
  if page.reset then
    feed.gathers = view.shown
  elseif not feed.gathers and not in_step(view) then
    view.version, view.feed = nil, nil
    return buffers.load(view)
  end
  local done
  if feed.gathers then
    done = gather(view, feed, page)
  else
    done = view.show(function() add_page(view, page) end)
  end
  -- Not shown: something has been typed into it.
  if not done then view.version = nil end
  if done and page.more then return ask(view, feed, true) end
  view.feed = nil
  if feed.again then buffers.load(view) end
end

function ask(view, feed, more)
  local params = { plan = view.plan, version = view.version, more = more }
  engine.request('review/get', params, function(err, page)
    if view.feed ~= feed then return end
    if not err then return on_page(view, feed, page) end
    view.feed, view.version, view.sections = nil, nil, sections.new()
    message.error(err)
    view.show(message.page(err))
  end)
end

function M.load(view, show)
  view.show = show
  if view.feed and view.shown then
    view.feed.again = true
    return
  end
  if not view.shown then view.version, view.sections, view.folded = nil, sections.new(), {} end
  view.feed = {}
  ask(view, view.feed)
end

M.options = { foldtext = require('piecework.ui.foldtext').option }

-- Folds -----------------------------------------------------------------------------------------

-- So many at a time: a fold costs Vim a fifteenth of a millisecond.
local FOLDS_AT_ONCE = 100

-- What is to be done to the folds of a window that has [have]: keys. True: there is more.
local function fold_some(view, win, want)
  local have = view.folded[win]
  local gone, new, wanted, rest = {}, {}, {}, false
  for _, fold in ipairs(want) do wanted[fold.key] = true end
  local by_id
  for key in pairs(have) do
    if #gone >= FOLDS_AT_ONCE then
      rest = true
      break
    end
    if not wanted[key] then
      if not by_id then
        by_id = {}
        for _, hunk in ipairs(view.sections.hunks) do by_id[hunk.id] = hunk.first end
        for _, file in ipairs(view.sections.files) do by_id['file:' .. file.path] = file.first end
      end
      -- Parts that became one hunk again: the fold would stay over some of its lines.
      if not by_id[key] then
        host.unfold(win)
        view.folded[win] = {}
        return fold_some(view, win, want)
      end
      gone[#gone + 1] = by_id[key]
      have[key] = nil
    end
  end
  for _, fold in ipairs(want) do
    if #gone + #new >= FOLDS_AT_ONCE then
      rest = true
      break
    end
    if not have[fold.key] then
      new[#new + 1] = fold
      have[fold.key] = true
    end
  end
  if #gone + #new > 0 then host.refold(win, gone, new) end
  return rest
end

local function fold_all(view)
  view.folding = nil
  if not view.sections or not view.shown then return end
  local want, rest = lines.folds(view.sections), false
  for _, win in ipairs(host.fn('win_findbuf', view.buf)) do
    if not view.folded[win] then
      host.unfold(win)
      view.folded[win] = {}
    end
    rest = fold_some(view, win, want) or rest
  end
  if not rest then return end
  view.folding = true
  host.defer(1, function()
    host.safe(function()
      if view.folding and buffers.view(view.buf) == view then fold_all(view) end
    end)
  end)
end

-- The cursor to a hunk or file, and all of it on the screen: what is decided next must be seen.
local function go(view, line, jump)
  host.go(line, jump, lines.seen_with(view.sections, line))
end

function M.shown(view, first)
  -- Not page by page: which files are decided as a whole shows at their end.
  local ends = first or not (view.feed and view.feed.more)
  if ends and config.get('folds') and not view.folding then fold_all(view) end
  if view.go_on and not (view.feed and view.feed.more) then
    view.go_on = nil
    local _, line = host.here()
    local open = host.fn('bufnr', '%') == view.buf and lines.next_undecided(view.sections, line)
    if open then go(view, open, false) end
  end
  if not first and not view.unplaced then return end
  -- The cursor goes to the first undecided hunk, on whichever page that comes.
  local target = lines.next_undecided(view.sections, 0)
  local here = host.fn('bufnr', '%') == view.buf
  view.unplaced = not target and here and host.fn('line', '.') == 1 or nil
  if target and here then go(view, target, false) end
end

-- Decisions -------------------------------------------------------------------------------------

local function redo(n)
  return ': R does ' .. (n == 1 and 'it' or 'them') .. ' again'
end

-- Of [n] hunks [open] wait for a decision. Those that are stale are not applied, whatever was said
-- of them: [accepted] by this key.
local function tell_decided(n, open, stale, accepted)
  if open == 0 and stale == 0 then
    message.say((n == 1 and '' or 'all ') .. message.count(n, 'hunk') .. ' decided: ZZ applies')
  elseif open == 0 and stale < n then
    message.say(('%d of %d hunks decided: ZZ applies. %d stale%s'):format(n - stale, n, stale,
      redo(stale)), 'warn')
  elseif accepted > 0 then
    message.say(message.count(accepted, 'stale hunk') .. ' not applied as it is' .. redo(accepted),
      'warn')
  end
end

-- What the journal will say, for the next key: the text itself is loaded anew a moment later.
local function foresee(view, what, decision, advance_from)
  local is_meant, open, stale, accepted = lines.meant_by(view.sections, what), 0, 0, 0
  for _, hunk in ipairs(view.sections.hunks) do
    local meant, is_stale = is_meant(hunk), hunk.decision == 'stale'
    if meant and is_stale and decision == 'accepted' then accepted = accepted + 1 end
    if meant and (not is_stale or decision == 'rejected') then hunk.decision = decision end
    if hunk.decision == 'stale' then
      stale = stale + 1
    elseif lines.is_open(hunk) then
      open = open + 1
    end
  end
  if decision ~= 'none' and not view.feed then
    tell_decided(#view.sections.hunks, open, stale, accepted)
  end
  if open + stale > 0 and advance_from and config.get('auto_next') then
    local target = lines.next_undecided(view.sections, advance_from)
    if target then go(view, target, false) end
  end
end

-- The text of a line of the current buffer.
local function text(line)
  return host.fn('getline', line)
end

-- Lines that somebody has changed all the same stand for nothing.
local function is_changed(view)
  if not buffers.is_modified(view) and in_step(view) then return false end
  message.say('the text of this review was changed, nothing is decided; :edit! brings it back',
    'warn')
  return true
end
M.is_changed = is_changed

local function decide(view, what, decision, advance_from)
  if is_changed(view) then return end
  if #what == 0 then return message.say('no changed line here; g? lists the keys', 'warn') end
  foresee(view, what, decision, advance_from)
  engine.request('review/decide', { plan = view.plan, what = what, decision = decision },
    function(err)
      if err then message.error(err) end
      buffers.changed(view.plan)
    end)
end

-- What a key is about, and from where to go on: not at all when part of a hunk is left here.
local function meant(view, first, last, visual)
  if not visual then
    local _, _, count = host.here()
    return lines.counted(view.sections, first, count)
  end
  local what, parts = lines.named_lines(view.sections, text, first, last)
  return what, not parts and last or nil
end

local function decider(decision)
  return function(view, first, last, visual)
    local what, advance = meant(view, first, last, visual)
    decide(view, what, decision, decision ~= 'none' and advance or nil)
  end
end

-- What is all accepted becomes undecided, everything else accepted.
local function toggle(view, first, last, visual)
  local what, advance = meant(view, first, last, visual)
  local decision = lines.all_accepted(view.sections, what) and 'none' or 'accepted'
  decide(view, what, decision, decision == 'accepted' and advance or nil)
end

local function stale_among(result)
  local n = tonumber(result.stale) or 0
  return n > 0 and (', %d stale'):format(n) or ''
end

-- All hunks that make the same change. Which these are the engine knows: the cursor goes on when
-- the text has come.
local function accept_like(view, first)
  local hunk = lines.hunk_at(view.sections, first)
  if is_changed(view) then return end
  if not hunk then return message.say('no hunk on this line', 'warn') end
  engine.ask('review/decide', { plan = view.plan, what = { 'like:' .. hunk.id },
    decision = 'accepted' }, function(result)
    message.say(message.count(result.changed or 0, 'hunk') .. ' accepted' .. stale_among(result))
    view.go_on = config.get('auto_next')
    buffers.changed(view.plan)
  end)
end

-- For the verbs: `:Piecework accept plan` and the like, from anywhere.
function M.decide(plan, what, decision)
  engine.ask('review/decide', { plan = plan, what = what, decision = decision }, function(result)
    message.say(('%s %s%s%s'):format(message.count(result.changed or 0, 'hunk'),
      decision == 'none' and 'undecided' or decision, stale_among(result),
      decision == 'accepted' and ': :Piecework apply' or ''))
    buffers.changed(plan)
  end)
end

-- Moving ----------------------------------------------------------------------------------------

local function mover(find)
  return function(view)
    local _, line, count = host.here()
    local at = line
    for _ = 1, count do
      local target = find(view, at)
      if not target then break end
      at = target
    end
    if at ~= line then go(view, at, true) end
  end
end

local function by_kind(kind, step)
  return mover(function(view, at) return lines.next_of_kind(view.sections, kind, at, step) end)
end

local function undecided(step)
  return mover(function(view, at) return lines.next_undecided(view.sections, at, step) end)
end

-- Opening ---------------------------------------------------------------------------------------

-- A key's function that needs what its line has: [field] of the section there, which [run] gets.
local function on(field, run)
  return function(view, first)
    local entry = sections.at(view.sections, first)
    local value = entry and entry[field]
    if value then return run(view, first, value) end
    message.say(('no %s on this line'):format(field == 'path' and 'file' or field), 'warn')
  end
end

-- A file that is not there yet is shown as it is proposed.
local function opener(command)
  return on('path', function(view, first, name)
    local target = lines.target(view.sections, text, first)
    local proposed = lines.proposed(view.sections, text, first)
    require('piecework.verbs.files').absolute(view.plan, name, function(path)
      host.cmd("normal! m'")
      if host.fn('filereadable', path) == 0 and host.fn('bufloaded', path) == 0 then
        return require('piecework.ui.proposal').edit(view.plan, name, proposed, command)
      end
      local ok, err = host.cmd(command .. ' ' .. host.fn('fnameescape', path))
      if not ok then return message.error(err) end
      if target > 0 then host.go(target, false) end
    end)
  end)
end

local diff = on('path', function(view, first, path)
  local target = lines.target(view.sections, text, first)
  require('piecework.ui.proposal').diff(view.plan, path, target)
end)

local edit = on('path', function(view, first, path)
  local line = lines.proposed(view.sections, text, first)
  require('piecework.ui.proposal').edit(view.plan, path, line)
end)

local retry = on('task', function(view, _, task)
  require('piecework.verbs.run').retry_task(view.plan, task)
end)

local comment = on('task', function(view, _, task)
  local input = host.ui('input')
  if input then
    return input({ prompt = ('Remark for %s: '):format(task) }, function(remark)
      if (remark or '') == '' then return end
      require('piecework.verbs.run').retry_task(view.plan, task, remark)
    end)
  end
  -- The command line is the place to type: it has editing and history, and can be left.
  host.fn('feedkeys', (':Piecework retry %d %s '):format(view.plan, task), 'n')
end)

local spec = on('task', function(view, _, task)
  engine.ask('plan/text', { plan = view.plan }, function(result)
    local section = lines.section(buffers.split(result.text or ''), task)
    if #section == 0 then return message.say('the plan has no section for ' .. task, 'warn') end
    host.popup(section, view.plan .. ' ' .. task)
  end)
end)

local function fold(view, first)
  if host.cmd('silent normal! za') then return end
  local range = lines.range_at(view.sections, first)
  if range then host.cmd(range.first .. ',' .. range.last .. 'fold') end
end

M.keys = keys.with_help({
  { lhs = 's', name = 'review-accept', visual = true, run = decider('accepted'),
    help = 'accept the hunk, or file' },
  { lhs = 'S', name = 'review-accept-like', run = accept_like,
    help = 'accept all like this' },
  { lhs = 'u', name = 'review-undo', visual = true, run = decider('none'),
    help = 'undecided again' },
  { lhs = '-', name = 'review-toggle', visual = true, run = toggle,
    help = 'accepted or undecided' },
  { lhs = 'X', name = 'review-reject', visual = true, run = decider('rejected'), help = 'reject' },
  { lhs = ']c', name = 'review-next-hunk', run = by_kind('hunks', 1), help = 'next hunk' },
  { lhs = '[c', name = 'review-prev-hunk', run = by_kind('hunks', -1), help = 'hunk before' },
  { lhs = ']m', name = 'review-next-file', run = by_kind('files', 1), help = 'next file' },
  { lhs = '[m', name = 'review-prev-file', run = by_kind('files', -1), help = 'file before' },
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
  { lhs = 'e', name = 'review-change', run = edit, help = 'change the proposal here' },
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
    run = buffers.close },
})

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
  { 'PieceworkDoubt', '\\[\\(rejected\\|stale\\) there\\]$',
    'contained containedin=PieceworkNote' },
  { 'PieceworkStale', '\\[\\(stale\\|moved\\|there\\)[^]]*\\]',
    'contained containedin=PieceworkHunk' },
}

-- `:w` in a review saves nothing, spends nothing and accepts nothing: decisions are stored
-- already.
function M.write(view)
  host.fn('setbufvar', view.buf, '&modified', 0)
end

return M
