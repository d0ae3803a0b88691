#!/bin/sh
# sanitize.sh [TKC [FILE]...] -- runs programs on a GPU under NVIDIA's compute-sanitizer.
#
# memcheck looks for accesses outside of allocations, racecheck for races in shared memory, synccheck
# for barriers that not all threads reach; $TOOLS names others. By default the lessons and
# tests/run/programs. Status 1 if anything is found, 77 if there is no GPU or no compute-sanitizer.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tkc=${1:-$root/build/tkc}
[ $# -eq 0 ] || shift
if ! "$tkc" doctor | grep -q '^device cuda: ready' || ! command -v compute-sanitizer > /dev/null; then
    echo "SKIPPED: no GPU, or no compute-sanitizer"
    exit 77
fi
if [ $# -eq 0 ]; then
    set -- "$root"/lessons/*/*.tk "$root"/tests/run/programs/*.tk
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
found=0
for tool in ${TOOLS:-memcheck racecheck synccheck}; do
    for program in "$@"; do
        if ! compute-sanitizer --tool "$tool" --error-exitcode 99 "$tkc" run --device=cuda "$program" > "$log" 2>&1; then
            found=1
            echo "$tool: $program"
            grep -E '=====|rror' "$log" | head -n 20
        fi
    done
done
[ "$found" = 0 ] && echo "nothing found in $# programs"
exit "$found"
