-- `:checkhealth piecework` on Neovim: the same rows as `:Piecework health`. The report is written
-- at once, so this waits for the engine, though not for long.

local check = require('piecework.check')
local host = require('piecework.host')

local M = {}

local WAIT_MS = 3000

function M.check()
  local rows
  check.rows(function(all) rows = all end)
  host.fn('wait', WAIT_MS, function()
    host.flush()  -- a command was typed: that is as safe a time as any
    return rows ~= nil
  end, 20)
  if not rows then
    rows = check.local_rows()
    rows[#rows + 1] = { level = 'warn', text = 'the engine does not answer: :Piecework health' }
  end
  host.health('piecework', rows)
end

return M
