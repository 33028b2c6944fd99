//! What takes the place of instructions that AVX2 lacks: 64-bit products, conversions and orders, and leading zeros, out of what it has.
//!
//! A program in the making ([`Build`](super::ir::Build)) asks here for each instruction; the rest of the emitter knows nothing of it. Every sequence gives
//! the bits of the instruction that it stands for, for all operands that the instruction's description in [`ir`](super::ir) admits.

use super::divide::Words;
use super::ir::{I, Ty};

/// 2^52: an integer in the last bits of this float is their sum, as a float.
const FAR: u64 = 0x4330_0000_0000_0000;
/// 2^84: the same for multiples of 2^32.
const FARTHER: u64 = 0x4530_0000_0000_0000;

/// Has AVX2 no instruction, nor a few in a row, for this? `of` is the type of the first operand.
pub fn lacks(i: I, ty: Ty, of: impl FnOnce() -> Ty) -> bool {
    match i {
        I::Clz => true,
        I::IMul | I::Sar | I::IMin(_) | I::IMax(_) => ty == Ty::W64,
        I::ToFloat(signed) => !signed || of() == Ty::W64,
        I::ToInt(signed) => !signed || ty == Ty::W64,
        _ => false,
    }
}

impl Words<'_> {
    /// The value of an instruction that AVX2 lacks.
    pub(super) fn instead(self, i: I, a: u32, b: u32) -> u32 {
        let wide = self.ty == Ty::W64;
        let from = self.build.inst(a).ty;
        match i {
            I::IMul => self.product(a, b),
            I::Sar => {
                // the bits of a negative number the other way round, and back
                let sign = self.sel(self.less(true, a, self.c(0)), self.c(-1), self.c(0));
                self.bin(I::Xor, self.bin(I::Shr, self.bin(I::Xor, a, sign), b), sign)
            }
            I::IMin(signed) => self.sel(self.less(signed, b, a), b, a),
            I::IMax(signed) => self.sel(self.less(signed, a, b), b, a),
            I::Clz if wide => self.zeros_64(a),
            I::Clz => self.zeros_32(a),
            I::ToFloat(signed) => match (from, self.ty) {
                (Ty::W64, Ty::W64) => self.float(signed, a),
                (Ty::W64, _) => self.float_once(signed, a),
                (_, Ty::W64) => self.low_as_float(self.un(I::Extend(false), a)),
                _ => {
                    // the product is exact, and the sum is rounded
                    let half = |x| self.un(I::ToFloat(true), x);
                    let (high, low) = (self.un(I::ShrBy(16), a), self.bin(I::And, a, self.c(0xffff)));
                    let by = self.c(65536f32.to_bits() as i64);
                    self.build.push(I::Fma, self.ty, half(high), by, half(low))
                }
            },
            I::ToInt(_) => match (from, self.ty) {
                (Ty::W64, Ty::W64) => self.int(a),
                (_, Ty::W64) => self.int(self.un(I::Wide, a)),
                (Ty::W64, _) => {
                    let w = Words { ty: Ty::W64, ..self };
                    self.un(I::Low, w.bin(I::Add, w.un(I::Round(3), a), w.bits(FAR)))
                }
                _ => {
                    let top = self.c(2f32.powi(31).to_bits() as i64);
                    let large = self.build.bin(I::Cmp(2), Ty::Mask, top, a);
                    let rest = self.sel(large, self.bin(I::Sub, a, top), a);
                    let bit = self.sel(large, self.c(i32::MIN as i64), self.c(0));
                    self.bin(I::Xor, self.un(I::ToInt(true), rest), bit)
                }
            },
            _ => unreachable!("AVX2 has {i:?}"),
        }
    }
    fn bits(self, bits: u64) -> u32 {
        self.build.constant(self.ty, bits)
    }

    /// The upper half of 64 bits, if it is not known to be zero.
    fn upper(self, x: u32) -> Option<u32> {
        let inst = self.build.inst(x);
        match inst.i {
            I::Const => (inst.b != 0).then(|| self.bits(inst.b as u64)),
            I::Extend(false) | I::ShrBy(32..) => None,
            _ => Some(self.un(I::ShrBy(32), x)),
        }
    }
    /// The low 64 bits of a product, out of those of halves.
    fn product(self, a: u32, b: u32) -> u32 {
        let times = |a, b| self.bin(I::MulHalves, a, b);
        let low = times(a, b);
        let cross = match (self.upper(a), self.upper(b)) {
            (None, None) => return low,
            (Some(h), None) => times(h, b),
            (None, Some(h)) => times(a, h),
            (Some(x), Some(y)) => self.bin(I::IAdd, times(x, b), times(a, y)),
        };
        self.bin(I::IAdd, low, self.un(I::ShlBy(32), cross))
    }

    /// Leading zeros by the exponent of a float, which is exact: without the bit behind the first no rounding reaches the next power of two.
    fn zeros_32(self, x: u32) -> u32 {
        let alone = self.bin(I::Xor, x, self.bin(I::And, x, self.un(I::ShrBy(1), x)));
        let exponent = self.un(I::ShrBy(23), self.un(I::ToFloat(true), alone));
        // With the highest bit the number is negative, and the sign makes the difference so, too; zero has the least exponent.
        let n = self.bin(I::ISub, self.c(158), exponent);
        self.bin(I::IMax(true), self.bin(I::IMin(true), n, self.c(32)), self.c(0))
    }
    /// The same of the half that has the first bit.
    fn zeros_64(self, x: u32) -> u32 {
        let high = self.un(I::ShrBy(32), x);
        let none = self.same(high, self.c(0));
        let half = self.sel(none, self.bin(I::And, x, self.c(0xffff_ffff)), high);
        let exponent = self.un(I::ShrBy(52), self.low_as_float(half));
        let n = self.bin(I::ISub, self.sel(none, self.c(1023 + 63), self.c(1023 + 31)), exponent);
        self.sel(self.same(x, self.c(0)), self.c(64), n)
    }

    /// An integer below 2^32 in 64 bits, as a float.
    fn low_as_float(self, x: u32) -> u32 {
        self.bin(I::Sub, self.bin(I::Or, x, self.bits(FAR)), self.bits(FAR))
    }
    /// A 64-bit integer as `f64`, rounded once: both halves are exact, and so is the difference of the upper one and what was put to both.
    fn float(self, signed: bool, x: u32) -> u32 {
        let high = self.un(I::ShrBy(32), x);
        // a signed number and 2^63 is not negative
        let high = if signed { self.bin(I::Xor, high, self.c(1 << 31)) } else { high };
        let high = self.bin(I::Or, high, self.bits(FARTHER));
        let put = 2f64.powi(84) + 2f64.powi(52) + if signed { 2f64.powi(63) } else { 0.0 };
        let low = self.bin(I::Or, self.bin(I::And, x, self.c(0xffff_ffff)), self.bits(FAR));
        self.bin(I::Add, self.bin(I::Sub, high, self.bits(put.to_bits())), low)
    }
    /// A 64-bit integer as `f32`, rounded once. One of more than 53 bits leaves only whether its last eleven are all zero, in one bit, so that it is exact as `f64`.
    fn float_once(self, signed: bool, x: u32) -> u32 {
        let w = Words { ty: Ty::W64, ..self };
        let some = w.bin(I::IAdd, w.bin(I::And, x, w.c(0x7ff)), w.c(0x7ff));
        let short = w.bin(I::And, w.bin(I::Or, x, some), w.c(!0x7ff));
        let (moved, bits) = if signed { (w.bin(I::IAdd, x, w.c(1 << 53)), 54) } else { (x, 53) };
        let small = w.same(w.un(I::ShrBy(bits), moved), w.c(0));
        self.un(I::Narrow, w.float(signed, w.sel(small, x, short)))
    }
    /// An `f64`, which fits, as a 64-bit integer, with a sign or without: multiples of 2^32, and what is left.
    fn int(self, x: u32) -> u32 {
        let f = |x: f64| self.bits(x.to_bits());
        let whole = self.un(I::Round(3), x);
        let high = self.un(I::Round(1), self.bin(I::Mul, whole, f(2f64.powi(-32))));
        let low = self.build.push(I::Fma, self.ty, high, f(-(2f64.powi(32))), whole);
        let high = self.un(I::ShlBy(32), self.bin(I::Add, high, f(2f64.powi(52) + 2f64.powi(51))));
        let low = self.bin(I::Xor, self.bin(I::Add, low, self.bits(FAR)), self.bits(FAR));
        self.bin(I::Or, high, low)
    }
}
