"""tests/run.py itself: that it passes what must pass, and above all fails what must fail."""

import os
import subprocess
import sys
import tempfile

from common import ROOT, finish

# Text of a test file, and whether it passes.
CASES = [
    ("# RUN: true\n", True),
    ("// RUN: false\n", False),
    ("no command at all\n", False),
    ("# RUN: true\n# RUN: false\n", False),
    ("# RUN: false | true\n", False),
    ("# RUN: not false\n", True),
    ("# RUN: not true\n", False),
    ("# RUN: not sh -c 'exit 70'\n", False),
    ("# RUN: not sh -c 'kill -SEGV $$'\n", False),
    ("# RUN: not no-such-command\n", False),
    ("# RUN: %exit 3 sh -c 'exit 3'\n", True),
    ("# RUN: %exit 3 sh -c 'exit 1'\n", False),
    ("# RUN: %exit 3 sh -c 'echo x; exit 3' 2>&1 | grep -q x\n", True),
    ("# RUN: %exit 3 true 2>&1 | cat\n", False),
    ("# RUN: echo one \\\n# RUN:     two | grep -q 'one two'\n", True),
    ("# RUN: true \\\n", False),
    ("# RUN: sleep 5\n", False),
    ("# RUN: echo a > %t.x\n# RUN: grep -q a %t.x\n# RUN: test -f %s && test -d %S\n", True),
    ("# RUN: test '%say' = hello\n", True),
    ("# RUN: test -z \"$TKC_PATH\"\n", True),
]

violations = []
environment = dict(os.environ, TKC_PATH="/nowhere")
with tempfile.TemporaryDirectory() as folder:
    for number, (text, passes) in enumerate(CASES):
        path = os.path.join(folder, f"case_{number}.test")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        command = [sys.executable, os.path.join(ROOT, "tests/run.py"), "--tool", "say=hello",
                   "--scratch", folder, "--timeout", "2", path]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False,
                                    env=environment)
            status = result.returncode
        except OSError as error:
            status = str(error)
        if status != (0 if passes else 1):
            violations.append(f"case {number} ({text!r}): status {status}, should "
                              f"{'pass' if passes else 'fail'}\n{result.stdout}{result.stderr}")
finish(violations, f"{len(CASES)} cases")
