//! Rotation along a dimension.
//!
//! JAX writes `jnp.roll` as a concatenation of two slices. Then its derivative adds each of them, with zeros around it or in place, to what else there is: four operations for a
//! rotation the other way. As an operation it is its own kind of transpose, and one view of an array in memory.

use super::testing::{components, in_types};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Guard, ValId, View};

/// `x` with its elements moved by `shift` places along a dimension; those that leave it at one end come back at the other.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::roll(&array![1, 2, 3, 4], 1, 0).to_string(), "[4 1 2 3]");
/// assert_eq!(prim::roll(&array![[1, 2, 3], [4, 5, 6]], -1, 1).to_string(), "[[2 3 1]\n [5 6 4]]");
/// ```
///
/// # Panics
/// If there is no such dimension.
#[track_caller]
pub fn roll(x: &Array, shift: i64, dimension: usize) -> Array {
    match x.shape().get(dimension) {
        Some(n) if *n == 0 || shift.rem_euclid(*n as i64) == 0 => x.clone(),
        n => {
            let shift = n.map_or(0, |n| shift.rem_euclid(*n as i64) as usize);
            bind1(&Roll { shift, dimension }, &[x])
        }
    }
}
/// See [`roll`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::roll(x, -1, 0), (&array![1., 2., 3.],));
/// assert!(program.to_string().contains("roll[dimension=0 shift=2] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Roll {
    /// At least 1, and less than the extent.
    shift: usize,
    dimension: usize,
}
impl Primitive for Roll {
    fn name(&self) -> &'static str {
        "roll"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("dimension", self.dimension.to_string().into()), ("shift", self.shift.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        match x[0].shape.get(self.dimension) {
            Some(n) if self.shift < *n => Ok(one(x[0].clone())),
            Some(n) => Err(format!("a shift by {} along a dimension of {n}", self.shift)),
            None => Err(format!("there is no dimension {} of {}", self.dimension, x[0])),
        }
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| roll(d, self.shift as i64, self.dimension)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        io.add(0, roll(ct[0].as_ref().expect("a cotangent"), -(self.shift as i64), self.dimension))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        one((roll(x[0], self.shift as i64, shifted(&[self.dimension], b)[0]), Some(b)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], _: &[Aval]) -> Vals {
        let mut v = View::identity(&ins[0].shape);
        let (n, lo) = (ins[0].shape[self.dimension] as i64, self.shift as i64);
        v.guards.push(Guard { dim: self.dimension as u32, lo, hi: lo + n, step: Guard::AROUND });
        one(l.view(x[0], v))
    }
}

/// Other libraries write it with slices.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 1, 3])];
    vec![
        Case { name: "the last dimension", args: x(), run: |x| vec![roll(&x[0], 1, 2)] },
        Case { name: "the first dimension", args: x(), run: |x| vec![roll(&x[0], -1, 0)] },
        Case { name: "both", args: x(), run: |x| vec![roll(&roll(&x[0], 5, 2), 1, 0)] },
        Case { name: "nothing", args: x(), run: |x| vec![roll(&mul(&x[0], &x[0]), 3, 2)] },
        Case {
            name: "complex numbers",
            args: x(),
            run: |x| components(&roll(&complex(&x[0], &mul(&x[0], &x[0])), 2, 2)),
        },
        Case {
            name: "each type",
            args: vec![crate::array(vec![1.5f32, -2.0, 0.0])],
            run: |x| in_types(&x[0], |_| true).iter().map(|x| roll(x, 1, 0)).collect(),
        },
        Case { name: "empty", args: vec![Array::from_slice::<f64>(&[], &[2, 0])], run: |x| vec![roll(&x[0], 1, 0)] },
    ]
}
