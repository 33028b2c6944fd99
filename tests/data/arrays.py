"""Records what JAX computes for functions on shapes, indices, products and polynomials: writes arrays.json.

A case is a name, which tests/arrays.rs has the same function for, and arguments. Numbers are small multiples of 1/4, all different, so that extremes are unique and most results exact.
"""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np

rng = np.random.default_rng(7)


def f(*shape):
    n = int(np.prod(shape))
    return ((rng.permutation(n) - n // 2 + 0.5) / 4).astype(np.float32).reshape(shape)


def i(*shape, low=0, high=3):
    return rng.integers(low, high, shape).astype(np.int32)


def c(*shape):
    return (f(*shape) + 1j * f(*shape)).astype(np.complex64)


def b(*shape):
    return rng.random(shape) < 0.5


CASES = []


def case(name, fun, *args):
    CASES.append((name, fun, args))


s = slice
x234, x34, x5 = f(2, 3, 4), f(3, 4), f(5)
# indexing
case("i int", lambda x: x[1], x234)
case("i negative", lambda x: x[..., -1, 2], x234)
case("i slices", lambda x: x[:, 1:, -3:-1], x234)
case("i steps", lambda x: x[::-1, 2::-2, ::3], x234)
case("i newaxis", lambda x: x[None, ..., None, 1, :, None], x234)
case("i empty", lambda x: x[:, 2:1], x234)
case("i array", lambda x, j: x[j], x234, i(3, high=2))
case("i array second", lambda x, j: x[:, j], x234, i(2, 2))
case("i pair", lambda x, j, k: x[j, k], x234, i(3, high=2), i(3))
case("i pair broadcast", lambda x, j, k: x[j, :, k], x234, i(3, 1, high=2), i(2, high=4))
case("i apart", lambda x, j: x[0, :, j], x234, i(3, high=4))
case("i apart newaxis", lambda x, j: x[0, None, j], x234, i(3))
case("i beside", lambda x, j: x[:, 1, j], x234, i(3, high=4))
case("i behind newaxis", lambda x, j: x[:, None, j, 1], x234, i(3, high=3))
case("i ellipsis array", lambda x, j: x[..., j], x234, i(2, 1, high=4))
case("i array steps", lambda x, j: x[j, ::-2, 1:3], x234, i(3, high=2))
case("i array reversed", lambda x, j: x[::-1, j, ::-1], x234, i(2))
case("i negative array", lambda x, j: x[j], x234, i(4, low=-2, high=2))
case("i scalar array", lambda x, j: x[j], x234, i(high=2))
case("i scalar array inside", lambda x, j: x[:, j, 1:], x234, i(low=-3, high=3))
case("i scalar array steps", lambda x, j: x[::2, j, ::2], x234, i(high=3))
case("i outside", lambda x, j: x.at[j].get(mode="fill"), x34, np.array([0, 3, -4, 2], np.int32))
case("i outside value", lambda x, j: x.at[:, j].get(mode="fill", fill_value=-7), x34, np.array([0, 4, -5], np.int32))
case("i clip", lambda x, j: x.at[j, 1].get(mode="clip"), x34, np.array([0, 5, -4], np.int32))
case("i wrap", lambda x, j: x.at[jnp.mod(j, 3)].get(), x34, np.array([0, 5, -4], np.int32))
mask34, mask3 = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [1, 0, 1, 0]], bool), np.array([True, False, True])
case("i mask", lambda x: x[mask34], x34)
case("i mask first", lambda x: x[mask3], x34)
case("i mask second", lambda x: x[:, mask3], x234)
case("i mask and array", lambda x: x[:, mask3, np.array([0, 3])], x234)
case("i mask of two", lambda x: x[..., mask34], x234)
case("i true", lambda x: x[True], x34)
case("i false", lambda x: x[False], x34)
case("i true newaxis", lambda x: x[:, True, None], x34)
# updates
case("at set box", lambda x, v: x.at[1, 1:3].set(v), x34, f(2))
case("at add box", lambda x, v: x.at[:, 1:3].add(v), x34, f(3, 1))
case("at mul box", lambda x, v: x.at[-1].mul(v), x34, f(4))
case("at min box", lambda x, v: x.at[0].min(v), x34, f(4))
case("at max box", lambda x, v: x.at[0].max(v), x34, f(4))
case("at reversed", lambda x, v: x.at[::-1, 0].set(v), x34, f(3))
case("at steps", lambda x, v: x.at[::2, ::-3].set(v), x34, f(2, 2))
case("at steps add", lambda x, v: x.at[::2, None, 1::2].add(v), x34, f(2, 1, 2))
case("at array", lambda x, v, j: x.at[j].set(v), x34, f(4), np.array([2, 0], np.int32))
case("at array add", lambda x, v, j: x.at[j, 1:].add(v), x34, f(3, 3), np.array([2, 0, 2], np.int32))
case("at array sub", lambda x, v, j: x.at[:, j].subtract(v), x34, f(3, 3), np.array([-1, 0, 0], np.int32))
case("at array mul", lambda x, v, j: x.at[j].multiply(v, unique_indices=True), x5, f(2), np.array([2, 0], np.int32))
case("at array div", lambda x, v, j: x.at[j].divide(v, unique_indices=True), x5, f(2), np.array([2, 0], np.int32))
case("at pow", lambda x: x.at[1:3].power(2), x5)
case("at array min", lambda x, v, j: x.at[j].min(v), x5, f(3) + 0.125, np.array([2, 0, 2], np.int32))
case("at array max", lambda x, v, j: x.at[j].max(v), x5, f(3) + 0.125, np.array([2, 0, 2], np.int32))
case("at scalar", lambda x, v, j: x.at[j, 2].set(v), x34, f(), i())
case("at apart", lambda x, v, j: x.at[0, :, j].set(v), x234, f(2, 3), np.array([3, 1], np.int32))
case("at dropped", lambda x, v, j: x.at[j].add(v), x34, f(3, 1), np.array([2, 3, -4], np.int32))
case("at clip", lambda x, v, j: x.at[j].add(v, mode="clip"), x34, f(3, 1), np.array([2, 3, -4], np.int32))
case("at mask", lambda x, v: x.at[mask34].set(v), x34, f())
case("at apply", lambda x, j: x.at[j].apply(jnp.sin), x5, np.array([2, 0], np.int32))
case("at apply box", lambda x: x.at[1:4].apply(jnp.exp), x5)
case("at integers", lambda x, j: x.at[j].add(1), i(4, high=9), np.array([1, 1, 3], np.int32))
case("at converted", lambda x, v: x.at[0].add(v), i(2, 3, high=9), f(3))
# creation
case("arange", lambda: [jnp.arange(4), jnp.arange(1.0, 2.0, 0.25), jnp.arange(5, 0, -2), jnp.arange(2, 5), jnp.arange(3.5),
                        jnp.arange(0, 1, 0.25, dtype=jnp.float16), jnp.arange(3, 3)])
case("linspace", lambda x, y: [jnp.linspace(x, y, 5), jnp.linspace(x, y, 4, endpoint=False), jnp.linspace(x, y, 3, axis=-1), jnp.linspace(x, y, 1)],
     f(3), f(2, 1))
case("linspace integers", lambda: [jnp.linspace(0, 10, 4, dtype=jnp.int32), jnp.linspace(0, 1, 0), jnp.linspace(-1, -2, 7, dtype=jnp.int32)])
case("linspace step", lambda x, y: list(jnp.linspace(x, y, 5, retstep=True)), f(2), f(2))
case("logspace", lambda x, y: [jnp.logspace(x, y, 4), jnp.logspace(x, y, 3, base=2.0, endpoint=False)], f(2), f(2))
case("geomspace", lambda x, y: [jnp.geomspace(x, y, 4), jnp.geomspace(x, y, 3, axis=1)], abs(f(2)) + 1, abs(f(2)) + 2)
case("full", lambda x: [jnp.full((2, 3), x), jnp.full_like(x, 7), jnp.zeros_like(x), jnp.ones_like(x), jnp.full((2,), 3)], i(3))
case("eye", lambda: [jnp.eye(2, 3, 1), jnp.eye(3, k=-1), jnp.identity(2), jnp.tri(3, 4, 1), jnp.tri(2, 2, -1), jnp.eye(2, 2, k=5)])
case("tril", lambda x: [jnp.tril(x), jnp.tril(x, 1), jnp.triu(x), jnp.triu(x, -1)], x234)
case("diag", lambda x: [jnp.diag(x), jnp.diag(x, 2), jnp.diag(x, -1), jnp.diagflat(x.reshape(1, 5), 1)], x5)
case("diagonal", lambda x: [jnp.diagonal(x), jnp.diagonal(x, 1, 1, 2), jnp.diagonal(x, -1, -1, 0), jnp.diag(x[0], -2), jnp.diagonal(x, 9), jnp.trace(x, 1, 2, 1)], x234)
case("fill_diagonal", lambda x, v: [jnp.fill_diagonal(x, v, inplace=False), jnp.fill_diagonal(x, 9.0, inplace=False)], x34, f(2))
case("tril_indices", lambda: [*jnp.tril_indices(3, -1), *jnp.triu_indices(3, 1, 4)])
case("mask_indices", lambda: list(jnp.mask_indices(3, jnp.triu, 1)))
case("vander", lambda x: [jnp.vander(x), jnp.vander(x, 3), jnp.vander(x, 2, increasing=True)], f(4))
case("indices", lambda: [jnp.indices((2, 3)), *jnp.indices((2, 3), sparse=True)])
case("meshgrid", lambda x, y, z: [*jnp.meshgrid(x, y, z), *jnp.meshgrid(x, y, indexing="ij"), *jnp.meshgrid(x, y, sparse=True)], f(2), f(3), f(4))
case("ix_", lambda x: x[jnp.ix_(np.array([1, 0]), np.array([0, 2]), np.array([3]))], x234)
case("windows", lambda: [w(n) for w in (jnp.bartlett, jnp.blackman, jnp.hamming, jnp.hanning) for n in (0, 1, 6)])
case("kaiser", lambda b: jnp.kaiser(5, b), np.float32(3.5))
# arrangement
case("expand_dims", lambda x: [jnp.expand_dims(x, (0, -1)), jnp.squeeze(x[None, :, None]), jnp.squeeze(x[None, :, None], -2)], x34)
case("moveaxis", lambda x: [jnp.moveaxis(x, 0, -1), jnp.moveaxis(x, (0, 2), (1, 0)), jnp.swapaxes(x, 0, -1), jnp.rollaxis(x, 2), jnp.rollaxis(x, 0, 3),
                            jnp.rollaxis(x, 0, 2), jnp.matrix_transpose(x), jnp.permute_dims(x, (2, 0, 1)), jnp.transpose(x)], x234)
case("flip", lambda x: [jnp.flip(x), jnp.flip(x, (0, -1)), jnp.fliplr(x), jnp.flipud(x)], x234)
case("rot90", lambda x: [jnp.rot90(x, k, (0, 2)) for k in range(-1, 4)], x234)
case("roll", lambda x: [jnp.roll(x, 5), jnp.roll(x, -1, 1), jnp.roll(x, (1, 2), (0, 2)), jnp.roll(x, 1, (1, 2))], x234)
case("roll by", lambda x, k: jnp.roll(x, k, 1), x234, i(low=-5, high=5))
case("tile", lambda x: [jnp.tile(x, 2), jnp.tile(x, (2, 1, 3)), jnp.tile(x, (2, 1))], x34)
case("repeat", lambda x: [jnp.repeat(x, 2), jnp.repeat(x, 3, 1), jnp.repeat(x, np.array([1, 0, 2]), 0)], x34)
case("repeat each", lambda x, k: [jnp.repeat(x, k, 0, total_repeat_length=5), jnp.repeat(x, k, 0, total_repeat_length=3), jnp.repeat(x, k, 0, total_repeat_length=8)],
     x34, np.array([2, 0, 3], np.int32))
case("resize", lambda x: [jnp.resize(x, (2, 3)), jnp.resize(x, (4, 5))], x34)
case("atleast", lambda x, y: [g(a) for g in (jnp.atleast_1d, jnp.atleast_2d, jnp.atleast_3d) for a in (x[0], x, y)], x5, x34)
case("broadcast_arrays", lambda x, y: list(jnp.broadcast_arrays(x, y)), f(3, 1), f(2))
case("packbits", lambda x: [jnp.packbits(x), jnp.packbits(x, 1), jnp.packbits(x, 0, bitorder="little")], b(3, 10))
case("unpackbits", lambda x: [jnp.unpackbits(x), jnp.unpackbits(x, 0, bitorder="little"), jnp.unpackbits(x, 1, count=10), jnp.unpackbits(x, 1, count=-3)],
     i(2, 3, high=256).astype(np.uint8))
case("trim_zeros", lambda x: [jnp.trim_zeros(x), jnp.trim_zeros(x, "f"), jnp.trim_zeros(x, "b")], np.array([0, 0, 1, 0, 2, 0], np.float32))
# joining
case("concatenate", lambda x, y: [jnp.concatenate([x, y], 1), jnp.concatenate([x, x, x], -2), jnp.append(x, y), jnp.append(x, y, 1)], x34, f(3, 2))
case("concatenate types", lambda x, y: [jnp.concatenate([x, y]), jnp.stack([x, x.astype(jnp.int32)])], x5, i(3))
case("stack", lambda x: [jnp.stack([x, x], -1), jnp.hstack([x, x]), jnp.vstack([x, x]), jnp.dstack([x, x]), jnp.column_stack([x, x])], x34)
case("stack vectors", lambda x: [jnp.hstack([x, x]), jnp.vstack([x, x]), jnp.dstack([x, x]), jnp.column_stack([x, x]), jnp.hstack([x[0], x[1]])], x5)
case("block", lambda x, y: [jnp.block([[x, x], [x, x]]), jnp.block([y, y]), jnp.block([[y], [y]]), jnp.block([[x, y[:3, None]]])], x34, x5)
case("unstack", lambda x: list(jnp.unstack(x, axis=1)), x34)
case("split", lambda x: [*jnp.split(x, 2, 1), *jnp.split(x, [1, 3], 1), *jnp.array_split(x, 3, 1), *jnp.vsplit(x, 3), *jnp.hsplit(x, 2)], x34)
case("dsplit", lambda x: jnp.dsplit(x, [1]), x234)
case("insert", lambda x, v: [jnp.insert(x, 1, v, 0), jnp.insert(x, np.array([0, 3, 3]), v[:3, None], 0), jnp.insert(x, 2, 9.0), jnp.insert(x, -1, v[:3], 1),
                             jnp.insert(x, np.array([2, 0]), 7.0, 1)], x34, f(4))
case("delete", lambda x: [jnp.delete(x, 1, 0), jnp.delete(x, np.array([0, -1]), 1), jnp.delete(x, s(1, None, 2), 1), jnp.delete(x, 5), jnp.delete(x, mask3, 0)], x34)
# padding
PADS = {"constant": {}, "constant values": {"constant_values": ((1, 2), (3, 4))}, "edge": {}, "linear_ramp": {"end_values": ((1, 2), (3, 4))},
        "maximum": {}, "mean": {}, "median": {}, "minimum": {"stat_length": ((2, 1), (3, 2))}, "reflect": {}, "reflect odd": {"reflect_type": "odd"},
        "symmetric": {}, "symmetric odd": {"reflect_type": "odd"}, "wrap": {}, "empty": {}}
for mode, options in PADS.items():
    case("pad " + mode, lambda x, m=mode.split(" ")[0], o=options: [jnp.pad(x, ((2, 1), (0, 3)), m, **o), jnp.pad(x, ((7, 9), (1, 0)), m, **o)], x34)
case("pad one", lambda x: [jnp.pad(x, 3, m) for m in ("reflect", "symmetric", "wrap", "edge")], f(1))
case("pad integers", lambda x: [jnp.pad(x, 1, m) for m in ("mean", "median", "linear_ramp")], i(4, high=9))
# taking
case("take", lambda x, j: [jnp.take(x, j, 1), jnp.take(x, j), jnp.take(x, j, -1)], x234, i(2, 2))
case("take modes", lambda x, j: [jnp.take(x, j, 0, mode=m) for m in ("fill", "clip", "wrap")], x34, np.array([4, -5, 1], np.int32))
case("take_along_axis", lambda x, j, k: [jnp.take_along_axis(x, j, 1), jnp.take_along_axis(x, k, 0), jnp.take_along_axis(x, j.ravel(), None)], x34, i(3, 2, high=4), i(1, 4))
case("take_along_axis broadcast", lambda x, j: [jnp.take_along_axis(x[:, :1], j, 2), jnp.take_along_axis(x, j, 1), jnp.take_along_axis(x, j[:1], -1)], x234, i(2, 3, 1, low=-3))
case("put_along_axis", lambda x, v, j: jnp.put_along_axis(x, j, v, 1, inplace=False), x34, f(3, 1), np.array([[2, 0], [1, 3], [0, 1]], np.int32))
case("put", lambda x, v, j: [jnp.put(x, j, v, inplace=False), jnp.put(x, j + 12, v, mode="wrap", inplace=False), jnp.put(x, j * 3, v, mode="clip", inplace=False)],
     x34, f(2), np.array([3, 8, 5], np.int32))
case("place", lambda x, v: jnp.place(x, mask34, v, inplace=False), x34, f(3))
case("compress", lambda x: [jnp.compress(np.array([False, True]), x, 1), jnp.compress(mask3, x, 0), jnp.compress(mask3, x)], x34)
case("compress sized", lambda x, m: [jnp.compress(m, x, 0, size=1), jnp.compress(m, x, 0, size=3, fill_value=7)], x34, mask3)
case("choose", lambda w, x, y: [jnp.choose(w, [x, y], mode="wrap"), jnp.choose(w, [x, y], mode="clip")], i(3, low=-2, high=5), f(3), f(2, 1))
case("unravel_index", lambda j: list(jnp.unravel_index(j, (2, 3, 4))), np.array([0, 23, -1, 7, 99, -99], np.int32))
case("ravel_multi_index", lambda j, k: [jnp.ravel_multi_index((j, k), (3, 4), mode=m) for m in ("wrap", "clip")], i(4, low=-3, high=6), i(4, low=-3, high=6))
case("apply_along_axis", lambda x: [jnp.apply_along_axis(lambda v: jnp.outer(v, v), 1, x), jnp.apply_along_axis(jnp.sum, -1, x), jnp.apply_along_axis(lambda v: v[::2], 0, x)], x234)
case("apply_over_axes", lambda x: jnp.apply_over_axes(jnp.sum, x, [0, -1]), x234)
case("vectorize", lambda x, y: jnp.vectorize(lambda m, v: m @ v, signature="(n,m),(m)->(n)")(x, y), f(2, 1, 2, 3), f(4, 3))
# products
EINSUMS = [("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 2)), ("ba,cb", (2, 3), (3, 2)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iij->ji", (2, 2, 3)),
           ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)), ("i,j,k->kij", (2,), (3,), (2,)), ("ij,ij->", (2, 3), (2, 3)), ("ijk->j", (2, 3, 4)),
           ("ij,jk,kl,lm->im", (2, 3), (3, 4), (4, 2), (2, 3)), ("...,...", (3,), (2, 3)), ("i...->...", (2, 3)), ("ij->ji", (2, 3)), ("ij", (2, 3)),
           ("ab,b", (2, 3), (1,)), ("bij,bj->bi", (2, 3, 4), (2, 4)), (",i->i", (), (3,)), ("iji,j->i", (2, 3, 2), (3,)),
           ("ij,ik,il,im->jklm", (2, 2), (2, 2), (2, 2), (2, 2)), ("a,a,a,a,a,a,a,a,a->a", *[(2,)] * 9), ("i,i,i,i,i,i,i,i,i,ij->j", *[(2,)] * 9, (2, 3))]
for k, (spec, *shapes) in enumerate(EINSUMS):
    case(f"einsum {spec}", lambda *x, e=spec: jnp.einsum(e, *x), *[f(*shape) for shape in shapes])
case("einsum complex", lambda x, y: jnp.einsum("ij,jk->ik", x, y), c(2, 3), c(3, 2))
case("einsum integers", lambda x, y: jnp.einsum("ij,jk->k", x, y), i(2, 3), i(3, 2))
case("vecdot", lambda x, y: [jnp.vecdot(x, y), jnp.vecdot(x, y[0], axis=0)], x34, f(2, 3, 4))
case("vecdot complex", lambda x, y: [jnp.vecdot(x, y), jnp.vecmat(x[0], y.T)], c(3, 4), c(3, 4))
case("matvec", lambda x, y: [jnp.matvec(x, y), jnp.vecmat(y[:3], x)], f(2, 3, 4), f(4))
case("kron", lambda x, y: [jnp.kron(x, y), jnp.kron(y, x)], x34, f(2))
case("cross", lambda x, y: [jnp.cross(x, y), jnp.cross(x.T, y.T, axis=0), jnp.cross(x, y[0]), jnp.cross(x[:, :2], y)], f(4, 3), f(4, 3))
case("cross plane", lambda x, y: jnp.cross(x, y), f(4, 2), f(4, 2))
# polynomials
case("polyval", lambda p, x: [jnp.polyval(p, x), jnp.polyval(p[:, None], x)], f(4), x34)
case("polyval long", lambda p, x: jnp.polyval(p, x), f(40) / 8, np.array([0.5, -0.75], np.float32))
case("polyadd", lambda x, y: [jnp.polyadd(x, y), jnp.polyadd(y, x), jnp.polysub(x, y), jnp.polysub(y, x)], f(4), f(2))
case("polymul", lambda x, y: [jnp.polymul(x, y), jnp.polymul(y, x)], f(4), f(2))
case("polydiv", lambda x, y: [*jnp.polydiv(x, y), *jnp.polydiv(y, x)], f(5), np.array([2, 0.5, -1], np.float32))
case("polyder", lambda p: [jnp.polyder(p), jnp.polyder(p, 3), jnp.polyder(p, 0)], x5)
case("polyint", lambda p, k: [jnp.polyint(p), jnp.polyint(p, 3, k), jnp.polyint(p, 2, 5)], x5, f(3))
case("poly", lambda z: jnp.poly(z), f(4))
case("roots", lambda p: jnp.sort(jnp.roots(p)), np.array([0, 1, -2.5, -1, 1.5, 0], np.float32))
case("roots padded", lambda p: jnp.sort(jnp.roots(p, strip_zeros=False)), np.array([0, 1, -2.5, -1, 1.5], np.float32))
case("polyfit", lambda x, y, w: [jnp.polyfit(x, y, 2), jnp.polyfit(x, jnp.stack([y, y * y], 1), 1), jnp.polyfit(x, y, 1, w=w)], f(6) + 0.5, f(6), abs(f(6)))
case("polyfit covariance", lambda x, y: [*jnp.polyfit(x, y, 2, cov=True), *jnp.polyfit(x, y, 1, cov="unscaled"), *jnp.polyfit(x, jnp.stack([y, y * y], 1), 1, cov=True)], f(6) + 0.5, f(6))


def flat(a):
    a = np.asarray(a)
    values = a.reshape(-1)
    if a.dtype.kind == "c":
        values = np.stack([values.real, values.imag], -1).reshape(-1)
    number = (lambda v: str(v) if not np.isfinite(v) else int(v) if v == int(v) else float(v))
    return {"shape": list(a.shape), "dtype": a.dtype.name, "data": [number(v) for v in values.tolist()]}


def main():
    records = []
    for name, fun, args in CASES:
        out = fun(*map(jnp.asarray, args))
        out = out if isinstance(out, (list, tuple)) else [out]
        records.append({"name": name, "args": [flat(a) for a in args], "out": [flat(y) for y in out]})
    assert len({r["name"] for r in records}) == len(records)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrays.json")
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in records) + "\n]\n")


if __name__ == "__main__":
    main()
