//! Powers with integer exponents: one for all elements, or one for each.

use super::lower::Num;
use super::testing::{components, in_types, odd_shapes};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::complex as cx;
use cotangent_cpu::{Body, Dt, M, Op, ValId};

/// x to the power of the integer y, by squaring. A negative power is that of the reciprocal; integers take none.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::integer_pow(&array![2., -3.], 3).to_string(), "[  8. -27.]");
/// assert_eq!(prim::integer_pow(&array![2., -4.], -1).to_string(), "[ 0.5  -0.25]");
/// ```
#[track_caller]
pub fn integer_pow(x: &Array, y: i32) -> Array {
    match y {
        1 => x.clone(),
        y => bind1(&IntegerPow { y }, &[x]),
    }
}
/// See [`integer_pow`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array| x.powi(5), (&array![1., 2.],));
/// assert!(program.to_string().contains("integer_pow[y=5] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IntegerPow {
    y: i32,
}
impl Primitive for IntegerPow {
    fn name(&self) -> &'static str {
        "integer_pow"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("y", self.y.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = x[0].dtype;
        Takes::Number.check(t)?;
        if self.y < 0 && t.is_integer() {
            return Err(format!("integers (dtype {t}) cannot be raised to the negative power {}; convert them to a floating-point type", self.y));
        }
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].and_then(|d| match self.y {
            0 => None,
            y => Some(mul(d, &mul(&lit(x[0], y as f64), &integer_pow(x[0], y - 1)))),
        }))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((integer_pow(x[0], self.y), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt().part();
        one(l.map(&outs[0], x, |b, x| {
            // the product over the set bits of the exponent, lowest first
            let times = |b: &mut Body, p: Num, q: Num| match (p, q) {
                (Num::Re(p), Num::Re(q)) => Num::Re(b.bin(Op::Mul, dt, p, q)),
                (p, q) => {
                    let (re, im) = cx::mul(b, dt, p.cx(), q.cx());
                    Num::Cx(re, im)
                }
            };
            let unit = |b: &mut Body| match x[0] {
                Num::Re(_) => Num::Re(b.num(dt, 1.0)),
                Num::Cx(..) => Num::Cx(b.num(dt, 1.0), b.num(dt, 0.0)),
            };
            let (mut acc, mut base, mut n) = (None, x[0], self.y.unsigned_abs());
            while n > 0 {
                if n & 1 == 1 {
                    acc = Some(match acc {
                        None => base,
                        Some(a) => times(b, a, base),
                    })
                }
                n >>= 1;
                if n > 0 {
                    base = times(b, base, base)
                }
            }
            let acc = acc.unwrap_or_else(|| unit(b));
            if self.y >= 0 {
                return acc;
            }
            match (unit(b), acc) {
                (Num::Re(p), Num::Re(q)) => Num::Re(b.bin(Op::Div, dt, p, q)),
                (p, q) => {
                    let (re, im) = cx::div(b, dt, p.cx(), q.cx());
                    Num::Cx(re, im)
                }
            }
        }))
    }
}

/// x to the power of y, where x is floating-point or complex and y an integer array: the derivative at 0 to the power 0 is 0.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::pow_int(&array![2., -3.], &array![-1, 2]).to_string(), "[0.5 9. ]");
/// ```
#[track_caller]
pub fn pow_int(x: &Array, y: &Array) -> Array {
    bind1(&PowInt, &[x, y])
}
/// See [`pow_int`].
///
/// ```
/// use cotangent::prim::{PowInt, Primitive};
/// assert_eq!(PowInt.name(), "pow");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PowInt;
impl Primitive for PowInt {
    fn name(&self) -> &'static str {
        "pow"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if !x[0].dtype.is_inexact() || !x[1].dtype.is_integer() {
            return Err(format!("a power of {} by {} mixes element types (dtypes)", x[0], x[1]));
        }
        Ok(one(elementwise(x[0].dtype, x)?))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        one(dx[0].map(|d| {
            let (x, n) = (x[0], x[1]);
            let zero = eq(n, &lit(n, 0.0));
            let safe = select_n(&zero, &[n, &full_of(n.aval(), 1.0)]);
            let less = sub(&safe, &lit(n, 1.0));
            let slope = mul(&convert_element_type(n, x.dtype(), x.weak_type()), &pow_int(x, &less));
            broadcast_tangent(mul(d, &slope), &y[0])
        }))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (x, d) = align(x, dims);
        one((pow_int(&x[0], &x[1]), Some(d)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        one(l.map(&outs[0], x, |b, x| {
            let n = b.un(Op::Cast, dt.part(), x[1].re());
            match x[0] {
                Num::Re(x) => Num::Re(b.bin(Op::Math(M::Pow), dt, x, n)),
                Num::Cx(re, im) => {
                    let zero = b.num(dt.part(), 0.0);
                    let (re, im) = cx::pow(b, dt.part(), (re, im), (n, zero));
                    Num::Cx(re, im)
                }
            }
        }))
    }
}

/// x rounded to a floating-point format with these numbers of bits in exponent and mantissa, and kept in its own type.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// // as bfloat16 has it
/// assert_eq!(prim::reduce_precision(&array(3.14159), 8, 7).to_f64(), 3.140625);
/// ```
#[track_caller]
pub fn reduce_precision(x: &Array, exponent_bits: u32, mantissa_bits: u32) -> Array {
    bind1(&ReducePrecision { exponent_bits, mantissa_bits }, &[x])
}
/// See [`reduce_precision`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::reduce_precision(x, 5, 10), (&array![1., 2.],));
/// assert!(program.to_string().contains("reduce_precision[exponent_bits=5 mantissa_bits=10] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReducePrecision {
    exponent_bits: u32,
    mantissa_bits: u32,
}
impl Primitive for ReducePrecision {
    fn name(&self) -> &'static str {
        "reduce_precision"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("exponent_bits", self.exponent_bits.to_string().into()),
            ("mantissa_bits", self.mantissa_bits.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Takes::Float.check(x[0].dtype)?;
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| reduce_precision(d, self.exponent_bits, self.mantissa_bits)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        io.add(0, reduce_precision(ct[0].as_ref().expect("a cotangent"), self.exponent_bits, self.mantissa_bits))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((reduce_precision(x[0], self.exponent_bits, self.mantissa_bits), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        // the format's own bits: half the width of the integer of the same size
        let (word, exponent, mantissa) = match dt {
            Dt::F64 => (Dt::U64, 11u32, 52u32),
            _ => (Dt::U32, 8, 23),
        };
        let wide = if dt == Dt::F64 { Dt::F64 } else { Dt::F32 };
        let (keep_m, keep_e) = (self.mantissa_bits.min(mantissa), self.exponent_bits.min(exponent));
        one(l.map(&outs[0], x, |b, x| {
            let x0 = if dt == wide { x[0].re() } else { b.un(Op::Cast, wide, x[0].re()) };
            let bits = b.un(Op::Bitcast, word, x0);
            let mut r = bits;
            if keep_m < mantissa {
                // round to nearest even at the last kept bit
                let drop = mantissa - keep_m;
                let (by, last) = (b.bits(word, drop as u64), b.bits(word, 1));
                let half = b.bits(word, (1u64 << (drop - 1)) - 1);
                let lsb = b.bin(Op::Shr, word, bits, by);
                let lsb = b.bin(Op::And, word, lsb, last);
                let bias = b.bin(Op::Add, word, half, lsb);
                let up = b.bin(Op::Add, word, bits, bias);
                let mask = b.bits(word, if word == Dt::U64 { !0u64 << drop } else { (!0u32 << drop) as u64 });
                r = b.bin(Op::And, word, up, mask);
            }
            let y = b.un(Op::Bitcast, wide, r);
            let y = if keep_e < exponent {
                // beyond the exponents of the format: infinity or zero, with the sign
                let bias = (1i32 << (keep_e - 1)) - 1;
                let largest = b.num(wide, 2f64.powi(bias) * (2.0 - 2f64.powi(-(keep_m as i32))));
                let least = b.num(wide, 2f64.powi(1 - bias));
                let (size, zero, inf) = (b.un(Op::Abs, wide, y), b.num(wide, 0.0), b.num(wide, f64::INFINITY));
                let (over, under) = (b.cmp(Op::Lt, largest, size), b.cmp(Op::Lt, size, least));
                let sign = b.bits(word, if word == Dt::U64 { 1 << 63 } else { 1 << 31 });
                let sign = b.bin(Op::And, word, bits, sign);
                let signed = |b: &mut Body, v: u32| {
                    let v = b.un(Op::Bitcast, word, v);
                    let v = b.bin(Op::Or, word, v, sign);
                    b.un(Op::Bitcast, wide, v)
                };
                let (inf, zero) = (signed(b, inf), signed(b, zero));
                let y = b.select(wide, over, inf, y);
                b.select(wide, under, zero, y)
            } else {
                y
            };
            // NaN stays what it is
            let nan = b.cmp(Op::Ne, x0, x0);
            let y = b.select(wide, nan, x0, y);
            Num::Re(if dt == wide { y } else { b.un(Op::Cast, dt, y) })
        }))
    }
}

pub(super) const READ: &[Read] = &[
    ("integer_pow", |p, x| Ok(one(integer_pow(&x[0], p.i64("y")? as i32)))),
    ("reduce_precision", |p, x| {
        Ok(one(reduce_precision(&x[0], p.usize("exponent_bits")? as u32, p.usize("mantissa_bits")? as u32)))
    }),
];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![crate::array(vec![-1.5f64, 0.5, 2.0])];
    vec![
        Case { name: "cube", args: x(), run: |x| vec![integer_pow(&x[0], 3)] },
        Case { name: "reciprocal of a square", args: x(), run: |x| vec![integer_pow(&x[0], -2)] },
        Case { name: "exponents", args: x(), run: |x| [0, 1, 2, 5, -1].map(|n| integer_pow(&x[0], n)).to_vec() },
        Case { name: "powers of complex numbers", args: vec![x().remove(0), crate::array(vec![0.5f64, -1.0, 3.0])], run: |x| {
            let z = complex(&x[0], &x[1]);
            [integer_pow(&z, 3), integer_pow(&z, -2), integer_pow(&z, 1)].iter().flat_map(components).collect()
        } },
        Case { name: "powers of each type", args: vec![crate::array(vec![-1.5f32, 2.0])], run: |x| {
            in_types(&x[0], |t| !t.is_bool()).iter().map(|x| integer_pow(x, 3)).collect()
        } },
        Case { name: "shapes",
            args: odd_shapes(),
            run: |x| {
            let squared = pow_int(&x[2], &scalar_of(crate::dtype::DType::Int32, false, 2.0));
            x.iter().map(|x| integer_pow(x, 3)).chain([reduce_precision(&x[0], 11, 52), squared]).collect()
        } },
        Case { name: "an exponent for each",
            args: vec![x().remove(0), crate::array(vec![3i32, 0, -2])],
            run: |x| vec![pow_int(&x[0], &x[1])] },
        Case { name: "precision of bfloat16",
            args: vec![crate::array(vec![1.003f32, -2e-3, 1e38])],
            run: |x| vec![reduce_precision(&x[0], 8, 7)] },
    ]
}
