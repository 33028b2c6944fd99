//! Eigenvalues and eigenvectors of Hermitian matrices.

use super::matrix::*;
use super::*;
use crate::trace::bind;
use cotangent_cpu::ValId;

/// What the derivative of eigenvectors and of singular vectors is where two values are equal.
///
/// ```
/// use cotangent::{prelude::*, prim::{Degenerate, eigh}};
/// # #[cfg(feature = "linalg")] {
/// // the projector onto the space that the two vectors of equal values span
/// let f = |how| move |x: &Array| { let v = eigh(x, true, how).0; v.matmul(&v.t()).sum() };
/// let slope = |how| grad(f(how))(&array![[1., 0.], [0., 1.]]).i((0, 0)).to_f64();
/// assert!(slope(Degenerate::NotANumber).is_nan() && slope(Degenerate::Zero) == 0.0);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Degenerate {
    /// Not a number, as in JAX: single vectors are not determined there.
    #[default]
    NotANumber,
    /// Vectors of equal values do not turn into each other. That is the derivative of functions that do not tell such vectors apart, nor their values: of the projector onto
    /// the space which they span, or of sums over them with equal weights. Of other functions it is a choice.
    Zero,
}
impl Degenerate {
    /// `1 / (w_j - w_i)` for row i and column j, 0 on the diagonal; `gap` is the difference, n by n, and `scale` the greatest of what differs.
    pub(crate) fn reciprocal(self, gap: &Array, scale: &Array) -> Array {
        let n = gap.shape()[gap.ndim() - 1];
        let e = eye(gap, n, n);
        match self {
            Degenerate::NotANumber => sub(&div(&full_of(gap.aval(), 1.0), &add(gap, &e)), &e),
            Degenerate::Zero => {
                let epsilon = gap.dtype().real_part().float_info().expect("a floating-point type").eps;
                let size = abs(gap);
                let tolerance = mul(scale, &lit(scale, epsilon * n as f64));
                let equal = le(&size, &tolerance);
                let safe = select_n(&equal, &[gap, &full_of(gap.aval(), 1.0)]);
                select_n(&equal, &[&div(&full_of(gap.aval(), 1.0), &safe), &zeros_of(gap.aval())])
            }
        }
    }
}

/// Orthonormal eigenvectors (columns) and eigenvalues in ascending order, in this order, of the Hermitian matrices in the last two dimensions of `x`. Only the
/// `lower` or the upper triangle is looked at. If a matrix holds infinities or NaN, its results are NaN.
///
/// The derivative is that at half of the sum of the matrix and its conjugate transpose, as in JAX. `degenerate` says what the derivative of vectors is where two eigenvalues are equal; that of the values is there always.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let (vectors, values) = prim::eigh(&array![[2., 1.], [1., 2.]], true, prim::Degenerate::default());
/// assert!((values - array![1., 3.]).abs().sum().to_f64() < 1e-5);
/// assert!((vectors.t().matmul(&vectors) - array![[1., 0.], [0., 1.]]).abs().sum().to_f64() < 1e-5);
/// # }
/// ```
///
/// # Panics
/// If the matrices are not square, or of other elements than float32, float64, complex64 and complex128.
#[track_caller]
pub fn eigh(x: &Array, lower: bool, degenerate: Degenerate) -> (Array, Array) {
    bound(x, Eigh { lower, degenerate, symmetric: false })
}
/// The same for matrices of which it is known that they are Hermitian: their derivative needs no second factorization.
#[track_caller]
pub(crate) fn eigh_symmetric(x: &Array, degenerate: Degenerate) -> (Array, Array) {
    bound(x, Eigh { lower: true, degenerate, symmetric: true })
}
#[track_caller]
fn bound(x: &Array, eigh: Eigh) -> (Array, Array) {
    let mut outs = bind(&eigh, &[x]).into_iter();
    let mut next = || outs.next().expect("two results");
    (next(), next())
}
/// See [`eigh`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let program = make_jaxpr(|x: &Array| prim::eigh(x, true, prim::Degenerate::default()).1, (&array![[2., 1.], [1., 2.]],));
/// assert!(program.to_string().contains("eigh["), "{program}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Eigh {
    lower: bool,
    degenerate: Degenerate,
    /// Is it known that operands are Hermitian? Values do not depend on it, and a printed program does not show it.
    symmetric: bool,
}
impl Primitive for Eigh {
    fn name(&self) -> &'static str {
        "eigh"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let mut params: Vec<(&'static str, Param)> = vec![("algorithm", "None".into())];
        if self.degenerate != Degenerate::default() {
            params.push(("degenerate", format!("{:?}", self.degenerate).into()))
        }
        params.push(("lower", if self.lower { "True" } else { "False" }.into()));
        params.push(("sort_eigenvalues", "True".into()));
        params.push(("subset_by_index", "None".into()));
        params
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = takes(x)?;
        let (batch, n) = square(x[0])?;
        Ok([x[0].clone(), typed(with_core(x[0], batch, &[n]), t.real_part())].into_iter().collect())
    }
    /// M. Giles, "An extended collection of matrix derivative results for forward and reverse mode AD", 2008.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let Some(d) = dx[0] else { return [None, None].into_iter().collect() };
        let (v, w) = match self.symmetric {
            true => (y[0].clone(), y[1].clone()),
            false => eigh_symmetric(&symmetrized(x[0]), self.degenerate),
        };
        let (v, w) = (&v, &w);
        let n = w.shape()[w.ndim() - 1];
        let inner = mm(&mm(&mh(v), d), v);
        let gap = sub(&along_rows(w, n), &along_columns(w, n));
        let top = abs(&gap);
        let scale = if n == 0 { top } else {
            let size = reduce_max(&abs(w), &[w.ndim() - 1]);
            broadcast_in_dim(&size, gap.shape(), &(0..size.ndim()).collect::<Vec<_>>())
        };
        let f = to(&self.degenerate.reciprocal(&gap, &scale), v.dtype());
        [Some(mm(v, &mul(&f, &inner))), Some(diagonal(&re(&inner)))].into_iter().collect()
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(EIGH), &[self.lower], x, ins[0].ndim() - 2, outs)
    }
}

pub(super) const READ: &[Read] = &[("eigh", |p, x| {
    p.unset("algorithm")?;
    p.unset("subset_by_index")?;
    Ok(bind(&Eigh { lower: p.bool("lower")?, degenerate: Degenerate::NotANumber, symmetric: false }, &[&x[0]]))
})];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    /// What does not depend on the directions of the vectors: values, and a function of the matrix.
    fn invariant(x: &Array, lower: bool, degenerate: Degenerate) -> Vec<Array> {
        let (v, w) = eigh(x, lower, degenerate);
        let f = to(&along_rows(&exp(&w), w.shape()[w.ndim() - 1]), v.dtype());
        let y = mm(&mul(&v, &f), &mh(&v));
        if y.dtype().is_complex() { vec![w, real(&y), imag(&y)] } else { vec![w, y] }
    }
    fn symmetric(x: &Array) -> Array {
        let y = add(x, &mh(x));
        mul(&y, &lit(&y, 0.5))
    }
    vec![
        Case {
            name: "of a matrix",
            args: vec![sample(&[4, 4], 1)],
            run: |x| {
                let x = symmetric(&x[0]);
                [invariant(&x, true, Degenerate::NotANumber), invariant(&x, false, Degenerate::Zero)].concat()
            },
        },
        Case {
            name: "of a batch",
            args: vec![sample(&[2, 3, 3], 2)],
            run: |x| {
                let (v, w) = eigh(&symmetric(&x[0]), true, Degenerate::NotANumber);
                // its square does not depend on the sign
                vec![w, mul(&v, &v)]
            },
        },
        Case {
            name: "of complex numbers",
            args: vec![sample(&[3, 3], 3), sample(&[3, 3], 4)],
            run: |x| invariant(&symmetric(&complex(&x[0], &x[1])), true, Degenerate::NotANumber),
        },
        Case {
            name: "in 32 bits, and of nothing",
            args: vec![to(&sample(&[5, 5], 5), crate::DType::Float32), to(&sample(&[0, 0], 5), crate::DType::Float32)],
            run: |x| x.iter().flat_map(|x| invariant(&symmetric(x), false, Degenerate::NotANumber)).collect(),
        },
    ]
}
