#!/usr/bin/env python3
"""Run a program on several devices and compare what it prints.

All text must be equal, but for the numbers behind `approx N:` at the beginning of a line: these may
differ by N units in the last place of a float32. NaN equals NaN.

    agree.py TKC PROGRAM... [--devices=cpu,emu,emu:1]

The first device is the oracle; a number behind a device is the seed of its order of programs and
warps. Exit status: 0 they agree, 1 they do not, 2 usage.
"""

import argparse
import math
import re
import struct
import subprocess
import sys

NUMBER = re.compile(r"[-+]?(?:nan|inf|\d+\.?\d*(?:e[-+]?\d+)?)", re.I)
APPROX = re.compile(r"approx (\d+):")


def ordered(value):
    """The place of a float32 among all of them: neighbours differ by 1."""
    try:
        bits = struct.unpack("<i", struct.pack("<f", value))[0]
    except OverflowError:
        bits = struct.unpack("<i", struct.pack("<f", math.copysign(math.inf, value)))[0]
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def near(a, b, ulps):
    a, b = float(a), float(b)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(ordered(a) - ordered(b)) <= ulps


def same_line(a, b):
    approx = APPROX.match(a)
    if a == b or not approx:
        return a == b
    ulps = int(approx.group(1))
    if NUMBER.sub("#", a) != NUMBER.sub("#", b):
        return False
    return all(near(x, y, ulps) for x, y in zip(NUMBER.findall(a), NUMBER.findall(b)))


def run(tkc, program, device):
    name, _, seed = device.partition(":")
    command = [tkc, "run", f"--device={name}", *([f"--seed={seed}"] if seed else []), program]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def disagreement(oracle, other):
    """What differs between two runs, in a few lines; None: nothing."""
    if oracle.returncode != other.returncode:
        return (f"exit status {other.returncode}, not {oracle.returncode}\n"
                f"{other.stderr or oracle.stderr}")
    a, b = oracle.stdout.splitlines(), other.stdout.splitlines()
    for number, (x, y) in enumerate(zip(a, b), 1):
        if not same_line(x, y):
            return f"line {number}:\n  {x[:400]}\n  {y[:400]}"
    return None if len(a) == len(b) else f"{len(b)} lines, not {len(a)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tkc")
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--devices", default="cpu,emu")
    parser.add_argument("--faults", action="store_true", help="programs may fail, all alike")
    args = parser.parse_args()
    first, *others = args.devices.split(",")
    failed = 0
    for program in args.programs:
        oracle = run(args.tkc, program, first)
        if oracle.returncode != 0 and not args.faults:
            print(f"{program}: fails on {first}: {oracle.stderr}")
            failed += 1
            continue
        for device in others:
            what = disagreement(oracle, run(args.tkc, program, device))
            if what:
                print(f"{program}: {first} and {device} disagree: {what}")
                failed += 1
    print(f"{len(args.programs)} programs on {args.devices}, {failed} disagreements")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
