//! Shapes, sums and products, with NumPy's names.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::prim;

/// `x` repeated to a shape that it broadcasts to.
#[track_caller]
pub fn broadcast_to(x: &Array, shape: &[usize]) -> Array {
    if x.shape() == shape {
        return x.clone();
    }
    if x.ndim() > shape.len() || crate::array::broadcast_shapes(&[x.shape(), shape]).as_deref() != Some(shape) {
        fail(
            ErrorKind::Shape,
            format!("broadcast_to: shape {} does not broadcast to {}", tuple(x.shape()), tuple(shape)),
        )
    }
    prim::broadcast_in_dim(x, shape, &(shape.len() - x.ndim()..shape.len()).collect::<Vec<_>>())
}

/// With so many dimensions, new ones of extent 1 in front, unless it is a scalar: what elementwise operations broadcast.
#[track_caller]
pub(crate) fn ranked(x: &Array, rank: usize) -> Array {
    if x.ndim() == 0 || x.ndim() == rank {
        return x.clone();
    }
    prim::reshape(x, &std::iter::repeat_n(1, rank - x.ndim()).chain(x.shape().iter().copied()).collect::<Shape>())
}

/// The sum over `axes` in the type in which sums are made: booleans and integers of fewer than 32 bits are counted with 32, and what has half
/// precision is added in float32. It is divided before it is of half precision again.
#[track_caller]
pub(crate) fn sum_over(x: &Array, axes: &[usize], divided: Option<f64>) -> Array {
    let t = x.dtype();
    let wide = match t {
        DType::Bool | DType::Int8 | DType::Int16 => DType::Int32,
        DType::Uint8 | DType::Uint16 => DType::Uint32,
        DType::Float16 | DType::BFloat16 => DType::Float32,
        _ => t,
    };
    let x_wide = if wide == t { x.clone() } else { prim::convert_element_type(x, wide, false) };
    let mut y = prim::reduce_sum(&x_wide, axes);
    if let Some(n) = divided {
        y = prim::div(&y, &prim::lit(&y, n))
    }
    if t.is_float() && wide != t { prim::convert_element_type(&y, t, x.weak_type()) } else { y }
}
fn all_axes(x: &Array) -> Shape {
    (0..x.ndim()).collect()
}

impl Array {
    /// The sum of all elements: a scalar, 0 if there are none. Booleans and integers of fewer than 32 bits give int32 or uint32; float16
    /// and bfloat16 are added in float32.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array(vec![100i8, 100]).sum().to_string(), "200");
    /// assert_eq!(array![true, false, true].sum().to_string(), "2");
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Array {
        sum_over(self, &all_axes(self), None)
    }
    /// The mean of all elements: a scalar, NaN if there are none. Integers give floating-point numbers; float16 and bfloat16 are added
    /// and divided in float32.
    #[track_caller]
    pub fn mean(&self) -> Array {
        let x = crate::np::to_inexact("mean", self);
        sum_over(&x, &all_axes(self), Some(x.size() as f64))
    }
    /// Dimensions in reverse order.
    #[track_caller]
    pub fn t(&self) -> Array {
        prim::transpose(self, &(0..self.ndim()).rev().collect::<Vec<_>>())
    }
    /// The same elements under another shape.
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Array {
        prim::reshape(self, shape)
    }
}
