//! The derivative of a number of the gamma distribution by the distribution's parameter, at a fixed quantile.

use crate::array::{Array, promote_pair};
use crate::dtype::DType;
use crate::lax::while_loop;
use crate::np;
use crate::prim::{self, lit, select_n};

/// The derivative of x by a at a fixed quantile: if x is drawn from the gamma distribution with parameter a and u = P(a, x) is its place in it, how x moves with a
/// while u stays, which is -(dP/da) / (dP/dx). It is computed in float64 from the series of P, or from the continued fraction of 1 - P where x is greater than 1
/// and a. NaN if a is not positive or x is negative. As `jax.lax.random_gamma_grad`; here it is differentiable in turn.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// // of the exponential distribution, a = 1, in its middle
/// let slope = lax::random_gamma_grad(&array(1.), &array(2f64.ln()));
/// assert!((slope.to_f64() - 0.96805).abs() < 1e-4);
/// ```
///
/// # Panics
/// If the arrays do not broadcast, or are not real.
#[track_caller]
pub fn random_gamma_grad(a: &Array, x: &Array) -> Array {
    let inexact = |x: &Array| np::to_inexact("random_gamma_grad", x);
    let (a, x) = promote_pair("random_gamma_grad", &inexact(a), &inexact(x));
    let shape = crate::array::broadcast_shapes(&[a.shape(), x.shape()]).expect("shapes that broadcast");
    let wide = |x: &Array| np::broadcast_to(&prim::convert_element_type(x, DType::Float64, false), &shape);
    // as many terms as the result shows
    let eps = if a.dtype() == DType::Float64 { 1e-17 } else { 1e-10 };
    let (t, weak) = (a.dtype(), a.weak_type() && x.weak_type());
    let (a, x) = (wide(&a), wide(&x));
    let num = |v: f64| np::broadcast_to(&lit(&a, v), &shape);
    let positive = prim::and(&prim::gt(&a, &num(0.0)), &prim::gt(&x, &num(0.0)));
    let behind = prim::and(&prim::gt(&x, &num(1.0)), &prim::gt(&x, &a));
    // each form sees only what it is for, and something harmless in the other places
    let by_series = prim::and(&positive, &prim::not(&behind));
    let by_fraction = prim::and(&positive, &behind);
    let seen = |mask: &Array, x: &Array, else_: f64| select_n(mask, &[&num(else_), x]);
    let y = series(&seen(&by_series, &a, 1.0), &seen(&by_series, &x, 0.5), eps);
    let z = fraction(&seen(&by_fraction, &a, 1.0), &seen(&by_fraction, &x, 2.0), eps);
    let y = select_n(&behind, &[&y, &z]);
    let zero = prim::and(&prim::gt(&a, &num(0.0)), &prim::eq(&x, &num(0.0)));
    let y = select_n(&positive, &[&select_n(&zero, &[&num(f64::NAN), &num(0.0)]), &y]);
    prim::convert_element_type(&y, t, weak)
}

/// No loop is longer: enough for any a up to a million.
const TURNS: f64 = 20000.0;

fn any(x: &Array) -> Array {
    prim::reduce_or(x, &(0..x.ndim()).collect::<Vec<_>>())
}
/// Does one of them still move, and may it?
fn goes_on(turn: &Array, moves: &Array) -> Array {
    prim::and(&any(moves), &prim::lt(turn, &lit(turn, TURNS)))
}

/// With S = 1 + x/(a+1) + x^2/((a+1)(a+2)) + .. and P = x^a e^-x S / Gamma(a+1).
fn series(a: &Array, x: &Array, eps: f64) -> Array {
    let (one, zero) = (lit(a, 1.0), lit(a, 0.0));
    let full = |v: &Array| np::broadcast_to(v, a.shape());
    // turn, term and its derivative by a, sum and its derivative
    type State = (Array, Array, Array, Array, Array);
    let moves = |(n, c, dc, s, ds): &State| {
        let size = s + prim::abs(ds);
        goes_on(n, &prim::or(&prim::gt(c, &(s * eps)), &prim::gt(&prim::abs(dc), &(size * eps))))
    };
    let next = |(n, c, dc, s, ds): &State| {
        let n = n + 1.0;
        let below = a + &n;
        let ratio = x / &below;
        let dc = (dc - c / below) * &ratio;
        let c = c * ratio;
        let (s, ds) = (s + &c, ds + &dc);
        (n, c, dc, s, ds)
    };
    let start = (zero.clone(), full(&one), full(&zero), full(&one), full(&zero));
    let (_, _, _, s, ds) = while_loop(moves, next, &start);
    prim::neg(&(x / a * ((prim::log(x) - prim::digamma(&(a + 1.0))) * s + ds)))
}

/// With the continued fraction F = 1/(x+1-a - (1-a)/(x+3-a - ..)) and 1 - P = x^a e^-x F / Gamma(a).
fn fraction(a: &Array, x: &Array, eps: f64) -> Array {
    let zero = lit(a, 0.0);
    let full = |v: f64| np::broadcast_to(&lit(a, v), a.shape());
    // turn, the fraction and its derivative, whether they move; numerators and denominators of the last two convergents, then their derivatives
    type State = (Array, (Array, Array, Array), [Array; 4], [Array; 4]);
    let moves = |(n, (_, _, still), ..): &State| goes_on(n, still);
    let next = |(n, (f, df, _), [p2, q2, p1, q1], [dp2, dq2, dp1, dq1]): &State| {
        let n = n + 1.0;
        // the partial numerator and denominator of this turn; their derivatives are -n and -1
        let top = (&n + 1.0 - a) * &n;
        let bottom = x + (&n * 2.0 + 2.0) - a;
        let step = |p2: &Array, p1: &Array| p1 * &bottom - p2 * &top;
        let slope = |p2: &Array, p1: &Array, dp2: &Array, dp1: &Array| step(dp2, dp1) - p1 + p2 * &n;
        let (p, q) = (step(p2, p1), step(q2, q1));
        let (dp, dq) = (slope(p2, p1, dp2, dp1), slope(q2, q1, dq2, dq1));
        let now = &p / &q;
        let slope = (&dp - &now * &dq) / &q;
        let far = |x: &Array, y: &Array, size: &Array| prim::gt(&prim::abs(&(x - y)), &(size * eps));
        let still = prim::or(&far(&now, f, &now), &far(&slope, df, &(prim::abs(&slope) + &now)));
        // only ratios count
        let large = prim::gt(&prim::abs(&q), &full(2f64.powi(60)));
        let scale = select_n(&large, &[&full(1.0), &full(2f64.powi(-60))]);
        let all = [p1, q1, &p, &q].map(|x| x * &scale);
        let slopes = [dp1, dq1, &dp, &dq].map(|x| x * &scale);
        (n, (now, slope, still), all, slopes)
    };
    let bottom = x + 2.0 - a;
    let (p1, q1) = (x + 1.0, &bottom * x);
    let (f, df) = (&p1 / &q1, &p1 * x / (&q1 * &q1));
    let still = prim::gt(&full(1.0), &full(0.0));
    let start = (zero, (f, df, still), [full(1.0), x.clone(), p1, q1], [full(0.0), full(0.0), full(0.0), prim::neg(x)]);
    let (_, (f, df, _), ..) = while_loop(moves, next, &start);
    x * ((prim::log(x) - prim::digamma(a)) * f + df)
}
