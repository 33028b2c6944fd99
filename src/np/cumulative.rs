//! Partial sums and products along a dimension, with NumPy's names.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, reduce::counting_type};
use crate::prim::{self, convert_element_type};

/// Partial sums and products with options.
///
/// ```
/// use cotangent::{np::Cumulative, prelude::*};
/// let x = array![[1, 2], [3, 4]];
/// assert_eq!(Cumulative::new().axis(1).sum(&x).to_string(), "[[1 3]\n [3 7]]");
/// assert_eq!(Cumulative::new().sum(&x).to_string(), "[ 1  3  6 10]");
/// assert_eq!(Cumulative::new().axis(0).include_initial().prod(&x).to_string(), "[[1 1]\n [1 2]\n [3 8]]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cumulative {
    axis: Option<i32>,
    dtype: Option<DType>,
    initial: bool,
    /// The array standard wants an axis where there are several, and adds small integers with 32 bits.
    standard: bool,
}
impl Cumulative {
    /// Of all elements in row-major order.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().sum(&array![[5, 1], [1, 2]]).to_string(), "[5 6 7 9]");
    /// ```
    pub fn new() -> Cumulative {
        Cumulative::default()
    }
    /// As the array standard has them, and [`cumulative_sum`]: an array of several dimensions needs one, and small integers are added with 32 bits.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// let x = array(vec![100i8, 100]);
    /// assert_eq!(Cumulative::standard().sum(&x).to_string(), "[100 200]");
    /// assert_eq!(Cumulative::new().sum(&x).to_string(), "[100 -56]");
    /// ```
    pub fn standard() -> Cumulative {
        Cumulative { standard: true, ..Cumulative::default() }
    }
    /// Along this dimension; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().axis(0).sum(&array![[5, 1], [1, 2]]).to_string(), "[[5 1]\n [6 3]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Cumulative {
        self.axis = Some(axis);
        self
    }
    /// The type in which they are made.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().dtype(DType::Float32).sum(&array![1, 2]).to_string(), "[1. 3.]");
    /// ```
    pub fn dtype(mut self, dtype: DType) -> Cumulative {
        self.dtype = Some(dtype);
        self
    }
    /// With the sum or product of no elements in front: one element more along the dimension.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().include_initial().sum(&array![4, 3]).to_string(), "[0 4 7]");
    /// ```
    pub fn include_initial(mut self) -> Cumulative {
        self.initial = true;
        self
    }
    #[track_caller]
    fn of(&self, name: &str, x: &Array, sum: bool, nans: bool) -> Array {
        if !x.dtype().is_number() {
            fail(ErrorKind::Type, format!("{name}: no arithmetic on elements of type {}", x.dtype()))
        }
        if self.standard && (x.ndim() == 0 || x.ndim() > 1 && self.axis.is_none()) {
            fail(ErrorKind::Shape, format!("{name}: of {}; say along which dimension", x.aval()))
        }
        let neutral = if sum { 0.0 } else { 1.0 };
        let (x, d) = match self.axis {
            Some(axis) if x.ndim() > 0 => (x.clone(), np::dimension(name, axis, x)),
            _ => (prim::reshape(x, &[x.size()]), 0),
        };
        let x = if nans && x.dtype().is_inexact() { np::where_(&prim::ne(&x, &x), neutral, &x) } else { x };
        // sums of small integers grow; products are left to who calls, as in JAX
        let own = if self.standard && sum || x.dtype().is_bool() { counting_type(x.dtype()) } else { x.dtype() };
        let result = self.dtype.unwrap_or(own);
        let x = if result.is_bool() { np::not_zero(&x) } else { x };
        let x = convert_element_type(&x, if result.is_bool() { DType::Int32 } else { result }, false);
        let mut y = if sum { prim::cumsum(&x, d, false) } else { prim::cumprod(&x, d, false) };
        if self.initial {
            let mut config = vec![(0, 0, 0); y.ndim()];
            config[d].0 = 1;
            y = prim::pad(&y, &prim::lit(&y, neutral), &config)
        }
        if result.is_bool() { np::not_zero(&y) } else { y }
    }
    /// The partial sums. Booleans are counted with int32; other types are kept.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().axis(-1).sum(&array![true, false, true]).to_string(), "[1 1 2]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn sum(&self, x: &Array) -> Array {
        self.of("cumsum", x, true, false)
    }
    /// The partial products.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().prod(&array![2., 3., 4.]).to_string(), "[ 2.  6. 24.]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn prod(&self, x: &Array) -> Array {
        self.of("cumprod", x, false, false)
    }
    /// The partial sums with NaNs as zeros.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().nansum(&array![1., f32::NAN, 4.]).to_string(), "[1. 1. 5.]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn nansum(&self, x: &Array) -> Array {
        self.of("nancumsum", x, true, true)
    }
    /// The partial products with NaNs as ones.
    ///
    /// ```
    /// use cotangent::{np::Cumulative, prelude::*};
    /// assert_eq!(Cumulative::new().nanprod(&array![3., f32::NAN, 2.]).to_string(), "[3. 3. 6.]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn nanprod(&self, x: &Array) -> Array {
        self.of("nancumprod", x, false, true)
    }
}

macro_rules! partial { ($($(#[$doc:meta])* $name:ident $sum:literal $nans:literal $standard:literal $example:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("Along a dimension, or with `None` ", "as the array's rank allows; [`Cumulative`] has the options. As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn $name(x: &Array, axis: impl Into<Option<i32>>) -> Array {
        Cumulative { axis: axis.into(), standard: $standard, ..Default::default() }.of(stringify!($name), x, $sum, $nans)
    }
)* } }
partial! {
    /// The partial sums; without a dimension of all elements in row-major order.
    cumsum true false false r#"assert_eq!(np::cumsum(&array![[1, 2], [3, 4]], 0).to_string(), "[[1 2]\n [4 6]]");
assert_eq!(np::cumsum(&array![[1, 2], [3, 4]], None).to_string(), "[ 1  3  6 10]");"#;
    /// The partial products; without a dimension of all elements in row-major order.
    cumprod false false false r#"assert_eq!(np::cumprod(&array![1, 2, 3], 0).to_string(), "[1 2 6]");"#;
    /// The partial sums with NaNs as zeros; without a dimension of all elements in row-major order.
    nancumsum true true false r#"assert_eq!(np::nancumsum(&array![1., f32::NAN, 3.], 0).to_string(), "[1. 1. 4.]");"#;
    /// The partial products with NaNs as ones; without a dimension of all elements in row-major order.
    nancumprod false true false r#"assert_eq!(np::nancumprod(&array![2., f32::NAN, 3.], 0).to_string(), "[2. 2. 6.]");"#;
    /// The partial sums; integers of fewer than 32 bits are counted with 32. An array of several dimensions needs one.
    cumulative_sum true false true r#"assert_eq!(np::cumulative_sum(&array![1, 2, 3], None).to_string(), "[1 3 6]");"#;
    /// The partial products; an array of several dimensions needs one.
    cumulative_prod false false true r#"assert_eq!(np::cumulative_prod(&array![1, 2, 3], None).to_string(), "[1 2 6]");"#;
}

impl Array {
    /// The partial sums along a dimension, or of all elements: see [`np::cumsum`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![[1, 2], [3, 4]];
    /// assert_eq!(x.cumsum(1).to_string(), "[[1 3]\n [3 7]]");
    /// assert_eq!(x.cumsum(None).to_string(), "[ 1  3  6 10]");
    /// ```
    #[track_caller]
    pub fn cumsum(&self, axis: impl Into<Option<i32>>) -> Array {
        cumsum(self, axis)
    }
    /// The partial products along a dimension, or of all elements: see [`np::cumprod`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![2., 5., 0.5].cumprod(0).to_string(), "[ 2. 10.  5.]");
    /// ```
    #[track_caller]
    pub fn cumprod(&self, axis: impl Into<Option<i32>>) -> Array {
        cumprod(self, axis)
    }
}
