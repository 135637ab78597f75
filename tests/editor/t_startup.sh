#!/bin/sh
# t_startup.sh: what an editor pays for the plugin at startup, and what a Vim without +lua says.
cd "$(dirname "$0")/../.." || exit 1
rtp="let &rtp = '$PWD,' . &rtp"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM
n=0

ok() {
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; [ -n "${3:-}" ] && echo "# $3"; fi
}

lines=$(wc -l <plugin/piecework.vim)
[ "$lines" -lt 100 ]; ok $? "plugin/piecework.vim has $lines lines"

for editor in ${PIECEWORK_EDITORS:-nvim vim}; do
  command -v "$editor" >/dev/null || continue
  name=$(basename "$editor")
  case $("$editor" --version | head -n 1) in NVIM*) mode="--headless" ;; *) mode="-es -N" ;; esac
  best=999999
  tries=0
  while [ "$tries" -lt 5 ] || { [ "$best" -ge 1000 ] && [ "$tries" -lt 50 ]; }; do  # a busy machine only makes it longer
    tries=$((tries + 1))
    rm -f "$scratch/time"
    # shellcheck disable=SC2086
    "$editor" $mode -u NONE -i NONE --startuptime "$scratch/time" --cmd "$rtp" \
      -c 'runtime plugin/piecework.vim' -c 'qall!' </dev/null >/dev/null 2>&1
    # the self time of the sourced file, in microseconds
    us=$(awk '/plugin\/piecework.vim/ { split($3, t, ":"); print int(t[1] * 1000 + 0.5) }' "$scratch/time" | head -n 1)
    [ -n "$us" ] && [ "$us" -lt "$best" ] && best=$us
  done
  [ "$best" -lt 1000 ]; ok $? "$name: sourcing the plugin takes $best us"
  # shellcheck disable=SC2086
  "$editor" $mode -u NONE -i NONE --cmd "$rtp" -c 'runtime plugin/piecework.vim' \
    -c "call writefile([luaeval('tostring(package.loaded[\"piecework\"])')], '$scratch/loaded')" -c 'qall!' </dev/null >/dev/null 2>&1
  [ "$(cat "$scratch/loaded")" = nil ]; ok $? "$name: nothing is required at startup"
done

# A Vim without +lua: Debian's plain one.
plain=
for vim in vim.basic vim.tiny vim; do
  command -v "$vim" >/dev/null || continue
  case $("$vim" --version) in *+eval*-lua*|*-lua*+eval*) plain=$vim; break ;; esac
done
if [ -z "$plain" ]; then
  echo "# no Vim without +lua here: its refusal is not tested"
  exit 0
fi
"$plain" -es -N -u NONE -i NONE --cmd "$rtp" -c 'runtime plugin/piecework.vim' \
  -c "redir! > $scratch/said" -c 'Piecework plan x' -c '1Piecework! run' -c 'redir END' -c 'qall!' </dev/null >"$scratch/out" 2>&1
said=$(grep -c 'piecework: this Vim has no +lua; install vim-nox or vim-gtk3' "$scratch/said")
[ "$said" = 2 ]; ok $? "$plain: one friendly line" "$(cat "$scratch/said")"
! grep -q 'E[0-9]' "$scratch/said" "$scratch/out"; ok $? "$plain: and nothing else" "$(cat "$scratch/out")"
width=$(grep 'no +lua' "$scratch/said" | head -n 1 | wc -c)
[ "$width" -lt 80 ]; ok $? "$plain: which fits the screen"
