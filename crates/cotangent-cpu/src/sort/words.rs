//! Words in ascending order: a key above, and below it where the element was or what goes with it.

use crate::isa::Isa;
use crate::multiversion;

#[cfg(target_arch = "x86_64")]
const fn vectors32() -> Option<unsafe fn(*mut u32, usize)> {
    Some(super::x86::words32)
}
#[cfg(target_arch = "x86_64")]
const fn vectors64() -> Option<unsafe fn(*mut u64, usize)> {
    Some(super::x86::words64)
}
#[cfg(not(target_arch = "x86_64"))]
const fn vectors32() -> Option<unsafe fn(*mut u32, usize)> {
    None
}
#[cfg(not(target_arch = "x86_64"))]
const fn vectors64() -> Option<unsafe fn(*mut u64, usize)> {
    None
}

/// What is sorted.
pub trait Word: Copy + Ord {
    /// Sorts words by all their bits in vectors of AVX-512, if there is a way.
    const VECTORS: Option<unsafe fn(*mut Self, usize)>;
    /// `bits` bits of it from bit `from` on.
    fn digit(self, from: u32, mask: usize) -> usize;
    /// A word with a lower half: from a key and that half.
    fn joined(key: u64, low: u64) -> Self;
    /// The lower half.
    fn low(self) -> u64;
    /// The upper half.
    fn high(self) -> u64;
}
macro_rules! words {
    ($($w:ty, $half:expr, $low:ty, $vectors:expr;)*) => { $(
        impl Word for $w {
            const VECTORS: Option<unsafe fn(*mut $w, usize)> = $vectors;
            #[inline(always)]
            fn digit(self, from: u32, mask: usize) -> usize { (self >> from) as usize & mask }
            #[inline(always)]
            fn joined(key: u64, low: u64) -> $w { (key as $w) << $half | low as $w }
            #[inline(always)]
            fn low(self) -> u64 { self as $low as u64 }
            #[inline(always)]
            fn high(self) -> u64 { (self >> $half) as u64 }
        }
    )* };
}
words!(u64, 32, u32, vectors64(); u128, 64, u64, None;);
/// A word without halves: a key alone, or an index.
impl Word for u32 {
    const VECTORS: Option<unsafe fn(*mut u32, usize)> = vectors32();
    #[inline(always)]
    fn digit(self, from: u32, mask: usize) -> usize {
        (self >> from) as usize & mask
    }
    #[inline(always)]
    fn joined(_: u64, low: u64) -> u32 {
        low as u32
    }
    #[inline(always)]
    fn low(self) -> u64 {
        self as u64
    }
    #[inline(always)]
    fn high(self) -> u64 {
        self as u64
    }
}

/// Fewer words than this are compared.
const FEW: usize = 400;
/// From so many words on a digit has up to 11 bits, before it has 8.
const MANY: usize = 1 << 14;

multiversion! {
    /// Counts the digits of `n` words: `passes` of them, of `width` bits, from bit `from` on.
    fn count<W: Word>(table: *mut u32, x: *const W, n: usize, from: u32, width: u32, passes: usize) {
        let mask = (1usize << width) - 1;
        for i in 0..n {
            // SAFETY: the caller's: there are words, and a count for every digit.
            unsafe {
                let w = *x.add(i);
                for p in 0..passes {
                    *table.add((p << width) + w.digit(from + p as u32 * width, mask)) += 1;
                }
            }
        }
    }
    /// Puts every word at the next place of its digit.
    fn scatter<W: Word>(to: *mut W, x: *const W, n: usize, places: *mut u32, from: u32, mask: usize) {
        for i in 0..n {
            // SAFETY: the caller's: a digit has as many places as there are words with it.
            unsafe {
                let w = *x.add(i);
                let place = places.add(w.digit(from, mask));
                *to.add(*place as usize) = w;
                *place += 1;
            }
        }
    }
}

/// Sorts by the `bits` bits from bit `from` on. Words that are equal there keep their order if such a sort is [`stable`]; else
/// they are sorted by the rest. Returns where the words are then: in `x` or in `spare`.
///
/// # Safety
/// Both have `n` words, and the instruction set is available.
pub unsafe fn sort<W: Word>(isa: Isa, x: *mut W, spare: *mut W, n: usize, from: u32, bits: u32) -> *mut W {
    if let (Isa::Avx512, Some(vectors)) = (isa, W::VECTORS) {
        // SAFETY: the caller's.
        unsafe { vectors(x, n) };
        return x;
    }
    if !stable::<W>(isa, n) {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(x, n) }.sort_unstable();
        return x;
    }
    let most = if n < MANY { 8 } else { 11 };
    let passes = bits.div_ceil(most);
    let width = bits.div_ceil(passes);
    let mut table = vec![0u32; (passes as usize) << width];
    // SAFETY: the table has a count for every digit of every pass.
    unsafe { count::<W>(isa)(table.as_mut_ptr(), x, n, from, width, passes as usize) };
    let (mut at, mut other) = (x, spare);
    for (p, places) in table.chunks_mut(1 << width).enumerate() {
        if places.contains(&(n as u32)) {
            continue;
        }
        let mut sum = 0;
        for c in places.iter_mut() {
            sum += std::mem::replace(c, sum);
        }
        let from = from + p as u32 * width;
        // SAFETY: the counts are those of these words, in whatever order.
        unsafe { scatter::<W>(isa)(other, at, n, places.as_mut_ptr(), from, (1 << width) - 1) };
        std::mem::swap(&mut at, &mut other);
    }
    at
}

/// Does a sort of so many words keep the order of equal ones?
pub fn stable<W: Word>(isa: Isa, n: usize) -> bool {
    n >= FEW && n <= u32::MAX as usize && !(isa == Isa::Avx512 && W::VECTORS.is_some())
}

multiversion! {
    /// `to[i] = from[low half of words[i]]`.
    fn gather_of<T: Copy, W: Word>(to: *mut u8, from: *const u8, words: *const W, n: usize) {
        let (to, from) = (to.cast::<T>(), from.cast::<T>());
        for i in 0..n {
            // SAFETY: the caller's: the halves are indices of elements.
            unsafe { *to.add(i) = *from.add((*words.add(i)).low() as usize) }
        }
    }
}

/// The elements of `size` bytes at the indices in the lower halves.
///
/// # Safety
/// There are `n` words, and these elements; `to` has room.
pub unsafe fn gather<W: Word>(isa: Isa, to: *mut u8, from: *const u8, words: *const W, n: usize, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        match size {
            1 => gather_of::<u8, W>(isa)(to, from, words, n),
            2 => gather_of::<u16, W>(isa)(to, from, words, n),
            4 => gather_of::<u32, W>(isa)(to, from, words, n),
            8 => gather_of::<u64, W>(isa)(to, from, words, n),
            _ => gather_of::<[u64; 2], W>(isa)(to, from, words, n),
        }
    }
}
