//! The limited-memory method of Broyden, Fletcher, Goldfarb and Shanno: steps along an estimate of Newton's direction, as long as a line search says.
//!
//! The direction is that of the two-loop recursion (Nocedal, 1980; Nocedal and Wright, Numerical Optimization, algorithm 7.4), the search finds a point that meets the
//! strong conditions of Wolfe (algorithms 3.5 and 3.6, in one loop).

use crate::error::{ErrorKind, fail};
use crate::np::where_;
use crate::prim::{self, concatenate, lit, scalar_of, slice_in_dim};
use crate::{Array, DType, Pytree, debug, lax, tree, value_and_grad};
use std::sync::Arc;

/// Sufficient decrease, and how flat the slope must be, relative to those at the start.
const DECREASE: f64 = 1e-4;
const FLATNESS: f64 = 0.9;

/// L-BFGS: see [`lbfgs`].
///
/// ```
/// use cotangent::{optim::{self, Lbfgs}, prelude::*};
/// let careful: Lbfgs = optim::lbfgs().tolerance(1e-10);
/// let found = careful.minimize(|x: &Array| (x.cosh() - x).sum(), &array(vec![0f64]));
/// assert!((found.params.i(0).to_f64() - 1f64.asinh()).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lbfgs {
    memory: usize,
    iterations: usize,
    tolerance: f64,
    trials: usize,
}
/// A minimizer of smooth functions without noise. It runs eagerly and within compiled functions: its loops are [`lax::while_loop`](crate::lax::while_loop).
///
/// ```
/// use cotangent::{optim, prelude::*};
/// let valley = |p: &(Array, Array)| (1.0 - &p.0).powi(2) + 100.0 * (&p.1 - p.0.powi(2)).powi(2);
/// let found = optim::lbfgs().minimize(valley, &(array(-1.2f64), array(1f64)));
/// assert!(found.converged.to_bool() && (found.params.0.to_f64() - 1.0).abs() < 1e-6);
/// assert!(found.iterations.to_f64() < 60.0);
/// ```
pub fn lbfgs() -> Lbfgs {
    Lbfgs { memory: 10, iterations: 500, tolerance: 1e-5, trials: 20 }
}

/// What an iteration leaves.
///
/// ```
/// use cotangent::{optim, prelude::*};
/// let state = optim::lbfgs().memory(3).init(|x: &Array| x.dot(x), &array![1., 2.]);
/// assert_eq!((state.value.to_f64(), state.gradient.to_string()), (5.0, "[2. 4.]".into()));
/// assert_eq!(state.steps.shape(), [3, 2]);
/// ```
#[derive(Pytree, Clone, Debug)]
pub struct LbfgsState<P> {
    /// The parameters.
    pub params: P,
    /// The function there, a scalar.
    pub value: Array,
    /// The gradient there, as one vector.
    pub gradient: Array,
    /// The last steps as rows, the newest last.
    pub steps: Array,
    /// How the gradient changed with each.
    pub changes: Array,
    /// How many iterations were made.
    pub iterations: Array,
    /// How often the function was evaluated, with its gradient.
    pub evaluations: Array,
    /// Did the last search find no better point?
    pub stuck: Array,
}
/// What [`Lbfgs::minimize`] found.
///
/// ```
/// use cotangent::{optim, prelude::*};
/// let found = optim::lbfgs().minimize(|x: &Array| (x - 3.0).powi(2) + 1.0, &array(3.0));
/// assert_eq!((found.value.to_f64(), found.gradient.to_string()), (1.0, "[0.]".into()));
/// assert_eq!((found.iterations.to_f64(), found.converged.to_bool()), (0.0, true));
/// ```
#[derive(Pytree, Clone, Debug)]
pub struct Minimum<P> {
    /// The parameters.
    pub params: P,
    /// The function there.
    pub value: Array,
    /// Its gradient there, as one vector.
    pub gradient: Array,
    /// How many iterations were made.
    pub iterations: Array,
    /// How often the function was evaluated, with its gradient.
    pub evaluations: Array,
    /// Is each element of the gradient within the tolerance?
    pub converged: Array,
}

/// How far [`Lbfgs::minimize_watched`] has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The iteration, counted from 1.
    pub iteration: usize,
    /// The function after it.
    pub value: f64,
    /// The greatest element of the gradient, which the tolerance limits.
    pub slope: f64,
}
fn steepest(s: &LbfgsState<Array>) -> Array {
    prim::reduce_max(&s.gradient.abs(), &[0])
}

type Eval<'a> = &'a dyn Fn(&Array) -> (Array, Array);

impl Lbfgs {
    /// From how many steps the curvature is estimated: 10, unless it is said here.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let f = |p: &Array| (1.0 - p.i(0)).powi(2) + 100.0 * (p.i(1) - p.i(0).powi(2)).powi(2);
    /// let tries = |n| optim::lbfgs().memory(n).minimize(f, &array![-1.2f64, 1.0]).iterations.to_f64();
    /// assert!(tries(10) < tries(1));
    /// ```
    pub fn memory(mut self, steps: usize) -> Lbfgs {
        self.memory = steps.max(1);
        self
    }
    /// After how many iterations [`minimize`](Lbfgs::minimize) gives up: 500, unless it is said here.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let f = |p: &Array| (1.0 - p.i(0)).powi(2) + 100.0 * (p.i(1) - p.i(0).powi(2)).powi(2);
    /// let found = optim::lbfgs().max_iterations(5).minimize(f, &array![-1.2f64, 1.0]);
    /// assert_eq!((found.iterations.to_f64(), found.converged.to_bool()), (5.0, false));
    /// ```
    pub fn max_iterations(mut self, n: usize) -> Lbfgs {
        self.iterations = n;
        self
    }
    /// At which greatest element of the gradient [`minimize`](Lbfgs::minimize) is content: 1e-5, unless it is said here.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let f = |x: &Array| (x.powi(4) + (x - 1.0).powi(2)).sum();
    /// let found = |t| optim::lbfgs().tolerance(t).minimize(f, &array(vec![5f64]));
    /// assert!(found(1e-1).iterations.to_f64() < found(1e-9).iterations.to_f64());
    /// ```
    pub fn tolerance(mut self, tolerance: f64) -> Lbfgs {
        self.tolerance = tolerance;
        self
    }
    /// How many points a search may try: 20, unless it is said here.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// // the first step is far too long: to find a better one takes more than one trial
    /// let f = |x: &Array| (1e6 * x.powi(2)).cosh();
    /// let found = |n| optim::lbfgs().max_trials(n).minimize(f, &array(1e-3f64)).converged.to_bool();
    /// assert_eq!((found(1), found(20)), (false, true));
    /// ```
    pub fn max_trials(mut self, n: usize) -> Lbfgs {
        self.trials = n.max(1);
        self
    }

    /// The state at these parameters.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let state = optim::lbfgs().init(|p: &(Array, Array)| &p.0 * &p.1, &(array(2.0), array(5.0)));
    /// assert_eq!((state.value.to_f64(), state.gradient.to_string()), (10.0, "[5. 2.]".into()));
    /// ```
    ///
    /// # Panics
    /// If the parameters are not of floating-point numbers, or if `f` does not return a scalar.
    #[track_caller]
    pub fn init<P: Pytree>(&self, f: impl Fn(&P) -> Array + Send + Sync, params: &P) -> LbfgsState<P> {
        with_vectors(f, params, |eval, x| self.begin(eval, x)).of(params)
    }
    /// The state after one more iteration.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let (rule, f) = (optim::lbfgs(), |x: &Array| (x - 2.0).powi(2).sum());
    /// let mut state = rule.init(f, &array![0., 10.]);
    /// while state.value.to_f64() > 1e-6 {
    ///     state = rule.step(f, &state)
    /// }
    /// assert!(state.iterations.to_f64() < 5.0 && (state.params - 2.0).abs().sum().to_f64() < 2e-3);
    /// ```
    ///
    /// # Panics
    /// As [`init`](Lbfgs::init).
    #[track_caller]
    pub fn step<P: Pytree>(&self, f: impl Fn(&P) -> Array + Send + Sync, state: &LbfgsState<P>) -> LbfgsState<P> {
        let now = state.flat();
        with_vectors(f, &state.params, |eval, _| self.advance(eval, &now)).of(&state.params)
    }
    /// A local minimum, searched from these parameters on.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// let target = array![1., -2., 3.];
    /// let found = optim::lbfgs().minimize(|x: &Array| (x - &target).powi(2).sum(), &array![0., 0., 0.]);
    /// assert!((found.params - &target).abs().sum().to_f64() < 1e-5);
    /// ```
    ///
    /// # Panics
    /// As [`init`](Lbfgs::init).
    #[track_caller]
    pub fn minimize<P: Pytree>(&self, f: impl Fn(&P) -> Array + Send + Sync, params: &P) -> Minimum<P> {
        self.minimum(f, params, &|_| ())
    }
    /// [`minimize`](Lbfgs::minimize), and `watch` is told of every iteration: in compiled functions, too, and under `vmap` of that of each lane. It costs a call of the host in each turn.
    ///
    /// ```
    /// use cotangent::{optim, prelude::*};
    /// use std::sync::{Arc, Mutex};
    /// let values = Arc::new(Mutex::new(vec![]));
    /// let seen = values.clone();
    /// let bowl = |x: &Array| ((x - array![1., 2.]).powi(2) * array![1., 5.]).sum();
    /// let found = optim::lbfgs().minimize_watched(bowl, &array![0., 0.], move |p| seen.lock().unwrap().push(p.value));
    /// let values = values.lock().unwrap();
    /// assert_eq!(values.len() as f64, found.iterations.to_f64());
    /// assert_eq!(values[values.len() - 1], found.value.to_f64());
    /// ```
    ///
    /// # Panics
    /// As [`init`](Lbfgs::init).
    #[track_caller]
    pub fn minimize_watched<P: Pytree>(
        &self,
        f: impl Fn(&P) -> Array + Send + Sync,
        params: &P,
        watch: impl Fn(&Progress) + Send + Sync + 'static,
    ) -> Minimum<P> {
        let watch = Arc::new(watch);
        self.minimum(f, params, &|s| {
            let watch = watch.clone();
            let tell = move |(n, value, slope): (Array, Array, Array)| {
                watch(&Progress { iteration: n.to_f64() as usize, value: value.to_f64(), slope: slope.to_f64() })
            };
            debug::callback(tell, &(s.iterations.clone(), s.value.clone(), steepest(s)))
        })
    }
    #[track_caller]
    fn minimum<P: Pytree>(
        &self,
        f: impl Fn(&P) -> Array + Send + Sync,
        params: &P,
        after: &dyn Fn(&LbfgsState<Array>),
    ) -> Minimum<P> {
        let content = |s: &LbfgsState<Array>| {
            let most = steepest(s);
            prim::le(&most, &lit(&most, self.tolerance))
        };
        let s = with_vectors(f, params, |eval, x| {
            if x.size() == 0 {
                fail(ErrorKind::Shape, "lbfgs: there are no parameters")
            }
            let more = |s: &LbfgsState<Array>| !content(s) & !&s.stuck & s.iterations.lt(self.iterations as i32);
            let turn = |s: &LbfgsState<Array>| {
                let s = self.advance(eval, s);
                after(&s);
                s
            };
            lax::while_loop(more, turn, &self.begin(eval, x))
        });
        let converged = content(&s);
        let LbfgsState { value, gradient, iterations, evaluations, .. } = s;
        Minimum { params: tree::unravel(params, &s.params), value, gradient, iterations, evaluations, converged }
    }

    fn begin(&self, eval: Eval, x: &Array) -> LbfgsState<Array> {
        let (value, gradient) = eval(x);
        let none = prim::zeros_of(&x.aval().with_shape([self.memory, x.size()]));
        let number = |n: f64| scalar_of(DType::Int32, false, n);
        LbfgsState {
            params: x.clone(),
            value,
            gradient,
            steps: none.clone(),
            changes: none,
            iterations: number(0.0),
            evaluations: number(1.0),
            stuck: crate::array(false),
        }
    }
    fn advance(&self, eval: Eval, s: &LbfgsState<Array>) -> LbfgsState<Array> {
        let direction = self.direction(s);
        let found = self.search(eval, s, &direction);
        let step = &found.low * &direction;
        let change = &found.gradient - &s.gradient;
        // a pair without positive curvature would spoil the estimate
        let keep = step.dot(&change).gt(0.0);
        let pushed = |rows: &Array, new: &Array| {
            let newest = prim::expand_dims(new, &[0]);
            let next = concatenate(&[&slice_in_dim(rows, 1, self.memory, 1, 0), &newest], 0);
            where_(&keep, &next, rows)
        };
        LbfgsState {
            params: &s.params + &step,
            value: found.value,
            gradient: found.gradient,
            steps: pushed(&s.steps, &step),
            changes: pushed(&s.changes, &change),
            iterations: &s.iterations + 1,
            evaluations: &s.evaluations + &found.trials,
            stuck: prim::eq(&found.low, &lit(&found.low, 0.0)),
        }
    }
    /// The estimate of Newton's direction; down the gradient, if that is not down.
    fn direction(&self, s: &LbfgsState<Array>) -> Array {
        let row = |x: &Array, i: usize| prim::squeeze(&slice_in_dim(x, i, i + 1, 1, 0), &[0]);
        let pairs: Vec<(Array, Array, Array)> = (0..self.memory)
            .map(|i| {
                let (step, change) = (row(&s.steps, i), row(&s.changes, i));
                let product = step.dot(&change);
                let there = product.gt(0.0);
                let inverse = where_(&there, 1.0 / where_(&there, &product, 1.0), 0.0);
                (step, change, inverse)
            })
            .collect();
        let mut q = s.gradient.clone();
        let mut taken = vec![];
        for (step, change, inverse) in pairs.iter().rev() {
            let a = inverse * step.dot(&q);
            q -= &a * change;
            taken.push(a)
        }
        // the curvature along the last step; without one, a first step of length 1
        let (_, change, inverse) = &pairs[self.memory - 1];
        let none = prim::eq(inverse, &lit(inverse, 0.0));
        let size = s.gradient.dot(&s.gradient).sqrt().maximum(1.0);
        let curvature = change.dot(change) * inverse;
        q *= where_(&none, 1.0 / size, 1.0 / where_(&none, 1.0, &curvature));
        for ((step, change, inverse), a) in pairs.iter().zip(taken.iter().rev()) {
            q = &q + step * (a - inverse * change.dot(&q))
        }
        let down = q.dot(&s.gradient).gt(0.0);
        -where_(&down, &q, &s.gradient)
    }
    /// A step along the direction that makes the function less and its slope flatter.
    fn search(&self, eval: Eval, s: &LbfgsState<Array>, direction: &Array) -> Search {
        let slope = s.gradient.dot(direction);
        let eps = slope.dtype().float_info().expect("a floating-point type").eps;
        // within rounding errors one value is as good as another
        let slack = s.value.abs() * (10.0 * eps);
        let (zero, no) = (prim::zeros_of(slope.aval()), crate::array(false));
        let init = Search {
            trial: prim::full_of(slope.aval(), 1.0),
            low: zero.clone(),
            value: s.value.clone(),
            slope: slope.clone(),
            gradient: s.gradient.clone(),
            high: zero,
            high_value: s.value.clone(),
            high_slope: slope.clone(),
            between: no.clone(),
            done: no,
            trials: scalar_of(DType::Int32, false, 0.0),
        };
        let more = |c: &Search| !&c.done & c.trials.lt(self.trials as i32);
        let turn = |c: &Search| {
            let (value, gradient) = eval(&(&s.params + &c.trial * direction));
            let here = gradient.dot(direction);
            let enough = &s.value + DECREASE * &c.trial * &slope + &slack;
            // a NaN is not enough
            let bad = !(prim::le(&value, &enough) & prim::le(&value, &(&c.value + &slack)));
            let flat = prim::le(&here.abs(), &(-FLATNESS * &slope));
            let ahead = where_(&c.between, &c.high - &c.low, 1.0);
            let turned = prim::ge(&(&here * ahead), &lit(&here, 0.0)) & !&bad;
            // the better end is the trial, unless it is bad; the other end is what it replaces, if the minimum lies between them
            let end = |new: &Array, low: &Array, high: &Array| where_(&bad, new, where_(&turned, low, high));
            let (high, high_value) = (end(&c.trial, &c.low, &c.high), end(&value, &c.value, &c.high_value));
            let high_slope = end(&here, &c.slope, &c.high_slope);
            let better = |new: &Array, old: &Array| where_(&bad, old, new);
            let (low, low_value) = (better(&c.trial, &c.low), better(&value, &c.value));
            let low_slope = better(&here, &c.slope);
            let between = &c.between | &bad | &turned;
            let inside = interpolated((&low, &low_value, &low_slope), (&high, &high_value, &high_slope));
            Search {
                trial: where_(&between, &inside, &c.trial * 2.0),
                gradient: better(&gradient, &c.gradient),
                low,
                value: low_value,
                slope: low_slope,
                high,
                high_value,
                high_slope,
                between,
                done: flat & !bad,
                trials: &c.trials + 1,
            }
        };
        lax::while_loop(more, turn, &init)
    }
}
/// The state of a search: the next trial; the best point, with value, slope and gradient; the other end of the interval, once there is one.
#[derive(Pytree)]
struct Search {
    trial: Array,
    low: Array,
    value: Array,
    slope: Array,
    gradient: Array,
    high: Array,
    high_value: Array,
    high_slope: Array,
    between: Array,
    done: Array,
    trials: Array,
}
/// The minimum of the cubic polynomial with these values and slopes; the middle, if there is none well within the interval.
fn interpolated((a, fa, da): (&Array, &Array, &Array), (b, fb, db): (&Array, &Array, &Array)) -> Array {
    let width = b - a;
    let safe = where_(&prim::eq(&width, &lit(&width, 0.0)), 1.0, &width);
    let d1 = da + db + 3.0 * (fa - fb) / &safe;
    let d2 = prim::sign(&width) * (&d1 * &d1 - da * db).maximum(0.0).sqrt();
    let below = db - da + 2.0 * &d2;
    let below = where_(&prim::eq(&below, &lit(&below, 0.0)), f64::NAN, &below);
    let part = 1.0 - (db + &d2 - &d1) / below;
    let well = part.gt(0.1) & part.lt(0.9);
    a + &width * where_(&well, &part, 0.5)
}

/// Runs a method on the parameters as one vector, and the function with its gradient of such vectors.
#[track_caller]
fn with_vectors<P: Pytree>(
    f: impl Fn(&P) -> Array + Send + Sync,
    params: &P,
    run: impl FnOnce(Eval, &Array) -> LbfgsState<Array>,
) -> LbfgsState<Array> {
    let x = tree::ravel(params);
    if !x.dtype().is_float() {
        fail(ErrorKind::Type, format!("lbfgs: parameters are floating-point numbers, not of type {}", x.dtype()))
    }
    let both = value_and_grad(|x: &Array| f(&tree::unravel(params, x)));
    run(&|x| both(x), &x)
}
impl LbfgsState<Array> {
    fn of<P: Pytree>(self, params: &P) -> LbfgsState<P> {
        let LbfgsState { params: x, value, gradient, steps, changes, iterations, evaluations, stuck } = self;
        let params = tree::unravel(params, &x);
        LbfgsState { params, value, gradient, steps, changes, iterations, evaluations, stuck }
    }
}
impl<P: Pytree> LbfgsState<P> {
    fn flat(&self) -> LbfgsState<Array> {
        let mut leaves = tree::leaves(self).into_iter().skip(tree::leaf_count(&self.params));
        let mut next = || leaves.next().expect("a leaf for each field");
        LbfgsState {
            params: tree::ravel(&self.params),
            value: next(),
            gradient: next(),
            steps: next(),
            changes: next(),
            iterations: next(),
            evaluations: next(),
            stuck: next(),
        }
    }
}
