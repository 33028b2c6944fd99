//! `grad` and `value_and_grad`.

use super::or_zeros;
use crate::array::Array;
use crate::aval::AxisSet;
use crate::dtype::DType;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::trace::linearize::linearize_flat;
use crate::{ARG0, Argnums, Arguments, Flat, Function, Loss, Nth, Selection, tree};
use smallvec::SmallVec;
use std::panic::Location;

type Picked<F, S, N> = <N as Argnums<<F as Function<S>>::Args>>::Picked;
/// What `grad` of a function returns.
type GradOf<F, S, N> = <<F as Function<S>>::Out as Loss>::Grad<Picked<F, S, N>>;
/// What `value_and_grad` of a function returns.
type ValueAndGradOf<F, S, N> = <<F as Function<S>>::Out as Loss>::ValueAndGrad<Picked<F, S, N>>;

/// The gradient of `f` with respect to its first argument: `Fn(A, B, ..) -> Array` becomes `Fn(A, B, ..) -> A`.
///
/// The function returns a scalar of a floating-point type. It may return `(Array, Aux)`, then the gradient comes as `(A, Aux)`
/// (JAX's `has_aux`), or a `Result` of either. The gradient has the structure, shapes and element types of the argument. Of a
/// real-valued function of complex numbers it is df/dx - i df/dy, as JAX defines it.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array| x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0;
/// assert_eq!(grad(f)(&array(1.0)).to_f64(), 4.0);
/// assert_eq!(grad(grad(f))(&array(1.0)).to_f64(), 10.0);
/// ```
///
/// # Panics
/// When called: if the loss is not a scalar, if it is not of a floating-point type, if a leaf of the argument is not (see
/// [`Grad`] for integers and complex numbers).
#[track_caller]
pub fn grad<'f, S, F>(f: F) -> F::With<'f, GradOf<F, S, Nth<0>>>
where
    F: Function<S, Out: Loss> + 'f,
    Nth<0>: Argnums<F::Args>,
    GradOf<F, S, Nth<0>>: 'f,
{
    grad_argnums(f, ARG0)
}

/// The gradient of `f` with respect to the arguments that `argnums` selects: one, or a tuple of them.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array, y: &Array| x.powi(2) + 3.0 * x * y + y.powi(2);
/// let (x, y) = (array(2.0), array(1.0));
/// assert_eq!(grad_argnums(f, ARG1)(&x, &y).to_f64(), 8.0);
/// let (dx, dy) = grad_argnums(f, (ARG0, ARG1))(&x, &y);
/// assert_eq!((dx.to_f64(), dy.to_f64()), (7.0, 8.0));
/// ```
///
/// # Panics
/// If `argnums` are plain numbers and one is too large or occurs twice. When called: as [`grad`].
#[track_caller]
pub fn grad_argnums<'f, S, F, N>(f: F, argnums: N) -> F::With<'f, GradOf<F, S, N>>
where
    F: Function<S, Out: Loss> + 'f,
    N: Argnums<F::Args> + 'f,
    GradOf<F, S, N>: 'f,
{
    Grad::new().argnums(f, argnums)
}

/// The value of `f` and its gradient with respect to its first argument, in one pass: `Fn(A, B, ..) -> Array` becomes
/// `Fn(A, B, ..) -> (Array, A)`.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array| x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0;
/// let (value, gradient) = value_and_grad(f)(&array(2.0));
/// assert_eq!((value.to_f64(), gradient.to_f64()), (11.0, 17.0));
/// ```
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn value_and_grad<'f, S, F>(f: F) -> F::With<'f, ValueAndGradOf<F, S, Nth<0>>>
where
    F: Function<S, Out: Loss> + 'f,
    Nth<0>: Argnums<F::Args>,
    ValueAndGradOf<F, S, Nth<0>>: 'f,
{
    value_and_grad_argnums(f, ARG0)
}

/// The value of `f` and its gradient with respect to the arguments that `argnums` selects.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::value_and_grad_argnums;
/// let f = |x: &Array, y: &Array| x * x * y;
/// let (value, (dx, dy)) = value_and_grad_argnums(f, (ARG0, ARG1))(&array(3.0), &array(2.0));
/// assert_eq!((value.to_f64(), dx.to_f64(), dy.to_f64()), (18.0, 12.0, 9.0));
/// ```
///
/// # Panics
/// As [`grad_argnums`].
#[track_caller]
pub fn value_and_grad_argnums<'f, S, F, N>(f: F, argnums: N) -> F::With<'f, ValueAndGradOf<F, S, N>>
where
    F: Function<S, Out: Loss> + 'f,
    N: Argnums<F::Args> + 'f,
    ValueAndGradOf<F, S, N>: 'f,
{
    Grad::new().value_argnums(f, argnums)
}

/// `grad` and `value_and_grad` with JAX's rarer options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::Grad;
/// let z = array(num_complex::Complex::new(1.0, 2.0));
/// let dz = Grad::new().holomorphic(true).grad(|z: &Array| z * z)(&z);
/// assert_eq!(dz.to_string(), "(2+4j)");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Grad {
    options: Options,
}
#[derive(Clone, Debug, Default)]
struct Options {
    holomorphic: bool,
    allow_int: bool,
    reduce_axes: Vec<String>,
}

impl Grad {
    /// The options of [`grad`].
    ///
    /// ```
    /// use cotangent::{Grad, prelude::*};
    /// assert_eq!(Grad::new().grad(|x: &Array| x.powi(3))(&array(2.0)).to_f64(), 12.0);
    /// ```
    pub fn new() -> Grad {
        Grad::default()
    }
    /// The function is promised to be holomorphic: arguments and value are complex, and so is the derivative.
    ///
    /// ```
    /// use cotangent::{Grad, prelude::*};
    /// let z = array(num_complex::Complex::new(0.0, 1.0));
    /// let slope = |yes| catch(|| Grad::new().holomorphic(yes).grad(|z: &Array| z * z * z)(&z));
    /// assert_eq!(slope(true)?.to_string(), "(-3+0j)");
    /// assert!(slope(false).is_err()); // the value is complex
    /// # Ok::<(), Error>(())
    /// ```
    pub fn holomorphic(mut self, yes: bool) -> Grad {
        self.options.holomorphic = yes;
        self
    }
    /// Arguments may be integers or booleans; their gradient has the element type `float0`, which holds nothing.
    ///
    /// ```
    /// use cotangent::{ARG1, Grad, prelude::*};
    /// let f = |x: &Array, n: &Array| x * n;
    /// let dn = Grad::new().allow_int(true).argnums(f, ARG1)(&array(2.0), &array(3));
    /// assert_eq!(dn.dtype(), DType::Float0);
    /// assert!(catch(|| grad_argnums(f, ARG1)(&array(2.0), &array(3))).is_err());
    /// ```
    pub fn allow_int(mut self, yes: bool) -> Grad {
        self.options.allow_int = yes;
        self
    }
    /// Named axes over which gradients are summed: where a value that does not vary over such an axis meets values that do, its
    /// gradient is the total over the axis. Without it, it is that of each lane.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::{Grad, Vmap};
    /// let (w, xs) = (array(2.0), array![1., 2., 3.]);
    /// let total = Grad::new().reduce_axes(["batch"]).grad(|w: &Array, x: &Array| w * x);
    /// let g = Vmap::new().axis_name("batch").in_axes((None, 0)).of(total)(&w, &xs);
    /// assert_eq!(g.to_string(), "[6. 6. 6.]");
    /// ```
    pub fn reduce_axes<A: Into<String>>(mut self, axes: impl IntoIterator<Item = A>) -> Grad {
        self.options.reduce_axes = axes.into_iter().map(|a| a.into()).collect();
        self
    }

    /// See [`grad`](crate::grad).
    ///
    /// ```
    /// use cotangent::{Grad, prelude::*};
    /// let d = Grad::new().grad(|x: &Array, y: &Array| (x * y).sum());
    /// assert_eq!(d(&array![1., 2.], &array![5., 7.]).to_string(), "[5. 7.]");
    /// ```
    #[track_caller]
    pub fn grad<'f, S, F>(&self, f: F) -> F::With<'f, GradOf<F, S, Nth<0>>>
    where
        F: Function<S, Out: Loss> + 'f,
        Nth<0>: Argnums<F::Args>,
        GradOf<F, S, Nth<0>>: 'f,
    {
        self.argnums(f, ARG0)
    }
    /// See [`grad_argnums`](crate::grad_argnums).
    ///
    /// ```
    /// use cotangent::{ARG1, Grad, prelude::*};
    /// let d = Grad::new().argnums(|x: &Array, y: &Array| x * y.powi(2), ARG1);
    /// assert_eq!(d(&array(3.0), &array(5.0)).to_f64(), 30.0);
    /// ```
    #[track_caller]
    pub fn argnums<'f, S, F, N>(&self, f: F, argnums: N) -> F::With<'f, GradOf<F, S, N>>
    where
        F: Function<S, Out: Loss> + 'f,
        N: Argnums<F::Args> + 'f,
        GradOf<F, S, N>: 'f,
    {
        let at = Location::caller();
        let (options, selection) = (self.options.clone(), Selection::new::<F::Args, N>("grad", &argnums));
        F::with(move |args| {
            let lent = F::lend(&args);
            let flat = F::Args::flatten(lent);
            let out = outcome::<S, F>(&f, flat, &selection, lent, &options, ("grad", at));
            F::Out::grad(out.map(|((_, aux), g)| (aux, argnums.picked(lent, &mut g.into_iter()))))
        })
    }
    /// See [`value_and_grad`](crate::value_and_grad).
    ///
    /// ```
    /// use cotangent::{Grad, prelude::*};
    /// let (y, dx) = Grad::new().value_and_grad(|x: &Array| x.powi(4))(&array(2.0));
    /// assert_eq!((y.to_f64(), dx.to_f64()), (16.0, 32.0));
    /// ```
    #[track_caller]
    pub fn value_and_grad<'f, S, F>(&self, f: F) -> F::With<'f, ValueAndGradOf<F, S, Nth<0>>>
    where
        F: Function<S, Out: Loss> + 'f,
        Nth<0>: Argnums<F::Args>,
        ValueAndGradOf<F, S, Nth<0>>: 'f,
    {
        self.value_argnums(f, ARG0)
    }
    /// See [`value_and_grad_argnums`](crate::value_and_grad_argnums).
    ///
    /// ```
    /// use cotangent::{ARG0, ARG1, Grad, prelude::*};
    /// let f = Grad::new().value_argnums(|x: &Array, y: &Array| x / y, (ARG0, ARG1));
    /// let (q, (dx, dy)) = f(&array(6.0), &array(2.0));
    /// assert_eq!((q.to_f64(), dx.to_f64(), dy.to_f64()), (3.0, 0.5, -1.5));
    /// ```
    #[track_caller]
    pub fn value_argnums<'f, S, F, N>(&self, f: F, argnums: N) -> F::With<'f, ValueAndGradOf<F, S, N>>
    where
        F: Function<S, Out: Loss> + 'f,
        N: Argnums<F::Args> + 'f,
        ValueAndGradOf<F, S, N>: 'f,
    {
        let at = Location::caller();
        let (options, selection) = (self.options.clone(), Selection::new::<F::Args, N>("value_and_grad", &argnums));
        F::with(move |args| {
            let lent = F::lend(&args);
            let flat = F::Args::flatten(lent);
            let out = outcome::<S, F>(&f, flat, &selection, lent, &options, ("value_and_grad", at));
            F::Out::value_and_grad(out.map(|(parts, g)| (parts, argnums.picked(lent, &mut g.into_iter()))))
        })
    }
}

type Outcome<S, F> =
    Result<((Array, <<F as Function<S>>::Out as Loss>::Aux), Vec<Array>), <<F as Function<S>>::Out as Loss>::Stop>;

/// What both share: the plain loss and auxiliary output, and the gradients of the selected leaves.
fn outcome<S, F: Function<S, Out: Loss>>(
    f: &F,
    flat: Flat,
    selection: &Selection,
    args: <F::Args as Arguments>::Refs<'_>,
    options: &Options,
    who: (&str, Loc),
) -> Outcome<S, F> {
    let mut kept = None;
    let done = differentiate(
        &mut |x| {
            let parts = f.call(F::Args::rebuild_refs(args, &mut x.iter().cloned())).split();
            let leaves = parts.as_ref().ok().map(tree::leaves);
            kept = Some(parts);
            leaves
        },
        &flat.leaves,
        &selection.leaves(&flat),
        options,
        who,
    );
    match (kept.expect("the function was called"), done) {
        (Ok(parts), Some((plain, grads))) => {
            use crate::Pytree;
            Ok((parts.rebuild(&mut plain.into_iter()), grads))
        }
        (Err(stop), None) => Err(stop),
        _ => unreachable!("a loss has leaves"),
    }
}

/// Value leaves and gradients, or nothing if the function stopped with an error. The first leaf of the result is the loss.
fn differentiate(
    f: &mut dyn FnMut(&[Array]) -> Option<Vec<Array>>,
    x: &[Array],
    wrt: &[usize],
    options: &Options,
    (who, at): (&str, Loc),
) -> Option<(Vec<Array>, Vec<Array>)> {
    for i in wrt {
        check_input(&x[*i], *i, options, who, at)
    }
    let reduce: AxisSet = options.reduce_axes.iter().fold(0, |s, name| s | crate::trace::axis::resolve(who, name).bit);
    let mask: SmallVec<[bool; 8]> = (0..x.len()).map(|i| wrt.contains(&i) && x[i].dtype().is_inexact()).collect();
    let mut stopped = false;
    let (values, linear) = linearize_flat(
        &mut |x| match f(x) {
            Some(leaves) => {
                check_loss(&leaves[0], options, who, at);
                leaves
            }
            None => {
                stopped = true;
                vec![]
            }
        },
        x,
        &mask,
        at,
        true,
    );
    if stopped {
        return None;
    }
    let loss = &values[0];
    let mut seeds: SmallVec<[Option<Array>; 2]> = values.iter().map(|_| None).collect();
    seeds[0] = Some(crate::prim::lit(loss, 1.0));
    let mut back = linear.transpose_once(&seeds, reduce, at);
    // inputs of the tape, in order of leaves, to the order of `wrt`
    let place = |i: usize| mask[..i].iter().filter(|m| **m).count();
    let grads = wrt
        .iter()
        .map(|i| {
            let g = if mask[*i] { back[place(*i)].take() } else { None };
            or_zeros(g, x[*i].aval())
        })
        .collect();
    Some((values, grads))
}

fn check_input(x: &Array, i: usize, options: &Options, who: &str, at: Loc) {
    let t = x.dtype();
    let bad = |text: String| fail_at(at, ErrorKind::Type, text);
    if options.holomorphic {
        if !t.is_complex() {
            bad(format!(
                "{who} with holomorphic: inputs must be complex, but leaf {i} of the arguments has type {}",
                x.aval()
            ))
        }
    } else if t.is_inexact() {
    } else if t == DType::Key || !options.allow_int {
        bad(format!(
            "{who}: inputs must be real or complex numbers, but leaf {i} of the arguments has type {}; \
             use Grad::new().allow_int(true) for integers, or vjp",
            x.aval()
        ))
    }
}

fn check_loss(loss: &Array, options: &Options, who: &str, at: Loc) {
    let made = || match &loss.0 {
        crate::array::Repr::Tracer(n) => format!(", made at {},", n.loc),
        _ => String::new(),
    };
    if loss.ndim() != 0 {
        let advice = if loss.size() == 1 { "reshape it to (), " } else { "reduce it, for instance with sum, " };
        fail_at(
            at,
            ErrorKind::Shape,
            format!(
                "{who}: the function must return a scalar, but its result{} has type {}; {advice}or use jacrev or vjp",
                made(),
                loss.aval()
            ),
        )
    }
    let t = loss.dtype();
    if options.holomorphic {
        if !t.is_complex() {
            fail_at(
                at,
                ErrorKind::Type,
                format!(
                    "{who} with holomorphic: the function must return a complex number, but its result{} has type {}",
                    made(),
                    loss.aval()
                ),
            )
        }
    } else if t.is_complex() {
        fail_at(
            at,
            ErrorKind::Type,
            format!(
                "{who}: the function must return a real number, but its result{} has type {}; for holomorphic functions use Grad::new().holomorphic(true), else vjp",
                made(),
                loss.aval()
            ),
        )
    } else if !t.is_float() {
        fail_at(
            at,
            ErrorKind::Type,
            format!(
                "{who}: the function must return a real number, but its result{} has type {}; use vjp",
                made(),
                loss.aval()
            ),
        )
    }
}
