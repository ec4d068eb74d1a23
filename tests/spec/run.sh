#!/usr/bin/env bash
# Model checks the specification of the protocol, lib/cell/spec/, with TLC.
#
#   TLA2TOOLS=/path/to/tla2tools.jar tests/spec/run.sh [quick] [all] [NAME...]
#
#   quick     the small models, and the mutants marked q in mutants.txt: minutes
#   all       every model and every mutant: hours (the default)
#   NAME      a model of lib/cell/spec/models, or a mutant
#   whole     seven models without their VIEW: every state counts, and there are millions; hours
#   NAME.whole  one of them, or any other model
#
# TLA2TOOLS   the jar with TLC; without it nothing is checked, and this says so
# WORKERS     threads of one TLC (1)
# HEAP        its heap (3g)
# LOGS        where each run's output stays (build/logs/spec)
#
# A model passes if TLC searches all of it and finds no error. A mutant passes if TLC finds the property violated that
# mutants.txt names; `Deadlock` is liveness (Cell.tla, LiveSpec). The last line is `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/../.."
spec=$PWD/lib/cell/spec
logs=${LOGS:-$PWD/build/logs/spec}
small="two three crash release crashrelease snapshot revive directory live"
whole="two three crash gaps again lawful crashrelease"

if [[ -z ${TLA2TOOLS:-} ]]; then
    echo "skipped: the specification was not checked. TLA2TOOLS does not name a jar with TLC."
    exit 0
fi
[[ -r $TLA2TOOLS ]] || { echo "TLA2TOOLS names no readable file: $TLA2TOOLS" >&2; exit 2; }
command -v java >/dev/null || { echo "TLC needs java" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$logs"
passed=0
failed=0

# tlc MODEL MUTANT PROPERTY LOG: with a mutant only the property that it should break is checked.
tlc() {
    local model=${1%.whole} mutant=$2 property=$3 log=$4 config=$work/$1.$2.cfg module flags=
    module=$(sed -n 's/^\\\* MODULE: *//p' "$spec/models/$model.cfg")
    sed "s/Mutant = \"none\"/Mutant = \"$mutant\"/" "$spec/models/$model.cfg" >"$config"
    if [[ $1 == *.whole ]]; then sed -i '/^VIEW/d' "$config"; fi
    if [[ -n $property ]]; then
        flags=-XX:TieredStopAtLevel=1 # short runs: less time in the compiler
        sed -i '/^PROPERTIES\|^INVARIANTS/,/^CHECK_DEADLOCK/{/^CHECK_DEADLOCK/!d}' "$config"
        if [[ $property == Deadlock ]]; then true; else echo "INVARIANT $property"; fi >>"$config"
    fi
    cp "$spec"/*.tla "$work/"
    (cd "$work" && java $flags -Xmx"${HEAP:-3g}" -XX:+UseSerialGC -cp "$TLA2TOOLS" tlc2.TLC -workers "${WORKERS:-1}" \
        -metadir "$work/states" -noGenerateSpecTE -config "$config" "${module:-MCCell}") >"$log" 2>&1
    rm -rf "$work/states"
}

figures() {
    local distinct depth
    distinct=$(sed -n 's/.* generated, \([0-9]*\) distinct states found.*/\1/p' "$1" | tail -1)
    depth=$(sed -n 's/.*depth of the complete state graph search is \([0-9]*\).*/\1/p' "$1")
    echo "${distinct:-?} distinct states, depth ${depth:-?}"
}

check_model() {
    local model=$1 log=$logs/$1.log began=$SECONDS
    tlc "$model" none "" "$log"
    if grep -q '^Model checking completed. No error has been found' "$log"; then
        passed=$((passed + 1))
        echo "model  $model: holds, $(figures "$log"), $((SECONDS - began)) s"
    else
        failed=$((failed + 1))
        echo "FAILED model $model, see $log"
    fi
}

check_mutant() {
    local mutant=$1 model=$2 property=$3 log=$logs/$2.$1.log began=$SECONDS length
    tlc "$model" "$mutant" "$property" "$log"
    if grep -qE "^Error: (Invariant $property is violated|$property reached)" "$log"; then
        passed=$((passed + 1))
        length=$(grep -c '^State [0-9]*:' "$log")
        echo "mutant $mutant: refuted, $property of $model in $length states, $(figures "$log"), $((SECONDS - began)) s"
    else
        failed=$((failed + 1))
        echo "FAILED mutant $mutant of $model is not refuted by $property, see $log"
    fi
}

mutants() { # SELECTION: q, all, or a name
    local name mark model property rest
    while read -r name mark rest; do
        [[ -z $name || $name == \#* ]] && continue
        if [[ $mark != q ]]; then rest="$mark $rest" mark=; fi
        read -r model property _ <<<"$rest"
        if [[ $1 == all || $1 == "${mark:-none}" || $1 == "$name" ]]; then check_mutant "$name" "$model" "$property"; fi
    done <"$spec/mutants.txt"
}

for what in "${@:-all}"; do
    case $what in
    quick)
        for model in $small; do check_model "$model"; done
        mutants q
        ;;
    all)
        for config in "$spec"/models/*.cfg; do check_model "$(basename "$config" .cfg)"; done
        mutants all
        ;;
    whole)
        for model in $whole; do check_model "$model.whole"; done
        ;;
    *)
        if [[ -r $spec/models/${what%.whole}.cfg ]]; then
            check_model "$what"
        elif grep -q "^$what " "$spec/mutants.txt"; then
            mutants "$what"
        else
            echo "no model and no mutant is called $what" >&2
            exit 2
        fi
        ;;
    esac
done

echo "$passed passed, $failed failed"
((failed == 0))
