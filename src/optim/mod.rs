//! Optimizers: pure functions that make updates of parameters from gradients, over any pytree. Their state is a pytree as well, so that a
//! step of training is a function to be compiled, mapped or differentiated like any other.
//!
//! ```
//! use cotangent::{optim::{self, Optimizer}, prelude::*};
//! let loss = |x: &Array| ((x - array![1., 2.]).powi(2)).sum();
//! let adam = optim::adam(0.1);
//! let step = jit(|x: &Array, state: &optim::AdamState<Array>| adam.step(x, &grad(loss)(x), state));
//! let (mut x, mut state) = (array![0., 0.], adam.init(&array![0., 0.]));
//! for _ in 0..200 {
//!     (x, state) = step(&x, &state)
//! }
//! assert!(loss(&x).to_f64() < 1e-4);
//! ```
//!
//! Parts are put together by [`Optimizer::then`]: `optim::clip_by_global_norm(1.0).then(optim::adam(1e-3))`. Names and meaning are those of
//! the library optax; each optimizer says which paper it is from.

mod lbfgs;
pub mod losses;
mod optimizers;
mod parts;
mod schedule;

pub use lbfgs::{Lbfgs, LbfgsState, Minimum, Progress, lbfgs};
pub use optimizers::*;
pub use parts::*;
pub use schedule::{Rate, RateState, Schedule};

use crate::error::{ErrorKind, fail};
use crate::prim;
use crate::{Array, Pytree, tree};

/// Makes updates of parameters from gradients, or updates from updates.
///
/// ```
/// use cotangent::{optim::{self, Optimizer}, prelude::*};
/// /// Steps as long as the gradient.
/// struct Down;
/// impl Optimizer for Down {
///     type State<P: Pytree> = ();
///     fn init<P: Pytree>(&self, _: &P) {}
///     fn update<P: Pytree>(&self, grads: &P, _: &(), _: &P) -> (P, ()) {
///         (tree::map(grads, |g| -g), ())
///     }
/// }
/// let (x, _) = Down.step(&array(1.0), &array(4.0), &());
/// assert_eq!(x.to_f64(), -3.0);
/// ```
pub trait Optimizer {
    /// What it remembers from step to step for parameters of this type.
    type State<P: Pytree>: Pytree;
    /// The state before the first step.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let state = optim::adam(0.1).init(&(array![1., 2.], array(3.)));
    /// assert_eq!((state.count.to_f64(), state.mean.0.to_string()), (0.0, "[0. 0.]".into()));
    /// ```
    fn init<P: Pytree>(&self, params: &P) -> Self::State<P>;
    /// The updates, which are added to the parameters, and the next state.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (sgd, x) = (optim::sgd(0.5), array![1., 2.]);
    /// let (updates, _) = sgd.update(&array![2., -4.], &sgd.init(&x), &x);
    /// assert_eq!(updates.to_string(), "[-1.  2.]");
    /// ```
    ///
    /// # Panics
    /// If `grads` have another structure than the parameters.
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &Self::State<P>, params: &P) -> (P, Self::State<P>);

    /// The parameters after one step, and the next state.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let (sgd, x) = (optim::sgd(0.25), array![1., 2.]);
    /// let (x, _) = sgd.step(&x, &array![4., -4.], &sgd.init(&x));
    /// assert_eq!(x.to_string(), "[0. 3.]");
    /// ```
    ///
    /// # Panics
    /// As [`update`](Optimizer::update).
    #[track_caller]
    fn step<P: Pytree>(&self, params: &P, grads: &P, state: &Self::State<P>) -> (P, Self::State<P>) {
        let (updates, state) = self.update(grads, state, params);
        (apply_updates(params, &updates), state)
    }
    /// This one and then another, which gets the updates of this one as its gradients.
    ///
    /// ```
    /// use cotangent::{optim::{self, Optimizer}, prelude::*};
    /// let rule = optim::clip(1.0).then(optim::scale(10.0));
    /// let x = array![0., 0.];
    /// assert_eq!(rule.update(&array![0.5, 7.], &rule.init(&x), &x).0.to_string(), "[ 5. 10.]");
    /// ```
    fn then<O: Optimizer>(self, next: O) -> Chain<Self, O>
    where
        Self: Sized,
    {
        Chain { first: self, next }
    }
}
/// Two optimizers, one after the other: see [`Optimizer::then`].
///
/// ```
/// use cotangent::{optim::{self, Chain, Momentum, Optimizer, Scale}, prelude::*};
/// let rule: Chain<Momentum, Scale> = optim::momentum(0.9, false).then(optim::scale(-0.1));
/// // its state is the pair of theirs
/// let (sums, ()) = rule.init(&array![1., 2.]);
/// assert_eq!(sums.to_string(), "[0. 0.]");
/// ```
#[derive(Clone, Debug)]
pub struct Chain<A, B> {
    first: A,
    next: B,
}
impl<A: Optimizer, B: Optimizer> Optimizer for Chain<A, B> {
    type State<P: Pytree> = (A::State<P>, B::State<P>);
    fn init<P: Pytree>(&self, params: &P) -> Self::State<P> {
        (self.first.init(params), self.next.init(params))
    }
    #[track_caller]
    fn update<P: Pytree>(&self, grads: &P, state: &Self::State<P>, params: &P) -> (P, Self::State<P>) {
        let (updates, first) = self.first.update(grads, &state.0, params);
        let (updates, next) = self.next.update(&updates, &state.1, params);
        (updates, (first, next))
    }
}

/// The parameters with the updates added, in the types of the parameters. What is no floating-point or complex number stays as it is.
///
/// ```
/// use cotangent::{optim, prelude::*};
/// let moved = optim::apply_updates(&(array(1.0), array(7)), &(array(0.5), array(0)));
/// assert_eq!((moved.0.to_f64(), moved.1.to_f64()), (1.5, 7.0));
/// ```
///
/// # Panics
/// If the two have different structures.
#[track_caller]
pub fn apply_updates<P: Pytree>(params: &P, updates: &P) -> P {
    map2(params, updates, |p, u| prim::convert_element_type(&(p + u), p.dtype(), p.weak_type()))
}

/// A function of the numbers that are optimized; other leaves stay.
pub(crate) fn map1<P: Pytree>(x: &P, f: impl Fn(&Array) -> Array) -> P {
    tree::map(x, |x| if x.dtype().is_inexact() { f(x) } else { x.clone() })
}
#[track_caller]
pub(crate) fn map2<P: Pytree>(x: &P, y: &P, f: impl Fn(&Array, &Array) -> Array) -> P {
    match tree::difference(x, y) {
        None => tree::map2(x, y, |x, y| if x.dtype().is_inexact() { f(x, y) } else { x.clone() }),
        Some(m) => {
            let text = format!("optim: parameters, gradients and state have one structure: {m}");
            fail(ErrorKind::Structure, text)
        }
    }
}
/// Zeros of the parameters' types.
pub(crate) fn zeros<P: Pytree>(x: &P) -> P {
    map1(x, |x| prim::zeros_of(x.aval()))
}
/// |x|^2: real, of complex numbers too.
pub(crate) fn square(x: &Array) -> Array {
    if x.dtype().is_complex() { prim::real(&(x * prim::conj(x))) } else { x * x }
}
