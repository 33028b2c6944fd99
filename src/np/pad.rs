//! Padding with what is known of an array: its edges, its elements mirrored or from the other end, its extremes.

use crate::array::{Array, ArrayLike, Given};
use crate::aval::{Shape, tuple};
use crate::error::{ErrorKind, fail};
use crate::np::dims::here;
use crate::np::{Spaced, apply_along_axis, repeat};
use crate::prim::{self, convert_element_type, lit, slice_in_dim};

/// How much is padded before and behind each dimension.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = np::ones(&[2, 3]);
/// assert_eq!(np::pad(&x, 1).shape(), [4, 5]);
/// assert_eq!(np::pad(&x, (0, 2)).shape(), [4, 5]);
/// assert_eq!(np::pad(&x, [(0, 1), (2, 3)]).shape(), [3, 8]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how much is padded",
    note = "give one number for all sides (`1`), before and behind for all dimensions (`(1, 2)`), or a pair for each dimension (`[(1, 2), (0, 0)]`)"
)]
pub trait PadWidth {
    #[doc(hidden)]
    fn pairs(&self, rank: usize) -> Vec<(usize, usize)>;
}
impl PadWidth for usize {
    fn pairs(&self, rank: usize) -> Vec<(usize, usize)> {
        vec![(*self, *self); rank]
    }
}
impl PadWidth for (usize, usize) {
    fn pairs(&self, rank: usize) -> Vec<(usize, usize)> {
        vec![*self; rank]
    }
}
impl PadWidth for &[(usize, usize)] {
    fn pairs(&self, rank: usize) -> Vec<(usize, usize)> {
        if self.len() == 1 { vec![self[0]; rank] } else { self.to_vec() }
    }
}
impl<const N: usize> PadWidth for [(usize, usize); N] {
    fn pairs(&self, rank: usize) -> Vec<(usize, usize)> {
        (&self[..]).pairs(rank)
    }
}

/// What padding consists of.
#[derive(Clone, Debug)]
enum Kind {
    Constant(Given),
    Edge,
    LinearRamp(Given),
    Statistic(Statistic),
    /// Mirrored, with the edge or without it; at the edge's value, too, if it is odd.
    Mirror {
        edge: bool,
        odd: bool,
    },
    Wrap,
    Empty,
}
#[derive(Clone, Copy, Debug)]
enum Statistic {
    Maximum,
    Mean,
    Median,
    Minimum,
}
impl Statistic {
    /// Of the elements along `d`, with extent 1 there.
    #[track_caller]
    fn of(self, x: &Array, d: usize) -> Array {
        let n = x.shape()[d];
        let y = match self {
            Statistic::Maximum => prim::reduce_max(x, &[d]),
            Statistic::Minimum => prim::reduce_min(x, &[d]),
            Statistic::Mean => super::to_inexact("pad", x).mean_over(d as i32),
            Statistic::Median => {
                let x = super::to_inexact("pad", x);
                let sorted = prim::sort(&[&x], d, 1).swap_remove(0);
                let middle = slice_in_dim(&sorted, (n - 1) / 2, n / 2 + 1, 1, d);
                let y = middle.mean_over(d as i32);
                // NaNs come last, and there is no median then
                let last = prim::squeeze(&slice_in_dim(&sorted, n - 1, n, 1, d), &[d]);
                prim::select_n(&prim::ne(&last, &last), &[&y, &last])
            }
        };
        let y = if x.dtype().is_integer() && y.dtype().is_float() { prim::round_even(&y) } else { y };
        prim::expand_dims(&convert_element_type(&y, x.dtype(), x.weak_type()), &[d])
    }
}

/// How an array is padded, `jax.numpy.pad` with its modes and their options. The padding of each dimension sees that of those before.
///
/// ```
/// use cotangent::{np::{self, Pad}, prelude::*};
/// let x = array![1., 2., 3.];
/// assert_eq!(Pad::edge().of(&x, (1, 2)).to_string(), "[1. 1. 2. 3. 3. 3.]");
/// assert_eq!(Pad::reflect().of(&x, 2).to_string(), "[3. 2. 1. 2. 3. 2. 1.]");
/// assert_eq!(Pad::wrap().of(&x, (1, 0)).to_string(), "[3. 1. 2. 3.]");
/// assert_eq!(Pad::constant(9.).of(&array![[1, 2]], [(1, 0), (0, 1)]).to_string(), "[[9 9 9]\n [1 2 9]]");
/// assert_eq!(np::pad(&x, 1).to_string(), "[0. 1. 2. 3. 0.]");
/// ```
#[derive(Clone, Debug)]
pub struct Pad {
    kind: Kind,
    length: Option<Vec<(usize, usize)>>,
}
macro_rules! modes { ($($(#[$doc:meta])* $name:ident => $kind:expr;)*) => { $(
    $(#[$doc])*
    pub fn $name() -> Pad {
        Pad { kind: $kind, length: None }
    }
)* } }
impl Pad {
    /// With a number, or with an array that broadcasts to one value before and one behind each dimension: `[low, high]`, or a row of two for each.
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// assert_eq!(Pad::constant(array![7, 9]).of(&array![1, 2], (1, 2)).to_string(), "[7 1 2 9 9]");
    /// ```
    pub fn constant(values: impl ArrayLike) -> Pad {
        Pad { kind: Kind::Constant(Given::new(values)), length: None }
    }
    /// With values that run evenly from the edge to an end value: a number, or an array as that of [`constant`](Pad::constant).
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// assert_eq!(Pad::linear_ramp(0.).of(&array![4., 6.], 2).to_string(), "[0. 2. 4. 6. 3. 0.]");
    /// ```
    pub fn linear_ramp(end_values: impl ArrayLike) -> Pad {
        Pad { kind: Kind::LinearRamp(Given::new(end_values)), length: None }
    }
    modes! {
        /// With the outermost elements.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::edge().of(&array![4, 6], 2).to_string(), "[4 4 4 6 6 6]");
        /// ```
        edge => Kind::Edge;
        /// With the greatest element along the dimension.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::maximum().of(&array![4, 6, 5], 1).to_string(), "[6 4 6 5 6]");
        /// ```
        maximum => Kind::Statistic(Statistic::Maximum);
        /// With the mean along the dimension.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::mean().of(&array![1., 2., 6.], 1).to_string(), "[3. 1. 2. 6. 3.]");
        /// ```
        mean => Kind::Statistic(Statistic::Mean);
        /// With the median along the dimension.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::median().of(&array![1., 2., 6.], 1).to_string(), "[2. 1. 2. 6. 2.]");
        /// ```
        median => Kind::Statistic(Statistic::Median);
        /// With the least element along the dimension.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::minimum().of(&array![4, 6, 5], (0, 2)).to_string(), "[4 6 5 4 4]");
        /// ```
        minimum => Kind::Statistic(Statistic::Minimum);
        /// With the elements mirrored at the outermost one.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::reflect().of(&array![1, 2, 3], (2, 1)).to_string(), "[3 2 1 2 3 2]");
        /// ```
        reflect => Kind::Mirror { edge: false, odd: false };
        /// With the elements mirrored behind the outermost one, which repeats.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::symmetric().of(&array![1, 2, 3], (2, 1)).to_string(), "[2 1 1 2 3 3]");
        /// ```
        symmetric => Kind::Mirror { edge: true, odd: false };
        /// With the elements from the other end.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::wrap().of(&array![1, 2, 3], (2, 1)).to_string(), "[2 3 1 2 3 1]");
        /// ```
        wrap => Kind::Wrap;
        /// With whatever: zeros, as in JAX.
        ///
        /// ```
        /// use cotangent::{np::Pad, prelude::*};
        /// assert_eq!(Pad::empty().of(&array![[1, 2]], [(0, 0), (1, 0)]).shape(), [1, 3]);
        /// ```
        empty => Kind::Empty;
    }
    /// Of [`reflect`](Pad::reflect) and [`symmetric`](Pad::symmetric): mirrored in value as well, twice the edge minus the element.
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// assert_eq!(Pad::reflect().odd().of(&array![1, 2, 4], (2, 1)).to_string(), "[-2  0  1  2  4  6]");
    /// ```
    pub fn odd(mut self) -> Pad {
        if let Kind::Mirror { odd, .. } = &mut self.kind {
            *odd = true
        }
        self
    }
    /// Of [`maximum`](Pad::maximum), [`mean`](Pad::mean), [`median`](Pad::median) and [`minimum`](Pad::minimum): of so many elements next to each edge instead of all.
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// // the mean of the first two, and of the last two
    /// assert_eq!(Pad::mean().stat_length(2).of(&array![1., 3., 7.], 1).to_string(), "[2. 1. 3. 7. 5.]");
    /// ```
    pub fn stat_length(mut self, length: impl PadWidth) -> Pad {
        // more dimensions than an array has are not looked at
        self.length = Some(length.pairs(32));
        self
    }
    /// The array padded so much before and behind each dimension.
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// let x = array![[1, 2], [3, 4]];
    /// assert_eq!(Pad::edge().of(&x, [(0, 1), (0, 0)]).to_string(), "[[1 2]\n [3 4]\n [3 4]]");
    /// ```
    ///
    /// # Panics
    /// If there is not one pair for each dimension, if there is nothing in a dimension that is padded with what is there, or if constants do not broadcast.
    #[track_caller]
    pub fn of(&self, x: &Array, width: impl PadWidth) -> Array {
        self.padded(x, &checked(x, &width))
    }
    #[track_caller]
    fn padded(&self, x: &Array, width: &[(usize, usize)]) -> Array {
        let _line = here();
        let one = match &self.kind {
            Kind::Constant(v) => Some(v.to(x.dtype(), x.weak_type())).filter(|v| v.ndim() == 0),
            Kind::Empty => Some(lit(x, 0.0)),
            _ => None,
        };
        if let Some(value) = one.filter(|_| width.iter().any(|w| *w != (0, 0))) {
            let config: Vec<_> = width.iter().map(|w| (w.0 as i64, w.1 as i64, 0)).collect();
            return prim::pad(x, &value, &config);
        }
        let mut y = x.clone();
        for (d, (before, behind)) in width.iter().copied().enumerate() {
            if before + behind == 0 {
                continue;
            }
            if y.shape()[d] == 0 && !matches!(self.kind, Kind::Constant(_) | Kind::Empty) {
                fail(
                    ErrorKind::Shape,
                    format!("pad: dimension {d} of an array of shape {} has nothing to pad with", tuple(x.shape())),
                )
            }
            y = match &self.kind {
                // what has one value everywhere was padded at once
                Kind::Empty => y,
                Kind::Constant(v) => {
                    let side = |z: &Array, last| constant(z, d, &ends(x, v, d, last), last, (before, behind));
                    let y = if before > 0 { side(&y, false) } else { y };
                    if behind > 0 { side(&y, true) } else { y }
                }
                Kind::Edge => around(&y, d, (before, behind), |last| {
                    let at = if last { y.shape()[d] - 1 } else { 0 };
                    slice_in_dim(&y, at, at + 1, 1, d)
                }),
                Kind::LinearRamp(v) => ramp(&y, d, (before, behind), |last| ends(x, v, d, last)),
                Kind::Statistic(s) => around(&y, d, (before, behind), |last| {
                    let n = y.shape()[d];
                    let length = self.length.as_ref().map_or((n, n), |l| l[d.min(l.len() - 1)]);
                    let k = if last { length.1 } else { length.0 }.min(n);
                    if k == 0 {
                        fail(ErrorKind::Value, "pad: a stat_length of 0")
                    }
                    s.of(&if last { slice_in_dim(&y, n - k, n, 1, d) } else { slice_in_dim(&y, 0, k, 1, d) }, d)
                }),
                Kind::Mirror { edge, odd } => {
                    let y = mirrored(&y, d, before, false, *edge, *odd);
                    mirrored(&y, d, behind, true, *edge, *odd)
                }
                Kind::Wrap => {
                    let n = y.shape()[d];
                    // as many whole copies as begin in front or behind
                    let copies = before.div_ceil(n) + 1 + behind.div_ceil(n);
                    let mut reps = vec![1; y.ndim()];
                    reps[d] = copies;
                    let first = before.div_ceil(n) * n - before;
                    slice_in_dim(&prim::tile(&y, &reps), first, first + before + n + behind, 1, d)
                }
            }
        }
        y
    }
    /// The array padded with zeros, and then, along each dimension in turn, every vector as `f` makes it: of the vector, how much of it is padding before and behind, and the dimension. As
    /// `jax.numpy.pad` with a function.
    ///
    /// ```
    /// use cotangent::{np::Pad, prelude::*};
    /// let sign = |v: &Array, (before, _): (usize, usize), _: usize| v.at(..before).set(-1);
    /// assert_eq!(Pad::with(&array![1, 2], (2, 1), sign).to_string(), "[-1 -1  1  2  0]");
    /// ```
    ///
    /// # Panics
    /// If there is not one pair for each dimension, or if the function changes the length.
    #[track_caller]
    pub fn with(
        x: &Array,
        width: impl PadWidth,
        f: impl Fn(&Array, (usize, usize), usize) -> Array + Send + Sync,
    ) -> Array {
        let width = checked(x, &width);
        let mut y = Pad::empty().padded(x, &width);
        for (d, w) in width.iter().enumerate() {
            let shape = Shape::from_slice(y.shape());
            y = apply_along_axis(|v: &Array| f(v, *w, d), d as i32, &y);
            if y.shape() != &shape[..] {
                fail(
                    ErrorKind::Shape,
                    format!("pad: the function makes an array of shape {} of {}", tuple(y.shape()), tuple(&shape)),
                )
            }
        }
        y
    }
}
#[track_caller]
fn checked(x: &Array, width: &dyn PadWidth) -> Vec<(usize, usize)> {
    let width = width.pairs(x.ndim());
    if width.len() != x.ndim() {
        fail(ErrorKind::Shape, format!("pad: {} pairs for an array of shape {}", width.len(), tuple(x.shape())))
    }
    width
}
/// The array padded with zeros. Otherwise: [`Pad`]. As `jax.numpy.pad`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::pad(&array![1, 2], (0, 2)).to_string(), "[1 2 0 0]");
/// ```
///
/// # Panics
/// If there is not one pair for each dimension.
#[track_caller]
pub fn pad(x: &Array, width: impl PadWidth) -> Array {
    Pad::empty().of(x, width)
}

/// The value for one side of dimension `d`, of the type of `x`.
#[track_caller]
fn ends(x: &Array, values: &Given, d: usize, last: bool) -> Array {
    let v = values.to(x.dtype(), x.weak_type());
    if v.size() == 1 {
        return prim::reshape(&v, &[]);
    }
    crate::np::broadcast_to(&v, &[x.ndim(), 2]).i((d, last as usize))
}
#[track_caller]
fn constant(y: &Array, d: usize, value: &Array, last: bool, width: (usize, usize)) -> Array {
    let mut config = vec![(0, 0, 0); y.ndim()];
    config[d] = if last { (0, width.1 as i64, 0) } else { (width.0 as i64, 0, 0) };
    prim::pad(y, value, &config)
}
/// What each side repeats, before and behind.
#[track_caller]
fn around(y: &Array, d: usize, width: (usize, usize), f: impl Fn(bool) -> Array) -> Array {
    let part = |last: bool, n: usize| repeat(&f(last), n, Some(d as i32));
    prim::concatenate(&[&part(false, width.0), y, &part(true, width.1)], d)
}
#[track_caller]
fn ramp(y: &Array, d: usize, width: (usize, usize), end: impl Fn(bool) -> Array) -> Array {
    let n = y.shape()[d];
    let part = |last: bool, count: usize| {
        let at = if last { n - 1 } else { 0 };
        let edge = prim::squeeze(&slice_in_dim(y, at, at + 1, 1, d), &[d]);
        let up = Spaced::new(count).open().dtype(y.dtype()).axis(d as i32).linspace(end(last), edge);
        convert_element_type(&if last { prim::rev(&up, &[d]) } else { up }, y.dtype(), y.weak_type())
    };
    prim::concatenate(&[&part(false, width.0), y, &part(true, width.1)], d)
}
/// One side with the elements next to it mirrored, as often as it takes to fill it.
#[track_caller]
fn mirrored(y: &Array, d: usize, width: usize, last: bool, edge: bool, odd: bool) -> Array {
    let n = y.shape()[d];
    // a single element has nothing beside it to be mirrored
    let off = (!edge && n > 1) as usize;
    let take = |y: &Array, from: usize, to: usize| {
        let all = y.shape()[d];
        if last { slice_in_dim(y, all - to, all - from, 1, d) } else { slice_in_dim(y, from, to, 1, d) }
    };
    let (mut y, mut left) = (y.clone(), width);
    let mut center = take(&y, 0, 1);
    while left > 0 {
        let k = left.min(n - off);
        left -= k;
        let mut part = prim::rev(&take(&y, off, off + k), &[d]);
        if odd {
            part = prim::sub(&prim::mul(&center, &lit(&center, 2.0)), &part);
            if n > 1 {
                center = take(&part, 0, 1)
            }
        }
        y = if last { prim::concatenate(&[&y, &part], d) } else { prim::concatenate(&[&part, &y], d) }
    }
    y
}
