//! JAX's names for what is the same here: operations, which say what they take and convert nothing, and functions of other rooms.

pub use crate::np::{broadcast_shapes, unstack};
/// As `jax.lax.bitwise_and`.
pub use crate::prim::and as bitwise_and;
/// As `jax.lax.broadcasted_iota`.
pub use crate::prim::iota as broadcasted_iota;
/// As `jax.lax.bitwise_not`.
pub use crate::prim::not as bitwise_not;
/// As `jax.lax.bitwise_or`.
pub use crate::prim::or as bitwise_or;
/// As `jax.lax.bitwise_xor`.
pub use crate::prim::xor as bitwise_xor;
pub use crate::prim::{
    GatherDimensionNumbers, GatherOptions, GatherScatterMode, ScatterDimensionNumbers, abs, acos, acosh, add, argmax,
    argmin, asin, asinh, atan, atan2, atanh, bessel_i0e, bessel_i1e, bitcast_convert_type, broadcast_in_dim, cbrt,
    ceil, clamp, clz, complex, concatenate, conj, convert_element_type, cos, cosh, cumlogsumexp, cummax, cummin,
    cumprod, cumsum, digamma, div, dot_general, eq, erf, erf_inv, erfc, exp, exp2, expand_dims, expm1, fft, floor,
    gather, ge, gt, imag, integer_pow, iota, is_finite, le, lgamma, log, log1p, logistic, lt, max, min, mul, mulhi, ne,
    neg, nextafter, pad, polygamma, population_count, pow, real, reduce_and, reduce_max, reduce_min, reduce_or,
    reduce_precision, reduce_prod, reduce_sum, reduce_xor, rem, reshape, rev, rsqrt, scatter, scatter_add, scatter_max,
    scatter_min, scatter_mul, scatter_sub, select_n, shift_left, shift_right_arithmetic, shift_right_logical, sign,
    sin, sinh, slice, slice_in_dim, sqrt, squeeze, stack, stop_gradient, sub, tan, tanh, tile, transpose,
};
/// As `jax.lax.igamma`.
pub use crate::special::gammainc as igamma;
/// As `jax.lax.igamma_grad_a`.
pub use crate::special::gammainc_grad_a as igamma_grad_a;
/// As `jax.lax.igammac`.
pub use crate::special::gammaincc as igammac;
pub use crate::special::{betainc, random_gamma_grad, zeta};
