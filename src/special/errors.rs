//! Error functions, the normal distribution, and the logistic function with its inverse.

use super::function::{Row, Slope, apply, real};
use super::*;
use crate::DType;
use crate::prim::{convert_element_type, div, exp, log, log1p, mul, mul_add};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

/// Primitives by their names in SciPy.
macro_rules! renamed { ($($(#[$doc:meta])* $name:ident $prim:ident of $of:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{prelude::*, special};\nassert_eq!(special::", stringify!($name), "(&array(", $of, ")).to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { prim::$prim(&real(stringify!($name), x)) }
)* } }
renamed! {
    /// The error function. As `jax.scipy.special.erf`.
    erf erf of "0.5" is "0.5204999";
    /// The complementary error function, 1 - erf(x). As `jax.scipy.special.erfc`.
    erfc erfc of "0.5" is "0.47950011";
    /// The inverse of the error function. As `jax.scipy.special.erfinv`.
    erfinv erf_inv of "0.5" is "0.47693628";
    /// The logistic function, the inverse of [`logit`]. As `jax.scipy.special.expit`.
    expit logistic of "0.0" is "0.5";
}

fn scaled_erfc(x: &Array) -> Array {
    let far = above(x, 5.0);
    let near = put(&far, 0.0, x);
    let near = exp(&(&near * &near)) * prim::erfc(&near);
    // Laplace's continued fraction, from its end
    let x = put(&!&far, 5.0, x);
    let tail = (1..=30).rev().fold(x.clone(), |tail, k| &x + (k as f64 / 2.0) / tail);
    pick(&far, &(0.5 * FRAC_2_SQRT_PI / tail), &near)
}
fn log_normal(x: &Array) -> Array {
    let (left, right) = (below(x, -1.0), above(x, 0.0));
    let tail = put(&!&left, -1.0, x);
    let tail = log(&(0.5 * scaled_erfc(&(&tail * -FRAC_1_SQRT_2)))) - 0.5 * &tail * &tail;
    let rest = put(&left, 0.0, x);
    let middle = log(&(0.5 * prim::erfc(&(&rest * -FRAC_1_SQRT_2))));
    let upper = log1p(&(-0.5 * prim::erfc(&(&rest * FRAC_1_SQRT_2))));
    pick(&left, &tail, &pick(&right, &upper, &middle))
}
/// The distribution function of the standard normal distribution.
fn normal(x: &Array) -> Array {
    if x.dtype() == DType::Float64 {
        return 0.5 * prim::erfc(&(x * -FRAC_1_SQRT_2));
    }
    // erfc(t + r) / 2, where t is rounded and r is what that takes away: far out it would count hundreds of times. From -20 on it is 0, from 20 on 1.
    let x = convert_element_type(x, DType::Float32, x.weak_type());
    let x = prim::max(&prim::min(&x, &lit(&x, 20.0)), &lit(&x, -20.0));
    const FACTOR: f64 = -FRAC_1_SQRT_2 as f32 as f64;
    let t = &x * FACTOR;
    let r = mul_add(&x, &lit(&x, FACTOR), &-&t);
    let r = mul_add(&x, &lit(&x, -FRAC_1_SQRT_2 - FACTOR), &r);
    // erfc(t + r) = (1 - g r) erfc(t) for small r, with g close to 2 t + 0.18 where that counts; on the other side nothing is above 1
    let g = 2.0 * &t + 0.18;
    let g = prim::max(&g, &lit(&g, 0.0));
    let y = 0.5 * prim::erfc(&t);
    mul_add(&y, &(-g * r), &y)
}
/// The density of the standard normal distribution, as a logarithm.
fn log_density(x: &Array) -> Array {
    -0.5 * x * x - 0.5 * (2.0 * PI).ln()
}
fn normal_quantile(p: &Array) -> Array {
    let inside = above(p, 0.0) & below(p, 1.0);
    let upper = above(p, 0.5);
    let tail = put(&!&inside, 0.25, &pick(&upper, &(1.0 - p), p));
    let logarithm = log(&tail);
    // an estimate (Abramowitz and Stegun, 26.2.23), then Newton's method on the logarithm of the distribution function
    let t = prim::sqrt(&(-2.0 * &logarithm));
    let over = polynomial(&[0.010328, 0.802853, 2.515517], &t);
    let under = polynomial(&[0.001308, 0.189269, 1.432788, 1.0], &t);
    let mut x = over / under - t;
    for _ in 0..4 {
        let at = log_normal(&x);
        x = &x - (&at - &logarithm) * exp(&(at - log_density(&x)))
    }
    let y = pick(&upper, &-&x, &x);
    let edge = put(&is(p, 0.0), f64::NEG_INFINITY, &put(&is(p, 1.0), f64::INFINITY, &full(p, f64::NAN)));
    pick(&inside, &y, &edge)
}
fn dawson(x: &Array) -> Array {
    const H: f64 = 0.25;
    // sums of shifted bells (Rybicki, 1989), around the nearest even one
    let size = x.abs();
    let center = 2.0 * prim::round_even(&(&size / (2.0 * H)));
    let off = &size - &center * H;
    let mut sum = full(x, 0.0);
    for k in (-27..=27).step_by(2) {
        let k = k as f64;
        let from = &off - k * H;
        sum += exp(&-(&from * &from)) / (&center + k)
    }
    let far = sum * (0.5 * FRAC_2_SQRT_PI) * prim::sign(x);
    // of a small number the powers: sum of (-2)^k x^(2k+1) / (2k+1)!!
    let small = below(&size, 0.4);
    let near = put(&!&small, 0.0, x);
    let square = &near * &near;
    let series = (1..=14).rev().fold(full(x, 1.0), |y, k| 1.0 - y * &square * (2.0 / (2 * k + 1) as f64));
    let y = pick(&small, &(near * series), &far);
    // far out the bells are too many to count
    let huge = above(&size, 1e8);
    pick(&huge, &(0.5 / put(&!&huge, 1.0, x)), &y)
}

special! {
    /// The complementary error function times e^(x^2). As `jax.scipy.special.erfcx` of real numbers.
    erfcx(x) in Float64, |x| scaled_erfc(&x[0]), [Slope::Of(|x, y| 2.0 * x[0] * y - FRAC_2_SQRT_PI)], of ("10.0") is "0.056140993";
    /// Dawson's integral, e^(-x^2) times the integral of e^(t^2) from 0 to x. As `jax.scipy.special.dawsn`.
    dawsn(x) in Float64, |x| dawson(&x[0]), [Slope::Of(|x, y| 1.0 - 2.0 * x[0] * y)], of ("1.0") is "0.5380795";
    /// The distribution function of the standard normal distribution. As `jax.scipy.special.ndtr`.
    ndtr(x), |x| normal(&x[0]), [Slope::Of(|x, _| exp(&log_density(x[0])))], of ("1.0") is "0.8413448";
    /// Its logarithm, accurate far out, too. As `jax.scipy.special.log_ndtr`.
    log_ndtr(x) in Float64, |x| log_normal(&x[0]), [Slope::Of(|x, y| exp(&(log_density(x[0]) - y)))], of ("-20.0") is "-203.91716";
    /// Its inverse: minus infinity and infinity at 0 and 1, and NaN beyond. As `jax.scipy.special.ndtri`.
    ndtri(p) in Float64, |p| normal_quantile(&p[0]), [Slope::Of(|_, y| exp(&-log_density(y)))], of ("0.975") is "1.9599644";
    /// log(x / (1 - x)), the inverse of [`expit`]. As `jax.scipy.special.logit`.
    logit(x), |x| log(&div(&x[0], &(1.0 - &x[0]))), [Slope::Of(|x, _| 1.0 / mul(x[0], &(1.0 - x[0])))], of ("0.5") is "0.0";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error of a float32, in units in the last place of the true value.
    fn off(y: f32, want: f64) -> f64 {
        (y as f64 - want).abs() / 2f64.powi(want.log2().floor() as i32 - 23)
    }

    #[test]
    fn normal_distribution_of_float32() {
        // true values, by mpmath
        let table = [
            (-12.921875, 1.6939190889533393e-38),
            (-11.140625, 3.9779522662916162e-29),
            (-8.890625, 3.038306608946954e-19),
            (-5.328125, 4.9615912149194104e-8),
            (-2.71875, 0.0032764557549083443),
            (-1.0, 0.15865525393145705),
            (0.0078125, 0.5031167048608426),
            (1.578125, 0.94273155205437),
            (4.25, 0.999989311474225),
        ];
        for (x, want) in table {
            let y = ndtr(&Array::from_slice(&[x as f32], &[])).to_vec::<f32>()[0];
            assert!(off(y, want) <= 3.3, "ndtr({x}) = {y:e}: {want:e}");
        }
        // the whole axis, against float64
        let x: Vec<f32> = (0..200_000).map(|k| -12.94 + k as f32 * 1.5e-4).collect();
        let wide = Array::from_slice(&x.iter().map(|x| *x as f64).collect::<Vec<_>>(), &[x.len()]);
        let (y, want) = (ndtr(&Array::from_slice(&x, &[x.len()])).to_vec::<f32>(), ndtr(&wide).to_vec::<f64>());
        for ((x, y), want) in x.iter().zip(y).zip(want) {
            assert!(y <= 1.0 && off(y, want) <= 3.3, "ndtr({x}) = {y:e}: {want:e}, off by {}", off(y, want));
        }
    }

    #[test]
    fn ends_of_the_normal_distribution() {
        let ends =
            [f64::NEG_INFINITY, f32::MIN as f64, -20.0, 0.0, 9.0, 20.0, f32::MAX as f64, f64::INFINITY, f64::NAN];
        for t in [DType::Float16, DType::BFloat16, DType::Float32, DType::Float64] {
            let y = ndtr(&convert_element_type(&Array::from_slice(&ends, &[9]), t, false));
            assert_eq!(y.dtype(), t);
            let y = convert_element_type(&y, DType::Float32, false).to_vec::<f32>();
            assert_eq!(y[..8], [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0], "{t}");
            assert!(y[8].is_nan(), "{t}");
        }
    }
}
