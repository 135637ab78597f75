-- piecework://health: what is there and what is not; the same rows as `:checkhealth piecework`.

local buffers = require('piecework.buffers')
local keys = require('piecework.ui.keys')

local M = { passing = true }

-- piecework://health/reach asks the providers, too; `R` there asks them again.
function M.load(view, show)
  require('piecework.check').rows(function(rows)
    local text = { 'piecework://health' }
    for _, row in ipairs(rows) do
      text[#text + 1] = ('%-5s %s'):format(row.level, row.text)
    end
    show(table.concat(text, '\n'))
  end, view.rest == 'reach')
end

M.keys = keys.with_help({
  { lhs = 'R', name = 'health-reload', help = 'look again', run = buffers.load },
  { lhs = 'gq', name = 'health-close', help = 'close', run = buffers.close },
})

M.syntax = {
  { 'PieceworkHead', '\\%1l.*' },
  { 'PieceworkOk', '^ok ' },
  { 'PieceworkDoubt', '^warn ' },
  { 'PieceworkFailed', '^error ' },
}

return M
