//! Owen's T function, by quadrature.

use super::function::{Row, Slope, apply};
use super::gamma::widened;
use super::*;
use crate::DType;
use crate::prim::{erf, erfc, exp};
use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::sync::LazyLock;

/// Places and weights of Gauss's quadrature between 0 and 1, which is exact for polynomials of a degree below twice their number.
static QUADRATURE: LazyLock<(Vec<f64>, Vec<f64>)> = LazyLock::new(|| {
    const N: usize = 40;
    let place = |i: usize| {
        // a zero of Legendre's polynomial by Newton's method, from an estimate
        let mut x = (PI * (i as f64 + 0.75) / (N as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..10 {
            let (mut before, mut now) = (1.0, x);
            for k in 2..=N {
                let k = k as f64;
                (before, now) = (now, ((2.0 * k - 1.0) * x * now - (k - 1.0) * before) / k)
            }
            slope = N as f64 * (before - x * now) / (1.0 - x * x);
            x -= now / slope
        }
        (0.5 + 0.5 * x, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..N).map(place).unzip()
});

/// The integral for h of 0 and more, and a between 0 and 1.
fn by_quadrature(h: &Array, a: &Array) -> Array {
    let rank = h.ndim();
    let of = |x: &[f64]| Array::from_slice(x, &[x.len()]);
    let beside = |x: &Array| prim::expand_dims(x, &[rank]);
    let (places, weights) = (of(&QUADRATURE.0), of(&QUADRATURE.1));
    let at = beside(a) * places;
    let more = 1.0 + &at * &at;
    let values = exp(&(beside(&(-0.5 * h * h)) * &more)) / more * weights;
    a * prim::reduce_sum(&values, &[rank]) / (2.0 * PI)
}
fn value(x: &[Array]) -> Array {
    let (h, a) = (x[0].abs(), x[1].abs());
    let nan = is_nan(&h) | is_nan(&a);
    // beyond 1 by what is at 1 / a: T(h, a) + T(a h, 1 / a) is known
    let steep = above(&a, 1.0);
    let ah = put(&(is(&a, f64::INFINITY) & is(&h, 0.0)), 0.0, &(&a * &h));
    let flat = pick(&steep, &(1.0 / put(&!&steep, 1.0, &a)), &a);
    let inner = by_quadrature(&pick(&steep, &ah, &h), &put(&nan, 0.0, &flat));
    let (p, q) = (erfc(&(&h * FRAC_1_SQRT_2)), erfc(&(&ah * FRAC_1_SQRT_2)));
    let far = 0.25 * (&p + &q - &p * &q) - &inner;
    let y = pick(&steep, &put(&(is(&a, f64::INFINITY)), 0.0, &far), &inner);
    let y = pick(&is(&a, f64::INFINITY), &(0.25 * &p), &y);
    put(&nan, f64::NAN, &(prim::sign(&x[1]) * y))
}

special! {
    /// Owen's T function: the integral of e^(-h^2 (1 + t^2) / 2) / (1 + t^2) from 0 to a, divided by 2 pi. It is the probability that X is greater than h and Y between 0 and a X, for
    /// independent standard normal numbers. As `jax.scipy.special.owens_t`.
    owens_t(h, a) in Float64, value, [
        Slope::Of(|x, _| widened(x, |x| {
            let (h, a) = (&x[0], &x[1]);
            -exp(&(-0.5 * h * h)) * erf(&(a * h * FRAC_1_SQRT_2)) / (2.0 * (2.0 * PI).sqrt())
        })),
        Slope::Of(|x, _| widened(x, |x| {
            let (h, more) = (&x[0], 1.0 + &x[1] * &x[1]);
            exp(&(-0.5 * h * h * &more)) / (2.0 * PI * more)
        }))
    ], of ("1.0", "0.5") is "0.04306469";
}
