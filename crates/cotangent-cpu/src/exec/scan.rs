//! Sums and products of all elements so far of a line, in vectors: with AVX-512 one register is a group of 16 elements (two of f64), with AVX2 two are (four).
//!
//! The order is that of [`crate::program`]: what is shifted in, and what is not there before the first group or block, is the identity,
//! which changes no element.

use super::fold::{Prod, Sum};
use super::line::{Lines, lines};
use crate::isa::Isa;
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
scans! {
    sum32: "avx512f", f32, 1, -0.0, _mm512_set1_ps, _mm512_add_ps, _mm512_loadu_ps, _mm512_storeu_ps,
        last32, turned32, shifts |v, none|
        [up32::<15>(v[0], none)], [up32::<14>(v[0], none)], [up32::<12>(v[0], none)], [up32::<8>(v[0], none)];
    sum32y: "avx2", f32, 2, -0.0, _mm256_set1_ps, _mm256_add_ps, _mm256_loadu_ps, _mm256_storeu_ps,
        last32y, turned32y, shifts |v, none|
        [up32y::<12>(v[0], none), up32y::<12>(v[1], v[0])], [up32y::<8>(v[0], none), up32y::<8>(v[1], v[0])],
        [half32(v[0], none), half32(v[1], v[0])], [none, v[0]];
    prod32: "avx512f", f32, 1, 1.0, _mm512_set1_ps, _mm512_mul_ps, _mm512_loadu_ps, _mm512_storeu_ps,
        last32, turned32, shifts |v, none|
        [up32::<15>(v[0], none)], [up32::<14>(v[0], none)], [up32::<12>(v[0], none)], [up32::<8>(v[0], none)];
    prod32y: "avx2", f32, 2, 1.0, _mm256_set1_ps, _mm256_mul_ps, _mm256_loadu_ps, _mm256_storeu_ps,
        last32y, turned32y, shifts |v, none|
        [up32y::<12>(v[0], none), up32y::<12>(v[1], v[0])], [up32y::<8>(v[0], none), up32y::<8>(v[1], v[0])],
        [half32(v[0], none), half32(v[1], v[0])], [none, v[0]];
    sum64: "avx512f", f64, 2, -0.0, _mm512_set1_pd, _mm512_add_pd, _mm512_loadu_pd, _mm512_storeu_pd,
        last64, turned64, shifts |v, none|
        [up64::<7>(v[0], none), up64::<7>(v[1], v[0])], [up64::<6>(v[0], none), up64::<6>(v[1], v[0])],
        [up64::<4>(v[0], none), up64::<4>(v[1], v[0])], [none, v[0]];
    sum64y: "avx2", f64, 4, -0.0, _mm256_set1_pd, _mm256_add_pd, _mm256_loadu_pd, _mm256_storeu_pd,
        last64y, turned64y, shifts |v, none|
        [up64y(v[0], none), up64y(v[1], v[0]), up64y(v[2], v[1]), up64y(v[3], v[2])],
        [half64(v[0], none), half64(v[1], v[0]), half64(v[2], v[1]), half64(v[3], v[2])],
        [none, v[0], v[1], v[2]], [none, none, v[0], v[1]];
    prod64: "avx512f", f64, 2, 1.0, _mm512_set1_pd, _mm512_mul_pd, _mm512_loadu_pd, _mm512_storeu_pd,
        last64, turned64, shifts |v, none|
        [up64::<7>(v[0], none), up64::<7>(v[1], v[0])], [up64::<6>(v[0], none), up64::<6>(v[1], v[0])],
        [up64::<4>(v[0], none), up64::<4>(v[1], v[0])], [none, v[0]];
    prod64y: "avx2", f64, 4, 1.0, _mm256_set1_pd, _mm256_mul_pd, _mm256_loadu_pd, _mm256_storeu_pd,
        last64y, turned64y, shifts |v, none|
        [up64y(v[0], none), up64y(v[1], v[0]), up64y(v[2], v[1]), up64y(v[3], v[2])],
        [half64(v[0], none), half64(v[1], v[0]), half64(v[2], v[1]), half64(v[3], v[2])],
        [none, v[0], v[1], v[2]], [none, none, v[0], v[1]];
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident $one:ident $two:ident $fold:ty;)*) => { $(
        $(#[$doc])*
        /// `None` without vectors.
        pub fn $name(isa: Isa) -> Option<Lines> {
            macro_rules! with {
                ($isa:expr, $line:ident) => {{
                    /// # Safety
                    /// As for [`Lines`], and the processor has the instruction set.
                    unsafe fn entry(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, scratch: *mut u8) {
                        // SAFETY: the caller's.
                        unsafe {
                            match (c, step) {
                                (1, 1 | -1) => $line(out.cast(), x.cast(), n, step),
                                _ => lines::<$fold>($isa)(out, x, n, step, c, scratch),
                            }
                        }
                    }
                    Some(entry)
                }};
            }
            match isa {
                Isa::Portable => None,
                Isa::Avx2 => with!(Isa::Avx2, $two),
                Isa::Avx512 => with!(Isa::Avx512, $one),
            }
        }
    )* };
}
entries! {
    /// Sums of f32.
    sums32 sum32 sum32y Sum<f32>;
    /// Products of f32.
    prods32 prod32 prod32y Prod<f32>;
    /// Sums of f64.
    sums64 sum64 sum64y Sum<f64>;
    /// Products of f64.
    prods64 prod64 prod64y Prod<f64>;
}
