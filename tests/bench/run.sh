#!/usr/bin/env bash
# Measures what the gateway costs: installs what is missing, builds with optimisation, runs.
#   tests/bench/run.sh [SCENARIO…] [--with collectd] [--with node-red]      --help says more
set -euo pipefail
cd "$(dirname "$0")/../.."

tests/install-packages build test
cmake --preset release -DBINDERY_BENCH=ON >/dev/null
cmake --build --preset release | tail -n 1
BINDERY_BUILD=$PWD/build/release exec /usr/bin/python3 tests/bench/run.py "$@"
