"""The README.md of each folder names each of its files in backquotes, and names no other file."""

import os
import re

from common import finish, read, tree_files

# Folders whose files are one list of alike things (tests, lessons' data): a line each says nothing.
EXEMPT = re.compile(r"^(tests/(ir|passes|frontend|diag|run|lessons|docs)(/|$)|\.|.*/Inputs(/|$)|bench/results)")
NAMED = re.compile(r"`([\w.+-]+\.(?:c|h|def|l|y|tk|py|sh|md|txt|in|1|json))`")
UNNAMED = {"README.md", "CMakeLists.txt"}

folders = {}
for name in tree_files():
    folders.setdefault(os.path.dirname(name), set()).add(os.path.basename(name))

violations = []
for folder, files in sorted(folders.items()):
    if not folder or EXEMPT.match(folder):
        continue
    if "README.md" not in files:
        violations.append(f"{folder}: no README.md")
        continue
    text = read(f"{folder}/README.md")
    for file in sorted(files - UNNAMED):
        if f"`{file}`" not in text:
            violations.append(f"{folder}/README.md: does not name `{file}`")
    for file in NAMED.findall(text):
        elsewhere = any(file in others for others in folders.values())
        if file not in files and not elsewhere:
            violations.append(f"{folder}/README.md: names `{file}`, which does not exist")
finish(violations, f"{len(folders)} folders")
