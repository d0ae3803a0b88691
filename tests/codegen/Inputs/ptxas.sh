#!/bin/sh
# Stands in for ptxas: takes its arguments, says what it says, and writes some bytes. What it does
# depends on how it is called: the last part of its name behind a dash.
output= ptx=
while [ $# -gt 0 ]; do
    case $1 in
    -o) output=$2 && shift ;;
    -arch=*) arch=${1#-arch=} ;;
    -*) ;;
    *) ptx=$1 ;;
    esac
    shift
done
case ${0##*-} in
good)
    cat >&2 <<END
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'k' for '$arch'
ptxas info    : Function properties for k
    8 bytes stack frame, 1024 bytes spill stores, 512 bytes spill loads
ptxas info    : Used 26 registers, used 1 barriers, 16 bytes smem
END
    printf '\177ELF\0for %s\n' "$arch" >"$output"
    ;;
strict)
    line=$(grep -n 'add.*f32' "$ptx" | head -n 1 | cut -d: -f1)
    for i in 0 1 2 3 4 5 6; do
        echo "ptxas $ptx, line $((line + i)); error   : Unknown modifier '.foo'" >&2
    done
    echo "ptxas fatal   : Ptx assembly aborted due to errors" >&2
    exit 255
    ;;
old)
    echo "ptxas fatal   : Value '$arch' is not defined for option 'gpu-name'" >&2
    exit 255
    ;;
crash) kill -SEGV $$ ;;
idle) ;;
esac
