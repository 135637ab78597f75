-- Work that has to wait until the user is not in the middle of something.
--
-- Callbacks arrive while an operator waits for its motion, in insert mode, on the command line, at
-- prompts. Buffers must not change then. There is no polling: whoever leaves such a state makes
-- the editor fire one of the events below, and that looks again.

---@class piecework.SafeEditor
---@field mode fun(): string, string  mode(1), and state() where it exists
---@field defer fun(ms: integer, callback: fun())
---@field watch fun(on: boolean)  (un)installs autocommands that call wake()
---@field failed fun(message: string)  a callback raised an error

local M = {}

M.events = {
  'SafeState', 'ModeChanged', 'InsertLeave', 'CmdlineLeave', 'CursorHold', 'CursorMoved',
}

-- mode(1) of typing text, of a command line, of prompts, of a waiting operator; and of a selection,
-- which must not move, and whose -- VISUAL -- would hide what is told.
local function busy(mode, state)
  -- `vim -es`: Ex mode is where scripts run; nobody types.
  if mode == 'cv' or mode == 'ce' then return false end
  if mode:find('^[iRcr!vV\22sS\19]') or mode:find('^no') or mode:find('^ni') then return true end
  -- o: an operator or f waits, a: completion menu, m: halfway in a mapping.
  return state:find('[oam]') ~= nil
end

---@param editor piecework.SafeEditor
function M.new(editor)
  local queue, scheduled, watching = {}, false, false
  local self = {}

  local function watch(on)
    if on == watching then return end
    watching = on
    editor.watch(on)
  end

  function self.flush()
    local work = queue
    queue = {}
    for i = 1, #work do
      local ok, err = pcall(work[i])
      if not ok then editor.failed(tostring(err)) end
    end
  end

  local function look()
    scheduled = false
    if #queue == 0 then return watch(false) end
    if busy(editor.mode()) then return watch(true) end
    watch(false)
    self.flush()
  end

  -- Never at once: the caller may be a callback or an autocommand, where buffers are locked.
  function self.wake()
    if scheduled then return end
    scheduled = true
    editor.defer(0, look)
  end

  function self.add(callback)
    queue[#queue + 1] = callback
    self.wake()
  end

  return self
end

return M
