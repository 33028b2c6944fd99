//! Singular values.
//!
//! With vectors, a matrix with at least as many rows as columns (else its adjoint), or the R of its QR factorization if it is tall, becomes bidiagonal by reflections of both
//! sides; its [decomposition](crate::bidiagonal) is divide and conquer, which takes a fraction of the time of the QR iteration that small matrices and values alone are
//! left to.

use crate::bidiagonal::{self, Room};
use crate::matrix::*;
use crate::qr::{factorize, multiply};
use crate::sides::reduce;
use crate::spectral::real;
use crate::{by_type, ensure, expect, matrix_of};
use cotangent_cpu::{Call, Routine, Ty};
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdParams, svd, svd_scratch};
use faer::{Auto, Mat, Par, Spec};

/// Singular values in descending order and, if the second parameter is not 0, the singular vectors U (columns) and V^H (rows): all of them if the first parameter
/// is not 0, else as many as there are values. Operand `[m, n]`, results `[k]` (real), `[m, m or k]`, `[n or k, n]` with `k = min(m, n)`; NaN if the matrix holds
/// anything else than finite numbers.
pub static SVD: Routine = Routine {
    name: "svd",
    check: |params, ins, outs| {
        let (dt, m, n) = matrix_of(ins)?;
        ensure!(params.len() == 2, "{} parameters", params.len());
        let k = m.min(n);
        let (p, q) = if params[0] != 0 { (m, n) } else { (k, k) };
        let all = [Ty::new(real(dt), &[k]), Ty::new(dt, &[m, p]), Ty::new(dt, &[q, n])];
        expect(ins, outs, (&ins[..1], &all[..if params[1] != 0 { 3 } else { 1 }]))
    },
    in_place: false,
    run: |call| by_type!(call.dt(0), singular(call)),
};
/// Rows of a bidiagonal matrix that is not divided.
const FEW: usize = 32;
/// A matrix with so many times as many rows as columns is reduced to its R first.
const TALL: f64 = 1.5;

fn singular<T: Number>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let (rows, k, wide) = (m.max(n), m.min(n), m < n);
    let [full, vectors] = [0, 1].map(|i| call.params[i] != 0);
    let (p, q) = if full { (m, n) } else { (k, k) };
    let (x, values) = (call.input::<T>(0), call.output::<T::R>(0));
    let mut outs = vectors.then(|| (call.output::<T>(1), call.output::<T>(2)));
    let mut a = matrix::<T>(rows, k);
    let columns = if vectors { p.max(q) } else { 0 };
    let (mut u, mut v) =
        if vectors { (matrix::<T>(rows, columns), matrix::<T>(k, k)) } else { (matrix(0, 0), matrix(0, 0)) };
    let mut way = if vectors && k > FEW {
        Way::Divide(Box::new(Divided::new(rows, k)))
    } else {
        Way::Iterate(Iterated::new(rows, k, columns))
    };
    for i in 0..call.count {
        let x = part(x, i, m * n);
        let w = part_mut(values, i, k);
        if wide {
            load_adjoint(&mut a, x);
        } else {
            load(&mut a, x);
        }
        let ok = finite(x) && {
            let scale = balance(|_| 0..rows, &mut a);
            let ok = match &mut way {
                Way::Divide(way) => {
                    way.decompose(&mut a, w, &mut u, &mut v);
                    true
                }
                Way::Iterate(way) => way.decompose(&a, w, vectors.then_some((&mut u, &mut v))),
            };
            w.iter_mut().for_each(|w| *w *= scale);
            ok
        };
        if !ok {
            w.fill(Float::nan());
        }
        if let Some((us, vs)) = &mut outs {
            let (us, vs) = (part_mut(us, i, m * p), part_mut(vs, i, q * n));
            let (u, v) = if wide { (&v, &u) } else { (&u, &v) };
            if ok {
                store(us, u.as_ref());
                store_adjoint(vs, v.as_ref());
            } else {
                us.fill(T::nan());
                vs.fill(T::nan());
            }
        }
    }
}
/// How finite matrices with some extents, at least as many rows as columns, become values in descending order and vectors.
enum Way<T: Number> {
    Divide(Box<Divided<T>>),
    Iterate(Iterated<T>),
}

/// The QR iteration.
struct Iterated<T: Number> {
    s: Vec<T>,
    scratch: MemBuffer,
}
impl<T: Number> Iterated<T> {
    fn way() -> Spec<SvdParams, T> {
        let mut params = <SvdParams as Auto<T>>::auto();
        params.recursion_threshold = usize::MAX;
        Spec::new(params)
    }
    fn new(m: usize, n: usize, columns: usize) -> Self {
        let [to_u, to_v] = [m, n].map(|rows| match columns {
            0 => ComputeSvdVectors::No,
            _ if columns == rows => ComputeSvdVectors::Full,
            _ => ComputeSvdVectors::Thin,
        });
        let scratch = svd_scratch::<T>(m, n, to_u, to_v, Par::Seq, Self::way());
        Iterated { s: vec![T::nought(); n], scratch: MemBuffer::new(scratch) }
    }
    /// `false`: not found.
    fn decompose(&mut self, a: &Mat<T>, values: &mut [T::R], mut to: Option<(&mut Mat<T>, &mut Mat<T>)>) -> bool {
        let (to_u, to_v) = match &mut to {
            Some((u, v)) => {
                // vectors that belong to no value are made of what is there, which has to be zeros
                u.fill(T::nought());
                v.fill(T::nought());
                (Some(u.as_mut()), Some(v.as_mut()))
            }
            None => (None, None),
        };
        let s = DiagMut::from_slice_mut(&mut self.s);
        let ok = svd(a.as_ref(), s, to_u, to_v, Par::Seq, MemStack::new(&mut self.scratch), Self::way()).is_ok();
        for (w, s) in values.iter_mut().zip(&self.s) {
            *w = s.re_of();
        }
        // Values that are next to nothing beside the greatest come in any order.
        if ok && !values.is_sorted_by(|a, b| a >= b) {
            let found = values.to_vec();
            let order = ascending(0..found.len(), |i| -found[i]);
            values.iter_mut().zip(&order).for_each(|(w, i)| *w = found[*i]);
            for vectors in to.into_iter().flat_map(|(u, v)| [u, v]) {
                let old = vectors.clone();
                for (to, from) in order.iter().enumerate() {
                    vectors.col_mut(to).copy_from(old.col(*from));
                }
            }
        }
        ok
    }
}

/// Divide and conquer.
struct Divided<T: Number> {
    /// Of the QR factorization of a tall matrix, the factors of the reflections and R.
    tall: Option<(Vec<T>, Mat<T>)>,
    /// The reflections of the right side, and the factors of those of both sides.
    right: Mat<T>,
    taus: [Vec<T>; 2],
    u: Mat<T::R>,
    v: Mat<T::R>,
    room: Room<T::R>,
}
impl<T: Number> Divided<T> {
    fn new(m: usize, n: usize) -> Self {
        let tall = m as f64 > n as f64 * TALL;
        Divided {
            tall: tall.then(|| (vec![T::nought(); n], matrix(n, n))),
            right: matrix(n - 1, n - 1),
            taus: [vec![T::nought(); n], vec![T::nought(); n - 1]],
            u: matrix(n, n),
            v: matrix(n + 1, n + 1),
            room: Room::new(n),
        }
    }
    /// What the matrix holds is lost.
    fn decompose(&mut self, a: &mut Mat<T>, values: &mut [T::R], u: &mut Mat<T>, v: &mut Mat<T>) {
        let n = values.len();
        if let Some((taus, r)) = &mut self.tall {
            factorize(a, taus);
            for j in 0..n {
                r.col_as_slice_mut(j)[..=j].copy_from_slice(&a.col_as_slice(j)[..=j]);
                r.col_as_slice_mut(j)[j + 1..].fill(T::nought());
            }
        }
        let b = match &mut self.tall {
            Some((_, r)) => r,
            None => &mut *a,
        };
        let [mut diagonal, mut above] = reduce(b, &mut self.right, &mut self.taus);
        bidiagonal::singular(&mut diagonal, &mut above, self.u.as_mut(), self.v.as_mut(), &mut self.room);
        for (w, s) in values.iter_mut().zip(diagonal.iter().rev()) {
            *w = *s;
        }
        for (to, found) in [(&mut *u, &self.u), (&mut *v, &self.v)] {
            for j in 0..to.ncols() {
                let to = to.col_as_slice_mut(j);
                to[n..].fill(T::nought());
                if j < n {
                    for (x, r) in to.iter_mut().zip(found.col_as_slice(n - 1 - j)) {
                        *x = T::real(*r);
                    }
                } else {
                    to[..n].fill(T::nought());
                    to[j] = T::unit();
                }
            }
        }
        let rows = b.nrows();
        multiply(b.as_ref(), &self.taus[0], u.as_mut().subrows_mut(0, rows), false);
        multiply(self.right.as_ref(), &self.taus[1], v.as_mut().subrows_mut(1, n - 1), false);
        if let Some((taus, _)) = &self.tall {
            multiply(a.as_ref(), taus, u.as_mut(), false);
        }
    }
}
