//! Convolutions whose windows are read where they lie: no patch is ever written.
//!
//! Where an array has room for its padding, each element of a window lies at the same distance from the window's first, whatever the window. So
//! the kernels of products read the windows there, a set of them that are equidistant at a time, and a table leads them from an element to the
//! next. An array without that room is copied to where it has it, which writes an element about once, where patches have it once for
//! each element of a window. If windows are many a band is copied at a time, which stays in the second cache; if they are few and large each
//! part of the array when the sums come to it.

use super::{Conv, Shared};
use crate::dot::{CHUNK, Elem, Mat, SUPER, Table, add_sums};
use crate::pairs::Pairs;
use crate::{Buffer, Dt, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// Bytes of a band, about.
const BAND: usize = 384 << 10;
/// Bytes of a part of the filter that is packed at once, if the sums are long.
const LONG: usize = 512 << 10;
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
pub(super) struct Copied {
    /// Place of the first element, and how many there are.
    pub first: isize,
    pub len: usize,
    /// Elements of the array, from one to the next in places, and their stride. Others are zero.
    pub n: isize,
    pub base: isize,
    pub from: isize,
    /// The stride of the copy.
    pub to: usize,
    /// Do the inner dimensions lie in the copy as in the array, without gaps?
    pub whole: bool,
    /// Is it the one of which only some places are copied now?
    pub some: bool,
}

/// A run of a convolution of one group.
struct Run<'a, E: 'static> {
    c: &'a Conv,
    table: Table<E>,
    /// Where the first element of the first window lies, unless each band is copied for itself.
    there: Option<*const E>,
    /// Does the array have all that windows see? Then it is read where it is.
    inside: bool,
    /// Is all of it copied to one place?
    all: bool,
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
        // Few windows with long sums whose filter is packed either way at least need no patches.
        let packed = self.goes_on() && self.filter_row().is_none();
        let enough = |set: usize| if packed { set >= 3 } else { set >= SET && m > FEW };
        float && self.rows().last().is_some_and(|a| enough(a.n)) && self.window_row().is_none()
    }

    /// Have windows more elements than there are windows? Then each of them needs most of the array.
    fn goes_on(&self) -> bool {
        let taps: usize = self.space.iter().map(|s| s.slide.size).product();
        taps > self.space.iter().map(|s| s.windows).product()
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
        let axes = self.rows();
        let table = Table::new(self.isa, self.features, axes.last().expect("the batch").n);
        let ns = (m * self.features * k * size) as f64 / 160.0;
        let parts = pool::chunks(ns);
        let all = self.goes_on();
        let (strides, order) = (SmallVec::new(), SmallVec::new());
        let mut run =
            Run { c: self, table, there: None, inside: false, all, strides, order, room: 0, axes, level: 0, count: 1 };
        run.lay_out(parts);
        if !all && run.room.saturating_mul(run.bands()) > m * k / 2 {
            run.all = true;
            run.lay_out(parts);
        }
        if run.room > m * k {
            return false;
        }
        let mut piece = k.min(SUPER);
        while all && piece > 4 * CHUNK && run.table.room(piece) * size > LONG {
            piece = (piece / 2).next_multiple_of(CHUNK);
        }
        let supers = k.div_ceil(SUPER);
        let apart = supers > 1;
        let b = Buffer::uninit(run.table.room(piece) * size);
        let copy = Buffer::uninit(if run.all { run.room * self.groups * size } else { 0 });
        let (copy, b) = (copy.ptr().cast::<E>(), b.ptr().cast::<E>());
        let len = m * self.groups * self.features;
        let sums = Buffer::uninit(if apart { Pairs::places(supers) * len * size } else { 0 });
        let part = |i: usize| if apart { sums.ptr().cast::<E>().wrapping_add(i * len) } else { out };
        let mut pairs = Pairs::default();
        let mut copied = 0;
        for s in (0..k).step_by(SUPER) {
            let to = part(pairs.next());
            let end = k.min(s + SUPER);
            for at in (s..end).step_by(piece) {
                let elements = at..end.min(at + piece);
                run.set_table(elements.clone());
                let reach = if run.all && !run.inside { run.reach(elements.end) } else { 0 };
                for group in 0..self.groups {
                    let x = x.wrapping_offset(group as isize * self.x[0]);
                    let filter = filter.wrapping_offset(group as isize * self.filter[0]);
                    let to = to.wrapping_add(group * self.features);
                    let copy = copy.wrapping_add(group * run.room);
                    run.there = if run.inside { Some(run.origin(x)) } else { run.all.then_some(copy.cast_const()) };
                    // SAFETY: the caller's; there is room for the copy and for the rows of the filter, of which each comes when it is needed.
                    unsafe {
                        run.copy_places(copied..reach, x, copy);
                        run.pack(filter, elements.clone(), b);
                        run.multiply(ns * elements.len() as f64 / k as f64, parts, x, b, (to, at > s));
                    }
                }
                copied = reach;
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
    /// Chooses strides, and bands: at least so many, and of about [`BAND`] bytes if each is copied for itself.
    fn lay_out(&mut self, parts: usize) {
        let (c, d) = (self.c, self.c.space.len());
        let mut strides: SmallVec<[isize; 4]> = c.space.iter().map(|s| s.x).chain([c.x[1], c.x[2]]).collect();
        let scale = |dim: usize| c.space.get(dim).map_or(1, |s| s.slide.stride as isize);
        let inside = |s: &super::Space| {
            let far = |n: usize, step: usize| (n as i128 - 1) * step as i128;
            let last = far(s.windows, s.slide.stride) + far(s.slide.size, s.slide.dilation) - s.slide.lo as i128;
            s.slide.base == 1 && s.slide.lo <= 0 && last < s.n as i128
        };
        let set = self.axes.last().expect("the batch").dim;
        // Rows that are a multiple of a page apart compete for the same few cache lines.
        let spread = |step: usize| super::spread(step * size_of::<E>());
        self.inside = c.space.iter().all(inside) && spread(strides[set].wrapping_mul(scale(set)).unsigned_abs());
        self.order = (0..d + 2).collect();
        self.order.sort_by_key(|i| std::cmp::Reverse(strides[*i].unsigned_abs()));
        (self.level, self.count, self.room) = (0, self.axes[0].n, 0);
        loop {
            if !self.inside {
                let ranges = if self.all { self.everything() } else { self.ranges(0) };
                self.room = 1;
                for i in self.order.iter().rev() {
                    strides[*i] = self.room as isize;
                    self.room = self.room.saturating_mul(match c.space.get(*i) {
                        Some(_) => self.places(*i, &ranges).1,
                        None if *i == d => ranges[d].len(),
                        None => c.channels,
                    });
                    if self.room > 1 && !spread(self.room) {
                        self.room = self.room.saturating_add(64 / size_of::<E>());
                    }
                }
            }
            let large = !self.all && self.room.saturating_mul(size_of::<E>()) > BAND;
            if !(large || self.bands() < parts) || !self.halve() {
                break;
            }
        }
        for a in &mut self.axes {
            a.step = strides[a.dim].wrapping_mul(scale(a.dim));
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
    /// All rows.
    fn everything(&self) -> Ranges {
        let mut ranges: Ranges = SmallVec::from_elem(0..0, self.axes.len());
        self.axes.iter().for_each(|a| ranges[a.dim] = 0..a.n);
        ranges
    }
    /// The first place of a spatial dimension that these windows see, before padding is taken off, and how many they see.
    fn places(&self, dim: usize, ranges: &Ranges) -> (isize, usize) {
        let (slide, w) = (&self.c.space[dim].slide, &ranges[dim]);
        // What is too much is not copied.
        let far =
            (w.len() - 1).saturating_mul(slide.stride).saturating_add((slide.size - 1).saturating_mul(slide.dilation));
        (w.start.wrapping_mul(slide.stride) as isize, far.saturating_add(1))
    }
    /// The spatial dimension along which sums go on: the outermost one in which windows have several elements.
    fn lead(&self) -> usize {
        self.c.space.iter().position(|s| s.slide.size > 1).unwrap_or(0)
    }
    /// How many places of that dimension all windows see with their elements before this one.
    fn reach(&self, element: usize) -> usize {
        let lead = self.lead();
        let s = &self.c.space[lead];
        let inner: usize = self.c.space[lead + 1..].iter().map(|s| s.slide.size).product();
        let tap = (element - 1) / (inner * self.c.channels);
        (s.windows - 1) * s.slide.stride + tap * s.slide.dilation + 1
    }
    /// Sets the table for these elements of a window.
    fn set_table(&mut self, elements: Range<usize>) {
        let c = self.c;
        let step = self.strides[c.space.len() + 1];
        let mut places = Vec::with_capacity(elements.len());
        let mut at = elements.start;
        while at < elements.end {
            let (mut tap, channel) = (at / c.channels, at % c.channels);
            let n = (c.channels - channel).min(elements.end - at);
            let mut first = 0;
            for (s, stride) in c.space.iter().zip(&self.strides).rev() {
                first += (tap % s.slide.size * s.slide.dilation) as isize * stride;
                tap /= s.slide.size;
            }
            places.extend((channel..channel + n).map(|i| first + i as isize * step));
            at += n;
        }
        self.table.set(&places);
    }
    /// Where the first element of the first window of a group's array lies.
    fn origin(&self, x: *const E) -> *const E {
        let lead: isize = self.c.space.iter().map(|s| -s.slide.lo as isize * s.x).sum();
        x.wrapping_offset(lead)
    }
    /// Copies these places of the dimension that leads, for all windows.
    ///
    /// # Safety
    /// As for [`Run::copy`].
    unsafe fn copy_places(&self, some: Range<usize>, x: *const E, copy: *mut E) {
        if some.is_empty() {
            return;
        }
        let ns =
            (self.room * size_of::<E>() * some.len() / self.places(self.lead(), &self.everything()).1) as f64 / 8.0;
        let parts = pool::chunks(ns).min(some.len());
        let from = |part: usize| some.start + some.len() * part / parts;
        let shared = Shared((self, x, copy));
        pool::parallel(parts, ns, &|part| {
            let (run, x, copy) = shared.get();
            // SAFETY: the caller's; parts of the copy that do not overlap.
            unsafe { run.copy(&run.everything(), Some(from(part)..from(part + 1)), x, copy) }
        });
    }
    /// Packs these rows of a group's filter.
    ///
    /// # Safety
    /// As for [`Conv::run`]; `to` has room.
    unsafe fn pack(&self, filter: *const E, elements: Range<usize>, to: *mut E) {
        let c = self.c;
        let ns = (elements.len() * c.features * size_of::<E>()) as f64 / 8.0;
        let parts = pool::chunks(ns).min(elements.len());
        let from = |part: usize| elements.start + elements.len() * part / parts;
        let shared = Shared((self, filter, to));
        pool::parallel(parts, ns, &|part| {
            let (run, filter, to) = shared.get();
            let mut at = from(part);
            while at < from(part + 1) {
                let n = (c.channels - at % c.channels).min(from(part + 1) - at);
                let ptr = filter.wrapping_offset(c.filter_offset(at)).cast();
                let from = Mat { ptr, batch: 0, row: c.filter[1], col: c.filter[2] };
                // SAFETY: these channels of an element.
                unsafe { run.table.pack(to, at - elements.start, n, from) }
                at += n;
            }
        });
    }
    /// Computes all bands, with the packed part `b` of the filter.
    ///
    /// # Safety
    /// As for [`Conv::run`]; if bands are not copied each for itself, what they read is there.
    unsafe fn multiply(&self, ns: f64, parts: usize, x: *const E, b: *const E, (to, onto): (*mut E, bool)) {
        let bands = self.bands();
        let chunks = parts.min(bands);
        let shared = Shared((self, x, b, to));
        pool::parallel(chunks, ns, &|part| {
            let (run, x, b, to) = shared.get();
            let area = Buffer::uninit(if run.there.is_none() { run.room * size_of::<E>() } else { 0 });
            for band in bands * part / chunks..bands * (part + 1) / chunks {
                // SAFETY: the caller's; bands write different rows.
                unsafe { run.band(band, x, b, (to, onto), area.ptr().cast()) }
            }
        });
    }
    /// Computes a band.
    ///
    /// # Safety
    /// As for [`Run::multiply`]; the area has room for a copy.
    unsafe fn band(&self, band: usize, x: *const E, b: *const E, (to, onto): (*mut E, bool), area: *mut E) {
        let ranges = self.ranges(band);
        let base = self.there.unwrap_or_else(|| {
            // SAFETY: the caller's.
            unsafe { self.copy(&ranges, None, x, area) };
            area
        });
        let (set, outer) = self.axes.split_last().expect("the batch");
        let start = |a: &Axis| if self.there.is_some() { 0 } else { ranges[a.dim].start };
        let windows = ranges[set.dim].clone();
        let calls = windows.len().div_ceil(self.table.height());
        // So many chunks at once that their part of the filter stays in the second cache for all rows.
        let all = self.table.len().div_ceil(CHUNK);
        let some = (LONG / (self.table.room(CHUNK) * size_of::<E>())).max(1);
        for first in (0..all).step_by(some) {
            let chunks = first..all.min(first + some);
            let mut i: SmallVec<[usize; 4]> = outer.iter().map(|a| ranges[a.dim].start).collect();
            loop {
                let (mut a, mut c) = (base, to);
                for (i, axis) in i.iter().zip(outer) {
                    a = a.wrapping_offset((i - start(axis)) as isize * axis.step);
                    c = c.wrapping_add(i * axis.to);
                }
                for call in 0..calls {
                    let place = |call: usize| windows.start + windows.len() * call / calls;
                    let w = place(call)..place(call + 1);
                    let a = a.wrapping_offset((w.start - start(set)) as isize * set.step);
                    let c = c.wrapping_add(w.start * set.to);
                    let chunks = chunks.clone();
                    // SAFETY: these windows, and the rows of the result that are theirs.
                    unsafe { self.table.multiply(w.len(), (a, set.step), b, (c, set.to), chunks, onto) }
                }
                let Some(d) = (0..i.len()).rev().find(|d| i[*d] + 1 < ranges[outer[*d].dim].end) else { break };
                i[d] += 1;
                for k in d + 1..i.len() {
                    i[k] = ranges[outer[k].dim].start;
                }
            }
        }
    }
    /// Copies what these rows need of the array, with its padding, or of that only some places of the dimension that leads.
    ///
    /// # Safety
    /// The array has the elements that extents and strides say, and there is room for the copy.
    unsafe fn copy(&self, ranges: &Ranges, some: Option<Range<usize>>, mut x: *const E, mut area: *mut E) {
        let (c, d) = (self.c, self.c.space.len());
        let mut dims: SmallVec<[Copied; 4]> = SmallVec::new();
        let mut whole = true;
        for i in self.order.iter().rev() {
            let to = self.strides[*i] as usize;
            let mut dim = match c.space.get(*i) {
                Some(s) => {
                    let (mut first, mut len) = self.places(*i, ranges);
                    first -= s.slide.lo as isize;
                    let now = some.as_ref().filter(|_| *i == self.lead());
                    if let Some(some) = now {
                        first += some.start as isize;
                        len = some.len();
                        area = area.wrapping_add(some.start * to);
                    }
                    let (n, base) = (s.n as isize, s.slide.base as isize);
                    Copied { first, len, n, base, from: s.x, to, whole, some: now.is_some() }
                }
                None => {
                    let (r, n, from) = match *i == d {
                        true => (ranges[d].clone(), c.batch, c.x[1]),
                        false => (0..c.channels, c.channels, c.x[2]),
                    };
                    if r.len() == 1 {
                        x = x.wrapping_offset(r.start as isize * from);
                        continue;
                    }
                    let first = r.start as isize;
                    Copied { first, len: r.len(), n: n as isize, base: 1, from, to, whole, some: false }
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
pub(super) unsafe fn copied<E: Elem>(dims: &[Copied], from: *const E, to: *mut E) {
    // Of a row of which only some places are copied now the others are left alone.
    let parted = dims.iter().skip(1).any(|d| d.some);
    let zero = |i: usize, n: usize| {
        // SAFETY: the caller's.
        unsafe {
            match parted {
                true => (i..i + n).for_each(|i| cleared(&dims[1..], to.add(i * dims[0].to))),
                false => (0..n * dims[0].to).for_each(|p| *to.add(i * dims[0].to + p) = E::ZERO),
            }
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

/// Fills what lies in these dimensions with zeros, down to the one of which there are only some places.
///
/// # Safety
/// There is room for all.
unsafe fn cleared<E: Elem>(dims: &[Copied], to: *mut E) {
    let Some((dim, inner)) = dims.split_first() else { return };
    // SAFETY: the caller's.
    unsafe {
        match dim.some {
            true => (0..dim.len * dim.to).for_each(|p| *to.add(p) = E::ZERO),
            false => (0..dim.len).for_each(|i| cleared(inner, to.add(i * dim.to))),
        }
    }
}
