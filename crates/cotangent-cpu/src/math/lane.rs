//! The small language in which every elementary function is written once.
//!
//! A function over [`Lane`] is straight-line code: arithmetic, fused multiply-add, comparisons to masks, selections, and integer
//! operations on the bits. There is no way to branch on a value, so the same source may be instantiated for scalars (which LLVM
//! then vectorizes), or for a builder that writes such operations down. Only operations that IEEE 754 defines are available:
//! every instantiation computes the same bits.

use std::hint::select_unpredictable;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// The outcome of a comparison.
pub trait Mask: Copy + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self> {}
impl Mask for bool {}

/// The bits of a lane as a signed integer. Arithmetic wraps.
pub trait Bits: Copy {
    /// The outcome of a comparison.
    type Mask: Mask;
    /// Sum.
    fn plus(self, b: Self) -> Self;
    /// Difference.
    fn minus(self, b: Self) -> Self;
    /// Bitwise and.
    fn and(self, b: Self) -> Self;
    /// Bitwise or.
    fn or(self, b: Self) -> Self;
    /// Bitwise exclusive or.
    fn xor(self, b: Self) -> Self;
    /// Shift to the left by a constant.
    fn shl(self, n: u32) -> Self;
    /// Arithmetic shift to the right by a constant.
    fn sar(self, n: u32) -> Self;
    /// Equality.
    fn same(self, b: Self) -> Self::Mask;
    /// `m ? a : b`.
    fn pick(m: Self::Mask, a: Self, b: Self) -> Self;
}

/// A floating-point number, or many.
pub trait Lane:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The outcome of a comparison.
    type Mask: Mask;
    /// The bits.
    type Bits: Bits<Mask = Self::Mask>;
    /// The `f64` to which this type is widened.
    type Wide: Lane<Mask = Self::Mask>;
    /// Bits of the fraction, without the hidden one.
    const FRACTION: u32;
    /// The exponent's bias.
    const BIAS: i64;

    /// A constant, rounded to the type. `self` only says where: a builder has no other context.
    fn c(self, x: f64) -> Self;
    /// An integer constant.
    fn int(self, x: i64) -> Self::Bits;
    /// `self * b + c` with one rounding.
    fn fma(self, b: Self, c: Self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// The greatest integer that is not above.
    fn floor(self) -> Self;
    /// Without the sign.
    fn abs(self) -> Self;
    /// `self < b`; false if either is NaN.
    fn lt(self, b: Self) -> Self::Mask;
    /// `self <= b`; false if either is NaN.
    fn le(self, b: Self) -> Self::Mask;
    /// `self == b`; false if either is NaN.
    fn eq(self, b: Self) -> Self::Mask;
    /// `m ? a : b`.
    fn sel(m: Self::Mask, a: Self, b: Self) -> Self;
    /// The bits.
    fn bits(self) -> Self::Bits;
    /// The number with these bits.
    fn of_bits(b: Self::Bits) -> Self;
    /// Exactly the same number as `f64`.
    fn wide(self) -> Self::Wide;
    /// Rounds from `f64`.
    fn narrow(w: Self::Wide) -> Self;

    /// `self > b`; false if either is NaN.
    #[inline(always)]
    fn gt(self, b: Self) -> Self::Mask {
        b.lt(self)
    }
    /// `self >= b`; false if either is NaN.
    #[inline(always)]
    fn ge(self, b: Self) -> Self::Mask {
        b.le(self)
    }
    /// Is it NaN?
    #[inline(always)]
    fn nan(self) -> Self::Mask {
        !self.eq(self)
    }
    /// The nearest integer, halves to even, as a float and as an integer. For magnitudes below 2^21 (`f32`) or 2^50 (`f64`):
    /// adding 1.5 times 2^FRACTION leaves the integer in the low bits.
    #[inline(always)]
    fn near(self) -> (Self, Self::Bits) {
        let magic = self.c(1.5 * (1u64 << Self::FRACTION) as f64);
        let t = self + magic;
        (t - magic, t.bits().minus(magic.bits()))
    }
    /// A small integer as a float, by the same trick.
    #[inline(always)]
    fn float(self, k: Self::Bits) -> Self {
        let magic = self.c(1.5 * (1u64 << Self::FRACTION) as f64);
        Self::of_bits(k.plus(magic.bits())) - magic
    }
    /// 2^k for a k whose power is a normal number.
    #[inline(always)]
    fn exp2i(self, k: Self::Bits) -> Self {
        Self::of_bits(k.plus(self.int(Self::BIAS)).shl(Self::FRACTION))
    }
    /// 2^self for an integer up to the greatest exponent, and down to one below the least of a normal number: that is 0.
    #[inline(always)]
    fn power(self) -> Self {
        // added to 1.5 times 2^FRACTION, the exponent with its bias is in the low bits
        let magic = self.c(1.5 * (1u64 << Self::FRACTION) as f64 + Self::BIAS as f64);
        Self::of_bits((self + magic).bits().shl(Self::FRACTION))
    }
    /// `self * 2^k` with one rounding, for k down to twice the least exponent and up to twice the greatest: the first factor is
    /// chosen so that its product is exact, unless it overflows.
    #[inline(always)]
    fn scale(self, k: Self::Bits) -> Self {
        let half = k.sar(1);
        self * self.exp2i(half) * self.exp2i(k.minus(half))
    }
    /// The magnitude of `self` with the sign of `s`.
    #[inline(always)]
    fn copysign(self, s: Self) -> Self {
        let sign = self.c(-0.0).bits();
        Self::of_bits(self.abs().bits().or(s.bits().and(sign)))
    }
    /// `self` with its sign flipped where `s` has one.
    #[inline(always)]
    fn flipsign(self, s: Self) -> Self {
        let sign = self.c(-0.0).bits();
        Self::of_bits(self.bits().xor(s.bits().and(sign)))
    }
    /// The smaller one, or `self` if either is NaN.
    #[inline(always)]
    fn at_most(self, b: Self) -> Self {
        Self::sel(b.lt(self), b, self)
    }
    /// The greater one, or `self` if either is NaN.
    #[inline(always)]
    fn at_least(self, b: Self) -> Self {
        Self::sel(self.lt(b), b, self)
    }
}

// An `if` would do, but LLVM merges several on one condition into a branch, and then does not vectorize.
macro_rules! scalar {
    ($f:ident $i:ident $u:ident fraction $fraction:literal bias $bias:literal) => {
        impl Bits for $i {
            type Mask = bool;
            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                self.wrapping_add(b)
            }
            #[inline(always)]
            fn minus(self, b: Self) -> Self {
                self.wrapping_sub(b)
            }
            #[inline(always)]
            fn and(self, b: Self) -> Self {
                self & b
            }
            #[inline(always)]
            fn or(self, b: Self) -> Self {
                self | b
            }
            #[inline(always)]
            fn xor(self, b: Self) -> Self {
                self ^ b
            }
            #[inline(always)]
            fn shl(self, n: u32) -> Self {
                self << n
            }
            #[inline(always)]
            fn sar(self, n: u32) -> Self {
                self >> n
            }
            #[inline(always)]
            fn same(self, b: Self) -> bool {
                self == b
            }
            #[inline(always)]
            fn pick(m: bool, a: Self, b: Self) -> Self {
                select_unpredictable(m, a, b)
            }
        }
        impl Lane for $f {
            type Mask = bool;
            type Bits = $i;
            type Wide = f64;
            const FRACTION: u32 = $fraction;
            const BIAS: i64 = $bias;
            #[inline(always)]
            fn c(self, x: f64) -> Self {
                x as $f
            }
            #[inline(always)]
            fn int(self, x: i64) -> $i {
                x as $i
            }
            #[inline(always)]
            fn fma(self, b: Self, c: Self) -> Self {
                self.mul_add(b, c)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $f::sqrt(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $f::floor(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $f::abs(self)
            }
            #[inline(always)]
            fn lt(self, b: Self) -> bool {
                self < b
            }
            #[inline(always)]
            fn le(self, b: Self) -> bool {
                self <= b
            }
            #[inline(always)]
            fn eq(self, b: Self) -> bool {
                self == b
            }
            #[inline(always)]
            fn sel(m: bool, a: Self, b: Self) -> Self {
                select_unpredictable(m, a, b)
            }
            #[inline(always)]
            fn bits(self) -> $i {
                self.to_bits() as $i
            }
            #[inline(always)]
            fn of_bits(b: $i) -> Self {
                $f::from_bits(b as $u)
            }
            #[inline(always)]
            fn wide(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn narrow(w: f64) -> Self {
                w as $f
            }
        }
    };
}
scalar!(f32 i32 u32 fraction 23 bias 127);
scalar!(f64 i64 u64 fraction 52 bias 1023);

/// The polynomial with these coefficients, highest power first, by Horner's rule.
#[inline(always)]
pub fn poly<L: Lane, const N: usize>(x: L, k: [f64; N]) -> L {
    let mut p = x.c(k[0]);
    let mut i = 1;
    while i < N {
        p = p.fma(x, x.c(k[i]));
        i += 1;
    }
    p
}

/// One of two polynomials, chosen by `m`; the second one may be shorter.
#[inline(always)]
pub fn poly_either<L: Lane, const N: usize, const K: usize>(x: L, m: L::Mask, k: [f64; N], short: [f64; K]) -> L {
    let mut p = L::sel(m, x.c(k[0]), x.c(at(short, N, 0)));
    let mut i = 1;
    while i < N {
        p = p.fma(x, L::sel(m, x.c(k[i]), x.c(at(short, N, i))));
        i += 1;
    }
    p
}

/// Coefficient i of n, where the first ones are not there.
#[inline(always)]
fn at<const K: usize>(k: [f64; K], n: usize, i: usize) -> f64 {
    if i + K < n { 0.0 } else { k[i + K - n] }
}
