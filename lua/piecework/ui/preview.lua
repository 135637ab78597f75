-- piecework://preview/N/T01: exactly what would be sent for a task.

return require('piecework.ui.page').new({
  method = 'preview/get',
  params = function(view) return { plan = view.plan, task = view.rest } end,
})
