-- review.lua: a review of thousands of hunks in Neovim and Vim: opening it, going from hunk to hunk with the key
-- held down, deciding. Beside it the least that does the same with a text that is already there: the same lines as
-- JSON, decoded by the editor itself, in a buffer with the editor's diff syntax; a key that searches, in one that looks
-- like ours. CPU times are those of
-- the editor's thread (/proc), so that what the engine does meanwhile on another core is not in them.
--
-- BENCH_ROUNDS, BENCH_KEYS; the result goes to BENCH_OUT, "name value" a line, ms.

local host = require('piecework.host')
local engine = require('piecework.engine')
local f = vim.fn
if vim.api then vim.command = vim.cmd end

local function env(name) return f.eval('$' .. name) end
local keys, rounds = tonumber(env('BENCH_KEYS')), tonumber(env('BENCH_ROUNDS'))

local out = {}
local function record(name, value) out[#out + 1] = ('%s %.3f'):format(name, value) end

local function finish()
  f.writefile(vim.api and out or vim.list(out), env('BENCH_OUT'))
  vim.command('qall!')
end

-- Milliseconds this thread has run.
local function spent()
  local file = io.open('/proc/thread-self/schedstat')
  local ns = tonumber(file:read('*a'):match('^%d+'))
  file:close()
  return ns / 1e6
end

-- The main loop's largest gap, by a timer of 1 ms. It costs something itself: never while `spent` counts.
local gap, last, timer
local function tick()
  local now = host.clock()
  if last then gap = math.max(gap, now - last) end
  last = now
end

local function watch()
  local more = { ['repeat'] = -1 }
  gap, last = 0, nil
  timer = f.timer_start(1, tick, vim.api and more or vim.dict(more))
end

local function largest()
  tick()
  f.timer_stop(timer)
  return gap
end

local function wait(test, done)
  host.defer(20, function()
    if test() then return done() end
    wait(test, done)
  end)
end

local function view() return require('piecework.buffers').view() end
local function whole(v) return v and v.shown and not v.feed and #v.sections.hunks > 1 end
local function redraw() vim.command('redraw') end

local function press(key)
  f.feedkeys(key, 'xt')
  redraw()
end

local function look_at_both_ends()
  redraw()
  vim.command('normal! G')
  redraw()
  vim.command('normal! gg')
  redraw()
end

local function held(name, lhs)
  vim.command('normal! gg')
  redraw()
  local cpu = spent()
  for _ = 1, keys do press(lhs) end
  record(name, spent() - cpu)
  record(name .. '_line', f.line('.'))
end

-- The least ------------------------------------------------------------------------------------------

local function raw(json, rules)
  vim.command('enew | setlocal buftype=nofile bufhidden=wipe noswapfile undolevels=-1')
  local cpu = spent()
  f.Bench_fill(json)
  vim.command('setlocal syntax=diff')
  look_at_both_ends()
  record('raw_open', spent() - cpu)
  vim.command('setlocal syntax=')
  for _, rule in ipairs(rules) do
    vim.command(('syntax match %s /%s/ %s'):format(rule[1], rule[2], rule[3] or ''))
  end
  vim.command([[nnoremap <buffer> <silent> ]c <Cmd>call search('^@@ ', 'W')<CR>]])
  held('raw_next', ']c')
  vim.command('bwipeout!')
end

-- Ours -----------------------------------------------------------------------------------------------

local steps = {}

local function go(i)
  if i > #steps then return finish() end
  steps[i](function() host.defer(50, function() go(i + 1) end) end)
end

local function open(done)
  local cpu = spent()
  vim.command('Piecework review 1')
  wait(function() return whole(view()) end, function()
    look_at_both_ends()
    record('ours_open', spent() - cpu)
    done()
  end)
end

local function open_watched(done)
  watch()
  local begin, first = host.clock(), nil
  vim.command('Piecework review 1')
  wait(function()
    if not first and view() and view().shown then first = host.clock() - begin end
    return whole(view())
  end, function()
    record('ours_first', first)
    record('ours_all', host.clock() - begin)
    record('ours_gap', largest())
    done()
  end)
end

local function compared(done)
  held('ours_next', ']c')
  local json = f.json_encode(f.getline(1, '$'))
  vim.command('bwipeout!')
  raw(json, require('piecework.ui.review').syntax)
  done()
end

local function gone(done)
  vim.command('bwipeout!')
  done()
end

-- What holds the editor when [act] is done, until all that follows from it has been seen.
local function watched(name, act, ms)
  return function(done)
    watch()
    act()
    host.defer(ms, function()
      record(name .. '_gap', largest())
      done()
    end)
  end
end

local function and_back(name)
  steps[#steps + 1] = function(done)
    press('gg]c')
    watched(name, function() press('s') end, 2000)(done)
  end
  steps[#steps + 1] = function(done)
    press('gg]cu')
    host.defer(1500, done)
  end
end

for _ = 1, rounds do
  steps[#steps + 1] = open
  steps[#steps + 1] = compared
  steps[#steps + 1] = open_watched
  steps[#steps + 1] = gone
end
steps[#steps + 1] = open
for _ = 1, rounds do and_back('decide') end
steps[#steps + 1] = function(done)
  require('piecework.quickfix').fill(1, function() host.defer(1000, done) end)
end
for _ = 1, rounds do and_back('tick') end
steps[#steps + 1] = watched('all', function() vim.command('Piecework! accept plan') end, 4000)

vim.command('syntax enable')
engine.request('plan/list', {}, function() host.defer(300, function() go(1) end) end)
