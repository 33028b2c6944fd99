//! Views made ready to be read: axes with strides in bytes, neighbors collapsed.

use super::map::LONG_ROW;
use super::rows::{SHORT, rows, rows_apart};
use crate::{Dt, Guard, Part, View, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// One axis of an [`Access`], outermost first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Extent.
    pub n: usize,
    /// Bytes from one element to the next.
    pub stride: isize,
    /// A guard.
    pub guard: Option<Guard>,
}

/// Elements of an axis that goes around from which on its two runs are worth more than a copy.
const AROUND: usize = 4096;

/// How a reader walks over an operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Axes; one that is not guarded has more than one element.
    pub axes: SmallVec<[Axis; 4]>,
    /// Bytes from the start of the operand to the element of the reader's origin.
    pub offset: isize,
    /// Bytes of an element as it is read (of a part: of the part).
    pub size: usize,
    /// The element outside the guards.
    pub fill: [u64; 2],
    /// Number of elements that are read.
    pub len: usize,
    /// If it walks over every second element: which of two beside each other it reads, where both are there.
    pub pair: Option<u8>,
}

/// What an access amounts to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Form {
    /// The elements one behind the other, from `offset`.
    Dense,
    /// One element for all.
    Splat,
    /// Anything else.
    Strided,
}

impl Access {
    /// The access of a reader that sees an operand of type `dt` through `view`.
    pub fn new(view: &View, dt: Dt, part: Part) -> Access {
        let whole = dt.size() as i64;
        let size = if part == Part::Whole { dt.size() } else { dt.size() / 2 };
        let mut fill = view.fill;
        if dt == Dt::C64 && part == Part::Whole {
            fill[0] |= fill[1] << 32;
        }
        // Offsets wrap: of a view that reads nothing they may be anything.
        let mut offset = view.offset.wrapping_mul(whole);
        if part == Part::Im {
            fill[0] = fill[1];
            offset = offset.wrapping_add(size as i64);
        }
        let mut axes: SmallVec<[Axis; 4]> = SmallVec::new();
        for (d, (n, s)) in view.dims.iter().zip(&view.strides).enumerate() {
            let mut guard = view.guards.iter().find(|g| g.dim as usize == d).copied();
            let stride = s.wrapping_mul(whole) as isize;
            if let Some(Guard { lo, hi, step: 1 | Guard::AROUND, .. }) = guard
                && lo <= 0
                && hi >= *n as i64
            {
                // A guard that holds everywhere only moves the origin.
                guard = None;
                offset = offset.wrapping_sub(s.wrapping_mul(whole).wrapping_mul(lo));
            }
            // one element goes nowhere
            guard = guard.filter(|g| g.step != Guard::AROUND || stride != 0);
            if let Some(g) = guard.as_mut().filter(|g| g.step == Guard::AROUND) {
                // with a small number in front, so that it may be multiplied below
                let all = g.hi - g.lo;
                g.lo = g.lo.rem_euclid(all);
                g.hi = g.lo + all
            }
            if guard.is_none() {
                if *n == 1 {
                    continue;
                }
                // rows that go around do so with all of their elements
                if let Some(last) = axes.last_mut()
                    && last.guard.is_none_or(|g| g.step == Guard::AROUND)
                    && last.stride == stride.wrapping_mul(*n as isize)
                {
                    if let Some(g) = &mut last.guard {
                        (g.lo, g.hi) = (g.lo.wrapping_mul(*n as i64), g.hi.wrapping_mul(*n as i64))
                    }
                    last.n *= n;
                    last.stride = stride;
                    continue;
                }
            }
            axes.push(Axis { n: *n, stride, guard });
        }
        // the other part is beside it
        let pair = (part != Part::Whole).then_some((part == Part::Im) as u8);
        Access { axes, offset: offset as isize, size, fill, len: view.dims.iter().product(), pair }
    }
    /// Its form.
    pub fn form(&self) -> Form {
        if self.axes.iter().any(|a| a.guard.is_some()) {
            return Form::Strided;
        }
        match &self.axes[..] {
            [] => Form::Splat,
            [a] if a.stride == 0 => Form::Splat,
            [a] if a.stride == self.size as isize => Form::Dense,
            _ => Form::Strided,
        }
    }
    /// Has it no guards?
    pub fn is_plain(&self) -> bool {
        self.axes.iter().all(|a| a.guard.is_none())
    }
    /// Extent and stride of the innermost axis, if that is not guarded.
    pub fn row(&self) -> Option<(usize, isize)> {
        match self.axes.last() {
            Some(Axis { n, stride, guard: None }) => Some((*n, *stride)),
            _ => None,
        }
    }

    /// Which of two elements beside each other it reads, if it walks over every second one of a row, has no guards, and all of the others are there.
    pub fn paired(&self) -> Option<u8> {
        let every_second = self.row().is_some_and(|r| r.1 == 2 * self.size as isize);
        self.pair.filter(|_| every_second && matches!(self.size, 4 | 8) && self.is_plain())
    }
    /// Of an array of so many elements, seen through this view: says so if it reads what has a neighbor in front of it or behind it.
    pub fn seen_in(&mut self, view: &View, all: usize) {
        // where nothing is read, the offset may be anything
        if self.len == 0 {
            return;
        }
        let ends = view.strides.iter().zip(&view.dims).map(|(s, n)| s * (*n as i64 - 1));
        let (first, last) = ends.fold((view.offset, view.offset), |(lo, hi), e| (lo + e.min(0), hi + e.max(0)));
        self.pair = match (first, last + 1) {
            (0.., next) if next < all as i64 => Some(0),
            (1.., next) if next <= all as i64 => Some(1),
            _ => None,
        }
    }

    /// Makes the innermost axis, which is not guarded, two: rows of this length.
    pub fn cut(&mut self, row: usize) {
        if let Some(last) = self.axes.last_mut().filter(|a| a.n > row) {
            let outer = Axis { n: last.n / row, stride: last.stride.wrapping_mul(row as isize), guard: None };
            last.n = row;
            let at = self.axes.len() - 1;
            self.axes.insert(at, outer)
        }
    }

    /// Where the element `start` lies, if the elements of its innermost row lie one behind the other.
    pub fn contiguous_at(&self, start: usize) -> Option<isize> {
        if !self.is_plain() {
            return None;
        }
        (self.axes.last()?.stride == self.size as isize).then(|| self.at(start))
    }
    /// Where the element `i` lies, without guards.
    pub fn at(&self, i: usize) -> isize {
        let Some((first, inner)) = self.axes.split_first() else { return self.offset };
        let (mut at, mut rest) = (self.offset, i);
        for a in inner.iter().rev() {
            at = at.wrapping_add(((rest % a.n) as isize).wrapping_mul(a.stride));
            rest /= a.n;
        }
        at.wrapping_add((rest as isize).wrapping_mul(first.stride))
    }

    /// Of one of two elements beside each other: where the first of both lies for element `i`.
    pub fn pair_at(&self, base: *mut u8, i: usize) -> *mut u8 {
        base.wrapping_offset(self.at(i)).wrapping_sub(self.pair.unwrap_or(0) as usize * self.size)
    }

    /// After how many elements it comes to the first ones again, if it does nothing else from then on: those of a row for all rows.
    pub fn period(&self) -> Option<usize> {
        let (first, inner) = self.axes.split_first()?;
        (first.stride == 0 && self.is_plain() && !inner.is_empty()).then(|| inner.iter().map(|a| a.n).product())
    }
    /// Is it worth reading it run by run, with [`Access::run_at`]? What goes around in every row has two runs in each.
    pub fn in_runs(&self) -> bool {
        let long = |a: &Axis, n| a.n >= n && a.stride == self.size as isize;
        self.axes.last().is_some_and(|a| match a.guard.map(|g| g.step) {
            None | Some(1) => long(a, LONG_ROW),
            Some(Guard::AROUND) => long(a, AROUND),
            _ => false,
        })
    }
    /// Where the element `start` lies, unless a guard keeps it out, and how many elements from it on lie behind it or are kept out as well. For what is read in runs.
    pub fn run_at(&self, start: usize) -> (Option<isize>, usize) {
        let Some((last, outer)) = self.axes.split_last() else { return (Some(self.offset), 1) };
        let (mut rest, i) = (start / last.n, start % last.n);
        let mut at = Some(self.offset);
        for a in outer.iter().rev() {
            let k = rest % a.n;
            rest /= a.n;
            at = match (at, inside(k, a.guard)) {
                (Some(at), Some(j)) => Some(at.wrapping_add((j as isize).wrapping_mul(a.stride))),
                _ => None,
            };
        }
        let (lo, hi) = last.guard.map_or((0, last.n as i64), |g| (g.lo, g.hi));
        if let (Some(at), Some(g @ Guard { step: Guard::AROUND, .. })) = (at, last.guard) {
            let j = g.index(i as i64).unwrap_or(0);
            return (
                Some(at.wrapping_add((j as isize).wrapping_mul(last.stride))),
                (last.n - i).min((hi - lo - j) as usize),
            );
        }
        let end = |x: i64| x.clamp(0, last.n as i64) as usize;
        match at {
            Some(_) if i < end(lo) => (None, end(lo) - i),
            Some(at) if i < end(hi) => {
                (Some(at.wrapping_add((i as isize - lo as isize).wrapping_mul(last.stride))), end(hi) - i)
            }
            _ => (None, last.n - i),
        }
    }

    /// Copies the elements `start .. start + n`, in row-major order of the reader, to `dst`.
    ///
    /// # Safety
    /// `base` is the start of an operand that the view stays inside of, `start + n` does not exceed `len`, and `dst` has room.
    pub unsafe fn read(&self, mut dst: *mut u8, base: *const u8, start: usize, mut n: usize) {
        if n == 0 {
            return;
        }
        let Some((last, outer)) = self.axes.split_last() else {
            // SAFETY: the one element.
            unsafe { strided(dst, base.wrapping_offset(self.offset), 0, n, self.size) };
            return;
        };
        let mut index: SmallVec<[usize; 8]> = SmallVec::from_elem(0, outer.len());
        let mut rest = start / last.n;
        let mut i = start % last.n;
        for (d, a) in outer.iter().enumerate().rev() {
            index[d] = rest % a.n;
            rest /= a.n;
        }
        // rows that are worth taking together
        let short = last.guard.is_none() && (2..=SHORT / self.size).contains(&last.n);
        let several = outer.last().filter(|a| short && a.guard.is_none());
        loop {
            let mut m = n.min(last.n - i);
            let mut taken = 1;
            let mut at = Some(self.offset);
            for (k, a) in index.iter().zip(outer) {
                at = match (at, inside(*k, a.guard)) {
                    (Some(at), Some(j)) => Some(at.wrapping_add((j as isize).wrapping_mul(a.stride))),
                    _ => None,
                };
            }
            // SAFETY: the view stays inside the operand wherever its guards hold.
            unsafe {
                match (at, several) {
                    (Some(at), Some(a)) if i == 0 && n >= 2 * last.n => {
                        taken = (a.n - index[index.len() - 1]).min(n / last.n);
                        m = taken * last.n;
                        rows(dst, base.wrapping_offset(at), (taken, a.stride), (last.n, last.stride), self.size)
                    }
                    (Some(at), _) => self.read_row(dst, base.wrapping_offset(at), last, i, m),
                    (None, _) => splat(dst, self.fill, m, self.size),
                }
                dst = dst.add(m * self.size);
            }
            n -= m;
            if n == 0 {
                return;
            }
            i = 0;
            for (k, a) in index.iter_mut().zip(outer).rev() {
                *k += taken;
                if *k < a.n {
                    break;
                }
                (*k, taken) = (0, 1);
            }
        }
    }

    /// # Safety
    /// As for [`Access::read`]; `base` is the element at index 0 of the row (or at `lo` of its guard).
    #[inline]
    unsafe fn read_row(&self, dst: *mut u8, base: *const u8, axis: &Axis, i: usize, m: usize) {
        let Some(guard @ Guard { lo, hi, step, .. }) = axis.guard else {
            // SAFETY: the contract of `read`.
            unsafe {
                strided(dst, base.wrapping_offset((i as isize).wrapping_mul(axis.stride)), axis.stride, m, self.size)
            };
            return;
        };
        if step == Guard::AROUND {
            let (mut dst, mut i, end) = (dst, i as i64, (i + m) as i64);
            while i < end {
                let j = guard.index(i).unwrap_or(0);
                let n = (hi - lo - j).min(end - i);
                // SAFETY: the contract of `read`: all indices from 0 to `hi - lo` are inside of the operand.
                unsafe {
                    strided(
                        dst,
                        base.wrapping_offset((j as isize).wrapping_mul(axis.stride)),
                        axis.stride,
                        n as usize,
                        self.size,
                    );
                    dst = dst.add(n as usize * self.size)
                }
                i += n
            }
            return;
        }
        let (first, end) = (i as i64, (i + m) as i64);
        let (a, b) = (lo.clamp(first, end), hi.clamp(first, end).max(lo.clamp(first, end)));
        // SAFETY: as above: only indices for which the guard holds are read.
        unsafe {
            splat(dst, self.fill, (a - first) as usize, self.size);
            let inner = dst.add((a - first) as usize * self.size);
            if step == 1 {
                strided(
                    inner,
                    base.wrapping_offset(((a - lo) as isize).wrapping_mul(axis.stride)),
                    axis.stride,
                    (b - a) as usize,
                    self.size,
                );
            } else {
                splat(inner, self.fill, (b - a) as usize, self.size);
                let mut j = (a - lo + step - 1) / step;
                while lo + j * step < b {
                    let to = inner.add((lo + j * step - a) as usize * self.size);
                    strided(to, base.wrapping_offset(j as isize * axis.stride), 0, 1, self.size);
                    j += 1;
                }
            }
            splat(dst.add((b - first) as usize * self.size), self.fill, (end - b) as usize, self.size);
        }
    }

    /// Copies some of the innermost rows, which are short, to rows that begin `apart` bytes from each other.
    ///
    /// # Safety
    /// As for [`Access::read`]; there are two axes at least, without guards, and row 0 comes to `dst`.
    pub unsafe fn read_apart(&self, dst: *mut u8, apart: usize, base: *const u8, some: Range<usize>) {
        let [.., outer, last] = &self.axes[..] else { return };
        let mut row = some.start;
        while row < some.end {
            let count = (outer.n - row % outer.n).min(some.end - row);
            // SAFETY: the caller's.
            unsafe {
                let from = base.wrapping_offset(self.at(row * last.n));
                let to = dst.wrapping_add(row * apart);
                rows_apart((to, apart), (from, outer.stride), count, (last.n, last.stride), self.size)
            }
            row += count;
        }
    }

    /// Copies all elements to `dst`, in row-major order of the reader.
    ///
    /// # Safety
    /// As for [`Access::read`].
    pub unsafe fn copy(&self, dst: *mut u8, base: *const u8) {
        if self.len == 0 {
            return;
        }
        if let Some((n, stride)) = self.row()
            && stride.unsigned_abs() != self.size
            && stride != 0
            && n >= 4
            && self.is_plain()
            && let Some(q) = self.axes.iter().rposition(|a| a.stride == self.size as isize)
            && self.axes[q].n >= 4
        {
            // SAFETY: the contract of `read`.
            return unsafe { self.transpose(dst, base, q) };
        }
        // SAFETY: as above.
        unsafe { self.read(dst, base, 0, self.len) }
    }

    /// The same, with the threads that are free if it is much.
    ///
    /// # Safety
    /// As for [`Access::read`].
    pub unsafe fn copy_shared(&self, dst: *mut u8, base: *const u8) {
        let ns = (self.len * self.size) as f64 * COPY;
        let chunks = pool::chunks(ns);
        let (true, Some(Axis { n, stride, guard: None })) = (chunks > 1 && self.len > 0, self.axes.first()) else {
            // SAFETY: the caller's.
            return unsafe { self.copy(dst, base) };
        };
        let each = n.div_ceil(chunks).next_multiple_of(ROWS);
        let row = self.len / n;
        let shared = Shared(self, dst, base);
        let run = move |k: usize| {
            let Shared(whole, dst, base) = { shared };
            let part = (k * each).min(*n)..((k + 1) * each).min(*n);
            let mut some = whole.clone();
            some.axes[0].n = part.len();
            some.offset = some.offset.wrapping_add((part.start as isize).wrapping_mul(*stride));
            some.len = part.len() * row;
            // SAFETY: the caller's; different chunks write different elements.
            unsafe { some.copy(dst.wrapping_add(part.start * row * whole.size), base) }
        };
        pool::parallel(n.div_ceil(each), ns, &run)
    }

    /// A copy in tiles: the operand's elements lie one behind the other along axis `q`, the result's along the last.
    ///
    /// # Safety
    /// As for [`Access::read`]; no guards.
    unsafe fn transpose(&self, dst: *mut u8, base: *const u8, q: usize) {
        let p = self.axes.len() - 1;
        let mut to: SmallVec<[usize; 8]> = SmallVec::from_elem(self.size, p + 1);
        for d in (0..p).rev() {
            to[d] = to[d + 1] * self.axes[d + 1].n;
        }
        let others: Axes<2> =
            (0..p).filter(|d| *d != q).map(|d| (self.axes[d].n, [self.axes[d].stride, to[d] as isize])).collect();
        let (m, n) = (self.axes[q].n, self.axes[p].n);
        walk(&others, |[from, at]| {
            // SAFETY: as above; `dst` has room for all elements.
            unsafe {
                let src = base.wrapping_offset(self.offset + from);
                transpose(dst.offset(at), to[q], src, self.axes[p].stride, m, n, self.size);
            }
        });
    }
}

/// About how many nanoseconds a copied byte takes a thread.
pub const COPY: f64 = 0.15;

/// A copy, for the threads that share it.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Access, *mut u8, *const u8);
// SAFETY: threads read the operand, and write to memory behind the pointer, each its own elements.
unsafe impl Sync for Shared<'_> {}
/// Rows of the outermost axis that a thread gets are a multiple of this, which a transposition takes at once.
const ROWS: usize = 16;

/// A walk over the rows of an operand without guards, from one to the next.
pub struct Walk<'a> {
    outer: &'a [Axis],
    index: SmallVec<[usize; 4]>,
    at: isize,
}
impl<'a> Walk<'a> {
    /// From this row on.
    pub fn new(access: &'a Access, mut row: usize) -> Walk<'a> {
        let outer = access.axes.split_last().map_or(&[][..], |(_, outer)| outer);
        let mut walk = Walk { outer, index: SmallVec::from_elem(0, outer.len()), at: access.offset };
        for (k, a) in walk.index.iter_mut().zip(outer).rev() {
            (*k, row) = (row % a.n, row / a.n);
            walk.at = walk.at.wrapping_add((*k as isize).wrapping_mul(a.stride));
        }
        walk
    }
    /// Where the row begins, in bytes.
    #[inline(always)]
    pub fn at(&self) -> isize {
        self.at
    }
    /// To the next row. Behind the last one comes the first.
    #[inline(always)]
    pub fn next(&mut self) {
        for d in (0..self.outer.len()).rev() {
            let a = &self.outer[d];
            self.index[d] += 1;
            self.at = self.at.wrapping_add(a.stride);
            if self.index[d] < a.n {
                return;
            }
            self.index[d] = 0;
            self.at = self.at.wrapping_sub(a.stride.wrapping_mul(a.n as isize));
        }
    }
}

/// Axes that are walked over in several arrays at once: extents, and the strides in each array.
pub type Axes<const N: usize> = SmallVec<[(usize, [isize; N]); 4]>;

/// Calls `f` with the offsets of every index of these axes, in row-major order.
#[inline(always)]
pub fn walk<const N: usize>(axes: &[(usize, [isize; N])], mut f: impl FnMut([isize; N])) {
    if axes.iter().any(|(n, _)| *n == 0) {
        return;
    }
    let mut index: SmallVec<[usize; 8]> = SmallVec::from_elem(0, axes.len());
    let mut at = [0; N];
    loop {
        f(at);
        let mut d = axes.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            let (n, strides) = axes[d];
            index[d] += 1;
            for k in 0..N {
                at[k] += strides[k];
            }
            if index[d] < n {
                break;
            }
            for k in 0..N {
                at[k] -= strides[k] * n as isize;
            }
            index[d] = 0;
        }
    }
}

/// Where an index lies behind a guard.
#[inline(always)]
fn inside(k: usize, guard: Option<Guard>) -> Option<i64> {
    guard.map_or(Some(k as i64), |g| g.index(k as i64))
}

/// See [`tiles`]; for elements of `size` bytes.
///
/// # Safety
/// As there.
pub unsafe fn transpose(dst: *mut u8, row: usize, src: *const u8, stride: isize, m: usize, n: usize, size: usize) {
    let tiles = match size {
        1 => tiles::<u8>,
        2 => tiles::<u16>,
        4 => tiles::<u32>,
        8 => tiles::<u64>,
        _ => tiles::<[u64; 2]>,
    };
    // SAFETY: the caller's: what is not done in registers are columns behind and rows below.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        let (i, j) = super::turn::turn(dst, row, src, stride, m, n, size);
        #[cfg(not(target_arch = "x86_64"))]
        let (i, j) = (0, 0);
        if j > 0 {
            tiles(dst.add(i * row), row, src.add(i * size), stride, m - i, j);
        }
        tiles(dst.add(j * size), row, src.offset(j as isize * stride), stride, m, n - j);
    }
}

/// `dst[i][j] = src[j][i]` for `m` rows of `n` in `dst`: `i` steps by `row` bytes in `dst` and by an element in `src`, `j` by an
/// element in `dst` and by `stride` bytes in `src`.
///
/// # Safety
/// All of these exist and are aligned.
pub unsafe fn tiles<T: Copy>(dst: *mut u8, row: usize, src: *const u8, stride: isize, m: usize, n: usize) {
    let tile = if size_of::<T>() <= 4 { 16 } else { 8 };
    for j0 in (0..n).step_by(tile) {
        let j1 = n.min(j0 + tile);
        for i0 in (0..m).step_by(tile) {
            let i1 = m.min(i0 + tile);
            for i in i0..i1 {
                // SAFETY: the caller's.
                unsafe {
                    let to = dst.add(i * row).cast::<T>();
                    let from = src.cast::<T>().add(i).cast::<u8>();
                    for j in j0..j1 {
                        *to.add(j) = *from.offset(j as isize * stride).cast::<T>();
                    }
                }
            }
        }
    }
}

/// Copies `n` elements of `size` bytes that lie `stride` bytes apart.
///
/// # Safety
/// They exist and are aligned, and `dst` has room.
#[inline]
pub unsafe fn strided(dst: *mut u8, src: *const u8, stride: isize, n: usize, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        if stride == size as isize {
            return copy(dst, src, n * size);
        }
        #[cfg(target_arch = "x86_64")]
        let (dst, src, n) = {
            let done = super::pick::pick(dst, src, stride, n, size);
            (dst.add(done * size), src.wrapping_offset(done as isize * stride), n - done)
        };
        match size {
            1 => each::<u8>(dst, src, stride, n),
            2 => each::<u16>(dst, src, stride, n),
            4 => each::<u32>(dst, src, stride, n),
            8 => each::<u64>(dst, src, stride, n),
            _ => each::<[u64; 2]>(dst, src, stride, n),
        }
    }
}
/// Copies bytes. The C library's copy hands more than about 2 KiB to an instruction that, on some processors, takes twelve times as long where the bytes go less than a cache line further within a
/// page than they come from: there they go in pieces.
///
/// # Safety
/// Both are there, and do not overlap.
#[inline(always)]
pub unsafe fn copy(dst: *mut u8, src: *const u8, bytes: usize) {
    const PIECE: usize = 1024;
    let ahead = dst.addr().wrapping_sub(src.addr()) % 4096;
    // SAFETY: the caller's.
    unsafe {
        if bytes <= PIECE || !(1..64).contains(&ahead) {
            return std::ptr::copy_nonoverlapping(src, dst, bytes);
        }
        for at in (0..bytes).step_by(PIECE) {
            std::ptr::copy_nonoverlapping(src.add(at), dst.add(at), PIECE.min(bytes - at))
        }
    }
}
#[inline(always)]
unsafe fn each<T: Copy>(dst: *mut u8, src: *const u8, stride: isize, n: usize) {
    let size = size_of::<T>() as isize;
    let dst = dst.cast::<T>();
    if n == 0 {
        return;
    }
    // SAFETY: the caller's.
    unsafe {
        if stride == 0 {
            let x = *src.cast::<T>();
            for i in 0..n {
                *dst.add(i) = x;
            }
        } else if stride == -size {
            apart::<T>(dst, src, -size, n)
        } else if stride == 2 * size && size == 4 {
            apart::<T>(dst, src, 2 * size, n)
        } else {
            apart::<T>(dst, src, stride, n)
        }
    }
}
/// One element after the other. With a stride that the compiler knows, backwards and every other one of four bytes, this becomes vectors, in less than half the time.
#[inline(always)]
unsafe fn apart<T: Copy>(dst: *mut T, src: *const u8, stride: isize, n: usize) {
    for i in 0..n {
        // SAFETY: the caller's.
        unsafe { *dst.add(i) = *src.offset(i as isize * stride).cast::<T>() }
    }
}
/// Writes the element with these bits `n` times.
///
/// # Safety
/// `dst` has room and is aligned.
#[inline]
pub unsafe fn splat(dst: *mut u8, bits: [u64; 2], n: usize, size: usize) {
    // SAFETY: the machine is little-endian, so the low bytes come first.
    unsafe { strided(dst, bits.as_ptr().cast(), 0, n, size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two elements beside each other, both are there, or neither is read.
    #[test]
    fn neighbors_are_there() {
        let pair = |n: usize, first: i64, all: usize| {
            let view = View { offset: first, strides: SmallVec::from_slice(&[2]), ..View::identity(&[n]) };
            let mut a = Access::new(&view, Dt::F32, Part::Whole);
            a.seen_in(&view, all);
            a.paired()
        };
        assert_eq!([pair(4, 0, 8), pair(4, 1, 8), pair(4, 1, 9)], [Some(0), Some(1), Some(0)]);
        // the last one is alone; nothing is read at all
        assert_eq!([pair(4, 0, 7), pair(0, i64::MAX, 0)], [None, None]);
        let complex = |part| Access::new(&View::identity(&[5]), Dt::C64, part).paired();
        assert_eq!([Part::Re, Part::Im, Part::Whole].map(complex), [Some(0), Some(1), None]);
    }
}
