//! The logarithm of the gamma function and its derivative, in `f64`.
//!
//! Positive arguments from 8 on use the asymptotic series. Smaller ones are brought into a short interval by the recurrence, where a
//! polynomial vanishes exactly where the function does. Negative ones use the reflection formula.

use super::coeffs::{COSPI, DIGAMMA_ROOT, DIGAMMA1, DIGAMMA8, HALF_LOG_2PI, LGAMMA1, LGAMMA2, PI, SINPI, STIRLING};
use super::dd::{Dd, two_prod, two_sum};
use super::lane::{Lane, poly, poly_either};
use super::log::{log_dd, log_quick};

/// log(hi + lo), in doubled precision only where `f64` results want it.
#[inline(always)]
fn logarithm<L: Lane, const SHARP: bool>(hi: L, lo: L) -> Dd<L> {
    if SHARP { log_dd(hi, lo) } else { Dd::of(log_quick(hi, lo)) }
}

/// log |gamma(x)|. `SHARP` says that the result is an `f64`; without it, the arguments are `f32` too.
#[inline(always)]
pub fn lgamma<L: Lane, const SHARP: bool>(x: L) -> L {
    let c = |k| x.c(k);
    let one = c(1.0);
    let a = x.abs();
    let large = a.ge(c(8.0));
    // From [2.5, 8) down to [1.5, 2.5), or from below 0.75 up by 1, collecting the factor.
    let mut v = L::sel(large, c(2.0), a);
    let mut factor = one;
    for _ in 0..6 {
        let above = v.ge(c(2.5));
        let less = v - one;
        factor = L::sel(above, factor * less, factor);
        v = L::sel(above, less, v);
    }
    let below = a.lt(c(0.75));
    let v = L::sel(below, v + one, v);
    // The polynomial of one interval, times the distance from the zero at 1 or 2.
    let low = v.lt(c(1.5));
    let t = v - L::sel(low, c(1.125), c(2.0));
    let p = poly_either(t, low, LGAMMA1, LGAMMA2);
    // Where 1 was added, the distance from 1 is the argument itself.
    let distance = L::sel(below & low, a, v - L::sel(low, one, c(2.0)));
    let small = two_prod(p, distance);
    // One logarithm: of the factor, of 1 / a, or of a itself.
    let tiny = a.lt(c(1e-290));
    let scaled = a * c((1u64 << 54) as f64);
    let log = logarithm::<L, SHARP>(L::sel(large | below, L::sel(tiny, scaled, a), factor), c(0.0));
    let log = if SHARP { Dd::sel(tiny, Dd::c(x, MINUS_54_LOG_2).plus(log), log) } else { log };
    let near = Dd::sel(below, log.neg(), log).plus(small);
    // (a - 1/2) (log a - 1) + (log(2 pi) - 1) / 2 + S(1 / a^2) / a
    let inverse = one / a;
    let s = poly(inverse * inverse, STIRLING) * inverse;
    let constant = two_sum(c(HALF_LOG_2PI[0]), c(-0.5));
    let far = log.plus(Dd::of(-one)).by(a - c(0.5));
    let far = far.plus_less(Dd { hi: constant.hi, lo: constant.lo + (c(HALF_LOG_2PI[1]) + s) });
    let far = Dd::sel(a.gt(c(2.6e305)), Dd::of(c(f64::INFINITY)), far);
    let positive = Dd::sel(large, far, near);
    // lgamma(-a) = log(pi / (a |sin(pi a)|)) - lgamma(a)
    let (r, _) = fraction(a);
    let sine = Dd::of(r.abs()).by(poly(r * r, SINPI));
    let area = sine.by(L::sel(tiny, one, a));
    let reflect = logarithm::<L, SHARP>(area.hi, area.lo);
    let negative = Dd::c(x, LOG_PI).plus(reflect.neg()).plus(positive.neg()).round();
    let inf = c(f64::INFINITY);
    let negative = L::sel(r.eq(c(0.0)), inf, negative);
    // For -a so close to 0 that the gamma function is 1 / a there.
    let positive = L::sel(a.lt(inf), positive.hi + positive.lo, a);
    let negative = L::sel(a.lt(c(1e-17)), positive, negative);
    let y = L::sel(x.lt(c(0.0)), L::sel(a.lt(inf), negative, inf), positive);
    L::sel(a.eq(c(0.0)), inf, L::sel(x.nan(), x, y))
}

/// -54 log 2, for arguments below the normal numbers.
const MINUS_54_LOG_2: [f64; 2] = [-37.42994775023705, 1.1902053746983427e-15];
/// log pi.
const LOG_PI: [f64; 2] = [1.1447298858494002, 1.0265951162707826e-17];

/// a minus the nearest integer, and that integer, for a >= 0. Great numbers are integers.
#[inline(always)]
fn fraction<L: Lane>(a: L) -> (L, L) {
    let n = a.floor();
    let f = a - n;
    let up = f.gt(a.c(0.5));
    (L::sel(up, f - a.c(1.0), f), n)
}

/// The derivative of log gamma. NaN at 0 and the negative integers, where it has poles of both signs.
/// `SHARP` as in [`lgamma`].
#[inline(always)]
pub fn digamma<L: Lane, const SHARP: bool>(x: L) -> L {
    let c = |k| x.c(k);
    let one = c(1.0);
    let a = x.abs();
    let large = a.ge(c(8.0));
    // From [2, 8) down to [1, 2), collecting the sum of 1 / v as a fraction; or from below 1 up by 1.
    let mut v = L::sel(large, one, a);
    let (mut top, mut bottom) = (c(0.0), one);
    for _ in 0..6 {
        let above = v.ge(c(2.0));
        let less = v - one;
        top = L::sel(above, top.fma(less, bottom), top);
        bottom = L::sel(above, bottom * less, bottom);
        v = L::sel(above, less, v);
    }
    let below = a.lt(one);
    top = L::sel(below, -one, top);
    bottom = L::sel(below, a, bottom);
    let v = two_sum(v, L::sel(below, one, c(0.0)));
    let p = poly(v.hi - c(1.5), DIGAMMA1);
    let distance = (v.hi - c(DIGAMMA_ROOT[0])) + (v.lo - c(DIGAMMA_ROOT[1]));
    let near = p.fma(distance, top / bottom);
    let inverse = one / a;
    let square = inverse * inverse;
    let log = logarithm::<L, SHARP>(L::sel(large, a, one), c(0.0));
    let far = log.hi + (log.lo - inverse.fma(c(0.5), square * poly(square, DIGAMMA8)));
    let positive = L::sel(large, L::sel(a.eq(c(f64::INFINITY)), a, far), near);
    // digamma(-a) = digamma(a) + 1 / a + pi / tan(pi a)
    let (r, _) = fraction(a);
    let r2 = r * r;
    let cosine = poly(r2, COSPI) * (c(-4.0).fma(r2, one));
    let cotangent = c(PI[0]) * (cosine / (r * poly(r2, SINPI)));
    let negative = positive + (inverse + cotangent);
    // Close to 0 two poles cancel: digamma(-a) = 1 / a - euler.
    let negative = L::sel(r.eq(c(0.0)), c(f64::NAN), negative);
    let negative = L::sel(a.lt(c(1e-17)), inverse, negative);
    let y = L::sel(x.lt(c(0.0)), negative, positive);
    // Of a product, since a comparison of an operand with zero may be one of its bits, which are not those of a zero if it is subnormal.
    let zero = (a * c(1e18)).eq(c(0.0));
    L::sel(zero | x.eq(c(f64::NEG_INFINITY)), c(f64::NAN), y)
}
