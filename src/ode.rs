//! Ordinary differential equations, solved with steps that the solver chooses: the method of Dormand and Prince, of orders 5 and 4.
//!
//! ```
//! use cotangent::{ode::odeint, prelude::*};
//! // y' = -k y, with y = 2 at time 0
//! let f = |y: &Array, _t: &Array, k: &Array| -(k * y);
//! let (start, times) = (array(vec![2f64]), array(vec![0f64, 1.0, 2.0]));
//! let k = Array::from_slice(&[0.5f64], &[]);
//! let y = odeint(f, &start, &times, &k);
//! assert!((y.to_vec::<f64>()[2] - 2.0 * (-1f64).exp()).abs() < 1e-7);
//! // the derivative at time 2 with respect to k is -2 y(2)
//! let last = move |k: &Array| (odeint(f, &start, &times, k) * array![[0.], [0.], [1.]]).sum();
//! assert!((grad(last)(&k).to_f64() + 4.0 * (-1f64).exp()).abs() < 1e-6);
//! ```

use crate::aval::tuple;
use crate::error::{ErrorKind, fail};
use crate::np::where_;
use crate::prim::{self, concatenate, convert_element_type, lit, slice_in_dim, stop_gradient};
use crate::{Array, Pytree, custom_vjp, lax, tree, vjp};
use std::sync::Arc;

/// When each stage is, in parts of the step.
const TIMES: [f64; 6] = [1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
/// Where each stage is: these multiples of the slopes before it (Dormand and Prince, 1980). The last one is the solution of fifth order.
const STAGES: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// The difference from the solution of fourth order, by which steps are chosen: that of Shampine (1986), whose weights are rounder.
const ERROR: [f64; 7] = [
    35.0 / 384.0 - 1951.0 / 21600.0,
    0.0,
    500.0 / 1113.0 - 22642.0 / 50085.0,
    125.0 / 192.0 - 451.0 / 720.0,
    -2187.0 / 6784.0 + 12231.0 / 42400.0,
    11.0 / 84.0 - 649.0 / 6300.0,
    -1.0 / 60.0,
];
/// The solution in the middle of a step, of fourth order (Shampine, 1986).
const MIDDLE: [f64; 7] = [
    6025192743.0 / 30085553152.0 / 2.0,
    0.0,
    51252292925.0 / 65400821598.0 / 2.0,
    -2691868925.0 / 45128329728.0 / 2.0,
    187940372067.0 / 1594534317056.0 / 2.0,
    -1776094331.0 / 19743644256.0 / 2.0,
    11237099.0 / 235043384.0 / 2.0,
];

/// The solution of y' = f(y, t, args) that is `y0` at the first of the times `ts`: a tree like `y0`, whose arrays have the times along a new first axis. Times ascend. As
/// `jax.experimental.ode.odeint`; [`Odeint`] has its options, which are JAX's here.
///
/// The gradient is that of the adjoint equation, which is solved backwards from the last time: it needs no memory for the steps. Forward mode, and derivatives of the very steps that were
/// taken, are those of [`Odeint::through_steps`].
///
/// ```
/// use cotangent::{ode::odeint, prelude::*};
/// let decay = |y: &Array, _: &Array, rate: &Array| -(rate * y);
/// let end = |rate: &Array| odeint(decay, &array(1.0), &array![0., 1.], rate).i(-1);
/// assert!((end(&array(2.0)).to_f64() - (-2f64).exp()).abs() < 1e-5);
/// assert!((grad(end)(&array(2.0)).to_f64() + (-2f64).exp()).abs() < 1e-4);
/// ```
///
/// # Panics
/// If `y0` is not of floating-point numbers, if `ts` is no vector of at least one time, or if `f` returns another structure or other shapes than those of `y0`.
#[track_caller]
pub fn odeint<Y: Pytree, A: Pytree>(
    f: impl Fn(&Y, &Array, &A) -> Y + Send + Sync + 'static,
    y0: &Y,
    ts: &Array,
    args: &A,
) -> Y {
    Odeint::new().solve(f, y0, ts, args)
}

/// [`odeint`] with options.
///
/// ```
/// use cotangent::{ode::Odeint, prelude::*};
/// let decay = |y: &Array, _: &Array, _: &()| -y;
/// let rough = Odeint::new().rtol(1e-3).atol(1e-3).solve(decay, &array(1.0), &array![0., 1.], &());
/// assert!((rough.to_vec::<f32>()[1] - (-1f32).exp()).abs() < 1e-3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Odeint {
    rtol: f64,
    atol: f64,
    steps: usize,
    longest: f64,
    through: bool,
}
impl Default for Odeint {
    fn default() -> Odeint {
        Odeint::new()
    }
}
impl Odeint {
    /// Tolerances of 1.4e-8, as many and as long steps as it takes, and the gradient of the adjoint equation.
    ///
    /// ```
    /// use cotangent::{ode::Odeint, prelude::*};
    /// let slope = |y: &Array, t: &Array, _: &()| y * 0.0 + 2.0 * t;
    /// let squares = Odeint::new().solve(slope, &array(vec![0f64]), &array![0., 1., 3.], &());
    /// assert!((squares - array![[0.], [1.], [9.]]).abs().sum().to_f64() < 1e-6);
    /// ```
    pub fn new() -> Odeint {
        Odeint { rtol: 1.4e-8, atol: 1.4e-8, steps: i32::MAX as usize, longest: f64::INFINITY, through: false }
    }
    /// The error that a step may make, relative to the solution.
    ///
    /// ```
    /// use cotangent::{ode::Odeint, prelude::*};
    /// let grow = |y: &Array, _: &Array, _: &()| y.share();
    /// let error = |rtol| {
    ///     let y = Odeint::new().rtol(rtol).solve(grow, &array(vec![1f64]), &array![0., 5.], &());
    ///     (y.i((1, 0)).to_f64() - 5f64.exp()).abs()
    /// };
    /// assert!(error(1e-10) < 1e-6 && error(1e-10) < error(1e-3));
    /// ```
    pub fn rtol(mut self, rtol: f64) -> Odeint {
        self.rtol = rtol;
        self
    }
    /// The error that a step may make in any case.
    ///
    /// ```
    /// use cotangent::{ode::Odeint, prelude::*};
    /// let grow = |y: &Array, _: &Array, _: &()| y.share();
    /// let error = |atol| {
    ///     let y = Odeint::new().rtol(0.0).atol(atol).solve(grow, &array(vec![1f64]), &array![0., 3.], &());
    ///     (y.i((1, 0)).to_f64() - 3f64.exp()).abs()
    /// };
    /// assert!(error(1e-9) < 1e-6 && error(1e-9) < error(1e-2));
    /// ```
    pub fn atol(mut self, atol: f64) -> Odeint {
        self.atol = atol;
        self
    }
    /// How many steps may be tried for each time: JAX's `mxstep`. What is not reached is NaN.
    ///
    /// ```
    /// use cotangent::{ode::Odeint, prelude::*};
    /// let turn = |y: &Array, _: &Array, _: &()| -100.0 * y;
    /// let end = |n| Odeint::new().max_steps(n).solve(turn, &array(1.0), &array![0., 1.], &()).i(1).to_f64();
    /// assert!(end(2).is_nan() && end(1000) < 1e-6);
    /// ```
    pub fn max_steps(mut self, steps: usize) -> Odeint {
        self.steps = steps.min(i32::MAX as usize);
        self
    }
    /// How long a step may be: JAX's `hmax`.
    ///
    /// ```
    /// use cotangent::{np, ode::Odeint, prelude::*};
    /// // nothing happens but a short push at time 5, which long steps miss
    /// let push = |_: &Array, t: &Array, _: &()| np::where_(&(t - 5.0).abs().lt(0.25), 1.0, 0.0);
    /// let end = |solver: Odeint| solver.rtol(1e-3).atol(1e-3).solve(push, &array(0.0), &array![0., 10.], &()).i(1).to_f64();
    /// assert_eq!(end(Odeint::new()), 0.0);
    /// assert!((end(Odeint::new().max_step(0.2)) - 0.5).abs() < 0.05);
    /// ```
    pub fn max_step(mut self, length: f64) -> Odeint {
        self.longest = length;
        self
    }
    /// Derivatives go through the steps that were taken, whose lengths count as constants: of the numerical solution, in both modes and of any order, with memory for every step in reverse
    /// mode.
    ///
    /// ```
    /// use cotangent::{jvp, ode::Odeint, prelude::*};
    /// let decay = |y: &Array, _: &Array, rate: &Array| -(rate * y);
    /// let solver = Odeint::new().through_steps(); // forward mode needs it
    /// let end = |rate: &Array| solver.solve(decay, &array(1f64), &array![0., 1.], rate).i(1);
    /// let (_, slope) = jvp(end, (&array(2f64),), (&array(1f64),));
    /// assert!((slope.to_f64() + (-2f64).exp()).abs() < 1e-6);
    /// ```
    pub fn through_steps(mut self) -> Odeint {
        self.through = true;
        self
    }
    /// The solution: see [`odeint`].
    ///
    /// ```
    /// use cotangent::{ode::Odeint, prelude::*};
    /// // a swing, whose place and speed are the two leaves of the state
    /// let swing = |y: &(Array, Array), _: &Array, _: &()| (y.1.share(), -&y.0);
    /// let (place, _) = Odeint::new().solve(swing, &(array(1f64), array(0f64)), &array![0., 1., 2.], &());
    /// assert!((place.i(2).to_f64() - 2f64.cos()).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// As [`odeint`].
    #[track_caller]
    pub fn solve<Y: Pytree, A: Pytree>(
        self,
        f: impl Fn(&Y, &Array, &A) -> Y + Send + Sync + 'static,
        y0: &Y,
        ts: &Array,
        args: &A,
    ) -> Y {
        let flat = tree::ravel(y0);
        if let Some(x) = tree::leaves(y0).iter().find(|x| !x.dtype().is_float()) {
            fail(
                ErrorKind::Type,
                format!("odeint: the state consists of floating-point numbers, not of a value of type {}", x.aval()),
            )
        }
        if ts.ndim() != 1 || ts.size() == 0 || !(ts.dtype().is_float() || ts.dtype().is_integer()) {
            fail(
                ErrorKind::Shape,
                format!("odeint: the times are a vector of real numbers, not a value of type {}", ts.aval()),
            )
        }
        let ts = convert_element_type(ts, flat.dtype(), false);
        let (y_like, args_like) = (template(y0), template(args));
        let slope = move |y: &Array, t: &Array, args: &[Array]| {
            let made = f(&unravel(&y_like, y), t, &args_like.0.rebuild(&mut args.iter().cloned()));
            check(&y_like, &made);
            convert_element_type(&tree::ravel(&made), y.dtype(), false)
        };
        let rows = self.flat(Arc::new(slope), flat, ts.clone(), tree::leaves(args));
        let mut at = 0;
        let column = |x: &Array| {
            let piece = slice_in_dim(&rows, at, at + x.size(), 1, 1);
            at += x.size();
            let shape: Vec<usize> = [ts.size()].into_iter().chain(x.shape().iter().copied()).collect();
            convert_element_type(&prim::reshape(&piece, &shape), x.dtype(), false)
        };
        let columns: Vec<Array> = tree::leaves(y0).iter().map(column).collect();
        y0.rebuild(&mut columns.into_iter())
    }

    /// The solution of a vector's equation, a row for each time.
    #[track_caller]
    fn flat(self, f: Slope, y0: Array, ts: Array, args: Vec<Array>) -> Array {
        if self.through {
            return self.integrate(&|y, t| f(y, t, &args), &y0, &ts);
        }
        let (g, h) = (f.clone(), f.clone());
        let solve = move |y0: &Array, ts: &Array, args: &Vec<Array>| self.integrate(&|y, t| f(y, t, args), y0, ts);
        custom_vjp(
            solve,
            move |(y0, ts, args): (Array, Array, Vec<Array>)| {
                let ys = self.integrate(&|y, t| g(y, t, &args), &y0, &ts);
                (ys.clone(), (ys, ts, args))
            },
            move |(ys, ts, args): (Array, Array, Vec<Array>), ct: Array| self.adjoint(&h, &ys, &ts, args, &ct),
        )(&y0, &ts, &args)
    }

    /// The cotangents of the first state, the times and the arguments. Backwards in time runs the state, together with its cotangent and those of the arguments.
    fn adjoint(self, f: &Slope, ys: &Array, ts: &Array, args: Vec<Array>, ct: &Array) -> (Array, Array, Vec<Array>) {
        let n = ys.shape()[1];
        let moving: Vec<usize> = (0..args.len()).filter(|i| args[*i].dtype().is_float()).collect();
        let filled = |moved: &Vec<Array>| {
            let mut all = args.clone();
            moving.iter().zip(moved).for_each(|(i, a)| all[*i] = a.clone());
            all
        };
        let moved: Vec<Array> = moving.iter().map(|i| args[*i].clone()).collect();
        let parts = |x: &Array| {
            let size = x.size();
            (slice_in_dim(x, 0, n, 1, 0), slice_in_dim(x, n, 2 * n, 1, 0), slice_in_dim(x, 2 * n, size, 1, 0))
        };
        // of (state, its cotangent, the cotangents of the arguments), by -t
        let augmented = |x: &Array, t: &Array| {
            let (y, y_bar, _) = parts(x);
            let slope = |y: &Array, moved: &Vec<Array>| f(y, &-t, &filled(moved));
            let (dy, pull) = vjp(slope, (&y, &moved));
            let (by_y, by_args) = pull.call_once(&y_bar);
            concatenate(&[&-dy, &by_y, &convert_element_type(&tree::ravel(&by_args), x.dtype(), false)], 0)
        };
        let row = |x: &Array, i: &Array| {
            let zero = lit(i, 0.0);
            prim::reshape(&prim::dynamic_slice(x, &[i, &zero], &[1, n]), &[n])
        };
        let time = |i: &Array| prim::squeeze(&prim::dynamic_slice(ts, &[i], &[1]), &[0]);
        let turns = ts.size() - 1;
        let none = convert_element_type(&prim::zeros_of(tree::ravel(&moved).aval()), ys.dtype(), false);
        let init = (slice_row(ct, turns), none);
        let turn = |(y_bar, args_bar): &(Array, Array), i: &Array| {
            let (now, before) = (time(i), time(&(i - 1)));
            let y = row(ys, i);
            let t_bar = f(&y, &now, &args).dot(&row(ct, i));
            let both = prim::stack(&[&-now, &-before], 0);
            let back = self.integrate(&augmented, &concatenate(&[&y, y_bar, args_bar], 0), &both);
            let (_, y_bar, args_bar) = parts(&slice_row(&back, 1));
            ((y_bar + row(ct, &(i - 1)), args_bar), t_bar)
        };
        let index = prim::iota(crate::DType::Int32, &[turns], 0) + 1;
        let ((y_bar, args_bar), t_bars) = lax::Scan::new().reverse(true).run(turn, &init, &index);
        // who begins later is behind by what is moved in that time
        let first = slice_row(ys, 0);
        let t0 = prim::squeeze(&slice_in_dim(ts, 0, 1, 1, 0), &[0]);
        let t0_bar = -(&y_bar - slice_row(ct, 0)).dot(&f(&first, &t0, &args));
        let ts_bar = concatenate(&[&prim::reshape(&t0_bar, &[1]), &t_bars], 0);
        let mut back = args.clone();
        let made = tree::unravel(&moved, &args_bar);
        moving.iter().zip(made).for_each(|(i, a)| back[*i] = a);
        (y_bar, ts_bar, back)
    }

    /// Steps from time to time, a row for each.
    fn integrate(self, f: &dyn Fn(&Array, &Array) -> Array, y0: &Array, ts: &Array) -> Array {
        let scalar = |v: f64| prim::full_of(&y0.aval().with_shape([]), v);
        let t0 = prim::squeeze(&slice_in_dim(ts, 0, 1, 1, 0), &[0]);
        let f0 = f(y0, &t0);
        // how long a step is taken is a decision and no quantity: it has no derivative
        let h = stop_gradient(&self.first_step(f, &stop_gradient(&t0), &stop_gradient(y0), &stop_gradient(&f0)));
        let flat = [0.0; 4].map(|v| prim::full_of(y0.aval(), v));
        let init = Step {
            y: y0.clone(),
            f: f0,
            t: t0.clone(),
            h,
            last: t0,
            shape: [&flat[..], std::slice::from_ref(y0)].concat(),
            tries: scalar(0.0),
        };
        let reach = |from: &Step, target: &Array| {
            let more = |s: &Step| {
                prim::lt(&s.t, target)
                    & prim::lt(&s.tries, &lit(&s.tries, self.steps as f64))
                    & prim::gt(&s.h, &lit(&s.h, 0.0))
            };
            let fresh = Step { tries: scalar(0.0), ..from.share() };
            let s = lax::while_loop(more, |s| self.step(f, s), &fresh);
            let part = (target - &s.last) / where_(&prim::eq(&s.t, &s.last), 1.0, &s.t - &s.last);
            let (first, rest) = s.shape.split_first().expect("coefficients");
            let y = rest.iter().fold(first.clone(), |y, c| y * &part + c);
            let y = where_(&prim::lt(&s.t, target), f64::NAN, &y);
            (s, y)
        };
        let (_, rows) = lax::scan(|s: &Step, t: &Array| reach(s, t), &init, &slice_in_dim(ts, 1, ts.size(), 1, 0));
        concatenate(&[&prim::expand_dims(y0, &[0]), &rows], 0)
    }
    /// One trial: taken if its error is within the tolerance.
    fn step(self, f: &dyn Fn(&Array, &Array) -> Array, s: &Step) -> Step {
        let mut slopes = vec![s.f.clone()];
        let mut next = s.y.clone();
        for (weights, part) in STAGES.iter().zip(TIMES) {
            next = &s.y + &s.h * combined(&slopes, weights);
            slopes.push(f(&next, &(&s.t + part * &s.h)))
        }
        let error = &s.h * combined(&slopes, &ERROR);
        let allowed = self.atol + self.rtol * prim::max(&s.y.abs(), &next.abs());
        let ratio = stop_gradient(&(error / allowed)).powi(2).mean().sqrt();
        // a NaN is a bad step as well
        let good = prim::le(&ratio, &lit(&ratio, 1.0));
        let t = &s.t + &s.h;
        let h = stop_gradient(&self.next_step(&s.h, &ratio));
        let middle = &s.y + &s.h * combined(&slopes, &MIDDLE);
        let shape = fitted(&s.y, &next, &middle, &(&s.h * &slopes[0]), &(&s.h * &slopes[6]));
        let keep = |new: &Array, old: &Array| where_(&good, new, old);
        Step {
            y: keep(&next, &s.y),
            f: keep(&slopes[6], &s.f),
            t: keep(&t, &s.t),
            last: keep(&s.t, &s.last),
            shape: shape.iter().zip(&s.shape).map(|(new, old)| keep(new, old)).collect(),
            h: h.minimum(self.longest),
            tries: &s.tries + 1.0,
        }
    }
    /// The step that would have made an error a little below the tolerance, but not much longer or shorter than the last one.
    fn next_step(self, h: &Array, ratio: &Array) -> Array {
        let least = where_(&ratio.lt(1.0), 1.0, 0.2);
        let factor = prim::min(&(ratio.pow(-0.2) * 0.9).maximum(&least), &lit(ratio, 10.0));
        // an error that is no number tells nothing but that the step was too long
        let factor = where_(&prim::ne(ratio, ratio), 0.2, factor);
        h * where_(&prim::eq(ratio, &lit(ratio, 0.0)), 10.0, factor)
    }
    /// A first step (Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4).
    fn first_step(self, f: &dyn Fn(&Array, &Array) -> Array, t0: &Array, y0: &Array, f0: &Array) -> Array {
        let scale = self.atol + y0.abs() * self.rtol;
        let size = |x: &Array| (x / &scale).powi(2).sum().sqrt();
        let (d0, d1) = (size(y0), size(f0));
        let tiny = d0.lt(1e-5) | d1.lt(1e-5);
        let h0 = where_(&tiny, 1e-6, 0.01 * &d0 / where_(&tiny, 1.0, &d1));
        let f1 = f(&(y0 + &h0 * f0), &(t0 + &h0));
        let d2 = size(&(f1 - f0)) / &h0;
        let flat = prim::le(&d1, &lit(&d1, 1e-15)) & prim::le(&d2, &lit(&d2, 1e-15));
        let most = where_(&flat, 1.0, prim::max(&d1, &d2));
        let h1 = where_(&flat, (&h0 * 1e-3).maximum(1e-6), (0.01 / most).pow(0.2));
        prim::min(&(100.0 * h0), &h1).minimum(self.longest)
    }
}

/// The slope at a state and a time, of leaves of the arguments.
type Slope = Arc<dyn Fn(&Array, &Array, &[Array]) -> Array + Send + Sync>;

/// Where the solver is: state, slope and time, the step to try, and the last step as a polynomial of its part, with the time at which it began.
#[derive(Pytree)]
struct Step {
    y: Array,
    f: Array,
    t: Array,
    h: Array,
    last: Array,
    shape: Vec<Array>,
    tries: Array,
}
/// `sum of weights * slopes`, without those that are not there.
fn combined(slopes: &[Array], weights: &[f64]) -> Array {
    let terms = slopes.iter().zip(weights).filter(|(_, w)| **w != 0.0);
    terms.map(|(k, w)| k * *w).reduce(|a, b| a + b).expect("a slope")
}
/// The coefficients of the polynomial of fourth degree over [0, 1] with these values at both ends and in the middle, and these slopes at the ends; that of the highest power first.
fn fitted(y0: &Array, y1: &Array, middle: &Array, d0: &Array, d1: &Array) -> Vec<Array> {
    vec![
        2.0 * (d1 - d0) - 8.0 * (y0 + y1) + 16.0 * middle,
        5.0 * d0 - 3.0 * d1 + 18.0 * y0 + 14.0 * y1 - 32.0 * middle,
        d1 - 4.0 * d0 - 11.0 * y0 - 5.0 * y1 + 16.0 * middle,
        d0.clone(),
        y0.clone(),
    ]
}
fn slice_row(x: &Array, i: usize) -> Array {
    prim::squeeze(&slice_in_dim(x, i, i + 1, 1, 0), &[0])
}

/// A tree without its values: its structure, and the types of its leaves. No tracer is kept.
struct Template<T>(T, Vec<crate::Aval>);
fn template<T: Pytree>(x: &T) -> Template<T> {
    let types = tree::leaves(x).iter().map(|x| x.aval().clone()).collect();
    Template(tree::map(x, |_| crate::array(false)), types)
}
fn unravel<T: Pytree>(like: &Template<T>, vector: &Array) -> T {
    let mut at = 0;
    let take = |a: &crate::Aval| {
        let piece = slice_in_dim(vector, at, at + a.size(), 1, 0);
        at += a.size();
        convert_element_type(&prim::reshape(&piece, &a.shape), a.dtype, false)
    };
    let leaves: Vec<Array> = like.1.iter().map(take).collect();
    like.0.rebuild(&mut leaves.into_iter())
}
/// A slope has the structure and the shapes of the state.
#[track_caller]
fn check<T: Pytree>(like: &Template<T>, made: &T) {
    if let Some(m) = tree::difference(&like.0, made) {
        fail(
            ErrorKind::Structure,
            format!("odeint: the function returns another structure than that of the state: {m}"),
        )
    }
    for ((x, a), path) in tree::leaves(made).iter().zip(&like.1).zip(tree::paths(made)) {
        if x.shape() != &a.shape[..] {
            let text = format!(
                "odeint: the slope{path} has shape {}, but the state there has shape {}",
                tuple(x.shape()),
                tuple(&a.shape)
            );
            fail(ErrorKind::Shape, text)
        }
    }
}
