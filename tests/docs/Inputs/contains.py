"""Standard input contains the lines of a file, one after the other, but for blanks: contains.py FILE."""

import re
import sys

def squeeze(text):
    return "\n".join(re.sub(r"\s+", " ", line).strip() for line in text.strip().split("\n"))

with open(sys.argv[1], encoding="utf-8") as file:
    wanted = squeeze(file.read())
got = squeeze(sys.stdin.read())
if not wanted or wanted not in got:
    sys.exit(f"not there:\n{wanted}\nin:\n{got}")
