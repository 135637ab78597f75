-- What a request is about (Scope) and what the models must see of it (Buffers).
--
-- Scope: {path, first, last}, from a range, the arguments, or the quickfix list. Buffers: the
-- text of every modified file buffer, as its file would be after `:w`, but always in UTF-8.

local host = require('piecework.host')
local slices = require('piecework.slices')

local M = {}

---@class piecework.Range
---@field path string    absolute
---@field first integer  0 = the whole file
---@field last integer
---@field margin? integer  lines above and below that belong to it, as far as the file goes

---@class piecework.BufferText
---@field path string
---@field text string

local BOM = '\239\187\191'
-- Lines above and below an entry of the quickfix list that may be changed with it.
local MARGIN = 3

local function option(buf, name)
  return host.fn('getbufvar', buf, '&' .. name)
end

-- An ordinary file buffer with a name.
function M.is_file(buf)
  local name = host.fn('bufname', buf)
  return name ~= '' and option(buf, 'buftype') == '' and not name:find('^%a[%w+.-]*://')
end

-- The full name, symlinks and all: what `:w` would write.
function M.path(buf)
  return host.fn('fnamemodify', host.fn('bufname', buf), ':p')
end

-- A buffer of no lines and one of an empty line look the same, but for their size in bytes.
-- The buffer of a file, made if need be, under the name that `:edit` would give it: below the
-- current directory a short one. bufadd() takes names as they are, bufnr() would take a pattern.
function M.buffer(path)
  local short = host.fn('fnamemodify', path, ':.')
  return host.fn('bufadd', short:find('^~') and path or short)
end

local function is_empty(buf)
  host.cmd_in(buf, 'let b:piecework_bytes = line2byte(line("$") + 1)')
  return (host.fn('getbufvar', buf, 'piecework_bytes', 2)) <= 0
end

-- The buffer's text as its file would be. 'fileformat', 'endofline' and 'bomb' are honoured.
function M.text(buf)
  local lines = host.lines(buf)
  if #lines == 1 and lines[1] == '' and is_empty(buf) then return '' end
  local formats = { dos = '\r\n', unix = '\n', mac = '\r' }
  local ending = formats[option(buf, 'fileformat')] or '\n'
  local text = table.concat(lines, ending)
  local without = option(buf, 'endofline') == 0
    and (option(buf, 'fixendofline') == 0 or option(buf, 'binary') == 1)
  if not without then text = text .. ending end
  if option(buf, 'bomb') == 1 then text = BOM .. text end
  return text
end

-- Loaded file buffers with changes that are not on disk: their numbers.
local function modified()
  local out = {}
  for buf = 1, host.fn('bufnr', '$') do
    if host.fn('bufloaded', buf) == 1 and option(buf, 'modified') == 1 and M.is_file(buf) then
      out[#out + 1] = buf
    end
  end
  return out
end

---@return piecework.BufferText[]
function M.buffers()
  local out = {}
  for i, buf in ipairs(modified()) do out[i] = { path = M.path(buf), text = M.text(buf) } end
  return out
end

-- Which texts the engine has of the buffers, by plan: numbers and ticks of all, for one that
-- was written has left the list above.
local told = {}

-- One expression, not a call for each: this is asked at every key of a review.
local TICKS = [[join(map(filter(range(1, bufnr('$')), ]]
  .. [['bufloaded(v:val) && getbufvar(v:val, "&buftype") ==# ""'), ]]
  .. [['v:val .. ":" .. getbufvar(v:val, "changedtick")'))]]

local function ticks()
  return host.fn('eval', TICKS)
end

-- Does the engine know the buffers as they are?
function M.is_known(plan)
  return told[plan] == ticks()
end

-- Calls [done] with the buffers as they are, to be told to the engine; with nil when it knows them.
-- At once, unless there is much to read.
---@param done fun(buffers: piecework.BufferText[]?)
function M.news(plan, done)
  local now = ticks()
  if told[plan] == now then return done(nil) end
  told[plan] = now
  local bufs, out = modified(), {}
  slices.run(#bufs, 1, function(i)
    if host.fn('bufloaded', bufs[i]) == 0 then return end
    out[#out + 1] = { path = M.path(bufs[i]), text = host.pack(M.text(bufs[i])) }
  end, function()
    -- Typed into meanwhile, or the engine was told others: what was read is of different moments.
    if told[plan] ~= ticks() then return M.news(plan, done) end
    done(out)
  end)
end

-- It was told other texts, or is another engine.
function M.forget_known()
  told = {}
end

-- The lines of the current buffer, or all of it.
---@param first integer 0 = the whole file
---@return piecework.Range[]
function M.range(first, last)
  local buf = host.fn('bufnr', '%')
  if not M.is_file(buf) then return {} end
  return { { path = M.path(buf), first = first, last = last } }
end

-- Whole files, from names as typed.
function M.files(names)
  local out = {}
  for _, name in ipairs(names) do
    out[#out + 1] = { path = host.fn('fnamemodify', name, ':p'), first = 0, last = 0 }
  end
  return out
end

function M.args()
  return M.files(host.fn('argv'))
end

-- The entries of the current quickfix list that stand in a file. Nil when there are none, or when
-- the list is one of ours: working on results is not meant by mistake.
function M.quickfix()
  local list = host.fn('getqflist', { items = 1, title = 1 })
  if (list.title or ''):find('^Piecework #') then return nil end
  local out = {}
  for _, item in ipairs(list.items or {}) do
    if item.valid == 1 and item.bufnr > 0 and host.fn('bufname', item.bufnr) ~= '' then
      local last = item.end_lnum and item.end_lnum > 0 and item.end_lnum or item.lnum
      out[#out + 1] = { path = M.path(item.bufnr), first = item.lnum, last = last }
    end
  end
  return #out > 0 and out or nil
end

-- One range per file, over all its entries and a margin: the engine's to add, for here nobody knows
-- how long a file is that is not loaded.
---@param ranges piecework.Range[]
function M.by_file(ranges)
  local out, by_path = {}, {}
  for _, range in ipairs(ranges) do
    local known = by_path[range.path]
    if not known then
      known = { path = range.path, first = range.first, last = range.last }
      by_path[range.path] = known
      out[#out + 1] = known
    end
    if range.first == 0 or known.first == 0 then
      known.first, known.last = 0, 0
    else
      known.first = math.min(known.first, range.first)
      known.last = math.max(known.last, range.last)
    end
  end
  for _, range in ipairs(out) do
    if range.first > 0 then range.margin = MARGIN end
  end
  return out
end

return M
