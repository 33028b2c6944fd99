//! Searching: which elements are not zero, choices by conditions, and orders, with NumPy's names.

use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::dtype::{DType, promote_all};
use crate::error::{ErrorKind, fail};
use crate::np::{self, dimension, not_zero, order::index_type};
use crate::prim::{self, convert_element_type, lit};

/// The elements of `x` along its first dimension at the places in `index`, which are moved inside: an array of the shape of `index` of what `x` holds there.
#[track_caller]
pub(super) fn rows(x: &Array, index: &Array) -> Array {
    np::take_mode(x, index, Some(0), np::Mode::Clip)
}

/// The places where a mask of one dimension is true, ascending: as many as there are, which must be known now, or `size` of them. Where there are fewer, they are the mask's length.
#[track_caller]
pub(super) fn positions(name: &str, mask: &Array, size: Option<usize>) -> Array {
    let n = mask.size();
    let index = index_type(n);
    let Some(size) = size else {
        let Ok(known) = mask.try_concrete() else {
            fail(
                ErrorKind::Concrete,
                format!(
                    "{name}: how many results there are depends on values, which are abstract here ({}); say how many with the option `size`",
                    mask.aval()
                ),
            )
        };
        let places: Vec<i64> =
            known.to_vec::<bool>().iter().enumerate().filter(|(_, m)| **m).map(|(i, _)| i as i64).collect();
        return convert_element_type(&crate::array(places), index, false);
    };
    let all = prim::iota(index, &[n], 0);
    let nowhere = prim::scalar_of(index, false, n as f64);
    let found = prim::sort(&[&np::where_(mask, &all, &nowhere)], 0, 1).swap_remove(0);
    let found = prim::slice_in_dim(&found, 0, size.min(n), 1, 0);
    prim::pad(&found, &nowhere, &[(0, (size - size.min(n)) as i64, 0)])
}

/// Where elements are not zero, for programs as well: these have to say how many results there are.
///
/// ```
/// use cotangent::{np::Nonzero, prelude::*};
/// let places = jit(|x: &Array| Nonzero::new().size(3).fill_value(-1).flat(x))(&array![0., 5., 0., 7.]);
/// assert_eq!(places.to_string(), "[ 1  3 -1]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Nonzero {
    size: Option<usize>,
    fill: Vec<i64>,
}
impl Nonzero {
    /// As many as there are.
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// assert_eq!(Nonzero::new().flat(&array![0, 4, 0, 9]).to_string(), "[1 3]");
    /// ```
    pub fn new() -> Nonzero {
        Nonzero::default()
    }
    /// So many: what is too much is left out, what is missing filled in.
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// let x = array![3, 4, 0, 9];
    /// assert_eq!(Nonzero::new().size(2).flat(&x).to_string(), "[0 1]");
    /// assert_eq!(Nonzero::new().size(5).flat(&x).to_string(), "[0 1 3 0 0]");
    /// ```
    pub fn size(mut self, size: usize) -> Nonzero {
        self.size = Some(size);
        self
    }
    /// What is filled in, in all dimensions; 0 without this.
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// assert_eq!(Nonzero::new().size(3).fill_value(99).flat(&array![0, 4, 0]).to_string(), "[ 1 99 99]");
    /// ```
    pub fn fill_value(mut self, fill: i64) -> Nonzero {
        self.fill = vec![fill];
        self
    }
    /// What is filled in, for each dimension.
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// let at = Nonzero::new().size(2).fill_values(&[-1, -2]).of(&array![[0, 0], [5, 0]]);
    /// assert_eq!((at[0].to_string(), at[1].to_string()), ("[ 1 -1]".into(), "[ 0 -2]".into()));
    /// ```
    pub fn fill_values(mut self, fill: &[i64]) -> Nonzero {
        self.fill = fill.to_vec();
        self
    }
    /// The indices in each dimension: see [`nonzero`].
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// let at = Nonzero::new().of(&array![[0, 5], [7, 8]]);
    /// assert_eq!((at[0].to_string(), at[1].to_string()), ("[0 1 1]".into(), "[1 0 1]".into()));
    /// ```
    ///
    /// # Panics
    /// If `x` is a scalar, if its values are abstract and no size is given, or if there are not as many fill values as dimensions.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Vec<Array> {
        self.indices("nonzero", x)
    }
    #[track_caller]
    fn indices(&self, name: &str, x: &Array) -> Vec<Array> {
        if x.ndim() == 0 {
            fail(ErrorKind::Shape, format!("{name}: a scalar has no indices"))
        }
        if self.fill.len() > 1 && self.fill.len() != x.ndim() {
            fail(ErrorKind::Shape, format!("{name}: {} fill values for {} dimensions", self.fill.len(), x.ndim()))
        }
        let n = x.size();
        let found = positions(name, &prim::reshape(&not_zero(x), &[n]), self.size);
        let there = prim::lt(&found, &lit(&found, n as f64));
        let mut out = vec![];
        for d in 0..x.ndim() {
            let behind: usize = x.shape()[d + 1..].iter().product();
            let at = prim::div(&found, &lit(&found, behind.max(1) as f64));
            let at = prim::rem(&at, &lit(&at, x.shape()[d].max(1) as f64));
            let fill = self.fill.get(if self.fill.len() == 1 { 0 } else { d }).copied().unwrap_or(0);
            out.push(if self.size.is_some() { np::where_(&there, &at, lit(&at, fill as f64)) } else { at })
        }
        out
    }
    /// The places in row-major order: see [`flatnonzero`].
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// assert_eq!(Nonzero::new().flat(&array![[0, 5], [7, 8]]).to_string(), "[1 2 3]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Nonzero::of).
    #[track_caller]
    pub fn flat(&self, x: &Array) -> Array {
        self.indices("flatnonzero", &prim::reshape(x, &[x.size()])).swap_remove(0)
    }
    /// A row of indices for each: see [`argwhere`].
    ///
    /// ```
    /// use cotangent::{np::Nonzero, prelude::*};
    /// let rows = Nonzero::new().size(2).argwhere(&array![[0, 5], [0, 0]]);
    /// assert_eq!(rows.to_string(), "[[0 1]\n [0 0]]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Nonzero::of).
    #[track_caller]
    pub fn argwhere(&self, x: &Array) -> Array {
        if x.ndim() == 0 {
            let one = self.indices("argwhere", &prim::reshape(x, &[1])).swap_remove(0);
            return prim::zeros_of(&one.aval().with_shape([one.size(), 0]));
        }
        let all = self.indices("argwhere", x);
        prim::stack(&all.iter().collect::<Vec<_>>(), 1)
    }
}
/// The indices of the elements that are not zero, an array for each dimension. Their number depends on values; [`Nonzero`] fixes it. As `jax.numpy.nonzero`, and `jax.numpy.where` with a condition
/// only.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let at = np::nonzero(&array![[0, 5], [7, 0]]);
/// assert_eq!((at[0].to_string(), at[1].to_string()), ("[0 1]".into(), "[1 0]".into()));
/// ```
///
/// # Panics
/// If `x` is a scalar, or if its values are abstract.
#[track_caller]
pub fn nonzero(x: &Array) -> Vec<Array> {
    Nonzero::new().of(x)
}
/// The places in row-major order of the elements that are not zero. [`Nonzero`] fixes their number. As `jax.numpy.flatnonzero`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::flatnonzero(&array![[0, 5], [7, 0]]).to_string(), "[1 2]");
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn flatnonzero(x: &Array) -> Array {
    Nonzero::new().flat(x)
}
/// A row of indices for each element that is not zero. [`Nonzero`] fixes their number. As `jax.numpy.argwhere`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::argwhere(&array![[0, 5], [7, 0]]).to_string(), "[[0 1]\n [1 0]]");
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn argwhere(x: &Array) -> Array {
    Nonzero::new().argwhere(x)
}

/// The elements of `x` where the condition, of as many elements, is true or not zero, in row-major order. [`extract_size`] has a fixed number. As `jax.numpy.extract`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::extract(&array![true, false, true], &array![1., 2., 3.]).to_string(), "[1. 3.]");
/// ```
///
/// # Panics
/// If the condition is abstract, or true beyond the last element.
#[track_caller]
pub fn extract(condition: &Array, x: &Array) -> Array {
    let mask = prim::reshape(&not_zero(condition), &[condition.size()]);
    let at = positions("extract", &mask, None);
    if let Some(last) = at.concrete("extract").astype(DType::Int64).to_vec::<i64>().last()
        && *last >= x.size() as i64
    {
        fail(
            ErrorKind::Value,
            format!("extract: the condition is true at {last}, behind the last of {} elements", x.size()),
        )
    }
    if at.size() == 0 {
        return prim::zeros_of(&x.aval().with_shape([0]));
    }
    rows(&prim::reshape(x, &[x.size()]), &at)
}
/// So many of the elements where the condition is true, and then `fill_value`: [`extract`] for programs. As `jax.numpy.extract`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let y = np::extract_size(&array![true, false, true], &array![1., 2., 3.], 3, -1.);
/// assert_eq!(y.to_string(), "[ 1.  3. -1.]");
/// ```
///
/// # Panics
/// If the condition has not as many elements as `x`.
#[track_caller]
pub fn extract_size(condition: &Array, x: &Array, size: usize, fill_value: impl Operand) -> Array {
    if condition.size() != x.size() {
        let (c, x) = (tuple(condition.shape()), tuple(x.shape()));
        fail(ErrorKind::Shape, format!("extract_size: a condition of shape {c} for elements of shape {x}"))
    }
    let n = x.size();
    let fill = convert_element_type(&fill_value.beside(x), x.dtype(), false);
    if n == 0 {
        return np::broadcast_to(&fill, &[size]);
    }
    let at = positions("extract_size", &prim::reshape(&not_zero(condition), &[n]), Some(size));
    np::where_(&prim::lt(&at, &lit(&at, n as f64)), rows(&prim::reshape(x, &[n]), &at), fill)
}

/// For each element the choice that goes with the first condition that is true there; the default where none is. All broadcast and promote. As `jax.numpy.select`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![-2., 0.5, 7.];
/// let y = np::select(&[&x.lt(0.), &x.gt(1.)], &[&array(-1.), &(&x * 10.)], 0.5);
/// assert_eq!(y.to_string(), "[-1.   0.5 70. ]");
/// ```
///
/// # Panics
/// If there is no condition, or another number of choices, or if shapes do not broadcast.
#[track_caller]
pub fn select(conditions: &[&Array], choices: &[&Array], default: impl Operand) -> Array {
    if conditions.is_empty() || conditions.len() != choices.len() {
        let (c, n) = (conditions.len(), choices.len());
        fail(
            ErrorKind::Value,
            format!("select: {c} conditions and {n} choices; as many of each are needed, and one at least"),
        )
    }
    // a number keeps its digits beside the widest of the choices
    let types = || choices.iter().map(|x| (x.dtype(), x.weak_type()));
    let (widest, _) = promote_all(types());
    let default = default.beside(&prim::scalar_of(widest, false, 0.0));
    let (dtype, weak) = promote_all(types().chain([(default.dtype(), default.weak_type())]));
    let mut y = convert_element_type(&default, dtype, weak);
    for (c, x) in conditions.iter().zip(choices).rev() {
        y = np::where_(c, convert_element_type(x, dtype, weak), y)
    }
    y
}
/// A function by pieces: for each element of `x` the function that goes with the last condition that is true there, in the type of `x`. One function more than conditions is for where none is true;
/// without it there is 0. As `jax.numpy.piecewise`.
///
/// Every function gets the whole of `x`, and the results are chosen from, as in [`where_`](np::where_).
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![-2., 0.5, 7.];
/// let y = np::piecewise(&x, &[&x.lt(0.), &x.gt(1.)], &[&|x| -x, &|x| x * 10.]);
/// assert_eq!(y.to_string(), "[ 2.  0. 70.]");
/// ```
///
/// # Panics
/// If there are neither as many functions as conditions, nor one more, or if shapes do not fit.
#[track_caller]
pub fn piecewise(x: &Array, conditions: &[&Array], functions: &[&dyn Fn(&Array) -> Array]) -> Array {
    let (c, f) = (conditions.len(), functions.len());
    if f != c && f != c + 1 {
        fail(ErrorKind::Value, format!("piecewise: {f} functions for {c} conditions; as many are needed, or one more"))
    }
    let of_type = |y: &Array| convert_element_type(y, x.dtype(), false);
    let mut y = match functions.get(c) {
        Some(rest) => np::broadcast_to(&of_type(&rest(x)), x.shape()),
        None => prim::zeros_of(&x.aval().with_weak(false)),
    };
    for (c, f) in conditions.iter().zip(functions) {
        y = np::where_(c, of_type(&f(x)), y)
    }
    y
}

/// The place that `kth` names among `n`; negative ones count from the end.
#[track_caller]
fn place(name: &str, kth: i32, n: usize) {
    if !(-(n as i64)..n as i64).contains(&(kth as i64)) {
        fail(ErrorKind::Shape, format!("{name}: no element {kth} among {n}"))
    }
}
/// The elements along `axis`, such that the one at `kth` is where it is in ascending order, with none before it that is greater and none behind it that is less. Here all are in order. As
/// `jax.numpy.partition`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::partition(&array![3., 1., 2.], 1, 0).to_vec::<f32>()[1], 2.0);
/// ```
///
/// # Panics
/// If there is no such dimension, or no such element along it.
#[track_caller]
pub fn partition(x: &Array, kth: i32, axis: i32) -> Array {
    place("partition", kth, x.shape()[dimension("partition", axis, x)]);
    np::sort(x, axis)
}
/// The indices along `axis` that put the elements in the order of a [`partition`]. As `jax.numpy.argpartition`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::argpartition(&array![3., 1., 2.], 1, 0).to_vec::<i32>()[1], 2);
/// ```
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn argpartition(x: &Array, kth: i32, axis: i32) -> Array {
    place("argpartition", kth, x.shape()[dimension("argpartition", axis, x)]);
    np::argsort(x, axis)
}
/// The indices along `axis` that put several keys in ascending order, of which the last counts most. As `jax.numpy.lexsort`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (names, ages) = (array![1, 0, 2], array![30, 30, 20]);
/// assert_eq!(np::lexsort(&[&names, &ages], -1).to_string(), "[2 1 0]");
/// ```
///
/// # Panics
/// If there is no key, if shapes differ, or if there is no such dimension.
#[track_caller]
pub fn lexsort(keys: &[&Array], axis: i32) -> Array {
    let Some(first) = keys.first() else { fail(ErrorKind::Value, "lexsort: there is no key") };
    let d = dimension("lexsort", axis, first);
    let index = prim::iota(index_type(first.shape()[d]), first.shape(), d);
    let operands: Vec<&Array> = keys.iter().rev().copied().chain([&index]).collect();
    prim::sort(&operands, d, keys.len()).pop().expect("the indices")
}
/// The `k` greatest elements along `axis`, descending, and where they are, as int32. As `jax.lax.top_k`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (greatest, at) = np::top_k(&array![3., 1., 2.], 2, -1);
/// assert_eq!((greatest.to_string(), at.to_string()), ("[3. 2.]".into(), "[0 2]".into()));
/// ```
///
/// # Panics
/// If there is no such dimension, or fewer elements along it.
#[track_caller]
pub fn top_k(x: &Array, k: usize, axis: i32) -> (Array, Array) {
    prim::top_k(x, k, dimension("top_k", axis, x))
}

impl Array {
    /// The indices of the elements that are not zero: see [`np::nonzero`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![0., 2., 0., -1.].nonzero()[0].to_string(), "[1 3]");
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Vec<Array> {
        nonzero(self)
    }
    /// In ascending order along a dimension: see [`np::sort`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[3, 1], [2, 5]].sort(0).to_string(), "[[2 1]\n [3 5]]");
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: i32) -> Array {
        np::sort(self, axis)
    }
    /// The indices that put elements in ascending order along a dimension: see [`np::argsort`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![30, 10, 20].argsort(-1).to_string(), "[1 2 0]");
    /// ```
    #[track_caller]
    pub fn argsort(&self, axis: i32) -> Array {
        np::argsort(self, axis)
    }
    /// Where elements of `v` would have to be inserted into this ascending array: see [`np::searchsorted`].
    ///
    /// ```
    /// use cotangent::{np::Side, prelude::*};
    /// assert_eq!(array![10, 20, 30].searchsorted(&array![20, 25], Side::Left).to_string(), "[1 2]");
    /// ```
    #[track_caller]
    pub fn searchsorted(&self, v: &Array, side: np::Side) -> Array {
        np::searchsorted(self, v, side)
    }
}
