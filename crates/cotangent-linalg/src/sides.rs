//! Reduction to bidiagonal form by Householder reflections of both sides (Golub and Van Loan, Matrix Computations, 4th edition, 5.4.8).
//!
//! What both reflections of a step change of the matrix is left to the next step, which reads and writes a column once: for that change, and for the product that tells
//! what its own reflection will do to it. Lanes sum rows that are as far apart as the number of lanes is, so no result depends on the width of the registers.

use crate::matrix::*;
use crate::qr::householder;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use faer::{Mat, MatMut};

/// Rows that are taken together.
const LANES: usize = 16;

/// The diagonal and what is above it; the reflections' vectors are left below the diagonal of `a`, which has no more columns than rows, and, for the right
/// side, in the columns of `right`, from the diagonal on. The factors `tau` are those of both sides.
pub(crate) fn reduce<T: Number>(a: &mut Mat<T>, right: &mut Mat<T>, taus: &mut [Vec<T>; 2]) -> [Vec<T::R>; 2] {
    let (m, n) = a.shape();
    let zero = T::nought();
    let [mut diagonal, mut above] = [vec![Float::zero(); n], vec![Float::zero(); n]];
    // the vectors of this step and of the one before it: a -= before y + z v^H
    let [mut u, mut before, mut z] = [vec![zero; m], vec![zero; m], vec![zero; m]];
    let [mut y, mut v] = [vec![zero; n], vec![zero; n]];
    for k in 0..n {
        let column = &mut a.col_as_slice_mut(k)[k..];
        let (by, z_by) = (y[k], v[k].bar());
        for ((x, b), z) in column.iter_mut().zip(&before[k..]).zip(&z[k..]) {
            *x -= *b * by + *z * z_by;
        }
        let tau = householder(column);
        diagonal[k] = column[0].re_of();
        taus[0][k] = tau;
        u[k] = T::unit();
        u[k + 1..].copy_from_slice(&column[1..]);
        if k + 1 == n {
            break;
        }
        // Whole lanes: in rows that are done the vectors are zero.
        let first = k / LANES * LANES;
        u[first..k].fill(zero);
        let rest = a.as_mut().submatrix_mut(first, k + 1, m - first, n - k - 1);
        let vectors = [&before[first..], &z[first..], &u[first..]];
        Arch::new().dispatch(Left { a: rest, vectors, y: &mut y[k + 1..], v: &v[k + 1..] });
        for j in k + 1..n {
            y[j] = tau.bar() * y[j];
            v[j] = (a[(k, j)] - y[j]).bar();
        }
        let tau = householder(&mut v[k + 1..]);
        above[k] = v[k + 1].re_of();
        taus[1][k] = tau;
        v[k + 1] = T::unit();
        right.col_as_slice_mut(k)[k..].copy_from_slice(&v[k + 1..]);
        z[first..].fill(zero);
        Arch::new().dispatch(Right { a, first: (first, k + 1), v: &v[k + 1..], z: &mut z[first..] });
        let both: T = y[k + 1..].iter().zip(&v[k + 1..]).map(|(y, v)| *y * *v).sum();
        for (z, u) in z[k + 1..].iter_mut().zip(&u[k + 1..]) {
            *z = tau * (*z - *u * both);
        }
        z[first..=k].fill(zero);
        std::mem::swap(&mut u, &mut before);
        before[k] = zero;
    }
    [diagonal, above]
}

/// `a -= before y + z v^H`, and then `y = u^H a`.
struct Left<'a, T: Number> {
    a: MatMut<'a, T>,
    vectors: [&'a [T]; 3],
    y: &'a mut [T],
    v: &'a [T],
}
impl<T: Number> WithSimd for Left<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let [before, z, u] = self.vectors;
        let n = self.a.ncols();
        for j in (0..n).step_by(2) {
            if j + 1 == n {
                let x = slice(self.a.as_mut().subcols_mut(j, 1));
                [self.y[j]] = step([x], before, z, u, [self.y[j]], [self.v[j].bar()]);
            } else {
                let (x0, x1) = self.a.as_mut().subcols_mut(j, 2).split_at_col_mut(1);
                let (y, v) = ([self.y[j], self.y[j + 1]], [self.v[j].bar(), self.v[j + 1].bar()]);
                [self.y[j], self.y[j + 1]] = step([slice(x0), slice(x1)], before, z, u, y, v);
            }
        }
    }
}
#[inline(always)]
fn step<T: Number, const C: usize>(x: [&mut [T]; C], before: &[T], z: &[T], u: &[T], y: [T; C], v: [T; C]) -> [T; C] {
    let mut sums = [[T::nought(); LANES]; C];
    let whole = u.len() / LANES * LANES;
    for i in (0..whole).step_by(LANES) {
        let (before, z, u) = (lanes(before, i), lanes(z, i), lanes(u, i));
        for c in 0..C {
            let to: &mut [T; LANES] = (&mut x[c][i..i + LANES]).try_into().expect("as many");
            let (mut x, mut sum) = (*to, sums[c]);
            for l in 0..LANES {
                x[l] -= before[l] * y[c] + z[l] * v[c];
            }
            for l in 0..LANES {
                sum[l] += u[l].bar() * x[l];
            }
            (*to, sums[c]) = (x, sum);
        }
    }
    for i in whole..u.len() {
        for c in 0..C {
            x[c][i] -= before[i] * y[c] + z[i] * v[c];
            sums[c][i - whole] += u[i].bar() * x[c][i];
        }
    }
    sums.map(|sums| sums.into_iter().sum())
}
/// `z += a v`, for the rows and columns of `a` from the first ones on.
struct Right<'a, T: Number> {
    a: &'a Mat<T>,
    first: (usize, usize),
    v: &'a [T],
    z: &'a mut [T],
}
impl<T: Number> WithSimd for Right<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (row, column) = self.first;
        let mut j = 0;
        while j + 4 <= self.v.len() {
            let x: [&[T]; 4] = std::array::from_fn(|c| &self.a.col_as_slice(column + j + c)[row..]);
            add(self.z, x, std::array::from_fn(|c| self.v[j + c]));
            j += 4;
        }
        for j in j..self.v.len() {
            add(self.z, [&self.a.col_as_slice(column + j)[row..]], [self.v[j]]);
        }
    }
}
#[inline(always)]
fn add<T: Number, const C: usize>(z: &mut [T], x: [&[T]; C], v: [T; C]) {
    let whole = z.len() / LANES * LANES;
    for i in (0..whole).step_by(LANES) {
        let to: &mut [T; LANES] = (&mut z[i..i + LANES]).try_into().expect("as many");
        let mut z = *to;
        for c in 0..C {
            let x = lanes(x[c], i);
            for l in 0..LANES {
                z[l] += x[l] * v[c];
            }
        }
        *to = z;
    }
    for i in whole..z.len() {
        for c in 0..C {
            z[i] += x[c][i] * v[c];
        }
    }
}
#[inline(always)]
fn lanes<T: Copy>(x: &[T], i: usize) -> [T; LANES] {
    x[i..i + LANES].try_into().expect("as many")
}
/// The one column of a matrix, which is contiguous.
#[inline(always)]
fn slice<T: Number>(a: MatMut<'_, T>) -> &mut [T] {
    a.col_mut(0).try_as_col_major_mut().expect("columns are contiguous").as_slice_mut()
}
