//! The handwritten digits of `examples/data`, and what the two examples that learn to read them have in common: layers, the loss, and pieces of their pictures.
#![allow(dead_code)]

use crate::picture::*;
use cotangent::optim::AdamState;
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{io::npz, nn, np, optim::losses};
use plotters::coord::types::RangedCoordf64;
use std::path::Path;

/// How many digits are kept for the test, of 1797.
pub const TEST: usize = 360;

/// Pictures of digits, and which ones they are.
#[derive(Pytree, Clone)]
pub struct Digits {
    /// `[n, 8, 8]`: 0 is paper, 1 is ink.
    pub images: Array,
    /// `[n]`: integers.
    pub labels: Array,
}

/// All digits in a random order: those to learn from, and those to be tested with.
pub fn load(key: Key) -> Result<(Digits, Digits), Error> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/digits.npz");
    let n = 1797;
    // what a file must hold is said by a tree of arrays of its types
    let bytes = |shape: &[usize]| np::zeros_dtype(shape, DType::Uint8);
    let raw = npz::load(path, &Digits { images: bytes(&[n, 8, 8]), labels: bytes(&[n]) })?;
    let digits = Digits { images: raw.images.astype(DType::Float32) / 16.0, labels: raw.labels.astype(DType::Int32) };
    let order = random::permutation(key, n as i64);
    let part = |rows: &Array| tree::map(&digits, |x| x.i(rows));
    Ok((part(&order.i(TEST..)), part(&order.i(..TEST))))
}

/// What a step of the training changes.
#[derive(Pytree)]
pub struct Training<N> {
    pub network: N,
    pub optimizer: AdamState<N>,
}

/// Weights and biases: of a dense layer, or of a convolution with its window in front.
#[derive(Pytree, Clone)]
pub struct Layer {
    pub weights: Array,
    pub biases: Array,
}
impl Layer {
    /// Before it has learned anything: inputs are along the last dimension but one, outputs along the last.
    pub fn new(key: Key, shape: &[usize]) -> Layer {
        let outputs = shape[shape.len() - 1];
        Layer { weights: nn::initializers::he_normal().init(key, shape), biases: np::zeros(&[outputs]) }
    }
    /// Of a dense layer.
    pub fn of(&self, x: &Array) -> Array {
        x.dot(&self.weights) + &self.biases
    }
}

/// The mean of minus the logarithm of the probability of what each digit is.
pub fn cross_entropy(logits: &Array, labels: &Array) -> Array {
    losses::softmax_cross_entropy(logits, nn::one_hot(labels, 10)).mean()
}
/// How many of the digits are read rightly: from 0 to 1.
pub fn accuracy(logits: &Array, labels: &Array) -> Array {
    np::equal(&logits.argmax_over(-1), labels).mean()
}

/// After each epoch: the losses, and the accuracies, of training and of the test.
#[derive(Default)]
pub struct History {
    pub losses: [Vec<f64>; 2],
    pub accuracies: [Vec<f64>; 2],
}
impl History {
    /// One more epoch: the loss and the accuracy of each.
    pub fn push(&mut self, train: &(Array, Array), test: &(Array, Array)) {
        for (k, (loss, accuracy)) in [train, test].into_iter().enumerate() {
            self.losses[k].push(loss.to_f64());
            self.accuracies[k].push(100.0 * accuracy.to_f64())
        }
    }
    /// What there is to say about the last epoch.
    pub fn news(&self) -> String {
        let last = |x: &[f64]| *x.last().expect("an epoch");
        let [train, test] = [0, 1].map(|k| (last(&self.losses[k]), last(&self.accuracies[k])));
        format!("loss {:.4}, test {:.4}; right {:.1} %, test {:.1} %", train.0, test.0, train.1, test.1)
    }
    /// Two charts, one below the other.
    pub fn draw(&self, area: &Area) -> Drawn {
        let epochs = self.losses[0].len() as f64;
        let (top, bottom) = area.split_vertically(area.dim_in_pixel().1 / 2);
        let all = || self.losses.iter().flatten().copied();
        let losses = (0.7 * all().fold(f64::MAX, f64::min), 1.4 * all().fold(0.0, f64::max));
        let range = (losses.0..losses.1).log_scale();
        let mut chart = axes(&top, "Loss", ("epoch", 0.0..epochs), ("cross entropy", range))?;
        curves(&mut chart, &self.losses, SeriesLabelPosition::UpperRight)?;
        let mut chart = axes(&bottom, "Digits read rightly", ("epoch", 0.0..epochs), ("percent", 90.0..100.4))?;
        curves(&mut chart, &self.accuracies, SeriesLabelPosition::LowerRight)
    }
}
fn curves<'a, 'b: 'a, Y: Ranged<ValueType = f64>>(
    chart: &mut Chart<'a, 'b, RangedCoordf64, Y>,
    values: &[Vec<f64>; 2],
    place: SeriesLabelPosition,
) -> Drawn {
    for ((name, color), values) in [("training", BLUE), ("test", ORANGE)].into_iter().zip(values) {
        let points = values.iter().enumerate().map(|(i, v)| (i as f64 + 1.0, *v));
        let line = LineSeries::new(points, color.stroke_width(2));
        chart.draw_series(line)?.label(name).legend(dash(color.into(), 2));
    }
    legend(chart, place)
}

/// Draws numbers as a square of so many pixels, row by row, with its corner here.
pub fn tile(area: &Area, (x, y): (i32, i32), side: i32, values: &[f32], color: impl Fn(f32) -> RGBAColor) -> Drawn {
    let n = values.len().isqrt() as i32;
    for (k, v) in values.iter().enumerate() {
        let (i, j) = (k as i32 / n, k as i32 % n);
        // neighbors share their edges, so that no paper shines through
        let edge = |at: i32| at * side / n;
        let cell = [(x + edge(j), y + edge(i)), (x + edge(j + 1), y + edge(i + 1))];
        area.draw(&Rectangle::new(cell, color(*v).filled()))?
    }
    area.draw(&Rectangle::new([(x, y), (x + side, y + side)], BLACK.mix(0.4).stroke_width(1)))?;
    Ok(())
}
/// The color of ink.
pub fn ink(v: f32) -> RGBAColor {
    BLACK.mix(v as f64)
}
/// Blue for what is negative, orange for what is positive, all of it at -1 and 1.
pub fn signed(v: f32) -> RGBAColor {
    (if v < 0.0 { BLUE } else { ORANGE }).mix((v.abs() as f64).min(1.0))
}
