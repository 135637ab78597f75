-- The sections of a review, in the order of its text: the lines above all, a file's head, a hunk.
-- The engine sends them in pages, later only what differs (doc/wire.md, review/get). Pure: which
-- lines of the buffer change is an answer, the buffer is not touched here.

local M = {}

---@class piecework.Section
---@field kind 'head'|'file'|'hunk'
---@field first integer     its first line
---@field last integer      its last one
---@field lines integer
---@field head integer      how many of them are its own head
---@field line integer      of a hunk, in the new text
---@field decision 'none'|'accepted'|'rejected'|'applied'|'stale'
---@field id? string        of a hunk
---@field key? string       the same, as a fold's
---@field path? string
---@field task? string
---@field moves? {at: integer, lines: integer}[]  of a hunk: that many lines below its line `at`
---                        (from 0) went elsewhere as they are
---@field ends? integer     of a file: the last line of its last hunk
---@field hunks integer      how many hunks there are up to here, and files
---@field files integer

---@class piecework.Sections
---@field items piecework.Section[]
---@field hunks piecework.Section[]   those of the items that are hunks
---@field files piecework.Section[]   and those that are heads of files
---@field lines integer

---@class piecework.TextEdit   in the order given: each counts lines as those before have left them
---@field first integer  lines from here on
---@field drop integer   go
---@field put integer    come

---@return piecework.Sections
function M.new()
  return { items = {}, hunks = {}, files = {}, lines = 0 }
end

local function some(word)
  return word ~= '-' and word or nil
end

local function moves_of(word)
  if word == '' then return nil end
  local out = {}
  for at, count in word:gmatch('(%d+)%+(%d+)') do
    out[#out + 1] = { at = tonumber(at), lines = tonumber(count) }
  end
  return out
end

local function parse(page)
  local out, n, files = {}, 0, 0
  for kind, lines, head, line, id, state, task, moves in
    (page.index or ''):gmatch('(%S+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+) ?(%S*)\n') do
    n = n + 1
    local one = { kind = kind, lines = tonumber(lines), head = tonumber(head),
      line = tonumber(line), decision = some(state) or 'none', id = some(id), task = some(task),
      moves = moves_of(moves) }
    one.key = one.id
    if kind == 'file' then
      files = files + 1
      one.path = page.paths[files]
    end
    out[n] = one
  end
  return out
end

local function trim(list, n)
  for i = #list, n + 1, -1 do list[i] = nil end
end

-- Lines, paths and the two lists, for the items from [from] on.
local function renumber(list, from)
  local before = list.items[from - 1]
  local at = before and before.last or 0
  local hunks, files = before and before.hunks or 0, before and before.files or 0
  for i = from, #list.items do
    local one = list.items[i]
    one.first, one.last = at + 1, at + one.lines
    at = one.last
    if one.kind == 'hunk' then
      hunks = hunks + 1
      list.hunks[hunks] = one
      local file = list.files[files]
      one.path = file and file.path
    elseif one.kind == 'file' then
      files = files + 1
      list.files[files] = one
    end
    if list.files[files] then list.files[files].ends = at end
    one.hunks, one.files = hunks, files
  end
  trim(list.hunks, hunks)
  trim(list.files, files)
  list.lines = at
end

local function is_same(one, now)
  return one.kind == now.kind and one.id == now.id and one.lines == now.lines
    and (one.kind ~= 'file' or one.path == now.path)
end

-- A section as long as it was stays the table that it is.
local function update(one, now)
  one.head, one.line, one.decision, one.task = now.head, now.line, now.decision, now.task
  one.moves = now.moves
end

-- Does what a page says.
---@param list piecework.Sections
---@return piecework.TextEdit[] edits
function M.take(list, page)
  local new, items, out = parse(page), list.items, {}
  local old, taken, shift, from, edits = 1, 0, 0, nil, {}
  for _, step in ipairs(page.steps or {}) do
    local at, remove, add, skip, drop, put = step[1], step[2], step[3], step[4], step[5], step[6]
    for k = #out + 1, at - 1 do
      out[k] = items[old]
      old = old + 1
    end
    local before = items[old - 1]
    if drop > 0 or put > 0 then
      edits[#edits + 1] = { first = (before and before.last or 0) + shift + skip + 1, drop = drop,
        put = put }
    end
    shift = shift + put - drop
    if remove == 1 and add == 1 and is_same(items[old], new[taken + 1]) then
      update(items[old], new[taken + 1])
      out[at] = items[old]
    else
      from = from or at
      for k = 1, add do out[at + k - 1] = new[taken + k] end
    end
    taken, old = taken + add, old + remove
  end
  if not from then return edits end
  for k = old, #items do out[#out + 1] = items[k] end
  list.items = out
  renumber(list, from)
  return edits
end

-- The place of the section of [line] among the items.
function M.find(list, line)
  local low, high = 1, #list.items
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local one = list.items[middle]
    if line < one.first then
      high = middle - 1
    elseif line > one.last then
      low = middle + 1
    else
      return middle
    end
  end
end

---@return piecework.Section?
function M.at(list, line)
  return list.items[M.find(list, line) or 0]
end

return M
