//! Whole small problems.

use super::{normal, one, two};
use crate::measure::Bench;
use crate::models;
use cotangent::prelude::*;
use cotangent::random::Key;
use cotangent::{lax, nn, np, random, special, vmap};

/// The value of a call option, by Black and Scholes.
fn call(s: &Array) -> Array {
    let (k, t, r, v) = (100.0f64, 1.0f64, 0.05f64, 0.2f64);
    let d1 = ((s / k).log() + (r + 0.5 * v * v) * t) / (v * t.sqrt());
    s * special::ndtr(&d1) - k * (-r * t).exp() * special::ndtr(&(d1 - v * t.sqrt()))
}
fn paths(key: Key) -> Array {
    let z = random::normal(key, &[10_000, 50]);
    let end = 100.0 * np::cumsum(&(0.001 + 0.02 * z), 1).exp();
    np::maximum(&(end.mean_over(1) - 100.0), &array(0.0)).mean()
}
fn mixture(m: &Array, x: &Array) -> Array {
    let p = -0.5 * (np::expand_dims(x, &[1]) - np::expand_dims(m, &[0])).powi(2).sum_over(-1);
    nn::LogSumExp::new().axis(1).of(&p).sum()
}

pub fn all(b: &mut Bench) {
    let s = normal(&[100_000], 0).abs() * 20 + 80;
    let x = normal(&[2000, 20], 1);
    let y = normal(&[2000], 2);
    let w = models::normal(&[20], 3, 0.1);
    let signal = normal(&[65_536], 4);
    one(b, "applied.black_scholes", &s, call);
    one(b, "applied.black_scholes.greeks", &s, vmap(value_and_grad(call)));
    let f = jit(paths);
    b.time("program.applied.paths", || f(random::key(3)));
    let f = jit(|k: Key| random::uniform(k, &[1_000_000, 2]).powi(2).sum_over(-1).lt(1).mean() * 4);
    b.time("program.applied.pi", || f(random::key(3)));
    let (points, seen) = (x.clone(), y.clone());
    let robust = move |w: &Array| {
        let e = &seen - points.matmul(w);
        np::where_(&e.abs().lt(1), 0.5 * &e * &e, e.abs() - 0.5).mean() + 0.01 * w.abs().sum()
    };
    one(b, "applied.robust.grad", &w, value_and_grad(robust));
    let (points, counts) = (x.clone(), y.abs());
    let poisson = move |w: &Array| {
        let z = points.matmul(w);
        (z.exp() - &counts * z).mean()
    };
    one(b, "applied.poisson.descend", &w, move |w| {
        lax::fori_loop(0, 100, |_, w: &Array| w - 0.05 * grad(&poisson)(w), w)
    });
    two(b, "applied.mixture.grad", &x.i(..8), &x, grad(mixture));
    one(b, "applied.spectrum", &signal, |x| np::fft::rfft(&(x * np::hanning(65_536))).abs().powi(2));
    one(b, "applied.smooth", &signal, |x| np::fft::irfft(&(np::fft::rfft(x) * (-np::arange(32_769) * 1e-4).exp())));
}
