//! Operations and transformations without `jit`: every call does all of it again.

use crate::measure::Bench;
use crate::models::*;
use cotangent::prelude::*;
use cotangent::vmap;

pub fn add(b: &mut Bench) {
    let (x, y) = (scalar(1.5), scalar(2.5));
    b.time("eager.add.scalar", || &x + &y);
    let (u, v) = (normal(&[8], 0, 1.0), normal(&[8], 1, 1.0));
    b.time("eager.add.vec8", || &u + &v);
}

pub fn sin(b: &mut Bench) {
    let x = scalar(0.7);
    b.time("eager.sin.scalar", || x.sin());
}

pub fn grad_poly(b: &mut Bench) {
    let x = scalar(2.0);
    b.time("eager.poly.forward", || poly(&x));
    b.time("eager.grad_poly", || grad(poly)(&x));
}

pub fn vg_logistic(b: &mut Bench) {
    let (loss, w, c) = tutorial_logistic();
    b.time("eager.vg_logistic", || value_and_grad_argnums(&loss, (ARG0, ARG1))(&w, &c));
}

pub fn grad3_tanh(b: &mut Bench) {
    let x = scalar(0.3);
    b.time("eager.grad3_tanh", || grad(grad(grad(Array::tanh)))(&x));
}

pub fn vmap_grad_poly(b: &mut Bench) {
    let x = normal(&[8], 0, 1.0);
    b.time("eager.vmap_grad_poly", || vmap(grad(poly))(&x));
}

pub fn mlp_step(b: &mut Bench) {
    let (step, params, (x, labels)) = (sgd(mlp_loss, 1e-3), mlp_params(), mlp_batch(128));
    b.time("eager.mlp_step", || step(&params, &x, &labels));
}
