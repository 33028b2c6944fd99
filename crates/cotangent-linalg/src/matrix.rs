//! Numbers, and matrices in memory of their own.

use cotangent_cpu::{Plain, transpose};
use faer::traits::ComplexField;
use faer::traits::RealField;
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};
use num_complex::{Complex, ComplexFloat};

/// What matrices are made of.
#[allow(missing_docs)] // what the methods are is their names
pub trait Number:
    ComplexFloat<Real = Self::R>
    + ComplexField<Real = Self::R>
    + Plain
    + std::iter::Sum
    + std::ops::MulAssign
    + std::ops::SubAssign
{
    /// A part.
    type R: Number<R = Self::R> + RealField + Float;
    fn new(re: Self::R, im: Self::R) -> Self;
    /// The conjugate.
    fn bar(self) -> Self {
        ComplexFloat::conj(self)
    }
    fn re_of(self) -> Self::R {
        ComplexFloat::re(self)
    }
    fn im_of(self) -> Self::R {
        ComplexFloat::im(self)
    }
    /// What LAPACK compares pivots by: the sum of the sizes of the parts.
    fn size(self) -> Self::R {
        Float::abs(self.re_of()) + Float::abs(self.im_of())
    }
    fn real(re: Self::R) -> Self {
        Self::new(re, Float::zero())
    }
    fn nan() -> Self {
        Self::new(Float::nan(), if Self::IS_REAL { Float::zero() } else { Float::nan() })
    }
    fn nought() -> Self {
        Self::real(Float::zero())
    }
    fn unit() -> Self {
        Self::real(Float::one())
    }
    /// In 64 bits.
    fn wide(self) -> Complex<f64> {
        Complex::new(self.re_of().double(), self.im_of().double())
    }
}
/// A real number.
#[allow(missing_docs)] // what the methods are is their names
pub trait Float: num_complex::ComplexFloat<Real = Self> + PartialOrd + Copy {
    fn abs(self) -> Self {
        ComplexFloat::abs(self)
    }
    fn root(self) -> Self {
        ComplexFloat::sqrt(self)
    }
    fn zero() -> Self;
    fn one() -> Self;
    fn nan() -> Self;
    fn double(self) -> f64;
    fn from_double(x: f64) -> Self;
    /// Numbers whose squares are neither subnormal nor infinite, and whose sums of squares are not, either.
    fn safe(self) -> bool;
    fn negative(self) -> bool;
    fn eps() -> Self;
    /// The least number whose product with the precision is not subnormal.
    fn least() -> Self;
}
/// A real number as an element of matrices.
pub(crate) trait Real: Number<R = Self> + Float {}
impl<R: Number<R = R> + Float> Real for R {}
macro_rules! numbers { ($($t:ident $low:expr, $high:expr;)*) => { $(
    impl Number for $t {
        type R = $t;
        fn new(re: $t, _: $t) -> $t {
            re
        }
    }
    impl Number for Complex<$t> {
        type R = $t;
        fn new(re: $t, im: $t) -> Complex<$t> {
            Complex::new(re, im)
        }
    }
    impl Float for $t {
        fn zero() -> $t {
            0.0
        }
        fn one() -> $t {
            1.0
        }
        fn nan() -> $t {
            $t::NAN
        }
        fn double(self) -> f64 {
            self as f64
        }
        fn from_double(x: f64) -> $t {
            x as $t
        }
        fn safe(self) -> bool {
            self > $low && self < $high
        }
        fn negative(self) -> bool {
            self.is_sign_negative()
        }
        fn eps() -> $t {
            $t::EPSILON
        }
        fn least() -> $t {
            $t::MIN_POSITIVE / $t::EPSILON
        }
    }
)* } }
numbers! {
    f32 1e-15, 1e15;
    f64 1e-140, 1e140;
}

/// A matrix of zeros, with columns that do not lie a power of two apart: those would share places of the cache.
pub(crate) fn matrix<T: Number>(m: usize, n: usize) -> Mat<T> {
    let line = 64 / size_of::<T>();
    let rows = m.div_ceil(line).max(1) * line;
    let rows = if (rows * size_of::<T>()).is_multiple_of(512) { rows + line } else { rows };
    let mut a = Mat::with_capacity(rows, n.max(1));
    a.resize_with(m, n, |_, _| T::nought());
    a
}
/// Elements from one row to the next that are copied together.
const TILE: usize = 16;
/// Columns that are turned together, and elements of a matrix that make that worth it.
const COLUMNS: usize = 16;
const MANY: usize = 1024;
/// Copies a matrix from rows.
pub(crate) fn load<T: Number>(a: &mut Mat<T>, rows: &[T]) {
    let (m, n) = a.shape();
    if m * n >= MANY {
        let mut turned = vec![T::nought(); COLUMNS * m];
        for j0 in (0..n).step_by(COLUMNS) {
            let some = COLUMNS.min(n - j0);
            transpose((&mut turned, m), (&rows[j0..], n), some, m);
            for (j, col) in (j0..j0 + some).zip(turned.chunks(m)) {
                a.col_as_slice_mut(j).copy_from_slice(col)
            }
        }
        return;
    }
    for i0 in (0..m).step_by(TILE) {
        for j0 in (0..n).step_by(TILE) {
            for j in j0..n.min(j0 + TILE) {
                let col = &mut a.col_as_slice_mut(j)[i0..m.min(i0 + TILE)];
                for (x, row) in col.iter_mut().zip(rows[i0 * n..].chunks(n)) {
                    *x = row[j];
                }
            }
        }
    }
}
/// Copies the conjugate transpose of a matrix from rows.
pub(crate) fn load_adjoint<T: Number>(a: &mut Mat<T>, rows: &[T]) {
    let m = a.nrows();
    for (j, row) in rows.chunks(m.max(1)).enumerate() {
        for (x, row) in a.col_as_slice_mut(j).iter_mut().zip(row) {
            *x = row.bar();
        }
    }
}
/// Copies a matrix to rows.
pub(crate) fn store<T: Number>(rows: &mut [T], a: MatRef<T>) {
    let (m, n) = a.shape();
    if m * n < MANY {
        return put(rows, a, |x| x);
    }
    let mut turned = vec![T::nought(); COLUMNS * m];
    for j0 in (0..n).step_by(COLUMNS) {
        let some = COLUMNS.min(n - j0);
        for (j, col) in (j0..j0 + some).zip(turned.chunks_mut(m)) {
            for (x, from) in col.iter_mut().zip(a.col(j).iter()) {
                *x = *from
            }
        }
        transpose((&mut rows[j0..], n), (&turned, m), m, some);
    }
}
/// Copies the conjugate transpose of a matrix to rows.
pub(crate) fn store_adjoint<T: Number>(rows: &mut [T], a: MatRef<T>) {
    let m = a.nrows();
    for (j, row) in rows.chunks_mut(m.max(1)).enumerate() {
        for (i, x) in row.iter_mut().enumerate() {
            *x = a[(i, j)].bar();
        }
    }
}
fn put<T: Number>(rows: &mut [T], a: MatRef<T>, f: impl Fn(T) -> T) {
    let (m, n) = a.shape();
    for i0 in (0..m).step_by(TILE) {
        for j0 in (0..n).step_by(TILE) {
            for j in j0..n.min(j0 + TILE) {
                let rows = rows[i0 * n..].chunks_mut(n);
                for (row, i) in rows.zip(i0..m.min(i0 + TILE)) {
                    row[j] = f(a[(i, j)]);
                }
            }
        }
    }
}
/// Elements `i` and on of batch member `k`, of which each has `n`.
pub(crate) fn part<T>(all: &[T], k: usize, n: usize) -> &[T] {
    &all[k * n..(k + 1) * n]
}
/// The same, to be written.
pub(crate) fn part_mut<T>(all: &mut [T], k: usize, n: usize) -> &mut [T] {
    &mut all[k * n..(k + 1) * n]
}
/// Are all numbers finite?
pub(crate) fn finite<T: Number>(x: &[T]) -> bool {
    x.iter().all(|x| ComplexFloat::is_finite(*x))
}

/// These places in ascending order of the numbers that belong to them, equal ones as they come.
pub(crate) fn ascending<R: Real>(places: impl Iterator<Item = usize>, number: impl Fn(usize) -> R) -> Vec<usize> {
    let mut order: Vec<usize> = places.collect();
    order.sort_by(|i, j| number(*i).partial_cmp(&number(*j)).unwrap_or(std::cmp::Ordering::Equal));
    order
}
/// The size of the greatest.
#[inline(always)]
pub(crate) fn greatest<R: Real>(x: &[R]) -> R {
    x.iter().fold(R::nought(), |s, x| if Float::abs(*x) > s { Float::abs(*x) } else { s })
}
/// The 2-norm, without overflow.
pub(crate) fn norm<T: Number>(x: &[T]) -> T::R {
    let mut greatest = [<T::R as Float>::zero(); LANES];
    for x in x.chunks(LANES) {
        for (g, x) in greatest.iter_mut().zip(x) {
            *g = if x.size() > *g { x.size() } else { *g };
        }
    }
    let greatest = greatest.into_iter().fold(Float::zero(), |g: T::R, x| if x > g { x } else { g });
    if greatest.safe() || greatest == Float::zero() {
        Float::root(squares(x, |x| x))
    } else {
        Float::root(squares(x, |x| x / greatest)) * greatest
    }
}
/// Numbers that are summed side by side.
const LANES: usize = 8;
/// The sum of the squares of the parts of what becomes of the numbers.
fn squares<T: Number>(x: &[T], f: impl Fn(T::R) -> T::R) -> T::R {
    let mut sums = [<T::R as Float>::zero(); LANES];
    for x in x.chunks(LANES) {
        for (s, x) in sums.iter_mut().zip(x) {
            let (re, im) = (f(x.re_of()), f(x.im_of()));
            *s = *s + re * re + im * im;
        }
    }
    sums.into_iter().fold(Float::zero(), |a: T::R, b| a + b)
}
/// Divides finite numbers by the greatest part of one if squares would be too great or too small. The result is what they were divided by.
pub(crate) fn balance<T: Number>(rows: impl Fn(usize) -> std::ops::Range<usize>, a: &mut Mat<T>) -> T::R {
    let n = a.ncols();
    let mut greatest: T::R = Float::zero();
    for j in 0..n {
        for x in &a.col_as_slice(j)[rows(j)] {
            for part in [x.re_of(), x.im_of()].map(Float::abs) {
                greatest = if part > greatest { part } else { greatest };
            }
        }
    }
    if greatest.safe() || greatest == Float::zero() {
        return Float::one();
    }
    for j in 0..n {
        for x in &mut a.col_as_slice_mut(j)[rows(j)] {
            *x = T::new(x.re_of() / greatest, x.im_of() / greatest);
        }
    }
    greatest
}

/// `c = a b` or `c += scale a b`, with `a` conjugated and transposed where it says so.
pub(crate) fn product<T: Number>(c: MatMut<T>, add: Option<T>, (a, adjoint): (MatRef<T>, bool), b: MatRef<T>) {
    let (accum, scale) = match add {
        Some(scale) => (Accum::Add, scale),
        None => (Accum::Replace, T::unit()),
    };
    let (a, conj) = if adjoint { (a.transpose(), Conj::Yes) } else { (a, Conj::No) };
    faer::linalg::matmul::matmul_with_conj(c, accum, a, conj, b, Conj::No, scale, Par::Seq);
}
