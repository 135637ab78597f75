-- The host contract (host/init.lua) without an editor: buffers are tables, time is a counter,
-- nothing happens before `tick`. For specs under a plain Lua, and for tools that only need the
-- pure modules.

local M = { name = 'fake', wire = 'json' }

-- What specs look at and set.
M.state = {
  now = 0,          -- milliseconds
  echoed = {},      -- {text, highlight}
  events = {},      -- {name, data}
  commands = {},    -- Ex commands, as given
  sent = {},        -- messages to the engine
  vars = {},        -- of fn('eval', expression)
  buffers = {},     -- number -> {name, lines, options}
  channel = nil,    -- handlers of the running engine
}
local S = M.state

local timers = {}
local queue = {}

-- Lets [ms] pass: timers that are due run in their order, then what waits for a safe time.
function M.tick(ms)
  S.now = S.now + (ms or 0)
  local due = true
  while due do
    due = false
    table.sort(timers, function(a, b) return a.at < b.at end)
    if timers[1] and timers[1].at <= S.now then
      due = true
      table.remove(timers, 1).callback()
    end
    if #queue > 0 then
      due = true
      M.flush()
    end
  end
end

-- Vim functions that the modules under test call.
M.functions = {
  eval = function(expression) return S.vars[expression] end,
  getcwd = function() return '/project' end,
  strdisplaywidth = function(text) return #text end,
  strchars = function(text) return #text end,
  strcharpart = function(text, start, length) return text:sub(start + 1, start + length) end,
  localtime = function() return math.floor(S.now / 1000) end,
  strftime = function() return '00:00:00' end,
  executable = function(path) return S.vars['executable:' .. path] or 0 end,
  exepath = function() return '' end,
  expand = function(text) return text end,
  fnamemodify = function(path) return path end,
  string = function(value) return "'" .. tostring(value) .. "'" end,
  bufnr = function() return 1 end,
  getqflist = function() return {} end,
}

function M.fn(name, ...)
  local f = M.functions[name]
  if not f then error('fake host has no function ' .. name, 0) end
  return f(...)
end

function M.list()
  local list = {}
  return {
    add = function(value) list[#list + 1] = value end,
    use = function(run) run(list) end,
  }
end

function M.pack(text)
  return text
end

function M.cmd(ex)
  S.commands[#S.commands + 1] = ex
  return true
end

function M.cmd_in(_, ex)
  return M.cmd(ex)
end

function M.expect(_, yes)
  S.expects = yes
end

function M.connect(argv, on)
  S.argv, S.channel = argv, on
  return 1
end

function M.send(_, message)
  if not S.channel then return false end
  S.sent[#S.sent + 1] = message
  return true
end

function M.run(argv, on)
  S.argv, S.job = argv, on
  return 2
end

function M.stop()
  local on = S.channel
  S.channel = nil
  if on then on.exit(0, '') end
end

function M.defer(ms, callback)
  timers[#timers + 1] = { at = S.now + ms, callback = callback }
end

function M.safe(callback)
  queue[#queue + 1] = callback
end

function M.flush()
  local work = queue
  queue = {}
  for i = 1, #work do work[i]() end
end

function M.echo(text, highlight)
  S.echoed[#S.echoed + 1] = { text, highlight }
end

function M.progress(progress)
  S.progress = progress
end

function M.ui()
  return nil
end

function M.event(name, data)
  S.events[#S.events + 1] = { name, data }
end

function M.here()
  return 1, 1, 1
end

function M.go() end

function M.lines(buf)
  return S.buffers[buf].lines
end

function M.change(buf, edits)
  local lines = S.buffers[buf].lines
  for i = #edits, 1, -1 do
    local e = edits[i]
    for _ = 1, e.count do table.remove(lines, e.first) end
    for k, line in ipairs(e.lines) do table.insert(lines, e.first + k - 1, line) end
  end
end

function M.fill(buf, lines)
  S.buffers[buf] = { lines = lines, options = {} }
end

function M.notes() end

function M.overlay() end

function M.room() end

function M.splice(buf, edits, text)
  local lines, next_line = S.buffers[buf].lines, text:gmatch('([^\n]*)\n')
  for _, edit in ipairs(edits) do
    for _ = 1, edit.drop do table.remove(lines, edit.first) end
    for i = 1, edit.put do table.insert(lines, edit.first + i - 1, next_line()) end
  end
end

function M.unfold() end

function M.refold() end

function M.popup() end

function M.health(_, rows)
  S.rows = rows
end

function M.clock()
  return S.now
end

return M
