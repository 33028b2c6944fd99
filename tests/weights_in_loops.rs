//! Loops in reverse mode: gradients of what every turn multiplies by, and residuals that are not kept because they follow from others. What is right is what the
//! same loop gives when it is written out on the host.

use cotangent::lax;
use cotangent::prelude::*;
use cotangent::prim::{concatenate, dot_general, logistic, slice_in_dim, stack};
use cotangent::{Jaxpr, Vmap, jacfwd, jacrev, jvp, make_jaxpr, vmap, vmap_axes};

fn sample(shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = (0..n).map(|i| ((i * 37 + seed * 11 + 5) % 23) as f64 / 23.0 - 0.45).collect();
    Array::from_slice(&data, shape)
}
#[track_caller]
fn near(a: &Array, b: &Array) {
    assert_eq!(a.shape(), b.shape());
    for (x, y) in a.to_vec::<f64>().iter().zip(b.to_vec::<f64>()) {
        assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0), "{a}\n{b}")
    }
}
#[track_caller]
fn same(a: &Array, b: &Array) {
    let bits = |x: &Array| x.to_vec::<f64>().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!((a.shape(), bits(a)), (b.shape(), bits(b)), "{a}\n{b}")
}

/// One array, and others.
fn with(first: &Array, others: &[Array]) -> Vec<Array> {
    [std::slice::from_ref(first), others].concat()
}

/// What the loops are of: weights and further constants, a state, and an input for each turn. A turn gives the next state and a result.
type Cell = fn(&[Array], &Array, &Array) -> (Array, Array);
const TURNS: usize = 5;

fn looped(cell: Cell, scan: lax::Scan) -> impl Fn(&Vec<Array>, &Array, &Array) -> Array + Send + Sync + Copy {
    move |w: &Vec<Array>, h: &Array, xs: &Array| {
        let (h, ys) = scan.run(|h: &Array, x: &Array| cell(w, h, x), h, xs);
        h.powi(2).sum() + ys.sin().sum()
    }
}
/// The same on the host.
fn unrolled(cell: Cell, reverse: bool) -> impl Fn(&Vec<Array>, &Array, &Array) -> Array + Send + Sync + Copy {
    move |w: &Vec<Array>, h: &Array, xs: &Array| {
        let (mut h, mut sum) = (h.clone(), array(0.0).astype(DType::Float64));
        for k in 0..TURNS {
            let k = if reverse { TURNS - 1 - k } else { k };
            let (next, y) = cell(w, &h, &xs.i(k));
            (h, sum) = (next, sum + y.sin().sum())
        }
        h.powi(2).sum() + sum
    }
}

/// State [2, 3], inputs [2, 4].
fn elman(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let h = (h.matmul(&w[0]) + x.matmul(&w[1]) + &w[2]).tanh();
    (h.clone(), h)
}
/// One matrix for state and input, and gates that are parts of one product.
fn gated(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let z = concatenate(&[x, h], 1).matmul(&concatenate(&[&w[1], &w[0]], 0)) + &w[2];
    let z = z.matmul(&concatenate(&[&w[0], &(2.0 * &w[0])], 1));
    let part = |k: usize| slice_in_dim(&z, 3 * k, 3 * k + 3, 1, 1);
    (part(0).tanh() * part(1).cos() + 0.5 * h, part(1))
}
/// A matrix in three products, of a carry, of what is made of it, and transposed; beside them something that is no product.
fn often(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let a = h.matmul(&w[0]).sin();
    let b = a.matmul(&w[0]) + x.matmul(&w[1]).matmul(&w[0].t());
    (b.tanh() + 0.1 * h, (&w[0] * &w[0]).sum() * &w[2] * x.sum())
}
/// Further linear operations between the matrix and the product, and a product with something fixed.
fn masked(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let mask = w[3].matmul(&(&w[0] * &w[3]));
    ((h.matmul(&mask) + x.matmul(&(-&w[1]))).tanh(), -h.matmul(&w[0].reshape(&[3, 3])))
}
/// A matrix for each of two examples.
fn batched(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let each = stack(&[&w[0], &w[0].t()], 0);
    let y = dot_general(h, &each, (&[1], &[1]), (&[0], &[0]), None) + x.matmul(&w[1]);
    let outer = dot_general(h, h, (&[], &[]), (&[0], &[0]), None);
    let mixed = dot_general(&outer, &w[0], (&[1, 2], &[1, 0]), (&[], &[]), None);
    (y.sin(), mixed)
}
/// One turn as a compiled function, and one within another.
fn called(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let inner = jit(|w: &Array, h: &Array| h.matmul(w).sin());
    let turn = jit(|w: &Vec<Array>, h: &Array, x: &Array| inner(&w[0], h) + x.matmul(&w[1]) + inner(&w[0], &(h * 2.0)));
    let h = turn(&w.to_vec(), h, x);
    (h.clone(), h * &w[2])
}
/// The state of a turn is a vector: the product of two vectors is added in each.
fn vector(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let first = slice_in_dim(h, 0, 1, 1, 0).reshape(&[3]);
    let v = first.matmul(&w[0]) + x.i(0).matmul(&w[1]);
    (h * 0.5 + v.cos(), v)
}
/// A loop in each turn, with the same matrix.
fn nested(w: &[Array], h: &Array, x: &Array) -> (Array, Array) {
    let inner = |h: &Array, _: &()| ((h.matmul(&w[0]) + &w[2]).tanh(), ());
    let (h, ()) = lax::Scan::new().length(2).run(inner, h, &());
    (&h + x.matmul(&w[1]), h)
}
const CELLS: [(&str, Cell); 8] = [
    ("elman", elman),
    ("gated", gated),
    ("often", often),
    ("masked", masked),
    ("batched", batched),
    ("called", called),
    ("vector", vector),
    ("nested", nested),
];
/// Matrices of the state and of inputs, a bias, and something fixed; the first state; the inputs.
fn operands() -> (Vec<Array>, Array, Array) {
    let w = vec![sample(&[3, 3], 1), sample(&[4, 3], 2), sample(&[3], 3), sample(&[3, 3], 4)];
    (w, sample(&[2, 3], 5), sample(&[TURNS, 2, 4], 6))
}

#[test]
fn gradients_are_those_of_the_loop_written_out() {
    let (w, h, xs) = operands();
    for (name, cell) in CELLS {
        println!("{name}");
        for reverse in [false, true] {
            let plain = unrolled(cell, reverse);
            let of = (ARG0, ARG1, ARG2);
            let want = grad_argnums(plain, of)(&w, &h, &xs);
            let once = grad_argnums(looped(cell, lax::Scan::new().reverse(reverse)), of)(&w, &h, &xs);
            for unroll in [1, 2, 0] {
                let f = looped(cell, lax::Scan::new().reverse(reverse).unroll(unroll));
                let got = grad_argnums(f, of)(&w, &h, &xs);
                let staged = jit(grad_argnums(f, of))(&w, &h, &xs);
                let (got, want, staged) = (tree::leaves(&got), tree::leaves(&want), tree::leaves(&staged));
                for (g, o) in got.iter().zip(tree::leaves(&once)) {
                    same(g, &o)
                }
                for ((g, w), s) in got.iter().zip(&want).zip(&staged) {
                    near(g, w);
                    same(s, g)
                }
                for (s, w) in tree::leaves(&jit(grad_argnums(jit(f), of))(&w, &h, &xs)).iter().zip(&want) {
                    near(s, w)
                }
                // of the matrix alone
                let alone = |w0: &Array| f(&with(w0, &w[1..]), &h, &xs);
                near(&grad(alone)(&w[0]), &want[0]);
                same(&jit(grad(alone))(&w[0]), &grad(alone)(&w[0]));
            }
        }
    }
}

#[test]
fn derivatives_of_gradients() {
    let (w, h, xs) = operands();
    for (name, cell) in CELLS {
        println!("{name}");
        let (f, plain) = (looped(cell, lax::Scan::new()), unrolled(cell, false));
        type Of<'a> = &'a (dyn Fn(&Vec<Array>, &Array, &Array) -> Array + Sync);
        fn first<'a>(
            f: Of<'a>,
            w: &'a [Array],
            h: &'a Array,
            xs: &'a Array,
        ) -> impl Fn(&Array) -> Array + Send + Sync + Copy + 'a {
            move |w0: &Array| f(&with(w0, &w[1..]), h, xs)
        }
        let (g, p) = (first(&f, &w, &h, &xs), first(&plain, &w, &h, &xs));
        let want = jacfwd(grad(p))(&w[0]);
        near(&jacfwd(grad(g))(&w[0]), &want);
        near(&jacrev(grad(g))(&w[0]), &want);
        near(&jit(jacrev(grad(g)))(&w[0]), &want);
        let along = sample(&[3, 3], 7);
        let slope = |f: &(dyn Fn(&Array) -> Array + Sync)| jvp(grad(f), (&w[0],), (&along,)).1;
        near(&slope(&g), &slope(&p));
        let twice = |f: &(dyn Fn(&Array) -> Array + Sync)| grad(|w: &Array| (grad(f)(w) * &along).sum())(&w[0]);
        near(&twice(&g), &twice(&p));
        near(&jit(|_: &Array| twice(&g))(&w[0]), &twice(&p));
        // with respect to the state and the inputs
        let crossed = |f: Of| {
            let sum = |h: &Array, xs: &Array| (grad(|w0: &Array| f(&with(w0, &w[1..]), h, xs))(&w[0]) * &along).sum();
            let (dh, dx) = grad_argnums(sum, (ARG0, ARG1))(&h, &xs);
            [dh, dx]
        };
        for (a, b) in crossed(&f).iter().zip(crossed(&plain)) {
            near(a, &b)
        }
    }
}

#[test]
fn gradients_of_lanes() {
    let (w, h, xs) = operands();
    let (ws, hs) = (stack(&[&w[0], &(0.5 * &w[0]), &w[3]], 0), stack(&[&h, &(-&h), &(2.0 * &h)], 0));
    let many = stack(&[&xs, &xs.sin(), &(0.3 * &xs)], 1);
    for (name, cell) in CELLS {
        println!("{name}");
        let (f, plain) = (looped(cell, lax::Scan::new()), unrolled(cell, false));
        let (w, of) =
            (&w, |f: &(dyn Fn(&Vec<Array>, &Array, &Array) -> Array + Sync), w0: &Array, h: &Array, xs: &Array| {
                f(&with(w0, &w[1..]), h, xs)
            });
        let by_loop = |w0: &Array, h: &Array, xs: &Array| of(&f, w0, h, xs);
        let by_hand = |w0: &Array, h: &Array, xs: &Array| of(&plain, w0, h, xs);
        let all: [(Option<i32>, Option<i32>, Option<i32>); 3] =
            [(Some(0), None, None), (None, Some(0), Some(1)), (Some(0), Some(0), Some(1))];
        for axes in all {
            let lane = |x: &Array, axis: Option<i32>, k: usize| match axis {
                Some(0) => x.i(k),
                Some(_) => slice_in_dim(x, k, k + 1, 1, 1).reshape(xs.shape()),
                None => x.clone(),
            };
            let (w0, h0) = (if axes.0.is_some() { &ws } else { &w[0] }, if axes.1.is_some() { &hs } else { &h });
            let x0 = if axes.2.is_some() { &many } else { &xs };
            let want: Vec<Array> = (0..3)
                .map(|k| grad(by_hand)(&lane(w0, axes.0, k), &lane(h0, axes.1, k), &lane(x0, axes.2, k)))
                .collect();
            let want = stack(&want.iter().collect::<Vec<_>>(), 0);
            near(&vmap_axes(grad(by_loop), axes, 0)(w0, h0, x0), &want);
            near(&jit(vmap_axes(grad(by_loop), axes, 0))(w0, h0, x0), &want);
            near(&vmap_axes(jit(grad(by_loop)), axes, 0)(w0, h0, x0), &want);
            let total = |f: &(dyn Fn(&Array, &Array, &Array) -> Array + Sync)| {
                grad(|w0: &Array| vmap_axes(|w: &Array, h: &Array, x: &Array| f(w, h, x), axes, 0)(w0, h0, x0).sum())(
                    w0,
                )
            };
            near(&total(&by_loop), &total(&by_hand))
        }
    }
}

/// The results of the first loop of a program, last carry and all.
fn kept(program: &Jaxpr) -> usize {
    let text = program.to_string();
    let before = &text[..text.find("= scan[").expect("a loop")];
    before.rsplit([';', '{']).next().expect("a line").rsplit("let").next().expect("results").matches(':').count()
}

/// Slopes of a gate, and other residuals that follow from those that are kept.
#[test]
fn what_follows_is_not_kept() {
    let (w, h, xs) = operands();
    let gate = |x: &Array| 1.0 / (1.0 + (-x).exp());
    // of the first: the value and the state; of the second: a tangent, a state, and their product, of which a matrix product is taken
    let gated = |h: &Array, w: &Array| logistic(&(h * w)) * h;
    let read = |h: &Array, w: &Array| (h.tanh() * h).matmul(w) + h.cos();
    let looped = |f: &(dyn Fn(&Array, &Array) -> Array + Sync), w: &Array| {
        lax::scan(|h: &Array, _: &Array| (f(h, w), ()), &h, &xs).0.powi(2).sum()
    };
    let by_hand = |f: &(dyn Fn(&Array, &Array) -> Array + Sync), w: &Array| {
        (0..TURNS).fold(h.clone(), |h, _| f(&h, w)).powi(2).sum()
    };
    let counted = |f: &(dyn Fn(&Array, &Array) -> Array + Sync), w: &Array| {
        let step = |(n, h): &(Array, Array)| (n + 1, f(h, w));
        lax::while_loop(|(n, _): &(Array, Array)| n.lt(TURNS as i32), step, &(array(0), h.clone())).1.powi(2).sum()
    };
    let plain = |h: &Array, w: &Array| gate(&(h * w)) * h;
    assert_eq!(kept(&make_jaxpr(grad(|w: &Array| looped(&gated, w)), (&w[2],))), 1 + 2);
    let all: [(&(dyn Fn(&Array, &Array) -> Array + Sync), &Array); 3] =
        [(&gated, &w[2]), (&read, &w[0]), (&plain, &w[2])];
    for (f, w) in all {
        let want = grad(|w: &Array| by_hand(f, w))(w);
        for got in [grad(|w: &Array| looped(f, w))(w), grad(|w: &Array| counted(f, w))(w)] {
            near(&got, &want)
        }
        same(&jit(grad(|w: &Array| looped(f, w)))(w), &grad(|w: &Array| looped(f, w))(w));
        near(&jacrev(grad(|w: &Array| looped(f, w)))(w), &jacfwd(grad(|w: &Array| by_hand(f, w)))(w));
    }
}

/// A product of numbers of few bits is rounded once where each turn's was.
#[test]
fn few_bits() {
    let (w, h, xs) = operands();
    let of = |t: DType| {
        let to = |x: &Array| x.astype(t);
        let f = looped(elman, lax::Scan::new());
        let g = grad(f)(&w.iter().map(to).collect(), &to(&h), &to(&xs));
        (g[0].dtype(), g[0].astype(DType::Float64), g[1].astype(DType::Float64))
    };
    let want = of(DType::Float64);
    for (t, by) in [(DType::Float32, 1e-5), (DType::BFloat16, 0.1), (DType::Float16, 1e-2)] {
        let got = of(t);
        assert_eq!(got.0, t);
        for (a, b) in [(&got.1, &want.1), (&got.2, &want.2)] {
            let off = (a - b).abs().max().to_f64();
            assert!(off <= by, "{t}: {off}")
        }
    }
}

/// Lanes that talk to each other in every turn: what their cotangents vary over is summed where it must be.
#[test]
fn lanes_that_talk() {
    let (w, h, xs) = operands();
    let hs = stack(&[&h, &(0.5 * &h), &(-&h)], 0);
    let step = |w: &Array, h: &Array| (h.matmul(w) + 0.1 * lax::psum(h, "lane")).tanh();
    let loss = |w: &Array, h: &Array| lax::scan(|h: &Array, _: &Array| (step(w, h), ()), h, &xs).0.powi(2).sum();
    let by_hand = |w: &Array, h: &Array| (0..TURNS).fold(h.clone(), |h, _| step(w, &h)).powi(2).sum();
    let total = |f: &(dyn Fn(&Array, &Array) -> Array + Sync)| {
        grad(|w: &Array| {
            Vmap::new().axis_name("lane").in_axes((None, 0)).of(|w: &Array, h: &Array| f(w, h))(w, &hs).sum()
        })(&w[0])
    };
    near(&total(&loss), &total(&by_hand));
    near(
        &vmap(|h: &Array| grad(|w: &Array| h.matmul(w).sum())(&w[0]))(&hs),
        &vmap(|h: &Array| {
            grad(|w: &Array| lax::scan(|c: &Array, _: &Array| (c.clone(), ()), &h.matmul(w), &xs).0.sum())(&w[0])
        })(&hs),
    );
}
