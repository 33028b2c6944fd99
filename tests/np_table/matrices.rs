//! Norms, equations with arrays as matrices, indices of matrices.

use super::Row;
use cotangent::prelude::*;
use cotangent::{nn, np, np::linalg};

macro_rules! rows { ($($name:literal |$x:ident| $body:expr;)*) => { &[$(($name, |$x: &[Array]| $body)),*] } }

fn both((i, j): (Array, Array)) -> Vec<Array> {
    vec![i, j]
}
pub const ROWS: &[Row] = rows! {
    "diag_indices_from" |x| np::diag_indices_from(&x[0]);
    "tril_indices_from" |x| both(np::tril_indices_from(&x[0], 1));
    "triu_indices_from" |x| both(np::triu_indices_from(&x[0], -1));
    "sort_complex" |x| vec![np::sort_complex(&x[0])];
    "vector_norm" |x| vec![linalg::vector_norm(&x[0], 2)];
    "vector_norm_1" |x| vec![linalg::vector_norm(&x[0], 1)];
    "vector_norm_inf" |x| vec![linalg::vector_norm(&x[0], f64::INFINITY)];
    "vector_norm_3" |x| vec![linalg::vector_norm(&x[0], 3)];
    "vector_norm_0" |x| vec![linalg::vector_norm(&x[0], 0)];
    "vector_norm_over" |x| vec![linalg::vector_norm_over(&x[0], &[0, 2], 3, false)];
    "vector_norm_keep" |x| vec![linalg::vector_norm_over(&x[0], &[-1, 0], 2, true)];
    "matrix_norm_fro" |x| vec![linalg::matrix_norm(&x[0], linalg::Order::Frobenius)];
    "matrix_norm_1" |x| vec![linalg::matrix_norm(&x[0], 1)];
    "matrix_norm_nuc" |x| vec![linalg::matrix_norm(&x[0], linalg::Order::Nuclear)];
    "matrix_norm_2" |x| vec![linalg::matrix_norm(&x[0], 2)];
    "tensorinv" |x| vec![linalg::tensorinv(&x[0], 2)];
    "tensorinv_1" |x| vec![linalg::tensorinv(&x[0], 1)];
    "tensorsolve" |x| vec![linalg::tensorsolve(&x[0], &x[1], &[])];
    "tensorsolve_axes" |x| vec![linalg::tensorsolve(&x[0], &x[1], &[0])];
    "scaled_matmul" |x| vec![nn::scaled_matmul(&x[0], &x[1], &x[2], &x[3])];
};
