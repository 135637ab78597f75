-- piecework: the Lua API, and what plugin/piecework.vim calls. Everything is required at first
-- use.

local M = {}

-- Merges [options] into g:piecework. Never needed: setting g:piecework does the same.
function M.setup(options)
  require('piecework.config').merge(options)
end

-- Runs a verb as `:Piecework {args}` does, e.g. command('plan rename foo to bar').
---@param args string
---@param options? {range?: integer[], bang?: boolean, mods?: string}
function M.command(args, options)
  options = options or {}
  local range = options.range or {}
  require('piecework.commands').run(range[1] or 1, range[2] or range[1] or 1, #range,
    options.bang or false, options.mods or '', args)
end

-- '[P 5/9 $0.110]' while something is going on, else ''.
function M.statusline()
  -- No engine was started: nothing to say, and nothing to load.
  local state = package.loaded['piecework.state']
  return state and state.statusline() or ''
end

-- Everything known of the plans of this session: plan number -> table.
function M.plans()
  return require('piecework.state').plans
end

-- Below: for plugin/piecework.vim.

function M._run(first, last, given, bang, mods, args)
  require('piecework.commands').run(first, last, given, bang == 1, mods, args)
end

function M._complete(lead, line)
  return table.concat(require('piecework.commands').complete(lead, line), '\n')
end

function M._omni(findstart, base)
  local view = require('piecework.buffers').view()
  if view and view.page.omni then return view.page.omni(view, findstart, base) end
  return findstart == 1 and -3 or ''
end

function M._read(buf, uri)
  require('piecework.buffers').read(buf, uri)
end

function M._write(buf)
  require('piecework.buffers').write(buf)
end

function M._forget(buf)
  local buffers = package.loaded['piecework.buffers']
  if buffers then buffers.forget(buf) end
end

-- 'foldtext'. Any error in it would be repeated with each redraw.
function M._foldtext(first, last, dashes)
  local ok, text = pcall(function() return require('piecework.ui.foldtext').text(first, last) end)
  return '+-' .. dashes .. ' ' .. (ok and text or '')
end

-- The lines of the hunk at the cursor, for the text object: 'first last', or ''.
function M._hunk()
  return require('piecework.ui.hunk').lines_at_cursor()
end

return M
