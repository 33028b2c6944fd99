//! Counting along a dimension.

use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Dt, Op, ValId};

/// An array of this shape whose elements are their index along `dimension`.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::iota(DType::Int32, &[2, 3], 1).to_string(), "[[0 1 2]\n [0 1 2]]");
/// ```
///
/// # Panics
/// If there is no such dimension, or if the type is not one of numbers.
#[track_caller]
pub fn iota(dtype: DType, shape: &[usize], dimension: usize) -> Array {
    bind1(&Iota { dtype, shape: shape.into(), dimension }, &[])
}
/// See [`iota`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| x + prim::iota(DType::Float32, &[2], 0), (&array![1., 2.],));
/// assert!(program.to_string().contains("iota[dimension=0 dtype=float32 shape=(2,) sharding=None]"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Iota {
    dtype: DType,
    shape: Shape,
    dimension: usize,
}
impl Primitive for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("dimension", self.dimension.to_string().into()),
            ("dtype", self.dtype.name().into()),
            ("shape", tuple(&self.shape).into()),
            ("sharding", "None".into()),
        ]
    }
    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals, String> {
        if self.dimension >= self.shape.len() {
            return Err(format!("dimension {} is out of bounds for shape {}", self.dimension, tuple(&self.shape)));
        }
        if !self.dtype.is_inexact() && !self.dtype.is_integer() {
            return Err(format!("no count in elements of type (dtype) {}", self.dtype));
        }
        Ok(one(Aval::new(self.dtype, &self.shape)))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn batch(&self, _: &Lanes, _: &[&Array], _: &[Option<usize>]) -> Batched {
        unreachable!("it has no operand to be mapped")
    }
    fn lower(&self, l: &mut Lower, _: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = self.dtype.dt();
        one(l.map(&outs[0], &[], |b, _| {
            let i = b.index(self.dimension as u32, if dt.is_int() { dt } else { Dt::I64 });
            if dt.is_int() {
                lower::Num::Re(i)
            } else {
                let x = b.un(Op::Cast, dt.part(), i);
                if dt.is_complex() { lower::Num::Cx(x, b.num(dt.part(), 0.0)) } else { lower::Num::Re(x) }
            }
        }))
    }
}

pub(super) const READ: &[Read] = &[("iota", |p, _| {
    Ok(one(iota(crate::jaxpr::dtype_param(p, "dtype")?, &p.usizes("shape")?, p.usize("dimension")?)))
})];
pub(super) fn cases() -> Vec<Case> {
    vec![Case { name: "iota", args: vec![], run: |_| vec![iota(DType::Int32, &[2, 3], 1), iota(DType::Float32, &[4], 0)] }, Case {
        name: "each type, and of nothing",
        args: vec![Array::from_slice(&[2.0f64], &[])],
        run: |x| {
            let types = [DType::Int8, DType::Uint64, DType::Float16, DType::BFloat16, DType::Complex64, DType::Complex128];
            let each = types.map(|t| iota(t, &[2, 3], 0));
            each.into_iter().chain([iota(DType::Int32, &[0, 2], 1), mul(&x[0], &iota(DType::Float64, &[3], 0))]).collect()
        },
    }]
}
