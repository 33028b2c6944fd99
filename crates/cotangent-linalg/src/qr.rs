//! QR factorizations by Householder reflections, with the conventions of LAPACK: `H = I - tau v v^H` with `v[0] = 1`, and a real diagonal of R whose signs are
//! opposite to those of what was there.

use crate::matrix::*;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use faer::linalg::matmul::triangular::{BlockStructure, matmul_with_conj};
use faer::{Accum, Conj, Mat, MatMut, MatRef, Par};

/// Columns that are factorized before the rest of the matrix hears of it.
const BLOCK: usize = 32;

/// R above and the Householder vectors below the diagonal, and the factors tau. Operand `[m, n]`, results `[m, n]` and `[min(m, n)]`. No parameters.
pub static GEQRF: Routine = Routine {
    name: "geqrf",
    check: |_, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        expect(ins, outs, (&ins[..1], &[ins[0].clone(), Ty::new(dt, &[m.min(n)])]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), geqrf(call)),
};
fn geqrf<T: Number>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let k = m.min(n);
    let (out, taus) = (call.output::<T>(0), call.output::<T>(1));
    let mut a = matrix::<T>(m, n);
    for i in 0..call.count {
        load(&mut a, part(out, i, m * n));
        factorize(&mut a, part_mut(taus, i, k));
        store(part_mut(out, i, m * n), a.as_ref());
    }
}
/// Leaves R above and the Householder vectors below the diagonal.
pub(crate) fn factorize<T: Number>(a: &mut Mat<T>, tau: &mut [T]) {
    let ((m, n), k) = (a.shape(), tau.len());
    for j in (0..k).step_by(BLOCK) {
        let width = BLOCK.min(k - j);
        let (_, below) = a.as_mut().split_at_row_mut(j);
        let (mut left, right) = below.submatrix_mut(0, j, m - j, n - j).split_at_col_mut(width);
        let mut t = matrix::<T>(width, width);
        panel(left.as_mut(), &mut tau[j..j + width], t.as_mut());
        if right.ncols() > 0 {
            reflect(vectors(left.as_ref()).as_ref(), t.as_ref(), true, right);
        }
    }
}
/// `c = H_1 .. H_k c`, of which `a` has the Householder vectors below its diagonal. `unit`: if `c` is the unit matrix, or columns of it.
pub(crate) fn multiply<T: Number>(a: MatRef<T>, tau: &[T], mut c: MatMut<T>, unit: bool) {
    let ((m, n), k) = (c.shape(), tau.len());
    for j in (0..k).step_by(BLOCK).rev() {
        let width = BLOCK.min(k - j);
        let v = vectors(a.submatrix(j, j, m - j, width));
        let t = triangle(v.as_ref(), &tau[j..j + width]);
        let first = if unit { j } else { 0 };
        reflect(v.as_ref(), t.as_ref(), false, c.as_mut().submatrix_mut(j, first, m - j, n - first));
    }
}

/// The Householder vectors of a factorized panel, with their ones and zeros.
fn vectors<T: Number>(a: MatRef<T>) -> Mat<T> {
    let mut v = matrix::<T>(a.nrows(), a.ncols());
    for j in 0..a.ncols() {
        v[(j, j)] = T::unit();
        let below = a.col(j).try_as_col_major().expect("columns are contiguous").as_slice();
        v.col_as_slice_mut(j)[j + 1..].copy_from_slice(&below[j + 1..]);
    }
    v
}
/// `c = (I - V T V^H) c`, or with `T^H`.
fn reflect<T: Number>(v: MatRef<T>, t: MatRef<T>, adjoint: bool, c: MatMut<T>) {
    let (k, n) = (v.ncols(), c.ncols());
    let (mut w, mut tw) = (matrix::<T>(k, n), matrix::<T>(k, n));
    product(w.as_mut(), None, (v, true), c.as_ref());
    product(tw.as_mut(), None, (t, adjoint), w.as_ref());
    product(c, Some(-T::unit()), (v, false), tw.as_ref());
}

/// Factorizes a panel with at least as many rows as columns by halves, and finds the T with `H_1 .. H_n = I - V T V^H`.
fn panel<T: Number>(mut a: MatMut<T>, tau: &mut [T], mut t: MatMut<T>) {
    let (m, n) = a.shape();
    if n == 1 {
        let col = a.col_mut(0).try_as_col_major_mut().expect("columns are contiguous").as_slice_mut();
        tau[0] = householder(col);
        t[(0, 0)] = tau[0];
        return;
    }
    let h = n / 2;
    let (mut left, mut right) = a.as_mut().split_at_col_mut(h);
    let (mut t1, mut t2) = (matrix::<T>(h, h), matrix::<T>(n - h, n - h));
    panel(left.as_mut(), &mut tau[..h], t1.as_mut());
    let (top, below) = left.as_ref().split_at_row(h);
    use BlockStructure::{Rectangular, UnitTriangularLower, UnitTriangularUpper};
    let (mut w, mut tw) = (matrix::<T>(h, n - h), matrix::<T>(h, n - h));
    {
        // right = (I - V T^H V^H) right, for V of the left half
        let (mut r1, mut r2) = right.as_mut().split_at_row_mut(h);
        let triangle = |dst: MatMut<T>, add, conj, lhs: MatRef<T>, shape, rhs: MatRef<T>, scale| {
            matmul_with_conj(dst, Rectangular, add, lhs, shape, conj, rhs, Rectangular, Conj::No, scale, Par::Seq)
        };
        triangle(w.as_mut(), Accum::Replace, Conj::Yes, top.transpose(), UnitTriangularUpper, r1.as_ref(), T::unit());
        product(w.as_mut(), Some(T::unit()), (below, true), r2.as_ref());
        product(tw.as_mut(), None, (t1.as_ref(), true), w.as_ref());
        triangle(r1.as_mut(), Accum::Add, Conj::No, top, UnitTriangularLower, tw.as_ref(), -T::unit());
        product(r2.as_mut(), Some(-T::unit()), (below, false), tw.as_ref());
    }
    let mut rest = right.submatrix_mut(h, 0, m - h, n - h);
    panel(rest.as_mut(), &mut tau[h..], t2.as_mut());
    // T = [T1, -T1 V1^H V2 T2; 0, T2]
    let v2 = vectors(rest.as_ref());
    product(w.as_mut(), None, (below, true), v2.as_ref());
    product(tw.as_mut(), None, (t1.as_ref(), false), w.as_ref());
    let mut corner = t.as_mut().submatrix_mut(0, h, h, n - h);
    corner.fill(T::nought());
    product(corner, Some(-T::unit()), (tw.as_ref(), false), t2.as_ref());
    t.as_mut().submatrix_mut(0, 0, h, h).copy_from(&t1);
    t.as_mut().submatrix_mut(h, h, n - h, n - h).copy_from(&t2);
}

/// Makes a reflection that maps the vector to a multiple of the first unit vector: that multiple, and behind it the reflection's vector without its 1.
/// The result is tau.
pub(crate) fn householder<T: Number>(x: &mut [T]) -> T {
    let (first, rest) = x.split_first_mut().expect("a vector that is not empty");
    let beyond = norm(rest);
    let (re, im) = (first.re_of(), first.im_of());
    if beyond == Float::zero() && im == Float::zero() {
        return T::nought();
    }
    let length = norm(&[T::new(norm(&[*first]), Float::zero()), T::new(beyond, Float::zero())]);
    if !length.safe() {
        // squares and reciprocals would not be, either
        x.iter_mut().for_each(|x| *x = T::new(x.re_of() / length, x.im_of() / length));
        let tau = householder(x);
        x[0] = T::real(x[0].re_of() * length);
        return tau;
    }
    let beta = if re.negative() { length } else { -length };
    let tau = T::new((beta - re) / beta, -im / beta);
    let scale = T::unit() / (*first - T::real(beta));
    for x in rest {
        *x *= scale;
    }
    *first = T::real(beta);
    tau
}

/// The first columns of the product of Householder reflections. Operands `[m, n]` with `m >= n`, as [`GEQRF`] leaves it, and `[k]` factors; the result is like
/// the first. No parameters.
pub static HOUSEHOLDER_PRODUCT: Routine = Routine {
    name: "householder_product",
    check: |_, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        ensure!(ins.len() == 2 && ins[1].dt == dt && ins[1].dims.len() == 1, "operands {ins:?}");
        ensure!(ins[1].dims[0] <= n && n <= m, "{} reflections of {}", ins[1].dims[0], ins[0]);
        expect(ins, outs, (ins, &ins[..1]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), householder_product(call)),
};
fn householder_product<T: Number>(call: &mut Call) {
    let (m, n, k) = (call.dims(0)[0], call.dims(0)[1], call.dims(1)[0]);
    let (taus, out) = (call.input::<T>(1), call.output::<T>(0));
    let (mut a, mut q) = (matrix::<T>(m, n), matrix::<T>(m, n));
    for i in 0..call.count {
        load(&mut a, part(out, i, m * n));
        let tau = part(taus, i, k);
        q.fill(T::nought());
        for j in 0..n {
            q[(j, j)] = T::unit();
        }
        multiply(a.as_ref(), tau, q.as_mut(), true);
        store(part_mut(out, i, m * n), q.as_ref());
    }
}
/// The T with `H_1 .. H_k = I - V T V^H`.
fn triangle<T: Number>(v: MatRef<T>, tau: &[T]) -> Mat<T> {
    let k = v.ncols();
    let (mut s, mut t) = (matrix::<T>(k, k), matrix::<T>(k, k));
    product(s.as_mut(), None, (v, true), v);
    for j in 0..k {
        for i in 0..j {
            let sum: T = (i..j).map(|l| t[(i, l)] * s[(l, j)]).sum();
            t[(i, j)] = -tau[j] * sum;
        }
        t[(j, j)] = tau[j];
    }
    t
}

/// As [`GEQRF`], but each step takes the column of greatest norm: results `[m, n]`, the columns' numbers `i32[n]` in the order of the factorization, and tau.
pub static GEQP3: Routine = Routine {
    name: "geqp3",
    check: |_, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        expect(ins, outs, (&ins[..1], &[ins[0].clone(), Ty::new(Dt::I32, &[n]), Ty::new(dt, &[m.min(n)])]))
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), geqp3(call)),
};
fn geqp3<T: Number>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let k = m.min(n);
    let (out, orders, taus) = (call.output::<T>(0), call.output::<i32>(1), call.output::<T>(2));
    let mut a = matrix::<T>(m, n);
    for b in 0..call.count {
        load(&mut a, part(out, b, m * n));
        let (order, tau) = (part_mut(orders, b, n), part_mut(taus, b, k));
        for (j, x) in order.iter_mut().enumerate() {
            *x = j as i32;
        }
        // norms of what is left of each column, and as they were when last computed and not followed
        let mut norms: Vec<[T::R; 2]> = (0..n).map(|j| [norm(a.col_as_slice(j)); 2]).collect();
        for j in 0..k {
            let p = (j + 1..n).fold(j, |p, c| if norms[c][0] > norms[p][0] { c } else { p });
            if p != j {
                for i in 0..m {
                    let x = a[(i, j)];
                    a[(i, j)] = a[(i, p)];
                    a[(i, p)] = x;
                }
                order.swap(j, p);
                norms[p] = norms[j];
            }
            tau[j] = householder(&mut a.col_as_slice_mut(j)[j..]);
            let v: Vec<T> = [T::unit()].into_iter().chain(a.col_as_slice(j)[j + 1..].iter().copied()).collect();
            for c in j + 1..n {
                let col = &mut a.col_as_slice_mut(c)[j..];
                let dot: T = v.iter().zip(&*col).map(|(v, x)| v.bar() * *x).sum();
                let f = tau[j].bar() * dot;
                for (x, v) in col.iter_mut().zip(&v) {
                    *x -= f * *v;
                }
                let [now, then] = norms[c];
                if now == Float::zero() {
                    continue;
                }
                let one: T::R = Float::one();
                let ratio = norm(&col[..1]) / now;
                let left = one - ratio * ratio;
                let left = if left < Float::zero() { Float::zero() } else { left };
                let far = left * (now / then) * (now / then);
                if far <= Float::root(T::R::eps()) {
                    let fresh = norm(&col[1..]);
                    norms[c] = [fresh, fresh];
                } else {
                    norms[c][0] = now * Float::root(left);
                }
            }
        }
        store(part_mut(out, b, m * n), a.as_ref());
    }
}
