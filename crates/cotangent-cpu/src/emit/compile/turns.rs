//! The loops that carry something, turn after turn, or over what is folded: what is carried goes through registers, and through memory where there are not enough of them.

use super::*;
use crate::emit::asm::Label;

impl Gen<'_> {
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
        self.moves(carried);
        self.mark(Mark::Loop);
        self.asm.immediate(0, gp::RAX, 1);
        self.asm.jump(top)
    }
    /// Over rows, and their elements.
    pub(super) fn folds(&mut self, end: Label, width: u32, carry: u32, carried: &[Home]) {
        self.first(carry, carried);
        let (top, next) = (self.asm.label(), self.asm.label());
        self.asm.here(top);
        self.asm.cmp(gp::RAX, gp::RSI);
        self.asm.jump_if(If::AboveEqual, end);
        for (entry, stride) in self.ir.strides.clone() {
            let Some((_, r)) = self.pointers.iter().copied().find(|p| p.0 == entry) else { continue };
            self.mark(Mark::Pointer(entry));
            self.asm.times(r, gp::RAX, stride as i32);
            self.asm.load(gp::RCX, gp::RDI, 8 * entry as i32);
            self.asm.sum(r, r, gp::RCX)
        }
        self.mark(Mark::Loop);
        self.asm.set(gp::RDX, 0);
        self.asm.align();
        self.asm.here(next);
        self.body();
        self.mark(Mark::Next);
        self.moves(carried);
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
            Loop::Folds { .. } => self.l.bytes(if self.l.wide { Ty::W64 } else { Ty::W32 }),
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
    fn moves(&mut self, carried: &[Home]) {
        let bytes = self.carried();
        let mut pending: Vec<(u8, u8)> = vec![];
        let mut later: Vec<(u8, u32)> = vec![];
        // Of what only changes its place, where one of the places is in memory, a copy is made first.
        let mut copies: Vec<(u32, Home)> = vec![];
        let mut put: Vec<(u32, u32)> = vec![];
        for (c, home) in self.ir.carries.iter().zip(carried) {
            let from = self.ir.insts[c.next as usize];
            let from = (from.i == I::Carry).then(|| carried[from.a as usize]);
            match (*home, from) {
                (to, Some(from)) if to == from => {}
                (Home::Slot(_), Some(_)) | (_, Some(Home::Slot(_))) => {
                    self.bring(c.next, self.spare);
                    let slot = self.slots;
                    self.slots += 1;
                    let to = self.slot(slot);
                    self.asm.spill(bytes, self.spare, to);
                    copies.push((slot, *home))
                }
                (Home::Slot(slot), None) => put.push((c.next, slot)),
                (Home::Reg(d), _) => match self.loc[c.next as usize].reg {
                    NONE => later.push((d, c.next)),
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
        for c in &self.ir.carries {
            self.release(c.next)
        }
    }
}
