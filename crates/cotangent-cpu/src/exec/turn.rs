//! Transposition in registers: squares of 8 x 8 elements (4 x 4 of eight bytes), in blocks as wide as a line of the cache on both sides, so
//! that every line is read and written once whatever the strides are. With AVX-512 a square is such a block: where rows lie a power of two apart, lines that are written
//! by halves leave the cache in between.

use crate::isa::{Isa, isa};
use std::arch::x86_64::*;

/// `square(dst, row, src, stride)`: `dst[i][j] = src[j][i]`, with strides in bytes.
macro_rules! squares {
    ($($(#[$doc:meta])* $name:ident: $side:literal of $size:literal, $features:literal, $v:ty, $load:ident, $store:ident, |$r:ident| $turned:expr;)*) => { $(
        $(#[$doc])*
        ///
        /// # Safety
        /// As for [`super::access::tiles`]; the processor has these instructions; `m` and `n` are multiples of the side.
        #[target_feature(enable = $features)]
        unsafe fn $name(dst: *mut u8, row: usize, src: *const u8, stride: isize, m: usize, n: usize) {
            const LINE: usize = 64 / $size;
            for j0 in (0..n).step_by(LINE) {
                for i0 in (0..m).step_by(LINE) {
                    for j in (j0..n.min(j0 + LINE)).step_by($side) {
                        for i in (i0..m.min(i0 + LINE)).step_by($side) {
                            // SAFETY: the caller's.
                            unsafe {
                                let from = src.offset(j as isize * stride).add(i * $size);
                                let to = dst.add(i * row + j * $size);
                                let mut $r = [$load(from.cast()); $side];
                                for k in 1..$side {
                                    $r[k] = $load(from.offset(k as isize * stride).cast());
                                }
                                let turned: [$v; $side] = $turned;
                                for k in 0..$side {
                                    $store(to.add(k * row).cast(), turned[k]);
                                }
                            }
                        }
                    }
                }
            }
        }
    )* };
}
squares! {
    /// Elements of two bytes.
    halves: 8 of 2, "sse2", __m128i, _mm_loadu_si128, _mm_storeu_si128, |r| {
        let (a, b) = (_mm_unpacklo_epi16(r[0], r[1]), _mm_unpackhi_epi16(r[0], r[1]));
        let (c, d) = (_mm_unpacklo_epi16(r[2], r[3]), _mm_unpackhi_epi16(r[2], r[3]));
        let (e, f) = (_mm_unpacklo_epi16(r[4], r[5]), _mm_unpackhi_epi16(r[4], r[5]));
        let (g, h) = (_mm_unpacklo_epi16(r[6], r[7]), _mm_unpackhi_epi16(r[6], r[7]));
        let (p, q) = (_mm_unpacklo_epi32(a, c), _mm_unpacklo_epi32(e, g));
        let (s, t) = (_mm_unpackhi_epi32(a, c), _mm_unpackhi_epi32(e, g));
        let (u, v) = (_mm_unpacklo_epi32(b, d), _mm_unpacklo_epi32(f, h));
        let (w, x) = (_mm_unpackhi_epi32(b, d), _mm_unpackhi_epi32(f, h));
        [
            _mm_unpacklo_epi64(p, q), _mm_unpackhi_epi64(p, q), _mm_unpacklo_epi64(s, t), _mm_unpackhi_epi64(s, t),
            _mm_unpacklo_epi64(u, v), _mm_unpackhi_epi64(u, v), _mm_unpacklo_epi64(w, x), _mm_unpackhi_epi64(w, x),
        ]
    };
    /// Elements of four bytes.
    words: 8 of 4, "avx2", __m256, _mm256_loadu_ps, _mm256_storeu_ps, |r| {
        let (a, b) = (_mm256_unpacklo_ps(r[0], r[1]), _mm256_unpackhi_ps(r[0], r[1]));
        let (c, d) = (_mm256_unpacklo_ps(r[2], r[3]), _mm256_unpackhi_ps(r[2], r[3]));
        let (e, f) = (_mm256_unpacklo_ps(r[4], r[5]), _mm256_unpackhi_ps(r[4], r[5]));
        let (g, h) = (_mm256_unpacklo_ps(r[6], r[7]), _mm256_unpackhi_ps(r[6], r[7]));
        let (p, q) = (_mm256_shuffle_ps::<0x44>(a, c), _mm256_shuffle_ps::<0x44>(e, g));
        let (s, t) = (_mm256_shuffle_ps::<0xee>(a, c), _mm256_shuffle_ps::<0xee>(e, g));
        let (u, v) = (_mm256_shuffle_ps::<0x44>(b, d), _mm256_shuffle_ps::<0x44>(f, h));
        let (w, x) = (_mm256_shuffle_ps::<0xee>(b, d), _mm256_shuffle_ps::<0xee>(f, h));
        [
            _mm256_permute2f128_ps::<0x20>(p, q), _mm256_permute2f128_ps::<0x20>(s, t),
            _mm256_permute2f128_ps::<0x20>(u, v), _mm256_permute2f128_ps::<0x20>(w, x),
            _mm256_permute2f128_ps::<0x31>(p, q), _mm256_permute2f128_ps::<0x31>(s, t),
            _mm256_permute2f128_ps::<0x31>(u, v), _mm256_permute2f128_ps::<0x31>(w, x),
        ]
    };
    /// Elements of eight bytes.
    doubles: 4 of 8, "avx2", __m256d, _mm256_loadu_pd, _mm256_storeu_pd, |r| {
        let (a, b) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
        let (c, d) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
        [
            _mm256_permute2f128_pd::<0x20>(a, c), _mm256_permute2f128_pd::<0x20>(b, d),
            _mm256_permute2f128_pd::<0x31>(a, c), _mm256_permute2f128_pd::<0x31>(b, d),
        ]
    };
    /// Elements of four bytes, in whole lines.
    lines: 16 of 4, "avx512f", __m512, _mm512_loadu_ps, _mm512_storeu_ps, |r| {
        let mut a = [_mm512_setzero_pd(); 16];
        for k in 0..4 {
            let p = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * k], r[4 * k + 1]));
            let q = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * k + 2], r[4 * k + 3]));
            let s = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * k], r[4 * k + 1]));
            let t = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * k + 2], r[4 * k + 3]));
            // four rows of columns c, 4 + c, 8 + c and 12 + c
            (a[k], a[4 + k]) = (_mm512_unpacklo_pd(p, q), _mm512_unpackhi_pd(p, q));
            (a[8 + k], a[12 + k]) = (_mm512_unpacklo_pd(s, t), _mm512_unpackhi_pd(s, t));
        }
        let mut all = [_mm512_setzero_ps(); 16];
        for c in 0..4 {
            let (p, q, s, t) = (a[4 * c], a[4 * c + 1], a[4 * c + 2], a[4 * c + 3]);
            let (even, odd) = (_mm512_shuffle_f64x2::<0x88>(p, q), _mm512_shuffle_f64x2::<0xdd>(p, q));
            let (even2, odd2) = (_mm512_shuffle_f64x2::<0x88>(s, t), _mm512_shuffle_f64x2::<0xdd>(s, t));
            all[c] = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0x88>(even, even2));
            all[4 + c] = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0x88>(odd, odd2));
            all[8 + c] = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0xdd>(even, even2));
            all[12 + c] = _mm512_castpd_ps(_mm512_shuffle_f64x2::<0xdd>(odd, odd2));
        }
        all
    };
    /// Elements of eight bytes, in whole lines.
    long_lines: 8 of 8, "avx512f", __m512d, _mm512_loadu_pd, _mm512_storeu_pd, |r| {
        let mut a = [_mm512_setzero_pd(); 8];
        for k in 0..4 {
            // two rows of columns 0, 2, 4 and 6, and of those behind them
            a[k] = _mm512_unpacklo_pd(r[2 * k], r[2 * k + 1]);
            a[4 + k] = _mm512_unpackhi_pd(r[2 * k], r[2 * k + 1]);
        }
        let mut all = [_mm512_setzero_pd(); 8];
        for c in 0..2 {
            let (p, q, s, t) = (a[4 * c], a[4 * c + 1], a[4 * c + 2], a[4 * c + 3]);
            let (even, odd) = (_mm512_shuffle_f64x2::<0x88>(p, q), _mm512_shuffle_f64x2::<0xdd>(p, q));
            let (even2, odd2) = (_mm512_shuffle_f64x2::<0x88>(s, t), _mm512_shuffle_f64x2::<0xdd>(s, t));
            (all[c], all[2 + c]) = (_mm512_shuffle_f64x2::<0x88>(even, even2), _mm512_shuffle_f64x2::<0x88>(odd, odd2));
            (all[4 + c], all[6 + c]) = (_mm512_shuffle_f64x2::<0xdd>(even, even2), _mm512_shuffle_f64x2::<0xdd>(odd, odd2));
        }
        all
    };
}

/// Transposes what of `m` rows of `n` is made of whole squares. Returns its extents.
///
/// # Safety
/// As for [`super::access::tiles`].
pub unsafe fn turn(
    dst: *mut u8,
    row: usize,
    src: *const u8,
    stride: isize,
    m: usize,
    n: usize,
    size: usize,
) -> (usize, usize) {
    let has = |level: Isa| level.available() && isa() >= level;
    type Squares = unsafe fn(*mut u8, usize, *const u8, isize, usize, usize);
    let (side, kernel): (_, Squares) = match size {
        2 => (8, halves),
        4 if has(Isa::Avx2) => (8, words),
        8 if has(Isa::Avx2) => (4, doubles),
        _ => return (0, 0),
    };
    let large: (usize, Squares) = match size {
        4 if has(Isa::Avx512) => (16, lines),
        8 if has(Isa::Avx512) => (8, long_lines),
        _ => (side, kernel),
    };
    let whole = |side: usize| (m / side * side, n / side * side);
    let ((i, j), (m, n)) = (whole(large.0), whole(side));
    // SAFETY: the caller's, and the processor has the instructions. Columns behind large squares come next, then the rows below.
    unsafe {
        large.1(dst, row, src, stride, i, j);
        kernel(dst.add(j * size), row, src.offset(j as isize * stride), stride, m, n - j);
        kernel(dst.add(i * row), row, src.add(i * size), stride, m - i, j);
    }
    (m, n)
}

#[cfg(test)]
mod tests {
    use super::super::access::transpose;

    #[test]
    fn every_element_finds_its_place() {
        for size in [1usize, 2, 4, 8, 16] {
            for (m, n, more) in [
                (1usize, 1usize, 0usize),
                (3, 9, 1),
                (8, 8, 0),
                (9, 4, 0),
                (17, 40, 3),
                (64, 33, 0),
                (31, 70, 2),
                (0, 5, 0),
                (70, 64, 0),
                (24, 48, 0),
                (40, 24, 1),
            ] {
                // `src` has n rows of m, and some elements more
                let (stride, row) = ((m + more) * size, (n + more) * size);
                let src: Vec<u128> = (0..(n * stride).div_ceil(16) as u128)
                    .map(|i: u128| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
                    .collect();
                let mut dst = vec![0u128; (m * row).div_ceil(16) + 1];
                // SAFETY: both have these rows, aligned to their elements.
                let (from, to) = unsafe {
                    transpose(dst.as_mut_ptr().cast(), row, src.as_ptr().cast(), stride as isize, m, n, size);
                    (
                        std::slice::from_raw_parts(src.as_ptr().cast::<u8>(), n * stride),
                        std::slice::from_raw_parts(dst.as_ptr().cast::<u8>(), m * row),
                    )
                };
                for (k, byte) in to.iter().enumerate() {
                    let (i, j, b) = (k / row, k % row / size, k % size);
                    let want = if j < n { from[j * stride + i * size + b] } else { 0 };
                    assert_eq!(*byte, want, "{m} x {n} of {size}: row {i}, column {j}");
                }
            }
        }
    }
}
