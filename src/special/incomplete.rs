//! The incomplete gamma and beta functions: series and continued fractions.

use super::function::{Row, Slope, apply};
use super::gamma::{pushed, stirling, widened};
use super::*;
use crate::prim::{digamma as psi, exp, lgamma, log, log1p};
use crate::{DType, Pytree, lax};
use std::f64::consts::PI;

/// A change that counts as none, relative to the value, and to its derivative.
const SMALL: f64 = 2.5e-16;
const SMALL_SLOPE: f64 = 1e-15;
/// What stands for 0 in a denominator of a continued fraction (Lentz's algorithm, as modified by Thompson and Barnett, 1986).
const TINY: f64 = 1e-290;
/// After so many turns what has not converged is given up as it is.
const TURNS: f64 = 20000.0;

/// The logarithm of x^a e^-x / gamma(a).
fn log_weight(a: &Array, x: &Array) -> Array {
    let small = a * log(x) - x - lgamma(a);
    // of a large number the difference, and not large numbers
    let large = above(a, 20.0);
    let (big, there) = (put(&!&large, 32.0, a), put(&!&large, 32.0, x));
    let by = (&there - &big) / &big;
    let off = below(&by.abs(), 0.5);
    let spread = pick(&off, &(log1p(&put(&!&off, 0.0, &by)) - &by), &(log(&(&there / &big)) - &by));
    let stirling = &big * spread + 0.5 * log(&(&big / (2.0 * PI))) - stirling(&big);
    pick(&large, &stirling, &small)
}

#[derive(Pytree)]
struct Walk {
    more: Array,
    turn: Array,
    at: Vec<Array>,
    slope: Vec<Array>,
}
/// What a sum or a fraction converges to, and its derivative by the operand `p` if it is asked for. `begin` and `step` make its variables, of which the last is the value; `step` gets the number of
/// the turn, from 1 on. Elements that do not take part keep what they begin with.
///
/// The derivative converges by itself: a fraction that ends has a value after a few turns, but neighbours that do not end.
pub(super) fn converged(
    here: &Array,
    p: &Array,
    slope: bool,
    begin: impl Fn(&Array) -> Vec<Array> + Send + Sync,
    step: impl Fn(&[Array], &Array, &Array) -> Vec<Array> + Send + Sync,
) -> (Array, Array) {
    let one = full(p, 1.0);
    let (at, moved) = match slope {
        false => (begin(p), vec![]),
        true => crate::jvp(|p: &Array| begin(p), (p,), (&one,)),
    };
    let zero = prim::scalar_of(p.dtype(), false, 0.0);
    let init = Walk { more: here.clone(), turn: zero, at, slope: moved };
    let last = |x: &[Array]| x.last().expect("a value").clone();
    let turn = |s: &Walk| {
        let n = &s.turn + 1.0;
        let (at, moved) = match slope {
            false => (step(&s.at, &n, p), vec![]),
            true => crate::jvp(|at: &Vec<Array>, p: &Array| step(at, &n, p), (&s.at, p), (&s.slope, &one)),
        };
        let changes = |new: &[Array], old: &[Array], part: f64| {
            let (new, old) = (last(new), last(old));
            prim::gt(&(&new - old).abs(), &(part * new.abs()))
        };
        let mut more = changes(&at, &s.at, SMALL);
        if slope {
            more = more | changes(&moved, &s.slope, SMALL_SLOPE) | below(&broadcast(&n, p), 4.0)
        }
        let more = &s.more & more & below(&broadcast(&n, p), TURNS);
        let keep =
            |new: &[Array], old: &[Array]| new.iter().zip(old).map(|(new, old)| pick(&s.more, new, old)).collect();
        Walk { more, at: keep(&at, &s.at), slope: keep(&moved, &s.slope), turn: n }
    };
    let end = lax::while_loop(|s: &Walk| any(&s.more), turn, &init);
    let slope = if slope { last(&end.slope) } else { full(p, 0.0) };
    (last(&end.at), slope)
}
fn broadcast(n: &Array, like: &Array) -> Array {
    prim::broadcast_in_dim(n, like.shape(), &[])
}
/// The sum over n of x^n / (a (a+1) .. (a+n)): the lower function without its weight. For x up to about a.
fn series(here: &Array, a: &Array, x: &Array, slope: bool) -> (Array, Array) {
    let (a, x) = (put(&!here, 1.0, a), put(&!here, 0.0, x));
    let begin = |a: &Array| vec![1.0 / a, 1.0 / a];
    converged(here, &a, slope, begin, |at, n, a| {
        let term = &at[0] * &x / (a + n);
        vec![term.clone(), &at[1] + term]
    })
}
/// The variables c, d and value of a continued fraction 1 / (first + ..) by Lentz's algorithm.
fn first_of_fraction(first: &Array) -> Vec<Array> {
    let d = 1.0 / apart(first);
    vec![full(first, 1.0 / TINY), d.clone(), d]
}
/// What stands in a denominator.
fn apart(x: &Array) -> Array {
    put(&below(&x.abs(), TINY), TINY, x)
}
/// One more part of it.
fn onwards(at: &[Array], over: &Array, under: &Array) -> Vec<Array> {
    let (d, c) = (1.0 / apart(&(over * &at[1] + under)), apart(&(under + over / &at[0])));
    let value = &at[2] * (&c * &d);
    vec![c, d, value]
}
/// The upper incomplete gamma function without its weight, for x that are greater than a and 1.
fn upper(here: &Array, a: &Array, x: &Array, slope: bool) -> (Array, Array) {
    let (a, x) = (put(&!here, 1.0, a), put(&!here, 2.0, x));
    let first = |a: &Array| &x + 1.0 - a;
    converged(
        here,
        &a,
        slope,
        |a| first_of_fraction(&first(a)),
        |at, n, a| onwards(at, &-(n * (n - a)), &(first(a) + 2.0 * n)),
    )
}

/// Where the functions are in the middle of their domain, and there where the upper one is computed.
struct Regions {
    inside: Array,
    up: Array,
    wrong: Array,
}
fn regions(a: &Array, x: &Array) -> Regions {
    let wrong = is_nan(a) | is_nan(x) | below(a, 0.0) | below(x, 0.0) | (is(a, 0.0) & is(x, 0.0));
    let inside = above(a, 0.0) & above(x, 0.0) & below(x, f64::INFINITY) & below(a, f64::INFINITY);
    Regions { up: &inside & !below(x, 1.0) & prim::gt(x, a), inside, wrong }
}
/// Either of the two functions: whether it is the upper one, what it is in the middle, and beyond.
fn incomplete(x: &[Array], wanted_upper: bool) -> Array {
    let (a, x) = (&x[0], &x[1]);
    let r = regions(a, x);
    let (ai, xi) = (put(&!&r.inside, 1.0, a), put(&!&r.inside, 1.0, x));
    let weight = exp(&log_weight(&ai, &xi));
    let down = &r.inside & !&r.up;
    let (low, high) = (&weight * series(&down, &ai, &xi, false).0, &weight * upper(&r.up, &ai, &xi, false).0);
    let inside = if wanted_upper { pick(&r.up, &high, &(1.0 - &low)) } else { pick(&r.up, &(1.0 - &high), &low) };
    // all of the mass lies below x, or above it
    let all_below = is(a, 0.0) | is(x, f64::INFINITY);
    let (full_at, none) = if wanted_upper { (0.0, 1.0) } else { (1.0, 0.0) };
    let edge = put(&all_below, full_at, &full(a, none));
    put(&r.wrong, f64::NAN, &pick(&r.inside, &inside, &edge))
}
/// The derivatives of series and fraction by a, and the functions themselves, without the weight; each with the derivative of the weight's logarithm.
fn grad_parts(a: &Array, x: &Array) -> (Regions, Array, Array) {
    let r = regions(a, x);
    let (ai, xi) = (put(&!&r.inside, 1.0, a), put(&!&r.inside, 1.0, x));
    let by_weight = log(&xi) - psi(&ai);
    let down = &r.inside & !&r.up;
    let of = |(y, dy): (Array, Array)| dy + y * &by_weight;
    let low = of(series(&down, &ai, &xi, true));
    let high = of(upper(&r.up, &ai, &xi, true));
    (r, low, high)
}
fn grad_a(x: &[Array]) -> Array {
    let (a, x) = (&x[0], &x[1]);
    let (r, low, high) = grad_parts(a, x);
    let (ai, xi) = (put(&!&r.inside, 1.0, a), put(&!&r.inside, 1.0, x));
    let y = exp(&log_weight(&ai, &xi)) * pick(&r.up, &-high, &low);
    put(&(r.wrong | at_most(a, 0.0)), f64::NAN, &put(&!r.inside, 0.0, &y))
}
fn sample_grad(x: &[Array]) -> Array {
    let (a, x) = (&x[0], &x[1]);
    let (r, low, high) = grad_parts(a, x);
    // the derivative of the distribution divided by its density, which is the weight divided by x
    let y = x * pick(&r.up, &high, &-low);
    put(&(r.wrong | at_most(a, 0.0)), f64::NAN, &put(&!r.inside, 0.0, &y))
}
fn density(a: &Array, x: &Array) -> Array {
    exp(&((a - 1.0) * log(x) - x - lgamma(a)))
}

/// The incomplete beta function, or its derivative by a or b.
fn beta_part(x: &[Array], by: Option<usize>) -> Array {
    let (a, b, x) = (&x[0], &x[1], &x[2]);
    let nan = is_nan(a) | is_nan(b) | is_nan(x);
    let (a0, b0) = (is(a, 0.0) | is(b, f64::INFINITY), is(b, 0.0) | is(a, f64::INFINITY));
    let wrong = nan | below(a, 0.0) | below(b, 0.0) | below(x, 0.0) | above(x, 1.0) | (&a0 & &b0);
    let (zero, one) = (is(x, 0.0), is(x, 1.0));
    let inside = !(&wrong | &a0 | &b0 | &zero | &one);
    let safe = |v: f64, x: &Array| put(&!&inside, v, x);
    let (a, b, x) = (safe(1.0, a), safe(1.0, b), safe(0.5, x));
    // the fraction converges below the mean; above it, that of the other side does
    let direct = prim::lt(&x, &((&a + 1.0) / (&a + &b + 2.0)));
    let (x, rest) = (pick(&direct, &x, &(1.0 - &x)), pick(&direct, &(1.0 - &x), &x));
    // the first and the second operand there, with the one that moves; p is that one here
    let sides = |p: &Array| {
        let (a, b) = (if by == Some(0) { p } else { &a }, if by == Some(1) { p } else { &b });
        (pick(&direct, a, b), pick(&direct, b, a))
    };
    let p = if by == Some(1) { &b } else { &a };
    let ones = full(p, 1.0);
    let step = |at: &[Array], n: &Array, p: &Array| {
        let (a, b) = sides(p);
        let m = n - 1.0;
        let up = &a + 2.0 * &m;
        let odd = -((&a + &m) * (&a + &b + &m) * &x / (&up * (&up + 1.0)));
        let down = &a + 2.0 * n;
        let even = n * (&b - n) * &x / ((&down - 1.0) * &down);
        onwards(&onwards(at, &odd, &ones), &even, &ones)
    };
    let (y, dy) = converged(&inside, p, by.is_some(), |_| first_of_fraction(&ones), step);
    let log_weight = |p: &Array| {
        let (a, b) = sides(p);
        &a * log(&x) + &b * log(&rest) - betaln(&a, &b) - log(&a)
    };
    if by.is_some() {
        let (w, dw) = pushed(log_weight, p);
        let d = exp(&w) * (dy + y * dw);
        let d = pick(&direct, &d, &-&d);
        return put(&wrong, f64::NAN, &put(&!inside, 0.0, &d));
    }
    let y = exp(&log_weight(p)) * y;
    let y = pick(&direct, &y, &(1.0 - &y));
    let y = put(&((&b0 & !&one) | (&zero & !&a0)), 0.0, &y);
    let y = put(&((&a0 & !&zero) | (&one & !&b0)), 1.0, &put(&(&a0 & &zero), 0.0, &put(&(&b0 & &one), 1.0, &y)));
    put(&wrong, f64::NAN, &y)
}

/// The derivative of a composition by one of its operands.
fn by(x: &[&Array], k: usize, f: fn(&[Array]) -> Array) -> Array {
    let moved = |x: &[Array]| {
        let at =
            |p: &Array| f(&(0..x.len()).map(|i| if i == k { p.clone() } else { x[i].clone() }).collect::<Vec<_>>());
        pushed(at, &x[k]).1
    };
    widened(x, moved)
}
const NO_SECOND_BETA: &str =
    "there is no rule for the second derivative of the incomplete beta function with respect to its parameters";

special! {
    /// The lower incomplete gamma function, divided by the gamma function: the distribution function of the gamma distribution. As `jax.scipy.special.gammainc`.
    gammainc(a, x) in Float64, |x| incomplete(x, false),
        [Slope::Of(|x, _| gammainc_grad_a(x[0], x[1])), Slope::Of(|x, _| widened(x, |x| density(&x[0], &x[1])))],
        of ("2.0", "1.0") is "0.26424113";
    /// The upper incomplete gamma function, divided by the gamma function. As `jax.scipy.special.gammaincc`.
    gammaincc(a, x) in Float64, |x| incomplete(x, true),
        [Slope::Of(|x, _| -gammainc_grad_a(x[0], x[1])), Slope::Of(|x, _| -widened(x, |x| density(&x[0], &x[1])))],
        of ("2.0", "1.0") is "0.7357589";
    /// The derivative of [`gammainc`] with respect to a. As `jax.lax.igamma_grad_a`; here it is differentiable in turn.
    gammainc_grad_a(a, x) in Float64, grad_a, [
        Slope::Of(|x, _| by(x, 0, grad_a)),
        // that of the density
        Slope::Of(|x, _| widened(x, |x| density(&x[0], &x[1]) * (log(&x[1]) - psi(&x[0]))))
    ], of ("2.0", "1.0") is "-0.27619603";
    /// How a sample x of the gamma distribution moves with a, if its place in the distribution is kept: with u = P(a, x) it is -(dP/da) / (dP/dx). NaN if a is not positive or x is negative. As
    /// `jax.lax.random_gamma_grad`; here it is differentiable in turn.
    random_gamma_grad(a, x) in Float64, sample_grad, [
        Slope::Of(|x, _| by(x, 0, sample_grad)),
        Slope::Of(|x, _| by(x, 1, sample_grad))
    ], of ("2.0", "1.0") is "0.7507787";
    /// The incomplete beta function, divided by the beta function: the distribution function of the beta distribution. As `jax.scipy.special.betainc`; JAX has no derivative with respect to
    /// a and b.
    betainc(a, b, x) in Float64, |x| beta_part(x, None), [
        Slope::Of(|x, _| betainc_grad_a(x[0], x[1], x[2])),
        Slope::Of(|x, _| betainc_grad_b(x[0], x[1], x[2])),
        Slope::Of(|x, _| widened(x, |x| {
            let (a, b, x) = (&x[0], &x[1], &x[2]);
            exp(&((b - 1.0) * log1p(&-x) + (a - 1.0) * log(x) - betaln(a, b)))
        }))
    ], of ("2.0", "3.0", "0.5") is "0.6875";
    /// The derivative of [`betainc`] with respect to a.
    betainc_grad_a(a, b, x) in Float64, |x| beta_part(x, Some(0)), [
        Slope::Missing(NO_SECOND_BETA), Slope::Missing(NO_SECOND_BETA), Slope::Missing(NO_SECOND_BETA)
    ], of ("1.0", "1.0", "0.5") is "-0.3465736";
    /// The derivative of [`betainc`] with respect to b.
    betainc_grad_b(a, b, x) in Float64, |x| beta_part(x, Some(1)), [
        Slope::Missing(NO_SECOND_BETA), Slope::Missing(NO_SECOND_BETA), Slope::Missing(NO_SECOND_BETA)
    ], of ("1.0", "1.0", "0.5") is "0.3465736";
}
