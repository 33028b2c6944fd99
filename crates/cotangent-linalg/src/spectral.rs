//! Eigenvalues of Hermitian matrices, and singular values.

use crate::conquer::{self, Room};
use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::evd::tridiag::{TridiagParams, tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj,
};
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{Auto, Conj, Mat, Par, Spec};

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
    let mut a = matrix::<T>(n, n);
    let mut room = Eigen::new(n);
    for k in 0..call.count {
        let x = part_mut(out, k, n * n);
        let w = part_mut(values, k, n);
        for i in 0..n {
            for j in 0..=i {
                a[(i, j)] = if lower { x[i * n + j] } else { x[j * n + i].bar() };
            }
        }
        let sound = (0..n).all(|j| finite(&a.col_as_slice(j)[j..]));
        if sound && room.decompose(&mut a, w) {
            store(x, room.u.as_ref());
        } else {
            x.fill(T::nan());
            w.fill(Float::nan());
        }
    }
}
/// Memory for the decomposition of matrices with a number of rows.
struct Eigen<T: Number> {
    /// The eigenvectors.
    u: Mat<T>,
    reflections: Mat<T>,
    below: Vec<T::R>,
    real: Mat<T::R>,
    room: Room<T::R>,
    scratch: MemBuffer,
}
impl<T: Number> Eigen<T> {
    fn new(n: usize) -> Self {
        let block = recommended_block_size::<T>(n, n);
        let scratch = StackReq::any_of(&[
            tridiag_in_place_scratch::<T>(n, Par::Seq, tridiagonal()),
            apply_block_householder_sequence_on_the_left_in_place_scratch::<T>(n - 1, block, n),
        ]);
        Eigen {
            u: matrix(n, n),
            reflections: matrix(block, n - 1),
            below: vec![Float::zero(); n],
            real: matrix(n, n),
            room: Room::new(n),
            scratch: MemBuffer::new(scratch),
        }
    }
    /// Finds the eigenvalues, in ascending order, and the eigenvectors of a finite matrix of which the lower triangle is given, and which is lost. `false`: not found.
    fn decompose(&mut self, a: &mut Mat<T>, values: &mut [T::R]) -> bool {
        let n = values.len();
        let scale = balance(|j| j..n, a);
        let stack = MemStack::new(&mut self.scratch);
        tridiag_in_place(a.as_mut(), self.reflections.as_mut(), Par::Seq, stack, tridiagonal());
        // The elements below the diagonal are complex; with their phases moved to the vectors they are real.
        let mut phase = vec![T::unit(); n];
        for i in 0..n {
            values[i] = a[(i, i)].re_of();
            if i + 1 < n {
                let x = a[(i + 1, i)];
                self.below[i] = if T::IS_REAL { x.re_of() } else { norm(&[x]) };
                if !T::IS_REAL {
                    let z = x * phase[i];
                    let size = norm(&[z]);
                    phase[i + 1] = if size == Float::zero() { T::unit() } else { z * T::real(size).recip() };
                }
            }
        }
        if !conquer::eigen(values, &mut self.below, self.real.as_mut(), &mut self.room) {
            return false;
        }
        for j in 0..n {
            for ((u, x), phase) in self.u.col_as_slice_mut(j).iter_mut().zip(self.real.col_as_slice(j)).zip(&phase) {
                *u = if T::IS_REAL { T::real(*x) } else { *phase * T::real(*x) };
            }
        }
        apply_block_householder_sequence_on_the_left_in_place_with_conj(
            a.as_ref().submatrix(1, 0, n - 1, n - 1),
            self.reflections.as_ref(),
            Conj::No,
            self.u.as_mut().subrows_mut(1, n - 1),
            Par::Seq,
            MemStack::new(&mut self.scratch),
        );
        for w in values {
            *w *= scale;
        }
        true
    }
}
fn tridiagonal<T: Number>() -> Spec<TridiagParams, T> {
    Spec::new(<TridiagParams as Auto<T>>::auto())
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
/// Rows of a bidiagonal matrix that is not divided.
const FEW: usize = 32;
/// A bidiagonal matrix of so many rows is divided.
fn way<T: Number>(rows: usize) -> Spec<SvdParams, T> {
    let mut params = <SvdParams as Auto<T>>::auto();
    params.recursion_threshold = rows;
    Spec::new(params)
}
/// Is `a v = u diag(s)`? Divide and conquer is several times as fast as the QR iteration, but `faer`'s (0.24) loses digits of matrices with many singular values that
/// are zero or equal: then the iteration is asked, as it is for values alone.
fn holds<T: Number>(a: &Mat<T>, u: &Mat<T>, s: &[T], v: &Mat<T>) -> bool {
    let (m, k) = (a.nrows(), s.len());
    let mut product_of = matrix::<T>(m, k);
    product(product_of.as_mut(), None, (a.as_ref(), false), v.as_ref().subcols(0, k));
    let greatest = s.iter().fold(Float::zero(), |g: T::R, s| if s.size() > g { s.size() } else { g });
    let bound = T::R::from_double(2.0 * (m.max(a.ncols()) as f64 + 20.0)) * T::R::eps() * greatest;
    (0..k).all(|j| {
        let columns = product_of.col_as_slice(j).iter().zip(u.col_as_slice(j));
        columns.fold(true, |ok, (x, u)| ok & ((*x - *u * s[j]).size() <= bound))
    })
}
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
    let ways: Vec<Spec<SvdParams, T>> =
        if vectors && k > FEW { vec![way(FEW), way(usize::MAX)] } else { vec![way(usize::MAX)] };
    let room = |way: &Spec<SvdParams, T>| svd_scratch::<T>(m, n, kind, kind, Par::Seq, *way);
    let mut memory = MemBuffer::new(StackReq::any_of(&ways.iter().map(room).collect::<Vec<_>>()));
    let mut a = matrix::<T>(m, n);
    let (mut u, mut v) = if vectors { (matrix::<T>(m, p), matrix::<T>(n, q)) } else { (matrix(0, 0), matrix(0, 0)) };
    let mut s = vec![T::nought(); k];
    for i in 0..call.count {
        let x = part(x, i, m * n);
        load(&mut a, x);
        let sound = finite(x);
        let scale: T::R = if sound { balance(|_| 0..m, &mut a) } else { Float::one() };
        let ok = sound
            && ways.iter().any(|way| {
                // vectors that belong to no value are made of what is there, which has to be zeros
                u.fill(T::nought());
                v.fill(T::nought());
                let diagonal = DiagMut::from_slice_mut(&mut s);
                let stack = MemStack::new(&mut memory);
                let (to_u, to_v) = (vectors.then(|| u.as_mut()), vectors.then(|| v.as_mut()));
                svd(a.as_ref(), diagonal, to_u, to_v, Par::Seq, stack, *way).is_ok()
                    && (way.recursion_threshold == usize::MAX || holds(&a, &u, &s, &v))
            });
        let found: Vec<T::R> = s.iter().map(|s| s.re_of()).collect();
        // Values that are next to nothing beside the greatest come in any order.
        if ok && !found.is_sorted_by(|a, b| a >= b) {
            let mut order: Vec<usize> = (0..k).collect();
            order.sort_by(|i, j| found[*j].partial_cmp(&found[*i]).unwrap_or(std::cmp::Ordering::Equal));
            s = order.iter().map(|i| T::real(found[*i])).collect();
            for vectors in [&mut u, &mut v].into_iter().filter(|_| vectors) {
                let old = vectors.clone();
                for (to, from) in order.iter().enumerate() {
                    vectors.col_mut(to).copy_from(old.col(*from));
                }
            }
        }
        for (w, s) in part_mut(values, i, k).iter_mut().zip(&s) {
            *w = if ok { s.re_of() * scale } else { Float::nan() };
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
