"""ptxas accepts the PTX of every kernel that programs launch, for each target.

Usage: assemble_programs.py TKC PTXAS [--no-spills] FILE-OR-FOLDER...

With --no-spills ptxas optimises, and a kernel that spills registers is a failure, as is a program
without kernels. Exits with 77 (skipped) without ptxas.

Otherwise a program that fails by itself, or launches nothing, has nothing to assemble: `tkc build
--emit=tile` fails, too.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

TARGETS = ("sm_80", "sm_86", "sm_89", "sm_90a")


def programs(paths):
    """Every .tk file among the paths and in the folders, but those of exercises: small variants of the
    lessons' kernels, which the emulator runs."""
    for path in paths:
        if os.path.isfile(path):
            yield path
            continue
        for folder, _, names in sorted(os.walk(path)):
            if "_exercises" not in folder:
                yield from (os.path.join(folder, name) for name in sorted(names)
                            if name.endswith(".tk"))


def build(tkc, path, kinds, folder):
    """Runs tkc build; its exit status and what it said."""
    command = [tkc, "build", path, "--emit=" + kinds, "--target=" + ",".join(TARGETS), "-o", folder]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.returncode, done.stderr


def spilled(said):
    """What `ptxas -v` says of spills, or '' if there are none."""
    stores = sum(int(count) for count in re.findall(r"(\d+) bytes spill stores", said))
    return f"{stores} bytes spilled" if stores > 0 else ""


def assemble(ptxas, path, no_spills):
    """What ptxas says against one file, or ''."""
    target = re.search(r"\.(sm_\w+)\.ptx$", path).group(1)
    command = [ptxas, "-v" if no_spills else "-O0", "-arch=" + target, path, "-o", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return f"exit status {done.returncode}: {done.stdout}{done.stderr}"
    return spilled(done.stdout + done.stderr) if no_spills else ""


def main():
    tkc, ptxas, *paths = sys.argv[1:]
    no_spills = "--no-spills" in paths
    paths = [path for path in paths if path != "--no-spills"]
    if not os.access(ptxas, os.X_OK):
        print("no ptxas")
        sys.exit(77)
    bad, files, fruitless = [], 0, 0
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def build_one(item):
            number, path = item
            folder = os.path.join(scratch, str(number))
            status, said = build(tkc, path, "ptx", folder + "/")
            if status != 0 and build(tkc, path, "tile", folder + ".tile/")[0] != 0:
                return path, [], ""
            made = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            return path, [os.path.join(folder, name) for name in made], said if status != 0 else ""

        for path, made, said in pool.map(build_one, enumerate(programs(paths))):
            fruitless += not made and not said
            if no_spills and not made:
                said = said or "no kernels"
            if said:
                bad.append(f"{path}: {said}")
            files += len(made)
            for ptx, said in zip(made, pool.map(lambda name: assemble(ptxas, name, no_spills),
                                               made)):
                if said:
                    bad.append(f"{path}: {os.path.basename(ptx)}: {said}")
    print("\n".join(bad))
    print(f"{files} files of PTX, {len(bad)} failures, {fruitless} programs without kernels")
    sys.exit(1 if bad or files == 0 else 0)


main()
