//! Loops over many elements, compiled.

use crate::measure::{Bench, Work};
use crate::models::{integers, normal, normal64, rows};
use crate::numbers::Random;
use cotangent::prelude::*;
use cotangent::prim::{broadcast_in_dim, concatenate, cumsum, erf, logistic, reduce_max, reduce_sum};
use cotangent::{np, vjp};

fn chain_of(x: &Array) -> Array {
    x.tanh() * logistic(x) + (-(x * x)).exp()
}

pub fn chain(b: &mut Bench) {
    let f = jit(chain_of);
    let g = jit(value_and_grad(|x: &Array| chain_of(x).sum()));
    for (n, tag) in [(1000, "1e3"), (100_000, "1e5"), (10_000_000, "1e7")] {
        let (forward, both) = (format!("kernel.chain.{tag}"), format!("kernel.chain_vg.{tag}"));
        if b.wants(&forward) || b.wants(&both) {
            let x = normal(&[n], 0, 1.0);
            let work = Work::bytes(8.0 * n as f64).and_elems(n as f64);
            b.time_work(&forward, work, || f(&x));
            b.time_work(&both, work, || g(&x));
        }
    }
    let x = normal(&[1000], 0, 1.0);
    b.time_work("kernel.chain.1e3.pipelined", Work::bytes(8e3).and_elems(1e3), || f(&x));
}

pub fn add1_large(b: &mut Bench) {
    let x = normal(&[10_000_000], 0, 1.0);
    let work = Work::bytes(8e7).and_elems(1e7);
    let f = jit(|v: &Array| v + 1);
    b.time_work("kernel.add1.1e7", work, || f(&x));
    let g = jit(|v: Array| v + 1);
    let mut held = Some(&x + 0);
    b.time_beside("kernel.add1.1e7.donated", work, || held = held.take().map(&g), || vec![g(&x + 0)]);
}

pub fn unary(b: &mut Bench) {
    type Fun = fn(&Array) -> Array;
    let x = normal(&[100_000], 0, 1.0);
    let p = x.abs() + 0.01;
    let all: [(&str, Fun, &Array); 10] = [
        ("copy_add1", |v| v + 1, &x),
        ("sin", Array::sin, &x),
        ("exp", Array::exp, &x),
        ("log", Array::log, &p),
        ("tanh", Array::tanh, &x),
        ("erf", erf, &x),
        ("sqrt", Array::sqrt, &p),
        ("sigmoid", logistic, &x),
        ("log1p", Array::log1p, &p),
        ("pow_2_5", |v| v.pow(2.5), &p),
    ];
    for (name, f, x) in all {
        let f = jit(move |x: &Array| f(x));
        b.time_work(&format!("kernel.unary.{name}.1e5"), Work::bytes(8e5).and_elems(1e5), || f(x));
    }
}

/// The reduced axis again, with extent 1.
fn kept(x: &Array, axis: usize) -> Array {
    cotangent::prim::expand_dims(x, &[axis])
}
fn mean(x: &Array, axis: usize) -> Array {
    reduce_sum(x, &[axis]) / x.shape()[axis]
}
fn softmax(x: &Array, axis: usize) -> Array {
    let e = (x - kept(&stop_gradient(&reduce_max(x, &[axis])), axis)).exp();
    &e / kept(&reduce_sum(&e, &[axis]), axis)
}
fn logsumexp(x: &Array, axis: usize) -> Array {
    let top = stop_gradient(&reduce_max(x, &[axis]));
    reduce_sum(&(x - kept(&top, axis)).exp(), &[axis]).log() + top
}
fn layernorm(x: &Array, axis: usize) -> Array {
    let centred = x - kept(&mean(x, axis), axis);
    let variance = kept(&mean(&centred.powi(2), axis), axis);
    centred * (variance + 1e-5).rsqrt()
}

pub fn reduce(b: &mut Bench) {
    type Fun = fn(&Array, usize) -> Array;
    let x = normal(&[1024, 1024], 0, 1.0);
    let n = 1024.0 * 1024.0;
    let all: [(&str, Fun, f64); 5] = [
        ("sum", |x, axis| reduce_sum(x, &[axis]), 4.0),
        ("mean", mean, 4.0),
        ("logsumexp", logsumexp, 4.0),
        ("softmax", softmax, 8.0),
        ("layernorm", layernorm, 8.0),
    ];
    for (name, f, width) in all {
        for (axis, tag) in [(1, "last"), (0, "first")] {
            let f = jit(move |x: &Array| f(x, axis));
            b.time_work(&format!("kernel.{name}.{tag}"), Work::bytes(width * n).and_elems(n), || f(&x));
        }
    }
    let f = jit(Array::sum);
    b.time_work("kernel.sum.full", Work::bytes(4.0 * n).and_elems(n), || f(&x));
}

pub fn layout(b: &mut Bench) {
    let x = normal(&[2048, 2048], 0, 1.0);
    let n = 2048.0 * 2048.0;
    let f = jit(Array::t);
    b.time_work("kernel.transpose.2048", Work::bytes(8.0 * n).and_elems(n), || f(&x));
    let g = jit(|v: &Array| v.t() + 1);
    b.time_work("kernel.transpose_add1.2048", Work::bytes(8.0 * n).and_elems(n), || g(&x));
    let (u, v) = (normal(&[2048], 0, 1.0), normal(&[2048], 1, 1.0));
    let h = jit(|u: &Array, v: &Array| broadcast_in_dim(u, &[2048, 1], &[0]) + broadcast_in_dim(v, &[1, 2048], &[1]));
    b.time_work("kernel.outer_sum.2048", Work::bytes(4.0 * n).and_elems(n), || h(&u, &v));
    let z = normal(&[512, 512], 2, 1.0);
    let k = jit(|v: &Array| concatenate(&[v, &(v * 2), &(v + 1)], 0));
    b.time_work("kernel.concat3.512", Work::bytes(16.0 * 512.0 * 512.0), || k(&z));
}

pub fn matmul(b: &mut Bench) {
    let f = jit(np::matmul);
    for n in [64, 256, 1024, 2048] {
        let name = format!("kernel.matmul.f32.{n}");
        if b.wants(&name) {
            let (x, y) = (normal(&[n, n], 0, 1.0), normal(&[n, n], 1, 1.0));
            b.time_work(&name, Work::flops(2.0 * (n as f64).powi(3)), || f(&x, &y));
        }
    }
    let (x, y) = (normal64(&[1024, 1024], 0), normal64(&[1024, 1024], 1));
    b.time_work("kernel.matmul.f64.1024", Work::flops(2.0 * 1024f64.powi(3)), || f(&x, &y));
    let (x, y) = (normal(&[64, 64, 64], 0, 1.0), normal(&[64, 64, 64], 1, 1.0));
    b.time_work("kernel.batched_matmul.64x64x64x64", Work::flops(2.0 * 64f64.powi(4)), || f(&x, &y));
    let work = Work::flops(2.0 * 128.0 * 784.0 * 512.0);
    let (x, y) = (normal(&[128, 784], 0, 1.0), normal(&[784, 512], 1, 1.0));
    b.time_work("kernel.matmul.f32.128x784x512", work, || f(&x, &y));
    let g = jit(|x: &Array, y: &Array| x.t().matmul(y));
    let y = normal(&[128, 512], 1, 1.0);
    b.time_work("kernel.matmul_tn.f32.784x128x512", work, || g(&x, &y));
    let (a, v) = (normal(&[2048, 2048], 0, 1.0), normal(&[2048], 1, 1.0));
    let n = 2048f64 * 2048.0;
    b.time_work("kernel.matvec.f32.2048", Work::flops(2.0 * n).and_bytes(4.0 * n), || f(&a, &v));
}

pub fn embedding(b: &mut Bench) {
    let table = normal(&[50_000, 64], 0, 1.0);
    let ids = integers(&[8192], &mut Random::new(1), 50_000);
    let f = jit(rows);
    b.time_work("kernel.embedding.forward", Work::bytes(8.0 * 8192.0 * 64.0), || f(&table, &ids));
    let ct = normal(&[8192, 64], 2, 1.0);
    let g = jit(|t: &Array, i: &Array, ct: &Array| vjp(|t: &Array| rows(t, i), (t,)).1.call(ct).0);
    let bytes = 4.0 * 64.0 * (50_000.0 + 3.0 * 8192.0);
    b.time_work("kernel.embedding.grad", Work::bytes(bytes), || g(&table, &ids, &ct));
}

pub fn prefix(b: &mut Bench) {
    let x = normal(&[1_000_000], 0, 1.0);
    let g = jit(|x: &Array| cumsum(x, 0, false));
    let f = jit(|x: &Array| np::sort(x, 0));
    b.time_work("kernel.sort.1e6", Work::default().and_elems(1e6), || f(&x));
    b.time_work("kernel.cumsum.1e6", Work::bytes(8e6).and_elems(1e6), || g(&x));
    let h = jit(|x: &Array| np::argsort(x, 0));
    b.time_work("kernel.argsort.1e6", Work::default().and_elems(1e6), || h(&x));
}
