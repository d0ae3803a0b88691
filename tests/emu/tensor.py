"""Matrix products of a warp, and matrices between registers and shared memory, against arithmetic
and formulas of Python.

    tensor.py TK_EMU

Each mma instruction multiplies random matrices. Which element a register of a lane holds is said
here element by element, as the PTX ISA's figures have it (9.7.14.5), and not by the emulator's rule;
results are compared bit for bit with products added up in the order of k. Each ldmatrix and stmatrix
moves the numbers 0, 1, 2, ... Every kernel is assembled, too, if ptxas is installed.
"""

import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from fractions import Fraction

TK_EMU = sys.argv[1]
random.seed(5)

# ---- formats --------------------------------------------------------------------------------------


def small_float(bits, exp_bits, man_bits, bias, nan_at_top=False):
    sign = -1.0 if bits >> (exp_bits + man_bits) & 1 else 1.0
    exp, man = bits >> man_bits & (1 << exp_bits) - 1, bits & (1 << man_bits) - 1
    if exp == (1 << exp_bits) - 1 and not (nan_at_top and man != (1 << man_bits) - 1):
        return sign * math.inf if man == 0 and not nan_at_top else math.nan
    return sign * (math.ldexp(man, 1 - bias - man_bits) if exp == 0
                   else math.ldexp(man + (1 << man_bits), exp - bias - man_bits))


DECODE = {
    "f16": lambda bits: struct.unpack("<e", struct.pack("<H", bits))[0],
    "bf16": lambda bits: struct.unpack("<f", struct.pack("<I", bits << 16))[0],
    "tf32": lambda bits: struct.unpack("<f", struct.pack("<I", bits >> 13 << 13))[0],
    "f32": lambda bits: struct.unpack("<f", struct.pack("<I", bits))[0],
    "f64": lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0],
    "s8": lambda bits: bits - 256 if bits > 127 else bits,
    "u8": lambda bits: bits,
    "s32": lambda bits: bits - (1 << 32) if bits >> 31 else bits,
    "e4m3": lambda bits: small_float(bits, 4, 3, 7, True),
    "e5m2": lambda bits: small_float(bits, 5, 2, 15),
}
BITS = {"f16": 16, "bf16": 16, "tf32": 32, "f32": 32, "f64": 64, "s8": 8, "u8": 8, "s32": 32,
        "e4m3": 8, "e5m2": 8}


def encode(value, kind):
    if kind == "s32":
        return value & 0xffffffff
    if kind == "f64":
        return struct.unpack("<Q", struct.pack("<d", value))[0]
    try:
        return (struct.unpack("<H", struct.pack("<e", value)) if kind == "f16" else
                struct.unpack("<I", struct.pack("<f", value)))[0]
    except OverflowError:
        return {"f16": 0x7c00, "f32": 0x7f800000}[kind] | (value < 0) << BITS[kind] - 1


def random_bits(kind):
    """Mostly numbers of a middling size, so that sums neither cancel nor overflow; some of any kind."""
    while True:
        if random.random() < 0.02 or kind in ("s8", "u8"):
            bits = random.getrandbits(BITS[kind])
        elif kind == "s32":
            bits = random.getrandbits(20)
        else:
            exp_man = {"f16": 10, "bf16": 7, "tf32": 23, "f32": 23, "f64": 52, "e4m3": 3, "e5m2": 2}[kind]
            exp = {"f16": 15, "bf16": 127, "tf32": 127, "f32": 127, "f64": 1023, "e4m3": 7, "e5m2": 15}[kind]
            bits = (exp + random.randint(-3, 3) << exp_man | random.getrandbits(exp_man) |
                    random.getrandbits(1) << BITS[kind] - 1)
        value = DECODE[kind](bits)
        if value == value and abs(value) != math.inf and abs(value) < 1e30:
            return bits


# ---- where elements lie ---------------------------------------------------------------------------
# Of element i of a lane: (row, column). g is the group of four lanes, t the lane's number in it.

def a_place(shape, kind, i, g, t):
    if kind in ("f16", "bf16") and shape == "m16n8k8":
        return (g if i < 2 else g + 8, t * 2 + (i & 1))
    if kind in ("f16", "bf16"):
        return (g if i < 2 or 4 <= i < 6 else g + 8, t * 2 + (i & 1) + (8 if i >= 4 else 0))
    if kind == "tf32" and shape == "m16n8k4":
        return (g + 8 * i, t)
    if kind == "tf32":
        return (g if i in (0, 2) else g + 8, t if i < 2 else t + 4)
    if shape == "m8n8k4":
        return (g, t)
    if kind == "f64" and shape == "m16n8k4":
        return (g if i == 0 else g + 8, t)
    if kind == "f64" and shape == "m16n8k8":
        return (g if i in (0, 2) else g + 8, t if i < 2 else t + 4)
    if kind == "f64":
        return (g, i * 2 + t) if i % 2 == 0 else (g + 8, i * 2 - 2 + t)
    if shape == "m8n8k16":
        return (g, t * 4 + i)
    if shape == "m16n8k16":
        return (g if i < 4 else g + 8, t * 4 + (i & 3))
    return (g if i < 4 or 8 <= i < 12 else g + 8, t * 4 + (i & 3) + (16 if i >= 8 else 0))


def b_place(shape, kind, i, g, t):
    if kind in ("f16", "bf16"):
        return (t * 2 + (i & 1) + (8 if i >= 2 else 0), g)
    if kind == "tf32" or (kind == "f64" and shape in ("m16n8k4", "m16n8k8", "m8n8k4")):
        return (t if i == 0 else t + 4, g)
    if kind == "f64":
        return (t + i * 4, g)
    return (t * 4 + (i & 3) + (16 if i >= 4 else 0), g)


def c_place(shape, i, g, t):
    return (g if i < 2 else g + 8, t * 2 + (i & 1))


# ---- running --------------------------------------------------------------------------------------

def run(text, args, outs, folder):
    path = os.path.join(folder, "kernel.ptx")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    if shutil.which("ptxas"):
        assembled = subprocess.run(["ptxas", "-arch=sm_90a", "-O0", "-o", os.devnull, path],
                                   capture_output=True, text=True, check=False)
        if assembled.returncode != 0:
            return None, "ptxas: " + assembled.stderr
    command = [TK_EMU, path]
    for name, numbers in args.items():
        command.append(f"--arg={name}=u32:{','.join(map(str, numbers)) or 'empty'}:{len(numbers)}")
    for name, count in outs.items():
        command += [f"--arg={name}=u32:empty:{count}", f"--print={name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr
    return [int(word) & 0xffffffff for word in done.stdout.split()[1:]], ""


def words(values, bits):
    """Elements side by side in words of 32 bits."""
    whole = sum(value << bits * i for i, value in enumerate(values))
    return [whole >> 32 * i & 0xffffffff for i in range(len(values) * bits // 32)]


def elements(numbers, bits):
    whole = sum(value << 32 * i for i, value in enumerate(numbers))
    return [whole >> bits * i & (1 << bits) - 1 for i in range(len(numbers) * 32 // bits)]


def mma_kernel(instruction, counts, wide):
    """a, b and c are loaded, as many words a lane as counts says; d is stored."""
    reg = "%d" if wide else "%r"
    size = 8 if wide else 4
    regs = [n * 4 // size for n in counts]
    names, first = [], 0
    for n in (regs[2], regs[0], regs[1], regs[2]): # d, a, b, c
        names.append([f"{reg}{first + i + 8}" for i in range(n)])
        first += n
    lines = [".version 8.7", ".target sm_90a", ".address_size 64",
             ".visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 out)",
             ".reqntid 32", "{", ".reg .b32 %r<64>;", f".reg .b64 {'%d<64>' if wide else '%d<4>'};",
             ".reg .b64 %p<4>;", "mov.u32 %r0, %tid.x;"]
    for name, count, group in zip("abc", counts, names[1:]):
        lines += [f"ld.param.u64 %p0, [{name}];", f"mul.wide.u32 %p1, %r0, {4 * count};",
                  "add.u64 %p0, %p0, %p1;"]
        lines += [f"ld.global.u{8 * size} {r}, [%p0+{size * i}];" for i, r in enumerate(group)]
    vectors = ["{" + ", ".join(group) + "}" for group in names]
    lines += [f"{instruction} {', '.join(vectors)};", "ld.param.u64 %p0, [out];",
              f"mul.wide.u32 %p1, %r0, {4 * counts[2]};", "add.u64 %p0, %p0, %p1;"]
    lines += [f"st.global.u{8 * size} [%p0+{size * i}], {r};" for i, r in enumerate(names[0])]
    return "\n".join(lines + ["ret;", "}", ""])


def fused(x, y, z):
    return float(Fraction(x) * Fraction(y) + Fraction(z))


def expected(a, b, c, m, k, acc, saturates):
    """Bits of the result: products in double precision, added to C in the order of k."""
    out = {}
    for row in range(m):
        for column in range(8):
            total = c[row, column]
            for x in range(k):
                if acc == "f64":
                    total = fused(a[row, x], b[x, column], total)
                else:
                    total += a[row, x] * b[x, column]
            if saturates:
                total = min(max(total, -1 << 31), (1 << 31) - 1)
            out[row, column] = encode(total, acc)
    return out


def check_mma(shape, a_kind, b_kind, acc, suffix, folder):
    instruction = f"mma.sync.aligned.{shape}.row.col{suffix}.{acc}.{a_kind}.{b_kind}.{acc}"
    m, k = int(shape[1:shape.index("n")]), int(shape[shape.index("k") + 1:])
    counts = [m * k // 32, k * 8 // 32, m * 8 // 32] # elements a lane
    kinds = [a_kind, b_kind, acc]
    places = [lambda i, g, t: a_place(shape, a_kind, i, g, t),
              lambda i, g, t: b_place(shape, b_kind, i, g, t), lambda i, g, t: c_place(shape, i, g, t)]
    matrices, data = [{}, {}, {}], [[], [], []]
    for which in range(3):
        for lane in range(32):
            bits = [random_bits(kinds[which]) for _ in range(counts[which])]
            if saturates(suffix) and which == 2: # near the ends, so that some stop there
                bits = [random.choice((0x7fffff00, 0x800000ff)) for _ in bits]
            for i, value in enumerate(bits):
                matrices[which][places[which](i, lane // 4, lane % 4)] = DECODE[kinds[which]](value)
            data[which] += words(bits, BITS[kinds[which]])
    for which, size in enumerate((m * k, k * 8, m * 8)):
        if len(matrices[which]) != size:
            return [f"{instruction}: the places of matrix {'abc'[which]} do not cover it"]
    per_lane = [len(words_) // 32 for words_ in data]
    got, error = run(mma_kernel(instruction, per_lane, acc == "f64"),
                     dict(zip("abc", data)), {"out": 32 * per_lane[2]}, folder)
    if got is None:
        return [f"{instruction}: {error}"]
    want = expected(*matrices, m, k, acc, saturates(suffix))
    for lane in range(32):
        found = elements(got[lane * per_lane[2]:(lane + 1) * per_lane[2]], BITS[acc])
        for i, value in enumerate(found):
            place = c_place(shape, i, lane // 4, lane % 4)
            if value != want[place]:
                return [f"{instruction}: element {place} is {value:#x}, should be {want[place]:#x}"]
    return []


def saturates(suffix):
    return suffix == ".satfinite"


def matrix_kernel(instruction, count, loads):
    """Row r of the matrices is row rows[r] of a buffer with rows of 80 bytes. Each lane has 16 bytes of
    `in`: ldmatrix finds them in row `lane` of the buffer, stmatrix takes its registers from them; `out`
    gets the registers, or what is in row `lane` afterwards."""
    numbers = "{%r10, %r11, %r12, %r13}"
    operands = "{" + ", ".join(f"%r{10 + i}" for i in range(count)) + "}"
    lines = [".version 8.7", ".target sm_90a", ".address_size 64",
             ".visible .entry k(.param .u64 rows, .param .u64 in, .param .u64 out)",
             ".reqntid 32", "{", ".reg .b32 %r<20>;", ".reg .b64 %d<6>;", ".reg .pred %p1;",
             ".shared .align 16 .b8 buffer[2560];", "mov.u32 %r0, %tid.x;", "mov.u32 %r1, buffer;",
             "ld.param.u64 %d0, [rows];", "ld.param.u64 %d1, [in];", "ld.param.u64 %d2, [out];",
             "mul.wide.u32 %d3, %r0, 4;", "add.u64 %d0, %d0, %d3;", "ld.global.u32 %r2, [%d0];",
             "mad.lo.u32 %r2, %r2, 80, %r1;", "mul.wide.u32 %d3, %r0, 16;",
             "add.u64 %d1, %d1, %d3;", "add.u64 %d2, %d2, %d3;", "mad.lo.u32 %r4, %r0, 80, %r1;",
             f"ld.global.v4.u32 {numbers}, [%d1];"]
    if loads:
        lines += [f"st.shared.v4.u32 [%r4], {numbers};", "bar.sync 0;", f"{instruction} {operands}, [%r2];"]
    else:
        lines += [f"{instruction} [%r2], {operands};", "bar.sync 0;",
                  f"setp.lt.u32 %p1, %r0, {8 * count};", f"@%p1 ld.shared.v4.u32 {numbers}, [%r4];"]
    return "\n".join(lines + [f"st.global.v4.u32 [%d2], {numbers};", "ret;", "}", ""])


def check_matrix(opcode, count, trans, folder):
    order = list(range(8 * count))
    random.shuffle(order)
    loads = opcode == "ldmatrix"
    instruction = f"{opcode}.sync.aligned.m8n8.x{count}{'.trans' if trans else ''}.shared.b16"
    got, error = run(matrix_kernel(instruction, count, loads),
                     {"rows": order + [0] * (32 - len(order)), "in": words(list(range(256)), 16)},
                     {"out": 128}, folder)
    if got is None:
        return [f"{instruction}: {error}"]
    return compare_matrix(instruction, loads, count, trans, order, got)


def compare_matrix(instruction, loads, count, trans, order, got):
    for lane in range(32):
        for i in range(count):
            for half in range(2):
                row, column = lane // 4, 2 * (lane % 4) + half
                if trans:
                    row, column = column, row
                if loads: # from row order[8 * i + row] of the buffer
                    value = elements([got[4 * lane + i]], 16)[half]
                    want = order[8 * i + row] * 8 + column
                else: # the lane's register i went to that row
                    at = order[8 * i + row] * 8 + column
                    value = elements([got[at // 2]], 16)[at % 2]
                    want = (lane * 4 + i) * 2 + half
                if value != want:
                    return [f"{instruction}: lane {lane}, matrix {i}, half {half}: {value}, should be {want}"]
    return []


MMAS = [("m16n8k16", "f16", "f16", "f32"), ("m16n8k16", "f16", "f16", "f16"),
        ("m16n8k16", "bf16", "bf16", "f32"), ("m16n8k8", "f16", "f16", "f32"),
        ("m16n8k8", "f16", "f16", "f16"), ("m16n8k8", "bf16", "bf16", "f32"),
        ("m16n8k8", "tf32", "tf32", "f32"), ("m16n8k4", "tf32", "tf32", "f32"),
        ("m8n8k4", "f64", "f64", "f64"), ("m16n8k4", "f64", "f64", "f64"),
        ("m16n8k8", "f64", "f64", "f64"), ("m16n8k16", "f64", "f64", "f64")]
for shape_ in ("m8n8k16", "m16n8k16", "m16n8k32"):
    MMAS += [(shape_, a_, b_, "s32") for a_ in ("s8", "u8") for b_ in ("s8", "u8")]
for shape_ in ("m16n8k16", "m16n8k32"):
    MMAS += [(shape_, a_, b_, c_) for a_ in ("e4m3", "e5m2") for b_ in ("e4m3", "e5m2") for c_ in ("f32", "f16")]

failures, checked = [], 0
with tempfile.TemporaryDirectory() as scratch:
    for mma in MMAS:
        for end in ("", ".satfinite") if mma[3] == "s32" else ("",):
            failures += check_mma(*mma, end, scratch)
            checked += 1
    for op in ("ldmatrix", "stmatrix"):
        for n in (1, 2, 4):
            for transposed in (False, True):
                failures += check_matrix(op, n, transposed, scratch)
                checked += 1
print("\n".join(failures))
print(f"{checked} instructions, {len(failures)} failures")
sys.exit(1 if failures else 0)
