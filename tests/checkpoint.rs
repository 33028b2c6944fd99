//! `checkpoint`: values, derivatives, what is kept, and when it is computed again.

mod common;

use common::peak;
use cotangent::prelude::*;
use cotangent::{
    CheckGrads, Checkpoint, Policy, Residual, ResidualFrom, Vmap, check_grads, checkpoint, checkpoint_name, custom_jvp,
    custom_vjp, hessian, jvp, lax, linearize, make_jaxpr, prim, saved_residuals, vjp, vmap, vmap_axes,
};
use std::sync::atomic::{AtomicUsize, Ordering};

fn f(x: &Array, w: &Array) -> Array {
    (x.sin().dot(w).sin() * x).exp().sum()
}
fn args() -> (Array, Array) {
    (array![[0.5, -1.0], [0.25, 2.0]], array![[1.0, 0.5], [-0.5, 0.75]])
}
fn wide() -> (Array, Array) {
    let (x, w) = args();
    (x.astype(DType::Float64), w.astype(DType::Float64))
}
fn policies() -> Vec<Policy> {
    vec![
        Policy::nothing_saveable(),
        Policy::everything_saveable(),
        Policy::dots_saveable(),
        Policy::dots_with_no_batch_dims_saveable(),
        Policy::save_only_these_names(["a"]),
        Policy::save_any_names_but_these(["a"]),
        Policy::save_anything_except_these_names(["a"]),
        Policy::save_from_both_policies(Policy::dots_saveable(), Policy::save_only_these_names(["a"])),
        Policy::of(|op| op.name() == "exp"),
    ]
}
fn double(x: f64) -> Array {
    array(x).astype(DType::Float64)
}
/// The same bits?
#[track_caller]
fn same<T: Pytree>(a: T, b: T) {
    for (a, b) in tree::leaves(&a).iter().zip(tree::leaves(&b)) {
        assert_eq!(format!("{a:?}"), format!("{b:?}"))
    }
}
#[track_caller]
fn near<T: Pytree>(a: T, b: T, tolerance: f64) {
    for (a, b) in tree::leaves(&a).iter().zip(&tree::leaves(&b)) {
        let off = prim::abs(&(a - b)).sum().to_f64() / (1.0 + prim::abs(b).sum().to_f64());
        assert!(off <= tolerance, "{a} is not {b}")
    }
}
/// Where residuals come from, in short: the path of an argument, the name of an operation or the label of a value.
fn sources(kept: &[Residual]) -> Vec<String> {
    let source = |r: &Residual| match &r.from {
        ResidualFrom::Argument(path) => path.clone(),
        ResidualFrom::Constant => "constant".into(),
        ResidualFrom::Operation { label: Some(label), .. } => format!("'{label}'"),
        ResidualFrom::Operation { name, .. } => name.to_string(),
    };
    kept.iter().map(source).collect()
}
fn bytes(kept: Vec<Residual>) -> usize {
    kept.iter().map(|r| r.bytes).sum()
}

#[test]
fn values_and_derivatives_are_those_of_the_function() {
    let (x, w) = args();
    let named = |x: &Array, w: &Array| f(&checkpoint_name(&x.sin(), "a"), w);
    for policy in policies() {
        let c = Checkpoint::new().policy(policy).of(named);
        let (g, gc) = (grad_argnums(named, (ARG0, ARG1)), grad_argnums(&c, (ARG0, ARG1)));
        same(c(&x, &w), named(&x, &w));
        same(gc(&x, &w), g(&x, &w));
        same(jit(&gc)(&x, &w), g(&x, &w));
        same(jit(&c)(&x, &w), named(&x, &w));
        same(jvp(&c, (&x, &w), (&w, &x)), jvp(named, (&x, &w), (&w, &x)));
        let push = |f: &dyn Fn() -> Array| f();
        same(push(&|| linearize(&c, (&x, &w)).1.call((&w, &x))), push(&|| linearize(named, (&x, &w)).1.call((&w, &x))));
        let lanes = array![[[0.5, -1.0], [0.25, 2.0]], [[1.5, 1.0], [-0.25, 0.5]]];
        let many = |g: &(dyn Fn(&Array, &Array) -> (Array, Array) + Send + Sync)| {
            vmap_axes(|x: &Array, w: &Array| g(x, w), (0, None), 0)(&lanes, &w)
        };
        same(many(&*gc), many(&*g));
        let sum = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
            grad(|l: &Array| vmap_axes(|x: &Array, w: &Array| f(x, w), (0, None), 0)(l, &w).sum())(&lanes)
        };
        same(sum(&*c), sum(&named));
    }
}

#[test]
fn second_and_third_derivatives() {
    let (x, w) = wide();
    let named = |x: &Array, w: &Array| f(&checkpoint_name(&x.sin(), "a"), w);
    let to_third = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
        let along = |x: &Array, t: &Array| f(&(x + t), &(&w * t)); // of t: a scalar
        let d3 = grad(grad(grad(|t: &Array| along(&x, t))));
        let h = hessian(|x: &Array| f(x, &w))(&x);
        (d3(&double(0.3)), h)
    };
    let want = to_third(&named);
    for policy in policies() {
        let c = Checkpoint::new().policy(policy).of(named);
        near(to_third(&*c), want.clone_tree(), 1e-13);
        near(jit(|| to_third(&*c))(), want.clone_tree(), 1e-13);
        check_grads(&c, (&x, &w), 2);
    }
    CheckGrads::new().check(checkpoint(|x: &Array| x.sin().exp()), (&double(0.4),), 3).unwrap();
}
trait Shared: Pytree {
    fn clone_tree(&self) -> Self {
        tree::map(self, |x| x.clone())
    }
}
impl<T: Pytree> Shared for T {}

#[test]
fn what_the_policies_keep() {
    let (x, w) = args();
    let g = |x: &Array, w: &Array| {
        let a = checkpoint_name(&x.dot(w), "a");
        let b = checkpoint_name(&a.sin(), "b");
        b.sin().dot(w).sin().sum()
    };
    let kept = |policy: Policy| sources(&saved_residuals(Checkpoint::new().policy(policy).of(g), (&x, &w)));
    assert_eq!(kept(Policy::nothing_saveable()), ["[0]", "[1]"]);
    assert_eq!(kept(Policy::dots_saveable()), ["[0]", "[1]", "dot_general", "dot_general"]);
    assert_eq!(kept(Policy::dots_with_no_batch_dims_saveable()), ["[0]", "[1]", "dot_general", "dot_general"]);
    assert_eq!(kept(Policy::save_only_these_names(["a"])), ["[0]", "[1]", "'a'"]);
    assert_eq!(kept(Policy::save_only_these_names(["a", "b"])), ["[0]", "[1]", "'a'", "'b'"]);
    assert_eq!(kept(Policy::save_any_names_but_these(["a"])), ["[0]", "[1]", "'b'"]);
    assert_eq!(kept(Policy::save_only_these_names(["c"])), ["[0]", "[1]"]);
    let both = Policy::save_from_both_policies(Policy::dots_saveable(), Policy::save_only_these_names(["b"]));
    assert_eq!(kept(both), ["[0]", "[1]", "dot_general", "'b'", "dot_general"]);
    let all = sources(&saved_residuals(g, (&x, &w)));
    assert_eq!(kept(Policy::everything_saveable()), all);
    assert_eq!(all, ["[0]", "[1]", "cos", "sin", "cos", "cos"]);
    // what is named was a value before
    assert_eq!(kept(Policy::save_anything_except_these_names(["a", "b"])), all);
    let small =
        Policy::of(|op| op.name() == "cos" && op.operands()[0].shape[..] == [2, 2] && op.param("accuracy").is_none());
    assert_eq!(kept(small), ["[0]", "[1]", "cos", "cos", "cos"]);
    let labels = Policy::of(|op| op.label().is_some_and(|l| l.starts_with('b')));
    assert_eq!(kept(labels), ["[0]", "[1]", "'b'"]);
    // products of batches
    let batch = |x: &Array| prim::dot_general(&x.sin(), x, (&[2], &[1]), (&[0], &[0]), None).sin().sum();
    let cube = array![[[1.0, 2.0], [3.0, 4.0]]];
    let of = |policy| sources(&saved_residuals(Checkpoint::new().policy(policy).of(batch), (&cube,)));
    assert_eq!(of(Policy::dots_saveable()), ["[0]", "dot_general"]);
    assert_eq!(of(Policy::dots_with_no_batch_dims_saveable()), ["[0]"]);
    // calls are looked into
    let called = Checkpoint::new().policy(Policy::dots_saveable()).of(jit(|x: &Array| x.dot(x).sin().dot(x).sin()));
    assert_eq!(sources(&saved_residuals(called, (&x,))), ["[0]", "dot_general", "dot_general"]);
}

#[test]
fn residuals_say_where_they_come_from() {
    let big = array![1.0, 2.0, 3.0];
    let captured = big.clone();
    let f = move |p: &Vec<(Array, Array)>, n: &Array| (p[0].1.sin() * &captured + n.astype(DType::Float32)).sum();
    let p = vec![(array![4.0], array![1.0, 2.0, 3.0])];
    let kept = saved_residuals(&f, (&p, &array(3)));
    assert_eq!(sources(&kept), ["constant", "cos"]);
    assert_eq!((kept[1].bytes, &kept[1].shape[..], kept[1].dtype), (12, &[3][..], DType::Float32));
    let ResidualFrom::Operation { at, .. } = kept[1].from else { panic!("an operation") };
    assert!(at.file().ends_with("checkpoint.rs"));
    let kept = saved_residuals(checkpoint(&f), (&p, &array(3)));
    assert_eq!(sources(&kept), ["constant", "[0][0][1]"]);
    assert_eq!(kept[1].to_string(), "float32[3], 12 bytes, argument [0][0][1]");
    // nothing is kept of what is linear, nor of what does not reach the result
    assert!(saved_residuals(|x: &Array| (2.0 * x).sum(), (&big,)).is_empty());
    assert!(
        saved_residuals(
            |x: &Array| {
                let _ = x.sin();
                x.clone()
            },
            (&big,)
        )
        .is_empty()
    );
    assert!(saved_residuals(checkpoint(|x: &Array| 2.0 * x), (&big,)).is_empty());
}

#[test]
fn a_chain_keeps_the_square_root_of_its_length() {
    let x = array(vec![0.5f32; 1000]);
    let layers = |x: &Array, n: usize| (0..n).fold(x.clone(), |x, _| x.sin() * 1.5);
    let plain = saved_residuals(|x: &Array| layers(x, 100).sum(), (&x,));
    let groups = |x: &Array| (0..10).fold(x.clone(), |x, _| checkpoint(|x: &Array| layers(x, 10))(&x)).sum();
    let wrapped = saved_residuals(groups, (&x,));
    assert_eq!((plain.len(), bytes(plain)), (100, 100 * 4000));
    assert_eq!((wrapped.len(), bytes(wrapped)), (10, 10 * 4000));
}

#[test]
fn memory_falls() {
    const N: usize = 20_000; // elements: 80 kB
    let block = N * 4;
    let x = array((0..N).map(|i| i as f32 / N as f32).collect::<Vec<_>>());
    // a mean for each layer keeps layers from becoming one loop
    let layer = |x: &Array| {
        let y = x.sin() * 1.1 + 0.1 * x;
        &y - y.mean()
    };
    let layers = move |x: &Array, n: usize| (0..n).fold(x.clone(), |x, _| layer(&x));
    let plain = move |x: &Array| layers(x, 36).powi(2).sum();
    let groups =
        move |x: &Array| (0..6).fold(x.clone(), |x, _| checkpoint(move |x: &Array| layers(x, 6))(&x)).powi(2).sum();
    let merged = move |x: &Array| {
        let group = Checkpoint::new().prevent_cse(false).of(move |x: &Array| layers(x, 6));
        (0..6).fold(x.clone(), |x, _| group(&x)).powi(2).sum()
    };
    same(grad(groups)(&x), grad(plain)(&x));
    same(jit(grad(groups))(&x), grad(plain)(&x));
    let (p, g, m) = (jit(grad(plain)), jit(grad(groups)), jit(grad(merged)));
    let (p, g, m) = (peak(|| p(&x)), peak(|| g(&x)), peak(|| m(&x)));
    assert!(p >= 36 * block, "36 layers are kept: {p}");
    assert!(g <= 20 * block, "6 groups and 6 layers are kept, of two values at most: {g}");
    assert!(g < m, "without a fence values are computed early: {g}, {m}");
    let (p, g) = (peak(|| grad(plain)(&x)), peak(|| grad(groups)(&x)));
    assert!(g < p / 2, "without jit as well: {g}, {p}");
}

#[test]
fn one_block_after_the_other_in_a_program() {
    // the backward pass of a block reads what the one before it gives
    let block = |x: &Array| checkpoint(|x: &Array| x.sin().exp())(x);
    let j = make_jaxpr(grad(move |x: &Array| block(&block(x)).sum()), (&array![1.0, 2.0],));
    let names: Vec<&str> = j.primitives().collect();
    assert_eq!(names, ["remat2", "broadcast_in_dim", "remat2", "remat2"]);
    let text = j.to_string();
    assert_eq!(text.matches("differentiated=True").count(), 2, "{text}");
    assert_eq!(text.matches("prevent_cse=True").count(), 3, "{text}");
}

#[test]
fn host_code_looks_at_values() {
    let runs = AtomicUsize::new(0);
    let f = |x: &Array| {
        runs.fetch_add(1, Ordering::Relaxed);
        let mut y = x.clone();
        while y.to_f64() < 10.0 {
            y = if y.to_f64() > 3.0 { &y * &y } else { y.exp() }
        }
        y
    };
    let c = checkpoint(&f);
    for x in [0.3f64, 1.0, 2.0, 5.0] {
        let x = double(x);
        same(c(&x), f(&x));
        same(grad(&c)(&x), grad(f)(&x));
        near(grad(grad(&c))(&x), grad(grad(f))(&x), 1e-14);
        same(value_and_grad(|x: &Array| c(&x.sin().exp()))(&x), value_and_grad(|x: &Array| f(&x.sin().exp()))(&x));
    }
    runs.store(0, Ordering::Relaxed);
    grad(&c)(&array(0.3));
    assert_eq!(runs.load(Ordering::Relaxed), 1, "what is computed again is what was written down");
    // inside: custom rules, nested gradients, other blocks, unmapped values under vmap
    let nested = checkpoint(|x: &Array| if grad(&c)(x).to_f64() > 0.0 { c(x).sin() } else { c(x) });
    let plain = |x: &Array| if grad(f)(x).to_f64() > 0.0 { f(x).sin() } else { f(x) };
    near(grad(&nested)(&double(1.0)), grad(plain)(&double(1.0)), 1e-14);
    let rule = custom_jvp(
        |x: &Array| if x.to_f64() > 0.0 { x.sin() } else { x.clone() },
        |(x,), (dx,)| (if x.to_f64() > 0.0 { x.sin() } else { x.clone() }, dx * 7.0),
    );
    let inside = checkpoint(|x: &Array| if x.to_f64() > 0.0 { rule(&(2.0 * x)) } else { x.cos() });
    assert!(inside(&array(1.0)).to_f64() > 0.9);
    let looks = checkpoint(|x: &Array, n: &Array| if n.to_f64() > 1.0 { x.sin() } else { x.cos() });
    same(vmap_axes(&looks, (0, None), 0)(&array![0.0, 1.0], &array(2.0)), array![0.0, 1.0].sin());
}

#[test]
fn captured_values_are_operands() {
    let (x, w) = args();
    let plain = |x: &Array, w: &Array| (x.dot(w).sin() * w).sum();
    let captures = |x: &Array, w: &Array| checkpoint(|x: &Array| (x.dot(w).sin() * w).sum())(x);
    let both = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
        grad_argnums(|x: &Array, w: &Array| f(x, w), (ARG0, ARG1))(&x, &w)
    };
    same(both(&captures), both(&plain));
    same(jit(|| both(&captures))(), both(&plain));
    // nothing but captured values moves
    same(grad(|w: &Array| captures(&x, w))(&w), grad(|w: &Array| plain(&x, w))(&w));
    // a captured value of an outer map, and of an outer derivative
    let outer = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
        vmap(|w: &Array| grad(|x: &Array| f(x, &(x * 0.5 + w)))(&args().0))(&array![[1.0, 0.5], [2.0, -1.0]])
    };
    same(outer(&captures), outer(&plain));
    let second = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
        grad(|w: &Array| grad(|x: &Array| f(x, w))(&x).sin().sum())(&w)
    };
    near(second(&captures), second(&plain), 1e-6);
    // a result that is captured
    same(grad(|x: &Array| checkpoint(|_: &Array| x.clone())(x).sum())(&x), grad(|x: &Array| x.sum())(&x));
}

#[test]
fn in_loops_and_branches() {
    let x = array![0.5f64, -1.0];
    let layer = |x: &Array| (x.sin() * x).exp() * 0.5;
    type Layer<'a> = &'a (dyn Fn(&Array) -> Array + Send + Sync);
    let scanned = |x: &Array, l: Layer| {
        let step = |x: &Array, t: &Array| {
            let y = l(&(x * t));
            (y.clone(), y.sin())
        };
        let (end, ys) = lax::scan(step, x, &array![1.0f64, 0.5, 2.0]);
        end.sum() + ys.sum()
    };
    let chosen = |x: &Array, l: Layer| lax::cond(&x.sum().lt(0), |x: &Array| l(&l(x)), |x: &Array| x.clone(), x).sum();
    let counted = |x: &Array, l: Layer| lax::fori_loop(0, 3, |_, x: &Array| l(x), x).sum();
    let c = checkpoint(layer);
    for run in [&scanned as &(dyn Fn(&Array, Layer) -> Array + Send + Sync), &chosen, &counted] {
        let (a, b) = (|x: &Array| run(x, &*c), |x: &Array| run(x, &layer));
        same(a(&x), b(&x));
        near(grad(a)(&x), grad(b)(&x), 1e-14);
        near(jit(grad(a))(&x), grad(b)(&x), 1e-14);
        near(hessian(a)(&x), hessian(b)(&x), 1e-13);
        // and around them
        let around = checkpoint(b);
        near(grad(&around)(&x), grad(b)(&x), 1e-14);
        near(jit(grad(&around))(&x), grad(b)(&x), 1e-14);
        near(hessian(&around)(&x), hessian(b)(&x), 1e-13);
        let lanes = array![[0.5f64, -1.0], [1.0, 0.25]];
        near(vmap(grad(&around))(&lanes), vmap(grad(b))(&lanes), 1e-14);
    }
    // a scan of blocks keeps what goes from turn to turn, and the scanned array
    let kept = saved_residuals(|x: &Array| scanned(x, &*c), (&x,));
    let plain = saved_residuals(|x: &Array| scanned(x, &layer), (&x,));
    assert!(bytes(kept) < bytes(plain));
}

#[test]
fn custom_rules_inside() {
    let clipped = custom_vjp(|x: &Array| x.sin(), |(x,)| (x.sin(), x), |x: Array, ct: Array| (ct * x.cos() * 3.0,));
    let f = |x: &Array| clipped(&clipped(x).exp()).sum();
    let x = array![0.5f64, 1.0];
    for policy in policies() {
        let c = Checkpoint::new().policy(policy).of(f);
        same(grad(&c)(&x), grad(f)(&x));
        same(jit(grad(&c))(&x), grad(f)(&x));
        near(grad(|x: &Array| grad(&c)(x).sum())(&x), grad(|x: &Array| grad(f)(x).sum())(&x), 1e-14);
    }
}

#[test]
fn other_types_and_structures() {
    let f = |p: &(Array, Vec<Array>), n: Static<i32>| {
        let m = p.1[0].astype(DType::Float64);
        (vec![p.0.sin() * &m, p.0.clone()], p.1[0].clone() * n.0)
    };
    let p = (array![1.0f64, 2.0], vec![array![3, 4]]);
    let c = checkpoint(f);
    same(c(&p, Static(2)), f(&p, Static(2)));
    let loss = |g: &(dyn Fn(&(Array, Vec<Array>), Static<i32>) -> (Vec<Array>, Array) + Send + Sync), x: &Array| {
        let (y, n) = g(&(x.clone(), vec![array![3, 4]]), Static(2));
        (y[0].sin() * &y[1] * n.astype(DType::Float64)).sum()
    };
    same(grad(|x: &Array| loss(&*c, x))(&p.0), grad(|x: &Array| loss(&f, x))(&p.0));
    let (y, pull) = vjp(|x: &Array| loss(&*c, x), (&p.0,));
    same(y, loss(&f, &p.0));
    let (_, plain) = vjp(|x: &Array| loss(&f, x), (&p.0,));
    same(pull.call(&double(1.0)), plain.call(&double(1.0)));
}

#[test]
fn mistakes_are_told() {
    let kind = |f: &dyn Fn()| catch(std::panic::AssertUnwindSafe(f)).unwrap_err();
    let lost = std::sync::Mutex::new(None);
    let leak = checkpoint(|x: &Array| {
        *lost.lock().unwrap() = Some(x.sin());
        x.cos()
    });
    grad(&leak)(&array(1.0));
    let e = kind(&|| drop(lost.lock().unwrap().take().unwrap().sin()));
    assert_eq!(e.kind(), ErrorKind::Leak);
    assert!(e.message().contains("under checkpoint was used after"), "{e}");
    // under jit there are no values
    let looks = checkpoint(|x: &Array| if x.to_f64() > 0.0 { x.sin() } else { x.cos() });
    let e = kind(&|| drop(jit(grad(&looks))(&array(1.0))));
    assert_eq!(e.kind(), ErrorKind::Concrete);
    let e = kind(&|| drop(vmap(&looks)(&array![1.0])));
    assert_eq!(e.kind(), ErrorKind::Concrete);
    assert!(e.message().contains("abstract under checkpoint within jit or vmap"), "{e}");
    // a mistake inside has the line of the user's operation
    let wrong = checkpoint(|x: &Array| x + &array![1.0, 2.0, 3.0]);
    let e = kind(&|| drop(grad(|x: &Array| wrong(x).sum())(&array![1.0, 2.0])));
    assert_eq!(e.kind(), ErrorKind::Shape);
    assert!(e.to_string().contains("tests/checkpoint.rs"), "{e}");
}

#[test]
fn named_axes_inside() {
    let f = |x: &Array| (x.sin() * prim::psum(x, "lanes").cos()).sum();
    let c = checkpoint(f);
    let lanes = array![[0.5f64, 1.0], [-1.0, 2.0], [0.25, 3.0]].astype(DType::Float64);
    let map =
        |f: &(dyn Fn(&Array) -> Array + Send + Sync)| Vmap::new().axis_name("lanes").of(grad(|x: &Array| f(x)))(&lanes);
    same(map(&*c), map(&f));
    same(jit(|| map(&*c))(), map(&f));
}

#[test]
fn a_derivative_of_a_derivative_computes_again_too() {
    let x = array(vec![0.5f32; 1000]);
    let layers = |x: &Array, n: usize| (0..n).fold(x.clone(), |x, _| x.sin() * 1.5);
    let plain = |x: &Array| layers(x, 36).sum();
    let groups = |x: &Array| (0..6).fold(x.clone(), |x, _| checkpoint(|x: &Array| layers(x, 6))(&x)).sum();
    let (p, g) = (saved_residuals(grad(plain), (&x,)), saved_residuals(grad(groups), (&x,)));
    // of each group what goes into it, forwards and backwards
    assert!(g.len() <= 12 && p.len() > 70, "{} and {} values", g.len(), p.len());
    near(jit(grad(|x: &Array| grad(groups)(x).sum()))(&x), grad(|x: &Array| grad(plain)(x).sum())(&x), 1e-6);
}

#[test]
fn recorded_programs() {
    let text = |policy: &str| {
        format!(
            r#"{{"jaxpr": {{
    "in": [{{"id": 0, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}],
    "consts": [],
    "eqns": [{{
        "prim": "remat2",
        "params": {{"differentiated": false, "prevent_cse": true, "policy": {policy}, "jaxpr": {{"jaxpr": {{
            "in": [{{"id": 0, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}],
            "consts": [],
            "eqns": [
                {{"prim": "sin", "params": {{}}, "in": [{{"var": 0}}],
                  "out": [{{"id": 1, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}]}},
                {{"prim": "name", "params": {{"name": "a"}}, "in": [{{"var": 1}}],
                  "out": [{{"id": 2, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}]}},
                {{"prim": "sin", "params": {{}}, "in": [{{"var": 2}}],
                  "out": [{{"id": 3, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}]}}],
            "out": [{{"var": 3}}]}}}}}},
        "in": [{{"var": 0}}],
        "out": [{{"id": 1, "aval": {{"dtype": "float32", "shape": [2], "weak": false}}}}]}}],
    "out": [{{"var": 1}}]}}}}"#
        )
    };
    let x = array![0.5, 1.0];
    let kept = [
        ("null", vec!["[0]"]),
        (r#"{"name": "nothing_saveable", "names": []}"#, vec!["[0]"]),
        (r#"{"name": "save_only_these_names", "names": ["a"]}"#, vec!["[0]", "'a'"]),
        (r#"{"name": "everything_saveable", "names": []}"#, vec!["cos", "cos"]),
        // a predicate of somebody's: the values are the same whatever is kept
        (r#"{"name": "mine", "names": []}"#, vec!["[0]"]),
    ];
    for (policy, want) in &kept {
        let program = cotangent::jaxpr::Loaded::parse(&text(policy)).unwrap();
        let f = |x: &Array| program.call(std::slice::from_ref(x)).remove(0);
        assert_eq!(sources(&saved_residuals(f, (&x,))), *want);
        same(grad(|x: &Array| f(x).sum())(&x), grad(|x: &Array| x.sin().sin().sum())(&x));
    }
    let own = Checkpoint::new()
        .policy(Policy::save_only_these_names(["a"]))
        .of(|x: &Array| checkpoint_name(&x.sin(), "a").sin());
    let read = cotangent::jaxpr::Loaded::parse(&text(kept[2].0)).unwrap();
    assert_eq!(make_jaxpr(own, (&x,)).to_string(), read.jaxpr().to_string());
}
