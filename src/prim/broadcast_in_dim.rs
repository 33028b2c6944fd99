//! Repetition along new or unit dimensions.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// Dimension i of `x` becomes dimension `dims[i]` of `shape`; an extent of 1 is repeated, and so is everything along the other
/// dimensions.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let columns = prim::broadcast_in_dim(&array![1, 2], &[2, 3], &[0]);
/// assert_eq!(columns.to_string(), "[[1 1 1]\n [2 2 2]]");
/// ```
///
/// # Panics
/// If `dims` does not have one dimension of `shape` for each of `x`, all distinct, or if an extent is neither 1 nor that of `shape`.
#[track_caller]
pub fn broadcast_in_dim(x: &Array, shape: &[usize], dims: &[usize]) -> Array {
    if x.shape() == shape && dims.len() == shape.len() && dims.iter().enumerate().all(|(i, d)| i == *d) {
        return x.clone();
    }
    if x.dtype() == crate::DType::Float0 && !x.is_tracer() {
        return Array::from_bytes(x.aval().with_shape(shape.iter().copied()), &[]); // there is nothing to repeat
    }
    bind1(&BroadcastInDim { shape: shape.into(), dims: dims.into() }, &[x])
}
/// See [`broadcast_in_dim`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::broadcast_in_dim(x, &[3, 2], &[1]), (&array![1., 2.],));
/// assert!(program.to_string().contains("broadcast_in_dim[broadcast_dimensions=(1,)] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BroadcastInDim {
    shape: Shape,
    dims: Shape,
}
impl Primitive for BroadcastInDim {
    fn name(&self) -> &'static str {
        "broadcast_in_dim"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        if self.dims.is_empty() { vec![] } else { vec![("broadcast_dimensions", tuple(&self.dims).into())] }
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let fits = x[0].shape.len() == self.dims.len()
            && self.dims.iter().enumerate().all(|(i, d)| !self.dims[..i].contains(d))
            && x[0].shape.iter().zip(&self.dims).all(|(n, d)| *n == 1 || self.shape.get(*d) == Some(n))
            && self.dims.iter().all(|d| *d < self.shape.len());
        if !fits {
            return Err(format!("{} does not fit the shape {} along dimensions {}", x[0], tuple(&self.shape), tuple(&self.dims)));
        }
        Ok(one(x[0].with_shape(self.shape.iter().copied())))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let from = io.aval(0).clone();
        // sum over what was repeated, then give unit dimensions back
        let axes: Vec<usize> = (0..self.shape.len())
            .filter(|d| match self.dims.iter().position(|e| e == d) {
                None => true,
                Some(i) => from.shape[i] == 1 && self.shape[*d] != 1,
            })
            .collect();
        let summed = reduce_sum(ct, &axes);
        // what is left stands in the order of the result's dimensions
        let kept: Vec<usize> = (0..self.shape.len()).filter(|d| !axes.contains(d)).collect();
        let perm: Vec<usize> = self.dims.iter().filter_map(|d| kept.iter().position(|k| k == d)).collect();
        io.add(0, reshape(&transpose(&summed, &perm), &from.shape))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let x = move_axis(x[0], dims[0].expect("a mapped operand"), 0);
        let shape: Vec<usize> = [lanes.size].into_iter().chain(self.shape.iter().copied()).collect();
        let d: Vec<usize> = [0].into_iter().chain(self.dims.iter().map(|d| d + 1)).collect();
        one((broadcast_in_dim(&x, &shape, &d), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], _: &[Aval]) -> Vals {
        let mut v = View::splat(&self.shape);
        let natural = cotangent_cpu::row_major(&ins[0].shape);
        for (i, d) in self.dims.iter().enumerate() {
            v.strides[*d] = if ins[0].shape[i] == 1 { 0 } else { natural[i] }
        }
        one(l.view(x[0], v))
    }
}

pub(super) const READ: &[Read] = &[("broadcast_in_dim", |p, x| {
    Ok(one(broadcast_in_dim(&x[0], &p.usizes("shape")?, &p.usizes("broadcast_dimensions")?)))
})];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0], &[3, 1])];
    vec![
        Case { name: "new dimension", args: x(), run: |x| vec![broadcast_in_dim(&x[0], &[2, 3, 1], &[1, 2])] },
        Case { name: "unit dimension", args: x(), run: |x| vec![broadcast_in_dim(&x[0], &[3, 2, 4], &[0, 2])] },
        Case { name: "complex numbers, and of nothing", args: x(), run: |x| {
            let z = complex(&x[0], &mul(&x[0], &x[0]));
            let none = slice(&x[0], &[0, 0], &[3, 0], None);
            let mut all = components(&broadcast_in_dim(&z, &[2, 3, 2], &[1, 2]));
            all.extend([broadcast_in_dim(&x[0], &[3, 0], &[0, 1]), broadcast_in_dim(&none, &[3, 2, 0], &[0, 2])]);
            all
        } },
        Case { name: "each type", args: vec![crate::array(vec![1.5f32, -2.0])], run: |x| {
            in_types(&x[0], |_| true).iter().map(|x| broadcast_in_dim(x, &[2, 3], &[0])).collect()
        } },
        Case { name: "scalar", args: vec![Array::from_slice(&[2.0f64], &[])], run: |x| vec![broadcast_in_dim(&x[0], &[2, 2], &[])] },
    ]
}
