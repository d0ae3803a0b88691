#!/usr/bin/env python3
"""Run the programs of bench/gpu under tkc and under CPython with Triton, and compare.

    bench/gpu.py [--tkc build/tkc] [--python python3] [--rounds 3] [--verbose] [WORD]...

A word is a program (memory, launch, matmul, attention), a workload of one such as `softmax`, `fp16`,
`fp16/4096` or `d64/causal`, or an option of one (log2=, n=, tokens=); without any, all run. Both sides
run on the same GPU in turn, `rounds` times, so that clocks and temperature are alike; of each figure
the median of the rounds is taken. The column `ratio` is Triton's time over tkc's: at 1 they are equal,
above it tkc is faster; `library` is the rate of cuBLAS or cuDNN under PyTorch, `of lib` tkc's rate over
it. Without Triton, or without tkc, the other one's figures are printed. --verbose shows what the
programs say on standard error, which is the configurations that won. Status 1 if a ratio is below
--least, or nothing was found.
"""

import argparse
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "library:"
# Of each program: the unit of its rates, the option that sets its size, and the first parts of its
# workloads' names.
PROGRAMS = {
    "memory": ("GB/s", "log2",
               ("copy", "add", "gather", "sum", "softmax", "layernorm", "transpose")),
    "launch": ("-", None, ()),
    "matmul": ("TFLOP/s", "n", ("fp16", "fp16t", "bf16", "tf32", "ieee", "f64", "int8", "fp8")),
    "attention": ("TFLOP/s", "tokens", ("d64", "d128")),
}


def choose(words):
    """{program: its arguments} for the words of the command line; an unknown word is an error."""
    sizes = [word for word in words if "=" in word]
    words = [word for word in words if "=" not in word]
    chosen = {program: [] for program in PROGRAMS if program in words or not words}
    for word in words:
        homes = [program for program, (_, _, names) in PROGRAMS.items()
                 if program == word or word.split("/")[0] in names]
        if not homes:
            sys.exit(f"gpu.py: no program and no workload {word}")
        if homes[0] not in words:
            chosen.setdefault(homes[0], []).append(word)
    for word in sizes:
        homes = [program for program in chosen if PROGRAMS[program][1] == word.split("=")[0]]
        if not homes:
            sys.exit(f"gpu.py: {word} is no option of what shall run")
        chosen[homes[0]].append(word)
    return chosen


def run(command, verbose):
    """{workload: (ms, rate)} of what a program prints; None (and its messages) if it fails."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return None
    if result.returncode != 0:
        print(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}{result.stderr}",
              file=sys.stderr)
        return None
    if verbose:
        print(f"{command[0]}:\n{result.stderr}", end="", file=sys.stderr)
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


def measure(args, program, words):
    """The figures of one program: those of tkc, and those of Triton."""
    sides = {"tkc": [args.tkc, "run", f"--device={args.device}"], "triton": [args.python]}
    rounds = {side: [] for side in sides}
    if args.verbose and PROGRAMS[program][0] == "TFLOP/s":
        words = ["verbose", *words]
    for _ in range(args.rounds):
        for side, command in sides.items():
            rows = run([*command, os.path.join(HERE, "gpu", program + ".tk"), *words],
                       args.verbose)
            if rows is not None:
                rounds[side].append(rows)
    return medians(rounds["tkc"]), medians(rounds["triton"])


def table(unit, tkc, triton):
    """Prints the figures of one program; the least ratio, infinity if there is none."""
    copied = max(tkc.get("copy", (0, 0))[1], triton.get("copy", (0, 0))[1])
    libraries = {name.removeprefix(LIBRARY): rate for rows in (tkc, triton)
                 for name, (_, rate) in rows.items() if name.startswith(LIBRARY)}
    extra = ["of copy"] if copied else ["library", "of lib"] if libraries else []
    print(f"{'workload':18} {'tkc ms':>10} {unit:>8} {'triton ms':>10} {unit:>8} {'ratio':>6} "
          + " ".join(f"{word:>8}" for word in extra))
    worst = float("inf")
    for name in dict.fromkeys([*tkc, *triton]):
        if name.startswith(LIBRARY):
            continue
        ours, theirs = tkc.get(name), triton.get(name)
        columns = [f"{name:18}", *(f"{side[0]:10.4f} {side[1]:8.0f}" if side else f"{'-':>10} {'-':>8}"
                                   for side in (ours, theirs))]
        ratio = theirs[0] / ours[0] if ours and theirs else None
        columns.append(f"{ratio:6.3f}" if ratio else f"{'-':>6}")
        worst = min(worst, ratio or worst)
        base = copied or libraries.get(name, 0)
        if libraries:
            columns.append(f"{base:8.0f}" if base else f"{'-':>8}")
        if extra:
            columns.append(f"{ours[1] / base:8.3f}" if ours and base and ours[1] else f"{'-':>8}")
        print(" ".join(columns), flush=True)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tkc", default=os.path.join(HERE, "..", "build", "tkc"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--device", default="cuda", help="where tkc runs the kernels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least", type=float, default=0.0, help="the least ratio that is fine")
    parser.add_argument("--verbose", action="store_true", help="say which configurations won")
    parser.add_argument("words", nargs="*", metavar="WORD")
    args = parser.parse_args()
    worst, found = float("inf"), False
    for program, words in choose(args.words).items():
        tkc, triton = measure(args, program, words)
        if tkc or triton:
            found = True
            worst = min(worst, table(PROGRAMS[program][0], tkc, triton))
    return 0 if found and worst >= args.least else 1


if __name__ == "__main__":
    sys.exit(main())
