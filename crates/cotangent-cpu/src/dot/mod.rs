//! The batched matrix product with a fixed order of summation (see [`DotSpec`]).
//!
//! An element of the result is a function of its row and its column only: of neither the number of rows nor that of columns, nor
//! of strides, batches, tiles or the instruction set. A microkernel that keeps its sums in registers over a chunk of k, and a
//! lane that is a vector element, compute exactly the orders of the definition, so that nothing is lost by fixing them.
//!
//! A product above a certain size is computed by as many threads as are free, tile by tile. Whoever asks for one may have each part of the
//! result as soon as it is finished, from the thread that has it in its cache ([`Tail`]).
//!
//! * `chain`: the blocked driver of products with several columns, `micro` its innermost loops, `pack` what brings the right
//!   operand into their form;
//! * `tree`: products with one column; `many`: many small products at once; `tiny`: a product of a few elements;
//! * `table`: products whose rows are found through a table;
//! * `simd`, `x86`: vectors; `cast`: conversions of types; `scratch`: memory.

mod cast;
mod chain;
mod many;
mod micro;
mod pack;
mod scratch;
mod simd;
mod table;
#[cfg(test)]
mod tests;
mod tiny;
mod tree;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::isa::{Isa, isa};
use crate::{DotOrder, DotSpec, Dt, pool};
use std::ops::Range;

pub(crate) use micro::Elem;
pub(crate) use simd::{Lanes, Simd};
pub(crate) use table::Table;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{F32x8, F32x16};

/// Elements of a chunk of a chain.
pub(crate) const CHUNK: usize = 256;
/// Elements of a super-chunk.
pub(crate) const SUPER: usize = 64 * CHUNK;
/// Rows of a tile. Every tile packs its columns anew, so it should not be small.
const TILE_ROWS: usize = 1008;
/// Bytes of a row of a tile: with [`CHUNK`] rows, what is packed fits into the second cache.
const TILE_ROW: usize = 4096;
/// Rows of the smallest tile of a product with one column.
const TREE_ROWS: usize = 4;
/// Rows of a tile whose sums do not go to the result directly.
const SUM_ROWS: usize = 252;

/// A batch of matrices somewhere in memory: element `(t, i, j)` lies `t * batch + i * row + j * col` elements behind `ptr`.
/// Strides may be anything, also 0 and negative.
#[derive(Clone, Copy, Debug)]
pub struct Mat {
    /// Element (0, 0, 0).
    pub ptr: *const u8,
    /// From a matrix to the next, in elements.
    pub batch: isize,
    /// From a row to the next, in elements.
    pub row: isize,
    /// From a column to the next, in elements.
    pub col: isize,
}

/// A part of the result that is finished. The result counts as one matrix with the rows of all batches.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its columns.
    pub cols: Range<usize>,
    /// Its first element.
    pub ptr: *mut u8,
    /// From a row to the next, in elements.
    pub pitch: usize,
}

/// What is to be done with every block of the result as soon as it is finished, by the thread that has just written it and has it in its cache
/// still: a bias is added, a rate multiplied. Every element is in exactly one block. It may be changed in its place; no product reads the
/// result. Where blocks begin and end is not promised.
pub type Tail<'a> = Option<&'a (dyn Fn(Block) + Sync)>;

/// A product that is ready to be computed: independent tiles of the result, in any order and by any thread.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    spec: DotSpec,
    src: Dt,
    out_dt: Dt,
    isa: Isa,
    batch: usize,
    m: usize,
    n: usize,
    k: usize,
    a: Mat,
    b: Mat,
    out: *mut u8,
    /// Greatest extents of a tile.
    tile_m: usize,
    tile_n: usize,
    /// How many tiles a matrix has in each direction.
    tiles_m: usize,
    tiles_n: usize,
    /// Are the sums added to what is there?
    onto: bool,
    /// Do rows and columns stand for each other?
    turned: bool,
}

// SAFETY: the pointers are followed by `run` only, whose caller answers for them, on whatever thread it is called.
unsafe impl Send for Product {}
// SAFETY: as above; `run` takes the product by shared reference and does not change it.
unsafe impl Sync for Product {}

impl Product {
    /// Describes the product of [`dot`], in at least `parts` items if it can be cut into so many. Follows no pointer.
    pub fn new(
        spec: DotSpec,
        src: Dt,
        out_dt: Dt,
        sizes: [usize; 4],
        a: Mat,
        b: Mat,
        out: *mut u8,
        parts: usize,
    ) -> Product {
        Product::with_isa(isa(), spec, src, out_dt, sizes, a, b, out, parts)
    }

    /// The same for an instruction set, which `run` requires.
    fn with_isa(
        isa: Isa,
        spec: DotSpec,
        src: Dt,
        out_dt: Dt,
        [batch, m, n, k]: [usize; 4],
        a: Mat,
        b: Mat,
        out: *mut u8,
        parts: usize,
    ) -> Product {
        let mut p = Product {
            spec,
            src,
            out_dt,
            isa,
            batch,
            m,
            n,
            k,
            a,
            b,
            out,
            tile_m: m,
            tile_n: n,
            tiles_m: 1,
            tiles_n: 1,
            onto: false,
            turned: false,
        };
        if batch == 0 || m == 0 || n == 0 {
            p.batch = 0;
            return p;
        }
        if k == 0 {
            return p;
        }
        // One right operand for all: the rows of all batches are rows of one matrix.
        if batch > 1 && b.batch == 0 && (m == 1 || a.batch == m as isize * a.row) {
            p.a.row = if m == 1 { a.batch } else { a.row };
            (p.batch, p.m) = (1, batch * m);
        }
        let (mut height, mut width) = (TREE_ROWS, 1);
        if p.is_tree() {
            p.tile_m = p.m.min(TILE_ROWS);
        } else {
            // The kernels want columns. With one column only, rows take their place; a complex product is not symmetric.
            if p.n == 1 && !spec.acc.is_complex() {
                (p.m, p.n, p.turned) = (1, p.m, true);
                let (a, b) = (p.a, p.b);
                p.a = Mat { ptr: b.ptr, batch: b.batch, row: 0, col: b.row };
                p.b = Mat { ptr: a.ptr, batch: a.batch, row: a.col, col: a.row };
            }
            let size;
            (height, width, size) = p.kernel();
            p.tile_m = even(p.m, if p.in_place() { TILE_ROWS } else { SUM_ROWS }, height);
            p.tile_n = even(p.n, TILE_ROW / size, width);
        }
        // A stride that leads to no other element says nothing: let it be the one that is best.
        if p.m == 1 {
            p.a.row = 0;
        }
        if p.k == 1 {
            (p.a.col, p.b.row) = (1, 1);
        }
        if p.n == 1 {
            p.b.col = 1;
        }
        p.count();
        // Tiles beside each other share the packing of their columns between them, those below each other repeat it.
        while p.items() < parts {
            let halves = (even(p.m, p.tile_m / 2, height), even(p.n, p.tile_n / 2, width));
            match (p.tile_m, p.tile_n) {
                (_, n) if n >= 8 * width => p.tile_n = halves.1,
                (m, _) if m >= 64.max(4 * height) => p.tile_m = halves.0,
                (_, n) if n > width && !p.is_tree() => p.tile_n = halves.1,
                (m, _) if m > 2 * height => p.tile_m = halves.0,
                _ => break,
            }
            p.count();
        }
        p
    }

    /// Rows and columns of a microkernel, and bytes of an element.
    fn kernel(&self) -> (usize, usize, usize) {
        fn of<E: Elem>(isa: Isa, cols: usize, unit: usize) -> (usize, usize, usize) {
            let kit = E::kit(isa);
            let (vectors, height) = kit.shape(cols * unit);
            (height, vectors * kit.width / unit, unit * size_of::<E>())
        }
        match cast::compute(self.spec.acc) {
            Dt::F32 => of::<f32>(self.isa, self.n, 1),
            Dt::F64 => of::<f64>(self.isa, self.n, 1),
            Dt::C64 => of::<f32>(self.isa, self.n, 2),
            Dt::C128 => of::<f64>(self.isa, self.n, 2),
            Dt::U16 => of::<u16>(self.isa, self.n, 1),
            Dt::U32 => of::<u32>(self.isa, self.n, 1),
            _ => of::<u64>(self.isa, self.n, 1),
        }
    }

    /// Is the result its own accumulator? Its type must be the one that is computed with, and there must be one super-chunk.
    fn in_place(&self) -> bool {
        let compute = cast::compute(self.spec.acc);
        self.k <= SUPER && self.out_dt == self.spec.acc && cast::same_bits(self.out_dt, compute)
    }

    /// Are operands and sums of one type, which is a real number's, and is that what is computed with?
    fn plain_reals(&self) -> bool {
        self.src == self.spec.acc && matches!(self.src, Dt::F32 | Dt::F64)
    }

    /// The sums of integers and of truth values do not depend on the order.
    fn is_tree(&self) -> bool {
        self.spec.order == DotOrder::Tree && (self.spec.acc.is_float() || self.spec.acc.is_complex())
    }

    fn count(&mut self) {
        self.tiles_m = pieces(self.m, self.tile_m);
        self.tiles_n = pieces(self.n, self.tile_n);
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.batch * self.tiles_m * self.tiles_n
    }

    /// Batch, rows and columns of an item.
    fn place(&self, item: usize) -> (usize, Range<usize>, Range<usize>) {
        let per_batch = self.tiles_m * self.tiles_n;
        if per_batch == 1 {
            return (item, 0..self.m, 0..self.n);
        }
        let (t, rest) = (item / per_batch, item % per_batch);
        let (i, j) = (rest / self.tiles_n * self.tile_m, rest % self.tiles_n * self.tile_n);
        (t, i..self.m.min(i + self.tile_m), j..self.n.min(j + self.tile_n))
    }

    /// Tells that a part of matrix `t` is finished.
    #[inline]
    fn finished(&self, tail: Tail, t: usize, i: Range<usize>, j: Range<usize>) {
        let Some(tail) = tail else { return };
        let ptr = self.out.wrapping_add(((t * self.m + i.start) * self.n + j.start) * self.out_dt.size());
        tail(if self.turned {
            Block { rows: t * self.n + j.start..t * self.n + j.end, cols: 0..1, ptr, pitch: 1 }
        } else {
            Block { rows: t * self.m + i.start..t * self.m + i.end, cols: j, ptr, pitch: self.n }
        })
    }

    /// About how many nanoseconds a thread takes for all of it.
    fn estimate(&self) -> f64 {
        // Lanes that are computed for nothing take as long as others.
        let products = (self.batch * self.m * self.k) as f64 * self.n.max(if self.is_tree() { 1 } else { 8 }) as f64;
        let slow = match self.isa {
            Isa::Avx512 => 1.0,
            Isa::Avx2 => 2.0,
            Isa::Portable => 12.0,
        };
        let memory = if self.is_tree() || self.m == 1 { 0.1 } else { 0.0 };
        let size = self.spec.acc.size().max(4) as f64 * if self.spec.acc.is_complex() { 2.0 } else { 1.0 };
        products * (slow / 65.0 + memory) * size / 4.0
    }

    /// Computes all items, with the threads that are free if they are worth it.
    ///
    /// # Safety
    /// As for [`Product::run`].
    unsafe fn run_all(&self, ns: f64, parts: usize, tail: Tail) {
        let items = self.items();
        let chunks = parts.min(items);
        if chunks <= 1 {
            // SAFETY: the caller's promise.
            return unsafe { self.run(0..items, tail) };
        }
        // SAFETY: the same; the chunks are all items, each once.
        pool::parallel(chunks, ns, &|c| unsafe { self.run(items * c / chunks..items * (c + 1) / chunks, tail) })
    }

    /// Computes some of the items.
    ///
    /// # Safety
    /// What [`dot`] requires of its arguments must hold for those of [`Product::new`]; `items` must end at [`Product::items`] or
    /// before, and no item may be computed by two threads at once.
    pub unsafe fn run(&self, items: Range<usize>, tail: Tail) {
        if self.k == 0 {
            let bytes = self.m * self.n * self.out_dt.size();
            for t in items {
                // SAFETY: these results are the caller's to write, and zero is all zeros in every type.
                unsafe { self.out.add(t * bytes).write_bytes(0, bytes) };
                self.finished(tail, t, 0..self.m, 0..self.n)
            }
            return;
        }
        // SAFETY: the caller's promise; the element types are those of `compute`.
        unsafe {
            match (cast::compute(self.spec.acc), self.is_tree()) {
                (Dt::F32, false) if many::fits(self) => many::run::<f32>(self, items, tail),
                (Dt::F64, false) if many::fits(self) => many::run::<f64>(self, items, tail),
                (Dt::F32 | Dt::C64, true) => tree::run::<f32>(self, items, tail),
                (Dt::F64 | Dt::C128, true) => tree::run::<f64>(self, items, tail),
                (Dt::F32 | Dt::C64, _) => chain::run::<f32>(self, items, tail),
                (Dt::F64 | Dt::C128, _) => chain::run::<f64>(self, items, tail),
                (Dt::U16, _) => chain::run::<u16>(self, items, tail),
                (Dt::U32, _) => chain::run::<u32>(self, items, tail),
                _ => chain::run::<u64>(self, items, tail),
            }
        }
    }
}

/// Cuts `n` into equal pieces of at most about `most`, whose length is a multiple of `unit` if there are several.
fn even(n: usize, most: usize, unit: usize) -> usize {
    match pieces(n, most.max(unit)) {
        1 => n,
        pieces => n.div_ceil(pieces).next_multiple_of(unit).min(n),
    }
}

/// How many pieces of at most `most` make `n`. A division takes as long as a small product, and one piece is the common case.
#[inline]
fn pieces(n: usize, most: usize) -> usize {
    if n <= most { 1 } else { n.div_ceil(most) }
}

/// Adds the later of two adjacent arrays of sums to the earlier one.
///
/// # Safety
/// There must be `2 * len` sums.
unsafe fn merge<E: simd::Num>(len: usize, sums: *mut E) {
    for i in 0..len {
        // SAFETY: sum i of both.
        unsafe { *sums.add(i) = (*sums.add(i)).add(*sums.add(len + i)) }
    }
}

/// `out[t, i, j] = sum over p of a[t, i, p] * b[t, p, j]`, in the order that `spec` fixes. `sizes` are `[batch, m, n, k]`.
///
/// Operands of type `src` are converted to `spec.acc`, and the sums from it to `out_dt`. `out` is dense `[batch, m, n]`.
///
/// # Safety
/// * For every `t < batch`, `i < m`, `p < k`, `j < n` the elements `(t, i, p)` of `a` and `(t, p, j)` of `b` must be initialized
///   elements of type `src`, valid for reads and aligned for it (a complex element: for its parts). If `batch`, `m` or `n`
///   is 0 nothing is read, and if `k` is 0 neither operand is.
/// * `out` must be valid for writes of `batch * m * n` elements of type `out_dt`, aligned in the same sense, and these bytes must
///   not overlap any element read. They need not be initialized.
/// * No offset in bytes may overflow `isize`.
pub unsafe fn dot(spec: DotSpec, src: Dt, out_dt: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match tiny::kernel(isa(), spec, src, out_dt, sizes) {
            Some(kernel) => kernel(a, b, out, sizes),
            None => dot_with(spec, src, out_dt, sizes, a, b, out, None),
        }
    }
}

/// The same, with something that is to be done with every block of the result.
///
/// # Safety
/// As for [`dot`].
pub unsafe fn dot_with(
    spec: DotSpec,
    src: Dt,
    out_dt: Dt,
    sizes: [usize; 4],
    a: Mat,
    b: Mat,
    out: *mut u8,
    tail: Tail,
) {
    // SAFETY: the caller's promise.
    unsafe { with_help(|parts| Product::new(spec, src, out_dt, sizes, a, b, out, parts), tail) }
}

/// Computes a product, which `new` makes for at least so many items, with the threads that are free if they are worth it.
///
/// # Safety
/// As for [`Product::run`].
unsafe fn with_help(new: impl Fn(usize) -> Product, tail: Tail) {
    let mut product = new(1);
    let ns = product.estimate();
    let parts = pool::chunks(ns);
    if parts > product.items() {
        product = new(parts)
    }
    // SAFETY: the caller's promise.
    unsafe { product.run_all(ns, parts, tail) }
}

/// Adds the later of two adjacent arrays of sums of type `acc`, floats or complex, to the earlier one.
///
/// # Safety
/// There must be `2 * len` sums.
pub(crate) unsafe fn add_sums(acc: Dt, len: usize, sums: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe {
        match acc {
            Dt::F32 => merge::<f32>(len, sums.cast()),
            Dt::F64 => merge::<f64>(len, sums.cast()),
            Dt::C64 => merge::<f32>(2 * len, sums.cast()),
            _ => merge::<f64>(2 * len, sums.cast()),
        }
    }
}

/// Rows of a microkernel, if a product with up to three times as many reads a right side whose rows are dense where it lies.
pub(crate) fn few_rows(spec: DotSpec, src: Dt) -> Option<usize> {
    let compute = cast::compute(spec.acc);
    fn rows<E: Elem>() -> usize {
        let kit = E::kit(isa());
        kit.shape(2 * kit.width).1
    }
    let height = match compute {
        Dt::F32 => rows::<f32>(),
        Dt::F64 => rows::<f64>(),
        _ => return None,
    };
    (src == spec.acc && cast::same_bits(src, compute)).then_some(height)
}

/// [`dot`] for some of the chunks of long sums, whose type is that of the result: with `onto` they are added to what is there, so that a chain
/// may be computed chunk by chunk.
///
/// # Safety
/// As for [`dot`]; with `onto` the result is initialized. Sums are floats or complex, `spec.order` is a chain, and there is at most a super-chunk.
pub(crate) unsafe fn dot_onto(spec: DotSpec, src: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8, onto: bool) {
    let new = |parts| Product { onto, ..Product::new(spec, src, spec.acc, sizes, a, b, out, parts) };
    debug_assert!(spec.order == DotOrder::Chain && new(1).in_place());
    // SAFETY: the caller's promise.
    unsafe { with_help(new, None) }
}

/// Adds a product to what is there: each sum, when it is complete, to its element.
///
/// # Safety
/// As for [`dot`], and the result is initialized. Sums are floats, `spec.order` is a chain of one chunk.
pub(crate) unsafe fn add_dot(spec: DotSpec, src: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8) {
    debug_assert!((1..=CHUNK).contains(&sizes[3]));
    // SAFETY: the caller's promise.
    unsafe { dot_onto(spec, src, sizes, a, b, out, true) }
}

/// `out = a * b` of dense matrices in row-major order, or of their transposes: `a` holds `[m, k]`, or `[k, m]` if transposed,
/// `b` holds `[k, n]` or `[n, k]`.
///
/// # Panics
/// If a slice does not have the length of its matrix.
pub fn matmul_f32(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    a_transposed: bool,
    b: &[f32],
    b_transposed: bool,
    out: &mut [f32],
) {
    let len = |x: usize, y: usize| x.checked_mul(y).expect("the size of a matrix overflows");
    assert_eq!(a.len(), len(m, k), "the left operand does not have {m} x {k} elements");
    assert_eq!(b.len(), len(k, n), "the right operand does not have {k} x {n} elements");
    assert_eq!(out.len(), len(m, n), "the result does not have {m} x {n} elements");
    let mat = |x: &[f32], rows: usize, cols: usize, transposed: bool| {
        let (row, col) = if transposed { (1, rows) } else { (cols, 1) };
        Mat { ptr: x.as_ptr().cast(), batch: 0, row: row as isize, col: col as isize }
    };
    let (a, b) = (mat(a, m, k, a_transposed), mat(b, k, n, b_transposed));
    // SAFETY: the lengths are checked, the slices are aligned and initialized, and `out` is borrowed mutably.
    unsafe {
        dot(DotSpec::for_sizes(n, k, Dt::F32), Dt::F32, Dt::F32, [1, m, n, k], a, b, out.as_mut_ptr().cast());
    }
}
