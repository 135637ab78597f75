-- Long lines of popups, broken between words and indented as they were. Pure.

local M = {}

local function wrap(line, width, measure, out)
  local indent = line:match('^%s*')
  local row = nil
  for word in line:gmatch('%S+') do
    local longer = row and row .. ' ' .. word or indent .. word
    if row and measure(longer) > width then
      out[#out + 1] = row
      longer = indent .. word
    end
    row = longer
  end
  out[#out + 1] = row
end

-- [measure]: cells of a text. A word longer than [width] stays whole. Of more than [most] lines the
-- last one says that there are more.
---@param lines string[]
---@return string[]
function M.lines(lines, width, measure, most)
  local out = {}
  for _, line in ipairs(lines) do
    if measure(line) <= width then
      out[#out + 1] = line
    else
      wrap(line, width, measure, out)
    end
  end
  if #out > most then
    for i = #out, most, -1 do out[i] = nil end
    out[most] = '...'
  end
  return out
end

return M
