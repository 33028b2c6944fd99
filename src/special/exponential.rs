//! Exponential integrals, sine and cosine integrals, the dilogarithm.

use super::function::{Row, Slope, apply};
use super::gamma::widened;
use super::*;
use crate::prim::{digamma as psi, div, exp, lgamma, log};
use crate::{DType, Pytree, lax};
use std::f64::consts::PI;

const EULER: f64 = 0.577_215_664_901_532_9;

#[derive(Pytree)]
struct Sum {
    more: Array,
    turn: Array,
    term: Array,
    sum: Array,
}
/// A sum of terms n = 1, 2, .. until they are small, beginning with `first`: `next` makes a term's main part from the one before, `part` what is added of it.
fn summed(
    here: &Array,
    first: (&Array, &Array),
    next: impl Fn(&Array, &Array) -> Array,
    part: impl Fn(&Array, &Array) -> Array,
) -> Array {
    let turn = prim::scalar_of(first.0.dtype(), false, 0.0);
    let init = Sum { more: here.clone(), turn, term: first.0.clone(), sum: first.1.clone() };
    let step = |s: &Sum| {
        let n = &s.turn + 1.0;
        let term = next(&n, &s.term);
        let part = part(&n, &term);
        let sum = &s.sum + &part;
        let keep = |new: &Array, old: &Array| pick(&s.more, new, old);
        // not before the terms begin to fall
        let early = prim::broadcast_in_dim(&below(&n, 8.0), s.more.shape(), &[]);
        let late = prim::broadcast_in_dim(&below(&n, 500.0), s.more.shape(), &[]);
        let large = prim::gt(&term.abs(), &(1e-17 * sum.abs()));
        Sum { more: &s.more & (early | large) & late, term: keep(&term, &s.term), sum: keep(&sum, &s.sum), turn: n }
    };
    lax::while_loop(|s: &Sum| any(&s.more), step, &init).sum
}

/// E_n(x) for x up to 1: the series, in which term n - 1 has a logarithm.
fn small_integral(here: &Array, n: &Array, x: &Array) -> Array {
    let (n, x) = (put(&!here, 2.0, n), put(&!here, 0.5, x));
    let last = &n - 1.0;
    let part = |m: &Array, term: &Array| {
        let apart = prim::broadcast_in_dim(m, n.shape(), &[]) - &last;
        let same = is(&apart, 0.0);
        put(&same, 0.0, &-(term / put(&same, 1.0, &apart)))
    };
    let one = full(&x, 1.0);
    let at_zero = is(&last, 0.0);
    let first = put(&at_zero, 0.0, &(1.0 / put(&at_zero, 1.0, &last)));
    let sum = summed(here, (&one, &first), |m, term| -(term * &x / m), part);
    // (-x)^(n-1) / (n-1)! (psi(n) - log(x))
    let odd = !is(&prim::rem(&last, &lit(&last, 2.0)), 0.0);
    let power = exp(&(&last * log(&x) - lgamma(&n)));
    sum + pick(&odd, &-&power, &power) * (psi(&n) - log(&x))
}
#[derive(Pytree)]
struct Fraction {
    more: Array,
    turn: Array,
    c: Array,
    d: Array,
    value: Array,
}
/// e^x E_n(x) for x above 1: the continued fraction 1 / (x + n - 1 n / (x + n + 2 - 2 (n+1) / ..)). Of complex x, too.
fn large_integral(here: &Array, n: &Array, x: &Array) -> Array {
    let first = x + n;
    let d = 1.0 / &first;
    let zero = prim::scalar_of(x.dtype(), false, 0.0);
    let init = Fraction { more: here.clone(), turn: zero, c: full(x, 1e290), d: d.clone(), value: d };
    let step = |s: &Fraction| {
        let k = &s.turn + 1.0;
        let (over, under) = (-(&k * (n + (&k - 1.0))), &first + 2.0 * &k);
        let d = 1.0 / (&over * &s.d + &under);
        let c = &under + &over / &s.c;
        let factor = &c * &d;
        let value = &s.value * &factor;
        let keep = |new: &Array, old: &Array| pick(&s.more, new, old);
        let late = prim::broadcast_in_dim(&below(&prim::abs(&k), 2000.0), s.more.shape(), &[]);
        let more = &s.more & above(&prim::abs(&(factor - 1.0)), 1e-16) & late;
        Fraction { more, turn: k, c: keep(&c, &s.c), d: keep(&d, &s.d), value: keep(&value, &s.value) }
    };
    lax::while_loop(|s: &Fraction| any(&s.more), step, &init).value
}
fn integral(x: &[Array]) -> Array {
    let (n, x) = (&x[0], &x[1]);
    let usual = !below(n, 1.0) & above(x, 0.0) & below(x, f64::INFINITY);
    let large = &usual & above(x, 1.0);
    let small = &usual & !&large;
    let (nl, xl) = (put(&!&large, 1.0, n), put(&!&large, 2.0, x));
    let y = pick(&large, &(exp(&-&xl) * large_integral(&large, &nl, &xl)), &small_integral(&small, n, x));
    // E_0, and E_-1, which is its derivative
    let y = pick(&is(n, 0.0), &div(&exp(&-x), x), &y);
    let y = pick(&is(n, -1.0), &(exp(&-x) * (1.0 + 1.0 / x) / x), &y);
    let zero = is(x, 0.0);
    let more = above(n, 1.0);
    let at_zero = pick(&more, &(1.0 / put(&!&more, 1.0, &(n - 1.0))), &full(x, f64::INFINITY));
    let y = put(&is(x, f64::INFINITY), 0.0, &pick(&zero, &at_zero, &y));
    put(&(below(n, -1.0) | below(x, 0.0) | is_nan(x) | prim::ne(n, &prim::floor(n))), f64::NAN, &y)
}
fn principal(x: &[Array]) -> Array {
    let x = &x[0];
    let (negative, far) = (below(x, 0.0), above(x, 40.0));
    let near = above(x, 0.0) & !&far;
    let one = full(x, 1.0);
    let y = put(&!&near, 1.0, x);
    let series = summed(&near, (&one, &full(x, 0.0)), |k, term| term * &y / k, |k, term| term / k);
    let middle = series + log(&y) + EULER;
    // the asymptotic series, up to its least terms
    let y = put(&!&far, 64.0, x);
    let tail = (1..=36).rev().fold(one, |sum, k| 1.0 + sum * k as f64 / &y);
    let value = pick(&far, &(exp(&y) / &y * tail), &middle);
    let value = put(&is(x, f64::INFINITY), f64::INFINITY, &value);
    let mirrored = -integral(&[full(x, 1.0), put(&!&negative, 1.0, &-x)]);
    let value = pick(&negative, &mirrored, &value);
    put(&is_nan(x), f64::NAN, &put(&is(x, 0.0), f64::NEG_INFINITY, &value))
}
/// Sine and cosine integral of a positive number.
fn both_integrals(x: &Array) -> (Array, Array) {
    let small = at_most(x, 4.0);
    let near = put(&!&small, 1.0, x);
    let square = &near * &near;
    let series = |first: f64| {
        // sums of (-1)^k x^n / (n n!) over odd n, and over even n
        let term = (0..24).map(|k| first + 2.0 * k as f64);
        let mut power = if first == 1.0 { near.clone() } else { -0.5 * &square };
        let mut sum = full(x, 0.0);
        for n in term {
            sum += &power / n;
            power = -(&power * &square) / ((n + 1.0) * (n + 2.0))
        }
        sum
    };
    let (si, ci) = (series(1.0), series(2.0) + log(&near) + EULER);
    // E_1 of an imaginary number
    let fine = !&small & below(x, 1e9);
    let far = put(&!&fine, 8.0, x);
    let z = prim::complex(&full(x, 0.0), &far);
    let e = large_integral(&fine, &full(&z, 1.0), &z);
    let (cos, sin) = (prim::cos(&far), prim::sin(&far));
    // e^-ix (re + i im)
    let (re, im) = (prim::real(&e), prim::imag(&e));
    let (ci_far, si_far) = (-(&cos * &re + &sin * &im), PI / 2.0 + &cos * &im - &sin * &re);
    let huge = put(&!above(x, 1e8), 1.0, x);
    let (ci_huge, si_huge) = (prim::sin(&huge) / &huge, PI / 2.0 - prim::cos(&huge) / &huge);
    let endless = is(x, f64::INFINITY);
    let si_far = pick(&fine, &si_far, &put(&endless, PI / 2.0, &si_huge));
    let ci_far = pick(&fine, &ci_far, &put(&endless, 0.0, &ci_huge));
    (pick(&small, &si, &si_far), put(&is(x, 0.0), f64::NEG_INFINITY, &pick(&small, &ci, &ci_far)))
}
/// The dilogarithm of 1 - z for z between 1/2 and 2, by powers of -log(z).
fn near_one(z: &Array) -> Array {
    // B_2k / (2k + 1)!
    const TERMS: [f64; 12] = [
        -5.581785874325009e-21,
        2.395218621026187e-19,
        -1.0356517612181247e-17,
        4.518980029619918e-16,
        -1.9939295860721074e-14,
        8.921691020456452e-13,
        -4.0647616451442256e-11,
        1.8978869988971e-09,
        -9.185773074661964e-08,
        4.72411186696901e-06,
        -0.0002777777777777778,
        0.027777777777777776,
    ];
    let u = -log(z);
    let square = &u * &u;
    &u - 0.25 * &square + polynomial(&TERMS, &square) * square * &u
}
fn dilogarithm(x: &[Array]) -> Array {
    let z = &x[0];
    let inside = above(z, 0.0);
    let safe = put(&!&inside, 1.0, z);
    // above 2 by what is at 1 / z, and below 1/2 by what is at 1 - z
    let high = above(&safe, 2.0);
    let r = pick(&high, &(1.0 / &safe), &safe);
    let low = below(&r, 0.5);
    let y = near_one(&pick(&low, &(1.0 - &r), &r));
    let y = pick(&low, &(PI * PI / 6.0 - log(&r) * prim::log1p(&-put(&!&low, 0.25, &r)) - &y), &y);
    let l = log(&safe);
    let y = pick(&high, &(-0.5 * &l * &l - &y), &y);
    put(&(below(z, 0.0) | is_nan(z)), f64::NAN, &put(&is(z, 0.0), PI * PI / 6.0, &y))
}

special! {
    /// The exponential integral E_n(x), the integral of e^(-x t) / t^n from 1 to infinity; n is an integer, to which there is no derivative. As `jax.scipy.special.expn`.
    expn(n, x) in Float64, integral, [Slope::Zero, Slope::Of(|x, _| -expn(&(x[0] - 1.0), x[1]))], of ("2.0", "1.0") is "0.14849551";
    /// The exponential integral E_1(x). As `jax.scipy.special.exp1`.
    exp1(x) in Float64, |x| integral(&[full(&x[0], 1.0), x[0].clone()]), [Slope::Of(|x, _| -div(&exp(&-x[0]), x[0]))], of ("1.0") is "0.21938394";
    /// The exponential integral Ei(x), the principal value of the integral of e^t / t up to x. As `jax.scipy.special.expi`.
    expi(x) in Float64, principal, [Slope::Of(|x, _| div(&exp(x[0]), x[0]))], of ("1.0") is "1.8951178";
    /// Spence's function: the dilogarithm of 1 - z, the integral of log(t) / (1 - t) from 1 to z. As `jax.scipy.special.spence`.
    spence(z) in Float64, dilogarithm, [Slope::Of(|z, _| widened(z, |z| {
        let one = is(&z[0], 1.0);
        put(&one, -1.0, &(log(&z[0]) / put(&one, 1.0, &(1.0 - &z[0]))))
    }))], of ("0.5") is "0.5822405";
    /// The sine integral, the integral of sin(t) / t from 0 to x: the first result of `jax.scipy.special.sici`.
    si(x) in Float64, |x| prim::sign(&x[0]) * both_integrals(&x[0].abs()).0, [Slope::Of(|x, _| {
        let zero = is(x[0], 0.0);
        put(&zero, 1.0, &(prim::sin(x[0]) / put(&zero, 1.0, x[0])))
    })], of ("1.0") is "0.94608307";
    /// The cosine integral of |x|, the integral of cos(t) / t from infinity to it; NaN of minus infinity: the second result of `jax.scipy.special.sici`.
    ci(x) in Float64, |x| put(&is(&x[0], f64::NEG_INFINITY), f64::NAN, &both_integrals(&x[0].abs()).1),
        [Slope::Of(|x, _| prim::cos(x[0]) / x[0])], of ("1.0") is "0.33740392";
}
