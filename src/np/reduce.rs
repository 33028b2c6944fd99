//! Folds over dimensions, with NumPy's names: sums, products, extremes, means and variances. One builder has the options of all.

mod nans;

use crate::array::{Array, Operand};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, order::index_type};
use crate::prim::{self, convert_element_type};

/// Which dimensions a reduction goes over: one, or a list of them. Negative ones count from the end.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = np::ones(&[2, 3, 4]);
/// assert_eq!(np::over(-1).sum(&x).shape(), [2, 3]);
/// assert_eq!(np::over([0, 2]).sum(&x).shape(), [3]);
/// assert_eq!(np::over(&[0usize, 1][..]).sum(&x).shape(), [4]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say over which dimensions to reduce",
    note = "give one dimension (`-1`) or several (`[0, 2]`)"
)]
pub trait ReductionAxes {
    #[doc(hidden)]
    fn axes(self) -> Vec<i32>;
}
impl ReductionAxes for i32 {
    fn axes(self) -> Vec<i32> {
        vec![self]
    }
}
impl<const N: usize> ReductionAxes for [i32; N] {
    fn axes(self) -> Vec<i32> {
        self.to_vec()
    }
}
impl ReductionAxes for &[i32] {
    fn axes(self) -> Vec<i32> {
        self.to_vec()
    }
}
impl ReductionAxes for &[usize] {
    fn axes(self) -> Vec<i32> {
        self.iter().map(|d| *d as i32).collect()
    }
}
impl ReductionAxes for Vec<i32> {
    fn axes(self) -> Vec<i32> {
        self
    }
}

/// A reduction over these dimensions: see [`Reduce`]. `np::over(0).sum(&x)` is NumPy's `x.sum(axis=0)`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 5.]];
/// assert_eq!(np::over(0).sum(&x).to_string(), "[4. 7.]");
/// assert_eq!(np::over(-1).keepdims().mean(&x).to_string(), "[[1.5]\n [4. ]]");
/// assert_eq!(np::over([0, 1]).max(&x).to_f64(), 5.0);
/// ```
pub fn over(axes: impl ReductionAxes) -> Reduce {
    Reduce::new().axis(axes)
}

/// What all reductions have in common: over which dimensions, whether these stay, which elements count. Without options, all elements of an array: that is what the functions of the same names
/// and the methods of [`Array`] do. [`over`] is short for one with dimensions.
///
/// A function says what it takes of the other options; one that it does not take is an error.
///
/// ```
/// use cotangent::{np::{self, Reduce}, prelude::*};
/// let x = array![[1., 2.], [3., f32::NAN]];
/// let ok = np::isfinite(&x);
/// assert_eq!(Reduce::new().where_(&ok).sum(&x).to_f64(), 6.0);
/// assert_eq!(np::over(1).where_(&ok).initial(2.5).max(&x).to_string(), "[2.5 3. ]");
/// assert_eq!(np::over(0).ddof(1.0).nanvar(&x).to_string(), "[ 2. nan]");
/// let e = catch(|| np::over(2).sum(&x)).unwrap_err();
/// assert!(e.message().contains("sum: axis 2 is out of bounds for an array of shape (2, 2)"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reduce {
    axes: Option<Vec<i32>>,
    pub(super) keep: bool,
    mask: Option<Array>,
    initial: Option<Array>,
    dtype: Option<DType>,
    ddof: Option<f64>,
    mean: Option<Array>,
    pub(super) weights: Option<Array>,
    pub(super) method: Option<np::QuantileMethod>,
}

/// What is folded in the type of the operand.
#[derive(Clone, Copy, PartialEq)]
enum Fold {
    Sum,
    Prod,
    Max,
    Min,
    And,
    Or,
}
impl Fold {
    #[track_caller]
    fn of(self, x: &Array, axes: &[usize]) -> Array {
        match self {
            Fold::Sum => prim::reduce_sum(x, axes),
            Fold::Prod => prim::reduce_prod(x, axes),
            Fold::Max => prim::reduce_max(x, axes),
            Fold::Min => prim::reduce_min(x, axes),
            Fold::And => prim::reduce_and(x, axes),
            Fold::Or => prim::reduce_or(x, axes),
        }
    }
    #[track_caller]
    fn join(self, x: &Array, y: &Array) -> Array {
        match self {
            Fold::Sum => prim::add(x, y),
            Fold::Prod => prim::mul(x, y),
            Fold::Max => prim::max(x, y),
            Fold::Min => prim::min(x, y),
            Fold::And => prim::and(x, y),
            Fold::Or => prim::or(x, y),
        }
    }
    /// The scalar that changes nothing: infinite where the type has that, the least or the greatest number where not.
    fn identity(self, t: DType) -> Array {
        let number = match self {
            Fold::Sum | Fold::Or => 0.0,
            Fold::Prod | Fold::And => 1.0,
            Fold::Max if t.is_bool() => 0.0,
            Fold::Max => f64::NEG_INFINITY,
            Fold::Min => f64::INFINITY,
        };
        prim::scalar_of(t, false, number)
    }
}

/// The type in which sums and products are made: booleans and integers of fewer than 32 bits are counted with 32.
pub(super) fn counting_type(t: DType) -> DType {
    match t {
        DType::Bool | DType::Int8 | DType::Int16 => DType::Int32,
        DType::Uint8 | DType::Uint16 => DType::Uint32,
        t => t,
    }
}
/// What has half precision is folded in float32.
fn upcast(t: DType) -> DType {
    if matches!(t, DType::Float16 | DType::BFloat16) { DType::Float32 } else { t }
}
/// A number or an array before it is known beside what it will stand; all digits of a number are kept.
pub(super) fn loose(x: impl Operand) -> Array {
    match (x.as_array(), x.integer()) {
        (Some(a), _) => a.clone(),
        (_, Some(_)) => x.beside(&prim::scalar_of(DType::Int64, false, 0.0)),
        _ => x.beside(&prim::scalar_of(DType::Float64, false, 0.0)),
    }
}
/// A number that was kept [`loose`] in the type that it takes beside `x`.
#[track_caller]
pub(super) fn beside(number: &Array, x: &Array) -> Array {
    let narrow = match number.dtype() {
        DType::Float64 => DType::Float32,
        DType::Complex128 => DType::Complex64,
        DType::Int64 => DType::Int32,
        t => t,
    };
    let wide = x.dtype().real_part().size() == 8;
    if wide || !number.weak_type() { number.clone() } else { convert_element_type(number, narrow, true) }
}

impl Reduce {
    /// All elements.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().sum(&array![[1, 2], [3, 5]]).to_string(), "11");
    /// ```
    pub fn new() -> Reduce {
        Reduce::default()
    }
    /// Over these dimensions: one or several, negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().axis(1).sum(&array![[1, 2], [3, 5]]).to_string(), "[3 8]");
    /// ```
    pub fn axis(mut self, axes: impl ReductionAxes) -> Reduce {
        self.axes = Some(axes.axes());
        self
    }
    /// The dimensions stay, with extent 1.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().axis(0).keepdims().max(&array![[1, 9], [3, 5]]).to_string(), "[[3 9]]");
    /// ```
    pub fn keepdims(mut self) -> Reduce {
        self.keep = true;
        self
    }
    /// Only the elements where this is true, an array of booleans that broadcasts to the operand.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// let x = array![1., -2., 4.];
    /// assert_eq!(Reduce::new().where_(&x.gt(0.)).mean(&x).to_f64(), 2.5);
    /// ```
    pub fn where_(mut self, mask: &Array) -> Reduce {
        self.mask = Some(mask.clone());
        self
    }
    /// What the fold starts with, a scalar.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().initial(10).sum(&array![1, 2]).to_string(), "13");
    /// assert_eq!(Reduce::new().initial(10).max(&array![1, 20]).to_string(), "20");
    /// ```
    pub fn initial(mut self, value: impl Operand) -> Reduce {
        self.initial = Some(loose(value));
        self
    }
    /// The type in which the fold is made and which the result has.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().dtype(DType::Float64).sum(&array![1, 2]).dtype(), DType::Float64);
    /// ```
    pub fn dtype(mut self, dtype: DType) -> Reduce {
        self.dtype = Some(dtype);
        self
    }
    /// What is subtracted from the number of elements when a variance is divided by it: NumPy's `ddof`, `correction` of the array standard.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// let x = array![1., 3., 5., 7.];
    /// assert_eq!((Reduce::new().var(&x).to_f64(), Reduce::new().ddof(2.).var(&x).to_f64()), (5., 10.));
    /// ```
    pub fn ddof(mut self, ddof: f64) -> Reduce {
        self.ddof = Some(ddof);
        self
    }
    /// The mean to measure a variance from, computed before with `keepdims`.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// let x = array![1., 3.];
    /// let mean = Reduce::new().keepdims().mean(&x);
    /// assert_eq!(Reduce::new().mean_is(&mean).var(&x).to_f64(), 1.0);
    /// assert_eq!(Reduce::new().mean_is(&array![0.]).var(&x).to_f64(), 5.0);
    /// ```
    pub fn mean_is(mut self, mean: &Array) -> Reduce {
        self.mean = Some(mean.clone());
        self
    }
    /// The weights of the elements: of the operand's shape, or with a dimension for each of those that are reduced.
    ///
    /// ```
    /// use cotangent::{np::Reduce, prelude::*};
    /// assert_eq!(Reduce::new().weights(&array![3., 1.]).average(&array![2., 10.]).to_f64(), 4.0);
    /// ```
    pub fn weights(mut self, weights: &Array) -> Reduce {
        self.weights = Some(weights.clone());
        self
    }
    /// How a quantile between two elements is found.
    ///
    /// ```
    /// use cotangent::{np::{QuantileMethod, Reduce}, prelude::*};
    /// let higher = Reduce::new().method(QuantileMethod::Higher);
    /// assert_eq!(higher.quantile(&array![1., 2., 8.], 0.6).to_f64(), 8.0);
    /// ```
    pub fn method(mut self, method: np::QuantileMethod) -> Reduce {
        self.method = Some(method);
        self
    }

    /// Fails if an option is set that the function does not take.
    #[track_caller]
    pub(super) fn takes(&self, name: &str, taken: &[&str]) {
        let given = [
            ("where_", self.mask.is_some()),
            ("initial", self.initial.is_some()),
            ("dtype", self.dtype.is_some()),
            ("ddof", self.ddof.is_some()),
            ("mean_is", self.mean.is_some()),
            ("weights", self.weights.is_some()),
            ("method", self.method.is_some()),
        ];
        for (option, there) in given {
            if there && !taken.contains(&option) {
                fail(ErrorKind::Value, format!("{name}: has no option {option}"))
            }
        }
    }
    /// The dimensions in ascending order.
    #[track_caller]
    pub(super) fn dims(&self, name: &str, x: &Array) -> Shape {
        let Some(axes) = &self.axes else { return (0..x.ndim()).collect() };
        let mut dims = np::dims::axes_of(name, axes, x.ndim(), x.shape());
        dims.sort_unstable();
        dims
    }
    /// The dimensions in the order in which they were given.
    #[track_caller]
    fn given_dims(&self, name: &str, x: &Array) -> Shape {
        let mut dims = Shape::new();
        for a in self.axes.iter().flatten() {
            dims.push(np::dimension(name, *a, x))
        }
        dims
    }
    pub(super) fn has_axes(&self) -> bool {
        self.axes.is_some()
    }
    /// The same dimensions and mask, and nothing else.
    fn bare(&self, keep: bool) -> Reduce {
        Reduce { axes: self.axes.clone(), keep, mask: self.mask.clone(), ..Reduce::default() }
    }
    /// The mask in the shape of the operand.
    #[track_caller]
    fn mask_for(&self, name: &str, x: &Array) -> Option<Array> {
        let mask = self.mask.as_ref()?;
        if !mask.dtype().is_bool() {
            fail(ErrorKind::Type, format!("{name}: where_ must be an array of type bool, not {}", mask.aval()))
        }
        if crate::array::broadcast_shapes(&[mask.shape(), x.shape()]).as_deref() != Some(x.shape()) {
            let (m, x) = (tuple(mask.shape()), tuple(x.shape()));
            fail(ErrorKind::Shape, format!("{name}: where_ of shape {m} does not broadcast to the operand's shape {x}"))
        }
        Some(np::broadcast_to(mask, x.shape()))
    }
    /// The fold with mask, first value and kept dimensions.
    #[track_caller]
    fn fold(&self, name: &str, fold: Fold, x: &Array) -> Array {
        let dims = self.dims(name, x);
        let x = match self.mask_for(name, x) {
            Some(mask) => np::where_(&mask, x, fold.identity(x.dtype())),
            None => x.clone(),
        };
        let mut y = fold.of(&x, &dims);
        if let Some(initial) = &self.initial {
            if initial.ndim() > 0 {
                fail(ErrorKind::Shape, format!("{name}: initial must be a scalar, not {}", initial.aval()))
            }
            y = fold.join(&convert_element_type(initial, y.dtype(), false), &y)
        }
        if self.keep { prim::expand_dims(&y, &dims) } else { y }
    }
    /// A sum or a product, in the type in which these are made.
    #[track_caller]
    fn total(&self, name: &str, fold: Fold, x: &Array) -> Array {
        if !x.dtype().is_number() {
            fail(ErrorKind::Type, format!("{name}: no arithmetic on elements of type {}", x.dtype()))
        }
        let result = self.dtype.unwrap_or_else(|| counting_type(x.dtype()));
        let made_in = if self.dtype.is_none() { upcast(result) } else { result };
        let fold = match fold {
            Fold::Sum if made_in.is_bool() => Fold::Or,
            Fold::Prod if made_in.is_bool() => Fold::And,
            fold => fold,
        };
        let y = self.fold(name, fold, &convert_element_type(x, made_in, false));
        convert_element_type(&y, result, false)
    }
    /// How many elements count, in this type.
    #[track_caller]
    fn count(&self, name: &str, x: &Array, dtype: DType) -> Array {
        match self.mask_for(name, x) {
            Some(mask) => {
                let all = Reduce { mask: None, ..self.bare(self.keep) };
                all.dtype(dtype).total(name, Fold::Sum, &mask)
            }
            None => {
                let n: usize = self.dims(name, x).iter().map(|d| x.shape()[*d]).product();
                prim::scalar_of(dtype, false, n as f64)
            }
        }
    }
    /// The sum, 0 if there are no elements. Booleans and integers of fewer than 32 bits give int32 or uint32; float16 and bfloat16 are added in float32. Options: `where_`, `initial`, `dtype`. As
    /// `jax.numpy.sum`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., 2.], [3., 4.]];
    /// assert_eq!(np::over(1).initial(10.).sum(&x).to_string(), "[13. 17.]");
    /// ```
    ///
    /// # Panics
    /// As all reductions: if a dimension does not exist or is given twice, if a mask is not of booleans or does not broadcast to `x`, or if elements are no numbers.
    #[track_caller]
    pub fn sum(&self, x: &Array) -> Array {
        self.takes("sum", &["where_", "initial", "dtype"]);
        self.total("sum", Fold::Sum, x)
    }
    /// The product, 1 if there are no elements, in the types of a [`sum`](Reduce::sum). Options: `where_`, `initial`, `dtype`. As `jax.numpy.prod`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).prod(&array![[1, 2], [3, 4]]).to_string(), "[3 8]");
    /// ```
    #[track_caller]
    pub fn prod(&self, x: &Array) -> Array {
        self.takes("prod", &["where_", "initial", "dtype"]);
        self.total("prod", Fold::Prod, x)
    }
    #[track_caller]
    fn extreme(&self, name: &str, fold: Fold, x: &Array) -> Array {
        let dims = self.dims(name, x);
        if self.initial.is_none() {
            if self.mask.is_some() {
                fail(
                    ErrorKind::Value,
                    format!("{name}: with where_ it may have no elements, so it needs an initial value"),
                )
            }
            if dims.iter().any(|d| x.shape()[*d] == 0) {
                fail(ErrorKind::Shape, format!("{name}: of no elements, in an array of shape {}", tuple(x.shape())))
            }
        }
        self.fold(name, fold, &convert_element_type(x, x.dtype(), false))
    }
    /// The greatest element; NaN if there is one. Equal ones share the derivative. Options: `where_`, which needs `initial`. As `jax.numpy.max`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., 7.], [3., f32::NAN]];
    /// assert_eq!(np::over(0).max(&x).to_string(), "[ 3. nan]");
    /// ```
    ///
    /// # Panics
    /// If there are no elements and no initial value.
    #[track_caller]
    pub fn max(&self, x: &Array) -> Array {
        self.takes("max", &["where_", "initial"]);
        self.extreme("max", Fold::Max, x)
    }
    /// The least element: see [`max`](Reduce::max).
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).min(&array![[1, 7], [3, -4]]).to_string(), "[ 1 -4]");
    /// ```
    #[track_caller]
    pub fn min(&self, x: &Array) -> Array {
        self.takes("min", &["where_", "initial"]);
        self.extreme("min", Fold::Min, x)
    }
    /// The difference of the greatest and the least element. As `jax.numpy.ptp`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).ptp(&array![[1, 7], [3, -4]]).to_string(), "[6 7]");
    /// ```
    #[track_caller]
    pub fn ptp(&self, x: &Array) -> Array {
        self.takes("ptp", &[]);
        np::subtract(&self.extreme("ptp", Fold::Max, x), &self.extreme("ptp", Fold::Min, x))
    }
    /// Whether all elements are true, or not zero; true if there are none. Option: `where_`. As `jax.numpy.all`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).all(&array![[1, 0], [3, -4]]).to_string(), "[ True False]");
    /// ```
    #[track_caller]
    pub fn all(&self, x: &Array) -> Array {
        self.takes("all", &["where_"]);
        self.fold("all", Fold::And, &np::not_zero(x))
    }
    /// Whether some element is true, or not zero; false if there are none. Option: `where_`. As `jax.numpy.any`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).any(&array![[0, 0], [0, -4]]).to_string(), "[False  True]");
    /// ```
    #[track_caller]
    pub fn any(&self, x: &Array) -> Array {
        self.takes("any", &["where_"]);
        self.fold("any", Fold::Or, &np::not_zero(x))
    }
    /// How many elements are true, or not zero, as int32. Option: `where_`. As `jax.numpy.count_nonzero`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).count_nonzero(&array![[5., 0.], [3., -4.]]).to_string(), "[1 2]");
    /// ```
    #[track_caller]
    pub fn count_nonzero(&self, x: &Array) -> Array {
        self.takes("count_nonzero", &["where_"]);
        self.total("count_nonzero", Fold::Sum, &np::not_zero(x))
    }
    /// The mean, NaN if there are no elements. Integers give floating-point numbers; float16 and bfloat16 are added and divided in float32. Options: `where_`, `dtype`. As `jax.numpy.mean`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).mean(&array![[1, 2], [2, 6]]).to_string(), "[1.5 4. ]");
    /// ```
    #[track_caller]
    pub fn mean(&self, x: &Array) -> Array {
        self.takes("mean", &["where_", "dtype"]);
        self.mean_of("mean", x)
    }
    #[track_caller]
    fn mean_of(&self, name: &str, x: &Array) -> Array {
        let x = if self.dtype.is_none() { np::to_inexact(name, x) } else { x.clone() };
        let result = self.dtype.unwrap_or(x.dtype());
        let made_in = if self.dtype.is_none() { upcast(result) } else { result };
        let sum = self.bare(self.keep).dtype(made_in).total(name, Fold::Sum, &x);
        convert_element_type(&prim::div(&sum, &self.count(name, &x, made_in)), result, false)
    }
    /// The mean of the squared distances from the mean (of complex numbers a real number), with the number of elements less `ddof` as divisor: NaN if that is not positive. Options: `where_`, `dtype`,
    /// `ddof`, `mean_is`. As `jax.numpy.var`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., 3.], [2., 6.]];
    /// assert_eq!(np::over(1).var(&x).to_string(), "[1. 4.]");
    /// assert_eq!(np::over(1).ddof(1.).var(&x).to_string(), "[2. 8.]");
    /// ```
    #[track_caller]
    pub fn var(&self, x: &Array) -> Array {
        self.takes("var", &["where_", "dtype", "ddof", "mean_is"]);
        self.variance("var", x)
    }
    /// The types in which a variance is made and given.
    #[track_caller]
    fn variance_types(&self, name: &str, t: DType) -> (DType, DType) {
        match self.dtype {
            Some(to) if !to.is_inexact() || t.is_complex() && !to.is_complex() => {
                fail(ErrorKind::Type, format!("{name}: the variance of elements of type {t} is not made in type {to}"))
            }
            Some(to) => (upcast(to), to),
            None => (upcast(t), t.real_part()),
        }
    }
    #[track_caller]
    fn variance(&self, name: &str, x: &Array) -> Array {
        let x = np::to_inexact(name, x);
        let (made_in, result) = self.variance_types(name, x.dtype());
        let x = convert_element_type(&x, made_in, false);
        let mean = match &self.mean {
            Some(m) => convert_element_type(m, made_in, false),
            None => self.bare(true).dtype(made_in).mean_of(name, &x),
        };
        let squares = np::squared_size(&np::subtract(&x, &mean));
        let count = self.count(name, &x, squares.dtype());
        let sum = self.bare(self.keep).dtype(squares.dtype()).total(name, Fold::Sum, &squares);
        let ddof = self.ddof.unwrap_or(0.0);
        if self.mask.is_none() && count.to_f64() > ddof {
            let divisor = prim::scalar_of(squares.dtype(), false, count.to_f64() - ddof);
            return convert_element_type(&prim::div(&sum, &divisor), result, false);
        }
        let divisor = prim::sub(&count, &prim::lit(&count, ddof));
        let y = convert_element_type(&prim::div(&sum, &divisor), result, false);
        np::where_(&prim::gt(&divisor, &prim::lit(&divisor, 0.0)), &y, prim::scalar_of(result, false, f64::NAN))
    }
    /// The root of the [variance](Reduce::var), with its options. Where all elements are equal its derivative is NaN. As `jax.numpy.std`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).std(&array![[1., 3.], [2., 8.]]).to_string(), "[1. 3.]");
    /// ```
    #[track_caller]
    pub fn std(&self, x: &Array) -> Array {
        self.takes("std", &["where_", "dtype", "ddof", "mean_is"]);
        prim::sqrt(&self.variance("std", x))
    }
    /// The mean with weights, or without them. Option: `weights`. As `jax.numpy.average`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., 2.], [3., 5.]];
    /// assert_eq!(np::over(1).weights(&array![3., 1.]).average(&x).to_string(), "[1.25 3.5 ]");
    /// ```
    ///
    /// # Panics
    /// If weights have neither the shape of `x` nor one extent for each dimension that is reduced.
    #[track_caller]
    pub fn average(&self, x: &Array) -> Array {
        self.average_and_weight(x).0
    }
    /// The [average](Reduce::average), and in its shape the sum of the weights, which without any is the number of elements. As `jax.numpy.average` with `returned`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let (mean, weight) = np::over(0).weights(&array![1., 3.]).average_and_weight(&array![0., 8.]);
    /// assert_eq!((mean.to_f64(), weight.to_f64()), (6.0, 4.0));
    /// ```
    #[track_caller]
    pub fn average_and_weight(&self, x: &Array) -> (Array, Array) {
        self.takes("average", &["weights"]);
        let x = np::to_inexact("average", x);
        let Some(w) = &self.weights else {
            let mean = self.bare(self.keep).mean_of("average", &x);
            let count = self.count("average", &x, mean.dtype());
            let count = np::broadcast_to(&count, mean.shape());
            return (mean, count);
        };
        let (x, w) = np::inexact_types("average", &x, w);
        let w = self.weights_for("average", &x, &w);
        let all = self.bare(self.keep);
        let weight = np::broadcast_to(&all.total("average", Fold::Sum, &w), &all.kept_shape("average", &x));
        let sum = all.total("average", Fold::Sum, &prim::mul(&x, &w));
        (prim::div(&sum, &weight), weight)
    }
    /// Weights in the shape of the operand.
    #[track_caller]
    pub(super) fn weights_for(&self, name: &str, x: &Array, w: &Array) -> Array {
        if w.shape() == x.shape() {
            return w.clone();
        }
        let dims = self.given_dims(name, x);
        if !self.has_axes() || *w.shape() != dims.iter().map(|d| x.shape()[*d]).collect::<Shape>()[..] {
            let (w, x) = (tuple(w.shape()), tuple(x.shape()));
            fail(
                ErrorKind::Shape,
                format!(
                    "{name}: weights of shape {w} have neither the shape {x} of the operand nor that of its reduced dimensions"
                ),
            )
        }
        let mut order: Vec<usize> = (0..dims.len()).collect();
        order.sort_by_key(|k| dims[*k]);
        let ascending: Vec<usize> = order.iter().map(|k| dims[*k]).collect();
        prim::broadcast_in_dim(&prim::transpose(w, &order), x.shape(), &ascending)
    }
    #[track_caller]
    fn kept_shape(&self, name: &str, x: &Array) -> Shape {
        let dims = self.dims(name, x);
        let all = x.shape().iter().enumerate();
        all.filter(|(d, _)| self.keep || !dims.contains(d))
            .map(|(d, n)| if dims.contains(&d) { 1 } else { *n })
            .collect()
    }
    /// Where the extreme is, along the one dimension or among all elements.
    #[track_caller]
    fn place(&self, name: &str, x: &Array, max: bool) -> Array {
        let dims = self.dims(name, x);
        let (flat, d) = match (&self.axes, &dims[..]) {
            (Some(_), [d]) => (x.clone(), *d),
            (Some(_), _) => fail(
                ErrorKind::Shape,
                format!("{name}: along one dimension or of all elements, not over {}", tuple(&dims)),
            ),
            (None, _) => (prim::reshape(x, &[x.size()]), 0),
        };
        let index = index_type(flat.shape()[d]);
        let y = if max { prim::argmax(&flat, d, index) } else { prim::argmin(&flat, d, index) };
        if self.keep { prim::expand_dims(&y, &dims) } else { y }
    }
    /// Where the greatest element is, along one dimension, or in row-major order among all: the first of equal ones, the first NaN if there is one. An int32. As `jax.numpy.argmax`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., 9., 9.], [0., f32::NAN, 3.]];
    /// assert_eq!(np::over(1).argmax(&x).to_string(), "[1 1]");
    /// ```
    ///
    /// # Panics
    /// If there are no elements, or more dimensions than one are given.
    #[track_caller]
    pub fn argmax(&self, x: &Array) -> Array {
        self.takes("argmax", &[]);
        self.place("argmax", x, true)
    }
    /// Where the least element is: see [`argmax`](Reduce::argmax).
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).argmin(&array![[5, 2], [4, 2]]).to_string(), "[1 0]");
    /// ```
    #[track_caller]
    pub fn argmin(&self, x: &Array) -> Array {
        self.takes("argmin", &[]);
        self.place("argmin", x, false)
    }
}
