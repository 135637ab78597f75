-- What the engine knows, for completion: the names behind an @, the plans of the project. Nobody
-- waits for it: what was answered last time is there at once, and it is asked again behind that,
-- so that what was made meanwhile is there at the next <Tab>.

local host = require('piecework.host')
local engine = require('piecework.engine')

local M = {}

-- The answers as they were last time, of the project in which they were asked.
local answers, asked_in = {}, nil

local function question(method)
  return function()
    local here = host.fn('getcwd')
    if asked_in ~= here then answers, asked_in = {}, here end
    engine.peek(method, {}, function(err, result)
      if not err and asked_in == here then answers[method] = result end
    end)
    return answers[method] or {}
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

-- Behind what the verb that has started the engine asked.
local AHEAD_MS = 200

-- The engine is there: so that the first <Tab> finds the answers.
function M.ahead()
  host.defer(AHEAD_MS, function()
    if not engine.running() then return end
    templates()
    plans()
  end)
end

return M
