//! Running a compiled function with a clock.

use super::tree::Piece;
use crate::array::{Array, Outs};
use crate::backend::{operand, results};
use crate::jaxpr::Jaxpr;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a run with a clock found, by the programs that it met.
#[derive(Default)]
pub(crate) struct Times {
    /// The programs that are timed.
    pieces: HashMap<*const Jaxpr, Arc<Piece>>,
    /// Of each: how often it ran, and how long each of its groups did altogether.
    pub groups: HashMap<*const Jaxpr, (usize, Vec<Duration>)>,
    /// The same of operations that run programs, by the program that they stand in and the number of the equation.
    pub driven: HashMap<(*const Jaxpr, usize), (usize, Duration)>,
}
thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static TIMES: RefCell<Option<Times>> = const { RefCell::new(None) };
}
struct Back(Option<Times>);
impl Drop for Back {
    fn drop(&mut self) {
        ON.set(self.0.is_some());
        let _ours = TIMES.replace(self.0.take());
    }
}

/// Runs `f`, in which these programs are run with a clock.
pub(crate) fn timed<R>(pieces: &[&Arc<Piece>], f: impl FnOnce() -> R) -> (R, Times) {
    let pieces = pieces.iter().map(|p| (Arc::as_ptr(&p.jaxpr), (*p).clone())).collect();
    let _back = Back(TIMES.replace(Some(Times { pieces, ..Times::default() })));
    ON.set(true);
    let r = f();
    (r, TIMES.take().unwrap_or_default())
}
/// Is there a clock on this thread?
#[inline]
pub(crate) fn on() -> bool {
    ON.get()
}
/// Is this one of the programs that are timed?
pub(crate) fn knows(j: &Arc<Jaxpr>) -> bool {
    TIMES.with_borrow(|t| t.as_ref().is_some_and(|t| t.pieces.contains_key(&Arc::as_ptr(j))))
}
/// Runs such a program.
pub(crate) fn run(j: &Arc<Jaxpr>, args: &[&Array], consts: &[Array]) -> Outs {
    let at = Arc::as_ptr(j);
    let piece = TIMES.with_borrow(|t| t.as_ref().expect("a clock").pieces[&at].clone());
    let all: SmallVec<[&Array; 8]> = args.iter().copied().chain(consts).collect();
    let operands: Vec<_> = all.iter().map(|a| operand(a)).collect();
    let (outs, times) = piece.inspected().run(&operands);
    TIMES.with_borrow_mut(|t| {
        let (runs, groups) = t.as_mut().expect("a clock").groups.entry(at).or_default();
        *runs += 1;
        groups.resize(times.len(), Duration::ZERO);
        groups.iter_mut().zip(&times).for_each(|(g, t)| *g += *t);
    });
    results(outs, &j.out_avals(), &all)
}

/// An operation that runs programs begins.
#[inline]
pub(crate) fn start() -> Option<Instant> {
    on().then(Instant::now)
}
/// It is done: equation `k` of this program.
#[inline]
pub(crate) fn stop(start: Option<Instant>, j: &Jaxpr, k: usize) {
    let Some(start) = start else { return };
    let time = start.elapsed();
    TIMES.with_borrow_mut(|t| {
        if let Some(t) = t {
            let (runs, all) = t.driven.entry((j, k)).or_default();
            *runs += 1;
            *all += time
        }
    })
}
