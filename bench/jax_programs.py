#!/usr/bin/env python3
"""The workloads of jax_baseline.py, and programs that it does not have.

The baseline says what this library promised to be measured by. A library that is fast there and nowhere else would be of little
use, so here are programs of other shapes and kinds, as users write them. Everything else (options, sampling, output) is the baseline's.
"""

from __future__ import annotations

import sys

import jax_baseline as baseline
from jax_baseline import array, workload


def integers(shape, seed, below):
    import jax.numpy as jnp
    import numpy as np
    return jnp.asarray(np.random.default_rng(seed).integers(0, below, shape).astype("int32"))


def run(b, name, f, *args):
    """Measures f of these arguments, compiled."""
    import jax
    f = jax.jit(f)
    b.time("program." + name, lambda: f(*args))


@workload("program.rows")
def rows(b):
    """Folds and normalizations of rows of many widths."""
    import jax
    import jax.numpy as jnp
    nn = jax.nn
    x = array((1024, 1024), 0)
    wide = array((1024, 2048), 1)
    gain = array((1024,), 2)
    labels = integers((1024,), 3, 1024)
    softmax = lambda x: nn.softmax(x, -1)

    def standardize(x):
        centred = x - x.mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred ** 2).mean(-1, keepdims=True) + 1e-5)

    def rms(x, g):
        return x / jnp.sqrt((x ** 2).mean(-1, keepdims=True) + 1e-6) * g

    run(b, "rows.softmax.2048", softmax, wide)
    run(b, "rows.softmax.4096", softmax, wide.reshape(512, 4096))
    run(b, "rows.softmax.32768", softmax, x.reshape(32, 32768))
    run(b, "rows.softmax.all", softmax, x.reshape(1, -1))
    run(b, "rows.softmax.32", softmax, x.reshape(-1, 32))
    run(b, "rows.softmax.8", softmax, x.reshape(-1, 8))
    run(b, "rows.log_softmax.3000", lambda x: nn.log_softmax(x, -1), wide[:700].reshape(-1)[:1_431_000].reshape(477, 3000))
    run(b, "rows.standardize.2048", standardize, wide)
    run(b, "rows.standardize.32768", standardize, x.reshape(32, 32768))
    run(b, "rows.standardize.grad", jax.grad(lambda x: (standardize(x) ** 3).sum()), x)
    run(b, "rows.rms.grad", jax.grad(lambda x, g: (rms(x, g) ** 2).sum()), x, gain)
    run(b, "rows.batch_norm", lambda x: (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5), x)
    run(b, "rows.causal_softmax", lambda x: softmax(jnp.where(jnp.tril(jnp.ones((1024, 1024))) > 0, x, -1e9)), x)
    run(b, "rows.cross_entropy.grad",
        jax.grad(lambda x, l: -jnp.take_along_axis(nn.log_softmax(x, -1), l[:, None], -1).mean()), x, labels)
    run(b, "rows.cross_entropy_one_hot.grad",
        jax.grad(lambda x, l: -(nn.one_hot(l, 1024) * nn.log_softmax(x, -1)).sum(-1).mean()), x, labels)
    run(b, "rows.max.1024", lambda x: x.max(-1), x)
    run(b, "rows.max.64", lambda x: x.max(-1), x.reshape(-1, 64))
    run(b, "rows.max.8", lambda x: x.max(-1), x.reshape(-1, 8))
    run(b, "rows.argmax", lambda x: x.argmax(-1), x)
    run(b, "rows.argmax.first", lambda x: x.argmax(0), x)
    run(b, "rows.sum.16", lambda x: x.sum(-1), x.reshape(-1, 16))
    run(b, "rows.sum.4", lambda x: x.sum(-1), x.reshape(-1, 4))
    run(b, "rows.variance", lambda x: x.var(-1), x)
    run(b, "rows.norm", lambda x: jnp.sqrt((x * x).sum(-1)), x.reshape(-1, 16))
    run(b, "rows.any", lambda x: (x > 3.0).any(-1), x)
    run(b, "rows.count", lambda x: (x > 0.0).sum(), x)


@workload("program.grids")
def grids(b):
    """Neighbours in arrays: stencils, frames, shifts, mirrors."""
    import jax
    import jax.numpy as jnp
    x = array((1024, 1024), 0)
    small = array((256, 256), 1)
    cells = (x > 0.5).astype("int32")
    line = array((1_000_000,), 2)

    def laplace(x):
        inner = x[1:-1, :-2] + x[1:-1, 2:] + x[:-2, 1:-1] + x[2:, 1:-1] - 4 * x[1:-1, 1:-1]
        return x.at[1:-1, 1:-1].add(0.1 * inner)

    def turned(x):
        return jnp.roll(x, 1, 0) + jnp.roll(x, -1, 0) + jnp.roll(x, 1, 1) + jnp.roll(x, -1, 1) - 4 * x

    def life(x):
        row = jnp.roll(x, 1, 1) + x + jnp.roll(x, -1, 1)
        n = jnp.roll(row, 1, 0) + row + jnp.roll(row, -1, 0) - x
        return ((n == 3) | ((n == 2) & (x == 1))).astype("int32")

    run(b, "grids.pad", lambda x: jnp.pad(x, 1), x)
    run(b, "grids.pad_edge", lambda x: jnp.pad(x, 1, mode="edge"), x)
    run(b, "grids.roll", lambda x: jnp.roll(x, 1, 1), x)
    run(b, "grids.flip", lambda x: jnp.flip(x, 1), x)
    run(b, "grids.flip.first", lambda x: jnp.flip(x, 0), x)
    run(b, "grids.differences.rows", lambda x: ((x[1:] - x[:-1]) ** 2).sum(), x)
    run(b, "grids.differences.rows.grad", jax.grad(lambda x: ((x[1:] - x[:-1]) ** 2).sum()), x)
    run(b, "grids.differences.columns.grad", jax.grad(lambda x: ((x[:, 1:] - x[:, :-1]) ** 2).sum()), x)
    run(b, "grids.total_variation.grad", jax.grad(
        lambda x: jnp.sqrt((x[1:, :-1] - x[:-1, :-1]) ** 2 + (x[:-1, 1:] - x[:-1, :-1]) ** 2 + 1e-3).sum()), x)
    run(b, "grids.laplace", laplace, x)
    run(b, "grids.laplace.grad", jax.grad(lambda x: (laplace(x) ** 2).sum()), x)
    run(b, "grids.turned", turned, x)
    run(b, "grids.life", life, cells)
    run(b, "grids.heat100", lambda x: jax.lax.fori_loop(0, 100, lambda _, x: x + 0.1 * turned(x), x), small)
    run(b, "grids.heat20.grad", jax.grad(
        lambda x: (jax.lax.scan(lambda x, _: (x + 0.1 * turned(x), None), x, None, length=20)[0] ** 2).sum()), small)
    run(b, "grids.moving_mean", lambda x: jnp.convolve(x, jnp.ones(5) / 5, mode="same"), line)
    run(b, "grids.diff", lambda x: jnp.diff(x), line)
    run(b, "grids.upwind", lambda u: u - 0.1 * u * (u - jnp.roll(u, 1)), line)
    run(b, "grids.halves", lambda x: jnp.concatenate(
        [x[:, :512] * 0.5 - x[:, 512:] * 0.8, x[:, :512] * 0.8 + x[:, 512:] * 0.5], 1), x)
    run(b, "grids.even_odd", lambda x: x[:, ::2] + x[:, 1::2], x)
    run(b, "grids.stack", lambda x: jnp.stack([x, x * 2], -1), x)
    run(b, "grids.repeat", lambda x: jnp.repeat(jnp.repeat(x, 2, 0), 2, 1), x[:512, :512])
    run(b, "grids.tile", lambda x: jnp.tile(x, (4, 4)), small)
    run(b, "grids.mean_pool", lambda x: x.reshape(512, 2, 512, 2).mean((1, 3)), x)
    run(b, "grids.to_patches", lambda x: x.reshape(64, 16, 64, 16).transpose(0, 2, 1, 3).reshape(4096, 256), x)
    run(b, "grids.trace", lambda x: jnp.trace(x), x)
    run(b, "grids.add_diagonal", lambda x: x + 0.1 * jnp.eye(1024), x)


@workload("program.order")
def order(b):
    """Indices, sorting, counting, prefixes."""
    import jax
    import jax.numpy as jnp
    x = array((1024, 1024), 0)
    line = array((1_000_000,), 1)
    table = array((10_000,), 2)
    at = integers((1_000_000,), 3, 10_000)
    rows = integers((1024, 16), 4, 1024)
    run(b, "order.take", lambda t, i: t[i], table, at)
    run(b, "order.take.grad", jax.grad(lambda t, i: (t[i] ** 2).sum()), table, at)
    run(b, "order.take_fused", lambda t, i, x: (t[i] * 2.0 + x).sum(), table, at, line)
    run(b, "order.take_along_axis", lambda x, i: jnp.take_along_axis(x, i, 1), x, rows)
    run(b, "order.segment_sum", lambda v, i: jax.ops.segment_sum(v, i, 10_000), line, at)
    run(b, "order.segment_max", lambda v, i: jax.ops.segment_max(v, i, 10_000), line, at)
    run(b, "order.bincount", lambda i: jnp.bincount(i, length=10_000), at)
    run(b, "order.histogram", lambda x: jnp.histogram(x, 50)[0], line)
    run(b, "order.searchsorted", lambda t, x: jnp.searchsorted(jnp.sort(t), x), table, line)
    run(b, "order.interp", lambda t, x: jnp.interp(x, jnp.linspace(-3.0, 3.0, 10_000), t), table, line)
    run(b, "order.sort.rows", lambda x: jnp.sort(x, -1), x)
    run(b, "order.sort.columns", lambda x: jnp.sort(x, 0), x)
    run(b, "order.argsort.rows", lambda x: jnp.argsort(x, -1), x)
    run(b, "order.sort.integers", jnp.sort, at)
    run(b, "order.top_k", lambda x: jax.lax.top_k(x, 10), x)
    run(b, "order.median", lambda x: jnp.median(x, -1), x)
    run(b, "order.cumsum.rows", lambda x: jnp.cumsum(x, -1), x)
    run(b, "order.cumsum.columns", lambda x: jnp.cumsum(x, 0), x)
    run(b, "order.cumsum.grad", jax.grad(lambda x: (jnp.cumsum(x, -1) ** 2).sum()), x)
    run(b, "order.cumprod", lambda x: jnp.cumprod(1.0 + 0.01 * x, -1), x)
    run(b, "order.cummax", lambda x: jax.lax.cummax(x, 1), x)
    run(b, "order.scatter_set", lambda x, i: x.at[i[:, 0]].set(0.0), x, rows)


@workload("program.types")
def types(b):
    """Elements that are no float32."""
    import jax
    import jax.numpy as jnp
    x = array((1_000_000,), 0)
    bits = integers((1_000_000,), 1, 1 << 30).astype("uint32")
    image = integers((256, 256, 48), 2, 256).astype("uint8")
    z = x[:500_000] + 1j * x[500_000:]

    def xorshift(x):
        x = x ^ (x << 13)
        x = x ^ (x >> 17)
        return x ^ (x << 5)

    def gelu(x):
        return jax.nn.gelu(x)

    run(b, "types.image", lambda i: (i.astype("float32") / 255.0 - 0.45) / 0.22, image)
    run(b, "types.image_back", lambda x: jnp.clip(jnp.round(x * 255.0), 0.0, 255.0).astype("uint8"), x)
    run(b, "types.bfloat16.gelu", gelu, x.astype("bfloat16"))
    run(b, "types.float16.gelu", gelu, x.astype("float16"))
    run(b, "types.bfloat16.sum", lambda x: x.sum(), x.astype("bfloat16"))
    run(b, "types.bfloat16.softmax", lambda x: jax.nn.softmax(x, -1), x.astype("bfloat16").reshape(1000, 1000))
    run(b, "types.bfloat16.matmul", lambda x, y: x @ y, array((512, 512), 3).astype("bfloat16"), array((512, 512), 4).astype("bfloat16"))
    run(b, "types.int32.matmul", lambda x, y: x @ y, integers((256, 256), 5, 100), integers((256, 256), 6, 100))
    run(b, "types.xorshift", xorshift, bits)
    run(b, "types.int32.mod", lambda x: x % 7 + x // 3, bits.astype("int32"))
    run(b, "types.popcount", jax.lax.population_count, bits)
    run(b, "types.complex.exp", lambda z: jnp.exp(z * 0.1) * z, z)
    run(b, "types.complex.abs", jnp.abs, z)
    run(b, "types.complex.matmul", lambda x, y: x @ y, array((256, 256), 7) + 1j * array((256, 256), 8),
        array((256, 256), 9) + 1j * array((256, 256), 10))
    run(b, "types.bool.logic", lambda x: jnp.logical_and(x > 0.0, jnp.logical_not(x > 1.0)).sum(), x)
    run(b, "types.isfinite", lambda x: jnp.isfinite(x).all(), x)
    run(b, "types.where_nan", lambda x: jnp.nan_to_num(jnp.log(x)), x)


@workload("program.functions")
def functions(b):
    """Functions of single elements, and chains of them."""
    import jax
    import jax.numpy as jnp
    nn, sp = jax.nn, jax.scipy.special
    x = array((1_000_000,), 0)
    y = array((1_000_000,), 1)
    p = jnp.abs(x) + 0.1
    for name, f, v in (("gelu", nn.gelu, x), ("gelu_exact", lambda x: nn.gelu(x, approximate=False), x), ("silu", nn.silu, x),
                       ("softplus", nn.softplus, x), ("elu", nn.elu, x), ("cos", jnp.cos, x), ("tan", jnp.tan, x),
                       ("arctan", jnp.arctan, x), ("arcsin", lambda x: jnp.arcsin(jnp.tanh(x)), x), ("sinh", jnp.sinh, x),
                       ("expm1", jnp.expm1, x), ("exp2", jnp.exp2, x), ("cbrt", jnp.cbrt, x), ("log2", jnp.log2, p),
                       ("lgamma", sp.gammaln, p), ("digamma", sp.digamma, p), ("erfinv", lambda x: sp.erfinv(jnp.tanh(x)), x),
                       ("ndtr", sp.ndtr, x), ("i0e", sp.i0e, x), ("power3", lambda x: x ** 3, x),
                       ("floor", jnp.floor, x), ("sign", jnp.sign, x), ("logit", lambda x: sp.logit(nn.sigmoid(x)), x)):
        run(b, "functions." + name, f, v)
    run(b, "functions.arctan2", jnp.arctan2, x, y)
    run(b, "functions.hypot", jnp.hypot, x, y)
    run(b, "functions.pow", jnp.power, p, y)
    run(b, "functions.fmod", jnp.fmod, x, p)
    run(b, "functions.logaddexp", jnp.logaddexp, x, y)
    run(b, "functions.where", lambda x: jnp.where(x > 0, jnp.sqrt(jnp.abs(x)), jnp.exp(x)), x)
    run(b, "functions.gelu.grad", jax.grad(lambda x: nn.gelu(x).sum()), x)
    run(b, "functions.horner", lambda x: ((((x * 0.1 + 0.2) * x + 0.3) * x + 0.4) * x + 0.5) * x + 0.6, x)


@workload("program.small")
def small(b):
    """Small matrices, many of them; distances; kernels."""
    import jax
    import jax.numpy as jnp
    p = array((100_000, 3), 0)
    turn = array((3, 3), 1)
    turns = array((100_000, 3, 3), 2)
    four = array((50_000, 4, 4), 3)
    a = array((1000, 3), 4)
    c = array((1000, 3), 5)
    eight = array((1000, 8, 8), 6)
    v = array((1000, 8), 7)
    q = array((8, 8, 128, 64), 8)
    x = array((1000, 100), 9)
    spd = lambda m: m @ m.swapaxes(-1, -2) + 0.5 * jnp.eye(m.shape[-1])

    def squared(a, c):
        return ((a[:, None] - c[None]) ** 2).sum(-1)

    def attention(q):
        return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", q, q) * 0.125, -1), q)

    def kmeans(x, c):
        near = jnp.argmin(((x[:, None] - c[None]) ** 2).sum(-1), 1)
        mine = jax.nn.one_hot(near, c.shape[0])
        return (mine.T @ x) / (mine.sum(0)[:, None] + 1e-6)

    def likelihood(t, x, y):
        k = jnp.exp(-0.5 * squared(x, x) * jnp.exp(t[0])) * jnp.exp(t[1]) + (0.1 + jnp.exp(t[2])) * jnp.eye(x.shape[0])
        l = jnp.linalg.cholesky(k)
        z = jax.scipy.linalg.solve_triangular(l, y, lower=True)
        return 0.5 * (z * z).sum() + jnp.log(jnp.diagonal(l)).sum()

    run(b, "small.turn", lambda p, r: p @ r.T, p, turn)
    run(b, "small.turn_each", lambda p, r: jnp.einsum("nij,nj->ni", r, p), p, turns)
    run(b, "small.matmul4", lambda m: m @ m, four)
    run(b, "small.cross", lambda p: jnp.cross(p, p[::-1]), p)
    run(b, "small.normalize", lambda p: p / jnp.linalg.norm(p, axis=-1, keepdims=True), p)
    run(b, "small.det3", jnp.linalg.det, turns)
    run(b, "small.inv3", jnp.linalg.inv, turns[:10_000])
    run(b, "small.solve8", lambda m, v: jnp.linalg.solve(m, v[..., None])[..., 0], eight, v)
    run(b, "small.cholesky8", lambda m: jnp.linalg.cholesky(spd(m)), eight)
    run(b, "small.eigh8", lambda m: jnp.linalg.eigvalsh(spd(m)), eight)
    run(b, "small.distances", squared, a, c)
    run(b, "small.gaussian_kernel.grad", jax.grad(lambda a, c: jnp.exp(-0.5 * squared(a, c)).sum()), a, c)
    run(b, "small.kmeans", kmeans, x, x[:16])
    run(b, "small.attention", attention, q)
    run(b, "small.attention.grad", jax.grad(lambda q: (attention(q) ** 2).sum()), q)
    run(b, "small.covariance", lambda x: jnp.cov(x, rowvar=False), x)
    run(b, "small.likelihood.grad", jax.grad(likelihood), jnp.zeros(3), a[:256], c[:256, 0])
    run(b, "small.rosenbrock.hessian", jax.hessian(
        lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()), x[0])
    run(b, "small.jacobian", jax.jacfwd(lambda x: jnp.tanh(x[:, None] * x[None]).sum(0)), x[0])
    run(b, "small.fft.rows", lambda x: jnp.abs(jnp.fft.rfft(x)), array((1000, 256), 10))


@workload("program.layers")
def layers(b):
    """Layers of networks that the baseline's models do not have."""
    import jax
    import jax.numpy as jnp
    lax = jax.lax
    x = array((8, 56, 56, 32), 0)
    d = array((3, 3, 1, 32), 1, 0.3)
    one = array((1, 1, 32, 64), 2, 0.2)
    s = array((3, 3, 32, 64), 3, 0.1)
    sound = array((8, 1, 8000), 4)
    k = array((16, 1, 9), 5, 0.3)
    up = array((2, 2, 32, 16), 6, 0.1)
    nhwc = ("NHWC", "HWIO", "NHWC")

    def conv(x, w, stride=1, groups=1):
        return lax.conv_general_dilated(x, w, (stride, stride), "SAME", dimension_numbers=nhwc, feature_group_count=groups)

    def pool(x):
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def adam(p, m, v, g):
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        p = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / 0.1) / (jnp.sqrt(v / 0.001) + 1e-8), p, m, v)
        return p, m, v

    leaves = [array((100, 50 + i), 20 + i) for i in range(20)]
    run(b, "layers.depthwise", lambda x, w: conv(x, w, groups=32), x, d)
    run(b, "layers.depthwise.grad", jax.grad(lambda x, w: (conv(x, w, groups=32) ** 2).sum(), (0, 1)), x, d)
    run(b, "layers.pointwise", conv, x, one)
    run(b, "layers.strided", lambda x, w: conv(x, w, 2), x, s)
    run(b, "layers.conv1d", lambda x, w: lax.conv_general_dilated(x, w, (1,), "SAME"), sound, k)
    run(b, "layers.conv_transpose", lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME"), x, up)
    run(b, "layers.max_pool", pool, x)
    run(b, "layers.max_pool.grad", jax.grad(lambda x: (pool(x) ** 2).sum()), x)
    run(b, "layers.batch_norm.grad", jax.grad(
        lambda x: (((x - x.mean((0, 1, 2))) * lax.rsqrt(x.var((0, 1, 2)) + 1e-5)) ** 3).sum()), x)
    run(b, "layers.global_mean", lambda x: x.mean((1, 2)), x)
    run(b, "layers.dropout", lambda k, x: jnp.where(jax.random.bernoulli(k, 0.9, x.shape), x / 0.9, 0.0), jax.random.key(0), x)
    run(b, "layers.adam", adam, leaves, leaves, [l * l for l in leaves], leaves)
    run(b, "layers.nchw_bias_relu", lambda x: jax.nn.relu(x.transpose(0, 3, 1, 2) + jnp.arange(32.0)[:, None, None]), x)


@workload("program.loops")
def loops(b):
    """Time steps, recurrences, iterations."""
    import jax
    import jax.numpy as jnp
    lax = jax.lax
    f = 0.1 * array((4, 4), 0) + 0.9 * jnp.eye(4)
    seen = array((1000, 2), 1)
    steps = jax.nn.log_softmax(array((16, 16), 2), -1)
    emit = array((1000, 16), 3)
    start = array((1000, 2), 4)
    line = array((10_000,), 5)
    u = jnp.sin(jnp.linspace(0.0, 6.25, 512))

    def kalman(f, seen):
        h, q, r = jnp.eye(2, 4), 0.1 * jnp.eye(4), 0.5 * jnp.eye(2)

        def step(c, y):
            m, p = c
            m, p = f @ m, f @ p @ f.T + q
            s = h @ p @ h.T + r
            k = p @ h.T @ jnp.linalg.inv(s)
            e = y - h @ m
            return (m + k @ e, p - k @ h @ p), e @ e

        return lax.scan(step, (jnp.zeros(4), jnp.eye(4)), seen)[1].sum()

    def forward(steps, emit):
        def step(a, e):
            return jax.nn.logsumexp(a[:, None] + steps, 0) + e, None

        return jax.nn.logsumexp(lax.scan(step, emit[0], emit[1:])[0])

    def pendulum(s):
        return jnp.stack([s[..., 1], -jnp.sin(s[..., 0])], -1)

    def runge(s, h=0.05):
        k1 = pendulum(s)
        k2 = pendulum(s + 0.5 * h * k1)
        k3 = pendulum(s + 0.5 * h * k2)
        return s + h / 6 * (k1 + 2 * k2 + 2 * k3 + pendulum(s + h * k3))

    def mandelbrot(c):
        def step(_, zn):
            z, n = zn
            z = jnp.where(jnp.abs(z) < 2, z * z + c, z)
            return z, n + (jnp.abs(z) < 2)

        return lax.fori_loop(0, 50, step, (jnp.zeros_like(c), jnp.zeros(c.shape, "int32")))[1]

    def metropolis(key, x):
        def step(x, k):
            a, c = jax.random.split(k)
            y = x + 0.5 * jax.random.normal(a, x.shape)
            take = jnp.log(jax.random.uniform(c, x.shape)) < 0.5 * (x * x - y * y)
            return jnp.where(take, y, x), None

        return lax.scan(step, x, jax.random.split(key, 200))[0]

    def burgers(u):
        def step(u, _):
            right, left = jnp.roll(u, -1), jnp.roll(u, 1)
            return u - 0.1 * u * (right - left) + 0.05 * (right - 2 * u + left), None

        return (lax.scan(step, u, None, length=100)[0] ** 2).sum()

    def newton(x):
        return lax.while_loop(lambda s: jnp.abs(s * s - x) > 1e-4 * x, lambda s: 0.5 * (s + x / s), x)

    grid = jnp.linspace(-2.0, 1.0, 256)[None, :] + 1j * jnp.linspace(-1.5, 1.5, 256)[:, None]
    run(b, "loops.kalman", kalman, f, seen)
    run(b, "loops.kalman.grad", jax.grad(kalman), f, seen)
    run(b, "loops.hidden_markov", forward, steps, emit)
    run(b, "loops.hidden_markov.grad", jax.grad(forward), steps, emit)
    run(b, "loops.pendulum", lambda s: lax.fori_loop(0, 100, lambda _, s: runge(s), s), start)
    run(b, "loops.pendulum.each", jax.vmap(lambda s: lax.fori_loop(0, 100, lambda _, s: runge(s), s)), start)
    run(b, "loops.mandelbrot", mandelbrot, grid)
    run(b, "loops.metropolis", metropolis, jax.random.key(1), line[:1000])
    run(b, "loops.burgers.grad", jax.grad(burgers), u)
    run(b, "loops.newton", newton, jnp.float32(612.0))
    run(b, "loops.newton.each", jax.vmap(newton), jnp.abs(line) + 1.0)
    run(b, "loops.exponential_mean", lambda x: lax.scan(lambda c, x: ((c * 0.9 + 0.1 * x,) * 2), jnp.float32(0.0), x)[1], line)
    run(b, "loops.associative", lambda x: lax.associative_scan(
        lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1]), (jnp.full_like(x, 0.9), x))[1], line)
    run(b, "loops.power_iteration", lambda m: lax.fori_loop(
        0, 50, lambda _, v: (m @ v) / jnp.linalg.norm(m @ v), jnp.ones(256)), array((256, 256), 6))


@workload("program.applied")
def applied(b):
    """Whole small problems."""
    import jax
    import jax.numpy as jnp
    s = jnp.abs(array((100_000,), 0)) * 20 + 80
    key = jax.random.key(3)
    x = array((2000, 20), 1)
    y = array((2000,), 2)
    w = array((20,), 3, 0.1)
    signal = array((65_536,), 4)

    def call(s, k=100.0, t=1.0, r=0.05, v=0.2):
        d1 = (jnp.log(s / k) + (r + 0.5 * v * v) * t) / (v * jnp.sqrt(t))
        return s * jax.scipy.stats.norm.cdf(d1) - k * jnp.exp(-r * t) * jax.scipy.stats.norm.cdf(d1 - v * jnp.sqrt(t))

    def paths(key):
        z = jax.random.normal(key, (10_000, 50))
        end = 100 * jnp.exp(jnp.cumsum(0.001 + 0.02 * z, 1))
        return jnp.maximum(end.mean(1) - 100, 0.0).mean()

    def robust(w):
        e = y - x @ w
        return jnp.where(jnp.abs(e) < 1, 0.5 * e * e, jnp.abs(e) - 0.5).mean() + 0.01 * jnp.abs(w).sum()

    def poisson(w):
        z = x @ w
        return (jnp.exp(z) - jnp.abs(y) * z).mean()

    def descend(w):
        return jax.lax.fori_loop(0, 100, lambda _, w: w - 0.05 * jax.grad(poisson)(w), w)

    def mixture(m, x):
        p = -0.5 * ((x[:, None, :] - m[None]) ** 2).sum(-1)
        return jax.nn.logsumexp(p, 1).sum()

    run(b, "applied.black_scholes", call, s)
    run(b, "applied.black_scholes.greeks", jax.vmap(jax.value_and_grad(call)), s)
    run(b, "applied.paths", paths, key)
    run(b, "applied.pi", lambda k: (jnp.sum(jax.random.uniform(k, (1_000_000, 2)) ** 2, -1) < 1).mean() * 4, key)
    run(b, "applied.robust.grad", jax.value_and_grad(robust), w)
    run(b, "applied.poisson.descend", descend, w)
    run(b, "applied.mixture.grad", jax.grad(mixture), x[:8], x)
    run(b, "applied.spectrum", lambda x: jnp.abs(jnp.fft.rfft(x * jnp.hanning(65_536))) ** 2, signal)
    run(b, "applied.smooth", lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * jnp.exp(-jnp.arange(32_769) * 1e-4)), signal)


if __name__ == "__main__":
    sys.exit(baseline.main())
