-- What can stand at the cursor in a plan file: field names, task ids, executors, models, templates,
-- paths. The engine says which fields there are and what each takes.

local host = require('piecework.host')

local M = {}

---@class piecework.PlanWords
---@field root string  of the project; paths of a plan are relative to it
---@field fields { name: string, takes: string }[]  takes: paths, tasks, text, or a list below
---@field executors string[]
---@field models string[]
---@field templates string[]  with their @
---@field flags string[]

-- Where the word before the cursor starts, as 'omnifunc' counts: bytes before it.
function M.start(before)
  return #before - #before:match('[^%s,;]*$')
end

local function fields(words)
  local out = {}
  for _, field in ipairs(words.fields or {}) do out[#out + 1] = field.name .. ': ' end
  return out
end

local function tasks(lines)
  local out = {}
  for _, line in ipairs(lines) do
    local id = line:match('^## +([%w.]+)')
    if id then out[#out + 1] = id end
  end
  return out
end

local function paths(words, base)
  local root, out = words.root .. '/', {}
  for _, path in ipairs(host.fn('getcompletion', root .. base, 'file')) do
    if path:sub(1, #root) == root then out[#out + 1] = path:sub(#root + 1) end
  end
  return out
end

local function taken_by(words, name)
  for _, field in ipairs(words.fields or {}) do
    if field.name == name then return field.takes end
  end
end

-- [before]: the line up to where [base] starts.
---@return string[]
function M.items(words, lines, before, base)
  local all
  local takes = taken_by(words, before:match('^(%l[%l_]*):'))
  if before == '' then all = fields(words)
  elseif takes == 'tasks' then all = tasks(lines)
  elseif takes == 'paths' or base:find('/', 1, true) then all = paths(words, base)
  else all = words[takes or ''] or {}
  end
  local out = {}
  for _, item in ipairs(all) do
    if item:sub(1, #base) == base then out[#out + 1] = item end
  end
  return out
end

return M
