#!/usr/bin/env python3
"""Measure tkc against its goals: bench.py [TKC], by default build/tkc.

A row is: what, the median over runs, the least and the most, the goal. Times are of the whole
process (wall clock), or what the program printed as `seconds X`; memory is the greatest resident
set. The last line names the machine. Exits with 1 if a goal is missed.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 5

KERNEL = """

@triton.jit
def kernel_{0}(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offsets < n
    x = tl.load(x_ptr + offsets, mask=mask)
    y = tl.load(y_ptr + offsets, mask=mask)
    total = x + y * {0}
    for i in range(4):
        total = total * 0.5 + i
    tl.store(out_ptr + offsets, total, mask=mask)
"""


def thousand_lines(path):
    """Write a program of 1,000 lines: many kernels like one another, none launched."""
    text = "import triton\nimport triton.language as tl\n"
    number = 0
    while text.count("\n") + KERNEL.count("\n") <= 1000:
        text += KERNEL.format(number)
        number += 1
    text += "# the end\n" * (1000 - text.count("\n"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def measure(command):
    """Run a command: seconds of the process, the `seconds` it printed (or None), peak MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{output}")
    printed = [float(line.split()[1]) for line in output.splitlines()
               if line.startswith("seconds ")]
    return elapsed, printed[0] if printed else None, usage.ru_maxrss / 1000


def report(what, values, unit, goal):
    """Print a row; returns whether the goal was met."""
    median = statistics.median(values)
    verdict = "ok" if median <= goal else "MISSED"
    print(f"{what:44} {median:9.2f} {unit:2} ({min(values):.2f} to {max(values):.2f})"
          f"  goal {goal:g} {unit}  {verdict}")
    return median <= goal


def main():
    tkc = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "../build/tkc"))
    threads = str(min(2, os.cpu_count() or 1))
    run = [tkc, "run", "--device=cpu", f"--threads={threads}"]
    ok = True
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "thousand.tk")
        thousand_lines(program)
        rows = [measure([tkc, "check", program]) for _ in range(RUNS)]
    ok &= report("check of 1,000 lines", [1000 * row[0] for row in rows], "ms", 20)
    ok &= report("check of 1,000 lines, memory", [row[2] for row in rows], "MB", 20)
    rows = [measure([*run, f"{HERE}/first_kernel.tk"]) for _ in range(RUNS)]
    ok &= report("start to first kernel", [1000 * row[0] for row in rows], "ms", 10)
    rows = [measure([*run, f"{HERE}/vector_add.tk"]) for _ in range(RUNS)]
    ok &= report("vector add, 2^24 f32, all checks", [row[1] for row in rows], "s", 0.25)
    tensors = 3 * 4 * 2 ** 24 / 1e6
    # Beyond the tensors: 8 bytes for each element touched, and 64 MB. The check at the end of the
    # program makes one more tensor.
    ok &= report("vector add, memory", [row[2] for row in rows], "MB",
                 tensors * 4 / 3 + 8 * 3 * 2 ** 24 / 1e6 + 64)
    rows = [measure([*run, f"{HERE}/matmul.tk"]) for _ in range(RUNS)]
    ok &= report("tl.dot matmul, 512^3 f32, all checks", [row[1] for row in rows], "s", 0.3)
    rows = [measure([*run, f"{HERE}/host_matmul.tk"]) for _ in range(RUNS)]
    ok &= report("host torch.matmul, 1024^3", [row[1] for row in rows], "s", 1.0)
    print(f"{threads} threads of {os.cpu_count()}, {platform.machine()}, {platform.system()}; "
          f"median of {RUNS}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
