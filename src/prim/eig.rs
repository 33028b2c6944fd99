//! Eigenvalues and eigenvectors of general matrices.

use super::matrix::*;
use super::*;
use crate::dtype::DType;
use crate::trace::bind;
use cotangent_cpu::ValId;

/// Which results [`eig`] has beside the eigenvalues; the default is none.
///
/// ```
/// use cotangent::{prelude::*, prim::{Eig, eig}};
/// # #[cfg(feature = "linalg")] {
/// let what = Eig { right: true, ..Eig::default() };
/// let all = eig(&array![[2., 0.], [0., 3.]], &what);
/// assert_eq!((all.len(), all[1].shape()), (2, &[2, 2][..]));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Eig {
    /// The left eigenvectors, u with `u^H A = w u^H`?
    pub left: bool,
    /// The right eigenvectors, v with `A v = w v`?
    pub right: bool,
    /// Have eigenvectors a derivative? It holds where eigenvalues differ and where each vector has one component of greatest size.
    pub vector_derivatives: bool,
}

/// Eigenvalues of the square matrices in the last two dimensions, in no order, then left and right eigenvectors as columns, where they are wanted. All are complex. A vector
/// has the length 1 and a real component of greatest size. If a matrix holds infinities or NaN, its results are NaN.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let turn = array![[0., -1.], [1., 0.]]; // by a quarter
/// let values = &prim::eig(&turn, &Default::default())[0];
/// assert_eq!(prim::imag(&values).abs().to_string(), "[1. 1.]");
/// # }
/// ```
///
/// # Panics
/// If the matrices are not square, or of other elements than float32, float64, complex64 and complex128.
#[track_caller]
pub fn eig(x: &Array, what: &Eig) -> Vec<Array> {
    bind(what, &[x]).into_vec()
}
/// The tangents of eigenvalues and of vectors, normalized as they are.
fn vectors(w: &Array, v: &Array, d: &Array) -> (Array, Array) {
    let n = w.shape()[w.ndim() - 1];
    let inner = solved(v, &mm(d, v));
    let gap = sub(&along_rows(w, n), &along_columns(w, n));
    let e = eye(&gap, n, n);
    let f = sub(&div(&full_of(gap.aval(), 1.0), &add(&gap, &e)), &e);
    let u = mm(v, &mul(&f, &inner));
    if n == 0 {
        return (diagonal(&inner), u);
    }
    // the multiple of v that keeps the length 1 and the greatest component real
    let (r, rows) = (v.ndim(), v.ndim() - 2);
    let top = argmax(&abs(v), rows, DType::Int32);
    let here = eq(&iota(DType::Int32, v.shape(), rows), &along_rows(&top, n));
    let chosen = |x: &Array| reduce_sum(&select_n(&here, &[&zeros_of(x.aval()), x]), &[rows]);
    let length = neg(&real(&reduce_sum(&mul(&conj(v), &u), &[r - 2])));
    let phase = neg(&div(&imag(&chosen(&u)), &real(&chosen(v))));
    let c = complex(&length, &phase);
    (diagonal(&inner), add(&u, &mul(v, &along_rows(&c, n))))
}
/// The X with `A X = B`.
fn solved(a: &Array, b: &Array) -> Array {
    let (factors, _, order) = lu(a);
    lu_solved(&factors, &order, b, false, false)
}
impl Primitive for Eig {
    fn name(&self) -> &'static str {
        "eig"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let python = |b: bool| -> Param { if b { "True" } else { "False" }.into() };
        vec![
            ("compute_left_eigenvectors", python(self.left)),
            ("compute_right_eigenvectors", python(self.right)),
            ("enable_eigvec_derivs", python(self.vector_derivatives)),
            ("implementation", "None".into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = takes(x)?.to_complex();
        let (batch, n) = square(x[0])?;
        let of = |core: &[usize]| typed(with_core(x[0], batch, core), t);
        let mut outs: Avals = one(of(&[n]));
        outs.extend((0..self.left as usize + self.right as usize).map(|_| of(&[n, n])));
        Ok(outs)
    }
    /// M. Giles, "An extended collection of matrix derivative results for forward and reverse mode AD", 2008.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let Some(d) = dx[0] else { return y.iter().map(|_| None).collect() };
        if (self.left || self.right) && !self.vector_derivatives {
            crate::error::fail(
                crate::error::ErrorKind::NotDifferentiable,
                "eig: eigenvectors have a derivative only where eigenvalues differ and where each vector has one component of greatest size; \
                 ask for it with vector_derivatives",
            )
        }
        let d = to(d, y[0].dtype());
        // of values alone, vectors stand for the spaces that they span, and what normalizes them does not matter
        let all = Eig { left: self.left, right: true, vector_derivatives: true };
        let found = if self.right { y.to_vec() } else { eig(x[0], &all) };
        let (w, v) = (&found[0], found.last().expect("right vectors"));
        if !self.left && !self.right {
            return one(Some(reduce_sum(&mul(&solved(v, &d), &mt(v)), &[d.ndim() - 1])));
        }
        let (dw, dv) = vectors(w, v, &d);
        let mut outs: Tangents = one(Some(dw));
        if self.left {
            outs.push(Some(vectors(&conj(w), &found[1], &mh(&d)).1))
        }
        if self.right {
            outs.push(Some(dv))
        }
        outs
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(EIG), &[self.left, self.right], x, ins[0].ndim() - 2, outs)
    }
}

pub(super) const READ: &[Read] = &[("eig", |p, x| {
    let what = Eig {
        left: p.bool("compute_left_eigenvectors")?,
        right: p.bool("compute_right_eigenvectors")?,
        vector_derivatives: p.bool("enable_eigvec_derivs")?,
    };
    p.unset("implementation")?;
    Ok(bind(&what, &[&x[0]]))
})];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    fn parts(ys: Vec<Array>) -> Vec<Array> {
        ys.iter().flat_map(|y| [real(y), imag(y)]).collect()
    }
    const ALL: Eig = Eig { left: true, right: true, vector_derivatives: true };
    vec![
        Case { name: "values", args: vec![sample(&[4, 4], 1)], run: |x| parts(eig(&x[0], &Eig::default())) },
        Case { name: "values and vectors", args: vec![sample(&[2, 3, 3], 2)], run: |x| parts(eig(&x[0], &ALL)) },
        Case {
            name: "complex",
            args: vec![sample(&[3, 3], 3), sample(&[3, 3], 4)],
            run: |x| parts(eig(&complex(&x[0], &x[1]), &ALL)),
        },
        Case {
            name: "in 32 bits, and of nothing",
            args: vec![to(&sample(&[3, 3], 5), DType::Float32), to(&sample(&[0, 0], 5), DType::Float32)],
            run: |x| x.iter().flat_map(|x| parts(eig(x, &Eig { left: true, right: false, vector_derivatives: true }))).collect(),
        },
    ]
}
