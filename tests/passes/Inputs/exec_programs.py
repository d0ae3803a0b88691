#!/usr/bin/env python3
"""Run every kernel of programs before and after each pass on its way to a GPU, on random data.

The kernels come from `tkc build --emit=tile`, the list of passes from passes/pass.h.

Usage: exec_programs.py ROOT TKC TK_OPT SCRATCH PROGRAM...
"""

import glob
import os
import re
import subprocess
import sys


def gpu_passes(root):
    with open(f"{root}/passes/pass.h", encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    lists = [re.search(rf"#define PASS_{name}_PIPELINE\s+([^\n]*)", text).group(1)
             for name in ("DEFAULT", "GPU")]
    return ",".join("".join(re.findall(r'"([^"]*)"', strings)) for strings in lists)


def main():
    root, tkc, tk_opt, scratch, *programs = sys.argv[1:]
    passes, kernels, runs, failed = gpu_passes(root), 0, 0, False
    for program in programs:
        folder = f"{scratch}.{os.path.basename(program)}/"
        subprocess.run([tkc, "build", program, "--emit=tile", "-o", folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for kernel in sorted(glob.glob(folder + "*.tile*")):
            command = [tk_opt, "--passes=" + passes, "--verify-each=exec", "--no-locations", kernel]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            compared = re.search(r"(\d+) runs compared", result.stderr)
            kernels += 1
            runs += int(compared.group(1)) if compared else 0
            if result.returncode != 0:
                print("$", " ".join(command), "\n" + result.stderr)
                failed = True
    print(f"{kernels} kernels, {runs} runs compared")
    sys.exit(1 if failed or runs < kernels else 0)


main()
