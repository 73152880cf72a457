#!/usr/bin/env bash
# lint.sh format|tidy|cppcheck BUILD_TREE: formatting, clang-tidy, cppcheck over all C files.
#
# Each new version of these formats a little differently or finds something else to say. What
# counts is Debian 12's; with others the check is skipped, by exit status 77, and that is said.
set -euo pipefail
kind=${1:?format, tidy or cppcheck} tree=${2:?a build tree with compile_commands.json}
cd "$(dirname "$0")/.."

want_version() { # tool, version
    local found
    found=$("$1" --version | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1)
    if [[ $found != "$2" && $found != "$2".* ]]; then
        echo "skipped: $1 $found is here, and $2 is what counts"
        exit 77
    fi
}

case $kind in
format)
    want_version clang-format 14
    find config drivers daemon tests -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run -Werror
    ;;
tidy)
    want_version clang-tidy 14
    # A process a file, on all cores: given several, clang-tidy 14 sees va_lists that are not set.
    find config drivers daemon -name '*.c' -print0 |
        xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p "$tree" 2>&1 |
        { grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -' || true; }
    ;;
cppcheck)
    want_version cppcheck 2.10
    cache=$tree/cppcheck
    mkdir -p "$cache"
    # Not the tests: cmocka's macros mean nothing to it.
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability \
        --inline-suppr --suppress=missingIncludeSystem -j "$(nproc)" \
        --cppcheck-build-dir="$cache" --library=posix --std=c11 \
        -D_GNU_SOURCE -DBINDERY_VERSION='""' -DBINDERY_CONFIG='""' \
        -DBINDERY_PROFILES='""' \
        -Iconfig -Idrivers -Idaemon/base -Idaemon/account -Idaemon/live -Idaemon/poll \
        -Idaemon/forward -Idaemon -Idaemon/cli config drivers daemon
    ;;
*)
    echo "lint.sh: '$kind' is unknown; expected format, tidy or cppcheck" >&2
    exit 2
    ;;
esac
