#!/bin/sh
# run_all.sh [TKC [GUIDE.md]] -- all that needs a GPU, one after the other, with a summary.
#
# The device alone, the lessons on the GPU and on the cpu device, the guide, the lessons under CPython
# (if python3, or $PYTHON, has PyTorch and Triton), and the matrix products under memcheck and
# racecheck; sanitize.sh by itself takes all programs through three tools, which is long. A step may
# take 300 s. Status 1 if one fails, 77 if there is no GPU.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tkc=${1:-$root/build/tkc}
guide=${2:-}
python=${PYTHON:-python3}
if ! "$tkc" doctor | grep -q '^device cuda: ready'; then
    echo "SKIPPED: no GPU"
    exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

# step NAME COMMAND...: what it prints is shown; what came of it is kept for the summary.
step() {
    name=$1
    shift
    echo "== $name"
    start=$(date +%s)
    status=0
    timeout 300 "$@" || status=$?
    case $status in
    0) result=ok ;;
    77) result=skipped ;;
    124) result='FAILED: took over 300 s' && failed=1 ;;
    *) result="FAILED: status $status" && failed=1 ;;
    esac
    echo "$name: $result, $(($(date +%s) - start)) s" >> "$log"
}

if [ -x "$root/build/tests/gpu/first_contact" ]; then
    step 'first contact' "$root/tests/gpu/first_contact.sh"
fi
step 'lessons, GPU against cpu device' "$root/tests/gpu/programs.sh" "$tkc"
step 'guide' "$root/tests/gpu/guide.sh" "$tkc" ${guide:+"$guide"}
if "$python" -c 'import torch, triton' 2> /dev/null; then
    step 'lessons, tkc against CPython' python3 "$root/bench/lessons.py" --tkc "$tkc" --python "$python"
fi
TOOLS='memcheck racecheck' step 'sanitizer' "$root/tests/gpu/sanitize.sh" "$tkc" \
    "$root/lessons/intermediate/lesson_04_matrix_operations.tk" "$root/lessons/advanced/lesson_07_attention.tk"
echo "== summary"
cat "$log"
exit "$failed"
