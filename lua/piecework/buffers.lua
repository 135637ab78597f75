-- piecework:// buffers: KIND/PLAN[/REST]. One View per buffer; what a kind shows and which keys
-- it has is said by its page, ui/KIND.lua. BufReadCmd loads, so `:e`, `:b`, sessions and the
-- jumplist work; BufWriteCmd only ever saves text.

local host = require('piecework.host')
local look = require('piecework.ui.look')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')

local M = {}

---@class piecework.View
---@field buf integer
---@field uri string
---@field kind string
---@field plan integer      0 = the project
---@field rest string       what follows the plan in the name
---@field page piecework.Page
---@field index piecework.Line[]  one entry per line
---@field shown boolean     it has been filled once
---@field loads integer     loads so far; an answer to an earlier one is dropped
---@field waiting? boolean   a load is due
---@field failed? boolean    it could not be loaded, and is not saved

---@class piecework.Line
---@field kind string
---@field hunk? string
---@field path? string
---@field task? string
---@field plan? integer
---@field line? integer

---@class piecework.Page
---@field load fun(view: piecework.View, show: fun(text: string|fun(), index?: table): boolean)
---@field write? fun(view: piecework.View)  `:w`
---@field editable? boolean  the user may change the text, once it is there
---@field shown? fun(view: piecework.View, first: boolean)
---@field keys piecework.Key[]
---@field syntax table<string, string>[]
---@field filetype? string  other than piecework-KIND
---@field table? boolean    its lines are columns: they do not wrap
---@field live? boolean     follows the events of its plan
---@field hunks? boolean    follows decisions and texts of its plan
---@field passing? boolean  is only looked at, and makes room for the next of these
---@field options? table<string, any>  of the buffer

---@type table<integer, piecework.View>
local views = {}

local function parse(uri)
  local kind, rest = uri:match('^piecework://(%l+)/?(.*)$')
  if not kind then return nil end
  local plan, more = rest:match('^(%d+)/?(.*)$')
  return kind, tonumber(plan) or 0, plan and more or rest
end

local function page_of(kind)
  local ok, page = pcall(require, 'piecework.ui.' .. kind)
  return ok and type(page) == 'table' and page.load and page or nil
end

function M.uri(kind, plan, rest)
  local uri = 'piecework://' .. kind
  if plan and plan ~= 0 then uri = uri .. '/' .. plan end
  if rest and rest ~= '' then uri = uri .. '/' .. rest end
  return uri
end

-- The view of a buffer, by default the current one.
function M.view(buf)
  return views[buf or host.fn('bufnr', '%')]
end

-- Filling ---------------------------------------------------------------------------------------

local function split(text)
  local lines, n = {}, 0
  for line in (text:sub(-1) == '\n' and text or text .. '\n'):gmatch('([^\n]*)\n') do
    n = n + 1
    lines[n] = line
  end
  return lines
end
M.split = split

local function alive(view)
  return views[view.buf] == view and host.fn('bufloaded', view.buf) == 1
end

local function set(buf, options)
  for name, value in pairs(options) do
    host.fn('setbufvar', buf, '&' .. name, value)
  end
end

-- The user has changed the text since it was loaded or saved.
function M.is_modified(view)
  return host.fn('getbufvar', view.buf, '&modified') == 1
end

-- Loads the text anew, unless the user is changing it. A page shows a text, or a function that
-- changes what is shown; it is told whether that was done.
function M.load(view)
  view.loads = view.loads + 1
  local mine = view.loads
  view.page.load(view, function(text, index)
    if mine ~= view.loads or not alive(view) then return false end
    if view.shown and M.is_modified(view) then return false end
    if type(text) == 'function' then
      text()
    else
      host.fill(view.buf, split(text))
    end
    view.index = index or {}
    local first = not view.shown
    view.shown = true
    if view.page.editable then set(view.buf, { modifiable = view.failed and 0 or 1 }) end
    if view.page.shown then view.page.shown(view, first) end
    return true
  end)
end

local SOON_MS = 100

-- The same a moment later: many decisions in a row are one load.
function M.load_soon(view)
  if view.waiting then return end
  view.waiting = true
  host.defer(SOON_MS, function()
    host.safe(function()
      view.waiting = nil
      if alive(view) then M.load(view) end
    end)
  end)
end

-- BufReadCmd. The buffer is current.
function M.read(buf, uri)
  local kind, plan, rest = parse(uri)
  local page = kind and page_of(kind)
  if not page then
    return message.error(('no such buffer: %s. See :help piecework-buffers'):format(uri))
  end
  local view = views[buf]
  if not view then
    view = { buf = buf, uri = uri, kind = kind, plan = plan, rest = rest, page = page, index = {},
      shown = false, loads = 0 }
    views[buf] = view
  end
  view.shown = false
  set(buf, {
    buftype = page.write and 'acwrite' or 'nofile', bufhidden = 'hide', swapfile = 0, buflisted = 0,
    undolevels = page.editable and -123456 or -1,
  })
  host.fill(buf, { 'piecework: loading ' .. uri })
  set(buf, { modifiable = 0 })
  set(buf, page.options or {})
  -- The user's settings are for texts of theirs. 'filetype' comes after: ftplugins may differ.
  if not page.editable then host.cmd('setlocal foldmethod=manual nospell') end
  if page.table then host.cmd('setlocal nowrap') end
  set(buf, { filetype = page.filetype or 'piecework-' .. kind })
  look.apply(page.syntax)
  keys.install(page.keys)
  if page.hunks then
    host.cmd('augroup piecework_review | augroup END')
    host.cmd('autocmd! piecework_review BufEnter <buffer=' .. buf .. '>'
      .. ' lua require("piecework.buffers").entered(' .. buf .. ')')
  end
  M.load(view)
end

-- A page of hunks is entered: what the user did to the files meanwhile shows in it.
function M.entered(buf)
  local view = views[buf]
  local known = not view or not view.shown or require('piecework.scope').is_known(view.plan)
  if not known then M.changed(view.plan) end
end

-- What stands there is not the text yet: said, and nothing is to be done with it.
function M.is_loading(view)
  if view.shown then return false end
  message.say('this is still loading; once more, please', 'warn')
  return true
end

-- BufWriteCmd.
function M.write(buf)
  local view = views[buf]
  if view and view.failed then
    return message.error('this could not be loaded, and is not saved; :edit tries again')
  end
  if view and M.is_loading(view) then return end
  if view and view.page.write then return view.page.write(view) end
  message.error('this buffer is only for reading')
end

-- BufWipeout.
function M.forget(buf)
  views[buf] = nil
end

-- Opening ---------------------------------------------------------------------------------------

-- Shows [uri]: in its window when it has one here, else in a new one as [mods] say.
function M.open(uri, mods)
  local buf = host.fn('bufnr', '^' .. host.fn('escape', uri, '*?[]{}~\\,') .. '$')
  local win = buf > 0 and host.fn('bufwinid', buf) or -1
  local known = buf > 0 and views[buf]
  if win > 0 and (mods or '') == '' then
    host.fn('win_gotoid', win)
  else
    local here = M.view()
    local page = page_of((parse(uri)))
    local replace = (mods or '') == '' and here and here.page.passing and page and page.passing
    -- Silent: a buffer that is shown again tells its size, which nobody asked for.
    local ok, err = host.cmd((mods or '') .. (replace and ' silent edit ' or ' silent split ')
      .. host.fn('fnameescape', uri))
    if not ok then return message.error(err) end
  end
  if known and M.view() == known then M.load(known) end
end

-- Closes the window of a piecework buffer; the last window shows the buffer before it.
function M.close()
  if not host.cmd('close') then
    if not host.cmd('silent buffer #') then host.cmd('enew') end
  end
end

-- Keeping up ------------------------------------------------------------------------------------

function M.visible(view)
  return #host.fn('win_findbuf', view.buf) > 0
end

-- Events came for these plans: live pages that can be seen are loaded anew.
function M.refresh_live(plans)
  local status = require('piecework.state').status
  for _, view in pairs(views) do
    host.fn('setbufvar', view.buf, 'piecework_status', status(view.plan))
    local concerned = plans[view.plan] or plans[0] or view.plan == 0
    if view.page.live and concerned and view.shown and M.visible(view) then M.load(view) end
  end
end

-- Decisions or texts of a plan changed: what shows its hunks follows, a moment later.
function M.changed(plan)
  for _, view in pairs(views) do
    if view.page.hunks and view.plan == plan and view.shown then M.load_soon(view) end
  end
  local overlay = package.loaded['piecework.ui.overlay']
  if overlay then overlay.changed(plan) end
  require('piecework.quickfix').touch(plan)
end

return M
