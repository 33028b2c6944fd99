//! Cholesky's factorization, and triangular equations.

use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Routine};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{LltParams, cholesky_in_place, cholesky_in_place_scratch};
use faer::linalg::triangular_solve as tri;
use faer::{Auto, Conj, Par, Spec};

/// The lower triangular L with A = L L^H, of which only the lower triangle is read; what is above it stays. NaN everywhere if A is not positive definite.
/// Operand and result: `[n, n]`. No parameters.
pub static CHOLESKY: Routine = Routine {
    name: "cholesky",
    check: |_, ins, outs| {
        let (_, m, n) = matrix_of(ins)?;
        ensure!(m == n, "a matrix of {m} by {n} is not square");
        expect(ins, outs, (&ins[..1], &ins[..1]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), cholesky(call)),
};
fn cholesky<T: Number>(call: &mut Call) {
    let n = call.dims(0)[0];
    let out = call.output::<T>(0);
    let params = Spec::new(<LltParams as Auto<T>>::auto());
    let mut memory = MemBuffer::new(cholesky_in_place_scratch::<T>(n, Par::Seq, params));
    let mut a = matrix::<T>(n, n);
    for k in 0..call.count {
        let x = part_mut(out, k, n * n);
        load(&mut a, x);
        let done = cholesky_in_place(a.as_mut(), Default::default(), Par::Seq, MemStack::new(&mut memory), params);
        if done.is_err() {
            x.fill(T::nan());
            continue;
        }
        for (i, row) in x.chunks_mut(n.max(1)).enumerate() {
            for (j, x) in row[..=i].iter_mut().enumerate() {
                *x = a[(i, j)];
            }
        }
    }
}

/// X with op(A) X = B or X op(A) = B, for a triangle of A. Operands: A `[n, n]` and B; the result is like B. Parameters, 0 or 1: is A on the left, is
/// it the lower triangle, is A transposed, is it conjugated, is its diagonal 1. The first operand is B.
pub static TRIANGULAR_SOLVE: Routine = Routine {
    name: "triangular_solve",
    check: |params, ins, outs| {
        ensure!(params.len() == 5 && ins.len() == 2, "{} parameters, {} operands", params.len(), ins.len());
        let (dt, m, n) = matrix_of(ins)?;
        let (of, p, q) = matrix_of(&ins[1..])?;
        let fits = if params[0] != 0 { m } else { n };
        ensure!(p == q && of == dt && p == fits, "{} and {} do not fit", ins[1], ins[0]);
        expect(ins, outs, (ins, &ins[..1]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), triangular_solve(call)),
};
fn triangular_solve<T: Number>(call: &mut Call) {
    let (m, cols) = (call.dims(0)[0], call.dims(0)[1]);
    let n = call.dims(1)[0];
    let [left, lower, transpose, conjugate, unit] = [0, 1, 2, 3, 4].map(|i| call.params[i] != 0);
    let (mut a, mut b) = (matrix::<T>(n, n), matrix::<T>(m, cols));
    let (ins, out) = (call.input::<T>(1), call.output::<T>(0));
    let conj = if conjugate { Conj::Yes } else { Conj::No };
    for k in 0..call.count {
        load(&mut a, part(ins, k, n * n));
        load(&mut b, part_mut(out, k, m * cols));
        // X op(A) = B is op(A)^T X^T = B^T
        let flip = transpose == left;
        let t = if flip { a.as_ref().transpose() } else { a.as_ref() };
        let x = if left { b.as_mut() } else { b.as_mut().transpose_mut() };
        match (lower != flip, unit) {
            (true, false) => tri::solve_lower_triangular_in_place_with_conj(t, conj, x, Par::Seq),
            (true, true) => tri::solve_unit_lower_triangular_in_place_with_conj(t, conj, x, Par::Seq),
            (false, false) => tri::solve_upper_triangular_in_place_with_conj(t, conj, x, Par::Seq),
            (false, true) => tri::solve_unit_upper_triangular_in_place_with_conj(t, conj, x, Par::Seq),
        }
        store(part_mut(out, k, m * cols), b.as_ref());
    }
}
