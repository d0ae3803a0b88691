"""Every diagnostic row is used by the sources, explained, and expected by a test."""

import re

from common import finish, read, tree_files

ROW = re.compile(r"^DIAG\((\d+),\s*(SEV_\w+),\s*(\w+),\s*(.*?)(?=^DIAG\(|^#|\Z)", re.M | re.S)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
AREAS = {"diags.def": (0, 100), "diags_syntax.def": (100, 200), "diags_kernel.def": (200, 300),
         "diags_builtin.def": (300, 400),
         "diags_ir.def": (400, 500), "diags_host.def": (500, 700), "diags_run.def": (700, 9999),
         "diags_tool.def": (800, 900), "diags_emu.def": (900, 1000),
         "diags_cuda.def": (1000, 1100),
         "diags_codegen.def": (1100, 1200)}
# Cannot be provoked by any input: running out of memory (tested in tests/unit) and internal errors.
NO_TEST = {"OUT_OF_MEMORY", "INTERNAL", "PASS_CONTRACT", "CODEGEN_LLVM"}
TEST_FOLDERS = ("tests/codegen/", "tests/diag/", "tests/emu/", "tests/ir/", "tests/passes/", "tests/unit/")

files = tree_files()
sources = "\n".join(read(name) for name in files if name.endswith((".c", ".h", ".l", ".y", ".def"))
                    and not name.startswith(("tests/", "support/diags")))
# A row is named DIAG_ROW, or ROW alone as an argument of a macro.
used = set(re.findall(r"\b(?:DIAG_)?([A-Z][A-Z0-9_]+)\b", sources))
tests = "\n".join(read(name) for name in files
                  if name.startswith(TEST_FOLDERS) and "README" not in name)
tested = set(re.findall(r"\bTK(\d{4})\b", tests))

violations = []
codes, rows = {}, 0
for name in (file for file in files if re.match(r"support/diags\w*\.def$", file)):
    low, high = AREAS.get(name.split("/")[1], (0, 10000))
    for code, severity, row, rest in ROW.findall(read(name)):
        rows += 1
        place = f"{name}: TK{int(code):04} {row}"
        if int(code) in codes:
            violations.append(f"{place}: the code is also {codes[int(code)]}'s")
        codes[int(code)] = row
        if not low <= int(code) < high:
            violations.append(f"{place}: the code is outside {low}..{high - 1}")
        if row not in used:
            violations.append(f"{place}: no source uses it")
        if f"{int(code):04}" not in tested and row not in NO_TEST:
            violations.append(f"{place}: no test in tests/diag, emu, ir, passes or unit expects it")
        texts = STRING.findall(rest)
        if len(texts) < 2 or "".join(texts[1:]).count("\\n") < 2 and row not in NO_TEST:
            violations.append(f"{place}: its explain page has fewer than two lines")
        if texts and (texts[0][:1].isupper() and texts[0][:2].islower() or texts[0].endswith(".")):
            violations.append(f"{place}: the text begins with a capital or ends with a full stop")
finish(violations, f"{rows} rows")
