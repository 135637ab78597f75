-- verbs.lua: when a verb was given, in the clock the provider uses; by turns `:Piecework edit` and a curl process.
-- The times (us) go to BENCH_OUT, one a line: the first is a cold start, engine and all.

local uv, env = vim.loop, vim.env
local times, rounds = {}, tonumber(env.BENCH_ROUNDS)

local function stamp()
  times[#times + 1] = ('%.1f'):format(uv.hrtime() / 1e3)
end

local function step(i)
  if i > rounds then
    vim.fn.writefile(times, env.BENCH_OUT)
    return vim.cmd('qall!')
  end
  vim.cmd('edit f' .. i .. '.txt')
  stamp()
  vim.cmd('3Piecework edit Set the value to 2.')
  vim.defer_fn(function()
    stamp()
    vim.fn.jobstart({ 'curl', '-sN', '--data-binary', ('x'):rep(1000), env.BENCH_URL }, {
      on_exit = function() vim.defer_fn(function() step(i + 1) end, 50) end,
    })
  end, 400)
end

vim.defer_fn(function() step(1) end, 200)
