#!/bin/sh
# doc.sh: writes the generated part of doc/piecework.txt (the options, from lua/piecework/config.lua) and the
# help tags. `doc.sh check` changes nothing and fails when the help has drifted.
set -eu
cd "$(dirname "$0")/../.."
help=doc/piecework.txt

options() {
  for lua in luajit lua5.1 lua; do
    command -v "$lua" >/dev/null 2>&1 || continue
    "$lua" -e 'package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
      print(table.concat(require("piecework.config").help(), "\n"))'
    return
  done
  # Without a Lua of its own an editor has one.
  out=$(mktemp)
  nvim --headless -u NONE --cmd 'set rtp^=.' \
    -c "call writefile(luaeval('require(\"piecework.config\").help()'), '$out')" -c qall </dev/null >/dev/null 2>&1
  cat "$out"
  rm -f "$out"
}

new=$(mktemp)
part=$(mktemp)
trap 'rm -f "$new" "$part"' EXIT
options >"$part"
[ -s "$part" ] || { echo "doc.sh: no Lua and no nvim to read lua/piecework/config.lua with" >&2; exit 1; }
# From the head line to the ruler of the next section.
awk -v part="$part" '
  /^=====/ { if (skip) print ""; skip = 0 }
  !skip { print }
  /^Generated from lua/ { while ((getline line < part) > 0) print line; skip = 1 }' "$help" >"$new"

if [ "${1:-}" = check ]; then
  cmp -s "$new" "$help" || { echo "doc.sh: $help does not match lua/piecework/config.lua; run make doc" >&2; exit 1; }
  exit 0
fi
cmp -s "$new" "$help" || cp "$new" "$help"
make -s doc/tags
