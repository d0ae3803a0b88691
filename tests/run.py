#!/usr/bin/env python3
"""Run the tests that are files: the shell commands written after `RUN:` in comments of the file.

    # RUN: %tkc run --device=cpu %s | %FileCheck %s
    # RUN: %exit 3 %tkc run %S/Inputs/race.tk 2>&1 \
    # RUN:     | %FileCheck %s --check-prefix=RACE

Every command must succeed, and every command in its pipeline. A trailing backslash continues on
the next RUN line. Known in commands:

    %s            this file                 %tkc, %tk-opt    the programs under test
    %S            the folder of this file   %FileCheck       LLVM's FileCheck
    %stub_cuda    the folder of a libcuda.so.1 without a GPU (tests/cuda); %stub_aot: of another one
    %t            a path prefix for scratch files, unique to this test; old ones are removed
    %python       Debian's python3          %exit N CMD      CMD must exit with status N
    not CMD       CMD must fail, but not by a signal or an internal error (status 70)

Usage: run.py [--tool NAME=PATH]... [--scratch DIR] [--timeout SECONDS] FILE...
On failure it prints the command, its output and its exit status, and exits with 1.
"""

import argparse
import glob
import os
import re
import signal
import subprocess
import sys
import time

RUN_LINE = re.compile(r"^\s*(?:#|//|;)\s*RUN:\s?(.*)$")

# The words `not` and `%exit`, as shell functions. They complain on the shell's own standard error
# (descriptor 3), so that a redirection of the command under test does not swallow the message.
PRELUDE = """\
set -o pipefail
exec 3>&2
not() {
    "$@"
    tkc_status=$?
    case $tkc_status in
    0) echo "not: the command succeeded" >&3; return 1 ;;
    70) echo "not: internal error (exit status 70)" >&3; return 1 ;;
    12[6-9] | 1[3-9]? | 2??) echo "not: crashed or not run (exit status $tkc_status)" >&3; return 1 ;;
    esac
}
expect_exit() {
    tkc_want=$1
    shift
    "$@"
    tkc_status=$?
    if [ "$tkc_status" -ne "$tkc_want" ]; then
        echo "%exit: exit status $tkc_status, expected $tkc_want" >&3
        return 1
    fi
}
"""


def commands_of(path):
    """The RUN commands of a file, continuations joined: pairs of line number and text."""
    commands = []
    continued = False
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            match = RUN_LINE.match(line)
            if not match:
                continue
            text = match.group(1).rstrip()
            if continued:
                commands[-1][1] += " " + text.strip()
            else:
                commands.append([number, text.strip()])
            continued = commands[-1][1].endswith("\\")
            if continued:
                commands[-1][1] = commands[-1][1][:-1].rstrip()
    if continued:
        raise ValueError("the last RUN line ends in a backslash")
    return commands


def expand(command, substitutions):
    """Replace %NAME by its value, longest names first, so that %s does not eat %src."""
    names = "|".join(re.escape(name) for name in sorted(substitutions, key=len, reverse=True))
    return re.sub(rf"%({names})(?![\w-])", lambda match: substitutions[match.group(1)], command)


def run_command(command, prefix, timeout):
    """Run one command line in bash; returns its exit status (None: timed out) and its output."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("TKC_") and key not in ("CLICOLOR_FORCE", "NO_COLOR")}
    environment["LC_ALL"] = "C.UTF-8"
    environment["CUDA_VISIBLE_DEVICES"] = ""  # tests say what they want: --device, %stub_cuda
    environment["TKC_CACHE_DIR"] = prefix + ".code"  # a test finds nothing that others compiled
    process = subprocess.Popen(["bash", "-c", PRELUDE + command], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=environment, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return None, output


def run_file(path, tools, scratch, timeout):
    """Run one test file; returns True if all of its commands passed."""
    path = os.path.abspath(path)
    name = re.sub(r"[^\w.-]+", "_", os.path.relpath(path, os.path.dirname(__file__) or "."))
    prefix = os.path.join(scratch, name)
    for old in glob.glob(glob.escape(prefix) + "*"):
        subprocess.run(["rm", "-rf", "--", old], check=True)
    substitutions = {"s": path, "S": os.path.dirname(path), "t": prefix,
                     "exit": "expect_exit", **tools}
    try:
        commands = commands_of(path)
    except ValueError as error:
        print(f"FAIL: {path}: {error}")
        return False
    if not commands:
        print(f"FAIL: {path}: no RUN line")
        return False
    deadline = time.monotonic() + timeout
    for number, text in commands:
        command = expand(text, substitutions)
        status, output = run_command(command, prefix, max(0.1, deadline - time.monotonic()))
        if status != 0:
            result = f"exit status {status}" if status is not None else f"over {timeout} s"
            print(f"FAIL: {path}:{number}: {result}\n$ {command}")
            print(output.decode("utf-8", errors="replace"))
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description="run test files by their RUN: lines")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--scratch", default="/tmp")
    parser.add_argument("--timeout", type=float, default=60.0)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    os.makedirs(options.scratch, exist_ok=True)
    tools = dict(tool.split("=", 1) for tool in options.tool)
    results = [run_file(file, tools, os.path.abspath(options.scratch), options.timeout)
               for file in options.files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
