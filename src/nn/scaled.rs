//! Products of matrices that come in blocks with a scale each.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np;
use crate::prim;

/// The products of rows of `lhs`, of shape (B, M, K), with rows of `rhs`, (B, N, K): (B, M, N) in float32. Each row consists of blocks of equal length, as many as `lhs_scales`, (B, M, K1), and
/// `rhs_scales`, (B, N, K2), have scales for, by which they are multiplied first. As `jax.nn.scaled_matmul`. [`scaled_matmul_dtype`] has results of other types.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// let (a, b) = (array![[[1., 2., 3., 4.]]], array![[[1., 1., 1., 1.]]]);
/// let y = nn::scaled_matmul(&a, &b, &array![[[10., 1.]]], &array![[[0.5]]]);
/// assert_eq!(y.to_string(), "[[[18.5]]]");
/// ```
///
/// # Panics
/// If shapes are not as said.
#[track_caller]
pub fn scaled_matmul(lhs: &Array, rhs: &Array, lhs_scales: &Array, rhs_scales: &Array) -> Array {
    scaled_matmul_dtype(lhs, rhs, lhs_scales, rhs_scales, DType::Float32)
}
/// [`scaled_matmul`] with results of this type. It is computed in float32, or in float64 if that is the type. As `jax.nn.scaled_matmul`.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// let (a, s) = (array![[[1., 2.]]], array![[[2.]]]);
/// assert_eq!(nn::scaled_matmul_dtype(&a, &a, &s, &s, DType::Float64).to_string(), "[[[20.]]]");
/// ```
///
/// # Panics
/// As [`scaled_matmul`], or if the type is none of floating-point numbers.
#[track_caller]
pub fn scaled_matmul_dtype(lhs: &Array, rhs: &Array, lhs_scales: &Array, rhs_scales: &Array, dtype: DType) -> Array {
    if !dtype.is_float() {
        fail(ErrorKind::Type, format!("scaled_matmul: results are floating-point numbers, not {dtype}"))
    }
    let [wide_lhs, wide_rhs] = [(lhs, lhs_scales), (rhs, rhs_scales)].map(|(x, scales)| {
        let fits = match (x.shape(), scales.shape()) {
            ([b, m, k], [c, n, parts]) => (b, m) == (c, n) && *parts > 0 && k % parts == 0,
            _ => false,
        };
        fits.then(|| {
            let t = if dtype == DType::Float64 { dtype } else { DType::Float32 };
            let [x, scales] = [x, scales].map(|x| prim::convert_element_type(x, t, false));
            let (b, m, parts) = (scales.shape()[0], scales.shape()[1], scales.shape()[2]);
            let blocks = prim::reshape(&x, &[b, m, parts, x.shape()[2] / parts]);
            prim::reshape(&(blocks * prim::expand_dims(&scales, &[3])), x.shape())
        })
    });
    let (Some(x), Some(y)) = (wide_lhs, wide_rhs) else {
        let [a, b, c, d] = [lhs, rhs, lhs_scales, rhs_scales].map(|x| x.aval().to_string());
        fail(
            ErrorKind::Shape,
            format!(
                "scaled_matmul: operands {a} and {b} with scales {c} and {d}; (B, M, K) and (B, N, K) with as many blocks as divide K are needed"
            ),
        )
    };
    let product = np::matmul(&x, &np::matrix_transpose(&y));
    prim::convert_element_type(&product, dtype, false)
}
