-- What is known of the plans of this session, from the engine's events. Pure: tables in, tables
-- out.

local M = {}

---@class piecework.PlanState
---@field plan integer
---@field state string  planning, ready, failed, unsuitable; running, paused, done, stopped; review
---@field title? string
---@field note? string
---@field path? string   the plan file, absolute
---@field done integer   finished tasks
---@field total integer
---@field spent integer  nano-dollars, -1 = unknown
---@field budget integer
---@field tasks table<string, table>  the last event of each task
---@field waits table<string, { until_ms: integer, note: string }>  tasks a provider holds back

---@type table<integer, piecework.PlanState>
M.plans = {}
M.newest = nil       -- the plan that was last talked of
M.newest_review = nil

function M.plan(id)
  local plan = M.plans[id]
  if not plan then
    plan = { plan = id, state = 'known', done = 0, total = 0, spent = -1, budget = -1, tasks = {},
      waits = {} }
    M.plans[id] = plan
  end
  M.newest = id
  return plan
end

local record = {}

function record.plan(plan, event)
  plan.state = event.state or plan.state
  plan.note, plan.path = event.note or plan.note, event.path or plan.path
  plan.spent = event.spent or plan.spent
end

function record.run(plan, event)
  plan.state, plan.note = event.state or plan.state, event.note
end

function record.task(plan, event)
  if event.task then plan.tasks[event.task], plan.waits[event.task] = event, nil end
  plan.done, plan.total = event.done or plan.done, event.total or plan.total
end

function record.wait(plan, event)
  plan.waits[event.task or ''] = { until_ms = tonumber(event.until_ms) or 0,
    note = tostring(event.note or '') }
end

function record.money(plan, event)
  plan.spent, plan.budget = event.spent or plan.spent, event.budget or plan.budget
end
record.budget = record.money

function record.verify(plan, event)
  if event.state ~= 'done' and event.state ~= 'failed' then plan.state = 'verifying' end
  plan.note = event.note
end

-- Comes before the answer to commit/start, which has no hash.
function record.commit(plan, event)
  plan.commit = event.commit
end

function record.review(plan)
  plan.state = 'review'
  M.newest_review = plan.plan
end

-- Takes over one event. Nil when it concerns no plan.
function M.record(event)
  local id = tonumber(event.plan)
  if not id or id == 0 then return nil end
  local plan = M.plan(id)
  local take = record[event.kind]
  if take then take(plan, event) end
  return plan
end

-- The engine is gone: what ran does not run any more.
function M.engine_gone()
  for _, plan in pairs(M.plans) do
    if plan.state == 'planning' or plan.state == 'running' or plan.state == 'verifying' then
      plan.state = 'interrupted'
    end
  end
end

-- '$0.031'; '?' when unknown.
function M.money(nano)
  nano = tonumber(nano) or -1
  if nano < 0 then return '?' end
  if nano > 0 and nano < 500000 then return '<$0.001' end
  local dollars = nano / 1e9
  return ('$%.' .. (dollars >= 1 and 2 or 3) .. 'f'):format(dollars)
end

-- Why [task] of a plan does not go on and for how long, or nil. [now]: seconds since the epoch.
function M.waits(id, task, now)
  local wait = M.plans[id] and M.plans[id].waits[task]
  local seconds = wait and math.ceil(wait.until_ms / 1000 - now) or 0
  if seconds <= 0 then return nil end
  local left = seconds < 120 and seconds .. ' s' or math.ceil(seconds / 60) .. ' min'
  return ('again in %s: %s'):format(left, wait.note)
end

local short = {
  planning = function(p) return 'plan ' .. p.plan .. ' ...' end,
  running = function(p) return ('%d/%d'):format(p.done, p.total) end,
  verifying = function(p) return ('%d/%d verify'):format(p.done, p.total) end,
  paused = function(p) return ('%d/%d paused'):format(p.done, p.total) end,
}

-- '[P 5/9 $0.110]' while something is going on with the plan, else ''.
function M.status(id)
  local plan = M.plans[id]
  local text = plan and short[plan.state]
  if not text then return '' end
  local money = plan.spent >= 0 and ' ' .. M.money(plan.spent) or ''
  return '[P ' .. text(plan) .. money .. ']'
end

-- The same of the plan that was last talked of.
function M.statusline()
  return M.status(M.newest or 0)
end

local working = { planning = true, running = true, verifying = true }

-- Is the engine at work on any plan, so that it will tell of it unasked?
function M.expects()
  for _, plan in pairs(M.plans) do
    if working[plan.state] then return true end
  end
  return false
end

local active = { running = true, verifying = true }
local outcome = { failed = 'failed', stopped = 'cancel', paused = 'cancel' }

---@class piecework.Progress
---@field plan integer
---@field percent integer
---@field status 'running'|'success'|'failed'|'cancel'
---@field text string

-- Of the plans at work, and once more of those that have ended since the last time.
---@return piecework.Progress[]
function M.progress()
  local out = {}
  for id, plan in pairs(M.plans) do
    local percent = plan.total > 0 and math.floor(100 * plan.done / plan.total) or 0
    if active[plan.state] then
      plan.progressing = true
      -- A hundred would be the end, and the verification is not.
      out[#out + 1] = { plan = id, status = 'running', percent = math.min(percent, 99),
        text = ('#%d %d/%d'):format(id, plan.done, plan.total) }
    elseif plan.progressing then
      plan.progressing = nil
      out[#out + 1] = { plan = id, status = outcome[plan.state] or 'success', percent = 100,
        text = ('#%d %s'):format(id, plan.state) }
    end
  end
  return out
end

return M
