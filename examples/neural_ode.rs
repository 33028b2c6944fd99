//! A differential equation whose right-hand side is a neural network.
//!
//! Something turns on a plane, the slower the farther out, and falls to the middle in a spiral. We have six noisy recordings and no idea of the law. So the law is a network of one hidden layer, `odeint` solves it
//! from many recorded points at once, and the mean squared distance from what was recorded later is a loss of the network's weights. Its gradient solves the adjoint equation, backwards
//! in time, and keeps no step in memory; the whole step of Adam is one compiled program. (The other gradient there is, through all steps that the solver took, is asked for with `through_steps`.)
//!
//!     cargo run --release --example neural_ode
//!
//! The program checks that the two gradients agree to six digits, and with differences; and that the network, from a point where none of the recordings begins and over four times the time that it was
//! trained on, stays within 0.1 of the true orbit, whose radius is 2 at first.

mod picture;
mod training;

use cotangent::np;
use cotangent::ode::{Odeint, odeint};
use cotangent::optim::{self, AdamState, Optimizer, Schedule};
use cotangent::prelude::*;
use cotangent::random::{self, Key};
use picture::*;
use training::Progress;

const HIDDEN: usize = 32;
/// Recordings, the points of each, and the time between two.
const RECORDINGS: usize = 6;
const POINTS: usize = 33;
const DT: f64 = 0.25;
/// The network is asked to predict so many points from the one before them.
const AHEAD: usize = 8;
const STEPS: usize = 1500;

/// The law, for states in rows.
fn truth(y: &Array, _time: &Array, _: &()) -> Array {
    let turned = y.matmul(&array([[0.0, 2.0], [-2.0, 0.0]]));
    turned / (1.0 + 0.25 * np::over(1).keepdims().sum(&y.powi(2))) - 0.15 * y
}
/// What is learned instead.
#[derive(Pytree, Clone)]
struct Network {
    w1: Array,
    b1: Array,
    w2: Array,
    b2: Array,
}
impl Network {
    fn new(key: Key) -> Network {
        let [a, b] = key.split();
        let normal = |key: Key, shape: &[usize], scale: f64| scale * random::normal_dtype(key, shape, DType::Float64);
        let zeros = |n: usize| np::zeros_dtype(&[n], DType::Float64);
        Network { w1: normal(a, &[2, HIDDEN], 0.7), b1: zeros(HIDDEN), w2: normal(b, &[HIDDEN, 2], 0.2), b2: zeros(2) }
    }
}
fn learned(y: &Array, _time: &Array, net: &Network) -> Array {
    (y.matmul(&net.w1) + &net.b1).tanh().matmul(&net.w2) + &net.b2
}

/// The mean squared distance from what was recorded, whose first points are where the network begins.
fn loss(solver: Odeint, net: &Network, recorded: &Array) -> Array {
    let times = DT * np::arange_dtype(AHEAD + 1, DType::Float64);
    (solver.solve(learned, &recorded.i(0), &times, net) - recorded).powi(2).mean()
}

fn main() -> Drawn {
    let [begin, noise, init] = random::key(2).split();
    // recordings begin on a ring
    let angles = (0..RECORDINGS).map(|i| i as f64).collect::<Vec<_>>();
    let angles = array(angles) + 0.3 * random::normal_dtype(begin, &[RECORDINGS], DType::Float64);
    let starts = 2.2 * np::stack(&[&angles.cos(), &angles.sin()], 1);
    let times = DT * np::arange_dtype(POINTS, DType::Float64);
    let exact = odeint(truth, &starts, &times, &());
    let recorded = &exact + 0.01 * random::normal_dtype(noise, exact.shape(), DType::Float64);
    // pieces of them that overlap, side by side: (time, piece, coordinate)
    let pieces: Vec<Array> = (0..POINTS - AHEAD).step_by(AHEAD / 2).map(|k| recorded.i(k..k + AHEAD + 1)).collect();
    let pieces = np::concatenate(&pieces.iter().collect::<Vec<_>>(), 1);
    println!("{} pieces of {} points each", pieces.shape()[1], AHEAD + 1);

    // three gradients: of the adjoint equation, through the steps, by a difference along one direction
    let net = Network::new(init);
    let exactly = Odeint::new().rtol(1e-10).atol(1e-10);
    let few = pieces.i((.., ..6));
    let slope = |solver: Odeint| tree::ravel(&grad(|net: &Network| loss(solver, net, &few))(&net)).to_vec::<f64>();
    let (adjoint, through) = (slope(exactly), slope(exactly.through_steps()));
    let longest = adjoint.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    let apart = adjoint.iter().zip(&through).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / longest;
    println!(
        "{} elements of the gradient: adjoint and through the steps differ by {apart:.1e} of the greatest",
        adjoint.len()
    );
    assert!(apart < 1e-6);
    let along = |h: f64| loss(exactly, &tree::map(&net, |w| w * (1.0 + h)), &few).to_f64();
    let difference = (along(1e-4) - along(-1e-4)) / 2e-4;
    let product: f64 = adjoint.iter().zip(tree::ravel(&net).to_vec::<f64>()).map(|(g, w)| g * w).sum();
    println!("along the weights themselves: {product:.8}, by differences {difference:.8}");
    assert!((product - difference).abs() < 1e-6 * (1.0 + difference.abs()));

    let adam = optim::adam(Schedule::cosine_decay(0.03, STEPS, 0.01));
    let roughly = Odeint::new().rtol(1e-4).atol(1e-4);
    let step = jit(|net: &Network, state: &AdamState<Network>| {
        let (value, slope) = value_and_grad(|net: &Network| loss(roughly, net, &pieces))(net);
        (adam.step(net, &slope, state), value)
    });
    let (mut net, mut state, mut losses) = (net.clone(), adam.init(&net), vec![]);
    let first = net.clone();
    let progress = Progress::new("training", STEPS);
    for _ in 0..STEPS {
        let ((next, later), value) = step(&net, &state);
        (net, state) = (next, later);
        losses.push(value.to_f64());
        progress.turn(format!("loss {:.6}", losses[losses.len() - 1]))
    }
    drop(progress);
    println!("loss {:.4} at first, {:.6} at last; the noise has {:.6}", losses[0], losses[STEPS - 1], 1e-4);

    // an orbit that nobody recorded
    let fine = 0.05 * np::arange_dtype(161, DType::Float64);
    let start = array([[-1.2, 1.6]]);
    let orbits = [
        odeint(truth, &start, &fine, &()),
        odeint(learned, &start, &fine, &net),
        odeint(learned, &start, &fine, &first),
    ];
    let distance = |a: &Array, b: &Array| np::over(-1).sum(&(a - b).powi(2)).sqrt().max().to_f64();
    let off = distance(&orbits[0], &orbits[1]);
    println!("an orbit that was not recorded, for 8 time units: never farther than {off:.3} from the true one");
    assert!(off < 0.1);

    // for the picture: arrows of both laws
    let grid = Grid { x: -2.4..2.4, y: -2.4..2.4, columns: 17, rows: 17 };
    let places = Array::from_slice(&grid.points(), &[17 * 17, 2]);
    let arrows = [truth(&places, &array(0.0), &()), learned(&places, &array(0.0), &net)].map(|a| a.to_vec::<f64>());
    let pairs = |x: &Array| x.to_vec::<f64>().chunks(2).map(|p| (p[0], p[1])).collect::<Vec<_>>();
    let (places, recorded) = (pairs(&places), pairs(&recorded));
    let orbits = orbits.map(|o| pairs(&o));
    save("neural_ode", (1200, 720), |root| {
        let (left, right) = root.split_horizontally(640);
        let mut chart = axes(&left, "A law learned from six recordings", ("x", -2.7..2.7), ("y", -3.7..2.7))?;
        for ((name, color, width), slopes) in
            [("true law", GRAY, 4), ("learned law", ORANGE, 1)].into_iter().zip(&arrows)
        {
            let ends = places.iter().zip(slopes.chunks(2));
            // along the arrow, and to both sides of its head
            let arrows = ends.map(|((x, y), s)| {
                let at = |along: f64, aside: f64| {
                    (x + 0.11 * (along * s[0] - aside * s[1]), y + 0.11 * (along * s[1] + aside * s[0]))
                };
                vec![at(0.0, 0.0), at(1.0, 0.0), at(0.75, 0.13), at(1.0, 0.0), at(0.75, -0.13)]
            });
            let faint = color.mix(if width > 1 { 0.45 } else { 1.0 });
            chart
                .draw_series(arrows.map(|l| PathElement::new(l, faint.stroke_width(width))))?
                .label(name)
                .legend(dash(faint, width));
        }
        let dots = recorded.iter().map(|p| Circle::new(*p, 2, BLACK.mix(0.6).filled()));
        chart.draw_series(dots)?.label("recorded").legend(dot(BLACK.mix(0.6)));
        chart
            .draw_series(LineSeries::new(orbits[1].iter().copied(), BLUE.stroke_width(2)))?
            .label("an orbit that was not recorded, learned")
            .legend(dash(BLUE.into(), 2));
        chart
            .draw_series(DashedLineSeries::new(orbits[0].iter().copied(), 5, 5, BLACK.stroke_width(2)))?
            .label("and true")
            .legend(dashes(BLACK.into()));
        chart.draw_series([Circle::new(orbits[0][0], 5, BLUE.filled())])?;
        legend(&mut chart, SeriesLabelPosition::LowerRight)?;

        let (above, below) = right.split_vertically(360);
        let mut chart = axes(&above, "The orbit that was not recorded", ("time", 0.0..8.0), ("x", -2.6..2.6))?;
        let line = |o: &[(f64, f64)]| o.iter().enumerate().map(|(i, p)| (0.05 * i as f64, p.0)).collect::<Vec<_>>();
        let untrained = line(&orbits[2]).into_iter().filter(|(_, x)| x.abs() < 2.6);
        chart
            .draw_series(LineSeries::new(untrained, GRAY.stroke_width(1)))?
            .label("before training")
            .legend(dash(GRAY.into(), 1));
        chart
            .draw_series(LineSeries::new(line(&orbits[1]), BLUE.stroke_width(2)))?
            .label("learned")
            .legend(dash(BLUE.into(), 2));
        chart
            .draw_series(DashedLineSeries::new(line(&orbits[0]), 5, 5, BLACK.stroke_width(2)))?
            .label("true")
            .legend(dashes(BLACK.into()));
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        let mut chart = axes(&below, "Training", ("step", 0.0..STEPS as f64), ("loss", (5e-5..5.0).log_scale()))?;
        let points = losses.iter().enumerate().map(|(i, l)| (i as f64, *l));
        chart.draw_series(LineSeries::new(points, GREEN.stroke_width(2)))?;
        Ok(())
    })
}
