//! Steps along one dimension whose result is not a fold: prefixes, and the index of an extreme.

use super::build::Place;
use super::fold::{self, Combine, FoldOp};
use super::run::Frame;
use super::scalar::Ord2;
use crate::float::Flush;
use crate::isa::Isa;
use crate::multiversion;
use crate::{Buffer, Dt, Fold, M, math};

/// Elements of a prefix's block and of a group in it.
pub const BLOCK: usize = 1024;
const GROUP: usize = 16;
/// Columns that are worked on at once.
const TILE: usize = 64;

/// Partial folds of dense lines: `outer` times `n` rows of `inner` elements.
pub struct Prefix {
    pub from: (Place, isize),
    pub to: Place,
    pub outer: usize,
    pub n: usize,
    pub inner: usize,
    pub reverse: bool,
    size: usize,
    dt: Dt,
    kernel: Lines,
}

/// `lines(out, x, n, step, c, scratch)`: prefixes of `c` columns side by side of `n` elements, each `step` elements behind the one
/// before. The scratch has room for `(GROUP + 2) * c` elements.
pub type Lines = unsafe fn(*mut u8, *const u8, usize, isize, usize, *mut u8);

impl Prefix {
    pub fn new(isa: Isa, op: Fold, dt: Dt, [outer, n, inner]: [usize; 3], reverse: bool) -> Prefix {
        // The parts of a complex sum are summed side by side.
        let pairs = op == Fold::Sum && dt.is_complex();
        Prefix {
            from: (Place::Const(0), 0),
            to: Place::Const(0),
            outer,
            n,
            inner: if pairs { 2 * inner } else { inner },
            reverse,
            size: if pairs { dt.part().size() } else { dt.size() },
            dt,
            kernel: fold::prefix_kernel(isa, op, dt),
        }
    }
    /// Bytes of memory that it works in.
    pub fn work(&self) -> usize {
        if self.outer * self.n == 0 { 0 } else { (GROUP + 2) * self.inner.min(TILE) * self.size }
    }
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let row = self.inner * self.size;
        if self.outer == 0 || self.n == 0 || row == 0 {
            return;
        }
        let tile = self.inner.min(TILE);
        let scratch = Buffer::uninit(self.work());
        // SAFETY: operand and result have `outer * n * inner` elements.
        unsafe {
            let (from, to) = (frame.spot(self.from), frame.at(self.to));
            for o in 0..self.outer {
                let mut first = o * self.n * row;
                let mut step = self.inner as isize;
                if self.reverse {
                    first += (self.n - 1) * row;
                    step = -step;
                }
                for c in (0..self.inner).step_by(tile) {
                    let at = first + c * self.size;
                    let c = tile.min(self.inner - c);
                    (self.kernel)(to.add(at), from.add(at), self.n, step, c, scratch.ptr());
                    // The first elements may have come through as they were.
                    match self.dt {
                        Dt::F32 => flush_all(to.add(at).cast::<f32>(), c),
                        Dt::F64 => flush_all(to.add(at).cast::<f64>(), c),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// # Safety
/// There are `n` elements.
unsafe fn flush_all<T: Flush + Copy>(x: *mut T, n: usize) {
    for i in 0..n {
        // SAFETY: the caller's.
        unsafe { *x.add(i) = (*x.add(i)).flush() }
    }
}

multiversion! {
    /// See [`Lines`].
    pub fn columns_of<F: Combine>(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, scratch: *mut u8) {
        // SAFETY: the caller's.
        unsafe { columns::<F>(out.cast(), x.cast(), n, step, c, scratch.cast()) }
    }
    /// See [`Lines`]; one column takes a way of its own.
    pub fn lines<F: FoldOp>(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, scratch: *mut u8) {
        // SAFETY: the caller's.
        unsafe {
            if c == 1 {
                line::<F>(out.cast(), x.cast(), n, step)
            } else {
                columns::<F>(out.cast(), x.cast(), n, step, c, scratch.cast())
            }
        }
    }
}

/// A block of a line behind a group of identities, so that there is something before every element.
type Padded<T> = [T; GROUP + BLOCK];

/// `to[i] = f(from[i - s], from[i])` inside groups; the first `s` elements of a group stay. One flat loop over all groups, because
/// that is what LLVM turns into vectors.
#[inline(always)]
fn shift<F: FoldOp>(to: &mut Padded<F::T>, from: &Padded<F::T>, n: usize, s: usize) {
    let (to, before, from) = (&mut to[GROUP..][..n], &from[GROUP - s..][..n], &from[GROUP..][..n]);
    for i in 0..n {
        let joined = F::f(before[i], from[i]);
        to[i] = if i % GROUP >= s { joined } else { from[i] };
    }
}

/// One line.
///
/// # Safety
/// The lines exist.
#[inline(always)]
unsafe fn line<F: FoldOp>(out: *mut F::T, x: *const F::T, n: usize, step: isize) {
    let (mut a, mut b) = ([F::identity(); GROUP + BLOCK], [F::identity(); GROUP + BLOCK]);
    let mut off = F::identity();
    for start in (0..n).step_by(BLOCK) {
        let m = BLOCK.min(n - start);
        // SAFETY: elements of the line.
        unsafe {
            let x = x.offset(start as isize * step);
            if step == 1 {
                a[GROUP..][..m].copy_from_slice(std::slice::from_raw_parts(x, m));
            } else {
                for i in 0..m {
                    a[GROUP + i] = *x.offset(i as isize * step);
                }
            }
        }
        shift::<F>(&mut b, &a, m, 1);
        shift::<F>(&mut a, &b, m, 2);
        shift::<F>(&mut b, &a, m, 4);
        shift::<F>(&mut a, &b, m, 8);
        // What comes before each group, in all of its elements, then all groups at once.
        let mut c = F::identity();
        for g in (0..m).step_by(GROUP) {
            b[GROUP + g..][..GROUP].fill(c);
            c = F::f(c, a[GROUP + g + GROUP - 1]);
        }
        for i in 0..m {
            a[GROUP + i] = F::f(off, F::f(b[GROUP + i], a[GROUP + i]));
        }
        // SAFETY: as above.
        unsafe {
            let out = out.offset(start as isize * step);
            if step == 1 {
                std::slice::from_raw_parts_mut(out, m).copy_from_slice(&a[GROUP..][..m]);
            } else {
                for i in 0..m {
                    *out.offset(i as isize * step) = a[GROUP + i];
                }
            }
        }
        // Only a whole block has one behind it, and its last group is whole.
        off = F::f(off, c);
    }
}

/// # Safety
/// The lines exist, and the scratch has room for `GROUP + 2` rows.
#[inline(always)]
unsafe fn columns<F: Combine>(out: *mut F::T, x: *const F::T, n: usize, step: isize, c: usize, scratch: *mut F::T) {
    // SAFETY: the caller's.
    unsafe {
        let group = scratch;
        let (last, off) = (scratch.add(GROUP * c), scratch.add((GROUP + 1) * c));
        for start in (0..n).step_by(GROUP) {
            let m = GROUP.min(n - start);
            for i in 0..m {
                std::ptr::copy_nonoverlapping(x.offset((start + i) as isize * step), group.add(i * c), c);
            }
            for s in [1, 2, 4, 8] {
                for i in (s..m).rev() {
                    combine::<F>(group.add(i * c), group.add((i - s) * c), c);
                }
            }
            let in_block = start % BLOCK;
            for i in 0..m {
                let v = group.add(i * c);
                if in_block > 0 {
                    combine::<F>(v, last, c);
                }
                let to = out.offset((start + i) as isize * step);
                std::ptr::copy_nonoverlapping(v, to, c);
                if start >= BLOCK {
                    combine::<F>(to, off, c);
                }
            }
            std::ptr::copy_nonoverlapping(group.add((m - 1) * c), last, c);
            if in_block + GROUP == BLOCK {
                if start >= BLOCK {
                    combine::<F>(last, off, c);
                }
                std::ptr::copy_nonoverlapping(last, off, c);
            }
        }
    }
}

/// `v[i] = f(before[i], v[i])`.
///
/// # Safety
/// Both have `c` elements, and none is in both.
#[inline(always)]
unsafe fn combine<F: Combine>(v: *mut F::T, before: *const F::T, c: usize) {
    #[inline(always)]
    fn each<F: Combine>(v: &mut [F::T], before: &[F::T]) {
        for i in 0..v.len().min(before.len()) {
            v[i] = F::f(before[i], v[i]);
        }
    }
    // SAFETY: the caller's.
    unsafe { each::<F>(std::slice::from_raw_parts_mut(v, c), std::slice::from_raw_parts(before, c)) }
}

macro_rules! log_add_exp {
    ($name:ident, $t:ty, $eval:path) => {
        /// The sequential prefix of `log(exp a + exp b)`.
        ///
        /// # Safety
        /// As for [`Lines`].
        pub unsafe fn $name(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, _: *mut u8) {
            let (out, x) = (out.cast::<$t>(), x.cast::<$t>());
            for i in 0..n as isize {
                for j in 0..c as isize {
                    // SAFETY: the lines exist.
                    unsafe {
                        let v = *x.offset(i * step + j);
                        *out.offset(i * step + j) = if i == 0 {
                            v
                        } else {
                            let before = *out.offset((i - 1) * step + j);
                            let d = before - v;
                            if d.nan() {
                                before + v
                            } else {
                                before.greater(v) + $eval(M::Log1p, $eval(M::Exp, -d.abs(), 0.0), 0.0)
                            }
                        };
                    }
                }
            }
        }
    };
}
log_add_exp!(log_add_exp32, f32, math::eval32);
log_add_exp!(log_add_exp64, f64, math::eval64);

/// The index of the first extreme of dense lines.
pub struct Extreme {
    pub from: (Place, isize),
    pub to: Place,
    pub outer: usize,
    pub n: usize,
    pub inner: usize,
    /// Bytes of an operand's element.
    size: usize,
    /// Bytes of a result's element.
    index: usize,
    row: unsafe fn(*const u8, usize) -> usize,
    rows: unsafe fn(*mut i64, *mut u8, *const u8, usize, usize, usize),
}

/// Elements of a row among which an extreme is found before it is looked for, and how many are compared at once.
const PIECE: usize = 512;
const LANES: usize = 64;

trait Better {
    type T: Ord2;
    fn better(a: Self::T, b: Self::T) -> bool;
    /// The extreme of two; a NaN if there is one.
    fn of(a: Self::T, b: Self::T) -> Self::T;
}
struct Greater<T>(std::marker::PhantomData<T>);
struct Less<T>(std::marker::PhantomData<T>);
impl<T: Ord2> Better for Greater<T> {
    type T = T;
    #[inline(always)]
    fn better(a: T, b: T) -> bool {
        a > b
    }
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.greater(b)
    }
}
impl<T: Ord2> Better for Less<T> {
    type T = T;
    #[inline(always)]
    fn better(a: T, b: T) -> bool {
        a < b
    }
    #[inline(always)]
    fn of(a: T, b: T) -> T {
        a.lesser(b)
    }
}

multiversion! {
    /// The index in a row of `n`, at least 1.
    fn row<B: Better>(x: *const u8, n: usize) -> usize {
        // SAFETY: the caller's.
        let x = unsafe { std::slice::from_raw_parts(x.cast::<B::T>(), n) };
        // The extreme of every piece, and which of them has it first.
        let (mut best, mut at) = (x[0], 0);
        for (k, piece) in x.chunks(PIECE).enumerate() {
            let extreme = extreme_of::<B>(piece);
            if B::better(extreme, best) || extreme.nan() {
                (best, at) = (extreme, k * PIECE);
            }
            if extreme.nan() {
                break;
            }
        }
        // It is looked for by lanes, and then among them.
        for lanes in x[at..].chunks(LANES) {
            if any_is(lanes, best) {
                at += lanes.iter().position(|v| *v == best || v.nan()).unwrap_or(0);
                break;
            }
            at += lanes.len();
        }
        at
    }
    /// The indices of `c` columns side by side: `n` rows, `stride` bytes apart. `best` has room for `c` elements.
    fn rows<B: Better>(index: *mut i64, best: *mut u8, x: *const u8, n: usize, stride: usize, c: usize) {
        // SAFETY: the caller's.
        unsafe {
            std::ptr::copy_nonoverlapping(x.cast::<B::T>(), best.cast::<B::T>(), c);
            let best = std::slice::from_raw_parts_mut(best.cast::<B::T>(), c);
            let index = std::slice::from_raw_parts_mut(index, c);
            index.fill(0);
            for k in 1..n {
                replace::<B>(index, best, std::slice::from_raw_parts(x.add(k * stride).cast::<B::T>(), c), k as i64);
            }
        }
    }
}

#[inline(always)]
fn extreme_of<B: Better>(x: &[B::T]) -> B::T {
    let mut lanes = [x[0]; LANES];
    let mut whole = x.chunks_exact(LANES);
    for c in &mut whole {
        for i in 0..LANES {
            lanes[i] = B::of(lanes[i], c[i]);
        }
    }
    let rest = whole.remainder();
    for i in 0..rest.len() {
        lanes[i] = B::of(lanes[i], rest[i]);
    }
    halve::<B, 32>(&mut lanes);
    halve::<B, 16>(&mut lanes);
    halve::<B, 8>(&mut lanes);
    let mut best = lanes[0];
    for v in &lanes[1..8] {
        best = B::of(best, *v);
    }
    best
}
#[inline(always)]
fn halve<B: Better, const H: usize>(lanes: &mut [B::T; LANES]) {
    for i in 0..H {
        lanes[i] = B::of(lanes[i], lanes[i + H]);
    }
}
/// Is one of these it, or NaN?
#[inline(always)]
fn any_is<T: Ord2>(x: &[T], it: T) -> bool {
    let mut any = false;
    for v in x {
        any |= *v == it || v.nan();
    }
    any
}
#[inline(always)]
fn replace<B: Better>(index: &mut [i64], best: &mut [B::T], x: &[B::T], k: i64) {
    for i in 0..index.len().min(best.len()).min(x.len()) {
        let (b, v) = (best[i], x[i]);
        let take = !b.nan() && (B::better(v, b) || v.nan());
        index[i] = if take { k } else { index[i] };
        best[i] = if take { v } else { b };
    }
}

impl Extreme {
    /// `dt` is not complex and not of half precision.
    pub fn new(isa: Isa, max: bool, dt: Dt, index: Dt, [outer, n, inner]: [usize; 3]) -> Extreme {
        macro_rules! pick {
            ($t:ty) => {
                if max {
                    (row::<Greater<$t>>(isa), rows::<Greater<$t>>(isa))
                } else {
                    (row::<Less<$t>>(isa), rows::<Less<$t>>(isa))
                }
            };
        }
        let (row, rows) = match dt {
            Dt::I8 => pick!(i8),
            Dt::I16 => pick!(i16),
            Dt::I32 => pick!(i32),
            Dt::I64 => pick!(i64),
            Dt::U16 => pick!(u16),
            Dt::U32 => pick!(u32),
            Dt::U64 => pick!(u64),
            Dt::F32 => pick!(f32),
            Dt::F64 => pick!(f64),
            _ => pick!(u8),
        };
        let from = (Place::Const(0), 0);
        Extreme { from, to: Place::Const(0), outer, n, inner, size: dt.size(), index: index.size(), row, rows }
    }
    /// Bytes of memory that it works in.
    pub fn work(&self) -> usize {
        if self.outer == 0 || self.inner < 2 { 0 } else { (self.tile() * (8 + self.size)).next_multiple_of(8) }
    }
    /// Columns that are worked on at once.
    fn tile(&self) -> usize {
        self.inner.min(512)
    }
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        if self.outer * self.inner == 0 {
            return;
        }
        // SAFETY: operand and result have the elements that the program says; `n` is not 0 in a checked program.
        unsafe {
            let (from, to) = (frame.spot(self.from), frame.at(self.to));
            // The machine is little-endian: the low bytes of an index come first.
            let put = |at: usize, i: i64| {
                std::ptr::copy_nonoverlapping((&raw const i).cast::<u8>(), to.add(at * self.index), self.index)
            };
            if self.inner == 1 {
                for o in 0..self.outer {
                    put(o, (self.row)(from.add(o * self.n * self.size), self.n) as i64);
                }
                return;
            }
            let tile = self.tile();
            let scratch = Buffer::uninit(self.work());
            let (index, best) = (scratch.ptr().cast::<i64>(), scratch.ptr().add(tile * 8));
            for o in 0..self.outer {
                for c0 in (0..self.inner).step_by(tile) {
                    let c = tile.min(self.inner - c0);
                    let x = from.add((o * self.n * self.inner + c0) * self.size);
                    (self.rows)(index, best, x, self.n, self.inner * self.size, c);
                    for i in 0..c {
                        put(o * self.inner + c0 + i, *index.add(i));
                    }
                }
            }
        }
    }
}
