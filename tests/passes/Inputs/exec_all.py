#!/usr/bin/env python3
"""Run the kernels of every pass test before and after the pass, on random data.

For each FOLDER/*/*.tkir, the lists of passes in its RUN lines, with their target, are run again
with --verify-each=exec; an outcome that differs is an internal error of tk-opt. Kernels that are not
defined on random data, which say so in a warning, are left out; most must not be.

Usage: exec_all.py FOLDER TK_OPT
"""

import glob
import re
import subprocess
import sys

SEEDS = [1, 2]


def check(path, options, tk_opt, seed):
    """The number of runs compared; None after a complaint."""
    command = [tk_opt, *options, "--verify-each=exec", f"--exec-seed={seed}", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    compared = re.search(r"tk-opt: (\d+) runs compared", result.stderr)
    if result.returncode == 0 and compared:
        return int(compared.group(1))
    print("$", " ".join(command))
    print(result.stderr)
    return None


def main():
    folder, tk_opt = sys.argv[1:]
    files, runs, failed = 0, 0, False
    for path in sorted(glob.glob(f"{folder}/*/*.tkir")):
        with open(path, encoding="utf-8") as file:
            runs_of = re.findall(r"RUN: %tk-opt (.*--passes=.*)", file.read())
        lists = {tuple(re.findall(r"--(?:passes|target)=[\w,-]+", run)) for run in runs_of}
        for options in sorted(lists):
            files += 1
            for seed in SEEDS:
                compared = check(path, options, tk_opt, seed)
                failed |= compared is None
                runs += compared or 0
    print(f"{files} lists of passes, {runs} runs compared")
    sys.exit(1 if failed or runs < 4 * files else 0)


main()
