"""The PTX of the tests is real PTX: ptxas assembles every file that the reader is to accept."""

import os
import shutil
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
PTXAS = shutil.which("ptxas")
if PTXAS is None:
    print("ptxas is not installed")
    sys.exit(77)

# What these get wrong, ptxas finds as well.
WRONG = {"bad_syntax.ptx", "bad_modifier.ptx", "bad_operand.ptx", "bad_name.ptx", "bad_mma.ptx",
         "bad_fragment.ptx", "bad_copy.ptx"}
failed = []
names = sorted(name for name in os.listdir(FOLDER) if name.endswith(".ptx"))
for name in names:
    result = subprocess.run([PTXAS, "-arch=sm_90a", "-o", os.devnull, os.path.join(FOLDER, name)],
                            capture_output=True, text=True, check=False)
    if (result.returncode == 0) == (name in WRONG):
        failed.append(f"{name}: {result.stderr or 'assembles, and should not'}")
print("\n".join(failed), f"{len(names)} files")
sys.exit(1 if failed else 0)
