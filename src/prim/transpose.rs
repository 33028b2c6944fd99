//! Permutation of dimensions.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// Dimension i of the result is dimension `permutation[i]` of `x`.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::transpose(&array![[1, 2, 3], [4, 5, 6]], &[1, 0]).to_string(), "[[1 4]\n [2 5]\n [3 6]]");
/// ```
///
/// # Panics
/// If `permutation` does not name every dimension of `x` once.
#[track_caller]
pub fn transpose(x: &Array, permutation: &[usize]) -> Array {
    if permutation.len() == x.ndim() && permutation.iter().enumerate().all(|(i, p)| i == *p) {
        return x.clone();
    }
    bind1(&Transpose { permutation: permutation.into() }, &[x])
}
/// See [`transpose`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array| x.t(), (&array![[1., 2.]],));
/// assert!(program.to_string().contains("transpose[permutation=(1, 0)] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transpose {
    permutation: Shape,
}
impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("permutation", tuple(&self.permutation).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let n = x[0].shape.len();
        if self.permutation.len() != n || (0..n).any(|d| !self.permutation.contains(&d)) {
            return Err(format!("{} is not a permutation of the dimensions of {}", tuple(&self.permutation), x[0]));
        }
        Ok(one(x[0].with_shape(self.permutation.iter().map(|p| x[0].shape[*p]))))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| transpose(d, &self.permutation)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let mut inverse = self.permutation.clone();
        for (i, p) in self.permutation.iter().enumerate() {
            inverse[*p] = i
        }
        io.add(0, transpose(ct[0].as_ref().expect("a cotangent"), &inverse))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        let perm: Vec<usize> = [b].into_iter().chain(shifted(&self.permutation, b)).collect();
        one((transpose(x[0], &perm), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let natural = cotangent_cpu::row_major(&ins[0].shape);
        let mut v = View::splat(&outs[0].shape);
        for (i, p) in self.permutation.iter().enumerate() {
            v.strides[i] = natural[*p]
        }
        one(l.view(x[0], v))
    }
}

pub(super) const READ: &[Read] = &[("transpose", |p, x| Ok(one(transpose(&x[0], &p.usizes("permutation")?))))];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 1, 3])];
    vec![
        Case { name: "matrix", args: vec![reshape(&x()[0], &[2, 3])], run: |x| vec![transpose(&x[0], &[1, 0])] },
        Case {
            name: "complex numbers",
            args: x(),
            run: |x| components(&transpose(&complex(&x[0], &mul(&x[0], &x[0])), &[2, 0, 1])),
        },
        Case {
            name: "of nothing, of a scalar",
            args: vec![Array::from_slice::<f64>(&[], &[2, 0]), Array::from_slice(&[2.0f64], &[])],
            run: |x| vec![transpose(&x[0], &[1, 0]), transpose(&x[1], &[])],
        },
        Case {
            name: "each type",
            args: vec![Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])],
            run: |x| in_types(&x[0], |_| true).iter().map(|x| transpose(x, &[1, 0])).collect(),
        },
        Case { name: "three dimensions", args: x(), run: |x| vec![transpose(&x[0], &[2, 0, 1])] },
    ]
}
