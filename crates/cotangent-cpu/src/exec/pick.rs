//! Every second element, or every third, up to every twelfth: real parts, coordinates of points, colours, elements of small matrices. Vectors are read as they lie, and what is wanted of
//! each is brought to its place in registers. Of four bytes, in the first cache of a Zen 4, that takes a fifth of the time of one element after the other at steps of two and three (0.05 ns of 0.27), half of it at six, and little less at twelve;
//! with AVX2, on a Zen 3, a fifth at two and three quarters at eight, of eight bytes half and three quarters at two and four.

use crate::isa::{Isa, isa};
use std::arch::x86_64::*;

/// Elements that make it worth it.
const LEAST: usize = 32;

/// For a step of `M` in vectors of `L` lanes: element `i` of the result is element `M i` of as many vectors.
struct Step<const M: usize, const L: usize>;
impl<const M: usize, const L: usize> Step<M, L> {
    /// Which lane of its vector that is.
    const LANE: [u8; L] = {
        let (mut lane, mut i) = ([0; L], 0);
        while i < L {
            lane[i] = (i * M % L) as u8;
            i += 1
        }
        lane
    };
    /// Which elements of the result come from a vector.
    const FROM: [u16; M] = {
        let (mut from, mut i) = ([0; M], 0);
        while i < L {
            from[i * M / L] |= 1 << i;
            i += 1
        }
        from
    };
}

macro_rules! pickers {
    ($($name:ident, $isa:literal: $t:ty, $lanes:literal of $mask:ty, $wide:path, $load:path, $load_some:path, $place:path, $place_some:path, $store:path;)*) => { $(
        /// `dst[i] = src[M i]` for as many of `n` elements as are whole vectors; returns how many those are.
        ///
        /// # Safety
        /// The processor has the instruction set; the elements exist, and `dst` has room. `M` is at most the number of lanes.
        #[target_feature(enable = $isa)]
        unsafe fn $name<const M: usize>(dst: *mut u8, src: *const u8, n: usize) -> usize {
            let (dst, src) = (dst.cast::<$t>(), src.cast::<$t>());
            // the last element that is wanted, and nothing behind it
            let some = (((1u32 << $lanes) - 1) >> (M - 1)) as $mask;
            // SAFETY: the lanes are there; vectors lie between the first and the last element that is wanted, the last one up to the end of its mask.
            unsafe {
                let lane = $wide(Step::<M, $lanes>::LANE.as_ptr());
                let from = |k: usize| Step::<M, $lanes>::FROM[k] as $mask;
                let mut at = 0;
                while at + $lanes <= n {
                    let src = src.add(at * M);
                    let mut all = $place(lane, $load(src));
                    for k in 1..M - 1 {
                        all = $place_some(all, from(k), lane, $load(src.add(k * $lanes)));
                    }
                    let last = $load_some(some, src.add((M - 1) * $lanes));
                    $store(dst.add(at), $place_some(all, from(M - 1), lane, last));
                    at += $lanes
                }
                at
            }
        }
    )* };
}
/// # Safety
/// There are so many bytes; the processor has AVX-512.
#[target_feature(enable = "avx512f")]
pub unsafe fn sixteen(lanes: *const u8) -> __m512i {
    // SAFETY: the caller's.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(lanes.cast()) })
}
/// # Safety
/// As above.
#[target_feature(enable = "avx512f")]
pub unsafe fn eight(lanes: *const u8) -> __m512i {
    // SAFETY: the caller's.
    _mm512_cvtepu8_epi64(unsafe { _mm_loadl_epi64(lanes.cast()) })
}
/// AVX2's lanes with AVX-512's arguments. It has one permutation of any lanes, of 32 bits, and masks that are vectors; of known ones they are constants.
pub mod avx2 {
    use std::arch::x86_64::*;

    /// # Safety
    /// There are eight bytes; the processor has AVX2.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn eight(lanes: *const u8) -> __m256i {
        // SAFETY: the caller's.
        _mm256_cvtepu8_epi32(unsafe { _mm_loadl_epi64(lanes.cast()) })
    }
    /// Both halves of lanes of 64 bits.
    ///
    /// # Safety
    /// There are four bytes; the processor has AVX2.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn four(lanes: *const u8) -> __m256i {
        // SAFETY: the caller's.
        let low = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(unsafe { lanes.cast::<i32>().read_unaligned() }));
        let low = _mm256_add_epi64(low, low);
        let high = _mm256_add_epi64(low, _mm256_set1_epi64x(1));
        _mm256_or_si256(low, _mm256_slli_epi64::<32>(high))
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn place_ps(lane: __m256i, x: __m256) -> __m256 {
        _mm256_permutevar8x32_ps(x, lane)
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn place_pd(lane: __m256i, x: __m256d) -> __m256d {
        _mm256_castps_pd(place_ps(lane, _mm256_castpd_ps(x)))
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask_ps(k: u8) -> __m256i {
        let bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(k as i32), bits), bits)
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    fn mask_pd(k: u8) -> __m256i {
        let bits = _mm256_setr_epi64x(1, 2, 4, 8);
        _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(k as i64), bits), bits)
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn place_some_ps(all: __m256, k: u8, lane: __m256i, x: __m256) -> __m256 {
        _mm256_blendv_ps(all, place_ps(lane, x), _mm256_castsi256_ps(mask_ps(k)))
    }
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn place_some_pd(all: __m256d, k: u8, lane: __m256i, x: __m256d) -> __m256d {
        _mm256_blendv_pd(all, place_pd(lane, x), _mm256_castsi256_pd(mask_pd(k)))
    }
    /// # Safety
    /// The elements of the mask are there.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn load_some_ps(k: u8, x: *const f32) -> __m256 {
        // SAFETY: the caller's.
        unsafe { _mm256_maskload_ps(x, mask_ps(k)) }
    }
    /// # Safety
    /// As above.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub unsafe fn load_some_pd(k: u8, x: *const f64) -> __m256d {
        // SAFETY: the caller's.
        unsafe { _mm256_maskload_pd(x, mask_pd(k)) }
    }
}
pickers! {
    singles, "avx512f": f32, 16 of u16, sixteen, _mm512_loadu_ps, _mm512_maskz_loadu_ps, _mm512_permutexvar_ps, _mm512_mask_permutexvar_ps, _mm512_storeu_ps;
    doubles, "avx512f": f64, 8 of u8, eight, _mm512_loadu_pd, _mm512_maskz_loadu_pd, _mm512_permutexvar_pd, _mm512_mask_permutexvar_pd, _mm512_storeu_pd;
    singles_256, "avx2": f32, 8 of u8, avx2::eight, _mm256_loadu_ps, avx2::load_some_ps, avx2::place_ps, avx2::place_some_ps, _mm256_storeu_ps;
    doubles_256, "avx2": f64, 4 of u8, avx2::four, _mm256_loadu_pd, avx2::load_some_pd, avx2::place_pd, avx2::place_some_pd, _mm256_storeu_pd;
}

/// Copies as many of `n` elements, `stride` bytes apart, as it can do well, and says how many.
///
/// # Safety
/// As for [`super::access::strided`].
pub unsafe fn pick(dst: *mut u8, src: *const u8, stride: isize, n: usize, size: usize) -> usize {
    if n < LEAST {
        return 0;
    }
    macro_rules! of { ($picker:ident, $step:expr, $($m:literal)*) => {
        // SAFETY: the caller's, and the processor has the instructions.
        match $step { $($m => unsafe { $picker::<$m>(dst, src, n) },)* _ => 0 }
    } }
    match (isa(), size) {
        (Isa::Avx512, 4) if stride % 4 == 0 => of!(singles, stride / 4, 2 3 4 5 6 7 8 9 10 11 12),
        (Isa::Avx512, 8) if stride % 8 == 0 => of!(doubles, stride / 8, 2 3 4 5 6 7 8),
        (Isa::Avx2, 4) if stride % 4 == 0 => of!(singles_256, stride / 4, 2 3 4 5 6 7 8),
        (Isa::Avx2, 8) if stride % 8 == 0 => of!(doubles_256, stride / 8, 2 3 4),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::strided;
    use crate::Buffer;

    /// Every step and number, with nothing behind the last element.
    #[test]
    fn as_one_by_one() {
        for size in [1usize, 2, 4, 8, 16] {
            for step in 1..=14 {
                for n in [1, 31, 32, 33, 47, 48, 49, 64, 100] {
                    let bytes: Vec<u8> = (0..((n - 1) * step + 1) * size).map(|i| (i * 7 + i / 256) as u8).collect();
                    // a buffer ends where its elements end, so that a checker of memory sees what is read behind them
                    let from = Buffer::from_bytes(&bytes);
                    let mut to = Buffer::zeroed(n * size + 64);
                    // SAFETY: the buffers are as large as that.
                    unsafe {
                        strided(
                            to.as_bytes_mut().as_mut_ptr(),
                            from.as_bytes().as_ptr(),
                            (step * size) as isize,
                            n,
                            size,
                        )
                    };
                    for i in 0..n {
                        let want = &bytes[i * step * size..][..size];
                        assert_eq!(
                            &to.as_bytes()[i * size..][..size],
                            want,
                            "{size} bytes, every {step}th, element {i} of {n}"
                        );
                    }
                    assert!(to.as_bytes()[n * size..].iter().all(|b| *b == 0), "written behind the end");
                }
            }
        }
    }
}
