//! Folds of long rows as machine code: with the maps before them, block by block, in registers.
//!
//! The norm of an outer product is a sum of squares of products, and none of these need ever be in memory: the loop that makes them adds them to the lanes of the fold's tree, which
//! are in registers. What it leaves for a block are its lanes; they are combined, and blocks with each other, by the kernels of [`fold`](super::fold), as ever. Of a block with an element that
//! machine code leaves out, and of one that has no whole rows, the steps do all.

use super::even::{Evenly, evenly, gcd};
use super::fold::Reduce;
use super::row::{Finder, Kernel, Operand, Pointer, Read, Table, Unrolled, joins, neutral};
use super::run::{Frame, Step};
use super::strip::StripStep;
use crate::emit::Code;
use crate::emit::ir::{Carried, I, Mem, Ty};
use crate::{BLOCK, Buffer, lanes};
use std::ops::Range;

/// The folds of a kernel.
pub struct Folds {
    /// How many folds each of its reductions makes.
    pub number: usize,
    /// Of how many elements each.
    pub n: usize,
    /// Bytes of an element that is folded.
    pub size: usize,
    /// The lanes of all reductions as they are before the first element.
    start: Vec<u8>,
    /// The reductions among the steps.
    pub steps: Vec<usize>,
}
impl Folds {
    /// Lanes of the tree: the elements of a round.
    pub fn lanes(&self) -> usize {
        lanes(self.size)
    }
}

impl Finder<'_> {
    /// Makes it one for folds of so many elements: its rows are as long as those of the maps allow.
    pub fn in_blocks(&mut self, number: usize, n: usize) {
        let steps = &self.steps[self.k.steps.start..];
        let size = steps.iter().find_map(|s| if let Step::Reduce(r) = &s.step { Some(r.what.1.size()) } else { None });
        let rows = steps.iter().map_while(|s| match &s.step {
            Step::Map(m) if m.row < m.len => Some(m.row),
            Step::Map(_) | Step::Reduce(_) => Some(0),
            _ => None,
        });
        let width = rows.fold(gcd(BLOCK, n), gcd);
        (self.k.width, self.k.rows) = (width, number * n / width);
        self.k.even = self.k.rows;
        self.k.folds = Some(Folds { number, n, size: size.unwrap_or(8), start: vec![], steps: vec![] })
    }
    pub fn fold_in_blocks(&mut self, step: usize, r: &Reduce) -> Option<()> {
        let width = self.k.width;
        let folds = self.k.folds.as_mut()?;
        let (fold, dt) = r.what;
        joins(fold, dt)?;
        let fits = r.folds() == folds.number && r.n == folds.n && r.rows() && r.width() == dt.size();
        let Evenly { even, stride, .. } = evenly(&r.outer, folds.number, (1, 1))?;
        let dense = folds.number == 1 || even == folds.number && stride == folds.n * dt.size();
        if !fits || !dense || dt.size() != folds.size || !width.is_multiple_of(folds.lanes()) {
            return None;
        }
        let made = self.made.get(&r.from);
        if made.is_some_and(|shape| r.outer.offset != 0 || *shape != (1, width, dt.size())) {
            return None;
        }
        let none = neutral(fold, dt).to_le_bytes();
        folds.steps.push(step);
        (0..folds.lanes()).for_each(|_| folds.start.extend(&none[..dt.size()]));
        let read = match made {
            Some(_) => Read::Made(r.from),
            None => {
                let p = Pointer { place: r.from, offset: r.outer.offset, stride: width * dt.size(), view: None };
                Read::Along(self.pointer(p))
            }
        };
        self.k.reads.insert((step, 0), Operand { read, apart: 1 });
        self.k.work += r.folds() * r.n;
        Some(())
    }
}

impl Unrolled<'_> {
    /// A vector of a fold's round is joined with its lanes. The lanes of all folds are one behind the other.
    pub fn fold_in_blocks(&mut self, operand: Operand, r: &Reduce, (step, v): (usize, usize)) -> Option<()> {
        let fold = self.k.folds.as_ref()?.steps.iter().position(|k| *k == step)?;
        let (op, dt) = (joins(r.what.0, r.what.1)?, r.what.1);
        let size = dt.size();
        let (ty, mem) = if size == 8 { (Ty::W64, Mem::B8) } else { (Ty::W32, Mem::B4) };
        let forms = self.read(operand, (0, v), size);
        self.t.columns(&[forms], size);
        let x = self.t.raw(0)?;
        let number = self.carries.len() as u32;
        let so_far = self.t.build.push(I::Carry, ty, number, 0, 0);
        let next = self.join(op, dt, so_far, x)?;
        self.carries.push(Carried { at: ((fold * lanes(size) + v * self.lanes) * size) as u32, mem, next });
        Some(())
    }
}

impl Kernel {
    /// Folds some blocks, those of all folds counted through: `to` says where the result of a step goes for a block, and `one` does a block that machine code leaves out.
    ///
    /// # Safety
    /// The frame belongs to the program that the steps were built from; there is memory for the results of all these blocks, and for the rows of what is made with them.
    pub unsafe fn blocks(
        &self,
        (code, steps): (Code, &[StripStep]),
        frame: &Frame,
        blocks: Range<usize>,
        to: impl Fn(usize, usize) -> *mut u8,
        mut one: impl FnMut(usize, Range<usize>),
    ) {
        let Some(folds) = &self.folds else { return };
        let each = folds.n.div_ceil(BLOCK);
        let lanes = Buffer::uninit(folds.start.len());
        let mut table = Table::default();
        for block in blocks {
            let (fold, b) = (block / each, block % each);
            let elements = fold * folds.n + b * BLOCK..fold * folds.n + folds.n.min((b + 1) * BLOCK);
            let rows = elements.start / self.width..elements.end / self.width;
            let mut row = rows.start;
            // SAFETY: the caller's.
            unsafe {
                std::ptr::copy_nonoverlapping(folds.start.as_ptr(), lanes.ptr(), lanes.len());
                while row < rows.end {
                    let (stop, end) = self.stretch(code, frame, row..rows.end, lanes.ptr(), &mut table);
                    if stop < end {
                        break;
                    }
                    row = end
                }
                if row < rows.end {
                    one(block, elements);
                    continue;
                }
                let reductions = self.steps.clone().filter_map(|k| match &steps[k].step {
                    Step::Reduce(r) => Some((k, r)),
                    _ => None,
                });
                for (i, (k, r)) in reductions.enumerate() {
                    r.lanes(to(k, block), lanes.ptr().add(i * folds.lanes() * folds.size), folds.lanes())
                }
            }
        }
    }
}
