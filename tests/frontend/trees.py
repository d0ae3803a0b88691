"""Does tkc build the same trees as python3?

    trees.py PATH-OF-TK-PARSE-CHECK [--files N] [--seed N] [--cases FILE]

Prints the `ast` of library files in the form of frontend/ast_print.c and compares the texts: kinds,
fields, operators, names, and the line and column of every node. Not compared: the columns inside
f-strings (before 3.12 python3 gets them wrong) and the values of f-string texts.
"""

import argparse
import ast
import difflib
import random
import subprocess
import sys
import warnings

import parity

UNARY = {"UAdd": "+", "USub": "-", "Invert": "~", "Not": "not"}
BINARY = {"Add": "+", "Sub": "-", "Mult": "*", "MatMult": "@", "Div": "/", "FloorDiv": "//",
          "Mod": "%", "Pow": "**", "LShift": "<<", "RShift": ">>", "BitOr": "|", "BitXor": "^",
          "BitAnd": "&"}
COMPARE = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Is": "is",
           "IsNot": "is not", "In": "in", "NotIn": "not in"}


class Printer:
    """The tree as the lines that tkc prints."""

    def __init__(self, text):
        self.source = text.encode("utf-8").split(b"\n")
        self.lines = []
        self.depth = 0
        self.in_fstring = 0

    def column(self, line, offset):
        return len(self.source[line - 1][:offset].decode("utf-8", "replace")) + 1

    def head(self, kind, node, words=()):
        start = "%d:%d" % (node.lineno, self.column(node.lineno, node.col_offset))
        end = "%d:%d" % (node.end_lineno, self.column(node.end_lineno, node.end_col_offset))
        place = "?" if self.in_fstring else start + "-" + end
        self.lines.append("  " * self.depth + " ".join([kind, place] + [w for w in words if w]))

    def field(self, name, children):
        """A field with one node or several; absent and empty ones are left out."""
        if children is None or children == []:
            return
        self.lines.append("  " * self.depth + name + ":")
        self.depth += 1
        for child in children if isinstance(children, list) else [children]:
            self.node(child)
        self.depth -= 1

    def node(self, node):
        kind = type(node).__name__
        method = getattr(self, "print_" + kind, None)
        if method:
            method(node)
            return
        self.head(kind, node, self.words(node))
        self.depth += 1
        for name in self.fields(node):
            self.field(name, getattr(node, name))
        self.depth -= 1

    def words(self, node):
        kind = type(node).__name__
        if kind == "BoolOp":
            return ["or" if isinstance(node.op, ast.Or) else "and"]
        if kind == "BinOp":
            return [BINARY[type(node.op).__name__]]
        if kind == "AugAssign":
            return [BINARY[type(node.op).__name__] + "="]
        if kind == "UnaryOp":
            return [UNARY[type(node.op).__name__]]
        if kind == "Compare":
            return [COMPARE[type(op).__name__] for op in node.ops]
        if kind in ("Global", "Nonlocal"):
            return node.names
        return [getattr(node, "id", None) or getattr(node, "attr", None)]

    def fields(self, node):
        """The fields with nodes, in the order in which tkc prints them."""
        skipped = ("ctx", "op", "ops", "id", "attr", "names", "simple", "type_comment", "kind")
        return [name for name in node._fields if name not in skipped]

    def print_Constant(self, node):
        value = node.value
        if isinstance(value, (str, bytes)):
            word = "text" if isinstance(value, str) else "bytes"
        elif isinstance(value, float):
            word = "float"
        elif isinstance(value, complex):
            word = "complex"
        elif isinstance(value, bool) or value is None or value is Ellipsis:
            word = "..." if value is Ellipsis else str(value)
        else:
            word = "int"
        self.head("Constant", node, [word])

    def print_JoinedStr(self, node):
        self.head("JoinedStr", node)
        self.depth += 1
        self.in_fstring += 1
        self.field("values", [part for part in node.values if isinstance(part, ast.FormattedValue)])
        self.in_fstring -= 1
        self.depth -= 1

    def print_FormattedValue(self, node):
        self.head("FormattedValue", node)
        self.depth += 1
        self.field("value", node.value)
        self.field("format_spec", node.format_spec)
        self.depth -= 1

    def print_Lambda(self, node):
        self.head("Lambda", node)
        self.depth += 1
        self.arguments(node.args)
        self.field("body", node.body)
        self.depth -= 1

    def arguments(self, args):
        defaults = [None] * (len(args.posonlyargs) + len(args.args) - len(args.defaults))
        defaults += args.defaults
        self.args("posonlyargs", args.posonlyargs, defaults)
        self.args("args", args.args, defaults[len(args.posonlyargs):])
        self.args("vararg", [args.vararg] if args.vararg else [], [None])
        self.args("kwonlyargs", args.kwonlyargs, args.kw_defaults)
        self.args("kwarg", [args.kwarg] if args.kwarg else [], [None])

    def args(self, name, args, defaults):
        if not args:
            return
        self.lines.append("  " * self.depth + name + ":")
        self.depth += 1
        for arg, default in zip(args, defaults):
            self.lines.append("  " * self.depth + "arg ? " + arg.arg)
            self.depth += 1
            self.field("annotation", arg.annotation)
            self.field("default", default)
            self.depth -= 1
        self.depth -= 1

    def keywords(self, keywords):
        if not keywords:
            return
        self.lines.append("  " * self.depth + "keywords:")
        self.depth += 1
        for keyword in keywords:
            self.lines.append("  " * self.depth + "keyword ? " + (keyword.arg or "**"))
            self.depth += 1
            self.node(keyword.value)
            self.depth -= 1
        self.depth -= 1

    def print_Call(self, node):
        self.head("Call", node)
        self.depth += 1
        self.field("func", node.func)
        self.field("args", node.args)
        self.keywords(node.keywords)
        self.depth -= 1

    def print_Dict(self, node):
        self.head("Dict", node)
        self.depth += 1
        for key, value in zip(node.keys, node.values):
            self.field("key", key)
            self.field("value" if key else "**", value)
        self.depth -= 1

    def comprehension(self, node, first, value=None):
        self.head(type(node).__name__, node)
        self.depth += 1
        self.field(*first)
        self.field("value", value)
        for clause in node.generators:
            self.lines.append("  " * self.depth +
                              ("async generator:" if clause.is_async else "generator:"))
            self.depth += 1
            self.field("target", clause.target)
            self.field("iter", clause.iter)
            self.field("ifs", clause.ifs)
            self.depth -= 1
        self.depth -= 1

    def print_ListComp(self, node):
        self.comprehension(node, ("elt", node.elt))

    print_SetComp = print_GeneratorExp = print_ListComp

    def print_DictComp(self, node):
        self.comprehension(node, ("key", node.key), node.value)

    def print_Yield(self, node):
        self.head("Yield", node)
        self.depth += 1
        self.field("value", node.value)
        self.depth -= 1

    def print_YieldFrom(self, node):
        self.head("Error" if node.value is None else "YieldFrom", node)
        self.depth += 1
        self.field("value", node.value)
        self.depth -= 1

    def print_FunctionDef(self, node):
        self.head(type(node).__name__, node, [node.name])
        self.depth += 1
        self.field("decorator_list", node.decorator_list)
        self.arguments(node.args)
        self.field("returns", node.returns)
        self.field("body", node.body)
        self.depth -= 1

    print_AsyncFunctionDef = print_FunctionDef

    def print_ClassDef(self, node):
        self.head("ClassDef", node, [node.name])
        self.depth += 1
        self.field("decorator_list", node.decorator_list)
        self.field("bases", node.bases)
        self.keywords(node.keywords)
        self.field("body", node.body)
        self.depth -= 1

    def aliases(self, node):
        return [alias.name + (" as " + alias.asname if alias.asname else "") for alias in node.names]

    def print_Import(self, node):
        self.head("Import", node, self.aliases(node))

    def print_ImportFrom(self, node):
        module = "." * node.level + (node.module or "") + ":"
        self.head("ImportFrom", node, [module] + self.aliases(node))

    def print_With(self, node):
        self.head(type(node).__name__, node)
        self.depth += 1
        for item in node.items:
            self.field("context", item.context_expr)
            self.field("target", item.optional_vars)
        self.field("body", node.body)
        self.depth -= 1

    print_AsyncWith = print_With

    def print_Try(self, node):
        self.head(type(node).__name__, node)
        self.depth += 1
        self.field("body", node.body)
        for handler in node.handlers:
            self.head("ExceptHandler", handler, [handler.name])
            self.depth += 1
            self.field("type", handler.type)
            self.field("body", handler.body)
            self.depth -= 1
        self.field("orelse", node.orelse)
        self.field("finalbody", node.finalbody)
        self.depth -= 1

    print_TryStar = print_Try

    def print_Match(self, node):
        self.head("Match", node)
        self.depth += 1
        self.field("subject", node.subject)
        for case in node.cases:
            self.lines.append("  " * self.depth + "case:")
            self.depth += 1
            self.node(case.pattern)
            self.field("guard", case.guard)
            self.field("body", case.body)
            self.depth -= 1
        self.depth -= 1

    def pattern(self, node, words=(), value=None, keys=None, inner=None, parts=(), named=()):
        self.head(type(node).__name__, node, words)
        self.depth += 1
        self.field("value", value)
        self.field("keys", keys)
        if inner:
            self.node(inner)
        self.field("patterns", list(parts))
        self.field("kwd_patterns", list(named))
        self.depth -= 1

    def print_MatchValue(self, node):
        self.pattern(node, value=node.value)

    def print_MatchSingleton(self, node):
        self.pattern(node, value=ast.copy_location(ast.Constant(node.value), node))

    def print_MatchSequence(self, node):
        self.pattern(node, parts=node.patterns)

    print_MatchOr = print_MatchSequence

    def print_MatchMapping(self, node):
        self.pattern(node, [node.rest], keys=node.keys, parts=node.patterns)

    def print_MatchClass(self, node):
        self.pattern(node, node.kwd_attrs, value=node.cls, parts=node.patterns,
                     named=node.kwd_patterns)

    def print_MatchStar(self, node):
        self.pattern(node, [node.name])

    def print_MatchAs(self, node):
        self.pattern(node, [node.name], inner=node.pattern)


def blur(lines):
    """tkc's lines without what is not compared."""
    result = []
    fstrings = []  # indentations of the f-strings around the line
    for line in lines:
        depth = len(line) - len(line.lstrip())
        while fstrings and depth <= fstrings[-1]:
            fstrings.pop()
        kind = line.strip().split(" ")[0]
        if kind in ("Constant", "FormattedValue", "arg", "keyword") or fstrings:
            line = blur_line(line.strip(), depth, bool(fstrings))
        result.append(line)
        if kind == "JoinedStr":
            fstrings.append(depth)
    return result


def blur_line(line, depth, in_fstring):
    words = line.split(" ")
    if line.endswith(":") and len(words) == 1:
        return " " * depth + line
    if words[0] in ("arg", "keyword") or in_fstring:
        words[1] = "?"
    if words[0] == "FormattedValue":
        words = words[:2]
    if words[0] == "Constant":
        words = words[:2] + [constant_word(" ".join(words[2:]))]
    return " " * depth + " ".join(words)


def constant_word(text):
    if text[:1] == "'":
        return "text"
    if text[:2] == "b'":
        return "bytes"
    if text in ("None", "True", "False", "..."):
        return text
    if text.endswith("j"):
        return "complex"
    is_hex = text.startswith("0x")
    return "float" if not is_hex and ("." in text or "e" in text) else "int"


def without_fstring_texts(lines):
    """Drops the constant parts of f-strings, and field lines that are empty then."""
    result = []
    fstrings = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        while fstrings and depth <= fstrings[-1]:
            fstrings.pop()
        kind = line.strip().split(" ")[0]
        if fstrings and kind == "Constant" and depth == fstrings[-1] + 4:
            continue
        result.append(line)
        if kind == "JoinedStr":
            fstrings.append(depth)
    return [line for number, line in enumerate(result)
            if not (line.strip() == "values:" and
                    (number + 1 == len(result) or
                     len(result[number + 1]) - len(result[number + 1].lstrip()) <=
                     len(line) - len(line.lstrip())))]


def python_lines(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    printer = Printer(text)
    printer.field("body", tree.body)
    return printer.lines


def tkc_lines(tool, text):
    data = text.encode("utf-8")
    done = subprocess.run([tool, "--texts", "--ast"], input=b"%d\n" % len(data) + data,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8", "replace").split("\n")[1:-1]


def compare(tool, name, text):
    """Prints how the trees differ; returns the number of lines of python3's, and if they do."""
    expected = python_lines(text)
    actual = without_fstring_texts(blur(tkc_lines(tool, text)))
    if expected == actual:
        return len(expected), False
    print("%s: the trees differ" % name)
    for line in list(difflib.unified_diff(expected, actual, "python3", "tkc", n=2))[:12]:
        print("    " + line)
    return len(expected), True


def texts_of(options):
    """Name and text of what is to be compared."""
    if options.cases:
        for text in parity.read_cases(options.cases):
            if not parity.python_verdict(text):
                yield repr(text), text
        return
    files = [path for path in parity.library_files()
             if 0 < parity.os.path.getsize(path) <= options.largest]
    if options.files:
        files = random.Random(options.seed).sample(files, min(options.files, len(files)))
    for path in files:
        text = parity.read(path).replace("\r\n", "\n")
        if "\f" not in text and not text.startswith("\ufeff"):  # lines and columns count differently
            yield path, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--files", type=int, default=0, help="how many files (0: all)")
    parser.add_argument("--largest", type=int, default=1 << 30, help="skip files of more bytes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", help="take the accepted texts of this file instead")
    options = parser.parse_args()
    texts = different = lines = 0
    for name, text in texts_of(options):
        count, differs = compare(options.tool, name, text)
        texts += 1
        lines += count
        different += differs
    print("%d texts, %d lines of trees compared, %d texts differ" % (texts, lines, different))
    if not texts:
        return 77
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
