-- :Piecework build in its visible log, and health.

return function(T)
  local host = require('piecework.host')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  standin.script({ ['health/get'] = { { result = { text = '', index = {}, rows = {
    { level = 'ok', text = 'git 2.39' }, { level = 'warn', text = 'no key for big' } } } } } })

  T.command([[let g:piecework.build = ['sh', '-c', 'echo one; echo two >&2; sleep 0.2; printf "no newline"; exit 3'] ]])
  T.command('Piecework build')
  T.eq(host.fn('bufname', '%'), 'piecework://build', 'the log is a buffer')
  T.wait(function() return (T.said() or ''):find('build failed') end, 'the end')
  T.like(T.said(), 'piecework://build', 'a failure names its log')
  T.wait(function() return host.fn('search', '(exit 3)', 'nw') > 0 end, 'the last line')
  local text = table.concat(host.lines(host.fn('bufnr', '%')), '|')
  T.ok(text:find('one|') and text:find('two|') and text:find('no newline'), 'all output is there', text)
  T.ok(not text:find('ESC'), 'as text')
  T.command([[let g:piecework.build = ['sh', '-c', 'pwd; exit 0'] ]])
  T.command('Piecework build')
  local home = host.fn('eval', '$HOME')
  T.command('let $HOME = ' .. host.fn('string', host.fn('fnamemodify', T.tree, ':h')))
  T.wait(function() return (T.said() or ''):find('built ') end, 'success')
  T.like(T.said(), 'built ~/' .. host.fn('fnamemodify', T.tree, ':t') .. '/build/piecework$', 'the path as people write it')
  T.command('let $HOME = ' .. host.fn('string', home))
  T.wait(function() return host.fn('search', '^piecework: built', 'nw') > 0 end, 'the new log')
  T.ok(host.fn('search', '^' .. host.fn('escape', T.tree, '/.') .. '$', 'nw') > 0, 'it runs in the plugin\'s directory')
  T.command([[let g:piecework.build = ['/nonexistent/make'] ]])
  T.command('Piecework build')
  T.wait(function() return (T.said() or ''):find('nonexistent') end, 'a missing make')
  T.ok(true, 'a build that cannot start is one line')

  T.command('let g:piecework.budgte = 1')
  T.command('Piecework health')
  T.wait(function() return host.fn('search', 'no key for big', 'nw') > 0 end, 'health')
  text = table.concat(host.lines(host.fn('bufnr', '%')), '\n')
  T.like(text, 'ok    engine: ' .. T.cwd:gsub('%p', '%%%0') .. '/standin.sh', 'the engine in use')
  T.like(text, 'warn  g:piecework.budgte is unknown; did you mean `budget`%?', 'the configuration')
  T.like(text, 'ok    engine stand%-in, protocol 1', 'its version')
  T.like(text, 'ok    git 2.39', 'and its own rows')

  if host.name == 'nvim' then
    T.command('checkhealth piecework')
    text = table.concat(host.lines(host.fn('bufnr', '%')), '\n')
    T.like(text, 'engine: .*standin.sh', ':checkhealth piecework')
    T.like(text, 'no key for big', 'with what the engine says')
    T.like(text, 'budgte is unknown', 'with the configuration')
    T.ok(not text:find('Failed to run'), 'runs to its end', text)
  end
end
