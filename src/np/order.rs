//! Sorting and searching, with NumPy's names.

use crate::array::Array;
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{dimension, linear::meet};
use crate::prim::{self, GatherDimensionNumbers, GatherOptions, GatherScatterMode};

/// The elements in ascending order along `axis`, which may count from the end. Equal ones keep their order; NaNs come last; complex numbers are ordered by their
/// real parts, then by their imaginary parts. As `jax.numpy.sort`, which has the last axis by default.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[3., 1., 2.], [0., f32::NAN, -1.]];
/// assert_eq!(np::sort(&x, -1).to_string(), "[[ 1.  2.  3.]\n [-1.  0. nan]]");
/// let g = grad(|x: &Array| (np::sort(x, 0) * array![1., 10., 100.]).sum());
/// assert_eq!(g(&array![3., 1., 2.]).to_string(), "[100.   1.  10.]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn sort(x: &Array, axis: i32) -> Array {
    prim::sort(&[x], dimension("sort", axis, x), 1).swap_remove(0)
}

/// The indices along `axis` that put the elements in ascending order: int32, or int64 where that cannot count them. Otherwise as [`sort`]. As `jax.numpy.argsort`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::argsort(&array![3., 1., 2., 1.], 0).to_string(), "[1 3 2 0]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn argsort(x: &Array, axis: i32) -> Array {
    let d = dimension("argsort", axis, x);
    let index = prim::iota(index_type(x.shape()[d]), x.shape(), d);
    prim::sort(&[x, &index], d, 1).swap_remove(1)
}

/// The elements of a vector, or along the last axis, as complex numbers in ascending order: by their real parts, then by their imaginary parts. As `jax.numpy.sort_complex`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::sort_complex(&array![3, 1, 2]).to_string(), "[1.+0.j 2.+0.j 3.+0.j]");
/// ```
///
/// # Panics
/// If it is a scalar, or if elements are no numbers.
#[track_caller]
pub fn sort_complex(x: &Array) -> Array {
    let x = crate::np::to_inexact("sort_complex", x);
    let to = x.dtype().to_complex();
    prim::convert_element_type(&prim::sort(&[&x], dimension("sort_complex", -1, &x), 1).swap_remove(0), to, false)
}

/// The type of indices of `n` elements.
pub(super) fn index_type(n: usize) -> DType {
    if n > i32::MAX as usize { DType::Int64 } else { DType::Int32 }
}

/// On which side of equal elements [`searchsorted`] finds a place.
///
/// ```
/// use cotangent::{np::Side, prelude::*};
/// let a = array![1, 5, 5, 5, 9];
/// let place = |side: Side| a.searchsorted(&array(5), side).to_f64();
/// assert_eq!((place(Side::Left), place(Side::Right)), (1.0, 4.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Before them.
    Left,
    /// Behind them.
    Right,
}

/// Where each element of `v` would have to be inserted into `a`, which ascends, to keep it so: an index from 0 to the length of `a`, as int32 (int64 where that cannot count). NaN is greater than
/// all numbers. Both are converted to the type in which they meet. As `jax.numpy.searchsorted` with its method `scan`: a binary search, all elements of `v` in step.
///
/// ```
/// use cotangent::np::{self, Side};
/// use cotangent::prelude::*;
/// let a = array![1., 2., 2., 3.];
/// let v = array![[0., 2.], [2.5, 9.]];
/// assert_eq!(np::searchsorted(&a, &v, Side::Left).to_string(), "[[0 1]\n [3 4]]");
/// assert_eq!(np::searchsorted(&a, &v, Side::Right).to_string(), "[[0 3]\n [3 4]]");
/// ```
///
/// # Panics
/// If `a` does not have one dimension, or if there is no arithmetic on the elements.
#[track_caller]
pub fn searchsorted(a: &Array, v: &Array, side: Side) -> Array {
    let &[n] = a.shape() else {
        fail(
            ErrorKind::Shape,
            format!("searchsorted: the sorted array has the shape {}, not one dimension", tuple(a.shape())),
        )
    };
    let (a, v) = meet("searchsorted", a, v);
    let index = index_type(n);
    let full = |x: f64| prim::full_of(&v.aval().with_dtype(index).with_weak(false), x);
    // what is sought lies behind `low` (if that is not 0) and not behind `high`
    let (mut low, mut high) = (full(0.0), full(n as f64));
    let box_of_one = GatherDimensionNumbers::new(&[], &[0], &[0]);
    let clip = GatherOptions { mode: GatherScatterMode::Clip, ..Default::default() };
    // as often as halving n + 1 places leaves one of them
    for _ in 0..(n + 1).next_power_of_two().trailing_zeros() {
        let middle = prim::add(&low, &prim::shift_right_logical(&prim::sub(&high, &low), &prim::lit(&low, 1.0)));
        let there = prim::gather(&a, &prim::expand_dims(&middle, &[v.ndim()]), &box_of_one, &[1], &clip);
        let left = match side {
            Side::Left => not_after(&v, &there),
            Side::Right => prim::not(&not_after(&there, &v)),
        };
        low = prim::select_n(&left, &[&middle, &low]);
        high = prim::select_n(&left, &[&high, &middle]);
    }
    high
}

/// Where `x` is not behind `y` in the order in which [`sort`] puts elements.
#[track_caller]
fn not_after(x: &Array, y: &Array) -> Array {
    let t = x.dtype();
    if t.is_complex() {
        let ((a, b), (c, d)) = ((prim::real(x), prim::imag(x)), (prim::real(y), prim::imag(y)));
        // behind unless the first parts are in order; equal ones leave it to the second parts
        let ahead = prim::not(&not_after(&c, &a));
        return prim::or(&ahead, &prim::and(&not_after(&a, &c), &not_after(&b, &d)));
    }
    let le = prim::le(x, y);
    if t.is_float() { prim::or(&le, &prim::ne(y, y)) } else { le }
}
