#!/usr/bin/env python3
"""Checks the book that make.py made.

    docs/book/check.py BOOK.html                 elements closed, places unique, links lead somewhere,
                                                 nothing loaded from elsewhere, exercises complete
    docs/book/check.py --chromium BOOK.html      a browser shows it: no errors, nothing wider than the
                                                 window, in light and dark, narrow and wide
    docs/book/check.py --pictures DIR BOOK.html  the same, and keeps what the browser showed
    docs/book/check.py --make ...                make.py makes BOOK.html first

Status 77: there is no browser, or no cmark-gfm to make a book with.
"""

import argparse
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile

EMPTY = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}
EXERCISE_PARTS = ["The program to begin with", "Hint 1", "Hint 2", "Hint 3", "Solution", "The program"]


class Reader(html.parser.HTMLParser):
    """Reads a page: places, links, what it loads, the folded parts of each exercise."""

    def __init__(self):
        super().__init__()
        self.open, self.places, self.links, self.problems = [], {}, [], []
        self.exercises, self.exercise, self.summary = {}, None, None

    def problem(self, text):
        self.problems.append(f"line {self.getpos()[0]}: {text}")

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in EMPTY:
            self.open.append((tag, values))
        if "id" in values:
            if values["id"] in self.places:
                self.problem(f"two places are called {values['id']}")
            self.places[values["id"]] = self.getpos()[0]
        if tag == "a" and "href" in values:
            self.links.append((values["href"], self.getpos()[0]))
        if tag == "script" or (tag == "link" and not values.get("href", "").startswith("data:")):
            self.problem(f"a <{tag}>: the book is one file without scripts")
        if tag == "img":
            if not values.get("src", "").startswith("data:"):
                self.problem(f"a picture from elsewhere: {values.get('src')}")
            if not values.get("alt"):
                self.problem("a picture without words (alt)")
        if tag == "section" and values.get("class") == "exercise":
            self.exercise = self.exercises.setdefault(values["id"], [])
        if tag == "summary":
            self.summary = ""

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.problem(f"</{tag}> closes {self.open[-1][0] if self.open else 'nothing'}")
            return
        _, values = self.open.pop()
        if tag == "section" and values.get("class") == "exercise":
            self.exercise = None
        if tag == "summary" and self.exercise is not None:
            self.exercise.append(self.summary)

    def handle_data(self, data):
        if self.summary is not None:
            self.summary += data


def check_page(text):
    """What is wrong with the page."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    problems = reader.problems + [f"<{tag}> is not closed" for tag, _ in reader.open]
    for target, line in reader.links:
        if target.startswith("#"):
            if target[1:] not in reader.places:
                problems.append(f"line {line}: there is no place {target}")
        elif not target.startswith("https://"):
            problems.append(f"line {line}: a link to {target}")
    for name, parts in reader.exercises.items():
        missing = [part for part in EXERCISE_PARTS if part not in parts]
        if missing:
            problems.append(f"{name}: no {', '.join(missing)}")
    print(f"{len(reader.places)} places, {len(reader.links)} links, "
          f"{len(reader.exercises)} exercises")
    return problems


PROBE = """<script>
addEventListener('load', () => {
  const wide = document.documentElement.scrollWidth > innerWidth;
  const ink = getComputedStyle(document.body).color, page = getComputedStyle(document.body).backgroundColor;
  const pictures = [...document.images].filter(i => !i.complete || i.naturalWidth === 0).length;
  document.title = `probe ${wide ? 'wide' : 'fits'} ${pictures} [${ink}] [${page}]`;
});
</script></head>"""


def browse(browser, path, width, dark, picture=None):
    """Shows a page: what the browser complains of, and the page's title."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                   "--enable-logging=stderr", "--v=0", f"--user-data-dir={profile}",
                   f"--window-size={width},1400"]
        if dark:
            command.append("--blink-settings=preferredColorScheme=0")
        command += [f"--screenshot={os.path.abspath(picture)}"] if picture else ["--dump-dom"]
        result = subprocess.run([*command, "file://" + os.path.abspath(path)], capture_output=True,
                                text=True, timeout=100, check=False)
    complaints = [line for line in result.stderr.splitlines() if "CONSOLE" in line]
    title = re.search(r"<title>(.*?)</title>", result.stdout)
    return complaints, title.group(1) if title else ""


def check_browser(path, text, pictures):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        print("SKIPPED: chromium is not installed")
        sys.exit(77)
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        probe = os.path.join(folder, "probe.html")
        with open(probe, "w", encoding="utf-8") as file:
            file.write(text.replace("</head>", PROBE, 1))
        seen = {}
        for width in (500, 1400):
            for dark in (False, True):
                name = f"{width}-{'dark' if dark else 'light'}"
                complaints, title = browse(browser, probe, width, dark)
                print(name, title)
                problems += [f"{name}: {line}" for line in complaints]
                if not title.startswith("probe fits 0 "):
                    problems.append(f"{name}: wider than the window, or pictures missing: {title}")
                seen[dark] = title.split("[", 1)[-1]
                if pictures:
                    browse(browser, path, width, dark, os.path.join(pictures, name + ".png"))
        if seen[False] == seen[True]:
            problems.append("light and dark look alike")
    return problems


def make(path):
    if shutil.which("cmark-gfm") is None:
        print("SKIPPED: cmark-gfm is not installed")
        sys.exit(77)
    here = os.path.dirname(os.path.abspath(__file__))
    made = subprocess.run([sys.executable, "-B", os.path.join(here, "make.py"), "-o", path], check=False)
    if made.returncode != 0:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description="check the book")
    parser.add_argument("--chromium", action="store_true")
    parser.add_argument("--pictures", metavar="DIR")
    parser.add_argument("--make", action="store_true")
    parser.add_argument("book")
    options = parser.parse_args()
    if options.make:
        make(options.book)
    with open(options.book, encoding="utf-8") as file:
        text = file.read()
    if options.chromium or options.pictures:
        problems = check_browser(options.book, text, options.pictures)
    else:
        problems = check_page(text)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
