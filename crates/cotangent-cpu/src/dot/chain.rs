//! Chains: the blocked driver around the microkernels.
//!
//! A tile of the result is computed chunk by chunk of k. For a chunk the columns are packed into panels (unless they can be read
//! where they are), blocks of rows are copied together where that pays, and a microkernel is called for every few rows of every
//! panel. The sum of the first chunk is stored, later ones are added: the chain of the definition, in memory.
//!
//! A complex product is a real one: the row (ar, ai, ..) times columns in which (br, bi) stands above (-bi, br). That is the
//! order of the definition, with chunks of twice the length.

use super::cast;
use super::micro::{Elem, Job, Kit};
use super::pack;
use super::scratch::Scratch;
use super::{CHUNK, Product, SUPER, merge};
use crate::Dt;
use std::ops::Range;

/// Bytes of a block of rows, which should stay in the second cache while all panels pass.
const BLOCK_OF_ROWS: usize = 256 << 10;
/// Below this a matrix is read where it is.
const SMALL: usize = 16 << 10;

/// How the rows reach the microkernel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// From where they are.
    Direct,
    /// Copied or converted, one row behind the other.
    Copied,
    /// Converted, one column behind the other.
    Columns,
    /// The rows of each call together, column by column.
    Narrow,
}

struct Tile<'a, E: 'static> {
    product: &'a Product,
    kit: &'static Kit<E>,
    /// Reals in an element.
    unit: usize,
    /// Are the operands what the kernels compute with?
    plain: bool,
    rows: Rows,
    direct_columns: bool,
    /// Rows of a block.
    block: usize,
    a_area: *mut E,
    b_area: *mut E,
    panel_area: *mut E,
}

/// Computes tiles of the product.
///
/// # Safety
/// As for [`Product::run`]; `E` is the (part of the) type that computes `spec.acc`.
pub(super) unsafe fn run<E: Elem>(product: &Product, items: Range<usize>) {
    let p = product;
    let kit = E::kit(p.isa);
    let (height, width) = (kit.two.len(), 2 * kit.width);
    let compute = cast::compute(p.spec.acc);
    let unit = if compute.is_complex() { 2 } else { 1 };
    let plain = p.src == p.spec.acc && cast::same_bits(p.src, compute);
    let size = size_of::<E>();
    let chunk = CHUNK.min(p.k) * unit;

    let calls = p.tile_m.div_ceil(height);
    let panels = (p.tile_n * unit).div_ceil(width);
    let direct_columns = plain && unit == 1 && (p.b.col == 1 || p.n == 1) && {
        let bytes = chunk * p.tile_n * size;
        // Rows that are a multiple of a page apart compete for the same few cache lines.
        let spread = !(p.b.row.unsigned_abs() * size).is_multiple_of(2048) || chunk <= 16;
        calls == 1 || (spread && (calls <= 3 || bytes <= SMALL))
    };
    let rows = if !plain {
        if unit == 1 && p.a.row == 1 && p.a.col != 1 { Rows::Columns } else { Rows::Copied }
    } else if unit == 2 && p.a.col != 1 && p.k > 1 {
        Rows::Copied
    } else if panels <= 2 || p.tile_m * chunk * size <= SMALL {
        Rows::Direct
    } else if p.a.row == 1 {
        Rows::Narrow
    } else {
        Rows::Copied
    };
    let block = (BLOCK_OF_ROWS / (chunk * size)).next_multiple_of(height).min(p.tile_m.next_multiple_of(height));

    let in_place = p.in_place();
    let slots = if in_place { 0 } else { p.k.div_ceil(SUPER).ilog2() as usize + 2 };
    let tile_len = p.tile_m * p.tile_n * unit;
    let mut scratch = Scratch::new([
        if rows == Rows::Direct { 0 } else { block * chunk * size },
        if direct_columns { 0 } else { panels * width * chunk * size },
        if plain { 0 } else { width * chunk * size },
        slots * tile_len * size,
    ]);
    let tile = Tile {
        product,
        kit,
        unit,
        plain,
        rows,
        direct_columns,
        block,
        a_area: scratch.area(0),
        b_area: scratch.area(1),
        panel_area: scratch.area(2),
    };
    let sums: *mut E = scratch.area(3);

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
            let mut used = 0;
            for s in 0..p.k.div_ceil(SUPER) {
                let range = s * SUPER..p.k.min((s + 1) * SUPER);
                tile.chunks(t, i.clone(), j.clone(), range, sums.add(used * len), cols * unit);
                used += 1;
                for _ in 0..s.trailing_ones() {
                    merge(len, sums.add((used - 2) * len));
                    used -= 1;
                }
            }
            while used > 1 {
                merge(len, sums.add((used - 2) * len));
                used -= 1;
            }
            for r in 0..rows {
                let to = p.out.add((out + r * p.n) * p.out_dt.size());
                cast::write(p.spec.acc, p.out_dt, cols, sums.add(r * cols * unit).cast(), to);
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
        let width = 2 * self.kit.width;
        let cols = j.len() * self.unit;
        let a_base = p.a.ptr.wrapping_offset(offset(p.src, t, p.a.batch, i.start, p.a.row));
        let b_base = p.b.ptr.wrapping_offset(offset(p.src, t, p.b.batch, j.start, p.b.col));
        let mut at = range.start;
        while at < range.end {
            let k = CHUNK.min(range.end - at);
            let a = a_base.wrapping_offset(offset(p.src, 0, 0, at, p.a.col));
            let b = b_base.wrapping_offset(offset(p.src, 0, 0, at, p.b.row));
            if !self.direct_columns {
                // SAFETY: the columns of the tile, and their area.
                unsafe { self.pack_columns(b, k, j.len()) }
            }
            let mut job = Job {
                k: k * self.unit,
                a: std::ptr::null(),
                a_row: 0,
                a_col: 0,
                b: std::ptr::null(),
                b_row: if self.direct_columns { p.b.row } else { width as isize },
                c,
                c_row,
                cols: 0,
                add: at > range.start,
            };
            let (b, panel) =
                if self.direct_columns { (b.cast::<E>(), width) } else { (self.b_area.cast_const(), width * job.k) };
            let mut done = 0;
            while done < i.len() {
                let rows = self.block.min(i.len() - done);
                let a = a.wrapping_offset(offset(p.src, 0, 0, done, p.a.row));
                // SAFETY: the rows of the block; a panel has `job.k` rows of `width`, and a direct one `cols` columns.
                unsafe {
                    let (few, more) = self.split(rows);
                    self.pack_rows(a, k, rows, few, more);
                    if self.direct_columns && rows == i.len() && few == rows && rows <= self.kit.wide.len() {
                        job.c = c;
                        self.place_rows(&mut job, a, k, rows, 0, rows);
                        self.wide(&mut job, b, cols, rows);
                    } else {
                        for q in 0..cols.div_ceil(width) {
                            job.b = b.wrapping_add(q * panel);
                            job.cols = width.min(cols - q * width);
                            let table = if job.cols <= self.kit.width { self.kit.one } else { self.kit.two };
                            let mut r = 0;
                            let mut left = more;
                            while r < rows {
                                let h = if left > 0 { few + 1 } else { few };
                                left = left.saturating_sub(1);
                                self.place_rows(&mut job, a, k, rows, r, h);
                                job.c = c.add((done + r) * c_row + q * width);
                                table[h - 1](&job);
                                r += h;
                            }
                        }
                    }
                }
                done += rows;
            }
            at += k;
        }
    }

    /// Calls for `rows` rows: at least so many rows each, and so many calls with one more.
    fn split(&self, rows: usize) -> (usize, usize) {
        let calls = rows.div_ceil(self.kit.two.len());
        (rows / calls, rows % calls)
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
                match job.cols.div_ceil(self.kit.width) {
                    1 => self.kit.one[rows - 1](job),
                    2 => self.kit.two[rows - 1](job),
                    _ => kernel(job),
                }
            }
            q += step;
        }
    }

    /// Tells the job where `h` rows from row `r` of the block are.
    fn place_rows(&self, job: &mut Job<E>, a: *const u8, k: usize, rows: usize, r: usize, h: usize) {
        let k = k * self.unit;
        (job.a, job.a_row, job.a_col) = match self.rows {
            Rows::Direct => {
                let (p, unit) = (&self.product.a, self.unit as isize);
                let col = if unit == 2 { 1 } else { p.col };
                (a.cast::<E>().wrapping_offset(r as isize * p.row * unit), p.row * unit, col)
            }
            Rows::Copied => (self.a_area.wrapping_add(r * k).cast_const(), k as isize, 1),
            Rows::Columns => (self.a_area.wrapping_add(r).cast_const(), 1, rows as isize),
            Rows::Narrow => (self.a_area.wrapping_add(r * k).cast_const(), 1, h as isize),
        };
    }

    /// Copies a block of rows into its area, if it does not stay where it is.
    ///
    /// # Safety
    /// `a` points to the first of `rows` rows of `k` elements; the area has room for them.
    unsafe fn pack_rows(&self, a: *const u8, k: usize, rows: usize, few: usize, more: usize) {
        let p = self.product;
        let reals = k * self.unit;
        // SAFETY: the rows and the area are as the caller says.
        unsafe {
            match self.rows {
                Rows::Direct => {}
                Rows::Copied => {
                    for r in 0..rows {
                        let from = a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row));
                        cast::read(p.src, p.spec.acc, k, from, p.a.col, self.a_area.add(r * reals).cast());
                    }
                }
                Rows::Columns => {
                    for q in 0..k {
                        let from = a.wrapping_offset(offset(p.src, 0, 0, q, p.a.col));
                        cast::read(p.src, p.spec.acc, rows, from, p.a.row, self.a_area.add(q * rows).cast());
                    }
                }
                Rows::Narrow => {
                    let mut r = 0;
                    let mut left = more;
                    while r < rows {
                        let h = if left > 0 { few + 1 } else { few };
                        left = left.saturating_sub(1);
                        (self.kit.pack_a)(k, a.cast::<E>().wrapping_add(r), p.a.col, h, self.a_area.add(r * k), h);
                        r += h;
                    }
                }
            }
        }
    }

    /// Packs `k` rows of `n` columns into panels.
    ///
    /// # Safety
    /// `b` points to the first element; the areas have room.
    unsafe fn pack_columns(&self, b: *const u8, k: usize, n: usize) {
        let p = self.product;
        let width = 2 * self.kit.width;
        let step = width / self.unit;
        for (q, j) in (0..n).step_by(step).enumerate() {
            let cols = step.min(n - j);
            let b = b.wrapping_offset(offset(p.src, 0, 0, j, p.b.col));
            let (mut src, mut row, mut col) = (b.cast::<E>(), p.b.row, p.b.col);
            // SAFETY: the columns from j on, the panel they go to, and an area for one converted panel.
            unsafe {
                if !self.plain {
                    src = self.panel_area;
                    let to = |elements: usize| self.panel_area.add(elements * self.unit).cast();
                    if p.b.row == 1 && p.b.col != 1 {
                        (row, col) = (1, k as isize);
                        for c in 0..cols {
                            let from = b.wrapping_offset(offset(p.src, 0, 0, c, p.b.col));
                            cast::read(p.src, p.spec.acc, k, from, 1, to(c * k));
                        }
                    } else {
                        (row, col) = (cols as isize, 1);
                        for r in 0..k {
                            let from = b.wrapping_offset(offset(p.src, 0, 0, r, p.b.row));
                            cast::read(p.src, p.spec.acc, cols, from, p.b.col, to(r * cols));
                        }
                    }
                }
                let dst = self.b_area.add(q * width * k * self.unit);
                if self.unit == 2 {
                    pack::panel_of_pairs(self.kit, k, cols, src, row, col, dst);
                } else {
                    pack::panel(self.kit, k, cols, src, row, col, dst);
                }
            }
        }
    }
}

/// Bytes from an origin to what is `x` times `dx` and `y` times `dy` elements behind it.
pub(super) fn offset(dt: Dt, x: usize, dx: isize, y: usize, dy: isize) -> isize {
    (x as isize * dx + y as isize * dy) * dt.size() as isize
}
