//! What a function that is differentiated by `grad` may return.
//!
//! Within a trace the returned arrays are tracers. A transformation therefore splits the result into arrays and the rest, ends the
//! trace, and assembles its own result from the plain values: `has_aux` and fallibility are facts of the return type.

use crate::{Array, Pytree};
use std::convert::Infallible;

/// The result of a function that `grad` accepts: a scalar loss, a loss with auxiliary output beside it, or a `Result` of either.
///
/// ```
/// use cotangent::{Loss, prelude::*};
/// // whatever is returned, the loss itself
/// fn value<L: Loss>(loss: L) -> Option<f64> { loss.split().ok().map(|(loss, _)| loss.to_f64()) }
/// assert_eq!(value(array(2.0)), Some(2.0));
/// assert_eq!(value((array(3.0), vec![array(1.0)])), Some(3.0));
/// assert_eq!(value(Err::<Array, _>("no data")), None);
/// ```
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
    ///
    /// ```
    /// use cotangent::{Loss, prelude::*};
    /// let (loss, aux) = (array(2.), [array(5.)]).split().unwrap();
    /// assert_eq!((loss.to_f64(), aux[0].to_f64()), (2., 5.));
    /// ```
    fn split(self) -> Result<(Array, Self::Aux), Self::Stop>;
    /// The result of `grad`.
    ///
    /// ```
    /// use cotangent::{Loss, prelude::*};
    /// type L = Result<(Array, Array), &'static str>;
    /// let (g, aux) = L::grad(Ok((array(5.), 0.25))).unwrap();
    /// assert_eq!((g, aux.to_f64()), (0.25, 5.));
    /// assert_eq!(L::grad::<f64>(Err(Err("no data"))).unwrap_err(), "no data");
    /// ```
    fn grad<G>(outcome: Result<(Self::Aux, G), Self::Stop>) -> Self::Grad<G>;
    /// The result of `value_and_grad`.
    ///
    /// ```
    /// use cotangent::{Loss, prelude::*};
    /// let ((loss, aux), g) = <(Array, Array)>::value_and_grad(Ok(((array(2.), array(5.)), 0.25)));
    /// assert_eq!((loss.to_f64(), aux.to_f64(), g), (2., 5., 0.25));
    /// ```
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
    use crate::{Array, Static, array, grad, value_and_grad};

    /// The numbers of values that have left the trace.
    fn plain(x: &[&Array]) -> Vec<f64> {
        assert!(x.iter().all(|x| !x.is_tracer()));
        x.iter().map(|x| x.to_f64()).collect()
    }

    #[test]
    fn a_loss() {
        let f = |p: &(Array, Vec<Array>), y: &Array| {
            assert!(p.0.is_tracer() && p.1[0].is_tracer(), "the function sees tracers");
            &p.0 * y + &p.1[0] * 2.0
        };
        let (p, y) = ((array(5.0), vec![array(7.0)]), array(3.0));
        let g: (Array, Vec<Array>) = grad(f)(&p, &y);
        assert_eq!(plain(&[&g.0, &g.1[0]]), [3.0, 2.0]);
        let (l, g) = value_and_grad(f)(&p, &y);
        assert_eq!(plain(&[&l, &g.0, &g.1[0]]), [29.0, 3.0, 2.0]);
    }

    #[test]
    fn a_loss_and_more_beside_it() {
        let f = |x: &Array, y: Array| (x * x, (vec![y * x], Static("label"), None::<Array>));
        let (g, aux) = grad(f)(&array(5.0), array(6.0));
        assert_eq!((plain(&[&g, &aux.0[0]]), aux.1.0), (vec![10.0, 30.0], "label"));
        let ((l, aux), g) = value_and_grad(f)(&array(5.0), array(6.0));
        assert_eq!(plain(&[&l, &aux.0[0], &g]), [25.0, 30.0, 10.0]);
    }

    #[test]
    fn a_fallible_loss() {
        /// Any type at all: not a pytree, not `Clone`, not `Send`.
        #[derive(Debug)]
        struct Bad(std::rc::Rc<String>);
        let f = |x: &Array, fine: Static<bool>| {
            if fine.0 { Ok(x * x) } else { Err(Bad(std::rc::Rc::new("not fine".into()))) }
        };
        let x = array(3.0);
        assert_eq!(plain(&[&grad(f)(&x, Static(true)).unwrap()]), [6.0]);
        assert_eq!(*grad(f)(&x, Static(false)).unwrap_err().0, "not fine");
        let (l, g) = value_and_grad(f)(&x, Static(true)).unwrap();
        assert_eq!(plain(&[&l, &g]), [9.0, 6.0]);
        assert_eq!(*value_and_grad(f)(&x, Static(false)).unwrap_err().0, "not fine");
        // with auxiliary output, and a failure inside a success
        let f = |x: &Array, n: Static<u8>| match n.0 {
            0 => Ok(Ok((x * x, x.clone()))),
            1 => Ok(Err("inner")),
            _ => Err("outer"),
        };
        let (g, aux) = grad(f)(&x, Static(0)).unwrap().unwrap();
        assert_eq!(plain(&[&g, &aux]), [6.0, 3.0]);
        assert_eq!(grad(f)(&x, Static(1)).unwrap().unwrap_err(), "inner");
        assert_eq!(grad(f)(&x, Static(2)).unwrap_err(), "outer");
        // `?` on an inner gradient
        let h = |x: &Array| Ok::<_, &str>(grad(f)(x, Static(1))??.0);
        assert_eq!(h(&x).unwrap_err(), "inner");
    }
}
