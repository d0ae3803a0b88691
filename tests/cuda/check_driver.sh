#!/bin/sh
# check_driver.sh CC ROOT -- compares tkc's table of the CUDA driver API with cuda.h.
#
# Status 77 (skipped) where no cuda.h is found. Then compiles with it the stand-in for the driver that generated C is
# tested over, and breaks one row, which must be noticed.
set -eu
cc=$1
root=$2
header=
nvcc=$(command -v nvcc || true)
for folder in ${CUDA_PATH:+"$CUDA_PATH/include"} \
    ${nvcc:+"$(dirname "$(readlink -f "$nvcc")")/../include"} \
    /usr/local/cuda/include /usr/local/include /usr/include; do
    if [ -f "$folder/cuda.h" ]; then
        header=$folder
        break
    fi
done
if [ -z "$header" ]; then
    echo "SKIPPED: no cuda.h; the table of the driver's functions is not checked"
    exit 77
fi
check() {
    "$cc" -std=c17 -Wall -Werror -fsyntax-only "-I$1" "-I$root" -isystem "$header" \
        "$root/tests/cuda/check_driver.c"
}
check "$root"
"$cc" -std=c17 -Wall -Werror -fsyntax-only -isystem "$header" "$root/tests/cuda/stub_aot.c"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/runtime/cuda"
for change in 's/(CudaPtr address)/(CudaPtr *address)/' 's/ILLEGAL_ADDRESS, 700/ILLEGAL_ADDRESS, 701/'; do
    sed "$change" "$root/runtime/cuda/driver.def" > "$scratch/runtime/cuda/driver.def"
    if cmp -s "$root/runtime/cuda/driver.def" "$scratch/runtime/cuda/driver.def"; then
        echo "'$change' changes nothing"
        exit 1
    fi
    if check "$scratch" 2> /dev/null; then
        echo "a wrong row passed: $change"
        exit 1
    fi
done
echo "$(grep -c '^CUDA_' "$root/runtime/cuda/driver.def") rows agree with $header/cuda.h"
