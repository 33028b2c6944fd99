//! From calls on columns to instructions on lanes: what every operation means, spelled out.
//!
//! The columns of the block interpreter know how many bytes an element has, and each call knows what it takes them for. So a column may be
//! wanted in several forms: as bits extended with zeros, as a mask, with its sign, as a half number widened. Each is made when it is wanted first.
//!
//! What has no place here (`None`) stays with the interpreter: complex numbers as words of a loop, bits of half precision that were just computed, numbers beside numbers of 128 bits.

use super::divide::Words;
use super::ir::{Build, I, Mem, Store, Ty};
use super::lanes::Val;
use crate::exec::what::What;
use crate::isa::Isa;
use crate::{Dt, M, Op, math};

/// Where a column comes from that is not computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// These bits in every lane.
    Const(u64),
    /// The array at this entry of the pointer table, an element for each lane, which lies so many bytes behind.
    Stream(u32, u32),
    /// There, the first or the second of two elements for each lane.
    Pair(u32, u8),
    /// The element so many bytes behind the pointer at this entry.
    Splat(u32, u32),
    /// The index of the element, plus the number at this entry; below 2^31 in all.
    Index(u32),
    /// A word that goes from turn to turn, from this byte on.
    Carry(u32),
    /// In a loop over rows, as a stream: of the lanes of the tail.
    Part(u32, u32),
    /// There: one element of a row.
    One(u32, u32),
}

/// A column in single assignment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// Bytes of an element.
    pub size: usize,
    /// What computes it from earlier ones; otherwise it is read.
    pub call: Option<(What, [u32; 3])>,
}

/// The forms of a column that are there already.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Forms {
    source: Option<Source>,
    /// The bits, extended with zeros.
    raw: Option<u32>,
    /// Of a bool.
    mask: Option<u32>,
    /// The bits of an integer of less than 32, extended with the sign.
    signed: Option<u32>,
    /// Of half precision: the same number as `f32`.
    wide: Option<(Dt, u32)>,
    /// Of a complex result: its parts.
    parts: Option<(u32, u32)>,
}

/// Columns as values of a program.
pub struct Translate {
    pub build: Build,
    forms: Vec<Forms>,
    sizes: Vec<usize>,
    /// Bytes and memory of the carried words that are read, in order of their numbers.
    pub carries: Vec<(u32, Mem)>,
    /// Of each call that was translated: the number of instructions before it, and what it is.
    pub calls: Vec<(u32, What)>,
}

/// Words and instructions of this size.
fn word(size: usize) -> Ty {
    if size == 8 { Ty::W64 } else { Ty::W32 }
}

impl From<Source> for Forms {
    /// What is read from there.
    fn from(source: Source) -> Forms {
        Forms { source: Some(source), ..Forms::default() }
    }
}
impl Forms {
    /// A value of the program, as its bits.
    pub fn of(raw: u32) -> Forms {
        Forms { raw: Some(raw), ..Forms::default() }
    }
}

impl Translate {
    /// Nothing yet, for a level.
    pub fn new(isa: Isa) -> Translate {
        Translate { build: Build::new(isa), forms: vec![], sizes: vec![], carries: vec![], calls: vec![] }
    }
    /// Appends what these columns are, the live ones; `forms` says what those are that nothing computes. Their numbers take the place of earlier ones'.
    pub fn program(
        &mut self,
        lines: &[Line],
        live: impl Fn(usize) -> bool,
        forms: impl Fn(usize) -> Option<Forms>,
    ) -> Option<()> {
        self.forms = vec![Forms::default(); lines.len()];
        self.sizes = lines.iter().map(|l| l.size).collect();
        for (i, line) in lines.iter().enumerate().filter(|(i, _)| live(*i)) {
            self.forms[i] = match line.call {
                None => forms(i)?,
                Some((what, args)) => {
                    self.calls.push((self.build.len(), what));
                    self.call(what, args, line.size)?
                }
            }
        }
        Some(())
    }

    /// The forms of a column.
    pub fn form(&self, line: u32) -> Forms {
        self.forms[line as usize]
    }
    /// The columns from now on: these, of elements of so many bytes.
    pub fn columns(&mut self, forms: &[Forms], size: usize) {
        self.forms = forms.to_vec();
        self.sizes = vec![size; forms.len()]
    }
    /// An operation on the first two columns.
    pub fn join(&mut self, op: Op, dt: Dt) -> Option<Forms> {
        self.call(What::Op(op, dt), [0, 1, 0], dt.size())
    }
    /// Number of the carried word at this byte, as this memory.
    pub fn carry(&mut self, at: u32, mem: Mem) -> Option<u32> {
        // The words of one kind: what is read in two ways has no register.
        let overlaps = |(b, m): &(u32, Mem)| *b < at + mem.size() as u32 && at < *b + m.size() as u32;
        if let Some(k) = self.carries.iter().position(|c| *c == (at, mem)) {
            return Some(k as u32);
        }
        if self.carries.iter().any(overlaps) {
            return None;
        }
        self.carries.push((at, mem));
        Some(self.carries.len() as u32 - 1)
    }
    fn read(&mut self, source: Source, mem: Mem) -> Option<u32> {
        let ty = mem.ty();
        Some(match source {
            Source::Const(bits) => match mem {
                Mem::F16 => self.build.constant(ty, half::f16::from_bits(bits as u16).to_f32().to_bits() as u64),
                _ => self.build.constant(ty, bits & u64::MAX >> (64 - 8 * mem.size())),
            },
            Source::Stream(entry, at) => self.build.push(I::Load(mem), ty, entry, at, 0),
            Source::Pair(entry, part) => self.build.push(I::Pair(mem, part), ty, entry, 0, 0),
            Source::Splat(entry, at) => self.build.push(I::Splat(mem), ty, entry, at, 0),
            Source::Part(entry, at) => self.build.push(I::Part(mem), ty, entry, at, 0),
            Source::One(entry, at) => self.build.push(I::One(mem), ty, entry, at, 0),
            // a 64-bit integer
            Source::Index(entry) => self.build.push(I::Index, ty, entry, 0, 0),
            Source::Carry(_) if mem == Mem::F16 => return None,
            Source::Carry(at) => {
                let k = self.carry(at, mem)?;
                self.build.push(I::Carry, ty, k, 0, 0)
            }
        })
    }

    /// The bits of a column.
    pub fn raw(&mut self, line: u32) -> Option<u32> {
        let f = self.forms[line as usize];
        let size = self.sizes[line as usize];
        let v = match f {
            Forms { raw: Some(v), .. } => return Some(v),
            Forms { mask: Some(m), .. } => {
                let (one, zero) = (self.int(1, 1), self.int(1, 0));
                self.build.sel(m, Ty::W32, one, zero)
            }
            Forms { wide: Some((Dt::Bf16, w)), .. } => self.build.un(I::ShrBy(16), Ty::W32, w),
            Forms { source: Some(s), .. } => {
                let mem = match size {
                    1 => Mem::B1,
                    2 => Mem::B2,
                    4 => Mem::B4,
                    8 => Mem::B8,
                    _ => return None,
                };
                self.read(s, mem)?
            }
            _ => return None,
        };
        self.forms[line as usize].raw = Some(v);
        Some(v)
    }
    /// A bool.
    pub fn mask(&mut self, line: u32) -> Option<u32> {
        if let Some(m) = self.forms[line as usize].mask {
            return Some(m);
        }
        let raw = self.raw(line)?;
        let m = self.nonzero(raw, self.sizes[line as usize]);
        self.forms[line as usize].mask = Some(m);
        Some(m)
    }
    fn nonzero(&self, raw: u32, size: usize) -> u32 {
        let zero = self.int(size, 0);
        match size {
            // what is extended with zeros is never negative
            1 | 2 => self.build.bin(I::ILt(true), Ty::Mask, zero, raw),
            _ => {
                let none = self.build.bin(I::IEq, Ty::Mask, raw, zero);
                self.build.un(I::MNot, Ty::Mask, none)
            }
        }
    }
    /// An integer of a type, in 32 or 64 bits.
    fn integer(&mut self, line: u32, dt: Dt) -> Option<u32> {
        if !dt.is_signed() || dt.size() >= 4 {
            return self.raw(line);
        }
        if let Some(v) = self.forms[line as usize].signed {
            return Some(v);
        }
        let raw = self.raw(line)?;
        let by = 32 - 8 * dt.size() as u8;
        let up = self.build.un(I::ShlBy(by), Ty::W32, raw);
        let v = self.build.un(I::SarBy(by), Ty::W32, up);
        self.forms[line as usize].signed = Some(v);
        Some(v)
    }
    /// A number of half precision as `f32`.
    fn wide(&mut self, line: u32, dt: Dt) -> Option<u32> {
        match self.forms[line as usize] {
            Forms { wide: Some((of, v)), .. } if of == dt => return Some(v),
            Forms { wide: Some(_), .. } => return None,
            _ => {}
        }
        let v = match (dt, self.forms[line as usize].source) {
            (Dt::F16, Some(s)) => self.read(s, Mem::F16)?,
            (Dt::F16, None) => return None,
            _ => {
                let raw = self.raw(line)?;
                self.build.un(I::ShlBy(16), Ty::W32, raw)
            }
        };
        self.forms[line as usize].wide = Some((dt, v));
        Some(v)
    }
    /// How a column is written to memory at an entry of the pointer table, so many bytes behind.
    pub fn store(&mut self, line: u32, entry: u32, at: u32) -> Option<Store> {
        if let Some((re, im)) = self.forms[line as usize].parts {
            let mem = if self.sizes[line as usize] == 8 { Mem::B4 } else { Mem::B8 };
            return Some(Store { entry, at, mem, val: re, beside: Some(im) });
        }
        let (mem, val) = self.stored(line)?;
        Some(Store { entry, at, mem, val, beside: None })
    }
    /// How a column that is no complex number is written, and what is written.
    pub fn stored(&mut self, line: u32) -> Option<(Mem, u32)> {
        if let Some((Dt::F16, v)) = self.forms[line as usize].wide {
            return Some((Mem::F16, v));
        }
        let mem = match self.sizes[line as usize] {
            1 => Mem::B1,
            2 => Mem::B2,
            4 => Mem::B4,
            8 => Mem::B8,
            _ => return None,
        };
        Some((mem, self.raw(line)?))
    }

    /// An integer constant for elements of so many bytes.
    fn int(&self, size: usize, x: i64) -> u32 {
        let ty = word(size);
        self.build.constant(ty, if ty == Ty::W64 { x as u64 } else { x as u32 as u64 })
    }
    fn float(&self, ty: Ty, x: f64) -> u32 {
        self.build.constant(ty, if ty == Ty::W64 { x.to_bits() } else { (x as f32).to_bits() as u64 })
    }
    fn of_raw(&self, size: usize, v: u32) -> Forms {
        // what is smaller than its register has zeros above
        let v = match size {
            1 | 2 => {
                let low = self.int(size, (1 << (8 * size)) - 1);
                self.build.bin(I::And, Ty::W32, v, low)
            }
            _ => v,
        };
        Forms { raw: Some(v), ..Forms::default() }
    }
    fn of_mask(m: u32) -> Forms {
        Forms { mask: Some(m), ..Forms::default() }
    }

    fn call(&mut self, what: What, args: [u32; 3], size: usize) -> Option<Forms> {
        let ty = word(size);
        let raw = |v: u32| Forms { raw: Some(v), ..Forms::default() };
        Some(match what {
            What::Op(op, Dt::Bool) if op != Op::Select => self.truth(op, args)?,
            What::Op(Op::Select, _) => self.select(args, size)?,
            What::Op(Op::NextAfter, dt) => {
                let (a, b) = (self.raw(args[0])?, self.raw(args[1])?);
                let infinity = match dt {
                    Dt::F16 => 0x7c00,
                    Dt::Bf16 => 0x7f80,
                    Dt::F32 => 0x7f80_0000,
                    _ => f64::INFINITY.to_bits() as i64,
                };
                let v = Words { build: &self.build, ty }.next_after(8 * size as u32, infinity, a, b);
                self.of_raw(size, v)
            }
            What::Op(Op::Math(m), dt) => {
                let a = self.raw(args[0])?;
                let b = if m.arity() == 2 { self.raw(args[1])? } else { a };
                raw(self.math(m, dt, a, b))
            }
            What::Op(op, dt) if dt.is_float() => self.floats(op, dt, args)?,
            What::Op(op, dt) => self.integers(op, dt, args)?,
            What::Pair { first, second, after, dt } => {
                let ty = word(dt.size());
                let op = |o| match o {
                    Op::Add => I::Add,
                    Op::Sub => I::Sub,
                    _ => I::Mul,
                };
                let [a, b, c] = [self.raw(args[0])?, self.raw(args[1])?, self.raw(args[2])?];
                let one = self.build.bin(op(first), ty, a, b);
                let (x, y) = if after { (c, one) } else { (one, c) };
                raw(self.build.bin(op(second), ty, x, y))
            }
            What::Cast(from, to) => self.cast(args[0], from, to)?,
            What::Truth(_) => Self::of_mask(self.mask(args[0])?),
            What::Copy(_) => self.forms[args[0] as usize],
            What::Widen(dt) => raw(self.wide(args[0], dt)?),
            What::Narrow(Dt::F16) => {
                let a = self.raw(args[0])?;
                Forms { wide: Some((Dt::F16, self.build.un(I::Half, Ty::W32, a))), ..Forms::default() }
            }
            What::Narrow(_) => {
                // to nearest even in the upper half; a NaN stays one
                let a = self.raw(args[0])?;
                let b = &self.build;
                let upper = b.un(I::ShrBy(16), ty, a);
                let odd = b.bin(I::And, ty, upper, self.int(4, 1));
                let up = b.bin(I::IAdd, ty, odd, self.int(4, 0x7fff));
                let rounded = b.un(I::ShrBy(16), ty, b.bin(I::IAdd, ty, a, up));
                let quiet = b.bin(I::Or, ty, upper, self.int(4, 0x40));
                let nan = b.bin(I::Cmp(3), Ty::Mask, a, a);
                raw(b.sel(nan, ty, quiet, rounded))
            }
            What::Interleave(_) => {
                let parts = Some((self.raw(args[0])?, self.raw(args[1])?));
                Forms { parts, ..Forms::default() }
            }
            What::RoundToOdd => {
                let a = self.raw(args[0])?;
                raw(Words { build: &self.build, ty }.round_to_odd(a))
            }
        })
    }

    /// An elementary function; where its value is wrong the loop is left.
    fn math(&self, m: M, dt: Dt, a: u32, b: u32) -> u32 {
        let build = &self.build;
        let (v, far) = if dt == Dt::F64 {
            let (v, far) = math::expand64(m, Val::new(build, a), Val::new(build, b));
            (v.id, far)
        } else {
            let (v, far) = math::expand32(m, Val::new(build, a), Val::new(build, b));
            (v.id, far)
        };
        if let Some(far) = far {
            build.un(I::Bail, Ty::Mask, far.id);
        }
        v
    }

    fn truth(&mut self, op: Op, args: [u32; 3]) -> Option<Forms> {
        let a = self.mask(args[0])?;
        if op == Op::Not {
            return Some(Self::of_mask(self.build.un(I::MNot, Ty::Mask, a)));
        }
        let b = self.mask(args[1])?;
        let bin = |i, a, b| self.build.bin(i, Ty::Mask, a, b);
        let not = |a| self.build.un(I::MNot, Ty::Mask, a);
        Some(Self::of_mask(match op {
            Op::And | Op::Min => bin(I::MAnd, a, b),
            Op::Or | Op::Max => bin(I::MOr, a, b),
            Op::Xor | Op::Ne => bin(I::MXor, a, b),
            Op::Eq => not(bin(I::MXor, a, b)),
            Op::Lt => bin(I::MAnd, not(a), b),
            Op::Le => bin(I::MOr, not(a), b),
            _ => return None,
        }))
    }

    fn select(&mut self, args: [u32; 3], size: usize) -> Option<Forms> {
        let m = self.mask(args[0])?;
        let (x, y) = (self.forms[args[1] as usize], self.forms[args[2] as usize]);
        if let (Some(a), Some(b)) = (x.mask, y.mask) {
            // a ? b : c as bits
            let (yes, no) = (
                self.build.bin(I::MAnd, Ty::Mask, m, a),
                self.build.bin(I::MAnd, Ty::Mask, self.build.un(I::MNot, Ty::Mask, m), b),
            );
            return Some(Self::of_mask(self.build.bin(I::MOr, Ty::Mask, yes, no)));
        }
        if let Some((Dt::F16, _)) = x.wide.or(y.wide) {
            let (a, b) = (self.wide(args[1], Dt::F16)?, self.wide(args[2], Dt::F16)?);
            return Some(Forms { wide: Some((Dt::F16, self.build.sel(m, Ty::W32, a, b))), ..Forms::default() });
        }
        let (a, b) = (self.raw(args[1])?, self.raw(args[2])?);
        Some(Forms { raw: Some(self.build.sel(m, word(size), a, b)), ..Forms::default() })
    }

    fn floats(&mut self, op: Op, dt: Dt, args: [u32; 3]) -> Option<Forms> {
        let ty = word(dt.size());
        let mut v = [0; 3];
        for k in 0..op.arity() {
            v[k] = self.raw(args[k])?
        }
        let [a, b, c] = v;
        let build = &self.build;
        let un = |i, a| build.un(i, ty, a);
        let bin = |i, a, b| build.bin(i, ty, a, b);
        let sign = self.float(ty, -0.0);
        let magnitude = build.constant(ty, if ty == Ty::W64 { i64::MAX as u64 } else { i32::MAX as u64 });
        let cmp = |p, a, b| build.bin(I::Cmp(p), Ty::Mask, a, b);
        Some(match op {
            Op::Eq => Self::of_mask(cmp(0, a, b)),
            Op::Ne => Self::of_mask(cmp(4, a, b)),
            Op::Lt => Self::of_mask(cmp(1, a, b)),
            Op::Le => Self::of_mask(cmp(2, a, b)),
            op => {
                let v = match op {
                    Op::Neg => bin(I::Xor, a, sign),
                    Op::Abs => bin(I::And, a, magnitude),
                    Op::Sign => {
                        let signed = bin(I::Or, bin(I::And, a, sign), self.float(ty, 1.0));
                        let some = cmp(1, self.float(ty, 0.0), bin(I::And, a, magnitude));
                        // NaN or a zero; the sum makes a zero of a subnormal number
                        build.sel(some, ty, signed, bin(I::Add, a, a))
                    }
                    Op::RoundEven => un(I::Round(0), a),
                    Op::Floor => un(I::Round(1), a),
                    Op::Ceil => un(I::Round(2), a),
                    Op::Trunc => un(I::Round(3), a),
                    Op::RoundAway => {
                        // what is cut off is exact; half of one or more goes outwards
                        let cut = un(I::Round(3), a);
                        let rest = bin(I::And, bin(I::Sub, a, cut), magnitude);
                        let one = bin(I::Or, bin(I::And, a, sign), self.float(ty, 1.0));
                        let half = cmp(2, self.float(ty, 0.5), rest);
                        build.sel(half, ty, bin(I::Add, cut, one), cut)
                    }
                    Op::Sqrt => un(I::Sqrt, a),
                    Op::Add => bin(I::Add, a, b),
                    Op::Sub => bin(I::Sub, a, b),
                    Op::Mul => bin(I::Mul, a, b),
                    Op::Div => Words { build, ty }.over(a, b),
                    Op::Rem => Words { build, ty }.remainder(a, b),
                    // the instruction gives its second operand where either is NaN, or both are zero
                    Op::Max => build.sel(cmp(3, b, b), ty, b, bin(I::Max, b, a)),
                    Op::Min => build.sel(cmp(3, b, b), ty, b, bin(I::Min, b, a)),
                    Op::MulAdd => build.push(I::Fma, ty, a, b, c),
                    _ => return None,
                };
                Forms { raw: Some(v), ..Forms::default() }
            }
        })
    }

    fn integers(&mut self, op: Op, dt: Dt, args: [u32; 3]) -> Option<Forms> {
        let (size, signed) = (dt.size(), dt.is_signed());
        let ty = word(size);
        // What looks at the order or the sign wants integers as they are, the others only bits.
        let ordered =
            matches!(op, Op::Abs | Op::Sign | Op::Max | Op::Min | Op::Lt | Op::Le | Op::Shr | Op::Div | Op::Rem);
        let mut v = [0; 3];
        for k in 0..op.arity() {
            let count = k == 1 && op == Op::Shr;
            v[k] = if ordered && !count { self.integer(args[k], dt)? } else { self.raw(args[k])? }
        }
        let [a, b, c] = v;
        let build = &self.build;
        let bin = |i, a, b| build.bin(i, ty, a, b);
        let zero = self.int(size, 0);
        // In 32 bits smaller integers are all that are not negative, or all that are signed.
        let as_signed = signed || size < 4;
        let less = |a, b| build.bin(I::ILt(as_signed), Ty::Mask, a, b);
        let y = match op {
            Op::Eq => return Some(Self::of_mask(build.bin(I::IEq, Ty::Mask, a, b))),
            Op::Ne => {
                let same = build.bin(I::IEq, Ty::Mask, a, b);
                return Some(Self::of_mask(build.un(I::MNot, Ty::Mask, same)));
            }
            Op::Lt => return Some(Self::of_mask(less(a, b))),
            Op::Le => return Some(Self::of_mask(build.un(I::MNot, Ty::Mask, less(b, a)))),
            Op::Neg => bin(I::ISub, zero, a),
            Op::Abs if signed => build.sel(less(a, zero), ty, bin(I::ISub, zero, a), a),
            Op::Abs => a,
            Op::Sign => {
                let one = build.sel(less(zero, a), ty, self.int(size, 1), zero);
                if signed { build.sel(less(a, zero), ty, self.int(size, -1), one) } else { one }
            }
            Op::Not => bin(I::Xor, a, self.int(size, -1)),
            Op::Clz => {
                let n = build.un(I::Clz, ty, a);
                if size < 4 { bin(I::ISub, n, self.int(size, 32 - 8 * size as i64)) } else { n }
            }
            Op::Add => bin(I::IAdd, a, b),
            Op::Sub => bin(I::ISub, a, b),
            Op::Mul => bin(I::IMul, a, b),
            Op::MulAdd => bin(I::IAdd, bin(I::IMul, a, b), c),
            Op::Max => bin(I::IMax(as_signed), a, b),
            Op::Min => bin(I::IMin(as_signed), a, b),
            Op::And => bin(I::And, a, b),
            Op::Or => bin(I::Or, a, b),
            Op::Xor => bin(I::Xor, a, b),
            // By less than 32 bits, but by more than there are, nothing is left in the low ones.
            Op::Shl => bin(I::Shl, a, b),
            Op::ShrLogical => bin(I::Shr, a, b),
            Op::Div => Words { build, ty }.divide(size, signed, a, b).0,
            Op::Rem => Words { build, ty }.divide(size, signed, a, b).1,
            Op::PopCount => Words { build, ty }.ones(a),
            Op::Shr if signed => bin(I::Sar, a, b),
            Op::Shr => bin(I::Shr, a, b),
            _ => return None,
        };
        Some(self.of_raw(size, y))
    }

    fn cast(&mut self, a: u32, from: Dt, to: Dt) -> Option<Forms> {
        let raw = |v: u32| Forms { raw: Some(v), ..Forms::default() };
        let ty = word(to.size());
        if to == Dt::Bool {
            if !from.is_float() {
                return Some(Self::of_mask(self.mask(a)?));
            }
            let a = self.raw(a)?;
            let zero = self.float(word(from.size()), 0.0);
            return Some(Self::of_mask(self.build.bin(I::Cmp(4), Ty::Mask, a, zero)));
        }
        if from.is_float() && to.is_float() {
            let a = self.raw(a)?;
            return Some(raw(match (from, to) {
                (Dt::F32, Dt::F64) => self.build.un(I::Wide, ty, a),
                (Dt::F64, Dt::F32) => self.build.un(I::Narrow, ty, a),
                _ => a,
            }));
        }
        if from.is_float() {
            return self.truncated(a, from, to);
        }
        if let Forms { source: Some(Source::Index(entry)), .. } = self.forms[a as usize] {
            // It fits into 32 bits, and a float is the same from either.
            let low = self.build.push(I::Index, Ty::W32, entry, 0, 0);
            return Some(match (to.is_float(), ty) {
                (true, _) => raw(self.build.un(I::ToFloat(true), ty, low)),
                (false, Ty::W64) => raw(self.raw(a)?),
                _ => self.of_raw(to.size(), low),
            });
        }
        let v = self.integer(a, from)?;
        let (wide, narrow) = (from.size() == 8, from.size() < 4);
        if to.is_float() {
            // smaller integers are signed ones of 32 bits
            return Some(raw(self.build.un(I::ToFloat(from.is_signed() || narrow), ty, v)));
        }
        Some(match (wide, ty) {
            (false, Ty::W64) => raw(self.build.un(I::Extend(from.is_signed()), ty, v)),
            (true, Ty::W32) => {
                let low = self.build.un(I::Low, ty, v);
                self.of_raw(to.size(), low)
            }
            _ => self.of_raw(to.size(), v),
        })
    }

    /// Truncates and saturates; NaN gives 0.
    fn truncated(&mut self, a: u32, from: Dt, to: Dt) -> Option<Forms> {
        let x = self.raw(a)?;
        let (fty, size, signed) = (word(from.size()), to.size(), to.is_signed());
        let ty = word(size);
        let b = &self.build;
        let bits = 8 * size as i32;
        // The least number, which is a float, and the first that is too large, which is one, too.
        let least = if signed { -(2f64.powi(bits - 1)) } else { 0.0 };
        let beyond = 2f64.powi(if signed { bits - 1 } else { bits });
        let v = if size < 4 {
            // Cut to the range, which 32 bits hold; a NaN becomes the lower end, and is looked at below.
            let x = b.bin(I::Max, fty, x, self.float(fty, least));
            let x = b.bin(I::Min, fty, x, self.float(fty, beyond - 1.0));
            b.un(I::ToInt(true), ty, x)
        } else {
            let inside = b.bin(I::Max, fty, x, self.float(fty, least));
            let v = b.un(I::ToInt(signed), ty, inside);
            let high = b.bin(I::Cmp(2), Ty::Mask, self.float(fty, beyond), x);
            let greatest = match (signed, size) {
                (true, 4) => i32::MAX as i64,
                (true, _) => i64::MAX,
                _ => -1,
            };
            b.sel(high, ty, self.int(size, greatest), v)
        };
        let nan = b.bin(I::Cmp(3), Ty::Mask, x, x);
        let v = b.sel(nan, ty, self.int(size, 0), v);
        Some(self.of_raw(size, v))
    }
}
