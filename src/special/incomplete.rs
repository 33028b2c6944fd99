//! The incomplete gamma and beta functions: series and continued fractions.

use super::function::{Row, Slope, apply};
use super::gamma::{pushed, stirling, widened};
use super::*;
use crate::prim::{digamma as psi, exp, lgamma, log, log1p};
use crate::{DType, Pytree, lax};
use std::f64::consts::PI;

/// Below this, relative to the value, a term counts as nothing. It is less than the value needs, for the sake of derivatives that are pushed through the loops.
const SMALL: f64 = 1e-18;
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
struct Series {
    more: Array,
    at: Array,
    term: Array,
    sum: Array,
}
/// The sum over n of x^n / (a (a+1) .. (a+n)): the lower function without its weight. For x up to about a.
fn series(here: &Array, a: &Array, x: &Array) -> Array {
    let (a, x) = (put(&!here, 1.0, a), put(&!here, 0.0, x));
    let init = Series { more: here.clone(), at: a.clone(), term: full(&a, 1.0), sum: full(&a, 1.0) };
    let turn = |s: &Series| {
        let at = &s.at + 1.0;
        let term = &s.term * &x / &at;
        let sum = &s.sum + &term;
        let keep = |new: &Array, old: &Array| pick(&s.more, new, old);
        let more = &s.more & prim::gt(&term, &(SMALL * &sum));
        Series { more, at: keep(&at, &s.at), term: keep(&term, &s.term), sum: keep(&sum, &s.sum) }
    };
    lax::while_loop(|s: &Series| any(&s.more), turn, &init).sum / a
}

#[derive(Pytree)]
struct Fraction {
    more: Array,
    turn: Array,
    c: Array,
    d: Array,
    value: Array,
}
/// A continued fraction first / (first + ..) by Lentz's algorithm. `step` gives the numerators and denominators of turn n = 1, 2, ..: one pair or several.
fn fraction(here: &Array, first: &Array, step: impl Fn(&Array) -> Vec<(Array, Array)>) -> Array {
    let apart = |x: &Array| put(&below(&x.abs(), TINY), TINY, x);
    let d = 1.0 / apart(first);
    let zero = prim::scalar_of(first.dtype(), false, 0.0);
    let init = Fraction { more: here.clone(), turn: zero, c: full(first, 1.0 / TINY), d: d.clone(), value: d };
    let turn = |s: &Fraction| {
        let n = &s.turn + 1.0;
        let (mut c, mut d, mut value) = (s.c.clone(), s.d.clone(), s.value.clone());
        let mut more = prim::full_of(s.more.aval(), 0.0);
        for (over, under) in step(&n) {
            d = 1.0 / apart(&(&over * &d + &under));
            c = apart(&(&under + &over / &c));
            let factor = &c * &d;
            value = &value * &factor;
            more = more | above(&(factor - 1.0).abs(), 1e-16);
        }
        let keep = |new: &Array, old: &Array| pick(&s.more, new, old);
        let more = &s.more & more & prim::broadcast_in_dim(&below(&n, TURNS), s.more.shape(), &[]);
        Fraction { more, turn: n, c: keep(&c, &s.c), d: keep(&d, &s.d), value: keep(&value, &s.value) }
    };
    lax::while_loop(|s: &Fraction| any(&s.more), turn, &init).value
}
/// The upper incomplete gamma function without its weight, for x that are greater than a and 1.
fn upper(here: &Array, a: &Array, x: &Array) -> Array {
    let (a, x) = (put(&!here, 1.0, a), put(&!here, 2.0, x));
    let first = &x + 1.0 - &a;
    fraction(here, &first, |n| vec![(-(n * (n - &a)), &first + 2.0 * n)])
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
    let (low, high) = (&weight * series(&down, &ai, &xi), &weight * upper(&r.up, &ai, &xi));
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
    let low = of(pushed(|a| series(&down, a, &xi), &ai));
    let high = of(pushed(|a| upper(&r.up, a, &xi), &ai));
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

fn beta_value(x: &[Array]) -> Array {
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
    let (a, b) = (pick(&direct, &a, &b), pick(&direct, &b, &a));
    let (x, rest) = (pick(&direct, &x, &(1.0 - &x)), pick(&direct, &(1.0 - &x), &x));
    let sum = &a + &b;
    let first = full(&a, 1.0);
    // begins with the first partial numerator of odd number, -(a+b) x / (a+1)
    let odd = |m: &Array| {
        let at = &a + 2.0 * m;
        -((&a + m) * (&sum + m) * &x / (&at * (&at + 1.0)))
    };
    let even = |m: &Array| {
        let at = &a + 2.0 * m;
        m * (&b - m) * &x / ((&at - 1.0) * at)
    };
    let turns = fraction(&inside, &first, |n| vec![(odd(&(n - 1.0)), first.clone()), (even(n), first.clone())]);
    // `fraction` begins with 1 / first, and 1 is the value of the fraction that goes on from there
    let weight = exp(&(&a * log(&x) + &b * log(&rest) - betaln(&a, &b))) / &a;
    let y = weight * turns;
    let y = pick(&direct, &y, &(1.0 - &y));
    let y = put(&((&b0 & !&one) | (&zero & !&a0)), 0.0, &y);
    let y = put(&((&a0 & !&zero) | (&one & !&b0)), 1.0, &put(&(&a0 & &zero), 0.0, &put(&(&b0 & &one), 1.0, &y)));
    put(&wrong, f64::NAN, &y)
}

special! {
    /// The lower incomplete gamma function, divided by the gamma function: the distribution function of the gamma distribution. As `jax.scipy.special.gammainc`.
    gammainc(a, x) in Float64, |x| incomplete(x, false),
        [Slope::Of(|x, _| gammainc_grad_a(x[0], x[1])), Slope::Of(|x, _| widened(x, |x| density(&x[0], &x[1])))],
        of ("2.0", "1.0") is "0.26424113";
    /// The upper incomplete gamma function, divided by the gamma function. As `jax.scipy.special.gammaincc`.
    gammaincc(a, x) in Float64, |x| incomplete(x, true),
        [Slope::Of(|x, _| -gammainc_grad_a(x[0], x[1])), Slope::Of(|x, _| -widened(x, |x| density(&x[0], &x[1])))],
        of ("2.0", "1.0") is "0.73575884";
    /// The derivative of [`gammainc`] with respect to a. As `jax.lax.igamma_grad_a`, it has no derivative.
    gammainc_grad_a(a, x) in Float64, grad_a, [
        Slope::Missing("there is no rule for the second derivative of the incomplete gamma function with respect to its first operand"),
        Slope::Missing("there is no rule for the second derivative of the incomplete gamma function with respect to its first operand")
    ], of ("2.0", "1.0") is "-0.31236345";
    /// How a sample x of the gamma distribution moves with a, if its probability is kept. As `jax.lax.random_gamma_grad`.
    random_gamma_grad(a, x) in Float64, sample_grad, [
        Slope::Missing("a derivative of a sample's derivative is not known"),
        Slope::Missing("a derivative of a sample's derivative is not known")
    ], of ("2.0", "1.0") is "0.8490919";
    /// The incomplete beta function, divided by the beta function: the distribution function of the beta distribution. As `jax.scipy.special.betainc`; JAX has no derivative with respect to
    /// a and b.
    betainc(a, b, x) in Float64, beta_value, [
        Slope::Of(|x, _| widened(x, |x| pushed(|a| beta_value(&[a.clone(), x[1].clone(), x[2].clone()]), &x[0]).1)),
        Slope::Of(|x, _| widened(x, |x| pushed(|b| beta_value(&[x[0].clone(), b.clone(), x[2].clone()]), &x[1]).1)),
        Slope::Of(|x, _| widened(x, |x| {
            let (a, b, x) = (&x[0], &x[1], &x[2]);
            exp(&((b - 1.0) * log1p(&-x) + (a - 1.0) * log(x) - betaln(a, b)))
        }))
    ], of ("2.0", "3.0", "0.5") is "0.6875";
}
