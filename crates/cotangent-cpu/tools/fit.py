"""The coefficients of the elementary functions (crates/cotangent-cpu/src/math), from their definitions.

Needs mpmath. `python fit.py NAME...` prints Rust constants; without names, all. Polynomials interpolate the function at Chebyshev
nodes with 60 digits, which is within a small factor of the minimax error; the printed error is the greatest one found, relative
to the function, before the coefficients are rounded to f64.
"""
import sys
from mpmath import mp, mpf

mp.dps = 60


def cheb_coeffs(f, a, b, n):
    """The Chebyshev series of degree n of f on [a, b], by interpolation."""
    m = n + 1
    nodes = [mp.cos(mp.pi * (k + mpf(1) / 2) / m) for k in range(m)]
    vals = [f((a + b) / 2 + (b - a) / 2 * t) for t in nodes]
    out = []
    for j in range(m):
        s = sum(v * mp.cos(j * mp.pi * (k + mpf(1) / 2) / m) for k, v in enumerate(vals))
        out.append(s * 2 / m)
    out[0] /= 2
    return out


def monomial(c, a, b):
    """The same polynomial in powers of x, highest first."""
    # t = u x + v
    u, v = 2 / (b - a), -(a + b) / (b - a)
    t0, t1 = [mpf(1)], [v, u]
    acc = [mpf(0)] * len(c)
    for j, cj in enumerate(c):
        t = t0 if j == 0 else t1
        if j >= 2:
            nxt = [mpf(0)] * (j + 1)
            for i, x in enumerate(t1):
                nxt[i] += 2 * v * x
                nxt[i + 1] += 2 * u * x
            for i, x in enumerate(t0):
                nxt[i] -= x
            t0, t1 = t1, nxt
            t = t1
        for i, x in enumerate(t):
            acc[i] += cj * x
    return acc[::-1]


def horner(k, x):
    p = mpf(0)
    for c in k:
        p = p * x + c
    return p


def error(f, g, a, b, divisor=None):
    worst = mpf(0)
    for i in range(401):
        x = a + (b - a) * i / 400
        y = f(x)
        by = divisor(x) if divisor else y
        if by != 0:
            worst = max(worst, abs((g(x) - y) / by))
    return "2^%.1f" % float(mp.log(worst, 2)) if worst else "0"


def show(name, doc, k, what, err):
    print(f"/// {doc}; relative error {what and 'of ' + what + ': '}{err}.")
    print(f"pub const {name}: [f64; {len(k)}] = [")
    for x in k:
        print(f"    {float(x)!r},")
    print("];")


def poly(name, doc, f, a, b, n, of=None):
    """The error is relative to f, or to that of which f is a part: `of` has its name, and what the error of f is divided by."""
    a, b = mpf(a), mpf(b)
    k = monomial(cheb_coeffs(f, a, b, n), a, b)
    what, divisor = of or ("", None)
    show(name, doc, k, what, error(f, lambda x: horner(k, x), a, b, divisor))


def dd(name, doc, x):
    hi = float(x)
    print(f"/// {doc}.\npub const {name}: [f64; 2] = [{hi!r}, {float(x - mpf(hi))!r}];")


def parts(name, doc, x, bits, count):
    """x as a sum of numbers of so many bits each, the last of 53."""
    out = []
    for i in range(count):
        if i + 1 == count:
            p = float(x)
        else:
            e = mp.floor(mp.log(abs(x), 2))
            q = mpf(2) ** (e - bits + 1)
            p = float(mp.nint(x / q) * q)
        out.append(p)
        x -= mpf(p)
    print(f"/// {doc}.\npub const {name}: [f64; {count}] = {out!r};")


def ser(terms, z, n=80):
    return sum(terms(k) * z**k for k in range(n))


JOBS = {}


def job(f):
    JOBS[f.__name__] = f
    return f


@job
def exp():
    h = mp.log(2) / 2 * mpf("1.0001")
    parts("LN2", "log 2: the first part has 32 bits, so that its product with an exponent is exact", mp.log(2), 32, 2)
    poly("EXP", "(exp r - 1 - r) / r^2 for |r| <= log(2) / 2", lambda r: ser(lambda k: 1 / mp.factorial(k + 2), r), -h, h, 10)
    poly("EXP4", "(exp r - 1 - r - r^2 / 2 - r^3 / 6) / r^4 for |r| <= log(2) / 2", lambda r: ser(lambda k: 1 / mp.factorial(k + 4), r), -h, h, 8)
    poly("EXP_F32", "(exp r - 1) / r for |r| <= log(2) / 2, for f32 results", lambda r: ser(lambda k: 1 / mp.factorial(k + 1), r), -h, h, 7)
    poly("EXP_SINGLE", "(exp r - 1 - r) / r^2 for |r| <= log(2) / 2, in f32", lambda r: ser(lambda k: 1 / mp.factorial(k + 2), r), -h, h, 4, ("exp r", lambda r: mp.exp(r) / r**2 if r else 0))
    poly("EXP2_SINGLE", "(2^r - 1) / r for 0 <= r <= 1, in f32", lambda r: ser(lambda k: mp.log(2) ** (k + 1) / mp.factorial(k + 1), r), 0, 1, 5, ("2^r", lambda r: 2**r / r if r else 0))
    poly("SINH", "(sinh x - x) / x^3 in x^2, for |x| <= 1", lambda z: ser(lambda k: 1 / mp.factorial(2 * k + 3), z), 0, mpf("1.0001"), 6)
    dd("SIXTH", "1/6", mpf(1) / 6)


@job
def log():
    s = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    z = s * s * mpf("1.0001")
    poly("LOG7", "(2 atanh s - 2 s - 2 s^3 / 3 - 2 s^5 / 5) / s^7 in s^2, for s up to (sqrt 2 - 1) / (sqrt 2 + 1)", lambda z: ser(lambda k: mpf(2) / (2 * k + 7), z), 0, z, 7)
    poly("LOG_F32", "(2 atanh s) / s in s^2, for f32 results", lambda z: ser(lambda k: mpf(2) / (2 * k + 1), z), 0, z, 6)
    dd("TWO_THIRDS", "2/3", mpf(2) / 3)
    dd("TWO_FIFTHS", "2/5", mpf(2) / 5)


@job
def trig():
    z = (mp.pi / 4) ** 2 * mpf("1.0001")
    parts("HALF_PI", "pi / 2", mp.pi / 2, 53, 3)
    poly("SIN7", "(sin r - r + r^3 / 6 - r^5 / 120) / r^7 in r^2, for |r| <= pi / 4", lambda z: ser(lambda k: (-1) ** (k + 3) / mp.factorial(2 * k + 7), z), 0, z, 5)
    poly("COS6", "(cos r - 1 + r^2 / 2 - r^4 / 24) / r^6 in r^2, for |r| <= pi / 4", lambda z: ser(lambda k: (-1) ** (k + 3) / mp.factorial(2 * k + 6), z), 0, z, 5)
    poly("SIN_F32", "(sin r - r) / r^3 in r^2, for f32 results", lambda z: ser(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 3), z), 0, z, 3)
    poly("COS_F32", "(cos r - 1) / r^2 in r^2, for f32 results", lambda z: ser(lambda k: (-1) ** (k + 1) / mp.factorial(2 * k + 2), z), 0, z, 4)
    dd("SIN5", "1/120", mpf(1) / 120)
    dd("COS4", "1/24", mpf(1) / 24)
    dd("SIN3", "-1/6", mpf(-1) / 6)


@job
def two_over_pi():
    x = 2 / mp.pi
    mp.dps = 450
    x = 2 / mp.pi
    words = []
    for _ in range(20):
        x *= mpf(2) ** 64
        w = int(mp.floor(x))
        words.append(w)
        x -= w
    mp.dps = 60
    print("pub const TWO_OVER_PI: [u64; 20] = [")
    for w in words:
        print(f"    {w:#018x},")
    print("];")


@job
def atan():
    z = mpf("0.1251") ** 2
    poly("ATAN5", "(atan t - t + t^3 / 3) / t^5 in t^2, for |t| <= 1/8", lambda z: ser(lambda k: mpf((-1) ** k) / (2 * k + 5), z), 0, z, 5)
    dd("THIRD", "1/3", mpf(1) / 3)
    poly("ATAN_F32", "atan(t) / t in t^2, for f32 results", lambda z: ser(lambda k: mpf((-1) ** k) / (2 * k + 1), z), 0, z, 4)
    for k in range(1, 5):
        dd(f"ATAN_{k}_4", f"atan({k}/4)", mp.atan(mpf(k) / 4))
    dd("PI", "pi", mp.pi)


@job
def root():
    poly("CBRT", "x^(-1/3) on [1/2, 4], a first guess", lambda x: x ** (-mpf(1) / 3), mpf(1) / 2, 4, 6)


@job
def erf():
    poly("ERF", "erf(x) / x - 1 in x^2, for |x| <= 3/4", lambda z: ser(lambda k: 2 / mp.sqrt(mp.pi) * (-1) ** k / mp.factorial(k) / (2 * k + 1), z) - 1, 0, mpf("0.5626"), 10)
    dd("ERF_MIDDLE", "erf(5/4)", mp.erf(mpf(5) / 4))
    m = mpf(5) / 4
    poly("ERF_ABOUT", "(erf(5/4 + s) - erf(5/4)) / s, for |s| <= 1/2", lambda s: (mp.erf(m + s) - mp.erf(m)) / s if abs(s) > mpf("1e-20") else 2 / mp.sqrt(mp.pi) * mp.exp(-m * m), mpf("-0.5"), mpf("0.5"), 18)
    f = lambda t: (lambda x: mp.exp(x * x) * mp.erfc(x) * (1 + 2 * x))(ERFC_C * (1 + t) / (1 - t))
    a, b = (mpf("0.49") - ERFC_C) / (mpf("0.49") + ERFC_C), (28 - ERFC_C) / (28 + ERFC_C)
    poly("ERFC", "exp(x^2) erfc(x) (1 + 2 x) in (x - 3) / (x + 3), for 1/2 <= x <= 28", f, a, b, 21)
    erf = lambda z: ser(lambda k: 2 / mp.sqrt(mp.pi) * (-1) ** k / mp.factorial(k) / (2 * k + 1), z)
    poly("ERFC_NEAR_SINGLE", "1 - erf(x) / x in x^2, for |x| <= 9/10, in f32", lambda z: 1 - erf(z), 0, mpf("0.8101"), 6, ("erfc(x)", lambda z: mp.erfc(mp.sqrt(z)) / mp.sqrt(z) if z else 0))
    c = mpf("1.5")
    f = lambda t: (lambda x: x * x + mp.log(mp.erfc(x) * (x + c)))(c * (1 + t) / (1 - t))
    poly("ERFC_FAR_SINGLE", "log(exp(x^2) erfc(x) (x + 3/2)) in (x - 3/2) / (x + 3/2), for 9/10 <= x <= 9.36, in f32", f, (mpf("0.899") - c) / (mpf("0.899") + c), (mpf("9.37") - c) / (mpf("9.37") + c), 8, ("its exponential", lambda t: 1))
    g = lambda w: mp.erfinv(mp.sqrt(-mp.expm1(-w))) / mp.sqrt(-mp.expm1(-w)) if w > mpf("1e-25") else mp.sqrt(mp.pi) / 2
    poly("ERFINV_NEAR", "erfinv(x) / x in w - 3.125, where w = -log(1 - x^2) < 6.25", lambda v: g(v + mpf("3.125")), mpf("-3.125"), mpf("3.125"), 22)
    poly("ERFINV_MID", "erfinv(x) / x in sqrt(w) - 3.25, for 6.25 <= w < 16", lambda v: g((v + mpf("3.25")) ** 2), mpf("-0.75"), mpf("0.75"), 18)
    poly("ERFINV_FAR", "erfinv(x) / x in sqrt(w) - 5, for 16 <= w <= 37", lambda v: g((v + 5) ** 2), -1, mpf("1.09"), 18)


ERFC_C = mpf(3)


@job
def gamma():
    poly("LGAMMA1", "lgamma(x) / (x - 1) in x - 1.125, for 0.75 <= x <= 1.5", lambda v: (lambda x: mp.loggamma(x) / (x - 1) if x != 1 else -mp.euler)(v + mpf("1.125")), mpf("-0.375"), mpf("0.375"), 20)
    poly("LGAMMA2", "lgamma(x) / (x - 2) in x - 2, for 1.5 <= x <= 2.5", lambda v: mp.loggamma(v + 2) / v if abs(v) > mpf("1e-25") else 1 - mp.euler, mpf("-0.5"), mpf("0.5"), 18)
    poly("STIRLING", "x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x^2, for x >= 8", lambda z: (lambda x: x * (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2))(1 / mp.sqrt(z)) if z > mpf("1e-9") else mpf(1) / 12 - z / 360, mpf("1e-12"), mpf(1) / 64, 8)
    dd("HALF_LOG_2PI", "log(2 pi) / 2", mp.log(2 * mp.pi) / 2)
    root = mp.findroot(mp.digamma, mpf("1.4616"))
    dd("DIGAMMA_ROOT", "The zero of the digamma function", root)
    poly("DIGAMMA1", "digamma(x) / (x - root) in x - 1.5, for 1 <= x <= 2", lambda v: (lambda x: mp.digamma(x) / (x - root))(v + mpf("1.5")), mpf("-0.5"), mpf("0.5"), 20)
    poly("DIGAMMA8", "(log x - 1 / (2 x) - digamma(x)) x^2 in 1 / x^2, for x >= 8", lambda z: (lambda x: (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x)(1 / mp.sqrt(z)) if z > mpf("1e-9") else mpf(1) / 12 - z / 120, mpf("1e-12"), mpf(1) / 64, 8)
    z = mpf("0.2501")
    poly("SINPI", "sin(pi r) / r in r^2, for |r| <= 1/2", lambda z: ser(lambda k: (-1) ** k * mp.pi ** (2 * k + 1) / mp.factorial(2 * k + 1), z), 0, z, 9)
    poly("COSPI", "cos(pi r) / (1 - 4 r^2) in r^2, for |r| <= 1/2", lambda z: ser(lambda k: (-1) ** k * mp.pi ** (2 * k) / mp.factorial(2 * k), z) / (1 - 4 * z), 0, mpf("0.2499"), 9)


@job
def bessel():
    i = lambda n: lambda x: mp.besseli(n, x) * mp.exp(-x)
    far = lambda n: lambda t: (lambda x: mp.sqrt(x) * i(n)(x))(16 / (t + 1)) if t > mpf("-0.9999999") else 1 / mp.sqrt(2 * mp.pi) * (1 - mpf(4 * n * n - 1) / 8 * (t + 1) / 16)
    near = lambda n: lambda t: i(n)(4 * (t + 1)) / (4 * (t + 1)) ** n * (5 + 4 * t) if t > -1 else mpf(1) / 2**n
    for n in (0, 1):
        weight = "(1 + x)" if n == 0 else "(1 + x) / x"
        for name, deg in (("", (29, 24)), ("_F32", (20, 10)))[: 1 + n]:
            poly(f"I{n}_NEAR{name}", f"exp(-x) I{n}(x) {weight} in x / 4 - 1, for 0 <= x <= 8", near(n), -1, 1, deg[0])
            poly(f"I{n}_FAR{name}", f"exp(-x) I{n}(x) sqrt(x) in 16 / x - 1, for x >= 8", far(n), -1, 1, deg[1])
    # I0 for all x; at the end the limit
    c = mpf("3.5")
    whole = lambda t: (lambda x: i(0)(x) * mp.sqrt(x + mpf("0.75")))(c * (1 + t) / (1 - t)) if t < 1 - mpf("1e-9") else 1 / mp.sqrt(2 * mp.pi)
    poly("I0_SINGLE", "exp(-x) I0(x) sqrt(x + 3/4) in 2 x / (x + 7/2) - 1, for x >= 0, in f32", whole, -1, 1, 18)


if __name__ == "__main__":
    if not sys.argv[1:]:
        print("//! Coefficients of the elementary functions: the output of `tools/fit.py`, which says how they were found.")
        print("#![allow(clippy::excessive_precision, clippy::unreadable_literal, clippy::approx_constant)]\n")
    for name in sys.argv[1:] or JOBS:
        JOBS[name]()
