#!/usr/bin/env bash
# The process ends at every moment, by kill -9 and by every fault of disk and memory: installs what
# is missing, builds, runs. With BINDERYD and BINDERY in the environment those are taken.
#   tests/reliability/crash.sh [kill|syscalls|allocation] [--cycles N] [--seed S] [--all]
# --help says more. Exit status 77: nothing of what was asked for can run here.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ -z ${BINDERYD:-} && " $* " != *" --help "* && " $* " != *" -h "* ]]; then
    tests/install-packages build test
    cmake --preset release >/dev/null
    cmake --build --preset release | tail -n 1
    export BINDERYD=$PWD/build/release/daemon/binderyd BINDERY=$PWD/build/release/daemon/cli/bindery
fi
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tests/reliability/crash.py "$@"
