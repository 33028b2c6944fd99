//! Elements taken from places, and put there, with NumPy's names: what `x.i(index)` and `x.at(index)` do more generally.

use crate::array::{Array, Operand};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{along, axis_of, flat, here, refs};
use crate::np::index::{counted, index_type, integers, places};
use crate::np::{At, Item, Mode, broadcast_to, remainder, resize};
use crate::prim::{self, GatherDimensionNumbers, GatherOptions, GatherScatterMode};

/// The elements at these places along an axis or, without one, of all in a row; the shape of the indices takes the place of the axis. As `jax.numpy.take`; outside holds what
/// [indexing](Array::i) says.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2., 3.], [4., 5., 6.]];
/// assert_eq!(np::take(&x, &array![2, 0], Some(1)).to_string(), "[[3. 1.]\n [6. 4.]]");
/// assert_eq!(np::take(&x, &array![2, -1], None).to_string(), "[3. 6.]");
/// ```
///
/// # Panics
/// If there is no such axis, if the indices are no integers, or if a known one is outside.
#[track_caller]
pub fn take(x: &Array, indices: &Array, axis: Option<i32>) -> Array {
    let _line = here();
    let (x, d) = along("take", x, axis);
    x.at(at_axis(d, indices)).get()
}
/// [`take`] with a word on indices outside. As `jax.numpy.take`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// use cotangent::np::Mode;
/// assert_eq!(np::take_mode(&array![1., 2.], &array![-3, 5], None, Mode::Clip).to_string(), "[1. 2.]");
/// ```
///
/// # Panics
/// If there is no such axis, or if the indices are no integers.
#[track_caller]
pub fn take_mode(x: &Array, indices: &Array, axis: Option<i32>, mode: Mode) -> Array {
    let _line = here();
    let (x, d) = along("take", x, axis);
    x.at(at_axis(d, indices)).mode(mode).get()
}
fn at_axis(d: usize, indices: &Array) -> Vec<Item> {
    let mut index = vec![Item::Slice(crate::np::s(..)); d];
    index.push(Item::Array(indices.clone()));
    index
}

/// For each place of `indices` the element of `x` there whose place along the axis they say: what `argsort` gives, for example. All other extents broadcast; without an axis everything
/// is in a row. As `jax.numpy.take_along_axis`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[3., 1., 2.], [6., 5., 4.]];
/// assert_eq!(np::take_along_axis(&x, &np::argsort(&x, 1), Some(1)).to_string(), "[[1. 2. 3.]\n [4. 5. 6.]]");
/// ```
///
/// # Panics
/// If there is no such axis, if the numbers of dimensions differ, if the other extents do not broadcast, if the indices are no integers, or if a known one is outside.
#[track_caller]
pub fn take_along_axis(x: &Array, indices: &Array, axis: Option<i32>) -> Array {
    let _line = here();
    let (x, d, indices) = together("take_along_axis", x, indices, axis);
    gathered(&x, &counted("take_along_axis", x.shape(), &indices, d), d)
}
/// With `values`, which broadcast, at the places that [`take_along_axis`] takes. As `jax.numpy.put_along_axis`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::put_along_axis(&x, &array![[1], [0]], 9., Some(1)).to_string(), "[[1. 9.]\n [9. 4.]]");
/// ```
///
/// # Panics
/// As [`take_along_axis`] does, and if the values do not broadcast to the indices.
#[track_caller]
pub fn put_along_axis(x: &Array, indices: &Array, values: impl Operand, axis: Option<i32>) -> Array {
    let _line = here();
    let values = values.beside(x);
    let (y, d, indices) = together("put_along_axis", x, indices, axis);
    prim::reshape(&along_at(&y, &indices, d).set(broadcast_to(&values, indices.shape())), x.shape())
}
#[track_caller]
fn together(name: &str, x: &Array, indices: &Array, axis: Option<i32>) -> (Array, usize, Array) {
    let (x, d) = along(name, x, axis);
    let indices = if axis.is_none() { flat(indices) } else { indices.clone() };
    let fits = x.ndim() == indices.ndim()
        && (0..x.ndim()).all(|e| e == d || [1, x.shape()[e]].contains(&indices.shape()[e]) || x.shape()[e] == 1);
    if !fits {
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: indices of shape {} along axis {d} of an array of shape {}: they have its dimensions, and broadcast to it along the others",
                tuple(indices.shape()),
                tuple(x.shape())
            ),
        )
    }
    (x, d, indices)
}
/// The elements of `x` at these places along dimension `d`. Dimensions that both have run side by side.
#[track_caller]
fn gathered(x: &Array, indices: &Array, d: usize) -> Array {
    let (mut dims, mut sizes, mut counts) = (GatherDimensionNumbers::default(), Shape::new(), Shape::new());
    let (mut gone, mut out) = (Shape::new(), Shape::new());
    for e in 0..x.ndim() {
        let (m, n) = (x.shape()[e], indices.shape()[e]);
        out.push(if e == d || m == 1 { n } else { m });
        let at = e - gone.len();
        if e == d {
            dims.collapsed_slice_dims.push(at);
            dims.start_index_map.push(at)
        } else if n == 1 {
            // all of it for each index
            dims.offset_dims.push(e);
            sizes.push(m);
            continue;
        } else if m == 1 {
            gone.push(e)
        } else {
            dims.operand_batching_dims.push(at);
            dims.start_indices_batching_dims.push(counts.len())
        }
        if gone.last() != Some(&e) {
            sizes.push(1)
        }
        counts.push(n)
    }
    if out.contains(&0) {
        return prim::zeros_of(&x.aval().with_shape(out));
    }
    counts.push(1);
    let options = GatherOptions { mode: GatherScatterMode::FillOrDrop, ..Default::default() };
    prim::gather(&prim::squeeze(x, &gone), &prim::reshape(indices, &counts), &dims, &sizes, &options)
}
/// The place in which the other dimensions run beside those of the indices.
fn along_at(x: &Array, indices: &Array, d: usize) -> At {
    let t = index_type(x.shape());
    let item = |e: usize| {
        let mut shape = Shape::from_elem(1, x.ndim());
        shape[e] = x.shape()[e];
        Item::Array(if e == d { indices.clone() } else { prim::iota(t, &shape, e) })
    };
    x.at((0..x.ndim()).map(item).collect::<Vec<_>>())
}

/// With `values`, again and again, at these places of the elements in a row. As `jax.numpy.put`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1, 2], [3, 4]];
/// assert_eq!(np::put(&x, &array![0, 3], array![9, 8], None).to_string(), "[[9 2]\n [3 8]]");
/// ```
///
/// # Panics
/// If the indices are no integers, or if, without a mode, a known one is outside.
#[track_caller]
pub fn put(x: &Array, indices: &Array, values: impl Operand, mode: Option<Mode>) -> Array {
    let _line = here();
    let (values, indices) = (values.beside(x), flat(indices));
    if x.size() == 0 || indices.size() == 0 || values.size() == 0 {
        return x.clone();
    }
    let at = flat(x).into_at(&indices);
    let at = match mode {
        Some(mode) => at.mode(mode),
        None => at,
    };
    prim::reshape(&at.set(resize(&values, indices.shape())), x.shape())
}
/// With `values`, again and again, one after the other where the mask holds. The mask may be traced. As `jax.numpy.place`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![1., -2., -3.];
/// assert_eq!(np::place(&x, &x.lt(0.), array![7., 8.]).to_string(), "[1. 7. 8.]");
/// ```
///
/// # Panics
/// If the mask has another number of elements, or if there are no values.
#[track_caller]
pub fn place(x: &Array, mask: &Array, values: impl Operand) -> Array {
    let _line = here();
    let values = flat(&values.beside(x));
    if mask.size() != x.size() || values.size() == 0 {
        fail(
            ErrorKind::Shape,
            format!("place: {} values where a mask {} holds in {}", values.size(), mask.aval(), x.aval()),
        )
    }
    if x.size() == 0 {
        return x.clone();
    }
    let mask = truth(&flat(mask));
    let counted = prim::cumsum(&prim::convert_element_type(&mask, index_type(&[x.size()]), false), 0, false);
    let before = prim::sub(&counted, &prim::lit(&counted, 1.0));
    let values = prim::convert_element_type(&values, x.dtype(), x.weak_type());
    let chosen = values.at(&before).mode(Mode::Wrap).get();
    prim::reshape(&prim::select_n(&mask, &[&flat(x), &chosen]), x.shape())
}
fn truth(x: &Array) -> Array {
    if x.dtype().is_bool() { x.clone() } else { prim::ne(x, &prim::lit(x, 0.0)) }
}
#[track_caller]
fn condition(mask: &Array, x: &Array, d: usize) -> Array {
    let n = x.shape()[d];
    if mask.ndim() != 1 || mask.size() > n {
        fail(
            ErrorKind::Shape,
            format!(
                "compress: a condition {} along axis {d} of an array of shape {}: it is a vector of at most {n} elements",
                mask.aval(),
                tuple(x.shape())
            ),
        )
    }
    truth(mask)
}
/// The slices along an axis (or, without one, the elements in a row) for which the condition holds; it may be shorter than the axis. It has to be known: see [`compress_sized`]. As `jax.numpy.compress`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::compress(&array![false, true], &x, Some(0)).to_string(), "[[3. 4.]]");
/// ```
///
/// # Panics
/// If there is no such axis, or if the condition is no vector, longer than the axis, or abstract.
#[track_caller]
pub fn compress(mask: &Array, x: &Array, axis: Option<i32>) -> Array {
    let _line = here();
    let (x, d) = along("compress", x, axis);
    let at = places(&condition(mask, &x, d)).remove(0);
    take(&x, &at, Some(d as i32))
}
/// [`compress`] to a size that is known, so that the condition may be traced: what is too much is cut off, what is missing is `fill`. As `jax.numpy.compress`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![1., 2., 3.];
/// assert_eq!(np::compress_sized(&x.gt(1.5), &x, None, 3, 0.).to_string(), "[2. 3. 0.]");
/// ```
///
/// # Panics
/// As [`compress`] does, but for abstract conditions.
#[track_caller]
pub fn compress_sized(mask: &Array, x: &Array, axis: Option<i32>, size: usize, fill: impl Operand) -> Array {
    let _line = here();
    let fill = fill.beside(x);
    let (x, d) = along("compress", x, axis);
    let mask = condition(mask, &x, d);
    let x = prim::slice_in_dim(&x, 0, mask.size(), 1, d);
    let counted = prim::cumsum(&prim::convert_element_type(&mask, DType::Int32, false), 0, false);
    let nowhere = prim::full_of(counted.aval(), size as f64);
    let to = prim::select_n(&mask, &[&nowhere, &prim::sub(&counted, &prim::lit(&counted, 1.0))]);
    let mut shape = Shape::from_slice(x.shape());
    shape[d] = size;
    let fill = prim::convert_element_type(&fill, x.dtype(), x.weak_type());
    let mut index = vec![Item::Slice(crate::np::s(..)); d];
    index.push(Item::Array(to));
    broadcast_to(&fill, &shape).at(index).mode(Mode::Drop).set(&x)
}

/// Indices that a [`Mode`] has brought inside of `0..n`; without one, known ones have to be there.
#[track_caller]
fn inside(name: &str, i: &Array, n: usize, mode: Option<Mode>) -> Array {
    if !i.dtype().is_integer() {
        fail(ErrorKind::Type, format!("{name}: integers are needed, got {}", i.aval()))
    }
    if n == 0 && i.size() > 0 {
        fail(ErrorKind::Value, format!("{name}: there is nothing to choose from"))
    }
    match mode {
        None => {
            if let Some(bad) = integers(i).and_then(|v| v.into_iter().find(|i| !(0..n as i64).contains(i))) {
                fail(
                    ErrorKind::Value,
                    format!("{name}: {bad} is not one of 0 to {}; a mode says what it means", n as i64 - 1),
                )
            }
            i.clone()
        }
        Some(Mode::Wrap) => remainder(i, &prim::lit(i, n as f64)),
        Some(Mode::Clip) => prim::clamp(&prim::lit(i, 0.0), i, &prim::lit(i, n as f64 - 1.0)),
        Some(_) => i.clone(),
    }
}
/// Each element from the one of `choices` whose number `which` has there; all broadcast. Without a mode (`Clip` or `Wrap`) known numbers have to be those of choices. As `jax.numpy.choose`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let y = np::choose(&array![1, 0, 1], &[&array![1., 2., 3.], &array![10., 20., 30.]], None);
/// assert_eq!(y.to_string(), "[10.  2. 30.]");
/// ```
///
/// # Panics
/// If there are no choices, if shapes do not broadcast, or if `which` holds no integers or, known and without a mode, one that is no choice's.
#[track_caller]
pub fn choose(which: &Array, choices: &[&Array], mode: Option<Mode>) -> Array {
    let _line = here();
    let which = inside("choose", which, choices.len(), mode);
    if choices.is_empty() {
        fail(ErrorKind::Value, "choose: there is nothing to choose from")
    }
    let choices = crate::np::dims::in_one_type("choose", choices);
    let all: Vec<&Array> = std::iter::once(&which).chain(&choices).collect();
    let all = crate::np::broadcast_arrays(&all);
    let side_by_side = prim::stack(&refs(&all[1..]), 0);
    let places = prim::expand_dims(&all[0], &[0]);
    let place = along_at(&side_by_side, &places, 0).mode(Mode::PromiseInBounds).get();
    prim::squeeze(&place, &[0])
}

/// The index along each dimension of this shape of the elements with these numbers in a row. Negative numbers count from the end; what is outside is clipped. As `jax.numpy.unravel_index`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let i = np::unravel_index(&array![5, 1], &[2, 3]);
/// assert_eq!((i[0].to_string(), i[1].to_string()), ("[1 0]".into(), "[2 1]".into()));
/// assert_eq!(np::ravel_multi_index(&[&i[0], &i[1]], &[2, 3], None).to_string(), "[5 1]");
/// ```
///
/// # Panics
/// If these are no integers.
#[track_caller]
pub fn unravel_index(indices: &Array, shape: &[usize]) -> Vec<Array> {
    let _line = here();
    if !indices.dtype().is_integer() {
        fail(ErrorKind::Type, format!("unravel_index: integers are needed, got {}", indices.aval()))
    }
    let size = shape.iter().product::<usize>();
    // as wide as the greatest number needs
    let t = if indices.dtype().int_range().is_some_and(|(_, high)| (high as u128) < size as u128) {
        index_type(&[size])
    } else {
        indices.dtype()
    };
    let x = prim::convert_element_type(indices, t, indices.weak_type());
    let number = |n: f64| prim::lit(&x, n);
    let signed = t.is_signed();
    let low = if signed { -(size as f64) } else { 0.0 };
    let mut rest = prim::clamp(&number(low), &x, &number((size as f64 - 1.0).max(low)));
    if signed {
        rest = prim::select_n(&prim::lt(&rest, &number(0.0)), &[&rest, &prim::add(&rest, &number(size as f64))])
    }
    let mut out = vec![];
    for n in shape.iter().rev() {
        let n = number((*n).max(1) as f64);
        out.push(prim::rem(&rest, &n));
        rest = prim::div(&rest, &n)
    }
    out.reverse();
    out
}
/// The numbers in a row of the elements with these indices along the dimensions of this shape. Without a mode (`Clip` or `Wrap`) known indices have to be inside. As `jax.numpy.ravel_multi_index`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::ravel_multi_index(&[&array![1], &array![2]], &[2, 3], None).to_string(), "[5]");
/// ```
///
/// # Panics
/// If there is not one array of integers for each dimension, or if, known and without a mode, one is outside.
#[track_caller]
pub fn ravel_multi_index(indices: &[&Array], shape: &[usize], mode: Option<Mode>) -> Array {
    let _line = here();
    if indices.len() != shape.len() || shape.is_empty() {
        fail(
            ErrorKind::Shape,
            format!("ravel_multi_index: {} arrays for the dimensions of the shape {}", indices.len(), tuple(shape)),
        )
    }
    let t = index_type(&[shape.iter().product()]);
    let of = |d: usize| {
        let i = inside("ravel_multi_index", indices[d], shape[d], mode);
        if i.dtype().size() < t.size() { prim::convert_element_type(&i, t, false) } else { i }
    };
    let mut sum = of(0);
    for d in 1..shape.len() {
        sum = crate::np::add(&prim::mul(&sum, &prim::lit(&sum, shape[d] as f64)), &of(d))
    }
    sum
}

/// For each vector along an axis what `f` makes of it: its dimensions take the place of the axis. As `jax.numpy.apply_along_axis`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2., 3.], [4., 5., 6.]];
/// let y = np::apply_along_axis(|v: &Array| v.i([0, 2]) * v.sum(), 1, &x);
/// assert_eq!(y.to_string(), "[[ 6. 18.]\n [60. 90.]]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn apply_along_axis(f: impl Fn(&Array) -> Array + Send + Sync, axis: i32, x: &Array) -> Array {
    let d = axis_of("apply_along_axis", axis, x.ndim(), x.shape());
    let (rank, n) = (x.ndim(), x.shape()[d]);
    if rank == 1 {
        return f(x);
    }
    let vectors = prim::move_axis(x, d, rank - 1);
    let others = Shape::from_slice(&vectors.shape()[..rank - 1]);
    let y = crate::vmap(|v: &Array| f(v))(&prim::reshape(&vectors, &[others.iter().product(), n]));
    let made = y.ndim() - 1;
    let shape: Shape = others.iter().chain(&y.shape()[1..]).copied().collect();
    // from behind the others to where the axis was
    let order: Vec<usize> = (0..d).chain(rank - 1..rank - 1 + made).chain(d..rank - 1).collect();
    prim::transpose(&prim::reshape(&y, &shape), &order)
}
/// What becomes of `x` when `f`, which folds along an axis, is applied for one of these axes after the other; a dimension that it takes away stays with extent 1. As `jax.numpy.apply_over_axes`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let y = np::apply_over_axes(|x, d| np::take(x, &array(0), Some(d)), &np::ones(&[2, 3]), &[0, 1]);
/// assert_eq!(y.shape(), [1, 1]);
/// ```
///
/// # Panics
/// If an axis does not exist, or if `f` makes an array with other numbers of dimensions than that of `x` or one less.
#[track_caller]
pub fn apply_over_axes(f: impl Fn(&Array, i32) -> Array, x: &Array, axes: &[i32]) -> Array {
    let mut x = x.clone();
    for axis in axes {
        let d = axis_of("apply_over_axes", *axis, x.ndim(), x.shape());
        let y = f(&x, d as i32);
        x = match x.ndim() - y.ndim().min(x.ndim()) {
            0 if y.ndim() == x.ndim() => y,
            1 => prim::expand_dims(&y, &[d]),
            _ => fail(
                ErrorKind::Shape,
                format!(
                    "apply_over_axes: the function makes {} of {}: all dimensions but one, or all, have to stay",
                    y.aval(),
                    x.aval()
                ),
            ),
        }
    }
    x
}
