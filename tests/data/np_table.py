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
        f = getattr(jnp, name)
        case(name, f, *every, grad=True)
        case(name + "_1", lambda x, f=f: f(x, axis=-2), *every, grad=True)
        case(name + "_02k", lambda x, f=f: f(x, axis=(2, 0), keepdims=True), x3, counts, half, holes, grad=True)
    for name in "sum prod mean var std any all nansum nanprod nanmean nanvar nanstd".split():
        f = getattr(jnp, name)
        case(name + "_where", lambda x, m, f=f: f(x, axis=1, where=m), (x3, mask), (counts, mask), (holes, mask), (x3, mask[0]), grad=True)
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
            case(f"{name}_{method}", f, (x3, q), (holes, q.astype("float32")), (x3, a(0.3, "float64")), grad=method == "linear" and name == "quantile")
    case("nanpercentile", lambda x: jnp.nanpercentile(x, 35.0, axis=(0, 1), keepdims=True), holes, x3)
    case("percentile", lambda x: jnp.percentile(x, 35.0), x3, counts, grad=True)
    case("quantile_weights", lambda x, w: jnp.quantile(x, jnp.array([0.2, 0.5, 0.9], x.dtype), axis=2, weights=w, method="inverted_cdf"),
         (x3, a([0.5, 1, 0, 2.5], "float64")), (holes, a([0.5, 1, 0, 2.5])))
    case("average", jnp.average, x3, counts, grad=True)
    case("average_weights", lambda x, w: jnp.average(x, axis=(2, 1), weights=w, returned=True),
         (x3, a(np.arange(12).reshape(4, 3) + 1, "float64")), (counts, a(np.arange(12).reshape(4, 3) + 1, "int32")), grad=True)
    case("average_weights_whole", lambda x, w: jnp.average(x, weights=w, axis=0, keepdims=True, returned=True), (x3, x3 + 2.5), grad=True)
    case("logsumexp", lambda x: jax.nn.logsumexp(x, axis=(0, 2)), x3, counts, holes, a([[[-INF, 1], [INF, 2]]]), cplx[None], grad=True)
    case("logsumexp_where", lambda x, m: jax.nn.logsumexp(x, axis=1, where=m, keepdims=True), (x3, mask), grad=True)
    for name in "cumsum cumprod nancumsum nancumprod".split():
        f = getattr(jnp, name)
        case(name, f, x3[0], counts[0], small[0], counts[0] > 0, cplx, holes[0], grad=True)
        case(name + "_1", lambda x, f=f: f(x, axis=-2), x3, counts, holes, grad=True)
    for name in "cumulative_sum cumulative_prod".split():
        f = getattr(jnp, name)
        case(name, lambda x, f=f: f(x, axis=1, include_initial=True), x3, counts, small, grad=True)
    case("cumsum_dtype", lambda x: jnp.cumsum(x, axis=0, dtype="float32"), counts, counts > 0)


def main():
    elementwise()
    reductions()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "np_table.json")
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in RECORDS) + "\n]\n")


if __name__ == "__main__":
    main()
