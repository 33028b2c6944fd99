//! Small matrices, many of them; distances; kernels.

use super::{kept, normal, one, two};
use crate::measure::Bench;
use cotangent::prelude::*;
use cotangent::{hessian, jacfwd, nn, np};

fn squared(a: &Array, c: &Array) -> Array {
    (np::expand_dims(a, &[1]) - np::expand_dims(c, &[0])).powi(2).sum_over(-1)
}
fn definite(m: &Array) -> Array {
    m.matmul(&m.swapaxes(-1, -2)) + 0.5 * np::identity(m.shape()[2])
}
fn attention(q: &Array) -> Array {
    let scores = np::einsum("bhqd,bhkd->bhqk", &[q, q]) * 0.125;
    np::einsum("bhqk,bhkd->bhqd", &[&nn::softmax(&scores, -1), q])
}
fn kmeans(x: &Array, c: &Array) -> Array {
    let near = np::over(1).argmin(&squared(x, c));
    let mine = nn::one_hot(&near, c.shape()[0]);
    mine.t().matmul(x) / (kept(&mine.sum_over(0)) + 1e-6)
}
fn likelihood(t: &Array, x: &Array, y: &Array) -> Array {
    let k =
        (-0.5 * squared(x, x) * t.i(0).exp()).exp() * t.i(1).exp() + (0.1 + t.i(2).exp()) * np::identity(x.shape()[0]);
    let l = np::linalg::cholesky(&k);
    let z = np::linalg::SolveTriangular::new().lower().of(&l, y);
    0.5 * (&z * &z).sum() + np::diagonal(&l).log().sum()
}

pub fn all(b: &mut Bench) {
    let p = normal(&[100_000, 3], 0);
    let turn = normal(&[3, 3], 1);
    let turns = normal(&[100_000, 3, 3], 2);
    let four = normal(&[50_000, 4, 4], 3);
    let a = normal(&[1000, 3], 4);
    let c = normal(&[1000, 3], 5);
    let eight = normal(&[1000, 8, 8], 6);
    let v = normal(&[1000, 8], 7);
    let q = normal(&[8, 8, 128, 64], 8);
    let x = normal(&[1000, 100], 9);
    two(b, "small.turn", &p, &turn, |p, r| p.matmul(&r.t()));
    two(b, "small.turn_each", &p, &turns, |p, r| np::einsum("nij,nj->ni", &[r, p]));
    one(b, "small.matmul4", &four, |m| m.matmul(m));
    one(b, "small.cross", &p, |p| np::cross(p, &np::flip_axes(p, &[0])));
    one(b, "small.normalize", &p, |p| p / kept(&(p * p).sum_over(-1).sqrt()));
    one(b, "small.det3", &turns, np::linalg::det);
    one(b, "small.inv3", &turns.i(..10_000), np::linalg::inv);
    two(b, "small.solve8", &eight, &v, |m, v| np::linalg::solve(m, &kept(v)).i((.., .., 0)));
    one(b, "small.cholesky8", &eight, |m| np::linalg::cholesky(&definite(m)));
    one(b, "small.eigh8", &eight, |m| np::linalg::eigvalsh(&definite(m)));
    two(b, "small.distances", &a, &c, squared);
    let kernel = grad(|a: &Array, c: &Array| (-0.5 * squared(a, c)).exp().sum());
    two(b, "small.gaussian_kernel.grad", &a, &c, kernel);
    two(b, "small.kmeans", &x, &x.i(..16), kmeans);
    one(b, "small.attention", &q, attention);
    one(b, "small.attention.grad", &q, grad(|q: &Array| attention(q).powi(2).sum()));
    one(b, "small.covariance", &x, |x| np::cov(&x.t()));
    let f = jit(grad(likelihood));
    let (t, points, seen) = (np::zeros(&[3]), a.i(..256), c.i((..256, 0)));
    b.time("program.small.likelihood.grad", || f(&t, &points, &seen));
    let rosenbrock = |x: &Array| (100 * (x.i(1..) - x.i(..-1).powi(2)).powi(2) + (1 - x.i(..-1)).powi(2)).sum();
    one(b, "small.rosenbrock.hessian", &x.i(0), hessian(rosenbrock));
    let waves = |x: &Array| (kept(x) * np::expand_dims(x, &[0])).tanh().sum_over(0);
    one(b, "small.jacobian", &x.i(0), jacfwd(waves));
    one(b, "small.fft.rows", &normal(&[1000, 256], 10), |x| np::fft::rfft(x).abs());
}
