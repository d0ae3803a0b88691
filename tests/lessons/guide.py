#!/usr/bin/env python3
"""Run the guide's Quick Test and examples, Inputs/guide_*.tk, on a device.

    guide.py TKC [--device=cpu] [--guide=GUIDE.md] [FILE...]

Each must end with status 0, print something, and no `Correct:` without True. What lessons print of
their results is the same on every device. With --guide, the files are first compared with the
guide's text: each is the line "import torch", then the text byte for byte, and none is missing.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import time

INPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Inputs")
FINE = re.compile(r"Correct: True|Result shape: torch\.Size\(\[\d+(, \d+)*\]\)|Result device: cuda:0")
SECTION = re.compile(r"^### (?:(Quick Test)|Lesson (\d+):).*?^```python\n(.*?)^```$", re.M | re.S)


def snippets(path):
    """{file name: text} of the guide's programs."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    found = {}
    for section in re.split(r"^(?=### )", text, flags=re.M):
        match = SECTION.match(section)
        if match:
            name = f"lesson_{int(match.group(2)):02}" if match.group(2) else "quick_test"
            found[f"guide_{name}.tk"] = "import torch\n" + match.group(3)
    return found


def differences(guide, files):
    """What is wrong with the files, given the guide."""
    wanted = snippets(guide)
    have = {os.path.basename(path): path for path in files}
    complaints = [f"{name}: not in {guide}" for name in sorted(set(have) - set(wanted))]
    for name, text in sorted(wanted.items()):
        if name not in have:
            complaints.append(f"{name}: missing")
            continue
        with open(have[name], encoding="utf-8", newline="") as file:
            if file.read() != text:
                complaints.append(f"{name}: not the guide's text")
    return complaints


def run(tkc, device, path):
    """What is wrong with one program's run, or ''."""
    done = subprocess.run([tkc, "run", f"--device={device}", path], capture_output=True, text=True,
                          check=False)
    wrong = [line for line in done.stdout.splitlines() if not FINE.fullmatch(line)]
    if done.returncode != 0:
        return f"status {done.returncode}: {done.stderr[:400]}"
    return f"printed {wrong}" if wrong else "" if done.stdout else "printed nothing"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tkc")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--guide")
    parser.add_argument("files", nargs="*")
    args = parser.parse_intermixed_args()
    files = args.files or sorted(glob.glob(os.path.join(INPUTS, "guide_*.tk")))
    complaints = differences(args.guide, files) if args.guide else []
    for complaint in complaints:
        print(complaint)
    failed = len(complaints)
    for path in files:
        start = time.perf_counter()
        wrong = run(args.tkc, args.device, path)
        failed += bool(wrong)
        print(f"{os.path.basename(path)} on {args.device}: {wrong or 'ok'}, "
              f"{time.perf_counter() - start:.1f} s", flush=True)
    print(f"{len(files)} programs of the guide, {failed} failures")
    sys.exit(failed > 0)


main()
