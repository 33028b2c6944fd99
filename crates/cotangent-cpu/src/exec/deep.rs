//! Products in strips of blocks: those whose sums are long, a block of their terms at a time, and those that make a few elements for each row.
//!
//! A linear model multiplies its data with its weights, row by row, and what comes of it with the data again, for the gradient: sums over all rows. Whoever has read a block of rows for the
//! first product has it in the cache for the second. The sums are those of the definition: a tree's blocks are folded each by itself, a chain's chunks are added to its super-chunk, and the
//! parts are combined in pairs in the end.

use super::place::Product;
use super::run::Frame;
use super::strip::{Finder, Rows};
use crate::dot::{CHUNK, Mat, SUPER, add_sums, dot, dot_onto};
use crate::pairs::Pairs;
use crate::{BLOCK, Buffer, DotOrder, DotSpec, Dt, Node};
use std::ops::Range;

/// Blocks of a super-chunk.
pub const AHEAD: usize = SUPER / BLOCK;
/// Bytes of data that stay in the second cache, beside what else is there, until the next product reads them.
const SECOND: usize = 1 << 18;
/// Bytes of a result that is kept for every part of the sums.
const NARROW: usize = 1 << 14;

/// How a product takes part in a strip of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deep {
    /// Its sums run over the blocks.
    Sums,
    /// Its rows, or columns if there is one row only, are those of the blocks.
    Rows,
}

/// How a product of these sizes and types takes part in a strip over so many elements.
fn deep([batch, m, n, k]: [usize; 4], spec: DotSpec, types: [Dt; 3], all: usize) -> Option<Deep> {
    let plain = matches!(spec.acc, Dt::F32 | Dt::F64) && types.iter().all(|t| *t == spec.acc);
    if batch != 1 || !plain || m != 1 && n != 1 || k == 0 {
        return None;
    }
    match (k == all, m * n == all) {
        (true, false) if m * n * spec.acc.size() <= NARROW && k > BLOCK => Some(Deep::Sums),
        (false, true) => Some(Deep::Rows),
        _ => None,
    }
}

impl Finder<'_> {
    /// How a product takes part in a strip over so many elements, if it can.
    pub fn deep(&self, node: &Node, spec: DotSpec, all: usize) -> Option<Deep> {
        let &[a, b] = self.p.uses_of(node) else { return None };
        let (x, y) = (self.p.dims_of(&a), self.p.dims_of(&b));
        let out = self.p.ty(node.vals.0).dt;
        deep([x[0], x[1], y[2], x[2]], spec, [self.p.ty(a.val).dt, self.p.ty(b.val).dt, out], all)
    }
    /// The rows of a strip that its sums would run over.
    pub fn deep_rows(&self, node: &Node, spec: DotSpec) -> Option<Rows> {
        let k = self.p.dims_of(self.p.uses_of(node).first()?)[2];
        (self.deep(node, spec, k)? == Deep::Sums).then_some(Rows::Blocks(1, k))
    }
}

impl Product {
    /// How it takes part in a strip over so many elements.
    pub fn deep(&self, all: usize) -> Option<Deep> {
        deep(self.sizes, self.spec, [self.src, self.src, self.out], all)
    }
    /// Its operands.
    fn mats(&self, frame: &Frame) -> [Mat; 2] {
        [self.a, self.b].map(|(place, offset, [batch, row, col])| Mat {
            ptr: frame.spot((place, offset)),
            batch,
            row,
            col,
        })
    }
    /// Bytes of the sums of all parts.
    pub fn parts(&self, blocks: usize) -> usize {
        self.pieces(blocks) * self.bytes()
    }
    fn bytes(&self) -> usize {
        self.sizes[1] * self.sizes[2] * self.out.size()
    }
    fn pieces(&self, blocks: usize) -> usize {
        match self.spec.order {
            DotOrder::Tree => blocks,
            DotOrder::Chain => blocks.div_ceil(AHEAD),
        }
    }
    /// The part of its results that belongs to these elements.
    ///
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn rows(&self, frame: &Frame, rows: Range<usize>) {
        let [mut a, mut b] = self.mats(frame);
        let (size, [_, m, _, k]) = (self.src.size() as isize, self.sizes);
        let (from, len) = (rows.start as isize, rows.len());
        let sizes = match m {
            1 => {
                b.ptr = b.ptr.wrapping_offset(from * b.col * size);
                [1, 1, len, k]
            }
            _ => {
                a.ptr = a.ptr.wrapping_offset(from * a.row * size);
                [1, len, 1, k]
            }
        };
        let out = frame.at(self.to).wrapping_add(rows.start * self.out.size());
        // SAFETY: the caller's; a checked program reads nothing outside its operands.
        unsafe { dot(self.spec, self.src, self.out, sizes, a, b, out) }
    }
    /// How many terms of its sums can be done at once, so that what they read is still in the second cache for who comes next: less than a block, where the order of the sums has ends of
    /// chunks within it.
    pub fn at_once(&self) -> usize {
        let term = (self.sizes[1] + self.sizes[2]) * self.src.size();
        match self.spec.order {
            DotOrder::Tree => BLOCK,
            DotOrder::Chain => (SECOND / term / CHUNK * CHUNK).clamp(CHUNK, BLOCK),
        }
    }
    /// The sums over some terms of a block, which are the next ones of those that are computed here; they end with the block, or with a number of terms that may be done [at once](Product::at_once).
    ///
    /// # Safety
    /// As above; `parts` has room for all parts.
    pub unsafe fn terms(&self, frame: &Frame, parts: *mut u8, terms: Range<usize>) {
        let [mut a, mut b] = self.mats(frame);
        let (size, [_, m, n, _]) = (self.src.size() as isize, self.sizes);
        let from = terms.start;
        a.ptr = a.ptr.wrapping_offset(from as isize * a.col * size);
        b.ptr = b.ptr.wrapping_offset(from as isize * b.row * size);
        let sizes = [1, m, n, terms.len()];
        // SAFETY: as above.
        unsafe {
            match self.spec.order {
                DotOrder::Tree => {
                    dot(self.spec, self.src, self.out, sizes, a, b, parts.add(from / BLOCK * self.bytes()))
                }
                DotOrder::Chain => {
                    let (to, onto) = (parts.add(from / SUPER * self.bytes()), !from.is_multiple_of(SUPER));
                    if !onto || sizes[3] > 1 {
                        return dot_onto(self.spec, self.src, sizes, a, b, to, onto);
                    }
                    // Products of one term are added to nothing: this one is added here.
                    let both = Buffer::uninit(2 * self.bytes());
                    let last = both.ptr().add(self.bytes());
                    std::ptr::copy_nonoverlapping(to, both.ptr(), self.bytes());
                    dot(self.spec, self.src, self.out, sizes, a, b, last);
                    add_sums(self.out, m * n, both.ptr());
                    std::ptr::copy_nonoverlapping(both.ptr(), to, self.bytes())
                }
            }
        }
    }
    /// Combines the sums of all parts.
    ///
    /// # Safety
    /// As above; all parts are there.
    pub unsafe fn join(&self, frame: &Frame, parts: *const u8) {
        let (n, bytes) = (self.pieces(self.sizes[3].div_ceil(BLOCK)), self.bytes());
        let scratch = Buffer::uninit(Pairs::places(n) * bytes);
        let at = |k: usize| scratch.ptr().wrapping_add(k * bytes);
        let mut pairs = Pairs::default();
        // SAFETY: the caller's; the scratch has the places.
        unsafe {
            let merge = |k: usize| add_sums(self.out, bytes / self.out.size(), at(k));
            for part in 0..n {
                std::ptr::copy_nonoverlapping(parts.add(part * bytes), at(pairs.next()), bytes);
                pairs.push(merge)
            }
            pairs.finish(merge);
            std::ptr::copy_nonoverlapping(scratch.ptr(), frame.at(self.to), bytes)
        }
    }
}
