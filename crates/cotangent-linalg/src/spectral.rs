//! Eigenvalues of Hermitian matrices.

use crate::conquer::{self, Room};
use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::evd::tridiag::{TridiagParams, tridiag_in_place, tridiag_in_place_scratch};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj,
};
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::{Auto, Conj, Mat, Par, Spec};

/// The element type of a part.
pub(crate) fn real(dt: Dt) -> Dt {
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
