-- What is told: one line, cut to the screen, whole in the log; events; the statusline.

return function(T)
  local host = require('piecework.host')
  local message = require('piecework.message')
  local state = require('piecework.state')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)

  T.eq(message.cut('short', 20), 'short', 'short text stays')
  T.eq(host.fn('strdisplaywidth', message.cut(('\195\164'):rep(200), 60)), 60, 'long text is cut by cells')
  T.ok(host.fn('strdisplaywidth', message.cut(('\230\151\165'):rep(200), 60)) <= 60, 'wide characters too')
  T.eq(message.cut('a\nb\r\n c\tx', 60), 'a b c x', 'one line, no control characters')
  message.error({ code = 'x', message = ('long '):rep(40), hint = 'do this' })
  T.like(T.said(), 'long%. Do this$', 'the whole text is kept, its hint a sentence')
  for hint, want in pairs({ ['piecework run 3'] = 'piecework run 3', [':Piecework log'] = ':Piecework log',
    ['run! (CLI: --yes) goes past it'] = 'Run! goes past it', ['`make` says more'] = '`make` says more' }) do
    message.error({ code = 'x', message = 'no', hint = hint })
    T.eq(T.said(), 'piecework: no. ' .. want, 'and a command as it is typed: ' .. hint)
  end
  T.eq(message.lines()[1]:sub(9, 20), ' piecework: ', 'with its time')

  -- On a narrow screen what to do next stays.
  local echo, fn, shown, space = host.echo, host.fn, nil, 50
  host.echo = function(text) shown = text end
  host.fn = function(name, ...)
    if ... == 'v:echospace' then return space end
    return fn(name, ...)
  end
  message.fresh()
  message.say('#1 ready to review (3 hunks): :Piecework review')
  T.eq(shown, '#1 ready to review (3 hunks): :Piecework review', 'who says it goes first')
  message.say('#12 ready to review (18 ok, 1 doubt, 1 rejected): :Piecework review')
  T.like(shown, '^#12 ready to review %(18.*%.%.%. :Piecework review$', 'then the middle')
  T.like(T.said(), 'piecework: #12 .*rejected%): :Piecework review$', 'the log has all of it')
  message.error({ code = 'x', message = ('long '):rep(40), hint = 'nothing was changed' })
  T.like(shown, '^long .*%.%.%.$', 'that nothing was changed gives way')
  message.error({ code = 'x', message = ('long '):rep(40), hint = 'Do this, then :Piecework build' })
  T.like(shown, '^long .*%.%.%. Do this, then :Piecework build$', 'an error and its hint')
  space = 10
  message.error('no room for more than a few words')
  T.eq(shown, 'piecewo...', 'never more than fits')
  space, shown = 3, nil
  message.error('no room at all')
  T.eq(shown, nil, 'and nothing at all rather than a prompt')
  message.fresh()
  host.echo, host.fn = echo, fn

  T.eq(state.money(31000000), '$0.031', 'money')
  T.eq(state.money(1500000000), '$1.50', 'more money')
  T.eq(state.money(-1), '?', 'unknown money')
  T.eq(require('piecework').statusline(), '', 'idle: nothing in the statusline')
  state.record({ kind = 'run', plan = 9, state = 'running' })
  state.record({ kind = 'task', plan = 9, task = 'T01', state = 'done', done = 5, total = 9 })
  state.record({ kind = 'money', plan = 9, spent = 110000000, budget = 600000000 })
  T.eq(require('piecework').statusline(), '[P 5/9 $0.110]', 'running')
  T.ok(state.expects(), 'the engine will tell of it unasked')
  T.eq(state.progress(), { { plan = 9, status = 'running', percent = 55, text = '#9 5/9' } }, 'and its progress')
  state.record({ kind = 'review', plan = 9, ok = 8, doubt = 1 })
  T.eq(require('piecework').statusline(), '', 'ready: nothing again')
  T.ok(not state.expects(), 'and then not')
  T.eq(state.progress(), { { plan = 9, status = 'success', percent = 100, text = '#9 review' } }, 'the end of it, once')
  T.eq(state.progress(), {}, 'and no more')
  if host.fn('exists', '##Progress') == 1 then
    host.cmd('lua vim.api.nvim_create_autocmd("Progress", { pattern = "piecework", callback = function(e)'
      .. ' vim.g.progress = e.data.status .. e.data.percent end })')
    local before = host.fn('execute', 'messages')
    host.progress({ plan = 9, status = 'running', percent = 55, text = '#9 5/9' })
    T.eq(host.fn('eval', 'g:progress'), 'running55', 'listeners of the editor hear it')
    T.eq(host.fn('execute', 'messages'), before, 'and :messages does not')
  else
    host.progress({ plan = 9, status = 'running', percent = 55, text = '#9 5/9' })
  end

  -- Vim has to look for what comes while the engine is at work
  local expect, due = host.expect, nil
  host.expect = function(_, yes) due = yes end
  standin.script({ ['cost/get'] = { { result = {}, later = { { kind = 'run', plan = 8, state = 'running' } } },
    { result = {}, later = { { kind = 'run', plan = 8, state = 'done' } } } } })
  for _, wanted in ipairs({ true, false }) do
    require('piecework.engine').ask('cost/get', {}, function() end)
    T.wait(function() return due == wanted end, 'what is due')
    T.eq(due, wanted, wanted and 'events are due while a plan runs' or 'and not when it has ended')
  end
  host.expect = expect

  -- events through the wire
  local function event(e)
    standin.script({ ['cost/get'] = { { result = {}, later = { e } } } })
    local before = #message.history
    require('piecework.engine').ask('cost/get', {}, function() end)
    T.wait(function() return #message.history > before end, e.kind)
    return T.said()
  end
  T.like(event({ kind = 'plan', plan = 3, state = 'ready' }), '^piecework: plan 3 ready: :Piecework plan$', 'a plan')
  T.like(event({ kind = 'plan', plan = 3, state = 'failed', note = 'no key' }), 'plan 3 failed: no key', 'a failure')
  T.like(event({ kind = 'plan', plan = 3, state = 'unsuitable', note = 'the cause is unknown.' }),
    'the cause is unknown%. :Piecework! plan', 'not suitable')
  T.like(event({ kind = 'trust', plan = 3, command = 'make check', where = 'test' }), '`make check`.*:Piecework trust',
    'a command to trust')
  T.like(event({ kind = 'budget', plan = 3, note = 'the budget of $0.60 is used up' }), '%$0%.60 is used up', 'the budget')
  T.like(event({ kind = 'review', plan = 3, ok = 18, doubt = 1, rejected = 1, hunks = 40 }),
    '#3 ready to review %(18 ok, 1 doubt, 1 rejected%): :Piecework review', 'a review')
  T.like(event({ kind = 'review', plan = 3, ok = 2, hunks = 4, tests = 'not run' }),
    '#3 ready to review %(tests not run, 2 ok%): :Piecework review', 'and what became of the tests')
  T.like(event({ kind = 'review', plan = 3, ok = 18, hunks = 40, failed = 3, tests = 'passed' }),
    '#3 ready to review %(3 failed, tests passed, 18 ok%): :Piecework status$', 'and of tasks that have no result')
  T.like(event({ kind = 'review', plan = 3, hunks = 4, stayed = 'redo of T01 failed, the earlier result stays: no such text' }),
    '#3: redo of T01 failed, the earlier result stays: no such text%. :Piecework status$', 'or why a redo changed nothing')
  T.like(event({ kind = 'run', plan = 3, state = 'failed', note = 'the key was refused' }),
    'the key was refused%. :Piecework says why$', 'a failed run, and where to look')
  for _, told in ipairs(message.history) do
    T.ok(not told.text:find('\n'), 'one line: ' .. told.text:sub(1, 40))
  end
  T.command('let g:piecework.messages = 0')
  local before = #message.history
  standin.script({ ['cost/get'] = { { result = {}, later = { { kind = 'plan', plan = 4, state = 'ready' } } } } })
  T.command('let g:piecework.messages = 0')
  local came
  T.command('autocmd User PieceworkPlanReady let g:came = 1')
  require('piecework.engine').ask('cost/get', {}, function() came = true end)
  T.wait(function() return came and host.fn('exists', 'g:came') == 1 end, 'the event')
  T.eq(#message.history, before, 'g:piecework.messages = 0: no line, but the event')

  -- configuration
  T.command('let g:piecework = {"bin": "x", "budgte": 1, "folds": "yes", "parallel": 4, "big": {}}')
  local config = require('piecework.config')
  T.eq(config.problems(), { 'g:piecework.big is unknown; did you mean `bin`?',
    'g:piecework.budgte is unknown; did you mean `budget`?', 'g:piecework.folds must be a boolean' },
    'unknown keys and wrong types, with the nearest name')
  T.eq(config.get('folds'), true, 'a wrong value counts as unset')
  T.eq(config.for_engine(), { budgte = 1, parallel = 4, big = {} }, 'the engine gets its part')
  require('piecework').setup({ folds = false, budget = 0.5 })
  T.eq({ config.get('folds'), config.user().budget }, { false, 0.5 }, 'setup merges')
  T.like(table.concat(config.help(), '\n'), '%*g:piecework%.bin%*', 'help comes from the schema')
end
