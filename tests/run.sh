#!/usr/bin/env bash
# Every test of a normal run: installs what is missing, builds three ways, and lets ctest run
#   the unit tests under ASan and UBSan, those of the threaded modules under TSan as well,
#   the end-to-end tests against real peers, the load test on an optimised build, and lint.
# Arguments go to ctest:  tests/run.sh -R e2e_mqtt
set -euo pipefail
cd "$(dirname "$0")/.."

tests/install-packages build test fuzz powercut

step() { printf '\n== %s\n' "$*"; }

configure_and_build() { # preset, further arguments for cmake; what to build: $targets, else all
    local preset=$1 log=build/$1.log
    shift
    step "building $preset"
    mkdir -p build
    # The prefix is what cmake --install is tested with: /usr, as Debian's packages have it.
    { cmake --preset "$preset" -DCMAKE_INSTALL_PREFIX=/usr "$@" &&
        cmake --build --preset "$preset" ${targets:+--target $targets}; } >"$log" 2>&1 || {
        cat "$log"
        echo "building $preset failed" >&2
        return 1
    }
    tail -n 1 "$log"
}

configure_and_build release -DBUILD_TESTING=OFF -DBINDERY_BENCH=ON
targets="binderyd bindery test_queue test_mailbox test_resolver test_tap test_uplink" \
    configure_and_build tsan
# The tree all tests are registered in: it is told where the others are.
configure_and_build debug -DBINDERY_RELEASE_TREE="$PWD/build/release" \
    -DBINDERY_TSAN_TREE="$PWD/build/tsan"

step "testing"
# What each test said, figures among it, is in build/debug/Testing/Temporary/LastTest.log.
# Most of them wait for something most of the time: one more than there are processors.
exec ctest --preset debug --no-tests=error -j "$(($(nproc) + 1))" "$@"
