//! Dispatch. One thread-local holds the current trace; a transformation makes its own current through a guard. A trace opens only
//! the tracers that bear its id: any other array, an outer trace's tracer too, is a constant to it.
//!
//! [`bind`] is the single way into a primitive. Traces live on one thread (`Rc`, `RefCell`, no locks); arrays know them by number.

pub(crate) mod axis;
pub(crate) mod batch;
pub(crate) mod checkify;
pub(crate) mod eval;
pub(crate) mod jvp;
pub(crate) mod linearize;
pub(crate) mod stage;
pub(crate) mod transpose;

use crate::array::*;
use crate::aval::Aval;
use crate::error::{Error, ErrorKind, Loc, raise};
use crate::prim::{Avals, Primitive};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A running transformation. Lives on one thread; arrays know it by `id` only.
pub(crate) struct Trace {
    pub id: TraceId,
    pub parent: Current,
    pub kind: Kind,
    /// Where the transformation was written.
    pub loc: Loc,
}

/// `None` evaluates.
pub(crate) type Current = Option<Rc<Trace>>;

pub(crate) enum Kind {
    /// Tangents beside values. With `linear` the parent is a `Tape`, and values belong to the tape's parent.
    Jvp { linear: bool },
    /// Operations on unknown tangents are written down, all else goes to the parent.
    Tape(RefCell<linearize::Tape>),
    /// One axis of every mapped value is the lanes'.
    Batch(batch::Lanes),
    /// Every operation becomes an equation.
    Stage(RefCell<stage::Builder>),
    /// Nothing happens to operations, but these axes are bound: a program for the devices of a mesh is staged above it.
    Mesh(Vec<axis::Axis>),
    /// Operations pass, and what goes wrong is noted.
    Checkify(RefCell<checkify::Found>),
}

pub(crate) type Args<'a> = SmallVec<[&'a Array; 4]>;

thread_local! { static CONTEXT: RefCell<Context> = const { RefCell::new(Context { trace: None, loc: None }) } }

/// The current trace, and the user's line while one of our own rules runs.
struct Context {
    trace: Current,
    loc: Option<Loc>,
}

/// Restores the previous context, on unwinding too.
pub(crate) struct Guard(Current, Option<Loc>);
impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        let old =
            CONTEXT.with(|c| std::mem::replace(&mut *c.borrow_mut(), Context { trace: self.0.take(), loc: self.1 }));
        drop(old); // outside the borrow: a trace that ends here drops arrays
    }
}

/// Makes `trace` current. `loc` is the user's line that a rule works for, `None` before the user's own code.
#[inline]
pub(crate) fn enter(trace: Current, loc: Option<Loc>) -> Guard {
    let old = CONTEXT.with(|c| std::mem::replace(&mut *c.borrow_mut(), Context { trace, loc }));
    Guard(old.trace, old.loc)
}

/// Says for which of the user's lines the following work is done, until the present guard ends.
#[inline]
pub(crate) fn work_for(loc: Loc) {
    CONTEXT.with(|c| c.borrow_mut().loc = Some(loc))
}

pub(crate) fn current() -> Current {
    CONTEXT.with(|c| c.borrow().trace.clone())
}
/// The user's line, while one of our rules runs for it.
pub(crate) fn ambient() -> Option<Loc> {
    CONTEXT.with(|c| c.try_borrow().ok().and_then(|c| c.loc))
}
/// Is no transformation running?
#[inline]
pub(crate) fn evaluating() -> bool {
    CONTEXT.with(|c| c.borrow().trace.is_none())
}

thread_local! {
    /// Does a backward pass run, or is one being staged?
    static BACKWARD: Cell<bool> = const { Cell::new(false) };
}
/// Is this part of a backward pass?
#[inline]
pub(crate) fn in_backward() -> bool {
    BACKWARD.get()
}
/// Which pass what happens belongs to, until it is dropped.
pub(crate) struct Pass(bool);
impl Pass {
    pub(crate) fn begin(backward: bool) -> Pass {
        Pass(BACKWARD.replace(backward || BACKWARD.get()))
    }
    /// For what is part of a backward pass by itself, or not.
    #[inline]
    pub(crate) fn now(&self, backward: bool) {
        BACKWARD.set(self.0 || backward)
    }
}
impl Drop for Pass {
    fn drop(&mut self) {
        BACKWARD.set(self.0)
    }
}

/// The single way into a primitive.
#[track_caller]
#[inline]
pub fn bind(prim: &dyn Primitive, args: &[&Array]) -> Outs {
    bind_at(Location::caller(), prim, args)
}
/// `bind` of a primitive with one result.
#[track_caller]
#[inline]
pub fn bind1(prim: &dyn Primitive, args: &[&Array]) -> Array {
    first(bind_at(Location::caller(), prim, args))
}
#[inline]
pub(crate) fn first(mut outs: Outs) -> Array {
    outs.pop().expect("one result")
}

/// `bind` for closures that we hand out: they cannot be `#[track_caller]`, so they carry the line where they were made.
#[inline]
pub(crate) fn bind_at(loc: Loc, prim: &dyn Primitive, args: &[&Array]) -> Outs {
    let (trace, ambient) = CONTEXT.with(|c| {
        let c = c.borrow();
        (c.trace.clone(), c.loc)
    });
    bind_in(&trace, prim, args, ambient.unwrap_or(loc))
}
/// `bind` under a given trace. The thread-local is written only before rules and user code run.
#[inline]
pub(crate) fn bind_in(trace: &Current, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    match trace {
        None => eval::process(prim, args, loc),
        Some(t) => t.process(prim, args, loc),
    }
}

impl Trace {
    pub(crate) fn new(parent: Current, kind: Kind, loc: Loc) -> Rc<Trace> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let t = Trace { id: NEXT.fetch_add(1, Ordering::Relaxed), parent, kind, loc };
        crate::debug::leaks::begun(&t);
        Rc::new(t)
    }
    #[inline]
    pub(crate) fn process(self: &Rc<Trace>, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
        match &self.kind {
            Kind::Jvp { linear } => jvp::process(self, *linear, prim, args, loc),
            Kind::Tape(tape) => linearize::process(self, tape, prim, args, loc),
            Kind::Batch(lanes) => batch::process(self, lanes, prim, args, loc),
            Kind::Stage(builder) => stage::process(self, builder, prim, args, loc),
            Kind::Mesh(_) => bind_in(&self.parent, prim, args, loc),
            Kind::Checkify(found) => checkify::process(self, found, prim, args, loc),
        }
    }
    /// Is the trace with this id one of mine, that is, still running on this thread?
    pub(crate) fn encloses(&self, id: TraceId) -> bool {
        let mut t = Some(self);
        while let Some(now) = t {
            if now.id == id {
                return true;
            }
            t = now.parent.as_deref();
        }
        false
    }
}

/// Types of the results, or an error at the user's line.
#[inline]
pub(crate) fn result_types(prim: &dyn Primitive, avals: &[&Aval], args: &[&Array], loc: Loc) -> Avals {
    match prim.abstract_eval(avals) {
        Ok(outs) => outs,
        Err(why) => bad_operands(prim, &why, args, loc),
    }
}
#[cold]
#[inline(never)]
pub(crate) fn bad_operands(prim: &dyn Primitive, why: &str, args: &[&Array], loc: Loc) -> ! {
    let mut text = format!("{}: {why}", prim.name());
    for (i, a) in args.iter().enumerate() {
        if let Repr::Tracer(n) = &a.0 {
            text.push_str(&format!("\n  operand {i}, {}, made at {}", a.aval(), n.loc));
        }
    }
    let kind = if why.contains("type") || why.contains("dtype") { ErrorKind::Type } else { ErrorKind::Shape };
    raise(Error::new(kind, text).at(loc))
}

/// A tracer was met where only the tracers of running transformations can be.
#[cold]
#[inline(never)]
pub(crate) fn stray(n: &Node, used: Option<Loc>) -> ! {
    let used = used.or_else(ambient);
    let text = format!(
        "leaked tracer: the value of type {} made at {} under {} was used after that transformation had ended, or on another \
         thread; return it from the function, or pass it in as an argument",
        n.aval(),
        n.loc,
        n.under()
    );
    let e = Error::new(ErrorKind::Leak, text);
    raise(match used {
        Some(at) => e.at(at),
        None => e,
    })
}
