//! What an index is made of: numbers, ranges with and without steps, arrays of integers, masks, and the two that stand for dimensions.

use crate::array::Array;
use crate::error::{ErrorKind, fail};
use smallvec::SmallVec;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// As many full slices as are missing for an index to name every dimension: NumPy's `...`.
///
/// ```
/// use cotangent::prelude::*;
/// let x = array![[[1, 2], [3, 4]], [[5, 6], [7, 8]]];
/// assert_eq!(x.i((Ellipsis, 0)).to_string(), "[[1 3]\n [5 7]]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ellipsis;
/// A new dimension of extent 1: NumPy's `newaxis`, or `None`.
///
/// ```
/// use cotangent::prelude::*;
/// assert_eq!(array![1, 2].i((.., NewAxis)).to_string(), "[[1]\n [2]]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewAxis;

/// A range of indices with a step, as Python's `start:stop:step`. Negative ends count from the end of the dimension; what reaches beyond it is cut off. Rust's ranges
/// are converted by [`s`].
///
/// ```
/// use cotangent::{np::Slice, prelude::*};
/// let x = array![0, 1, 2, 3, 4, 5];
/// assert_eq!(x.i(Slice::new(Some(-5), Some(99)).step(2)).to_string(), "[1 3 5]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    start: Option<i64>,
    stop: Option<i64>,
    /// Whether the range contains `stop`.
    closed: bool,
    step: i64,
}
/// The part of a dimension that a [`Slice`] names: the lowest index, how far it is to the next, how many there are, and whether they are taken from the last one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::np) struct Stretch {
    pub low: usize,
    pub step: usize,
    pub len: usize,
    pub reversed: bool,
}
impl Stretch {
    /// The index behind the last one.
    pub fn limit(&self) -> usize {
        if self.len == 0 { self.low } else { self.low + (self.len - 1) * self.step + 1 }
    }
}
impl Slice {
    /// From `start` to before `stop`; `None` is the respective end.
    ///
    /// ```
    /// use cotangent::{np::Slice, prelude::*};
    /// let x = array![0, 1, 2, 3];
    /// assert_eq!(x.i(Slice::new(None, Some(-1))).to_string(), "[0 1 2]");
    /// assert_eq!(x.i(Slice::new(Some(2), None)).to_string(), "[2 3]");
    /// ```
    pub fn new(start: Option<i64>, stop: Option<i64>) -> Slice {
        Slice { start, stop, closed: false, step: 1 }
    }
    /// Every so many. A negative step goes backwards, from `start` down to before (or, of a closed range, to) `stop`.
    ///
    /// ```
    /// use cotangent::{np::Slice, prelude::*};
    /// let x = array![0, 1, 2, 3, 4, 5];
    /// assert_eq!(x.i(s(4..1).step(-2)).to_string(), "[4 2]");
    /// assert_eq!(x.i(s(4..=0).step(-2)).to_string(), "[4 2 0]");
    /// ```
    ///
    /// # Panics
    /// If the step is 0.
    #[track_caller]
    pub fn step(mut self, step: i64) -> Slice {
        if step == 0 {
            fail(ErrorKind::Value, "a slice with a step of 0")
        }
        self.step = step;
        self
    }
    /// What it names in a dimension of this extent.
    pub(in crate::np) fn of(&self, extent: usize) -> Stretch {
        let n = extent as i64;
        let forward = self.step > 0;
        let (low, high) = if forward { (0, n) } else { (-1, n - 1) };
        let at = |i: i64| (if i < 0 { i + n } else { i }).clamp(low, high);
        let start = self.start.map_or(if forward { low } else { high }, at);
        // a closed range has one index more, unless that is the end anyway
        let stop = match self.stop {
            Some(-1) if self.closed && forward => None,
            Some(0) if self.closed && !forward => None,
            Some(i) if self.closed => Some(i + self.step.signum()),
            stop => stop,
        };
        let stop = stop.map_or(if forward { high } else { low }, at);
        let step = self.step.unsigned_abs() as usize;
        let len = if forward { stop - start } else { start - stop }.max(0) as usize;
        let len = len.div_ceil(step);
        let low = match len {
            0 => 0,
            _ if forward => start as usize,
            _ => start as usize - (len - 1) * step,
        };
        Stretch { low, step: if len < 2 { 1 } else { step }, len, reversed: !forward && len > 1 }
    }
}
/// A range as a [`Slice`], which may have a step: `s(1..9).step(2)` is Python's `1:9:2`, `s(..).step(-1)` is `::-1`.
///
/// ```
/// use cotangent::prelude::*;
/// let x = array![0, 1, 2, 3, 4];
/// assert_eq!(x.i(s(1..).step(2)).to_string(), "[1 3]");
/// assert_eq!(x.i(s(..).step(-1)).to_string(), "[4 3 2 1 0]");
/// ```
///
/// Ends may count from the end, as in Python. Clippy does not know that and takes `1..-1` for a mistake (`reversed_empty_ranges`); the same in two steps it does not mind:
///
/// ```
/// use cotangent::prelude::*;
/// let x = array![0, 1, 2, 3, 4];
/// assert_eq!(x.i(..-1).i(1..).to_string(), "[1 2 3]");
/// ```
pub fn s(range: impl Into<Slice>) -> Slice {
    range.into()
}

/// One part of an index: what every [`Indexer`] consists of, for indices that are put together by a program. Whatever stands for one dimension can be converted to it.
///
/// ```
/// use cotangent::{np::Item, prelude::*};
/// let x = array![[1, 2, 3], [4, 5, 6]];
/// // the element 1 of whatever dimension is the last one
/// let mut index: Vec<Item> = vec![(..).into(); x.ndim() - 1];
/// index.push(1.into());
/// assert_eq!(x.i(&index).to_string(), "[2 5]");
/// assert_eq!(x.i(&[Item::from(0), array![2, 0].into()][..]).to_string(), "[3 1]");
/// ```
#[derive(Clone, Debug)]
pub enum Item {
    /// One index; its dimension goes.
    At(i64),
    /// A range.
    Slice(Slice),
    /// An array of integers, or a mask.
    Array(Array),
    /// See [`Ellipsis`].
    Ellipsis,
    /// See [`NewAxis`].
    NewAxis,
}
/// The parts of an index.
///
/// ```
/// use cotangent::np::{Item, Items};
/// let mut index: Items = [Item::At(0)].into_iter().collect();
/// index.push(Item::NewAxis);
/// assert_eq!(cotangent::np::ones(&[2, 3]).i(&index[..]).shape(), [1, 3]);
/// ```
pub type Items = SmallVec<[Item; 4]>;

/// What an array can be indexed with: integers (negative ones count from the end), ranges, [`Slice`]s, arrays and lists of integers or booleans, [`Ellipsis`], [`NewAxis`], and tuples of these.
///
/// ```
/// use cotangent::{np::Indexer, prelude::*};
/// fn corner(x: &Array, index: impl Indexer) -> f64 { x.i(index).sum().to_f64() }
/// let x = array![[1., 2., 4.], [8., 16., 32.]];
/// assert_eq!(corner(&x, (0, -1)), 4.0);
/// assert_eq!(corner(&x, (.., 1..)), 54.0);
/// assert_eq!(corner(&x, (1, [0, 0, 1])), 32.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no index of an `Array`",
    note = "indices are integers, ranges, `s(range).step(k)`, arrays, slices and vectors of integers or booleans, `Ellipsis`, `NewAxis`, \
            and tuples of up to eight of these"
)]
pub trait Indexer {
    /// Appends the parts.
    #[doc(hidden)]
    fn items(self, out: &mut Items);
}
macro_rules! indexers { ($($t:ty: $x:ident => $item:expr;)*) => { $(
    impl From<$t> for Item {
        fn from($x: $t) -> Item { $item }
    }
    impl Indexer for $t {
        fn items(self, out: &mut Items) { out.push(self.into()) }
    }
)* } }
impl Indexer for Item {
    fn items(self, out: &mut Items) {
        out.push(self)
    }
}
indexers! {
    Slice: x => Item::Slice(x);
    RangeFull: x => Item::Slice(x.into());
    Array: x => Item::Array(x);
    &Array: x => Item::Array(x.clone());
    Ellipsis: _x => Item::Ellipsis;
    NewAxis: _x => Item::NewAxis;
    bool: x => Item::Array(crate::array(x));
}
impl Indexer for Vec<Item> {
    fn items(self, out: &mut Items) {
        out.extend(self)
    }
}
/// An index for each dimension, as [`np::nonzero`](crate::np::nonzero) gives them.
impl Indexer for Vec<Array> {
    fn items(self, out: &mut Items) {
        out.extend(self.into_iter().map(Item::Array))
    }
}
impl Indexer for &[Item] {
    fn items(self, out: &mut Items) {
        out.extend(self.iter().cloned())
    }
}
impl Indexer for &Vec<Item> {
    fn items(self, out: &mut Items) {
        self.as_slice().items(out)
    }
}
impl<const N: usize> Indexer for [Item; N] {
    fn items(self, out: &mut Items) {
        out.extend(self)
    }
}
impl From<RangeFull> for Slice {
    fn from(_: RangeFull) -> Slice {
        Slice::new(None, None)
    }
}

/// What lists of indices consist of.
#[doc(hidden)]
pub trait IndexElement: Copy {
    #[doc(hidden)]
    fn list(x: &[Self]) -> Array;
}
impl IndexElement for bool {
    fn list(x: &[bool]) -> Array {
        Array::from_slice(x, &[x.len()])
    }
}
macro_rules! integers { ($($t:ty)*) => { $(
    // a number that no i64 holds is out of bounds of any array
    impl IndexElement for $t {
        fn list(x: &[$t]) -> Array {
            let wide: Vec<i64> = x.iter().map(|i| i64::try_from(*i).unwrap_or(i64::MAX)).collect();
            Array::from_slice(&wide, &[x.len()])
        }
    }
    indexers! {
        $t: x => Item::At(i64::try_from(x).unwrap_or(i64::MAX));
        Range<$t>: x => Item::Slice(x.into());
        RangeFrom<$t>: x => Item::Slice(x.into());
        RangeTo<$t>: x => Item::Slice(x.into());
        RangeInclusive<$t>: x => Item::Slice(x.into());
        RangeToInclusive<$t>: x => Item::Slice(x.into());
    }
    impl From<Range<$t>> for Slice {
        fn from(x: Range<$t>) -> Slice { Slice::new(end(x.start), end(x.end)) }
    }
    impl From<RangeFrom<$t>> for Slice {
        fn from(x: RangeFrom<$t>) -> Slice { Slice::new(end(x.start), None) }
    }
    impl From<RangeTo<$t>> for Slice {
        fn from(x: RangeTo<$t>) -> Slice { Slice::new(None, end(x.end)) }
    }
    impl From<RangeInclusive<$t>> for Slice {
        fn from(x: RangeInclusive<$t>) -> Slice { Slice { closed: true, ..Slice::new(end(*x.start()), end(*x.end())) } }
    }
    impl From<RangeToInclusive<$t>> for Slice {
        fn from(x: RangeToInclusive<$t>) -> Slice { Slice { closed: true, ..Slice::new(None, end(x.end)) } }
    }
)* } }
integers! { i32 i64 isize usize }
/// An end of a range; one that no i64 holds lies behind every array, and half of the greatest number stays so when something is added.
fn end(i: impl TryInto<i64>) -> Option<i64> {
    Some(i.try_into().unwrap_or(i64::MAX / 2))
}
macro_rules! lists { ($([$($g:tt)*] $t:ty;)*) => { $(
    impl<T: IndexElement, $($g)*> From<$t> for Item {
        fn from(x: $t) -> Item { Item::Array(T::list(x.as_ref())) }
    }
    impl<T: IndexElement, $($g)*> Indexer for $t {
        fn items(self, out: &mut Items) { out.push(self.into()) }
    }
)* } }
lists! {
    [const N: usize] [T; N];
    [const N: usize] &[T; N];
    [] &[T];
    [] Vec<T>;
    [] &Vec<T>;
}
macro_rules! tuples { ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
    impl<$($T: Indexer),*> Indexer for ($($T,)*) {
        fn items(self, out: &mut Items) { $(self.$i.items(out);)* }
    }
)* } }
for_tuples!(tuples);
impl Indexer for () {
    fn items(self, _: &mut Items) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "backwards")]
    fn slices_are_pythons() {
        // range(5)[start:stop:step] by a loop
        for n in 0..6i64 {
            for (start, stop, step) in
                (-7..8).flat_map(|a| (-7..8).flat_map(move |b| [-3, -2, -1, 1, 2, 3].map(|c| (a, b, c))))
            {
                let (lo, hi) = if step > 0 { (0, n) } else { (-1, n - 1) };
                let fix = |i: i64| (if i < 0 { i + n } else { i }).clamp(lo, hi);
                let mut wanted = vec![];
                let mut i = fix(start);
                while (step > 0 && i < fix(stop)) || (step < 0 && i > fix(stop)) {
                    wanted.push(i as usize);
                    i += step
                }
                let t = Slice::new(Some(start), Some(stop)).step(step).of(n as usize);
                let mut found: Vec<usize> = (0..t.len).map(|k| t.low + k * t.step).collect();
                if t.reversed {
                    found.reverse()
                }
                assert_eq!(found, wanted, "{start}:{stop}:{step} of {n}");
                assert!(t.limit() <= n as usize && t.low <= t.limit());
            }
        }
        let of = |s: Slice| (s.of(5).low, s.of(5).len, s.of(5).reversed);
        assert_eq!(of(s(1..=3)), (1, 3, false));
        assert_eq!(of(s(2..=-1)), (2, 3, false));
        assert_eq!(of(s(..=0)), (0, 1, false));
        assert_eq!(of(s(3..=0).step(-1)), (0, 4, true));
        assert_eq!(of(s(3..=1).step(-1)), (1, 3, true));
        assert_eq!(of(s(0..usize::MAX)), (0, 5, false));
        assert_eq!(of(s(..)), (0, 5, false));
    }
}
