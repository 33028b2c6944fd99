//! Optimizers of first order.

use super::parts::{Where, decayed, moving, unbiased};
use super::{Momentum, Optimizer, Rate, RateState, map1, map2, square, zeros};
use crate::np::where_;
use crate::prim::{self, scalar_of};
use crate::{Array, DType, Pytree};

/// Methods that set a field.
macro_rules! options { ($Name:ident $($(#[$doc:meta])* $field:ident: $t:ty;)*) => {
    impl $Name { $(
        $(#[$doc])*
        pub fn $field(mut self, $field: $t) -> $Name {
            self.$field = $field;
            self
        }
    )* }
} }
fn no_steps() -> Array {
    scalar_of(DType::Int32, false, 0.0)
}

/// Stochastic gradient descent: see [`sgd`].
#[derive(Clone, Debug)]
pub struct Sgd {
    rate: Rate,
    momentum: Option<Momentum>,
}
/// The gradient times minus the rate; with a momentum if one is given. As `optax.sgd`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let sgd = optim::sgd(0.1).nesterov(0.9);
/// let (x, _) = sgd.step(&array(1.0), &array(2.0), &sgd.init(&array(1.0)));
/// assert_eq!(x.to_string(), "0.62");
/// ```
pub fn sgd(rate: impl Into<Rate>) -> Sgd {
    Sgd { rate: rate.into(), momentum: None }
}
impl Sgd {
    /// With momentum: see [`momentum`](super::momentum()).
    pub fn momentum(mut self, decay: f64) -> Sgd {
        self.momentum = Some(super::momentum(decay, false));
        self
    }
    /// With Nesterov's momentum.
    pub fn nesterov(mut self, decay: f64) -> Sgd {
        self.momentum = Some(super::momentum(decay, true));
        self
    }
}
/// What [`Sgd`] and [`Rmsprop`] remember of momentum and rate.
#[derive(Pytree, Clone, Debug)]
pub struct SgdState<P> {
    /// The sums of updates.
    pub momentum: Option<P>,
    /// How far the schedule is.
    pub rate: RateState,
}
impl<P: Pytree> SgdState<P> {
    fn new(momentum: &Option<Momentum>, rate: &Rate, params: &P) -> SgdState<P> {
        SgdState { momentum: momentum.map(|m| m.init(params)), rate: rate.init() }
    }
}
/// The updates by momentum, if there is one.
#[track_caller]
fn carried<P: Pytree>(momentum: &Option<Momentum>, grads: P, state: &Option<P>, params: &P) -> (P, Option<P>) {
    match (momentum, state) {
        (Some(m), Some(s)) => {
            let (u, s) = m.update(&grads, s, params);
            (u, Some(s))
        }
        _ => (grads, None),
    }
}
impl Optimizer for Sgd {
    type State<P: Pytree> = SgdState<P>;
    fn init<P: Pytree>(&self, params: &P) -> SgdState<P> {
        SgdState::new(&self.momentum, &self.rate, params)
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &SgdState<P>, params: &P) -> (P, SgdState<P>) {
        let (updates, momentum) = carried(&self.momentum, grads.share(), &state.momentum, params);
        let (updates, rate) = self.rate.scale(-1.0, &updates, &state.rate);
        (updates, SgdState { momentum, rate })
    }
}

/// Adam and its relatives: see [`adam`] and [`adamw`].
#[derive(Clone, Debug)]
pub struct Adam {
    rate: Rate,
    b1: f64,
    b2: f64,
    eps: f64,
    eps_root: f64,
    nesterov: bool,
    weight_decay: f64,
    only: Where,
}
/// The mean of recent gradients divided by the root of the mean of their squares (Kingma and Ba, 2015), with b1 = 0.9, b2 = 0.999 and eps = 1e-8. As `optax.adam`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::adam(0.1);
/// let x = array(1.0);
/// let (y, _) = rule.step(&x, &array(2.0), &rule.init(&x));
/// assert!(y.to_f64() < 1.0);
/// ```
pub fn adam(rate: impl Into<Rate>) -> Adam {
    let rate = rate.into();
    Adam {
        rate,
        b1: 0.9,
        b2: 0.999,
        eps: 1e-8,
        eps_root: 0.0,
        nesterov: false,
        weight_decay: 0.0,
        only: Where::default(),
    }
}
/// [`adam`] with decoupled weight decay (Loshchilov and Hutter, 2019): of 1e-4, unless [`Adam::weight_decay`] says otherwise. As `optax.adamw`.
///
/// ```
/// use cotangent::optim;
/// let optimizer = optim::adamw(1e-3).weight_decay(0.01).decay_only(|path| path.ends_with(".w"));
/// ```
pub fn adamw(rate: impl Into<Rate>) -> Adam {
    adam(rate).weight_decay(1e-4)
}
options! { Adam
    /// How much the older gradients count.
    b1: f64;
    /// How much the older squares count.
    b2: f64;
    /// Added to the root.
    eps: f64;
    /// Added under the root, for derivatives of the optimizer.
    eps_root: f64;
    /// With Nesterov's momentum (Dozat, 2016).
    nesterov: bool;
    /// How much of the parameters is taken off with each step, times the rate.
    weight_decay: f64;
}
impl Adam {
    /// The decay is that of these leaves only: those for whose key paths the function says so.
    pub fn decay_only(mut self, f: impl Fn(&str) -> bool + Send + Sync + 'static) -> Adam {
        self.only = Where::new(f);
        self
    }
}
/// What [`Adam`] remembers.
#[derive(Pytree, Clone, Debug)]
pub struct AdamState<P> {
    /// How many steps were made: a scalar of int32.
    pub count: Array,
    /// The means of gradients.
    pub mean: P,
    /// The means of squares.
    pub square: P,
    /// How far the schedule is.
    pub rate: RateState,
}
/// Zeros for squares, which are real.
fn squares<P: Pytree>(params: &P, v: f64) -> P {
    map1(params, |p| {
        let t = crate::Aval::new(p.dtype().real_part(), p.shape());
        prim::full_of(&t, v)
    })
}
impl Optimizer for Adam {
    type State<P: Pytree> = AdamState<P>;
    fn init<P: Pytree>(&self, params: &P) -> AdamState<P> {
        AdamState { count: no_steps(), mean: zeros(params), square: squares(params, 0.0), rate: self.rate.init() }
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &AdamState<P>, params: &P) -> (P, AdamState<P>) {
        let (b1, b2, count) = (self.b1, self.b2, &state.count + 1);
        let mean = moving(b1, grads, &state.mean);
        let second = moving(b2, &map1(grads, square), &state.square);
        let first = match self.nesterov {
            false => map1(&mean, |m| unbiased(m, b1, &count)),
            true => {
                let next = &count + 1;
                map2(&mean, grads, |m, g| b1 * unbiased(m, b1, &next) + (1.0 - b1) * unbiased(g, b1, &count))
            }
        };
        let updates = map2(&first, &second, |m, s| m / ((unbiased(s, b2, &count) + self.eps_root).sqrt() + self.eps));
        let updates = decayed(self.weight_decay, &self.only, updates, params);
        let (updates, rate) = self.rate.scale(-1.0, &updates, &state.rate);
        (updates, AdamState { count, mean, square: second, rate })
    }
}

/// See [`rmsprop`].
#[derive(Clone, Debug)]
pub struct Rmsprop {
    rate: Rate,
    decay: f64,
    eps: f64,
    centered: bool,
    momentum: Option<Momentum>,
}
/// The gradient divided by the root of the mean of recent squares (Tieleman and Hinton, 2012), with decay = 0.9 and eps = 1e-8 under the root. As `optax.rmsprop`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::rmsprop(0.1);
/// let x = array(1.0);
/// let (y, _) = rule.step(&x, &array(2.0), &rule.init(&x));
/// assert!(y.to_f64() < 1.0);
/// ```
pub fn rmsprop(rate: impl Into<Rate>) -> Rmsprop {
    Rmsprop { rate: rate.into(), decay: 0.9, eps: 1e-8, centered: false, momentum: None }
}
options! { Rmsprop
    /// How much the older squares count.
    decay: f64;
    /// Added under the root.
    eps: f64;
    /// Divided by the root of the variance of recent gradients instead (Graves, 2013).
    centered: bool;
}
impl Rmsprop {
    /// With momentum, behind the rate.
    pub fn momentum(mut self, decay: f64) -> Rmsprop {
        self.momentum = Some(super::momentum(decay, false));
        self
    }
    /// With Nesterov's momentum, behind the rate.
    pub fn nesterov(mut self, decay: f64) -> Rmsprop {
        self.momentum = Some(super::momentum(decay, true));
        self
    }
}
/// What [`Rmsprop`] remembers.
#[derive(Pytree, Clone, Debug)]
pub struct RmspropState<P> {
    /// The means of gradients, if it is centered.
    pub mean: Option<P>,
    /// The means of squares.
    pub square: P,
    /// Momentum and rate.
    pub rest: SgdState<P>,
}
impl Optimizer for Rmsprop {
    type State<P: Pytree> = RmspropState<P>;
    fn init<P: Pytree>(&self, params: &P) -> RmspropState<P> {
        RmspropState {
            mean: self.centered.then(|| zeros(params)),
            square: squares(params, 0.0),
            rest: SgdState::new(&self.momentum, &self.rate, params),
        }
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &RmspropState<P>, params: &P) -> (P, RmspropState<P>) {
        let second = moving(self.decay, &map1(grads, square), &state.square);
        let mean = state.mean.as_ref().map(|m| moving(self.decay, grads, m));
        let spread = match &mean {
            None => second.share(),
            Some(m) => map2(&second, m, |s, m| s - square(m)),
        };
        let updates = map2(grads, &spread, |g, s| g * (s + self.eps).rsqrt());
        let (updates, rate) = self.rate.scale(-1.0, &updates, &state.rest.rate);
        let (updates, momentum) = carried(&self.momentum, updates, &state.rest.momentum, params);
        (updates, RmspropState { mean, square: second, rest: SgdState { momentum, rate } })
    }
}

/// See [`adagrad`].
#[derive(Clone, Debug)]
pub struct Adagrad {
    rate: Rate,
    initial: f64,
    eps: f64,
}
/// The gradient divided by the root of the sum of all squares so far (Duchi, Hazan and Singer, 2011), which begins with 0.1, and eps = 1e-7. As `optax.adagrad`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::adagrad(0.1);
/// let x = array(1.0);
/// let (y, _) = rule.step(&x, &array(2.0), &rule.init(&x));
/// assert!(y.to_f64() < 1.0);
/// ```
pub fn adagrad(rate: impl Into<Rate>) -> Adagrad {
    Adagrad { rate: rate.into(), initial: 0.1, eps: 1e-7 }
}
options! { Adagrad
    /// With what the sums begin.
    initial: f64;
    /// Added under the root.
    eps: f64;
}
/// What [`Adagrad`] remembers.
#[derive(Pytree, Clone, Debug)]
pub struct AdagradState<P> {
    /// The sums of squares.
    pub square: P,
    /// How far the schedule is.
    pub rate: RateState,
}
impl Optimizer for Adagrad {
    type State<P: Pytree> = AdagradState<P>;
    fn init<P: Pytree>(&self, params: &P) -> AdagradState<P> {
        AdagradState { square: squares(params, self.initial), rate: self.rate.init() }
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &AdagradState<P>, _: &P) -> (P, AdagradState<P>) {
        let sums = map2(&state.square, grads, |s, g| s + square(g));
        let updates = map2(grads, &sums, |g, s| g * where_(&s.gt(0.0), (s + self.eps).rsqrt(), 0.0));
        let (updates, rate) = self.rate.scale(-1.0, &updates, &state.rate);
        (updates, AdagradState { square: sums, rate })
    }
}

/// See [`lion`].
#[derive(Clone, Debug)]
pub struct Lion {
    rate: Rate,
    b1: f64,
    b2: f64,
    weight_decay: f64,
    only: Where,
}
/// The sign of a mean of recent gradients (Chen et al., 2023), with b1 = 0.9, b2 = 0.99 and a weight decay of 1e-3. As `optax.lion`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::lion(0.1);
/// let x = array(1.0);
/// let (y, _) = rule.step(&x, &array(2.0), &rule.init(&x));
/// assert!(y.to_f64() < 1.0);
/// ```
pub fn lion(rate: impl Into<Rate>) -> Lion {
    Lion { rate: rate.into(), b1: 0.9, b2: 0.99, weight_decay: 1e-3, only: Where::default() }
}
options! { Lion
    /// How much the older gradients count for the update.
    b1: f64;
    /// How much they count for what is remembered.
    b2: f64;
    /// How much of the parameters is taken off with each step, times the rate.
    weight_decay: f64;
}
impl Lion {
    /// The decay is that of these leaves only: those for whose key paths the function says so.
    pub fn decay_only(mut self, f: impl Fn(&str) -> bool + Send + Sync + 'static) -> Lion {
        self.only = Where::new(f);
        self
    }
}
/// What [`Lion`] remembers.
#[derive(Pytree, Clone, Debug)]
pub struct LionState<P> {
    /// The means of gradients.
    pub mean: P,
    /// How far the schedule is.
    pub rate: RateState,
}
impl Optimizer for Lion {
    type State<P: Pytree> = LionState<P>;
    fn init<P: Pytree>(&self, params: &P) -> LionState<P> {
        LionState { mean: zeros(params), rate: self.rate.init() }
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &LionState<P>, params: &P) -> (P, LionState<P>) {
        let updates = map1(&moving(self.b1, grads, &state.mean), prim::sign);
        let updates = decayed(self.weight_decay, &self.only, updates, params);
        let (updates, rate) = self.rate.scale(-1.0, &updates, &state.rate);
        (updates, LionState { mean: moving(self.b2, grads, &state.mean), rate })
    }
}
