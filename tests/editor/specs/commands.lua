-- :Piecework itself: subcommands, completion, ranges, bangs, what is refused, and that nothing loads early.

return function(T)
  local host = require('piecework.host')
  local commands = require('piecework.commands')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)

  T.eq(host.fn('exists', ':Piecework'), 2, 'the command is there')
  T.eq(commands.names(), { 'accept', 'apply', 'bug', 'build', 'commit', 'cost', 'diff', 'each', 'edit', 'health',
    'log', 'overlay', 'plan', 'preview', 'reject', 'resume', 'retry', 'revert', 'review', 'run', 'status', 'stop',
    'trust', 'verify' }, 'every subcommand')
  for _, name in ipairs(commands.names()) do
    local verb = commands.verbs[name]
    local found = require('piecework.verbs.' .. verb.module)[name]
    T.ok(type(found) == 'function' and verb.help ~= '', name .. ' has a function and a help line')
  end

  local function complete(text)
    return host.fn('getcompletion', text, 'cmdline')
  end
  T.eq(complete('Piecework re'), { 'reject', 'resume', 'retry', 'revert', 'review' }, 'completion of verbs')
  T.eq(complete('Piecework! ap'), { 'apply' }, 'with a bang')
  T.eq(complete('%Piecework acc'), { 'accept' }, 'with a range')
  T.eq(complete('Piecework accept '), { 'plan', 'file', 'task' }, 'of arguments')
  T.eq(complete('Piecework cost w'), { 'week' }, 'of spans')
  T.eq(complete('5,6Pie cost w'), { 'week' }, 'of a command that is typed short')
  T.write('named.c', 'int x;\n')
  T.eq(complete('Piecework accept file named'), { 'named.c' }, 'of files')
  require('piecework.state').record({ kind = 'task', plan = 12, task = 'T03', state = 'running' })
  T.eq(complete('Piecework retry T'), { 'T03' }, 'of task ids')
  T.write('some file.md', 'x')
  T.eq(complete('Piecework plan @some'), { '@some file.md' }, 'of plan files')

  local function says(command, pattern, what)
    local before = T.said()
    T.command(command)
    T.wait(function() return T.said() ~= before end, command)
    T.like(T.said(), pattern, what)
  end
  says('Piecework nonsense', 'no such subcommand: nonsense. See :help', 'an unknown subcommand')
  says('Piecework stauts', 'Did you mean status%?', 'names the nearest')
  says('1Piecework health', 'takes no range', 'a range where none belongs')
  says('Piecework! log', 'takes no !', 'a bang where none belongs')
  says('Piecework edit', 'say what to do', 'edit without words')
  says('Piecework each', 'say what to do', 'each without words')
  says('Piecework each --by=line x', 'each takes .*not %-%-by=line', 'each by something else')
  says('Piecework! each --in=file x', 'each takes .*not %-%-in=file', 'each with an unknown option')
  says('Piecework plan --fast x', 'takes %-%-solo, %-%-cheap%-first', 'plan with an unknown option')
  says('Piecework plan --model=small x', 'who does %-%-solo', 'a model without solo')
  says('Piecework plan --solo', 'say what to do', 'plan with an option and no words')
  says('Piecework each x', 'no range, no quickfix list', 'each over nothing')
  says('Piecework edit', 'say what to do', 'edit without words, again')
  says('Piecework plan --cheap-first x', 'no range, no quickfix list', 'cheap first over nothing')
  says('Piecework edit x', 'no file', 'edit in a buffer without a file')
  says('Piecework accept', 'accept what%?', 'accept of nothing')
  -- What is not understood must not mean all of it.
  for _, words in ipairs({ 'fil a.c', 'a.c', '5 tsk T01', 'task', 'T01 T02', 'plan a.c', 'task T01 T02', 't01' }) do
    says('Piecework! apply ' .. words, 'apply .*%? file %[path%], task T01', 'apply ' .. words)
    says('Piecework revert ' .. words, 'revert .*%? file %[path%], task T01', 'revert ' .. words)
    says('Piecework accept ' .. words, 'accept what%?', 'accept ' .. words)
  end
  says('Piecework review 12 quickfix', "^piecework: review quickfix%? a plan's number", 'review of something else')

  standin.script({
    ['plan/create'] = { { result = { plan = 5 }, later = { { kind = 'plan', plan = 5, state = 'ready' } } } },
    ['edit/start'] = { { result = { plan = 6 } } },
    ['plan/adopt'] = { { result = { plan = 7 } } },
    ['run/start'] = { { result = {} } },
    ['preview/get'] = { { result = { text = 'the task', index = {} } } },
    ['bug/write'] = { { result = { report = T.cwd .. '/report.md', cassette = T.cwd .. '/cassette', calls = 3 } } },
    ['template/list'] = { { result = { templates = {
      { name = 'docstring', ['for'] = { 'each', 'edit' }, problem = '' },
      { name = 'broken', ['for'] = { 'each', 'edit' }, problem = 'line 3' },
      { name = 'types', ['for'] = { 'each' }, problem = '' } } } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' }, { plan = 11, state = 'done' },
      { plan = 7, state = 'done' } } } } },
    ['preview/count'] = { { result = { tokens = 12, text = 'counted by a: 12 tokens in' } } },
    ['task/retry'] = { { result = {} } },
    ['review/files'] = { { result = { files = {}, root = T.cwd } } },
    ['review/decide'] = { { result = { changed = 1 } } },
    ['review/apply'] = { { result = { files = {}, stale = {} } } },
    ['task/cancel'] = { { result = {} } },
    ['run/stop'] = { { result = { stopped = 0 } }, { result = { stopped = 1 } } },
  })
  local path = T.write('src/a.c', 'one\ntwo\nthree\n')
  T.command('edit src/a.c')
  T.command('set hidden')
  T.command('let g:ready = 0 | autocmd User PieceworkPlanReady let g:ready += g:piecework_event.plan')
  T.command('2,3Piecework! plan rename  x to "y"; keep | this')
  T.wait(function() return (T.said() or ''):find('plan 5 ready') end, 'the plan')
  local sent = standin.last('plan/create')
  T.eq({ sent.request, sent.go_on, sent.cwd }, { 'rename  x to "y"; keep | this', true, T.cwd },
    'words as typed, bang, directory')
  T.eq(sent.scope, { { path = path, first = 2, last = 3 } }, 'the range')
  T.eq(sent.buffers, {}, 'no buffer is modified')
  T.eq(host.fn('eval', 'g:ready'), 5, 'User PieceworkPlanReady with its data')
  T.eq(host.fn('winnr', '$'), 1, 'no window was opened')
  T.eq(T.said(), 'piecework: plan 5 ready: :Piecework plan', 'one line')

  T.command('call setline(1, "ONE")')
  T.command('1Piecework edit shout')
  T.wait(function() return standin.last('edit/start') end, 'edit')
  sent = standin.last('edit/start')
  T.eq({ sent.run, sent.scope[1].last, sent.buffers[1].text }, { true, 1, 'ONE\ntwo\nthree\n' },
    'edit runs at once on the text of the buffer')
  T.write('b.c', 'b\n')
  T.command('call setqflist([{"filename": "b.c", "lnum": 1, "text": "x"},'
    .. ' {"filename": "src/a.c", "lnum": 3, "text": "y"}, {"text": "no place"}])')
  T.command('Piecework each fix it')
  T.wait(function() return (T.said() or ''):find('plan 6 ready') end, 'each')
  sent = standin.last('edit/start')
  T.eq(sent.scope, { { path = T.cwd .. '/b.c', first = 1, last = 1, margin = 3 }, { path = path, first = 3, last = 3, margin = 3 } },
    'each works on the quickfix list')
  T.eq(sent.run, false, 'and makes a plan')
  T.command('Piecework each --by=entry fix it')
  T.wait(function() return #standin.last('edit/start').instruction == 6
    and standin.last('edit/start').scope[1].last == 1 end, 'by entry')
  T.command('Piecework each --by=function fix it')
  T.wait(function() return standin.last('edit/start').by == 'function' end, 'by function')
  T.eq(standin.last('edit/start').scope[1].first, standin.last('edit/start').scope[1].last, 'entries, for the engine')
  T.command('Piecework plan --solo --model=small rename all')
  T.wait(function() return standin.last('plan/create').solo end, 'plan --solo')
  sent = standin.last('plan/create')
  T.eq({ sent.request, sent.model, sent.cheap_first == true }, { 'rename all', 'small', false }, 'one model, no plan')
  T.command('2,3Piecework plan --cheap-first @split by subject')
  T.wait(function() return standin.last('plan/create').cheap_first end, 'plan --cheap-first')
  sent = standin.last('plan/create')
  T.eq({ sent.request, sent.scope[1].first, sent.scope[1].last }, { '@split by subject', 2, 3 }, 'with a template')
  T.command('Piecework! plan @split by `subject`')
  T.wait(function() return standin.last('plan/create').request == '@split by `subject`' end, 'a template is no file')
  T.command('Piecework plan @some file.md')
  T.wait(function() return standin.last('plan/adopt') end, 'adopt')
  T.eq(standin.last('plan/adopt').path, T.cwd .. '/some file.md', 'plan @file adopts')
  T.command('Piecework! run 5 T01,T02 T03')
  T.wait(function() return standin.last('run/start') end, 'run')
  sent = standin.last('run/start')
  T.eq({ sent.plan, sent.only, sent.force }, { 5, { 'T01', 'T02', 'T03' }, true }, 'run with tasks and bang')
  T.eq(sent.batch == true, false, 'not through batches, unless asked')
  T.command('Piecework run 6 --batch')
  T.wait(function() return standin.last('run/start').plan == 6 end, 'run --batch')
  sent = standin.last('run/start')
  T.eq({ sent.batch, sent.only }, { true }, 'run --batch')
  T.command('Piecework retry 5 T02 use the  macro')
  T.wait(function() return standin.last('task/retry') end, 'retry')
  sent = standin.last('task/retry')
  T.eq({ sent.plan, sent.task, sent.remark }, { 5, 'T02', 'use the  macro' }, 'retry with a remark')
  T.command('Piecework! health')
  T.wait(function() return standin.last('health/get') end, 'health with a bang')
  T.eq(standin.last('health/get').reach, true, 'asks the providers, too')
  T.command('bwipe')
  T.write('report.md', 'a report')
  T.command('Piecework bug 5')
  T.wait(function() return host.fn('expand', '%:t') == 'report.md' end, 'bug opens the report')
  T.eq(standin.last('bug/write').plan, 5, 'of that plan')
  T.like(T.said(), 'read both before you send them, nothing was sent: .*cassette', 'and says what to do')
  T.command('bwipe')
  T.wait(function() return #complete('Piecework run 1') > 0 end, 'plans')
  T.eq(complete('Piecework run 1'), { '12', '11' }, 'plans of the project are completed, newest first')
  T.wait(function() return #complete('Piecework edit @') > 0 end, 'templates')
  T.eq(complete('Piecework edit @'), { '@docstring' }, 'templates are completed')
  T.eq(complete('Piecework each @'), { '@docstring', '@types' }, 'as each verb can use them')
  T.command('Piecework preview 5 T01')
  T.wait(function() return standin.last('preview/get') end, 'preview')
  T.ok(not standin.last('preview/count'), 'preview asks no provider')
  T.command('Piecework! preview 5 T01')
  T.wait(function() return T.said():find('counted by a') end, 'preview with a bang')
  sent = standin.last('preview/count')
  T.eq({ sent.plan, sent.task }, { 5, 'T01' }, 'has one prompt counted')
  T.like(T.said(), 'T01: counted by a: 12 tokens in', 'and says what came')
  T.command('Piecework apply 5 file name with  spaces.c ')
  T.wait(function() return standin.last('review/apply') end, 'apply of a file')
  T.eq(standin.last('review/apply').only, { 'file:name with  spaces.c' }, 'a name with spaces is one name')
  T.command('Piecework accept 5 file name with spaces.c')
  T.wait(function() return standin.last('review/decide') end, 'accept of a file')
  T.eq(standin.last('review/decide').what, { 'file:name with spaces.c' }, 'of what is accepted, too')
  T.command('Piecework stop 5 T03')
  T.wait(function() return standin.last('task/cancel') end, 'stop of a task')
  T.eq(standin.last('task/cancel').task, 'T03', 'stop of one task')
  T.command('Piecework stop')
  T.wait(function() return T.said():find('nothing is running') end, 'stop of nothing')
  T.command('Piecework stop')
  T.wait(function() return T.said():find('stopping all runs') end, 'stop of all')

  -- an engine that takes its time: nobody waits, the next <Tab> has it; a verb has it asked ahead
  local list = { { result = { plans = { { plan = 21 } } }, ['until'] = T.cwd .. '/plans' } }
  standin.script({ ['plan/list'] = list, ['cost/get'] = { { result = { text = 'x' } } } })
  T.eq(complete('Piecework run 2'), {}, 'completion waits for nobody')
  T.write('plans', '')
  T.wait(function() return complete('Piecework run 2')[1] == '21' end, 'the answer, at a later <Tab>')
  require('piecework.engine').stop()
  package.loaded['piecework.known'] = nil
  T.command('Piecework cost')
  local function asked()
    local n = 0
    for _, request in ipairs(standin.requests()) do n = n + (request[1] == 'plan/list' and 1 or 0) end
    return n
  end
  local n = asked()
  T.wait(function() return asked() > n end, 'a verb has them asked ahead')
  T.command('bwipe')

  -- a picker and a prompt of the user's own, on Neovim
  if host.name == 'nvim' then
    T.eq({ host.ui('select') == nil, host.ui('input') == nil }, { true, true }, 'the editor\'s own prompts are not used')
    host.cmd('lua vim.ui.select = function(items, options, done) vim.g.asked = options.prompt done(items[1]) end')
    standin.script({ ['review/decide'] = { { result = { changed = 1 } } } })
    T.command('enew')
    T.command('Piecework accept 5')
    T.wait(function() return standin.last('review/decide') end, 'a picker')
    T.like(host.fn('eval', 'g:asked'), 'accept of plan 5 what', 'asks what to accept')
    T.eq(standin.last('review/decide').what, { 'all' }, 'and takes the choice')
    host.cmd('lua package.loaded["vim.ui"].select = nil')
  end
end
