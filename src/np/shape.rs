//! Shapes, with NumPy's names.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::error::{ErrorKind, fail};
use crate::prim;

/// `x` repeated to a shape that it broadcasts to. As `jax.numpy.broadcast_to`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::broadcast_to(&array![1, 2], &[2, 2]).to_string(), "[[1 2]\n [1 2]]");
/// ```
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

impl Array {
    /// Dimensions in reverse order.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2, 3], [4, 5, 6]].t().to_string(), "[[1 4]\n [2 5]\n [3 6]]");
    /// ```
    #[track_caller]
    pub fn t(&self) -> Array {
        prim::transpose(self, &(0..self.ndim()).rev().collect::<Vec<_>>())
    }
    /// The same elements under another shape.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3, 4].reshape(&[2, 2]).to_string(), "[[1 2]\n [3 4]]");
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Array {
        prim::reshape(self, shape)
    }
}
