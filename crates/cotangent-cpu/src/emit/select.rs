//! Instructions for operations: each [`I`](super::ir::I) with its operands in registers (or one of them in memory).
//!
//! A mask is a mask register where there are such (AVX-512), else a vector with all bits set or none in each lane: 64 of them if it says something about any
//! element of 64 bits, otherwise 32 (a narrow one).

use super::asm::{Asm, Masked, Op, Rm, gp, op};
use super::ir::{I, Mem, Ty};

/// What the code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lanes {
    /// AVX-512, with mask registers and 32 vector registers; otherwise AVX2.
    pub evex: bool,
    /// Elements of a round; 1 uses the scalar forms.
    pub n: usize,
    /// Does the program have elements of 64 bits?
    pub wide: bool,
}
impl Lanes {
    /// Bytes of the register of such a value.
    pub fn bytes(self, ty: Ty) -> usize {
        let size = match ty {
            Ty::W32 => 4,
            Ty::W64 => 8,
            Ty::Mask => 4 << self.wide as usize,
        };
        (self.n * size).max(16)
    }
}

/// Is the last operand one element in memory, for all lanes?
fn broadcast(rm: Rm, on: bool) -> Masked {
    Masked { broadcast: on && matches!(rm, Rm::Mem { .. } | Rm::Pool(_)), ..Masked::default() }
}
const K1: Masked = Masked { k: 1, zero: false, broadcast: false };
const K1Z: Masked = Masked { k: 1, zero: true, broadcast: false };
const PLAIN: Masked = Masked { k: 0, zero: false, broadcast: false };

const AND: Op = op(1, 1, 0xDB);
const OR: Op = op(1, 1, 0xEB);
const XOR: Op = op(1, 1, 0xEF);

/// An operation on floats, packed or on single elements.
fn float(opcode: u8, ty: Ty, single: bool) -> Op {
    let wide = ty == Ty::W64;
    op(wide as u8 + 2 * single as u8, 1, opcode).wide(wide)
}

impl Asm {
    /// A vector instruction of three operands.
    fn three(&mut self, o: Op, bytes: usize, d: u8, a: u8, rm: Rm, all: bool) {
        self.vector(o, bytes, d, a, rm, broadcast(rm, all && self.evex), None)
    }
    /// One of two operands.
    fn two(&mut self, o: Op, bytes: usize, d: u8, rm: Rm) {
        self.vector(o, bytes, d, 0, rm, PLAIN, None)
    }
    /// This mask for what is read and written, if the lanes have one.
    fn some(&self, l: Lanes, k: Masked) -> Masked {
        if l.evex && !self.unmasked { k } else { PLAIN }
    }
    /// A copy of a register.
    pub fn copy(&mut self, bytes: usize, d: u8, s: u8) {
        if d != s {
            self.two(op(0, 1, 0x28), bytes, d, Rm::Reg(s))
        }
    }
    /// A whole register to memory, or back.
    pub fn spill(&mut self, bytes: usize, r: u8, to: Rm) {
        self.two(op(0, 1, 0x11), bytes, r, to)
    }
    pub fn fill(&mut self, bytes: usize, r: u8, from: Rm) {
        self.two(op(0, 1, 0x10), bytes, r, from)
    }
    pub fn spill_mask(&mut self, k: u8, to: Rm) {
        self.vex_only(op(0, 1, 0x91), false, k, 0, to)
    }
    pub fn fill_mask(&mut self, k: u8, from: Rm) {
        self.vex_only(op(0, 1, 0x90), false, k, 0, from)
    }
    /// A mask register from a general one.
    pub fn set_mask(&mut self, k: u8, from: u8) {
        self.vex_only(op(0, 1, 0x92), false, k, 0, Rm::Reg(from))
    }
    /// The mask of a tail as a vector, of lanes of so many bytes.
    fn tail_mask(&mut self, l: Lanes, d: u8, size: usize) {
        let ones = self.ones(l.n, self.tail, size);
        self.two(float(0x10, Ty::W32, false), l.n * size, d, ones)
    }
    /// Which lanes the tail has, as a mask.
    pub fn tail_to(&mut self, l: Lanes, d: u8) {
        match l.evex {
            true => self.fill_mask(d, Rm::Reg(1)),
            false => self.tail_mask(l, d, l.bytes(Ty::Mask) / l.n),
        }
    }
    /// Is what is read or written a tail, for which there is no mask register?
    fn cut(&self) -> bool {
        self.tail > 0 && !self.unmasked
    }
    pub fn zero(&mut self, d: u8) {
        self.vector(XOR, 16, d, d, Rm::Reg(d), PLAIN, None)
    }

    /// A constant in every lane.
    pub fn constant_to(&mut self, l: Lanes, d: u8, ty: Ty, bits: u64) {
        if bits == 0 {
            return self.zero(d);
        }
        let size = if ty == Ty::W64 { 8 } else { 4 };
        let rm = self.constant(bits, size, 1);
        self.splat_to(l, d, ty, rm)
    }
    /// A constant where the last operand of an instruction may lie: once, if the instruction gives it to all lanes, else once for each.
    pub fn constant_at(&mut self, l: Lanes, ty: Ty, bits: u64) -> Rm {
        let size = if ty == Ty::W64 { 8 } else { 4 };
        let n = if self.evex { 1 } else { l.bytes(ty) / size };
        self.constant(bits, size, n)
    }
    /// The element of the type's size at `rm` in every lane.
    fn splat_to(&mut self, l: Lanes, d: u8, ty: Ty, rm: Rm) {
        let wide = ty == Ty::W64;
        let o = match (l.n, wide) {
            (1, _) => float(0x10, ty, true),
            (_, false) => op(1, 2, 0x18),
            (_, true) => op(1, 2, 0x19).wide(l.evex),
        };
        self.two(o, l.bytes(ty), d, rm)
    }
    /// The element at `rm` as it lies in memory, for all lanes. Uses `RCX`.
    pub fn splat(&mut self, l: Lanes, d: u8, mem: Mem, rm: Rm) {
        if matches!(mem, Mem::B4 | Mem::B8) {
            return self.splat_to(l, d, mem.ty(), rm);
        }
        // through a general register, with zeros above
        self.small(if mem == Mem::B1 { 0xB6 } else { 0xB7 }, gp::RCX, rm);
        self.two(op(1, 1, 0x6E), 16, d, Rm::Reg(gp::RCX));
        if mem == Mem::F16 {
            self.two(op(1, 2, 0x13), 16, d, Rm::Reg(d));
        }
        if l.n > 1 {
            self.two(op(1, 2, 0x18), l.bytes(Ty::W32), d, Rm::Reg(d))
        }
    }
    /// The number in a general register, and one more in every further lane.
    pub fn indices(&mut self, l: Lanes, d: u8, ty: Ty, from: u8) {
        let (wide, size) = (ty == Ty::W64, if ty == Ty::W64 { 8 } else { 4 });
        self.two(op(1, 1, 0x6E).wide(true), 16, d, Rm::Reg(from));
        self.two(op(1, 2, if wide { 0x59 } else { 0x58 }).wide(wide && l.evex), l.bytes(ty), d, Rm::Reg(d));
        let counting = self.counting(l.n, size);
        self.three(op(1, 1, if wide { 0xD4 } else { 0xFE }).wide(wide), l.bytes(ty), d, d, counting, false)
    }
    /// `movzx` of a byte or two.
    fn small(&mut self, opcode: u8, to: u8, rm: Rm) {
        let Rm::Mem { base, index, disp } = rm else { unreachable!("small elements lie in memory") };
        debug_assert!(index.is_none() && to < 8);
        self.code.extend([0x40 | (base >> 3 & 1), 0x0F, opcode, 0x80 | to << 3 | (base & 7)]);
        if base & 7 == 4 {
            self.code.push(0x24)
        }
        self.code.extend(disp.to_le_bytes())
    }

    /// The elements of a round from memory; what the mask leaves out is zero, and is not read.
    pub fn read(&mut self, l: Lanes, d: u8, mem: Mem, rm: Rm) {
        let bytes = l.bytes(mem.ty());
        let one = l.n == 1;
        match mem {
            Mem::B4 | Mem::B8 if one => self.two(float(0x10, mem.ty(), true), 16, d, rm),
            Mem::B4 | Mem::B8 if self.cut() => {
                self.tail_mask(l, d, mem.size());
                self.vector(op(1, 2, 0x2C + (mem == Mem::B8) as u8), bytes, d, d, rm, PLAIN, None)
            }
            Mem::B4 | Mem::B8 => {
                let o = float(0x10, mem.ty(), false);
                self.vector(o, bytes, d, 0, rm, self.some(l, K1Z), None)
            }
            _ if l.evex || !one => {
                let o = op(
                    1,
                    2,
                    match mem {
                        Mem::B1 => 0x31,
                        Mem::B2 => 0x33,
                        _ => 0x13,
                    },
                );
                self.vector(o, bytes, d, 0, rm, self.some(l, K1Z), None)
            }
            _ => {
                self.zero(d);
                let o = if mem == Mem::B1 { op(1, 3, 0x20) } else { op(1, 1, 0xC4) };
                self.vector(o, 16, d, d, rm, PLAIN, Some(0));
                if mem == Mem::F16 {
                    self.two(op(1, 2, 0x13), 16, d, Rm::Reg(d))
                }
            }
        }
    }
    /// The elements of a round to memory, where the mask says. `t` is a register for something in between.
    pub fn write(&mut self, l: Lanes, s: u8, mem: Mem, rm: Rm, t: u8) {
        let bytes = l.bytes(mem.ty());
        let one = l.n == 1;
        match mem {
            Mem::B4 | Mem::B8 if one => self.two(float(0x11, mem.ty(), true), 16, s, rm),
            Mem::B4 | Mem::B8 if self.cut() => {
                self.tail_mask(l, t, mem.size());
                self.vector(op(1, 2, 0x2E + (mem == Mem::B8) as u8), bytes, s, t, rm, PLAIN, None)
            }
            Mem::B4 | Mem::B8 => {
                let o = float(0x11, mem.ty(), false);
                self.vector(o, bytes, s, 0, rm, self.some(l, K1), None)
            }
            Mem::F16 if !one || l.evex && !self.unmasked => {
                self.vector(op(1, 3, 0x1D), bytes, s, 0, rm, self.some(l, K1), Some(0))
            }
            Mem::B1 | Mem::B2 if l.evex && !(one && self.unmasked) => {
                let o = op(2, 2, if mem == Mem::B1 { 0x31 } else { 0x33 });
                self.vector(o, bytes, s, 0, rm, self.some(l, K1), None)
            }
            _ if one => {
                let mut s = s;
                if mem == Mem::F16 {
                    self.vector(op(1, 3, 0x1D), 16, s, 0, Rm::Reg(t), PLAIN, Some(0));
                    s = t
                }
                self.vector(op(1, 3, if mem == Mem::B1 { 0x14 } else { 0x15 }), 16, s, 0, rm, PLAIN, Some(0))
            }
            _ => {
                // the low bytes of each element together, half by half
                let (pattern, store) = match mem {
                    Mem::B1 => (0x0C08_0400_0C08_0400, op(1, 1, 0x7E)),
                    _ => (0x0D0C_0908_0504_0100, op(1, 1, 0xD6)),
                };
                let order = self.constant(pattern, 8, 1);
                self.two(op(1, 2, 0x59), bytes, t, order);
                self.three(op(1, 2, 0x00), bytes, t, s, Rm::Reg(t), false);
                self.two(store, 16, t, rm);
                if bytes == 32 {
                    self.vector(op(1, 3, 0x39), 32, t, 0, Rm::Reg(t), PLAIN, Some(1));
                    let Rm::Mem { base, index, disp } = rm else { unreachable!("results lie in memory") };
                    self.two(store, 16, t, Rm::Mem { base, index, disp: disp + 4 * mem.size() as i32 })
                }
            }
        }
    }

    /// Every second element from memory on, the first ones or the others, without a mask. `t` is a register for something in between.
    pub fn read_pairs(&mut self, l: Lanes, d: u8, mem: Mem, part: u8, rm: Rm, t: u8) {
        let Rm::Mem { base, index, disp } = rm else { unreachable!("elements lie in memory") };
        let bytes = l.bytes(mem.ty());
        let wide = mem == Mem::B8;
        let more = Rm::Mem { base, index, disp: disp + bytes as i32 };
        self.two(op(0, 1, 0x10), bytes, d, rm);
        // of every 16 bytes of both, those that are wanted
        match wide {
            true => self.vector(op(1, 1, 0x14 + part).wide(l.evex), bytes, d, d, more, PLAIN, None),
            false => self.vector(op(0, 1, 0xC6), bytes, d, d, more, PLAIN, Some(if part == 0 { 0x88 } else { 0xDD })),
        }
        // and those of the first before those of the second
        match bytes {
            16 => {}
            32 => self.vector(op(1, 3, 0x01).wide(true), 32, d, 0, Rm::Reg(d), PLAIN, Some(0xD8)),
            _ => {
                let order = self.halves(8, 8);
                self.two(op(0, 1, 0x10), 64, t, order);
                self.vector(op(1, 2, 0x16).wide(true), 64, d, t, Rm::Reg(d), PLAIN, None)
            }
        }
    }
    /// The elements of two registers in turns to memory, without a mask. `t` is a register for something in between.
    pub fn write_pairs(&mut self, l: Lanes, [a, b]: [u8; 2], mem: Mem, rm: Rm, t: u8) {
        let Rm::Mem { base, index, disp } = rm else { unreachable!("results lie in memory") };
        let bytes = l.bytes(mem.ty());
        // the low halves of every 16 bytes, then the high ones
        for high in 0..2 {
            self.three(float(0x14 + high, mem.ty(), false), bytes, t, a, Rm::Reg(b), false);
            for k in 0..bytes / 16 {
                let to = Rm::Mem { base, index, disp: disp + 32 * k as i32 + 16 * high as i32 };
                match k {
                    0 => self.two(op(0, 1, 0x11), 16, t, to),
                    _ => self.vector(op(1, 3, 0x19), bytes, t, 0, to, PLAIN, Some(k as u8)),
                }
            }
        }
    }

    /// One operation; `d` is no register of an operand unless [`simple`] says that it may be. `t` are registers for something in between.
    /// `ty` is the type of the result, `of` that of the operands.
    pub fn operation(&mut self, l: Lanes, i: I, ty: Ty, of: Ty, d: u8, a: u8, rm: Rm, t: [u8; 2]) {
        let bytes = l.bytes(ty);
        let wide = ty == Ty::W64;
        let one = l.n == 1;
        // Conversions between sizes go by the larger of both.
        let both = bytes.max(l.bytes(of));
        let w = |o: Op| o.wide(wide);
        let source = match rm {
            Rm::Reg(r) => r,
            _ => a,
        };
        match i {
            I::Add | I::Sub | I::Mul | I::Div | I::Min | I::Max => {
                let o = match i {
                    I::Add => 0x58,
                    I::Mul => 0x59,
                    I::Sub => 0x5C,
                    I::Min => 0x5D,
                    I::Div => 0x5E,
                    _ => 0x5F,
                };
                self.three(float(o, ty, one), bytes, d, a, rm, !one)
            }
            I::Sqrt if one => self.three(float(0x51, ty, true), 16, d, source, rm, false),
            I::Sqrt => self.two(float(0x51, ty, false), bytes, d, rm),
            I::Round(mode) => {
                let o = op(1, 3, 0x08 + wide as u8 + 2 * one as u8).wide(wide && l.evex);
                let v = if one { source } else { 0 };
                self.vector(o, bytes, d, v, rm, PLAIN, Some(8 | mode))
            }
            I::Cmp(p) => {
                let o = float(0xC2, of, one);
                let size = l.bytes(of);
                if l.evex {
                    self.vector(o, size, d, a, rm, broadcast(rm, !one), Some(p))
                } else {
                    self.vector(o, size, d, a, rm, PLAIN, Some(p))
                }
            }
            I::Down(lanes) => {
                // by halves of the register, of those, and so on: what changes places is put there in pairs
                let (o, by) = match lanes as usize * if wide { 8 } else { 4 } {
                    32 => (op(1, 3, 0x43).wide(true), 0x4E),
                    16 if l.evex => (op(1, 3, 0x43).wide(true), if bytes == 64 { 0xB1 } else { 1 }),
                    16 => (op(1, 3, 0x46), 1),
                    8 => (op(1, 1, 0x70), 0x4E),
                    _ => (op(1, 1, 0x70), 0xB1),
                };
                let both = o.op != 0x70;
                self.vector(o, bytes, d, if both { source } else { 0 }, Rm::Reg(source), PLAIN, Some(by))
            }
            I::First => {
                let o = op(1, 2, if wide { 0x59 } else { 0x58 }).wide(wide && l.evex);
                self.two(o, bytes, d, Rm::Reg(source))
            }
            I::IAdd => self.three(w(op(1, 1, if wide { 0xD4 } else { 0xFE })), bytes, d, a, rm, true),
            I::ISub => self.three(w(op(1, 1, if wide { 0xFB } else { 0xFA })), bytes, d, a, rm, true),
            I::IMul => self.three(w(op(1, 2, 0x40)), bytes, d, a, rm, true),
            I::MulHalves => self.three(w(op(1, 1, 0xF4)), bytes, d, a, rm, true),
            I::MulHigh(signed) => {
                // those of odd lanes, one down; those of even ones, whose upper halves belong there; and both together
                let o = if signed { op(1, 2, 0x28) } else { op(1, 1, 0xF4) }.wide(l.evex);
                let halves = self.constant(0xFFFF_FFFF_0000_0000, 8, 1);
                let down = op(1, 1, 0x73).wide(l.evex);
                self.vector(down, bytes, 2, t[0], Rm::Reg(a), PLAIN, Some(32));
                self.three(o, bytes, t[0], t[0], rm, false);
                self.three(o, bytes, d, a, rm, false);
                self.vector(down, bytes, 2, d, Rm::Reg(d), PLAIN, Some(32));
                match l.evex {
                    // d | t & halves
                    true => self.vector(
                        op(1, 3, 0x25).wide(true),
                        bytes,
                        d,
                        t[0],
                        halves,
                        broadcast(halves, true),
                        Some(0xF8),
                    ),
                    false => self.vector(op(1, 3, 0x02), bytes, d, d, Rm::Reg(t[0]), PLAIN, Some(0xAA)),
                }
            }
            I::And => self.three(AND.wide(wide && l.evex), bytes, d, a, rm, true),
            I::Or => self.three(OR.wide(wide && l.evex), bytes, d, a, rm, true),
            I::Xor => self.three(XOR.wide(wide && l.evex), bytes, d, a, rm, true),
            I::ShlBy(n) => self.shift_by(l, ty, 6, d, source, n),
            I::ShrBy(n) => self.shift_by(l, ty, 2, d, source, n),
            I::RolBy(n) => self.shift_by(l, ty, 1, d, source, n),
            I::SarBy(n) if wide && !l.evex => {
                // the sign above what a shift without it leaves
                self.zero(t[0]);
                self.three(op(1, 2, 0x37), bytes, t[0], t[0], Rm::Reg(source), false);
                self.shift_by(l, ty, 6, t[0], t[0], 64 - n);
                self.shift_by(l, ty, 2, d, source, n);
                self.three(OR, bytes, d, d, Rm::Reg(t[0]), false)
            }
            I::SarBy(n) => self.shift_by(l, ty, 4, d, source, n),
            I::Shl => self.three(w(op(1, 2, 0x47)), bytes, d, a, rm, true),
            I::Shr => self.three(w(op(1, 2, 0x45)), bytes, d, a, rm, true),
            I::Sar => self.three(w(op(1, 2, 0x46)), bytes, d, a, rm, true),
            I::IMin(signed) => self.three(w(op(1, 2, if signed { 0x39 } else { 0x3B })), bytes, d, a, rm, true),
            I::IMax(signed) => self.three(w(op(1, 2, if signed { 0x3D } else { 0x3F })), bytes, d, a, rm, true),
            I::IEq | I::ILt(_) => self.compare(l, i, of, d, a, rm, t),
            I::Clz => self.two(w(op(1, 2, 0x44)), bytes, d, rm),
            I::MAnd | I::MOr | I::MXor if l.evex => {
                let o = match i {
                    I::MAnd => 0x41,
                    I::MOr => 0x45,
                    _ => 0x47,
                };
                self.vex_only(op(0, 1, o), true, d, a, rm)
            }
            I::MNot if l.evex => self.vex_only(op(0, 1, 0x44), false, d, 0, rm),
            I::MAnd => self.three(AND, bytes, d, a, rm, false),
            I::MOr => self.three(OR, bytes, d, a, rm, false),
            I::MXor => self.three(XOR, bytes, d, a, rm, false),
            I::MNot => {
                self.three(op(1, 1, 0x76), bytes, t[0], t[0], Rm::Reg(t[0]), false);
                self.three(XOR, bytes, d, source, Rm::Reg(t[0]), false)
            }
            I::Wide if one => self.three(op(2, 1, 0x5A), 16, d, source, rm, false),
            I::Wide => self.two(op(0, 1, 0x5A), both, d, rm),
            I::Narrow if one => self.three(op(3, 1, 0x5A).wide(true), 16, d, source, rm, false),
            I::Narrow => self.two(op(1, 1, 0x5A).wide(true), both, d, rm),
            I::Half => {
                self.vector(op(1, 3, 0x1D), bytes, source, 0, Rm::Reg(d), PLAIN, Some(0));
                self.two(op(1, 2, 0x13), bytes, d, Rm::Reg(d))
            }
            I::ToFloat(signed) => {
                let o = match (signed, of == Ty::W64, wide) {
                    (true, false, false) => op(0, 1, 0x5B),
                    (true, true, false) => op(0, 1, 0x5B).wide(true),
                    (true, from, true) => op(2, 1, 0xE6).wide(from),
                    (false, from, false) => op(3, 1, 0x7A).wide(from),
                    (false, from, true) => op(2, 1, 0x7A).wide(from),
                };
                self.two(o, both, d, rm)
            }
            I::ToInt(signed) => {
                let from = of == Ty::W64;
                let o = match (signed, from, wide) {
                    (true, false, false) => op(2, 1, 0x5B),
                    (true, true, false) => op(1, 1, 0xE6).wide(l.evex),
                    (true, from, true) => op(1, 1, 0x7A).wide(from),
                    (false, from, false) => op(0, 1, 0x78).wide(from),
                    (false, from, true) => op(1, 1, 0x78).wide(from),
                };
                self.two(o, both, d, rm)
            }
            I::Extend(signed) => self.two(op(1, 2, if signed { 0x25 } else { 0x35 }), both, d, rm),
            I::Low if l.evex => self.vector(op(2, 2, 0x35), both, source, 0, Rm::Reg(d), PLAIN, None),
            I::Low => self.halve(l, d, source),
            I::Load(_)
            | I::Pair(..)
            | I::Splat(_)
            | I::Part(_)
            | I::One(_)
            | I::Tail
            | I::Put(_)
            | I::Over
            | I::Again
            | I::Until => {
                unreachable!("{i:?} has a way of its own")
            }
            I::Index | I::Carry | I::Const | I::Fma | I::Sel | I::Bail | I::While => {
                unreachable!("{i:?} has a way of its own")
            }
        }
    }

    /// `d = a ? b : c`. `narrow`: is that what the mask is? `t` is a register for one that is as wide as the elements.
    pub fn select(&mut self, l: Lanes, ty: Ty, d: u8, (mask, narrow): (u8, bool), b: Rm, c: u8, t: u8) {
        let (bytes, wide) = (l.bytes(ty), ty == Ty::W64);
        if l.evex {
            let m = Masked { k: mask, ..broadcast(b, true) };
            return self.vector(op(1, 2, 0x65).wide(wide), bytes, d, c, b, m, None);
        }
        let mask = match (wide, narrow) {
            (true, true) => {
                self.widen(l, t, mask);
                t
            }
            // the low half of the only element is at hand
            (false, false) if l.n > 1 => {
                self.halve(l, t, mask);
                t
            }
            _ => mask,
        };
        self.vector(op(1, 3, if wide { 0x4B } else { 0x4A }), bytes, d, c, b, PLAIN, Some(mask << 4))
    }
    /// A narrow mask becomes one of 64 bits an element.
    pub fn widen(&mut self, l: Lanes, d: u8, s: u8) {
        self.two(op(1, 2, 0x25), l.bytes(Ty::W64), d, Rm::Reg(s))
    }
    /// The low halves of elements of 64 bits, together. `d` may not be `s` unless there is one.
    fn halve(&mut self, l: Lanes, d: u8, s: u8) {
        if l.n == 1 {
            return self.copy(16, d, s);
        }
        self.vector(op(1, 3, 0x39), 32, s, 0, Rm::Reg(d), PLAIN, Some(1));
        self.vector(op(0, 1, 0xC6), 16, d, s, Rm::Reg(d), PLAIN, Some(0x88))
    }
    /// The product and sum with one rounding. 1: `d = d * rm + a`; 2: `d = a * d + rm`; 3: `d = a * rm + d`.
    pub fn fma(&mut self, l: Lanes, ty: Ty, form: u8, d: u8, a: u8, rm: Rm) {
        let one = l.n == 1;
        let o = op(1, 2, 0x98 + 0x10 * (form - 1) + one as u8).wide(ty == Ty::W64);
        self.three(o, l.bytes(ty), d, a, rm, !one)
    }
    fn shift_by(&mut self, l: Lanes, ty: Ty, what: u8, d: u8, s: u8, n: u8) {
        let wide = ty == Ty::W64;
        let o = op(1, 1, if wide && !matches!(what, 1 | 4) { 0x73 } else { 0x72 }).wide(wide && l.evex);
        self.vector(o, l.bytes(ty), what, d, Rm::Reg(s), PLAIN, Some(n))
    }
    fn compare(&mut self, l: Lanes, i: I, of: Ty, d: u8, a: u8, rm: Rm, t: [u8; 2]) {
        let (bytes, wide) = (l.bytes(of), of == Ty::W64);
        if l.evex {
            let (o, p) = match i {
                I::IEq => (0x1F, 0),
                I::ILt(true) => (0x1F, 1),
                _ => (0x1E, 1),
            };
            return self.vector(op(1, 3, o).wide(wide), bytes, d, a, rm, broadcast(rm, true), Some(p));
        }
        let greater = if wide { op(1, 2, 0x37) } else { op(1, 1, 0x66) };
        match (i, rm) {
            (I::IEq, _) => self.three(if wide { op(1, 2, 0x29) } else { op(1, 1, 0x76) }, bytes, d, a, rm, false),
            (I::ILt(true), Rm::Reg(b)) => self.three(greater, bytes, d, b, Rm::Reg(a), false),
            (_, Rm::Reg(b)) => {
                // with the sign flipped the order is that of signed numbers
                let sign = if wide { 1 << 63 } else { 1 << 31 };
                self.constant_to(l, t[0], of, sign);
                self.three(XOR, bytes, t[1], a, Rm::Reg(t[0]), false);
                self.three(XOR, bytes, t[0], b, Rm::Reg(t[0]), false);
                self.three(greater, bytes, d, t[0], Rm::Reg(t[1]), false)
            }
            _ => unreachable!("operands of orders are in registers"),
        }
    }

    /// Sets the flag `Zero` unless the mask is set in a lane that takes part, or, `of_all`, in any. Uses `RCX`, or the mask register 0.
    pub fn any(&mut self, l: Lanes, (mask, narrow): (u8, bool), of_all: bool) {
        if l.evex {
            let mut k = mask;
            if !of_all {
                self.vex_only(op(0, 1, 0x41), true, 0, mask, Rm::Reg(1));
                k = 0
            }
            return self.vex_only(op(0, 1, 0x98), false, k, 0, Rm::Reg(k));
        }
        let ty = if narrow { Ty::W32 } else { Ty::W64 };
        self.two(op(!narrow as u8, 1, 0x50), l.bytes(ty), gp::RCX, Rm::Reg(mask));
        if l.n == 1 {
            self.immediate(4, gp::RCX, 1)
        }
        self.test(gp::RCX)
    }
}

/// May the result be in the register of an operand that nobody reads again? The others write it before they have read all.
pub fn simple(l: Lanes, i: I) -> bool {
    match i {
        I::Half => true,
        I::SarBy(_) | I::MNot | I::IEq | I::ILt(_) | I::Cmp(_) | I::Low => l.evex,
        _ => true,
    }
}
/// How many registers it wants for something in between.
pub fn temps(l: Lanes, i: I, ty: Ty) -> usize {
    match i {
        I::MulHigh(_) => 1,
        _ if l.evex => 0,
        I::SarBy(_) if ty == Ty::W64 => 1,
        I::MNot | I::Sel => 1,
        I::ILt(false) => 2,
        _ => 0,
    }
}
/// What lies in memory, as the last operand of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Far {
    /// A constant, as often as there are lanes.
    Constant,
    /// One element for all lanes.
    Splat,
    /// A register's worth.
    Whole,
}
/// May the last operand lie in memory so?
pub fn from_memory(l: Lanes, i: I, far: Far) -> bool {
    let arithmetic = matches!(i, I::Add | I::Sub | I::Mul | I::Div | I::Min | I::Max | I::Fma | I::Cmp(_));
    let bits = matches!(
        i,
        I::IAdd | I::ISub | I::IMul | I::And | I::Or | I::Xor | I::IMin(_) | I::IMax(_) | I::IEq | I::ILt(_) | I::Sel
    );
    let shifts = matches!(i, I::Shl | I::Shr | I::Sar);
    match far {
        // only single floats are read as such
        Far::Splat if !l.evex => arithmetic && l.n == 1,
        _ => arithmetic || (bits || shifts) && (l.evex || !matches!(i, I::ILt(_))),
    }
}
/// Are the first two operands interchangeable?
pub fn commutes(i: I) -> bool {
    matches!(
        i,
        I::Add
            | I::Mul
            | I::IAdd
            | I::IMul
            | I::MulHalves
            | I::And
            | I::Or
            | I::Xor
            | I::IEq
            | I::MAnd
            | I::MOr
            | I::MXor
            | I::Fma
    )
}
