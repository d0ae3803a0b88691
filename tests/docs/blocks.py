#!/usr/bin/env python3
"""Texts say what is so: runs the code blocks of Markdown files and compares what they print.

    blocks.py [--update | --measured] --tool tkc=PATH --tool tk-opt=PATH [--scratch DIR] FILE...

    ```console              lines that begin with `$ ` are commands, carried on by lines that begin with
                            `> `; what follows is all they print. A line `...` stands for any lines.
    ```console fails        the same; the last command fails, with status 1 or 3
    ```tk                   a program, or kernels: `tkc check` finds nothing wrong with it
    ```tk NAME.tk           the same, and it is saved for the commands below
    ```tk NAME.tk unchecked it is saved; the commands show what is wrong with it
    ```tk excerpt [PATH]    these lines are in the program, in this order; PATH is from the root of the
                            tree. Without PATH: the lesson's program, or one of the exercise's.
    <img src="NAME.svg"     a command of the text draws NAME.svg, and it is the file beside the text
    <!-- measured: N -->    the next line is what lessons/measured.txt says of lesson N

Commands run in a new folder with HOME in it, all blocks of a text in one. It holds: for a lesson,
what the lesson's folder holds; for a text of an exercise that, the exercise's files, and the file
that the learner begins with (lesson_01_2.tk); for other texts, the folder lessons/.

--update writes what the commands print into the blocks that do not match, what was measured below
its comments, and the pictures beside the text. Read what it wrote before you believe it.
--measured only does the second of these.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FENCE = re.compile(r"^( *)(`{3,}|~{3,})\s*(.*?)\s*$")
MEASURED = re.compile(r"^<!-- measured: (\d+) -->$")
PICTURE = re.compile(r'<img\b[^>]*\bsrc="([^"]+\.svg)"|!\[[^]]*\]\(([^)\s]+\.svg)\)')
# What builds with sanitizers say of memory that is refused; the program says so, too.
SANITIZER = re.compile(r"^==\d+==WARNING: AddressSanitizer failed to allocate .*\n", re.M)
HEADER = "import torch\nimport triton\nimport triton.language as tl\n\n"


class Block:
    """A fenced block: its words (`console`, `fails`), its lines, and where they are in the text."""

    def __init__(self, words, start):
        self.words, self.start, self.lines = words, start, []


def blocks_of(lines):
    """The fenced blocks of a text; fences may be indented, as in lists."""
    blocks, block, fence = [], None, None
    for number, line in enumerate(lines):
        match = FENCE.match(line)
        if block is None and match:
            block, fence = Block(match.group(3).split(), number), match
        elif block and match and not match.group(3) and match.group(2).startswith(fence.group(2)):
            blocks.append(block)
            block = None
        elif block:
            indent = len(fence.group(1))
            block.lines.append(line[indent:] if not line[:indent].strip() else line)
    if block:
        raise ValueError(f"line {block.start + 1}: the block does not end")
    return blocks


def matches(wanted, got):
    """Whether lines are as wanted, where `...` stands for any lines."""
    reached = {0}  # how many of `got` the lines of `wanted` so far may have covered
    for line in wanted:
        if line == "...":
            reached = set(range(min(reached), len(got) + 1)) if reached else reached
        else:
            reached = {n + 1 for n in reached if n < len(got) and got[n] == line}
    return len(got) in reached


class Text:
    """A Markdown file, and the folder that its commands run in."""

    def __init__(self, path, options):
        self.path, self.options = os.path.abspath(path), options
        self.failures, self.edits = [], []
        with open(self.path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.folder = os.path.dirname(self.path)
        name = os.path.relpath(self.path, ROOT).replace("../", "").replace(os.sep, "_")
        self.base = os.path.join(options.scratch, name)
        self.work = os.path.join(self.base, "work")
        self.deadline = time.monotonic() + options.timeout

    def fail(self, line, text):
        self.failures.append(f"{os.path.relpath(self.path)}:{line + 1}: {text}")

    # The folder that commands run in.

    def exercise(self):
        """The lesson's number and the exercise's, as in their files' names; None: not of one."""
        match = re.search(r"/lesson_(\d+)_exercises/(\d+)_[^/]+/[^/]+$", self.path)
        return match.groups() if match else None

    def lesson(self):
        """The path of the lesson's program, of a lesson's text or of an exercise's; None: neither."""
        match = re.search(r"^(.*/lesson_\d+_)(exercises/.*|[^/]*\.md)$", self.path)
        programs = sorted(glob.glob(glob.escape(match.group(1)) + "*.tk")) if match else []
        return programs[0] if programs else None

    def prepare(self):
        shutil.rmtree(self.base, ignore_errors=True)
        for folder in "work", "home", "bin":
            os.makedirs(os.path.join(self.base, folder))
        for name, program in self.options.tools.items():
            os.symlink(os.path.abspath(program), os.path.join(self.base, "bin", name))
        no_pictures = shutil.ignore_patterns("*.svg", "__pycache__")
        if self.lesson():
            shutil.copytree(os.path.dirname(self.lesson()), self.work, ignore=no_pictures,
                            dirs_exist_ok=True)
        else:
            shutil.copytree(os.path.join(ROOT, "lessons"), os.path.join(self.work, "lessons"),
                            ignore=no_pictures)
        if self.exercise():
            shutil.copytree(self.folder, self.work, ignore=no_pictures, dirs_exist_ok=True)
            start = os.path.join(self.folder, "start.tk")
            if os.path.exists(start):
                lesson, number = self.exercise()
                shutil.copy(start, os.path.join(self.work, f"lesson_{lesson}_{number}.tk"))

    def run(self, command):
        """Runs a command: its status (None: it took too long) and the lines that it printed."""
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("TKC_", "XDG_", "CLICOLOR", "NO_COLOR", "FORCE_COLOR"))}
        environment.update(HOME=os.path.join(self.base, "home"), LC_ALL="C.UTF-8", TERM="dumb",
                           COLUMNS="100", CUDA_VISIBLE_DEVICES="",
                           PATH=os.path.join(self.base, "bin") + os.pathsep + os.environ["PATH"])
        process = subprocess.Popen(["sh", "-c", command], cwd=self.work, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=max(0.1, self.deadline - time.monotonic()))
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            status = None
        text = SANITIZER.sub("", output.decode("utf-8", errors="replace")).expandtabs()
        lines = [line.rstrip() for line in text.split("\n")]
        return status, lines[:-1] if lines[-1] == "" else lines

    # Blocks.

    def steps(self, block):
        """The commands of a console block: their lines as written, and what they shall print."""
        steps = []
        for line in block.lines:
            if line.startswith("$ "):
                steps.append(([line], []))
            elif line.startswith("> ") and steps and not steps[-1][1]:
                steps[-1][0].append(line)
            elif steps:
                steps[-1][1].append(line)
            else:
                raise ValueError("a console block begins with a command: `$ ...`")
        if not steps:
            raise ValueError("a console block without a command")
        return steps

    def console(self, block):
        fails = "fails" in block.words
        written, right, status = [], True, 0
        steps = self.steps(block)
        for index, (command, wanted) in enumerate(steps):
            status, got = self.run("\n".join(line[2:] for line in command))
            if status is None:
                return self.fail(block.start, f"took too long: {command[0]}")
            may_fail = fails or self.options.update
            if status != 0 and not (index == len(steps) - 1 and may_fail and status in (1, 3)):
                return self.fail(block.start, f"exit status {status}: {command[0]}\n"
                                 + "\n".join(got))
            same = matches([line.rstrip() for line in wanted], got)
            if not same and not self.options.update:
                self.fail(block.start, f"{command[0]}\nwanted:\n" + "\n".join(wanted)
                          + "\ngot:\n" + "\n".join(got))
            right = right and same
            written += command + (wanted if same else got)
        if self.options.update and (not right or (status != 0) != fails):
            self.rewrite(block, written, status != 0)
        elif fails and status == 0:
            self.fail(block.start, "the last command must fail")
        return None

    def rewrite(self, block, written, fails):
        indent, fence, words = FENCE.match(self.lines[block.start]).groups()
        words = [word for word in words.split() if word != "fails"] + (["fails"] if fails else [])
        lines = [indent + fence + " ".join(words)]
        lines += [(indent + line).rstrip() for line in written]
        self.edits.append((block.start, block.start + 1 + len(block.lines), lines))

    def program(self, block):
        text = "\n".join(block.lines) + "\n"
        names = [word for word in block.words if word.endswith(".tk")]
        if names:
            with open(os.path.join(self.work, names[0]), "w", encoding="utf-8") as file:
                file.write(text)
            if "unchecked" in block.words:
                return
        path = os.path.join(self.base, "block.tk")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if re.search(r"^\s*(import|from)\s", text, re.M) else HEADER + text)
        status, got = self.run(f"tkc check '{path}'")
        if status != 0:
            self.fail(block.start, "tkc check finds something wrong:\n" + "\n".join(got))

    def excerpt(self, block):
        named = block.words[block.words.index("excerpt") + 1:]
        if named:
            paths = [os.path.join(ROOT, named[0])]
        elif self.exercise():
            paths = sorted(glob.glob(glob.escape(self.folder) + "/*.tk")) + [self.lesson()]
        else:
            paths = [self.lesson()]
        wanted = [line.strip() for line in block.lines if line.strip() not in ("", "...", "# ...")]
        for path in paths:
            if path is None or not os.path.exists(path):
                continue
            with open(path, encoding="utf-8") as file:
                there = iter([line.strip() for line in file])
            if all(line in there for line in wanted):
                return
        self.fail(block.start, "these lines are not in the program, in this order:\n"
                  + "\n".join(block.lines))

    def block(self, block):
        if block.words[:1] == ["console"]:
            self.console(block)
        elif block.words[:1] == ["tk"] and "excerpt" in block.words:
            self.excerpt(block)
        elif block.words[:1] == ["tk"]:
            self.program(block)

    # What is not in blocks.

    def pictures(self):
        for number, line in enumerate(self.lines):
            for names in PICTURE.findall(line):
                name = names[0] or names[1]
                drawn, kept = os.path.join(self.work, name), os.path.join(self.folder, name)
                if not os.path.exists(drawn):
                    self.fail(number, f"no command of the text draws {name}")
                elif self.options.update:
                    shutil.copy(drawn, kept)
                elif not os.path.exists(kept):
                    self.fail(number, f"there is no {name} beside the text")
                elif open(drawn, "rb").read() != open(kept, "rb").read():
                    self.fail(number, f"{name} is not what the command draws")

    def measured(self):
        with open(os.path.join(ROOT, "lessons/measured.txt"), encoding="utf-8") as file:
            rows = dict(line.rstrip("\n").split(": ", 1) for line in file if ": " in line)
        for number, line in enumerate(self.lines):
            match = MEASURED.match(line)
            if not match:
                continue
            wanted = rows.get(match.group(1))
            following = self.lines[number + 1] if number + 1 < len(self.lines) else ""
            if wanted is None:
                self.fail(number, f"lessons/measured.txt has no line {match.group(1)}")
            elif following == wanted:
                pass
            elif self.options.update or self.options.measured:
                old = re.match(r"\d|not measured", following) is not None
                self.edits.append((number + 1, number + 1 + old, [wanted]))
            else:
                self.fail(number, f"the next line is not what was measured: {wanted}")

    def check(self):
        """Runs everything; True if all of it is right."""
        if not self.options.measured:
            self.prepare()
            try:
                for block in blocks_of(self.lines):
                    try:
                        self.block(block)
                    except ValueError as error:
                        self.fail(block.start, str(error))
            except ValueError as error:
                self.fail(0, str(error))
            self.pictures()
        self.measured()
        for first, last, lines in sorted(self.edits, reverse=True):
            self.lines[first:last] = lines
        if self.edits:
            with open(self.path, "w", encoding="utf-8") as file:
                file.write("\n".join(self.lines))
        for failure in self.failures:
            print(failure)
        return not self.failures


def main():
    parser = argparse.ArgumentParser(description="run the code blocks of Markdown files")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--measured", action="store_true")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--scratch", default="/tmp/tkc-blocks")
    parser.add_argument("--timeout", type=float, default=110.0)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    options.scratch = os.path.abspath(options.scratch)
    build = os.path.join(ROOT, "build")
    options.tools = {name: os.path.join(build, name) for name in ("tkc", "tk-opt")}
    options.tools.update(tool.split("=", 1) for tool in options.tool)
    results = [Text(file, options).check() for file in options.files]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
