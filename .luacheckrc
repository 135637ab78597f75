-- Strict Lua 5.1, which both editors' Lua share. Only host/ may say `vim`; tests/lint checks that too.
std = 'lua51'
max_line_length = 100
codes = true
files['lua/piecework/host'] = { globals = { 'vim' } }
-- Specs hold screens and scripted answers, which read better unbroken.
files['tests/editor'] = { globals = { 'vim' }, max_line_length = 140 }
