"""Records what JAX's initializers draw: writes initializers.json."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import initializers as init

jax.config.update("jax_enable_x64", True)
MADE = {
    "zeros": init.zeros, "ones": init.ones, "constant": init.constant(0.7), "uniform": init.uniform(0.3), "normal": init.normal(0.3),
    "truncated_normal": init.truncated_normal(0.5, lower=-1.0, upper=1.5), "glorot_uniform": init.glorot_uniform(), "glorot_normal": init.glorot_normal(),
    "lecun_uniform": init.lecun_uniform(), "lecun_normal": init.lecun_normal(), "he_uniform": init.he_uniform(), "he_normal": init.he_normal(),
    "geometric": init.variance_scaling(3.0, "fan_geo_avg", "normal"), "out": init.variance_scaling(3.0, "fan_out", "uniform"),
    "axes": init.variance_scaling(1.0, "fan_in", "uniform", in_axis=(0, 1), out_axis=2, batch_axis=()),
    "orthogonal": init.orthogonal(1.5), "orthogonal_0": init.orthogonal(1.0, column_axis=0),
}
cases = []


def case(name, f, shape, dtype):
    y = np.asarray(f(jax.random.key(5), shape, dtype))
    parts = y if y.dtype.kind == "f" else np.stack([y.real, y.imag])
    cases.append({"name": name, "shape": list(shape), "dtype": y.dtype.name, "y": parts.astype(np.float64).reshape(-1).tolist()})


for name, f in MADE.items():
    for dtype in (jnp.float32, jnp.float64):
        case(name, f, (2, 3, 4), dtype)
for name in ("normal", "glorot_uniform", "glorot_normal"):
    case(name, MADE[name], (3, 4), jnp.complex64)
case("orthogonal", MADE["orthogonal"], (3, 5), jnp.float64)
case("orthogonal", MADE["orthogonal"], (5, 3), jnp.float64)
case("delta_orthogonal", init.delta_orthogonal(), (3, 2, 4), jnp.float64)
case("delta_orthogonal", init.delta_orthogonal(), (2, 3, 2, 2), jnp.float64)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "initializers.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
