"""A program with LLVM in it needs no library but libc and libm, in versions that Debian 12 has, and
is at most 45 MB.

Usage: needed.py [--size] PROGRAM...
"""

import os
import re
import subprocess
import sys
import tempfile

ALLOWED = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
NEWEST_GLIBC = (2, 36)
LARGEST = 45_000_000


def faults(program, check_size):
    """Every way in which one program breaks the rule."""
    dynamic = subprocess.run(["readelf", "-d", program], check=True, capture_output=True,
                             text=True).stdout
    for library in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if library not in ALLOWED:
            yield f"needs {library}"
    versions = subprocess.run(["readelf", "-V", program], check=True, capture_output=True,
                              text=True).stdout
    for version in set(re.findall(r"GLIBC_(\d+(?:\.\d+)+)", versions)):
        if tuple(map(int, version.split(".")))[:2] > NEWEST_GLIBC:
            yield f"needs glibc {version}"
    if check_size:
        with tempfile.TemporaryDirectory() as folder:
            stripped = os.path.join(folder, "stripped")
            subprocess.run(["strip", "-o", stripped, program], check=True)
            size = os.path.getsize(stripped)
        print(f"{program}: {size} bytes stripped")
        if size > LARGEST:
            yield f"is {size} bytes, more than {LARGEST}"


programs = [word for word in sys.argv[1:] if word != "--size"]
found = [f"{program} {fault}" for program in programs
         for fault in faults(program, "--size" in sys.argv)]
print("\n".join(found) if found else f"{len(programs)} programs need nothing else")
sys.exit(1 if found or not programs else 0)
