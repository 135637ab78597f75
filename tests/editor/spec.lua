-- The frame of a spec: loads the file named by $PIECEWORK_SPEC inside an editor, writes TAP to
-- $PIECEWORK_RESULT, quits. A spec is a function of T.

local T = { count = 0, failed = 0, name = os.getenv('PIECEWORK_NAME') }
local out = assert(io.open(os.getenv('PIECEWORK_RESULT'), 'a'))

-- Specs see the editor's Lua as it is; quitting is the frame's.
local command = vim.api and vim.api.nvim_command or vim.command

function T.ok(good, what, ...)
  T.count = T.count + 1
  if not good then T.failed = T.failed + 1 end
  out:write(good and 'ok ' or 'not ok ', T.count, ' - ', T.name, ': ', what, '\n')
  if not good then
    for i = 1, select('#', ...) do
      for line in (tostring((select(i, ...))) .. '\n'):gmatch('([^\n]*)\n') do
        out:write('#   ', line, '\n')
      end
    end
  end
  out:flush()
  return good
end

local function show(value, depth)
  if type(value) == 'string' then return ('%q'):format(value) end
  if type(value) ~= 'table' or (depth or 0) > 4 then return tostring(value) end
  local parts = {}
  for k, v in pairs(value) do
    parts[#parts + 1] = tostring(k) .. '=' .. show(v, (depth or 0) + 1)
  end
  table.sort(parts)
  return '{' .. table.concat(parts, ', ') .. '}'
end
T.show = show

local function same(a, b)
  if type(a) ~= 'table' or type(b) ~= 'table' then return a == b end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

function T.eq(got, want, what)
  return T.ok(same(got, want), what, 'got  ' .. show(got), 'want ' .. show(want))
end

function T.like(got, pattern, what)
  return T.ok(type(got) == 'string' and got:find(pattern) ~= nil, what, 'got ' .. show(got),
    'want ' .. pattern)
end

function T.note(text)
  out:write('# ', text, '\n')
end

-- Lets the editor work until [test] holds. What waits for a safe time is done: nobody types here.
function T.wait(test, what, ms)
  local host = require('piecework.host')
  local stop = host.clock() + (ms or 60000)
  while not test() do
    if host.clock() > stop then
      T.ok(false, 'waited for ' .. what)
      return false
    end
    command('sleep 5m')
    host.flush()
  end
  return true
end

function T.pause(ms)
  local host = require('piecework.host')
  local stop = host.clock() + ms
  while host.clock() < stop do
    command('sleep 5m')
    host.flush()
  end
end

-- The last message told, or nil.
function T.said()
  local history = require('piecework.message').history
  return history[#history] and history[#history].text
end

function T.command(text)
  local host = require('piecework.host')
  local ok, err = host.cmd(text)
  if not ok then T.ok(false, text, err) end
end

-- A word for os.execute.
function T.word(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- A file in the scratch directory the spec runs in.
function T.write(path, text)
  local dir = path:match('^(.*)/')
  if dir then os.execute('mkdir -p ' .. T.word(dir)) end
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
  return T.cwd .. '/' .. path
end

function T.read(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('*a')
  file:close()
  return text
end

T.tree = os.getenv('PIECEWORK_TREE')
T.cwd = require('piecework.host').fn('getcwd')

local ok, err = pcall(function() dofile(os.getenv('PIECEWORK_SPEC'))(T) end)
if not ok then T.ok(false, 'the spec runs to its end', err) end
pcall(function() require('piecework.engine').stop() end)
local messages = require('piecework.host').fn('execute', 'messages')
T.ok(not messages:find('internal error') and not messages:find('stack traceback'),
  'no internal error', messages)
out:write('# end\n')
out:close()
command('qall!')
