-- What a closed fold says of what is in it: hunks of a review by their decisions, a task of a plan
-- by its files. Asked at every redraw, for each fold on the screen: it looks at sections, not at
-- lines.

local host = require('piecework.host')
local message = require('piecework.message')

local M = {}

-- 'foldtext' of a page. Set before 'filetype', so that an ftplugin of the user's may set another.
M.option = [[luaeval('require("piecework")._foldtext(_A[1], _A[2], _A[3])',]]
  .. ' [v:foldstart, v:foldend, v:folddashes])'

local function line(n)
  return host.fn('getline', n)
end

-- Items of a plan's field: those on its line, or those of the list below it. [i]: its line.
local function items(lines, i, value)
  local n = 0
  for word in value:gmatch('[^,]+') do
    if word:find('%S') then n = n + 1 end
  end
  if n > 0 then return n end
  while (lines[i + n + 1] or ''):find('^%s*%- ') do n = n + 1 end
  return n
end

-- A task of a plan: '## T01 a.c: rename' and what follows, as 'T01 a.c: rename  2 files'.
---@param lines string[]
function M.task(lines)
  local found, executor, selector = { files = 0, each = 0 }, nil, nil
  for i = 2, #lines do
    local name, value = lines[i]:match('^(%l[%l_]*):%s*(.-)%s*$')
    if not name then
      -- The fields end at the body.
      if not lines[i]:find('^%s*%- ') then break end
    elseif name == 'executor' then
      executor = value
    elseif name == 'each' and value:find(' in ', 1, true) then
      selector = 'each ' .. value
    elseif found[name] then
      found[name] = found[name] + items(lines, i, value)
    end
  end
  local parts = { (lines[1]:gsub('^##%s*', '')) }
  if found.files > 0 then parts[#parts + 1] = message.count(found.files, 'file') end
  if found.each > 0 then parts[#parts + 1] = message.count(found.each, 'target') end
  parts[#parts + 1] = selector
  if executor ~= 'model' then parts[#parts + 1] = executor end
  return table.concat(parts, '  ')
end

-- Of the fold over these lines of the current buffer.
function M.text(first, last)
  local view = require('piecework.buffers').view((host.here()))
  if view and view.sections then
    return require('piecework.ui.review_lines').fold_text(view.sections, line, first, last,
      message.count)
  end
  if line(first):find('^## ') then return M.task(host.fn('getline', first, last)) end
  return line(first)
end

return M
