#!/usr/bin/env python3
"""Compare what two devices make of every function of libdevice.

    libdevice_program.py LIBDEVICE_DEF > program.tk    writes a program that prints all of them
    libdevice_program.py --compare A B                 compares what it printed on two devices

Integers must be equal, floats within UNITS in the last place (the fast forms: roughly).
"""

import collections
import math
import re
import sys

UNITS = 32
FAST = 1e-3
REFUSED = {"jn", "yn"}  # on GPU devices
PER_KERNEL = 12
TORCH = {"f": "float32", "d": "float64", "i": "int32", "u": "int32", "l": "int64", "L": "int64"}
UNSIGNED = {"u": "uint32", "L": "uint64"}
BOOLEAN = {"isnan", "isinf", "finitef", "isfinited", "signbit"}


def overloads(path):
    """(arguments, result) -> names, in the order of the table."""
    groups = collections.OrderedDict()
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r'^LIBDEVICE\("([^"]+)", "([^"]+)"', file.read(), re.M)
    for name, texts in rows:
        for text in texts.split():
            if name not in REFUSED:
                groups.setdefault(tuple(text.split(":")), []).append(name)
    return groups


def print_kernel(index, args, result, names):
    params = ", ".join(f"a{i}" for i in range(len(args)))
    print(f"@triton.jit\ndef k{index}({params}, out, B: tl.constexpr):\n    o = tl.arange(0, B)")
    for i, letter in enumerate(args):
        cast = f".to(tl.{UNSIGNED[letter]}, bitcast=True)" if letter in UNSIGNED else ""
        print(f"    x{i} = tl.load(a{i} + o){cast}")
    values = ", ".join(f"x{i}" for i in range(len(args)))
    for row, name in enumerate(names):
        cast = f".to(tl.{TORCH[result]}, bitcast=True)" if result in UNSIGNED else ""
        cast = ".to(tl.int32)" if name in BOOLEAN else cast
        print(f"    tl.store(out + {row} * B + o, libdevice.{name}({values}){cast})")
    print()


def print_program(path):
    print("import torch\nimport triton\nimport triton.language as tl\n"
          "from triton.language.extra import libdevice\n\ntorch.manual_seed(1)")
    for i in range(4):
        for letter, scale in (("f", 3), ("d", 3), ("i", 2000), ("l", 2000000)):
            print(f"{letter}{i} = ((torch.rand(32, device='cuda') - 0.4) * {scale})"
                  f".to(torch.{TORCH[letter]})")
    index = 0
    for (args, result), names in overloads(path).items():
        for start in range(0, len(names), PER_KERNEL):
            part = names[start:start + PER_KERNEL]
            print_kernel(index, args, result, part)
            inputs = ", ".join(f"{letter.lower().replace('u', 'i')}{i}"
                               for i, letter in enumerate(args))
            print(f"y = torch.empty({len(part)} * 32, dtype=torch.{TORCH[result]}, device='cuda')")
            print(f"k{index}[(1,)]({inputs}, y, B=32)")
            for row, name in enumerate(part):
                print(f"print('{name} {args} {result}', y[{row * 32}:{row * 32 + 32}].tolist())")
            index += 1


def near(name, result, text_a, text_b):
    if text_a == text_b:
        return True
    if result not in "fd":
        return False
    a, b = float(text_a), float(text_b)
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.isnan(a) and math.isnan(b)
    limit = FAST if name.startswith("fast_") else UNITS * 2.0 ** (-23 if result == "f" else -52)
    return abs(a - b) <= limit * max(abs(a), abs(b))


def compare(one, other):
    with open(one, encoding="utf-8") as file_a, open(other, encoding="utf-8") as file_b:
        lines = list(zip(file_a.read().splitlines(), file_b.read().splitlines(), strict=True))
    wrong = 0
    for line_a, line_b in lines:
        head, values = line_a.split(" [")
        name, _, result = head.split()
        pairs = zip(values.rstrip("]").split(", "), line_b.split(" [")[1].rstrip("]").split(", "))
        for a, b in pairs:
            if not near(name, result, a, b):
                wrong += 1
                print(f"{head}: {a} and {b}")
                break
    print(f"{len(lines)} functions, {wrong} differ")
    return 1 if wrong or len(lines) < 300 else 0


if __name__ == "__main__":
    if sys.argv[1] == "--compare":
        sys.exit(compare(sys.argv[2], sys.argv[3]))
    print_program(sys.argv[1])
