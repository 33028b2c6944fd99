//! Matrices of the crate `faer`.
//!
//! ```
//! use cotangent::{io::faer::with_matrix, prelude::*};
//! let x = array![[4., 1.], [1., 3.]];
//! let trace = with_matrix(&x, |m: faer::MatRef<f32>| m[(0, 0)] + m[(1, 1)])?;
//! assert_eq!(trace, 7.0);
//! let m = faer::Mat::from_fn(2, 2, |i, j| (10 * i + j) as f64);
//! assert_eq!(Array::from(m.as_ref()).to_string(), "[[ 0.  1.]\n [10. 11.]]");
//! # Ok::<(), Error>(())
//! ```

use super::*;
use crate::dtype::Element;
use ::faer::MatRef;

/// Calls `f` with the matrix that an array of two dimensions is, without a copy of its elements if they are numbers.
///
/// An array of another element type, or without two dimensions, is an error.
///
/// ```
/// use cotangent::{io::faer::with_matrix, prelude::*};
/// let trace = with_matrix(&array![[1., 2.], [3., 4.]], |m: faer::MatRef<f32>| m[(0, 0)] + m[(1, 1)])?;
/// assert_eq!(trace, 5.0);
/// # Ok::<(), Error>(())
/// ```
pub fn with_matrix<T: Element, R>(x: &Array, f: impl FnOnce(MatRef<T>) -> R) -> Result<R> {
    let x = concrete(x, "the array")?;
    let &[rows, columns] = x.shape() else {
        return Err(Error::new(ErrorKind::Shape, format!("a matrix has two dimensions, not the type {}", x.aval())));
    };
    if x.dtype() != T::DTYPE {
        let text = format!("the array has elements of type {}, not {}", x.dtype(), T::DTYPE);
        return Err(Error::new(ErrorKind::Type, text));
    }
    Ok(x.with_slice(|all: &[T]| f(MatRef::from_row_major_slice(all, rows, columns))))
}

/// A copy of the matrix, of any layout.
impl<T: Element> From<MatRef<'_, T>> for Array {
    fn from(m: MatRef<'_, T>) -> Array {
        let shape = [m.nrows(), m.ncols()];
        let rows = m.transpose();
        let mut all = Vec::with_capacity(m.nrows() * m.ncols());
        for i in 0..m.nrows() {
            match rows.try_as_col_major() {
                Some(rows) => all.extend_from_slice(rows.col(i).as_slice()),
                None => all.extend((0..m.ncols()).map(|j| m[(i, j)])),
            }
        }
        Array::from_slice(&all, &shape)
    }
}
