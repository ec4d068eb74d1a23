#!/bin/bash
# Prints how many instructions the core executes for one committed transaction, counted by callgrind, not timed.
# Two runs of different length are subtracted, so that founding and election don't count.
#
#   bench/instructions.sh [BUILD_DIRECTORY]        (default: build/release; needs valgrind)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$root/build/release}/bench/bench_core_instructions
few=500 many=1500 value_bytes=256 replicas=7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -x "$program" ] || { echo "instructions.sh: $program is missing; build the target bench_core_instructions" >&2; exit 1; }
command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is not installed" >&2; exit 1; }

# collected FUNCTION TRANSACTIONS OUTSTANDING: instructions inside FUNCTION and all that it calls.
collected() {
    valgrind --tool=callgrind --callgrind-out-file="$work/out" --toggle-collect="zooid::bench::$1*" \
        "$program" "$2" "$3" "$value_bytes" "$replicas" >"$work/stdout" 2>"$work/stderr" || { cat "$work/stderr" >&2; exit 1; }
    awk '/^(summary|totals):/ { print $2; exit }' "$work/out"
}
# per_transaction FUNCTION OUTSTANDING
per_transaction() {
    local a b done_a done_b
    a=$(collected "$1" $few "$2"); done_a=$(awk '{ print $2 }' "$work/stdout")
    b=$(collected "$1" $many "$2"); done_b=$(awk '{ print $2 }' "$work/stdout")
    echo $(((b - a) / (done_b - done_a)))
}

for outstanding in 1 32; do
    step=$(per_transaction proposer_step $outstanding)
    apply=$(per_transaction proposer_apply $outstanding)
    echo "outstanding $outstanding: $step instructions per committed transaction in the core at the proposer" \
         "(replicas $replicas, $value_bytes-byte values), and $apply to apply it"
done
