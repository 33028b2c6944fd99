//! Special functions, with the names of `scipy.special` and `jax.scipy.special`, element by element. Operands promote and broadcast; integers become floating-point numbers.
//!
//! ```
//! use cotangent::{prelude::*, special};
//! let median = |a: &Array| special::gammainc(a, &array(1.6783469));
//! assert!((median(&array(2.0)).to_f64() - 0.5).abs() < 1e-6);
//! assert!((grad(median)(&array(2.0)).to_f64() + 0.3112).abs() < 1e-4);
//! ```
//!
//! Those without an accurate formula in elementary functions are computed in float64 and rounded once. Loops run until all elements have converged, each of
//! which keeps the value that it converged to, so that no value depends on others.

/// A table of functions, one line each: operands, the type that it computes with, value, derivatives, and an example.
macro_rules! special { ($($(#[$doc:meta])* $name:ident($($x:ident),*) $(in $wide:ident)?, $value:expr, [$($slope:expr),*], of ($($of:literal),*) is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{prelude::*, special};\nassert_eq!(special::", stringify!($name), "(", $("&array(", $of, "), ",)* ").to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $name($($x: &Array),*) -> Array {
        static ROW: Row = Row { name: stringify!($name), value: $value, slopes: &[$($slope),*], wide: [$(Some(DType::$wide),)? None][0] };
        apply(&ROW, &[$($x),*])
    }
)* } }

mod bessel;
mod entropy;
mod errors;
mod exponential;
mod faddeeva;
pub(crate) mod function;
mod gamma;
mod harmonics;
mod hypergeometric;
mod incomplete;
mod owens;

pub use crate::nn::{log_softmax, logsumexp, softmax};
pub use bessel::*;
pub use entropy::*;
pub use errors::*;
pub use exponential::*;
pub use faddeeva::*;
pub use gamma::*;
pub use harmonics::*;
pub use hypergeometric::*;
pub use incomplete::*;
pub use owens::*;

use crate::array::Array;
use crate::prim::{self, full_of, lit, select_n};

/// `yes` where the mask holds, else `no`.
pub(crate) fn pick(mask: &Array, yes: &Array, no: &Array) -> Array {
    select_n(mask, &[no, yes])
}
/// A number where the mask holds, else `x`.
pub(crate) fn put(mask: &Array, v: f64, x: &Array) -> Array {
    select_n(mask, &[x, &full_of(x.aval(), v)])
}
pub(crate) fn full(x: &Array, v: f64) -> Array {
    full_of(x.aval(), v)
}
pub(crate) fn at_most(x: &Array, v: f64) -> Array {
    prim::le(x, &lit(x, v))
}
pub(crate) fn below(x: &Array, v: f64) -> Array {
    prim::lt(x, &lit(x, v))
}
pub(crate) fn above(x: &Array, v: f64) -> Array {
    prim::gt(x, &lit(x, v))
}
pub(crate) fn is(x: &Array, v: f64) -> Array {
    prim::eq(x, &lit(x, v))
}
pub(crate) fn is_nan(x: &Array) -> Array {
    prim::ne(x, x)
}
/// Does any element go on?
fn any(mask: &Array) -> Array {
    prim::reduce_or(mask, &(0..mask.ndim()).collect::<Vec<_>>())
}
/// A polynomial, its coefficient of the highest power first.
fn polynomial(coefficients: &[f64], x: &Array) -> Array {
    let (first, rest) = coefficients.split_first().expect("a coefficient");
    rest.iter().fold(full(x, *first), |y, c| y * x + *c)
}
