-- gap.lua: how long the main loop of Neovim or Vim is held while replies stream: a 1 ms timer's largest gaps.
--
-- BENCH_MODE: idle (nothing), floor (the bare peer and a buffer), ours. BENCH_FILES: how many tasks. The result
-- goes to BENCH_OUT: start (the verb, ms), stream_max, stream_p99 and end_max (the 300 ms after the last event).

local host = require('piecework.host')
local function env(name) return host.fn('eval', '$' .. name) end
local mode, count = env('BENCH_MODE'), tonumber(env('BENCH_FILES'))
local gaps, last, measuring = {}, nil, false
local result = {}

local function tick()
  if not measuring then return end
  local now = host.clock()
  gaps[#gaps + 1] = now - last
  last = now
end

if vim.api then
  vim.loop.new_timer():start(1, 1, tick)
else
  vim.fn.timer_start(1, tick, vim.dict({ ['repeat'] = -1 }))
end

local function measure()
  gaps, last, measuring = {}, host.clock(), true
end

local function largest()
  measuring = false
  gaps[#gaps + 1] = host.clock() - last -- what is going on right now
  table.sort(gaps)
  return gaps[#gaps] or 0, gaps[math.ceil(#gaps * 0.99)] or 0
end

local function finish()
  result.stream_max, result.stream_p99 = largest()
  measure()
  host.defer(300, function()
    result.end_max = largest()
    local lines = {}
    for name, value in pairs(result) do lines[#lines + 1] = ('%s %.3f'):format(name, value) end
    host.fn('writefile', lines, env('BENCH_OUT'))
    host.cmd('qall!')
  end)
end

local function started(run)
  local begin = host.clock()
  run()
  result.start = host.clock() - begin
  host.defer(250, measure)
end

local modes = {}

function modes.idle()
  started(function() end)
  host.defer(1500, finish)
end

-- What the least plugin would do: one line a task, twice a second.
function modes.floor()
  host.cmd('botright 12new | setlocal buftype=nofile')
  local buf = host.fn('bufnr', '%')
  local function floor(words, done, left)
    local lines = { ('%d of %d done, %d words'):format(done, done + left, words) }
    for i = 1, count do lines[#lines + 1] = (' .. T%02d  f%d.txt'):format(i, i) end
    host.fn('setbufline', buf, 1, lines)
    if left == 0 then finish() end
  end
  if vim.api then
    _G.FLOOR = floor
    local channel = vim.fn.jobstart({ env('BENCH_PEER'), 'serve' }, { rpc = true })
    return started(function() vim.rpcnotify(channel, 'stream', env('BENCH_URL'), count) end)
  end
  function FLOOR(line)
    local words, done, left = line:match('^%[(%d+),(%d+),(%d+)%]')
    floor(tonumber(words), tonumber(done), tonumber(left))
  end
  vim.fn.Bench_peer(env('BENCH_PEER'), env('BENCH_URL'), count)
  started(function() vim.fn.Bench_begin() end)
end

function modes.ours()
  local files = {}
  for i = 1, count do files[i] = 'f' .. i .. '.txt' end
  host.cmd('args ' .. table.concat(files, ' '))
  host.cmd('Piecework') -- the status page, and with it a warm engine
  host.cmd([[autocmd User PieceworkDone lua BENCH_DONE()]])
  function BENCH_DONE() finish() end
  host.defer(700, function()
    started(function() host.cmd('Piecework! each Set the value to 2.') end)
  end)
end

host.defer(200, modes[mode])
