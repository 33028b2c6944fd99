//! Encoding of x86-64 instructions: the vector instructions in VEX and EVEX form, and the few others that loops are made of.
//!
//! An instruction is a row of a table ([`Op`]): its prefix, opcode map, opcode and width bit, as the manual gives them (Intel 64 and IA-32
//! Architectures Software Developer's Manual, volume 2). Constants lie behind the code and are addressed relative to the instruction.

use std::collections::HashMap;

/// A row of the table of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Mandatory prefix: none, 66, F3, F2.
    pub pp: u8,
    /// Opcode map: 0F, 0F38, 0F3A.
    pub map: u8,
    /// Opcode.
    pub op: u8,
    /// The width bit.
    pub w: bool,
}
/// An instruction without the width bit, and with.
pub const fn op(pp: u8, map: u8, op: u8) -> Op {
    Op { pp, map, op, w: false }
}
impl Op {
    /// With the width bit.
    pub const fn wide(self, w: bool) -> Op {
        Op { w, ..self }
    }
}

/// The last operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A vector register (or a mask register or general register, where the instruction says so).
    Reg(u8),
    /// Memory at `base + index * scale + disp`.
    Mem { base: u8, index: Option<(u8, u8)>, disp: i32 },
    /// The constant at this offset of the pool.
    Pool(u32),
    /// All of what lies at this place of the frame.
    Frame(i32),
}
impl Rm {
    /// The high bits of its registers' numbers, which a prefix has.
    fn high(self) -> (u8, u8) {
        match self {
            Rm::Reg(r) => (r >> 4 & 1, r >> 3 & 1),
            Rm::Mem { base, index, .. } => (index.map_or(0, |i| i.0 >> 3 & 1), base >> 3 & 1),
            Rm::Pool(_) | Rm::Frame(_) => (0, 0),
        }
    }
}

/// General registers by number.
pub mod gp {
    pub const RAX: u8 = 0;
    pub const RCX: u8 = 1;
    pub const RDX: u8 = 2;
    pub const RBX: u8 = 3;
    pub const RSP: u8 = 4;
    pub const RBP: u8 = 5;
    pub const RSI: u8 = 6;
    pub const RDI: u8 = 7;
}

/// How the result of an EVEX instruction is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The mask register; 0: none.
    pub k: u8,
    /// Zero where the mask is not set?
    pub zero: bool,
    /// Is the memory operand one element for all lanes?
    pub broadcast: bool,
}

/// A place to jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// The elements of something in the pool behind the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Pooled {
    /// All of them the low bytes of this.
    Constant { bits: u64 },
    /// 0, 1, ..
    Counting,
    /// 0, 2, .., then 1, 3, ..
    Halves,
    /// All ones in the first, zeros in the others.
    Ones { ones: usize },
}

/// Instructions in the making.
#[derive(Default)]
pub struct Asm {
    pub code: Vec<u8>,
    /// Is the EVEX form used for vectors?
    pub evex: bool,
    /// Is everything there that is read and written?
    pub unmasked: bool,
    /// Lanes that are there where not all are, without mask registers; 0 if there always are all.
    pub tail: usize,
    pool: Vec<u8>,
    /// By what it is, the bytes of an element, and how many there are.
    known: HashMap<(Pooled, usize, usize), u32>,
    /// Where the displacement of a constant stands, the bytes of the instruction behind it, and the offset in the pool.
    constants: Vec<(usize, u32)>,
    labels: Vec<Option<usize>>,
    jumps: Vec<(usize, usize)>,
}

/// Conditions of jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum If {
    Below = 2,
    AboveEqual = 3,
    Zero = 4,
    NotZero = 5,
}

impl Asm {
    pub fn new(evex: bool) -> Asm {
        Asm { evex, ..Asm::default() }
    }

    /// The constant with these low bytes, `n` times.
    pub fn constant(&mut self, bits: u64, size: usize, n: usize) -> Rm {
        self.pooled(Pooled::Constant { bits }, size, n)
    }
    /// The numbers 0, 1, .. of so many bytes each, one for every lane.
    pub fn counting(&mut self, n: usize, size: usize) -> Rm {
        self.pooled(Pooled::Counting, size, n)
    }
    /// The even ones of so many numbers, then the odd ones.
    pub fn halves(&mut self, n: usize, size: usize) -> Rm {
        self.pooled(Pooled::Halves, size, n)
    }
    /// All ones in so many of `n` lanes, and zeros in the others.
    pub fn ones(&mut self, n: usize, ones: usize, size: usize) -> Rm {
        self.pooled(Pooled::Ones { ones }, size, n)
    }
    /// So many elements of so many bytes in the pool, each of which is there once.
    fn pooled(&mut self, what: Pooled, size: usize, n: usize) -> Rm {
        let pool = &mut self.pool;
        Rm::Pool(*self.known.entry((what, size, n)).or_insert_with(|| {
            // none crosses a line of the cache
            pool.resize(pool.len().next_multiple_of(size * n), 0);
            let at = pool.len();
            for k in 0..n {
                let element = match what {
                    Pooled::Constant { bits } => bits,
                    Pooled::Counting => k as u64,
                    Pooled::Halves => (2 * k % n + 2 * k / n) as u64,
                    Pooled::Ones { ones } => {
                        if k < ones {
                            u64::MAX
                        } else {
                            0
                        }
                    }
                };
                pool.extend_from_slice(&element.to_le_bytes()[..size])
            }
            at as u32
        }))
    }
    /// The register and memory bytes; `tail` bytes of the instruction follow.
    fn modrm(&mut self, reg: u8, rm: Rm, tail: usize) {
        let r = (reg & 7) << 3;
        match rm {
            Rm::Reg(x) => self.code.push(0xC0 | r | (x & 7)),
            Rm::Mem { base, index: None, disp } => {
                let short = disp == 0 && base & 7 != 5;
                self.code.push(if short { 0 } else { 0x80 } | r | (base & 7));
                if base & 7 == 4 {
                    self.code.push(0x24)
                }
                if !short {
                    self.code.extend(disp.to_le_bytes())
                }
            }
            Rm::Mem { base, index: Some((index, scale)), disp } => {
                let short = disp == 0 && base & 7 != 5;
                self.code.push(if short { 0 } else { 0x80 } | r | 4);
                self.code.push((scale.trailing_zeros() as u8) << 6 | (index & 7) << 3 | (base & 7));
                if !short {
                    self.code.extend(disp.to_le_bytes())
                }
            }
            Rm::Frame(disp) => self.modrm(reg, Rm::Mem { base: gp::RSP, index: None, disp }, tail),
            Rm::Pool(at) => {
                self.code.push(r | 5);
                self.constants.push((self.code.len(), at));
                // the distance counts from the end of the instruction
                self.code.extend((tail as i32).to_le_bytes());
            }
        }
    }

    /// A vector instruction. `bytes`: of its vectors, at least 16. `v`: the register of the second operand, 0 if there is none.
    pub fn vector(&mut self, o: Op, bytes: usize, reg: u8, v: u8, rm: Rm, m: Masked, imm: Option<u8>) {
        let length = match bytes {
            64 => 2,
            32 => 1,
            _ => 0u8,
        };
        let (x, b) = rm.high();
        let not = |bit: u8| (bit ^ 1) & 1;
        if self.evex {
            self.code.extend([
                0x62,
                not(reg >> 3) << 7 | not(x) << 6 | not(b) << 5 | not(reg >> 4) << 4 | o.map,
                (o.w as u8) << 7 | (!v & 15) << 3 | 4 | o.pp,
                (m.zero as u8) << 7 | length << 5 | (m.broadcast as u8) << 4 | not(v >> 4) << 3 | m.k,
            ]);
        } else {
            debug_assert!(m == Masked::default() && reg < 16 && v < 16 && length < 2, "{o:?} has no VEX form");
            self.vex(o, length, reg, v, x, b)
        }
        self.code.push(o.op);
        self.modrm(reg, rm, imm.is_some() as usize);
        self.code.extend(imm);
    }
    fn vex(&mut self, o: Op, length: u8, reg: u8, v: u8, x: u8, b: u8) {
        let not = |bit: u8| (bit ^ 1) & 1;
        self.code.extend([
            0xC4,
            not(reg >> 3) << 7 | not(x) << 6 | not(b) << 5 | o.map,
            (o.w as u8) << 7 | (!v & 15) << 3 | length << 2 | o.pp,
        ])
    }
    /// An instruction that has only the VEX form: those of mask registers and of general registers. `long`: the length bit.
    pub fn vex_only(&mut self, o: Op, long: bool, reg: u8, v: u8, rm: Rm) {
        let (x, b) = rm.high();
        self.vex(o, long as u8, reg, v, x, b);
        self.code.push(o.op);
        self.modrm(reg, rm, 0);
    }

    /// A general instruction of one opcode byte, 64 bits wide.
    fn general(&mut self, opcode: u8, reg: u8, rm: Rm) {
        let (x, b) = rm.high();
        self.code.extend([0x48 | (reg >> 3 & 1) << 2 | x << 1 | b, opcode]);
        self.modrm(reg, rm, 0);
    }
    /// `to = [base + disp]`.
    pub fn load(&mut self, to: u8, base: u8, disp: i32) {
        self.general(0x8B, to, Rm::Mem { base, index: None, disp })
    }
    /// `to = from`.
    pub fn mov(&mut self, to: u8, from: u8) {
        self.general(0x8B, to, Rm::Reg(from))
    }
    /// `to = base + disp`.
    pub fn lea(&mut self, to: u8, base: u8, disp: i32) {
        self.general(0x8D, to, Rm::Mem { base, index: None, disp })
    }
    /// `to = a + b`.
    pub fn sum(&mut self, to: u8, a: u8, b: u8) {
        self.address(to, a, b, 1)
    }
    /// `to = a + b * scale`.
    pub fn address(&mut self, to: u8, a: u8, b: u8, scale: u8) {
        self.general(0x8D, to, Rm::Mem { base: a, index: Some((b, scale)), disp: 0 })
    }
    /// `to -= by`.
    pub fn sub(&mut self, to: u8, by: u8) {
        self.general(0x2B, to, Rm::Reg(by))
    }
    /// `to = -to`.
    pub fn neg(&mut self, to: u8) {
        self.general(0xF7, 3, Rm::Reg(to))
    }
    /// `to = from * number`.
    pub fn times(&mut self, to: u8, from: u8, number: i32) {
        self.general(0x69, to, Rm::Reg(from));
        self.code.extend(number.to_le_bytes())
    }
    /// Compares two registers.
    pub fn cmp(&mut self, a: u8, b: u8) {
        self.general(0x3B, a, Rm::Reg(b))
    }
    /// `reg op= number`: 0 add, 4 and, 5 sub, 7 compare.
    pub fn immediate(&mut self, what: u8, reg: u8, number: i32) {
        self.general(0x81, what, Rm::Reg(reg));
        self.code.extend(number.to_le_bytes())
    }
    /// The low half of a register becomes this number, the high half zero.
    pub fn set(&mut self, reg: u8, number: u32) {
        if reg >= 8 {
            self.code.push(0x41)
        }
        self.code.push(0xB8 | reg & 7);
        self.code.extend(number.to_le_bytes())
    }
    /// Compares the low half of a register with itself, for zero.
    pub fn test(&mut self, reg: u8) {
        self.general(0x85, reg, Rm::Reg(reg))
    }
    pub fn push(&mut self, reg: u8) {
        if reg >= 8 {
            self.code.push(0x41)
        }
        self.code.push(0x50 | reg & 7)
    }
    pub fn pop(&mut self, reg: u8) {
        if reg >= 8 {
            self.code.push(0x41)
        }
        self.code.push(0x58 | reg & 7)
    }
    pub fn ret(&mut self) {
        // vzeroupper; ret
        self.code.extend([0xC5, 0xF8, 0x77, 0xC3])
    }

    /// A label that is put somewhere later.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }
    /// Puts it here.
    pub fn here(&mut self, l: Label) {
        self.labels[l.0] = Some(self.code.len())
    }
    pub fn jump(&mut self, l: Label) {
        self.code.push(0xE9);
        self.to(l)
    }
    pub fn jump_if(&mut self, c: If, l: Label) {
        self.code.extend([0x0F, 0x80 | c as u8]);
        self.to(l)
    }
    fn to(&mut self, l: Label) {
        self.jumps.push((self.code.len(), l.0));
        self.code.extend([0; 4])
    }
    /// Fills up to a multiple of 32 bytes, where loops begin.
    pub fn align(&mut self) {
        // the long forms of an instruction that does nothing
        const NOP: [&[u8]; 8] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0F, 0x1F, 0x00],
            &[0x0F, 0x1F, 0x40, 0],
            &[0x0F, 0x1F, 0x44, 0, 0],
            &[0x66, 0x0F, 0x1F, 0x44, 0, 0],
            &[0x0F, 0x1F, 0x80, 0, 0, 0, 0],
            &[0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0],
        ];
        let mut n = self.code.len().next_multiple_of(32) - self.code.len();
        while n > 0 {
            let m = n.min(8);
            self.code.extend(NOP[m - 1]);
            n -= m
        }
    }

    /// The machine code with its constants behind it, the length of the instructions, and where each constant lies, with its bits and bytes.
    pub fn finish(mut self) -> (Vec<u8>, usize, Vec<(u32, u64, usize)>) {
        let text = self.code.len();
        for (at, l) in std::mem::take(&mut self.jumps) {
            let to = self.labels[l].expect("every label is put somewhere") as i32;
            self.code[at..at + 4].copy_from_slice(&(to - at as i32 - 4).to_le_bytes())
        }
        while !self.code.len().is_multiple_of(64) {
            self.code.push(0xCC)
        }
        let pool = self.code.len();
        self.code.append(&mut self.pool);
        for (at, offset) in std::mem::take(&mut self.constants) {
            let tail = i32::from_le_bytes(*self.code[at..].first_chunk().expect("four bytes"));
            let distance = (pool + offset as usize) as i32 - (at as i32 + 4 + tail);
            self.code[at..at + 4].copy_from_slice(&distance.to_le_bytes())
        }
        let plain = |(known, at): (&(Pooled, usize, usize), &u32)| match *known {
            (Pooled::Constant { bits }, size, _) => Some((pool as u32 + at, bits, size)),
            _ => None,
        };
        let mut constants: Vec<_> = self.known.iter().filter_map(plain).collect();
        constants.sort_unstable();
        (self.code, text, constants)
    }
}
