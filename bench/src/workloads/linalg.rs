//! Factorizations and Fourier transforms.

use crate::measure::{Bench, Work};
use crate::models::normal;
use cotangent::np::{fft, linalg};
use cotangent::prelude::*;

type Function = fn(&Array) -> Array;

/// A matrix that is not symmetric, and a positive definite one that is.
fn matrices(n: usize, dtype: DType) -> (Array, Array) {
    let a = normal(&[n, n], 0, 1.0).astype(dtype);
    let positive = a.dot(&a.t()) + n as f64 * np_eye(n, dtype);
    (a, positive)
}
fn np_eye(n: usize, dtype: DType) -> Array {
    linalg::matrix_power(&normal(&[n, n], 1, 1.0).astype(dtype), 0)
}

pub fn factorizations(b: &mut Bench) {
    let n = 256;
    let (a, positive) = matrices(n, DType::Float32);
    let rhs = normal(&[n, n], 1, 1.0);
    let cube = (n as f64).powi(3);
    let cholesky = jit(linalg::cholesky);
    b.time_work("kernel.cholesky.256", Work::flops(cube / 3.0), || cholesky(&positive));
    let solve = jit(|a: &Array, b: &Array| linalg::solve(a, b));
    b.time_work("kernel.solve.256", Work::flops(cube * 8.0 / 3.0), || solve(&positive, &rhs));
    let svd = jit(|a: &Array| {
        let s = linalg::svd(a);
        (s.u, s.s, s.vh)
    });
    // vectors may have either sign: absolute values are compared
    b.time_beside(
        "kernel.svd.256",
        Work::default(),
        || svd(&a),
        || {
            let (u, s, vh) = svd(&a);
            vec![u.abs(), s, vh.abs()]
        },
    );
    let eigh = jit(|a: &Array| {
        let e = linalg::eigh(a);
        (e.values, e.vectors)
    });
    b.time_beside(
        "kernel.eigh.256",
        Work::default(),
        || eigh(&positive),
        || {
            let (values, vectors) = eigh(&positive);
            vec![values, vectors.abs()]
        },
    );
}

/// More sizes and types than the baseline has.
pub fn sizes(b: &mut Bench) {
    let all: [(&str, usize, Function, bool); 8] = [
        ("cholesky", 512, |x| linalg::cholesky(x), true),
        ("lu", 512, |x| linalg::lu_factor(x).lu, false),
        ("qr", 512, |x| linalg::qr(x).0, false),
        ("eigh", 256, |x| linalg::eigh(x).vectors, true),
        ("svd", 256, |x| linalg::Svd::new().thin().of(x).u, false),
        ("eigvals", 128, |x| linalg::eigvals(x), false),
        ("solve", 512, |x| linalg::solve(x, x), false),
        ("inv", 256, |x| linalg::inv(x), false),
    ];
    for dtype in [DType::Float32, DType::Float64] {
        for (name, n, f, symmetric) in all {
            let name = format!("linalg.{name}.{n}.{dtype}");
            if b.wants(&name) {
                let (a, positive) = matrices(n, dtype);
                let f = jit(f);
                b.time(&name, || f(if symmetric { &positive } else { &a }));
            }
        }
        let small = matrices(8, dtype).1;
        let batch = &small + normal(&[1000, 1, 1], 3, 1.0).astype(dtype).abs() * np_eye(8, dtype);
        let f = jit(linalg::cholesky);
        b.time(&format!("linalg.cholesky.1000x8.{dtype}"), || f(&batch));
        let z = |shape: &[usize]| normal(shape, 4, 1.0).astype(dtype);
        for (name, shape, f) in [
            ("fft.2^20", &[1 << 20][..], (|x| fft::fft(x)) as Function),
            ("fft.1000x1024", &[1000, 1024], |x| fft::fft(x)),
            ("rfft.2^20", &[1 << 20], |x| fft::rfft(x)),
            ("fft2.512", &[512, 512], |x| fft::fft2(x)),
        ] {
            let name = format!("linalg.{name}.{dtype}");
            if b.wants(&name) {
                let x = z(shape);
                let x = if name.contains("rfft") { x } else { fft::Options::new().fft(&x) };
                let f = jit(f);
                b.time(&name, || f(&x));
            }
        }
    }
}

pub fn transform(b: &mut Bench) {
    let n = 1 << 18;
    let x = normal(&[n], 0, 1.0).astype(DType::Complex64);
    let f = jit(fft::fft);
    b.time_work("kernel.fft.2^18", Work::flops(5.0 * n as f64 * 18.0), || f(&x));
}
