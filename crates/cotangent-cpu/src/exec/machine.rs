//! A group of maps as one loop of machine code, made when it pays.

use super::map::MapStep;
pub use crate::emit::Code;
use crate::emit::ir::{Ir, Store};
use crate::emit::translate::{Line, Source, Translate};
use crate::emit::{Loop, When, code};
use crate::isa::Isa;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Calls on so many elements pay for the emitter at once, fewer when they come again.
const AT_ONCE: usize = 2000;

/// What the emitter makes a loop of, and the loop.
pub struct Machine {
    isa: Isa,
    when: When,
    lines: Vec<Line>,
    /// Where the lines come from that are not computed; `None` for those and for dead ones.
    sources: Vec<Option<Source>>,
    /// Lines that are stored, and the entries of their pointers.
    outs: Vec<(u32, u32)>,
    /// Calls times elements.
    work: usize,
    runs: AtomicU32,
    code: OnceLock<Option<Code>>,
}
impl Machine {
    pub fn new(
        isa: Isa,
        when: When,
        lines: Vec<Line>,
        sources: Vec<Option<Source>>,
        outs: Vec<(u32, u32)>,
        work: usize,
    ) -> Machine {
        Machine { isa, when, lines, sources, outs, work, runs: AtomicU32::new(0), code: OnceLock::new() }
    }
    /// The loop, if there is one by now.
    #[inline]
    pub fn code(&self) -> Option<Code> {
        if let Some(code) = self.code.get() {
            return *code;
        }
        let again = || self.runs.fetch_add(1, Ordering::Relaxed) > 0;
        if self.when == When::Always || self.work >= AT_ONCE || again() {
            return *self.code.get_or_init(|| code(self.ir()?, self.isa, Loop::Map));
        }
        None
    }
    /// Is it made however small the work?
    pub fn always(&self) -> bool {
        self.when == When::Always
    }
    /// The loop, if it was made.
    pub fn made(&self) -> Option<Code> {
        self.code.get().copied().flatten()
    }
    /// The program for the emitter.
    pub fn ir(&self) -> Option<Ir> {
        let live = |i: usize| self.lines[i].call.is_some() || self.sources[i].is_some();
        let mut t = Translate::default();
        t.program(&self.lines, live, |i| self.sources[i])?;
        let mut stores = vec![];
        for (line, entry) in &self.outs {
            let (mem, val) = t.stored(*line)?;
            stores.push(Store { entry: *entry, at: 0, mem, val })
        }
        Some(Ir { insts: t.build.finish(), stores, ..Ir::default() })
    }
}

impl MapStep {
    /// Runs the calls on the first `n` elements behind the pointers; rounds that machine code leaves out are interpreted.
    ///
    /// # Safety
    /// As for [`MapStep::run`]; the pointers are those of a block of `n` elements, but those of scalars are of one element.
    pub unsafe fn emitted(&self, code: Code, scratch: *mut u8, table: &mut [*mut u8], n: usize) {
        let mut at = 0;
        loop {
            // SAFETY: the caller's.
            let stop = unsafe { code.run(table.as_ptr(), n, at) };
            at = (stop.at as usize).min(n);
            if at == n {
                return;
            }
            // One round: AVX2 has no mask for the last one, and some elements are rare.
            let m = (n - at).min(code.lanes);
            let mut shifted = table.to_vec();
            for (p, e) in shifted.iter_mut().zip(&self.entries) {
                *p = p.wrapping_add(at * e.step)
            }
            for c in &self.fills {
                shifted[c.entry as usize] = self.column(scratch, c, table[c.entry as usize], at, m)
            }
            // SAFETY: as above.
            unsafe { self.calls(&shifted, m) };
            at += m
        }
    }
}
