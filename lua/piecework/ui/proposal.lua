-- piecework://proposal/N/PATH: a file as it would be, for native diff mode beside the file
-- itself. There `do`, `dp` and ]c work as ever; what is taken over that way is the user's own
-- edit.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local message = require('piecework.message')

local M = { keys = {}, syntax = {} }

function M.load(view, show)
  engine.request('review/proposal', { plan = view.plan, path = view.rest }, function(err, result)
    if err then
      message.error(err)
      return show('piecework: ' .. err.message)
    end
    show((result.text or ''):gsub('\r\n', '\n'))
    host.cmd_in(view.buf, 'diffupdate')
  end)
end

function M.shown(view, first)
  if not first then return end
  host.cmd_in(view.buf, 'silent! doautocmd filetypedetect BufRead '
    .. host.fn('fnameescape', host.fn('fnamemodify', view.rest, ':t')))
end

-- Two windows in a tab of their own, so that the user's windows stay as they are.
function M.diff(plan, path)
  require('piecework.verbs.files').absolute(plan, path, function(absolute)
    local ok, err = host.cmd('tabedit ' .. host.fn('fnameescape', absolute))
    if not ok then return message.error(err) end
    host.cmd('diffthis')
    host.cmd('vertical rightbelow split '
      .. host.fn('fnameescape', buffers.uri('proposal', plan, path)))
    host.cmd('diffthis')
    host.cmd('wincmd p')
  end)
end

function M.diff_end()
  host.cmd('diffoff!')
  if host.fn('tabpagenr', '$') > 1 then host.cmd('silent! tabclose') end
end

M.keys = {
  { lhs = 'dq', name = 'proposal-end', help = 'end diff mode', run = M.diff_end },
}

return M
