-- piecework://log[/N]: what happened to a plan, and below it all that was told in this session,
-- whole.

local message = require('piecework.message')

local function told()
  return '\ntold in this session:\n' .. table.concat(message.lines(), '\n')
end

local page = require('piecework.ui.page').new({
  method = 'log/get',
  params = function(view) return { plan = view.plan } end,
  after = told,
  live = true,
})

local from_engine = page.load

-- Without a plan, or an engine, what was told is still worth reading.
function page.load(view, show)
  if view.plan == 0 then return show('piecework://log  no plan yet\n' .. told()) end
  from_engine(view, show)
end

return page
