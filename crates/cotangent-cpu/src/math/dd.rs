//! Numbers as unevaluated sums of two: about twice the precision, where one rounding too many would show.
//!
//! T. J. Dekker, "A floating-point technique for extending the available precision" (1971), with products by fused multiply-add.

use super::lane::Lane;

/// `hi + lo`, with `lo` at most about one unit in the last place of `hi`.
#[derive(Clone, Copy)]
pub struct Dd<L> {
    /// The leading part.
    pub hi: L,
    /// What is missing.
    pub lo: L,
}

/// `a + b` exactly.
#[inline(always)]
pub fn two_sum<L: Lane>(a: L, b: L) -> Dd<L> {
    let s = a + b;
    let v = s - a;
    Dd { hi: s, lo: (a - (s - v)) + (b - v) }
}

/// `a + b` exactly, where |a| is not below |b| (or a is 0).
#[inline(always)]
pub fn fast_sum<L: Lane>(a: L, b: L) -> Dd<L> {
    let s = a + b;
    Dd { hi: s, lo: b - (s - a) }
}

/// `a * b` exactly.
#[inline(always)]
pub fn two_prod<L: Lane>(a: L, b: L) -> Dd<L> {
    let p = a * b;
    Dd { hi: p, lo: a.fma(b, -p) }
}

impl<L: Lane> Dd<L> {
    /// A constant, given by its two parts.
    #[inline(always)]
    pub fn c(at: L, k: [f64; 2]) -> Dd<L> {
        Dd { hi: at.c(k[0]), lo: at.c(k[1]) }
    }
    /// A single number.
    #[inline(always)]
    pub fn of(x: L) -> Dd<L> {
        Dd { hi: x, lo: x.c(0.0) }
    }
    /// Rounded to one number.
    #[inline(always)]
    pub fn round(self) -> L {
        self.hi + self.lo
    }
    /// The parts made disjoint again.
    #[inline(always)]
    pub fn tidy(self) -> Dd<L> {
        fast_sum(self.hi, self.lo)
    }
    /// The sum; where signs differ its error is relative to the greater operand.
    #[inline(always)]
    pub fn plus(self, b: Dd<L>) -> Dd<L> {
        let s = two_sum(self.hi, b.hi);
        fast_sum(s.hi, s.lo + (self.lo + b.lo))
    }
    /// The sum, where |self| is not below |b|.
    #[inline(always)]
    pub fn plus_less(self, b: Dd<L>) -> Dd<L> {
        let s = fast_sum(self.hi, b.hi);
        fast_sum(s.hi, s.lo + (self.lo + b.lo))
    }
    /// The negative.
    #[inline(always)]
    pub fn neg(self) -> Dd<L> {
        Dd { hi: -self.hi, lo: -self.lo }
    }
    /// The product.
    #[inline(always)]
    pub fn times(self, b: Dd<L>) -> Dd<L> {
        let p = two_prod(self.hi, b.hi);
        fast_sum(p.hi, self.hi.fma(b.lo, self.lo.fma(b.hi, p.lo)))
    }
    /// The product with one number.
    #[inline(always)]
    pub fn by(self, b: L) -> Dd<L> {
        let p = two_prod(self.hi, b);
        fast_sum(p.hi, self.lo.fma(b, p.lo))
    }
    /// The product with a power of two.
    #[inline(always)]
    pub fn scaled(self, b: L) -> Dd<L> {
        Dd { hi: self.hi * b, lo: self.lo * b }
    }
    /// The quotient.
    #[inline(always)]
    pub fn over(self, b: Dd<L>) -> Dd<L> {
        let inverse = b.hi.c(1.0) / b.hi;
        let q = self.hi * inverse;
        let rest = (-q).fma(b.hi, self.hi);
        fast_sum(q, ((-q).fma(b.lo, rest) + self.lo) * inverse)
    }
    /// `m ? a : b`.
    #[inline(always)]
    pub fn sel(m: L::Mask, a: Dd<L>, b: Dd<L>) -> Dd<L> {
        Dd { hi: L::sel(m, a.hi, b.hi), lo: L::sel(m, a.lo, b.lo) }
    }
}
