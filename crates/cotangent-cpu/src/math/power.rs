//! Powers and the cube root.

use super::coeffs::CBRT;
use super::dd::{Dd, fast_sum, two_prod};
use super::exp::{exp_dd, exp_quick};
use super::lane::{Bits, Lane, poly};
use super::log::{log_dd, log_quick};

/// The special cases of C's `pow`, given the power of |x| where neither is 0 or infinite, or something arbitrary else.
#[inline(always)]
fn special<L: Lane>(x: L, y: L, r: L) -> L {
    let c = |k| x.c(k);
    let (zero, one, inf) = (c(0.0), c(1.0), c(f64::INFINITY));
    let a = x.abs();
    // An exponent of this size is an even integer; so is infinity.
    let huge = y.abs().ge(c((1u64 << 53) as f64));
    let integer = huge | y.floor().eq(y);
    let half = y * c(0.5);
    let odd = integer & !huge & !half.floor().eq(half);
    // 0 and infinity to a power are each other's mirror image.
    let rising = L::sel(y.gt(zero), inf, zero);
    let falling = L::sel(y.lt(zero), inf, zero);
    // Before zeros and infinities have their say: a compiler may make one test of the bits of several, for which a negative subnormal number is no zero.
    let r = L::sel(x.lt(zero) & !integer, c(f64::NAN), r);
    let r = L::sel(a.eq(inf), rising, r);
    let r = L::sel(a.eq(zero), falling, r);
    let r = L::sel(y.abs().eq(inf), L::sel(a.gt(one), rising, falling), r);
    let r = L::sel(odd, r.copysign(x), r);
    let r = L::sel(x.nan() | y.nan(), c(f64::NAN), r);
    let unit = y.eq(zero) | x.eq(one) | (x.eq(-one) & y.abs().eq(inf));
    L::sel(unit, one, r)
}

/// x^y.
#[inline(always)]
pub fn pow<L: Lane>(x: L, y: L) -> L {
    let c = |k| x.c(k);
    let a = x.abs();
    let tiny = a.lt(c(f64::MIN_POSITIVE));
    let log = log_dd(L::sel(tiny, a * c((1u64 << 54) as f64), a), c(0.0));
    let shift = Dd { hi: c(-37.42994775023705), lo: c(1.1902053746983427e-15) };
    let log = Dd::sel(tiny, shift.plus(log), log);
    // An exponent beyond 2^64 gives 0, 1 or infinity; cut down, it gives the same.
    let v = y.at_most(c(1e19)).at_least(c(-1e19));
    let p = two_prod(v, log.hi);
    let p = fast_sum(p.hi, log.lo.fma(v, p.lo));
    let hi = p.hi.at_most(c(800.0)).at_least(c(-800.0));
    let lo = L::sel(hi.eq(p.hi), p.lo, c(0.0));
    let (e, k) = exp_dd(Dd { hi, lo });
    special(x, y, e.round().scale(k))
}

/// x^y for `f32` operands and an `f32` result.
#[inline(always)]
pub fn pow_quick<L: Lane>(x: L, y: L) -> L {
    let w = x.abs().wide();
    let log = log_quick(w, w.c(0.0));
    special(x, y, L::narrow(exp_quick(y.wide() * log)))
}

/// The cube root, where x and its root are normal numbers or 0, infinite or NaN.
#[inline(always)]
pub fn cbrt_normal<L: Lane>(x: L) -> L {
    let c = |k| x.c(k);
    let a = x.abs();
    // a = 2^(3 q) t with t in [1/2, 4]
    let e = a.bits().sar(L::FRACTION).minus(x.int(L::BIAS));
    let third = x.float(e) * c(1.0 / 3.0);
    let (_, q) = third.near();
    let t = L::of_bits(a.bits().minus(q.plus(q).plus(q).shl(L::FRACTION)));
    // y = t^(-1/3): with e = 1 - t y^3, the root is y (1 - e)^(-1/3); four terms of that series make 9 bits 36.
    let y = poly(t, CBRT);
    let e = (-t * y).fma(y * y, c(1.0));
    let y = (y * e).fma(poly(e, [14.0 / 81.0, 2.0 / 9.0, 1.0 / 3.0]), y);
    // r = t y^2 with one correction by the exact remainder t - r^3.
    let r = t * (y * y);
    let square = two_prod(r, r);
    let cube = two_prod(square.hi, r);
    let rest = (t - cube.hi) - square.lo.fma(r, cube.lo);
    let r = (y * y).fma(rest * c(1.0 / 3.0), r);
    let r = r * x.exp2i(q);
    // A sum, not the number itself: of `f32` computed in `f64`, a selection between a conversion and its operand may become one behind the conversion back, and then a
    // subnormal number would stay what it is.
    L::sel(a.gt(c(0.0)) & a.lt(c(f64::INFINITY)), r, x + x).copysign(x)
}

/// The cube root.
#[inline(always)]
pub fn cbrt<L: Lane>(x: L) -> L {
    let tiny = x.abs().lt(x.c(f64::MIN_POSITIVE));
    let r = cbrt_normal(L::sel(tiny, x * x.c((1u64 << 54) as f64), x));
    L::sel(tiny, r * x.c(1.0 / (1 << 18) as f64), r)
}
