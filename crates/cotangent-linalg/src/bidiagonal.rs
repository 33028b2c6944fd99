//! Singular values and vectors of real upper bidiagonal matrices, by divide and conquer (Gu and Eisenstat, A divide-and-conquer algorithm for the bidiagonal SVD,
//! SIAM J. Matrix Anal. Appl. 16, 1995), with [what](crate::conquer) it has in common with eigenvalues.
//!
//! A matrix here has one column more than rows, so that the rows above and below any one are two such matrices again; down to none. With their decompositions, a
//! middle row `(a, b)` becomes a row `z`, and what is left to be done is `M`, with `z` in one row and the values `d` of both parts on the diagonal of the others.
//! `M^T M = diag(d)^2 + z z^T`: the squares of its singular values are such [eigenvalues](crate::secular), and its right vectors their vectors. These are orthogonal to all
//! digits as they are those of another `z` next to the given one; and so are the left ones, `M` times those for that `z`. So what is found is the decomposition of a
//! matrix that differs from the given one by some roundings of its greatest element, whatever its values are: equal, next to each other, or zero.

use crate::conquer::{Products, Reach, Rows, rotate, scale};
use crate::matrix::*;
use crate::secular::{Square, roots, unit, vectors};
use faer::MatMut;

/// Memory for matrices with a number of rows.
pub(crate) struct Room<R: Real> {
    right: Vec<R>,
    left: Vec<R>,
    products: Products<R>,
}
impl<R: Real> Room<R> {
    pub(crate) fn new(n: usize) -> Self {
        Room { right: vec![R::nought(); n * n], left: vec![R::nought(); n * n], products: Products::new(n + 1) }
    }
}

/// Replaces the diagonal by the singular values in ascending order and `u` and `v`, which may hold anything, by the singular vectors; what is above the diagonal is lost.
/// The last number of `e` stands beside the matrix: it is not used. `v` has one row and one column more than the matrix, which belong to it. All numbers are finite.
pub(crate) fn singular<R: Real>(d: &mut [R], e: &mut [R], mut u: MatMut<R>, mut v: MatMut<R>, room: &mut Room<R>) {
    let n = d.len();
    e[n - 1] = R::nought();
    u.fill(R::nought());
    v.fill(R::nought());
    if e.iter().all(|x| *x == R::nought()) {
        // what is diagonal is known exactly
        let given = d.to_vec();
        for (j, from) in ascending(0..n, |i| Float::abs(given[i])).into_iter().enumerate() {
            d[j] = Float::abs(given[from]);
            u[(from, j)] = if given[from] < R::nought() { -R::unit() } else { R::unit() };
            v[(from, j)] = R::unit();
        }
        v[(n, n)] = R::unit();
        return;
    }
    let scale = scale(d, e);
    divide(d, e, u, v, room);
    for x in d {
        *x *= scale;
    }
}
/// `e` has a number for each row.
fn divide<R: Real>(d: &mut [R], e: &mut [R], mut u: MatMut<R>, mut v: MatMut<R>, room: &mut Room<R>) {
    let n = d.len();
    if n <= 1 {
        v[(0, 0)] = R::unit();
        if n == 1 {
            u[(0, 0)] = R::unit();
            v[(1, 1)] = R::unit();
            let size = norm(&[d[0], e[0]]);
            if size > R::nought() {
                rotate(v.as_mut(), 0, 1, d[0] / size, e[0] / size);
            }
            d[0] = size;
        }
        return;
    }
    let half = n / 2;
    let row = (d[half], e[half]);
    {
        let (u1, _, _, u2) = u.as_mut().split_at_mut(half, half);
        let (v1, _, _, v2) = v.as_mut().split_at_mut(half + 1, half + 1);
        divide(&mut d[..half], &mut e[..half], u1, v1, room);
        divide(&mut d[half + 1..], &mut e[half + 1..], u2.submatrix_mut(1, 1, n - half - 1, n - half - 1), v2, room);
    }
    merge(d, row, u, v, half, room);
}

/// Makes the values and vectors of the rows before and behind a row, in blocks beside zeros, those of the whole.
fn merge<R: Real>(d: &mut [R], (a, b): (R, R), mut u: MatMut<R>, mut v: MatMut<R>, row: usize, room: &mut Room<R>) {
    let (n, zero) = (d.len(), R::nought());
    // The greatest element of the matrix is 1. What is less than this beside it is what rounding leaves of it, and is not squared.
    let tolerance = R::eps() * R::from_double(2.0);
    let mut z: Vec<R> = (0..n).map(|j| if j < row { a * v[(row, j)] } else { b * v[(row + 1, j)] }).collect();
    // Of the two vectors that belong to no value, one becomes that of the middle row, with a pole at zero, and the other one still belongs to none.
    u[(row, row)] = R::unit();
    d[row] = zero;
    let ends = [a * v[(row, row)], b * v[(row + 1, n)]];
    let size = norm(&ends);
    if size > R::least() {
        rotate(v.as_mut(), row, n, ends[0] / size, ends[1] / size);
    }
    let least = R::eps() / R::from_double(8.0);
    z[row] = if size > least { size } else { least };

    let rows = |j: usize| match j.cmp(&row) {
        std::cmp::Ordering::Less => Rows::Top,
        std::cmp::Ordering::Equal => Rows::All,
        std::cmp::Ordering::Greater => Rows::Bottom,
    };
    let mut reach = Reach::new((0..n).map(rows).collect());
    // A value that is next to nothing gives its part of the row to the pole at zero.
    let others = (0..n).filter(|j| *j != row);
    for j in others.clone() {
        let size = norm(&[z[row], z[j]]);
        if Float::abs(z[j]) > tolerance && d[j] * Float::abs(z[j]) <= tolerance * size {
            let (c, s) = (z[row] / size, z[j] / size);
            rotate(v.as_mut(), row, j, c, s);
            (z[row], z[j]) = (size, zero);
            d[j] *= c;
            reach.rows[j] = Rows::All;
        }
    }
    reach.kept.push(row);
    reach.deflate(d, &mut z, R::unit(), tolerance, others, |i, j, c, s| {
        rotate(u.as_mut(), i, j, c, s);
        rotate(v.as_mut(), i, j, c, s);
    });
    let poles: Vec<Square<R>> = reach.poles(d);
    let mut z = reach.of(&z);
    let roots = roots(&poles, &z, R::unit());
    let k = poles.len();
    let (right, left) = (&mut room.right[..k * k], &mut room.left[..k * k]);
    vectors(&poles, &mut z, &roots, right);
    let kept = reach.of(d);
    for (right, left) in right.chunks(k).zip(left.chunks_mut(k)) {
        for ((left, right), d) in left.iter_mut().zip(right).zip(&kept) {
            *left = *d * *right;
        }
        left[0] = -R::unit();
    }
    unit(k, right);
    unit(k, left);
    let values = reach.values(&roots, d);
    room.products.mix(u, row + 1, &reach, left, &values);
    room.products.mix(v.subcols_mut(0, n), row + 1, &reach, right, &values);
    for (d, (value, _)) in d.iter_mut().zip(values) {
        *d = value;
    }
}
