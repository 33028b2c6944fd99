//! Reverse mode: `vjp`, and the transpose of linear functions.

use super::jvp::paths;
use super::{avals, given, linearized, on_leaves, or_zeros};
use crate::array::Array;
use crate::aval::Aval;
use crate::error::Loc;
use crate::trace::linearize::Linear;
use crate::trace::transpose::record_linear;
use crate::{Arguments, Function, Pytree, tree};
use std::marker::PhantomData;
use std::panic::Location;

/// The map from cotangents of a function's result to cotangents of its arguments.
///
/// It holds what the backward pass needs. [`call`](Pullback::call) it as often as you like, or [`call_once`](Pullback::call_once),
/// which frees what it holds as it goes.
///
/// ```
/// use cotangent::{Pullback, prelude::*};
/// let (_, pull) = cotangent::vjp(|x: &Array| x * x, (&array![1., 2., 3.],));
/// let pull: Pullback<(Array,), Array> = pull;
/// assert_eq!(pull.call(&array![1., 1., 10.]).0.to_string(), "[ 2.  4. 60.]");
/// ```
pub struct Pullback<Args, Out> {
    linear: Linear,
    mask: Vec<bool>,
    ins: Vec<Aval>,
    outs: Vec<Aval>,
    args: Args,
    out_paths: Vec<String>,
    at: Loc,
    _out: PhantomData<fn(&Out)>,
}

impl<Args: Arguments, Out: Pytree> Pullback<Args, Out> {
    /// Cotangents of all arguments, for a cotangent of the result. Arguments that are integers have one of type `float0`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let (_, pull) = cotangent::vjp(|x: &Array, y: &Array| (x * y, x + y), (&array(3.0), &array(5.0)));
    /// let rows = [(1.0, 0.0), (0.0, 1.0)].map(|(a, b)| pull.call(&(array(a), array(b))));
    /// assert_eq!((rows[0].0.to_f64(), rows[0].1.to_f64()), (5.0, 3.0));
    /// assert_eq!((rows[1].0.to_f64(), rows[1].1.to_f64()), (1.0, 1.0));
    /// ```
    ///
    /// # Panics
    /// If the cotangent has another structure, shape or element type than the result.
    pub fn call(&self, ct: &Out) -> Args {
        let ct = self.seeds(ct);
        let _g = crate::trace::enter(crate::trace::current(), Some(self.at));
        let back = self.linear.transpose(&ct, 0, self.at);
        rebuild(back, &self.mask, &self.ins, &self.args)
    }
    /// The same, once: memory is freed while it runs.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let (y, pull) = cotangent::vjp(|x: &Array| x.exp().sum(), (&array![0., 0.],));
    /// assert_eq!((y.to_f64(), pull.call_once(&array(3.0)).0.to_string()), (2.0, "[3. 3.]".into()));
    /// ```
    ///
    /// # Panics
    /// If the cotangent has another structure, shape or element type than the result.
    pub fn call_once(self, ct: &Out) -> Args {
        let ct = self.seeds(ct);
        let _g = crate::trace::enter(crate::trace::current(), Some(self.at));
        let back = self.linear.transpose_once(&ct, 0, self.at);
        rebuild(back, &self.mask, &self.ins, &self.args)
    }
    fn seeds(&self, ct: &Out) -> Vec<Option<Array>> {
        given("vjp", "cotangent", self.at, &tree::leaves(ct), &self.outs, &self.out_paths)
    }
}
fn rebuild<Args: Arguments>(back: Vec<Option<Array>>, mask: &[bool], ins: &[Aval], args: &Args) -> Args {
    let mut back = back.into_iter();
    let mut leaves = mask.iter().zip(ins).map(|(m, a)| or_zeros(if *m { back.next().flatten() } else { None }, a));
    args.rebuild(&mut leaves)
}

/// The value of `f` at `args`, and the map that pulls cotangents of the result back to cotangents of the arguments, a tuple.
///
/// ```
/// use cotangent::prelude::*;
/// let (y, pull) = cotangent::vjp(|x: &Array, y: &Array| x * y, (&array(2.0), &array(3.0)));
/// let (dx, dy) = pull.call(&array(1.0));
/// assert_eq!((y.to_f64(), dx.to_f64(), dy.to_f64()), (6.0, 3.0, 2.0));
/// ```
#[track_caller]
pub fn vjp<S, F>(f: F, args: F::ArgsOf<'_>) -> (F::Out, Pullback<F::Args, F::Out>)
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let args = F::own(args);
    let lent = args.refs();
    let x = F::Args::flatten(lent).leaves;
    let (value, y, mask, linear) = linearized::<S, F>(&f, lent, &x, at);
    let (ins, outs) = (avals(&x), avals(&y));
    let out_paths = tree::paths(&value);
    (value, Pullback { linear, mask, ins, outs, args, out_paths, at, _out: PhantomData })
}

/// The transpose of a linear function: from cotangents of its result to cotangents of its arguments. Only the types of `args`
/// matter.
///
/// ```
/// use cotangent::prelude::*;
/// let back = cotangent::linear_transpose(|x: &Array| 3.0 * x, (&array(0.0),));
/// assert_eq!(back(&array(2.0)).0.to_f64(), 6.0);
/// ```
///
/// # Panics
/// If the function is not linear: the message names the operation and its line.
#[track_caller]
pub fn linear_transpose<'f, S, F>(f: F, args: F::ArgsOf<'_>) -> Box<dyn Fn(&F::Out) -> F::Args + Send + Sync + 'f>
where
    F: Function<S, Out: Pytree> + 'f,
    F::Args: 'f,
{
    let at = Location::caller();
    let args = F::own(args);
    let lent = args.refs();
    let ins = avals(&F::Args::flatten(lent).leaves);
    let _ = paths::<F::Args>(lent);
    let mut out = None;
    let linear = record_linear(&mut on_leaves(&f, lent, &mut out), &ins, at, true);
    let mask = vec![true; ins.len()];
    let out = out.expect("the function was called");
    let (out_paths, outs) = (tree::paths(&out), avals(&tree::leaves(&out)));
    let p = Pullback::<F::Args, F::Out> { linear, mask, ins, outs, args, out_paths, at, _out: PhantomData };
    Box::new(move |ct| p.call(ct))
}
