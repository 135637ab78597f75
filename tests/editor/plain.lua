-- Specs that need no editor: the layer on host/fake, under a plain Lua. Prints TAP.

package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path

local count, failed = 0, 0
local name = os.getenv('PIECEWORK_NAME') or 'lua'

local function show(value)
  if type(value) ~= 'table' then return tostring(value) end
  local parts = {}
  for k, v in pairs(value) do parts[#parts + 1] = tostring(k) .. '=' .. show(v) end
  table.sort(parts)
  return '{' .. table.concat(parts, ', ') .. '}'
end

local function eq(got, want, what)
  count = count + 1
  local good = show(got) == show(want)
  if not good then failed = failed + 1 end
  print(('%s %d - %s: %s'):format(good and 'ok' or 'not ok', count, name, what))
  if not good then print('#   got  ' .. show(got) .. '\n#   want ' .. show(want)) end
end

local host = require('piecework.host')
local S = host.state
S.vars['v:echospace'] = 80
S.vars['&encoding'] = 'utf-8'
eq(host.name, 'fake', 'without an editor the fake host answers')

-- rpc on the fake channel: late, unknown and repeated answers, garbage, death
local rpc = require('piecework.rpc')
local exits = 0
local client = rpc.connect({ 'engine' }, function() exits = exits + 1 end)
local answers = {}
local function ask(label)
  rpc.request(client, 'm', {}, function(err, result)
    answers[#answers + 1] = label .. ':' .. (err and err.code or result.n)
  end)
end
ask('a')
ask('b')
eq({ S.sent[1][1], S.sent[1][2], S.sent[1][3], S.sent[2][2] }, { 0, 1, 'm', 2 }, 'requests are numbered')
S.channel.message({ 1, 2, nil, { n = 'two' } })
S.channel.message({ 1, 1, nil, { n = 'one' } })
S.channel.message({ 1, 1, nil, { n = 'again' } })
S.channel.message({ 1, 99, nil, {} })
for _, nonsense in ipairs({ 'text', 7, {}, { 9 }, { 1 }, { 2 }, { 2, 5, 5 }, { 2, 'nvim_exec_lua' },
  { 2, 'nvim_exec_lua', { 'code', 'x' } }, { 2, 'event', 'x' } }) do
  S.channel.message(nonsense)
end
eq(answers, { 'b:two', 'a:one' }, 'answers find their callers in any order; others are dropped')
ask('c')
host.stop()
eq({ answers[3], exits }, { 'c:gone', 1 }, 'a dead channel answers what is open')
ask('d')
eq(#answers, 3, 'a request on a dead channel does not answer from inside')
host.tick(0)
eq(answers[4], 'd:gone', 'but soon')

-- the engine's life on a fake clock
local engine = require('piecework.engine')
local config = require('piecework.config')
local message = require('piecework.message')
S.vars['executable:' .. '/engine'] = 1
S.vars['get(g:, "piecework", {})'] = { bin = '/engine' }
local got
engine.request('status/get', { plan = 0 }, function(err, result) got = err or result end)
local greeting, behind = S.sent[#S.sent - 1], S.sent[#S.sent]
eq({ engine.state, S.argv[3], greeting[3], greeting[4][1].next }, { 'greeting', '--wire=json', 'initialize', 'status/get' },
  'greeting first, with what follows')
eq(behind[3], 'status/get', 'it waits for no answer')
S.channel.message({ 1, greeting[2], nil, { protocol = 1, root = '/project', open = { tasks = 3, hunks = 1 } } })
eq({ engine.state, S.sent[#S.sent] }, { 'ready', behind }, 'nothing is asked twice')
eq(#message.history, 0, 'but nothing is told in a callback')
host.tick(0)
eq(message.history[1].text, 'piecework: 3 open tasks, 1 undecided hunk here: :Piecework resume',
  'open work is told once')
S.channel.message({ 1, S.sent[#S.sent][2], nil, { text = 'fine' } })
host.tick(0)
eq(got.text, 'fine', 'and answered')
S.channel.message({ 2, 'event', { kind = 'task', plan = 5, task = 'T01', state = 'done', done = 1, total = 4 } })
eq(require('piecework.state').plans[5].done, 1, 'an event is recorded at once')
eq(#S.events, 0, 'but told later')
host.tick(0)
eq(S.events[1][1], 'PieceworkTaskDone', 'at a safe time')
local statuses = 0
for i = 1, 50 do
  S.channel.message({ 2, 'event', { kind = 'task', plan = 5, task = 'T01', state = 'running', done = i, total = 50 } })
  host.tick(20)
end
for _, ex in ipairs(S.commands) do
  if ex:find('^redrawstatus') then statuses = statuses + 1 end
end
eq(statuses <= 4 and statuses >= 2, true, '50 events in a second redraw the status at most twice a second')
S.channel.exit(11, 'Segmentation fault')
S.channel = nil
host.tick(0)
eq({ engine.state, message.history[#message.history].level }, { 'off', 'error' }, 'a dead engine is told')

-- an engine that never answers
engine.request('status/get', {}, function(err) got = err end)
host.tick(10001)
eq({ got.code, got.hint }, { 'protocol', ':Piecework build' }, 'silence has an end')

-- what waits for a safe time
local safe = require('piecework.host.safe')
local mode, state, watching, deferred = 'n', '', false, {}
local editor = {
  mode = function() return mode, state end,
  defer = function(_, f) deferred[#deferred + 1] = f end,
  watch = function(on) watching = on end,
  failed = function() end,
}
local line = safe.new(editor)
local function turn()
  local work = deferred
  deferred = {}
  for _, f in ipairs(work) do f() end
end
for _, busy in ipairs({ { 'i', '' }, { 'no', '' }, { 'nov', '' }, { 'c', '' }, { 'r?', '' }, { 'rm', '' }, { 'R', '' },
  { 'niI', '' }, { 'n', 'o' }, { 'n', 'mS' }, { 'n', 'a' }, { '!', '' },
  { 'v', '' }, { 'V', '' }, { '\22', '' }, { 's', '' } }) do
  local ran = false
  mode, state = busy[1], busy[2]
  line.add(function() ran = true end)
  turn()
  eq({ ran, watching }, { false, true }, ('waits in mode %s, state %q'):format(mode, state))
  mode, state = 'n', ''
  line.wake()
  turn()
  eq({ ran, watching }, { true, false }, 'and goes on after it')
end
for _, free in ipairs({ 'n', 't', 'cv' }) do
  local ran = false
  mode, state = free, 'c'
  line.add(function() ran = true end)
  eq(ran, false, 'never at once')
  turn()
  eq(ran, true, 'soon in mode ' .. free)
end

-- sections of a review, and what its lines stand for: pure
local sections = require('piecework.ui.sections')
local review = require('piecework.ui.review_lines')

-- A text and its sections as steps change them together.
local list, lines = sections.new(), {}
local function take(page)
  local next_line = (page.text or ''):gmatch('([^\n]*)\n')
  for _, edit in ipairs(sections.take(list, page)) do
    for _ = 1, edit.drop do table.remove(lines, edit.first) end
    for i = 1, edit.put do table.insert(lines, edit.first + i - 1, next_line()) end
  end
end
local function text(n) return lines[n] end
local function layout()
  local out = {}
  for i, one in ipairs(list.items) do
    out[i] = ('%s %d-%d'):format(one.id or one.path or one.kind, one.first, one.last)
  end
  return table.concat(out, ', ')
end

take({ steps = { { 1, 0, 3, 0, 0, 4 } }, paths = { 'a' }, text = 'head\ndiff a\n@@ x [accepted]\n+one\n',
  index = 'head 1 0 0 - - -\nfile 1 1 0 - - T01\nhunk 2 1 7 x accepted T01\n' })
take({ steps = { { 4, 0, 3, 0, 0, 5 } }, paths = { 'b' }, text = '@@ y long\n[rejected]\ndiff b\n#   why\n@@ z\n',
  index = 'hunk 2 2 9 y rejected T01\nfile 2 1 0 - - T02\nhunk 1 1 1 z applied T02\n' })
eq(layout(), 'head 1-1, a 2-2, x 3-4, y 5-6, b 7-8, z 9-9', 'pages one after the other')
eq(#lines, list.lines, 'the text is as long')
local hunks = list.hunks
eq({ hunks[1].decision, hunks[2].decision, hunks[3].decision, hunks[2].first, hunks[2].last, hunks[3].path },
  { 'accepted', 'rejected', 'applied', 5, 6, 'b' }, 'hunks')
eq(review.named(list, 1, 9), { 'file:a', 'x', 'y', 'file:b', 'z' }, 'what a range names')
eq(review.named(list, 8, 8), {}, 'notes below a file name nothing')
eq(review.next_of_kind(list, 'hunks', 5, 1), 9, 'a head of two lines counts once')
eq({ review.next_of_kind(list, 'hunks', 1, 1), review.next_of_kind(list, 'hunks', 9, 1), review.next_of_kind(list, 'hunks', 6, -1),
  review.next_of_kind(list, 'hunks', 5, -1), review.next_of_kind(list, 'files', 9, -1), review.next_of_kind(list, 'files', 2, -1) },
  { 3, nil, 5, 3, 7, nil }, 'from hunk to hunk, from file to file')
eq(review.next_undecided(list, 0), nil, 'nothing undecided')
hunks[2].decision = 'none'
eq({ review.next_undecided(list, 7), review.next_undecided(list, 8, -1) }, { 5, 5 }, 'round the end, and back')
local folds = {}
for i, fold in ipairs(review.folds(list)) do folds[i] = { fold.key, fold.first, fold.last } end
eq(folds, { { 'x', 3, 4 }, { 'file:b', 7, 9 } }, 'folds: decided hunks, decided files')
local function fold(first, last) return review.fold_text(list, text, first, last, message.count) end
eq({ fold(2, 6), fold(3, 4), fold(3, 6), fold(1, 9), fold(1, 1) },
  { 'a  2 hunks  1 accepted, 1 open', '@@ x  accepted', '2 hunks  1 accepted, 1 open',
    '2 files  3 hunks  1 accepted, 1 applied, 1 open', 'head' }, 'what is in a fold')

local head_line = lines[3]
lines[3] = '@@ x      [moved to line 10] [accepted]'
eq(fold(3, 4), '@@ x  moved to line 10  accepted', 'of a hunk elsewhere')
lines[3] = '@@ x              [moved to line 10]'
eq(fold(3, 4), '@@ x  moved to line 10  accepted', 'whatever the line says of the decision')
lines[3] = '@@ x                 [there already]'
eq(fold(3, 4), '@@ x  there already  accepted', 'of one that was taken over by hand')
lines[3] = head_line

-- One line of a hunk, a hunk that goes, one that comes longer, one at the end.
local x = list.hunks[1]
take({ steps = { { 3, 1, 1, 0, 1, 1 } }, paths = {}, text = '@@ x\n', index = 'hunk 2 1 7 x - T01\n' })
eq({ lines[3], list.hunks[1] == x, x.decision }, { '@@ x', true, 'none' }, 'a mark changes in place')
take({ steps = { { 4, 1, 0, 0, 2, 0 }, { 5, 1, 1, 0, 1, 3 }, { 6, 0, 1, 0, 0, 1 } }, paths = {}, text = '@@ z\n+1\n+2\n@@ w\n',
  index = 'hunk 3 1 1 z - T02\nhunk 1 1 8 w - T02\n' })
eq(layout(), 'head 1-1, a 2-2, x 3-4, b 5-6, z 7-9, w 10-10', 'steps in their order')
eq(lines, { 'head', 'diff a', '@@ x', '+one', 'diff b', '#   why', '@@ z', '+1', '+2', '@@ w' }, 'and their text')
eq({ #list.hunks, list.hunks[3].path, list.files[2].ends, list.lines }, { 3, 'b', 10, 10 }, 'and what is counted')
eq({ sections.find(list, 0), sections.at(list, 9).id, sections.find(list, 11) }, { nil, 'z', nil }, 'found by line')
eq({ review.named_lines(list, text, 8, 8) }, { { 'z:1-1' }, true }, 'a part')
eq({ review.named_lines(list, text, 5, 9) }, { { 'z' }, false }, 'a file head that is gone over')
-- Another hunk in the place of one, the same one with other words, another file, fewer of all.
take({ steps = { { 3, 1, 1, 0, 1, 1 }, { 4, 1, 1, 0, 1, 1 } }, paths = { 'c' }, text = '@@ v\ndiff c\n',
  index = 'hunk 2 2 9 v - T03\nfile 2 1 0 - - T02\n' })
eq({ list.hunks[1].id, list.hunks[1].head, list.hunks[1].line, list.hunks[1].task },
  { 'v', 2, 9, 'T03' }, 'another hunk is another')
eq({ list.files[2].path, list.hunks[2].path, list.hunks[3].path }, { 'c', 'c', 'c' }, 'and another file')
take({ steps = { { 3, 1, 1, 0, 1, 1 } }, paths = {}, text = '@@ v\n', index = 'hunk 2 1 4 v - T04\n' })
eq({ list.hunks[1].head, list.hunks[1].line, list.hunks[1].task }, { 1, 4, 'T04' }, 'the same one with other words')
eq({ review.seen_with(list, 2) }, { 1, 4 }, 'the first file is seen with its first hunk, from the top')
eq({ review.seen_with(list, 3) }, { 1, 4 }, 'so is that hunk')
eq({ review.seen_with(list, list.hunks[2].first) }, { list.files[2].first, list.hunks[2].last }, 'another with its file\'s head')
eq({ review.seen_with(list, list.hunks[3].first) }, { list.hunks[3].first, list.hunks[3].last }, 'the next by itself')
eq({ review.all_accepted(list, {}), review.all_accepted(list, { 'v' }) }, { false, false }, 'nothing is accepted')
list.hunks[1].decision = 'accepted'
eq({ review.all_accepted(list, { 'v:1-1' }), review.all_accepted(list, { 'file:a' }), review.all_accepted(list, { 'v', 'z' }),
  review.all_accepted(list, { 'file:a:1-2' }) }, { true, true, false, false }, 'all that is named, in part or whole')
eq({ review.range_at(list, 4).first, review.range_at(list, 2).last, review.range_at(list, 1) }, { 3, 4, nil },
  'what = folds')
take({ steps = { { 4, 3, 0, 0, 6, 0 } }, paths = {}, text = '', index = '' })
eq({ #list.hunks, #list.files, list.lines }, { 1, 1, 4 }, 'what has gone is in no list')

lines = { '@@ -5,4 +5,4 @@', ' a', ' b', '-c', '+d', '+e', ' f' }
local one = sections.new()
sections.take(one, { steps = { { 1, 0, 1, 0, 0, 7 } }, paths = {}, index = 'hunk 7 1 7 q - -\n' })
local targets = {}
for i = 1, 7 do targets[i] = review.target(one, text, i) end
eq(targets, { 7, 5, 6, 7, 7, 8, 9 }, 'the line of the file')

-- Lines that went elsewhere: a note, and a fold of its own.
lines = { 'diff a', '@@ -5,3 +5,5 @@', ' a', '# 2 lines moved to b:1-2', '-m', '-n', '-x', '+d',
  '# 2 lines moved from c:7-8', '+o', '+p', ' f' }
local moved = sections.new()
sections.take(moved, { steps = { { 1, 0, 2, 0, 0, 12 } }, paths = { 'a' },
  index = 'file 1 1 0 - - -\nhunk 11 1 6 q - - 2+2,7+2\n' })
eq(moved.hunks[1].moves, { { at = 2, lines = 2 }, { at = 7, lines = 2 } }, 'moves of a hunk')
local function folds_of()
  local out = {}
  for i, one_fold in ipairs(review.folds(moved)) do
    out[i] = ('%s %d-%d'):format(one_fold.key, one_fold.first, one_fold.last)
  end
  return table.concat(out, ', ')
end
eq(folds_of(), 'q:2 4-6, q:7 9-11', 'are folded')
eq(review.fold_text(moved, text, 4, 6, message.count), '2 lines moved to b:1-2', 'and the fold says it')
moved.hunks[1].decision = 'accepted'
eq(folds_of(), 'q:2 4-6, q:7 9-11, file:a 1-12', 'what is around them comes after them')
moved.hunks[1].decision = 'none'
targets = {}
for i = 2, 12 do targets[i - 1] = review.target(moved, text, i) end
eq(targets, { 6, 5, 6, 6, 6, 6, 6, 7, 7, 8, 9 }, 'a note is no line of the file')
eq(review.proposed(moved, text, 12), 9, 'nor of the proposal')
eq({ review.named_lines(moved, text, 9, 11) }, { { 'q:5-6' }, true }, 'a move is a part like others')
sections.take(moved, { steps = { { 2, 1, 1, 0, 0, 0 } }, paths = {}, index = 'hunk 11 1 6 q - -\n' })
eq({ moved.hunks[1].moves, folds_of() }, { nil, '' }, 'or none any more')

eq(review.section({ '---', '## T01 a', 'x', '', '## T02 b', 'y' }, 'T01.3'), { '## T01 a', 'x' }, 'what was asked')
eq(review.section({ '## T01 a', 'each:', '  - a', '  - b', '  - c', '  - d', '  - e', 'after: T00', 'x' }, 'T01.3'),
  { '## T01 a', 'each:', '  - a', '  - b', '  - c', '  ... and 2 more', 'after: T00', 'x' }, 'whatever the list above it')

-- folds of plans
local task = require('piecework.ui.foldtext').task
eq(task({ '## T01 [pilot] a.c: rename', 'files: a.c:1-9, b.c, ', 'read: c.c', 'files: d.c', 'executor: model', '', 'files: not this' }),
  'T01 [pilot] a.c: rename  3 files', 'a task and its files')
eq(task({ '## T02 rename', 'each:', '  - m1.c', '  - m2.c', 'executor: substitute', 'pattern: x' }),
  'T02 rename  2 targets  substitute', 'targets, one a line')
eq(task({ '## T03 shorten', 'each: functions in src/*.c', 'The body: of it' }), 'T03 shorten  each functions in src/*.c', 'a selector')
eq(task({ '## T04' }), 'T04', 'nothing said yet')

-- words
eq(config.nearest('stauts', { 'status', 'stop' }), 'status', 'the nearest name')
eq(config.nearest('zzz', { 'status', 'stop' }), nil, 'or none')
eq(message.cut(('x'):rep(100), 10), 'xxxxxxx...', 'cut')

os.exit(failed == 0 and 0 or 1)
