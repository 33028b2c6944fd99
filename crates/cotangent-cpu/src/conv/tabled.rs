//! Convolutions whose windows are read where they lie: no patch is ever written.
//!
//! Where an array has room for its padding, each element of a window lies at the same distance from the window's first, whatever the window. So
//! the kernels of products read the windows there, a set of them that are equidistant at a time, and a table leads them from an element to the
//! next. An array without that room is copied to where it has it, a band at a time, which stays in the second cache: that
//! writes an element once, where patches have it once for each element of a window.

use super::Conv;
use crate::dot::{CHUNK, Elem, Mat, SUPER, Table, add_sums};
use crate::pairs::Pairs;
use crate::{Buffer, Dt, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of a band, about.
const BAND: usize = 384 << 10;
/// Bytes of a part of the filter that is packed at once, if the sums are long, and of what it is multiplied by.
const LONG: usize = 1 << 20;
/// So many windows that are equidistant fill the kernels.
const SET: usize = 6;
/// Fewer windows do not pay for a filter that is packed.
const FEW: usize = 42;

type Ranges = SmallVec<[Range<usize>; 4]>;

/// A dimension of the rows: windows, or the batch.
#[derive(Clone, Copy)]
struct Axis {
    /// Its place: a spatial dimension, or behind them the batch.
    dim: usize,
    n: usize,
    /// From one to the next: in what the kernels read, and in the result.
    step: isize,
    to: usize,
}

/// A dimension of a band that is copied.
struct Copied {
    /// Place of the first element, and how many there are.
    first: isize,
    len: usize,
    /// Elements of the array, from one to the next in places, and their stride. Others are zero.
    n: isize,
    base: isize,
    from: isize,
    /// The stride of the copy.
    to: usize,
    /// Do the inner dimensions lie in the copy as in the array, without gaps?
    whole: bool,
}

/// A run of a convolution of one group.
struct Run<'a, E: 'static> {
    c: &'a Conv,
    table: Table<E>,
    /// The array if it is read where it is: where the first element of the first window lies.
    there: Option<*const E>,
    /// Strides of what is read: spatial dimensions, batch, channels; and the same dimensions from outer to inner ones.
    strides: SmallVec<[isize; 4]>,
    order: SmallVec<[usize; 4]>,
    /// Elements of a copy.
    room: usize,
    /// The rows, in the order in which bands divide them: those that kernels have at once are last.
    axes: SmallVec<[Axis; 4]>,
    /// Bands: single elements of axes before this one, and so many of it.
    level: usize,
    count: usize,
}

impl Conv {
    /// Is it of this kind?
    pub(super) fn has_table(&self, m: usize) -> bool {
        let float = matches!(self.acc, Dt::F32 | Dt::F64) && self.src == self.acc;
        float && m > FEW && self.rows().last().is_some_and(|a| a.n >= SET) && self.window_row().is_none()
    }

    /// The dimensions of the rows, without their steps. Windows along the last dimension are taken at once, or if they are few
    /// what there is most of.
    fn rows(&self) -> SmallVec<[Axis; 4]> {
        let d = self.space.len();
        let mut axes: SmallVec<[Axis; 4]> =
            (0..d).map(|dim| Axis { dim, n: self.space[dim].windows, step: 0, to: 0 }).collect();
        let batch = Axis { dim: d, n: self.batch, step: 0, to: 0 };
        axes.insert(if self.batch_last { d } else { 0 }, batch);
        let mut to = self.groups * self.features;
        for a in axes.iter_mut().rev() {
            a.to = to;
            to *= a.n;
        }
        let last = axes.iter().rposition(|a| a.dim + 1 == d && a.n >= SET);
        if let Some(set) = last.or_else(|| (0..axes.len()).max_by_key(|i| axes[*i].n)) {
            let set = axes.remove(set);
            axes.push(set);
        }
        axes
    }

    /// Computes it, unless it would copy more than there is in patches: then it does nothing and says so.
    ///
    /// # Safety
    /// As for [`Conv::run`]; `E` is the type of operands and sums, and the processor has the instruction set.
    pub(super) unsafe fn run_table<E: Elem>(
        &self,
        (m, k): (usize, usize),
        x: *const E,
        filter: *const E,
        out: *mut E,
    ) -> bool {
        let size = size_of::<E>();
        let taps: usize = self.space.iter().map(|s| s.slide.size).product();
        let axes = self.rows();
        let set = axes.last().expect("the batch").n;
        let table = Table::new(self.isa, self.features, set);
        let mut run = Run {
            c: self,
            table,
            there: None,
            strides: SmallVec::new(),
            order: SmallVec::new(),
            room: 0,
            axes,
            level: 0,
            count: 1,
        };
        let ns = (m * self.features * k * size) as f64 / 160.0;
        let parts = pool::chunks(ns);
        // Where windows have more elements than there are windows, each of them needs all of the array, which is gone through once. Else all of the
        // filter is packed, and each window is finished at once.
        let windows: usize = self.space.iter().map(|s| s.windows).product();
        let (mut piece, turned) = (k.min(SUPER), taps > windows);
        let copied = |run: &Run<E>, piece: usize| run.room.saturating_mul(run.bands() * k.div_ceil(piece));
        run.lay_out(piece, if turned { usize::MAX } else { BAND }, parts);
        if turned {
            while piece > 4 * CHUNK && (run.room + run.table.room(piece)) * size > LONG {
                piece = (piece / 2).next_multiple_of(CHUNK);
                run.lay_out(piece, usize::MAX, parts);
            }
        } else if copied(&run, piece) > m * k / 2 {
            run.lay_out(piece, usize::MAX, parts);
        }
        if copied(&run, piece) > m * k {
            return false;
        }
        let supers = k.div_ceil(SUPER);
        let apart = supers > 1;
        let b = Buffer::uninit(run.table.room(piece) * size);
        let len = m * self.groups * self.features;
        let sums = Buffer::uninit(if apart { Pairs::places(supers) * len * size } else { 0 });
        let part = |i: usize| if apart { sums.ptr().cast::<E>().wrapping_add(i * len) } else { out };
        let bands = run.bands();
        let chunks = parts.min(bands);
        let mut pairs = Pairs::default();
        for s in (0..k).step_by(SUPER) {
            let to = part(pairs.next());
            let end = k.min(s + SUPER);
            for at in (s..end).step_by(piece) {
                let elements = at..end.min(at + piece);
                let taps = run.taps(elements.clone());
                let places: Vec<isize> = elements.clone().map(|e| run.place(e, &taps)).collect();
                run.table.set(&places);
                for group in 0..self.groups {
                    let x = x.wrapping_offset(group as isize * self.x[0]);
                    let filter = filter.wrapping_offset(group as isize * self.filter[0]);
                    let to = to.wrapping_add(group * self.features);
                    // SAFETY: the caller's; the buffer has room.
                    unsafe { run.pack(filter, elements.clone(), b.ptr().cast()) };
                    if run.there.is_some() {
                        run.there = Some(run.origin(x));
                    }
                    let shared = Shared(&run, x, b.ptr().cast::<E>(), to);
                    pool::parallel(chunks, ns * elements.len() as f64 / k as f64, &|part| {
                        let Shared(run, x, b, to) = { shared };
                        let area = Buffer::uninit(run.room * size);
                        for band in bands * part / chunks..bands * (part + 1) / chunks {
                            // SAFETY: the caller's; bands write different rows.
                            unsafe { run.band(band, &taps, x, b, (to, at > s), area.ptr().cast()) }
                        }
                    });
                }
            }
            // SAFETY: two arrays of sums.
            pairs.push(|i| unsafe { add_sums(self.acc, len, part(i).cast()) });
        }
        // SAFETY: as above; the result has room for one of them.
        unsafe {
            pairs.finish(|i| add_sums(self.acc, len, part(i).cast()));
            if apart {
                out.copy_from_nonoverlapping(part(0), len);
            }
        }
        true
    }
}

impl<E: Elem> Run<'_, E> {
    /// Chooses strides, and bands of at most about so many bytes, at least so many.
    fn lay_out(&mut self, piece: usize, most: usize, parts: usize) {
        let (c, d) = (self.c, self.c.space.len());
        // Pieces begin anywhere: the greatest extents of the elements that one has.
        let mut taps: Ranges = c.space.iter().map(|s| 0..s.slide.size).collect();
        if let Some(i) = taps.iter().position(|t| t.end > 1) {
            let inner: usize = taps[i + 1..].iter().map(|t| t.end).product::<usize>() * c.channels;
            taps[i].end = taps[i].end.min(piece.div_ceil(inner) + 1);
        }
        let mut strides: SmallVec<[isize; 4]> = c.space.iter().map(|s| s.x).chain([c.x[1], c.x[2]]).collect();
        let inside = |s: &super::Space| {
            let last = (s.windows as i64 - 1) * s.slide.stride as i64 + ((s.slide.size - 1) * s.slide.dilation) as i64;
            s.slide.base == 1 && s.slide.lo <= 0 && last - s.slide.lo < s.n as i64
        };
        let set = *self.axes.last().expect("the batch");
        let scale = |dim: usize| c.space.get(dim).map_or(1, |s| s.slide.stride as isize);
        let apart = super::spread(((strides[set.dim] * scale(set.dim)).unsigned_abs()) * size_of::<E>());
        self.there = (apart && c.space.iter().all(inside)).then_some(std::ptr::null());
        self.order = (0..d + 2).collect();
        self.order.sort_by_key(|i| std::cmp::Reverse(strides[*i].unsigned_abs()));
        (self.level, self.count) = (0, self.axes[0].n);
        loop {
            let ranges = self.ranges(0);
            let mut room = 1;
            if self.there.is_none() {
                for i in self.order.iter().rev() {
                    strides[*i] = room as isize;
                    room *= match c.space.get(*i) {
                        Some(_) => self.places(*i, &ranges, &taps).1,
                        None if *i == d => ranges[d].len(),
                        None => c.channels,
                    };
                    if room > 1 && !super::spread(room * size_of::<E>()) {
                        room += 64 / size_of::<E>();
                    }
                }
            }
            let copied = self.there.is_none() && room.saturating_mul(size_of::<E>()) > most;
            if !(copied || self.bands() < parts) || !self.halve() {
                self.room = if self.there.is_none() { room } else { 0 };
                break;
            }
        }
        for a in &mut self.axes {
            a.step = strides[a.dim] * scale(a.dim);
        }
        self.strides = strides;
    }
    /// Makes bands smaller, if they can be.
    fn halve(&mut self) -> bool {
        let last = self.level + 1 == self.axes.len();
        let unit = if last { self.table.height() } else { 1 };
        if self.count > unit {
            self.count = self.count.div_ceil(2).next_multiple_of(unit);
        } else if !last {
            self.level += 1;
            self.count = self.axes[self.level].n;
        } else {
            return false;
        }
        true
    }
    fn bands(&self) -> usize {
        let outer: usize = self.axes[..self.level].iter().map(|a| a.n).product();
        outer * self.axes[self.level].n.div_ceil(self.count)
    }
    /// What a band has of each dimension of the rows.
    fn ranges(&self, band: usize) -> Ranges {
        let mut ranges: Ranges = SmallVec::from_elem(0..0, self.axes.len());
        let mut rest = band;
        for (i, a) in self.axes.iter().enumerate().rev() {
            ranges[a.dim] = match i.cmp(&self.level) {
                std::cmp::Ordering::Greater => 0..a.n,
                std::cmp::Ordering::Equal => {
                    let pieces = a.n.div_ceil(self.count);
                    let first = rest % pieces * self.count;
                    rest /= pieces;
                    first..a.n.min(first + self.count)
                }
                std::cmp::Ordering::Less => {
                    let at = rest % a.n;
                    rest /= a.n;
                    at..at + 1
                }
            };
        }
        ranges
    }
    /// The elements of windows, in each dimension, among which these are.
    fn taps(&self, elements: Range<usize>) -> Ranges {
        let c = self.c;
        let (mut first, mut last) = (elements.start / c.channels, (elements.end - 1) / c.channels);
        let mut taps: Ranges = SmallVec::new();
        for s in c.space.iter().rev() {
            // Where they go on to the next of an outer dimension, all may be there.
            let same = first / s.slide.size == last / s.slide.size;
            taps.insert(0, if same { first % s.slide.size..last % s.slide.size + 1 } else { 0..s.slide.size });
            (first, last) = (first / s.slide.size, last / s.slide.size);
        }
        taps
    }
    /// The first place of a spatial dimension that a band has, before padding is taken off, and how many it has.
    fn places(&self, dim: usize, ranges: &Ranges, taps: &Ranges) -> (isize, usize) {
        let (slide, w, t) = (&self.c.space[dim].slide, &ranges[dim], &taps[dim]);
        let first = w.start * slide.stride + t.start * slide.dilation;
        (first as isize, (w.len() - 1) * slide.stride + (t.len() - 1) * slide.dilation + 1)
    }
    /// How far an element of a window is from the first of those that a band has.
    fn place(&self, element: usize, taps: &Ranges) -> isize {
        let c = self.c;
        let (mut tap, channel) = (element / c.channels, element % c.channels);
        let d = c.space.len();
        let mut at = channel as isize * self.strides[d + 1];
        for (i, s) in c.space.iter().enumerate().rev() {
            let first = if self.there.is_some() { 0 } else { taps[i].start };
            at += ((tap % s.slide.size) as isize - first as isize) * s.slide.dilation as isize * self.strides[i];
            tap /= s.slide.size;
        }
        at
    }
    /// Where the first element of the first window of a group's array lies.
    fn origin(&self, x: *const E) -> *const E {
        let lead: isize = self.c.space.iter().map(|s| -s.slide.lo as isize * s.x).sum();
        x.wrapping_offset(lead)
    }
    /// Packs these rows of a group's filter.
    ///
    /// # Safety
    /// As for [`Conv::run`]; `to` has room.
    unsafe fn pack(&self, filter: *const E, elements: Range<usize>, to: *mut E) {
        let c = self.c;
        let mut at = elements.start;
        while at < elements.end {
            let n = (c.channels - at % c.channels).min(elements.end - at);
            let ptr = filter.wrapping_offset(c.filter_offset(at)).cast();
            let from = Mat { ptr, batch: 0, row: c.filter[1], col: c.filter[2] };
            // SAFETY: these channels of an element.
            unsafe { self.table.pack(to, elements.len(), at - elements.start, n, from) }
            at += n;
        }
    }
    /// Computes a band.
    ///
    /// # Safety
    /// As for [`Conv::run`]; the filter is packed, and the area has room for a copy.
    unsafe fn band(
        &self,
        band: usize,
        taps: &Ranges,
        x: *const E,
        b: *const E,
        (to, onto): (*mut E, bool),
        area: *mut E,
    ) {
        let ranges = self.ranges(band);
        let (base, first) = match self.there {
            Some(origin) => (origin, true),
            None => {
                // SAFETY: the caller's.
                unsafe { self.copy(&ranges, taps, x, area) };
                (area.cast_const(), false)
            }
        };
        let (set, outer) = self.axes.split_last().expect("the batch");
        let start = |a: &Axis| if first { 0 } else { ranges[a.dim].start };
        let mut i: SmallVec<[usize; 4]> = outer.iter().map(|a| ranges[a.dim].start).collect();
        let windows = ranges[set.dim].clone();
        let calls = windows.len().div_ceil(self.table.height());
        loop {
            let (mut a, mut c) = (base, to);
            for (i, axis) in i.iter().zip(outer) {
                a = a.wrapping_offset((i - start(axis)) as isize * axis.step);
                c = c.wrapping_add(i * axis.to);
            }
            for call in 0..calls {
                let w =
                    windows.start + windows.len() * call / calls..windows.start + windows.len() * (call + 1) / calls;
                let a = a.wrapping_offset((w.start - start(set)) as isize * set.step);
                let c = c.wrapping_add(w.start * set.to);
                // SAFETY: these windows, and the rows of the result that are theirs.
                unsafe { self.table.multiply(w.len(), (a, set.step), b, (c, set.to), onto) }
            }
            let Some(d) = (0..i.len()).rev().find(|d| i[*d] + 1 < ranges[outer[*d].dim].end) else { return };
            i[d] += 1;
            for k in d + 1..i.len() {
                i[k] = ranges[outer[k].dim].start;
            }
        }
    }
    /// Copies what a band needs of the array, with its padding.
    ///
    /// # Safety
    /// As for [`Run::band`].
    unsafe fn copy(&self, ranges: &Ranges, taps: &Ranges, mut x: *const E, area: *mut E) {
        let (c, d) = (self.c, self.c.space.len());
        let mut dims: SmallVec<[Copied; 4]> = SmallVec::new();
        let mut whole = true;
        for i in self.order.iter().rev() {
            let to = self.strides[*i] as usize;
            let mut dim = match c.space.get(*i) {
                Some(s) => {
                    let (first, len) = self.places(*i, ranges, taps);
                    let first = first - s.slide.lo as isize;
                    Copied { first, len, n: s.n as isize, base: s.slide.base as isize, from: s.x, to, whole }
                }
                None => {
                    let (r, n, from) = if *i == d {
                        (ranges[d].clone(), c.batch, c.x[1])
                    } else {
                        (0..c.channels, c.channels, c.x[2])
                    };
                    if r.len() == 1 {
                        x = x.wrapping_offset(r.start as isize * from);
                        continue;
                    }
                    Copied { first: r.start as isize, len: r.len(), n: n as isize, base: 1, from, to, whole }
                }
            };
            dim.whole &= dim.from == to as isize;
            whole = dim.whole && *i >= d;
            dims.insert(0, dim);
        }
        // SAFETY: the caller's.
        unsafe { copied(&dims, x, area) }
    }
}

/// Copies an array of these dimensions.
///
/// # Safety
/// Elements that are in the array exist, and there is room for all.
unsafe fn copied<E: Elem>(dims: &[Copied], from: *const E, to: *mut E) {
    let zero = |i: usize, n: usize| {
        for p in 0..n * dims[0].to {
            // SAFETY: the caller's.
            unsafe { *to.add(i * dims[0].to + p) = E::ZERO }
        }
    };
    let Some((dim, inner)) = dims.split_first() else {
        // SAFETY: one element.
        return unsafe { *to = *from };
    };
    // SAFETY: places in the array are `first..` in steps of `base`; others are filled with zeros.
    unsafe {
        if dim.base != 1 {
            for i in 0..dim.len {
                let q = dim.first + i as isize;
                if q >= 0 && q % dim.base == 0 && q / dim.base < dim.n {
                    copied(inner, from.wrapping_offset(q / dim.base * dim.from), to.add(i * dim.to))
                } else {
                    zero(i, 1)
                }
            }
            return;
        }
        let lo = (-dim.first).clamp(0, dim.len as isize);
        let hi = (dim.n - dim.first).clamp(lo, dim.len as isize);
        let from = from.wrapping_offset((dim.first + lo) * dim.from);
        let (lo, hi) = (lo as usize, hi as usize);
        zero(0, lo);
        let start = to.add(lo * dim.to);
        if dim.whole {
            start.copy_from_nonoverlapping(from, (hi - lo) * dim.to)
        } else if inner.is_empty() {
            for i in 0..hi - lo {
                *start.add(i * dim.to) = *from.offset(i as isize * dim.from)
            }
        } else {
            for i in 0..hi - lo {
                copied(inner, from.offset(i as isize * dim.from), start.add(i * dim.to))
            }
        }
        zero(hi, dim.len - hi);
    }
}

/// What the threads share that compute bands.
struct Shared<'a, E: 'static>(&'a Run<'a, E>, *const E, *const E, *mut E);
impl<E> Clone for Shared<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E> Copy for Shared<'_, E> {}
// SAFETY: threads read the operands, and write to memory behind a pointer, each to its own rows.
unsafe impl<E> Sync for Shared<'_, E> {}
