#!/bin/sh
# lint.sh: what a reviewer would otherwise have to say again and again. Runs every check, exits 1 if any fails.
cd "$(dirname "$0")/../.." || exit 1
bad=0

check() {
  name=$1
  shift
  if out=$("$@" 2>&1) && [ -z "$out" ]; then
    printf 'ok   %s\n' "$name"
  else
    bad=$((bad + 1))
    printf 'FAIL %s\n%s\n' "$name" "$out"
  fi
}

sources() { git ls-files --cached --others --exclude-standard 'native/src/*.c' 'native/src/*.h'; }

# An include may only point down (native/README.md, layers).
layers() {
  awk '
    BEGIN { split("base lib wire patch model journal core plan review work view front", l, " "); for (i in l) rank[l[i]] = i + 0
            # wire, patch and model stand side by side: none may use another
            side["wire"] = side["patch"] = side["model"] = 1 }
    FNR == 1 { split(FILENAME, part, "/"); me = part[3] }
    /^#include "/ {
      split($0, q, "\""); split(q[2], p, "/"); to = p[1]
      if (me ~ /\.c$/ || !(to in rank)) next
      if (rank[to] > rank[me] || (to != me && side[to] && side[me]))
        printf "%s:%d: %s/ may not include %s/\n", FILENAME, FNR, me, to
    }' $(sources)
}

# Foreign types stay behind lib/ (msgpack also in wire/).
foreign() {
  headers=$(sources | grep '\.h$' | grep -v '/lib/')
  grep -nE '\b(uv_[a-z]+(_t)?|CURL[A-Za-z]*|sqlite3[a-z_]*|cJSON[A-Za-z_]*|git_[a-z]+|yaml_[a-z_]+|pcre2_[a-z_]+)\b *[*a-z(]' $headers |
    grep -vE ':[0-9]+: *(//|\*)' | grep -E '(uv_[a-z]+_t|uv_[a-z]+ *\(|CURL[MS]?\b|CURL[A-Z]|sqlite3|cJSON|git_(repository|oid|blob|diff|index)|yaml_(parser|event)|pcre2_)' 
  grep -nE '#include <(uv|curl/curl|sqlite3|cjson/cJSON|git2|yaml|pcre2)\.h>' $(sources | grep -v '/lib/')
  grep -nE '#include <msgpack' $(sources | grep -v '/wire/')
  true
}

# Only lua/piecework/host/ knows which editor it runs in.
vim_in_host() {
  git ls-files --cached --others --exclude-standard 'lua/*.lua' | grep -v '^lua/piecework/host/' |
    xargs -r grep -nE '(^|[^a-zA-Z0-9_.:'"'"'"/])vim\.[a-zA-Z]' | grep -vE '^[^:]+:[0-9]+: *--'
  true
}

# Calls with a safer name here: base/str.h, base/buf.h, arena.h.
banned() {
  grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|alloca|system|popen)\(' $(sources)
  grep -nE '\b(malloc|calloc|realloc|free)\(' $(sources | grep -v '/base/arena\.c')
  grep -nE '\b(exit|_exit)\(' $(sources | grep -vE '/main\.c|/lib/process')
  true
}

# Files up to 600 lines, functions up to 60 (from the brace at column 0 to its end), comments up to 120 columns (the
# code's 100 are clang-format's).
sizes() {
  awk '
    FNR == 1 && last { if (n > 600) printf "%s: %d lines\n", last, n }
    { last = FILENAME; n = FNR }
    length > 120 { printf "%s:%d: %d columns\n", FILENAME, FNR, length }
    /^\{/ { start = FNR }
    /^\}/ && start { if (FNR - start > 61) printf "%s:%d: function of %d lines\n", FILENAME, start, FNR - start - 1; start = 0 }
    END { if (n > 600) printf "%s: %d lines\n", last, n }' $(sources)
  for file in $(git ls-files --cached --others --exclude-standard 'lua/*.lua'); do
    n=$(wc -l <"$file")
    [ "$n" -gt 600 ] && echo "$file: $n lines"
  done
  true
}

# Headers can be included alone, and every file opens with what it is.
heads() {
  for file in $(sources) $(git ls-files --cached --others --exclude-standard 'lua/*.lua'); do
    case $file in
      *.lua) head -n 1 "$file" | grep -q '^--' || echo "$file: no opening comment" ;;
      *) head -n 1 "$file" | grep -q "^// $(basename "$file"): " || echo "$file: does not open with '// $(basename "$file"): what it is'" ;;
    esac
  done
}

# The map names every file of the engine.
map() {
  for stem in $(sources | xargs -n1 basename | sed 's/\.[ch]$//' | sort -u); do
    grep -q "\`$stem\`\|\`$stem\.[ch]\`" native/README.md || echo "native/README.md does not name $stem"
  done
}

# Nothing of the workshop leaks into the tree.
leaks() {
  git grep -nIE '/(home|root|Users)/[a-z]|registry\.npmjs|deb\.debian\.org' -- . ':!tests/lint/lint.sh'
  true
}

formatted() {
  command -v clang-format >/dev/null 2>&1 || return 0
  # Releases differ in taste; the tree follows this one.
  clang-format --version | grep -q 'version 14\.' || return 0
  clang-format --dry-run $(sources) 2>&1 | grep 'warning:' | cut -d: -f1,2 | sort -u | head -n 20
  true
}

lua_lint() {
  command -v luacheck >/dev/null 2>&1 || return 0
  [ -n "$(git ls-files 'lua/*.lua')" ] || return 0
  luacheck -q --no-color lua tests/editor >/tmp/luacheck.$$ 2>&1 || cat /tmp/luacheck.$$
  rm -f /tmp/luacheck.$$
}

shell_syntax() {
  for file in $(git ls-files '*.sh'); do sh -n "$file"; done
}

check layers layers
check foreign-types foreign
check vim-only-in-host vim_in_host
check banned-calls banned
check sizes sizes
check heads heads
check map map
check leaks leaks
check formatting formatted
check luacheck lua_lint
check shell-syntax shell_syntax
exit $((bad > 0))
