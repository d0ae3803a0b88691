"""Every operation on every type that it takes compiles, and ptxas accepts the PTX.

Usage: sweep.py TK-PTX PTXAS   Without ptxas only the first half is checked.
"""

import os
import subprocess
import sys
import tempfile

from merge import merge

INTS = ["i1", "i8", "i16", "i32", "i64"]
SMALL = ["f8e4m3", "f8e5m2", "f16", "bf16"]
FLOATS = SMALL + ["f32", "f64"]
TARGETS = ["sm_80", "sm_89", "sm_90a"]
LAYOUT = "layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>\n"
WIDTH = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "f8e4m3": 8, "f8e5m2": 8, "f16": 16,
         "bf16": 16, "f32": 32, "f64": 64}
RANK = {kind: place for place, kind in enumerate(FLOATS)}

kernels = []


def kernel(body, types):
    """A kernel that loads x0, x1 ... of the types, runs the lines, and stores %r."""
    name = f"k{len(kernels)}"
    params = ", ".join(f"%p{i}: ptr<{kind}>" for i, kind in enumerate(types))
    lines = [f"kernel @{name}({params}) num_warps = 4 num_stages = 3 laid {{",
             "    %offs = arange 0, 64 : tile<64xi32, #0>"]
    for i, kind in enumerate(types):
        lines += [f"    %s{i} = splat %p{i} : tile<64xptr<{kind}>, #0>",
                  f"    %a{i} = addptr %s{i}, %offs : tile<64xptr<{kind}>, #0>",
                  f"    %x{i} = load %a{i} : tile<64x{kind}, #0>"]
    lines += ["    " + line for line in body]
    lines += [f"    store %a{len(types) - 1}, %r, vector = 2", "    return", "}", ""]
    kernels.append("\n".join(lines))


def elementwise(mnemonic, count, types):
    for kind in types:
        operands = ", ".join(f"%x{i % 2}" for i in range(count))
        kernel([f"%r = {mnemonic} {operands} : tile<64x{kind}, #0>"], [kind, kind])


def cast(mnemonic, sources, results, keep):
    for source in sources:
        for result in results:
            if keep(source, result):
                kernel([f"%r = {mnemonic} %x0 : tile<64x{result}, #0>"], [source, result])


def narrower(source, result):
    return WIDTH[source] < WIDTH[result]


def arithmetic():
    for mnemonic in ("addi subi muli divsi divui remsi remui andi ori xori shli shrsi shrui minsi maxsi "
                     "minui maxui mulhsi mulhui").split():
        elementwise(mnemonic, 2, INTS)
    for mnemonic in "absi ctlz ctpop".split():
        elementwise(mnemonic, 1, INTS)
    for mnemonic in "addf subf mulf divf divrnf minnumf maxnumf minimumf maximumf".split():
        elementwise(mnemonic, 2, FLOATS)
    for mnemonic in "negf absf sqrt sqrtrn floor ceil".split():
        elementwise(mnemonic, 1, FLOATS)
    for mnemonic in "exp2 log2".split():
        elementwise(mnemonic, 1, SMALL + ["f32"])
    elementwise("rsqrt", 1, FLOATS)
    elementwise("fma", 3, FLOATS)
    for kind, mnemonic in [(kind, "cmpi slt") for kind in INTS] + [(k, "cmpf olt") for k in FLOATS]:
        kernel([f"%c = {mnemonic}, %x0, %x1 : tile<64xi1, #0>",
                f"%r = select %c, %x0, %x1 : tile<64x{kind}, #0>"], [kind, kind])


def conversions():
    cast("extsi", INTS, INTS, narrower)
    cast("extui", INTS, INTS, narrower)
    cast("trunci", INTS, INTS, lambda s, r: narrower(r, s))
    for mnemonic in ("sitofp", "uitofp"):
        cast(mnemonic, INTS, FLOATS, lambda s, r: True)
    for mnemonic in ("fptosi", "fptoui"):
        cast(mnemonic, FLOATS, INTS, lambda s, r: True)
    cast("fpext", FLOATS, FLOATS, narrower)
    cast("fptrunc", FLOATS, FLOATS, lambda s, r: narrower(r, s) or {s, r} == {"f16", "bf16"})
    for source in FLOATS:
        for result in FLOATS:
            if narrower(result, source):
                kernel([f"%r = fptrunc %x0, rounding = rtz : tile<64x{result}, #0>"],
                       [source, result])


def folds():
    for kind in INTS + FLOATS:
        add = "addi" if kind in INTS else "addf"
        region = [f"(%l: {kind}, %q: {kind}) {{", f"    %m = {add} %l, %q : {kind}",
                  "    yield %m", "}"]
        kernel([f"%t = reduce %x0, axis = 0 : {kind} {region[0]}"] + region[1:]
               + [f"%r = splat %t : tile<64x{kind}, #0>"], [kind])
        for reverse in ("", ", reverse"):
            kernel([f"%r = scan %x0, axis = 0{reverse} : tile<64x{kind}, #0> {region[0]}"]
                   + region[1:], [kind])


def atomics():
    for mnemonic, kinds in [("add", ["i32", "i64"]), ("and", ["i32", "i64"]), ("or", ["i32", "i64"]),
                            ("xor", ["i32", "i64"]), ("max", ["i32", "i64"]),
                            ("umin", ["i32", "i64"]), ("xchg", ["i32", "i64", "f32", "f64"]),
                            ("fadd", ["f16", "bf16", "f32", "f64"]), ("fmax", ["f32", "f64"]),
                            ("fmin", ["f32", "f64"])]:
        for kind in kinds:
            for sem in ("relaxed", "acq_rel", "acquire", "release"):
                for scope in ("gpu", "cta", "sys"):
                    kernel([f"%r = atomic_rmw {mnemonic}, %a0, %x0, sem = {sem}, scope = {scope} "
                            f": tile<64x{kind}, #0>"], [kind])
                    if scope == "gpu":
                        kernel([f"%o = atomic_rmw {mnemonic}, %a0, %x0, sem = {sem} "
                                f": tile<64x{kind}, #0>",
                                f"%r = bitcast %x0 : tile<64x{kind}, #0>"], [kind])
    for kind in ("i16", "i32", "i64", "f32", "f64"):
        kernel([f"%r = atomic_cas %a0, %x0, %x0 : tile<64x{kind}, #0>"], [kind])


def accesses():
    for kind in INTS + FLOATS:
        for cache in ("none", "ca", "cg", "cs", "cv"):
            for evict in ("normal", "first", "last"):
                for volatile in ("", ", volatile"):
                    kernel([f"%r = load %a0, cache = {cache}, evict = {evict}{volatile}, vector = 2 : "
                            f"tile<64x{kind}, #0>"], [kind])
        for cache in ("none", "wb", "cg", "cs", "wt"):
            for evict in ("normal", "first", "last"):
                kernel([f"store %a0, %x0, cache = {cache}, evict = {evict}",
                        f"%r = bitcast %x0 : tile<64x{kind}, #0>"], [kind])


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def main():
    tk_ptx, ptxas = sys.argv[1:3]
    for part in (arithmetic, conversions, folds, atomics, accesses):
        part()
    with tempfile.TemporaryDirectory() as folder:
        source, ptx = os.path.join(folder, "sweep.tkir"), os.path.join(folder, "sweep.ptx")
        with open(source, "w", encoding="utf-8") as file:
            file.write(LAYOUT + "\n" + "\n".join(kernels))
        for target in TARGETS:
            made = run([tk_ptx, "--target=" + target, source])
            if made.returncode != 0:
                print(made.stderr)
                sys.exit(f"{target}: refused")
            with open(ptx, "w", encoding="utf-8") as file:
                file.write(merge(made.stdout, target))
            if os.access(ptxas, os.X_OK):
                trouble = run([ptxas, "-O0", "-arch=" + target, ptx, "-o",
                               os.path.join(folder, "sweep.cubin")]).stderr
                if trouble:
                    sys.exit(f"{target}: {trouble[:4000]}")
    print(f"{len(kernels)} kernels, {len(TARGETS)} targets")


main()
