-- The pages that only show a View of the engine: cost, log and preview differ in three words.

local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')

local M = {}

---@class piecework.PageSpec
---@field method string
---@field params fun(view: piecework.View): table
---@field after? fun(view: piecework.View, result: table): string  more text, below
---@field live? boolean
---@field table? boolean
---@field syntax? table

---@param spec piecework.PageSpec
---@return piecework.Page
function M.new(spec)
  local page = { live = spec.live, table = spec.table, passing = true,
    syntax = spec.syntax or { { 'PieceworkHead', '\\%1l.*' } } }

  function page.load(view, show)
    engine.request(spec.method, spec.params(view), function(err, result)
      if err then
        if not view.shown then show(message.page(err)) end
        return message.error(err)
      end
      show((result.text or '') .. (spec.after and spec.after(view, result) or ''), result.index)
    end)
  end

  page.keys = keys.with_help({
    { lhs = 'R', name = 'page-reload', help = 'look again', run = buffers.load },
    { lhs = 'gq', name = 'page-close', help = 'close', run = buffers.close },
  })
  return page
end

return M
