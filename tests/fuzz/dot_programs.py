#!/usr/bin/env python3
"""Write random programs with products of matrices whose results are defined to the last bit.

    dot_programs.py SEED > program.tk

A program has two kernels. Each sums products over a loop: of loads whose pointers are carried by the
loop or computed anew, with random strides, masks, conversions and conditions around them, and prints
what it stored. All numbers are small integers, so that every order of summation gives the same. The
same seed gives the same program (tests/agree.py runs it on two devices).
"""

import random
import sys

HEAD = '''"""Made by tests/fuzz/dot_programs.py, seed {seed}."""
import torch
import triton
import triton.language as tl

picks = torch.arange(90000, device="cuda")
small = picks * 2654435761 // 65536 % 5 - 2
'''

KERNEL = '''
@triton.jit
def kernel_{number}(a_ptr, b_ptr, v_ptr, i_ptr, c_ptr, s_ptr, M, N, K, sam, sak, sbk, sbn, scm, scn,
             BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    pid = tl.program_id(0)
    js, ns, ks = tl.arange(0, BM), tl.arange(0, BN), tl.arange(0, BK)
{body}

'''

LAUNCH = '''
for M, N, K in {sizes}:
    a, b, v = small[{shifts[0]}:].to(torch.{a}), small[{shifts[1]}:].to(torch.{b}), small[5:].to(torch.{v})
{special}    i = (picks[:{bm}] * 5 + 1) % max(M, 1)
    c = torch.full(({room},), -7, device="cuda", dtype=torch.{out})
    s = torch.zeros(({bm} * 4,), device="cuda", dtype=torch.float32)
    kernel_{number}[({grid},)](a, b, v, i, c, s, M, N, K, {strides}, BM={bm}, BN={bn}, BK={bk},
                   num_warps={warps}, num_stages={stages})
    print("kernel {number}", M, N, K, s.tolist())
    for row in range(0, {room}, 64):
        print(row, c[row:row + 64].tolist())
'''

# Types of the operands in memory and in the product, and ways to multiply them.
TYPES = {
    "float16": ("float16", ["", "", "", ", out_dtype=tl.float16"]),
    "bfloat16": ("bfloat16", [""]),
    "float32": ("float32", [', input_precision="ieee"', "", ', input_precision="tf32x3"',
                            ', input_precision="bf16x3"', ', input_precision="bf16x6"']),
    "float64": ("float64", [', out_dtype=tl.float64']),
    "int8": ("int8", [", out_dtype=tl.int32"]),
    "float8_e4m3fn": ("float8e4nv", [""]),
    "float8_e5m2": ("float8e5", [""]),
}


class Kernel:
    """One kernel: its statements, and how it is launched."""

    def __init__(self, rng, number):
        self.rng, self.number, self.lines = rng, number, []
        self.type = rng.choice(["float16"] * 3 + list(TYPES))
        self.name, ways = TYPES[self.type]
        self.way = rng.choice(ways)
        self.acc = self.way.split("=")[1] if "out_dtype" in self.way else "tl.float32"
        least = 32 if self.type in ("int8", "float8_e4m3fn", "float8_e5m2") else 16
        tall = [16, 16, 32, 32, 64, 128]
        self.bm, self.bn = rng.choice(tall), rng.choice(tall)
        self.bk = max(least, rng.choice([16, 32, 32, 64]))
        if rng.random() < 0.08:
            self.bm, self.bn = rng.choice([(24, 16), (16, 48), (1, 16), (8, 16), (40, 24)])
        # What the tensors hold is another type than what is multiplied, sometimes.
        wide = self.type in ("float16", "bfloat16", "float32")
        self.stored = [self.type, self.type]
        if wide and rng.random() < 0.2:
            self.stored[0] = rng.choice(["int8", "float32", "float16"])
        if wide and rng.random() < 0.3:
            self.stored[1] = rng.choice(["int8", "float8_e5m2", "float16"])
        # Chained products have fractions, which sums of float16 would round.
        self.chained = rng.random() < 0.25 and wide and self.acc == "tl.float32"
        self.stages = rng.randrange(1, 6)

    def say(self, depth, text):
        self.lines.append("    " * (1 + depth) + text)

    def operand(self, which, depth):
        """Loads one operand, a or b, and does something to it."""
        rng = self.rng
        name = "ab"[which]
        first, second = ("ms", "kk") if which == 0 else ("kk", "nn")
        # kk, ms, nn are numbers of elements; the tile is (first, second), or its transpose.
        turned = rng.random() < 0.25
        strides = ("sam", "sak") if which == 0 else ("sbk", "sbn")
        x, y = (("[None, :]", "[:, None]") if turned else ("[:, None]", "[None, :]"))
        limits = {"ms": "(js < M)", "nn": "(ns < N)", "kk": "(k + ks < K)"}
        row, col = f"{limits[first]}{x}", f"{limits[second]}{y}"
        mask = f"{row} & {col}" if rng.random() < 0.4 else row if first == "kk" else col
        mask = ", mask=" + mask + rng.choice([", other=0.0", ", other=0.0", "", "", ", other=1.0"])
        if self.carried[which]:
            pointer = f"{name}_ptrs" + ("_t" if turned else "")
            start = [n.replace("kk", "ks") for n in (first, second)]
            self.before.append(f"{pointer} = {name}_ptr + {start[0]}{x} * {strides[0]} + "
                               f"{start[1]}{y} * {strides[1]}")
            self.behind.append(f"{pointer} += BK * {strides[1 - which]}")
        else:
            pointer = f"{name}_ptr + {first}{x} * {strides[0]} + {second}{y} * {strides[1]}"
        hint = rng.choice(["", "", "", ', cache_modifier=".cg"', ', eviction_policy="evict_last"'])
        self.say(depth, f"{name}_raw = tl.load({pointer}{mask}{hint})")
        text = f"tl.trans({name}_raw)" if turned else f"{name}_raw"
        if self.stored[which] != self.type:
            text += f".to(tl.{self.name})"
        elif rng.random() < 0.2 and self.name in ("float16", "bfloat16", "float32", "float64"):
            text = rng.choice([f"tl.where({text} > 0, {text}, 0.0).to(tl.{self.name})",
                               f"({text} * 2).to(tl.{self.name})", f"-{text}",
                               f"({text} + 1).to(tl.{self.name})",
                               f"{text}.to(tl.float16).to(tl.{self.name})"])
        self.say(depth, f"{name} = {text}")

    def loop(self):
        """The loop over K, with k the number of its first element."""
        rng = self.rng
        hint = f", num_stages={rng.randrange(1, 6)}"
        return rng.choice([
            ("for k in range(0, K, BK):", ""), ("for k in range(0, K, BK):", ""),
            ("for t in range(0, tl.cdiv(K, BK)):", "k = t * BK"),
            (f"for k in tl.range(0, K, BK{hint}):", ""),
            (f"for t in tl.range(0, tl.cdiv(K, BK), 1{hint}):", "k = t * BK"),
            ("for t in range(tl.cdiv(K, BK), 0, -1):", "k = (tl.cdiv(K, BK) - t) * BK"),
            (f"for k in tl.range(0, K, BK{hint}, loop_unroll_factor=2):", "")])

    def products(self, depth):
        rng = self.rng
        dot = f"tl.dot(a, b{self.way})"
        into = f"tl.dot(a, b, acc{self.way})"
        kind = rng.randrange(9)
        if self.chained:
            self.say(depth, f"p = tl.exp2(tl.clamp({dot}.to(tl.float32), -3.0, 3.0))")
            where = rng.choice(["ns[:, None] * BK + ks[None, :]",
                                "(k + ns)[:, None] * 3 + ks[None, :]"])
            self.say(depth, f"v = tl.load(v_ptr + {where})")
            self.say(depth, f"acc = tl.dot(p.to(v.dtype), v, acc{self.way})")
        elif kind == 0:
            self.say(depth, f"acc += {dot}")
        elif kind == 1:
            self.say(depth, f"acc = acc - {dot}")
        elif kind == 2:
            self.say(depth, f"if k % {rng.choice([2 * self.bk, 3 * self.bk])} == 0:")
            self.say(depth + 1, f"acc = {into}")
        elif kind == 3:
            self.say(depth, f"acc = tl.where((js % 3 == 0)[:, None], {dot}, acc)")
        elif kind == 4:
            self.say(depth, f"acc = {into}")
            self.say(depth, "b2 = tl.load(v_ptr + (k + ks)[:, None] * BN + ns[None, :])")
            self.say(depth, f"acc2 = tl.dot(a, b2, acc2{self.way})")
            self.second = True
        else:
            self.say(depth, f"acc = {into}")
        if rng.random() < 0.2:
            self.say(depth, "total += tl.sum(a_raw.to(tl.float32), axis=None)")
        if rng.random() < 0.1:
            self.say(depth, "most = tl.max(b_raw.to(tl.float32), axis=None)")
            self.say(depth, "tl.store(s_ptr + BM + js, most + js * 0)")
        if rng.random() < 0.1:
            self.say(depth, "if tl.max(b_raw.to(tl.float32), axis=None) < 1.0:")
            self.say(depth + 1, "total += 1.0")

    def text(self):
        rng = self.rng
        self.carried = [rng.random() < 0.5, rng.random() < 0.5]
        self.before, self.behind, self.second = [], [], False
        rows = rng.choice(["js", "js", "js", "gather", "js % M"])
        width = "BK" if self.chained else "BN"
        nested = rng.random() < 0.2
        depth = 1 if nested else 0
        if rows == "gather":
            rows = "tl.load(i_ptr + js)"
        self.say(0, "total = 0.0")
        if nested:
            self.say(0, "for tile in range(pid, 3, tl.num_programs(0)):")
        else:
            self.say(0, "tile = pid")
        self.say(depth, f"ms = {rows}")
        self.say(depth, "nn = tile * 2 + ns")
        self.say(depth, f"acc = tl.zeros((BM, {width}), dtype={self.acc})")
        self.say(depth, f"acc2 = tl.zeros((BM, BN), dtype={self.acc})")
        mark = len(self.lines)
        head, first = self.loop()
        self.say(depth, head)
        if first:
            self.say(depth + 1, first)
        self.say(depth + 1, "kk = k + ks")
        self.operand(0, depth + 1)
        self.operand(1, depth + 1)
        self.products(depth + 1)
        for line in self.behind:
            self.say(depth + 1, line)
        self.lines[mark:mark] = ["    " * (1 + depth) + line for line in self.before]
        if self.second:
            self.say(depth, "acc = acc + acc2")
        cols = "ks" if self.chained else "ns"
        tail = rng.choice(["", "", " * 2", " + 1"])
        place = f"c_ptr + tile * BM * {width}"
        if rng.random() < 0.3:
            self.say(depth, f"tl.store({place} + {cols}[:, None] * BM + js[None, :], tl.trans(acc{tail}))")
        elif self.chained or rng.random() < 0.5:
            self.say(depth, f"tl.store({place} + js[:, None] * {width} + {cols}[None, :], acc{tail})")
        else:
            self.say(depth, f"tl.store({place} + js[:, None] * {width} + ns[None, :], acc{tail}, "
                            "mask=(js[:, None] < M) & (ns[None, :] < N))")
        self.say(0, "tl.store(s_ptr + pid, total)")
        return KERNEL.format(number=self.number, body="\n".join(self.lines)) + self.launch(nested)

    def launch(self, nested):
        rng, bm, bn, bk = self.rng, self.bm, self.bn, self.bk
        # K may be 0, and end inside of a block.
        sizes = [(bm, bn, rng.choice([0, bk, 2 * bk])),
                 (rng.choice([bm, max(1, bm - 3)]), rng.choice([bn, bn - 1, max(1, bn // 2)]),
                  rng.choice([1, bk - 1, 3 * bk + 5, 4 * bk, 3 * bk, 2 * bk + 8]))]
        longest = max(k for _, _, k in sizes) + bk
        even = (longest + 15) // 16 * 16  # strides that vectors of 16 bytes need
        a = rng.choice([(even, 1)] * 3 + [(longest + 3, 1), (1, bm), (1, bm + 1), (longest, 2)])
        b = rng.choice([(bn, 1), (bn + 16, 1), (1, even)] + [(bn + 1, 1), (1, longest), (bn, 2)])
        out = self.acc[3:]
        if out == "float32":
            out = rng.choice(["float32", "float32", "float16", "bfloat16"])
        grid = 2 if nested else 1
        room = bm * (bk if self.chained else bn) * (3 if nested else grid)
        special = ""
        if rng.random() < 0.1 and self.stored[0] in ("float16", "bfloat16"):
            special = f'    a[{rng.randrange(200)}] = float("{rng.choice(["nan", "inf", "-inf"])}")\n'
        return LAUNCH.format(
            number=self.number, sizes=sizes, a=self.stored[0], b=self.stored[1], v=self.type,
            shifts=(rng.choice([0, 0, 1, 8]), rng.choice([0, 0, 1, 4])), bm=bm, bn=bn, bk=bk, room=room,
            out=out, grid=grid, strides=f"{a[0]}, {a[1]}, {b[0]}, {b[1]}, {bn}, 1",
            warps=rng.choice([1, 2, 4, 4, 8]), stages=self.stages, special=special)


def program(seed):
    rng = random.Random(seed)
    return HEAD.format(seed=seed) + "\n".join(Kernel(rng, k).text() for k in range(2))


if __name__ == "__main__":
    print(program(int(sys.argv[1])))
