"""Instructions against arithmetic that is not C: every row below is executed for the pairs of some
64 operands and compared with Python's integers and fractions.

    sweep.py TK_EMU [--assemble]

A kernel holds a batch of instructions; each stores its 64 results. With ptxas at hand the kernels
are assembled as well, so that what is tested is PTX.
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
N = 64
random.seed(3)
CORNERS = [0, 1, 2, 3, 31, 32, 33, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x3c00, 0x7c00, 0x7e00,
           0x7fffffff, 0x80000000, 0xffffffff, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
           0x7fc00000, 0x00000001, 0x80000001, 0x00800000, 0x40490fdb, 0x4b000001, 0x477fe000,
           0x3ff0000000000000, 0x7ff0000000000000, 0x7fffffffffffffff, 0x8000000000000000,
           0xffffffffffffffff]
VALUES = [CORNERS + [random.getrandbits(64) for _ in range(N - len(CORNERS))] for _ in range(3)]
for k in (1, 2):
    random.shuffle(VALUES[k])

# ---- formats --------------------------------------------------------------------------------------

FORMATS = {"f16": (5, 10), "bf16": (8, 7), "f32": (8, 23), "f64": (11, 52)}
NAN, INF = "nan", "inf"


def decode(bits, fmt):
    """A Fraction, or (sign, "inf"), or "nan"; zeros carry their sign as (sign, 0)."""
    exp_bits, man_bits = FORMATS[fmt]
    man = bits & ((1 << man_bits) - 1)
    exp = bits >> man_bits & ((1 << exp_bits) - 1)
    sign = -1 if bits >> (exp_bits + man_bits) & 1 else 1
    bias = (1 << (exp_bits - 1)) - 1
    if exp == (1 << exp_bits) - 1:
        return NAN if man else (sign, INF)
    if exp == 0:
        return (sign, 0) if man == 0 else sign * Fraction(man, 1 << (bias - 1 + man_bits))
    return sign * Fraction(man + (1 << man_bits)) * Fraction(2) ** (exp - bias - man_bits)


def encode(value, fmt, mode="rn", zero_sign=1):
    """Rounds a Fraction."""
    exp_bits, man_bits = FORMATS[fmt]
    bias = (1 << (exp_bits - 1)) - 1
    if value == NAN:
        return NAN
    if isinstance(value, tuple):
        top = ((1 << exp_bits) - 1) << man_bits if value[1] == INF else 0
        return (value[0] < 0) << (exp_bits + man_bits) | top
    sign = value < 0 or (value == 0 and zero_sign < 0)
    value = abs(value)
    sign_bit = int(sign) << (exp_bits + man_bits)
    if value == 0:
        return sign_bit
    exp = 0
    while value >= Fraction(2) ** (exp + 1):
        exp += 1
    while value < Fraction(2) ** exp:
        exp -= 1
    exp = max(exp, 1 - bias)
    scaled = value / Fraction(2) ** (exp - man_bits)
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    up = {"rn": rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole & 1),
          "rz": False, "rm": sign and rest > 0, "rp": not sign and rest > 0}[mode]
    whole += up
    bits = whole + ((exp + bias - 1) << man_bits) if whole >> man_bits else whole
    top = ((1 << exp_bits) - 1) << man_bits
    if bits >= top:
        away = mode == "rn" or (mode == "rm" and sign) or (mode == "rp" and not sign)
        bits = top if away else top - 1
    return sign_bit | bits


def is_zero(v):
    return isinstance(v, tuple) and v[1] == 0


def is_inf(v):
    return isinstance(v, tuple) and v[1] == INF


def frac(v):
    return Fraction(0) if is_zero(v) else v


def sign_of(v):
    return v[0] if isinstance(v, tuple) else (-1 if v < 0 else 1)


def add(x, y, mode="rn"):
    if NAN in (x, y):
        return NAN
    if is_inf(x) or is_inf(y):
        if is_inf(x) and is_inf(y):
            return x if x[0] == y[0] else NAN
        return x if is_inf(x) else y
    total = frac(x) + frac(y)
    if total == 0:
        both = is_zero(x) and is_zero(y) and sign_of(x) == sign_of(y)
        return (sign_of(x) if both else (-1 if mode == "rm" else 1), 0)
    return total


def negated(x):
    return x if x == NAN else (-x[0], x[1]) if isinstance(x, tuple) else -x


def mul(x, y):
    if NAN in (x, y):
        return NAN
    sign = sign_of(x) * sign_of(y)
    if is_inf(x) or is_inf(y):
        return NAN if is_zero(x) or is_zero(y) else (sign, INF)
    if is_zero(x) or is_zero(y):
        return (sign, 0)
    return x * y


def div(x, y):
    if NAN in (x, y) or (is_inf(x) and is_inf(y)) or (is_zero(x) and is_zero(y)):
        return NAN
    sign = sign_of(x) * sign_of(y)
    if is_inf(x) or is_zero(y):
        return (sign, INF)
    if is_inf(y) or is_zero(x):
        return (sign, 0)
    return x / y


def fma(x, y, z, mode="rn"):
    return add(mul(x, y), z, mode)


def order(x):
    if is_inf(x):
        return Fraction(x[0]) * 2 ** 2000
    return frac(x)


def pick(x, y, smaller, propagate=False):
    if NAN in (x, y):
        return NAN if propagate or x == y else y if x == NAN else x
    a, b = order(x), order(y)
    if a == b:
        return x if (sign_of(x) < 0) == smaller else y
    return x if (a < b) == smaller else y


def sqrt_bits(x, fmt):
    """The square root to the nearest, from an integer root with many bits."""
    if x == NAN or (not is_zero(x) and sign_of(x) < 0):
        return NAN
    if isinstance(x, tuple):
        return encode(x, fmt)
    scale = 1200
    scaled = x * (1 << (2 * scale))
    n = scaled.numerator // scaled.denominator
    root = math.isqrt(n)
    sticky = 0 if root * root == n and scaled.denominator == 1 else 1
    return encode(Fraction(2 * root + sticky, 2 << scale), fmt)


# ---- integers -------------------------------------------------------------------------------------

def s(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def quotient(x, y):
    q = abs(x) // abs(y)
    return q if (x < 0) == (y < 0) else -q


def clamp(value, low, high):
    return min(max(value, low), high)


# Rows: instruction text, width of the result, widths of the sources, function of the source bits.
ROWS = []


def row(text, result, sources, function):
    ROWS.append((text, result, sources, function))


def integer_rows():
    for w in (16, 32, 64):
        m = (1 << w) - 1
        for sgn in "us":
            t = f"{sgn}{w}"
            v = (lambda x, w=w, sgn=sgn: s(x, w) if sgn == "s" else x)
            row(f"add.{t}", w, (w, w), lambda x, y, m=m: x + y & m)
            row(f"sub.{t}", w, (w, w), lambda x, y, m=m: x - y & m)
            row(f"mul.lo.{t}", w, (w, w), lambda x, y, m=m: x * y & m)
            row(f"mul.hi.{t}", w, (w, w), lambda x, y, v=v, w=w, m=m: v(x) * v(y) >> w & m)
            row(f"mad.lo.{t}", w, (w, w, w), lambda x, y, z, m=m: x * y + z & m)
            row(f"min.{t}", w, (w, w), lambda x, y, v=v, m=m: min(v(x), v(y)) & m)
            row(f"max.{t}", w, (w, w), lambda x, y, v=v, m=m: max(v(x), v(y)) & m)
            row(f"div.{t}", w, (w, w), lambda x, y, v=v, m=m: m if y == 0 else quotient(v(x), v(y)) & m)
            row(f"rem.{t}", w, (w, w), lambda x, y, v=v, m=m:
                x if y == 0 else v(x) - quotient(v(x), v(y)) * v(y) & m)
            row(f"shr.{t}", w, (w, 32), lambda x, y, v=v, m=m, w=w: v(x) >> min(y, w) & m)
            if w < 64:
                row(f"mul.wide.{t}", 2 * w, (w, w), lambda x, y, v=v, w=w: v(x) * v(y) & (1 << 2 * w) - 1)
                row(f"mad.wide.{t}", 2 * w, (w, w, 2 * w),
                    lambda x, y, z, v=v, w=w: v(x) * v(y) + z & (1 << 2 * w) - 1)
                row(f"sad.{t}", w, (w, w, w), lambda x, y, z, v=v, m=m: abs(v(x) - v(y)) + z & m)\
                    if t != "s16" else None
            if w > 16:
                row(f"mad.hi.{t}", w, (w, w, w), lambda x, y, z, v=v, w=w, m=m: (v(x) * v(y) >> w) + z & m)
                row(f"bfe.{t}", w, (w, 32, 32), lambda x, y, z, w=w, sgn=sgn, m=m: bfe(x, y & 255, z & 255, w, sgn) & m)
                row(f"bfind.{t}", 32, (w,), lambda x, w=w, sgn=sgn: bfind(x, w, sgn))
        row(f"neg.s{w}", w, (w,), lambda x, m=m: -x & m)
        row(f"abs.s{w}", w, (w,), lambda x, w=w, m=m: abs(s(x, w)) & m)
        row(f"and.b{w}", w, (w, w), lambda x, y: x & y)
        row(f"or.b{w}", w, (w, w), lambda x, y: x | y)
        row(f"xor.b{w}", w, (w, w), lambda x, y: x ^ y)
        row(f"not.b{w}", w, (w,), lambda x, m=m: ~x & m)
        row(f"cnot.b{w}", w, (w,), lambda x: int(x == 0))
        row(f"shl.b{w}", w, (w, 32), lambda x, y, m=m: x << min(y, 64) & m)
        if w > 16:
            row(f"popc.b{w}", 32, (w,), lambda x: bin(x).count("1"))
            row(f"clz.b{w}", 32, (w,), lambda x, w=w: w - x.bit_length())
            row(f"brev.b{w}", w, (w,), lambda x, w=w: int(f"{x:0{w}b}"[::-1], 2))
            row(f"bfi.b{w}", w, (w, w, 32, 32), lambda x, y, p, n, w=w: bfi(x, y, p & 255, n & 255, w))
    m = (1 << 32) - 1
    row("add.sat.s32", 32, (32, 32), lambda x, y: clamp(s(x, 32) + s(y, 32), -1 << 31, (1 << 31) - 1) & m)
    row("sub.sat.s32", 32, (32, 32), lambda x, y: clamp(s(x, 32) - s(y, 32), -1 << 31, (1 << 31) - 1) & m)
    row("mul24.lo.u32", 32, (32, 32), lambda x, y: (x & 0xffffff) * (y & 0xffffff) & m)
    row("mul24.lo.s32", 32, (32, 32), lambda x, y: s(x, 24) * s(y, 24) & m)
    row("shf.l.wrap.b32", 32, (32, 32, 32), lambda x, y, z: (y << 32 | x) << (z & 31) >> 32 & m)
    row("shf.r.wrap.b32", 32, (32, 32, 32), lambda x, y, z: (y << 32 | x) >> (z & 31) & m)
    row("shf.l.clamp.b32", 32, (32, 32, 32), lambda x, y, z: (y << 32 | x) << min(z, 32) >> 32 & m)
    row("shf.r.clamp.b32", 32, (32, 32, 32), lambda x, y, z: (y << 32 | x) >> min(z, 32) & m)
    row("prmt.b32", 32, (32, 32, 32), prmt)
    for a in "us":
        for b in "us":
            row(f"dp4a.{a}32.{b}32", 32, (32, 32, 32), lambda x, y, z, a=a, b=b: sum(
                (s(x >> i, 8) if a == "s" else x >> i & 255) * (s(y >> i, 8) if b == "s" else y >> i & 255)
                for i in (0, 8, 16, 24)) + z & m)
    row("szext.wrap.s32", 32, (32, 32), lambda x, y: (s(x, y & 31) if y & 31 else 0) & m)
    row("szext.clamp.u32", 32, (32, 32), lambda x, y: x & (1 << min(y, 32)) - 1)
    row("bmsk.clamp.b32", 32, (32, 32), lambda x, y: ((1 << min(y, 32)) - 1) << min(x, 32) & m)


def bfe(x, pos, n, w, sgn):
    sign = x >> min(pos + n - 1, w - 1) & 1 if sgn == "s" and n else 0
    return sum((x >> (pos + i) & 1 if pos + i < w else sign) << i if i < n else sign << i for i in range(w))


def bfind(x, w, sgn):
    if sgn == "s" and x >> (w - 1):
        x = ~x & (1 << w) - 1
    return x.bit_length() - 1 & 0xffffffff


def bfi(x, y, pos, n, w):
    for i in range(n):
        if pos + i < w:
            y = y & ~(1 << (pos + i)) | (x >> i & 1 if i < w else 0) << (pos + i)
    return y


def prmt(x, y, z):
    source = [x >> i & 255 for i in (0, 8, 16, 24)] + [y >> i & 255 for i in (0, 8, 16, 24)]
    out = 0
    for i in range(4):
        pick_ = z >> 4 * i & 15
        byte = source[pick_ & 7]
        out |= (byte if pick_ < 8 else 255 * (byte >> 7)) << 8 * i
    return out


def float_rows():
    for fmt, w in (("f16", 16), ("bf16", 16), ("f32", 32), ("f64", 64)):
        d = (lambda bits, fmt=fmt: decode(bits, fmt))
        e = (lambda value, mode="rn", fmt=fmt: encode(value, fmt, mode))
        modes = ("rn", "rz", "rm", "rp") if w > 16 else ("rn",)
        for mode in modes:
            row(f"add.{mode}.{fmt}", w, (w, w), lambda x, y, d=d, e=e, mode=mode: e(add(d(x), d(y), mode), mode))
            row(f"sub.{mode}.{fmt}", w, (w, w),
                lambda x, y, d=d, e=e, mode=mode: e(add(d(x), negated(d(y)), mode), mode))
            row(f"mul.{mode}.{fmt}", w, (w, w), lambda x, y, d=d, e=e, mode=mode: e(mul(d(x), d(y)), mode))
            row(f"fma.{mode}.{fmt}", w, (w, w, w),
                lambda x, y, z, d=d, e=e, mode=mode: e(fma(d(x), d(y), d(z), mode), mode))
            if w > 16:
                row(f"div.{mode}.{fmt}", w, (w, w), lambda x, y, d=d, e=e, mode=mode: e(div(d(x), d(y)), mode))
                row(f"rcp.{mode}.{fmt}", w, (w,), lambda x, d=d, e=e, mode=mode: e(div(Fraction(1), d(x)), mode))
        if w > 16:
            row(f"sqrt.rn.{fmt}", w, (w,), lambda x, d=d, fmt=fmt: sqrt_bits(d(x), fmt))
        row(f"min.{fmt}", w, (w, w), lambda x, y, d=d, e=e: e(pick(d(x), d(y), True)))
        row(f"max.{fmt}", w, (w, w), lambda x, y, d=d, e=e: e(pick(d(x), d(y), False)))
        if w < 64:
            row(f"max.NaN.{fmt}", w, (w, w), lambda x, y, d=d, e=e: e(pick(d(x), d(y), False, True)))
        row(f"neg.{fmt}", w, (w,), lambda x, w=w: x ^ 1 << (w - 1))
        row(f"abs.{fmt}", w, (w,), lambda x, w=w: x & (1 << (w - 1)) - 1)
    for fmt in ("f16", "bf16"):
        d = (lambda bits, fmt=fmt: decode(bits, fmt))
        e = (lambda value, fmt=fmt: encode(value, fmt))
        row(f"fma.rn.{fmt}x2", 32, (32, 32, 32), lambda x, y, z, d=d, e=e: tuple(
            e(fma(d(x >> i & 0xffff), d(y >> i & 0xffff), d(z >> i & 0xffff))) for i in (0, 16)))


def conversion_rows():
    for t in ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"):
        w = int(t[1:])
        v = (lambda x, t=t, w=w: s(x, w) if t[0] == "s" else x & (1 << w) - 1)
        reg = max(w, 16)
        for to in ("u16", "s16", "u32", "s32", "u64", "s64"):
            wt = int(to[1:])
            row(f"cvt.{to}.{t}", wt, (reg,), lambda x, v=v, wt=wt: v(x) & (1 << wt) - 1)
            low, high = (-1 << (wt - 1), (1 << (wt - 1)) - 1) if to[0] == "s" else (0, (1 << wt) - 1)
            row(f"cvt.sat.{to}.{t}", wt, (reg,),
                lambda x, v=v, low=low, high=high, wt=wt: clamp(v(x), low, high) & (1 << wt) - 1)\
                if can_saturate(to, t) else None
        for fmt in ("f16", "f32", "f64"):
            row(f"cvt.rn.{fmt}.{t}", int(fmt[1:]), (reg,), lambda x, v=v, fmt=fmt: encode(Fraction(v(x)), fmt))
        row(f"cvt.rz.f32.{t}", 32, (reg,), lambda x, v=v: encode(Fraction(v(x)), "f32", "rz"))
    for fmt, w in (("f16", 16), ("bf16", 16), ("f32", 32), ("f64", 64)):
        for to in ("u16", "s16", "u32", "s32", "u64", "s64"):
            for mode in ("rni", "rzi", "rmi", "rpi"):
                if fmt != "bf16":
                    row(f"cvt.{mode}.{to}.{fmt}", int(to[1:]), (w,),
                        lambda x, fmt=fmt, to=to, mode=mode: to_int(decode(x, fmt), to, mode, fmt))
    for a, b in (("f16", "f32"), ("bf16", "f32"), ("f16", "f64"), ("f32", "f64")):
        row(f"cvt.{b}.{a}", FORMATS_BITS[b], (FORMATS_BITS[a],), lambda x, a=a, b=b: encode(decode(x, a), b))
        for mode in ("rn", "rz") if a != "f32" else ("rn", "rz", "rm", "rp"):
            if (a, mode) != ("f16", "rz") or b == "f32":
                row(f"cvt.{mode}.{a}.{b}", FORMATS_BITS[a], (FORMATS_BITS[b],),
                    lambda x, a=a, b=b, mode=mode: encode(decode(x, b), a, mode))
    row("cvt.rn.f16x2.f32", 32, (32, 32), lambda x, y: (encode(decode(y, "f32"), "f16"), encode(decode(x, "f32"), "f16")))
    row("cvt.rn.bf16x2.f32", 32, (32, 32), lambda x, y: (encode(decode(y, "f32"), "bf16"), encode(decode(x, "f32"), "bf16")))


def decode_fp8(bits, fmt):
    """e4m3 has no infinity: the highest exponent is one of numbers, but for 0x7f, a NaN."""
    if fmt == "e5m2":
        return decode(bits << 8, "f16")
    sign, exp, man = -1 if bits >> 7 else 1, bits >> 3 & 15, bits & 7
    if bits & 0x7f == 0x7f:
        return NAN
    value = Fraction(man, 8) * Fraction(2) ** -6 if exp == 0 else Fraction(man + 8, 8) * Fraction(2) ** (exp - 7)
    return (sign, 0) if value == 0 else sign * value


def encode_fp8(value, fmt):
    """The nearest number, ties to the even pattern; what is larger than all becomes the largest."""
    if value == NAN:
        return 0x7f
    largest = 0x7e if fmt == "e4m3" else 0x7b
    sign = 0x80 if sign_of(value) < 0 else 0
    if is_inf(value):
        return sign | largest
    size = abs(frac(value))
    return sign | min(range(largest + 1), key=lambda bits: (abs(frac(decode_fp8(bits, fmt)) - size), bits & 1))


def fp8_rows():
    for fmt in ("e4m3", "e5m2"):
        row(f"cvt.rn.satfinite.{fmt}x2.f32", 16, (32, 32), lambda x, y, fmt=fmt:
            encode_fp8(decode(x, "f32"), fmt) << 8 | encode_fp8(decode(y, "f32"), fmt))
        row(f"cvt.rn.satfinite.{fmt}x2.f16x2", 16, (32,), lambda x, fmt=fmt:
            encode_fp8(decode(x >> 16, "f16"), fmt) << 8 | encode_fp8(decode(x & 0xffff, "f16"), fmt))
        row(f"cvt.rn.f16x2.{fmt}x2", 32, (16,), lambda x, fmt=fmt:
            tuple(encode(decode_fp8(x >> i & 255, fmt), "f16") for i in (0, 8)))


FORMATS_BITS = {"f16": 16, "bf16": 16, "f32": 32, "f64": 64}


def can_saturate(to, t):
    """PTX has .sat where the source can be out of range."""
    wt, w = int(to[1:]), int(t[1:])
    return wt < w or (wt == w and to[0] != t[0]) or (to[0] == "u" and t[0] == "s")


def to_int(x, to, mode, fmt):
    bits = int(to[1:])
    low, high = (-1 << (bits - 1), (1 << (bits - 1)) - 1) if to[0] == "s" else (0, (1 << bits) - 1)
    if x == NAN:
        return 1 << (bits - 1) if bits == 64 or fmt == "f64" else 0
    if is_inf(x):
        return (high if x[0] > 0 else low) & (1 << bits) - 1
    x = frac(x)
    floor = x.numerator // x.denominator
    rest = x - floor
    value = {"rmi": floor, "rpi": floor + (rest > 0), "rzi": floor + (rest > 0 and x < 0),
             "rni": floor + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and floor & 1))}[mode]
    return clamp(value, low, high) & (1 << bits) - 1


def compare_rows():
    checks = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "lt": lambda a, b: a < b,
              "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b}
    for op, check in checks.items():
        for w in (16, 32, 64):
            for sgn in "us":
                v = (lambda x, w=w, sgn=sgn: s(x, w) if sgn == "s" else x)
                row(f"setp.{op}.{sgn}{w}", 1, (w, w), lambda x, y, v=v, check=check: int(check(v(x), v(y))))
        for fmt, w in FORMATS_BITS.items():
            for suffix in ("", "u"):
                row(f"setp.{op}{suffix}.{fmt}", 1, (w, w),
                    lambda x, y, fmt=fmt, check=check, suffix=suffix: float_check(x, y, fmt, check, suffix))


def float_check(x, y, fmt, check, unordered):
    a, b = decode(x, fmt), decode(y, fmt)
    if NAN in (a, b):
        return int(unordered == "u")
    return int(check(order(a), order(b)))


# ---- running --------------------------------------------------------------------------------------

def kernel(rows):
    lines = [".version 8.6", ".target sm_90a", ".address_size 64",
             ".visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 out)",
             f".reqntid {N}", "{", ".reg .pred %p<2>;", ".reg .b16 %h<9>;", ".reg .b32 %r<9>;",
             ".reg .b64 %d<20>;", "mov.u32 %r8, %tid.x;", "mul.wide.u32 %d16, %r8, 8;"]
    for i, name in enumerate("abc"):
        lines += [f"ld.param.u64 %d17, [{name}];", "add.u64 %d17, %d17, %d16;",
                  f"ld.global.u64 %d{i}, [%d17];", f"cvt.u32.u64 %r{i}, %d{i};",
                  f"cvt.u16.u64 %h{i}, %d{i};"]
    lines += ["mov.b64 %d3, %d2;", "shr.u64 %d3, %d3, 3;", "cvt.u32.u64 %r3, %d3;",
              "ld.param.u64 %d18, [out];", "add.u64 %d18, %d18, %d16;"]
    reg = {16: "%h", 32: "%r", 64: "%d"}
    for text, result, sources, _ in rows:
        operands = ", ".join(f"{reg[w]}{i}" for i, w in enumerate(sources))
        if result == 1:
            lines += [f"{text} %p1, {operands};", "selp.u64 %d4, 1, 0, %p1;"]
        else:
            lines.append(f"{text} {reg[result]}4, {operands};")
        if result in (16, 32):
            lines.append(f"cvt.u64.u{result} %d4, {reg[result]}4;")
        lines += ["st.global.u64 [%d18], %d4;", f"add.u64 %d18, %d18, {8 * N};"]
    return "\n".join(lines + ["ret;", "}", ""])


def is_nan(bits, text, width):
    for fmt in ("bf16", "f16", "f32", "f64"):
        if fmt in text and (FORMATS_BITS[fmt] == width or width == 16 and FORMATS_BITS[fmt] == 16):
            return decode(bits, fmt) == NAN
    return False


def agree(got, want, text, width):
    if isinstance(want, tuple):
        fmt = "bf16" if "bf16" in text else "f16"
        return all(decode(got >> 16 * i & 0xffff, fmt) == NAN if part == NAN else got >> 16 * i & 0xffff == part
                   for i, part in enumerate(want))
    return is_nan(got, text, width) if want == NAN else got == want


def source_bits(index, thread, width):
    value = VALUES[index][thread] if index < 3 else VALUES[2][thread] >> 3
    return value & (1 << width) - 1


def run_batch(rows, folder):
    path = os.path.join(folder, "batch.ptx")
    with open(path, "w", encoding="utf-8") as file:
        file.write(kernel(rows))
    if shutil.which("ptxas"):
        assembled = subprocess.run(["ptxas", "-arch=sm_90a", "-O0", "-o", os.devnull, path],
                                   capture_output=True, text=True, check=False)
        if assembled.returncode != 0:
            return [f"ptxas: {line}" for line in assembled.stderr.splitlines()[:5]]
    args = [f"--arg={name}=u64:{','.join(map(str, values))}:{N}" for name, values in zip("abc", VALUES)]
    run = subprocess.run([TK_EMU, path, *args, f"--arg=out=u64:empty:{N * len(rows)}", "--print=out"],
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return [run.stderr]
    numbers = [int(word) & (1 << 64) - 1 for word in run.stdout.split()[1:]]
    wrong = []
    for k, (text, result, sources, function) in enumerate(rows):
        for thread in range(N):
            operands = [source_bits(i, thread, w) for i, w in enumerate(sources)]
            got, want = numbers[k * N + thread], function(*operands)
            if not agree(got, want, text, result):
                wrong.append(f"{text} {[hex(x) for x in operands]}: {got:#x}, should be "
                             f"{want if not isinstance(want, int) else hex(want)}")
                break
    return wrong


integer_rows()
float_rows()
conversion_rows()
compare_rows()
fp8_rows()
failures = []
with tempfile.TemporaryDirectory() as scratch:
    for start in range(0, len(ROWS), 60):
        failures += run_batch(ROWS[start:start + 60], scratch)
print("\n".join(failures))
print(f"{len(ROWS)} instructions, {len(failures)} failures")
sys.exit(1 if failures else 0)
