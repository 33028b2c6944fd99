//! `Reduce`: the tree of [`crate::program`], over rows or down columns.

use super::access::{Access, Axis, transpose};
use super::build::Place;
use super::columns::{halve, lane};
use super::index::{Each, put_each};
use super::line;
use super::run::Frame;
use super::scalar::{Half, Int, Num, Ord2};
#[cfg(target_arch = "x86_64")]
use super::scan;
use crate::isa::Isa;
use crate::multiversion;
use crate::pairs::Pairs;
use crate::{BLOCK, Buffer, Dt, FEW, Fold, Part, Put, View, lanes, pool};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::ops::Range;

/// A fold made ready: for each outer index, `n` slices of `inner` elements that lie `stride` bytes apart.
pub struct Reduce {
    pub from: Place,
    pub to: Place,
    /// What is folded, and elements of which type.
    pub what: (Fold, Dt),
    pub outer: Access,
    pub n: usize,
    pub stride: isize,
    pub inner: usize,
    pub kernels: Kernels,
    /// Bytes of an element.
    pub size: usize,
    /// Lanes of the tree.
    pub lanes: usize,
    /// What a fold of nothing gives.
    empty: [u64; 2],
}

/// `slices(acc, x, stride, count, n)`: `acc[i] = acc[i] op x[i] op x[stride + i] ..`, for `n` elements and `count` slices. `stride` is
/// in bytes.
pub type Slices = unsafe fn(*mut u8, *const u8, isize, usize, usize);

/// The loops of one fold.
#[derive(Clone, Copy)]
pub struct Kernels {
    /// `rows(out, x, n)`: the tree over one block of at most `BLOCK` elements that lie one behind the other.
    rows: unsafe fn(*mut u8, *const u8, usize),
    pub slices: Slices,
}

/// An operation that joins two elements.
pub trait Combine {
    /// The elements.
    type T: Copy;
    /// `a op b`.
    fn f(a: Self::T, b: Self::T) -> Self::T;
}
/// An operation with the lanes of its reduction tree.
pub trait FoldOp: Combine {
    /// The lanes, an array of elements.
    type Lanes: Copy;
    /// Is `f(identity, x)` always `x`?
    const EXACT: bool;
    /// The identity.
    fn identity() -> Self::T;
    /// The identity in every lane.
    fn lanes() -> Self::Lanes;
}

/// A complex number; only for products.
#[derive(Clone, Copy)]
#[repr(C)]
struct Complex<T>(T, T);

macro_rules! combine {
    ($($name:ident: $bound:ident, |$a:ident, $b:ident| $body:expr;)*) => { $(
        pub struct $name<T>(PhantomData<T>);
        impl<T: $bound> Combine for $name<T> {
            type T = T;
            #[inline(always)]
            fn f($a: T, $b: T) -> T { $body }
        }
    )* };
}
combine! {
    Sum: Num, |a, b| a.add(b);
    Difference: Num, |a, b| a.sub(b);
    Prod: Num, |a, b| a.mul(b);
    Max: Ord2, |a, b| a.greater(b);
    Min: Ord2, |a, b| a.lesser(b);
    And: Int, |a, b| a & b;
    Or: Int, |a, b| a | b;
    Xor: Int, |a, b| a ^ b;
}
struct CxProd<T>(PhantomData<T>);
impl<T: Num> Combine for CxProd<T> {
    type T = Complex<T>;
    #[inline(always)]
    fn f(a: Complex<T>, b: Complex<T>) -> Complex<T> {
        Complex(a.0.mul(b.0).sub(a.1.mul(b.1)), a.0.mul(b.1).add(a.1.mul(b.0)))
    }
}

macro_rules! fold_op {
    ($name:ident $exact:literal: $($t:ty, $w:literal, $identity:expr;)*) => { $(
        impl FoldOp for $name<$t> {
            type Lanes = [<Self as Combine>::T; $w];
            const EXACT: bool = $exact;
            #[inline(always)]
            fn identity() -> Self::T { $identity }
            #[inline(always)]
            fn lanes() -> Self::Lanes { [$identity; $w] }
        }
    )* };
}
fold_op!(Sum true: u8, 256, 0; u16, 128, 0; u32, 64, 0; u64, 32, 0; f32, 64, -0.0; f64, 32, -0.0;);
fold_op!(Prod true: u8, 256, 1; u16, 128, 1; u32, 64, 1; u64, 32, 1; f32, 64, 1.0; f64, 32, 1.0;);
fold_op!(CxProd false: f32, 32, Complex(1.0, 0.0); f64, 16, Complex(1.0, 0.0););
fold_op!(Max true: u8, 256, u8::MIN; u16, 128, u16::MIN; u32, 64, u32::MIN; u64, 32, u64::MIN;
    i8, 256, i8::MIN; i16, 128, i16::MIN; i32, 64, i32::MIN; i64, 32, i64::MIN;
    f32, 64, f32::NEG_INFINITY; f64, 32, f64::NEG_INFINITY;);
fold_op!(Min true: u8, 256, u8::MAX; u16, 128, u16::MAX; u32, 64, u32::MAX; u64, 32, u64::MAX;
    i8, 256, i8::MAX; i16, 128, i16::MAX; i32, 64, i32::MAX; i64, 32, i64::MAX;
    f32, 64, f32::INFINITY; f64, 32, f64::INFINITY;);
fold_op!(And true: u8, 256, !0; u16, 128, !0; u32, 64, !0; u64, 32, !0;);
fold_op!(Or true: u8, 256, 0; u16, 128, 0; u32, 64, 0; u64, 32, 0;);
fold_op!(Xor true: u8, 256, 0; u16, 128, 0; u32, 64, 0; u64, 32, 0;);

#[inline(always)]
unsafe fn rows_of<F: FoldOp>(out: *mut u8, x: *const u8, n: usize) {
    let w = size_of::<F::Lanes>() / size_of::<F::T>();
    let mut lanes = F::lanes();
    let l = (&raw mut lanes).cast::<F::T>();
    let x = x.cast::<F::T>();
    // SAFETY: `x` has `n` elements, `lanes` has `w`.
    unsafe {
        if n <= FEW {
            let mut a = *x;
            for k in 1..n {
                a = F::f(a, *x.add(k));
            }
            *out.cast::<F::T>() = a;
            return;
        }
        let whole = n / w * w;
        let mut k = 0;
        if !F::EXACT {
            // Only lanes that have an element take part.
            let live = n.min(w);
            std::ptr::copy_nonoverlapping(x, l, live);
            for k in live..n {
                *l.add(k % w) = F::f(*l.add(k % w), *x.add(k));
            }
            let mut h = w / 2;
            while h >= 1 {
                for i in 0..h.min(live.saturating_sub(h)) {
                    *l.add(i) = F::f(*l.add(i), *l.add(i + h));
                }
                h /= 2;
            }
            *out.cast::<F::T>() = *l;
            return;
        }
        while k < whole {
            for i in 0..w {
                *l.add(i) = F::f(*l.add(i), *x.add(k + i));
            }
            k += w;
        }
        for i in 0..n - whole {
            *l.add(i) = F::f(*l.add(i), *x.add(whole + i));
        }
        // lengths that the compiler knows, which makes them vectors
        macro_rules! halves {
            ($($h:literal)*) => { $(if $h < w {
                (0..$h).for_each(|i| *l.add(i) = F::f(*l.add(i), *l.add(i + $h)))
            })* };
        }
        halves!(128 64 32 16 8 4 2 1);
        *out.cast::<F::T>() = *l;
    }
}

#[inline(always)]
fn one_slice<F: Combine>(acc: &mut [F::T], x: &[F::T]) {
    for i in 0..acc.len().min(x.len()) {
        acc[i] = F::f(acc[i], x[i]);
    }
}
#[inline(always)]
fn four_slices<F: Combine>(acc: &mut [F::T], a: &[F::T], b: &[F::T], c: &[F::T], d: &[F::T]) {
    for i in 0..acc.len().min(a.len()).min(b.len()).min(c.len()).min(d.len()) {
        acc[i] = F::f(F::f(F::f(F::f(acc[i], a[i]), b[i]), c[i]), d[i]);
    }
}

multiversion! {
    fn rows<F: FoldOp>(out: *mut u8, x: *const u8, n: usize) {
        // SAFETY: the caller's.
        unsafe { rows_of::<F>(out, x, n) }
    }
    fn slices<F: Combine>(acc: *mut u8, x: *const u8, stride: isize, count: usize, n: usize) {
        // SAFETY: `acc` and every slice have `n` elements, and the slices are no part of `acc`.
        unsafe {
            let acc = std::slice::from_raw_parts_mut(acc.cast::<F::T>(), n);
            let slice = |k: usize| std::slice::from_raw_parts(x.offset(k as isize * stride).cast::<F::T>(), n);
            let mut k = 0;
            while k + 4 <= count {
                four_slices::<F>(acc, slice(k), slice(k + 1), slice(k + 2), slice(k + 3));
                k += 4;
            }
            while k < count {
                one_slice::<F>(acc, slice(k));
                k += 1;
            }
        }
    }
}

/// `places(out, x, at, count, n, start)`: `out[i] = start op x[at[0] + i] op x[at[1] + i] ..`, for `n` elements and `count` places, which are in elements.
pub type Places = unsafe fn(*mut u8, *const u8, *const isize, usize, usize, *const u8);

multiversion! {
    fn places<F: Combine>(out: *mut u8, x: *const u8, at: *const isize, count: usize, n: usize, start: *const u8) {
        let (out, x) = (out.cast::<F::T>(), x.cast::<F::T>());
        // SAFETY: `out` and every place have `n` elements, and no place is part of `out`.
        unsafe {
            let start = *start.cast::<F::T>();
            let mut i = 0;
            while i + 16 <= n {
                let mut acc = [start; 16];
                for k in 0..count {
                    let x = x.offset(*at.add(k)).add(i);
                    for (j, acc) in acc.iter_mut().enumerate() {
                        *acc = F::f(*acc, *x.add(j));
                    }
                }
                out.add(i).cast::<[F::T; 16]>().write_unaligned(acc);
                i += 16;
            }
            for i in i..n {
                *out.add(i) = (0..count).fold(start, |acc, k| F::f(acc, *x.offset(*at.add(k)).add(i)));
            }
        }
    }
}

/// The loops over places of a fold, for the types that have them.
pub fn places_kernel(isa: Isa, op: Fold, dt: Dt) -> Option<Places> {
    match (op, dt) {
        (Fold::Sum, Dt::F32) => Some(places::<Sum<f32>>(isa)),
        (Fold::Max, Dt::F32) => Some(places::<Max<f32>>(isa)),
        (Fold::Min, Dt::F32) => Some(places::<Min<f32>>(isa)),
        (Fold::Sum, Dt::F64) => Some(places::<Sum<f64>>(isa)),
        (Fold::Max, Dt::F64) => Some(places::<Max<f64>>(isa)),
        (Fold::Min, Dt::F64) => Some(places::<Min<f64>>(isa)),
        _ => None,
    }
}

/// Calls a macro with the operation of a fold on a type.
macro_rules! with_op {
    ($op:expr, $dt:expr, $m:ident) => {{
        macro_rules! by_size {
            ($k:ident) => {
                match $dt.size() {
                    1 => $m!($k<u8>),
                    2 => $m!($k<u16>),
                    4 => $m!($k<u32>),
                    _ => $m!($k<u64>),
                }
            };
        }
        macro_rules! by_number {
            ($k:ident) => {
                match $dt.part() {
                    Dt::F32 => $m!($k<f32>),
                    Dt::F64 => $m!($k<f64>),
                    _ => by_size!($k),
                }
            };
        }
        macro_rules! by_type {
            ($k:ident) => {
                match $dt {
                    Dt::I8 => $m!($k<i8>),
                    Dt::I16 => $m!($k<i16>),
                    Dt::I32 => $m!($k<i32>),
                    Dt::I64 => $m!($k<i64>),
                    _ => by_number!($k),
                }
            };
        }
        match $op {
            Fold::Prod if $dt == Dt::C64 => $m!(CxProd<f32>),
            Fold::Prod if $dt == Dt::C128 => $m!(CxProd<f64>),
            Fold::Sum => by_number!(Sum),
            Fold::Prod => by_number!(Prod),
            Fold::Max => by_type!(Max),
            Fold::Min => by_type!(Min),
            Fold::And => by_size!(And),
            Fold::Or => by_size!(Or),
            Fold::Xor => by_size!(Xor),
            Fold::LogAddExp => unreachable!("no such fold here"),
        }
    }};
}

fn kernels(isa: Isa, op: Fold, dt: Dt) -> Kernels {
    macro_rules! both {
        ($f:ty) => {
            Kernels { rows: rows::<$f>(isa), slices: slices::<$f>(isa) }
        };
    }
    with_op!(op, dt, both)
}

/// The prefixes of a fold; see `line`.
pub fn prefix_kernel(isa: Isa, op: Fold, dt: Dt) -> unsafe fn(*mut u8, *const u8, usize, isize, usize, *mut u8) {
    macro_rules! any {
        ($f:ty) => {
            line::columns_of::<$f>(isa)
        };
    }
    macro_rules! exact {
        ($f:ident, $($dt:ident: $t:ty),*) => {
            match dt.part() {
                $(Dt::$dt => line::lines::<$f<$t>>(isa),)*
                _ => with_op!(op, dt, any),
            }
        };
    }
    // Parts of complex numbers are summed side by side; other folds are not those of the parts.
    #[cfg(target_arch = "x86_64")]
    let mixed = dt.is_complex() && op != Fold::Sum;
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = scan::kernel(isa, op, dt.part()).filter(|_| !mixed) {
        return kernel;
    }
    // The common types have a loop for a single line.
    match op {
        Fold::LogAddExp if dt == Dt::F64 => line::log_add_exp64,
        Fold::LogAddExp => line::log_add_exp32,
        Fold::Sum => exact!(Sum, F32: f32, F64: f64, I32: u32, U32: u32, I64: u64, U64: u64),
        Fold::Max => exact!(Max, F32: f32, F64: f64, I32: i32, I64: i64),
        Fold::Min => exact!(Min, F32: f32, F64: f64, I32: i32, I64: i64),
        Fold::Prod if !dt.is_complex() => exact!(Prod, F32: f32, F64: f64),
        _ => with_op!(op, dt, any),
    }
}

/// How a scatter combines elements with updates, in slices and one by one; `None` overwrites them.
pub fn put_kernel(isa: Isa, put: Put, dt: Dt) -> Option<(Slices, Each)> {
    macro_rules! one {
        ($f:ty) => {
            Some((slices::<$f>(isa), put_each::<$f>(isa)))
        };
    }
    macro_rules! half {
        ($bf:literal) => {
            match put {
                Put::Set => None,
                Put::Add => one!(Sum<Half<$bf>>),
                Put::Sub => one!(Difference<Half<$bf>>),
                Put::Mul => one!(Prod<Half<$bf>>),
                Put::Min => one!(Min<Half<$bf>>),
                Put::Max => one!(Max<Half<$bf>>),
            }
        };
    }
    match (put, dt) {
        (_, Dt::F16) => half!(false),
        (_, Dt::Bf16) => half!(true),
        (Put::Set, _) => None,
        (Put::Add, _) => with_op!(Fold::Sum, dt, one),
        (Put::Mul, _) => with_op!(Fold::Prod, dt, one),
        (Put::Max, _) => with_op!(Fold::Max, dt, one),
        (Put::Min, _) => with_op!(Fold::Min, dt, one),
        (Put::Sub, _) => match dt.part() {
            Dt::F32 => one!(Difference<f32>),
            Dt::F64 => one!(Difference<f64>),
            dt => match dt.size() {
                1 => one!(Difference<u8>),
                2 => one!(Difference<u16>),
                4 => one!(Difference<u32>),
                _ => one!(Difference<u64>),
            },
        },
    }
}

/// What a fold of nothing gives.
pub fn empty(op: Fold, dt: Dt) -> [u64; 2] {
    let ones = if dt == Dt::Bool { 1 } else { u64::MAX };
    let float = |x: f64| if dt.part() == Dt::F64 { x.to_bits() } else { (x as f32).to_bits() as u64 };
    let sign = 1u64 << (8 * dt.size().min(8) - 1);
    let word = match op {
        Fold::Sum | Fold::Or | Fold::Xor => 0,
        Fold::Prod if dt.part().is_float() => float(1.0),
        Fold::Prod => 1,
        Fold::And => ones,
        Fold::Max | Fold::LogAddExp if dt.is_float() => float(f64::NEG_INFINITY),
        Fold::Min if dt.is_float() => float(f64::INFINITY),
        Fold::Max | Fold::LogAddExp => {
            if dt.is_signed() {
                sign
            } else {
                0
            }
        }
        Fold::Min => {
            if dt.is_signed() {
                !sign
            } else {
                ones
            }
        }
    };
    [word, 0]
}

/// Bytes of lanes that may lie side by side when slices are short.
const FLAT: usize = 32 << 10;
/// Elements of a slice that are folded at once.
const TILE: usize = 1024;

impl Reduce {
    /// The fold of `count` dimensions, from `first`, of an operand seen through `view`. `None` if the operand has to be copied first.
    pub fn new(isa: Isa, op: Fold, dt: Dt, view: &View, first: usize, count: usize) -> Option<Reduce> {
        let part = |r: std::ops::Range<usize>| {
            let dims = &view.dims[r.clone()];
            let strides = SmallVec::from_slice(&view.strides[r]);
            let v = View { dims: dims.into(), offset: 0, strides, guards: SmallVec::new(), fill: [0; 2] };
            Access::new(&v, dt, Part::Whole)
        };
        let (mut outer, run, inner) =
            (part(0..first), part(first..first + count), part(first + count..view.dims.len()));
        let size = dt.size() as isize;
        if !view.guards.is_empty() || run.axes.len() > 1 || inner.axes.len() > 1 {
            return None;
        }
        let stride = run.axes.first().map_or(size, |a| a.stride);
        let mut n = inner.len;
        match inner.axes.first() {
            Some(a) if a.stride == size => {}
            Some(_) => return None,
            None => {}
        }
        if n == 1
            && stride != size
            && let Some(last) = outer.axes.last()
            && last.stride == size
            && last.n > 0
        {
            // Rows that lie side by side are columns.
            n = last.n;
            outer.axes.pop();
            outer.len /= n;
        } else if n == 1 && stride != size && run.len > 1 {
            return None;
        }
        outer.offset = (view.offset * size as i64) as isize;
        // The parts of a complex sum are summed side by side.
        let pairs = op == Fold::Sum && dt.is_complex();
        Some(Reduce {
            from: Place::Const(0),
            to: Place::Const(0),
            what: (op, dt),
            outer,
            n: run.len,
            stride,
            inner: if pairs { 2 * n } else { n },
            kernels: kernels(isa, op, dt),
            size: if pairs { dt.part().size() } else { dt.size() },
            lanes: lanes(dt.size()),
            empty: if pairs { [0; 2] } else { empty(op, dt) },
        })
    }

    /// The fold of `n` rows from `x`, `c` columns, over one block: into `acc[.. c]`, with room for lanes behind.
    ///
    /// # Safety
    /// They exist; `acc` has room for `max(lanes, log2(lanes) + 2)` times `c` elements.
    unsafe fn block(&self, acc: *mut u8, x: *const u8, n: usize, c: usize) {
        let (w, s) = (self.lanes, self.stride);
        let row = c * self.size;
        let live = n.min(w);
        let slices = self.kernels.slices;
        // SAFETY: the caller's.
        unsafe {
            if n <= FEW {
                std::ptr::copy_nonoverlapping(x, acc, row);
                slices(acc, x.offset(s), s, n - 1, c);
                return;
            }
            if s == row as isize && w * row <= FLAT {
                // Lanes side by side, in the order of memory.
                std::ptr::copy_nonoverlapping(x, acc, live * row);
                if n > w {
                    slices(acc, x.add(w * row), (w * row) as isize, n / w - 1, w * c);
                    slices(acc, x.add(n / w * w * row), 0, 1, n % w * c);
                }
                let mut h = w / 2;
                while h >= 1 {
                    let pairs = live.saturating_sub(h).min(h);
                    if pairs > 0 {
                        slices(acc, acc.add(h * row), 0, 1, pairs * c);
                    }
                    h /= 2;
                }
                return;
            }
            // Lane by lane in bit-reversed order: halving is then a binary counter.
            for i in 0..w {
                let l = lane(i, w);
                if l < live {
                    let to = acc.add(i.count_ones() as usize * row);
                    let from = x.offset(l as isize * s);
                    std::ptr::copy_nonoverlapping(from, to, row);
                    let more = (n - l - 1) / w;
                    if more > 0 {
                        slices(to, from.offset(w as isize * s), w as isize * s, more, c);
                    }
                }
                halve(i, live, |i| lane(i, w), |k| slices(acc.add(k * row), acc.add((k + 1) * row), 0, 1, c))
            }
        }
    }
}

/// A fold, its frame, and memory for blocks, for the threads that share the work.
#[derive(Clone, Copy)]
struct Shared<'a>(&'a Reduce, &'a Frame<'a>, *mut u8);
// SAFETY: threads read places, and write to memory behind pointers, each to its own results.
unsafe impl Sync for Shared<'_> {}
/// What threads share of a fold.
#[derive(Clone, Copy, PartialEq)]
enum Shares {
    Folds,
    Columns,
    Blocks,
}
/// Columns that a thread gets at least.
const SHARED: usize = 64;

/// Rows of at most this many elements are turned into columns, this many at a time.
const SHORT: usize = 32;
const COLUMNS: usize = 64;

impl Reduce {
    /// Are the folded elements of a result one behind the other?
    pub fn rows(&self) -> bool {
        self.inner == 1 && (self.stride == self.size as isize || self.n == 1)
    }
    /// For rows too short for lanes: how far they lie apart.
    fn short(&self) -> Option<isize> {
        match self.outer.axes[..] {
            [Axis { stride, .. }] if self.rows() && self.n <= SHORT && self.outer.len >= COLUMNS => Some(stride),
            _ => None,
        }
    }
    /// Columns that are worked on at once.
    fn tile(&self) -> usize {
        if self.rows() { 1 } else { self.inner.min(TILE) }
    }
    /// Bytes of memory that it works in.
    pub fn work(&self) -> usize {
        let blocks = self.n.div_ceil(BLOCK);
        if self.outer.len * self.inner * self.n == 0 || self.short().is_none() && self.rows() && blocks == 1 {
            return 0;
        }
        if self.short().is_some() {
            return (self.n + self.lanes.max(8)) * COLUMNS * self.size;
        }
        let row = self.tile() * self.size;
        let side_by_side = self.stride == row as isize && self.lanes * row <= FLAT;
        let lanes = if side_by_side { self.lanes } else { self.lanes.ilog2() as usize + 2 };
        (Pairs::places(blocks) + if self.rows() { 0 } else { lanes }) * row
    }
    /// What it does, in words.
    pub fn text(&self) -> String {
        format!("{} folds of {} slices of {} elements", self.outer.len, self.n, self.inner)
    }
    /// Rows too short for lanes: pieces of the operand are transposed, so that rows are lanes.
    ///
    /// # Safety
    /// The operand and the result have the elements that the program says.
    unsafe fn short_rows(&self, to: *mut u8, from: *const u8, stride: isize, first: usize, end: usize) {
        let size = self.size;
        let turned = Reduce { stride: (COLUMNS * size) as isize, outer: self.outer.clone(), ..*self };
        let scratch = Buffer::uninit(self.work());
        // SAFETY: the caller's; the scratch has room for the rows and for the lanes.
        unsafe {
            let lanes = scratch.ptr().add(self.n * COLUMNS * size);
            for o in (first..end).step_by(COLUMNS) {
                let c = COLUMNS.min(end - o);
                transpose(
                    scratch.ptr(),
                    COLUMNS * size,
                    from.wrapping_offset(o as isize * stride),
                    stride,
                    self.n,
                    c,
                    size,
                );
                turned.block(lanes, scratch.ptr(), self.n, COLUMNS);
                std::ptr::copy_nonoverlapping(lanes, to.wrapping_add(o * size), c * size);
            }
        }
    }
}

impl Reduce {
    /// How many folds there are, but for columns side by side.
    pub fn folds(&self) -> usize {
        self.outer.len
    }
    /// Bytes of a result.
    pub fn width(&self) -> usize {
        self.inner * self.size
    }
    /// Do the blocks of all folds lie one behind the other?
    pub fn in_blocks(&self) -> bool {
        let dense = match self.outer.axes[..] {
            [] => true,
            [Axis { stride, .. }] => stride == (self.n * self.size) as isize,
            _ => false,
        };
        dense && self.rows() && self.n > BLOCK
    }
    /// The folds of some blocks, each to its place, [all](Reduce::in_blocks) counted through.
    ///
    /// # Safety
    /// As for [`Reduce::run`]; there is room for all blocks.
    pub unsafe fn blocks(&self, frame: &Frame, to: *mut u8, blocks: Range<usize>) {
        let from = frame.at(self.from).wrapping_offset(self.outer.offset);
        let each = self.n.div_ceil(BLOCK);
        for k in blocks {
            let (fold, b) = (k / each, k % each);
            let n = BLOCK.min(self.n - b * BLOCK);
            let x = from.wrapping_add((fold * self.n + b * BLOCK) * self.size);
            // SAFETY: the caller's.
            unsafe { (self.kernels.rows)(to.wrapping_add(k * self.size), x, n) }
        }
    }
    /// Joins the lanes of a block.
    ///
    /// # Safety
    /// There are so many, and the result has a place.
    pub unsafe fn lanes(&self, to: *mut u8, lanes: *const u8, n: usize) {
        // SAFETY: the caller's.
        unsafe { (self.kernels.rows)(to, lanes, n) }
    }
    /// Joins the blocks of some folds; `blocks` is where those of the first of all would be.
    ///
    /// # Safety
    /// As above.
    pub unsafe fn join(&self, frame: &Frame, blocks: *const u8, folds: Range<usize>) {
        let (n, size) = (self.n.div_ceil(BLOCK), self.size);
        let scratch = Buffer::uninit(Pairs::places(n) * size);
        let at = |k: usize| scratch.ptr().wrapping_add(k * size);
        for fold in folds {
            let mut pairs = Pairs::default();
            // SAFETY: the caller's; the scratch has the places.
            unsafe {
                let merge = |k: usize| (self.kernels.slices)(at(k), at(k + 1), 0, 1, 1);
                for b in 0..n {
                    std::ptr::copy_nonoverlapping(blocks.wrapping_add((fold * n + b) * size), at(pairs.next()), size);
                    pairs.push(merge);
                }
                pairs.finish(merge);
                std::ptr::copy_nonoverlapping(scratch.ptr(), frame.at(self.to).wrapping_add(fold * size), size)
            }
        }
    }
    /// About how many nanoseconds it takes.
    pub fn estimate(&self) -> f64 {
        (self.outer.len * self.inner * self.n * self.size) as f64 * 0.04
    }
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let (ns, folds) = (self.estimate(), self.outer.len);
        // What is shared with other threads, and the least of it that one gets.
        let (what, all, unit) = match (folds, self.inner) {
            (1, 1) if self.in_blocks() => (Shares::Blocks, self.n.div_ceil(BLOCK), 1),
            (1, n) => (Shares::Columns, n, SHARED),
            (n, _) => (Shares::Folds, n, 1),
        };
        let chunks = pool::chunks(ns);
        if chunks <= 1 || all <= unit || self.n == 0 {
            // SAFETY: the caller's.
            return unsafe { self.some(frame, 0, folds) };
        }
        let each = all.div_ceil(chunks).next_multiple_of(unit);
        let blocks = Buffer::uninit(if what == Shares::Blocks { all * self.size } else { 0 });
        let shared = Shared(self, frame, blocks.ptr());
        let run = move |k: usize| {
            let Shared(r, frame, blocks) = { shared };
            let part = k * each..((k + 1) * each).min(all);
            // SAFETY: the caller's; different chunks make different results, or different blocks.
            unsafe {
                match what {
                    Shares::Blocks => r.blocks(frame, blocks, part),
                    Shares::Columns => r.columns(frame, 0, part),
                    Shares::Folds => r.some(frame, part.start, part.end),
                }
            }
        };
        pool::parallel(all.div_ceil(each), ns, &run);
        if what == Shares::Blocks {
            // SAFETY: as above; all blocks are there.
            unsafe { self.join(frame, blocks.ptr(), 0..folds) }
        }
    }
    /// The folds `first .. end`.
    ///
    /// # Safety
    /// As for [`Reduce::run`].
    pub unsafe fn some(&self, frame: &Frame, first: usize, end: usize) {
        let r = self;
        let (from, to) = (frame.at(r.from), frame.at(r.to));
        let width = r.inner * r.size;
        if first == end || width == 0 {
            return;
        }
        // SAFETY: the operand and the result have the elements that the program says.
        unsafe {
            if r.n == 0 {
                return super::access::splat(to.wrapping_add(first * width), r.empty, (end - first) * r.inner, r.size);
            }
            let blocks = r.n.div_ceil(BLOCK);
            let rows = r.rows();
            if let Some(stride) = r.short() {
                return r.short_rows(to, from.wrapping_offset(r.outer.offset), stride, first, end);
            }
            if rows && blocks == 1 {
                for o in first..end {
                    (r.kernels.rows)(to.wrapping_add(o * width), from.wrapping_offset(r.outer.at(o)), r.n);
                }
                return;
            }
            for o in first..end {
                r.columns(frame, o, 0..r.inner)
            }
        }
    }
    /// Some of the columns of a fold.
    ///
    /// # Safety
    /// As for [`Reduce::run`]; the columns exist.
    unsafe fn columns(&self, frame: &Frame, fold: usize, columns: Range<usize>) {
        let from = frame.at(self.from).wrapping_offset(self.outer.at(fold));
        let to = frame.at(self.to).wrapping_add(fold * self.width());
        let (tile, rows) = (self.tile(), self.rows());
        let scratch = Buffer::uninit(self.work());
        for c0 in columns.clone().step_by(tile) {
            let c = tile.min(columns.end - c0);
            let row = c * self.size;
            // SAFETY: the operand and the result have the elements that the program says, and the scratch has the places.
            unsafe {
                let x = from.wrapping_add(c0 * self.size);
                let merge = |k: usize| {
                    let to = scratch.ptr().add(k * row);
                    (self.kernels.slices)(to, to.wrapping_add(row), 0, 1, c)
                };
                let mut pairs = Pairs::default();
                for b in 0..self.n.div_ceil(BLOCK) {
                    let n = BLOCK.min(self.n - b * BLOCK);
                    let x = x.offset((b * BLOCK) as isize * self.stride);
                    let to = scratch.ptr().add(pairs.next() * row);
                    if rows {
                        (self.kernels.rows)(to, x, n);
                    } else {
                        self.block(to, x, n, c);
                    }
                    pairs.push(merge);
                }
                pairs.finish(merge);
                std::ptr::copy_nonoverlapping(scratch.ptr(), to.add(c0 * self.size), row);
            }
        }
    }
}
