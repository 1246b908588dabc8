#!/usr/bin/env bash
# fuzz.sh SECONDS: runs every fuzz target that long. What it learns stays in $CACHE/fuzz/corpus; an input
# that breaks something lands in fuzz/artifacts, and cargo-fuzz prints the command that replays it.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: fuzz.sh SECONDS}
export PATH=${CACHE:?}/tools/bin:$PATH
export RUSTC_BOOTSTRAP=1 # sanitizers and coverage on the stable compiler

targets=$(cargo fuzz list)
[ -n "$targets" ] || { echo 'error: cargo fuzz list names no target' >&2; exit 1; }
for target in $targets; do
  echo "==> fuzz $target: $seconds s"
  corpus=("$CACHE/fuzz/corpus/$target")
  mkdir -p "${corpus[0]}"
  if [ -d "fuzz/corpus/$target" ]; then corpus+=("fuzz/corpus/$target"); fi
  cargo fuzz run --target-dir "$CACHE/fuzz/target" "$target" "${corpus[@]}" -- \
    -max_total_time="$seconds" -print_final_stats=1 -verbosity=0
done
