-- piecework://build: the visible log of `:Piecework build`, which runs `make` in the plugin's
-- directory.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local config = require('piecework.config')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')

local M = {}

local log, job = {}, nil
local scheduled = false

function M.load(_, show)
  show(table.concat(log, '\n'))
end

-- The last line stays in sight while it grows.
function M.shown(view)
  for _, win in ipairs(host.fn('win_findbuf', view.buf)) do
    host.fn('win_execute', win, 'normal! G')
  end
end

local function refresh()
  scheduled = false
  local buf = host.fn('bufnr', '^piecework://build$')
  local view = buf > 0 and buffers.view(buf)
  if view and view.shown then buffers.load(view) end
end

local function add(line)
  log[#log + 1] = line
  if scheduled then return end
  scheduled = true
  host.defer(200, function() host.safe(refresh) end)
end

local function ended(code)
  job = nil
  add(code == 0 and 'piecework: built' or ('piecework: %s failed (exit %d)')
    :format(config.get('build')[1], code))
  host.safe(function()
    if code ~= 0 then return message.error('the build failed. Its log: :e piecework://build') end
    -- The engine in use is the old one: the next verb starts the new.
    engine.stop()
    message.say('built ' .. host.fn('fnamemodify', engine.home() .. '/build/piecework', ':~'))
  end)
end

function M.start(mods)
  if job then return buffers.open('piecework://build', mods) end
  local argv = config.get('build')
  if host.fn('executable', argv[1] or '') == 0 then
    return message.error(('cannot build: there is no %s here'):format(tostring(argv[1])))
  end
  log = { '$ ' .. table.concat(argv, ' ') .. '    (in ' .. engine.home() .. ')' }
  local err
  job, err = host.run(argv, { cwd = engine.home(), line = add, exit = ended })
  if not job then
    return message.error(argv[1] .. ' does not start: ' .. tostring(err))
  end
  buffers.open('piecework://build', mods)
end

M.keys = keys.with_help({
  { lhs = 'gq', name = 'build-close', help = 'close', run = buffers.close },
})

M.syntax = {
  { 'PieceworkHead', '\\%1l.*' },
  { 'PieceworkFailed', '.*\\<error\\>:.*' },
  { 'PieceworkOk', '^piecework: built' },
}

return M
