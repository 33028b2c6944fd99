//! Elementwise functions with NumPy's names, and methods of `Array` for them.

use crate::array::{Array, Operand};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::shape::ranked;
use crate::prim::{self, convert_element_type};

/// Integers and booleans as floating-point numbers, all else as it is: what the function of this name computes with.
#[track_caller]
pub(crate) fn to_inexact(name: &str, x: &Array) -> Array {
    let t = x.dtype();
    if t.is_inexact() {
        return x.clone();
    }
    if !t.is_number() {
        fail(ErrorKind::Type, format!("{name}: no arithmetic on elements of type {t}"))
    }
    convert_element_type(x, t.to_inexact(), x.weak_type())
}

macro_rules! binary { ($($(#[$doc:meta])* $name:ident $Prim:ident;)*) => { $(
    $(#[$doc])*
    #[track_caller]
    #[inline]
    pub fn $name(x: &Array, y: &Array) -> Array { crate::array::binary(&prim::$Prim, x, y) }
)* } }
binary! {
    /// x + y.
    add Add;
    /// x - y.
    subtract Sub;
    /// x * y.
    multiply Mul;
    /// The greater of x and y; NaN if one is NaN.
    maximum Max;
    /// The lesser of x and y; NaN if one is NaN.
    minimum Min;
    /// Bitwise and; of truth values: and.
    bitwise_and And;
    /// Bitwise or; of truth values: or.
    bitwise_or Or;
    /// Bitwise exclusive or.
    bitwise_xor Xor;
    /// Where x = y.
    equal CompareEq;
    /// Where x and y differ.
    not_equal CompareNe;
}

macro_rules! ordered { ($($(#[$doc:meta])* $name:ident $Prim:ident;)*) => { $(
    $(#[$doc])*
    /// Complex numbers are ordered by their real parts, and equal ones by their imaginary parts.
    #[track_caller]
    #[inline]
    pub fn $name(x: &Array, y: &Array) -> Array {
        if !x.dtype().is_complex() && !y.dtype().is_complex() {
            return crate::array::binary(&prim::$Prim, x, y);
        }
        let (x, y) = crate::array::promote_pair(stringify!($name), x, y);
        let part = |of: fn(&Array) -> Array| (of(&x), of(&y));
        let ((a, b), (c, d)) = (part(prim::real), part(prim::imag));
        let by = |x: &Array, y: &Array| crate::array::binary(&prim::$Prim, x, y);
        where_(&prim::eq(&a, &b), by(&c, &d), by(&a, &b))
    }
)* } }
ordered! {
    /// Where x < y.
    less CompareLt;
    /// Where x <= y.
    less_equal CompareLe;
    /// Where x > y.
    greater CompareGt;
    /// Where x >= y.
    greater_equal CompareGe;
}

/// x / y as a floating-point number: integers are converted first. As `jax.numpy.divide`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::divide(&array![1, 2], &array(2)).to_string(), "[0.5 1. ]");
/// ```
#[track_caller]
#[inline]
pub fn divide(x: &Array, y: &Array) -> Array {
    if x.dtype().is_inexact() || y.dtype().is_inexact() {
        return crate::array::binary(&prim::Div, x, y);
    }
    crate::array::binary(&prim::Div, &to_inexact("divide", x), &to_inexact("divide", y))
}
/// Both in their common type, which is int32 for two booleans: those have no powers and no remainders.
#[track_caller]
pub(super) fn numeric(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    let counted = x.dtype().is_bool() && y.dtype().is_bool();
    let x = if counted { convert_element_type(x, DType::Int32, false) } else { x.clone() };
    crate::array::promote_pair(name, &x, y)
}
/// The remainder with the sign of the divisor, as Python's `%`. Of integers by zero it is 0, of booleans int32. As `jax.numpy.remainder`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::remainder(&array![-7, 7], &array(3)).to_string(), "[2 1]");
/// ```
#[track_caller]
pub fn remainder(x: &Array, y: &Array) -> Array {
    let (x, y) = numeric("remainder", x, y);
    let r = prim::rem(&x, &y);
    let zero = prim::lit(&r, 0.0);
    let y = crate::np::broadcast_to(&y, r.shape());
    let off = prim::and(&prim::ne(&r, &zero), &prim::ne(&prim::lt(&r, &zero), &prim::lt(&y, &zero)));
    crate::np::pairs::zero_by_zero(prim::select_n(&off, &[&r, &prim::add(&r, &y)]), &y)
}

macro_rules! inexact { ($($(#[$doc:meta])* $name:ident;)*) => { $(
    $(#[$doc])*
    /// Integers are converted to floating-point numbers first.
    #[track_caller]
    pub fn $name(x: &Array) -> Array { prim::$name(&to_inexact(stringify!($name), x)) }
)*
    impl Array {
        $($(#[$doc])*
        #[track_caller]
        pub fn $name(&self) -> Array { $name(self) })*
    }
} }
inexact! {
    /// e^x, element by element.
    exp;
    /// e^x - 1, accurate near 0.
    expm1;
    /// The natural logarithm.
    log;
    /// log(1 + x), accurate near 0.
    log1p;
    /// The sine.
    sin;
    /// The cosine.
    cos;
    /// The tangent.
    tan;
    /// The hyperbolic sine.
    sinh;
    /// The hyperbolic cosine.
    cosh;
    /// The hyperbolic tangent.
    tanh;
    /// The square root.
    sqrt;
    /// 1 / sqrt(x).
    rsqrt;
    /// 2^x.
    exp2;
    /// The inverse sine, in radians.
    asin;
    /// The inverse cosine, in radians.
    acos;
    /// The inverse tangent, in radians.
    atan;
    /// The inverse hyperbolic sine.
    asinh;
    /// The inverse hyperbolic tangent.
    atanh;
    /// The cube root of real numbers.
    cbrt;
}

/// The absolute value. As `jax.numpy.abs`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::abs(&array![-1, 2]).to_string(), "[1 2]");
/// ```
#[track_caller]
pub fn abs(x: &Array) -> Array {
    if x.dtype().is_bool() { x.clone() } else { prim::abs(x) }
}
/// -1, 0 or 1. As `jax.numpy.sign`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::sign(&array![-5, 0, 2]).to_string(), "[-1  0  1]");
/// ```
#[track_caller]
pub fn sign(x: &Array) -> Array {
    prim::sign(x)
}
/// x to the power of y. A concrete scalar integer y is taken by repeated multiplication. As `jax.numpy.power`.
///
/// Where x is floating-point or complex and y an array of integers, the result has the type of x, and the derivative of x^0 is 0, at 0 too.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::power(&array![2., 3.], &array(2)).to_string(), "[4. 9.]");
/// ```
///
/// # Panics
/// If the shapes do not broadcast, or if x is an integer and y a concrete negative scalar.
#[track_caller]
pub fn power(x: &Array, y: &Array) -> Array {
    if let Some(n) = static_integer(y) {
        return x.powi(n);
    }
    if x.dtype().is_inexact() && y.dtype().is_integer() {
        let Some(shape) = crate::array::broadcast_shapes(&[x.shape(), y.shape()]) else {
            fail(ErrorKind::Shape, format!("power: shapes of {} and {} do not broadcast", x.aval(), y.aval()))
        };
        return prim::pow_int(&ranked(x, shape.len()), &ranked(y, shape.len()));
    }
    let (a, b) = numeric("power", x, y);
    prim::pow(&a, &b)
}
/// A scalar integer known now.
fn static_integer(y: &Array) -> Option<i32> {
    let known = !y.is_tracer() && y.ndim() == 0 && y.dtype().is_integer();
    known.then(|| y.to_f64()).filter(|n| n.abs() <= i32::MAX as f64).map(|n| n as i32)
}
/// Elements of `x` where `condition` holds (is true, or not zero), of `y` elsewhere. All three broadcast; `x` and `y` promote, and a number
/// takes the type of what is beside it. As `jax.numpy.where`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array(vec![1f64, -2.0]);
/// assert_eq!(np::where_(&x.gt(0.0), &x, 0.1).to_vec::<f64>(), [1.0, 0.1]);
/// ```
///
/// Both are computed everywhere: where the one that is not chosen has an infinite derivative, so may the result.
#[track_caller]
pub fn where_(condition: &Array, x: impl Operand, y: impl Operand) -> Array {
    // a number has the type of the other one; beside a boolean it keeps its own
    let x = x.beside(&y.as_array().cloned().unwrap_or_else(|| crate::array(false)));
    let y = y.beside(&x);
    let (x, y) = crate::array::promote_pair("where", &x, &y);
    let condition = if condition.dtype() == DType::Bool {
        condition.clone()
    } else {
        prim::ne(condition, &prim::lit(condition, 0.0))
    };
    let shapes = [condition.shape(), x.shape(), y.shape()];
    let Some(shape) = crate::array::broadcast_shapes(&shapes) else {
        use crate::aval::tuple;
        fail(
            ErrorKind::Shape,
            format!(
                "where: shapes {}, {} and {} do not broadcast",
                tuple(shapes[0]),
                tuple(shapes[1]),
                tuple(shapes[2])
            ),
        )
    };
    let condition = if condition.ndim() == 0 { condition } else { crate::np::broadcast_to(&condition, &shape) };
    let (x, y) = (crate::np::broadcast_to(&x, &shape), crate::np::broadcast_to(&y, &shape));
    prim::select_n(&condition, &[&y, &x])
}

impl Array {
    /// x to the power of an integer, by repeated multiplication.
    #[track_caller]
    pub fn powi(&self, n: i32) -> Array {
        let x = if self.dtype().is_bool() { convert_element_type(self, DType::Int32, false) } else { self.clone() };
        prim::integer_pow(&x, n)
    }
    /// x to the power of `y`, which may be an array or a number. An integer is taken by repeated multiplication.
    #[track_caller]
    pub fn pow(&self, y: impl Operand) -> Array {
        match y.integer() {
            Some(n) => self.powi(n),
            None => power(self, &y.beside(self)),
        }
    }
    /// The absolute value.
    #[track_caller]
    pub fn abs(&self) -> Array {
        abs(self)
    }
    /// The elements converted to another type.
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Array {
        convert_element_type(self, dtype, false)
    }
    /// The greater of the two, element by element.
    #[track_caller]
    pub fn maximum(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        maximum(self, &y)
    }
    /// The lesser of the two, element by element.
    #[track_caller]
    pub fn minimum(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        minimum(self, &y)
    }
    /// Where self = y. (Two arrays are not compared by `==`, which would be one truth value.)
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 2., 3.];
    /// assert_eq!((x.equal(2.).to_string(), x.not_equal(2.).to_string()), ("[False  True False]".into(), "[ True False  True]".into()));
    /// ```
    #[track_caller]
    pub fn equal(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        equal(self, &y)
    }
    /// Where self and y differ.
    #[track_caller]
    pub fn not_equal(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        not_equal(self, &y)
    }
    /// Where self < y.
    #[track_caller]
    pub fn lt(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        less(self, &y)
    }
    /// Where self > y.
    #[track_caller]
    pub fn gt(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        greater(self, &y)
    }
    /// Where self <= y.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 2., 3.];
    /// assert_eq!((x.le(2.).to_string(), x.ge(2.).to_string()), ("[ True  True False]".into(), "[False  True  True]".into()));
    /// ```
    #[track_caller]
    pub fn le(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        less_equal(self, &y)
    }
    /// Where self >= y.
    #[track_caller]
    pub fn ge(&self, y: impl Operand) -> Array {
        let y = y.beside(self);
        greater_equal(self, &y)
    }
}
