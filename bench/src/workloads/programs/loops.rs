//! Time steps, recurrences, iterations.

use super::{kept, normal, one, two};
use crate::measure::Bench;
use crate::models;
use cotangent::prelude::*;
use cotangent::random::Key;
use cotangent::{lax, nn, np, prim, random};

fn kalman(f: &Array, seen: &Array) -> Array {
    let (h, q, r) = (np::eye(2, 4, 0), 0.1 * np::identity(4), 0.5 * np::identity(2));
    let step = |(m, p): &(Array, Array), y: &Array| {
        let (m, p) = (f.matmul(m), f.matmul(p).matmul(&f.t()) + &q);
        let s = h.matmul(&p).matmul(&h.t()) + &r;
        let k = p.matmul(&h.t()).matmul(&np::linalg::inv(&s));
        let e = y - h.matmul(&m);
        ((m + k.matmul(&e), &p - k.matmul(&h).matmul(&p)), e.dot(&e))
    };
    lax::scan(step, &(np::zeros(&[4]), np::identity(4)), seen).1.sum()
}
fn forward(steps: &Array, emit: &Array) -> Array {
    let step = |a: &Array, e: &Array| (nn::LogSumExp::new().axis(0).of(&(kept(a) + steps)) + e, ());
    nn::logsumexp(&lax::scan(step, &emit.i(0), &emit.i(1..)).0)
}
fn pendulum(s: &Array) -> Array {
    np::stack(&[&s.i((Ellipsis, 1)), &-s.i((Ellipsis, 0)).sin()], -1)
}
fn runge(s: &Array) -> Array {
    let h = 0.05;
    let k1 = pendulum(s);
    let k2 = pendulum(&(s + 0.5 * h * &k1));
    let k3 = pendulum(&(s + 0.5 * h * &k2));
    s + h / 6.0 * (k1 + 2 * k2 + 2 * &k3 + pendulum(&(s + h * k3)))
}
fn swing(s: &Array) -> Array {
    lax::fori_loop(0, 100, |_, s: &Array| runge(s), s)
}
fn mandelbrot(c: &Array) -> Array {
    let step = |_: &Array, (z, n): &(Array, Array)| {
        let z = np::where_(&z.abs().lt(2), z * z + c, z);
        let n = n + z.abs().lt(2);
        (z, n)
    };
    lax::fori_loop(0, 50, step, &(np::zeros_like(c), np::zeros_dtype(c.shape(), DType::Int32))).1
}
fn metropolis(key: Key, x: &Array) -> Array {
    let step = |x: &Array, k: &Key| {
        let (a, c) = random::clone(k).split2();
        let y = x + 0.5 * random::normal(a, x.shape());
        let take = random::uniform(c, x.shape()).log().lt(0.5 * (x * x - &y * &y));
        (np::where_(&take, &y, x), ())
    };
    lax::scan(step, x, &random::split_array(key, &[200])).0
}
fn burgers(u: &Array) -> Array {
    let step = |u: &Array, _: &()| {
        let (right, left) = (np::roll(u, -1), np::roll(u, 1));
        (u - 0.1 * u * (&right - &left) + 0.05 * (&right - 2 * u + &left), ())
    };
    lax::Scan::new().length(100).run(step, u, &()).0.powi(2).sum()
}
fn newton(x: &Array) -> Array {
    lax::while_loop(|s: &Array| (s * s - x).abs().gt(1e-4 * x), |s| 0.5 * (s + x / s), x)
}

pub fn all(b: &mut Bench) {
    let f = models::normal(&[4, 4], 0, 1.0) * 0.1 + 0.9 * np::identity(4);
    let seen = normal(&[1000, 2], 1);
    let steps = nn::log_softmax(&normal(&[16, 16], 2), -1);
    let emit = normal(&[1000, 16], 3);
    let start = normal(&[1000, 2], 4);
    let line = normal(&[10_000], 5);
    let u = np::linspace(0.0, 6.25, 512).sin();
    let across = np::linspace(-2.0, 1.0, 256).reshape(&[1, 256]) + np::zeros(&[256, 256]);
    let down = np::linspace(-1.5, 1.5, 256).reshape(&[256, 1]) + np::zeros(&[256, 256]);
    let grid = prim::complex(&across, &down);
    two(b, "loops.kalman", &f, &seen, kalman);
    two(b, "loops.kalman.grad", &f, &seen, grad(kalman));
    two(b, "loops.hidden_markov", &steps, &emit, forward);
    two(b, "loops.hidden_markov.grad", &steps, &emit, grad(forward));
    one(b, "loops.pendulum", &start, swing);
    one(b, "loops.pendulum.each", &start, cotangent::vmap(swing));
    one(b, "loops.mandelbrot", &grid, mandelbrot);
    let walk = jit(metropolis);
    let first = line.i(..1000);
    b.time("program.loops.metropolis", || walk(random::key(1), &first));
    one(b, "loops.burgers.grad", &u, grad(burgers));
    one(b, "loops.newton", &models::scalar(612.0), newton);
    one(b, "loops.newton.each", &(line.abs() + 1.0), cotangent::vmap(newton));
    one(b, "loops.exponential_mean", &line, |x| {
        let step = |c: &Array, x: &Array| {
            let c = c * 0.9 + 0.1 * x;
            (c.clone(), c)
        };
        lax::scan(step, &models::scalar(0.0), x).1
    });
    one(b, "loops.associative", &line, |x| {
        let join = |p: &(Array, Array), q: &(Array, Array)| (&p.0 * &q.0, &q.0 * &p.1 + &q.1);
        lax::associative_scan(join, &(np::full_like(x, 0.9), x.clone())).1
    });
    one(b, "loops.power_iteration", &normal(&[256, 256], 6), |m| {
        let step = |_: &Array, v: &Array| {
            let v = m.matmul(v);
            &v / (&v * &v).sum().sqrt()
        };
        lax::fori_loop(0, 50, step, &np::ones(&[256]))
    });
}
