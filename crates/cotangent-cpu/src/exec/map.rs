//! The block interpreter: a group of maps as slice kernels over columns of [`BLOCK`] elements that stay in the cache.

use super::access::{Access, Walk, splat, strided};
use super::build::Place;
use super::even::lcm;
use super::kernels::Kernel;
use super::machine::{self, Machine};
use super::run::{Direct, Frame, Shared};
use crate::{Buffer, pool};
use smallvec::SmallVec;

/// Elements of a column.
pub const BLOCK: usize = 512;
/// Rows at least this long are not crossed by a block, so that what is contiguous in a row can be read in place.
pub const LONG_ROW: usize = 128;
/// Entries of a pointer table on the stack; larger tables come from the heap.
const FEW: usize = 24;

/// The loop of a call.
#[derive(Clone, Copy)]
pub enum Code {
    Slice(Kernel),
    F32(unsafe fn(*mut f32, *const f32, *const f32, usize)),
    F64(unsafe fn(*mut f64, *const f64, *const f64, usize)),
}
impl Code {
    /// # Safety
    /// The contract of [`Kernel`].
    #[inline(always)]
    pub unsafe fn call(self, out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                Code::Slice(f) => f(out, a, b, c, n),
                Code::F32(f) => f(out.cast(), a.cast(), b.cast(), n),
                Code::F64(f) => f(out.cast(), a.cast(), b.cast(), n),
            }
        }
    }
}

/// One kernel and the entries of the pointer table that it works on.
#[derive(Clone, Copy)]
pub struct Call {
    pub code: Code,
    pub out: u32,
    pub args: [u32; 3],
}

/// An entry of the pointer table: a column in the scratch memory, or elements of an operand, a result or a constant.
#[derive(Clone, Copy)]
pub struct Entry {
    pub at: (Place, isize),
    /// Bytes by which it moves with each element: none for what is of a block's length.
    pub step: usize,
    /// Bytes by which it moves, beyond that, from a row of [`MapStep::apart`] to the next.
    pub skip: usize,
}

/// What a column is filled with.
#[derive(Clone)]
pub enum Fill {
    /// One element of memory, once.
    Scalar(Place, isize),
    /// The elements of the block, through a view.
    Strided(Place, Box<Access>),
    /// The index `i / radix % n` as a 64-bit integer.
    Index { radix: usize, n: usize },
}
impl Fill {
    /// Is it one element for a whole row? Machine code reads that once.
    pub fn still(&self, row: usize, len: usize) -> bool {
        match self {
            Fill::Strided(_, a) => row < len && a.is_plain() && a.row() == Some((row, 0)),
            Fill::Index { radix, .. } => row < len && radix.is_multiple_of(row),
            Fill::Scalar(..) => false,
        }
    }
    /// See [`Access::period`].
    fn period(&self) -> Option<usize> {
        match self {
            Fill::Strided(_, a) => a.period(),
            _ => None,
        }
    }
    /// Are its elements in memory one behind the other in every row?
    fn lies(&self, row: usize, len: usize) -> bool {
        matches!(self, Fill::Strided(_, a) if row < len && a.is_plain() && a.row() == Some((row, a.size as isize)))
    }
    /// Does it read one of two elements beside each other, in every row? Machine code reads both. See [`Access::paired`].
    pub fn paired(&self, row: usize, len: usize) -> Option<u8> {
        match self {
            Fill::Strided(_, a) if a.row().is_some_and(|r| r.0 == row) => a.paired().filter(|_| len > 0),
            _ => None,
        }
    }
    /// Does it count the elements, all of them or those of a row? Machine code makes that as it goes.
    pub fn counts(&self, row: usize, len: usize) -> bool {
        matches!(self, Fill::Index { radix: 1, n } if (*n == len || row < len && n.is_multiple_of(row)) && *n < 1 << 31)
    }
    /// What machine code finds at an index's entry before the element `start`: the number itself where it counts, or where it lies, in the memory of the column.
    ///
    /// # Safety
    /// There is memory for a number.
    unsafe fn number(&self, column: *mut u8, start: usize, row: usize, len: usize) -> *mut u8 {
        let Fill::Index { radix, n } = self else { unreachable!("an index") };
        let number = start / radix % n;
        if self.counts(row, len) {
            return std::ptr::without_provenance_mut(number);
        }
        // SAFETY: the caller's.
        unsafe { column.cast::<u64>().write(number as u64) };
        column
    }
}
/// A filled column.
pub struct Column {
    pub entry: u32,
    pub size: usize,
    pub fill: Fill,
}

/// A group of maps.
#[derive(Default)]
pub struct MapStep {
    pub len: usize,
    /// The most elements of a block.
    pub block: usize,
    /// Blocks do not cross multiples of this.
    pub row: usize,
    /// Elements of the rows of results that do not lie one behind the other, because they are pieces of something larger.
    pub apart: usize,
    /// Is anything read between guards, run by run?
    pub runs: bool,
    /// Bytes at `Place::Scratch` that the columns take.
    pub scratch: usize,
    pub fills: Vec<Column>,
    pub entries: Vec<Entry>,
    pub calls: Vec<Call>,
    /// The same as machine code.
    pub machine: Option<Box<Machine>>,
    /// About how many nanoseconds it takes a thread.
    pub ns: f64,
}

impl MapStep {
    /// If all operands that are walked over have long innermost axes, whose lengths are multiples of the shortest, blocks stay inside rows of that length. So they do if rows
    /// of results are apart.
    pub fn choose_row(&mut self) {
        self.row = self.len.max(1);
        let guarded = |f: &Fill| matches!(f, Fill::Strided(_, a) if !a.is_plain() && a.in_runs());
        self.runs = self.fills.iter().any(|c| guarded(&c.fill));
        let mut rows = self.fills.iter().filter_map(|c| match &c.fill {
            Fill::Strided(_, access) => Some(access.row().map(|r| r.0)),
            Fill::Index { radix: 1, n: row } | Fill::Index { radix: row, .. } => {
                Some(Some(*row)).filter(|_| *row >= LONG_ROW)
            }
            Fill::Scalar(..) => None,
        });
        let apart = (self.apart < self.len).then_some(self.apart);
        let Some(row) = rows.clone().flatten().chain(apart).min().filter(|n| *n >= LONG_ROW) else { return };
        if apart.is_none_or(|n| n.is_multiple_of(row)) && rows.all(|n| n.is_some_and(|n| n.is_multiple_of(row))) {
            self.row = row;
            for c in &mut self.fills {
                if let Fill::Strided(_, access) = &mut c.fill {
                    access.cut(row)
                }
            }
        }
    }

    /// Chooses the blocks, and places the columns, for elements of up to `width` bytes, which are the entries from `first` on.
    pub fn choose_blocks(&mut self, first: usize, width: usize) {
        // What does not move is no longer than a block; a kernel on its own without such operands takes all at once.
        let alone = self.calls.len() == 1 && self.entries.iter().all(|e| e.step > 0);
        self.block = if alone { self.len } else { self.len.min(BLOCK) };
        if self.block < self.len && self.row == self.len && !self.runs {
            // whole periods, so that what comes again and again is the same in all blocks
            let together = |all: usize, p: usize| Some(lcm(all, p)).filter(|n| *n <= BLOCK).unwrap_or(all);
            let unit = self.fills.iter().filter_map(|c| c.fill.period()).fold(1, together);
            self.block = BLOCK / unit * unit
        }
        // Not a multiple of a page, where columns would compete for the same cache lines.
        let bytes = (self.block * width).next_multiple_of(64) + 64;
        for (k, e) in self.entries[first..].iter_mut().enumerate() {
            e.at = (Place::Scratch, (k * bytes) as isize);
        }
        self.scratch = (self.entries.len() - first) * bytes;
    }

    /// The one kernel, if that and one block is all.
    pub fn direct(&self) -> Option<Direct> {
        let [Call { code, out, args }] = self.calls[..] else { return None };
        let at = |e: u32| self.entries[e as usize].at;
        let emitted = self.machine.as_ref().is_some_and(|m| m.always()) || self.apart < self.len;
        (self.fills.is_empty() && self.block == self.len && !emitted).then(|| Direct {
            code,
            out: at(out),
            args: args.map(at),
            len: self.len,
        })
    }

    /// # Safety
    /// The frame belongs to the program that this step was lowered from.
    pub unsafe fn run(&self, frame: &Frame) {
        let code = self.machine.as_ref().and_then(|m| m.code());
        let chunks = pool::chunks(self.ns);
        if chunks == 1 {
            // SAFETY: the caller's.
            return unsafe { self.range(frame, frame.scratch, code, 0, self.len) };
        }
        // Each chunk has columns of its own, and whole rows or blocks.
        let unit = if self.row < self.len { self.row } else { BLOCK };
        let each = self.len.div_ceil(unit).div_ceil(chunks) * unit;
        let shared = Shared::new(self, frame);
        let run = |k: usize| {
            let (step, frame) = shared.both();
            let (from, to) = (k * each, ((k + 1) * each).min(step.len));
            if from < to {
                let scratch = Buffer::uninit(step.scratch);
                // SAFETY: the caller's; chunks write different elements, and read only those at their own indices where they write.
                unsafe { step.range(frame, scratch.ptr(), code, from, to) }
            }
        };
        pool::parallel(chunks, self.ns, &run)
    }
    /// Computes the elements `from .. to` on this thread.
    ///
    /// # Safety
    /// As for [`MapStep::run`].
    pub unsafe fn some(&self, frame: &Frame, from: usize, to: usize) {
        let code = self.machine.as_ref().and_then(|m| m.code());
        // SAFETY: the caller's.
        unsafe { self.range(frame, frame.scratch, code, from, to) }
    }
    /// Is it the same in every block?
    fn again(&self, f: &Fill) -> bool {
        let whole = self.row == self.len && !self.runs && self.block < self.len;
        whole && f.period().is_some_and(|n| self.block.is_multiple_of(n))
    }
    /// Is it read where it lies, or filled once for all blocks?
    fn there(&self, f: &Fill) -> bool {
        self.again(f) || f.still(self.row, self.len) || f.lies(self.row, self.len)
    }
    /// How long it takes by what is computed, or by what goes through memory.
    pub fn estimate(&self) -> f64 {
        let bytes: usize = self.entries.iter().map(|e| e.step).sum();
        let heavy = self.calls.iter().filter(|c| !matches!(c.code, Code::Slice(_))).count();
        let views = self.fills.iter().filter(|c| matches!(c.fill, Fill::Strided(..)) && !self.there(&c.fill)).count();
        let each = 0.06 * self.calls.len() as f64 + 0.4 * heavy as f64 + 0.2 * views as f64;
        self.len as f64 * each.max(0.04 * bytes as f64)
    }

    /// Computes the elements `from .. to`, with this memory for columns.
    ///
    /// # Safety
    /// As for [`MapStep::run`]; the memory has room for the columns of a block.
    unsafe fn range(&self, frame: &Frame, scratch: *mut u8, code: Option<machine::Code>, from: usize, to: usize) {
        // Where blocks may cross the ends of rows that are apart, these come one by one.
        if self.apart < self.len && !self.apart.is_multiple_of(self.row) && to - from > self.apart - from % self.apart {
            // SAFETY: the caller's.
            return unsafe { self.one_by_one(frame, scratch, code, from, to) };
        }
        let mut few = [std::ptr::null_mut(); FEW];
        let mut many = Vec::new();
        let table = match few.get_mut(..self.entries.len()) {
            Some(table) => table,
            None => {
                many.resize(self.entries.len(), std::ptr::null_mut());
                &mut many[..]
            }
        };
        let spot = |at: (Place, isize)| match at.0 {
            Place::Scratch => scratch.wrapping_offset(at.1),
            _ => frame.spot(at),
        };
        let before = if self.apart < self.len { from / self.apart } else { 0 };
        for (p, e) in table.iter_mut().zip(&self.entries) {
            *p = spot(e.at).wrapping_add(from * e.step + before * e.skip);
        }
        // Machine code reads a scalar where it is, and wants no blocks unless a column is filled for each.
        let (row, len) = (self.row, self.len);
        let index = |f: &Fill| matches!(f, Fill::Index { .. }) && (f.counts(row, len) || f.still(row, len));
        let pair = |f: &Fill| f.paired(row, len).is_some();
        let there =
            |f: &Fill| matches!(f, Fill::Scalar(..)) || index(f) || pair(f) || f.still(row, len) || f.lies(row, len);
        let all = self.fills.iter().all(|c| there(&c.fill));
        if let (Some(code), true, true) = (code, all, row < len) {
            // SAFETY: the caller's.
            return unsafe { self.by_rows(frame, scratch, code, table, from, to) };
        }
        // What guards keep out is in a column that is filled once; the rest is read where it lies, run by run.
        let run = |f: &Fill| matches!(f, Fill::Strided(_, a) if self.runs && a.in_runs());
        // What comes again and again is in a column that is filled once, too.
        let same = |f: &Fill| self.again(f);
        let held = |f: &Fill| matches!(f, Fill::Scalar(..)) || index(f) || pair(f) || run(f);
        let all = all || self.runs && self.fills.iter().all(|c| held(&c.fill));
        let block = if code.is_some() && all { len } else { self.block };
        let mut found: SmallVec<[Option<isize>; 8]> = SmallVec::new();
        // SAFETY: columns lie in the scratch memory; places have the sizes that the program says.
        unsafe {
            for c in &self.fills {
                if let Fill::Scalar(place, offset) = c.fill {
                    let at = frame.spot((place, offset));
                    match code {
                        Some(_) => table[c.entry as usize] = at,
                        None => strided(table[c.entry as usize], at, 0, self.block, c.size),
                    }
                }
            }
            for c in self.fills.iter().filter(|c| same(&c.fill)) {
                if let Fill::Strided(place, access) = &c.fill {
                    access.read(table[c.entry as usize], frame.at(*place), from, self.block.min(to - from))
                }
            }
            for c in self.fills.iter().filter(|c| run(&c.fill)) {
                if let Fill::Strided(_, access) = &c.fill
                    && !access.is_plain()
                {
                    splat(spot(self.entries[c.entry as usize].at), access.fill, self.block, c.size)
                }
            }
            let each: SmallVec<[&Column; 8]> = self.fills.iter().filter(|c| !same(&c.fill)).collect();
            let mut start = from;
            while start < to {
                let mut n = block.min(row - start % row).min(to - start);
                found.clear();
                for c in self.fills.iter().filter(|c| run(&c.fill)) {
                    if let Fill::Strided(_, access) = &c.fill {
                        let (at, more) = access.run_at(start);
                        n = n.min(more).min(if at.is_some() { n } else { self.block });
                        found.push(at)
                    }
                }
                let mut found = found.iter();
                for c in &each {
                    match &c.fill {
                        Fill::Strided(place, _) if run(&c.fill) => {
                            let column = spot(self.entries[c.entry as usize].at);
                            let at = found.next().copied().flatten();
                            table[c.entry as usize] = at.map_or(column, |at| frame.at(*place).wrapping_offset(at))
                        }
                        Fill::Strided(place, access) if code.is_some() && pair(&c.fill) => {
                            table[c.entry as usize] = access.pair_at(frame.at(*place), start)
                        }
                        Fill::Strided(place, access) => {
                            let base = frame.at(*place);
                            if self.row < self.len
                                && let Some(at) = access.contiguous_at(start)
                            {
                                table[c.entry as usize] = base.wrapping_offset(at);
                            } else {
                                let column = spot(self.entries[c.entry as usize].at);
                                access.read(column, base, start, n);
                                table[c.entry as usize] = column
                            }
                        }
                        f if code.is_some() && index(f) => {
                            table[c.entry as usize] = f.number(spot(self.entries[c.entry as usize].at), start, row, len)
                        }
                        Fill::Index { radix, n: extent } => indices(table[c.entry as usize], *radix, *extent, start, n),
                        Fill::Scalar(..) => {}
                    }
                }
                match code {
                    Some(code) => self.emitted(code, scratch, table, n),
                    None => self.calls(table, n),
                }
                start += n;
                // nobody looks at the pointers behind the last block
                if start == to {
                    break;
                }
                self.advance(table, start, n)
            }
        }
    }
    /// The same, one row of those that are apart after the other.
    ///
    /// # Safety
    /// As above.
    #[cold]
    unsafe fn one_by_one(
        &self,
        frame: &Frame,
        scratch: *mut u8,
        code: Option<machine::Code>,
        mut from: usize,
        to: usize,
    ) {
        while from < to {
            let end = to.min(from + self.apart - from % self.apart);
            // SAFETY: the caller's.
            unsafe { self.range(frame, scratch, code, from, end) }
            from = end
        }
    }
    /// Moves the pointers by a block of `n` elements, before the element `next`.
    #[inline(always)]
    fn advance(&self, table: &mut [*mut u8], next: usize, n: usize) {
        for (p, e) in table.iter_mut().zip(&self.entries) {
            *p = p.wrapping_add(n * e.step);
        }
        if self.apart < self.len && next.is_multiple_of(self.apart) {
            for (p, e) in table.iter_mut().zip(&self.entries) {
                *p = p.wrapping_add(e.skip);
            }
        }
    }
    /// Computes the elements `from .. to` by machine code that finds all operands in memory, row by row. `table` has the pointers for `from`, but
    /// those of what is read through views.
    ///
    /// # Safety
    /// As for [`MapStep::run`].
    unsafe fn by_rows(
        &self,
        frame: &Frame,
        scratch: *mut u8,
        code: machine::Code,
        table: &mut [*mut u8],
        from: usize,
        to: usize,
    ) {
        let row = self.row;
        let mut walks: SmallVec<[(usize, *mut u8, Walk, usize); 4]> = SmallVec::new();
        for c in &self.fills {
            let entry = c.entry as usize;
            match &c.fill {
                Fill::Scalar(place, offset) => table[entry] = frame.spot((*place, *offset)),
                Fill::Strided(place, access) => {
                    let (step, base) = match c.fill.paired(row, self.len) {
                        Some(part) => (2 * access.size, frame.at(*place).wrapping_sub(part as usize * access.size)),
                        None if c.fill.still(row, self.len) => (0, frame.at(*place)),
                        None => (access.size, frame.at(*place)),
                    };
                    walks.push((entry, base, Walk::new(access, from / row), step))
                }
                Fill::Index { .. } => {}
            }
        }
        let mut start = from;
        while start < to {
            let within = start % row;
            let n = (row - within).min(to - start);
            for (entry, base, walk, step) in &mut walks {
                table[*entry] = base.wrapping_offset(walk.at()).wrapping_add(within * *step);
                walk.next()
            }
            for c in self.fills.iter().filter(|c| matches!(c.fill, Fill::Index { .. })) {
                let column = scratch.wrapping_offset(self.entries[c.entry as usize].at.1);
                // SAFETY: an index has a column.
                table[c.entry as usize] = unsafe { c.fill.number(column, start, row, self.len) }
            }
            // SAFETY: the caller's.
            unsafe { self.emitted(code, scratch, table, n) };
            start += n;
            if start == to {
                break;
            }
            self.advance(table, start, n)
        }
    }
    /// Runs the calls on the first `n` elements behind the pointers.
    ///
    /// # Safety
    /// As for [`MapStep::run`]; the pointers are those of a block of at least `n` elements.
    #[inline(always)]
    pub unsafe fn calls(&self, table: &[*mut u8], n: usize) {
        for c in &self.calls {
            // SAFETY: the caller's; entries lie inside the table.
            unsafe {
                let at = |e: u32| *table.get_unchecked(e as usize);
                c.code.call(at(c.out), at(c.args[0]), at(c.args[1]), at(c.args[2]), n);
            }
        }
    }
    /// A filled column from element `i` of its block on, for a few elements of the calls. `now`: its pointer for machine code.
    pub fn column(&self, scratch: *mut u8, c: &Column, now: *mut u8, i: usize, n: usize) -> *mut u8 {
        match &c.fill {
            f if matches!(f, Fill::Scalar(..)) || f.still(self.row, self.len) => {
                let to = scratch.wrapping_offset(self.entries[c.entry as usize].at.1);
                // SAFETY: the column has room for a block, which is more than a few elements, or as many as there are.
                unsafe { strided(to, now, 0, n, c.size) };
                to
            }
            f if let Some(part) = f.paired(self.row, self.len) => {
                let to = scratch.wrapping_offset(self.entries[c.entry as usize].at.1);
                let from = now.wrapping_add((2 * i + part as usize) * c.size);
                // SAFETY: as above; both of each pair are there.
                unsafe { strided(to, from, 2 * c.size as isize, n, c.size) };
                to
            }
            Fill::Index { radix, n: extent } if c.fill.counts(self.row, self.len) => {
                let to = scratch.wrapping_offset(self.entries[c.entry as usize].at.1);
                // SAFETY: as above.
                unsafe { indices(to, *radix, *extent, now.addr() + i, n) };
                to
            }
            _ => now.wrapping_add(i * c.size),
        }
    }
}

/// Writes `(start + i) / radix % extent` for `n` values of `i`.
///
/// # Safety
/// `to` has room for `n` words.
unsafe fn indices(to: *mut u8, radix: usize, extent: usize, start: usize, n: usize) {
    let to = to.cast::<u64>();
    let mut k = start / radix % extent;
    let mut left = radix - start % radix;
    let mut i = 0;
    while i < n {
        if radix == 1 {
            let m = (n - i).min(extent - k);
            for j in 0..m {
                // SAFETY: the caller's.
                unsafe { *to.add(i + j) = (k + j) as u64 };
            }
            i += m;
            k = 0;
            continue;
        }
        let m = (n - i).min(left);
        for j in 0..m {
            // SAFETY: the caller's.
            unsafe { *to.add(i + j) = k as u64 };
        }
        i += m;
        left = radix;
        k = if k + 1 == extent { 0 } else { k + 1 };
    }
}
