-- The hunks of a review drawn in the files themselves: lines that would go are marked, lines that
-- would come stand below them. The text of the buffers is not touched: `:w` writes what was there.
-- `:Piecework accept` and `reject` at such a place decide as ever; then the drawing follows.

local host = require('piecework.host')
local engine = require('piecework.engine')
local message = require('piecework.message')
local scope = require('piecework.scope')

local M = {}

local SOON_MS = 200
-- A hunk may take a third of its window: virtual lines cannot be scrolled through one by one.
local SHARE, LEAST = 3, 4
local ALL_LINES = 1000000000

local shown          -- the plan, nil = nothing is drawn
local paths = {}     -- absolute path -> true: files that it changes
local drawn = {}     -- buffer -> true
local waiting = false

-- What to draw of [hunks] in a window of [height] lines.
---@return piecework.Mark[]
function M.marks(hunks, height)
  local most, marks = math.max(LEAST, math.floor(height / SHARE)), {}
  for _, hunk in ipairs(hunks) do
    if hunk.lines and not hunk.applied and hunk.decision ~= 'rejected' then
      local mark = { first = hunk.first, count = hunk.count, lines = hunk.lines }
      if #hunk.lines > most then
        mark.lines = {}
        mark.note = ('+%d lines: :Piecework review'):format(#hunk.lines)
      end
      marks[#marks + 1] = mark
    end
  end
  return marks
end

local function height_of(buf)
  local least
  for _, win in ipairs(host.fn('win_findbuf', buf)) do
    local height = host.fn('winheight', win)
    if not least or height < least then least = height end
  end
  return least or LEAST
end

-- Tabs in drawn lines would be as wide as a character.
local function widen(hunks, tabstop)
  for _, hunk in ipairs(hunks) do
    for i, line in ipairs(hunk.lines or {}) do
      local at = 0
      hunk.lines[i] = line:gsub('[^\t]*\t', function(piece)
        at = at + #piece - 1
        local spaces = tabstop - at % tabstop
        at = at + spaces
        return piece:sub(1, -2) .. (' '):rep(spaces)
      end)
    end
  end
end

local function draw(buf)
  local plan, tick = shown, host.fn('getbufvar', buf, 'changedtick')
  engine.request('review/at', { plan = plan, path = scope.path(buf), first = 1, last = ALL_LINES,
    text = scope.text(buf), lines = true }, function(err, result)
    if err or shown ~= plan or host.fn('bufloaded', buf) == 0 then return end
    if host.fn('getbufvar', buf, 'changedtick') ~= tick then return M.soon() end
    widen(result.hunks or {}, host.fn('getbufvar', buf, '&tabstop'))
    drawn[buf] = true
    host.overlay(buf, M.marks(result.hunks or {}, height_of(buf)))
  end)
end

local function each_visible(run)
  local seen = {}
  for _, win in ipairs(host.fn('getwininfo')) do
    local buf = win.bufnr
    if not seen[buf] and scope.is_file(buf) and paths[host.fn('resolve', scope.path(buf))] then
      run(buf)
    end
    seen[buf] = true
  end
end

-- A moment later: many changes in a row are one drawing.
function M.soon()
  if waiting or not shown then return end
  waiting = true
  host.defer(SOON_MS, function()
    host.safe(function()
      waiting = false
      if shown then each_visible(draw) end
    end)
  end)
end

-- An autocommand: a window shows another buffer, or text was changed.
function M.touched()
  local buf = host.fn('bufnr', '%')
  if shown and scope.is_file(buf) and paths[host.fn('resolve', scope.path(buf))] then M.soon() end
end

-- Decisions or results of a plan changed.
function M.changed(plan)
  if plan == shown then M.soon() end
end

local function watch(on)
  host.cmd('augroup piecework_overlay | exe "autocmd!" | augroup END')
  if on then
    host.cmd('autocmd piecework_overlay BufWinEnter,TextChanged,InsertLeave *'
      .. ' lua require("piecework.ui.overlay").touched()')
    host.cmd('autocmd piecework_overlay CursorMoved * lua require("piecework.host").room()')
  end
end

function M.show(plan)
  engine.ask('review/files', { plan = plan, accepted = false }, function(result)
    shown, paths = plan, {}
    for _, file in ipairs(result.files or {}) do
      if file.change == 'edit' then paths[host.fn('resolve', file.path)] = true end
    end
    require('piecework.ui.look').define()
    watch(true)
    local any = false
    each_visible(function(buf)
      any = true
      draw(buf)
    end)
    if not next(paths) then
      return message.say(('#%d changes no lines of a file: nothing to draw'):format(plan))
    end
    message.say(('#%d %s: :Piecework! overlay ends it'):format(plan,
      any and 'is drawn' or 'is drawn once its files are shown'))
  end)
end

function M.hide()
  shown, paths = nil, {}
  watch(false)
  for buf in pairs(drawn) do
    if host.fn('bufloaded', buf) == 1 then host.overlay(buf, {}) end
  end
  drawn = {}
end

return M
