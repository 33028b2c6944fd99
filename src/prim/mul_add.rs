//! x y + z with one rounding.

use super::lower::Num;
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Op, ValId};

/// x y + z, rounded once, for real operands of one type that broadcast as those of [`add`] do. Integers wrap.
///
/// No transformation and no compiler ever makes one of a product and a sum: it is there where a formula says so.
#[track_caller]
pub fn mul_add(x: &Array, y: &Array, z: &Array) -> Array {
    bind1(&MulAdd, &[x, y, z])
}
/// See [`mul_add`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MulAdd;
impl Primitive for MulAdd {
    fn name(&self) -> &'static str {
        "mul_add"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let dtype = same_dtype(x)?;
        if !dtype.is_float() && !dtype.is_integer() {
            return Err(format!("does not take elements of type (dtype) {dtype}"));
        }
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

pub(super) const READ: &[Read] = &[];
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
    ]
}
