-- Every way that plugins save by themselves, on every kind of buffer we have. See t_autosave.py, which compares the
-- project, the journal and the provider's log.

return function(T)
  local host = require('piecework.host')
  local engine = require('piecework.engine')
  T.command('set hidden nobackup noswapfile')

  local asked = {}
  local request = engine.request
  engine.request = function(method, ...)
    asked[#asked + 1] = method
    return request(method, ...)
  end

  local function ask(method, params)
    local answer
    engine.request(method, params, function(err, result) answer = result or err end)
    T.wait(function() return answer end, method)
    return answer
  end

  -- One of two hunks is accepted, neither is applied.
  local hunk = ask('review/get', { plan = 3 }).index:match('hunk %d+ %d+ %d+ (%x+)')
  ask('review/decide', { plan = 3, what = { hunk }, decision = 'accepted' })
  local review = ask('review/get', { plan = 3 }).text

  -- Each kind of page, with a word that says it is there.
  local PAGES = {
    { 'plan/2', 'files: a.txt' }, { 'trust/2', 'touch ran' }, { 'commit/1', 'first' }, { 'review/3', 'LINE 20' },
    { 'proposal/3/b.txt', 'LINE 20' }, { 'status', 'third' }, { 'status/3', 'third' }, { 'cost/3', 'execute' },
    { 'log/3', 'piecework://log' }, { 'preview/2/T01', 'a.txt' }, { 'health', 'engine' },
  }
  local buffers = {}
  for _, page in ipairs(PAGES) do
    T.command('edit piecework://' .. page[1])
    T.wait(function() return host.fn('search', '\\V' .. page[2], 'cnw') > 0 end, page[1])
    buffers[#buffers + 1] = { name = page[1], buf = host.fn('bufnr', '%') }
  end
  T.command('edit a.txt')
  T.command('call setline(1, "typed in a file") | silent undo')

  local function buffer(name)
    for _, one in ipairs(buffers) do
      if one.name == name then return one.buf end
    end
  end

  local function type_into(name, line, text)
    T.command('buffer ' .. buffer(name))
    host.fn('setbufline', buffer(name), line, { text })
  end
  type_into('commit/1', 1, 'my own words')
  local last = #host.lines(buffer('plan/2'))
  T.command('buffer ' .. buffer('plan/2'))
  host.fn('appendbufline', buffer('plan/2'), last, { 'Do it with care.' })

  -- What auto-saving plugins do.
  local WAYS = {
    'silent! write', 'silent! write!', 'silent! update', 'silent! doautocmd <nomodeline> BufWriteCmd',
    'silent! wall', 'silent! wall!', 'silent! bufdo update', 'silent! bufdo write', 'silent! bufdo write!',
    'silent! noautocmd wall', 'silent! bufdo doautocmd <nomodeline> BufWriteCmd', 'silent! tabdo windo update',
    'doautocmd <nomodeline> FocusLost', 'doautocmd <nomodeline> CursorHold',
  }
  T.command('augroup autosave')
  T.command('autocmd FocusLost,InsertLeave,TextChanged,CursorHold,BufLeave,WinLeave * ++nested silent! wall')
  T.command('augroup END')
  asked = {}
  for _, way in ipairs(WAYS) do
    for _, one in ipairs(buffers) do
      T.command('buffer ' .. one.buf)
      T.command(way)
      T.pause(2)
    end
  end
  -- A change in each page that takes one, saved by the plugin the moment it is made.
  for _, one in ipairs(buffers) do
    T.command('buffer ' .. one.buf)
    host.cmd('silent! execute "normal! Gox\\<Esc>" | silent! undo')
    T.command('doautocmd <nomodeline> TextChanged')
    T.command('doautocmd <nomodeline> InsertLeave')
  end
  T.pause(300)

  local SAVING = { ['plan/save'] = true, ['plan/text'] = true, ['commit/prepare'] = true, ['review/proposal'] = true,
    ['review/quickfix'] = true, ['review/files'] = true, ['review/edit'] = true }
  local other = {}
  for _, method in ipairs(asked) do
    if not SAVING[method] and not method:find('/get$') then other[#other + 1] = method end
  end
  T.eq(other, {}, 'saving asks the engine for nothing but texts')
  T.eq(ask('review/get', { plan = 3 }).text, review, 'decisions are as they were')

  -- A proposal that is being typed into becomes hunks of the user's, undecided like the task's under them.
  local function in_proposal(text, pattern)
    type_into('proposal/3/b.txt', 20, text)
    T.command('silent! wall')
    T.wait(function() return (ask('review/get', { plan = 3 }).text:find(pattern) ~= nil) end, pattern)
    return ask('review/get', { plan = 3 })
  end
  T.eq(in_proposal('LINE 20, mine', 'mine').accepted, 1, 'a proposal that is saved while it is typed accepts nothing')
  in_proposal('LINE 20', 'LINE 20\n')
  T.eq(ask('review/get', { plan = 3 }).text, review, 'and its own text takes that back')

  -- What was typed stays, also when the page is looked at again.
  T.like(table.concat(host.lines(buffer('commit/1')), '\n'), '^my own words', 'a commit message stays')
  T.command('Piecework commit 1')
  T.pause(200)
  T.like(table.concat(host.lines(buffer('commit/1')), '\n'), '^my own words', 'also when it is opened again')
  T.command('buffer ' .. buffer('plan/2'))
  T.command('edit!')
  T.wait(function() return host.fn('search', 'Do it with care', 'cnw') > 0 end, 'the plan')
  T.like(table.concat(host.lines(buffer('plan/2')), '\n'), 'Do it with care', 'the text of a plan is saved')

  -- As it was, for the comparison outside.
  ask('review/decide', { plan = 3, what = { 'all' }, decision = 'none' })
end
