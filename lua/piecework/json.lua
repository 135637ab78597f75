-- JSON to and from plain Lua tables, in pure Lua.
--
-- Why not the editors' own: Vim cuts numbers that enter Lua to 32 bits, hands out userdata instead
-- of tables, and its json_encode() mangles bytes that are not UTF-8. Here integers are exact up
-- to 2^53.
--
-- null in an object is a missing key; in an array it is `json.null`. An empty table is an empty
-- array unless it came from `json.map`.

local M = {}

-- Engines send shallow messages; deeper than this is refused instead of overflowing a stack.
local MAX_DEPTH = 100

M.null = setmetatable({}, { __tostring = function() return 'null' end })

local map_mark = { __name = 'map' }

-- Marks [t] as an object, so that it is written as {} even when it is empty.
---@param t table
---@return table
function M.map(t)
  return setmetatable(t, map_mark)
end

function M.is_map(t)
  return getmetatable(t) == map_mark
end

local raw_mark = {}

-- [value] as text already: a large part of a message made ready before the rest of it.
function M.raw(value)
  return setmetatable({ M.encode(value) }, raw_mark)
end

-- Decoding --------------------------------------------------------------------------------------

local find, sub, byte, char = string.find, string.sub, string.byte, string.char

local escapes = {
  b = '\b', f = '\f', n = '\n', r = '\r', t = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/',
}

local function utf8(code)
  if code < 0x80 then return char(code) end
  if code < 0x800 then return char(0xc0 + math.floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return char(0xe0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40,
      0x80 + code % 0x40)
  end
  return char(0xf0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local function fail(what, at)
  error('json: ' .. what .. ' at byte ' .. at, 0)
end

-- \uXXXX at [i]; a surrogate pair is one character, half a pair becomes U+FFFD.
local function unicode_escape(text, i)
  local hex = string.match(text, '^%x%x%x%x', i + 2)
  if not hex then fail('bad \\u escape', i) end
  local code = tonumber(hex, 16)
  if code < 0xd800 or code > 0xdfff then return utf8(code), i + 6 end
  local low = code < 0xdc00 and string.match(text, '^\\u([dD][c-fC-F]%x%x)', i + 6)
  if not low then return utf8(0xfffd), i + 6 end
  return utf8(0x10000 + (code - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00), i + 12
end

-- Where the string ends in which [i] stands: a quote behind an even number of backslashes.
local function closing_quote(text, i)
  local stop = find(text, '"', i, true)
  while stop do
    local at = stop - 1
    while at >= i and byte(text, at) == 92 do at = at - 1 end
    if (stop - 1 - at) % 2 == 0 then return stop end
    stop = find(text, '"', stop + 1, true)
  end
end

-- Texts of buffers are long and have an escape a line: one pass of the string library over all of
-- it. Not with \u in it, whose length is another.
local LONG = 1000
local long_start
local plain = setmetatable({}, { __index = function() fail('bad escape', long_start) end })
for escape, c in pairs(escapes) do plain[escape] = c end

local function long_string(text, start, stop)
  if stop - start < LONG then return nil end
  local inner = sub(text, start, stop - 1)
  if find(inner, '\\u', 1, true) then return nil end
  long_start = start
  return (string.gsub(inner, '\\(.)', plain))
end

local function string_with_escapes(text, start)
  local parts, n, i = {}, 0, start
  while true do
    local stop = find(text, '["\\]', i)
    if not stop then fail('string without end', start) end
    n = n + 1
    parts[n] = sub(text, i, stop - 1)
    if byte(text, stop) == 34 then return table.concat(parts), stop + 1 end
    local kind = sub(text, stop + 1, stop + 1)
    n = n + 1
    if kind == 'u' then
      parts[n], i = unicode_escape(text, stop)
    elseif escapes[kind] then
      parts[n], i = escapes[kind], stop + 2
    else
      fail('bad escape', stop)
    end
  end
end

-- [i] is just behind the opening quote.
local function decode_string(text, i)
  local stop = find(text, '["\\]', i)
  if stop and byte(text, stop) == 34 then return sub(text, i, stop - 1), stop + 1 end
  local quote = stop and closing_quote(text, stop)
  local value = quote and long_string(text, i, quote)
  if value then return value, quote + 1 end
  return string_with_escapes(text, i)
end

local decode_value

-- While a large text is decoded in steps: ends a step when its time is over.
local pause

-- The next byte that is not white space, and where it stands. Compact JSON, the usual case, has
-- none.
local function peek(text, i)
  local c = byte(text, i)
  if c and c > 32 then return c, i end
  i = find(text, '[^ \t\r\n]', i) or #text + 1
  return byte(text, i), i
end

local function decode_array(text, i, depth)
  local list, n = {}, 0
  local c
  c, i = peek(text, i)
  if c == 93 then return list, i + 1 end
  while true do
    local value
    value, i = decode_value(text, i, depth)
    n = n + 1
    if value == nil then value = M.null end
    list[n] = value
    if pause then pause() end
    c, i = peek(text, i)
    if c == 93 then return list, i + 1 end
    if c ~= 44 then fail('expected , or ]', i) end
    i = select(2, peek(text, i + 1))
  end
end

local function decode_object(text, i, depth)
  local map = M.map({})
  local c, key
  c, i = peek(text, i)
  if c == 125 then return map, i + 1 end
  while true do
    if c ~= 34 then fail('expected a key', i) end
    key, i = decode_string(text, i + 1)
    c, i = peek(text, i)
    if c ~= 58 then fail('expected :', i) end
    c, i = peek(text, i + 1)
    if c == 34 then
      map[key], i = decode_string(text, i + 1)
    else
      map[key], i = decode_value(text, i, depth)
    end
    c, i = peek(text, i)
    if c == 125 then return map, i + 1 end
    if c ~= 44 then fail('expected , or }', i) end
    c, i = peek(text, i + 1)
  end
end

local function decode_number(text, i)
  local _, stop = find(text, '^-?%d+%.?%d*[eE]?[+-]?%d*', i)
  local number = stop and tonumber(sub(text, i, stop))
  if not number then fail('unexpected character', i) end
  return number, stop + 1
end

local words = { t = { 'true', true }, f = { 'false', false }, n = { 'null', nil } }

function decode_value(text, i, depth)
  local c = byte(text, i)
  if c == 34 then return decode_string(text, i + 1) end
  if c == 123 or c == 91 then
    if depth >= MAX_DEPTH then fail('nested too deep', i) end
    if c == 123 then return decode_object(text, i + 1, depth + 1) end
    return decode_array(text, i + 1, depth + 1)
  end
  local word = c and words[char(c)]
  if word then
    if sub(text, i, i + #word[1] - 1) ~= word[1] then fail('unexpected word', i) end
    return word[2], i + #word[1]
  end
  return decode_number(text, i)
end

-- The value of [text]; nil and a message when it is not JSON.
---@param text string
---@return any value, string? err
function M.decode(text)
  local _, start = peek(text, 1)
  local ok, value, stop = pcall(decode_value, text, start, 0)
  if not ok then return nil, value end
  if peek(text, stop) then return nil, 'json: text behind the value' end
  return value
end

-- So many values between two looks at the clock.
local LOOK_EACH = 32

-- The same in steps: step(ms) goes on for about so long; true when it is done, and what decode()
-- would have answered. Pure Lua runs in the coroutine, nothing of the editor's does.
---@param text string
---@return fun(ms: number): boolean, any, string?
function M.steps(text)
  local _, start = peek(text, 1)
  local work = coroutine.create(function() return decode_value(text, start, 0) end)
  return function(ms)
    local stop, left = os.clock() + ms / 1000, LOOK_EACH
    pause = function()
      left = left - 1
      if left > 0 then return end
      left = LOOK_EACH
      if os.clock() > stop then coroutine.yield() end
    end
    local ok, value, at = coroutine.resume(work)
    pause = nil
    if not ok then return true, nil, value end
    if coroutine.status(work) == 'suspended' then return false end
    if peek(text, at) then return true, nil, 'json: text behind the value' end
    return true, value
  end
end

-- Encoding --------------------------------------------------------------------------------------

local control = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
for i = 0, 31 do
  control[char(i)] = control[char(i)] or string.format('\\u%04x', i)
end
control['\127'] = '\\u007f'

local function encode_string(text)
  -- '%c' covers the control characters, also NUL, which a Lua 5.1 class cannot name.
  return '"' .. string.gsub(text, '[%c"\\]', control) .. '"'
end

local function encode_number(n)
  if n ~= n or n == math.huge or n == -math.huge then error('json: not a finite number', 0) end
  if n == math.floor(n) and n > -1e15 and n < 1e15 then return string.format('%d', n) end
  return string.format('%.17g', n)
end

local encode_value

local function encode_array(list, out, n, depth)
  out[n + 1] = '['
  n = n + 1
  for i = 1, #list do
    if i > 1 then
      n = n + 1
      out[n] = ','
    end
    n = encode_value(list[i], out, n, depth)
  end
  out[n + 1] = ']'
  return n + 1
end

local function encode_object(map, out, n, depth)
  out[n + 1] = '{'
  n = n + 1
  local first = true
  for key, value in pairs(map) do
    out[n + 1] = (first and '' or ',') .. encode_string(tostring(key)) .. ':'
    n = encode_value(value, out, n + 1, depth)
    first = false
  end
  out[n + 1] = '}'
  return n + 1
end

function encode_value(value, out, n, depth)
  local kind = type(value)
  if kind == 'table' then
    if value == M.null then
      out[n + 1] = 'null'
      return n + 1
    end
    if getmetatable(value) == raw_mark then
      out[n + 1] = value[1]
      return n + 1
    end
    if depth >= MAX_DEPTH then error('json: nested too deep', 0) end
    if M.is_map(value) or (#value == 0 and next(value) ~= nil) then
      return encode_object(value, out, n, depth + 1)
    end
    return encode_array(value, out, n, depth + 1)
  end
  if kind == 'string' then
    out[n + 1] = encode_string(value)
  elseif kind == 'number' then
    out[n + 1] = encode_number(value)
  elseif kind == 'boolean' then
    out[n + 1] = tostring(value)
  elseif kind == 'nil' then
    out[n + 1] = 'null'
  else
    error('json: cannot write a ' .. kind, 0)
  end
  return n + 1
end

-- One line of JSON. Raises an error for what JSON cannot say (functions, infinity, too deep).
---@param value any
---@return string
function M.encode(value)
  local out = {}
  encode_value(value, out, 0, 0)
  return table.concat(out)
end

return M
