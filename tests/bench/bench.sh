#!/bin/sh
# bench.sh [NAME...]: every tests/bench/bench_*, each a table of ratios against a baseline measured in the same
# run. Absolute figures move from machine to machine; the ratios are what counts.
cd "$(dirname "$0")/../.." || exit 1
for script in tests/bench/bench_*; do
  name=$(basename "$script" | sed 's/^bench_//; s/\..*//')
  case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
  printf '\n== %s\n' "$name"
  case $script in
    *.py) python3 "$script" ;;
    *.sh) sh "$script" ;;
  esac || exit 1
done
