//! Learning rates: numbers, arrays, or functions of the number of steps.

use super::map1;
use crate::error::{ErrorKind, fail};
use crate::np::where_;
use crate::prim::{self, scalar_of};
use crate::{Array, DType, Pytree};
use std::f64::consts::PI;
use std::sync::Arc;

/// A quantity that depends on the number of the step, which counts from 0.
///
/// ```
/// use cotangent::{optim::{self, Schedule}, prelude::*};
/// let rate = Schedule::warmup_cosine_decay(0.0, 1e-3, 100, 1000, 1e-5);
/// assert_eq!(rate.at(&array(100)).to_f64(), 1e-3);
/// let optimizer = optim::adamw(rate);
/// ```
///
/// It is computed in float64 and rounded to the type of what it scales.
#[derive(Clone)]
pub struct Schedule(Arc<dyn Fn(&Array) -> Array + Send + Sync>);
impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schedule(..)")
    }
}
fn number(v: f64) -> Array {
    scalar_of(DType::Float64, false, v)
}
#[track_caller]
fn positive(name: &str, steps: usize) -> f64 {
    if steps == 0 {
        fail(ErrorKind::Value, format!("Schedule::{name}: a transition takes at least one step"))
    }
    steps as f64
}
impl Schedule {
    /// Any function of the number of the step, a scalar of float64.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::new(|step| 1.0 / (1.0 + step));
    /// assert_eq!(rate.at(&array(3)).to_f64(), 0.25);
    /// ```
    pub fn new(f: impl Fn(&Array) -> Array + Send + Sync + 'static) -> Schedule {
        Schedule(Arc::new(f))
    }
    /// The value at a step.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::linear(0.0, 10.0, 5);
    /// assert_eq!(cotangent::vmap(|step: &Array| rate.at(step))(&array![0, 1, 5, 9]).to_string(), "[ 0.  2. 10. 10.]");
    /// ```
    #[track_caller]
    pub fn at(&self, step: &Array) -> Array {
        (self.0)(&prim::convert_element_type(step, DType::Float64, false))
    }
    /// Always the same.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// assert_eq!(Schedule::constant(0.5).at(&array(1000)).to_f64(), 0.5);
    /// ```
    pub fn constant(value: f64) -> Schedule {
        Schedule::new(move |_| number(value))
    }
    /// `init` times `rate` to the power of step / `steps`. [`staircase`](Schedule::staircase_decay) is the same in jumps.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::exponential_decay(8.0, 2, 0.25);
    /// assert_eq!([0, 1, 2].map(|t| rate.at(&array(t)).to_f64()), [8.0, 4.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps.
    #[track_caller]
    pub fn exponential_decay(init: f64, steps: usize, rate: f64) -> Schedule {
        let n = positive("exponential_decay", steps);
        Schedule::new(move |t| number(init) * number(rate).pow(t / n))
    }
    /// `init` times `rate` for each time that `steps` steps are over.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::staircase_decay(8.0, 2, 0.25);
    /// assert_eq!([0, 1, 2, 3].map(|t| rate.at(&array(t)).to_f64()), [8.0, 8.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps.
    #[track_caller]
    pub fn staircase_decay(init: f64, steps: usize, rate: f64) -> Schedule {
        let n = positive("staircase_decay", steps);
        Schedule::new(move |t| number(init) * number(rate).pow(prim::floor(&(t / n))))
    }
    /// From `init` to `end` in so many steps, along (1 - step / steps)^power.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::polynomial(17.0, 1.0, 2.0, 4);
    /// assert_eq!([0, 2, 4, 5].map(|t| rate.at(&array(t)).to_f64()), [17.0, 5.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps.
    #[track_caller]
    pub fn polynomial(init: f64, end: f64, power: f64, steps: usize) -> Schedule {
        let n = positive("polynomial", steps);
        Schedule::new(move |t| {
            let left = 1.0 - t.minimum(n) / n;
            number(init - end) * left.pow(number(power)) + end
        })
    }
    /// From `init` to `end` in so many steps, along a straight line.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::linear(4.0, 1.0, 3);
    /// assert_eq!([0, 1, 2, 3, 4].map(|t| rate.at(&array(t)).to_f64()), [4.0, 3.0, 2.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps.
    #[track_caller]
    pub fn linear(init: f64, end: f64, steps: usize) -> Schedule {
        Schedule::polynomial(init, end, 1.0, steps)
    }
    /// From `init` to `alpha` times `init` in so many steps, along half a period of a cosine (Loshchilov and Hutter, 2017, without restarts).
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::cosine_decay(8.0, 6, 0.5);
    /// assert_eq!([0, 3, 6, 7].map(|t| rate.at(&array(t)).to_f64()), [8.0, 6.0, 4.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no steps.
    #[track_caller]
    pub fn cosine_decay(init: f64, steps: usize, alpha: f64) -> Schedule {
        let n = positive("cosine_decay", steps);
        Schedule::new(move |t| init * ((1.0 - alpha) * (0.5 * (1.0 + (PI * t.minimum(n) / n).cos())) + alpha))
    }
    /// From `init` to `peak` along a straight line in `warmup` steps, then to `end` along half a period of a cosine, which is over after `steps` steps in all.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::warmup_cosine_decay(0.0, 4.0, 2, 6, 1.0);
    /// assert_eq!([0, 1, 2, 4, 6].map(|t| rate.at(&array(t)).to_f64()), [0.0, 2.0, 4.0, 2.5, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If there are no more steps than those of the warm-up.
    #[track_caller]
    pub fn warmup_cosine_decay(init: f64, peak: f64, warmup: usize, steps: usize, end: f64) -> Schedule {
        if steps <= warmup {
            let text =
                format!("Schedule::warmup_cosine_decay: {warmup} of {steps} steps are warm-up, and none is left");
            fail(ErrorKind::Value, text)
        }
        let alpha = if peak == 0.0 { 0.0 } else { end / peak };
        let down = Schedule::cosine_decay(peak, steps - warmup, alpha);
        match warmup {
            0 => down,
            _ => Schedule::join([(0, Schedule::linear(init, peak, warmup)), (warmup, down)]),
        }
    }
    /// `init`, multiplied by each factor from its step on.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::piecewise_constant(1.0, [(2, 0.5), (4, 0.5)]);
    /// assert_eq!([1, 2, 3, 4].map(|t| rate.at(&array(t)).to_f64()), [1.0, 0.5, 0.5, 0.25]);
    /// ```
    pub fn piecewise_constant(init: f64, factors: impl IntoIterator<Item = (usize, f64)>) -> Schedule {
        let factors: Vec<(usize, f64)> = factors.into_iter().collect();
        Schedule::new(move |t| {
            let after = |from: usize| prim::ge(t, &number(from as f64));
            factors.iter().fold(number(init), |v, (from, by)| where_(&after(*from), &v * *by, &v))
        })
    }
    /// Several schedules, each from its step on, where it counts from 0 again. The first one also holds before its step.
    ///
    /// ```
    /// use cotangent::{optim::Schedule, prelude::*};
    /// let rate = Schedule::join([(0, Schedule::linear(0.0, 3.0, 3)), (3, Schedule::linear(3.0, 2.0, 2))]);
    /// assert_eq!([0, 1, 3, 4, 5].map(|t| rate.at(&array(t)).to_f64()), [0.0, 1.0, 3.0, 2.5, 2.0]);
    /// ```
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn join(pieces: impl IntoIterator<Item = (usize, Schedule)>) -> Schedule {
        let pieces: Vec<(usize, Schedule)> = pieces.into_iter().collect();
        if pieces.is_empty() {
            fail(ErrorKind::Value, "Schedule::join: there is no schedule")
        }
        Schedule::new(move |t| {
            let mut all = pieces.iter().map(|(from, s)| (number(*from as f64), s.at(&(t - *from as f64))));
            let (_, first) = all.next().expect("a schedule");
            all.fold(first, |v, (from, next)| where_(&prim::ge(t, &from), &next, &v))
        })
    }
}

/// A learning rate: a number, a scalar array, or a [`Schedule`].
///
/// ```
/// use cotangent::{optim::{self, Optimizer, Rate, Schedule}, prelude::*};
/// let rates = [Rate::from(0.5), Rate::from(array(0.5)), Rate::from(Schedule::constant(0.5))];
/// for sgd in rates.map(optim::sgd) {
///     assert_eq!(sgd.step(&array(3.0), &array(4.0), &sgd.init(&array(3.0))).0.to_f64(), 1.0);
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Rate {
    /// Always the same. An array may be an argument of a compiled step, so that another rate needs no other program.
    Fixed(Array),
    /// By the number of the step.
    Schedule(Schedule),
}
impl From<f64> for Rate {
    fn from(x: f64) -> Rate {
        Rate::Fixed(number(x))
    }
}
impl From<Array> for Rate {
    fn from(x: Array) -> Rate {
        Rate::Fixed(x)
    }
}
impl From<&Array> for Rate {
    fn from(x: &Array) -> Rate {
        Rate::Fixed(x.clone())
    }
}
impl From<Schedule> for Rate {
    fn from(s: Schedule) -> Rate {
        Rate::Schedule(s)
    }
}
/// How many steps were made, if the rate depends on that.
///
/// ```
/// use cotangent::{optim::{self, Optimizer, Schedule}, prelude::*};
/// let sgd = optim::sgd(Schedule::constant(0.5));
/// let (_, state) = sgd.step(&array(3.0), &array(4.0), &sgd.init(&array(3.0)));
/// assert_eq!(state.rate.count.unwrap().to_string(), "1");
/// ```
#[derive(Pytree, Clone, Debug)]
pub struct RateState {
    /// A scalar of int32.
    pub count: Option<Array>,
}
impl Rate {
    pub(super) fn init(&self) -> RateState {
        RateState { count: matches!(self, Rate::Schedule(_)).then(|| scalar_of(DType::Int32, false, 0.0)) }
    }
    /// The updates times `sign` times the rate.
    #[track_caller]
    pub(super) fn scale<P: Pytree>(&self, sign: f64, updates: &P, state: &RateState) -> (P, RateState) {
        let (rate, count) = match (self, &state.count) {
            (Rate::Fixed(x), _) => (x.clone(), None),
            (Rate::Schedule(s), Some(n)) => (s.at(n), Some(n + 1)),
            (Rate::Schedule(_), None) => {
                fail(ErrorKind::Value, "optim: the state belongs to an optimizer whose rate has no schedule")
            }
        };
        if rate.ndim() != 0 {
            fail(ErrorKind::Shape, format!("optim: a learning rate is a scalar, not a value of type {}", rate.aval()))
        }
        let rate = rate * sign;
        let by = |u: &Array| u * prim::convert_element_type(&rate, u.dtype().real_part(), false);
        (map1(updates, by), RateState { count })
    }
}
