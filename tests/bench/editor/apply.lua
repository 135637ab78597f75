-- apply.lua: accepted hunks into buffers, in Neovim and Vim: the layer's own edits beside the raw recipe
-- (setbufline, then appendbufline or deletebufline, bottom-up), and undo of both. Then the whole verb.
--
-- BENCH_EDITS: files with an edit a line: "first count n", then n lines. The result goes to BENCH_OUT.

local f = vim.fn
local function env(name) return f.eval('$' .. name) end
local function clock() return tonumber(f.reltimestr(f.reltime())) * 1e3 end
local function set(name, value) vim.command(('let %s = %s'):format(name, value)) end
if vim.api then vim.command = vim.cmd end

local out = {}
local function record(name, value) out[#out + 1] = ('%s %.3f'):format(name, value) end
local files = tonumber(env('BENCH_FILES'))

-- {{first, count, lines}}: every [step]th line becomes two, [hunks] a file.
local function edits_of(hunks, step)
  local list = {}
  for i = 1, hunks do
    local line = (i - 1) * step + 5
    list[i] = { first = line, count = 1, lines = { 'changed line ' .. line, 'and one more' } }
  end
  return list
end

local function list(lines)
  return vim.api and lines or vim.list(lines)
end

local raw
if vim.api then
  raw = function(buf, edits)
    for i = #edits, 1, -1 do
      local e = edits[i]
      f.setbufline(buf, e.first, { e.lines[1] })
      f.appendbufline(buf, e.first, { e.lines[2] })
    end
  end
else
  raw = function(buf, edits) f.Bench_raw(buf, #edits, tonumber(env('BENCH_STEP'))) end
end

local function fresh(n)
  vim.command('silent! %bwipeout!')
  local buffers = {}
  for i = 1, n do
    local buf = f.bufadd('m' .. i .. '.txt')
    f.bufload(buf)
    f.setbufvar(buf, '&undolevels', 1000)
    buffers[i] = buf
  end
  return buffers
end

local function undo(buffers)
  local begin = clock()
  for _, buf in ipairs(buffers) do
    require('piecework.host').cmd_in(buf, 'silent undo')
  end
  return clock() - begin
end

local function check(buffers, name)
  for _, buf in ipairs(buffers) do
    local text = f.getbufline(buf, 1, '$')
    local n = 0
    if vim.api then
      for _, line in ipairs(text) do n = n + (line == 'and one more' and 1 or 0) end
    else
      for line in text() do n = n + (line == 'and one more' and 1 or 0) end
    end
    record('left_' .. name, n)
    return
  end
end

local function once(name, change, edits)
  local buffers = fresh(files)
  local begin = clock()
  for _, buf in ipairs(buffers) do change(buf, edits) end
  record(name, clock() - begin)
  check(buffers, name)
  record(name .. '_undo', undo(buffers))
end

local apply = require('piecework.apply')
local step = tonumber(env('BENCH_STEP'))
local many, few = edits_of(tonumber(env('BENCH_HUNKS')), step), edits_of(3, step)
for _ = 1, tonumber(env('BENCH_ROUNDS')) do
  once('ours', apply.change, many)
  once('raw', raw, many)
  once('few', apply.change, few)
end

local function finish()
  f.writefile(list(out), env('BENCH_OUT'))
  vim.command('qall!')
end

-- The whole verb: the engine's edits for accepted hunks of plan 1, main loop gaps by a timer.
local gap, last = 0, nil
local function tick()
  local now = clock()
  if last then gap = math.max(gap, now - last) end
  last = now
end

function BENCH_APPLIED()
  record('verb', clock() - BENCH_BEGIN)
  tick()
  record('verb_gap', gap)
  finish()
end

local function whole_verb()
  vim.command('silent! %bwipeout!')
  require('piecework.engine').request('review/decide', { plan = 1, what = { 'all' }, decision = 'accepted' },
    function(err, result)
      if err then record('failed', 0) return finish() end
      record('decided', tonumber(result.changed))
      f.timer_start(1, tick, vim.api and { ['repeat'] = -1 } or vim.dict({ ['repeat'] = -1 }))
      vim.command('autocmd User PieceworkApplied lua BENCH_APPLIED()')
      BENCH_BEGIN = clock()
      vim.command('Piecework apply 1')
    end)
end

whole_verb()
