-- json.lua inside the editors: 64-bit numbers, every character, limits, speed.

return function(T)
  local json = require('piecework.json')
  local host = require('piecework.host')

  local function round(text)
    local value, err = json.decode(text)
    return err and 'error: ' .. err or json.encode(value)
  end

  T.eq(round('[1700000000123,-9007199254740991,2.5,true,false,null,"x"]'),
    '[1700000000123,-9007199254740991,2.5,true,false,null,"x"]', 'numbers, words, null')
  T.eq(json.decode('{"a":null,"b":1}'), { b = 1 }, 'null in an object is a missing key')
  T.eq(json.decode('"\\u00e9\\ud83d\\ude00\\u0000\\n"'), '\195\169\240\159\152\128\0\n', 'escapes')
  T.eq(json.decode('"\\ud83d x"'), '\239\191\189 x', 'half a surrogate pair')
  T.eq(json.decode(json.encode('\0\1\31\127\\"/\r\n\255')), '\0\1\31\127\\"/\r\n\255', 'bytes survive')
  local long = ('a "line" with \\ and \t tabs\n'):rep(200)
  T.eq(json.decode(json.encode({ long, long .. '\\', '\\' .. long })), { long, long .. '\\', '\\' .. long },
    'long texts with escapes')
  T.eq(json.decode(json.encode(long .. '\1\\u0041')), long .. '\1\\u0041', 'and with a \\u')
  T.like(select(2, json.decode('"' .. ('x\\n'):rep(1000) .. '\\q"')), 'bad escape', 'a bad escape in a long text')
  T.like(select(2, json.decode('"' .. ('x\\n'):rep(1000) .. '\\"')), 'without end', 'a long text without end')
  T.eq(json.encode(json.map({})), '{}', 'an empty map')
  T.eq(json.encode({}), '[]', 'an empty list')
  T.eq(round('{}'), '{}', 'an empty map stays one')
  T.eq(json.encode({ a = 1 }), '{"a":1}', 'a map')
  T.eq(round(' [ 1 , { "a" : [ ] } ] '), '[1,{"a":[]}]', 'white space')
  for _, bad in ipairs({ '', '[', '[1,]', '{"a"}', '{"a":1,}', '"x', 'tru', '1 2', '{1:2}', '"\\x"' }) do
    local value, err = json.decode(bad)
    T.ok(value == nil and err ~= nil, 'refused: ' .. bad)
  end
  local _, deep = json.decode(('['):rep(5000))
  T.like(deep, 'too deep', 'deep nesting is refused, not a stack overflow')
  T.ok(not pcall(json.encode, { f = print }), 'a function cannot be written')
  T.ok(not pcall(json.encode, 1 / 0), 'infinity cannot be written')

  -- the same in steps
  local function in_steps(text, ms)
    local step, n = json.steps(text), 0
    while true do
      local done, value, err = step(ms)
      n = n + 1
      if done then return value, err, n end
    end
  end
  for _, text in ipairs({ '[1,{"a":[true,null,"x"]}]', ' 7 ', '"x"', '{}', '[]', 'null' }) do
    T.eq({ in_steps(text, 0) }, { json.decode(text), nil, 1 }, 'in one step: ' .. text)
  end
  for _, bad in ipairs({ '', '[', '[1,]', '1 2', ('['):rep(5000) }) do
    local _, err = json.decode(bad)
    T.eq({ in_steps(bad, 0) }, { nil, err, 1 }, 'the same error: ' .. bad:sub(1, 5))
  end
  T.eq(json.encode({ json.raw('a "b"\n'), n = nil }), '["a \\"b\\"\\n"]', 'what is text already')

  local list = {}
  for i = 1, 1700 do
    list[i] = { kind = 'hunk', hunk = 'abcdef0123456789', path = 'src/file' .. i .. '.c', line = i,
      text = 'say "x"\n' }
  end
  local text = json.encode(list)
  local ms = 1e9
  for _ = 1, 20 do  -- the quickest: a busy machine only makes it longer
    local start = host.clock()
    json.decode(text)
    ms = math.min(ms, host.clock() - start)
    if ms < 150 then break end
  end
  local value, err, n = in_steps(text, 1)
  T.ok(err == nil and n > 3, 'a large text takes several steps', n, err)
  T.eq(value, list, 'and comes to the same')
  T.ok(ms < 150, ('%d kB in %.1f ms'):format(#text / 1000, ms))
  T.note(('%s: %d kB decoded in %.1f ms'):format(T.name, #text / 1000, ms))
end
