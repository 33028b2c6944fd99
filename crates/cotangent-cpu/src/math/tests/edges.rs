//! Special values: signed zeros, infinities, NaN, the ends of domains, numbers below the normal ones, huge arguments.

use super::sample::{Rng, error32, error64, exact};
use crate::M;
use crate::math::{eval32, eval64};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Function, arguments, result: true of both types once rounded.
const UNARY: &[(M, f64, f64)] = &[
    (M::Exp, 0.0, 1.0),
    (M::Exp, -0.0, 1.0),
    (M::Exp, INF, INF),
    (M::Exp, -INF, 0.0),
    (M::Exp, 1e5, INF),
    (M::Exp, -1e5, 0.0),
    (M::Exp, NAN, NAN),
    (M::Exp2, 3.0, 8.0),
    (M::Exp2, -1.0, 0.5),
    (M::Exp2, INF, INF),
    (M::Exp2, -INF, 0.0),
    (M::Exp2, NAN, NAN),
    (M::Expm1, 0.0, 0.0),
    (M::Expm1, -0.0, -0.0),
    (M::Expm1, INF, INF),
    (M::Expm1, -INF, -1.0),
    (M::Expm1, NAN, NAN),
    (M::Log, 1.0, 0.0),
    (M::Log, 0.0, -INF),
    (M::Log, -0.0, -INF),
    (M::Log, -1.0, NAN),
    (M::Log, INF, INF),
    (M::Log, -INF, NAN),
    (M::Log, NAN, NAN),
    (M::Log1p, 0.0, 0.0),
    (M::Log1p, -0.0, -0.0),
    (M::Log1p, -1.0, -INF),
    (M::Log1p, -1.5, NAN),
    (M::Log1p, INF, INF),
    (M::Log1p, -INF, NAN),
    (M::Log1p, NAN, NAN),
    (M::Sin, 0.0, 0.0),
    (M::Sin, -0.0, -0.0),
    (M::Sin, INF, NAN),
    (M::Sin, -INF, NAN),
    (M::Sin, NAN, NAN),
    (M::Cos, 0.0, 1.0),
    (M::Cos, -0.0, 1.0),
    (M::Cos, INF, NAN),
    (M::Cos, NAN, NAN),
    (M::Tan, 0.0, 0.0),
    (M::Tan, -0.0, -0.0),
    (M::Tan, -INF, NAN),
    (M::Tan, NAN, NAN),
    (M::Asin, 0.0, 0.0),
    (M::Asin, -0.0, -0.0),
    (M::Asin, 1.0, FRAC_PI_2),
    (M::Asin, -1.0, -FRAC_PI_2),
    (M::Asin, 1.5, NAN),
    (M::Asin, -INF, NAN),
    (M::Asin, NAN, NAN),
    (M::Acos, 1.0, 0.0),
    (M::Acos, -1.0, PI),
    (M::Acos, 0.0, FRAC_PI_2),
    (M::Acos, -1.5, NAN),
    (M::Acos, INF, NAN),
    (M::Acos, NAN, NAN),
    (M::Atan, 0.0, 0.0),
    (M::Atan, -0.0, -0.0),
    (M::Atan, INF, FRAC_PI_2),
    (M::Atan, -INF, -FRAC_PI_2),
    (M::Atan, 1.0, FRAC_PI_4),
    (M::Atan, NAN, NAN),
    (M::Sinh, 0.0, 0.0),
    (M::Sinh, -0.0, -0.0),
    (M::Sinh, INF, INF),
    (M::Sinh, -INF, -INF),
    (M::Sinh, NAN, NAN),
    (M::Cosh, 0.0, 1.0),
    (M::Cosh, -INF, INF),
    (M::Cosh, NAN, NAN),
    (M::Tanh, 0.0, 0.0),
    (M::Tanh, -0.0, -0.0),
    (M::Tanh, INF, 1.0),
    (M::Tanh, -INF, -1.0),
    (M::Tanh, 50.0, 1.0),
    (M::Tanh, NAN, NAN),
    (M::Asinh, 0.0, 0.0),
    (M::Asinh, -0.0, -0.0),
    (M::Asinh, INF, INF),
    (M::Asinh, -INF, -INF),
    (M::Asinh, NAN, NAN),
    (M::Acosh, 1.0, 0.0),
    (M::Acosh, 0.5, NAN),
    (M::Acosh, -2.0, NAN),
    (M::Acosh, INF, INF),
    (M::Acosh, -INF, NAN),
    (M::Acosh, NAN, NAN),
    (M::Atanh, 0.0, 0.0),
    (M::Atanh, -0.0, -0.0),
    (M::Atanh, 1.0, INF),
    (M::Atanh, -1.0, -INF),
    (M::Atanh, 1.5, NAN),
    (M::Atanh, -INF, NAN),
    (M::Atanh, NAN, NAN),
    (M::Logistic, 0.0, 0.5),
    (M::Logistic, INF, 1.0),
    (M::Logistic, -INF, 0.0),
    (M::Logistic, NAN, NAN),
    (M::Cbrt, 0.0, 0.0),
    (M::Cbrt, -0.0, -0.0),
    (M::Cbrt, 27.0, 3.0),
    (M::Cbrt, -8.0, -2.0),
    (M::Cbrt, INF, INF),
    (M::Cbrt, -INF, -INF),
    (M::Cbrt, NAN, NAN),
    (M::Erf, 0.0, 0.0),
    (M::Erf, -0.0, -0.0),
    (M::Erf, INF, 1.0),
    (M::Erf, -INF, -1.0),
    (M::Erf, NAN, NAN),
    (M::Erfc, 0.0, 1.0),
    (M::Erfc, INF, 0.0),
    (M::Erfc, -INF, 2.0),
    (M::Erfc, NAN, NAN),
    (M::ErfInv, 0.0, 0.0),
    (M::ErfInv, -0.0, -0.0),
    (M::ErfInv, 1.0, INF),
    (M::ErfInv, -1.0, -INF),
    (M::ErfInv, 1.5, NAN),
    (M::ErfInv, -INF, NAN),
    (M::ErfInv, NAN, NAN),
    (M::Lgamma, 0.0, INF),
    (M::Lgamma, -0.0, INF),
    (M::Lgamma, 1.0, 0.0),
    (M::Lgamma, 2.0, 0.0),
    (M::Lgamma, -1.0, INF),
    (M::Lgamma, -30.0, INF),
    (M::Lgamma, INF, INF),
    (M::Lgamma, -INF, INF),
    (M::Lgamma, NAN, NAN),
    // JAX's choice at the poles, where the two sides disagree.
    (M::Digamma, 0.0, NAN),
    (M::Digamma, -0.0, NAN),
    (M::Digamma, -1.0, NAN),
    (M::Digamma, INF, INF),
    (M::Digamma, -INF, NAN),
    (M::Digamma, NAN, NAN),
    (M::BesselI0e, 0.0, 1.0),
    (M::BesselI0e, INF, 0.0),
    (M::BesselI0e, -INF, 0.0),
    (M::BesselI0e, NAN, NAN),
    (M::BesselI1e, 0.0, 0.0),
    (M::BesselI1e, -0.0, -0.0),
    (M::BesselI1e, INF, 0.0),
    (M::BesselI1e, -INF, -0.0),
    (M::BesselI1e, NAN, NAN),
];

/// C's `pow` and `atan2`.
const BINARY: &[(M, f64, f64, f64)] = &[
    (M::Pow, 0.0, 3.0, 0.0),
    (M::Pow, -0.0, 3.0, -0.0),
    (M::Pow, -0.0, 2.0, 0.0),
    (M::Pow, -0.0, 0.5, 0.0),
    (M::Pow, 0.0, -3.0, INF),
    (M::Pow, -0.0, -3.0, -INF),
    (M::Pow, -0.0, -2.0, INF),
    (M::Pow, 0.0, -INF, INF),
    (M::Pow, NAN, 0.0, 1.0),
    (M::Pow, INF, -0.0, 1.0),
    (M::Pow, 1.0, NAN, 1.0),
    (M::Pow, 1.0, INF, 1.0),
    (M::Pow, -1.0, INF, 1.0),
    (M::Pow, -1.0, -INF, 1.0),
    (M::Pow, 2.0, INF, INF),
    (M::Pow, -2.0, INF, INF),
    (M::Pow, 0.5, INF, 0.0),
    (M::Pow, 2.0, -INF, 0.0),
    (M::Pow, -0.5, -INF, INF),
    (M::Pow, INF, 2.0, INF),
    (M::Pow, INF, -2.0, 0.0),
    (M::Pow, -INF, 3.0, -INF),
    (M::Pow, -INF, 2.0, INF),
    (M::Pow, -INF, -3.0, -0.0),
    (M::Pow, -INF, 0.5, INF),
    (M::Pow, -2.0, 3.0, -8.0),
    (M::Pow, -2.0, 0.5, NAN),
    (M::Pow, -2.0, -1.0, -0.5),
    (M::Pow, -1.0, 16777215.0, -1.0),
    (M::Pow, -1.0, 16777216.0, 1.0),
    (M::Pow, -1.0, 1e300, 1.0),
    (M::Pow, 2.0, 1e30, INF),
    (M::Pow, 2.0, -1e30, 0.0),
    (M::Pow, -2.0, -1e30, 0.0),
    (M::Pow, NAN, 1.0, NAN),
    (M::Pow, 2.0, NAN, NAN),
    (M::Pow, 3.0, 1.0, 3.0),
    (M::Atan2, 0.0, 1.0, 0.0),
    (M::Atan2, -0.0, 1.0, -0.0),
    (M::Atan2, 0.0, -1.0, PI),
    (M::Atan2, -0.0, -1.0, -PI),
    (M::Atan2, 0.0, 0.0, 0.0),
    (M::Atan2, -0.0, 0.0, -0.0),
    (M::Atan2, 0.0, -0.0, PI),
    (M::Atan2, -0.0, -0.0, -PI),
    (M::Atan2, 1.0, 0.0, FRAC_PI_2),
    (M::Atan2, 1.0, -0.0, FRAC_PI_2),
    (M::Atan2, -1.0, 0.0, -FRAC_PI_2),
    (M::Atan2, 1.0, INF, 0.0),
    (M::Atan2, -1.0, INF, -0.0),
    (M::Atan2, 1.0, -INF, PI),
    (M::Atan2, -1.0, -INF, -PI),
    (M::Atan2, INF, 1.0, FRAC_PI_2),
    (M::Atan2, -INF, -1.0, -FRAC_PI_2),
    (M::Atan2, INF, INF, FRAC_PI_4),
    (M::Atan2, INF, -INF, 3.0 * FRAC_PI_4),
    (M::Atan2, -INF, INF, -FRAC_PI_4),
    (M::Atan2, -INF, -INF, -3.0 * FRAC_PI_4),
    (M::Atan2, 1.0, -1.0, 3.0 * FRAC_PI_4),
    (M::Atan2, NAN, 1.0, NAN),
    (M::Atan2, 1.0, NAN, NAN),
    (M::Atan2, NAN, INF, NAN),
];

#[test]
fn special_values() {
    let unary = UNARY.iter().map(|(m, a, y)| (*m, *a, 0.0, *y));
    for (m, a, b, want) in unary.chain(BINARY.iter().copied()) {
        let got = eval64(m, a, b);
        assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "{m:?}({a}, {b}) = {got}: {want}");
        let (got, want) = (eval32(m, a as f32, b as f32), want as f32);
        // 1e300 is infinite as an f32, which is an even integer as well.
        assert!(got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()), "{m:?}({a}, {b}) = {got}: {want}");
    }
}

/// Random bit patterns reach every exponent: results below the normal numbers, subnormal and huge arguments. The error is counted
/// in units of the result's own spacing, so a result flushed to zero would be off by millions of them. (Those that are computed in `f32`, for which subnormal numbers are zero, are not asked about these.)
#[test]
fn every_exponent() {
    for m in M::ALL {
        let mut r = Rng(11);
        for k in 0..20_000 {
            let (mut a, mut b) = (f64::from_bits(r.next()), f64::from_bits(r.next()));
            if k % 4 == 0 {
                // Subnormal.
                a = f64::from_bits(r.next() >> 12 | a.to_bits() & 1 << 63);
            }
            if m == M::Pow && k % 2 == 0 {
                // An exponent for which the result is in range, or just below.
                b = r.between(-1100.0, 1100.0) / a.abs().log2();
                b = if a < 0.0 { b.round() } else { b };
            }
            let (mut fa, mut fb) = (f32::from_bits(r.next() as u32), f32::from_bits(r.next() as u32));
            if k % 4 == 0 {
                fa = f32::from_bits(r.next() as u32 & 0x807f_ffff);
            }
            if m == M::Pow && k % 2 == 0 {
                fb = (r.between(-150.0, 130.0) / (fa.abs() as f64).log2()) as f32;
                fb = if fa < 0.0 { fb.round() } else { fb };
            }
            if let Some(want) = exact(m, a, b) {
                // Where lgamma has zeros between the negative integers, and the tails of erfc, see `ulp`.
                let bar = if m == M::Lgamma && a < 0.0 { continue } else { 3.0 };
                let got = eval64(m, a, b);
                let e = error64(got, want);
                assert!(e <= bar, "{m:?}({a:e}, {b:e}) = {got:e}: {want:e}, {e} ulp");
            }
            let want = exact(m, fa as f64, fb as f64).unwrap_or_else(|| eval64(m, fa as f64, fb as f64));
            if matches!(m, M::Exp | M::Exp2 | M::Logistic | M::Log | M::Erfc)
                && (fa.is_subnormal() || (want as f32).is_subnormal())
            {
                continue;
            }
            let bar = match m {
                M::Lgamma if fa < 0.0 => continue,
                M::Tanh | M::Erf | M::Expm1 => 5.5,
                M::ErfInv => continue,
                M::Logistic | M::Log1p => 2.6,
                M::Exp if fa > 88.37 => 3.7,
                M::Exp | M::Log => 1.2,
                M::Exp2 => 1.38,
                M::Erfc => 2.5,
                M::BesselI0e => 3.26,
                _ => 0.51,
            };
            let got = eval32(m, fa, fb);
            let e = error32(got, want);
            assert!(e <= bar, "{m:?}({fa:e}, {fb:e}) = {got:e}: {want:e}, {e} ulp");
        }
    }
}

/// Exponentials fade out: of `f64` through the subnormal numbers; of `f32` they are zero (or what a processor takes for zero) below the least normal one.
#[test]
fn exponentials_fade_out() {
    for k in 0..4000 {
        for (m, from, to, bar) in [
            (M::Exp, -87.0, -104.0, 1.2),
            (M::Logistic, -87.0, -104.0, 2.6),
            (M::Exp2, -125.0, -150.0, 1.38),
            (M::Erfc, 9.0, 10.5, 2.5),
        ] {
            let x = (from + (to - from) * k as f64 / 4000.0) as f32;
            // That of the logistic function is the exponential here.
            let want = exact(m, x as f64, 0.0).unwrap_or_else(|| core_math::exp(x as f64));
            let y = eval32(m, x, 0.0);
            match y.is_normal() {
                true => assert!(error32(y, want) <= bar, "{m:?}({x}) is off by {} ulp", error32(y, want)),
                false => {
                    assert!(y >= 0.0 && want < 1.000_001 * f32::MIN_POSITIVE as f64, "{m:?}({x}) = {y:e}: {want:e}")
                }
            }
        }
        let x = -708.0 - 37.5 * k as f64 / 4000.0;
        let want = core_math::exp(x);
        for (m, bar) in [(M::Exp, 1.0), (M::Logistic, 1.0)] {
            let e = error64(eval64(m, x, 0.0), want);
            assert!(e <= bar, "{m:?}({x}) is off by {e} ulp");
        }
    }
}

/// 2^k for an integer is a power of two, to the last one that is finite and the least normal one, and just beyond.
#[test]
fn powers_of_two_are_exact() {
    for k in -126..128 {
        assert_eq!(eval32(M::Exp2, k as f32, 0.0), 2f64.powi(k) as f32);
    }
    for k in -1022..1024 {
        assert_eq!(eval64(M::Exp2, k as f64, 0.0), 2f64.powi(k));
    }
    assert_eq!(eval32(M::Exp2, 128.0, 0.0), f32::INFINITY);
    let last = 128f32.next_down();
    assert!(error32(eval32(M::Exp2, last, 0.0), core_math::exp2(last as f64)) <= 1.38);
    assert_eq!(eval32(M::Exp2, f32::MIN, 0.0), 0.0);
}

/// Arguments of trigonometric functions on both sides of where the reduction changes, multiples of pi / 2 rounded, and the
/// double closest to a multiple of pi / 2 of all.
#[test]
fn huge_angles() {
    let mut r = Rng(3);
    let mut v = vec![6381956970095103.0 * 2f64.powi(797), f64::MAX, 2f64.powi(1023), 2f64.powi(127)];
    for k in 0..20_000 {
        v.push((r.power(0.0, 100.0) * FRAC_2_PI_INV).round() * FRAC_PI_2);
        v.push(r.either(20.0, 1023.9));
        v.push(f64::from_bits(super::super::trig::FAR.to_bits() - 10_000 + k));
    }
    let (mut all, mut misrounded) = (0, 0);
    for x in v {
        for m in [M::Sin, M::Cos, M::Tan] {
            let want = exact(m, x, 0.0).unwrap();
            let e = error64(eval64(m, x, 0.0), want);
            all += 1;
            misrounded += (e > 0.0) as usize;
            assert!(e <= 1.0, "{m:?}({x:e}) is off by {e} ulp");
            let x = x as f32;
            if x.is_finite() {
                let want = exact(m, x as f64, 0.0).unwrap();
                let e = error32(eval32(m, x, 0.0), want);
                assert!(e <= 0.51, "{m:?}({x:e}) is off by {e} ulp");
            }
        }
    }
    // With an error of 0.501, one in a thousand is not correctly rounded.
    assert!(misrounded * 1000 < all, "{misrounded} of {all} are not correctly rounded");
}
const FRAC_2_PI_INV: f64 = 1.0 / FRAC_PI_2;

/// On the negative axis, where the relative error has no bound near the zeros, the error relative to the greater of the terms.
#[test]
fn negative_gamma() {
    let mut r = Rng(5);
    for _ in 0..50_000 {
        let x = -r.between(0.0, 40.0);
        let want = exact(M::Lgamma, x, 0.0).unwrap();
        let got = eval64(M::Lgamma, x, 0.0);
        let bar = 4.0 * f64::EPSILON * core_math::lgamma(-x).abs().max(want.abs()).max(1.0);
        assert!((got - want).abs() <= bar, "lgamma({x}) = {got}: {want}");
        let f = eval32(M::Lgamma, x as f32, 0.0) as f64;
        let want = exact(M::Lgamma, x as f32 as f64, 0.0).unwrap();
        let bar = 1e-15 * core_math::lgamma(-x).abs() + f32::EPSILON as f64 * want.abs();
        assert!((f - want).abs() <= bar.max(1e-15), "lgamma({x}) = {f}: {want}");
        // digamma(x) = digamma(x + n) - 1 / x - .. - 1 / (x + n - 1)
        let n = 2 - x.floor() as i64;
        let mut want = eval64(M::Digamma, x + n as f64, 0.0);
        let mut size = want.abs();
        for k in 0..n {
            let t = 1.0 / (x + k as f64);
            want -= t;
            size += t.abs() * (1.0 + (x / (x + k as f64)).abs());
        }
        let got = eval64(M::Digamma, x, 0.0);
        assert!((got - want).abs() <= 4.0 * f64::EPSILON * size, "digamma({x}) = {got}: {want}");
    }
}
