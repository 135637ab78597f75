-- Rounds of random edits around decide, apply, undo and revert. See t_property.py; it prepared the plans.
--
-- After each step every file is compared with what property_doc.lua believes. What an apply did is taken apart
-- by its answer: each edit must be one accepted hunk, on the very lines that the hunk is about (not on others that
-- read the same), and everything else must be as it was. An accepted hunk whose surroundings nobody touched must
-- have been applied: refusing everything would be no virtue.

return function(T)
  local host = require('piecework.host')
  local json = require('piecework.json')
  local engine = require('piecework.engine')
  local apply = require('piecework.apply')
  local Doc = dofile(T.tree .. '/tests/e2e/property_doc.lua')(T)
  local facts = json.decode(T.read(os.getenv('PIECEWORK_FACTS')))
  T.command('set hidden nobackup noswapfile nowritebackup autoread')
  T.command('let g:applied = 0')
  T.command('autocmd User PieceworkApplied let g:applied += 1')

  local counts = { applied = 0, stale = 0, meanwhile = 0, reverted = 0, undone = 0, edits = 0, renamed = 0 }
  local plan, docs, trail, dice

  -- Park and Miller: the same numbers in every editor.
  local function dice_of(seed)
    local state = seed * 7919 % 2147483646 + 1
    return function(low, high)
      for _ = 1, 2 do state = state * 16807 % 2147483647 end
      return low + state % (high - low + 1)
    end
  end

  local function fail(...)
    error(string.format(...), 0)
  end

  local function note(...)
    trail[#trail + 1] = string.format(...)
  end

  local function wait(test, what)
    local stop = host.clock() + 60000
    while not test() do
      if host.clock() > stop then fail('waited for %s; said: %s', what, tostring(T.said())) end
      host.cmd('sleep 1m')
      host.flush()
    end
  end

  -- Asks the engine and waits.
  local function ask(method, params)
    local answer, failed
    engine.request(method, params, function(err, result) answer, failed = result or {}, err end)
    wait(function() return answer end, method)
    if failed then fail('%s: %s', method, failed.message) end
    return answer
  end

  -- The plans ---------------------------------------------------------------------------------------

  -- Hunks as lines, from what the engine lists and the proposed text.
  local function read_hunks(number, doc, listed)
    local text = ask('review/proposal', { plan = number, path = doc.path }).text
    local proposal, moved = Doc.split(text, doc.dos), 0
    for _, h in ipairs(listed) do
      local hunk = { id = h.hunk, start = h.line, old = Doc.slice(doc.base, h.line, h.removed),
        new = Doc.slice(proposal, h.line + moved, h.added) }
      moved = moved + h.added - h.removed
      doc.hunks[#doc.hunks + 1] = hunk
    end
    local made = doc.base
    for i = #doc.hunks, 1, -1 do
      local hunk = doc.hunks[i]
      made = Doc.splice(made, hunk.start, #hunk.old, hunk.new)
    end
    if doc.base_bytes and table.concat(made, '\n') ~= table.concat(proposal, '\n') then
      fail('%s: the hunks do not make the proposal', doc.path)
    end
  end

  local function read_plan(given)
    local by_path, list = {}, {}
    -- A proposal leaves out what is rejected.
    ask('review/decide', { plan = given.plan, what = { 'all' }, decision = 'none' })
    for _, hunk in ipairs(given.hunks) do
      local doc = by_path[hunk.path]
      if not doc then
        doc = Doc.new(hunk.path, T.read(hunk.path))
        doc.listed = {}
        by_path[hunk.path], list[#list + 1] = doc, doc
      end
      doc.listed[#doc.listed + 1] = hunk
    end
    for _, doc in ipairs(list) do read_hunks(given.plan, doc, doc.listed) end
    return { number = given.plan, docs = list }
  end

  local function each_hunk(visit)
    for _, doc in ipairs(docs) do
      for _, hunk in ipairs(doc.hunks) do visit(hunk, doc) end
    end
  end

  local function ids()
    local out = {}
    each_hunk(function(hunk) out[#out + 1] = hunk.id end)
    return out
  end

  local function reset()
    T.command('silent %bwipeout!')
    for _, doc in ipairs(docs) do doc:reset() end
    ask('review/decide', { plan = plan.number, what = { 'all!' }, decision = 'accepted' })
    ask('review/applied', { plan = plan.number, hunks = ids(), reverted = true })
    ask('review/decide', { plan = plan.number, what = { 'all' }, decision = 'none' })
    each_hunk(function(hunk) hunk.decision, hunk.applied = 'none', false end)
  end

  local function check_all(when)
    for _, doc in ipairs(docs) do
      local differs = doc:differs()
      if differs then fail('%s: %s', when, differs) end
    end
  end

  -- What an apply did -------------------------------------------------------------------------------

  local function same(list, first, other)
    for i = 1, #other do
      if list[first + i - 1] ~= other[i] then return false end
    end
    return true
  end

  -- Where the lines of [hunk] in the base must come from, backwards those that it brought.
  local function origins(hunk, back)
    local out = {}
    for i = 1, back and #hunk.new or #hunk.old do
      out[i] = back and hunk.id .. ':' .. i or hunk.start + i - 1
    end
    return out
  end

  local function times(lines)
    local out = {}
    for _, line in ipairs(lines) do out[line] = (out[line] or 0) + 1 end
    return out
  end

  -- The nearest line from [at] on that stands once in [once] and at all in [there].
  local function nearest(lines, at, step, once, there)
    while lines[at] and not (once[lines[at]] == 1 and there[lines[at]]) do at = at + step end
    return lines[at] or ''
  end

  -- Lines that read like the hunk's may have come from elsewhere, and nobody can tell from the text: then the lines
  -- that stand nowhere else, above and below, must be the hunk's own.
  local function reads_right(hunk, was, first, back, doc)
    local count = back and #hunk.new or #hunk.old
    local once, there = times(doc.base), times(was.lines)
    local function around(lines, from, to)
      return nearest(lines, from - 1, -1, once, there), nearest(lines, to, 1, once, there)
    end
    local above, below = around(doc.base, hunk.start, hunk.start + #hunk.old)
    local is_above, is_below = around(was.lines, first, first + count)
    return above == is_above and below == is_below and (there[above] or 1) == 1 and (there[below] or 1) == 1
  end

  -- Does the hunk belong at [first] of what was there before?
  local function belongs(hunk, was, first, back, doc)
    local old = back and hunk.new or hunk.old
    if not same(was.lines, first, old) then return false end
    if #old > 0 then return same(was.from, first, origins(hunk, back)) end
    local above, below = hunk.start - 1, hunk.start + #hunk.old
    local fits_above = above < 1 or was.from[first - 1] == above
    local fits_below = below > #doc.base or was.from[first] == below
    return fits_above and fits_below
  end

  -- The hunk that [edit] is, which put [lines] there.
  local function hunk_of(doc, edit, lines, was, back)
    local near
    for _, right in ipairs({ belongs, reads_right }) do
      for _, hunk in ipairs(doc.hunks) do
        local old, new = hunk.old, hunk.new
        if back then old, new = new, old end
        if edit.count == #old and #lines == #new and same(lines, 1, new) and same(was.lines, edit.first, old) then
          near = hunk
          if right(hunk, was, edit.first, back, doc) then return hunk end
        end
      end
    end
    fail('%s: lines %d+%d became %s: %s', doc.path, edit.first, edit.count, T.show(lines),
      near and ('like hunk ' .. near.id .. ' of base line ' .. near.start .. ', in a wrong place, on lines from '
        .. T.show(Doc.slice(was.from, edit.first - 1, edit.count + 2))) or 'no such hunk')
  end

  -- How often the base lines around [hunk] stand together in [was], and whether they read like others.
  local function surroundings(doc, hunk, was)
    local first, last = math.max(1, hunk.start - 3), math.min(#doc.base, hunk.start + #hunk.old + 2)
    local want, text, found, alike = {}, {}, 0, 0
    for i = first, last do want[#want + 1], text[#text + 1] = i, doc.base[i] end
    for at = 1, #was.lines - #want + 1 do
      if same(was.from, at, want) then found = found + 1 end
      if same(was.lines, at, text) then alike = alike + 1 end
    end
    return found, alike
  end

  -- Lines added at the start or the end of a file belong there, wherever else its first or last lines stand.
  local function at_edge(doc, hunk, was, edit)
    if #hunk.old > 0 then return false end
    return (hunk.start == 1 and edit.first == 1) or (hunk.start > #doc.base and edit.first > #was.lines)
  end

  -- One file of the answer: its edits, bottom-up, on the belief.
  local function take_file(doc, file, was, back, done)
    local lines, from = was.lines, was.from
    if file.change == 'new' then
      if #was.lines > 1 or (was.lines[1] or '') ~= '' then fail('%s: there is a file already', doc.path) end
      lines, from = Doc.split(file.text, doc.dos), {}
      for i = 1, #lines do from[i] = doc.hunks[1].id .. ':' .. i end
      done[doc.hunks[1].id] = true
    end
    for i = #(file.edits or {}), 1, -1 do
      local edit = file.edits[i]
      local new = {}
      -- The buffer's form of the lines, which the wire leaves out.
      local shift = 0
      for k = 1, i - 1 do shift = shift + #(file.edits[k].lines or {}) - file.edits[k].count end
      local is = host.lines(doc.buf)
      for k = 1, #(edit.lines or {}) do new[k] = is[edit.first + shift + k - 1] end
      local hunk = hunk_of(doc, edit, new, was, back)
      if not back and hunk.decision ~= 'accepted' then fail('%s was not accepted', hunk.id) end
      if back and not hunk.applied then fail('%s was not applied', hunk.id) end
      if done[hunk.id] then fail('%s twice', hunk.id) end
      local told_apart = at_edge(doc, hunk, was, edit) or reads_right(hunk, was, edit.first, back, doc)
      if not back and not told_apart and surroundings(doc, hunk, was) > 1 then
        fail('%s could stand in two places', hunk.id)
      end
      done[hunk.id] = true
      lines = Doc.splice(lines, edit.first, edit.count, new)
      from = Doc.splice(from, edit.first, edit.count, origins(hunk, not back))
    end
    return lines, from
  end

  -- What is told as done, but was there already, must be there.
  local function check_told(told, done, back)
    local seen = {}
    for _, id in ipairs(told) do seen[id] = true end
    for id in pairs(done) do
      if not seen[id] then fail('%s was done and not told', id) end
    end
    each_hunk(function(hunk, doc)
      if not seen[hunk.id] then return end
      hunk.applied = not back
      if done[hunk.id] then return end
      local want, found = back and hunk.old or hunk.new, false
      local is = doc:now()
      for at = 1, #is.lines - #want + 1 do found = found or same(is.lines, at, want) end
      if #want == 0 then found = true end
      if not found then fail('%s is told as done, and is not', hunk.id) end
    end)
    return seen
  end

  local function ascending(from)
    local last = 0
    for i = 1, #from do
      if type(from[i]) == 'number' then
        if from[i] <= last then return false end
        last = from[i]
      end
    end
    return true
  end

  local function brought(was, hunk)
    for i = 1, #was.from do
      if was.from[i] == hunk.id .. ':1' then return true end
    end
    return false
  end

  -- Nobody came near: then it must have been applied.
  local function check_alive(doc, was, told)
    if not ascending(was.from) then return end
    for _, hunk in ipairs(doc.hunks) do
      if hunk.decision == 'accepted' and not told[hunk.id] and not brought(was, hunk) then
        local found, alike = surroundings(doc, hunk, was)
        local _, alike_in_base = surroundings(doc, hunk, { lines = doc.base, from = {} })
        if found == 1 and alike == 1 and alike_in_base == 1 then
          fail('%s of %s line %d was refused, and nobody came near', hunk.id, doc.path, hunk.start)
        end
        counts.stale = counts.stale + 1
      end
    end
  end

  local function snapshot()
    local out = {}
    for _, doc in ipairs(docs) do
      out[doc] = { lines = doc:now().lines, from = doc:now().from, bytes = doc:bytes(), open = doc.buf ~= nil,
        exists = doc:exists() }
    end
    return out
  end

  local function random_edit()
    local doc = docs[dice(1, #docs)]
    local did = doc:edit(dice)
    counts.edits = counts.edits + (did and 1 or 0)
    if did then note('%s', did) end
    return did and doc
  end

  -- Applies, listening to what is asked and answered; the user may type meanwhile.
  local function run_apply(options)
    local heard = { told = {}, late = {} }
    local request = engine.request
    local typing = dice(1, 4)
    engine.request = function(method, params, callback)
      local asked = method == 'review/apply' or method == 'review/revert'
      local earlier = method == 'review/files' and heard.was
      if method == 'review/applied' then heard.told = params.hunks end
      request(method, params, (asked or earlier) and function(err, result)
        if asked then heard.result, heard.err = result, err end
        if earlier and result then heard.earlier = result.files end
        callback(err, result)
      end or callback)
      if method == 'review/files' and not earlier and typing == 1 then random_edit() end
      if asked then
        heard.was = snapshot()
        if typing == 2 then
          note('meanwhile:')
          heard.late[random_edit() or 0] = true
        end
      end
    end
    local before = host.fn('eval', 'g:applied')
    local ok, err = pcall(function()
      apply.start(plan.number, options)
      wait(function() return heard.err or host.fn('eval', 'g:applied') > before end, 'the apply')
    end)
    engine.request = request
    if not ok then error(err, 0) end
    if heard.err then fail('apply: %s', heard.err.message) end
    return heard
  end

  -- A buffer that the apply opened.
  local function notice_open(doc)
    local buf = host.fn('bufexists', doc.full) == 1 and host.fn('bufnr', '^' .. doc.full .. '$') or -1
    if not doc.away and not doc.buf and buf > 0 and host.fn('bufloaded', buf) == 1 then doc:opened(buf) end
  end

  local function undo_and_redo(doc, was)
    local after = doc:bytes()
    doc:show()
    Doc.command('undo')
    if was.exists and was.bytes and doc:bytes() ~= was.bytes then fail('%s: undo is not back to the byte', doc.path) end
    doc.node = doc.node.parent
    counts.undone = counts.undone + 1
    if doc:differs() then fail('undo: %s', doc:differs()) end
    if dice(1, 3) == 1 then return note('undone: %s', doc.path) end
    Doc.command('redo')
    doc.node = doc.node.child
    if doc:bytes() ~= after then fail('%s: redo is not what was applied', doc.path) end
  end

  -- A whole file that goes again: only with a bang, and only what the user saved as it was.
  local function deleted(doc, file, options)
    if file.change ~= 'delete' then return false end
    if not options.write or (doc.buf and host.fn('bufloaded', doc.buf) == 1) then return true end
    doc.buf, doc.node, doc.disk = nil, nil, nil
    return true
  end

  local function apply_step(back)
    local options = { write = dice(1, 3) == 1, revert = back or nil }
    note('%s%s', back and 'revert' or 'apply', options.write and '!' or '')
    local heard = run_apply(options)
    local done, changed, touched = {}, {}, {}
    for _, file in ipairs(heard.result.files or {}) do
      for _, doc in ipairs(docs) do
        if doc.full == file.path then touched[doc] = file end
      end
    end
    for _, doc in ipairs(docs) do
      notice_open(doc)
      local file, was = touched[doc], heard.was[doc]
      if not was.open and doc.buf then was.bytes = nil end
      local nothing_typed = not doc.base_bytes and not doc:exists()
      if heard.late[doc] and file and not nothing_typed then
        counts.meanwhile = counts.meanwhile + 1
      elseif file and not deleted(doc, file, options) then
        local lines, from = take_file(doc, file, was, back, done)
        if lines ~= was.lines and not doc.buf then fail('%s was not opened', doc.path) end
        if #(file.edits or {}) > 0 or file.change == 'new' then
          doc:step(lines, from)
          changed[#changed + 1] = doc
        end
        if options.write and doc.buf and (doc.disk or file.change == 'new') then doc:saved() end
      end
    end
    -- With a bang what an earlier apply or revert did is written as well; what a revert did to a new file is to end it.
    for _, file in ipairs(heard.earlier or {}) do
      for _, doc in ipairs(docs) do
        local refused = heard.late[doc] and touched[doc]
        local there = doc.buf and heard.was[doc].exists and not (back and file.change == 'new')
        if doc.full == file.path and there and not refused then doc:saved() end
      end
    end
    local told = check_told(heard.told, done, back)
    for id in pairs(done) do
      local what = back and 'reverted' or 'applied'
      counts[what] = counts[what] + (id and 1 or 0)
    end
    check_all(back and 'revert' or 'apply')
    for _, doc in ipairs(docs) do
      if not back and not doc.away and doc.base_bytes and not heard.late[doc] then
        check_alive(doc, heard.was[doc], told)
      end
    end
    for _, doc in ipairs(changed) do undo_and_redo(doc, heard.was[doc]) end
  end

  -- The other steps ---------------------------------------------------------------------------------

  local DECISIONS = { 'accepted', 'accepted', 'accepted', 'rejected', 'none' }

  local function decide_step()
    local what, decision = {}, DECISIONS[dice(1, #DECISIONS)]
    each_hunk(function(hunk)
      if dice(1, 2) == 1 then
        what[#what + 1] = hunk.id
        hunk.decision = decision
      end
    end)
    if #what == 0 then return end
    note('%s: %d hunks', decision, #what)
    ask('review/decide', { plan = plan.number, what = what, decision = decision })
  end

  local function with_a_file(verb, test)
    local doc = docs[dice(1, #docs)]
    if not test(doc) then return end
    note('%s %s', verb, doc.path)
    doc[verb](doc)
  end

  local function file_step()
    local which = dice(1, 8)
    if which <= 4 then return with_a_file('save', function() return true end) end
    if which <= 7 then return with_a_file('close', function(doc) return doc.buf and not doc.away end) end
    counts.renamed = counts.renamed + 1
    with_a_file('rename', function(doc) return doc.base_bytes end)
  end

  local function edits_between()
    for _ = 1, dice(0, 3) do random_edit() end
    check_all('edits')
  end

  local function round(seed)
    dice = dice_of(seed)
    plan = facts.read[dice(1, #facts.read)]
    docs, trail = plan.docs, {}
    reset()
    decide_step()
    for _ = 1, dice(3, 6) do
      edits_between()
      local which = dice(1, 10)
      if which <= 4 then
        apply_step(false)
      elseif which <= 6 then
        decide_step()
      elseif which <= 7 then
        apply_step(true)
      else
        file_step()
      end
      check_all('step')
    end
    for _, doc in ipairs(docs) do
      if doc.buf then doc:undo_all() end
    end
    check_all('undo of everything')
  end

  -- All of it ---------------------------------------------------------------------------------------

  facts.read = {}
  for i, given in ipairs(facts.plans) do facts.read[i] = read_plan(given) end
  local failures = 0
  for seed = facts.seed, facts.seed + facts.runs - 1 do
    local ok, err = pcall(round, seed)
    if not ok then
      failures = failures + 1
      T.ok(false, ('seed %d (plan %d): PIECEWORK_SEED=%d PIECEWORK_RUNS=1'):format(seed, plan.number, seed), err,
        table.concat(trail, '\n'))
    end
    if failures >= 5 then break end
  end
  T.ok(failures == 0, ('%d rounds from seed %d'):format(facts.runs, facts.seed))
  for _, what in ipairs({ 'edits', 'applied', 'stale', 'meanwhile', 'reverted', 'undone' }) do
    T.ok(facts.runs < 20 or counts[what] > 0, ('%d %s'):format(counts[what], what))
  end
end
