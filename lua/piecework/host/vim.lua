-- The host contract (host/init.lua) on Vim with +lua, from 9.0 on.
--
-- Tables must be wrapped on their way in, results unwrapped on their way out, numbers that enter
-- Lua are cut to 32 bits, and errors of called functions do not raise: hence the Vim script beside
-- this file, which tries and reports.

local json = require('piecework.json')
local safe = require('piecework.host.safe')
local broken = require('piecework.host.wrap')

local M = { name = 'vim', wire = 'json' }

vim.command('runtime! lua/piecework/host/vim.vim')
local vfn = vim.fn

-- Crossing the border ---------------------------------------------------------------------------

local function wrap(value)
  if type(value) ~= 'table' then return value end
  local is_map = json.is_map(value) or (#value == 0 and next(value) ~= nil)
  if is_map then
    local dict = vim.dict()
    for k, v in pairs(value) do
      dict[tostring(k)] = wrap(v)
    end
    return dict
  end
  local list = vim.list()
  for i = 1, #value do
    list:add(wrap(value[i]))
  end
  return list
end

M.pack = json.raw

-- Vim collects garbage when the user pauses, in one go, and walks over all that is there: thousands
-- of dicts in a list, the more so when Lua has each, are a gap. So they cross as text, so many at
-- once, and go when they were used.
local AT_ONCE = 16

function M.list()
  local list, texts = vim.list(), {}
  local function cross()
    vfn.Piecework_host_extend(list, '[' .. table.concat(texts, ',') .. ']')
    texts = {}
  end
  return {
    add = function(value)
      texts[#texts + 1] = json.encode(value)
      if #texts == AT_ONCE then cross() end
    end,
    use = function(run)
      cross()
      run(list)
      vfn.Piecework_host_clear(list)
    end,
  }
end

local function unwrap(value)
  local kind = vim.type(value)
  if kind == 'list' then
    local list, n = {}, 0
    for item in value() do
      n = n + 1
      list[n] = unwrap(item)
    end
    return list
  end
  if kind == 'dict' then
    local map = {}
    for k, item in value() do
      map[k] = unwrap(item)
    end
    return map
  end
  if type(value) == 'userdata' then return nil end
  return value
end

function M.fn(name, ...)
  local args = vim.list()
  for i = 1, select('#', ...) do
    args:add(wrap((select(i, ...))))
  end
  local answer = vfn.Piecework_host_fn(name, args)
  if answer[1] ~= 1 then error((tostring(answer[2]):gsub('^Vim[^:]*:', '')), 0) end
  return unwrap(answer[2])
end

function M.cmd(ex)
  local err = vfn.Piecework_host_cmd(ex)
  if err == '' then return true end
  return false, (err:gsub('^Vim[^:]*:', ''))
end

-- A hidden buffer becomes current in a hidden popup: nothing on the screen moves.
function M.cmd_in(buf, ex)
  local err = vfn.Piecework_host_cmd_in(buf, ex)
  if err == '' then return true end
  if type(err) ~= 'string' then return false, 'there is no buffer ' .. buf end
  return false, (err:gsub('^Vim[^:]*:', ''))
end

-- Safe time -------------------------------------------------------------------------------------

local timers, last_timer = {}, 0

function M.defer(ms, callback)
  last_timer = last_timer + 1
  timers[last_timer] = callback
  vfn.Piecework_host_after(ms, last_timer)
end

function M.on_timer(id)
  local callback = timers[id]
  timers[id] = nil
  if callback then callback() end
end

local queue = safe.new({
  mode = function() return vfn.mode(1), vfn.state() end,
  defer = M.defer,
  watch = function(on)
    vim.command('augroup piecework_safe | exe "autocmd!" | augroup END')
    if not on then return end
    vim.command('autocmd piecework_safe ' .. table.concat(safe.events, ',') ..
      ' * lua require("piecework.host.vim").wake()')
  end,
  failed = function(err) M.echo('piecework: internal error: ' .. err, 'ErrorMsg') end,
})

M.safe, M.flush, M.wake = queue.add, queue.flush, queue.wake

function M.clock()
  return vfn.reltimefloat(vfn.reltime()) * 1000
end

-- Processes -------------------------------------------------------------------------------------

local jobs = {}

local function start(argv, cwd, lines, job)
  local ok, id = pcall(M.fn, 'Piecework_host_start', argv, cwd or '', lines and 1 or 0)
  if not ok then return nil, id end
  if id == 0 then return nil, 'cannot run ' .. argv[1] end
  jobs[id] = job
  return id
end

-- A longer message is decoded in steps, so that the user is not held meanwhile.
local LARGE, STEP_MS = 20000, 4

-- Calls [on_message] with what the lines say, one after the other: those behind a large one wait.
-- Anything but a message on stdout is not ours; it must not end the session.
local function reader(on_message)
  local lines, step, busy = {}, nil, false
  local self = {}

  local function work(ms)
    busy = true
    while lines[1] do
      step = step or json.steps(lines[1])
      local done, message = step(ms)
      if not done then return M.defer(0, function() work(STEP_MS) end) end
      table.remove(lines, 1)
      step = nil
      local ok, err = true, nil
      if message ~= nil then ok, err = pcall(on_message, message) end
      if not ok then M.echo('piecework: internal error: ' .. tostring(err), 'ErrorMsg') end
    end
    busy = false
  end

  function self.line(text)
    if not busy and #text < LARGE then
      local message = json.decode(text)
      if message ~= nil then on_message(message) end
      return
    end
    lines[#lines + 1] = text
    if not busy then work(STEP_MS) end
  end

  -- Nothing more will come.
  function self.rest()
    work(math.huge)
  end

  return self
end

function M.connect(argv, on)
  local errors, read = {}, reader(on.message)
  return start(argv, nil, false, {
    line = read.line,
    error = function(text)
      errors[#errors + 1] = text
      if #errors > 50 then table.remove(errors, 1) end
    end,
    exit = function(code)
      read.rest()
      on.exit(code, table.concat(errors, '\n'))
    end,
  })
end

function M.run(argv, on)
  return start(argv, on.cwd, true, { line = on.line, error = on.line, exit = on.exit })
end

function M.on_line(id, text)
  if jobs[id] then jobs[id].line(text) end
end

function M.on_error(id, text)
  if jobs[id] then jobs[id].error(text) end
end

function M.on_exit(id, code)
  local job = jobs[id]
  jobs[id] = nil
  if job then job.exit(code) end
end

function M.expect(channel, yes)
  vfn.Piecework_host_expect(channel, yes and 1 or 0)
end

function M.send(channel, message)
  return vfn.Piecework_host_send(channel, json.encode(message)) == 1
end

function M.stop(job)
  vfn.Piecework_host_stop(job)
end

-- What the user sees ----------------------------------------------------------------------------

-- Vim has no place for it but the statusline, which has ours.
function M.progress() end

function M.echo(text, highlight)
  vim.command('redraw')
  vim.command('echohl ' .. highlight)
  M.cmd('echomsg ' .. vfn.string(text))
  vim.command('echohl None')
end

function M.event(name, data)
  vim.g.piecework_event = wrap(data)
  if vfn.exists('#User#' .. name) == 1 then M.cmd('doautocmd <nomodeline> User ' .. name) end
end

function M.here()
  local win = vim.window()
  return win.buffer.number, win.line, vim.v.count1
end

function M.go(line, jump, first, last)
  vfn.Piecework_host_go(line, jump and 1 or 0, first or 0, last or 0)
end

function M.lines(buf)
  local lines, n = {}, 0
  for line in vfn.getbufline(buf, 1, '$')() do
    n = n + 1
    lines[n] = line:find('\n', 1, true) and line:gsub('\n', '\0') or line
  end
  return lines
end

local function to_list(lines)
  local list = {}
  for i = 1, #lines do
    list[i] = lines[i]:find('\0', 1, true) and (lines[i]:gsub('%z', '\n')) or lines[i]
  end
  return vim.list(list)
end

-- One call for all edits of a buffer: for each alone, crossing over costs more than the edit.
function M.change(buf, edits)
  local numbers, lines = {}, {}
  for i, edit in ipairs(edits) do
    numbers[i] = edit.first .. ' ' .. edit.count .. ' ' .. #edit.lines
    for _, line in ipairs(edit.lines) do lines[#lines + 1] = line end
  end
  local err = vfn.Piecework_host_change(buf, table.concat(numbers, ' '), to_list(lines))
  if err ~= '' then error((err:gsub('^Vim[^:]*:', '')), 0) end
end

-- Replaces only the lines that differ, so that cursors and folds elsewhere stay.
local function replace_middle(buf, new)
  local old = M.lines(buf)
  local head, tail = 0, 0
  local least = math.min(#old, #new)
  while head < least and old[head + 1] == new[head + 1] do head = head + 1 end
  while tail < least - head and old[#old - tail] == new[#new - tail] do tail = tail + 1 end
  local middle = {}
  for i = head + 1, #new - tail do middle[#middle + 1] = new[i] end
  M.change(buf, { { first = head + 1, count = #old - head - tail, lines = middle } })
end

function M.fill(buf, lines)
  local keep = {}
  for name, value in pairs({ undolevels = -1, modifiable = 1, readonly = 0 }) do
    keep[name] = vfn.getbufvar(buf, '&' .. name)
    vfn.setbufvar(buf, '&' .. name, value)
  end
  replace_middle(buf, #lines > 0 and lines or { '' })
  keep.modified = 0
  for name, value in pairs(keep) do
    vfn.setbufvar(buf, '&' .. name, value)
  end
end

-- One call for all: each line that crossed into Lua and back would cost more than setting it.
function M.splice(buf, edits, text)
  local numbers = {}
  for _, edit in ipairs(edits) do
    numbers[#numbers + 1] = edit.first .. ' ' .. edit.drop .. ' ' .. edit.put
  end
  vfn.Piecework_host_splice(buf, table.concat(numbers, ' '), text)
end

local note_type = false

function M.notes(buf, notes)
  if not note_type then
    M.cmd('call prop_type_add("piecework_note", {"highlight": "PieceworkNote"})')
    note_type = true
  end
  M.fn('prop_remove', { type = 'piecework_note', bufnr = buf, all = 1 })
  for _, note in ipairs(notes) do
    pcall(M.fn, 'prop_add', note.line, 0, {
      type = 'piecework_note', bufnr = buf, text = '  ' .. note.text, text_align = 'after',
      text_wrap = 'truncate',
    })
  end
end

local overlay_ready = false

local function overlay_types()
  if overlay_ready then return end
  overlay_ready = true
  M.cmd('call prop_type_add("piecework_add", {"highlight": "PieceworkAdd"})')
  M.cmd('call prop_type_add("piecework_hint", {"highlight": "PieceworkNote"})')
  M.cmd('sign define PieceworkDelete text=- texthl=PieceworkDelete linehl=PieceworkDelete')
end

-- A property for each line that would come: their order stays. An empty one would not be drawn.
local function draw(buf, mark, last)
  for line = mark.first, math.min(mark.first + mark.count - 1, last) do
    pcall(M.fn, 'sign_place', 0, 'piecework', 'PieceworkDelete', buf, { lnum = line })
  end
  local at = mark.first + mark.count - 1
  local align = at < 1 and 'above' or 'below'
  at = math.max(1, math.min(at, last))
  for _, line in ipairs(mark.lines) do
    pcall(M.fn, 'prop_add', at, 0, { type = 'piecework_add', bufnr = buf, text_align = align,
      text = line == '' and ' ' or line, text_wrap = 'truncate' })
  end
  if mark.note then
    pcall(M.fn, 'prop_add', at, 0, { type = 'piecework_hint', bufnr = buf, text_align = 'after',
      text = '  ' .. mark.note, text_wrap = 'truncate' })
  end
end

function M.overlay(buf, marks)
  overlay_types()
  M.fn('prop_remove', { type = 'piecework_add', bufnr = buf, all = 1 })
  M.fn('prop_remove', { type = 'piecework_hint', bufnr = buf, all = 1 })
  M.fn('sign_unplace', 'piecework', { buffer = buf })
  local last = M.fn('getbufinfo', buf)[1].linecount
  for _, mark in ipairs(marks) do draw(buf, mark, last) end
end

-- Vim shows what stands above the first line.
function M.room() end

function M.unfold(win)
  vfn.Piecework_host_unfold(win)
end

function M.refold(win, gone, new)
  local ranges = {}
  for i, fold in ipairs(new) do ranges[i] = fold.first .. ',' .. fold.last end
  vfn.Piecework_host_refold(win, table.concat(gone, ' '), table.concat(ranges, ' '))
end

function M.ui()
  return nil
end

local last_popup = 0

function M.popup(lines, title)
  local room = M.fn('eval', '&columns') - 5
  local most = math.max(1, M.fn('eval', '&lines') - 6)
  lines = broken.lines(lines, room, vfn.strdisplaywidth, most)
  M.fn('popup_close', last_popup)
  last_popup = M.fn('popup_atcursor', lines, {
    title = ' ' .. title .. ' ', border = {}, padding = { 0, 1, 0, 1 }, moved = 'any',
    filter = 'Piecework_host_popup_key', filtermode = 'n',
    maxheight = most, maxwidth = room,
  })
end

-- Vim has no :checkhealth: `:Piecework health` shows the same rows.
function M.health() end

return M
