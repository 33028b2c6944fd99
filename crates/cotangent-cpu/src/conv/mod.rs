//! Convolutions as products, in four ways.
//!
//! Those whose spec says so go through tiles (`winograd`). Those of floats whose windows are not few read windows where they lie (`tabled`). Groups
//! with a feature each are the lanes of vectors (`lanes`). For all others, here, the patches of a panel of windows are written side by side, and
//! the product of that matrix with the filter's is computed; there never is a matrix of all patches, unless it is small.
//!
//! An element of the result is what the [`ConvOrder`] says, whatever the way and the panels. Where the sums are long, panels
//! have a chunk of the chain only, and products are added to what is there: that is the chain's own order.
//!
//! Gradients are convolutions as well. In that of a filter the windows are few and the sums are long, its batch is what is side by side in memory, and the
//! matrix of patches is written transposed: whichever side has longer runs is the inner one.

mod lanes;
mod patches;
mod tabled;
mod winograd;

use crate::dot::{CHUNK, Mat, SUPER, add_sums, dot, dot_onto, few_rows};
use crate::isa::Isa;
use crate::pairs::Pairs;
use crate::{Buffer, ConvOrder, DotOrder, DotSpec, Dt, Slide, pool};
use patches::{Cell, Side, copy, pack};
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of a panel of patches whose sums are short: a good part of the second cache.
const PANEL: usize = 512 << 10;
/// Bytes of a panel that stays in the first cache.
const FIRST: usize = 40 << 10;
/// Bytes of a chunk of a filter that a product reads where it is.
const SMALL: usize = 16 << 10;
/// Fewer windows than this are no panel, for each panel packs the filter anew.
const FEW: usize = 252;
/// Windows of a panel whose sums are long.
const MANY: usize = 1008;

/// A spatial dimension.
#[derive(Clone, Copy, Debug)]
pub struct Space {
    /// How windows lie.
    pub slide: Slide,
    /// The array's extent.
    pub n: usize,
    /// How many windows there are.
    pub windows: usize,
    /// The array's stride, in elements.
    pub x: isize,
    /// The filter's stride.
    pub filter: isize,
}

/// A convolution whose operands lie somewhere in memory.
#[derive(Clone, Debug)]
pub struct Conv {
    /// The instruction set of what is no product.
    pub isa: Isa,
    /// The type of products and sums, and of the result.
    pub acc: Dt,
    /// The operands' type.
    pub src: Dt,
    /// How the sums are made.
    pub order: ConvOrder,
    /// How many groups.
    pub groups: usize,
    /// How many arrays.
    pub batch: usize,
    /// Channels of a group.
    pub channels: usize,
    /// Features of a group.
    pub features: usize,
    /// The spatial dimensions.
    pub space: SmallVec<[Space; 2]>,
    /// Is the batch the inner dimension of the result's rows?
    pub batch_last: bool,
    /// Strides of the array, in elements: groups, batch, channels.
    pub x: [isize; 3],
    /// Strides of the filter: groups, channels, features.
    pub filter: [isize; 3],
}

/// A run of a convolution.
struct Run<'a, T> {
    c: &'a Conv,
    spec: DotSpec,
    rows: Side,
    columns: Side,
    /// Rows, and elements of a row.
    m: usize,
    k: usize,
    /// Are a column's elements side by side in a panel?
    transposed: bool,
    x: *const T,
    filter: *const T,
    out: *mut u8,
}

impl Conv {
    /// Computes it. The result is dense, of type `acc`.
    ///
    /// # Safety
    /// The operands have the elements that strides and extents say, and the result has room.
    pub unsafe fn run(&self, x: *const u8, filter: *const u8, out: *mut u8) {
        // SAFETY: the caller's; elements are only copied, so only their size matters.
        unsafe {
            match self.src.size() {
                1 => self.run_as::<u8>(x.cast(), filter.cast(), out),
                2 => self.run_as::<u16>(x.cast(), filter.cast(), out),
                4 => self.run_as::<u32>(x.cast(), filter.cast(), out),
                8 if self.src.is_complex() => self.run_as::<[u32; 2]>(x.cast(), filter.cast(), out),
                8 => self.run_as::<u64>(x.cast(), filter.cast(), out),
                _ => self.run_as::<[u64; 2]>(x.cast(), filter.cast(), out),
            }
        }
    }

    /// # Safety
    /// As for [`Conv::run`].
    unsafe fn run_as<T: Cell>(&self, x: *const T, filter: *const T, out: *mut u8) {
        let m = self.batch * self.space.iter().map(|s| s.windows).product::<usize>();
        let k = self.channels * self.space.iter().map(|s| s.slide.size).product::<usize>();
        let len = m * self.groups * self.features;
        if len == 0 || k == 0 {
            // SAFETY: the result; zero is all zeros in every type.
            return unsafe { out.write_bytes(0, len * self.acc.size()) };
        }
        if self.order == ConvOrder::Winograd {
            // SAFETY: the caller's; only `f32` has this order.
            return unsafe { self.run_tiles(x.cast(), filter.cast(), out.cast()) };
        }
        if self.has_lanes() {
            // SAFETY: the caller's; the type is that of the operands.
            return unsafe {
                match self.acc {
                    Dt::F32 => self.run_lanes::<f32>((m, k), x.cast(), filter.cast(), out.cast()),
                    _ => self.run_lanes::<f64>((m, k), x.cast(), filter.cast(), out.cast()),
                }
            };
        }
        if self.has_table(m) {
            // SAFETY: the same.
            let done = unsafe {
                match self.acc {
                    Dt::F32 => self.run_table::<f32>((m, k), x.cast(), filter.cast(), out.cast()),
                    _ => self.run_table::<f64>((m, k), x.cast(), filter.cast(), out.cast()),
                }
            };
            if done {
                return;
            }
        }
        let (rows, columns) = (Side::rows(self), Side::columns(self));
        let transposed = rows.cost() < columns.cost();
        let spec = DotSpec { order: DotOrder::Chain, acc: self.acc };
        let run = Run { c: self, spec, rows, columns, m, k, transposed, x, filter, out };
        // The order of other sums is nobody's concern, and they have no chunks.
        let exact = !(self.acc.is_float() || self.acc.is_complex());
        let whole = exact || PANEL / (k * size_of::<T>()) >= FEW.min(m) || k <= CHUNK;
        // SAFETY: the caller's.
        unsafe { if whole { run.short() } else { run.long() } }
    }

    /// Where an element of a window, with its channel, is in a group's filter.
    fn filter_offset(&self, element: usize) -> isize {
        let (mut tap, channel) = (element / self.channels, element % self.channels);
        let mut at = channel as isize * self.filter[1];
        for s in self.space.iter().rev() {
            at += (tap % s.slide.size) as isize * s.filter;
            tap /= s.slide.size;
        }
        at
    }

    /// The distance of the filter's rows, if there is one: of its elements with their channels, in row-major order.
    fn filter_row(&self) -> Option<isize> {
        let dims = self.space.iter().map(|s| (s.slide.size, s.filter)).chain([(self.channels, self.filter[1])]);
        chained(dims)
    }

    /// The distance of the windows, if each has one element, none is outside of the array, and there is one distance.
    fn window_row(&self) -> Option<isize> {
        let inside = |s: &Space| {
            let last = (s.windows as i64 - 1) * s.slide.stride as i64 - s.slide.lo;
            s.slide.size == 1 && s.slide.base == 1 && s.slide.lo <= 0 && last < s.n as i64
        };
        if !self.space.iter().all(inside) {
            return None;
        }
        let windows = self.space.iter().map(|s| (s.windows, s.x * s.slide.stride as isize));
        let batch = [(self.batch, self.x[1])];
        if self.batch_last { chained(windows.chain(batch)) } else { chained(batch.into_iter().chain(windows)) }
    }
}

/// The one stride of several dimensions together.
fn chained(dims: impl DoubleEndedIterator<Item = (usize, isize)>) -> Option<isize> {
    let mut real = dims.rev().filter(|(n, _)| *n != 1);
    let Some((n, stride)) = real.next() else { return Some(0) };
    let mut reach = stride * n as isize;
    for (n, s) in real {
        if s != reach {
            return None;
        }
        reach *= n as isize;
    }
    Some(stride)
}

/// Are rows of so many bytes in different lines of the first cache?
fn spread(bytes: usize) -> bool {
    !bytes.is_multiple_of(2048)
}

/// Cuts `n` into equal pieces of at most about `most`.
fn piece(n: usize, most: usize) -> usize {
    n.div_ceil(n.div_ceil(most.max(1)))
}

impl<T: Cell> Run<'_, T> {
    /// The filter of a group as a matrix.
    fn filter_matrix(&self, group: usize, row: isize) -> Mat {
        let ptr = self.filter.wrapping_offset(group as isize * self.c.filter[0]).cast();
        Mat { ptr, batch: 0, row, col: self.c.filter[2] }
    }
    /// The matrix that lies dense in `area`.
    fn dense(area: *const T, width: usize) -> Mat {
        Mat { ptr: area.cast(), batch: 0, row: width as isize, col: 1 }
    }
    /// Writes rows of the filter of a group side by side.
    ///
    /// # Safety
    /// The rows exist, and `to` has room.
    unsafe fn pack_filter(&self, group: usize, rows: Range<usize>, to: *mut T) {
        let c = self.c;
        let [from_group, from_channel, from_feature] = c.filter;
        let base = self.filter.wrapping_offset(group as isize * from_group);
        let mut k = rows.start;
        while k < rows.end {
            let n = (c.channels - k % c.channels).min(rows.end - k);
            let at = c.filter_offset(k);
            let (from, to) = (base.wrapping_offset(at), to.wrapping_add((k - rows.start) * c.features));
            // SAFETY: n channels of all features, and rows for them.
            unsafe {
                if from_channel == 1 && from_feature != 1 {
                    transpose(n, c.features, from, from_feature, to);
                } else {
                    for i in 0..n {
                        let from = from.wrapping_offset(i as isize * from_channel);
                        copy(to.add(i * c.features), from, from_feature, c.features);
                    }
                }
            }
            k += n;
        }
    }
    /// Writes a part of the patches of a group to `area`.
    ///
    /// # Safety
    /// The area has room.
    unsafe fn patches(&self, group: usize, rows: Range<usize>, columns: Range<usize>, area: *mut T) -> Mat {
        let x = self.x.wrapping_offset(group as isize * self.c.x[0]);
        let (r, k) = ((&self.rows, rows), (&self.columns, columns));
        // SAFETY: the caller's.
        unsafe {
            if self.transposed {
                let ld = r.1.len();
                pack(self.c, x, k, r, area, ld);
                Mat { ptr: area.cast(), batch: 0, row: 1, col: ld as isize }
            } else {
                let ld = k.1.len();
                pack(self.c, x, r, k, area, ld);
                Mat { ptr: area.cast(), batch: 0, row: ld as isize, col: 1 }
            }
        }
    }
    /// Where the results of a row of a group begin.
    fn result(&self, row: usize, group: usize) -> *mut u8 {
        self.out.wrapping_add((row * self.c.groups + group) * self.c.features * self.c.acc.size())
    }
    /// Copies dense rows of a group to where they belong.
    ///
    /// # Safety
    /// They exist.
    unsafe fn deliver(&self, from: *const u8, rows: Range<usize>, group: usize) {
        let bytes = self.c.features * self.c.acc.size();
        for (i, row) in rows.enumerate() {
            // SAFETY: the caller's.
            unsafe { self.result(row, group).copy_from_nonoverlapping(from.add(i * bytes), bytes) }
        }
    }

    /// Panels of whole patches.
    ///
    /// # Safety
    /// As for [`Conv::run`].
    unsafe fn short(&self) {
        let (c, size) = (self.c, size_of::<T>());
        let direct = c.window_row();
        let row = c.filter_row().filter(|_| c.filter[2] == 1 || self.m <= FEW);
        let few = few_rows(self.spec, c.src);
        let panel = match (direct, few) {
            (Some(_), _) => self.m,
            // A few patches that stay in the first cache, and a filter that is read where it lies in the second.
            (None, Some(height))
                if !self.transposed && self.k * c.features * size <= PANEL && spread(c.features * size) =>
            {
                // A small filter is read there by more rows, too.
                let most = if self.k.min(CHUNK) * c.features * size <= SMALL { usize::MAX } else { 3 };
                height * (FIRST / (height * self.k * size)).clamp(1, most)
            }
            _ => piece(self.m, (PANEL / (self.k * size)).max(14)),
        };
        let panel = panel.min(self.m);
        let panels = self.m.div_ceil(panel);
        let filter = Buffer::uninit(if row.is_some() { 0 } else { self.k * c.features * size });
        // A panel of all rows is one product, which asks for help itself.
        let ns = if panels == 1 { 0.0 } else { (self.m * c.features * self.k * size) as f64 / 160.0 };
        let chunks = pool::chunks(ns).min(panels);
        for group in 0..c.groups {
            // SAFETY: the caller's; the buffers have the room that their uses have.
            let b = unsafe {
                match row {
                    Some(row) => self.filter_matrix(group, row),
                    None => {
                        self.pack_filter(group, 0..self.k, filter.ptr().cast());
                        Self::dense(filter.ptr().cast(), c.features)
                    }
                }
            };
            let shared = Shared((self, b));
            pool::parallel(chunks, ns, &move |k| {
                let (run, b) = shared.get();
                // SAFETY: as above; chunks write different rows.
                unsafe { run.panels(group, b, direct, panel, panels * k / chunks..panels * (k + 1) / chunks) }
            })
        }
    }
    /// Some of the panels of whole patches, of so many rows each, times the filter `b`. `direct`: the distance of patches that lie in the array as they are.
    ///
    /// # Safety
    /// As for [`Conv::run`].
    unsafe fn panels(&self, group: usize, b: Mat, direct: Option<isize>, panel: usize, some: Range<usize>) {
        let (c, size, apart) = (self.c, size_of::<T>(), self.c.groups > 1);
        let area = Buffer::uninit(if direct.is_some() { 0 } else { panel * self.k * size });
        let sums = Buffer::uninit(if apart { panel * c.features * c.acc.size() } else { 0 });
        for start in some.map(|p| p * panel) {
            let rows = start..self.m.min(start + panel);
            // SAFETY: the caller's; the buffers have the room that their uses have.
            unsafe {
                let a = match direct {
                    Some(row) => {
                        let lead: isize = c.space.iter().map(|s| -s.slide.lo as isize * s.x).sum();
                        let x = self.x.wrapping_offset(group as isize * c.x[0] + lead);
                        Mat { ptr: x.cast(), batch: 0, row, col: c.x[2] }
                    }
                    None => self.patches(group, rows.clone(), 0..self.k, area.ptr().cast()),
                };
                let to = if apart { sums.ptr() } else { self.result(start, 0) };
                dot(self.spec, c.src, c.acc, [1, rows.len(), c.features, self.k], a, b, to);
                if apart {
                    self.deliver(to, rows, group);
                }
            }
        }
    }

    /// Panels of a chunk of the patches, one after the other.
    ///
    /// # Safety
    /// As for [`Conv::run`].
    unsafe fn long(&self) {
        let (c, size) = (self.c, size_of::<T>());
        let panel = piece(self.m, MANY.max((PANEL * 3) / (CHUNK * size)));
        let width = c.features * c.acc.size();
        let row = c.filter_row();
        // With one panel each row of the filter is read once.
        let once = panel == self.m;
        let apart = c.groups > 1 || self.k > SUPER;
        let area = Buffer::uninit(panel * CHUNK * size);
        let rows_packed = if once { CHUNK } else { self.k };
        let filter = Buffer::uninit(if row.is_some() { 0 } else { rows_packed * c.features * size });
        let supers = Pairs::places(self.k.div_ceil(SUPER));
        let sums = Buffer::uninit(if apart { supers * panel * width } else { 0 });
        for group in 0..c.groups {
            // SAFETY: the caller's; the buffers have the room that their uses have.
            unsafe {
                if row.is_none() && !once {
                    self.pack_filter(group, 0..self.k, filter.ptr().cast());
                }
                for start in (0..self.m).step_by(panel) {
                    let rows = start..self.m.min(start + panel);
                    let len = rows.len() * c.features;
                    let part = |k: usize| sums.ptr().wrapping_add(k * rows.len() * width);
                    let join = |k: usize| add_sums(c.acc, len, part(k));
                    let mut pairs = Pairs::default();
                    for s in (0..self.k).step_by(SUPER) {
                        let to = if apart { part(pairs.next()) } else { self.result(start, 0) };
                        for at in (s..self.k.min(s + SUPER)).step_by(CHUNK) {
                            let columns = at..self.k.min(s + SUPER).min(at + CHUNK);
                            let b = match row {
                                Some(row) => {
                                    let b = self.filter_matrix(group, row);
                                    Mat { ptr: b.ptr.cast::<T>().wrapping_offset(at as isize * row).cast(), ..b }
                                }
                                None if once => {
                                    self.pack_filter(group, columns.clone(), filter.ptr().cast());
                                    Self::dense(filter.ptr().cast(), c.features)
                                }
                                None => Self::dense(filter.ptr().cast::<T>().add(at * c.features), c.features),
                            };
                            let a = self.patches(group, rows.clone(), columns.clone(), area.ptr().cast());
                            let sizes = [1, rows.len(), c.features, columns.len()];
                            dot_onto(self.spec, c.src, sizes, a, b, to, at > s);
                        }
                        pairs.push(join);
                    }
                    pairs.finish(join);
                    if apart {
                        self.deliver(sums.ptr(), rows, group);
                    }
                }
            }
        }
    }
}

/// What threads share: runs and matrices, and where they read and write.
struct Shared<T>(T);
impl<T: Copy> Shared<T> {
    /// As one, so that what a closure captures is this and not the pointers in it.
    fn get(&self) -> T {
        self.0
    }
}
// SAFETY: threads read what is behind the pointers, or write to it, each to its own part: whoever shares something gives each thread another.
unsafe impl<T> Sync for Shared<T> {}

/// Writes `n` elements that are side by side in each of `columns` lines, `distance` apart, as `n` rows of `columns`.
///
/// # Safety
/// They exist, and `to` has room.
unsafe fn transpose<T: Cell>(n: usize, columns: usize, from: *const T, distance: isize, to: *mut T) {
    // A few lines at a time, so that what is written stays close.
    for first in (0..columns).step_by(16) {
        for i in 0..n {
            for j in first..columns.min(first + 16) {
                // SAFETY: the caller's.
                unsafe { *to.add(i * columns + j) = *from.wrapping_offset(j as isize * distance).add(i) }
            }
        }
    }
}
