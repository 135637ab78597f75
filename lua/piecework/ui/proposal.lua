-- piecework://proposal/N/PATH: a file as it would be, for native diff mode beside the file itself.
-- `do`, `dp` and ]c work as ever. In the file they are the user's own edits at once; what they, or
-- the user's typing, do to the proposal is kept by `:w` as hunks of the user's in the review. The
-- file on disk is left alone.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local message = require('piecework.message')

local M = { keys = {}, syntax = {}, editable = true }

function M.load(view, show)
  engine.request('review/proposal', { plan = view.plan, path = view.rest }, function(err, result)
    view.failed = err ~= nil
    if err then
      message.error(err)
      return show('piecework: ' .. err.message)
    end
    show(((result.text or ''):gsub('\r\n', '\n')))
  end)
end

-- Unchanged there is nothing to keep: plugins write buffers that nobody touched.
function M.write(view)
  if not buffers.is_modified(view) then return end
  local text = table.concat(host.lines(view.buf), '\n') .. '\n'
  host.fn('setbufvar', view.buf, '&modified', 0)
  local params = { plan = view.plan, path = view.rest, text = text }
  engine.request('review/edit', params, function(err, result)
    if err then
      host.fn('setbufvar', view.buf, '&modified', 1)
      return message.error(err)
    end
    local hunks = result.hunks or 0
    message.say(result.taken_back and 'as it was proposed'
      or hunks == 0 and 'kept: the review is without what you took out'
      or message.count(hunks, 'hunk') .. ' of yours in the review, to be accepted')
    buffers.changed(view.plan)
  end)
end

-- Not before the text is there: `do` would take over whatever stands in its place.
local function start_diff(view)
  local windows = view.windows
  view.windows = nil
  if not windows or view.failed then return end
  for _, win in ipairs(windows) do host.fn('win_execute', win, 'diffthis') end
  -- In the middle: the hunk begins at the cursor.
  host.fn('win_execute', windows[1], 'normal! zz')
  host.fn('win_execute', windows[1], 'syncbind')
  -- The file has no keys of ours, and the cursor is there.
  message.say('do takes a change over; dq in the proposal ends the diff')
end

function M.shown(view, first)
  host.cmd_in(view.buf, 'diffupdate')
  start_diff(view)
  if view.go_to and host.fn('bufnr', '%') == view.buf then
    host.fn('cursor', view.go_to, 1)
    view.go_to = nil
  end
  if not first then return end
  host.cmd_in(view.buf, 'silent! doautocmd filetypedetect BufRead '
    .. host.fn('fnameescape', host.fn('fnamemodify', view.rest, ':t')))
end

-- Two windows in a tab of their own, so that the user's windows stay as they are. The cursor in the
-- file, at [line].
function M.diff(plan, path, line)
  require('piecework.verbs.files').absolute(plan, path, function(absolute)
    local ok, err = host.cmd('tabedit ' .. host.fn('fnameescape', absolute))
    if not ok then return message.error(err) end
    host.cmd('let t:piecework_diff = 1')
    if line and line > 0 then host.go(line, false) end
    local file = host.fn('win_getid')
    host.cmd('vertical rightbelow split '
      .. host.fn('fnameescape', buffers.uri('proposal', plan, path)))
    local view = buffers.view()
    view.windows = { file, host.fn('win_getid') }
    if view.shown then
      start_diff(view)
      buffers.load(view)
    end
    host.cmd('wincmd p')
  end)
end

-- At [line], in a window of its own, or where [command] (edit, split ...) opens it.
function M.edit(plan, path, line, command)
  local uri = buffers.uri('proposal', plan, path)
  if command then
    local ok, err = host.cmd(command .. ' ' .. host.fn('fnameescape', uri))
    if not ok then return message.error(err) end
  else
    buffers.open(uri)
  end
  local view = buffers.view()
  if not view or view.kind ~= 'proposal' then return end
  view.go_to = line
  if view.shown then host.fn('cursor', line, 1) end
end

-- The tab of a diff: this one, else the last. Nil when there is none.
local function diff_tab()
  local here = host.fn('tabpagenr')
  if host.fn('gettabvar', here, 'piecework_diff') == 1 then return here end
  for tab = host.fn('tabpagenr', '$'), 1, -1 do
    if host.fn('gettabvar', tab, 'piecework_diff') == 1 then return tab end
  end
end

-- What was done to the proposal and not saved waits in its buffer, which nobody sees any more.
local function warn_of_unsaved(tab)
  for _, buf in ipairs(host.fn('tabpagebuflist', tab)) do
    local view = buffers.view(buf)
    if view and view.kind == 'proposal' and buffers.is_modified(view) then
      message.say('what you changed in the proposal is not saved: dv again, then :w there', 'warn')
    end
  end
end

-- Only a tab that was made for it goes, and what was taken over in the file stays, unwritten.
function M.diff_end()
  local tab = diff_tab()
  if not tab then return message.say('no diff is open; dv opens one', 'warn') end
  warn_of_unsaved(tab)
  if host.cmd('silent hide ' .. tab .. 'tabclose') then return end
  -- The last tab: the file stays.
  host.cmd('diffoff! | unlet! t:piecework_diff')
  local view = buffers.view()
  if view and view.kind == 'proposal' then host.cmd('close') end
end

M.keys = {
  { lhs = 'dq', name = 'proposal-end', help = 'end diff mode', run = M.diff_end },
}

return M
