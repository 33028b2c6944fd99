//! Quantiles, percentiles and medians: reductions of sorted elements.

use crate::array::{Array, Operand};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, Reduce};
use crate::prim::{self, GatherDimensionNumbers, GatherOptions, GatherScatterMode, convert_element_type};

/// How a quantile is found that lies between two elements. The names are NumPy's.
///
/// ```
/// use cotangent::{np::{self, QuantileMethod}, prelude::*};
/// let x = array![0., 10., 20., 30.];
/// let third = |how: QuantileMethod| np::over(0).method(how).quantile(&x, 0.4).to_f64();
/// assert_eq!([QuantileMethod::Lower, QuantileMethod::Higher, QuantileMethod::Midpoint].map(third), [10., 20., 15.]);
/// assert_eq!([QuantileMethod::Nearest, QuantileMethod::InvertedCdf].map(third), [10., 10.]);
/// assert!((third(QuantileMethod::Linear) - 12.).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum QuantileMethod {
    /// On the line from one to the other.
    #[default]
    Linear,
    /// The lesser one.
    Lower,
    /// The greater one.
    Higher,
    /// Their mean.
    Midpoint,
    /// The one that is nearer; of two equally near the lesser.
    Nearest,
    /// The least element at which the share of the elements, or of their weights, reaches the quantile.
    InvertedCdf,
}

/// What becomes of NaNs.
#[derive(Clone, Copy, PartialEq)]
enum Nans {
    Win,
    Pass,
}

/// The elements at `places` of the lines in the last dimension; both have the same dimensions before it.
#[track_caller]
fn at(lines: &Array, places: &Array) -> Array {
    let last = lines.ndim() - 1;
    let others: Vec<usize> = (0..last).collect();
    let dims = GatherDimensionNumbers::new(&[], &[last], &[last]).batching(&others, &others);
    let options = GatherOptions { mode: GatherScatterMode::Clip, ..Default::default() };
    let places = prim::expand_dims(places, &[places.ndim()]);
    prim::gather(lines, &places, &dims, &vec![1; lines.ndim()], &options)
}

impl Reduce {
    /// The quantiles `q`, from 0 to 1, a number or an array of at most one dimension, which then comes first in the result. Of lines with a NaN it is NaN. Options: `method`, and `weights` for the
    /// method that takes them. As `jax.numpy.quantile`.
    ///
    /// ```
    /// use cotangent::{np::{self, QuantileMethod}, prelude::*};
    /// let x = array![[0., 1., 4.], [5., 7., 6.]];
    /// assert_eq!(np::over(1).quantile(&x, 0.75).to_string(), "[2.5 6.5]");
    /// assert_eq!(np::over(1).method(QuantileMethod::Lower).quantile(&x, array![0., 0.75]).to_string(), "[[0. 5.]\n [1. 6.]]");
    /// ```
    ///
    /// # Panics
    /// As all reductions; also if `q` has more than one dimension, if elements are complex, or if weights are given to another method than [`QuantileMethod::InvertedCdf`].
    #[track_caller]
    pub fn quantile(&self, x: &Array, q: impl Operand) -> Array {
        self.quantiles("quantile", x, &np::loose(q), 1.0, Nans::Win)
    }
    /// The percentiles `q`, from 0 to 100: see [`quantile`](Reduce::quantile). As `jax.numpy.percentile`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).percentile(&array![[0., 4.], [8., 5.]], 25.).to_string(), "[2.   4.25]");
    /// ```
    #[track_caller]
    pub fn percentile(&self, x: &Array, q: impl Operand) -> Array {
        self.quantiles("percentile", x, &np::loose(q), 100.0, Nans::Win)
    }
    /// The [quantiles](Reduce::quantile) of the elements that are not NaN. As `jax.numpy.nanquantile`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nanquantile(&array![1., f32::NAN, 3., 7.], 0.5).to_f64(), 3.0);
    /// ```
    #[track_caller]
    pub fn nanquantile(&self, x: &Array, q: impl Operand) -> Array {
        self.quantiles("nanquantile", x, &np::loose(q), 1.0, Nans::Pass)
    }
    /// The [percentiles](Reduce::percentile) of the elements that are not NaN. As `jax.numpy.nanpercentile`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).nanpercentile(&array![[1., f32::NAN], [2., 6.]], 75.).to_string(), "[1. 5.]");
    /// ```
    #[track_caller]
    pub fn nanpercentile(&self, x: &Array, q: impl Operand) -> Array {
        self.quantiles("nanpercentile", x, &np::loose(q), 100.0, Nans::Pass)
    }
    /// The element in the middle, or the mean of the two there; NaN if there is a NaN. As `jax.numpy.median`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).median(&array![[5., 1., 2.], [0., f32::NAN, 1.]]).to_string(), "[ 2. nan]");
    /// ```
    #[track_caller]
    pub fn median(&self, x: &Array) -> Array {
        self.middle("median", x, Nans::Win)
    }
    /// The [median](Reduce::median) of the elements that are not NaN. As `jax.numpy.nanmedian`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).nanmedian(&array![[5., 1., 2.], [0., f32::NAN, 1.]]).to_string(), "[2.  0.5]");
    /// ```
    #[track_caller]
    pub fn nanmedian(&self, x: &Array) -> Array {
        self.middle("nanmedian", x, Nans::Pass)
    }
    #[track_caller]
    fn middle(&self, name: &str, x: &Array, nans: Nans) -> Array {
        self.takes(name, &[]);
        let middle = self.clone().method(QuantileMethod::Midpoint);
        middle.quantiles(name, x, &np::loose(0.5), 1.0, nans)
    }
    /// The quantiles `q / whole`.
    #[track_caller]
    fn quantiles(&self, name: &str, x: &Array, q: &Array, whole: f64, nans: Nans) -> Array {
        self.takes(name, &["method", "weights"]);
        let method = self.method.unwrap_or_default();
        let x = np::to_inexact(name, x);
        let t = x.dtype();
        if !t.is_float() {
            fail(ErrorKind::Type, format!("{name}: elements of type {t} are in no order"))
        }
        if q.ndim() > 1 {
            fail(
                ErrorKind::Shape,
                format!("{name}: q must be a number or have one dimension, not the shape {}", tuple(q.shape())),
            )
        }
        if self.weights.is_some() && method != QuantileMethod::InvertedCdf {
            fail(ErrorKind::Value, format!("{name}: the method {method:?} takes no weights, only InvertedCdf does"))
        }
        let dims = self.dims(name, &x);
        // places are counted in a type that holds them
        let counted = if t == DType::Float64 { t } else { DType::Float32 };
        let one = q.ndim() == 0;
        let q = convert_element_type(&prim::reshape(q, &[q.size()]), counted, false);
        let q = if whole == 1.0 { q } else { prim::div(&q, &prim::lit(&q, whole)) };

        // the reduced dimensions become the last one
        let kept: Vec<usize> = (0..x.ndim()).filter(|d| !dims.contains(d)).collect();
        let order: Vec<usize> = kept.iter().chain(&dims).copied().collect();
        let n: usize = dims.iter().map(|d| x.shape()[*d]).product();
        if n == 0 {
            fail(ErrorKind::Shape, format!("{name}: of no elements, in an array of shape {}", tuple(x.shape())))
        }
        let shape: Shape = kept.iter().map(|d| x.shape()[*d]).chain([n]).collect();
        let last = kept.len();
        let lines = prim::reshape(&prim::transpose(&x, &order), &shape);
        let weights = match &self.weights {
            Some(w) => {
                let w = self.weights_for(name, &x, &convert_element_type(&np::to_inexact(name, w), t, false));
                Some(prim::reshape(&prim::transpose(&w, &order), &shape))
            }
            None => None,
        };
        let (lines, weights) = match weights {
            Some(w) => {
                let (x, w) = prim::sort_key_val(&lines, &w, last);
                (x, Some(w))
            }
            None => (prim::sort(&[&lines], last, 1).swap_remove(0), None),
        };
        // NaNs are last
        let nan = prim::ne(&lines, &lines);
        let some_nan = prim::slice_in_dim(&nan, n - 1, n, 1, last);
        let count = match nans {
            Nans::Win => prim::full_of(&some_nan.aval().with_dtype(counted), n as f64),
            Nans::Pass => {
                let there = convert_element_type(&prim::not(&nan), counted, false);
                prim::expand_dims(&prim::reduce_sum(&there, &[last]), &[last])
            }
        };
        let places_shape: Shape = shape[..last].iter().copied().chain([q.size()]).collect();
        let highest = np::broadcast_to(&prim::sub(&count, &prim::lit(&count, 1.0)), &places_shape);
        let zero = prim::zeros_of(highest.aval());
        let inside = |place: &Array| {
            let place = prim::max(&zero, &prim::min(place, &highest));
            at(&lines, &convert_element_type(&place, np::order::index_type(n), false))
        };
        let nan_value = prim::scalar_of(t, false, f64::NAN);
        let y = if method == QuantileMethod::InvertedCdf {
            let unit = || prim::full_of(&lines.aval().with_weak(false), 1.0);
            let weights = weights.unwrap_or_else(unit);
            let bad = prim::or(&prim::lt(&weights, &prim::lit(&weights, 0.0)), &prim::ne(&weights, &weights));
            let counts = np::where_(&prim::or(&bad, &nan), 0.0, &weights);
            let shares = prim::cumsum(&counts, last, false);
            let all = prim::slice_in_dim(&shares, n - 1, n, 1, last);
            let wanted = np::multiply(&convert_element_type(&q, t, false), &all);
            // how many shares do not reach what is wanted
            let before = np::less(&prim::expand_dims(&shares, &[last]), &prim::expand_dims(&wanted, &[last + 1]));
            let place = prim::reduce_sum(&convert_element_type(&before, counted, false), &[last + 1]);
            let bad = prim::expand_dims(&prim::reduce_or(&bad, &[last]), &[last]);
            np::where_(&bad, &nan_value, inside(&place))
        } else {
            let place = np::multiply(&q, &prim::sub(&count, &prim::lit(&count, 1.0)));
            let (low, high) = (prim::floor(&place), prim::ceil(&place));
            let beyond = prim::sub(&place, &low);
            let (low, high) = (inside(&low), inside(&high));
            match method {
                QuantileMethod::Lower => low,
                QuantileMethod::Higher => high,
                QuantileMethod::Midpoint => prim::mul(&prim::add(&low, &high), &prim::lit(&low, 0.5)),
                QuantileMethod::Nearest => np::where_(&prim::le(&beyond, &prim::lit(&beyond, 0.5)), &low, &high),
                QuantileMethod::Linear | QuantileMethod::InvertedCdf => {
                    let wide = |x: &Array| convert_element_type(x, counted, false);
                    let rest = prim::sub(&prim::lit(&beyond, 1.0), &beyond);
                    convert_element_type(
                        &prim::add(&prim::mul(&wide(&low), &rest), &prim::mul(&wide(&high), &beyond)),
                        t,
                        false,
                    )
                }
            }
        };
        let nothing = match nans {
            Nans::Win => some_nan,
            Nans::Pass => prim::eq(&count, &prim::lit(&count, 0.0)),
        };
        let y = np::where_(&nothing, &nan_value, &y);
        // the quantiles come first
        let y = prim::move_axis(&y, last, 0);
        let y = if self.keep { prim::expand_dims(&y, &dims.iter().map(|d| d + 1).collect::<Vec<_>>()) } else { y };
        if one { prim::squeeze(&y, &[0]) } else { y }
    }
}

/// The quantiles `q`, from 0 to 1, of all elements: see [`Reduce::quantile`], which has dimensions and methods. As `jax.numpy.quantile`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![4., 0., 1., 5.];
/// assert_eq!(np::quantile(&x, 0.5).to_f64(), 2.5);
/// assert_eq!(np::quantile(&x, array![0., 1.]).to_string(), "[0. 5.]");
/// ```
///
/// # Panics
/// As [`Reduce::quantile`].
#[track_caller]
pub fn quantile(x: &Array, q: impl Operand) -> Array {
    Reduce::new().quantile(x, q)
}
/// The percentiles `q`, from 0 to 100, of all elements: see [`Reduce::percentile`]. As `jax.numpy.percentile`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::percentile(&array![4., 0., 1.], 75).to_f64(), 2.5);
/// ```
///
/// # Panics
/// As [`Reduce::quantile`].
#[track_caller]
pub fn percentile(x: &Array, q: impl Operand) -> Array {
    Reduce::new().percentile(x, q)
}
/// The [quantiles](quantile) of the elements that are not NaN. As `jax.numpy.nanquantile`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::nanquantile(&array![4., f32::NAN, 1.], 0.5).to_f64(), 2.5);
/// ```
///
/// # Panics
/// As [`Reduce::quantile`].
#[track_caller]
pub fn nanquantile(x: &Array, q: impl Operand) -> Array {
    Reduce::new().nanquantile(x, q)
}
/// The [percentiles](percentile) of the elements that are not NaN. As `jax.numpy.nanpercentile`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::nanpercentile(&array![4., f32::NAN, 1.], 50).to_f64(), 2.5);
/// ```
///
/// # Panics
/// As [`Reduce::quantile`].
#[track_caller]
pub fn nanpercentile(x: &Array, q: impl Operand) -> Array {
    Reduce::new().nanpercentile(x, q)
}
