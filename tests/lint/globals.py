"""No mutable globals: the libraries define no data symbol outside read-only sections."""

import re
import subprocess
import sys

from common import allowed, finish

ALLOWED = [re.compile(pattern + r"\Z") for pattern in allowed("globals_allowed.txt")]
MUTABLE = set("dDbBcCsSgG")  # nm's letters for initialised, zeroed, common and small data

violations = []
symbols = 0
for archive in sys.argv[1:]:
    listing = subprocess.run(["nm", "--defined-only", "--format=posix", archive], check=True,
                             capture_output=True, text=True).stdout
    member = ""
    sections = subprocess.run(["objdump", "-t", archive], check=True, capture_output=True,
                              text=True).stdout
    # Tables of pointers are constant but relocated: they lie in .data.rel.ro, which nm shows as d.
    relocated = {line.split()[-1] for line in sections.splitlines() if " .data.rel.ro" in line}
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) < 2:
            member = line.rstrip(":")
            continue
        symbols += 1
        name, kind = fields[0], fields[1]
        if kind not in MUTABLE or name in relocated:
            continue
        if not any(pattern.match(name) for pattern in ALLOWED):
            violations.append(f"{member}: `{name}` is a mutable global (nm: {kind})")
finish(violations, f"{symbols} symbols")
