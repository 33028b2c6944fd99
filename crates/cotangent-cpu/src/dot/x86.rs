//! The vectors of AVX2 and AVX-512.

use super::simd::{Num, Real, Simd, Square};
use std::arch::x86_64::*;

/// The functions whose bodies are single intrinsics: splat, load, store, add.
macro_rules! basics {
    ($e:ty, $cast:ty, $p:ty, $splat:ident, $load:ident, $store:ident, $add:ident) => {
        #[inline(always)]
        unsafe fn splat(x: $e) -> Self {
            // SAFETY: the caller has the instruction set.
            Self(unsafe { $splat(x as $cast) })
        }
        #[inline(always)]
        unsafe fn load(p: *const $e) -> Self {
            // SAFETY: the caller has the instruction set and a vector of elements at `p`.
            Self(unsafe { $load(p.cast::<$p>()) })
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut $e) {
            // SAFETY: the caller has the instruction set and room for a vector at `p`.
            unsafe { $store(p.cast::<$p>(), self.0) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the caller has the instruction set.
            Self(unsafe { $add(self.0, other.0) })
        }
    };
}

/// What a vector of floats has besides. The bodies are unsafe only because they are intrinsics, and read what the trait says is there.
macro_rules! real {
    (
        $name:ident, $e:ty, $mask:ty, fma_m: |$a:ident, $b:ident, $s:ident, $m:ident| $fma_m:expr, dup_even: $even:expr, dup_odd: $odd:expr,
        turn: |$t:ident| $turn:expr, splat_pair: |$p:ident| $splat_pair:expr, fold: |$f:ident| $fold:expr $(, fold4: $fold4:expr)?
    ) => {
        impl Real for $name {
            #[inline(always)]
            unsafe fn fma_m($a: Self, $b: Self, $s: Self, $m: $mask) -> Self {
                let ($a, $b, $s) = ($a.0, $b.0, $s.0);
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $fma_m })
            }
            #[inline(always)]
            unsafe fn dup_even(self) -> Self {
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $even(self.0) })
            }
            #[inline(always)]
            unsafe fn dup_odd(self) -> Self {
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $odd(self.0) })
            }
            #[inline(always)]
            unsafe fn turn(self) -> Self {
                let $t = self.0;
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $turn })
            }
            #[inline(always)]
            unsafe fn splat_pair($p: *const $e) -> Self {
                // SAFETY: the caller has the instruction set and two elements at `p`.
                Self(unsafe { $splat_pair })
            }
            #[inline(always)]
            unsafe fn fold(self) -> $e {
                let $f = self.0;
                // SAFETY: the caller has the instruction set.
                unsafe { $fold }
            }
            $(
                #[inline(always)]
                unsafe fn fold4(v: [Self; 4]) -> [$e; 4] {
                    // SAFETY: the caller has the instruction set.
                    unsafe { $fold4(v.map(|x| x.0)) }
                }
            )?
        }
    };
}

macro_rules! avx512 {
    (
        $name:ident, $e:ty, $cast:ty, $p:ty, $w:literal, $raw:ty, $mask:ty, $splat:ident, $load:ident, $store:ident, $load_m:ident,
        $store_m:ident, $add:ident, |$a:ident, $b:ident, $s:ident| $fma:expr
    ) => {
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(crate) struct $name($raw);
        impl Simd for $name {
            type E = $e;
            type M = $mask;
            const W: usize = $w;
            basics!($e, $cast, $p, $splat, $load, $store, $add);
            #[inline(always)]
            unsafe fn mask(n: usize) -> $mask {
                ((1u64 << n) - 1) as $mask
            }
            #[inline(always)]
            unsafe fn load_m(p: *const $e, m: $mask) -> Self {
                // SAFETY: the caller has the instruction set; masked elements are not accessed.
                Self(unsafe { $load_m(m, p.cast()) })
            }
            #[inline(always)]
            unsafe fn store_m(self, p: *mut $e, m: $mask) {
                // SAFETY: as above.
                unsafe { $store_m(p.cast(), m, self.0) }
            }
            #[inline(always)]
            unsafe fn fma(a: Self, b: Self, sum: Self) -> Self {
                let ($a, $b, $s) = (a.0, b.0, sum.0);
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $fma })
            }
        }
    };
}

avx512!(
    F32x16,
    f32,
    f32,
    f32,
    16,
    __m512,
    u16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_mask_storeu_ps,
    _mm512_add_ps,
    |a, b, s| _mm512_fmadd_ps(a, b, s)
);
avx512!(
    F64x8,
    f64,
    f64,
    f64,
    8,
    __m512d,
    u8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_mask_storeu_pd,
    _mm512_add_pd,
    |a, b, s| _mm512_fmadd_pd(a, b, s)
);
avx512!(
    U16x32,
    u16,
    i16,
    i16,
    32,
    __m512i,
    u32,
    _mm512_set1_epi16,
    _mm512_loadu_epi16,
    _mm512_storeu_epi16,
    _mm512_maskz_loadu_epi16,
    _mm512_mask_storeu_epi16,
    _mm512_add_epi16,
    |a, b, s| _mm512_add_epi16(_mm512_mullo_epi16(a, b), s)
);
avx512!(
    U32x16,
    u32,
    i32,
    i32,
    16,
    __m512i,
    u16,
    _mm512_set1_epi32,
    _mm512_loadu_epi32,
    _mm512_storeu_epi32,
    _mm512_maskz_loadu_epi32,
    _mm512_mask_storeu_epi32,
    _mm512_add_epi32,
    |a, b, s| _mm512_add_epi32(_mm512_mullo_epi32(a, b), s)
);
avx512!(
    U64x8,
    u64,
    i64,
    i64,
    8,
    __m512i,
    u8,
    _mm512_set1_epi64,
    _mm512_loadu_epi64,
    _mm512_storeu_epi64,
    _mm512_maskz_loadu_epi64,
    _mm512_mask_storeu_epi64,
    _mm512_add_epi64,
    |a, b, s| _mm512_add_epi64(_mm512_mullo_epi64(a, b), s)
);

real!(
    F32x16, f32, u16,
    fma_m: |a, b, s, m| _mm512_mask3_fmadd_ps(a, b, s, m),
    dup_even: _mm512_moveldup_ps,
    dup_odd: _mm512_movehdup_ps,
    turn: |x| _mm512_xor_ps(_mm512_permute_ps::<0xb1>(x), _mm512_castsi512_ps(_mm512_set1_epi64(0x8000_0000))),
    splat_pair: |p| _mm512_castsi512_ps(_mm512_set1_epi64(p.cast::<i64>().read_unaligned())),
    fold: |x| F32x8(_mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps::<1>(x))).fold(),
    fold4: fold4_f32
);
real!(
    F64x8, f64, u8,
    fma_m: |a, b, s, m| _mm512_mask3_fmadd_pd(a, b, s, m),
    dup_even: _mm512_movedup_pd,
    dup_odd: _mm512_permute_pd::<0xff>,
    turn: |x| _mm512_xor_pd(_mm512_permute_pd::<0x55>(x), _mm512_broadcast_f64x2(_mm_set_pd(0.0, -0.0))),
    splat_pair: |p| _mm512_broadcast_f64x2(_mm_loadu_pd(p)),
    fold: |x| F64x4(_mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x))).fold(),
    fold4: fold4_f64
);

/// Transposing a square block of `$n` vectors: pairs of rows are interleaved element by element, then quarters of the vectors go where
/// they belong.
macro_rules! square {
    ($name:ident, $n:literal, $halves:ident, |$rows:ident| $interleaved:expr) => {
        impl Square for $name {
            type Block = [Self; $n];
            #[inline(always)]
            fn block(x: Self) -> [Self; $n] {
                [x; $n]
            }
            #[inline(always)]
            unsafe fn transpose($rows: [Self; $n]) -> [Self; $n] {
                // A quarter has so many elements, and as many rows are interleaved.
                const Q: usize = $n / 4;
                // SAFETY: the caller has the instruction set.
                unsafe {
                    // In quarter l of entry (g, i) is element Q l + i of the rows from Q g on.
                    let u = $interleaved;
                    let mut out = $rows;
                    for i in 0..Q {
                        let (x, y) = ($halves::<0x88>(u[i], u[Q + i]), $halves::<0xdd>(u[i], u[Q + i]));
                        let (z, w) =
                            ($halves::<0x88>(u[2 * Q + i], u[3 * Q + i]), $halves::<0xdd>(u[2 * Q + i], u[3 * Q + i]));
                        out[i] = Self($halves::<0x88>(x, z));
                        out[Q + i] = Self($halves::<0x88>(y, w));
                        out[2 * Q + i] = Self($halves::<0xdd>(x, z));
                        out[3 * Q + i] = Self($halves::<0xdd>(y, w));
                    }
                    out
                }
            }
        }
    };
}
square!(F32x16, 16, _mm512_shuffle_f32x4, |rows| {
    let mut u = [rows[0].0; 16];
    for g in (0..16).step_by(4) {
        let pair = |i: usize| {
            let (a, b) = (rows[g + i].0, rows[g + i + 1].0);
            (_mm512_castps_pd(_mm512_unpacklo_ps(a, b)), _mm512_castps_pd(_mm512_unpackhi_ps(a, b)))
        };
        let ((a, b), (c, d)) = (pair(0), pair(2));
        u[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        u[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        u[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        u[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    u
});
square!(F64x8, 8, _mm512_shuffle_f64x2, |rows| {
    let mut u = [rows[0].0; 8];
    for g in (0..8).step_by(2) {
        u[g] = _mm512_unpacklo_pd(rows[g].0, rows[g + 1].0);
        u[g + 1] = _mm512_unpackhi_pd(rows[g].0, rows[g + 1].0);
    }
    u
});

/// The folds of four vectors: the halves of two are brought side by side and added at once, and so on.
macro_rules! fold4 {
    ($name:ident, $e:ty, $raw:ty, $halves:ident, $add:ident, $rest:expr) => {
        /// # Safety
        /// The processor must have AVX-512.
        #[inline(always)]
        unsafe fn $name([a, b, c, d]: [$raw; 4]) -> [$e; 4] {
            // SAFETY: the caller has the instruction set.
            unsafe {
                let ab = $add($halves::<0x44>(a, b), $halves::<0xee>(a, b));
                let cd = $add($halves::<0x44>(c, d), $halves::<0xee>(c, d));
                // Now the quarters, so that every quarter of the sum belongs to one vector.
                let all = $add($halves::<0x88>(ab, cd), $halves::<0xdd>(ab, cd));
                $rest(all)
            }
        }
    };
}
fold4!(fold4_f32, f32, __m512, _mm512_shuffle_f32x4, _mm512_add_ps, |x| {
    let x = _mm512_add_ps(x, _mm512_permute_ps::<0x4e>(x));
    let x = _mm512_add_ps(x, _mm512_permute_ps::<0xb1>(x));
    std::mem::transmute::<__m128, [f32; 4]>(_mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, x)))
});
fold4!(fold4_f64, f64, __m512d, _mm512_shuffle_f64x2, _mm512_add_pd, |x| {
    let x = _mm512_add_pd(x, _mm512_permute_pd::<0x55>(x));
    std::mem::transmute::<__m256d, [f64; 4]>(_mm512_castpd512_pd256(_mm512_maskz_compress_pd(0x55, x)))
});

/// Sixteen words of ones and as many of zeros: a mask of the first n is read so that it ends with the last n ones.
#[repr(align(64))]
struct Ones([u32; 32]);
static ONES: Ones = {
    let mut w = [0; 32];
    let mut i = 0;
    while i < 16 {
        w[i] = u32::MAX;
        i += 1;
    }
    Ones(w)
};

macro_rules! avx2 {
    (
        $name:ident, $e:ty, $cast:ty, $p:ty, $w:literal, $raw:ty, $splat:ident, $load:ident, $store:ident, $load_m:ident,
        $store_m:ident, $add:ident, |$a:ident, $b:ident, $s:ident| $fma:expr
    ) => {
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(crate) struct $name($raw);
        impl Simd for $name {
            type E = $e;
            type M = __m256i;
            const W: usize = $w;
            basics!($e, $cast, $p, $splat, $load, $store, $add);
            #[inline(always)]
            unsafe fn mask(n: usize) -> __m256i {
                let words = n * size_of::<$e>() / 4;
                // SAFETY: a vector has 8 words, so that 8 words from 16 - words on lie in the table.
                unsafe { _mm256_loadu_si256(ONES.0.as_ptr().add(16 - words).cast()) }
            }
            #[inline(always)]
            unsafe fn load_m(p: *const $e, m: __m256i) -> Self {
                // SAFETY: the caller has the instruction set; masked elements are not accessed.
                Self(unsafe { $load_m(p.cast::<$cast>(), m) })
            }
            #[inline(always)]
            unsafe fn store_m(self, p: *mut $e, m: __m256i) {
                // SAFETY: as above.
                unsafe { $store_m(p.cast::<$cast>(), m, self.0) }
            }
            #[inline(always)]
            unsafe fn fma(a: Self, b: Self, sum: Self) -> Self {
                let ($a, $b, $s) = (a.0, b.0, sum.0);
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $fma })
            }
        }
    };
}

avx2!(
    F32x8,
    f32,
    f32,
    f32,
    8,
    __m256,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_maskload_ps,
    _mm256_maskstore_ps,
    _mm256_add_ps,
    |a, b, s| _mm256_fmadd_ps(a, b, s)
);
avx2!(
    F64x4,
    f64,
    f64,
    f64,
    4,
    __m256d,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_maskload_pd,
    _mm256_maskstore_pd,
    _mm256_add_pd,
    |a, b, s| _mm256_fmadd_pd(a, b, s)
);
avx2!(
    U32x8,
    u32,
    i32,
    __m256i,
    8,
    __m256i,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_maskload_epi32,
    _mm256_maskstore_epi32,
    _mm256_add_epi32,
    |a, b, s| _mm256_add_epi32(_mm256_mullo_epi32(a, b), s)
);
avx2!(
    U64x4,
    u64,
    i64,
    __m256i,
    4,
    __m256i,
    _mm256_set1_epi64x,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_maskload_epi64,
    _mm256_maskstore_epi64,
    _mm256_add_epi64,
    |a, b, s| {
        // The low half of the product: three products of 32 bits.
        let ahi = _mm256_srli_epi64::<32>(a);
        let bhi = _mm256_srli_epi64::<32>(b);
        let cross = _mm256_add_epi64(_mm256_mul_epu32(ahi, b), _mm256_mul_epu32(a, bhi));
        _mm256_add_epi64(_mm256_add_epi64(_mm256_mul_epu32(a, b), _mm256_slli_epi64::<32>(cross)), s)
    }
);

/// There is no masked load of 16 bits in AVX2: a partial vector goes through an array.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct U16x16(__m256i);
impl Simd for U16x16 {
    type E = u16;
    type M = usize;
    const W: usize = 16;
    basics!(u16, i16, __m256i, _mm256_set1_epi16, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_add_epi16);
    #[inline(always)]
    unsafe fn mask(n: usize) -> usize {
        n
    }
    #[inline(always)]
    unsafe fn load_m(p: *const u16, m: usize) -> Self {
        // SAFETY: the first m elements are the caller's, and m is at most 16.
        unsafe {
            if m == 16 {
                return Self::load(p);
            }
            let mut v = [0u16; 16];
            std::ptr::copy_nonoverlapping(p, v.as_mut_ptr(), m);
            Self::load(v.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_m(self, p: *mut u16, m: usize) {
        // SAFETY: as above.
        unsafe {
            if m == 16 {
                return self.store(p);
            }
            let mut v = [0u16; 16];
            self.store(v.as_mut_ptr());
            std::ptr::copy_nonoverlapping(v.as_ptr(), p, m);
        }
    }
    #[inline(always)]
    unsafe fn fma(a: Self, b: Self, sum: Self) -> Self {
        // SAFETY: the caller has the instruction set.
        Self(unsafe { _mm256_add_epi16(_mm256_mullo_epi16(a.0, b.0), sum.0) })
    }
}

real!(
    F32x8, f32, __m256i,
    fma_m: |a, b, s, m| _mm256_blendv_ps(s, _mm256_fmadd_ps(a, b, s), _mm256_castsi256_ps(m)),
    dup_even: _mm256_moveldup_ps,
    dup_odd: _mm256_movehdup_ps,
    turn: |x| _mm256_xor_ps(_mm256_permute_ps::<0xb1>(x), _mm256_castsi256_ps(_mm256_set1_epi64x(0x8000_0000))),
    splat_pair: |p| _mm256_castsi256_ps(_mm256_set1_epi64x(p.cast::<i64>().read_unaligned())),
    fold: |x| {
        let x = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let x = _mm_add_ps(x, _mm_movehl_ps(x, x));
        _mm_cvtss_f32(x).add(_mm_cvtss_f32(_mm_movehdup_ps(x)))
    }
);
real!(
    F64x4, f64, __m256i,
    fma_m: |a, b, s, m| _mm256_blendv_pd(s, _mm256_fmadd_pd(a, b, s), _mm256_castsi256_pd(m)),
    dup_even: _mm256_movedup_pd,
    dup_odd: _mm256_permute_pd::<0xf>,
    turn: |x| _mm256_xor_pd(_mm256_permute_pd::<0x5>(x), _mm256_set_pd(0.0, -0.0, 0.0, -0.0)),
    splat_pair: |p| _mm256_set_m128d(_mm_loadu_pd(p), _mm_loadu_pd(p)),
    fold: |x| {
        let x = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd::<1>(x));
        _mm_cvtsd_f64(x).add(_mm_cvtsd_f64(_mm_unpackhi_pd(x, x)))
    }
);

/// Transposes a block of 8 columns (`from` apart) by 8 elements into rows (`to` apart).
///
/// # Safety
/// All of the block must be readable, the place writable, and the processor must have AVX2.
#[inline(always)]
pub(super) unsafe fn transpose_8x8(p: *const f32, from: isize, q: *mut f32, to: usize) {
    // SAFETY: the block and the place are the caller's.
    unsafe {
        for half in 0..2 {
            let mut t = [_mm256_setzero_ps(); 4];
            for i in 0..4 {
                let lower = _mm_loadu_ps(p.wrapping_offset(i as isize * from).add(4 * half));
                let upper = _mm_loadu_ps(p.wrapping_offset((i + 4) as isize * from).add(4 * half));
                t[i] = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(lower), upper);
            }
            let (a, b) = (_mm256_unpacklo_ps(t[0], t[1]), _mm256_unpackhi_ps(t[0], t[1]));
            let (c, d) = (_mm256_unpacklo_ps(t[2], t[3]), _mm256_unpackhi_ps(t[2], t[3]));
            let q = q.add(4 * half * to);
            _mm256_storeu_ps(q, _mm256_shuffle_ps::<0x44>(a, c));
            _mm256_storeu_ps(q.add(to), _mm256_shuffle_ps::<0xee>(a, c));
            _mm256_storeu_ps(q.add(2 * to), _mm256_shuffle_ps::<0x44>(b, d));
            _mm256_storeu_ps(q.add(3 * to), _mm256_shuffle_ps::<0xee>(b, d));
        }
    }
}

/// The same for two blocks of 4 by 4 elements of 8 bytes, one behind the other in memory.
///
/// # Safety
/// As for [`transpose_8x8`], with 4 columns of 8 elements.
#[inline(always)]
pub(super) unsafe fn transpose_4x8(p: *const f64, from: isize, q: *mut f64, to: usize) {
    // SAFETY: the block and the place are the caller's.
    unsafe {
        for part in 0..4 {
            let at = |i: isize| _mm_loadu_pd(p.wrapping_offset(i * from).add(2 * part));
            let s = _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(at(0)), at(2));
            let t = _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(at(1)), at(3));
            let q = q.add(2 * part * to);
            _mm256_storeu_pd(q, _mm256_unpacklo_pd(s, t));
            _mm256_storeu_pd(q.add(to), _mm256_unpackhi_pd(s, t));
        }
    }
}

/// The same for 8 columns of 8 elements of 2 bytes.
///
/// # Safety
/// As for [`transpose_8x8`].
#[inline(always)]
pub(super) unsafe fn transpose_8x8_short(p: *const u16, from: isize, q: *mut u16, to: usize) {
    // SAFETY: the block and the place are the caller's.
    unsafe {
        let at = |i: isize| _mm_loadu_si128(p.wrapping_offset(i * from).cast());
        let pairs = |i: isize| {
            let (x, y) = (at(i), at(i + 1));
            (_mm_unpacklo_epi16(x, y), _mm_unpackhi_epi16(x, y))
        };
        let ((a, b), (c, d), (e, f), (g, h)) = (pairs(0), pairs(2), pairs(4), pairs(6));
        for (i, x, y) in [
            (0, _mm_unpacklo_epi32(a, c), _mm_unpacklo_epi32(e, g)),
            (2, _mm_unpackhi_epi32(a, c), _mm_unpackhi_epi32(e, g)),
            (4, _mm_unpacklo_epi32(b, d), _mm_unpacklo_epi32(f, h)),
            (6, _mm_unpackhi_epi32(b, d), _mm_unpackhi_epi32(f, h)),
        ] {
            _mm_storeu_si128(q.add(i * to).cast(), _mm_unpacklo_epi64(x, y));
            _mm_storeu_si128(q.add((i + 1) * to).cast(), _mm_unpackhi_epi64(x, y));
        }
    }
}

/// Converts halves to floats and back, eight at a time, by the instructions for it.
macro_rules! halves {
    ($name:ident, $from:ty, $to:ty, |$p:ident, $q:ident| $eight:expr) => {
        /// Converts `n` elements, `stride` apart, into a dense run.
        ///
        /// # Safety
        /// The elements must be readable, the run writable, and the processor must have AVX2 and F16C.
        #[target_feature(enable = "avx2,f16c")]
        pub(super) unsafe fn $name(n: usize, p: *const u8, stride: isize, q: *mut u8) {
            let (p, q) = (p.cast::<$from>(), q.cast::<$to>());
            let eight = |$p: *const $from, $q: *mut $to| {
                // SAFETY: the callers below have eight elements at both.
                unsafe { $eight }
            };
            let whole = if stride == 1 { n & !7 } else { 0 };
            for i in (0..whole).step_by(8) {
                // SAFETY: eight elements from i on.
                unsafe { eight(p.add(i), q.add(i)) };
            }
            for i in (whole..n).step_by(8) {
                let (mut x, mut y) = ([<$from>::default(); 8], [<$to>::default(); 8]);
                let rest = (n - i).min(8);
                for c in 0..rest {
                    // SAFETY: element i + c.
                    x[c] = unsafe { *p.wrapping_offset((i + c) as isize * stride) };
                }
                eight(x.as_ptr(), y.as_mut_ptr());
                // SAFETY: `rest` places are left.
                unsafe { std::ptr::copy_nonoverlapping(y.as_ptr(), q.add(i), rest) };
            }
        }
    };
}
halves!(f32_from_f16, u16, f32, |p, q| _mm256_storeu_ps(q, _mm256_cvtph_ps(_mm_loadu_si128(p.cast()))));
halves!(f16_from_f32, f32, u16, |p, q| _mm_storeu_si128(
    q.cast(),
    _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(_mm256_loadu_ps(p))
));
