//! Rows as machine code: steps of a strip that work on the same rows, as one straight line of instructions for each row, or, if it is [too long](super::wide) for that, as a few loops.
//!
//! A softmax over a hundred numbers is a few vectors: they fit into registers, or nearly so. What the steps of a strip hand to each other through the cache, and what each of
//! them costs for every row, is then more than what they compute. So the whole of them is written down for one row, vector by vector: maps are computed for each vector of the row,
//! values that are one for a row are a vector of equal lanes, and a fold combines vectors, then lanes, in the order of its tree
//! ([`crate::program`]). The emitter hands out registers, reads operands again where that is cheaper than keeping them, and makes a loop over rows of it.
//!
//! Nothing is lost if it cannot be made, or if a row has an element that machine code leaves to the interpreter: then the steps run as they are, on that row. They are what the line was
//! translated from, and so its bits are theirs.

use super::access::Access;
use super::blocks::Folds;
use super::build::Place;
use super::columns::{Columns, DownFolds};
use super::even::{Evenly, evenly, gcd};
use super::fold::Reduce;
use super::map::{Entry, Fill, MapStep};
use super::run::{Frame, Step};
use super::strip::{Rows, StripStep};
use super::wide::Wide;
use crate::emit::ir::{Again, Carried, I, Inst, Ir, Span, Store, Ty};
use crate::emit::translate::{Forms, Source, Translate};
use crate::emit::{Code, Loop, When, code, listing};
use crate::exec::what::What;
use crate::isa::Isa;
use crate::{BLOCK, Buffer, Dt, FEW, Fold, Op};
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The most pieces of a row.
pub const PIECES: usize = 4;
/// The most elements of a row that is folded down its columns, and calls on the vectors of a row: some become many instructions, of which there are at most so many.
const DOWN: usize = 1024;
const CALLS: usize = 2500;
const LONG: usize = 6000;
/// Calls times elements that pay for the emitter at once; less than that pays when it comes again.
const AT_ONCE: usize = 100_000;

/// Steps of a strip as machine code for a row.
pub struct Kernel {
    /// Which of the strip's.
    pub steps: Range<usize>,
    /// Rows in all.
    pub rows: usize,
    /// Elements of a row, or of each piece of it.
    pub width: usize,
    /// From every multiple of this on, so many rows have operands that lie evenly apart.
    pub even: usize,
    pub(super) pointers: Vec<Pointer>,
    /// What the steps read: by step and entry of its table.
    pub(super) reads: HashMap<(usize, u32), Operand>,
    /// Values that somebody else reads: their places' numbers among the pointers.
    pub(super) stored: HashMap<Place, u32>,
    /// The folds of long rows that it makes, if these are no rows of their own.
    pub folds: Option<Folds>,
    /// The folds down the columns.
    downs: Option<DownFolds>,
    /// What it keeps of a row that is too long for registers.
    pub(super) wide: Option<Wide>,
    isa: Isa,
    when: When,
    pub work: usize,
    runs: AtomicU32,
    code: OnceLock<Option<Code>>,
}
/// Where a row's elements begin.
#[derive(Clone, PartialEq)]
pub(super) struct Pointer {
    pub place: Place,
    pub offset: isize,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// What is read through a view, and how many elements of it belong to a row.
    pub view: Option<(Box<Access>, usize)>,
}
/// How a step reads an operand.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Read {
    /// A step before has made it.
    Made(Place),
    /// One element for all rows.
    Still(u32),
    /// One element for each row.
    One(u32),
    /// As many elements as a row has.
    Along(u32),
}
/// An operand, and how far the pieces of a row are apart: in bytes, or in pieces of what was made.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Operand {
    pub read: Read,
    pub apart: usize,
}
/// What a step makes of a row: pieces, elements of each, and bytes of these.
pub(super) type Shape = (usize, usize, usize);
/// The operation that a fold repeats, where lanes of the emitter hold its elements.
pub(super) fn joins(fold: Fold, dt: Dt) -> Option<Op> {
    fold.op().filter(|_| matches!(dt.size(), 4 | 8) && !dt.is_complex())
}

/// A kernel in the making.
pub(super) struct Finder<'a> {
    pub k: Kernel,
    pub made: HashMap<Place, Shape>,
    pub steps: &'a [StripStep],
}

/// The parts of a strip's steps that machine code can do row by row, or, of long rows, block by block.
pub fn find(
    steps: &[StripStep],
    (parts, columns): (Rows, Option<Columns>),
    line: usize,
    isa: Isa,
    when: When,
) -> Vec<Kernel> {
    let mut found = vec![];
    let mut first = 0;
    if isa == Isa::Portable || when == When::Never {
        return found;
    }
    while first < steps.len() {
        let shape = steps[first..].iter().find_map(|s| match &s.step {
            Step::Reduce(r) if columns.is_some() && r.down() == columns => None,
            Step::Reduce(r) => Some(Some((r.folds(), r.n))),
            Step::Map(_) => None,
            _ => Some(None),
        });
        // where there are no other folds, those down the columns say it
        let down = || {
            steps[first..].iter().find_map(|s| match &s.step {
                Step::Reduce(r) => r.down().map(|c| (c.rows(), r.inner)),
                _ => None,
            })
        };
        let Some((rows, width)) = shape.unwrap_or_else(down) else {
            first += 1;
            continue;
        };
        // A row has several pieces where that is so of all folds, or where something belongs to all pieces.
        let rows = match (columns, parts) {
            (Some(c), _) => c.rows(),
            (None, Rows::Parts(n)) if width <= line && (2..=PIECES).contains(&(rows / n)) => {
                let shared = |s: &StripStep| matches!(&s.step, Step::Map(m) if m.len == n * width);
                if steps[first..].iter().any(shared) { n } else { rows }
            }
            _ => rows,
        };
        // Long rows are taken vector by vector if a fold's tree has one block for each, or else block by block.
        let long = columns.is_none() && width > line;
        let whole = !long || (width <= BLOCK && rows > 1);
        let kernel = [true, false].into_iter().filter(|row| if *row { whole } else { long }).find_map(|row| {
            let mut f = Finder::new(steps, (rows, width), isa, when, first);
            match columns {
                Some(c) => f.k.downs = Some(DownFolds::new(c, steps)),
                None if long && row => f.k.wide = Some(Wide::default()),
                None if long => f.in_blocks(rows, width),
                None => {}
            }
            f.kernel(columns)
        });
        first = kernel.as_ref().map_or(first + 1, |k| k.steps.end);
        found.extend(kernel)
    }
    found
}

impl<'a> Finder<'a> {
    fn new(steps: &'a [StripStep], (rows, width): (usize, usize), isa: Isa, when: When, first: usize) -> Finder<'a> {
        let k = Kernel {
            steps: first..first,
            rows,
            width,
            even: rows,
            folds: None,
            downs: None,
            wide: None,
            pointers: vec![],
            reads: HashMap::new(),
            stored: HashMap::new(),
            isa,
            when,
            work: 0,
            runs: AtomicU32::new(0),
            code: OnceLock::new(),
        };
        Finder { k, made: HashMap::new(), steps }
    }
    /// With all the steps that it can take, if that is worth it.
    fn kernel(mut self, columns: Option<Columns>) -> Option<Kernel> {
        while self.k.steps.end < self.steps.len() && self.takes(self.k.steps.end).is_some() {
            self.k.steps.end += 1
        }
        let steps = &self.steps[self.k.steps.clone()];
        let folds = steps.iter().any(|s| matches!(s.step, Step::Reduce(_)));
        // extremes are worth it by themselves
        let extremes = |s: &StripStep| matches!(&s.step, Step::Reduce(r) if matches!(r.what.0, Fold::Max | Fold::Min));
        let worth = steps.len() > 1 || steps.iter().any(extremes);
        // rows of a lane lie evenly apart, and not too far for an instruction
        let near = |c: Columns| self.k.strides().all(|stride| stride < (1 << 31) / c.lanes);
        let width = self.k.width;
        let even = columns.is_none_or(|c| self.k.even.is_multiple_of(c.n) && near(c) && width <= DOWN);
        (folds && worth && even).then(|| {
            self.finish();
            self.k
        })
    }
    pub fn pointer(&mut self, p: Pointer) -> u32 {
        let all = &mut self.k.pointers;
        all.iter().position(|q| *q == p).unwrap_or_else(|| {
            all.push(p);
            all.len() - 1
        }) as u32
    }
    /// Can the next step be one of it?
    fn takes(&mut self, step: usize) -> Option<()> {
        let all = self.steps;
        match &all[step].step {
            Step::Map(m) => self.map(step, m),
            Step::Reduce(r) if self.k.folds.is_some() => self.fold_in_blocks(step, r),
            Step::Reduce(r) if self.k.down(step).is_some() => self.fold_down(step, r),
            Step::Reduce(r) => self.fold(step, r),
            _ => None,
        }
    }
    fn map(&mut self, step: usize, m: &MapStep) -> Option<()> {
        let k = &self.k;
        // what long folds carry has no tail
        let lanes = if k.isa == Isa::Avx2 && k.folds.is_some() { 8 } else { 1 };
        let n = m.len / k.rows;
        let fits = m.apart >= m.len && k.width > FEW && k.width.is_multiple_of(lanes) && n * k.rows == m.len;
        // elements of pieces, or one for each
        let (pieces, width) = k.shape(n);
        let piece = match (&k.folds, &k.wide) {
            (Some(_), _) => (pieces, width) == (1, k.width),
            (_, Some(_)) => pieces == 1,
            _ => true,
        };
        let calls = (k.work + m.calls.len() * m.len) / k.rows.max(1) / 16;
        // of a loop over vectors a few are written down
        let most = if k.wide.is_some() { CALLS * k.width / (16 * Wide::VECTORS) } else { CALLS };
        if !fits || pieces * width != n || pieces > PIECES || !piece || calls > most && k.folds.is_none() {
            return None;
        }
        let machine = m.machine.as_ref()?;
        let mut reads = vec![];
        for source in machine.sources.iter().flatten() {
            let (Source::Stream(e, 0) | Source::Splat(e, 0)) = *source else {
                match source {
                    Source::Const(_) => continue,
                    _ => return None,
                }
            };
            reads.push((e, self.read(m, e, (pieces, width))?));
        }
        self.k.reads.extend(reads.into_iter().map(|(e, read)| ((step, e), read)));
        for (_, e) in &machine.outs {
            let out = &m.entries[*e as usize];
            self.made.insert(out.at.0, (pieces, width, out.step));
        }
        self.k.work += m.calls.len() * m.len;
        Some(())
    }
    fn read(&mut self, m: &MapStep, e: u32, (pieces, width): (usize, usize)) -> Option<Operand> {
        let rows = self.k.rows;
        let fill = m.fills.iter().find(|c| c.entry == e).map(|c| (&c.fill, c.size));
        let from = match fill {
            Some((Fill::Scalar(place, _) | Fill::Strided(place, _), _)) => Some(*place),
            Some((Fill::Index { .. }, _)) => None,
            None => Some(m.entries[e as usize].at.0),
        };
        // what is folded block by block is there when all blocks are
        let folds = self.k.folds.as_ref();
        if folds.is_some_and(|f| {
            f.steps.iter().any(|k| matches!(&self.steps[*k].step, Step::Reduce(r) if Some(r.to) == from))
        }) {
            return None;
        }
        let (place, access) = match fill {
            Some((Fill::Scalar(place, offset), _)) if !self.made.contains_key(place) => {
                let p = Pointer { place: *place, offset: *offset, stride: 0, view: None };
                return Some(Operand { read: Read::Still(self.pointer(p)), apart: 0 });
            }
            Some((Fill::Strided(place, access), _)) => (*place, access),
            Some(_) => return None,
            None => {
                let Entry { at: (place, offset), step, .. } = &m.entries[e as usize];
                if let Some(shape) = self.made.get(place) {
                    let same = *shape == (pieces, width, *step) && *offset == 0;
                    return same.then_some(Operand { read: Read::Made(*place), apart: 1 });
                }
                let stride = pieces * width * step;
                let p = self.pointer(Pointer { place: *place, offset: *offset, stride, view: None });
                let read = if width == 1 { Read::One(p) } else { Read::Along(p) };
                return Some(Operand { read, apart: width * step });
            }
        };
        let Evenly { within, apart, even, stride } = evenly(access, rows, (pieces, width))?;
        let size = access.size as isize;
        if let Some(shape) = self.made.get(&place) {
            // all of a piece, or what is one for it; and all pieces, or one for all
            let w = if within == 0 { 1 } else { width };
            let n = if apart == 0 { 1 } else { pieces };
            let same = access.offset == 0
                && even == rows
                && stride == n * w * access.size
                && (within == 0 || within == size)
                && (apart == 0 || apart == w * access.size);
            let made = same && *shape == (n, w, access.size);
            return made.then_some(Operand { read: Read::Made(place), apart: n.min(2) - 1 });
        }
        self.k.even = gcd(self.k.even, even);
        let p = self.pointer(Pointer { place, offset: 0, stride, view: Some((access.clone(), pieces * width)) });
        let read = match within {
            0 => Read::One(p),
            _ if within == size => Read::Along(p),
            _ => return None,
        };
        Some(Operand { read, apart })
    }
    fn fold(&mut self, step: usize, r: &Reduce) -> Option<()> {
        let (rows, width) = (self.k.rows, self.k.width);
        let (fold, dt) = r.what;
        joins(fold, dt)?;
        let pieces = r.folds() / rows;
        let fits = pieces * rows == r.folds() && (1..=PIECES).contains(&pieces) && r.n == width;
        if !fits || width <= FEW || !r.rows() || r.width() != dt.size() || pieces > 1 && self.k.wide.is_some() {
            return None;
        }
        let Evenly { apart, even, stride, .. } = evenly(&r.outer, rows, (pieces, 1))?;
        let operand = match self.made.get(&r.from) {
            Some(shape) => {
                let bytes = width * dt.size();
                let same = r.outer.offset == 0 && even == rows && stride == pieces * bytes;
                let same = same && (pieces == 1 || apart == bytes) && *shape == (pieces, width, dt.size());
                same.then_some(Operand { read: Read::Made(r.from), apart: 1 })?
            }
            None => {
                self.k.even = gcd(self.k.even, even);
                let view = Some((Box::new(r.outer.clone()), pieces));
                let p = Pointer { place: r.from, offset: 0, stride, view };
                Operand { read: Read::Along(self.pointer(p)), apart }
            }
        };
        self.k.reads.insert((step, 0), operand);
        self.made.insert(r.to, (pieces, 1, dt.size()));
        self.k.work += rows * pieces * width;
        Some(())
    }
    /// Finds out what others read of what it makes.
    fn finish(&mut self) {
        let mut wanted: HashSet<Place> = HashSet::new();
        let all = self.steps;
        for (_, s) in all.iter().enumerate().filter(|(i, _)| !self.k.steps.contains(i)) {
            match &s.step {
                Step::Map(m) => {
                    wanted.extend(m.entries.iter().map(|e| e.at.0));
                    wanted.extend(m.fills.iter().filter_map(|c| match &c.fill {
                        Fill::Scalar(place, _) | Fill::Strided(place, _) => Some(*place),
                        Fill::Index { .. } => None,
                    }))
                }
                Step::Reduce(r) => {
                    wanted.insert(r.from);
                }
                Step::Dot(d) => wanted.extend([d.a.0, d.b.0]),
                _ => {}
            }
        }
        let mut made: Vec<(Place, Shape)> = self.made.iter().map(|(place, shape)| (*place, *shape)).collect();
        made.sort_unstable_by_key(|m| m.0);
        for (place, (pieces, width, size)) in made {
            if !matches!(place, Place::Local(_)) || wanted.contains(&place) {
                let p = self.pointer(Pointer { place, offset: 0, stride: pieces * width * size, view: None });
                self.k.stored.insert(place, p);
            }
        }
        self.keep()
    }
}

/// What was made for a row, or a round of one, place by place: a form for each vector.
pub(super) struct Unrolled<'a> {
    pub k: &'a Kernel,
    pub t: Translate,
    pub(super) made: HashMap<(Place, usize), Vec<Forms>>,
    stores: Vec<Store>,
    pub carries: Vec<Carried>,
    pub loops: Vec<Again>,
    /// What folds have so far, by step and piece.
    pub(super) parts: HashMap<(usize, usize), Vec<u32>>,
    pub lanes: usize,
    /// Values that are one for a row.
    pub(super) ones: HashSet<Place>,
    /// The first vector of those that are written down now.
    pub(super) first: usize,
}

impl Kernel {
    /// Pieces of a row of so many elements, and elements of each; of fewer than a piece has, there is one for each piece.
    fn shape(&self, n: usize) -> (usize, usize) {
        if n < self.width { (n, 1) } else { (n / self.width, self.width) }
    }
    /// All steps: those that need not wait for the result of a fold go along with those before them, vector by vector, so that not all of a row is in registers. With `late`, what is joined with folds down the
    /// columns comes last.
    pub(super) fn groups(&self, steps: &[StripStep], late: bool) -> Vec<Vec<usize>> {
        let (downs, mut order): (Vec<usize>, Vec<usize>) =
            self.steps.clone().partition(|k| late && self.down(*k).is_some());
        let first = order.len();
        order.extend(downs);
        let (mut groups, mut from) = (vec![], 0);
        while from < order.len() {
            let mut folds: SmallVec<[Place; 4]> = SmallVec::new();
            let mut goes_along = |k: &usize| {
                let waits = self
                    .reads
                    .iter()
                    .any(|((step, _), r)| step == k && matches!(&r.read, Read::Made(place) if folds.contains(place)));
                if let (Step::Reduce(r), None) = (&steps[*k].step, self.down(*k)) {
                    folds.push(r.to)
                }
                !waits
            };
            let mut end = from + order[from..].iter().take_while(|k| goes_along(k)).count();
            if from < first {
                end = end.min(first)
            }
            groups.push(order[from..end].to_vec());
            from = end
        }
        groups
    }
    /// The number of a fold down the columns, if a step is one.
    fn down(&self, step: usize) -> Option<u32> {
        self.downs.as_ref()?.number(step)
    }
    /// The loop, if there is one by now.
    pub fn code(&self, steps: &[StripStep]) -> Option<Code> {
        if let Some(code) = self.code.get() {
            return *code;
        }
        let again = || self.runs.fetch_add(1, Ordering::Relaxed) > 0;
        if self.at_once() || again() {
            return *self.code.get_or_init(|| code(self.ir(steps)?.0, self.isa, self.kind()));
        }
        None
    }
    /// Is it made for the first run?
    pub fn at_once(&self) -> bool {
        self.when == When::Always || self.work >= AT_ONCE
    }
    fn kind(&self) -> Loop {
        match self.folds {
            Some(_) => Loop::Folds { width: self.width as u32, carry: self.pointers.len() as u32 },
            None => Loop::Rows,
        }
    }
    /// The program for the emitter, and its calls: before which instruction each of them begins.
    fn ir(&self, steps: &[StripStep]) -> Option<(Ir, Vec<(u32, What)>)> {
        let most = if self.isa == Isa::Avx512 { 16 } else { 8 };
        // With elements of 64 bits a register has half as many.
        // A row that is left to the steps must not have been joined with anything: then that comes last.
        let orders: &[bool] = if self.downs.is_some() { &[false, true] } else { &[false] };
        [most, most / 2].into_iter().flat_map(|lanes| orders.iter().map(move |late| (lanes, *late))).find_map(
            |(lanes, late)| {
                let mut line = Unrolled {
                    k: self,
                    t: Translate::new(self.isa),
                    made: HashMap::new(),
                    stores: vec![],
                    carries: vec![],
                    loops: vec![],
                    parts: HashMap::new(),
                    lanes,
                    ones: HashSet::new(),
                    first: 0,
                };
                for group in self.groups(steps, late) {
                    if self.wide.is_some() { line.turns(&group, steps)? } else { line.together(&group, steps)? }
                }
                // the next row of a lane
                let apart = self.downs.as_ref().map_or(1, |d| d.columns.lanes);
                let strides = self.pointers.iter().enumerate().filter(|(_, p)| p.stride > 0);
                let ir = Ir {
                    insts: line.t.build.finish(),
                    stores: line.stores,
                    carries: line.carries,
                    loops: line.loops,
                    strides: strides.map(|(i, p)| (i as u32, (p.stride * apart) as u32)).collect(),
                    tail: (self.width % lanes) as u8,
                    round: self.folds.as_ref().map_or(0, |f| f.lanes() as u8),
                };
                // without mask registers there are tails of elements of four and eight bytes
                let small = |i: &Inst| match i.i {
                    I::Part(mem) => mem.size() < 4,
                    I::Put(Span::Tail) => ir.stores[i.b as usize].mem.size() < 4,
                    _ => false,
                };
                let tails = self.isa == Isa::Avx512 || ir.tail == 0 || !ir.insts.iter().any(small);
                let leaves = orders.len() > 1 && !late && ir.insts.iter().any(|i| i.i == I::Bail);
                let fits = ir.insts.len() <= LONG && tails && !leaves;
                (fits && (lanes == most) != ir.has_wide()).then_some((ir, line.t.calls))
            },
        )
    }
    /// Runs it on some rows. `by_steps` does rows that machine code leaves out: one, or, where that happens often, all that are left.
    ///
    /// # Safety
    /// The frame belongs to the program that the steps were built from, and what they read and write of these rows is there.
    pub unsafe fn run(&self, code: Code, frame: &Frame, rows: Range<usize>, mut by_steps: impl FnMut(Range<usize>)) {
        let (mut row, mut missed, mut table) = (rows.start, 0, Table::default());
        let kept = Buffer::uninit(self.wide.as_ref().map_or(0, |w| w.bytes));
        while row < rows.end {
            // SAFETY: the caller's.
            let (stop, end) = unsafe { self.stretch(code, frame, row..rows.end, kept.ptr(), &mut table) };
            row = stop.min(end);
            if row < end {
                missed += 1;
                let last = if missed > 8 + (row - rows.start) / 8 { rows.end } else { row + 1 };
                by_steps(row..last);
                row = last
            }
        }
    }
    /// Runs it on the first of some rows, as far as they lie evenly apart, with the memory of what is carried: where it stopped, and should have.
    ///
    /// # Safety
    /// As above; the table is new, or was used for this kernel, frame and memory only.
    pub unsafe fn stretch(
        &self,
        code: Code,
        frame: &Frame,
        rows: Range<usize>,
        carry: *mut u8,
        table: &mut Table,
    ) -> (usize, usize) {
        let row = rows.start;
        let Table(at, even) = table;
        if !even.contains(&row) {
            let first = row / self.even * self.even;
            *even = first..first + self.even;
            at.clear();
            at.extend(self.table(frame, row).zip(&self.pointers).map(|(at, p)| at.wrapping_sub(row * p.stride)));
            at.push(carry)
        }
        let end = rows.end.min(even.end);
        // SAFETY: the caller's; the pointers are where row 0 would be, if all rows lay as evenly as these.
        (unsafe { code.run(at.as_ptr(), end, row) }.at as usize, end)
    }
    /// Where the operands of a row begin.
    pub fn table(&self, frame: &Frame, row: usize) -> impl Iterator<Item = *mut u8> {
        self.pointers.iter().map(move |p| {
            let start = frame.spot((p.place, p.offset));
            match &p.view {
                Some((access, n)) => start.wrapping_offset(access.at(row * n)),
                None => start.wrapping_add(row * p.stride),
            }
        })
    }
    /// Bytes from row to row, operand by operand.
    pub fn strides(&self) -> impl Iterator<Item = usize> {
        self.pointers.iter().map(|p| p.stride)
    }
    /// What it is, in words.
    pub fn describe(&self) -> String {
        let bytes = self.code.get().copied().flatten().map(|c| format!(": {} bytes", c.text())).unwrap_or_default();
        let (steps, rows, width) = (self.steps.len(), self.rows, self.width);
        match &self.folds {
            Some(f) => {
                format!("{steps} steps as machine code for {} folds of rows of {width} elements{bytes}", f.number)
            }
            None => format!("{steps} steps as machine code for each of {rows} rows of {width} elements{bytes}"),
        }
    }
    /// The machine code as text, made now if it was not yet; else why there is none.
    pub fn text(&self, steps: &[StripStep]) -> Result<String, String> {
        let none = || "no machine code for whole rows: its steps run one after the other".to_string();
        let (ir, calls) = self.ir(steps).ok_or_else(none)?;
        let calls = calls.into_iter().map(|(at, what)| (at, what.to_string())).collect();
        let entry = |e: u32| self.pointers.get(e as usize).map_or("what is folded".into(), |p| p.place.to_string());
        listing::text(&ir, self.isa, self.kind(), &listing::Notes { calls, entry: &entry })
    }
}

/// What machine code finds its operands by, and the rows for which that holds.
#[derive(Default)]
pub struct Table(SmallVec<[*mut u8; 16]>, Range<usize>);

impl Unrolled<'_> {
    /// Vectors of a piece of so many elements, or of a round.
    pub(super) fn vectors(&self, width: usize) -> usize {
        match &self.k.folds {
            Some(f) => f.lanes() / self.lanes,
            None => width.div_ceil(self.lanes),
        }
    }
    /// Has a vector of a piece less than its lanes?
    pub fn tail(&self, width: usize, v: usize) -> bool {
        (v + 1) * self.lanes > width
    }
    /// Vector `v` of piece `c` of what a step reads, of elements of so many bytes.
    pub fn read(&self, Operand { read, apart }: Operand, (c, v): (usize, usize), size: usize) -> Forms {
        let first = (c * apart) as u32;
        let at = first + (v * self.lanes * size) as u32;
        match read {
            Read::Made(place) => match self.made.get(&(place, c * apart)) {
                Some(all) => all[(v - self.first).min(all.len() - 1)],
                None => {
                    let (p, from) = self.k.kept(place);
                    let at = from + (v * self.lanes * size) as u32;
                    if self.tail(self.k.width, v) { Source::Part(p, at) } else { Source::Stream(p, at) }.into()
                }
            },
            Read::Still(p) => Source::Splat(p, 0).into(),
            Read::One(p) => Source::One(p, first).into(),
            Read::Along(p) if self.tail(self.k.width, v) => Source::Part(p, at).into(),
            Read::Along(p) => Source::Stream(p, at).into(),
        }
    }
    /// Vector `v` of piece `c` of what a step makes.
    fn makes(&mut self, place: Place, forms: Forms, shape: Shape, (c, v): (usize, usize)) -> Option<()> {
        self.made.entry((place, c)).or_default().push(forms);
        if shape.1 == 1 {
            self.ones.insert(place);
        }
        if let Some(p) = self.k.stored.get(&place) {
            self.put(forms, (*p, 0), shape, (c, v))?
        } else if self.k.keeps(place) {
            self.put(forms, self.k.kept(place), shape, (c, v))?
        }
        Some(())
    }
    /// Writes vector `v` of piece `c`, where a pointer says, so many bytes further on.
    pub fn put(&mut self, forms: Forms, (p, from): (u32, u32), shape: Shape, (c, v): (usize, usize)) -> Option<()> {
        let (_, width, size) = shape;
        self.t.columns(&[forms], size);
        let at = (c * width + v * self.lanes) * size;
        let store = self.t.store(0, p, from + at as u32).filter(|s| s.beside.is_none())?;
        let span = match width {
            1 => Span::One,
            _ if self.tail(width, v) => Span::Tail,
            _ => Span::Whole,
        };
        self.t.build.push(I::Put(span), Ty::W32, store.val, self.stores.len() as u32, 0);
        self.stores.push(store);
        Some(())
    }
    /// Steps that go along with each other: vector by vector, then what their folds come to.
    fn together(&mut self, now: &[usize], steps: &[StripStep]) -> Option<()> {
        let shapes: SmallVec<[(usize, usize); 8]> = now.iter().map(|k| self.shape(&steps[*k].step)).collect();
        for v in 0..shapes.iter().map(|s| self.vectors(s.1)).max()? {
            for (k, (pieces, width)) in now.iter().zip(&shapes) {
                for c in 0..if v < self.vectors(*width) { *pieces } else { 0 } {
                    self.vector(*k, &steps[*k].step, (c, v))?
                }
            }
        }
        self.all_joined(now, steps)
    }
    /// What the folds of some steps come to.
    pub(super) fn all_joined(&mut self, now: &[usize], steps: &[StripStep]) -> Option<()> {
        for k in now {
            for c in 0..PIECES {
                if let (Step::Reduce(r), Some(parts)) = (&steps[*k].step, self.parts.remove(&(*k, c))) {
                    self.joined(r, parts, c)?
                }
            }
        }
        Some(())
    }
    /// Pieces of a row that a step works on, and elements of each.
    pub(super) fn shape(&self, step: &Step) -> (usize, usize) {
        let n = match step {
            Step::Map(m) => m.len / self.k.rows,
            _ if self.k.folds.is_some() => self.k.width,
            Step::Reduce(r) => r.folds() * r.n * r.inner / self.k.rows,
            _ => 0,
        };
        self.k.shape(n)
    }
    /// Vector `v` of piece `c` of a step.
    pub(super) fn vector(&mut self, k: usize, step: &Step, at: (usize, usize)) -> Option<()> {
        match step {
            Step::Map(m) => self.map(k, m, at),
            Step::Reduce(r) => {
                let operand = self.k.reads[&(k, 0)];
                match self.k.down(k) {
                    _ if self.k.folds.is_some() => self.fold_in_blocks(operand, r, (k, at.1)),
                    Some(i) => self.fold_down(operand, r, self.k.pointers.len() as u32 + i, at),
                    None => self.fold(k, operand, r, at),
                }
            }
            _ => None,
        }
    }
    fn map(&mut self, k: usize, m: &MapStep, at: (usize, usize)) -> Option<()> {
        let machine = m.machine.as_ref()?;
        let forms: Vec<Option<Forms>> = (machine.sources.iter().zip(&machine.lines))
            .map(|(source, line)| match (*source)? {
                Source::Stream(e, _) | Source::Splat(e, _) => Some(self.read(self.k.reads[&(k, e)], at, line.size)),
                source => Some(source.into()),
            })
            .collect();
        let live = |i: usize| machine.lines[i].call.is_some() || forms[i].is_some();
        self.t.program(&machine.lines, live, |i| forms[i])?;
        let outs: SmallVec<[Forms; 2]> = machine.outs.iter().map(|(line, _)| self.t.form(*line)).collect();
        let (pieces, width) = self.k.shape(m.len / self.k.rows);
        for ((_, e), forms) in machine.outs.iter().zip(outs) {
            let out = &m.entries[*e as usize];
            self.makes(out.at.0, forms, (pieces, width, out.step), at)?
        }
        Some(())
    }
    /// A fold: lanes by lanes over the vectors. A lane without an element does not change what it is joined with.
    fn fold(&mut self, k: usize, operand: Operand, r: &Reduce, (c, v): (usize, usize)) -> Option<()> {
        let ((fold, dt), width) = (r.what, self.k.width);
        let (op, size) = (joins(fold, dt)?, dt.size());
        let ty = if size == 8 { Ty::W64 } else { Ty::W32 };
        let forms = self.read(operand, (c, v), size);
        self.t.columns(&[forms], size);
        let mut x = self.t.raw(0)?;
        if self.tail(width, v) {
            let b = &self.t.build;
            let none = b.constant(ty, neutral(fold, dt));
            x = b.sel(b.push(I::Tail, Ty::Mask, 0, 0, 0), ty, x, none)
        }
        let group = v % (crate::lanes(size) / self.lanes);
        if let Some(part) = self.parts.get(&(k, c)).and_then(|parts| parts.get(group)) {
            x = self.join(op, dt, *part, x)?
        }
        let parts = self.parts.entry((k, c)).or_default();
        match parts.get_mut(group) {
            Some(part) => *part = x,
            None => parts.push(x),
        }
        Some(())
    }
    /// What has been folded, in halves, as the tree has it.
    fn joined(&mut self, r: &Reduce, mut parts: Vec<u32>, c: usize) -> Option<()> {
        let (fold, dt) = r.what;
        let (op, size) = (joins(fold, dt)?, dt.size());
        let ty = if size == 8 { Ty::W64 } else { Ty::W32 };
        let mut half = crate::lanes(size) / self.lanes / 2;
        while half > 0 {
            for i in 0..half.min(parts.len().saturating_sub(half)) {
                parts[i] = self.join(op, dt, parts[i], parts[i + half])?
            }
            half /= 2
        }
        let mut x = parts[0];
        let mut half = self.lanes / 2;
        while half > 0 {
            let y = self.t.build.un(I::Down(half as u8), ty, x);
            x = self.join(op, dt, x, y)?;
            half /= 2
        }
        let all = self.t.build.un(I::First, ty, x);
        self.makes(r.to, Forms::of(all), (1, 1, size), (c, 0))
    }
    pub fn join(&mut self, op: Op, dt: Dt, a: u32, b: u32) -> Option<u32> {
        self.t.columns(&[Forms::of(a), Forms::of(b)], dt.size());
        let forms = self.t.join(op, dt)?;
        self.t.columns(&[forms], dt.size());
        self.t.raw(0)
    }
}
/// What changes nothing, as the lanes of a fold have it.
pub(super) fn neutral(fold: Fold, dt: Dt) -> u64 {
    match (fold, dt.size()) {
        (Fold::Sum, 4) if dt.is_float() => (-0f32).to_bits().into(),
        (Fold::Sum, _) if dt.is_float() => (-0f64).to_bits(),
        _ => super::fold::empty(fold, dt)[0],
    }
}
