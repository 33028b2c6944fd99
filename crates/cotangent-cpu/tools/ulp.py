"""Errors of the elementary functions against true values. Needs numpy, mpmath and jax.

    COTANGENT_DUMP=/some/folder cargo test --release -p cotangent-cpu --lib the_table_is_what_is_measured
    python ulp.py /some/folder

writes src/math/tests/reference.txt (the arguments at which our f64 results are worst, with their true values) and prints the errors
of XLA for the table in src/math/tests/ulp.rs, which says what else to do.
"""
import math
import struct
import sys
from pathlib import Path

import jax
import mpmath as mm
import numpy as np
from mpmath import mpf

jax.config.update("jax_enable_x64", True)
mm.mp.dps = 40

scaled = lambda n: lambda x: mm.besseli(n, x) * mm.exp(-abs(x))
TRUE = {
    "Exp": mm.exp, "Exp2": lambda x: mpf(2) ** x, "Expm1": mm.expm1, "Log": mm.log, "Log1p": mm.log1p, "Sin": mm.sin,
    "Cos": mm.cos, "Tan": mm.tan, "Asin": mm.asin, "Acos": mm.acos, "Atan": mm.atan, "Atan2": mm.atan2, "Sinh": mm.sinh,
    "Cosh": mm.cosh, "Tanh": mm.tanh, "Asinh": mm.asinh, "Acosh": mm.acosh, "Atanh": mm.atanh,
    "Logistic": lambda x: 1 / (1 + mm.exp(-x)), "Cbrt": lambda x: mm.sign(x) * mm.cbrt(abs(x)), "Pow": mm.power, "Erf": mm.erf,
    "Erfc": mm.erfc, "ErfInv": mm.erfinv, "Lgamma": mm.loggamma, "Digamma": mm.digamma, "BesselI0e": scaled(0),
    "BesselI1e": scaled(1),
}
JAX = {"Exp2": "exp2", "ErfInv": "erf_inv", "BesselI0e": "bessel_i0e", "BesselI1e": "bessel_i1e"}
SLOW = {"ErfInv", "Lgamma", "Digamma", "BesselI0e", "BesselI1e"}
BINARY = {"Pow", "Atan2"}


def error(got, true):
    """In units in the last place, and nothing beyond the normal numbers."""
    if not 1e-300 < abs(true) < 1e300 or not math.isfinite(got):
        return None
    return float(abs(mpf(got) - true) / mpf(2) ** (int(mm.floor(mm.log(abs(true), 2))) - 52))


def main(folder):
    out = []
    for name, true in TRUE.items():
        run = getattr(jax.lax, JAX.get(name, name.lower()))
        take = lambda d: run(d[:, 0], d[:, 1]) if name in BINARY else run(d[:, 0])
        single = np.fromfile(folder / f"f32_{name}.bin").reshape(-1, 3)
        y = np.asarray(take(single.astype(np.float32))).astype(np.float64)
        want = single[:, 2]
        ok = (np.abs(want) > 1.2e-38) & (np.abs(want) < 3.4e38) & (np.abs(single[:, 0]) > 1.2e-38) & np.isfinite(y)
        unit = np.exp2(np.floor(np.log2(np.abs(want[ok]))) - 23)
        xla32 = (np.abs(y - want)[ok] / unit).max()

        double = np.fromfile(folder / f"f64_{name}.bin").reshape(-1, 4)
        xla = np.asarray(take(double))
        a, b, got, rounded = double.T
        # True values take long: of those far from the correctly rounded value (as far as that is known), and of the first ones.
        few, many = (1500, 600) if name in SLOW else (5000, 3000)
        first = np.arange(few)
        far = lambda y: np.nan_to_num(np.abs(y - rounded) / np.abs(rounded), posinf=0)
        farthest = lambda y, n: np.argsort(-far(y)[:n], kind="stable")[:many]
        chosen = np.unique(np.concatenate([first, farthest(got, None), farthest(xla, 200000)]))
        xla64 = 0
        worst = []
        for i in chosen:
            t = true(mpf(a[i]), mpf(b[i])) if name in BINARY else true(mpf(a[i]))
            e = error(got[i], t)
            if e is None:
                continue
            worst.append((e, i, a[i], b[i], t))
            xla64 = max(xla64, error(float(xla[i]), t) or 0)
        worst.sort(key=lambda w: (-w[0], w[1]))
        for _, _, u, v, t in worst[:20] + worst[100::200][:8]:
            value = float(t)
            bits = [struct.pack(">d", x).hex() for x in (u, v, value, float(t - mpf(value)))]
            out.append(" ".join([name, *bits]))
        up = lambda x: math.ceil(1000 * x) / 1000
        print(f"{name:10} XLA f32 {up(xla32)}  XLA f64 {up(xla64)}  ours f64 {worst[0][0]:.3f}", flush=True)
    path = Path(__file__).parent.parent / "src/math/tests/reference.txt"
    path.write_text("\n".join(out) + "\n")


main(Path(sys.argv[1]))
