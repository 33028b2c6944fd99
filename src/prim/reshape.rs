//! The same elements, in row-major order, under another shape. Squeezing is a reshape that says which dimensions go, so lanes can stay
//! where they are, and a program prints as JAX's does.

use super::testing::components;
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// `x` with another shape of as many elements. Costs nothing: the memory is shared.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::reshape(&array![1, 2, 3, 4], &[2, 2]).to_string(), "[[1 2]\n [3 4]]");
/// ```
///
/// # Panics
/// If the shape holds another number of elements.
#[track_caller]
pub fn reshape(x: &Array, shape: &[usize]) -> Array {
    if x.shape() == shape { x.clone() } else { bind1(&Reshape { shape: shape.into() }, &[x]) }
}
/// `x` without these dimensions, whose extents are 1.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::squeeze(&array![[1, 2]], &[0]).to_string(), "[1 2]");
/// ```
///
/// # Panics
/// If one has another extent, does not exist, or is named twice.
#[track_caller]
pub fn squeeze(x: &Array, dims: &[usize]) -> Array {
    if dims.is_empty() {
        return x.clone();
    }
    let mut dims = Shape::from_slice(dims);
    dims.sort_unstable();
    bind1(&Squeeze { dims }, &[x])
}
/// `x` with new dimensions of extent 1, which are `dims` of the result.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::expand_dims(&array![1, 2], &[0, 2]).shape(), [1, 2, 1]);
/// ```
///
/// # Panics
/// If one is named twice, or is none of the result.
#[track_caller]
pub fn expand_dims(x: &Array, dims: &[usize]) -> Array {
    let rank = x.ndim() + dims.len();
    if dims.iter().enumerate().any(|(i, d)| *d >= rank || dims[..i].contains(d)) {
        crate::error::fail(
            crate::error::ErrorKind::Shape,
            format!("expand_dims: {} are not distinct dimensions of a result of {rank}, made of {}", tuple(dims), x.aval()),
        )
    }
    let mut old = x.shape().iter().copied();
    let of = |d| if dims.contains(&d) { 1 } else { old.next().expect("an extent for each other dimension") };
    let shape: Shape = (0..rank).map(of).collect();
    reshape(x, &shape)
}

/// See [`reshape`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::reshape(x, &[2, 1]), (&array![1., 2.],));
/// assert!(program.to_string().contains("reshape[dimensions=None new_sizes=(2, 1) sharding=None] a"), "{program}");
/// ```
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

/// See [`squeeze`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::squeeze(x, &[0]), (&array![[1., 2.]],));
/// assert!(program.to_string().contains("squeeze[dimensions=(0,)] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Squeeze {
    dims: Shape,
}
impl Primitive for Squeeze {
    fn name(&self) -> &'static str {
        "squeeze"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("dimensions", tuple(&self.dims).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let shape = &x[0].shape;
        if let Some(d) = self.dims.iter().find(|d| shape.get(**d) != Some(&1)) {
            return Err(format!("dimension {d} of shape {} does not have extent 1", tuple(shape)));
        }
        if self.dims.windows(2).any(|d| d[0] == d[1]) {
            return Err(format!("dimensions {} name one twice", tuple(&self.dims)));
        }
        let left = (0..shape.len()).filter(|d| !self.dims.contains(d));
        Ok(one(x[0].with_shape(left.map(|d| shape[d]))))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| squeeze(d, &self.dims)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let s = io.aval(0).shape.clone();
        io.add(0, reshape(ct[0].as_ref().expect("a cotangent"), &s))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        let gone = shifted(&self.dims, b);
        one((squeeze(x[0], &gone), Some(b - gone.iter().filter(|d| **d < b).count())))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        one(l.view(x[0], View::identity(&outs[0].shape)))
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
        Case {
            name: "squeeze of several, of nothing, to a scalar",
            args: vec![Array::from_slice(&[1.5f64, -2.0, 0.5], &[1, 3, 1])],
            run: |x| {
                let (none, unit) =
                    (slice(&x[0], &[0, 0, 0], &[1, 0, 1], None), slice(&x[0], &[0, 1, 0], &[1, 2, 1], None));
                vec![
                    squeeze(&x[0], &[2, 0]),
                    squeeze(&x[0], &[2]),
                    squeeze(&none, &[0]),
                    squeeze(&unit, &[0, 1, 2]),
                    squeeze(&x[0], &[]),
                ]
            },
        },
        Case { name: "expand_dims", args: x(), run: |x| vec![expand_dims(&x[0], &[0, 3])] },
    ]
}
