//! Derivative rules by users. Most of them are wrong on purpose, so that a lost rule shows. Numbers are JAX's, of the same functions
//! in float64, unless a comment derives them.

mod common;

use common::told;
use cotangent::prelude::*;
use cotangent::{
    CheckGrads, Grad, Vmap, check_grads, custom_gradient, custom_jvp, custom_vjp, hessian, jacfwd, jacrev, jvp, lax,
    linear_call, linear_transpose, linearize, make_jaxpr, prim, vjp, vmap, vmap_axes,
};
use std::sync::atomic::{AtomicUsize, Ordering};

type Binary = Box<dyn Fn(&Array, &Array) -> Array + Send + Sync>;

fn product(x: &Array, y: &Array) -> Array {
    x.sin() * y
}
/// sin(x) y with the tangent 3 x y dx + sin(x) dy.
fn forward() -> Binary {
    custom_jvp(product, |(x, y), (dx, dy)| (product(&x, &y), 3.0 * &x * y * dx + x.sin() * dy))
}
/// sin(x) y with the cotangents 3 x y exp(x) ct and 5 y ct.
fn reverse() -> Binary {
    custom_vjp(product, |(x, y)| (product(&x, &y), (x, y)), |(x, y), ct| (3.0 * &ct * &x * &y * x.exp(), 5.0 * ct * y))
}
fn num(x: f64) -> Array {
    Array::from_slice(&[x], &[])
}
fn nums(x: &[f64]) -> Array {
    array(x.to_vec())
}
fn xs() -> Array {
    nums(&[0.5, -1., 2.])
}
fn ys() -> Array {
    nums(&[2., 3., -0.5])
}
#[track_caller]
fn near(got: &Array, want: &[f64]) {
    let got = got.to_vec::<f64>();
    assert_eq!(got.len(), want.len(), "{got:?}");
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= 1e-14 * (1.0 + w.abs()), "{got:?} instead of {want:?}");
    }
}

/// What JAX has for one of the two functions.
struct Wanted {
    grads: [f64; 2],
    second: [f64; 2],
    third: f64,
    each: [f64; 3],
    shared: f64,
    compose: f64,
    each_second: [f64; 3],
}
const FORWARD: Wanted = Wanted {
    grads: [3.0, 0.479425538604203],
    second: [6.0, 1.5],
    third: 0.0,
    each: [3.0, -9.0, -3.0],
    shared: 0.5472519806219882,
    compose: 2.2295235580904276,
    each_second: [6.0, 9.0, -1.5],
};
const REVERSE: Wanted = Wanted {
    grads: [4.946163812100385, 10.0],
    second: [14.838491436301155, 2.4730819060501923],
    third: 24.730819060501922,
    each: [4.946163812100385, -3.3109149705429806, -22.16716829679195],
    shared: 30.0,
    compose: 6.486236747325039,
    each_second: [14.838491436301155, 0.0, -33.25075244518793],
};
fn diagonal(d: &[f64; 3]) -> [f64; 9] {
    [d[0], 0., 0., 0., d[1], 0., 0., 0., d[2]]
}

/// The function eager, staged, staged in something staged.
fn three_ways(f: fn() -> Binary) -> [Binary; 3] {
    [f(), jit(f()), jit(jit(f()))]
}

#[test]
fn a_rule_survives_every_transformation() {
    for (make, want) in [(forward as fn() -> Binary, &FORWARD), (reverse, &REVERSE)] {
        let (x, y, xs, ys) = (num(0.5), num(2.0), xs(), ys());
        for f in three_ways(make) {
            let f = &f;
            near(&f(&x, &y), &[0.958851077208406]);
            let (dx, dy) = grad_argnums(f, (ARG0, ARG1))(&x, &y);
            near(&dx, &want.grads[..1]);
            near(&dy, &want.grads[1..]);
            let (_, pull) = vjp(f, (&x, &y));
            let (dx, dy) = pull.call(&num(2.0));
            near(&dx, &[2.0 * want.grads[0]]);
            near(&dy, &[2.0 * want.grads[1]]);
            near(&jit(grad(f))(&x, &y), &want.grads[..1]);
            near(&grad(grad(f))(&x, &y), &want.second[..1]);
            near(&grad_argnums(grad(f), ARG1)(&x, &y), &want.second[1..]);
            near(&jit(grad(jit(grad(f))))(&x, &y), &want.second[..1]);
            near(&grad(grad(grad(f)))(&x, &y), &[want.third]);
            near(&vmap(f)(&xs, &ys), &[0.958851077208406, -2.5244129544236893, -0.45464871341284085]);
            near(&vmap(grad(f))(&xs, &ys), &want.each);
            near(&jit(vmap(grad(f)))(&xs, &ys), &want.each);
            near(&vmap(jit(grad(f)))(&xs, &ys), &want.each);
            near(&grad(|x: &Array| vmap(f)(x, &ys).sum())(&xs), &want.each);
            near(&grad(|x: &Array| jit(vmap(f))(x, &ys).sum())(&xs), &want.each);
            near(&vmap(grad(grad(f)))(&xs, &ys), &want.each_second);
            near(&grad(|x: &Array| vmap(grad(f))(x, &ys).sum())(&xs), &want.each_second);
            // an argument that the lanes share gets the sum of their cotangents
            let shared = |y: &Array| vmap_axes(f, (0, None), 0)(&xs, y).sum();
            near(&grad(shared)(&y), &[want.shared]);
            near(&grad(jit(shared))(&y), &[want.shared]);
            near(&jacrev(|x: &Array| f(x, &ys))(&xs), &diagonal(&want.each));
            near(&jacfwd(|x: &Array| f(x, &ys))(&xs), &diagonal(&want.each));
            near(&hessian(|x: &Array| f(x, &ys).sum())(&xs), &diagonal(&want.each_second));
            near(&jacrev(jacrev(|x: &Array| f(x, &ys).sum()))(&xs), &diagonal(&want.each_second));
            near(&grad(|x: &Array| f(&(f(x, &y) * x), x))(&x), &[want.compose]);
        }
    }
}

#[test]
fn forward_mode() {
    let (x, y) = (num(0.5), num(2.0));
    for f in three_ways(forward) {
        let (z, dz) = jvp(&f, (&x, &y), (&num(1.0), &num(10.0)));
        near(&z, &[0.958851077208406]);
        near(&dz, &[7.79425538604203]);
        let (_, push) = linearize(&f, (&x, &y));
        near(&push.call((&num(1.0), &num(10.0))), &[7.79425538604203]);
    }
    // JAX refuses this. The backward rule is linear in the cotangent, and its transpose is 3 x y exp(x) dx + 5 y dy.
    let want = REVERSE.grads[0] + 10.0 * REVERSE.grads[1];
    for f in three_ways(reverse) {
        let (z, dz) = jvp(&f, (&x, &y), (&num(1.0), &num(10.0)));
        near(&z, &[0.958851077208406]);
        near(&dz, &[want]);
        let (_, push) = linearize(f, (&x, &y));
        let push = |dx: &Array, dy: &Array| push.call((dx, dy));
        near(&push(&num(1.0), &num(10.0)), &[want]);
        near(&jit(&push)(&num(1.0), &num(10.0)), &[want]);
        // the linear map is transposed by the rule itself, whatever happened to it in between
        let back = linear_transpose(&push, (&x, &y));
        let (dx, dy) = back(&num(1.0));
        near(&dx, &REVERSE.grads[..1]);
        near(&dy, &REVERSE.grads[1..]);
        let each = vmap(&push)(&nums(&[1., 0.]), &nums(&[0., 1.]));
        near(&each, &REVERSE.grads);
    }
}

#[test]
fn host_code_sees_values() {
    // eagerly a rule is asked instead of the function, and both may look at values; a staged function may not
    let f = custom_jvp(
        |x: &Array| if x.to_f64() > 0.0 { x.sin() } else { x.cos() },
        |(x,), (dx,)| if x.to_f64() > 0.0 { (x.sin(), 2.0 * dx) } else { (x.cos(), 3.0 * x * dx) },
    );
    near(&grad(&f)(&num(1.0)), &[2.0]);
    near(&grad(&f)(&num(-1.0)), &[-3.0]);
    near(&grad(grad(&f))(&num(-1.0)), &[3.0]);
    near(&jvp(|x: &Array| 2.0 * f(x), (&num(-1.0),), (&num(1.0),)).1, &[-6.0]);
    // what does not move is computed, and a map that does not map it leaves it as it is
    near(&grad(|x: &Array| x * f(&num(1.0)))(&num(1.0)), &[1f64.sin()]);
    near(&vmap(|x: &Array| x * f(&num(1.0)))(&nums(&[1., 2.])), &[1f64.sin(), 2.0 * 1f64.sin()]);
    told(ErrorKind::Concrete, &["to_bool", "jit"], || {
        let f = custom_jvp(|x: &Array| if x.to_bool() { x.sin() } else { x.cos() }, |(x,), (dx,)| (x, dx));
        jit(f)(&num(1.0))
    });
    let g = custom_vjp(
        |x: &Array| if x.to_f64() > 0.0 { x.sin() } else { x.cos() },
        |(x,)| (x.sin(), Static(x.to_f64() > 0.0)),
        |Static(positive), ct| (if positive { 5.0 * ct } else { 7.0 * ct },),
    );
    near(&grad(&g)(&num(1.0)), &[5.0]);
    near(&grad(&g)(&num(-1.0)), &[7.0]);
}
#[derive(Pytree)]
struct Layer {
    w: Array,
    b: Option<Array>,
}

#[test]
fn arguments_results_and_residuals_are_trees() {
    type Scaled = Box<dyn Fn(&Layer, Vec<Array>, Static<i32>) -> (Array, Layer) + Send + Sync>;
    fn apply(l: &Layer, xs: &[Array], n: i32) -> (Array, Layer) {
        let sum = xs.iter().fold(0.0 * &xs[0], |s, x| s + x * &l.w);
        (sum.powi(n), Layer { w: &l.w * 2.0, b: l.b.clone() })
    }
    // the rule multiplies the true derivative with respect to w by ten, and says that of the list is its numbers
    let make = || -> Scaled {
        custom_vjp(
            |l: &Layer, xs: Vec<Array>, n: Static<i32>| apply(l, &xs, n.0),
            |(l, xs, n)| {
                let saved = (l.w.clone(), xs.iter().map(|x| (x.clone(), None::<Array>)).collect::<Vec<_>>());
                (apply(&l, &xs, n.0), (saved, l, n))
            },
            |((_, xs), l, n), (ct, dl)| {
                let sum = xs.iter().fold(num(0.0), |s, (x, _)| s + x);
                let scale = &ct * (n.0 as f64) * (&l.w * &sum).powi(n.0 - 1) * &sum * 10.0;
                let b = l.b.map(|_| dl.b.expect("the structure of the value") * 3.0);
                (Layer { w: scale + dl.w, b }, xs.into_iter().map(|(x, _)| x * &ct).collect(), n)
            },
        )
    };
    let loss = |f: Scaled| {
        move |l: &Layer, xs: Vec<Array>, n: Static<i32>| {
            let (y, l) = f(l, xs, n);
            y + l.w + l.b.unwrap_or(num(0.0))
        }
    };
    let layer = || Layer { w: num(3.0), b: Some(num(1.0)) };
    for f in [make(), jit(make())] {
        let f = loss(f);
        let g = grad_argnums(&f, (ARG0, ARG1));
        let (dl, dxs) = g(&layer(), vec![num(1.0), num(2.0)], Static(2));
        // d/dw (3 w)^2 = 18 w = 54, times ten, and 1
        near(&dl.w, &[541.0]);
        near(&dl.b.unwrap(), &[3.0]);
        assert_eq!(dxs.iter().map(|x| x.to_f64()).collect::<Vec<_>>(), [1.0, 2.0]);
        let (dl, dxs) = g(&Layer { w: num(3.0), b: None }, vec![num(1.0)], Static(1));
        near(&dl.w, &[11.0]);
        assert!(dl.b.is_none() && dxs.len() == 1);
    }
    type Eight = fn(&Array, &Array, &Array, &Array, &Array, &Array, &Array, &Array) -> Array;
    let eight: Eight = |a, b, c, d, e, f, g, h| a + b + c + d + e + f + g + h;
    let f = custom_jvp(eight, |x, (da, .., dh)| (x.0 + x.7, 2.0 * da + 3.0 * dh));
    let o = &num(1.0);
    let (da, db, dh) = grad_argnums(f, (ARG0, ARG1, ARG7))(o, o, o, o, o, o, o, o);
    assert_eq!([da, db, dh].map(|d| d.to_f64()), [2.0, 0.0, 3.0]);
    // a function of nothing has a rule that nobody can ask for
    assert_eq!(jit(custom_jvp(|| num(1.0), |(), ()| (num(2.0), num(0.0))))().to_f64(), 1.0);
}

#[test]
fn integers_have_float0() {
    let x = array![2.0, 3.0];
    let f = custom_jvp(
        |x: &Array, n: &Array| (x * n, n + 1),
        |(x, n), (dx, dn)| {
            assert_eq!((dn.dtype(), dn.shape()), (DType::Float0, n.shape()));
            ((&x * &n, n + 1), (10.0 * dx, dn))
        },
    );
    let g = custom_vjp(
        |x: &Array, n: &Array| (x * n, n + 1),
        |(x, n)| ((x * &n, &n + 1), n),
        |n, (ct, dn)| {
            assert_eq!((dn.dtype(), dn.shape()), (DType::Float0, n.shape()));
            (10.0 * ct, n) // what is said of an integer is not looked at
        },
    );
    let n = array![4, 5];
    for f in [&f as &(dyn Fn(&Array, &Array) -> (Array, Array) + Send + Sync), &g, &jit(&f), &jit(&g)] {
        let ((y, m), pull) = vjp(f, (&x, &n));
        assert_eq!((y.to_string(), m.to_string()), ("[ 8. 15.]".into(), "[5 6]".into()));
        let zero = pull.call(&(array![1., 1.], vjp(f, (&x, &n)).1.call(&(array![0., 0.], float0(2))).1)).1;
        assert_eq!(zero.dtype(), DType::Float0);
        let (dx, dn) = pull.call(&(array![1., 2.], float0(2)));
        assert_eq!((dx.to_string(), dn.dtype()), ("[10. 20.]".into(), DType::Float0));
        let (dy, dm) = jvp(f, (&x, &n), (&array![1., 2.], &float0(2))).1;
        assert_eq!((dy.to_string(), dm.dtype()), ("[10. 20.]".into(), DType::Float0));
        let lanes = grad(|x: &Array| vmap(f)(x, &n).0.sum())(&x);
        assert_eq!(lanes.to_string(), "[10. 10.]");
    }
}
/// The tangent of so many integers.
fn float0(n: usize) -> Array {
    let zeros = Array::from_slice(&vec![0i32; n], &[n]);
    Grad::new().allow_int(true).grad(|n: &Array| 0.0 * n.sum().astype(DType::Float32))(&zeros)
}

#[test]
fn captured_values() {
    let c = nums(&[1., 2., 3.]);
    let (c1, c2) = (c.clone(), c.clone());
    let f = custom_jvp(move |x: &Array| x * &c1, move |(x,), (dx,)| (&x * &c2, dx * &x * &c2));
    let x = nums(&[2., 3., 4.]);
    for g in [jit(grad(|x: &Array| f(x).sum())), grad(|x: &Array| jit(&f)(x).sum())] {
        near(&g(&x), &[2., 6., 12.]);
    }
    assert!(make_jaxpr(&f, (&x,)).to_string().contains("num_consts=1"), "a captured array is an operand");
    // a value of an outer gradient, captured by the function and by the rule: the derivative with respect to it flows through
    // what the rule does, d/dc (2 c x) = 2 x and, of the value itself, d/dc (c x) = x
    let scaled = |c: &Array| {
        let (c1, c2) = (c.clone(), c.clone());
        custom_jvp(move |x: &Array| &c1 * x, move |(x,), (dx,)| (&c2 * &x, 2.0 * &c2 * &x * dx))
    };
    near(&grad(|c: &Array| grad(scaled(c))(&num(3.0)))(&num(5.0)), &[6.0]);
    near(&jit(grad(|c: &Array| grad(scaled(c))(&num(3.0))))(&num(5.0)), &[6.0]);
    near(&vmap(|c: &Array| grad(scaled(c))(&num(3.0)))(&nums(&[5., 6.])), &[30., 36.]);
    near(&jit(|c: &Array| grad(scaled(c))(&num(3.0)))(&num(5.0)), &[30.0]);
    near(&grad(|c: &Array| jit(|x: &Array| grad(scaled(c))(x))(&num(3.0)))(&num(5.0)), &[6.0]);
    let pulled = |c: &Array| {
        let (c1, c2, c3) = (c.clone(), c.clone(), c.clone());
        custom_vjp(move |x: &Array| &c1 * x, move |(x,)| (&c2 * &x, x), move |x, ct| (2.0 * &c3 * x * ct,))
    };
    near(&grad(|c: &Array| grad(pulled(c))(&num(3.0)))(&num(5.0)), &[6.0]);
    near(&grad(|c: &Array| jvp(pulled(c), (&num(3.0),), (&num(1.0),)).1)(&num(5.0)), &[6.0]);
    near(&vmap(|c: &Array| grad(pulled(c))(&num(3.0)))(&nums(&[5., 6.])), &[30., 36.]);
    near(&jit(grad(|c: &Array| grad(pulled(c))(&num(3.0))))(&num(5.0)), &[6.0]);
    // the transformation that is to take the derivative must see the value: JAX refuses these, too
    told(ErrorKind::Leak, &["custom_jvp", "captures", "argument", "float64[]"], || {
        grad(|c: &Array| scaled(c)(&num(3.0)))(&num(5.0))
    });
    told(ErrorKind::Leak, &["custom_jvp", "captures"], || grad(|c: &Array| scaled(c)(c))(&num(5.0)));
    told(ErrorKind::Leak, &["custom_vjp", "captures"], || grad(|c: &Array| pulled(c)(c))(&num(5.0)));
    // where only the rule captures it, nobody can know before the rule runs
    let only_rule = |c: &Array| {
        let c = c.clone();
        custom_jvp(|x: &Array| x.sin(), move |(x,), (dx,)| (x.sin(), dx * &c))
    };
    told(ErrorKind::Leak, &["leaked tracer", "under jit", "argument"], || {
        grad(jit(|c: &Array| only_rule(&(2.0 * c))(c)))(&num(5.0))
    });
    told(ErrorKind::NotDifferentiable, &["custom_jvp", "captures"], || grad(jit(|c: &Array| scaled(c)(c)))(&num(5.0)));
    let only_f = |c: &Array| {
        let c = c.clone();
        custom_jvp(move |x: &Array| &c * x, |(x,), (dx,)| (x, dx))
    };
    told(ErrorKind::NotDifferentiable, &["custom_jvp", "captures", "argument"], || {
        grad(jit(|c: &Array| only_f(c)(&num(3.0))))(&num(5.0))
    });
    near(&grad(|c: &Array| vmap(grad(scaled(c)))(&nums(&[3., 4.])).sum())(&num(5.0)), &[14.0]);
    // a rule that runs on a program is outside of whatever traced the value
    let inside = |c: &Array| grad(jit(scaled(c)))(&num(3.0));
    told(ErrorKind::Leak, &["captures", "argument"], || vmap(inside)(&nums(&[5., 6.])));
    told(ErrorKind::Leak, &["captures", "argument"], || grad(inside)(&num(5.0)));
    told(ErrorKind::Leak, &["captures", "argument"], || jit(inside)(&num(5.0)));
    // staged, it may capture what does not move
    near(&grad(jit(|x: &Array| only_f(&stop_gradient(&(2.0 * x)))(x)))(&num(5.0)), &[1.0]);
}

#[test]
fn lanes() {
    // a residual that no lane changes stays one, and so does a result of a rule along what is not mapped
    let (xs, w) = (nums(&[1., 2., 3.]), num(10.0));
    let f = custom_vjp(
        |x: &Array, w: &Array| (x * w, w.sin()),
        |(x, w)| ((&x * &w, w.sin()), (x, &w * 2.0)),
        |(x, w2), (ct, cw)| (&ct * &w2, ct * x * 100.0 + cw * w2),
    );
    for f in [&f as &(dyn Fn(&Array, &Array) -> (Array, Array) + Send + Sync), &jit(&f)] {
        let total = |w: &Array| {
            let (y, s) = vmap_axes(f, (0, None), 0)(&xs, w);
            y.sum() + s.sum()
        };
        // 100 (1 + 2 + 3) and, of each lane, 20
        near(&grad(total)(&w), &[660.0]);
        near(&grad(jit(total))(&w), &[660.0]);
        near(&grad(|x: &Array| vmap_axes(f, (0, None), 0)(x, &w).0.sum())(&xs), &[20., 20., 20.]);
        // lanes along another axis, and two maps
        let m = Array::from_slice(&[1.0f64, 2., 3., 4., 5., 6.], &[2, 3]);
        let g = grad(|m: &Array| vmap_axes(vmap_axes(f, (0, None), 0), (1, None), 1)(m, &w).0.sum())(&m);
        assert_eq!((g.shape(), g.to_vec::<f64>()), (&[2, 3][..], vec![20.0; 6]));
    }
    // forward mode below a map needs the zero tangent of what does not move
    let p = forward();
    near(&vmap(|x: &Array| grad(|x: &Array| p(x, &num(2.0)))(x))(&nums(&[0.5, 1.])), &[3., 6.]);
    near(&grad(|x: &Array| vmap_axes(&p, (0, None), 0)(x, &num(2.0)).sum())(&nums(&[0.5, 1.])), &[3., 6.]);
}

#[test]
fn named_axes() {
    // x minus the mean of all lanes; the rule says twice that
    fn centered() -> Box<dyn Fn(&Array) -> Array + Send + Sync> {
        custom_jvp(
            |x: &Array| x - lax::pmean(x, "i"),
            |(x,), (dx,)| (&x - lax::pmean(&x, "i"), 2.0 * (&dx - lax::pmean(&dx, "i"))),
        )
    }
    fn centered_back() -> Box<dyn Fn(&Array) -> Array + Send + Sync> {
        custom_vjp(
            |x: &Array| x - lax::pmean(x, "i"),
            |(x,)| (&x - lax::pmean(&x, "i"), ()),
            |(), ct| (2.0 * (&ct - lax::pmean(&ct, "i")),),
        )
    }
    let xs = nums(&[1., 2., 6.]);
    let named = || Vmap::new().axis_name("i");
    for f in [centered(), jit(centered()), centered_back(), jit(centered_back())] {
        let f = &f;
        near(&named().of(f)(&xs), &[-2., -1., 3.]);
        // of the sum of squares: 4 (x - mean)
        let loss = |xs: &Array| named().of(f)(xs).powi(2).sum();
        let want = [-8., -4., 12.];
        near(&grad(loss)(&xs), &want);
        near(&jit(grad(loss))(&xs), &want);
        near(&grad(jit(loss))(&xs), &want);
        let inside = |xs: &Array| jit(named().of(|x: &Array| jit(f)(x)))(xs).powi(2).sum();
        near(&grad(inside)(&xs), &want);
        // the gradient inside of the map is the lane's own: of f(x)^2 in each lane
        let own = named().of(|x: &Array| grad(|x: &Array| f(x).powi(2))(x))(&xs);
        near(&own, &[-8., -4., 12.]);
        let (_, dy) = jvp(|xs: &Array| named().of(f)(xs), (&xs,), (&nums(&[3., 0., 0.]),));
        near(&dy, &[4., -2., -2.]);
        let along = named().of(|x: &Array, d: &Array| jvp(f, (x,), (d,)).1)(&xs, &nums(&[3., 0., 0.]));
        near(&along, &[4., -2., -2.]);
        told(ErrorKind::Axis, &["unbound axis name: i"], || f(&num(1.0)));
    }
    // nothing is mapped, and lanes come from the axis alone
    for f in [
        custom_jvp(
            |x: &Array| x * lax::axis_index("i"),
            |(x,), (dx,)| (x * lax::axis_index("i"), 3.0 * dx * lax::axis_index("i")),
        ),
        jit(custom_vjp(
            |x: &Array| x * lax::axis_index("i"),
            |(x,)| (x * lax::axis_index("i"), ()),
            |(), ct| (3.0 * ct * lax::axis_index("i"),),
        )),
    ] {
        let total = |x: &Array| named().of(|y: &Array| y + f(x))(&xs).sum();
        near(&grad(total)(&num(1.0)), &[9.0]);
        near(&total(&num(1.0)), &[12.0]);
        let g = Grad::new().reduce_axes(["i"]).grad(|w: &Array, x: &Array| f(w) * x);
        let each = named().in_axes((None, 0)).of(g)(&num(1.0), &xs);
        near(&each, &[42., 42., 42.]); // 3 (0 * 1 + 1 * 2 + 2 * 6)
    }
}

#[test]
fn rules_that_use_rules() {
    // a rule that calls its own function: every derivative goes through it, x -> 2 f(x) -> 4 f(x)
    fn double(x: &Array) -> Array {
        custom_jvp(|x: &Array| x.exp(), |(x,), (dx,)| (double(&x), 2.0 * double(&x) * dx))(x)
    }
    fn double_back(x: &Array) -> Array {
        custom_vjp(|x: &Array| x.exp(), |(x,)| (double_back(&x), x), |x, ct| (2.0 * double_back(&x) * ct,))(x)
    }
    let e = 1f64.exp();
    for f in [double as fn(&Array) -> Array, double_back] {
        near(&grad(f)(&num(1.0)), &[2.0 * e]);
        near(&grad(grad(grad(f)))(&num(1.0)), &[8.0 * e]);
        near(&jit(grad(grad(f)))(&num(1.0)), &[4.0 * e]);
        near(&grad(jit(grad(jit(f))))(&num(1.0)), &[4.0 * e]);
        near(&vmap(grad(grad(f)))(&nums(&[0., 1.])), &[4.0, 4.0 * e]);
        near(&jacfwd(jacfwd(f))(&num(1.0)), &[4.0 * e]);
        near(&hessian(f)(&num(1.0)), &[4.0 * e]);
    }
    // a linear function with a rule, on the tangents of another rule: only its body is asked
    let third = custom_jvp(|x: &Array| x / 3.0, |(x,), (dx,)| (&x / 3.0, 100.0 * dx));
    near(&linear_transpose(&third, (&num(0.0),))(&num(1.0)).0, &[1.0 / 3.0]);
    near(&linear_transpose(jit(&third), (&num(0.0),))(&num(1.0)).0, &[1.0 / 3.0]);
    let f = custom_jvp(|x: &Array| x.sin(), move |(x,), (dx,)| (x.sin(), third(&dx)));
    near(&grad(f)(&num(1.0)), &[1.0 / 3.0]);
    // a backward rule that pulls back to a zero: forward mode, its transpose, follows that, too
    let second = |_: &Array, y: &Array| 3.0 * y;
    let back = move |(x, y): (Array, Array), ct: Array| vjp(second, (&x, &y)).1.call(&ct);
    let inner = move || custom_vjp(second, move |(x, y)| (second(&x, &y), (x, y)), back);
    let back = move |(x,): (Array,), ct: Array| (vjp(|x: &Array| inner()(x, x), (&x,)).1.call(&ct).0,);
    let outer = custom_vjp(move |x: &Array| inner()(x, x), move |(x,)| (inner()(&x, &x), (x,)), back);
    near(&jvp(&outer, (&num(2.0),), (&num(1.0),)).1, &[3.0]);
    // a tangent that is zero by value
    let flat = custom_jvp(|x: &Array| prim::floor(x), |(x,), _| (prim::floor(&x), num(0.0)));
    near(&grad(|x: &Array| flat(x) * x + x * x)(&num(1.5)), &[4.0]);
    near(&jit(grad(|x: &Array| flat(x) * x + x * x))(&num(1.5)), &[4.0]);
    near(&vmap(grad(|x: &Array| jit(&flat)(x) * x + x * x))(&nums(&[1.5])), &[4.0]);
}
/// A staged function runs once for each type of its arguments, its rule once for each derivative.
#[test]
fn everything_is_staged_once() {
    static RUNS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];
    let count = |i: usize| RUNS[i].fetch_add(1, Ordering::Relaxed);
    let f = jit(custom_vjp(
        move |x: &Array| {
            count(0);
            x.sin()
        },
        move |(x,)| {
            count(1);
            (x.sin(), x)
        },
        move |x, ct| {
            count(2);
            (3.0 * ct * x,)
        },
    ));
    let runs = || [0, 1, 2].map(|i| RUNS[i].load(Ordering::Relaxed));
    for x in [1.0, 2.0, 3.0] {
        near(&f(&num(x)), &[x.sin()]);
        assert_eq!(runs(), [1, 0, 0]);
    }
    for x in [1.0, 2.0, 3.0] {
        near(&grad(&f)(&num(x)), &[3.0 * x]);
        assert_eq!(runs(), [1, 1, 1]);
    }
}

#[test]
fn right_rules_are_right() {
    let x = nums(&[0.5, -1.0, 2.0]);
    let softplus = custom_jvp(
        |x: &Array| (1.0 + x.exp()).log(),
        |(x,), (dx,)| ((1.0 + x.exp()).log(), dx * (1.0 - 1.0 / (1.0 + x.exp()))),
    );
    check_grads(&softplus, (&x,), 3);
    let norm = custom_vjp(
        |x: &Array| (x * x).sum().sqrt(),
        |(x,)| {
            let n = (&x * &x).sum().sqrt();
            (n.clone(), (x, n))
        },
        |(x, n), ct| (ct * x / n,),
    );
    check_grads(&norm, (&x,), 2);
    CheckGrads::new().check(|x: &Array| jit(vmap(&softplus))(x).sum() * norm(x), (&x,), 2).unwrap();
}

#[test]
fn gradients_from_closures() {
    // JAX: 5 x and 5 at 2
    let f = || {
        custom_gradient(|x: &Array| {
            let x = x.clone();
            (x.sin(), move |ct: Array| (ct * 5.0 * &x,))
        })
    };
    for f in [f(), jit(f())] {
        near(&f(&num(2.0)), &[2f64.sin()]);
        near(&grad(&f)(&num(2.0)), &[10.0]);
        near(&grad(grad(&f))(&num(2.0)), &[5.0]);
        near(&jit(grad(grad(&f)))(&num(2.0)), &[5.0]);
        near(&vmap(grad(&f))(&nums(&[1., 2.])), &[5., 10.]);
        near(&grad(|x: &Array| jit(vmap(&f))(x).sum())(&nums(&[1., 2.])), &[5., 10.]);
        near(&jvp(&f, (&num(2.0),), (&num(3.0),)).1, &[30.0]);
    }
    // several arguments, one of them an integer; a captured large array and an outer gradient's value
    let c = nums(&[1., 2., 3.]);
    let g = move |outer: &Array| {
        let (c, outer) = (c.clone(), outer.clone());
        custom_gradient(move |x: &Array, n: &Array| {
            let (c, m, outer) = (c.clone(), n.clone(), outer.clone());
            ((x * n, n.clone()), move |(ct, _): (Array, Array)| (ct * &c * &outer * &m, m.clone()))
        })
    };
    let d = |o: &Array| grad(|x: &Array| g(o)(x, &array(2)).0.sum())(&nums(&[1., 1., 1.])).sum();
    near(&d(&num(10.0)), &[120.0]);
    near(&grad(d)(&num(10.0)), &[12.0]);
}

#[test]
fn linear_functions_with_transposes() {
    // JAX: x / r with the transpose 7 ct / r at r = 2
    let f = |r: &Array, x: &Array| linear_call(|r: &Array, x: &Array| x / r, |r, ct| 7.0 * ct / r, r, x);
    let at = |r: f64| move |x: &Array| f(&num(r), x);
    near(&f(&num(2.0), &num(3.0)), &[1.5]);
    near(&jvp(at(2.0), (&num(1.0),), (&num(1.0),)).1, &[0.5]);
    near(&grad(at(2.0))(&num(1.0)), &[3.5]);
    near(&jit(grad(at(2.0)))(&num(1.0)), &[3.5]);
    near(&grad(jit(at(2.0)))(&num(1.0)), &[3.5]);
    near(&linear_transpose(at(2.0), (&num(1.0),))(&num(1.0)).0, &[3.5]);
    // the transpose of the transpose is the function again
    let back = linear_transpose(at(2.0), (&num(1.0),));
    near(&linear_transpose(move |ct: &Array| back(ct).0, (&num(1.0),))(&num(1.0)).0, &[0.5]);
    near(&vmap(f)(&nums(&[1., 2.]), &nums(&[4., 4.])), &[4., 2.]);
    // with respect to the residuals it is the function's own, -x / r^2; of a gradient, that of the transpose, -7 / r^2
    near(&grad(|r: &Array| f(r, &num(1.0)))(&num(2.0)), &[-0.25]);
    near(&grad(|r: &Array| grad(|x: &Array| f(r, x))(&num(1.0)))(&num(2.0)), &[-1.75]);
    // a captured value is one more residual
    let c = nums(&[1., 2.]);
    let g = move |x: &Array| {
        let (c, d) = (c.clone(), c.clone());
        linear_call(move |(), x: &Array| x * &c, move |(), ct: &Array| ct * &d, &(), x)
    };
    near(&grad(|x: &Array| g(x).sum())(&nums(&[0., 0.])), &[1., 2.]);
    near(&grad(|x: &Array| jit(&g)(x).sum())(&nums(&[0., 0.])), &[1., 2.]);
}

fn f(x: &Array, y: &Array) -> Array {
    x.sin() * y
}
fn f_jvp((x, y): (Array, Array), (dx, dy): (Array, Array)) -> (Array, Array) {
    (f(&x, &y), 3.0 * dx + dy)
}
fn g(x: &Array, y: &Array) -> Array {
    x.sin() * y
}
fn g_fwd((x, y): (Array, Array)) -> (Array, (Array, Array)) {
    (g(&x, &y), (x, y))
}
fn g_bwd((x, _): (Array, Array), ct: Array) -> (Array, Array) {
    (3.0 * &ct * x, ct)
}

/// As JAX prints the same programs.
#[test]
fn programs_print_as_in_jax() {
    let (x, y) = (array(1.0), array(2.0));
    assert_eq!(
        make_jaxpr(custom_jvp(f, f_jvp), (&x, &y)).to_string(),
        "\
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = custom_jvp_call[
      name=f
      call_jaxpr={ lambda ; d:f32[] e:f32[]. let
          f:f32[] = sin d
          g:f32[] = mul f e
        in (g,) }
      jvp=f_jvp
      symbolic_zeros=False
    ] a b
  in (c,) }"
    );
    assert_eq!(
        make_jaxpr(custom_vjp(g, g_fwd, g_bwd), (&x, &y)).to_string(),
        "\
{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = custom_vjp_call[
      name=g
      bwd=g_bwd
      call_jaxpr={ lambda ; d:f32[] e:f32[]. let
          f:f32[] = sin d
          g:f32[] = mul f e
        in (g,) }
      fwd=g_fwd
      symbolic_zeros=False
    ] a b
  in (c,) }"
    );
}

#[test]
fn forward_rules_that_do_not_fit() {
    let at = |f: Box<dyn Fn(&Array) -> Array + Send + Sync>| move || grad(|x: &Array| f(x).sum())(&array![1., 2.]);
    told(ErrorKind::Shape, &["custom_jvp", "tangent", "float32[]", "float32[2]"], {
        at(custom_jvp(|x: &Array| x.sin(), |(x,), (dx,)| (x, dx.sum())))
    });
    told(ErrorKind::Type, &["custom_jvp", "tangent", "float16", "float32"], {
        at(custom_jvp(|x: &Array| x.sin(), |(x,), (dx,)| (x, dx.astype(DType::Float16))))
    });
    // what a staged function returns is known, and the rule must return the same
    let staged = |f: Box<dyn Fn(&Array) -> Array + Send + Sync>| at(jit(f));
    told(ErrorKind::Shape, &["custom_jvp", "rule's value", "float32[]", "function's", "float32[2]"], {
        staged(custom_jvp(|x: &Array| x.sin(), |(x,), (dx,)| (x.sum(), dx.sum())))
    });
    told(ErrorKind::Type, &["custom_jvp", "rule's value", "float16[2]", "float32[2]"], {
        let half = |x: &Array| x.astype(DType::Float16);
        staged(custom_jvp(|x: &Array| x.sin(), move |(x,), (dx,)| (half(&x), half(&dx))))
    });
    // the number of tangents, in a list; and which leaf is wrong
    let list = |f: Box<dyn Fn(&Array) -> Vec<Array> + Send + Sync>| {
        move || grad(|x: &Array| f(x).iter().fold(array(0.0), |s, y| s + y.sum()))(&array![1., 2.])
    };
    told(ErrorKind::Structure, &["custom_jvp", "value and its tangent", "2", "1"], {
        list(custom_jvp(|x: &Array| vec![x.sin(); 2], |(x,), (dx,)| (vec![x; 2], vec![dx])))
    });
    told(ErrorKind::Shape, &["custom_jvp", "tangent[1]", "float32[]", "float32[2]"], {
        list(custom_jvp(|x: &Array| vec![x.sin(); 2], |(x,), (dx,)| (vec![x; 2], vec![dx.clone(), dx.sum()])))
    });
    told(ErrorKind::Structure, &["custom_jvp", "rule's value", "function's"], {
        list(jit(custom_jvp(|x: &Array| vec![x.sin(); 2], |(x,), (dx,)| (vec![x], vec![dx]))))
    });
    // not linear
    told(ErrorKind::NotLinear, &["mul", "not linear"], {
        at(custom_jvp(|x: &Array| x.sin(), |(x,), (dx,)| (x, &dx * &dx)))
    });
    told(ErrorKind::NotLinear, &["rule", "not linear"], {
        at(custom_jvp(|x: &Array| x.sin(), |(x,), (_,)| (x.clone(), x)))
    });
}

#[test]
fn reverse_rules_that_do_not_fit() {
    type Unary = Box<dyn Fn(&Array) -> Array + Send + Sync>;
    let at = |f: Unary| move || grad(|x: &Array| f(x).sum())(&array![1., 2.]);
    let sin = |x: &Array| x.sin();
    told(ErrorKind::Shape, &["custom_vjp", "cotangent[0]", "float32[]", "float32[2]"], {
        at(custom_vjp(sin, |(x,)| (x, ()), |(), ct| (ct.sum(),)))
    });
    told(ErrorKind::Type, &["custom_vjp", "cotangent[0]", "float16", "float32"], {
        at(custom_vjp(sin, |(x,)| (x, ()), |(), ct| (ct.astype(DType::Float16),)))
    });
    told(ErrorKind::Shape, &["custom_vjp", "forward rule's value", "float32[]", "float32[2]"], {
        at(jit(custom_vjp(sin, |(x,)| (x.sum(), ()), |(), ct| (ct,))))
    });
    told(ErrorKind::Structure, &["custom_vjp", "backward rule", "arguments"], || {
        let f = custom_vjp(|x: Vec<Array>| x[0].sin(), |(x,)| (x[0].sin(), ()), |(), ct| (vec![ct],));
        grad(f)(vec![array(1.0), array(2.0)])
    });
    told(ErrorKind::Structure, &["custom_vjp", "forward rule's value", "function's"], || {
        let f = jit(custom_vjp(
            |x: &Array| vec![x.sin()],
            |(x,)| (vec![x.clone(), x], ()),
            |(), ct: Vec<Array>| (ct[0].clone(),),
        ));
        grad(|x: &Array| f(x)[0].clone())(&array(1.0))
    });
    // reverse mode takes a backward rule that is not linear as it is; forward mode cannot
    let clipped: fn() -> Unary =
        || custom_vjp(|x: &Array| x.clone(), |(x,)| (x, ()), |(), ct| (prim::clamp(&array(-1.0), &ct, &array(1.0)),));
    assert_eq!(at(clipped())().to_string(), "[1. 1.]");
    assert_eq!(at(jit(clipped()))().to_string(), "[1. 1.]");
    for f in [clipped(), jit(clipped())] {
        told(ErrorKind::NotLinear, &["custom_vjp", "forward mode", "<lambda>", "custom_jvp"], || {
            jvp(&f, (&array![1., 2.],), (&array![1., 2.],))
        });
        told(ErrorKind::NotLinear, &["custom_vjp", "forward mode"], || {
            linearize(&f, (&array![1., 2.],)).1.call((&array![1., 2.],))
        });
    }
    told(ErrorKind::Shape, &["custom_gradient", "cotangent[0]", "float32[]", "float32[2]"], {
        at(custom_gradient(|x: &Array| (x.sin(), |ct: Array| (ct.sum(),))))
    });
    told(ErrorKind::Shape, &["linear_call", "cotangent", "float32[]", "float32[2]"], {
        at(Box::new(|x: &Array| linear_call(|(), x: &Array| -x, |(), ct: &Array| ct.sum(), &(), x)))
    });
    told(ErrorKind::Structure, &["linear_call", "transpose's result"], || {
        let f = |x: &Vec<Array>| linear_call(|(), x: &Vec<Array>| -&x[0], |(), ct: &Array| vec![-ct], &(), x);
        grad(f)(&vec![array(1.0), array(2.0)])
    });
    told(ErrorKind::Type, &["linear_call", "argument[1]", "int32[]"], || {
        let x = (array(1.0), array(1));
        linear_call(|(), x: &(Array, Array)| x.0.clone(), |(), ct: &Array| (ct.clone(), array(1)), &(), &x)
    });
}

type Unary = std::sync::Arc<dyn Fn(&Array) -> Array + Send + Sync>;

/// What can be done to a function of a scalar. The last two give it a rule of its own, which is right.
const STEPS: [&str; 9] = ["jit", "grad", "jvp", "jacrev", "linearize", "shared", "mapped", "forward", "reverse"];

/// The function after one step. With `plain`, rules are left out.
fn step(name: &str, f: Unary, plain: bool) -> Unary {
    let scales = || nums(&[0.5, 1.5]);
    let boxed: Box<dyn Fn(&Array) -> Array + Send + Sync> = match name {
        "jit" => jit(move |x: &Array| f(x)),
        "grad" => grad(move |x: &Array| f(x)),
        "jacrev" => jacrev(move |x: &Array| f(x)),
        "jvp" => Box::new(move |x| jvp(|x: &Array| f(x), (x,), (&num(1.0),)).1),
        "linearize" => Box::new(move |x| linearize(|x: &Array| f(x), (x,)).1.call((&num(1.0),))),
        // lanes that share the argument, and lanes that each have their own
        "shared" => Box::new(move |x| vmap_axes(|x: &Array, s: &Array| f(x) * s, (None, 0), 0)(x, &scales()).sum()),
        "mapped" => Box::new(move |x| vmap(|x: &Array| f(x))(&(x * scales())).sum()),
        _ if plain => return f,
        "forward" => {
            let g = f.clone();
            custom_jvp(
                move |x: &Array| f(x),
                move |(x,), (dx,)| {
                    let (y, d) = jvp(|x: &Array| g(x), (&x,), (&num(1.0),));
                    (y, d * dx)
                },
            )
        }
        _ => {
            let (g, h) = (f.clone(), f.clone());
            let back = move |x: Array, ct: Array| vjp(|x: &Array| h(x), (&x,)).1.call(&ct);
            custom_vjp(move |x: &Array| f(x), move |(x,)| (g(&x), x), back)
        }
    };
    boxed.into()
}

/// A function with right rules, and the same without them, after every three steps between two steps that give it a rule.
#[test]
fn every_order_of_steps() {
    let x = num(0.7);
    let base: Unary = std::sync::Arc::new(|x: &Array| x.sin() * x);
    let mut wrong = vec![];
    for rule in ["forward", "reverse"] {
        for k in 0..STEPS.len().pow(3) {
            let steps = [rule, STEPS[k % 9], STEPS[k / 9 % 9], STEPS[k / 81]];
            let run = |plain| steps.iter().fold(base.clone(), |f, s| step(s, f, plain))(&x).to_f64();
            let (want, got) = (run(true), catch(|| run(false)));
            match got {
                Ok(got) if (got - want).abs() <= 1e-12 * (1.0 + want.abs()) => (),
                got => wrong.push(format!("{steps:?}: {got:?} instead of {want}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of 1458 differ:\n{}", wrong.len(), wrong.join("\n"));
}
