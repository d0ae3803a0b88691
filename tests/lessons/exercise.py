"""An exercise is whole, its solution passes its check, and its starting program fails as it says.

Usage: exercise.py TKC SCRATCH FOLDER...     each FOLDER is lessons/LEVEL/lesson_NN_exercises/M_NAME
"""
import os
import re
import shutil
import subprocess
import sys
import time

PARTS = ["task.md", "start.tk", "check.tk", "hints.md", "solution.tk", "solution.md"]
NUMBERS = re.compile(r"lesson_(\d+)_exercises/(\d+)_[a-z0-9_]+/?$")
CPU_SECONDS, EMU_SECONDS = 2, 10  # what a check may take on a machine that does nothing else
PATIENCE = 4  # the tests run on one that does


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def sections(text):
    """The texts below `## NAME` headings, by name."""
    parts = re.split(r"^## (.*)$", text, flags=re.M)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2])))


def unsolved(task):
    """What `tkc lesson check` prints of the starting program, by the task's text."""
    block = re.search(r"^```console[^\n]*\n(.*?)^```$", sections(task).get("Unsolved", ""),
                      re.M | re.S)
    if not block:
        return None
    lines = block.group(1).splitlines()
    checks = [i for i, line in enumerate(lines) if line.startswith("$ tkc lesson check")]
    if not checks:
        return None
    after = lines[checks[-1] + 1:]
    ends = [i for i, line in enumerate(after) if line.startswith("$ ")]
    return [line.rstrip() for line in after[:ends[0] if ends else None] if line.strip() != "..."]


class Exercise:
    def __init__(self, tkc, scratch, folder):
        self.tkc, self.folder = tkc, folder
        lesson, number = NUMBERS.search(folder).groups()
        self.name = f"{int(lesson)}.{number}"
        self.work = os.path.join(scratch, f"exercise_{self.name}")
        self.violations = []

    def check(self, *words):
        """Runs `tkc lesson check`: its status, what it printed, seconds."""
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("TKC_")}
        environment.update(XDG_STATE_HOME=os.path.join(self.work, "state"), LC_ALL="C.UTF-8",
                           TKC_CACHE_DIR=os.path.join(self.work, "cache"), CUDA_VISIBLE_DEVICES="")
        begin = time.monotonic()
        done = subprocess.run([self.tkc, "lesson", "check", self.name, *words], cwd=self.work,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                              text=True, errors="replace", timeout=80)
        return done.returncode, done.stdout, time.monotonic() - begin

    def expect(self, condition, text):
        if not condition:
            self.violations.append(f"{self.folder}: {text}")

    def whole(self):
        missing = [part for part in PARTS if not os.path.exists(os.path.join(self.folder, part))]
        self.expect(not missing, f"no {', '.join(missing)}")
        if missing:
            return False
        task = read(self.folder, "task.md")
        first = re.match(rf"# {re.escape(self.name)} \S.*\n\n\"[^\n]+\"\n", task)
        self.expect(first, f"task.md begins with `# {self.name} Title` and the guide's words in quotes")
        hints = sections(read(self.folder, "hints.md"))
        self.expect(list(hints) == ["1", "2", "3"], "hints.md has the sections ## 1, ## 2 and ## 3")
        self.expect(all(hints.values()), "a hint is empty")
        self.expect("TODO" in read(self.folder, "start.tk"), "start.tk marks nothing by TODO")
        self.expect("TODO" not in read(self.folder, "solution.tk"), "solution.tk has a TODO left")
        self.expect(read(self.folder, "solution.md").strip(), "solution.md is empty")
        return True

    def solution(self):
        for device, limit in [("cpu", CPU_SECONDS), ("emu", EMU_SECONDS)]:
            status, output, seconds = self.check("--of=solution", f"--device={device}")
            self.expect(status == 0, f"the solution fails on {device}, status {status}:\n{output}")
            self.expect(seconds < limit * PATIENCE, f"took {seconds:.1f} s on {device}")

    def start(self):
        with open(os.path.join(self.work, f"lesson_{int(self.name.split('.')[0]):02}_"
                               f"{self.name.split('.')[1]}.tk"), "w", encoding="utf-8") as file:
            file.write(read(self.folder, "start.tk"))
        status, output, _ = self.check()
        self.expect(status in (1, 3), f"the starting program ends with status {status}:\n{output}")
        wanted = unsolved(read(self.folder, "task.md"))
        if wanted is None:
            self.expect(False, "task.md has no console block with `$ tkc lesson check` below ## Unsolved")
            return
        self.expect(any("WRONG" in line or "ERROR" in line or "FAULT" in line for line in wanted),
                    "what task.md says of the starting program names nothing wrong")
        printed = iter([line.rstrip() for line in output.splitlines()])
        for line in wanted:
            if line not in printed:
                self.expect(False, f"task.md says of the starting program, in this order:\n{line}\n"
                            f"but it prints:\n{output}")
                break

    def test(self):
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        if self.whole():
            self.solution()
            self.start()
        return self.violations


def main():
    tkc, scratch, *folders = sys.argv[1:]
    violations = [text for folder in folders
                  for text in Exercise(os.path.abspath(tkc), os.path.abspath(scratch), folder).test()]
    for text in violations:
        print(text)
    print(f"{len(folders)} exercises, {len(violations)} violations")
    sys.exit(1 if violations else 0)


if __name__ == "__main__":
    main()
