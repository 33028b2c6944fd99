//! A gradient through a solver that chooses its own steps.
//!
//! Foxes eat rabbits: the Lotka–Volterra equations `u' = a u - b u v`, `v' = c u v - d v`. Somebody counted both for fifteen years, with some error, and
//! we want the four rates. `ode::odeint` would solve this (see the example `neural_ode`); here we write a solver that the library does not have, to show that nothing about one is special to
//! derivatives: the method of Bogacki and Shampine, with control of the step. It tries a step, compares its solutions of third and second order, and takes the step or a shorter one. How many
//! steps that makes depends on the rates, so it is a `lax::while_loop`. The loss is an ordinary function of the rates, and `value_and_grad` goes through
//! all of it, backwards through every step that was taken; `jit` compiles that once, whatever number of steps it turns out to be. `optim::adam` does the rest.
//!
//!     cargo run --release --example adaptive_ode
//!
//! The program checks the gradient against forward mode and against differences, that the rates found fit the data better than those that the data were made with,
//! and that they are within 5 % of these.

mod picture;
mod training;

use cotangent::optim::{self, AdamState, Optimizer};
use cotangent::prelude::*;
use cotangent::prim::{concatenate, dynamic_slice, dynamic_update_slice, squeeze};
use cotangent::{jacfwd, lax, np, random};
use picture::*;
use training::Progress;

/// The stages of Bogacki and Shampine (1989): each begins where these multiples of the slopes before lead.
const STAGES: [&[f64]; 3] = [&[1.0 / 2.0], &[0.0, 3.0 / 4.0], &[2.0 / 9.0, 1.0 / 3.0, 4.0 / 9.0]];
/// The last stage is the solution of third order; these multiples of all slopes are its difference from that of second order.
const ERROR: [f64; 4] = [-5.0 / 72.0, 1.0 / 12.0, 1.0 / 9.0, -1.0 / 8.0];
/// The error that a step may make, relative to the values.
const TOLERANCE: f64 = 1e-5;

/// `sum of weights * slopes`, without those that are not there.
fn combined(slopes: &[Array], weights: &[f64]) -> Array {
    let terms = slopes.iter().zip(weights).filter(|(_, w)| **w != 0.0);
    terms.map(|(k, w)| k * *w).reduce(|a, b| a + b).expect("a slope")
}

/// The solution of `y' = f(y)` from `y(0)` at the given times, as rows, and how many steps were tried.
fn solve(f: impl Fn(&Array) -> Array, start: &Array, times: &Array) -> (Array, Array) {
    let n = times.shape()[0];
    let time = |k: &Array| squeeze(&dynamic_slice(times, &[k], &[1]), &[0]);
    // the time, the step to try, the solution, how many times are behind us, the solutions at these, the number of trials
    type State = (Array, Array, Array, Array, Array, Array);
    let more = |s: &State| s.3.lt(n as i32);
    let step = |(t, h, y, k, rows, trials): &State| {
        let left = time(k) - t;
        let arrives = h.gt(&left) | (h - &left).abs().lt(1e-12);
        // how long a step is taken is a decision and not a quantity: it has no derivative
        let taken = stop_gradient(&np::where_(&arrives, &left, h));
        let mut slopes = vec![f(y)];
        let mut next = y.clone();
        for weights in STAGES {
            next = y + &taken * combined(&slopes, weights);
            slopes.push(f(&next))
        }
        let error = &taken * combined(&slopes, &ERROR);
        let size = stop_gradient(&((error / (TOLERANCE * (1.0 + y.abs()))).powi(2).mean() + 1e-12).sqrt());
        let good = size.lt(1.0);
        let there = &good & &arrives;
        let stretched = &taken * (0.9 * size.pow(-1.0 / 3.0)).maximum(0.2).minimum(5.0);
        // a step that was cut short to arrive says little about the next one
        let h = np::where_(&there, stretched.maximum(h), &stretched);
        let row = dynamic_update_slice(rows, &next.reshape(&[1, 2]), &[k, &array(0)]);
        (
            np::where_(&good, np::where_(&arrives, time(k), t + &taken), t),
            h,
            np::where_(&good, &next, y),
            k + there.astype(DType::Int32),
            np::where_(&there, &row, rows),
            trials + 1,
        )
    };
    let zero = start.sum() * 0.0;
    let rows = np::broadcast_to(&zero, &[n, 2]);
    let init = (stop_gradient(&zero), stop_gradient(&(&zero + 0.1)), start.clone(), array(0), rows, array(0));
    let (.., rows, trials) = lax::while_loop(more, step, &init);
    (rows, trials)
}

/// The animals, in thousands, for the logarithms of the rates, which are positive so.
fn animals(log_rates: &Array, times: &Array) -> (Array, Array) {
    let rates = log_rates.exp();
    let rate = |i: usize| squeeze(&cotangent::prim::slice_in_dim(&rates, i, i + 1, 1, 0), &[0]);
    let [a, b, c, d] = [0, 1, 2, 3].map(rate);
    let slope = |y: &Array| {
        let part = |i: usize| cotangent::prim::slice_in_dim(y, i, i + 1, 1, 0);
        let (u, v) = (part(0), part(1));
        concatenate(&[&(&a * &u - &b * &u * &v), &(&c * &u * &v - &d * &v)], 0)
    };
    solve(slope, &array(vec![10f64, 5.0]), times)
}

fn main() -> Drawn {
    let truth = [1.1f64, 0.4, 0.1, 0.4];
    let times: Vec<f64> = (1..=30).map(|i| i as f64 * 0.5).collect();
    let times = array(times);
    let (exact, trials) = animals(&array(truth.to_vec()).log(), &times);
    let noise = random::normal(random::key(7), &[30, 2]).astype(DType::Float64);
    let counted = &exact * (1.0 + 0.03 * noise);
    println!("the solution at 30 times takes {} trials of a step", trials.to_f64());

    let loss = |log_rates: &Array| {
        let (rows, _) = animals(log_rates, &times);
        ((rows - &counted) / (1.0 + &counted)).powi(2).mean()
    };
    let first = array(vec![0.8f64, 0.3, 0.2, 0.6]).log();

    // the gradient, against forward mode and against differences
    let slope = grad(loss)(&first).to_vec::<f64>();
    let forward = jacfwd(loss)(&first).to_vec::<f64>();
    for i in 0..4 {
        let moved =
            |h: f64| loss(&(&first + array((0..4).map(|j| if i == j { h } else { 0.0 }).collect::<Vec<f64>>())));
        let difference = (moved(1e-4) - moved(-1e-4)).to_f64() / 2e-4;
        println!(
            "d loss / d log rate {i}: {:9.6} backwards, {:9.6} forwards, {difference:9.6} by differences",
            slope[i], forward[i]
        );
        assert!((slope[i] - forward[i]).abs() < 1e-9 * (1.0 + slope[i].abs()));
        assert!((slope[i] - difference).abs() < 1e-4 * (1.0 + slope[i].abs()));
    }

    let adam = optim::adam(0.04).b2(0.99);
    let step = jit(|x: &Array, state: &AdamState<Array>| {
        let (value, g) = value_and_grad(loss)(x);
        (adam.step(x, &g, state), value)
    });
    let (mut x, mut state, mut losses) = (first.clone(), adam.init(&first), vec![]);
    let progress = Progress::new("fit", 200);
    for _ in 0..200 {
        let (next, value) = step(&x, &state);
        (x, state) = next;
        losses.push(value.to_f64());
        progress.turn(format!("loss {:.5}", value.to_f64()))
    }
    drop(progress);
    let rates = x.exp().to_vec::<f64>();
    println!("loss {:.4} at first, {:.6} at last", losses[0], losses[199]);
    for ((name, found), true_one) in ["a", "b", "c", "d"].iter().zip(&rates).zip(truth) {
        println!("{name} = {found:.4}, the data were made with {true_one}");
        assert!((found / true_one - 1.0).abs() < 0.05)
    }
    assert!(losses[199] < loss(&array(truth.to_vec()).log()).to_f64());

    let fine = array((0..=300).map(|i| 0.05 * i as f64 + 1e-9).collect::<Vec<f64>>());
    let [before, after] = [&first, &x].map(|r| animals(r, &fine).0.to_vec::<f64>());
    let data = counted.to_vec::<f64>();
    save("adaptive_ode", (1100, 460), |root| {
        let (left, right) = root.split_horizontally(720);
        let mut chart =
            axes(&left, "Rabbits and foxes", ("time (years)", 0.0..15.2), ("animals (thousands)", 0.0..16.0))?;
        let line = |y: &[f64], k: usize| (0..=300).map(|i| (0.05 * i as f64, y[2 * i + k])).collect::<Vec<_>>();
        for (k, (name, color)) in [("rabbits", BLUE), ("foxes", ORANGE)].into_iter().enumerate() {
            let faint = color.mix(0.45);
            let guess = DashedLineSeries::new(line(&before, k), 6, 5, faint.stroke_width(2));
            chart.draw_series(guess)?.label(format!("{name}, first guess")).legend(dashes(faint));
            chart
                .draw_series(LineSeries::new(line(&after, k), color.stroke_width(2)))?
                .label(format!("{name}, fitted"))
                .legend(dash(color.into(), 3));
            let dots = (0..30).map(|i| Circle::new((0.5 * (i + 1) as f64, data[2 * i + k]), 3, color.filled()));
            chart.draw_series(dots)?.label(format!("{name}, counted")).legend(dot(color.into()));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        let mut chart = axes(
            &right,
            "The fit",
            ("iteration", 0.0..200.0),
            ("loss (relative error squared)", (1e-4..1.0).log_scale()),
        )?;
        let points = losses.iter().enumerate().map(|(i, l)| (i as f64, *l));
        chart.draw_series(LineSeries::new(points, GREEN.stroke_width(2)))?;
        Ok(())
    })
}
