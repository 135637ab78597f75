-- The overlay: what is drawn, that the text is not touched, that it follows decisions and edits.

return function(T)
  local host = require('piecework.host')
  local standin = dofile(T.tree .. '/tests/editor/with_standin.lua')(T)
  local overlay = require('piecework.ui.overlay')
  T.command('set hidden')
  local path = T.write('a.txt', 'one\ntwo\nthree\nfour\n')
  local HUNKS = {
    { id = 'a', first = 1, last = 1, count = 0, lines = { 'zero' }, decision = 'none', applied = false },
    { id = 'b', first = 2, last = 3, count = 2, lines = { 'TWO', '', '\tTAB' }, decision = 'none', applied = false },
    { id = 'c', first = 4, last = 4, count = 1, lines = { 'FOUR' }, decision = 'rejected', applied = false },
    { id = 'd', first = 4, last = 4, count = 1, lines = { 'FOUR' }, decision = 'accepted', applied = true },
  }
  local tall = {}
  for i = 1, 120 do tall[i] = 'line ' .. i end
  local function script(hunks)
    standin.script({
      ['plan/list'] = { { result = { plans = { { plan = 12, state = 'review' } } } } },
      ['review/files'] = { { result = { root = T.cwd, files = { { path = path, change = 'edit', hunks = 3 } } } } },
      ['review/at'] = { { result = { plan = 12, hunks = hunks } } },
      ['review/decide'] = { { result = { changed = 1 } } },
    })
  end

  -- What is drawn, whatever draws it: 'line kind text'.
  local function drawn()
    local out, buf = {}, host.fn('bufnr', path)
    if host.name == 'nvim' then
      local api = vim.api
      local space = api.nvim_create_namespace('piecework_overlay')
      for _, mark in ipairs(api.nvim_buf_get_extmarks(buf, space, 0, -1, { details = true })) do
        local row, details = mark[2] + 1, mark[4]
        -- 0.7 does not tell the highlighting of a line.
        local virtual = details.virt_lines or details.virt_text
        if details.line_hl_group or not virtual then out[#out + 1] = row .. ' -' end
        for _, line in ipairs(details.virt_lines or {}) do
          out[#out + 1] = row .. (details.virt_lines_above and ' above ' or ' below ') .. line[1][1]
        end
        if details.virt_text then out[#out + 1] = row .. ' note' .. details.virt_text[1][1] end
      end
    else
      for _, sign in ipairs(host.fn('sign_getplaced', buf, { group = 'piecework' })[1].signs) do
        out[#out + 1] = sign.lnum .. ' -'
      end
      for line = 1, host.fn('getbufinfo', buf)[1].linecount do
        for _, prop in ipairs(host.fn('prop_list', line, { bufnr = buf })) do
          local align = (prop.text_align or 'after') == 'after' and 'note' or prop.text_align .. ' '
          out[#out + 1] = line .. ' ' .. align .. (prop.text or '')
        end
      end
    end
    for i, item in ipairs(out) do out[i] = item:gsub('%s+$', '') end
    table.sort(out)
    return out
  end
  -- Vim 9.0 tells of a property neither its text nor where it stands.
  local function as_told(list)
    if host.name == 'nvim' or host.fn('has', 'patch-9.0.2000') == 1 then return list end
    local out = {}
    for i, item in ipairs(list) do out[i] = item:gsub('^(%d+) [abn].*', '%1 note') end
    return out
  end
  local WANT = as_told { '1 above zero', '2 -', '3 -', '3 below', '3 below         TAB', '3 below TWO' }

  script(HUNKS)
  T.command('edit a.txt')
  T.command('setlocal tabstop=8 nomodified')
  local tick = host.fn('getbufvar', '%', 'changedtick')
  T.command('Piecework overlay 12')
  T.wait(function() return #drawn() > 0 end, 'the overlay')
  T.eq(drawn(), WANT, 'lines that go, lines that come, line 1; not what is rejected or done; each in the column it would have')
  T.eq({ host.lines(host.fn('bufnr', '%')), host.fn('getbufvar', '%', 'changedtick'), host.fn('getbufvar', '%', '&modified') == 0
    or host.fn('getbufvar', '%', '&modified') == false }, { { 'one', 'two', 'three', 'four' }, tick, true },
    'the text is as it was')
  T.eq(standin.last('review/at').lines, true, 'the lines are asked for')
  if host.name == 'nvim' then
    T.command('call winrestview({"topline": 1, "topfill": 0}) | doautocmd CursorMoved')
    T.eq(host.fn('winsaveview').topfill, 1, 'who comes back to line 1 sees what stands above it')
  end

  script({ HUNKS[2] })
  require('piecework.buffers').changed(12)
  T.wait(function() return #drawn() == 5 end, 'a decision')
  T.eq(drawn(), as_told { '2 -', '3 -', '3 below', '3 below         TAB', '3 below TWO' }, 'it follows decisions')

  script({})
  T.command('call setline(2, "mine")')
  T.command('doautocmd TextChanged')
  T.wait(function() return #drawn() == 0 end, 'an edit')
  T.eq(drawn(), {}, 'it follows edits')
  T.command('silent undo')

  script({ { id = 'e', first = 2, last = 2, count = 1, lines = tall, decision = 'none', applied = false } })
  T.command('doautocmd TextChanged')
  T.wait(function() return #drawn() > 0 end, 'a tall hunk')
  T.eq(drawn(), as_told { '2 -', '2 note  +120 lines: :Piecework review' }, 'a hunk that is too tall is only named')

  T.command('Piecework! overlay')
  T.eq(drawn(), {}, 'hidden')
  T.command('doautocmd TextChanged')
  T.pause(300)
  T.eq(drawn(), {}, 'and stays so')
  T.eq(host.fn('exists', '#piecework_overlay#TextChanged'), 0, 'nothing is watched any more')
  T.eq(#overlay.marks(HUNKS, 24), 2, 'marks are pure')

  -- [what] happens between the question and the answer.
  local function meanwhile(what)
    local rpc = require('piecework.rpc')
    local request = rpc.request
    rpc.request = function(client, method, ...)
      request(client, method, ...)
      if method ~= 'review/at' then return end
      rpc.request = request
      what()
    end
    T.command('Piecework overlay 12')
    standin.settle()
    T.pause(300)
    standin.settle()
    local asked = 0
    for _, sent in ipairs(standin.requests()) do
      if sent[1] == 'review/at' then asked = asked + 1 end
    end
    return asked
  end
  script(HUNKS)
  T.eq(meanwhile(function() T.command('call setline(2, "typed meanwhile") | silent undo') end), 2,
    'what was asked for another text is asked again')
  T.command('Piecework! overlay')
  script(HUNKS)
  T.eq({ meanwhile(overlay.hide), drawn() }, { 1, {} }, 'an answer that comes late draws nothing')

  -- What is said: it fits 80 columns, and a plan without a result does not ask for its files.
  standin.script({ ['review/files'] = { { result = { root = T.cwd, files = {
    { path = T.cwd .. '/elsewhere.txt', change = 'edit', hunks = 1 } } } } } })
  T.command('Piecework overlay 12')
  T.wait(function() return (T.said() or ''):find('once') end, 'the answer')
  T.like(T.said(), '#12 is drawn once its files are shown: :Piecework! overlay ends it$', 'its files are not here')
  T.ok(#T.said() < 79, 'in one line of a small screen')
  standin.script({ ['review/files'] = { { result = { root = T.cwd, files = {
    { path = path, change = 'delete', hunks = 1 } } } } } })
  T.command('Piecework overlay 12')
  T.wait(function() return (T.said() or ''):find('#12 changes') end, 'the answer')
  T.like(T.said(), '#12 changes no lines of a file: nothing to draw$', 'nothing to draw')
end
