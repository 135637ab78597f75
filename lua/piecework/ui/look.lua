-- How piecework:// buffers look: highlight groups that users may override, and syntax by line.

local host = require('piecework.host')

local M = {}

M.groups = {
  PieceworkAdd = 'DiffAdd', PieceworkDelete = 'DiffDelete', PieceworkChange = 'DiffChange',
  PieceworkText = 'DiffText', PieceworkStale = 'WarningMsg', PieceworkAccepted = 'Question',
  PieceworkRejected = 'Comment', PieceworkFile = 'Title', PieceworkHunk = 'Statement',
  PieceworkHead = 'Title', PieceworkNote = 'Comment', PieceworkDoubt = 'WarningMsg',
  PieceworkOk = 'Question', PieceworkFailed = 'ErrorMsg', PieceworkRunning = 'Identifier',
  PieceworkField = 'Identifier', PieceworkTask = 'Title',
}

local defined = false

-- Default links: a colour scheme or the user's vimrc wins. Done again after :colorscheme.
function M.define()
  for group, target in pairs(M.groups) do
    host.cmd(('highlight default link %s %s'):format(group, target))
  end
  if defined then return end
  defined = true
  host.cmd('augroup piecework_look | augroup END')
  host.cmd('autocmd! piecework_look')
  host.cmd('autocmd piecework_look ColorScheme * lua require("piecework.ui.look").define()')
end

-- [rules]: {group, pattern, more?}; for the current buffer.
function M.apply(rules)
  M.define()
  host.cmd('syntax clear')
  for _, rule in ipairs(rules or {}) do
    host.cmd(('syntax match %s /%s/ %s'):format(rule[1], rule[2], rule[3] or ''))
  end
end

return M
