//! Keys: elements as unsigned numbers that ascend as the elements do.

use crate::Dt;
use crate::isa::Isa;
use crate::multiversion;

/// The kernels of an element type.
#[derive(Clone, Copy)]
pub struct Keys {
    /// Bits of a key.
    pub bits: u32,
    /// Bytes of an element.
    pub size: usize,
    /// `add(keys, x, stride, n, more)`: the keys of `n` elements that lie `stride` elements apart; with `more`, below those that are there.
    /// Is there an element whose key is not its own alone?
    pub add: unsafe fn(*mut u64, *const u8, usize, usize, bool) -> bool,
    /// `alone(words, x, n)`: the keys as words of four bytes, or of eight if the element has eight; the answer as above.
    pub alone: unsafe fn(*mut u8, *const u8, usize) -> bool,
    /// `back(x, words, n)`: elements from such words, the plainest of each key.
    pub back: unsafe fn(*mut u8, *const u8, usize),
    /// `unkeyed(x, keys, n)`: the plainest elements of these keys.
    pub unkeyed: unsafe fn(*mut u8, *const u64, usize),
    /// `mend(to, x, n)`: puts the zeros and NaNs of `x` in their order where sorted ones are.
    pub mend: unsafe fn(*mut u8, *const u8, usize),
    /// `descending(keys, x, n)`: keys that ascend where elements descend, for [`crate::Kind::Top`].
    pub descending: unsafe fn(*mut u64, *const u8, usize),
    /// `risen(x, keys, n)`: elements from those.
    pub risen: unsafe fn(*mut u8, *const u64, usize),
}

/// Elements of one kind, as bits.
trait Key {
    /// The bits.
    type B: Word;
    /// Ascends with the elements; all NaNs have one.
    fn total(b: Self::B) -> Self::B;
    /// The same, with one for both zeros.
    fn key(b: Self::B) -> Self::B;
    /// The plainest element of a key.
    fn element(k: Self::B) -> Self::B;
    /// A zero or a NaN?
    fn special(b: Self::B) -> (bool, bool);
}
/// Unsigned numbers of up to 64 bits.
trait Word: Copy + PartialEq + PartialOrd {
    fn wide(self) -> u64;
    fn narrow(x: u64) -> Self;
    /// The type of words in which keys are sorted alone.
    type Alone: Word;
}
macro_rules! words {
    ($($b:ty as $alone:ty),*) => { $(
        impl Word for $b {
            type Alone = $alone;
            #[inline(always)]
            fn wide(self) -> u64 { self as u64 }
            #[inline(always)]
            fn narrow(x: u64) -> $b { x as $b }
        }
    )* };
}
words!(u8 as u32, u16 as u32, u32 as u32, u64 as u64);

struct Unsigned<B>(B);
struct Signed<B>(B);
struct Float<B, const NAN: u64>(B);
macro_rules! integers {
    ($($b:ty),*) => { $(
        integers!(one Unsigned<$b>, $b, 0);
        integers!(one Signed<$b>, $b, 1 << (<$b>::BITS - 1));
    )* };
    (one $name:ty, $b:ty, $flip:expr) => {
        impl Key for $name {
            type B = $b;
            #[inline(always)]
            fn total(b: $b) -> $b { b ^ $flip }
            #[inline(always)]
            fn key(b: $b) -> $b { b ^ $flip }
            #[inline(always)]
            fn element(k: $b) -> $b { k ^ $flip }
            #[inline(always)]
            fn special(_: $b) -> (bool, bool) { (false, false) }
        }
    };
}
integers!(u8, u16, u32, u64);
macro_rules! floats {
    // Infinity is a NaN without its highest bit of the fraction.
    ($($b:ty, $i:ty, $nan:literal, $infinity:literal;)*) => { $(
        impl Key for Float<$b, $nan> {
            type B = $b;
            #[inline(always)]
            fn total(b: $b) -> $b {
                const SIGN: $b = 1 << (<$b>::BITS - 1);
                let b = if b & !SIGN > $infinity { $nan } else { b };
                // A negative number falls as its magnitude rises.
                b ^ ((b as $i >> (<$b>::BITS - 1)) as $b | SIGN)
            }
            #[inline(always)]
            fn key(b: $b) -> $b {
                Self::total(if b == 1 << (<$b>::BITS - 1) { 0 } else { b })
            }
            #[inline(always)]
            fn element(k: $b) -> $b {
                k ^ (!(k as $i >> (<$b>::BITS - 1)) as $b | 1 << (<$b>::BITS - 1))
            }
            #[inline(always)]
            fn special(b: $b) -> (bool, bool) {
                let size = b & !(1 << (<$b>::BITS - 1));
                (size == 0, size > $infinity)
            }
        }
    )* };
}
floats! {
    u16, i16, 0x7e00, 0x7c00;
    u16, i16, 0x7fc0, 0x7f80;
    u32, i32, 0x7fc0_0000, 0x7f80_0000;
    u64, i64, 0x7ff8_0000_0000_0000, 0x7ff0_0000_0000_0000;
}

multiversion! {
    fn add<K: Key>(keys: *mut u64, x: *const u8, stride: usize, n: usize, more: bool) -> bool {
        let (x, bits) = (x.cast::<K::B>(), 8 * size_of::<K::B>() as u32);
        let mut odd = false;
        // SAFETY: the caller's: keys and elements exist.
        unsafe {
            if stride == 1 && !more {
                for i in 0..n {
                    let k = K::key(*x.add(i));
                    odd |= K::element(k) != *x.add(i);
                    *keys.add(i) = k.wide();
                }
            } else {
                for i in 0..n {
                    let k = K::key(*x.add(i * stride));
                    odd |= K::element(k) != *x.add(i * stride);
                    // Keys that fill a word have nothing above them.
                    let above = if more { (*keys.add(i)).unbounded_shl(bits) } else { 0 };
                    *keys.add(i) = above | k.wide();
                }
            }
        }
        odd
    }
    fn alone<K: Key>(words: *mut u8, x: *const u8, n: usize) -> bool {
        let (words, x) = (words.cast::<<K::B as Word>::Alone>(), x.cast::<K::B>());
        let mut odd = false;
        for i in 0..n {
            // SAFETY: the caller's: words and elements exist.
            unsafe {
                let k = K::key(*x.add(i));
                odd |= K::element(k) != *x.add(i);
                *words.add(i) = <K::B as Word>::Alone::narrow(k.wide());
            }
        }
        odd
    }
    fn back<K: Key>(x: *mut u8, words: *const u8, n: usize) {
        let (words, x) = (words.cast::<<K::B as Word>::Alone>(), x.cast::<K::B>());
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *x.add(i) = K::element(K::B::narrow((*words.add(i)).wide())) }
        }
    }
    fn unkeyed<K: Key>(x: *mut u8, keys: *const u64, n: usize) {
        let x = x.cast::<K::B>();
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *x.add(i) = K::element(K::B::narrow(*keys.add(i))) }
        }
    }
    fn descending<K: Key>(keys: *mut u64, x: *const u8, n: usize) {
        let (x, all) = (x.cast::<K::B>(), u64::MAX >> (64 - 8 * size_of::<K::B>()));
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *keys.add(i) = K::total(*x.add(i)).wide() ^ all }
        }
    }
    fn risen<K: Key>(x: *mut u8, keys: *const u64, n: usize) {
        let (x, all) = (x.cast::<K::B>(), u64::MAX >> (64 - 8 * size_of::<K::B>()));
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *x.add(i) = K::element(K::B::narrow(*keys.add(i) ^ all)) }
        }
    }
}

unsafe fn mend<K: Key>(to: *mut u8, x: *const u8, n: usize) {
    // SAFETY: the caller's: both have `n` elements.
    let (to, x) = unsafe {
        (std::slice::from_raw_parts_mut(to.cast::<K::B>(), n), std::slice::from_raw_parts(x.cast::<K::B>(), n))
    };
    let zero = K::key(K::B::narrow(0));
    let mut zeros = to.partition_point(|b| K::key(*b) < zero);
    let mut nans = to.partition_point(|b| !K::special(*b).1);
    for b in x {
        let (is_zero, is_nan) = K::special(*b);
        if is_zero {
            to[zeros] = *b;
            zeros += 1;
        } else if is_nan {
            to[nans] = *b;
            nans += 1;
        }
    }
}

impl Keys {
    /// Of a type that is not complex.
    pub fn new(isa: Isa, dt: Dt) -> Keys {
        macro_rules! of {
            ($k:ty) => {
                Keys {
                    bits: 8 * dt.size() as u32,
                    size: dt.size(),
                    add: add::<$k>(isa),
                    alone: alone::<$k>(isa),
                    back: back::<$k>(isa),
                    unkeyed: unkeyed::<$k>(isa),
                    mend: mend::<$k>,
                    descending: descending::<$k>(isa),
                    risen: risen::<$k>(isa),
                }
            };
        }
        match dt {
            Dt::Bool | Dt::U8 => of!(Unsigned<u8>),
            Dt::U16 => of!(Unsigned<u16>),
            Dt::U32 => of!(Unsigned<u32>),
            Dt::U64 => of!(Unsigned<u64>),
            Dt::I8 => of!(Signed<u8>),
            Dt::I16 => of!(Signed<u16>),
            Dt::I32 => of!(Signed<u32>),
            Dt::I64 => of!(Signed<u64>),
            Dt::F16 => of!(Float<u16, 0x7e00>),
            Dt::Bf16 => of!(Float<u16, 0x7fc0>),
            Dt::F32 => of!(Float<u32, 0x7fc0_0000>),
            Dt::F64 => of!(Float<u64, 0x7ff8_0000_0000_0000>),
            Dt::C64 | Dt::C128 => unreachable!("a complex number has two keys"),
        }
    }
}
