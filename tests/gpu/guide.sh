#!/bin/sh
# guide.sh [TKC [GUIDE.md]] -- runs the guide's Quick Test and its examples on a GPU.
#
# With the guide itself, the programs are also compared with its text. Status 1 if one fails, or says
# that its result is not correct; 77 if there is no GPU.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tkc=${1:-$root/build/tkc}
if ! "$tkc" doctor | grep -q '^device cuda: ready'; then
    echo "SKIPPED: no GPU"
    exit 77
fi
exec python3 "$root/tests/lessons/guide.py" "$tkc" --device=cuda ${2:+"--guide=$2"}
