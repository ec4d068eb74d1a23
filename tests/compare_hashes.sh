#!/usr/bin/env bash
# Lives the same seeds in several builds of the simulator, side by side: each life's hash of all effects must be equal.
#
#   tests/compare_hashes.sh SEEDS SIMULATOR SIMULATOR...
set -uo pipefail

seeds=$1
shift
scratch=$(mktemp -d "${TMPDIR:-/tmp}/zooid-hashes.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

failed=0
simulators=("$@")
lives=()
for ((i = 0; i < $#; ++i)); do
    "${simulators[i]}" --seeds "1..$seeds" --hashes >"$scratch/$i" 2>&1 &
    lives+=($!)
done
for ((i = 0; i < $#; ++i)); do
    if ! wait "${lives[i]}"; then
        echo "${simulators[i]} does not end well: $(grep -vE '^[0-9]+ [0-9a-f]{16}$' "$scratch/$i" | head -3)"
        failed=1
    fi
done

# Line by line: "SEED HASH", for every seed.
for ((i = 0; i < $#; ++i)); do
    if [ "$(grep -cE '^[0-9]+ [0-9a-f]{16}$' "$scratch/$i")" -ne "$seeds" ]; then
        echo "${simulators[i]} lived fewer than $seeds lives"
        failed=1
    fi
    if ! cmp -s "$scratch/0" "$scratch/$i"; then
        echo "${simulators[0]} and ${simulators[i]} disagree:"
        diff "$scratch/0" "$scratch/$i" | grep '^[<>]' | head -10
        failed=1
    fi
done
[ "$failed" -eq 0 ] && echo "$seeds seeds, equal hashes in $# builds"
exit "$failed"
