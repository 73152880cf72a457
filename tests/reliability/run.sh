#!/usr/bin/env bash
# The catalogue of what goes wrong, against the real daemon: installs what is missing, builds, runs.
#   tests/reliability/run.sh [NAME…] [--seeds N] [--seed N]      --help says more
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/install-packages build test
cmake --preset debug >/dev/null
cmake --build --preset debug | tail -n 1
build=$PWD/build/debug
export BINDERYD=$build/daemon/binderyd BINDERY=$build/daemon/cli/bindery FAKE_CLOCK=$build/tests/fake_clock.so
export ASAN_OPTIONS=detect_stack_use_after_return=1:abort_on_error=0:exitcode=99
export LSAN_OPTIONS=print_suppressions=0:suppressions=$PWD/tests/lsan.supp UBSAN_OPTIONS=print_stacktrace=1
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tests/reliability/run.py "$@"
