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

macro_rules! binary { ($($(#[$doc:meta])* $name:ident $Prim:ident, of $x:literal, $y:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($name), "(&array!", $x, ", &array!", $y, ").to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    #[inline]
    pub fn $name(x: &Array, y: &Array) -> Array { crate::array::binary(&prim::$Prim, x, y) }
)* } }
binary! {
    /// x + y.
    add Add, of "[1, 2]", "[10, 20]" is "[11 22]";
    /// x - y.
    subtract Sub, of "[[1], [2]]", "[1., 0.5]" is "[[0.  0.5]\\n [1.  1.5]]";
    /// x * y.
    multiply Mul, of "[1, 2]", "[3, 5]" is "[ 3 10]";
    /// The greater of x and y; NaN if one is NaN.
    maximum Max, of "[1., 5., f32::NAN]", "[3., 2., 0.]" is "[ 3.  5. nan]";
    /// The lesser of x and y; NaN if one is NaN.
    minimum Min, of "[1., 5., f32::NAN]", "[3., 2., 0.]" is "[ 1.  2. nan]";
    /// Bitwise and; of truth values: and.
    bitwise_and And, of "[12, 7]", "[10, -2]" is "[8 6]";
    /// Bitwise or; of truth values: or.
    bitwise_or Or, of "[12, 7]", "[10, 8]" is "[14 15]";
    /// Bitwise exclusive or.
    bitwise_xor Xor, of "[12, 7]", "[10, 7]" is "[6 0]";
    /// Where x = y.
    equal CompareEq, of "[1, 2, 3]", "[2., 2., 2.]" is "[False  True False]";
    /// Where x and y differ.
    not_equal CompareNe, of "[1, 2, 3]", "[2., 2., 2.]" is "[ True False  True]";
}

macro_rules! ordered { ($($(#[$doc:meta])* $name:ident $Prim:ident, of $x:literal, $y:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    /// Complex numbers are ordered by their real parts, and equal ones by their imaginary parts.
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($name), "(&array!", $x, ", &array!", $y, ").to_string(), \"", $is, "\");\n```")]
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
    less CompareLt, of "[1, 2, 3]", "[2]" is "[ True False False]";
    /// Where x <= y.
    less_equal CompareLe, of "[1, 2, 3]", "[2]" is "[ True  True False]";
    /// Where x > y.
    greater CompareGt, of "[1, 2, 3]", "[2]" is "[False False  True]";
    /// Where x >= y.
    greater_equal CompareGe, of "[1, 2, 3]", "[2]" is "[False  True  True]";
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

macro_rules! inexact { ($($(#[$doc:meta])* $name:ident of $of:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    /// Integers are converted to floating-point numbers first.
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($name), "(&array!", $of, ").to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { prim::$name(&to_inexact(stringify!($name), x)) }
)*
    impl Array {
        $($(#[$doc])*
        #[doc = concat!("\n```\nuse cotangent::prelude::*;\nassert_eq!(array!", $of, ".", stringify!($name), "().to_string(), \"", $is, "\");\n```")]
        #[track_caller]
        pub fn $name(&self) -> Array { $name(self) })*
    }
} }
inexact! {
    /// e^x, element by element.
    exp of "[0, 1]" is "[1.        2.7182817]";
    /// e^x - 1, accurate near 0.
    expm1 of "[0., 1.]" is "[0.        1.7182817]";
    /// The natural logarithm.
    log of "[1., 8.]" is "[0.        2.0794415]";
    /// log(1 + x), accurate near 0.
    log1p of "[0., 1.]" is "[0.        0.6931472]";
    /// The sine.
    sin of "[0., 1.]" is "[0.         0.84147096]";
    /// The cosine.
    cos of "[0., 1.]" is "[1.        0.5403023]";
    /// The tangent.
    tan of "[0., 1.]" is "[0.        1.5574077]";
    /// The hyperbolic sine.
    sinh of "[0., 1.]" is "[0.        1.1752012]";
    /// The hyperbolic cosine.
    cosh of "[0., 1.]" is "[1.        1.5430807]";
    /// The hyperbolic tangent.
    tanh of "[0., 1.]" is "[0.        0.7615942]";
    /// The square root.
    sqrt of "[4, 2]" is "[2.        1.4142135]";
    /// 1 / sqrt(x).
    rsqrt of "[4., 0.25]" is "[0.5 2. ]";
    /// 2^x.
    exp2 of "[3., -1.]" is "[8.  0.5]";
    /// The inverse sine, in radians.
    asin of "[0., 1.]" is "[0.        1.5707964]";
    /// The inverse cosine, in radians.
    acos of "[1., 0.]" is "[0.        1.5707964]";
    /// The inverse tangent, in radians.
    atan of "[0., 1.]" is "[0.        0.7853982]";
    /// The inverse hyperbolic sine.
    asinh of "[0., 1.]" is "[0.        0.8813736]";
    /// The inverse hyperbolic tangent.
    atanh of "[0., 0.5]" is "[0.         0.54930615]";
    /// The cube root of real numbers.
    cbrt of "[27., -8.]" is "[ 3. -2.]";
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
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![2., -3.].powi(3).to_string(), "[  8. -27.]");
    /// assert_eq!(array![2., 4.].powi(-1).to_string(), "[0.5  0.25]");
    /// ```
    #[track_caller]
    pub fn powi(&self, n: i32) -> Array {
        let x = if self.dtype().is_bool() { convert_element_type(self, DType::Int32, false) } else { self.clone() };
        prim::integer_pow(&x, n)
    }
    /// x to the power of `y`, which may be an array or a number. An integer is taken by repeated multiplication.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![4., 9.].pow(0.5).to_string(), "[2. 3.]");
    /// assert_eq!(array![2, 3].pow(array![3, 2]).to_string(), "[8 9]");
    /// ```
    #[track_caller]
    pub fn pow(&self, y: impl Operand) -> Array {
        match y.integer() {
            Some(n) => self.powi(n),
            None => power(self, &y.beside(self)),
        }
    }
    /// The absolute value.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-2.5, 1.].abs().to_string(), "[2.5 1. ]");
    /// ```
    #[track_caller]
    pub fn abs(&self) -> Array {
        abs(self)
    }
    /// The elements converted to another type.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![2.7, -1.2].astype(DType::Int32).to_string(), "[ 2 -1]");
    /// ```
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Array {
        convert_element_type(self, dtype, false)
    }
}

/// Methods for the functions of two arrays above: a number takes the type of the array beside it.
macro_rules! beside { ($($(#[$doc:meta])* $method:ident $function:ident;)*) => {
    impl Array { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $method(&self, y: impl Operand) -> Array {
            let y = y.beside(self);
            $function(self, &y)
        }
    )* }
} }
beside! {
    /// The greater of the two, element by element.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-1, 5].maximum(0).to_string(), "[0 5]");
    /// ```
    maximum maximum;
    /// The lesser of the two, element by element.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![-1, 5].minimum(array![2, 2]).to_string(), "[-1  2]");
    /// ```
    minimum minimum;
    /// Where self = y. (Two arrays are not compared by `==`, which would be one truth value.)
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 2., 3.];
    /// assert_eq!((x.equal(2.).to_string(), x.not_equal(2.).to_string()), ("[False  True False]".into(), "[ True False  True]".into()));
    /// ```
    equal equal;
    /// Where self and y differ.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3].not_equal(array![1, 0, 3]).to_string(), "[False  True False]");
    /// ```
    not_equal not_equal;
    /// Where self < y.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3].lt(2).to_string(), "[ True False False]");
    /// ```
    lt less;
    /// Where self > y.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3].gt(array![0, 2, 4]).to_string(), "[ True False False]");
    /// ```
    gt greater;
    /// Where self <= y.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 2., 3.];
    /// assert_eq!((x.le(2.).to_string(), x.gt(2.).to_string()), ("[ True  True False]".into(), "[False False  True]".into()));
    /// ```
    le less_equal;
    /// Where self >= y.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3].ge(2).to_string(), "[False  True  True]");
    /// ```
    ge greater_equal;
}
