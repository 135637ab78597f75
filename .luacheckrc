-- Strict Lua 5.1, which both editors' Lua share. Only host/ may say `vim`; tests/lint checks that too.
std = 'lua51'
max_line_length = 100
codes = true
files['lua/piecework/host'] = { globals = { 'vim' } }
files['lua/piecework/health.lua'] = { read_globals = { 'vim' } }
files['tests/editor'] = { read_globals = { 'vim' }, globals = { 'arg' } }
