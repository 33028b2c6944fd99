//! Steps whose places depend on values: pieces at run-time positions, gather and scatter; and concatenation.

use super::access::{Access, Axes, splat, strided, walk};
use super::build::Place;
use super::fold::Slices;
use super::run::Frame;
use crate::{Bounds, Dt};
use smallvec::SmallVec;

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
            self.access.copy(frame.at(self.to), from);
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

/// Operands one behind the other.
pub struct Concat {
    pub to: Place,
    /// Each operand, how it is read, and its elements in a row.
    pub pieces: Vec<(Place, Access, usize)>,
    /// Number of rows.
    pub outer: usize,
}
impl Concat {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        // SAFETY: the pieces make up the whole.
        unsafe {
            let mut to = frame.at(self.to);
            for o in 0..self.outer {
                for (place, access, row) in &self.pieces {
                    if self.outer == 1 {
                        access.copy(to, frame.at(*place));
                    } else {
                        access.read(to, frame.at(*place), o * row, *row);
                    }
                    to = to.add(row * access.size);
                }
            }
        }
    }
}

/// How the windows of a gather or scatter lie in the array, and their elements in the dense windows (the result of a gather, the
/// updates of a scatter). Strides in bytes.
pub struct Windows {
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
    /// Does no window fit into the array anywhere?
    pub never: bool,
    /// Bytes of an element.
    pub size: usize,
}

impl Windows {
    /// Merges dimensions of a window that are contiguous in both.
    pub fn collapse(&mut self) {
        let mut out: Axes<2> = SmallVec::new();
        for (n, strides) in &self.window {
            match out.last_mut() {
                _ if *n == 1 => {}
                Some((m, last)) if *last == strides.map(|s| s.wrapping_mul(*n as isize)) => {
                    (*m, *last) = (*m * n, *strides)
                }
                _ => out.push((*n, *strides)),
            }
        }
        self.window = out;
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
    /// How elements are combined; `None` overwrites.
    pub put: Option<Slices>,
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
                Some(f) if a == size as isize && b == a || n == 1 => f(to, from, 0, 1, n * self.pieces),
                Some(f) => {
                    for i in 0..n as isize {
                        f(to.wrapping_offset(i * b), from.wrapping_offset(i * a), 0, 1, self.pieces);
                    }
                }
            };
            if let Some(dims) = &self.one_by_one {
                return self.in_order(frame, dims, |at, k| put(to.wrapping_offset(at), 0, from.add(k * size), 0, 1));
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
