-- The quickfix twin: a list of its own, ticked in place, never another's.

return function(T)
  local host = require('piecework.host')
  local quickfix = require('piecework.quickfix')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  T.write('a.c', ('x\n'):rep(50))
  T.write('b.c', ('x\n'):rep(50))

  local function items(tick)
    return { { path = T.cwd .. '/a.c', line = 3, end_line = 5, text = '[' .. tick .. '] T01 -3 +3', type = '', hunk = 'h1' },
      { path = T.cwd .. '/b.c', line = 9, end_line = 9, text = '[ ] T02 DOUBT:' .. (' why'):rep(30), type = 'W', hunk = 'h2' },
      { path = '', line = 0, end_line = 0, text = '[!] T03 failed: no answer', type = 'E', task = 'T03' } }
  end
  standin.script({ ['review/quickfix'] = {
    { result = { title = 'Piecework #12: rename  [0/2]', items = items(' ') } },
    { result = { title = 'Piecework #12: rename  [1/2]', items = items('x') } } } })

  T.command('set hidden')
  T.command('call setqflist([{"filename": "a.c", "lnum": 7, "text": "theirs"}], " ")')
  T.command('call setqflist([], "a", {"title": "grep"})')
  local done
  quickfix.fill(12, function(count) done = count end)
  T.wait(function() return done end, 'the list')
  local list = host.fn('getqflist', { all = 1 })
  T.eq({ list.title, #list.items, list.nr, list.winid }, { 'Piecework #12: rename  [0/2]', 3, 2, 0 },
    'a list of its own, no window')
  T.eq(list.context, { piecework = 12 }, 'its context')
  T.eq({ list.items[1].lnum, list.items[1].end_lnum, list.items[2].type }, { 3, 5, 'W' }, 'places and types')
  T.eq(list.items[3].valid == 0 or list.items[3].valid == false, true, 'what has no place is not jumped to')
  T.eq(host.fn('getqflist', { nr = 1, title = 1 }).title, 'grep', 'the list before it is as it was')
  T.eq(#'(2 of 3) warning: ' + #list.items[2].text, host.fn('eval', '&columns') - 1, 'what :cnext shows fits the screen')
  T.command('cfirst')
  T.command('cnext')
  T.eq(host.fn('expand', '%:t'), 'b.c', ':cnext goes from hunk to hunk')

  -- the text object follows the text
  T.command('buffer a.c')
  local function hunk_at(line)
    host.fn('cursor', line, 1)
    return require('piecework')._hunk()
  end
  T.eq({ hunk_at(2), hunk_at(3), hunk_at(5), hunk_at(6) }, { '', '3 5', '3 5', '' }, 'the hunk at the cursor')
  T.command('call append(0, ["above", "it"])')
  T.eq({ hunk_at(4), hunk_at(5), hunk_at(7), hunk_at(8) }, { '', '5 7', '5 7', '' }, 'where it is by now')
  T.command('undo | buffer b.c')

  quickfix.touch(12)
  quickfix.touch(12)
  T.wait(function() return host.fn('getqflist', { title = 1 }).title:find('1/2') end, 'the tick')
  list = host.fn('getqflist', { all = 1 })
  T.eq({ list.items[1].text, list.nr, list.idx }, { '[x] T01 -3 +3', 2, 2 }, 'ticked in place, the position stays')
  local function asked()
    local count = 0
    for _, request in ipairs(standin.requests()) do
      if request[1] == 'review/quickfix' then count = count + 1 end
    end
    return count
  end
  T.eq(asked(), 2, 'two touches are one question')

  -- the user goes to another list, then makes a new one: ours is renewed by its number, not theirs
  T.command('colder')
  quickfix.touch(12)
  T.wait(function() return asked() == 3 end, 'the tick of a list below')
  standin.settle()
  T.eq({ host.fn('getqflist', { title = 1, nr = 0 }).title, host.fn('getqflist', { nr = 0 }).nr }, { 'grep', 1 },
    'a tick does not switch lists')
  T.command('call setqflist([], "f")')
  T.command('call setqflist([{"filename": "b.c", "lnum": 1, "text": "mine"}], " ")')
  quickfix.touch(12)
  T.pause(700)
  T.eq(#host.fn('getqflist'), 1, 'a list that is gone is not made again by a tick')
  T.eq(require('piecework.scope').quickfix(), { { path = T.cwd .. '/b.c', first = 1, last = 1 } }, 'theirs is a scope')

  -- a large list is ticked when the user pauses, a small one meanwhile
  local function asked_while_deciding(size)
    local many = {}
    for i = 1, size do many[i] = { path = T.cwd .. '/a.c', line = i, end_line = i, text = '[ ]', type = '', hunk = 'h' .. i } end
    standin.script({ ['review/quickfix'] = { { result = { title = 'Piecework #14', items = many } } } })
    done = nil
    quickfix.fill(14, function() done = true end)
    T.wait(function() return done end, 'the list')
    local last, pause = host.clock(), 0
    for _ = 1, 8 do
      quickfix.touch(14)
      T.pause(150)
      pause, last = math.max(pause, host.clock() - last), host.clock()
    end
    local meanwhile = asked()
    T.wait(function() return asked() > 1 end, 'the tick')
    standin.settle()
    return meanwhile, asked(), pause
  end
  local meanwhile, after, pause, _
  repeat  -- a busy machine may pause where the user does not
    meanwhile, after, pause = asked_while_deciding(1200)
  until pause < 400
  T.eq({ meanwhile, after }, { 1, 2 }, 'a large list waits for a pause')
  repeat
    meanwhile, _, pause = asked_while_deciding(10)
  until pause < 400
  T.ok(meanwhile >= 2, 'a small one is ticked meanwhile')

  -- a failed test: what 'errorformat' finds in its output, wherever the editor stands
  T.write('sub/d.c', 'x\n')
  standin.script({ ['review/quickfix'] = { { result = { title = 'Piecework #13: t  [0/0]', items = {}, root = T.cwd,
    test = { command = 'make check', lines = { 'cc -c a.c', 'a.c:4:2: error: no such name', 'sub/d.c:1: warning: odd',
      '2 tests failed' } } } } } })
  T.command('lcd sub')
  T.command('set errorformat&')
  done = nil
  quickfix.fill(13, function(n) done = n end)
  T.wait(function() return done end, 'the list of a failed test')
  local found = {}
  for _, item in ipairs(host.fn('getqflist', { title = 1, nr = '$', items = 1 }).items) do
    found[#found + 1] = { host.fn('fnamemodify', host.fn('bufname', item.bufnr), ':p'), item.lnum, item.text, item.type }
  end
  T.eq(found, { { T.cwd .. '/a.c', 4, '[!] test: error: no such name', 'E' }, { T.cwd .. '/sub/d.c', 1, '[!] test: warning: odd', 'E' } },
    'an entry per line of a failed test')
  T.command('lcd ..')

  -- What thousands of entries cross in: parts, and nothing of them is left for the collectors to walk over.
  local made, kept = host.list(), nil
  for i = 1, 40 do made.add({ lnum = i, bufnr = host.fn('bufnr', '%'), text = 'ä "\\' .. i, valid = 1 }) end
  made.use(function(entries)
    kept = entries
    host.fn('setqflist', {}, ' ', { items = entries, title = 'made' })
  end)
  local there = host.fn('getqflist')
  T.eq({ #there, there[17].text, there[40].lnum }, { 40, 'ä "\\17', 40 }, 'a list made in parts')
  if host.name == 'vim' then T.eq(host.fn('len', kept), 0, 'is gone once it was used') end
end
