//! Reading runs of elements of one type as another: the conversions in front of and behind a product.
//!
//! A product is computed in one of a few types ([`compute`]); the operands come through [`read`] and the results leave through
//! [`write`]. The pairs that occur in practice have a loop of their own, all others go element by element through an exact
//! intermediate value, so that every conversion rounds once.

use crate::Dt;
use half::slice::HalfFloatSliceExt;
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
            Dt::Bf16 => Wide::Real((*p.cast::<bf16>()).to_f64()),
            Dt::F32 => Wide::Real(*p.cast::<f32>() as f64),
            Dt::F64 => Wide::Real(*p.cast::<f64>()),
            Dt::C64 => Wide::Pair(*p.cast::<f32>() as f64, *p.cast::<f32>().add(1) as f64),
            Dt::C128 => Wide::Pair(*p.cast::<f64>(), *p.cast::<f64>().add(1)),
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
        Dt::F16 => real!(f16, f16::from_f64(x.real())),
        Dt::Bf16 => real!(bf16, bf16::from_f64(x.real())),
        Dt::F32 => real!(f32, x.f32()),
        Dt::F64 => real!(f64, x.real()),
        Dt::C64 => real!([f32; 2], [x.f32(), x.imag() as f32]),
        Dt::C128 => real!([f64; 2], [x.real(), x.imag()]),
    }
}

/// Converts `n` elements, `stride` elements apart, into a dense run.
///
/// # Safety
/// Every element must be initialized and aligned, and `out` must have room for `n` of type `to` and not overlap them.
unsafe fn convert(from: Dt, to: Dt, n: usize, p: *const u8, stride: isize, out: *mut u8) {
    macro_rules! run {
        ($s:ty, $d:ty, |$x:ident| $e:expr) => {{
            let (p, q) = (p.cast::<$s>(), out.cast::<$d>());
            if stride == 1 {
                for i in 0..n {
                    // SAFETY: element i of both runs, which the caller vouches for.
                    unsafe {
                        let $x = *p.add(i);
                        *q.add(i) = $e;
                    }
                }
            } else {
                for i in 0..n {
                    // SAFETY: as above.
                    unsafe {
                        let $x = *p.wrapping_offset(i as isize * stride);
                        *q.add(i) = $e;
                    }
                }
            }
        }};
    }
    use Dt::*;
    match (from, to) {
        _ if same_bits(from, to) => match from.size() {
            // SAFETY: both runs are valid for n elements and do not overlap.
            s if stride == 1 => unsafe { std::ptr::copy_nonoverlapping(p, out, n * s) },
            1 => run!(u8, u8, |x| x),
            2 => run!(u16, u16, |x| x),
            4 => run!(u32, u32, |x| x),
            8 if from == C64 => run!([u32; 2], [u32; 2], |x| x),
            8 => run!(u64, u64, |x| x),
            _ => run!([u64; 2], [u64; 2], |x| x),
        },
        (F16, F32) if stride == 1 => {
            // SAFETY: the two runs, as above; nobody else has `out`.
            let (s, d) = unsafe {
                (std::slice::from_raw_parts(p.cast::<f16>(), n), std::slice::from_raw_parts_mut(out.cast::<f32>(), n))
            };
            s.convert_to_f32_slice(d)
        }
        (F32, F16) if stride == 1 => {
            // SAFETY: as above.
            let (s, d) = unsafe {
                (std::slice::from_raw_parts(p.cast::<f32>(), n), std::slice::from_raw_parts_mut(out.cast::<f16>(), n))
            };
            d.convert_from_f32_slice(s)
        }
        (F16, F32) => run!(f16, f32, |x| x.to_f32()),
        (F32, F16) => run!(f32, f16, |x| f16::from_f32(x)),
        (Bf16, F32) => run!(u16, u32, |x| (x as u32) << 16),
        (F32, Bf16) => run!(f32, bf16, |x| bf16::from_f32(x)),
        (F32, F64) => run!(f32, f64, |x| x as f64),
        (F64, F32) => run!(f64, f32, |x| x as f32),
        (Bool, F32) => run!(u8, f32, |x| (x != 0) as u8 as f32),
        (F32, Bool) => run!(f32, u8, |x| (x != 0.0) as u8),
        (U8, U16 | I16) => run!(u8, u16, |x| x as u16),
        (I8, U16 | I16) => run!(i8, u16, |x| x as u16),
        (U16 | I16, U8 | I8) => run!(u16, u8, |x| x as u8),
        (U8, U32 | I32) => run!(u8, u32, |x| x as u32),
        (I8, U32 | I32) => run!(i8, u32, |x| x as u32),
        (U16, U32 | I32) => run!(u16, u32, |x| x as u32),
        (I16, U32 | I32) => run!(i16, u32, |x| x as u32),
        (I32, F32) => run!(i32, f32, |x| x as f32),
        _ => {
            for i in 0..n {
                // SAFETY: element i of both runs.
                unsafe {
                    let x = load(from, p.wrapping_offset(i as isize * stride * from.size() as isize));
                    store(to, x, out.add(i * to.size()))
                }
            }
        }
    }
}

/// Converts through `mid`: from `from` to `mid`, and from there to `to`.
///
/// # Safety
/// As for [`convert`].
unsafe fn through(from: Dt, mid: Dt, to: Dt, n: usize, p: *const u8, stride: isize, out: *mut u8) {
    // From `mid` to the type that computes it nothing is lost, and back nothing but what `mid` cannot hold; only a detour over
    // another type takes two steps.
    if same_bits(from, mid) {
        // SAFETY: the caller's promise.
        return unsafe { convert(mid, to, n, p, stride, out) };
    }
    if same_bits(mid, to) {
        // SAFETY: the caller's promise.
        return unsafe { convert(from, mid, n, p, stride, out) };
    }
    let mut buf = [[0u64; 2]; 64];
    let b = buf.as_mut_ptr().cast::<u8>();
    for i in (0..n).step_by(64) {
        let c = (n - i).min(64);
        // SAFETY: c elements from i on, at most 64 of at most 16 bytes in the buffer.
        unsafe {
            convert(from, mid, c, p.wrapping_offset(i as isize * stride * from.size() as isize), stride, b);
            convert(mid, to, c, b, 1, out.add(i * to.size()));
        }
    }
}

/// Reads `n` elements of type `src`, `stride` elements apart, as operands of a product in `acc`: elements of [`compute`]`(acc)`.
///
/// # Safety
/// Every element must be initialized and aligned, and `out` must have room for them and not overlap them.
pub(super) unsafe fn read(src: Dt, acc: Dt, n: usize, p: *const u8, stride: isize, out: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { through(src, acc, compute(acc), n, p, stride, out) }
}

/// Writes `n` sums of [`compute`]`(acc)` as results of type `dst`.
///
/// # Safety
/// As for [`read`].
pub(super) unsafe fn write(acc: Dt, dst: Dt, n: usize, p: *const u8, out: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { through(compute(acc), acc, dst, n, p, 1, out) }
}
