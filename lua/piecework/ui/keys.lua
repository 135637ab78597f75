-- Buffer-local keys of piecework:// buffers. Each key is a <Plug> map that users may map
-- otherwise; the default keys are left out with g:no_plugin_maps or g:no_piecework_maps.

local host = require('piecework.host')
local message = require('piecework.message')

local M = {}

---@class piecework.Key
---@field lhs string
---@field name string   of the <Plug> map: <Plug>(piecework-NAME)
---@field help string
---@field run fun(view: piecework.View, first: integer, last: integer, visual: boolean)
---@field visual? boolean  also in visual mode, over all its lines

-- <Plug> name -> function; names are the same in every page that has the key.
local handlers = {}

local function map(mode, lhs, rhs, more)
  host.cmd(('%s <buffer> <silent> %s %s %s'):format(mode, more or '', lhs, rhs))
end

local function wants_defaults()
  return host.fn('eval', 'get(g:, "no_plugin_maps", 0) || get(g:, "no_piecework_maps", 0)') == 0
end

---@param list piecework.Key[]
local function install(list)
  local defaults = wants_defaults()
  local buf = host.fn('bufnr', '%')
  handlers[buf] = {}
  for _, key in ipairs(list) do
    handlers[buf][key.name] = key
    local plug = '<Plug>(piecework-' .. key.name .. ')'
    for _, mode in ipairs(key.visual and { 'n', 'x' } or { 'n' }) do
      map(mode .. 'noremap', plug,
        ('<Cmd>lua require("piecework.ui.keys").press("%s", "%s")<CR>'):format(key.name, mode))
      if defaults then map(mode .. 'map', key.lhs, plug, '<nowait>') end
    end
  end
end

-- Maps are read as the flags of 'cpoptions' say: with `<` in it <Plug> is six letters.
---@param list piecework.Key[]
function M.install(list)
  local flags = host.fn('eval', '&cpoptions')
  host.cmd('set cpoptions&vim')
  install(list)
  host.cmd('let &cpoptions = ' .. host.fn('string', flags))
end

-- A selection takes closed folds as a whole, as Vim's own commands do.
local function with_folds(first, last)
  local from, to = host.fn('foldclosed', first), host.fn('foldclosedend', last)
  return from > 0 and from or first, to > 0 and to or last
end

-- A key was pressed in the current buffer. In visual mode over all lines of the selection.
function M.press(name, mode)
  local buf, first = host.here()
  local last = first
  local key = handlers[buf] and handlers[buf][name]
  local view = require('piecework.buffers').view(buf)
  if not key or not view then return end
  message.fresh()
  if mode == 'x' then
    first = host.fn('line', 'v')
    if first > last then first, last = last, first end
    first, last = with_folds(first, last)
    -- Ends visual mode: what follows moves the cursor.
    host.cmd('execute "normal! \\<Esc>"')
  end
  key.run(view, first, last, mode == 'x')
end

-- What `g?` shows: one column, or two where one would not fit a screen of 24 lines and two fit
-- [width] cells.
local TALLEST = 15

local function rows_of(list, rows)
  local cells, width = {}, 0
  for i, key in ipairs(list) do
    cells[i] = ('%-5s %s'):format(key.lhs, key.help)
    if i <= rows then width = math.max(width, #cells[i]) end
  end
  local lines, widest = {}, 0
  for row = 1, rows do
    local right = cells[row + rows]
    lines[row] = right and (cells[row] .. (' '):rep(width + 2 - #cells[row]) .. right) or cells[row]
    widest = math.max(widest, #lines[row])
  end
  return lines, widest
end

function M.help_lines(list, width)
  local lines, widest = rows_of(list, #list > TALLEST and math.ceil(#list / 2) or #list)
  return widest <= width and lines or (rows_of(list, #list))
end

function M.help(list)
  host.popup(M.help_lines(list, host.fn('eval', '&columns') - 4), 'keys')
end

-- [list], and behind it the key that shows it: every page has that.
---@param list piecework.Key[]
function M.with_help(list)
  list[#list + 1] = { lhs = 'g?', name = 'help', help = 'this list',
    run = function() M.help(list) end }
  return list
end

return M
