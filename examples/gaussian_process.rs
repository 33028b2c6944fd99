//! A Gaussian process that finds its own hyperparameters.
//!
//! Eighty noisy measurements of a function, and none in a gap between them: what is the function, and how sure are we where? The prior says that it is a line plus something smooth. Its
//! covariance is a function of two numbers, and two `vmap`s make the matrix of it; Cholesky's factor of that gives the likelihood of the measurements and everything else.
//! Scales, length and noise are those of the greatest likelihood. L-BFGS finds them, from eight guesses at once: `vmap` of its step, compiled by `jit`, with the gradient through the
//! factorization. The slope of what was found comes for nothing, by `grad`.
//!
//!     cargo run --release --example gaussian_process
//!
//! The program checks the gradient against differences; that the noise is found within 20 %; and on 300 new measurements, in the gap too, that the mean is within 0.15 of the true
//! function (root of the mean square), that the squares of standardized errors have a mean between 0.8 and 1.2, and that 91 % to 98 % of the measurements are in the band of 95 %.

mod picture;
mod training;

use cotangent::np::linalg::{self, SolveTriangular};
use cotangent::optim::{self, LbfgsState};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::stats::multivariate_normal;
use cotangent::{CheckGrads, np, vmap, vmap_axes};
use picture::*;
use training::Progress;

const MEASURED: usize = 80;
const HELD_OUT: usize = 300;
const NOISE: f64 = 0.2;
const GUESSES: usize = 8;
/// Nobody measured here.
const GAP: std::ops::Range<f64> = 5.6..6.8;

/// The logarithms of what the kernel leaves open: numbers that are positive so.
#[derive(Pytree, Clone)]
struct Hyper {
    /// How far the smooth part goes from 0, and how far apart it knows little of itself.
    height: Array,
    length: Array,
    /// How steep the line is.
    slope: Array,
    /// The standard deviation of a measurement.
    noise: Array,
}

/// The covariance of the function's values at two places.
fn kernel(h: &Hyper, x: &Array, y: &Array) -> Array {
    let apart = (x - y) / h.length.exp();
    (2.0 * &h.height).exp() * (-0.5 * apart.powi(2)).exp() + (2.0 * &h.slope).exp() * (x - 5.0) * (y - 5.0)
}
/// Of the values at each of these places with those at each of those.
fn covariance(h: &Hyper, x: &Array, y: &Array) -> Array {
    vmap_axes(vmap_axes(kernel, (None, None, 0), 0), (None, 0, None), 0)(h, x, y)
}
/// Of measurements.
fn measured(h: &Hyper, x: &Array) -> Array {
    covariance(h, x, x) + (2.0 * &h.noise).exp() * np::eye_dtype(x.size(), x.size(), 0, DType::Float64)
}
/// Minus the logarithm of the likelihood of the measurements.
fn loss(h: &Hyper, x: &Array, y: &Array) -> Array {
    -multivariate_normal::logpdf(y, &np::zeros_like(y), &measured(h, x))
}
/// What the measurements say about the function elsewhere: the mean, and the covariance.
fn posterior(h: &Hyper, x: &Array, y: &Array, at: &Array) -> (Array, Array) {
    let factor = linalg::cho_factor(&measured(h, x));
    let cross = covariance(h, at, x);
    let known = SolveTriangular::new().lower().of(&factor.0, &cross.t());
    (cross.matmul(&linalg::cho_solve(&factor, y)), covariance(h, at, at) - known.t().matmul(&known))
}

/// The function that was measured.
fn truth(x: &Array) -> Array {
    0.3 * (x - 5.0) + (1.7 * x).sin() + 0.4 * (3.1 * x + 1.0).sin()
}
fn noisy(key: Key, x: &Array) -> Array {
    truth(x) + NOISE * random::normal_dtype(key, x.shape(), DType::Float64)
}

fn main() -> Drawn {
    let [places, errors, new_places, new_errors, guesses, draws] = random::key(5).split();
    let uniform = |key: Key, n: usize| random::uniform_in(key, &[n], DType::Float64, 0.0, 10.0);
    let x = uniform(places, 2 * MEASURED).to_vec::<f64>().into_iter().filter(|x| !GAP.contains(x));
    let x = array(x.take(MEASURED).collect::<Vec<_>>());
    let y = noisy(errors, &x);
    let objective = |h: &Hyper| loss(h, &x, &y);

    // guesses around 1, and around the variance of the measurements for the noise
    let spread = random::normal_dtype(guesses, &[4, GUESSES], DType::Float64);
    let guess = |i: i32, middle: f64| 0.7 * spread.i(i) + middle.ln();
    let guesses = Hyper { height: guess(0, 1.0), length: guess(1, 1.0), slope: guess(2, 0.3), noise: guess(3, 0.5) };
    let lane = |all: &Hyper, i: i32| tree::map(all, |x| x.i(i));

    let check = CheckGrads::new().rtol(1e-6).atol(1e-6).check(objective, (&lane(&guesses, 0),), 1);
    check.expect("the gradient through the factorization is that by differences");
    println!("the gradient of the likelihood agrees with differences");

    // all searches side by side: each makes its own trials along its own direction
    let solver = optim::lbfgs().tolerance(1e-6);
    let step = jit(vmap(|s: &LbfgsState<Hyper>| solver.step(objective, s)));
    let mut state = jit(vmap(|h: &Hyper| solver.init(objective, h)))(&guesses);
    let iterations = 30;
    let progress = Progress::new("L-BFGS", iterations);
    let mut curves = vec![state.value.to_vec::<f64>()];
    for _ in 0..iterations {
        state = step(&state);
        let values = state.value.to_vec::<f64>();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        progress.turn(format!("-log likelihood {least:.3}"));
        curves.push(values)
    }
    drop(progress);
    let best = state.value.argmin().to_f64() as i32;
    let h = lane(&state.params, best);
    let least = state.value.i(best).to_f64();
    let reached = curves[iterations].iter().filter(|v| **v - least < 1e-3).count();
    let Hyper { height, length, slope, noise } = tree::map(&h, |x| x.exp());
    println!("-log likelihood {least:.4}, reached from {reached} of {GUESSES} guesses");
    println!("height {:.3}, length {:.3}, slope {:.3}", height.to_f64(), length.to_f64(), slope.to_f64());
    println!("noise {:.4}, the measurements were made with {NOISE}", noise.to_f64());
    assert!(reached * 2 > GUESSES);
    assert!((noise.to_f64() / NOISE - 1.0).abs() < 0.2);

    // new measurements, of places that nobody measured before
    let at = uniform(new_places, HELD_OUT);
    let new = noisy(new_errors, &at);
    let predict = jit(|at: &Array| {
        let (mean, covariance) = posterior(&h, &x, &y, at);
        (mean, np::diagonal(&covariance).maximum(0.0))
    });
    let (mean, variance) = predict(&at);
    let standardized = (&new - &mean) / (variance + noise.powi(2)).sqrt();
    let off = (&mean - truth(&at)).powi(2).mean().to_f64().sqrt();
    let (squares, inside) = (standardized.powi(2).mean().to_f64(), standardized.abs().lt(1.96).mean().to_f64());
    println!(
        "{HELD_OUT} new measurements: the mean is off by {off:.3}, squares of standardized errors have mean {squares:.3}"
    );
    println!("{:.1} % are in the band of 95 %", 100.0 * inside);
    assert!(off < 0.15);
    assert!((0.8..1.2).contains(&squares));
    assert!((0.91..0.98).contains(&inside));

    // for the picture: mean, band, functions that the measurements do not exclude, and slopes
    let fine = array(spaced(0.0..10.0, 251));
    let (mean, variance) = predict(&fine);
    let band = 1.96 * variance.sqrt();
    let (_, all) = posterior(&h, &x, &y, &fine);
    let root = linalg::cholesky(&(all + 1e-9 * np::eye_dtype(fine.size(), fine.size(), 0, DType::Float64)));
    let samples = &mean + random::normal_dtype(draws, &[3, fine.size()], DType::Float64).matmul(&root.t());
    let slope_of = |f: &(dyn Fn(&Array) -> Array + Send + Sync)| vmap(grad(f))(&fine).to_vec::<f64>();
    let found = slope_of(&|at: &Array| posterior(&h, &x, &y, &at.reshape(&[1])).0.sum());
    let slopes = [slope_of(&truth), found];
    let numbers = |x: &Array| x.to_vec::<f64>();
    let [fine, mean, low, high] = [&fine, &mean, &(&mean - &band), &(&mean + &band)].map(numbers);
    let (true_line, samples) = (truth(&array(fine.clone())), numbers(&samples));
    let line = |y: &[f64]| fine.iter().copied().zip(y.iter().copied()).collect::<Vec<_>>();
    save("gaussian_process", (1200, 560), |root| {
        let (left, right) = root.split_horizontally(740);
        let title = "What 80 measurements say about a function";
        let mut chart = axes(&left, title, ("x", 0.0..10.0), ("y", -3.0..4.0))?;
        let around = line(&high).into_iter().chain(line(&low).into_iter().rev()).collect::<Vec<_>>();
        let sure = BLUE.mix(0.18).filled();
        chart
            .draw_series([Polygon::new(around, sure)])?
            .label("where the function is with 95 %")
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 20, y + 5)], sure));
        for (i, sample) in samples.chunks(fine.len()).enumerate() {
            let faint = BLUE.mix(0.55);
            let series = chart.draw_series(LineSeries::new(line(sample), faint.stroke_width(1)))?;
            if i == 0 {
                series.label("functions drawn from the posterior").legend(dash(faint, 1));
            }
        }
        chart
            .draw_series(LineSeries::new(line(&mean), BLUE.stroke_width(3)))?
            .label("their mean")
            .legend(dash(BLUE.into(), 3));
        chart
            .draw_series(DashedLineSeries::new(line(&numbers(&true_line)), 6, 4, ORANGE.stroke_width(2)))?
            .label("the true function")
            .legend(dashes(ORANGE.into()));
        let dots = numbers(&x).into_iter().zip(numbers(&y)).map(|p| Circle::new(p, 3, BLACK.mix(0.7).filled()));
        chart.draw_series(dots)?.label("measured").legend(dot(BLACK.mix(0.7)));
        legend(&mut chart, SeriesLabelPosition::UpperLeft)?;

        let (above, below) = right.split_vertically(280);
        let mut chart = axes(&above, "Slopes, by grad", ("x", 0.0..10.0), ("dy / dx", -4.0..7.0))?;
        let found = LineSeries::new(line(&slopes[1]), BLUE.stroke_width(2));
        chart.draw_series(found)?.label("of the mean").legend(dash(BLUE.into(), 2));
        let true_one = DashedLineSeries::new(line(&slopes[0]), 6, 4, ORANGE.stroke_width(2));
        chart.draw_series(true_one)?.label("of the true function").legend(dashes(ORANGE.into()));
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        let above_least = ("above the least", (1e-6..1e4).log_scale());
        let mut chart = axes(&below, "Eight searches", ("iteration", 0.0..iterations as f64), above_least)?;
        for i in 0..GUESSES {
            let points = curves.iter().enumerate().map(|(k, v)| (k as f64, (v[i] - least).max(1e-6)));
            chart.draw_series(LineSeries::new(points, GREEN.mix(0.7).stroke_width(2)))?;
        }
        Ok(())
    })
}
