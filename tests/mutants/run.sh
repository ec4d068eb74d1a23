#!/usr/bin/env bash
# Prints which layer of the tests catches which deliberate bug, as a table; fails if one is not caught.
#
#   tests/mutants/run.sh
#
# The cheapest layer is asked first: every scenario, then 100 worlds of users who contend for a lease, then 300,000 states of the explorer for each of five bounds,
# then lives of 60 seeds of two profiles.
set -euo pipefail
cd "$(dirname "$0")/../.."

cmake --preset mutants >/dev/null
cmake --build build/mutants --target test_mutants
echo "| mutant | caught by |"
echo "|---|---|"
build/mutants/tests/test_mutants "each deliberate bug is caught by some layer within its budget" | grep -E '^\||FAILED|passed|failed'
