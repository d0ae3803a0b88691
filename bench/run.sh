#!/bin/sh
# run.sh -- what docs/performance.md reports: times and memory of the release build.
#
#     bench/run.sh [BUILD]        BUILD: the build folder, default ./build
#
# Whole-process times are the least of ten runs; memory is the peak resident set.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
tkc=$(cd "${1:-$root/build}" && pwd)/tkc
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Runs a command ten times; prints the least wall time and processor time in milliseconds and the peak
# memory in MB. On a busy machine the processor time tells more.
measure() {
    python3 - "$@" <<'PYTHON'
import os, subprocess, sys, time
best, busy, peak = float("inf"), float("inf"), 0
for _ in range(10):
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    best = min(best, time.perf_counter() - start)
    busy = min(busy, usage.ru_utime + usage.ru_stime)
    peak = max(peak, usage.ru_maxrss)
    if status != 0:
        sys.exit(f"{sys.argv[2:]} failed with wait status {status}")
print(f"{sys.argv[1]}: {best * 1000:.1f} ms, processor {busy * 1000:.1f} ms, {peak / 1024:.1f} MB")
PYTHON
}

# A program of 1,000 lines: lesson 3 without its main, again and again under other names.
python3 - "$root/lessons/beginner/lesson_03_basic_operations.tk" "$scratch/thousand.tk" <<'PYTHON'
import re, sys
text = open(sys.argv[1]).read().split('if __name__')[0]
names = re.findall(r"^def (\w+)", text, re.M)
out = []
copy = 0
while len(out) < 1000:
    body = text
    for name in names:
        body = re.sub(rf"\b{name}\b", f"{name}_{copy}", body)
    out += body.split("\n")
    copy += 1
open(sys.argv[2], "w").write("\n".join(out[:out.index("", 1000)] if "" in out[1000:] else out) + "\n")
PYTHON

measure "tkc check of $(wc -l < "$scratch/thousand.tk") lines" "$tkc" check "$scratch/thousand.tk"
measure "tkc build, vector add to PTX" "$tkc" build "$root/bench/vector_add.tk" --emit=ptx \
    --kernel=add_kernel --signature='*fp32:16, *fp32:16, *fp32:16, i32:16, 1024'
measure "tkc build, long_kernel.tk to PTX" "$tkc" build "$root/bench/long_kernel.tk" --emit=ptx \
    --kernel=decode_step --signature="$(sed -n 's/^# signature: //p' "$root/bench/long_kernel.tk")"
measure "tkc build, a matrix product to PTX" "$tkc" build "$root/bench/gpu/matmul.tk" --emit=ptx \
    --target=sm_90a --kernel=matmul_kernel --num-warps=8 --num-stages=3 \
    --signature="$(sed -n 's/^# signature: //p' "$root/bench/gpu/matmul.tk")"
measure "tkc run, start to end of a first kernel" "$tkc" run --device=cpu "$root/bench/first_kernel.tk"
"$tkc" run --device=cpu "$root/bench/vector_add.tk"
"$tkc" run --device=cpu --no-checks "$root/bench/vector_add.tk" | sed 's/$/ (--no-checks)/'
"$tkc" run --device=cpu "$root/bench/matmul.tk"
measure "vector add, whole program" "$tkc" run --device=cpu "$root/bench/vector_add.tk"
