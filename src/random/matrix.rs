//! Random vectors with a covariance, and random orthogonal matrices.

use super::draw::{Root, To};
use crate::array::Array;
use crate::aval::tuple;
use crate::np::{self, linalg};
use crate::prim;

pub(super) fn multivariate_normal(to: &To, mean: &Array, cov: &Array) -> Array {
    let wrong = |why: String| -> ! {
        let (mean, cov) = (tuple(mean.shape()), tuple(cov.shape()));
        to.wrong(format!("mean has shape {mean} and cov {cov}, but {why}"))
    };
    let ([means @ .., n], [covs @ .., rows, columns]) = (mean.shape(), cov.shape()) else {
        wrong("they are vectors and matrices".into())
    };
    if (rows, columns) != (n, n) {
        wrong(format!("a vector of {n} has a covariance matrix of shape ({n}, {n})"))
    }
    for p in [means, covs] {
        if crate::array::broadcast_shapes(&[p, to.shape]).as_deref() != Some(to.shape) {
            wrong(format!("without vector and matrix they broadcast to {}", tuple(to.shape)))
        }
    }
    let beside = |x: &Array| prim::expand_dims(x, &[x.ndim() - 1]);
    let factor = match to.root {
        Root::Cholesky => linalg::cholesky(cov),
        Root::Svd => {
            let s = linalg::svd(cov);
            s.u * beside(&prim::sqrt(&s.s))
        }
        Root::Eigh => {
            let e = linalg::eigh(cov);
            e.vectors * beside(&prim::sqrt(&e.values))
        }
    };
    let whole = to.longer(&[*n]);
    let z = to.shaped(&whole).normal();
    let turned = np::matmul(&factor, &prim::expand_dims(&z, &[z.ndim()]));
    mean + prim::squeeze(&turned, &[z.ndim()])
}

pub(super) fn orthogonal(to: &To, n: usize, m: usize) -> Array {
    let whole = to.longer(&[n.max(m), n.min(m)]);
    let z = to.shaped(&whole).normal();
    let (q, r) = linalg::qr(&z);
    let rank = whole.len();
    // the diagonal of the triangular factor, among zeros
    let side = n.min(m);
    let at = |d| prim::iota(crate::DType::Int32, &[side, side], d);
    let on = np::broadcast_to(&prim::eq(&at(0), &at(1)), r.shape());
    let diagonal = prim::reduce_sum(&prim::select_n(&on, &[&prim::zeros_of(r.aval()), &r]), &[rank - 2]);
    // with the signs of the diagonal, factor and matrix belong together in one way only
    let x = q * prim::expand_dims(&prim::sign(&diagonal), &[rank - 2]);
    if n >= m {
        return x;
    }
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 1, rank - 2);
    prim::transpose(&x, &order)
}
