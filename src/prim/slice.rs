//! A box of an array, with steps.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{ValId, View};

/// The elements from `start` to before `limit` in steps of `strides` (1 where there is `None`), dimension by dimension.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![[1, 2, 3], [4, 5, 6]];
/// assert_eq!(prim::slice(&x, &[0, 1], &[2, 3], None).to_string(), "[[2 3]\n [5 6]]");
/// assert_eq!(prim::slice(&x, &[1, 0], &[2, 3], Some(&[1, 2])).to_string(), "[[4 6]]");
/// ```
///
/// # Panics
/// If a list does not have as many entries as `x` has dimensions, if a step is 0, or unless `start <= limit <= extent` in each dimension.
#[track_caller]
pub fn slice(x: &Array, start: &[usize], limit: &[usize], strides: Option<&[usize]>) -> Array {
    let whole = limit == x.shape() && start.len() == limit.len() && start.iter().all(|s| *s == 0);
    if whole && strides.is_none_or(|s| s.len() == limit.len() && s.iter().all(|s| *s == 1)) {
        return x.clone();
    }
    bind1(&Slice { start: start.into(), limit: limit.into(), strides: strides.map(|s| s.into()) }, &[x])
}
/// `slice` along one dimension, all of the others.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![[1, 2, 3, 4], [5, 6, 7, 8]];
/// assert_eq!(prim::slice_in_dim(&x, 1, 4, 2, 1).to_string(), "[[2 4]\n [6 8]]");
/// ```
///
/// # Panics
/// If there is no such dimension, and as [`slice`] does.
#[track_caller]
pub fn slice_in_dim(x: &Array, start: usize, limit: usize, stride: usize, dim: usize) -> Array {
    let (mut low, mut high, mut step) = (Shape::from_elem(0, x.ndim()), Shape::from_slice(x.shape()), Shape::from_elem(1, x.ndim()));
    if dim >= x.ndim() {
        crate::error::fail(
            crate::error::ErrorKind::Shape,
            format!("slice_in_dim: dimension {dim} is out of bounds for {}", x.aval()),
        )
    }
    low[dim] = start;
    high[dim] = limit;
    step[dim] = stride;
    slice(x, &low, &high, (stride != 1).then_some(&step[..]))
}

/// See [`slice`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::slice(x, &[1], &[2], None), (&array![1., 2.],));
/// assert!(program.to_string().contains("slice[limit_indices=(2,) start_indices=(1,) strides=None] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slice {
    start: Shape,
    limit: Shape,
    strides: Option<Shape>,
}
impl Slice {
    fn stride(&self, d: usize) -> usize {
        self.strides.as_ref().map_or(1, |s| s[d])
    }
}
impl Primitive for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("limit_indices", tuple(&self.limit).into()),
            ("start_indices", tuple(&self.start).into()),
            ("strides", self.strides.as_ref().map_or("None".into(), |s| tuple(s)).into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let n = x[0].shape.len();
        let ranks = self.start.len() == n && self.limit.len() == n && self.strides.as_ref().is_none_or(|s| s.len() == n);
        if !ranks || (0..n).any(|d| self.limit[d] > x[0].shape[d] || self.start[d] > self.limit[d] || self.stride(d) == 0) {
            return Err(format!(
                "no slice of {} from {} to {} in steps of {}",
                x[0],
                tuple(&self.start),
                tuple(&self.limit),
                self.strides.as_ref().map_or("1".into(), |s| tuple(s))
            ));
        }
        Ok(one(x[0].with_shape((0..n).map(|d| (self.limit[d] - self.start[d]).div_ceil(self.stride(d))))))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let config: Vec<(i64, i64, i64)> = (0..self.start.len())
            .map(|d| {
                let (step, n) = (self.stride(d), ct.shape()[d]);
                let covered = self.start[d] + if n == 0 { 0 } else { 1 + step * (n - 1) };
                (self.start[d] as i64, io.aval(0).shape[d] as i64 - covered as i64, step as i64 - 1)
            })
            .collect();
        let whole = |ct: &Array| pad(ct, &lit(ct, 0.0), &config);
        if self.strides.is_some() {
            return io.add(0, whole(ct));
        }
        let long = io.aval(0).shape.iter().any(|n| *n > i32::MAX as usize);
        let dtype = if long { DType::Int64 } else { DType::Int32 };
        let starts: SmallVec<[Array; 4]> = self.start.iter().map(|s| scalar_of(dtype, true, *s as f64)).collect();
        io.add_box(0, ct.clone(), &starts.iter().collect::<SmallVec<[&Array; 4]>>(), whole)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        let mut s = self.clone();
        s.start.insert(b, 0);
        s.limit.insert(b, lanes.size);
        if let Some(s) = &mut s.strides {
            s.insert(b, 1)
        }
        one((bind1(&s, &[x[0]]), Some(b)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let natural = cotangent_cpu::row_major(&ins[0].shape);
        let mut v = View::splat(&outs[0].shape);
        for (d, n) in natural.iter().enumerate() {
            v.offset += n * self.start[d] as i64;
            v.strides[d] = n * self.stride(d) as i64
        }
        one(l.view(x[0], v))
    }
}

pub(super) const READ: &[Read] = &[
    ("slice", |p, x| {
        Ok(one(slice(&x[0], &p.usizes("start_indices")?, &p.usizes("limit_indices")?, p.opt_usizes("strides")?.as_deref())))
    }),
    ("split", |p, x| {
        let (axis, mut at) = (p.usize("axis")?, 0);
        Ok(p.usizes("sizes")?
            .into_iter()
            .map(|n| {
                at += n;
                slice_in_dim(&x[0], at - n, at, 1, axis)
            })
            .collect())
    }),
    ("unstack", |p, x| {
        let axis = p.usize("axis")?;
        let n = x[0].shape().get(axis).ok_or_else(|| p.error("axis", format!("out of bounds for {}", x[0].aval())))?;
        Ok((0..*n).map(|i| squeeze(&slice_in_dim(&x[0], i, i + 1, 1, axis), &[axis])).collect())
    }),
];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[2, 4])];
    vec![
        Case { name: "box", args: x(), run: |x| vec![slice(&x[0], &[1, 1], &[2, 3], None)] },
        Case { name: "steps", args: x(), run: |x| vec![slice(&x[0], &[0, 0], &[2, 4], Some(&[1, 3]))] },
        Case { name: "complex numbers",
            args: x(),
            run: |x| components(&slice(&complex(&x[0], &mul(&x[0], &x[0])), &[0, 1], &[1, 4], Some(&[1, 2]))) },
        Case { name: "a scalar",
            args: vec![Array::from_slice(&[2.0f64], &[])],
            run: |x| vec![mul(&slice(&x[0], &[], &[], None), &x[0])] },
        Case { name: "each type", args: vec![crate::array(vec![1.5f32, -2.0, 0.0, 3.0])], run: |x| {
            in_types(&x[0], |_| true).iter().map(|x| slice(x, &[1], &[4], Some(&[2]))).collect()
        } },
        Case { name: "empty", args: x(), run: |x| vec![slice(&x[0], &[0, 2], &[2, 2], None)] },
    ]
}
