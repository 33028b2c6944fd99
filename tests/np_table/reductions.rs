//! The reductions of the table.

use super::Row;
use cotangent::np::{self, Cumulative, QuantileMethod, Reduce};
use cotangent::prelude::*;

/// Rows for reductions: of all elements, along one dimension, along two with these kept, and with a mask or more.
macro_rules! rows { (all $($f:ident $over:literal $two:literal)*; masked $($m:ident $masked:literal)*; initial $($i:ident $with:literal)*;
    quantiles $($q:literal $nq:literal $method:ident)*; places $($p:ident $along:literal)*; partial $($c:ident $at:literal)*;
    others $($name:literal |$x:ident| $body:expr;)*) => {
    &[
        $(
            (stringify!($f), |x| vec![np::$f(&x[0])]),
            ($over, |x| vec![np::over(-2).$f(&x[0])]),
            ($two, |x| vec![np::over([2, 0]).keepdims().$f(&x[0])]),
        )*
        $(($masked, |x| vec![np::over(1).where_(&x[1]).$m(&x[0])]),)*
        $(($with, |x| vec![np::over([0, 2]).where_(&x[1]).initial(1.5).$i(&x[0])]),)*
        $(
            ($q, |x| vec![np::over(1).method(QuantileMethod::$method).quantile(&x[0], &x[1])]),
            ($nq, |x| vec![np::over(1).method(QuantileMethod::$method).nanquantile(&x[0], &x[1])]),
        )*
        $((stringify!($p), |x| vec![np::$p(&x[0])]), ($along, |x| vec![np::over(1).keepdims().$p(&x[0])]),)*
        $((stringify!($c), |x| vec![np::$c(&x[0], None)]), ($at, |x| vec![np::$c(&x[0], -2)]),)*
        $(($name, |$x| $body),)*
    ]
} }

pub const ROWS: &[Row] = rows! {
    all sum "sum_1" "sum_02k" prod "prod_1" "prod_02k" max "max_1" "max_02k" min "min_1" "min_02k" mean "mean_1" "mean_02k"
        var "var_1" "var_02k" std "std_1" "std_02k" ptp "ptp_1" "ptp_02k" any "any_1" "any_02k" all "all_1" "all_02k"
        count_nonzero "count_nonzero_1" "count_nonzero_02k" nansum "nansum_1" "nansum_02k" nanprod "nanprod_1" "nanprod_02k"
        nanmax "nanmax_1" "nanmax_02k" nanmin "nanmin_1" "nanmin_02k" nanmean "nanmean_1" "nanmean_02k"
        nanvar "nanvar_1" "nanvar_02k" nanstd "nanstd_1" "nanstd_02k";
    masked sum "sum_where" prod "prod_where" mean "mean_where" var "var_where" std "std_where" any "any_where" all "all_where"
        nansum "nansum_where" nanprod "nanprod_where" nanmean "nanmean_where" nanvar "nanvar_where" nanstd "nanstd_where";
    initial max "max_initial" min "min_initial" nanmax "nanmax_initial" nanmin "nanmin_initial" sum "sum_initial" prod "prod_initial";
    quantiles "quantile_linear" "nanquantile_linear" Linear "quantile_lower" "nanquantile_lower" Lower
        "quantile_higher" "nanquantile_higher" Higher "quantile_midpoint" "nanquantile_midpoint" Midpoint
        "quantile_nearest" "nanquantile_nearest" Nearest "quantile_inverted_cdf" "nanquantile_inverted_cdf" InvertedCdf;
    places argmax "argmax_1k" argmin "argmin_1k" nanargmax "nanargmax_1k" nanargmin "nanargmin_1k";
    partial cumsum "cumsum_1" cumprod "cumprod_1" nancumsum "nancumsum_1" nancumprod "nancumprod_1";
    others
    "var_ddof" |x| vec![np::over(0).ddof(1.0).var(&x[0])];
    "var_ddof3" |x| vec![np::over(1).ddof(3.0).var(&x[0])];
    "nanstd_ddof" |x| vec![np::over(2).ddof(1.0).nanstd(&x[0])];
    "sum_dtype" |x| vec![np::over(0).dtype(DType::Float32).sum(&x[0])];
    "median" |x| vec![np::median(&x[0])];
    "median_1" |x| vec![np::over(1).median(&x[0])];
    "median_02k" |x| vec![np::over([0, 2]).keepdims().median(&x[0])];
    "nanmedian" |x| vec![np::nanmedian(&x[0])];
    "nanmedian_1" |x| vec![np::over(1).nanmedian(&x[0])];
    "nanmedian_02k" |x| vec![np::over([0, 2]).keepdims().nanmedian(&x[0])];
    "percentile" |x| vec![np::percentile(&x[0], 35.0)];
    "nanpercentile" |x| vec![np::over([0, 1]).keepdims().nanpercentile(&x[0], 35.0)];
    "quantile_weights" |x| {
        let of = np::over(2).weights(&x[1]).method(QuantileMethod::InvertedCdf);
        vec![of.quantile(&x[0], array(vec![0.2f64, 0.5, 0.9]).astype(x[0].dtype()))]
    };
    "average" |x| vec![np::average(&x[0])];
    "average_weights" |x| { let (y, w) = np::over([2, 1]).weights(&x[1]).average_and_weight(&x[0]); vec![y, w] };
    "average_weights_whole" |x| {
        let (y, w) = np::over(0).keepdims().weights(&x[1]).average_and_weight(&x[0]);
        vec![y, w]
    };
    "cumulative_sum" |x| vec![Cumulative::standard().axis(1).include_initial().sum(&x[0])];
    "cumulative_prod" |x| vec![Cumulative::standard().axis(1).include_initial().prod(&x[0])];
    "cumsum_dtype" |x| vec![Cumulative::new().axis(0).dtype(DType::Float32).sum(&x[0])];
};

/// Derivatives where a reduction is not smooth. The numbers are JAX's.
#[test]
fn derivatives_at_special_points() {
    let of = |f: fn(&Array) -> Array, x: &[f64]| grad(f)(&array(x)).to_vec::<f64>();
    assert_eq!(of(np::max, &[1.0, 3.0, 3.0]), [0.0, 0.5, 0.5]);
    assert_eq!(of(np::median, &[4.0, 1.0, 2.0, 9.0]), [0.5, 0.0, 0.5, 0.0]);
    assert_eq!(of(np::prod, &[2.0, 0.0, 3.0]), [0.0, 6.0, 0.0]);
    assert_eq!(of(|x| np::cumprod(x, 0).sum(), &[2.0, 0.0, 3.0]), [1.0, 8.0, 0.0]);
    assert_eq!(of(np::var, &[1.0, 1.0]), [0.0, 0.0]);
    assert!(of(np::std, &[1.0, 1.0])[0].is_nan());
    assert_eq!(of(np::nansum, &[1.0, f64::NAN]), [1.0, 0.0]);
    assert_eq!(of(np::nanmax, &[1.0, f64::NAN, 0.0]), [1.0, 0.0, 0.0]);
}

#[test]
fn options_that_do_not_fit_are_refused() {
    use super::common::told;
    let x = array![[1., 2.], [3., 4.]];
    told(ErrorKind::Shape, &["sum: axis 2 is out of bounds", "(2, 2)"], || np::over(2).sum(&x));
    told(ErrorKind::Shape, &["mean: axes (1, -1) of an array of shape (2, 2) repeat"], || np::over([1, -1]).mean(&x));
    told(ErrorKind::Value, &["sum: has no option ddof"], || Reduce::new().ddof(1.0).sum(&x));
    told(ErrorKind::Value, &["max: with where_", "initial"], || Reduce::new().where_(&x.gt(1.0)).max(&x));
    told(ErrorKind::Type, &["sum: where_", "bool", "float32[2,2]"], || Reduce::new().where_(&x).sum(&x));
    told(ErrorKind::Shape, &["where_ of shape (3,)", "(2, 2)"], || {
        Reduce::new().where_(&array![true, true, false]).sum(&x)
    });
    told(ErrorKind::Shape, &["min: of no elements"], || np::min(&array(Vec::<f32>::new())));
    told(ErrorKind::Shape, &["argmax: along one dimension"], || np::over([0, 1]).argmax(&x));
    told(ErrorKind::Shape, &["average: weights of shape (3,)"], || {
        np::over(0).weights(&array![1., 2., 3.]).average(&x)
    });
    told(ErrorKind::Shape, &["quantile: weights of shape (3,)"], || {
        np::over(0).weights(&array![1., 2., 3.]).method(QuantileMethod::InvertedCdf).quantile(&x, 0.5)
    });
    told(ErrorKind::Value, &["Linear takes no weights"], || np::over(0).weights(&x).quantile(&x, 0.5));
    told(ErrorKind::Shape, &["initial must be a scalar"], || Reduce::new().initial(&x).sum(&x));
}
