#!/usr/bin/env python3
"""Run the programs of bench/gpu under tkc and under CPython with Triton, and compare.

    bench/gpu.py [--tkc build/tkc] [--python python3] [--rounds 3] [WORKLOAD]...

Both run on the same GPU in turn, `rounds` times, so that clocks and temperature are alike; of each
figure the median of the rounds is taken. The last column is Triton's time over tkc's: at 1 they are
equal, above it tkc is faster. Without Triton, or without tkc, the other one's figures are printed.
Status 1 if a ratio is below --least.
"""

import argparse
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("memory.tk", "launch.tk")


def run(command):
    """{workload: (ms, GB/s)} of what a program prints; None (and its messages) if it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        print(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}{result.stderr}",
              file=sys.stderr)
        return None
    rows = {}
    for line in result.stdout.splitlines():
        name, ms, rate = line.split()
        rows[name] = (float(ms), float(rate))
    return rows


def medians(rounds):
    """The rounds' figures as one: the median of each."""
    names = [] if not rounds else list(rounds[0])
    return {name: tuple(statistics.median(values) for values in
                        zip(*(rows[name] for rows in rounds if name in rows))) for name in names}


def measure(args):
    sides = {"tkc": [args.tkc, "run", "--device=cuda"], "triton": [args.python]}
    found = {side: {} for side in sides}
    for program in PROGRAMS:
        if program == "launch.tk" and args.workloads and "launch" not in args.workloads:
            continue
        words = args.workloads if program == "memory.tk" else []
        if program == "memory.tk" and words == ["launch"]:
            continue
        rounds = {side: [] for side in sides}
        for _ in range(args.rounds):
            for side, command in sides.items():
                rows = run([*command, os.path.join(HERE, "gpu", program),
                            *[word for word in words if word != "launch"]])
                if rows is not None:
                    rounds[side].append(rows)
        for side in sides:
            found[side].update(medians(rounds[side]))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tkc", default=os.path.join(HERE, "..", "build", "tkc"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least", type=float, default=0.0, help="the least ratio that is fine")
    parser.add_argument("workloads", nargs="*")
    args = parser.parse_args()
    found = measure(args)
    tkc, triton = found["tkc"], found["triton"]
    copied = max(tkc.get("copy", (0, 0))[1], triton.get("copy", (0, 0))[1])
    print(f"{'workload':16} {'tkc ms':>10} {'GB/s':>8} {'of copy':>8} {'triton ms':>10} {'GB/s':>8} "
          f"{'ratio':>6}")
    worst = float("inf")
    for name in tkc or triton:
        ours, theirs = tkc.get(name), triton.get(name)
        of_copy = f"{ours[1] / copied:8.3f}" if ours and copied and ours[1] else f"{'-':>8}"
        columns = [f"{name:16}",
                   f"{ours[0]:10.4f} {ours[1]:8.0f}" if ours else f"{'-':>10} {'-':>8}", of_copy,
                   f"{theirs[0]:10.4f} {theirs[1]:8.0f}" if theirs else f"{'-':>10} {'-':>8}"]
        if ours and theirs:
            worst = min(worst, theirs[0] / ours[0])
            columns.append(f"{theirs[0] / ours[0]:6.3f}")
        print(" ".join(columns))
    if not tkc and not triton:
        return 1
    return 1 if worst < args.least else 0


if __name__ == "__main__":
    sys.exit(main())
