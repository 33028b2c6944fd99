//! Programs made of transformations, compiled.

use crate::measure::{Bench, Work};
use crate::models::*;
use cotangent::prelude::*;
use cotangent::prim::{broadcast_in_dim, reduce_sum};
use cotangent::{jvp, vmap_axes};

pub fn per_example(b: &mut Bench) {
    let (params, (x, labels)) = (mlp_params(), mlp_batch(128));
    let size: usize = tree::leaves(&params).iter().map(Array::size).sum();
    let single = || vmap_axes(grad(mlp_loss), (None, 0, 0), 0);
    let f = jit(single());
    let work = Work::flops(mlp_step_flops());
    b.time_work("transform.per_example_grads", work.and_bytes(4.0 * 128.0 * size as f64), || f(&params, &x, &labels));
    let each = single();
    let norms = jit(move |p: &Mlp, x: &Array, labels: &Array| {
        let squares = |v: &Array| reduce_sum(&v.powi(2), &(1..v.ndim()).collect::<Vec<_>>());
        let grads = tree::leaves(&each(p, x, labels));
        grads.iter().map(squares).reduce(|a, b| a + b).expect("leaves").sqrt()
    });
    b.time_work("transform.per_example_grad_norms", work, || norms(&params, &x, &labels));
}

pub fn hessian(b: &mut Bench) {
    let x = normal(&[1000, 100], 0, 1.0);
    let y = normal(&[1000], 1, 1.0).gt(0.0).astype(DType::Float32);
    let w = normal(&[100], 2, 0.1);
    let loss = move |w: &Array| {
        let z = x.matmul(w);
        (softplus(&z) - &y * &z).mean()
    };
    let f = jit(cotangent::hessian(loss));
    b.time_work("transform.hessian_logistic100", Work::flops(4e7), || f(&w));
}

pub fn hvp(b: &mut Bench) {
    let (params, (x, labels)) = (mlp_params(), mlp_batch(128));
    let tangent = tree::map(&params, |p| p * 0.01);
    let f = jit(|p: &Mlp, t: &Mlp| jvp(grad(|q: &Mlp| mlp_loss(q, &x, &labels)), (p,), (t,)).1);
    b.time_work("transform.hvp_mlp", Work::flops(2.0 * mlp_step_flops()), || f(&params, &tangent));
}

pub fn nbody(b: &mut Bench) {
    let n = 512;
    let (at, mass) = (normal(&[n, 3], 0, 1.0), normal(&[n], 1, 1.0).abs() + 0.1);
    let others = Array::from_slice(&(0..n * n).map(|i| (i / n != i % n) as u8 as f32).collect::<Vec<_>>(), &[n, n]);
    let energy = move |p: &Array| {
        let d = broadcast_in_dim(p, &[n, 1, 3], &[0, 2]) - broadcast_in_dim(p, &[1, n, 3], &[1, 2]);
        let inverse = (reduce_sum(&(&d * &d), &[2]) + 1e-2).rsqrt();
        let masses = broadcast_in_dim(&mass, &[n, 1], &[0]) * broadcast_in_dim(&mass, &[1, n], &[1]);
        -0.5 * (masses * inverse * &others).sum()
    };
    let f = jit(grad(energy));
    let pairs = (n * n) as f64;
    b.time_work("transform.nbody512.grad", Work::flops(20.0 * pairs).and_elems(pairs), || f(&at));
}
