-- Accepted hunks become edits of open buffers, and reverted ones go out again.
--
--   files    which files a plan touches           engine
--   load     bufload each, refuse what cannot be changed, send the texts
--   edits    line edits for exactly these texts   engine
--   change   bottom-up, one undo step per file; a buffer changed meanwhile is left alone
--   applied  told to the engine, hunk by hunk
--
-- Replaced lines are set, others appended or deleted: that keeps marks, folds and extmarks
-- (measured). One file per safe time, so that the main loop is never held long.

local host = require('piecework.host')
local disk = require('piecework.disk')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')

local M = {}

---@class piecework.ApplyOptions
---@field only? string[]    what review/decide takes
---@field revert? boolean
---@field write? boolean    bang: write the files, remove deleted ones

---@class piecework.FileEdits
---@field path string       absolute
---@field change 'edit'|'new'|'delete'|'rename'
---@field from? string
---@field edits {first: integer, count: integer, lines: string[]}[]
---@field ended? boolean  the last line gets its end, or loses it
---@field text? string
---@field hunks string[]

local BOM = '\239\187\191'

local function option(buf, name)
  return host.fn('getbufvar', buf, '&' .. name)
end

local function tick_of(buf)
  return host.fn('getbufvar', buf, 'changedtick')
end

-- On disk, or as text in a buffer. A name in the quickfix list or an empty buffer is no file yet.
local function is_there(path)
  if host.fn('getftype', path) ~= '' then return true end
  if host.fn('bufloaded', path) == 0 then return false end
  return scope.text(scope.buffer(path)) ~= ''
end

-- Loading ---------------------------------------------------------------------------------------

-- Loads [buf] without a word: the warning about a swap file fills the screen. False when there is
-- one, for then Vim takes another name for its own.
local function load_silently(buf)
  local flags = host.fn('eval', '&shortmess')
  host.cmd('set shortmess+=A')
  host.cmd('silent! call bufload(' .. buf .. ')')
  host.cmd('let &shortmess = ' .. host.fn('string', flags))
  local own = host.fn('swapname', buf)
  return own == '' or own:find('%.swp$') ~= nil or flags:find('A') ~= nil
end

-- A loaded, changeable buffer of [path], or nil and why not.
local function load(path)
  local known = host.fn('bufexists', path) == 1
  local buf = scope.buffer(path)
  if host.fn('bufloaded', buf) == 0 then
    local alone = load_silently(buf)
    if host.fn('bufloaded', buf) == 0 then return nil, 'cannot be loaded' end
    -- A file that is open elsewhere must not be edited here as well.
    if not alone then
      host.cmd('silent! ' .. (known and 'bunload! ' or 'bwipeout! ') .. buf)
      return nil, 'open in another Vim (swap file)'
    end
    host.fn('setbufvar', buf, '&buflisted', 1)
  else
    local why = disk.check(buf)
    if why then return nil, why end
  end
  if option(buf, 'readonly') == 1 then return nil, 'readonly' end
  if option(buf, 'modifiable') == 0 then return nil, 'nomodifiable' end
  return buf
end

-- Changing --------------------------------------------------------------------------------------

-- Vim joins two changes with idle time between into one undo step; setting 'undolevels', even to
-- what it is, ends a step in both editors.
local function break_undo(buf)
  host.cmd_in(buf, 'let &l:undolevels = &l:undolevels')
end

-- How the buffer's lines differ from the file's: without the \r of a dos file, without a BOM.
local function form_of(buf)
  return { dos = option(buf, 'fileformat') == 'dos', bomb = option(buf, 'bomb') == 1 }
end

local function to_buffer_lines(form, lines, first)
  if not form.dos and not form.bomb then return lines end
  local out = {}
  for i, line in ipairs(lines) do
    if form.dos then line = line:gsub('\r$', '') end
    if form.bomb and first + i == 2 and line:sub(1, 3) == BOM then line = line:sub(4) end
    out[i] = line
  end
  return out
end

---@param edits piecework.Edit[]
---@param ended? boolean  whether the last line has an end from now on
function M.change(buf, edits, ended)
  break_undo(buf)
  local form, changes = form_of(buf), {}
  for i, e in ipairs(edits) do
    changes[i] = { first = e.first, count = e.count,
      lines = to_buffer_lines(form, e.lines or {}, e.first) }
  end
  host.change(buf, changes)
  if ended ~= nil then host.fn('setbufvar', buf, '&endofline', ended and 1 or 0) end
  break_undo(buf)
end

local function set_text(buf, text)
  local lines = require('piecework.buffers').split(text)
  break_undo(buf)
  local old = #host.lines(buf)
  host.change(buf, { { first = 1, count = old, lines = to_buffer_lines(form_of(buf), lines, 1) } })
  host.fn('setbufvar', buf, '&endofline', text:sub(-1) == '\n' and 1 or 0)
  break_undo(buf)
end

-- The whole of one apply ------------------------------------------------------------------------

---@class piecework.Apply
---@field plan integer
---@field options piecework.ApplyOptions
---@field buffers table<string, {buf: integer, tick: integer, text?: any}>
---@field refused {path: string, text: string}[]
---@field left {path: string, text: string}[]   what only a bang does
---@field hunks string[]   in force now, also those whose text was there already
---@field doing integer    hunks that changed something
---@field files integer    that were changed
---@field written integer  files
---@field root? string     of the plan's project
---@field asked integer    files that have hunks to apply, or to revert

local function refuse(work, path, why)
  work.refused[#work.refused + 1] = { path = path, text = why, line = 1, type = 'W' }
end

-- What only a bang does, and which.
local function leave(work, path, what)
  local verb = work.options.revert and 'revert' or 'apply'
  work.left[#work.left + 1] = { path = path, text = what .. ': :Piecework! ' .. verb, line = 1 }
end

local changers = {}

-- The buffer whose text the edits were made for; nil, and told, when it has another one by now.
local function buffer_as_asked(work, path)
  local known = work.buffers[path]
  if not known then return nil end
  if tick_of(known.buf) == known.tick then return known end
  refuse(work, path, 'changed meanwhile; apply again')
end

function changers.edit(work, file)
  -- A new file that is reverted and was never written.
  if #(file.edits or {}) == 0 and not is_there(file.path) then return true end
  local known = buffer_as_asked(work, file.path)
  if not known then return false end
  if #(file.edits or {}) > 0 then M.change(known.buf, file.edits, file.ended) end
  return known.buf
end

function changers.new(work, file)
  if is_there(file.path) then
    refuse(work, file.path, 'exists by now')
    return false
  end
  local buf, why = load(file.path)
  if not buf then
    refuse(work, file.path, why)
    return false
  end
  set_text(buf, file.text or '')
  -- Its folder comes with it, whoever writes it, and not before.
  host.cmd(('autocmd BufWritePre <buffer=%d> ++once call mkdir(expand("<afile>:p:h"), "p")')
    :format(buf))
  return buf
end

-- The disk changes only with a bang; without one the file is named.
function changers.delete(work, file)
  if not work.options.write then
    leave(work, file.path, 'to be deleted')
    return false
  end
  local buf = host.fn('bufexists', file.path) == 1 and scope.buffer(file.path)
  if buf and option(buf, 'modified') == 1 then
    refuse(work, file.path, 'has unsaved changes, not deleted')
    return false
  end
  host.fn('delete', file.path)
  if buf then host.cmd('bdelete ' .. buf) end
  return true
end

-- The buffer takes the new name; the old file goes with a bang.
function changers.rename(work, file)
  if is_there(file.path) then
    refuse(work, file.path, 'exists by now')
    return false
  end
  local known = buffer_as_asked(work, file.from)
  if not known then return false end
  if not work.options.write then
    leave(work, file.from, 'to be renamed to ' .. file.path)
    return false
  end
  local ok, err = host.cmd_in(known.buf, 'keepalt file ' .. host.fn('fnameescape', file.path))
  if not ok then
    refuse(work, file.from, err)
    return false
  end
  if #(file.edits or {}) > 0 then M.change(known.buf, file.edits, file.ended) end
  host.fn('mkdir', host.fn('fnamemodify', file.path, ':h'), 'p')
  if host.cmd_in(known.buf, 'silent write') then host.fn('delete', file.from) end
  return known.buf
end

local function write(work, buf, path)
  local why = disk.check(buf)
  local ok, err = not why, why
  if ok then ok, err = host.cmd_in(buf, 'silent update') end
  if not ok then return refuse(work, path, 'applied, but not written: ' .. err) end
  work.written = work.written + 1
end

local function is_refused(work, path)
  for _, item in ipairs(work.refused) do
    if item.path == path then return true end
  end
  return false
end

-- The buffer with what the verb did to a file without a bang. A new file that was reverted has
-- none: a text that stands there is somebody else's.
local function done_earlier(work, file)
  local known = work.buffers[file.path]
  if known then return known.buf end
  local back = work.options.revert and file.change ~= 'new'
  return back and host.fn('bufloaded', file.path) == 1 and scope.buffer(file.path)
end

-- What the verb did without a bang, and nobody has written since.
local function write_earlier(work, done)
  if not work.options.write then return done() end
  local revert = work.options.revert or false
  engine.request('review/files', { plan = work.plan, accepted = not revert, applied = not revert,
    reverted = revert, only = work.options.only }, function(err, result)
    for _, file in ipairs(not err and result.files or {}) do
      local buf = done_earlier(work, file)
      if buf and option(buf, 'modified') == 1 and not is_refused(work, file.path) then
        write(work, buf, file.path)
      end
    end
    done()
  end)
end

local function change_file(work, file)
  local change = changers[file.change] or changers.edit
  local ok, done = pcall(change, work, file)
  if not ok then return refuse(work, file.path, tostring(done)) end
  if not done then return end
  for _, hunk in ipairs(file.hunks or {}) do work.hunks[#work.hunks + 1] = hunk end
  local doing = #(file.hunks or {})
  if file.change == 'edit' then doing = math.min(doing, #(file.edits or {})) end
  work.doing = work.doing + doing
  if doing > 0 then work.files = work.files + 1 end
  if work.options.write and type(done) == 'number' then write(work, done, file.path) end
end

-- What was not done, in words, and all of it as entries of a list.
local function problems_of(work, stale)
  local words, entries = {}, {}
  for _, list in ipairs({ stale, work.refused, work.left }) do
    for _, item in ipairs(list) do entries[#entries + 1] = item end
  end
  if #stale > 0 then words[#words + 1] = #stale .. ' stale' end
  if #work.refused > 0 then
    words[#words + 1] = ('%s %s'):format(host.fn('fnamemodify', work.refused[1].path, ':t'),
      work.refused[1].text)
  end
  if #work.left > 0 then words[#words + 1] = #work.left .. ' only with a bang' end
  return words, entries
end

-- What was done.
local function done_words(work, verb, problems)
  if work.doing == 0 and work.written > 0 then
    return message.count(work.written, 'file') .. ' written'
  end
  if work.doing + work.asked + #problems == 0 then
    return work.options.revert and 'nothing is applied' or 'nothing is accepted'
  end
  local text = ('%s %s in %s'):format(message.count(work.doing, 'hunk'), verb,
    message.count(work.files, 'file'))
  if work.doing == 0 then return text end
  return text .. (work.options.write and ', written' or ', not written (:wa)')
end

-- What was not done comes first: the end of a long line is cut.
local function report(work, stale)
  local verb = work.options.revert and 'reverted' or 'applied'
  local words, entries = problems_of(work, stale)
  local text = done_words(work, verb, entries)
  if #words > 0 then text = table.concat(words, ', ') .. '; ' .. text end
  if #entries > 0 then
    require('piecework.quickfix').notes(work.plan,
      ('Piecework #%d: not %s'):format(work.plan, verb), entries)
  end
  message.say(('#%d: '):format(work.plan) .. text, #entries > 0 and 'warn' or 'info',
    #entries > 0 and ':copen lists them' or nil)
end

local next_one

local function finish(work, stale)
  local function told()
    report(work, stale)
    next_one()
    require('piecework.buffers').changed(work.plan)
    host.event('PieceworkApplied', { plan = work.plan, files = work.files, hunks = work.doing,
      reverted = work.options.revert and 1 or 0 })
  end
  if #work.hunks == 0 then return write_earlier(work, told) end
  engine.request('review/applied', { plan = work.plan, hunks = work.hunks,
    reverted = work.options.revert or false }, function(err)
    if err then message.error(err) end
    write_earlier(work, told)
  end)
end

-- Calls [each] with one item per safe time, then [done].
local function one_by_one(items, each, done)
  local i = 0
  local function step()
    i = i + 1
    if i > #items then return done() end
    each(items[i])
    host.safe(step)
  end
  step()
end

local function stale_items(result, root)
  local out = {}
  for _, item in ipairs(result.stale or {}) do
    local note = tostring(item.note or '')
    local path, line = note:match('^([^:]+):(%d+): ')
    path = path or note:match('^([^:]+): ')
    out[#out + 1] = { text = note ~= '' and note or 'stale', line = tonumber(line) or 1, type = 'W',
      path = path and root .. '/' .. path or nil }
  end
  return out
end

local function read_one(known)
  known.tick, known.text = tick_of(known.buf), host.pack(scope.text(known.buf))
end

local function ask_edits(work)
  local texts = {}
  for path, known in pairs(work.buffers) do
    if known.tick ~= tick_of(known.buf) then read_one(known) end
    texts[#texts + 1] = { path = path, text = known.text }
    known.text = nil
  end
  local method = work.options.revert and 'review/revert' or 'review/apply'
  engine.request(method, { plan = work.plan, buffers = texts, only = work.options.only },
    function(err, result)
      if err then
        message.error(err)
        return next_one()
      end
      one_by_one(result.files or {}, function(file) change_file(work, file) end,
        function() finish(work, stale_items(result, work.root)) end)
    end)
end

local function load_one(work, file)
  local path = file.from or file.path
  if not is_there(path) then return end
  local ok, buf, why = pcall(load, path)
  if ok and buf then
    work.buffers[path] = { buf = buf }
    read_one(work.buffers[path])
  else
    refuse(work, path, ok and why or tostring(buf))
  end
end

local function begin(work)
  local options = work.options
  engine.request('review/files', { plan = work.plan, accepted = not options.revert,
    applied = options.revert or false, only = options.only }, function(err, result)
    if err then
      message.error(err)
      return next_one()
    end
    work.root, work.asked = result.root, #(result.files or {})
    one_by_one(result.files or {}, function(file) load_one(work, file) end,
      function() ask_edits(work) end)
  end)
end

-- One at a time: `:cdo Piecework accept` asks for many at once, and each of them changes the texts
-- that the others' edits would be for.
---@type piecework.Apply?
local running
---@type piecework.Apply[]
local waiting = {}

function next_one()
  running = table.remove(waiting, 1)
  if running then begin(running) end
end

-- What waits and is of the same kind is done together: one undo step per file, one line.
local function joins(work, plan, options)
  local other = work.options
  if work.plan ~= plan or not options.only or not other.only or other.write ~= options.write
    or other.revert ~= options.revert then
    return false
  end
  for _, name in ipairs(options.only) do other.only[#other.only + 1] = name end
  return true
end

-- Applies (or reverts) what is accepted (or applied) of [plan].
---@param plan integer
---@param options piecework.ApplyOptions
function M.start(plan, options)
  local last = waiting[#waiting]
  if last and joins(last, plan, options) then return end
  local work = { plan = plan, options = options, buffers = {}, refused = {}, left = {}, hunks = {},
    doing = 0, files = 0, written = 0, asked = 0 }
  waiting[#waiting + 1] = work
  if not running then next_one() end
end

return M
