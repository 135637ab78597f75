#!/bin/sh
# demo.sh BINARY: one recorded request through plan, execute, verify and review, in a scratch directory.
#
# On a terminal it ends inside Neovim with the plan open; without one it goes on to the diff, the test result
# and the receipt. No key, no network: the replies come from tests/cassettes/demo.ndjson, which says how it
# was made. Nothing outside the scratch directory is written.
set -u
bin=$1
tree=$(cd "$(dirname "$0")/../.." && pwd)
request=$(cat "$tree/tests/demo/request.txt")

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
project=$scratch/weather
export HOME="$scratch/home" XDG_CONFIG_HOME="$scratch/config" XDG_STATE_HOME="$scratch/state"
export XDG_DATA_HOME="$scratch/data" XDG_CACHE_HOME="$scratch/cache" GIT_CONFIG_NOSYSTEM=1
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE PIECEWORK_STATE PIECEWORK_CONFIG
mkdir -p "$HOME" "$XDG_CONFIG_HOME/piecework" "$XDG_STATE_HOME"
cat >"$XDG_CONFIG_HOME/piecework/config.json" <<JSON
{ "replay": "$tree/tests/cassettes/demo.ndjson", "test": "make check",
  "models": { "big": ["anthropic/claude-opus-5-5"], "small": ["anthropic/claude-haiku-5-5"] }, "budget": 1.00 }
JSON

cp -R "$tree/tests/demo/sample" "$project" || exit 1
cd "$project" || exit 1
git init -q -b main . && git config user.name 'Demo User' && git config user.email demo@example.invalid &&
  git add -A && git commit -q -m 'weather, as found' || exit 1

say() { printf '%s\n' "$*"; }
step() { printf '\n\033[1m$ %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }

say "piecework demo: recorded replies, no key, no network; money figures are what the calls would cost."
say "A small C project ($(git ls-files | wc -l | tr -d ' ') files) in a scratch directory. The request:"
say "  $request"

step piecework plan '"..."'
PIECEWORK_REPLAY_MS=150 "$bin" plan --yes "$request" || exit 1

how_to_go_on() {
  say ''
  say 'Now on your own code:'
  say '  export ANTHROPIC_API_KEY=...   (or OPENAI_API_KEY, OPENROUTER_API_KEY; others: :help piecework-config)'
  say "  cd your/project && $bin plan \"what to do\"   or in the editor  :Piecework plan what to do"
  say '  README.md says how to add piecework to Neovim or Vim.'
}

if [ -t 0 ] && [ -t 1 ]; then
  export PIECEWORK_REPLAY_MS=600
  cat >"$scratch/init.vim" <<VIM
set nocompatible hidden
let &runtimepath = '$tree,' . &runtimepath
let g:piecework = {'bin': '$bin'}
VIM
  nvim -u "$scratch/init.vim" -i NONE -c "luafile $tree/tests/demo/hint.lua"
  how_to_go_on
  exit 0
fi

step piecework trust last
"$bin" trust last --yes || exit 1
step piecework run last
PIECEWORK_REPLAY_MS=150 "$bin" run last --yes || exit 1
step piecework diff last
"$bin" diff last || exit 1
step piecework apply last
"$bin" apply last || exit 1
step make check
make -s check || exit 1
step piecework cost last
"$bin" cost last || exit 1
how_to_go_on
