//! The same elements in other places: new dimensions and fewer, dimensions in another order, elements in another order, elements again.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{along, axes_of, axis_of, flat, here, picked};
use crate::np::index::integers;
use crate::np::{Mode, broadcast_to};
use crate::prim;

/// With new dimensions of extent 1, which are `axes` of the result. As `jax.numpy.expand_dims`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::expand_dims(&array![1., 2.], &[0, -1]).shape(), [1, 2, 1]);
/// ```
///
/// # Panics
/// If one is none of the result, or is named twice.
#[track_caller]
pub fn expand_dims(x: &Array, axes: &[i32]) -> Array {
    let dims = axes_of("expand_dims", axes, x.ndim() + axes.len(), x.shape());
    if dims.is_empty() { x.clone() } else { prim::expand_dims(x, &dims) }
}
/// Without the dimensions of extent 1. As `jax.numpy.squeeze`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[[1.], [2.]]];
/// assert_eq!(np::squeeze(&x).shape(), [2]);
/// assert_eq!(np::squeeze_axes(&x, &[-1]).shape(), [1, 2]);
/// ```
#[track_caller]
pub fn squeeze(x: &Array) -> Array {
    prim::squeeze(x, &(0..x.ndim()).filter(|d| x.shape()[*d] == 1).collect::<Vec<_>>())
}
/// Without these dimensions, whose extents are 1. As `jax.numpy.squeeze` with `axis`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::squeeze_axes(&np::ones(&[1, 3, 1]), &[-1]).shape(), [1, 3]);
/// ```
///
/// # Panics
/// If one has another extent or does not exist.
#[track_caller]
pub fn squeeze_axes(x: &Array, axes: &[i32]) -> Array {
    prim::squeeze(x, &axes_of("squeeze", axes, x.ndim(), x.shape()))
}
/// All elements in a row. As `jax.numpy.ravel`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::ravel(&array![[1, 2], [3, 4]]).to_string(), "[1 2 3 4]");
/// ```
#[track_caller]
pub fn ravel(x: &Array) -> Array {
    flat(x)
}
/// The same elements under another shape, of which one extent may be -1: what is left. As `jax.numpy.reshape`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::reshape(&np::arange(6), &[2, -1]).to_string(), "[[0 1 2]\n [3 4 5]]");
/// ```
///
/// # Panics
/// If the shape does not hold as many elements.
#[track_caller]
pub fn reshape(x: &Array, shape: &[i64]) -> Array {
    let _line = here();
    let rest = shape.iter().filter(|n| **n == -1).count();
    let known: i64 = shape.iter().filter(|n| **n != -1).product();
    let left = if known == 0 { 0 } else { x.size() as i64 / known };
    let whole = known * if rest == 0 { 1 } else { left };
    if rest > 1 || shape.iter().any(|n| *n < -1) || whole != x.size() as i64 {
        fail(
            ErrorKind::Shape,
            format!("reshape: an array of shape {} does not fill {}", tuple(x.shape()), tuple(shape)),
        )
    }
    prim::reshape(x, &shape.iter().map(|n| if *n == -1 { left as usize } else { *n as usize }).collect::<Shape>())
}
/// Dimensions in reverse order. As `jax.numpy.transpose`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::transpose(&np::ones(&[2, 3, 4])).shape(), [4, 3, 2]);
/// ```
#[track_caller]
pub fn transpose(x: &Array) -> Array {
    x.t()
}
/// Dimensions in this order: dimension i of the result is `axes[i]` of `x`. As `jax.numpy.permute_dims`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::permute_dims(&np::ones(&[2, 3, 4]), &[1, -1, 0]).shape(), [3, 4, 2]);
/// ```
///
/// # Panics
/// If `axes` does not name every dimension once.
#[track_caller]
pub fn permute_dims(x: &Array, axes: &[i32]) -> Array {
    let dims = axes_of("permute_dims", axes, x.ndim(), x.shape());
    if dims.len() != x.ndim() {
        fail(
            ErrorKind::Shape,
            format!(
                "permute_dims: axes {} do not name each dimension of an array of shape {}",
                tuple(axes),
                tuple(x.shape())
            ),
        )
    }
    prim::transpose(x, &dims)
}
/// The matrices in the last two dimensions transposed. As `jax.numpy.matrix_transpose`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::matrix_transpose(&np::ones(&[2, 3, 4])).shape(), [2, 4, 3]);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn matrix_transpose(x: &Array) -> Array {
    if x.ndim() < 2 {
        fail(ErrorKind::Shape, format!("matrix_transpose: needs matrices, got {}", x.aval()))
    }
    swapaxes(x, -1, -2)
}
/// Two dimensions exchanged. As `jax.numpy.swapaxes`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::swapaxes(&np::ones(&[2, 3, 4]), 0, -1).shape(), [4, 3, 2]);
/// ```
///
/// # Panics
/// If one does not exist.
#[track_caller]
pub fn swapaxes(x: &Array, a: i32, b: i32) -> Array {
    let _line = here();
    let of = |axis| axis_of("swapaxes", axis, x.ndim(), x.shape());
    let mut order: Vec<usize> = (0..x.ndim()).collect();
    order.swap(of(a), of(b));
    prim::transpose(x, &order)
}
/// Dimensions moved: `from[i]` becomes `to[i]`, the others keep their order. As `jax.numpy.moveaxis`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::moveaxis(&np::zeros(&[2, 3, 4]), &[0], &[-1]).shape(), [3, 4, 2]);
/// ```
///
/// # Panics
/// If the lists differ in length, if a dimension does not exist, or if one is named twice.
#[track_caller]
pub fn moveaxis(x: &Array, from: &[i32], to: &[i32]) -> Array {
    let _line = here();
    if from.len() != to.len() {
        fail(ErrorKind::Shape, format!("moveaxis: axes {} to {}: as many are needed", tuple(from), tuple(to)))
    }
    let of = |axes| axes_of("moveaxis", axes, x.ndim(), x.shape());
    let (from, to) = (of(from), of(to));
    let mut order: Vec<usize> = (0..x.ndim()).filter(|d| !from.contains(d)).collect();
    let mut pairs: Vec<(usize, usize)> = to.into_iter().zip(from).collect();
    pairs.sort_unstable();
    for (t, f) in pairs {
        order.insert(t, f)
    }
    prim::transpose(x, &order)
}
/// A dimension moved in front of `start`. As `jax.numpy.rollaxis`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::rollaxis(&np::ones(&[2, 3, 4]), 2, 0).shape(), [4, 2, 3]);
/// ```
///
/// # Panics
/// If one of the two does not exist.
#[track_caller]
pub fn rollaxis(x: &Array, axis: i32, start: i32) -> Array {
    let d = axis_of("rollaxis", axis, x.ndim(), x.shape());
    let to = axis_of("rollaxis", start, x.ndim() + (start >= 0) as usize, x.shape());
    prim::move_axis(x, d, if to > d { to - 1 } else { to })
}

/// The order of elements reversed along every dimension. As `jax.numpy.flip`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::flip(&array![[1, 2], [3, 4]]).to_string(), "[[4 3]\n [2 1]]");
/// ```
#[track_caller]
pub fn flip(x: &Array) -> Array {
    prim::rev(x, &(0..x.ndim()).collect::<Vec<_>>())
}
/// The order of elements reversed along these dimensions. As `jax.numpy.flip` with `axis`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::flip_axes(&array![[1, 2], [3, 4]], &[-1]).to_string(), "[[2 1]\n [4 3]]");
/// ```
///
/// # Panics
/// If one does not exist, or is named twice.
#[track_caller]
pub fn flip_axes(x: &Array, axes: &[i32]) -> Array {
    prim::rev(x, &axes_of("flip", axes, x.ndim(), x.shape()))
}
/// The order of elements reversed along the second dimension. As `jax.numpy.fliplr`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::fliplr(&array![[1, 2], [3, 4]]).to_string(), "[[2 1]\n [4 3]]");
/// ```
///
/// # Panics
/// If there is none.
#[track_caller]
pub fn fliplr(x: &Array) -> Array {
    prim::rev(x, &[axis_of("fliplr", 1, x.ndim(), x.shape())])
}
/// The order of elements reversed along the first dimension. As `jax.numpy.flipud`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::flipud(&array![[1, 2], [3, 4]]).to_string(), "[[3 4]\n [1 2]]");
/// ```
///
/// # Panics
/// If there is none.
#[track_caller]
pub fn flipud(x: &Array) -> Array {
    prim::rev(x, &[axis_of("flipud", 0, x.ndim(), x.shape())])
}
/// Turned by so many quarters from the first of the two axes towards the second. As `jax.numpy.rot90`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::rot90(&array![[1, 2], [3, 4]], 1, (0, 1)).to_string(), "[[2 4]\n [1 3]]");
/// ```
///
/// # Panics
/// If an axis does not exist, or both are the same.
#[track_caller]
pub fn rot90(x: &Array, k: i32, axes: (i32, i32)) -> Array {
    let d = axes_of("rot90", &[axes.0, axes.1], x.ndim(), x.shape());
    match k.rem_euclid(4) {
        0 => x.clone(),
        1 => swapaxes(&prim::rev(x, &[d[1]]), axes.0, axes.1),
        2 => prim::rev(x, &d),
        _ => prim::rev(&swapaxes(x, axes.0, axes.1), &[d[1]]),
    }
}
/// The elements in a row moved on by `shift` places, those that drop out at the end coming in at the beginning. As `jax.numpy.roll`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::roll(&array![1, 2, 3, 4], 1).to_string(), "[4 1 2 3]");
/// ```
#[track_caller]
pub fn roll(x: &Array, shift: i64) -> Array {
    prim::reshape(&prim::roll(&flat(x), shift, 0), x.shape())
}
/// [`roll`] along each of these axes. One shift is that of all. As `jax.numpy.roll`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::roll_axes(&array![[1, 2], [3, 4]], &[1], &[0]).to_string(), "[[3 4]\n [1 2]]");
/// ```
///
/// # Panics
/// If an axis does not exist, or if there are as many shifts neither as axes nor as one.
#[track_caller]
pub fn roll_axes(x: &Array, shifts: &[i64], axes: &[i32]) -> Array {
    let _line = here();
    if shifts.len() != axes.len() && shifts.len() != 1 {
        fail(ErrorKind::Shape, format!("roll: shifts {} for axes {}", tuple(shifts), tuple(axes)))
    }
    let of = |a: &i32| axis_of("roll", *a, x.ndim(), x.shape());
    axes.iter().enumerate().fold(x.clone(), |x, (i, a)| prim::roll(&x, shifts[i % shifts.len()], of(a)))
}
/// [`roll`] along one axis by a scalar integer that may be traced. As `jax.numpy.roll`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::roll_by(&array![1, 2, 3], &array(-1), 0).to_string(), "[2 3 1]");
/// ```
///
/// # Panics
/// If there is no such axis, or if the shift is no scalar integer.
#[track_caller]
pub fn roll_by(x: &Array, shift: &Array, axis: i32) -> Array {
    let _line = here();
    let d = axis_of("roll", axis, x.ndim(), x.shape());
    if shift.ndim() != 0 || !shift.dtype().is_integer() {
        fail(ErrorKind::Shape, format!("roll: a shift {}; it has to be a scalar integer", shift.aval()))
    }
    let n = x.shape()[d];
    if n == 0 {
        return x.clone();
    }
    let shift = prim::convert_element_type(shift, super::index::index_type(x.shape()), false);
    let from = crate::np::remainder(&prim::neg(&shift), &prim::lit(&shift, n as f64));
    let twice = prim::concatenate(&[x, x], d);
    let zero = prim::lit(&from, 0.0);
    let starts: Vec<&Array> = (0..x.ndim()).map(|e| if e == d { &from } else { &zero }).collect();
    prim::dynamic_slice(&twice, &starts, x.shape())
}

/// The whole array `reps[d]` times along each dimension; the shorter of shape and repetitions has ones in front. As `jax.numpy.tile`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::tile(&array![1, 2], &[2, 2]).to_string(), "[[1 2 1 2]\n [1 2 1 2]]");
/// ```
#[track_caller]
pub fn tile(x: &Array, reps: &[usize]) -> Array {
    let rank = x.ndim().max(reps.len());
    let padded = |s: &[usize]| -> Shape { std::iter::repeat_n(1, rank - s.len()).chain(s.iter().copied()).collect() };
    prim::tile(&prim::reshape(x, &padded(x.shape())), &padded(reps))
}
/// Each element `n` times, along an axis or, without one, in a row. As `jax.numpy.repeat`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1, 2], [3, 4]];
/// assert_eq!(np::repeat(&x, 2, Some(1)).to_string(), "[[1 1 2 2]\n [3 3 4 4]]");
/// assert_eq!(np::repeat_each(&x, &array![1, 0], Some(0), None).to_string(), "[[1 2]]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn repeat(x: &Array, n: usize, axis: Option<i32>) -> Array {
    let (x, d) = along("repeat", x, axis);
    let mut shape = Shape::from_slice(x.shape());
    shape.insert(d + 1, n);
    let dims: Vec<usize> = (0..x.ndim()).map(|e| e + (e > d) as usize).collect();
    let y = prim::broadcast_in_dim(&x, &shape, &dims);
    shape.remove(d + 1);
    shape[d] *= n;
    prim::reshape(&y, &shape)
}
/// Each element as often as `counts` says for its place along the axis. As `jax.numpy.repeat` with an array; `total` is its `total_repeat_length`: how many there are in all, which has to be said where the
/// counts are traced. What is missing is the last element again, what is too much is cut off.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::repeat_each(&array![1, 2], &array![2, 1], None, Some(4)).to_string(), "[1 1 2 2]");
/// ```
///
/// # Panics
/// If there is no such axis, if the counts are not one integer for each place (or one for all), or if they are abstract and there is no `total`.
#[track_caller]
pub fn repeat_each(x: &Array, counts: &Array, axis: Option<i32>, total: Option<usize>) -> Array {
    let _line = here();
    let (x, d) = along("repeat", x, axis);
    let n = x.shape()[d];
    if counts.ndim() > 1 || counts.size() != n && counts.size() != 1 || !counts.dtype().is_integer() {
        fail(
            ErrorKind::Shape,
            format!(
                "repeat: counts {} for {n} places along axis {d} of an array of shape {}",
                counts.aval(),
                tuple(x.shape())
            ),
        )
    }
    let counts = broadcast_to(&flat(counts), &[n]);
    if let Some(known) = integers(&counts) {
        if let Some(c) = known.iter().find(|c| **c < 0) {
            fail(ErrorKind::Value, format!("repeat: a count of {c}"))
        }
        let mut places: Vec<usize> =
            known.iter().enumerate().flat_map(|(i, c)| std::iter::repeat_n(i, *c as usize)).collect();
        let last = places.last().copied().unwrap_or(n.saturating_sub(1));
        places.resize(total.unwrap_or(places.len()), last);
        return picked(&x, d, &places);
    }
    let Some(total) = total else {
        fail(
            ErrorKind::Concrete,
            format!(
                "repeat: the counts {} are abstract, so the length of the result is not known; say it with total",
                counts.aval()
            ),
        )
    };
    // each place begins behind those before it; how many have begun says which one it is
    let counts = prim::convert_element_type(&counts, DType::Int32, false);
    let begin = prim::sub(&prim::cumsum(&counts, 0, false), &counts);
    let begun = crate::np::zeros_dtype(&[total], DType::Int32).at(&begin).mode(Mode::Drop).add(1);
    let place = prim::cumsum(&begun, 0, false);
    crate::np::take_mode(&x, &prim::sub(&place, &prim::lit(&place, 1.0)), Some(d as i32), Mode::Clip)
}
/// The elements in a row, again and again, as many as fill this shape. As `jax.numpy.resize`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::resize(&array![1, 2, 3], &[2, 2]).to_string(), "[[1 2]\n [3 1]]");
/// ```
#[track_caller]
pub fn resize(x: &Array, shape: &[usize]) -> Array {
    let _line = here();
    let (x, size) = (flat(x), shape.iter().product::<usize>());
    if x.size() == 0 || size == 0 {
        return prim::zeros_of(&x.aval().with_shape(shape.iter().copied()));
    }
    let enough = prim::tile(&x, &[size.div_ceil(x.size())]);
    prim::reshape(&prim::slice_in_dim(&enough, 0, size, 1, 0), shape)
}

macro_rules! atleast { ($($(#[$doc:meta])* $name:ident $rank:literal $front:expr;)*) => { $(
    $(#[$doc])*
    #[track_caller]
    pub fn $name(x: &Array) -> Array {
        if x.ndim() >= $rank {
            return x.clone();
        }
        // how many of the new dimensions come in front
        let front: usize = $front[x.ndim()];
        let behind = $rank - x.ndim() - front;
        let shape: Shape = std::iter::repeat_n(1, front).chain(x.shape().iter().copied()).chain(std::iter::repeat_n(1, behind)).collect();
        prim::reshape(x, &shape)
    }
)* } }
atleast! {
    /// With at least one dimension. As `jax.numpy.atleast_1d`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::atleast_1d(&array(2.)).shape(), [1]);
    /// ```
    atleast_1d 1 [1];
    /// With at least two dimensions; a vector is a row. As `jax.numpy.atleast_2d`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::atleast_2d(&array![1., 2.]).shape(), [1, 2]);
    /// ```
    atleast_2d 2 [2, 1];
    /// With at least three dimensions: a vector is the second one, a matrix the first two. As `jax.numpy.atleast_3d`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::atleast_3d(&array![1., 2.]).shape(), [1, 2, 1]);
    /// ```
    atleast_3d 3 [3, 1, 0];
}
/// All repeated to the shape that they broadcast to. As `jax.numpy.broadcast_arrays`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let both = np::broadcast_arrays(&[&array![1, 2], &array![[3], [4]]]);
/// assert_eq!(both[0].shape(), [2, 2]);
/// ```
///
/// # Panics
/// If they do not broadcast.
#[track_caller]
pub fn broadcast_arrays(arrays: &[&Array]) -> Vec<Array> {
    let _line = here();
    let shape = broadcast_shapes(&arrays.iter().map(|x| x.shape()).collect::<Vec<_>>());
    arrays.iter().map(|x| broadcast_to(x, &shape)).collect()
}
/// The shape that these shapes broadcast to. As `jax.numpy.broadcast_shapes`.
///
/// ```
/// assert_eq!(cotangent::np::broadcast_shapes(&[&[2, 1], &[3]]), [2, 3]);
/// ```
///
/// # Panics
/// If they do not.
#[track_caller]
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Vec<usize> {
    match crate::array::broadcast_shapes(shapes) {
        Some(shape) => shape.to_vec(),
        None => {
            let shapes: Vec<String> = shapes.iter().map(|s| tuple(s)).collect();
            fail(ErrorKind::Shape, format!("broadcast_shapes: shapes {} do not broadcast", shapes.join(", ")))
        }
    }
}

/// Which ends [`trim_zeros`] looks at.
///
/// ```
/// use cotangent::{np::{self, Trim}, prelude::*};
/// let x = array![0, 3, 0];
/// assert_eq!(np::trim_zeros(&x, Trim::Front).to_string(), "[3 0]");
/// assert_eq!(np::trim_zeros(&x, Trim::Back).to_string(), "[0 3]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trim {
    /// The front.
    Front,
    /// The back.
    Back,
    /// Both.
    Both,
}
/// A vector without the zeros at its ends. How long that is depends on the values, so they have to be known. As `jax.numpy.trim_zeros`.
///
/// ```
/// use cotangent::{np, np::Trim, prelude::*};
/// assert_eq!(np::trim_zeros(&array![0, 1, 0, 2, 0], Trim::Both).to_string(), "[1 0 2]");
/// ```
///
/// # Panics
/// If it is no vector, or abstract.
#[track_caller]
pub fn trim_zeros(x: &Array, trim: Trim) -> Array {
    if x.ndim() != 1 {
        fail(ErrorKind::Shape, format!("trim_zeros: needs a vector, got {}", x.aval()))
    }
    let kept = prim::ne(x, &prim::lit(x, 0.0));
    let kept = kept.concrete("trim_zeros").with_slice(|b: &[bool]| b.to_vec());
    let n = kept.len();
    let first = if trim == Trim::Back { 0 } else { kept.iter().position(|b| *b).unwrap_or(n) };
    let last = if trim == Trim::Front { n } else { kept.iter().rposition(|b| *b).map_or(first, |i| i + 1) };
    prim::slice_in_dim(x, first, last.max(first), 1, 0)
}

macro_rules! methods { ($($(#[$doc:meta])* $name:ident ($($p:ident: $t:ty),*) => $f:path;)*) => {
    impl Array { $(
        $(#[$doc])*
        #[doc = concat!("See [`np::", stringify!($name), "`](crate::np::", stringify!($name), ").")]
        #[track_caller]
        pub fn $name(&self, $($p: $t),*) -> Array { $f(self, $($p),*) }
    )* }
} }
impl Array {
    /// All elements in a row, as [`ravel`](Array::ravel). As `jax.Array.flatten`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[5, 6], [7, 8]].flatten().to_string(), "[5 6 7 8]");
    /// ```
    #[track_caller]
    pub fn flatten(&self) -> Array {
        ravel(self)
    }
}
methods! {
    /// All elements in a row.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[5, 6], [7, 8]].ravel().to_string(), "[5 6 7 8]");
    /// ```
    ravel() => ravel;
    /// Without dimensions of extent 1.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[5], [6]].squeeze().to_string(), "[5 6]");
    /// ```
    squeeze() => squeeze;
    /// With new dimensions of extent 1.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![5, 6].expand_dims(&[1]).to_string(), "[[5]\n [6]]");
    /// ```
    expand_dims(axes: &[i32]) => expand_dims;
    /// Two dimensions exchanged.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[[1, 2, 3]], [[4, 5, 6]]].swapaxes(0, 1).to_string(), "[[[1 2 3]\n  [4 5 6]]]");
    /// ```
    swapaxes(a: i32, b: i32) => swapaxes;
    /// Dimensions in this order.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[[1, 2, 3]], [[4, 5, 6]]].permute_dims(&[2, 0, 1]).shape(), [3, 2, 1]);
    /// ```
    permute_dims(axes: &[i32]) => permute_dims;
    /// The main diagonal.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2], [3, 4]].diagonal().to_string(), "[1 4]");
    /// ```
    diagonal() => crate::np::diagonal;
    /// Each element several times.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![5, 6].repeat(2, None).to_string(), "[5 5 6 6]");
    /// ```
    repeat(n: usize, axis: Option<i32>) => repeat;
    /// The elements at these places.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2], [3, 4]].take(&array![1, 1], Some(0)).to_string(), "[[3 4]\n [3 4]]");
    /// ```
    take(indices: &Array, axis: Option<i32>) => crate::np::take;
}
