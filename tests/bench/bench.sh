#!/bin/sh
# bench.sh [NAME...]: every tests/bench/bench_NAME.*, each a table of ratios against a baseline measured in the same
# run. Absolute figures move from machine to machine; the ratios are what counts. PIECEWORK_BENCH_ROUNDS says how
# often (5). Nothing fails for being slow: exit 1 means that something could not be measured.
cd "$(dirname "$0")/../.." || exit 1
export PYTHONDONTWRITEBYTECODE=1
failed=0
found=0
for script in tests/bench/bench_*; do
  name=$(basename "$script" | sed 's/^bench_//; s/\..*//')
  case " ${*:-$name} " in *" $name "*) ;; *) continue ;; esac
  found=1
  printf '\n== %s\n' "$name"
  case $script in
    *.py) python3 "$script" ;;
    *.sh) sh "$script" ;;
  esac || { failed=1; echo "== $name could not be measured"; }
done
[ $found = 1 ] || { echo "bench.sh: there is no bench_$1; there are: $(ls tests/bench/bench_* | sed 's/.*bench_//; s/\..*//' | tr '\n' ' ')"; exit 1; }
exit $failed
