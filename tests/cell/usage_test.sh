#!/usr/bin/env bash
# What the tools of the cell's tests can't do they refuse, and say what it is.
#
#   tests/cell/usage_test.sh EXPLORER SCENARIO_RUNNER
set -uo pipefail
explorer=$1
runner=$2
failed=0

# refuses STATUS WORDS COMMAND...
refuses() {
    local status=$1 words=$2 said is
    shift 2
    said=$("$@" 2>&1)
    is=$?
    if [[ $is -ne $status || $said != *"$words"* ]]; then
        failed=1
        echo "FAILED: $*: status $is, ${said:0:200}"
    fi
}

refuses 64 "--depth takes a whole number" "$explorer" --depth x
refuses 64 "--depth takes a whole number" "$explorer" --depth
refuses 64 "--states takes a whole number" "$explorer" --states 1e5
refuses 64 "--replicas takes an odd number" "$explorer" --replicas 4
refuses 64 "--replicas takes a whole number from 1 to 9" "$explorer" --replicas 11
refuses 64 "--slots takes a whole number from 1 to 4" "$explorer" --slots 99999999
refuses 64 "--proposers takes a whole number from 1 to 9" "$explorer" --proposers 99
refuses 64 "--proposers takes a whole number" "$explorer" --proposers -1
refuses 64 "--proposers: there are fewer --replicas" "$explorer" --proposers 4
refuses 64 "--alpha takes a whole number from 1 to 16" "$explorer" --alpha 257
refuses 64 "--replacement begins with 3 --replicas" "$explorer" --replicas 5 --replacement
refuses 64 "--releases needs --replacement" "$explorer" --releases
refuses 64 "what is --nothing?" "$explorer" --nothing 1
refuses 1 "no_such_file.txt: cannot read it" "$runner" no_such_file.txt
exit $failed
