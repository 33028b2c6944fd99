//! The slice kernels: one compiled loop for every scalar operation, element type and instruction set.
//!
//! Each operation is written once, on a single element; [`op`], [`cast`] and the conversions of half precision look up the loop that
//! applies it to a block. Sign-agnostic integer operations exist for unsigned types only, bit patterns for one type of each size.
//! `F16` and `Bf16` have no arithmetic of their own: the caller converts with [`widen`] and [`narrow`] around the `F32` kernel.

use super::scalar::{Bits, Float, Int, Num, Ord2};
use crate::isa::Isa;
use crate::multiversion;
use crate::{Dt, Op};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

/// A loop over `n` elements: `out[i] = f(a[i], b[i], c[i])`. Operands that `f` does not take may be anything.
///
/// # Safety
/// `out` and the operands that `f` takes have `n` elements of its types, aligned; `out` overlaps no operand; the processor has the
/// instruction set that the kernel was chosen for.
pub type Kernel = unsafe fn(*mut u8, *const u8, *const u8, *const u8, usize);

trait Un {
    type A: Copy;
    type O: Copy;
    fn f(a: Self::A) -> Self::O;
}
trait Bin {
    type A: Copy;
    type O: Copy;
    fn f(a: Self::A, b: Self::A) -> Self::O;
}
trait Ter {
    type A: Copy;
    type B: Copy;
    type O: Copy;
    fn f(a: Self::A, b: Self::B, c: Self::B) -> Self::O;
}

#[inline(always)]
unsafe fn new<'a, T>(p: *mut u8, n: usize) -> &'a mut [MaybeUninit<T>] {
    // SAFETY: the contract of `Kernel`.
    unsafe { std::slice::from_raw_parts_mut(p.cast(), n) }
}
#[inline(always)]
unsafe fn old<'a, T>(p: *const u8, n: usize) -> &'a [T] {
    // SAFETY: the contract of `Kernel`.
    unsafe { std::slice::from_raw_parts(p.cast(), n) }
}
// Separate functions because their parameters tell LLVM what does not overlap.
#[inline(always)]
fn each1<F: Un>(out: &mut [MaybeUninit<F::O>], a: &[F::A]) {
    for i in 0..out.len().min(a.len()) {
        out[i].write(F::f(a[i]));
    }
}
#[inline(always)]
fn each2<F: Bin>(out: &mut [MaybeUninit<F::O>], a: &[F::A], b: &[F::A]) {
    for i in 0..out.len().min(a.len()).min(b.len()) {
        out[i].write(F::f(a[i], b[i]));
    }
}
#[inline(always)]
fn each3<F: Ter>(out: &mut [MaybeUninit<F::O>], a: &[F::A], b: &[F::B], c: &[F::B]) {
    for i in 0..out.len().min(a.len()).min(b.len()).min(c.len()) {
        out[i].write(F::f(a[i], b[i], c[i]));
    }
}

/// What kernels are chosen for: an instruction set, and blocks or single elements.
#[derive(Clone, Copy)]
pub struct Target {
    /// The instruction set.
    pub isa: Isa,
    /// Is the number of elements always 1? Then the kernels look at one element without asking.
    pub one: bool,
}

multiversion! {
    fn un_block<F: Un>(out: *mut u8, a: *const u8, _b: *const u8, _c: *const u8, n: usize) {
        // SAFETY: the contract of `Kernel`.
        unsafe { each1::<F>(new(out, n), old(a, n)) }
    }
    fn bin_block<F: Bin>(out: *mut u8, a: *const u8, b: *const u8, _c: *const u8, n: usize) {
        // SAFETY: the contract of `Kernel`.
        unsafe { each2::<F>(new(out, n), old(a, n), old(b, n)) }
    }
    fn ter_block<F: Ter>(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: the contract of `Kernel`.
        unsafe { each3::<F>(new(out, n), old(a, n), old(b, n), old(c, n)) }
    }
    fn un_one<F: Un>(out: *mut u8, a: *const u8, _b: *const u8, _c: *const u8, _n: usize) {
        // SAFETY: the contract of `Kernel`, for one element.
        unsafe { *out.cast::<F::O>() = F::f(*a.cast()) }
    }
    fn bin_one<F: Bin>(out: *mut u8, a: *const u8, b: *const u8, _c: *const u8, _n: usize) {
        // SAFETY: as above.
        unsafe { *out.cast::<F::O>() = F::f(*a.cast(), *b.cast()) }
    }
    fn ter_one<F: Ter>(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, _n: usize) {
        // SAFETY: as above.
        unsafe { *out.cast::<F::O>() = F::f(*a.cast(), *b.cast(), *c.cast()) }
    }
}
fn un<F: Un>(t: Target) -> Kernel {
    if t.one { un_one::<F>(t.isa) } else { un_block::<F>(t.isa) }
}
fn bin<F: Bin>(t: Target) -> Kernel {
    if t.one { bin_one::<F>(t.isa) } else { bin_block::<F>(t.isa) }
}
fn ter<F: Ter>(t: Target) -> Kernel {
    if t.one { ter_one::<F>(t.isa) } else { ter_block::<F>(t.isa) }
}

macro_rules! un {
    ($($name:ident: $bound:ident, $o:ty, |$a:ident| $body:expr;)*) => { $(
        struct $name<T>(PhantomData<T>);
        impl<T: $bound> Un for $name<T> {
            type A = T;
            type O = $o;
            #[inline(always)]
            fn f($a: T) -> $o { $body }
        }
    )* };
}
macro_rules! bin {
    ($($name:ident: $bound:ident, $o:ty, |$a:ident, $b:ident| $body:expr;)*) => { $(
        struct $name<T>(PhantomData<T>);
        impl<T: $bound> Bin for $name<T> {
            type A = T;
            type O = $o;
            #[inline(always)]
            fn f($a: T, $b: T) -> $o { $body }
        }
    )* };
}
un! {
    Neg: Num, T, |a| a.neg();
    Abs: Num, T, |a| a.abs();
    Sign: Num, T, |a| a.sign();
    Floor: Float, T, |a| a.floor();
    Ceil: Float, T, |a| a.ceil();
    RoundEven: Float, T, |a| a.round_even();
    RoundAway: Float, T, |a| a.round_away();
    Trunc: Float, T, |a| a.trunc();
    Sqrt: Float, T, |a| a.sqrt();
    Not: Int, T, |a| !a;
    PopCount: Int, T, |a| a.popcount();
    Clz: Int, T, |a| a.clz();
    LogicalNot: Bits, u8, |a| !a.truth() as u8;
    Truth: Bits, u8, |a| a.truth() as u8;
    Same: Bits, T, |a| a;
}
bin! {
    Add: Num, T, |a, b| a.add(b);
    Sub: Num, T, |a, b| a.sub(b);
    Mul: Num, T, |a, b| a.mul(b);
    Div: Num, T, |a, b| a.div(b);
    Rem: Num, T, |a, b| a.rem(b);
    Max: Ord2, T, |a, b| a.greater(b);
    Min: Ord2, T, |a, b| a.lesser(b);
    And: Int, T, |a, b| a & b;
    Or: Int, T, |a, b| a | b;
    Xor: Int, T, |a, b| a ^ b;
    Shl: Int, T, |a, b| a.shl(b);
    Shr: Int, T, |a, b| a.shr(b);
    NextAfter: Float, T, |a, b| a.next_after(b);
    Eq: Ord2, u8, |a, b| (a == b) as u8;
    Ne: Ord2, u8, |a, b| (a != b) as u8;
    Lt: Ord2, u8, |a, b| (a < b) as u8;
    Le: Ord2, u8, |a, b| (a <= b) as u8;
}
struct MulAdd<T>(PhantomData<T>);
impl<T: Num> Ter for MulAdd<T> {
    type A = T;
    type B = T;
    type O = T;
    #[inline(always)]
    fn f(a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
}
struct Select<T>(PhantomData<T>);
impl<T: Bits> Ter for Select<T> {
    type A = u8;
    type B = T;
    type O = T;
    #[inline(always)]
    fn f(p: u8, a: T, b: T) -> T {
        if p != 0 { a } else { b }
    }
}
struct Convert<S, D>(PhantomData<(S, D)>);
macro_rules! convert {
    ($($s:ty => $($d:ty)*;)*) => { $($(
        impl Un for Convert<$s, $d> {
            type A = $s;
            type O = $d;
            #[inline(always)]
            fn f(a: $s) -> $d { a as $d }
        }
    )*)* };
}
convert! {
    u8 => u16 u32 u64 f32 f64;
    u16 => u8 u32 u64 f32 f64;
    u32 => u8 u16 u64 f32 f64;
    u64 => u8 u16 u32 f32 f64;
    i8 => u16 u32 u64 f32 f64;
    i16 => u32 u64 f32 f64;
    i32 => u64 f32 f64;
    i64 => f32 f64;
    f32 => u8 u16 u32 u64 i8 i16 i32 i64 f64;
    f64 => u8 u16 u32 u64 i8 i16 i32 i64 f32;
}
struct FloatTruth<T>(PhantomData<T>);
impl<T: Float> Un for FloatTruth<T> {
    type A = T;
    type O = u8;
    #[inline(always)]
    fn f(a: T) -> u8 {
        (a != T::ZERO) as u8
    }
}

/// Half precision to `f32`, exactly.
struct Widen<const BF: bool>;
impl<const BF: bool> Un for Widen<BF> {
    type A = u16;
    type O = f32;
    #[inline(always)]
    fn f(a: u16) -> f32 {
        if BF { super::scalar::bf16_to_f32(a) } else { super::scalar::f16_to_f32(a) }
    }
}
/// `f32` to half precision, to nearest even.
struct Narrow<const BF: bool>;
impl<const BF: bool> Un for Narrow<BF> {
    type A = f32;
    type O = u16;
    #[inline(always)]
    fn f(a: f32) -> u16 {
        if BF { super::scalar::f32_to_bf16(a) } else { super::scalar::f32_to_f16(a) }
    }
}
struct HalfNextAfter<const BF: bool>;
impl<const BF: bool> Bin for HalfNextAfter<BF> {
    type A = u16;
    type O = u16;
    #[inline(always)]
    fn f(a: u16, b: u16) -> u16 {
        super::scalar::half_next_after(a, b, if BF { 0x7f80 } else { 0x7c00 })
    }
}

/// One type for each size: bit patterns.
macro_rules! by_size {
    ($isa:expr, $dt:expr, $loop:ident, $k:ident) => {
        match $dt.size() {
            1 => $loop::<$k<u8>>($isa),
            2 => $loop::<$k<u16>>($isa),
            4 => $loop::<$k<u32>>($isa),
            _ => $loop::<$k<u64>>($isa),
        }
    };
}
/// Floats, and one integer type for each size.
macro_rules! by_number {
    ($isa:expr, $dt:expr, $loop:ident, $k:ident) => {
        match $dt {
            Dt::F32 => $loop::<$k<f32>>($isa),
            Dt::F64 => $loop::<$k<f64>>($isa),
            _ => by_size!($isa, $dt, $loop, $k),
        }
    };
}
macro_rules! by_float {
    ($isa:expr, $dt:expr, $loop:ident, $k:ident) => {
        match $dt {
            Dt::F32 => $loop::<$k<f32>>($isa),
            Dt::F64 => $loop::<$k<f64>>($isa),
            _ => return None,
        }
    };
}
/// Every type with an order or a sign.
macro_rules! by_type {
    ($isa:expr, $dt:expr, $loop:ident, $k:ident) => {
        match $dt {
            Dt::I8 => $loop::<$k<i8>>($isa),
            Dt::I16 => $loop::<$k<i16>>($isa),
            Dt::I32 => $loop::<$k<i32>>($isa),
            Dt::I64 => $loop::<$k<i64>>($isa),
            _ => by_number!($isa, $dt, $loop, $k),
        }
    };
}

/// The kernel of an operation on operands of type `dt` (of `Select`: the type of the result). `None` for what is no operation on
/// that type, and for what has no kernel here: sources, casts, elementary functions, arithmetic of half precision.
pub fn op(target: Target, op: Op, dt: Dt) -> Option<Kernel> {
    let half = matches!(dt, Dt::F16 | Dt::Bf16);
    if dt.is_complex() || half && !matches!(op, Op::Select | Op::NextAfter) {
        return None;
    }
    let float = dt.is_float();
    Some(match op {
        Op::Neg => by_number!(target, dt, un, Neg),
        Op::Abs => by_type!(target, dt, un, Abs),
        Op::Sign => by_type!(target, dt, un, Sign),
        Op::Floor => by_float!(target, dt, un, Floor),
        Op::Ceil => by_float!(target, dt, un, Ceil),
        Op::RoundEven => by_float!(target, dt, un, RoundEven),
        Op::RoundAway => by_float!(target, dt, un, RoundAway),
        Op::Trunc => by_float!(target, dt, un, Trunc),
        Op::Sqrt => by_float!(target, dt, un, Sqrt),
        Op::Not if dt == Dt::Bool => un::<LogicalNot<u8>>(target),
        Op::Not if !float => by_size!(target, dt, un, Not),
        Op::PopCount if !float => by_size!(target, dt, un, PopCount),
        Op::Clz if !float => by_size!(target, dt, un, Clz),
        Op::Add => by_number!(target, dt, bin, Add),
        Op::Sub => by_number!(target, dt, bin, Sub),
        Op::Mul => by_number!(target, dt, bin, Mul),
        Op::Div => by_type!(target, dt, bin, Div),
        Op::Rem => by_type!(target, dt, bin, Rem),
        Op::Max => by_type!(target, dt, bin, Max),
        Op::Min => by_type!(target, dt, bin, Min),
        Op::And if !float => by_size!(target, dt, bin, And),
        Op::Or if !float => by_size!(target, dt, bin, Or),
        Op::Xor if !float => by_size!(target, dt, bin, Xor),
        Op::Shl if !float => by_size!(target, dt, bin, Shl),
        Op::ShrLogical if !float => by_size!(target, dt, bin, Shr),
        Op::Shr => match dt {
            Dt::I8 => bin::<Shr<i8>>(target),
            Dt::I16 => bin::<Shr<i16>>(target),
            Dt::I32 => bin::<Shr<i32>>(target),
            Dt::I64 => bin::<Shr<i64>>(target),
            _ if !float => by_size!(target, dt, bin, Shr),
            _ => return None,
        },
        Op::NextAfter => match dt {
            Dt::F16 => bin::<HalfNextAfter<false>>(target),
            Dt::Bf16 => bin::<HalfNextAfter<true>>(target),
            _ => by_float!(target, dt, bin, NextAfter),
        },
        Op::MulAdd => by_number!(target, dt, ter, MulAdd),
        Op::Eq => by_number!(target, dt, bin, Eq),
        Op::Ne => by_number!(target, dt, bin, Ne),
        Op::Lt => by_type!(target, dt, bin, Lt),
        Op::Le => by_type!(target, dt, bin, Le),
        Op::Select => by_size!(target, dt, ter, Select),
        _ => return None,
    })
}

/// Two operations of single elements in one kernel: `second(first(a, b), c)`, or `second(c, first(a, b))`. Each is rounded.
struct Then<F, G>(PhantomData<(F, G)>);
impl<F: Bin, G: Bin<A = F::O>> Ter for Then<F, G>
where
    F: Bin<A = <F as Bin>::O>,
{
    type A = F::A;
    type B = F::A;
    type O = G::O;
    #[inline(always)]
    fn f(a: F::A, b: F::A, c: F::A) -> G::O {
        G::f(F::f(a, b), c)
    }
}
struct SubFrom<T>(PhantomData<T>);
impl<T: Num> Bin for SubFrom<T> {
    type A = T;
    type O = T;
    #[inline(always)]
    fn f(a: T, b: T) -> T {
        b.sub(a)
    }
}
/// The kernel of a sum, difference or product of such a one, for single elements: what the register machine saves a call with. `after`: the first is the
/// second operand of the second.
pub fn pair(isa: Isa, first: Op, second: Op, after: bool, dt: Dt) -> Option<Kernel> {
    fn of<T: Num>(isa: Isa, first: Op, second: Op, after: bool) -> Option<Kernel> {
        fn then<F: Bin<A = T, O = T>, T: Num>(isa: Isa, second: Op, after: bool) -> Option<Kernel> {
            Some(match (second, after) {
                (Op::Add, _) => ter_one::<Then<F, Add<T>>>(isa),
                (Op::Mul, _) => ter_one::<Then<F, Mul<T>>>(isa),
                (Op::Sub, false) => ter_one::<Then<F, Sub<T>>>(isa),
                (Op::Sub, true) => ter_one::<Then<F, SubFrom<T>>>(isa),
                _ => return None,
            })
        }
        match first {
            Op::Add => then::<Add<T>, T>(isa, second, after),
            Op::Sub => then::<Sub<T>, T>(isa, second, after),
            Op::Mul => then::<Mul<T>, T>(isa, second, after),
            _ => None,
        }
    }
    match dt {
        Dt::F32 => of::<f32>(isa, first, second, after),
        Dt::F64 => of::<f64>(isa, first, second, after),
        _ => None,
    }
}

/// A conversion between types other than half precision and complex.
pub fn cast(target: Target, from: Dt, to: Dt) -> Kernel {
    macro_rules! to {
        ($s:ty, $($dt:ident: $d:ty),*) => {
            match to {
                $(Dt::$dt => un::<Convert<$s, $d>>(target),)*
                _ => unreachable!("a cast from {from:?} to {to:?}"),
            }
        };
    }
    // To an integer only the size of the target matters, and to one that is not larger only the size of the source.
    macro_rules! int {
        ($s:ty, $($size:literal: $d:ty),*) => {
            match to {
                Dt::F32 => un::<Convert<$s, f32>>(target),
                Dt::F64 => un::<Convert<$s, f64>>(target),
                _ => match to.size() {
                    $($size => un::<Convert<$s, $d>>(target),)*
                    _ => copy(target, to.size()),
                },
            }
        };
    }
    match (from, to) {
        (Dt::F32, Dt::Bool) => un::<FloatTruth<f32>>(target),
        (Dt::F64, Dt::Bool) => un::<FloatTruth<f64>>(target),
        (_, Dt::Bool) => truth(target, from.size()),
        _ if from == to => copy(target, to.size()),
        (Dt::F32, _) => to!(f32, U8: u8, U16: u16, U32: u32, U64: u64, I8: i8, I16: i16, I32: i32, I64: i64, F64: f64),
        (Dt::F64, _) => to!(f64, U8: u8, U16: u16, U32: u32, U64: u64, I8: i8, I16: i16, I32: i32, I64: i64, F32: f32),
        (Dt::Bool | Dt::U8, _) => int!(u8, 2: u16, 4: u32, 8: u64),
        (Dt::I8, _) => int!(i8, 2: u16, 4: u32, 8: u64),
        (Dt::U16, _) => int!(u16, 1: u8, 4: u32, 8: u64),
        (Dt::I16, _) if to.size() <= 2 => int!(u16, 1: u8),
        (Dt::I16, _) => int!(i16, 4: u32, 8: u64),
        (Dt::U32, _) => int!(u32, 1: u8, 2: u16, 8: u64),
        (Dt::I32, _) if to.is_float() || to.size() == 8 => int!(i32, 8: u64),
        (Dt::I32, _) => int!(u32, 1: u8, 2: u16),
        (Dt::I64, _) if to.is_float() => int!(i64,),
        _ => int!(u64, 1: u8, 2: u16, 4: u32),
    }
}

struct RoundToOdd;
impl Un for RoundToOdd {
    type A = f64;
    type O = f32;
    #[inline(always)]
    fn f(a: f64) -> f32 {
        super::scalar::round_to_odd(a)
    }
}
/// From `F64` to `F32`; see [`round_to_odd`](super::scalar::round_to_odd).
pub fn round_to_odd(target: Target) -> Kernel {
    un::<RoundToOdd>(target)
}

/// From `F16` or `Bf16` to `F32`.
pub fn widen(target: Target, from: Dt) -> Kernel {
    if from == Dt::Bf16 { un::<Widen<true>>(target) } else { un::<Widen<false>>(target) }
}
/// From `F32` to `F16` or `Bf16`.
pub fn narrow(target: Target, to: Dt) -> Kernel {
    if to == Dt::Bf16 { un::<Narrow<true>>(target) } else { un::<Narrow<false>>(target) }
}
/// Elements of this size as they are.
pub fn copy(target: Target, size: usize) -> Kernel {
    match size {
        1 => un::<Same<u8>>(target),
        2 => un::<Same<u16>>(target),
        4 => un::<Same<u32>>(target),
        8 => un::<Same<u64>>(target),
        _ => un::<Same<u128>>(target),
    }
}
/// Integers of this size (and bools of any bits) to bools.
pub fn truth(target: Target, size: usize) -> Kernel {
    match size {
        1 => un::<Truth<u8>>(target),
        2 => un::<Truth<u16>>(target),
        4 => un::<Truth<u32>>(target),
        _ => un::<Truth<u64>>(target),
    }
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Pair<T>(T, T);
struct Interleave<T>(PhantomData<T>);
impl<T: Bits> Bin for Interleave<T> {
    type A = T;
    type O = Pair<T>;
    #[inline(always)]
    fn f(re: T, im: T) -> Pair<T> {
        Pair(re, im)
    }
}
/// Two columns of parts of this size into one of complex numbers.
pub fn interleave(target: Target, part: usize) -> Kernel {
    if part == 4 { bin::<Interleave<u32>>(target) } else { bin::<Interleave<u64>>(target) }
}
