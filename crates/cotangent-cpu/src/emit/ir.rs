//! What the emitter makes machine code of: straight-line programs over lanes, in single assignment.
//!
//! A value is a vector with one element for each lane, of 32 or 64 bits, or a mask. There is nothing but what a processor does with one or two
//! instructions: whatever has a meaning of its own (a saturating conversion, a sine) is spelled out by [`translate`](super::translate).

use super::divide::Words;
use super::level;
use crate::isa::Isa;
use std::cell::RefCell;
use std::collections::HashMap;

/// What a lane of a value is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ty {
    /// True or false.
    Mask,
    /// 32 bits: a float, an integer, or a smaller one extended with zeros.
    W32,
    /// 64 bits.
    W64,
}

/// Elements as they lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mem {
    /// A byte, extended with zeros to 32 bits.
    B1,
    /// Two bytes, extended with zeros to 32 bits.
    B2,
    /// Half precision, as a 32-bit float.
    F16,
    /// Four bytes.
    B4,
    /// Eight bytes.
    B8,
}
impl Mem {
    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            Mem::B1 => 1,
            Mem::B2 | Mem::F16 => 2,
            Mem::B4 => 4,
            Mem::B8 => 8,
        }
    }
    /// What it is in a register.
    pub fn ty(self) -> Ty {
        if self == Mem::B8 { Ty::W64 } else { Ty::W32 }
    }
}

/// An operation. Floats and integers are told apart by the operation, their size by the type of the operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(clippy::enum_variant_names)] // the `I` in front of some says that they are for integers
pub enum I {
    /// The element of the array at entry `a` of the pointer table that belongs to the lane, `b` bytes further on.
    Load(Mem),
    /// The element at entry `a`, `b` bytes further on, for all lanes.
    Splat(Mem),
    /// In a map: there, every second element, the first ones or the others. All of both are there.
    Pair(Mem, u8),
    /// In a loop over rows, where [`I::Load`] reads elements for all lanes: for those of the tail, and zero in the others.
    Part(Mem),
    /// There: one element of the row, for all lanes.
    One(Mem),
    /// Is a lane one of the tail's?
    Tail,
    /// The index of the lane's element, and the number that stands at entry `a` more.
    Index,
    /// What goes from turn to turn: number `a`.
    Carry,
    /// What a loop within a row carried, number `a`, when loop `b` is over.
    Over,
    /// The bits `a` (low half) and `b`.
    Const,

    Add,
    Sub,
    Mul,
    Div,
    /// The instruction's own: the second operand if either is NaN or both are zero.
    Min,
    Max,
    Sqrt,
    /// `a * b + c`, rounded once.
    Fma,
    /// To an integer; 0: nearest even, 1: down, 2: up, 3: towards zero.
    Round(u8),
    /// A comparison of floats; the instruction's predicate. 0: equal, 1: less, 2: less or equal, 4: not equal or unordered, 3: unordered, 8: equal or unordered.
    Cmp(u8),

    IAdd,
    ISub,
    IMul,
    /// The product of the low halves of 64 bits, without signs.
    MulHalves,
    /// The upper 32 bits of the product of 32-bit integers, signed or not; the second is the same in all lanes.
    MulHigh(bool),
    And,
    Or,
    Xor,
    /// Shifts by a constant: left, right, right with the sign.
    ShlBy(u8),
    ShrBy(u8),
    SarBy(u8),
    /// A rotation to the left by a constant; with AVX-512 only.
    RolBy(u8),
    /// Shifts by as many bits as the second operand says; beyond the width nothing (or the sign) is left.
    Shl,
    Shr,
    Sar,
    /// Signed or not.
    IMin(bool),
    IMax(bool),
    IEq,
    /// Less: signed or not.
    ILt(bool),
    /// Leading zeros.
    Clz,

    MAnd,
    MOr,
    MXor,
    MNot,
    /// `a ? b : c`.
    Sel,

    /// Between floats of both sizes.
    Wide,
    Narrow,
    /// Rounds a 32-bit float to half precision, and is a 32-bit float again.
    Half,
    /// An integer (signed or not) as a float of the result's size.
    ToFloat(bool),
    /// A float, which fits, as an integer (signed or not) of the result's size, towards zero.
    ToInt(bool),
    /// 32 bits to 64, with the sign or with zeros; 64 to 32.
    Extend(bool),
    Low,

    /// Leaves the loop before anything of this round is stored, if `a` is true in any lane.
    Bail,
    /// Leaves the loop before anything of this round is stored, unless `a` is true.
    While,

    /// Lane `i` gets what is in the lane so many further on; the last ones get anything.
    Down(u8),
    /// All lanes get what is in the first.
    First,
    /// In a loop over rows: writes `a` where store number `b` says.
    Put(Span),
    /// In a loop over rows: what comes up to the end of loop `a` is done again and again. [`I::Load`], [`I::Put`] go on by the elements of a turn each time. What a turn has made
    /// nobody reads later, but for what it carries.
    Again,
    /// The end of loop `a`.
    Until,
}
/// Which lanes are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Span {
    /// All.
    Whole,
    /// Those of the tail.
    Tail,
    /// The first.
    One,
}

/// An instruction; operands are numbers of earlier ones.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inst {
    pub i: I,
    pub ty: Ty,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}
impl Inst {
    /// The operands.
    pub fn operands(&self) -> ([u32; 3], usize) {
        let n = match self.i {
            I::Load(_)
            | I::Pair(..)
            | I::Splat(_)
            | I::Part(_)
            | I::One(_)
            | I::Tail
            | I::Index
            | I::Carry
            | I::Const => 0,
            I::Over | I::Again | I::Until => 0,
            I::Sqrt | I::Round(_) | I::ShlBy(_) | I::ShrBy(_) | I::SarBy(_) | I::RolBy(_) => 1,
            I::Clz | I::MNot => 1,
            I::Wide | I::Narrow | I::Half | I::ToFloat(_) | I::ToInt(_) | I::Extend(_) | I::Low => 1,
            I::Bail | I::While | I::Down(_) | I::First | I::Put(_) => 1,
            I::Fma | I::Sel => 3,
            _ => 2,
        };
        ([self.a, self.b, self.c], n)
    }
    /// The bits, if it is a constant.
    pub fn known(self) -> Option<u64> {
        (self.i == I::Const).then_some(self.a as u64 | (self.b as u64) << 32)
    }
    /// Does it do something, whoever reads it?
    pub fn acts(&self) -> bool {
        matches!(self.i, I::Bail | I::While | I::Put(_) | I::Again | I::Until)
    }
}

/// A result that is written to the array at an entry of the pointer table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Store {
    pub entry: u32,
    /// Bytes behind the element.
    pub at: u32,
    pub mem: Mem,
    pub val: u32,
    /// What stands behind each element of `val`: the imaginary part of a complex number.
    pub beside: Option<u32>,
}
impl Store {
    /// What is written.
    pub fn vals(&self) -> impl Iterator<Item = u32> {
        std::iter::once(self.val).chain(self.beside)
    }
}

/// What lies in a word that goes from turn to turn: bytes from `at` on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Carried {
    pub at: u32,
    pub mem: Mem,
    /// The value for the next turn.
    pub next: u32,
}

/// A loop within a row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Again {
    /// How often.
    pub turns: u32,
    /// Elements of a turn.
    pub step: u32,
    /// What it carries: the constant that comes first, and the value for the next turn.
    pub carries: Vec<(u32, u32)>,
}

/// A program for the lanes of one round.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ir {
    pub insts: Vec<Inst>,
    pub stores: Vec<Store>,
    pub carries: Vec<Carried>,
    /// In a loop over rows: the loops within a row.
    pub loops: Vec<Again>,
    /// Entries of the pointer table whose elements (or rows) are so many bytes apart; the elements of others are beside each other (and there is one row of
    /// them).
    pub strides: Vec<(u32, u32)>,
    /// In a loop over rows: how many lanes the tail has.
    pub tail: u8,
    /// In a loop over rows and their elements: the elements of a round.
    pub round: u8,
}
impl Ir {
    /// Has any element that is asked for 64 bits?
    pub fn has_wide(&self) -> bool {
        let mut live = vec![false; self.insts.len()];
        let next = self.loops.iter().flat_map(|l| &l.carries).flat_map(|(start, next)| [*start, *next]);
        let results = self.stores.iter().flat_map(Store::vals).chain(self.carries.iter().map(|c| c.next));
        results.chain(next).for_each(|v| live[v as usize] = true);
        for (p, i) in self.insts.iter().enumerate().rev() {
            if live[p] || i.acts() {
                if i.ty == Ty::W64 {
                    return true;
                }
                let (ops, n) = i.operands();
                ops[..n].iter().for_each(|v| live[*v as usize] = true)
            }
        }
        false
    }
}

/// A program in the making. What is there already is not made again, and what the level lacks becomes what it has.
pub struct Build {
    made: RefCell<Building>,
    /// For AVX-512, or for AVX2?
    evex: bool,
}
#[derive(Default)]
struct Building {
    insts: Vec<Inst>,
    known: HashMap<Inst, u32, std::hash::BuildHasherDefault<Quick>>,
}
impl Build {
    /// An empty one for a level.
    pub fn new(isa: Isa) -> Build {
        Build { made: RefCell::default(), evex: isa == Isa::Avx512 }
    }
    /// Appends an instruction, or finds it; one that the level lacks becomes several ([`level`]).
    pub fn push(&self, i: I, ty: Ty, a: u32, b: u32, c: u32) -> u32 {
        if !self.evex && level::lacks(i, ty, || self.inst(a).ty) {
            return Words { build: self, ty }.instead(i, a, b);
        }
        let inst = match self.simpler(Inst { i, ty, a, b, c }) {
            Ok(inst) => inst,
            Err(there) => return there,
        };
        let b_ = &mut *self.made.borrow_mut();
        *b_.known.entry(inst).or_insert_with(|| {
            b_.insts.push(inst);
            b_.insts.len() as u32 - 1
        })
    }
    /// The same on bits with less: shifts and rotations by constants as such, and what a zero does not change (`Err`).
    fn simpler(&self, inst: Inst) -> Result<Inst, u32> {
        let constant = |bits: u32| Err(self.constant(Ty::W32, bits as u64));
        match (inst.i, inst.ty) {
            // small integers are extended so: constants among them stay constants
            (I::ShlBy(n), Ty::W32) => return self.known(inst.a).map_or(Ok(inst), |x| constant((x << n) as u32)),
            (I::SarBy(n), Ty::W32) => return self.known(inst.a).map_or(Ok(inst), |x| constant((x as i32 >> n) as u32)),
            (I::MAnd | I::MOr | I::MXor | I::MNot | I::Sel, _) => return self.choice(inst),
            // the constant behind, where it may lie in memory
            (I::Cmp(p), _) if self.known(inst.a).is_some() && self.known(inst.b).is_none() => {
                return Ok(Inst { i: I::Cmp(turned(p)), a: inst.b, b: inst.a, ..inst });
            }
            (I::Low, _) => {
                let x = self.inst(inst.a);
                return match x.i {
                    I::Const => constant(x.a),
                    I::Extend(_) => Err(x.a),
                    // the low half comes first
                    I::Splat(Mem::B8) => Ok(Inst { i: I::Splat(Mem::B4), ty: Ty::W32, ..x }),
                    _ => Ok(inst),
                };
            }
            _ => (),
        }
        if !matches!(inst.i, I::IAdd | I::Or | I::Xor | I::Shl | I::Shr | I::Sar) {
            return Ok(inst);
        }
        let bits = if inst.ty == Ty::W64 { 64 } else { 32 };
        let [x, y] = [inst.a, inst.b].map(|v| self.inst(v));
        let known = Inst::known;
        let by = |i: I| Ok(Inst { i, b: 0, ..inst });
        match (inst.i, x.i, y.i) {
            (I::Sar, ..) if bits == 64 && !self.evex => Ok(inst),
            (I::Shl, ..) if known(y).is_some_and(|n| n < bits) => by(I::ShlBy(y.a as u8)),
            (I::Shr, ..) if known(y).is_some_and(|n| n < bits) => by(I::ShrBy(y.a as u8)),
            (I::Sar, ..) if known(y).is_some_and(|n| n < bits) => by(I::SarBy(y.a as u8)),
            (I::Shl | I::Shr | I::Sar, ..) => Ok(inst),
            _ if known(y) == Some(0) => Err(inst.a),
            _ if known(x) == Some(0) => Err(inst.b),
            (_, I::ShlBy(l), I::ShrBy(r)) | (_, I::ShrBy(r), I::ShlBy(l))
                if self.evex && l as u64 + r as u64 == bits && x.a == y.a && l > 0 && r > 0 =>
            {
                Ok(Inst { i: I::RolBy(l), a: x.a, b: 0, ..inst })
            }
            _ => Ok(inst),
        }
    }
    /// The same of masks, and choices by them.
    fn choice(&self, inst: Inst) -> Result<Inst, u32> {
        let Inst { i, a, b, c, .. } = inst;
        let x = self.inst(a);
        match i {
            I::MNot if x.i == I::MNot => Err(x.a),
            I::MNot => match x.i {
                // the same predicate, the other way round
                I::Cmp(p) => Err(self.push(I::Cmp(p ^ 4), inst.ty, x.a, x.b, 0)),
                _ => Ok(inst),
            },
            I::Sel => match self.truth(a) {
                Some(yes) => Err(if yes { b } else { c }),
                None if x.i == I::MNot => Err(self.push(i, inst.ty, x.a, c, b)),
                None => Ok(inst),
            },
            _ => {
                let (known, other) = match (self.truth(a), self.truth(b)) {
                    (Some(t), _) => (t, b),
                    (_, Some(t)) => (t, a),
                    _ => return Ok(inst),
                };
                match (i, known) {
                    (I::MAnd, true) | (I::MOr | I::MXor, false) => Err(other),
                    (I::MXor, true) => Err(self.un(I::MNot, inst.ty, other)),
                    // what is known is the other one, whichever of the two
                    _ => Err(if other == a { b } else { a }),
                }
            }
        }
    }
    /// Is a mask the same for all lanes, whatever they have?
    fn truth(&self, m: u32) -> Option<bool> {
        let x = self.inst(m);
        match x.i {
            I::MNot => self.truth(x.a).map(|t| !t),
            I::IEq => Some(self.known(x.a)? == self.known(x.b)?),
            I::ILt(signed) => {
                let (p, q) = (self.known(x.a)?, self.known(x.b)?);
                let wide = self.inst(x.a).ty == Ty::W64;
                Some(match (signed, wide) {
                    (true, true) => (p as i64) < q as i64,
                    (true, false) => (p as i32) < q as i32,
                    (false, _) => p < q,
                })
            }
            _ => None,
        }
    }
    /// How many instructions there are.
    pub fn len(&self) -> u32 {
        self.made.borrow().insts.len() as u32
    }
    /// The bits of a constant.
    pub fn known(&self, v: u32) -> Option<u64> {
        self.inst(v).known()
    }
    /// An instruction that is there.
    pub fn inst(&self, v: u32) -> Inst {
        self.made.borrow().insts[v as usize]
    }
    /// From here on things are made anew, but for what is always the same.
    pub fn forget(&self) {
        self.made.borrow_mut().known.retain(|i, _| matches!(i.i, I::Const | I::Splat(_)))
    }
    /// A constant.
    pub fn constant(&self, ty: Ty, bits: u64) -> u32 {
        self.push(I::Const, ty, bits as u32, (bits >> 32) as u32, 0)
    }
    /// One operand.
    pub fn un(&self, i: I, ty: Ty, a: u32) -> u32 {
        self.push(i, ty, a, 0, 0)
    }
    /// Two operands.
    pub fn bin(&self, i: I, ty: Ty, a: u32, b: u32) -> u32 {
        self.push(i, ty, a, b, 0)
    }
    /// `m ? a : b`.
    pub fn sel(&self, m: u32, ty: Ty, a: u32, b: u32) -> u32 {
        self.push(I::Sel, ty, m, a, b)
    }
    /// What was built.
    pub fn finish(self) -> Vec<Inst> {
        self.made.into_inner().insts
    }
}

/// The predicate that says the same of two operands the other way round.
fn turned(p: u8) -> u8 {
    match p {
        1 => 14,
        2 => 13,
        5 => 10,
        6 => 9,
        9 => 6,
        10 => 5,
        13 => 2,
        14 => 1,
        same => same,
    }
}

/// A hash of a few words: a multiplication each.
#[derive(Default)]
pub struct Quick(u64);
impl std::hash::Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(*b as u64)
        }
    }
    fn write_u8(&mut self, x: u8) {
        self.write_u64(x as u64)
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(x as u64)
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64)
    }
    fn write_isize(&mut self, x: isize) {
        self.write_u64(x as u64)
    }
}
