#!/bin/sh
# CRUSH and zooid side by side: same data centre, same rack and power rules, same clients. One table on stdout.
#
#   examples/zooid-blast/compare-crush.sh [path of zooid-blast] [cells]
#
# Needs crushtool (Debian: apt-get install --no-install-recommends ceph-base). The seconds are CPU time, for both. They
# count crushtool's whole run, the start of the process and the printing of the mappings included.
set -eu
blast=${1:-build/release/bin/zooid-blast}
cells=${2:-20000}
if ! command -v crushtool >/dev/null; then
    echo "compare-crush: crushtool is not installed (Debian: ceph-base); nothing was compared" >&2
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$blast" --cells "$cells" --crush-map "$folder/map.txt" >"$folder/rules"
crushtool -c "$folder/map.txt" -o "$folder/map"
# CPU seconds, user and system, of all children so far: the second line that `times` prints.
# Not in $(...): a subshell has children of its own.
read_cpu() {
    times >"$folder/times"
    cpu=$(awk 'NR == 2 { gsub(/[ms]/, " "); print $1 * 60 + $2 + $3 * 60 + $4 }' "$folder/times")
}
rows=$(($(wc -l <"$folder/rules") - 1))
: >"$folder/mappings"
read_cpu
start=$cpu
head -n "$rows" "$folder/rules" | while read -r rule count; do
    [ "$count" -eq 0 ] || crushtool -i "$folder/map" --test --rule "$rule" --num-rep 7 --min-x 0 --max-x $((count - 1)) \
        --show-mappings >>"$folder/mappings" 2>&1
done
read_cpu
middle=$cpu
tail -n 1 "$folder/rules" | while read -r rule count; do
    crushtool -i "$folder/map" --test --rule "$rule" --num-rep 7 --min-x 0 --max-x $((count - 1)) \
        --show-mappings >>"$folder/mappings" 2>&1
done
read_cpu
end=$cpu
"$blast" --cells "$cells" --crush-mappings "$folder/mappings" \
    --crush-seconds-rows "$(awk "BEGIN{print $middle - $start}")" --crush-seconds-all "$(awk "BEGIN{print $end - $middle}")"
