//! Reversal of dimensions.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// `x` with the order of elements along `dimensions` reversed.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::rev(&array![[1, 2], [3, 4]], &[0]).to_string(), "[[3 4]\n [1 2]]");
/// ```
///
/// # Panics
/// If a dimension repeats or does not exist.
#[track_caller]
pub fn rev(x: &Array, dimensions: &[usize]) -> Array {
    if dimensions.is_empty() { x.clone() } else { bind1(&Rev { dimensions: dimensions.into() }, &[x]) }
}
/// See [`rev`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::rev(x, &[0]), (&array![1., 2.],));
/// assert!(program.to_string().contains("rev[dimensions=(0,)] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rev {
    dimensions: Shape,
}
impl Primitive for Rev {
    fn name(&self) -> &'static str {
        "rev"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("dimensions", tuple(&self.dimensions).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let d = &self.dimensions;
        if d.iter().enumerate().any(|(i, e)| *e >= x[0].shape.len() || d[..i].contains(e)) {
            return Err(format!("{} are not distinct dimensions of {}", tuple(d), x[0]));
        }
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| rev(d, &self.dimensions)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        io.add(0, rev(ct[0].as_ref().expect("a cotangent"), &self.dimensions))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        one((rev(x[0], &shifted(&self.dimensions, b)), Some(b)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], _: &[Aval]) -> Vals {
        let mut v = View::identity(&ins[0].shape);
        for d in &self.dimensions {
            v.offset += v.strides[*d] * (ins[0].shape[*d] as i64 - 1).max(0);
            v.strides[*d] *= -1
        }
        one(l.view(x[0], v))
    }
}

pub(super) const READ: &[Read] = &[("rev", |p, x| Ok(one(rev(&x[0], &p.usizes("dimensions")?))))];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 1, 3])];
    vec![
        Case { name: "one dimension", args: x(), run: |x| vec![rev(&x[0], &[2])] },
        Case { name: "all dimensions", args: x(), run: |x| vec![rev(&x[0], &[2, 0, 1])] },
        Case {
            name: "complex numbers",
            args: x(),
            run: |x| components(&rev(&complex(&x[0], &mul(&x[0], &x[0])), &[0, 2])),
        },
        Case {
            name: "each type",
            args: vec![crate::array(vec![1.5f32, -2.0, 0.0])],
            run: |x| in_types(&x[0], |_| true).iter().map(|x| rev(x, &[0])).collect(),
        },
        Case { name: "empty", args: vec![Array::from_slice::<f64>(&[], &[2, 0])], run: |x| vec![rev(&x[0], &[1, 0])] },
    ]
}
