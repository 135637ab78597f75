-- gap.lua: how long Neovim's main loop is held while replies stream: a 1 ms timer's largest gaps.
--
-- BENCH_MODE: idle (nothing), floor (the bare peer and a buffer), ours. BENCH_FILES: how many tasks. The result
-- goes to BENCH_OUT: start (the verb, ms), stream_max, stream_p99 and end_max (the 300 ms after the last event).

local uv, env = vim.loop, vim.env
local mode, count = env.BENCH_MODE, tonumber(env.BENCH_FILES)
local gaps, last, timer = {}, nil, uv.new_timer()
local result = {}

local function ms() return uv.hrtime() / 1e6 end

local function measure()
  gaps, last = {}, ms()
  timer:start(1, 1, function()
    local now = ms()
    gaps[#gaps + 1] = now - last
    last = now
  end)
end

local function largest()
  gaps[#gaps + 1] = ms() - last -- what is going on right now
  table.sort(gaps)
  return gaps[#gaps] or 0, gaps[math.ceil(#gaps * 0.99)] or 0
end

local function finish()
  timer:stop()
  result.stream_max, result.stream_p99 = largest()
  measure()
  vim.defer_fn(function()
    timer:stop()
    result.end_max = largest()
    vim.fn.writefile({ vim.fn.json_encode(result) }, env.BENCH_OUT)
    vim.cmd('qall!')
  end, 300)
end

local function started(run)
  local begin = ms()
  run()
  result.start = ms() - begin
  vim.defer_fn(measure, 250)
end

local modes = {}

function modes.idle()
  started(function() end)
  vim.defer_fn(finish, 1500)
end

-- What the least plugin would do: one line a task, twice a second.
function modes.floor()
  vim.cmd('botright 12new | setlocal buftype=nofile')
  local buf = vim.api.nvim_get_current_buf()
  function _G.FLOOR(words, done, left)
    local lines = { ('%d of %d done, %d words'):format(done, done + left, words) }
    for i = 1, count do lines[#lines + 1] = (' .. T%02d  f%d.txt'):format(i, i) end
    vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
    if left == 0 then finish() end
  end
  local channel = vim.fn.jobstart({ env.BENCH_PEER, 'serve' }, { rpc = true })
  started(function() vim.rpcnotify(channel, 'stream', env.BENCH_URL, count) end)
end

function modes.ours()
  local files = {}
  for i = 1, count do files[i] = 'f' .. i .. '.txt' end
  vim.cmd('args ' .. table.concat(files, ' '))
  vim.cmd('Piecework') -- the status page, and with it a warm engine
  vim.cmd([[autocmd User PieceworkDone lua BENCH_DONE()]])
  _G.BENCH_DONE = finish
  vim.defer_fn(function()
    started(function() vim.cmd('Piecework! each Set the value to 2.') end)
  end, 700)
end

vim.defer_fn(modes[mode], 200)
