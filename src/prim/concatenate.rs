//! Arrays one behind the other along a dimension.

use super::testing::{components, in_types};
use super::*;
use crate::aval::Shape;
use crate::error::{ErrorKind, fail};
use crate::trace::bind1;
use cotangent_cpu::{Kind, Use, ValId};

/// The operands one behind the other along `dimension`. They have one element type and, but for that dimension, one shape.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = prim::concatenate(&[&array![[1], [2]], &array![[3, 4], [5, 6]]], 1);
/// assert_eq!(x.to_string(), "[[1 3 4]\n [2 5 6]]");
/// ```
///
/// # Panics
/// If there is none, if they differ otherwise, or if there is no such dimension.
#[track_caller]
pub fn concatenate(operands: &[&Array], dimension: usize) -> Array {
    match operands {
        [] => fail(ErrorKind::Shape, "concatenate: there is nothing to concatenate"),
        [x] if dimension < x.ndim() => (*x).clone(),
        _ => bind1(&Concatenate { dimension }, operands),
    }
}
/// The operands, all of one shape, side by side along a new dimension, `axis` of the result.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = prim::stack(&[&array![1, 2], &array![3, 4]], 1);
/// assert_eq!(x.to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If there is none, if they differ in shape or element type, or if `axis` is none of the result.
#[track_caller]
pub fn stack(operands: &[&Array], axis: usize) -> Array {
    let slabs: Vec<Array> = operands.iter().map(|x| expand_dims(x, &[axis])).collect();
    concatenate(&slabs.iter().collect::<Vec<_>>(), axis)
}
/// `x` repeated `reps[d]` times along each dimension d, as a whole.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::tile(&array![1, 2], &[3]).to_string(), "[1 2 1 2 1 2]");
/// ```
///
/// # Panics
/// If `reps` does not have one entry for each dimension.
#[track_caller]
pub fn tile(x: &Array, reps: &[usize]) -> Array {
    if reps.len() != x.ndim() {
        fail(
            ErrorKind::Shape,
            format!("tile: {} repetitions for the {} dimensions of {}", reps.len(), x.ndim(), x.aval()),
        )
    }
    // each dimension becomes two, a repeated one and the old one behind it
    let pairs: Shape = reps.iter().zip(x.shape()).flat_map(|(r, n)| [*r, *n]).collect();
    let old: Vec<usize> = (0..x.ndim()).map(|d| 2 * d + 1).collect();
    let shape: Shape = reps.iter().zip(x.shape()).map(|(r, n)| r * n).collect();
    reshape(&broadcast_in_dim(x, &pairs, &old), &shape)
}

/// See [`concatenate`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::concatenate(&[x, x], 0), (&array![1., 2.],));
/// assert!(program.to_string().contains("concatenate[dimension=0] a a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Concatenate {
    dimension: usize,
}
impl Primitive for Concatenate {
    fn name(&self) -> &'static str {
        "concatenate"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("dimension", self.dimension.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let Some(first) = x.first() else { return Err("there is nothing to concatenate".into()) };
        same_dtype(x)?;
        let d = self.dimension;
        let fits = |a: &Aval| {
            a.shape.len() == first.shape.len()
                && d < a.shape.len()
                && (0..a.shape.len()).all(|e| e == d || a.shape[e] == first.shape[e])
        };
        if !x.iter().all(|a| fits(a)) {
            return Err(format!("{} cannot be joined along dimension {d}", listed(x)));
        }
        let mut out = (*first).clone();
        out.shape[d] = x.iter().map(|a| a.shape[d]).sum();
        out.weak = x.iter().all(|a| a.weak);
        out.varying = varying(x);
        Ok(one(out))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        if dx.iter().all(|d| d.is_none()) {
            return one(None);
        }
        let d: Vec<Array> = x.iter().zip(dx).map(|(x, d)| materialize(*d, x)).collect();
        one(Some(concatenate(&d.iter().collect::<Vec<_>>(), self.dimension)))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let (ct, mut at) = (ct[0].as_ref().expect("a cotangent"), 0);
        for i in 0..io.len() {
            let end = at + io.aval(i).shape[self.dimension];
            if io.is_linear(i) {
                io.add(i, slice_in_dim(ct, at, end, 1, self.dimension))
            }
            at = end
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        // all mapped on one axis: nothing has to move
        if let Some(b) = dims[0]
            && dims.iter().all(|d| *d == Some(b))
        {
            return one((concatenate(x, self.dimension + (self.dimension >= b) as usize), Some(b)));
        }
        let all = all_front(lanes, x, dims);
        one((concatenate(&all.iter().collect::<Vec<_>>(), self.dimension + 1), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let uses: Vec<Use> = x.iter().map(|x| Use::plain(*x)).collect();
        one(l.p.push(Kind::Concat { dim: self.dimension as u32 }, &uses, &[lower::ty(&outs[0])]))
    }
}

pub(super) const READ: &[Read] = &[
    ("concatenate", |p, x| Ok(one(concatenate(&x.iter().collect::<Vec<_>>(), p.usize("dimension")?)))),
    ("stack", |p, x| Ok(one(stack(&x.iter().collect::<Vec<_>>(), p.usize("axis")?)))),
    ("tile", |p, x| Ok(one(tile(&x[0], &p.usizes("reps")?)))),
];
pub(super) fn cases() -> Vec<Case> {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]);
    let y = Array::from_slice(&[-1.0f64, 0.5, 7.0, -2.5], &[2, 2]);
    let none = Array::from_slice::<f64>(&[], &[2, 0]);
    let two = || vec![x.clone(), y.clone(), none.clone()];
    vec![
        Case { name: "concatenate", args: two(), run: |x| vec![concatenate(&[&x[0], &x[1], &x[2], &x[1]], 1)] },
        Case { name: "outer dimension", args: two(), run: |x| vec![concatenate(&[&x[0], &x[0]], 0)] },
        Case {
            name: "one operand, and complex ones",
            args: two(),
            run: |x| {
                let z = complex(&x[1], &mul(&x[1], &x[1]));
                let mut all = components(&concatenate(&[&z, &neg(&z)], 0));
                all.extend([
                    mul(&concatenate(&[&x[0]], 1), &x[0]),
                    concatenate(&[&x[2], &x[2]], 1),
                    concatenate(&[&x[2], &x[2]], 0),
                ]);
                all
            },
        },
        Case {
            name: "each type",
            args: vec![crate::array(vec![1.5f32, -2.0, 0.0])],
            run: |x| in_types(&x[0], |_| true).iter().map(|x| concatenate(&[x, x], 0)).collect(),
        },
        Case { name: "stack", args: two(), run: |x| vec![stack(&[&x[0], &x[0]], 1)] },
        Case { name: "tile", args: two(), run: |x| vec![tile(&x[1], &[2, 3])] },
    ]
}
