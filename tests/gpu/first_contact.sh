#!/bin/sh
# first_contact.sh [PROGRAM] -- runs the cuda device on a real GPU, with hand-written PTX.
#
# PROGRAM is the built first_contact, by default the one in ./build or beside this script. It needs
# nothing but a C library and the driver, so it can be carried to a machine with a GPU.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-}
for candidate in "$here/../../build/tests/gpu/first_contact" "$here/first_contact"; do
    if [ -z "$program" ] && [ -x "$candidate" ]; then
        program=$candidate
    fi
done
if [ -z "$program" ]; then
    echo "first_contact is not built: cmake --build build --target first_contact" >&2
    exit 1
fi
status=0
"$program" || status=$?
if [ "$status" = 77 ]; then
    echo "no GPU here"
fi
exit "$status"
