//! The reductions as functions of all elements of an array, and as methods of `Array`.

use crate::array::Array;
use crate::np::{Reduce, ReductionAxes, over};

macro_rules! reductions { ($($(#[$doc:meta])* $name:ident $example:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("Of all elements; [`over`] has those along dimensions, and [`Reduce::", stringify!($name), "`] the options.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    #[doc = concat!("As [`Reduce::", stringify!($name), "`].")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { Reduce::new().$name(x) }
)* } }
reductions! {
    /// The sum, as `jax.numpy.sum`.
    sum r#"assert_eq!(np::sum(&array![[1, 2], [3, 4]]).to_string(), "10");"#;
    /// The product, as `jax.numpy.prod`.
    prod r#"assert_eq!(np::prod(&array![2., 3., 4.]).to_f64(), 24.0);"#;
    /// The greatest element, as `jax.numpy.max`.
    max r#"assert_eq!(np::max(&array![2., 3., -4.]).to_f64(), 3.0);"#;
    /// The least element, as `jax.numpy.min`.
    min r#"assert_eq!(np::min(&array![2., 3., -4.]).to_f64(), -4.0);"#;
    /// Whether all are true or not zero, as `jax.numpy.all`.
    all r#"assert!(!np::all(&array![1, 0, 2]).to_bool());"#;
    /// Whether some is true or not zero, as `jax.numpy.any`.
    any r#"assert!(np::any(&array![1, 0, 2]).to_bool());"#;
    /// The mean, as `jax.numpy.mean`.
    mean r#"assert_eq!(np::mean(&array![1, 2, 6]).to_f64(), 3.0);"#;
    /// The variance, as `jax.numpy.var`.
    var r#"assert_eq!(np::var(&array![1., 3., 5., 7.]).to_f64(), 5.0);"#;
    /// The standard deviation, as `jax.numpy.std`.
    std r#"assert_eq!(np::std(&array![1., 5.]).to_f64(), 2.0);"#;
    /// The greatest less the least element, as `jax.numpy.ptp`.
    ptp r#"assert_eq!(np::ptp(&array![1., 5., 2.]).to_f64(), 4.0);"#;
    /// Where the greatest element is in row-major order, as `jax.numpy.argmax`.
    argmax r#"assert_eq!(np::argmax(&array![[1., 5.], [5., 2.]]).to_string(), "1");"#;
    /// Where the least element is in row-major order, as `jax.numpy.argmin`.
    argmin r#"assert_eq!(np::argmin(&array![[1., 5.], [0., 2.]]).to_string(), "2");"#;
    /// How many elements are not zero, as `jax.numpy.count_nonzero`.
    count_nonzero r#"assert_eq!(np::count_nonzero(&array![1., 0., 2.]).to_string(), "2");"#;
    /// The mean, with weights among the options, as `jax.numpy.average`.
    average r#"assert_eq!(np::average(&array![1., 3.]).to_f64(), 2.0);"#;
    /// The element in the middle, as `jax.numpy.median`.
    median r#"assert_eq!(np::median(&array![5., 1., 2., 3.]).to_f64(), 2.5);"#;
    /// The sum without NaNs, as `jax.numpy.nansum`.
    nansum r#"assert_eq!(np::nansum(&array![1., f32::NAN, 2.]).to_f64(), 3.0);"#;
    /// The product without NaNs, as `jax.numpy.nanprod`.
    nanprod r#"assert_eq!(np::nanprod(&array![3., f32::NAN, 2.]).to_f64(), 6.0);"#;
    /// The greatest element that is not NaN, as `jax.numpy.nanmax`.
    nanmax r#"assert_eq!(np::nanmax(&array![1., f32::NAN, 2.]).to_f64(), 2.0);"#;
    /// The least element that is not NaN, as `jax.numpy.nanmin`.
    nanmin r#"assert_eq!(np::nanmin(&array![1., f32::NAN, 2.]).to_f64(), 1.0);"#;
    /// The mean without NaNs, as `jax.numpy.nanmean`.
    nanmean r#"assert_eq!(np::nanmean(&array![1., f32::NAN, 2.]).to_f64(), 1.5);"#;
    /// The variance without NaNs, as `jax.numpy.nanvar`.
    nanvar r#"assert_eq!(np::nanvar(&array![1., f32::NAN, 3.]).to_f64(), 1.0);"#;
    /// The standard deviation without NaNs, as `jax.numpy.nanstd`.
    nanstd r#"assert_eq!(np::nanstd(&array![1., f32::NAN, 5.]).to_f64(), 2.0);"#;
    /// Where the greatest element is that is not NaN, as `jax.numpy.nanargmax`.
    nanargmax r#"assert_eq!(np::nanargmax(&array![1., f32::NAN, 2.]).to_string(), "2");"#;
    /// Where the least element is that is not NaN, as `jax.numpy.nanargmin`.
    nanargmin r#"assert_eq!(np::nanargmin(&array![f32::NAN, 3., 2.]).to_string(), "2");"#;
    /// The element in the middle of those that are not NaN, as `jax.numpy.nanmedian`.
    nanmedian r#"assert_eq!(np::nanmedian(&array![1., f32::NAN, 2.]).to_f64(), 1.5);"#;
}

macro_rules! methods { ($($(#[$doc:meta])* $name:ident $along:ident, of $of:literal is $all:literal, along $axes:literal $each:literal;)*) => {
    impl Array { $(
        $(#[$doc])*
        #[doc = concat!("\n```\nuse cotangent::prelude::*;\nassert_eq!(array!", $of, ".", stringify!($name), "().to_string(), \"", $all, "\");\n```\n")]
        #[doc = concat!("[`np::Reduce::", stringify!($name), "`](crate::np::Reduce::", stringify!($name), ") has options.")]
        #[track_caller]
        pub fn $name(&self) -> Array { Reduce::new().$name(self) }
        #[doc = concat!("The same over some of the dimensions: see [`", stringify!($name), "`](Array::", stringify!($name), ") and [`np::over`](crate::np::over).")]
        #[doc = concat!("\n```\nuse cotangent::prelude::*;\nassert_eq!(array!", $of, ".", stringify!($along), "(", $axes, ").to_string(), \"", $each, "\");\n```")]
        #[track_caller]
        pub fn $along(&self, axes: impl ReductionAxes) -> Array { over(axes).$name(self) }
    )* }
} }
methods! {
    /// The sum of all elements: a scalar, 0 if there are none. Booleans and integers of fewer than 32 bits give int32 or uint32; float16
    /// and bfloat16 are added in float32.
    sum sum_over, of "[[true, true], [false, true]]" is "3", along "0" "[1 2]";
    /// The product of all elements: a scalar, 1 if there are none.
    prod prod_over, of "[[1, 2], [3, 4]]" is "24", along "0" "[3 8]";
    /// The mean of all elements: a scalar, NaN if there are none. Integers give floating-point numbers; float16 and bfloat16 are added
    /// and divided in float32.
    mean mean_over, of "[[1, 2], [3, 6]]" is "3.0", along "1" "[1.5 4.5]";
    /// The mean of the squared distances from the mean.
    var var_over, of "[[1., 3.], [5., 7.]]" is "5.0", along "1" "[1. 1.]";
    /// The root of the variance.
    std std_over, of "[[1., 1.], [5., 5.]]" is "2.0", along "-1" "[0. 0.]";
    /// The greatest element; NaN if there is one.
    max max_over, of "[[1, 7], [3, 4]]" is "7", along "0" "[3 7]";
    /// The least element; NaN if there is one.
    min min_over, of "[[1, 7], [3, 4]]" is "1", along "1" "[1 3]";
    /// The greatest less the least element.
    ptp ptp_over, of "[[1, 7], [3, 4]]" is "6", along "1" "[6 1]";
    /// Whether all elements are true, or not zero.
    all all_over, of "[[1, 0], [3, 4]]" is "False", along "1" "[False  True]";
    /// Whether some element is true, or not zero.
    any any_over, of "[[0, 0], [3, 0]]" is "True", along "0" "[ True False]";
    /// Where the greatest element is, in row-major order: the first of equal ones.
    argmax argmax_over, of "[[1, 7], [9, 4]]" is "2", along "1" "[1 0]";
    /// Where the least element is, in row-major order: the first of equal ones.
    argmin argmin_over, of "[[5, 7], [9, 4]]" is "3", along "0" "[0 1]";
}
