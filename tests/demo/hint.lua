-- hint.lua: what the demo shows first: the plan, and three lines on what to press.
local lines = {
  ' piecework demo: this is the plan, recorded. Edit it if you like, then  ZZ  runs it (recorded replies, no key).',
  ' A test command asks for trust first:  :Piecework trust  shows it,  ZZ  there says yes.  Then run:  :Piecework run',
  ' When it says ready:  :Piecework review   s accept  X reject  ]c next  :Piecework accept plan  ZZ apply  g? help',
}
vim.cmd('edit piecework://plan/1')
vim.cmd('botright 3new')
vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
vim.cmd('setlocal buftype=nofile bufhidden=wipe nomodifiable winfixheight nonumber nowrap nomodified')
vim.cmd('wincmd p')
