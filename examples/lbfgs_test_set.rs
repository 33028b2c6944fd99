//! The test set by which minimizers have been judged for forty years.
//!
//! Moré, Garbow and Hillstrom (Testing Unconstrained Optimization Software, 1981) gave functions with standard starting points and known minima: narrow valleys that bend, scales that differ by
//! ten powers of ten, minima where the Hessian is singular. Each is a sum of squares, and here it is written as such, in a line or two. Nobody writes gradients: `optim::lbfgs`
//! takes them by `value_and_grad`, in one compiled program for each function.
//!
//!     cargo run --release --example lbfgs_test_set
//!
//! The program checks that each of the 24 functions reaches its minimum: to 1e-9 where that is 0, and else to one part in a hundred thousand, as many digits as the paper has; with no more
//! than 500 evaluations of function and gradient. A minimum that is not the least is named by the paper where there is one, and counts.

mod picture;
mod training;

use cotangent::np;
use cotangent::optim::{self, LbfgsState};
use cotangent::prelude::*;
use picture::*;
use std::f64::consts::PI;
use training::Progress;

/// A function of the set.
struct Problem {
    name: &'static str,
    /// Its number in the paper.
    number: usize,
    residuals: fn(&Array) -> Array,
    start: Vec<f64>,
    /// Values of its minima, the least first.
    minima: &'static [f64],
}

/// Numbers of float64.
fn numbers(x: impl IntoIterator<Item = f64>) -> Array {
    array(x.into_iter().collect::<Vec<_>>())
}
/// first, first + step, ..
fn times(n: usize, first: f64, step: f64) -> Array {
    numbers((0..n).map(|i| first + step * i as f64))
}
/// The numbers of a vector, one by one.
fn each<const N: usize>(x: &Array) -> [Array; N] {
    std::array::from_fn(|i| x.i(i))
}
/// A vector of scalars.
fn row<const N: usize>(parts: [Array; N]) -> Array {
    np::stack(&parts.each_ref(), 0)
}
/// The sum of the squares of the residuals.
fn value(residuals: fn(&Array) -> Array) -> impl Fn(&Array) -> Array + Copy {
    move |x: &Array| residuals(x).powi(2).sum()
}

fn rosenbrock(x: &Array) -> Array {
    // of any even length: pairs
    let (a, b) = (x.i(s(..).step(2)), x.i(s(1..).step(2)));
    np::concatenate(&[&(10.0 * (b - a.powi(2))), &(1.0 - a)], 0)
}
fn freudenstein_roth(x: &Array) -> Array {
    let [a, b] = each(x);
    row([&a - 13.0 + ((5.0 - &b) * &b - 2.0) * &b, &a - 29.0 + ((&b + 1.0) * &b - 14.0) * &b])
}
fn powell_badly_scaled(x: &Array) -> Array {
    let [a, b] = each(x);
    row([1e4 * &a * &b - 1.0, (-a).exp() + (-b).exp() - 1.0001])
}
fn brown_badly_scaled(x: &Array) -> Array {
    let [a, b] = each(x);
    row([&a - 1e6, &b - 2e-6, &a * &b - 2.0])
}
fn beale(x: &Array) -> Array {
    let [a, b] = each(x);
    row([1.5 - &a * (1.0 - &b), 2.25 - &a * (1.0 - b.powi(2)), 2.625 - &a * (1.0 - b.powi(3))])
}
fn jennrich_sampson(x: &Array) -> Array {
    let [a, b] = each(x);
    let i = times(10, 1.0, 1.0);
    2.0 + 2.0 * &i - ((&i * a).exp() + (&i * b).exp())
}
fn helical_valley(x: &Array) -> Array {
    let [a, b, c] = each(x);
    let turns = (&b / &a).atan() / (2.0 * PI) + np::where_(&a.lt(0.0), 0.5, 0.0);
    row([10.0 * (&c - 10.0 * turns), 10.0 * ((a.powi(2) + b.powi(2)).sqrt() - 1.0), c])
}
fn bard(x: &Array) -> Array {
    let y = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];
    let [a, b, c] = each(x);
    let (u, v) = (times(15, 1.0, 1.0), times(15, 15.0, -1.0));
    numbers(y) - (a + &u / (&v * b + np::minimum(&u, &v) * c))
}
fn gaussian(x: &Array) -> Array {
    let half = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521];
    let y = numbers(half.into_iter().chain([0.3989]).chain(half.into_iter().rev()));
    let [a, b, c] = each(x);
    a * (-0.5 * b * (times(15, 3.5, -0.5) - c).powi(2)).exp() - y
}
fn box_three(x: &Array) -> Array {
    let [a, b, c] = each(x);
    let t = times(10, 0.1, 0.1);
    (-&t * a).exp() - (-&t * b).exp() - c * ((-&t).exp() - (-10.0 * &t).exp())
}
fn powell_singular(x: &Array) -> Array {
    let [a, b, c, d] = each(x);
    let (root5, root10) = (5f64.sqrt(), 10f64.sqrt());
    row([&a + 10.0 * &b, root5 * (&c - &d), (b - 2.0 * c).powi(2), root10 * (a - d).powi(2)])
}
fn wood(x: &Array) -> Array {
    let [a, b, c, d] = each(x);
    let (root90, root10) = (90f64.sqrt(), 10f64.sqrt());
    let across = [root10 * (&b + &d - 2.0), (&b - &d) / root10];
    let [e, f] = across;
    row([10.0 * (&b - a.powi(2)), 1.0 - a, root90 * (d - c.powi(2)), 1.0 - c, e, f])
}
fn kowalik_osborne(x: &Array) -> Array {
    let y = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
    let u = numbers([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]);
    let [a, b, c, d] = each(x);
    numbers(y) - a * (u.powi(2) + &u * b) / (u.powi(2) + &u * c + d)
}
fn brown_dennis(x: &Array) -> Array {
    let [a, b, c, d] = each(x);
    let t = times(20, 0.2, 0.2);
    (a + &t * b - t.exp()).powi(2) + (c + d * t.sin() - t.cos()).powi(2)
}
fn biggs(x: &Array) -> Array {
    let t = times(13, 0.1, 0.1);
    let decay = |rate: Array| (-&t * rate).exp();
    let y = (-&t).exp() - 5.0 * (-10.0 * &t).exp() + 3.0 * (-4.0 * &t).exp();
    let [a, b, c, d, e, f] = each(x);
    c * decay(a) - d * decay(b) + f * decay(e) - y
}
fn watson(x: &Array) -> Array {
    // a polynomial of degree 5, its derivative, and two conditions at its beginning
    let (t, k) = (times(29, 1.0 / 29.0, 1.0 / 29.0), times(5, 1.0, 1.0));
    let powers = np::vander(&t, 6, true);
    let slope = powers.i((.., ..5)).matmul(&(k * x.i(1..)));
    let ends = np::stack(&[&x.i(0), &(x.i(1) - x.i(0).powi(2) - 1.0)], 0);
    np::concatenate(&[&(slope - powers.matmul(x).powi(2) - 1.0), &ends], 0)
}
fn penalty(x: &Array) -> Array {
    let away = 1e-5f64.sqrt() * (x - 1.0);
    np::append(&away, &(x.powi(2).sum() - 0.25), None)
}
fn variably_dimensioned(x: &Array) -> Array {
    let away = x - 1.0;
    let sum = (times(x.size(), 1.0, 1.0) * &away).sum();
    np::concatenate(&[&away, &np::stack(&[&sum, &sum.powi(2)], 0)], 0)
}
fn trigonometric(x: &Array) -> Array {
    let n = x.size();
    n as f64 - x.cos().sum() + times(n, 1.0, 1.0) * (1.0 - x.cos()) - x.sin()
}
fn discrete_boundary_value(x: &Array) -> Array {
    let h = 1.0 / (x.size() as f64 + 1.0);
    let wide = np::pad(x, 1);
    2.0 * x - wide.i(..-2) - wide.i(2..) + 0.5 * h * h * (x + times(x.size(), h, h) + 1.0).powi(3)
}
fn broyden_tridiagonal(x: &Array) -> Array {
    let wide = np::pad(x, 1);
    (3.0 - 2.0 * x) * x - wide.i(..-2) - 2.0 * wide.i(2..) + 1.0
}
fn broyden_banded(x: &Array) -> Array {
    // each is bound to five before it and one behind it
    let n = x.size();
    let band = np::tri(n, n, 1) - np::tri(n, n, -6) - np::identity(n);
    x * (2.0 + 5.0 * x.powi(2)) + 1.0 - band.matmul(&(x * (1.0 + x)))
}
fn chebyquad(x: &Array) -> Array {
    // Chebyshev's polynomials, shifted to [0, 1]: their means at the points, without the integrals
    let (n, y) = (x.size(), 2.0 * x - 1.0);
    let (mut before, mut now) = (y.powi(0), y.clone());
    let mut means = vec![];
    for k in 1..=n {
        let integral = if k % 2 == 0 { -1.0 / (k * k - 1) as f64 } else { 0.0 };
        means.push(now.mean() - integral);
        (before, now) = (now.clone(), 2.0 * &y * now - before)
    }
    np::stack(&means.iter().collect::<Vec<_>>(), 0)
}

/// The functions, with the paper's starting points and minima.
fn problems() -> Vec<Problem> {
    let problem = |number, name, residuals: fn(&Array) -> Array, start: &[f64], minima: &'static [f64]| Problem {
        name,
        number,
        residuals,
        start: start.to_vec(),
        minima,
    };
    let spread = |n: usize, f: &dyn Fn(f64) -> f64| (1..=n).map(|i| f(i as f64)).collect::<Vec<f64>>();
    vec![
        problem(1, "Rosenbrock", rosenbrock, &[-1.2, 1.0], &[0.0]),
        problem(2, "Freudenstein and Roth", freudenstein_roth, &[0.5, -2.0], &[0.0, 48.9842]),
        problem(3, "Powell badly scaled", powell_badly_scaled, &[0.0, 1.0], &[0.0]),
        problem(4, "Brown badly scaled", brown_badly_scaled, &[1.0, 1.0], &[0.0]),
        problem(5, "Beale", beale, &[1.0, 1.0], &[0.0]),
        problem(6, "Jennrich and Sampson", jennrich_sampson, &[0.3, 0.4], &[124.362]),
        problem(7, "helical valley", helical_valley, &[-1.0, 0.0, 0.0], &[0.0]),
        problem(8, "Bard", bard, &[1.0, 1.0, 1.0], &[8.21487e-3]),
        problem(9, "Gaussian", gaussian, &[0.4, 1.0, 0.0], &[1.12793e-8]),
        problem(12, "box, three-dimensional", box_three, &[0.0, 10.0, 20.0], &[0.0]),
        problem(13, "Powell singular", powell_singular, &[3.0, -1.0, 0.0, 1.0], &[0.0]),
        problem(14, "Wood", wood, &[-3.0, -1.0, -3.0, -1.0], &[0.0]),
        problem(15, "Kowalik and Osborne", kowalik_osborne, &[0.25, 0.39, 0.415, 0.39], &[3.07505e-4]),
        problem(16, "Brown and Dennis", brown_dennis, &[25.0, 5.0, -5.0, -1.0], &[85822.20]),
        problem(18, "Biggs EXP6", biggs, &[1.0, 2.0, 1.0, 1.0, 1.0, 1.0], &[0.0, 5.65565e-3]),
        problem(20, "Watson, n = 6", watson, &[0.0; 6], &[2.28767e-3]),
        problem(21, "Rosenbrock, n = 100", rosenbrock, &[-1.2, 1.0].repeat(50), &[0.0]),
        problem(23, "penalty I, n = 10", penalty, &spread(10, &|i| i), &[7.08765e-5]),
        problem(25, "variably dimensioned, n = 20", variably_dimensioned, &spread(20, &|i| 1.0 - i / 20.0), &[0.0]),
        problem(26, "trigonometric, n = 10", trigonometric, &[0.1; 10], &[0.0, 2.79506e-5]),
        problem(
            28,
            "discrete boundary value, n = 10",
            discrete_boundary_value,
            &spread(10, &|i| i / 11.0 * (i / 11.0 - 1.0)),
            &[0.0],
        ),
        problem(30, "Broyden tridiagonal, n = 100", broyden_tridiagonal, &[-1.0; 100], &[0.0]),
        problem(31, "Broyden banded, n = 50", broyden_banded, &[-1.0; 50], &[0.0]),
        problem(35, "Chebyquad, n = 8", chebyquad, &spread(8, &|i| i / 9.0), &[3.51687e-3]),
    ]
}

/// What a search went through.
struct Search {
    /// After each iteration: evaluations so far, value, and the first two parameters.
    path: Vec<(f64, f64, [f64; 2])>,
    slope: f64,
}
/// Steps until the gradient vanishes, or nothing better is found.
fn search(p: &Problem) -> Search {
    let f = value(p.residuals);
    let solver = optim::lbfgs();
    let mut state = solver.init(f, &array(p.start.clone()));
    let step = jit(|s: &LbfgsState<Array>| solver.step(f, s));
    let mut path = vec![];
    loop {
        let x = state.params.to_vec::<f64>();
        path.push((state.evaluations.to_f64(), state.value.to_f64(), [x[0], x[1]]));
        let slope = state.gradient.abs().max().to_f64();
        if slope < 1e-8 || state.stuck.to_bool() || path.len() > 400 {
            return Search { path, slope };
        }
        state = step(&state)
    }
}

fn main() -> Drawn {
    let all = problems();
    let progress = Progress::new("functions", all.len());
    let mut searches = vec![];
    for p in &all {
        searches.push(search(p));
        progress.turn(p.name)
    }
    drop(progress);

    println!(
        "                                       n  iterations  evaluations         value       minimum      slope"
    );
    let mut reached = 0;
    for (p, Search { path, slope }) in all.iter().zip(&searches) {
        let (evaluations, value, _) = path[path.len() - 1];
        let nearest = |a: &&f64, b: &&f64| (value - **a).abs().total_cmp(&(value - **b).abs());
        let minimum = *p.minima.iter().min_by(nearest).expect("a minimum");
        let (n, steps) = (p.start.len(), path.len() - 1);
        let good = if minimum == 0.0 { value < 1e-9 } else { (value / minimum - 1.0).abs() < 1e-5 };
        let good = good && evaluations <= 500.0;
        let (number, name, mark) = (p.number, p.name, if good { "" } else { "  missed" });
        println!(
            "{number:>3} {name:<32} {n:>4} {steps:>11} {evaluations:>12} {value:>13.6e} {minimum:>13.6e} {slope:>10.1e}{mark}"
        );
        reached += good as usize
    }
    println!("{reached} of {} reach a minimum of the paper", all.len());
    assert_eq!(reached, all.len());

    // the whole search as one compiled program: the same steps, the same bits
    let valley = jit(|x: &Array| optim::lbfgs().tolerance(1e-8).minimize(value(rosenbrock), x));
    let found = valley(&array(all[0].start.clone()));
    let (evaluations, least, _) = searches[0].path[searches[0].path.len() - 1];
    assert!(found.converged.to_bool() && found.evaluations.to_f64() == evaluations && found.value.to_f64() == least);

    let grid = Grid { x: -1.7..1.5, y: -0.6..1.7, columns: 321, rows: 231 };
    let points = Array::from_slice(&grid.points(), &[grid.columns * grid.rows, 2]);
    let heights = cotangent::vmap(value(rosenbrock))(&points).to_vec::<f64>();
    save("lbfgs_test_set", (1200, 560), |root| {
        let (left, right) = root.split_horizontally(640);
        let mut chart = axes(&left, "Through Rosenbrock's valley", ("x", -1.7..1.5), ("y", -0.6..1.7))?;
        for level in [0.3, 1.0, 4.0, 20.0, 100.0, 300.0] {
            let lines = grid.contour(&heights, level);
            chart.draw_series(lines.into_iter().map(|l| PathElement::new(l, GRAY.mix(0.8).stroke_width(1))))?;
        }
        let path = searches[0].path.iter().map(|(.., [x, y])| (*x, *y));
        chart
            .draw_series(LineSeries::new(path.clone(), BLUE.stroke_width(2)))?
            .label("L-BFGS, a dot for each iteration")
            .legend(dash(BLUE.into(), 2));
        chart.draw_series(path.map(|p| Circle::new(p, 3, BLUE.filled())))?;
        chart
            .draw_series([Cross::new((1.0, 1.0), 7, ORANGE.stroke_width(3))])?
            .label("the minimum")
            .legend(|(x, y)| Cross::new((x + 10, y), 5, ORANGE.stroke_width(3)));
        legend(&mut chart, SeriesLabelPosition::LowerRight)?;

        let mut chart = axes(
            &right,
            "Functions whose minimum is 0",
            ("evaluations of function and gradient", 0.0..125.0),
            ("value", (1e-20..1e14).log_scale()),
        )?;
        let shown = [(1, BLUE), (4, GRAY), (13, ORANGE), (14, GREEN), (21, RGBColor(204, 121, 167)), (30, BLACK)];
        for (number, color) in shown {
            let i = all.iter().position(|p| p.number == number).expect("a function of the set");
            let points = searches[i].path.iter().map(|(n, value, _)| (*n, value.max(1e-20)));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(all[i].name)
                .legend(dash(color.into(), 2));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}
