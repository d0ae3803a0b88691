"""The highlighter of the book keeps every character and finds what it should: highlight.py FOLDER FILE."""

import html
import re
import sys

sys.path.insert(0, sys.argv[1])
from highlight import LANGUAGES, highlight  # noqa: E402

with open(sys.argv[2], encoding="utf-8") as file:
    program = file.read()
for text in (program, "%a = load %p : tile<4xf32> // <&>\n", "@%p1 ld.global.v4.b32 {%r1}, [%rd1];\n",
             "$ tkc run x.tk | head\nx.tk:1:2: error: no\n> 1\n", '#include "a.h" /* & */\nint x = 0x1F;\n'):
    for language in [*LANGUAGES, "console", "", "unknown"]:
        plain = html.unescape(re.sub(r"</?span[^>]*>", "", highlight(text, language)))
        assert plain.rstrip("\n") == text.rstrip("\n"), (language, plain)


def classes(text, language):
    return re.findall(r'<span class="(\w+)">(.*?)</span>', highlight(text, language))


def expect(found, *wanted):
    for pair in wanted:
        assert pair in found, (pair, found)


expect(classes("@triton.jit\ndef f(x: tl.constexpr):  # why\n    return 'a' + 12\n", "tk"),
       ("meta", "@triton.jit"), ("keyword", "def"), ("name", "f"), ("builtin", "tl.constexpr"),
       ("comment", "# why"), ("string", "'a'"), ("number", "12"))
expect(classes("@%p1 ld.global.v4.b32 {%r1}, [%rd1]; // x\n", "ptx"),
       ("keyword", "@%p1 ld.global.v4.b32"), ("variable", "%rd1"), ("comment", "// x"))
expect(classes("    %a = load %p : tile<4xf32>\n", "tkir"),
       ("variable", "%a"), ("keyword", "load"), ("type", "tile&lt;4xf32&gt;"))
expect(classes("$ tkc run x.tk\nx.tk:1:2: error: no\nhelp: yes\n", "console"),
       ("prompt", "$ "), ("error", "x.tk:1:2: error: no"), ("note", "help: yes"))
