//! Models, functions and data shared by several workloads: those of `jax_baseline.py`.

use cotangent::prelude::*;
use cotangent::prim::{
    GatherDimensionNumbers, GatherOptions, GatherScatterMode, concatenate, expand_dims, gather, logistic, reduce_max,
    reduce_sum, slice_in_dim,
};
use cotangent::{lax, np};

/// x^3 + 2x^2 - 3x + 1.
pub fn poly(x: &Array) -> Array {
    x.powi(3) + 2 * x.powi(2) - 3 * x + 1
}

/// A scalar of type float32, not a weakly typed number.
pub fn scalar(x: f32) -> Array {
    Array::from_slice(&[x], &[])
}

/// Random numbers, the same in every run. They are not the baseline's, only distributed as they are.
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Above 0, at most 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Normally distributed elements, times `scale`.
pub fn normal(shape: &[usize], seed: u64, scale: f64) -> Array {
    let mut random = Random(seed ^ 0x5eed << 32);
    let n = shape.iter().product::<usize>();
    let mut data: Vec<f32> = Vec::with_capacity(n + 1);
    while data.len() < n {
        let (r, angle) = ((-2.0 * random.unit().ln()).sqrt() * scale, std::f64::consts::TAU * random.unit());
        data.extend([(r * angle.cos()) as f32, (r * angle.sin()) as f32])
    }
    Array::from_slice(&data[..n], shape)
}
/// Integers below `below`, each as likely.
pub fn integers(shape: &[usize], seed: u64, below: u64) -> Array {
    let mut random = Random(seed ^ 0x1d5 << 32);
    let data: Vec<i32> = (0..shape.iter().product()).map(|_| (random.next() % below) as i32).collect();
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
/// log(1 + e^x).
pub fn softplus(x: &Array) -> Array {
    x.maximum(0.0) + (-x.abs()).exp().log1p()
}

/// Weights and biases, layer by layer.
pub type Mlp = Vec<(Array, Array)>;
/// The extents between the layers.
pub const MLP_SIZES: [usize; 4] = [784, 512, 512, 10];

pub fn mlp_params() -> Mlp {
    let pairs = MLP_SIZES.windows(2).enumerate();
    pairs.map(|(i, s)| (normal(s, 10 + i as u64, (s[0] as f64).powf(-0.5)), zeros(&s[1..]))).collect()
}
/// Inputs and labels.
pub fn mlp_batch(n: usize) -> (Array, Array) {
    (normal(&[n, 784], 2, 1.0), integers(&[n], 3, 10))
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

/// Weights of a recurrent network: of inputs, of the state (none if they are one matrix), biases.
pub type Recurrent = (Array, Option<Array>, Array);

pub fn lstm_params() -> Recurrent {
    (normal(&[256, 512], 60, 256f64.powf(-0.5)), None, zeros(&[512]))
}
pub fn lstm_loss((w, _, bias): &Recurrent, xs: &Array) -> Array {
    let (batch, hidden) = (xs.shape()[1], bias.size() / 4);
    let cell = |(h, c): &(Array, Array), x: &Array| {
        let z = concatenate(&[x, h], 1).matmul(w) + bias;
        let part = |k: usize| slice_in_dim(&z, k * hidden, (k + 1) * hidden, 1, 1);
        let c = logistic(&(part(1) + 1.0)) * c + logistic(&part(0)) * part(2).tanh();
        ((logistic(&part(3)) * c.tanh(), c), ())
    };
    let zero = zeros(&[batch, hidden]);
    lax::scan(cell, &(zero.clone(), zero), xs).0.0.powi(2).mean()
}
pub fn rnn_params() -> Recurrent {
    let matrix = |seed| normal(&[128, 128], seed, 128f64.powf(-0.5));
    (matrix(61), Some(matrix(62)), zeros(&[128]))
}
pub fn rnn_loss((wx, wh, bias): &Recurrent, xs: &Array) -> Array {
    let wh = wh.as_ref().expect("weights of the state");
    let cell = |h: &Array, x: &Array| ((x.matmul(wx) + h.matmul(wh) + bias).tanh(), ());
    lax::scan(cell, &zeros(&[xs.shape()[1], bias.size()]), xs).0.powi(2).mean()
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
