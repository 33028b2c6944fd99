//! What the routines compute, against definitions: products of the factors, residuals of equations, naive sums. Bounds are multiples of the precision of the type times the
//! extents.

use cotangent_cpu::{Buffer, Element, Executable, Kind, Lib, Operand, Output, Plain, Program, Routine, Ty, Use};
use cotangent_linalg::*;
use num_complex::Complex;

/// Calls a routine for arrays of `T`; what comes out as bytes.
fn call<T: Bytes>(
    routine: &'static Routine,
    params: &[i64],
    batch: u32,
    ins: &[(&[usize], &[T])],
    outs: &[Ty],
) -> Vec<Buffer> {
    let mut p = Program::default();
    let uses: Vec<Use> = ins.iter().map(|(dims, _)| Use::plain(p.arg(Ty::new(T::DT, dims)))).collect();
    let lib = Lib { routine, params: params.iter().copied().collect(), batch };
    let first = p.push(Kind::Lib(Box::new(lib)), &uses, outs);
    p.outs = (first..first + outs.len() as u32).collect();
    let buffers: Vec<Buffer> = ins.iter().map(|(_, x)| Buffer::from_bytes(&T::bytes(x))).collect();
    let operands: Vec<Operand> = buffers.iter().map(Operand::Buffer).collect();
    let found = Executable::compile(&p).unwrap_or_else(|e| panic!("{e}")).run(&operands);
    found.into_iter().map(|o| if let Output::Buffer(b) = o { b } else { panic!("an array") }).collect()
}
/// Numbers that are written to memory and read.
trait Bytes: Number {
    fn bytes(x: &[Self]) -> Vec<u8>;
    fn read(b: &Buffer) -> Vec<Self>;
}
macro_rules! plain { ($($t:ident)*) => { $(
    impl Bytes for $t {
        fn bytes(x: &[$t]) -> Vec<u8> { x.iter().flat_map(|x| x.to_le_bytes()).collect() }
        fn read(b: &Buffer) -> Vec<$t> { reals(b) }
    }
    impl Bytes for Complex<$t> {
        fn bytes(x: &[Self]) -> Vec<u8> { x.iter().flat_map(|z| [z.re, z.im]).flat_map(|x| x.to_le_bytes()).collect() }
        fn read(b: &Buffer) -> Vec<Self> { reals::<$t>(b).chunks(2).map(|z| Complex::new(z[0], z[1])).collect() }
    }
)* } }
plain! { f32 f64 }
fn reals<T: Element>(b: &Buffer) -> Vec<T> {
    b.as_slice::<T>().to_vec()
}

type C = Complex<f64>;
/// Matrices in 64 bits, by rows.
#[derive(Clone, Debug)]
struct M {
    m: usize,
    n: usize,
    x: Vec<C>,
}
impl M {
    fn of<T: Number>(m: usize, n: usize, x: &[T]) -> M {
        assert_eq!(x.len(), m * n);
        M { m, n, x: x.iter().map(|x| x.wide()).collect() }
    }
    fn new(m: usize, n: usize, f: impl Fn(usize, usize) -> C) -> M {
        M { m, n, x: (0..m * n).map(|k| f(k / n, k % n)).collect() }
    }
    fn at(&self, i: usize, j: usize) -> C {
        self.x[i * self.n + j]
    }
    fn eye(n: usize) -> M {
        M::new(n, n, |i, j| C::new((i == j) as u8 as f64, 0.0))
    }
    fn h(&self) -> M {
        M::new(self.n, self.m, |i, j| self.at(j, i).conj())
    }
    fn by(&self, b: &M) -> M {
        assert_eq!(self.n, b.m);
        M::new(self.m, b.n, |i, j| (0..self.n).map(|k| self.at(i, k) * b.at(k, j)).sum())
    }
    fn keep(&self, f: impl Fn(usize, usize) -> bool) -> M {
        M::new(self.m, self.n, |i, j| if f(i, j) { self.at(i, j) } else { C::default() })
    }
    fn columns(&self, n: usize) -> M {
        M::new(self.m, n, |i, j| self.at(i, j))
    }
    fn size(&self) -> f64 {
        self.x.iter().map(|z| z.norm()).fold(0.0, f64::max)
    }
    /// Is it near, within so many units of the last place of the greatest element?
    fn near<T: Number>(&self, other: &M, factor: f64, what: &str) {
        assert_eq!((self.m, self.n), (other.m, other.n), "{what}");
        let off = self.x.iter().zip(&other.x).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
        let scale = self.size().max(other.size()).max(1.0);
        let bound = factor * self.m.max(self.n).max(4) as f64 * T::R::eps().double() * scale;
        assert!(off <= bound, "{what}: off by {off:e}, allowed {bound:e}");
    }
}
/// Numbers that look random, the same each time.
fn numbers<T: Number>(n: usize, seed: u64) -> Vec<T> {
    let mut s = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut next = || {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        (s >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| T::new(T::R::from_double(next()), T::R::from_double(next()))).collect()
}
fn ty<T: Number>(dims: &[usize]) -> Ty {
    Ty::new(T::DT, dims)
}
fn ty_r<T: Number>(dims: &[usize]) -> Ty {
    Ty::new(T::R::DT, dims)
}
/// Runs a generic test for the four types of numbers.
macro_rules! each_type { ($($(#[$doc:meta])* fn $name:ident<$t:ident> $body:block)*) => { $(
    $(#[$doc])*
    #[test]
    fn $name() {
        fn go<$t: Bytes>() where $t::R: Bytes<R = $t::R> $body
        go::<f32>();
        go::<f64>();
        go::<Complex<f32>>();
        go::<Complex<f64>>();
    }
)* } }

/// Sizes around those of blocks.
const SIZES: [(usize, usize); 12] =
    [(1, 1), (2, 2), (3, 5), (5, 3), (8, 8), (9, 9), (17, 40), (40, 17), (33, 33), (64, 65), (100, 100), (130, 70)];

each_type! {
    fn cholesky_multiplies_to_the_matrix<T> {
        for n in [1, 2, 3, 8, 33, 100] {
            let g = M::of(n, n, &numbers::<T>(n * n, n as u64));
            let mut a = g.by(&g.h());
            for i in 0..n {
                a.x[i * n + i] += 1.0;
            }
            let narrow: Vec<T> = a.x.iter().map(|z| T::new(T::R::from_double(z.re), T::R::from_double(z.im))).collect();
            let l = T::read(&call(&CHOLESKY, &[], 0, &[(&[n, n], &narrow)], &[ty::<T>(&[n, n])])[0]);
            for i in 0..n {
                for j in i + 1..n {
                    assert_eq!(l[i * n + j], narrow[i * n + j], "above the diagonal nothing happens");
                }
            }
            let l = M::of(n, n, &l).keep(|i, j| j <= i);
            l.by(&l.h()).near::<T>(&a, 10.0, "L L^H");
        }
        // of a batch, one that is not positive definite
        let x: Vec<T> = [4.0, 0.0, 0.0, 9.0, 1.0, 2.0, 2.0, 1.0].map(|x| T::real(T::R::from_double(x))).into();
        let l = T::read(&call(&CHOLESKY, &[], 1, &[(&[2, 2, 2], &x)], &[ty::<T>(&[2, 2, 2])])[0]);
        assert_eq!(l[0], T::real(T::R::from_double(2.0)));
        assert!(l[4..].iter().all(|x| x.wide().re.is_nan()), "{l:?}");
    }

    fn triangular_equations_hold<T> {
        for (m, cols) in [(1, 1), (5, 3), (40, 7), (70, 70)] {
            let mut a = numbers::<T>(m * m, 3);
            for i in 0..m {
                a[i * m + i] = T::real(T::R::from_double(4.0 + m as f64));
            }
            let b = numbers::<T>(m * cols, 5);
            for k in 0..32 {
                let [left, lower, transpose, conjugate, unit] = [1, 2, 4, 8, 16].map(|bit| (k & bit != 0) as i64);
                let dims = if left == 1 { [m, cols] } else { [cols, m] };
                let params = [left, lower, transpose, conjugate, unit];
                let x = call(&TRIANGULAR_SOLVE, &params, 0, &[(&dims, &b), (&[m, m], &a)], &[ty::<T>(&dims)]);
                let x = M::of(dims[0], dims[1], &T::read(&x[0]));
                let mut t = M::of(m, m, &a).keep(|i, j| if lower == 1 { j <= i } else { j >= i });
                for i in 0..m {
                    if unit == 1 {
                        t.x[i * m + i] = C::new(1.0, 0.0);
                    }
                }
                let t = match (transpose, conjugate) {
                    (0, 0) => t,
                    (0, _) => M::new(m, m, |i, j| t.at(i, j).conj()),
                    (_, 0) => M::new(m, m, |i, j| t.at(j, i)),
                    _ => t.h(),
                };
                // a unit diagonal may make it badly conditioned: compare residuals with what is multiplied
                let product = if left == 1 { t.by(&x) } else { x.by(&t) };
                let b = M::of(dims[0], dims[1], &b);
                let scale = 1.0f64.max(t.size() * x.size() / b.size());
                product.near::<T>(&b, 4.0 * scale, &format!("{params:?}"));
            }
        }
    }

    fn lu_multiplies_to_the_rows_in_order<T> {
        for (m, n) in SIZES {
            let k = m.min(n);
            let a = numbers::<T>(2 * m * n, 7);
            let outs = [ty::<T>(&[2, m, n]), Ty::new(cotangent_cpu::Dt::I32, &[2, k]), Ty::new(cotangent_cpu::Dt::I32, &[2, m])];
            let found = call(&LU, &[], 1, &[(&[2, m, n], &a)], &outs);
            let (lu, pivots, order) = (T::read(&found[0]), reals::<i32>(&found[1]), reals::<i32>(&found[2]));
            for b in 0..2 {
                let part = M::of(m, n, &lu[b * m * n..][..m * n]);
                let mut l = part.columns(k).keep(|i, j| j < i);
                for i in 0..k {
                    l.x[i * k + i] = C::new(1.0, 0.0);
                }
                // LAPACK compares the sums of the sizes of the parts
                assert!(l.x.iter().all(|z| z.re.abs() + z.im.abs() < 2.0), "pivots are great enough");
                let u = M::new(k, n, |i, j| if i <= j { part.at(i, j) } else { C::default() });
                let all = M::of(m, n, &a[b * m * n..][..m * n]);
                let order = &order[b * m..][..m];
                let rows = M::new(m, n, |i, j| all.at(order[i] as usize, j));
                l.by(&u).near::<T>(&rows, 4.0, "L U");
                let mut swapped: Vec<i32> = (0..m as i32).collect();
                for (i, p) in pivots[b * k..][..k].iter().enumerate() {
                    assert!(*p as usize >= i);
                    swapped.swap(i, *p as usize);
                }
                assert_eq!(swapped, order);
            }
        }
        // a singular matrix has a zero on the diagonal, and no NaN
        let x: Vec<T> = [1.0, 2.0, 2.0, 4.0].map(|x| T::real(T::R::from_double(x))).into();
        let outs = [ty::<T>(&[2, 2]), Ty::new(cotangent_cpu::Dt::I32, &[2]), Ty::new(cotangent_cpu::Dt::I32, &[2])];
        let lu = M::of(2, 2, &T::read(&call(&LU, &[], 0, &[(&[2, 2], &x)], &outs)[0]));
        assert_eq!(lu.x, [2.0, 4.0, 0.5, 0.0].map(|x| C::new(x, 0.0)));
    }

    fn qr_multiplies_to_the_matrix<T> {
        for (m, n) in SIZES {
            let k = m.min(n);
            let a = numbers::<T>(m * n, 9);
            for pivoting in [false, true] {
                let order = Ty::new(cotangent_cpu::Dt::I32, &[n]);
                let (factors, taus, order) = if pivoting {
                    let found = call(&GEQP3, &[], 0, &[(&[m, n], &a)], &[ty::<T>(&[m, n]), order, ty::<T>(&[k])]);
                    (T::read(&found[0]), T::read(&found[2]), reals::<i32>(&found[1]))
                } else {
                    let found = call(&GEQRF, &[], 0, &[(&[m, n], &a)], &[ty::<T>(&[m, n]), ty::<T>(&[k])]);
                    (T::read(&found[0]), T::read(&found[1]), (0..n as i32).collect())
                };
                let all = M::of(m, n, &factors);
                let r = M::new(k, n, |i, j| if i <= j { all.at(i, j) } else { C::default() });
                assert!((0..k).all(|i| r.at(i, i).im == 0.0), "the diagonal is real");
                if pivoting {
                    let falls = (1..k).all(|i| r.at(i, i).norm() <= r.at(i - 1, i - 1).norm() * 1.0001);
                    assert!(falls, "the diagonal falls");
                }
                let v: Vec<T> = (0..m).flat_map(|i| factors[i * n..][..k].to_vec()).collect();
                let q = call(&HOUSEHOLDER_PRODUCT, &[], 0, &[(&[m, k], &v), (&[k], &taus)], &[ty::<T>(&[m, k])]);
                let q = M::of(m, k, &T::read(&q[0]));
                q.h().by(&q).near::<T>(&M::eye(k), 4.0, "Q^H Q");
                let a = M::of(m, n, &a);
                let a = M::new(m, n, |i, j| a.at(i, order[j] as usize));
                q.by(&r).near::<T>(&a, 4.0, "Q R");
            }
        }
    }

    fn eigenvalues_of_hermitian_matrices<T> {
        for n in [1, 2, 3, 16, 33, 70] {
            let g = M::of(n, n, &numbers::<T>(n * n, 11));
            let a = M::new(n, n, |i, j| (g.at(i, j) + g.at(j, i).conj()) / 2.0);
            for lower in [0, 1] {
                // the other triangle is full of something else
                let here = |i: usize, j: usize| if lower == 1 { j <= i } else { i <= j };
                let given: Vec<T> = (0..n * n)
                    .map(|k| if here(k / n, k % n) { a.x[k] } else { C::new(99.0, 7.0) })
                    .map(|z| T::new(T::R::from_double(z.re), T::R::from_double(z.im)))
                    .collect();
                let found = call(&EIGH, &[lower], 0, &[(&[n, n], &given)], &[ty::<T>(&[n, n]), ty_r::<T>(&[n])]);
                let (v, w) = (M::of(n, n, &T::read(&found[0])), T::R::read(&found[1]));
                assert!(w.is_sorted());
                let d = M::new(n, n, |i, j| if i == j { C::new(w[i].double(), 0.0) } else { C::default() });
                v.h().by(&v).near::<T>(&M::eye(n), 10.0, "V^H V");
                v.by(&d).by(&v.h()).near::<T>(&a, 10.0, "V diag(w) V^H");
            }
        }
        let bad = [T::nan()];
        let found = call(&EIGH, &[1], 0, &[(&[1, 1], &bad)], &[ty::<T>(&[1, 1]), ty_r::<T>(&[1])]);
        assert!(T::R::read(&found[1])[0].double().is_nan());
    }

    /// Spectra that are hard on divide and conquer, or that only it sees: residuals and orthogonality are those of the type's precision.
    fn hard_spectra<T> {
        for n in [0, 1, 2, 32, 33, 34, 65, 130, 300] {
            // products of the greatest take a while
            for (name, w) in spectra::<T>(n).into_iter().take(if n == 300 { 1 } else { 99 }) {
                let a = with_spectrum::<T>(&w);
                let found = call(&EIGH, &[1], 0, &[(&[n, n], &narrow::<T>(&a))], &[ty::<T>(&[n, n]), ty_r::<T>(&[n])]);
                let (v, got) = (M::of(n, n, &T::read(&found[0])), T::R::read(&found[1]));
                sound::<T>(&format!("eigh of {name}, {n}"), &a, &v, &got, &v);
                assert!(got.is_sorted(), "{name}, {n}: {got:?}");

                let k = if n == 130 { n } else { (n * 2 / 3 + 1).min(n) };
                let a = a.columns(k);
                let outs = [ty_r::<T>(&[k]), ty::<T>(&[n, k]), ty::<T>(&[k, k])];
                let found = call(&SVD, &[0, 1], 0, &[(&[n, k], &narrow::<T>(&a))], &outs);
                let (got, u, v) = (T::R::read(&found[0]), M::of(n, k, &T::read(&found[1])), M::of(k, k, &T::read(&found[2])));
                sound::<T>(&format!("svd of {name}, {n}"), &a, &u, &got, &v.h());
                assert!(got.iter().rev().is_sorted() && got.iter().all(|s| s.double() >= 0.0), "{name}, {n}: {got:?}");
            }
        }
    }
    /// Matrices that are tridiagonal already: the element between two halves is what is there.
    fn tridiagonal_matrices<T> {
        for n in [33, 64, 100, 211] {
            let entries: [(&str, &dyn Fn(usize) -> f64, &dyn Fn(usize) -> f64); 6] = [
                ("differences", &|_| 2.0, &|_| -1.0),
                ("Wilkinson's", &|i| (n as f64 / 2.0 - i as f64).abs(), &|_| 1.0),
                ("glued ones of Wilkinson", &|i| (10.0 - (i % 21) as f64).abs(), &|i| if i % 21 == 20 { 1e-6 } else { 1.0 }),
                ("blocks", &|i| (i % 3) as f64, &|i| if i % 5 == 0 { 0.0 } else { 0.5 }),
                ("graded", &|i| 0.5f64.powi(i as i32), &|i| 0.5f64.powi(i as i32 + 1)),
                ("nothing but beside the diagonal", &|_| 0.0, &|_| 1.0),
            ];
            for (name, diagonal, beside) in entries {
                let a = M::new(n, n, |i, j| match i.abs_diff(j) {
                    0 => diagonal(i).into(),
                    1 => beside(i.min(j)).into(),
                    _ => C::default(),
                });
                let found = call(&EIGH, &[1], 0, &[(&[n, n], &narrow::<T>(&a))], &[ty::<T>(&[n, n]), ty_r::<T>(&[n])]);
                let (v, w) = (M::of(n, n, &T::read(&found[0])), T::R::read(&found[1]));
                sound::<T>(&format!("eigh of {name}, {n}"), &a, &v, &w, &v);
                assert!(w.is_sorted(), "{name}, {n}");
                let outs = [ty_r::<T>(&[n]), ty::<T>(&[n, n]), ty::<T>(&[n, n])];
                let found = call(&SVD, &[0, 1], 0, &[(&[n, n], &narrow::<T>(&a))], &outs);
                let (s, u, v) = (T::R::read(&found[0]), M::of(n, n, &T::read(&found[1])), M::of(n, n, &T::read(&found[2])));
                sound::<T>(&format!("svd of {name}, {n}"), &a, &u, &s, &v.h());
                assert!(s.iter().rev().is_sorted(), "{name}, {n}: {s:?}");
            }
        }
    }

    /// Matrices that are bidiagonal already: each row stands between two parts that are divided. Rows above or below it make them tall or wide.
    fn bidiagonal_matrices<T> {
        let eps = T::R::eps().double();
        for (n, more) in [(33, 0), (34, 0), (36, 9), (47, 0), (63, 60), (64, 0), (70, 1), (101, 0)] {
            let r = numbers::<f64>(2 * n, 29);
            let entries: [(&str, &dyn Fn(usize) -> f64, &dyn Fn(usize) -> f64); 13] = [
                ("random", &|i| r[i], &|i| r[n + i]),
                ("ones", &|_| 1.0, &|_| 1.0),
                ("differences", &|_| -1.0, &|_| 1.0),
                ("nothing on the diagonal", &|_| 0.0, &|i| r[i]),
                ("a zero in the middle", &|i| if i == n / 2 { 0.0 } else { r[i] }, &|i| r[n + i]),
                ("zeros here and there", &|i| if i % 3 == 0 { 0.0 } else { 1.0 }, &|i| if i % 4 == 0 { 0.0 } else { r[i] }),
                ("equal blocks", &|_| 2.0, &|i| if i % 4 == 3 { 0.0 } else { 1.0 }),
                ("glued blocks", &|_| 2.0, &|i| if i % 4 == 3 { 8.0 * eps } else { 1.0 }),
                ("next to a diagonal", &|i| 1.0 + eps * i as f64, &|i| eps * r[i]),
                ("falling", &|i| 10f64.powf(-30.0 * i as f64 / n as f64), &|i| 10f64.powf(-30.0 * (i as f64 + 0.5) / n as f64)),
                ("rising", &|i| 10f64.powf(30.0 * (i as f64 / n as f64 - 1.0)), &|i| 10f64.powf(30.0 * (i as f64 / n as f64 - 1.0))),
                ("one row", &|i| (i == 20) as u8 as f64, &|i| (i == 20) as u8 as f64),
                ("a part that is next to nothing", &|i| if i < 20 { r[i] } else { 1e-30 * r[i] }, &|i| if i < 20 { 1.0 } else { 1e-31 }),
            ];
            for (name, diagonal, above) in entries {
                let b = M::new(n, n, |i, j| if i == j { diagonal(i) } else if i + 1 == j { above(i) } else { 0.0 }.into());
                let tall = M::new(n + more, n, |i, j| if i < more { C::default() } else { b.at(i - more, j) });
                for a in [tall.h(), tall] {
                    let outs = [ty_r::<T>(&[n]), ty::<T>(&[a.m, n]), ty::<T>(&[n, a.n])];
                    let found = call(&SVD, &[0, 1], 0, &[(&[a.m, a.n], &narrow::<T>(&a))], &outs);
                    let (s, u, v) = (T::R::read(&found[0]), M::of(a.m, n, &T::read(&found[1])), M::of(n, a.n, &T::read(&found[2])));
                    let what = format!("svd of {name}, {} by {}", a.m, a.n);
                    sound::<T>(&what, &a, &u, &s, &v.h());
                    assert!(s.iter().rev().is_sorted() && s.iter().all(|s| s.double() >= 0.0), "{what}: {s:?}");
                    let alone = T::R::read(&call(&SVD, &[0, 0], 0, &[(&[a.m, a.n], &narrow::<T>(&a))], &outs[..1])[0]);
                    M::of(n, 1, &s).near::<T>(&M::of(n, 1, &alone), 4.0, &what);
                }
            }
        }
    }

    fn singular_values_and_vectors<T> {
        for (m, n) in SIZES.into_iter().chain([(70, 130), (40, 34), (35, 36), (257, 40), (90, 65)]) {
            let k = m.min(n);
            let a = numbers::<T>(m * n, 13);
            let mut values = vec![];
            for full in [0, 1] {
                let (p, q) = if full == 1 { (m, n) } else { (k, k) };
                let outs = [ty_r::<T>(&[k]), ty::<T>(&[m, p]), ty::<T>(&[q, n])];
                let found = call(&SVD, &[full, 1], 0, &[(&[m, n], &a)], &outs);
                let (s, u, vh) = (T::R::read(&found[0]), M::of(m, p, &T::read(&found[1])), M::of(q, n, &T::read(&found[2])));
                assert!(s.iter().rev().is_sorted() && s.iter().all(|s| s.double() >= 0.0));
                let d = M::new(p, q, |i, j| if i == j { C::new(s[i].double(), 0.0) } else { C::default() });
                u.h().by(&u).near::<T>(&M::eye(p), 10.0, "U^H U");
                vh.by(&vh.h()).near::<T>(&M::eye(q), 10.0, "V^H V");
                u.by(&d).by(&vh).near::<T>(&M::of(m, n, &a), 10.0, "U diag(s) V^H");
                values.push(M::of(k, 1, &s));
            }
            let s = T::R::read(&call(&SVD, &[0, 0], 0, &[(&[m, n], &a)], &outs_of::<T>(k))[0]);
            M::of(k, 1, &s).near::<T>(&values[0], 10.0, "values alone");
        }
        let bad = [T::nan()];
        let found = call(&SVD, &[0, 0], 0, &[(&[1, 1], &bad)], &outs_of::<T>(1));
        assert!(T::R::read(&found[0])[0].double().is_nan());
    }

    /// With the bits of each matrix alone.
    fn a_batch_is_its_matrices<T> {
        let n = 20;
        let a = numbers::<T>(3 * n * n, 17);
        let alone = |routine: &'static Routine, params: &[i64], outs: &dyn Fn(&[usize]) -> Vec<Ty>| {
            let all = call(routine, params, 1, &[(&[3, n, n], &a)], &outs(&[3]));
            for k in 0..3 {
                let one = call(routine, params, 0, &[(&[n, n], &a[k * n * n..][..n * n])], &outs(&[]));
                for (one, all) in one.iter().zip(&all) {
                    let size = one.len();
                    assert_eq!(one.as_bytes(), &all.as_bytes()[k * size..][..size], "{}", routine.name);
                }
            }
        };
        let with = |b: &[usize], core: &[usize]| [b, core].concat();
        let order = |d: &[usize]| Ty::new(cotangent_cpu::Dt::I32, d);
        alone(&LU, &[], &|b| vec![ty::<T>(&with(b, &[n, n])), order(&with(b, &[n])), order(&with(b, &[n]))]);
        alone(&GEQRF, &[], &|b| vec![ty::<T>(&with(b, &[n, n])), ty::<T>(&with(b, &[n]))]);
        alone(&EIGH, &[1], &|b| vec![ty::<T>(&with(b, &[n, n])), ty_r::<T>(&with(b, &[n]))]);
        let (tall, size) = ([3, 25, 4], 100);
        let outs = |b: &[usize]| vec![ty_r::<T>(&with(b, &[4])), ty::<T>(&with(b, &[25, 25])), ty::<T>(&with(b, &[4, 4]))];
        let all = call(&SVD, &[1, 1], 1, &[(&tall, &a[..3 * size])], &outs(&[3]));
        for k in 0..3 {
            let one = call(&SVD, &[1, 1], 0, &[(&tall[1..], &a[k * size..][..size])], &outs(&[]));
            for (one, all) in one.iter().zip(&all) {
                assert_eq!(one.as_bytes(), &all.as_bytes()[k * one.len()..][..one.len()], "all vectors of a tall matrix");
            }
        }
        alone(&SVD, &[0, 1], &|b| {
            vec![ty_r::<T>(&with(b, &[n])), ty::<T>(&with(b, &[n, n])), ty::<T>(&with(b, &[n, n]))]
        });
    }

    fn tridiagonal_equations_hold<T> {
        for n in [1, 2, 3, 10, 100] {
            let [low, mid, high] = [1, 2, 3].map(|s| numbers::<T>(n, s));
            let b = numbers::<T>(n * 2, 4);
            let ins: [(&[usize], &[T]); 4] = [(&[n, 2], &b), (&[n], &low), (&[n], &mid), (&[n], &high)];
            let x = M::of(n, 2, &T::read(&call(&TRIDIAGONAL_SOLVE, &[], 0, &ins, &[ty::<T>(&[n, 2])])[0]));
            let a = M::new(n, n, |i, j| match (i as i64) - (j as i64) {
                1 => low[i].wide(),
                0 => mid[i].wide(),
                -1 => high[i].wide(),
                _ => C::default(),
            });
            let scale = x.size().max(1.0);
            a.by(&x).near::<T>(&M::of(n, 2, &b), 10.0 * scale, "A X");
        }
        let zero = [T::nought()];
        let ins: [(&[usize], &[T]); 4] = [(&[1, 1], &zero), (&[1], &zero), (&[1], &zero), (&[1], &zero)];
        let x = T::read(&call(&TRIDIAGONAL_SOLVE, &[], 0, &ins, &[ty::<T>(&[1, 1])])[0]);
        assert!(x[0].wide().re.is_nan());
    }
}
/// Values that are random, equal, clustered, half of them zero, graded, and of the greatest and smallest sizes that there are.
fn spectra<T: Number>(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let random: Vec<f64> = numbers::<f64>(n, 23);
    let eps = T::R::eps().double();
    let (tiny, huge) = if eps > 1e-10 { (1e-36, 1e36) } else { (1e-305, 1e305) };
    let of = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Vec<f64>>();
    vec![
        ("random", random.clone()),
        ("zeros", of(&|_| 0.0)),
        ("equal ones", of(&|_| 3.0)),
        ("signs", of(&|i| if i % 3 == 0 { -1.0 } else { 1.0 })),
        ("clusters", of(&|i| (i % 5) as f64 + 4.0 * eps * random[i])),
        ("a wide cluster", of(&|i| 1.0 + eps.sqrt() * random[i])),
        ("half a rank", of(&|i| if i % 2 == 0 { random[i] } else { 0.0 })),
        ("one", of(&|i| (i == n / 2) as u8 as f64)),
        ("grades", of(&|i| random[i].signum() * eps.powf(2.0 * i as f64 / n as f64))),
        ("tiny ones", of(&|i| tiny * random[i])),
        ("huge ones", of(&|i| huge * random[i])),
    ]
}
/// `Q diag(w) Q` for the orthogonal and symmetric matrix of Hartley's transform, with phases for complex numbers.
fn with_spectrum<T: Number>(w: &[f64]) -> M {
    let n = w.len();
    let q = M::new(n, n, |i, j| {
        let (sin, cos) = (std::f64::consts::TAU * (i * j % n) as f64 / n as f64).sin_cos();
        ((sin + cos) / (n as f64).sqrt()).into()
    });
    let scaled = M::new(n, n, |i, j| q.at(i, j) * w[j]);
    let a = scaled.by(&q);
    let phase = |k: usize| if T::IS_REAL { C::from(1.0) } else { C::from_polar(1.0, k as f64) };
    M::new(n, n, |i, j| phase(i) * a.at(i, j) * phase(j).conj())
}
fn narrow<T: Number>(a: &M) -> Vec<T> {
    a.x.iter().map(|z| T::new(T::R::from_double(z.re), T::R::from_double(z.im))).collect()
}
/// Are the columns of `u` and `v` orthonormal, and is `a v = u diag(w)`, relative to the size of the matrix?
fn sound<T: Number>(what: &str, a: &M, u: &M, w: &[T::R], v: &M) {
    let scale = if a.size() > 0.0 { a.size() } else { 1.0 };
    let unit = |x: &M| M { x: x.x.iter().map(|z| z / scale).collect(), ..x.clone() };
    let bound = 2.0 * (a.m as f64 + 20.0) * T::R::eps().double();
    for x in [u, v] {
        let mut gram = x.h().by(x);
        (0..x.n).for_each(|i| gram.x[i * x.n + i] -= 1.0);
        assert!(gram.size() <= bound, "{what}: orthogonal but for {:e}, allowed {bound:e}", gram.size());
    }
    let a = unit(&M::of(a.m, a.n, &narrow::<T>(a)));
    let left = a.by(v);
    let off = M::new(a.m, w.len(), |i, j| left.at(i, j) - u.at(i, j) * (w[j].double() / scale));
    // the greatest element of a matrix may be far less than its norm
    let bound = bound * w.iter().map(|w| w.double().abs() / scale).fold(1.0, f64::max);
    assert!(off.size() <= bound, "{what}: off by {:e}, allowed {bound:e}", off.size());
}
fn outs_of<T: Number>(k: usize) -> Vec<Ty> {
    vec![ty_r::<T>(&[k])]
}

/// The results of `eig` are complex whatever the matrix is.
fn eig_case<T: Bytes, Z: Bytes>() {
    for n in [1, 2, 3, 8, 20, 80] {
        let a = numbers::<T>(n * n, 19);
        let outs = [ty::<Z>(&[n]), ty::<Z>(&[n, n]), ty::<Z>(&[n, n])];
        let found = call(&EIG, &[1, 1], 0, &[(&[n, n], &a)], &outs);
        let a = M::of(n, n, &a);
        let (w, l, r) = (Z::read(&found[0]), M::of(n, n, &Z::read(&found[1])), M::of(n, n, &Z::read(&found[2])));
        let d = M::new(n, n, |i, j| if i == j { w[i].wide() } else { C::default() });
        a.by(&r).near::<T>(&r.by(&d), 20.0, "A V");
        l.h().by(&a).near::<T>(&d.by(&l.h()), 20.0, "U^H A");
        for v in [&l, &r] {
            for j in 0..n {
                let length: f64 = (0..n).map(|i| v.at(i, j).norm_sqr()).sum();
                assert!((length - 1.0).abs() < 1e-5);
                let top = (0..n).fold(0, |k, i| if v.at(i, j).norm() > v.at(k, j).norm() * 1.00001 { i } else { k });
                assert!(v.at(top, j).im.abs() < 1e-5);
            }
        }
        if T::IS_REAL {
            for k in 0..n {
                let z = w[k].wide();
                assert!(z.im == 0.0 || w.iter().any(|y| y.wide() == z.conj()), "values come in pairs");
            }
        }
    }
}
#[test]
fn eigenvalues_of_general_matrices() {
    eig_case::<f32, Complex<f32>>();
    eig_case::<f64, Complex<f64>>();
    eig_case::<Complex<f32>, Complex<f32>>();
    eig_case::<Complex<f64>, Complex<f64>>();
}

/// The transform by its definition.
fn naive(x: &[C], sign: f64) -> Vec<C> {
    let n = x.len();
    let root = |k: usize| C::from_polar(1.0, sign * 2.0 * std::f64::consts::PI * (k % n) as f64 / n as f64);
    (0..n).map(|k| (0..n).map(|j| x[j] * root(j * k)).sum()).collect()
}
/// Along the last two dimensions of `[m, n]`.
fn naive2(x: &M, sign: f64) -> M {
    let rows: Vec<C> = x.x.chunks(x.n).flat_map(|row| naive(row, sign)).collect();
    let rows = M { x: rows, ..x.clone() };
    let columns: Vec<Vec<C>> =
        (0..x.n).map(|j| naive(&(0..x.m).map(|i| rows.at(i, j)).collect::<Vec<_>>(), sign)).collect();
    M::new(x.m, x.n, |i, j| columns[j][i])
}
fn fft_case<T>()
where
    T: Bytes<R = T> + num_complex::ComplexFloat<Real = T>,
    Complex<T>: Bytes<R = T>,
{
    for n in [1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 60, 64, 97, 210, 256] {
        let m = 3;
        let z = numbers::<Complex<T>>(m * n, n as u64);
        let all = M::of(m, n, &z);
        let rows = |sign: f64| M { x: all.x.chunks(n).flat_map(|r| naive(r, sign)).collect(), ..all.clone() };
        let y = call(&FFT, &[0], 1, &[(&[m, n], &z)], &[ty::<Complex<T>>(&[m, n])]);
        M::of(m, n, &<Complex<T>>::read(&y[0])).near::<T>(&rows(-1.0), 2.0, "fft");
        let y = call(&FFT, &[1], 0, &[(&[m, n], &z)], &[ty::<Complex<T>>(&[m, n])]);
        let want = naive2(&all, 1.0);
        let want = M::new(m, n, |i, j| want.at(i, j) / (m * n) as f64);
        M::of(m, n, &<Complex<T>>::read(&y[0])).near::<T>(&want, 2.0, "ifft of two dimensions");

        let h = n / 2 + 1;
        let x = numbers::<T>(m * n, n as u64 + 1);
        let whole = naive2(&M::of(m, n, &x), -1.0);
        let y = call(&RFFT, &[], 0, &[(&[m, n], &x)], &[ty::<Complex<T>>(&[m, h])]);
        let half = M::of(m, h, &<Complex<T>>::read(&y[0]));
        half.near::<T>(&whole.columns(h), 2.0, "rfft of two dimensions");
        let z = <Complex<T>>::read(&y[0]);
        let back = call(&IRFFT, &[], 0, &[(&[m, h], &z)], &[ty::<T>(&[m, n])]);
        M::of(m, n, &T::read(&back[0])).near::<T>(&M::of(m, n, &x), 2.0, "irfft of rfft");

        // what a real array's transform does not have is not looked at
        let mut odd = numbers::<Complex<T>>(h, n as u64 + 2);
        let y = T::read(&call(&IRFFT, &[], 0, &[(&[h], &odd)], &[ty::<T>(&[n])])[0]);
        odd[0].im = T::nought();
        if n.is_multiple_of(2) {
            odd[h - 1].im = T::nought();
        }
        let at = |k: usize| if k < h { odd[k].wide() } else { odd[n - k].wide().conj() };
        let whole: Vec<C> = naive(&(0..n).map(at).collect::<Vec<_>>(), 1.0).iter().map(|z| z / n as f64).collect();
        M::of(n, 1, &y).near::<T>(&M { m: n, n: 1, x: whole }, 2.0, "irfft");
    }
}
#[test]
fn fourier_transforms_are_the_sums() {
    fft_case::<f32>();
    fft_case::<f64>();
}
#[test]
fn more_lengths_than_are_remembered() {
    for n in (1..200).chain(1..200) {
        let z = numbers::<Complex<f64>>(n, 1);
        let y = call(&FFT, &[0], 0, &[(&[n], &z)], &[ty::<Complex<f64>>(&[n])]);
        assert_eq!(<Complex<f64>>::read(&y[0]).len(), n);
    }
}
