-- What the lines of a review stand for: pure functions over its index and text.

local M = {}

---@class piecework.HunkLines
---@field id string
---@field first integer     its @@ line
---@field last integer
---@field path string
---@field decision 'none'|'accepted'|'rejected'|'applied'|'stale'

local marks = { 'accepted', 'rejected', 'applied' }

local function decision_of(text)
  for _, mark in ipairs(marks) do
    if text:find('[' .. mark .. ']', 1, true) then return mark end
  end
  return text:find('%[stale') and 'stale' or 'none'
end

-- The hunks in the order of the text.
---@param index piecework.Line[]
---@param text string[]
---@return piecework.HunkLines[]
function M.hunks(index, text)
  local out, current = {}, nil
  for i = 1, #index do
    local entry = index[i]
    if entry.hunk and entry.hunk ~= '' then
      if not current or current.id ~= entry.hunk then
        current = { id = entry.hunk, first = i, path = entry.path, decision = 'none' }
        out[#out + 1] = current
      end
      current.last = i
      if entry.kind == 'hunk' and current.decision == 'none' then
        current.decision = decision_of(text[i] or '')
      end
    else
      current = nil
    end
  end
  return out
end

function M.hunk_at(index, hunks, line)
  local id = index[line] and index[line].hunk
  for _, hunk in ipairs(hunks) do
    if hunk.id == id then return hunk end
  end
end

-- What `review/decide` takes for these lines: a file's head line stands for the whole file.
function M.named(index, first, last)
  local what, seen = {}, {}
  for i = first, last do
    local entry = index[i] or {}
    local name
    if entry.hunk and entry.hunk ~= '' then
      name = entry.hunk
    elseif entry.kind == 'file' and entry.path then
      name = 'file:' .. entry.path
    end
    if name and not seen[name] then
      seen[name] = true
      what[#what + 1] = name
    end
  end
  return what
end

local function is_change(entry)
  return entry.kind == 'del' or entry.kind == 'add'
end

-- Which of a hunk's changed lines lie in [first, last], counted from 1, and how many it has.
local function lines_within(index, hunk, first, last)
  local from, to, count = nil, nil, 0
  for i = hunk.first, hunk.last do
    if is_change(index[i]) then
      count = count + 1
      if i >= first and i <= last then from, to = from or count, count end
    end
  end
  return from, to, count
end

-- The same for lines that were selected one by one: of a hunk that is not selected as a whole only
-- the lines in the selection; its head stands for all of it, its context for nothing. The second
-- result says whether there is such a part.
function M.named_lines(index, hunks, first, last)
  local what, parts = M.named(index, first, last), false
  for k, name in ipairs(what) do
    for _, hunk in ipairs(hunks) do
      if hunk.id == name then
        local from, to, count = lines_within(index, hunk, first, last)
        if from and to - from + 1 < count then
          what[k] = ('%s:%d-%d'):format(name, from, to)
          parts = true
        elseif not from and (hunk.first < first or hunk.first > last) then
          what[k] = false  -- nothing of it but context
        end
        break
      end
    end
  end
  -- A selection that goes on behind the head of a file means what it goes over.
  local gone_over = {}
  for i = first, last do
    if index[i] and is_change(index[i]) then gone_over['file:' .. (index[i].path or '')] = true end
  end
  local kept = {}
  for _, name in ipairs(what) do
    if name and not gone_over[name] then kept[#kept + 1] = name end
  end
  return kept, parts
end

-- The next line of that kind that begins something, from [at] on; a head of two lines counts once.
function M.next_of_kind(index, kind, at, step)
  local i = at + step
  while index[i] do
    local entry, before = index[i], index[i - 1]
    local continues = before and before.kind == kind and before.hunk == entry.hunk
      and before.path == entry.path
    if entry.kind == kind and not continues then return i end
    i = i + step
  end
end

-- Waits for a decision.
function M.is_open(hunk)
  return hunk.decision == 'none' or hunk.decision == 'stale'
end

-- The next hunk that waits for a decision, after line [at]; round the end when going forward.
function M.next_undecided(hunks, at, step)
  if step == -1 then
    for i = #hunks, 1, -1 do
      if hunks[i].first < at and M.is_open(hunks[i]) then return hunks[i].first end
    end
    return nil
  end
  for _, hunk in ipairs(hunks) do
    if hunk.first > at and M.is_open(hunk) then return hunk.first end
  end
  for _, hunk in ipairs(hunks) do
    if M.is_open(hunk) then return hunk.first end
  end
end

local function file_ranges(index)
  local files, file = {}, nil
  for i = 1, #index do
    local entry = index[i]
    if entry.kind == 'file' and not (file and file.path == entry.path) then
      file = { first = i, path = entry.path }
      files[#files + 1] = file
    end
    if file then file.last = i end
  end
  return files
end

-- What is folded away: files that are decided as a whole, else single decided hunks. Nothing more,
-- so that a large review costs folds only for what is done.
---@return {first: integer, last: integer}[]
function M.folds(index, hunks)
  local files = file_ranges(index)
  local folds, at = {}, 1
  for _, file in ipairs(files) do
    local own, all = {}, true
    while hunks[at] and hunks[at].first <= file.last do
      all = all and not M.is_open(hunks[at])
      if not M.is_open(hunks[at]) then own[#own + 1] = hunks[at] end
      at = at + 1
    end
    if all and #own > 0 then own = { file } end
    for _, fold in ipairs(own) do folds[#folds + 1] = { first = fold.first, last = fold.last } end
  end
  return folds
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
  return out
end

-- The lines `=` folds at a line without a fold: its hunk, or its file on a file's line.
function M.range_at(index, hunks, line)
  local entry = index[line] or {}
  if entry.hunk then
    local hunk = M.hunk_at(index, hunks, line)
    return hunk and { first = hunk.first, last = hunk.last }
  end
  for _, file in ipairs(file_ranges(index)) do
    if line >= file.first and line <= file.last then return file end
  end
end

return M
