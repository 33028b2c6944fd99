//! What functions on shapes share: axes counted from either end, arrays in a common type, elements picked along an axis.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::promote_all;
use crate::error::{ErrorKind, fail};
use crate::np::Item;
use crate::prim;

/// Makes all that follows, until it is dropped, work for the user's line: closures do not know who calls.
#[track_caller]
pub(crate) fn here() -> crate::trace::Guard {
    let line = crate::trace::ambient().unwrap_or(std::panic::Location::caller());
    crate::trace::enter(crate::trace::current(), Some(line))
}
/// The dimension that `axis` names among `rank`; negative ones count from the end. `of` is the shape that an error shows.
#[track_caller]
pub(super) fn axis_of(name: &str, axis: i32, rank: usize, of: &[usize]) -> usize {
    let d = if axis < 0 { axis as i64 + rank as i64 } else { axis as i64 };
    if !(0..rank as i64).contains(&d) {
        fail(ErrorKind::Shape, format!("{name}: axis {axis} is out of bounds for an array of shape {}", tuple(of)))
    }
    d as usize
}
/// The dimension of `x` that `axis` names.
#[track_caller]
pub(crate) fn dimension(name: &str, axis: i32, x: &Array) -> usize {
    axis_of(name, axis, x.ndim(), x.shape())
}
/// The same for several axes, which have to differ.
#[track_caller]
pub(super) fn axes_of(name: &str, axes: &[i32], rank: usize, of: &[usize]) -> Shape {
    let mut dims = Shape::new();
    for a in axes {
        let d = axis_of(name, *a, rank, of);
        if dims.contains(&d) {
            fail(ErrorKind::Shape, format!("{name}: axes {} of an array of shape {} repeat", tuple(axes), tuple(of)))
        }
        dims.push(d)
    }
    dims
}
/// All in the type in which they meet.
#[track_caller]
pub(super) fn in_one_type(name: &str, all: &[&Array]) -> Vec<Array> {
    let Some(first) = all.first() else { return vec![] };
    if all.iter().all(|x| (x.dtype(), x.weak_type()) == (first.dtype(), first.weak_type())) {
        return all.iter().map(|x| (*x).clone()).collect();
    }
    if let Some(x) = all.iter().find(|x| !x.dtype().is_number()) {
        fail(ErrorKind::Type, format!("{name}: elements of type {} beside {}", x.dtype(), first.dtype()))
    }
    let (dtype, weak) = promote_all(all.iter().map(|x| (x.dtype(), x.weak_type())));
    all.iter().map(|x| prim::convert_element_type(x, dtype, weak)).collect()
}
/// References to all.
pub(super) fn refs(all: &[Array]) -> Vec<&Array> {
    all.iter().collect()
}
/// The elements at these places along a dimension.
#[track_caller]
pub(super) fn picked(x: &Array, d: usize, places: &[usize]) -> Array {
    let mut index = vec![Item::Slice(crate::np::s(..)); d];
    let places: Vec<i64> = places.iter().map(|i| *i as i64).collect();
    index.push(Item::Array(Array::from_slice(&places, &[places.len()])));
    x.i(index)
}
/// As one dimension.
#[track_caller]
pub(super) fn flat(x: &Array) -> Array {
    prim::reshape(x, &[x.size()])
}
/// The array and the axis that are meant: without one it is the elements in a row.
#[track_caller]
pub(super) fn along(name: &str, x: &Array, axis: Option<i32>) -> (Array, usize) {
    match axis {
        None => (flat(x), 0),
        Some(a) => (x.clone(), axis_of(name, a, x.ndim(), x.shape())),
    }
}
