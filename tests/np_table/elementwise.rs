//! The elementwise functions of the table.

use super::Row;
use cotangent::np::{self, Close, NanToNum, Unwrap};
use cotangent::prelude::*;

/// Rows for functions of the same names: of one array, or of two.
macro_rules! rows { (unary $($f:ident)*; binary $($g:ident)*; pairs $($p:ident)*; others $($name:literal |$x:ident| $body:expr;)*) => {
    &[
        $((stringify!($f), |x| vec![np::$f(&x[0])]),)*
        $((stringify!($g), |x| vec![np::$g(&x[0], &x[1])]),)*
        $((stringify!($p), |x| { let (a, b) = np::$p(&x[0]); vec![a, b] }),)*
        $(($name, |$x| $body),)*
    ]
} }

pub const ROWS: &[Row] = rows! {
    unary sin cos tan sinh cosh tanh exp expm1 exp2 arcsin arccos arctan arcsinh arccosh arctanh cbrt fabs deg2rad rad2deg square reciprocal sinc i0 abs
        negative positive real nan_to_num angle log log2 log10 sqrt log1p floor ceil trunc rint conj imag sign bitwise_count
        invert logical_not isnan isinf isfinite isposinf isneginf iscomplex isreal signbit spacing unwrap;
    binary arctan2 copysign hypot logaddexp logaddexp2 fmax fmin fmod heaviside float_power remainder floor_divide nextafter
        logical_and logical_or logical_xor less less_equal greater greater_equal equal isclose allclose array_equal array_equiv
        array_equal_nan gcd lcm left_shift right_shift ldexp;
    pairs frexp modf;
    others
    "divmod" |x| { let (q, r) = np::divmod(&x[0], &x[1]); vec![q, r] };
    "round_2" |x| vec![np::round(&x[0], 2)];
    "round_-1" |x| vec![np::round(&x[0], -1)];
    "clip" |x| vec![np::clip(&x[0], -1, 1.5)];
    "nan_to_num_with" |x| vec![NanToNum::new().nan(-1.0).posinf(5.0).of(&x[0])];
    "unwrap_0" |x| vec![Unwrap::new().axis(0).period(4.0).discont(1.0).of(&x[0])];
    "isclose_with" |x| vec![Close::new().rtol(0.5).atol(0.25).equal_nan().isclose(&x[0], &x[1])];
};

/// What the table does not show: derivatives where a function is not smooth. The numbers are JAX's.
#[test]
fn derivatives_at_special_points() {
    let two = |f: fn(&Array, &Array) -> Array, x: f64, y: f64| {
        let (dx, dy) = cotangent::grad_argnums(f, (cotangent::ARG0, cotangent::ARG1))(&array(x), &array(y));
        [dx.to_f64(), dy.to_f64()]
    };
    assert_eq!(two(np::hypot, 0.0, 0.0), [0.5, 0.5]);
    assert_eq!(two(np::logaddexp, 3.0, 3.0), [0.5, 0.5]);
    assert!(two(np::logaddexp, f64::NEG_INFINITY, f64::NEG_INFINITY)[0].is_nan());
    assert_eq!(two(np::fmod, -5.5, 2.0), [1.0, 2.0]);
    assert_eq!(two(np::floor_divide, 5.5, 2.0), [0.0, 0.0]);
    assert!(two(np::arctan2, 0.0, 0.0)[0].is_nan());
    let one = |f: fn(&Array) -> Array, x: f64| grad(f)(&array(x)).to_f64();
    assert_eq!(one(|x| np::clip(x, 0.0, 1.0), 1.0), 0.5);
    assert_eq!(one(np::nan_to_num, f64::NAN), 0.0);
    assert_eq!((one(np::sinc, 0.0), one(np::i0, 0.0), one(np::abs, 0.0)), (0.0, 0.0, 1.0));
    assert_eq!((one(np::trunc, 0.5), one(np::rint, 0.5), one(np::sign, 0.5)), (0.0, 0.0, 0.0));
    assert_eq!(one(|x| np::frexp(x).0, 6.0), 0.125);
}

/// JAX and NumPy agree on these.
#[test]
fn integers_by_zero() {
    let (x, y) = (array![7, -7, 0], array![0, 0, 0]);
    assert_eq!(np::remainder(&x, &y).to_string(), "[0 0 0]");
    assert_eq!(np::fmod(&x, &y).to_string(), "[0 0 0]");
    assert_eq!(np::lcm(&x, &y).to_string(), "[0 0 0]");
}

/// As far as exponents reach. Subnormal numbers are zero.
#[test]
fn exponents_at_the_ends() {
    let x = array(vec![f64::MIN_POSITIVE, f64::MAX, -1.5, f64::MIN_POSITIVE * 1.5]);
    let (m, e) = np::frexp(&x);
    assert_eq!(m.to_vec::<f64>(), [0.5, f64::MAX / 2f64.powi(1023) / 2.0, -0.75, 0.75]);
    assert_eq!(e.to_vec::<i32>(), [-1021, 1024, 1, -1021]);
    assert_eq!(np::ldexp(&m, &e).to_vec::<f64>(), x.to_vec::<f64>());
    let whole = np::ldexp(&array(vec![f64::MIN_POSITIVE, f64::MAX]), &array![2045, -2045]);
    assert_eq!(whole.to_vec::<f64>(), [2f64.powi(1023), f64::MAX / 2f64.powi(1023) / 2f64.powi(1022)]);
    let far = np::ldexp(&array(vec![1.0f32, -1.0, 0.0]), &array![100000, -100000, 7]);
    assert_eq!(far.to_vec::<f32>(), [f32::INFINITY, -0.0, 0.0]);
    // the least number is told, though nothing is computed with it
    assert_eq!(
        np::spacing(&array![0., -0.]).to_vec::<f32>().iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        [1, (1 << 31) + 1]
    );
}
