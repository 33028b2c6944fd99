//! The exponential and what is made of it, in `f64`; the power of two of `f32`, too.

use super::coeffs::{EXP, EXP_F32, EXP2_SINGLE, EXP4, LN2, SINH, SIXTH};
use super::dd::{Dd, fast_sum, two_prod};
use super::lane::{Bits, Lane, poly};
use std::f64::consts::LOG2_E;

/// The argument of an exponential as n log 2 + r with |r| <= log(2) / 2, for |x| < 2^11.
#[inline(always)]
fn reduce<L: Lane>(x: L) -> (L, L::Bits, L) {
    let (n, k) = (x * x.c(LOG2_E)).near();
    let r = (-n).fma(x.c(LN2[0]), x);
    ((-n).fma(x.c(LN2[1]), r), k, n)
}

/// e^r - 1 for |r| <= log(2) / 2.
#[inline(always)]
fn expm1_near<L: Lane>(r: L) -> L {
    poly(r, EXP).fma(r * r, r)
}

/// e^(x + low) as a number near 1 and a power of two, for |x| < 2^11 and a small correction.
#[inline(always)]
pub fn exp_parts<L: Lane>(x: L, low: L) -> (L, L::Bits) {
    let (r, k, _) = reduce(x);
    (expm1_near(r + low) + x.c(1.0), k)
}

/// The argument clamped to where the exponential is neither 0 nor infinite.
#[inline(always)]
pub fn clamp<L: Lane>(x: L) -> L {
    x.at_least(x.c(-746.0)).at_most(x.c(710.0))
}

/// e^x.
#[inline(always)]
pub fn exp<L: Lane>(x: L) -> L {
    let x = clamp(x);
    let (y, k) = exp_parts(x, x.c(0.0));
    y.scale(k)
}

/// 2^x.
#[inline(always)]
pub fn exp2<L: Lane>(x: L) -> L {
    let x = x.at_least(x.c(-1080.0)).at_most(x.c(1025.0));
    let (n, k) = x.near();
    let r = two_prod(x - n, x.c(std::f64::consts::LN_2));
    let low = (x - n).fma(x.c(2.3190468138462996e-17), r.lo);
    (poly(r.hi, EXP).fma(r.hi * r.hi, r.hi + low) + x.c(1.0)).scale(k)
}

/// e^x for an `f32` argument, as an `f64` good enough for an `f32` result. The argument is clamped to where that is 0 or infinite.
#[inline(always)]
pub fn exp_quick<L: Lane>(x: L) -> L {
    let x = x.at_least(x.c(-200.0)).at_most(x.c(200.0));
    let (r, k, _) = reduce(x);
    poly(r, EXP_F32).fma(r, x.c(1.0)) * x.exp2i(k)
}

/// 2^x of `f32`, in `f32`: the part below the integer is exact, unless x is negative and tiny. Results below the normal numbers are zero.
#[inline(always)]
pub fn exp2_single<L: Lane>(x: L) -> L {
    // 2^128 is infinite, 2^-127 is zero.
    let x = x.at_least(x.c(-127.0)).at_most(x.c(128.0));
    let n = x.floor();
    let r = x - n;
    poly(r, EXP2_SINGLE).fma(r, x.c(1.0)) * n.power()
}

/// e^x - 1.
#[inline(always)]
pub fn expm1<L: Lane>(x: L) -> L {
    let v = x.at_least(x.c(-40.0)).at_most(x.c(710.0));
    let (r, k, n) = reduce(v);
    let p = expm1_near(r);
    // (2^n (1 + p) - 1) / 2: half, so that the power is finite whenever the result is.
    let h = x.exp2i(k.minus(x.int(1)));
    let y = h.fma(p, h - x.c(0.5));
    L::sel(n.eq(x.c(0.0)), p, y + y).copysign(x)
}

/// The hyperbolic sine.
#[inline(always)]
pub fn sinh<L: Lane>(x: L) -> L {
    let a = x.abs().at_most(x.c(711.0));
    let x2 = a * a;
    let near = poly(x2, SINH).fma(x2 * a, a);
    let (y, k) = exp_parts(a, x.c(0.0));
    let one = x.int(1);
    let far = y.scale(k.minus(one)) - (x.c(1.0) / y).scale(x.int(-1).minus(k));
    L::sel(a.lt(x.c(1.0)), near, far).copysign(x)
}

/// The hyperbolic cosine.
#[inline(always)]
pub fn cosh<L: Lane>(x: L) -> L {
    let a = x.abs().at_most(x.c(711.0));
    let (y, k) = exp_parts(a, x.c(0.0));
    y.scale(k.minus(x.int(1))) + (x.c(1.0) / y).scale(x.int(-1).minus(k))
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<L: Lane>(x: L) -> L {
    let a = x.abs().at_most(x.c(22.0));
    let t = expm1(a + a);
    (t / (t + x.c(2.0))).copysign(x)
}

/// 1 / (1 + e^-x), by the exponential of -|x|.
#[inline(always)]
pub fn logistic<L: Lane>(x: L) -> L {
    let e = exp(-x.abs());
    let one = x.c(1.0);
    L::sel(x.lt(x.c(0.0)), e, one) / (one + e)
}

/// e^(x.hi + x.lo) to about 70 bits, as a number near 1 and a power of two, for |x| < 2^11.
#[inline(always)]
pub fn exp_dd<L: Lane>(x: Dd<L>) -> (Dd<L>, L::Bits) {
    let c = |k| x.hi.c(k);
    let (n, k) = (x.hi * c(LOG2_E)).near();
    let r = (-n).fma(c(LN2[0]), x.hi);
    let low = two_prod(-n, c(LN2[1]));
    let r = Dd { hi: r, lo: x.lo }.plus(low);
    // 1 + r + r^2 (1/2 + r (1/6 + r q))
    let six = fast_sum(c(SIXTH[0]), r.hi * poly(r.hi, EXP4));
    let six = Dd { hi: six.hi, lo: six.lo + c(SIXTH[1]) };
    let half = Dd::of(c(0.5)).plus_less(r.times(six));
    let tail = r.plus_less(r.times(r).times(half));
    (Dd::of(c(1.0)).plus_less(tail), k)
}
