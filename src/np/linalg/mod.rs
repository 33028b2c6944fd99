//! Linear algebra of the matrices in the last two dimensions of arrays: factorizations, equations, functions of matrices, norms. Names and results are those of
//! `numpy.linalg` and, where that has none, of `scipy.linalg`, as JAX has them.
//!
//! Integers and booleans are converted to floating-point numbers first; elements are then float32, float64, complex64 or complex128. All other dimensions, in front, are
//! batches. Shapes that do not fit are errors that say so.
//!
//! ```
//! use cotangent::{prelude::*, np::linalg};
//! let a = array![[4., 1.], [1., 3.]];
//! assert_eq!(linalg::solve(&a, &array![6., 7.]).to_string(), "[1. 2.]");
//! // the derivative of log det A is the inverse of A
//! let slope = grad(|a: &Array| linalg::slogdet(a).1)(&a);
//! assert!((slope - linalg::inv(&a)).abs().sum().to_f64() < 1e-5);
//! ```

mod factor;
mod function;
mod norm;
mod solve;

pub use crate::prim::Degenerate;
pub use factor::*;
pub use function::*;
pub use norm::*;
pub use solve::*;

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::promote;
use crate::error::{ErrorKind, fail};
use crate::np;
use crate::prim::{self, matrix};

/// The operand as matrices of numbers with a fractional part.
#[track_caller]
fn matrices(name: &str, x: &Array) -> Array {
    if x.ndim() < 2 {
        fail(ErrorKind::Shape, format!("{name}: needs matrices, got {}", x.aval()))
    }
    np::to_inexact(name, x)
}
/// The same for square ones.
#[track_caller]
fn square(name: &str, x: &Array) -> Array {
    let y = matrices(name, x);
    if let [.., m, n] = x.shape()
        && m != n
    {
        fail(ErrorKind::Shape, format!("{name}: needs square matrices, got {}", x.aval()))
    }
    y
}
/// Rows and columns.
fn extents(x: &Array) -> (usize, usize) {
    let r = x.ndim();
    (x.shape()[r - 2], x.shape()[r - 1])
}
/// Both in their common type, with the same batch dimensions.
#[track_caller]
fn together(name: &str, a: &Array, b: &Array) -> (Array, Array) {
    let dtype = promote((a.dtype(), a.weak_type()), (b.dtype(), b.weak_type())).0;
    let meet = |x: &Array| if x.dtype() == dtype { x.clone() } else { matrix::to(x, dtype) };
    let (a, b) = (meet(a), meet(b));
    let batch = |x: &Array| x.shape()[..x.ndim() - 2].to_vec();
    let Some(all) = crate::array::broadcast_shapes(&[&batch(&a), &batch(&b)]) else {
        fail(ErrorKind::Shape, format!("{name}: batches of {} and {} do not broadcast", a.aval(), b.aval()))
    };
    let whole = |x: &Array| -> Array {
        let shape: Shape = all.iter().copied().chain(x.shape()[x.ndim() - 2..].iter().copied()).collect();
        np::broadcast_to(x, &shape)
    };
    (whole(&a), whole(&b))
}
/// A right-hand side as matrices, and whether it was vectors: it is where it has one dimension (or, in a batch of matrices, as many as say so).
#[track_caller]
fn sides(name: &str, a: &Array, b: &Array, vectors: bool) -> (Array, Array) {
    let b = np::to_inexact(name, b);
    let b = if vectors { prim::expand_dims(&b, &[b.ndim()]) } else { b };
    if b.ndim() < 2 || extents(&b).0 != extents(a).0 {
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: a right-hand side of shape {} does not fit matrices of shape {}",
                tuple(b.shape()),
                tuple(a.shape())
            ),
        )
    }
    together(name, a, &b)
}
/// The first column of each matrix.
fn first_column(x: &Array) -> Array {
    prim::squeeze(x, &[x.ndim() - 1])
}
