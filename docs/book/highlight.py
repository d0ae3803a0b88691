"""Colours for the code of the book: a small tokenizer a language, from text to HTML."""

import html
import re

KEYWORDS = ("False None True and as assert break class continue def del elif else except finally for "
            "from global if import in is lambda nonlocal not or pass raise return try while with yield")
C_KEYWORDS = ("break case char const continue do double else enum extern float for if int long return "
              "short signed sizeof static struct switch typedef union unsigned void while")


def words(text):
    return r"\b(?:" + "|".join(text.split()) + r")\b"


NUMBER = r"\b0[xX][0-9a-fA-F]+\b|\b\d[\d_]*(?:\.\d+)?(?:[eE][-+]?\d+)?\b"

# language: pairs of a class and what it looks like; at each place, the first that fits wins.
PYTHON = [
    ("comment", r"#[^\n]*"),
    ("string", r'[rbfRBF]{0,2}(?:"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\')'),
    ("string", r"[rbfRBF]{0,2}(?:\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"),
    ("meta", r"^[ \t]*@[\w.]+"),
    ("name", r"(?<=\bdef )\w+|(?<=\bclass )\w+"),
    ("keyword", words(KEYWORDS)),
    ("builtin", r"\b(?:tl|triton|torch|tkc)(?:\.\w+)+"),
    ("number", NUMBER),
]
PTX = [
    ("comment", r"//[^\n]*|/\*[\s\S]*?\*/"),
    ("meta", r"(?<![\w%])\.[a-z_]+\b"),
    ("variable", r"%[\w.]+|\$\w+"),
    ("keyword", r"(?<=^)[ \t]*(?:@!?%\w+[ \t]+)?[a-z][\w]*(?:\.[\w:]+)*|\b[a-z]\w*(?:\.[\w:]+)+"),
    ("number", r"\b0[fdFD][0-9a-fA-F]+\b|" + NUMBER),
]
TKIR = [
    ("comment", r"//[^\n]*"),
    ("string", r'"[^"\n]*"'),
    ("variable", r"[%^][\w.]+"),
    ("name", r"@[\w.]+"),
    ("type", r"\b(?:tile|ptr|desc)<[^>\n]*>+|(?<=: )[if]\d+\b|\b(?:i1|i8|i16|i32|i64|f16|bf16|f32|f64)\b"),
    ("keyword", r"(?<== )[a-z][\w.]*|^[ \t]*[a-z][\w.]*"),
    ("number", NUMBER),
]
C = [
    ("comment", r"//[^\n]*|/\*[\s\S]*?\*/"),
    ("meta", r"^[ \t]*#[^\n]*"),
    ("string", r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''),
    ("keyword", words(C_KEYWORDS)),
    ("number", NUMBER),
]
SHELL = [
    ("comment", r"(?:^|(?<=\s))#[^\n]*"),
    ("string", r"'[^']*'|\"(?:\\.|[^\"\\])*\""),
    ("variable", r"\$\w+|\$\{[^}]*\}"),
    ("meta", r"(?<=\s)--?[\w-]+"),
    ("keyword", r"(?:^|(?<=[|;] ))[\w./-]+"),
]
# What tkc prints, line by line.
OUTPUT = [
    ("error", r"^.*?\b(?:error|fault):[^\n]*"),
    ("note", r"^.*?\b(?:note|help|warning):[^\n]*"),
    ("error", r"^ *\|[ ~^]*[~^][^\n]*"),
    ("error", r"\b(?:WRONG|FAULT|ERROR)\b"),
    ("good", r"\bok\b|\bCorrect: True\b"),
]

LANGUAGES = {"tk": PYTHON, "python": PYTHON, "ptx": PTX, "tkir": TKIR, "layout": TKIR, "c": C,
             "sh": SHELL, "bash": SHELL}


def tokens(text, rules):
    """The text as HTML, what fits a rule in a <span> of its class."""
    pattern = re.compile("|".join(f"(?P<r{n}>{look})" for n, (_, look) in enumerate(rules)), re.M)
    parts, place = [], 0
    for match in pattern.finditer(text):
        if match.end() == match.start():
            continue
        parts.append(html.escape(text[place:match.start()], quote=False))
        kind = rules[int(match.lastgroup[1:])][0]
        parts.append(f'<span class="{kind}">{html.escape(match.group(), quote=False)}</span>')
        place = match.end()
    parts.append(html.escape(text[place:], quote=False))
    return "".join(parts)


def language_of_output(command):
    """What a command prints, if it prints code: --emit=ptx | grep ... still prints lines of PTX."""
    match = re.search(r"--emit=(\w[\w-]*)", command)
    kind = match.group(1) if match else "tk-opt" if re.search(r"\btk-opt\b", command) else ""
    if re.search(r"grep -c|wc |-o /dev/null", command):
        return OUTPUT
    return {"ptx": PTX, "tile": TKIR, "tile-opt": TKIR, "laid": TKIR, "tk-opt": TKIR, "c": C}.get(
        kind, OUTPUT)


def console(text):
    """A terminal: prompts and commands, and what they print."""
    parts, output, command = [], [], ""

    def flush():
        if output:
            parts.append(tokens("\n".join(output) + "\n", language_of_output(command)))
            output.clear()

    for line in text.rstrip("\n").split("\n"):
        if line.startswith("$ ") or (line.startswith("> ") and not output):
            flush()
            command = line if line[0] == "$" else command + line
            parts.append(f'<span class="prompt">{html.escape(line[:2], quote=False)}</span>'
                         f'<span class="command">{tokens(line[2:], SHELL)}</span>\n')
        else:
            output.append(line)
    flush()
    return "".join(parts)


def highlight(text, language):
    """The text of a code block as HTML."""
    if language == "console":
        return console(text)
    rules = LANGUAGES.get(language)
    return tokens(text, rules) if rules else html.escape(text, quote=False)
