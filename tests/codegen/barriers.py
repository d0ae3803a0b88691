#!/usr/bin/env python3
"""Every barrier of generated code is needed: without it the emulator finds a race, or what is read
was never written, under some schedule.

    barriers.py TKC TK_EMU PROGRAM

PROGRAM holds kernels; a comment `# LAUNCH: name signature | tk-emu arguments` above each says how
it is compiled and run. Exit status: 0 all are needed, 1 some are not.
"""

import re
import subprocess
import sys
import tempfile

SEEDS = range(0, 12)


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def launches(program):
    """(kernel, signature, arguments) of each LAUNCH line."""
    with open(program, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"# LAUNCH: (\w+) (\S+) \| (.*)", line)
            if match:
                yield match.group(1), match.group(2), match.group(3).split()


def compile_kernel(tkc, program, kernel, signature):
    built = run([tkc, "build", program, f"--kernel={kernel}", f"--signature={signature}",
                 "--emit=ptx", "--target=sm_80", "-o", "-"])
    if built.returncode != 0:
        sys.exit(f"{kernel}: {built.stderr}")
    return built.stdout.splitlines(keepends=True)


def status(tk_emu, lines, arguments, seed):
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write("".join(lines))
        file.flush()
        return run([tk_emu, file.name, *arguments, f"--seed={seed}"])


def check(tkc, tk_emu, program, kernel, signature, arguments):
    """The complaints about one kernel, and how many barriers it has."""
    lines = compile_kernel(tkc, program, kernel, signature)
    barriers = [i for i, line in enumerate(lines) if re.search(r"\bbar\.sync\b", line)]
    for seed in SEEDS:
        whole = status(tk_emu, lines, arguments, seed)
        if whole.returncode != 0:
            return [f"{kernel}: fails with all its barriers, seed {seed}: {whole.stderr}"], 0
    complaints = []
    for at in barriers:
        rest = lines[:at] + lines[at + 1:]
        if not any(status(tk_emu, rest, arguments, seed).returncode == 3 for seed in SEEDS):
            complaints.append(f"{kernel}: line {at + 1} of the PTX is not needed: {lines[at]}")
    return complaints, len(barriers)


def main():
    tkc, tk_emu, program = sys.argv[1:]
    failed, total = False, 0
    for kernel, signature, arguments in launches(program):
        complaints, count = check(tkc, tk_emu, program, kernel, signature, arguments)
        print(f"{kernel}: {count} barriers")
        for complaint in complaints:
            print(complaint)
        failed |= bool(complaints) or count == 0
        total += count
    print(f"{total} barriers, each removed in turn")
    sys.exit(1 if failed or total == 0 else 0)


main()
