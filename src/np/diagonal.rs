//! Diagonals: taken, summed, made into matrices, written over.

use crate::array::Array;
use crate::aval::Shape;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{axes_of, flat, here};
use crate::np::resize;
use crate::prim;

/// Which dimensions a diagonal is of, and which one: `jax.numpy.diagonal` and `trace` with options.
///
/// ```
/// use cotangent::{np, np::Diagonal, prelude::*};
/// let x = array![[1., 2., 3.], [4., 5., 6.]];
/// assert_eq!(np::diagonal(&x).to_string(), "[1. 5.]");
/// assert_eq!(Diagonal::new().offset(1).of(&x).to_string(), "[2. 6.]");
/// assert_eq!(Diagonal::new().offset(-1).trace(&x).to_string(), "4.0");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Diagonal {
    offset: i64,
    axes: (i32, i32),
}
impl Default for Diagonal {
    fn default() -> Diagonal {
        Diagonal::new()
    }
}
impl Diagonal {
    /// The main diagonal of the first two dimensions.
    ///
    /// ```
    /// use cotangent::{np::Diagonal, prelude::*};
    /// assert_eq!(Diagonal::new().of(&array![[7, 8], [9, 6]]).to_string(), "[7 6]");
    /// ```
    pub fn new() -> Diagonal {
        Diagonal { offset: 0, axes: (0, 1) }
    }
    /// That of the elements whose column is so much behind their row.
    ///
    /// ```
    /// use cotangent::{np::Diagonal, prelude::*};
    /// let x = array![[1, 2, 3], [4, 5, 6], [7, 8, 9]];
    /// assert_eq!(Diagonal::new().offset(-1).of(&x).to_string(), "[4 8]");
    /// ```
    pub fn offset(mut self, offset: i64) -> Diagonal {
        self.offset = offset;
        self
    }
    /// Of the matrices whose rows and columns are counted by these dimensions.
    ///
    /// ```
    /// use cotangent::{np::Diagonal, prelude::*};
    /// let x = array![[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
    /// assert_eq!(Diagonal::new().axes(1, 2).of(&x).to_string(), "[[1 4]\n [5 8]]");
    /// ```
    pub fn axes(mut self, row: i32, column: i32) -> Diagonal {
        self.axes = (row, column);
        self
    }
    /// The elements, along a last dimension in place of the two.
    ///
    /// ```
    /// use cotangent::{np::Diagonal, prelude::*};
    /// let x = array![[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
    /// assert_eq!(Diagonal::new().of(&x).to_string(), "[[1 7]\n [2 8]]");
    /// ```
    ///
    /// # Panics
    /// If a dimension does not exist, or both are the same.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        self.elements("diagonal", x)
    }
    #[track_caller]
    fn elements(&self, name: &str, x: &Array) -> Array {
        if x.ndim() < 2 {
            fail(ErrorKind::Shape, format!("{name}: needs two dimensions, got {}", x.aval()))
        }
        let d = axes_of(name, &[self.axes.0, self.axes.1], x.ndim(), x.shape());
        let order: Vec<usize> = (0..x.ndim()).filter(|e| !d.contains(e)).chain(d.iter().copied()).collect();
        let (m, n) = (x.shape()[d[0]] as i64, x.shape()[d[1]] as i64);
        let x = prim::transpose(x, &order);
        let last = x.ndim() - 2;
        // with the matrix in a row, the diagonal is a slice with a step
        let shape: Shape = x.shape()[..last].iter().copied().chain([(m * n) as usize]).collect();
        let k = self.offset;
        let (start, len) = if k >= 0 { (k, m.min(n - k)) } else { (-k * n, n.min(m + k)) };
        let (start, len) = if len > 0 { (start as usize, len as usize) } else { (0, 0) };
        let limit = if len == 0 { 0 } else { start + (len - 1) * (n as usize + 1) + 1 };
        prim::slice_in_dim(&prim::reshape(&x, &shape), start, limit, n as usize + 1, last)
    }
    /// Their sum, in the type of a [`sum`](Array::sum).
    ///
    /// ```
    /// use cotangent::{np::Diagonal, prelude::*};
    /// assert_eq!(Diagonal::new().offset(1).trace(&array![[1, 2, 3], [4, 5, 6]]).to_string(), "8");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Diagonal::of) does.
    #[track_caller]
    pub fn trace(&self, x: &Array) -> Array {
        self.elements("trace", x).sum_over(-1)
    }
}
/// The main diagonal of the first two dimensions, along a last one in their place. Options: [`Diagonal`]. As `jax.numpy.diagonal`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::diagonal(&array![[1, 2], [3, 4]]).to_string(), "[1 4]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn diagonal(x: &Array) -> Array {
    Diagonal::new().of(x)
}
/// The sum of the diagonal of the first two dimensions, in the type of a [`sum`](Array::sum); further dimensions are kept. Options: [`Diagonal`]. As `jax.numpy.trace`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::trace(&array![[1., 2.], [3., 4.]]).to_f64(), 5.0);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn trace(x: &Array) -> Array {
    Diagonal::new().trace(x)
}
/// Of a vector: the matrix with it as its k-th diagonal, zeros elsewhere. Of a matrix: its k-th diagonal. As `jax.numpy.diag`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::diag(&array![1., 2.], 0).to_string(), "[[1. 0.]\n [0. 2.]]");
/// ```
///
/// # Panics
/// If it is neither.
#[track_caller]
pub fn diag(x: &Array, k: i64) -> Array {
    let _line = here();
    match x.ndim() {
        1 => {
            // each element with the rest of its row behind it, the last one alone: rows in a row
            let (len, off) = (x.size(), k.unsigned_abs() as usize);
            let n = len + off;
            let first = if k >= 0 { off } else { off * n } as i64;
            let behind = (n * n) as i64 - first - if len == 0 { 0 } else { (len as i64 - 1) * (n as i64 + 1) + 1 };
            let y = prim::pad(x, &prim::lit(x, 0.0), &[(first, behind, n as i64)]);
            prim::reshape(&y, &[n, n])
        }
        2 => Diagonal::new().offset(k).of(x),
        _ => fail(ErrorKind::Shape, format!("diag: needs a vector or a matrix, got {}", x.aval())),
    }
}
/// The matrix with the elements, in a row, as its k-th diagonal, zeros elsewhere. As `jax.numpy.diagflat`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::diagflat(&array![[1, 2]], 0).to_string(), "[[1 0]\n [0 2]]");
/// ```
#[track_caller]
pub fn diagflat(x: &Array, k: i64) -> Array {
    diag(&flat(x), k)
}
/// With `value` on the main diagonal, where all indices are the same: a number, or as many elements as needed, again and again. As `jax.numpy.fill_diagonal`, without `wrap`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::fill_diagonal(&np::zeros(&[2, 2]), 3.).to_string(), "[[3. 0.]\n [0. 3.]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or more than two of different extents.
#[track_caller]
pub fn fill_diagonal(x: &Array, value: impl crate::Operand) -> Array {
    let _line = here();
    let equal = x.shape().iter().all(|n| *n == x.shape()[0]);
    if x.ndim() < 2 || x.ndim() > 2 && !equal {
        fail(ErrorKind::Shape, format!("fill_diagonal: {} has no diagonal", x.aval()))
    }
    let n = x.shape().iter().copied().min().unwrap_or(0);
    let value = value.beside(x);
    let value = if value.ndim() == 0 { value } else { resize(&value, &[n]) };
    let each: Vec<i64> = (0..n as i64).collect();
    let each = crate::np::Item::Array(Array::from_slice(&each, &[n]));
    x.at(vec![each; x.ndim()]).unique_indices().set(&value)
}
