//! Chains: the blocked driver around the microkernels.
//!
//! A tile of the result is computed chunk by chunk of k. For a chunk the columns are packed into panels, which stay in the second
//! cache, unless they can be read where they are. Then a few rows at a time, which stay in the first cache, meet all panels. The
//! sum of the first chunk is stored, later ones are added: the chain of the definition, in memory.
//!
//! A complex product is a real one: the row (ar, ai, ..) times columns in which (br, bi) stands above (-bi, br). That is the
//! order of the definition, with chunks of twice the length.

use super::cast::{self, Conversion};
use super::micro::{Elem, Job, Kit, Micro};
use super::pack;
use super::scratch::Scratch;
use super::{CHUNK, Product, SUPER, Tail, merge, pieces};
use crate::Dt;
use crate::pairs::Pairs;
use std::ops::Range;

/// Below this a matrix is read where it is.
const SMALL: usize = 16 << 10;

/// Bytes of the result that are told to be finished at once, or a row of a tile.
const TOLD: usize = 16 << 10;

/// With so few rows at most, packing columns costs as much as it gains.
const FEW_ROWS: usize = 42;

/// How the rows reach the microkernel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// From where they are.
    Direct,
    /// Converted or gathered, one row behind the other.
    Gathered,
    /// Converted, one column behind the other.
    Columns,
    /// Copied, one column behind the other.
    Narrow,
}

struct Tile<'a, E: 'static> {
    product: &'a Product,
    /// What is done with a part of the result after its last chunk, if it is its own accumulator.
    tail: Tail<'a>,
    kit: &'static Kit<E>,
    /// Reals in an element.
    unit: usize,
    /// Vectors of a panel, and rows of its kernel.
    vectors: usize,
    height: usize,
    /// Are the operands what the kernels compute with?
    plain: bool,
    reading: Conversion,
    rows: Rows,
    direct_columns: bool,
    /// Is `k` 1, and all as the kernel for that wants it, which adds nothing to what is there?
    outer: bool,
    /// Is it a vector times contiguous columns, and there is a kernel for that?
    slanted: Option<Micro<E>>,
    /// Does one call take all rows? Then a panel that has been packed is used once, and needs no place of its own.
    once: bool,
    a_area: *mut E,
    b_area: *mut E,
    panel_area: *mut E,
    pairs_area: *mut E,
}

/// Computes tiles of the product.
///
/// # Safety
/// As for [`Product::run`]; `E` is the (part of the) type that computes `spec.acc`.
pub(super) unsafe fn run<E: Elem>(product: &Product, items: Range<usize>, tail: Tail) {
    let p = product;
    let kit = E::kit(p.isa);
    let compute = cast::compute(p.spec.acc);
    let unit = if compute.is_complex() { 2 } else { 1 };
    let plain = p.src == p.spec.acc && cast::same_bits(p.src, compute);
    let size = size_of::<E>();
    let chunk = CHUNK.min(p.k) * unit;
    let (vectors, height) = kit.shape(p.tile_n * unit);
    let width = vectors * kit.width;

    let calls = pieces(p.tile_m, height);
    let panels = pieces(p.tile_n * unit, width);
    let direct_columns = plain && unit == 1 && p.b.col == 1 && {
        let bytes = chunk * p.tile_n * size;
        // Rows that are a multiple of a page apart compete for the same few cache lines.
        let spread = !(p.b.row.unsigned_abs() * size).is_multiple_of(2048) || chunk <= 16;
        p.tile_m <= FEW_ROWS || (spread && bytes <= SMALL)
    };
    let rows = if !plain {
        if unit == 1 && p.a.row == 1 && p.a.col != 1 { Rows::Columns } else { Rows::Gathered }
    } else if unit == 2 && p.a.col != 1 {
        Rows::Gathered
    } else if p.a.row == 1 && panels > 2 && p.tile_m * chunk * size > SMALL {
        Rows::Narrow
    } else {
        Rows::Direct
    };

    let in_place = p.in_place();
    let outer = p.k == 1 && !p.onto && plain && unit == 1 && in_place && p.b.col == 1;
    let once = calls == 1 && !direct_columns;
    let few = plain && unit == 1 && p.b.row == 1 && p.b.col != 1 && p.tile_m <= 2;
    let slanted = kit.slanted.filter(|_| few);
    let slots = if in_place { 0 } else { Pairs::places(pieces(p.k, SUPER)) };
    let tile_len = p.tile_m * p.tile_n * unit;
    let mut scratch = Scratch::new([
        if rows == Rows::Direct { 0 } else { height * chunk * size },
        if direct_columns { 0 } else { (if once { 1 } else { panels }) * width * chunk * size },
        if plain && unit == 1 { 0 } else { width * chunk * size },
        if plain || unit == 1 { 0 } else { width * chunk * size },
        slots * tile_len * size,
    ]);
    let tile = Tile {
        product,
        tail: if in_place { tail } else { None },
        kit,
        unit,
        vectors,
        height,
        plain,
        reading: Conversion::reading(p.isa, p.src, p.spec.acc),
        rows,
        direct_columns,
        outer,
        slanted,
        once,
        a_area: scratch.area(0),
        b_area: scratch.area(1),
        panel_area: scratch.area(2),
        pairs_area: scratch.area(3),
    };
    let sums: *mut E = scratch.area(4);

    let writing = Conversion::writing(p.isa, p.spec.acc, p.out_dt);
    for item in items {
        let (t, i, j) = p.place(item);
        // SAFETY: the tile lies inside the result, the areas are as large as their greatest use.
        unsafe {
            let out = (t * p.m + i.start) * p.n + j.start;
            if in_place {
                tile.chunks(t, i, j, 0..p.k, p.out.cast::<E>().add(out * unit), p.n * unit);
                continue;
            }
            let (rows, cols) = (i.len(), j.len());
            let len = rows * cols * unit;
            let mut pairs = Pairs::default();
            for s in 0..p.k.div_ceil(SUPER) {
                let range = s * SUPER..p.k.min((s + 1) * SUPER);
                tile.chunks(t, i.clone(), j.clone(), range, sums.add(pairs.next() * len), cols * unit);
                pairs.push(|k| merge(len, sums.add(k * len)));
            }
            pairs.finish(|k| merge(len, sums.add(k * len)));
            let mut told = 0;
            for r in 0..rows {
                let to = p.out.add((out + r * p.n) * p.out_dt.size());
                writing.run(cols, sums.add(r * cols * unit).cast(), 1, to);
                if tail.is_some() && ((r + 1 - told) * cols * p.out_dt.size() >= TOLD || r + 1 == rows) {
                    p.finished(tail, t, i.start + told..i.start + r + 1, j.clone());
                    told = r + 1
                }
            }
        }
    }
}

impl<E: Elem> Tile<'_, E> {
    /// The chunks of `range`, at most a super-chunk, of a tile, into `c`.
    ///
    /// # Safety
    /// Rows, columns and range lie within the product; `c` has room for the tile; the areas are large enough.
    unsafe fn chunks(&self, t: usize, i: Range<usize>, j: Range<usize>, range: Range<usize>, c: *mut E, c_row: usize) {
        let p = self.product;
        let width = self.vectors * self.kit.width;
        let cols = j.len() * self.unit;
        let a_base = p.a.ptr.wrapping_offset(offset(p.src, t, p.a.batch, i.start, p.a.row));
        let b_base = p.b.ptr.wrapping_offset(offset(p.src, t, p.b.batch, j.start, p.b.col));
        let mut at = range.start;
        while at < range.end {
            let k = CHUNK.min(range.end - at);
            let a = a_base.wrapping_offset(offset(p.src, 0, 0, at, p.a.col));
            let b = b_base.wrapping_offset(offset(p.src, 0, 0, at, p.b.row));
            let step = width / self.unit;
            let pack = |q: usize, to: usize| {
                let b = b.wrapping_offset(offset(p.src, 0, 0, q * step, p.b.col));
                // SAFETY: the columns of a panel, and its place.
                unsafe {
                    self.pack_columns(b, k, step.min(j.len() - q * step), self.b_area.add(to * width * k * self.unit))
                }
            };
            if !self.direct_columns && !self.once && self.slanted.is_none() {
                (0..pieces(cols, width)).for_each(|q| pack(q, q))
            }
            let mut job = Job {
                k: k * self.unit,
                a: std::ptr::null(),
                a_row: 0,
                a_col: 0,
                steps: std::ptr::null(),
                b: std::ptr::null(),
                b_row: if self.direct_columns { p.b.row } else { width as isize },
                c,
                c_row,
                cols: 0,
                add: p.onto || at > range.start,
            };
            let last = self.tail.is_some() && at + k == p.k;
            if let Some(kernel) = self.slanted {
                (job.a_col, job.b_row) = (p.a.col, p.b.col);
                for r in 0..i.len() {
                    job.a = a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row)).cast();
                    for q in (0..cols).step_by(self.kit.width) {
                        job.b = b.cast::<E>().wrapping_offset(q as isize * p.b.col);
                        job.c = c.wrapping_add(r * c_row + q);
                        job.cols = self.kit.width.min(cols - q);
                        // SAFETY: one row against these columns.
                        unsafe { kernel(&job) }
                    }
                }
                if last {
                    p.finished(self.tail, t, i.clone(), j.clone())
                }
                at += k;
                continue;
            }
            let (b, panel) =
                if self.direct_columns { (b.cast::<E>(), width) } else { (self.b_area.cast_const(), width * job.k) };
            // As few calls as there can be, with about as many rows each.
            let calls = pieces(i.len(), self.height);
            let (few, more) = if calls == 1 { (i.len(), 0) } else { (i.len() / calls, i.len() % calls) };
            if self.outer {
                // As many rows as are told at once.
                let some = (TOLD / (cols * size_of::<E>())).max(1);
                (job.b, job.cols, job.a_row) = (b, cols, p.a.row);
                for r in (0..i.len()).step_by(some) {
                    let rows = some.min(i.len() - r);
                    job.a = a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row)).cast();
                    job.c = c.wrapping_add(r * c_row);
                    // SAFETY: these rows against all columns.
                    unsafe { (self.kit.outer)(&job, rows) }
                    p.finished(self.tail, t, i.start + r..i.start + r + rows, j.clone())
                }
                return;
            }
            let (mut r, mut told) = (0, 0);
            for call in 0..calls {
                let rows = few + (call < more) as usize;
                let a = a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row));
                // SAFETY: these rows, against all columns: a panel has `job.k` rows of `width`, direct columns are `cols`.
                unsafe {
                    self.take_rows(&mut job, a, k, rows);
                    job.c = c.add(r * c_row);
                    if self.direct_columns && calls == 1 && rows <= self.kit.wide.len() {
                        self.wide(&mut job, b, cols, rows);
                    } else {
                        for q in 0..pieces(cols, width) {
                            if self.once {
                                pack(q, 0)
                            }
                            job.b = if self.once { b } else { b.wrapping_add(q * panel) };
                            job.cols = width.min(cols - q * width);
                            self.kernel(job.cols)[rows - 1](&job);
                            job.c = job.c.wrapping_add(width);
                        }
                    }
                }
                r += rows;
                if last && ((r - told) * cols * size_of::<E>() >= TOLD || r == i.len()) {
                    p.finished(self.tail, t, i.start + told..i.start + r, j.clone());
                    told = r
                }
            }
            at += k;
        }
    }

    /// The kernels for so many columns of a panel.
    fn kernel(&self, cols: usize) -> &'static [Micro<E>] {
        let edge = self.direct_columns && !cols.is_multiple_of(self.kit.width);
        self.kit.shapes[edge as usize][self.kit.vectors(cols) - 1]
    }

    /// A few rows against all columns, which are read where they are: many at a time.
    ///
    /// # Safety
    /// The job describes the rows; there are `cols` columns.
    unsafe fn wide(&self, job: &mut Job<E>, b: *const E, cols: usize, rows: usize) {
        let (vectors, kernel) = self.kit.wide[rows - 1];
        let step = vectors * self.kit.width;
        let c = job.c;
        let mut q = 0;
        while q < cols {
            job.b = b.wrapping_add(q);
            job.c = c.wrapping_add(q);
            job.cols = step.min(cols - q);
            // SAFETY: the columns from q on.
            unsafe {
                if job.cols <= self.vectors * self.kit.width {
                    self.kernel(job.cols)[rows - 1](job)
                } else {
                    kernel[(job.cols < step) as usize](job)
                }
            }
            q += step;
        }
    }

    /// Gives the job `rows` rows of `k` elements, from where they are or from their area.
    ///
    /// # Safety
    /// `a` points to the first of them; the area has room.
    unsafe fn take_rows(&self, job: &mut Job<E>, a: *const u8, k: usize, rows: usize) {
        let p = self.product;
        let read = |n, from, stride, to: usize| {
            // SAFETY: a row or a column of these rows, and a place for it in their area.
            unsafe { self.reading.run(n, from, stride, self.a_area.add(to).cast()) }
        };
        job.a = self.a_area;
        match self.rows {
            Rows::Direct => {
                job.a = a.cast();
                (job.a_row, job.a_col) = if self.unit == 2 { (2 * p.a.row, 1) } else { (p.a.row, p.a.col) };
            }
            Rows::Gathered => {
                for r in 0..rows {
                    read(k, a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row)), p.a.col, r * job.k);
                }
                (job.a_row, job.a_col) = (job.k as isize, 1);
            }
            Rows::Columns => {
                for q in 0..k {
                    read(rows, a.wrapping_offset(offset(p.src, 0, 0, q, p.a.col)), p.a.row, q * rows);
                }
                (job.a_row, job.a_col) = (1, rows as isize);
            }
            Rows::Narrow => {
                // SAFETY: the rows are adjacent in every column.
                unsafe { (self.kit.pack_a)(k, a.cast(), p.a.col, rows, self.a_area, rows) }
                (job.a_row, job.a_col) = (1, rows as isize);
            }
        }
    }

    /// Packs `k` rows of `cols` columns into a panel.
    ///
    /// # Safety
    /// `b` points to the first element; `dst` and the areas have room.
    unsafe fn pack_columns(&self, b: *const u8, k: usize, cols: usize, dst: *mut E) {
        let p = self.product;
        let (mut src, mut row, mut col) = (b.cast::<E>(), p.b.row, p.b.col);
        // SAFETY: the columns, the panel they go to, and an area for one converted panel.
        unsafe {
            if !self.plain {
                src = self.panel_area;
                let to = |elements: usize| self.panel_area.add(elements * self.unit).cast();
                if p.b.row == 1 && p.b.col != 1 {
                    (row, col) = (1, k as isize);
                    for c in 0..cols {
                        let from = b.wrapping_offset(offset(p.src, 0, 0, c, p.b.col));
                        self.reading.run(k, from, 1, to(c * k));
                    }
                } else {
                    (row, col) = (cols as isize, 1);
                    for r in 0..k {
                        let from = b.wrapping_offset(offset(p.src, 0, 0, r, p.b.row));
                        self.reading.run(cols, from, p.b.col, to(r * cols));
                    }
                }
            }
            if self.unit == 2 {
                let area = if self.plain { self.panel_area } else { self.pairs_area };
                pack::panel_of_pairs(self.kit, self.vectors, k, cols, src, row, col, area, dst);
            } else {
                pack::panel(self.kit, self.vectors, k, cols, src, row, col, dst);
            }
        }
    }
}

/// Bytes from an origin to what is `x` times `dx` and `y` times `dy` elements behind it.
pub(super) fn offset(dt: Dt, x: usize, dx: isize, y: usize, dy: isize) -> isize {
    (x as isize * dx + y as isize * dy) * dt.size() as isize
}
