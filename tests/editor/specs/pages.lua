-- A review that comes in pages: the first is there at once, the others follow; then only what differs comes.

return function(T)
  local host = require('piecework.host')
  local buffers = require('piecework.buffers')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  local FILE = 'file 1 1 0 - - T01\n'
  local function id(n) return ('%016x'):format(n) end
  local function hunk(n, state) return ('hunk 3 1 %d %s %s T01\n'):format(n, id(n), state or '-') end
  local function text(n, mark) return ('@@ %d @@%s\n-old %d\n+new %d\n'):format(n, mark or '', n, n) end

  -- Pages of [first, last] hunks of one file.
  local function page(at, first, last, more)
    local index, lines = {}, {}
    local add, put = last - first + 1, 3 * (last - first + 1)
    if at == 1 then
      index[1], lines[1] = 'head 1 0 0 - - -\n' .. FILE, 'piecework://review/12\ndiff a.c\n'
      add, put = add + 2, put + 2
    end
    for n = first, last do
      index[#index + 1], lines[#lines + 1] = hunk(n, n == 2 and 'accepted'), text(n, n == 2 and ' [accepted]')
    end
    return { result = { version = 5, reset = at == 1, more = more, steps = { { at, 0, add, 0, 0, put } },
      paths = at == 1 and { 'a.c' } or {}, index = table.concat(index), text = table.concat(lines),
      hunks = 6, accepted = 1, rejected = 0, title = 'x' } }
  end
  local function held(reply, name)
    reply['until'] = T.cwd .. '/' .. name
    return reply
  end
  local function state_of(n)
    for _, one in ipairs(buffers.view().sections.hunks) do
      if one.id == id(n) then return one.decision end
    end
  end
  local function hunks() return #buffers.view().sections.hunks end
  local function in_step()
    local view = buffers.view()
    return view.sections.lines == #host.lines(view.buf)
  end

  standin.script({
    ['review/get'] = { page(1, 1, 2, true), held(page(5, 3, 4, true), 'second'), page(7, 5, 6, false),
      -- what differs: a mark, then a hunk that is gone and one that came
      { result = { version = 6, reset = false, more = false, steps = { { 5, 1, 1, 0, 1, 1 } }, paths = {}, index = hunk(3, 'rejected'),
        text = '@@ 3 @@ [rejected]\n' } },
      { result = { version = 7, reset = false, more = true, steps = { { 3, 1, 0, 0, 3, 0 } }, paths = {}, index = '', text = '' } },
      { result = { version = 7, reset = false, more = false, steps = { { 8, 0, 1, 0, 0, 3 } }, paths = {}, index = hunk(9),
        text = text(9) } },
      { result = { version = 8, reset = false, more = false, steps = {}, paths = {}, index = '', text = '' } },
      -- another engine: all of it again
      page(1, 1, 4, true), held(page(7, 5, 6, false), 'whole'), page(1, 1, 6, false) },
    ['review/decide'] = { { result = { changed = 1 } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } },
  })
  T.command('Piecework review')
  T.wait(function() return buffers.view() and buffers.view().shown end, 'the first page')
  T.eq({ hunks(), host.fn('line', '$'), host.fn('line', '.') }, { 2, 8, 3 }, 'the first page is shown at once, at its open hunk')
  T.eq(host.fn('foldclosed', 6), 6, 'what is decided there is folded')
  T.command('normal! 4G')
  T.write('second', '')
  T.wait(function() return hunks() == 6 end, 'all pages')
  T.eq({ host.fn('line', '$'), host.fn('line', '.'), in_step() }, { 20, 4, true }, 'the others follow, the cursor stays')
  T.eq(host.fn('getline', 18), '@@ 6 @@', 'in their order')
  local asked = standin.last('review/get')
  T.eq({ asked.version, asked.more }, { 5, true }, 'each page is asked for by its version')
  local tick = host.fn('getbufvar', '%', 'changedtick')
  T.command('normal! 20G')
  T.command('normal 9Gs')
  T.wait(function() return state_of(3) == 'rejected' end, 'the answer of the engine')
  asked = standin.last('review/get')
  T.eq({ asked.version, asked.more }, { 5 }, 'then what differs from that version')
  T.eq({ host.fn('getline', 9), host.fn('getline', 10), in_step() }, { '@@ 3 @@ [rejected]', '-old 3', true }, 'one line changes')
  T.ok(host.fn('getbufvar', '%', 'changedtick') - tick < 6, 'and no other')
  T.eq({ host.fn('foldclosed', 10), host.fn('foldclosed', 6), host.fn('foldclosed', 4) }, { 9, 6, -1 }, 'it is folded as well')
  T.command('normal! zR19G')
  buffers.load(buffers.view())
  buffers.load(buffers.view())
  T.wait(function() return state_of(9) end, 'a hunk that came')
  T.eq({ hunks(), host.fn('line', '$'), host.fn('getline', 3), in_step() }, { 6, 20, '@@ 2 @@ [accepted]', true }, 'one went, one came')
  T.eq({ host.fn('getline', '.'), host.fn('foldclosed', '.') }, { '-old 6', -1 },
    'the cursor stays on its line, folds as the user has them')

  T.wait(function() return buffers.view().version == 8 and not buffers.view().feed end, 'the load that was asked for meanwhile')
  T.eq({ hunks(), in_step(), host.fn('getline', '.') }, { 6, true, '-old 6' }, 'nothing differs, nothing changes')
  buffers.load(buffers.view())
  T.wait(function() return buffers.view().feed and not state_of(9) == false end, 'a load')
  T.eq(host.fn('line', '$'), 20, 'a whole review is put together before it replaces the one shown')
  T.write('whole', '')
  T.wait(function() return state_of(1) ~= nil end, 'all of it')
  T.eq({ hunks(), host.fn('getline', '.'), in_step(), host.fn('foldclosed', 6) }, { 6, '-old 6', true, 6 },
    'then it does, folds and all')

  -- Forced by the user to another text: it is loaded whole.
  T.command('setlocal modifiable | 3,5delete _ | setlocal nomodified nomodifiable')
  T.eq(in_step(), false, 'the text is another')
  buffers.load(buffers.view())
  T.wait(function() return in_step() and not buffers.view().feed end, 'the whole')
  T.eq(host.fn('getline', 3), '@@ 1 @@', 'is there again')
  T.command('bwipeout')

  -- Parts of a hunk, one of them decided, become one again.
  local first = page(1, 2, 4, false)
  standin.script({ ['review/get'] = { first, { result = { version = 6, reset = false, more = false,
    steps = { { 3, 2, 1, 0, 1, 1 } }, paths = {}, index = ('hunk 6 1 7 %s - T01\n'):format(id(7)), text = '@@ 7 @@\n' } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } } })
  T.command('Piecework review')
  T.wait(function() return buffers.view() and buffers.view().shown end, 'the parts')
  T.eq({ host.fn('foldclosed', 4), host.fn('foldlevel', 7) }, { 3, 0 }, 'the decided part is folded')
  buffers.load(buffers.view())
  T.wait(function() return state_of(7) end, 'the hunk')
  T.eq({ host.fn('foldlevel', 3), host.fn('foldlevel', 4), in_step() }, { 0, 0, true }, 'no fold stays over a part of it')
  T.command('bwipeout')

  -- Lines that went elsewhere are folded below a note, in a hunk that is open and in one that is decided.
  local MOVED = '@@ 7 @@\n-old\n# 3 lines moved to b.c:1-3\n-one\n-two\n-three\n+new\n'
  local function reply(version, decision)
    return { result = { version = version, reset = version == 1, more = false, paths = version == 1 and { 'a.c' } or {},
      steps = { version == 1 and { 1, 0, 3, 0, 0, 9 } or { 3, 1, 1, 0, 0, 0 } },
      index = (version == 1 and 'head 1 0 0 - - -\n' .. FILE or '') .. ('hunk 7 1 7 %s %s T01 2+3\n'):format(id(7), decision),
      text = version == 1 and 'piecework://review/12\ndiff a.c\n' .. MOVED or '' } }
  end
  standin.script({ ['review/get'] = { reply(1, '-'), reply(2, 'accepted'), reply(3, '-') },
    ['review/decide'] = { { result = { changed = 1 } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } } })
  T.command('Piecework review')
  T.wait(function() return buffers.view() and buffers.view().shown and host.fn('foldclosed', 5) > 0 end, 'the fold')
  T.eq({ host.fn('foldclosed', 4), host.fn('foldclosed', 5), host.fn('foldclosedend', 5), host.fn('foldclosed', 9) },
    { -1, 5, 8, -1 }, 'what moved is folded, from its note on')
  T.eq(host.fn('foldtextresult', 5), '+-- 3 lines moved to b.c:1-3', 'the fold says where to')
  -- A selection that ends at a closed fold means all of it.
  T.command('normal 4GVj' .. 's')
  local function what()
    local all = standin.requests()
    for i = #all, 1, -1 do
      if all[i][1] == 'review/decide' then return all[i][2].what end
    end
  end
  T.wait(what, 'the decision')
  T.eq(what(), { id(7) .. ':1-4' }, 'the selection takes the fold whole')
  T.wait(function() return state_of(7) == 'accepted' and host.fn('foldlevel', 5) == 2 end, 'accepted')
  T.eq({ host.fn('foldclosed', 5), host.fn('foldclosedend', 5), in_step() }, { 2, 9, true }, 'decided, its file is folded')
  buffers.load(buffers.view())
  T.wait(function() return state_of(7) == 'none' and host.fn('foldlevel', 4) == 0 end, 'and open again')
  T.eq({ host.fn('foldclosed', 5), host.fn('foldclosedend', 5), host.fn('foldlevel', 9) }, { 5, 8, 0 },
    'what moved is folded still')
  T.command('bwipeout')
end
