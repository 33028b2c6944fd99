"""Writes weak_types.txt: for every primitive that JAX shares with the library, when its results are weakly typed.

Run with JAX 0.10.2:  python weak_types.py > weak_types.txt

Each primitive is traced once for every choice of weakly typed operands, and the weakness of its results is read from the equation, so the
table says what JAX's own rules say. The choices are then named: `all` (weak if every operand is), `first`, `cases` (all but the first),
`never`, `each` (each result as the operand in its place), `same` (whatever its parameter says).
"""

import itertools

import jax
import jax.ad_checkpoint
import jax.extend.random
import jax.numpy as jnp
from jax import lax
from jax._src import ad_util
from jax._src.lax import lax as internal
from jax._src.lax import windowed_reductions as windows

jax.config.update("jax_enable_x64", True)
F, I, U, B, C = jnp.float32, jnp.int32, jnp.uint32, jnp.bool_, jnp.complex64
X, Y = ((3, 2), F), ((3, 2), F)
XI, XU, XB, XC = ((3, 2), I), ((3, 2), U), ((3, 2), B), ((3, 2), C)
unary = lambda f, *of: [(f, [x]) for x in of]
binary = lambda f, *of: [(f, [x, x]) for x in of]
gathered = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
put = lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,))
ROW, AT, ROWS = ((1, 2), F), ((4, 1), I), ((4, 2), F)
scatter = lambda f, kept: [(lambda x, i, u: f(x, i, u, put), [x, AT, (ROWS[0], x[1])]) for x in kept]
fold = lambda f, *of: [(lambda x: f.bind(x, axes=(0,), **({"out_sharding": None} if f is lax.reduce_sum_p else {})), [x]) for x in of]
running = lambda f: [(lambda x: f(x, 0), [X])]
index = lambda f: [(lambda x: f(x, 0, I), [X, ]), (lambda x: f(x, 0, I), [XI])]

PRIMITIVES = {
    **{name: unary(getattr(lax, name), X) for name in (
        "exp exp2 expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh logistic sqrt rsqrt cbrt erf erfc "
        "erf_inv lgamma digamma bessel_i0e bessel_i1e floor ceil").split()},
    "sign": unary(lax.sign, X, XI, XC),
    "not": unary(lax.bitwise_not, XI, XB),
    "population_count": unary(lax.population_count, XI, XU),
    "clz": unary(lax.clz, XI, XU),
    "neg": unary(lax.neg, X, XI, XC),
    "abs": unary(lax.abs, X, XI, XC),
    "real": unary(lax.real, XC), "imag": unary(lax.imag, XC),
    "conj": unary(lambda x: lax.conj_p.bind(x, input_dtype=C), XC),
    "complex": binary(lax.complex, X),
    "is_finite": unary(lax.is_finite, X),
    "integer_pow": unary(lambda x: lax.integer_pow(x, 3), X, XI, XC),
    "reduce_precision": unary(lambda x: lax.reduce_precision(x, 5, 10), X),
    "round": unary(lax.round, X),
    "add": binary(lax.add, X, XI, XC), "sub": binary(lax.sub, X, XI, XC), "mul": binary(lax.mul, X, XI, XC),
    "add_any": binary(ad_util.add_jaxvals_p.bind, X, XC),
    "div": binary(lax.div, X, XI, XC), "rem": binary(lax.rem, X, XI),
    "pow": [(lax.pow, [X, X]), (lax.pow, [X, XI])],
    "atan2": binary(lax.atan2, X), "nextafter": binary(lax.nextafter, X), "polygamma": binary(lax.polygamma, X),
    "max": binary(lax.max, X, XI), "min": binary(lax.min, X, XI),
    "and": binary(lax.bitwise_and, XI, XB), "or": binary(lax.bitwise_or, XI, XB), "xor": binary(lax.bitwise_xor, XI, XB),
    **{name: binary(getattr(lax, name), XI, XU) for name in ("shift_left", "shift_right_logical", "shift_right_arithmetic")},
    **{name: binary(getattr(lax, name), X, XI) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name + "_to": binary(getattr(internal, name + "_to_p").bind, X) for name in ("eq", "lt", "le")},
    "select_n": [(lax.select_n, [XB, X, X]), (lax.select_n, [XB, XI, XI]), (lax.select_n, [XI, X, X, X])],
    "convert_element_type": [
        (lambda x, weak=weak, to=to: lax.convert_element_type_p.bind(x, new_dtype=jnp.dtype(to), weak_type=weak, sharding=None), [x])
        for x, to in ((X, I), (X, C), (XI, F)) for weak in (False, True)],
    "bitcast_convert_type": [(lambda x: lax.bitcast_convert_type(x, I), [X]), (lambda x: lax.bitcast_convert_type(x, F), [XI])],
    "iota": [(lambda: lax.broadcasted_iota(F, (2, 3), 0), [])],
    "broadcast_in_dim": unary(lambda x: lax.broadcast_in_dim(x, (4, 3, 2), (1, 2)), X, XI),
    "reshape": unary(lambda x: lax.reshape(x, (6,)), X, XI),
    "squeeze": [(lambda x: lax.squeeze(x, (1,)), [((3, 1), F)]), (lambda x: lax.squeeze(x, (1,)), [((3, 1), I)])],
    "transpose": unary(lambda x: lax.transpose(x, (1, 0)), X, XI),
    "slice": unary(lambda x: lax.slice(x, (0, 0), (2, 1)), X),
    "pad": [(lambda x, v: lax.pad(x, v, [(1, 1, 0), (0, 0, 0)]), [X, ((), F)])],
    "rev": unary(lambda x: lax.rev(x, (0,)), X),
    "concatenate": [(lambda *x: lax.concatenate(x, 0), [X] * n) for n in (2, 3)],
    "dynamic_slice": [(lambda x, i, j: lax.dynamic_slice_p.bind(x, i, j, slice_sizes=(1, 2)), [X, ((), I), ((), I)])],
    "dynamic_update_slice": [(lax.dynamic_update_slice_p.bind, [X, ROW, ((), I), ((), I)])],
    "gather": [(lambda x, i: lax.gather(x, i, gathered, (1, 2)), [X, AT])],
    "scatter": scatter(lax.scatter, [X, XI]),
    "scatter-add": scatter(lax.scatter_add, [X, XI]), "scatter-sub": scatter(lax.scatter_sub, [X, XI]),
    "scatter-mul": scatter(lax.scatter_mul, [X, XI]),
    "scatter-min": scatter(lax.scatter_min, [X, XI]), "scatter-max": scatter(lax.scatter_max, [X, XI]),
    "reduce_sum": fold(lax.reduce_sum_p, X, XI), "reduce_prod": fold(lax.reduce_prod_p, X, XI),
    "reduce_max": fold(lax.reduce_max_p, X, XI), "reduce_min": fold(lax.reduce_min_p, X, XI),
    "reduce_and": fold(lax.reduce_and_p, XI, XB), "reduce_or": fold(lax.reduce_or_p, XI, XB),
    "reduce_xor": fold(lax.reduce_xor_p, XI, XB),
    "argmax": index(lax.argmax), "argmin": index(lax.argmin),
    "cumsum": running(lax.cumsum), "cumprod": running(lax.cumprod), "cummax": running(lax.cummax), "cummin": running(lax.cummin),
    "cumlogsumexp": running(lax.cumlogsumexp),
    "sort": [(lambda x: lax.sort(x), [X]), (lambda x, y: lax.sort((x, y)), [X, XI])],
    "top_k": [(lambda x: lax.top_k(x, 1), [X]), (lambda x: lax.top_k(x, 1), [XI])],
    "dot_general": [(lambda x, y: lax.dot_general(x, y, (((0,), (0,)), ((), ()))), [x, x]) for x in (X, XI)],
    "conv_general_dilated": [(lambda x, y: lax.conv(x, y, (1,), "VALID"), [((1, 1, 4), F), ((1, 1, 2), F)])],
    **{f"reduce_window_{name}": [(lambda x, f=getattr(windows, f"_reduce_window_{name}"): f(x, (2, 2), (1, 1), ((0, 0), (0, 0))), [X])]
       for name in ("sum", "max", "min")},
    "select_and_gather_add": [(lambda x, y: windows._select_and_gather_add(
        x, y, lax.ge_p, (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1)), [X, X])],
    "select_and_scatter_add": [(lambda x, y: windows._select_and_scatter_add(
        x, y, lax.ge_p, (2, 2), (1, 1), ((0, 0), (0, 0))), [((2, 1), F), X])],
    "threefry2x32": [(jax.extend.random.threefry2x32_p.bind, [XU] * 4)],
    "psum": [(lambda x: lax.psum(x, "i"), [x]) for x in (X, XI)],
    "pmax": [(lambda x: lax.pmax(x, "i"), [x]) for x in (X, XI)],
    "pmin": [(lambda x: lax.pmin(x, "i"), [x]) for x in (X, XI)],
    "axis_index": [(lambda: lax.axis_index("i"), [])],
    "all_gather": [(lambda x: lax.all_gather(x, "i"), [X])],
    "reduce_scatter": [(lambda x: lax.psum_scatter(x, "i"), [((4, 2), F)])],
    "all_to_all": [(lambda x: lax.all_to_all(x, "i", 0, 0), [((4, 2), F)])],
    "ppermute": [(lambda x: lax.ppermute(x, "i", [(0, 1)]), [X])],
    "stop_gradient": unary(lax.stop_gradient, X),
    "copy": unary(lax.copy_p.bind, X),
    "name": unary(lambda x: jax.ad_checkpoint.checkpoint_name(x, "n"), X),
}


def equation(name, f, specs, mask):
    args = [jax.ShapeDtypeStruct(shape, dtype, weak_type=weak) for (shape, dtype), weak in zip(specs, mask)]
    jaxpr = jax.make_jaxpr(f, axis_env=[("i", 4)])(*args).jaxpr
    eqns = [e for e in jaxpr.eqns if e.primitive.name in (name, name + "_invariant", "psum_invariant" if name == "psum" else "")]
    assert len(eqns) == 1, (name, jaxpr)
    assert [v.aval.weak_type for v in eqns[0].invars] == list(mask), (name, jaxpr)
    return eqns[0]


def rules(name, f, specs):
    """The names of the rules that fit."""
    fits = {"all": all, "first": lambda m: bool(m) and m[0], "cases": lambda m: all(m[1:]), "never": lambda m: False, "each": list}
    if not specs:
        fits = {"never": fits["never"]}
    known = set(fits)
    given = set()
    for mask in itertools.product([False, True], repeat=len(specs)):
        e = equation(name, f, specs, mask)
        given.add(e.params.get("weak_type"))
        weak = [v.aval.weak_type for v in e.outvars]
        same = lambda w: w if isinstance(w, list) else [w] * len(weak)
        known = {k for k in known if same(fits[k](mask)) == weak}
        weak = set(weak)
    return known, given, weak


for name, tries in PRIMITIVES.items():
    known = {"all", "first", "cases", "never", "each"}
    told = True
    for f, specs in tries:
        more, given, weak = rules(name, f, specs)
        known &= more
        told &= given == weak
    if told:
        known = {"same"}
    rank = [r for r in ("same", "all", "first", "cases", "never", "each") if r in known]
    print(name, rank[0] if rank else "?")
