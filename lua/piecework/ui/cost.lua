-- piecework://cost/{N,day,week,month,all}: the receipt beside the estimate and the baselines.

return require('piecework.ui.page').new({
  method = 'cost/get',
  table = true,
  params = function(view)
    if view.plan ~= 0 then return { which = tostring(view.plan) } end
    return { which = view.rest ~= '' and view.rest or 'all' }
  end,
  syntax = {
    { 'PieceworkHead', '\\%1l.*' },
    { 'PieceworkTask', '^ *total.*' },
    { 'PieceworkNote', '^ *baseline.*' },
  },
})
