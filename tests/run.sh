#!/bin/sh
# run.sh SUITE...: runs the suites, keeps each log in build/logs/, and ends with one line for all of them:
# "N passed, N failed". A suite prints TAP, or closes with its own "N passed, N failed".
#
# Suites: native fuzz provider editor e2e valgrind. Binaries must be built (the Makefile does that). A suite that
# needs what is not here says so in one line that begins with "skip" and exits with 77: shown, not counted.
set -u
cd "$(dirname "$0")/.." || exit 1
logs=build/logs
mkdir -p "$logs"
passed=0
failed=0

# ASan and UBSan must stop a test, and leaks count.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:allocator_may_return_null=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# No test reads the user's own configuration, state or keys.
unset ANTHROPIC_API_KEY OPENAI_API_KEY ANTHROPIC_BASE_URL OPENAI_BASE_URL GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM
export XDG_CONFIG_HOME="$scratch/config" XDG_STATE_HOME="$scratch/state" XDG_CACHE_HOME="$scratch/cache"
mkdir -p "$XDG_CONFIG_HOME" "$XDG_STATE_HOME" "$XDG_CACHE_HOME"

# one NAME COMMAND...: runs it, counts what it says, shows the log of what failed.
one() {
  name=$1
  shift
  log=$logs/$(echo "$name" | tr / _).log
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  if [ "$status" -eq 77 ] && grep -q '^skip' "$log"; then
    printf 'skip   %-28s %s\n' "$name" "$(grep -m1 '^skip' "$log" | sed 's/^skip:* *//')"
    return
  fi
  closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
  if [ -n "$closing" ]; then
    good=$(echo "$closing" | cut -d' ' -f1)
    bad=$(echo "$closing" | cut -d' ' -f3)
  else
    good=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
  fi
  # A crash, or a suite that ran nothing, is a failure whatever it printed.
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then bad=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  if [ "$bad" -gt 0 ]; then
    printf 'FAILED %-28s %s passed, %s failed\n' "$name" "$good" "$bad"
    grep -E -A12 '^not ok|^# .*:[0-9]+:|ERROR: |runtime error' "$log" | head -n 60
    tail -n 15 "$log"
  else
    printf 'ok     %-28s %s passed\n' "$name" "$good"
  fi
}

# units DIR: the unit tests built there, by their sources: one that is missing fails, one left over is not run.
units() {
  for source in tests/native/*/t_*.c; do
    unit=${source#tests/native/}
    echo "$1/tests/${unit%.c}"
  done
}

suite_native() {
  for binary in $(units build/san); do one "native/$(basename "$binary")" "$binary"; done
}

fuzz_replay() {
  "$1" "$2"/* && echo "ok 1 - corpus of $(basename "$1")"
}

suite_fuzz() {
  for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c | sed 's/^fuzz_//')
    [ -d "tests/fuzz/corpus/$name" ] || { echo "no corpus: $name"; failed=$((failed + 1)); continue; }
    one "fuzz/$name" fuzz_replay "build/san/fuzz/$name" "tests/fuzz/corpus/$name"
  done
}

suite_provider() {
  one provider python3 tests/provider/test_provider.py
}

suite_editor() {
  one editor sh tests/editor/run.sh
}

suite_e2e() {
  for script in tests/e2e/t_*; do
    [ -e "$script" ] || continue
    case $script in
      *.py) one "e2e/$(basename "$script" .py)" python3 "$script" ;;
      *.sh) one "e2e/$(basename "$script" .sh)" sh "$script" ;;
    esac
  done
}

suite_valgrind() {
  for binary in $(units build/valgrind); do
    one "valgrind/$(basename "$binary")" \
      valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite "$binary"
  done
  PIECEWORK_BIN="$PWD/tests/e2e/valgrind-piecework" one valgrind/journey python3 tests/e2e/t_journey.py
}

for suite in "$@"; do
  "suite_$suite"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
