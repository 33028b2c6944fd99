//! The gamma function and its relatives: logarithms, derivatives, beta functions, zeta functions, factorials.

use super::function::{Row, Slope, apply, real, together};
use super::*;
use crate::DType;
use crate::prim::polygamma::CORRECTIONS;
use crate::prim::{digamma as psi, exp, lgamma, log, mul};
use std::f64::consts::PI;

/// The logarithm of the absolute value of the gamma function. As `jax.scipy.special.gammaln`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::gammaln(&array(5.0)).to_string(), "3.1780539");
/// ```
#[track_caller]
pub fn gammaln(x: &Array) -> Array {
    lgamma(&real("gammaln", x))
}
/// The logarithm of the gamma function; NaN where x is not positive. As `jax.scipy.special.loggamma` of real numbers.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert!(special::loggamma(&array(-0.5)).to_f64().is_nan());
/// ```
#[track_caller]
pub fn loggamma(x: &Array) -> Array {
    let x = real("loggamma", x);
    put(&!above(&x, 0.0), f64::NAN, &lgamma(&x))
}
/// The derivative of [`gammaln`]. As `jax.scipy.special.digamma`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::digamma(&array(1.0)).to_string(), "-0.5772157");
/// ```
#[track_caller]
pub fn digamma(x: &Array) -> Array {
    psi(&real("digamma", x))
}
/// The sign of the gamma function: NaN at its poles, but of 0 that of the zero. As `jax.scipy.special.gammasgn`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::gammasgn(&array![-0.5, 0.5]).to_string(), "[-1.  1.]");
/// ```
#[track_caller]
pub fn gammasgn(x: &Array) -> Array {
    let x = real("gammasgn", x);
    let floor = prim::floor(&x);
    let negative = below(&x, 0.0);
    let zero = is(&x, 0.0) & below(&(1.0 / &x), 0.0);
    let odd = !is(&prim::rem(&floor, &lit(&floor, 2.0)), 0.0);
    let y = put(&((&negative & odd) | zero), -1.0, &full(&x, 1.0));
    put(&((negative & prim::eq(&x, &floor)) | is_nan(&x)), f64::NAN, &y)
}
/// The gamma function. As `jax.scipy.special.gamma` of real numbers.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::gamma(&array(0.5)).to_string(), "1.7724538");
/// ```
#[track_caller]
pub fn gamma(x: &Array) -> Array {
    let x = real("gamma", x);
    gammasgn(&x) * exp(&lgamma(&x))
}
/// 1 2 .. n, that is the gamma function of n + 1; 0 of negative numbers. As `jax.scipy.special.factorial`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert!((special::factorial(&array(4.0f64)).to_f64() - 24.0).abs() < 1e-9);
/// ```
#[track_caller]
pub fn factorial(n: &Array) -> Array {
    let n = real("factorial", n);
    put(&below(&n, 0.0), 0.0, &exp(&lgamma(&(&n + 1.0))))
}
/// In how many ways k of n things can be chosen; 0 where k is negative or greater than n. As `jax.scipy.special.comb`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert!((special::comb(&array(5.0f64), &array(2.0f64)).to_f64() - 10.0).abs() < 1e-12);
/// ```
#[track_caller]
pub fn comb(n: &Array, k: &Array) -> Array {
    let x = together("comb", &[n, k]);
    let fits = prim::le(&x[1], &x[0]) & !below(&x[0], 0.0) & !below(&x[1], 0.0);
    let (n, k) = (put(&!&fits, 0.0, &x[0]), put(&!&fits, 0.0, &x[1]));
    put(&!fits, 0.0, &exp(&(lgamma(&(&n + 1.0)) - lgamma(&(&k + 1.0)) - lgamma(&(&n + 1.0 - &k)))))
}
/// The beta function. As `jax.scipy.special.beta`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::beta(&array(2.0), &array(3.0)).to_string(), "0.08333333");
/// ```
#[track_caller]
pub fn beta(a: &Array, b: &Array) -> Array {
    let x = together("beta", &[a, b]);
    gammasgn(&x[0]) * gammasgn(&x[1]) * gammasgn(&(&x[0] + &x[1])) * exp(&betaln(&x[0], &x[1]))
}
/// The multivariate gamma function's logarithm, of `d` dimensions. As `jax.scipy.special.multigammaln`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::multigammaln(&array(3.0), 1).to_string(), special::gammaln(&array(3.0)).to_string());
/// ```
#[track_caller]
pub fn multigammaln(a: &Array, d: usize) -> Array {
    let a = real("multigammaln", a);
    let n = d as f64;
    let first = full(&a, 0.25 * n * (n - 1.0) * PI.ln());
    (0..d).fold(first, |sum, k| sum + lgamma(&(&a - k as f64 / 2.0)))
}
/// The Bernoulli numbers B_0 to B_n, as float32. As `jax.scipy.special.bernoulli`.
///
/// ```
/// use cotangent::special;
/// assert_eq!(special::bernoulli(3).to_string(), "[ 1.         -0.5         0.16666667  0.        ]");
/// ```
pub fn bernoulli(n: usize) -> Array {
    // B_2k = (-1)^(k+1) 2 (2k)! zeta(2k) / (2 pi)^2k, factor by factor
    let mut all = vec![1.0f32, -0.5];
    let mut scale = -2.0f64;
    for m in 2..=n {
        if m % 2 == 1 {
            all.push(0.0);
            continue;
        }
        scale *= -(m as f64) * (m - 1) as f64 / (2.0 * PI).powi(2);
        // the sum up to 60, and what follows it by Euler and Maclaurin's formula
        let (n, power) = (60.0, |k: f64| k.powi(-(m as i32)));
        let head: f64 = (1..60).rev().map(|k| power(k as f64)).sum();
        let m = m as f64;
        let zeta = head + power(n) * (n / (m - 1.0) + 0.5 + m / (12.0 * n));
        all.push((scale * zeta) as f32)
    }
    all.truncate(n + 1);
    crate::array(all)
}

/// What Stirling's series adds to its first terms: log gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2, for x of at least 8.
pub(super) fn stirling(x: &Array) -> Array {
    const TERMS: [f64; 7] =
        [1.0 / 156.0, -691.0 / 360360.0, 1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    let r = 1.0 / x;
    polynomial(&TERMS, &(&r * &r)) * r
}
fn log_beta(x: &[Array]) -> Array {
    let (a, b) = (prim::min(&x[0], &x[1]), prim::max(&x[0], &x[1]));
    let sum = &a + &b;
    let small = lgamma(&a) + (lgamma(&b) - lgamma(&sum));
    // of a large number the difference, and not two large numbers
    let large = above(&b, 8.0);
    let (b, sum) = (put(&!&large, 8.0, &b), put(&!&large, 16.0, &sum));
    let difference = stirling(&b) - stirling(&sum) + &a - (&b - 0.5) * prim::log1p(&(&a / &b)) - &a * log(&sum);
    pick(&large, &(lgamma(&a) + difference), &small)
}

/// The terms of the sum that stand before the integral.
const HEAD: f64 = 10.0;
/// The sum over k of (q + k)^-s, for s > 1, by Euler and Maclaurin's formula: the first terms, the integral of the rest, and corrections.
fn zeta_sum(s: &Array, q: &Array) -> Array {
    let power = |x: &Array, s: &Array| prim::pow(x, &-s);
    // more terms where q is negative; their number has no derivative
    let terms = prim::stop_gradient(&(prim::ceil(&prim::max(&-q, &full(q, 0.0))) + HEAD));
    let more = |c: &(Array, Array)| any(&prim::lt(&prim::broadcast_in_dim(&c.0, terms.shape(), &[]), &terms));
    let term = |c: &(Array, Array)| {
        let k = prim::broadcast_in_dim(&c.0, q.shape(), &[]);
        let there = prim::lt(&k, &terms);
        // behind the last term another base, whose power is finite
        let term = power(&pick(&there, &(q + &k), &full(q, 1.0)), s);
        (&c.0 + 1.0, &c.1 + put(&!there, 0.0, &term))
    };
    let zero = prim::scalar_of(q.dtype(), false, 0.0);
    let (_, sum) = crate::lax::while_loop(more, term, &(zero, full(q, 0.0)));
    let a = q + &terms;
    let last = power(&a, s);
    let mut sum = sum + &last * &a / (s - 1.0) + 0.5 * &last;
    let (mut rising, mut factor) = (s.clone(), &last / &a);
    for (j, c) in CORRECTIONS.iter().enumerate() {
        // s (s+1) .. (s+2j) a^(-s-2j-1) B_2j+2 / (2j+2)!
        if j > 0 {
            let k = 2.0 * j as f64;
            rising = rising * (s + (k - 1.0)) * (s + k);
            factor /= &a * &a
        }
        sum += &rising * &factor / *c
    }
    sum
}
fn zeta_value(x: &[Array]) -> Array {
    let (s, q) = (&x[0], &x[1]);
    let usual = above(s, 1.0);
    let pole = at_most(q, 0.0) & prim::eq(q, &prim::floor(q));
    let fine = &usual & !&pole;
    let y = zeta_sum(&put(&!&fine, 2.0, s), &put(&!&fine, 1.0, q));
    let even = is(&prim::rem(s, &lit(s, 2.0)), 0.0);
    let y = pick(&(&usual & pole), &put(&!even, f64::NAN, &full(s, f64::INFINITY)), &y);
    // far out, the first term is all there is
    let y = put(&(&usual & is(s, f64::INFINITY)), f64::NAN, &y);
    put(&is(s, 1.0), f64::INFINITY, &put(&!(usual | is(s, 1.0)), f64::NAN, &y))
}
fn polygamma_value(x: &[Array]) -> Array {
    let (n, x) = (&x[0], &x[1]);
    let sign = put(&is(&prim::rem(n, &lit(n, 2.0)), 0.0), -1.0, &full(n, 1.0));
    let y = sign * exp(&lgamma(&(n + 1.0))) * zeta_value(&[n + 1.0, x.clone()]);
    let y = pick(&is(n, 0.0), &psi(x), &y);
    put(&(below(n, 0.0) | prim::ne(n, &prim::floor(n))), f64::NAN, &y)
}
/// A composition of one operand, and its derivative.
pub(super) fn pushed(f: impl Fn(&Array) -> Array + Send + Sync, x: &Array) -> (Array, Array) {
    crate::jvp(|x: &Array| f(x), (x,), (&full(x, 1.0),))
}
fn wide(x: &Array) -> Array {
    prim::convert_element_type(x, DType::Float64, x.weak_type())
}
/// A derivative that is computed in float64.
pub(super) fn widened(x: &[&Array], f: impl Fn(&[Array]) -> Array) -> Array {
    let y = f(&x.iter().map(|x| wide(x)).collect::<Vec<_>>());
    prim::convert_element_type(&y, x[0].dtype(), y.weak_type())
}

special! {
    /// The logarithm of the [beta function](beta()), also of large numbers. As `jax.scipy.special.betaln`.
    betaln(a, b) in Float64, log_beta,
        [Slope::Of(|x, _| psi(x[0]) - psi(&(x[0] + x[1]))), Slope::Of(|x, _| psi(x[1]) - psi(&(x[0] + x[1])))],
        of ("2.0", "3.0") is "-2.4849067";
    /// The Hurwitz zeta function: the sum over k of (q + k)^-s. As `jax.scipy.special.zeta`.
    zeta(s, q) in Float64, zeta_value, [
        Slope::Of(|x, _| widened(x, |x| pushed(|s| zeta_value(&[s.clone(), x[1].clone()]), &x[0]).1)),
        Slope::Of(|x, _| -x[0] * zeta(&(x[0] + 1.0), x[1]))
    ], of ("2.0", "1.0") is "1.644934";
    /// The derivative of order n of [`digamma`], for n that are integers. As `jax.scipy.special.polygamma`.
    polygamma(n, x) in Float64, polygamma_value,
        [Slope::Missing("the order of a derivative is no quantity"), Slope::Of(|x, _| polygamma(&(x[0] + 1.0), x[1]))],
        of ("1.0", "1.0") is "1.644934";
    /// The Pochhammer symbol gamma(z + m) / gamma(z). As `jax.scipy.special.poch`.
    poch(z, m), |x| put(&is(&x[1], 0.0), 1.0, &(gamma(&(&x[0] + &x[1])) / gamma(&x[0]))), [
        Slope::Of(|x, y| mul(y, &(psi(&(x[0] + x[1])) - psi(x[0])))),
        Slope::Of(|x, y| mul(y, &psi(&(x[0] + x[1]))))
    ], of ("3.0", "2.0") is "12.0";
}
