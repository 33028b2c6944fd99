//! The same elements, in row-major order, under another shape.

use super::testing::components;
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// `x` with another shape of as many elements. Costs nothing: the memory is shared.
#[track_caller]
pub fn reshape(x: &Array, shape: &[usize]) -> Array {
    if x.shape() == shape { x.clone() } else { bind1(&Reshape { shape: shape.into() }, &[x]) }
}
/// `x` without these dimensions, whose extents are 1.
#[track_caller]
pub fn squeeze(x: &Array, dims: &[usize]) -> Array {
    if let Some(d) = dims.iter().find(|d| x.shape().get(**d) != Some(&1)) {
        crate::error::fail(
            crate::error::ErrorKind::Shape,
            format!("squeeze: dimension {d} of shape {} does not have extent 1", tuple(x.shape())),
        )
    }
    let shape: Shape = (0..x.ndim()).filter(|d| !dims.contains(d)).map(|d| x.shape()[d]).collect();
    reshape(x, &shape)
}
/// `x` with new dimensions of extent 1, which are `dims` of the result.
#[track_caller]
pub fn expand_dims(x: &Array, dims: &[usize]) -> Array {
    let mut old = x.shape().iter().copied();
    let shape: Shape =
        (0..x.ndim() + dims.len()).map(|d| if dims.contains(&d) { 1 } else { old.next().unwrap_or(1) }).collect();
    reshape(x, &shape)
}

/// See [`reshape`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reshape {
    shape: Shape,
}
impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("dimensions", "None".into()), ("new_sizes", tuple(&self.shape).into()), ("sharding", "None".into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let n: usize = self.shape.iter().product();
        if x[0].size() != n {
            return Err(format!("{} has {} elements, the shape {} holds {n}", x[0], x[0].size(), tuple(&self.shape)));
        }
        Ok(one(x[0].with_shape(self.shape.iter().copied())))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| reshape(d, &self.shape)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let s = io.aval(0).shape.clone();
        io.add(0, reshape(ct[0].as_ref().expect("a cotangent"), &s))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let shape: Shape = [lanes.size].into_iter().chain(self.shape.iter().copied()).collect();
        one((reshape(&move_axis(x[0], dims[0].expect("a mapped operand"), 0), &shape), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        one(l.view(x[0], View::identity(&self.shape)))
    }
}

pub(super) const READ: &[Read] = &[
    ("reshape", |p, x| {
        let mut x = x[0].clone();
        if let Some(order) = p.opt_usizes("dimensions")? {
            x = transpose(&x, &order)
        }
        Ok(one(reshape(&x, &p.usizes("new_sizes")?)))
    }),
    ("squeeze", |p, x| Ok(one(squeeze(&x[0], &p.usizes("dimensions")?)))),
    ("expand_dims", |p, x| Ok(one(expand_dims(&x[0], &p.usizes("dimensions")?)))),
];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 1, 3])];
    vec![
        Case { name: "reshape", args: x(), run: |x| vec![reshape(&x[0], &[3, 2])] },
        Case {
            name: "complex numbers, of nothing, of one",
            args: x(),
            run: |x| {
                let (none, unit) =
                    (slice(&x[0], &[0, 0, 0], &[2, 0, 3], None), slice(&x[0], &[0, 0, 0], &[1, 1, 1], None));
                let mut all = components(&reshape(&complex(&x[0], &mul(&x[0], &x[0])), &[3, 2]));
                all.extend([reshape(&none, &[0, 5]), reshape(&unit, &[]), reshape(&reshape(&unit, &[]), &[1, 1])]);
                all
            },
        },
        Case { name: "squeeze", args: x(), run: |x| vec![squeeze(&x[0], &[1])] },
        Case { name: "expand_dims", args: x(), run: |x| vec![expand_dims(&x[0], &[0, 3])] },
    ]
}
