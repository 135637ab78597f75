-- Specs that need no editor: the layer on host/fake, under a plain Lua.
print('ok 1 - placeholder')
