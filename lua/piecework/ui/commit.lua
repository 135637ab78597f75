-- piecework://commit/N: the message of a commit, as git shows it. ZZ commits, ZQ leaves; `:w`
-- only keeps the text here.

local host = require('piecework.host')
local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')

local M = { filetype = 'gitcommit', editable = true }

-- Words that were saved are not made anew when the page is opened again: saved, they look
-- untouched. `:edit!` does.
function M.load(view, show)
  if view.shown and view.saved then return end
  view.saved = nil
  engine.request('commit/prepare', { plan = view.plan }, function(err, result)
    view.failed = err ~= nil
    if err then
      message.error(err)
      return show((('\n' .. message.page(err)):gsub('\n', '\n# '):sub(2)))
    end
    show(result.message or '')
  end)
end

function M.write(view)
  if buffers.is_modified(view) then view.saved = true end
  host.fn('setbufvar', view.buf, '&modified', 0)
end

-- Without comment lines and the empty lines around, like git's own clean-up.
local function text_of(view)
  local kept = {}
  for _, line in ipairs(host.lines(view.buf)) do
    if not line:find('^#') then kept[#kept + 1] = (line:gsub('%s+$', '')) end
  end
  return (table.concat(kept, '\n'):gsub('^\n+', ''):gsub('\n+$', ''))
end

local function commit(view)
  if buffers.is_loading(view) then return end
  local text = text_of(view)
  if text == '' then return message.say('empty message: not committed', 'warn') end
  view.saved = true  -- until git has taken it: a hook may refuse
  host.fn('setbufvar', view.buf, '&modified', 0)
  -- With the buffers as they are now: what was written since counts as written.
  engine.ask('commit/start', { plan = view.plan, message = text,
    buffers = require('piecework.scope').buffers() }, function()
    view.saved = nil
    local hash = require('piecework.state').plan(view.plan).commit
    message.say(('#%d committed'):format(view.plan) .. (hash and ' as ' .. hash:sub(1, 10) or ''))
    host.cmd('silent! checktime')
  end)
  buffers.close()
end

M.keys = keys.with_help({
  { lhs = 'ZZ', name = 'commit-start', run = commit, help = 'commit' },
  { lhs = 'ZQ', name = 'commit-leave', help = 'leave without committing',
    run = function(view)
      view.saved = nil
      host.fn('setbufvar', view.buf, '&modified', 0)
      buffers.close()
    end },
})

M.syntax = { { 'PieceworkNote', '^#.*' }, { 'PieceworkHead', '\\%1l[^#].*' } }

return M
