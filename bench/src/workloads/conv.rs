//! Convolutions, windows, and a network of both.

use crate::measure::{Bench, Work};
use crate::models::*;
use cotangent::lax::{ConvGeneralDilated, ReduceWindow};
use cotangent::prelude::*;
use cotangent::vjp;

fn conv(x: &Array, w: &Array) -> Array {
    ConvGeneralDilated::new(&[1, 1], "SAME").dimension_numbers(("NHWC", "HWIO", "NHWC")).run(x, w)
}
/// The greatest of four neighbors.
fn pool(x: &Array) -> Array {
    ReduceWindow::new(&[1, 2, 2, 1]).window_strides(&[1, 2, 2, 1]).max(x)
}

pub fn kernel(b: &mut Bench) {
    let (x, w, ct) =
        (normal(&[32, 28, 28, 32], 0, 1.0), normal(&[3, 3, 32, 64], 1, 0.05), normal(&[32, 28, 28, 64], 2, 1.0));
    let one = 2.0 * (32 * 28 * 28 * 64 * 9 * 32) as f64;
    let f = jit(conv);
    b.time_work("kernel.conv.forward", Work::flops(one), || f(&x, &w));
    let both = jit(|x: &Array, w: &Array, ct: &Array| vjp(conv, (x, w)).1.call(ct));
    b.time_work("kernel.conv.grad_both", Work::flops(2.0 * one), || both(&x, &w, &ct));
    let input = jit(|x: &Array, w: &Array, ct: &Array| vjp(|x: &Array| conv(x, w), (x,)).1.call(ct));
    b.time_work("kernel.conv.grad_input", Work::flops(one), || input(&x, &w, &ct));
    let filter = jit(|x: &Array, w: &Array, ct: &Array| vjp(|w: &Array| conv(x, w), (w,)).1.call(ct));
    b.time_work("kernel.conv.grad_filter", Work::flops(one), || filter(&x, &w, &ct));
}

pub fn windows(b: &mut Bench) {
    let (x, ct) = (normal(&[64, 28, 28, 32], 0, 1.0), normal(&[64, 14, 14, 32], 1, 1.0));
    let bytes = 4.0 * (64 * 28 * 28 * 32) as f64;
    let f = jit(pool);
    b.time_work("kernel.pool.forward", Work::bytes(1.25 * bytes), || f(&x));
    let back = jit(|x: &Array, ct: &Array| vjp(pool, (x,)).1.call(ct));
    b.time_work("kernel.pool.grad", Work::bytes(2.25 * bytes), || back(&x, &ct));
}

/// Of two convolutions and two layers: biases, then filters and weights, as the baseline's dictionary is sorted.
type Cnn = [Array; 8];

fn cnn_loss(p: &Cnn, x: &Array, labels: &Array) -> Array {
    let [b1, b2, b3, b4, w1, w2, w3, w4] = p;
    let layer = |x: &Array, w: &Array, b: &Array| pool(&relu(&(conv(x, w) + b)));
    let x = layer(&layer(x, w1, b1), w2, b2);
    let x = relu(&(x.reshape(&[x.shape()[0], 3136]).matmul(w3) + b3));
    cross_entropy(&(x.matmul(w4) + b4), labels)
}

pub fn cnn(b: &mut Bench) {
    let params: Cnn = [
        zeros(&[32]),
        zeros(&[64]),
        zeros(&[128]),
        zeros(&[10]),
        normal(&[3, 3, 1, 32], 1, 0.3),
        normal(&[3, 3, 32, 64], 2, 0.06),
        normal(&[3136, 128], 3, 0.018),
        normal(&[128, 10], 4, 0.09),
    ];
    let (x, labels) = (normal(&[64, 28, 28, 1], 5, 1.0), mlp_batch(64).1);
    let (c1, c2) = (2.0 * (64 * 784 * 32 * 9) as f64, 2.0 * (64 * 196 * 64 * 288) as f64);
    let fc = 2.0 * (64 * (3136 * 128 + 1280)) as f64;
    let work = Work::flops(3.0 * (c1 + c2 + fc) - c1);
    super::train::carried(b, "train.cnn", (cnn_loss, 1e-3), &params, (&x, &labels), work);
}
