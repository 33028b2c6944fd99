//! Bessel functions.

use super::function::real;
use super::*;
use crate::DType;
use crate::lax::Scan;
use crate::prim::{bessel_i0e, bessel_i1e, exp, iota};

/// Functions of one number that are made of primitives.
macro_rules! bessel { ($($(#[$doc:meta])* $name:ident |$x:ident| $value:expr, of $of:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{prelude::*, special};\nassert_eq!(special::", stringify!($name), "(&array(", $of, ")).to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { let $x = &real(stringify!($name), x); $value }
)* } }
bessel! {
    /// The modified Bessel function of the first kind of order 0. As `jax.scipy.special.i0`.
    i0 |x| exp(&x.abs()) * bessel_i0e(x), of "1.0" is "1.2660658";
    /// [`i0`] times e^-|x|. As `jax.scipy.special.i0e`.
    i0e |x| bessel_i0e(x), of "1.0" is "0.4657596";
    /// The modified Bessel function of the first kind of order 1. As `jax.scipy.special.i1`.
    i1 |x| exp(&x.abs()) * bessel_i1e(x), of "1.0" is "0.5651591";
    /// [`i1`] times e^-|x|. As `jax.scipy.special.i1e`.
    i1e |x| bessel_i1e(x), of "1.0" is "0.20791042";
}

/// The Bessel functions of the first kind of the orders 0 to `order`, along a new first axis, by recurrence downwards from order `turns` (Miller's method). They are good where
/// `turns` is well above `order` and |x|, and NaN at 0. As `jax.scipy.special.bessel_jn`, where there are 50 turns by default.
///
/// ```
/// use cotangent::{prelude::*, special};
/// let j = special::bessel_jn(&Array::from_slice(&[1f64], &[]), 1, 50).to_vec::<f64>();
/// assert!((j[0] - 0.7651976865579666).abs() < 1e-14 && (j[1] - 0.44005058574493355).abs() < 1e-14);
/// ```
#[track_caller]
pub fn bessel_jn(x: &Array, order: usize, turns: usize) -> Array {
    let x = real("bessel_jn", x);
    let dtype = x.dtype();
    // the numbers grow beyond those of float32
    let x = prim::convert_element_type(&x, DType::Float64, x.weak_type());
    let n = turns.max(order);
    let orders = iota(x.dtype(), &[n + 1], 0);
    let init = (full(&x, 0.0), full(&x, 1e-16), full(&x, 0.0));
    let turn = |(above, here, sum): &(Array, Array, Array), k: &Array| {
        let next = 2.0 * (k + 1.0) * here / &x - above;
        // J_0 + 2 J_2 + 2 J_4 + .. is 1
        let even = is(&prim::rem(k, &lit(k, 2.0)), 0.0);
        let sum = sum + 2.0 * &next * prim::convert_element_type(&even, x.dtype(), false);
        ((here.clone(), next.clone(), sum), next)
    };
    let ((_, first, sum), all) = Scan::new().reverse(true).run(turn, &init, &orders);
    let y = prim::slice_in_dim(&all, 0, order + 1, 1, 0) / (sum - first);
    prim::convert_element_type(&y, dtype, y.weak_type())
}
