-- The text object: the hunk at the cursor, in a review or in a file that a review lists.

local host = require('piecework.host')

local M = {}

local function in_review(view, line)
  return view.sections and require('piecework.ui.review_lines').hunk_at(view.sections, line)
end

local function in_file(line)
  local buf = host.fn('bufnr', '%')
  local path = require('piecework.scope').path(buf)
  for _, place in ipairs(require('piecework.quickfix').hunks_in(buf, path)) do
    if line >= place.first and line <= place.last then return place end
  end
end

function M.lines_at_cursor()
  local line = host.fn('line', '.')
  local view = require('piecework.buffers').view()
  local hunk
  if view then hunk = in_review(view, line) else hunk = in_file(line) end
  return hunk and hunk.first .. ' ' .. hunk.last or ''
end

return M
