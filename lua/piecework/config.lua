-- The configuration: one dictionary, g:piecework, in both editors. One schema says what it may
-- hold; validation, health and the help file (native/tools/doc.sh) read it.

local host = require('piecework.host')

local M = {}

---@class piecework.Option
---@field key string
---@field type 'string'|'boolean'|'number'|'list'|'dict'|'money'
---@field default? any
---@field engine? boolean  handed to the engine, where config.json may set it too
---@field help string

---@type piecework.Option[]
M.schema = {
  { key = 'bin', type = 'string',
    help = 'Path of the engine. Without it `build/piecework` of the plugin is taken, then'
      .. ' `piecework` in $PATH.' },
  { key = 'build', type = 'list', default = { 'make' },
    help = 'The command `:Piecework build` runs in the plugin\'s directory.' },
  { key = 'auto_next', type = 'boolean', default = true,
    help = 'In the review go on to the next undecided hunk after a decision.' },
  { key = 'folds', type = 'boolean', default = true,
    help = 'Fold decided hunks and files in the review, and lines that moved.' },
  { key = 'notes', type = 'boolean', default = true,
    help = 'Show estimate and problems as virtual text in the plan.' },
  { key = 'quickfix', type = 'boolean', default = true,
    help = 'Fill the quickfix list when a review is ready (no window is opened).' },
  { key = 'messages', type = 'boolean', default = true,
    help = 'One line when a plan or a review is ready, or a run ended. Errors are always told.' },
  { key = 'models', type = 'dict', engine = true,
    help = 'Role aliases: `big` plans and verifies, `small` works. Each is "provider/model" or'
      .. ' a ladder of them, cheapest first.' },
  { key = 'providers', type = 'dict', engine = true,
    help = 'Endpoints and where their keys come from. See |piecework-config|.' },
  { key = 'prices', type = 'dict', engine = true,
    help = 'Prices in USD per million tokens, where the built-in table is wrong or has none.' },
  { key = 'budget', type = 'money', engine = true,
    help = 'Hard cap of a plan in USD, or "none".' },
  { key = 'day_budget', type = 'money', engine = true,
    help = 'Hard cap of a day over all plans in USD, or "none".' },
  { key = 'ask_above', type = 'money', engine = true,
    help = 'Planning or a run estimated dearer than this asks before it starts; "none" never.' },
  { key = 'parallel', type = 'number', engine = true, help = 'Tasks in flight at most.' },
  { key = 'each_max', type = 'number', engine = true,
    help = 'Places that an `each:` selector of a plan may find.' },
  { key = 'retries', type = 'number', engine = true,
    help = 'Repeats of a failed task on each rung of its ladder.' },
  { key = 'verify_rounds', type = 'number', engine = true,
    help = 'Correction rounds after verification.' },
  { key = 'advice', type = 'boolean', engine = true,
    help = 'Say before planning when something else fits better.' },
  { key = 'pilot', type = 'string', engine = true,
    help = '"always" runs one task alone first, "ask" pauses after it, "never" all at once.' },
  { key = 'test', type = 'string', engine = true,
    help = 'Test command of plans, in place of the one found in the project.' },
  { key = 'test_timeout', type = 'number', engine = true, help = 'Seconds a test may take.' },
  { key = 'worktree_link', type = 'list', engine = true,
    help = 'Ignored folders that tests need, linked into the scratch copy: ["node_modules"].' },
  { key = 'commit_trailer', type = 'boolean', engine = true,
    help = 'End the proposed commit message with the plan and what it cost.' },
  { key = 'replay', type = 'string', engine = true,
    help = 'Answer from this recorded file instead of a provider.' },
  { key = 'record', type = 'string', engine = true,
    help = 'Append every exchange to this file, secrets removed.' },
}

local by_key = {}
for _, option in ipairs(M.schema) do
  by_key[option.key] = option
end

local function is_bool(value)
  return type(value) == 'boolean' or value == 0 or value == 1
end

local fits = {
  string = function(v) return type(v) == 'string' end,
  boolean = is_bool,
  number = function(v) return type(v) == 'number' end,
  money = function(v) return type(v) == 'number' or type(v) == 'string' end,
  list = function(v) return type(v) == 'table' end,
  dict = function(v) return type(v) == 'table' end,
}

-- g:piecework as it is.
function M.user()
  local ok, value = pcall(host.fn, 'eval', 'get(g:, "piecework", {})')
  return ok and type(value) == 'table' and value or {}
end

-- One option of the editor layer; a value of the wrong type counts as unset (health tells).
function M.get(key)
  local option = by_key[key]
  local value = M.user()[key]
  if value == nil or not fits[option.type](value) then return option.default end
  if option.type == 'boolean' then return value == true or value == 1 end
  return value
end

-- What the engine gets with `initialize`: everything but the editor's own options. A key this
-- schema does not know goes too: the engine may be newer, and it says what is wrong.
function M.for_engine()
  local out = {}
  for key, value in pairs(M.user()) do
    local option = by_key[key]
    if not option or option.engine then out[key] = value end
  end
  return out
end

-- Steps that turn [a] into [b], for "did you mean".
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

-- The one of [names] that [word] most likely meant, or nil.
function M.nearest(word, names)
  local best, least = nil, math.max(2, math.floor(#word / 3)) + 1
  for _, name in ipairs(names) do
    local d = distance(word, name)
    if d < least then best, least = name, d end
  end
  return best
end

-- Problems of g:piecework, one line each.
function M.problems()
  local names, problems = {}, {}
  for i, option in ipairs(M.schema) do names[i] = option.key end
  for key, value in pairs(M.user()) do
    local option = by_key[key]
    if not option then
      local near = M.nearest(key, names)
      problems[#problems + 1] = 'g:piecework.' .. key .. ' is unknown'
        .. (near and '; did you mean `' .. near .. '`?' or '')
    elseif not fits[option.type](value) then
      problems[#problems + 1] = 'g:piecework.' .. key .. ' must be a ' .. option.type
    end
  end
  table.sort(problems)
  return problems
end

-- setup(): merges [options] into g:piecework; never needed.
function M.merge(options)
  local user = M.user()
  for key, value in pairs(options or {}) do user[key] = value end
  local text = require('piecework.json').encode(require('piecework.json').map(user))
  host.cmd('let g:piecework = json_decode(' .. host.fn('string', text) .. ')')
end

local function wrapped(text, indent, width)
  local lines, line = {}, indent
  for word in text:gmatch('%S+') do
    if #line > #indent and #line + 1 + #word > width then
      lines[#lines + 1] = line
      line = indent
    end
    line = line .. (#line > #indent and ' ' or '') .. word
  end
  lines[#lines + 1] = line
  return lines
end

local function described(option)
  local default = option.default
  if type(default) == 'table' then default = '["' .. table.concat(default, '", "') .. '"]' end
  return option.key .. ' (' .. option.type .. (option.engine and ', engine' or '')
    .. (default ~= nil and ', default ' .. tostring(default) or '') .. ')'
end

-- The option section of the help file.
function M.help()
  local lines = {}
  for _, option in ipairs(M.schema) do
    local tag = '*g:piecework.' .. option.key .. '*'
    lines[#lines + 1] = (' '):rep(math.max(1, 78 - #tag)) .. tag
    lines[#lines + 1] = described(option)
    for _, line in ipairs(wrapped(option.help, (' '):rep(16), 78)) do lines[#lines + 1] = line end
  end
  return lines
end

return M
