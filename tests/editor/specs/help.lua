-- The help: tags valid and unique, every verb, option, key, event and <Plug> map covered.

return function(T)
  local host = require('piecework.host')
  local text = T.read(T.tree .. '/doc/piecework.txt')

  os.execute('mkdir -p doc && cp ' .. T.word(T.tree .. '/doc/piecework.txt') .. ' doc/')
  local ok, err = host.cmd('helptags doc')
  T.ok(ok, 'helptags has nothing to say', err)
  local tags = T.read('doc/tags')
  os.execute('LC_ALL=C awk -f ' .. T.word(T.tree .. '/native/tools/tags.awk') .. ' doc/piecework.txt | LC_ALL=C sort > made')
  T.eq(T.read('made'), tags, 'make writes the tags that :helptags does')
  local function tag(name)
    return ('\n' .. tags):find('\n' .. name .. '\t', 1, true) ~= nil
  end

  local missing = {}
  local function need(good, what)
    if not good then missing[#missing + 1] = what end
  end
  local commands = require('piecework.commands')
  for _, name in ipairs(commands.names()) do
    need(tag(':Piecework-' .. name), name)
    if commands.verbs[name].bang then need(text:find('[!] ' .. name, 1, true), 'bang of ' .. name) end
    if commands.verbs[name].range then
      need(text:find('range[%]}]:?Piecework') and text:find('range[%]}]Piecework%[?!?%]? ' .. name)
        or text:find('e[%]}]Piecework[^\n]* ' .. name), 'range of ' .. name)
    end
  end
  for _, option in ipairs(require('piecework.config').schema) do
    need(tag('g:piecework.' .. option.key), option.key)
  end
  for _, event in ipairs({ 'PlanReady', 'TaskDone', 'ReviewReady', 'Applied', 'Done', 'Budget' }) do
    need(tag('Piecework' .. event), event)
  end
  for _, kind in ipairs({ 'plan', 'review', 'status', 'trust', 'commit', 'proposal' }) do
    local page = require('piecework.ui.' .. kind)
    for _, key in ipairs(page.keys) do
      if key.lhs ~= 'g?' then need(text:find(key.lhs, 1, true), 'key ' .. key.lhs .. ' of ' .. kind) end
    end
  end
  for _, group in ipairs({ 'PieceworkAdd', 'PieceworkStale' }) do need(text:find(group), group) end
  for group in pairs(require('piecework.ui.look').groups) do need(text:find(group), group) end
  for map in T.read(T.tree .. '/plugin/piecework.vim'):gmatch('<Plug>%(piecework%-([%l-]+)%)') do
    need(text:find('piecework-' .. map, 1, true), '<Plug>(piecework-' .. map .. ')')
  end
  T.eq(missing, {}, 'the help covers everything')

  -- `g?` on a screen of 24 lines and 80 columns: every key of every page, with a border around it.
  local keys = require('piecework.ui.keys')
  for _, kind in ipairs({ 'plan', 'review', 'status', 'trust', 'commit', 'proposal' }) do
    local list = require('piecework.ui.' .. kind).keys
    local lines = keys.help_lines(list, 76)
    local shown, widest = table.concat(lines, '\n'), 0
    for _, line in ipairs(lines) do widest = math.max(widest, #line) end
    T.ok(#lines <= 15 and widest <= 76, 'g? of ' .. kind .. ' fits 24 x 80', #lines .. ' x ' .. widest)
    for _, key in ipairs(list) do
      if not shown:find(key.help, 1, true) then T.ok(false, 'g? of ' .. kind .. ' shows ' .. key.lhs) end
    end
    T.eq(#keys.help_lines(list, 40), #list, 'in 40 columns a line each')
  end

  local wrap = require('piecework.host.wrap')
  local function cells(t) return host.fn('strdisplaywidth', t) end
  T.eq(wrap.lines({ 'fits', '', '  one two three four', 'averyveryverylongword x' }, 11, cells, 9),
    { 'fits', '', '  one two', '  three', '  four', 'averyveryverylongword', 'x' }, 'popups break lines between words')
  T.eq(wrap.lines({ 'a', 'b', 'c' }, 9, cells, 2), { 'a', '...' }, 'and say when there are more than fit')

  local dead = {}
  for link in text:gmatch('|(%S-)|') do
    local own = link:find('^piecework') or link:find('^g:piecework') or link:find('^:Piecework')
    if own and not tag(link) then dead[#dead + 1] = link end
  end
  T.eq(dead, {}, 'no link of ours leads nowhere')
  -- What messages and other files point to.
  for _, name in ipairs({ 'piecework-keys', 'piecework-config', 'piecework-options', 'piecework-verbs',
    'piecework-buffers', 'piecework-cost' }) do
    T.ok(tag(name), ':help ' .. name)
  end
  for line in text:gmatch('[^\n]+') do
    if host.fn('strdisplaywidth', line) > 79 then T.ok(false, 'fits 79 columns', line) end
  end
  local checked = os.execute('sh ' .. T.word(T.tree .. '/native/tools/doc.sh') .. ' check')
  T.ok(checked == 0 or checked == true, 'the generated part is up to date')
  T.command('helpclose')
  T.command("let &rtp = '" .. T.cwd .. ",' . &rtp")
  T.command('help piecework-review')
  T.eq(host.fn('expand', '%:t'), 'piecework.txt', ':help opens it')
end
