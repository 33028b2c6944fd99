//! Draws from a distribution by Hamiltonian Monte Carlo: sixty-four chains in one compiled program.
//!
//! A point of the distribution is pushed at random and rolls over the landscape whose depth is the density, in leapfrog steps along the gradient; where it is then, it stays with a probability
//! that puts right what the steps did wrong (Neal, 2011). It is written for one chain: `grad` in a `fori_loop`, in a `scan` over the keys of the draws. `vmap` makes sixty-four of it, `jit` one
//! program. While they warm up, the chains agree about the length of a step: each adds its chance of acceptance to a mean over the named axis of all chains, and dual averaging (Hoffman and
//! Gelman, 2014) brings that to 90 %.
//!
//!     cargo run --release --example hamiltonian_monte_carlo
//!
//! There are two distributions whose moments are known: a banana, and the posterior of a linear regression of four unknowns. Of both the program checks that all means, variances and covariances are within four
//! standard errors of the true ones, which the chains' differences give; that no standard error of a mean is above 3 % of the standard deviation; that R-hat of split chains is below 1.01
//! everywhere; and that between 85 % and 97 % of the proposals are accepted.

mod picture;
mod training;

use cotangent::np::{self, linalg};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use cotangent::{Vmap, lax, vmap};
use picture::*;
use training::Progress;

const CHAINS: usize = 64;
/// Draws of each chain: some to warm up, then those that count; and so many in one call.
const WARM: usize = 400;
const DRAWS: usize = 1000;
const ROUND: usize = 100;
/// Leapfrog steps for a draw.
const LEAPS: usize = 16;
/// The rate of acceptance to be reached.
const TARGET: f64 = 0.9;

/// A point, with the logarithm of the density there (up to a constant) and its gradient.
#[derive(Pytree, Clone)]
struct Place {
    x: Array,
    density: Array,
    slope: Array,
}
/// What dual averaging knows about the logarithm of the length of a step: the one to try, the mean to keep, how much acceptance lags behind, and how many turns there were.
#[derive(Pytree, Clone)]
struct Stride {
    log: Array,
    kept: Array,
    lag: Array,
    turns: Array,
}
impl Stride {
    const FIRST: f64 = 0.1;
    fn first() -> Stride {
        let number = |x: f64| np::full_dtype(&[], x, DType::Float64);
        Stride { log: number(Self::FIRST.ln()), kept: number(0.0), lag: number(0.0), turns: number(0.0) }
    }
    /// After a turn with this mean chance of acceptance.
    fn adapted(&self, chance: &Array) -> Stride {
        let turns = &self.turns + 1.0;
        let part = 1.0 / (&turns + 10.0);
        let lag = (1.0 - &part) * &self.lag + part * (TARGET - chance);
        let log = (10.0 * Self::FIRST).ln() - turns.sqrt() / 0.05 * &lag;
        let fresh = turns.pow(-0.75);
        Stride { kept: &fresh * &log + (1.0 - &fresh) * &self.kept, log, lag, turns }
    }
}

/// The next point of one chain, and the chance with which the proposal was accepted.
fn draw(at: &Place, length: &Array, key: Key, look: impl Fn(&Array) -> Place) -> (Place, Array) {
    let [push, stretch, toss] = key.split();
    let momentum = random::normal_dtype(push, at.x.shape(), DType::Float64);
    // not always the same length, or an orbit could close
    let h = length * random::uniform_in(stretch, &[], DType::Float64, 0.8, 1.2);
    let leap = |_: &Array, (at, p): &(Place, Array)| {
        let p = p + 0.5 * &h * &at.slope;
        let there = look(&(&at.x + &h * &p));
        let p = p + 0.5 * &h * &there.slope;
        (there, p)
    };
    let (end, p) = lax::fori_loop(0, LEAPS, leap, &(at.clone(), momentum.clone()));
    let energy = |at: &Place, p: &Array| 0.5 * p.powi(2).sum() - &at.density;
    let gain = energy(at, &momentum) - energy(&end, &p);
    // who has left for infinity comes back
    let chance = np::where_(&np::isnan(&gain), 0.0, gain.minimum(0.0).exp());
    let accepted = random::uniform_in(toss, &[], DType::Float64, 0.0, 1.0).lt(&chance);
    (tree::map2(at, &end, |old, new| np::where_(&accepted, new, old)), chance)
}

/// What the chains did. Arrays are of (chain, draw, coordinate) or (chain, draw).
struct Chains {
    warm: Array,
    draws: Array,
    /// The length of a step while the chains warmed up.
    lengths: Vec<f64>,
    acceptance: f64,
}
/// Runs all chains from these points, which are rows.
fn sample(
    log_density: impl Fn(&Array) -> Array + Send + Sync,
    starts: &Array,
    key: Key,
    progress: &Progress,
) -> Chains {
    let both = value_and_grad(|x: &Array| log_density(x));
    let look = |x: &Array| {
        let (density, slope) = both(x);
        Place { x: x.clone(), density, slope }
    };
    let chain = |at: &Place, stride: &Stride, keys: &Key, warming: &Static<bool>| {
        let turn = |(at, stride): &(Place, Stride), key: &Key| {
            let length = if warming.0 { stride.log.exp() } else { stride.kept.exp() };
            let (next, chance) = draw(at, &length, random::clone(key), look);
            let stride = if warming.0 { stride.adapted(&lax::pmean(&chance, "chains")) } else { stride.clone() };
            let seen = (next.x.clone(), chance, length);
            ((next, stride), seen)
        };
        lax::scan(turn, &(at.clone(), stride.clone()), keys)
    };
    let round = jit(Vmap::new().axis_name("chains").of(chain));
    let mut state = vmap(|x: &Array| (look(x), Stride::first()))(starts);
    let mut seen = [vec![], vec![]];
    for (i, key) in random::split(key, (WARM + DRAWS) / ROUND).into_iter().enumerate() {
        let warming = i < WARM / ROUND;
        let keys = random::split_array(key, &[CHAINS, ROUND]);
        let (next, made) = round(&state.0, &state.1, &keys, &Static(warming));
        state = next;
        let what = if warming { "warming up" } else { "drawing" };
        progress.turn(format!("{what}, {:.0} % accepted", 100.0 * made.1.mean().to_f64()));
        seen[!warming as usize].push(made)
    }
    let along = |parts: Vec<&Array>| np::concatenate(&parts, 1);
    let [warm, draws] = &seen;
    Chains {
        warm: along(warm.iter().map(|s| &s.0).collect()),
        draws: along(draws.iter().map(|s| &s.0).collect()),
        lengths: warm.iter().flat_map(|s| s.2.i(0).to_vec::<f64>()).collect(),
        acceptance: draws.iter().map(|s| s.1.mean().to_f64()).sum::<f64>() / draws.len() as f64,
    }
}

/// R-hat of each coordinate, with the halves of chains as chains (Gelman and others, 2013): how much more the chains vary than each of them.
fn r_hat(draws: &Array) -> Array {
    let (n, d) = (draws.shape()[1] / 2, draws.shape()[2]);
    let halves = draws.reshape(&[2 * draws.shape()[0], n, d]);
    let within = np::over(1).ddof(1.0).var(&halves).mean_over(0);
    let between = np::over(0).ddof(1.0).var(&halves.mean_over(1));
    ((n - 1) as f64 / n as f64 + between / within).sqrt()
}
/// Compares means and covariances with the true ones, says what comes out, and checks it.
fn check(name: &str, chains: &Chains, mean: &Array, covariance: &Array) {
    let centered = &chains.draws - mean;
    let d = mean.size();
    let squares = np::einsum("cni,cnj->cij", &[&centered, &centered]) / DRAWS as f64;
    // each chain gives an estimate of its own, and how they differ says how far their mean may be off
    let error = |each: &Array| np::over(0).ddof(1.0).std(each) / (CHAINS as f64).sqrt();
    let firsts = centered.mean_over(1);
    let of_mean = firsts.mean_over(0) / error(&firsts);
    let of_covariance = (squares.mean_over(0) - covariance) / error(&squares);
    let least = error(&firsts) / np::diagonal(covariance).sqrt();
    let r = r_hat(&chains.draws).max().to_f64();
    let worst = of_mean.abs().max().to_f64().max(of_covariance.abs().max().to_f64());
    let (length, accepted) = (chains.lengths[WARM - 1], 100.0 * chains.acceptance);
    println!("{name}: steps of {length:.3}, {accepted:.1} % accepted, R-hat at most {r:.4}");
    println!("  {d} means and {} covariances: at most {worst:.2} standard errors off", d * (d + 1) / 2);
    println!("  standard errors of means: at most {:.2} % of the standard deviation", 100.0 * least.max().to_f64());
    assert!(worst < 4.0 && least.max().to_f64() < 0.03);
    assert!(r < 1.01);
    assert!((0.85..0.97).contains(&chains.acceptance));
}

/// A normal distribution of deviations 1 and 1/2, bent along half a parabola.
fn banana(x: &Array) -> Array {
    let (a, b) = (x.i(0), x.i(1));
    -0.5 * (a.powi(2) + (2.0 * b - (a.powi(2) - 1.0)).powi(2))
}

fn main() -> Drawn {
    let [from, bent, features, noise, origin, straight] = random::key(3).split();
    let normal = |key: Key, shape: &[usize]| random::normal_dtype(key, shape, DType::Float64);
    let progress = Progress::new("chains", 2 * (WARM + DRAWS) / ROUND);

    let far = 2.0 * normal(from, &[CHAINS, 2]);
    let bananas = sample(banana, &far, bent, &progress);
    // b is half of a^2 - 1, of variance 1/2, and something of variance 1/4
    let moments = (array([0.0, 0.0]), array([[1.0, 0.0], [0.0, 0.75]]));

    // a regression with features that depend on each other; the errors have deviation 1/2, the unknowns had 2 before
    let mix = np::eye_dtype(4, 4, 0, DType::Float64) + 0.8 * np::eye_dtype(4, 4, 1, DType::Float64);
    let x = normal(features, &[60, 4]).matmul(&mix);
    let y = x.matmul(&array([1.0, -2.0, 0.5, 0.0])) + 0.5 * normal(noise, &[60]);
    let posterior = |w: &Array| -0.5 * ((&y - x.matmul(w)) / 0.5).powi(2).sum() - 0.5 * (w / 2.0).powi(2).sum();
    let regression = sample(posterior, &normal(origin, &[CHAINS, 4]), straight, &progress);
    drop(progress);
    let covariance = linalg::inv(&(x.t().matmul(&x) / 0.25 + np::eye_dtype(4, 4, 0, DType::Float64) / 4.0));
    let mean = covariance.matmul(&x.t().matmul(&y)) / 0.25;

    check("banana", &bananas, &moments.0, &moments.1);
    check("regression", &regression, &mean, &covariance);

    let grid = Grid { x: -3.6..3.6, y: -2.5..6.0, columns: 145, rows: 131 };
    let points = Array::from_slice(&grid.points(), &[grid.columns * grid.rows, 2]);
    let density = vmap(banana)(&points).to_vec::<f64>();
    let shown = bananas.draws.i((.., s(..).step(20))).to_vec::<f64>();
    let path = bananas.warm.i((0, ..25)).to_vec::<f64>();
    let traces = np::concatenate(&[&bananas.warm.i((..4, .., 1)), &bananas.draws.i((..4, ..400, 1))], 1);
    save("hamiltonian_monte_carlo", (1200, 580), |root| {
        let (left, right) = root.split_horizontally(560);
        let mut chart = axes(&left, "Sixty-four chains", ("a", grid.x.clone()), ("b", grid.y.clone()))?;
        let dots = shown.chunks(2).map(|p| Circle::new((p[0], p[1]), 1, BLUE.mix(0.55).filled()));
        chart.draw_series(dots)?.label("every twentieth draw").legend(dot(BLUE.into()));
        for (i, level) in [-0.5f64, -2.0, -4.5].into_iter().enumerate() {
            let lines =
                grid.contour(&density, level).into_iter().map(|l| PathElement::new(l, BLACK.mix(0.7).stroke_width(1)));
            let series = chart.draw_series(lines)?;
            if i == 0 {
                series.label("density: 1, 2, 3 deviations").legend(dash(BLACK.mix(0.7), 1));
            }
        }
        let path = path.chunks(2).map(|p| (p[0], p[1])).collect::<Vec<_>>();
        chart
            .draw_series(LineSeries::new(path.iter().copied(), ORANGE.stroke_width(2)))?
            .label("the first 25 draws of a chain")
            .legend(dash(ORANGE.into(), 2));
        chart.draw_series(path.into_iter().map(|p| Circle::new(p, 3, ORANGE.filled())))?;
        legend(&mut chart, SeriesLabelPosition::UpperMiddle)?;

        let (above, below) = right.split_vertically(290);
        let mut chart = axes(&above, "Four of the chains", ("draw", 0.0..800.0), ("b", grid.y.clone()))?;
        let values = traces.to_vec::<f64>();
        for (values, color) in values.chunks(WARM + 400).zip([BLUE, ORANGE, GREEN, GRAY]) {
            let points = values.iter().enumerate().map(|(i, b)| (i as f64, *b));
            chart.draw_series(LineSeries::new(points, color.mix(0.8).stroke_width(1)))?;
        }
        let end = [(WARM as f64, grid.y.start), (WARM as f64, grid.y.end)];
        chart
            .draw_series(DashedLineSeries::new(end, 5, 4, BLACK.stroke_width(2)))?
            .label("the end of the warm-up")
            .legend(dashes(BLACK.into()));
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        let lengths = ("length of a step", (0.01..3.0).log_scale());
        let mut chart = axes(&below, "Warming up", ("draw", 0.0..WARM as f64), lengths)?;
        for (name, chains, color) in [("banana", &bananas, BLUE), ("regression", &regression, GREEN)] {
            let points = chains.lengths.iter().enumerate().map(|(i, h)| (i as f64, *h));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(name)
                .legend(dash(color.into(), 2));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}
