"""What functions.py and losses.py share: a case is a name, arguments of float64, the value, and the gradient of the sum of the value's elements times weights from 1/2 to 3/2. Cases at points where the
function is not smooth are marked; there differences say nothing.
"""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
INF, NAN = float("inf"), float("nan")
CASES = []


def case(name, f, *args, by=None, checked=None, smooth=True):
    """`by`: the arguments with respect to which JAX has a gradient, without it all. `checked`: those that differences are taken of, if they are others."""
    args = [jnp.asarray(np.asarray(a, dtype=np.float64)) for a in args]
    y = f(*args)
    weights = jnp.linspace(0.5, 1.5, y.size).reshape(y.shape).astype(y.dtype)
    by = tuple(range(len(args))) if by is None else by
    grads = jax.grad(lambda *a: (f(*a) * weights).sum(), by)(*args) if by else ()
    CASES.append({"name": name, "args": [flat(a) for a in args], "y": flat(y), "by": list(by),
                  "dx": [flat(g) for g in grads],
                  "checked": list(by if checked is None else checked), "smooth": smooth and bool(jnp.isfinite(y).all())})


def flat(a):
    a = np.asarray(a)
    assert a.dtype == np.float64, a.dtype
    return {"shape": list(a.shape), "data": [v if np.isfinite(v) else str(v) for v in a.reshape(-1).tolist()]}


def write(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
