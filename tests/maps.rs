//! Maps over devices. What a function gives on devices it gives under `vmap`, bit for bit; failures end every device.

mod common;

use common::{close, same, told};
use cotangent::devices::{Mesh, P, cpu};
use cotangent::prelude::*;
use cotangent::{ARG0, ARG1, Grad, Pmap, Vmap, custom_jvp, grad_argnums, jvp, lax, shard_map};

/// The function over devices and over lanes, eager and staged, gives the same bits.
#[track_caller]
fn both(what: &str, f: impl Fn(&Array) -> Array + Send + Sync + Copy, x: &Array) -> Array {
    let lanes = Vmap::new().axis_name("i").of(f)(x);
    same(what, &Pmap::new().axis_name("i").of(f)(x), &lanes);
    same(what, &jit(Pmap::new().axis_name("i").of(f))(x), &lanes);
    same(what, &Pmap::new().axis_name("i").of(jit(f))(x), &lanes);
    lanes
}
fn data(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| ((i * 37 % 101) as f64 * 0.731).sin() * 3.0).collect::<Vec<_>>(), shape)
}
fn data32(shape: &[usize]) -> Array {
    data(shape).astype(DType::Float32)
}
const AROUND: [(usize, usize); 4] = [(0, 1), (1, 2), (2, 3), (3, 0)];

#[test]
fn every_collective_gives_the_bits_of_vmap() {
    for x in [data(&[4, 4, 3]), data32(&[4, 4, 3])] {
        both("psum", |x| x * lax::psum(x, "i"), &x);
        both("pmean", |x| x - lax::pmean(x, "i"), &x);
        both("pmax", |x| x - lax::pmax(x, "i"), &x);
        both("pmin", |x| x - lax::pmin(x, "i"), &x);
        both("ppermute", |x| lax::ppermute(x, "i", &AROUND), &x);
        both("ppermute", |x| lax::ppermute(x, "i", &[(1, 3)]), &x);
        both("all_gather", |x| lax::all_gather(x, "i", 0), &x);
        both("all_gather", |x| lax::all_gather(x, "i", 2), &x);
        both("psum_scatter", |x| lax::psum_scatter(x, "i", 0), &x);
        both("all_to_all", |x| lax::all_to_all(x, "i", 0, 1), &x);
        both("axis_index", |x| x * lax::axis_index("i"), &x);
        both("axis_size", |x| x * lax::axis_size("i"), &x);
        both("pvary", |x| x + lax::pvary(&lax::psum(x, "i"), "i"), &x);
        both("shared", |x| x + lax::psum(0.1, "i"), &x);
    }
    // as many as fold in blocks
    for n in [1, 2, 3, 7, 9, 17, 70] {
        both("psum", |x| lax::psum(x, "i"), &data32(&[n, 5]));
        both("psum of numbers", |x| lax::psum(x * x, "i"), &data32(&[n]));
    }
}

/// The gradient of `f` mapped and summed, over devices and over lanes; against differences.
#[track_caller]
fn slopes(what: &str, f: impl Fn(&Array) -> Array + Send + Sync + Copy, x: &Array) {
    let total = |y: &Array| (y.sin() * data(y.shape())).sum();
    let lanes = |x: &Array| total(&Vmap::new().axis_name("i").of(f)(x));
    let devices = |x: &Array| total(&Pmap::new().axis_name("i").of(f)(x));
    let of_lanes = grad(lanes)(x);
    let of_devices = grad(devices)(x);
    close(what, &of_devices, &of_lanes, 1e-13);
    same(&format!("{what}, staged"), &jit(grad(devices))(x), &of_devices);
    same(&format!("{what}, staged inside"), &grad(jit(devices))(x), &of_devices);
    let step = data(x.shape()) * 1e-6;
    let difference = (devices(&(x + &step)) - devices(&(x - &step))) / 2e-6;
    let slope = (of_devices * data(x.shape())).sum();
    close(&format!("{what}, differences"), &slope, &difference, 1e-7);
    let t = data(x.shape());
    let forward = jvp(devices, (x,), (&t,)).1;
    close(&format!("{what}, forwards"), &forward, &slope, 1e-12);
    // twice
    let norm = |g: Array| (&g * &g).sum();
    close(
        &format!("{what}, twice"),
        &grad(|x: &Array| norm(grad(devices)(x)))(x),
        &grad(|x: &Array| norm(grad(lanes)(x)))(x),
        1e-12,
    );
}

#[test]
fn gradients_through_every_collective() {
    let x = &data(&[4, 4]);
    slopes("none", |x| x.sin() * x, x);
    slopes("psum", |x| x * lax::psum(x * x, "i"), x);
    slopes("psum alone", |x| lax::psum(x.sin(), "i"), x);
    slopes("pmean", |x| x.sin() * lax::pmean(x * x, "i"), x);
    slopes("ppermute", |x| x * lax::ppermute(&x.sin(), "i", &AROUND), x);
    slopes("ppermute, not all", |x| x * lax::ppermute(&x.sin(), "i", &[(0, 2)]), x);
    slopes("all_gather", |x| lax::all_gather(&x.sin(), "i", 1) * x.reshape(&[4, 1]), x);
    slopes("psum_scatter", |x| lax::psum_scatter(&x.sin(), "i", 0) * x, x);
    slopes("all_to_all", |x| lax::all_to_all(&x.sin(), "i", 0, 0) * x, x);
    slopes("pvary", |x| x * lax::pvary(&lax::psum(&x.sin(), "i"), "i"), x);
    slopes("index", |x| x * x * lax::axis_index("i"), x);
    // sums of what is shared, and sums of sums
    slopes("multiples", |x| x * lax::psum(lax::psum(x * x, "i"), "i"), x);
    slopes("numbers that vary", |x| x.sum().sin() * lax::psum(x.sum().exp() * 0.1, "i"), x);
    slopes("staged inside", |x| x * jit(|x: &Array| lax::psum(x.sin(), "i") * x)(x), x);
    // each device takes its own number of turns, and keeps nothing of them
    let halved = |x: &Array| lax::while_loop(|c: &Array| (c * c).sum().gt(0.5), |c| 0.6 * c.sin() * x.cos(), x);
    slopes("while", halved, x);
    // a rule that differentiates a map, with respect to an argument of two
    let mapped = |x: &Array| Pmap::new().of(|x: &Array| x.sin())(x);
    let pair = custom_jvp(
        move |_: &Array, y: &Array| mapped(y),
        move |(_, y): (Array, Array), (_, dy): (Array, Array)| jvp(mapped, (&y,), (&dy,)),
    );
    close("rule", &grad(|x: &Array| pair(&data(&[2]), x).sum())(x), &x.cos(), 1e-14);
}

#[test]
fn gradients_inside_are_those_of_vmap() {
    let x = &data(&[4, 3]);
    both("psum", |x| grad(|x: &Array| lax::psum((x * x).sum(), "i"))(x), x);
    both("product", |x| grad(|x: &Array| (x * lax::psum(x, "i")).sum())(x), x);
    both("pmean", |x| grad(|x: &Array| (x.sin() * lax::pmean(x * x, "i")).sum())(x), x);
    both("explicitly", |x| grad(|x: &Array| lax::pvary(&lax::psum((x * x).sum(), "i"), "i"))(x), x);
    both("gather", |x| grad(|x: &Array| (lax::all_gather(x, "i", 0) * x).sum())(x), x);
    both("staged", |x| grad(|x: &Array| (x * jit(|x: &Array| lax::psum(x, "i"))(x)).sum())(x), x);
    both("staged whole", |x| grad(jit(|x: &Array| (x * lax::psum(x, "i")).sum()))(x), x);
    both("staged sum", |x| grad(|x: &Array| jit(|x: &Array| lax::psum((x * x).sum(), "i"))(x))(x), x);
    both("twice", |x| grad(|x: &Array| grad(|x: &Array| (x.powi(2) * lax::psum(x.powi(3), "i")).sum())(x).sum())(x), x);
    both(
        "shared",
        |x| grad(|w: &Array| (lax::psum(w * x, "i") + w).sum() + (w * x).sum())(&array(0.5).astype(DType::Float64)),
        x,
    );
    both(
        "in a scan",
        |x| {
            grad(|x: &Array| {
                let turn = |c: &Array, _: &()| (c + lax::psum(c * x, "i").sin(), ());
                lax::Scan::new().length(3).run(turn, x, &()).0.sum()
            })(x)
        },
        x,
    );
    both(
        "in a branch",
        |x| {
            grad(|x: &Array| {
                let p = lax::psum(x.sum(), "i").gt(0.0);
                lax::cond(&p, |x| x * lax::psum(x, "i"), |x| x - lax::psum(x * x, "i"), x).sum()
            })(x)
        },
        x,
    );
}

#[test]
fn reduced_gradients_are_those_of_the_whole() {
    let (w, x) = (data(&[3, 4]), data(&[2, 3]));
    let f = |w: &Array, x: &Array| x.matmul(w).sin().sum();
    let (dw, dx) = grad_argnums(f, (ARG0, ARG1))(&w, &x);
    let over = || Pmap::new().axis_name("batch").in_axes((None, 0)).out_axes((None, 0));
    let reduced = || Grad::new().reduce_axes(["batch"]);
    let check = |what: &str, (gw, gx): (Array, Array)| {
        close(what, &gw, &dw, 1e-12);
        close(what, &gx, &dx, 1e-12)
    };
    check("own loss", over().of(reduced().argnums(f, (ARG0, ARG1)))(&w, &x));
    check("own loss, staged", over().of(reduced().argnums(jit(f), (ARG0, ARG1)))(&w, &x));
    let total = |w: &Array, x: &Array| lax::psum(f(w, x), "batch");
    check("whole loss", over().of(reduced().argnums(total, (ARG0, ARG1)))(&w, &x));
    check("whole loss, staged", jit(over().of(reduced().argnums(jit(total), (ARG0, ARG1))))(&w, &x));
    // without it each device has its own
    told(ErrorKind::Axis, &["pmap: out_axes says None for result [0]", "along 'batch'", "psum"], || {
        over().of(grad_argnums(f, (ARG0, ARG1)))(&w, &x)
    });
    // what is shared meets both what differs and what does not, in a staged function, too
    let both = |w: &Array, x: &Array| lax::psum((w * x).sum(), "batch") + (w * w).sum();
    let want = Array::from_slice(&[0.0f64; 3], &[3]);
    let v = data(&[3]);
    let want = want + x.sum() + &v * 2.0;
    let sums = cotangent::prim::reduce_sum(&x, &[0]);
    let want = want - x.sum() + sums;
    for lanes in [true, false] {
        let over = |f: &dyn Fn(&Array, &Array) -> Array| if lanes { f(&v, &x) } else { f(&v, &x) };
        let eager = |v: &Array, x: &Array| match lanes {
            true => Vmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(both))(v, x),
            false => Pmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(both))(v, x),
        };
        let staged = |v: &Array, x: &Array| match lanes {
            true => {
                Vmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(jit(both)))(v, x)
            }
            false => {
                Pmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(jit(both)))(v, x)
            }
        };
        close("shared", &over(&eager), &want, 1e-12);
        close("shared, staged", &over(&staged), &want, 1e-12);
    }
    // in a loop
    let turns = |w: &Array, x: &Array| {
        let turn = |c: &Array, _: &()| (c + (w * x).sin().sum() + lax::psum((w * x).sum(), "batch"), ());
        lax::Scan::new().length(3).run(turn, &array(0.0).astype(DType::Float64), &()).0
    };
    let in_loop = Pmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(turns))(&v, &x);
    let in_lanes = Vmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None).of(reduced().grad(turns))(&v, &x);
    close("in a loop", &in_loop, &in_lanes, 1e-12);
}

fn mesh() -> Mesh {
    Mesh::new(cpu(8), [("data", 4), ("model", 2)])
}

#[test]
fn layouts() {
    let x = data(&[8, 6]);
    let whole = |i: P, o: P| shard_map(|x: &Array| x * 2.0, &mesh(), i, o)(&x);
    let want = &x * 2.0;
    for p in [
        P(()),
        P("data"),
        P((None, "model")),
        P(("data", "model")),
        P(("model",)),
        P((["data", "model"],)),
        P((["model", "data"],)),
    ] {
        same(&p.to_string(), &whole(p.clone(), p), &want);
    }
    // shapes inside, and pieces in another order outside
    let f = shard_map(
        |x: &Array| {
            assert_eq!(x.shape(), [2, 3]);
            x.clone()
        },
        &mesh(),
        P(("data", "model")),
        P((["data", "model"],)),
    );
    assert_eq!(f(&x).shape(), [16, 3]);
    same(
        "the second piece is the right half",
        &common::nth(&f(&x), 2),
        &cotangent::prim::slice(&x, &[0, 3], &[1, 6], None).reshape(&[3]),
    );
    // what is the same on every device, laid side by side
    let copies = shard_map(
        |x: &Array| lax::psum(x.sum(), ["data", "model"]).reshape(&[1]),
        &mesh(),
        P(("data", "model")),
        P("data"),
    );
    assert_eq!(copies(&x).shape(), [4]);
    // a number, an integer, a truth value, a tree
    let f = |x: &(Array, Vec<Array>), k: &Array| {
        ((&x.0 + k).sum(), vec![x.1[0].gt(0.0), lax::axis_index("data").reshape(&[1])])
    };
    let g = shard_map(
        move |x: &(Array, Vec<Array>), k: &Array| {
            let (s, v) = f(x, k);
            (lax::psum(s, ["data", "model"]), v)
        },
        &mesh(),
        ((P("data"), vec![P(("data", "model"))]), P(())),
        (P(()), vec![P(("data", "model")), P("data")]),
    );
    let (s, v) = g(&(data(&[4]), vec![x.clone()]), &array(1));
    close("sum", &s, &((data(&[4]) + 1.0).sum() * 2.0), 1e-13);
    same("truth", &v[0], &x.gt(0.0));
    assert_eq!(v[1].to_string(), "[0 1 2 3]");
    // complex numbers and keys' like are bytes as others are
    let z = cotangent::prim::complex(&data(&[4, 2]), &data(&[4, 2]));
    same(
        "complex",
        &shard_map(|z: &Array| lax::psum(z, "data"), &mesh(), P("data"), P(()))(&z),
        &cotangent::prim::reduce_sum(&z.reshape(&[4, 1, 2]), &[0]),
    );
}

#[test]
fn matrices_split_both_ways() {
    let (x, w) = (data(&[8, 6]), data(&[6, 4]));
    let f = shard_map(
        |x: &Array, w: &Array| lax::psum(x.matmul(w), "model"),
        &mesh(),
        (P(("data", "model")), P("model")),
        P("data"),
    );
    close("product", &f(&x, &w), &x.matmul(&w), 1e-13);
    let loss = |x: &Array, w: &Array| f(x, w).sin().sum();
    let plain = |x: &Array, w: &Array| x.matmul(w).sin().sum();
    let (dx, dw) = grad_argnums(loss, (ARG0, ARG1))(&x, &w);
    let (wx, ww) = grad_argnums(plain, (ARG0, ARG1))(&x, &w);
    close("dx", &dx, &wx, 1e-12);
    close("dw", &dw, &ww, 1e-12);
    let (jx, jw) = jit(grad_argnums(loss, (ARG0, ARG1)))(&x, &w);
    same("staged", &jx, &dx);
    same("staged", &jw, &dw);
    // residuals that are numbers, captured values, second derivatives
    let c = array(0.7).astype(DType::Float64);
    let g = |x: &Array, c: &Array| {
        let h = shard_map(
            |x: &Array| lax::psum((x.sum() * c).sin() * c.exp(), ["data", "model"]),
            &mesh(),
            P(("data", "model")),
            P(()),
        );
        h(x)
    };
    cotangent::check_grads(|x: &Array, c: &Array| g(x, c), (&x, &c), 2);
    cotangent::check_grads(jit(|x: &Array, c: &Array| g(x, c)), (&x, &c), 2);
}

#[test]
fn a_data_parallel_step_is_the_whole_step() {
    let (w, x, y) = (data(&[3]), data(&[8, 3]), data(&[8]));
    let loss = |w: &Array, x: &Array, y: &Array| ((x.matmul(w) - y).powi(2)).mean();
    let plain = &w - 0.1 * grad(loss)(&w, &x, &y);
    let step = |w: &Array, x: &Array, y: &Array| w - 0.1 * lax::pmean(grad(loss)(w, x, y), "data");
    let four = Mesh::new(cpu(4), [("data", 4)]);
    let mapped = shard_map(step, &four, (P(()), P("data"), P("data")), P(()));
    close("shard_map", &mapped(&w, &x, &y), &plain, 1e-14);
    same("staged", &jit(&mapped)(&w, &x, &y), &mapped(&w, &x, &y));
    let rows = |a: &Array| a.reshape(&[&[4, 2], &a.shape()[1..]].concat());
    let by_pmap = Pmap::new().axis_name("data").in_axes((None, 0, 0)).out_axes(None).of(step);
    same("pmap", &by_pmap(&w, &rows(&x), &rows(&y)), &mapped(&w, &x, &y));
    let by_vmap = Vmap::new().axis_name("data").in_axes((None, 0, 0)).out_axes(None).of(step);
    close("vmap", &by_vmap(&w, &rows(&x), &rows(&y)), &plain, 1e-14);
    // the gradient of the mapped loss
    let whole = shard_map(
        |w: &Array, x: &Array, y: &Array| lax::pmean(loss(w, x, y), "data"),
        &four,
        (P(()), P("data"), P("data")),
        P(()),
    );
    close("outside", &grad(whole)(&w, &x, &y), &grad(loss)(&w, &x, &y), 1e-14);
    // a training loop that stays on the devices
    let train = |w: &Array, x: &Array, y: &Array| lax::fori_loop(0, 20, |_, w| step(w, x, y), w);
    let many = jit(shard_map(train, &four, (P(()), P("data"), P("data")), P(())));
    let mut v = w.clone();
    for _ in 0..20 {
        v = &v - 0.1 * grad(loss)(&v, &x, &y)
    }
    close("twenty steps", &many(&w, &x, &y), &v, 1e-12);
}
