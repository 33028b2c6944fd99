"""Records what JAX computes for the functions of nn, special and stats, with gradients: writes functions.json. See cases.py."""

import jax
import jax.numpy as jnp
import numpy as np
from cases import CASES, INF, NAN, case, write
from jax import nn
from jax.scipy import special, stats

X = [-2.5, -1.3, -0.4, 0.3, 0.7, 1.9, 4.2]
EDGES = [-7.0, -3.0, -1.0, -0.0, 0.0, 1.0, 3.0, 6.0, 700.0, -700.0, INF]
for name in ("relu relu6 sigmoid softplus silu swish log_sigmoid hard_sigmoid hard_silu hard_swish hard_tanh tanh selu mish "
             "soft_sign sparse_plus sparse_sigmoid identity").split():
    f = getattr(nn, name)
    case("nn." + name, f, X)
    case("nn." + name, f, EDGES[:-1], smooth=False)
case("nn.log1mexp", nn.log1mexp, [0.01, 0.3, 0.69, 0.7, 2.0, 30.0])
for name, value in [("elu", 0.7), ("celu", 1.7), ("leaky_relu", 0.1), ("squareplus", 3.0)]:
    case("nn." + name, lambda x, f=getattr(nn, name), v=value: f(x, v), X)
    case("nn." + name, lambda x, f=getattr(nn, name), v=value: f(x, v), EDGES[:-1], smooth=False)
case("nn.gelu", lambda x: nn.gelu(x, True), X)
case("nn.gelu_exact", lambda x: nn.gelu(x, False), X)
M = [[0.3, -1.2, 2.0, 0.1], [1.5, 0.2, -0.7, 0.9], [0.0, 3.0, -2.0, 1.0]]
MASK = np.array([[True, True, False, True], [False, True, True, True], [True, True, True, False]])
case("nn.glu", lambda x: nn.glu(x, -1), M)
case("nn.softmax", lambda x: nn.softmax(x, -1), M)
case("nn.softmax_0", lambda x: nn.softmax(x, 0), M)
case("nn.softmax_both", lambda x: nn.softmax(x, (0, 1)), M)
case("nn.softmax_where", lambda x: nn.softmax(x, -1, where=MASK), M)
case("nn.log_softmax", lambda x: nn.log_softmax(x, -1), M)
case("nn.log_softmax_0", lambda x: nn.log_softmax(x, 0), M)
case("nn.logsumexp", lambda x: nn.logsumexp(x), M)
case("nn.logsumexp_1", lambda x: nn.logsumexp(x, axis=1, keepdims=True), M)
case("nn.logsumexp_where", lambda x: nn.logsumexp(x, axis=1, where=MASK), M)
case("nn.logsumexp_weights", lambda x, b: nn.logsumexp(x, axis=1, b=b), M, np.abs(M) + 0.5)
case("nn.logsumexp_signed", lambda x, b: special.logsumexp(x, axis=1, b=b, return_sign=True)[0], M, np.array(M) + 0.25)
case("nn.logsumexp", nn.logsumexp, [-INF, 0.0], smooth=False)
case("nn.logsumexp", nn.logsumexp, [-INF, -INF], by=(), smooth=False)
case("nn.logsumexp", nn.logsumexp, [INF, 0.0], smooth=False)
case("nn.logmeanexp", lambda x: nn.logmeanexp(x), M)
case("nn.logmeanexp_where", lambda x: nn.logmeanexp(x, axis=0, where=MASK), M)
case("nn.standardize", lambda x: nn.standardize(x), M)
case("nn.standardize_stable", lambda x: nn.standardize(x, axis=0, epsilon=0.1, algorithm="stable"), M)
case("nn.standardize_where", lambda x: nn.standardize(x, axis=(0, 1), where=MASK), M)
rng = np.random.default_rng(3)
Q, K, V = (rng.normal(size=(2, 3, n, 4)) for n in (4, 2, 2))
BIAS = rng.normal(size=(2, 1, 3, 3))
SEEN = rng.random((2, 4, 3, 3)) < 0.7


# the softmax of JAX is in float32 here, whatever the operands are; ours is in their type
def attention(causal=False, **kw):
    def f(q, k, v, bias=None):
        with_groups = jnp.repeat(k, q.shape[2] // k.shape[2], 2), jnp.repeat(v, q.shape[2] // v.shape[2], 2)
        k, v = with_groups
        logits = jnp.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
        if bias is not None:
            logits = logits + bias
        t = np.arange(3)
        seen = np.ones((2, 4, 3, 3), bool)
        if causal:
            seen &= t[:, None] >= t
        if "mask" in kw:
            seen &= kw["mask"]
        if "window" in kw:
            seen &= (t[:, None] <= t + kw["window"][0]) & (t[:, None] >= t - kw["window"][1])
        if "lengths" in kw:
            seen &= (t < np.array(kw["lengths"])[:, None])[:, None, None, :]
        logits = jnp.where(seen, logits, -0.7 * float(np.finfo(np.float32).max))
        y = jnp.einsum("bnts,bsnh->btnh", nn.softmax(logits), v)
        options = {"is_causal": causal, "mask": kw.get("mask"), "local_window_size": kw.get("window"), "bias": bias}
        if "lengths" in kw:
            options["key_value_seq_lengths"] = jnp.array(kw["lengths"], jnp.int32)
        if not isinstance(q, jax.core.Tracer):
            theirs = nn.dot_product_attention(q, k, v, **options)
            assert np.allclose(y, theirs, rtol=1e-5, atol=1e-6)
        return y
    return f


case("nn.attention", attention(), Q, K, V)
case("nn.attention_causal", attention(True), Q, K, V)
case("nn.attention_bias", attention(mask=SEEN), Q, K, V, BIAS)
case("nn.attention_window", attention(window=(1, 0)), Q, K, V)
case("nn.attention_lengths", attention(lengths=(2, 3)), Q, K, V)
CASES[-3]["mask"] = [int(m) for m in SEEN.reshape(-1)]

P = [0.02, 0.3, 1.0, 1.7, 5.5, 23.0]
for name in "gammaln digamma gamma factorial loggamma".split():
    case("special." + name, getattr(special, name), P)
case("special.gamma", special.gamma, [-0.5, -1.5, -2.3, -4.7])
case("special.gammaln", special.gammaln, [-0.5, -1.5, -2.3, -4.7])
case("special.gammasgn", special.gammasgn, [-0.5, -1.5, -2.0, 0.0, -0.0, 3.0, NAN], smooth=False)
A = [0.1, 0.5, 1.0, 2.5, 8.0, 30.0, 3.0, 150.0]
B = [0.7, 2.0, 1.0, 0.3, 9.0, 2.0, 200.0, 160.0]
# where the greater one is about 8, JAX's betaln has eight digits
case("special.betaln", lambda a, b: special.gammaln(a) + special.gammaln(b) - special.gammaln(a + b), A, B)
case("special.beta", special.beta, A[:4], B[:4])
case("special.beta", special.beta, [-0.5, 1.5], [0.7, -0.3])
case("special.comb", special.comb, [5.0, 7.5, 40.0], [2.0, 3.25, 17.0])
case("special.comb", special.comb, [5.0, -1.0, 4.0], [6.0, 1.0, -1.0], smooth=False)
case("special.multigammaln", lambda a: special.multigammaln(a, 3), [1.5, 2.0, 7.5])
case("special.poch", special.poch, [0.5, 1.0, 3.2, 7.0], [2.0, 0.5, 1.7, 3.0])
case("special.zeta", special.zeta, [1.1, 2.0, 3.5, 10.0, 40.0], [0.3, 1.0, 2.5, 20.0, 0.9])
case("special.zeta", special.zeta, [1.0, 0.5, 2.0, 3.0], [2.0, 2.0, -1.0, 0.0], by=(), smooth=False)
case("special.polygamma", lambda n, x: special.polygamma(n.astype(int), x), [0.0, 1.0, 2.0, 3.0, 7.0], [0.3, 1.0, 2.5, 20.0, 0.9], by=(1,))
IA = [0.1, 0.5, 1.0, 2.5, 8.5, 30.0, 3.5, 150.0]
IX = [0.7, 2.0, 1.0, 0.3, 9.0, 20.0, 20.0, 160.0]
case("special.gammainc", special.gammainc, IA, IX)
case("special.gammaincc", special.gammaincc, IA, IX)
# where a is an integer JAX's derivative by it has nine digits, for the fraction seems to have converged
case("special.gammainc", special.gammainc, [8.0, 2.0, 1.0], [9.0, 20.0, 2.5], by=(1,), checked=(0, 1))
case("special.gammainc", special.gammainc, [0.01, 0.3], [1e-5, 1e-9], smooth=False)
WRONG = ([0.0, 1.0, 1.0, -1.0, 1.0, 0.0, 2.0, 1.0], [1.0, 0.0, INF, 1.0, -1.0, 0.0, NAN, 1e4])
case("special.gammainc", special.gammainc, *WRONG, by=(), smooth=False)
case("special.gammaincc", special.gammaincc, *WRONG, by=(), smooth=False)
case("special.gammainc_grad_a", jax.lax.igamma_grad_a, IA, IX, by=())
case("special.random_gamma_grad", jax.lax.random_gamma_grad, IA, IX, by=())
BX = [0.3, 0.5, 0.9, 0.99, 0.4, 0.95, 0.02, 0.5]
case("special.betainc", special.betainc, A, B, BX, by=(2,), checked=(0, 1, 2))
case("special.betainc", special.betainc, [0.0, 1.0, 0.0, 2.0, 2.0, 2.0, -1.0, INF, 2.0], [1.0, 0.0, 0.0, 3.0, 3.0, 3.0, 1.0, 1.0, NAN],
     [0.5, 0.5, 0.5, 0.0, 1.0, 1.5, 0.5, 0.5, 0.5], by=(), smooth=False)
for name in "erf erfc expit ndtr log_ndtr".split():
    case("special." + name, getattr(special, name), X)
case("special.erfcx", special.erfcx, X + [-4.0, 7.0, 20.0])
case("special.dawsn", special.dawsn, X + [-9.0, 0.01, 30.0])
case("special.log_ndtr", special.log_ndtr, [-30.0, -12.0, -6.0, 9.0])
PROB = [0.03, 0.2, 0.5, 0.77, 0.95]
case("special.erfinv", special.erfinv, [-0.9, -0.4, 0.01, 0.6])
case("special.erfinv", special.erfinv, [-0.99999, 0.999], smooth=False)
case("special.ndtri", special.ndtri, [1e-12, 1e-200, 0.003, 0.9999], smooth=False)
case("special.logit", special.logit, [1e-12, 0.9999], smooth=False)
case("special.ndtri", special.ndtri, PROB)
case("special.ndtri", special.ndtri, [0.0, 1.0, -0.5, 2.0], by=(), smooth=False)
case("special.logit", special.logit, PROB)
case("special.xlogy", special.xlogy, [0.3, 1.0, 4.0], [0.7, 2.0, 5.0])
case("special.xlogy", special.xlogy, [0.0, 0.0, 1.0], [0.0, NAN, 0.0], smooth=False)
case("special.xlog1py", special.xlog1py, [0.3, 1.0, 4.0], [-0.7, 2.0, 5.0])
case("special.xlog1py", special.xlog1py, [0.0, 0.0], [-1.0, NAN], smooth=False)
case("special.entr", special.entr, [0.3, 1.0, 4.0])
# the derivative below 0 is NaN in JAX, and 0 here
case("special.entr", special.entr, [-1.0, 0.0], by=(), smooth=False)
case("special.rel_entr", special.rel_entr, [0.3, 1.0, 4.0], [0.7, 2.0, 5.0])
case("special.rel_entr", special.rel_entr, [0.0, -1.0, 1.0, 0.0], [1.0, 1.0, 0.0, -1.0], smooth=False)
case("special.kl_div", special.kl_div, [0.3, 1.0, 4.0], [0.7, 2.0, 5.0])
case("special.boxcox", special.boxcox, [0.3, 1.0, 4.0], [0.7, 0.5, -2.0])
case("special.boxcox", special.boxcox, [0.3, 2.0], [0.0, 0.0], by=(0,), smooth=False)
case("special.boxcox1p", special.boxcox1p, [0.3, 1.0, 4.0], [0.7, 0.5, -2.0])
for name in "i0 i0e i1 i1e".split():
    case("special." + name, getattr(special, name), X + [9.5])
case("special.expi", special.expi, [-20.0, -1.5, -0.3, 0.2, 1.0, 5.0, 25.0, 38.0, 60.0])
# at 0 and the infinities JAX has NaN, and we, as SciPy, minus infinity, infinity and 0
case("special.exp1", special.exp1, [0.01, 0.3, 0.99, 1.01, 5.0, 40.0])
case("special.expn", lambda n, x: special.expn(n.astype(int), x), [1.0, 2.0, 3.0, 5.0, 2.0, 10.0], [0.3, 0.9, 1.5, 0.01, 20.0, 2.0], by=(1,))
case("special.expn", lambda n, x: special.expn(n.astype(int), x), [1.0, 0.0, 3.0], [0.0, 2.0, -1.0], by=(), smooth=False)
# JAX's derivative is NaN in places
case("special.spence", special.spence, [0.01, 0.3, 0.6, 0.95, 1.3, 1.7, 2.5, 40.0], by=(), checked=(0,))
case("special.spence", special.spence, [0.0, 1.0, -1.0], by=(), smooth=False)
case("special.si", lambda x: special.sici(x)[0], [-30.0, -2.0, 0.1, 1.0, 3.9, 4.1, 9.0, 50.0])
case("special.ci", lambda x: special.sici(x)[1], [0.1, 1.0, 3.9, 4.1, 9.0, 50.0])
case("special.bessel_jn", lambda x: special.bessel_jn(x, v=4), [0.3, 1.7, 8.0, 15.0])


def later():
    """What came later; all of it is real functions of real numbers."""
    complex_ = jax.lax.complex
    H1 = ([0.3, 1.0, 2.5, 4.0, 7.0], [1.2, 2.0, 0.7, 9.5, 7.5], [0.4, 3.0, 1.5, 20.0, 0.1])
    case("special.hyp1f1", special.hyp1f1, *H1)
    case("special.hyp1f1", special.hyp1f1, [0.0, 0.0, 2.0, 1.5], [0.0, 1.0, 2.0, 0.0], [0.3, 0.3, 0.7, 0.2], by=(), smooth=False)
    H2 = ([0.3, 1.0, 2.5, 0.5], [0.7, 2.0, 0.4, 0.5], [1.9, 3.5, 4.0, 1.5], [0.2, 0.5, 0.8, 0.1])
    case("special.hyp2f1", special.hyp2f1, *H2)
    case("special.hyp2f1", special.hyp2f1, [0.5, 0.3, 1.0, 2.0, -2.0], [0.5, 0.2, 1.0, 0.0, 0.7], [1.5, 1.9, 1.2, 3.0, 2.5], [1.0, 0.95, 2.0, 0.5, 0.6], by=(), smooth=False)
    OH, OA = [0.1, 1.0, 2.5, -0.7, 3.0, 0.3], [0.3, 0.5, -0.9, 4.0, 1.5, -2.5]
    case("special.owens_t", special.owens_t, OH, OA)
    case("special.owens_t", special.owens_t, [0.0, 0.0, 1.0, 2.0], [0.5, 3.0, 1.0, 0.0], by=(), smooth=False)
    case("special.fresnel_s", lambda x: special.fresnel(x)[0], [-1.3, 0.02, 0.7, 1.49, 1.51, 4.0])
    case("special.fresnel_c", lambda x: special.fresnel(x)[1], [-1.3, 0.02, 0.7, 1.49, 1.51, 4.0])
    WX, WY = [0.0, 1.0, -2.5, 0.3, 4.0, 20.0], [1.0, 0.0, 0.7, -0.6, 3.0, 0.1]
    case("special.wofz_re", lambda x, y: jnp.real(special.wofz(complex_(x, y))), WX, WY)
    case("special.wofz_im", lambda x, y: jnp.imag(special.wofz(complex_(x, y))), WX, WY)
    harmonic = lambda n, m, t, p: special.sph_harm_y(n.astype(int), m.astype(int), t, p, n_max=5)
    SN = ([0.0, 1.0, 2.0, 3.0, 5.0, 5.0], [0.0, -1.0, 1.0, 3.0, -2.0, 5.0], [0.4, 1.1, 2.0, 0.9, 2.7, 1.4], [0.3, 5.0, 2.2, 4.1, 1.0, 0.2])
    case("special.sph_harm_y_re", lambda *x: jnp.real(harmonic(*x)), *SN, by=(), checked=(2, 3))
    case("special.sph_harm_y_im", lambda *x: jnp.imag(harmonic(*x)), *SN, by=(), checked=(2, 3))


later()
D = [-1.4, 0.2, 0.9, 3.1]
LOC, SCALE = [0.3, -0.2, 0.1, 1.0], [0.7, 1.3, 2.0, 0.9]
Q = [0.05, 0.4, 0.5, 0.93]


def distribution(name, functions, first, *parameters, by=None, checked=None):
    module = getattr(stats, name)
    for f in functions.split():
        x = Q if f in ("ppf", "isf") else first
        case(f"stats.{name}.{f}", getattr(module, f), x, *parameters, by=by, checked=checked)


distribution("norm", "logpdf pdf cdf logcdf sf logsf ppf isf", D, LOC, SCALE)
distribution("uniform", "logpdf pdf cdf ppf", [0.4, 0.2, 0.9, 3.1], LOC, SCALE)
distribution("expon", "logpdf pdf cdf logcdf sf logsf ppf", [0.4, 0.2, 0.9, 3.1], LOC, SCALE)
SHAPE, SHAPE2 = [0.6, 1.5, 4.0, 2.0], [1.2, 0.5, 3.0, 2.5]
distribution("gamma", "logpdf pdf cdf logcdf sf logsf", [0.4, 0.2, 0.9, 3.1], SHAPE, LOC, SCALE)
distribution("chi2", "logpdf pdf cdf logcdf sf logsf", [0.4, 0.2, 0.9, 3.1], SHAPE, LOC, SCALE)
distribution("beta", "logpdf pdf", [0.4, 0.2, 0.9, 1.2], SHAPE, SHAPE2, LOC, SCALE)
distribution("beta", "cdf logcdf sf logsf", [0.4, 0.2, 0.9, 1.2], SHAPE, SHAPE2, LOC, SCALE, by=(0, 3, 4), checked=(0, 1, 2, 3, 4))
distribution("t", "logpdf pdf", D, SHAPE, LOC, SCALE)
distribution("cauchy", "logpdf pdf cdf logcdf sf logsf ppf isf", D, LOC, SCALE)
distribution("laplace", "logpdf pdf cdf", D, LOC, SCALE)
distribution("logistic", "logpdf pdf cdf sf ppf isf", D, LOC, SCALE)
distribution("truncnorm", "logpdf pdf cdf logcdf sf logsf", [0.4, 0.2, 0.9, 2.1], [-1.0, -0.5, 0.2, 1.0], [2.0, 0.9, 1.5, 3.0], LOC, SCALE)
OUT = [-9.0, 9.0, 0.0, 1.0]
for name, parameters in [("norm", 0), ("uniform", 0), ("expon", 0), ("gamma", 1), ("chi2", 1), ("beta", 2), ("laplace", 0), ("logistic", 0)]:
    parameters = [[1.5] * 4] * parameters + [[0.0] * 4, [1.0] * 4]
    for f in "logpdf cdf".split():
        case(f"stats.{name}.{f}", getattr(getattr(stats, name), f), OUT, *parameters, by=(), smooth=False)
case("stats.bernoulli.logpmf", stats.bernoulli.logpmf, [0.0, 1.0, 2.0, -1.0], [0.2, 0.7, 0.5, 0.5], [0.0] * 4, by=(1,), smooth=False)
case("stats.bernoulli.pmf", stats.bernoulli.pmf, [0.0, 1.0], [0.2, 0.7], [0.0] * 2, by=(1,))
case("stats.bernoulli.cdf", stats.bernoulli.cdf, [-1.0, 0.0, 0.5, 1.0, 0.0], [0.2, 0.7, 0.5, 0.5, 1.5], by=(1,), smooth=False)
case("stats.bernoulli.ppf", stats.bernoulli.ppf, [0.1, 0.9, 0.5, 1.5], [0.2, 0.7, 0.5, 0.5], by=(), smooth=False)
case("stats.poisson.logpmf", stats.poisson.logpmf, [0.0, 3.0, 10.0], [0.2, 2.7, 8.5], [0.0] * 3, by=(1,))
case("stats.poisson.logpmf", stats.poisson.logpmf, [-1.0, 0.5], [0.2, 2.7], [0.0] * 2, by=(), smooth=False)
case("stats.poisson.pmf", stats.poisson.pmf, [0.0, 3.0, 10.0], [0.2, 2.7, 8.5], [0.0] * 3, by=(1,))
case("stats.poisson.cdf", stats.poisson.cdf, [0.0, 3.0, 10.0], [0.2, 2.7, 8.5], [0.0] * 3, by=(1,))
case("stats.poisson.cdf", stats.poisson.cdf, [-1.0, 2.5], [0.2, 2.7], [0.0] * 2, by=(), smooth=False)
COV = [[1.0, 0.2, 0.3], [0.2, 2.0, 0.1], [0.3, 0.1, 1.5]]
case("stats.multivariate_normal.logpdf", stats.multivariate_normal.logpdf, [[0.1, 0.5, -1.0], [2.0, 0.0, 0.3]], [0.3, -0.2, 0.1], COV, by=(0, 1))
case("stats.multivariate_normal.pdf", stats.multivariate_normal.pdf, [0.1, 0.5, -1.0], [0.3, -0.2, 0.1], COV, by=(0, 1))
case("stats.multivariate_normal.logpdf", stats.multivariate_normal.logpdf, [0.1, 0.5, -1.0], [0.3, -0.2, 0.1], 1.7)
case("stats.multivariate_normal.logpdf", stats.multivariate_normal.logpdf, [0.1, 0.5, -1.0], 0.3, 1.7)
case("stats.dirichlet.logpdf", stats.dirichlet.logpdf, [[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]], [1.5, 0.7, 3.0], smooth=False)
case("stats.dirichlet.pdf", stats.dirichlet.pdf, [0.2, 0.3], [1.5, 0.7, 3.0])
case("stats.dirichlet.logpdf", stats.dirichlet.logpdf, [0.2, 0.3, 0.7], [1.5, 0.7, 3.0], by=(), smooth=False)

write("functions.json")
print(len(CASES), "cases")
