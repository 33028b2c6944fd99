//! Tridiagonal equations, with row swaps as in LAPACK's `gtsv`.

use crate::matrix::*;
use crate::{by_type, expect};
use cotangent_cpu::{Call, Routine, Ty};

/// X with A X = B for a tridiagonal A. Operands: B `[n, k]`, the diagonal below (from its second element on), the diagonal and that above (but for its last
/// element), `[n]` each; the result is like B, NaN if A is singular. No parameters.
pub static TRIDIAGONAL_SOLVE: Routine = Routine {
    name: "tridiagonal_solve",
    check: |_, ins, outs| {
        let (dt, n, _) = crate::matrix_of(ins)?;
        let d = Ty::new(dt, &[n]);
        expect(ins, outs, (&[ins[0].clone(), d.clone(), d.clone(), d], &ins[..1]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), solve(call)),
};
fn solve<T: Number>(call: &mut Call) {
    let (n, cols) = (call.dims(0)[0], call.dims(0)[1]);
    let diagonals = [1, 2, 3].map(|k| call.input::<T>(k));
    let out = call.output::<T>(0);
    for k in 0..call.count {
        let x = part_mut(out, k, n * cols);
        let [low, mid, high] = diagonals.map(|d| part(d, k, n).to_vec());
        if !one(&low, mid, high, x, cols) {
            x.fill(T::nan());
        }
    }
}
/// Solves, or says that the matrix is singular.
fn one<T: Number>(low: &[T], mut d: Vec<T>, mut up: Vec<T>, x: &mut [T], cols: usize) -> bool {
    let n = d.len();
    // what a swap puts beside the diagonal above
    let mut far = vec![T::nought(); n];
    for i in 0..n.saturating_sub(1) {
        let (a, b) = x[i * cols..(i + 2) * cols].split_at_mut(cols);
        if d[i].size() >= low[i + 1].size() {
            if d[i] == T::nought() {
                return false;
            }
            let f = low[i + 1] / d[i];
            d[i + 1] -= f * up[i];
            for (b, a) in b.iter_mut().zip(a) {
                *b -= f * *a;
            }
        } else {
            let f = d[i] / low[i + 1];
            d[i] = low[i + 1];
            let next = d[i + 1];
            d[i + 1] = up[i] - f * next;
            if i + 2 < n {
                far[i] = up[i + 1];
                up[i + 1] = -f * far[i];
            }
            up[i] = next;
            for (b, a) in b.iter_mut().zip(a) {
                let old = *a;
                *a = *b;
                *b = old - f * *b;
            }
        }
    }
    if d.last().is_some_and(|d| *d == T::nought()) {
        return false;
    }
    for i in (0..n).rev() {
        let (row, below) = x[i * cols..].split_at_mut(cols);
        for (j, x) in row.iter_mut().enumerate() {
            let mut s = *x;
            if i + 1 < n {
                s -= up[i] * below[j];
            }
            if i + 2 < n {
                s -= far[i] * below[cols + j];
            }
            *x = s / d[i];
        }
    }
    true
}
