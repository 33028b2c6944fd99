//! Loops with small bodies, compiled: ten thousand steps of a differential equation, forwards and backwards, alone and for many lanes.

use crate::measure::{Bench, Work};
use crate::models::*;
use cotangent::prelude::*;
use cotangent::{jvp, lax, vmap};

type State = (Array, Array, Array);

/// One Runge–Kutta step of the Lorenz equations.
fn step(s: &State) -> State {
    let dt = 1e-3;
    let slope = |(x, y, z): &State| (10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z);
    let moved = |a: f64, k: &State| (&s.0 + a * &k.0, &s.1 + a * &k.1, &s.2 + a * &k.2);
    let k1 = slope(s);
    let k2 = slope(&moved(dt / 2.0, &k1));
    let k3 = slope(&moved(dt / 2.0, &k2));
    let k4 = slope(&moved(dt, &k3));
    let sum = |s: &Array, a: &Array, b: &Array, c: &Array, d: &Array| s + dt / 6.0 * (a + 2.0 * b + 2.0 * c + d);
    (
        sum(&s.0, &k1.0, &k2.0, &k3.0, &k4.0),
        sum(&s.1, &k1.1, &k2.1, &k3.1, &k4.1),
        sum(&s.2, &k1.2, &k2.2, &k3.2, &k4.2),
    )
}
const STEPS: usize = 10_000;

fn by_while(s: &State) -> State {
    let init = (Array::from_slice(&[0i32], &[]), s.clone());
    lax::while_loop(|c: &(Array, State)| c.0.lt(STEPS as i32), |c| (&c.0 + 1, step(&c.1)), &init).1
}
fn by_fori(s: &State) -> State {
    lax::fori_loop(0, STEPS as i32, |_, s: &State| step(s), s)
}
fn by_scan(s: &State, steps: usize) -> State {
    lax::Scan::new().length(steps).run(|s: &State, _: &()| (step(s), ()), s, &()).0
}

/// The baseline's `transform.ode`. It has no row for reverse mode through a `while_loop`, which JAX refuses.
pub fn lorenz(b: &mut Bench) {
    let each = |steps: usize| Work { steps: Some(steps as u64), ..Work::default() };
    let s = (scalar(1.0), scalar(1.0), scalar(1.0));
    let f = jit(by_while);
    b.time_work("transform.lorenz.while.forward", each(STEPS), || f(&s));
    let f = jit(by_fori);
    b.time_work("transform.lorenz.fori.forward", each(STEPS), || f(&s));
    let f = jit(|s: &State| by_scan(s, STEPS));
    b.time_work("transform.lorenz.scan.forward", each(STEPS), || f(&s));
    let f = jit(grad(|s: &State| by_scan(s, STEPS).0));
    b.time_work("transform.lorenz.scan.reverse", each(STEPS), || f(&s));
    let f = jit(|s: &State| jvp(by_while, (s,), (s,)).1);
    b.time_work("transform.lorenz.while.jvp", each(STEPS), || f(&s));
    let f = jit(grad(|s: &State| by_while(s).0));
    b.time_work("transform.lorenz.while.reverse", each(STEPS), || f(&s));

    let many = (normal(&[1024], 0, 1.0), normal(&[1024], 1, 1.0), normal(&[1024], 2, 1.0));
    let f = jit(vmap(by_while));
    b.time_work(
        "transform.lorenz.vmap1024.forward",
        Work { flops: 1024.0 * 80.0, elems: 1024.0, ..each(STEPS) },
        || f(&many),
    );
    let f = jit(vmap(grad(|s: &State| by_scan(s, 1000).0)));
    b.time_work("transform.lorenz.vmap1024.reverse1000", each(1000).and_elems(1024.0), || f(&many));
}
