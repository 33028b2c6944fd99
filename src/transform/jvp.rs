//! Forward mode: `jvp` and `linearize`.

use super::{avals, given, linearized, on_leaves, or_zeros};
use crate::array::Array;
use crate::trace::jvp::jvp_flat;
use crate::{Arguments, Function, Pytree, tree};
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

/// The value of `f` at `primals`, and its derivative there as a linear function of tangents, which may be called many times.
///
/// ```
/// use cotangent::prelude::*;
/// let (y, push) = cotangent::linearize(|x: &Array| x.sin(), (&array(0.0),));
/// assert_eq!(y.to_f64(), 0.0);
/// assert_eq!(push((&array(2.0),)).to_f64(), 2.0);
/// ```
///
/// # Panics
/// When called: if a tangent has another structure, shape or element type than its primal.
#[track_caller]
pub fn linearize<'f, S, F>(
    f: F,
    primals: F::ArgsOf<'_>,
) -> (F::Out, Box<dyn for<'a> Fn(F::ArgsOf<'a>) -> F::Out + Send + Sync + 'f>)
where
    F: Function<S, Out: Pytree> + 'f,
{
    let at = Location::caller();
    let lent = F::lend(&primals);
    let x = F::Args::flatten(lent).leaves;
    let (value, y, _, linear) = linearized::<S, F>(&f, lent, &x, at);
    let (ins, outs) = (avals(&x), avals(&y));
    let names = paths::<F::Args>(lent);
    let kept = value.share();
    let push = move |tangents: F::ArgsOf<'_>| {
        let dx = F::Args::flatten(F::lend(&tangents)).leaves;
        let dx: Vec<Array> = given("linearize", "tangent", at, &dx, &ins, &names).into_iter().flatten().collect();
        let _g = crate::trace::enter(crate::trace::current(), Some(at));
        let dy = linear.apply(&dx);
        kept.rebuild(&mut dy.into_iter().zip(&outs).map(|(d, a)| or_zeros(d, a)))
    };
    (value, Box::new(push))
}

/// Key paths of all leaves of the arguments, for messages.
pub(crate) fn paths<A: Arguments>(args: A::Refs<'_>) -> Vec<String> {
    let mut w = tree::StructureWriter::default();
    A::walk_refs(args, &mut w);
    w.finish().paths()
}
