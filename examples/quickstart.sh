#!/usr/bin/env bash
# The main job, from nothing: installs what is missing (Debian 12, as root), builds the programs, then runs nine real
# servers on loopback with a hundred volumes, kills servers while clients fail volumes over, and says whether the
# whole history is linearizable. Arguments go to zooid-failover (try --help, or --seconds 20).
set -euo pipefail
cd "$(dirname "$0")/.."
examples/setup.sh
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi
cmake --preset programs
cmake --build --preset programs --target zooidd zooidctl zooid-failover -j "$(nproc)"
run=$(mktemp -d "${TMPDIR:-/tmp}/zooid-quickstart.XXXXXX")
trap 'rm -rf "$run"' EXIT
build/programs/bin/zooid-failover --directory "$run/colony" --history "$PWD/build/programs/history.jsonl" "$@"
echo "the history is in build/programs/history.jsonl (format: examples/README.md)"
