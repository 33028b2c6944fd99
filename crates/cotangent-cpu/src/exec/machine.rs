//! A group of maps as one loop of machine code, made when it pays.

use super::map::MapStep;
use crate::ValId;
pub use crate::emit::Code;
use crate::emit::ir::Ir;
use crate::emit::translate::{Line, Source, Translate};
use crate::emit::{Loop, When, code, listing};
use crate::exec::what::What;
use crate::isa::Isa;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Calls on so many elements pay for the emitter at once, fewer when they come again.
const AT_ONCE: usize = 2000;

/// What the emitter makes a loop of, and the loop.
pub struct Machine {
    isa: Isa,
    when: When,
    pub lines: Vec<Line>,
    /// Where the lines come from that are not computed; `None` for those and for dead ones.
    pub sources: Vec<Option<Source>>,
    /// Lines that are stored, and the entries of their pointers.
    pub outs: Vec<(u32, u32)>,
    /// Is it one call, which is a loop in registers as it is? Then there is machine code only where it is one of several steps.
    pub alone: bool,
    /// Calls times elements.
    work: usize,
    runs: AtomicU32,
    /// Entries of pointers, and the values that they are of.
    pub names: Vec<(u32, ValId)>,
    code: OnceLock<Option<Code>>,
}
impl Machine {
    pub fn new(
        isa: Isa,
        when: When,
        lines: Vec<Line>,
        sources: Vec<Option<Source>>,
        outs: Vec<(u32, u32)>,
        alone: bool,
        work: usize,
        names: Vec<(u32, ValId)>,
    ) -> Machine {
        Machine { isa, when, lines, sources, outs, alone, work, runs: AtomicU32::new(0), names, code: OnceLock::new() }
    }
    /// The loop, if there is one by now.
    #[inline]
    pub fn code(&self) -> Option<Code> {
        if let Some(code) = self.code.get() {
            return *code;
        }
        if self.alone {
            return None;
        }
        let again = || self.runs.fetch_add(1, Ordering::Relaxed) > 0;
        if self.at_once() || again() {
            return *self.code.get_or_init(|| code(self.ir()?, self.isa, Loop::Map));
        }
        None
    }
    /// Is it made for the first run?
    pub fn at_once(&self) -> bool {
        !self.alone && (self.when == When::Always || self.work >= AT_ONCE)
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
        self.translated().ok().map(|t| t.0)
    }
    /// The program for the emitter, and its calls: before which instruction each of them begins. Else the call that has no machine code.
    fn translated(&self) -> Result<(Ir, Vec<(u32, What)>), Option<What>> {
        let live = |i: usize| self.lines[i].call.is_some() || self.sources[i].is_some();
        let mut t = Translate::new(self.isa);
        let done = t.program(&self.lines, live, |i| self.sources[i].map(Into::into));
        let last = t.calls.last().map(|c| c.1);
        done.ok_or(last)?;
        let mut stores = vec![];
        for (line, entry) in &self.outs {
            stores.push(t.store(*line, *entry, 0).ok_or(last)?)
        }
        Ok((Ir { insts: t.build.finish(), stores, ..Ir::default() }, t.calls))
    }
    /// The machine code as text, made now if it was not yet; else why there is none. `entry` names what the pointers of the table are of.
    pub fn text(&self, entry: &dyn Fn(u32) -> String) -> Result<String, String> {
        let (ir, calls) = self.translated().map_err(|what| match what {
            Some(what) => format!("no machine code: there is none for {what}"),
            None => "no machine code: there is none for what it stores".into(),
        })?;
        let calls = calls.into_iter().map(|(at, what)| (at, what.to_string())).collect();
        let entry = |e: u32| self.names.iter().find(|n| n.0 == e).map_or_else(|| entry(e), |n| format!("%{}", n.1));
        listing::text(&ir, self.isa, Loop::Map, &listing::Notes { calls, entry: &entry })
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
