//! Operands: in registers, or in memory where an instruction reads its last one there.

use super::*;

impl Gen<'_> {
    /// Has it no register, and needs none of its own?
    pub fn lazy(&self, v: u32) -> bool {
        self.loc[v as usize].reg == NONE && remote(&self.ir.insts[v as usize])
    }
    /// As what a value lies in memory, if the instruction at `p` may have it as its last operand there. One that lies in the frame and is read again goes to
    /// a register instead.
    pub fn far(&self, v: u32, i: I, p: u32) -> Option<Far> {
        let (loc, inst) = (self.loc[v as usize], &self.ir.insts[v as usize]);
        let far = match loc.reg {
            NONE if remote(inst) => remote_as(inst),
            NONE if loc.slot != NOWHERE && self.class(inst.ty) == 0 && self.next(v, p) == u32::MAX => Some(Far::Whole),
            _ => None,
        };
        far.filter(|f| select::from_memory(self.l, i, *f))
    }

    /// Where two elements beside each other lie for each lane of a round. Uses `RCX`.
    pub fn beside(&mut self, entry: u32, at: u32, mem: Mem) -> Rm {
        let mut base = self.pointer(entry);
        if mem == Mem::B8 {
            // sixteen bytes an element are more than an address can say
            self.asm.address(gp::RCX, base, gp::RAX, 8);
            base = gp::RCX
        }
        Rm::Mem { base, index: Some((gp::RAX, 8)), disp: at as i32 }
    }
    /// A constant, or an element for all lanes, to a register.
    pub fn fetch(&mut self, v: u32, r: u8) {
        let i = self.ir.insts[v as usize];
        match i.i {
            I::Const => self.asm.constant_to(self.l, r, i.ty, i.known().expect("a constant")),
            I::Splat(mem) => {
                let rm = Rm::Mem { base: self.pointer(i.a), index: None, disp: i.b as i32 };
                self.asm.splat(self.l, r, mem, rm)
            }
            _ => unreachable!("only what is remote is fetched"),
        }
    }
    /// The value in a register. A remote one is there for this instruction only.
    pub fn want(&mut self, v: u32, p: u32, borrowed: &mut Vec<u8>) -> u8 {
        let loc = self.loc[v as usize];
        if loc.reg != NONE {
            return loc.reg;
        }
        let class = self.class(self.ty(v));
        let r = self.alloc(class, p);
        if remote(&self.ir.insts[v as usize]) {
            self.fetch(v, r);
            borrowed.push(r);
            return r;
        }
        if self.lies(v) {
            self.read(v, r);
            self.put(v, r);
            return r;
        }
        let from = self.slot(loc.slot);
        debug_assert!(loc.slot != NOWHERE, "a value is somewhere");
        match class {
            0 => self.asm.fill(self.l.bytes(self.ty(v)), r, from),
            _ => self.asm.fill_mask(r, from),
        }
        self.put(v, r);
        r
    }
    /// The value where the last operand of the instruction at `p` may be.
    pub fn place(&mut self, v: u32, i: I, p: u32, borrowed: &mut Vec<u8>) -> Rm {
        let inst = self.ir.insts[v as usize];
        match self.far(v, i, p) {
            None => Rm::Reg(self.want(v, p, borrowed)),
            Some(Far::Whole) => self.frame_at(self.loc[v as usize].slot),
            Some(Far::Splat) => Rm::Mem { base: self.pointer(inst.a), index: None, disp: inst.b as i32 },
            Some(Far::Constant) => self.asm.constant_at(self.l, inst.ty, inst.known().expect("a constant")),
        }
    }
    /// Registers for something in between.
    pub fn temps(&mut self, n: usize, p: u32, borrowed: &mut Vec<u8>) -> [u8; 2] {
        let mut t = [0; 2];
        for t in &mut t[..n] {
            *t = self.alloc(0, p);
            borrowed.push(*t)
        }
        t
    }
    /// After an instruction: what is read no more gives its register back.
    pub fn done(&mut self, ops: &[u32], p: u32, borrowed: Vec<u8>) {
        for v in ops {
            if self.next(*v, p) == u32::MAX {
                self.release(*v)
            }
        }
        self.free[0].extend(borrowed);
        self.locked.clear()
    }

    /// Of two masks, one of which is narrow, that one in the width of the other.
    pub fn as_wide(&mut self, [a, b]: [u32; 2], (a_, b_): (&mut u8, &mut Rm), p: u32, borrowed: &mut Vec<u8>) {
        let narrow = |v: u32| self.narrow[v as usize];
        if self.l.evex || narrow(a) == narrow(b) {
            return;
        }
        let from = match (narrow(a), *b_) {
            (true, _) => *a_,
            (false, Rm::Reg(r)) => r,
            _ => unreachable!("masks are in registers"),
        };
        let [t, _] = self.temps(1, p, borrowed);
        self.asm.widen(self.l, t, from);
        if from == *a_ { *a_ = t } else { *b_ = Rm::Reg(t) }
    }

    /// `a * b + c`, in the register of an operand that dies, where there is one.
    pub fn fma(&mut self, ty: Ty, [a, b, c]: [u32; 3], p: u32, borrowed: &mut Vec<u8>) {
        // One operand may lie in memory: the sum's, else a factor.
        let single = |v: u32| [a, b, c].iter().filter(|x| **x == v).count() == 1;
        let far = [c, b].into_iter().find(|v| single(*v) && self.far(*v, I::Fma, p).is_some());
        let a_ = self.want(a, p, borrowed);
        let mut reg = |g: &mut Self, v: u32| if far == Some(v) { NONE } else { g.want(v, p, borrowed) };
        let (b_, c_) = (reg(self, b), reg(self, c));
        let rm = |g: &mut Self, v: u32, r: u8| if r == NONE { g.place(v, I::Fma, p, &mut vec![]) } else { Rm::Reg(r) };
        // What is here for this instruction only dies, too.
        let dies = |g: &Self, v: u32, r: u8| {
            let loc = g.loc[v as usize];
            r != NONE && single(v) && (loc.reg == NONE || g.next(v, p) == u32::MAX && !loc.pinned)
        };
        // Which register becomes the result, and how: see `Asm::fma`, whose second form has the factors either way.
        let (d, form, factor) = if dies(self, a, a_) {
            if b_ == NONE { (a_, 1, c_) } else { (a_, 2, b_) }
        } else if dies(self, b, b_) {
            (b_, 2, a_)
        } else if dies(self, c, c_) {
            (c_, 3, a_)
        } else {
            let d = self.alloc(0, p);
            let (from, form, factor) = if c_ == NONE { (a_, 2, b_) } else { (c_, 3, a_) };
            self.asm.copy(self.l.bytes(ty), d, from);
            (d, form, factor)
        };
        let last = match form {
            2 => rm(self, c, c_),
            _ => rm(self, b, b_),
        };
        self.asm.fma(self.l, ty, form, d, factor, last);
        // The register is the result's now.
        borrowed.retain(|r| *r != d);
        for v in [a, b, c] {
            if self.loc[v as usize].reg == d && !self.loc[v as usize].pinned {
                self.loc[v as usize].reg = NONE
            }
        }
        self.put(p, d)
    }
}
