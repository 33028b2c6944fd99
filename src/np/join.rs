//! Several arrays in one, and one in several; parts put in and left out.

use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{along, axis_of, flat, here, in_one_type, picked, refs};
use crate::np::index::{integers, places};
use crate::np::{Indexer, Item, Items, atleast_1d, atleast_2d, atleast_3d, broadcast_to};
use crate::prim;

/// Arrays one behind the other along an axis, in the type in which they meet. As `jax.numpy.concatenate`; for its `axis=None` give [`ravel`](crate::np::ravel)s.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.]];
/// assert_eq!(np::concatenate(&[&x, &x], 0).to_string(), "[[1. 2.]\n [1. 2.]]");
/// ```
///
/// # Panics
/// If there are none, if there is no such axis, or if they differ in another dimension.
#[track_caller]
pub fn concatenate(arrays: &[&Array], axis: i32) -> Array {
    joined("concatenate", arrays, axis)
}
#[track_caller]
fn joined(name: &str, arrays: &[&Array], axis: i32) -> Array {
    let _line = here();
    let Some(first) = arrays.first() else { fail(ErrorKind::Value, format!("{name}: there are no arrays")) };
    let d = axis_of(name, axis, first.ndim(), first.shape());
    let fits =
        |x: &&&Array| x.ndim() == first.ndim() && (0..x.ndim()).all(|e| e == d || x.shape()[e] == first.shape()[e]);
    if let Some(other) = arrays.iter().find(|x| !fits(x)) {
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: arrays of shapes {} and {} cannot be joined along axis {axis}",
                tuple(first.shape()),
                tuple(other.shape())
            ),
        )
    }
    prim::concatenate(&refs(&in_one_type(name, arrays)), d)
}
/// Arrays of one shape side by side along a new axis. As `jax.numpy.stack`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::stack(&[&array![1, 2], &array![3, 4]], -1).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If there are none, if their shapes differ, or if there is no such axis.
#[track_caller]
pub fn stack(arrays: &[&Array], axis: i32) -> Array {
    let _line = here();
    let Some(first) = arrays.first() else { fail(ErrorKind::Value, "stack: there are no arrays") };
    if let Some(other) = arrays.iter().find(|x| x.shape() != first.shape()) {
        fail(
            ErrorKind::Shape,
            format!("stack: arrays of shapes {} and {}; all need one", tuple(first.shape()), tuple(other.shape())),
        )
    }
    let d = axis_of("stack", axis, first.ndim() + 1, first.shape());
    prim::stack(&refs(&in_one_type("stack", arrays)), d)
}
macro_rules! stacks { ($($(#[$doc:meta])* $name:ident $of:expr, $axis:expr;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// # Panics
    /// If there are none, or if they differ in another dimension.
    #[track_caller]
    pub fn $name(arrays: &[&Array]) -> Array {
        let arrays: Vec<Array> = arrays.iter().map(|x| $of(x)).collect();
        let axis: fn(&Array) -> i32 = $axis;
        joined(stringify!($name), &refs(&arrays), arrays.first().map_or(0, axis))
    }
)* } }
stacks! {
    /// Side by side: along the second axis, vectors along their only one.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::hstack(&[&array![1, 2], &array![3]]).to_string(), "[1 2 3]");
    /// ```
    hstack atleast_1d, |x| (x.ndim() > 1) as i32;
    /// One below the other: along the first axis, vectors as rows.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::vstack(&[&array![1, 2], &array![3, 4]]).to_string(), "[[1 2]\n [3 4]]");
    /// ```
    vstack atleast_2d, |_| 0;
    /// Along the third axis; vectors are rows, one behind the other.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::dstack(&[&array![1, 2], &array![3, 4]]).shape(), [1, 2, 2]);
    /// ```
    dstack atleast_3d, |_| 2;
    /// Side by side, vectors as columns.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::column_stack(&[&array![1, 2], &array![3, 4]]).to_string(), "[[1 3]\n [2 4]]");
    /// ```
    column_stack |x: &Array| if x.ndim() < 2 { prim::reshape(x, &[x.size(), 1]) } else { x.clone() }, |_| 1;
}

/// A block of a matrix of blocks: an array, or a list of blocks. See [`block`].
///
/// ```
/// use cotangent::{np::{self, Block}, prelude::*};
/// let row = Block::List(vec![Block::Array(array![1, 2]), Block::from(&array![3])]);
/// assert_eq!(np::block(row).to_string(), "[1 2 3]");
/// ```
pub enum Block {
    /// An array.
    Array(Array),
    /// Blocks along one axis.
    List(Vec<Block>),
}
impl From<Array> for Block {
    fn from(x: Array) -> Block {
        Block::Array(x)
    }
}
impl From<&Array> for Block {
    fn from(x: &Array) -> Block {
        Block::Array(x.clone())
    }
}
impl<T: Into<Block>> From<Vec<T>> for Block {
    fn from(x: Vec<T>) -> Block {
        Block::List(x.into_iter().map(T::into).collect())
    }
}
impl<T: Into<Block>, const N: usize> From<[T; N]> for Block {
    fn from(x: [T; N]) -> Block {
        Block::List(x.into_iter().map(T::into).collect())
    }
}
impl Block {
    /// How deep the lists are, if that is the same everywhere.
    fn depth(&self) -> Option<usize> {
        match self {
            Block::Array(_) => Some(0),
            Block::List(all) => {
                let depth = all.first()?.depth()?;
                all.iter().all(|b| b.depth() == Some(depth)).then_some(depth + 1)
            }
        }
    }
    fn rank(&self) -> usize {
        match self {
            Block::Array(x) => x.ndim(),
            Block::List(all) => all.iter().map(Block::rank).max().unwrap_or(0),
        }
    }
    #[track_caller]
    fn join(&self, depth: usize, rank: usize) -> Array {
        match self {
            Block::Array(x) => crate::np::shape::ranked(&if rank > 0 { atleast_1d(x) } else { x.clone() }, rank),
            Block::List(all) => {
                let mut parts = vec![];
                for b in all {
                    parts.push(b.join(depth - 1, rank))
                }
                joined("block", &refs(&parts), -(depth as i32))
            }
        }
    }
}
/// An array from nested lists of blocks: the innermost lists along the last axis, those around them along the last but one, and so on. As `jax.numpy.block`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (a, b) = (np::eye(2, 2, 0), np::zeros(&[2, 1]));
/// let c = np::block([[&a, &b], [&np::ones(&[1, 2]), &array![[7.]]]]);
/// assert_eq!(c.to_string(), "[[1. 0. 0.]\n [0. 1. 0.]\n [1. 1. 7.]]");
/// ```
///
/// # Panics
/// If a list is empty, if lists differ in depth, or if blocks do not fit.
#[track_caller]
pub fn block(blocks: impl Into<Block>) -> Array {
    let _line = here();
    let blocks = blocks.into();
    let Some(depth) = blocks.depth() else { fail(ErrorKind::Value, "block: lists are empty, or of different depths") };
    blocks.join(depth, depth.max(blocks.rank()))
}
/// The slices along an axis, without it. As `jax.numpy.unstack`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let rows = np::unstack(&array![[1, 2], [3, 4]], 0);
/// assert_eq!(rows[1].to_string(), "[3 4]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn unstack(x: &Array, axis: i32) -> Vec<Array> {
    let _line = here();
    let d = axis_of("unstack", axis, x.ndim(), x.shape());
    let mut out = vec![];
    for i in 0..x.shape()[d] {
        out.push(prim::squeeze(&prim::slice_in_dim(x, i, i + 1, 1, d), &[d]))
    }
    out
}

/// Into what an array is split: so many parts, or those that begin at these indices (the first one begins at 0); negative ones count from the end.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = np::arange(6);
/// let lengths = |parts: Vec<Array>| parts.iter().map(Array::size).collect::<Vec<_>>();
/// assert_eq!(lengths(np::split(&x, 3, 0)), [2, 2, 2]);
/// assert_eq!(lengths(np::split(&x, [1, -1], 0)), [1, 4, 1]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say into what an array is split",
    note = "give a number of parts (usize) or the indices at which parts begin ([i64; N], &[i64])"
)]
pub trait Sections {
    #[doc(hidden)]
    fn starts(&self, extent: usize) -> Result<Vec<usize>, usize>;
}
impl Sections for usize {
    /// The larger parts come first.
    fn starts(&self, extent: usize) -> Result<Vec<usize>, usize> {
        if *self == 0 {
            return Err(0);
        }
        let (size, more) = (extent / self, extent % self);
        let starts = (0..=*self).map(|k| k * size + k.min(more)).collect();
        if more == 0 { Ok(starts) } else { Err(*self) }
    }
}
impl Sections for &[i64] {
    fn starts(&self, extent: usize) -> Result<Vec<usize>, usize> {
        let n = extent as i64;
        let inside = self.iter().map(|i| (if *i < 0 { i + n } else { *i }).clamp(0, n) as usize);
        Ok(std::iter::once(0).chain(inside).chain([extent]).collect())
    }
}
impl<const K: usize> Sections for [i64; K] {
    fn starts(&self, extent: usize) -> Result<Vec<usize>, usize> {
        (&self[..]).starts(extent)
    }
}
#[track_caller]
fn parted(name: &str, x: &Array, sections: &dyn Sections, d: usize, uneven: bool) -> Vec<Array> {
    let _line = here();
    let n = x.shape()[d];
    let starts = match sections.starts(n) {
        Ok(starts) => starts,
        Err(k) if uneven && k > 0 => (0..=k).map(|i| i * (n / k) + i.min(n % k)).collect(),
        Err(k) => fail(
            ErrorKind::Shape,
            format!("{name}: axis {d} of an array of shape {} cannot be split into {k} equal parts", tuple(x.shape())),
        ),
    };
    let mut out = vec![];
    for w in starts.windows(2) {
        out.push(prim::slice_in_dim(x, w[0], w[1].max(w[0]), 1, d))
    }
    out
}
/// The parts of an array along an axis: so many equal ones, or those between given indices. As `jax.numpy.split`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![1, 2, 3, 4];
/// assert_eq!(np::split(&x, 2, 0)[1].to_string(), "[3 4]");
/// assert_eq!(np::split(&x, [1, 3], 0)[1].to_string(), "[2 3]");
/// assert_eq!(np::array_split(&x, 3, 0)[0].to_string(), "[1 2]");
/// ```
///
/// # Panics
/// If there is no such axis, or if the parts would not be equal.
#[track_caller]
pub fn split(x: &Array, sections: impl Sections, axis: i32) -> Vec<Array> {
    parted("split", x, &sections, axis_of("split", axis, x.ndim(), x.shape()), false)
}
/// [`split`] into parts that may differ by one; the larger ones come first. As `jax.numpy.array_split`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::array_split(&array![1, 2, 3], 2, 0)[1].to_string(), "[3]");
/// ```
///
/// # Panics
/// If there is no such axis, or if there should be no part.
#[track_caller]
pub fn array_split(x: &Array, sections: impl Sections, axis: i32) -> Vec<Array> {
    parted("array_split", x, &sections, axis_of("array_split", axis, x.ndim(), x.shape()), true)
}
macro_rules! splits { ($($(#[$doc:meta])* $name:ident $axis:expr;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// # Panics
    /// If there is no such axis, or if the parts would not be equal.
    #[track_caller]
    pub fn $name(x: &Array, sections: impl Sections) -> Vec<Array> {
        let axis: fn(&Array) -> i32 = $axis;
        parted(stringify!($name), x, &sections, axis_of(stringify!($name), axis(x), x.ndim(), x.shape()), false)
    }
)* } }
splits! {
    /// [`split`] along the second axis, of vectors along their only one.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::hsplit(&array![[1, 2], [3, 4]], 2)[0].to_string(), "[[1]\n [3]]");
    /// ```
    hsplit |x| (x.ndim() > 1) as i32;
    /// [`split`] along the first axis.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::vsplit(&array![[1, 2], [3, 4]], 2)[0].to_string(), "[[1 2]]");
    /// ```
    vsplit |_| 0;
    /// [`split`] along the third axis.
    ///
    /// ```
    /// use cotangent::np;
    /// assert_eq!(np::dsplit(&np::ones(&[1, 2, 4]), 2)[1].shape(), [1, 2, 2]);
    /// ```
    dsplit |_| 2;
}

/// With `values` behind the elements along an axis or, without one, both in a row. As `jax.numpy.append`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::append(&array![1, 2], &array![[3]], None).to_string(), "[1 2 3]");
/// ```
///
/// # Panics
/// If there is no such axis, or if they differ in another dimension.
#[track_caller]
pub fn append(x: &Array, values: &Array, axis: Option<i32>) -> Array {
    let _line = here();
    match axis {
        None => joined("append", &[&flat(x), &flat(values)], 0),
        Some(a) => joined("append", &[x, values], a),
    }
}
/// The places along a dimension of extent `n` that the one part of an index names, and whether that is a number.
#[track_caller]
fn places_of(name: &str, index: impl Indexer, n: usize, limit: usize) -> (Vec<usize>, bool) {
    let mut items = Items::new();
    index.items(&mut items);
    let (found, single): (Vec<i64>, bool) = match &items[..] {
        [Item::At(i)] => (vec![*i], true),
        [Item::Slice(s)] => {
            let t = s.of(n);
            let up = (0..t.len).map(|k| (t.low + k * t.step) as i64);
            (if t.reversed { up.rev().collect() } else { up.collect() }, false)
        }
        [Item::Array(a)] if a.dtype().is_bool() => {
            if a.shape() != [n] {
                fail(ErrorKind::Shape, format!("{name}: a mask of shape {} for {n} places", tuple(a.shape())))
            }
            (integers(&places(a)[0]).unwrap_or_default(), false)
        }
        [Item::Array(a)] if a.ndim() < 2 && a.dtype().is_integer() => match integers(a) {
            Some(i) => (i, a.ndim() == 0),
            None => fail(
                ErrorKind::Concrete,
                format!(
                    "{name}: the places {} are abstract; they have to be known, for what goes where depends on them",
                    a.aval()
                ),
            ),
        },
        _ => fail(
            ErrorKind::Value,
            format!("{name}: the places are one number, one range, or one list of numbers or of truth values"),
        ),
    };
    let of = |i: i64| {
        let at = if i < 0 { i + n as i64 } else { i };
        if !(0..limit as i64).contains(&at) {
            fail(ErrorKind::Value, format!("{name}: index {i} is out of bounds for {n} places"))
        }
        at as usize
    };
    let mut out = vec![];
    for i in found {
        out.push(of(i))
    }
    (out, single)
}
/// With `values` in front of these places along an axis or, without one, of the elements in a row. The places (a number, a range, or a list) have to be known; the values broadcast. As `jax.numpy.insert`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::insert(&array![1., 2., 3.], 1, 9., None).to_string(), "[1. 9. 2. 3.]");
/// assert_eq!(np::insert(&array![[1, 2], [3, 4]], [0, 2], array![[7], [8]], Some(1)).to_string(), "[[7 1 2 7]\n [8 3 4 8]]");
/// ```
///
/// # Panics
/// If there is no such axis, if a place is outside or abstract, or if the values do not broadcast.
#[track_caller]
pub fn insert(x: &Array, at: impl Indexer, values: impl Operand, axis: Option<i32>) -> Array {
    let _line = here();
    let values = values.beside(x);
    let (x, d) = along("insert", x, axis);
    let n = x.shape()[d];
    let (mut at, single) = places_of("insert", at, n, n + 1);
    let values = prim::convert_element_type(&values, x.dtype(), x.weak_type());
    let rank = x.ndim().max(values.ndim());
    let mut values = prim::reshape(&values, &[vec![1; rank - values.ndim()], values.shape().to_vec()].concat());
    if single {
        // what is inserted at one place runs along the first dimension
        values = prim::move_axis(&values, 0, d)
    }
    let mut shape = x.shape().to_vec();
    shape[d] = if at.len() == 1 { values.shape()[d] } else { at.len() };
    at.resize(shape[d], at.first().copied().unwrap_or(0));
    let values = broadcast_to(&values, &shape);
    // in which order elements and values follow each other
    let mut order: Vec<(usize, usize, usize)> = (0..n).map(|i| (i, 1, i)).collect();
    order.extend(at.iter().enumerate().map(|(k, i)| (*i, 0, n + k)));
    order.sort_unstable();
    let both = prim::concatenate(&[&x, &values], d);
    picked(&both, d, &order.into_iter().map(|(.., from)| from).collect::<Vec<_>>())
}
/// Without the elements at these places (a number, a range, a list or a mask) along an axis or, without one, of the elements in a row. The places have to be known. As `jax.numpy.delete`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::delete(&array![1., 2., 3.], [0, -1], None).to_string(), "[2.]");
/// assert_eq!(np::delete(&array![[1, 2], [3, 4]], 1.., Some(1)).to_string(), "[[1]\n [3]]");
/// ```
///
/// # Panics
/// If there is no such axis, or if a place is outside or abstract.
#[track_caller]
pub fn delete(x: &Array, at: impl Indexer, axis: Option<i32>) -> Array {
    let _line = here();
    let (x, d) = along("delete", x, axis);
    let n = x.shape()[d];
    let (at, _) = places_of("delete", at, n, n);
    let gone: std::collections::HashSet<usize> = at.into_iter().collect();
    picked(&x, d, &(0..n).filter(|i| !gone.contains(i)).collect::<Vec<_>>())
}
