"""Records solutions of a differential equation by jax.experimental.ode, with gradients: writes ode.json."""

import json
import os

import jax
import jax.numpy as jnp
from jax.experimental.ode import odeint

jax.config.update("jax_enable_x64", True)


def pendulum(y, t, length, friction):
    angle, speed = y
    return speed, -jnp.sin(angle) / length - friction * speed + 0.3 * jnp.cos(t)


ts = jnp.array([0.2, 0.9, 1.0, 2.5, 6.0])
start = jnp.array(1.2), jnp.array(-0.3)
args = jnp.array(0.8), jnp.array(0.25)
weights = jnp.linspace(0.5, 1.5, 5)


@jax.jit
def loss(start, ts, length, friction):
    angle, speed = odeint(pendulum, start, ts, length, friction, rtol=1e-10, atol=1e-10)
    return (angle * weights).sum() + (speed ** 2).sum(), (angle, speed)


(value, solution), grads = jax.value_and_grad(loss, (0, 1, 2, 3), has_aux=True)(start, ts, *args)
made = {"angle": solution[0].tolist(), "speed": solution[1].tolist(), "loss": float(value),
        "start": [float(g) for g in grads[0]], "times": grads[1].tolist(), "args": [float(g) for g in grads[2:]]}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ode.json"), "w") as f:
    json.dump(made, f, indent=0)
    f.write("\n")
