//! Sums and products of all elements so far of a line, in vectors of AVX-512: one register is a group of 16 elements (two of f64).
//!
//! The order is that of [`crate::program`]: what is shifted in, and what is not there before the first group or block, is the identity,
//! which changes no element.

use super::fold::{Prod, Sum};
use super::line::lines;
use crate::isa::Isa;
use std::arch::x86_64::*;

macro_rules! scans {
    ($(
        $name:ident: $t:ty, $regs:literal, $identity:expr, $splat:ident, $op:ident, $load:ident, $load_m:ident, $store:ident, $store_m:ident,
        $last:expr, $turn:expr, shifts |$v:ident, $none:ident| $one:expr, $two:expr, $four:expr, $eight:expr;
    )*) => { $(
        /// `n` elements of a line from `x` on, forwards or (`step` is -1) backwards.
        ///
        /// # Safety
        /// The lines exist, and the processor has AVX-512.
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
        unsafe fn $name(out: *mut $t, x: *const $t, n: usize, step: isize) {
            const W: usize = 16 / $regs;
            const GROUPS: usize = super::line::BLOCK / 16;
            // SAFETY: the caller's.
            unsafe {
                let $none = $splat($identity);
                let (mut off, mut c) = ($none, $none);
                let mut done = 0;
                let mut group = 0;
                while done < n {
                    let m = (n - done).min(16);
                    let mut $v = [$none; $regs];
                    for r in 0..$regs {
                        let lanes = m.saturating_sub(r * W).min(W);
                        // Backwards the first element is the last in memory.
                        let at = match step {
                            1 => x.wrapping_add(done + r * W),
                            _ => x.wrapping_sub(done + r * W + W - 1),
                        };
                        let mask = if step == 1 { (1u32 << lanes) - 1 } else { ((1u32 << lanes) - 1) << (W - lanes) };
                        let loaded = if lanes == W { $load(at.cast()) } else { $load_m($none, mask as _, at.cast()) };
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
                        let lanes = m.saturating_sub(r * W).min(W);
                        let y = if step == 1 { y } else { $turn(y) };
                        let at = match step {
                            1 => out.wrapping_add(done + r * W),
                            _ => out.wrapping_sub(done + r * W + W - 1),
                        };
                        let mask = if step == 1 { (1u32 << lanes) - 1 } else { ((1u32 << lanes) - 1) << (W - lanes) };
                        if lanes == W { $store(at.cast(), y) } else { $store_m(at.cast(), mask as _, y) }
                    }
                    c = $op(c, $last($v[$regs - 1]));
                    done += m;
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
scans! {
    sum32: f32, 1, -0.0, _mm512_set1_ps, _mm512_add_ps, _mm512_loadu_ps, _mm512_mask_loadu_ps, _mm512_storeu_ps,
        _mm512_mask_storeu_ps, last32, turned32, shifts |v, none|
        [up32::<15>(v[0], none)], [up32::<14>(v[0], none)], [up32::<12>(v[0], none)], [up32::<8>(v[0], none)];
    prod32: f32, 1, 1.0, _mm512_set1_ps, _mm512_mul_ps, _mm512_loadu_ps, _mm512_mask_loadu_ps, _mm512_storeu_ps,
        _mm512_mask_storeu_ps, last32, turned32, shifts |v, none|
        [up32::<15>(v[0], none)], [up32::<14>(v[0], none)], [up32::<12>(v[0], none)], [up32::<8>(v[0], none)];
    sum64: f64, 2, -0.0, _mm512_set1_pd, _mm512_add_pd, _mm512_loadu_pd, _mm512_mask_loadu_pd, _mm512_storeu_pd,
        _mm512_mask_storeu_pd, last64, turned64, shifts |v, none|
        [up64::<7>(v[0], none), up64::<7>(v[1], v[0])], [up64::<6>(v[0], none), up64::<6>(v[1], v[0])],
        [up64::<4>(v[0], none), up64::<4>(v[1], v[0])], [none, v[0]];
    prod64: f64, 2, 1.0, _mm512_set1_pd, _mm512_mul_pd, _mm512_loadu_pd, _mm512_mask_loadu_pd, _mm512_storeu_pd,
        _mm512_mask_storeu_pd, last64, turned64, shifts |v, none|
        [up64::<7>(v[0], none), up64::<7>(v[1], v[0])], [up64::<6>(v[0], none), up64::<6>(v[1], v[0])],
        [up64::<4>(v[0], none), up64::<4>(v[1], v[0])], [none, v[0]];
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident $one:ident $columns:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Safety
        /// As for [`super::line::Lines`], and the processor has AVX-512.
        pub unsafe fn $name(out: *mut u8, x: *const u8, n: usize, step: isize, c: usize, scratch: *mut u8) {
            // SAFETY: the caller's.
            unsafe {
                match (c, step) {
                    (1, 1 | -1) => $one(out.cast(), x.cast(), n, step),
                    _ => $columns(out, x, n, step, c, scratch),
                }
            }
        }
    )* };
}
entries! {
    /// Sums of f32.
    sums32 sum32 lines::<Sum<f32>>(Isa::Avx512);
    /// Products of f32.
    prods32 prod32 lines::<Prod<f32>>(Isa::Avx512);
    /// Sums of f64.
    sums64 sum64 lines::<Sum<f64>>(Isa::Avx512);
    /// Products of f64.
    prods64 prod64 lines::<Prod<f64>>(Isa::Avx512);
}
