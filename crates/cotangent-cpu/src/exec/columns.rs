//! Folds down the columns of a strip: what is folded over the first dimension is added up row by row, as soon as a row is there.
//!
//! The tree of such a fold has lanes ([`crate::program`]): rows that lie so many apart are joined one after the other, then lanes with lanes. To keep few of them, and those in
//! the cache, a strip that has such folds goes through its rows **lane by lane**, in bit-reversed order: halving the lanes is then a binary counter, and of each fold only one row of results per level is
//! kept. Other steps of the strip do not mind, since they know nothing of other rows than their own. Threads take subtrees: a part of the lanes of a block that the tree joins anyway.

use super::fold::Reduce;
use super::row::{self, Finder, Kernel, Operand, Pointer, Read, Unrolled};
use super::run::{Frame, Step};
use super::strip::{Room, Sizes, Strip, StripStep};
use crate::emit::Code;
use crate::emit::translate::Forms;
use crate::pairs::Pairs;
use crate::{BLOCK, Buffer, FEW, Fold, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// How many folds there are down the rows of a strip, of how many rows each, and the lanes of their trees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Columns {
    pub folds: usize,
    pub n: usize,
    pub lanes: usize,
}

/// The order in which lanes come: `i` of `lanes`, of which only the first ones may be there.
pub fn lane(i: usize, lanes: usize) -> usize {
    i.reverse_bits() >> (usize::BITS - lanes.trailing_zeros())
}
/// Lanes, or subtrees of so many, have come up to number `i`, which is at place `i.count_ones()`: `merge(k)` joins what is at `k` with what is behind it. `first` says which is the least
/// lane of a subtree; from `live` on there are none.
pub fn halve(i: usize, live: usize, first: impl Fn(usize) -> usize, mut merge: impl FnMut(usize)) {
    let mut top = i.count_ones() as usize + 1;
    for k in 0..i.trailing_ones() {
        top -= 1;
        // what came last, and what was merged with it
        if first(i >> k << k) < live {
            merge(top - 1)
        }
    }
}

/// Bytes of a row that is worth a step for itself, or, with machine code, a round; and of one that is better folded in pieces.
const LEAST: usize = 1 << 10;
const ROUND: usize = 1 << 8;
const MOST: usize = 1 << 15;
/// The most folds whose lanes come in turns.
const TOGETHER: usize = 4;

impl Reduce {
    /// If it folds rows that lie one behind the other: how many.
    pub fn down(&self) -> Option<Columns> {
        let c = Columns { folds: self.folds(), n: self.n, lanes: self.lanes };
        let dense = match self.outer.axes[..] {
            [] => true,
            [a] => a.stride == (self.n * self.width()) as isize,
            _ => false,
        };
        // the last block is one with lanes, and a row of neutral elements changes nothing
        let lanes = self.n > FEW && !(1..=FEW).contains(&(self.n % BLOCK));
        let exact = !(self.what.0 == Fold::Prod && self.what.1.is_complex());
        (dense && lanes && exact && self.inner > 1 && self.stride == self.width() as isize).then_some(c)
    }
    /// Is a row of it worth a step for itself without machine code?
    pub fn large(&self) -> bool {
        self.width() >= LEAST
    }
    /// What is folded with a row changes nothing.
    ///
    /// # Safety
    /// There is room for a result.
    unsafe fn clear(&self, to: *mut u8) {
        let dt = if self.size < self.what.1.size() { self.what.1.part() } else { self.what.1 };
        // SAFETY: the caller's.
        unsafe { super::access::splat(to, [row::neutral(self.what.0, dt), 0], self.inner, self.size) }
    }
    /// Joins a row of the operand with what there is.
    ///
    /// # Safety
    /// As for [`Reduce::run`]; the row exists, and `to` has room for one.
    unsafe fn row(&self, frame: &Frame, to: *mut u8, row: usize) {
        let x = frame.spot((self.from, self.outer.offset)).wrapping_offset(row as isize * self.stride);
        // SAFETY: the caller's.
        unsafe { (self.kernels.slices)(to, x, 0, 1, self.inner) }
    }
    /// Joins what is at place `k` with what is behind it.
    ///
    /// # Safety
    /// Both are there.
    unsafe fn merge(&self, from: *mut u8, k: usize) {
        let to = from.wrapping_add(k * self.width());
        // SAFETY: the caller's.
        unsafe { (self.kernels.slices)(to, to.wrapping_add(self.width()), 0, 1, self.inner) }
    }
}

impl Columns {
    pub fn rows(self) -> usize {
        self.folds * self.n
    }
    /// May rows of so many bytes be folded one by one, with machine code or without?
    pub fn pays(self, row: usize, sizes: Sizes, code: bool) -> bool {
        let least = if code { ROUND } else { LEAST };
        (least.min(sizes.least)..=MOST).contains(&row) && self.rows() * row >= sizes.least
    }
    fn blocks(self) -> usize {
        self.n.div_ceil(BLOCK)
    }
    /// Rows of a block of a fold: the first, and how many.
    fn block(self, fold: usize, b: usize) -> (usize, usize) {
        (fold * self.n + b * BLOCK, BLOCK.min(self.n - b * BLOCK))
    }
    /// Bytes that a fold with results of so many bytes keeps.
    pub fn kept(self, width: usize) -> usize {
        (self.lanes.ilog2() as usize + 2) * width
    }
    /// Folds whose lanes come in turns: what all of them read is in the cache then.
    fn together(self) -> usize {
        self.folds.min(TOGETHER)
    }
}
/// Folds down the columns, and which steps they are.
type Downs<'a> = SmallVec<[(usize, &'a Reduce); 2]>;
/// What machine code finds its operands by.
type Starts = SmallVec<[*mut u8; 16]>;
/// Rows of one lane, and where they are joined: for each fold of the strip.
struct Lane<'a> {
    first: usize,
    number: usize,
    /// Where the operands begin so many rows before the first one, if all of a row is machine code.
    starts: &'a [*mut u8],
    skip: usize,
    downs: &'a [(usize, &'a Reduce)],
    to: &'a [*mut u8],
}

impl Strip {
    /// The folds down the columns, by step.
    fn downs(&self) -> Downs<'_> {
        let Some(columns) = self.columns else { return Downs::new() };
        let down = |k: usize| match &self.steps[k].step {
            Step::Reduce(r) if r.down() == Some(columns) => Some((k, &**r)),
            _ => None,
        };
        (0..self.steps.len()).filter_map(down).collect()
    }
    /// Bytes that folds down the columns keep.
    pub fn kept(&self) -> usize {
        self.columns.map_or(0, |c| self.downs().iter().map(|(_, r)| c.together() * c.kept(r.width())).sum())
    }
    /// Runs all rows, lane by lane, and joins what threads made of them.
    ///
    /// # Safety
    /// As for [`Strip::run`].
    pub unsafe fn run_columns(&self, c: Columns, frame: &Frame) {
        let groups = c.folds.div_ceil(c.together()) * c.blocks();
        let ns = self.estimate();
        let chunks = pool::chunks(ns);
        // so many parts of a block's tree that there is one for everybody
        let parts = chunks.div_ceil(groups).next_power_of_two().min(c.lanes);
        let all = groups * parts;
        let room = c.folds * c.blocks() * parts;
        let downs = self.downs();
        let made: SmallVec<[Buffer; 2]> = downs.iter().map(|(_, r)| Buffer::uninit(room * r.width())).collect();
        let each = all.div_ceil(chunks);
        let shared = Shared(self, frame, &made);
        let run = move |k: usize| {
            let Shared(strip, frame, made) = { shared };
            // SAFETY: the caller's; different chunks are different rows.
            unsafe { strip.parts(c, frame, made, (k * each).min(all)..((k + 1) * each).min(all), parts) }
        };
        match all.div_ceil(each) {
            1 => run(0),
            chunks => pool::parallel(chunks, ns, &run),
        }
        for ((_, r), made) in downs.iter().zip(&made) {
            let width = r.width();
            let scratch = Buffer::uninit(Pairs::places(c.blocks()) * width);
            for fold in 0..c.folds {
                let mut pairs = Pairs::default();
                for b in 0..c.blocks() {
                    let from = made.ptr().wrapping_add((fold * c.blocks() + b) * parts * width);
                    let live = c.block(fold, b).1;
                    // SAFETY: all parts of the block are there, and the scratch has the places.
                    unsafe {
                        for i in 0..parts {
                            let to = from.wrapping_add(i.count_ones() as usize * width);
                            std::ptr::copy(from.wrapping_add(i * width), to, width);
                            halve(i, live, |i| lane(i * (c.lanes / parts), c.lanes), |k| r.merge(from, k))
                        }
                        let to = scratch.ptr().wrapping_add(pairs.next() * width);
                        std::ptr::copy_nonoverlapping(from, to, width);
                        pairs.push(|k| r.merge(scratch.ptr(), k))
                    }
                }
                // SAFETY: as above; the result has a place.
                unsafe {
                    pairs.finish(|k| r.merge(scratch.ptr(), k));
                    let to = frame.at(r.to).wrapping_add(fold * width);
                    std::ptr::copy_nonoverlapping(scratch.ptr(), to, width)
                }
            }
        }
    }
    /// Some parts of the blocks, of which each has so many.
    ///
    /// # Safety
    /// As above; there is memory for what is made of each part.
    unsafe fn parts(&self, c: Columns, frame: &Frame, made: &[Buffer], range: Range<usize>, parts: usize) {
        let mut room = self.room(frame);
        let ready: SmallVec<[_; 2]> = self.kernels.iter().filter_map(|k| Some((k, k.code(&self.steps)?))).collect();
        let whole = ready.iter().find(|(k, _)| k.steps == (0..self.steps.len()));
        let (each, most) = (c.lanes / parts, c.together());
        let downs = self.downs();
        let rooms = |n: usize| move |(_, r): &(usize, &Reduce)| Buffer::uninit(n * c.kept(r.width()));
        let kept: SmallVec<[Buffer; 2]> = downs.iter().map(rooms(most)).collect();
        let clear: SmallVec<[Buffer; 2]> = downs.iter().map(rooms(1)).collect();
        // SAFETY: there is room for a row.
        downs.iter().zip(&clear).for_each(|((_, r), clear)| unsafe { r.clear(clear.ptr()) });
        for k in range {
            let (group, part) = (k / parts, k % parts);
            let (b, first) = (group % c.blocks(), group / c.blocks() * most);
            let folds = first..(first + most).min(c.folds);
            // Where the operands of the blocks begin, if all of a row is machine code: then no local value is in memory.
            let mut starts: SmallVec<[Starts; TOGETHER]> = SmallVec::new();
            for first in folds.clone().map(|fold| c.block(fold, b).0) {
                self.place(&mut room, first);
                starts.push(whole.map_or(Starts::new(), |(kernel, _)| kernel.table(&room.frame, first).collect()))
            }
            for i in 0..each {
                let l = lane(part * each + i, c.lanes);
                for (n, fold) in folds.clone().enumerate() {
                    let (first, live) = c.block(fold, b);
                    let mut to: SmallVec<[*mut u8; 2]> = SmallVec::new();
                    // SAFETY: the caller's; what is kept has a place for each level.
                    unsafe {
                        if l < live {
                            for (((_, r), kept), clear) in downs.iter().zip(&kept).zip(&clear) {
                                let level = kept
                                    .ptr()
                                    .wrapping_add(n * c.kept(r.width()) + i.count_ones() as usize * r.width());
                                std::ptr::copy_nonoverlapping(clear.ptr(), level, r.width());
                                to.push(level)
                            }
                            let number = (live - l).div_ceil(c.lanes);
                            let rows =
                                Lane { first: first + l, number, starts: &starts[n], skip: l, downs: &downs, to: &to };
                            self.lane(c, &mut room, &ready, rows)
                        }
                        for ((_, r), kept) in downs.iter().zip(&kept) {
                            let kept = kept.ptr().wrapping_add(n * c.kept(r.width()));
                            halve(i, live, |i| lane(part * each + i, c.lanes), |k| r.merge(kept, k))
                        }
                    }
                }
            }
            for (n, fold) in folds.enumerate() {
                for (((_, r), kept), made) in downs.iter().zip(&kept).zip(made) {
                    let from = kept.ptr().wrapping_add(n * c.kept(r.width()));
                    let to = made.ptr().wrapping_add(((fold * c.blocks() + b) * parts + part) * r.width());
                    // SAFETY: as above. Of a part without lanes it is anything, and read by nobody.
                    unsafe { std::ptr::copy_nonoverlapping(from, to, r.width()) }
                }
            }
        }
    }
    /// # Safety
    /// As above.
    unsafe fn lane(&self, c: Columns, room: &mut Room, ready: &[(&Kernel, Code)], rows: Lane) {
        let row = |i: usize| rows.first + i * c.lanes;
        // What is machine code is so for all rows of the lane, or, between other steps, for one at a time.
        let whole = !rows.starts.is_empty();
        let mut i = 0;
        while i < rows.number {
            let mut k = 0;
            self.place(room, row(i));
            let mut done = 0;
            while k < self.steps.len() {
                // SAFETY: the caller's; the local values of a row have a place when its steps run.
                unsafe {
                    let found = ready.iter().find(|(kernel, _)| kernel.steps.start == k);
                    if let Some((kernel, code)) = found {
                        done = match whole {
                            true => kernel.lane(*code, rows.starts, rows.skip + i * c.lanes, rows.number - i, rows.to),
                            false => {
                                let at: Starts = kernel.table(&room.frame, row(i)).collect();
                                kernel.lane(*code, &at, 0, 1, rows.to)
                            }
                        };
                        k = kernel.steps.end;
                        if done == 0 {
                            kernel.steps.clone().for_each(|k| self.one(c, &room.frame, k, row(i), &rows))
                        }
                    } else {
                        self.one(c, &room.frame, k, row(i), &rows);
                        k += 1
                    }
                }
            }
            i += done.max(1)
        }
    }
    /// One step, for one row.
    ///
    /// # Safety
    /// As above.
    unsafe fn one(&self, c: Columns, frame: &Frame, k: usize, row: usize, rows: &Lane) {
        // SAFETY: the caller's.
        unsafe {
            match rows.downs.iter().zip(rows.to).find(|((down, _), _)| *down == k) {
                Some(((_, r), to)) => r.row(frame, *to, row),
                None => self.steps[k].row(frame, row, c.rows()),
            }
        }
    }
}

/// A strip, its frame, and memory for results, for the threads that share the work.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Strip, &'a Frame<'a>, &'a [Buffer]);
// SAFETY: threads read places and constants, and write to memory behind pointers, each to its own rows.
unsafe impl Sync for Shared<'_> {}

/// The folds down the columns of rows that are machine code.
pub struct DownFolds {
    pub columns: Columns,
    /// The number of a step among the strip's folds down the columns.
    numbers: Vec<(usize, u32)>,
}
impl DownFolds {
    pub fn new(columns: Columns, steps: &[StripStep]) -> DownFolds {
        let down = |s: &StripStep| matches!(&s.step, Step::Reduce(r) if r.down() == Some(columns));
        let steps = steps.iter().enumerate().filter(|(_, s)| down(s)).map(|(k, _)| k);
        DownFolds { columns, numbers: steps.zip(0..).collect() }
    }
    /// Which fold down the columns a step is, if it is one.
    pub fn number(&self, step: usize) -> Option<u32> {
        self.numbers.iter().find(|d| d.0 == step).map(|d| d.1)
    }
}

impl Finder<'_> {
    pub fn fold_down(&mut self, step: usize, r: &Reduce) -> Option<()> {
        let (fold, dt) = r.what;
        row::joins(fold, dt)?;
        let (width, size) = (self.k.width, dt.size());
        let pieces = r.width() / size / width;
        if r.width() != pieces * width * size || pieces == 0 || pieces > row::PIECES || width <= FEW {
            return None;
        }
        let operand = match self.made.get(&r.from) {
            Some(made) => {
                let same = r.outer.offset == 0 && *made == (pieces, width, size);
                same.then_some(Operand { read: Read::Made(r.from), apart: 1 })?
            }
            None => {
                let p = Pointer { place: r.from, offset: r.outer.offset, stride: r.width(), view: None };
                Operand { read: Read::Along(self.pointer(p)), apart: width * size }
            }
        };
        self.k.reads.insert((step, 0), operand);
        self.k.work += self.k.rows * pieces * width;
        Some(())
    }
}

impl Unrolled<'_> {
    /// Joins vector `v` of piece `c` of a row with what its fold has so far, which is in memory.
    pub fn fold_down(&mut self, operand: Operand, r: &Reduce, entry: u32, at: (usize, usize)) -> Option<()> {
        let ((fold, dt), width) = (r.what, self.k.width);
        let (op, size) = (row::joins(fold, dt)?, dt.size());
        let forms = self.read(operand, at, size);
        self.t.columns(&[forms], size);
        let x = self.t.raw(0)?;
        let so_far = self.read(Operand { read: Read::Along(entry), apart: width * size }, at, size);
        self.t.columns(&[so_far], size);
        let so_far = self.t.raw(0)?;
        let next = self.join(op, dt, so_far, x)?;
        self.put(Forms::of(next), (entry, 0), (1, width, size), at)
    }
}

impl Kernel {
    /// Runs so many rows of a lane and says how many it did. `starts` is where operands begin, `skip` rows before the first; `to` has what the folds down the columns have so far.
    ///
    /// # Safety
    /// The operands are those of the program that the steps were built from, and what they read and write of these rows is there.
    pub unsafe fn lane(&self, code: Code, starts: &[*mut u8], skip: usize, rows: usize, to: &[*mut u8]) -> usize {
        let first = starts.iter().zip(self.strides()).map(|(at, stride)| at.wrapping_add(skip * stride));
        let at: Starts = first.chain(to.iter().copied()).collect();
        // SAFETY: the caller's; the pointers are those of the first row.
        unsafe { code.run(at.as_ptr(), rows, 0) }.at.min(rows as u64) as usize
    }
}
