"""Several kernels' PTX, as tk-ptx prints it one after the other, in one file that ptxas reads."""

import re


def merge(text, target):
    """One header: that of the newest version; declarations once."""
    head, *parts = text.split(".version ")
    version = max((part.split("\n")[0] for part in parts), key=lambda v: [int(n) for n in v.split(".")])
    bodies, seen = [], set()
    for number, part in enumerate(parts):
        body = part.split(".address_size 64\n", 1)[1]
        body = re.sub(r"\btext(\d+)\b", rf"text{number}_\1", body)
        body = re.sub(r"(?m)^\s*\.file .*\n", "", body) if number else body
        lines = []
        for declaration in re.split(r"(?m)(^\.extern [^;]*;\n)", body):
            if declaration.startswith(".extern"):
                if declaration in seen:
                    continue
                seen.add(declaration)
            lines.append(declaration)
        bodies.append("".join(lines))
    return (f"{head}.version {version}\n.target {target}\n.address_size 64\n"
            + "\n".join(bodies))
