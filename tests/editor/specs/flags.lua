-- Whatever flags the user has in 'cpoptions', also those of 'compatible'.

return function(T)
  local host = require('piecework.host')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  local own = host.fn('eval', '&cpoptions')

  if host.name == 'vim' then
    T.command('set cpoptions+=C')
    -- Not through the host, whose functions it defines anew; an error is in v:errmsg only.
    vim.command('let v:errmsg = "" | runtime lua/piecework/host/vim.vim')
    T.eq(host.fn('eval', 'v:errmsg'), '', 'C: the host is defined by a script with continued lines')
    T.eq(host.fn('eval', '&cpoptions'), own .. 'C', 'the flag stays')
    T.command('set cpoptions-=C cpoptions+=<')
  end
  standin.script({
    ['cost/get'] = { { result = { text = 'the receipt\n', index = {} } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } },
  })
  local flags = host.fn('eval', '&cpoptions')
  T.command('Piecework cost 12')
  T.wait(function() return host.fn('getline', 1) == 'the receipt' end, 'the page')
  T.like(host.fn('maparg', 'gq', 'n'), '^<Plug>%(piecework%-page%-close%)', 'keys are mapped')
  T.eq(host.fn('eval', '&cpoptions'), flags, 'the flags stay')
  T.command('normal gq')
  T.ok(host.fn('bufname', '%') ~= 'piecework://cost/12', 'and do what they should')
  T.command('let &cpoptions = ' .. host.fn('string', own))
  T.command('let g:no_piecework_maps = 1 | bwipeout! piecework://cost/12')
  T.command('Piecework cost 12')
  T.wait(function() return host.fn('getline', 1) == 'the receipt' end, 'the page')
  T.eq({ host.fn('maparg', 'gq', 'n'), host.fn('maparg', '<Plug>(piecework-page-close)', 'n') ~= '' },
    { '', true }, 'and no key is taken from who wants none')
  T.command('unlet g:no_piecework_maps')
end
