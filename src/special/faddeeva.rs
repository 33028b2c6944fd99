//! The Faddeeva function of complex numbers, and the Fresnel integrals, which are its values on a diagonal.

use super::function::{Row, Slope, apply};
use super::gamma::widened;
use super::*;
use crate::error::{ErrorKind, fail};
use crate::prim::{complex, convert_element_type, imag, real};
use crate::{DType, np};
use num_complex::Complex;
use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::LazyLock;

/// How many powers the expansion has.
const N: usize = 48;
/// The number that maps the upper half of the plane onto the unit circle (Weideman, 1994).
fn scale() -> f64 {
    (N as f64 / 2f64.sqrt()).sqrt()
}
/// The coefficients, that of the highest power first: a Fourier series of e^(-t^2) (L^2 + t^2) in the angle of which t is the tangent.
static COEFFICIENTS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let half = 4 * N as i64;
    let point = |k: i64| {
        let angle = k as f64 * PI / half as f64;
        let t = scale() * (angle / 2.0).tan();
        (angle, (-t * t).exp() * (scale() * scale() + t * t))
    };
    let points: Vec<(f64, f64)> = (1 - half..half).map(point).collect();
    let coefficient =
        |n: usize| points.iter().map(|(angle, f)| f * (n as f64 * angle).cos()).sum::<f64>() / (2 * half) as f64;
    (1..=N).rev().map(coefficient).collect()
});

fn constant(re: f64, im: f64) -> Complex<f64> {
    Complex::new(re, im)
}
/// Of numbers whose imaginary part is not negative, as complex128.
fn upper(z: &Array) -> Array {
    // far out the first term of the asymptotic series is all
    let far = prim::gt(&prim::abs(z), &prim::lit(&real(z), 1e9));
    let whole = prim::select_n(&far, &[&prim::full_of(z.aval(), 1.0), z]);
    let near = prim::select_n(&far, &[z, &prim::full_of(z.aval(), 1.0)]);
    let iz = near * constant(0.0, 1.0);
    let under = scale() - &iz;
    let turned = (scale() + iz) / &under;
    let y = 2.0 * polynomial(&COEFFICIENTS, &turned) / (&under * &under) + 1.0 / PI.sqrt() / under;
    prim::select_n(&far, &[&y, &(constant(0.0, 1.0 / PI.sqrt()) / whole)])
}
/// The Faddeeva function e^(-z^2) erfc(-i z) of complex numbers: the scaled complementary error function, turned by a right angle. Real numbers become complex ones. It is computed in
/// complex128 and rounded once. As `jax.scipy.special.wofz`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// let w = special::wofz(&array(1.0));
/// assert_eq!(w.to_string(), "(0.36787945+0.6071577j)");
/// ```
///
/// # Panics
/// If elements are no numbers.
#[track_caller]
pub fn wofz(z: &Array) -> Array {
    if !z.dtype().is_number() {
        fail(ErrorKind::Type, format!("wofz: takes numbers, not elements of type {}", z.dtype()))
    }
    let own = z.dtype().to_inexact().to_complex();
    let z = convert_element_type(z, DType::Complex128, z.weak_type());
    let below = prim::lt(&imag(&z), &prim::lit(&imag(&z), 0.0));
    let w = upper(&prim::select_n(&below, &[&z, &-&z]));
    // below the real axis by what is at -z
    let there = prim::select_n(&below, &[&prim::zeros_of(z.aval()), &z]);
    let mirrored = 2.0 * prim::exp(&-(&there * &there)) - &w;
    let y = prim::select_n(&below, &[&w, &mirrored]);
    convert_element_type(&y, own, y.weak_type())
}

/// Both integrals of a number of 0 and more: first that of the sine.
fn integrals(x: &Array) -> (Array, Array) {
    let small = below(x, 1.5);
    let near = put(&!&small, 0.0, x);
    let square = FRAC_PI_2 * &near * &near;
    // (pi/2 x^2)^k x / (k! (2 k + 1)), over odd k and over even k, with changing signs
    let series = |first: usize| {
        let mut factorial = 1.0;
        let mut terms = vec![];
        for k in 0..40 {
            factorial *= (k as f64).max(1.0);
            if k % 2 == first {
                let sign = if (k / 2) % 2 == 0 { 1.0 } else { -1.0 };
                terms.push(sign / (factorial * (2 * k + 1) as f64))
            }
        }
        terms.reverse();
        polynomial(&terms, &(&square * &square))
    };
    let (s_near, c_near) = (series(1) * &square * &near, series(0) * &near);
    let fine = !&small & below(x, 1e8);
    let far = put(&!&fine, 2.0, x);
    let w = upper(&complex(&(0.5 * PI.sqrt() * &far), &(0.5 * PI.sqrt() * &far)));
    // the angle pi/2 x^2, of which whole turns are nothing
    let square = &far * &far;
    let angle = FRAC_PI_2 * prim::rem(&square, &lit(&square, 4.0));
    let turned = complex(&prim::cos(&angle), &prim::sin(&angle)) * w;
    let y = constant(0.5, 0.5) * (1.0 - turned);
    let (s_far, c_far) = (imag(&y), real(&y));
    let rest = |far: &Array| put(&!(&small | &fine | is_nan(x)), 0.5, &put(&is_nan(x), f64::NAN, far));
    (pick(&small, &s_near, &rest(&s_far)), pick(&small, &c_near, &rest(&c_far)))
}
fn angle(x: &Array) -> Array {
    let square = x * x;
    FRAC_PI_2 * prim::rem(&square, &lit(&square, 4.0))
}
special! {
    /// The Fresnel integral of the sine, from 0 to x of sin(pi t^2 / 2): the first result of [`fresnel`].
    fresnel_s(x) in Float64, |x| prim::sign(&x[0]) * integrals(&x[0].abs()).0, [Slope::Of(|x, _| widened(x, |x| prim::sin(&angle(&x[0]))))], of ("1.0") is "0.43825915";
    /// The Fresnel integral of the cosine, from 0 to x of cos(pi t^2 / 2): the second result of [`fresnel`].
    fresnel_c(x) in Float64, |x| prim::sign(&x[0]) * integrals(&x[0].abs()).1, [Slope::Of(|x, _| widened(x, |x| prim::cos(&angle(&x[0]))))], of ("1.0") is "0.7798934";
}
/// Both Fresnel integrals, that of the sine first: [`fresnel_s`] and [`fresnel_c`]. As `jax.scipy.special.fresnel`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// let (s, c) = special::fresnel(&array(2.0));
/// assert_eq!(format!("{s} {c}"), "0.34341568 0.4882534");
/// ```
#[track_caller]
pub fn fresnel(x: &Array) -> (Array, Array) {
    let _line = np::here();
    (fresnel_s(x), fresnel_c(x))
}
