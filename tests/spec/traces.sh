#!/usr/bin/env bash
# Runs of the simulated world, step by step, against the specification: tests/spec/check_trace.py.
#
#   tests/spec/traces.sh ZOOID-SIM [FROM] [TO]
#
# The first 40,000 steps are judged; a beginning of a run is a run. Every seed from FROM to TO (1 to 3) is run under
# each profile that leaves disks alone: damaged votes are no part of the specification. The first of each is forged
# besides: every forgery must be refused, and each kind have been tried somewhere. If the program contains the
# deliberate bugs of base/mutant.hpp, ten of those that break an action must be refused in one of the runs each.
#
# Leases are no part of it either. Under the profile `leases` a read may rest on one, and is asked only whether it
# missed anything; all else is judged as ever. Nothing is forged there.
set -uo pipefail
simulator=$1
from=${2:-1}
to=${3:-3}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# With fewer calls there are more changes among the first steps.
calls() { [[ $1 == replacements ]] && echo 5 || echo 50; }

# live SEED PROFILE [OPTION...]: its first steps, if the life ended well
live() {
    local seed=$1 profile=$2 status
    shift 2
    rm -f "$work/all"
    "$simulator" --seed "$seed" --profile "$profile" --calls-per-second "$(calls "$profile")" "$@" \
        --steps "$work/all" >"$work/life" 2>&1
    status=$?
    head -n 40000 "$work/all" >"$work/steps" 2>/dev/null
    return $status
}

# check SEED PROFILE [OPTION...]: the last line of the checker
check() {
    local seed=$1 profile=$2
    shift 2
    if ! live "$seed" "$profile"; then
        tail -n 5 "$work/life" >"$work/verdict"
        return 1
    fi
    python3 -B "$here/check_trace.py" "$@" "$work/steps" >"$work/verdict"
}

for profile in calm lossy partitions crashes replacements versions leases; do
    for seed in $(seq "$from" "$to"); do
        options=()
        if [[ $seed == "$from" ]]; then options=(--mutants); fi
        if [[ $profile == leases ]]; then options=(--leases); fi
        if check "$seed" "$profile" "${options[@]}"; then
            echo "seed $seed, $profile: $(head -1 "$work/verdict")"
        else
            failed=1
            echo "FAILED: zooid-sim --seed $seed --profile $profile --calls-per-second $(calls "$profile") --steps FILE;" \
                "check_trace.py ${options[*]} FILE"
            cat "$work/verdict"
        fi
        grep ' refused' "$work/verdict" >>"$work/forged"
    done
done
for kind in $(sed -n 's/^\([a-z_]*\): [0-9]* of [0-9]* refused.*/\1/p' "$work/forged" | sort -u); do
    if ! grep -q "^$kind: [1-9]" "$work/forged"; then
        failed=1
        echo "FAILED: no run had a place for the forgery $kind"
    fi
done

refused_somewhere() {
    local seed
    for seed in $(seq 1 20); do
        live "$seed" "$2" --mutant "$1" # it may end badly, and must have begun
        if [[ ! -s $work/steps ]]; then
            failed=1
            echo "FAILED: mutant $1 has no steps at seed $seed of $2"
            return
        fi
        python3 -B "$here/check_trace.py" "$work/steps" >"$work/verdict"
        if [[ $(tail -1 "$work/verdict") == refused ]]; then
            echo "mutant $1: refused at seed $seed: $(tail -2 "$work/verdict" | head -1)"
            return
        fi
    done
    failed=1
    echo "FAILED: mutant $1 is accepted in 20 runs of $2"
}

"$simulator" --seed 1 --profile calm --mutant skip_phase_one >"$work/life" 2>&1
if [[ $? -ne 64 ]]; then # 64: this build has no mutants
    refused_somewhere acknowledge_before_durable crashes
    refused_somewhere forget_promise_on_restart crashes
    refused_somewhere skip_phase_one partitions
    refused_somewhere reuse_slot calm
    refused_somewhere accept_without_raising_promise partitions
    refused_somewhere read_without_quorum partitions
    refused_somewhere skip_extension replacements
    refused_somewhere run_ahead_of_alpha replacements
    refused_somewhere release_too_early replacements
    refused_somewhere retire_when_removed replacements
fi
exit $failed
