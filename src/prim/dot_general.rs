//! Products of arrays summed over dimensions that both have: what vectors, matrices and batches of them multiply by.
//!
//! The order of the sums is part of the meaning (see the engine): it depends on the extents alone, not on layouts or lanes.

use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::{DType, promote};
use crate::trace::bind1;
use cotangent_cpu::{DotSpec, Dt, Kind, Ty, Use, ValId, View, row_major};

/// The products of elements of `x` and `y`, summed over the dimensions `contract.0` of `x` and, pairwise, `contract.1` of `y`. The pairs
/// of dimensions in `batch` run together and are kept. The result has the batch dimensions, then the other dimensions of `x`,
/// then those of `y`.
///
/// Operands of different types are converted to the type in which they meet. Sums are made in `preferred`, or in the type of the
/// operands, and at least in float32.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let (x, y) = (array![[1., 2.], [3., 4.]], array![[1., 10.], [100., 1000.]]);
/// // rows with rows, pair by pair: the first dimension of each is a batch
/// let rows = prim::dot_general(&x, &y, (&[1], &[1]), (&[0], &[0]), None);
/// assert_eq!(rows.to_string(), "[  21. 4300.]");
/// ```
///
/// # Panics
/// If dimensions repeat or do not exist, or if the extents of a pair differ.
#[track_caller]
pub fn dot_general(
    x: &Array,
    y: &Array,
    contract: (&[usize], &[usize]),
    batch: (&[usize], &[usize]),
    preferred: Option<DType>,
) -> Array {
    let p = DotGeneral {
        contract: [contract.0.into(), contract.1.into()],
        batch: [batch.0.into(), batch.1.into()],
        preferred,
    };
    if x.dtype() == y.dtype() || !x.dtype().is_number() || !y.dtype().is_number() {
        return bind1(&p, &[x, y]);
    }
    let dtype = promote((x.dtype(), x.weak_type()), (y.dtype(), y.weak_type())).0;
    let meet = |x: &Array| convert_element_type(x, dtype, x.weak_type());
    bind1(&p, &[&meet(x), &meet(y)])
}
/// See [`dot_general`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array| x.dot(x), (&array![1., 2.],));
/// assert!(program.to_string().contains("dot_general["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DotGeneral {
    contract: [Shape; 2],
    pub(crate) batch: [Shape; 2],
    preferred: Option<DType>,
}

impl DotGeneral {
    /// The dimensions of an operand that are neither summed over nor batched, in ascending order.
    fn free(&self, side: usize, rank: usize) -> Shape {
        (0..rank).filter(|d| !self.contract[side].contains(d) && !self.batch[side].contains(d)).collect()
    }
    fn check(&self, x: &[&Aval]) -> Result<(), String> {
        for (side, name) in ["first", "second"].into_iter().enumerate() {
            let dims: Shape = self.batch[side].iter().chain(&self.contract[side]).copied().collect();
            if let Some(d) = dims.iter().find(|d| **d >= x[side].ndim()) {
                return Err(format!("dimension {d} is out of bounds for the {name} operand, {}", x[side]));
            }
            if dims.iter().enumerate().any(|(i, d)| dims[..i].contains(d)) {
                return Err(format!("dimensions {} of the {name} operand, {}, repeat", tuple(&dims), x[side]));
            }
        }
        for (pair, what) in [(&self.contract, "summed over"), (&self.batch, "batched")] {
            if pair[0].len() != pair[1].len() {
                let dims = (tuple(&pair[0]), tuple(&pair[1]));
                return Err(format!("dimensions {} and {} are {what} together", dims.0, dims.1));
            }
            for (c, d) in pair[0].iter().zip(&pair[1]) {
                let (m, n) = (x[0].shape[*c], x[1].shape[*d]);
                if m != n {
                    return Err(format!(
                        "dimension {c} of {} has extent {m}, dimension {d} of {} has extent {n}: they cannot be {what} together",
                        x[0], x[1]
                    ));
                }
            }
        }
        Ok(())
    }
    /// The cotangent of operand `side` from that of the result and the other operand: a product of the same kind.
    fn back(&self, ct: &Array, other: &Array, side: usize, to: &Aval) -> Array {
        let that = 1 - side;
        let (mine, theirs) = (self.free(side, to.ndim()), self.free(that, other.ndim()));
        let batch = self.batch[side].len();
        let first = batch + if side == 0 { mine.len() } else { 0 };
        let (of_batch, of_theirs): (Shape, Shape) = ((0..batch).collect(), (first..first + theirs.len()).collect());
        let product = dot_general(ct, other, (&of_theirs, &theirs), (&of_batch, &self.batch[that]), self.preferred);
        // its dimensions: batch, what was free here, then what was summed over, in the other operand's order
        let mut summed: Vec<(usize, usize)> =
            self.contract[that].iter().copied().zip(self.contract[side].iter().copied()).collect();
        summed.sort_unstable();
        let order: Shape =
            self.batch[side].iter().chain(&mine).copied().chain(summed.into_iter().map(|s| s.1)).collect();
        let mut permutation = order.clone();
        for (i, d) in order.iter().enumerate() {
            permutation[*d] = i
        }
        let c = transpose(&product, &permutation);
        if c.dtype() == to.dtype { c } else { convert_element_type(&c, to.dtype, to.weak) }
    }
}

/// In which type products of such operands and their sums are made.
pub(crate) fn accumulator(preferred: Option<DType>, operands: DType) -> Dt {
    let out = preferred.unwrap_or(operands);
    if out.is_inexact() && operands.is_inexact() {
        return promote((out, false), (operands, false)).0.dt().acc();
    }
    out.dt().acc()
}
/// The type of sums of products of such operands, or why there is none.
pub(crate) fn product_type(preferred: Option<DType>, x: &[&Aval]) -> Result<DType, String> {
    let dtype = same_dtype(x)?;
    Takes::All.check(dtype)?;
    let out = preferred.unwrap_or(dtype);
    if !out.is_number() || out.is_complex() != dtype.is_complex() || dtype.is_float() && !out.is_float() {
        return Err(format!("a sum of products of elements of type (dtype) {dtype} cannot have type {out}"));
    }
    if !dtype.is_inexact() && !dtype.is_bool() && out.size() < dtype.size() {
        return Err(format!("the type (dtype) {out} of the result is narrower than the operands' {dtype}"));
    }
    Ok(out)
}

impl Primitive for DotGeneral {
    fn name(&self) -> &'static str {
        "dot_general"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let pair = |p: &[Shape; 2]| format!("({:?}, {:?})", p[0].as_slice(), p[1].as_slice());
        let dims = format!("({}, {})", pair(&self.contract), pair(&self.batch));
        let mut params = vec![("dimension_numbers", dims.into())];
        if let Some(t) = self.preferred {
            params.push(("preferred_element_type", t.name().into()))
        }
        params
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let out = product_type(self.preferred, x)?;
        self.check(x)?;
        let batch = self.batch[0].iter().map(|d| x[0].shape[*d]);
        let free = (0..2).flat_map(|s| self.free(s, x[s].ndim()).into_iter().map(move |d| x[s].shape[d]));
        Ok(one(Aval {
            dtype: out,
            weak: x[0].weak && x[1].weak,
            stack: 0,
            varying: x[0].varying | x[1].varying,
            shape: batch.chain(free).collect(),
        }))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        let of = |x: &Array, y: &Array| bind1(self, &[x, y]);
        one(add_tangents(dx[0].map(|d| of(d, x[1])), dx[1].map(|d| of(x[0], d))))
    }
    fn linear_in(&self, m: &[bool]) -> bool {
        exactly_one(m)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let side = if io.is_linear(0) { 0 } else { 1 };
        let c = self.back(ct[0].as_ref().expect("a cotangent"), io.known(1 - side), side, io.aval(side));
        io.add(side, c)
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mut p = self.clone();
        for side in 0..2 {
            if let Some(d) = dims[side] {
                p.batch[side] = shifted(&self.batch[side], d).into();
                p.contract[side] = shifted(&self.contract[side], d).into();
            }
        }
        let at = match dims {
            [Some(d), Some(e)] => {
                p.batch[0].insert(0, *d);
                p.batch[1].insert(0, *e);
                0
            }
            // one side's lanes are one more dimension that is kept
            [Some(d), None] => p.batch[0].len() + p.free(0, x[0].ndim()).iter().filter(|f| *f < d).count(),
            [_, d] => {
                let d = d.as_ref().expect("a mapped operand");
                let before = p.batch[0].len() + p.free(0, x[0].ndim()).len();
                before + p.free(1, x[1].ndim()).iter().filter(|f| *f < d).count()
            }
            _ => unreachable!("two operands"),
        };
        one((bind1(&p, x), Some(at)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let free = [self.free(0, ins[0].ndim()), self.free(1, ins[1].ndim())];
        let a = as_matrices(l, x[0], [&self.batch[0], &free[0], &self.contract[0]]);
        let b = as_matrices(l, x[1], [&self.batch[1], &self.contract[1], &free[1]]);
        let (batch, m) = (l.p.dims_of(&a)[0], l.p.dims_of(&a)[1]);
        let (k, n) = (l.p.dims_of(&b)[1], l.p.dims_of(&b)[2]);
        let out = outs[0].dtype.dt();
        let spec = DotSpec::for_sizes(n, k, accumulator(self.preferred, ins[0].dtype));
        let product = l.p.push(Kind::Dot(spec), &[a, b], &[Ty::new(out, &[batch, m, n])]);
        one(l.view(product, View::identity(&outs[0].shape)))
    }
}

/// The operand as a batch of matrices whose three dimensions are these groups of its own. A group whose strides chain is one stride; if
/// some group has none, the operand is copied.
fn as_matrices(l: &mut Lower, x: ValId, groups: [&[usize]; 3]) -> Use {
    let dims = l.p.ty(x).dims.clone();
    let strides = row_major(&dims);
    let extents = groups.map(|g| g.iter().map(|d| dims[*d]).product::<usize>());
    let stride = |g: &[usize]| -> Option<i64> {
        let mut real = g.iter().rev().filter(|d| dims[**d] != 1);
        let Some(last) = real.next() else { return Some(0) };
        let mut reach = strides[*last] * dims[*last] as i64;
        for d in real {
            if strides[*d] != reach {
                return None;
            }
            reach *= dims[*d] as i64
        }
        Some(strides[*last])
    };
    if let [Some(a), Some(b), Some(c)] = groups.map(stride) {
        let view = View { strides: [a, b, c].into_iter().collect(), ..View::splat(&extents) };
        return l.p.through(x, view);
    }
    let order: Vec<usize> = groups.concat();
    let permuted: Vec<usize> = order.iter().map(|d| dims[*d]).collect();
    let copied = l.view(x, View { strides: order.iter().map(|d| strides[*d]).collect(), ..View::splat(&permuted) });
    l.p.through(copied, View::identity(&extents))
}

pub(super) const READ: &[Read] = &[("dot_general", |p, x| {
    let [contract, batch] = p.dot_dims("dimension_numbers")?;
    let preferred = p.opt("preferred_element_type").map(|_| crate::jaxpr::dtype_param(p, "preferred_element_type"));
    let pair = |d: &'_ [Vec<usize>; 2]| (Shape::from_slice(&d[0]), Shape::from_slice(&d[1]));
    let (contract, batch) = (pair(&contract), pair(&batch));
    let y = dot_general(&x[0], &x[1], (&contract.0, &contract.1), (&batch.0, &batch.1), preferred.transpose()?);
    Ok(one(y))
})];

pub(super) fn cases() -> Vec<Case> {
    let sample = |shape: &[usize], seed: usize| {
        let n: usize = shape.iter().product();
        let data: Vec<f64> = (0..n).map(|i| ((i * 7 + seed * 3) % 11) as f64 * 0.25 - 1.25).collect();
        Array::from_slice(&data, shape)
    };
    let pair = |x: &[usize], y: &[usize]| vec![sample(x, 1), sample(y, 2)];
    vec![
        Case {
            name: "matrices",
            args: pair(&[2, 3], &[3, 4]),
            run: |x| vec![dot_general(&x[0], &x[1], (&[1], &[0]), (&[], &[]), None)],
        },
        Case {
            name: "vectors",
            args: pair(&[3], &[3]),
            run: |x| vec![dot_general(&x[0], &x[1], (&[0], &[0]), (&[], &[]), None)],
        },
        Case {
            name: "matrix and vector",
            args: pair(&[2, 3], &[3]),
            run: |x| {
                let transposed = transpose(&x[0], &[1, 0]);
                vec![
                    dot_general(&x[0], &x[1], (&[1], &[0]), (&[], &[]), None),
                    dot_general(&x[1], &transposed, (&[0], &[0]), (&[], &[]), None),
                ]
            },
        },
        Case {
            name: "nothing summed over",
            args: pair(&[2], &[3]),
            run: |x| vec![dot_general(&x[0], &x[1], (&[], &[]), (&[], &[]), None)],
        },
        Case {
            name: "batches",
            args: pair(&[2, 3, 4], &[4, 2, 2]),
            run: |x| vec![dot_general(&x[0], &x[1], (&[2], &[0]), (&[0], &[1]), None)],
        },
        Case {
            name: "two dimensions, in another order",
            args: pair(&[2, 3, 4, 1], &[4, 5, 3, 2]),
            run: |x| {
                vec![
                    dot_general(&x[0], &x[1], (&[1, 2], &[2, 0]), (&[], &[]), None),
                    dot_general(&x[0], &x[1], (&[2, 1], &[0, 2]), (&[0], &[3]), None),
                ]
            },
        },
        Case {
            name: "types",
            args: vec![
                convert_element_type(&sample(&[2, 3], 1), DType::Float32, false),
                Array::from_slice(&[1i32, -2, 3, 0, 5, -6], &[3, 2]),
                sample(&[2, 3], 3),
            ],
            run: |x| {
                let to = |x: &Array, t: DType| convert_element_type(x, t, false);
                let dot = |x: &Array, y: &Array, t| dot_general(x, y, (&[1], &[0]), (&[], &[]), t);
                vec![
                    dot(&to(&x[0], DType::Float16), &to(&x[1], DType::Float16), Some(DType::Float32)),
                    dot(&x[0], &to(&x[1], DType::Float32), Some(DType::Float16)),
                    dot(&to(&x[0], DType::Int8), &to(&x[1], DType::Int8), Some(DType::Int32)),
                    dot(&x[2], &x[1], None),
                ]
            },
        },
        Case {
            name: "complex",
            args: pair(&[2, 3], &[3, 2]),
            run: |x| {
                let z = [complex(&x[0], &neg(&x[0])), complex(&lit(&x[1], 0.5), &x[1])];
                let y = dot_general(&z[0], &z[1], (&[1], &[0]), (&[], &[]), None);
                vec![real(&y), imag(&y)]
            },
        },
        Case {
            name: "empty sums",
            args: pair(&[2, 0], &[0, 3]),
            run: |x| vec![dot_general(&x[0], &x[1], (&[1], &[0]), (&[], &[]), None)],
        },
    ]
}
