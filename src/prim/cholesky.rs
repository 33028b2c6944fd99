//! Cholesky's factorization.

use super::matrix::*;
use super::*;
use crate::trace::bind1;
use cotangent_cpu::ValId;

/// The lower triangular L with `x = L L^H`, for each matrix in the last two dimensions: positive definite, and only the lower triangle is looked at. The result has
/// zeros above the diagonal. If a matrix is not positive definite, its result is NaN.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let l = prim::cholesky(&array![[4., 2.], [2., 10.]]);
/// assert_eq!(l.to_string(), "[[2. 0.]\n [1. 3.]]");
/// # }
/// ```
///
/// # Panics
/// If the matrices are not square, or of other elements than float32, float64, complex64 and complex128.
#[track_caller]
pub fn cholesky(x: &Array) -> Array {
    tril(&bind1(&Cholesky, &[x]), 0)
}
/// See [`cholesky`]. The operation itself leaves above the diagonal what stood there, as JAX's does.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let program = make_jaxpr(|x: &Array| prim::cholesky(x), (&array![[4., 2.], [2., 10.]],));
/// assert!(program.to_string().contains("cholesky"), "{program}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cholesky;
impl Primitive for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        square(x[0])?;
        Ok(one(x[0].clone()))
    }
    /// `dL = L F(L^-1 dx L^-H)`, with F the lower triangle and half of the diagonal.
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        one(dx[0].map(|d| {
            let l = tril(&y[0], 0);
            let right = TriangularSolve { lower: true, transpose_a: true, conjugate_a: true, ..Default::default() };
            let left = TriangularSolve { left_side: true, lower: true, ..Default::default() };
            let inner = triangular_solve(&l, &triangular_solve(&l, d, &right), &left);
            let n = l.shape()[l.ndim() - 1];
            let e = eye(&l, n, n);
            mm(&l, &div(&tril(&inner, 0), &add(&e, &full_of(e.aval(), 1.0))))
        }))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(CHOLESKY), &[], x, ins[0].ndim() - 2, outs)
    }
}

pub(super) const READ: &[Read] = &[("cholesky", |_, x| Ok(one(bind1(&Cholesky, &[&x[0]]))))];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    vec![
        Case { name: "of a matrix", args: vec![sample(&[4, 4], 1)], run: |x| vec![cholesky(&positive(&x[0]))] },
        Case { name: "of a batch", args: vec![sample(&[2, 3, 3], 2)], run: |x| vec![cholesky(&positive(&x[0]))] },
        Case {
            name: "of complex numbers",
            args: vec![sample(&[3, 3], 3), sample(&[3, 3], 4)],
            run: |x| {
                let y = cholesky(&positive(&complex(&x[0], &x[1])));
                vec![real(&y), imag(&y)]
            },
        },
        Case {
            name: "in 32 bits, and of nothing",
            args: vec![to(&positive(&sample(&[3, 3], 5)), crate::DType::Float32), sample(&[0, 0], 0), sample(&[0, 2, 2], 0)],
            run: |x| x.iter().map(cholesky).collect(),
        },
    ]
}
