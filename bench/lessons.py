#!/usr/bin/env python3
"""Run every lesson under tkc on a GPU and under CPython with PyTorch and Triton, and compare.

    bench/lessons.py [--tkc build/tkc] [--python python3] [LESSON...]

The same file is run by both. Lines that tell times, or that only one of the two can print (behind
`import tkc`), are shown but do not count; the status is 1 if a program fails or says `False`.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMES = re.compile(r"\d *(ns|us|ms|s|GB/s|TFLOP|GFLOP|x)\b")


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return result.returncode, result.stdout.splitlines(), result.stderr


def compare(lesson, tkc, python):
    """The complaints about one lesson."""
    sides = {"tkc": run([tkc, "run", "--device=cuda", lesson]), "CPython": run([python, lesson])}
    complaints = []
    for side, (status, lines, errors) in sides.items():
        if status != 0:
            complaints.append(f"{side}: status {status}\n{errors[-600:]}")
        complaints += [f"{side}: {line}" for line in lines if re.search(r"\bFalse\b", line)]
    kept = [[line for line in side[1] if not TIMES.search(line)] for side in sides.values()]
    differ = [line for line in kept[0] if line not in kept[1]]
    print(f"{os.path.basename(lesson)}: {'ok' if not complaints else 'FAILED'}, "
          f"{len(kept[0]) - len(differ)} lines alike, {len(differ)} in tkc's output only")
    for line in differ[:4]:
        print("    " + line)
    return complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tkc", default=os.path.join(ROOT, "build", "tkc"))
    parser.add_argument("--python", default="python3")
    parser.add_argument("lessons", nargs="*")
    args = parser.parse_args()
    failed = False
    for lesson in args.lessons or sorted(glob.glob(f"{ROOT}/lessons/*/lesson_*.tk")):
        for complaint in compare(lesson, args.tkc, args.python):
            print(complaint)
            failed = True
    sys.exit(failed)


main()
