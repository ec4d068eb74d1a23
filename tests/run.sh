#!/usr/bin/env bash
# The tests. Without an argument: what CI runs, stage by stage.
#
#   tests/run.sh                   release, compilers, mutants, asan, tsan
#   tests/run.sh quick             release, without slow tests, real processes and consumers
#   tests/run.sh STAGE...          some of: release compilers mutants asan tsan quick
#
# ZOOID_SEEDS   simulated lives in the release stage (500); the sanitised stages take a twentieth, quick none
# JOBS          how much runs at once (the number of CPUs)
#
# The last line is `N passed, N failed`, summed over the stages; a stage that does not build is one failure.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-$(nproc)}
passed=0
failed=0
times=()

at_least() { echo $(($1 > $2 ? $1 : $2)); }

fail() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

# Sanitizers want the addresses where they expect them; containers may forbid to ask for that.
still() {
    if setarch "$(uname -m)" -R true 2>/dev/null; then
        setarch "$(uname -m)" -R "$@"
    else
        "$@"
    fi
}

# build PRESET TARGET...: configures and builds; what is said goes to a file and is shown when it fails.
build() {
    local preset=$1 log=build/logs/$1.build.log
    shift
    local began=$SECONDS
    mkdir -p build/logs
    if cmake --preset "$preset" >"$log" 2>&1 &&
        still cmake --build "build/$preset" -j "$jobs" --target "$@" >>"$log" 2>&1; then
        echo "   built $preset ($*) in $((SECONDS - began)) s"
    else
        grep -A 15 -E 'FAILED|[Ee]rror' "$log" | head -100
        fail "the build of $preset, see $log"
        return 1
    fi
}

count() { grep -o "$2=\"[0-9]*\"" "$1" | head -1 | tr -dc 0-9; }

# check PRESET CTEST-ARGUMENT...: runs tests, shows those that did not pass, adds them up.
check() {
    local preset=$1 junit=$PWD/build/logs/$1.junit.xml began=$SECONDS
    shift
    rm -f "$junit"
    still ctest --test-dir "build/$preset" -j "$jobs" --output-on-failure --output-junit "$junit" "$@" |
        grep -vE '^ +Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed |^$'
    local status=${PIPESTATUS[0]}
    if [ ! -s "$junit" ]; then
        fail "ctest in build/$preset"
        return
    fi
    local all bad
    all=$(count "$junit" tests)
    bad=$(($(count "$junit" failures)))
    local idle=$(($(count "$junit" disabled) + $(count "$junit" skipped)))
    passed=$((passed + all - bad - idle))
    failed=$((failed + bad))
    if [ "$all" -eq 0 ]; then fail "no test in build/$preset"; fi
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then fail "ctest in build/$preset returned $status"; fi
    echo "   tested $preset: $all tests, $bad failed, in $((SECONDS - began)) s"
}

stage_release() {
    export ZOOID_SEEDS=$seeds
    build release all && check release
}

stage_quick() {
    build release quick_tests && check release -LE 'slow|consumers|programs|bench' -E _NOT_BUILT
}

# The same seed must be the same life, whatever compiled it.
stage_compilers() {
    build release zooid-sim && build clang-release zooid-sim || return
    if tests/compare_hashes.sh 50 build/release/bin/zooid-sim build/clang-release/bin/zooid-sim; then
        passed=$((passed + 1))
    else
        fail "g++ and clang disagree"
    fi
}

stage_mutants() {
    build mutants test_mutants && check mutants -L '^mutants'
}

stage_asan() {
    export ZOOID_SEEDS=$sanitised_seeds
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
    export UBSAN_OPTIONS=print_stacktrace=1
    build asan-ubsan all && check asan-ubsan
}

stage_tsan() {
    export ZOOID_SEEDS=$sanitised_seeds
    export TSAN_OPTIONS=second_deadlock_stack=1
    build tsan edge_tests && check tsan -L '^(tcp|file|remote|runtime)(\.slow)?$'
}

case "${1:-all}" in
all) stages=(release compilers mutants asan tsan) ;;
*) stages=("$@") ;;
esac
for stage in "${stages[@]}"; do
    if ! declare -F "stage_$stage" >/dev/null; then
        echo "tests/run.sh: no stage $stage; there are: release compilers mutants asan tsan quick" >&2
        exit 2
    fi
done

seeds=${ZOOID_SEEDS:-500}
sanitised_seeds=$(at_least 5 $((seeds / 20)))

if ! examples/setup.sh tests; then
    echo "0 passed, 1 failed"
    exit 1
fi
if command -v ccache >/dev/null; then export CMAKE_CXX_COMPILER_LAUNCHER=ccache; fi

for stage in "${stages[@]}"; do
    echo "== $stage"
    began=$SECONDS
    "stage_$stage"
    times+=("$(printf '%-10s %4d s' "$stage" $((SECONDS - began)))")
done

printf '%s\n' "" "${times[@]}" "$(printf '%-10s %4d s' together $SECONDS)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
