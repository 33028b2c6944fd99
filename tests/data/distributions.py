"""Writes distributions.json: numbers drawn by JAX 0.10.2, and derivatives of some by their parameters.

Run with 64-bit types disabled, as JAX has it by default; cases that ask for float64 are drawn in a context that enables them.
"""
import base64
import json
import pathlib
import jax
import jax.numpy as jnp
import numpy as np

cases = []


def encoded(x):
    x = np.asarray(x)
    return {"dtype": x.dtype.name, "shape": list(x.shape), "weak": False, "data": base64.b64encode(x.tobytes()).decode()}


def record(fn, seed, kwargs, call, derivative=False):
    key = jax.random.key(seed)
    case = {"fn": fn, "seed": seed, "args": kwargs, **encoded(call(key))}
    if derivative:
        case["derivative"] = encoded(derivative(key))
    cases.append(case)


def sampler(fn, seed, shape, dtype=None, params=(), **extra):
    """A case of one of the functions that take a key, parameters, a shape and a type."""
    f = getattr(jax.random, fn)
    wide = dtype == "float64"
    with jax.enable_x64(wide):
        real = jnp.float64 if wide else jnp.float32
        if fn in ("f", "pareto", "lognormal", "weibull_min"):
            # JAX does not take parameters of lower rank here, though it says so
            params = [np.broadcast_to(p, shape) for p in params]
        params = [jnp.asarray(p, real if dtype in (None, "float64", "int32", "uint8") else dtype) for p in params]
        kind = {"dtype": jnp.dtype(dtype)} if dtype else {}
        call = lambda key, *p: f(key, *p, shape=tuple(shape), **kind, **extra)
        moving = params and fn not in ("poisson", "geometric", "binomial", "multinomial", "loggamma") and dtype is None
        slope = lambda key: jax.jvp(lambda *p: call(key, *p), tuple(params), tuple(jnp.ones_like(p) for p in params))[1]
        args = {"shape": list(shape), "params": [encoded(p) for p in params], **extra}
        if dtype:
            args["dtype"] = dtype
        record(fn, seed, args, lambda key: call(key, *params), slope if moving else False)


for seed, shape in [(0, (7,)), (3, (2, 3)), (9, ()), (4, (0, 2))]:
    for fn in ["exponential", "gumbel", "laplace", "logistic", "cauchy", "maxwell", "rademacher"]:
        sampler(fn, seed, shape)
for dtype in ["float64", "float16", "bfloat16"]:
    for fn in ["exponential", "gumbel", "laplace", "logistic", "cauchy", "maxwell", "rademacher"]:
        sampler(fn, 11, (6,), dtype)
for mode in ["high", "highest"]:
    for seed in [0, 5]:
        sampler("gumbel", seed, (40,), mode=mode)
    sampler("gumbel", 1, (6,), "float64", mode=mode)

row = [0.5, 1.0, 2.5]
for seed, shape, a, b, c in [(0, (3,), row, 1.5, 4.0), (5, (4, 3), row, [[0.7], [1.2], [3.0], [0.2]], 9.0), (2, (), 1.25, 0.75, 3.0)]:
    for fn in ["pareto", "rayleigh", "lognormal", "wald"]:
        sampler(fn, seed, shape, params=[a])
    for fn in ["gamma", "loggamma", "t", "chisquare", "generalized_normal"]:
        sampler(fn, seed, shape, params=[a])
    for fn in ["beta", "f"]:
        sampler(fn, seed, shape, params=[a, b])
    sampler("weibull_min", seed, shape, params=[b, a])
    sampler("truncated_normal", seed, shape, params=[-np.float32(a), b])
    sampler("triangular", seed, shape, params=[-np.float32(a), 0.1, b])
sampler("gamma", 7, (500,), params=[0.02])
sampler("loggamma", 7, (300,), params=[0.001])
sampler("gamma", 8, (300,), params=[37.5])
sampler("gamma", 8, (20,), "float64", params=[row[0]])
sampler("gamma", 8, (20,), "bfloat16", params=[1.5])
sampler("t", 8, (20,), "float64", params=[3.0])
sampler("wald", 8, (20,), "float64", params=[3.0])
sampler("truncated_normal", 8, (20,), "float64", params=[-2.0, 1.0])
sampler("truncated_normal", 8, (50,), params=[5.0, 6.0])
sampler("double_sided_maxwell", 3, (), params=[1.0, 2.0])
sampler("double_sided_maxwell", 3, (4,), params=[row, 2.0])
sampler("double_sided_maxwell", 3, (), params=[row, 2.0])
sampler("dirichlet", 3, (), params=[row])
sampler("dirichlet", 4, (5, 2), params=[[row, [3.0, 0.1, 7.0]]])

for seed in [0, 6]:
    sampler("geometric", seed, (50,), params=[0.3])
    sampler("geometric", seed, (2, 3), params=[[0.1, 0.5, 0.99]])
    sampler("poisson", seed, (40,), params=[3.5])
    sampler("poisson", seed, (40,), params=[60.0])
    sampler("poisson", seed, (6,), params=[[0.0, 0.1, 9.9, 10.0, 25.0, 1e5]])
    sampler("binomial", seed, (40,), params=[12.0, 0.3])
    sampler("binomial", seed, (40,), params=[200.0, 0.4])
    sampler("binomial", seed, (9,), params=[[10., 100., 1000., np.inf, np.nan, -1., 7.5, 0., 50.], [0.9, 0.7, 0.01, 0.5, 0.5, 0.5, np.nan, 0.5, -0.1]])
sampler("poisson", 2, (30,), "uint8", params=[20.0])
sampler("multinomial", 3, (4,), params=[20.0, [0.1, 0.2, 0.3, 0.4]])
sampler("multinomial", 4, (3, 2), params=[[5.0, 50.0, 500.0], [0.25, 0.75]])

for n, m, shape in [(3, 3, ()), (2, 4, (3,)), (4, 2, ())]:
    record("orthogonal", 5, {"n": n, "m": m, "shape": list(shape)}, lambda key: jax.random.orthogonal(key, n, shape, m=m))
for d, p, shape in [(3, 2.0, ()), (2, 1.0, (5,))]:
    record("ball", 5, {"d": d, "p": p, "shape": list(shape)}, lambda key: jax.random.ball(key, d, p, shape))
mean, cov = np.float32([1.0, -2.0]), np.float32([[2.0, 0.5], [0.5, 1.0]])
record("multivariate_normal", 5, {"mean": mean.tolist(), "cov": cov.tolist(), "shape": [6]},
       lambda key: jax.random.multivariate_normal(key, mean, cov, (6,)))

for n in [1, 2, 10, 3000]:
    record("permutation", n, {"n": n}, lambda key: jax.random.permutation(key, n))
grid = np.arange(24, dtype=np.float32).reshape(4, 6)
for axis in [0, 1, -1]:
    for independent in [False, True]:
        record("permutation", 2, {"axis": axis, "independent": independent},
               lambda key: jax.random.permutation(key, grid, axis, independent))
p = np.float32([0.1, 0.25, 0.05, 0.6])
for replace in [True, False]:
    for weights in [None, p]:
        options = {"replace": replace, "p": None if weights is None else weights.tolist()}
        record("choice", 3, {"n": 4, "shape": [2, 2], **options}, lambda key: jax.random.choice(key, 4, (2, 2), replace, weights))
        record("choice", 4, {"axis": 0, "shape": [3], **options}, lambda key: jax.random.choice(key, grid, (3,), replace, weights))
        wide = None if weights is None else np.float32([0.1, 0.2, 0.1, 0.3, 0.1, 0.2])
        options["p"] = None if wide is None else wide.tolist()
        record("choice", 5, {"axis": 1, "shape": [2, 2], **options}, lambda key: jax.random.choice(key, grid, (2, 2), replace, wide, 1))
logits = np.float32(np.random.default_rng(0).normal(size=(3, 5)))
for axis, shape in [(-1, None), (0, None), (1, [4, 3]), (0, [2, 5]), (-1, [4, 3])]:
    for replace in [True, False]:
        if axis == 0 and shape == [2, 5] or replace or axis != 0 or shape is None:
            record("categorical", 6, {"logits": encoded(logits), "axis": axis, "shape": shape, "replace": replace},
                   lambda key: jax.random.categorical(key, logits, axis, shape and tuple(shape), replace))
for seed in [0, 1]:
    record("bernoulli", seed, {"p": 0.3, "shape": [40], "mode": "high"},
           lambda key: jax.random.bernoulli(key, jnp.float32(0.3), (40,), "high"))

a = np.float32([0.01, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 10.0, 10.0, 100.0, 100.0, 1000.0, 0.1, 5.0])
x = np.float32([0.001, 0.1, 3.0, 0.5, 4.0, 2.0, 9.0, 6.0, 14.0, 90.0, 120.0, 1050.0, 2.0, 0.01])
cases.append({"fn": "random_gamma_grad", "seed": 0, "args": {"params": [encoded(a), encoded(x)]}, **encoded(jax.lax.random_gamma_grad(a, x))})

source = "Recorded from JAX 0.10.2 by distributions.py, https://github.com/jax-ml/jax, copyright The JAX Authors, Apache License 2.0."
lines = ",\n".join(json.dumps(c) for c in cases)
pathlib.Path(__file__).with_suffix(".json").write_text('{"source": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(source), lines))
