-- Long work a few milliseconds at a time, so that the user's keys are never held up by it.

local host = require('piecework.host')

local M = {}

local SLICE_MS = 4

-- Calls [each] with 1 to [n], then [done]. The first slice is done at once, the others at safe
-- times. [look]: so many items between two looks at the clock. [stale]: true ends it in silence.
---@param n integer
---@param look integer
---@param each fun(i: integer)
---@param done fun()
---@param stale? fun(): boolean
function M.run(n, look, each, done, stale)
  local i = 0
  local function slice()
    if stale and stale() then return end
    local stop = host.clock() + SLICE_MS
    while i < n do
      i = i + 1
      each(i)
      if i < n and i % look == 0 and host.clock() > stop then return host.safe(slice) end
    end
    done()
  end
  slice()
end

return M
