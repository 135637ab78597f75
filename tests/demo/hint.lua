-- hint.lua: what the demo shows first: the plan, and three lines on what to press. They fit 80 columns,
-- and their window keeps its height when others open and close.
local lines = {
  ' piecework demo: a recorded plan; edit it if you like. No key is needed.',
  ' :Piecework trust  shows the test command, ZZ there trusts it;  :Piecework run',
  ' then  :Piecework review   s accept  X reject  ]c next  ZZ apply  g? help',
}
vim.cmd('edit piecework://plan/1')
vim.cmd('botright 3new')
vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
vim.cmd('setlocal buftype=nofile bufhidden=wipe nomodifiable winfixheight nonumber nowrap')
vim.cmd('setlocal nomodified')
local hint = vim.api.nvim_get_current_win()
vim.cmd('wincmd p')
vim.api.nvim_create_autocmd({ 'BufWinEnter', 'WinEnter' }, {
  callback = vim.schedule_wrap(function()
    -- Alone on the screen it would push the command line up instead.
    if vim.api.nvim_win_is_valid(hint) and vim.fn.winnr('$') > 1 then
      vim.api.nvim_win_set_height(hint, 3)
    end
  end),
})
