//! Loops with a bound on what reverse mode keeps: the same bits as without, and no more memory than was given.

mod common;

use common::peak;
use cotangent::lax;
use cotangent::prelude::*;
use cotangent::{ResidualSize, jacfwd, jacrev, prim, saved_residuals, value_and_grad, vmap, vmap_axes};

fn f64s(x: &[f64]) -> Array {
    Array::from_slice(x, &[x.len()])
}
#[track_caller]
fn same(a: &Array, b: &Array) {
    let bits = |x: &Array| x.to_vec::<f64>().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!((a.shape(), bits(a)), (b.shape(), bits(b)), "{a} {b}")
}
#[track_caller]
fn near(a: &Array, b: &Array) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in a.to_vec::<f64>().iter().zip(b.to_vec::<f64>()) {
        assert!((x - y).abs() <= 1e-10 * y.abs().max(1.0), "{a} {b}")
    }
}

/// A loop of 37 turns over two carries, with elements, what is captured, and results of every turn.
fn scanned(scan: lax::Scan) -> impl Fn(&Array, &Array) -> Array {
    move |w: &Array, x: &Array| {
        let items = f64s(&(0..37).map(|i| (i as f64 * 0.7).cos()).collect::<Vec<_>>()) * x.sum();
        let step = |(a, b): &(Array, Array), e: &Array| ((((a * w).sin() + b * e), a * 0.9 + b * 0.1), a * e);
        let ((a, b), ys) = scan.run(step, &(x.clone(), x * 0.5), &items);
        (a * b).sum() + ys.sum()
    }
}

#[test]
fn scans() {
    let (w, x) = (f64s(&[0.7, -1.3]), f64s(&[0.4, 1.1]));
    for reverse in [false, true] {
        let free = scanned(lax::Scan::new().reverse(reverse));
        let both = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
            let of = |(w, x): &(Array, Array)| f(w, x);
            let (y, g) = value_and_grad(of)(&(w.clone(), x.clone()));
            (y, g.0, g.1)
        };
        let want = both(&free);
        // from one carry of 32 bytes to more than there are turns
        for bytes in [0, 32, 64, 96, 320, 37 * 32, 100_000] {
            let bounded = scanned(lax::Scan::new().reverse(reverse).memory(bytes));
            let got = both(&bounded);
            same(&got.0, &want.0);
            same(&got.1, &want.1);
            same(&got.2, &want.2);
            let got = both(&jit(|w: &Array, x: &Array| bounded(w, x)));
            same(&got.1, &want.1);
            same(&jit(grad(|w: &Array, x: &Array| bounded(w, x)))(&w, &x), &want.1);
        }
        let bounded = scanned(lax::Scan::new().reverse(reverse).memory(100));
        near(
            &jacfwd(grad(|w: &Array, x: &Array| bounded(w, x)))(&w, &x),
            &jacfwd(grad(|w: &Array, x: &Array| free(w, x)))(&w, &x),
        );
        let twice = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
            grad(|w: &Array, x: &Array| grad(|w: &Array, x: &Array| f(w, x))(w, x).sum())(&w, &x)
        };
        near(&twice(&bounded), &twice(&free));
        // lanes
        let ws = Array::from_slice(&[0.7, -1.3, 0.2, 0.5, 1.5, 0.1], &[3, 2]);
        for axes in [(0, None), (0, Some(0))] {
            let xs =
                if axes.1.is_some() { Array::from_slice(&[0.4, 1.1, 0.2, -0.7, 0.9, 0.3], &[3, 2]) } else { x.clone() };
            let lanes = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
                vmap_axes(grad(|w: &Array, x: &Array| f(w, x)), axes, 0)(&ws, &xs)
            };
            near(&lanes(&bounded), &lanes(&free));
            let lanes = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
                grad(|ws: &Array| vmap_axes(|w: &Array, x: &Array| f(w, x), axes, 0)(ws, &xs).sum())(&ws)
            };
            near(&lanes(&bounded), &lanes(&free));
        }
    }
}

#[test]
fn loops_of_unknown_length() {
    let f = |memory: Option<usize>| {
        move |x: &Array| {
            let l = lax::WhileLoop::new();
            let l = memory.map_or(l, |m| l.memory(m));
            l.run(|c: &Array| c.lt(50.0), |c| c * 1.05 + (c * x).sin() * 0.02, x)
        }
    };
    let starts = [0.3, 60.0, 49.9, 5.0];
    let free = f(None);
    for x in starts.map(|x| Array::from_slice(&[x], &[])) {
        for bytes in [0, 8, 24, 80, 10_000] {
            let bounded = f(Some(bytes));
            same(&grad(bounded)(&x), &grad(free)(&x));
            same(&jit(grad(bounded))(&x), &grad(free)(&x));
            same(&grad(jit(bounded))(&x), &grad(free)(&x));
        }
        near(&jit(grad(grad(f(Some(40)))))(&x), &grad(grad(free))(&x));
    }
    let xs = f64s(&starts);
    near(&vmap(grad(f(Some(40))))(&xs), &vmap(grad(free))(&xs));
    near(&jit(vmap(grad(f(Some(40)))))(&xs), &vmap(grad(free))(&xs));
    near(&grad(|xs: &Array| vmap(f(Some(40)))(xs).sum())(&xs), &vmap(grad(free))(&xs));
    // bounds that the run knows
    let power =
        |x: &Array, n: &Array| lax::ForiLoop::new().memory(48).run(0, n, |_, y: &Array| y * x, &(0.0 * x + 1.0));
    near(
        &jit(grad(power))(&Array::from_slice(&[1.5], &[]), &array(20)),
        &Array::from_slice(&[20.0 * 1.5f64.powi(19)], &[]),
    );
}

/// The gradient of 1000 turns over 1000 numbers takes, when it runs, what the bound says and a few numbers more.
#[test]
fn memory_is_bounded() {
    const CARRY: usize = 8000;
    let n = 1000;
    let turn = |c: &Array| (c * 0.999).sin().exp() * 0.3;
    let scan = |s: lax::Scan| move |x: &Array| s.length(n).run(|c: &Array, _: &()| (turn(c), ()), x, &()).0.sum();
    let while_loop = |l: lax::WhileLoop| {
        move |x: &Array| {
            let start = (x.clone(), Array::from_slice(&[0i32], &[]));
            l.run(|(_, i)| i.lt(n as i32), |(c, i)| (turn(c), i + 1), &start).0.sum()
        }
    };
    let x = f64s(&[0.5; CARRY / 8]);
    // with jit and without, and what is said to be kept
    let measured = |f: &(dyn Fn(&Array) -> Array + Sync)| {
        let compiled = jit(grad(|x: &Array| f(x)));
        let peaks = [peak(|| compiled(&x)), peak(|| grad(|x: &Array| f(x))(&x))];
        (peaks, saved_residuals(|x: &Array| f(x), (&x,)))
    };
    let room = 20 * CARRY;
    let free = [measured(&scan(lax::Scan::new())), measured(&while_loop(lax::WhileLoop::new()))];
    let bounded =
        [measured(&scan(lax::Scan::new().memory(room))), measured(&while_loop(lax::WhileLoop::new().memory(room)))];
    for (peaks, _) in &free {
        assert!(peaks.iter().all(|p| *p >= n * CARRY), "every turn leaves something: {peaks:?}")
    }
    for (peaks, kept) in &bounded {
        assert!(peaks.iter().all(|p| *p <= room + 16 * CARRY), "{peaks:?}");
        let lists: Vec<_> = kept.iter().filter(|r| r.size == ResidualSize::AtMost && r.shape == [1000]).collect();
        assert!(lists.len() == 1 && lists[0].bytes > room / 4 && lists[0].bytes <= room, "{kept:?}");
        assert!(kept.iter().map(|r| r.bytes).sum::<usize>() <= room + 2 * CARRY, "{kept:?}")
    }
    let sizes =
        |k: usize| free[k].1.iter().filter(|r| r.bytes >= CARRY).map(|r| (r.size, r.shape.clone())).collect::<Vec<_>>();
    assert!(
        !sizes(0).is_empty() && sizes(0).iter().all(|s| *s == (ResidualSize::Whole, vec![n, 1000])),
        "{:?}",
        sizes(0)
    );
    assert!(
        !sizes(1).is_empty() && sizes(1).iter().all(|s| *s == (ResidualSize::PerTurn, vec![1000])),
        "{:?}",
        sizes(1)
    );
    let text = bounded[0].1.iter().map(|r| r.to_string()).collect::<String>();
    // turns are kept 128 apart, since half of the room does not take every 64th
    assert!(text.contains("float64[1000], 64000 bytes at most, loop_with_snapshots at "), "{text}");
}

/// A row of a Jacobian for each lane, which share the loop's values.
#[test]
fn rows_of_jacobians() {
    let f = |scan: lax::Scan| {
        move |x: &Array| {
            let turn = |c: &Array, _: &()| ((c * 1.01).sin() + 0.1 * c.sum(), c * 2.0);
            let (c, ys) = scan.length(41).run(turn, x, &());
            c + prim::reduce_sum(&ys, &[0]) * 0.01
        }
    };
    let x = f64s(&[0.7, -1.3, 0.2]);
    for bytes in [0, 24, 60, 100, 200, 500, 41 * 24, 41 * 72] {
        near(&jacrev(f(lax::Scan::new().memory(bytes)))(&x), &jacrev(f(lax::Scan::new()))(&x));
    }
    let g = |memory: usize| {
        move |x: &Array| {
            let l = lax::WhileLoop::new().memory(memory);
            l.run(|c: &Array| c.sum().lt(50.0), |c| c * 1.05 + (c * x).sin() * 0.02, x)
        }
    };
    for bytes in [24, 60, 100, 500] {
        near(&jacrev(g(bytes))(&(&x + 1.0)), &jacrev(g(100_000))(&(&x + 1.0)));
    }
}

/// Lanes that share what moves have a derivative each.
#[test]
fn lanes_with_derivatives_of_their_own() {
    let (w, x) = (f64s(&[0.7, -1.3]), Array::from_slice(&[0.4, 1.1, 0.2, -0.7, 0.9, 0.3], &[3, 2]));
    let lanes = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
        vmap_axes(grad(|w: &Array, x: &Array| f(w, x)), (None, 0), 0)(&w, &x)
    };
    near(&lanes(&scanned(lax::Scan::new().memory(100))), &lanes(&scanned(lax::Scan::new())));
}
