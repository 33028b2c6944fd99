//! Activations: functions of one array, element by element. Where they are not smooth, their derivatives are JAX's.

use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, to_inexact, where_};
use crate::prim::{self, lit, select_n};
use crate::special::function::{Row, Slope, apply};

/// One line each: the function, and an example of what it makes.
macro_rules! activations { ($($(#[$doc:meta])* $name:ident |$x:ident| $value:expr, of $of:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{nn, prelude::*};\nassert_eq!(nn::", stringify!($name), "(&array!", $of, ").to_string(), \"", $is, "\");\n```")]
    #[doc = concat!("As `jax.nn.", stringify!($name), "`.")]
    #[track_caller]
    pub fn $name($x: &Array) -> Array { $value }
)* } }
activations! {
    /// x where it is positive, else 0. The derivative at 0 is 0.
    relu |x| {
        let x = counted(x);
        select_n(&prim::le(&x, &lit(&x, 0.0)), &[&x, &prim::zeros_of(x.aval())])
    }, of "[-1., 0., 2.]" is "[0. 0. 2.]";
    /// x limited to 0 and 6. The derivative is 0 at both.
    relu6 |x| {
        let x = counted(x);
        let y = select_n(&prim::le(&x, &lit(&x, 0.0)), &[&x, &prim::zeros_of(x.aval())]);
        // as numbers with 6.0, so that integers become floats
        let y = to_inexact("relu6", &y);
        select_n(&prim::ge(&y, &lit(&y, 6.0)), &[&y, &prim::full_of(y.aval(), 6.0)])
    }, of "[-1., 2., 7.]" is "[0. 2. 6.]";
    /// The logistic function 1 / (1 + e^-x).
    sigmoid |x| prim::logistic(&to_inexact("sigmoid", x)), of "[0., -100.]" is "[0.5 0. ]";
    /// log(1 + e^x), without an overflow.
    softplus |x| apply(&SOFTPLUS, &[x]), of "[-1., 0., 100.]" is "[  0.3132617   0.6931472 100.       ]";
    /// x times [`sigmoid`] of x; also called swish.
    silu |x| { let x = to_inexact("silu", x); &x * prim::logistic(&x) }, of "[-1., 0., 2.]" is "[-0.26894143  0.          1.761594  ]";
    /// [`silu`] by its other name.
    swish |x| silu(x), of "[-1., 0., 2.]" is "[-0.26894143  0.          1.761594  ]";
    /// The logarithm of [`sigmoid`].
    log_sigmoid |x| -softplus(&-to_inexact("log_sigmoid", x)), of "[-1., 0., 2.]" is "[-1.3132617 -0.6931472 -0.126928 ]";
    /// A sigmoid in three straight pieces: [`relu6`] of x + 3, divided by 6.
    hard_sigmoid |x| relu6(&(x + 3.0)) / 6.0, of "[-1., 0., 4.]" is "[0.33333334 0.5        1.        ]";
    /// x times [`hard_sigmoid`] of x.
    hard_silu |x| x * hard_sigmoid(x), of "[-1., 0., 4.]" is "[-0.33333334  0.          4.        ]";
    /// [`hard_silu`] by its other name.
    hard_swish |x| hard_silu(x), of "[-1., 0., 4.]" is "[-0.33333334  0.          4.        ]";
    /// x limited to -1 and 1. The derivative is 1 at both.
    hard_tanh |x| where_(&x.gt(1), 1, where_(&x.lt(-1), -1, x)), of "[-3., 0.5, 2.]" is "[-1.   0.5  1. ]";
    /// The hyperbolic tangent.
    tanh |x| x.tanh(), of "[-1., 0., 2.]" is "[-0.7615942  0.         0.9640276]";
    /// [`elu`] with the scales by which layers of it keep mean and variance (Klambauer et al., 2017).
    selu |x| elu(x, 1.6732632423543772) * 1.0507009873554805, of "[-1., 0., 2.]" is "[-1.1113307  0.         2.101402 ]";
    /// x times the hyperbolic tangent of [`softplus`] of x.
    mish |x| x * softplus(x).tanh(), of "[-1., 0., 2.]" is "[-0.30340144  0.          1.943959  ]";
    /// x / (|x| + 1).
    soft_sign |x| x / (x.abs() + 1), of "[-1., 0., 3.]" is "[-0.5   0.    0.75]";
    /// 0 up to -1, x from 1 on, and a parabola between them.
    sparse_plus |x| {
        let x = to_inexact("sparse_plus", x);
        let upper = where_(&prim::ge(&x, &lit(&x, 1.0)), &x, (&x + 1.0).powi(2) / 4.0);
        where_(&prim::le(&x, &lit(&x, -1.0)), 0.0, &upper)
    }, of "[-1., 0., 2.]" is "[0.   0.25 2.  ]";
    /// The derivative of [`sparse_plus`]: a straight line between -1 and 1.
    sparse_sigmoid |x| 0.5 * (x + 1.0).maximum(0.0).minimum(2.0), of "[-1., 0., 2.]" is "[0.  0.5 1. ]";
    /// log(1 - e^-x) of a positive x, accurate near 0 and for large x.
    log1mexp |x| {
        let x = to_inexact("log1mexp", x);
        let near = prim::lt(&x, &lit(&x, std::f64::consts::LN_2));
        // each branch gets numbers that it is made for, so that neither brings a NaN into the derivative
        let half = prim::full_of(x.aval(), 0.5);
        let (small, large) = (select_n(&near, &[&half, &x]), select_n(&near, &[&x, &prim::full_of(x.aval(), 1.0)]));
        select_n(&near, &[&(-(-large).exp()).log1p(), &(-(-small).expm1()).log()])
    }, of "[0.5, 2.]" is "[-0.93275213 -0.14541346]";
    /// x.
    identity |x| x.clone(), of "[-1., 0., 2.]" is "[-1.  0.  2.]";
}
static SOFTPLUS: Row = Row {
    name: "softplus",
    value: |x| {
        let x = &x[0];
        prim::add(&prim::max(x, &lit(x, 0.0)), &prim::log1p(&prim::exp(&prim::neg(&prim::abs(x)))))
    },
    slopes: &[Slope::Of(|x, _| prim::logistic(x[0]))],
    wide: None,
};

/// Booleans as integers.
fn counted(x: &Array) -> Array {
    if x.dtype() == DType::Bool { x.astype(DType::Int32) } else { x.clone() }
}

/// x where it is positive, else `alpha` (e^x - 1). The derivative at 0 is `alpha`. As `jax.nn.elu`, where `alpha` is 1 by default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::elu(&array![-1., 0., 2.], 1.0).to_string(), "[-0.63212055  0.          2.        ]");
/// ```
#[track_caller]
pub fn elu(x: &Array, alpha: impl Operand) -> Array {
    let x = to_inexact("elu", x);
    let positive = x.gt(0.0);
    where_(&positive, &x, alpha.beside(&x) * where_(&positive, 0.0, &x).expm1())
}
/// [`elu`] with a derivative that is continuous for each `alpha`: below 0 it is `alpha` (e^(x / alpha) - 1). As `jax.nn.celu`, where `alpha` is 1 by
/// default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::celu(&array![-1., 0., 2.], 2.0).to_string(), "[-0.78693867  0.          2.        ]");
/// ```
#[track_caller]
pub fn celu(x: &Array, alpha: impl Operand) -> Array {
    let alpha = alpha.beside(x);
    x.maximum(0.0) + &alpha * (x.minimum(0.0) / &alpha).expm1()
}
/// x where it is not negative, else `slope` times x. The derivative at 0 is 1. As `jax.nn.leaky_relu`, where the slope is 0.01 by default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::leaky_relu(&array![-1., 0., 2.], 0.01).to_string(), "[-0.01  0.    2.  ]");
/// ```
#[track_caller]
pub fn leaky_relu(x: &Array, slope: impl Operand) -> Array {
    where_(&prim::ge(x, &lit(x, 0.0)), x, slope.beside(x) * x)
}
/// (x + sqrt(x^2 + b)) / 2. As `jax.nn.squareplus`, where b is 4 by default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::squareplus(&array![-1., 0., 2.], 4.0).to_string(), "[0.618034  1.        2.4142137]");
/// ```
#[track_caller]
pub fn squareplus(x: &Array, b: impl Operand) -> Array {
    let b = b.beside(x);
    (x + (x * x + b).sqrt()) / 2.0
}
/// x times the distribution function of the normal distribution: approximated by a hyperbolic tangent, or by the error function. As `jax.nn.gelu`,
/// where it is approximated by default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::gelu(&array![-1., 0., 2.], true).to_string(), "[-0.15880796  0.          1.9545977 ]");
/// assert_eq!(nn::gelu(&array![-1., 0., 2.], false).to_string(), "[-0.15865526  0.          1.9544997 ]");
/// ```
#[track_caller]
pub fn gelu(x: &Array, approximate: bool) -> Array {
    let x = to_inexact("gelu", x);
    let y = if approximate {
        let inner = std::f64::consts::FRAC_2_PI.sqrt() * (&x + 0.044715 * x.powi(3));
        &x * (0.5 * (1.0 + inner.tanh()))
    } else {
        0.5 * &x * prim::erfc(&(-&x * std::f64::consts::FRAC_1_SQRT_2))
    };
    // its constants are no literals in JAX
    prim::convert_element_type(&y, y.dtype(), false)
}
/// The first half along `axis` times [`sigmoid`] of the second half. As `jax.nn.glu`, where the axis is the last by default.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::glu(&array![1., 2., 0., 0.], -1).to_string(), "[0.5 1. ]");
/// ```
///
/// # Panics
/// If there is no such axis, or if its extent is odd.
#[track_caller]
pub fn glu(x: &Array, axis: i32) -> Array {
    let d = np::dimension("glu", axis, x);
    let n = x.shape()[d];
    if !n.is_multiple_of(2) {
        fail(
            ErrorKind::Shape,
            format!("glu: axis {axis} of shape {} has an odd extent and no halves", tuple(x.shape())),
        )
    }
    let half = |k: usize| prim::slice_in_dim(x, k * n / 2, (k + 1) * n / 2, 1, d);
    half(0) * sigmoid(&half(1))
}
