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
///
/// ```
/// use cotangent::{optim::{self, Optimizer, Sgd}, prelude::*};
/// let plain: Sgd = optim::sgd(0.5);
/// let (x, _) = plain.step(&array(1.0), &array(2.0), &plain.init(&array(1.0)));
/// assert_eq!(x.to_f64(), 0.0);
/// ```
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
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (sgd, x) = (optim::sgd(1.0).momentum(0.5), array(0.0));
    /// let (x, state) = sgd.step(&x, &array(4.0), &sgd.init(&x));
    /// let (y, _) = sgd.step(&x, &array(4.0), &state);
    /// assert_eq!((x.to_f64(), y.to_f64()), (-4.0, -10.0)); // the second step is 4 + 0.5 * 4
    /// ```
    pub fn momentum(mut self, decay: f64) -> Sgd {
        self.momentum = Some(super::momentum(decay, false));
        self
    }
    /// With Nesterov's momentum.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let sgd = optim::sgd(1.0).nesterov(0.5);
    /// let (x, _) = sgd.step(&array(0.0), &array(4.0), &sgd.init(&array(0.0)));
    /// assert_eq!(x.to_f64(), -6.0); // 4 + 0.5 * 4 at once
    /// ```
    pub fn nesterov(mut self, decay: f64) -> Sgd {
        self.momentum = Some(super::momentum(decay, true));
        self
    }
}
/// What [`Sgd`] and [`Rmsprop`] remember of momentum and rate.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let sgd = optim::sgd(0.1).momentum(0.9);
/// let (_, state) = sgd.step(&array(1.0), &array(3.0), &sgd.init(&array(1.0)));
/// assert_eq!(state.momentum.unwrap().to_f64(), 3.0);
/// assert!(state.rate.count.is_none()); // the rate has no schedule
/// ```
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
///
/// ```
/// use cotangent::{optim::{self, Adam, Optimizer}, prelude::*};
/// let rule: Adam = optim::adam(0.5);
/// let (x, _) = rule.step(&array![1., 1.], &array![3., -7.], &rule.init(&array![1., 1.]));
/// assert_eq!(x.to_string(), "[0.5 1.5]"); // the first step has the length of the rate
/// ```
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
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::adamw(0.5).weight_decay(0.25).decay_only(|path| path.ends_with(".w"));
/// #[derive(Pytree)]
/// struct Layer { w: Array, b: Array }
/// let (layer, still) = (Layer { w: array(8.0), b: array(8.0) }, Layer { w: array(0.0), b: array(0.0) });
/// let (next, _) = rule.step(&layer, &still, &rule.init(&layer));
/// assert_eq!((next.w.to_f64(), next.b.to_f64()), (7.0, 8.0));
/// ```
pub fn adamw(rate: impl Into<Rate>) -> Adam {
    adam(rate).weight_decay(1e-4)
}
options! { Adam
    /// How much the older gradients count.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(0.1).b1(0.75);
    /// let (_, state) = rule.step(&array(1.0), &array(8.0), &rule.init(&array(1.0)));
    /// assert_eq!(state.mean.to_f64(), 2.0);
    /// ```
    b1: f64;
    /// How much the older squares count.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(0.1).b2(0.75);
    /// let (_, state) = rule.step(&array(1.0), &array(4.0), &rule.init(&array(1.0)));
    /// assert_eq!(state.square.to_f64(), 4.0);
    /// ```
    b2: f64;
    /// Added to the root.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(1.0).eps(3.0);
    /// let (x, _) = rule.step(&array(1.0), &array(1.0), &rule.init(&array(1.0)));
    /// assert_eq!(x.to_f64(), 0.75); // a step of 1 / (1 + 3)
    /// ```
    eps: f64;
    /// Added under the root, for derivatives of the optimizer.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(1.0).eps(0.0).eps_root(3.0);
    /// let (x, _) = rule.step(&array(1.0), &array(1.0), &rule.init(&array(1.0)));
    /// assert_eq!(x.to_f64(), 0.5); // a step of 1 / sqrt(1 + 3)
    /// ```
    eps_root: f64;
    /// With Nesterov's momentum (Dozat, 2016).
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(1.0).b1(0.5).nesterov(true);
    /// let (x, _) = rule.step(&array(0.0), &array(2.0), &rule.init(&array(0.0)));
    /// assert!((x.to_f64() + 4.0 / 3.0).abs() < 1e-6); // 1/2 of 4/3 and 1/2 of 4, divided by 2
    /// ```
    nesterov: bool;
    /// How much of the parameters is taken off with each step, times the rate.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(0.5).weight_decay(0.25);
    /// let (x, _) = rule.step(&array(8.0), &array(0.0), &rule.init(&array(8.0)));
    /// assert_eq!(x.to_f64(), 7.0);
    /// ```
    weight_decay: f64;
}
impl Adam {
    /// The decay is that of these leaves only: those for whose key paths the function says so.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adam(1.0).weight_decay(0.5).decay_only(|path| path == "[0]");
    /// let (params, zero) = ((array(8.0), array(8.0)), (array(0.0), array(0.0)));
    /// let ((w, b), _) = rule.step(&params, &zero, &rule.init(&params));
    /// assert_eq!((w.to_f64(), b.to_f64()), (4.0, 8.0));
    /// ```
    pub fn decay_only(mut self, f: impl Fn(&str) -> bool + Send + Sync + 'static) -> Adam {
        self.only = Where::new(f);
        self
    }
}
/// What [`Adam`] remembers.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::adam(0.1).b1(0.5).b2(0.75);
/// let (_, state) = rule.step(&array(1.0), &array(2.0), &rule.init(&array(1.0)));
/// assert_eq!((state.count.to_f64(), state.mean.to_f64(), state.square.to_f64()), (1.0, 1.0, 1.0));
/// ```
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
///
/// ```
/// use cotangent::{optim::{self, Optimizer, Rmsprop}, prelude::*};
/// let rule: Rmsprop = optim::rmsprop(0.5).decay(0.75);
/// let (x, _) = rule.step(&array(3.0), &array(4.0), &rule.init(&array(3.0)));
/// assert_eq!(x.to_f64(), 2.0); // 4 divided by the root of a quarter of 16
/// ```
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
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::rmsprop(0.1).decay(0.5);
    /// let (_, state) = rule.step(&array(1.0), &array(4.0), &rule.init(&array(1.0)));
    /// assert_eq!(state.square.to_f64(), 8.0);
    /// ```
    decay: f64;
    /// Added under the root.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::rmsprop(1.0).decay(0.0).eps(9.0);
    /// let (x, _) = rule.step(&array(0.0), &array(4.0), &rule.init(&array(0.0)));
    /// assert!((x.to_f64() + 0.8).abs() < 1e-6); // 4 divided by the root of 16 + 9
    /// ```
    eps: f64;
    /// Divided by the root of the variance of recent gradients instead (Graves, 2013).
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::rmsprop(1.0).decay(0.5).eps(0.0).centered(true);
    /// let (x, _) = rule.step(&array(0.0), &array(4.0), &rule.init(&array(0.0)));
    /// assert_eq!(x.to_f64(), -2.0); // 4 divided by the root of 8 - 4
    /// ```
    centered: bool;
}
impl Rmsprop {
    /// With momentum, behind the rate.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (rule, x) = (optim::rmsprop(0.5).decay(0.0).momentum(0.5), array(0.0));
    /// let (x, state) = rule.step(&x, &array(4.0), &rule.init(&x));
    /// let (y, _) = rule.step(&x, &array(4.0), &state);
    /// assert_eq!((x.to_f64(), y.to_f64()), (-0.5, -1.25));
    /// ```
    pub fn momentum(mut self, decay: f64) -> Rmsprop {
        self.momentum = Some(super::momentum(decay, false));
        self
    }
    /// With Nesterov's momentum, behind the rate.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::rmsprop(0.5).decay(0.0).nesterov(0.5);
    /// let (x, _) = rule.step(&array(0.0), &array(4.0), &rule.init(&array(0.0)));
    /// assert_eq!(x.to_f64(), -0.75);
    /// ```
    pub fn nesterov(mut self, decay: f64) -> Rmsprop {
        self.momentum = Some(super::momentum(decay, true));
        self
    }
}
/// What [`Rmsprop`] remembers.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::rmsprop(0.1).decay(0.75).centered(true);
/// let (_, state) = rule.step(&array(0.0), &array(4.0), &rule.init(&array(0.0)));
/// assert_eq!((state.mean.unwrap().to_f64(), state.square.to_f64()), (1.0, 4.0));
/// ```
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
///
/// ```
/// use cotangent::{optim::{self, Adagrad, Optimizer}, prelude::*};
/// let rule: Adagrad = optim::adagrad(1.0).initial(0.0).eps(0.0);
/// let (x, state) = rule.step(&array(0.0), &array(3.0), &rule.init(&array(0.0)));
/// let (y, _) = rule.step(&x, &array(4.0), &state);
/// assert!(x.to_f64() == -1.0 && (y - x + 0.8).to_f64().abs() < 1e-6); // 4 divided by the root of 9 + 16
/// ```
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
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adagrad(1.0).initial(9.0).eps(0.0);
    /// let (x, _) = rule.step(&array(0.0), &array(4.0), &rule.init(&array(0.0)));
    /// assert!((x.to_f64() + 0.8).abs() < 1e-6); // 4 divided by the root of 9 + 16
    /// ```
    initial: f64;
    /// Added under the root.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::adagrad(1.0).initial(0.0).eps(3.0);
    /// let (x, _) = rule.step(&array(0.0), &array(1.0), &rule.init(&array(0.0)));
    /// assert_eq!(x.to_f64(), -0.5);
    /// ```
    eps: f64;
}
/// What [`Adagrad`] remembers.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::adagrad(0.1).initial(1.0);
/// let (_, state) = rule.step(&array(0.0), &array(3.0), &rule.init(&array(0.0)));
/// assert_eq!(state.square.to_f64(), 10.0);
/// ```
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
///
/// ```
/// use cotangent::{optim::{self, Lion, Optimizer}, prelude::*};
/// let rule: Lion = optim::lion(0.5).weight_decay(0.0);
/// let x = array![1., 1., 1.];
/// let (x, _) = rule.step(&x, &array![100., -0.01, 0.], &rule.init(&x));
/// assert_eq!(x.to_string(), "[0.5 1.5 1. ]");
/// ```
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
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// // the mean so far says down, and the gradient up: b1 says which of them counts
    /// let step = |b1| {
    ///     let rule = optim::lion(1.0).weight_decay(0.0).b1(b1);
    ///     let state = optim::LionState { mean: array(-1.0), ..rule.init(&array(0.0)) };
    ///     rule.step(&array(0.0), &array(2.0), &state).0.to_f64()
    /// };
    /// assert_eq!((step(0.9), step(0.5)), (1.0, -1.0));
    /// ```
    b1: f64;
    /// How much they count for what is remembered.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::lion(0.1).b2(0.5);
    /// let (_, state) = rule.step(&array(0.0), &array(8.0), &rule.init(&array(0.0)));
    /// assert_eq!(state.mean.to_f64(), 4.0);
    /// ```
    b2: f64;
    /// How much of the parameters is taken off with each step, times the rate.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::lion(0.5).weight_decay(0.25);
    /// let (x, _) = rule.step(&array(8.0), &array(0.0), &rule.init(&array(8.0)));
    /// assert_eq!(x.to_f64(), 7.0);
    /// ```
    weight_decay: f64;
}
impl Lion {
    /// The decay is that of these leaves only: those for whose key paths the function says so.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::lion(1.0).weight_decay(0.25).decay_only(|path| path.ends_with("[1]"));
    /// let (params, zero) = ((array(8.0), array(8.0)), (array(0.0), array(0.0)));
    /// let ((b, w), _) = rule.step(&params, &zero, &rule.init(&params));
    /// assert_eq!((b.to_f64(), w.to_f64()), (8.0, 6.0));
    /// ```
    pub fn decay_only(mut self, f: impl Fn(&str) -> bool + Send + Sync + 'static) -> Lion {
        self.only = Where::new(f);
        self
    }
}
/// What [`Lion`] remembers.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::lion(0.1).b2(0.75);
/// let (_, state) = rule.step(&array(0.0), &array(8.0), &rule.init(&array(0.0)));
/// assert_eq!(state.mean.to_f64(), 2.0);
/// ```
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
