"""Below tools/ nothing ends the process, and nothing is printed except to a FILE that was given."""

import re

from common import c_files, finish, lines_of

LIBRARIES = ("support/", "ir/", "frontend/", "passes/", "codegen/", "runtime/")
ENDS = re.compile(r"\b(exit|_exit|_Exit|quick_exit|abort)\s*\(")
PRINTS = re.compile(r"\b(printf|puts|putchar|perror)\s*\(|\b(stdout|stderr)\b")
COMMENT = re.compile(r"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|//.*")

violations = []
files = [name for name in c_files() if name.startswith(LIBRARIES)]
for name in files:
    in_comment = False
    for number, line in lines_of(name):
        code = COMMENT.sub(" ", line)
        if in_comment:
            if "*/" not in code:
                continue
            code = code.split("*/", 1)[1]
            in_comment = False
        if "/*" in code:
            code = code.split("/*", 1)[0]
            in_comment = True
        for pattern in (ENDS, PRINTS):
            match = pattern.search(code)
            if match:
                violations.append(f"{name}:{number}: `{match.group(0)}` below tools/")
finish(violations, f"{len(files)} files")
