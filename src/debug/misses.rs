//! Why a function is staged again.

use crate::error::Loc;
use crate::jaxpr::{Atom, Jaxpr};
use crate::transform::signature::Signature;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A call of a [`jit`](crate::jit()) that found no program which it could run, although the function, or one that the same line of yours made, had been called before.
///
/// ```
/// use cotangent::{debug, prelude::*};
/// let f = jit(|x: &Array| x.sum());
/// let (_, misses) = debug::cache_misses(|| [f(&array![1., 2.]), f(&array![1, 2])]);
/// assert_eq!((misses.len(), &misses[0].reasons[0][..]), (1, "argument [0]: element type float32 before, int32 now"));
/// assert!(misses[0].to_string().starts_with("jit(<lambda>) at "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheMiss {
    /// The name of the function.
    pub function: String,
    /// Your line with the `jit`.
    pub at: &'static Location<'static>,
    /// What differs: a sentence for each argument that does, or one that says why a function that is new was made for nothing.
    pub reasons: Vec<String>,
}
impl fmt::Display for CacheMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jit({}) at {} is staged again", self.function, self.at)?;
        self.reasons.iter().try_for_each(|r| write!(f, "\n  {r}"))
    }
}

struct Misses {
    /// What the functions of a line were staged to, the last one.
    last: HashMap<Loc, Arc<Jaxpr>>,
    /// Those found, if they are not to be printed.
    found: Option<Vec<CacheMiss>>,
}
thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static MISSES: RefCell<Option<Misses>> = const { RefCell::new(None) };
}
struct Back(Option<Misses>);
impl Drop for Back {
    fn drop(&mut self) {
        ON.set(self.0.is_some());
        let _ours = MISSES.replace(self.0.take());
    }
}
fn within<R>(found: Option<Vec<CacheMiss>>, f: impl FnOnce() -> R) -> (R, Vec<CacheMiss>) {
    let _back = Back(MISSES.replace(Some(Misses { last: HashMap::new(), found })));
    ON.set(true);
    let r = f();
    (r, MISSES.take().and_then(|m| m.found).unwrap_or_default())
}
/// Does anybody ask?
pub(crate) fn on() -> bool {
    ON.get()
}

/// `f()`, and why functions under [`jit`](crate::jit()) were staged again in it, on this thread: which argument had another shape, element type, structure or kind of type
/// (strong, or weak as that of a number) than in the call that was most like it, or which named axes were bound around. JAX has it as `jax_explain_cache_misses`.
///
/// A function that is staged for the first time is no news. But one that is made anew for every call, by a `jit` in a loop, is always staged for the first
/// time: of such a function it says what its program has that the last one of the same line did not, mostly a number that it captures.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let f = jit(|x: &Array| x.sin().sum());
/// let (_, misses) = debug::cache_misses(|| [f(&array![1., 2.]), f(&array![3., 4.]), f(&array![1., 2., 3.])]);
/// assert_eq!(misses.len(), 1);
/// assert_eq!(misses[0].reasons, ["argument [0]: shape (2,) before, (3,) now"]);
///
/// let scaled = |by: f64| jit(move |x: &Array| x * by)(&array![1., 2.]);
/// let (_, misses) = debug::cache_misses(|| [scaled(1.5), scaled(2.5)]);
/// assert!(misses[0].reasons[0].contains("mul a 1.5:f32[] before, mul a 2.5:f32[] now"));
/// ```
pub fn cache_misses<R>(f: impl FnOnce() -> R) -> (R, Vec<CacheMiss>) {
    within(Some(vec![]), f)
}
/// As [`cache_misses`], printed when they happen, as [`print!`](crate::debug::print) prints.
///
/// ```
/// # use cotangent::prelude::*;
/// # use cotangent::debug;
/// let f = jit(|x: &Array| 2 * x);
/// let (_, lines) = debug::capture(|| debug::explain_cache_misses(|| (f(&array![1, 2]), f(&array![1., 2.]))));
/// assert!(lines[0].ends_with("argument [0]: element type int32 before, float32 now"));
/// ```
pub fn explain_cache_misses<R>(f: impl FnOnce() -> R) -> R {
    within(None, f).0
}

/// A function was staged to `made` for arguments of this kind; before it had been for these.
#[cold]
pub(crate) fn staged(function: &str, at: Loc, now: &Signature, before: &[Arc<Signature>], made: &Arc<Jaxpr>) {
    let last = MISSES.with_borrow_mut(|m| m.as_mut().and_then(|m| m.last.insert(at, made.clone())));
    // of those that are as near the last one; where the structure differs nothing else was looked at
    let how_far = |b: &&Arc<Signature>| (b.structure != now.structure, b.differences(now, "before", "now").len());
    let nearest = before.iter().rev().min_by_key(how_far).map(|b| b.differences(now, "before", "now"));
    let reasons = match (nearest, last) {
        (Some(reasons), _) => reasons,
        (None, Some(last)) => vec![anew(&last, made)],
        (None, None) => return,
    };
    let miss = CacheMiss { function: function.into(), at, reasons };
    let text = miss.to_string();
    let kept = MISSES.with_borrow_mut(|m| m.as_mut().and_then(|m| m.found.as_mut()).map(|all| all.push(miss)));
    if kept.is_none() {
        super::line(text)
    }
}

/// What a new function of a line has that the last one did not.
fn anew(last: &Arc<Jaxpr>, now: &Arc<Jaxpr>) -> String {
    let once = "it is a new function, made by the same line as one before: call jit once, and keep what it returns";
    if last == now {
        return format!("{once} (its program is the same and is not compiled again)");
    }
    let types = |j: &Jaxpr| j.in_avals().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
    if types(last) != types(now) {
        return format!("{once} (it takes {}, and took {} before)", types(now), types(last));
    }
    let same = |k: usize| {
        let ((a, b), operands) = ((&last.eqns[k], &now.eqns[k]), last.args(k) == now.args(k));
        (a.prim.eq_dyn(&*b.prim), operands)
    };
    let Some(k) = (0..last.len().min(now.len())).find(|k| same(*k) != (true, true)) else {
        return format!("{once} (it has {} equations, and had {} before)", now.len(), last.len());
    };
    let number = matches!(same(k), (true, false))
        && last.args(k).iter().zip(now.args(k)).all(|(a, b)| a == b || matches!((a, b), (Atom::Lit(_), Atom::Lit(_))));
    let (old, new) = (crate::stages::equation(last, k), crate::stages::equation(now, k));
    let capture = match number {
        true => {
            "; a number that a function captures is part of its program: what changes from call to call belongs among the arguments"
        }
        false => "",
    };
    format!("{once} (its program differs first at {}: {old} before, {new} now{capture})", now.eqns[k].loc)
}
