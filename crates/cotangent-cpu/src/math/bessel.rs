//! The exponentially scaled modified Bessel functions of the first kind, of order 0 and 1: in `f64` two polynomials each, in x up to 8 and in
//! 1 / x beyond (the intervals are those of S. L. Moshier's Cephes).

use super::coeffs::{I0_FAR, I0_NEAR, I0_SINGLE, I1_FAR, I1_FAR_F32, I1_NEAR, I1_NEAR_F32};
use super::lane::{Lane, poly, poly_either};

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

/// exp(-|x|) I0(x) of `f32`, in `f32`: one polynomial for all x.
#[inline(always)]
pub fn i0e_single<L: Lane>(x: L) -> L {
    let c = |k| x.c(k);
    let a = x.abs();
    // x / (x + 7/2); near 1 by the distance from there
    let q = c(1.0) / (a + c(3.5));
    let part = L::sel(a.lt(c(3.5)), a * q, c(-3.5).fma(q, c(1.0)));
    poly(part.fma(c(2.0), c(-1.0)), I0_SINGLE) / (a + c(0.75)).sqrt()
}

/// exp(-|x|) I1(x) for an `f32` result.
#[inline(always)]
pub fn i1e_quick<L: Lane>(x: L) -> L {
    let a = x.abs();
    scaled(a, a, I1_NEAR_F32, I1_FAR_F32).copysign(x)
}
