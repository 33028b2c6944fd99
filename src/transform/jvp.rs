//! Forward mode: `jvp` and `linearize`.

use super::{avals, given, linearized, on_leaves, or_zeros};
use crate::array::Array;
use crate::aval::Aval;
use crate::error::Loc;
use crate::trace::jvp::jvp_flat;
use crate::trace::linearize::Linear;
use crate::{Arguments, Function, Pytree, tree};
use std::marker::PhantomData;
use std::panic::Location;

/// The value of `f` at `primals`, and its derivative along `tangents`: both have the type of `f`'s result.
///
/// Tangents have the structure, shapes and element types of the primals; that of an integer has type `float0`.
///
/// ```
/// use cotangent::prelude::*;
/// let (y, dy) = cotangent::jvp(|x: &Array| x.sin(), (&array(0.0),), (&array(2.0),));
/// assert_eq!((y.to_f64(), dy.to_f64()), (0.0, 2.0));
/// ```
///
/// # Panics
/// If a tangent has another structure, shape or element type than its primal.
#[track_caller]
pub fn jvp<S, F>(f: F, primals: F::ArgsOf<'_>, tangents: F::ArgsOf<'_>) -> (F::Out, F::Out)
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let (lent, lent_d) = (F::lend(&primals), F::lend(&tangents));
    let (x, dx) = (F::Args::flatten(lent).leaves, F::Args::flatten(lent_d).leaves);
    let dx = given("jvp", "tangent", at, &dx, &avals(&x), &paths::<F::Args>(lent));
    let mut out = None;
    let (y, dy) = jvp_flat(&mut on_leaves(&f, lent, &mut out), &x, &dx, at, true);
    let out = out.expect("the function was called");
    let dy: Vec<Array> = dy.into_iter().zip(&y).map(|(d, y)| or_zeros(d, y.aval())).collect();
    (out.rebuild(&mut y.into_iter()), out.rebuild(&mut dy.into_iter()))
}

/// The map from tangents of a function's arguments to tangents of its result: the derivative at one point. It may be called many times.
///
/// A function of tangents, for whatever takes functions, is a closure that calls it:
///
/// ```
/// use cotangent::prelude::*;
/// let (_, push) = cotangent::linearize(|x: &Array| x.powi(2), (&array(3.0),));
/// let back = cotangent::linear_transpose(|dx: &Array| push.call((dx,)), (&array(0.0),));
/// assert_eq!(back(&array(1.0)).0.to_f64(), 6.0);
/// ```
pub struct Pushforward<Args, Out> {
    linear: Linear,
    ins: Vec<Aval>,
    outs: Vec<Aval>,
    value: Out,
    names: Vec<String>,
    at: Loc,
    _args: PhantomData<fn(&Args)>,
}
impl<Args: Arguments, Out: Pytree> Pushforward<Args, Out> {
    /// The tangent of the result, for a tuple of tangents of all arguments. That of an integer has type `float0`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let (_, push) = cotangent::linearize(|x: &Array, y: &Array| x * y, (&array(3.0), &array(5.0)));
    /// assert_eq!(push.call((&array(1.0), &array(0.0))).to_f64(), 5.0);
    /// assert_eq!(push.call((&array(1.0), &array(10.0))).to_f64(), 35.0);
    /// ```
    ///
    /// # Panics
    /// If a tangent has another structure, shape or element type than its primal.
    pub fn call(&self, tangents: Args::Refs<'_>) -> Out {
        let dx = Args::flatten(tangents).leaves;
        let dx = given("linearize", "tangent", self.at, &dx, &self.ins, &self.names);
        let _g = crate::trace::enter(crate::trace::current(), Some(self.at));
        let dy = self.linear.apply(&dx.into_iter().flatten().collect::<Vec<_>>());
        self.value.rebuild(&mut dy.into_iter().zip(&self.outs).map(|(d, a)| or_zeros(d, a)))
    }
}

/// The value of `f` at `primals`, and its derivative there as a linear map of tangents.
///
/// ```
/// use cotangent::prelude::*;
/// let (y, push) = cotangent::linearize(|x: &Array| x.sin(), (&array(0.0),));
/// assert_eq!(y.to_f64(), 0.0);
/// assert_eq!(push.call((&array(2.0),)).to_f64(), 2.0);
/// ```
#[track_caller]
pub fn linearize<S, F>(f: F, primals: F::ArgsOf<'_>) -> (F::Out, Pushforward<F::Args, F::Out>)
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let lent = F::lend(&primals);
    let x = F::Args::flatten(lent).leaves;
    let (value, y, _, linear) = linearized::<S, F>(&f, lent, &x, at);
    let (ins, outs, names) = (avals(&x), avals(&y), paths::<F::Args>(lent));
    let push = Pushforward { linear, ins, outs, value: value.share(), names, at, _args: PhantomData };
    (value, push)
}

/// Key paths of all leaves of the arguments, for messages.
pub(crate) fn paths<A: Arguments>(args: A::Refs<'_>) -> Vec<String> {
    let mut w = tree::StructureWriter::default();
    A::walk_refs(args, &mut w);
    w.finish().paths()
}
