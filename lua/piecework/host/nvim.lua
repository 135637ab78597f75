-- The host contract (host/init.lua) on Neovim, from 0.7.2 on.
--
-- The engine speaks msgpack-RPC, but on a plain channel that we decode ourselves: Neovim's own
-- client can only wait for an answer, crashes on one nobody waits for, and aborts on deep nesting.

local json = require('piecework.json')
local safe = require('piecework.host.safe')
local broken = require('piecework.host.wrap')

local api, vfn = vim.api, vim.fn
local M = { name = 'nvim', wire = 'msgpack' }

local space = api.nvim_create_namespace('piecework')

-- 'Vim(write):E45: ...' and a Lua position in front say nothing to a user.
local function reason(err)
  return (tostring(err):gsub('^.-Vim[^:]*:', ''))
end

function M.fn(name, ...)
  local ok, result = pcall(vfn[name], ...)
  if not ok then error(reason(result), 0) end
  return result
end

function M.list()
  local list = {}
  return {
    add = function(value) list[#list + 1] = value end,
    use = function(run) run(list) end,
  }
end

function M.pack(text)
  return text
end

function M.cmd(ex)
  local ok, err = pcall(api.nvim_command, ex)
  if ok then return true end
  return false, reason(err)
end

function M.cmd_in(buf, ex)
  local ok, err = pcall(api.nvim_buf_call, buf, function() api.nvim_command(ex) end)
  if ok then return true end
  return false, reason(err)
end

-- Safe time -------------------------------------------------------------------------------------

local has_state = vfn.exists('*state') == 1

local queue = safe.new({
  mode = function() return api.nvim_get_mode().mode, has_state and vfn.state() or '' end,
  defer = function(ms, callback) vim.defer_fn(callback, ms) end,
  watch = function(on)
    local group = api.nvim_create_augroup('piecework_safe', { clear = true })
    if not on then return end
    local known = vim.tbl_filter(function(e) return vfn.exists('##' .. e) == 1 end, safe.events)
    api.nvim_create_autocmd(known, { group = group, callback = function() M.wake() end })
  end,
  failed = function(err) M.echo('piecework: internal error: ' .. err, 'ErrorMsg') end,
})

M.safe, M.flush, M.wake = queue.add, queue.flush, queue.wake

function M.defer(ms, callback)
  vim.defer_fn(callback, ms)
end

function M.clock()
  return vim.loop.hrtime() / 1e6
end

-- Processes -------------------------------------------------------------------------------------

-- A job's callback gets lines: NUL stands for newline inside them, the last one is unfinished.
local function bytes(data)
  for i = 1, #data do
    if data[i]:find('\n', 1, true) then data[i] = data[i]:gsub('\n', '\0') end
  end
  return table.concat(data, '\n')
end

-- Maps leave out what is empty; where a nil comes all the same it becomes a missing field. Only
-- the outer levels are looked at: a review of 60,000 lines has its index below them.
local function drop_nil(value, levels)
  if value == vim.NIL then return nil end
  if levels > 0 and type(value) == 'table' then
    for k, v in pairs(value) do
      value[k] = drop_nil(v, levels - 1)
    end
  end
  return value
end

-- Calls [on_message] with each msgpack value in the bytes it is given.
local function reader(on_message, on_garbage)
  local unpack_next = vim.mpack.Unpacker()
  return function(text)
    local at = 1
    while at <= #text do
      local ok, message, next_at = pcall(unpack_next, text, at)
      if not ok then return on_garbage() end
      if message == nil then return end
      at = next_at
      on_message(drop_nil(message, 3))
    end
  end
end

-- json.map marks tables that are maps even when empty; msgpack needs Neovim's own mark for that.
local function mark_maps(value)
  if type(value) ~= 'table' then return value end
  if next(value) == nil then return json.is_map(value) and vim.empty_dict() or value end
  local copy = {}
  for k, v in pairs(value) do
    copy[k] = mark_maps(v)
  end
  return copy
end

local function start(argv, options)
  local ok, job = pcall(vfn.jobstart, argv, options)
  if not ok then return nil, reason(job) end
  if job <= 0 then return nil, 'cannot run ' .. argv[1] end
  return job
end

function M.connect(argv, on)
  local errors, closed = {}, false
  local channel
  local feed = reader(on.message, function() M.stop(channel) end)
  local err
  channel, err = start(argv, {
    -- Leaving ends its input, and it ends by itself: what is in flight is paid for, and quitting
    -- does not wait for it.
    detach = true,
    on_stdout = function(_, data)
      if not closed then feed(bytes(data)) end
    end,
    on_stderr = function(_, data)
      errors[#errors + 1] = table.concat(data, '\n')
      if #errors > 50 then table.remove(errors, 1) end
    end,
    on_exit = function(_, code)
      closed = true
      on.exit(code, table.concat(errors))
    end,
  })
  return channel, err
end

-- Neovim reads what comes when it comes.
function M.expect() end

function M.send(channel, message)
  return (pcall(api.nvim_chan_send, channel, vim.mpack.encode(mark_maps(message))))
end

function M.run(argv, on)
  local rest = { '', '' }
  local function output(stream)
    return function(_, data)
      data[1] = rest[stream] .. data[1]
      rest[stream] = table.remove(data)
      for i = 1, #data do
        on.line((data[i]:gsub('\r$', '')))
      end
    end
  end
  return start(argv, {
    cwd = on.cwd,
    on_stdout = output(1),
    on_stderr = output(2),
    on_exit = function(_, code)
      for i = 1, 2 do
        if rest[i] ~= '' then on.line(rest[i]) end
      end
      on.exit(code)
    end,
  })
end

function M.stop(job)
  pcall(vfn.jobstop, job)
end

-- What the user sees ----------------------------------------------------------------------------

local function echo(text, highlight)
  -- The redraw drops what stands on the message line, so that two messages never make a prompt.
  pcall(api.nvim_command, 'redraw')
  api.nvim_echo({ { text, highlight } }, true, {})
end

function M.echo(text, highlight)
  if vim.o.cmdheight > 0 then return echo(text, highlight) end
  -- Without a message line what is told while the command line stands there makes a prompt.
  vim.schedule(function() echo(text, highlight) end)
end

function M.event(name, data)
  vim.g.piecework_event = data
  local options = { pattern = name, modeline = false }
  if vfn.has('nvim-0.8') == 1 then options.data = data end
  pcall(api.nvim_exec_autocmds, 'User', options)
end

local function draws_messages()
  for _, ui in ipairs(api.nvim_list_uis()) do
    if ui.ext_messages then return true end
  end
  return false
end

local progress_ids = {}

-- Neovim 0.12: the default statusline and terminals that show a bar listen to the event. As a
-- message it goes only to a UI that has a place of its own for it: on the message line it would
-- wipe off, twice a second, what the user is reading.
function M.progress(progress)
  -- The default statusline counts from when vim.ui was first used on.
  if vfn.exists('##Progress') == 0 or not vim.ui.progress_status then return end
  local data = { title = 'piecework', source = 'piecework', status = progress.status,
    percent = progress.percent }
  if draws_messages() then
    data.kind, data.id = 'progress', progress_ids[progress.plan]
    local ok, id = pcall(api.nvim_echo, { { progress.text } }, false, data)
    progress_ids[progress.plan] = ok and progress.status == 'running' and id or nil
    return
  end
  data.id, data.text = 'piecework ' .. progress.plan, { progress.text }
  local options = { pattern = 'piecework', modeline = false, data = data }
  pcall(api.nvim_exec_autocmds, 'Progress', options)
end

function M.here()
  return api.nvim_get_current_buf(), api.nvim_win_get_cursor(0)[1], vim.v.count1
end

function M.go(line, jump, first, last)
  if jump then api.nvim_command("normal! m'") end
  vfn.cursor(line, 1)
  if vfn.foldclosed(line) > 0 then api.nvim_command('silent! normal! zv') end
  -- Asking for w0 scrolls to the cursor.
  if not last or (vfn.line('w0') <= line and vfn.line('w$') >= last) then return end
  vfn.cursor(last, 1)
  api.nvim_command('normal! zb')
  if vfn.line('w0') > line then
    vfn.cursor(first, 1)
    api.nvim_command('normal! zt')
  end
  vfn.cursor(line, 1)
end

-- Vim functions hand over NUL as newline and take it that way.
local function swap(lines, from, to)
  for i = 1, #lines do
    if lines[i]:find(from, 1, true) then lines[i] = lines[i]:gsub('%' .. from, to) end
  end
  return lines
end

local function from_nul(lines)
  local copy = {}
  for i = 1, #lines do
    copy[i] = lines[i]:find('%z') and lines[i]:gsub('%z', '\n') or lines[i]
  end
  return copy
end

function M.lines(buf)
  return swap(api.nvim_buf_get_lines(buf, 0, -1, false), '\n', '\0')
end

-- setbufline, not nvim_buf_set_lines: only that keeps marks and extmarks on replaced lines.
local function change_one(buf, edit)
  local lines = from_nul(edit.lines)
  local common, failed = math.min(edit.count, #lines), 0
  if common > 0 then failed = vfn.setbufline(buf, edit.first, vim.list_slice(lines, 1, common)) end
  if failed == 0 and #lines > common then
    failed = vfn.appendbufline(buf, edit.first + common - 1,
      vim.list_slice(lines, common + 1, #lines))
  elseif failed == 0 and edit.count > common then
    failed = vfn.deletebufline(buf, edit.first + common, edit.first + edit.count - 1)
  end
  if failed ~= 0 then error('cannot change the lines', 0) end
end

-- From the bottom up, so that no edit moves another's lines.
function M.change(buf, edits)
  for i = #edits, 1, -1 do change_one(buf, edits[i]) end
end

function M.fill(buf, lines)
  local bo = vim.bo[buf]
  local levels, modifiable, readonly = bo.undolevels, bo.modifiable, bo.readonly
  bo.undolevels, bo.modifiable, bo.readonly = -1, true, false
  local old = api.nvim_buf_get_lines(buf, 0, -1, false)
  local new = from_nul(lines)
  if #new == 0 then new = { '' } end
  local head, tail = 0, 0
  local least = math.min(#old, #new)
  while head < least and old[head + 1] == new[head + 1] do head = head + 1 end
  while tail < least - head and old[#old - tail] == new[#new - tail] do tail = tail + 1 end
  api.nvim_buf_set_lines(buf, head, #old - tail, false, vim.list_slice(new, head + 1, #new - tail))
  bo.undolevels, bo.modifiable, bo.readonly, bo.modified = levels, modifiable, readonly, false
end

-- Lines that stay in their place are set, the others put in or taken out: folds stay.
local function splice_one(buf, edit, lines)
  local common = math.min(edit.drop, #lines)
  if common > 0 then vfn.setbufline(buf, edit.first, vim.list_slice(lines, 1, common)) end
  local at = edit.first - 1 + common
  if edit.drop > common or #lines > common then
    api.nvim_buf_set_lines(buf, at, at + edit.drop - common, false,
      vim.list_slice(lines, common + 1, #lines))
  end
end

function M.splice(buf, edits, text)
  local bo, next_line = vim.bo[buf], text:gmatch('([^\n]*)\n')
  local levels, modifiable, readonly = bo.undolevels, bo.modifiable, bo.readonly
  bo.undolevels, bo.modifiable, bo.readonly = -1, true, false
  for _, edit in ipairs(edits) do
    local lines = {}
    for i = 1, edit.put do lines[i] = next_line() end
    splice_one(buf, edit, lines)
  end
  bo.undolevels, bo.modifiable, bo.readonly, bo.modified = levels, modifiable, readonly, false
end

function M.notes(buf, notes)
  api.nvim_buf_clear_namespace(buf, space, 0, -1)
  local last = api.nvim_buf_line_count(buf)
  for _, note in ipairs(notes) do
    api.nvim_buf_set_extmark(buf, space, math.max(0, math.min(note.line, last) - 1), 0,
      { virt_text = { { '  ' .. note.text, 'PieceworkNote' } }, virt_text_pos = 'eol' })
  end
end

local drawn = api.nvim_create_namespace('piecework_overlay')

-- What stands above the first line is not on the screen unless the window makes room for it, and
-- again each time that it comes back there. buffer -> lines above its first.
local above_first = {}

function M.room()
  local lines = above_first[api.nvim_get_current_buf()]
  if not lines or vfn.line('w0') ~= 1 or vfn.winsaveview().topfill > 0 then return end
  vfn.winrestview({ topline = 1, topfill = lines })
end

local function draw(buf, mark, last)
  for line = mark.first, math.min(mark.first + mark.count - 1, last) do
    api.nvim_buf_set_extmark(buf, drawn, line - 1, 0, { line_hl_group = 'PieceworkDelete',
      sign_text = '-', sign_hl_group = 'PieceworkDelete' })
  end
  local above = mark.first + mark.count - 1 < 1
  local row = math.max(0, math.min(mark.first + mark.count - 1, last) - 1)
  local options, virtual = {}, {}
  for i, line in ipairs(mark.lines) do virtual[i] = { { line, 'PieceworkAdd' } } end
  if #virtual > 0 then options.virt_lines, options.virt_lines_above = virtual, above end
  if mark.note then options.virt_text = { { '  ' .. mark.note, 'PieceworkNote' } } end
  if next(options) then api.nvim_buf_set_extmark(buf, drawn, row, 0, options) end
  if above and #virtual > 0 then
    above_first[buf] = #virtual
    for _, win in ipairs(vfn.win_findbuf(buf)) do api.nvim_win_call(win, M.room) end
  end
end

function M.overlay(buf, marks)
  above_first[buf] = nil
  api.nvim_buf_clear_namespace(buf, drawn, 0, -1)
  local last = api.nvim_buf_line_count(buf)
  for _, mark in ipairs(marks) do draw(buf, mark, last) end
end

function M.unfold(win)
  api.nvim_win_call(win, function()
    vim.wo.foldmethod = 'manual'
    vim.wo.foldenable = true
    pcall(api.nvim_command, 'silent! normal! zE')
  end)
end

function M.refold(win, gone, new)
  api.nvim_win_call(win, function()
    local view = vfn.winsaveview()
    for _, line in ipairs(gone) do api.nvim_command('silent! ' .. line .. 'normal! zd') end
    for _, fold in ipairs(new) do api.nvim_command(fold.first .. ',' .. fold.last .. 'fold') end
    vfn.winrestview(view)
  end)
end

-- Neovim's own ask at a prompt that blocks; what is better than the command line is only what the
-- user has chosen instead.
function M.ui(name)
  local ask = vim.ui and vim.ui[name]
  if not ask or debug.getinfo(ask, 'S').source:find('vim/ui.lua', 1, true) then return nil end
  return ask
end

-- Calls [close] once, when the cursor moves or one of these keys is pressed. A key that the buffer
-- has a map for stays that map's.
local function close_with(buf, keys, close)
  local group = api.nvim_create_augroup('piecework_popup', { clear = true })
  local own = vim.tbl_filter(function(key)
    return vfn.maparg(key, 'n', false, true).buffer ~= 1
  end, keys)
  local function done()
    pcall(api.nvim_del_augroup_by_id, group)
    for _, key in ipairs(own) do pcall(vim.keymap.del, 'n', key, { buffer = buf }) end
    close()
  end
  for _, key in ipairs(own) do vim.keymap.set('n', key, done, { buffer = buf, nowait = true }) end
  api.nvim_create_autocmd({ 'CursorMoved', 'CursorMovedI', 'BufLeave' },
    { group = group, callback = done })
  return done
end

local close_popup = function() end

function M.popup(lines, title)
  close_popup()
  local width, height = 20, 0
  local most = math.max(1, vim.o.lines - 6)
  lines = broken.lines(lines, vim.o.columns - 4, vfn.strdisplaywidth, most)
  for _, line in ipairs(lines) do width = math.max(width, vfn.strdisplaywidth(line)) end
  width = math.min(width, math.max(1, vim.o.columns - 4))
  -- Words that are too long wrap.
  for _, line in ipairs(lines) do
    height = height + math.max(1, math.ceil(vfn.strdisplaywidth(line) / width))
  end
  local buf = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].bufhidden = 'wipe'
  local options = {
    relative = 'cursor', row = 1, col = 0, style = 'minimal', border = 'single', focusable = false,
    width = width, height = math.max(1, math.min(height, most)),
  }
  if vfn.has('nvim-0.9') == 1 then options.title = ' ' .. title .. ' ' end
  local win = api.nvim_open_win(buf, false, options)
  vim.wo[win].wrap = true
  close_popup = close_with(api.nvim_get_current_buf(), { 'q', '<Esc>' }, function()
    close_popup = function() end
    pcall(api.nvim_win_close, win, true)
  end)
end

-- 0.10 renamed the functions of health reports.
function M.health(title, rows)
  local h = vim.health or require('health')
  local report = { ok = h.ok or h.report_ok, warn = h.warn or h.report_warn,
    error = h.error or h.report_error }
  local start_report = h.start or h.report_start
  start_report(title)
  for _, row in ipairs(rows) do
    report[row.level](row.text)
  end
end

return M
