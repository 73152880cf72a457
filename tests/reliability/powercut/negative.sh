#!/usr/bin/env bash
# Shows that run.sh would notice: a gateway that was changed to synchronous=NORMAL, which gives its
# word for commits that are not on the disk yet, must fail it.
#   tests/reliability/powercut/negative.sh [ARGUMENTS FOR run.sh]
set -euo pipefail
cd "$(dirname "$0")/../../.."

copy=$(mktemp -d "${TMPDIR:-/tmp}/powercut-negative.XXXXXX")
trap 'rm -rf "$copy"' EXIT

[[ -n ${BINDERY_BUILD:-} ]] || tests/install-packages build powercut
mkdir "$copy/source"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$copy/source"
changed=$copy/source/daemon/forward/sql.c
sed -i 's/PRAGMA synchronous = FULL/PRAGMA synchronous = NORMAL/' "$changed"
if cmp -s daemon/forward/sql.c "$changed"; then
    echo "negative: daemon/forward/sql.c has no line to change" >&2
    exit 1
fi
cmake -S "$copy/source" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DBUILD_TESTING=OFF >/dev/null
cmake --build "$copy/build" | tail -n 1
# The kernel need not be fetched once more.
kernel=${BINDERY_BUILD:-build/release}/powercut-kernel
[[ ! -d $kernel ]] || cp -r "$kernel" "$copy/build/"

status=0
BINDERY_BUILD=$copy/build tests/reliability/powercut/run.sh --restart-every 0 --seconds 20 \
    --points 200 "$@" | tee "$copy/said" || status=$?
if [[ $status -eq 0 ]]; then
    echo "negative: synchronous=NORMAL went unnoticed" >&2
    exit 1
fi
# For that reason, not for another one.
grep -q 'was committed, the newest is' "$copy/said" || exit "$status"
echo "negative: caught, as it must be"
