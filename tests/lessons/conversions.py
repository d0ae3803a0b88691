#!/usr/bin/env python3
"""How many conversions between layouts the kernels of the lessons need, against a golden file.

    conversions.py TKC LESSONS GOLDEN [--update]

A line for each kernel: the most that any of its specialisations has of conversions between layouts,
of reductions between warps, and of barriers. More is a regression; fewer is a reason to --update.
"""

import glob
import os
import re
import subprocess
import sys
import tempfile

COUNTED = {"conversions between layouts": 0, "reductions and scans between warps": 1,
           "barriers inserted": 2}


def measure(tkc, lesson):
    """Lines of one lesson, in the order of first launch."""
    with tempfile.TemporaryDirectory() as folder:
        built = subprocess.run([tkc, "build", lesson, "--emit=laid", "--stats", "-o", folder + "/"],
                               capture_output=True, text=True, check=True)
    kernels, current = {}, None
    for line in built.stderr.splitlines():
        if line.startswith("stats of "):
            current = kernels.setdefault(line.split()[2], [0, 0, 0])
        match = re.match(r"[\w-]+ +(\d+)  (.*)", line)
        if current is not None and match and match.group(2) in COUNTED:
            index = COUNTED[match.group(2)]
            current[index] = max(current[index], int(match.group(1)))
    name = os.path.basename(lesson).removesuffix(".tk")
    return [f"{name} {kernel}: {' '.join(map(str, counts))}" for kernel, counts in kernels.items()]


def main():
    tkc, lessons, golden = sys.argv[1:4]
    found = []
    for lesson in sorted(glob.glob(f"{lessons}/*/lesson_*.tk")):
        found += measure(tkc, lesson)
    text = "\n".join(found) + "\n"
    if sys.argv[4:] == ["--update"]:
        with open(golden, "w", encoding="utf-8") as file:
            file.write(text)
    with open(golden, encoding="utf-8") as file:
        wanted = file.read()
    for line in set(text.splitlines()) ^ set(wanted.splitlines()):
        print("found" if line in text else "golden", line)
    sys.exit(text != wanted)


main()
