//! Training on several devices that have different data, by one line: `pmean` of the gradients.
//!
//! A network learns a function of the plane from samples. Four devices share the work, and each has the samples of one quarter of the plane only. The step
//! is written for one device. `pmap` runs it on all four; the gradients are averaged among them with `lax::pmean`, a collective over the named
//! axis, so that all hold the same parameters after each step, and these are those of a step on all samples. A `fori_loop` of fifty steps runs inside, so
//! the devices (here threads of the processor) do not return in between. Without that line each device learns its own quarter and has no idea of
//! the rest, which the picture shows.
//!
//!     cargo run --release --example data_parallel
//!
//! The program checks that the mean of the devices' gradients is the gradient of all samples, that the devices together learn the whole, and that one alone does
//! not.

mod picture;

use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{Pmap, lax};
use picture::*;

const DEVICES: usize = 4;
/// Samples on each device.
const SAMPLES: usize = 256;
const HIDDEN: usize = 32;
/// Steps between two looks at the error, and looks.
const STEPS: i32 = 50;
const LOOKS: usize = 40;

/// Two layers.
#[derive(Pytree, Clone)]
struct Model {
    w1: Array,
    b1: Array,
    w2: Array,
    b2: Array,
}
/// Adam: the model, the means of its gradient and of its square, and the number of steps so far.
#[derive(Pytree, Clone)]
struct Training {
    model: Model,
    mean: Model,
    square: Model,
    steps: Array,
}

/// What is to be learned.
fn truth(x: f64, y: f64) -> f64 {
    (3.0 * x).sin() * (2.0 * y).cos() + 0.5 * x * y
}
/// The model's values at points, which are rows.
fn values(m: &Model, points: &Array) -> Array {
    (points.matmul(&m.w1) + &m.b1).tanh().matmul(&m.w2) + &m.b2
}
fn loss(m: &Model, points: &Array, heights: &Array) -> Array {
    (values(m, points) - heights).powi(2).mean()
}

/// One step. With an axis, the devices along it agree about the gradient.
fn step(t: &Training, points: &Array, heights: &Array, axis: Option<&str>) -> Training {
    let mut g = grad(loss)(&t.model, points, heights);
    if let Some(axis) = axis {
        g = tree::map(&g, |g| lax::pmean(g, axis))
    }
    let steps = &t.steps + 1.0;
    let mean = tree::map2(&t.mean, &g, |m, g| 0.9 * m + 0.1 * g);
    let square = tree::map2(&t.square, &g, |s, g| 0.99 * s + 0.01 * g * g);
    let (m, s) = (1.0 - (&steps * 0.9f64.ln()).exp(), 1.0 - (&steps * 0.99f64.ln()).exp());
    let change = tree::map2(&mean, &square, |a, b| 0.01 * (a / &m) / ((b / &s).sqrt() + 1e-8));
    Training { model: tree::map2(&t.model, &change, |p, c| p - c), mean, square, steps }
}

/// Samples of the quarters of the plane, one for each device: points and heights.
fn quarters(key: Key) -> (Array, Array) {
    let within = random::uniform(key, &[DEVICES, SAMPLES, 2]).to_vec::<f32>();
    let corner = |i: usize| [[-1f32, -1.0], [0.0, -1.0], [-1.0, 0.0], [0.0, 0.0]][i / (2 * SAMPLES)][i % 2];
    let points: Vec<f32> = within.iter().enumerate().map(|(i, u)| u + corner(i)).collect();
    let heights: Vec<f32> = points.chunks(2).map(|p| truth(p[0] as f64, p[1] as f64) as f32).collect();
    (Array::from_slice(&points, &[DEVICES, SAMPLES, 2]), Array::from_slice(&heights, &[DEVICES, SAMPLES]))
}

fn main() -> Drawn {
    let [data, a, b] = random::key(5).split();
    let (points, heights) = quarters(data);
    let model = Model {
        w1: random::normal(a, &[2, HIDDEN]) * 1.5,
        b1: array(vec![0f32; HIDDEN]),
        w2: random::normal(b, &[HIDDEN]) * 0.2,
        b2: Array::from_slice(&[0f32], &[]),
    };
    let zeros = tree::map(&model, |p| p * 0.0);
    let start =
        Training { model: model.clone(), mean: zeros.clone(), square: zeros, steps: Array::from_slice(&[0f32], &[]) };

    // the mean of the gradients of all devices is the gradient of all samples
    let all = |x: &Array| x.reshape(&[&[DEVICES * SAMPLES], &x.shape()[2..]].concat());
    let of_all = grad(loss)(&model, &all(&points), &all(&heights));
    let mean = |m: &Model, x: &Array, y: &Array| tree::map(&grad(loss)(m, x, y), |g| lax::pmean(g, "devices"));
    let mean = Pmap::new().axis_name("devices").in_axes((None, 0, 0)).out_axes(None).of(mean);
    for (a, b) in tree::leaves(&mean(&model, &points, &heights)).iter().zip(tree::leaves(&of_all)) {
        let difference = (a - b).abs().sum().to_f64();
        assert!(difference < 1e-4, "{difference}")
    }
    println!("the mean of {DEVICES} devices' gradients is the gradient of all samples");

    // together: what the devices return is the same on all of them, so it comes back once
    let train = |t: &Training, x: &Array, y: &Array| {
        lax::fori_loop(0, STEPS, |_, t: &Training| step(t, x, y, Some("devices")), t)
    };
    let together = jit(Pmap::new().axis_name("devices").in_axes((None, 0, 0)).out_axes(None).of(train));
    // alone: the same without the collective; four different models come back
    let train = |t: &Training, x: &Array, y: &Array| lax::fori_loop(0, STEPS, |_, t: &Training| step(t, x, y, None), t);
    let alone = jit(Pmap::new().of(train));

    let n = 60;
    let at = |i: usize| -1.0 + (i as f64 + 0.5) * 2.0 / n as f64;
    let grid: Vec<f32> = (0..n * n).flat_map(|i| [at(i % n) as f32, at(i / n) as f32]).collect();
    let grid = Array::from_slice(&grid, &[n * n, 2]);
    let exact: Vec<f64> = (0..n * n).map(|i| truth(at(i % n), at(i / n))).collect();
    let look = jit(values);
    let learned = |m: &Model| look(m, &grid).astype(DType::Float64).to_vec::<f64>();
    let error =
        |v: &[f64]| (v.iter().zip(&exact).map(|(v, e)| (v - e).powi(2)).sum::<f64>() / exact.len() as f64).sqrt();
    let device = |t: &Training, k: usize| {
        tree::map(&t.model, |p| {
            let one = cotangent::prim::slice_in_dim(p, k, k + 1, 1, 0);
            cotangent::prim::squeeze(&one, &[0])
        })
    };

    let mut shared = start.clone();
    let mut own = tree::map(&start, |p| cotangent::prim::stack(&[p; DEVICES], 0));
    let mut errors = vec![(error(&learned(&model)), error(&learned(&model)))];
    for _ in 0..LOOKS {
        shared = together(&shared, &points, &heights);
        own = alone(&own, &points, &heights);
        errors.push((error(&learned(&shared.model)), error(&learned(&device(&own, 0)))))
    }
    let (best, lonely) = errors[LOOKS];
    println!("error after {} steps: {best:.3} together, {lonely:.3} on a device alone", STEPS as usize * LOOKS);
    assert!(best < 0.05 && lonely > 5.0 * best);

    let fields = [
        ("What is to be learned, and who has which samples", exact.clone()),
        ("Learned by device 1 alone", learned(&device(&own, 0))),
        ("Learned by all together", learned(&shared.model)),
    ];
    let points = points.to_vec::<f32>();
    save("data_parallel", (1000, 860), |root| {
        let panels = root.split_evenly((2, 2));
        for (k, (panel, (title, field))) in panels.iter().zip(&fields).enumerate() {
            let mut chart = axes(panel, title, ("x", -1.0..1.0), ("y", -1.0..1.0))?;
            let half = 1.0 / n as f64;
            chart.draw_series(field.iter().enumerate().map(|(i, v)| {
                let (x, y) = (at(i % n), at(i / n));
                let color = if *v > 0.0 { ORANGE } else { BLUE };
                let cell = [(x - half, y - half), (x + half, y + half)];
                Rectangle::new(cell, color.mix((v.abs() / 1.5).min(1.0) * 0.8).filled())
            }))?;
            if k == 0 {
                for (d, color) in [BLACK, GREEN, RGBColor(204, 121, 167), GRAY].into_iter().enumerate() {
                    let mine = &points[2 * SAMPLES * d..2 * SAMPLES * (d + 1)];
                    let dots = mine.chunks(2).map(|p| Circle::new((p[0] as f64, p[1] as f64), 2, color.filled()));
                    chart.draw_series(dots)?;
                    // its name in the middle of its quarter
                    let (x, y) = (d as f64 % 2.0 - 0.5, (d / 2) as f64 - 0.5);
                    let paper = [(x - 0.2, y - 0.07), (x + 0.2, y + 0.07)];
                    chart.draw_series([Rectangle::new(paper, WHITE.filled())])?;
                    chart.draw_series([Text::new(
                        format!("device {}", d + 1),
                        (x - 0.16, y + 0.035),
                        ("sans-serif", 15),
                    )])?;
                }
            }
        }
        let last = STEPS as f64 * LOOKS as f64;
        let mut chart = axes(
            &panels[3],
            "The error everywhere",
            ("step", 0.0..last),
            ("root of the mean square", (0.01..3.0).log_scale()),
        )?;
        for (name, color, pick) in [("device 1 alone", BLUE, 1), ("all together", ORANGE, 0)] {
            let line =
                errors.iter().enumerate().map(|(i, e)| (STEPS as f64 * i as f64, if pick == 0 { e.0 } else { e.1 }));
            chart.draw_series(LineSeries::new(line, color.stroke_width(2)))?.label(name).legend(dash(color.into(), 2));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}
