//! Patches: what windows show, written as a matrix.
//!
//! A row of the matrix belongs to a window (and a member of the batch), a column to an element of a window (and a channel). Both sides
//! are alike: a place in the array is `q = window * stride + element * dilation - lo` in every spatial dimension, so a place is the sum of what
//! either side contributes. A piece of the matrix is written run by run: what lies in the matrix side by side is, where possible,
//! copied from what lies in the array side by side. What is outside of the array is zero.

use super::Conv;
use smallvec::SmallVec;
use std::ops::Range;

/// One side of the matrix.
pub(super) struct Side {
    /// Extents and steps of the spatial dimensions.
    space: SmallVec<[(usize, isize); 4]>,
    /// Extent and stride of the dimension that is not spatial: the batch or the channels.
    free: (usize, isize),
    /// Is it the outermost one? Else it is the innermost.
    free_first: bool,
    /// How many elements a run has, and their distance in the array.
    run: (usize, isize),
    /// How many elements of a run belong to one place in the last spatial dimension, if runs go along it.
    along: Option<usize>,
}

impl Side {
    fn new(c: &Conv, space: SmallVec<[(usize, isize); 4]>, free: (usize, isize), free_first: bool) -> Side {
        let last = space.last().zip(c.space.last()).map(|((n, step), s)| (*n, *step, s.slide.base == 1, s.x));
        let (run, along) = match last {
            // The last spatial dimension goes on where the free one ends, or there is nothing else.
            Some((n, step, true, x)) if !free_first && (free.0 == 1 || step == 1 && x == free.0 as isize * free.1) => {
                let distance = if free.0 == 1 { step * x } else { free.1 };
                ((n * free.0, distance), Some(free.0))
            }
            Some((n, step, true, x)) if free_first => ((n, step * x), Some(1)),
            Some(_) if free_first => ((1, 0), None),
            _ => (free, None),
        };
        Side { space, free, free_first, run, along }
    }
    /// Windows and batch.
    pub(super) fn rows(c: &Conv) -> Side {
        let space = c.space.iter().map(|s| (s.windows, s.slide.stride as isize)).collect();
        Side::new(c, space, (c.batch, c.x[1]), !c.batch_last)
    }
    /// Elements of a window and channels.
    pub(super) fn columns(c: &Conv) -> Side {
        let space = c.space.iter().map(|s| (s.slide.size, s.slide.dilation as isize)).collect();
        Side::new(c, space, (c.channels, c.x[2]), false)
    }
    /// What it takes to write an element if this is the inner side, in some unit: a run costs something by itself, and elements that are apart
    /// cost more than those that are not.
    pub(super) fn cost(&self) -> usize {
        (if self.run.1 == 1 { 100 } else { 800 }) + 8000 / self.run.0
    }
    /// What the element `i` of this side contributes: to the places, and to the offset.
    pub(super) fn place(&self, i: usize, q: &mut [isize]) -> isize {
        let mut rest = i;
        let mut free = 0;
        if !self.free_first {
            (rest, free) = (rest / self.free.0, rest % self.free.0);
        }
        for d in (0..self.space.len()).rev() {
            let (n, step) = self.space[d];
            q[d] = (rest % n) as isize * step;
            rest /= n;
        }
        if self.free_first {
            free = rest;
        }
        free as isize * self.free.1
    }
}

/// An element that is only copied.
pub(super) trait Cell: Copy + Default {}
impl<T: Copy + Default> Cell for T {}

/// Writes the elements `outer` by `inner` of the matrix to `dst`, the inner ones side by side, `ld` elements from one line to the next.
///
/// # Safety
/// `x` is the first element of the array of the convolution (in its group), and `dst` has room.
pub(super) unsafe fn pack<T: Cell>(
    c: &Conv,
    x: *const T,
    (outer_side, outer): (&Side, Range<usize>),
    (inner_side, inner): (&Side, Range<usize>),
    dst: *mut T,
    ld: usize,
) {
    let d = c.space.len();
    let (len, distance) = inner_side.run;
    let runs = inner.start / len..inner.end.div_ceil(len);
    let mut q: SmallVec<[isize; 4]> = SmallVec::from_elem(0, d);
    let mut start: SmallVec<[isize; 4]> = SmallVec::from_elem(0, d);
    // What each run contributes, once for all lines.
    let mut table: Vec<isize> = Vec::with_capacity(runs.len() * (d + 1));
    // The same as offsets, and the least and greatest places: where all are inside nothing has to be looked at.
    let mut offsets: Vec<isize> = Vec::with_capacity(runs.len());
    let mut reach: SmallVec<[(isize, isize); 4]> = SmallVec::from_elem((isize::MAX, isize::MIN), d);
    for r in runs.clone() {
        let offset = inner_side.place(r * len, &mut q);
        table.push(offset);
        table.extend_from_slice(&q);
        offsets.push(offset + q.iter().zip(&c.space).map(|(q, s)| q * s.x).sum::<isize>());
        for (k, (least, greatest)) in reach.iter_mut().enumerate() {
            let along = inner_side.along.filter(|_| k + 1 == d);
            let more = along.map_or(0, |unit| ((len / unit) as isize - 1) * inner_side.space[k].1);
            (*least, *greatest) = ((*least).min(q[k]), (*greatest).max(q[k] + more));
        }
    }
    let plain = c.space.iter().all(|s| s.slide.base == 1);
    for (line, o) in outer.enumerate() {
        let at = outer_side.place(o, &mut start);
        for (s, g) in start.iter_mut().zip(&c.space) {
            *s -= g.slide.lo as isize;
        }
        let mut to = dst.wrapping_add(line * ld);
        let inside = |k: usize| start[k] + reach[k].0 >= 0 && start[k] + reach[k].1 < c.space[k].n as isize;
        if plain && (0..d).all(inside) {
            let x = x.wrapping_offset(at + start.iter().zip(&c.space).map(|(q, s)| q * s.x).sum::<isize>());
            for (r, offset) in runs.clone().zip(&offsets) {
                let (from, end) = (inner.start.max(r * len) - r * len, inner.end.min((r + 1) * len) - r * len);
                // SAFETY: all places of the line are in the array.
                unsafe { copy(to, x.wrapping_offset(offset + from as isize * distance), distance, end - from) }
                to = to.wrapping_add(end - from);
            }
            continue;
        }
        for (r, entry) in runs.clone().zip(table.chunks_exact(d + 1)) {
            let (from, end) = (inner.start.max(r * len) - r * len, inner.end.min((r + 1) * len) - r * len);
            // The elements of the run that are in the array, and where the first of all would be.
            let (mut lo, mut hi) = (from, end);
            let mut offset = at + entry[0];
            for (k, g) in c.space.iter().enumerate() {
                let place = start[k] + entry[k + 1];
                let (n, base) = (g.n as isize, g.slide.base as isize);
                if k + 1 == d
                    && let Some(unit) = inner_side.along
                {
                    let step = inner_side.space[k].1;
                    if place < 0 || place + ((len / unit) as isize - 1) * step >= n {
                        let first = if place < 0 { (-place + step - 1) / step } else { 0 };
                        let behind = if place < n { (n - place + step - 1) / step } else { 0 };
                        lo = lo.max(first as usize * unit);
                        hi = hi.min(behind as usize * unit);
                    }
                    offset += place * g.x;
                    continue;
                }
                let element = if base == 1 { place } else { place.div_euclid(base) };
                if element < 0 || element >= n || base != 1 && place != element * base {
                    hi = lo;
                    break;
                }
                offset += element * g.x;
            }
            // SAFETY: elements lo..hi are in the array, and the line has room for from..end.
            unsafe {
                if lo >= hi {
                    zero(to, end - from);
                } else {
                    zero(to, lo - from);
                    copy(to.add(lo - from), x.wrapping_offset(offset + lo as isize * distance), distance, hi - lo);
                    zero(to.add(hi - from), end - hi);
                }
            }
            to = to.wrapping_add(end - from);
        }
    }
}

/// # Safety
/// There is room for `n` elements.
#[inline(always)]
unsafe fn zero<T: Cell>(to: *mut T, n: usize) {
    for i in 0..n {
        // SAFETY: the caller's.
        unsafe { *to.add(i) = T::default() }
    }
}

/// Copies `n` elements that are `distance` apart to where they are side by side.
///
/// # Safety
/// They exist, and there is room for them.
#[inline(always)]
pub(super) unsafe fn copy<T: Cell>(to: *mut T, from: *const T, distance: isize, n: usize) {
    // SAFETY: the caller's.
    unsafe {
        match distance {
            1 if n > 8 => to.copy_from_nonoverlapping(from, n),
            _ => {
                for i in 0..n {
                    *to.add(i) = *from.offset(i as isize * distance);
                }
            }
        }
    }
}
