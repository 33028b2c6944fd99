//! Between real and complex numbers: the absolute value, the parts, conjugation, and putting the parts together.
//!
//! Derivatives take the complex numbers as pairs of real ones; cotangents pair without conjugation, as JAX's do.

use super::lower::Num;
use super::testing::{in_types, odd_shapes};
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::complex as cx;
use cotangent_cpu::{Op, ValId};

fn real_part_of(x: &[&Aval], what: &str) -> Result<Avals, String> {
    if !x[0].dtype.is_complex() {
        return Err(format!("takes the {what} of complex numbers, not of elements of type (dtype) {}", x[0].dtype));
    }
    Ok(one(Aval { dtype: x[0].dtype.real_part(), ..x[0].clone() }))
}

/// The absolute value; of a complex number its modulus, which is real. The derivative at 0 is 1 for real numbers and 0 for complex
/// ones. The most negative integer is its own absolute value.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let z = prim::complex(&array![3., 0.], &array![4., -2.]);
/// assert_eq!(prim::abs(&z).to_string(), "[5. 2.]");
/// assert_eq!(prim::abs(&array![-7, 7]).to_string(), "[7 7]");
/// ```
#[track_caller]
pub fn abs(x: &Array) -> Array {
    bind1(&Abs, &[x])
}
/// See [`abs`].
///
/// ```
/// use cotangent::prim::{Abs, Primitive};
/// assert_eq!(Abs.name(), "abs");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Abs;
impl Primitive for Abs {
    fn name(&self) -> &'static str {
        "abs"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Takes::Number.check(x[0].dtype)?;
        Ok(one(Aval { dtype: x[0].dtype.real_part(), ..x[0].clone() }))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let (x, y) = (x[0], &y[0]);
        one(dx[0].map(|d| {
            if !x.dtype().is_complex() {
                let (plus, minus) = (full_of(x.aval(), 1.0), full_of(x.aval(), -1.0));
                return mul(d, &select_n(&ge(x, &lit(x, 0.0)), &[&minus, &plus]));
            }
            // Re(dx conj(x)) / |x|, and 0 where x is
            let zero = eq(y, &lit(y, 0.0));
            let safe = select_n(&zero, &[y, &full_of(y.aval(), 1.0)]);
            let dot = add(&mul(&real(d), &real(x)), &mul(&imag(d), &imag(x)));
            div(&dot, &safe)
        }))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((abs(x[0]), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        one(l.map(&outs[0], x, |b, x| {
            Num::Re(match x[0] {
                Num::Re(x) if dt.is_unsigned() => x,
                Num::Re(x) => b.un(Op::Abs, dt, x),
                Num::Cx(re, im) => cx::abs(b, dt, (re, im)),
            })
        }))
    }
}

/// Linear functions between real and complex: type of the result, transpose, and the result from the parts of the operands.
macro_rules! parts { ($($(#[$doc:meta])* $Name:ident $name:ident, |$a:ident| $ty:expr, |$ct:ident, $like:ident| $back:expr, |$b:ident, $dt:ident, $z:ident| $body:expr, $of:literal => $gives:literal;)*) => { $(
    $(#[$doc])*
    ///
    #[doc = example!($name, $of, $gives)]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { bind1(&$Name, &[x]) }
    #[doc = named!($Name $name)]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name;
    impl Primitive for $Name {
        fn name(&self) -> &'static str { stringify!($name) }
        fn abstract_eval(&self, $a: &[&Aval]) -> Result<Avals, String> { $ty }
        fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents { one(dx[0].map($name)) }
        fn linear_in(&self, _: &[bool]) -> bool { true }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
            let ($ct, $like) = (ct[0].as_ref().expect("a cotangent"), io.aval(0).clone());
            let c = $back;
            io.add(0, c)
        }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched { one(($name(x[0]), dims[0])) }
        #[allow(unused_variables)]
        fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
            let $dt = outs[0].dtype.dt().part();
            one(l.map(&outs[0], x, |$b, x| { let $z = x[0]; $body }))
        }
    }
)* } }
parts! {
    /// The real part of complex numbers.
    Real real, |x| real_part_of(x, "real part"),
        |ct, _like| complex(ct, &zeros_of(ct.aval())),
        |b, dt, z| Num::Re(z.cx().0), "&prim::complex(&array![1., 2.], &array![3., 4.])" => "[1. 2.]";
    /// The imaginary part of complex numbers.
    Imag imag, |x| real_part_of(x, "imaginary part"),
        |ct, _like| complex(&zeros_of(ct.aval()), &neg(ct)),
        |b, dt, z| Num::Re(z.cx().1), "&prim::complex(&array![1., 2.], &array![3., 4.])" => "[3. 4.]";
    /// The conjugate; a real number becomes a complex one.
    Conj conj, |x| match x[0].dtype {
            t if t.is_complex() => Ok(one(x[0].clone())),
            t @ (DType::Float32 | DType::Float64) => Ok(one(Aval { dtype: t.to_complex(), ..x[0].clone() })),
            t => Err(format!("does not take elements of type (dtype) {t}, but complex numbers, float32 and float64")),
        },
        |ct, like| if like.dtype.is_complex() { conj(ct) } else { real(ct) },
        |b, dt, z| match z {
            Num::Re(x) => Num::Cx(x, b.num(dt, 0.0)),
            Num::Cx(re, im) => Num::Cx(re, b.un(Op::Neg, dt, im)),
        }, "&prim::complex(&array![1.], &array![3.])" => "[1.-3.j]";
}

/// Complex numbers from their real and imaginary parts, float32 or float64.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let z = prim::complex(&array![1., 2.], &array![3., -4.]);
/// assert_eq!(z.to_string(), "[1.+3.j 2.-4.j]");
/// ```
#[track_caller]
pub fn complex(re: &Array, im: &Array) -> Array {
    bind1(&Complex, &[re, im])
}
/// See [`complex`].
///
/// ```
/// use cotangent::prim::{Complex, Primitive};
/// assert_eq!(Complex.name(), "complex");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Complex;
impl Primitive for Complex {
    fn name(&self) -> &'static str {
        "complex"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        match same_dtype(x)? {
            t @ (DType::Float32 | DType::Float64) => Ok(one(elementwise(t.to_complex(), x)?)),
            t => Err(format!("does not take elements of type (dtype) {t}, but float32 and float64")),
        }
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        if dx[0].is_none() && dx[1].is_none() {
            return one(None);
        }
        one(Some(complex(&materialize(dx[0], x[0]), &materialize(dx[1], x[1]))))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        if io.is_linear(0) {
            let c = unbroadcast(real(ct), io.aval(0));
            io.add(0, c)
        }
        if io.is_linear(1) {
            let c = unbroadcast(neg(&imag(ct)), io.aval(1));
            io.add(1, c)
        }
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (x, d) = align(x, dims);
        one((complex(&x[0], &x[1]), Some(d)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        one(l.map(&outs[0], x, |_, x| Num::Cx(x[0].re(), x[1].re())))
    }
}

pub(super) const READ: &[Read] = &[
    ("abs", |_, x| Ok(one(abs(&x[0])))),
    ("real", |_, x| Ok(one(real(&x[0])))),
    ("imag", |_, x| Ok(one(imag(&x[0])))),
    ("conj", |_, x| Ok(one(conj(&x[0])))),
    ("complex", |_, x| Ok(one(complex(&x[0], &x[1])))),
];
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.25f64, 3.0])];
    vec![
        Case { name: "abs", args: vec![crate::array(vec![1.5f64, -2.0])], run: |x| vec![abs(&x[0])] },
        Case { name: "modulus", args: two(), run: |x| vec![abs(&complex(&x[0], &x[1]))] },
        Case { name: "modulus of each type", args: vec![crate::array(vec![1.5f32, -2.0])], run: |x| {
            in_types(&x[0], |t| !t.is_bool() && !t.is_unsigned()).iter().map(abs).collect()
        } },
        Case { name: "shapes",
            args: odd_shapes(),
            run: |x| {
            x.iter().flat_map(|x| { let z = conj(&complex(x, &neg(x))); [abs(&z), real(&z), imag(&z)] }).collect()
        } },
        Case { name: "parts", args: two(), run: |x| {
            let z = complex(&x[0], &x[1]);
            let w = mul(&z, &conj(&add(&z, &conj(&x[0]))));
            vec![real(&w), imag(&w)]
        } },
    ]
}
