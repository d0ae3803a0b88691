"""Does tkc accept exactly the Python files that python3 compiles?

    parity.py PATH-OF-TK-PARSE-CHECK [--files N] [--mutants N] [--seed N] [--cases FILE]

Takes the files of python3's own library (all, or N of them), and of each file N mutants: a token
deleted, doubled, exchanged with its neighbour or inserted, a line indented differently, a character
deleted or inserted, other line ends. Each text goes through compile() and through tkc; both must say the same.

python3 may be older than the grammar that tkc accepts (3.12), so texts in which the two versions
differ by design are left out and counted: f-strings (PEP 701) and type parameters (PEP 695).
Also left out: texts that compile() refuses for its own recursion limits.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import sysconfig
import warnings
from collections import Counter

TOKENS = [
    "if", "else", "for", "in", "not", "and", "lambda", "yield", "await", "async", "return", "break",
    "def", "class", "with", "as", "import", "from", "global", "nonlocal", "del", "pass", "try",
    "except", "match", "case", "None", "True", "x", "self", "0", "1.5", "'s'", "b'b'", "(", ")", "[",
    "]", "{", "}", ",", ":", ";", ".", "=", "==", ":=", "+", "-", "*", "**", "/", "@", "%", "~",
    "->", "...", "!", "?", "$", "\\", "\n", "\n    ", "#", "_", "*x", "**x", "x=1", "x for x in y",
]
# Characters that matter below the level of tokens.
CHARACTERS = ["\r", "\r\n", "\f", "\t", "\v", "\0", "\x1a", "\ufeff", "\u00e9", "\u00a0", "\u00b2",
              "\u2118", "\u200b", "\U0001f600", "\\", "\\\n", "\n    \\\n", "\n\\\n", '"""', "'", "#",
              "\\N{", "\\x", "\\u", "0", "_", "e", "j"]
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?i:\b[rbfu]{0,2})(?:\"\"\"(?s:\\.|.)*?\"\"\"|'''(?s:\\.|.)*?'''"""
    r"""|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|\w+|[-+*/%@&|^<>=!:]=|\*\*|//|<<|>>|.""", re.S)


def library_files():
    """Python files of the standard library, in a fixed order."""
    found = []
    for folder, folders, files in os.walk(sysconfig.get_path("stdlib")):
        folders.sort()
        if "site-packages" in folders:
            folders.remove("site-packages")
        found += [os.path.join(folder, name) for name in sorted(files) if name.endswith(".py")]
    return found


def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape")


def mutate(text, rng):
    """One small change at a random place."""
    kind = rng.randrange(10)
    if kind == 8:  # insert a character, often at the start of a line
        at = rng.randrange(len(text) + 1)
        if rng.randrange(3) == 0:
            at = text.rfind("\n", 0, at) + 1
        return text[:at] + rng.choice(CHARACTERS) + text[at:]
    if kind == 9:  # other line ends, and other ends of the file
        text = text.replace("\n", rng.choice(["\n", "\n", "\r\n", "\r"]))
        return text.rstrip() + rng.choice(["", "\\", "  ", "\n  ", "\n\t# x", "\n  x", "# x", "\n\\"])
    if kind == 0 and text:  # delete a character
        at = rng.randrange(len(text))
        return text[:at] + text[at + 1:]
    if kind == 1:  # change an indentation
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        change = rng.choice([" ", "  ", "    ", "\t", None, None])
        lines[at] = lines[at][1:] if change is None else change + lines[at]
        return "\n".join(lines)
    # Work on a window: cutting the whole text into tokens for each mutant takes too long.
    start = text.rfind("\n", 0, rng.randrange(len(text) + 1)) + 1
    parts = TOKEN.findall(text[start:start + 2000])
    rest = text[start + sum(map(len, parts)):]
    solid = [i for i, part in enumerate(parts[:200]) if not part.isspace()]
    if len(solid) < 2:
        return text + rng.choice(TOKENS)
    position = rng.randrange(len(solid) - 1)
    at, after = solid[position], solid[position + 1]
    if kind == 2:
        del parts[at]
    elif kind == 3:
        parts.insert(at, parts[at] + " ")
    elif kind == 4:
        parts[at], parts[after] = parts[after], parts[at]
    elif kind == 5:
        parts[at] = rng.choice(TOKENS)
    else:
        parts.insert(at, rng.choice(TOKENS) + rng.choice(["", " "]))
    return text[:start] + "".join(parts) + rest


def python_verdict(text):
    """None if python3 compiles it, else its reason; the word "limit" for its own limits."""
    try:
        source = text.encode("utf-8", "surrogateescape")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "text", "exec", dont_inherit=True)
    except (RecursionError, MemoryError, OverflowError):
        return "limit"
    except (SyntaxError, ValueError) as error:
        return "%s line %s" % (error.args[0], getattr(error, "lineno", "?"))
    return None


def differs_by_design(text, python_says, tkc_says):
    """Texts whose meaning changed between python3 and 3.12."""
    if sys.version_info >= (3, 12):
        return False
    if python_says == "limit":
        return True
    f_string = re.search(r"(?i)\b(?:f|fr|rf)['\"]", text)
    if f_string and ("f-string" in (python_says or "") or "f-string" in tkc_says):
        return True
    if f_string and python_says != tkc_says and touches_f_string(text, python_says, tkc_says):
        return True
    return bool(python_says) and bool(re.search(
        r"\btype\s+\w+\s*[=\[]|\b(?:def|class)\s+\w+\s*\[", text))


def line_of(verdict):
    found = re.search(r"line (\d+)|error (\d+):", verdict or "")
    return int(found.group(1) or found.group(2)) if found else None


def touches_f_string(text, python_says, tkc_says):
    """Is there an f-string on the line where the only one who complains does so?"""
    line = line_of(python_says) or line_of(tkc_says)
    lines = text.split("\n")
    return line is not None and line <= len(lines) and \
        bool(re.search(r"(?i)\b(?:f|fr|rf)['\"]", lines[line - 1]))


def tkc_verdicts(tool, texts):
    """Lines that tk-parse-check prints, one a text."""
    parts = []
    for text in texts:
        data = text.encode("utf-8", "surrogateescape")
        parts.append(b"%d\n" % len(data) + data)
    done = subprocess.run([tool, "--texts"], input=b"".join(parts), stdout=subprocess.PIPE,
                          check=True)
    return done.stdout.decode("utf-8", "replace").split("\n")[:-1]


def check_texts(options, name, texts):
    """Compares the verdicts; returns how many there were of each kind, and the disagreements."""
    verdicts = tkc_verdicts(options.tool, texts)
    if len(verdicts) != len(texts):
        return Counter(), ["%s: %d texts, %d answers" % (name, len(texts), len(verdicts))]
    counts, wrong = Counter(), []
    for number, (text, tkc_says) in enumerate(zip(texts, verdicts)):
        python_says = python_verdict(text)
        agree = (python_says is None) == (tkc_says == "ok")
        if not agree and differs_by_design(text, python_says, tkc_says):
            counts["left out"] += 1
            continue
        counts["refused" if python_says else "accepted"] += 1
        if not agree:
            wrong.append("%s, mutant %d: python3: %s; tkc: %s"
                         % (name, number, python_says or "ok", tkc_says))
            if options.keep:
                path = os.path.join(options.keep, "%s.%d.py" % (os.path.basename(name), number))
                with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
    return counts, wrong


def read_cases(path):
    """Small texts, each with one construct or one mistake, separated by lines `---`."""
    return read(path).split("\n---\n")


def check_cases(options):
    counts, wrong = check_texts(options, options.cases, read_cases(options.cases))
    for line in wrong:
        print(line)
    print("%d accepted, %d refused, %d differ by design; %d disagreements"
          % (counts["accepted"], counts["refused"], counts["left out"], len(wrong)))
    return 1 if wrong or not counts else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--files", type=int, default=0, help="how many files (0: all)")
    parser.add_argument("--mutants", type=int, default=20, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--largest", type=int, default=1 << 30, help="skip files of more bytes")
    parser.add_argument("--keep", help="folder for the texts that disagree")
    parser.add_argument("--cases", help="check the texts of this file instead; see read_cases")
    options = parser.parse_args()
    if options.cases:
        return check_cases(options)
    files = [path for path in library_files() if os.path.getsize(path) <= options.largest]
    if not files:
        print("python3 has no library here: nothing to compare")
        return 77
    rng = random.Random(options.seed)
    if options.files:
        files = rng.sample(files, min(options.files, len(files)))
    counts, wrong = Counter(), []
    for path in files:
        text = read(path)
        texts = [text] + [mutate(text, rng) for _ in range(options.mutants)]
        found_counts, found_wrong = check_texts(options, path, texts)
        counts += found_counts
        wrong += found_wrong
    for line in wrong:
        print(line)
    print("%d files; of their texts and mutants python3 accepts %d and refuses %d, and %d differ by "
          "design; %d disagreements" % (len(files), counts["accepted"], counts["refused"],
                                        counts["left out"], len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
