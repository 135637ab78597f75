-- One file of a round, as property.lua believes it to be: its lines, where each of them comes from, and the
-- steps that undo goes back. The user's edits are made here, in the editor and in the belief alike.
--
-- Where a line comes from: a number is that line of the base, 'HUNK:n' a line that a hunk brought, 'mine'
-- the user's. A line that is moved or copied takes it along.

return function(T)
  local host = require('piecework.host')
  local scope = require('piecework.scope')
  local Doc = {}
  Doc.__index = Doc

  local typed = 0

  local function copy(list)
    local out = {}
    for i = 1, #list do out[i] = list[i] end
    return out
  end
  Doc.copy = copy

  -- [count] items from [first] replaced by [new].
  local function splice(list, first, count, new)
    local out = {}
    for i = 1, first - 1 do out[i] = list[i] end
    for i = 1, #new do out[#out + 1] = new[i] end
    for i = first + count, #list do out[#out + 1] = list[i] end
    return out
  end
  Doc.splice = splice

  local function slice(list, first, count)
    local out = {}
    for i = 1, count do out[i] = list[first + i - 1] end
    return out
  end
  Doc.slice = slice

  -- [bytes] as the lines of a buffer; false as second when the file does not end with a newline.
  function Doc.split(bytes, dos)
    local lines = {}
    for line in (bytes:sub(-1) == '\n' and bytes or bytes .. '\n'):gmatch('([^\n]*)\n') do
      lines[#lines + 1] = dos and line:gsub('\r$', '') or line
    end
    return lines
  end

  ---@param path string  relative to the project
  ---@param bytes string|nil  what is on disk; nil = nothing
  function Doc.new(path, bytes)
    local self = setmetatable({ path = path, full = T.cwd .. '/' .. path, base_bytes = bytes }, Doc)
    self.dos = path:find('dos') ~= nil
    self.base = bytes and Doc.split(bytes, self.dos) or {}
    self.hunks = {}
    return self
  end

  -- As it was before any step.
  function Doc:reset()
    os.remove(self.full)
    os.remove(self.full .. '.moved')
    self.buf, self.node, self.away = nil, nil, nil
    self.disk = nil
    if not self.base_bytes then return end
    T.write(self.path, self.base_bytes)
    local from = {}
    for i = 1, #self.base do from[i] = i end
    self.disk = { lines = self.base, from = from }
  end

  -- Belief ----------------------------------------------------------------------------------------

  -- The text in the buffer, else on disk; a table of no lines when there is none.
  function Doc:now()
    return self.node or self.disk or { lines = {}, from = {} }
  end

  function Doc:exists()
    if self.away then return false end
    if self.disk then return true end
    local lines = self:now().lines
    return #lines > 1 or (#lines == 1 and lines[1] ~= '')
  end

  -- One undo step further.
  function Doc:step(lines, from)
    local node = { parent = self.node, lines = lines, from = from }
    if self.node then self.node.child = node end
    self.node = node
  end

  -- The buffer is there: undo starts with what was on disk.
  function Doc:opened(buf)
    self.buf = buf
    local was = self.disk or { lines = { '' }, from = { 'mine' } }
    self.node = { lines = was.lines, from = was.from }
  end

  function Doc:saved()
    self.disk = { lines = self.node.lines, from = self.node.from }
  end

  -- What differs from the belief, in words; nil when nothing does.
  function Doc:differs()
    local is, want
    if self.buf then
      is, want = host.lines(self.buf), self.node.lines
    else
      local bytes = T.read(self.full)
      is, want = bytes and Doc.split(bytes, self.dos) or {}, self:now().lines
    end
    for i = 1, math.max(#is, #want) do
      if is[i] ~= want[i] then
        return ('%s line %d of %d (believed %d): is %s, should be %s'):format(self.path, i, #is, #want,
          T.show(is[i]), T.show(want[i]))
      end
    end
    if self.away then return nil end
    local bytes = T.read(self.full)
    if (bytes ~= nil) ~= (self.disk ~= nil) then return self.path .. ': is it on disk? ' .. tostring(bytes) end
    local lines = bytes and Doc.split(bytes, self.dos) or {}
    if bytes and table.concat(lines, '\n') ~= table.concat(self.disk.lines, '\n') then
      return self.path .. ': another text on disk'
    end
  end

  -- All that makes up the bytes of the buffer.
  function Doc:bytes()
    return self.buf and scope.text(self.buf)
  end

  -- What the user does ------------------------------------------------------------------------------

  local function command(text)
    local ok, err = host.cmd('silent ' .. text)
    if not ok then error('the test itself: ' .. text .. ': ' .. err, 0) end
  end
  Doc.command = command

  -- Makes it current; opens it.
  function Doc:show()
    if self.buf then return command('buffer ' .. self.buf) end
    command('edit ' .. self.full)
    self:opened(host.fn('bufnr', '%'))
  end

  -- A command that is typed begins an undo step. What comes after it by itself, an apply, must begin its own.
  local function broken(work)
    command('let &l:undolevels = &l:undolevels')
    work()
  end

  local function fresh(dice)
    local lines, from = {}, {}
    for i = 1, dice(1, 3) do
      typed = typed + 1
      lines[i], from[i] = 'typed ' .. typed, 'mine'
    end
    return lines, from
  end

  local edits = {}

  function edits.insert(self, dice, node)
    local at = dice(0, #node.lines)
    if dice(1, 4) == 1 then at = dice(0, 1) * #node.lines end
    local lines, from = fresh(dice)
    broken(function() host.fn('appendbufline', self.buf, at, lines) end)
    self:step(splice(node.lines, at + 1, 0, lines), splice(node.from, at + 1, 0, from))
    return ('insert %d at %d'):format(#lines, at)
  end

  -- Some lines, or all from one head of a function to the next.
  local function range(self, dice, node, most)
    local first = dice(1, #node.lines)
    if self.path:find('twins') and dice(1, 2) == 1 then
      while first > 1 and not node.lines[first]:find('^def') do first = first - 1 end
      local last = first
      while last < #node.lines and not node.lines[last + 1]:find('^def') do last = last + 1 end
      return first, last
    end
    return first, math.min(#node.lines, first + dice(0, most))
  end

  function edits.delete(self, dice, node)
    local first, last = range(self, dice, node, 3)
    if last - first + 1 >= #node.lines then return end
    broken(function() command(('%d,%ddelete _'):format(first, last)) end)
    local count = last - first + 1
    self:step(splice(node.lines, first, count, {}), splice(node.from, first, count, {}))
    return ('delete %d,%d'):format(first, last)
  end

  local function moved(list, first, count, at)
    local block, rest = slice(list, first, count), splice(list, first, count, {})
    return splice(rest, (at > first and at - count or at) + 1, 0, block)
  end

  function edits.move(self, dice, node)
    local first, last = range(self, dice, node, 7)
    local at = dice(0, #node.lines)
    if self.path:find('twins') then
      while at > 0 and at < #node.lines and not node.lines[at + 1]:find('^def') do at = at - 1 end
    end
    if at >= first - 1 and at <= last then return end
    broken(function() command(('%d,%dmove %d'):format(first, last, at)) end)
    local count = last - first + 1
    self:step(moved(node.lines, first, count, at), moved(node.from, first, count, at))
    return ('move %d,%d to %d'):format(first, last, at)
  end

  function edits.copy(self, dice, node)
    local first, last = range(self, dice, node, 7)
    local at, count = dice(0, #node.lines), last - first + 1
    broken(function() command(('%d,%dcopy %d'):format(first, last, at)) end)
    self:step(splice(node.lines, at + 1, 0, slice(node.lines, first, count)),
      splice(node.from, at + 1, 0, slice(node.from, first, count)))
    return ('copy %d,%d to %d'):format(first, last, at)
  end

  function edits.change(self, dice, node)
    local at = dice(1, #node.lines)
    typed = typed + 1
    broken(function() command(('%ds/$/ mine %d/'):format(at, typed)) end)
    self:step(splice(node.lines, at, 1, { node.lines[at] .. ' mine ' .. typed }),
      splice(node.from, at, 1, { 'mine' }))
    return 'change ' .. at
  end

  function edits.join(self, dice, node)
    if #node.lines < 2 then return end
    local at = dice(1, #node.lines - 1)
    broken(function() command(('%d,%djoin!'):format(at, at + 1)) end)
    self:step(splice(node.lines, at, 2, { node.lines[at] .. node.lines[at + 1] }),
      splice(node.from, at, 2, { 'mine' }))
    return 'join ' .. at
  end

  function edits.sort(self, _, node)
    -- What a filter does to mixed line ends differs from editor to editor.
    if self.path:find('mixed') then return end
    local order = {}
    for i = 1, #node.lines do order[i] = i end
    table.sort(order, function(a, b)
      local x, y = node.lines[a], node.lines[b]
      if x ~= y then return x < y end
      return a < b
    end)
    local lines, from = {}, {}
    for i, at in ipairs(order) do lines[i], from[i] = node.lines[at], node.from[at] end
    broken(function() command('%!LC_ALL=C sort') end)
    self:step(lines, from)
    return '%!sort'
  end

  function edits.undo(self, dice)
    local wanted, steps = dice(1, 3), 0
    while steps < wanted and self.node.parent do
      command('undo')
      self.node = self.node.parent
      steps = steps + 1
    end
    return steps > 0 and 'undo ' .. steps
  end

  function edits.redo(self)
    if not self.node.child then return end
    command('redo')
    self.node = self.node.child
    return 'redo'
  end

  local DECK = { 'insert', 'insert', 'insert', 'insert', 'delete', 'delete', 'delete', 'move', 'move', 'copy',
    'copy', 'change', 'change', 'change', 'join', 'undo', 'undo', 'redo' }

  -- One random edit. What was done, in words.
  function Doc:edit(dice)
    self:show()
    local name = dice(1, 30) == 1 and 'sort' or DECK[dice(1, #DECK)]
    local did = edits[name](self, dice, self.node)
    return did and ('%s: %s'):format(self.path, did)
  end

  -- :write
  function Doc:save()
    self:show()
    command('write')
    self:saved()
  end

  -- Closed for good: what was not saved is lost, and undo with it.
  function Doc:close()
    command('bwipeout! ' .. self.buf)
    self.buf, self.node = nil, nil
  end

  -- The file gets another name, the buffer with it; or the old one again.
  function Doc:rename()
    self:show()
    local from, to = self.full, self.full .. '.moved'
    if self.away then from, to = to, from end
    command('update')
    host.fn('rename', from, to)
    command('keepalt file ' .. host.fn('fnameescape', to))
    command('write!')
    self:saved()
    self.away = not self.away
  end

  -- Back to where undo begins.
  function Doc:undo_all()
    self:show()
    command('undo 0')
    while self.node.parent do self.node = self.node.parent end
  end

  return Doc
end
