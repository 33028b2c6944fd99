//! Functions that take elements along axes together: softmax, sums of exponentials, standardization; and one-hot vectors.

use crate::array::{Array, ArrayLike};
use crate::aval::{Aval, Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::extend::{Lanes, Operation, Value, all_front, bind1};
use crate::np::{self, to_inexact};
use crate::prim::{self, lit, select_n, stop_gradient};

/// Which elements are taken together: those along the axes (without any: all), where the mask holds.
#[derive(Clone, Debug, Default)]
struct Group {
    axes: Option<Vec<i32>>,
    mask: Option<Array>,
}
impl Group {
    fn axis(axis: i32) -> Group {
        Group { axes: Some(vec![axis]), mask: None }
    }
    /// The dimensions in order.
    #[track_caller]
    fn dims(&self, name: &str, x: &Array) -> Vec<usize> {
        let Some(axes) = &self.axes else { return (0..x.ndim()).collect() };
        let mut dims = vec![];
        for a in axes {
            dims.push(np::dimension(name, *a, x))
        }
        dims.sort();
        if dims.windows(2).any(|w| w[0] == w[1]) {
            fail(
                ErrorKind::Value,
                format!("{name}: axes {axes:?} name a dimension of shape {} twice", tuple(x.shape())),
            )
        }
        dims
    }
    /// The mask in the shape of `x`.
    #[track_caller]
    fn mask(&self, name: &str, x: &Array) -> Option<Array> {
        let m = self.mask.as_ref()?;
        if m.dtype() != DType::Bool {
            fail(
                ErrorKind::Type,
                format!("{name}: the mask consists of booleans, not of elements of type {}", m.dtype()),
            )
        }
        let fits = crate::array::broadcast_shapes(&[m.shape(), x.shape()]).as_deref() == Some(x.shape());
        if !fits {
            let text =
                format!("{name}: the mask of shape {} does not broadcast to {}", tuple(m.shape()), tuple(x.shape()));
            fail(ErrorKind::Shape, text)
        }
        Some(np::broadcast_to(m, x.shape()))
    }
}
/// Methods that say which elements are taken together, with an example of each.
macro_rules! grouped {
    ($Name:ident: axis $axis:literal, axes $axes:literal, all_axes $all:literal, where_ $mask:literal) => {
        impl $Name {
            /// Along this axis, which may count from the end.
            #[doc = concat!("\n```\nuse cotangent::{nn::", stringify!($Name), ", prelude::*};\n", $axis, "\n```")]
            pub fn axis(mut self, axis: i32) -> $Name {
                self.group.axes = Some(vec![axis]);
                self
            }
            /// Along these axes together.
            #[doc = concat!("\n```\nuse cotangent::{nn::", stringify!($Name), ", prelude::*};\n", $axes, "\n```")]
            pub fn axes(mut self, axes: &[i32]) -> $Name {
                self.group.axes = Some(axes.to_vec());
                self
            }
            /// Along all axes together.
            #[doc = concat!("\n```\nuse cotangent::{nn::", stringify!($Name), ", prelude::*};\n", $all, "\n```")]
            pub fn all_axes(mut self) -> $Name {
                self.group.axes = None;
                self
            }
            /// Only those elements for which the mask holds, which broadcasts to the array.
            #[doc = concat!("\n```\nuse cotangent::{nn::", stringify!($Name), ", prelude::*};\n", $mask, "\n```")]
            pub fn where_(mut self, mask: &Array) -> $Name {
                self.group.mask = Some(mask.clone());
                self
            }
        }
    };
}
grouped! { Softmax:
    axis r#"assert_eq!(Softmax::new().axis(0).of(&array![[1., 5.], [1., 5.]]).to_string(), "[[0.5 0.5]\n [0.5 0.5]]");"#,
    axes r#"assert_eq!(Softmax::new().axes(&[0, 1]).of(&array![[3., 3.], [3., 3.]]).to_string(), "[[0.25 0.25]\n [0.25 0.25]]");"#,
    all_axes r#"assert_eq!(Softmax::new().all_axes().of(&array![[2.], [2.]]).to_string(), "[[0.5]\n [0.5]]");"#,
    where_ r#"assert_eq!(Softmax::new().where_(&array![true, false, true]).of(&array![1., 9., 1.]).to_string(), "[0.5 0.  0.5]");"#
}
grouped! { LogSumExp:
    axis r#"assert_eq!(LogSumExp::new().axis(0).of(&array![[0., 3.], [0., 3.]]).to_string(), "[0.6931472 3.6931472]");"#,
    axes r#"assert_eq!(LogSumExp::new().axes(&[0, 2]).of(&array![[[0., 0.]], [[0., 0.]]]).to_string(), "[1.3862944]");"#,
    all_axes r#"assert_eq!(LogSumExp::new().axis(0).all_axes().of(&array![[0.], [0.]]).to_string(), "0.6931472");"#,
    where_ r#"assert_eq!(LogSumExp::new().where_(&array![true, false]).of(&array![5., 9.]).to_string(), "5.0");"#
}
grouped! { Standardize:
    axis r#"assert_eq!(Standardize::new().epsilon(0.).axis(0).of(&array![[1., 5.], [3., 9.]]).to_string(), "[[-1. -1.]\n [ 1.  1.]]");"#,
    axes r#"assert_eq!(Standardize::new().epsilon(0.).axes(&[0, 1]).of(&array![[1., 1.], [3., 3.]]).to_string(), "[[-1. -1.]\n [ 1.  1.]]");"#,
    all_axes r#"assert_eq!(Standardize::new().epsilon(0.).all_axes().of(&array![[1.], [3.]]).to_string(), "[[-1.]\n [ 1.]]");"#,
    where_ r#"assert_eq!(Standardize::new().epsilon(0.).where_(&array![true, true, false]).of(&array![1., 3., 6.]).to_string(), "[-1.  1.  4.]");"#
}

/// With extents of 1 where the dimensions are.
fn kept(y: &Array, dims: &[usize]) -> Array {
    prim::expand_dims(y, dims)
}
fn kept_sum(x: &Array, dims: &[usize]) -> Array {
    kept(&x.sum_over(dims), dims)
}
/// `x`, and `v` where the mask does not hold.
fn masked(mask: Option<&Array>, x: &Array, v: f64) -> Array {
    mask.map_or_else(|| x.clone(), |m| select_n(m, &[&prim::full_of(x.aval(), v), x]))
}
/// The greatest along the dimensions, minus infinity if there is none.
fn greatest(x: &Array, mask: Option<&Array>, dims: &[usize]) -> Array {
    let mut shape = Shape::from_slice(x.shape());
    dims.iter().for_each(|d| shape[*d] = 1);
    if dims.iter().any(|d| x.shape()[*d] == 0) {
        return prim::full_of(&x.aval().with_shape(shape), f64::NEG_INFINITY);
    }
    kept(&prim::reduce_max(&masked(mask, x, f64::NEG_INFINITY), dims), dims)
}

/// e^x divided by the sum of all along `axis`. As `jax.nn.softmax`, where the axis is the last by default; [`Softmax`] has several axes, and a mask.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::softmax(&array![1., 1., 0.], -1).to_string(), "[0.42231882 0.42231882 0.15536241]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn softmax(x: &Array, axis: i32) -> Array {
    Softmax { group: Group::axis(axis) }.of(x)
}
/// The logarithm of [`softmax`], accurate where that is near 0. As `jax.nn.log_softmax`.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::log_softmax(&array![1., 1., 0.], -1).to_string(), "[-0.8619948 -0.8619948 -1.8619947]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn log_softmax(x: &Array, axis: i32) -> Array {
    Softmax { group: Group::axis(axis) }.log_of(x)
}
/// [`softmax`] and [`log_softmax`] with options. Without any: along the last axis.
///
/// ```
/// use cotangent::{nn::Softmax, prelude::*};
/// let y = Softmax::new().where_(&array![true, true, false]).of(&array![1., 1., 5.]);
/// assert_eq!(y.to_string(), "[0.5 0.5 0. ]");
/// ```
#[derive(Clone, Debug)]
pub struct Softmax {
    group: Group,
}
impl Default for Softmax {
    fn default() -> Softmax {
        Softmax::new()
    }
}
impl Softmax {
    /// Along the last axis.
    ///
    /// ```
    /// use cotangent::{nn::Softmax, prelude::*};
    /// assert_eq!(Softmax::new().of(&array![[3., 3.], [7., 7.]]).to_string(), "[[0.5 0.5]\n [0.5 0.5]]");
    /// ```
    pub fn new() -> Softmax {
        Softmax { group: Group::axis(-1) }
    }
    /// The softmax; 0 where a mask does not hold.
    ///
    /// ```
    /// use cotangent::{nn::Softmax, prelude::*};
    /// assert_eq!(Softmax::new().of(&array![7., 7., f32::NEG_INFINITY]).to_string(), "[0.5 0.5 0. ]");
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice, if the mask does not broadcast, or if `x` is not of numbers.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        let x = to_inexact("softmax", x);
        let op = SoftmaxOf { axes: self.group.dims("softmax", &x) };
        match self.group.mask("softmax", &x) {
            None => bind1(&op, &[&x]),
            Some(m) => bind1(&op, &[&x, &m]),
        }
    }
    /// Its logarithm; minus infinity where a mask does not hold.
    ///
    /// ```
    /// use cotangent::{nn::Softmax, prelude::*};
    /// let y = Softmax::new().where_(&array![true, true, false]).log_of(&array![0., 0., 5.]);
    /// assert_eq!(y.to_string(), "[-0.6931472 -0.6931472       -inf]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Softmax::of).
    #[track_caller]
    pub fn log_of(&self, x: &Array) -> Array {
        let x = to_inexact("log_softmax", x);
        let (dims, mask) = (self.group.dims("log_softmax", &x), self.group.mask("log_softmax", &x));
        let mask = mask.as_ref();
        let most = stop_gradient(&greatest(&x, mask, &dims));
        let shifted = prim::sub(&masked(mask, &x, f64::NEG_INFINITY), &most);
        let sum = kept_sum(&masked(mask, &prim::exp(&shifted), 0.0), &dims);
        masked(mask, &prim::sub(&shifted, &prim::log(&sum)), f64::NEG_INFINITY)
    }
}
/// The softmax as an operation: its derivative is made of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SoftmaxOf {
    axes: Vec<usize>,
}
impl Operation for SoftmaxOf {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("axes", tuple(&self.axes))]
    }
    fn value(&self) -> Value<SoftmaxOf> {
        Value::Composition(|op, x| {
            let (x, mask) = (&x[0], x.get(1));
            let most = greatest(x, mask, &op.axes);
            let parts = prim::exp(&prim::sub(&masked(mask, x, f64::NEG_INFINITY), &most));
            let sum = kept_sum(&masked(mask, &parts, 0.0), &op.axes);
            vec![masked(mask, &prim::div(&parts, &sum), 0.0)]
        })
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        prim::Takes::Float.check(x[0].dtype)?;
        Ok(vec![x[0].clone()])
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Option<Array>> {
        let moved = |d: &&Array| {
            let sum = kept_sum(&masked(x.get(1).copied(), &prim::mul(&y[0], d), 0.0), &self.axes);
            prim::mul(&y[0], &prim::sub(d, &sum))
        };
        vec![dx[0].as_ref().map(moved)]
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        let x = all_front(lanes, x, dims);
        let op = SoftmaxOf { axes: self.axes.iter().map(|a| a + 1).collect() };
        vec![(bind1(&op, &x.iter().collect::<Vec<_>>()), Some(0))]
    }
}

/// The logarithm of the sum of all e^x, without an overflow. As `jax.nn.logsumexp`; [`LogSumExp`] has axes, weights and a mask.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::logsumexp(&array![1., 1., 0.]).to_string(), "1.8619947");
/// ```
#[track_caller]
pub fn logsumexp(x: &Array) -> Array {
    LogSumExp::new().of(x)
}
/// The logarithm of the mean of all e^x. As `jax.nn.logmeanexp`.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::logmeanexp(&array![1., 1., 0.]).to_string(), "0.76338243");
/// ```
#[track_caller]
pub fn logmeanexp(x: &Array) -> Array {
    LogSumExp::new().mean_of(x)
}
/// [`logsumexp`] and [`logmeanexp`] with options. Without any: of all elements.
///
/// ```
/// use cotangent::{nn::LogSumExp, prelude::*};
/// let x = array![[0., 0.], [1., 5.]];
/// assert_eq!(LogSumExp::new().axis(1).of(&x).to_string(), "[0.6931472 5.01815  ]");
/// let (log, sign) = LogSumExp::new().weights(&array![1., -3.]).with_sign(&array![0., 0.]);
/// assert_eq!((log.to_string(), sign.to_f64()), ("0.6931472".to_string(), -1.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct LogSumExp {
    group: Group,
    weights: Option<Array>,
    keep: bool,
}
impl LogSumExp {
    /// Of all elements.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// assert_eq!(LogSumExp::new().of(&array![[0., 0.], [0., 0.]]).to_string(), "1.3862944");
    /// ```
    pub fn new() -> LogSumExp {
        LogSumExp::default()
    }
    /// Factors of the exponentials, which broadcast with them: JAX's `b`.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// // the logarithm of 2 e^0 + 6 e^0
    /// assert_eq!(LogSumExp::new().weights(&array![2., 6.]).of(&array![0., 0.]).to_string(), "2.0794415");
    /// ```
    pub fn weights(mut self, weights: &Array) -> LogSumExp {
        self.weights = Some(weights.clone());
        self
    }
    /// The axes stay, with an extent of 1.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// assert_eq!(LogSumExp::new().axis(1).keepdims().of(&array![[0., 0.], [2., 2.]]).shape(), [2, 1]);
    /// ```
    pub fn keepdims(mut self) -> LogSumExp {
        self.keep = true;
        self
    }
    /// The logarithm of the sum, NaN where weights make that negative.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// let y = LogSumExp::new().weights(&array![1., -2.]).of(&array![0., 0.]);
    /// assert!(y.to_f64().is_nan());
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice, if mask or weights do not broadcast, or if `x` is not of numbers.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        let (log, sign) = self.sum("logsumexp", x);
        match sign {
            Some(s) => select_n(&prim::lt(&s, &lit(&s, 0.0)), &[&log, &prim::full_of(log.aval(), f64::NAN)]),
            None => log,
        }
    }
    /// The logarithm of the sum's absolute value, and its sign.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// let (log, sign) = LogSumExp::new().weights(&array![1., -5.]).with_sign(&array![0., 0.]);
    /// assert_eq!((log.to_string(), sign.to_f64()), ("1.3862944".into(), -1.0));
    /// ```
    ///
    /// # Panics
    /// As [`of`](LogSumExp::of).
    #[track_caller]
    pub fn with_sign(&self, x: &Array) -> (Array, Array) {
        let (log, sign) = self.sum("logsumexp", x);
        let sign = sign.unwrap_or_else(|| prim::full_of(log.aval(), 1.0));
        (log, sign)
    }
    /// The logarithm of the mean; weights play no part in it.
    ///
    /// ```
    /// use cotangent::{nn::LogSumExp, prelude::*};
    /// assert_eq!(LogSumExp::new().axis(0).mean_of(&array![[1., 5.], [1., 5.]]).to_string(), "[1. 5.]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](LogSumExp::of).
    #[track_caller]
    pub fn mean_of(&self, x: &Array) -> Array {
        let plain = LogSumExp { weights: None, ..self.clone() };
        let (log, _) = plain.sum("logmeanexp", x);
        let dims = self.group.dims("logmeanexp", x);
        let count = match self.group.mask("logmeanexp", x) {
            None => lit(&log, dims.iter().map(|d| x.shape()[*d] as f64).product()),
            Some(m) => {
                let n = m.astype(log.dtype()).sum_over(&dims[..]);
                if self.keep { kept(&n, &dims) } else { n }
            }
        };
        log - count.log()
    }
    /// The logarithm of the sum's absolute value and, where weights may make it negative, the sign.
    #[track_caller]
    fn sum(&self, name: &str, x: &Array) -> (Array, Option<Array>) {
        let (mut x, mut weights) = (to_inexact(name, x), None);
        if x.dtype().is_complex() {
            fail(ErrorKind::Type, format!("{name}: takes real numbers, not elements of type {}", x.dtype()))
        }
        if let Some(m) = self.group.mask(name, &x) {
            x = masked(Some(&m), &x, 0.0)
        }
        if let Some(b) = &self.weights {
            let both = crate::special::function::together(name, &[&x, b]);
            let zero = prim::eq(&both[1], &lit(&both[1], 0.0));
            x = select_n(&zero, &[&both[0], &prim::full_of(both[0].aval(), f64::NEG_INFINITY)]);
            weights = Some(both[1].clone())
        }
        let (dims, mask) = (self.group.dims(name, &x), self.group.mask(name, &x));
        let most = greatest(&x, mask.as_ref(), &dims);
        let finite = prim::is_finite(&most);
        let most = stop_gradient(&select_n(&finite, &[&prim::zeros_of(most.aval()), &most]));
        let mut parts = prim::exp(&prim::sub(&x, &most));
        if let Some(b) = &weights {
            parts = prim::mul(&parts, b)
        }
        let sum = kept_sum(&masked(mask.as_ref(), &parts, 0.0), &dims);
        let sign = weights.is_some().then(|| prim::sign(&sum));
        let size = if weights.is_some() { prim::abs(&sum) } else { sum };
        let shaped = |y: Array| if self.keep { y } else { prim::squeeze(&y, &dims) };
        (shaped(prim::add(&prim::log(&size), &most)), sign.map(shaped))
    }
}

/// The elements along `axis` less their mean, divided by their standard deviation. As `jax.nn.standardize`, where the axis is the last by default;
/// [`Standardize`] has options.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::standardize(&array![1., 2., 3.], -1).to_string(), "[-1.2247359  0.         1.2247359]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn standardize(x: &Array, axis: i32) -> Array {
    Standardize::new().axis(axis).of(x)
}
/// [`standardize`] with options. Without any: along the last axis.
///
/// ```
/// use cotangent::{nn::Standardize, prelude::*};
/// let y = Standardize::new().epsilon(0.).of(&array![[1., 3.], [10., 50.]]);
/// assert_eq!(y.to_string(), "[[-1.  1.]\n [-1.  1.]]");
/// ```
#[derive(Clone, Debug)]
pub struct Standardize {
    group: Group,
    mean: Option<Array>,
    variance: Option<Array>,
    epsilon: f64,
    stable: bool,
}
impl Default for Standardize {
    fn default() -> Standardize {
        Standardize::new()
    }
}
impl Standardize {
    /// Along the last axis.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// let y = Standardize::new().of(&array![0., 200.]);
    /// assert!((y - array![-1., 1.]).abs().max().to_f64() < 1e-6);
    /// ```
    pub fn new() -> Standardize {
        Standardize { group: Group::axis(-1), mean: None, variance: None, epsilon: 1e-5, stable: false }
    }
    /// This mean, and not that of the elements. It broadcasts.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// // the variance is then measured from it
    /// assert_eq!(Standardize::new().epsilon(0.).mean(&array![0.]).of(&array![2., 2.]).to_string(), "[1. 1.]");
    /// ```
    pub fn mean(mut self, mean: &Array) -> Standardize {
        self.mean = Some(mean.clone());
        self
    }
    /// This variance, and not that of the elements. It broadcasts.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// let y = Standardize::new().epsilon(0.).variance(&array![4.]).of(&array![1., 5.]);
    /// assert_eq!(y.to_string(), "[-1.  1.]");
    /// ```
    pub fn variance(mut self, variance: &Array) -> Standardize {
        self.variance = Some(variance.clone());
        self
    }
    /// What is added to the variance: 1e-5 unless it is said here.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// // a variance of 1, and 3 more
    /// assert_eq!(Standardize::new().epsilon(3.).of(&array![1., 3.]).to_string(), "[-0.5  0.5]");
    /// ```
    pub fn epsilon(mut self, epsilon: f64) -> Standardize {
        self.epsilon = epsilon;
        self
    }
    /// The variance from differences to the mean, and not from the mean of squares: a second pass, without cancellation.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// let x = array![10000., 10002.];
    /// assert_eq!(Standardize::new().epsilon(0.).stable().of(&x).to_string(), "[-1.  1.]");
    /// assert_ne!(Standardize::new().epsilon(0.).of(&x).to_string(), "[-1.  1.]");
    /// ```
    pub fn stable(mut self) -> Standardize {
        self.stable = true;
        self
    }
    /// The standardized elements.
    ///
    /// ```
    /// use cotangent::{nn::Standardize, prelude::*};
    /// let y = Standardize::new().epsilon(0.).axis(0).of(&array![[3., 0.], [5., 8.]]);
    /// assert_eq!(y.to_string(), "[[-1. -1.]\n [ 1.  1.]]");
    /// ```
    ///
    /// # Panics
    /// If an axis does not exist or is named twice, if the mask does not broadcast, or if `x` is not of numbers.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        let x = to_inexact("standardize", x);
        let (dims, mask) = (self.group.dims("standardize", &x), self.group.mask("standardize", &x));
        let average = |y: &Array| match &mask {
            None => kept(&y.mean_over(&dims[..]), &dims),
            Some(m) => kept_sum(&masked(Some(m), y, 0.0), &dims) / kept_sum(&m.astype(y.dtype()), &dims),
        };
        let mean = self.mean.clone().unwrap_or_else(|| average(&x));
        let variance = self.variance.clone().unwrap_or_else(|| match self.stable {
            true => average(&(&x - &mean).powi(2)),
            false => (average(&x.powi(2)) - mean.powi(2)).maximum(0.0),
        });
        (&x - &mean) * (variance + self.epsilon).rsqrt()
    }
}

/// For each number of `x` a vector of `classes` elements along a new last axis: 1 at that number and 0 elsewhere, as float32; zeros for a
/// number out of range. As `jax.nn.one_hot`.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::one_hot(array![2, 0, 5], 3).to_string(), "[[0. 0. 1.]\n [1. 0. 0.]\n [0. 0. 0.]]");
/// ```
///
/// # Panics
/// If `x` is not of real numbers.
#[track_caller]
pub fn one_hot(x: impl ArrayLike, classes: usize) -> Array {
    one_hot_dtype(x, classes, -1, DType::Float32)
}
/// [`one_hot`] with the new axis at another place of the result, and of another element type. As `jax.nn.one_hot`.
///
/// ```
/// use cotangent::{nn, prelude::*};
/// assert_eq!(nn::one_hot_dtype(&array![1], 3, -1, DType::Int32).to_string(), "[[0 1 0]]");
/// ```
///
/// # Panics
/// If `x` is not of real numbers, or if the result has no such axis.
#[track_caller]
pub fn one_hot_dtype(x: impl ArrayLike, classes: usize, axis: i32, dtype: DType) -> Array {
    let x = x.into_array();
    if !x.dtype().is_number() || x.dtype().is_complex() || x.dtype() == DType::Bool {
        fail(ErrorKind::Type, format!("one_hot: classes are numbers, not elements of type {}", x.dtype()))
    }
    let rank = x.ndim() as i32 + 1;
    let at = if axis < 0 { axis + rank } else { axis };
    if !(0..rank).contains(&at) {
        let text = format!("one_hot: axis {axis} is out of bounds for a result of {rank} dimensions");
        fail(ErrorKind::Shape, text)
    }
    let column = prim::expand_dims(&x, &[at as usize]);
    let mut shape = vec![1; rank as usize];
    shape[at as usize] = classes;
    prim::convert_element_type(&prim::eq(&column, &prim::iota(x.dtype(), &shape, at as usize)), dtype, false)
}
