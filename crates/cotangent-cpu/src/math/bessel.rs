//! The exponentially scaled modified Bessel functions of the first kind, of order 0 and 1, in `f64`: two Chebyshev series each, in x
//! up to 8 and in 1 / x beyond (the intervals are those of S. L. Moshier's Cephes).

use super::coeffs::{I0_FAR, I0_NEAR, I1_FAR, I1_NEAR};
use super::lane::Lane;

/// The near or the far series, by Clenshaw's recurrence.
#[inline(always)]
fn series<L: Lane, const N: usize, const F: usize>(a: L, near: [f64; N], far: [f64; F]) -> L {
    let c = |k| a.c(k);
    let close = a.le(c(8.0));
    let t = L::sel(close, a * c(0.25), c(16.0) / a) - c(1.0);
    let two = t + t;
    let (mut b1, mut b2) = (c(0.0), c(0.0));
    for i in (1..N).rev() {
        let k = L::sel(close, c(near[i]), c(if i < F { far[i] } else { 0.0 }));
        (b1, b2) = (two.fma(b1, k - b2), b1);
    }
    let y = t.fma(b1, L::sel(close, c(near[0]), c(far[0])) - b2);
    L::sel(close, y, y / a.sqrt())
}

/// exp(-|x|) I0(x).
#[inline(always)]
pub fn i0e<L: Lane>(x: L) -> L {
    series(x.abs(), I0_NEAR, I0_FAR)
}

/// exp(-|x|) I1(x).
#[inline(always)]
pub fn i1e<L: Lane>(x: L) -> L {
    let a = x.abs();
    let y = series(a, I1_NEAR, I1_FAR);
    L::sel(a.le(x.c(8.0)), a * y, y).copysign(x)
}
