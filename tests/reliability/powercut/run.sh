#!/usr/bin/env bash
# Power cuts. The gateway runs in a small guest on a disk whose every write and flush is recorded;
# then each point of that record is taken for the moment of a power cut: what would be on the disk
# is mounted, and the database there must be whole and hold all that had been reported.
#   tests/reliability/powercut/run.sh [--points N] [--seed S] [--seconds GUEST_SECONDS]
#                                     [--durability always|outage] [--keep DIR]    --help says more
# BINDERY_BUILD names an optimised tree that is built already, with everything installed.
# Exit status 77: not on this machine, and why.
set -euo pipefail
cd "$(dirname "$0")/../../.."

skip() {
    echo "powercut: skipped: $*"
    exit 77
}
[[ $EUID -eq 0 ]] || skip "it needs root, for loop devices and mounts"
if [[ -z ${BINDERY_BUILD:-} ]]; then
    tests/install-packages build powercut
    cmake --preset release -DBUILD_TESTING=OFF >/dev/null
    cmake --build --preset release | tail -n 1
    BINDERY_BUILD=$PWD/build/release
fi
BINDERY_BUILD=$(realpath "$BINDERY_BUILD")
export BINDERY_BUILD
export BINDERYD=$BINDERY_BUILD/daemon/binderyd BINDERY=$BINDERY_BUILD/daemon/cli/bindery
export PATH=$PATH:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1
# Mounts of its own, which no accident can leave behind.
unshare --mount true 2>/dev/null || skip "it may not have mounts of its own here"
exec unshare --mount --propagation private /usr/bin/python3 tests/reliability/powercut/run.py "$@"
