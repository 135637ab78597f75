-- The quickfix twin of a review: an entry per hunk and per problem. A list of our own per plan,
-- with its own title; other lists are never touched. Decisions tick entries in place, at most
-- twice a second.

local host = require('piecework.host')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')
local slices = require('piecework.slices')

local M = {}

local THROTTLE_MS = 500

---@type table<string, integer>  what the list is for -> quickfix list id
local lists = {}

-- What the list filled last has of each file, in its order: absolute path -> {lines, hunk}
local places, places_id = {}, nil

local function exists(id)
  return id and host.fn('getqflist', { id = id, title = 1 }).id == id
end

-- Fills the list of [name], made anew at the end of the stack when it is gone.
local function put(name, title, items, context)
  local id = lists[name]
  if exists(id) then
    local at = host.fn('getqflist', { id = id, idx = 0 }).idx
    host.fn('setqflist', {}, 'r', { id = id, title = title, items = items, idx = at })
    return id
  end
  -- The user's place in the stack: with a list of theirs in the middle, newer ones must survive
  -- too.
  host.fn('setqflist', {}, ' ', { nr = '$', title = title, items = items, context = context })
  lists[name] = host.fn('getqflist', { nr = '$', id = 0 }).id
  return lists[name]
end

-- [text] of one of [n] entries, so that `:cnext` shows it without asking for Enter. All of it is
-- in the review and in the status.
local function fitting(text, n, width)
  local room = width - #(('(%d of %d) warning: '):format(n, n)) - 1
  if #text <= room and not text:find('%c') then return text end
  return message.cut(text, math.max(room, 20))
end

-- Named by its buffer: a name is looked up by the editor for each entry again, which costs more
-- than all the rest. [bufs] remembers.
local function to_item(item, bufs, n, width)
  local out = { lnum = item.line or 1, end_lnum = item.end_line or 0, type = item.type or '',
    text = fitting(item.text or '', n, width), valid = 1 }
  local path = item.path
  if path and path ~= '' then
    bufs[path] = bufs[path] or scope.buffer(path)
    out.bufnr = bufs[path]
  else
    out.valid = 0
  end
  return out
end

-- The lines of a failed test that 'errorformat' finds a place in; its paths are the project's.
local function of_test(result, n, width)
  local lines = { 'PIECEWORK-ROOT ' .. (result.root or '') }
  for _, line in ipairs(result.test and result.test.lines or {}) do lines[#lines + 1] = line end
  if #lines == 1 then return {} end
  local format = '%DPIECEWORK-ROOT %f,' .. host.fn('eval', '&errorformat')
  local out = {}
  for _, item in ipairs(host.fn('getqflist', { lines = lines, efm = format }).items or {}) do
    if item.valid == 1 and item.bufnr > 0 and item.lnum > 0 then
      out[#out + 1] = { bufnr = item.bufnr, lnum = item.lnum, col = item.col, type = 'E', valid = 1,
        text = fitting('[!] test: ' .. item.text:gsub('^%s+', ''), n, width) }
    end
  end
  return out
end

local function remember(by_path, item)
  if not item.path then return end
  local list = by_path[item.path] or {}
  by_path[item.path] = list
  list[#list + 1] = { lines = math.max((item.end_line or item.line) - item.line, 0),
    hunk = (item.hunk or '') ~= '' }
end

local NOW = 'join(map(filter(getqflist({"id": %d, "items": 1}).items, "v:val.bufnr == %d"),'
  .. ' "v:val.lnum"))'

-- The hunks of the list that are in [buf], where they are now: the editor moves the lines of its
-- entries with the text.
---@return {first: integer, last: integer}[]
function M.hunks_in(buf, path)
  local list, out, i = places[path], {}, 0
  if not list or not exists(places_id) then return out end
  for line in host.fn('eval', NOW:format(places_id, buf)):gmatch('%d+') do
    i = i + 1
    local first, place = tonumber(line), list[i]
    if place and place.hunk and first > 0 then
      out[#out + 1] = { first = first, last = first + place.lines }
    end
  end
  return out
end

local sizes = {}    -- of reviews' lists
local filling = {}  -- plan -> {turn, done[]}: an answer that comes meanwhile takes over

-- Thousands of entries are made in slices, and put into the list at once: it is never half full.
local function take(plan, result, done)
  local work = filling[plan] or { turn = 0, done = {} }
  filling[plan] = work
  work.turn = work.turn + 1
  work.done[#work.done + 1] = done
  local mine, given = work.turn, result.items or {}
  local items, by_path, bufs, width = host.list(), {}, {}, host.fn('eval', '&columns')
  slices.run(#given, 16, function(i)
    items.add(to_item(given[i], bufs, #given, width))
    remember(by_path, given[i])
  end, function()
    filling[plan] = nil
    local lines = of_test(result, #given, width)
    for _, line in ipairs(lines) do items.add(line) end
    places = by_path
    items.use(function(list)
      places_id = put('review ' .. plan, result.title or ('Piecework #' .. plan), list,
        { piecework = plan })
    end)
    sizes[plan] = #given + #lines
    for _, told in ipairs(work.done) do told(sizes[plan]) end
  end, function() return work.turn ~= mine end)
end

-- Fills the list of a plan's review. [done] when it stands.
---@param plan integer
---@param done? fun(count: integer)
function M.fill(plan, done)
  engine.request('review/quickfix', { plan = plan }, function(err, result)
    if not err then return take(plan, result, done or function() end) end
    if done then message.error(err) end
  end)
end

-- One entry cannot be ticked, only the whole list replaced: thousands cost a tenth of a second.
local LARGE = 1000

local touched = {}  -- plan -> when last, while its list waits for being ticked

local function tick_soon(plan)
  host.defer(THROTTLE_MS, function()
    host.safe(function()
      -- A large list waits until the user pauses.
      local pauses = host.clock() - touched[plan] >= THROTTLE_MS - 1
      if not pauses and (sizes[plan] or 0) > LARGE then return tick_soon(plan) end
      touched[plan] = nil
      M.fill(plan)
    end)
  end)
end

-- Decisions changed: the entries of that plan's list, if there is one, are ticked soon.
function M.touch(plan)
  local waits = touched[plan]
  if waits or exists(lists['review ' .. plan]) then touched[plan] = host.clock() end
  if not waits and touched[plan] then tick_soon(plan) end
end

-- Problems of a plan's text. An empty list empties ours, and makes none.
---@param problems {line: integer, warning: boolean, text: string}[]
function M.problems(plan, buf, problems)
  local name = 'plan ' .. plan
  if #problems == 0 and not exists(lists[name]) then return end
  local items = {}
  for i, problem in ipairs(problems) do
    items[i] = { bufnr = buf, lnum = problem.line or 1, text = problem.text,
      type = problem.warning and 'W' or 'E', valid = 1 }
  end
  put(name, ('Piecework #%d: problems of the plan'):format(plan), items, { piecework = plan })
end

-- A plain list, e.g. of what could not be applied.
function M.notes(plan, title, items)
  local out, bufs, width = {}, {}, host.fn('eval', '&columns')
  for i, item in ipairs(items) do out[i] = to_item(item, bufs, #items, width) end
  put('notes ' .. plan, title, out, { piecework = plan })
end

return M
