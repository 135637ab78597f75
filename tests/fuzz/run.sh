#!/bin/sh
# run.sh SECONDS FUZZER...: runs each fuzzer for that long from its corpus. New inputs go to build/, only
# findings (crash-*, timeout-*) are worth keeping: put them into tests/fuzz/corpus/NAME and fix the cause.
seconds=$1
shift
failed=0
for name in "$@"; do
  found=build/fuzz/found/$name
  mkdir -p "$found" "tests/fuzz/corpus/$name"
  printf 'fuzz %-14s ' "$name"
  if build/fuzz/fuzz/"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$name" >"$found.log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */runs /p' "$found.log"
  else
    failed=$((failed + 1))
    echo "FOUND SOMETHING: $found.log"
    tail -n 25 "$found.log"
  fi
done
exit $((failed > 0))
