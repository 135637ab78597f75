-- What the user is told: one line each, cut to the screen, so that no hit-enter prompt ever
-- appears. The whole text stays for `:Piecework log`.

local host = require('piecework.host')

local M = {}

---@class piecework.Message
---@field time integer  seconds since the epoch
---@field level 'info'|'warn'|'error'
---@field text string

---@type piecework.Message[]
M.history = {}

local KEEP = 300
local HIGHLIGHT = { info = 'None', warn = 'WarningMsg', error = 'ErrorMsg' }
-- A result that follows on the heels of an error must not wipe it off the message line.
local ERROR_STAYS_MS = 1500
local last_error = -1e9

-- At most [width] screen cells of [text], on one line.
function M.cut(text, width)
  text = text:gsub('%s*[\r\n]+%s*', ' '):gsub('%c', ' ')
  if host.fn('strdisplaywidth', text) <= width then return text end
  local chars = host.fn('strcharpart', text, 0, width - 3)
  while host.fn('strdisplaywidth', chars) > width - 3 do
    chars = host.fn('strcharpart', chars, 0, host.fn('strchars', chars) - 1)
  end
  return chars .. '...'
end

-- A longer line makes a hit-enter prompt, however little room there is. Less says nothing.
local LEAST_ROOM = 8

-- What to do next is worth more than the end of what happened, and that more than who says it.
local function fit(text, join, hint, width)
  local bare = text:gsub('^piecework: ', '')
  for _, whole in ipairs({ text .. join .. hint, bare .. join .. hint }) do
    if host.fn('strdisplaywidth', whole) <= width then return whole end
  end
  local left = width - host.fn('strdisplaywidth', hint) - 1
  if hint == '' or left < width / 3 then return text .. join .. hint end
  -- The only hint that is nothing to do.
  if hint:lower() == 'nothing was changed' then return bare end
  return M.cut(bare, left) .. ' ' .. hint
end

---@param text string  a command at its end, ': :Piecework plan', is the hint when none is given
---@param level? 'info'|'warn'|'error'
---@param hint? string  what to do next: cut last
function M.say(text, level, hint)
  level = level or 'info'
  if not text:find('^piecework: ') then text = 'piecework: ' .. text end
  local join = '. '
  if not hint then
    local head, mark, command = text:match('^(.*)([:;,.] )(:%a.*)$')
    text, join, hint = head or text, mark or '', command or ''
  end
  M.history[#M.history + 1] = { time = host.fn('localtime'), level = level,
    text = text .. join .. hint }
  if #M.history > KEEP then table.remove(M.history, 1) end
  local now = host.clock()
  if level ~= 'error' and now - last_error < ERROR_STAYS_MS then return end
  if level == 'error' then last_error = now end
  local width = host.fn('eval', 'v:echospace')
  if width < LEAST_ROOM then return end
  host.echo(M.cut(fit(text, join, hint, width), width), HIGHLIGHT[level])
end

-- '1 hunk', '2 hunks'.
function M.count(n, word)
  return n .. ' ' .. word .. (n == 1 and '' or 's')
end

-- A new verb was typed: what went wrong before it is old news.
function M.fresh()
  last_error = -1e9
end

-- Paths below the current directory without it: long ones would fill the line.
local function short_paths(text)
  local here = host.fn('getcwd') .. '/'
  local first, last = text:find(here, 1, true)
  while first do
    text = text:sub(1, first - 1) .. text:sub(last + 1)
    first, last = text:find(here, first, true)
  end
  return text
end

-- What to do next, as a sentence. A command stays as it is typed; the engine's hints name the
-- shell's way too, and here nobody is in a shell.
---@param err piecework.Error
function M.hint(err)
  local hint = (err.hint or ''):gsub('%s*%(CLI:[^)]*%)', '')
  return hint:find('^piecework ') and hint or (hint:gsub('^%l', string.upper))
end

-- What a page shows where it has no text.
---@param err piecework.Error
function M.page(err)
  return 'piecework: ' .. err.message .. '\n' .. M.hint(err)
end

-- [err] of the engine, or a text.
---@param err piecework.Error|string
---@param level? 'warn'|'error'
function M.error(err, level)
  level = level or 'error'
  if type(err) == 'string' then return M.say(err, level) end
  local text = tostring(err.message or err.code or 'failed'):gsub('[%s.]+$', '')
  text = 'piecework: ' .. short_paths(text)
  local hint = M.hint(err)
  M.say(text, level, hint ~= '' and hint or nil)
end

-- The history as text, oldest first.
function M.lines()
  local lines = {}
  for i, message in ipairs(M.history) do
    lines[i] = host.fn('strftime', '%H:%M:%S', message.time) .. ' ' .. message.text
  end
  return lines
end

return M
