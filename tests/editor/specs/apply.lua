-- Apply: marks, undo, line ends, and everything that must be refused by name.

return function(T)
  local host = require('piecework.host')
  local apply = require('piecework.apply')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  T.command('set hidden nobackup')

  local function buffer(path)
    return host.fn('bufnr', '^' .. path .. '$')
  end

  local function text(path)
    return table.concat(host.lines(buffer(path)), '|')
  end

  -- Applies [files] through the stand-in; waits for its one line.
  local function run(files, options, more)
    local listed = {}
    for i, file in ipairs(files) do
      listed[i] = { path = file.path, change = file.change, from = file.from, hunks = 1 }
    end
    local replies = {
      ['review/files'] = { { result = { files = listed, root = T.cwd } } },
      ['review/apply'] = { { result = { files = files, stale = (more or {}).stale or {}, hunks = #files } } },
      ['review/revert'] = { { result = { files = files, stale = {}, hunks = #files } } },
      ['review/applied'] = { { result = {} } },
    }
    standin.script(replies)
    local before = #require('piecework.message').history
    if (more or {}).meanwhile then more.meanwhile() end
    apply.start(4, options or {})
    T.wait(function() return #require('piecework.message').history > before end, 'the result')
    return T.said()
  end

  -- marks, cursor, folds, undo --------------------------------------------------------------------
  local a = T.write('a.txt', ('line\n'):rep(4) .. 'old five\nold six\n' .. ('tail\n'):rep(10))
  T.command('edit a.txt')
  T.command([[5mark a | 6mark b | 12mark c | 14]])
  T.command('call setline(14, "mine, unsaved")')
  local said = run({ { path = a, change = 'edit', hunks = { 'h1', 'h2' }, edits = {
    { first = 1, count = 0, lines = { 'top' } },
    { first = 5, count = 2, lines = { 'new 5', 'new 6', 'new 7' } },
    { first = 16, count = 1, lines = {} } } } })
  T.like(said, '2 hunks applied in 1 file, not written', 'the one line')
  T.eq(text(a), 'top|line|line|line|line|new 5|new 6|new 7|tail|tail|tail|tail|tail|tail|tail|'
    .. 'mine, unsaved|tail', 'the edits, bottom-up')
  local function mark(name) return host.fn('line', "'" .. name) end
  T.eq({ mark('a'), mark('b'), mark('c'), host.fn('line', '.') }, { 6, 7, 14, 16 }, 'marks and cursor follow')
  T.eq(T.read('a.txt'):sub(1, 5), 'line\n', 'nothing is written')
  T.eq(host.fn('getbufvar', buffer(a), '&modified') ~= 0, true, 'the buffer is modified')
  T.eq(standin.last('review/applied'), { plan = 4, hunks = { 'h1', 'h2' }, reverted = false, cwd = T.cwd },
    'told hunk by hunk')
  local given = standin.last('review/apply').buffers
  T.eq({ #given, given[1].path, given[1].text:find('mine, unsaved') ~= nil }, { 1, a, true },
    'edits are asked for the text of the buffer')
  run({}, { only = { 'h1' }, revert = true })
  local asked = standin.last('review/files')
  T.eq({ asked.only, asked.applied, asked.accepted }, { { 'h1' }, true, false },
    'only files it is about are loaded')
  T.command('silent undo')
  T.eq(text(a):find('new 5'), nil, 'one undo takes all of it back')
  T.ok(text(a):find('mine, unsaved'), 'but not the edit before it')
  T.command('silent undo')
  T.eq(text(a):find('mine'), nil, 'that is the next step')
  T.command('silent redo')
  T.command('silent redo')
  T.ok(text(a):find('new 5'), 'redo brings it again')

  -- two applies with nothing between are two undo steps
  T.command('enew!')
  local two = T.write('two.txt', '1\n2\n3\n')
  T.command('edit two.txt')
  run({ { path = two, change = 'edit', hunks = { 'x' }, edits = { { first = 1, count = 1, lines = { 'A' } } } } })
  run({ { path = two, change = 'edit', hunks = { 'y' }, edits = { { first = 3, count = 1, lines = { 'C' } } } } })
  T.eq(text(two), 'A|2|C', 'two applies')
  T.command('call setline(2, "mine") | silent undo')
  T.eq(text(two), 'A|2|C', 'and what follows')
  T.command('silent undo')
  T.eq(text(two), 'A|2|3', 'are as many undo steps')

  -- files that are not open ------------------------------------------------------------------------
  T.command('enew!')
  local hidden = T.write('hidden.vim', 'let a = 1\nlet b = 2\n')
  T.command('autocmd BufReadPost hidden.vim let g:read = get(g:, "read", 0) + 1')
  run({ { path = hidden, change = 'edit', hunks = { 'x' },
    edits = { { first = 2, count = 1, lines = { 'let b = 3' } } } } })
  T.eq(text(hidden), 'let a = 1|let b = 3', 'a file that was not open')
  T.eq({ host.fn('eval', 'get(g:, "read")'), host.fn('buflisted', buffer(hidden)),
    host.fn('winnr', '$') }, { 1, 1, 1 }, 'is loaded with autocommands, listed, not shown')
  T.command('buffer hidden.vim')
  T.command('silent undo')
  T.eq(text(hidden), 'let a = 1|let b = 2', 'and can be undone')

  -- line ends, encodings -----------------------------------------------------------------------------
  local dos = T.write('dos.txt', 'a\r\nb\r\nc\r\n')
  run({ { path = dos, change = 'edit', hunks = { 'x' },
    edits = { { first = 2, count = 1, lines = { 'B\r', 'B2' } } } } }, { write = true })
  T.eq(T.read('dos.txt'), 'a\r\nB\r\nB2\r\nc\r\n', 'a dos file keeps its line ends')
  T.eq(standin.last('review/apply').buffers[1].text, 'a\r\nb\r\nc\r\n', 'and is sent with them')
  local noeol = T.write('noeol.txt', 'a\nb')
  T.command('edit noeol.txt | setlocal nofixeol')
  run({ { path = noeol, change = 'edit', hunks = { 'x' },
    edits = { { first = 1, count = 1, lines = { 'A' } } } } }, { write = true })
  T.eq(T.read('noeol.txt'), 'A\nb', 'no newline at the end stays so')
  run({ { path = noeol, change = 'edit', hunks = { 'x' }, ended = true,
    edits = { { first = 2, count = 1, lines = { 'b' } } } } }, { write = true })
  T.eq(T.read('noeol.txt'), 'A\nb\n', 'unless the change is that')
  run({ { path = noeol, change = 'edit', hunks = { 'x' }, ended = false,
    edits = { { first = 2, count = 1, lines = { 'b' } } } } }, { write = true })
  T.eq(T.read('noeol.txt'), 'A\nb', 'and back')
  local bom = T.write('bom.txt', '\239\187\191a\nb\n')
  run({ { path = bom, change = 'edit', hunks = { 'x' },
    edits = { { first = 1, count = 1, lines = { '\239\187\191A' } } } } }, { write = true })
  T.eq(T.read('bom.txt'), '\239\187\191A\nb\n', 'a byte order mark stays one')
  local nul = T.write('nul.txt', 'a\0b\nc\n')
  run({ { path = nul, change = 'edit', hunks = { 'x' },
    edits = { { first = 2, count = 1, lines = { 'c\0d' } } } } }, { write = true })
  T.eq(T.read('nul.txt'), 'a\0b\nc\0d\n', 'NUL bytes')

  -- refused by name ----------------------------------------------------------------------------------
  local function edit_of(path)
    return { path = path, change = 'edit', hunks = { 'x' },
      edits = { { first = 1, count = 1, lines = { 'CHANGED' } } } }
  end
  local ro = T.write('ro.txt', 'a\n')
  local fine = T.write('fine.txt', 'a\n')
  T.command('edit ro.txt | setlocal readonly')
  said = run({ edit_of(ro), edit_of(fine) })
  T.like(said, 'ro.txt readonly', 'readonly is refused')
  T.eq({ text(ro), text(fine) }, { 'a', 'CHANGED' }, 'the other file is done')
  T.eq(host.fn('getqflist', { title = 1 }).title, 'Piecework #4: not applied', 'and listed')
  local nomod = T.write('nomod.txt', 'a\n')
  T.command('edit nomod.txt | setlocal nomodifiable')
  T.like(run({ edit_of(nomod) }), 'nomod.txt nomodifiable', 'nomodifiable is refused')
  local swap = T.write('swap.txt', 'a\n')
  -- A swap file of a process that lives: this editor's own number.
  T.command('edit swap.txt | setlocal swapfile | preserve')
  local swapname = host.fn('swapname', '%')
  os.execute("cp '" .. swapname .. "' kept.swp")
  T.command('bwipeout!')
  os.execute("cp kept.swp '" .. swapname .. "'")
  T.command('set shortmess-=A')
  said = run({ edit_of(swap) })
  T.like(said, 'another Vim', 'a file open elsewhere is refused')
  T.ok(host.fn('bufloaded', swap) == 0, 'and not loaded')
  T.command('badd swap.txt')
  run({ edit_of(swap) })
  T.eq({ host.fn('buflisted', swap), host.fn('bufloaded', swap) }, { 1, 0 }, 'nor taken off the list of the user')
  T.command('call delete(' .. host.fn('string', swapname) .. ')')
  -- [typed] happens between the question and the answer.
  local function meanwhile(typed)
    return { meanwhile = function()
      local request = require('piecework.rpc').request
      require('piecework.rpc').request = function(client, method, ...)
        request(client, method, ...)
        if method == 'review/apply' then
          require('piecework.rpc').request = request
          T.command(typed)
        end
      end
    end }
  end
  local late = T.write('late.txt', 'a\nb\n')
  T.command('edit late.txt')
  said = run({ edit_of(late) }, { write = true }, meanwhile('call setline(2, "typed meanwhile")'))
  T.like(said, 'changed meanwhile', 'a buffer changed meanwhile is left alone')
  T.eq({ text(late), T.read('late.txt') }, { 'a|typed meanwhile', 'a\nb\n' }, 'with the edit of the user, not written')
  T.command('enew!')
  local mine = T.cwd .. '/mine.txt'
  said = run({ { path = mine, change = 'new', text = 'theirs\n', hunks = { 'x' } } }, {},
    meanwhile('edit mine.txt | call setline(1, "typed meanwhile")'))
  T.like(said, 'mine.txt exists by now', 'a new file whose name has a buffer with text by now is refused')
  T.eq(text(mine), 'typed meanwhile', 'and the text stays')
  local old = T.write('old.txt', 'a\nb\n')
  T.command('edit! old.txt')
  said = run({ { path = T.cwd .. '/renamed.txt', from = old, change = 'rename', hunks = { 'x' },
    edits = { { first = 2, count = 1, lines = { 'B' } } } } }, { write = true },
    meanwhile('0put =\'typed meanwhile\''))
  T.like(said, 'changed meanwhile', 'a renamed file that was changed meanwhile is left alone')
  T.eq({ text(old), T.read('old.txt') }, { 'typed meanwhile|a|b', 'a\nb\n' }, 'with its name')
  T.command('bwipeout! ' .. buffer(mine) .. ' ' .. buffer(old))
  local disk = T.write('disk.txt', 'old\n')
  T.command('edit disk.txt | setlocal noautoread | enew!')
  T.write('disk.txt', 'new on disk\n')
  os.execute('touch -d "+5 seconds" disk.txt')
  run({ { path = disk, change = 'edit', hunks = { 'x' }, edits = {} } })
  T.eq(standin.last('review/apply').buffers[1].text, 'new on disk\n', 'changed on disk: read again, no prompt')
  T.command('buffer disk.txt | call setline(1, "mine")')
  T.write('disk.txt', 'newer on disk\n')
  os.execute('touch -d "+9 seconds" disk.txt')
  T.like(run({ edit_of(disk) }), 'changed on disk and in the buffer', 'changed in both: refused')
  T.eq(text(disk), 'mine', 'nothing lost')
  -- The editor tells of it once. A write now would ask on the screen.
  T.like(run({ edit_of(disk) }, { write = true }), 'changed on disk and in the buffer', 'the second time, too')
  T.eq({ text(disk), T.read('disk.txt') }, { 'mine', 'newer on disk\n' }, 'and not written')
  T.command('edit!')
  T.command('call setline(1, "mine again")')
  run({ { path = disk, change = 'edit', hunks = { 'x' }, edits = {} } })
  T.eq(standin.last('review/apply').buffers[1].text, 'mine again\n', 'read again by the user: that is over')
  T.write('disk.txt', 'third\n')
  os.execute('touch -d "+20 seconds" disk.txt')
  T.command('silent! checktime')
  T.like(run({ edit_of(disk) }), 'changed on disk and in the buffer', 'and when the editor has told of it before')
  T.command('edit!')
  local function on_disk_meanwhile()
    T.write('disk.txt', 'fourth\n')
    os.execute('touch -d "+30 seconds" disk.txt')
  end
  local change = require('piecework.apply').change
  require('piecework.apply').change = function(...)
    change(...)
    on_disk_meanwhile()
  end
  T.like(run({ edit_of(disk) }, { write = true }), 'applied, but not written: changed on disk', 'changed just before the write')
  require('piecework.apply').change = change
  T.eq(T.read('disk.txt'), 'fourth\n', 'what is on disk stays')
  T.command('bwipeout!')

  -- new, deleted, renamed ----------------------------------------------------------------------------
  T.command('enew!')
  local new = T.cwd .. '/sub/new.py'
  run({ { path = new, change = 'new', text = 'import os\n\nx = 1\n', hunks = { 'x' } } })
  T.eq(text(new), 'import os||x = 1', 'a new file is a buffer')
  T.command('buffer ' .. buffer(new) .. ' | call setline(1, "mine") | silent undo')
  T.eq(text(new), 'import os||x = 1', 'which is one undo step')
  T.eq({ T.read('sub/new.py'), host.fn('isdirectory', 'sub') }, { nil, 0 }, 'not on disk yet')
  run({ { path = new, change = 'edit', hunks = { 'x' }, edits = {} } }, { write = true })
  T.eq({ T.read('sub/new.py'), T.said() }, { 'import os\n\nx = 1\n',
    'piecework: #4: 1 file written' }, 'a bang later writes what was applied before')
  T.command('call delete("sub", "rf") | bwipeout! ' .. buffer(new))
  run({ { path = new, change = 'new', text = 'a\n', hunks = { 'x' } } })
  T.command('silent wall')
  T.eq(T.read('sub/new.py'), 'a\n', ':wall makes the folder of a new file')
  T.command('call delete("sub", "rf") | bwipeout! ' .. buffer(new))
  run({ { path = new, change = 'new', text = 'import os\n', hunks = { 'x' } } }, { write = true })
  T.eq(T.read('sub/new.py'), 'import os\n', 'with a bang it is written, its folder made')
  T.like(run({ { path = new, change = 'new', text = 'x\n', hunks = { 'x' } } }), 'new.py exists by now',
    'a new file that exists is refused')
  os.execute('ln -s nowhere.txt dangling.txt')
  T.like(run({ { path = T.cwd .. '/dangling.txt', change = 'new', text = 'x\n', hunks = { 'x' } } }, { write = true }),
    'dangling.txt exists by now', 'nor written through a link that leads nowhere yet')
  T.eq(T.read('nowhere.txt'), nil, 'wherever it leads')
  local gone = T.write('gone.txt', 'a\n')
  said = run({ { path = gone, change = 'delete', hunks = { 'x' } } })
  T.like(said, '1 only with a bang', 'a deletion waits for a bang')
  T.eq(T.read('gone.txt'), 'a\n', 'the file is there')
  local function noted()
    return host.fn('getqflist', { nr = '$', items = 1 }).items[1].text
  end
  T.eq(noted(), 'to be deleted: :Piecework! apply', 'and which')
  T.like(run({ { path = gone, change = 'delete', hunks = { 'x' } } }, { revert = true }), '1 only with a bang',
    'a file that came is not deleted by a revert')
  T.eq(noted(), 'to be deleted: :Piecework! revert', 'and the bang belongs to the verb that was typed')
  run({ { path = gone, change = 'delete', hunks = { 'x' } } }, { write = true })
  T.eq(T.read('gone.txt'), nil, 'with a bang it goes')
  local from = T.write('from.txt', 'a\nb\n')
  T.like(run({ { path = T.cwd .. '/to.txt', from = from, change = 'rename', hunks = { 'x' }, edits = {} } }),
    'only with a bang', 'a rename waits too')
  run({ { path = T.cwd .. '/to.txt', from = from, change = 'rename', hunks = { 'x' },
    edits = { { first = 2, count = 1, lines = { 'B' } } } } }, { write = true })
  T.eq({ T.read('from.txt'), T.read('to.txt') }, { nil, 'a\nB\n' }, 'with a bang it is done')

  -- revert -------------------------------------------------------------------------------------------
  said = run({ edit_of(fine) }, { revert = true })
  T.like(said, '1 hunk reverted in 1 file', 'revert is the same backwards')
  T.eq(standin.last('review/applied').reverted, true, 'and told so')
  run({ edit_of(fine) }, { revert = true, write = true })
  T.eq(standin.last('review/files').accepted, false, 'with a bang it writes what it reverts, nothing else')
  run({ { path = T.cwd .. '/never.txt', change = 'edit', hunks = { 'never' }, edits = {} } }, { revert = true })
  T.eq(standin.last('review/applied').hunks, { 'never' }, 'a new file that was never written is reverted, too')

  T.like(run({}, { revert = true }), '#4: nothing is applied$', 'nothing is applied: that is said')
  T.like(run({}), '#4: nothing is accepted$', 'nor accepted')
  local back = T.write('back.txt', 'applied\n')
  run({ { path = back, change = 'edit', hunks = { 'x' }, edits = { { first = 1, count = 1, lines = { 'as it was' } } } } },
    { revert = true })
  T.eq(T.read('back.txt'), 'applied\n', 'a revert writes nothing')
  standin.script({
    ['review/files'] = { { result = { files = {}, root = T.cwd } },
      { result = { files = { { path = back, change = 'edit', hunks = 1 } }, root = T.cwd } } },
    ['review/revert'] = { { result = { files = {}, stale = {}, hunks = 0 } } },
  })
  local told = #require('piecework.message').history
  apply.start(4, { revert = true, write = true })
  T.wait(function() return #require('piecework.message').history > told end, 'the bang')
  T.eq({ T.read('back.txt'), T.said(), standin.last('review/files').reverted },
    { 'as it was\n', 'piecework: #4: 1 file written', true }, 'a bang later writes what a revert has changed')

  -- several at once: one after the other, those of a kind together, and a failure holds nobody up
  standin.script({
    ['review/files'] = { { error = { code = 'failed', message = 'no such thing' } }, { result = { files = {}, root = T.cwd } } },
    ['review/apply'] = { { result = { files = {}, stale = {}, hunks = 0 } } },
  })
  local history = #require('piecework.message').history
  for _, name in ipairs({ 'one', 'two', 'three' }) do apply.start(4, { only = { name } }) end
  apply.start(4, { only = { 'back' }, revert = true })
  apply.start(4, { only = { 'written' }, write = true })
  apply.start(5, { only = { 'another' }, write = true })
  apply.start(5, { write = true })
  apply.start(5, { only = { 'last' }, write = true })
  T.wait(function() return #require('piecework.message').history >= history + 7 end, 'all')
  standin.settle()
  local asked_for = {}
  for _, request in ipairs(standin.requests()) do
    local of = request[2]
    if request[1] == 'review/files' and of.accepted ~= of.applied then
      asked_for[#asked_for + 1] = of.plan .. (of.applied and ' revert ' or ' ')
        .. table.concat(of.only or { 'all' }, ' ')
    end
  end
  T.eq(asked_for, { '4 one', '4 two three', '4 revert back', '4 written', '5 another', '5 all', '5 last' },
    'applies wait for each other, those of a kind together')

  -- a file nobody has opened gets the name that :edit would have given it
  local unopened = T.write('sub/unopened.txt', 'old\n')
  run({ { path = unopened, change = 'edit', hunks = { 'h1' }, edits = { { first = 1, count = 1, lines = { 'new' } } } } })
  T.eq({ host.fn('bufname', buffer(unopened)), text(unopened) }, { 'sub/unopened.txt', 'new' }, 'a short name')

  -- what the text has already is no change
  said = run({ { path = a, change = 'edit', hunks = { 'h1', 'h2' }, edits = {} } }, { revert = true })
  T.like(said, '0 hunks reverted in 0 files$', 'nothing to do: nothing is said to be done')
  T.eq(standin.last('review/applied').hunks, { 'h1', 'h2' }, 'but the engine knows how they stand')

  -- stale hunks are listed
  said = run({}, {}, { stale = { { hunk = 'z', note = 'fine.txt:3: hunk of T01 is stale: the lines changed' } } })
  T.like(said, '1 stale; 0 hunks applied in 0 files. :copen lists them$', 'stale hunks are told')
  T.like(host.fn('getqflist')[1].text, 'is stale', 'with the reason')
  run({}, {}, { stale = { { hunk = 'z', note = 'fine.txt: hunk of T01 is stale: the file is gone' } } })
  T.ok(host.fn('getqflist')[1].valid == 1, 'and with its file, also where no line is known')
end
