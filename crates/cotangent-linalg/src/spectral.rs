//! Eigenvalues of Hermitian matrices, and singular values.

use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{Auto, Par, Spec};

/// The element type of a part.
fn real(dt: Dt) -> Dt {
    match dt {
        Dt::C64 => Dt::F32,
        Dt::C128 => Dt::F64,
        dt => dt,
    }
}

/// Orthonormal eigenvectors, as columns, and the eigenvalues in ascending order. Of the operand `[n, n]` one triangle is read: the lower one if the parameter is not
/// 0. Results `[n, n]` and `[n]`, real; NaN if the matrix holds anything else than finite numbers.
pub static EIGH: Routine = Routine {
    name: "eigh",
    check: |params, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        ensure!(m == n && params.len() == 1, "a matrix of {m} by {n}, {} parameters", params.len());
        expect(ins, outs, (&ins[..1], &[ins[0].clone(), Ty::new(real(dt), &[n])]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), eigh(call)),
};
fn eigh<T: Number>(call: &mut Call) {
    let n = call.dims(0)[0];
    let lower = call.params[0] != 0;
    let (out, values) = (call.output::<T>(0), call.output::<T::R>(1));
    if n == 0 {
        return;
    }
    let params = Spec::new(<SelfAdjointEvdParams as Auto<T>>::auto());
    let mut memory = MemBuffer::new(self_adjoint_evd_scratch::<T>(n, ComputeEigenvectors::Yes, Par::Seq, params));
    let (mut a, mut u) = (matrix::<T>(n, n), matrix::<T>(n, n));
    let mut s = vec![T::nought(); n];
    for k in 0..call.count {
        let x = part_mut(out, k, n * n);
        let w = part_mut(values, k, n);
        for i in 0..n {
            for j in 0..=i {
                a[(i, j)] = if lower { x[i * n + j] } else { x[j * n + i].bar() };
            }
        }
        let sound = (0..n).all(|j| finite(&a.col_as_slice(j)[j..]));
        let diagonal = DiagMut::from_slice_mut(&mut s);
        let stack = MemStack::new(&mut memory);
        if !sound || self_adjoint_evd(a.as_ref(), diagonal, Some(u.as_mut()), Par::Seq, stack, params).is_err() {
            x.fill(T::nan());
            w.fill(Float::nan());
            continue;
        }
        store(x, u.as_ref());
        for (w, s) in w.iter_mut().zip(&s) {
            *w = s.re_of();
        }
    }
}

/// Singular values in descending order and, if the second parameter is not 0, the singular vectors U (columns) and V^H (rows): all of them if the first parameter
/// is not 0, else as many as there are values. Operand `[m, n]`, results `[k]` (real), `[m, m or k]`, `[n or k, n]` with `k = min(m, n)`; NaN if the matrix holds
/// anything else than finite numbers.
pub static SVD: Routine = Routine {
    name: "svd",
    check: |params, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        ensure!(params.len() == 2, "{} parameters", params.len());
        let k = m.min(n);
        let (p, q) = if params[0] != 0 { (m, n) } else { (k, k) };
        let all = [Ty::new(real(dt), &[k]), Ty::new(dt, &[m, p]), Ty::new(dt, &[q, n])];
        expect(ins, outs, (&ins[..1], &all[..if params[1] != 0 { 3 } else { 1 }]))
    },
    in_place: false,
    run: |call| by_type!(call.dt(0), singular(call)),
};
fn singular<T: Number>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let k = m.min(n);
    let [full, vectors] = [0, 1].map(|i| call.params[i] != 0);
    let (p, q) = if full { (m, n) } else { (k, k) };
    let (x, values) = (call.input::<T>(0), call.output::<T::R>(0));
    let mut outs = vectors.then(|| (call.output::<T>(1), call.output::<T>(2)));
    let kind = match (vectors, full) {
        (false, _) => ComputeSvdVectors::No,
        (true, false) => ComputeSvdVectors::Thin,
        (true, true) => ComputeSvdVectors::Full,
    };
    let params = Spec::new(<SvdParams as Auto<T>>::auto());
    let mut memory = MemBuffer::new(svd_scratch::<T>(m, n, kind, kind, Par::Seq, params));
    let mut a = matrix::<T>(m, n);
    let (mut u, mut v) = if vectors { (matrix::<T>(m, p), matrix::<T>(n, q)) } else { (matrix(0, 0), matrix(0, 0)) };
    let mut s = vec![T::nought(); k];
    for i in 0..call.count {
        let x = part(x, i, m * n);
        load(&mut a, x);
        // vectors that belong to no value are made of what is there, which has to be zeros
        u.fill(T::nought());
        v.fill(T::nought());
        let diagonal = DiagMut::from_slice_mut(&mut s);
        let stack = MemStack::new(&mut memory);
        let (to_u, to_v) = (vectors.then(|| u.as_mut()), vectors.then(|| v.as_mut()));
        let ok = finite(x) && svd(a.as_ref(), diagonal, to_u, to_v, Par::Seq, stack, params).is_ok();
        for (w, s) in part_mut(values, i, k).iter_mut().zip(&s) {
            *w = if ok { s.re_of() } else { Float::nan() };
        }
        if let Some((us, vs)) = &mut outs {
            let (us, vs) = (part_mut(us, i, m * p), part_mut(vs, i, q * n));
            if ok {
                store(us, u.as_ref());
                store_adjoint(vs, v.as_ref());
            } else {
                us.fill(T::nan());
                vs.fill(T::nan());
            }
        }
    }
}
