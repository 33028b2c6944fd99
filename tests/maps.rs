//! Maps over devices. What a function gives on devices it gives under `vmap`, bit for bit; failures end every device.

mod common;

use common::{close, same, told};
use cotangent::devices::{Mesh, P, cpu};
use cotangent::prelude::*;
use cotangent::{ARG0, ARG1, Grad, Pmap, Vmap, custom_jvp, grad_argnums, jvp, lax, pmap, shard_map, vjp, vmap};

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
        both("all_gather_invariant", |x| lax::all_gather_invariant(x, "i", 1) * x.sum(), &x);
        both("pbroadcast", |x| x - lax::pbroadcast(x, "i", 2), &x);
        both("pshuffle", |x| lax::pshuffle(x, "i", &[2, 0, 3, 1]), &x);
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

#[test]
fn moves_over_several_axes() {
    let x = &data(&[2, 3, 6, 2]);
    type F = fn(&Array) -> Array;
    let fs: [F; 8] = [
        |x| lax::all_gather(x, ["i", "j"], 0),
        |x| lax::all_gather(x, ["j", "i"], 1),
        |x| lax::all_gather_invariant(x, ["i", "j"], 2) * x.sum(),
        |x| lax::psum_scatter(x, ["i", "j"], 0),
        |x| lax::psum_scatter(x, ["j", "i"], 0),
        |x| lax::all_to_all(x, ["i", "j"], 0, 1),
        |x| lax::pswapaxes(x, ["j", "i"], 0),
        |x| x * lax::axis_index(["j", "i"]) + lax::axis_size(["i", "j"]),
    ];
    for (k, f) in fs.into_iter().enumerate() {
        let lanes = Vmap::new().axis_name("i").of(Vmap::new().axis_name("j").of(f))(x);
        same(&format!("{k}"), &Pmap::new().axis_name("i").of(Pmap::new().axis_name("j").of(f))(x), &lanes);
    }
    // one axis of six lanes is two of two and three
    let of = |f: F| Vmap::new().axis_name("i").of(Vmap::new().axis_name("j").of(f))(x).reshape(&[72]);
    let flat = |f: F| Vmap::new().axis_name("k").of(f)(&x.reshape(&[6, 6, 2])).reshape(&[72]);
    same("exchanged", &of(|x| lax::all_to_all(x, ["i", "j"], 0, 1)), &flat(|x| lax::all_to_all(x, "k", 0, 1)));
    same("exchanged", &of(|x| lax::pswapaxes(x, ["i", "j"], 0)), &flat(|x| lax::pswapaxes(x, "k", 0)));
    close(
        "scattered",
        &Vmap::new().axis_name("i").of(Vmap::new().axis_name("j").of(|x: &Array| lax::psum_scatter(x, ["i", "j"], 0)))(
            x,
        )
        .reshape(&[12]),
        &Vmap::new().axis_name("k").of(|x: &Array| lax::psum_scatter(x, "k", 0))(&x.reshape(&[6, 6, 2])).reshape(&[12]),
        1e-14,
    );
    // JAX's number of a lane for ("model", "data")
    let grid = Mesh::new(cpu(4), [("data", 2), ("model", 2)]);
    let number =
        shard_map(|_: &Array| lax::axis_index(["model", "data"]).reshape(&[1]), &grid, P(()), P((["data", "model"],)));
    assert_eq!(number(&array(0)).to_string(), "[0 2 1 3]");
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
    slopes("all_gather_invariant", |x| lax::all_gather_invariant(&x.sin(), "i", 1) * x.reshape(&[4, 1]), x);
    slopes("all_gather_invariant alone", |x| lax::all_gather_invariant(&x.sin(), "i", 1), x);
    slopes("pbroadcast", |x| x * lax::pbroadcast(&x.sin(), "i", 1), x);
    slopes("pshuffle", |x| x * lax::pshuffle(&x.sin(), "i", &[2, 0, 3, 1]), x);
    slopes("psum_scatter", |x| lax::psum_scatter(&x.sin(), "i", 0) * x, x);
    slopes("all_to_all", |x| lax::all_to_all(&x.sin(), "i", 0, 0) * x, x);
    slopes("pvary", |x| x * lax::pvary(&lax::psum(x.sin(), "i"), "i"), x);
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
    both("one for all", |x| grad(|x: &Array| (lax::all_gather_invariant(x, "i", 0) * x).sum())(x), x);
    both("one of all", |x| grad(|x: &Array| (lax::pbroadcast(x, "i", 2) * x).sum())(x), x);
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
    let v = data(&[3]);
    let want = cotangent::prim::reduce_sum(&x, &[0]) + &v * 2.0;
    let lanes = || Vmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None);
    let devices = || Pmap::new().axis_name("batch").in_axes((None, 0)).out_axes(None);
    close("lanes", &lanes().of(reduced().grad(both))(&v, &x), &want, 1e-12);
    close("lanes, staged", &lanes().of(reduced().grad(jit(both)))(&v, &x), &want, 1e-12);
    close("devices", &devices().of(reduced().grad(both))(&v, &x), &want, 1e-12);
    close("devices, staged", &devices().of(reduced().grad(jit(both)))(&v, &x), &want, 1e-12);
    // in a loop
    let turns = |w: &Array, x: &Array| {
        let turn = |c: &Array, _: &()| (c + (w * x).sin().sum() + lax::psum((w * x).sum(), "batch"), ());
        lax::Scan::new().length(3).run(turn, &array(0.0).astype(DType::Float64), &()).0
    };
    let in_loop = devices().of(reduced().grad(turns))(&v, &x);
    let in_lanes = lanes().of(reduced().grad(turns))(&v, &x);
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

/// `f` on a thread of its own: a hang is a failure.
#[track_caller]
fn in_time<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let y = f();
        let _ = done.send(());
        y
    });
    if let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = result.recv_timeout(std::time::Duration::from_secs(120)) {
        panic!("the devices wait forever")
    }
    thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p))
}

#[test]
fn nested_maps() {
    let z = &data(&[2, 3, 2]);
    let over = |n: &str| Pmap::new().axis_name(n);
    let lanes = |n: &str| Vmap::new().axis_name(n);
    type F = fn(&Array) -> Array;
    let fs: [F; 6] = [
        |x| lax::psum(x, ["i", "j"]) * x,
        |x| lax::psum(lax::pmax(x, "j"), "i"),
        |x| lax::all_gather(x, "i", 0) * lax::axis_index("j"),
        |x| lax::ppermute(x, "j", &[(0, 1), (1, 2), (2, 0)]),
        |x| lax::psum_scatter(x, "i", 0) + lax::axis_index("i") * 10,
        |x| grad(|x: &Array| (x * lax::psum(x.sin(), ["i", "j"])).sum())(x),
    ];
    for (k, f) in fs.into_iter().enumerate() {
        let what = format!("function {k}");
        let want = lanes("i").of(lanes("j").of(f))(z);
        same(&what, &over("i").of(over("j").of(f))(z), &want);
        same(&what, &over("i").of(lanes("j").of(f))(z), &want);
        same(&what, &lanes("i").of(over("j").of(f))(z), &want);
        same(&what, &jit(over("i").of(jit(over("j").of(jit(f)))))(z), &want);
        let grid = Mesh::new(cpu(6), [("i", 2), ("j", 3)]);
        let squeezed = move |x: &Array| {
            let y = f(&x.reshape(&[2]));
            y.reshape(&[&[1, 1], y.shape()].concat())
        };
        same(&what, &shard_map(squeezed, &grid, P(("i", "j")), P(("i", "j")))(z), &want);
        if k == 1 {
            continue; // an extreme has no derivative
        }
        // and their gradients
        let total = |y: Array| (y.sin() * data(y.shape())).sum();
        let g = grad(|z: &Array| total(lanes("i").of(lanes("j").of(f))(z)))(z);
        let close = |h: Array| close(&what, &h, &g, 1e-12);
        close(grad(|z: &Array| total(over("i").of(over("j").of(f))(z)))(z));
        close(grad(|z: &Array| total(over("i").of(lanes("j").of(f))(z)))(z));
        close(grad(jit(|z: &Array| total(lanes("i").of(over("j").of(f))(z))))(z));
    }
    // a name that is bound twice means the inner map, and the outer one again behind it
    let shadowed = over("i").of(|x: &Array| {
        let inner = over("i").of(|x: &Array| lax::psum(x, "i"))(x);
        inner + lax::psum(x, "i") * 100.0
    })(&array![[1., 2.], [3., 4.]]);
    assert_eq!(shadowed.to_string(), "[[403. 603.]\n [407. 607.]]");
    // lanes around, without a name and along other dimensions
    let f = |x: &Array| over("i").of(|x: &Array| x * lax::psum(x, "i"))(x);
    let x = data(&[5, 4, 3]);
    let one = |k: usize| f(&common::nth(&x, k));
    let all = vmap(f)(&x);
    (0..5).for_each(|k| same("a lane", &common::nth(&all, k), &one(k)));
    let last = cotangent::vmap_axes(f, 2, 2)(&cotangent::prim::transpose(&x, &[1, 2, 0]));
    same("lanes last", &cotangent::prim::transpose(&last, &[2, 0, 1]), &all);
    // the pullback of a map in the lanes of another
    let (_, back) = vjp(f, (&one(0),));
    let cts = data(&[5, 4, 3]);
    let rows = Vmap::new().axis_name("k").of(|c: &Array| back.call(c).0)(&cts);
    (0..5).for_each(|k| same("a pullback", &common::nth(&rows, k), &back.call(&common::nth(&cts, k)).0));
}

#[test]
fn control_flow() {
    let x = &data(&[4, 3]);
    both(
        "scan",
        |x| {
            let turn = |c: &Array, k: &Array| (c * 0.5 + lax::psum(c, "i") * k, lax::pmax(c, "i"));
            let (c, y) = lax::scan(turn, x, &array![1., 2., 3.].astype(DType::Float64));
            c + y.sum()
        },
        x,
    );
    // all devices agree when to stop
    both(
        "while",
        |x| lax::while_loop(|c: &Array| lax::psum((c * c).sum(), "i").lt(1e4), |c| c * 2.0 + lax::pmean(c, "i"), x),
        x,
    );
    // each for itself, without communication
    both("while, each", |x| lax::while_loop(|c: &Array| (c * c).sum().lt(1e3), |c| c * 2.0, x), x);
    both(
        "branch, shared",
        |x| {
            let p = lax::psum(x.sum(), "i").gt(0.0);
            lax::cond(&p, |x| lax::psum(x, "i"), |x| lax::pmin(x, "i"), x) + x
        },
        x,
    );
    both("branch, each", |x| lax::cond(&x.sum().gt(0.0), |x| x.sin(), |x| x * 2.0, x), x);
    let y = &data(&[4, 3]);
    slopes(
        "scan",
        |x| {
            let turn = |c: &Array, _: &()| (c * 0.5 + lax::psum(c.sin(), "i"), c * x);
            let (c, y) = lax::Scan::new().length(3).run(turn, x, &());
            c + cotangent::prim::reduce_sum(&y, &[0])
        },
        y,
    );
    slopes(
        "branch",
        |x| {
            let p = lax::psum(x.sum(), "i").gt(0.0);
            lax::cond(&p, |x| x * lax::psum(x.sin(), "i"), |x| x - lax::pmean(x * x, "i"), x)
        },
        y,
    );
    // around maps
    let step = Pmap::new().axis_name("i").of(|x: &Array| x * 0.5 + lax::pmean(x.sin(), "i"));
    let lanes = Vmap::new().axis_name("i").of(|x: &Array| x * 0.5 + lax::pmean(x.sin(), "i"));
    same("a loop of maps", &lax::fori_loop(0, 5, |_, x| step(x), x), &lax::fori_loop(0, 5, |_, x| lanes(x), x));
    let of =
        |f: &(dyn Fn(&Array) -> Array + Send + Sync)| grad(|x: &Array| lax::fori_loop(0, 5, |_, x| f(x), x).sum())(x);
    close("its gradient", &of(&step), &of(&lanes), 1e-13);
    // maps in a loop in a map
    both(
        "nested",
        |x| {
            lax::fori_loop(
                0,
                3,
                |_, x: &Array| Pmap::new().axis_name("j").of(|x: &Array| x + lax::psum(x, ["i", "j"]))(x),
                x,
            )
        },
        x,
    );
}

#[test]
fn axes_of_arguments_and_results() {
    let (x, w) = (data(&[3, 4]), data(&[3]));
    let f = |x: &Array, w: &Array| (x * w, (x * w).sum(), lax::psum(x, "i"));
    let over = Pmap::new().axis_name("i").in_axes((1, None)).out_axes((1, 0, None)).of(f);
    let lanes = Vmap::new().axis_name("i").in_axes((1, None)).out_axes((1, 0, None)).of(f);
    let (a, b) = (over(&x, &w), lanes(&x, &w));
    assert_eq!((a.0.shape(), a.1.shape(), a.2.shape()), (&[3, 4][..], &[4][..], &[3][..]));
    same("0", &a.0, &b.0);
    same("1", &a.1, &b.1);
    same("2", &a.2, &b.2);
    let back = Pmap::new().in_axes(-1).out_axes(-1).of(|x: &Array| x.sin())(&x);
    same("negative", &back, &x.sin());
    // results that are the same on every device, once for each
    let sums = Pmap::new().axis_name("i").of(|x: &Array| lax::psum(x, "i"))(&array![1., 2., 3.]);
    assert_eq!(sums.to_string(), "[6. 6. 6.]");
    let n = Pmap::new().axis_name("i").axis_size(3).in_axes((None,)).of(|x: &Array| lax::psum(x, "i"))(&array(2.0));
    assert_eq!(n.to_string(), "[6. 6. 6.]");
    // integers and truth values
    let b = array![[true, false], [true, true]];
    both("count", |x| lax::psum(x, "i"), &b);
    both("any", |x| lax::pmax(x, "i"), &b);
    assert_eq!(pmap(|x: &Array| x + 1)(&array![1, 2]).to_string(), "[2 3]");
    let devices = cpu(2);
    assert_eq!(Pmap::new().devices(devices).of(|x: &Array| x + 1)(&array![1, 2]).to_string(), "[2 3]");
}

#[test]
fn mistakes_are_told() {
    let v = &array![1., 2., 3., 4.];
    let told = |kind, words: &[&str], f: &dyn Fn() -> Array| told(kind, words, f);
    told(ErrorKind::Axis, &["psum: unbound axis name: i (no axis is bound here)"], &|| lax::psum(v, "i"));
    told(ErrorKind::Axis, &["psum: unbound axis name: j (bound here: i)"], &|| {
        Pmap::new().axis_name("i").of(|x: &Array| lax::psum(x, "j"))(v)
    });
    told(ErrorKind::Axis, &["pmap: 4 lanes are mapped over 3 devices"], &|| {
        Pmap::new().devices(cpu(3)).of(|x: &Array| x * 2)(v)
    });
    told(ErrorKind::Shape, &["pmap: the mapped axes have different extents", "argument [0]", "has extent 2"], &|| {
        pmap(|x: &Array, y: &Array| x + y)(v, &array![1., 2.])
    });
    told(ErrorKind::Shape, &["pmap: in_axes says axis 1 of argument [0]"], &|| {
        Pmap::new().in_axes(1).of(|x: &Array| x * 2)(v)
    });
    told(ErrorKind::Axis, &["pmap: no argument is mapped"], &|| Pmap::new().in_axes((None,)).of(|x: &Array| x * 2)(v));
    told(
        ErrorKind::Axis,
        &["pmap: out_axes says None for result ", "along 'i'", "it was made at", "psum, pmean"],
        &|| Pmap::new().axis_name("i").out_axes(None).of(|x: &Array| x * 2.0)(v),
    );
    told(ErrorKind::Shape, &["pmap: out_axes says axis 3"], &|| Pmap::new().out_axes(3).of(|x: &Array| x * 2)(v));
    told(ErrorKind::Axis, &["the mapped axes are empty"], &|| {
        pmap(|x: &Array| x * 2)(&Array::from_slice::<f32>(&[], &[0]))
    });
    told(ErrorKind::Structure, &["pmap: in_axes takes numbers and None; P('data',) is a layout over a mesh"], &|| {
        Pmap::new().in_axes(P("data")).of(|x: &Array| x * 2)(v)
    });
    let id = |i: P, o: P| shard_map(|x: &Array| x * 2, &mesh(), i, o)(v);
    told(
        ErrorKind::Shape,
        &[
            "shard_map: in_specs says P(('data', 'model'),) for argument [0]: dimension 0 of float32[4], of extent 4, cannot be split into 8 equal pieces",
        ],
        &|| id(P((["data", "model"],)), P(())),
    );
    told(
        ErrorKind::Shape,
        &["in_specs says P(None, 'data') for argument [0]", "splits 2 dimensions, and type float32[4] has 1"],
        &|| id(P((None, "data")), P(())),
    );
    told(
        ErrorKind::Axis,
        &["in_specs says P('rows',) for argument [0], but Mesh('data': 4, 'model': 2) has no axis rows"],
        &|| id(P("rows"), P(())),
    );
    told(
        ErrorKind::Axis,
        &["in_specs says P(('data', 'data'),) for argument [0], which names axis data twice"],
        &|| id(P((["data", "data"],)), P(())),
    );
    told(
        ErrorKind::Axis,
        &[
            "out_specs says P() for result , which is to be the same on every device along 'data'",
            "it was made at",
            "psum",
        ],
        &|| id(P("data"), P(())),
    );
    told(ErrorKind::Axis, &["out_specs says P('model',)", "along 'data'"], &|| id(P("data"), P("model")));
    told(ErrorKind::Shape, &["out_specs says P(None, 'data') for result ", "float32[1]"], &|| {
        id(P("data"), P((None, "data")))
    });
    told(
        ErrorKind::Structure,
        &["shard_map: in_specs takes layouts such as P(\"data\")", "0 is for vmap and pmap"],
        &|| shard_map(|x: &Array| x * 2, &mesh(), 0, P(()))(v),
    );
    told(ErrorKind::Axis, &["Mesh: axes of sizes (2, 2) have 4 places, for 3 devices"], &|| {
        Mesh::new(cpu(3), [("a", 2), ("b", 2)]);
        v.clone()
    });
    told(ErrorKind::Axis, &["Mesh: two axes have the name a"], &|| {
        Mesh::new(cpu(4), [("a", 2), ("a", 2)]);
        v.clone()
    });
    told(ErrorKind::Concrete, &["abstract under jit"], &|| {
        pmap(|x: &Array| if x.to_f64() > 1.0 { x * 2.0 } else { x.clone() })(v)
    });
    told(ErrorKind::Shape, &["must have an extent of 4 lanes"], &|| {
        Pmap::new().axis_name("i").of(|x: &Array| lax::psum_scatter(x, "i", 0))(&data(&[4, 3]))
    });
    let e = catch(|| Pmap::new().axis_name("i").of(grad(|x: &Array| lax::pmax(x, "i")))(v)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotDifferentiable);
}

/// Devices that do not communicate alike: an error that says where each is, at once, and afterwards all is well.
#[test]
fn devices_that_part() {
    in_time(|| {
        let v = &data(&[4, 2]);
        let over = || Pmap::new().axis_name("i");
        let words = "do not communicate in the same places in the same order";
        for _ in 0..20 {
            // some communicate and others do not
            told(
                ErrorKind::Axis,
                &[
                    words,
                    "device i=0 waits for the others of axis 'i' in psum at tests/maps.rs",
                    "device i=3 has finished",
                ],
                || {
                    over()
                        .of(|x: &Array| lax::cond(&lax::axis_index("i").lt(2), |x| lax::psum(x, "i"), |x| x.clone(), x))(
                        v,
                    )
                },
            );
            // all do, in different places
            told(
                ErrorKind::Axis,
                &[words, "is in psum of float64[2] at tests/maps.rs", "is in pmax of float64[2] at tests/maps.rs"],
                || {
                    over().of(|x: &Array| {
                        lax::cond(&lax::axis_index("i").lt(2), |x| lax::psum(x, "i"), |x| lax::pmax(x, "i"), x)
                    })(v)
                },
            );
            // the same operation in two places
            told(ErrorKind::Axis, &[words], || {
                over().of(|x: &Array| {
                    lax::cond(&lax::axis_index("i").lt(2), |x| lax::psum(x, "i"), |x| lax::psum(x, "i") * 2.0, x)
                })(v)
            });
            // a loop of different lengths
            told(ErrorKind::Axis, &[words, "has finished"], || {
                jit(over().of(|x: &Array| {
                    let n = lax::axis_index("i");
                    lax::while_loop(
                        |c: &(Array, Array)| c.0.lt(&n + 1),
                        |c| (&c.0 + 1, lax::psum(&c.1, "i") + x),
                        &(array(0), x.clone()),
                    )
                    .1
                }))(v)
            });
            // two axes, crosswise
            let grid = Mesh::new(cpu(4), [("a", 2), ("b", 2)]);
            told(ErrorKind::Axis, &[words, "of axis 'a' in psum", "of axis 'b' in psum"], || {
                let f = |x: &Array| {
                    let p = (lax::axis_index("a") - lax::axis_index("b")).abs().lt(1);
                    lax::cond(&p, |x| lax::pvary(&lax::psum(x, "a"), "a"), |x| lax::pvary(&lax::psum(x, "b"), "b"), x)
                };
                shard_map(f, &grid, P(("a", "b")), P(("a", "b")))(&data(&[2, 2]))
            });
            // in an inner map
            told(ErrorKind::Axis, &[words], || {
                over().of(|x: &Array| {
                    Pmap::new().axis_name("j").of(|x: &Array| {
                        lax::cond(&lax::axis_index("j").lt(1), |x| lax::psum(x, ["i", "j"]), |x| x.clone(), x)
                    })(x)
                })(v)
            });
            same(
                "afterwards",
                &over().of(|x: &Array| lax::psum(x, "i"))(v),
                &Vmap::new().axis_name("i").of(|x: &Array| lax::psum(x, "i"))(v),
            );
        }
    })
}

#[test]
fn thousands_of_calls() {
    in_time(|| {
        let x = data(&[4, 8]);
        let f = Pmap::new().axis_name("i").of(|x: &Array| {
            let y = lax::psum(x, "i") + lax::ppermute(x, "i", &AROUND);
            lax::all_gather(&y, "i", 0).sum() * lax::pmax(x, "i")
        });
        let want = f(&x);
        let staged = jit(&f);
        for _ in 0..2000 {
            same("again", &staged(&x), &want)
        }
        // from several threads at once
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| (0..200).for_each(|_| same("at once", &staged(&x), &want)));
            }
        });
        // a long loop of collectives, and of maps in maps
        let long = Pmap::new()
            .axis_name("i")
            .of(|x: &Array| lax::fori_loop(0, 3000, |_, x: &Array| lax::pmean(x, "i") + x * 0.5, x));
        assert!(jit(&long)(&x).shape() == [4, 8]);
        let nested = Pmap::new().axis_name("i").of(|x: &Array| {
            lax::fori_loop(
                0,
                200,
                |_, x: &Array| Pmap::new().axis_name("j").of(|x: &Array| lax::pmean(x, ["i", "j"]) + x * 0.5)(x),
                x,
            )
        });
        assert!(nested(&x).shape() == [4, 8]);
    })
}

/// What a loop leaves behind on each device is as long as the loop was there.
#[test]
fn loops_in_reverse() {
    let x = &data(&[4, 3]);
    let each = |x: &Array| lax::while_loop(|c: &Array| (c * c).sum().lt(50.0), |c| c * 1.5 + c.sin(), x);
    slopes("each for itself", each, x);
    both("inside", |x| grad(|x: &Array| each(x).sum())(x), x);
    let together = |x: &Array| {
        lax::while_loop(|c: &Array| lax::psum((c * c).sum(), "i").lt(1e3), |c| c * 1.2 + lax::pmean(c.sin(), "i"), x)
    };
    slopes("all together", together, x);
    let lanes = vmap(Pmap::new().axis_name("i").of(together));
    let y = data(&[2, 4, 3]);
    let g = grad(|y: &Array| lanes(y).sin().sum())(&y);
    let one = |k| grad(|x: &Array| Pmap::new().axis_name("i").of(together)(x).sin().sum())(&common::nth(&y, k));
    close("in lanes", &common::nth(&g, 0), &one(0), 1e-13);
    close("in lanes", &common::nth(&g, 1), &one(1), 1e-13);
}
