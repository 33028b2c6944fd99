//! Reading runs of elements of one type as another: the conversions in front of and behind a product.
//!
//! A product is computed in one of a few types ([`compute`]); operands come and results leave through a [`Conversion`]. The pairs
//! that occur in practice have a loop of their own, all others go element by element through an exact intermediate value, so that
//! every conversion rounds as the scalar one does.

use crate::Dt;
use crate::exec::scalar::round_to_odd;
use crate::float::Flush;
use crate::isa::Isa;
use half::{bf16, f16};

/// The type that stands for `acc` in the kernels. Wrapping integers do not see their sign, and the low byte of a wrapping sum of
/// 16 bits is the wrapping sum of bytes. An or of ands asks whether a sum of products of zeros and ones is zero; such a sum never
/// comes back to zero in `f32`.
pub(super) const fn compute(acc: Dt) -> Dt {
    match acc {
        Dt::F16 | Dt::Bf16 | Dt::F32 | Dt::Bool => Dt::F32,
        Dt::I8 | Dt::U8 | Dt::I16 | Dt::U16 => Dt::U16,
        Dt::I32 | Dt::U32 => Dt::U32,
        Dt::I64 | Dt::U64 => Dt::U64,
        t => t,
    }
}

/// Is a run of `from` read as `to` by copying its bytes?
pub(super) const fn same_bits(from: Dt, to: Dt) -> bool {
    from as u8 == to as u8 || (from.is_int() && to.is_int() && from.size() == to.size())
}

/// An element of any type without loss.
#[derive(Clone, Copy)]
enum Wide {
    Int(i128),
    Real(f64),
    Pair(f64, f64),
}

impl Wide {
    fn int(self) -> i128 {
        match self {
            Wide::Int(x) => x,
            Wide::Real(x) | Wide::Pair(x, _) => x as i128,
        }
    }
    fn is_int(self) -> bool {
        matches!(self, Wide::Int(_))
    }
    fn real(self) -> f64 {
        match self {
            Wide::Int(x) => x as f64,
            Wide::Real(x) | Wide::Pair(x, _) => x,
        }
    }
    fn f32(self) -> f32 {
        match self {
            Wide::Int(x) => x as f32,
            other => other.real() as f32,
        }
    }
    /// An `f32` that rounds to half precision as this one is to: a float as if once, an integer by way of `f32`.
    fn odd(self) -> f32 {
        match self {
            Wide::Int(x) => x as f32,
            other => round_to_odd(other.real()),
        }
    }
    fn imag(self) -> f64 {
        if let Wide::Pair(_, y) = self { y } else { 0.0 }
    }
    fn is_zero(self) -> bool {
        match self {
            Wide::Int(x) => x == 0,
            Wide::Real(x) => x == 0.0,
            Wide::Pair(x, y) => x == 0.0 && y == 0.0,
        }
    }
}

/// # Safety
/// `p` must point to an initialized, aligned element of type `dt`.
unsafe fn load(dt: Dt, p: *const u8) -> Wide {
    // SAFETY: the caller vouches for the element; every type is read as what it is.
    unsafe {
        match dt {
            Dt::Bool => Wide::Int((*p != 0) as i128),
            Dt::I8 => Wide::Int(*p.cast::<i8>() as i128),
            Dt::I16 => Wide::Int(*p.cast::<i16>() as i128),
            Dt::I32 => Wide::Int(*p.cast::<i32>() as i128),
            Dt::I64 => Wide::Int(*p.cast::<i64>() as i128),
            Dt::U8 => Wide::Int(*p as i128),
            Dt::U16 => Wide::Int(*p.cast::<u16>() as i128),
            Dt::U32 => Wide::Int(*p.cast::<u32>() as i128),
            Dt::U64 => Wide::Int(*p.cast::<u64>() as i128),
            Dt::F16 => Wide::Real((*p.cast::<f16>()).to_f64()),
            // Subnormal numbers are zero. The processor knows that, but the compiler does not, and may compare bits.
            Dt::Bf16 => Wide::Real((*p.cast::<bf16>()).to_f32().flush() as f64),
            Dt::F32 => Wide::Real((*p.cast::<f32>()).flush() as f64),
            Dt::F64 => Wide::Real((*p.cast::<f64>()).flush()),
            Dt::C64 => Wide::Pair((*p.cast::<f32>()).flush() as f64, (*p.cast::<f32>().add(1)).flush() as f64),
            Dt::C128 => Wide::Pair((*p.cast::<f64>()).flush(), (*p.cast::<f64>().add(1)).flush()),
        }
    }
}

/// # Safety
/// `p` must point to an aligned place for an element of type `dt`.
unsafe fn store(dt: Dt, x: Wide, p: *mut u8) {
    macro_rules! int {
        ($t:ty) => {{
            // Integers wrap; floats truncate and saturate.
            let v = if x.is_int() { x.int() as $t } else { x.real() as $t };
            // SAFETY: the caller vouches for the place.
            unsafe { *p.cast::<$t>() = v }
        }};
    }
    macro_rules! real {
        ($t:ty, $v:expr) => {
            // SAFETY: the caller vouches for the place.
            unsafe { *p.cast::<$t>() = $v }
        };
    }
    match dt {
        Dt::Bool => real!(u8, !x.is_zero() as u8),
        Dt::I8 => int!(i8),
        Dt::I16 => int!(i16),
        Dt::I32 => int!(i32),
        Dt::I64 => int!(i64),
        Dt::U8 => int!(u8),
        Dt::U16 => int!(u16),
        Dt::U32 => int!(u32),
        Dt::U64 => int!(u64),
        // Not `from_f64`, which rounds once or twice as the processor has it.
        Dt::F16 => real!(f16, f16::from_f32(x.odd())),
        Dt::Bf16 => real!(bf16, bf16::from_f32(x.f32())),
        Dt::F32 => real!(f32, x.f32()),
        Dt::F64 => real!(f64, x.real()),
        Dt::C64 => real!([f32; 2], [x.f32(), x.imag() as f32]),
        Dt::C128 => real!([f64; 2], [x.real(), x.imag()]),
    }
}

/// A pair of types whose conversion has a loop of its own, vectorized for every instruction set.
trait Pair {
    type From: Copy;
    type To;
    fn convert(x: Self::From) -> Self::To;
}

macro_rules! pairs {
    ($($name:ident: $from:ty => $to:ty, |$x:ident| $e:expr;)+) => {$(
        struct $name;
        impl Pair for $name {
            type From = $from;
            type To = $to;
            #[inline(always)]
            fn convert($x: $from) -> $to {
                $e
            }
        }
    )+};
}
pairs! {
    Copy1: u8 => u8, |x| x;
    Copy2: u16 => u16, |x| x;
    Copy4: u32 => u32, |x| x;
    Copy8: u64 => u64, |x| x;
    CopyC64: [u32; 2] => [u32; 2], |x| x;
    CopyC128: [u64; 2] => [u64; 2], |x| x;
    F16ToF32: f16 => f32, |x| x.to_f32();
    F32ToF16: f32 => f16, |x| f16::from_f32(x);
    Bf16ToF32: u16 => u32, |x| (x as u32) << 16;
    F32ToBf16: f32 => bf16, |x| bf16::from_f32(x);
    F32ToF64: f32 => f64, |x| x as f64;
    F64ToF32: f64 => f32, |x| x as f32;
    BoolToF32: u8 => f32, |x| (x != 0) as u8 as f32;
    F32ToBool: f32 => u8, |x| (x.flush() != 0.0) as u8;
    U8ToU16: u8 => u16, |x| x as u16;
    I8ToU16: i8 => u16, |x| x as u16;
    U16ToU8: u16 => u8, |x| x as u8;
    U8ToU32: u8 => u32, |x| x as u32;
    I8ToU32: i8 => u32, |x| x as u32;
    U16ToU32: u16 => u32, |x| x as u32;
    I16ToU32: i16 => u32, |x| x as u32;
    I32ToF32: i32 => f32, |x| x as f32;
}

crate::multiversion! {
    /// Converts `n` elements, `stride` elements apart, into a dense run that does not overlap them.
    fn run<C: Pair>(n: usize, p: *const u8, stride: isize, out: *mut u8) {
        let (p, q) = (p.cast::<C::From>(), out.cast::<C::To>());
        if stride == 1 {
            for i in 0..n {
                // SAFETY: element i of both runs, which the caller vouches for.
                unsafe { *q.add(i) = C::convert(*p.add(i)) };
            }
        } else {
            for i in 0..n {
                // SAFETY: as above.
                unsafe { *q.add(i) = C::convert(*p.wrapping_offset(i as isize * stride)) };
            }
        }
    }
}

/// Converts this many elements, which are so many elements apart, into a dense run.
type Run = unsafe fn(usize, *const u8, isize, *mut u8);

/// The loop of a pair, if it has one.
fn loop_of(isa: Isa, from: Dt, to: Dt) -> Option<Run> {
    use Dt::*;
    Some(match (from, to) {
        _ if same_bits(from, to) => match from.size() {
            1 => run::<Copy1>(isa),
            2 => run::<Copy2>(isa),
            4 => run::<Copy4>(isa),
            8 if from == C64 => run::<CopyC64>(isa),
            8 => run::<Copy8>(isa),
            _ => run::<CopyC128>(isa),
        },
        #[cfg(target_arch = "x86_64")]
        (F16, F32) if isa != Isa::Portable => super::x86::f32_from_f16,
        #[cfg(target_arch = "x86_64")]
        (F32, F16) if isa != Isa::Portable => super::x86::f16_from_f32,
        (F16, F32) => run::<F16ToF32>(isa),
        (F32, F16) => run::<F32ToF16>(isa),
        (Bf16, F32) => run::<Bf16ToF32>(isa),
        (F32, Bf16) => run::<F32ToBf16>(isa),
        (F32, F64) => run::<F32ToF64>(isa),
        (F64, F32) => run::<F64ToF32>(isa),
        (Bool, F32) => run::<BoolToF32>(isa),
        (F32, Bool) => run::<F32ToBool>(isa),
        (U8, U16 | I16) => run::<U8ToU16>(isa),
        (I8, U16 | I16) => run::<I8ToU16>(isa),
        (U16 | I16, U8 | I8) => run::<U16ToU8>(isa),
        (U8, U32 | I32) => run::<U8ToU32>(isa),
        (I8, U32 | I32) => run::<I8ToU32>(isa),
        (U16, U32 | I32) => run::<U16ToU32>(isa),
        (I16, U32 | I32) => run::<I16ToU32>(isa),
        (I32, F32) => run::<I32ToF32>(isa),
        _ => return None,
    })
}

/// The conversion of one type to another, perhaps by way of a third.
#[derive(Clone, Copy)]
pub(super) struct Conversion {
    isa: Isa,
    from: Dt,
    via: Dt,
    to: Dt,
    direct: Option<Run>,
}

impl Conversion {
    /// Reads elements of type `src` as operands of a product in `acc`: as elements of [`compute`]`(acc)`. The instruction set must
    /// be available when it is used.
    pub(super) fn reading(isa: Isa, src: Dt, acc: Dt) -> Conversion {
        Conversion::new(isa, src, acc, compute(acc))
    }
    /// Writes sums of type [`compute`]`(acc)` as results of type `dst`.
    pub(super) fn writing(isa: Isa, acc: Dt, dst: Dt) -> Conversion {
        Conversion::new(isa, compute(acc), acc, dst)
    }
    fn new(isa: Isa, from: Dt, via: Dt, to: Dt) -> Conversion {
        // From a type to the one that computes it nothing is lost, and back nothing but what it cannot hold; only a detour over
        // another type takes two steps.
        let direct = if same_bits(from, via) {
            loop_of(isa, via, to)
        } else if same_bits(via, to) {
            loop_of(isa, from, via)
        } else {
            None
        };
        Conversion { isa, from, via, to, direct }
    }

    /// Converts `n` elements, which are `stride` elements apart, into a dense run.
    ///
    /// # Safety
    /// Every element must be initialized and aligned; `out` must have room for them and not overlap them. The processor must have
    /// the instruction set.
    #[inline]
    pub(super) unsafe fn run(&self, n: usize, p: *const u8, stride: isize, out: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe {
            match self.direct {
                Some(run) => run(n, p, stride, out),
                None => self.detour(n, p, stride, out),
            }
        }
    }

    /// # Safety
    /// As for [`Conversion::run`].
    #[cold]
    unsafe fn detour(&self, n: usize, p: *const u8, stride: isize, out: *mut u8) {
        let step = |from: Dt, to: Dt, n: usize, p: *const u8, stride: isize, out: *mut u8| {
            // SAFETY: the runs are those of the callers below.
            unsafe {
                if let Some(run) = loop_of(self.isa, from, to) {
                    return run(n, p, stride, out);
                }
                for i in 0..n {
                    let x = load(from, p.wrapping_offset(i as isize * stride * from.size() as isize));
                    store(to, x, out.add(i * to.size()))
                }
            }
        };
        let mut buf = [[0u64; 2]; 64];
        let b = buf.as_mut_ptr().cast::<u8>();
        for i in (0..n).step_by(64) {
            // 64 elements of at most 16 bytes go through the buffer.
            let c = (n - i).min(64);
            step(self.from, self.via, c, p.wrapping_offset(i as isize * stride * self.from.size() as isize), stride, b);
            step(self.via, self.to, c, b, 1, out.wrapping_add(i * self.to.size()));
        }
    }
}
