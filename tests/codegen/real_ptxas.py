"""What tkc reads from the real ptxas: machine code, the registers, the lines of complaints.

Usage: real_ptxas.py TKC PTXAS   Exits with 77 (skipped) without ptxas.
"""

import os
import re
import subprocess
import sys
import tempfile

KERNELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Inputs", "kernels.tk")


def build(tkc, ptxas, kernel, signature, cubin):
    command = [tkc, "build", KERNELS, "--emit=cubin", "-v", "--kernel=" + kernel,
               "--signature=" + signature, "-o", cubin]
    environment = dict(os.environ, TKC_PTXAS=ptxas)
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stderr


def main():
    tkc, ptxas = sys.argv[1:]
    if not os.access(ptxas, os.X_OK):
        print("no ptxas")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        cubin = os.path.join(folder, "k.cubin")
        status, said = build(tkc, ptxas, "add", "*fp32:16, *fp32:16, *fp32:16, i32:16, 1024", cubin)
        assert status == 0, said
        with open(cubin, "rb") as file:
            assert file.read(4) == b"\177ELF"
        registers = int(re.search(r"(\d+) registers  0 B spilled", said).group(1))
        assert 8 < registers < 64, said
        os.remove(cubin)
        status, said = build(tkc, ptxas, "shifted", "*i32:16, *i32:16, 128", cubin)
        assert status == 1 and not os.path.exists(cubin), said
        assert "kernels.tk:25:9: error: ptxas cannot assemble `shifted` for sm_90a [TK1106]" in said, said
        assert re.search(r"kernels.tk:25:9: note: PTX line \d+: .*shl\.b33", said), said
    print("ptxas is understood")


main()
