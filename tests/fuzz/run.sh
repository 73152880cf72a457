#!/usr/bin/env bash
# Hostile bytes: every harness of this folder under libFuzzer, ASan and UBSan, from its seeds.
# Installs what is missing, builds with clang, runs two at a time, prints a table; what failed is
# told with the input that does it, and the exit status is 1.
#   tests/fuzz/run.sh [HARNESS…]       half a minute each
#     --seconds N | --executions N     how long; what is found stays in build/fuzz/corpus
#     --jobs N                         how many at a time, by default 2
#     --grow                           adds what reaches more to the seeds, smallest inputs first
#     --coverage                       says what seeds and corpora reach of each parser
set -euo pipefail
cd "$(dirname "$0")/../.."

seeds=tests/fuzz/seeds tree=build/fuzz corpora=build/fuzz/corpus crashes=build/fuzz/crashes
# Of one harness, what --grow lets into the repository.
most_bytes=40000 most_files=65

seconds=30 executions=-1 jobs=2 grow=no coverage=no harnesses=()
die() {
    echo "$0: $*" >&2
    exit 2
}
number() { # option, argument
    [[ ${2-} =~ ^[0-9]+$ ]] || die "$1: '${2-}' is no number"
    echo "$2"
}
while [[ $# -gt 0 ]]; do
    case $1 in
    --seconds)
        seconds=$(number "$1" "${2-}")
        shift
        ;;
    --executions)
        executions=$(number "$1" "${2-}") seconds=0
        shift
        ;;
    --jobs)
        jobs=$(number "$1" "${2-}")
        shift
        ;;
    --grow) grow=yes ;;
    --coverage) coverage=yes ;;
    -*) die "'$1' is unknown; expected --seconds, --executions, --jobs, --grow or --coverage" ;;
    *)
        [[ -f tests/fuzz/fuzz_$1.c ]] || die "there is no harness '$1'"
        harnesses+=("$1")
        ;;
    esac
    shift
done
if [[ ${#harnesses[@]} -eq 0 ]]; then
    for file in tests/fuzz/fuzz_*.c; do
        name=${file##*/fuzz_}
        harnesses+=("${name%.c}")
    done
fi

tests/install-packages build fuzz

build() { # tree, arguments for cmake
    local log=$1.log
    mkdir -p build
    { cmake -S . -B "$1" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
        -DBUILD_TESTING=OFF -DBINDERY_FUZZ=ON "${@:2}" &&
        cmake --build "$1" --target fuzz; } >"$log" 2>&1 || {
        cat "$log"
        echo "building $1 failed" >&2
        exit 1
    }
}

# What a harness that crashed leaves behind goes with this.
TMPDIR=$(mktemp -d /dev/shm/fuzz-bindery-XXXXXX)
trap 'rm -rf "$TMPDIR"' EXIT
export TMPDIR
export ASAN_OPTIONS=detect_stack_use_after_return=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1

fuzz() { # harness
    local name=$1 status=0 dictionary=()
    mkdir -p "$corpora/$name" "$seeds/$name"
    [[ ! -f tests/fuzz/$name.dict ]] || dictionary=("-dict=tests/fuzz/$name.dict")
    rm -f "$crashes/$name"-*
    "$tree/tests/fuzz/fuzz_$name" "$corpora/$name" "$seeds/$name" "${dictionary[@]}" \
        -max_total_time="$seconds" -runs="$executions" -print_final_stats=1 -timeout=10 \
        -artifact_prefix="$crashes/$name-" >"$tree/$name.log" 2>&1 || status=$?
    echo "$status" >"$tree/$name.status"
}

fuzz_all() {
    local name running=0
    for name in "${harnesses[@]}"; do
        if ((running >= jobs)); then
            wait -n || true
            running=$((running - 1))
        fi
        fuzz "$name" &
        running=$((running + 1))
    done
    wait
}

# A row from what libFuzzer said last: "#N … cov: EDGES ft: … corp: FILES/BYTES …".
print_row() { # harness, status
    awk -v name="$1" -v failed="$2" '
        / cov: / { for (i = 1; i < NF; i++) {
                       if ($i == "cov:") edges = $(i + 1)
                       if ($i == "corp:") corpus = $(i + 1) } }
        /^stat::number_of_executed_units:/ { executions = $2 }
        /^stat::average_exec_per_sec:/ { rate = $2 }
        END { printf "%-10s %12s %14s %8s %16s%s\n", name, executions, rate, edges, corpus,
                     failed == "0" ? "" : "  FAILED" }' "$tree/$1.log"
}

tell_failure() { # harness
    local name=$1 input shown=no
    for input in "$crashes/$name"-*; do
        [[ -f $input ]] || continue
        shown=yes
        echo "$name: $input"
        echo "  replay: $tree/tests/fuzz/fuzz_$name $input"
    done
    [[ $shown == yes ]] || echo "$name: ended without an input"
    grep -m 3 -E 'ERROR:|runtime error:|does not hold:|SUMMARY:' "$tree/$name.log" | sed 's/^/  /'
}

report() {
    local name failed=0
    printf '%-10s %12s %14s %8s %16s\n' harness executions executions/s edges corpus
    for name in "${harnesses[@]}"; do
        print_row "$name" "$(<"$tree/$name.status")"
    done
    for name in "${harnesses[@]}"; do
        if [[ $(<"$tree/$name.status") != 0 ]]; then
            tell_failure "$name"
            failed=1
        fi
    done
    return $failed
}

# What was written by hand has a name and stays; of what was found, named by its hash, the smallest
# inputs that reach more than the others.
grow() { # harness
    local name=$1 merged=$tree/merged/$1 file size bytes=0 files=0
    rm -rf "$merged"
    mkdir -p "$merged"
    find "$seeds/$name" -type f -name '*.*' -exec cp -t "$merged" {} +
    "$tree/tests/fuzz/fuzz_$name" -merge=1 "$merged" "$seeds/$name" "$corpora/$name" \
        >"$tree/$name.merge.log" 2>&1
    find "$seeds/$name" -type f ! -name '*.*' -delete
    while read -r size file; do
        bytes=$((bytes + size)) files=$((files + 1))
        ((bytes <= most_bytes && files <= most_files)) || break
        cp "$file" "$seeds/$name/"
    done < <(find "$merged" -type f ! -name '*.*' -printf '%s %p\n' | sort -n)
    echo "$name: $(find "$seeds/$name" -type f | wc -l) seeds," \
        "$(cat "$seeds/$name"/* | wc -c) bytes"
}

measure_coverage() {
    local name tree=build/fuzz-coverage binaries=()
    build "$tree" -DBINDERY_SANITIZE= \
        -DCMAKE_C_FLAGS="-fprofile-instr-generate -fcoverage-mapping"
    rm -f "$tree"/*.profraw
    for name in "${harnesses[@]}"; do
        mkdir -p "$corpora/$name"
        find "$seeds/$name" "$corpora/$name" -type f -print0 |
            LLVM_PROFILE_FILE="$tree/$name-%p.profraw" xargs -0 \
                "$tree/tests/fuzz/fuzz_$name" >"$tree/$name.log" 2>&1
        binaries+=(-object "$tree/tests/fuzz/fuzz_$name")
    done
    llvm-profdata merge -sparse -o "$tree/all.profdata" "$tree"/*.profraw
    llvm-cov export -instr-profile="$tree/all.profdata" "${binaries[@]:1}" >"$tree/coverage.json"
    /usr/bin/python3 tests/fuzz/coverage.py "$tree/coverage.json"
}

build "$tree" -DBINDERY_SANITIZE=address,undefined,fuzzer-no-link \
    -DCMAKE_C_FLAGS_DEBUG="-g -O1"
mkdir -p "$crashes"
fuzz_all
report
if [[ $grow == yes ]]; then
    for name in "${harnesses[@]}"; do
        grow "$name"
    done
fi
[[ $coverage == no ]] || measure_coverage
