//! The logarithm and the inverse hyperbolic functions, in `f64`.

use super::coeffs::{LN2, LOG_F32, LOG7, TWO_FIFTHS, TWO_THIRDS};
use super::dd::{Dd, fast_sum, two_sum};
use super::lane::{Bits, Lane, poly};

/// A positive number as 2^k times one between sqrt(1/2) and sqrt(2); `lo` is scaled along.
#[inline(always)]
fn split<L: Lane>(hi: L, lo: L) -> (Dd<L>, L::Bits) {
    let root = hi.c(std::f64::consts::FRAC_1_SQRT_2).bits();
    let k = hi.bits().minus(root).sar(L::FRACTION);
    let m = L::of_bits(hi.bits().minus(k.shl(L::FRACTION)));
    // Beside a huge number the low part does not count, and its factor would not be a number.
    let factor = hi.exp2i(hi.int(0).minus(k));
    (Dd { hi: m, lo: L::sel(hi.lt(hi.c(1e300)), lo * factor, hi.c(0.0)) }, k)
}

/// log(hi + lo) to about 70 bits, for a positive normal number and a low part beside it.
#[inline(always)]
pub fn log_dd<L: Lane>(hi: L, lo: L) -> Dd<L> {
    let c = |k| hi.c(k);
    let (m, k) = split(hi, lo);
    // s = (m - 1) / (m + 1); the result is k log 2 + 2 atanh s
    let f = m.hi - c(1.0);
    let over = two_sum(f, m.lo);
    let under = fast_sum(c(2.0), f);
    let s = over.over(Dd { hi: under.hi, lo: under.lo + m.lo });
    let z = s.times(s);
    let five = fast_sum(c(TWO_FIFTHS[0]), z.hi * poly(z.hi, LOG7));
    let five = Dd { hi: five.hi, lo: five.lo + c(TWO_FIFTHS[1]) };
    let three = Dd::c(hi, TWO_THIRDS).plus_less(z.times(five));
    let t = s.scaled(c(2.0)).plus_less(s.times(z).times(three));
    let n = hi.float(k);
    // The first product is exact, and the rounding of the second is far below.
    let high = Dd { hi: n * c(LN2[0]), lo: n * c(LN2[1]) };
    high.tidy().plus_less(t)
}

/// log(hi + lo) as good as an `f32` result needs.
#[inline(always)]
pub fn log_quick<L: Lane>(hi: L, lo: L) -> L {
    let c = |k| hi.c(k);
    let (m, k) = split(hi, lo);
    let f = (m.hi - c(1.0)) + m.lo;
    let s = f / (c(2.0) + f);
    hi.float(k).fma(c(std::f64::consts::LN_2), s * poly(s * s, LOG_F32))
}

/// The special cases of a logarithm of `u`: 0, infinity, negative numbers and NaN.
#[inline(always)]
fn special<L: Lane>(u: L, y: L) -> L {
    let y = L::sel(u.eq(u.c(f64::INFINITY)), u, y);
    let y = L::sel(u.ge(u.c(0.0)), y, u.c(f64::NAN));
    L::sel(u.eq(u.c(0.0)), u.c(f64::NEG_INFINITY), y)
}

/// log(x).
#[inline(always)]
pub fn log<L: Lane>(x: L) -> L {
    let tiny = x.lt(x.c(f64::MIN_POSITIVE));
    let v = L::sel(tiny, x * x.c((1u64 << 54) as f64), x);
    let y = log_dd(v, x.c(0.0));
    // 54 log 2
    let shift = Dd { hi: x.c(-37.42994775023705), lo: x.c(1.1902053746983427e-15) };
    special(x, Dd::sel(tiny, shift.plus(y), y).round())
}

/// log(1 + y) for y = hi + lo.
#[inline(always)]
fn log1p_dd<L: Lane>(hi: L, lo: L) -> Dd<L> {
    let u = two_sum(hi.c(1.0), hi);
    log_dd(u.hi, u.lo + lo)
}

/// log(1 + x).
#[inline(always)]
pub fn log1p<L: Lane>(x: L) -> L {
    let y = log1p_dd(x, x.c(0.0)).round();
    // Where 1 + x is 1, the result is x, also below the normal numbers.
    let y = L::sel(x.abs().lt(x.c(1e-17)), x, y);
    special(x + x.c(1.0), y).copysign(L::sel(x.ge(x.c(-1.0)), x, x.c(1.0)))
}

/// The inverse hyperbolic sine: log(1 + y) with y = a + a^2 / (1 + sqrt(1 + a^2)), or log(2 a) for large a.
#[inline(always)]
pub fn asinh<L: Lane>(x: L) -> L {
    let one = x.c(1.0);
    let a = x.abs();
    let large = a.gt(x.c(1e9));
    let b = L::sel(large, one, a);
    let b2 = b * b;
    let y = b + b2 / (one + (one + b2).sqrt());
    finish(a, large, y, x)
}

/// The inverse hyperbolic cosine: log(1 + y) with y = t + sqrt(2 t + t^2), t = x - 1, or log(2 x) for large x.
#[inline(always)]
pub fn acosh<L: Lane>(x: L) -> L {
    let large = x.gt(x.c(1e9));
    let t = L::sel(large, x.c(2.0), x) - x.c(1.0);
    let y = t + t.fma(t, t + t).sqrt();
    L::sel(x.ge(x.c(1.0)), finish(x, large, y, x.c(1.0)), x.c(f64::NAN))
}

/// log(2 a) or log(1 + y), with the sign of `s`.
#[inline(always)]
fn finish<L: Lane>(a: L, large: L::Mask, y: L, s: L) -> L {
    let u = two_sum(a.c(1.0), y);
    let r = log_dd(L::sel(large, a, u.hi), L::sel(large, a.c(0.0), u.lo));
    let r = r.hi + (r.lo + L::sel(large, a.c(std::f64::consts::LN_2), a.c(0.0)));
    let r = L::sel(y.abs().lt(a.c(1e-17)), y, r);
    L::sel(a.lt(a.c(f64::INFINITY)), r, a).copysign(s)
}

/// The inverse hyperbolic tangent: log(1 + 2 a / (1 - a)) / 2.
#[inline(always)]
pub fn atanh<L: Lane>(x: L) -> L {
    let a = x.abs();
    let one = x.c(1.0);
    let u = log1p_dd((a + a) / (one - a), x.c(0.0)).round() * x.c(0.5);
    let y = L::sel(a.lt(x.c(1e-17)), a, u);
    let y = L::sel(a.eq(one), x.c(f64::INFINITY), y);
    L::sel(a.le(one), y, x.c(f64::NAN)).copysign(x)
}

/// The three inverse hyperbolic functions for `f32` arguments and results.
#[inline(always)]
pub fn asinh_quick<L: Lane>(x: L) -> L {
    let one = x.c(1.0);
    let a = x.abs();
    let a2 = a * a;
    let y = a + a2 / (one + (one + a2).sqrt());
    let u = two_sum(one, y);
    L::sel(a.lt(x.c(f64::INFINITY)), log_quick(u.hi, u.lo), a).copysign(x)
}

/// See [`asinh_quick`].
#[inline(always)]
pub fn acosh_quick<L: Lane>(x: L) -> L {
    let t = x - x.c(1.0);
    let u = two_sum(x.c(1.0), t + t.fma(t, t + t).sqrt());
    let y = L::sel(x.eq(x.c(f64::INFINITY)), x, log_quick(u.hi, u.lo));
    L::sel(x.ge(x.c(1.0)), y, x.c(f64::NAN))
}

/// See [`asinh_quick`].
#[inline(always)]
pub fn atanh_quick<L: Lane>(x: L) -> L {
    let a = x.abs();
    let one = x.c(1.0);
    let u = two_sum(one, (a + a) / (one - a));
    let y = log_quick(u.hi, u.lo) * x.c(0.5);
    let y = L::sel(a.eq(one), x.c(f64::INFINITY), y);
    L::sel(a.le(one), y, x.c(f64::NAN)).copysign(x)
}
