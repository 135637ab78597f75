-- `:checkhealth piecework` on Neovim. The report is written at once, so the engine's own rows
-- come from the last time it was asked; `:Piecework health` waits for it.

local check = require('piecework.check')
local host = require('piecework.host')

local M = {}

function M.check()
  host.health('piecework', check.local_rows())
end

return M
