//! A simulation that is improved by its own gradient.
//!
//! A drone of one kilogram flies from its hangar to a landing pad. Gravity pulls it down, the air holds it back, two balloons hang in its way, and every tenth
//! of a second it may change the thrust of its rotors. Which thrusts bring it to the pad, at rest, past the balloons, with little effort? The
//! simulation is a `lax::scan` over the thrusts whose carry is the state of the drone. What is bad about a flight is a number, and
//! `value_and_grad` of it says how each of the 120 numbers should change. `jit` compiles the whole step of the optimization once.
//!
//!     cargo run --release --example simulation
//!
//! The program checks that the drone arrives, at rest, without touching a balloon, and one element of the gradient against a difference.

mod picture;

use cotangent::prelude::*;
use cotangent::prim::{broadcast_in_dim, concatenate, reduce_sum, slice_in_dim};
use cotangent::{lax, np};
use picture::*;

/// Steps of the simulation, and seconds between them.
const STEPS: usize = 60;
const DT: f64 = 0.1;
/// Kilograms per meter: drag is this times the square of the speed.
const DRAG: f64 = 0.05;
/// Where the drone begins and where it should end, in meters.
const HANGAR: [f64; 2] = [0.0, 0.0];
const PAD: [f64; 2] = [20.0, 6.0];
/// Balloons: the middle, and the radius.
const BALLOONS: [(f64, f64, f64); 2] = [(6.5, -0.5, 1.5), (13.5, 4.4, 2.0)];

#[derive(Pytree, Clone)]
struct Drone {
    place: Array,
    velocity: Array,
}

/// The flight under these thrusts (newtons, sideways and up, a row for each step): the last state, and the places on the way.
fn fly(thrusts: &Array) -> (Drone, Array) {
    let start = Drone { place: array(HANGAR.to_vec()), velocity: array(vec![0f64, 0.0]) };
    let gravity = array(vec![0f64, -9.81]);
    let step = |d: &Drone, thrust: &Array| {
        let speed = (d.velocity.powi(2).sum() + 1e-6).sqrt();
        let force = thrust + &gravity - DRAG * speed * &d.velocity;
        let velocity = &d.velocity + DT * force;
        let place = &d.place + DT * &velocity;
        (Drone { place: place.clone(), velocity }, place)
    };
    lax::scan(step, &start, thrusts)
}

/// How far each place is from the nearest point of a balloon; negative inside.
fn distance(places: &Array, (x, y, radius): (f64, f64, f64)) -> Array {
    (reduce_sum(&(places - array(vec![x, y])).powi(2), &[1]) + 1e-9).sqrt() - radius
}

/// What is bad about a flight: missing the pad, arriving fast, coming near a balloon, effort, and jerks.
fn cost(thrusts: &Array) -> Array {
    let (last, places) = fly(thrusts);
    let missed = (&last.place - array(PAD.to_vec())).powi(2).sum();
    let rest = last.velocity.powi(2).sum();
    let near = BALLOONS.map(|t| (0.8 - distance(&places, t)).maximum(0.0).powi(2).sum());
    let [near, nearer] = near;
    let hover = array(vec![0f64, 9.81]);
    let effort = (thrusts - hover).powi(2).mean();
    let jerk = (slice_in_dim(thrusts, 1, STEPS, 1, 0) - slice_in_dim(thrusts, 0, STEPS - 1, 1, 0)).powi(2).mean();
    10.0 * missed + 5.0 * rest + 20.0 * (near + nearer) + 0.1 * effort + 0.5 * jerk
}

/// Adam: what there is to improve, and the means of its gradient and of its square.
#[derive(Pytree, Clone)]
struct Search {
    thrusts: Array,
    mean: Array,
    square: Array,
}

fn main() -> Drawn {
    // a guess: hovering, and forwards for half the time, then backwards
    let half = |sideways: f64| broadcast_in_dim(&array(vec![sideways, 9.81]), &[STEPS / 2, 2], &[1]);
    let first = concatenate(&[&half(1.5), &half(-0.5)], 0);

    // one element of the gradient against a difference
    let slope = grad(cost)(&first).to_vec::<f64>()[2 * 10];
    let moved = |h: f64| {
        let one: Vec<f64> = (0..2 * STEPS).map(|i| if i == 20 { h } else { 0.0 }).collect();
        cost(&(&first + Array::from_slice(&one, &[STEPS, 2]))).to_f64()
    };
    let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
    println!("d cost / d thrust sideways after one second: {slope:.6}, by differences {difference:.6}");
    assert!((slope - difference).abs() < 1e-5 * slope.abs().max(1.0));

    let step = jit(|s: &Search, rate: &Array, i: &Array| {
        let (value, g) = value_and_grad(cost)(&s.thrusts);
        let mean = 0.9 * &s.mean + 0.1 * &g;
        let square = 0.99 * &s.square + 0.01 * &g * &g;
        let m = &mean / (1.0 - np::power(&array(0.9), i));
        let v = &square / (1.0 - np::power(&array(0.99), i));
        (Search { thrusts: &s.thrusts - rate * m / (v.sqrt() + 1e-8), mean, square }, value)
    });
    let mut search = Search { thrusts: first.clone(), mean: &first * 0.0, square: &first * 0.0 };
    let shown = [0, 8, 25, 70];
    let (mut costs, mut flights) = (vec![], vec![]);
    for i in 0..600 {
        if shown.contains(&i) {
            flights.push((i, fly(&search.thrusts).1.to_vec::<f64>()))
        }
        let rate = array(if i < 400 { 0.1f64 } else { 0.02 });
        let (next, value) = step(&search, &rate, &array(i as f64 + 1.0));
        costs.push(value.to_f64());
        search = next
    }
    let (last, places) = fly(&search.thrusts);
    flights.push((600, places.to_vec::<f64>()));
    let missed = (&last.place - array(PAD.to_vec())).powi(2).sum().to_f64().sqrt();
    let speed = last.velocity.powi(2).sum().to_f64().sqrt();
    let clear = |t| distance(&places, t).to_vec::<f64>().into_iter().fold(f64::INFINITY, f64::min);
    let clear = BALLOONS.map(clear).into_iter().fold(f64::INFINITY, f64::min);
    println!("cost {:.1} at first, {:.3} at last", costs[0], costs[599]);
    println!("ends {missed:.3} m from the pad at {speed:.3} m/s; never nearer than {clear:.2} m to a balloon");
    assert!(missed < 0.1 && speed < 0.1 && clear > 0.3);

    let thrusts = search.thrusts.to_vec::<f64>();
    save("simulation", (1100, 760), |root| {
        let (top, bottom) = root.split_vertically(482);
        let mut chart =
            axes(&top, "Flights on the way to the best", ("distance (m)", -1.0..26.0), ("height (m)", -2.6..7.8))?;
        for (x, y, r) in BALLOONS {
            let round = (0..60).map(|i| std::f64::consts::TAU * i as f64 / 60.0);
            let round = round.map(|a| (x + r * a.cos(), y + r * a.sin())).collect::<Vec<_>>();
            chart.draw_series([Polygon::new(round, GRAY.mix(0.4).filled())])?;
        }
        let colors = [GRAY, RGBColor(86, 180, 233), BLUE, GREEN, ORANGE];
        for ((i, flight), color) in flights.iter().zip(colors) {
            let points = [(HANGAR[0], HANGAR[1])].into_iter().chain(flight.chunks(2).map(|p| (p[0], p[1])));
            let width = if *i == 600 { 3 } else { 2 };
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(width)))?
                .label(format!("after {i} steps"))
                .legend(dash(color.into(), width));
        }
        for (place, name) in [(HANGAR, "hangar"), (PAD, "pad")] {
            let at = (place[0], place[1]);
            chart.draw_series([TriangleMarker::new(at, 8, BLACK.filled())])?;
            chart.draw_series([Text::new(name, (at.0 + 0.3, at.1 - 0.5), ("sans-serif", 14))])?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;

        let (left, right) = bottom.split_horizontally(550);
        let mut chart = axes(&left, "The best thrusts", ("time (s)", 0.0..6.0), ("thrust (N)", -10.0..25.0))?;
        for (name, color, values) in [
            ("sideways", BLUE, thrusts.iter().step_by(2).copied().collect::<Vec<f64>>()),
            ("up", ORANGE, thrusts.iter().skip(1).step_by(2).copied().collect()),
        ] {
            let points = values.iter().enumerate().map(|(i, y)| (DT * i as f64, *y));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(name)
                .legend(dash(color.into(), 2));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)?;
        let most = costs.iter().fold(1.0, |m: f64, c| m.max(*c)) * 1.5;
        let mut chart = axes(&right, "The search", ("step", 0.0..600.0), ("cost", (0.1..most).log_scale()))?;
        let points = costs.iter().enumerate().map(|(i, c)| (i as f64, *c));
        chart.draw_series(LineSeries::new(points, GREEN.stroke_width(2)))?;
        Ok(())
    })
}
