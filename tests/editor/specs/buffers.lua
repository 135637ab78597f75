-- piecework:// buffers: loading, keys, decisions, saving, folds, what never happens by itself.

return function(T)
  local host = require('piecework.host')
  local buffers = require('piecework.buffers')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  T.command('set hidden')

  local REVIEW = 'piecework://review/12  rename  [1/3 decided  $0.112]\n'
    .. '# test: make check passed in the worktree\n'
    .. 'diff src/net.c  T01  verified ok  +1 -1                     [accepted]\n'
    .. '@@ -88,3 +88,3 @@ T01                                       [accepted]\n'
    .. ' ctx\n-old\n+new\n ctx\n'
    .. 'diff src/x.c  T05  DOUBT: a string  +2 -2\n'
    .. '@@ -40 +40 @@ T05\n-a\n+b\n'
    .. '@@ -71 +71 @@ T05                            [stale: the lines changed]\n-c\n+d\n'
  local HEAD, NET, X = 'head 2 0 0 - - -\n', 'file 1 1 0 - - T01\nhunk 5 1 88 aaa accepted T01\n',
    'file 1 1 0 - - T05\nhunk 3 1 40 bbb - T05\nhunk 3 1 71 ccc stale T05\n'
  -- All of it as one page. [paths]: of the files, in their order.
  local function review_script(text, index, paths, version)
    return { result = { version = version or 1, reset = true, more = false, steps = { { 1, 0, 6, 0, 0, 15 } }, index = index,
      paths = paths, text = text, hunks = 3, accepted = 1, rejected = 0, title = 'rename' } }
  end

  standin.script({
    ['review/get'] = { review_script(REVIEW, HEAD .. NET .. X, { 'src/net.c', 'src/x.c' }) },
    ['review/decide'] = { { result = { changed = 1 } } },
    ['review/files'] = { { result = { root = T.cwd, files = { { path = T.cwd .. '/src/net.c', change = 'edit', hunks = 1 } } } } },
    ['cost/get'] = { { result = { text = 'the receipt\n', index = {} } } },
    ['preview/get'] = { { result = { text = 'the task', index = {} } } },
    ['task/retry'] = { { result = {} } },
    ['review/proposal'] = { { result = { text = ('of the file 1\n'):rep(100), base = '' } } },
    ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } },
  })
  T.write('src/net.c', ('line\n'):rep(100))
  -- What :mksession writes for it.
  T.command('enew | file piecework://cost/12 | setlocal buftype=nofile nomodifiable | doautoall SessionLoadPost')
  T.wait(function() return buffers.view() and buffers.view().shown end, 'the page')
  T.eq(host.fn('getline', 1), 'the receipt', 'a session brings a page back')
  T.command('bwipeout')
  T.command('set foldmethod=indent foldlevel=0 spell wrap')
  T.command('Piecework cost 12')
  local function of_window(name)
    local value = host.fn('eval', '&l:' .. name)
    return value == true and 1 or value == false and 0 or value
  end
  T.eq({ of_window('foldmethod'), of_window('spell'), of_window('wrap') }, { 'manual', 0, 0 },
    'settings for text are not for tables')
  T.command('close')
  T.eq({ of_window('foldmethod'), of_window('spell'), of_window('wrap') }, { 'indent', 1, 1 }, 'and stay elsewhere')
  T.command('set foldmethod& foldlevel& nospell')
  T.command('Piecework review')
  T.wait(function() return host.fn('getline', 1):find('^piecework://review') end, 'the review')
  local view = buffers.view()
  T.eq({ host.fn('bufname', '%'), view.plan }, { 'piecework://review/12', 12 }, 'the newest plan in review')
  T.eq({ host.fn('getbufvar', view.buf, '&filetype'), host.fn('getbufvar', view.buf, '&modifiable') == 0
    or host.fn('getbufvar', view.buf, '&modifiable') == false }, { 'piecework-review', true }, 'its filetype; nomodifiable')
  T.eq(view.sections.lines, #host.lines(view.buf), 'each line has its section')
  T.eq(host.fn('line', '.'), 10, 'the cursor is at the first undecided hunk')
  T.ok(host.fn('foldclosed', 5) > 0, 'what is decided is folded')
  T.eq(host.fn('foldtextresult', 3), '+-- src/net.c  1 hunk  1 accepted', 'the fold says what is in it')
  local function folded(first, last)
    T.command(first .. ',' .. last .. 'fold')
    local text = host.fn('foldtextresult', first)
    T.command('normal! ' .. first .. 'Gzd')
    return text
  end
  T.eq(folded(9, 15), '+-- src/x.c  2 hunks  1 stale, 1 open', 'a fold of a file')
  T.eq(folded(10, 12), '+-- @@ -40 +40 @@ T05  open', 'of a hunk')
  T.eq(folded(10, 15), '+-- 2 hunks  1 stale, 1 open', 'of hunks')
  T.eq(host.fn('foldclosed', 11), -1, 'what is not is open')

  local function decided(key, what)
    local before = #standin.requests()
    T.command('normal ' .. key)
    T.wait(function()
      local all = standin.requests()
      for i = before + 1, #all do
        if all[i][1] == 'review/decide' then return true end
      end
    end, key)
    local last = standin.last('review/decide')
    T.eq({ last.plan, last.what, last.decision }, what, key .. ' decides')
    standin.settle()
  end
  decided('11Gs', { 12, { 'bbb' }, 'accepted' })
  T.eq(host.fn('line', '.'), 13, 's goes on to the next undecided hunk')
  T.like(T.said(), '2 of 3 hunks decided: ZZ applies%. 1 stale: R does it again$', 'which is stale')
  decided('13Gs', { 12, { 'ccc' }, 'accepted' })
  T.like(T.said(), '1 stale hunk not applied as it is: R does it again$', 'what is stale is not counted as decided')
  decided('13GX', { 12, { 'ccc' }, 'rejected' })
  decided('5Gu', { 12, { 'aaa' }, 'none' })
  decided('5G-', { 12, { 'aaa' }, 'none' })
  decided('3G-', { 12, { 'file:src/net.c' }, 'none' })
  decided('9G-', { 12, { 'file:src/x.c' }, 'accepted' })
  decided('9Gs', { 12, { 'file:src/x.c' }, 'accepted' })
  decided('5G2s', { 12, { 'aaa', 'bbb' }, 'accepted' })
  decided('9G3u', { 12, { 'file:src/x.c' }, 'none' })
  decided('12GS', { 12, { 'like:bbb' }, 'accepted' })
  decided('11GV15Gs', { 12, { 'bbb', 'ccc' }, 'accepted' })
  decided('11GV14Gs', { 12, { 'bbb', 'ccc:1-1' }, 'accepted' })
  decided('14GV11Gs', { 12, { 'bbb', 'ccc:1-1' }, 'accepted' })
  decided('15GVX', { 12, { 'ccc:2-2' }, 'rejected' })
  T.eq(host.fn('line', '.'), 15, 'a part leaves the cursor at the rest of its hunk')
  decided('10GV10Gs', { 12, { 'bbb' }, 'accepted' })
  decided('zR8GV11Gs', { 12, { 'bbb:1-1' }, 'accepted' })
  decided('zR9GVs', { 12, { 'file:src/x.c' }, 'accepted' })
  local asked = #standin.requests()
  T.command('normal zR8GVs')
  T.like(T.said(), 'no changed line', 'context alone names nothing')
  T.eq(#standin.requests(), asked, 'and nothing is asked')
  T.command('setlocal modified')
  for _, keys in ipairs({ '11Gs', '12GS', '11GV14GX' }) do
    T.command('normal ' .. keys)
    T.like(T.said(), 'text of this review was changed', keys .. ' in a text that was changed by force')
  end
  T.command('11,15Piecework accept')
  T.eq(#standin.requests(), asked, 'decides nothing, nor does a range')
  T.command('setlocal nomodified')
  T.command('g/^@@.*T05/normal X')
  T.wait(function() return standin.last('review/decide').what[1] == 'ccc' end, ':g with normal')
  T.ok(true, ':g/pattern/normal X decides')
  standin.settle()
  for command, what in pairs({ ['Piecework accept plan'] = 'all', ['Piecework! accept plan'] = 'all!',
      ['Piecework reject plan'] = 'all' }) do
    T.command(command)
    T.wait(function() return standin.last('review/decide').what[1] == what end, command)
    standin.settle()
    T.like(T.said(), command:find('reject') and '%d hunks? rejected$' or '%d hunks? accepted: :Piecework apply$',
      command .. ' decides ' .. what)
  end
  T.command('normal g?')
  local function popups()
    local count = 0
    for _, win in ipairs(host.name == 'nvim' and vim.api.nvim_list_wins() or host.fn('popup_list')) do
      local floats = host.name ~= 'nvim' or vim.api.nvim_win_get_config(win).relative ~= ''
      count = count + (floats and 1 or 0)
    end
    return count
  end
  T.eq(popups(), 1, 'g? shows the keys')
  for _, key in ipairs({ 'q', '\27' }) do
    T.command('normal g?')
    if host.name == 'nvim' then
      host.fn('feedkeys', key, 'xt')
    else  -- a filter is not asked without a screen
      host.fn('Piecework_host_popup_key', host.fn('popup_list')[1], key)
    end
    T.eq({ popups(), host.fn('eval', 'reg_recording()') }, { 0, '' }, 'and they go with ' .. (key == 'q' and 'q' or 'Escape'))
  end
  T.command('normal g?')
  T.command('normal g?')
  T.eq(popups(), 1, 'shown again they are shown once')
  T.command('1')
  T.command('normal ]c')
  T.eq(host.fn('line', '.'), 4, ']c')
  T.command('normal 2]c')
  T.eq(host.fn('line', '.'), 13, 'with a count')
  T.command('normal [c')
  T.eq(host.fn('line', '.'), 10, '[c')
  T.command('normal gg]m]m')
  T.eq(host.fn('line', '.'), 9, ']m')
  T.command('normal [m')
  T.eq(host.fn('line', '.'), 3, '[m')
  T.command('normal gg]u')
  T.eq(host.fn('line', '.'), 10, ']u')
  T.command('normal 14G[u')
  T.eq(host.fn('line', '.'), 13, '[u')
  T.eq(require('piecework.ui.hunk').lines_at_cursor(), '13 15', 'the text object')
  T.command('xmap <buffer> ih <Plug>(piecework-hunk)')
  for _, visual in ipairs({ 'v', 'V', '\\<C-V>' }) do
    T.command('let @x = "" | execute "normal 14G' .. visual .. 'ih\\"xy"')
    T.eq(select(2, host.fn('getreg', 'x'):gsub('\n', '')), 3, 'in visual mode, begun by ' .. visual)
  end
  T.command('normal 7G')
  T.command('exe "normal \\<CR>"')
  T.wait(function() return host.fn('bufname', '%') == 'src/net.c' or host.fn('expand', '%:t') == 'net.c' end, 'the file')
  T.eq(host.fn('line', '.'), 88, '<CR> opens the file at the line')
  T.command('buffer piecework://review/12')
  os.remove('src/x.c')
  for _, key in ipairs({ 'o', '\\<CR>' }) do
    local windows = host.fn('winnr', '$')
    T.command('exe "normal 12G' .. key .. '"')
    T.wait(function() return host.fn('getline', 1) == 'of the file 1' end, 'the proposal')
    T.eq({ host.fn('bufname', '%'), host.fn('line', '.'), host.fn('winnr', '$') - windows },
      { 'piecework://proposal/12/src/x.c', 40, key == 'o' and 1 or 0 }, 'a file that is not there yet: as it is proposed')
    T.command(key == 'o' and 'close' or 'buffer piecework://review/12')
  end
  T.command('normal 6Ge')
  T.wait(function() return host.fn('getline', 1) == 'of the file 1' end, 'the proposal')
  T.eq({ host.fn('bufname', '%'), host.fn('line', '.') }, { 'piecework://proposal/12/src/net.c', 89 },
    'e opens the proposal at the line')
  T.command('close')
  T.command('normal 4Ge')
  T.wait(function() return host.fn('line', '.') == 89 end, 'e on the head: where the change begins')
  T.command('bwipeout')
  T.command('buffer piecework://review/12')
  T.command('normal 11Gr')
  T.wait(function() return standin.last('task/retry') end, 'r')
  T.eq(standin.last('task/retry').task, 'T05', 'r does the task again')
  local ui = host.ui
  host.ui = function() return function(options, done) done('not the macro: ' .. options.prompt) end end
  T.command('normal 11GC')
  T.wait(function() return standin.last('task/retry').remark end, 'C with a prompt of the user\'s')
  T.eq(standin.last('task/retry').remark, 'not the macro: Remark for T05: ', 'C takes a remark')
  host.ui = ui

  -- files may change their order when they are loaded again: the cursor stays on its hunk
  T.command('buffer piecework://review/12')
  T.wait(function() return buffers.view() and host.fn('getline', 1):find('^piecework://review') end, 'the review')
  T.command('call cursor(11, 1)')
  local other = {}
  for _, i in ipairs({ 1, 2, 9, 10, 11, 12, 13, 14, 15, 3, 4, 5, 6, 7, 8 }) do
    other[#other + 1] = host.fn('getline', i)
  end
  standin.script({
    ['review/get'] = { review_script(table.concat(other, '\n') .. '\n', HEAD .. X .. NET, { 'src/x.c', 'src/net.c' }, 2) },
    ['review/decide'] = { { result = { changed = 1 } } }, ['task/retry'] = { { result = {} } },
  })
  buffers.load(buffers.view())
  T.wait(function() return host.fn('getline', 3):find('^diff src/x.c') end, 'the new order')
  T.eq(host.fn('line', '.'), 5, 'after a new order of files the cursor is on its hunk')

  -- saving spends and accepts nothing
  standin.settle()
  local before = #standin.requests()
  T.command('write')
  T.command('silent! wall')
  standin.settle()
  for i = before + 1, #standin.requests() do
    local method = standin.requests()[i][1]
    T.ok(method:find('/get$') or method == 'review/buffers', ':w in a review asks nothing', T.show(standin.requests()[i]))
  end

  -- the name is the buffer: :e, :b, a second load
  T.command('edit')
  T.wait(function() return host.fn('getline', 1):find('^piecework://review') end, ':edit')
  T.ok(true, ':edit loads again')
  T.command('bwipeout')
  T.command('edit piecework://nonsense/1')
  T.wait(function() return (T.said() or ''):find('no such buffer') end, 'nonsense')
  T.ok(true, 'an unknown kind is one line')
  T.command('bwipeout!')

  -- the proposal -------------------------------------------------------------------------------------
  standin.script({
    ['review/proposal'] = { { result = { text = 'one\r\ntwo\r\n', base = '' } },
      { error = { code = 'not_found', message = 'gone' } } },
    ['review/edit'] = { { result = { hunks = 2 } }, { result = { hunks = 0 } }, { result = { hunks = 0, taken_back = true } },
      { error = { code = 'conflict', message = 'it is in the way' } } },
  })
  T.command('split piecework://proposal/12/src/net.c')
  T.wait(function() return host.fn('getline', 1) == 'one' end, 'the proposal')
  T.eq(host.lines(host.fn('bufnr', '%')), { 'one', 'two' }, 'the proposal, in lines')
  T.command('call setline(2, "two, by hand")')
  T.command('write')
  T.wait(function() return (T.said() or ''):find('2 hunks of yours') end, 'saved')
  local edit = standin.last('review/edit')
  T.eq({ edit.plan, edit.path, edit.text }, { 12, 'src/net.c', 'one\ntwo, by hand\n' }, ':w keeps the proposal as yours')
  for _, said in ipairs({ 'without what you took out$', 'as it was proposed$' }) do
    T.command('call setline(2, "' .. said .. '")')
    T.command('write')
    T.wait(function() return (T.said() or ''):find(said) end, said)
  end
  T.command('call setline(2, "rejected")')
  T.command('write')
  T.wait(function() return (T.said() or ''):find('in the way') end, 'refused')
  local modified = host.fn('getbufvar', '%', '&modified')
  T.ok(modified == 1 or modified == true, 'a refusal leaves it modified')
  T.command('edit!')
  T.wait(function() return host.fn('getline', 1):find('gone') end, 'an error')
  T.command('write')
  T.like(T.said(), 'not saved', 'an error is not saved as a proposal')
  T.eq(standin.last('review/edit').text:find('gone'), nil, 'and not sent')
  T.command('bwipeout!')

  -- diff mode: dq closes the tab that was made for it, whatever tab it is pressed in, and no other
  standin.script({ ['review/proposal'] = { { result = { text = 'one\ntwo\n', base = '' } } } })
  local proposal = require('piecework.ui.proposal')
  T.command('set nohidden')
  T.command('tabnew | new')
  local function tabs() return { host.fn('tabpagenr', '$'), host.fn('tabpagenr'), host.fn('winnr', '$') } end
  T.eq(tabs(), { 2, 2, 2 }, 'two windows in a tab of the user')
  proposal.diff(12, 'src/net.c')
  T.wait(function() return #host.fn('getbufline', 'piecework://proposal/12/src/net.c', 2) == 1 end, 'the proposal')
  T.eq({ tabs(), host.fn('expand', '%:p') }, { { 3, 3, 2 }, T.cwd .. '/src/net.c' }, 'and one for the diff')
  T.like(T.said(), 'dq in the proposal ends the diff$', 'how to end it, for the file has no such key')
  T.command('call setline(1, "taken over")')
  T.command('tabprevious')
  proposal.diff_end()
  T.eq(tabs(), { 2, 2, 2 }, 'dq elsewhere closes that tab')
  T.eq(host.fn('getbufline', 'src/net.c', 1), { 'taken over' }, 'what was taken over stays, unwritten')
  proposal.diff_end()
  T.eq(tabs(), { 2, 2, 2 }, 'again, it closes nothing')
  T.like(T.said(), 'no diff is open', 'and says so')
  T.command('tabclose | set hidden')

  -- before the text is there nothing can be taken over, typed or saved
  local come = T.cwd .. '/come'
  standin.script({ ['review/proposal'] = { { result = { text = 'one\n', base = '' }, ['until'] = come } } })
  T.command('silent! bwipeout! piecework://proposal/12/src/net.c')
  proposal.diff(12, 'src/net.c')
  local function differing()
    local count = 0
    for win = 1, host.fn('winnr', '$') do count = count + tonumber(host.fn('eval', 'getwinvar(' .. win .. ', "&diff")+0')) end
    return count
  end
  T.eq(differing(), 0, 'no diff with a text that is not there yet')
  T.command('wincmd l')
  T.command('silent! normal dd')
  T.eq(host.fn('getline', 1), 'piecework: loading piecework://proposal/12/src/net.c', 'which nobody can change')
  T.command('write')
  T.like(T.said(), 'still loading', 'nor save')
  T.write('come', '')
  T.wait(function() return host.fn('getline', 1) == 'one' end, 'the proposal')
  T.eq(differing(), 2, 'then it is one')
  T.eq(standin.last('review/edit'), nil, 'and nothing was saved')
  T.command('call setline(1, "two")')
  T.eq(host.fn('getline', 1), 'two', 'and it can be changed')
  proposal.diff_end()
  T.like(T.said(), 'in the proposal is not saved: dv again', 'what was not saved is told when the diff ends')
  T.command('bwipeout! piecework://proposal/12/src/net.c')

  -- the plan -----------------------------------------------------------------------------------------
  local PLAN = '---\nid: 12\n---\n## T01 src/net.c: rename\nfiles: src/net.c\n'
  standin.script({
    ['plan/text'] = { { result = { text = PLAN, path = T.cwd .. '/12.md', problems = {},
      notes = { { line = 1, text = 'estimate $0.12' } },
      words = { root = T.cwd .. '/src', fields = { { name = 'files', takes = 'paths' }, { name = 'after', takes = 'tasks' },
        { name = 'executor', takes = 'executors' }, { name = 'model', takes = 'models' },
        { name = 'template', takes = 'templates' } },
        executors = { 'model', 'move' }, models = { 'big', 'small' }, templates = { '@docstring' } } } } },
    ['plan/save'] = { { result = { problems = { { line = 5, warning = false, text = 'no such file' },
      { line = 5, warning = false, text = 'nor this' } } } },
      { result = { problems = { { line = 5, warning = true, text = 'odd' } } } }, { result = { problems = {} } } },
    ['run/start'] = { { result = {} } },
    ['plan/drop'] = { { result = {} } },
  })
  T.command('split piecework://plan/12')
  T.wait(function() return host.fn('getline', 1) == '---' end, 'the plan')
  local plan = buffers.view()
  T.eq({ host.fn('foldclosed', 4), host.fn('foldlevel', 3), host.fn('foldlevel', 5) }, { -1, 0, 1 }, 'a fold for each task, open')
  T.command('normal! 4Gzc')
  T.eq(host.fn('foldtextresult', 4), '+-- T01 src/net.c: rename  1 file', 'closed it says what the task is about')
  T.command('normal! zR')
  os.execute('mkdir -p src/deep && touch src/one.c src/other.c')
  -- CTRL-X CTRL-O: what is left when all of the first match is typed in, then undone.
  local function completed(typed, keys)
    T.command('call setline(5, "")')
    T.command('execute "normal 5GA' .. typed .. '\\<C-X>\\<C-O>' .. (keys or '') .. '\\<Esc>"')
    return host.fn('getline', 5)
  end
  T.eq(completed('exe'), 'executor: ', 'omni: a field at the start of a line')
  T.eq(completed('executor: mo'), 'executor: model', 'omni: an executor')
  T.eq(completed('model: sm'), 'model: small', 'omni: a model')
  T.eq(completed('template: @do'), 'template: @docstring', 'omni: a template')
  T.eq(completed('after: T'), 'after: T01', 'omni: a task of this plan')
  T.eq(completed('files: a.c, ot'), 'files: a.c, other.c', 'omni: a path below the root')
  T.eq(completed('files: d'), 'files: deep/', 'omni: a folder, to go on from')
  T.eq(completed('Some words of the body: no'), 'Some words of the body: no', 'omni: nothing in plain words')
  T.command('call setline(5, "files: one.c:1-3, other.c:2")')
  T.command('normal! 5G0fo')
  T.command('set hidden')
  T.command('normal! gf')
  T.like(host.fn('bufname', '%'), 'src/one.c$', 'gf opens a path below the root')
  T.command('buffer ' .. plan.buf)
  local windows = host.fn('winnr', '$')
  T.command('normal 4G0K')
  T.wait(function() return (T.said() or ''):find('no file') end, 'the answer')
  T.like(T.said(), 'no file ## here; g%? lists the keys$', 'K on another word says so')
  T.eq({ host.fn('winnr', '$'), host.fn('bufnr', '%') }, { windows, plan.buf }, 'and opens nothing')
  T.command('call setline(5, "files: src/one.c:1, src/other.c")')
  for _, keys in ipairs({ '5G0f/K', '5G0K' }) do
    T.command('normal ' .. keys)
    T.wait(function() return host.fn('bufnr', '%') ~= plan.buf end, 'the file')
    T.like(host.fn('bufname', '%'), 'src/one.c$', 'K on a path, or before the first, opens it')
    T.command('quit')
  end
  T.command('call setline(5, "files: src/no.c")')
  T.command('write')
  T.wait(function() return (T.said() or ''):find('no such file') end, 'the problem')
  T.like(T.said(), 'plan 12, line 5: no such file. :cnext has 1 more$', ':w names the line')
  T.eq(standin.last('plan/save').text, (PLAN:gsub('net.c\n$', 'no.c\n')), 'and saves the text')
  local list = host.fn('getqflist', { items = 1, title = 1 })
  T.eq({ list.title, list.items[1].lnum, list.items[1].bufnr }, { 'Piecework #12: problems of the plan', 5,
    plan.buf }, 'problems are in the quickfix list')
  T.command('write')
  T.wait(function() return (T.said() or ''):find('saved') end, 'saved')
  T.like(T.said(), 'plan 12 saved, 1 warning: :copen$', 'warnings are told')
  T.eq(standin.last('run/start'), nil, ':w runs nothing')
  T.command('normal ZZ')
  T.wait(function() return standin.last('run/start') end, 'ZZ')
  T.eq(standin.last('run/start').plan, 12, 'ZZ saves and runs')
  T.eq(#host.fn('getqflist'), 0, 'solved problems leave the list')
  T.ok(host.fn('bufname', '%') ~= 'piecework://plan/12', 'and closes')
  T.command('split piecework://plan/12')
  T.wait(function() return host.fn('getline', 1) == '---' end, 'the plan again')
  T.command('call setline(1, "unsaved")')
  buffers.load(buffers.view())
  standin.settle()
  T.eq(host.fn('getline', 1), 'unsaved', 'a reload never overwrites what is being typed')
  T.command('normal ZQ')
  T.wait(function() return standin.last('plan/drop') end, 'ZQ')
  T.ok(true, 'ZQ drops')

  -- trust, commit, status ----------------------------------------------------------------------------
  standin.script({
    ['plan/text'] = { { result = { text = PLAN } } },
    ['trust/get'] = { { result = { commands = { { command = 'make check; rm -rf x\n\27[2J', where = 'test', trusted = false } } } } },
    ['trust/set'] = { { result = {} } },
    ['commit/prepare'] = { { result = { message = '\nrename x\n\nwhy\n# a comment\n' } } },
    ['commit/start'] = { { result = {} } },
    ['status/get'] = { { result = { text = 'piecework://status\n ok  T01  x', index = { { kind = 'head', plan = 12 },
      { kind = 'task', task = 'T01', plan = 12 } } } } },
    ['cost/get'] = { { result = { text = 'plan 12: x\n total', index = {} } } },
    ['log/get'] = { { result = { text = 'piecework://log/12', index = {} } } },
  })
  -- keys typed ahead of the text do nothing with what stands in its place
  for kind, method in pairs({ plan = 'plan/save', trust = 'trust/set', commit = 'commit/start' }) do
    local sent = #standin.requests()
    T.command('split piecework://' .. kind .. '/13')
    T.command('normal ZZ')
    T.like(T.said(), 'still loading', 'ZZ in a ' .. kind .. ' that is not there yet')
    standin.settle()
    for i = sent + 1, #standin.requests() do T.ok(standin.requests()[i][1] ~= method, 'sends nothing', method) end
    T.command('bwipeout!')
  end
  T.command('Piecework trust 12')
  T.wait(function() return host.fn('search', 'make check') > 0 end, 'trust')
  T.like(host.fn('getline', host.fn('search', 'make check')), '^new +test +make check; rm %-rf x<0a><1b>%[2J$',
    'the exact command, nothing hidden')
  T.eq(standin.last('trust/set'), nil, 'looking trusts nothing')
  T.command('normal ZZ')
  T.wait(function() return standin.last('trust/set') end, 'ZZ in trust')
  T.eq(standin.last('trust/set').commands, { 'make check; rm -rf x\n\27[2J' }, 'ZZ trusts those bytes')
  T.command('Piecework commit 12')
  T.wait(function() return host.fn('search', '^rename x') > 0 end, 'commit')
  T.command('write')
  T.eq(standin.last('commit/start'), nil, ':w does not commit')
  T.command('call setline(2, "rename y")')
  T.command('write')
  T.command('Piecework commit 12')
  standin.settle()
  T.eq(host.fn('getline', 2), 'rename y', 'saved words stay when it is opened again')
  T.command('normal ZZ')
  T.wait(function() return standin.last('commit/start') end, 'ZZ in commit')
  T.eq(standin.last('commit/start').message, 'rename y\n\nwhy', 'ZZ commits the message without comments')
  T.command('Piecework')
  T.wait(function() return host.fn('getline', 1) == 'piecework://status' end, 'status')
  T.ok(true, 'bare :Piecework is the status')
  local wait = { kind = 'wait', plan = 12, task = 'T01', model = 'a/b', note = 'the rate limit is reached',
    until_ms = (os.time() + 90) * 1000 }
  local state = require('piecework.state')
  state.record(wait)
  T.like(state.waits(12, 'T01', os.time()), '^again in %d+ s: the rate limit is reached$', 'a wait counts down')
  T.like(state.waits(12, 'T01', os.time() - 1000), '^again in 19 min: ', 'in minutes while it is long')
  T.eq(state.waits(12, 'T01', os.time() + 91), nil, 'and is over')
  local page, notes = buffers.view(), nil
  local draw = host.notes
  host.notes = function(buf, marks) notes = marks return draw(buf, marks) end
  require('piecework.ui.status').shown(page)
  T.eq({ #notes, notes[1].line }, { 1, 2 }, 'behind the line of its task')
  local first = notes[1].text
  T.wait(function() return notes[1] and notes[1].text ~= first end, 'the next second')
  state.record({ kind = 'task', plan = 12, task = 'T01', state = 'running' })
  T.wait(function() return #notes == 0 end, 'the end of the wait')
  host.notes = draw
  T.command('Piecework status')
  T.eq(#host.fn('win_findbuf', host.fn('bufnr', '%')), 1, 'again goes to the same window')
  T.command('Piecework cost 12')
  T.wait(function() return host.fn('getline', 1) == 'plan 12: x' end, 'cost in the same window')
  T.eq(#host.fn('win_findbuf', host.fn('bufnr', '^piecework://status$')), 0, 'a page makes room for the next')
  T.command('tab Piecework cost week')
  T.wait(function() return host.fn('getline', 1) == 'plan 12: x' end, 'cost')
  T.eq(host.fn('tabpagenr', '$'), 2, 'mods are honoured')
  T.eq(standin.last('cost/get').which, 'week', 'cost of a week')
  T.command('tabclose')
  T.command('Piecework log 12')
  T.wait(function() return host.fn('search', 'told in this session') > 0 end, 'log')
  T.ok(host.fn('search', 'piecework: plan 12, line 5: no such file') > 0, 'the log keeps what was told, whole')
end
