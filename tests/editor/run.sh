#!/bin/sh
# run.sh [SPEC...]: the Lua specs in every Neovim and Vim found, headless. Prints TAP and a closing line
# "N passed, N failed".
#
# PIECEWORK_EDITORS="nvim /path/to/vim ..." names the editors; by default nvim, and every vim with +lua.
# PIECEWORK_BIN names the engine for the specs that drive the real one.
set -u
cd "$(dirname "$0")/../.." || exit 1
tree=$PWD

has_lua() { "$1" --version 2>/dev/null | grep -q '[+]lua\b'; }

if [ -z "${PIECEWORK_EDITORS:-}" ]; then
  PIECEWORK_EDITORS=
  command -v nvim >/dev/null && PIECEWORK_EDITORS="nvim"
  for vim in vim vim.nox vim.gtk3; do
    command -v "$vim" >/dev/null && has_lua "$vim" && { PIECEWORK_EDITORS="$PIECEWORK_EDITORS $vim"; break; }
  done
fi
if [ -z "${PIECEWORK_BIN:-}" ]; then
  for binary in build/san/piecework build/piecework; do
    [ -x "$binary" ] && { PIECEWORK_BIN=$tree/$binary; break; }
  done
fi
export PIECEWORK_BIN="${PIECEWORK_BIN:-}" PIECEWORK_TREE=$tree LC_ALL=C.UTF-8
# A sanitizer's leak report on the engine's way out is for the engine's own tests.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM
passed=0
failed=0

count() {
  good=$(grep -c '^ok ' "$1")
  bad=$(grep -c '^not ok ' "$1")
  passed=$((passed + good))
  failed=$((failed + bad))
}

# one EDITOR SPEC: its own editor, home and result file.
one() {
  editor=$1
  spec=$2
  name="$(basename "$editor") $(basename "$spec" .lua)"
  home=$scratch/home
  rm -rf "$home"
  # ~/tmp is where Vim puts the swap file of a file whose folder is not there yet: /var/tmp is for all.
  mkdir -p "$home/config" "$home/state" "$home/work" "$home/tmp"
  result=$scratch/result
  : >"$result"
  case $("$editor" --version | head -n 1) in
    NVIM*) set -- --headless ;;
    *) set -- -es -N ;;
  esac
  (
    cd "$home/work" || exit 1
    HOME=$home XDG_CONFIG_HOME=$home/config XDG_STATE_HOME=$home/state XDG_DATA_HOME=$home/data \
      GIT_CONFIG_NOSYSTEM=1 PIECEWORK_RESULT=$result PIECEWORK_SPEC=$spec PIECEWORK_NAME=$name \
      timeout 300 "$editor" "$@" -u NONE -i NONE --cmd "set encoding=utf-8 | let &rtp = '$tree,' . &rtp" \
      -c "runtime plugin/piecework.vim" -c "luafile $tree/tests/editor/spec.lua" -c 'cquit' \
      >"$scratch/output" 2>&1 </dev/null
  )
  status=$?
  if ! grep -q '^# end' "$result"; then
    echo "not ok - $name: ended early (exit $status)" >>"$result"
    sed 's/^/# /' "$scratch/output" | tail -n 20 >>"$result"
  fi
  cat "$result"
  count "$result"
}

[ $# -gt 0 ] || set -- tests/editor/specs/*.lua
for editor in $PIECEWORK_EDITORS; do
  echo "# $editor: $("$editor" --version | head -n 2 | tr '\n' ' ')"
  for spec in "$@"; do one "$editor" "$tree/${spec#"$tree"/}"; done
done

# What needs no editor at all: the host/fake runs.
for lua in luajit lua5.1 lua; do
  command -v "$lua" >/dev/null || continue
  echo "# $lua, without an editor"
  (PIECEWORK_NAME="$lua" "$lua" tests/editor/plain.lua) >"$scratch/result" 2>&1 ||
    { sed 's/^/# /' "$scratch/result"; echo "not ok - $lua: plain.lua failed" >>"$scratch/result"; }
  cat "$scratch/result"
  count "$scratch/result"
  break
done

for script in tests/editor/t_*.sh tests/editor/t_*.py; do
  [ -e "$script" ] || continue
  case $script in *.py) set -- python3 ;; *) set -- sh ;; esac
  PIECEWORK_EDITORS="$PIECEWORK_EDITORS" timeout 900 "$@" "$script" >"$scratch/result" 2>&1 ||
    grep -q '^not ok' "$scratch/result" || echo "not ok - $script failed" >>"$scratch/result"
  cat "$scratch/result"
  count "$scratch/result"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
