//! Eigenvalues and eigenvectors of real symmetric tridiagonal matrices, by divide and conquer (Cuppen, Numerische Mathematik 36, 1981; Golub and Van Loan, Matrix
//! Computations, 4th edition, 8.4.4): both halves of the matrix without the element between them, and then what that element changes.
//!
//! What is found out of the change, and how the vectors are multiplied, serves [singular values](crate::bidiagonal), too.

use crate::matrix::*;
use crate::secular::{Plain, Pole, Root, roots, unit, vectors};
use faer::diag::{DiagMut, DiagRef};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, SelfAdjointEvdParams, self_adjoint_evd_scratch, tridiagonal_self_adjoint_evd,
};
use faer::{Auto, Mat, MatMut, Par, Spec};

/// Rows of a matrix that is not divided but left to the QR iteration.
pub(crate) const FEW: usize = 32;

/// Memory for matrices with a number of rows.
pub(crate) struct Room<R: Real> {
    found: Vec<R>,
    products: Products<R>,
    leaf: MemBuffer,
}
impl<R: Real> Room<R> {
    pub(crate) fn new(n: usize) -> Self {
        let scratch = self_adjoint_evd_scratch::<R>(FEW, ComputeEigenvectors::Yes, Par::Seq, few());
        Room { found: vec![R::nought(); n * n], products: Products::new(n), leaf: MemBuffer::new(scratch) }
    }
}
/// Never divide.
fn few<R: Real>() -> Spec<SelfAdjointEvdParams, R> {
    let mut params = <SelfAdjointEvdParams as Auto<R>>::auto();
    params.recursion_threshold = usize::MAX;
    Spec::new(params)
}

/// Replaces the diagonal by the eigenvalues in ascending order and `q`, which may hold anything, by the eigenvectors; what is beside the diagonal is lost. The last
/// number of `e` is not used. `false`: an iteration did not end, as for NaN.
pub(crate) fn eigen<R: Real>(d: &mut [R], e: &mut [R], mut q: MatMut<R>, room: &mut Room<R>) -> bool {
    let last = e.len() - 1;
    e[last] = R::nought();
    q.fill(R::nought());
    if e.iter().all(|x| *x == R::nought()) {
        // what is diagonal is known exactly
        let given = d.to_vec();
        for (j, from) in ascending(0..given.len(), |i| given[i]).into_iter().enumerate() {
            (d[j], q[(from, j)]) = (given[from], R::unit());
        }
        return finite(d);
    }
    let scale = scale(d, e);
    let ok = divide(d, e, q, room);
    d.iter_mut().for_each(|x| *x *= scale);
    ok
}
fn divide<R: Real>(d: &mut [R], e: &mut [R], mut q: MatMut<R>, room: &mut Room<R>) -> bool {
    let n = d.len();
    if n <= FEW {
        let given = d.to_vec();
        let (given, beside) = (DiagRef::from_slice(&given), DiagRef::from_slice(&*e));
        let stack = MemStack::new(&mut room.leaf);
        let values = DiagMut::from_slice_mut(d);
        return tridiagonal_self_adjoint_evd(given, beside, values, Some(q), Par::Seq, stack, few()).is_ok();
    }
    let half = n / 2;
    let between = e[half - 1];
    let ((d1, d2), (e1, e2)) = (d.split_at_mut(half), e.split_at_mut(half));
    d1[half - 1] -= Float::abs(between);
    d2[0] -= Float::abs(between);
    let (q1, _, _, q2) = q.as_mut().split_at_mut(half, half);
    divide(d1, e1, q1, room) && divide(d2, e2, q2, room) && {
        merge(d, between, q, half, room);
        true
    }
}

/// Makes the eigenvalues and vectors of two halves, in blocks of `q` beside zeros, those of the whole.
fn merge<R: Real>(d: &mut [R], between: R, mut q: MatMut<R>, half: usize, room: &mut Room<R>) {
    let n = d.len();
    let sign = if between < R::nought() { -R::unit() } else { R::unit() };
    let root_half = Float::root(R::from_double(0.5));
    let mut z: Vec<R> =
        (0..n).map(|j| root_half * if j < half { q[(half - 1, j)] } else { sign * q[(half, j)] }).collect();
    let rho = Float::abs(between) * R::from_double(2.0);
    let (most_d, most_z) = (greatest(d), greatest(&z));
    let tolerance = R::eps() * if most_d > most_z { most_d } else { most_z };
    let mut reach = Reach::new((0..n).map(|j| if j < half { Rows::Top } else { Rows::Bottom }).collect());
    reach.deflate(d, &mut z, rho, tolerance, 0..n, |i, j, c, s| rotate(q.as_mut(), i, j, c, s));
    let poles: Vec<Plain<R>> = reach.poles(d);
    let mut z = reach.of(&z);
    let roots = roots(&poles, &z, rho);
    let found = &mut room.found[..poles.len() * poles.len()];
    vectors(&poles, &mut z, &roots, found);
    unit(poles.len(), found);
    let values = reach.values(&roots, d);
    room.products.mix(q, half, &reach, found, &values);
    for (d, (value, _)) in d.iter_mut().zip(values) {
        *d = value;
    }
}
/// Divides both by the number of the greatest size, which is the result, so that squares are safe. What is next to nothing beside it is nothing: not all of its digits are there, and the
/// QR iteration divides by the greatest number of its part.
pub(crate) fn scale<R: Real>(d: &mut [R], e: &mut [R]) -> R {
    let scale = if greatest(d) > greatest(e) { greatest(d) } else { greatest(e) };
    for x in d.iter_mut().chain(e) {
        *x = if Float::abs(*x / scale) < R::least() { R::nought() } else { *x / scale };
    }
    scale
}

/// Which rows of a vector may differ from zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rows {
    Top,
    All,
    Bottom,
}
/// Which vectors of two halves the change reaches, and which it does not reach, or no more than by rounding: those stay as they are.
pub(crate) struct Reach {
    /// In ascending order of their values.
    pub(crate) kept: Vec<usize>,
    stay: Vec<usize>,
    pub(crate) rows: Vec<Rows>,
}
impl Reach {
    /// Nothing is known yet of vectors with these rows.
    pub(crate) fn new(rows: Vec<Rows>) -> Self {
        Reach { kept: vec![], stay: vec![], rows }
    }
    /// Tells apart some of the vectors, with values `d`. Where two values are equal but for rounding, a rotation makes one of the two such a vector that stays
    /// (the tests are those of LAPACK's `laed2`); it is called with both vectors and its cosine and sine.
    pub(crate) fn deflate<R: Real>(
        &mut self,
        d: &mut [R],
        z: &mut [R],
        rho: R,
        tolerance: R,
        vectors: impl Iterator<Item = usize>,
        mut rotate: impl FnMut(usize, usize, R, R),
    ) {
        let first = self.kept.len();
        for j in ascending(vectors, |j| d[j]) {
            if rho * Float::abs(z[j]) <= tolerance {
                self.stay.push(j);
                continue;
            }
            if let Some(&p) = self.kept[first..].last() {
                let size = norm(&[z[p], z[j]]);
                let (c, s, apart) = (z[j] / size, -z[p] / size, d[j] - d[p]);
                if Float::abs(apart * c * s) <= tolerance {
                    (z[p], z[j]) = (R::nought(), size);
                    (d[p], d[j]) = (d[p] * c * c + d[j] * s * s, d[p] * s * s + d[j] * c * c);
                    rotate(p, j, c, s);
                    if self.rows[p] != self.rows[j] {
                        (self.rows[p], self.rows[j]) = (Rows::All, Rows::All);
                    }
                    self.kept.pop();
                    self.stay.push(p);
                }
            }
            self.kept.push(j);
        }
    }
    /// The elements of those that are reached.
    pub(crate) fn of<R: Real>(&self, x: &[R]) -> Vec<R> {
        self.kept.iter().map(|j| x[*j]).collect()
    }
    pub(crate) fn poles<P: Pole>(&self, d: &[P::R]) -> Vec<P> {
        self.kept.iter().map(|j| P::number(d[*j])).collect()
    }
    /// All values in ascending order, with the places of their vectors: those that are found, and then those that stay.
    pub(crate) fn values<P: Pole>(&self, found: &[Root<P>], d: &[P::R]) -> Vec<(P::R, usize)> {
        let values = found.iter().map(|root| root.value()).chain(self.stay.iter().map(|j| d[*j]));
        let mut values: Vec<(P::R, usize)> = values.zip(0..).collect();
        values.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        values
    }
}

/// Memory for vectors.
pub(crate) struct Products<R: Real> {
    /// The vectors of a half, and those of the whole.
    part: Mat<R>,
    whole: Mat<R>,
    /// The vectors of the change as they are multiplied.
    change: Mat<R>,
}
impl<R: Real> Products<R> {
    /// For vectors of so many numbers.
    pub(crate) fn new(n: usize) -> Self {
        Products { part: matrix(n / 2 + 1, n), whole: matrix(n, n), change: matrix(n, n) }
    }
    /// Multiplies the vectors in the columns of `q` that are reached by the columns found, and puts all of them in order. `half` rows are those of the top.
    pub(crate) fn mix(&mut self, mut q: MatMut<R>, half: usize, reach: &Reach, found: &[R], values: &[(R, usize)]) {
        let ((m, n), kept, k) = (q.shape(), &reach.kept, reach.kept.len());
        let mut whole = self.whole.as_mut().submatrix_mut(0, 0, m, n);
        // Vectors with the same rows stand side by side, so that zeros are not multiplied.
        let mut sorted: Vec<usize> = (0..k).collect();
        sorted.sort_by_key(|i| reach.rows[kept[*i]]);
        let mut change = self.change.as_mut().submatrix_mut(0, 0, k, k);
        for (j, found) in found.chunks(k.max(1)).enumerate() {
            for (x, i) in slice(&mut change, j).iter_mut().zip(&sorted) {
                *x = found[*i];
            }
        }
        let [tops, bottoms] =
            [Rows::Bottom, Rows::Top].map(|no| sorted.iter().filter(|i| reach.rows[kept[**i]] != no).count());
        let halves = [(0..half, 0..tops), (half..m, k - bottoms..k)];
        for (range, columns) in halves {
            let (first, m) = (range.start, range.len());
            let mut part = self.part.as_mut().submatrix_mut(0, 0, m, columns.len());
            for (to, from) in columns.clone().enumerate() {
                part.as_mut().col_mut(to).copy_from(q.as_ref().col(kept[sorted[from]]).subrows(first, m));
            }
            let change = change.as_ref().submatrix(columns.start, 0, columns.len(), k);
            product(whole.as_mut().submatrix_mut(first, 0, m, k), None, (part.as_ref(), false), change);
        }
        for (to, from) in reach.stay.iter().enumerate() {
            whole.as_mut().col_mut(k + to).copy_from(q.as_ref().col(*from));
        }
        for (j, (_, from)) in values.iter().enumerate() {
            q.as_mut().col_mut(j).copy_from(whole.as_ref().col(*from));
        }
    }
}
/// A column, which is contiguous.
fn slice<'a, R: Number>(a: &'a mut MatMut<R>, j: usize) -> &'a mut [R] {
    a.as_mut().col_mut(j).try_as_col_major_mut().expect("columns are contiguous").as_slice_mut()
}
/// Columns `c x_i + s x_j` and `c x_j - s x_i`.
pub(crate) fn rotate<R: Real>(mut q: MatMut<R>, i: usize, j: usize, c: R, s: R) {
    for row in 0..q.nrows() {
        let (x, y) = (q[(row, i)], q[(row, j)]);
        q[(row, i)] = c * x + s * y;
        q[(row, j)] = c * y - s * x;
    }
}
