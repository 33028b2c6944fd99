"""Records what the library optax makes of a few steps with each optimizer, and of its schedules: writes optim.json. Needs optax (this was 0.2.8) beside JAX."""

import json
import os

import jax
import jax.numpy as jnp
import optax

jax.config.update("jax_enable_x64", True)


def loss(p):
    w, b = p
    return ((w - jnp.array([1.0, -2.0, 0.5])) ** 2 * jnp.array([1.0, 10.0, 0.1])).sum() + (w.sum() * b - 1) ** 2


START = (jnp.array([0.3, 0.7, -1.1]), jnp.array(0.4))
STEPS = 6
warm = optax.warmup_cosine_decay_schedule(0.0, 0.1, 2, 5, 0.01)
OPTIMIZERS = {
    "sgd": optax.sgd(0.03),
    "momentum": optax.sgd(0.03, momentum=0.8),
    "nesterov": optax.sgd(0.03, momentum=0.8, nesterov=True),
    "scheduled": optax.sgd(warm),
    "adam": optax.adam(0.1),
    "nadam": optax.adam(0.1, b1=0.8, b2=0.9, eps=1e-3, eps_root=1e-4, nesterov=True),
    "adamw": optax.adamw(warm, weight_decay=0.1),
    "adamw_masked": optax.adamw(0.1, weight_decay=0.1, mask=(True, False)),
    "rmsprop": optax.rmsprop(0.05),
    "rmsprop_centered": optax.rmsprop(0.05, decay=0.8, eps=1e-3, centered=True, momentum=0.7, nesterov=True),
    "adagrad": optax.adagrad(0.3),
    "lion": optax.lion(0.05),
    "clipped": optax.chain(optax.clip(0.5), optax.sgd(0.1)),
    "clipped_together": optax.chain(optax.clip_by_global_norm(1.5), optax.adam(0.1)),
    "decayed": optax.chain(optax.add_decayed_weights(0.2), optax.trace(0.9), optax.scale(-0.01)),
}
SCHEDULES = {
    "constant": optax.constant_schedule(0.3),
    "exponential": optax.exponential_decay(0.3, 10, 0.5),
    "staircase": optax.exponential_decay(0.3, 10, 0.5, staircase=True),
    "polynomial": optax.polynomial_schedule(0.3, 0.1, 2.0, 15),
    "linear": optax.linear_schedule(0.3, 0.1, 15),
    "cosine": optax.cosine_decay_schedule(0.3, 15, 0.1),
    "warmup_cosine": optax.warmup_cosine_decay_schedule(0.0, 0.3, 5, 20, 0.02),
    "piecewise": optax.piecewise_constant_schedule(0.3, {5: 0.5, 12: 0.1}),
    "joined": optax.join_schedules([optax.linear_schedule(0.3, 0.1, 4), optax.constant_schedule(0.7)], [7]),
}


def run(optimizer):
    params, rows = START, []
    state = optimizer.init(params)
    for _ in range(STEPS):
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        rows.append(params[0].tolist() + [float(params[1])])
    return rows


made = {
    "optimizers": {name: run(o) for name, o in OPTIMIZERS.items()},
    "schedules": {name: [float(s(jnp.array(t))) for t in range(0, 24)] for name, s in SCHEDULES.items()},
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.json"), "w") as f:
    json.dump(made, f, indent=0)
    f.write("\n")
