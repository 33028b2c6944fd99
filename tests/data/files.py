"""Writes the files in arrays/ with NumPy, JAX and the Python package safetensors' format as it is described: what is read in tests/files.rs."""
import pathlib
import struct
import json
import ml_dtypes
import numpy as np
import jax.numpy as jnp

here = pathlib.Path(__file__).parent / "arrays"
here.mkdir(exist_ok=True)
grid = np.arange(6).reshape(2, 3)
np.save(here / "f4.npy", grid.astype("<f4"))
np.save(here / "fortran.npy", np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)))
np.save(here / "big.npy", grid.astype(">i4"))
np.save(here / "big_complex.npy", (grid + 1j).astype(">c8"))
jnp.save(here / "bfloat16.npy", jnp.asarray([1.5, -2.0], jnp.bfloat16))
np.save(here / "scalar.npy", np.float64(2.5))
np.save(here / "empty.npy", np.zeros((0, 3), np.int8))
np.save(here / "bool.npy", np.array([True, False, True]))
np.save(here / "text.npy", np.array(["a", "bc"]))
for version in [(2, 0), (3, 0)]:
    with open(here / f"version{version[0]}.npy", "wb") as f:
        np.lib.format.write_array(f, np.uint16([1, 2, 65535]), version=version)
np.savez(here / "stored.npz", a=grid.astype("f8"), b=np.asfortranarray(grid.astype("i2")))
np.savez_compressed(here / "deflated.npz", zeros=np.zeros((40, 50), "f4"), z=np.complex128([1 + 2j]))
