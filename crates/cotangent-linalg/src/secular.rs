//! Eigenvalues and eigenvectors of a diagonal matrix plus one of rank one: the heart of [divide and conquer](crate::conquer), of
//! [singular values](crate::bidiagonal), too, whose squares are such eigenvalues.
//!
//! With `d` ascending, `rho > 0` and no zero in `z`, the eigenvalues of `diag(d) + rho z z^T` are the zeros of `f(x) = 1 / rho + sum z_i^2 / (d_i - x)`,
//! one between each two poles and one behind the last (Golub and Van Loan, Matrix Computations, 4th edition, 8.4.3). Eight of them are
//! sought side by side, each in a lane of vector registers: a lane sums in the order of the poles, so no result depends on the width of the registers.

use crate::matrix::*;
use faer::traits::pulp::{Arch, Simd, WithSimd};
use std::array::from_fn;

/// An element of the diagonal matrix.
pub(crate) trait Pole: Copy {
    type R: Real;
    fn number(x: Self::R) -> Self;
    /// The difference, to almost all of its digits.
    fn less(self, other: Self) -> Self::R;
    /// The number which gives a pole that is so much greater.
    fn plus(self, off: Self::R) -> Self::R;
}
/// A number itself.
#[derive(Clone, Copy)]
pub(crate) struct Plain<R>(R);
impl<R: Real> Pole for Plain<R> {
    type R = R;
    #[inline(always)]
    fn number(x: R) -> Self {
        Plain(x)
    }
    #[inline(always)]
    fn less(self, other: Self) -> R {
        self.0 - other.0
    }
    fn plus(self, off: R) -> R {
        self.0 + off
    }
}
/// The square of a number that is not negative, without its rounding.
#[derive(Clone, Copy)]
pub(crate) struct Square<R>(R);
impl<R: Real> Pole for Square<R> {
    type R = R;
    #[inline(always)]
    fn number(x: R) -> Self {
        Square(x)
    }
    #[inline(always)]
    fn less(self, other: Self) -> R {
        (self.0 - other.0) * (self.0 + other.0)
    }
    fn plus(self, off: R) -> R {
        self.0 + off / (self.0 + Float::root(self.0 * self.0 + off))
    }
}

/// Zeros that are sought side by side.
const LANES: usize = 8;
/// Steps that are taken if nothing else ends a search; few searches take more than ten.
const MOST: usize = 200;
/// Steps after which every other one halves the interval.
const PATIENCE: usize = 10;

/// An eigenvalue: its distance from a pole next to it, which is known to all of its digits where the eigenvalue itself is not.
#[derive(Clone, Copy)]
pub(crate) struct Root<P: Pole> {
    pole: P,
    off: P::R,
}
impl<P: Pole> Root<P> {
    /// The number whose pole would be the eigenvalue.
    pub(crate) fn value(self) -> P::R {
        self.pole.plus(self.off)
    }
    /// `d` less the eigenvalue.
    #[inline(always)]
    fn from(self, d: P) -> P::R {
        d.less(self.pole) - self.off
    }
}

/// The eigenvalues, in ascending order.
pub(crate) fn roots<P: Pole>(d: &[P], z: &[P::R], rho: P::R) -> Vec<Root<P>> {
    let squares: Vec<P::R> = z.iter().map(|z| *z * *z).collect();
    let mut roots: Vec<Root<P>> = d.iter().map(|d| Root { pole: *d, off: Float::zero() }).collect();
    Arch::new().dispatch(Search { d, squares: &squares, rho, roots: &mut roots });
    roots
}
struct Search<'a, P: Pole> {
    d: &'a [P],
    squares: &'a [P::R],
    rho: P::R,
    roots: &'a mut [Root<P>],
}
// What is inlined here is compiled for the registers of the machine.
impl<P: Pole> WithSimd for Search<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (g, roots) in self.roots.chunks_mut(LANES).enumerate() {
            search(self.d, self.squares, self.rho, g * LANES, roots);
        }
    }
}

type Lanes<R> = [R; LANES];
/// The sums over the poles before and behind each eigenvalue, and their derivatives.
struct Sums<R> {
    low: Lanes<R>,
    low_slope: Lanes<R>,
    high: Lanes<R>,
    high_slope: Lanes<R>,
}
#[inline(always)]
fn sums<P: Pole>(d: &[P], squares: &[P::R], at: &[usize; LANES], x: &[Root<P>; LANES]) -> Sums<P::R> {
    let (zero, one) = (P::R::nought(), P::R::unit());
    let [mut low, mut low_slope, mut high, mut high_slope] = [[zero; LANES]; 4];
    let (pole, off): (Lanes<P>, Lanes<P::R>) = (x.map(|x| x.pole), x.map(|x| x.off));
    let (first, last) = (at[0] + 1, at[LANES - 1] + 1);
    for (d, z) in d[..first].iter().zip(&squares[..first]) {
        for l in 0..LANES {
            let q = one / (d.less(pole[l]) - off[l]);
            low[l] += *z * q;
            low_slope[l] += *z * q * q;
        }
    }
    for i in first..last {
        for l in 0..LANES {
            let q = one / (d[i].less(pole[l]) - off[l]);
            let (f, slope) = (squares[i] * q, squares[i] * q * q);
            if i <= at[l] {
                low[l] += f;
                low_slope[l] += slope;
            } else {
                high[l] += f;
                high_slope[l] += slope;
            }
        }
    }
    for (d, z) in d[last..].iter().zip(&squares[last..]) {
        for l in 0..LANES {
            let q = one / (d.less(pole[l]) - off[l]);
            high[l] += *z * q;
            high_slope[l] += *z * q * q;
        }
    }
    Sums { low, low_slope, high, high_slope }
}

/// Finds the zeros behind the poles `first` and on: each step replaces the sums before and behind the zero by one pole each, with their values and slopes (the "middle
/// way" of Li, LAPACK Working Note 89), inside of an interval that is halved where that leads out of it or takes long.
#[inline(always)]
fn search<P: Pole>(d: &[P], squares: &[P::R], rho: P::R, first: usize, found: &mut [Root<P>]) {
    let (zero, one, eps) = (P::R::nought(), P::R::unit(), P::R::eps());
    let two = one + one;
    let eight = P::R::from_double(8.0);
    let (n, constant) = (d.len(), one / rho);
    // lanes without a zero of their own look for the last one, too
    let at: [usize; LANES] = from_fn(|l| (first + l).min(n - 1));
    let mut x: [Root<P>; LANES] = from_fn(|l| {
        let k = at[l];
        let width = if k + 1 < n { d[k + 1].less(d[k]) } else { rho * squares.iter().fold(zero, |s, z| s + *z) };
        Root { pole: d[k], off: width / two }
    });
    let mut s = sums(d, squares, &at, &x);
    let mut low = [zero; LANES];
    // the last zero may lie a rounding error behind the end of its interval
    let mut high: Lanes<P::R> =
        from_fn(|l| if at[l] + 1 < n { x[l].off } else { x[l].off * two * (one + eight * eps) });
    for l in 0..LANES {
        if at[l] + 1 < n && constant + s.low[l] + s.high[l] < zero {
            // nearer to the pole behind it
            let half = x[l].off;
            x[l] = Root { pole: d[at[l] + 1], off: -half };
            (low[l], high[l]) = (-half, zero);
        }
    }
    let mut done = [false; LANES];
    for turn in 0..MOST {
        for l in 0..LANES {
            if done[l] {
                continue;
            }
            let (k, y) = (at[l], x[l].off);
            let f = constant + s.low[l] + s.high[l];
            if f < zero {
                low[l] = y;
            } else {
                high[l] = y;
            }
            done[l] = Float::abs(f) <= eight * eps * (constant - s.low[l] + s.high[l]);
            if done[l] {
                continue;
            }
            let a = x[l].from(d[k]);
            let step = if k + 1 == n {
                a * f / (f - a * s.low_slope[l])
            } else {
                let b = x[l].from(d[k + 1]);
                let c = f - a * s.low_slope[l] - b * s.high_slope[l];
                let p = (a + b) * f - a * b * (s.low_slope[l] + s.high_slope[l]);
                let q = a * b * f;
                let square = p * p - two * two * q * c;
                let root = if square > zero { Float::root(square) } else { zero };
                if p > zero { two * q / (p + root) } else { (p - root) / (two * c) }
            };
            let next = y + step;
            let impatient = turn >= PATIENCE && turn % 2 == 0;
            // written so that NaN is not inside
            let inside = next > low[l] && next < high[l] && !impatient;
            let next = if inside { next } else { between(low[l], high[l]) };
            let narrow = high[l] - low[l] <= two * eps * Float::abs(next);
            done[l] = narrow || Float::abs(next - y) <= eps * Float::abs(next);
            x[l].off = next;
        }
        if done.iter().all(|d| *d) {
            break;
        }
        s = sums(d, squares, &at, &x);
    }
    found.copy_from_slice(&x[..found.len()]);
}
/// A place inside of an interval with one sign, of which one end may be zero: of the order of magnitude between those of the ends.
fn between<R: Real>(low: R, high: R) -> R {
    let few = R::from_double(1.0 / 16.0);
    if low == R::nought() {
        high * few
    } else if high == R::nought() {
        low * few
    } else {
        let middle = Float::root(Float::abs(low)) * Float::root(Float::abs(high));
        if low < R::nought() { -middle } else { middle }
    }
}

/// The eigenvectors for given eigenvalues, as columns of `n` numbers of any length. They are orthogonal because they are those of another `z`, for which the
/// eigenvalues are exact (Gu and Eisenstat, SIAM J. Matrix Anal. Appl. 16, 1995). The given `z` tells its signs and is replaced.
pub(crate) fn vectors<P: Pole>(d: &[P], z: &mut [P::R], roots: &[Root<P>], columns: &mut [P::R]) {
    Arch::new().dispatch(Vectors { d, z, roots, columns });
}
struct Vectors<'a, P: Pole> {
    d: &'a [P],
    z: &'a mut [P::R],
    roots: &'a [Root<P>],
    columns: &'a mut [P::R],
}
impl<P: Pole> WithSimd for Vectors<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { d, z, roots, columns } = self;
        let n = d.len();
        let mut product = vec![P::R::unit(); n];
        for (j, (root, column)) in roots.iter().zip(columns.chunks_mut(n.max(1))).enumerate() {
            for (x, d) in column.iter_mut().zip(d) {
                *x = root.from(*d);
            }
            let pole = d[j];
            for range in [0..j, j + 1..n] {
                for ((p, x), d) in product[range.clone()].iter_mut().zip(&column[range.clone()]).zip(&d[range]) {
                    *p *= *x / d.less(pole);
                }
            }
            product[j] *= column[j];
        }
        for (z, p) in z.iter_mut().zip(&product) {
            let size = Float::root(Float::abs(*p));
            *z = if *z < Float::zero() { -size } else { size };
        }
        for column in columns.chunks_mut(n.max(1)) {
            for (x, z) in column.iter_mut().zip(&*z) {
                *x = *z / *x;
            }
        }
    }
}

/// Makes columns of `n` numbers as long as 1.
pub(crate) fn unit<R: Real>(n: usize, columns: &mut [R]) {
    Arch::new().dispatch(Unit { n, columns });
}
struct Unit<'a, R> {
    n: usize,
    columns: &'a mut [R],
}
impl<R: Real> WithSimd for Unit<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for column in self.columns.chunks_mut(self.n.max(1)) {
            let greatest = greatest(column);
            if !greatest.safe() {
                column.iter_mut().for_each(|x| *x /= greatest);
            }
            let mut squares = [R::nought(); LANES];
            for column in column.chunks(LANES) {
                for (x, s) in column.iter().zip(&mut squares) {
                    *s += *x * *x;
                }
            }
            let scale = R::unit() / Float::root(squares.iter().fold(R::nought(), |a, b| a + *b));
            for x in column {
                *x *= scale;
            }
        }
    }
}
