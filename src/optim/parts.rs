//! Parts of optimizers: clipping, decay, scaling, momentum.

use super::{Optimizer, Rate, RateState, map1, map2, square, zeros};
use crate::np::where_;
use crate::prim;
use crate::{Array, DType, Pytree, tree};
use std::sync::Arc;

/// A part that remembers nothing: its struct, what makes it, and its updates.
macro_rules! stateless { ($($(#[$doc:meta])* $Name:ident $name:ident { $field:ident: $t:ty } |$self:ident, $grads:ident, $params:ident| $value:expr;)*) => { $(
    #[doc = concat!(
        "See [`", stringify!($name), "`].\n\n```\nlet part = cotangent::optim::", stringify!($name), "(2.5);\n",
        "assert_eq!(format!(\"{part:?}\"), \"", stringify!($Name), " { ", stringify!($field), ": 2.5 }\");\n```"
    )]
    #[derive(Clone, Debug)]
    pub struct $Name { $field: $t }
    $(#[$doc])*
    pub fn $name($field: $t) -> $Name { $Name { $field } }
    impl Optimizer for $Name {
        type State<P: Pytree> = ();
        fn init<P: Pytree>(&self, _: &P) {}
        #[track_caller]
        fn update<P: Pytree>(&$self, $grads: &P, _: &(), $params: &P) -> (P, ()) { ($value, ()) }
    }
)* } }
stateless! {
    /// Each element limited to at most `limit` and at least its negative. As `optax.clip`.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (updates, _) = optim::clip(2.0).update(&array![1., -9., 2.5], &(), &array![0., 0., 0.]);
    /// assert_eq!(updates.to_string(), "[ 1. -2.  2.]");
    /// ```
    Clip clip { limit: f64 } |self, grads, _params| map1(grads, |g| g.minimum(self.limit).maximum(-self.limit));
    /// All together scaled so that their norm is at most `limit` (Pascanu, Mikolov and Bengio, 2013). As `optax.clip_by_global_norm`.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::clip_by_global_norm(2.5);
    /// let ((a, b), _) = rule.update(&(array(3.0), array(-4.0)), &(), &(array(0.0), array(0.0)));
    /// assert_eq!((a.to_f64(), b.to_f64()), (1.5, -2.0)); // of norm 5
    /// ```
    ClipByGlobalNorm clip_by_global_norm { limit: f64 } |self, grads, _params| {
        let norm = global_norm(grads);
        let small = norm.lt(self.limit);
        map1(grads, |g| {
            let norm = prim::convert_element_type(&norm, g.dtype().real_part(), false);
            where_(&small, g, g / norm * self.limit)
        })
    };
    /// All updates times a number. As `optax.scale`.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (updates, _) = optim::scale(-0.5).update(&array![2., -4.], &(), &array![0., 0.]);
    /// assert_eq!(updates.to_string(), "[-1.  2.]");
    /// ```
    Scale scale { factor: f64 } |self, grads, _params| map1(grads, |g| g * self.factor);
}
/// The square root of the sum of the squares of all elements of all leaves.
///
/// ```
/// use cotangent::{optim, prelude::*};
/// assert_eq!(optim::global_norm(&(array![3., 0.], array(4.0))).to_f64(), 5.0);
/// ```
#[track_caller]
pub fn global_norm<P: Pytree>(x: &P) -> Array {
    let leaves = tree::leaves(x);
    let squares = leaves.iter().filter(|x| x.dtype().is_inexact()).map(|x| square(x).sum());
    squares.reduce(|a, b| a + b).map_or_else(|| crate::array(0.0), |s| s.sqrt())
}

/// Which leaves, by their key paths.
#[derive(Clone, Default)]
pub(super) struct Where(Option<Arc<dyn Fn(&str) -> bool + Send + Sync>>);
impl std::fmt::Debug for Where {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "some leaves" } else { "all leaves" })
    }
}
impl Where {
    pub(super) fn new(f: impl Fn(&str) -> bool + Send + Sync + 'static) -> Where {
        Where(Some(Arc::new(f)))
    }
}
/// The updates plus a multiple of the parameters.
#[track_caller]
pub(super) fn decayed<P: Pytree>(decay: f64, only: &Where, updates: P, params: &P) -> P {
    if decay == 0.0 {
        return updates;
    }
    let Some(only) = &only.0 else { return map2(&updates, params, |u, p| u + p * decay) };
    let paths = tree::paths(params);
    let at = std::cell::Cell::new(0);
    tree::map2(&updates, params, |u, p| {
        let i = at.replace(at.get() + 1);
        if u.dtype().is_inexact() && only(&paths[i]) { u + p * decay } else { u.clone() }
    })
}
/// See [`add_decayed_weights`].
///
/// ```
/// use cotangent::{optim::{self, AddDecayedWeights, Optimizer}, prelude::*};
/// let rule: AddDecayedWeights = optim::add_decayed_weights(0.25);
/// let x = array![4., -8.];
/// assert_eq!(rule.update(&array![0., 0.], &(), &x).0.to_string(), "[ 1. -2.]");
/// ```
#[derive(Clone, Debug)]
pub struct AddDecayedWeights {
    decay: f64,
    only: Where,
}
/// The updates plus `decay` times the parameters. Before a momentum this is a penalty of squares; behind it, decoupled weight decay (Loshchilov and Hutter, 2019).
/// As `optax.add_decayed_weights`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::add_decayed_weights(0.5);
/// let x = array(4.0);
/// assert_eq!(rule.update(&array(1.0), &rule.init(&x), &x).0.to_f64(), 3.0);
/// ```
pub fn add_decayed_weights(decay: f64) -> AddDecayedWeights {
    AddDecayedWeights { decay, only: Where::default() }
}
impl AddDecayedWeights {
    /// Of these leaves only: those for whose key paths (`.layers[0].w`) the function says so.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::add_decayed_weights(0.5).only(|path| path == "[1]");
    /// let ((b, w), _) = rule.update(&(array(1.0), array(1.0)), &(), &(array(6.0), array(6.0)));
    /// assert_eq!((b.to_f64(), w.to_f64()), (1.0, 4.0));
    /// ```
    pub fn only(mut self, f: impl Fn(&str) -> bool + Send + Sync + 'static) -> AddDecayedWeights {
        self.only = Where::new(f);
        self
    }
}
impl Optimizer for AddDecayedWeights {
    type State<P: Pytree> = ();
    fn init<P: Pytree>(&self, _: &P) {}
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, _: &(), params: &P) -> (P, ()) {
        (decayed(self.decay, &self.only, grads.share(), params), ())
    }
}

/// See [`scale_by_rate`].
///
/// ```
/// use cotangent::{optim::{self, Optimizer, ScaleByRate, Schedule}, prelude::*};
/// let rule: ScaleByRate = optim::scale_by_rate(Schedule::linear(0.0, 1.0, 4));
/// let (first, state) = rule.update(&array(8.0), &rule.init(&array(0.0)), &array(0.0));
/// let (second, _) = rule.update(&array(8.0), &state, &array(0.0));
/// assert_eq!((first.to_f64(), second.to_f64()), (0.0, 2.0));
/// ```
#[derive(Clone, Debug)]
pub struct ScaleByRate(Rate);
/// The updates times a number, an array or a [`Schedule`](super::Schedule); without the minus sign that optimizers give their rates. As `optax.scale_by_schedule`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::scale_by_rate(0.5);
/// let x = array(4.0);
/// assert_eq!(rule.update(&array(1.0), &rule.init(&x), &x).0.to_f64(), 0.5);
/// ```
pub fn scale_by_rate(rate: impl Into<Rate>) -> ScaleByRate {
    ScaleByRate(rate.into())
}
impl Optimizer for ScaleByRate {
    type State<P: Pytree> = RateState;
    fn init<P: Pytree>(&self, _: &P) -> RateState {
        self.0.init()
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &RateState, _: &P) -> (P, RateState) {
        self.0.scale(1.0, grads, state)
    }
}

/// See [`momentum`].
///
/// ```
/// use cotangent::{optim::{self, Momentum, Optimizer}, prelude::*};
/// let rule: Momentum = optim::momentum(0.25, true);
/// let (update, sum) = rule.update(&array(8.0), &array(16.0), &array(0.0));
/// assert_eq!((update.to_f64(), sum.to_f64()), (11.0, 12.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    pub(super) decay: f64,
    pub(super) nesterov: bool,
}
/// Sums of updates, of which the older ones count less and less (Polyak, 1964); with `nesterov`, of the step that follows (Nesterov, 1983; Sutskever et al., 2013). As
/// `optax.trace`.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// let rule = optim::momentum(0.5, false);
/// let x = array(4.0);
/// let (first, state) = rule.update(&array(1.0), &rule.init(&x), &x);
/// assert_eq!((first.to_f64(), rule.update(&array(1.0), &state, &x).0.to_f64()), (1.0, 1.5));
/// ```
pub fn momentum(decay: f64, nesterov: bool) -> Momentum {
    Momentum { decay, nesterov }
}
impl Optimizer for Momentum {
    type State<P: Pytree> = P;
    fn init<P: Pytree>(&self, params: &P) -> P {
        zeros(params)
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &P, _: &P) -> (P, P) {
        let onto = |sum: &P| map2(grads, sum, |g, s| g + s * self.decay);
        let sum = onto(state);
        if self.nesterov { (onto(&sum), sum) } else { (sum.share(), sum) }
    }
}

/// `decay * old + (1 - decay) * new`.
#[track_caller]
pub(super) fn moving<P: Pytree>(decay: f64, new: &P, old: &P) -> P {
    map2(new, old, |n, o| (1.0 - decay) * n + decay * o)
}
/// A mean that began with zeros, divided by what it is too small by: 1 - decay^count.
pub(super) fn unbiased(x: &Array, decay: f64, count: &Array) -> Array {
    // in float64, for near 1 other types have few numbers
    let count = prim::convert_element_type(count, DType::Float64, false);
    let rest = 1.0 - prim::scalar_of(DType::Float64, false, decay).pow(count);
    x / prim::convert_element_type(&rest, x.dtype().real_part(), false)
}
