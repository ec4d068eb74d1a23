#!/usr/bin/env bash
# Runs of the simulated world, step by step, against the specification: tests/spec/check_trace.py.
#
#   tests/spec/traces.sh ZOOID-SIM [FROM] [TO]
#
# The first 40,000 steps are judged; a beginning of a run is a run. Every seed from FROM to TO (1 to 3) is run under each profile that leaves disks alone: damaged votes are no part
# of the specification. The first is forged besides, and every forgery must be refused. If the program contains the
# deliberate bugs of base/mutant.hpp, each that breaks an action must be refused in one of the runs.
set -uo pipefail
simulator=$1
from=${2:-1}
to=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# check SEED PROFILE [OPTION...]: the last line of the checker
check() {
    local seed=$1 profile=$2
    shift 2
    "$simulator" --seed "$seed" --profile "$profile" --steps "$work/all" >"$work/life" 2>&1
    head -n 40000 "$work/all" >"$work/steps"
    python3 -B "$here/check_trace.py" "$@" "$work/steps" >"$work/verdict"
}

for profile in calm lossy partitions crashes; do
    for seed in $(seq "$from" "$to"); do
        options=()
        if [[ $seed == "$from" ]]; then options=(--mutants); fi
        if check "$seed" "$profile" "${options[@]}"; then
            echo "seed $seed, $profile: $(head -1 "$work/verdict")"
        else
            failed=1
            echo "FAILED: zooid-sim --seed $seed --profile $profile --steps FILE; check_trace.py ${options[*]} FILE"
            cat "$work/verdict"
        fi
    done
done

refused_somewhere() {
    local seed
    for seed in $(seq 1 20); do
        "$simulator" --seed "$seed" --profile "$2" --mutant "$1" --steps "$work/all" >"$work/life" 2>&1
        head -n 40000 "$work/all" >"$work/steps"
        if ! python3 -B "$here/check_trace.py" "$work/steps" >"$work/verdict"; then
            echo "mutant $1: refused at seed $seed: $(tail -2 "$work/verdict" | head -1)"
            return
        fi
    done
    failed=1
    echo "FAILED: mutant $1 is accepted in 20 runs of $2"
}

"$simulator" --seed 1 --profile calm --mutant skip_phase_one >"$work/life" 2>&1
if [[ $? -ne 2 ]]; then # 2: this build has no mutants
    refused_somewhere acknowledge_before_durable crashes
    refused_somewhere forget_promise_on_restart crashes
    refused_somewhere skip_phase_one partitions
    refused_somewhere reuse_slot calm
    refused_somewhere accept_without_raising_promise partitions
    refused_somewhere read_without_quorum partitions
fi
exit $failed
