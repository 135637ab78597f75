-- What the lines of a review stand for: pure functions over its sections (sections.lua). [text] is
-- a function from a line's number to its text.

local sections = require('piecework.ui.sections')

local M = {}

function M.hunk_at(list, line)
  local one = sections.at(list, line)
  return one and one.kind == 'hunk' and one or nil
end

-- The file that [line] belongs to, by its head; nil above the first.
function M.file_at(list, line)
  local one = sections.at(list, line)
  return one and list.files[one.files]
end

-- The sections that have lines in [first, last].
local function within(list, first, last)
  local i = sections.find(list, first) or (first < 1 and 1 or #list.items + 1)
  return function()
    local one = list.items[i]
    i = i + 1
    if one and one.first <= last then return one end
  end
end

local function name_of(one, first, last)
  if one.kind == 'hunk' then return one.id end
  -- A file's head stands for the whole file; the notes below it for nothing.
  if one.kind == 'file' and first < one.first + one.head and last >= one.first then
    return 'file:' .. one.path
  end
end

-- What `review/decide` takes for these lines.
function M.named(list, first, last)
  local what = {}
  for one in within(list, first, last) do
    what[#what + 1] = name_of(one, first, last)
  end
  return what
end

local function is_change(line)
  local sign = line:sub(1, 1)
  return sign == '-' or sign == '+'
end

-- Is there in the file as proposed: neither a line that goes nor a note.
local function is_there(line)
  local sign = line:sub(1, 1)
  return sign ~= '-' and sign ~= '#'
end

-- Which of a hunk's changed lines lie in [first, last], counted from 1, and how many it has.
local function changed_within(hunk, text, first, last)
  local from, to, count = nil, nil, 0
  for i = hunk.first + hunk.head, hunk.last do
    if is_change(text(i)) then
      count = count + 1
      if i >= first and i <= last then from, to = from or count, count end
    end
  end
  return from, to, count
end

-- The name of what is selected of a hunk: of one that is not selected as a whole only the lines in
-- the selection; its head stands for all of it, its context for nothing. Then: is it a part, and
-- does it change something.
local function part_of(hunk, text, first, last)
  local headed = hunk.first >= first and hunk.first <= last
  if headed and hunk.last <= last then return hunk.id, false, hunk.lines > hunk.head end
  local from, to, count = changed_within(hunk, text, first, last)
  if from and to - from + 1 < count then
    return ('%s:%d-%d'):format(hunk.id, from, to), true, true
  end
  if from or headed then return hunk.id, false, from ~= nil end
end

-- The same for lines that were selected one by one. The second result: parts are among them.
function M.named_lines(list, text, first, last)
  local what, parts, gone_over = {}, false, {}
  for one in within(list, first, last) do
    local name = name_of(one, first, last)
    if one.kind == 'hunk' then
      local part, changes
      name, part, changes = part_of(one, text, first, last)
      parts = parts or part or false
      if changes then gone_over['file:' .. one.path] = true end
    end
    what[#what + 1] = name
  end
  -- A selection that goes on behind the head of a file means what it goes over.
  local kept = {}
  for _, name in ipairs(what) do
    if not gone_over[name] then kept[#kept + 1] = name end
  end
  return kept, parts
end

-- Where the next hunk or file begins, from [at] on.
---@param kind 'hunks'|'files'
function M.next_of_kind(list, kind, at, step)
  local one = sections.at(list, at)
  if not one then return nil end
  local n = one[kind]
  if step > 0 then n = n + 1 end
  local target = list[kind][n]
  if step < 0 and target and target.first >= at then target = list[kind][n - 1] end
  return target and target.first
end

-- The lines that belong on the screen with [line]: its hunk, or its file's first one; above that
-- its file's head, above the first file all there is.
function M.seen_with(list, line)
  local one = sections.at(list, line)
  if one and one.kind == 'file' then one = list.hunks[one.hunks + 1] end
  if not one then return end
  local file, first = list.files[one.files], one.first
  if file and first == file.first + file.lines then
    first = one.files == 1 and 1 or file.first
  end
  return first, one.last
end

-- Waits for a decision.
function M.is_open(hunk)
  return hunk.decision == 'none' or hunk.decision == 'stale'
end

-- A function: whether a hunk as a whole is among [what].
function M.meant_by(list, what)
  local named = {}
  for _, name in ipairs(what) do named[name] = true end
  for _, file in ipairs(list.files) do
    if named['file:' .. file.path] then named[file] = true end
  end
  return function(hunk) return named[hunk.id] or named[list.files[hunk.files]] end
end

-- Whether [what] names hunks, or parts of them, and all that it names is accepted.
function M.all_accepted(list, what)
  local whole = {}
  for i, name in ipairs(what) do
    whole[i] = not name:find('^file:') and name:match('^(.+):%d+%-%d+$') or name
  end
  local is_meant, any = M.meant_by(list, whole), false
  for _, hunk in ipairs(list.hunks) do
    if is_meant(hunk) then
      if hunk.decision ~= 'accepted' then return false end
      any = true
    end
  end
  return any
end

-- The next hunk that waits for a decision, after line [at]; round the end when going forward.
function M.next_undecided(list, at, step)
  local hunks = list.hunks
  local one = sections.at(list, at)
  local from = one and one.hunks or (at > 0 and #hunks or 0)
  if step == -1 then
    for i = from, 1, -1 do
      if hunks[i].first < at and M.is_open(hunks[i]) then return hunks[i].first end
    end
    return nil
  end
  for i = from + 1, #hunks do
    if M.is_open(hunks[i]) then return hunks[i].first end
  end
  for i = 1, from do
    if M.is_open(hunks[i]) then return hunks[i].first end
  end
end

-- The same for [count] hunks from [line] on, or files on a file's line; and the head of the last.
function M.counted(list, line, count)
  local what, at = M.named(list, line, line), line
  local kind = what[1] and what[1]:find('^file:') and 'files' or 'hunks'
  for _ = 2, #what > 0 and count or 0 do
    local next_at = M.next_of_kind(list, kind, at, 1)
    if not next_at then break end
    at = next_at
    what[#what + 1] = M.named(list, at, at)[1]
  end
  return what, at
end

-- The line of the proposal that a line of the text stands for.
function M.proposed(list, text, line)
  local one = sections.at(list, line)
  if not one or one.kind ~= 'hunk' then return 1 end
  local at = tonumber(text(one.first):match('^@@ %-[%d,]+ %+(%d+)')) or 1
  local on_head = line < one.first + one.head
  for i = one.first + one.head, on_head and one.last or line - 1 do
    if on_head and is_change(text(i)) then break end
    if is_there(text(i)) then at = at + 1 end
  end
  return at
end

-- The line of the file that a line of the text stands for.
function M.target(list, text, line)
  local one = sections.at(list, line)
  if not one or one.kind ~= 'hunk' then return one and one.line or 0 end
  if line < one.first + one.head then return one.line end
  -- The head names where the change begins; its context stands above that.
  local before, found = 0, false
  for i = one.first + one.head, one.last do
    if is_change(text(i)) then
      found = true
      break
    end
    if is_there(text(i)) then before = before + 1 end
  end
  local at = one.line - (found and before or 0)
  for i = one.first + one.head, line - 1 do
    if is_there(text(i)) then at = at + 1 end
  end
  return at
end

---@class piecework.Fold
---@field key string      what is folded, as long as it is there
---@field first integer
---@field last integer

-- What is folded away: lines that went elsewhere as they are, below the note that says so; files
-- that are decided as a whole, else single decided hunks. Nothing more, so that a large review
-- costs folds only for what is done; and a hunk is its own fold. What is inside comes first: a
-- closed fold does not take a new one.
---@return piecework.Fold[]
function M.folds(list)
  local folds, hunks, at = {}, list.hunks, 1
  for _, hunk in ipairs(hunks) do
    for _, move in ipairs(hunk.moves or {}) do
      local first = hunk.first + move.at
      folds[#folds + 1] = { key = hunk.id .. ':' .. move.at, first = first,
        last = first + move.lines }
    end
  end
  for _, file in ipairs(list.files) do
    local from, all = at, true
    while hunks[at] and hunks[at].first <= file.ends do
      all = all and not M.is_open(hunks[at])
      at = at + 1
    end
    if all and at > from then
      folds[#folds + 1] = { key = 'file:' .. file.path, first = file.first, last = file.ends }
    end
    for i = from, all and 0 or at - 1 do
      if not M.is_open(hunks[i]) then folds[#folds + 1] = hunks[i] end
    end
  end
  return folds
end

local ORDER = { 'accepted', 'rejected', 'applied', 'stale', 'none' }

-- What is in a fold, in words: '3 hunks  2 accepted, 1 open'; a fold of one file begins with its
-- name, one of a single hunk with its head, one within a hunk is its first line.
---@param count fun(n: integer, what: string): string
function M.fold_text(list, text, first, last, count)
  local inside = sections.at(list, first)
  if inside and inside.kind == 'hunk' and first > inside.first and last <= inside.last then
    return (text(first):gsub('^# ', ''))
  end
  local counts, hunks, files, head = {}, 0, 0, nil
  for one in within(list, first, last) do
    if one.kind == 'hunk' then
      hunks = hunks + 1
      head = head or one
      counts[one.decision] = (counts[one.decision] or 0) + 1
    elseif one.kind == 'file' then
      files = files + 1
    end
  end
  if not head then return text(first) end
  local parts = {}
  for _, decision in ipairs(ORDER) do
    local word = decision == 'none' and 'open' or decision
    if counts[decision] then parts[#parts + 1] = counts[decision] .. ' ' .. word end
  end
  local what
  if files == 0 and hunks == 1 then
    local word = head.decision == 'none' and 'open' or head.decision
    -- The decision is said again, near; where it stands by now stays.
    local bare = text(head.first):gsub('%s+%[(moved to line %d+)%]', '  %1')
    bare = bare:gsub('%s+%[(there already)%]', '  %1')
    return bare:gsub('%s+%[[^]]*%]$', '') .. '  ' .. word
  elseif files == 0 then
    what = ''
  elseif files == 1 then
    what = M.file_at(list, head.first).path .. '  '
  else
    what = count(files, 'file') .. '  '
  end
  return what .. count(hunks, 'hunk') .. '  ' .. table.concat(parts, ', ')
end

-- Of longer lists so many items are shown: the words below them matter more.
local ITEMS = 3

local function shorten(list)
  local out, items = {}, 0
  for i, line in ipairs(list) do
    items = line:find('^%s+%- ') and items + 1 or 0
    if items <= ITEMS then out[#out + 1] = line end
    if items > ITEMS and not (list[i + 1] or ''):find('^%s+%- ') then
      out[#out + 1] = ('  ... and %d more'):format(items - ITEMS)
    end
  end
  return out
end

-- The part of a plan's text that says what was asked for [task]. 'T01.3' is a target of 'T01'.
---@param text string[]
function M.section(text, task)
  local out, inside = {}, false
  local id = task:match('^[^.]+')
  for _, line in ipairs(text) do
    local heading = line:match('^## (%S+)')
    if heading then inside = heading == id or heading == task end
    if inside then out[#out + 1] = line end
  end
  while out[#out] == '' do out[#out] = nil end
  return shorten(out)
end

-- The lines `=` folds at a line without a fold: its hunk, or its file on a file's line.
function M.range_at(list, line)
  local one = sections.at(list, line)
  if one and one.kind == 'hunk' then return one end
  local file = one and list.files[one.files]
  return file and { first = file.first, last = file.ends }
end

return M
