//! Quotients and remainders, counts of bits, the next number: what no vector instruction does, in a few that do.
//!
//! A quotient of integers of up to 32 bits is that of floats with more than twice as many: two different quotients of such integers are further apart than a rounding
//! reaches, so cutting off the rounded one is right. One of 64 bits is found in two steps, each of which leaves a remainder that is exact.
//!
//! By a constant of less than 32 bits it is a product with the reciprocal, rounded outwards. That is never nearer to zero than the quotient, and further by so little, less than
//! a part in 2^22, that it does not reach the next integer, which is at least one part in as many as dividends there are away. Of 32 bits it is a product of
//! integers, whose upper half is shifted (T. Granlund, P. L. Montgomery, "Division by invariant integers using multiplication", PLDI 1994).

use super::ir::{Build, I, Mem, Ty};

/// Words of one size, and integers in them.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub build: &'a Build,
    pub ty: Ty,
}

/// The bits of 1 / b as `f32`, rounded away from zero.
fn outwards(b: f64) -> u64 {
    let r = 1.0 / b as f32;
    (r.to_bits() + ((r as f64 * b) < 1.0) as u32) as u64
}
/// The least s, and m = 2^(32 + s) / d rounded up to the next integer, so that the upper half of m x, shifted by s, is x / d rounded down for all x of so many
/// bits and a sign, or of 32 bits without one. Of an odd d without sign m may have 33 bits.
fn multiplier(d: u64, bits: u32) -> (u64, u32) {
    let of = |s: u32| (1u128 << (32 + s)) / d as u128 + 1;
    // by how much m d is too large: no more than what all dividends together may add up to
    let exact = |s: &u32| of(*s) * d as u128 - (1u128 << (32 + s)) <= 1u128 << (s + 32 - bits);
    let s = (0..=32).find(exact).expect("2^s above d is enough");
    (of(s) as u64, s)
}

/// Are these numbers divided by [`Words::over`]'s products?
fn bytes_are_divided(b: f32, mut bytes: std::ops::RangeInclusive<i32>) -> bool {
    // nothing on the way is subnormal or infinite
    let plain = (2f32.powi(-60)..2f32.powi(60)).contains(&b.abs());
    let r = 1.0 / b;
    plain
        && bytes.all(|a| {
            let a = a as f32;
            let q = a * r;
            let rest = q.mul_add(-b, a);
            rest.mul_add(r, q).to_bits() == (a / b).to_bits()
        })
}

impl Words<'_> {
    pub(super) fn c(self, x: i64) -> u32 {
        self.build.constant(self.ty, if self.ty == Ty::W64 { x as u64 } else { x as u32 as u64 })
    }
    pub(super) fn bin(self, i: I, a: u32, b: u32) -> u32 {
        self.build.bin(i, self.ty, a, b)
    }
    pub(super) fn un(self, i: I, a: u32) -> u32 {
        self.build.un(i, self.ty, a)
    }
    pub(super) fn sel(self, m: u32, a: u32, b: u32) -> u32 {
        self.build.sel(m, self.ty, a, b)
    }
    pub(super) fn less(self, signed: bool, a: u32, b: u32) -> u32 {
        self.build.bin(I::ILt(signed), Ty::Mask, a, b)
    }
    pub(super) fn same(self, a: u32, b: u32) -> u32 {
        self.build.bin(I::IEq, Ty::Mask, a, b)
    }
    fn both(self, a: u32, b: u32) -> u32 {
        self.build.bin(I::MAnd, Ty::Mask, a, b)
    }
    fn not(self, a: u32) -> u32 {
        self.build.un(I::MNot, Ty::Mask, a)
    }

    /// The quotient of floats. One of a byte, as a colour is one, by a constant is the product with the reciprocal, and what that leaves over a second time: whether that is the
    /// quotient, to the last bit, is tried for every byte.
    pub fn over(self, a: u32, b: u32) -> u32 {
        let whole = self.build.inst(a);
        let known = self.build.known(b).filter(|_| self.ty == Ty::W32 && matches!(whole.i, I::ToFloat(_)));
        let quick = known.map(|b| f32::from_bits(b as u32)).filter(|b| {
            let from = self.build.inst(whole.a);
            match from.i {
                I::SarBy(24) if from.ty == Ty::W32 => bytes_are_divided(*b, -128..=127),
                I::Load(Mem::B1) | I::Splat(Mem::B1) | I::Part(Mem::B1) | I::One(Mem::B1) => {
                    bytes_are_divided(*b, 0..=255)
                }
                _ => false,
            }
        });
        let Some(by) = quick else { return self.bin(I::Div, a, b) };
        let c = |x: f32| self.build.constant(Ty::W32, x.to_bits() as u64);
        let q = self.bin(I::Mul, a, c(1.0 / by));
        let rest = self.build.push(I::Fma, self.ty, q, c(-by), a);
        self.build.push(I::Fma, self.ty, rest, c(1.0 / by), q)
    }

    /// Quotient and remainder of integers of so many bytes, which are extended to the words. A quotient by zero is -1, and leaves the dividend.
    pub fn divide(self, size: usize, signed: bool, a: u32, b: u32) -> (u32, u32) {
        let quotient = |b| match size {
            8 if signed => self.long(a, b),
            8 => self.long_unsigned(a, b),
            _ => self.short(size, signed, a, b),
        };
        let rest = |q, b| self.bin(I::ISub, a, self.bin(I::IMul, q, b));
        if self.build.known(b).is_some_and(|b| b != 0) {
            let q = quotient(b);
            return (q, rest(q, b));
        }
        let none = self.same(b, self.c(0));
        let by = self.sel(none, self.c(1), b);
        let q = quotient(by);
        (self.sel(none, self.c(-1), q), self.sel(none, a, rest(q, by)))
    }
    /// Of up to 32 bits.
    fn short(self, size: usize, signed: bool, a: u32, b: u32) -> u32 {
        let build = self.build;
        let known = build.known(b);
        if size < 4 {
            let float = |x| build.un(I::ToFloat(true), Ty::W32, x);
            let q = match known {
                Some(b) => build.bin(I::Mul, Ty::W32, float(a), build.constant(Ty::W32, outwards(b as i32 as f64))),
                None => build.bin(I::Div, Ty::W32, float(a), float(b)),
            };
            return build.un(I::ToInt(true), Ty::W32, q);
        }
        // The least integer by -1 does not fit: the instruction gives the least integer, which is right.
        match known {
            Some(b) if signed => self.by_signed(a, b as i32),
            Some(b) => self.by_unsigned(a, b as u32),
            None if signed => {
                let float = |x| build.un(I::ToFloat(true), Ty::W64, x);
                build.un(I::ToInt(true), Ty::W32, build.bin(I::Div, Ty::W64, float(a), float(b)))
            }
            None => {
                // 2^52 with an integer in its last bits is their sum
                let far = build.constant(Ty::W64, (2f64.powi(52)).to_bits());
                let float = |x| {
                    let bits = build.bin(I::Or, Ty::W64, build.un(I::Extend(false), Ty::W64, x), far);
                    build.bin(I::Sub, Ty::W64, bits, far)
                };
                let q = build.un(I::Round(3), Ty::W64, build.bin(I::Div, Ty::W64, float(a), float(b)));
                build.un(I::Low, Ty::W32, build.bin(I::Add, Ty::W64, q, far))
            }
        }
    }
    /// By a constant that is not zero, 32 bits with a sign.
    fn by_signed(self, a: u32, b: i32) -> u32 {
        let negated = |q| if b < 0 { self.bin(I::ISub, self.c(0), q) } else { q };
        if b.unsigned_abs() == 1 {
            return negated(a);
        }
        let (m, s) = multiplier(b.unsigned_abs() as u64, 31);
        let high = self.bin(I::MulHigh(true), a, self.c(m as i64));
        // as a signed number it is 2^32 too small
        let high = if m >> 31 == 1 { self.bin(I::IAdd, high, a) } else { high };
        let down = if s > 0 { self.un(I::SarBy(s as u8), high) } else { high };
        // rounded down, a negative quotient is one too small
        negated(self.bin(I::IAdd, down, self.un(I::ShrBy(31), a)))
    }
    /// By a constant that is not zero, 32 bits without a sign.
    fn by_unsigned(self, a: u32, b: u32) -> u32 {
        if b.is_power_of_two() {
            return match b.trailing_zeros() {
                0 => a,
                s => self.un(I::ShrBy(s as u8), a),
            };
        }
        let (m, s) = multiplier(b as u64, 32);
        let high = self.bin(I::MulHigh(false), a, self.c(m as i64));
        let by = |s: u32, x| if s > 0 { self.un(I::ShrBy(s as u8), x) } else { x };
        if m >> 32 == 0 {
            return by(s, high);
        }
        // the 33rd bit is the dividend once more; the mean of both does not overflow
        let mean = self.bin(I::IAdd, self.un(I::ShrBy(1), self.bin(I::ISub, a, high)), high);
        by(s - 1, mean)
    }
    /// Of 64 bits, with signs.
    fn long(self, a: u32, b: u32) -> u32 {
        let float = |x| self.un(I::ToFloat(true), x);
        let fb = float(b);
        let guess = |x| self.un(I::ToInt(true), self.bin(I::Div, float(x), fb));
        let rest = |x, q| self.bin(I::ISub, x, self.bin(I::IMul, q, b));
        // What is left after the first is less than the divisor and some thousands, which is exact whatever overflowed; after the second it is less than the divisor.
        let q = guess(a);
        let r = rest(a, q);
        let more = guess(r);
        let (q, r) = (self.bin(I::IAdd, q, more), rest(r, more));
        // It has the dividend's sign.
        let zero = self.c(0);
        let wrong = self.both(self.not(self.same(r, zero)), self.less(true, self.bin(I::Xor, r, a), zero));
        let apart = self.less(true, self.bin(I::Xor, r, b), zero);
        let step = self.sel(apart, self.c(-1), self.c(1));
        self.sel(wrong, self.bin(I::IAdd, q, step), q)
    }
    /// Of 64 bits, without: half of the dividend first.
    fn long_unsigned(self, a: u32, b: u32) -> u32 {
        let half = self.long(self.un(I::ShrBy(1), a), b);
        let q = self.un(I::ShlBy(1), half);
        let r = self.bin(I::ISub, a, self.bin(I::IMul, q, b));
        let one = self.c(1);
        let q = self.sel(self.less(false, r, b), q, self.bin(I::IAdd, q, one));
        // A divisor with the highest bit is there once or not at all.
        let once = self.sel(self.less(false, a, b), self.c(0), one);
        self.sel(self.less(true, b, self.c(0)), once, q)
    }

    /// An `f64` as `f32`; one that is inexact has an odd last bit, so that it can be rounded again.
    pub fn round_to_odd(self, x: u32) -> u32 {
        let w = Words { ty: Ty::W64, ..self };
        let y = self.un(I::Narrow, x);
        let back = w.un(I::Wide, y);
        let size = |x| w.bin(I::And, x, w.c(i64::MAX));
        let over = self.build.bin(I::Cmp(1), Ty::Mask, size(x), size(back));
        let down = self.sel(over, self.bin(I::ISub, y, self.c(1)), y);
        // or no number at all
        let exact = self.build.bin(I::Cmp(8), Ty::Mask, back, x);
        self.sel(exact, y, self.bin(I::Or, down, self.c(1)))
    }

    /// How many bits are set.
    pub fn ones(self, x: u32) -> u32 {
        let all = |byte: u64| self.c((byte * 0x0101_0101_0101_0101) as i64);
        let and = |x, byte| self.bin(I::And, x, all(byte));
        let x = self.bin(I::ISub, x, and(self.un(I::ShrBy(1), x), 0x55));
        let x = self.bin(I::IAdd, and(x, 0x33), and(self.un(I::ShrBy(2), x), 0x33));
        let mut x = and(self.bin(I::IAdd, x, self.un(I::ShrBy(4), x)), 0x0f);
        for by in [8, 16, 32].into_iter().take(if self.ty == Ty::W64 { 3 } else { 2 }) {
            x = self.bin(I::IAdd, x, self.un(I::ShrBy(by), x))
        }
        self.bin(I::And, x, self.c(0x7f))
    }

    /// The next float of so many bits after `a` towards `b`, by their bits; subnormal numbers are numbers here.
    pub fn next_after(self, bits: u32, infinity: i64, a: u32, b: u32) -> u32 {
        let sign = if bits == 64 { i64::MIN } else { 1 << (bits - 1) };
        let (rest, sign, one) = (self.c(sign.wrapping_sub(1)), self.c(sign), self.c(1));
        let zero = self.c(0);
        let (x, y) = (self.bin(I::And, a, rest), self.bin(I::And, b, rest));
        let side = self.same(self.bin(I::And, self.bin(I::Xor, a, b), sign), zero);
        let out = self.both(self.less(true, x, y), side);
        let step = self.bin(I::IAdd, a, self.sel(out, one, self.c(-1)));
        let least = self.bin(I::Or, self.bin(I::And, b, sign), one);
        let (from_zero, to_zero) = (self.same(x, zero), self.same(y, zero));
        let next = self.sel(from_zero, least, step);
        let or = |a, b| self.build.bin(I::MOr, Ty::Mask, a, b);
        // a NaN has one more bit than infinity
        let (infinity, quiet) = (self.c(infinity), self.c(infinity | infinity >> 1));
        let nan = or(self.less(true, infinity, x), self.less(true, infinity, y));
        let next = self.sel(nan, quiet, next);
        self.sel(or(self.same(a, b), self.both(from_zero, to_zero)), b, next)
    }

    /// The remainder of floats, with the dividend's sign, exact. Leaves the loop where the quotient is not small or a number is no ordinary one.
    pub fn remainder(self, a: u32, b: u32) -> u32 {
        let wide = self.ty == Ty::W64;
        let f = |x: f64| self.build.constant(self.ty, if wide { x.to_bits() } else { (x as f32).to_bits() as u64 });
        let (magnitude, sign) = match wide {
            true => (self.c(i64::MAX), self.c(i64::MIN)),
            false => (self.c(i32::MAX as i64), self.c(i32::MIN as i64)),
        };
        let cmp = |p, a, b| self.build.bin(I::Cmp(p), Ty::Mask, a, b);
        let (x, y) = (self.bin(I::And, a, magnitude), self.bin(I::And, b, magnitude));
        // so that the quotient is an integer of a float's digits, and nothing that is left is a subnormal number
        let (times, least, most) = match wide {
            true => (2f64.powi(52), 2f64.powi(-900), 2f64.powi(900)),
            false => (2f64.powi(23), 2f64.powi(-90), 2f64.powi(90)),
        };
        let near = self.both(cmp(1, x, self.bin(I::Mul, y, f(times))), cmp(2, f(least), y));
        let near = self.both(near, cmp(2, y, f(most)));
        self.build.un(I::Bail, Ty::Mask, self.not(near));
        let q = self.un(I::Round(3), self.bin(I::Div, x, y));
        let minus = self.bin(I::Xor, q, sign);
        let r = self.build.push(I::Fma, self.ty, minus, y, x);
        // the rounded quotient may be one too large
        let r = self.sel(cmp(1, r, f(0.0)), self.bin(I::Add, r, y), r);
        self.bin(I::Or, self.bin(I::And, r, magnitude), self.bin(I::And, a, sign))
    }
}
