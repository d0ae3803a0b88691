#!/bin/sh
# Sets up, builds and tests tkc on Debian 12 and its kin.
#
#   ./build.sh            install what is missing, build the release binary build/tkc
#   ./build.sh lessons    ... and run every lesson on the best device present
#   ./build.sh check      ... and run the quick tests
#   ./build.sh book       ... and make build/book.html of the guide and the lessons
#   ./build.sh test       ... and run all tests, of the release build and of one with sanitizers
#
# A second run installs nothing and builds only what has changed. JOBS=N limits parallel work.
set -eu
cd "$(dirname "$0")"

JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}

say() {
    printf '%s\n' "build.sh: $*"
}

die() {
    printf '%s\n' "build.sh: $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

have_library() {
    have pkg-config && pkg-config --exists "$1"
}

# A static library, lib$1.a: what goes into the binary whole.
have_archive() {
    have gcc && [ -e "$(gcc -print-file-name="lib$1.a")" ]
}

# Prints the Debian packages whose programs or libraries are not there yet.
missing_packages() {
    for program in gcc g++ flex bison cmake pkg-config clang-format; do
        have "$program" || echo "$program"
    done
    [ -x /usr/bin/python3 ] || echo python3
    have ninja || echo ninja-build
    [ -e /usr/include/stdio.h ] || echo libc6-dev
    have g++ && { have_archive stdc++ || echo libstdc++-12-dev; }
    [ -e "$(llvm-config-22 --libdir 2>/dev/null)/libLLVMNVPTXCodeGen.a" ] || echo llvm-22-dev
    have_archive z || echo zlib1g-dev
    have_archive zstd || echo libzstd-dev
    { have_library libtommath && have_archive tommath; } || echo libtommath-dev
    have_library libxxhash || echo libxxhash-dev
    have_library criterion || echo libcriterion-dev
    have FileCheck-22 || have FileCheck || echo llvm-22-tools
    if [ "$goal" = book ] || [ "$goal" = test ]; then
        have cmark-gfm || echo cmark-gfm
    fi
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

set_up() {
    packages=$(missing_packages | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0
    have apt-get || die "please install these (names of Debian packages): $packages"
    if [ "$(id -u)" -ne 0 ] && ! have sudo; then
        die "please run as root: apt-get update && apt-get install $packages"
    fi
    say "installing: $packages"
    as_root apt-get update -q
    # shellcheck disable=SC2086 # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
}

# build PRESET FOLDER
build() {
    [ -f "$2/build.ninja" ] || cmake --preset "$1"
    cmake --build "$2" --parallel "$JOBS"
}

run_lessons() {
    failed=0
    for lesson in lessons/*/lesson_*.tk; do
        [ -f "$lesson" ] || continue
        say "running $lesson"
        build/tkc run "$lesson" || failed=$((failed + 1))
    done
    [ "$failed" -eq 0 ] || die "$failed lessons failed"
    say "all lessons passed"
}

# The counts in the summaries that ctest wrote to log files: one line for all of them.
summary() {
    awk '/tests failed out of|test failed out of/ {
             for (i = 1; i < NF; i++) if ($i == "failed") { failed += $(i - 2); total += $NF }
         }
         /\*\*\*Skipped/ { skipped++ }
         END {
             if (skipped) printf "%d skipped\n", skipped
             printf "%d passed, %d failed\n", total - failed - skipped, failed
         }' "$@"
}

run_all_tests() {
    status=0
    for preset in release asan; do
        folder=build
        [ "$preset" = release ] || folder=build-$preset
        build "$preset" "$folder"
        say "tests of the $preset build"
        ctest --preset "$preset" --parallel "$JOBS" --output-log "$folder/ctest.log" || status=1
    done
    summary build/ctest.log build-asan/ctest.log
    return "$status"
}

goal=${1:-}
case $goal in
"" | lessons | check | book | test) ;;
*)
    sed -n '4,10s/^# \{0,1\}//p' "$0"
    [ "$goal" = help ] || [ "$goal" = --help ] || exit 2
    exit 0
    ;;
esac

set_up
case $goal in
"") build release build ;;
lessons)
    build release build
    run_lessons
    ;;
check)
    build release build
    ctest --preset quick --parallel "$JOBS"
    ;;
book)
    build release build
    cmake --build build --target book
    ;;
test) run_all_tests ;;
esac
