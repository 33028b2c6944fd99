//! The error functions, in `f64`; the complement of `f32`, too.

use super::coeffs::{ERF, ERF_ABOUT, ERF_MIDDLE, ERFC, ERFINV_FAR, ERFINV_MID, ERFINV_NEAR};
use super::coeffs::{ERFC_FAR_SINGLE, ERFC_NEAR_SINGLE, EXP_SINGLE};
use super::dd::{two_prod, two_sum};
use super::exp::exp_parts;
use super::lane::{Bits, Lane, poly, poly_either};
use super::log::log_dd;
use super::single::{LN2_HI, LN2_LO};

/// erf(a) for 0 <= a <= 7/4: about 0, or about 5/4.
#[inline(always)]
fn near<L: Lane>(a: L) -> L {
    let c = |k| a.c(k);
    let low = a.lt(c(0.75));
    let s = a - c(1.25);
    let p = poly_either(L::sel(low, a * a, s), !low, ERF_ABOUT, ERF);
    let about = c(ERF_MIDDLE[0]) + s.fma(p, c(ERF_MIDDLE[1]));
    L::sel(low, a.fma(p, a), about)
}

/// erfc(a) for a >= 1/2: exp(-a^2) times a polynomial in (a - 3) / (a + 3), over 1 + 2 a.
#[inline(always)]
fn far<L: Lane>(a: L) -> L {
    let c = |k| a.c(k);
    let a = a.at_most(c(28.0));
    let square = two_prod(a, a);
    let (e, k) = exp_parts(-square.hi, -square.lo);
    let p = poly((a - c(3.0)) / (a + c(3.0)), ERFC);
    (e * p / (c(1.0) + a + a)).scale(k)
}

/// The error function.
#[inline(always)]
pub fn erf<L: Lane>(x: L) -> L {
    let a = x.abs();
    let one = x.c(1.0);
    L::sel(a.lt(x.c(1.75)), near(a), one - far(a)).copysign(x)
}

/// Its complement, 1 - erf(x).
#[inline(always)]
pub fn erfc<L: Lane>(x: L) -> L {
    let a = x.abs();
    let tail = far(a);
    let tail = L::sel(x.lt(x.c(0.0)), x.c(2.0) - tail, tail);
    L::sel(a.lt(x.c(0.5)), x.c(1.0) - near(a).copysign(x), tail)
}

/// 1 - erf(x) of `f32`, in `f32`: up to 0.9 as (1 - x) + x p(x^2), beyond as exp(p(t) - x^2) / (x + 3/2) with t = (x - 3/2) / (x + 3/2).
/// What varies slowly is in the exponent, where its error is an absolute one, and x^2 is there to the last bit: the relative error does not grow along the tail.
/// Results below the normal numbers are zero.
#[inline(always)]
pub fn erfc_single<L: Lane>(x: L) -> L {
    let c = |k| x.c(k);
    // At the end the power of two is 2^-127, which is zero.
    let a = x.abs().at_most(c(9.36));
    let square = a * a;
    let near = x.fma(poly(square, ERFC_NEAR_SINGLE), c(1.0) - x);
    let minus = -square;
    let rest = a.fma(a, minus);
    let q = c(1.0) / (a + c(1.5));
    let slow = poly((a - c(1.5)) * q, ERFC_FAR_SINGLE);
    // The exponent in units of log 2, rounded, with the bias of a power of two in the low bits.
    let magic = c(1.5 * (1u64 << L::FRACTION) as f64 + L::BIAS as f64);
    let k = (slow + minus).fma(c(std::f64::consts::LOG2_E), magic);
    let n = k - magic;
    // The product with the first part of log 2, of 9 bits, and the sum are exact.
    let r = n.fma(c(-LN2_HI), minus) + n.fma(c(-LN2_LO), slow - rest);
    let e = poly(r, EXP_SINGLE).fma(r * r, r);
    let tail = q.fma(e, q) * L::of_bits(k.bits().shl(L::FRACTION));
    let tail = L::sel(x.lt(c(0.0)), c(2.0) - tail, tail);
    L::sel(a.lt(c(0.9)), near, tail)
}

/// The inverse of the error function: x p(w) with w = -log(1 - x^2), on three intervals of w as M. Giles chose them in
/// "Approximating the erfinv function" (GPU Computing Gems, 2010).
#[inline(always)]
pub fn erf_inv<L: Lane>(x: L) -> L {
    let c = |k| x.c(k);
    let one = c(1.0);
    // 1 - x^2 as a sum of two numbers
    let square = two_prod(x, x);
    let v = two_sum(one, -square.hi);
    let v = two_sum(v.hi, v.lo - square.lo);
    let w = -log_dd(v.hi, v.lo).round();
    let (first, second) = (w.lt(c(6.25)), w.lt(c(16.0)));
    let root = w.sqrt();
    let t = L::sel(first, w - c(3.125), root - L::sel(second, c(3.25), c(5.0)));
    let mut p = c(0.0);
    let short = ERFINV_NEAR.len() - ERFINV_MID.len();
    for i in 0..ERFINV_NEAR.len() {
        let (mid, far) = if i < short { (0.0, 0.0) } else { (ERFINV_MID[i - short], ERFINV_FAR[i - short]) };
        p = p.fma(t, L::sel(first, c(ERFINV_NEAR[i]), L::sel(second, c(mid), c(far))));
    }
    let p = L::sel(x.abs().eq(one), c(f64::INFINITY), p);
    L::sel(x.abs().le(one), x * p, c(f64::NAN))
}
