"""Checksums of JAX's results, for src/math/tests/jax.rs: `python jax_bits.py` prints the table. Made with jax 0.10.2 on x86-64."""
import jax.numpy as jnp
import numpy as np
from jax import lax

N = 1 << 20
I = np.arange(N, dtype=np.uint64)
# Two million arguments: a stride through all bit patterns, and magnitudes from 2^-10 to 2^7 of both signs.
ALL = (I * 4093 + 17).astype(np.uint32)
MIDDLE = (0x3A800000 + 136 * I + ((I & 1) << 31)).astype(np.uint32)
X = np.concatenate([ALL, MIDDLE]).view(np.float32)


def canonical(y):
    """One NaN; zero for what XLA may flush to zero, and for the arguments before the overflow where its exponential is inaccurate."""
    bits = y.view(np.uint32).copy()
    bits[np.isnan(y)] = 0x7FC00000
    bits[np.abs(y) < np.finfo(np.float32).tiny] = 0
    bits[(np.abs(X) < np.finfo(np.float32).tiny) & (X != 0)] = 0
    bits[(X > 88.37) & (X < 88.73)] = 0
    return bits


for name in ["Exp", "Expm1", "Log", "Log1p", "Tanh", "Logistic", "Erf", "ErfInv"]:
    f = getattr(lax, {"ErfInv": "erf_inv"}.get(name, name.lower()))
    bits = canonical(np.asarray(f(jnp.asarray(X))))
    with np.errstate(over="ignore"):
        total = (bits.astype(np.uint64) * (2 * np.arange(2 * N, dtype=np.uint64) + 1)).sum(dtype=np.uint64)
    print(f"    (M::{name}, {int(total):#018x}),")
