-- The names that can stand behind an @, for completion. The engine knows them; they are asked for
-- again at each completion, so that a file made meanwhile is there at the next one.

local host = require('piecework.host')
local engine = require('piecework.engine')

local M = {}

---@type { name: string, problem: string, ['for']: string[] }[]?
local known

-- The first completion of a session waits for the engine to start, at most so long.
local WAIT_MS = 300
local STEP_MS = 20

local function ask()
  engine.peek('template/list', {}, function(err, result)
    known = not err and result.templates or known or {}
  end)
end

-- "@name" of those that [verb] (each, edit, plan) can use.
---@return string[]
function M.names(verb)
  ask()
  local waited = 0
  while not known and waited < WAIT_MS do
    host.cmd('sleep ' .. STEP_MS .. 'm')
    waited = waited + STEP_MS
  end
  local out = {}
  for _, template in ipairs(known or {}) do
    for _, use in ipairs(template.problem == '' and template['for'] or {}) do
      if use == verb then out[#out + 1] = '@' .. template.name end
    end
  end
  return out
end

return M
