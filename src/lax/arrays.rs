//! Boxes at positions of run time, parts along one dimension, shapes, and folds by any function, as JAX's `lax` has them: compositions of operations.
//!
//! Dimensions are counted from 0. A position that is less than 0 counts from the end, as in JAX, and then a box is moved so that it lies inside.

use super::associative::checked;
use crate::array::Array;
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail, fail_at};
use crate::np::here;
use crate::prim::{self, broadcast_in_dim, convert_element_type, expand_dims, lit, slice_in_dim};
use crate::{Pytree, tree};
use std::panic::Location;

/// Positions along the dimensions of `x` as the operations take them: of one type, which numbers take from the others, and counted from the start.
#[track_caller]
fn positions(name: &str, x: &Array, starts: &[&Array]) -> Vec<Array> {
    let _line = here();
    if starts.len() != x.ndim() {
        fail(
            ErrorKind::Shape,
            format!("{name}: {} positions for the {} dimensions of {}", starts.len(), x.ndim(), x.aval()),
        )
    }
    let dtype = starts.iter().find(|i| !i.weak_type()).map_or(DType::Int32, |i| i.dtype());
    let position = |(i, n): (&&Array, &usize)| {
        if !i.dtype().is_integer() || i.ndim() > 0 {
            fail(ErrorKind::Type, format!("{name}: a position is an integer scalar, not of type {}", i.aval()))
        }
        let i = if i.weak_type() { convert_element_type(i, dtype, false) } else { (*i).clone() };
        let inside = i.dtype().is_unsigned() || !i.is_tracer() && i.to_f64() >= 0.0;
        if inside { i } else { prim::select_n(&prim::lt(&i, &lit(&i, 0.0)), &[&i, &(&i + *n as i64)]) }
    };
    starts.iter().zip(x.shape()).map(position).collect()
}
/// Zeros, and a position along one dimension.
#[track_caller]
fn along<R>(name: &str, x: &Array, at: &Array, axis: usize, f: impl FnOnce(&[&Array]) -> R) -> R {
    let _line = here();
    inside(name, x, axis);
    let zero = crate::array(0);
    f(&(0..x.ndim()).map(|d| if d == axis { at } else { &zero }).collect::<Vec<_>>())
}
#[track_caller]
fn inside(name: &str, x: &Array, axis: usize) {
    if axis >= x.ndim() {
        fail(ErrorKind::Shape, format!("{name}: dimension {axis} is out of bounds for {}", x.aval()))
    }
}

/// The elements of a box of these extents whose first corner is at `start_indices`, one integer for each dimension. As `jax.lax.dynamic_slice`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = array![[1, 2, 3], [4, 5, 6]];
/// assert_eq!(lax::dynamic_slice(&x, &[&array(1), &array(-2)], &[1, 2]).to_string(), "[[5 6]]");
/// // moved so that it lies inside
/// assert_eq!(lax::dynamic_slice(&x, &[&array(0), &array(7)], &[2, 2]).to_string(), "[[2 3]\n [5 6]]");
/// ```
///
/// # Panics
/// If the box is greater than `x`, or if the positions are not one scalar integer for each dimension.
#[track_caller]
pub fn dynamic_slice(x: &Array, start_indices: &[&Array], slice_sizes: &[usize]) -> Array {
    let starts = positions("dynamic_slice", x, start_indices);
    prim::dynamic_slice(x, &starts.iter().collect::<Vec<_>>(), slice_sizes)
}
/// `x` with `update` written over the box whose first corner is at `start_indices`. As `jax.lax.dynamic_update_slice`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = lax::dynamic_update_slice(&array![1, 2, 3, 4], &array![8, 9], &[&array(-2)]);
/// assert_eq!(x.to_string(), "[1 2 8 9]");
/// ```
///
/// # Panics
/// If `update` is of another element type or greater than `x`, or if the positions are not one scalar integer for each dimension.
#[track_caller]
pub fn dynamic_update_slice(x: &Array, update: &Array, start_indices: &[&Array]) -> Array {
    let starts = positions("dynamic_update_slice", x, start_indices);
    prim::dynamic_update_slice(x, update, &starts.iter().collect::<Vec<_>>())
}
/// So many elements along a dimension, from a position of run time on. As `jax.lax.dynamic_slice_in_dim`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let f = jit(|x: &Array, i: &Array| lax::dynamic_slice_in_dim(x, i, 2, 0));
/// assert_eq!(f(&array![1., 2., 3., 4.], &array(1)).to_string(), "[2. 3.]");
/// ```
///
/// # Panics
/// As [`dynamic_slice`], or if there is no such dimension.
#[track_caller]
pub fn dynamic_slice_in_dim(x: &Array, start_index: &Array, slice_size: usize, axis: usize) -> Array {
    along("dynamic_slice_in_dim", x, start_index, axis, |starts| {
        let mut sizes = x.shape().to_vec();
        sizes[axis] = slice_size;
        dynamic_slice(x, starts, &sizes)
    })
}
/// The elements at one position along a dimension, which stays with the extent 1 if `keepdims`. As `jax.lax.dynamic_index_in_dim`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = array![[1, 2], [3, 4]];
/// assert_eq!(lax::dynamic_index_in_dim(&x, &array(-1), 1, false).to_string(), "[2 4]");
/// ```
///
/// # Panics
/// As [`dynamic_slice_in_dim`].
#[track_caller]
pub fn dynamic_index_in_dim(x: &Array, index: &Array, axis: usize, keepdims: bool) -> Array {
    let y = dynamic_slice_in_dim(x, index, 1, axis);
    if keepdims { y } else { prim::squeeze(&y, &[axis]) }
}
/// `x` with `update` written over what is there from a position of a dimension on. As `jax.lax.dynamic_update_slice_in_dim`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = lax::dynamic_update_slice_in_dim(&array![1, 2, 3], &array![7], &array(1), 0);
/// assert_eq!(x.to_string(), "[1 7 3]");
/// ```
///
/// # Panics
/// As [`dynamic_update_slice`], or if there is no such dimension.
#[track_caller]
pub fn dynamic_update_slice_in_dim(x: &Array, update: &Array, start_index: &Array, axis: usize) -> Array {
    along("dynamic_update_slice_in_dim", x, start_index, axis, |starts| dynamic_update_slice(x, update, starts))
}
/// `x` with `update` at one position along a dimension; `update` has that dimension with the extent 1, or lacks it. As `jax.lax.dynamic_update_index_in_dim`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = lax::dynamic_update_index_in_dim(&array![[1, 2], [3, 4]], &array![8, 9], &array(0), 1);
/// assert_eq!(x.to_string(), "[[8 2]\n [9 4]]");
/// ```
///
/// # Panics
/// As [`dynamic_update_slice_in_dim`].
#[track_caller]
pub fn dynamic_update_index_in_dim(x: &Array, update: &Array, index: &Array, axis: usize) -> Array {
    inside("dynamic_update_index_in_dim", x, axis);
    let update = if update.ndim() + 1 == x.ndim() { expand_dims(update, &[axis]) } else { update.clone() };
    dynamic_update_slice_in_dim(x, &update, index, axis)
}
/// The elements at a known position along a dimension, which stays with the extent 1 if `keepdims`. As `jax.lax.index_in_dim`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// assert_eq!(lax::index_in_dim(&array![[1, 2], [3, 4]], -1, 0, false).to_string(), "[3 4]");
/// ```
///
/// # Panics
/// If there is no such dimension or no such position.
#[track_caller]
pub fn index_in_dim(x: &Array, index: i64, axis: usize, keepdims: bool) -> Array {
    inside("index_in_dim", x, axis);
    let n = x.shape()[axis];
    let Some(i) = usize::try_from(if index < 0 { index + n as i64 } else { index }).ok().filter(|i| *i < n) else {
        fail(ErrorKind::Value, format!("index_in_dim: position {index} is outside of dimension {axis} of {}", x.aval()))
    };
    let y = slice_in_dim(x, i, i + 1, 1, axis);
    if keepdims { y } else { prim::squeeze(&y, &[axis]) }
}
/// The parts of these extents along a dimension. As `jax.lax.split`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let parts = lax::split(&array![1, 2, 3, 4], &[1, 3], 0);
/// assert_eq!((parts[0].to_string(), parts[1].to_string()), ("[1]".into(), "[2 3 4]".into()));
/// ```
///
/// # Panics
/// If there is no such dimension, or if the extents do not sum to its own.
#[track_caller]
pub fn split(x: &Array, sizes: &[usize], axis: usize) -> Vec<Array> {
    inside("split", x, axis);
    if sizes.iter().sum::<usize>() != x.shape()[axis] {
        fail(ErrorKind::Shape, format!("split: parts of {sizes:?} along dimension {axis} of {}", x.aval()))
    }
    let ends = sizes.iter().scan(0, |end, n| {
        *end += n;
        Some(*end)
    });
    ends.zip(sizes).map(|(end, n)| slice_in_dim(x, end - n, end, 1, axis)).collect()
}
/// `x` with the dimensions from `start` to before `stop` as one. As `jax.lax.collapse`.
///
/// ```
/// use cotangent::{lax, np};
/// assert_eq!(lax::collapse(&np::zeros(&[2, 3, 4, 5]), 1, 3).shape(), [2, 12, 5]);
/// ```
///
/// # Panics
/// If `start` is greater than `stop`, or `stop` than the number of dimensions.
#[track_caller]
pub fn collapse(x: &Array, start: usize, stop: usize) -> Array {
    if start > stop || stop > x.ndim() {
        fail(ErrorKind::Shape, format!("collapse: dimensions {start} to {stop} of {}", x.aval()))
    }
    let (before, after) = (&x.shape()[..start], &x.shape()[stop..]);
    prim::reshape(x, &[before, &[x.shape()[start..stop].iter().product()], after].concat())
}
/// `x` repeated along new dimensions of these extents, which come first. As `jax.lax.broadcast`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// assert_eq!(lax::broadcast(&array![1, 2], &[2]).to_string(), "[[1 2]\n [1 2]]");
/// ```
#[track_caller]
pub fn broadcast(x: &Array, sizes: &[usize]) -> Array {
    broadcast_in_dim(x, &[sizes, x.shape()].concat(), &(sizes.len()..sizes.len() + x.ndim()).collect::<Vec<_>>())
}
/// `x` with so many dimensions; the new ones come first and have the extent 1. As `jax.lax.broadcast_to_rank`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// assert_eq!(lax::broadcast_to_rank(&array![1, 2], 3).shape(), [1, 1, 2]);
/// ```
///
/// # Panics
/// If `x` has more dimensions.
#[track_caller]
pub fn broadcast_to_rank(x: &Array, rank: usize) -> Array {
    let Some(more) = rank.checked_sub(x.ndim()) else {
        fail(ErrorKind::Shape, format!("broadcast_to_rank: {rank} dimensions are less than those of {}", x.aval()))
    };
    expand_dims(x, &(0..more).collect::<Vec<_>>())
}
/// Elements of `on_true` where `which` holds, of `on_false` elsewhere. As `jax.lax.select`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// assert_eq!(lax::select(&array![true, false], &array![1, 2], &array![8, 9]).to_string(), "[1 9]");
/// ```
///
/// # Panics
/// As [`select_n`](prim::select_n).
#[track_caller]
pub fn select(which: &Array, on_true: &Array, on_false: &Array) -> Array {
    prim::select_n(which, &[on_false, on_true])
}
/// Where halves are rounded to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RoundingMethod {
    /// To the integer that is further from zero.
    #[default]
    AwayFromZero,
    /// To the even one.
    ToNearestEven,
}
/// The nearest integers. As `jax.lax.round`.
///
/// ```
/// use cotangent::{lax::{self, RoundingMethod}, prelude::*};
/// let x = array![0.5, 1.5, -2.5];
/// assert_eq!(lax::round(&x, RoundingMethod::AwayFromZero).to_string(), "[ 1.  2. -3.]");
/// assert_eq!(lax::round(&x, RoundingMethod::ToNearestEven).to_string(), "[ 0.  2. -2.]");
/// ```
///
/// # Panics
/// If the elements are no floating-point numbers.
#[track_caller]
pub fn round(x: &Array, method: RoundingMethod) -> Array {
    match method {
        RoundingMethod::AwayFromZero => prim::round_away(x),
        RoundingMethod::ToNearestEven => prim::round_even(x),
    }
}

/// The fold over these dimensions by any function. `f` combines elements one by one: it gets many at once and is to be associative; `init`, scalars that change nothing, is combined with the result (or is the
/// result, of no elements). Operands may be a tree of arrays of one shape, which are then combined together. It takes as many calls of `f` as the logarithm of the number of elements says, which combine
/// neighbors, so that `f` need not be commutative. As `jax.lax.reduce`; for sums and extremes there are [`reduce_sum`](prim::reduce_sum) and its sisters.
///
/// ```
/// use cotangent::{lax, np, prelude::*};
/// let x = array![[1., 5., 2.], [4., 0., 3.]];
/// let product = |a: &Array, b: &Array| a * b;
/// assert_eq!(lax::reduce(&x, &array(1f32), product, &[1]).to_string(), "[10.  0.]");
/// // the greatest element and where it is
/// type Pair = (Array, Array);
/// let greater = |a: &Pair, b: &Pair| {
///     let left = a.0.ge(&b.0);
///     (np::where_(&left, &a.0, &b.0), np::where_(&left, &a.1, &b.1))
/// };
/// let places = lax::iota(DType::Int32, &[2, 3], 1);
/// let none = (array(f64::NEG_INFINITY).astype(DType::Float32), array(0).astype(DType::Int32));
/// let (value, place) = lax::reduce(&(x, places), &none, greater, &[1]);
/// assert_eq!((value.to_string(), place.to_string()), ("[5. 4.]".into(), "[1 0]".into()));
/// ```
///
/// # Panics
/// If a dimension does not exist or repeats, if operands differ in shape, if `init` is not a scalar for each, of its element type, or if `f` returns elements of another structure, shape or type than it is given.
#[track_caller]
pub fn reduce<T: Pytree>(operands: &T, init: &T, f: impl Fn(&T, &T) -> T, dimensions: &[usize]) -> T {
    let at = Location::caller();
    if let Some(d) = tree::difference(operands, init) {
        fail_at(at, ErrorKind::Structure, format!("reduce: operands and their initial values have one structure: {d}"))
    }
    let (all, init) = (tree::leaves(operands), tree::leaves(init));
    let Some(first) = all.first() else { return operands.share() };
    let shape = first.shape().to_vec();
    for (x, v) in all.iter().zip(&init) {
        if x.shape() != shape || v.ndim() > 0 || v.dtype() != x.dtype() {
            let text = format!(
                "reduce: an operand of type {} with the initial value {}; operands have one shape, here {}, and a scalar of their type each",
                x.aval(),
                v.aval(),
                tuple(&shape)
            );
            fail_at(at, ErrorKind::Type, text)
        }
    }
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !dimensions.contains(d)).collect();
    if kept.len() + dimensions.len() != shape.len() || dimensions.iter().any(|d| *d >= shape.len()) {
        let text = format!("reduce: {} are not distinct dimensions of shape {}", tuple(dimensions), tuple(&shape));
        fail_at(at, ErrorKind::Shape, text)
    }
    let combine = |a: &[Array], b: &[Array]| {
        let made = f(&operands.rebuild(&mut a.iter().cloned()), &operands.rebuild(&mut b.iter().cloned()));
        checked("reduce", operands, a, &made, at)
    };
    let rest: Vec<usize> = kept.iter().map(|d| shape[*d]).collect();
    let whole = |v: &Array| broadcast_in_dim(v, &rest, &[]);
    let mut n: usize = dimensions.iter().map(|d| shape[*d]).product();
    if n == 0 {
        return operands.rebuild(&mut init.iter().map(whole));
    }
    // the folded dimensions as one, in their order, in front
    let mut order = dimensions.to_vec();
    order.sort_unstable();
    order.extend(&kept);
    let folded = [&[n][..], &rest].concat();
    let mut all: Vec<Array> = all.iter().map(|x| prim::reshape(&prim::transpose(x, &order), &folded)).collect();
    while n > 1 {
        let half = n / 2;
        let every_other =
            |from: usize| -> Vec<Array> { all.iter().map(|x| slice_in_dim(x, from, 2 * half, 2, 0)).collect() };
        let mut made = combine(&every_other(0), &every_other(1));
        if n % 2 == 1 {
            for (y, x) in made.iter_mut().zip(&all) {
                *y = prim::concatenate(&[y, &slice_in_dim(x, n - 1, n, 1, 0)], 0)
            }
        }
        (all, n) = (made, n - half)
    }
    let folded: Vec<Array> = all.iter().map(|x| prim::squeeze(x, &[0])).collect();
    let made = combine(&init.iter().map(whole).collect::<Vec<_>>(), &folded);
    operands.rebuild(&mut made.into_iter())
}
