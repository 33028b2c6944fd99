//! QR factorizations, and the Householder reflections that they are made of.

use super::lower::Num;
use super::matrix::*;
use super::*;
use crate::dtype::DType;
use crate::trace::{bind, bind1};
use cotangent_cpu::{Dt, Op, Use, ValId, View, row_major};

fn two(outs: Outs) -> (Array, Array) {
    let mut outs = outs.into_iter();
    let mut next = || outs.next().expect("two results");
    (next(), next())
}

/// R on and above the diagonal of each matrix, below it the vectors of the Householder reflections whose product is Q, without their first elements, which are 1; and
/// the factors tau of the reflections `I - tau v v^H`. As LAPACK has them: the diagonal of R is real, with signs opposite to those that were there.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let (a, taus) = prim::geqrf(&array![[3., 1.], [4., 2.]]);
/// assert_eq!((a.i((0, 0)).to_f64(), taus.shape()), (-5.0, &[2][..]));
/// # }
/// ```
///
/// # Panics
/// If elements are not float32, float64, complex64 or complex128.
#[track_caller]
pub fn geqrf(x: &Array) -> (Array, Array) {
    two(bind(&Geqrf, &[x]))
}
/// See [`geqrf`].
///
/// ```
/// use cotangent::prim::{Geqrf, Primitive};
/// assert_eq!(Geqrf.name(), "geqrf");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Geqrf;
impl Primitive for Geqrf {
    fn name(&self) -> &'static str {
        "geqrf"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        let (batch, m, n) = matrices(x[0])?;
        Ok([x[0].clone(), with_core(x[0], batch, &[m.min(n)])].into_iter().collect())
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        not_differentiable("geqrf")
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(GEQRF), &[], x, ins[0].ndim() - 2, outs)
    }
}

/// The first columns of the product of Householder reflections, as [`geqrf`] gives them: as many as `a` has. There may be fewer reflections than columns.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// // I - tau v v^T turns the sign of the first axis for v = (1, 0) and tau = 2
/// let q = prim::householder_product(&array![[1., 0.], [0., 1.]], &array![2.]);
/// assert_eq!(q.to_string(), "[[-1.  0.]\n [ 0.  1.]]");
/// # }
/// ```
///
/// # Panics
/// If `a` has more columns than rows, or fewer than there are reflections, or if elements are not all float32, float64, complex64 or complex128.
#[track_caller]
pub fn householder_product(a: &Array, taus: &Array) -> Array {
    bind1(&HouseholderProduct, &[a, taus])
}
/// See [`householder_product`].
///
/// ```
/// use cotangent::prim::{HouseholderProduct, Primitive};
/// assert_eq!(HouseholderProduct.name(), "householder_product");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HouseholderProduct;
impl Primitive for HouseholderProduct {
    fn name(&self) -> &'static str {
        "householder_product"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        let (batch, m, n) = matrices(x[0])?;
        if m < n {
            return Err(format!("needs at least as many rows as columns, got {}", x[0]));
        }
        match &x[1].shape[..] {
            [others @ .., k] if others == batch && *k <= n => {}
            _ => return Err(format!("shapes of {} do not fit", listed(x))),
        }
        Ok(one(Aval { weak: x[0].weak && x[1].weak, varying: varying(x), ..x[0].clone() }))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        not_differentiable("householder_product")
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(HOUSEHOLDER_PRODUCT), &[], x, ins[0].ndim() - 2, outs)
    }
}

/// Q with orthonormal columns and an upper triangular R, whose product is each matrix in the last two dimensions of `x`: all columns of Q if `full_matrices`, else as many as the lesser
/// extent. The diagonal of R is real, with the signs that LAPACK gives it.
///
/// The derivative exists for matrices of full rank.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let (q, r) = prim::qr(&array![[3., 1.], [4., 2.]], false);
/// assert!((r.i((0, 0)).to_f64() + 5.0).abs() < 1e-5);
/// assert!((q.matmul(&r) - array![[3., 1.], [4., 2.]]).abs().sum().to_f64() < 1e-5);
/// # }
/// ```
///
/// # Panics
/// If elements are not float32, float64, complex64 or complex128.
#[track_caller]
pub fn qr(x: &Array, full_matrices: bool) -> (Array, Array) {
    two(bind(&Qr { full_matrices, pivoting: false }, &[x]))
}
/// As [`qr`], of each matrix with its columns in another order, which is the third result (int32): each step takes what is the longest column by then.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let (q, r, order) = prim::qr_pivoting(&array![[1., 5.], [0., 0.]], false);
/// assert_eq!(order.to_string(), "[1 0]"); // the longer column first
/// assert!((q.matmul(&r) - array![[5., 1.], [0., 0.]]).abs().sum().to_f64() < 1e-5);
/// # }
/// ```
#[track_caller]
pub fn qr_pivoting(x: &Array, full_matrices: bool) -> (Array, Array, Array) {
    let mut outs = bind(&Qr { full_matrices, pivoting: true }, &[x]).into_iter();
    let mut next = || outs.next().expect("three results");
    (next(), next(), next())
}
/// See [`qr`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let program = make_jaxpr(|x: &Array| prim::qr(x, true), (&array![[1., 2.], [3., 4.]],));
/// assert!(program.to_string().contains("qr["), "{program}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Qr {
    full_matrices: bool,
    pivoting: bool,
}
/// The tangents of Q and R for matrices that are not wide, from the first columns of Q and the square part of R.
fn thin(q: &Array, r: &Array, d: &Array) -> (Array, Array) {
    let right = triangular_solve(r, d, &TriangularSolve::default());
    let inner = mm(&mh(q), &right);
    let below = tril(&inner, -1);
    let mut skew = sub(&below, &mh(&below));
    if d.dtype().is_complex() {
        // what keeps the diagonal of R real
        let n = r.shape()[r.ndim() - 1];
        let imaginary = sub(&inner, &to(&real(&inner), d.dtype()));
        skew = add(&skew, &mul(&eye(r, n, n), &imaginary));
    }
    (add(&mm(q, &sub(&skew, &inner)), &right), mm(&sub(&inner, &skew), r))
}
impl Primitive for Qr {
    fn name(&self) -> &'static str {
        "qr"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let python = |b: bool| -> Param { if b { "True" } else { "False" }.into() };
        vec![
            ("full_matrices", python(self.full_matrices)),
            ("pivoting", python(self.pivoting)),
            ("use_magma", "None".into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        takes(x)?;
        let (batch, m, n) = matrices(x[0])?;
        let k = if self.full_matrices { m } else { m.min(n) };
        let mut outs: Avals = [with_core(x[0], batch, &[m, k]), with_core(x[0], batch, &[k, n])].into_iter().collect();
        if self.pivoting {
            outs.push(typed(with_core(x[0], batch, &[n]), DType::Int32));
        }
        Ok(outs)
    }
    /// J. Townsend, "Differentiating the QR decomposition", 2018; for more columns of Q than the matrix has D. A. O. Roberts and L. R. Roberts, "QR and LQ decomposition matrix
    /// backpropagation algorithms", 2020, and arXiv 2409.13374.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let none = || -> Tangents { y.iter().map(|_| None).collect() };
        let Some(d) = dx[0] else { return none() };
        let (q, r) = (&y[0], &y[1]);
        let rank = d.ndim();
        let (m, n) = (d.shape()[rank - 2], d.shape()[rank - 1]);
        let (d, x) = match self.pivoting {
            true => (reorder(d, &y[2], true), reorder(x[0], &y[2], true)),
            false => (d.clone(), x[0].clone()),
        };
        let (dq, dr) = if m < n {
            let (dq, dr) = thin(q, &block(r, 0..m, 0..m), &block(&d, 0..m, 0..m));
            let rest = |x: &Array| block(x, 0..m, m..n);
            let beyond = add(&mm(&mh(&dq), &rest(&x)), &mm(&mh(q), &rest(&d)));
            let dr = concatenate(&[&dr, &beyond], rank - 1);
            (dq, dr)
        } else if !self.full_matrices || m == n {
            thin(q, r, &d)
        } else {
            let (first, others) = (block(q, 0..m, 0..n), block(q, 0..m, n..m));
            let (dq, dr) = thin(&first, &block(r, 0..n, 0..n), &d);
            let (top, below) = (block(&first, 0..n, 0..n), block(&first, n..m, 0..n));
            let (factors, _, order) = lu(&sub(&top, &eye(&top, n, n)));
            let z_adjoint = lu_solved(&factors, &order, &mh(&below), true, true);
            let z = mh(&z_adjoint);
            let part = sub(&block(&dq, n..m, 0..n), &mm(&z, &block(&dq, 0..n, 0..n)));
            let beyond = sub(&mm(&dq, &z_adjoint), &mm(&add(&first, &mm(&others, &z)), &mh(&part)));
            let mut by = vec![(0, 0, 0); rank];
            by[rank - 2] = (0, (m - n) as i64, 0);
            (concatenate(&[&dq, &beyond], rank - 1), pad(&dr, &lit(&dr, 0.0), &by))
        };
        let mut out = none();
        (out[0], out[1]) = (Some(dq), Some(dr));
        out
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let a = ins[0];
        let (batch, m, n) = matrices(a).expect("matrices");
        let b = batch.len();
        let k = m.min(n);
        let taus = with_core(a, batch, &[k]);
        let (factors, tau, order) = if self.pivoting {
            let order = outs[2].clone();
            let v = call_plain(l, routine!(GEQP3), &[], x, b, &[a.clone(), order, taus]);
            (v[0], v[2], Some(v[1]))
        } else {
            let v = call_plain(l, routine!(GEQRF), &[], x, b, &[a.clone(), taus]);
            (v[0], v[1], None)
        };
        // as many columns as Q has: those of the matrix, the first of them, or more
        let columns = outs[0].shape[b + 1];
        let strides = row_major(&a.shape);
        let mut view = View { strides: strides.clone(), ..View::splat(&outs[0].shape) };
        if columns > n {
            let guard = cotangent_cpu::Guard { dim: (b + 1) as u32, lo: 0, hi: n as i64, step: 1 };
            view.guards.push(guard);
        }
        let vectors = l.p.through(factors, view);
        let q = matrix::call(l, routine!(HOUSEHOLDER_PRODUCT), &[], &[vectors, Use::plain(tau)], b, &outs[..1])[0];
        // R may have fewer rows than the factors
        let rows = l.view(factors, View { strides, ..View::splat(&outs[1].shape) });
        let r = l.map(&outs[1], &[rows], |body, x| {
            let (i, j) = (body.index(b as u32, Dt::I32), body.index(b as u32 + 1, Dt::I32));
            let keep = body.cmp(Op::Le, i, j);
            let mut part = |x: u32| {
                let dt = body.dt(x);
                let zero = body.num(dt, 0.0);
                body.select(dt, keep, x, zero)
            };
            match x[0] {
                Num::Re(x) => Num::Re(part(x)),
                Num::Cx(re, im) => Num::Cx(part(re), part(im)),
            }
        });
        [q, r].into_iter().chain(order).collect()
    }
}

pub(super) const READ: &[Read] = &[
    ("geqrf", |_, x| Ok(bind(&Geqrf, &[&x[0]]))),
    ("householder_product", |_, x| Ok(one(householder_product(&x[0], &x[1])))),
    ("qr", |p, x| {
        let qr = Qr { full_matrices: p.bool("full_matrices")?, pivoting: p.bool("pivoting")? };
        Ok(bind(&qr, &[&x[0]]))
    }),
];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    fn each(x: &Array) -> Vec<Array> {
        [false, true].into_iter().flat_map(|full| <[Array; 2]>::from(qr(x, full))).collect()
    }
    vec![
        Case { name: "square", args: vec![sample(&[3, 3], 1)], run: |x| each(&x[0]) },
        Case { name: "tall", args: vec![sample(&[4, 2], 2)], run: |x| each(&x[0]) },
        Case { name: "wide", args: vec![sample(&[2, 4], 3)], run: |x| each(&x[0]) },
        Case { name: "a batch", args: vec![sample(&[2, 3, 2], 4)], run: |x| each(&x[0]) },
        Case {
            name: "complex",
            args: vec![sample(&[3, 2], 5), sample(&[3, 2], 6)],
            run: |x| each(&complex(&x[0], &x[1])).iter().flat_map(|y| [real(y), imag(y)]).collect(),
        },
        Case {
            name: "columns in another order",
            args: vec![sample(&[4, 3], 7), sample(&[2, 3], 8)],
            run: |x| x.iter().flat_map(|x| <[Array; 3]>::from(qr_pivoting(x, true))).collect(),
        },
        Case {
            name: "reflections, in 32 bits, and nothing",
            args: vec![to(&sample(&[4, 3], 9), DType::Float32), to(&sample(&[3, 0], 0), DType::Float32)],
            run: |x| {
                let ys = x.iter().flat_map(|x| {
                    let (a, taus) = geqrf(x);
                    [householder_product(&a, &taus), a, taus]
                });
                ys.chain(each(&x[1])).collect()
            },
        },
    ]
}
