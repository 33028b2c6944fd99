//! A network of dense layers that learns to read handwritten digits.
//!
//! The digits are pictures of 8 by 8 pixels, from people whose forms were scanned (see `examples/data/README.md`). A random key says which 360 of 1797 are kept for the
//! test. The network is a `Vec` of layers, so its gradient is one, too, and the optimizer's state has two more. Batches are made
//! ahead on a thread; a step of the training (dropout, gradient, AdamW with a cosine schedule) is one compiled function of the state,
//! a batch and a key.
//!
//!     cargo run --release --example digits_mlp [-- --epochs 60]
//!
//! The program checks that at least 97 % of the digits that were kept for the test are read rightly.

mod digits;
mod picture;
mod training;

use cotangent::data::Batches;
use cotangent::optim::{self, Optimizer, Schedule};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{nn, np};
use digits::*;
use picture::*;
use training::*;

/// From the pixels to the ten digits.
const WIDTHS: [usize; 4] = [64, 128, 64, 10];
const BATCH: usize = 64;
/// The probability that a hidden number is left out of a step.
const DROPOUT: f64 = 0.2;

type Network = Vec<Layer>;

/// Logits of the ten digits; with a key, hidden numbers are left out by it and the others are greater for that.
fn network(layers: &Network, images: &Array, mut dropout: Option<Key>) -> Array {
    let (last, hidden) = layers.split_last().expect("a layer");
    let mut x = images.reshape(&[images.shape()[0], WIDTHS[0]]);
    for layer in hidden {
        x = nn::relu(&layer.of(&x));
        if let Some(key) = dropout.take() {
            let [now, later] = key.split();
            let stays = random::bernoulli(now, 1.0 - DROPOUT, x.shape());
            x = np::where_(&stays, x / (1.0 - DROPOUT), 0.0);
            dropout = Some(later)
        }
    }
    last.of(&x)
}

/// What a step of the training changes.
type Training = digits::Training<Network>;

fn main() -> Drawn {
    let [split, first, mut steps] = random::key(0).split();
    let (train, test) = load(split)?;
    let layers: Network = random::split(first, WIDTHS.len() - 1)
        .into_iter()
        .zip(WIDTHS.windows(2))
        .map(|(k, w)| Layer::new(k, w))
        .collect();

    let epochs = argument("--epochs", 60);
    let rate = Schedule::cosine_decay(3e-3, epochs * ((1797 - TEST) / BATCH), 0.0);
    let adamw = optim::adamw(rate).weight_decay(0.02).decay_only(|path| path.ends_with(".weights"));
    let step = jit(|t: &Training, batch: &Digits, key: Key| {
        let loss = |n: &Network| cross_entropy(&network(n, &batch.images, Some(random::clone(&key))), &batch.labels);
        let grads = grad(loss)(&t.network);
        let (network, optimizer) = adamw.step(&t.network, &grads, &t.optimizer);
        Training { network, optimizer }
    });
    let look = jit(|n: &Network, digits: &Digits| {
        let logits = network(n, &digits.images, None);
        (cross_entropy(&logits, &digits.labels), accuracy(&logits, &digits.labels))
    });

    let mut t = Training { optimizer: adamw.init(&layers), network: layers };
    let (mut history, progress) = (History::default(), Progress::new("epoch", epochs));
    for _ in 0..epochs {
        let [order, dropout, later] = steps.split();
        let batches = Batches::new(BATCH).shuffle(order).drop_last().prefetch(2).of(&train);
        let keys = random::split(dropout, batches.len());
        for (batch, key) in batches.zip(keys) {
            t = step(&t, &batch, key)
        }
        history.push(&look(&t.network, &train), &look(&t.network, &test));
        progress.turn(history.news());
        steps = later
    }
    drop(progress);

    let chances = nn::softmax(&network(&t.network, &test.images, None), -1);
    let guesses = chances.argmax_over(-1).to_vec::<i32>();
    let labels = test.labels.to_vec::<i32>();
    let wrong: Vec<usize> = (0..TEST).filter(|i| guesses[*i] != labels[*i]).collect();
    let right = 100.0 * (TEST - wrong.len()) as f64 / TEST as f64;
    println!("{right:.2} % of {TEST} digits of the test are read rightly, {} are not", wrong.len());
    assert!(right >= 97.0);

    save("digits_mlp", (1100, 620), |root| {
        let (left, right) = root.split_horizontally(520);
        history.draw(&left)?;
        let title = format!("Digits of the test that it got wrong: {} of {TEST}", wrong.len());
        let right = right.titled(&title, ("sans-serif", 19))?;
        for (k, i) in wrong.iter().take(8).enumerate() {
            let (x, y) = (20 + 280 * (k as i32 % 2), 20 + 145 * (k as i32 / 2));
            tile(&right, (x, y), 100, &test.images.i(*i).to_vec::<f32>(), ink)?;
            let text =
                |t: &str, size: i32, at: (i32, i32)| right.draw(&Text::new(t.to_string(), at, ("sans-serif", size)));
            text(&format!("{}, read as {}", labels[*i], guesses[*i]), 14, (x + 112, y))?;
            // how probable the network held each digit
            for (d, p) in chances.i(*i).to_vec::<f32>().into_iter().enumerate() {
                let (left, foot) = (x + 112 + 13 * d as i32, y + 86);
                let color = if d as i32 == labels[*i] { GREEN } else { ORANGE };
                let bar = [(left, foot - (60.0 * p) as i32), (left + 11, foot)];
                right.draw(&Rectangle::new(bar, color.filled()))?;
                text(&d.to_string(), 12, (left + 2, foot + 3))?;
            }
        }
        Ok(())
    })
}
