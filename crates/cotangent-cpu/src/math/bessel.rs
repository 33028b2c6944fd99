//! The exponentially scaled modified Bessel functions of the first kind, of order 0 and 1: two polynomials each, in x up to 8 and in
//! 1 / x beyond (the intervals are those of S. L. Moshier's Cephes).

use super::coeffs::{I0_FAR, I0_FAR_F32, I0_NEAR, I0_NEAR_F32, I1_FAR, I1_FAR_F32, I1_NEAR, I1_NEAR_F32};
use super::lane::{Lane, poly_either};

/// `factor near(a) / (1 + a)` or `far(a) / sqrt(a)`.
#[inline(always)]
fn scaled<L: Lane, const N: usize, const F: usize>(a: L, factor: L, near: [f64; N], far: [f64; F]) -> L {
    let c = |k| a.c(k);
    let close = a.le(c(8.0));
    let t = L::sel(close, a * c(0.25), c(16.0) / a) - c(1.0);
    let p = poly_either(t, close, near, far);
    let y = p * L::sel(close, factor, c(1.0));
    y / L::sel(close, a + c(1.0), a.sqrt())
}

/// exp(-|x|) I0(x).
#[inline(always)]
pub fn i0e<L: Lane>(x: L) -> L {
    scaled(x.abs(), x.c(1.0), I0_NEAR, I0_FAR)
}

/// exp(-|x|) I1(x).
#[inline(always)]
pub fn i1e<L: Lane>(x: L) -> L {
    let a = x.abs();
    scaled(a, a, I1_NEAR, I1_FAR).copysign(x)
}

/// exp(-|x|) I0(x) for an `f32` result.
#[inline(always)]
pub fn i0e_quick<L: Lane>(x: L) -> L {
    scaled(x.abs(), x.c(1.0), I0_NEAR_F32, I0_FAR_F32)
}

/// exp(-|x|) I1(x) for an `f32` result.
#[inline(always)]
pub fn i1e_quick<L: Lane>(x: L) -> L {
    let a = x.abs();
    scaled(a, a, I1_NEAR_F32, I1_FAR_F32).copysign(x)
}
