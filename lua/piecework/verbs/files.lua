-- Paths of a plan: the engine speaks relative to the project's root, editors need absolute ones.

local host = require('piecework.host')
local engine = require('piecework.engine')
local message = require('piecework.message')

local M = {}

-- root of each plan, once known
local roots = {}

local function ends_with(text, tail)
  return #text > #tail and text:sub(-#tail - 1) == '/' .. tail
end

-- Calls [done] with the absolute path of [path] in the plan's project.
function M.absolute(plan, path, done)
  if path:sub(1, 1) == '/' then return done(path) end
  if roots[plan] then return done(roots[plan] .. '/' .. path) end
  engine.request('review/files', { plan = plan, accepted = false }, function(err, result)
    for _, file in ipairs(not err and result.files or {}) do
      if ends_with(file.path, path) then
        roots[plan] = file.path:sub(1, -#path - 2)
        return done(file.path)
      end
    end
    if not engine.root then return message.error('no file ' .. path .. ' in this plan') end
    done(engine.root .. '/' .. path)
  end)
end

-- The file of the current buffer as the plan names it: relative to the root; nil outside.
function M.relative(absolute, root)
  if root and absolute:sub(1, #root + 1) == root .. '/' then return absolute:sub(#root + 2) end
end

-- Symlinks resolved, as the engine sees it.
function M.resolve(path)
  return host.fn('resolve', path)
end

return M
