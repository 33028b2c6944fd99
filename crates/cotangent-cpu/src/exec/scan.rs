//! Sums, products and extremes of all elements so far of a line, in vectors: with AVX-512 one register is a group of 16 elements (two of f64), with AVX2 two are (four).
//!
//! The order is that of [`crate::program`]: what is shifted in, and what is not there before the first group or block, is the identity,
//! which changes no element.

use super::fold::{Max, Min, Prod, Sum};
use super::line::{Lines, lines};
use crate::isa::Isa;
use crate::{Dt, Fold};
use std::arch::x86_64::*;

macro_rules! scans {
    ($(
        $name:ident: $features:literal, $t:ty, $regs:literal, $identity:expr, $splat:ident, $op:ident, $load:ident, $store:ident,
        $last:expr, $turn:expr, shifts |$v:ident, $none:ident| $one:expr, $two:expr, $four:expr, $eight:expr;
    )*) => { $(
        /// `n` elements of a line from `x` on, forwards or (`step` is -1) backwards.
        ///
        /// # Safety
        /// The lines exist, and the processor has the instruction set.
        #[target_feature(enable = $features)]
        unsafe fn $name(out: *mut $t, x: *const $t, n: usize, step: isize) {
            const W: usize = 16 / $regs;
            const GROUPS: usize = super::line::BLOCK / 16;
            // SAFETY: the caller's.
            unsafe {
                let $none = $splat($identity);
                let (mut off, mut c) = ($none, $none);
                let mut group = 0;
                for done in (0..n).step_by(16) {
                    let m = (n - done).min(16);
                    let mut part = [$identity; 16];
                    // Backwards the first element is the last in memory.
                    let first = if step == 1 { 0 } else { 15 };
                    let (mut from, mut to) = (x.offset(done as isize * step), out.offset(done as isize * step));
                    if m < 16 {
                        for i in 0..m {
                            part[(first + i as isize * step) as usize] = *from.offset(i as isize * step)
                        }
                        to = part.as_mut_ptr().offset(first);
                        from = to
                    }
                    let at = |r: usize| if step == 1 { (r * W) as isize } else { -((r * W + W - 1) as isize) };
                    let mut $v = [$none; $regs];
                    for r in 0..$regs {
                        let loaded = $load(from.offset(at(r)).cast());
                        $v[r] = if step == 1 { loaded } else { $turn(loaded) };
                    }
                    for s in 0..4 {
                        let before = match s {
                            0 => $one,
                            1 => $two,
                            2 => $four,
                            _ => $eight,
                        };
                        for r in 0..$regs {
                            $v[r] = $op(before[r], $v[r]);
                        }
                    }
                    for r in 0..$regs {
                        let y = $op(off, $op(c, $v[r]));
                        $store(to.offset(at(r)).cast(), if step == 1 { y } else { $turn(y) })
                    }
                    if m < 16 {
                        for i in 0..m as isize {
                            *out.offset((done as isize + i) * step) = part[(first + i * step) as usize]
                        }
                    }
                    c = $op(c, $last($v[$regs - 1]));
                    group += 1;
                    if group == GROUPS {
                        off = $op(off, c);
                        c = $none;
                        group = 0;
                    }
                }
            }
        }
    )* };
}
/// Lanes in reverse order.
#[inline(always)]
unsafe fn turned32(v: __m512) -> __m512 {
    // SAFETY: the caller has the instruction set.
    unsafe { _mm512_permutexvar_ps(_mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), v) }
}
#[inline(always)]
unsafe fn turned64(v: __m512d) -> __m512d {
    // SAFETY: as above.
    unsafe { _mm512_permutexvar_pd(_mm512_set_epi64(0, 1, 2, 3, 4, 5, 6, 7), v) }
}
#[inline(always)]
unsafe fn last32(v: __m512) -> __m512 {
    // SAFETY: as above.
    unsafe { _mm512_permutexvar_ps(_mm512_set1_epi32(15), v) }
}
#[inline(always)]
unsafe fn last64(v: __m512d) -> __m512d {
    // SAFETY: as above.
    unsafe { _mm512_permutexvar_pd(_mm512_set1_epi64(7), v) }
}
/// The lanes of `v` moved up, with the upper ones of `low` below them: all but `KEPT` of 16.
#[inline(always)]
unsafe fn up32<const KEPT: i32>(v: __m512, low: __m512) -> __m512 {
    // SAFETY: as above.
    unsafe { _mm512_castsi512_ps(_mm512_alignr_epi32::<KEPT>(_mm512_castps_si512(v), _mm512_castps_si512(low))) }
}
#[inline(always)]
unsafe fn up64<const KEPT: i32>(v: __m512d, low: __m512d) -> __m512d {
    // SAFETY: as above.
    unsafe { _mm512_castsi512_pd(_mm512_alignr_epi64::<KEPT>(_mm512_castpd_si512(v), _mm512_castpd_si512(low))) }
}
#[inline(always)]
unsafe fn turned32y(v: __m256) -> __m256 {
    // SAFETY: as above.
    unsafe { _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0)) }
}
#[inline(always)]
unsafe fn turned64y(v: __m256d) -> __m256d {
    // SAFETY: as above.
    unsafe { _mm256_permute4x64_pd::<0b00_01_10_11>(v) }
}
#[inline(always)]
unsafe fn last32y(v: __m256) -> __m256 {
    // SAFETY: as above.
    unsafe { _mm256_permutevar8x32_ps(v, _mm256_set1_epi32(7)) }
}
#[inline(always)]
unsafe fn last64y(v: __m256d) -> __m256d {
    // SAFETY: as above.
    unsafe { _mm256_permute4x64_pd::<0xff>(v) }
}
/// The upper half of `low`, and the lower one of `v`.
#[inline(always)]
unsafe fn half32(v: __m256, low: __m256) -> __m256 {
    // SAFETY: as above.
    unsafe { _mm256_permute2f128_ps::<0x21>(low, v) }
}
#[inline(always)]
unsafe fn half64(v: __m256d, low: __m256d) -> __m256d {
    // SAFETY: as above.
    unsafe { _mm256_permute2f128_pd::<0x21>(low, v) }
}
/// As `up32`; of each half of a register so many bytes are kept from the one before.
#[inline(always)]
unsafe fn up32y<const KEPT: i32>(v: __m256, low: __m256) -> __m256 {
    // SAFETY: as above.
    unsafe {
        let (v, low) = (_mm256_castps_si256(v), _mm256_castps_si256(half32(v, low)));
        _mm256_castsi256_ps(_mm256_alignr_epi8::<KEPT>(v, low))
    }
}
#[inline(always)]
unsafe fn up64y(v: __m256d, low: __m256d) -> __m256d {
    // SAFETY: as above.
    unsafe { _mm256_shuffle_pd::<0b0101>(half64(v, low), v) }
}

/// Registers of 32-bit numbers: `name512 name256: type, identity, [broadcast, operation] of 512 bits, of 256 bits`.
macro_rules! words {
    ($($one:ident $two:ident: $t:ty, $identity:expr, [$splat:ident $op:ident] [$splat2:ident $op2:ident];)*) => { widened! { $(
        $one $two: $t, $identity, [$splat $op _mm512_loadu_ps _mm512_storeu_ps] [$splat2 $op2 _mm256_loadu_ps _mm256_storeu_ps];
    )* } };
}
/// As [`words`], of numbers that have 32 bits in a register: `[broadcast, operation, load, store]`.
macro_rules! widened {
    ($($one:ident $two:ident: $t:ty, $identity:expr,
        [$splat:ident $op:ident $load:ident $store:ident] [$splat2:ident $op2:ident $load2:ident $store2:ident];
    )*) => { scans! { $(
        $one: "avx512f", $t, 1, $identity, $splat, $op, $load, $store, last32, turned32, shifts |v, none|
            [up32::<15>(v[0], none)], [up32::<14>(v[0], none)], [up32::<12>(v[0], none)], [up32::<8>(v[0], none)];
        $two: "avx2", $t, 2, $identity, $splat2, $op2, $load2, $store2, last32y, turned32y, shifts |v, none|
            [up32y::<12>(v[0], none), up32y::<12>(v[1], v[0])], [up32y::<8>(v[0], none), up32y::<8>(v[1], v[0])],
            [half32(v[0], none), half32(v[1], v[0])], [none, v[0]];
    )* } };
}
/// As [`words`], of 64-bit numbers.
macro_rules! longs {
    ($($one:ident $two:ident: $t:ty, $identity:expr, [$splat:ident $op:ident] [$splat2:ident $op2:ident];)*) => { scans! { $(
        $one: "avx512f", $t, 2, $identity, $splat, $op, _mm512_loadu_pd, _mm512_storeu_pd, last64, turned64, shifts |v, none|
            [up64::<7>(v[0], none), up64::<7>(v[1], v[0])], [up64::<6>(v[0], none), up64::<6>(v[1], v[0])],
            [up64::<4>(v[0], none), up64::<4>(v[1], v[0])], [none, v[0]];
        $two: "avx2", $t, 4, $identity, $splat2, $op2, _mm256_loadu_pd, _mm256_storeu_pd, last64y, turned64y, shifts |v, none|
            [up64y(v[0], none), up64y(v[1], v[0]), up64y(v[2], v[1]), up64y(v[3], v[2])],
            [half64(v[0], none), half64(v[1], v[0]), half64(v[2], v[1]), half64(v[3], v[2])],
            [none, v[0], v[1], v[2]], [none, none, v[0], v[1]];
    )* } };
}

/// Operations on registers.
macro_rules! operations {
    ($($features:literal $v:ty: $($name:ident($($arg:ident),*) $body:expr;)*)*) => { $($(
        #[inline]
        #[target_feature(enable = $features)]
        fn $name($($arg: $v),*) -> $v { $body }
    )*)* };
}
// The instructions for extremes of floats give their second operand where either is NaN, or both are zero; a NaN in the first one has to be chosen by hand.
operations! {
    "avx512f" __m512:
        max_f32s(a, b) _mm512_mask_mov_ps(_mm512_max_ps(b, a), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(b, b), b);
        min_f32s(a, b) _mm512_mask_mov_ps(_mm512_min_ps(b, a), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(b, b), b);
    "avx512f" __m512d:
        max_f64s(a, b) _mm512_mask_mov_pd(_mm512_max_pd(b, a), _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(b, b), b);
        min_f64s(a, b) _mm512_mask_mov_pd(_mm512_min_pd(b, a), _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(b, b), b);
    "avx2" __m256:
        max_f32sy(a, b) _mm256_blendv_ps(_mm256_max_ps(b, a), b, _mm256_cmp_ps::<_CMP_UNORD_Q>(b, b));
        min_f32sy(a, b) _mm256_blendv_ps(_mm256_min_ps(b, a), b, _mm256_cmp_ps::<_CMP_UNORD_Q>(b, b));
    "avx2" __m256d:
        max_f64sy(a, b) _mm256_blendv_pd(_mm256_max_pd(b, a), b, _mm256_cmp_pd::<_CMP_UNORD_Q>(b, b));
        min_f64sy(a, b) _mm256_blendv_pd(_mm256_min_pd(b, a), b, _mm256_cmp_pd::<_CMP_UNORD_Q>(b, b));
    "avx512f" __m512i:
        // the lower half of a product, of products of halves
        mullo_epi64(a, b) {
            let mixed = _mm512_add_epi64(
                _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), b),
                _mm512_mul_epu32(a, _mm512_srli_epi64::<32>(b)),
            );
            _mm512_add_epi64(_mm512_mul_epu32(a, b), _mm512_slli_epi64::<32>(mixed))
        };
    "avx2" __m256i:
        mullo_epi64y(a, b) {
            let mixed = _mm256_add_epi64(
                _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), b),
                _mm256_mul_epu32(a, _mm256_srli_epi64::<32>(b)),
            );
            _mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64::<32>(mixed))
        };
        max_epi64y(a, b) _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
        min_epi64y(a, b) _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
        // without a sign: as with one, the highest bit the other way round
        flipped(a) _mm256_xor_si256(a, _mm256_set1_epi64x(i64::MIN));
        max_epu64y(a, b) flipped(max_epi64y(flipped(a), flipped(b)));
        min_epu64y(a, b) flipped(min_epi64y(flipped(a), flipped(b)));
}
/// Integers, in registers of floats like everything here: the same in all lanes, and operations on them.
macro_rules! integers {
    ($($features:literal $t:ty: $splat:ident $set:ident, $v:ty, $there:ident $back:ident, $($name:ident $op:ident)*;)*) => { $(
        #[inline]
        #[target_feature(enable = $features)]
        fn $splat(x: $t) -> $v { $back($set(x)) }
        $(
            #[inline]
            #[target_feature(enable = $features)]
            fn $name(a: $v, b: $v) -> $v { $back($op($there(a), $there(b))) }
        )*
    )* };
}
integers! {
    "avx512f" i32: splat_i32 _mm512_set1_epi32, __m512, _mm512_castps_si512 _mm512_castsi512_ps,
        add_i32 _mm512_add_epi32 mul_i32 _mm512_mullo_epi32 max_i32 _mm512_max_epi32 min_i32 _mm512_min_epi32
        max_u32 _mm512_max_epu32 min_u32 _mm512_min_epu32;
    "avx512f" i64: splat_i64 _mm512_set1_epi64, __m512d, _mm512_castpd_si512 _mm512_castsi512_pd,
        add_i64 _mm512_add_epi64 mul_i64 mullo_epi64 max_i64 _mm512_max_epi64 min_i64 _mm512_min_epi64
        max_u64 _mm512_max_epu64 min_u64 _mm512_min_epu64;
    "avx2" i32: splat_i32y _mm256_set1_epi32, __m256, _mm256_castps_si256 _mm256_castsi256_ps,
        add_i32y _mm256_add_epi32 mul_i32y _mm256_mullo_epi32 max_i32y _mm256_max_epi32 min_i32y _mm256_min_epi32
        max_u32y _mm256_max_epu32 min_u32y _mm256_min_epu32;
    "avx2" i64: splat_i64y _mm256_set1_epi64x, __m256d, _mm256_castpd_si256 _mm256_castsi256_pd,
        add_i64y _mm256_add_epi64 mul_i64y mullo_epi64y max_i64y max_epi64y min_i64y min_epi64y
        max_u64y max_epu64y min_u64y min_epu64y;
}

/// Integers of 8 and 16 bits, which have 32 in a register: sums and products of those have the right low bits, and extremes are the same.
macro_rules! small {
    ($($t:ty: $splat:ident $splat2:ident, $load:ident $wide:ident $from:ident, $load2:ident $wide2:ident $from2:ident;)*) => { $(
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn $splat(x: $t) -> __m512 { splat_i32(x as i32) }
        #[inline]
        #[target_feature(enable = "avx2")]
        fn $splat2(x: $t) -> __m256 { splat_i32y(x as i32) }
        /// # Safety
        /// There are 16 of them.
        #[inline]
        #[target_feature(enable = "avx512f")]
        unsafe fn $load(x: *const $t) -> __m512 {
            // SAFETY: the caller's.
            _mm512_castsi512_ps($wide(unsafe { $from(x.cast()) }))
        }
        /// # Safety
        /// There are 8 of them.
        #[inline]
        #[target_feature(enable = "avx2")]
        unsafe fn $load2(x: *const $t) -> __m256 {
            // SAFETY: the caller's.
            _mm256_castsi256_ps($wide2(unsafe { $from2(x.cast()) }))
        }
    )* };
}
small! {
    i8: splat_i8 splat_i8y, load_i8 _mm512_cvtepi8_epi32 _mm_loadu_si128, load_i8y _mm256_cvtepi8_epi32 _mm_loadl_epi64;
    u8: splat_u8 splat_u8y, load_u8 _mm512_cvtepu8_epi32 _mm_loadu_si128, load_u8y _mm256_cvtepu8_epi32 _mm_loadl_epi64;
    i16: splat_i16 splat_i16y, load_i16 _mm512_cvtepi16_epi32 _mm256_loadu_si256, load_i16y _mm256_cvtepi16_epi32 _mm_loadu_si128;
    u16: splat_u16 splat_u16y, load_u16 _mm512_cvtepu16_epi32 _mm256_loadu_si256, load_u16y _mm256_cvtepu16_epi32 _mm_loadu_si128;
}
/// The low bytes of 16 words.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_8(to: *mut u8, v: __m512) {
    // SAFETY: the caller's.
    unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_castps_si512(v))) }
}
/// The low halves of 16 words.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_16(to: *mut u16, v: __m512) {
    // SAFETY: the caller's.
    unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_castps_si512(v))) }
}
/// Bytes of both halves of a register, each half's as told.
#[inline]
#[target_feature(enable = "avx2")]
fn picked(v: __m256, bytes: __m128i) -> (__m128i, __m128i) {
    let v = _mm256_shuffle_epi8(_mm256_castps_si256(v), _mm256_broadcastsi128_si256(bytes));
    (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v))
}
/// The low bytes of 8 words.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_8y(to: *mut u8, v: __m256) {
    let (low, high) = picked(v, _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
    // SAFETY: the caller's.
    unsafe { _mm_storel_epi64(to.cast(), _mm_unpacklo_epi32(low, high)) }
}
/// The low halves of 8 words.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_16y(to: *mut u16, v: __m256) {
    let (low, high) = picked(v, _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1));
    // SAFETY: the caller's.
    unsafe { _mm_storeu_si128(to.cast(), _mm_unpacklo_epi64(low, high)) }
}

/// The kernels, and the function that knows them. A row is a fold of elements of some types: `fold, types, names of 512 and 256 bits (element, fold for other steps): identity, operations`.
macro_rules! kernels {
    ($($family:ident { $(
        $op:ident $dt:pat => $one:ident $two:ident ($t:ty, $fold:ty): $identity:expr, $wide:tt $narrow:tt;
    )* })*) => {
        $($family! { $($one $two: $t, $identity, $wide $narrow;)* })*

        /// The prefixes of a fold of numbers of this type; `None` where there are no such vectors.
        pub fn kernel(isa: Isa, op: Fold, dt: Dt) -> Option<Lines> {
            macro_rules! with {
                ($isa:expr, $line:ident, $f:ty) => {{
                    /// # Safety
                    /// As for [`Lines`], and the processor has the instruction set.
                    unsafe fn entry(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, scratch: *mut u8) {
                        // SAFETY: the caller's.
                        unsafe {
                            match (c, step) {
                                (1, 1 | -1) => $line(out.cast(), x.cast(), n, step),
                                _ => lines::<$f>($isa)(out, x, n, step, c, scratch),
                            }
                        }
                    }
                    Some(entry)
                }};
            }
            match (op, dt, isa) {
                $($(
                    (Fold::$op, $dt, Isa::Avx2) => with!(Isa::Avx2, $two, $fold),
                    (Fold::$op, $dt, Isa::Avx512) => with!(Isa::Avx512, $one, $fold),
                )*)*
                _ => None,
            }
        }
    };
}
kernels! {
    words {
        Sum Dt::F32 => sum_f32 sum_f32y (f32, Sum<f32>): -0.0, [_mm512_set1_ps _mm512_add_ps] [_mm256_set1_ps _mm256_add_ps];
        Prod Dt::F32 => prod_f32 prod_f32y (f32, Prod<f32>): 1.0, [_mm512_set1_ps _mm512_mul_ps] [_mm256_set1_ps _mm256_mul_ps];
        Max Dt::F32 => max_f32 max_f32y (f32, Max<f32>): f32::NEG_INFINITY, [_mm512_set1_ps max_f32s] [_mm256_set1_ps max_f32sy];
        Min Dt::F32 => min_f32 min_f32y (f32, Min<f32>): f32::INFINITY, [_mm512_set1_ps min_f32s] [_mm256_set1_ps min_f32sy];
        Sum Dt::I32 | Dt::U32 => sum_i32 sum_i32y (i32, Sum<u32>): 0, [splat_i32 add_i32] [splat_i32y add_i32y];
        Prod Dt::I32 | Dt::U32 => prod_i32 prod_i32y (i32, Prod<u32>): 1, [splat_i32 mul_i32] [splat_i32y mul_i32y];
        Max Dt::I32 => greatest_i32 greatest_i32y (i32, Max<i32>): i32::MIN, [splat_i32 max_i32] [splat_i32y max_i32y];
        Min Dt::I32 => least_i32 least_i32y (i32, Min<i32>): i32::MAX, [splat_i32 min_i32] [splat_i32y min_i32y];
        Max Dt::U32 => greatest_u32 greatest_u32y (i32, Max<u32>): 0, [splat_i32 max_u32] [splat_i32y max_u32y];
        Min Dt::U32 => least_u32 least_u32y (i32, Min<u32>): -1, [splat_i32 min_u32] [splat_i32y min_u32y];
    }
    widened {
        Sum Dt::I8 | Dt::U8 => sum_u8 sum_u8y (u8, Sum<u8>): 0, [splat_u8 add_i32 load_u8 store_8] [splat_u8y add_i32y load_u8y store_8y];
        Prod Dt::I8 | Dt::U8 => prod_u8 prod_u8y (u8, Prod<u8>): 1, [splat_u8 mul_i32 load_u8 store_8] [splat_u8y mul_i32y load_u8y store_8y];
        Max Dt::I8 => greatest_i8 greatest_i8y (i8, Max<i8>): i8::MIN, [splat_i8 max_i32 load_i8 store_8] [splat_i8y max_i32y load_i8y store_8y];
        Min Dt::I8 => least_i8 least_i8y (i8, Min<i8>): i8::MAX, [splat_i8 min_i32 load_i8 store_8] [splat_i8y min_i32y load_i8y store_8y];
        Max Dt::U8 => greatest_u8 greatest_u8y (u8, Max<u8>): u8::MIN, [splat_u8 max_i32 load_u8 store_8] [splat_u8y max_i32y load_u8y store_8y];
        Min Dt::U8 => least_u8 least_u8y (u8, Min<u8>): u8::MAX, [splat_u8 min_i32 load_u8 store_8] [splat_u8y min_i32y load_u8y store_8y];
        Sum Dt::I16 | Dt::U16 => sum_u16 sum_u16y (u16, Sum<u16>): 0, [splat_u16 add_i32 load_u16 store_16] [splat_u16y add_i32y load_u16y store_16y];
        Prod Dt::I16 | Dt::U16 => prod_u16 prod_u16y (u16, Prod<u16>): 1, [splat_u16 mul_i32 load_u16 store_16] [splat_u16y mul_i32y load_u16y store_16y];
        Max Dt::I16 => greatest_i16 greatest_i16y (i16, Max<i16>): i16::MIN, [splat_i16 max_i32 load_i16 store_16] [splat_i16y max_i32y load_i16y store_16y];
        Min Dt::I16 => least_i16 least_i16y (i16, Min<i16>): i16::MAX, [splat_i16 min_i32 load_i16 store_16] [splat_i16y min_i32y load_i16y store_16y];
        Max Dt::U16 => greatest_u16 greatest_u16y (u16, Max<u16>): u16::MIN, [splat_u16 max_i32 load_u16 store_16] [splat_u16y max_i32y load_u16y store_16y];
        Min Dt::U16 => least_u16 least_u16y (u16, Min<u16>): u16::MAX, [splat_u16 min_i32 load_u16 store_16] [splat_u16y min_i32y load_u16y store_16y];
    }
    longs {
        Sum Dt::F64 => sum_f64 sum_f64y (f64, Sum<f64>): -0.0, [_mm512_set1_pd _mm512_add_pd] [_mm256_set1_pd _mm256_add_pd];
        Prod Dt::F64 => prod_f64 prod_f64y (f64, Prod<f64>): 1.0, [_mm512_set1_pd _mm512_mul_pd] [_mm256_set1_pd _mm256_mul_pd];
        Max Dt::F64 => max_f64 max_f64y (f64, Max<f64>): f64::NEG_INFINITY, [_mm512_set1_pd max_f64s] [_mm256_set1_pd max_f64sy];
        Min Dt::F64 => min_f64 min_f64y (f64, Min<f64>): f64::INFINITY, [_mm512_set1_pd min_f64s] [_mm256_set1_pd min_f64sy];
        Sum Dt::I64 | Dt::U64 => sum_i64 sum_i64y (i64, Sum<u64>): 0, [splat_i64 add_i64] [splat_i64y add_i64y];
        Prod Dt::I64 | Dt::U64 => prod_i64 prod_i64y (i64, Prod<u64>): 1, [splat_i64 mul_i64] [splat_i64y mul_i64y];
        Max Dt::I64 => greatest_i64 greatest_i64y (i64, Max<i64>): i64::MIN, [splat_i64 max_i64] [splat_i64y max_i64y];
        Min Dt::I64 => least_i64 least_i64y (i64, Min<i64>): i64::MAX, [splat_i64 min_i64] [splat_i64y min_i64y];
        Max Dt::U64 => greatest_u64 greatest_u64y (i64, Max<u64>): 0, [splat_i64 max_u64] [splat_i64y max_u64y];
        Min Dt::U64 => least_u64 least_u64y (i64, Min<u64>): -1, [splat_i64 min_u64] [splat_i64y min_u64y];
    }
}
