"""Every barrier of the kernels of some programs is needed: without it the emulator finds a fault.

    barriers.py TK_BARRIERS FILE...

Barriers that a program's launches do not reach are left alone.
"""

import re
import subprocess
import sys

FAULT = 3
TOOL, *FILES = sys.argv[1:]
failed, tried = [], 0
for path in FILES:
    listing = subprocess.run([TOOL, "list", path], capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        failed.append(f"{path}: status {listing.returncode}\n{listing.stderr}")
        continue
    for number, place in re.findall(r"^barrier (\d+) (.*)$", listing.stderr, re.M):
        tried += 1
        run = subprocess.run([TOOL, "skip", number, path], capture_output=True, text=True, check=False)
        if run.returncode != FAULT:
            failed.append(f"{place}: barrier {number} can be left out (status {run.returncode})")
print("\n".join(failed))
print(f"{tried} barriers of {len(FILES)} programs")
sys.exit(1 if failed or tried == 0 else 0)
