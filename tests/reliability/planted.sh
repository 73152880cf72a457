#!/usr/bin/env bash
# Plants known bugs and shows that the bench catches each: installs what is missing, builds, runs.
#   tests/reliability/planted.sh [NAME…]      --help says more
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/install-packages build test
cmake --preset debug >/dev/null
cmake --build --preset debug --target fake_clock | tail -n 1
export FAKE_CLOCK=$PWD/build/debug/tests/fake_clock.so PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tests/reliability/planted.py "$@"
