//! Shapes, with NumPy's names.

use crate::array::Array;
use crate::aval::{Shape, tuple};
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
