#!/usr/bin/env bash
# Installs what is missing on Debian 12, and nothing else: nothing is removed, and a machine that has everything
# is left alone, network included.
#
#   examples/setup.sh            what the programs need
#   examples/setup.sh tests      and what the tests and benchmarks need
#
# ZOOID_SETUP=off skips it, for machines where the libraries come from elsewhere.
set -euo pipefail

packages=(cmake ninja-build g++ libboost1.81-dev libfmt-dev libssl-dev libxxhash-dev libcli11-dev)
if [ "${1:-}" = tests ]; then
    packages+=(git ccache catch2 libbenchmark-dev clang-19 libclang-rt-19-dev clang-format-14 python3)
fi

if [ "${ZOOID_SETUP:-on}" = off ]; then exit 0; fi
if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is not Debian; the build needs the equivalents of: ${packages[*]}" >&2
    exit 0
fi

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

# The headers of two versions of Boost exclude each other in Debian; which one goes is not ours to decide.
if [[ " ${missing[*]} " == *" libboost1.81-dev "* ]]; then
    # dpkg-query fails where no package of that name was ever known: then nothing is in the way.
    in_the_way=$({ dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' 'libboost*-dev' 2>/dev/null || true; } |
        sed -n 's/^installed //p' | tr '\n' ' ')
    if [ -n "$in_the_way" ]; then
        echo "setup: libboost1.81-dev is needed, and these packages of another Boost are in its way: $in_the_way" >&2
        echo "setup: nothing was changed. If you can do without them: apt-get remove $in_the_way" >&2
        exit 1
    fi
fi

install=(apt-get install --no-remove --no-install-recommends -y "${missing[@]}")
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: missing packages; as root, run: ${install[*]}" >&2
    exit 1
fi
echo "setup: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
"${install[@]}"
