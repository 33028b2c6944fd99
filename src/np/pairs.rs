//! Elementwise functions of two arrays that are more than a primitive, with NumPy's names. Operands promote and broadcast.

use crate::array::{Array, promote_pair};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::unary::real_only;
use crate::np::{self, to_inexact};
use crate::prim::{self, convert_element_type, lit};
use std::f64::consts::{LN_2, PI};

/// Both as floating-point or complex numbers of one type, with equal ranks.
#[track_caller]
pub(super) fn inexact(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    if x.dtype().is_inexact() || y.dtype().is_inexact() {
        return promote_pair(name, x, y);
    }
    promote_pair(name, &to_inexact(name, x), &to_inexact(name, y))
}
/// The same for real numbers only.
#[track_caller]
fn real(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    real_only(name, x);
    real_only(name, y);
    inexact(name, x, y)
}
/// Both as floating-point or complex numbers of one type, in their own shapes.
#[track_caller]
pub(super) fn inexact_types(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    let both = |x: &Array| if x.dtype().is_inexact() { x.clone() } else { to_inexact(name, x) };
    if x.dtype().is_inexact() || y.dtype().is_inexact() {
        return np::meet(name, x, y);
    }
    np::meet(name, &both(x), &both(y))
}
/// Both as integers of one type with equal ranks; booleans count as int32.
#[track_caller]
fn integers(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    for x in [x, y] {
        if x.dtype().is_inexact() {
            fail(ErrorKind::Type, format!("{name}: does not take elements of type {}, but integers", x.dtype()))
        }
    }
    np::numeric(name, x, y)
}
/// A remainder, which of integers is 0 where they are divided by zero. The division itself stays, so that who looks for such divisions finds it.
#[track_caller]
pub(super) fn zero_by_zero(rest: Array, y: &Array) -> Array {
    if y.dtype().is_integer() { np::where_(&prim::eq(y, &lit(y, 0.0)), 0, rest) } else { rest }
}
/// The sizes of integers.
#[track_caller]
fn size(x: &Array) -> Array {
    if x.dtype().is_unsigned() { x.clone() } else { prim::abs(x) }
}

macro_rules! pairs { ($($(#[$doc:meta])* $name:ident $example:literal |$x:ident, $y:ident| in $meet:ident, $body:expr;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    /// If shapes do not broadcast, or if the function is not defined for elements of these types.
    #[track_caller]
    pub fn $name(x: &Array, y: &Array) -> Array {
        let ($x, $y) = $meet(stringify!($name), x, y);
        $body
    }
)* } }
use np::numeric;
pairs! {
    /// The angle of the point with the coordinates `y` and `x`, in this order, in radians.
    arctan2 "assert_eq!(np::arctan2(&array(1.0), &array(0.0)).to_f64() as f32, std::f32::consts::FRAC_PI_2);"
        |x, y| in inexact, {
            if !x.dtype().is_complex() { return prim::atan2(&x, &y) }
            // of complex numbers: -i log((y + i x) / sqrt(x^2 + y^2))
            let i = crate::array(num_complex::Complex::new(0.0, 1.0));
            let size = np::sqrt(&(&x * &x + &y * &y));
            np::negative(&(np::log(&((&y + &x * &i) / size)) * i))
        };
    /// x to the power of y, as floating-point numbers.
    float_power "assert_eq!(np::float_power(&array(2), &array(-1)).to_f64(), 0.5);" |x, y| in inexact, prim::pow(&x, &y);
    /// The size of x with the sign of y.
    copysign r#"assert_eq!(np::copysign(&array![1., 2.], &array![-1., 0.]).to_string(), "[-1.  2.]");"# |x, y| in real, {
        let size = prim::abs(&x);
        np::where_(&np::signbit(&y), -&size, &size)
    };
    /// 0 where x < 0, 1 where x > 0, and y where x = 0.
    heaviside r#"assert_eq!(np::heaviside(&array![-1., 0., 2.], &array(0.5)).to_string(), "[0.  0.5 1. ]");"# |x, y| in real, {
        let zero = lit(&x, 0.0);
        let rest = np::where_(&prim::ne(&x, &x), &x, &y);
        np::where_(&prim::lt(&x, &zero), 0.0, np::where_(&prim::gt(&x, &zero), 1.0, &rest))
    };
    /// The root of x^2 + y^2, without overflow.
    hypot "assert_eq!(np::hypot(&array(3.0), &array(4.0)).to_f64(), 5.0);" |x, y| in real, {
        let (x, y) = (prim::abs(&x), prim::abs(&y));
        let (high, low) = (prim::max(&x, &y), prim::min(&x, &y));
        let origin = prim::eq(&high, &lit(&high, 0.0));
        let ratio = prim::div(&low, &np::where_(&origin, 1.0, &high));
        let long = prim::mul(&high, &prim::sqrt(&prim::add(&prim::mul(&ratio, &ratio), &lit(&ratio, 1.0))));
        let infinite = prim::or(&np::isposinf(&x), &np::isposinf(&y));
        np::where_(&infinite, f64::INFINITY, np::where_(&origin, &high, &long))
    };
    /// log(e^x + e^y), without overflow.
    logaddexp "assert_eq!(np::logaddexp(&array(1000.0), &array(1000.0)).to_f64() as f32, 1000.6932);" |x, y| in inexact,
        log_of_sum(x, y, false);
    /// log2(2^x + 2^y), without overflow.
    logaddexp2 "assert_eq!(np::logaddexp2(&array(1000.0), &array(1000.0)).to_f64(), 1001.0);" |x, y| in inexact,
        log_of_sum(x, y, true);
    /// The number next to x on the way to y. Without a derivative.
    nextafter "assert_eq!(np::nextafter(&array(1.0), &array(2.0)).to_f64(), 1.0 + f32::EPSILON as f64);" |x, y| in real,
        prim::nextafter(&x, &y);
    /// The greatest integer that is not greater than x / y, in the type of the operands. Of integers by zero it is what the division of integers gives.
    floor_divide r#"assert_eq!(np::floor_divide(&array![-7, 7], &array(2)).to_string(), "[-4  3]");"# |x, y| in numeric, {
        real_only("floor_divide", &x);
        let t = x.dtype();
        if t.is_float() { return float_divmod(&x, &y).0 }
        let quotient = prim::div(&x, &y);
        if t.is_unsigned() { return quotient }
        let uneven = prim::ne(&prim::rem(&x, &y), &lit(&x, 0.0));
        let down = prim::and(&prim::ne(&prim::sign(&x), &prim::sign(&y)), &uneven);
        np::where_(&down, &quotient - 1, &quotient)
    };
    /// The remainder with the sign of the dividend. Of integers by zero: 0.
    fmod r#"assert_eq!(np::fmod(&array![-7., 7.], &array(2.)).to_string(), "[-1.  1.]");"# |x, y| in numeric,
        zero_by_zero(prim::rem(&x, &y), &y);
    /// The greater of x and y; where one is NaN the other.
    fmax r#"assert_eq!(np::fmax(&array![1., f32::NAN], &array(0.)).to_string(), "[1. 0.]");"# |x, y| in promote_pair,
        np::where_(&prim::or(&np::greater(&x, &y), &np::isnan(&y)), &x, &y);
    /// The lesser of x and y; where one is NaN the other.
    fmin r#"assert_eq!(np::fmin(&array![1., f32::NAN], &array(0.)).to_string(), "[0. 0.]");"# |x, y| in promote_pair,
        np::where_(&prim::or(&np::less(&x, &y), &np::isnan(&y)), &x, &y);
    /// The greatest common divisor of integers. That of 0 and 0 is 0.
    gcd r#"assert_eq!(np::gcd(&array![12, -4, 0], &array(18)).to_string(), "[ 6  2 18]");"# |x, y| in integers, common_divisor(&x, &y);
    /// The least common multiple of integers, 0 where one is 0.
    lcm r#"assert_eq!(np::lcm(&array![12, -4, 0], &array(18)).to_string(), "[36 36  0]");"# |x, y| in integers, {
        let divisor = common_divisor(&x, &y);
        let zero = prim::eq(&divisor, &lit(&divisor, 0.0));
        let rest = np::floor_divide(&size(&y), &np::where_(&zero, 1, &divisor));
        np::where_(&zero, 0, np::multiply(&size(&x), &rest))
    };
    /// Bits moved to the left.
    left_shift r#"assert_eq!(np::left_shift(&array![1, 3], &array(2)).to_string(), "[ 4 12]");"# |x, y| in integers, prim::shift_left(&x, &y);
    /// Bits moved to the right; signed integers keep their sign.
    right_shift r#"assert_eq!(np::right_shift(&array![-8, 3], &array(1)).to_string(), "[-4  1]");"# |x, y| in integers,
        if x.dtype().is_unsigned() { prim::shift_right_logical(&x, &y) } else { prim::shift_right_arithmetic(&x, &y) };
    /// Where both are true, or not zero.
    logical_and r#"assert_eq!(np::logical_and(&array![1, 0], &array![true, true]).to_string(), "[ True False]");"# |x, y| in promote_pair,
        prim::and(&np::not_zero(&x), &np::not_zero(&y));
    /// Where one is true, or not zero.
    logical_or r#"assert_eq!(np::logical_or(&array![1, 0], &array![0, 0]).to_string(), "[ True False]");"# |x, y| in promote_pair,
        prim::or(&np::not_zero(&x), &np::not_zero(&y));
    /// Where one and not the other is true, or not zero.
    logical_xor r#"assert_eq!(np::logical_xor(&array![1, 0], &array![2, 3]).to_string(), "[False  True]");"# |x, y| in promote_pair,
        prim::xor(&np::not_zero(&x), &np::not_zero(&y));
}

macro_rules! same { ($($name:ident $of:ident, of $x:literal, $y:literal is $is:literal;)*) => { $(
    #[doc = concat!("[`", stringify!($of), "`](np::", stringify!($of), ") under its other name, as `jax.numpy.", stringify!($name), "`.")]
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($name), "(&array!", $x, ", &array!", $y, ").to_string(), \"", $is, "\");\n```")]
    ///
    /// # Panics
    #[doc = concat!("As [`", stringify!($of), "`](np::", stringify!($of), ").")]
    #[track_caller]
    pub fn $name(x: &Array, y: &Array) -> Array { np::$of(x, y) }
)* } }
same! {
    atan2 arctan2, of "[0., 3.]", "[2., 0.]" is "[0.        1.5707964]";
    mod_ remainder, of "[-1, 7]", "[5]" is "[4 2]";
    true_divide divide, of "[1, 3]", "[2]" is "[0.5 1.5]";
    pow power, of "[2., 3.]", "[-1., 2.]" is "[0.5 9. ]";
    bitwise_left_shift left_shift, of "[1, 3]", "[4, 1]" is "[16  6]";
    bitwise_right_shift right_shift, of "[16, -6]", "[4, 1]" is "[ 1 -3]";
}

/// Quotient, rounded down, and remainder of real numbers, which have equal ranks.
#[track_caller]
fn float_divmod(x: &Array, y: &Array) -> (Array, Array) {
    let rest = prim::rem(x, y);
    // a division by zero is left to the division
    let even = np::where_(&prim::eq(y, &lit(y, 0.0)), x, np::subtract(x, &rest));
    let quotient = np::divide(&even, y);
    let off = np::logical_and(&prim::ne(&rest, &lit(&rest, 0.0)), &np::not_equal(&prim::sign(y), &prim::sign(&rest)));
    let rest = np::where_(&off, np::add(&rest, y), &rest);
    (prim::round_away(&np::where_(&off, &quotient - 1.0, &quotient)), rest)
}
/// [`floor_divide`] and [`remainder`](np::remainder) together. As `jax.numpy.divmod`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (quotient, rest) = np::divmod(&array![7.5, -7.5], &array(2.));
/// assert_eq!((quotient.to_string(), rest.to_string()), ("[ 3. -4.]".into(), "[1.5 0.5]".into()));
/// ```
///
/// # Panics
/// If shapes do not broadcast, or if something is complex.
#[track_caller]
pub fn divmod(x: &Array, y: &Array) -> (Array, Array) {
    let (a, b) = numeric("divmod", x, y);
    real_only("divmod", &a);
    if a.dtype().is_float() { float_divmod(&a, &b) } else { (floor_divide(&a, &b), np::remainder(&a, &b)) }
}

/// Euclid's algorithm, all elements in step.
#[track_caller]
fn common_divisor(x: &Array, y: &Array) -> Array {
    let shape = crate::array::broadcast_shapes(&[x.shape(), y.shape()]).expect("shapes that broadcast");
    let whole = |x: &Array| convert_element_type(&np::broadcast_to(&size(x), &shape), x.dtype(), false);
    let goes_on = |(_, y): &(Array, Array)| np::any(y);
    let turn = |(x, y): &(Array, Array)| {
        let more = np::not_zero(y);
        (np::where_(&more, y, x), np::where_(&more, prim::rem(x, &np::where_(&more, y, 1)), y))
    };
    crate::lax::while_loop(goes_on, turn, &(whole(x), whole(y))).0
}

/// log(e^x + e^y), or the same to base 2. Of two infinities of one sign it is that infinity, and the derivative NaN.
#[track_caller]
fn log_of_sum(x: Array, y: Array, two: bool) -> Array {
    let shape = crate::array::broadcast_shapes(&[x.shape(), y.shape()]).expect("shapes that broadcast");
    let (x, y) = (np::broadcast_to(&x, &shape), np::broadcast_to(&y, &shape));
    crate::custom_jvp(
        move |x: &Array, y: &Array| log_of_sum_value(x, y, two),
        move |(x, y), (dx, dy)| {
            let out = log_of_sum_value(&x, &y, two);
            // an infinite result has no share in anything
            let finite = |x: &Array| np::where_(&np::isposinf(&np::real(x)), 0.0, x);
            let base = finite(&out);
            let share = |x: &Array| {
                let below = prim::sub(&finite(x), &base);
                if two { prim::exp2(&below) } else { prim::exp(&below) }
            };
            let tangent = prim::add(&prim::mul(&dx, &share(&x)), &prim::mul(&dy, &share(&y)));
            (out, tangent)
        },
    )(&x, &y)
}
fn log_of_sum_value(x: &Array, y: &Array, two: bool) -> Array {
    let exp = |x: &Array| if two { prim::exp2(x) } else { prim::exp(x) };
    let unit = if two { LN_2.recip() } else { 1.0 };
    let top = prim::max(x, y);
    if !x.dtype().is_complex() {
        let apart = prim::sub(x, y);
        let more = prim::log1p(&exp(&prim::neg(&prim::abs(&apart))));
        let more = if two { prim::mul(&more, &lit(&more, unit)) } else { more };
        return prim::select_n(&prim::ne(&apart, &apart), &[&prim::add(&top, &more), &prim::add(x, y)]);
    }
    let below = prim::sub(&prim::add(x, y), &prim::add(&top, &top));
    let more = prim::log1p(&exp(&below));
    let out = prim::add(&top, &prim::mul(&more, &lit(&more, unit)));
    // the angle lies between -half and half a turn
    let half = lit(&prim::imag(&out), PI * unit);
    let turned = np::remainder(&prim::add(&prim::imag(&out), &half), &prim::add(&half, &half));
    prim::complex(&prim::real(&out), &prim::sub(&turned, &half))
}

/// When two numbers count as equal: where their distance is at most `atol + rtol |y|`, or both are the same infinity.
///
/// ```
/// use cotangent::{np::Close, prelude::*};
/// let (x, y) = (array![1., f32::NAN, 3.], array![1.01, f32::NAN, 4.]);
/// let near = Close::new().rtol(0.1).equal_nan();
/// assert_eq!(near.isclose(&x, &y).to_string(), "[ True  True False]");
/// assert!(!near.allclose(&x, &y).to_bool());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Close {
    rtol: f64,
    atol: f64,
    equal_nan: bool,
}
impl Default for Close {
    fn default() -> Self {
        Close { rtol: 1e-5, atol: 1e-8, equal_nan: false }
    }
}
impl Close {
    /// As [`isclose`]: 1e-5 of the size of `y`, and 1e-8.
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// assert_eq!(Close::new().isclose(&array![1e-9, 1.001], &array![0., 1.]).to_string(), "[ True False]");
    /// ```
    pub fn new() -> Close {
        Close::default()
    }
    /// The distance relative to the size of `y`.
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// assert_eq!(Close::new().rtol(0.1).isclose(&array![105., 1.2], &array![100., 1.]).to_string(), "[ True False]");
    /// ```
    pub fn rtol(mut self, rtol: f64) -> Close {
        self.rtol = rtol;
        self
    }
    /// The distance that is allowed in any case.
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// assert_eq!(Close::new().atol(0.5).isclose(&array![0.4, 3.4], &array![0., 2.5]).to_string(), "[ True False]");
    /// ```
    pub fn atol(mut self, atol: f64) -> Close {
        self.atol = atol;
        self
    }
    /// NaN is near NaN.
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// let x = array![f32::NAN, 1.];
    /// assert_eq!(Close::new().isclose(&x, &x).to_string(), "[False  True]");
    /// assert_eq!(Close::new().equal_nan().isclose(&x, &x).to_string(), "[ True  True]");
    /// ```
    pub fn equal_nan(mut self) -> Close {
        self.equal_nan = true;
        self
    }
    /// Where they are near: see [`isclose`].
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// let inf = f32::INFINITY;
    /// assert_eq!(Close::new().isclose(&array![inf, inf], &array![inf, -inf]).to_string(), "[ True False]");
    /// ```
    #[track_caller]
    pub fn isclose(&self, x: &Array, y: &Array) -> Array {
        let (x, y) = inexact("isclose", x, y);
        let size = prim::abs(&y);
        let reach = prim::add(&prim::mul(&size, &lit(&size, self.rtol)), &lit(&size, self.atol));
        let near = np::less_equal(&prim::abs(&prim::sub(&x, &y)), &reach);
        let near = np::logical_or(&prim::eq(&x, &y), &np::logical_and(&np::isfinite(&y), &near));
        if !self.equal_nan {
            return near;
        }
        np::logical_or(&near, &np::logical_and(&np::isnan(&x), &np::isnan(&y)))
    }
    /// Whether all are near: see [`allclose`].
    ///
    /// ```
    /// use cotangent::{np::Close, prelude::*};
    /// let (x, y) = (array![1., 2.], array![1.1, 2.1]);
    /// assert!(Close::new().rtol(0.2).allclose(&x, &y).to_bool() && !Close::new().allclose(&x, &y).to_bool());
    /// ```
    #[track_caller]
    pub fn allclose(&self, x: &Array, y: &Array) -> Array {
        np::all(&self.isclose(x, y))
    }
}
/// Where `x` and `y` are nearly equal: within 1e-5 of the size of `y` and 1e-8. [`Close`] has other distances. As `jax.numpy.isclose`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::isclose(&array![1., 2.], &array![1.000001, 2.1]).to_string(), "[ True False]");
/// ```
///
/// # Panics
/// If shapes do not broadcast.
#[track_caller]
pub fn isclose(x: &Array, y: &Array) -> Array {
    Close::new().isclose(x, y)
}
/// Whether all of `x` and `y` are nearly equal: see [`isclose`]. As `jax.numpy.allclose`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert!(np::allclose(&array![1., 2.], &array![1.000001, 2.]).to_bool());
/// ```
///
/// # Panics
/// If shapes do not broadcast.
#[track_caller]
pub fn allclose(x: &Array, y: &Array) -> Array {
    Close::new().allclose(x, y)
}
/// Whether both have the same shape and equal elements. As `jax.numpy.array_equal`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert!(np::array_equal(&array![1, 2], &array![1., 2.]).to_bool());
/// assert!(!np::array_equal(&array![1, 1], &array(1)).to_bool());
/// ```
#[track_caller]
pub fn array_equal(x: &Array, y: &Array) -> Array {
    if x.shape() == y.shape() { np::all(&np::equal(x, y)) } else { crate::array(false) }
}
/// [`array_equal`] where NaN equals NaN. As `jax.numpy.array_equal` with `equal_nan`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![1., f32::NAN];
/// assert!(np::array_equal_nan(&x, &x).to_bool() && !np::array_equal(&x, &x).to_bool());
/// ```
#[track_caller]
pub fn array_equal_nan(x: &Array, y: &Array) -> Array {
    if x.shape() != y.shape() {
        return crate::array(false);
    }
    let nans = prim::and(&np::isnan(x), &np::isnan(y));
    np::all(&prim::or(&np::equal(x, y), &nans))
}
/// Whether shapes broadcast and elements are equal. As `jax.numpy.array_equiv`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert!(np::array_equiv(&array![1, 1], &array(1)).to_bool());
/// ```
#[track_caller]
pub fn array_equiv(x: &Array, y: &Array) -> Array {
    let fits = crate::array::broadcast_shapes(&[x.shape(), y.shape()]).is_some();
    if fits { np::all(&np::equal(x, y)) } else { crate::array(false) }
}
/// The type of exponents: what counts them.
pub(super) const EXPONENT: DType = DType::Int32;
