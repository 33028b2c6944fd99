//! Windows that move over an array: convolutions, folds of windows, and extremes of windows.
//!
//! A row of results is computed at once: either the inner dimensions in which windows have one element, or the windows along the last dimension. Its
//! elements are *lanes*. The places of a window are gone through in row-major order, so that each lane sees its own in that order.

use super::access::{splat, strided};
use super::build::{Builder, Place};
use super::fold::{self, Places, Slices};
use super::place::bytes;
use super::run::{Frame, Shared, Step};
use super::scalar::Ord2;
use crate::conv::{self, Space};
use crate::isa::Isa;
use crate::{Buffer, ConvSpec, Dt, Slide, Ty, View, multiversion, pool};
use smallvec::SmallVec;
use std::ops::Range;

/// A convolution, and where its operands and its result lie.
pub struct Conv {
    conv: conv::Conv,
    x: (Place, isize),
    filter: (Place, isize),
    to: Place,
}
impl Conv {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        // SAFETY: the caller's.
        unsafe { self.conv.run(frame.spot(self.x), frame.spot(self.filter), frame.at(self.to)) }
    }
}

/// A dimension over which windows move, and its stride in elements.
#[derive(Clone, Copy)]
struct Axis {
    slide: Slide,
    n: usize,
    windows: usize,
    stride: isize,
}

/// How rows of windows are gone through.
struct Rows {
    outer: SmallVec<[Axis; 4]>,
    /// The windows along the last dimension are the lanes.
    along: Option<Axis>,
    lanes: usize,
    /// Places of a window in the outer dimensions, as offsets from its first place, if nothing is dilated.
    table: Option<Vec<isize>>,
}
/// A place that is padding.
const PADDING: isize = isize::MIN;
/// More places of a window than this are counted anew for each row.
const TABLE: usize = 4096;

impl Rows {
    fn new(slides: &[Slide], dims: &[usize], windows: &[usize]) -> Rows {
        let radix = crate::row_major(dims);
        let axis = |d: usize| Axis { slide: slides[d], n: dims[d], windows: windows[d], stride: radix[d] as isize };
        let unit = |a: &Axis| a.slide == Slide::UNIT && a.n == a.windows;
        let mut outer: SmallVec<[Axis; 4]> = (0..dims.len()).map(axis).collect();
        let mut lanes = 1;
        while let Some(a) = outer.last().filter(|a| unit(a)) {
            lanes *= a.n;
            outer.pop();
        }
        let along = if lanes == 1 { outer.pop() } else { None };
        if let Some(a) = along {
            lanes = a.windows;
        }
        let count = outer.iter().map(|a| a.slide.size).product::<usize>();
        let mut table = None;
        if count <= TABLE && outer.iter().all(|a| a.slide.base == 1) {
            let mut all = vec![0];
            for a in &outer {
                let step = a.slide.dilation as isize * a.stride;
                all = all.iter().flat_map(|o| (0..a.slide.size as isize).map(move |j| o + j * step)).collect();
            }
            table = Some(all);
        }
        Rows { outer, along, lanes, table }
    }
    /// Windows along the first dimension, which threads share.
    fn across(&self) -> usize {
        self.outer.first().map_or(1, |a| a.windows)
    }
    /// Calls `work` with parts of the windows along the first dimension, on several threads if it is worth it: `ns` is what an element of a window takes.
    fn share(&self, ns: f64, work: &(dyn Fn(Range<usize>) + Sync)) {
        let places = self.outer.iter().map(|a| a.windows * a.slide.size).product::<usize>() * self.lanes * self.steps();
        let (n, ns) = (self.across(), ns * places as f64);
        let each = n.div_ceil(pool::chunks(ns)).max(1);
        pool::parallel(n.div_ceil(each), ns, &|k| work(k * each..n.min((k + 1) * each)))
    }
    /// Calls `f` for every row of these windows along the first dimension with the offset of its first result, and the offsets of the places of its windows in the outer
    /// dimensions. Rows without padding say so.
    fn each(&self, across: Range<usize>, mut f: impl FnMut(usize, &[isize], bool)) {
        if self.lanes == 0 || across.is_empty() || self.outer.iter().any(|a| a.windows == 0) {
            return;
        }
        let mut i: SmallVec<[usize; 4]> = SmallVec::from_elem(0, self.outer.len());
        let mut places = Vec::new();
        let mut first = self.lanes * across.start * self.outer.iter().skip(1).map(|a| a.windows).product::<usize>();
        if let Some(i) = i.first_mut() {
            *i = across.start
        }
        loop {
            places.clear();
            let inside = self.places(&i, &mut places);
            f(first, &places, inside);
            first += self.lanes;
            let end = |d: usize| if d == 0 { across.end } else { self.outer[d].windows };
            let Some(d) = (0..i.len()).rev().find(|d| i[*d] + 1 < end(*d)) else { return };
            i[d] += 1;
            i[d + 1..].fill(0);
        }
    }
    fn places(&self, i: &[usize], places: &mut Vec<isize>) -> bool {
        if let Some(table) = &self.table {
            let mut base = 0;
            let mut inside = true;
            for (i, a) in i.iter().zip(&self.outer) {
                let q = (i * a.slide.stride) as i64 - a.slide.lo;
                inside &= q >= 0 && q + (((a.slide.size - 1) * a.slide.dilation) as i64) < a.n as i64;
                base += q as isize * a.stride;
            }
            if inside {
                places.extend(table.iter().map(|t| base + t));
                return true;
            }
        }
        places.push(0);
        for (i, a) in i.iter().zip(&self.outer) {
            let before = places.len();
            for k in 0..before {
                let at = places[k];
                for j in 0..a.slide.size {
                    let next = a.slide.at(*i, j, a.n).filter(|_| at != PADDING);
                    places.push(next.map_or(PADDING, |e| at + e as isize * a.stride));
                }
            }
            places.drain(..before);
        }
        false
    }
    /// Places of the windows along the last dimension.
    fn steps(&self) -> usize {
        self.along.map_or(1, |a| a.slide.size)
    }
    /// The elements of all lanes at place `j` along the last dimension: where they are, or in `area` with `fill` for padding.
    ///
    /// # Safety
    /// `x` is the first element; the area has room for the lanes.
    unsafe fn row(&self, x: *const u8, at: isize, j: usize, fill: [u64; 2], area: *mut u8, size: usize) -> *const u8 {
        let bytes = |elements: isize| elements * size as isize;
        let Some(a) = self.along.filter(|_| at != PADDING) else {
            if at != PADDING {
                return x.wrapping_offset(bytes(at));
            }
            // SAFETY: the caller's.
            unsafe { splat(area, fill, self.lanes, size) };
            return area;
        };
        let s = a.slide;
        let lead = (j * s.dilation) as i64 - s.lo;
        // SAFETY: what is copied is inside of the array, and there is room for a lane each.
        unsafe {
            if s.base > 1 {
                for i in 0..self.lanes {
                    let to = area.add(i * size);
                    match s.at(i, j, a.n) {
                        Some(e) => strided(to, x.wrapping_offset(bytes(at + e as isize * a.stride)), 0, 1, size),
                        None => splat(to, fill, 1, size),
                    }
                }
                return area;
            }
            let step = s.stride as i64;
            let up = |q: i64| if q <= 0 { 0 } else { ((q + step - 1) / step) as usize };
            let (first, end) = (up(-lead).min(self.lanes), up(a.n as i64 - lead).min(self.lanes));
            let origin = x.wrapping_offset(bytes(at + lead as isize * a.stride));
            let distance = bytes(s.stride as isize * a.stride);
            if first == 0 && end == self.lanes && distance == size as isize {
                return origin;
            }
            splat(area, fill, first, size);
            if first < end {
                let from = origin.wrapping_offset(first as isize * distance);
                strided(area.add(first * size), from, distance, end - first, size);
                splat(area.add(end * size), fill, self.lanes - end, size);
            } else {
                splat(area.add(first * size), fill, self.lanes - first, size);
            }
            area
        }
    }
}

/// About how many nanoseconds a thread takes to fold an element of a window, and to ask whether it is the one that is chosen.
const FOLD_NS: f64 = 0.2;
const CHOOSE_NS: f64 = 0.6;

/// The folds of windows.
pub struct Fold {
    rows: Rows,
    from: (Place, isize),
    to: Place,
    /// What a fold starts with.
    empty: [u64; 2],
    slices: Slices,
    /// For windows without padding.
    places: Option<Places>,
    size: usize,
    /// Two for the parts of complex numbers.
    parts: usize,
}
impl Fold {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let shared = Shared::new(self, frame);
        self.rows.share(FOLD_NS, &|across| {
            let (step, frame) = shared.both();
            // SAFETY: the caller's; a result is written once.
            unsafe { step.some(frame, across) }
        })
    }
    /// # Safety
    /// As for [`Fold::run`].
    unsafe fn some(&self, frame: &Frame, across: Range<usize>) {
        let (r, size) = (&self.rows, self.size);
        let (x, to) = (frame.spot(self.from).cast_const(), frame.at(self.to));
        let area = Buffer::uninit(r.lanes * size);
        let n = r.lanes * self.parts;
        let group = r.outer.last().map_or(1, |a| a.slide.size);
        let step = r.outer.last().map_or(0, |a| a.slide.dilation as isize * a.stride * size as isize);
        r.each(across, |first, places, inside| {
            // SAFETY: places that are no padding are inside of the array, and the result has a row.
            unsafe {
                let acc = to.add(first * size);
                if let Some(f) = self.places.filter(|_| inside && r.along.is_none()) {
                    return f(acc, x, places.as_ptr(), places.len(), n, self.empty.as_ptr().cast());
                }
                splat(acc, self.empty, r.lanes, size);
                if inside && r.along.is_none() {
                    for at in places.iter().step_by(group) {
                        (self.slices)(acc, x.wrapping_offset(at * size as isize), step, group, n);
                    }
                    return;
                }
                for at in places.iter().filter(|at| **at != PADDING) {
                    for j in 0..r.steps() {
                        (self.slices)(acc, r.row(x, *at, j, self.empty, area.ptr(), size), 0, 1, n);
                    }
                }
            }
        });
    }
}

/// `choose(best, index, x, n, t)`: where `x` is better than the best, it is the best, with index `t`.
type Choose = unsafe fn(*mut u8, *mut u32, *const u8, usize, u32);

multiversion! {
    /// Greatest numbers, of which the first stays.
    fn greatest<T: Ord2>(best: *mut u8, index: *mut u32, x: *const u8, n: usize, t: u32) {
        let (best, x) = (best.cast::<T>(), x.cast::<T>());
        for i in 0..n {
            // SAFETY: there are n of each.
            unsafe {
                let (b, x) = (*best.add(i), *x.add(i));
                let stays = b >= x;
                *best.add(i) = if stays { b } else { x };
                *index.add(i) = if stays { *index.add(i) } else { t };
            }
        }
    }
    /// Least numbers.
    fn least<T: Ord2>(best: *mut u8, index: *mut u32, x: *const u8, n: usize, t: u32) {
        let (best, x) = (best.cast::<T>(), x.cast::<T>());
        for i in 0..n {
            // SAFETY: there are n of each.
            unsafe {
                let (b, x) = (*best.add(i), *x.add(i));
                let stays = b <= x;
                *best.add(i) = if stays { b } else { x };
                *index.add(i) = if stays { *index.add(i) } else { t };
            }
        }
    }
    /// Windows that do not overlap: place `t` has the value of the lanes that chose it, the others 0. Zeros are positive.
    fn spread<T: Spread>(to: *mut u8, index: *const u32, x: *const u8, n: usize, t: u32) {
        let (to, x) = (to.cast::<T>(), x.cast::<T>());
        for i in 0..n {
            // SAFETY: there are n of each.
            unsafe { *to.add(i) = if *index.add(i) == t { (*x.add(i)).onto_zero() } else { T::ZERO } }
        }
    }
}

/// What [`spread`] writes.
trait Spread: Copy {
    const ZERO: Self;
    /// `0 + self`.
    fn onto_zero(self) -> Self;
}
macro_rules! spread {
    ($($t:ty, $zero:expr;)*) => { $(
        impl Spread for $t {
            const ZERO: $t = $zero;
            #[inline(always)]
            fn onto_zero(self) -> $t { self + $zero }
        }
    )* };
}
spread!(f32, 0.0; f64, 0.0; u8, 0; u16, 0; u32, 0; u64, 0;);

/// The choice of a place in each window.
struct Choice {
    rows: Rows,
    by: (Place, isize),
    /// What padding is, in the type that is compared.
    worst: [u64; 2],
    choose: Choose,
    /// Bytes of a number that is compared.
    size: usize,
}
/// No place is chosen yet.
const NONE: u32 = u32::MAX;

impl Choice {
    /// Calls `f` for every row of some windows along the first dimension with the offset of its first window, the places of its windows in the outer dimensions, and the places that its lanes
    /// chose: a place in the outer dimensions times those along the last, and one of those.
    ///
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    unsafe fn each(
        &self,
        frame: &Frame,
        across: Range<usize>,
        from_nothing: bool,
        mut f: impl FnMut(usize, &[isize], &[u32]),
    ) {
        let (r, size) = (&self.rows, self.size);
        let by = frame.spot(self.by).cast_const();
        let (best, area) = (Buffer::uninit(r.lanes * size), Buffer::uninit(r.lanes * size));
        let mut index = vec![NONE; r.lanes];
        r.each(across, |first, places, _| {
            let steps = r.steps();
            index.fill(if from_nothing { NONE } else { 0 });
            // SAFETY: as in `Fold::run`.
            unsafe {
                if from_nothing {
                    splat(best.ptr(), self.worst, r.lanes, size);
                }
                for (p, at) in places.iter().enumerate() {
                    for j in 0..steps {
                        let row = r.row(by, *at, j, self.worst, area.ptr(), size);
                        if !from_nothing && p + j == 0 {
                            best.ptr().copy_from_nonoverlapping(row, r.lanes * size);
                        } else {
                            (self.choose)(best.ptr(), index.as_mut_ptr(), row, r.lanes, (p * steps + j) as u32);
                        }
                    }
                }
            }
            f(first, places, &index);
        });
    }
    /// Where a lane's choice lies, unless it is padding.
    fn place(&self, places: &[isize], lane: usize, t: u32) -> Option<isize> {
        if t == NONE {
            return None;
        }
        let steps = self.rows.steps();
        let at = places[t as usize / steps];
        if at == PADDING {
            return None;
        }
        match &self.rows.along {
            None => Some(at + lane as isize),
            Some(a) => a.slide.at(lane, t as usize % steps, a.n).map(|e| at + e as isize * a.stride),
        }
    }
}

/// The values of the chosen.
pub struct Pick {
    choice: Choice,
    from: (Place, isize),
    to: Place,
    size: usize,
}
impl Pick {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let shared = Shared::new(self, frame);
        self.choice.rows.share(CHOOSE_NS, &|across| {
            let (step, frame) = shared.both();
            // SAFETY: the caller's; a result is written once.
            unsafe { step.some(frame, across) }
        })
    }
    /// # Safety
    /// As for [`Pick::run`].
    unsafe fn some(&self, frame: &Frame, across: Range<usize>) {
        let (x, to, size) = (frame.spot(self.from).cast_const(), frame.at(self.to), self.size);
        // SAFETY: the caller's; a chosen place is inside of the array.
        unsafe {
            self.choice.each(frame, across, true, |first, places, index| {
                for (lane, t) in index.iter().enumerate() {
                    let to = to.add((first + lane) * size);
                    match self.choice.place(places, lane, *t) {
                        Some(at) => strided(to, x.wrapping_offset(at * size as isize), 0, 1, size),
                        None => splat(to, [0; 2], 1, size),
                    }
                }
            })
        }
    }
}

/// Every window's value, added to the chosen.
pub struct Put {
    choice: Choice,
    from: (Place, isize),
    to: Place,
    /// Elements of the result.
    len: usize,
    size: usize,
    add: Slices,
    parts: usize,
    /// For windows that do not overlap, and whose lanes lie side by side.
    spread: Option<unsafe fn(*mut u8, *const u32, *const u8, usize, u32)>,
    /// Does every place belong to a window?
    covered: bool,
    /// Do windows not overlap along the first dimension?
    apart: bool,
}
impl Put {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        if !self.covered {
            // SAFETY: the caller's.
            unsafe { frame.at(self.to).write_bytes(0, self.len * self.size) }
        }
        let shared = Shared::new(self, frame);
        let some = |across| {
            let (step, frame) = shared.both();
            // SAFETY: the caller's; what is shared belongs to one window along the first dimension.
            unsafe { step.some(frame, across) }
        };
        let rows = &self.choice.rows;
        if self.apart { rows.share(CHOOSE_NS, &some) } else { some(0..rows.across()) }
    }
    /// # Safety
    /// As for [`Put::run`].
    unsafe fn some(&self, frame: &Frame, across: Range<usize>) {
        let (x, to, size) = (frame.spot(self.from).cast_const(), frame.at(self.to), self.size);
        // SAFETY: the caller's; a chosen place is inside of the result.
        unsafe {
            self.choice.each(frame, across, false, |first, places, index| {
                let x = x.wrapping_add(first * size);
                if let Some(spread) = self.spread {
                    for (t, at) in places.iter().enumerate().filter(|p| *p.1 != PADDING) {
                        spread(to.wrapping_offset(at * size as isize), index.as_ptr(), x, index.len(), t as u32);
                    }
                    return;
                }
                for (lane, t) in index.iter().enumerate() {
                    if let Some(at) = self.choice.place(places, lane, *t) {
                        let to = to.wrapping_offset(at * size as isize);
                        (self.add)(to, x.wrapping_add(lane * size), 0, 1, self.parts);
                    }
                }
            })
        }
    }
}

/// In which type numbers are compared: a few stand for all.
fn comparable(dt: Dt) -> Dt {
    match dt {
        Dt::F16 | Dt::Bf16 => Dt::F32,
        Dt::Bool | Dt::I8 | Dt::I16 | Dt::U8 | Dt::U16 => Dt::I32,
        dt => dt,
    }
}

fn choose_kernel(isa: Isa, max: bool, dt: Dt) -> Choose {
    macro_rules! one {
        ($t:ty) => {
            if max { greatest::<$t>(isa) } else { least::<$t>(isa) }
        };
    }
    match dt {
        Dt::I32 => one!(i32),
        Dt::I64 => one!(i64),
        Dt::U32 => one!(u32),
        Dt::U64 => one!(u64),
        Dt::F32 => one!(f32),
        _ => one!(f64),
    }
}

impl Builder<'_> {
    /// A convolution.
    pub fn conv(&mut self, u: usize, ty: &Ty, spec: &ConvSpec) -> Place {
        let src = self.p.ty(self.plan.sources[u].val).dt;
        let d = spec.slides.len();
        let mut sides: SmallVec<[(Place, isize, View); 2]> = SmallVec::new();
        for k in 0..2 {
            let (place, mut view) = self.unguarded(u + k);
            // Strides that lead nowhere may be anything.
            let empty = view.dims.contains(&0);
            for (s, n) in view.strides.iter_mut().zip(&view.dims) {
                if empty || *n == 1 {
                    *s = 0
                }
            }
            sides.push((place, bytes(view.offset, src.size()), view));
        }
        let (x, filter) = (&sides[0].2, &sides[1].2);
        let stride = |v: &View, k: usize| v.strides[k] as isize;
        let first = if spec.batch_last { 0 } else { 1 };
        let space = (0..d).map(|k| Space {
            slide: spec.slides[k],
            n: x.dims[k + 2],
            windows: ty.dims[first + k],
            x: stride(x, k + 2),
            filter: stride(filter, k + 1),
        });
        let conv = conv::Conv {
            isa: self.isa,
            acc: spec.acc,
            src,
            order: spec.order,
            groups: x.dims[0],
            batch: x.dims[1],
            channels: x.dims[d + 2],
            features: filter.dims[d + 2],
            space: space.collect(),
            batch_last: spec.batch_last,
            x: [stride(x, 0), stride(x, 1), stride(x, d + 2)],
            filter: [stride(filter, 0), stride(filter, d + 1), stride(filter, d + 2)],
        };
        let to = self.take(ty);
        let sums = if spec.acc == ty.dt { to } else { self.temp(&Ty { dt: spec.acc, dims: ty.dims.clone() }) };
        let (x, filter) = ((sides[0].0, sides[0].1), (sides[1].0, sides[1].1));
        self.emit(Step::Conv(Box::new(Conv { conv, x, filter, to: sums })));
        if spec.acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), spec.acc, ty.dt, to);
        }
        to
    }

    /// The folds of windows.
    pub fn window(&mut self, u: usize, ty: &Ty, op: crate::Fold, slides: &[Slide]) -> Place {
        let acc = ty.dt.acc();
        let from = self.dense_as(u, acc);
        let rows = Rows::new(slides, self.p.dims_of(&self.p.uses[u]), &ty.dims);
        let to = self.take(ty);
        let sums = if acc == ty.dt { to } else { self.temp(&Ty { dt: acc, dims: ty.dims.clone() }) };
        let put = match op {
            crate::Fold::Sum => crate::Put::Add,
            crate::Fold::Max => crate::Put::Max,
            _ => crate::Put::Min,
        };
        let (slices, _) = fold::put_kernel(self.isa, put, acc).expect("an operation");
        let parts = if acc.is_complex() { 2 } else { 1 };
        let empty = fold::empty(op, acc);
        self.emit(Step::Fold(Box::new(Fold {
            rows,
            from,
            to: sums,
            empty,
            slices,
            places: fold::places_kernel(self.isa, op, acc),
            size: acc.size(),
            parts,
        })));
        if acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), acc, ty.dt, to);
        }
        to
    }

    /// The choice of a place in each of `windows`: by operand `u`.
    fn choice(&mut self, u: usize, max: bool, slides: &[Slide], windows: &[usize]) -> Choice {
        let dt = self.p.ty(self.plan.sources[u].val).dt;
        let rows = Rows::new(slides, self.p.dims_of(&self.p.uses[u]), windows);
        let compared = comparable(dt);
        let by = self.dense_as(u, compared);
        let op = if max { crate::Fold::Max } else { crate::Fold::Min };
        let mut worst = fold::empty(op, dt.acc());
        if compared == Dt::I32 && dt != Dt::I32 {
            // The least number of a narrow type, as a wide one.
            let shift = 64 - 8 * dt.size();
            let narrow = worst[0] << shift;
            let wide = if dt.is_signed() { (narrow as i64 >> shift) as u64 } else { narrow >> shift };
            worst = [wide & 0xffff_ffff, 0];
        }
        Choice { rows, by, worst, choose: choose_kernel(self.isa, max, compared), size: compared.size() }
    }

    /// The values of the chosen.
    pub fn pick(&mut self, u: usize, ty: &Ty, max: bool, slides: &[Slide]) -> Place {
        let choice = self.choice(u + 1, max, slides, &ty.dims);
        let from = self.dense(u);
        let to = self.take(ty);
        self.emit(Step::Pick(Box::new(Pick { choice, from, to, size: ty.dt.size() })));
        to
    }

    /// Every window's value, added to the chosen.
    pub fn put(&mut self, u: usize, ty: &Ty, max: bool, slides: &[Slide]) -> Place {
        let windows = self.p.dims_of(&self.p.uses[u]).clone();
        let choice = self.choice(u + 1, max, slides, &windows);
        let acc = ty.dt.acc();
        let from = self.dense_as(u, acc);
        let to = self.take(ty);
        let sums = if acc == ty.dt { to } else { self.temp(&Ty { dt: acc, dims: ty.dims.clone() }) };
        let apart = |s: &Slide| s.base == 1 && (s.size == 1 || s.dilation == 1 && s.stride >= s.size);
        let covered = slides.iter().zip(&ty.dims).zip(&windows).all(|((s, n), w)| {
            s.base == 1 && s.lo >= 0 && s.dilation == 1 && s.stride <= s.size && {
                // The last window reaches the end.
                *w > 0 && ((w - 1) * s.stride + s.size) as i64 - s.lo >= *n as i64
            }
        });
        let disjoint = choice.rows.along.is_none() && slides.iter().all(apart);
        let spread = if !disjoint {
            None
        } else {
            match (acc, acc.size()) {
                (Dt::F32, _) => Some(spread::<f32>(self.isa)),
                (Dt::F64, _) => Some(spread::<f64>(self.isa)),
                (Dt::C64 | Dt::C128, _) => None,
                (_, 1) => Some(spread::<u8>(self.isa)),
                (_, 2) => Some(spread::<u16>(self.isa)),
                (_, 4) => Some(spread::<u32>(self.isa)),
                _ => Some(spread::<u64>(self.isa)),
            }
        };
        let put = if acc == Dt::Bool { crate::Put::Max } else { crate::Put::Add };
        let (add, _) = fold::put_kernel(self.isa, put, acc).expect("an operation");
        self.emit(Step::Put(Box::new(Put {
            choice,
            from,
            to: sums,
            len: ty.len(),
            size: acc.size(),
            add,
            parts: if acc.is_complex() { 2 } else { 1 },
            covered: spread.is_some() && covered,
            apart: slides.first().is_none_or(apart),
            spread,
        })));
        if acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), acc, ty.dt, to);
        }
        to
    }
}
