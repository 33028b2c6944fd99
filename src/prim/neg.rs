//! Negation: elementwise and linear.

use super::testing::{components, in_types, odd_shapes, undifferentiated};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::Op;

/// -x. Of an unsigned integer: its two's complement.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::neg(&array![1, -2]).to_string(), "[-1  2]");
/// assert_eq!(prim::neg(&array(vec![1u8])).to_string(), "[255]");
/// ```
#[track_caller]
pub fn neg(x: &Array) -> Array {
    bind1(&Neg, &[x])
}
/// See [`neg`].
///
/// ```
/// use cotangent::prim::{Neg, Primitive};
/// assert_eq!(Neg.name(), "neg");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Neg;
impl Primitive for Neg {
    fn name(&self) -> &'static str {
        "neg"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Takes::Number.check(x[0].dtype)?;
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(neg))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        io.add(0, neg(ct[0].as_ref().expect("a cotangent")))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((neg(x[0]), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[cotangent_cpu::ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt().part();
        one(l.map(&outs[0], x, |b, x| match x[0] {
            lower::Num::Re(x) => lower::Num::Re(b.un(Op::Neg, dt, x)),
            lower::Num::Cx(re, im) => lower::Num::Cx(b.un(Op::Neg, dt, re), b.un(Op::Neg, dt, im)),
        }))
    }
}

pub(super) const READ: &[Read] = &[("neg", |_, x| Ok(one(neg(&x[0]))))];
pub(super) fn cases() -> Vec<Case> {
    let x = crate::array(vec![1.5f64, -2.0, 0.0]);
    vec![
        Case { name: "neg", args: vec![x.clone()], run: |x| vec![neg(&x[0])] },
        Case {
            name: "complex numbers",
            args: vec![x.clone(), crate::array(vec![0.5f64, 0.0, -1.0])],
            run: |x| components(&neg(&complex(&x[0], &x[1]))),
        },
        Case {
            name: "of each type",
            args: vec![undifferentiated(x)],
            run: |x| in_types(&x[0], |t| !t.is_bool()).iter().map(neg).collect(),
        },
        Case {
            name: "shapes",
            args: odd_shapes(),
            run: |x| x.iter().map(neg).collect(),
        },
    ]
}
