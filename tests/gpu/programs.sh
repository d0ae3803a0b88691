#!/bin/sh
# programs.sh [TKC [FILE]...] -- runs programs on a GPU and on the cpu device; their output must agree.
#
# By default the lessons. Lines that tell times are not compared: those in which a number is followed
# by ms, us, GB/s or the like. Status 1 if a program fails or differs, 77 if there is no GPU.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tkc=${1:-$root/build/tkc}
[ $# -eq 0 ] || shift
if ! "$tkc" doctor | grep -q '^device cuda: ready'; then
    echo "SKIPPED: no GPU"
    exit 77
fi
if [ $# -eq 0 ]; then
    set -- "$root"/lessons/*/*.tk
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
for program in "$@"; do
    result=ok
    for device in cpu cuda; do
        status=0
        "$tkc" run "--device=$device" "$program" > "$scratch/$device" 2> "$scratch/$device.err" || status=$?
        grep -vE '[0-9] *(ns|us|ms|s|GB/s|TFLOP|GFLOP|x)\b' "$scratch/$device" > "$scratch/$device.cut" || true
        if [ "$status" != 0 ]; then
            result="status $status on $device: $(head -n 1 "$scratch/$device.err")"
        fi
    done
    if [ "$result" = ok ] && ! cmp -s "$scratch/cpu.cut" "$scratch/cuda.cut"; then
        result="differs: $(diff "$scratch/cpu.cut" "$scratch/cuda.cut" | head -n 4 | tr '\n' ' ')"
    fi
    echo "$result: ${program#"$root"/}"
    [ "$result" = ok ] || failed=$((failed + 1))
done
echo "$# programs, $failed failed"
[ "$failed" = 0 ]
