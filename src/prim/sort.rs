//! Lines in order, and their greatest elements.

use super::testing::{components, in_types};
use super::*;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::trace::batch::to_front;
use crate::trace::bind;
use cotangent_cpu::{Dt, Kind, Use, ValId};

/// The lines along `dimension` of all operands, which have one shape, reordered alike so that the first `num_keys` operands ascend, the first of them
/// being the most significant. Equal lines keep their order. NaNs come last, zeros of either sign are equal, and so are all NaNs; complex numbers are ordered by their real parts,
/// then by their imaginary parts. One result for each operand. As JAX's `lax.sort`.
///
/// The derivative reorders the tangents.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let keys = array![2, 1, 2, 1];
/// let sorted = lax::sort(&[&keys, &array![0.5, 1.5, 2.5, 3.5]], 0, 1);
/// assert_eq!(sorted[0].to_string(), "[1 1 2 2]");
/// assert_eq!(sorted[1].to_string(), "[1.5 3.5 0.5 2.5]");
/// ```
///
/// # Panics
/// If there is no operand, if shapes differ, if there is no such dimension, or if `num_keys` is 0 or more than the operands.
#[track_caller]
pub fn sort(operands: &[&Array], dimension: usize, num_keys: usize) -> Vec<Array> {
    bind(&Sort { dimension, is_stable: true, num_keys }, operands).into_iter().collect()
}
/// `keys` in ascending order along `dimension`, and `values` reordered like them: [`sort`] with one key.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let (k, v) = lax::sort_key_val(&array![3., 1., 2.], &array![10, 20, 30], 0);
/// assert_eq!((k.to_string(), v.to_string()), ("[1. 2. 3.]".into(), "[20 30 10]".into()));
/// ```
///
/// # Panics
/// As [`sort`].
#[track_caller]
pub fn sort_key_val(keys: &Array, values: &Array, dimension: usize) -> (Array, Array) {
    pair(bind(&Sort { dimension, is_stable: true, num_keys: 1 }, &[keys, values]))
}
fn pair(outs: Outs) -> (Array, Array) {
    let mut outs = outs.into_iter();
    let mut next = || outs.next().expect("two results");
    (next(), next())
}

/// See [`sort`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::sort(&[x], 0, 1).remove(0), (&array![1., 2.],));
/// assert!(program.to_string().contains("sort[dimension=0 is_stable=True num_keys=1] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sort {
    dimension: usize,
    /// Equal lines always keep their order. This is what was asked for.
    is_stable: bool,
    num_keys: usize,
}
impl Primitive for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let stable = if self.is_stable { "True" } else { "False" };
        vec![
            ("dimension", self.dimension.to_string().into()),
            ("is_stable", stable.into()),
            ("num_keys", self.num_keys.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if !(1..=x.len()).contains(&self.num_keys) {
            return Err(format!("{} keys of {} operands", self.num_keys, x.len()));
        }
        if x.iter().any(|a| a.shape != x[0].shape) {
            return Err(format!("shapes of {} differ", listed(x)));
        }
        if self.dimension >= x[0].shape.len() {
            return Err(format!("dimension {} is out of bounds for {}", self.dimension, x[0]));
        }
        for key in &x[..self.num_keys] {
            Takes::All.check(key.dtype)?;
        }
        let all = varying(x);
        Ok(x.iter().map(|a| Aval { varying: all, ..(*a).clone() }).collect())
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        let Some(like) = dx.iter().flatten().next() else { return x.iter().map(|_| None).collect() };
        // The order as indices. Not of all operands: what goes along has no say in it.
        let index = iota(index_type(like.shape()), like.shape(), self.dimension);
        let operands: Vec<&Array> = x[..self.num_keys].iter().copied().chain([&index]).collect();
        let order = bind(self, &operands).pop().expect("the order");
        dx.iter().map(|d| d.map(|d| reordered(d, &order, self.dimension))).collect()
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        false
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims.iter().flatten().next().copied().expect("a mapped operand");
        if dims.iter().all(|d| *d == Some(b)) {
            let dimension = self.dimension + (self.dimension >= b) as usize;
            return bind(&Sort { dimension, ..self.clone() }, x).into_iter().map(|y| (y, Some(b))).collect();
        }
        let all: Vec<Array> = x.iter().zip(dims).map(|(x, d)| to_front(x, *d, lanes.size)).collect();
        let sorted = bind(&Sort { dimension: self.dimension + 1, ..self.clone() }, &all.iter().collect::<Vec<_>>());
        sorted.into_iter().map(|y| (y, Some(0))).collect()
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let uses: Vec<Use> = x.iter().map(|x| Use::plain(*x)).collect();
        let types: Vec<_> = outs.iter().map(lower::ty).collect();
        let kind = Kind::Sort { dim: self.dimension as u32, keys: self.num_keys as u32 };
        let first = l.p.push(kind, &uses, &types);
        (first..first + x.len() as u32).collect()
    }
}

/// The type of indices along any dimension of this shape.
fn index_type(shape: &[usize]) -> DType {
    if shape.iter().any(|n| *n > u32::MAX as usize) { DType::Uint64 } else { DType::Uint32 }
}
/// The elements along `d` at the positions in `order`, which may be fewer.
fn reordered(x: &Array, order: &Array, d: usize) -> Array {
    let others: Vec<usize> = (0..x.ndim()).filter(|e| *e != d).collect();
    let dims = GatherDimensionNumbers::new(&[], &[d], &[d]).batching(&others, &others);
    gather(x, &expand_dims(order, &[x.ndim()]), &dims, &vec![1; x.ndim()], &GatherOptions::default())
}

/// The `k` greatest elements along `axis`, descending, and where along it they are, as int32. Of equal elements the first comes first. NaNs come before all others, +0 before
/// -0. As JAX's `lax.top_k`, which tells the signs of NaNs apart, too.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let (values, indices) = lax::top_k(&array![1., 5., 3., 5.], 3, 0);
/// assert_eq!((values.to_string(), indices.to_string()), ("[5. 5. 3.]".into(), "[1 3 2]".into()));
/// ```
///
/// # Panics
/// If there is no such axis, if it has fewer than `k` elements or more than int32 can count, or if elements are complex.
#[track_caller]
pub fn top_k(x: &Array, k: usize, axis: usize) -> (Array, Array) {
    pair(bind(&TopK { axis, k }, &[x]))
}
/// See [`top_k`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::top_k(x, 1, 0).0, (&array![1., 2.],));
/// assert!(program.to_string().contains("top_k["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopK {
    axis: usize,
    k: usize,
}
impl Primitive for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("axis", self.axis.to_string().into()), ("k", self.k.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let Some(n) = x[0].shape.get(self.axis) else {
            return Err(format!("axis {} is out of bounds for {}", self.axis, x[0]));
        };
        Takes::Ordered.check(x[0].dtype)?;
        if self.k > *n {
            return Err(format!("{} elements along axis {} of {}", self.k, self.axis, x[0]));
        }
        if *n > i32::MAX as usize + 1 {
            return Err(format!("an index along axis {} of {} does not fit into int32", self.axis, x[0]));
        }
        let mut shape: Shape = x[0].shape.clone();
        shape[self.axis] = self.k;
        let values = x[0].with_shape(shape);
        let indices = values.with_dtype(DType::Int32).with_weak(values.weak);
        Ok([values, indices].into_iter().collect())
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        [dx[0].map(|d| reordered(d, &y[1], self.axis)), None].into_iter().collect()
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        let (values, indices) = top_k(x[0], self.k, self.axis + (self.axis >= b) as usize);
        [(values, Some(b)), (indices, Some(b))].into_iter().collect()
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let types = [lower::ty(&outs[0]), lower::ty(&outs[1])];
        debug_assert_eq!(types[1].dt, Dt::I32);
        let first = l.p.push(Kind::Top { dim: self.axis as u32 }, &[Use::plain(x[0])], &types);
        [first, first + 1].into_iter().collect()
    }
}

pub(super) const READ: &[Read] = &[
    ("sort", |p, x| {
        let prim = Sort {
            dimension: p.usize("dimension")?,
            is_stable: p.bool("is_stable")?,
            num_keys: p.usize("num_keys")?,
        };
        Ok(bind(&prim, &x.iter().collect::<Vec<_>>()))
    }),
    ("top_k", |p, x| {
        let axis = match p.opt_usize("axis")? {
            Some(axis) => axis,
            None if x[0].ndim() > 0 => x[0].ndim() - 1,
            None => fail(ErrorKind::Shape, "top_k: a scalar has no axis"),
        };
        let (values, indices) = top_k(&x[0], p.usize("k")?, axis);
        Ok([values, indices].into_iter().collect())
    }),
];

pub(super) fn cases() -> Vec<Case> {
    let x = || Array::from_slice(&[1.5f64, -0.5, 2.25, 0.75, -1.25, 3.0, 0.25, -2.0, 1.0, 4.5, -3.5, 0.125], &[2, 3, 2]);
    let ties = || Array::from_slice(&[2i32, 1, 2, 1, 2, 0, 3, 1, 1, 1, 2, 2], &[2, 3, 2]);
    let none = || Array::from_slice::<f64>(&[], &[2, 0]);
    vec![
        Case {
            name: "sort",
            args: vec![x()],
            run: |x| (0..3).flat_map(|d| sort(&[&x[0]], d, 1)).collect(),
        },
        Case {
            name: "keys with ties, and what goes along",
            args: vec![ties(), x()],
            run: |x| {
                let y = neg(&x[1]);
                let mut all = sort(&[&x[0], &x[1], &y], 1, 1);
                all.extend(sort(&[&x[0], &y, &x[1]], 2, 2));
                all.extend(sort(&[&x[1], &x[0]], 0, 2));
                all
            },
        },
        Case {
            name: "one operand of two moves",
            args: vec![ties(), x()],
            run: |x| {
                let (i, v) = sort_key_val(&x[0], &mul(&x[1], &x[1]), 1);
                let (w, j) = sort_key_val(&x[1], &x[0], 0);
                vec![i, v, w, j]
            },
        },
        Case {
            name: "nothing and one",
            args: vec![none(), x()],
            run: |x| {
                let unit = slice(&x[1], &[0, 0, 0], &[1, 1, 2], None);
                let mut all = sort(&[&x[0]], 1, 1);
                all.extend(sort(&[&x[0], &x[0]], 0, 1));
                all.extend(sort(&[&unit], 0, 1));
                all.extend([top_k(&x[0], 0, 1), top_k(&unit, 1, 0), top_k(&unit, 0, 2)].into_iter().flat_map(<[_; 2]>::from));
                all
            },
        },
        Case {
            name: "complex numbers",
            args: vec![crate::array(vec![1.5f64, -0.5, 2.5, 0.25]), crate::array(vec![0.75f64, -1.25, -3.0, 2.0])],
            run: |x| sort(&[&complex(&x[0], &x[1])], 0, 1).iter().flat_map(components).collect(),
        },
        Case {
            name: "each type, with zeros and NaN",
            args: vec![crate::array(vec![0.0f32, 1.5, -0.0, -1.5, 0.0, 3.0, -0.0])],
            run: |x| {
                let nan = scalar_of(DType::Float32, false, f64::NAN);
                let real = in_types(&concatenate(&[&reshape(&nan, &[1]), &x[0]], 0), |t| !t.is_complex());
                let all = real.iter().cloned().chain(in_types(&x[0], |t| t.is_complex()));
                let index = |x: &Array| iota(DType::Int32, x.shape(), 0);
                let sorted = all.flat_map(|x| sort(&[&x, &index(&x)], 0, 1));
                let top = real.iter().flat_map(|x| <[_; 2]>::from(top_k(x, 5, 0)));
                sorted.chain(top).collect()
            },
        },
        Case {
            name: "top_k",
            args: vec![x(), ties()],
            run: |x| {
                let all = [top_k(&x[0], 2, 1), top_k(&x[0], 1, 2), top_k(&x[0], 2, 0), top_k(&x[1], 3, 1)];
                all.into_iter().flat_map(<[_; 2]>::from).collect()
            },
        },
    ]
}
