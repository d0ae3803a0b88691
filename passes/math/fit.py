"""Fits the polynomials of the formulas in this folder: minimax by the Remez exchange.

    python3 passes/math/fit.py exp_f        prints the coefficients of one fit of the table below
    python3 passes/math/fit.py --all        prints all of them

Needs mpmath. A fit minimises |poly(t) - f(t)| * weight(t) on [lo, hi], where the coefficients are
rounded to the type one after the other, lowest first, and the rest is fitted again each time.
Method: Remez (1934); for rounding see Brisebarre, Muller, Tisserand (2006).
"""

import struct
import sys

from mpmath import cos, erf, erfc, exp, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.prec = 200


def round_to(value, type_):
    """`value` rounded to f32 or f64, as an mpf."""
    if type_ == "d":
        return mpf(float(value))
    return mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def remez(f, weight, lo, hi, powers, rounds=12, points=600):
    """Coefficients of sum c_k t^k, k in powers, and the largest weighted error."""
    lo, hi = mpf(lo), mpf(hi)
    n = len(powers)
    grid = [lo + (hi - lo) * (1 - cos(pi * i / points)) / 2 for i in range(points + 1)]
    if powers[0] > 0:  # the constant is fixed: nothing can be mended near zero
        grid = [t for t in grid if abs(t) > (hi - lo) / 40]
    values = [(t, f(t), weight(t)) for t in grid]
    # The grid is Chebyshev's, so that equal steps in it are Chebyshev points.
    picks = [round(i * (len(values) - 1) / n) for i in range(n + 1)]
    best = None
    for _ in range(rounds):
        a = matrix(n + 1, n + 1)
        b = matrix(n + 1, 1)
        for row, index in enumerate(picks):
            t, y, w = values[index]
            for col, k in enumerate(powers):
                a[row, col] = w * t**k
            a[row, n] = (-1) ** row
            b[row] = w * y
        solution = lu_solve(a, b)
        coefs = [solution[i] for i in range(n)]
        errors = []
        for t, y, w in values:
            total = mpf(0)
            for c, k in zip(coefs, powers):
                total += c * t**k
            errors.append(w * (total - y))
        # one extremum for each run of one sign
        extrema = []
        for i, e in enumerate(errors):
            if extrema and (errors[extrema[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        worst = max(abs(e) for e in errors)
        if best is None or worst < best[1]:
            best = (coefs, worst)
        while len(extrema) > n + 1:
            if len(extrema) == n + 2:
                extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
            else:
                i = min(range(len(extrema) - 1),
                        key=lambda j: max(abs(errors[extrema[j]]), abs(errors[extrema[j + 1]])))
                del extrema[i:i + 2]
        if len(extrema) < n + 1 or extrema == picks:
            break
        picks = extrema
    return best


def fit(f, weight, lo, hi, powers, type_):
    """Rounded coefficients: all in turn for f32, the first three for f64; none where zero is well
    within the interval, since there the others cannot mend the error of the first."""
    fixed = []
    powers = list(powers)
    rest = powers[:]
    worst = None
    turns = 0 if lo < -mpf("0.5") else len(powers) if type_ == "f" else 3
    while rest:
        def remainder(t, fixed=tuple(fixed)):
            return f(t) - sum(c * t**k for c, k in fixed)
        coefs, worst = remez(remainder, weight, lo, hi, rest)
        take = 1 if len(fixed) < turns else len(rest)
        for c in coefs[:take]:
            fixed.append((round_to(c, type_), rest.pop(0)))
    return [float(c) for c, _ in fixed], worst


def constant(value):
    return lambda t: mpf(value)


def half_ln2():
    return log(mpf(2)) / 2 * mpf("1.0001")


FITS = {}


def entry(name, f, weight, lo, hi, count, first=0):
    FITS[name] = (f, weight, lo, hi, range(first, first + count), name[-1])


def exp_tail(r):  # e^r = 1 + r + r^2 exp_tail(r)
    return (exp(r) - 1 - r) / r**2


def log_tail(f):  # log(1 + f) = f - f^2/2 + f^3 log_tail(f)
    return (log(1 + f) - f + f**2 / 2) / f**3


def atanh_tail(z):  # log((1 + s)/(1 - s)) = 2 s + s z atanh_tail(z), z = s^2
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s) / (s * z)


def sin_tail(z):  # sin(r) = r + r z sin_tail(z), z = r^2
    r = sqrt(z)
    return (mp.sin(r) / r - 1) / z


def cos_tail(z):  # cos(r) = 1 - z/2 + z^2 cos_tail(z)
    return (cos(sqrt(z)) - 1 + z / 2) / z**2


def atan_tail(z):
    r = sqrt(z)
    return (mp.atan(r) / r - 1) / z


def asin_tail(z):
    r = sqrt(z)
    return (mp.asin(r) / r - 1) / z


def erf_tail(z):  # erf(x) = x + x erf_tail(x^2)
    x = sqrt(z)
    return erf(x) / x - 1


def scaled_erfc(q):  # (1 + 2 a) exp(a^2) erfc(a) for a = 4 (1 + q) / (1 - q)
    a = 4 * (1 + q) / (1 - q)
    if a > 50:  # asymptotic series
        total, term = mpf(1), mpf(1)
        for k in range(1, 20):
            term *= -(2 * k - 1) / (2 * a * a)
            total += term
        return (1 + 2 * a) / (a * sqrt(pi)) * total
    return (1 + 2 * a) * exp(a * a) * erfc(a)


def near(f, limit, eps="1e-14"):
    """f, or at its removable singularity at 0 the limit there."""
    return lambda t: f(t) if abs(t) > mpf(eps) else mpf(limit)


A = half_ln2()
R2 = sqrt(mpf(2)) / 2
Z4 = (pi / 4) ** 2 * mpf("1.0001")
for letter, n_exp, n_atanh, n_sin, n_cos, n_atan, n_asin, n_erf, n_erfc in (
        ("f", 5, 3, 3, 3, 9, 5, 7, 13), ("d", 11, 7, 6, 6, 20, 13, 14, 25)):
    entry("exp_" + letter, near(exp_tail, 0.5), lambda r: abs(r), -A, A, n_exp)
    entry("atanh_" + letter, near(atanh_tail, mpf(2) / 3), lambda z: z / 2 + mpf("1e-12"), 0,
          mpf("0.02945"), n_atanh)
    entry("sin_" + letter, near(sin_tail, -mpf(1) / 6), lambda z: z + mpf("1e-9"), 0, Z4, n_sin)
    entry("cos_" + letter, near(cos_tail, mpf(1) / 24), lambda z: z * z + mpf("1e-9"), 0, Z4, n_cos)
    entry("atan_" + letter, near(atan_tail, -mpf(1) / 3), lambda z: z + mpf("1e-9"), 0, 1, n_atan)
    entry("asin_" + letter, near(asin_tail, mpf(1) / 6), lambda z: z + mpf("1e-9"), 0, 0.25, n_asin)
    entry("erf_" + letter, near(erf_tail, 2 / sqrt(pi) - 1), constant(1), 0, 1, n_erf)
    entry("erfc_" + letter, scaled_erfc, constant(1), -1, mpf("0.99999"), n_erfc)
    n_more = 3 if letter == "f" else 8
    entry("atanh_more_" + letter, near(lambda z: (atanh_tail(z) - mpf(2) / 3) / z, mpf(2) / 5),
          lambda z: z * z / 2 + mpf("1e-15"), 0, mpf("0.02945"), n_more)
entry("log_f", near(log_tail, mpf(1) / 3), lambda f: f * f + mpf("1e-9"), R2 - 1, 2 * R2 - 1, 9)
# erf(a) = 1 - exp(-p(a)) for 1 <= a <= 4
entry("erf_exp_f", lambda a: -log(erfc(a)), lambda a: erfc(a), 1, mpf("3.95"), 7)



def inverse_erfc(t):
    """y with erfc(y) = t, 0 < t <= 1, by Newton's method on the logarithm."""
    y = sqrt(-log(t)) * mpf("0.8") if t < mpf("0.3") else (1 - t) * sqrt(pi) / 2
    for _ in range(60):
        value = erfc(y)
        step = (log(value) - log(t)) * value / (2 / sqrt(pi) * exp(-y * y))
        y += step
        if abs(step) < mpf(2) ** -150 * abs(y):
            break
    return y


def erfinv_ratio(w):  # erfinv(x) / x for w = -log(1 - x^2)
    rest = exp(-w)
    x = sqrt(1 - rest)
    if w < mpf("1e-12"):
        return sqrt(pi) / 2
    return inverse_erfc(rest / (1 + x)) / x


def stirling(u):  # log gamma(z) - (z - 1/2) log z + z - log(2 pi)/2 = (1/z) stirling(1/z^2)
    z = 1 / sqrt(u)
    return (mp.loggamma(z) - (z - mpf(1) / 2) * log(z) + z - log(2 * pi) / 2) * z


def bessel_i_scaled(n):  # I_n(x) exp(-x) sqrt(x), x = 8/t
    return lambda t: mp.besseli(n, 8 / t) * exp(-8 / t) * sqrt(8 / t)


def modulus(n, which):
    """The slow factors of J_n(x) = sqrt(2/(pi x)) (P cos(c) - 8/x Q sin(c)), where
    c = x - (2n + 1) pi/4, and of
    Y_n(x) = sqrt(2/(pi x)) (P sin(c) + 8/x Q cos(c)) as functions of (8/x)^2."""
    def f(t):
        x = 8 / sqrt(t)
        c = x - (2 * n + 1) * pi / 4
        j, y = mp.besselj(n, x), mp.bessely(n, x)
        scale = sqrt(pi * x / 2)
        if which == "P":
            return scale * (j * cos(c) + y * mp.sin(c))
        return scale * (y * cos(c) - j * mp.sin(c)) * x / 8
    return f


def square_of(t):  # of x, for t in [-1, 1] and x in [0, 8]
    return 32 * (1 + t)


def j_small(n):
    def f(t):
        x = sqrt(square_of(t))
        if n == 0 or x < mpf("1e-20"):
            return mp.besselj(0, x) if n == 0 else mpf("0.5")
        return mp.besselj(1, x) / x
    return f


def y_small(n):  # what Y_n has beside 2/pi log(x) J_n (and, for n = 1, -2/(pi x)), over x for n = 1
    def f(t):
        x = sqrt(square_of(t))
        if x < mpf("1e-10"):
            x = mpf("1e-10")
        rest = mp.bessely(n, x) - 2 / pi * log(x) * mp.besselj(n, x)
        return rest if n == 0 else (rest + 2 / (pi * x)) / x
    return f


def erfinv_near(w):
    return erfinv_ratio(w + 3)


def erfinv_far(t):
    return erfinv_ratio((mpf("2.4") / t) ** 2) * t


def i_small(n):  # I_n(x)/x^n as a function of x^2
    def f(z):
        x = sqrt(z)
        return mp.besseli(n, x) / x**n if x > mpf("1e-20") else mpf(1) / 2**n
    return f


def relative(f):
    return lambda t: 1 / f(t)


SPECIALS = (
    ("erfinv_near_d", erfinv_near, relative(erfinv_near), -3, 3, 25),
    # only a first guess, whose correct digits Newton's step doubles
    ("erfinv_far_d", erfinv_far, constant(0.4), mpf("0.0875"), 1, 17),
    ("lgamma_d", near(lambda t: mp.loggamma(2 + t) / t, 1 - mp.euler), constant(2),
     mpf("-0.505"), mpf("0.505"), 20),
    ("stirling_d", near(stirling, mpf(1) / 12), constant(mpf(1) / 8), 0, mpf(1) / 64, 8),
    ("i0_small_d", i_small(0), relative(i_small(0)), 0, 64, 16),
    ("i1_small_d", i_small(1), relative(i_small(1)), 0, 64, 15),
    ("i0_large_d", bessel_i_scaled(0), constant(2.5), mpf("0.0005"), 1, 26),
    ("i1_large_d", bessel_i_scaled(1), constant(2.5), mpf("0.0005"), 1, 26),
)
for entry_name, fn, wt, low, high, terms in SPECIALS:
    entry(entry_name, fn, wt, low, high, terms)
for order in (0, 1):
    entry(f"j{order}_small_d", j_small(order), constant(1), -1, 1, 17)
    entry(f"y{order}_small_d", y_small(order), constant(1), -1, 1, 17)
    entry(f"p{order}_d", modulus(order, "P"), constant(1), mpf("1e-6"), 1, 12)
    entry(f"q{order}_d", modulus(order, "Q"), constant(1), mpf("1e-6"), 1, 12)


def main():
    names = list(FITS) if sys.argv[1:] == ["--all"] else sys.argv[1:]
    for name in names:
        f, weight, lo, hi, powers, type_ = FITS[name]
        coefs, worst = fit(f, weight, lo, hi, powers, type_)
        bits = float(log(worst, 2))
        print(f"{name}: largest weighted error 2^{bits:.1f}")
        print("    " + ", ".join(c.hex() for c in coefs), flush=True)


if __name__ == "__main__":
    main()
