//! Choosing among elements: orders, samples, categories.

use super::Key;
use super::draw::{Draw, Mode, gumbel_of};
use super::sample::{fits, randint, unit_to};
use crate::array::{Array, ArrayLike};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail, fail_at};
use crate::np::{self, Side};
use crate::prim::{self, Takes, scalar_of};

/// The number of the one integer that a scalar is, which has to be known.
#[track_caller]
fn count(name: &str, x: &Array) -> usize {
    if !x.dtype().is_integer() {
        fail(
            ErrorKind::Type,
            format!("random::{name}: takes an array or a whole number, not a value of type {}", x.aval()),
        )
    }
    x.to_f64().max(0.0) as usize
}
/// The elements along an axis in the places `index`, whose dimensions take that of the axis.
fn take(x: &Array, index: &Array, axis: usize) -> Array {
    np::take_mode(x, index, Some(axis as i32), np::Mode::Clip)
}

/// The elements of `x` along its first axis in a random order; of a number n the numbers from 0 to n-1. [`Permutation`] has the options.
///
/// Elements are sorted by random keys, as often as it takes to make equal keys unlikely. As `jax.random.permutation`.
///
/// ```
/// use cotangent::random::{key, permutation};
/// assert_eq!(permutation(key(0), 5).to_string(), "[0 1 4 3 2]");
/// ```
///
/// # Panics
/// If `x` is a scalar, but no integer that is known.
#[track_caller]
pub fn permutation(key: Key, x: impl ArrayLike) -> Array {
    Permutation::new().of(key, x)
}
/// [`permutation`] with options.
///
/// ```
/// use cotangent::{prelude::*, random::{Permutation, key}};
/// let columns = Permutation::new().axis(1).of(key(5), array![[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(columns.to_string(), "[[1 3 2]\n [4 6 5]]");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permutation {
    axis: i32,
    independent: bool,
}
impl Permutation {
    /// The options of [`permutation`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Permutation, key}};
    /// assert_eq!(Permutation::new().of(key(1), array![2, 4, 6]).to_string(), "[6 2 4]");
    /// ```
    pub fn new() -> Permutation {
        Permutation::default()
    }
    /// Along which axis; it may count from the end.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Permutation, key}};
    /// let x = array![[1, 2, 3, 4], [5, 6, 7, 8]];
    /// assert_eq!(Permutation::new().axis(-1).of(key(2), x).to_string(), "[[3 2 4 1]\n [7 6 8 5]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Permutation {
        self.axis = axis;
        self
    }
    /// Every line along the axis in an order of its own.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Permutation, key}};
    /// let lines = Permutation::new().axis(1).independent();
    /// let x = array![[1, 2, 3, 4], [1, 2, 3, 4]];
    /// assert_eq!(lines.of(key(0), x).to_string(), "[[1 2 4 3]\n [2 3 1 4]]");
    /// ```
    pub fn independent(mut self) -> Permutation {
        self.independent = true;
        self
    }
    /// The elements in a random order: see [`permutation`].
    ///
    /// ```
    /// use cotangent::random::{Permutation, key};
    /// assert_eq!(Permutation::new().of(key(3), 6).to_string(), "[0 5 4 2 1 3]");
    /// ```
    #[track_caller]
    pub fn of(&self, key: Key, x: impl ArrayLike) -> Array {
        permuted(key.single("permutation"), x.into_array(), self)
    }
}
#[track_caller]
fn permuted(key: &Array, x: Array, options: &Permutation) -> Array {
    let numbers = |n: usize| prim::iota(DType::Int32, &[n], 0);
    if x.ndim() == 0 {
        return shuffled(key, numbers(count("permutation", &x)), 0);
    }
    let axis = np::dimension("random::permutation", options.axis, &x);
    if options.independent || x.ndim() == 1 {
        return shuffled(key, x, axis);
    }
    let order = shuffled(key, numbers(x.shape()[axis]), 0);
    take(&x, &order, axis)
}
fn shuffled(key: &Array, mut x: Array, axis: usize) -> Array {
    let rounds = (3.0 * (x.size().max(1) as f64).ln() / (u32::MAX as f64).ln()).ceil() as usize;
    let mut key = key.clone();
    for _ in 0..rounds {
        let keys = prim::random_split(&key, &[2]);
        let [next, now] = [0, 1].map(|i| prim::squeeze(&prim::slice_in_dim(&keys, i, i + 1, 1, 0), &[0]));
        key = next;
        x = prim::sort_key_val(&prim::random_bits(&now, 32, x.shape()), &x, axis).1
    }
    x
}

/// Elements of `a` along its first axis, drawn with replacement, all with the same probability; of a number n among the numbers from 0 to n-1. They have the dimensions
/// `shape` in place of the axis. [`Choice`] has probabilities, draws without replacement, and other axes. As `jax.random.choice`.
///
/// ```
/// use cotangent::{prelude::*, random::{Choice, choice, key}};
/// assert_eq!(choice(key(0), array![10., 20., 30.], &[2, 4]).shape(), [2, 4]);
/// // all of them, those with greater probability rather first
/// let order = Choice::new().without_replacement().p(array![0.1, 0.2, 0.7]).of(key(0), 3, &[3]);
/// assert_eq!(np_sorted(&order).to_string(), "[0 1 2]");
/// # fn np_sorted(x: &Array) -> Array { cotangent::np::sort(x, 0) }
/// ```
///
/// # Panics
/// If there is nothing to draw from.
#[track_caller]
pub fn choice(key: Key, a: impl ArrayLike, shape: &[usize]) -> Array {
    Choice::new().of(key, a, shape)
}
/// [`choice`] with options.
///
/// ```
/// use cotangent::{prelude::*, random::{Choice, key}};
/// let three = Choice::new().without_replacement().of(key(0), array![10, 20, 30, 40], &[3]);
/// assert_eq!(three.to_string(), "[10 20 40]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Choice {
    axis: i32,
    once: bool,
    p: Option<Array>,
    mode: Mode,
}
impl Choice {
    /// The options of [`choice`].
    ///
    /// ```
    /// use cotangent::random::{Choice, key};
    /// assert_eq!(Choice::new().of(key(0), 100, &[4]).to_string(), "[89  0 12 73]");
    /// ```
    pub fn new() -> Choice {
        Choice::default()
    }
    /// Along which axis; it may count from the end.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Choice, key}};
    /// let columns = Choice::new().axis(1).of(key(1), array![[1, 2, 3], [4, 5, 6]], &[4]);
    /// assert_eq!(columns.to_string(), "[[2 3 3 3]\n [5 6 6 6]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Choice {
        self.axis = axis;
        self
    }
    /// No element twice.
    ///
    /// ```
    /// use cotangent::random::{Choice, key};
    /// assert_eq!(Choice::new().without_replacement().of(key(0), 5, &[5]).to_string(), "[0 1 4 3 2]");
    /// ```
    pub fn without_replacement(mut self) -> Choice {
        self.once = true;
        self
    }
    /// With these probabilities, one for each element along the axis. With replacement they need not have the sum 1.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Choice, key}};
    /// let second = Choice::new().p(array![0., 1., 0.]).of(key(0), array![10, 20, 30], &[3]);
    /// assert_eq!(second.to_string(), "[20 20 20]");
    /// ```
    pub fn p(mut self, p: impl ArrayLike) -> Choice {
        self.p = Some(p.into_array());
        self
    }
    /// How exactly small probabilities are met without replacement: see [`Mode`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Choice, Mode, key}};
    /// let order = Choice::new().without_replacement().p(array![0.2, 0.3, 0.5]);
    /// assert_eq!(order.clone().of(key(0), 3, &[3]).to_string(), "[1 0 2]");
    /// assert_eq!(order.mode(Mode::High).of(key(0), 3, &[3]).to_string(), "[2 1 0]");
    /// ```
    pub fn mode(mut self, mode: Mode) -> Choice {
        self.mode = mode;
        self
    }
    /// The elements: see [`choice`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Choice, key}};
    /// let drawn = Choice::new().of(key(0), array![10, 20, 30], &[2, 3]);
    /// assert_eq!(drawn.to_string(), "[[20 10 30]\n [20 30 10]]");
    /// ```
    #[track_caller]
    pub fn of(&self, key: Key, a: impl ArrayLike, shape: &[usize]) -> Array {
        chosen(key, a.into_array(), shape, self)
    }
}
#[track_caller]
fn chosen(key: Key, a: Array, shape: &[usize], options: &Choice) -> Array {
    key.single("choice");
    let scalar = a.ndim() == 0;
    let axis = if scalar { 0 } else { np::dimension("random::choice", options.axis, &a) };
    let n = if scalar { count("choice", &a) } else { a.shape()[axis] };
    let draws: usize = shape.iter().product();
    let at = std::panic::Location::caller();
    let wrong = |why: String| -> ! { fail_at(at, ErrorKind::Shape, format!("random::choice: {why}")) };
    let whole: Shape = match scalar {
        true => shape.into(),
        false => a.shape()[..axis].iter().chain(shape).chain(&a.shape()[axis + 1..]).copied().collect(),
    };
    if n == 0 && draws > 0 {
        wrong("there is nothing to draw from".into())
    }
    if options.once && draws > n {
        wrong(format!("{draws} different elements of {n}; draw fewer, or with replacement"))
    }
    let p = options.p.as_ref().map(|p| {
        let p = np::to_inexact("random::choice", p);
        if p.shape() != [n] || p.dtype().is_complex() {
            wrong(format!("p has type {}; it has one probability for each of {n} elements", p.aval()))
        }
        prim::convert_element_type(&p, p.dtype(), false)
    });
    let index = match (&p, options.once) {
        (None, false) => randint(key, shape, 0, n as i64),
        (None, true) => {
            let x = if scalar { prim::iota(DType::Int32, &[n], 0) } else { a };
            let order = permuted(&key.0, x, &Permutation { axis: axis as i32, independent: false });
            return prim::reshape(&prim::slice_in_dim(&order, 0, draws, 1, axis), &whole);
        }
        (Some(p), false) => {
            let sums = prim::cumsum(p, 0, false);
            let total = prim::squeeze(&prim::slice_in_dim(&sums, n - 1, n, 1, 0), &[0]);
            let limit = |x: f64| scalar_of(p.dtype(), false, x);
            let u = unit_to(&key.0, shape, p.dtype(), &limit(0.0), &limit(1.0));
            np::searchsorted(&sums, &(total * (1.0 - u)), Side::Left)
        }
        (Some(p), true) => {
            let draw = Draw::of(p.dtype()).mode(options.mode);
            let g = gumbel_of(&draw.to("choice", &key, &[n], Takes::Float, p.dtype())) + prim::log(p);
            prim::reshape(&prim::top_k(&g, draws, 0).1, shape)
        }
    };
    if scalar { index } else { take(&a, &index, axis) }
}

/// A category for each line of `logits` along the last axis, with probabilities proportional to e^logits: the index of the greatest sum of a logit and a
/// number of the Gumbel distribution, as int32. [`Categorical`] has other axes and shapes, and draws without replacement. As `jax.random.categorical`.
///
/// ```
/// use cotangent::{prelude::*, random::{categorical, key}};
/// let logits = array![[0., 100., 0.], [100., 0., 0.]];
/// assert_eq!(categorical(key(0), &logits).to_string(), "[1 0]");
/// ```
///
/// # Panics
/// If `logits` has no dimension, or no floating-point elements.
#[track_caller]
pub fn categorical(key: Key, logits: &Array) -> Array {
    Categorical::new().of(key, logits)
}
/// [`categorical`] with options.
///
/// ```
/// use cotangent::{prelude::*, random::{Categorical, key}};
/// let logits = array![[0., 100.], [100., 0.], [100., 0.]];
/// assert_eq!(Categorical::new().axis(0).of(key(0), &logits).to_string(), "[2 0]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Categorical {
    axis: Option<i32>,
    shape: Option<Vec<usize>>,
    once: bool,
    mode: Mode,
}
impl Categorical {
    /// The options of [`categorical`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, key}};
    /// assert_eq!(Categorical::new().of(key(0), &array![0., 0., 100.]).to_string(), "2");
    /// ```
    pub fn new() -> Categorical {
        Categorical::default()
    }
    /// Along which axis the categories are: the last one, unless this says so. It may count from the end.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, key}};
    /// let logits = array![[90., 0., 90.], [0., 90., 0.]];
    /// assert_eq!(Categorical::new().axis(0).of(key(0), &logits).to_string(), "[0 1 0]");
    /// assert_eq!(Categorical::new().axis(1).of(key(0), &logits).shape(), [2]);
    /// ```
    pub fn axis(mut self, axis: i32) -> Categorical {
        self.axis = Some(axis);
        self
    }
    /// The shape of the result, to which that of `logits` without the axis broadcasts.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, key}};
    /// let logits = array![[0., 100.], [100., 0.]];
    /// assert_eq!(Categorical::new().shape(&[3, 2]).of(key(0), &logits).to_string(), "[[1 0]\n [1 0]\n [1 0]]");
    /// ```
    pub fn shape(mut self, shape: &[usize]) -> Categorical {
        self.shape = Some(shape.into());
        self
    }
    /// The draws for one line, which stand along the dimensions that the shape has in front, are different categories.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, key}};
    /// let all = Categorical::new().shape(&[4]).without_replacement();
    /// assert_eq!(all.of(key(0), &array![0., 0., 0., 50.]).to_string(), "[3 1 0 2]");
    /// ```
    pub fn without_replacement(mut self) -> Categorical {
        self.once = true;
        self
    }
    /// How exactly small probabilities are met: see [`Mode`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, Mode, key}};
    /// let four = Categorical::new().shape(&[6]);
    /// let logits = array![0., 1., 2.];
    /// assert_eq!(four.clone().of(key(0), &logits).to_string(), "[1 1 2 1 2 2]");
    /// assert_eq!(four.mode(Mode::High).of(key(0), &logits).to_string(), "[2 2 2 2 1 2]");
    /// ```
    pub fn mode(mut self, mode: Mode) -> Categorical {
        self.mode = mode;
        self
    }
    /// The categories: see [`categorical`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Categorical, key}};
    /// let heads = Categorical::new().shape(&[5]).of(key(0), &array![0., 0.]);
    /// assert_eq!(heads.to_string(), "[1 1 0 1 0]");
    /// ```
    #[track_caller]
    pub fn of(&self, key: Key, logits: &Array) -> Array {
        categories(key, logits, self)
    }
}
#[track_caller]
fn categories(key: Key, logits: &Array, options: &Categorical) -> Array {
    let axis = np::dimension("random::categorical", options.axis.unwrap_or(-1), logits);
    let lines: Shape = (0..logits.ndim()).filter(|d| *d != axis).map(|d| logits.shape()[d]).collect();
    let shape: Shape = options.shape.as_deref().map_or_else(|| lines.clone(), |s| s.into());
    fits(
        "categorical",
        &shape,
        &[&prim::squeeze(&prim::slice_in_dim(logits, 0, 1.min(logits.shape()[axis]), 1, axis), &[axis])],
    );
    let front = shape.len() - lines.len();
    let n = logits.shape()[axis];
    if n == 0 {
        fail(ErrorKind::Shape, format!("random::categorical: no categories along axis {axis} of {}", logits.aval()))
    }
    let logits = prim::convert_element_type(logits, logits.dtype(), false);
    let to = Draw::of(logits.dtype()).mode(options.mode).to("categorical", &key, &[], Takes::Float, logits.dtype());
    let gumbel = |shape: &[usize]| gumbel_of(&to.shaped(shape));
    if !options.once {
        let mut whole = shape.clone();
        whole.insert(front + axis, n);
        let scores = gumbel(&whole) + &logits;
        return prim::argmax(&scores, front + axis, DType::Int32);
    }
    let k: usize = shape[..front].iter().product();
    if k > n {
        let text = format!("random::categorical: {k} different categories of {n}; draw fewer, or with replacement");
        fail(ErrorKind::Shape, text)
    }
    if shape[front..] != lines[..] {
        let text = format!("without replacement the shape {} ends with {}", tuple(&shape), tuple(&lines));
        fail(ErrorKind::Shape, format!("random::categorical: {text}"))
    }
    let scores = prim::move_axis(&(&logits + gumbel(logits.shape())), axis, lines.len());
    let (_, index) = prim::top_k(&scores, k, lines.len());
    prim::reshape(&prim::move_axis(&index, lines.len(), 0), &shape)
}
