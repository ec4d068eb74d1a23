#!/usr/bin/env bash
# Builds and runs the host applications in host/ against the library as its users get it.
#
#   tests/consumers/run.sh find_package|add_subdirectory|fetch_content [BUILD_FOLDER]
#
# find_package       installs the component `dev` of BUILD_FOLDER (default build/release) into a scratch prefix
# add_subdirectory   compiles the library in the host's build
# fetch_content      is the same from there on, so that after configuring only the smallest library is compiled
set -euo pipefail

how=$1
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$(cd "${2:-$source/build/release}" && pwd)
scratch=$build/consumers/$how
hosts=(host_base host_core host_asio)
options=(-G Ninja -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
options+=("-DCMAKE_CXX_COMPILER=$compiler")

rm -rf "$scratch"
mkdir -p "$scratch"
if [ "$how" = find_package ]; then
    cmake --install "$build" --prefix "$scratch/prefix" --component dev >"$scratch/install.log"
    options+=("-DCMAKE_PREFIX_PATH=$scratch/prefix")
else
    options+=("-DZOOID_SOURCE=$source")
fi
if [ "$how" = fetch_content ]; then hosts=(host_base); fi
cmake -S "$here/$how" -B "$scratch/build" "${options[@]}"

# Whoever builds us as a dependency must not fail over a warning of a compiler that we have not met.
if grep -q -- '-Werror' "$scratch/build/compile_commands.json"; then
    echo "a consumer's build treats warnings as errors" >&2
    exit 1
fi

cmake --build "$scratch/build" -j "${JOBS:-$(nproc)}" --target "${hosts[@]}"
for host in "${hosts[@]}"; do "$scratch/build/$host"; done
echo "$how: linked and ran"
