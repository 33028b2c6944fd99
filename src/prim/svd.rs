//! Singular values and vectors.

use super::matrix::*;
use super::*;
use crate::trace::{bind, bind1};
use cotangent_cpu::ValId;

/// The singular values of each matrix in the last two dimensions, in descending order, of the type of a part. If a matrix holds infinities or NaN, they are NaN.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let s = prim::singular_values(&array![[0., 3.], [-4., 0.]]);
/// assert!((s - array![4., 3.]).abs().sum().to_f64() < 1e-5);
/// # }
/// ```
///
/// # Panics
/// If elements are not float32, float64, complex64 or complex128.
#[track_caller]
pub fn singular_values(x: &Array) -> Array {
    bind1(&Svd { full_matrices: false, compute_uv: false, degenerate: Degenerate::default() }, &[x])
}
/// Singular vectors U (columns), singular values in descending order, and V^H (rows): `U diag(s) V^H` is each matrix in the last two dimensions. All vectors if
/// `full_matrices`, else as many as there are values. If a matrix holds infinities or NaN, its results are NaN.
///
/// There is no derivative of all vectors of a matrix that is not square. `degenerate` says what that of vectors is where two values are equal.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let x = array![[0., 3.], [-4., 0.]];
/// let (u, s, vh) = prim::svd(&x, false, prim::Degenerate::default());
/// assert!(((u * s).matmul(&vh) - &x).abs().sum().to_f64() < 1e-5);
/// # }
/// ```
///
/// # Panics
/// If elements are not float32, float64, complex64 or complex128.
#[track_caller]
pub fn svd(x: &Array, full_matrices: bool, degenerate: Degenerate) -> (Array, Array, Array) {
    let mut outs = bind(&Svd { full_matrices, compute_uv: true, degenerate }, &[x]).into_iter();
    let mut next = || outs.next().expect("three results");
    let s = next();
    (next(), s, next())
}
/// See [`svd()`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let program = make_jaxpr(|x: &Array| prim::singular_values(x), (&array![[1., 2.], [3., 4.]],));
/// assert!(program.to_string().contains("svd["), "{program}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Svd {
    full_matrices: bool,
    compute_uv: bool,
    degenerate: Degenerate,
}
impl Primitive for Svd {
    fn name(&self) -> &'static str {
        "svd"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let python = |b: bool| -> Param { if b { "True" } else { "False" }.into() };
        let mut params: Vec<(&'static str, Param)> =
            vec![("algorithm", "None".into()), ("compute_uv", python(self.compute_uv))];
        if self.degenerate != Degenerate::default() {
            params.push(("degenerate", format!("{:?}", self.degenerate).into()))
        }
        params.push(("full_matrices", python(self.full_matrices)));
        params.push(("subset_by_index", "None".into()));
        params
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = takes(x)?;
        let (batch, m, n) = matrices(x[0])?;
        let k = m.min(n);
        let mut outs: Avals = one(typed(with_core(x[0], batch, &[k]), t.real_part()));
        if self.compute_uv {
            let (p, q) = if self.full_matrices { (m, n) } else { (k, k) };
            outs.extend([with_core(x[0], batch, &[m, p]), with_core(x[0], batch, &[q, n])]);
        }
        Ok(outs)
    }
    /// M. Giles, "An extended collection of matrix derivative results for forward and reverse mode AD", 2008; J. Townsend, "Differentiating the singular value
    /// decomposition", 2016.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let Some(d) = dx[0] else { return y.iter().map(|_| None).collect() };
        let r = d.ndim();
        let (m, n) = (d.shape()[r - 2], d.shape()[r - 1]);
        if self.compute_uv && self.full_matrices && m != n {
            crate::error::fail(
                crate::error::ErrorKind::NotDifferentiable,
                format!("svd: all singular vectors of {} have no derivative; those with full_matrices false have", x[0].aval()),
            )
        }
        let (s, u, vh) = if self.compute_uv {
            (y[0].clone(), y[1].clone(), y[2].clone())
        } else {
            let (u, s, vh) = svd(x[0], false, self.degenerate);
            (s, u, vh)
        };
        let (uh, v) = (mh(&u), mh(&vh));
        let inner = mm(&mm(&uh, d), &v);
        let ds = diagonal(&re(&inner));
        if !self.compute_uv {
            return one(Some(ds));
        }
        let k = m.min(n);
        let wide = |x: &Array| to(x, d.dtype());
        let (cols, rows) = (along_rows(&s, k), along_columns(&s, k));
        let gap = mul(&add(&cols, &rows), &sub(&cols, &rows));
        let scale = mul(&add(&cols, &rows), &add(&cols, &rows));
        let f = self.degenerate.reciprocal(&gap, &scale);
        // where the vectors of equal values do not turn into each other, those on the left may still turn against those on the right
        let apart = (self.degenerate == Degenerate::Zero).then(|| {
            let (total, e) = (add(&cols, &rows), eye(&f, k, k));
            let there = and(&eq(&add(&f, &e), &zeros_of(f.aval())), &gt(&total, &zeros_of(f.aval())));
            let safe = select_n(&there, &[&full_of(f.aval(), 1.0), &total]);
            let half = select_n(&there, &[&zeros_of(f.aval()), &div(&full_of(f.aval(), 0.5), &safe)]);
            mul(&sub(&inner, &mh(&inner)), &wide(&half))
        });
        let (f, cols, rows) = (wide(&f), wide(&cols), wide(&rows));
        let (ds_u, ds_v) = (mul(&cols, &inner), mul(&rows, &inner));
        let both = |x: &Array| add(x, &mh(x));
        // the phases of complex vectors
        let zero = eq(&s, &lit(&s, 0.0));
        let inverse = select_n(&zero, &[&div(&full_of(s.aval(), 1.0), &select_n(&zero, &[&s, &full_of(s.aval(), 1.0)])), &zeros_of(s.aval())]);
        let e = eye(&inner, k, k);
        let turn = mul(&mul(&sub(&inner, &mh(&inner)), &lit(&inner, 0.5)), &mul(&wide(&along_rows(&inverse, k)), &e));
        let (mut turn_u, mut turn_v) = (add(&mul(&f, &both(&ds_u)), &turn), mul(&f, &both(&ds_v)));
        if let Some(apart) = apart {
            (turn_u, turn_v) = (add(&turn_u, &apart), sub(&turn_v, &apart))
        }
        let (mut du, mut dv) = (mm(&u, &turn_u), mm(&v, &turn_v));
        // what leaves the space of the vectors
        if m > n {
            let dav = mm(d, &v);
            du = add(&du, &div(&sub(&dav, &mm(&u, &mm(&uh, &dav))), &wide(&along_rows(&s, m))));
        }
        if n > m {
            let dau = mm(&mh(d), &u);
            dv = add(&dv, &div(&sub(&dau, &mm(&v, &mm(&vh, &dau))), &wide(&along_rows(&s, n))));
        }
        [Some(ds), Some(du), Some(mh(&dv))].into_iter().collect()
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        call_plain(l, routine!(SVD), &[self.full_matrices, self.compute_uv], x, ins[0].ndim() - 2, outs)
    }
}

pub(super) const READ: &[Read] = &[("svd", |p, x| {
    p.unset("subset_by_index")?;
    if let Some(how) = p.opt_str("algorithm")?
        && !matches!(how, "DEFAULT" | "QR" | "DIVIDE_AND_CONQUER")
    {
        return Err(p.error("algorithm", format!("{how} is not supported")).into());
    }
    let svd = Svd {
        full_matrices: p.bool("full_matrices")?,
        compute_uv: p.bool("compute_uv")?,
        degenerate: Degenerate::NotANumber,
    };
    Ok(bind(&svd, &[&x[0]]))
})];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    /// What does not depend on the directions of the vectors: values, the matrix itself and its polar factor.
    fn invariant(x: &Array, degenerate: Degenerate) -> Vec<Array> {
        let (u, s, vh) = svd(x, false, degenerate);
        let f = to(&along_rows(&s, u.shape()[u.ndim() - 2]), u.dtype());
        let ys = [mm(&mul(&u, &f), &vh), mm(&u, &vh)];
        let parts = ys.iter().flat_map(|y| if y.dtype().is_complex() { vec![real(y), imag(y)] } else { vec![y.clone()] });
        [s, singular_values(x)].into_iter().chain(parts).collect()
    }
    vec![
        Case { name: "square", args: vec![sample(&[3, 3], 1)], run: |x| invariant(&x[0], Degenerate::NotANumber) },
        Case { name: "tall", args: vec![sample(&[4, 2], 2)], run: |x| invariant(&x[0], Degenerate::Zero) },
        Case { name: "wide batch", args: vec![sample(&[2, 2, 3], 3)], run: |x| invariant(&x[0], Degenerate::NotANumber) },
        Case {
            name: "complex",
            args: vec![sample(&[3, 2], 5), sample(&[3, 2], 6)],
            run: |x| invariant(&complex(&x[0], &x[1]), Degenerate::NotANumber),
        },
        Case {
            name: "all vectors, in 32 bits, and of nothing",
            args: vec![
                to(&sample(&[4, 2], 7), crate::DType::Float32),
                to(&sample(&[0, 2], 7), crate::DType::Float32),
                to(&sample(&[2, 0], 7), crate::DType::Float32),
            ],
            run: |x| x.iter().flat_map(|x| {
                let (u, s, vh) = svd(x, true, Degenerate::NotANumber);
                [s, mm(&u, &mh(&u)), mm(&vh, &mh(&vh))]
            }).collect(),
        },
    ]
}
