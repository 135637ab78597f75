-- What the models see of modified buffers: the bytes the file would have after `:w`, in UTF-8.

return function(T)
  local host = require('piecework.host')
  local scope = require('piecework.scope')

  -- [text] is on disk, [ex] changes the buffer; the text sent must be what `:w` then writes.
  local function same_as_written(name, bytes, ex, what, convert)
    T.write(name, bytes)
    T.command('edit! ' .. name)
    if ex then T.command(ex) end
    local buf = host.fn('bufnr', '%')
    local sent = scope.text(buf)
    T.command('silent write!')
    local written = T.read(name)
    if convert then written = convert(written) end
    T.eq(sent, written, what)
    T.command('bwipeout!')
  end

  same_as_written('unix', 'a\nb\n', 'call setline(1, "x")', 'a unix file')
  same_as_written('binary', 'a\nb', 'setlocal binary | call setline(1, "x")', 'a binary file without an end')
  same_as_written('dos', 'a\r\nb\r\n', 'call setline(1, "x")', 'a dos file')
  same_as_written('mixed', 'a\r\nb\n', 'call setline(2, "x")', 'mixed line ends')
  same_as_written('noeol', 'a\nb', 'setlocal nofixeol | call setline(1, "x")', 'no newline at the end, kept')
  same_as_written('fixeol', 'a\nb', 'call setline(1, "x")', 'no newline at the end, fixed')
  same_as_written('bom', '\239\187\191a\n', 'call setline(1, "x")', 'a byte order mark')
  same_as_written('zero', '', nil, 'an empty file')
  same_as_written('newline', '\n', nil, 'a file of one newline')
  same_as_written('nul', 'a\0b\n', 'call setline(2, "x")', 'a NUL byte')
  same_as_written('utf8', 'gr\195\188n \240\159\152\128\n', 'call setline(2, "\195\164")', 'characters')
  same_as_written('latin1', 'gr\252n\n', 'setlocal fileencoding=latin1 | call setline(1, "gr\195\188n")',
    'another encoding is sent as UTF-8', function(text) return (text:gsub('\252', '\195\188')) end)

  T.write('one.c', '1\n')
  T.write('two.c', '2\n')
  T.command('set hidden')
  T.command('edit one.c')
  T.command('call setline(1, "changed")')
  T.command('edit two.c')
  T.command('new | file scratch.c | setlocal buftype=nofile | call setline(1, "scratch")')
  T.command('enew | file other://three.c | call setline(1, "not of this machine")')
  T.command('enew | call setline(1, "nameless") | ')
  local buffers = scope.buffers()
  T.eq(buffers, { { path = T.cwd .. '/one.c', text = 'changed\n' } }, 'only modified files are sent')

  -- what the engine is told of them, once
  local function news(plan)
    local got
    scope.news(plan, function(texts) got = texts or 'none' end)
    return got
  end
  T.eq({ scope.is_known(3), #news(3), news(3), scope.is_known(3) }, { false, 1, 'none', true }, 'news are news once')
  T.eq(scope.is_known(4), false, 'of each plan')
  T.command('buffer one.c | call setline(1, "again")')
  T.eq({ scope.is_known(3), news(3)[1].text }, { false, host.pack('again\n') }, 'an edit is news')
  T.command('silent write')
  T.eq({ scope.is_known(3), news(3) }, { false, {} }, 'and so is a file that is written')

  -- many large buffers are read in slices; an edit in between makes all of it be read again
  T.command('only | %bwipeout!')
  for i = 1, 12 do
    T.command('edit large' .. i .. '.c')
    T.command('call setline(1, range(20000))')
  end
  local asked = 0
  scope.news(3, function(texts) asked = texts end)
  T.eq(asked, 0, 'much is not read at once')
  T.command('buffer large1.c | call setline(1, "typed meanwhile")')
  T.wait(function() return asked ~= 0 end, 'the slices')
  T.eq({ #asked, asked[1].text }, { 12, host.pack(scope.text(host.fn('bufnr', '%'))) }, 'and is what it is now')
  asked = 0
  T.command('call setline(1, "again")')
  scope.news(3, function(texts) asked = texts end)
  T.command('bwipeout! large12.c')
  T.wait(function() return asked ~= 0 end, 'the slices')
  T.eq(#asked, 11, 'a buffer that is gone meanwhile is left out')
  T.command('%bwipeout!')
  news(3)
  T.ok(scope.is_known(3), 'nothing is known, too')
  scope.forget_known()
  T.eq(scope.is_known(3), false, 'another engine knows nothing')

  T.eq(scope.by_file({ { path = 'a', first = 10, last = 10 }, { path = 'b', first = 2, last = 2 },
    { path = 'a', first = 30, last = 31 }, { path = 'c', first = 0, last = 0 }, { path = 'c', first = 5, last = 6 } }),
    { { path = 'a', first = 10, last = 31, margin = 3 }, { path = 'b', first = 2, last = 2, margin = 3 },
      { path = 'c', first = 0, last = 0 } }, 'one range per file with a margin')
  T.command('args two.c one.c')
  T.eq(#scope.args(), 2, 'the argument list')
  T.command('call setqflist([], " ", {"title": "Piecework #3: x [1/2]", "items": [{"filename": "one.c", "lnum": 1}]})')
  T.eq(scope.quickfix(), nil, 'a list of ours is no scope')
  T.command('call setqflist([], " ", {"title": ":make", "items": [{"filename": "one.c", "lnum": 1, "end_lnum": 4},'
    .. ' {"filename": "two.c", "text": "no line"}, {"text": "x"}]})')
  T.eq(scope.quickfix(), { { path = T.cwd .. '/one.c', first = 1, last = 4 } }, 'entries with a place')
end
