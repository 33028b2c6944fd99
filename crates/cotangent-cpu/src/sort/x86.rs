//! Quicksort in vectors of AVX-512: a line is parted by compressing vectors to its two ends, and short pieces pass through a bitonic network of registers.

use std::arch::x86_64::*;

/// A vector of what is sorted: numbers, or numbers with others that go along.
trait Vector: Copy {
    /// Lanes.
    const W: usize;
    /// Registers of the greatest network.
    const R: usize;
    /// Where elements lie.
    type P: Copy;
    /// What decides.
    type K: Copy + Ord;
    /// The same without what goes along.
    type Keys: Vector<K = Self::K, P = *mut Self::K>;
    /// Somewhere else for elements, in two times 2048 bytes.
    unsafe fn elsewhere(room: *mut u8) -> Self::P;
    unsafe fn at(p: Self::P, i: usize) -> Self::P;
    unsafe fn key(p: Self::P, i: usize) -> Self::K;
    unsafe fn copy(from: Self::P, to: Self::P, n: usize);
    unsafe fn load(p: Self::P) -> Self;
    /// The first `n` lanes; the others have the greatest key.
    unsafe fn load_some(p: Self::P, n: usize) -> Self;
    unsafe fn store(self, p: Self::P);
    /// The first `n` lanes.
    unsafe fn store_some(self, p: Self::P, n: usize);
    /// The lesser of each lane, and the greater.
    unsafe fn order(self, other: Self) -> (Self, Self);
    /// The lanes i and i ^ d in order; d is not 0.
    unsafe fn step<const D: usize>(self) -> Self;
    /// Lane i of the result is lane i ^ (W - 1).
    unsafe fn reversed(self) -> Self;
    /// The lanes below the pivot, or not above it.
    unsafe fn below(self, pivot: Self::K, or_equal: bool) -> u32;
    /// These lanes, in order, at the beginning.
    unsafe fn squeezed(self, lanes: u32) -> Self;
    /// Sorts in some other way, however unlucky the elements are.
    unsafe fn plainly(p: Self::P, n: usize);
}

/// Lane i of a permutation is i ^ d.
const fn turned<const N: usize>(d: usize) -> [usize; N] {
    let mut t = [0; N];
    let mut i = 0;
    while i < N {
        t[i] = i ^ d;
        i += 1;
    }
    t
}
const fn narrow(t: [usize; 16]) -> [u32; 16] {
    let mut to = [0; 16];
    let mut i = 0;
    while i < 16 {
        to[i] = t[i] as u32;
        i += 1;
    }
    to
}
/// The lanes i whose partner i ^ d is before them.
const fn upper(d: usize) -> u32 {
    let top = 1 << d.ilog2();
    let (mut m, mut i) = (0, 0);
    while i < 16 {
        if i & top != 0 {
            m |= 1 << i;
        }
        i += 1;
    }
    m
}
#[inline(always)]
unsafe fn turn32<const D: usize>(v: __m512i) -> __m512i {
    // SAFETY: the caller has the instruction set.
    unsafe { _mm512_permutexvar_epi32(std::mem::transmute::<[u32; 16], __m512i>(const { narrow(turned(D)) }), v) }
}

/// What vectors of numbers without company are.
macro_rules! numbers {
    (
        $name:ident, $k:ty, $lanes:ty, $w:literal, $load_m:ident, $store_m:ident, $splat:ident, $min:ident, $max:ident, $max_m:ident, $lt:ident, $le:ident,
        $squeeze:ident, $turn:expr
    ) => {
        #[derive(Clone, Copy)]
        struct $name(__m512i);
        // SAFETY of all bodies: the caller has the instruction set and, at the pointers, the elements.
        impl Vector for $name {
            const W: usize = $w;
            const R: usize = 16;
            type P = *mut $k;
            type K = $k;
            type Keys = $name;
            #[inline(always)]
            unsafe fn elsewhere(room: *mut u8) -> *mut $k {
                room.cast()
            }
            #[inline(always)]
            unsafe fn at(p: *mut $k, i: usize) -> *mut $k {
                // SAFETY: see above.
                unsafe { p.add(i) }
            }
            #[inline(always)]
            unsafe fn key(p: *mut $k, i: usize) -> $k {
                // SAFETY: see above.
                unsafe { *p.add(i) }
            }
            #[inline(always)]
            unsafe fn copy(from: *mut $k, to: *mut $k, n: usize) {
                // SAFETY: see above.
                unsafe { std::ptr::copy_nonoverlapping(from, to, n) }
            }
            #[inline(always)]
            unsafe fn load(p: *mut $k) -> Self {
                // SAFETY: see above.
                Self(unsafe { _mm512_loadu_si512(p.cast()) })
            }
            #[inline(always)]
            unsafe fn load_some(p: *mut $k, n: usize) -> Self {
                // SAFETY: see above.
                Self(unsafe { $load_m($splat(-1), ((1u32 << n) - 1) as $lanes, p.cast()) })
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut $k) {
                // SAFETY: see above.
                unsafe { _mm512_storeu_si512(p.cast(), self.0) }
            }
            #[inline(always)]
            unsafe fn store_some(self, p: *mut $k, n: usize) {
                // SAFETY: see above.
                unsafe { $store_m(p.cast(), ((1u32 << n) - 1) as $lanes, self.0) }
            }
            #[inline(always)]
            unsafe fn order(self, other: Self) -> (Self, Self) {
                // SAFETY: see above.
                unsafe { (Self($min(self.0, other.0)), Self($max(self.0, other.0))) }
            }
            #[inline(always)]
            unsafe fn step<const D: usize>(self) -> Self {
                // SAFETY: see above.
                unsafe {
                    let other = $turn(self.0);
                    Self($max_m($min(self.0, other), const { upper(D) } as $lanes, self.0, other))
                }
            }
            #[inline(always)]
            unsafe fn reversed(self) -> Self {
                const D: usize = $w - 1;
                // SAFETY: see above.
                Self(unsafe { $turn(self.0) })
            }
            #[inline(always)]
            unsafe fn below(self, pivot: $k, or_equal: bool) -> u32 {
                // SAFETY: see above.
                unsafe {
                    let pivot = $splat(pivot as _);
                    if or_equal { $le(self.0, pivot) as u32 } else { $lt(self.0, pivot) as u32 }
                }
            }
            #[inline(always)]
            unsafe fn squeezed(self, lanes: u32) -> Self {
                // SAFETY: see above.
                Self(unsafe { $squeeze(lanes as $lanes, self.0) })
            }
            unsafe fn plainly(p: *mut $k, n: usize) {
                // SAFETY: see above.
                unsafe { std::slice::from_raw_parts_mut(p, n).sort_unstable() }
            }
        }
    };
}
numbers!(
    U32,
    u32,
    u16,
    16,
    _mm512_mask_loadu_epi32,
    _mm512_mask_storeu_epi32,
    _mm512_set1_epi32,
    _mm512_min_epu32,
    _mm512_max_epu32,
    _mm512_mask_max_epu32,
    _mm512_cmplt_epu32_mask,
    _mm512_cmple_epu32_mask,
    _mm512_maskz_compress_epi32,
    turn32::<D>
);
/// As [`turn32`], for eight lanes.
#[inline(always)]
unsafe fn turn64<const D: usize>(v: __m512i) -> __m512i {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let by = std::mem::transmute::<[u64; 8], __m512i>(
            const {
                let t = turned::<8>(D);
                [t[0] as u64, t[1] as u64, t[2] as u64, t[3] as u64, t[4] as u64, t[5] as u64, t[6] as u64, t[7] as u64]
            },
        );
        _mm512_permutexvar_epi64(by, v)
    }
}
numbers!(
    U64,
    u64,
    u8,
    8,
    _mm512_mask_loadu_epi64,
    _mm512_mask_storeu_epi64,
    _mm512_set1_epi64,
    _mm512_min_epu64,
    _mm512_max_epu64,
    _mm512_mask_max_epu64,
    _mm512_cmplt_epu64_mask,
    _mm512_cmple_epu64_mask,
    _mm512_maskz_compress_epi64,
    turn64::<D>
);

/// Numbers, none of which is the greatest that there is, with others that go along.
#[derive(Clone, Copy)]
struct Pairs(__m512i, __m512i);
type Two = (*mut u32, *mut u32);
// SAFETY of all bodies: the caller has the instruction set and, at the pointers, the elements.
impl Vector for Pairs {
    const W: usize = 16;
    const R: usize = 8;
    type P = Two;
    type K = u32;
    type Keys = U32;
    #[inline(always)]
    unsafe fn elsewhere(room: *mut u8) -> Two {
        // SAFETY: see above.
        unsafe { (room.cast(), room.add(2048).cast()) }
    }
    #[inline(always)]
    unsafe fn at((p, q): Two, i: usize) -> Two {
        // SAFETY: see above.
        unsafe { (p.add(i), q.add(i)) }
    }
    #[inline(always)]
    unsafe fn key((p, _): Two, i: usize) -> u32 {
        // SAFETY: see above.
        unsafe { *p.add(i) }
    }
    #[inline(always)]
    unsafe fn copy(from: Two, to: Two, n: usize) {
        // SAFETY: see above.
        unsafe {
            std::ptr::copy_nonoverlapping(from.0, to.0, n);
            std::ptr::copy_nonoverlapping(from.1, to.1, n);
        }
    }
    #[inline(always)]
    unsafe fn load((p, q): Two) -> Self {
        // SAFETY: see above.
        unsafe { Pairs(_mm512_loadu_si512(p.cast()), _mm512_loadu_si512(q.cast())) }
    }
    #[inline(always)]
    unsafe fn load_some((p, q): Two, n: usize) -> Self {
        // SAFETY: see above.
        unsafe { Pairs(U32::load_some(p, n).0, U32::load_some(q, n).0) }
    }
    #[inline(always)]
    unsafe fn store(self, (p, q): Two) {
        // SAFETY: see above.
        unsafe {
            U32(self.0).store(p);
            U32(self.1).store(q);
        }
    }
    #[inline(always)]
    unsafe fn store_some(self, (p, q): Two, n: usize) {
        // SAFETY: see above.
        unsafe {
            U32(self.0).store_some(p, n);
            U32(self.1).store_some(q, n);
        }
    }
    #[inline(always)]
    unsafe fn order(self, o: Self) -> (Self, Self) {
        // SAFETY: see above.
        unsafe {
            let swap = _mm512_cmplt_epu32_mask(o.0, self.0);
            let low = Pairs(_mm512_min_epu32(self.0, o.0), _mm512_mask_mov_epi32(self.1, swap, o.1));
            (low, Pairs(_mm512_max_epu32(self.0, o.0), _mm512_mask_mov_epi32(o.1, swap, self.1)))
        }
    }
    #[inline(always)]
    unsafe fn step<const D: usize>(self) -> Self {
        // SAFETY: see above.
        unsafe {
            let o = Pairs(turn32::<D>(self.0), turn32::<D>(self.1));
            let upper = const { upper(D) } as u16;
            let swap =
                _mm512_mask_cmplt_epu32_mask(!upper, o.0, self.0) | _mm512_mask_cmplt_epu32_mask(upper, self.0, o.0);
            Pairs(_mm512_mask_mov_epi32(self.0, swap, o.0), _mm512_mask_mov_epi32(self.1, swap, o.1))
        }
    }
    #[inline(always)]
    unsafe fn reversed(self) -> Self {
        // SAFETY: see above.
        unsafe { Pairs(turn32::<15>(self.0), turn32::<15>(self.1)) }
    }
    #[inline(always)]
    unsafe fn below(self, pivot: u32, or_equal: bool) -> u32 {
        // SAFETY: see above.
        unsafe { U32(self.0).below(pivot, or_equal) }
    }
    #[inline(always)]
    unsafe fn squeezed(self, lanes: u32) -> Self {
        // SAFETY: see above.
        unsafe { Pairs(U32(self.0).squeezed(lanes).0, U32(self.1).squeezed(lanes).0) }
    }
    unsafe fn plainly((p, q): Two, n: usize) {
        // SAFETY: see above.
        unsafe {
            let mut all: Vec<u64> = (0..n).map(|i| (*p.add(i) as u64) << 32 | *q.add(i) as u64).collect();
            all.sort_unstable();
            for (i, w) in all.into_iter().enumerate() {
                *p.add(i) = (w >> 32) as u32;
                *q.add(i) = w as u32;
            }
        }
    }
}

/// Each register, whose lanes rise and then fall or the reverse, in order.
#[inline(always)]
unsafe fn risen<V: Vector, const R: usize>(v: &mut [V; R]) {
    // SAFETY: the caller's, as everywhere below: it has the instruction set and the elements.
    unsafe {
        for i in 0..R {
            if V::W == 16 {
                v[i] = v[i].step::<8>();
            }
            v[i] = v[i].step::<4>().step::<2>().step::<1>();
        }
    }
}
/// The elements of two neighboring runs of `S` / 2 registers in order: the lesser ones in the first, the greater ones in the second.
#[inline(always)]
unsafe fn merged<V: Vector, const R: usize, const S: usize>(v: &mut [V; R]) {
    // SAFETY: see `risen`.
    unsafe {
        for i in 0..R {
            let j = i / S * S + S - 1 - i % S;
            if i < j && j < R {
                (v[i], v[j]) = v[i].order(v[j].reversed());
            }
        }
    }
}
/// Registers that are `H` apart in order, lane by lane.
#[inline(always)]
unsafe fn apart<V: Vector, const R: usize, const H: usize>(v: &mut [V; R]) {
    // SAFETY: see `risen`.
    unsafe {
        for i in 0..R {
            if i & H == 0 && i + H < R {
                (v[i], v[i + H]) = v[i].order(v[i + H]);
            }
        }
    }
}
/// Any lanes in order.
#[inline(always)]
unsafe fn ordered<V: Vector>(v: V) -> V {
    // SAFETY: see `risen`.
    unsafe {
        let v = v.step::<1>().step::<3>().step::<1>().step::<7>().step::<2>().step::<1>();
        if V::W == 16 { v.step::<15>().step::<4>().step::<2>().step::<1>() } else { v }
    }
}
/// Sorts at most `R` vectors of elements.
#[inline(always)]
unsafe fn network<V: Vector, const R: usize>(p: V::P, n: usize) {
    // SAFETY: see `risen`.
    unsafe {
        // Loops and no closures: those would not be compiled for the instruction set.
        let mut v = [V::load_some(p, 0); R];
        for i in 0..R {
            let from = i * V::W;
            v[i] = if from + V::W <= n {
                V::load(V::at(p, from))
            } else {
                V::load_some(V::at(p, from.min(n)), n.saturating_sub(from))
            };
        }
        for i in 0..R {
            v[i] = ordered(v[i]);
        }
        if R >= 2 {
            merged::<V, R, 2>(&mut v);
            risen(&mut v);
        }
        if R >= 4 {
            merged::<V, R, 4>(&mut v);
            apart::<V, R, 1>(&mut v);
            risen(&mut v);
        }
        if R >= 8 {
            merged::<V, R, 8>(&mut v);
            apart::<V, R, 2>(&mut v);
            apart::<V, R, 1>(&mut v);
            risen(&mut v);
        }
        if R >= 16 {
            merged::<V, R, 16>(&mut v);
            apart::<V, R, 4>(&mut v);
            apart::<V, R, 2>(&mut v);
            apart::<V, R, 1>(&mut v);
            risen(&mut v);
        }
        for i in 0..R {
            let from = i * V::W;
            if from + V::W <= n {
                v[i].store(V::at(p, from));
            } else if from < n {
                v[i].store_some(V::at(p, from), n - from);
            }
        }
    }
}
#[inline(always)]
unsafe fn short<V: Vector>(p: V::P, n: usize) {
    // SAFETY: see `risen`.
    unsafe {
        match n.div_ceil(V::W) {
            0 | 1 => network::<V, 1>(p, n),
            2 => network::<V, 2>(p, n),
            3 | 4 => network::<V, 4>(p, n),
            5..=8 => network::<V, 8>(p, n),
            _ => network::<V, 16>(p, n),
        }
    }
}

/// Vectors that are read before any of them is written.
const BLOCK: usize = 8;

/// Brings the elements below the pivot, or not above it, to the front. Returns how many they are.
#[inline(always)]
unsafe fn part<V: Vector>(p: V::P, n: usize, pivot: V::K, or_equal: bool) -> usize {
    #[repr(align(64))]
    struct Room {
        _bytes: [u8; 4096],
    }
    let mut room = std::mem::MaybeUninit::<Room>::uninit();
    // SAFETY: see `risen`. What is taken away at first leaves room at both ends; each block that is read leaves at least a block of room at
    // either end, and each of its vectors fills as many places as it has lanes.
    unsafe {
        let away = V::elsewhere(room.as_mut_ptr().cast());
        let (mut low, mut high) = (0, n);
        let (mut from, mut end, mut taken) = (0, 0, n);
        let step = BLOCK * V::W;
        if n > 4 * step {
            let rest = n % step + step;
            V::copy(p, away, rest);
            V::copy(V::at(p, n - step), V::at(away, rest), step);
            (from, end, taken) = (rest, n - step, rest + step);
        } else {
            V::copy(p, away, n);
        }
        while from < end {
            let at = if from - low <= high - end {
                from += step;
                from - step
            } else {
                end -= step;
                end
            };
            let mut block = [V::load(V::at(p, at)); BLOCK];
            for i in 1..BLOCK {
                block[i] = V::load(V::at(p, at + i * V::W));
            }
            for i in 0..BLOCK {
                let v = block[i];
                let m = v.below(pivot, or_equal);
                let c = m.count_ones() as usize;
                v.squeezed(m).store(V::at(p, low));
                low += c;
                high -= V::W - c;
                v.squeezed(!m).store_some(V::at(p, high), V::W - c);
            }
        }
        let mut i = 0;
        while i < taken {
            let lanes = V::W.min(taken - i);
            let v = V::load(V::at(away, i));
            let all = (1u32 << lanes) - 1;
            let m = v.below(pivot, or_equal) & all;
            let c = m.count_ones() as usize;
            v.squeezed(m).store_some(V::at(p, low), c);
            low += c;
            high -= lanes - c;
            v.squeezed(!m & all).store_some(V::at(p, high), lanes - c);
            i += lanes;
        }
        low
    }
}

/// A key that about half of them are below.
#[inline(always)]
unsafe fn middle<V: Vector>(p: V::P, n: usize, seed: &mut u64) -> V::K {
    let count = if n < 4096 { V::W } else { 4 * V::W };
    // SAFETY: see `risen`; there are `n` elements, more than are looked at.
    unsafe {
        let mut some: [V::K; 64] = [V::key(p, 0); 64];
        let stride = n / count;
        for (k, to) in some.iter_mut().enumerate().take(count) {
            *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            *to = V::key(p, k * stride + (((*seed >> 32) * stride as u64) >> 32) as usize);
        }
        short::<V::Keys>(some.as_mut_ptr(), count);
        some[count / 2]
    }
}

#[inline(always)]
unsafe fn quick<V: Vector>(p: V::P, n: usize) {
    // Pieces that wait. The greater half always does, so that there are few; a piece's third number says how often it may be parted.
    let mut waiting: Vec<(usize, usize, u32)> = Vec::with_capacity(64);
    let mut seed = n as u64;
    let (mut start, mut n, mut depth) = (0, n, 2 * n.max(2).ilog2());
    // SAFETY: see `risen`; pieces are pieces of the line.
    unsafe {
        loop {
            let piece = V::at(p, start);
            if n <= V::R * V::W || depth == 0 {
                if n > V::R * V::W {
                    V::plainly(piece, n);
                } else {
                    short::<V>(piece, n);
                }
                match waiting.pop() {
                    Some(next) => (start, n, depth) = next,
                    None => return,
                }
                continue;
            }
            let pivot = middle::<V>(piece, n, &mut seed);
            let mut low = part::<V>(piece, n, pivot, false);
            depth -= 1;
            if low == 0 {
                // The pivot is the least: what equals it is in order already.
                low = part::<V>(piece, n, pivot, true);
                (start, n) = (start + low, n - low);
                continue;
            }
            let (first, second) = ((start, low, depth), (start + low, n - low, depth));
            let (now, later) = if first.1 < second.1 { (first, second) } else { (second, first) };
            waiting.push(later);
            (start, n, depth) = now;
        }
    }
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident $v:ty, $p:ty;)*) => { $(
        $(#[$doc])*
        ///
        /// # Safety
        /// The processor has AVX-512, and there are `n` elements.
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
        pub unsafe fn $name(p: $p, n: usize) {
            // SAFETY: the caller's.
            unsafe { quick::<$v>(p, n) }
        }
    )* };
}
entries! {
    /// Sorts words of four bytes.
    words32 U32, *mut u32;
    /// Sorts words of eight bytes.
    words64 U64, *mut u64;
    /// Sorts words of four bytes, none of which is the greatest that there is, and others with them. Of equal words any comes first.
    pairs32 Pairs, Two;
}
