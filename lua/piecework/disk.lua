-- Files that change under a buffer with changes of its own. An editor tells of it once, and at the
-- next write asks on the screen whether to write all the same, also under :silent: so it is
-- remembered with the buffer (b:piecework_disk) until that is read or written again.

local host = require('piecework.host')

local M = {}

local BOTH = 'changed on disk and in the buffer'

-- What the user's own FileChangedShell, or the editor's warning, has left as it is.
function M.watch()
  host.cmd('augroup piecework_disk | exe "autocmd!" | augroup END')
  host.cmd('autocmd piecework_disk FileChangedShellPost *'
    .. ' if getbufvar(str2nr(expand("<abuf>")), "&modified") && filereadable(expand("<afile>:p"))'
    .. ' | call setbufvar(str2nr(expand("<abuf>")), "piecework_disk", 1) | endif')
  host.cmd('autocmd piecework_disk BufReadPost,BufWritePost *'
    .. ' if get(b:, "piecework_disk") && expand("<afile>:p") ==# expand("%:p")'
    .. ' | let b:piecework_disk = 0 | endif')
end

-- Nil, or why [buf] must not be changed or written. An unmodified one is read again, without any
-- prompt.
---@param buf integer
---@return string?
function M.check(buf)
  host.cmd('augroup piecework_check | exe "autocmd!" | augroup END')
  -- The changed buffer need not be the current one there.
  host.cmd(('autocmd piecework_check FileChangedShell <buffer=%d>'
    .. ' if getbufvar(%d, "&modified") | let v:fcs_choice = ""'
    .. ' | call setbufvar(%d, "piecework_disk", 1)'
    .. ' | else | let v:fcs_choice = "reload" | endif'):format(buf, buf, buf))
  host.cmd('silent! checktime ' .. buf)
  host.cmd('autocmd! piecework_check')
  return host.fn('getbufvar', buf, 'piecework_disk', 0) == 1 and BOTH or nil
end

return M
