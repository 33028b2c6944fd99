//! Which tracers outlive their transformation: a book of all that are made, looked through at the end.
//!
//! A tracer is a counted handle. The book holds one owner of each, so a tracer that has others at the end, of a transformation that does not run any more,
//! is held by somebody: no more and no less is a leak. Nothing is written down while nobody looks.

use crate::array::{Array, Payload, Repr, TraceId};
use crate::error::{Error, ErrorKind, Loc, raise};
use crate::trace::{Trace, current};
use cotangent_cpu::Pooled;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

#[derive(Default)]
struct Book {
    tracers: Vec<Array>,
    /// Where the transformations are written.
    written: HashMap<TraceId, Loc>,
    /// How many tracers were alive when they were counted last.
    alive: usize,
}
thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static BOOK: RefCell<Option<Book>> = const { RefCell::new(None) };
}
/// Gives the book back that was open before.
struct Back(Option<Book>);
impl Drop for Back {
    fn drop(&mut self) {
        ON.set(self.0.is_some());
        let ours = BOOK.replace(self.0.take());
        drop(ours) // outside of the borrow, for it may drop anything
    }
}

/// A tracer is made.
#[inline]
pub(crate) fn made(x: Array) -> Array {
    if ON.get() {
        note(&x)
    }
    x
}
#[cold]
fn note(x: &Array) {
    let mut full = None;
    BOOK.with_borrow_mut(|book| {
        if let Some(book) = book {
            book.tracers.push(x.clone());
            if book.tracers.len() > 1024 + 2 * book.alive {
                full = Some(std::mem::take(&mut book.tracers))
            }
        }
    });
    // those that nobody else holds are forgotten from time to time, so that the book stays as large as what is alive
    if let Some(tracers) = full {
        let tracers = held(tracers);
        BOOK.with_borrow_mut(|book| {
            if let Some(book) = book {
                (book.alive, book.tracers) = (tracers.len(), tracers)
            }
        })
    }
}
/// A transformation begins.
#[inline]
pub(crate) fn begun(t: &Trace) {
    if ON.get() {
        BOOK.with_borrow_mut(|book| book.as_mut().map(|b| b.written.insert(t.id, t.loc)));
    }
}

fn owners(x: &Array) -> usize {
    match &x.0 {
        Repr::Tracer(n) => Pooled::owners(n),
        _ => 0,
    }
}
/// The values that a tracer holds.
fn inside(x: &Array) -> [Option<&Array>; 2] {
    match &x.0 {
        Repr::Tracer(n) => match &n.kind {
            Payload::Dual { x, dx } => [Some(x), Some(dx)],
            Payload::Batched { x, .. } => [Some(x), None],
            Payload::Tape { .. } | Payload::Staged { .. } => [None, None],
        },
        _ => [None, None],
    }
}
/// Those that have other owners than the book. A tracer holds only such as were made before it, so the last ones go first.
fn held(mut tracers: Vec<Array>) -> Vec<Array> {
    let mut kept = vec![];
    while let Some(x) = tracers.pop() {
        if owners(&x) > 1 {
            kept.push(x)
        }
    }
    kept.reverse();
    kept
}

/// `f()`, after which no tracer may be left of a transformation that has ended: otherwise an error lists what is left, with its type, where it was made,
/// under which transformation, and where that is written.
///
/// A leaked tracer is an error wherever it is used ([`ErrorKind::Leak`]). This finds those that nobody has used yet, and who made them. What `f`
/// returns is looked at, too. Tracers of transformations that still run around this call are no leaks.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// use std::sync::Mutex;
/// let kept = Mutex::new(vec![]);
/// let f = grad(|x: &Array| { kept.lock().unwrap().push(x.sin()); x * x });
/// let e = catch(|| debug::leaks(|| f(&array(1.0)))).unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::Leak);
/// assert!(e.message().starts_with("1 tracer outlives its transformation:\n  float32[], made at "));
/// debug::leaks(|| grad(|x: &Array| x * x)(&array(1.0))); // nothing is left of this one
/// ```
///
/// # Panics
/// With that error. Only this thread is looked at; and a panic in `f` travels on as it is.
pub fn leaks<R>(f: impl FnOnce() -> R) -> R {
    let back = Back(BOOK.replace(Some(Book::default())));
    ON.set(true);
    let r = f();
    let Book { tracers, written, .. } = BOOK.take().expect("this call's book");
    drop(back);
    let tracers = held(tracers);
    // what a leaked tracer holds is not a second leak
    let mut known: HashMap<usize, usize> = HashMap::new();
    for x in tracers.iter().flat_map(inside).flatten() {
        *known.entry(x.ptr()).or_default() += 1
    }
    let running = current();
    let mut lines = vec![];
    let mut first = None;
    for x in &tracers {
        let Repr::Tracer(n) = &x.0 else { continue };
        if running.as_ref().is_some_and(|t| t.encloses(n.trace)) {
            // it belongs to the book of a call around this one, if there is one
            made(x.clone());
        } else if owners(x) > 1 + known.get(&x.ptr()).copied().unwrap_or(0) {
            first.get_or_insert(n.loc);
            let mut line = format!("{}, made at {} under {}", x.aval(), n.loc, n.under());
            if let Some(at) = written.get(&n.trace) {
                line.push_str(&format!(", which is written at {at}"))
            }
            lines.push(line)
        }
    }
    let Some(first) = first else { return r };
    let what =
        if lines.len() == 1 { "tracer outlives its transformation" } else { "tracers outlive their transformations" };
    let text = format!("{} {what}:\n  {}", lines.len(), lines.join("\n  "));
    raise(Error::new(ErrorKind::Leak, text).at(first))
}
