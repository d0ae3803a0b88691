"""Programs do and print the same on the cpu device and on the emulator, in every order of warps.

    agree.py TKC FOLDER...

Runs every program of the folders that has a kernel, once on the cpu device and on the emulator with
two seeds; exit status and standard output must be equal.
"""

import glob
import os
import subprocess
import sys

TKC, *FOLDERS = sys.argv[1:]
# These print which configuration autotuning chose: the emulator has costs to choose by.
CHOOSES = {"autotune.tk", "views_tuples_locks.tk"}


def run(path, *options):
    result = subprocess.run([TKC, "run", *options, path], capture_output=True, text=True, check=False,
                            stdin=subprocess.DEVNULL)
    return result.returncode, result.stdout, result.stderr


failed, count = [], 0
for path in sorted(file for folder in FOLDERS for file in glob.glob(os.path.join(folder, "*.tk"))):
    with open(path, encoding="utf-8") as file:
        if "@triton.jit" not in file.read() or os.path.basename(path) in CHOOSES:
            continue
    count += 1
    want = run(path, "--device=cpu")
    for options in ([], ["--seed=1"]):
        got = run(path, "--device=emu", *options)
        if got[:2] != want[:2]:
            failed.append(f"{path} {' '.join(options)}: status {got[0]}, cpu {want[0]}\n{got[2]}")
print("\n".join(failed))
print(f"{count} programs, {len(failed)} differences")
sys.exit(1 if failed or count == 0 else 0)
