"""Records what jax.numpy computes for the functions in ../np_table.rs: writes np_table.json.

A case is a name, which the table in Rust has as well, a function, and lists of arguments to call it with. Where JAX refuses arguments, that is recorded, too. Arguments of 64 bits are computed
with 64-bit types enabled; then the types of integer results are not compared, because only JAX's depend on that switch.
"""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np

INF, NAN = float("inf"), float("nan")
RECORDS = []


def a(values, dtype="float32"):
    return np.array(values, dtype)


# what functions of one array are called with
SPECIAL = a([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1.5, 2.0, 1e-3, 33.25, -7.75, INF, -INF, NAN])
SMOOTH = a([[0.3, -0.7, 0.45], [0.85, -0.2, 0.6]], "float64")
ABOVE = a([[1.3, 2.7, 1.45], [3.85, 1.2, 5.6]], "float64")
INTS = a([[3, -1, 0], [7, -8, 2]], "int32")
SMALL = a([0, 1, 100, 200, 255], "uint8")
TRUTH = a([True, False, True], "bool")
COMPLEX = a([1 + 2j, -0.5 + 0.25j, 2 - 1j, 0.75 - 0.5j, -1.5 - 2j], "complex64")
HALF = a([0.5, 1.25, -3.0, 2.5], "float16")


def flat(x):
    x = np.asarray(x)
    v = x.astype("complex128" if x.dtype.kind == "c" else "float64").reshape(-1)
    parts = [v.real, v.imag] if x.dtype.kind == "c" else [v]
    number = lambda n: str(n) if not np.isfinite(n) else "-0" if n == 0 and np.signbit(n) else int(n) if n == int(n) else float(n)
    return {"shape": list(x.shape), "dtype": x.dtype.name, "data": [number(float(n)) for p in parts for n in p]}


def case(name, f, *calls, grad=False, host=False):
    """grad: derivatives with respect to float64 arguments are checked against differences; host: the shapes of results depend on values, so there is no program for it."""
    for args in calls:
        args = args if isinstance(args, tuple) else (args,)
        wide = any(x.dtype.itemsize // (2 if x.dtype.kind == "c" else 1) == 8 for x in args)
        record = {"name": name, "args": [flat(x) for x in args]}
        with jax.enable_x64(wide):
            try:
                out = f(*[jnp.asarray(x) for x in args])
                outs = list(out) if isinstance(out, (tuple, list)) else [out]
                record["outs"] = [flat(y) for y in outs]
            except (TypeError, ValueError, NotImplementedError) as e:
                print(f"{name}{[x.dtype.name for x in args]}: {str(e)[:90]}")
        if host:
            record["host"] = True
        if grad and any(x.dtype == np.float64 for x in args) and "outs" in record:
            record["grad"] = True
        RECORDS.append(record)


def elementwise():
    every = (SPECIAL, SMOOTH, INTS, SMALL, TRUTH, COMPLEX, HALF)
    smooth = "sin cos tan sinh cosh tanh exp expm1 exp2 arcsin arctan arcsinh cbrt fabs deg2rad rad2deg square reciprocal sinc i0 abs negative positive real nan_to_num angle"
    for name in smooth.split():
        case(name, getattr(jnp, name), *every, grad=True)
    for name in "log log2 log10 sqrt arccosh log1p".split():
        case(name, getattr(jnp, name), ABOVE, *every[2:], grad=True)
    for name in ("floor ceil trunc rint conj imag sign bitwise_count invert logical_not isnan isinf isfinite "
                 "isposinf isneginf iscomplex isreal signbit frexp modf arccos arctanh").split():
        case(name, getattr(jnp, name), *every)
    case("arctanh", jnp.arctanh, SMOOTH, grad=True)
    case("spacing", jnp.spacing, SPECIAL[2:11], SMOOTH, INTS)
    case("round_2", lambda x: jnp.round(x, 2), SPECIAL, SMOOTH, INTS, COMPLEX, HALF)
    case("round_-1", lambda x: jnp.round(x, -1), SPECIAL, SMOOTH, HALF)
    case("clip", lambda x: jnp.clip(x, -1, 1.5), SPECIAL, SMOOTH, HALF, grad=True)
    case("nan_to_num_with", lambda x: jnp.nan_to_num(x, nan=-1.0, posinf=5.0), SPECIAL, INTS)
    case("unwrap", jnp.unwrap, a([[0.1, 2.1, 4.3, 0.2], [5.0, 1.5, -3.0, 9.0]], "float64"), INTS, grad=True)
    case("unwrap_0", lambda x: jnp.unwrap(x, axis=0, period=4, discont=1), INTS, SMOOTH)
    special = (SPECIAL[:, None], SPECIAL[None, :])
    finite = (SPECIAL[:11, None], SPECIAL[None, :11])
    pairs = [(SMOOTH, ABOVE[:1]), (INTS, INTS[:, ::-1].copy()), (SMALL, SMALL[::-1].copy()), (TRUTH, TRUTH[::-1].copy()),
             (COMPLEX, COMPLEX[::-1].copy()), (HALF, HALF[::-1].copy()), (INTS, SMOOTH), (SMALL[:3], INTS)]
    for name in "arctan2 copysign hypot logaddexp logaddexp2 fmax fmin fmod heaviside float_power remainder".split():
        calls = pairs if name != "float_power" else [(ABOVE, SMOOTH)] + pairs[1:]
        case(name, getattr(jnp, name), *calls, grad=name not in ("fmod", "remainder"))
    for name in "hypot logaddexp logaddexp2 fmax fmin heaviside copysign arctan2".split():
        case(name, getattr(jnp, name), special)
    for name in "floor_divide divmod fmod remainder".split():
        case(name, getattr(jnp, name), (SPECIAL[:11, None], SPECIAL[None, 2:11]), *pairs[1:6])
    for name in "nextafter logical_and logical_or logical_xor less less_equal greater greater_equal equal isclose allclose array_equal array_equiv".split():
        case(name, getattr(jnp, name), *(special,), *pairs)
    case("isclose_with", lambda x, y: jnp.isclose(x, y, rtol=0.5, atol=0.25, equal_nan=True), special, pairs[0])
    case("array_equal_nan", lambda x, y: jnp.array_equal(x, y, equal_nan=True), (SPECIAL, SPECIAL), (INTS, SMALL))
    for name in "gcd lcm left_shift right_shift".split():
        ints = [(a([12, 0, -4, 7, 100]), a([18, 5, 6, 0, 3]))] if name in ("gcd", "lcm") else [(a([12, 0, -4, 7, 100]), a([3, 0, 1, 2, 4]))]
        ints = [(x.astype(t), y.astype(t)) for x, y in ints for t in ("int32", "int8")]
        case(name, getattr(jnp, name), *ints, (a([12, 3, 9], "uint8"), a([2, 1, 3], "uint8")), (SMOOTH, SMOOTH))
    case("ldexp", jnp.ldexp, (a([0.75, -3.0, 0.0, INF, NAN, 1.5]), a([3, -2, 5, 1, 2, 100], "int32")),
         (SMOOTH, a([1, -3, 2], "int32")), (HALF, a([1, -1, 2, 3], "int32")), grad=True)


def reductions():
    x3 = np.arange(24, dtype="float64").reshape(2, 3, 4)
    x3 = np.sin(x3 * 1.7) + 0.1 * x3
    holes = x3.astype("float32")
    holes[0, 1, :] = NAN
    holes[1, 2, 1] = NAN
    mask = (np.arange(24).reshape(2, 3, 4) % 5 < 3)
    counts = a(np.arange(24).reshape(2, 3, 4) % 7 - 2, "int32")
    small = counts.astype("int8") + np.int8(100)
    cplx = (x3[0] + 1j * x3[1]).astype("complex64")
    half = x3.astype("float16")
    every = [x3, counts, small, counts != 0, cplx, half, holes]
    for name in "sum prod max min mean var std ptp any all count_nonzero nansum nanprod nanmax nanmin nanmean nanvar nanstd".split():
        f, grad = getattr(jnp, name), name not in ("any", "all", "count_nonzero")
        # JAX looks at the real parts only when it asks for the truth of complex numbers; here it is NumPy's
        some = [x for x in every if x is not cplx] if name in ("any", "all") else every
        case(name, f, *some, grad=grad)
        case(name + "_1", lambda x, f=f: f(x, axis=-2), *some, grad=grad)
        case(name + "_02k", lambda x, f=f: f(x, axis=(2, 0), keepdims=True), x3, counts, half, holes, grad=grad)
    for name in "sum prod mean var std any all nansum nanprod nanmean nanvar nanstd".split():
        f = getattr(jnp, name)
        case(name + "_where", lambda x, m, f=f: f(x, axis=1, where=m), (x3, mask), (counts, mask), (holes, mask), (x3, mask[0]),
             # some lines have one element, where a deviation has no derivative
             grad=name not in ("any", "all", "std", "nanstd"))
    for name in "max min nanmax nanmin sum prod".split():
        f = getattr(jnp, name)
        case(name + "_initial", lambda x, m, f=f: f(x, axis=(0, 2), where=m, initial=1.5), (x3, mask), (holes, mask), grad=True)
    case("var_ddof", lambda x: jnp.var(x, axis=0, ddof=1), x3, counts, cplx, holes, grad=True)
    case("var_ddof3", lambda x: jnp.var(x, axis=1, ddof=3), x3, holes)
    case("nanstd_ddof", lambda x: jnp.nanstd(x, axis=2, ddof=1), x3, holes, grad=True)
    case("sum_dtype", lambda x: jnp.sum(x, axis=0, dtype="float32"), counts, half, small)
    for name in "argmax argmin nanargmax nanargmin".split():
        f = getattr(jnp, name)
        case(name, f, x3, counts, half, holes)
        case(name + "_1k", lambda x, f=f: f(x, axis=1, keepdims=True), x3, counts, holes)
    for name in "median nanmedian".split():
        f = getattr(jnp, name)
        case(name, f, x3, counts, half, holes, cplx, grad=True)
        case(name + "_1", lambda x, f=f: f(x, axis=1), x3, holes, grad=True)
        case(name + "_02k", lambda x, f=f: f(x, axis=(0, 2), keepdims=True), x3, holes, grad=True)
    q = a([0.0, 0.1, 0.625, 1.0], "float64")
    for name in "quantile nanquantile".split():
        for method in "linear lower higher midpoint nearest inverted_cdf".split():
            f = lambda x, q, name=name, method=method: getattr(jnp, name)(x, q, axis=1, method=method)
            case(f"{name}_{method}", f, (x3, q), (holes, q.astype("float32")))
            case(f"{name}_{method}", f, (x3, a(0.3, "float64")), grad=method == "linear")
    case("nanpercentile", lambda x: jnp.nanpercentile(x, 35.0, axis=(0, 1), keepdims=True), holes, x3)
    case("percentile", lambda x: jnp.percentile(x, 35.0), x3, counts, grad=True)
    case("quantile_weights", lambda x, w: jnp.quantile(x, jnp.array([0.2, 0.5, 0.9], x.dtype), axis=2, weights=w, method="inverted_cdf"),
         (x3, a([0.5, 1, 0, 2.5], "float64")), (holes, a([0.5, 1, 0, 2.5])))
    case("average", jnp.average, x3, counts, grad=True)
    case("average_weights", lambda x, w: jnp.average(x, axis=(2, 1), weights=w, returned=True),
         (x3, a(np.arange(12).reshape(4, 3) + 1, "float64")), (counts, a(np.arange(12).reshape(4, 3) + 1, "int32")), grad=True)
    case("average_weights_whole", lambda x, w: jnp.average(x, weights=w, axis=0, keepdims=True, returned=True), (x3, x3 + 2.5), grad=True)
    for name in "cumsum cumprod nancumsum nancumprod".split():
        f = getattr(jnp, name)
        case(name, f, x3[0], counts[0], small[0], counts[0] > 0, cplx, holes[0], grad=True)
        case(name + "_1", lambda x, f=f: f(x, axis=-2), x3, counts, holes, grad=True)
    for name in "cumulative_sum cumulative_prod".split():
        f = getattr(jnp, name)
        case(name, lambda x, f=f: f(x, axis=1, include_initial=True), x3, counts, small, grad=True)
    case("cumsum_dtype", lambda x: jnp.cumsum(x, axis=0, dtype="float32"), counts, counts > 0)


def differences():
    x2 = np.sin(np.arange(12, dtype="float64").reshape(3, 4) * 1.3)
    line = x2.reshape(-1)
    ints = a(np.arange(12).reshape(3, 4) ** 2 % 7, "int32")
    cplx = (x2[0] + 1j * x2[1]).astype("complex64")
    case("diff", jnp.diff, x2, ints, ints > 3, cplx, SMALL, grad=True)
    case("diff_n", lambda x: jnp.diff(x, n=2, axis=0, prepend=1.5), x2, ints, grad=True)
    case("diff_both", lambda x, p, q: jnp.diff(x, axis=0, prepend=p, append=q), (x2, x2[:1], x2[1:]), (ints, ints[:2], ints[:1]), grad=True)
    case("diff_far", lambda x: jnp.diff(x, n=5), x2)
    case("ediff1d", lambda x, p, q: jnp.ediff1d(x, to_begin=p, to_end=q), (x2, line[:2], x2[:, :2]), (ints, a([1, 2], "int32"), a([3], "int32")), grad=True)
    case("gradient", jnp.gradient, x2, line, ints, grad=True)
    case("gradient_spacing", lambda x: jnp.gradient(x, 0.5, axis=1), x2, a(np.arange(6).reshape(3, 2), "float32"), grad=True)
    case("gradient_places", lambda x, h: jnp.gradient(x, 2.0, h), (x2, a([0.0, 1.0, 1.5, 4.0], "float64")), grad=True)
    case("trapezoid", jnp.trapezoid, x2, ints, line, grad=True)
    case("trapezoid_dx", lambda x: jnp.trapezoid(x, dx=0.25, axis=0), x2, ints, grad=True)
    case("trapezoid_x", lambda x, at: jnp.trapezoid(x, at, axis=-2), (x2, a([0.0, 1.0, 3.0], "float64")), (x2, np.cumsum(np.abs(x2), axis=0)), grad=True)
    for name in "convolve correlate".split():
        for mode in "full same valid".split():
            f = lambda x, y, name=name, mode=mode: getattr(jnp, name)(x, y, mode=mode)
            case(f"{name}_{mode}", f, (line, line[:3] + 1), (line[:4], line[2:9]), (ints[0], ints[1, :2]), (cplx, cplx[1:3]), grad=True)
    at = a([-1.0, 0.1, 1.0, 1.7, 3.2, 4.5, 6.0], "float64")
    xp, fp = a([0.0, 1.0, 1.5, 4.0], "float64"), a([1.0, -2.0, 0.5, 3.0], "float64")
    case("interp", jnp.interp, (at + 0.01, xp, fp), (at.astype("float32"), xp.astype("float32"), a([1, 2, 3, 4], "int32")), (at.reshape(7, 1) + 0.01, xp, fp), grad=True)
    case("interp_beyond", lambda x, xp, fp: jnp.interp(x, xp, fp, left="extrapolate", right=7.0), (at + 0.01, xp, fp), grad=True)
    case("interp_period", lambda x, xp, fp: jnp.interp(x, xp, fp, period=5.0), (at + 0.01, xp[::-1].copy(), fp), grad=True)
    case("interp_flat", jnp.interp, (a([0.5, 1.0, 1.5]), a([0.0, 1.0, 1.0, 2.0]), a([0.0, 1.0, 5.0, 6.0])))


def statistics():
    x2 = np.sin(np.arange(12, dtype="float64").reshape(3, 4) * 1.3)
    ints = a(np.arange(12).reshape(3, 4) ** 2 % 7, "int32")
    cplx = (x2[:2] + 1j * x2[1:]).astype("complex64")
    f, w = a([1, 2, 0, 3], "int32"), a([0.5, 1.0, 2.0, 0.25], "float64")
    case("cov", jnp.cov, x2, ints, x2[0], cplx, grad=True)
    case("cov_options", lambda x: jnp.cov(x, rowvar=False, ddof=0), x2, ints, grad=True)
    case("cov_bias", lambda x: jnp.cov(x, bias=True), x2)
    case("cov_fweights", lambda x, f: jnp.cov(x, fweights=f), (x2, f), grad=True)
    case("cov_weights", lambda x, f, w: jnp.cov(x, fweights=f, aweights=w), (x2, f, w), grad=True)
    case("cov_both", jnp.cov, (x2, x2[:2] ** 2), (x2[0], x2[1]), grad=True)
    case("corrcoef", jnp.corrcoef, x2, ints, x2[0], cplx, grad=True)
    case("corrcoef_both", lambda x, y: jnp.corrcoef(x, y, rowvar=False), (x2, x2[:, :1] + 2))


def counts():
    n = a([3, 1, 0, 1, 7, 3, -2], "int32")
    x = a([0.5, 1.0, -3.0, 2.0, 2.5, 0.0, 1.0, NAN])
    case("bincount", jnp.bincount, n, SMALL, a([True, False, True], "bool"), SMOOTH, host=True)
    case("bincount_weights", lambda x, w: jnp.bincount(x, w, minlength=10), (n, a(np.arange(7))), host=True)
    case("bincount_length", lambda x, w: jnp.bincount(x, w, length=5), (n, a(np.arange(7) + 0.5, "float64")), grad=True)
    case("digitize", jnp.digitize, (x, a([-1, 0, 1, 2])), (x, a([2, 1, 0, -1])), (n, a([0, 1, 3], "int32")), (x, a([])))
    case("digitize_right", lambda x, b: jnp.digitize(x, b, right=True), (x, a([-1, 0, 1, 2])), (x, a([2, 1, 0, -1])))
    wide = x[:7].astype("float64")
    case("histogram", lambda x: jnp.histogram(x, 5), x[:7], wide.reshape(7, 1), n, a([2.0, 2.0]))
    case("histogram_range", lambda x, w: jnp.histogram(x, 4, range=(-1, 2), weights=w, density=True), (x, a(np.arange(8) + 1)), (wide, wide ** 2))
    case("histogram_edges", jnp.histogram, (x, a([-1, 0.5, 1, 2.5])), (n, a([0, 1, 3, 7], "int32")))
    case("histogram_bin_edges", lambda x: jnp.histogram_bin_edges(x, 3), x[:7], n, wide)
    case("histogram2d", lambda x, y: jnp.histogram2d(x, y, bins=3), (x[:7], x[:7] ** 2))
    case("histogram2d_each", lambda x, y, e: jnp.histogram2d(x, y, bins=[2, e], range=[[-2, 2], None], density=True), (x[:7], x[:7] ** 2, a([0, 1, 4, 9])))
    case("histogramdd", lambda s, w: [*(r := jnp.histogramdd(s, bins=2, weights=w))[:1], *r[1]], (np.stack([wide, wide ** 2, -wide], 1), wide + 4))


def searching():
    x = a([[0, 2, 0, 3], [1, 0, 0, 4]], "int32")
    case("nonzero", jnp.nonzero, x, SPECIAL, TRUTH, a(np.zeros((2, 0))), a(5), host=True)
    case("nonzero_size", lambda x: jnp.nonzero(x, size=6, fill_value=-1), x, x.astype("float64"))
    case("nonzero_few", lambda x: jnp.nonzero(x, size=2), x)
    case("nonzero_fills", lambda x: jnp.nonzero(x, size=5, fill_value=(7, 9)), x)
    case("flatnonzero", jnp.flatnonzero, x, COMPLEX, host=True)
    case("flatnonzero_size", lambda x: jnp.flatnonzero(x, size=9), x)
    case("argwhere", jnp.argwhere, x, a(5), a(0), host=True)
    case("argwhere_size", lambda x: jnp.argwhere(x, size=6, fill_value=-3), x)
    case("extract", lambda x: jnp.extract(x > 1, x), x, host=True)
    case("extract_size", lambda x: jnp.extract(x > 1, x, size=5, fill_value=-1), x, x + 0.25, grad=True)
    case("select", lambda x, y: jnp.select([x > 2, x > 0], [y, x * 10], 0.5), (x, x), (SMOOTH, ABOVE), (x, x.astype("float32")), grad=True)
    case("piecewise", lambda x: jnp.piecewise(x, [x < 0.2, x > 0.5], [lambda x: -x * x, jnp.sin, lambda x: x * 3]), SMOOTH, grad=True)
    case("piecewise_int", lambda x: jnp.piecewise(x, [x > 0, x > 1], [lambda x: x + 0.5, lambda x: x * 2]), x)
    case("lexsort", lambda x, y: jnp.lexsort((y, x)), (x, x[:, ::-1].copy()), (a([1, 1, NAN, 0]), a([3, 2, 1, 0])))
    case("lexsort_0", lambda x, y: jnp.lexsort((y, x), axis=0), (x, x[:, ::-1].copy()))
    case("top_k", lambda x: jax.lax.top_k(x, 2), x, SMOOTH, grad=True)


def matrices():
    square, tall = a([[1, 2, 3], [4, 5, 6], [7, 8, 10]], "float64"), a([[1, -2], [3, 4], [5, 0.5]], "float64")
    cube = a([[[1, 2], [3, 4]], [[5, 6], [7, 9]]], "float64")
    case("diag_indices_from", jnp.diag_indices_from, square, cube, INTS, a([1, 2]), host=True)
    case("tril_indices_from", lambda x: jnp.tril_indices_from(x, 1), square, tall, cube, host=True)
    case("triu_indices_from", lambda x: jnp.triu_indices_from(x, -1), square, tall, host=True)
    case("sort_complex", jnp.sort_complex, COMPLEX, a([[3, 1, 2], [0, NAN, -1]]), INTS)
    case("vector_norm", jnp.linalg.vector_norm, tall, cube, INTS, COMPLEX, grad=True)
    for name, order in [("1", 1), ("inf", jnp.inf), ("3", 3), ("0", 0)]:
        case("vector_norm_" + name, lambda x: jnp.linalg.vector_norm(x, ord=order), tall, COMPLEX)
    case("vector_norm_over", lambda x: jnp.linalg.vector_norm(x, axis=(0, 2), ord=3), cube, grad=True)
    case("vector_norm_keep", lambda x: jnp.linalg.vector_norm(x, axis=(-1, 0), keepdims=True), cube, tall, grad=True)
    for name, order in [("fro", "fro"), ("1", 1), ("nuc", "nuc"), ("2", 2)]:
        case("matrix_norm_" + name, lambda x: jnp.linalg.matrix_norm(x, ord=order), square, tall, cube, grad=True)
    big = np.arange(36.0).reshape(2, 3, 6) % 7 + 3 * np.eye(6).reshape(2, 3, 6)
    case("tensorinv", jnp.linalg.tensorinv, big, grad=True)
    case("tensorinv_1", lambda x: jnp.linalg.tensorinv(x, ind=1), big.reshape(6, 2, 3), big, grad=True)
    case("tensorsolve", jnp.linalg.tensorsolve, (big, tall.reshape(2, 3)), (big.reshape(6, 2, 3), tall.reshape(6)), (big, tall), grad=True)
    case("tensorsolve_axes", lambda x, y: jnp.linalg.tensorsolve(x, y, axes=(0,)), (big.reshape(2, 6, 3), big[0, 0]), grad=True)
    # JAX has it for some processors only: the formula of its documentation
    scaled = lambda x, s: x * jnp.repeat(s, x.shape[-1] // s.shape[-1], axis=-1)
    product = lambda x, y, s, t: jnp.einsum("bmk,bnk->bmn", scaled(x, s), scaled(y, t)).astype("float32")
    case("scaled_matmul", product, (cube, cube + 1, cube[:, :, :1], cube[:, :, 1:]), (a(cube), a(cube) * 2, a(cube), a(cube) + 1))


def sets():
    x = a([3, 1, 3, 0, 2, 1], "int32")
    y = a([1, 5, 3, 7, 5], "int32")
    holes = a([[1, NAN, 3], [NAN, 1, -0.0]])
    none = a([])
    rows = a([[1, 2], [0, 5], [1, 2], [0, 4]], "int32")
    cplx = a([1 + 1j, 1 - 1j, 1 + 1j, 0], "complex64")
    whole = lambda x, **k: jnp.unique(x, return_index=True, return_inverse=True, return_counts=True, **k)
    case("unique", whole, x, holes, none, cplx, TRUTH, SMALL, host=True)
    case("unique_rows", lambda x: whole(x, axis=0), rows, holes, host=True)
    case("unique_columns", lambda x: whole(x, axis=1), rows, holes, host=True)
    case("unique_size", lambda x: whole(x, size=4, fill_value=9), x, holes, cplx, SMOOTH)
    case("unique_few", lambda x: whole(x, size=2), x, rows.astype("float64"))
    case("unique_more", lambda x: whole(x, size=6), x)
    case("unique_rows_size", lambda x: whole(x, size=3, axis=0, fill_value=-1), rows, holes, SMOOTH)
    case("unique_all", lambda x: tuple(jnp.unique_all(x)), holes, x, host=True)
    pairs = [(x, y), (x.reshape(2, 3), y.astype("float32")), (x, none), (none, y), (holes, holes[0]), (TRUTH, TRUTH[:1]), (cplx, cplx[1:3])]
    for name in "union1d intersect1d setdiff1d setxor1d".split():
        f = getattr(jnp, name)
        case(name, f, *pairs, host=True)
        # JAX makes integers of booleans there
        some = [p for p in pairs if p[0] is not TRUTH]
        case(name + "_size", lambda x, y, f=f: f(x, y, size=6, fill_value=9), *some)
        case(name + "_few", lambda x, y, f=f: f(x, y, size=2), *pairs[:2])
        case(name + "_least", lambda x, y, f=f: f(x, y, size=7), *pairs[:2])
    case("setdiff1d_unique", lambda x, y: jnp.setdiff1d(x, y, assume_unique=True), (a([4, 1, 3], "int32"), y), host=True)
    case("setdiff1d_unique_size", lambda x, y: jnp.setdiff1d(x, y, assume_unique=True, size=4, fill_value=-1), (a([4, 1, 3], "int32"), y))
    case("intersect1d_indices", lambda x, y: jnp.intersect1d(x, y, return_indices=True), *pairs[:2], host=True)
    case("intersect1d_indices_size", lambda x, y: jnp.intersect1d(x, y, return_indices=True, size=4), *pairs[:2])
    case("isin", jnp.isin, *pairs)


def main():
    elementwise()
    reductions()
    differences()
    statistics()
    counts()
    searching()
    matrices()
    sets()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "np_table.json")
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in RECORDS) + "\n]\n")


if __name__ == "__main__":
    main()
