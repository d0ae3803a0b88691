"""Includes follow the arrow support <- ir <- {frontend, passes} <- codegen <- runtime <- tools."""

import re

from common import c_files, finish, lines_of, tree_files

# What each folder may include besides itself.
ALLOWED = {
    "support": [],
    "ir": ["support"],
    "frontend": ["support", "ir"],
    "passes": ["support", "ir"],
    "codegen": ["support", "ir", "frontend", "passes"],
    "runtime": ["support", "ir", "frontend", "passes", "codegen"],
    "tools": ["support", "ir", "frontend", "passes", "codegen", "runtime"],
    "include": [],
}
# Headers that only one folder may include.
PRIVATE_HEADERS = [(re.compile(r"llvm-c/"), "codegen"), (re.compile(r"cuda\.h$"), "tests/cuda")]
# Headers made by the build.
GENERATED = {"version.h", "parser.tab.h", "ptx_parser.tab.h"}
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')

violations = []
names = set(tree_files())
sources = [name for name in names if name.endswith((".c", ".h", ".def", ".l", ".y"))]
count = 0
for name in sorted(sources):
    folder = name.split("/")[0]
    for number, line in lines_of(name):
        match = INCLUDE.match(line)
        if not match:
            continue
        count += 1
        quote, target = match.groups()
        place = f"{name}:{number}"
        for pattern, owner in PRIVATE_HEADERS:
            if pattern.search(target) and not name.startswith(owner + "/"):
                violations.append(f"{place}: <{target}> may only be included under {owner}/")
        top = target.split("/")[0]
        if quote == '"' and "/" not in target and target not in GENERATED:
            if folder in ALLOWED:
                violations.append(f'{place}: write "{target}" from the root of the tree')
        if quote == '"' and folder in ALLOWED and top in ALLOWED:
            if top != folder and top not in ALLOWED[folder]:
                violations.append(f"{place}: {folder}/ may not include {top}/ ({target})")
finish(violations, f"{count} includes in {len(c_files())} C files")
