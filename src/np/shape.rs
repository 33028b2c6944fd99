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

/// Booleans are counted as int32.
fn countable(x: &Array) -> Array {
    if x.dtype().is_bool() { prim::convert_element_type(x, DType::Int32, false) } else { x.clone() }
}
fn all_axes(x: &Array) -> Shape {
    (0..x.ndim()).collect()
}

impl Array {
    /// The sum of all elements.
    #[track_caller]
    pub fn sum(&self) -> Array {
        prim::reduce_sum(&countable(self), &all_axes(self))
    }
    /// The mean of all elements.
    #[track_caller]
    pub fn mean(&self) -> Array {
        let x = crate::np::to_inexact(self);
        let n = x.size() as f64;
        let s = prim::reduce_sum(&x, &all_axes(self));
        prim::div(&s, &prim::lit(&s, n))
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
