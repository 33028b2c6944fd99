//! A small transformer that learns to write like Shakespeare, letter by letter.
//!
//! It reads the first hundred sonnets (`examples/data/sonnets.txt`), all but every tenth, and after each letter says how probable each next one is: two blocks of causal attention
//! with four heads and of a layer of two dense maps, in 64 dimensions. AdamW trains it, with a warm-up, a cosine
//! schedule and gradients that are clipped by their global norm; a step is one compiled call, which draws its batch itself. How good it is, is measured in bits per letter on the
//! sonnets that it has not seen, beside what counts of pairs and triples of letters (bigrams and trigrams) achieve. In the end it writes some
//! lines: a `lax::scan` whose carry is the text so far, with `random::categorical`.
//!
//!     cargo run --release --example char_transformer [-- --steps 1500]
//!
//! The program checks that the transformer needs at most 2.6 bits for a letter of the unseen sonnets, and at least 0.2 fewer than the model of triples, although that one's smoothing
//! is chosen by the very same sonnets; and that what it predicts for a letter does not depend on what follows.

mod picture;
mod training;

use cotangent::optim::{self, Optimizer, Schedule};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{lax, nn, np};
use picture::*;
use training::*;

/// The greatest number of letters that a prediction is made from.
const CONTEXT: usize = 32;
/// How many places of the text a step learns from at once, each of [`CONTEXT`] letters.
const BATCH: usize = 16;
const WIDTH: usize = 64;
const HEADS: usize = 4;
const BLOCKS: usize = 2;
/// How many letters it writes in the end, and how daring it is: 1 is as probable as it holds them.
const WRITTEN: usize = 400;
const TEMPERATURE: f64 = 0.7;

/// The text as numbers of letters, and the letters.
struct Sonnets {
    train: Array,
    test: Array,
    letters: Vec<char>,
}
impl Sonnets {
    fn new(text: &str) -> Sonnets {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort();
        letters.dedup();
        let number = |c: char| letters.binary_search(&c).expect("a letter of the text") as i32;
        let part = |tenth: bool| {
            let sonnets = text.trim().split("\n\n").enumerate().filter(|(i, _)| (i % 10 == 9) == tenth);
            array(sonnets.flat_map(|(_, s)| s.chars().chain("\n\n".chars())).map(number).collect::<Vec<i32>>())
        };
        Sonnets { train: part(false), test: part(true), letters }
    }
    fn spell(&self, numbers: &Array) -> String {
        numbers.to_vec::<i32>().into_iter().map(|i| self.letters[i as usize]).collect()
    }
}

#[derive(Pytree, Clone)]
struct Norm {
    scale: Array,
    shift: Array,
}
impl Norm {
    fn new() -> Norm {
        Norm { scale: np::ones(&[WIDTH]), shift: np::zeros(&[WIDTH]) }
    }
    fn of(&self, x: &Array) -> Array {
        nn::standardize(x, -1) * &self.scale + &self.shift
    }
}

#[derive(Pytree, Clone)]
struct Block {
    before_attention: Norm,
    /// To queries, keys and values of all heads.
    inputs: Array,
    output: Array,
    before_dense: Norm,
    up: Array,
    up_bias: Array,
    down: Array,
    down_bias: Array,
}
impl Block {
    fn new(key: Key) -> Block {
        let [a, b, c, d] = key.split();
        let init = nn::initializers::lecun_normal();
        Block {
            before_attention: Norm::new(),
            inputs: init.init(a, &[WIDTH, 3 * WIDTH]),
            output: init.init(b, &[WIDTH, WIDTH]),
            before_dense: Norm::new(),
            up: init.init(c, &[WIDTH, 4 * WIDTH]),
            up_bias: np::zeros(&[4 * WIDTH]),
            down: init.init(d, &[4 * WIDTH, WIDTH]),
            down_bias: np::zeros(&[WIDTH]),
        }
    }
    /// Queries, keys and values: `[batch, time, heads, features]` each.
    fn heads(&self, x: &Array) -> [Array; 3] {
        let [b, t, _] = x.shape() else { panic!("a batch of texts") };
        let all = self.before_attention.of(x).dot(&self.inputs).reshape(&[*b, *t, 3, HEADS, WIDTH / HEADS]);
        [0, 1, 2].map(|i| all.i((.., .., i)))
    }
    fn of(&self, x: &Array) -> Array {
        let [q, k, v] = self.heads(x);
        let seen = nn::Attention::new().causal().of(&q, &k, &v).reshape(x.shape());
        let x = x + seen.dot(&self.output);
        let wide = nn::gelu(&(self.before_dense.of(&x).dot(&self.up) + &self.up_bias), true);
        &x + wide.dot(&self.down) + &self.down_bias
    }
    /// How much each letter looks at each one before it: `[batch, heads, time, time]`.
    fn weights(&self, x: &Array) -> Array {
        let [q, k, _] = self.heads(x);
        let scores = np::einsum("bthf,bshf->bhts", &[&q, &k]) / (q.shape()[3] as f64).sqrt();
        let past = np::tri(q.shape()[1], q.shape()[1], 0).gt(0.0);
        nn::softmax(&np::where_(&past, scores, -1e9), -1)
    }
}

#[derive(Pytree, Clone)]
struct Model {
    /// A vector for each letter, which stands for it on the way in and on the way out.
    letters: Array,
    blocks: Vec<Block>,
    norm: Norm,
}
impl Model {
    fn new(key: Key, letters: usize) -> Model {
        let [a, b] = key.split();
        let init = nn::initializers::normal(1.0 / (WIDTH as f64).sqrt());
        let blocks = random::split(b, BLOCKS).into_iter().map(Block::new).collect();
        Model { letters: init.init(a, &[letters, WIDTH]), blocks, norm: Norm::new() }
    }
    /// The letters and their places, as vectors.
    fn embed(&self, text: &Array) -> Array {
        self.letters.i(text) * (WIDTH as f64).sqrt() + places(text.shape()[1])
    }
    /// What each letter of these texts, rows, says about the next one: `[batch, time, letters]`.
    fn logits(&self, text: &Array) -> Array {
        let x = self.blocks.iter().fold(self.embed(text), |x, block| block.of(&x));
        self.norm.of(&x).dot(&self.letters.t())
    }
    /// Bits that each letter but the first of each row needs.
    fn bits(&self, rows: &Array) -> Array {
        let logits = self.logits(&rows.i((.., ..-1)));
        let next = rows.i((.., 1..)).expand_dims(&[-1]);
        let chances = np::take_along_axis(&nn::log_softmax(&logits, -1), &next, Some(-1));
        chances.squeeze() / -std::f64::consts::LN_2
    }
}
/// Sines and cosines of each place in the text, of wave lengths from some letters to very many (Vaswani et al., 2017).
fn places(n: usize) -> Array {
    let half = WIDTH / 2;
    let speed = (np::arange(half as i32) * (-(1e4f64.ln()) / half as f64)).exp();
    let angle = np::outer(&np::arange(n as i32).astype(DType::Float32), &speed);
    np::concatenate(&[&angle.sin(), &angle.cos()], 1)
}

/// Rows of so many letters that begin at these places.
fn rows(text: &Array, starts: &Array, n: usize) -> Array {
    text.i(&(starts.expand_dims(&[-1]) + np::arange(n as i32)))
}

/// Bits per letter of the test without its first letters, if the probability of each is how often it followed the last `order - 1` letters in training, mixed with the same
/// of fewer letters. How much of these is mixed in is what is best for the test.
fn counted(text: &Sonnets, order: usize, first: usize) -> f64 {
    let n = text.letters.len();
    // all groups of k letters, as an index of a table with k dimensions
    let groups = |x: &Array, k: usize| -> Vec<np::Item> {
        (0..k).map(|i| np::Item::Array(x.i(i..x.size() - k + 1 + i))).collect()
    };
    let best = |strength: f64| {
        let mut chances = np::full(&[n], 1.0 / n as f64);
        for k in 1..=order {
            let counts = np::zeros(&vec![n; k]).at(groups(&text.train, k)).add(1.0);
            let sums = np::over(-1).keepdims().sum(&counts);
            chances = (counts + strength * chances) / (sums + strength)
        }
        -np::log2(&chances.i(groups(&text.test.i(first + 1 - order..), order))).mean().to_f64()
    };
    (0..8).map(|i| best(2f64.powi(i))).fold(f64::MAX, f64::min)
}

fn main() -> Drawn {
    let mut text = Sonnets::new(include_str!("data/sonnets.txt"));
    // the test is read in windows that overlap by half, so that each letter is predicted from at least so many; they end where the text ends
    let half = CONTEXT / 2;
    text.test = text.test.i(..(text.test.size() - 1) / half * half + 1);
    let (n, letters) = (text.train.size(), text.letters.len());
    println!("{n} letters to learn from, {} for the test, {letters} different ones", text.test.size());
    let [pairs, triples] = [2, 3].map(|order| counted(&text, order, half + 1));
    println!("bits per letter by counting: {pairs:.3} from pairs, {triples:.3} from triples");

    let steps = argument("--steps", 1500);
    let [first, drawn, writing] = random::key(0).split();
    let mut model = Model::new(first, letters);
    println!("{} numbers to learn", tree::reduce(&model, 0, |sum, x| sum + x.size()));
    let rate = Schedule::warmup_cosine_decay(0.0, 4e-3, steps / 15, steps, 1e-4);
    let adamw = optim::adamw(rate)
        .b2(0.99)
        .weight_decay(0.1)
        .decay_only(|path| ["inputs", "output", "up", "down"].iter().any(|name| path.ends_with(name)));
    let optimizer = optim::clip_by_global_norm(1.0).then(adamw);
    let mut state = optimizer.init(&model);
    let step = jit(|model: &Model, state: &_, key: Key| {
        let starts = random::randint(key, &[BATCH], 0, (n - CONTEXT) as i32);
        let batch = rows(&text.train, &starts, CONTEXT + 1);
        let (bits, grads) = value_and_grad(|m: &Model| m.bits(&batch).mean())(model);
        let (model, state) = optimizer.step(model, &grads, state);
        (model, state, bits)
    });
    let starts = np::arange((0, (text.test.size() - CONTEXT) as i32, half as i32));
    let test = rows(&text.test, &starts, CONTEXT + 1);
    let look = jit(|m: &Model| m.bits(&test).i((.., half..)).mean());

    let (mut train_bits, mut test_bits) = (vec![], vec![]);
    let progress = Progress::new("step", steps);
    let every = (steps / 20).max(1);
    for (i, key) in random::split(drawn, steps).into_iter().enumerate() {
        if i % every == 0 {
            test_bits.push((i as f64, look(&model).to_f64()))
        }
        let bits;
        (model, state, bits) = step(&model, &state, key);
        train_bits.push(bits.to_f64());
        let (_, seen) = test_bits[test_bits.len() - 1];
        progress.turn(format!("{:.3} bits per letter, {seen:.3} of the test", train_bits[i]))
    }
    drop(progress);
    let last = look(&model).to_f64();
    test_bits.push((steps as f64, last));
    println!("bits per letter of sonnets that it has not seen: {last:.3}");
    assert!(last <= 2.6 && last <= triples - 0.2);

    // nothing is known of the future: other letters at the end change no logit before it
    let row = test.i((..1, ..CONTEXT));
    let other = row.at((.., CONTEXT - 1)).set((row.i((.., CONTEXT - 1)) + 1) % letters as i32);
    let [a, b] = [&row, &other].map(|x| model.logits(x).i((0, ..-1)));
    assert!((a - b).abs().max().to_f64() == 0.0);

    let write = jit(|m: &Model, seen: &Array, keys: Key| {
        let next = |seen: &Array, key: &Key| {
            let logits = m.logits(&seen.expand_dims(&[0])).i((0, -1)) / TEMPERATURE;
            let letter = random::categorical(random::clone(key), &logits);
            (np::concatenate(&[&seen.i(1..), &letter.reshape(&[1])], 0), letter)
        };
        lax::scan(next, seen, &keys).1
    });
    let prompt = text.test.i(..CONTEXT);
    let written = write(&model, &prompt, random::split_array(writing, &[WRITTEN]));
    let written = format!("{}|{}", text.spell(&prompt), text.spell(&written));
    println!("\n{written}\n");

    // where the heads look, in the first line of a sonnet
    let shown = CONTEXT;
    let line = text.test.i(..shown).expand_dims(&[0]);
    let mut x = model.embed(&line);
    let mut maps = vec![];
    for block in &model.blocks {
        maps.push(block.weights(&x));
        x = block.of(&x)
    }
    let line: Vec<char> = text.spell(&line).chars().collect();
    save("char_transformer", (1200, 620), |root| {
        let (left, right) = root.split_horizontally(560);
        let title = "Bits per letter";
        let mut chart = axes(&left, title, ("step", 0.0..steps as f64), ("bits", 2.0..4.6))?;
        let losses = train_bits.iter().enumerate().map(|(i, b)| (i as f64, *b));
        chart
            .draw_series(LineSeries::new(losses, BLUE.mix(0.5)))?
            .label("transformer, training")
            .legend(dash(BLUE.mix(0.5), 1));
        chart
            .draw_series(LineSeries::new(test_bits.clone(), BLUE.stroke_width(3)))?
            .label("transformer, test")
            .legend(dash(BLUE.into(), 3));
        for (name, color, bits) in [("pairs", ORANGE, pairs), ("triples", GREEN, triples)] {
            let level = [(0.0, bits), (steps as f64, bits)];
            chart
                .draw_series(DashedLineSeries::new(level, 6, 4, color.stroke_width(2)))?
                .label(format!("counts of {name}, test"))
                .legend(dashes(color.into()));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;

        let (top, bottom) = right.split_vertically(390);
        let top =
            top.titled("Where each letter (a row) looks: the most decided head of each block", ("sans-serif", 19))?;
        let text = |area: &Area, text: &str, (x, y): (i32, i32), size: i32| {
            area.draw(&Text::new(text.to_string(), (x, y), ("monospace", size)))
        };
        let cell = 9;
        for (b, map) in maps.iter().enumerate() {
            // its greatest weights are greater than those of the other heads
            let head = map.max_over(-1).mean_over(-1).i(0).argmax();
            let weights = map.i((0, &head)).to_vec::<f32>();
            let (x, y) = (30 + 310 * b as i32, 44);
            for (k, w) in weights.iter().enumerate() {
                let (i, j) = ((k / shown) as i32, (k % shown) as i32);
                let corner = (x + cell * j, y + cell * i);
                let square = Rectangle::new([corner, (corner.0 + cell, corner.1 + cell)], BLUE.mix(*w as f64).filled());
                top.draw(&square)?
            }
            let all = cell * shown as i32;
            top.draw(&Rectangle::new([(x, y), (x + all, y + all)], BLACK.mix(0.4).stroke_width(1)))?;
            for (k, c) in line.iter().enumerate() {
                let at = cell * k as i32;
                let c = if *c == '\n' { "\u{21b5}".into() } else { c.to_string() };
                text(&top, &c, (x + at + 1, y - 12), 10)?;
                text(&top, &c, (x - 10, y + at - 1), 10)?
            }
            text(&top, &format!("block {}, head {}", b + 1, head.to_f64() + 1.0), (x, y + all + 6), 13)?
        }
        let bottom = bottom.titled("What it wrote, from the bar on", ("sans-serif", 19))?;
        // long lines are broken, and there is room for so many
        let broken = written.lines().flat_map(|line| line.as_bytes().chunks(72));
        for (k, line) in broken.take(10).enumerate() {
            text(&bottom, &String::from_utf8_lossy(line), (30, 6 + 17 * k as i32), 14)?
        }
        Ok(())
    })
}
