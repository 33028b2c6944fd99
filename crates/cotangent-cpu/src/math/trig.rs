//! Sine, cosine and tangent.
//!
//! The argument is brought to [-pi/4, pi/4] by subtracting a multiple of pi/2, with enough parts of pi that nothing is lost up to
//! [`FAR`]. Beyond that the elements concerned go through [`super::payne`], one by one.

use super::coeffs::{COS_F32, COS4, COS6, HALF_PI, SIN_F32, SIN3, SIN5, SIN7};
use super::dd::{Dd, fast_sum, two_prod, two_sum};
use super::lane::{Bits, Lane, poly_either};
use std::f64::consts::FRAC_2_PI;

/// Up to this magnitude the reduction by multiplication is accurate.
pub const FAR: f64 = (1u64 << 26) as f64;

/// x = q pi / 2 + r to about 106 bits of r.
#[inline(always)]
pub fn reduce<L: Lane>(x: L) -> (L::Bits, Dd<L>) {
    let (n, q) = (x * x.c(FRAC_2_PI)).near();
    // Every difference below is taken exactly, or with its error.
    let a = two_prod(n, x.c(HALF_PI[0]));
    let r = two_sum(x - a.hi, -a.lo);
    let b = two_prod(n, x.c(HALF_PI[1]));
    let s = two_sum(r.hi, -b.hi);
    let low = (r.lo + s.lo) - (-n).fma(x.c(-HALF_PI[2]), b.lo);
    (q, fast_sum(s.hi, low))
}

/// Is quadrant `q` odd?
#[inline(always)]
fn odd<L: Lane>(at: L, q: L::Bits) -> L::Mask {
    !q.and(at.int(1)).same(at.int(0))
}

/// `y` negated in the quadrants 2 and 3.
#[inline(always)]
fn turn<L: Lane>(y: L, q: L::Bits) -> L {
    L::of_bits(y.bits().xor(q.sar(1).shl(63)))
}

/// sin(q pi / 2 + r) as a sum of two numbers. Sine and cosine are one polynomial with two sets of coefficients:
/// `u + u z (k3 + z (k5 + z p(z)))` with z = r^2 and u = r or 1.
#[inline(always)]
pub fn sine<L: Lane>(q: L::Bits, r: Dd<L>) -> Dd<L> {
    let at = r.hi;
    let cosine = odd(at, q);
    let z = r.times(r);
    let p = poly_either(z.hi, cosine, COS6, SIN7);
    let five = Dd::sel(cosine, Dd::c(at, COS4), Dd::c(at, SIN5));
    let five = {
        let s = fast_sum(five.hi, z.hi * p);
        Dd { hi: s.hi, lo: s.lo + five.lo }
    };
    let three = Dd::sel(cosine, Dd::c(at, [-0.5, 0.0]), Dd::c(at, SIN3)).plus_less(z.times(five));
    let u = Dd::sel(cosine, Dd::c(at, [1.0, 0.0]), r);
    let y = u.plus_less(u.times(z.times(three)));
    Dd { hi: turn(y.hi, q), lo: turn(y.lo, q) }
}

/// sin(x) once its argument is reduced.
#[inline(always)]
pub fn sin_at<L: Lane>(q: L::Bits, r: Dd<L>) -> L {
    sine(q, r).round()
}
/// cos(x) once its argument is reduced.
#[inline(always)]
pub fn cos_at<L: Lane>(q: L::Bits, r: Dd<L>) -> L {
    sine(q.plus(r.hi.int(1)), r).round()
}
/// tan(x) once its argument is reduced.
#[inline(always)]
pub fn tan_at<L: Lane>(q: L::Bits, r: Dd<L>) -> L {
    sine(q, r).over(sine(q.plus(r.hi.int(1)), r)).round()
}

/// The sine of a number up to [`FAR`].
#[inline(always)]
pub fn sin<L: Lane>(x: L) -> L {
    let (q, r) = reduce(x);
    small(x, sin_at(q, r))
}
/// The cosine of a number up to [`FAR`].
#[inline(always)]
pub fn cos<L: Lane>(x: L) -> L {
    let (q, r) = reduce(x);
    cos_at(q, r)
}
/// The tangent of a number up to [`FAR`].
#[inline(always)]
pub fn tan<L: Lane>(x: L) -> L {
    let (q, r) = reduce(x);
    small(x, tan_at(q, r))
}

/// x where it is its own sine and tangent, so that -0 and subnormal numbers stay what they are.
#[inline(always)]
fn small<L: Lane>(x: L, y: L) -> L {
    L::sel(x.abs().lt(x.c(1e-9)), x, y)
}

/// The reduction for arguments of type `f32`: as much of pi in two parts as their 24 bits can ask for.
#[inline(always)]
fn reduce_quick<L: Lane>(x: L) -> (L::Bits, L) {
    let (n, q) = (x * x.c(FRAC_2_PI)).near();
    let r = (-n).fma(x.c(HALF_PI[0]), x);
    (q, (-n).fma(x.c(HALF_PI[1]), r))
}

/// sin(q pi / 2 + r) for an `f32` result.
#[inline(always)]
pub fn sine_quick<L: Lane>(q: L::Bits, r: L) -> L {
    let cosine = odd(r, q);
    let z = r * r;
    let p = poly_either(z, cosine, COS_F32, SIN_F32);
    let u = L::sel(cosine, r.c(1.0), r);
    turn(u.fma(z * p, u), q)
}

/// An `f32` number that was widened and will be narrowed, as the result of an operation: LLVM would see that a selection among others needs no conversions, and then
/// a subnormal number came through where [`crate::float`] wants a zero. It is rounded to what it was.
#[inline(always)]
fn computed<L: Lane>(x: L) -> L {
    x * x.c(1.0 - f64::EPSILON / 2.0)
}

/// The sine of an `f32` number up to [`FAR`].
#[inline(always)]
pub fn sin_quick<L: Lane>(x: L) -> L {
    let (q, r) = reduce_quick(x);
    small(computed(x), sine_quick(q, r))
}
/// The cosine of an `f32` number up to [`FAR`].
#[inline(always)]
pub fn cos_quick<L: Lane>(x: L) -> L {
    let (q, r) = reduce_quick(x);
    sine_quick(q.plus(x.int(1)), r)
}
/// The tangent of an `f32` number up to [`FAR`].
#[inline(always)]
pub fn tan_quick<L: Lane>(x: L) -> L {
    let (q, r) = reduce_quick(x);
    small(computed(x), sine_quick(q, r) / sine_quick(q.plus(x.int(1)), r))
}
