//! Floating-point numbers taken apart and put together: signs, mantissas and exponents, neighbors.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::unary::real_only;
use crate::np::{self, pairs::EXPONENT, to_inexact};
use crate::prim::{self, convert_element_type, lit};

/// The type of integers with the bits of a floating-point type.
fn bits_of(t: DType) -> DType {
    match t.bits() {
        16 => DType::Int16,
        32 => DType::Int32,
        _ => DType::Int64,
    }
}

/// Where the sign is set: of negative numbers, -0 and NaNs with a sign. As `jax.numpy.signbit`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::signbit(&array![-0., 0., -3.]).to_string(), "[ True False  True]");
/// ```
///
/// # Panics
/// If elements are complex.
#[track_caller]
pub fn signbit(x: &Array) -> Array {
    real_only("signbit", x);
    let x = match x.dtype() {
        t if t.is_float() => prim::bitcast_convert_type(x, bits_of(t)),
        t if t.is_signed() => x.clone(),
        _ => return prim::full_of(&x.aval().with_dtype(DType::Bool).with_weak(false), 0.0),
    };
    prim::lt(&x, &lit(&x, 0.0))
}

/// The distance to the next number away from zero, with the sign of the number. As `jax.numpy.spacing`. Without a derivative.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::spacing(&array(1.0)).to_f64(), f32::EPSILON as f64);
/// ```
///
/// # Panics
/// If elements are complex.
#[track_caller]
pub fn spacing(x: &Array) -> Array {
    real_only("spacing", x);
    let x = to_inexact("spacing", x);
    let outward = np::copysign(&prim::full_of(x.aval(), f64::INFINITY), &x);
    let step = prim::sub(&prim::nextafter(&x, &outward), &x);
    // subnormal numbers are zero in what is computed, but the least of them is an answer
    let least = x.dtype().float_info().expect("a floating-point type").smallest_subnormal;
    let least =
        np::where_(&signbit(&x), prim::scalar_of(x.dtype(), false, -least), prim::scalar_of(x.dtype(), false, least));
    np::where_(&prim::eq(&step, &lit(&step, 0.0)), &least, &step)
}

/// The part behind the point and the integer before it, both with the sign of the number. As `jax.numpy.modf`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (part, whole) = np::modf(&array![1.5, -2.25]);
/// assert_eq!((part.to_string(), whole.to_string()), ("[ 0.5  -0.25]".into(), "[ 1. -2.]".into()));
/// ```
///
/// # Panics
/// If elements are complex.
#[track_caller]
pub fn modf(x: &Array) -> (Array, Array) {
    real_only("modf", x);
    let x = to_inexact("modf", x);
    let whole = np::where_(&prim::ge(&x, &lit(&x, 0.0)), prim::floor(&x), prim::ceil(&x));
    (prim::sub(&x, &whole), whole)
}

/// 2^k for integers `k` between the exponents of the least and the greatest normal number: only an exponent is written.
#[track_caller]
fn power_of_two(k: &Array, t: DType) -> Array {
    let info = t.float_info().expect("a floating-point type");
    let bias = 1.0 - info.tiny.log2();
    let bits = convert_element_type(k, bits_of(t), false);
    let places = lit(&bits, info.mantissa_bits as f64);
    prim::bitcast_convert_type(&prim::shift_left(&prim::add(&bits, &lit(&bits, bias)), &places), t)
}
/// `x` times 2^k for any integers `k`, in steps that have the sign of `k`: nothing overflows or vanishes on the way that would not in the end.
#[track_caller]
fn scaled(x: &Array, k: &Array) -> Array {
    let t = x.dtype();
    let least = t.float_info().expect("a floating-point type").tiny.log2();
    let (mut y, mut rest) = (x.clone(), k.clone());
    for _ in 0..3 {
        let step = prim::max(&lit(&rest, least), &prim::min(&rest, &lit(&rest, -least)));
        y = np::multiply(&y, &power_of_two(&step, t));
        rest = prim::sub(&rest, &step)
    }
    y
}

/// A mantissa between 1/2 and 1, with the sign of the number, and an exponent of 2, as int32, whose product is `x`. Of 0, subnormal numbers (which count as 0), infinities and NaN the
/// exponent is 0. As `jax.numpy.frexp`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (mantissa, exponent) = np::frexp(&array![8., -0.75]);
/// assert_eq!((mantissa.to_string(), exponent.to_string()), ("[ 0.5  -0.75]".into(), "[4 0]".into()));
/// ```
///
/// # Panics
/// If elements are complex.
#[track_caller]
pub fn frexp(x: &Array) -> (Array, Array) {
    real_only("frexp", x);
    let x = to_inexact("frexp", x);
    let t = x.dtype();
    if t.bits() == 16 {
        let (m, e) = frexp(&convert_element_type(&x, DType::Float32, false));
        return (convert_element_type(&m, t, x.weak_type()), e);
    }
    let info = t.float_info().expect("a floating-point type");
    let bits = prim::bitcast_convert_type(&x, bits_of(t));
    let exponent = prim::shift_right_logical(&bits, &lit(&bits, info.mantissa_bits as f64));
    // the sign is shifted out of the exponent's bits
    let mask = ((info.bits - info.mantissa_bits - 1) as f64).exp2() - 1.0;
    let exponent = convert_element_type(&prim::and(&exponent, &lit(&exponent, mask)), EXPONENT, false);
    let exponent = prim::sub(&exponent, &lit(&exponent, -info.tiny.log2()));
    let small = prim::lt(&prim::abs(&x), &lit(&x, info.tiny));
    let odd = prim::or(&small, &prim::not(&prim::is_finite(&x)));
    let exponent = np::where_(&odd, 0, &exponent);
    (scaled(&x, &prim::neg(&exponent)), exponent)
}

/// x times 2^k, for integers `k`. As `jax.numpy.ldexp`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::ldexp(&array![1., 0.75], &array![3, -1]).to_string(), "[8.    0.375]");
/// ```
///
/// # Panics
/// If `x` is complex, if `k` are no integers, or if shapes do not broadcast.
#[track_caller]
pub fn ldexp(x: &Array, k: &Array) -> Array {
    real_only("ldexp", x);
    if k.dtype().is_inexact() {
        fail(ErrorKind::Type, format!("ldexp: exponents of type {} are no integers", k.dtype()))
    }
    let x = to_inexact("ldexp", x);
    let t = x.dtype();
    let wide = if t.bits() == 16 { convert_element_type(&x, DType::Float32, false) } else { x.clone() };
    let Some(shape) = crate::array::broadcast_shapes(&[x.shape(), k.shape()]) else {
        fail(ErrorKind::Shape, format!("ldexp: shapes of {} and {} do not broadcast", x.aval(), k.aval()))
    };
    // beyond this everything is zero or infinite, and no step overflows
    let farthest = 5000;
    let k = convert_element_type(
        &np::clip(&convert_element_type(k, DType::Int64, false), -farthest, farthest),
        EXPONENT,
        false,
    );
    let y = scaled(&np::broadcast_to(&wide, &shape), &np::broadcast_to(&k, &shape));
    convert_element_type(&y, t, x.weak_type())
}

/// Angles, or other numbers that are equal after a period, without jumps of more than half a period from one to the next along a dimension: see [`unwrap`]. As `jax.numpy.unwrap`.
///
/// ```
/// use cotangent::{np::Unwrap, prelude::*};
/// assert_eq!(Unwrap::new().period(4.0).of(&array![0., 1., 2., -1., 0.]).to_string(), "[0. 1. 2. 3. 4.]");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unwrap {
    axis: i32,
    discont: Option<f64>,
    period: f64,
}
impl Default for Unwrap {
    fn default() -> Self {
        Unwrap { axis: -1, discont: None, period: 2.0 * std::f64::consts::PI }
    }
}
impl Unwrap {
    /// Angles along the last dimension.
    ///
    /// ```
    /// use cotangent::{np::Unwrap, prelude::*};
    /// let turned = Unwrap::new().of(&array![[0., 3., -3.]]);
    /// assert!((turned.i((0, 2)).to_f64() - (std::f64::consts::TAU - 3.)).abs() < 1e-5);
    /// ```
    pub fn new() -> Unwrap {
        Unwrap::default()
    }
    /// Along this dimension; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Unwrap, prelude::*};
    /// let y = Unwrap::new().period(10.).axis(0).of(&array![[1., 1.], [2., 8.]]);
    /// assert_eq!(y.to_string(), "[[ 1.  1.]\n [ 2. -2.]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Unwrap {
        self.axis = axis;
        self
    }
    /// Jumps that are smaller stay; half a period without this.
    ///
    /// ```
    /// use cotangent::{np::Unwrap, prelude::*};
    /// let x = array![0., 6., 16.];
    /// assert_eq!(Unwrap::new().period(10.).of(&x).to_string(), "[ 0. -4. -4.]");
    /// assert_eq!(Unwrap::new().period(10.).discont(8.).of(&x).to_string(), "[0. 6. 6.]");
    /// ```
    pub fn discont(mut self, discont: f64) -> Unwrap {
        self.discont = Some(discont);
        self
    }
    /// After which numbers are equal again.
    ///
    /// ```
    /// use cotangent::{np::Unwrap, prelude::*};
    /// assert_eq!(Unwrap::new().period(12.).of(&array![10., 11., 0., 1.]).to_string(), "[10. 11. 12. 13.]");
    /// ```
    pub fn period(mut self, period: f64) -> Unwrap {
        self.period = period;
        self
    }
    /// The numbers: see [`unwrap`].
    ///
    /// ```
    /// use cotangent::{np::Unwrap, prelude::*};
    /// assert_eq!(Unwrap::new().period(4.).of(&array![3., 0., 1.]).to_string(), "[3. 4. 5.]");
    /// ```
    #[track_caller]
    pub fn of(&self, p: &Array) -> Array {
        real_only("unwrap", p);
        let d = np::dimension("unwrap", self.axis, p);
        // integers stay integers if the period is one
        let whole = p.dtype().is_integer() && self.period.fract() == 0.0;
        let p = if whole { p.clone() } else { to_inexact("unwrap", p) };
        let n = p.shape()[d];
        if n == 0 {
            return p;
        }
        let (period, half) = (self.period, if whole { (self.period / 2.0).floor() } else { self.period / 2.0 });
        let number = |v: f64| lit(&p, v);
        let first = prim::slice_in_dim(&p, 0, 1, 1, d);
        let rest = prim::slice_in_dim(&p, 1, n, 1, d);
        let jump = prim::sub(&rest, &prim::slice_in_dim(&p, 0, n - 1, 1, d));
        let within = prim::sub(&np::remainder(&prim::add(&jump, &number(half)), &number(period)), &number(half));
        // a jump of exactly half a period upwards stays one
        let edge = prim::and(&prim::eq(&within, &number(-half)), &prim::gt(&jump, &number(0.0)));
        let within = np::where_(&edge, number(half), &within);
        let small = prim::lt(&prim::abs(&jump), &number(self.discont.unwrap_or(period / 2.0)));
        let correction = np::where_(&small, number(0.0), prim::sub(&within, &jump));
        let rest = np::add(&rest, &prim::cumsum(&correction, d, false));
        prim::concatenate(&[&first, &rest], d)
    }
}
/// Angles along the last dimension without jumps: wherever one is half a turn or more from the last, whole turns are added to it and all that follow. [`Unwrap`] has other dimensions and periods. As
/// `jax.numpy.unwrap`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::unwrap(&array![0., 2., 4., 0.]).to_string(), "[0.       2.       4.       6.283185]");
/// ```
///
/// # Panics
/// If elements are complex, or if there is no dimension.
#[track_caller]
pub fn unwrap(p: &Array) -> Array {
    Unwrap::new().of(p)
}
