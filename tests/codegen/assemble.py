"""ptxas accepts the PTX of every test of this folder, for the oldest target and for Hopper.

Usage: assemble.py TK-PTX PTXAS FILE...   Exits with 77 (skipped) where there is no ptxas.
"""

import os
import subprocess
import sys
import tempfile

from merge import merge

TARGETS = ("sm_80", "sm_90a")


def assemble(tk_ptx, ptxas, path, target, folder):
    """What is wrong with the PTX of one file, or ''."""
    with open(path, encoding="utf-8") as file:
        if "ASSEMBLE: no" in file.read():
            return ""
    made = subprocess.run([tk_ptx, "--target=" + target, path], capture_output=True, text=True)
    if made.returncode != 0:
        return made.stderr or f"exit status {made.returncode}"
    ptx = os.path.join(folder, "kernel.ptx")
    with open(ptx, "w", encoding="utf-8") as file:
        file.write(merge(made.stdout, target))
    command = [ptxas, "-arch=" + target, ptx, "-o", os.path.join(folder, "kernel.cubin")]
    return subprocess.run(command, capture_output=True, text=True).stderr


def main():
    tk_ptx, ptxas, *files = sys.argv[1:]
    if not os.access(ptxas, os.X_OK):
        print("no ptxas")
        sys.exit(77)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            for target in TARGETS:
                trouble = assemble(tk_ptx, ptxas, path, target, folder)
                if trouble:
                    bad += 1
                    print(f"{path}: {target}: {trouble}")
    print(f"{len(files)} files, {len(TARGETS)} targets, {bad} refused")
    sys.exit(1 if bad or not files else 0)


main()
