//! What a function that is differentiated by `grad` may return.
//!
//! Within a trace the returned arrays are tracers. A transformation therefore splits the result into arrays and the rest, ends the
//! trace, and assembles its own result from the plain values: `has_aux` and fallibility are facts of the return type.

use crate::{Array, Pytree};
use std::convert::Infallible;

/// The result of a function that `grad` accepts: a scalar loss, a loss with auxiliary output beside it, or a `Result` of either.
///
/// A vector is not a loss:
///
/// ```compile_fail,E0277
/// fn differentiate<L: cotangent::Loss>() {}
/// differentiate::<Vec<cotangent::Array>>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`grad` needs a function that returns a scalar `Array`, or `(Array, Aux)`; this one returns `{Self}`",
    label = "not a loss",
    note = "`Aux` is any pytree; a `Result` of a loss is a loss, too",
    note = "for other results use `vjp`, `jvp`, `jacfwd` or `jacrev`"
)]
pub trait Loss: Sized {
    /// What the function returns beside the loss; `()` if nothing.
    type Aux: Pytree;
    /// What the function returns instead of a loss.
    type Stop;
    /// What `grad` returns: `G`, `(G, Aux)` or a `Result` of them.
    type Grad<G>;
    /// What `value_and_grad` returns: `(Array, G)`, `((Array, Aux), G)` or a `Result` of them.
    type ValueAndGrad<G>;

    /// The loss and what is beside it. Both together are a pytree, whose first leaf is the loss.
    fn split(self) -> Result<(Array, Self::Aux), Self::Stop>;
    /// The result of `grad`.
    fn grad<G>(outcome: Result<(Self::Aux, G), Self::Stop>) -> Self::Grad<G>;
    /// The result of `value_and_grad`.
    fn value_and_grad<G>(outcome: Result<((Array, Self::Aux), G), Self::Stop>) -> Self::ValueAndGrad<G>;
}

impl Loss for Array {
    type Aux = ();
    type Stop = Infallible;
    type Grad<G> = G;
    type ValueAndGrad<G> = (Array, G);

    fn split(self) -> Result<(Array, ()), Infallible> {
        Ok((self, ()))
    }
    fn grad<G>(outcome: Result<((), G), Infallible>) -> G {
        let Ok(((), g)) = outcome;
        g
    }
    fn value_and_grad<G>(outcome: Result<((Array, ()), G), Infallible>) -> (Array, G) {
        let Ok(((loss, ()), g)) = outcome;
        (loss, g)
    }
}

impl<Aux: Pytree> Loss for (Array, Aux) {
    type Aux = Aux;
    type Stop = Infallible;
    type Grad<G> = (G, Aux);
    type ValueAndGrad<G> = ((Array, Aux), G);

    fn split(self) -> Result<(Array, Aux), Infallible> {
        Ok(self)
    }
    fn grad<G>(outcome: Result<(Aux, G), Infallible>) -> (G, Aux) {
        let Ok((aux, g)) = outcome;
        (g, aux)
    }
    fn value_and_grad<G>(outcome: Result<((Array, Aux), G), Infallible>) -> ((Array, Aux), G) {
        let Ok(parts) = outcome;
        parts
    }
}

/// An error passes through untouched.
impl<L: Loss, E> Loss for Result<L, E> {
    type Aux = L::Aux;
    type Stop = Result<L::Stop, E>;
    type Grad<G> = Result<L::Grad<G>, E>;
    type ValueAndGrad<G> = Result<L::ValueAndGrad<G>, E>;

    fn split(self) -> Result<(Array, L::Aux), Self::Stop> {
        match self {
            Ok(loss) => loss.split().map_err(Ok),
            Err(e) => Err(Err(e)),
        }
    }
    fn grad<G>(outcome: Result<(L::Aux, G), Self::Stop>) -> Self::Grad<G> {
        passed(outcome).map(L::grad)
    }
    fn value_and_grad<G>(outcome: Result<((Array, L::Aux), G), Self::Stop>) -> Self::ValueAndGrad<G> {
        passed(outcome).map(L::value_and_grad)
    }
}

/// The outcome of the inner loss, unless the outer result was an error.
fn passed<T, S, E>(outcome: Result<T, Result<S, E>>) -> Result<Result<T, S>, E> {
    match outcome {
        Ok(parts) => Ok(Ok(parts)),
        Err(Ok(stop)) => Ok(Err(stop)),
        Err(Err(e)) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::{leaf, number, numbers};
    use crate::{ARG0, Argnums, Arguments, Flat, Function, Nth, Selection, Static, tree};

    /// A stand-in for the core: adds 1000 to every leaf that enters the "trace" and takes it off every leaf that leaves it. The
    /// "gradient" of a leaf is its own number times the number of the loss.
    fn core(
        flat: &Flat,
        wrt: &[usize],
        body: &mut dyn FnMut(&mut dyn Iterator<Item = Array>) -> Option<Vec<Array>>,
    ) -> Option<(Vec<Array>, Vec<Array>)> {
        let outs = body(&mut flat.leaves.iter().map(|x| leaf(number(x) + 1000)))?;
        let plain: Vec<Array> = outs.iter().map(|x| leaf(number(x) - 1000)).collect();
        let grads = wrt.iter().map(|i| leaf(number(&flat.leaves[*i]) * number(&plain[0]))).collect();
        Some((plain, grads))
    }

    type Kept<F, S> =
        Result<((Array, <<F as Function<S>>::Out as Loss>::Aux), Vec<Array>), <<F as Function<S>>::Out as Loss>::Stop>;

    /// The part that `grad` and `value_and_grad` share: calls `f` in the core, and the plain loss, auxiliary output and gradients.
    fn outcome<S, F>(f: &F, flat: &Flat, wrt: &[usize], args: <F::Args as Arguments>::Refs<'_>) -> Kept<F, S>
    where
        F: Function<S, Out: Loss>,
    {
        let mut kept = None;
        let done = core(flat, wrt, &mut |tracers| {
            let parts = f.call(F::Args::rebuild_refs(args, tracers)).split();
            let leaves = parts.as_ref().ok().map(tree::leaves);
            kept = Some(parts);
            leaves
        });
        match (kept.expect("the core calls the function"), done) {
            (Ok(parts), Some((plain, grads))) => Ok((parts.rebuild(&mut plain.into_iter()), grads)),
            (Err(stop), None) => Err(stop),
            _ => unreachable!("a loss has leaves"),
        }
    }

    fn grad<'f, S, F>(f: F) -> F::With<'f, <F::Out as Loss>::Grad<<Nth<0> as Argnums<F::Args>>::Picked>>
    where
        F: Function<S, Out: Loss> + 'f,
        Nth<0>: Argnums<F::Args>,
        <F::Out as Loss>::Grad<<Nth<0> as Argnums<F::Args>>::Picked>: 'f,
    {
        let selection = Selection::new::<F::Args, _>("grad", &ARG0);
        F::with(move |args| {
            let lent = F::lend(&args);
            let flat = F::Args::flatten(lent);
            let outcome = outcome(&f, &flat, &selection.leaves(&flat), lent);
            F::Out::grad(outcome.map(|((_, aux), grads)| (aux, ARG0.picked(lent, &mut grads.into_iter()))))
        })
    }

    fn value_and_grad<'f, S, F>(
        f: F,
    ) -> F::With<'f, <F::Out as Loss>::ValueAndGrad<<Nth<0> as Argnums<F::Args>>::Picked>>
    where
        F: Function<S, Out: Loss> + 'f,
        Nth<0>: Argnums<F::Args>,
        <F::Out as Loss>::ValueAndGrad<<Nth<0> as Argnums<F::Args>>::Picked>: 'f,
    {
        let selection = Selection::new::<F::Args, _>("value_and_grad", &ARG0);
        F::with(move |args| {
            let lent = F::lend(&args);
            let flat = F::Args::flatten(lent);
            let outcome = outcome(&f, &flat, &selection.leaves(&flat), lent);
            F::Out::value_and_grad(outcome.map(|(parts, grads)| (parts, ARG0.picked(lent, &mut grads.into_iter()))))
        })
    }

    #[test]
    fn a_loss() {
        let f = |p: &(Array, Vec<Array>), y: &Array| {
            assert_eq!((numbers(p), number(y)), (vec![1001, 1002], 1003), "the function sees tracers");
            y.clone()
        };
        let p = (leaf(1), vec![leaf(2)]);
        let g: (Array, Vec<Array>) = grad(f)(&p, &leaf(3));
        assert_eq!(numbers(&g), [3, 6]);
        let (l, g) = value_and_grad(f)(&p, &leaf(3));
        assert_eq!((number(&l), numbers(&g)), (3, vec![3, 6]));
    }

    #[test]
    fn a_loss_and_more_beside_it() {
        let f = |x: &Array, y: Array| (x.clone(), (vec![y], Static("label"), None::<Array>));
        let (g, aux) = grad(f)(&leaf(5), leaf(6));
        assert_eq!((number(&g), numbers(&aux), aux.1.0), (25, vec![6], "label"), "auxiliary leaves are plain again");
        let ((l, aux), g) = value_and_grad(f)(&leaf(5), leaf(6));
        assert_eq!((number(&l), numbers(&aux.0), number(&g)), (5, vec![6], 25));
    }

    #[test]
    fn a_fallible_loss() {
        /// Any type at all: not a pytree, not `Clone`, not `Send`.
        #[derive(Debug)]
        struct Bad(std::rc::Rc<String>);
        let f = |x: &Array, fine: Static<bool>| {
            if fine.0 { Ok(x.clone()) } else { Err(Bad(std::rc::Rc::new("not fine".into()))) }
        };
        assert_eq!(number(&grad(f)(&leaf(3), Static(true)).unwrap()), 9);
        assert_eq!(*grad(f)(&leaf(3), Static(false)).unwrap_err().0, "not fine");
        let (l, g) = value_and_grad(f)(&leaf(3), Static(true)).unwrap();
        assert_eq!((number(&l), number(&g)), (3, 9));
        assert_eq!(*value_and_grad(f)(&leaf(3), Static(false)).unwrap_err().0, "not fine");
        // With auxiliary output, and a failure inside a success.
        let f = |x: &Array, n: Static<u8>| match n.0 {
            0 => Ok(Ok((x.clone(), x.clone()))),
            1 => Ok(Err("inner")),
            _ => Err("outer"),
        };
        let (g, aux) = grad(f)(&leaf(3), Static(0)).unwrap().unwrap();
        assert_eq!((number(&g), number(&aux)), (9, 3));
        assert_eq!(grad(f)(&leaf(3), Static(1)).unwrap().unwrap_err(), "inner");
        assert_eq!(grad(f)(&leaf(3), Static(2)).unwrap_err(), "outer");
        // `?` on an inner gradient.
        let h = |x: &Array| Ok::<_, &str>(grad(f)(x, Static(1))??.0);
        assert_eq!(h(&leaf(1)).unwrap_err(), "inner");
    }
}
