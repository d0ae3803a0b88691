"""Documents that the programs print are in the tree exactly as they print them.

To renew one, run the command that the message names.
"""

import os
import subprocess
import sys

from common import ROOT, finish

TKC, TK_OPT = sys.argv[1:3]
GENERATED = [
    ("docs/man/tkc.1", [TKC, "help", "--format=man"]),
    ("docs/completion/tkc.bash", [TKC, "help", "--format=bash"]),
    ("docs/diagnostics.md", [TKC, "explain", "--format=markdown"]),
    ("docs/builtins.md", [TKC, "help", "builtins"]),
    ("docs/ir.md", [TK_OPT, f"--print-docs={ROOT}/docs/ir-intro.md"]),
]

violations = []
for name, command in GENERATED:
    renew = f"{os.path.relpath(command[0], ROOT)} {' '.join(command[1:])} > {name}"
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        violations.append(f"{name}: `{renew}` exits with {result.returncode}: {result.stderr}")
        continue
    try:
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            current = file.read()
    except OSError:
        current = None
    if current != result.stdout:
        violations.append(f"{name}: out of date; run `{renew}`")
finish(violations, f"{len(GENERATED)} documents")
