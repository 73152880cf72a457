#!/usr/bin/env bash
# An hour of a plant that lives at speed, with the real gateway and broker, an outage of the broker
# and kills of the gateway: installs what is missing, builds, and holds what was received against
# what happened. With BINDERYD and BINDERY in the environment those are taken.
#   tests/story.sh [--minutes 60] [--speed 20]      --help says more
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${BINDERYD:-} && " $* " != *" --help "* && " $* " != *" -h "* ]]; then
    tests/install-packages build test
    cmake --preset release >/dev/null
    cmake --build --preset release | tail -n 1
    export BINDERYD=$PWD/build/release/daemon/binderyd BINDERY=$PWD/build/release/daemon/cli/bindery
fi
export BINDERY_SOURCE=$PWD PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 tests/e2e/story_hour.py "$@"
