//! Ranges: numbers in even steps, and those evenly spaced between two ends.

use crate::array::{Array, ArrayLike, Given};
use crate::aval::Shape;
use crate::dtype::{DType, promote_all};
use crate::error::{ErrorKind, fail};
use crate::np::dims::{axis_of, here};
use crate::prim::{self, convert_element_type, full_of, iota, lit};

/// A number that a range begins or ends with, and whether it is an integer.
#[doc(hidden)]
pub trait RangeEnd: Copy {
    #[doc(hidden)]
    const INTEGER: bool;
    #[doc(hidden)]
    fn number(self) -> f64;
    #[doc(hidden)]
    fn literal(self) -> Given;
}
macro_rules! ends { ($($t:ty: $integer:literal)*) => { $(
    impl RangeEnd for $t {
        const INTEGER: bool = $integer;
        fn number(self) -> f64 { self as f64 }
        fn literal(self) -> Given { Given::new(self) }
    }
    impl ArangeArgs for $t {
        fn ends(self) -> Ends { Ends::new(0 as $t, self, None) }
    }
)* } }
ends! { i32: true i64: true isize: true u32: true u64: true usize: true f32: false f64: false }
/// The numbers of an arithmetic range.
#[doc(hidden)]
pub struct Ends {
    count: usize,
    start: Given,
    step: Option<Given>,
    dtype: DType,
}
impl Ends {
    fn new<T: RangeEnd>(start: T, stop: T, step: Option<T>) -> Ends {
        let (from, to, by_step) = (start.literal(), stop.literal(), step.map(T::literal));
        let dtype =
            promote_all([&from, &to].into_iter().chain(&by_step).map(|x| (x.array().dtype(), x.array().weak_type()))).0;
        let by = step.map_or(1.0, T::number);
        let count = ((stop.number() - start.number()) / by).ceil().max(0.0);
        Ends { count: if count.is_finite() { count as usize } else { usize::MAX }, start: from, step: by_step, dtype }
    }
}
/// What [`arange`] takes: where it ends, `(start, stop)`, `(start, stop, step)`, or a range.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::arange(3).to_string(), "[0 1 2]");
/// assert_eq!(np::arange(2..5).to_string(), "[2 3 4]");
/// assert_eq!(np::arange((1., 3.)).to_string(), "[1. 2.]");
/// assert_eq!(np::arange((0, 10, 4)).to_string(), "[0 4 8]");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say from where to where `arange` goes",
    note = "give a number, `(start, stop)`, `(start, stop, step)` or `start..stop`, all of one of the types i32, i64, isize, u32, u64, usize, f32 and f64"
)]
pub trait ArangeArgs {
    #[doc(hidden)]
    fn ends(self) -> Ends;
}
impl<T: RangeEnd> ArangeArgs for (T, T) {
    fn ends(self) -> Ends {
        Ends::new(self.0, self.1, None)
    }
}
impl<T: RangeEnd> ArangeArgs for (T, T, T) {
    fn ends(self) -> Ends {
        Ends::new(self.0, self.1, Some(self.2))
    }
}
impl<T: RangeEnd> ArangeArgs for std::ops::Range<T> {
    fn ends(self) -> Ends {
        Ends::new(self.start, self.end, None)
    }
}
/// The numbers from 0 or `start` to before `stop` in steps of 1 or `step`: int32 (or what holds them) for integers, float32 for floats. As `jax.numpy.arange`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::arange(4).to_string(), "[0 1 2 3]");
/// assert_eq!(np::arange((1., 2., 0.25)).to_string(), "[1.   1.25 1.5  1.75]");
/// assert_eq!(np::arange((5, 0, -2)).to_string(), "[5 3 1]");
/// ```
///
/// # Panics
/// If the step is 0 or a number is not finite.
#[track_caller]
pub fn arange(range: impl ArangeArgs) -> Array {
    let ends = range.ends();
    ranged(&ends, ends.dtype)
}
/// [`arange`] in this type. As `jax.numpy.arange`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::arange_dtype(3, DType::Float64).to_string(), "[0. 1. 2.]");
/// ```
///
/// # Panics
/// As [`arange`].
#[track_caller]
pub fn arange_dtype(range: impl ArangeArgs, dtype: DType) -> Array {
    ranged(&range.ends(), dtype)
}
#[track_caller]
fn ranged(ends: &Ends, dtype: DType) -> Array {
    let _line = here();
    if ends.count == usize::MAX || ends.step.as_ref().is_some_and(|s| s.to(DType::Float64, false).to_f64() == 0.0) {
        fail(ErrorKind::Value, "arange: the range has no end: its step is 0, or one of its numbers is not finite")
    }
    // as in JAX, half precision is for the result only
    let wide = if ends.step.is_some() && dtype.is_float() && dtype.size() < 4 { DType::Float32 } else { dtype };
    let to = |x: &Given| x.to(wide, false);
    let mut y = iota(wide, &[ends.count], 0);
    if let Some(step) = &ends.step {
        y = prim::mul(&to(step), &y)
    }
    if ends.step.is_some() || ends.start.to(DType::Float64, false).to_f64() != 0.0 {
        y = prim::add(&to(&ends.start), &y)
    }
    convert_element_type(&y, dtype, false)
}

/// Numbers evenly spaced between two ends, or whose logarithms are: `jax.numpy.linspace`, `logspace` and `geomspace` with options.
///
/// ```
/// use cotangent::{np, prelude::*};
/// use cotangent::np::Spaced;
/// assert_eq!(np::linspace(0., 1., 5).to_string(), "[0.   0.25 0.5  0.75 1.  ]");
/// assert_eq!(Spaced::new(4).open().linspace(0., 1.).to_string(), "[0.   0.25 0.5  0.75]");
/// assert_eq!(Spaced::new(3).base(2.).logspace(0., 2.).to_string(), "[1. 2. 4.]");
/// assert_eq!(np::linspace(array![0., 1.], 2., 3).to_string(), "[[0.  1. ]\n [1.  1.5]\n [2.  2. ]]");
/// ```
#[derive(Clone, Debug)]
pub struct Spaced {
    num: usize,
    open: bool,
    base: Given,
    dtype: Option<DType>,
    axis: i32,
}
impl Spaced {
    /// So many numbers, both ends among them, along a new first dimension.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(3).linspace(1., 2.).to_string(), "[1.  1.5 2. ]");
    /// ```
    pub fn new(num: usize) -> Spaced {
        Spaced { num, open: false, base: Given::new(10.0), dtype: None, axis: 0 }
    }
    /// Without the second end.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(2).open().linspace(0., 6.).to_string(), "[0. 3.]");
    /// ```
    pub fn open(mut self) -> Spaced {
        self.open = true;
        self
    }
    /// What [`logspace`](Spaced::logspace) takes to the power of evenly spaced numbers; 10 otherwise.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(4).base(3.).logspace(0., 3.).to_string(), "[ 1.  3.  9. 27.]");
    /// ```
    pub fn base(mut self, base: impl ArrayLike) -> Spaced {
        self.base = Given::new(base);
        self
    }
    /// In this type; of integers the next lower ones.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(4).dtype(DType::Int32).linspace(0., 5.).to_string(), "[0 1 3 5]");
    /// ```
    pub fn dtype(mut self, dtype: DType) -> Spaced {
        self.dtype = Some(dtype);
        self
    }
    /// Along this dimension of the result.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// let y = Spaced::new(3).axis(1).linspace(array![0., 10.], array![4., 30.]);
    /// assert_eq!(y.to_string(), "[[ 0.  2.  4.]\n [10. 20. 30.]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Spaced {
        self.axis = axis;
        self
    }
    /// The type of the result, and both ends in that in which it is computed.
    #[track_caller]
    fn ends(&self, ends: [Given; 2]) -> (DType, [Array; 2]) {
        let own = || promote_all(ends.iter().map(|x| (x.array().dtype(), x.array().weak_type()))).0.to_inexact();
        let dtype = self.dtype.unwrap_or_else(own);
        (dtype, ends.map(|x| x.to(dtype.to_inexact(), false)))
    }
    /// Evenly spaced numbers.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(5).linspace(1., -1.).to_string(), "[ 1.   0.5  0.  -0.5 -1. ]");
    /// ```
    ///
    /// # Panics
    /// If the ends do not broadcast.
    #[track_caller]
    pub fn linspace(&self, start: impl ArrayLike, stop: impl ArrayLike) -> Array {
        self.linspace_and_step(start, stop).0
    }
    /// Evenly spaced numbers, and the distance between two of them: NaN if there is none.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// let (y, step) = Spaced::new(4).open().linspace_and_step(0., 10.);
    /// assert_eq!((y.to_string(), step.to_f64()), ("[0.  2.5 5.  7.5]".into(), 2.5));
    /// ```
    ///
    /// # Panics
    /// If the ends do not broadcast.
    #[track_caller]
    pub fn linspace_and_step(&self, start: impl ArrayLike, stop: impl ArrayLike) -> (Array, Array) {
        let _line = here();
        let (dtype, [start, stop]) = self.ends([Given::new(start), Given::new(stop)]);
        self.linear(dtype, &start, &stop)
    }
    #[track_caller]
    fn linear(&self, dtype: DType, start: &Array, stop: &Array) -> (Array, Array) {
        let t = start.dtype();
        let both = crate::np::broadcast_arrays(&[start, stop]);
        let (start, stop, rank) = (&both[0], &both[1], both[0].ndim());
        let d = axis_of("linspace", self.axis, rank + 1, &[start.shape(), &[self.num]].concat());
        let mut shape = Shape::from_slice(start.shape());
        shape.insert(d, self.num);
        let nan = || full_of(start.aval(), f64::NAN);
        let steps = if self.open { self.num } else { self.num.saturating_sub(1) };
        let (y, delta) = match self.num {
            0 => (full_of(&start.aval().with_shape(shape), 0.0), nan()),
            1 => (prim::expand_dims(start, &[d]), if self.open { prim::sub(stop, start) } else { nan() }),
            _ => {
                let over = |x: &Array| prim::div(x, &lit(x, steps as f64));
                let mut along = Shape::from_elem(1, rank + 1);
                along[d] = steps;
                // both ends come out exactly
                let part = over(&iota(t.real_part(), &[steps], 0));
                let part = convert_element_type(&prim::reshape(&part, &along), t, false);
                let rest = prim::sub(&lit(&part, 1.0), &part);
                let (low, high) = (prim::expand_dims(start, &[d]), prim::expand_dims(stop, &[d]));
                let mut y = prim::add(&prim::mul(&low, &rest), &prim::mul(&high, &part));
                if !self.open {
                    y = prim::concatenate(&[&y, &high], d)
                }
                (y, over(&prim::sub(stop, start)))
            }
        };
        let y = if dtype.is_integer() && self.num > 0 { prim::floor(&y) } else { y };
        (convert_element_type(&y, dtype, false), delta)
    }
    /// The [base](Spaced::base), 10 by default, to the power of evenly spaced numbers.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// assert_eq!(Spaced::new(3).logspace(1., 3.).to_string(), "[  10.  100. 1000.]");
    /// ```
    ///
    /// # Panics
    /// If the ends do not broadcast.
    #[track_caller]
    pub fn logspace(&self, start: impl ArrayLike, stop: impl ArrayLike) -> Array {
        let _line = here();
        let (dtype, [start, stop]) = self.ends([Given::new(start), Given::new(stop)]);
        let t = start.dtype();
        let even = self.linear(t, &start, &stop).0;
        convert_element_type(&crate::np::power(&self.base.to(t, false), &even), dtype, false)
    }
    /// Numbers from `start` to `stop`, each the same multiple of the one before.
    ///
    /// ```
    /// use cotangent::{np::Spaced, prelude::*};
    /// let y = Spaced::new(3).geomspace(-1., -100.);
    /// assert!((y - array![-1., -10., -100.]).abs().max().to_f64() < 1e-4);
    /// ```
    ///
    /// # Panics
    /// If the ends do not broadcast.
    #[track_caller]
    pub fn geomspace(&self, start: impl ArrayLike, stop: impl ArrayLike) -> Array {
        let _line = here();
        let (dtype, [start, stop]) = self.ends([Given::new(start), Given::new(stop)]);
        let sign = prim::sign(&start);
        let log10 = |x: &Array| {
            let y = prim::log(&crate::np::divide(x, &sign));
            prim::mul(&y, &lit(&y, std::f64::consts::LOG10_E))
        };
        let even = Spaced { axis: 0, ..self.clone() }.linear(start.dtype(), &log10(&start), &log10(&stop)).0;
        let y = crate::np::multiply(&sign, &crate::np::power(&lit(&even, 10.0), &even));
        let d = axis_of("geomspace", self.axis, y.ndim(), y.shape());
        convert_element_type(&prim::move_axis(&y, 0, d), dtype, false)
    }
}
macro_rules! spaced { ($($(#[$doc:meta])* $name:ident $example:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("Options: [`Spaced`]. As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    /// If the ends do not broadcast.
    #[track_caller]
    pub fn $name(start: impl ArrayLike, stop: impl ArrayLike, num: usize) -> Array {
        Spaced::new(num).$name(start, stop)
    }
)* } }
spaced! {
    /// `num` evenly spaced numbers from `start` to `stop`.
    linspace r#"assert_eq!(np::linspace(2., array![3., 4.], 3).to_string(), "[[2.  2. ]\n [2.5 3. ]\n [3.  4. ]]");"#;
    /// 10 to the power of `num` evenly spaced numbers from `start` to `stop`.
    logspace r#"assert_eq!(np::logspace(0., 2., 3).to_string(), "[  1.  10. 100.]");"#;
    /// `num` numbers from `start` to `stop`, each the same multiple of the one before.
    geomspace r#"assert!((np::geomspace(1., 16., 5) - array![1., 2., 4., 8., 16.]).abs().max().to_f64() < 1e-4);"#;
}
