"""The README.md of each folder, or of the nearest folder above it that has one, names each file in
backquotes; and it names no file that does not exist.
"""

import os
import re

from common import finish, read, tree_files

# Folders whose files are one list of alike things (tests, lessons' data): a line each says nothing.
EXEMPT = re.compile(r"^(tests/(unit|ir|passes|codegen|frontend|emu|diag|run|draw|lessons|docs|bench)(/|$)|\."
                    r"|.*/Inputs(/|$)|bench/results)")
NAMED = re.compile(r"`([\w.+-]+\.(?:c|h|def|l|y|tk|py|sh|md|txt|in|1|json))`")
UNNAMED = {"README.md", "CMakeLists.txt"}

folders = {}
for name in tree_files():
    folders.setdefault(os.path.dirname(name), set()).add(os.path.basename(name))


def nearest_readme(folder):
    """The folder at or above `folder`, below the root, that has a README.md; or None."""
    while folder and "README.md" not in folders.get(folder, ()):
        folder = os.path.dirname(folder)
    return folder or None


violations = []
everything = set().union(*folders.values())
for folder, files in sorted(folders.items()):
    if not folder or EXEMPT.match(folder):
        continue
    home = nearest_readme(folder)
    if home is None:
        violations.append(f"{folder}: no README.md")
        continue
    text = read(f"{home}/README.md")
    for file in sorted(files - UNNAMED):
        path = os.path.relpath(os.path.join(folder, file), home)
        if f"`{file}`" not in text and f"`{path}`" not in text:
            violations.append(f"{home}/README.md: does not name `{path}`")
    if home == folder:
        violations += [f"{folder}/README.md: names `{file}`, which does not exist"
                       for file in NAMED.findall(text) if file not in everything]
finish(violations, f"{len(folders)} folders")
