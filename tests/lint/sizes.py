"""No file over 800 lines, no function over 60: prints how long they are, and names the too long."""

import re

from common import allowed, c_files, finish, lines_of

MAX_FILE, MAX_FUNCTION, MAX_DISPATCH = 800, 60, 200
LIBRARIES = ("support/", "ir/", "frontend/", "passes/", "codegen/", "runtime/", "tools/")
ALLOWED = set(allowed("sizes_allowed.txt"))
NOT_FUNCTION = re.compile(r"^(#|/\*|\*|//|\}|typedef\b|enum\b|union\b|struct \w+ \{|extern\b|\w+:)")


def functions_of(name):
    """Triples (line, function name, number of lines). The files are formatted: a definition begins
    in column 1, its first line or a continuation ends in `{`, and `}` in column 1 ends it."""
    found = []
    start, head, in_body = 0, "", False
    for number, line in lines_of(name):
        if in_body:
            if line.startswith("}"):
                found.append((start, head, number - start + 1))
                in_body, head = False, ""
            continue
        if line[:1].strip() and not NOT_FUNCTION.match(line):
            start, head = number, line
        elif not line.strip() or line.startswith(("#", "}")):
            head = ""
        elif head:
            head += " " + line.strip()
        if head.endswith("{"):
            match = re.search(r"(\w+)\(", head)
            if match and "=" not in head.split("(")[0]:
                head, in_body = match.group(1), True
            else:
                head = ""
        elif head.endswith(";"):
            head = ""
    return found


violations = []
lengths = []
used = set()
for name in c_files():
    if not name.startswith(LIBRARIES):
        continue
    total = len(lines_of(name))
    if total > MAX_FILE and name not in ALLOWED:
        violations.append(f"{name}:1: {total} lines, at most {MAX_FILE}")
    used.add(name) if total > MAX_FILE else None
    for line, function, length in functions_of(name):
        lengths.append(length)
        if length <= MAX_FUNCTION:
            continue
        used.add(f"{name}:{function}")
        limit = MAX_DISPATCH if f"{name}:{function}" in ALLOWED else MAX_FUNCTION
        if length > limit:
            violations.append(f"{name}:{line}: {function} has {length} lines, at most {limit}")
violations += [f"tests/lint/sizes_allowed.txt: {entry} is not needed" for entry in
               sorted(ALLOWED - used)]

print("lines of a function   how many")
for low, high in ((1, 5), (6, 10), (11, 15), (16, 20), (21, 30), (31, 40), (41, 60), (61, 9999)):
    count = sum(low <= length <= high for length in lengths)
    print(f"{low:8} to {high:4}  {count:10}")
finish(violations, f"{len(lengths)} functions")
