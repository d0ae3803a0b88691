#!/bin/sh
# aot.sh [TKC] -- kernels compiled ahead of time, launched from C on a GPU: the program of docs/aot.md, and lesson 11's
# kernel with every number checked.
#
# Needs a C compiler and the driver, no CUDA toolkit: cuda.h is tests/cuda/include. With ptxas, machine code is tried,
# too. Status 1 if something is wrong, 77 if there is no GPU.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tkc=$(readlink -f "${1:-$root/build/tkc}")
if ! "$tkc" doctor | grep -q '^device cuda: ready'; then
    echo "SKIPPED: no GPU"
    exit 77
fi
driver=$(ldconfig -p | sed -n 's/.*libcuda\.so\.1 .*=> //p' | head -n 1)
driver=${driver:-$(find /usr /lib -name libcuda.so.1 2> /dev/null | head -n 1)}
if [ -z "$driver" ]; then
    echo "no libcuda.so.1 to link with"
    exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
mkdir bin
ln -s "$tkc" bin/tkc
PATH=$scratch/bin:$PATH
block() {
    python3 "$root/tests/docs/Inputs/block.py" "$root/docs/aot.md" "$1" 1
}
build() {
    cc -O2 -std=c99 -Wall -Wextra -I"$root/tests/cuda/include" "$@" "$driver" -ldl -lm
}
block python > add.tk
block c > main.c
block sh > build.sh
sh build.sh
build -Isrc main.c src/add.c -o add
test "$(./add)" = "2 1998"
echo "ok: docs/aot.md"

cat > library.tk << 'END'
import sys
from triton_tutorials.lessons.expert.lesson_11_production import build_library
build_library(sys.argv[1], targets=["sm_80", "sm_90", "sm_90a"], embed=sys.argv[2])
END
kinds=ptx
if command -v ptxas > /dev/null; then
    kinds="ptx cubin both"
fi
for kind in $kinds; do
    tkc run --device=cuda library.tk "$kind" "$kind"
    build "-I$kind" "$root/tests/cuda/aot_production.c" "$kind/production.c" "$kind/production_f16.c" -o "app-$kind"
    "./app-$kind"
    echo "ok: lesson 11, $kind"
done
