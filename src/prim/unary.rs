//! Elementwise functions of one array: a table, one line each.

use super::lower::Num;
use super::testing::{components, in_types, odd_shapes, undifferentiated};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::complex as cx;
use cotangent_cpu::{Body, Dt, M, Op};

fn math(m: M) -> impl Fn(&mut Body, Dt, u32) -> u32 {
    move |b, dt, x| b.un(Op::Math(m), dt, x)
}
fn plain(op: Op) -> impl Fn(&mut Body, Dt, u32) -> u32 {
    move |b, dt, x| b.un(op, dt, x)
}

/// What a complex number has no value of: types are checked before.
fn real_only(_: &mut Body, _: Dt, _: (u32, u32)) -> (u32, u32) {
    unreachable!("a function of real numbers")
}

/// Samples that are differentiated.
fn f64s(x: &[f64]) -> Array {
    crate::array(x)
}

/// One line each: struct, function, accepted types, real body, complex body, tangent, samples, and an argument with its value, for the documentation. In parentheses: JAX's name, if it is not
/// the function's, and the parameter that tells the function from others of this name.
macro_rules! unary { ($(
    $(#[$doc:meta])*
    $Name:ident $name:ident $(($spelled:literal $key:ident $value:literal))? $takes:ident, $real:expr, $complex:expr, |$x:ident, $y:ident, $d:ident| $tangent:expr, on $at:expr, $of:literal => $gives:literal;
)*) => { $(
    $(#[$doc])*
    ///
    /// Shape and element type of the result are those of `x`.
    ///
    #[doc = example!($name, $of, $gives)]
    ///
    /// # Panics
    /// If elements of this type are not taken.
    #[track_caller]
    pub fn $name(x: &Array) -> Array { bind1(&$Name, &[x]) }
    #[doc = named!($Name $name $($spelled)?)]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name;
    impl Primitive for $Name {
        fn name(&self) -> &'static str { [$($spelled,)? stringify!($name)][0] }
        fn params(&self) -> Vec<(&'static str, Param)> { vec![$((stringify!($key), stringify!($value).into()))?] }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> { checked(Takes::$takes, x) }
        #[allow(unused_variables)]
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
            one(dx[0].and_then(|$d| -> Tangent { let ($x, $y) = (x[0], &y[0]); $tangent }))
        }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched { one(($name(x[0]), dims[0])) }
        fn lower(&self, l: &mut Lower, x: &[cotangent_cpu::ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
            lower_unary(l, x[0], &outs[0], &$real, &$complex)
        }
    }
)*
    pub(super) const READ: &[Read] = &[
        $((stringify!($name), |_, x| Ok(one($name(&x[0]))))),*,
        // in JAX an operation of its own
        ("square", |_, x| Ok(one(mul(&x[0], &x[0])))),
        ("round", |p, x| match p.str("rounding_method")? {
            "TO_NEAREST_EVEN" => Ok(one(round_even(&x[0]))),
            "AWAY_FROM_ZERO" => Ok(one(round_away(&x[0]))),
            _ => Err(p.error("rounding_method", "unknown").into()),
        }),
    ];
    pub(super) fn cases() -> Vec<Case> {
        let mut all = vec![];
        $(
            all.push(Case { name: stringify!($name), args: vec![$at], run: |x| vec![$name(&x[0])] });
            all.push(Case {
                name: concat!(stringify!($name), " of each type"),
                args: vec![undifferentiated($at)],
                run: |x| in_types(&x[0], |t| Takes::$takes.accepts(t)).iter().map($name).collect(),
            });
            if matches!(Takes::$takes, Takes::Inexact) {
                all.push(Case {
                    name: concat!(stringify!($name), " of complex numbers"),
                    args: vec![$at, crate::array(vec![0.5f64, -0.25, 1.5])],
                    run: |x| components(&$name(&complex(&x[0], &x[1]))),
                })
            }
        )*
        all.push(Case {
            name: "shapes",
            args: odd_shapes(),
            run: |x| x.iter().map(sin).collect(),
        });
        all
    }
} }

fn checked(takes: Takes, x: &[&Aval]) -> Result<Avals, String> {
    takes.check(x[0].dtype)?;
    Ok(one(x[0].clone()))
}

fn lower_unary(
    l: &mut Lower,
    x: cotangent_cpu::ValId,
    out: &Aval,
    real: &dyn Fn(&mut Body, Dt, u32) -> u32,
    complex: &dyn Fn(&mut Body, Dt, (u32, u32)) -> (u32, u32),
) -> Vals {
    let dt = out.dtype.dt();
    one(l.map(out, &[x], |b, x| match x[0] {
        Num::Re(x) => Num::Re(real(b, dt, x)),
        Num::Cx(re, im) => {
            let (re, im) = complex(b, dt.part(), (re, im));
            Num::Cx(re, im)
        }
    }))
}

unary! {
    /// The exponential function e^x.
    Exp exp Inexact, math(M::Exp), cx::exp, |x, y, d| Some(mul(d, y)), on f64s(&[-2.0f64, 0.0, 1.5]), "&array![0., 1.]" => "[1.        2.7182817]";
    /// 2 to the power of x.
    Exp2 exp2 Inexact, math(M::Exp2), cx::exp2, |x, y, d| Some(mul(d, &mul(y, &lit(x, std::f64::consts::LN_2)))), on f64s(&[-2.0f64, 0.0, 1.5]),
        "&array![3., -1.]" => "[8.  0.5]";
    /// e^x - 1, accurate near 0.
    Expm1 expm1 Inexact, math(M::Expm1), cx::expm1, |x, y, d| Some(mul(d, &add(y, &lit(x, 1.0)))), on f64s(&[-2.0f64, 1e-3, 1.5]),
        "&array![0., 1e-10]" => "[0.e+00 1.e-10]";
    /// The natural logarithm. Of a negative real number NaN, of 0 minus infinity.
    Log log Inexact, math(M::Log), cx::log, |x, y, d| Some(div(d, x)), on f64s(&[0.1f64, 1.0, 7.5]), "&array![1., 0., -1.]" => "[  0. -inf  nan]";
    /// log(1 + x), accurate near 0.
    Log1p log1p Inexact, math(M::Log1p), cx::log1p, |x, y, d| Some(div(d, &add(x, &lit(x, 1.0)))), on f64s(&[-0.5f64, 1e-3, 3.0]),
        "&array![0., 1e-10]" => "[0.e+00 1.e-10]";
    /// The sine; x in radians.
    Sin sin Inexact, math(M::Sin), cx::sin, |x, y, d| Some(mul(d, &cos(x))), on f64s(&[-3.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[0.         0.84147096]";
    /// The cosine; x in radians.
    Cos cos Inexact, math(M::Cos), cx::cos, |x, y, d| Some(neg(&mul(d, &sin(x)))), on f64s(&[-3.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[1.        0.5403023]";
    /// The tangent; x in radians.
    Tan tan Inexact, math(M::Tan), cx::tan, |x, y, d| Some(mul(d, &add(&lit(x, 1.0), &mul(y, y)))), on f64s(&[-1.0f64, 0.2, 1.2]),
        "&array![0., 1.]" => "[0.        1.5574077]";
    /// The inverse sine, in radians.
    Asin asin Inexact, math(M::Asin), cx::asin, |x, y, d| Some(mul(d, &rsqrt(&sub(&lit(x, 1.0), &mul(x, x))))), on f64s(&[-0.9f64, 0.2, 0.7]),
        "&array![0., 1.]" => "[0.        1.5707964]";
    /// The inverse cosine, in radians.
    Acos acos Inexact, math(M::Acos), cx::acos, |x, y, d| Some(mul(d, &neg(&rsqrt(&sub(&lit(x, 1.0), &mul(x, x)))))), on f64s(&[-0.9f64, 0.2, 0.7]),
        "&array![1., -1.]" => "[0.        3.1415927]";
    /// The inverse tangent, in radians.
    Atan atan Inexact, math(M::Atan), cx::atan, |x, y, d| Some(div(d, &add(&lit(x, 1.0), &mul(x, x)))), on f64s(&[-2.0f64, 0.2, 0.7]),
        "&array![0., 1.]" => "[0.        0.7853982]";
    /// The hyperbolic sine.
    Sinh sinh Inexact, math(M::Sinh), cx::sinh, |x, y, d| Some(mul(d, &cosh(x))), on f64s(&[-2.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[0.        1.1752012]";
    /// The hyperbolic cosine.
    Cosh cosh Inexact, math(M::Cosh), cx::cosh, |x, y, d| Some(mul(d, &sinh(x))), on f64s(&[-2.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[1.        1.5430807]";
    /// The hyperbolic tangent.
    Tanh tanh Inexact, math(M::Tanh), cx::tanh,
        // (1 + y)(1 - y), which loses less than 1 - y^2 where y is near 1
        |x, y, d| Some(mul(&add_any(d, &mul(d, y)), &sub(&lit(x, 1.0), y))), on f64s(&[-2.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[0.        0.7615942]";
    /// The inverse hyperbolic sine.
    Asinh asinh Inexact, math(M::Asinh), cx::asinh, |x, y, d| Some(mul(d, &rsqrt(&add(&mul(x, x), &lit(x, 1.0))))), on f64s(&[-2.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[0.        0.8813736]";
    /// The inverse hyperbolic cosine.
    Acosh acosh Inexact, math(M::Acosh), cx::acosh,
        |x, y, d| Some(mul(d, &rsqrt(&mul(&sub(x, &lit(x, 1.0)), &add(x, &lit(x, 1.0)))))), on f64s(&[1.1f64, 2.0, 5.0]),
        "&array![1., 2.]" => "[0.       1.316958]";
    /// The inverse hyperbolic tangent.
    Atanh atanh Inexact, math(M::Atanh), cx::atanh,
        |x, y, d| { let r = div(&lit(x, 1.0), &add(&lit(x, 1.0), x)); Some(div(&mul(&r, d), &sub(&lit(x, 1.0), x))) }, on f64s(&[-0.9f64, 0.2, 0.7]),
        "&array![0., 0.5]" => "[0.         0.54930615]";
    /// The logistic function 1 / (1 + e^-x).
    Logistic logistic Inexact, math(M::Logistic), cx::logistic, |x, y, d| Some(mul(d, &mul(y, &sub(&lit(x, 1.0), y)))), on f64s(&[-2.0f64, 0.2, 1.5]),
        "&array![0., 1.]" => "[0.5       0.7310586]";
    /// The square root.
    Sqrt sqrt Inexact, plain(Op::Sqrt), cx::sqrt, |x, y, d| Some(mul(d, &div(&lit(x, 0.5), y))), on f64s(&[0.1f64, 1.0, 7.5]),
        "&array![4., 2., -1.]" => "[2.        1.4142135       nan]";
    /// 1 / sqrt(x).
    Rsqrt rsqrt Inexact, |b, dt, x| { let (o, r) = (b.num(dt, 1.0), b.un(Op::Sqrt, dt, x)); b.bin(Op::Div, dt, o, r) }, cx::rsqrt,
        |x, y, d| Some(mul(d, &mul(&lit(x, -0.5), &div(y, x)))), on f64s(&[0.1f64, 1.0, 7.5]), "&array![4., 0.25]" => "[0.5 2. ]";
    /// The cube root.
    Cbrt cbrt Float, math(M::Cbrt), real_only, |x, y, d| Some(mul(d, &div(&lit(x, 1.0 / 3.0), &mul(y, y)))), on f64s(&[-3.0f64, 0.1, 7.5]),
        "&array![8., -27.]" => "[ 2. -3.]";
    /// The error function.
    Erf erf Float, math(M::Erf), real_only,
        |x, y, d| Some(mul(&lit(x, std::f64::consts::FRAC_2_SQRT_PI), &mul(d, &exp(&neg(&mul(x, x)))))), on f64s(&[-1.5f64, 0.2, 0.9]),
        "&array![0., 0.5]" => "[0.        0.5204999]";
    /// The complementary error function 1 - erf(x).
    Erfc erfc Float, math(M::Erfc), real_only,
        |x, y, d| Some(mul(&lit(x, -std::f64::consts::FRAC_2_SQRT_PI), &mul(d, &exp(&neg(&mul(x, x)))))), on f64s(&[-1.5f64, 0.2, 0.9]),
        "&array![0., 0.5]" => "[1.         0.47950011]";
    /// The inverse of the error function.
    ErfInv erf_inv Float, math(M::ErfInv), real_only,
        |x, y, d| Some(mul(&lit(x, 1.0 / std::f64::consts::FRAC_2_SQRT_PI), &mul(d, &exp(&mul(y, y))))), on f64s(&[-0.7f64, 0.2, 0.9]),
        "&array![0., 0.5]" => "[0.         0.47693628]";
    /// The logarithm of the absolute value of the gamma function.
    Lgamma lgamma Float, math(M::Lgamma), real_only, |x, y, d| Some(mul(d, &digamma(x))), on f64s(&[0.3f64, 1.7, 5.5]),
        "&array![1., 5.]" => "[0.        3.1780539]";
    /// The derivative of lgamma.
    Digamma digamma Float, math(M::Digamma), real_only, |x, y, d| Some(mul(d, &polygamma(1, x))), on f64s(&[0.3f64, 1.7, 5.5]),
        "&array![1., 2.]" => "[-0.5772157   0.42278433]";
    /// The modified Bessel function of the first kind of order 0, times e^-|x|.
    BesselI0e bessel_i0e Float, math(M::BesselI0e), real_only,
        |x, y, d| Some(mul(d, &sub(&bessel_i1e(x), &mul(&sign(x), y)))), on f64s(&[-2.0f64, 0.3, 1.7]), "&array![0., 1.]" => "[1.        0.4657596]";
    /// The modified Bessel function of the first kind of order 1, times e^-|x|.
    BesselI1e bessel_i1e Float, math(M::BesselI1e), real_only, |x, y, d| {
        // the quotient y / x tends to 1/2 at 0; near it 1 / x overflows, and a safe divisor keeps the unused branch finite
        let eps = x.dtype().float_info().expect("a floating-point type").eps;
        let tiny = le(&abs(x), &lit(x, eps));
        let safe = select_n(&tiny, &[x, &full_of(x.aval(), 1.0)]);
        let slope = sub(&bessel_i0e(&safe), &mul(y, &add(&sign(&safe), &div(&lit(x, 1.0), &safe))));
        Some(mul(d, &select_n(&tiny, &[&slope, &full_of(x.aval(), 0.5)])))
    }, on f64s(&[-2.0f64, 0.3, 1.7]), "&array![0., 1.]" => "[0.         0.20791042]";
    /// -1, 0 or 1 (of a complex number its direction, z / |z|).
    Sign sign Number, plain(Op::Sign), cx::sign, |x, y, d| None, on f64s(&[-2.0f64, 0.3]), "&array![-7., 0., 2.]" => "[-1.  0.  1.]";
    /// The greatest integer that is not greater.
    Floor floor Float, plain(Op::Floor), real_only, |x, y, d| None, on f64s(&[-2.3f64, 0.3]), "&array![-1.5, 1.5]" => "[-2.  1.]";
    /// The least integer that is not less.
    Ceil ceil Float, plain(Op::Ceil), real_only, |x, y, d| None, on f64s(&[-2.3f64, 0.3]), "&array![-1.5, 1.5]" => "[-1.  2.]";
    /// The nearest integer, halves to even.
    RoundEven round_even ("round" rounding_method 1) Float, plain(Op::RoundEven), real_only, |x, y, d| None, on f64s(&[-2.3f64, 0.3]),
        "&array![0.5, 1.5, 2.5]" => "[0. 2. 2.]";
    /// The nearest integer, halves away from zero.
    RoundAway round_away ("round" rounding_method 0) Float, plain(Op::RoundAway), real_only, |x, y, d| None, on f64s(&[-2.3f64, 0.3]),
        "&array![0.5, 1.5, 2.5]" => "[1. 2. 3.]";
    /// Each bit inverted; of a truth value its opposite.
    Invert not Bits, plain(Op::Not), real_only, |x, y, d| None, on crate::array(vec![1i32, -7, 0]), "&array![0, 5]" => "[-1 -6]";
    /// The number of bits that are set.
    PopulationCount population_count Int, plain(Op::PopCount), real_only, |x, y, d| None, on crate::array(vec![1u32, 70000, 0]),
        "&array![7, 8, -1]" => "[ 3  1 32]";
    /// The number of leading zero bits.
    Clz clz Int, plain(Op::Clz), real_only, |x, y, d| None, on crate::array(vec![1u32, 70000, 0]), "&array![1, 8]" => "[31 28]";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are JAX's: as near to 0 as that the slope is the one at 0, and nothing overflows or cancels.
    #[test]
    fn slopes_near_zero() {
        let slope = crate::grad(bessel_i1e);
        assert_eq!(slope(&crate::array(vec![1e-39f32]).reshape(&[])).to_f64(), 0.5);
        assert_eq!(crate::grad(slope)(&Array::from_slice(&[1e-200f64], &[])).to_f64(), 0.0);
    }
}
