"""Records what JAX computes for gather, scatter and dynamic slices under many dimension numbers: writes indexing.json.

All numbers are small multiples of 1/4, so that sums are exact and do not depend on their order.
"""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(20)
MODES = {"clip": lax.GatherScatterMode.CLIP, "fill": lax.GatherScatterMode.FILL_OR_DROP,
         "promise": lax.GatherScatterMode.PROMISE_IN_BOUNDS}
SCATTERS = {"scatter": lax.scatter, "scatter_add": lax.scatter_add, "scatter_sub": lax.scatter_sub,
            "scatter_mul": lax.scatter_mul, "scatter_min": lax.scatter_min, "scatter_max": lax.scatter_max}


def numbers(shape, low=-12, high=13):
    return rng.integers(low, high, shape) / 4


def flat(a):
    a = np.asarray(a)
    values = a.reshape(-1).tolist()
    if a.dtype.kind == "f":
        values = [str(v) if np.isnan(v) else int(v) if v == int(v) else v for v in values]
    return {"shape": list(a.shape), "dtype": a.dtype.name, "data": values}


def pattern():
    """Dimension numbers, extents of the array, shape of the indices, extents of a box."""
    rank = int(rng.integers(1, 5))
    extents = rng.choice([1, 2, 3, 4, 5], rank, p=[.15, .25, .25, .2, .15])
    kinds = rng.choice(["kept", "removed", "batching"], rank, p=[.45, .35, .2])
    removed = [d for d in range(rank) if kinds[d] == "removed"]
    batching = [d for d in range(rank) if kinds[d] == "batching"]
    kept = [d for d in range(rank) if kinds[d] == "kept"]
    mapped = [d for d in removed + kept if kinds[d] == "removed" and rng.random() < .9 or rng.random() < .6]
    mapped = [int(d) for d in rng.permutation(mapped)]
    sizes = [1 if d not in kept else int(rng.integers(0 if rng.random() < .1 else 1, extents[d] + 1)) for d in range(rank)]
    free = rng.integers(0 if rng.random() < .1 else 1, 4, rng.integers(0, 3)).tolist()
    order = rng.permutation(len(free) + len(batching))
    counts = [0] * len(order)
    for at, n in zip(order, free + [int(extents[d]) for d in batching]):
        counts[at] = n
    indices_batching = [int(at) for at in order[len(free):]]
    window = sorted(rng.choice(len(kept) + len(counts), len(kept), replace=False).tolist())
    dims = [window, removed, mapped, batching, indices_batching]
    return dims, extents.tolist(), counts + [len(mapped)], sizes


def index_vectors(shape, dims, extents, sizes, inside, unique):
    dtype = np.dtype(str(rng.choice(["int32", "int64", "int8", "uint8", "uint32"])))
    out = np.zeros(shape, dtype)
    for at in np.ndindex(*shape):
        d = dims[2][at[-1]]
        last = extents[d] - sizes[d]
        low, high = (0, last) if inside or rng.random() < .6 else (0 if dtype.kind == "u" else -2, extents[d] + 1)
        out[at] = rng.integers(low, high + 1)
    return out


def record(op, f, x, u, entry):
    """Values, and derivatives with respect to the array and (if they are differentiable) the updates."""
    args = (x,) if u is None else (x, u)
    g = f if entry.get("by_updates", True) else lambda x, u: f(x, lax.stop_gradient(u))
    t = tuple(numbers(a.shape) for a in args)
    y, dy = jax.jvp(g, args, t)
    ct = numbers(y.shape)
    back = jax.vjp(g, *args)[1](ct)
    entry = {"op": op, **entry, "x": flat(x), "y": flat(y), "tx": flat(t[0])["data"], "dy": flat(dy)["data"],
             "ct": flat(ct)["data"], "dx": flat(back[0])["data"]}
    if u is not None:
        entry.update(u=flat(u), tu=flat(t[1])["data"], du=flat(back[1])["data"])
    return entry


def gathers(n):
    for k in range(n):
        dims, extents, shape, sizes = pattern()
        mode = str(rng.choice(list(MODES)))
        i = index_vectors(shape, dims, extents, sizes, mode == "promise", False)
        numbers_ = lax.GatherDimensionNumbers(*map(tuple, dims))
        fill = 7 if mode == "fill" and rng.random() < .5 else None

        def f(x):
            return lax.gather(x, i, numbers_, tuple(sizes), mode=MODES[mode], fill_value=fill)
        entry = {"dims": dims, "sizes": sizes, "mode": mode, "i": flat(i)}
        yield record("gather", f, numbers(extents), None, entry | ({"fill": fill} if fill else {}))


def scatters(n):
    for k in range(n):
        op = list(SCATTERS)[k % len(SCATTERS)]
        dims, extents, shape, sizes = pattern()
        extreme = op in ("scatter_min", "scatter_max")
        # JAX's derivative of an extreme is for indices that are inside
        mode = str(rng.choice(list(MODES)))
        i = index_vectors(shape, dims, extents, sizes, mode == "promise" or extreme and mode == "clip", False)
        at, inside = iter(shape[:-1]), iter(d for d in range(len(extents)) if d not in dims[1] + dims[3])
        rank = len(shape) - 1 + len(dims[0])
        updates = [sizes[next(inside)] if d in dims[0] else next(at) for d in range(rank)]
        numbers_ = lax.ScatterDimensionNumbers(*map(tuple, dims))
        # which boxes overlap: everything that is touched more than once
        touched = lax.scatter_add(np.zeros(extents), i, np.ones(updates), numbers_, mode=MODES[mode])
        unique = bool((np.asarray(touched) <= 1).all()) and rng.random() < .8

        def f(x, u):
            return SCATTERS[op](x, i, u, numbers_, mode=MODES[mode], unique_indices=unique)
        low, high = (0, 4) if extreme else (-12, 13)
        entry = {"dims": dims, "mode": mode, "unique": unique, "i": flat(i)}
        if op == "scatter_mul" and not unique:
            entry["by_updates"] = False
        yield record(op, f, numbers(extents, low, high), numbers(updates, low, high), entry)


def pieces(n):
    for k in range(n):
        rank = int(rng.integers(1, 4))
        extents = rng.integers(1, 6, rank).tolist()
        sizes = [int(rng.integers(0 if rng.random() < .1 else 1, e + 1)) for e in extents]
        starts = rng.integers(-2, 6, rank).astype(str(rng.choice(["int32", "int64", "int8"])))
        x = numbers(extents)
        # the primitives clamp; the functions before them count negative starts from the end
        if k % 2:
            def f(x):
                return lax.dynamic_slice_p.bind(x, *starts, slice_sizes=tuple(sizes))
            yield record("dynamic_slice", f, x, None, {"sizes": sizes, "i": flat(starts)})
        else:
            def f(x, u):
                return lax.dynamic_update_slice_p.bind(x, u, *starts)
            yield record("dynamic_update_slice", f, x, numbers(sizes), {"i": flat(starts)})


def main():
    records = [*gathers(60), *scatters(120), *pieces(20)]
    for r in records:
        if any(isinstance(v, str) for v in r["dx"] + r.get("du", [])):
            raise ValueError(f"no finite derivative: {r}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "indexing.json")
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in records) + "\n]\n")


if __name__ == "__main__":
    main()
