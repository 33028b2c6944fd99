"""Records the losses of optax, written with jax.numpy from their definitions, with gradients: writes losses.json. Cases are those of functions.py."""

import jax.numpy as jnp
import numpy as np
from cases import CASES, case, write
from jax import nn


def pick(logits, labels):
    rows = jnp.take_along_axis(logits, labels.astype(int)[..., None], -1)[..., 0]
    return nn.logsumexp(logits, axis=-1) - rows


def huber(x, y, delta=0.8):
    e = jnp.abs(x - y)
    return jnp.where(e <= delta, 0.5 * e**2, delta * (e - 0.5 * delta))


def cosine(x, y, epsilon=0.5):
    length = lambda v: jnp.maximum(jnp.sqrt(jnp.sum(v * v, -1)), epsilon)
    return jnp.sum(x * y, -1) / (length(x) * length(y))


def bce(x, y):
    return -y * nn.log_sigmoid(x) - (1 - y) * nn.log_sigmoid(-x)


def focal(x, y, gamma=1.7):
    p = nn.sigmoid(x)
    return bce(x, y) * (1 - (p * y + (1 - p) * (1 - y))) ** gamma


def softmax_ce(x, y):
    return -jnp.sum(y * nn.log_softmax(x, -1), -1)


def kl(x, y):
    return jnp.sum(y * (jnp.where(y == 0, 0, jnp.log(jnp.where(y == 0, 1, y))) - x), -1)


X = [-2.5, -1.3, -0.4, 0.3, 0.7, 1.9, 4.2]
Y = [-1.1, 0.2, -0.3, 1.6, 0.2, -0.9, 3.9]
SIGNS = [1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0]
LABELS = [0.0, 1.0, 0.3, 0.9, 1.0, 0.0, 0.5]
M = [[0.3, -1.2, 2.0, 0.1], [1.5, 0.2, -0.7, 0.9], [0.0, 3.0, -2.0, 1.0]]
P = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.4, 0.1]])
ZERO = np.array([[0.0, 0.2, 0.3, 0.5], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.4, 0.1]])
LARGE = [[1000.0, -1000.0], [0.0, 800.0]]

case("losses.squared_error", lambda x, y: (x - y) ** 2, X, Y)
case("losses.l2_loss", lambda x, y: 0.5 * (x - y) ** 2, X, Y)
case("losses.absolute_error", lambda x, y: jnp.abs(x - y), X, Y)
case("losses.huber_loss", huber, X, Y)
case("losses.log_cosh", lambda x, y: jnp.log(jnp.cosh(x - y)), X, Y)
case("losses.log_cosh", lambda x, y: jnp.abs(x - y) - jnp.log(2.0), [1e3, -1e4], [0.0, 1.0])
case("losses.cosine_similarity", cosine, M, P)
case("losses.cosine_similarity", cosine, [[0.1, 0.2], [3.0, 4.0]], [[0.3, -0.1], [0.2, 0.3]])
case("losses.cosine_distance", lambda x, y: 1 - cosine(x, y), M, P)
case("losses.hinge_loss", lambda x, y: jnp.maximum(0, 1 - x * y), X, SIGNS)
case("losses.perceptron_loss", lambda x, y: jnp.maximum(0, -x * y), X, SIGNS)
case("losses.sigmoid_binary_cross_entropy", bce, X, LABELS)
case("losses.sigmoid_binary_cross_entropy", bce, [800.0, -800.0, 800.0], [0.0, 0.0, 1.0], smooth=False)
case("losses.sigmoid_focal_loss", focal, X, LABELS)
case("losses.softmax_cross_entropy", softmax_ce, M, P)
case("losses.softmax_cross_entropy", softmax_ce, LARGE, [[1.0, 0.0], [1.0, 0.0]], smooth=False)
case("losses.safe_softmax_cross_entropy", softmax_ce, M, P)
case("losses.integer_labels", pick, M, [2.0, 0.0, 1.0], by=(0,), checked=(0,))
case("losses.integer_labels", pick, LARGE, [1.0, 1.0], by=(0,), smooth=False)
case("losses.poly_loss_cross_entropy", lambda x, y: softmax_ce(x, y) + 1.5 * jnp.sum(y * (1 - nn.softmax(x, -1)), -1), M, P)
case("losses.kl_divergence", kl, np.log(P[::-1]), P)
case("losses.kl_divergence", kl, np.log(P), ZERO, by=(0,), checked=(0,))
case("losses.kl_divergence_with_log_targets", lambda x, y: jnp.sum(jnp.exp(y) * (y - x), -1), np.log(P[::-1]), np.log(P))
case("losses.convex_kl_divergence", lambda x, y: kl(x, y) + jnp.sum(jnp.exp(x) - y, -1), M, P)
case("losses.smooth_labels", lambda x: 0.8 * x + 0.2 / x.shape[-1], P)
write("losses.json")
print(len(CASES), "cases")
