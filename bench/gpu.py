#!/usr/bin/env python3
"""Run the programs of bench/gpu under tkc and under CPython with Triton, and compare.

    bench/gpu.py [--tkc build/tkc] [--python python3] [--rounds 3] [--verbose] [WORD]...

A word is a program (memory, launch, matmul, attention, moe, autotune), a workload of one such as
`softmax`, `fp16`, `fp16/4096` or `d64/causal`, or an option of one (log2=, n=, tokens=, hidden=);
without any, all run. Both sides run on the same GPU in turn, `rounds` times, so that clocks and
temperature are alike; of each figure the median of the rounds is taken. The column `ratio` is
Triton's time over tkc's: at 1 they are equal, above it tkc is faster. `of copy` and `of dense` are
tkc's rate over its own rate of that workload; `library` is the rate of cuBLAS or cuDNN under PyTorch,
`of lib` tkc's rate over it. Without Triton, or without tkc, the other one's figures are printed. --verbose shows what the
programs say on standard error, which is the configurations that won. Status 1 if a ratio is below
--least, or nothing was found.
"""

import argparse
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LIBRARY = "library:"


@dataclasses.dataclass(frozen=True)
class Program:
    """One of bench/gpu: the unit of its rates, the first parts of its workloads' names, the options
    that set its size, the workload that others are compared with, and what it is started with."""
    unit: str
    names: tuple = ()
    sizes: tuple = ()
    base: str = None
    says_choice: bool = False
    cold: bool = False


PROGRAMS = {
    "memory": Program("GB/s", ("copy", "add", "gather", "sum", "softmax", "layernorm", "transpose"),
                      ("log2",), base="copy"),
    "launch": Program("-"),
    "matmul": Program("TFLOP/s", ("fp16", "fp16t", "bf16", "tf32", "ieee", "f64", "int8", "fp8"),
                      ("n",), says_choice=True),
    "attention": Program("TFLOP/s", ("d64", "d128"), ("tokens",), says_choice=True),
    "moe": Program("TFLOP/s", (), ("tokens", "hidden"), base="dense", says_choice=True),
    "autotune": Program("-", cold=True),
}


def choose(words):
    """{program: its arguments} for the words of the command line; an unknown word is an error."""
    sizes = [word for word in words if "=" in word]
    words = [word for word in words if "=" not in word]
    chosen = {program: [] for program in PROGRAMS if program in words or not words}
    for word in words:
        homes = [program for program, facts in PROGRAMS.items()
                 if program == word or word.split("/")[0] in facts.names]
        if not homes:
            sys.exit(f"gpu.py: no program and no workload {word}")
        if homes[0] not in words:
            chosen.setdefault(homes[0], []).append(word)
    for word in sizes:
        homes = [program for program in chosen if word.split("=")[0] in PROGRAMS[program].sizes]
        if not homes:
            sys.exit(f"gpu.py: {word} is no option of what shall run")
        for home in homes:
            chosen[home].append(word)
    return chosen


def run(command, cold, verbose):
    """{workload: (ms, rate)} of what a program prints; None (and its messages) if it fails. `cold`
    hides what compilers kept of earlier runs."""
    environment = dict(os.environ)
    try:
        with tempfile.TemporaryDirectory() as empty:
            if cold:
                environment |= {"TKC_CACHE_DIR": empty, "TRITON_CACHE_DIR": empty,
                                "CUDA_CACHE_DISABLE": "1"}
            result = subprocess.run(command, capture_output=True, text=True, check=False,
                                    env=environment)
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
    if args.verbose and PROGRAMS[program].says_choice:
        words = ["verbose", *words]
    for _ in range(args.rounds):
        for side, command in sides.items():
            rows = run([*command, os.path.join(HERE, "gpu", program + ".tk"), *words],
                       PROGRAMS[program].cold, args.verbose)
            if rows is not None:
                rounds[side].append(rows)
    return medians(rounds["tkc"]), medians(rounds["triton"])


def table(program, tkc, triton):
    """Prints the figures of one program; the least ratio, infinity if there is none."""
    unit, base = PROGRAMS[program].unit, PROGRAMS[program].base
    libraries = {name.removeprefix(LIBRARY): rate for rows in (tkc, triton)
                 for name, (_, rate) in rows.items() if name.startswith(LIBRARY)}
    head = f"{'workload':18} {'tkc ms':>10} {unit:>8} {'triton ms':>10} {unit:>8} {'ratio':>6}"
    if base:
        head += f" {'of ' + base:>8}"
    if libraries:
        head += f" {'library':>8} {'of lib':>8}"
    print(head)
    worst = float("inf")
    for name in dict.fromkeys([*tkc, *triton]):
        if name.startswith(LIBRARY):
            continue
        ours, theirs = tkc.get(name), triton.get(name)
        ratio = theirs[0] / ours[0] if ours and theirs else None
        worst = min(worst, ratio or worst)

        def of(rate, ours=ours):
            return ours[1] / rate if ours and rate else None

        columns = [(value, width, places) for side in (ours, theirs)
                   for value, width, places in zip(side or (None, None), (10, 8), (4, 0))]
        columns.append((ratio, 6, 3))
        if base:
            columns.append((of(tkc.get(base, (0, 0))[1]), 8, 3))
        if libraries:
            columns += [(libraries.get(name), 8, 0), (of(libraries.get(name)), 8, 3)]
        print(f"{name:18} " + " ".join(f"{'-':>{width}}" if value is None else
                                       f"{value:{width}.{places}f}"
                                       for value, width, places in columns), flush=True)
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
            worst = min(worst, table(program, tkc, triton))
    return 0 if found and worst >= args.least else 1


if __name__ == "__main__":
    sys.exit(main())
