//! Products with more than one word: x y + z with one rounding, and the upper half of a product of integers, which is a composition.

use super::lower::Num;
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Op, ValId};

/// x y + z, rounded once, for real operands of one type that broadcast as those of [`add`] do. Integers wrap.
///
/// No transformation and no compiler ever makes one of a product and a sum: it is there where a formula says so.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// // (1 + e)^2 - 1 of float32: the product alone loses the square of e
/// let (x, one) = (array(1f32 + 2f32.powi(-12)), array(-1f32));
/// assert_eq!(prim::mul_add(&x, &x, &one).to_f64(), 2f64.powi(-11) + 2f64.powi(-24));
/// assert_eq!((&x * &x + &one).to_f64(), 2f64.powi(-11));
/// ```
#[track_caller]
pub fn mul_add(x: &Array, y: &Array, z: &Array) -> Array {
    bind1(&MulAdd, &[x, y, z])
}
/// See [`mul_add`].
///
/// ```
/// use cotangent::prim::{MulAdd, Primitive};
/// assert_eq!(MulAdd.name(), "mul_add");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MulAdd;
impl Primitive for MulAdd {
    fn name(&self) -> &'static str {
        "mul_add"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let dtype = same_dtype(x)?;
        Takes::Real.check(dtype)?;
        Ok(one(elementwise(dtype, x)?))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let full = |d: Array| broadcast_tangent(d, &y[0]);
        let product = match (dx[0], dx[1]) {
            (Some(d), None) => Some(full(mul(d, x[1]))),
            (None, Some(d)) => Some(full(mul(x[0], d))),
            (Some(d), Some(e)) => Some(full(add_any(&full(mul(d, x[1])), &full(mul(x[0], e))))),
            (None, None) => None,
        };
        one(add_tangents(product, dx[2].map(|d| full(d.clone()))))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (x, d) = align(x, dims);
        one((mul_add(&x[0], &x[1], &x[2]), Some(d)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        one(l.map(&outs[0], x, |b, x| Num::Re(b.push(Op::MulAdd, dt, x[0].re(), x[1].re(), x[2].re()))))
    }
}

/// The upper half of the product of integers of one type, which has twice as many bits.
///
/// ```
/// use cotangent::{array, prim};
/// assert_eq!(prim::mulhi(&array(vec![-100i8, 50]), &array(vec![77i8, 50])).to_vec::<i8>(), [-31, 9]);
/// ```
///
/// # Panics
/// If the operands are no integers of one type, or do not broadcast.
#[track_caller]
pub fn mulhi(x: &Array, y: &Array) -> Array {
    let t = x.dtype();
    if !t.is_integer() || y.dtype() != t {
        crate::error::fail(
            crate::error::ErrorKind::Type,
            format!("mulhi: needs integers of one type (dtype), got {} and {}", x.aval(), y.aval()),
        )
    }
    let down = if t.is_unsigned() { shift_right_logical } else { shift_right_arithmetic };
    if t.bits() < 64 {
        let wide = if t.is_unsigned() { DType::Uint64 } else { DType::Int64 };
        let product = mul(&convert_element_type(x, wide, x.weak_type()), &convert_element_type(y, wide, y.weak_type()));
        return convert_element_type(&down(&product, &lit(&product, t.bits() as f64)), t, product.weak_type());
    }
    // by halves; the lower ones are without a sign, and no sum of theirs overflows
    let half = lit(x, 32.0);
    let low = |x: &Array| and(x, &lit(x, f64::from(u32::MAX)));
    let (xl, yl, xh, yh) = (low(x), low(y), down(x, &half), down(y, &half));
    let first = add(&mul(&xh, &yl), &shift_right_logical(&mul(&xl, &yl), &half));
    let second = add(&mul(&xl, &yh), &low(&first));
    add(&add(&mul(&xh, &yh), &down(&first, &half)), &down(&second, &half))
}

pub(super) const READ: &[Read] = &[("mulhi", |_, x| Ok(one(mulhi(&x[0], &x[1]))))];
pub(super) fn cases() -> Vec<Case> {
    let args = || {
        vec![
            Array::from_slice(&[1.5f64, -2.0, 3.0, 0.25], &[2, 2]),
            Array::from_slice(&[0.5f64, 5.0, -3.0, 1.0], &[2, 2]),
            Array::from_slice(&[0.125f64], &[]),
        ]
    };
    vec![
        Case { name: "of an array", args: args(), run: |x| vec![mul_add(&x[0], &x[1], &x[2])] },
        Case { name: "of one by itself", args: args(), run: |x| vec![mul_add(&x[0], &x[0], &x[0])] },
        Case {
            name: "of a row and a column",
            args: args(),
            run: |x| vec![mul_add(&slice(&x[0], &[0, 0], &[1, 2], None), &slice(&x[1], &[0, 0], &[2, 1], None), &x[2])],
        },
        Case {
            name: "mulhi of each type",
            args: vec![crate::array(vec![100i32, -7]), crate::array(vec![77i32, 12345])],
            run: |x| {
                let pairs = testing::in_types(&x[0], DType::is_integer).into_iter();
                pairs.zip(testing::in_types(&x[1], DType::is_integer)).map(|(x, y)| mulhi(&x, &y)).collect()
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_halves_of_64_bits() {
        let all = [0u64, 1, 2, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0001, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
        for x in all {
            for y in all {
                let wide = ((u128::from(x) * u128::from(y)) >> 64) as u64;
                assert_eq!(mulhi(&crate::array(vec![x]), &crate::array(vec![y])).to_vec::<u64>(), [wide], "{x} {y}");
                let (a, b) = (x as i64, y as i64);
                let wide = ((i128::from(a) * i128::from(b)) >> 64) as i64;
                assert_eq!(mulhi(&crate::array(vec![a]), &crate::array(vec![b])).to_vec::<i64>(), [wide], "{a} {b}");
            }
        }
    }
}
