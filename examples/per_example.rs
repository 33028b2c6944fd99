//! A gradient for each example, and training that no single example can spoil or be found out from.
//!
//! `vmap(grad(loss))` gives the gradients of all examples of a batch at once, as arrays with one more dimension. Nobody has to rewrite the model
//! for it. Here they are clipped, one by one, to a norm of at most 0.5, summed, and some noise is added before the step: the recipe of
//! Abadi and others (2016) for training with differential privacy. The data are two crescents of points, of which some have the
//! wrong label on purpose: they have the largest gradients, and clipping takes their weight.
//!
//!     cargo run --release --example per_example
//!
//! The program checks that the mean of the examples' gradients is the gradient of the mean, that no clipped gradient is longer than 0.5, and that the trained
//! model is right about at least 95 % of points whose labels are right.

mod picture;

use cotangent::prelude::*;
use cotangent::prim::{broadcast_in_dim, reduce_sum};
use cotangent::random::{self, Key};
use cotangent::{vmap, vmap_axes};
use picture::*;

const EXAMPLES: usize = 400;
/// The greatest norm of an example's gradient.
const CLIP: f64 = 0.5;
/// The standard deviation of the noise in a sum of clipped gradients, relative to [`CLIP`].
const NOISE: f64 = 1.0;

/// Two layers.
#[derive(Pytree, Clone)]
struct Model {
    w1: Array,
    b1: Array,
    w2: Array,
    b2: Array,
}

/// The score of one point: positive for the upper crescent.
fn score(m: &Model, x: &Array) -> Array {
    (x.matmul(&m.w1) + &m.b1).tanh().dot(&m.w2) + &m.b2
}
/// The logistic loss of one example; the label is 1 or -1.
fn loss(m: &Model, x: &Array, label: &Array) -> Array {
    let z = -(score(m, x) * label);
    z.maximum(0.0) + (-z.abs()).exp().log1p()
}

/// The norm of each example's gradient, over all parameters.
fn norms(grads: &Model) -> Array {
    let squares = |g: &Array| reduce_sum(&g.powi(2), &(1..g.ndim()).collect::<Vec<_>>());
    tree::leaves(grads).iter().map(squares).reduce(|a, b| a + b).expect("parameters").sqrt()
}
/// Each example's gradient, made shorter where it is longer than [`CLIP`].
fn clipped(grads: &Model) -> Model {
    let factor = (CLIP / (norms(grads) + 1e-12)).minimum(1.0);
    tree::map(grads, |g| g * broadcast_in_dim(&factor, g.shape(), &[0]))
}

/// Points of two crescents, as rows, and their labels.
fn crescents(key: Key) -> (Array, Vec<f32>) {
    let [angles, jitter] = key.split();
    let angles = random::uniform(angles, &[EXAMPLES]).to_vec::<f32>();
    let jitter = random::normal(jitter, &[EXAMPLES, 2]).to_vec::<f32>();
    let (mut points, mut labels) = (vec![], vec![]);
    for i in 0..EXAMPLES {
        let (sin, cos) = (angles[i] * std::f32::consts::PI).sin_cos();
        let up = i % 2 == 0;
        let (x, y) = if up { (cos, sin) } else { (1.0 - cos, 0.5 - sin) };
        points.extend([x + 0.1 * jitter[2 * i], y + 0.1 * jitter[2 * i + 1]]);
        labels.push(if up { 1.0 } else { -1.0 })
    }
    (Array::from_slice(&points, &[EXAMPLES, 2]), labels)
}

fn main() -> Drawn {
    let [data, w1, w2, noise] = random::key(3).split();
    let (points, right) = crescents(data);
    // every twentieth label is wrong
    let given: Vec<f32> = right.iter().enumerate().map(|(i, l)| if i % 20 == 7 { -l } else { *l }).collect();
    let labels = array(given.clone());
    let model = Model {
        w1: random::normal(w1, &[2, 16]),
        b1: array(vec![0f32; 16]),
        w2: random::normal(w2, &[16]) * 0.25,
        b2: Array::from_slice(&[0f32], &[]),
    };

    let each = jit(vmap_axes(grad(loss), (None, 0, 0), 0));
    let grads = each(&model, &points, &labels);
    let mean = grad(|m: &Model| vmap_axes(loss, (None, 0, 0), 0)(m, &points, &labels).mean())(&model);
    for (of_each, of_mean) in tree::leaves(&grads).iter().zip(tree::leaves(&mean)) {
        let difference = (reduce_sum(of_each, &[0]) / EXAMPLES as f64 - of_mean).abs().sum().to_f64();
        assert!(difference < 1e-5, "{difference}")
    }
    println!("the mean of {EXAMPLES} gradients is the gradient of the mean");

    let step = jit(|m: &Model, noise: &Model| {
        let grads = clipped(&vmap_axes(grad(loss), (None, 0, 0), 0)(m, &points, &labels));
        let sums = tree::map(&grads, |g| reduce_sum(g, &[0]));
        let noisy = tree::map2(&sums, noise, |s, n| (s + NOISE * CLIP * n) / EXAMPLES as f64);
        tree::map2(m, &noisy, |p, g| p - 2.0 * g)
    });
    let mut trained = model;
    let mut keys = noise;
    for _ in 0..600 {
        let [now, later] = keys.split();
        let [a, b, c, d] = now.split();
        let noise = Model {
            w1: random::normal(a, &[2, 16]),
            b1: random::normal(b, &[16]),
            w2: random::normal(c, &[16]),
            b2: random::normal(d, &[]),
        };
        trained = step(&trained, &noise);
        keys = later
    }

    let scores = jit(vmap(|x: &Array| score(&trained, x)));
    let found = scores(&points).to_vec::<f32>();
    let good = found.iter().zip(&right).filter(|(s, l)| **s * **l > 0.0).count();
    println!("right about {good} of {EXAMPLES} points");
    assert!(good * 100 >= EXAMPLES * 95);

    let grads = each(&trained, &points, &labels);
    let [before, after] = [norms(&grads), norms(&clipped(&grads))].map(|n| n.to_vec::<f32>());
    let longest = |n: &[f32]| n.iter().fold(0f32, |m, n| m.max(*n));
    println!("the longest gradient has norm {:.2}, {:.2} when clipped", longest(&before), longest(&after));
    assert!(longest(&before) > 2.0 * CLIP as f32 && longest(&after) <= CLIP as f32 * 1.0001);

    let (columns, rows) = (120, 90);
    let grid = |i: usize, n: usize, low: f64, high: f64| low + (high - low) * (i as f64 + 0.5) / n as f64;
    let ((x0, x1), (y0, y1)) = ((-1.6, 2.6), (-1.2, 1.9));
    let cells: Vec<f32> = (0..rows * columns)
        .flat_map(|i| [grid(i % columns, columns, x0, x1) as f32, grid(i / columns, rows, y0, y1) as f32])
        .collect();
    let field = scores(&Array::from_slice(&cells, &[rows * columns, 2])).to_vec::<f32>();
    let points = points.to_vec::<f32>();
    save("per_example", (1100, 480), |root| {
        let (left, right_part) = root.split_horizontally(620);
        let mut chart = axes(&left, "What the model has learned", ("x", x0..x1), ("y", y0..y1))?;
        let (w, h) = ((x1 - x0) / columns as f64, (y1 - y0) / rows as f64);
        chart.draw_series(field.iter().enumerate().map(|(i, s)| {
            let (x, y) = (cells[2 * i] as f64, cells[2 * i + 1] as f64);
            let color = if *s > 0.0 { BLUE } else { ORANGE };
            let sure = (s.abs() as f64 / 4.0).min(1.0);
            Rectangle::new(
                [(x - w / 2.0, y - h / 2.0), (x + w / 2.0, y + h / 2.0)],
                color.mix(0.06 + 0.2 * sure).filled(),
            )
        }))?;
        for (name, color, sign) in [("upper crescent", BLUE, 1.0), ("lower crescent", ORANGE, -1.0)] {
            let its = (0..EXAMPLES).filter(|i| given[*i] == sign);
            let dots = its.map(|i| Circle::new((points[2 * i] as f64, points[2 * i + 1] as f64), 3, color.filled()));
            chart.draw_series(dots)?.label(name).legend(dot(color.into()));
        }
        let wrong = (0..EXAMPLES).filter(|i| given[*i] != right[*i]);
        let rings =
            wrong.map(|i| Circle::new((points[2 * i] as f64, points[2 * i + 1] as f64), 6, BLACK.stroke_width(1)));
        chart
            .draw_series(rings)?
            .label("wrong label")
            .legend(|(x, y)| Circle::new((x + 10, y), 6, BLACK.stroke_width(1)));
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;

        // a norm that was clipped to a bin's end belongs into that bin
        let width = CLIP / 2.0;
        let bins = (longest(&before) as f64 / width).ceil() as usize;
        let top = (bins + 1) as f64 * width;
        let count = |n: &[f32]| {
            let mut counts = vec![0usize; bins];
            n.iter().for_each(|n| counts[((*n as f64 / width - 1e-3).max(0.0) as usize).min(bins - 1)] += 1);
            counts
        };
        let mut chart = axes(
            &right_part,
            "Norms of the examples' gradients",
            ("norm", 0.0..top),
            ("examples in the bin", (0.8..500.0).log_scale()),
        )?;
        for (name, style, counts) in [
            ("before clipping", ORANGE.mix(0.6).filled(), count(&before)),
            ("after clipping", BLUE.stroke_width(2), count(&after)),
        ] {
            let bars = counts
                .into_iter()
                .enumerate()
                .filter(|(_, n)| *n > 0)
                .map(|(i, n)| Rectangle::new([(i as f64 * width, 0.8), ((i + 1) as f64 * width, n as f64)], style));
            let key = move |(x, y)| Rectangle::new([(x + 4, y - 5), (x + 16, y + 5)], style);
            chart.draw_series(bars)?.label(name).legend(key);
        }
        let limit = [(CLIP, 0.8), (CLIP, 500.0)];
        chart
            .draw_series(DashedLineSeries::new(limit, 4, 4, BLACK.stroke_width(2)))?
            .label("the greatest norm allowed")
            .legend(dashes(BLACK.into()));
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}
