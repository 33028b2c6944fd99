//! The transformations: typed shells over the traces.
//!
//! A shell flattens the arguments into leaves, runs the user's function inside a trace on containers rebuilt around tracers, takes
//! the results apart, and rebuilds containers around plain values. Generic code ends there: every trace sees flat lists.

pub(crate) mod check;
mod checkpoint;
mod custom;
mod grad;
mod jacobian;
pub(crate) mod jit;
mod jvp;
mod pmap;
mod residuals;
pub(crate) mod signature;
mod symbolic;
mod vjp;
mod vmap;

pub use check::{CheckGrads, check_grads};
pub use checkpoint::{Checkpoint, checkpoint};
pub(crate) use custom::written;
pub use custom::{custom_gradient, custom_jvp, custom_vjp, linear_call};
pub use grad::{Grad, grad, grad_argnums, value_and_grad, value_and_grad_argnums};
pub use jacobian::{hessian, jacfwd, jacrev};
pub(crate) use jit::function_name;
pub use jit::{Jit, ShapeDtype, eval_shape, jit, make_jaxpr};
pub use jvp::{Pushforward, jvp, linearize};
pub use pmap::{Pmap, pmap, shard_map};
pub use residuals::{Residual, ResidualFrom, ResidualSize, print_saved_residuals, saved_residuals};
pub use symbolic::{CustomJvps, Moving, Symbolic, custom_jvp_symbolic, custom_jvps, custom_vjp_symbolic};
pub use vjp::{Pullback, linear_transpose, vjp};
pub use vmap::{Vmap, vmap, vmap_axes};

use crate::array::Array;
use crate::aval::Aval;
use crate::dtype::DType;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::prim::zeros_of;
use crate::trace::linearize::{Linear, linearize_flat, zero_tangent};
use crate::{Arguments, Function, Pytree, tree};

/// A function of containers as one of leaves. What it returned last stays in `out`.
pub(crate) fn on_leaves<'a, 'r, S, F: Function<S, Out: Pytree>>(
    f: &'a F,
    args: <F::Args as Arguments>::Refs<'r>,
    out: &'a mut Option<F::Out>,
) -> impl FnMut(&[Array]) -> Vec<Array> + use<'a, 'r, S, F> {
    move |x| {
        let o = f.call(F::Args::rebuild_refs(args, &mut x.iter().cloned()));
        tree::leaves(out.insert(o))
    }
}

/// The value of a function of containers, its leaves, and the linear map between tangents of the arguments' leaves that have
/// derivatives (`mask`) and tangents of the value's.
pub(crate) fn linearized<S, F: Function<S, Out: Pytree>>(
    f: &F,
    args: <F::Args as Arguments>::Refs<'_>,
    x: &[Array],
    at: Loc,
) -> (F::Out, Vec<Array>, Vec<bool>, Linear) {
    let mask: Vec<bool> = x.iter().map(|a| a.dtype().is_inexact()).collect();
    let mut out = None;
    let (y, linear) = linearize_flat(&mut on_leaves(f, args, &mut out), x, &mask, at, true);
    (out.expect("the function was called").rebuild(&mut y.iter().cloned()), y, mask, linear)
}

pub(crate) fn avals(x: &[Array]) -> Vec<Aval> {
    x.iter().map(|a| a.aval().clone()).collect()
}
/// Zeros where there is no derivative; `float0` for types that have none.
pub(crate) fn or_zeros(d: Option<Array>, like: &Aval) -> Array {
    match d {
        Some(d) if d.weak_type() != like.weak => crate::prim::convert_element_type(&d, like.dtype, like.weak),
        Some(d) => d,
        // inside of a rule that is being transposed this zero is one of the tangents or cotangents that are followed
        None if like.dtype.is_inexact() => zero_tangent(like),
        None => zeros_of(&tangent_aval(like)),
    }
}
/// The type of a tangent or cotangent.
pub(crate) fn tangent_aval(a: &Aval) -> Aval {
    if a.dtype.is_inexact() { a.clone() } else { Aval { dtype: DType::Float0, weak: false, ..a.clone() } }
}
/// Tangents or cotangents given by the user, against the types that they must have. `float0` stands for nothing.
pub(crate) fn given(
    who: &str,
    what: &str,
    at: Loc,
    given: &[Array],
    like: &[Aval],
    paths: &[String],
) -> Vec<Option<Array>> {
    if given.len() != like.len() {
        fail_at(
            at,
            ErrorKind::Structure,
            format!("{who}: {} {what}s were given for {} values", given.len(), like.len()),
        )
    }
    let check = |(i, (g, a)): (usize, (&Array, &Aval))| {
        let want = tangent_aval(a);
        let place = paths.get(i).map_or("", |p| p.as_str());
        if g.shape() != &want.shape[..] {
            fail_at(
                at,
                ErrorKind::Shape,
                format!(
                    "{who}: the {what}{place} has type {}, but its value has type {a}: the shapes must be equal",
                    g.aval()
                ),
            )
        }
        if g.dtype() != want.dtype {
            fail_at(
                at,
                ErrorKind::Type,
                format!(
                    "{who}: the {what}{place} has element type {}, but that of a value of type {a} is {}",
                    g.dtype(),
                    want.dtype
                ),
            )
        }
        if want.dtype == DType::Float0 {
            None
        } else if g.weak_type() != want.weak {
            Some(crate::prim::convert_element_type(g, want.dtype, want.weak))
        } else {
            Some(g.clone())
        }
    };
    given.iter().zip(like).enumerate().map(check).collect()
}
