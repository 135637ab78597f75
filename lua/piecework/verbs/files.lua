-- Paths of a plan: the engine speaks relative to the project's root, editors need absolute ones.

local host = require('piecework.host')
local engine = require('piecework.engine')

local M = {}

-- root of each plan, once known
local roots = {}

-- Calls [done] with the absolute path of [path] in the plan's project.
function M.absolute(plan, path, done)
  if path:sub(1, 1) == '/' then return done(path) end
  if roots[plan] then return done(roots[plan] .. '/' .. path) end
  engine.ask('review/files', { plan = plan, accepted = false }, function(result)
    roots[plan] = result.root
    done(result.root .. '/' .. path)
  end)
end

-- [absolute] as a plan names it: relative to [root]; nil outside.
function M.relative(absolute, root)
  if absolute:sub(1, #root + 1) == root .. '/' then return absolute:sub(#root + 2) end
end

-- Symlinks resolved, as the engine sees it.
function M.resolve(path)
  return host.fn('resolve', path)
end

return M
