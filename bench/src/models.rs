//! Models, functions and data shared by several workloads: those of `jax_baseline.py`.

use crate::numbers::Random;
use cotangent::prelude::*;
use cotangent::prim::{
    GatherDimensionNumbers, GatherOptions, GatherScatterMode, concatenate, expand_dims, gather, logistic, reduce_max,
    reduce_sum, slice_in_dim, transpose,
};
use cotangent::{custom_jvp, lax, np};

/// x^3 + 2x^2 - 3x + 1.
pub fn poly(x: &Array) -> Array {
    x.powi(3) + 2 * x.powi(2) - 3 * x + 1
}

/// A scalar of type float32, not a weakly typed number.
pub fn scalar(x: f32) -> Array {
    Array::from_slice(&[x], &[])
}

/// Normally distributed elements, times `scale`: those of the baseline for this seed.
pub fn normal(shape: &[usize], seed: u32, scale: f64) -> Array {
    let mut random = Random::new(seed);
    let data: Vec<f32> = (0..shape.iter().product()).map(|_| (random.normal() * scale) as f32).collect();
    Array::from_slice(&data, shape)
}
/// The same as float64.
pub fn normal64(shape: &[usize], seed: u32) -> Array {
    let mut random = Random::new(seed);
    Array::from_slice(&(0..shape.iter().product()).map(|_| random.normal()).collect::<Vec<_>>(), shape)
}
/// Integers below `below`, each as likely.
pub fn integers(shape: &[usize], random: &mut Random, below: u32) -> Array {
    let data: Vec<i32> = (0..shape.iter().product()).map(|_| random.below(below) as i32).collect();
    Array::from_slice(&data, shape)
}
/// Zeros of type float32.
pub fn zeros(shape: &[usize]) -> Array {
    Array::from_slice(&vec![0f32; shape.iter().product()], shape)
}

/// The logistic regression of JAX's tutorial, 4 examples of 3 features: its loss, and where it is taken.
pub fn tutorial_logistic() -> (impl Fn(&Array, &Array) -> Array + Send + Sync, Array, Array) {
    let inputs = array![[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]];
    let targets = array![true, true, false, true];
    let loss = move |w: &Array, b: &Array| {
        let preds = 0.5 * (((inputs.dot(w) + b) / 2.0).tanh() + 1.0);
        let probs = &preds * &targets + (1 - &preds) * (1 - &targets);
        -probs.log().sum()
    };
    (loss, normal(&[3], 1, 1.0), scalar(0.1))
}

/// The mean squared error of a line.
pub fn mse_loss(params: &(Array, Array), x: &Array, y: &Array) -> Array {
    let (w, b) = params;
    (x * w + b - y).powi(2).mean()
}

/// The greater of x and 0, with derivative 0 at 0.
pub fn relu(x: &Array) -> Array {
    np::where_(&x.gt(0.0), x, 0.0)
}
/// log(1 + e^x), with the derivative that the baseline's has; by itself it would be that of |x|, which is 1 at 0.
pub fn softplus(x: &Array) -> Array {
    let value = |x: &Array| x.maximum(0.0) + (-x.abs()).exp().log1p();
    let rule = move |(x,): (Array,), (dx,): (Array,)| {
        let y = value(&x);
        let slope = (x - &y).exp();
        (y, dx * slope)
    };
    custom_jvp(value, rule)(x)
}

/// Weights and biases, layer by layer.
pub type Mlp = Vec<(Array, Array)>;
/// The extents between the layers.
pub const MLP_SIZES: [usize; 4] = [784, 512, 512, 10];

pub fn mlp_params() -> Mlp {
    let pairs = MLP_SIZES.windows(2).enumerate();
    pairs.map(|(i, s)| (normal(s, 10 + i as u32, (s[0] as f64).powf(-0.5)), zeros(&s[1..]))).collect()
}
/// Inputs and labels.
pub fn mlp_batch(n: usize) -> (Array, Array) {
    (normal(&[n, 784], 2, 1.0), integers(&[n], &mut Random::new(3), 10))
}
fn mlp_apply(params: &Mlp, x: &Array) -> Array {
    let mut x = x.clone();
    for (i, (w, b)) in params.iter().enumerate() {
        x = x.matmul(w) + b;
        if i + 1 < params.len() {
            x = relu(&x)
        }
    }
    x
}
/// The mean over all examples, or that of one.
pub fn cross_entropy(logits: &Array, labels: &Array) -> Array {
    let last = logits.ndim() - 1;
    let shifted = logits - expand_dims(&stop_gradient(&reduce_max(logits, &[last])), &[last]);
    let logp = &shifted - expand_dims(&reduce_sum(&shifted.exp(), &[last]).log(), &[last]);
    // of each row the element that its label names
    let rows: Vec<usize> = (0..last).collect();
    let dims = GatherDimensionNumbers::new(&[], &[last], &[last]).batching(&rows, &rows);
    let options = GatherOptions { mode: GatherScatterMode::FillOrDrop, ..Default::default() };
    -gather(&logp, &expand_dims(labels, &[last]), &dims, &vec![1; last + 1], &options).mean()
}
pub fn mlp_loss(params: &Mlp, x: &Array, labels: &Array) -> Array {
    cross_entropy(&mlp_apply(params, x), labels)
}
/// Floating-point operations of a gradient of the loss.
pub fn mlp_step_flops() -> f64 {
    let pair = |s: &[usize]| 2.0 * 128.0 * (s[0] * s[1]) as f64;
    3.0 * MLP_SIZES.windows(2).map(pair).sum::<f64>() - pair(&MLP_SIZES[..2])
}

/// Weights of a recurrent network, in the baseline's order: biases, of the state (none if they are one matrix), of inputs.
pub type Recurrent = (Array, Option<Array>, Array);

pub fn lstm_params() -> Recurrent {
    (zeros(&[512]), None, normal(&[256, 512], 60, 256f64.powf(-0.5)))
}
pub fn lstm_loss((bias, _, w): &Recurrent, xs: &Array) -> Array {
    let (batch, hidden) = (xs.shape()[1], bias.size() / 4);
    let cell = |(h, c): &(Array, Array), x: &Array| {
        let z = concatenate(&[x, h], 1).matmul(w) + bias;
        let part = |k: usize| slice_in_dim(&z, k * hidden, (k + 1) * hidden, 1, 1);
        let c = logistic(&(part(1) + 1.0)) * c + logistic(&part(0)) * part(2).tanh();
        ((logistic(&part(3)) * c.tanh(), c), ())
    };
    // made in the program, not captured by it
    let zero = np::broadcast_to(&scalar(0.0), &[batch, hidden]);
    lax::scan(cell, &(zero.clone(), zero), xs).0.0.powi(2).mean()
}
pub fn rnn_params() -> Recurrent {
    let matrix = |seed| normal(&[128, 128], seed, 128f64.powf(-0.5));
    (zeros(&[128]), Some(matrix(62)), matrix(61))
}
pub fn rnn_loss((bias, wh, wx): &Recurrent, xs: &Array) -> Array {
    let wh = wh.as_ref().expect("weights of the state");
    let cell = |h: &Array, x: &Array| ((x.matmul(wx) + h.matmul(wh) + bias).tanh(), ());
    lax::scan(cell, &np::broadcast_to(&scalar(0.0), &[xs.shape()[1], bias.size()]), xs).0.powi(2).mean()
}

/// A layer of a transformer. Fields are in the order of the alphabet, as the baseline's dictionaries are.
#[derive(Pytree)]
pub struct Block {
    b1: Array,
    b2: Array,
    db: Array,
    down: Array,
    g1: Array,
    g2: Array,
    proj: Array,
    qkv: Array,
    ub: Array,
    up: Array,
}
/// A classifier of sequences of tokens.
#[derive(Pytree)]
pub struct Transformer {
    blocks: Vec<Block>,
    embed: Array,
    head: Array,
    pos: Array,
}
/// Extents of the model and of the layer in the middle of a block, and the number of heads.
const WIDE: (usize, usize, usize) = (128, 512, 4);
const VOCABULARY: usize = 1000;

pub fn transformer_params(layers: usize, seq: usize) -> Transformer {
    let (d, ff, _) = WIDE;
    let matrix = |m: usize, n: usize, seed: u32| normal(&[m, n], seed, (m as f64).powf(-0.5));
    let ones = || zeros(&[d]) + 1;
    let block = |s: u32| Block {
        b1: zeros(&[d]),
        b2: zeros(&[d]),
        db: zeros(&[d]),
        down: matrix(ff, d, s + 3),
        g1: ones(),
        g2: ones(),
        proj: matrix(d, d, s + 1),
        qkv: matrix(d, 3 * d, s),
        ub: zeros(&[ff]),
        up: matrix(d, ff, s + 2),
    };
    Transformer {
        blocks: (0..layers as u32).map(|i| block(100 + 10 * i)).collect(),
        embed: normal(&[VOCABULARY, d], 50, 0.02),
        head: matrix(d, 10, 52),
        pos: normal(&[seq, d], 51, 0.02),
    }
}
/// Tokens and labels.
pub fn token_batch(batch: usize, seq: usize) -> (Array, Array) {
    let mut random = Random::new(4);
    (integers(&[batch, seq], &mut random, VOCABULARY as u32), integers(&[batch], &mut random, 10))
}
fn mean_kept(x: &Array, axis: usize) -> Array {
    expand_dims(&(reduce_sum(x, &[axis]) / x.shape()[axis]), &[axis])
}
fn layer_norm(x: &Array, gain: &Array, bias: &Array) -> Array {
    let centred = x - mean_kept(x, x.ndim() - 1);
    let variance = mean_kept(&centred.powi(2), x.ndim() - 1);
    centred * (variance + 1e-5).rsqrt() * gain + bias
}
/// The exponentials along an axis, divided by their sum.
pub fn softmax(x: &Array, axis: usize) -> Array {
    let e = (x - expand_dims(&stop_gradient(&reduce_max(x, &[axis])), &[axis])).exp();
    &e / expand_dims(&reduce_sum(&e, &[axis]), &[axis])
}
/// The Gaussian error unit, by its approximation with tanh.
fn gelu(x: &Array) -> Array {
    x * (0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh()))
}
fn transformer_block(x: &Array, p: &Block) -> Array {
    let (batch, seq, d) = (x.shape()[0], x.shape()[1], x.shape()[2]);
    let (heads, each) = (WIDE.2, d / WIDE.2);
    let qkv = layer_norm(x, &p.g1, &p.b1).matmul(&p.qkv);
    let part = |k: usize| {
        let part = slice_in_dim(&qkv, k * d, (k + 1) * d, 1, 2);
        transpose(&part.reshape(&[batch, seq, heads, each]), &[0, 2, 1, 3])
    };
    let scores = part(0).matmul(&transpose(&part(1), &[0, 1, 3, 2])) * (each as f64).powf(-0.5);
    let mixed = softmax(&scores, 3).matmul(&part(2));
    let x = x + transpose(&mixed, &[0, 2, 1, 3]).reshape(&[batch, seq, d]).matmul(&p.proj);
    let h = layer_norm(&x, &p.g2, &p.b2);
    x + gelu(&(h.matmul(&p.up) + &p.ub)).matmul(&p.down) + &p.db
}
/// The rows of a table that `ids` names; negative ones count from its end.
pub fn rows(table: &Array, ids: &Array) -> Array {
    let ids = np::where_(&ids.lt(0), &(ids + table.shape()[0] as i32), ids);
    let (n, last) = (ids.ndim(), table.shape()[1]);
    let dims = GatherDimensionNumbers::new(&[n], &[0], &[0]);
    let options = GatherOptions { mode: GatherScatterMode::FillOrDrop, ..Default::default() };
    gather(table, &expand_dims(&ids, &[n]), &dims, &[1, last], &options)
}
pub fn transformer_loss(params: &Transformer, tokens: &Array, labels: &Array) -> Array {
    let seq = tokens.shape()[1];
    let mut x = rows(&params.embed, tokens) + slice_in_dim(&params.pos, 0, seq, 1, 0);
    for p in &params.blocks {
        x = transformer_block(&x, p)
    }
    cross_entropy(&(reduce_sum(&x, &[1]) / seq).matmul(&params.head), labels)
}
/// Floating-point operations of a gradient of the loss.
pub fn transformer_flops(layers: usize, batch: usize, seq: usize) -> f64 {
    let (d, ff, _) = WIDE;
    let tokens = batch * seq;
    (3 * layers * (2 * tokens * d * 4 * d + 4 * tokens * seq * d + 4 * tokens * d * ff)) as f64
}

/// One step of gradient descent: the new parameters, and the loss at the old ones.
pub fn sgd<'f, P: Pytree + 'f, F>(loss: F, rate: f64) -> impl Fn(&P, &Array, &Array) -> (P, Array) + Send + Sync + 'f
where
    F: Fn(&P, &Array, &Array) -> Array + Send + Sync + 'f,
{
    let both = value_and_grad(loss);
    move |params, x, y| {
        let (value, grads) = both(params, x, y);
        (tree::map2(params, &grads, |p, g| p - rate * g), value)
    }
}
