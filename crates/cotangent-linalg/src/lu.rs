//! LU factorization with row swaps, as LAPACK's `getrf` makes it: by halves of the columns.

use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::linalg::triangular_solve::solve_unit_lower_triangular_in_place;
use faer::{MatMut, Par};

/// L and U with P A = L U in one matrix (L without its diagonal of ones), the row that each row was swapped with in turn, and the rows of A in
/// the order of P A. A singular matrix has zeros on the diagonal of U. Operand `[m, n]`, results `[m, n]`, `i32[min(m, n)]`, `i32[m]`. No parameters.
pub static LU: Routine = Routine {
    name: "lu",
    check: |_, ins, outs| {
        let (_, m, n) = matrix_of(ins)?;
        let rows = [ins[0].clone(), Ty::new(Dt::I32, &[m.min(n)]), Ty::new(Dt::I32, &[m])];
        expect(ins, outs, (&ins[..1], &rows))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), lu(call)),
};
fn lu<T: Number>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let k = m.min(n);
    let (out, swaps, order) = (call.output::<T>(0), call.output::<i32>(1), call.output::<i32>(2));
    let mut a = matrix::<T>(m, n);
    let mut pivots = vec![0; k];
    for i in 0..call.count {
        load(&mut a, part(out, i, m * n));
        let (mut left, mut right) = a.as_mut().split_at_col_mut(k);
        factor(left.as_mut(), &mut pivots);
        if n > k {
            swap(right.as_mut(), &pivots);
            solve_unit_lower_triangular_in_place(left.as_ref(), right, Par::Seq);
        }
        store(part_mut(out, i, m * n), a.as_ref());
        let swaps = part_mut(swaps, i, k);
        for (s, p) in swaps.iter_mut().zip(&pivots) {
            *s = *p as i32;
        }
        permute(part_mut(order, i, m), swaps);
    }
}
/// Columns that are factorized one by one.
const FEW: usize = 8;
/// Factorizes a matrix with at least as many rows as columns.
fn factor<T: Number>(mut a: MatMut<T>, pivots: &mut [usize]) {
    let n = a.ncols();
    if n <= FEW {
        return columns(a, pivots);
    }
    let half = n / 2;
    let (mut left, mut right) = a.as_mut().split_at_col_mut(half);
    factor(left.as_mut(), &mut pivots[..half]);
    swap(right.as_mut(), &pivots[..half]);
    let (l, below) = left.as_mut().split_at_row_mut(half);
    let (mut u, mut rest) = right.split_at_row_mut(half);
    solve_unit_lower_triangular_in_place(l.as_ref(), u.as_mut(), Par::Seq);
    product(rest.as_mut(), Some(-T::unit()), (below.as_ref(), false), u.as_ref());
    factor(rest, &mut pivots[half..]);
    swap(below, &pivots[half..]);
    for p in &mut pivots[half..] {
        *p += half;
    }
}
/// Swaps rows in turn.
fn swap<T: Number>(mut a: MatMut<T>, pivots: &[usize]) {
    for j in 0..a.ncols() {
        let col = column(&mut a, j);
        for (i, p) in pivots.iter().enumerate() {
            col.swap(i, *p);
        }
    }
}
/// A column, which is contiguous.
fn column<'a, T: Number>(a: &'a mut MatMut<T>, j: usize) -> &'a mut [T] {
    a.as_mut().col_mut(j).try_as_col_major_mut().expect("columns are contiguous").as_slice_mut()
}
fn columns<T: Number>(mut a: MatMut<T>, pivots: &mut [usize]) {
    for j in 0..a.ncols() {
        let (first, rest) = a.as_mut().split_at_col_mut(j + 1);
        let mut first = first;
        let mut rest = rest;
        let col = column(&mut first, j);
        let mut p = j;
        for (i, x) in col.iter().enumerate().skip(j + 1) {
            if x.size() > col[p].size() {
                p = i;
            }
        }
        pivots[j] = p;
        if col[p] != T::nought() {
            col.swap(j, p);
            if p != j {
                for c in 0..j {
                    column(&mut first, c).swap(j, p);
                }
                for c in 0..rest.ncols() {
                    column(&mut rest, c).swap(j, p);
                }
            }
            let col = column(&mut first, j);
            let pivot = col[j];
            // The reciprocal of a tiny pivot would overflow.
            let inverse = T::unit() / pivot;
            let tiny = !num_complex::ComplexFloat::is_finite(inverse);
            for x in &mut col[j + 1..] {
                *x = if tiny { *x / pivot } else { *x * inverse };
            }
        }
        let col = column(&mut first, j);
        for c in 0..rest.ncols() {
            let to = column(&mut rest, c);
            let scale = to[j];
            for (y, x) in to[j + 1..].iter_mut().zip(&col[j + 1..]) {
                *y -= *x * scale;
            }
        }
    }
}

/// The order of rows that swaps make: operand `i32[k]`, result `i32[m]`. No parameters.
pub static PIVOTS_TO_PERMUTATION: Routine = Routine {
    name: "pivots_to_permutation",
    check: |_, ins, outs| {
        let ok = |t: &[Ty]| t.len() == 1 && t[0].dt == Dt::I32 && t[0].dims.len() == 1;
        ensure!(ok(ins) && ok(outs) && outs[0].dims[0] >= ins[0].dims[0], "{outs:?} from {ins:?}");
        Ok(())
    },
    in_place: false,
    run: |call| {
        let (k, m) = (call.dims(0)[0], call.out_dims(0)[0]);
        let (swaps, order) = (call.input::<i32>(0), call.output::<i32>(0));
        for i in 0..call.count {
            permute(part_mut(order, i, m), part(swaps, i, k));
        }
    },
};
/// Swaps the numbers from 0 on in turn. A swap with what is not there is none.
fn permute(order: &mut [i32], swaps: &[i32]) {
    for (i, x) in order.iter_mut().enumerate() {
        *x = i as i32;
    }
    for (i, p) in swaps.iter().enumerate() {
        if (*p as usize) < order.len() {
            order.swap(i, *p as usize);
        }
    }
}
