#!/usr/bin/env python3
"""Check the comment at the head of every pass, and run its example.

A pass is a file named in passes.def (pass a-b is in passes/a_b.c). Its comment has the headings
In, Out, Keeps, Cost, Why, Before, After and Not; running the pass on Before must give After.
Examples of the laid level begin with `layout` lines. The tests that Not names must exist.

Usage: check_headers.py ROOT TK_OPT
"""

import re
import subprocess
import sys

HEADINGS = ["In", "Out", "Keeps", "Cost", "Why", "Before", "After", "Not"]
FRAME = "kernel @header(%x: i32, %y: i32, %p: ptr<i32>, %c: i1) num_warps = 4 num_stages = 3 {"


def sections(comment):
    """The text under each heading, without the comment's stars."""
    found, current = {}, None
    for line in comment.splitlines():
        line = re.sub(r"^ \* ?", "", line)
        heading = re.match(r"(\w+):\s*(.*)", line)
        if heading and heading.group(1) in HEADINGS:
            current = heading.group(1)
            found[current] = [heading.group(2)]
        elif current and not line.strip():
            current = None
        elif current:
            found[current].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def lines_of(text):
    """The lines without indentation; one that ends with a comma goes on in the next."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines).replace(",\n", ", ").splitlines()


def module_of(example):
    """The example in a kernel: its `layout` lines go first, and make it laid."""
    lines = example.splitlines()
    layouts = [line for line in lines if line.strip().startswith("layout #")]
    frame = FRAME.replace(" {", " laid {") if layouts else FRAME
    rest = [line for line in lines if line not in layouts]
    return "\n".join(layouts + [frame] + rest + ["}", ""])


def example_of(module):
    """What of a module's text an example shows."""
    return [line for line in lines_of(module)[:-1] if not line.startswith("kernel @")]


def check(root, tk_opt, name):
    """The complaints about one pass."""
    path = f"{root}/passes/{name.replace('-', '_')}.c"
    with open(path, encoding="utf-8") as file:
        comment = file.read().split("*/")[0]
    parts = sections(comment)
    complaints = [f"has no `{heading}:`" for heading in HEADINGS if heading not in parts]
    if complaints:
        return complaints
    result = subprocess.run([tk_opt, "--target=sm_80", f"--passes={name}", "-"], input=module_of(parts["Before"]),
                            text=True, capture_output=True, check=False)
    if result.returncode != 0:
        return ["Before is not valid: " + result.stderr]
    after = example_of(result.stdout)
    if after != lines_of(parts["After"]):
        complaints.append("Before becomes this, not After:\n" + "\n".join(after))
    for test in re.findall(r"tests/[\w/-]+\.tkir", comment):
        try:
            open(f"{root}/{test}", encoding="utf-8").close()
        except OSError:
            complaints.append(f"{test} does not exist")
    return complaints


def main():
    root, tk_opt = sys.argv[1:]
    with open(f"{root}/passes/passes.def", encoding="utf-8") as file:
        names = re.findall(r'^PASS\(\w+, "([\w-]+)"', file.read(), re.M)
    failed = not names
    for name in names:
        for complaint in check(root, tk_opt, name):
            print(f"passes/{name.replace('-', '_')}.c: {complaint}")
            failed = True
    sys.exit(1 if failed else 0)


main()
