#!/usr/bin/env python3
"""Makes one HTML file of the guide, the lessons with their exercises, and the reference.

    docs/book/make.py [--draft] [-o build/book.html]

Needs cmark-gfm (Debian: cmark-gfm), which turns Markdown into HTML. The file needs nothing beside it:
pictures and style are inside, there is no script, and links lead to places in the book. A link to a
file of the tree that is not part of the book becomes its name; one to nothing is an error
(--draft: it is told, and the book is made without it).
"""

import argparse
import base64
import dataclasses
import glob
import html
import os
import re
import subprocess
import sys

from highlight import highlight

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEVELS = ["beginner", "intermediate", "advanced", "expert"]
REFERENCE = ["language", "builtins", "torch", "masks", "layouts", "draw", "gpu", "emulator", "aot",
             "math", "performance", "diagnostics", "known-issues"]


@dataclasses.dataclass
class Chapter:
    """A text of the book: its path from the root, the name that its places begin with, its HTML."""
    path: str
    name: str
    title: str = ""
    body: str = ""


class Book:
    def __init__(self):
        self.places = {}  # path of a file of the tree: where in the book it is
        self.headings = {}  # path of a text: GitHub's names of its headings
        self.problems = []

    def read(self, path):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            return file.read()

    # Markdown to HTML.

    def convert(self, path, name, text=None, level=0):
        """A chapter of a text; `level` is added to the levels of its headings."""
        chapter = Chapter(path, name)
        source = self.read(path) if text is None else text
        result = subprocess.run(["cmark-gfm", "--unsafe", "--full-info-string", "--extension", "table",
                                 "--extension", "autolink"], input=source, capture_output=True,
                                text=True, check=True)
        body = re.sub(r'<pre><code(?: class="language-([^"]*)")?(?: data-meta="([^"]*)")?>(.*?)'
                      r'</code></pre>', self.code,
                      result.stdout, flags=re.S)
        title = re.search(r"<h1>(.*?)</h1>", body, re.S)
        chapter.title = re.sub(r"<.*?>", "", title.group(1)) if title else os.path.basename(path)
        used = self.headings.setdefault(path, {})
        body = re.sub(r"<h([1-6])>(.*?)</h\1>",
                      lambda match: self.heading(match, used, name, level), body, flags=re.S)
        body = re.sub(r"(<table>.*?</table>)", r'<div class="table">\1</div>', body, flags=re.S)
        chapter.body = re.sub(r"<img\b[^>]*>", lambda match: self.picture(match, path), body)
        return chapter

    @staticmethod
    def code(match):
        language, meta, text = match.groups()
        text = highlight(html.unescape(text), language or "")
        name = re.match(r"[\w.]+\.tk\b", meta or "")
        caption = f'<div class="file">{name.group()}</div>' if name else ""
        return f'{caption}<pre tabindex="0"><code>{text}</code></pre>'

    @staticmethod
    def heading(match, used, name, level):
        text = html.unescape(re.sub(r"<.*?>", "", match.group(2))).strip()
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = used[slug] = used.get(slug, -1) + 1
        place = f"{name}--{slug}" + (f"-{count}" if count else "")
        depth = min(6, int(match.group(1)) + level)
        return f'<h{depth} id="{place}">{match.group(2)}</h{depth}>'

    def picture(self, match, path):
        """The picture itself in place of its name."""
        source = re.search(r'src="([^"]*)"', match.group()).group(1)
        file = os.path.join(ROOT, os.path.dirname(path), source)
        if not os.path.exists(file):
            self.problems.append(f"{path}: there is no picture {source}")
            return ""
        with open(file, "rb") as opened:
            data = base64.b64encode(opened.read()).decode()
        kind = "svg+xml" if file.endswith(".svg") else "png"
        return match.group().replace(source, f"data:image/{kind};base64,{data}")

    def program(self, path, summary):
        """A program, folded; without its path in self.places unless it is named there."""
        place = self.places.get(path)
        where = f' id="{place}"' if place else ""
        return (f'<details class="program"{where}><summary>{summary}</summary>'
                f'<pre tabindex="0"><code>{highlight(self.read(path), "tk")}</code></pre></details>\n')

    def link(self, match, chapter):
        """Where a link leads in the book."""
        target, text = html.unescape(match.group(1)), match.group(2)
        if re.match(r"https?:|#.*--|data:", target):
            return match.group()
        file, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(chapter.path), file)) if file else chapter.path
        if path in self.places:
            place = self.places[path]
            if anchor:
                slug = anchor if anchor in self.headings.get(path, {}) else None
                slug = slug or re.sub(r"-\d+$", "", anchor)
                if slug not in self.headings.get(path, {}):
                    self.problems.append(f"{chapter.path}: {path} has no heading #{anchor}")
                place = f"{place}--{anchor}"
            return f'<a href="#{place}">{text}</a>'
        if not os.path.exists(os.path.join(ROOT, path)):
            self.problems.append(f"{chapter.path}: link to {target}, which does not exist")
        return text

    def links(self, chapter):
        chapter.body = re.sub(r'<a href="([^"]*)">(.*?)</a>',
                              lambda match: self.link(match, chapter), chapter.body, flags=re.S)

    # What the book consists of.

    def exercise(self, folder, name):
        """An exercise: the task, where to begin, hints and solution folded."""
        task = self.convert(f"{folder}/task.md", name, level=1)
        hints = re.split(r"^## (\d+)\s*$", self.read(f"{folder}/hints.md"), flags=re.M)[1:]
        parts = [task.body, self.program(f"{folder}/start.tk", "The program to begin with")]
        for number, text in zip(hints[::2], hints[1::2]):
            hint = self.convert(f"{folder}/hints.md", f"{name}-hint-{number}", text, level=1)
            parts.append(f"<details><summary>Hint {number}</summary>{hint.body}</details>\n")
        reason = self.convert(f"{folder}/solution.md", f"{name}-solution", level=2)
        parts.append(f"<details><summary>Solution</summary>"
                     f"{self.program(f'{folder}/solution.tk', 'The program')}{reason.body}</details>\n")
        task.body = f'<section class="exercise" id="{name}">{"".join(parts)}</section>\n'
        return task

    def exercise_folders(self, program):
        number = re.search(r"lesson_(\d+)_", program).group(1)
        pattern = f"{os.path.dirname(program)}/lesson_{number}_exercises/*/task.md"
        return [os.path.dirname(path) for path in sorted(glob.glob(pattern, root_dir=ROOT))]

    def lesson(self, program):
        """A lesson's chapters: its text, then its exercises."""
        text = program[:-len(".tk")] + ".md"
        number = int(re.search(r"lesson_(\d+)_", program).group(1))
        lesson = self.convert(text, f"lesson-{number}")
        lesson.body += self.program(program, "The whole program")
        chapters = [lesson]
        for index, folder in enumerate(self.exercise_folders(program), 1):
            chapters.append(self.exercise(folder, f"exercise-{number}-{index}"))
        return chapters

    def name_places(self, programs):
        """Says of each file of the book where it will be."""
        for program in programs:
            number = int(re.search(r"lesson_(\d+)_", program).group(1))
            self.places[program[:-len(".tk")] + ".md"] = f"lesson-{number}"
            self.places[program] = f"program-{number}"
            for index, folder in enumerate(self.exercise_folders(program), 1):
                name = f"exercise-{number}-{index}"
                self.places.update({f"{folder}/task.md": name, f"{folder}/hints.md": name,
                                    f"{folder}/solution.md": name})
        for name in ["guide", *REFERENCE]:
            self.places[f"docs/{name}.md"] = name

    def make(self):
        programs = [path for level in LEVELS
                    for path in sorted(glob.glob(f"lessons/{level}/lesson_*.tk", root_dir=ROOT))
                    if os.path.exists(os.path.join(ROOT, path[:-len(".tk")] + ".md"))]
        self.name_places(programs)
        parts = [("The guide", [[self.convert("docs/guide.md", "guide")]])]
        for level in LEVELS:
            lessons = [self.lesson(program) for program in programs if f"/{level}/" in program]
            if lessons:
                parts.append((f"{level.capitalize()} level", lessons))
        parts.append(("Reference", [[self.convert(f"docs/{name}.md", name)] for name in REFERENCE]))
        for _, groups in parts:
            for group in groups:
                for chapter in group:
                    self.links(chapter)
        return parts


def contents(parts):
    """The table of contents."""
    lines = []
    for title, groups in parts:
        lines.append(f"<strong>{html.escape(title)}</strong><ul>")
        for group in groups:
            lines.append(f'<li><a href="#{group[0].name}">{group[0].title}</a>')
            inner = [(exercise.name, exercise.title) for exercise in group[1:]]
            if group[0].name == "guide":
                inner = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', group[0].body)
            if inner:
                items = "".join(f'<li><a href="#{name}">{text}</a></li>' for name, text in inner)
                lines.append(f"<ul>{items}</ul>")
            lines.append("</li>")
        lines.append("</ul>")
    return "\n".join(lines)


def page(parts):
    with open(os.path.join(HERE, "style.css"), encoding="utf-8") as file:
        style = file.read()
    chapters = ["".join([f'<section class="chapter" id="{group[0].name}">\n', group[0].body,
                         *[exercise.body for exercise in group[1:]], "</section>\n"])
                for _, groups in parts for group in groups]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tkc: learning to write tile kernels</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#guide">To the text</a>
<nav aria-label="Contents">
<details open><summary>Contents</summary>
{contents(parts)}
</details>
</nav>
<main>
{"".join(chapters)}</main>
</body>
</html>
"""


def main():
    parser = argparse.ArgumentParser(description="make the book")
    parser.add_argument("-o", "--output", default=os.path.join(ROOT, "build", "book.html"))
    parser.add_argument("--draft", action="store_true")
    options = parser.parse_args()
    book = Book()
    try:
        text = page(book.make())
    except FileNotFoundError as error:
        sys.exit(f"make.py: cannot find {error.filename}"
                 + (": install Debian's package cmark-gfm" if error.filename == "cmark-gfm" else ""))
    for problem in book.problems:
        print(problem, file=sys.stderr)
    if book.problems and not options.draft:
        sys.exit(1)
    temporary = options.output + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, options.output)
    print(f"{options.output}: {len(text.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
