//! Elementwise functions of one array that are more than a primitive, with NumPy's names.

use crate::array::{Array, Operand};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, to_inexact};
use crate::prim::{self, convert_element_type, lit};
use std::f64::consts::{LN_2, LN_10, PI};

macro_rules! same { ($($name:ident $of:ident, of $x:literal is $is:literal;)*) => { $(
    #[doc = concat!("[`", stringify!($of), "`](np::", stringify!($of), ") under its other name, as `jax.numpy.", stringify!($name), "`.")]
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($name), "(&array!", $x, ").to_string(), \"", $is, "\");\n```")]
    ///
    /// # Panics
    #[doc = concat!("As [`", stringify!($of), "`](np::", stringify!($of), ").")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { np::$of(x) }
)* } }
same! {
    arcsin asin, of "[0., -1.]" is "[ 0.        -1.5707964]";
    arccos acos, of "[1., 0.]" is "[0.        1.5707964]";
    arctan atan, of "[0., -1.]" is "[ 0.        -0.7853982]";
    arcsinh asinh, of "[0., -1.]" is "[ 0.        -0.8813736]";
    arccosh acosh, of "[1., 2.]" is "[0.       1.316958]";
    arctanh atanh, of "[0., -0.5]" is "[ 0.         -0.54930615]";
    absolute abs, of "[-3, 0, 2]" is "[3 0 2]";
    conjugate conj, of "[-3, 2]" is "[-3  2]";
    degrees rad2deg, of "[0., 1.]" is "[ 0.      57.29578]";
    radians deg2rad, of "[0., -180.]" is "[ 0.        -3.1415927]";
    bitwise_not invert, of "[0, -3]" is "[-1  2]";
    bitwise_invert invert, of "[true, false]" is "[False  True]";
}

/// Fails for complex elements.
#[track_caller]
pub(super) fn real_only(name: &str, x: &Array) {
    if x.dtype().is_complex() {
        fail(ErrorKind::Type, format!("{name}: does not take elements of type {}, but real numbers", x.dtype()))
    }
}
/// Both parts of a complex array under a function of real ones.
#[track_caller]
fn by_parts(x: &Array, f: fn(&Array) -> Array) -> Array {
    if x.dtype().is_complex() { prim::complex(&f(&prim::real(x)), &f(&prim::imag(x))) } else { f(x) }
}
/// Where elements are true, or not zero.
#[track_caller]
pub(crate) fn not_zero(x: &Array) -> Array {
    if !x.dtype().is_number() {
        fail(ErrorKind::Type, format!("elements of type {} are neither true nor false", x.dtype()))
    }
    if x.dtype().is_bool() { x.clone() } else { prim::ne(x, &lit(x, 0.0)) }
}
/// The square of the absolute value, a real number.
#[track_caller]
pub(super) fn squared_size(x: &Array) -> Array {
    if !x.dtype().is_complex() {
        return prim::mul(x, x);
    }
    prim::real(&prim::mul(x, &prim::conj(x)))
}
/// `yes` for all elements.
fn everywhere(x: &Array, yes: bool) -> Array {
    prim::full_of(&x.aval().with_dtype(DType::Bool).with_weak(false), yes as u8 as f64)
}

macro_rules! unary { ($($(#[$doc:meta])* $name:ident $example:literal |$x:ident| $body:expr;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    /// If the function is not defined for elements of this type.
    #[track_caller]
    pub fn $name($x: &Array) -> Array { $body }
)* } }
unary! {
    /// The inverse hyperbolic cosine; of complex numbers the value with a real part that is not negative. Integers are converted to floating-point numbers first.
    acosh "assert_eq!(np::acosh(&array(1.0)).to_f64(), 0.0);" |x| {
        let y = prim::acosh(&to_inexact("acosh", x));
        if !y.dtype().is_complex() { return y }
        let re = prim::real(&y);
        np::where_(&prim::lt(&re, &lit(&re, 0.0)), prim::neg(&y), &y)
    };
    /// The absolute value of real numbers, as a floating-point number.
    fabs r#"assert_eq!(np::fabs(&array![-2, 1]).to_string(), "[2. 1.]");"# |x| {
        real_only("fabs", x);
        prim::abs(&to_inexact("fabs", x))
    };
    /// The greatest integer that is not greater. Integers are as they are.
    floor r#"assert_eq!(np::floor(&array![-1.5, 1.5]).to_string(), "[-2.  1.]");"# |x|
        if x.dtype().is_inexact() { prim::floor(x) } else { x.clone() };
    /// The least integer that is not less. Integers are as they are.
    ceil r#"assert_eq!(np::ceil(&array![-1.5, 1.5]).to_string(), "[-1.  2.]");"# |x|
        if x.dtype().is_inexact() { prim::ceil(x) } else { x.clone() };
    /// The integer next to it towards zero. Integers are as they are.
    trunc r#"assert_eq!(np::trunc(&array![-1.5, 1.5]).to_string(), "[-1.  1.]");"# |x| {
        if !x.dtype().is_inexact() { return x.clone() }
        np::where_(&prim::lt(x, &lit(x, 0.0)), prim::ceil(x), prim::floor(x))
    };
    /// The nearest integer, halves to even; of complex numbers of both parts. Integers become floating-point numbers.
    rint r#"assert_eq!(np::rint(&array![-1.5, 0.5, 2.]).to_string(), "[-2.  0.  2.]");"# |x| {
        if x.dtype().is_inexact() { by_parts(x, prim::round_even) } else { convert_element_type(x, DType::Float32, false) }
    };
    /// The logarithm to base 2. Integers are converted to floating-point numbers first.
    log2 "assert_eq!(np::log2(&array(8.0)).to_f64(), 3.0);" |x| {
        let y = np::log(x);
        if y.dtype().is_complex() { scaled(&y, LN_2.recip()) } else { prim::div(&y, &lit(&y, LN_2)) }
    };
    /// The logarithm to base 10. Integers are converted to floating-point numbers first.
    log10 "assert!((np::log10(&array(1000.0)).to_f64() - 3.0).abs() < 1e-6);" |x| scaled(&np::log(x), LN_10.recip());
    /// Degrees as radians.
    deg2rad "assert_eq!(np::deg2rad(&array(180.0)).to_f64() as f32, std::f32::consts::PI);" |x|
        scaled(&to_inexact("deg2rad", x), PI / 180.0);
    /// Radians as degrees.
    rad2deg "assert_eq!(np::rad2deg(&array(std::f32::consts::PI)).to_f64(), 180.0);" |x|
        scaled(&to_inexact("rad2deg", x), 180.0 / PI);
    /// The complex conjugate; real numbers are as they are.
    conj r#"assert_eq!(np::conj(&array![1., 2.]).to_string(), "[1. 2.]");"# |x|
        if x.dtype().is_complex() { prim::conj(x) } else { x.clone() };
    /// The real part; real numbers are as they are.
    real r#"assert_eq!(np::real(&array![1., 2.]).to_string(), "[1. 2.]");"# |x|
        if x.dtype().is_complex() { prim::real(x) } else { x.clone() };
    /// The imaginary part, zero for real numbers.
    imag r#"assert_eq!(np::imag(&array![1., 2.]).to_string(), "[0. 0.]");"# |x|
        if x.dtype().is_complex() { prim::imag(x) } else { prim::zeros_of(x.aval()) };
    /// The angle of complex numbers, in radians: of positive numbers 0, of negative ones pi. [`rad2deg`] makes degrees of it. At 0 its derivative is NaN.
    angle "assert_eq!(np::angle(&array(-1.0)).to_f64() as f32, std::f32::consts::PI);" |x| {
        let x = if x.dtype().is_inexact() { x.clone() } else { convert_element_type(x, DType::Float32, false) };
        prim::atan2(&np::imag(&x), &np::real(&x))
    };
    /// -x.
    negative r#"assert_eq!(np::negative(&array![1., 2.]).to_string(), "[-1. -2.]");"# |x| prim::neg(x);
    /// x.
    positive r#"assert_eq!(np::positive(&array![1., 2.]).to_string(), "[1. 2.]");"# |x| {
        if !x.dtype().is_number() {
            fail(ErrorKind::Type, format!("positive: no arithmetic on elements of type {}", x.dtype()))
        }
        x.clone()
    };
    /// x * x. Booleans become int32.
    square r#"assert_eq!(np::square(&array![-3, 2]).to_string(), "[9 4]");"# |x| {
        let x = if x.dtype().is_bool() { convert_element_type(x, DType::Int32, false) } else { x.clone() };
        prim::mul(&x, &x)
    };
    /// 1 / x. Integers are converted to floating-point numbers first.
    reciprocal r#"assert_eq!(np::reciprocal(&array![2, 4]).to_string(), "[0.5  0.25]");"# |x|
        prim::integer_pow(&to_inexact("reciprocal", x), -1);
    /// sin(pi x) / (pi x), at 0 its limit 1.
    sinc "assert_eq!(np::sinc(&array(0.0)).to_f64(), 1.0);\nassert!((grad(grad(np::sinc))(&array(0.0)).to_f64() + 3.2899).abs() < 1e-4);" |x| {
        let x = to_inexact("sinc", x);
        let z = scaled(&x, PI);
        let origin = prim::eq(&x, &lit(&x, 0.0));
        let safe = np::where_(&origin, 1.0, &z);
        // derivatives at 0 are those of the power series; of its argument nothing is left elsewhere, so that nothing overflows
        let near = np::where_(&origin, &z, 0.0);
        let square = prim::mul(&near, &near);
        let mut series = lit(&square, 1.0);
        for k in (1..=6).rev() {
            let term = prim::mul(&square, &lit(&square, -1.0 / (2.0 * k as f64 * (2.0 * k as f64 + 1.0))));
            series = prim::add(&lit(&square, 1.0), &prim::mul(&term, &series))
        }
        np::where_(&origin, &series, prim::div(&prim::sin(&safe), &safe))
    };
    /// The modified Bessel function of the first kind of order 0.
    i0 "assert_eq!(np::i0(&array(0.0)).to_f64(), 1.0);\nassert_eq!(grad(np::i0)(&array(0.0)).to_f64(), 0.0);" |x| {
        real_only("i0", x);
        let x = to_inexact("i0", x);
        let origin = prim::eq(&x, &lit(&x, 0.0));
        let size = prim::abs(&np::where_(&origin, 1.0, &x));
        let far = prim::mul(&prim::exp(&size), &prim::bessel_i0e(&size));
        // at 0 the derivatives are those of the power series, where |x| has none
        let near = np::where_(&origin, &x, 0.0);
        let square = prim::mul(&near, &near);
        let series = prim::add(&lit(&square, 1.0), &prim::mul(&square, &prim::add(&lit(&square, 0.25), &prim::mul(&square, &lit(&square, 1.0 / 64.0)))));
        np::where_(&origin, &series, &far)
    };
    /// Each bit inverted; of booleans the opposite.
    invert r#"assert_eq!(np::invert(&array![0, 5]).to_string(), "[-1 -6]");"# |x| prim::not(x);
    /// How many bits of the absolute value are set, as uint8.
    bitwise_count r#"assert_eq!(np::bitwise_count(&array![7, -8]).to_string(), "[3 1]");"# |x| {
        let x = if x.dtype().is_bool() { convert_element_type(x, DType::Int32, false) } else { x.clone() };
        let size = if x.dtype().is_signed() { prim::abs(&x) } else { x };
        convert_element_type(&prim::population_count(&size), DType::Uint8, false)
    };
    /// Where elements are false, or zero.
    logical_not r#"assert_eq!(np::logical_not(&array![0, 5]).to_string(), "[ True False]");"# |x| prim::not(&not_zero(x));
    /// Where elements are NaN, for complex numbers in either part.
    isnan r#"assert_eq!(np::isnan(&array![1., f32::NAN]).to_string(), "[False  True]");"# |x|
        if x.dtype().is_inexact() { prim::ne(x, x) } else { everywhere(x, false) };
    /// Where elements are neither infinite nor NaN, for complex numbers in both parts.
    isfinite r#"assert_eq!(np::isfinite(&array![1., f32::NAN]).to_string(), "[ True False]");"# |x| match x.dtype() {
        t if t.is_complex() => prim::and(&prim::is_finite(&prim::real(x)), &prim::is_finite(&prim::imag(x))),
        t if t.is_float() => prim::is_finite(x),
        _ => everywhere(x, true),
    };
    /// Where elements are infinite, for complex numbers in either part.
    isinf r#"assert_eq!(np::isinf(&array![1., -f32::INFINITY]).to_string(), "[False  True]");"# |x| match x.dtype() {
        t if t.is_complex() => prim::or(&isinf(&prim::real(x)), &isinf(&prim::imag(x))),
        t if t.is_float() => prim::eq(&prim::abs(x), &lit(x, f64::INFINITY)),
        _ => everywhere(x, false),
    };
    /// Where elements are positive and infinite.
    isposinf r#"assert_eq!(np::isposinf(&array![f32::INFINITY, -f32::INFINITY]).to_string(), "[ True False]");"# |x| {
        real_only("isposinf", x);
        if x.dtype().is_float() { prim::eq(x, &lit(x, f64::INFINITY)) } else { everywhere(x, false) }
    };
    /// Where elements are negative and infinite.
    isneginf r#"assert_eq!(np::isneginf(&array![f32::INFINITY, -f32::INFINITY]).to_string(), "[False  True]");"# |x| {
        real_only("isneginf", x);
        if x.dtype().is_float() { prim::eq(x, &lit(x, f64::NEG_INFINITY)) } else { everywhere(x, false) }
    };
    /// Where the imaginary part is not zero.
    iscomplex r#"assert_eq!(np::iscomplex(&array![1., 2.]).to_string(), "[False False]");"# |x|
        if x.dtype().is_complex() { not_zero(&prim::imag(x)) } else { everywhere(x, false) };
    /// Where the imaginary part is zero.
    isreal r#"assert_eq!(np::isreal(&array![1., 2.]).to_string(), "[ True  True]");"# |x|
        if x.dtype().is_complex() { prim::not(&not_zero(&prim::imag(x))) } else { everywhere(x, true) };
}

/// `x` times a real number; both parts of complex ones.
#[track_caller]
fn scaled(x: &Array, by: f64) -> Array {
    if !x.dtype().is_complex() {
        return prim::mul(x, &lit(x, by));
    }
    let part = |p: Array| prim::mul(&p, &lit(&p, by));
    prim::complex(&part(prim::real(x)), &part(prim::imag(x)))
}

/// Is the element type complex? As `jax.numpy.iscomplexobj`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert!(!np::iscomplexobj(&array![1.]));
/// ```
pub fn iscomplexobj(x: &Array) -> bool {
    x.dtype().is_complex()
}
/// Is the element type not complex? As `jax.numpy.isrealobj`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert!(np::isrealobj(&array![1.]));
/// ```
pub fn isrealobj(x: &Array) -> bool {
    !x.dtype().is_complex()
}

/// To so many decimals, halves to even; of complex numbers both parts. Integers are as they are. As `jax.numpy.round`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::round(&array![1.25, 2.718], 1).to_string(), "[1.2 2.7]");
/// assert_eq!(np::round(&array![1234.], -2).to_string(), "[1200.]");
/// ```
///
/// # Panics
/// If integers are to be rounded to negative decimals.
#[track_caller]
pub fn round(x: &Array, decimals: i32) -> Array {
    let t = x.dtype();
    if !t.is_inexact() {
        if decimals < 0 {
            fail(ErrorKind::Unsupported, format!("round: integers are not rounded to {decimals} decimals"))
        }
        return x.clone();
    }
    if decimals as f64 > t.float_info().expect("a floating-point type").max.log10() {
        return x.clone();
    }
    if decimals == 0 {
        return by_parts(x, prim::round_even);
    }
    let part = |x: &Array| {
        // a factor of ten may not have half precision
        let wide = if x.dtype() == DType::Float16 { convert_element_type(x, DType::Float32, false) } else { x.clone() };
        let factor = lit(&wide, 10f64.powi(decimals));
        let y = prim::div(&prim::round_even(&prim::mul(&wide, &factor)), &factor);
        convert_element_type(&y, x.dtype(), x.weak_type())
    };
    if t.is_complex() { prim::complex(&part(&prim::real(x)), &part(&prim::imag(x))) } else { part(x) }
}

/// Not less than `low` and not greater than `high`, which broadcast. At an edge the derivative is shared. [`maximum`](np::maximum) and [`minimum`](np::minimum) have one side only. As `jax.numpy.clip`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::clip(&array![-3., 0.5, 7.], 0., 1.).to_string(), "[0.  0.5 1. ]");
/// ```
///
/// # Panics
/// If something is complex, or if shapes do not broadcast.
#[track_caller]
pub fn clip(x: &Array, low: impl Operand, high: impl Operand) -> Array {
    let (low, high) = (low.beside(x), high.beside(x));
    for x in [x, &low, &high] {
        real_only("clip", x)
    }
    np::minimum(&high, &np::maximum(&low, x))
}

/// Numbers in the place of NaNs and infinities: 0 and the greatest and least finite number, or others. As `jax.numpy.nan_to_num`.
///
/// ```
/// use cotangent::{np::NanToNum, prelude::*};
/// let x = array![1., f32::NAN, f32::INFINITY];
/// assert_eq!(NanToNum::new().nan(-1.0).posinf(9.0).of(&x).to_string(), "[ 1. -1.  9.]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct NanToNum {
    nan: f64,
    posinf: Option<f64>,
    neginf: Option<f64>,
}
impl NanToNum {
    /// As [`nan_to_num`].
    ///
    /// ```
    /// use cotangent::{np::NanToNum, prelude::*};
    /// let y = NanToNum::new().of(&array![f32::NAN, f32::INFINITY]);
    /// assert_eq!(y.to_vec::<f32>(), [0., f32::MAX]);
    /// ```
    pub fn new() -> NanToNum {
        NanToNum::default()
    }
    /// In the place of NaN.
    ///
    /// ```
    /// use cotangent::{np::NanToNum, prelude::*};
    /// assert_eq!(NanToNum::new().nan(7.).of(&array![f32::NAN, 1.]).to_string(), "[7. 1.]");
    /// ```
    pub fn nan(mut self, x: f64) -> NanToNum {
        self.nan = x;
        self
    }
    /// In the place of positive infinity.
    ///
    /// ```
    /// use cotangent::{np::NanToNum, prelude::*};
    /// assert_eq!(NanToNum::new().posinf(99.).of(&array![f32::INFINITY, 1.]).to_string(), "[99.  1.]");
    /// ```
    pub fn posinf(mut self, x: f64) -> NanToNum {
        self.posinf = Some(x);
        self
    }
    /// In the place of negative infinity.
    ///
    /// ```
    /// use cotangent::{np::NanToNum, prelude::*};
    /// assert_eq!(NanToNum::new().neginf(-9.).of(&array![f32::NEG_INFINITY, 1.]).to_string(), "[-9.  1.]");
    /// ```
    pub fn neginf(mut self, x: f64) -> NanToNum {
        self.neginf = Some(x);
        self
    }
    /// The elements; both parts of complex ones, and integers as they are.
    ///
    /// ```
    /// use cotangent::{np::NanToNum, prelude::*};
    /// assert_eq!(NanToNum::new().of(&array![3., f32::NAN, -1.]).to_string(), "[ 3.  0. -1.]");
    /// ```
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        let t = x.dtype();
        if t.is_complex() {
            return prim::complex(&self.of(&prim::real(x)), &self.of(&prim::imag(x)));
        }
        if !t.is_float() {
            return x.clone();
        }
        let max = t.float_info().expect("a floating-point type").max;
        let number = |v: f64| prim::scalar_of(t, false, v);
        let x = np::where_(&prim::ne(x, x), number(self.nan), x);
        let x = np::where_(&isposinf(&x), number(self.posinf.unwrap_or(max)), &x);
        np::where_(&isneginf(&x), number(self.neginf.unwrap_or(-max)), &x)
    }
}
/// 0 for NaN, the greatest and the least finite number for infinities. [`NanToNum`] has others. As `jax.numpy.nan_to_num`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::nan_to_num(&array![1., f32::NAN]).to_string(), "[1. 0.]");
/// ```
#[track_caller]
pub fn nan_to_num(x: &Array) -> Array {
    NanToNum::new().of(x)
}

impl Array {
    /// The complex conjugate; real numbers are as they are.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let z = np::sort_complex(&array![3.]) * num_complex::Complex::new(0f32, 2.);
    /// assert_eq!(z.conj().to_string(), "[0.-6.j]");
    /// ```
    #[track_caller]
    pub fn conj(&self) -> Array {
        conj(self)
    }
    /// The real part.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::sort_complex(&array![3., 1.]).real().to_string(), "[1. 3.]");
    /// ```
    #[track_caller]
    pub fn real(&self) -> Array {
        real(self)
    }
    /// The imaginary part, zero for real numbers.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::sort_complex(&array![3., 1.]).imag().to_string(), "[0. 0.]");
    /// ```
    #[track_caller]
    pub fn imag(&self) -> Array {
        imag(self)
    }
    /// To so many decimals: see [`np::round`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![2.346, -0.5].round(2).to_string(), "[ 2.35 -0.5 ]");
    /// ```
    #[track_caller]
    pub fn round(&self, decimals: i32) -> Array {
        round(self, decimals)
    }
    /// Between two bounds: see [`np::clip`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-5, 3, 12].clip(0, 10).to_string(), "[ 0  3 10]");
    /// ```
    #[track_caller]
    pub fn clip(&self, low: impl Operand, high: impl Operand) -> Array {
        clip(self, low, high)
    }
    /// The greatest integer that is not greater.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-0.5, 2.9].floor().to_string(), "[-1.  2.]");
    /// ```
    #[track_caller]
    pub fn floor(&self) -> Array {
        floor(self)
    }
    /// The least integer that is not less.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-0.5, 2.1].ceil().to_string(), "[-0.  3.]");
    /// ```
    #[track_caller]
    pub fn ceil(&self) -> Array {
        ceil(self)
    }
    /// x * x.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-4, 5].square().to_string(), "[16 25]");
    /// ```
    #[track_caller]
    pub fn square(&self) -> Array {
        square(self)
    }
    /// -1, 0 or 1.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-4., 0., 5.].sign().to_string(), "[-1.  0.  1.]");
    /// ```
    #[track_caller]
    pub fn sign(&self) -> Array {
        np::sign(self)
    }
}
