//! LU factorization with row swaps.

use super::matrix::*;
use super::*;
use crate::dtype::DType;
use crate::trace::{bind, bind1};
use cotangent_cpu::ValId;

/// For each matrix A in the last two dimensions the triangular factors with `P A = L U`, in one matrix (L without its diagonal of ones); for each row in turn the row with
/// which it was swapped; and for each row of `P A` its number in A. The last two are int32. Pivots have the greatest sum of the sizes of their parts. A
/// singular matrix has a zero on the diagonal of U.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let (factors, swaps, order) = prim::lu(&array![[1., 2.], [4., 6.]]);
/// assert_eq!(factors.to_string(), "[[4.   6.  ]\n [0.25 0.5 ]]");
/// assert_eq!((swaps.to_string(), order.to_string()), ("[1 1]".into(), "[1 0]".into()));
/// # }
/// ```
///
/// # Panics
/// If elements are not float32, float64, complex64 or complex128.
#[track_caller]
pub fn lu(x: &Array) -> (Array, Array, Array) {
    let mut outs = bind(&Lu, &[x]).into_iter();
    let mut next = || outs.next().expect("three results");
    (next(), next(), next())
}
/// See [`lu`].
///
/// ```
/// use cotangent::prim::{Lu, Primitive};
/// assert_eq!(Lu.name(), "lu");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lu;
impl Primitive for Lu {
    fn name(&self) -> &'static str {
        "lu"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        let (batch, m, n) = matrices(x[0])?;
        let rows = |k: usize| typed(with_core(x[0], batch, &[k]), DType::Int32);
        Ok([x[0].clone(), rows(m.min(n)), rows(m)].into_iter().collect())
    }
    /// `dL = L tril(L^-1 P dA U^-1, -1)` and `dU = triu(L^-1 P dA U^-1) U`.
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let tangent = dx[0].map(|d| {
            let (lu, r) = (&y[0], d.ndim());
            let (m, n) = (d.shape()[r - 2], d.shape()[r - 1]);
            let k = m.min(n);
            let zero = lit(lu, 0.0);
            let wider = |x: &Array, axis: usize, by: usize| {
                let mut config = vec![(0, 0, 0); r];
                config[axis] = (0, by as i64, 0);
                pad(x, &zero, &config)
            };
            // L with all its rows, U with all its columns: square, with ones where nothing was
            let l = wider(&tril(&block(lu, 0..m, 0..k), -1), r - 1, m - k);
            let l = add(&l, &eye(lu, m, m));
            let u = wider(&triu(&block(lu, 0..k, 0..n), 0), r - 2, n - k);
            let u = if n > k { add(&u, &sub(&eye(lu, n, n), &wider(&wider(&eye(lu, k, k), r - 2, n - k), r - 1, n - k))) } else { u };
            let of_l = TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
            let inner = triangular_solve(&l, &reorder(d, &y[2], false), &of_l);
            let inner = triangular_solve(&u, &inner, &TriangularSolve::default());
            add(&mm(&l, &tril(&inner, -1)), &mm(&triu(&inner, 0), &u))
        });
        [tangent, None, None].into_iter().collect()
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(LU), &[], x, ins[0].ndim() - 2, outs)
    }
}

/// The order of `size` rows that swapping each row in turn with the one that `pivots` says makes: what [`lu`] gives as its third result.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// assert_eq!(prim::lu_pivots_to_permutation(&array![2, 1, 2], 3).to_string(), "[2 1 0]");
/// # }
/// ```
///
/// # Panics
/// If `pivots` is not int32, or has more than `size` elements in the last dimension.
#[track_caller]
pub fn lu_pivots_to_permutation(pivots: &Array, size: usize) -> Array {
    bind1(&LuPivotsToPermutation { size }, &[pivots])
}
/// See [`lu_pivots_to_permutation`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|p: &Array| prim::lu_pivots_to_permutation(p, 2), (&array![1, 1],));
/// assert!(program.to_string().contains("lu_pivots_to_permutation[permutation_size=2] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LuPivotsToPermutation {
    size: usize,
}
impl Primitive for LuPivotsToPermutation {
    fn name(&self) -> &'static str {
        "lu_pivots_to_permutation"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("permutation_size", self.size.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        present()?;
        if x[0].dtype != DType::Int32 {
            return Err(format!("takes elements of type (dtype) int32, not {}", x[0]));
        }
        match &x[0].shape[..] {
            [batch @ .., k] if *k <= self.size => Ok(one(with_core(x[0], batch, &[self.size]))),
            [.., k] => Err(format!("{k} swaps of {} rows", self.size)),
            [] => Err(format!("needs vectors, got {}", x[0])),
        }
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(PIVOTS_TO_PERMUTATION), &[], x, ins[0].ndim() - 1, outs)
    }
}

/// The X with `A X = B`, `A^T X = B` or `A^H X = B`, of what [`lu`] gives for A.
pub(crate) fn lu_solved(lu: &Array, order: &Array, b: &Array, transpose: bool, conjugate: bool) -> Array {
    let lower = TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
    let upper = TriangularSolve { left_side: true, ..Default::default() };
    if !transpose {
        let x = triangular_solve(lu, &reorder(b, order, false), &lower);
        return triangular_solve(lu, &x, &upper);
    }
    let turned = |how: TriangularSolve| TriangularSolve { transpose_a: true, conjugate_a: conjugate, ..how };
    let x = triangular_solve(lu, b, &turned(upper));
    let x = triangular_solve(lu, &x, &turned(lower));
    reorder(&x, &inverse_order(order), false)
}
/// For each row where it went.
fn inverse_order(order: &Array) -> Array {
    let (r, n) = (order.ndim(), order.shape()[order.ndim() - 1]);
    let mut shape = order.shape().to_vec();
    shape.push(n);
    // the place where the order has the number
    let number = iota(DType::Int32, &shape, r);
    let place = iota(DType::Int32, &shape, r - 1);
    let here = eq(&along_columns(order, n), &number);
    reduce_sum(&select_n(&here, &[&zeros_of(place.aval()), &place]), &[r - 1])
}

pub(super) const READ: &[Read] = &[
    ("lu", |_, x| {
        let (lu, pivots, order) = lu(&x[0]);
        Ok([lu, pivots, order].into_iter().collect())
    }),
    ("lu_pivots_to_permutation", |p, x| Ok(one(lu_pivots_to_permutation(&x[0], p.usize("permutation_size")?)))),
];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    fn all(x: &Array) -> Vec<Array> {
        let (a, b, c) = lu(x);
        vec![a, b, c]
    }
    vec![
        Case { name: "square", args: vec![sample(&[4, 4], 1)], run: |x| all(&x[0]) },
        Case { name: "tall", args: vec![sample(&[4, 2], 3)], run: |x| all(&x[0]) },
        Case { name: "wide", args: vec![sample(&[2, 2, 4], 4)], run: |x| all(&x[0]) },
        Case {
            name: "complex",
            args: vec![sample(&[3, 3], 5), sample(&[3, 3], 6)],
            run: |x| {
                let (y, p, q) = lu(&complex(&x[0], &x[1]));
                vec![real(&y), imag(&y), p, q]
            },
        },
        Case {
            name: "in 32 bits, singular, and nothing",
            args: vec![
                to(&sample(&[3, 3], 7), DType::Float32),
                Array::from_slice(&[1f32, 2.0, 2.0, 4.0], &[2, 2]),
                to(&sample(&[0, 2], 0), DType::Float32),
            ],
            run: |x| x.iter().flat_map(all).collect(),
        },
        Case {
            name: "orders of rows",
            args: vec![Array::from_slice(&[2i32, 2, 2, 1, 1, 3], &[2, 3])],
            run: |x| vec![lu_pivots_to_permutation(&x[0], 4), lu_pivots_to_permutation(&x[0], 3)],
        },
        Case {
            name: "solutions",
            args: vec![sample(&[2, 3, 3], 8), sample(&[2, 3, 2], 9)],
            run: |x| {
                let (f, _, order) = lu(&positive(&x[0]));
                [(false, false), (true, false), (true, true)].map(|(t, c)| lu_solved(&f, &order, &x[1], t, c)).into()
            },
        },
    ]
}
