//! What the operations compute on one element. Loops over these are the kernels.
//!
//! Everything is written so that LLVM can vectorize it: no branches that guard memory, no tables.

use crate::float::Flush;

/// A bit pattern of some size.
pub trait Bits: Copy {
    /// Is any bit set?
    fn truth(self) -> bool;
}

/// Numbers, as far as all of them have it.
pub trait Num: Copy {
    /// `-a`, wrapping.
    fn neg(self) -> Self;
    /// The most negative integer is its own.
    fn abs(self) -> Self;
    /// -1, 0, 1; zeros and NaNs are their own.
    fn sign(self) -> Self;
    /// `a + b`, wrapping.
    fn add(self, b: Self) -> Self;
    /// `a - b`, wrapping.
    fn sub(self, b: Self) -> Self;
    /// `a * b`, wrapping.
    fn mul(self, b: Self) -> Self;
    /// Integers: truncated, all ones for a zero divisor.
    fn div(self, b: Self) -> Self;
    /// With the sign of the dividend; integers: the dividend for a zero divisor.
    fn rem(self, b: Self) -> Self;
    /// `a * b + c`, rounded once or wrapping.
    fn mul_add(self, b: Self, c: Self) -> Self;
}

/// An order with possible NaNs.
pub trait Ord2: Copy + PartialOrd {
    /// `b` if b > a or b is NaN, else `a`.
    fn greater(self, b: Self) -> Self;
    /// `b` if b < a or b is NaN, else `a`.
    fn lesser(self, b: Self) -> Self;
    /// Is it NaN?
    #[inline(always)]
    #[allow(clippy::eq_op)]
    fn nan(self) -> bool {
        self != self
    }
}

/// Integers.
pub trait Int:
    Bits
    + std::ops::Not<Output = Self>
    + std::ops::BitAnd<Output = Self>
    + std::ops::BitOr<Output = Self>
    + std::ops::BitXor<Output = Self>
{
    /// Set bits.
    fn popcount(self) -> Self;
    /// Leading zeros.
    fn clz(self) -> Self;
    /// 0 by the width or more.
    fn shl(self, b: Self) -> Self;
    /// By the width or more: 0, or the sign of a signed type.
    fn shr(self, b: Self) -> Self;
}

/// Floats.
pub trait Float: Num + Ord2 {
    /// +0.0
    const ZERO: Self;
    /// Down.
    fn floor(self) -> Self;
    /// Up.
    fn ceil(self) -> Self;
    /// Halves to even.
    fn round_even(self) -> Self;
    /// Halves away from zero.
    fn round_away(self) -> Self;
    /// Towards zero.
    fn trunc(self) -> Self;
    /// The root.
    fn sqrt(self) -> Self;
    /// The next float from `a` towards `b`.
    fn next_after(self, b: Self) -> Self;
}

macro_rules! bits {
    ($($t:ty)*) => { $(
        impl Bits for $t {
            #[inline(always)]
            fn truth(self) -> bool { self != 0 }
        }
    )* };
}
bits!(u8 u16 u32 u64 u128 i8 i16 i32 i64);

macro_rules! ints {
    ($($t:ident $u:ident $abs:ident $sign:ident;)*) => { $(
        impl Num for $t {
            #[inline(always)]
            fn neg(self) -> $t { self.wrapping_neg() }
            #[inline(always)]
            fn abs(self) -> $t { $abs!(self) }
            #[inline(always)]
            fn sign(self) -> $t { $sign!(self) }
            #[inline(always)]
            fn add(self, b: $t) -> $t { self.wrapping_add(b) }
            #[inline(always)]
            fn sub(self, b: $t) -> $t { self.wrapping_sub(b) }
            #[inline(always)]
            fn mul(self, b: $t) -> $t { self.wrapping_mul(b) }
            #[inline(always)]
            fn div(self, b: $t) -> $t { if b == 0 { !0 } else { self.wrapping_div(b) } }
            #[inline(always)]
            fn rem(self, b: $t) -> $t { if b == 0 { self } else { self.wrapping_rem(b) } }
            #[inline(always)]
            fn mul_add(self, b: $t, c: $t) -> $t { self.wrapping_mul(b).wrapping_add(c) }
        }
        impl Ord2 for $t {
            #[inline(always)]
            fn greater(self, b: $t) -> $t { if b > self { b } else { self } }
            #[inline(always)]
            fn lesser(self, b: $t) -> $t { if b < self { b } else { self } }
        }
        impl Int for $t {
            #[inline(always)]
            fn popcount(self) -> $t { self.count_ones() as $t }
            #[inline(always)]
            fn clz(self) -> $t { self.leading_zeros() as $t }
            #[inline(always)]
            fn shl(self, b: $t) -> $t {
                let shifted = self.wrapping_shl(b as u32);
                if (b as $u) < $t::BITS as $u { shifted } else { 0 }
            }
            #[inline(always)]
            fn shr(self, b: $t) -> $t {
                let last = $t::BITS - 1;
                let by = if (b as $u) < $t::BITS as $u { b as u32 } else { last };
                let shifted = self.wrapping_shr(by);
                if $t::MIN != 0 || (b as $u) < $t::BITS as $u { shifted } else { 0 }
            }
        }
    )* };
}
macro_rules! own {
    ($x:expr) => {
        $x
    };
}
macro_rules! wrapping_abs {
    ($x:expr) => {
        $x.wrapping_abs()
    };
}
macro_rules! signum {
    ($x:expr) => {
        $x.signum()
    };
}
macro_rules! at_most_one {
    ($x:expr) => {
        $x.min(1)
    };
}
ints! {
    i8 u8 wrapping_abs signum;
    i16 u16 wrapping_abs signum;
    i32 u32 wrapping_abs signum;
    i64 u64 wrapping_abs signum;
    u8 u8 own at_most_one;
    u16 u16 own at_most_one;
    u32 u32 own at_most_one;
    u64 u64 own at_most_one;
}

macro_rules! floats {
    ($($t:ident $u:ident;)*) => { $(
        impl Num for $t {
            #[inline(always)]
            fn neg(self) -> $t { -self }
            #[inline(always)]
            fn abs(self) -> $t { self.abs() }
            #[inline(always)]
            fn sign(self) -> $t { if self.abs() > 0.0 { (1.0 as $t).copysign(self) } else { self.flush() } }
            #[inline(always)]
            fn add(self, b: $t) -> $t { self + b }
            #[inline(always)]
            fn sub(self, b: $t) -> $t { self - b }
            #[inline(always)]
            fn mul(self, b: $t) -> $t { self * b }
            #[inline(always)]
            fn div(self, b: $t) -> $t { self / b }
            #[inline(always)]
            fn rem(self, b: $t) -> $t { (self.flush() % b.flush()).flush() }
            #[inline(always)]
            fn mul_add(self, b: $t, c: $t) -> $t { self.mul_add(b, c) }
        }
        impl Ord2 for $t {
            #[inline(always)]
            fn greater(self, b: $t) -> $t { (if b > self || b.nan() { b } else { self }).flush() }
            #[inline(always)]
            fn lesser(self, b: $t) -> $t { (if b < self || b.nan() { b } else { self }).flush() }
        }
        impl Float for $t {
            const ZERO: $t = 0.0;
            #[inline(always)]
            fn floor(self) -> $t { self.flush().floor() }
            #[inline(always)]
            fn ceil(self) -> $t { self.flush().ceil() }
            #[inline(always)]
            fn round_even(self) -> $t { self.flush().round_ties_even() }
            #[inline(always)]
            fn round_away(self) -> $t { self.flush().round() }
            #[inline(always)]
            fn trunc(self) -> $t { self.flush().trunc() }
            #[inline(always)]
            fn sqrt(self) -> $t { self.sqrt() }
            #[inline(always)]
            fn next_after(self, b: $t) -> $t {
                let (bits, other, rest) = (self.to_bits(), b.to_bits(), $u::MAX >> 1);
                // Away from zero if b lies further out on the same side.
                let out = other & rest > bits & rest && (bits ^ other) & !rest == 0;
                let step = if out { bits.wrapping_add(1) } else { bits.wrapping_sub(1) };
                let zero = bits & rest == 0;
                let next = $t::from_bits(if zero { (other & !rest) | 1 } else { step });
                if bits == other || zero && other & rest == 0 { b } else if self.nan() || b.nan() { $t::NAN } else { next }
            }
        }
    )* };
}
floats! {
    f32 u32;
    f64 u64;
}

/// Exact.
#[inline(always)]
pub fn bf16_to_f32(a: u16) -> f32 {
    f32::from_bits((a as u32) << 16)
}
/// To nearest even; NaNs stay NaNs.
#[inline(always)]
pub fn f32_to_bf16(a: f32) -> u16 {
    let bits = a.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    (if a.nan() { (bits >> 16) | 0x40 } else { rounded }) as u16
}
/// Exact.
#[inline(always)]
pub fn f16_to_f32(a: u16) -> f32 {
    let (sign, rest) = ((a as u32 & 0x8000) << 16, a as u32 & 0x7fff);
    // Normal numbers move their exponent; for the rest of exponent zero a multiplication by 2^-24 is exact, and infinities and NaNs
    // get the greatest exponent.
    let normal = (rest << 13) + (112 << 23);
    let small = (rest as f32 * f32::from_bits(103 << 23)).to_bits();
    let special = (rest << 13) | 0x7f80_0000;
    f32::from_bits(
        sign | if rest < 0x400 {
            small
        } else if rest < 0x7c00 {
            normal
        } else {
            special
        },
    )
}
/// To nearest even; NaNs stay NaNs.
#[inline(always)]
pub fn f32_to_f16(a: f32) -> u16 {
    let bits = a.to_bits();
    let (sign, rest) = ((bits >> 16) & 0x8000, bits & 0x7fff_ffff);
    // Subnormal results: adding 0.5 puts the last bit of the sum where the result's last bit (2^-24) is, and the addition rounds.
    let small = (f32::from_bits(rest) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let normal = rest.wrapping_add(0xfff + ((rest >> 13) & 1)).wrapping_sub(112 << 23) >> 13;
    let nan = 0x7e00 | (rest >> 13 & 0x3ff);
    let finite = if rest < 0x3880_0000 { small } else { normal.min(0x7c00) };
    let large = if rest > 0x7f80_0000 { nan } else { 0x7c00 };
    (sign | if rest < 0x4780_0000 { finite } else { large }) as u16
}
/// Inexact results have an odd last bit: rounded again to half precision, they are rounded as if once.
#[inline(always)]
pub fn round_to_odd(a: f64) -> f32 {
    let y = a as f32;
    let bits = y.to_bits();
    let down = if (y as f64).abs() > a.abs() { bits.wrapping_sub(1) } else { bits };
    f32::from_bits(if y as f64 == a || a.is_nan() { bits } else { down | 1 })
}
/// The next number from `a` towards `b` among numbers of 16 bits with this infinity.
#[inline(always)]
pub fn half_next_after(a: u16, b: u16, inf: u16) -> u16 {
    let (ma, mb) = (a & 0x7fff, b & 0x7fff);
    // Sign and magnitude as a number in order.
    let order = |x: u16| if x & 0x8000 != 0 { -((x & 0x7fff) as i32) } else { x as i32 };
    let (oa, ob) = (order(a), order(b));
    let step = if (ob > oa) == (oa > 0) { a.wrapping_add(1) } else { a.wrapping_sub(1) };
    let next = if ma == 0 { (b & 0x8000) | 1 } else { step };
    if ma > inf || mb > inf {
        inf | (inf >> 1) | 0x40
    } else if oa == ob {
        b
    } else {
        next
    }
}

/// A number of half precision: `Bf16` if `BF`, else `F16`. For one element at a time; blocks are converted as blocks.
#[derive(Clone, Copy)]
pub struct Half<const BF: bool>(u16);
impl<const BF: bool> Half<BF> {
    #[inline(always)]
    fn wide(self) -> f32 {
        if BF { bf16_to_f32(self.0) } else { f16_to_f32(self.0) }
    }
    #[inline(always)]
    fn of(x: f32) -> Half<BF> {
        Half(if BF { f32_to_bf16(x) } else { f32_to_f16(x) })
    }
}
macro_rules! half {
    ($($name:ident($($b:ident),*);)*) => {
        impl<const BF: bool> Num for Half<BF> { $(
            #[inline(always)]
            fn $name(self $(, $b: Self)*) -> Self { Half::of(Num::$name(self.wide() $(, $b.wide())*)) }
        )* }
    };
}
half!(neg(); abs(); sign(); add(b); sub(b); mul(b); div(b); rem(b); mul_add(b, c););
impl<const BF: bool> PartialEq for Half<BF> {
    #[inline(always)]
    fn eq(&self, b: &Self) -> bool {
        self.wide() == b.wide()
    }
}
impl<const BF: bool> PartialOrd for Half<BF> {
    #[inline(always)]
    fn partial_cmp(&self, b: &Self) -> Option<std::cmp::Ordering> {
        self.wide().partial_cmp(&b.wide())
    }
}
impl<const BF: bool> Ord2 for Half<BF> {
    #[inline(always)]
    fn greater(self, b: Self) -> Self {
        Half::of(self.wide().greater(b.wide()))
    }
    #[inline(always)]
    fn lesser(self, b: Self) -> Self {
        Half::of(self.wide().lesser(b.wide()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_agrees_with_the_half_crate() {
        for bits in 0..=u16::MAX {
            let (h, b) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
            assert!(f16_to_f32(bits).to_bits() == h.to_f32().to_bits() || h.is_nan() && f16_to_f32(bits).is_nan());
            assert!(bf16_to_f32(bits).to_bits() == b.to_f32().to_bits() || b.is_nan() && bf16_to_f32(bits).is_nan());
        }
        // Every 97th float, and every float next to a boundary between two half precision numbers.
        let near = (0..=u16::MAX).flat_map(|h| {
            let x = (h as u32) << 16;
            let y = f16_to_f32(h).to_bits();
            [x, x + 0x7fff, x + 0x8000, x + 0x8001, x + 0xffff, y, y + 0xfff, y + 0x1000, y + 0x1001, y.wrapping_sub(1)]
        });
        for bits in (0..=u32::MAX).step_by(97).chain(near) {
            let x = f32::from_bits(bits);
            let (h, b) = (half::f16::from_f32(x), half::bf16::from_f32(x));
            let (i, c) = (half::f16::from_bits(f32_to_f16(x)), half::bf16::from_bits(f32_to_bf16(x)));
            assert!(h.to_bits() == i.to_bits() || h.is_nan() && i.is_nan(), "{bits:x}");
            assert!(b.to_bits() == c.to_bits() || b.is_nan() && c.is_nan(), "{bits:x}");
        }
    }

    #[test]
    fn next_after_at_the_corners() {
        assert_eq!(0.0f32.next_after(-1.0).to_bits(), 0x8000_0001);
        assert_eq!(1.0f64.next_after(2.0), 1.0 + f64::EPSILON);
        assert_eq!((-1.0f32).next_after(2.0), -1.0 + f32::EPSILON / 2.0);
        assert_eq!(f32::MAX.next_after(f32::INFINITY), f32::INFINITY);
        assert_eq!((-0.0f32).next_after(0.0).to_bits(), 0);
        assert!(f32::NAN.next_after(0.0).is_nan() && 0.0f32.next_after(f32::NAN).is_nan());
        let h = |a: f32, b: f32| f16_to_f32(half_next_after(f32_to_f16(a), f32_to_f16(b), 0x7c00));
        assert_eq!(h(1.0, 2.0), 1.0 + 1.0 / 1024.0);
        assert_eq!(h(1.0, 0.0), 1.0 - 1.0 / 2048.0);
        assert_eq!(h(0.0, -1.0), -(2.0f32.powi(-24)));
        assert_eq!(h(-1.0, 0.0), -1.0 + 1.0 / 2048.0);
        assert!(h(f32::NAN, 0.0).is_nan());
    }

    #[test]
    fn integers_at_the_corners() {
        assert_eq!((i32::MIN).div(-1), i32::MIN);
        assert_eq!((7i8).div(0), -1);
        assert_eq!((7u8).div(0), 255);
        assert_eq!((i64::MIN).rem(-1), 0);
        assert_eq!((7i16).rem(0), 7);
        assert_eq!((1u8).shl(8), 0);
        assert_eq!((-8i8).shr(100), -1);
        assert_eq!((-8i8).shr(-1), -1);
        assert_eq!((200u8).shr(8), 0);
        assert_eq!((200u8).shr(3), 25);
        assert_eq!((5u32).sign(), 1);
    }
}
