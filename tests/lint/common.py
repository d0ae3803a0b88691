"""What the lint scripts share: the files of the tree, and how violations are reported."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77  # ctest's SKIP_RETURN_CODE


def tree_files():
    """Paths of all files of the tree, relative to its root: those git tracks, or, where there is
    no repository, those found outside build folders."""
    try:
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True,
                                capture_output=True).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [name for name in folders
                          if not name.startswith((".", "build", "__pycache__"))]
            names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in files]
    return sorted(name for name in names if os.path.isfile(os.path.join(ROOT, name)))


def c_files():
    """The C sources and headers among them."""
    return [name for name in tree_files() if name.endswith((".c", ".h"))]


def read(name):
    """The text of a file of the tree."""
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def lines_of(name):
    """Pairs of line number and line."""
    return list(enumerate(read(name).splitlines(), 1))


def allowed(name):
    """The words of an allow list beside the scripts: one a line, `#` begins a comment."""
    words = []
    for _, line in lines_of("tests/lint/" + name):
        word = line.split("#")[0].strip()
        if word:
            words.append(word)
    return words


def finish(violations, summary):
    """Print the violations and end the script with the right status."""
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations; {summary}")
    sys.exit(1 if violations else 0)


def skip(reason):
    """End the script as skipped, loudly."""
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)
