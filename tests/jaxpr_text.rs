//! Printed programs against the texts that JAX prints, character by character.

use cotangent::jaxpr::Loaded;
use cotangent::prelude::*;
use cotangent::prim::{
    self, GatherDimensionNumbers, GatherOptions, GatherScatterMode, ScatterDimensionNumbers, ScatterOptions,
};
use cotangent::{Jaxpr, Jit, checkpoint, jvp, lax, make_jaxpr, np, vmap, vmap_axes};
use expect_test::{Expect, expect};
use num_complex::Complex;
use std::collections::BTreeMap;
use std::sync::Arc;

fn f(shape: &[usize]) -> Array {
    prim::broadcast_in_dim(&Array::from(1.0f32).astype(DType::Float32), shape, &[])
}
fn i(shape: &[usize]) -> Array {
    prim::broadcast_in_dim(&Array::from(1i32).astype(DType::Int32), shape, &[])
}
/// A number, whose type is weak.
fn number() -> Array {
    array(2.0)
}
fn strong(x: &Array) -> Array {
    x.astype(DType::Float32)
}
/// An integer that is no Python number.
fn index(n: i32) -> Array {
    array(n).astype(DType::Int32)
}
fn one(f: impl Fn(&Array) -> Array + Send + Sync, x: Array) -> Arc<Jaxpr> {
    make_jaxpr(f, (&x,))
}
fn two(f: impl Fn(&Array, &Array) -> Array + Send + Sync, x: Array, y: Array) -> Arc<Jaxpr> {
    make_jaxpr(f, (&x, &y))
}
fn many(f: impl Fn(&Vec<Array>) -> Vec<Array> + Send + Sync, n: usize) -> Arc<Jaxpr> {
    make_jaxpr(f, (&vec![self::f(&[3]); n],))
}
/// JAX's name for what `f` does, in the form in which jnp calls it.
fn named<'f, S, F>(name: &str, f: F) -> F::With<'f, F::Out>
where
    F: cotangent::Function<S, Out: Pytree> + 'f,
{
    Jit::new().name(name).of(f)
}
/// A position counted from the end if it is negative, as in jnp.
fn wrapped(i: &Array, n: i32) -> Array {
    prim::select_n(&i.lt(0), &[i, &(i + n)])
}
fn column(i: &Array) -> Array {
    let dims: Vec<usize> = (0..i.ndim()).collect();
    prim::broadcast_in_dim(i, &[i.shape(), &[1]].concat(), &dims)
}
fn elements() -> ScatterDimensionNumbers {
    ScatterDimensionNumbers::new(&[], &[0], &[0])
}
fn where_same(c: &Array, x: &Array, y: &Array) -> Array {
    named("_where", |c: &Array, x: &Array, y: &Array| prim::select_n(c, &[y, x]))(c, x, y)
}

/// Programs that are to print as JAX's do, by the ids of the recorded cases.
#[rustfmt::skip]
fn programs() -> Vec<(&'static str, Arc<Jaxpr>)> {
    let (zero, half_dropped) = (number() * 0.0, |x: &Array| jit(|x: &Array| (x.sin(), x.cos()))(x).1);
    let sine_times = jit(|x: &Array| x.sin() * x);
    vec![
        ("lambda x: x + 1 @ 1.", one(|x| x + 1, number())),
        ("lambda x: jnp.sin(x) * 2 @ f(3)", one(|x| x.sin() * 2, f(&[3]))),
        ("lambda x: jnp.sum(x) @ f(2,3)", one(|x| x.sum(), f(&[2, 3]))),
        ("lambda x: jnp.mean(x, axis=0) @ f(2,3)", one(|x| prim::reduce_sum(x, &[0]) / 2, f(&[2, 3]))),
        ("lambda x: jnp.max(x, axis=1) @ f(2,3)", one(|x| prim::reduce_max(x, &[1]), f(&[2, 3]))),
        ("lambda x: x.T @ f(2,3)", one(|x| x.t(), f(&[2, 3]))),
        ("lambda x: x.reshape(6) @ f(2,3)", one(|x| x.reshape(&[6]), f(&[2, 3]))),
        ("lambda x: x[1:3] @ f(5)", one(|x| prim::slice(x, &[1], &[3], None), f(&[5]))),
        ("lambda x: x[0] @ f(3)", one(|x| prim::squeeze(&prim::slice(x, &[0], &[1], None), &[0]), f(&[3]))),
        ("lambda x, i: x[i] @ f(5) i()", two(|x, i| {
            prim::squeeze(&prim::dynamic_slice(x, &[&wrapped(i, 5)], &[1]), &[0])
        }, f(&[5]), i(&[]))),
        ("lambda x: x[::2] @ f(5)", one(|x| prim::slice(x, &[0], &[5], Some(&[2])), f(&[5]))),
        ("lambda x, i: x[i] @ f(5) i(2)", two(|x, i| {
            let options = GatherOptions { mode: GatherScatterMode::PromiseInBounds, ..Default::default() };
            prim::gather(x, &column(&wrapped(i, 5)), &GatherDimensionNumbers::new(&[], &[0], &[0]), &[1], &options)
        }, f(&[5]), i(&[2]))),
        ("lambda x: x.at[0].set(1.) @ f(3)", one(|x| {
            let options = ScatterOptions { unique_indices: true, indices_are_sorted: true, ..Default::default() };
            prim::scatter(x, &prim::broadcast_in_dim(&index(0), &[1], &[]), &strong(&array(1.0)), &elements(), &options)
        }, f(&[3]))),
        ("lambda x: x.at[jnp.array([0, 1])].add(1.) @ f(3)", one({
            let i = array![0, 1];
            move |x| {
                let i = column(&wrapped(&i, 3));
                let u = prim::broadcast_in_dim(&strong(&array(1.0)), &[2], &[]);
                prim::scatter_add(x, &i, &u, &elements(), &Default::default())
            }
        }, f(&[3]))),
        ("lambda x: jnp.where(x > 0, x, 0.) @ f(3)", one(|x| {
            let choose = |c: &Array, x: &Array, y: &Array| {
                prim::select_n(c, &[&prim::broadcast_in_dim(&strong(y), x.shape(), &[]), x])
            };
            named("_where", choose)(&x.gt(0), x, &zero)
        }, f(&[3]))),
        ("lambda x: jax.checkpoint(jnp.sin)(x) @ f(3)", one(checkpoint(|x: &Array| x.sin()), f(&[3]))),
        ("lambda x: jnp.concatenate([x, x]) @ f(3)", one(|x| prim::concatenate(&[x, x], 0), f(&[3]))),
        ("lambda x: jnp.argmax(x) @ f(3)", one(|x| prim::argmax(x, 0, DType::Int32), f(&[3]))),
        ("lambda x: jnp.round(x) @ f(3)", one(named("round", prim::round_even), f(&[3]))),
        ("lambda x: jnp.cumsum(x) @ f(3)", one(|x| named("cumsum", |x: &Array| prim::cumsum(x, 0, false))(x), f(&[3]))),
        ("lambda x: jnp.broadcast_to(x, (2, 3)) @ f(3)", one(|x| np::broadcast_to(x, &[2, 3]), f(&[3]))),
        ("lambda x: x.astype(jnp.int32) @ f(3)", one(|x| x.astype(DType::Int32), f(&[3]))),
        ("lambda x: x ** 2 @ f(3)", one(|x| x.pow(2), f(&[3]))),
        ("lambda x: x ** 3 @ f(3)", one(|x| x.powi(3), f(&[3]))),
        ("lambda x, y: x ** y @ f(3) f(3)", two(|x, y| x.pow(y), f(&[3]), f(&[3]))),
        ("lambda x: x ** -1 @ f(3)", one(|x| x.powi(-1), f(&[3]))),
        ("lambda x: jnp.exp(x) / jnp.sum(jnp.exp(x)) @ f(3)", one(|x| x.exp() / x.exp().sum(), f(&[3]))),
        ("lambda x: jax.nn.relu(x) @ f(3)", {
            let program = Loaded::parse(RELU).unwrap();
            one(move |x| program.call(std::slice::from_ref(x)).remove(0), f(&[3]))
        }),
        ("lambda x: jax.nn.softmax(x) @ f(3)", one(|x| {
            let wide = |x: &Array| prim::broadcast_in_dim(x, &[1], &[]);
            let top = np::maximum(&array(f32::NEG_INFINITY), &prim::reduce_max(x, &[0]));
            let e = (x - stop_gradient(&wide(&top))).exp();
            &e / wide(&e.sum())
        }, f(&[3]))),
        ("lambda x: jax.nn.sigmoid(x) @ f(3)", one(prim::logistic, f(&[3]))),
        ("lambda x: jnp.clip(x, 0., 1.) @ f(3)", one(|x| {
            let clip = |x: &Array, low: &Array, high: &Array| {
                let x = prim::max(&strong(low), x);
                prim::min(&strong(high), &x)
            };
            named("clip", clip)(x, &zero, &array(1.0))
        }, f(&[3]))),
        ("lambda x: jnp.linalg.norm(x) @ f(3)", one(|x| named("norm", |x: &Array| (x * x).sum().sqrt())(x), f(&[3]))),
        ("lambda x: jnp.outer(x, x) @ f(3)", one(|x| {
            prim::mul(&prim::broadcast_in_dim(x, &[3, 1], &[0]), &prim::broadcast_in_dim(x, &[1, 3], &[1]))
        }, f(&[3]))),
        ("lambda x: jax.jit(jnp.sin)(x) @ f(3)", one(jit(np::sin), f(&[3]))),
        ("lambda x: jax.jit(lambda a: (a, a + 1))(x) @ f(3)",
            make_jaxpr(|x: &Array| jit(|a: &Array| (a.clone(), a + 1))(x), (&f(&[3]),))),
        ("lambda x: jax.grad(jnp.tanh)(x) @ 1.", one(grad(np::tanh), number())),
        ("lambda x: jax.vmap(jnp.sin)(x) @ f(2,3)", one(vmap(np::sin), f(&[2, 3]))),
        ("lambda x: jax.jvp(jnp.sin, (x,), (1.,)) @ 1.",
            make_jaxpr(|x: &Array| jvp(np::sin, (x,), (&array(1.0),)), (&number(),))),
        ("lambda x: jax.value_and_grad(lambda a: a ** 3 + 2 * a ** 2 - 3 * a + 1)(x) @ 2.",
            make_jaxpr(value_and_grad(|a: &Array| a.powi(3) + 2 * a.powi(2) - 3 * a + 1), (&number(),))),
        ("lambda x: jax.lax.stop_gradient(x) * x @ 1.", one(|x| stop_gradient(x) * x, number())),
        ("lambda: jnp.arange(5) @ ", make_jaxpr(|| prim::iota(DType::Int32, &[5], 0), ())),
        ("lambda: jnp.zeros((2, 3)) @ ",
            make_jaxpr(|| prim::broadcast_in_dim(&strong(&array(0.0)), &[2, 3], &[]), ())),
        ("lambda x: {'a': x, 'b': (x, None)} @ f(3)",
            make_jaxpr(|x: &Array| BTreeMap::from([("a".to_string(), x.clone()), ("b".to_string(), x.clone())]), (&f(&[3]),))),
        ("lambda x, y: x == y @ i(3) i(3)", two(np::equal, i(&[3]), i(&[3]))),
        ("lambda x, y: x // y @ i(3) i(3)", two(|x, y| {
            let floor = |x: &Array, y: &Array| {
                let q = prim::div(x, y);
                let signs = np::not_equal(&np::sign(x), &np::sign(y));
                let off = np::bitwise_and(&signs, &prim::ne(&prim::rem(x, y), &index(0)));
                where_same(&off, &(&q - 1), &q)
            };
            named("floor_divide", floor)(x, y)
        }, i(&[3]), i(&[3]))),
        ("lambda x: np.float32(2) * x + np.ones(3, np.float32) @ f(3)", one({
            let ones = f(&[3]);
            move |x| strong(&array(2.0)) * x + &ones
        }, f(&[3]))),
        ("lambda p, x: jnp.mean((p['w'] * x + p['b']) ** 2) @ params f(4)", {
            let params = BTreeMap::from([("b".to_string(), number()), ("w".to_string(), number())]);
            make_jaxpr(|p: &BTreeMap<String, Array>, x: &Array| (&p["w"] * x + &p["b"]).powi(2).mean(), (&params, &f(&[4])))
        }),
        ("lambda x, y: x @ y @ f(2,3) f(3,4)", two(|x, y| x.matmul(y), f(&[2, 3]), f(&[3, 4]))),
        ("lambda x: jnp.einsum('ij,jk->ik', x, x) @ f(2,2)", one(|x| np::tensordot(x, x, 1), f(&[2, 2]))),
        ("lambda x: jnp.dot(x, x) @ f(3)", one(|x| x.dot(x), f(&[3]))),
        ("lambda x: jax.vmap(lambda a: a @ a)(x) @ f(2,3)", one(vmap(|a: &Array| a.matmul(a)), f(&[2, 3]))),
        ("lambda x: jnp.trace(x @ x.T) @ f(2,2)", one(|x| {
            let trace = |x: &Array| {
                let (i, j) = (prim::iota(DType::Int32, x.shape(), 0), prim::iota(DType::Int32, x.shape(), 1));
                let diagonal = prim::eq(&prim::add(&i, &index(0)), &j);
                let zeros = prim::broadcast_in_dim(&strong(&zero), x.shape(), &[]);
                where_same(&diagonal, x, &zeros).sum()
            };
            named("trace", trace)(&x.matmul(&x.t()))
        }, f(&[2, 2]))),
        ("lambda x: jnp.sort(x) @ f(3)", one(|x| named("sort", |x: &Array| np::sort(x, 0))(x), f(&[3]))),
        ("lambda x: jnp.fft.fft(x) @ f(4)", one(|x| named("fft", np::fft::fft)(x), f(&[4]))),
        ("lambda x: jnp.linalg.cholesky(x) @ f(2,2)",
            one(|x| named("cholesky", |x: &Array| prim::cholesky(&((x + x.t()) / 2.0)))(x), f(&[2, 2]))),
        ("jit that captures a traced value", two(|x, z| jit(|y: &Array| y + x)(z), f(&[3]), f(&[3]))),
        ("a program called twice", {
            let k = named("k", np::sin);
            one(move |x| k(&k(x)), f(&[3]))
        }),
        ("a program with the name of a variable", {
            let a = named("a", np::sin);
            one(move |x| a(&a(x)), f(&[3]))
        }),
        ("a program held by one called twice", {
            let a = named("a", np::sin);
            let b = named("b", move |x: &Array| a(x) + 1);
            one(move |x| b(&b(x)), f(&[3]))
        }),
        ("two programs of one name", {
            let (h, k) = (jit(|x: &Array| x.sin()), jit(|x: &Array| x.cos()));
            make_jaxpr(move |x: &Array| (h(&h(x)), k(&k(x))), (&f(&[3]),))
        }),
        ("one operand twice, results twice",
            make_jaxpr(|x: &Array| jit(|a: &Array, b: &Array| (a + b, a.clone(), a + b))(x, x), (&f(&[3]),))),
        ("a literal as a result", make_jaxpr(|x: &Array| jit(|a: &Array| (array(1.0), a.clone()))(x), (&f(&[3]),))),
        ("literals", make_jaxpr(|x: &Array| vec![
            x + 0.1, x * Complex::new(0.0f32, 1.0), x.astype(DType::BFloat16) * 0.1, x.astype(DType::Float16) * 0.1,
            np::bitwise_and(&x.astype(DType::Bool), &array(true)), x.astype(DType::Int32) * -3, x * f32::INFINITY,
            x * f32::NAN, x * -0.0, x * 1e-9, x * 1e20, x * Complex::new(1.0f32, 2.0),
        ], (&f(&[3]),))),
        ("no equations and a long line", many(|x| x.clone(), 20)),
        ("more variables than letters", many(|x| vec![x.iter().fold(array(0.0), |s, x| s + x)], 30)),
        ("a long program called once", one(named("big", |x: &Array| (0..11).fold(x.clone(), |x, _| x.sin())), number())),
        ("a result of a call that nobody reads", one(half_dropped, f(&[3]))),
        ("the same inside a call", one(named("g", half_dropped), f(&[3]))),
        ("a call with many operands", many(|x| vec![jit(|x: &Vec<Array>| &x[0] + &x[1])(x)], 40)),
        ("vmap of jit", two(vmap_axes(jit(|a: &Array, b: &Array| a.sin() * b), (0, None), 0), f(&[3]), number())),
        ("grad of jit", one(grad(&sine_times), number())),
        ("grad of grad of jit", one(grad(grad(&sine_times)), number())),
        ("jit of grad of jit", one(jit(grad(&sine_times)), number())),
        ("vmap of grad of jit", one(vmap(grad(&sine_times)), f(&[3]))),
        ("lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.cos, x) @ 1.",
            one(|x| lax::cond(&x.gt(0.0), |x: &Array| x.sin(), |x| x.cos(), x), number())),
        ("lambda x: jax.lax.while_loop(lambda c: c < 10., lambda c: c * 2, x) @ 1.",
            one(|x| lax::while_loop(|c: &Array| c.lt(10.0), |c| c * 2, x), number())),
        ("lambda x: jax.lax.fori_loop(0, 5, lambda i, c: c + i, x) @ 1.",
            one(|x| lax::fori_loop(0, 5, |i, c: &Array| c + i, x), number())),
        ("lambda x: jax.lax.map(jnp.sin, x) @ f(3)", one(|x| lax::map(|x: &Array| x.sin(), x), f(&[3]))),
        ("scatters that share a program", make_jaxpr(|x: &Array, i: &Array, u: &Array| {
            let add = |x: &Array| prim::scatter_add(x, &column(&wrapped(i, 3)), u, &elements(), &Default::default());
            add(&add(x))
        }, (&f(&[3]), &i(&[2, 1]), &f(&[2, 1])))),
    ]
}

/// Cases that are not made, or come out otherwise, and why.
const OTHERS: &[(&[&str], &str)] = &[
    (
        &["lambda x: jnp.stack([x, x]) @ f(3)"],
        "stacking is reshapes and a concatenation here, in JAX an operation of its own",
    ),
    (&["lambda x: jnp.pad(x, 1) @ f(3)"], "JAX shows that some of its integers are NumPy's: np.int64(1)"),
    (
        &["lambda x: jax.hessian(lambda a: jnp.sum(a ** 3))(x) @ f(2)", "lambda x: jax.jacfwd(jnp.sin)(x) @ f(2)"],
        "JAX makes its unit vectors by iota and split and shows np.int64; what it computes and drops is not there here",
    ),
    (
        &["lambda x: jax.nn.logsumexp(x) @ f(3)", "lambda x: jax.grad(lambda a: jnp.sum(jnp.sin(a)))(x) @ f(3)"],
        "JAX shows operations whose results nobody reads; here they are not part of a program",
    ),
    (
        &["lambda x: jax.lax.scan(lambda c, a: (c + a, c * a), 0., x) @ f(3)"],
        "JAX makes a weak carry strong in each turn; here the turn is staged again with the strong type",
    ),
    (
        &[
            "lambda k: jax.random.split(k) @ key",
            "lambda k: jax.random.bits(k, (3,)) @ key",
            "lambda k: jax.random.uniform(k, (3,)) @ key",
            "lambda k: jax.random.normal(k, (3,)) @ key",
        ],
        "random bits are compositions of threefry2x32 here, in JAX operations of their own",
    ),
];

const RELU: &str = r#"{"jaxpr": {
    "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [3], "weak": false}}],
    "consts": [],
    "eqns": [{
        "prim": "custom_jvp_call",
        "params": {"name": "relu", "num_consts": 0, "rule": 0, "call_jaxpr": {"jaxpr": {
            "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [3], "weak": false}}],
            "consts": [],
            "eqns": [{
                "prim": "jit",
                "params": {"name": "relu", "jaxpr": {"jaxpr": {
                    "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [3], "weak": false}}],
                    "consts": [],
                    "eqns": [{
                        "prim": "max",
                        "params": {},
                        "in": [{"var": 0}, {"lit": {"dtype": "float32", "shape": [], "weak": true, "data": "AAAAAA=="}}],
                        "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [3], "weak": false}}]}],
                    "out": [{"var": 1}]}}},
                "in": [{"var": 0}],
                "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [3], "weak": false}}]}],
            "out": [{"var": 1}]}}},
        "in": [{"var": 0}],
        "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [3], "weak": false}}]}],
    "out": [{"var": 1}]},
    "rules": [{"kind": "missing", "why": "printing asks for none"}]}"#;

#[test]
fn every_recorded_case() {
    let json: serde_json::Value = serde_json::from_str(include_str!("data/jaxprs.json")).unwrap();
    let cases = json["cases"].as_array().unwrap();
    let mut ours: BTreeMap<&str, Arc<Jaxpr>> = programs().into_iter().collect();
    let mut others: Vec<&str> = OTHERS.iter().flat_map(|(ids, _)| *ids).copied().collect();
    let mut wrong = vec![];
    for case in cases {
        let (id, want) = (case["id"].as_str().unwrap(), case["text"].as_str().unwrap());
        match (ours.remove(id), others.iter().position(|o| *o == id)) {
            (Some(j), None) => {
                j.check().unwrap();
                let got = j.to_string();
                if got != want {
                    wrong.push(format!("{id}\n{got}\n--- JAX:\n{want}\n"))
                }
            }
            (None, Some(at)) => drop(others.swap_remove(at)),
            _ => wrong.push(format!("{id}\nmust be in one of the two lists")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(ours.is_empty() && others.is_empty(), "not recorded: {:?} {others:?}", ours.keys());
}

fn check(j: &Jaxpr, want: Expect) {
    j.check().unwrap();
    want.assert_eq(&j.to_string());
}

/// Captured arrays are arguments of the whole program before the semicolon, and ordinary arguments of the calls inside.
#[test]
fn captured_arrays() {
    let c = f(&[3]);
    check(
        &one(|x| jit(|y: &Array| y + &c)(x) * &c, f(&[3])),
        expect![[r#"
        { lambda a:f32[3]; b:f32[3]. let
            c:f32[3] = jit[
              name=<lambda>
              jaxpr={ lambda ; a:f32[3] b:f32[3]. let c:f32[3] = add b a in (c,) }
            ] a b
            d:f32[3] = mul c a
          in (d,) }"#]],
    );
}

/// A long program prints in a time that grows with its length, without recursion.
#[test]
fn a_long_chain() {
    let n = 200_000;
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        let j = one(move |x| (0..n).fold(x.clone(), |x, _| x.sin()), number());
        let text = j.to_string();
        assert_eq!(text.lines().count(), n + 2);
        assert!(text.starts_with("{ lambda ; a:f32[]. let\n    b:f32[] = sin a\n    c:f32[] = sin b\n"));
        assert!(text.ends_with("\n    ljwi:f32[] = sin ljwh\n  in (ljwi,) }"), "{}", &text[text.len() - 80..]);
        j.check().unwrap();
    });
    thread.unwrap().join().unwrap();
}
