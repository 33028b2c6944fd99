//! Reverse mode through loops whose number of turns only the run knows: staged, mapped over lanes that stop at different times, and in one
//! another. What is right is what the same loop gives when it is written out on the host.

use cotangent::lax;
use cotangent::prelude::*;
use cotangent::{jacfwd, linearize, vjp, vmap, vmap_axes};

fn f64s(x: &Array) -> Vec<f64> {
    x.to_vec::<f64>()
}
#[track_caller]
fn near(a: &Array, b: &Array) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in f64s(a).iter().zip(f64s(b)) {
        assert!((x - y).abs() <= 1e-10 * y.abs().max(1.0), "{a} {b}")
    }
}
#[track_caller]
fn same(a: &Array, b: &Array) {
    assert_eq!(
        f64s(a).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        f64s(b).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        "{a} {b}"
    )
}
fn number(x: f64) -> Array {
    Array::from_slice(&[x], &[])
}

/// Grows until it is large: the smaller the start, the more turns.
fn grown(x: &Array) -> Array {
    lax::while_loop(|c: &Array| c.lt(10.0), |c| c * 1.5 + (c * x).sin() * 0.1, x)
}
/// The same on the host, with as many turns as it takes at the present value.
fn grown_on_host(x: &Array) -> Array {
    let mut c = x.clone();
    while c.to_f64() < 10.0 {
        c = &c * 1.5 + (&c * x).sin() * 0.1
    }
    c
}
const STARTS: [f64; 5] = [0.7, 12.0, 3.0, 0.05, 9.9];

fn stacked(f: impl Fn(&Array) -> Array) -> Array {
    array(STARTS.iter().map(|x| f(&number(*x)).to_f64()).collect::<Vec<f64>>())
}

#[test]
fn staged() {
    for x in STARTS.map(number) {
        let want = grad(grown_on_host)(&x);
        near(&grad(grown)(&x), &want);
        same(&jit(grad(grown))(&x), &grad(grown)(&x));
        same(&grad(jit(grown))(&x), &grad(grown)(&x));
        same(&jit(grad(jit(grown)))(&x), &grad(grown)(&x));
        let (y, pull) = vjp(jit(grown), (&x,));
        same(&y, &grown(&x));
        near(&pull.call(&number(2.0)).0, &(2.0 * &want));
        near(&jit(|x: &Array| linearize(grown, (x,)).1.call((&number(3.0),)))(&x), &(3.0 * &want));
        let second = grad(grad(grown_on_host))(&x);
        near(&grad(grad(grown))(&x), &second);
        near(&jit(grad(grad(grown)))(&x), &second);
        near(&jit(grad(jit(grad(grown))))(&x), &second);
        near(&jacfwd(jit(grad(grown)))(&x), &second);
        near(&jit(grad(jacfwd(grown)))(&x), &second);
        near(&jit(grad(grad(grad(grown))))(&x), &grad(grad(grad(grown_on_host)))(&x));
    }
}

#[test]
fn lanes_that_stop_at_different_times() {
    let xs = array(STARTS.to_vec());
    let first = stacked(grad(grown_on_host));
    near(&vmap(grown)(&xs), &stacked(grown_on_host));
    near(&vmap(grad(grown))(&xs), &first);
    near(&jit(vmap(grad(grown)))(&xs), &first);
    near(&vmap(jit(grad(grown)))(&xs), &first);
    near(&vmap(grad(jit(grown)))(&xs), &first);
    near(&grad(|xs: &Array| vmap(grown)(xs).sum())(&xs), &first);
    near(&jit(grad(|xs: &Array| vmap(grown)(xs).sum()))(&xs), &first);
    let second = stacked(grad(grad(grown_on_host)));
    near(&vmap(grad(grad(grown)))(&xs), &second);
    near(&jit(vmap(grad(grad(grown))))(&xs), &second);
    near(&grad(|xs: &Array| vmap(grad(grown))(xs).sum())(&xs), &second);
    near(&jit(grad(|xs: &Array| vmap(grad(grown))(xs).sum()))(&xs), &second);
    near(&vmap(jacfwd(grad(grown)))(&xs), &second);
    // what all lanes share gets the sum
    let scaled = |s: &Array, xs: &Array| vmap_axes(|s: &Array, x: &Array| grown(&(s * x)), (None, 0), 0)(s, xs).sum();
    let alone: f64 =
        STARTS.iter().map(|x| grad(|s: &Array| grown_on_host(&(s * number(*x))))(&number(1.1)).to_f64()).sum();
    near(&grad(scaled)(&number(1.1), &xs), &number(alone));
    near(&jit(grad(scaled))(&number(1.1), &xs), &number(alone));
    // lanes of lanes
    let grid = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
        let rows = vmap_axes(
            |a: &Array, b: &Array| vmap_axes(|a: &Array, b: &Array| f(a, b), (None, 0), 0)(a, b),
            (0, None),
            0,
        );
        rows(&array(vec![0.5, 2.0, 3.0]), &xs)
    };
    let of = |a: &Array, b: &Array| grown(&(a * b));
    let want: Vec<f64> = [0.5, 2.0, 3.0]
        .iter()
        .flat_map(|a| STARTS.map(|b| (grad(|x: &Array| grown_on_host(&(x * number(b))))(&number(*a))).to_f64()))
        .collect();
    near(&grid(&grad(of)), &Array::from_slice(&want, &[3, 5]));
    near(&jit(|x: &Array| grid(&|a, b| grad(of)(&(a * x), b)))(&number(1.0)), &Array::from_slice(&want, &[3, 5]));
}

/// A loop in a loop in a loop: a while in a scan in a while.
fn nested(x: &Array, inner: &dyn Fn(&dyn Fn(&Array) -> Array, &dyn Fn(&Array) -> Array, &Array) -> Array) -> Array {
    let few = |c: &Array| inner(&|c| c.lt(4.0), &|c| c * 1.7 + x.sin() * 0.2, c);
    inner(&|c| c.lt(9.0), &|c| few(&(c * 0.3)) * 1.2 + few(&(x * 0.4)) * 0.5 + c * 0.5, x)
}
fn on_host(cond: &dyn Fn(&Array) -> Array, body: &dyn Fn(&Array) -> Array, x: &Array) -> Array {
    let mut c = x.clone();
    while cond(&c).to_f64() != 0.0 {
        c = body(&c)
    }
    c
}
fn staged_loop(cond: &dyn Fn(&Array) -> Array, body: &dyn Fn(&Array) -> Array, x: &Array) -> Array {
    lax::while_loop(cond, |c: &Array| body(c), x)
}

#[test]
fn in_one_another() {
    let f = |x: &Array| nested(x, &staged_loop);
    let host = |x: &Array| nested(x, &on_host);
    let xs = array(STARTS.to_vec());
    for x in STARTS.map(number) {
        near(&f(&x), &host(&x));
        near(&grad(f)(&x), &grad(host)(&x));
        same(&jit(grad(f))(&x), &grad(f)(&x));
        near(&jit(grad(grad(f)))(&x), &grad(grad(host))(&x));
    }
    near(&vmap(f)(&xs), &stacked(host));
    near(&vmap(grad(f))(&xs), &stacked(grad(host)));
    near(&jit(vmap(grad(f)))(&xs), &stacked(grad(host)));
    near(&grad(|xs: &Array| vmap(f)(xs).sum())(&xs), &stacked(grad(host)));
    near(&jit(vmap(grad(grad(f))))(&xs), &stacked(grad(grad(host))));
    near(&jit(grad(|xs: &Array| vmap(grad(f))(xs).sum()))(&xs), &stacked(grad(grad(host))));
}

#[test]
fn in_branches_and_scans() {
    // a loop in one branch only, in each turn of a scan
    let step = |c: &Array, x: &Array| {
        let next = lax::cond(
            &(c * x).gt(1.0),
            |(c, x)| grown(&(c * 0.2)) * x * 0.1,
            |(c, x)| (c + x).sin(),
            &(c.clone(), x.clone()),
        );
        (next.clone(), next * c)
    };
    let f = |x: &Array, xs: &Array| {
        let (c, ys) = lax::scan(step, x, xs);
        c + ys.sum()
    };
    let host = |x: &Array, xs: &Array| {
        let (mut c, mut sum) = (x.clone(), number(0.0));
        for i in 0..xs.shape()[0] {
            let x = cotangent::prim::reshape(&cotangent::prim::slice_in_dim(xs, i, i + 1, 1, 0), &[]);
            let next = if (&c * &x).to_f64() > 1.0 { grown_on_host(&(&c * 0.2)) * &x * 0.1 } else { (&c + &x).sin() };
            sum += &next * &c;
            c = next
        }
        c + sum
    };
    let items = array(vec![1.5, 0.3, 2.5, 4.0, 0.7]);
    let both = |f: &(dyn Fn(&Array, &Array) -> Array + Sync), x: &Array| -> (Array, Array) {
        let (y, pull) = vjp(|x: &Array, xs: &Array| f(x, xs), (x, &items));
        let back = pull.call(&number(1.0));
        (y, back.0 + back.1.sum())
    };
    for x in [2.5, 0.4, 1.0].map(number) {
        let (y, back) = both(&host, &x);
        near(&both(&f, &x).0, &y);
        near(&both(&f, &x).1, &back);
        near(&both(&jit(f), &x).1, &back);
        near(&jit(grad(grad(f)))(&x, &items), &grad(grad(host))(&x, &items));
    }
    let xs = array(vec![2.5, 0.4, 1.0]);
    let want: Vec<f64> = [2.5, 0.4, 1.0].iter().map(|x| grad(host)(&number(*x), &items).to_f64()).collect();
    near(&vmap_axes(grad(f), (0, None), 0)(&xs, &items), &array(want.clone()));
    near(&jit(vmap_axes(grad(f), (0, None), 0))(&xs, &items), &array(want));
}

/// A lane does nothing that the program does not do for it: neither does it wait for turns that would never end, nor does a
/// function meet values for which it has no derivative.
#[test]
fn lanes_do_only_what_is_theirs() {
    // where x is negative the loop of the other branch would go on for ever
    let f = |x: &Array| {
        let endless = |x: &Array| lax::while_loop(|c: &Array| c.lt(10.0), |c| c * 2.0, x);
        lax::cond(&x.gt(0.0), endless, |x| x * 3.0, x)
    };
    let xs = array(vec![1.0, -1.0, 3.0, 0.0]);
    near(&vmap(f)(&xs), &array(vec![16.0, -3.0, 12.0, 0.0]));
    near(&jit(vmap(grad(f)))(&xs), &array(vec![16.0, 3.0, 4.0, 3.0]));
    near(&grad(|xs: &Array| vmap(f)(xs).sum())(&xs), &array(vec![16.0, 3.0, 4.0, 3.0]));
    // the logarithm is not taken where it has no value, so that the derivative has no NaN, whoever differentiates first
    let log = |x: &Array| lax::cond(&x.gt(0.0), |x| x.log(), |x| x * 0.0, x);
    let want = array(vec![1.0, 0.0, 1.0 / 3.0, 0.0]);
    near(&vmap(grad(log))(&xs), &want);
    near(&grad(|xs: &Array| vmap(log)(xs).sum())(&xs), &want);
    near(&jit(grad(|xs: &Array| vmap(log)(xs).sum()))(&xs), &want);
    // a lane that has left the loop takes no further turn: its division by zero never happens
    let halved = |x: &Array| lax::while_loop(|c: &Array| c.gt(1.0), |c| c - 1.0 / (c - 1.0), x);
    let g = vmap(grad(halved))(&array(vec![1.0, 1.5, 2.5]));
    assert!(f64s(&g).iter().all(|x| x.is_finite()), "{g}");
}
