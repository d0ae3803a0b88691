#!/usr/bin/env python3
"""Write random programs of tiles whose results are defined to the last bit.

    tile_programs.py SEED > program.tk

A program has a few kernels; each computes one random expression of tiles for every size of data in
SIZES, and prints what it stored. Sums, products of matrices and atomics are of small integers, so
that every order gives the same; floats hold NaN, infinities, both zeros and numbers of all sizes,
and are computed with by operations that round alike everywhere. Views begin at odd elements, so
that nothing is aligned. The same seed gives the same program (tests/agree.py runs it on two
devices).
"""

import random
import sys

HEAD = '''"""Made by tests/fuzz/tile_programs.py, seed {seed}."""
import torch
import triton
import triton.language as tl

'''

KERNEL = '''
@triton.jit
def kernel_{number}(x_ptr, y_ptr, i_ptr, out_ptr, n, BLOCK: tl.constexpr):
    offs = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = offs < n
    x = tl.load(x_ptr + offs, mask=mask, other={other})
    y = tl.load(y_ptr + offs, mask=mask)
    i = tl.load(i_ptr + offs, mask=mask)
    j = offs % 11 - 5
    b = mask
{body}
    tl.store(out_ptr + offs, {result}, mask=mask)

'''

LAUNCH = '''
for n in {sizes}:
    x, y, i = (t[:n] for t in data_{number})
    out = torch.zeros({room}, device="cuda", dtype=torch.{out})
    kernel_{number}[(triton.cdiv(max(n, 1), {block}),)](x, y, i, out, n, BLOCK={block})
    print("kernel {number}", n, out.tolist())
'''

FLOATS = ["nan", "inf", "-inf", "0.0", "-0.0", "1.5", "-2.25", "1e-30", "3e30", "0.1", "-7.0", "65504.0", "1e-6"]
FLOAT_TYPES = ["float32", "float16", "float64", "bfloat16"]
INT_TYPES = ["int32", "int64", "int16", "int8"]


class Writer:
    """One kernel's body: names of tiles by kind, statement by statement."""

    def __init__(self, rng, block):
        self.rng, self.block, self.lines = rng, block, []
        self.tiles = {"f": ["x", "y"], "i": ["i", "j", "offs"], "b": ["b"]}
        self.count = 0

    def pick(self, kind):
        return self.rng.choice(self.tiles[kind])

    def bind(self, kind, text):
        self.count += 1
        name = f"{kind}{self.count}"
        self.lines.append(f"{name} = {text}")
        self.tiles[kind].append(name)

    def floats(self):
        x, y, b = self.pick("f"), self.pick("f"), self.pick("b")
        self.bind("f", self.rng.choice([
            f"{x} + {y}", f"{x} - {y}", f"{x} * {y}", f"tl.where({b}, {x}, {y})", f"tl.abs({x})",
            f"-{x}", f"tl.maximum({x}, {y})", f"tl.minimum({x}, {y})", f"tl.floor({x}.to(tl.float32))",
            f"tl.ceil({x}.to(tl.float32))", f"{x} * 0.5", f"{x}.to(tl.float16).to(tl.float32)",
            f"{x}.to(tl.bfloat16).to(tl.float32)", f"{self.pick('i')}.to(tl.float32)",
            f"tl.div_rn({x}.to(tl.float32), {y}.to(tl.float32))",
            f"tl.sqrt_rn(tl.abs({x}.to(tl.float32)))",
            f"tl.clamp({x}.to(tl.float32), -3.0, 3.0)"]))

    def ints(self):
        x, y, b = self.pick("i"), self.pick("i"), self.pick("b")
        self.bind("i", self.rng.choice([
            f"{x} + {y}", f"{x} - {y}", f"{x} * {y}", f"{x} & {y}", f"{x} | {y}", f"{x} ^ {y}",
            f"{x} >> 2", f"{x} << 3", f"{x} // 7", f"{x} % 5", f"tl.where({b}, {x}, {y})",
            f"tl.maximum({x}, {y})", f"tl.abs({x})", f"~{x}", f"{x}.to(tl.int8).to(tl.int32)",
            f"{x}.to(tl.int16).to(tl.int32)", f"{x}.to(tl.int64) * 3",
            f"tl.umulhi({x}.to(tl.int32), {y}.to(tl.int32))",
            f"{self.pick('b')}.to(tl.int32)"]))

    def bools(self):
        kind = self.rng.choice("fi")
        x, y = self.pick(kind), self.pick(kind)
        operator = self.rng.choice(["<", "<=", ">", ">=", "==", "!="])
        self.bind("b", self.rng.choice([
            f"{x} {operator} {y}", f"{self.pick('b')} & {self.pick('b')}",
            f"{self.pick('b')} ^ {self.pick('b')}"]))

    def small(self):
        """A tile of small integers, for what must not round or overflow."""
        return f"({self.pick('i')} % 9).to(tl.int32)"

    def folds(self):
        self.bind("i", self.rng.choice([
            f"offs * 0 + tl.sum({self.small()}, axis=0)",
            f"offs * 0 + tl.max({self.small()}, axis=0)",
            f"offs * 0 + tl.argmin({self.small()}, axis=0)",
            f"tl.cumsum({self.small()}, axis=0)",
            f"tl.cumsum({self.small()}, axis=0, reverse=True)",
            f"offs * 0 + tl.sum({self.small()}.to(tl.float32), axis=0).to(tl.int32)"]))

    def shapes(self):
        kind = self.rng.choice("fi")
        x, block = self.pick(kind), self.block
        rows = self.rng.choice([d for d in (1, 2, 4, 8) if block % d == 0])
        cols = block // rows
        self.bind(kind, self.rng.choice([
            f"tl.reshape(tl.trans(tl.reshape({x}, ({rows}, {cols}))), ({block},))",
            f"tl.flip({x})",
            f"tl.gather({x}, tl.abs({self.pick('i')}.to(tl.int32) % {block}), 0)"]))
        self.bind("i", f"tl.reshape(tl.reshape({self.small()}, ({rows}, {cols})) + "
                       f"tl.sum(tl.reshape({self.small()}, ({rows}, {cols})), axis="
                       f"{self.rng.randrange(2)}, keep_dims=True), ({block},))")

    def loops(self):
        x, y = self.small(), self.small()
        self.count += 1
        name = f"acc{self.count}"
        self.lines += [f"{name} = tl.zeros((BLOCK,), tl.int32)",
                       f"for k{self.count} in range({self.rng.choice(['n % 5', '3', '0', 'n'])}):",
                       f"    {name} = {name} * 3 + {x} * k{self.count}",
                       f"    if k{self.count} % 2 == 0:",
                       f"        {name} += {y}"]
        self.tiles["i"].append(name)


def kernel(rng, number):
    power = rng.random() < 0.7
    block = rng.choice([1, 16, 32, 64, 128, 256]) if power else rng.choice([7, 12, 96, 100])
    w = Writer(rng, block)
    makers = [w.floats, w.floats, w.ints, w.ints, w.bools, w.folds, w.loops] + ([w.shapes] if power else [])
    for _ in range(rng.randrange(4, 16)):
        rng.choice(makers)()
    kind = rng.choice("fi")
    float_type = rng.choice(FLOAT_TYPES)
    out = float_type if kind == "f" else rng.choice(INT_TYPES)
    # Stores convert; a float64 that meets float32 prints alike wherever it rounds once.
    result = w.tiles[kind][-1]
    body = "\n".join("    " + line for line in w.lines)
    sizes = sorted({0, 1, block - 1, block, block + 1, 2 * block + 3})
    room = 3 * block + 8
    values = ", ".join(f'float("{rng.choice(FLOATS)}")' for _ in range(37))
    text = KERNEL.format(number=number, body=body, result=result,
                         other=rng.choice(["0.0", "1.0", "float('nan')"]))
    shift = rng.randrange(3)
    text += f"floats = torch.tensor([{values}], device='cuda')\n"
    text += f"picks = torch.arange({room}, device='cuda')\n"
    text += (f"data_{number} = (floats[(picks * 7) % 37].to(torch.{float_type})[{shift}:], "
             f"floats[(picks * 11 + 3) % 37].to(torch.{float_type})[{shift}:], "
             f"((picks * 2654435761) % 4294967296 - 2147483648)"
             f".to(torch.{rng.choice(INT_TYPES)})[{shift}:])\n")
    return text + LAUNCH.format(number=number, sizes=sizes, room=room, out=out, block=block)


def program(seed):
    rng = random.Random(seed)
    return HEAD.format(seed=seed) + "\n".join(kernel(rng, k) for k in range(3))


if __name__ == "__main__":
    print(program(int(sys.argv[1])))
