-- The rows of `:checkhealth piecework` and `:Piecework health`: the editor's own, then the
-- engine's.

local host = require('piecework.host')
local config = require('piecework.config')
local engine = require('piecework.engine')
local message = require('piecework.message')

local M = {}

---@class piecework.HealthRow
---@field level 'ok'|'warn'|'error'
---@field text string

local function add(rows, level, text)
  rows[#rows + 1] = { level = level, text = text }
end

-- What needs no engine.
---@return piecework.HealthRow[]
function M.local_rows()
  local rows = {}
  local binary = engine.find()
  if binary then
    add(rows, 'ok', 'engine: ' .. binary)
  else
    local looked = {}
    for _, candidate in ipairs(engine.candidates()) do looked[#looked + 1] = candidate.where end
    add(rows, 'error', 'no engine in ' .. table.concat(looked, ', ') .. ': :Piecework build')
  end
  if host.fn('eval', '&encoding') ~= 'utf-8' then
    add(rows, 'error', '\'encoding\' must be utf-8')
  end
  for _, problem in ipairs(config.problems()) do add(rows, 'warn', problem) end
  for _, tool in ipairs({ 'git', 'make', 'cc', 'pkg-config' }) do
    if host.fn('executable', tool) == 0 then
      add(rows, tool == 'git' and 'error' or 'warn', tool .. ' is not in $PATH')
    end
  end
  return rows
end

-- All rows; comes once, soon. [reach]: the providers are asked, too, which takes longer.
---@param done fun(rows: piecework.HealthRow[])
---@param reach? boolean
function M.rows(done, reach)
  local rows = M.local_rows()
  if not engine.find() then return done(rows) end
  engine.request('health/get', { reach = reach }, function(err, result)
    if err then
      local hint = message.hint(err)
      add(rows, 'error', err.message .. (hint ~= '' and '. ' .. hint or ''))
    else
      add(rows, 'ok', ('engine %s, protocol %d'):format(engine.version or '?',
        require('piecework.rpc').PROTOCOL))
      for _, row in ipairs(result.rows or {}) do add(rows, row.level, row.text) end
    end
    done(rows)
  end)
end

return M
