//! Derivative rules that know what is zero, and rules for each argument. Some are wrong on purpose, so that a lost rule shows.

mod common;

use common::{same, told};
use cotangent::prelude::*;
use cotangent::{
    CheckGrads, Symbolic, custom_jvp, custom_jvp_symbolic, custom_jvps, custom_vjp_symbolic, hessian, jacfwd, jacrev,
    jvp, make_jaxpr, prim, vjp, vmap,
};
use std::sync::{Arc, Mutex};

type Binary<O = Array> = Box<dyn Fn(&Array, &Array) -> O + Send + Sync>;
type Seen = Arc<Mutex<Vec<Vec<bool>>>>;

fn num(x: f64) -> Array {
    Array::from_slice(&[x], &[])
}
fn taken(seen: &Seen) -> Vec<Vec<bool>> {
    std::mem::take(&mut seen.lock().expect("no panic before"))
}
fn there(d: &[Option<Array>]) -> Vec<bool> {
    d.iter().map(|d| d.is_some()).collect()
}

/// x y, x + y, with what the two halves of its rule were told: which arguments move, which cotangents are there.
fn both() -> (Binary<(Array, Array)>, Seen, Seen) {
    let (moves, cts) = (Seen::default(), Seen::default());
    let (m, c) = (moves.clone(), cts.clone());
    let f = custom_vjp_symbolic(
        |x: &Array, y: &Array| (x * y, x + y),
        move |(x, y), moving| {
            assert_eq!(moving.leaves(), [moving.arg(ARG0), moving.arg(ARG1)]);
            m.lock().expect("no panic before").push(moving.leaves().to_vec());
            ((&x * &y, &x + &y), (x, y))
        },
        move |(x, y), ct| {
            c.lock().expect("no panic before").push(there(ct.leaves()));
            let (p, s) = (&ct.leaves()[0], &ct.leaves()[1]);
            assert_eq!(ct.is_zero(), p.is_none() && s.is_none());
            let (p, s) = (p.clone().unwrap_or(num(0.0)), s.clone().unwrap_or(num(0.0)));
            (&p * &y * 10.0 + &s, p * &x + s)
        },
    );
    (f, moves, cts)
}

#[test]
fn reverse_rules_are_told_what_is_zero() {
    let (f, moves, cts) = both();
    let (x, y) = (num(2.0), num(5.0));
    let f = &f;
    let told = |moving: &[bool], there: &[bool]| {
        assert_eq!((taken(&moves), taken(&cts)), (vec![moving.to_vec()], vec![there.to_vec()]))
    };
    // 10 y, x, 1
    assert_eq!(grad(|x: &Array| f(x, &y).0)(&x).to_f64(), 50.0);
    told(&[true, false], &[true, false]);
    assert_eq!(grad(|y: &Array| f(&x, y).0)(&y).to_f64(), 2.0);
    told(&[false, true], &[true, false]);
    assert_eq!(jit(grad(|x: &Array| f(x, x).1))(&x).to_f64(), 2.0);
    told(&[true, true], &[false, true]);
    assert_eq!(grad(jit(|x: &Array| f(x, &y).1))(&x).to_f64(), 1.0);
    told(&[true, false], &[false, true]);
    let many = array(vec![1.0, 2.0, 3.0]);
    assert_eq!(vmap(grad(|x: &Array| f(x, &y).0))(&many).to_vec::<f64>(), [50.0; 3]);
    told(&[true, false], &[true, false]);
    assert_eq!(grad(|x: &Array| vmap(|x: &Array| f(x, &y).0)(x).sum())(&many).to_vec::<f64>(), [50.0; 3]);
    told(&[true, false], &[true, false]);
    // forward mode transposes the rule, for all cotangents
    assert_eq!(jvp(|x: &Array| f(x, &y), (&x,), (&num(1.0),)).1.0.to_f64(), 50.0);
    told(&[true, false], &[true, true]);
    // with a cotangent for nothing there is no question
    let (_, pull) = vjp(|x: &Array| (f(x, &y), 2.0 * x).1, (&x,));
    assert_eq!(pull.call(&num(1.0)).0.to_f64(), 2.0);
    assert!(taken(&cts).is_empty());
    // d/dy of 10 y ct
    taken(&moves);
    assert_eq!(grad(|y: &Array| grad(|x: &Array| f(x, y).0)(&x))(&y).to_f64(), 10.0);
    assert_eq!(jit(jacfwd(|y: &Array| jacrev(|x: &Array| f(x, y).0)(&x)))(&y).to_f64(), 10.0);
}

#[test]
fn arguments_that_do_not_move_need_no_cotangent() {
    // whatever is returned for them
    let f = custom_vjp_symbolic(
        |x: &Array, n: &Array| x * n.astype(DType::Float64),
        |(x, n), moving| {
            assert!(!moving.arg(ARG1));
            (x * n.astype(DType::Float64), n)
        },
        |n, ct| (ct.value() * n.astype(DType::Float64), array(vec![true; 9])),
    );
    let g = |x: &Array| f(x, &array(3));
    assert_eq!(grad(g)(&num(2.0)).to_f64(), 3.0);
    assert_eq!(jit(grad(g))(&num(2.0)).to_f64(), 3.0);
    CheckGrads::new().check(g, (&num(2.0),), 3).expect("right derivatives");
}

/// sin(x) y with the rule 3 x y dx + sin(x) dy, and which tangents it was told of.
fn forward() -> (Binary, Seen) {
    let seen = Seen::default();
    let s = seen.clone();
    let f = custom_jvp_symbolic(
        |x: &Array, y: &Array| x.sin() * y,
        move |(x, y), d| {
            s.lock().expect("no panic before").push(there(d.leaves()));
            let dx = d.arg(ARG0).nonzero().map(|dx| 3.0 * &x * &y * dx);
            let dy = d.arg(ARG1).nonzero().map(|dy| x.sin() * dy);
            let sum = match (dx, dy) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
            let z = x.sin() * y;
            let dz = Symbolic::from_leaves(&z, vec![sum]);
            (z, dz)
        },
    );
    (f, seen)
}

#[test]
fn forward_rules_are_told_what_is_zero() {
    let (f, seen) = forward();
    // the same rule, which writes zeros out
    let plain: Binary = custom_jvp(
        |x: &Array, y: &Array| x.sin() * y,
        |(x, y), (dx, dy)| (x.sin() * &y, 3.0 * &x * y * dx + x.sin() * dy),
    );
    let (f, plain) = (&f, &plain);
    let (x, y) = (num(0.5), num(2.0));
    assert_eq!(grad(|x: &Array| f(x, &y))(&x).to_f64(), 3.0);
    assert_eq!(taken(&seen), [[true, false]]);
    assert_eq!(jvp(|y: &Array| f(&x, y), (&y,), (&num(1.0),)).1.to_f64(), 0.5f64.sin());
    assert_eq!(taken(&seen), [[false, true]]);
    assert_eq!(jit(grad(|x: &Array| f(x, &y)))(&x).to_f64(), 3.0);
    assert_eq!(taken(&seen), [[true, false]]);
    assert_eq!(vmap(grad(|x: &Array| f(x, &y)))(&array(vec![0.5, 1.0])).to_vec::<f64>(), [3.0, 6.0]);
    assert_eq!(taken(&seen), [[true, false]]);
    for f in [hessian(|x: &Array| f(x, &(x * 2.0))), jit(hessian(|x: &Array| jit(f)(x, &(x * 2.0))))] {
        same("second derivatives", &f(&x), &hessian(|x: &Array| plain(x, &(x * 2.0)))(&x))
    }
    // a tangent that a rule says is zero
    let still = custom_jvp_symbolic(
        |x: &Array| (x * 2.0, x * 3.0),
        |(x,), d| {
            let y = (&x * 2.0, &x * 3.0);
            let dy = Symbolic::from_leaves(&y, vec![None, d.leaves()[0].as_ref().map(|d| d * 7.0)]);
            (y, dy)
        },
    );
    let (_, d) = jvp(&still, (&x,), (&num(1.0),));
    assert_eq!((d.0.to_f64(), d.1.to_f64()), (0.0, 7.0));
    assert_eq!(grad(|x: &Array| still(x).0 + still(x).1)(&x).to_f64(), 7.0);
    let none = custom_jvp_symbolic(|x: &Array| x.sin(), |(x,), _| (x.sin(), Symbolic::zero(&x)));
    assert_eq!((grad(&none)(&x).to_f64(), jvp(&none, (&x,), (&x,)).1.to_f64()), (0.0, 0.0));
    assert_eq!(grad(|x: &Array| none(x) + x)(&x).to_f64(), 1.0);
}

#[test]
fn a_rule_for_each_argument() {
    let ran = Seen::default();
    let r = ran.clone();
    // sin(x) y n with the rule 3 x y dx + 5 y dy; n is a constant to it
    let f: Box<dyn Fn(&Array, &Array, &Array) -> Array + Send + Sync> =
        custom_jvps(|x: &Array, y: &Array, n: &Array| x.sin() * y * n)
            .along(ARG0, move |dx, _, (x, y, _)| {
                r.lock().expect("no panic before").push(vec![]);
                3.0 * x * y * dx
            })
            .along(ARG1, |dy, _, (_, y, _)| 5.0 * y * dy)
            .done();
    let f = &f;
    let (x, y, n) = (num(0.5), num(2.0), num(10.0));
    assert_eq!(f(&x, &y, &n).to_f64(), 0.5f64.sin() * 2.0 * 10.0);
    let (dx, dy, dn) = grad_argnums(f, (ARG0, ARG1, ARG2))(&x, &y, &n);
    assert_eq!((dx.to_f64(), dy.to_f64(), dn.to_f64()), (3.0, 10.0, 0.0));
    assert_eq!(taken(&ran).len(), 1);
    // a rule whose argument does not move does not run
    assert_eq!(jit(grad(|y: &Array| f(&x, y, &n)))(&y).to_f64(), 10.0);
    assert_eq!(taken(&ran).len(), 0);
    assert_eq!(jvp(|x: &Array| f(x, x, x), (&x,), (&num(1.0),)).1.to_f64(), 3.0 * 0.25 + 2.5);
    assert_eq!(vmap(grad(|x: &Array| f(x, &y, &n)))(&array(vec![0.5, 1.0])).to_vec::<f64>(), [3.0, 6.0]);
    // the value in a rule follows the rules
    let square = custom_jvps(|x: &Array| x.exp()).along(ARG0, |dx, y, _| 2.0 * dx * y).done();
    let third = grad(grad(grad(&square)))(&num(1.0)).to_f64();
    assert!((third - 8.0 * 1f64.exp()).abs() < 1e-12, "{third}");
    // trees, and two arguments at once
    let tree = custom_jvps(|x: &(Array, Array), y: &Array| (&x.0 * y, vec![&x.1 * y]))
        .along((ARG0, ARG1), |(dx, dy), _, (x, y)| (&dx.0 * y + &x.0 * &dy, vec![&dx.1 * y + &x.1 * dy]))
        .done();
    let loss = |x: &(Array, Array), y: &Array| {
        let (a, b) = tree(x, y);
        a * 2.0 + &b[0] * 3.0
    };
    CheckGrads::new().check(loss, (&(num(2.0), num(3.0)), &num(5.0)), 2).expect("right derivatives");
}

#[test]
fn programs_say_so() {
    let text = |f: &(dyn Fn(&Array, &Array) -> Array + Send + Sync)| {
        make_jaxpr(|x: &Array, y: &Array| f(x, y), (&num(1.0), &num(1.0))).to_string()
    };
    assert!(text(&forward().0).contains("symbolic_zeros=True"));
    let both = both().0;
    assert!(text(&move |x, y| both(x, y).0).contains("symbolic_zeros=True"));
}

#[test]
fn mistakes() {
    use ErrorKind::*;
    let x = array(vec![1.0, 2.0]);
    let f = custom_jvp_symbolic(|x: &Array| x.sin(), |(x,), _| (x.sin(), Symbolic::of(num(1.0))));
    told(Shape, &["custom_jvp", "tangent", "float64[]", "float64[2]"], || jvp(&f, (&x,), (&x,)));
    let f = custom_jvp_symbolic(|x: &Array| vec![x.sin()], |(x,), _| (vec![x.sin()], Symbolic::of(vec![])));
    told(Structure, &["custom_jvp", "structures"], || jvp(&f, (&x,), (&x,)));
    let f = custom_vjp_symbolic(|x: &Array| x.sin(), |(x,), _| (x.sin(), ()), |(), _| (num(1.0),));
    told(Shape, &["custom_vjp", "cotangent", "float64[]", "float64[2]"], || grad(|x: &Array| f(x).sum())(&x));
    let f = custom_vjp_symbolic(|x: &Array| x.sin(), |(x,), _| (x.sin(), x.share()), |x, ct| (ct.value().sin() * x,));
    told(NotLinear, &["custom_vjp", "transposes its backward rule", "sin"], || jvp(&f, (&x,), (&x,)));
    let f = custom_jvps(|x: &Array| prim::neg(x)).along(ARG0, |dx, _, _| dx.sum()).done();
    told(Shape, &["custom_jvp", "tangent", "float64[]"], || jvp(&f, (&x,), (&x,)));
}
