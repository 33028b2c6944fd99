//! The loops. What one of them carries, turn after turn, or over what is folded, goes through registers, and through memory where there are not enough of them.

use super::*;
use crate::emit::asm::Label;

impl Gen<'_> {
    /// Over rows, a round for each.
    pub(super) fn rows(&mut self, end: Label) {
        let top = self.asm.label();
        self.asm.align();
        self.asm.here(top);
        self.asm.cmp(gp::RAX, gp::RSI);
        self.asm.jump_if(If::AboveEqual, end);
        for (stride, r) in self.strides.clone() {
            self.asm.times(r, gp::RAX, stride as i32)
        }
        if self.inner() {
            self.row()
        }
        self.body();
        self.asm.immediate(0, gp::RAX, 1);
        self.asm.jump(top)
    }

    /// Over elements, so many rounds at once.
    pub(super) fn map(&mut self, end: Label, rounds: usize) {
        let (top, rest) = (self.asm.label(), self.asm.label());
        let step = (rounds * self.l.n) as i32;
        self.asm.lea(gp::RCX, gp::RAX, step);
        self.asm.cmp(gp::RSI, gp::RCX);
        self.asm.jump_if(If::Below, rest);
        self.asm.align();
        self.asm.here(top);
        self.body();
        self.asm.immediate(0, gp::RAX, step);
        self.asm.lea(gp::RCX, gp::RAX, step);
        self.asm.cmp(gp::RSI, gp::RCX);
        self.asm.jump_if(If::AboveEqual, top);
        self.asm.here(rest);
        // Elements side by side have no mask: what does not fill a register is left to the caller, as with AVX2.
        let read = self.ir.insts.iter().any(|i| matches!(i.i, I::Pair(..)));
        let pairs = read || self.ir.stores.iter().any(|s| s.beside.is_some());
        if self.l.evex && step > 1 && !pairs && rounds == 1 {
            // as many ones as elements are left
            self.asm.cmp(gp::RAX, gp::RSI);
            self.asm.jump_if(If::AboveEqual, end);
            self.asm.mov(gp::RCX, gp::RSI);
            self.asm.sub(gp::RCX, gp::RAX);
            self.asm.set(gp::RDX, u32::MAX);
            self.asm.vex_only(crate::emit::asm::op(0, 2, 0xF5), false, gp::RDX, gp::RCX, Rm::Reg(gp::RDX));
            self.asm.set_mask(1, gp::RDX);
            self.asm.jump(top)
        }
    }
    /// Turn after turn.
    pub(super) fn turns(&mut self, end: Label, reverse: bool, carry: u32, carried: &[Home]) {
        self.first(carry, carried);
        let top = self.asm.label();
        self.asm.align();
        self.asm.here(top);
        self.asm.cmp(gp::RAX, gp::RSI);
        self.asm.jump_if(If::AboveEqual, end);
        self.asm.mov(gp::RDX, gp::RAX);
        if reverse {
            self.asm.neg(gp::RDX)
        }
        for (stride, r) in self.strides.clone() {
            self.asm.times(r, gp::RDX, stride as i32)
        }
        self.body();
        self.mark(Mark::Next);
        self.moves(&self.nexts(), carried);
        self.mark(Mark::Loop);
        self.asm.immediate(0, gp::RAX, 1);
        self.asm.jump(top)
    }
    /// What is carried to the next turn.
    fn nexts(&self) -> Vec<u32> {
        self.ir.carries.iter().map(|c| c.next).collect()
    }
    /// The pointers to the operands of a row.
    pub(super) fn row(&mut self) {
        for (entry, stride) in self.ir.strides.clone() {
            let Some((_, r)) = self.pointers.iter().copied().find(|p| p.0 == entry) else { continue };
            self.mark(Mark::Pointer(entry));
            self.asm.times(r, gp::RAX, stride as i32);
            self.asm.load(gp::RCX, gp::RDI, 8 * entry as i32);
            self.asm.sum(r, r, gp::RCX)
        }
        self.mark(Mark::Loop)
    }
    /// Over rows, and their elements.
    pub(super) fn folds(&mut self, end: Label, width: u32, carry: u32, carried: &[Home]) {
        self.first(carry, carried);
        let (top, next) = (self.asm.label(), self.asm.label());
        self.asm.here(top);
        self.asm.cmp(gp::RAX, gp::RSI);
        self.asm.jump_if(If::AboveEqual, end);
        self.row();
        self.asm.set(gp::RDX, 0);
        self.asm.align();
        self.asm.here(next);
        self.body();
        self.mark(Mark::Next);
        self.moves(&self.nexts(), carried);
        self.mark(Mark::Loop);
        self.asm.immediate(0, gp::RDX, self.ir.round as i32);
        self.asm.immediate(7, gp::RDX, width as i32);
        self.asm.jump_if(If::Below, next);
        self.asm.immediate(0, gp::RAX, 1);
        self.asm.jump(top)
    }
    /// Bytes of what is carried, as it lies in a register.
    pub(super) fn carried(&self) -> usize {
        match self.kind {
            Loop::Folds { .. } | Loop::Rows => self.l.bytes(if self.l.wide { Ty::W64 } else { Ty::W32 }),
            _ => 16,
        }
    }
    /// What is carried, from memory to where it is at the start of a turn.
    fn first(&mut self, carry: u32, carried: &[Home]) {
        self.mark(Mark::Pointer(carry));
        self.asm.load(gp::RCX, gp::RDI, 8 * carry as i32);
        for (c, home) in self.ir.carries.iter().zip(carried) {
            let from = Rm::Mem { base: gp::RCX, index: None, disp: c.at as i32 };
            match *home {
                Home::Reg(r) => self.asm.read(self.l, r, c.mem, from),
                Home::Slot(slot) => {
                    self.asm.read(self.l, self.spare, c.mem, from);
                    let to = self.slot(slot);
                    self.asm.spill(self.carried(), self.spare, to)
                }
            }
        }
        self.mark(Mark::Loop);
    }
    /// A value to a register, which nothing else is in.
    fn bring(&mut self, v: u32, to: u8) {
        let Loc { reg, slot, .. } = self.loc[v as usize];
        match reg {
            NONE if remote(&self.ir.insts[v as usize]) => self.fetch(v, to),
            NONE => {
                let from = self.slot(slot);
                self.asm.fill(self.carried(), to, from)
            }
            r => self.asm.copy(self.carried(), to, r),
        }
    }
    /// The carried values of the next turn into their registers and places in memory, all at once.
    pub(super) fn moves(&mut self, nexts: &[u32], carried: &[Home]) {
        let bytes = self.carried();
        let mut pending: Vec<(u8, u8)> = vec![];
        let mut later: Vec<(u8, u32)> = vec![];
        // Of what only changes its place, where one of the places is in memory, a copy is made first.
        let mut copies: Vec<(u32, Home)> = vec![];
        let mut put: Vec<(u32, u32)> = vec![];
        for (next, home) in nexts.iter().copied().zip(carried) {
            let from = self.ir.insts[next as usize];
            let from = (from.i == I::Carry).then(|| carried[from.a as usize]);
            match (*home, from) {
                (to, Some(from)) if to == from => {}
                (Home::Slot(_), Some(_)) | (_, Some(Home::Slot(_))) => {
                    self.bring(next, self.spare);
                    let slot = self.slots;
                    self.slots += 1;
                    let to = self.slot(slot);
                    self.asm.spill(bytes, self.spare, to);
                    copies.push((slot, *home))
                }
                (Home::Slot(slot), None) => put.push((next, slot)),
                (Home::Reg(d), _) => match self.loc[next as usize].reg {
                    NONE => later.push((d, next)),
                    s => pending.push((d, s)),
                },
            }
        }
        for (v, slot) in put {
            let r = match self.loc[v as usize].reg {
                NONE => {
                    self.bring(v, self.spare);
                    self.spare
                }
                r => r,
            };
            let to = self.slot(slot);
            self.asm.spill(bytes, r, to)
        }
        while !pending.is_empty() {
            // a register that nobody reads any more, else a copy breaks the circle
            match pending.iter().position(|(d, _)| !pending.iter().any(|(_, s)| s == d)) {
                Some(k) => {
                    let (d, s) = pending.swap_remove(k);
                    self.asm.copy(bytes, d, s)
                }
                None => {
                    let (d, _) = pending[0];
                    self.asm.copy(bytes, self.spare, d);
                    for m in &mut pending {
                        if m.1 == d {
                            m.1 = self.spare
                        }
                    }
                }
            }
        }
        for (d, v) in later {
            self.bring(v, d)
        }
        for (slot, home) in copies {
            let from = self.slot(slot);
            match home {
                Home::Reg(r) => self.asm.fill(bytes, r, from),
                Home::Slot(to) => {
                    self.asm.fill(bytes, self.spare, from);
                    let to = self.slot(to);
                    self.asm.spill(bytes, self.spare, to)
                }
            }
        }
        // What is left in registers is read no more.
        for next in nexts {
            self.release(*next)
        }
    }
}
