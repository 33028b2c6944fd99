//! A network of convolutions that learns to read handwritten digits, and what it looks at.
//!
//! The same digits as in `digits_mlp`, and fewer mistakes. A whole epoch is one compiled call: a `lax::scan` over batches in an order that is drawn inside. In the end
//! the gradient is taken with respect to a picture instead of the parameters: it says which pixels speak for the answer, and which against it; `vmap`
//! takes those of several pictures at once.
//!
//!     cargo run --release --example digits_cnn [-- --epochs 30]
//!
//! The program checks that at least 98 % of the digits that were kept for the test are read rightly.

mod digits;
mod picture;
mod training;

use cotangent::lax::{self, ConvGeneralDilated, ReduceWindow};
use cotangent::optim::{self, Optimizer, Schedule};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{nn, vmap};
use digits::*;
use picture::*;
use training::*;

const BATCH: usize = 64;
/// How many features the two convolutions find in each place.
const FEATURES: [usize; 2] = [16, 32];

#[derive(Pytree, Clone)]
struct Network {
    first: Layer,
    second: Layer,
    hidden: Layer,
    last: Layer,
}
impl Network {
    fn new(key: Key) -> Network {
        let [a, b, c, d] = key.split();
        let [f, g] = FEATURES;
        Network {
            first: Layer::new(a, &[3, 3, 1, f]),
            second: Layer::new(b, &[3, 3, f, g]),
            hidden: Layer::new(c, &[2 * 2 * g, 64]),
            last: Layer::new(d, &[64, 10]),
        }
    }
    /// Logits of the ten digits, for pictures of 8 by 8.
    fn of(&self, images: &Array) -> Array {
        let conv = ConvGeneralDilated::new(&[1, 1], "SAME").dimension_numbers(("NHWC", "HWIO", "NHWC"));
        let pool = ReduceWindow::new(&[1, 2, 2, 1]).window_strides(&[1, 2, 2, 1]);
        let mut x = images.expand_dims(&[-1]);
        for layer in [&self.first, &self.second] {
            x = pool.max(&nn::relu(&(conv.run(&x, &layer.weights) + &layer.biases)))
        }
        let x = x.reshape(&[x.shape()[0], x.size() / x.shape()[0]]);
        self.last.of(&nn::relu(&self.hidden.of(&x)))
    }
}

/// What a step of the training changes.
type Training = digits::Training<Network>;

fn main() -> Drawn {
    let [split, first, mut steps] = random::key(0).split();
    let (train, test) = load(split)?;
    let (epochs, batches) = (argument("--epochs", 30), (1797 - TEST) / BATCH);
    let adamw = optim::adamw(Schedule::cosine_decay(4e-3, epochs * batches, 0.0)).weight_decay(0.01);
    let step = |t: &Training, batch: &Digits| {
        let grads = grad(|n: &Network| cross_entropy(&n.of(&batch.images), &batch.labels))(&t.network);
        let (network, optimizer) = adamw.step(&t.network, &grads, &t.optimizer);
        Training { network, optimizer }
    };
    let epoch = jit(|t: &Training, digits: &Digits, key: Key| {
        let order = random::permutation(key, digits.labels.size() as i64).i(..batches * BATCH);
        let body = |t: &Training, rows: &Array| (step(t, &tree::map(digits, |x| x.i(rows))), ());
        lax::scan(body, t, &order.reshape(&[batches, BATCH])).0
    });
    let look = jit(|n: &Network, digits: &Digits| {
        let logits = n.of(&digits.images);
        (cross_entropy(&logits, &digits.labels), accuracy(&logits, &digits.labels))
    });

    let network = Network::new(first);
    let mut t = Training { optimizer: adamw.init(&network), network };
    let (mut history, progress) = (History::default(), Progress::new("epoch", epochs));
    for _ in 0..epochs {
        let [now, later] = steps.split();
        t = epoch(&t, &train, now);
        history.push(&look(&t.network, &train), &look(&t.network, &test));
        progress.turn(history.news());
        steps = later
    }
    drop(progress);
    let network = t.network;
    let right = *history.accuracies[1].last().expect("an epoch");
    println!("{right:.2} % of {TEST} digits of the test are read rightly");
    assert!(right >= 98.0);

    // one digit of each kind, and the gradient of how much the answer stands out, with respect to the pixels
    let labels = test.labels.to_vec::<i32>();
    let shown: Vec<usize> = (0..10).map(|d| labels.iter().position(|l| *l == d).expect("each digit")).collect();
    let images = test.images.i(&shown[..]);
    let answer = |x: &Array| nn::log_softmax(&network.of(&x.expand_dims(&[0])), -1).max();
    let slopes = jit(vmap(grad(answer)))(&images);
    save("digits_cnn", (1100, 620), |root| {
        let (left, right) = root.split_horizontally(520);
        history.draw(&left)?;
        let (top, bottom) = right.split_vertically(200);
        let top = top.titled("The filters of the first convolution", ("sans-serif", 19))?;
        let filters = network.first.weights.reshape(&[9, FEATURES[0]]).t();
        let most = filters.abs().max();
        for k in 0..FEATURES[0] {
            let at = (20 + 66 * (k as i32 % 8), 20 + 70 * (k as i32 / 8));
            tile(&top, at, 54, &(filters.i(k) / &most).to_vec::<f32>(), signed)?
        }
        let title = "What speaks for the answer (orange) and against it (blue), pixel by pixel";
        let bottom = bottom.titled(title, ("sans-serif", 19))?;
        for k in 0..10 {
            let (x, y) = (20 + 106 * (k % 5), 16 + 190 * (k / 5));
            let slope = slopes.i(k);
            tile(&bottom, (x, y), 84, &images.i(k).to_vec::<f32>(), ink)?;
            tile(&bottom, (x, y + 88), 84, &(&slope / slope.abs().max()).to_vec::<f32>(), signed)?
        }
        Ok(())
    })
}
