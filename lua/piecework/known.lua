-- What the engine knows, for completion: the names behind an @, the plans of the project. It is
-- asked again at each completion, so that what was made meanwhile is there at the next one.

local host = require('piecework.host')
local engine = require('piecework.engine')

local M = {}

-- The first completion of a session waits for the engine to start, at most so long.
local WAIT_MS = 300
local STEP_MS = 20

-- The answer to [method] as it was last time; a failure is an answer, too.
local function question(method)
  local answer
  return function()
    engine.peek(method, {}, function(err, result)
      answer = not err and result or answer or {}
    end)
    local waited = 0
    while not answer and waited < WAIT_MS do
      host.cmd('sleep ' .. STEP_MS .. 'm')
      waited = waited + STEP_MS
    end
    return answer or {}
  end
end

local templates = question('template/list')
local plans = question('plan/list')

-- "@name" of those that [verb] (each, edit, plan) can use.
---@return string[]
function M.templates(verb)
  local out = {}
  for _, template in ipairs(templates().templates or {}) do
    for _, use in ipairs(template.problem == '' and template['for'] or {}) do
      if use == verb then out[#out + 1] = '@' .. template.name end
    end
  end
  return out
end

-- Numbers of the project's plans, newest first.
---@return string[]
function M.plans()
  local out = {}
  for _, plan in ipairs(plans().plans or {}) do out[#out + 1] = tostring(plan.plan) end
  return out
end

return M
