//! What a random program means: host loops and branches over numbers, without arrays, traces or transformations.

use crate::number::Number;
use crate::program::{Binary, Node, Op, Unary};

/// How derivatives inside of a program are taken.
#[derive(Clone, Copy, PartialEq)]
pub enum Derivatives {
    /// With infinitesimals, exactly.
    Infinitesimal,
    /// As differences over steps of this size, nine points at a time.
    Differences(f64),
}

/// The weights of the points at 1, 2, 3 and 4 steps, of which those on the other side have the negatives.
const STENCIL: [f64; 4] = [4.0 / 5.0, -1.0 / 5.0, 4.0 / 105.0, -1.0 / 280.0];
/// Programs that do more than this are not worth their time.
const STEPS: usize = 300_000;

type Vector = Vec<Number>;

/// Evaluates programs and notices what makes their values unfit for a comparison.
pub struct Reference {
    derivatives: Derivatives,
    /// How many infinitesimals are in use.
    depth: usize,
    steps: usize,
    /// All decisions of branches and loops, as one number.
    path: u64,
    /// The largest coefficient of any value.
    pub largest: f64,
    /// Were there differences across a change of a decision?
    pub broken: bool,
}

impl Reference {
    /// Takes derivatives in this way.
    pub fn new(derivatives: Derivatives) -> Reference {
        Reference { derivatives, depth: 0, steps: 0, path: 0, largest: 0.0, broken: false }
    }
    /// The value of a program, if it ends in time.
    pub fn run(&mut self, program: &Node, x: &[f64]) -> Option<Vec<f64>> {
        let y = self.eval(program, &[x.iter().map(|x| Number::of(*x)).collect()]);
        let fits = self.steps < STEPS && y.iter().all(|y| y.real().is_finite());
        fits.then(|| y.iter().map(Number::real).collect())
    }
    fn decided(&mut self, what: usize) -> usize {
        self.path = (self.path ^ (what as u64 + 1)).wrapping_mul(0x100_0000_01b3).rotate_left(17);
        what
    }

    fn eval(&mut self, n: &Node, env: &[Vector]) -> Vector {
        self.steps += 1;
        if self.steps > STEPS {
            return env[0].clone();
        }
        let a: Vec<Vector> = n.arguments.iter().map(|a| self.eval(a, env)).collect();
        let y = self.apply(n, &a, env);
        let coefficients = y.iter().flat_map(|y| &y.0);
        self.largest = coefficients.fold(self.largest, |m, c| m.max(c.abs()));
        y
    }
    /// A body with these parameters.
    fn body(&mut self, n: &Node, body: usize, parameters: &[&Vector], env: &[Vector]) -> Vector {
        let visible = if n.op.closed() { &[] } else { env };
        let inner: Vec<Vector> = visible.iter().chain(parameters.iter().copied()).cloned().collect();
        self.eval(&n.bodies[body], &inner)
    }

    fn apply(&mut self, n: &Node, a: &[Vector], env: &[Vector]) -> Vector {
        match &n.op {
            Op::Var(k) => env[*k].clone(),
            Op::Const(c) => c.iter().map(|c| Number::of(*c)).collect(),
            Op::Unary(u) => unary(*u, &a[0]),
            Op::Binary(b) => a[0].iter().zip(&a[1]).map(|(x, y)| binary(*b, x, y)).collect(),
            Op::Outer => {
                let inner = a[1].iter().zip(&a[2]).map(|(x, y)| x.times(y)).reduce(|x, y| x.plus(&y));
                let inner = inner.expect("an element");
                a[0].iter().map(|x| x.times(&inner)).collect()
            }
            Op::Let | Op::Jit | Op::Checkpoint { .. } => self.body(n, 0, &[&a[0]], env),
            Op::Map { lanes, weights, .. } => {
                let mut sum = zeros(&a[0]);
                for (lane, weight) in lanes.iter().zip(weights) {
                    let y = self.body(n, 0, &[&scaled(&a[0], *lane), &a[1]], env);
                    sum = plus(&sum, &scaled(&y, *weight))
                }
                sum
            }
            Op::Scan { elements, weights, reverse, .. } => {
                let (mut c, mut d, mut sum) = (a[0].clone(), a[1].clone(), zeros(&a[0]));
                for t in 0..elements.len() {
                    let t = if *reverse { elements.len() - 1 - t } else { t };
                    let x = scaled(&a[2], elements[t]);
                    let [next, other, y] = [0, 1, 2].map(|b| self.body(n, b, &[&c, &d, &x], env));
                    sum = plus(&sum, &scaled(&y, weights[t]));
                    (c, d) = (next, other)
                }
                plus(&plus(&c, &d), &sum)
            }
            Op::Fori { lower, upper, .. } => {
                let (mut c, mut d) = (a[0].clone(), a[1].clone());
                for i in *lower..*upper {
                    let i = vec![Number::of(i as f64 * 0.1); c.len()];
                    let [next, other] = [0, 1].map(|b| self.body(n, b, &[&c, &d, &i], env));
                    (c, d) = (next, other)
                }
                plus(&c, &d)
            }
            Op::While { turns, above } => {
                let (mut c, mut d) = (a[0].clone(), a[1].clone());
                let mut turn = 0;
                while turn < *turns && c.iter().map(|c| c.real() * c.real()).sum::<f64>() > *above {
                    let [next, other] = [0, 1].map(|b| self.body(n, b, &[&c, &d], env));
                    (c, d) = (next, other);
                    turn += 1
                }
                self.decided(turn);
                plus(&c, &d)
            }
            Op::Cond { above } => {
                let branch = self.decided((real_sum(&a[0]) <= *above) as usize);
                self.body(n, branch, &[&a[1]], env)
            }
            Op::Switch => {
                let branch = self.decided((2.0 * real_sum(&a[0])).floor().clamp(0.0, 2.0) as usize);
                self.body(n, branch, &[&a[1]], env)
            }
            Op::CustomJvp { factor } | Op::CustomVjp { factor } => self.custom(n, a, *factor),
            Op::Forward(_) => self.along(n, a, &a[1], env),
            Op::Reverse(_) => {
                let mut back = vec![];
                for i in 0..a[0].len() {
                    let mut direction = zeros(&a[0]);
                    direction[i] = Number::of(1.0);
                    let dy = self.along(n, a, &direction, env);
                    back.push(dot(&dy, &a[1]))
                }
                back
            }
        }
    }

    /// A function with a rule of its own: the innermost derivative that asks is given the true one times the factor; others see the value, to which
    /// the same applies, and the rule's own operations.
    fn custom(&mut self, n: &Node, a: &[Vector], factor: f64) -> Vector {
        let length = a.iter().flatten().map(|x| x.0.len()).max().expect("an argument");
        let y = self.body(n, 0, &a.iter().collect::<Vec<_>>(), &[]);
        if length == 1 {
            return y;
        }
        let k = length.trailing_zeros() as usize - 1;
        let below: Vec<Vector> = a.iter().map(|a| a.iter().map(|x| x.without(k)).collect()).collect();
        let value = self.custom(n, &below, factor);
        value.iter().zip(&y).map(|(v, y)| v.moved(&y.beside(k).scaled(factor), k)).collect()
    }

    /// The derivative of the body at the first argument.
    fn along(&mut self, n: &Node, a: &[Vector], direction: &Vector, env: &[Vector]) -> Vector {
        let Derivatives::Differences(step) = self.derivatives else {
            let k = self.depth;
            self.depth += 1;
            let x = a[0].iter().zip(direction).map(|(x, d)| x.moved(d, k)).collect();
            let y = self.body(n, 0, &[&x], env);
            self.depth -= 1;
            return y.iter().map(|y| y.beside(k)).collect();
        };
        // a step is measured where the function is, not by the length of the direction
        let length = direction.iter().map(|d| d.real() * d.real()).sum::<f64>().sqrt();
        if length == 0.0 {
            return zeros(direction);
        }
        let (before, mut sum) = (self.path, zeros(direction));
        self.body(n, 0, &[&a[0]], env);
        let path = self.path;
        for (i, weight) in STENCIL.iter().enumerate() {
            for side in [1.0, -1.0] {
                let x = plus(&a[0], &scaled(direction, side * (i + 1) as f64 * step / length));
                self.path = before;
                let y = self.body(n, 0, &[&x], env);
                self.broken |= self.path != path;
                sum = plus(&sum, &scaled(&y, side * weight * length / step))
            }
        }
        sum
    }
}

fn zeros(like: &Vector) -> Vector {
    vec![Number::of(0.0); like.len()]
}
fn plus(x: &Vector, y: &Vector) -> Vector {
    x.iter().zip(y).map(|(x, y)| x.plus(y)).collect()
}
fn scaled(x: &Vector, by: f64) -> Vector {
    x.iter().map(|x| x.scaled(by)).collect()
}
fn dot(x: &Vector, y: &Vector) -> Number {
    x.iter().zip(y).fold(Number::of(0.0), |sum, (x, y)| sum.plus(&x.times(y)))
}
fn real_sum(x: &Vector) -> f64 {
    x.iter().map(Number::real).sum()
}
fn unary(u: Unary, x: &Vector) -> Vector {
    let each = |f: fn(&Number) -> Number| x.iter().map(f).collect();
    match u {
        Unary::Sin => each(Number::sin),
        Unary::Cos => each(Number::cos),
        Unary::Tanh => each(Number::tanh),
        Unary::Sum => vec![x.iter().fold(Number::of(0.0), |s, x| s.plus(x)); x.len()],
        Unary::Roll => x.iter().cycle().skip(1).take(x.len()).cloned().collect(),
        Unary::Rev => x.iter().rev().cloned().collect(),
        Unary::Cumsum => (1..=x.len()).map(|n| x[..n].iter().fold(Number::of(0.0), |s, x| s.plus(x))).collect(),
    }
}
fn binary(b: Binary, x: &Number, y: &Number) -> Number {
    match b {
        Binary::Add => x.plus(y),
        Binary::Sub => x.plus(&y.scaled(-1.0)),
        Binary::Mul => x.times(y),
        Binary::Div => x.times(&Number::of(2.5).plus(&y.tanh()).inverse()),
    }
}
