//! Functions of `f32` that compute in `f32`, the ones that matter for speed.
//!
//! The algorithms, coefficients and the places of fused operations are those of XLA's CPU back end, so that results agree with
//! JAX's to the bit. As there, subnormal numbers are zero (see [`float`](crate::float)): no function has a way for them. The sources are named at each function.

#![allow(clippy::excessive_precision)]

use super::lane::{Bits, Lane, poly, poly_either};

/// log2(e) and log(2) in two parts, the first of 9 bits (S. L. Moshier, Cephes, expf).
const LOG2_E: f64 = std::f64::consts::LOG2_E;
pub(super) const LN2_HI: f64 = 0.693359375;
pub(super) const LN2_LO: f64 = -2.12194440e-4;

/// e^x: Cephes' expf, in which the rounding to an integer is `floor(x + 1/2)`. The argument is clamped to where the result overflows or vanishes, and the power to
/// 2^127, which leaves the polynomial's range for the last arguments before the overflow: the error is up to 3.6 units in the last place there.
#[inline(always)]
pub fn exp<L: Lane>(x: L) -> L {
    let x = x.at_least(x.c(-87.9)).at_most(x.c(88.8));
    let n = x.fma(x.c(LOG2_E), x.c(0.5)).floor().at_most(x.c(127.0));
    let r = n.fma(x.c(-LN2_HI), x);
    let r = n.fma(x.c(-LN2_LO), r);
    let p =
        poly(r, [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
    (p.fma(r * r, r) + x.c(1.0)) * n.power()
}

/// 1 / (1 + e^-x). Where e^-x overflows, the result would be subnormal, which is zero.
#[inline(always)]
pub fn logistic<L: Lane>(x: L) -> L {
    x.c(1.0) / (exp(-x) + x.c(1.0))
}

/// The natural logarithm: Cephes' logf, with the polynomial in three interleaved parts as Eigen evaluates it.
#[inline(always)]
pub fn log<L: Lane>(x: L) -> L {
    // Of what is not positive the result is known, whatever is computed here.
    let e = x.float(x.bits().sar(23).minus(x.int(126)));
    let m = L::of_bits(x.bits().and(x.int(0x007f_ffff)).or(x.int(0x3f00_0000)));
    let low = m.lt(x.c(std::f64::consts::FRAC_1_SQRT_2));
    let e = e - L::sel(low, x.c(1.0), x.c(0.0));
    let f = (m - x.c(1.0)) + L::sel(low, m, x.c(0.0));
    let f2 = f * f;
    let f3 = f2 * f;
    let a = poly(f, [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1]);
    let b = poly(f, [-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1]);
    let c = poly(f, [2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1]);
    let p = a.fma(f3, b).fma(f3, c).fma(f3, e * x.c(LN2_LO));
    let y = e.fma(x.c(LN2_HI), x.c(-0.5).fma(f2, f) + p);
    let y = L::sel(x.eq(x.c(f64::INFINITY)), x, y);
    let y = L::sel(x.ge(x.c(0.0)), y, x.c(f64::NAN));
    L::sel(x.eq(x.c(0.0)), x.c(f64::NEG_INFINITY), y)
}

/// log(1 + x): Cephes' rational function (log1p) for small arguments, the logarithm for others.
#[inline(always)]
pub fn log1p<L: Lane>(x: L) -> L {
    let p = poly(
        x,
        [
            4.5270000862445199635215e-5,
            4.9854102823193375972212e-1,
            6.5787325942061044846969e0,
            2.9911919328553073277375e1,
            6.0949667980987787057556e1,
            5.7112963590585538103336e1,
            2.0039553499201281259648e1,
        ],
    );
    let q = poly(
        x,
        [
            1.0,
            1.5062909083469192043167e1,
            8.3047565967967209469434e1,
            2.2176239823732856465394e2,
            3.0909872225312059774938e2,
            2.1642788614495947685003e2,
            6.0118660497603843919306e1,
        ],
    );
    let x2 = x * x;
    let near = x + x.c(-0.5).fma(x2, x * x2 * (p / q));
    L::sel(x.abs().lt(x.c(f32::from_bits(0x3ED4_13CD) as f64)), near, log(x + x.c(1.0)))
}

/// e^x - 1: beyond 1/2 by the exponential, else as tanh(x / 2) (e^x + 1).
#[inline(always)]
pub fn expm1<L: Lane>(x: L) -> L {
    let e = exp(x);
    let half = x * x.c(0.5);
    let near = tanh(half) * (e + x.c(1.0));
    let y = L::sel(x.abs().gt(x.c(0.5)), e - x.c(1.0), near);
    // Where the half is subnormal, and so zero, x is its own result.
    L::sel(half.abs().lt(x.c(f32::MIN_POSITIVE as f64)), x, y)
}

/// The hyperbolic tangent: Eigen's rational function of degree 13 over 6, clamped where it reaches 1.
#[inline(always)]
pub fn tanh<L: Lane>(x: L) -> L {
    let clamp = 7.99881172180175781;
    let v = x.at_least(x.c(-clamp)).at_most(x.c(clamp));
    let v2 = v * v;
    let p = v * poly(
        v2,
        [
            -2.76076847742355e-16,
            2.00018790482477e-13,
            -8.60467152213735e-11,
            5.12229709037114e-08,
            1.48572235717979e-05,
            6.37261928875436e-04,
            4.89352455891786e-03,
        ],
    );
    let q = poly(v2, [1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03]);
    let y = L::sel(x.abs().lt(x.c(0.0004)), x, p / q);
    L::sel(x.abs().ge(x.c(20.0)), x.c(1.0).copysign(x), y)
}

/// The error function: Eigen's rational function.
#[inline(always)]
pub fn erf<L: Lane>(x: L) -> L {
    let x2 = x * x;
    let k = |bits: u32| f32::from_bits(bits) as f64;
    let p = x * poly(x2, [k(0x3970_2D51), k(0x3B5F_5DA2), k(0x3D50_B6EB), k(0x3E3D_A740), k(0x3F90_6EBA)]);
    let q =
        poly(x2, [k(0xB3FD_3906), k(0x37C5_88DF), k(0x3A85_6D28), k(0x3C66_87D4), k(0x3DE3_4C21), k(0x3EFE_B44A), 1.0]);
    L::sel(x.abs().ge(x.c(k(0x4075_47CB))), x.c(1.0).copysign(x), p / q)
}

/// The inverse of the error function: M. Giles, "Approximating the erfinv function" (GPU Computing Gems, 2010).
#[inline(always)]
pub fn erf_inv<L: Lane>(x: L) -> L {
    let l = log1p(x * -x);
    let near = l.gt(x.c(-5.0));
    let w = L::sel(near, x.c(-2.5) - l, (-l).sqrt() - x.c(3.0));
    let p = poly_either(
        w,
        near,
        [
            2.81022636e-08,
            3.43273939e-07,
            -3.5233877e-06,
            -4.39150654e-06,
            0.00021858087,
            -0.00125372503,
            -0.00417768164,
            0.246640727,
            1.50140941,
        ],
        [
            -0.000200214257,
            0.000100950558,
            0.00134934322,
            -0.00367342844,
            0.00573950773,
            -0.0076224613,
            0.00943887047,
            1.00167406,
            2.83297682,
        ],
    );
    x * L::sel(x.abs().eq(x.c(1.0)), x.c(f64::INFINITY), p)
}
