-- What the engine tells unasked. A callback only records (state.lua); what the user sees of it is
-- done at a safe time and at most twice a second. Nothing here takes focus or opens a window.

local host = require('piecework.host')
local config = require('piecework.config')
local message = require('piecework.message')
local rpc = require('piecework.rpc')
local state = require('piecework.state')

local M = {}

local THROTTLE_MS = 500

-- Live pages ------------------------------------------------------------------------------------

local dirty = {}         -- plan -> true since the last refresh
local scheduled = false
local last_refresh = -1e9

local function refresh()
  scheduled = false
  last_refresh = host.clock()
  local plans = dirty
  dirty = {}
  require('piecework.buffers').refresh_live(plans)
  host.cmd('let g:piecework_status = ' .. host.fn('string', state.statusline()))
  for _, progress in ipairs(state.progress()) do host.progress(progress) end
  host.cmd('redrawstatus!')
end

-- The first change shows at once, those behind it together half a second later.
local function touch(plan)
  dirty[plan or 0] = true
  require('piecework.engine').expect(state.expects())
  if scheduled then return end
  scheduled = true
  local wait = math.max(0, THROTTLE_MS - (host.clock() - last_refresh))
  host.defer(math.floor(wait), function() host.safe(refresh) end)
end
M.touch = touch

-- What is told ----------------------------------------------------------------------------------

local function tell(text, level)
  if config.get('messages') then message.say(text, level) end
end

-- A plan that is only the way to something else (`edit`): its readiness is no news.
M.expected = false

local on_plan = {
  ready = function(event)
    if not M.expected then tell(('plan %d ready: :Piecework plan'):format(event.plan)) end
    host.event('PieceworkPlanReady', event)
  end,
  failed = function(event)
    message.error(('plan %d failed: %s'):format(event.plan, event.note or 'see :Piecework log'))
    host.event('PieceworkDone', event)
  end,
  unsuitable = function(event)
    local note = (event.note or 'better not delegated'):gsub('[%s.]+$', '')
    message.error({ message = note, hint = ':Piecework! plan goes on all the same' }, 'warn')
  end,
}

local on_run = {
  done = function(event) host.event('PieceworkDone', event) end,
  stopped = function(event)
    tell(('#%d stopped: :Piecework resume goes on'):format(event.plan))
    host.event('PieceworkDone', event)
  end,
  failed = function(event)
    message.error({ message = ('#%d: %s'):format(event.plan, event.note or 'failed'),
      hint = ':Piecework says why' })
    host.event('PieceworkDone', event)
  end,
  paused = function(event)
    message.error({ message = ('#%d paused: %s'):format(event.plan, event.note or '?'),
      hint = ':Piecework log' }, 'warn')
  end,
}

-- Of what is unexpected about the money: said once a plan, for calls in flight each tell it.
local function surprise(event)
  local plan = state.plans[event.plan]
  if not plan or (plan.surprised or {})[event.kind] then return end
  plan.surprised = plan.surprised or {}
  plan.surprised[event.kind] = true
  message.error({ message = ('#%d: %s'):format(event.plan, event.text or '?'),
    hint = ':Piecework log' }, 'warn')
end

local function tell_review(event)
  local counts, failed = {}, tonumber(event.failed) or 0
  for _, what in ipairs({ 'ok', 'doubt', 'rejected' }) do
    local n = tonumber(event[what]) or 0
    if n > 0 then counts[#counts + 1] = n .. ' ' .. what end
  end
  if #counts == 0 then counts[1] = message.count(event.hunks or 0, 'hunk') end
  -- Before the verdicts: these are what a narrow screen cuts.
  if event.tests then table.insert(counts, 1, 'tests ' .. event.tests) end
  if failed > 0 then table.insert(counts, 1, failed .. ' failed') end
  local good = failed == 0 and (not event.tests or event.tests == 'passed')
  tell(('#%d ready to review (%s): :Piecework %s'):format(event.plan, table.concat(counts, ', '),
    failed > 0 and 'status' or 'review'), not good and 'warn' or nil)
end

local ended = { ok = true, done = true, failed = true, rejected = true, skipped = true }

local tellers = {
  plan = function(event)
    if on_plan[event.state] then on_plan[event.state](event) end
  end,
  run = function(event)
    if on_run[event.state] then on_run[event.state](event) end
  end,
  task = function(event)
    if ended[event.state] then host.event('PieceworkTaskDone', event) end
  end,
  review = function(event)
    if event.stayed then
      message.error({ message = ('#%d: %s'):format(event.plan, event.stayed),
        hint = ':Piecework status' }, 'warn')
    else
      tell_review(event)
    end
    require('piecework.buffers').changed(event.plan)
    if config.get('quickfix') then require('piecework.quickfix').fill(event.plan) end
    host.event('PieceworkReviewReady', event)
  end,
  trust = function(event)
    message.error({ message = ('`%s` is not trusted yet'):format(event.command or '?'),
      hint = ':Piecework trust shows it' }, 'warn')
  end,
  budget = function(event)
    message.error({ message = ('#%d: %s'):format(event.plan or 0,
      event.note or 'the budget is used up'), hint = ':Piecework! run goes on' }, 'warn')
    host.event('PieceworkBudget', event)
  end,
  fallback = surprise,
  overrun = surprise,
  commit = function(event)
    if event.state == 'done' then require('piecework.buffers').changed(event.plan) end
    if event.state == 'healed' then tell(event.note or '') end
    if event.state == 'left' then message.error({ message = event.note or '?' }, 'warn') end
  end,
}

local shows = {
  plan = true, run = true, wait = true, task = true, money = true, verify = true, review = true,
}

local function on_event(method, event)
  if method ~= 'event' then return end
  state.record(event)
  local teller = tellers[event.kind]
  if teller then host.safe(function() teller(event) end) end
  if shows[event.kind] then touch(event.plan) end
end

rpc.listen(on_event)

function M.engine_gone()
  state.engine_gone()
  touch(nil)
end

return M
