//! Products of vectors, matrices and batches of them, with NumPy's names and shapes.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::promote;
use crate::error::{ErrorKind, fail};
use crate::np::dimension;
use crate::prim;

/// Both in the type in which they meet.
#[track_caller]
pub(super) fn meet(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    for t in [x.dtype(), y.dtype()] {
        if !t.is_number() {
            fail(ErrorKind::Type, format!("{name}: no arithmetic on elements of type {t}"))
        }
    }
    let dtype = promote((x.dtype(), x.weak_type()), (y.dtype(), y.weak_type())).0;
    let to = |x: &Array| {
        if x.dtype() == dtype { x.clone() } else { prim::convert_element_type(x, dtype, x.weak_type()) }
    };
    (to(x), to(y))
}

/// The sum of products over the dimensions in `contract`, with those in `batch` running together.
#[track_caller]
fn product(name: &str, x: &Array, y: &Array, contract: (&[usize], &[usize]), batch: (&[usize], &[usize])) -> Array {
    for (c, d) in contract.0.iter().zip(contract.1) {
        let (m, n) = (x.shape()[*c], y.shape()[*d]);
        if m != n {
            fail(
                ErrorKind::Shape,
                format!(
                    "{name}: shapes {} and {} do not fit: dimension {c} of the first has extent {m}, dimension {d} of the second {n}{}{}",
                    tuple(x.shape()),
                    tuple(y.shape()),
                    crate::array::made_at("the first", x),
                    crate::array::made_at("the second", y)
                ),
            )
        }
    }
    let (x, y) = meet(name, x, y);
    prim::dot_general(&x, &y, contract, batch, Some(x.dtype()))
}

/// The sum of products over the last dimension of `x` and the last but one of `y` (or its only one). A scalar multiplies. As `jax.numpy.dot`.
///
/// ```
/// use cotangent::{prelude::*, np};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::dot(&x, &array![1., 10.]).to_string(), "[21. 43.]");
/// assert_eq!(x.dot(&x).to_string(), "[[ 7. 10.]\n [15. 22.]]");
/// ```
///
/// # Panics
/// If these dimensions have different extents.
#[track_caller]
pub fn dot(x: &Array, y: &Array) -> Array {
    match (x.ndim(), y.ndim()) {
        (0, _) | (_, 0) => product("dot", x, y, (&[], &[]), (&[], &[])),
        (m, 1) => product("dot", x, y, (&[m - 1], &[0]), (&[], &[])),
        (m, n) => product("dot", x, y, (&[m - 1], &[n - 2]), (&[], &[])),
    }
}

/// The matrix product. Further dimensions in front are batches, and broadcast; a vector is a row on the left, a column on the right. As `jax.numpy.matmul`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::matmul(&x, &x).to_string(), "[[ 7. 10.]\n [15. 22.]]");
/// ```
///
/// # Panics
/// If one is a scalar, if the extents that are summed over differ, or if batches do not broadcast.
#[track_caller]
pub fn matmul(x: &Array, y: &Array) -> Array {
    for (a, which) in [(x, "first"), (y, "second")] {
        if a.ndim() == 0 {
            fail(ErrorKind::Shape, format!("matmul: the {which} operand is a scalar; multiply with * instead"))
        }
    }
    let of = |a: &Array| a.shape()[..a.ndim().saturating_sub(2)].to_vec();
    let (bx, by) = (of(x), of(y));
    let rank = bx.len().max(by.len());
    // which dimensions of the result come from both, from one, or from none because both are 1
    let (mut squeeze, mut batch) = ([vec![], vec![]], [vec![], vec![]]);
    let (mut both, mut of_x, mut of_y, mut dropped) = (vec![], vec![], vec![], vec![]);
    let extent = |b: &[usize], i: usize| (i + b.len()).checked_sub(rank).map(|d| (d, b[d]));
    for i in 0..rank {
        // where the dimension is once those of extent 1 are dropped
        let (in_x, in_y) = (both.len() + of_x.len(), both.len() + of_y.len());
        match (extent(&bx, i), extent(&by, i)) {
            (Some((d, 1)), Some((e, 1))) => {
                squeeze[0].push(d);
                squeeze[1].push(e);
                dropped.push(i)
            }
            (None, _) => of_y.push(i),
            (_, None) => of_x.push(i),
            (Some((d, 1)), _) => {
                squeeze[0].push(d);
                of_y.push(i)
            }
            (_, Some((e, 1))) => {
                squeeze[1].push(e);
                of_x.push(i)
            }
            (Some((_, m)), Some((_, n))) if m == n => {
                batch[0].push(in_x);
                batch[1].push(in_y);
                both.push(i)
            }
            _ => fail(
                ErrorKind::Shape,
                format!(
                    "matmul: shapes {} and {} do not fit: their batches {} and {} do not broadcast",
                    tuple(x.shape()),
                    tuple(y.shape()),
                    tuple(&bx),
                    tuple(&by)
                ),
            ),
        }
    }
    let (m, n) = (x.shape()[x.ndim() - 1], y.shape()[y.ndim().saturating_sub(2)]);
    if m != n {
        fail(
            ErrorKind::Shape,
            format!(
                "matmul: shapes {} and {} do not fit: the last dimension of the first has extent {m}, dimension {} of the second {n}",
                tuple(x.shape()),
                tuple(y.shape()),
                y.ndim().saturating_sub(2)
            ),
        )
    }
    let matrices = (x.ndim() > 1, y.ndim() > 1);
    if matrices.0 {
        of_x.push(rank)
    }
    if matrices.1 {
        of_y.push(rank + matrices.0 as usize)
    }
    let (a, b) = (prim::squeeze(x, &squeeze[0]), prim::squeeze(y, &squeeze[1]));
    let contract = (a.ndim() - 1, b.ndim() - 1 - matrices.1 as usize);
    let out = product("matmul", &a, &b, (&[contract.0], &[contract.1]), (&batch[0], &batch[1]));
    // dimensions come as batch, x, y; their places say where each belongs
    let places: Vec<usize> = both.into_iter().chain(of_x).chain(of_y).collect();
    let mut permutation: Vec<usize> = (0..places.len()).collect();
    permutation.sort_by_key(|d| places[*d]);
    let out = prim::transpose(&out, &permutation);
    if dropped.is_empty() { out } else { prim::expand_dims(&out, &dropped) }
}

/// The sum of all products of corresponding elements; complex elements of `x` are conjugated. As `jax.numpy.vdot`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::vdot(&array![1., 2.], &array![3., 4.]).to_f64(), 11.0);
/// ```
///
/// # Panics
/// If `x` and `y` have different numbers of elements.
#[track_caller]
pub fn vdot(x: &Array, y: &Array) -> Array {
    let x = if x.dtype().is_complex() { prim::conj(x) } else { x.clone() };
    product("vdot", &ravel(&x), &ravel(y), (&[0], &[0]), (&[], &[]))
}

/// The sum of products over the last dimension of both. A scalar multiplies. As `jax.numpy.inner`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::inner(&array![1., 2.], &array![3., 4.]).to_f64(), 11.0);
/// ```
///
/// # Panics
/// If the last dimensions have different extents.
#[track_caller]
pub fn inner(x: &Array, y: &Array) -> Array {
    match (x.ndim(), y.ndim()) {
        (0, _) | (_, 0) => crate::np::multiply(x, y),
        (m, n) => product("inner", x, y, (&[m - 1], &[n - 1]), (&[], &[])),
    }
}

/// All products of an element of `x` and one of `y`: a matrix, whatever the operands' shapes. As `jax.numpy.outer`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::outer(&array![1, 2], &array![3, 4]).to_string(), "[[3 4]\n [6 8]]");
/// ```
#[track_caller]
pub fn outer(x: &Array, y: &Array) -> Array {
    let (x, y) = meet("outer", x, y);
    let (m, n) = (x.size(), y.size());
    let column = prim::broadcast_in_dim(&ravel(&x), &[m, 1], &[0]);
    let row = prim::broadcast_in_dim(&ravel(&y), &[1, n], &[1]);
    prim::mul(&column, &row)
}

/// Over which dimensions a [`tensordot`] sums: the last n of the first and the first n of the second operand, one of each, or
/// several of each in pairs. Negative ones count from the end.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (x, y) = (np::ones(&[2, 3, 4]), np::ones(&[3, 4, 5]));
/// assert_eq!(np::tensordot(&x, &y, 2).shape(), [2, 5]);
/// assert_eq!(np::tensordot(&x, &y, (1, 0)).shape(), [2, 4, 4, 5]);
/// assert_eq!(np::tensordot(&x, &y, ([1, -1], [0, 1])).shape(), [2, 5]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say over which dimensions `tensordot` sums",
    note = "give a number of dimensions (`1`), one dimension of each operand (`(-1, 0)`), or several of each in pairs"
)]
pub trait TensordotAxes {
    #[doc(hidden)]
    #[track_caller]
    fn dims(&self, x: &Array, y: &Array) -> (Shape, Shape);
}
impl TensordotAxes for usize {
    fn dims(&self, x: &Array, y: &Array) -> (Shape, Shape) {
        if *self > x.ndim().min(y.ndim()) {
            fail(
                ErrorKind::Shape,
                format!("tensordot: {self} axes of shapes {} and {}", tuple(x.shape()), tuple(y.shape())),
            )
        }
        ((x.ndim() - self..x.ndim()).collect(), (0..*self).collect())
    }
}
impl TensordotAxes for (i32, i32) {
    fn dims(&self, x: &Array, y: &Array) -> (Shape, Shape) {
        ([self.0], [self.1]).dims(x, y)
    }
}
impl<const N: usize> TensordotAxes for ([i32; N], [i32; N]) {
    fn dims(&self, x: &Array, y: &Array) -> (Shape, Shape) {
        let of = |axes: &[i32], x: &Array| -> Shape { axes.iter().map(|a| dimension("tensordot", *a, x)).collect() };
        (of(&self.0, x), of(&self.1, y))
    }
}

/// The sum of products over the dimensions that `axes` names: a number of them, a pair, or a pair of lists. As `jax.numpy.tensordot`.
///
/// ```
/// use cotangent::{prelude::*, np};
/// let x = Array::from_slice(&[1f32, 2., 3., 4., 5., 6.], &[1, 2, 3]);
/// assert_eq!(np::tensordot(&x, &x, ([1, 2], [1, 2])).to_string(), "[[91.]]");
/// assert_eq!(np::tensordot(&x, &array![1., 1., 1.], 1).to_string(), "[[ 6. 15.]]");
/// ```
///
/// # Panics
/// If a dimension does not exist, or if extents differ.
#[track_caller]
pub fn tensordot(x: &Array, y: &Array, axes: impl TensordotAxes) -> Array {
    let _line = crate::np::here();
    let (a, b) = axes.dims(x, y);
    product("tensordot", x, y, (&a, &b), (&[], &[]))
}

fn ravel(x: &Array) -> Array {
    prim::reshape(x, &[x.size()])
}

impl Array {
    /// The product with `y`: see [`np::dot`](crate::np::dot).
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1., 2., 3.].dot(&array![1., 0., 5.]).to_f64(), 16.0);
    /// ```
    #[track_caller]
    pub fn dot(&self, y: &Array) -> Array {
        dot(self, y)
    }
    /// The matrix product with `y`: see [`np::matmul`](crate::np::matmul).
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[0, 1], [1, 0]].matmul(&array![[1, 2], [3, 4]]).to_string(), "[[3 4]\n [1 2]]");
    /// ```
    #[track_caller]
    pub fn matmul(&self, y: &Array) -> Array {
        matmul(self, y)
    }
    /// The sum of the diagonal: see [`np::trace`](crate::np::trace).
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2], [3, 9]].trace().to_string(), "10");
    /// ```
    #[track_caller]
    pub fn trace(&self) -> Array {
        crate::np::trace(self)
    }
}
