//! Errors as values: checks in functions that are transformed, and what else may go wrong in them.
//!
//! [`check!`](crate::check) is an assertion about values that may not be known yet. Where it runs, eagerly or in a compiled program, in a lane or in a turn of a loop, it
//! ends the run with an [`Error`] if it fails. [`checkify()`] makes of a function one that goes on, and returns the first error beside its result: under `jit`,
//! for each lane of a `vmap`, inside of branches, loops and derivatives.
//!
//! ```
//! use cotangent::prelude::*;
//! use cotangent::{check, checkify, vmap};
//! let f = |x: &Array| {
//!     check!(x.gt(0), "x must be positive, got {x}");
//!     x.log()
//! };
//! let e = catch(|| jit(f)(&array(-2.0))).unwrap_err();
//! assert_eq!(e.message(), "x must be positive, got -2.0");
//!
//! let (failure, y) = jit(vmap(checkify(f)))(&array![1., -2., -3.]);
//! assert_eq!(failure.get().unwrap(), "at mapped index 1: x must be positive, got -2.0\nat mapped index 2: x must be positive, got -3.0");
//! assert_eq!(y.to_string(), "[ 0. nan nan]");
//! ```

use crate::array::Array;
use crate::debug::text::Template;
use crate::debug::watch::position;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, fail_at, raise};
use crate::prim::check::Check;
use crate::trace::bind_at;
pub use crate::trace::checkify::CheckSet;
use crate::trace::checkify::{Errors, Message, at_lane, checkify_flat};
use crate::{Arguments, Function, Pytree};
use std::fmt;
use std::panic::Location;

/// Asserts that a condition holds: `check!(x.gt(0).all(), "x is {x}")`. The condition is one truth value; the rest is as for `format!`, and as for
/// [`debug::print!`](crate::debug::print).
///
/// If it does not hold, the run ends with an [`Error`] of kind [`ErrorKind::Failed`] and this message; also that of a compiled program (where JAX refuses to stage
/// a check). Inside of [`checkify()`] the message is in the [`Failure`] instead.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::check;
/// let f = |x: &Array| { check!(x.lt(2), "{x:.1} is too large"); x * x };
/// assert_eq!(jit(grad(f))(&array(1.5)).to_f64(), 3.0);
/// let e = catch(|| jit(grad(f))(&array(2.5))).unwrap_err();
/// assert_eq!((e.kind(), e.message()), (ErrorKind::Failed, "2.5 is too large"));
/// ```
#[macro_export]
macro_rules! check {
    ($ok:expr, $($text:tt)+) => { $crate::checkify::check_args(&$ok, ::core::format_args!($($text)+)) };
}

/// What [`check!`](crate::check) calls.
#[doc(hidden)]
#[track_caller]
pub fn check_args(ok: &Array, text: fmt::Arguments<'_>) {
    let at = Location::caller();
    if ok.dtype() != DType::Bool || ok.ndim() != 0 {
        let kind = if ok.dtype() != DType::Bool { ErrorKind::Type } else { ErrorKind::Shape };
        let got = ok.aval();
        fail_at(
            at,
            kind,
            format!(
                "check: the condition must be one truth value (dtype bool), it has type {got}; reduce it with all()"
            ),
        )
    }
    let (text, values) = Template::record(text);
    let args: Vec<&Array> = [ok].into_iter().chain(&values).collect();
    bind_at(at, &Check { text, lanes: vec![] }, &args);
}

/// A function that returns, beside what `f` does, the first of its [checks](crate::check) that failed. As `checkify` of `jax.experimental`.
///
/// After an error the function goes on, and its result is what it computes without checks. First means first in the order of the program; of the lanes of a map
/// inside of `f`, the first in which that check fails. A loop goes on, too.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{check, checkify, lax};
/// let f = |xs: &Array| {
///     let turn = |sum: &Array, x: &Array| { check!(x.gt(0), "{x} after {sum}"); (sum + x, ()) };
///     lax::scan(turn, &array(0.0), xs).0
/// };
/// let (failure, sum) = jit(checkify(f))(&array![1., 2., -3., -4.]);
/// assert_eq!((failure.get().unwrap().as_str(), sum.to_f64()), ("-3.0 after 3.0", -4.0));
/// assert!(checkify(f)(&array![1.]).0.get().is_none());
/// ```
#[track_caller]
pub fn checkify<'f, S, F>(f: F) -> F::With<'f, (Failure, F::Out)>
where
    F: Function<S, Out: Pytree> + 'f,
{
    Checkify::new().of(f)
}

/// [`checkify()`] with options.
///
/// ```
/// use cotangent::checkify::{CheckSet, Checkify};
/// use cotangent::prelude::*;
/// let divide = Checkify::new().checks(CheckSet::DIV).of(|x: &Array, y: &Array| x / y);
/// assert!(divide(&array(1.0), &array(2.0)).0.get().is_none());
/// assert_eq!(divide(&array(1.0), &array(0.0)).0.get().unwrap(), "division by zero");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checkify {
    set: CheckSet,
}
impl Default for Checkify {
    fn default() -> Self {
        Checkify { set: CheckSet::USER }
    }
}
impl Checkify {
    /// The options of [`checkify()`].
    ///
    /// ```
    /// use cotangent::checkify::Checkify;
    /// use cotangent::{check, prelude::*};
    /// let f = Checkify::new().of(|x: &Array| { check!(x.lt(9), "{x} is too much"); x.log() });
    /// assert_eq!(f(&array(10.0)).0.get().unwrap(), "10.0 is too much");
    /// assert!(f(&array(-1.0)).0.get().is_none()); // a NaN is not looked for
    /// ```
    pub fn new() -> Checkify {
        Checkify::default()
    }
    /// What is looked for. Unless it is said, the function's own checks. Those that are not in the set are ignored.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::checkify::{CheckSet, Checkify};
    /// let f = Checkify::new().checks(CheckSet::ALL).of(|x: &Array| (x - 1.0).log());
    /// assert_eq!(f(&array![2., 0.5]).0.get().unwrap(), "log makes a NaN");
    /// ```
    pub fn checks(mut self, set: CheckSet) -> Checkify {
        self.set = set;
        self
    }
    /// The function: see [`checkify()`].
    ///
    /// ```
    /// use cotangent::checkify::{CheckSet, Checkify};
    /// use cotangent::prelude::*;
    /// let root = Checkify::new().checks(CheckSet::NAN).of(|x: &Array| x.sqrt());
    /// let (failure, y) = jit(root)(&array![4., -4.]);
    /// assert_eq!((failure.get().unwrap().as_str(), y.to_string().as_str()), ("sqrt makes a NaN", "[ 2. nan]"));
    /// ```
    #[track_caller]
    pub fn of<'f, S, F>(self, f: F) -> F::With<'f, (Failure, F::Out)>
    where
        F: Function<S, Out: Pytree> + 'f,
    {
        let at = Location::caller();
        F::with(move |args| {
            let lent = F::lend(&args);
            let x = F::Args::flatten(lent).leaves;
            let run = || f.call(F::Args::rebuild_refs(lent, &mut x.into_iter()));
            let (out, errors) = checkify_flat(self.set, at, true, run);
            (Failure::of(errors), out)
        })
    }
}

/// What [`checkify()`] found: nothing, or the first error; of each lane, where `checkify` stands inside a map.
///
/// ```
/// use cotangent::{check, checkify, checkify::Failure, prelude::*};
/// let f = checkify(|x: &Array| { check!(x.gt(0), "got {x}"); x.sqrt() });
/// let failure: Failure = f(&array(-4)).0;
/// assert_eq!(format!("{failure:?}"), "Failure(Some(\"got -4\"))");
/// ```
#[derive(Pytree)]
pub struct Failure {
    code: Array,
    slots: Vec<Array>,
    #[pytree(static)]
    table: Vec<Message>,
}
impl Failure {
    fn of(e: Errors) -> Failure {
        Failure { code: e.code, slots: e.slots, table: e.table }
    }
    /// Is there an error? Of each lane, as an array of truth values. It may be traced.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::{check, checkify, vmap};
    /// let (failure, _) = vmap(checkify(|x: &Array| { check!(x.gt(0), "{x}"); x.log() }))(&array![1., -2.]);
    /// assert_eq!(failure.failed().to_string(), "[False  True]");
    /// assert_eq!(failure.result().unwrap_err().message(), "at mapped index 1: -2.0");
    /// ```
    pub fn failed(&self) -> Array {
        crate::prim::ge(&self.code, &crate::prim::lit(&self.code, 0.0))
    }
    /// The errors: the lane of each, its message and where the check stands.
    #[track_caller]
    fn all(&self) -> Vec<(Vec<usize>, String, &Message)> {
        let code = self.code.concrete("Failure::get");
        let codes = code.to_vec::<i32>();
        let of = |(lane, code): (usize, &i32)| {
            let message = self.table.get(usize::try_from(*code).ok()?)?;
            let pick = |s: &Array| {
                let mut s = s.concrete("Failure::get").clone();
                for i in position(lane, self.code.shape()) {
                    s = crate::prim::callback::element(&s, i)
                }
                s
            };
            let slots: Vec<Array> = self.slots.iter().map(pick).collect();
            Some((position(lane, self.code.shape()), message.render(&slots), message))
        };
        codes.iter().enumerate().filter_map(of).collect()
    }
    /// The message, if there is an error; a line for each lane that has one.
    ///
    /// ```
    /// use cotangent::{check, checkify, prelude::*};
    /// let f = checkify(|x: &Array| { check!(x.gt(0), "got {x}"); x.sqrt() });
    /// assert_eq!(f(&array(-9)).0.get().as_deref(), Some("got -9"));
    /// assert_eq!(f(&array(9)).0.get(), None);
    /// ```
    ///
    /// # Panics
    /// If it is traced: return it from the function, and ask outside.
    #[track_caller]
    pub fn get(&self) -> Option<String> {
        let line = |(lane, text, _): (Vec<usize>, String, &Message)| match lane[..] {
            [] => text,
            _ => format!("{}: {text}", at_lane(&lane)),
        };
        let lines: Vec<String> = self.all().into_iter().map(line).collect();
        if lines.is_empty() { None } else { Some(lines.join("\n")) }
    }
    /// Nothing, or the error with the line of the first check that failed.
    ///
    /// ```
    /// use cotangent::{check, checkify, prelude::*};
    /// let f = checkify(|x: &Array| { check!(x.abs().gt(0), "zero"); 1.0 / x });
    /// assert!(f(&array(2.0)).0.result().is_ok());
    /// assert_eq!(f(&array(0.0)).0.result().unwrap_err().kind(), ErrorKind::Failed);
    /// ```
    ///
    /// # Panics
    /// As [`get`](Failure::get).
    #[track_caller]
    pub fn result(&self) -> Result<(), Error> {
        match self.get() {
            None => Ok(()),
            Some(text) => Err(Error::new(ErrorKind::Failed, text).at(self.all()[0].2.loc)),
        }
    }
    /// Panics with the error, if there is one, as an eager check does.
    ///
    /// ```
    /// use cotangent::{check, checkify, prelude::*};
    /// let f = checkify(|x: &Array| { check!(x.abs().gt(0), "zero"); 1.0 / x });
    /// let inverse = |x: f64| { let (failure, y) = f(&array(x)); failure.throw(); y };
    /// assert_eq!(inverse(4.0).to_f64(), 0.25);
    /// assert_eq!(catch(|| inverse(0.0)).unwrap_err().message(), "zero");
    /// ```
    ///
    /// # Panics
    /// If there is an error; and as [`get`](Failure::get).
    #[track_caller]
    pub fn throw(&self) {
        if let Err(e) = self.result() {
            raise(e)
        }
    }
}
/// As its message, or nothing.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_tracer() {
            return write!(f, "Failure({:?})", self.code);
        }
        f.debug_tuple("Failure").field(&self.get()).finish()
    }
}
