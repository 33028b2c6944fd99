//! Eigenvalues of general matrices, in 64 bits whatever the type of the matrix.

use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, EvdParams, evd_cplx, evd_real, evd_scratch};
use faer::{Auto, Mat, Par, Spec};
use num_complex::Complex;

/// The complex type of the same width.
fn complex(dt: Dt) -> Dt {
    match dt {
        Dt::F32 => Dt::C64,
        Dt::F64 => Dt::C128,
        dt => dt,
    }
}
type C = Complex<f64>;

/// Eigenvalues and, where the two parameters are not 0, left and right eigenvectors as columns: of length 1, with a real component of greatest size. Operand
/// `[n, n]`, results `[n]` and up to two of `[n, n]`, all complex; NaN if the matrix holds anything else than finite numbers. Of a real matrix, conjugate pairs
/// stand beside each other, the one with the positive imaginary part first.
pub static EIG: Routine = Routine {
    name: "eig",
    check: |params, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        ensure!(m == n && params.len() == 2, "a matrix of {m} by {n}, {} parameters", params.len());
        let wanted = params.iter().filter(|p| **p != 0).count();
        let mut all = vec![Ty::new(complex(dt), &[n])];
        all.extend((0..wanted).map(|_| Ty::new(complex(dt), &[n, n])));
        expect(ins, outs, (&ins[..1], &all))
    },
    in_place: false,
    run: |call| by_type!(call.dt(0), eig(call)),
};
fn eig<T: Number>(call: &mut Call) {
    match complex(call.dt(0)) {
        Dt::C64 => eig_as::<T, Complex<f32>>(call),
        _ => eig_as::<T, Complex<f64>>(call),
    }
}
fn eig_as<T: Number, Z: Number>(call: &mut Call) {
    let n = call.dims(0)[0];
    let [left, right] = [0, 1].map(|i| call.params[i] != 0);
    let narrow = |z: &C| Z::new(Float::from_double(z.re), Float::from_double(z.im));
    let (x, values) = (call.input::<T>(0), call.output::<Z>(0));
    let mut sides: Vec<&mut [Z]> = (1..call.results()).map(|k| call.output::<Z>(k)).collect();
    if n == 0 {
        return;
    }
    for k in 0..call.count {
        let wide: Vec<C> = part(x, k, n * n).iter().map(|x| x.wide()).collect();
        let found = match finite(&wide) {
            true if T::IS_REAL => real(&wide, n, left, right),
            true => general(&wide, n, left, right),
            false => None,
        };
        let w = part_mut(values, k, n);
        let Some((all, vectors)) = found else {
            w.fill(Z::nan());
            sides.iter_mut().for_each(|s| part_mut(s, k, n * n).fill(Z::nan()));
            continue;
        };
        for (w, z) in w.iter_mut().zip(&all) {
            *w = narrow(z);
        }
        for (side, mut v) in sides.iter_mut().zip(vectors) {
            let rows = part_mut(side, k, n * n);
            for j in 0..n {
                normalize(v.col_as_slice_mut(j));
                for i in 0..n {
                    rows[i * n + j] = narrow(&v[(i, j)]);
                }
            }
        }
    }
}
/// Makes a vector of length 1 and its component of greatest size real. One that is real stays so.
fn normalize(v: &mut [C]) {
    let greatest = v.iter().map(|z| z.re.abs().max(z.im.abs())).fold(0.0, f64::max);
    let length = greatest * v.iter().map(|z| (z / greatest).norm_sqr()).sum::<f64>().sqrt();
    v.iter_mut().for_each(|z| *z /= length);
    if v.iter().all(|z| z.im == 0.0) {
        return;
    }
    let top = v.iter().enumerate().fold(0, |k, (i, z)| if z.norm_sqr() > v[k].norm_sqr() { i } else { k });
    let turn = v[top].conj() / v[top].norm();
    v.iter_mut().for_each(|z| *z *= turn);
    v[top].im = 0.0;
}
type Found = Option<(Vec<C>, Vec<Mat<C>>)>;
fn wants(yes: bool) -> ComputeEigenvectors {
    if yes { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No }
}
fn general(x: &[C], n: usize, left: bool, right: bool) -> Found {
    let mut a = matrix::<C>(n, n);
    load(&mut a, x);
    let params = Spec::new(<EvdParams as Auto<C>>::auto());
    let mut memory = MemBuffer::new(evd_scratch::<C>(n, wants(left), wants(right), Par::Seq, params));
    let mut s = vec![C::default(); n];
    let (mut l, mut r) = (left.then(|| matrix(n, n)), right.then(|| matrix(n, n)));
    let diagonal = DiagMut::from_slice_mut(&mut s);
    let (to_l, to_r) = (l.as_mut().map(|l| l.as_mut()), r.as_mut().map(|r| r.as_mut()));
    evd_cplx(a.as_ref(), diagonal, to_l, to_r, Par::Seq, MemStack::new(&mut memory), params).ok()?;
    Some((s, l.into_iter().chain(r).collect()))
}
fn real(x: &[C], n: usize, left: bool, right: bool) -> Found {
    let mut a = matrix::<f64>(n, n);
    load(&mut a, &x.iter().map(|z| z.re).collect::<Vec<_>>());
    let params = Spec::new(<EvdParams as Auto<f64>>::auto());
    let mut memory = MemBuffer::new(evd_scratch::<f64>(n, wants(left), wants(right), Par::Seq, params));
    let (mut re, mut im) = (vec![0.0; n], vec![0.0; n]);
    let (mut l, mut r) = (left.then(|| matrix::<f64>(n, n)), right.then(|| matrix::<f64>(n, n)));
    let (to_re, to_im) = (DiagMut::from_slice_mut(&mut re), DiagMut::from_slice_mut(&mut im));
    let (to_l, to_r) = (l.as_mut().map(|l| l.as_mut()), r.as_mut().map(|r| r.as_mut()));
    evd_real(a.as_ref(), to_re, to_im, to_l, to_r, Par::Seq, MemStack::new(&mut memory), params).ok()?;
    let values: Vec<C> = re.iter().zip(&im).map(|(re, im)| C::new(*re, *im)).collect();
    // the vectors of a conjugate pair are given by the real and imaginary parts of one of them
    let unpacked = l.into_iter().chain(r).map(|v| {
        let mut z = matrix::<C>(n, n);
        let mut j = 0;
        while j < n {
            if values[j].im == 0.0 || j + 1 == n {
                (0..n).for_each(|i| z[(i, j)] = C::new(v[(i, j)], 0.0));
                j += 1;
                continue;
            }
            for i in 0..n {
                z[(i, j)] = C::new(v[(i, j)], v[(i, j + 1)]);
                z[(i, j + 1)] = z[(i, j)].conj();
            }
            j += 2;
        }
        z
    });
    let vectors = unpacked.collect();
    Some((values, vectors))
}
