//! Steps whose places depend on values: pieces at run-time positions, gather and scatter; and concatenation.

use super::access::{Access, Axes, COPY, Walk, copy, splat, strided, walk};
use super::build::Place;
use super::fold::{Combine, Slices};
use super::rows::SHORT;
use super::run::{Frame, Shared};
#[cfg(target_arch = "x86_64")]
use super::weave::{MOST, weave};
use crate::isa::Isa;
use crate::{Bounds, Dt, multiversion, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// A run-time index.
#[derive(Clone, Copy)]
pub struct Start {
    pub place: Place,
    pub offset: isize,
    pub dt: Dt,
    /// The greatest index at which the piece still fits.
    pub last: i64,
    /// Bytes from one index to the next.
    pub stride: isize,
}
impl Start {
    /// Bytes to the clamped index.
    ///
    /// # Safety
    /// The frame belongs to the program.
    unsafe fn at(&self, frame: &Frame) -> isize {
        // SAFETY: a scalar of this type lies there.
        let i = unsafe { integer(frame.spot((self.place, self.offset)), self.dt) };
        (i.clamp(0, self.last) as isize).wrapping_mul(self.stride)
    }
}

/// An integer of any type; above the range of `i64` the greatest of that.
///
/// # Safety
/// There is one.
#[inline(always)]
unsafe fn integer(p: *const u8, dt: Dt) -> i64 {
    // SAFETY: the caller's.
    unsafe {
        match dt {
            Dt::I8 => *p.cast::<i8>() as i64,
            Dt::I16 => *p.cast::<i16>() as i64,
            Dt::I32 => *p.cast::<i32>() as i64,
            Dt::I64 => *p.cast::<i64>(),
            Dt::U16 => *p.cast::<u16>() as i64,
            Dt::U32 => *p.cast::<u32>() as i64,
            Dt::U64 => (*p.cast::<u64>()).min(i64::MAX as u64) as i64,
            _ => *p as i64,
        }
    }
}

/// A piece of an operand.
pub struct Slice {
    pub from: Place,
    pub to: Place,
    /// The piece at the origin.
    pub access: Access,
    pub starts: SmallVec<[Start; 4]>,
}
impl Slice {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        // SAFETY: clamped indices keep the piece inside.
        unsafe {
            let from = self.starts.iter().fold(frame.at(self.from), |p, s| p.wrapping_offset(s.at(frame)));
            self.access.copy_shared(frame.at(self.to), from);
        }
    }
}

/// A piece written into a value that is there already.
pub struct Update {
    pub from: Place,
    pub access: Access,
    pub to: Place,
    pub starts: SmallVec<[Start; 4]>,
    /// Extents and strides in bytes of the rows of the piece in the value.
    pub rows: Axes<1>,
    /// Elements of a row.
    pub row: usize,
}
impl Update {
    /// Rows of a piece of these extents in a dense value: all but the trailing dimensions that are taken whole.
    pub fn rows(piece: &[usize], whole: &[usize], size: usize) -> (Axes<1>, usize) {
        let mut d = piece.len();
        let mut row = 1;
        while d > 0 {
            d -= 1;
            row *= piece[d];
            if piece[d] != whole[d] {
                break;
            }
        }
        let rows = (0..d).map(|e| (piece[e], [(whole[e + 1..].iter().product::<usize>() * size) as isize])).collect();
        (rows, row)
    }
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        if self.access.len == 0 {
            return;
        }
        // SAFETY: clamped indices keep the piece inside.
        unsafe {
            let from = frame.at(self.from);
            let to = self.starts.iter().fold(frame.at(self.to), |p, s| p.wrapping_offset(s.at(frame)));
            let mut done = 0;
            walk(&self.rows, |[at]| {
                self.access.read(to.wrapping_offset(at), from, done, self.row);
                done += self.row;
            });
        }
    }
}

/// Bytes of short rows that get all their pieces before the next ones do.
const TOGETHER: usize = 16 << 10;

/// Operands one behind the other.
pub struct Concat {
    pub to: Place,
    /// Where an operand comes in a row, the operand, how it is read, and its elements in a row.
    pub pieces: Vec<(usize, Place, Access, usize)>,
    /// Number of rows.
    pub outer: usize,
    /// Bytes of a row.
    pub row: usize,
}
impl Concat {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        if self.outer == 1 {
            for (at, place, access, _) in &self.pieces {
                // SAFETY: the pieces lie inside the whole.
                unsafe { access.copy_shared(frame.at(self.to).wrapping_add(*at), frame.at(*place)) }
            }
            return;
        }
        let bytes: usize = self.pieces.iter().map(|(_, _, access, _)| access.len * access.size).sum();
        let ns = bytes as f64 * COPY;
        let each = self.outer.div_ceil(pool::chunks(ns)).max(1);
        let shared = Shared::new(self, frame);
        let run = |k: usize| {
            let (concat, frame) = shared.both();
            // SAFETY: the caller's; different chunks write different rows.
            unsafe { concat.rows(frame, k * each..((k + 1) * each).min(concat.outer)) }
        };
        pool::parallel(self.outer.div_ceil(each), ns, &run)
    }
    /// Rows of single elements, each from an array that lies in one piece: as many as can be done at once, from the first one on.
    ///
    /// # Safety
    /// As above.
    #[cfg(target_arch = "x86_64")]
    unsafe fn woven(&self, frame: &Frame, rows: &Range<usize>) -> usize {
        let size = self.pieces.first().map_or(0, |p| p.2.size);
        let mut src: SmallVec<[*const u8; MOST]> = SmallVec::new();
        for (k, (at, place, access, row)) in self.pieces.iter().enumerate() {
            let single = *row == 1 && matches!(&access.axes[..], [a, one] if a.stride == size as isize && one.n == 1);
            if k == MOST || *at != k * size || !single || !access.is_plain() {
                return 0;
            }
            src.push(frame.at(*place).wrapping_offset(access.offset).wrapping_add(rows.start * size))
        }
        if self.row != src.len() * size {
            return 0;
        }
        // SAFETY: the caller's.
        unsafe { weave(frame.at(self.to).wrapping_add(rows.start * self.row), &src, rows.len(), size) }
    }
    /// No rows.
    ///
    /// # Safety
    /// It does nothing.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn woven(&self, _: &Frame, _: &Range<usize>) -> usize {
        0
    }
    /// Some of the rows.
    ///
    /// # Safety
    /// As above.
    unsafe fn rows(&self, frame: &Frame, rows: Range<usize>) {
        let short = |(_, _, access, row): &(usize, Place, Access, usize)| {
            let rows = access.is_plain() && matches!(&access.axes[..], [_, .., a] if a.n == *row);
            access.len == 0 || rows && row * access.size <= SHORT
        };
        if self.pieces.iter().all(short) {
            // SAFETY: as below.
            let rows = rows.start + unsafe { self.woven(frame, &rows) }..rows.end;
            // some rows of all pieces, which stay in the first cache
            let some = (TOGETHER / self.row.max(1)).max(1);
            for first in rows.clone().step_by(some) {
                let last = rows.end.min(first + some);
                for (at, place, access, _) in self.pieces.iter().filter(|p| p.2.len > 0) {
                    let to = frame.at(self.to).wrapping_add(*at);
                    // SAFETY: as below.
                    unsafe { access.read_apart(to, self.row, frame.at(*place), first..last) }
                }
            }
            return;
        }
        for (at, place, access, row) in &self.pieces {
            let (to, from) = (frame.at(self.to).wrapping_add(*at), frame.at(*place));
            let size = access.size;
            // SAFETY: the pieces lie inside the whole.
            unsafe {
                match access.axes.last() {
                    _ if access.len == 0 => {}
                    // runs of elements, so many in a row
                    Some(last) if access.is_plain() && last.stride == size as isize && row.is_multiple_of(last.n) => {
                        let mut walk = Walk::new(access, rows.start * (row / last.n));
                        for o in rows.clone() {
                            for k in 0..row / last.n {
                                let to = to.wrapping_add(o * self.row + k * last.n * size);
                                let from = from.wrapping_offset(walk.at());
                                copy(to, from, last.n * size);
                                walk.next()
                            }
                        }
                    }
                    _ => rows.clone().for_each(|o| access.read(to.wrapping_add(o * self.row), from, o * row, *row)),
                }
            }
        }
    }
}

/// Windows whose places are computed at once.
const SOME: usize = 256;
/// The offset of a window that is not inside the array.
const NOWHERE: i64 = i64::MIN;

/// Integers as indices.
trait Index: Copy {
    /// Above the range of `i64` the greatest of that.
    fn wide(self) -> i64;
}
macro_rules! indices {
    ($($t:ty)*) => { $(
        impl Index for $t {
            #[inline(always)]
            fn wide(self) -> i64 { self as i64 }
        }
    )* };
}
indices!(i8 i16 i32 i64 u8 u16 u32);
impl Index for u64 {
    #[inline(always)]
    fn wide(self) -> i64 {
        self.min(i64::MAX as u64) as i64
    }
}

/// Indices of 32 bits.
trait Short: Copy {
    /// With this added, if it is below zero.
    fn wrapped(self, below: i32) -> Self;
    /// Those of a number without sign.
    fn bits(self) -> u32;
    /// At least 0 and at most this.
    fn at_most(self, last: u32) -> u32;
}
impl Short for i32 {
    #[inline(always)]
    fn wrapped(self, below: i32) -> i32 {
        if self < 0 { self.wrapping_add(below) } else { self }
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self as u32
    }
    #[inline(always)]
    fn at_most(self, last: u32) -> u32 {
        self.max(0).min(last as i32) as u32
    }
}
impl Short for u32 {
    #[inline(always)]
    fn wrapped(self, _: i32) -> u32 {
        self
    }
    #[inline(always)]
    fn bits(self) -> u32 {
        self
    }
    #[inline(always)]
    fn at_most(self, last: u32) -> u32 {
        self.min(last)
    }
}

/// `each(to, b, from, a, offsets, n)`: combines the elements at `from`, `a` bytes apart, with those at these offsets from `to`, which moves by `b` bytes.
pub type Each = unsafe fn(*mut u8, isize, *const u8, isize, *const i64, usize);

multiversion! {
    /// Offsets from `n` index vectors of `count` parts: for each its greatest start and its stride.
    fn offsets<I: Index>(to: *mut i64, index: *const u8, parts: *const (i64, isize), count: usize, n: usize, below: i64, clip: bool) {
        for p in 0..count {
            // SAFETY: the caller's: the parts, the indices and room for the offsets are there.
            let (last, stride) = unsafe { *parts.add(p) };
            for k in 0..n {
                // SAFETY: as above.
                unsafe {
                    let i = (*index.cast::<I>().add(k * count + p)).wide();
                    let i = if i < 0 { i.wrapping_add(below) } else { i };
                    let before = if p == 0 { 0 } else { *to.add(k) };
                    let inside = before != NOWHERE && (clip || (i >= 0 && i <= last));
                    let at = before.wrapping_add(i.max(0).min(last).wrapping_mul(stride as i64));
                    *to.add(k) = if inside { at } else { NOWHERE };
                }
            }
        }
    }
    /// The same for vectors of one part, a 32-bit integer, whose greatest start is one and whose stride has no more bits: as this, lanes can do it.
    fn offsets_short<I: Short>(to: *mut i64, index: *const u8, parts: *const (i64, isize), _count: usize, n: usize, below: i64, clip: bool) {
        // SAFETY: the caller's, as above.
        let (last, stride) = unsafe { *parts };
        let (last, stride, below) = (last as u32, stride as u32 as u64, below as i32);
        for k in 0..n {
            // SAFETY: as above.
            unsafe {
                let i = (*index.cast::<I>().add(k)).wrapped(below);
                // a negative one is beyond all that are not
                let at = if clip { i.at_most(last) } else { i.bits() };
                *to.add(k) = if at <= last { (at as u64 * stride) as i64 } else { NOWHERE };
            }
        }
    }
    /// Elements at offsets from `from`, which moves by `b` bytes, to places `a` bytes apart.
    fn take<T: Copy>(to: *mut u8, a: isize, from: *const u8, b: isize, offsets: *const i64, n: usize, fill: *const u64) {
        for k in 0..n as isize {
            // SAFETY: the caller's: offsets lead to elements, and there is room.
            unsafe {
                let at = *offsets.offset(k);
                let x = if at == NOWHERE { fill.cast::<T>() } else { from.offset(k * b + at as isize).cast::<T>() };
                *to.offset(k * a).cast::<T>() = *x;
            }
        }
    }
    /// See [`Each`]; what is there is overwritten.
    fn set_each<T: Copy>(to: *mut u8, b: isize, from: *const u8, a: isize, offsets: *const i64, n: usize) {
        for k in 0..n as isize {
            // SAFETY: as above.
            unsafe {
                let at = *offsets.offset(k);
                if at != NOWHERE {
                    *to.offset(k * b + at as isize).cast::<T>() = *from.offset(k * a).cast::<T>();
                }
            }
        }
    }
    /// See [`Each`].
    pub fn put_each<F: Combine>(to: *mut u8, b: isize, from: *const u8, a: isize, offsets: *const i64, n: usize) {
        for k in 0..n as isize {
            // SAFETY: as above.
            unsafe {
                let at = *offsets.offset(k);
                if at != NOWHERE {
                    let to = to.offset(k * b + at as isize).cast::<F::T>();
                    *to = F::f(*to, *from.offset(k * a).cast::<F::T>());
                }
            }
        }
    }
}
/// Chooses a kernel by the size of an element.
macro_rules! by_size {
    ($kernel:ident, $isa:expr, $size:expr) => {
        match $size {
            1 => $kernel::<u8>($isa),
            2 => $kernel::<u16>($isa),
            4 => $kernel::<u32>($isa),
            8 => $kernel::<u64>($isa),
            _ => $kernel::<[u64; 2]>($isa),
        }
    };
}
/// Writes offsets: `f(to, index, parts, count, n, below, clip)`.
type Offsets = unsafe fn(*mut i64, *const u8, *const (i64, isize), usize, usize, i64, bool);

fn offsets_of(isa: Isa, dt: Dt, parts: &[(i64, isize)], below: i64) -> Offsets {
    let fits = |x: i64| i32::try_from(x).is_ok();
    let short = matches!(parts, [(last, stride)] if fits(*last) && fits(below) && u32::try_from(*stride).is_ok());
    match dt {
        Dt::I32 if short => offsets_short::<i32>(isa),
        Dt::U32 if short => offsets_short::<u32>(isa),
        Dt::I8 => offsets::<i8>(isa),
        Dt::I16 => offsets::<i16>(isa),
        Dt::I32 => offsets::<i32>(isa),
        Dt::I64 => offsets::<i64>(isa),
        Dt::U16 => offsets::<u16>(isa),
        Dt::U32 => offsets::<u32>(isa),
        Dt::U64 => offsets::<u64>(isa),
        _ => offsets::<u8>(isa),
    }
}

/// How the windows of a gather or scatter lie in the array, and their elements in the dense windows (the result of a gather, the
/// updates of a scatter). Strides in bytes.
pub struct Windows {
    pub isa: Isa,
    pub array: (Place, isize),
    /// Dense; the index vector is the innermost dimension.
    pub indices: (Place, isize),
    pub index_dt: Dt,
    /// For each component of an index vector: the greatest start, and the stride in the array.
    pub parts: SmallVec<[(i64, isize); 4]>,
    /// For each batch dimension: its extent, its stride in the dense windows, and that of the batching dimension of the array that
    /// goes with it (or 0).
    pub batch: Axes<2>,
    /// For each dimension of a window: its extent, its stride in the dense windows, and that in the array.
    pub window: Axes<2>,
    pub bounds: Bounds,
    /// What is added to an index below zero first.
    pub below: i64,
    /// Does no window fit into the array anywhere?
    pub never: bool,
    /// Bytes of an element.
    pub size: usize,
}

impl Windows {
    /// Merges dimensions of a window, and of the batch, that are contiguous in both.
    pub fn collapse(&mut self) {
        for axes in [&mut self.window, &mut self.batch] {
            let mut out: Axes<2> = SmallVec::new();
            for (n, strides) in &*axes {
                match out.last_mut() {
                    _ if *n == 1 => {}
                    Some((m, last)) if *last == strides.map(|s| s.wrapping_mul(*n as isize)) => {
                        (*m, *last) = (*m * n, *strides)
                    }
                    _ => out.push((*n, *strides)),
                }
            }
            *axes = out;
        }
    }
    /// The elements of a window, if they lie one behind the other in both arrays.
    fn row(&self) -> Option<usize> {
        match self.window[..] {
            [] => Some(1),
            [(n, strides)] if strides == [self.size as isize; 2] => Some(n),
            _ => None,
        }
    }
    /// Calls `f` for all windows, some at a time: with the offset of the first in the dense windows, where it is in the batching dimensions of the array, the strides from one to the
    /// next in both, and where in the array they lie besides, or [`NOWHERE`].
    ///
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    #[inline(always)]
    unsafe fn each_some(&self, frame: &Frame, mut f: impl FnMut([isize; 2], [isize; 2], &[i64])) {
        let vector = self.parts.len() * self.index_dt.size();
        let mut p = frame.spot(self.indices).cast_const();
        let mut places = [if self.never { NOWHERE } else { 0 }; SOME];
        let offsets = offsets_of(self.isa, self.index_dt, &self.parts, self.below);
        let one = (1, [0; 2]);
        let ((n, strides), outer) = self.batch.split_last().unwrap_or((&one, &[]));
        walk(outer, |at| {
            for first in (0..*n).step_by(SOME) {
                let m = SOME.min(n - first);
                if !self.never {
                    // SAFETY: there is an index vector for every element of the batch.
                    unsafe {
                        let clip = matches!(self.bounds, Bounds::Clip);
                        offsets(places.as_mut_ptr(), p, self.parts.as_ptr(), self.parts.len(), m, self.below, clip)
                    };
                    p = p.wrapping_add(m * vector);
                }
                f([0, 1].map(|k| at[k] + first as isize * strides[k]), *strides, &places[..m]);
            }
        });
    }
    /// Where a window starts in the array.
    ///
    /// # Safety
    /// There is an index vector.
    #[inline(always)]
    unsafe fn start(&self, index: *const u8) -> Option<isize> {
        let mut at = 0;
        let width = self.index_dt.size();
        for (k, (last, stride)) in self.parts.iter().enumerate() {
            // SAFETY: the caller's.
            let i = unsafe { integer(index.add(k * width), self.index_dt) };
            let i = if i < 0 { i.wrapping_add(self.below) } else { i };
            let i = match self.bounds {
                Bounds::Clip => i.clamp(0, *last),
                Bounds::Fill if i < 0 || i > *last => return None,
                Bounds::Fill => i,
            };
            at = (i as isize).wrapping_mul(*stride).wrapping_add(at);
        }
        Some(at)
    }
    /// Calls `f` for every window: with its offset in the dense windows and where it lies in the array.
    ///
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    #[inline(always)]
    unsafe fn each(&self, frame: &Frame, mut f: impl FnMut(isize, Option<isize>)) {
        let vector = self.parts.len() * self.index_dt.size();
        let mut p = frame.spot(self.indices).cast_const();
        walk(&self.batch, |[dense, array]| {
            // SAFETY: there is an index vector for every element of the batch.
            let at = if self.never { None } else { unsafe { self.start(p) }.map(|s| s + array) };
            f(dense, at);
            p = p.wrapping_add(vector);
        });
    }
    /// Calls `f` for the runs of a window: offsets in the dense windows and in the array, elements, and strides of both.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(isize, isize, usize, isize, isize)) {
        let Some(((n, [a, b]), outer)) = self.window.split_last() else { return f(0, 0, 1, 0, 0) };
        if *n > 0 {
            walk(outer, |[x, y]| f(x, y, *n, *a, *b));
        }
    }
}

/// A gather.
pub struct Gather {
    pub windows: Windows,
    pub to: Place,
    pub fill: [u64; 2],
}
impl Gather {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let w = &self.windows;
        let size = w.size;
        // SAFETY: windows are clamped or inside.
        unsafe {
            let (to, from) = (frame.at(self.to), frame.spot(w.array));
            if let Some(row) = w.row() {
                let take = by_size!(take, w.isa, size);
                return w.each_some(frame, |at, strides, places| {
                    let (to, from) = (to.wrapping_offset(at[0]), from.wrapping_offset(at[1]));
                    if row == 1 {
                        return take(
                            to,
                            strides[0],
                            from,
                            strides[1],
                            places.as_ptr(),
                            places.len(),
                            self.fill.as_ptr(),
                        );
                    }
                    for (k, place) in places.iter().enumerate() {
                        let to = to.wrapping_offset(k as isize * strides[0]);
                        match *place {
                            NOWHERE => splat(to, self.fill, row, size),
                            at => {
                                let from = from.wrapping_offset(k as isize * strides[1] + at as isize);
                                copy(to, from, row * size)
                            }
                        }
                    }
                });
            }
            w.each(frame, |dense, at| {
                let to = to.wrapping_offset(dense);
                match at {
                    Some(at) if w.window.is_empty() => strided(to, from.wrapping_offset(at), 0, 1, size),
                    Some(at) => {
                        let from = from.wrapping_offset(at);
                        w.runs(|x, y, n, a, b| copy_run(to.wrapping_offset(x), a, from.wrapping_offset(y), b, n, size));
                    }
                    None => w.runs(|x, _, n, a, _| {
                        if a == size as isize || n == 1 {
                            splat(to.wrapping_offset(x), self.fill, n, size);
                        } else {
                            for i in 0..n as isize {
                                splat(to.wrapping_offset(x + i * a), self.fill, 1, size);
                            }
                        }
                    }),
                }
            });
        }
    }
}

/// # Safety
/// The elements exist, and none is in both.
#[inline(always)]
unsafe fn copy_run(to: *mut u8, a: isize, from: *const u8, b: isize, n: usize, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        if a == size as isize || n == 1 {
            strided(to, from, b, n, size);
        } else {
            for i in 0..n as isize {
                strided(to.wrapping_offset(i * a), from.wrapping_offset(i * b), 0, 1, size);
            }
        }
    }
}

/// A scatter into a value that is there already.
pub struct Scatter {
    /// The array is the value that is changed.
    pub windows: Windows,
    pub updates: (Place, isize),
    /// How elements are combined, in slices and one by one; `None` overwrites.
    pub put: Option<(Slices, Each)>,
    /// How many elements of the combination make one element: two parts of a sum of complex numbers.
    pub pieces: usize,
    /// Extents of the updates, if they must be taken one by one in their row-major order: windows may overlap, and their dimensions
    /// are not the last ones.
    ///
    /// For each dimension of the updates: its extent, its stride in the indices (0 for one of the window), and that in the array (0 for
    /// one of the batch that is no batching dimension).
    pub one_by_one: Option<Axes<2>>,
}

impl Scatter {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let w = &self.windows;
        let size = w.size;
        // SAFETY: windows are clamped or inside.
        unsafe {
            let (to, from) = (frame.spot(w.array), frame.spot(self.updates));
            let put = |to: *mut u8, b: isize, from: *const u8, a: isize, n: usize| match self.put {
                None => copy_run(to, b, from, a, n, size),
                Some((f, _)) if a == size as isize && b == a || n == 1 => f(to, from, 0, 1, n * self.pieces),
                Some((f, _)) => {
                    for i in 0..n as isize {
                        f(to.wrapping_offset(i * b), from.wrapping_offset(i * a), 0, 1, self.pieces);
                    }
                }
            };
            if let Some(dims) = &self.one_by_one {
                return self.in_order(frame, dims, |at, k| put(to.wrapping_offset(at), 0, from.add(k * size), 0, 1));
            }
            if let Some(row) = w.row() {
                let each = match self.put {
                    Some((_, each)) => each,
                    None => by_size!(set_each, w.isa, size),
                };
                return w.each_some(frame, |at, strides, places| {
                    let (to, from) = (to.wrapping_offset(at[1]), from.wrapping_offset(at[0]));
                    if row * self.pieces == 1 {
                        return each(to, strides[1], from, strides[0], places.as_ptr(), places.len());
                    }
                    for (k, place) in places.iter().enumerate().filter(|p| *p.1 != NOWHERE) {
                        let to = to.wrapping_offset(k as isize * strides[1] + *place as isize);
                        put(to, size as isize, from.wrapping_offset(k as isize * strides[0]), size as isize, row);
                    }
                });
            }
            w.each(frame, |dense, at| {
                if let Some(at) = at {
                    let (to, from) = (to.wrapping_offset(at), from.wrapping_offset(dense));
                    w.runs(|x, y, n, a, b| put(to.wrapping_offset(y), b, from.wrapping_offset(x), a, n));
                }
            });
        }
    }
    /// Calls `f` with the places of the updates that have one, and their numbers.
    ///
    /// # Safety
    /// As for [`Scatter::run`].
    unsafe fn in_order(&self, frame: &Frame, dims: &Axes<2>, mut f: impl FnMut(isize, usize)) {
        let w = &self.windows;
        let indices = frame.spot(w.indices);
        let mut k = 0;
        walk(dims, |[at, inside]| {
            // SAFETY: an index vector lies at every offset.
            if !w.never
                && let Some(start) = unsafe { w.start(indices.wrapping_offset(at)) }
            {
                f(start + inside, k);
            }
            k += 1;
        });
    }
}
