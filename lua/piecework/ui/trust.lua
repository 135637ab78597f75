-- piecework://trust/N: the exact commands of a plan. None of them runs before ZZ here.

local buffers = require('piecework.buffers')
local engine = require('piecework.engine')
local keys = require('piecework.ui.keys')
local message = require('piecework.message')

local M = {}

local HEAD = {
  'piecework://trust/%d  commands of plan %d, exactly as they would run',
  '# in a scratch worktree, without your keys. A changed command asks again.',
  '# ZZ trusts them in this project, ZQ leaves.',
  '',
}

-- A command on one line, nothing hidden: what is not printable shows as <0a>.
local function visible(command)
  return (command:gsub('[%c\127]', function(c) return ('<%02x>'):format(c:byte()) end))
end

function M.load(view, show)
  engine.request('trust/get', { plan = view.plan }, function(err, result)
    if err then
      message.error(err)
      return show('piecework: ' .. err.message)
    end
    view.commands = {}
    local text = {}
    for i, line in ipairs(HEAD) do text[i] = (line:gsub('%%d', tostring(view.plan))) end
    for _, item in ipairs(result.commands or {}) do
      view.commands[#view.commands + 1] = item.command
      text[#text + 1] = ('%-9s %-10s %s'):format(item.trusted and 'trusted' or 'new',
        item.where or '', visible(item.command))
    end
    if #view.commands == 0 then text[#text + 1] = 'no commands: nothing to trust' end
    show(table.concat(text, '\n'))
  end)
end

local function trust(view)
  if buffers.is_loading(view) then return end
  if not view.commands or #view.commands == 0 then return buffers.close() end
  engine.ask('trust/set', { plan = view.plan, commands = view.commands }, function()
    message.say(message.count(#view.commands, 'command') .. ' trusted in this project')
  end)
  buffers.close()
end

M.keys = keys.with_help({
  { lhs = 'ZZ', name = 'trust-give', run = trust, help = 'trust these commands' },
  { lhs = 'ZQ', name = 'trust-leave', help = 'leave', run = buffers.close },
})

M.syntax = {
  { 'PieceworkHead', '\\%1l.*' },
  { 'PieceworkNote', '^#.*' },
  { 'PieceworkOk', '^trusted ' },
  { 'PieceworkDoubt', '^new ' },
}

return M
