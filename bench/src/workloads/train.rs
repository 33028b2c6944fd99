//! Training steps. The state is carried from call to call, as in training.

use crate::measure::{Bench, Work};
use crate::models::*;
use cotangent::lax;
use cotangent::prelude::*;

/// Measures a compiled step of gradient descent whose parameters are the last call's result.
pub fn carried<P: Pytree>(
    b: &mut Bench,
    name: &str,
    (loss, rate): (impl Fn(&P, &Array, &Array) -> Array + Copy + Send + Sync, f64),
    params: &P,
    batch: (&Array, &Array),
    work: Work,
) {
    if !b.wants(name) {
        return;
    }
    let staged = jit(sgd(loss, rate));
    let mut state = staged(params, batch.0, batch.1).0;
    let stepped = tree::map(&state, Array::clone);
    let step = || {
        let (next, loss) = staged(&state, batch.0, batch.1);
        state = next;
        loss
    };
    b.time_beside(name, work, step, || descent(loss, params, &stepped, batch))
}
/// What is compared of a step: the loss and its gradient, and the loss at the new parameters.
fn descent<P: Pytree>(
    loss: impl Fn(&P, &Array, &Array) -> Array + Copy + Send + Sync,
    params: &P,
    stepped: &P,
    (x, y): (&Array, &Array),
) -> Vec<Array> {
    let mut all = tree::leaves(&jit(value_and_grad(loss))(params, x, y));
    all.push(jit(loss)(stepped, x, y));
    all
}

pub fn linreg(b: &mut Bench) {
    let (x, y) = (array![1., 2., 3., 4.], array![3., 5., 7., 9.]);
    let params = (scalar(0.0), scalar(0.0));
    carried(b, "train.linreg4", (mse_loss, 0.05), &params, (&x, &y), Work::default());
    let step = sgd(mse_loss, 0.05);
    let many = jit(|p: &(Array, Array)| lax::fori_loop(0, 1000, |_, p: &(Array, Array)| step(p, &x, &y).0, p));
    b.time_work("train.linreg4.fori1000", Work { steps: Some(1000), ..Work::default() }, || many(&params));
}

pub fn logistic(b: &mut Bench) {
    let (n, d) = (100_000, 100);
    let x = normal(&[n, d], 0, 1.0);
    let y = normal(&[n], 1, 1.0).gt(0.0).astype(DType::Float32);
    let loss = |p: &(Array, Array), x: &Array, y: &Array| {
        let z = x.matmul(&p.0) + &p.1;
        (softplus(&z) - y * &z).mean()
    };
    let size = (n * d) as f64;
    let work = Work::flops(4.0 * size).and_bytes(8.0 * size);
    carried(b, "train.logistic.100000x100", (loss, 0.1), &(zeros(&[d]), scalar(0.0)), (&x, &y), work);
}

pub fn mlp(b: &mut Bench) {
    let (params, (x, labels)) = (mlp_params(), mlp_batch(128));
    let work = Work::flops(mlp_step_flops());
    carried(b, "train.mlp", (mlp_loss, 1e-3), &params, (&x, &labels), work);
    // parameters by value: their buffers may be written over
    let step = sgd(mlp_loss, 1e-3);
    let staged = jit(move |p: Mlp, x: &Array, labels: &Array| step(&p, x, labels));
    let mut state = Some(params.share());
    let call = || {
        let (next, loss) = staged(state.take().expect("parameters"), &x, &labels);
        state = Some(next);
        loss
    };
    let stepped = || staged(params.share(), &x, &labels).0;
    b.time_beside("train.mlp.donated", work, call, || descent(mlp_loss, &params, &stepped(), (&x, &labels)));
}

pub fn transformer(b: &mut Bench) {
    let (params, (tokens, labels)) = (transformer_params(2, 128), token_batch(8, 128));
    let work = Work::flops(transformer_flops(2, 8, 128));
    carried(b, "train.transformer", (transformer_loss, 1e-3), &params, (&tokens, &labels), work);
}

/// What a recurrent network does with a sequence of inputs: [turns, examples, inputs].
type Sequence = fn(&Recurrent, &Array) -> Array;

pub fn recurrent(b: &mut Bench) {
    let xs = normal(&[256, 32, 128], 5, 1.0);
    let loss = |f: Sequence| move |p: &Recurrent, xs: &Array, _: &Array| f(p, xs);
    let flops = |wide: f64| Work::flops(3.0 * 256.0 * 2.0 * 32.0 * 256.0 * wide);
    carried(b, "train.lstm", (loss(lstm_loss), 1e-3), &lstm_params(), (&xs, &xs), flops(512.0));
    carried(b, "train.rnn", (loss(rnn_loss), 1e-3), &rnn_params(), (&xs, &xs), flops(128.0));
}
