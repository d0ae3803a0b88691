"""C files are formatted: clang-format (the file .clang-format at the root) would change nothing."""

import shutil
import subprocess

from common import ROOT, c_files, finish, skip

TOOL = next((tool for tool in ("clang-format-14", "clang-format") if shutil.which(tool)), None)
if TOOL is None:
    skip("clang-format is not installed")

files = c_files()
result = subprocess.run([TOOL, "--dry-run", "--ferror-limit=1", *files], cwd=ROOT,
                        capture_output=True, text=True, check=False)
wrong = sorted({line.split(":")[0] for line in result.stderr.splitlines() if ": warning: " in line})
finish([f"{name}: not formatted; run `clang-format -i {name}`" for name in wrong],
       f"{len(files)} files")
