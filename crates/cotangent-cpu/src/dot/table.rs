//! Products whose rows are read where they lie although their elements are not equidistant: a table says where, the same for all rows.

use super::micro::{Elem, Job, Kit};
use super::{CHUNK, Mat, pack, pieces};
use crate::isa::Isa;
use std::ops::Range;

/// A product with a right operand that is packed once for all rows.
pub(crate) struct Table<E: 'static> {
    kit: &'static Kit<E>,
    /// Vectors of a panel.
    vectors: usize,
    /// Columns.
    n: usize,
    /// From each element of a row to the next.
    steps: Vec<isize>,
    /// Where each chunk begins.
    firsts: Vec<isize>,
}

impl<E: Elem> Table<E> {
    /// For `n` columns and for rows that come in sets of so many. The table is empty.
    pub(crate) fn new(isa: Isa, n: usize, set: usize) -> Table<E> {
        let kit = E::kit(isa);
        // What an element of all rows of a set takes, in halves of a cycle: the multiplications, or as many loads, or what one waits for
        // the sums of the element before.
        let cost = |vectors: usize| {
            let calls = pieces(set, kit.shapes[0][vectors - 1].len());
            let panel = |v: usize| {
                let all = (set * v).max(set + calls * (2 * v + 1));
                all.max(8 * calls)
            };
            let columns = n.div_ceil(kit.width);
            columns / vectors * panel(vectors)
                + if columns.is_multiple_of(vectors) { 0 } else { panel(columns % vectors) }
        };
        let vectors = (1..=kit.shapes[0].len()).min_by_key(|v| cost(*v)).expect("kernels");
        Table { kit, vectors, n, steps: Vec::new(), firsts: Vec::new() }
    }
    /// Rows that are computed at once.
    pub(crate) fn height(&self) -> usize {
        self.kit.shapes[0][self.vectors - 1].len()
    }
    /// Where the elements of a row lie, as distances from its origin. Chunks are counted from the first one.
    pub(crate) fn set(&mut self, places: &[isize]) {
        // The last step of a chunk leads nowhere, but there is one.
        let step = |p: usize| {
            if (p + 1).is_multiple_of(CHUNK) { 0 } else { places.get(p + 1).map_or(0, |next| next - places[p]) }
        };
        self.steps = (0..places.len()).map(step).collect();
        self.firsts = places.iter().copied().step_by(CHUNK).collect();
    }
    /// Elements that the right operand takes when it has `k` rows.
    pub(crate) fn room(&self, k: usize) -> usize {
        let width = self.vectors * self.kit.width;
        pieces(self.n, width) * width * k
    }
    /// Elements of a row.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }
    /// Packs some rows of the right operand, from row `at` on.
    ///
    /// # Safety
    /// The rows exist, and `to` has room for all of them. The processor has the instruction set.
    pub(crate) unsafe fn pack(&self, to: *mut E, at: usize, count: usize, from: Mat) {
        let k = self.len();
        let width = self.vectors * self.kit.width;
        for (q, first) in (0..self.n).step_by(width).enumerate() {
            let from_panel = from.ptr.cast::<E>().wrapping_offset(first as isize * from.col);
            let cols = width.min(self.n - first);
            // SAFETY: these rows of these columns; the panels lie one behind the other.
            unsafe {
                let to = to.add((q * k + at) * width);
                pack::panel(self.kit, self.vectors, count, cols, from_panel, from.row, from.col, to)
            }
        }
    }
    /// Multiplies some rows, `row` apart, by some chunks of the packed right operand `b`, and stores the products of the table's first one or,
    /// with `onto`, adds them to what is there.
    ///
    /// # Safety
    /// The rows have the elements that the table says; there are at most [`Table::height`]. The right operand has as many rows as the table
    /// places, and `c` has room, or with `onto` is initialized. The processor has the instruction set.
    pub(crate) unsafe fn multiply(
        &self,
        rows: usize,
        (a, row): (*const E, isize),
        b: *const E,
        (c, c_row): (*mut E, usize),
        chunks: Range<usize>,
        onto: bool,
    ) {
        let (k, width) = (self.steps.len(), self.vectors * self.kit.width);
        let mut job = Job {
            k: 0,
            a,
            a_row: row,
            a_col: 0,
            steps: std::ptr::null(),
            b,
            b_row: width as isize,
            c,
            c_row,
            cols: 0,
            add: onto,
        };
        for chunk in chunks {
            let at = chunk * CHUNK;
            job.k = CHUNK.min(k - at);
            job.a = a.wrapping_offset(self.firsts[chunk]);
            job.steps = self.steps.as_ptr().wrapping_add(at);
            job.add = onto || at > 0;
            for (q, first) in (0..self.n).step_by(width).enumerate() {
                job.b = b.wrapping_add((q * k + at) * width);
                job.c = c.wrapping_add(first);
                job.cols = width.min(self.n - first);
                let vectors = self.kit.vectors(job.cols);
                // SAFETY: the rows against the columns of a panel, which has whole vectors of them.
                unsafe { self.kit.shapes[0][vectors - 1][rows - 1](&job) }
            }
        }
    }
}
