#!/usr/bin/env bash
# Replays the same seeds with several builds of the simulator: the last line, the hash of all effects, must be equal.
#
#   tests/compare_hashes.sh SEEDS SIMULATOR SIMULATOR...
set -uo pipefail

seeds=$1
first=$2
shift 2

different=0
for ((seed = 1; seed <= seeds; ++seed)); do
    expected=$("$first" --seed "$seed" 2>&1 | tail -1)
    for other in "$@"; do
        found=$("$other" --seed "$seed" 2>&1 | tail -1)
        if [ -z "$expected" ] || [ "$expected" != "$found" ]; then
            echo "seed $seed: $first says '$expected', $other says '$found'"
            different=$((different + 1))
        fi
    done
done
echo "$seeds seeds, $different differences"
[ "$different" -eq 0 ]
