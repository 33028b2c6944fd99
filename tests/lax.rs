//! Partial results of associative functions, maps some elements at a time, and loops that take several turns at once, against the same without them.

mod common;

use common::{close, numbers, same, told};
use cotangent::prelude::*;
use cotangent::{hessian, jacfwd, jacrev, jvp, lax, make_jaxpr, prim, vmap};

fn bits(a: &[f32]) -> Vec<u32> {
    a.iter().map(|x| x.to_bits()).collect()
}
fn waves(n: usize) -> Array {
    array((0..n).map(|i| (1.7 * i as f32).sin() * 3.0).collect::<Vec<f32>>())
}

#[test]
fn partial_results_are_those_of_a_loop() {
    // the composition of maps x -> a x + b is associative and not commutative; of integers it is exact
    type Affine = (Array, Array);
    let after = |f: &Affine, g: &Affine| (&f.0 * &g.0, &g.0 * &f.1 + &g.1);
    for n in 0..=17i32 {
        let a: Vec<i32> = (0..n).map(|i| i * 7 % 5 - 2).collect();
        let b: Vec<i32> = (0..n).map(|i| i * 5 % 7 - 3).collect();
        for reverse in [false, true] {
            let all = lax::AssociativeScan::new().reverse(reverse).run(after, &(array(a.clone()), array(b.clone())));
            let (mut sofar, mut want) = ((1i32, 0i32), vec![(0, 0); n as usize]);
            for i in 0..n as usize {
                let i = if reverse { n as usize - 1 - i } else { i };
                sofar = (sofar.0.wrapping_mul(a[i]), sofar.1.wrapping_mul(a[i]).wrapping_add(b[i]));
                want[i] = sofar
            }
            let got: Vec<(i32, i32)> = all.0.to_vec().into_iter().zip(all.1.to_vec()).collect();
            assert_eq!(got, want, "{n} elements, reverse {reverse}")
        }
    }
}

#[test]
fn partial_results_are_added_up_in_the_order_of_jax() {
    let x = array![
        0.0, 2.9749944, -0.7666236, -2.7774434, 1.4823406, 2.3954613, -2.0996256, -1.8544099, 2.577486, 1.1902212,
        -2.8841925
    ];
    let add = |a: &Array, b: &Array| a + b;
    let run = |reverse: bool| lax::AssociativeScan::new().reverse(reverse).run(add, &x).to_vec::<f32>();
    let forward = [
        0.0, 2.9749944, 2.2083707, -0.5690725, 0.9132681, 3.3087294, 1.2091038, -0.6453061, 1.9321799, 3.1224012,
        0.23820877,
    ];
    let backward = [
        0.23820841,
        0.23820841,
        -2.736786,
        -1.9701623,
        0.80728114,
        -0.67505944,
        -3.0705209,
        -0.9708952,
        0.88351476,
        -1.6939713,
        -2.8841925,
    ];
    assert_eq!(bits(&run(false)), bits(&forward));
    assert_eq!(bits(&run(true)), bits(&backward));
}

#[test]
fn partial_results_along_other_axes_under_transformations() {
    let x = prim::reshape(&waves(30), &[2, 5, 3]);
    let mul = |a: &Array, b: &Array| a * b;
    for (axis, positive) in [(0, 0), (1, 1), (-1, 2), (-2, 1)] {
        let f = |x: &Array| lax::AssociativeScan::new().axis(axis).run(mul, x);
        close("along an axis", &f(&x), &prim::cumprod(&x, positive, false), 1e-6);
        same("jit", &jit(f)(&x), &f(&x));
        let (loss, plain) = (|x: &Array| f(x).sin().sum(), |x: &Array| prim::cumprod(x, positive, false).sin().sum());
        close("grad", &grad(loss)(&x), &grad(plain)(&x), 1e-4);
        close("jacfwd", &jacfwd(f)(&x), &jacrev(f)(&x), 1e-5);
    }
    let rows = prim::reshape(&waves(12), &[3, 4]);
    let sums = |x: &Array| lax::associative_scan(|a: &Array, b: &Array| a + b, x);
    same("vmap", &vmap(sums)(&rows), &lax::AssociativeScan::new().axis(1).run(|a: &Array, b: &Array| a + b, &rows));
    // so many elements are no more calls of the function than their logarithm
    let program = make_jaxpr(sums, (&array(vec![1.0f32; 1000]),));
    assert!(program.primitives().filter(|p| *p == "add").count() <= 20, "{program}");
    // truth values, and keys of random numbers
    let or = |a: &Array, b: &Array| prim::or(a, b);
    assert_eq!(lax::associative_scan(or, &array![false, true, false]).to_string(), "[False  True  True]");
}

/// A loop with a captured value, a carry of two leaves and results of two shapes.
fn looped(options: lax::Scan, x: &Array) -> (Array, Array) {
    let w = x.exp().sum();
    let step = |c: &(Array, Array), x: &Array| {
        let next = ((&c.0 * 0.5 + x).sin() * &w, &c.1 + &c.0);
        let y = (&next.0 * x, prim::stack(&[x, &c.1], 0));
        (next, y)
    };
    let (last, ys) = options.run(step, &(array(0.5), array(0.25)), x);
    (&last.0 * &last.1 + ys.0.sum(), ys.1)
}

#[test]
fn turns_at_once_change_no_bit() {
    let x = waves(7) * 0.25;
    for reverse in [false, true] {
        let plain = lax::Scan::new().reverse(reverse);
        for n in [0, 2, 3, 4, 6, 7, 8, 100] {
            let at_once = plain.unroll(n);
            let (f, g) = (move |x: &Array| looped(at_once, x), move |x: &Array| looped(plain, x));
            let check = |what: &str, a: Vec<Array>, b: Vec<Array>| {
                assert_eq!(a.len(), b.len());
                a.iter().zip(&b).for_each(|(a, b)| same(&format!("{what}, {n} at once, reverse {reverse}"), a, b))
            };
            check("values", tree::leaves(&f(&x)), tree::leaves(&g(&x)));
            check("values, jit", tree::leaves(&jit(f)(&x)), tree::leaves(&g(&x)));
            let (lf, lg) = (move |x: &Array| f(x).0 + f(x).1.sum(), move |x: &Array| g(x).0 + g(x).1.sum());
            check("gradient", vec![grad(lf)(&x)], vec![grad(lg)(&x)]);
            check("gradient, jit", vec![jit(grad(lf))(&x)], vec![grad(lg)(&x)]);
            let dx = x.cos();
            check("tangents", vec![jvp(lf, (&x,), (&dx,)).1], vec![jvp(lg, (&x,), (&dx,)).1]);
            if n == 3 {
                check("second derivatives", vec![hessian(lf)(&x)], vec![hessian(lg)(&x)]);
                let xs = prim::stack(&[&x, &(&x * 0.5)], 0);
                check("lanes", tree::leaves(&vmap(f)(&xs)), tree::leaves(&vmap(g)(&xs)));
            }
        }
        // whole rounds alone, no turn, keys
        let running = |s: lax::Scan, x: &Array| s.run(|c: &Array, x: &Array| (c * 0.5 + x, c * x), &array(1.0), x);
        for (n, length) in [(2, 6), (3, 6), (4, 0), (0, 0), (0, 1), (5, 1)] {
            let (a, b) = (running(plain.unroll(n), &waves(length)), running(plain, &waves(length)));
            same("carry", &a.0, &b.0);
            same("results", &a.1, &b.1);
        }
        let key = |s: lax::Scan| {
            let step = |k: &cotangent::random::Key, _: &()| {
                let [next, now] = k.share().split();
                (next, now)
            };
            tree::leaves(&s.reverse(reverse).length(5).run(step, &cotangent::random::key(3), &()))
        };
        key(lax::Scan::new().unroll(2)).iter().zip(&key(lax::Scan::new())).for_each(|(a, b)| same("keys", a, b))
    }
}

#[test]
fn programs_say_how_many_turns_are_taken_at_once() {
    let f = |s: lax::Scan| {
        make_jaxpr(move |x: &Array| s.run(|c: &Array, x: &Array| (c + x, c * x), &array(0.0), x), (&waves(11),))
    };
    for (s, says) in [
        (lax::Scan::new(), "unroll=1\n"),
        (lax::Scan::new().unroll(3), "unroll=3\n"),
        (lax::Scan::new().unroll(0), "unroll=0\n"),
        (lax::Scan::new().unroll_all(), "unroll=11\n"),
    ] {
        let text = f(s).to_string();
        assert!(text.contains(says), "{says} in {text}")
    }
    // derivatives keep it
    let loss = |x: &Array| lax::Scan::new().unroll(3).run(|c: &Array, x: &Array| (c.sin() + x, ()), &array(0.0), x).0;
    let text = make_jaxpr(grad(loss), (&waves(11),)).to_string();
    assert_eq!((text.matches("unroll=3\n").count(), text.matches("unroll=1\n").count()), (2, 0), "{text}");
}

#[test]
fn maps_of_some_elements_at_once() {
    let x = prim::reshape(&waves(22), &[11, 2]);
    let f = |x: &Array| (x.sin().sum() * x, x.sum());
    let want = lax::map(f, &x);
    for size in [0, 1, 4, 5, 11, 12] {
        let g = move |x: &Array| lax::Map::new().batch_size(size).run(f, x);
        let got = g(&x);
        same("first", &got.0, &want.0);
        same("second", &got.1, &want.1);
        same("jit", &jit(g)(&x).0, &want.0);
        let (a, b) =
            (grad(move |x: &Array| g(x).0.cos().sum())(&x), grad(|x: &Array| lax::map(f, x).0.cos().sum())(&x));
        close("grad", &a, &b, 1e-6);
    }
    // the operations that JAX makes of it, in its order
    let program = make_jaxpr(|x: &Array| lax::Map::new().batch_size(4).run(|x: &Array| x * x, x), (&waves(11),));
    let names: Vec<&str> = program.primitives().collect();
    assert_eq!(names, ["slice", "reshape", "slice", "scan", "mul", "reshape", "concatenate"], "{program}");
    assert!(program.to_string().contains("length=2"), "{program}");
    assert_eq!(numbers(&lax::Map::new().batch_size(3).run(|x: &Array| x + 1.0, &waves(0))), [0.0; 0]);
}

#[test]
fn mistakes() {
    use ErrorKind::*;
    let add = |a: &Array, b: &Array| a + b;
    let (x, y) = (array![1., 2., 3.], array![1., 2.]);
    told(Shape, &["associative_scan", "axis 0", "elems[0]", "float32[3]", "elems[1]", "float32[2]"], || {
        lax::associative_scan(|a: &(Array, Array), _: &(Array, Array)| a.share(), &(x.clone(), y.clone()))
    });
    told(Shape, &["associative_scan", "axis 2", "float32[3]"], || lax::AssociativeScan::new().axis(2).run(add, &x));
    told(Shape, &["associative_scan", "axis -2"], || lax::AssociativeScan::new().axis(-2).run(add, &x));
    told(Shape, &["associative_scan", "float32[]", "float32[1]"], || lax::associative_scan(|a: &Array, _| a.sum(), &x));
    told(Type, &["associative_scan", "bool[1]", "float32[1]"], || lax::associative_scan(|a: &Array, b| a.lt(b), &x));
    told(Structure, &["associative_scan", "structure"], || {
        lax::associative_scan(|a: &Vec<Array>, b| [a.share(), b.share()].concat(), &vec![x.clone()])
    });
    told(Shape, &["scan", "length"], || lax::Map::new().batch_size(2).run(|_: &()| array(1.0), &()));
}
