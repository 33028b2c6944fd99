"""Writes jax_names.json: the functions that JAX 0.10.2 has, module by module. tests/from_jax.rs makes the table of docs/from-jax.md of it."""

import importlib
import json
import pathlib
import types
import warnings

warnings.simplefilter("ignore")
MODULES = [
    "jax", "jax.numpy", "jax.numpy.linalg", "jax.numpy.fft", "jax.lax", "jax.nn", "jax.nn.initializers", "jax.random",
    "jax.scipy.special", "jax.tree", "jax.debug",
]
names = {}
for module in MODULES:
    m = importlib.import_module(module)

    def kept(name):
        try:
            x = getattr(m, name)
        except AttributeError:
            return False
        return callable(x) and not isinstance(x, (type, types.ModuleType)) and not name.startswith("_") and not name.endswith("_p")

    names[module] = sorted(n for n in dir(m) if kept(n))
out = pathlib.Path(__file__).parent / "jax_names.json"
out.write_text(json.dumps(names, indent=0) + "\n")
