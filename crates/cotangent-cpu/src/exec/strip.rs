//! Strips: groups that follow each other and work on the same rows, a few rows at a time.
//!
//! A softmax is a maximum, an exponential of differences, a sum and a quotient, each over the rows of one array. One after the other over the whole array, each would fetch from
//! memory what the one before has just written there. Instead all of them work on some rows, then on the next ones: what one hands to another lies in a small
//! buffer that stays in the cache, and values that nobody else reads have no other memory at all. So are attention (products, a softmax, products, head by head), the normalization of layers, and sums of what is computed.
//!
//! A strip's groups share a number of **rows**: the elements of every value are divided into so many parts, and a group makes part `i` of its results from part `i` of the
//! values of the strip. (Of other values it may read anything: they are there as a whole.) Values that only the strip reads are [local](Place::Local): their memory
//! is that of some rows, and their address is where row 0 would be, so that a step computes its addresses as ever.
//!
//! Folds of much go along, too: their rows are blocks of their trees, whose results are kept, and joined when the last one is there. So do folds of the first dimension: each row is
//! joined with what there is ([`columns`](super::columns)). Nothing here changes what is computed in which order.

use super::blocks::Folds;
use super::columns::Columns;
use super::deep::{self, Deep};
use super::even::aligned;
use super::fold::Reduce;
use super::plan::Plan;
use super::row::{self, Kernel};
use super::run::{Frame, Step, product};
use crate::emit::Code;
use crate::isa::Isa;
use crate::{BLOCK, Buffer, Dt, Fold, Kind, Node, Program, ValId, View, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// When strips are made, and how large.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Sizes {
    /// Bytes of local values that make it worth it.
    pub least: usize,
    /// Bytes of a strip's rows.
    pub strip: usize,
    /// Elements of the longest row that is a straight line of machine code.
    pub line: usize,
}
impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { least: 1 << 18, strip: 24 << 10, line: 1024 }
    }
}

/// A part of the plan that runs in strips.
pub struct Found {
    /// The groups.
    pub groups: Range<usize>,
    pub rows: Rows,
    pub columns: Option<Columns>,
}
/// Groups for a strip, and small ones and folds between them, which run before it, or after it because they take something from it.
#[derive(Default)]
struct Taken {
    groups: SmallVec<[usize; 8]>,
    before: SmallVec<[usize; 4]>,
    after: SmallVec<[usize; 4]>,
    /// If rows are folded.
    columns: Option<Columns>,
}
/// How the elements of values are divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rows {
    /// Into so many equal parts.
    Parts(usize),
    /// So many times so many elements: into the blocks of folds of each of these.
    Blocks(usize, usize),
}
impl Rows {
    fn number(self) -> usize {
        match self {
            Rows::Parts(n) => n,
            Rows::Blocks(folds, n) => folds * n.div_ceil(BLOCK),
        }
    }
    /// The first element of a row (or the end, behind the last one) of a value of so many elements.
    fn start(self, row: usize, all: usize) -> usize {
        match self {
            Rows::Parts(n) => all / n * row,
            Rows::Blocks(_, n) => {
                let blocks = n.div_ceil(BLOCK);
                row / blocks * n + row % blocks * BLOCK
            }
        }
    }
    /// The elements of a block.
    fn block(self, block: usize) -> Range<usize> {
        self.start(block, 0)..self.start(block + 1, 0)
    }
    /// The most elements that a row has, of so many in all.
    fn each(self, all: usize) -> usize {
        match self {
            Rows::Parts(n) => all / n,
            Rows::Blocks(..) => BLOCK,
        }
    }
}

/// Groups in strips, ready to run.
pub struct Strip {
    pub rows: Rows,
    /// If rows are folded: then they come in the order of lanes, one by one.
    pub columns: Option<Columns>,
    /// Rows of a strip.
    pub at_once: usize,
    /// Elements of a block that go through all steps at once, if a block's data are too much for that.
    part: Option<usize>,
    pub steps: Vec<StripStep>,
    /// Those of them that are machine code for each row.
    pub kernels: Vec<Kernel>,
    /// The local values.
    pub locals: Vec<Local>,
    /// Bytes of columns.
    pub scratch: usize,
}
/// A value that lies in a strip's memory: how many elements it has in all, and their size.
#[derive(Clone, Copy)]
pub struct Local {
    all: usize,
    size: usize,
}
/// A step, and how many elements, folds, or products it makes in all.
pub struct StripStep {
    pub step: Step,
    all: usize,
}

/// Elements of a group that need not be in a strip: it may run before it or after it.
const FEW: usize = 8;
/// Groups that are looked at, at most, for one strip, and numbers of rows that are tried.
const FAR: usize = 48;
const TRIES: usize = 3;
/// A row that is larger gains nothing.
const ROW: usize = 1 << 20;

pub struct Finder<'a> {
    pub p: &'a Program,
    plan: &'a mut Plan,
    /// Of each node; `usize::MAX` if it does not run.
    group_of: Vec<usize>,
    /// The last group that reads a value; results of the program are read by one behind the last.
    last: Vec<usize>,
    sizes: Sizes,
    /// May there be machine code?
    code: bool,
}

/// The strips of a plan, in order. Small groups between those of a strip are moved before it or behind it.
pub fn find(p: &Program, plan: &mut Plan, sizes: Sizes, code: bool) -> Vec<Found> {
    let large = |i: &u32| p.ty(p.nodes[*i as usize].vals.0).bytes() >= sizes.least.min(ROW) / 4;
    let one = plan.ends.len() < 2;
    if !plan.members.iter().any(|i| !one && large(i) || extremes(&p.nodes[*i as usize])) {
        return vec![];
    }
    let (mut found, mut g) = (vec![], 0);
    let mut f = Finder::new(p, plan, sizes, code);
    while g < f.plan.ends.len() {
        let Some((rows, taken)) = f.longest(g) else {
            g += 1;
            continue;
        };
        let columns = taken.columns;
        let groups = f.brought_together(g, taken);
        g = groups.end;
        found.push(Found { groups, rows, columns })
    }
    found
}

impl<'a> Finder<'a> {
    fn new(p: &'a Program, plan: &'a mut Plan, sizes: Sizes, code: bool) -> Finder<'a> {
        let all = plan.ends.len();
        let mut f =
            Finder { p, plan, group_of: vec![usize::MAX; p.nodes.len()], last: vec![0; p.vals.len()], sizes, code };
        f.look(0..all);
        for v in &f.plan.outs {
            f.last[*v as usize] = all;
        }
        f
    }
    /// Finds out what these groups make, and who reads it last.
    fn look(&mut self, groups: Range<usize>) {
        for g in groups {
            for i in self.plan.group(g) {
                self.group_of[*i as usize] = g;
                for s in self.plan.sources_of(self.p, *i) {
                    self.last[s.val as usize] = self.last[s.val as usize].max(g);
                }
            }
        }
    }
    /// Moves the small groups between those of a strip before it or behind it.
    fn brought_together(&mut self, first: usize, taken: Taken) -> Range<usize> {
        let begin = first + taken.before.len();
        let groups = begin..begin + taken.groups.len();
        if !taken.before.is_empty() || !taken.after.is_empty() {
            let order: Vec<usize> = taken.before.into_iter().chain(taken.groups).chain(taken.after).collect();
            let all = first..first + order.len();
            // whoever reads a value last may be another group now
            for i in all.clone().flat_map(|g| self.plan.group(g)) {
                for s in self.plan.sources_of(self.p, *i) {
                    let last = &mut self.last[s.val as usize];
                    if all.contains(last) {
                        *last = 0
                    }
                }
            }
            self.plan.reorder(first, &order);
            self.look(all)
        }
        groups
    }
}

impl Finder<'_> {
    /// The strip that begins with a group and saves most, if one is worth it.
    fn longest(&self, first: usize) -> Option<(Rows, Taken)> {
        let sizes = self.sizes;
        let end = self.plan.ends.len().min(first + FAR);
        let mut tried: SmallVec<[Rows; TRIES]> = SmallVec::new();
        let mut best: Option<(usize, Rows, Taken)> = None;
        let goes = |g: &usize| self.map(*g) || self.folds(*g) || !self.rows(*g).is_empty();
        let down = |g| self.down(g).map(|c| Rows::Parts(c.rows()));
        let all = (first..end).take_while(goes).flat_map(|g| self.rows(g).into_iter().chain(down(g)));
        for rows in all {
            if rows.number() < 2 || tried.contains(&rows) {
                continue;
            }
            tried.push(rows);
            let taken = self.take(first..end, rows);
            let saved = self.saved(&taken);
            if taken.groups.len() > 1
                && saved >= sizes.least
                && saved / rows.number() <= ROW
                && best.as_ref().is_none_or(|b| (b.0, b.1.number()) < (saved, rows.number()))
            {
                best = Some((saved, rows, taken))
            }
            if tried.len() == TRIES {
                break;
            }
        }
        best.map(|(_, rows, taken)| (rows, taken)).or_else(|| self.extremes(first))
    }
    /// A group by itself, if machine code for its rows is what makes a strip of it worth it: extremes of floats, among which NaNs and subnormal numbers want more instructions of a loop without it.
    fn extremes(&self, g: usize) -> Option<(Rows, Taken)> {
        let node = Some(self.node(g)).filter(|n| extremes(n))?;
        let dt = self.p.ty(node.vals.0).dt;
        let n: usize = self.p.dims_of(self.p.uses_of(node).first()?).iter().product();
        let rows = *self.rows(g).first()?;
        let pays = matches!(dt, Dt::F32 | Dt::F64) && self.code && n * dt.size() >= self.sizes.least / 4;
        let taken = Taken { groups: [g].into_iter().collect(), ..Taken::default() };
        (pays && rows.number() > 1 && self.fits(g, rows, &Taken::default())).then_some((rows, taken))
    }
    /// As many groups as can be in one strip.
    fn take(&self, all: Range<usize>, rows: Rows) -> Taken {
        let mut taken = Taken::default();
        let down = |g: usize| self.down(g).filter(|c| rows == Rows::Parts(c.rows()));
        let simple = |g: usize| self.map(g) || self.folds(g);
        for g in all {
            if self.fits(g, rows, &taken) && (taken.columns.is_none() || simple(g)) {
                taken.groups.push(g)
            } else if let Some(columns) = down(g)
                && taken.columns.is_none_or(|c| c == columns)
                && taken.groups.iter().all(|g| simple(*g))
                && self.there(g, rows, &taken)
                && (!taken.groups.iter().any(|g| self.several(*g, rows)) || self.reduce(g).is_some_and(|r| r.large()))
            {
                taken.columns = Some(columns);
                taken.groups.push(g)
            } else if taken.groups.is_empty() {
                break;
            } else if self.takes(g, &taken) && (self.small(g) || self.folds(g)) {
                taken.after.push(g)
            } else if self.small(g) {
                taken.before.push(g)
            } else {
                break;
            }
        }
        // Groups at the end that take nothing from the strip only make its rows larger.
        while taken.groups.len() > 1 && !self.takes(taken.groups[taken.groups.len() - 1], &taken) {
            taken.groups.pop();
        }
        if !taken.groups.iter().any(|g| down(*g).is_some() && !self.divides(*g, rows)) {
            taken.columns = None
        }
        let end = taken.groups.last().copied().unwrap_or(0);
        taken.before.retain(|g| *g < end);
        taken.after.retain(|g| *g < end);
        taken
    }
    /// Does a group fold several times within a row? Machine code for rows does so once.
    fn several(&self, g: usize, rows: Rows) -> bool {
        self.folds(g) && self.rows(g).iter().any(|own| matches!(own, Rows::Parts(n) if *n > rows.number()))
    }
    /// Has a group only maps of a few elements?
    fn small(&self, g: usize) -> bool {
        self.map(g) && self.p.ty(self.node(g).vals.0).len() <= FEW
    }
    fn folds(&self, g: usize) -> bool {
        matches!(self.node(g).kind, Kind::Reduce { .. })
    }
    fn map(&self, g: usize) -> bool {
        matches!(self.node(g).kind, Kind::Map(_))
    }
    fn node(&self, g: usize) -> &Node {
        &self.p.nodes[self.plan.group(g)[0] as usize]
    }
    /// The most rows that a group has, if it has any of its own; a map has as many as one likes.
    fn rows(&self, g: usize) -> SmallVec<[Rows; 2]> {
        let node = self.node(g);
        let mut rows = SmallVec::new();
        let Some(u) = self.p.uses_of(node).first() else { return rows };
        let dims = self.p.dims_of(u);
        match &node.kind {
            Kind::Reduce { first, count, .. } => {
                let (first, end) = (*first as usize, (*first + *count) as usize);
                let [folds, n, inner] = [&dims[..first], &dims[first..end], &dims[end..]].map(|d| d.iter().product());
                if inner == 1 && n > BLOCK {
                    rows.push(Rows::Blocks(folds, n))
                }
                if folds > 1 {
                    rows.push(Rows::Parts(folds))
                }
            }
            Kind::Dot(spec) if node.uses.1 == 2 => {
                rows.extend(self.deep_rows(node, *spec));
                rows.push(Rows::Parts(dims[0]))
            }
            _ => {}
        }
        rows
    }
    /// If a group folds rows that lie one behind the other, and may do so one by one: how many.
    fn down(&self, g: usize) -> Option<Columns> {
        let r = self.reduce(g)?;
        let code = self.code && row::joins(r.what.0, r.what.1).is_some();
        r.down().filter(|c| c.pays(r.width(), self.sizes, code))
    }
    /// A group that folds, if it reads its operand where it lies.
    fn reduce(&self, g: usize) -> Option<Reduce> {
        let Kind::Reduce { op, first, count } = &self.node(g).kind else { return None };
        let dt = self.p.ty(self.node(g).vals.0).dt;
        let s = self.plan.sources_of(self.p, self.plan.group(g)[0])[0];
        let view = match s.view {
            Some(v) => &self.plan.views[v as usize],
            None => &View::identity(self.p.dims_of(&self.p.uses_of(self.node(g))[0])),
        };
        let r = Reduce::new(Isa::Portable, *op, dt, view, *first as usize, *count as usize);
        r.filter(|_| dt.acc() == dt)
    }
    /// Does a group whose most rows are these have those of a strip?
    fn divides(&self, g: usize, rows: Rows) -> bool {
        self.rows(g).iter().any(|own| match (own, rows) {
            (Rows::Parts(n), Rows::Parts(rows)) => *n > 0 && n.is_multiple_of(rows),
            (own, rows) => *own == rows,
        })
    }
    /// Can a group be the next one of a strip?
    fn fits(&self, g: usize, rows: Rows, taken: &Taken) -> bool {
        let ok = |i: &u32| {
            let node = &self.p.nodes[*i as usize];
            let ty = &self.p.vals[node.vals.0 as usize].ty;
            match &node.kind {
                Kind::Map(_) => match rows {
                    Rows::Parts(n) => !ty.is_empty() && ty.len().is_multiple_of(n),
                    Rows::Blocks(folds, n) => ty.len() == folds * n,
                },
                Kind::Reduce { .. } => {
                    let whole = self.reduce(g).is_some_and(|r| match rows {
                        Rows::Parts(_) => self.rows(g).contains(&Rows::Parts(r.folds())),
                        Rows::Blocks(..) => r.in_blocks(),
                    });
                    whole && self.divides(g, rows)
                }
                Kind::Dot(spec) if let Rows::Blocks(folds, n) = rows => {
                    folds == 1 && self.deep(node, *spec, n).is_some()
                }
                Kind::Dot(_) => {
                    let dt = |k: usize| self.p.ty(self.plan.sources[node.uses.0 as usize + k].val).dt;
                    // what is added to something is no batch
                    node.uses.1 == 2 && dt(0) == dt(1) && self.divides(g, rows) && !ty.is_empty()
                }
                _ => false,
            }
        };
        self.plan.group(g).iter().all(ok) && self.there(g, rows, taken)
    }
    /// Is everything that a group of a strip reads there when it is wanted?
    fn there(&self, g: usize, rows: Rows, taken: &Taken) -> bool {
        let ok = |i: &u32| {
            let node = &self.p.nodes[*i as usize];
            let maps = matches!(node.kind, Kind::Map(_));
            // What a product with rows reads is there as a whole.
            let whole = match (&node.kind, rows) {
                (Kind::Dot(spec), Rows::Blocks(_, n)) => self.deep(node, *spec, n) == Some(Deep::Rows),
                _ => false,
            };
            self.plan.sources_of(self.p, *i).iter().all(|s| {
                let (len, view) = (self.p.ty(s.val).len(), s.view.map(|v| &self.plan.views[v as usize]));
                let from = self.from(s.val);
                let local = taken.groups.contains(&from);
                // What folds and sums in blocks give, or folds down its columns, is there when the strip is done.
                let made = &self.p.nodes[self.p.vals[s.val as usize].node as usize];
                let late = match (&made.kind, rows) {
                    (Kind::Reduce { .. }, Rows::Blocks(..)) => true,
                    (Kind::Reduce { .. }, Rows::Parts(_)) => local && !self.divides(from, rows),
                    (Kind::Dot(spec), Rows::Blocks(_, n)) => self.deep(made, *spec, n) == Some(Deep::Sums),
                    _ => false,
                };
                !taken.after.contains(&from) && (!local || len > 0 && !late && !whole && aligned(view, len, rows, maps))
            })
        };
        self.plan.group(g).iter().all(ok)
    }
    /// The group that makes a value; `usize::MAX` if none does.
    fn from(&self, v: ValId) -> usize {
        self.group_of[self.p.vals[v as usize].node as usize]
    }
    /// Does a group read what an earlier one of the strip makes, or what follows from that?
    fn takes(&self, g: usize, taken: &Taken) -> bool {
        let ours = |v: ValId| taken.groups.contains(&self.from(v)) || taken.after.contains(&self.from(v));
        self.plan.group(g).iter().any(|i| self.plan.sources_of(self.p, *i).iter().any(|s| ours(s.val)))
    }
    /// Bytes of the values that only these groups read.
    fn saved(&self, taken: &Taken) -> usize {
        let vals = |i: &u32| {
            let (first, count) = self.p.nodes[*i as usize].vals;
            first..first + count
        };
        let mut saved = 0;
        let end = taken.groups.last().map_or(0, |g| g + 1);
        for g in taken.groups.iter().copied() {
            for v in self.plan.group(g).iter().flat_map(vals) {
                let last = self.last[v as usize];
                if last > g && last < end {
                    saved += self.p.ty(v).bytes()
                }
            }
        }
        saved
    }
}

/// Does a node fold to extremes?
fn extremes(node: &Node) -> bool {
    matches!(node.kind, Kind::Reduce { op: Fold::Max | Fold::Min, .. })
}
impl Strip {
    pub fn new(rows: Rows, columns: Option<Columns>) -> Strip {
        Strip { rows, columns, at_once: 1, part: None, steps: vec![], kernels: vec![], locals: vec![], scratch: 0 }
    }
    /// Memory for the rows of a local value of so many elements of this size.
    pub fn local(&mut self, all: usize, size: usize) -> u32 {
        self.locals.push(Local { all, size });
        self.locals.len() as u32 - 1
    }
    pub fn push(&mut self, step: Step, pieces: usize) {
        if let Step::Map(m) = &step {
            self.scratch = self.scratch.max(m.scratch)
        }
        self.steps.push(StripStep { step, all: pieces })
    }
    /// Bytes of a row of a local value.
    fn row(&self, l: Local) -> usize {
        self.rows.each(l.all) * l.size
    }
    /// As many rows at once as fit into `bytes`.
    pub fn choose(&mut self, bytes: usize) {
        let fetched = self.steps.iter().map(|s| s.fetched(self.rows)).max();
        let row = self.locals.iter().map(|l| self.row(*l)).sum::<usize>() + fetched.unwrap_or(0);
        self.at_once = if self.columns.is_some() { 1 } else { (bytes / row.max(1)).clamp(1, self.rows.number()) };
        let Rows::Blocks(_, n) = self.rows else { return };
        let parts = self.steps.iter().filter_map(|s| match &s.step {
            Step::Dot(d) if d.deep(n) == Some(Deep::Sums) => Some(d.at_once()),
            _ => None,
        });
        // A block is as much as one of them can do if its order has no ends of chunks.
        self.part = parts.max().filter(|p| *p < BLOCK)
    }
    /// Bytes of the memory that a thread works in.
    pub fn work(&self) -> usize {
        self.locals.iter().map(|l| place(self.row(*l) * self.at_once)).sum::<usize>() + self.scratch + self.kept()
    }
    pub fn estimate(&self) -> f64 {
        self.steps.iter().map(|s| s.estimate()).sum()
    }

    /// Bytes of the results of blocks of a step.
    fn partial(&self, s: &StripStep) -> usize {
        match (&s.step, self.rows) {
            (Step::Reduce(r), Rows::Blocks(..)) => self.rows.number() * r.width(),
            (Step::Dot(d), Rows::Blocks(_, n)) if d.deep(n) == Some(Deep::Sums) => d.parts(self.rows.number()),
            _ => 0,
        }
    }
    /// # Safety
    /// The frame belongs to the program that this was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        if let Some(columns) = self.columns {
            // SAFETY: the caller's.
            return unsafe { self.run_columns(columns, frame) };
        }
        let partials: SmallVec<[Buffer; 4]> = self.steps.iter().map(|s| Buffer::uninit(self.partial(s))).collect();
        let (ns, rows) = (self.estimate(), self.rows.number());
        let chunks = pool::chunks(ns).min(rows.div_ceil(self.at_once));
        // A super-chunk belongs to one thread.
        let unit = if matches!(self.rows, Rows::Blocks(..)) { deep::AHEAD } else { 1 };
        let each = rows.div_ceil(chunks).next_multiple_of(unit);
        let shared = Shared(self, frame, &partials);
        let run = move |k: usize| {
            let Shared(strip, frame, partials) = { shared };
            // SAFETY: the caller's; different chunks make different rows.
            unsafe { strip.part(frame, partials, (k * each).min(rows)..((k + 1) * each).min(rows)) }
        };
        match chunks {
            1 => run(0),
            _ => pool::parallel(chunks, ns, &run),
        }
        for (s, partial) in self.steps.iter().zip(&partials) {
            // SAFETY: all blocks are there.
            unsafe {
                match &s.step {
                    Step::Reduce(r) if !partial.is_empty() => r.join(frame, partial.ptr(), 0..r.folds()),
                    Step::Dot(d) if !partial.is_empty() => d.join(frame, partial.ptr()),
                    _ => {}
                }
            }
        }
    }
    /// Memory for a thread's rows.
    pub fn room<'a>(&self, frame: &Frame<'a>) -> Room<'a> {
        let mut at = 0;
        let offset = |l: &Local| {
            let bytes = place(self.row(*l) * self.at_once);
            at += bytes;
            at - bytes
        };
        let offsets = self.locals.iter().map(offset).collect();
        let (memory, scratch) = (Buffer::uninit(at), Buffer::uninit(self.scratch));
        let frame = Frame::new(frame.args, frame.consts, frame.slots, scratch.ptr());
        Room { frame, offsets, memory, _scratch: scratch }
    }
    /// Where row 0 of the local values would be, if they have a place from this row on.
    fn starts(&self, room: &Room, row: usize) -> SmallVec<[*mut u8; 8]> {
        let first = |l: &Local| self.rows.start(row, l.all) * l.size;
        let starts = room.offsets.iter().zip(&self.locals);
        starts.map(|(at, l)| room.memory.ptr().wrapping_add(*at).wrapping_sub(first(l))).collect()
    }
    /// Gives the local values a place, from this row on.
    pub fn place(&self, room: &mut Room, row: usize) {
        room.frame.locals = self.starts(room, row)
    }
    /// # Safety
    /// As above; there is room for the results of all blocks.
    unsafe fn part(&self, frame: &Frame, partials: &[Buffer], rows: Range<usize>) {
        let mut room = self.room(frame);
        if let Some(part) = self.part {
            return rows.for_each(|block| {
                self.place(&mut room, block);
                // SAFETY: the caller's; local values have the elements of the block.
                unsafe { self.in_parts(&room.frame, partials, block, part) }
            });
        }
        let ready: SmallVec<[_; 2]> = self.kernels.iter().filter_map(|k| Some((k, k.code(&self.steps)?))).collect();
        // What is nothing but machine code for rows, or for blocks where these are the rows, does all of them at once.
        let rowwise = |k: &Kernel| k.folds.is_none() || matches!(self.rows, Rows::Blocks(..));
        let whole = ready.iter().any(|(k, _)| rowwise(k) && k.steps == (0..self.steps.len()));
        for from in rows.clone().step_by(if whole { rows.len().max(1) } else { self.at_once }) {
            let now = if whole { rows.clone() } else { from..(from + self.at_once).min(rows.end) };
            self.place(&mut room, from);
            let own = &room.frame;
            let mut k = 0;
            while k < self.steps.len() {
                // SAFETY: the caller's; local values have the rows that the steps are given.
                unsafe {
                    let found = ready.iter().find(|(kernel, _)| kernel.steps.start == k);
                    if let Some((kernel, code)) = found
                        && let Some(folds) = &kernel.folds
                    {
                        let mut at = |block: usize, run: &dyn Fn(&Frame)| {
                            if !whole {
                                return run(own);
                            }
                            run(&Frame { locals: self.starts(&room, block), ..*own })
                        };
                        self.folds((kernel, *code, folds), own, &mut at, partials, now.clone());
                        k = kernel.steps.end;
                        continue;
                    }
                    if let Some((kernel, code)) = found {
                        let each = kernel.rows / self.rows.number();
                        let mut there = Frame { locals: own.locals.clone(), ..*own };
                        kernel.run(*code, own, now.start * each..now.end * each, |mut rows| {
                            while !rows.is_empty() {
                                let mut end = rows.end;
                                if whole {
                                    there.locals = self.starts(&room, rows.start / each);
                                    end = end.min((rows.start / each + self.at_once) * each)
                                }
                                for s in &self.steps[kernel.steps.clone()] {
                                    let each = s.all / kernel.rows;
                                    s.some(&there, rows.start * each, end * each)
                                }
                                rows.start = end
                            }
                        });
                        k = kernel.steps.end;
                        continue;
                    }
                    self.step(own, k, &partials[k], now.clone())
                }
                k += 1
            }
        }
    }
    /// All steps for a block, some of its elements after the other; folds, which want all of them, in the end.
    ///
    /// # Safety
    /// As above; the local values of the block have a place.
    unsafe fn in_parts(&self, own: &Frame, partials: &[Buffer], block: usize, part: usize) {
        let all = self.rows.block(block);
        let n = all.end;
        let folds = |s: &StripStep| matches!(s.step, Step::Reduce(_));
        for from in all.step_by(part) {
            let some = from..(from + part).min(n);
            for (s, partial) in self.steps.iter().zip(partials).filter(|(s, _)| !folds(s)) {
                // SAFETY: the caller's.
                unsafe {
                    match &s.step {
                        Step::Dot(d) if !partial.is_empty() => d.terms(own, partial.ptr(), some.clone()),
                        Step::Dot(d) => d.rows(own, some.clone()),
                        _ => s.some(own, some.start, some.end),
                    }
                }
            }
        }
        for k in (0..self.steps.len()).filter(|k| folds(&self.steps[*k])) {
            // SAFETY: as above.
            unsafe { self.step(own, k, &partials[k], block..block + 1) }
        }
    }
    /// The steps of a kernel that folds long rows, for some rows of the strip. `at` runs something with a frame in which the local values of a block have a place.
    ///
    /// # Safety
    /// As above.
    unsafe fn folds(
        &self,
        (kernel, code, folds): (&Kernel, Code, &Folds),
        own: &Frame,
        at: &mut dyn FnMut(usize, &dyn Fn(&Frame)),
        partials: &[Buffer],
        now: Range<usize>,
    ) {
        let each = folds.n.div_ceil(BLOCK);
        let (blocks, held) = match self.rows {
            // there is memory for the results of all blocks
            Rows::Blocks(..) => (now, 0),
            Rows::Parts(n) => {
                let blocks = now.start * folds.number / n * each..now.end * folds.number / n * each;
                (blocks.clone(), blocks.len() * folds.size)
            }
        };
        let held: SmallVec<[Buffer; 2]> = kernel.steps.clone().map(|_| Buffer::uninit(held)).collect();
        let to = |k: usize| match self.rows {
            Rows::Blocks(..) => partials[k].ptr(),
            Rows::Parts(_) => held[k - kernel.steps.start].ptr().wrapping_sub(blocks.start * folds.size),
        };
        // SAFETY: the caller's; there is memory for the results of these blocks.
        unsafe {
            let place = |k: usize, block: usize| to(k).wrapping_add(block * folds.size);
            kernel.blocks((code, &self.steps), own, blocks.clone(), place, |block, elements| {
                at(block, &|frame| {
                    for k in kernel.steps.clone() {
                        match &self.steps[k].step {
                            Step::Reduce(r) => r.blocks(frame, to(k), block..block + 1),
                            _ => self.steps[k].some(frame, elements.start, elements.end),
                        }
                    }
                })
            });
            for k in kernel.steps.clone() {
                if let (Step::Reduce(r), Rows::Parts(_)) = (&self.steps[k].step, self.rows) {
                    r.join(own, to(k), blocks.start / each..blocks.end / each)
                }
            }
        }
    }
    /// One step, for some rows.
    ///
    /// # Safety
    /// As above; the local values of these rows have a place.
    unsafe fn step(&self, own: &Frame, k: usize, partial: &Buffer, now: Range<usize>) {
        let s = &self.steps[k];
        // SAFETY: the caller's.
        unsafe {
            match (&s.step, self.rows) {
                (Step::Reduce(r), Rows::Blocks(..)) => r.blocks(own, partial.ptr(), now),
                (Step::Dot(d), Rows::Blocks(..)) if !partial.is_empty() => {
                    now.for_each(|block| d.terms(own, partial.ptr(), self.rows.block(block)))
                }
                (Step::Dot(d), Rows::Blocks(..)) => {
                    d.rows(own, self.rows.block(now.start).start..self.rows.block(now.end - 1).end)
                }
                _ => s.some(own, self.rows.start(now.start, s.all), self.rows.start(now.end, s.all)),
            }
        }
    }
}
/// What a thread works in: its frame, and where its local values have their rows.
pub struct Room<'a> {
    pub frame: Frame<'a>,
    offsets: SmallVec<[usize; 8]>,
    memory: Buffer,
    _scratch: Buffer,
}
/// Bytes of a local value, with some more so that two of them do not compete for the same cache lines.
fn place(bytes: usize) -> usize {
    bytes.next_multiple_of(64) + 64
}

/// A strip and its frame, for the threads that share the work.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Strip, &'a Frame<'a>, &'a [Buffer]);
// SAFETY: threads read places and constants, and write to memory behind pointers, each to its own rows.
unsafe impl Sync for Shared<'_> {}

impl StripStep {
    /// Bytes of a row that come from elsewhere.
    fn fetched(&self, rows: Rows) -> usize {
        match &self.step {
            Step::Map(m) => rows.each(self.all) * m.entries.iter().map(|e| e.step).sum::<usize>(),
            Step::Reduce(r) => r.folds() * r.n * r.width() / rows.number().max(1),
            _ => 0,
        }
    }
    fn estimate(&self) -> f64 {
        match &self.step {
            Step::Map(m) => m.ns,
            Step::Reduce(r) => r.estimate(),
            Step::Dot(d) => {
                let [_, m, n, k] = d.sizes;
                (self.all * m * n * k) as f64 / 40.0
            }
            _ => 0.0,
        }
    }
    /// Makes one row of so many.
    ///
    /// # Safety
    /// As for [`StripStep::some`].
    pub unsafe fn row(&self, frame: &Frame, row: usize, rows: usize) {
        let each = self.all / rows;
        // SAFETY: the caller's.
        unsafe { self.some(frame, row * each, (row + 1) * each) }
    }
    /// Makes some of what it makes in all.
    ///
    /// # Safety
    /// The frame belongs to the program that the step was built from; what it reads and writes for these is there.
    unsafe fn some(&self, frame: &Frame, from: usize, to: usize) {
        // SAFETY: the caller's.
        unsafe {
            match &self.step {
                Step::Map(m) => m.some(frame, from, to),
                Step::Reduce(r) => r.some(frame, from, to),
                Step::Dot(d) => product(d, frame, from, to),
                _ => unreachable!("no step of a strip"),
            }
        }
    }
    /// In words.
    pub fn text(&self) -> String {
        super::report::describe(&self.step)
    }
}
