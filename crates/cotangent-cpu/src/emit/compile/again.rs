//! Loops within a row: over most of its vectors, some in a turn. What is folded goes from turn to turn in registers.
//!
//! Between two turns nothing else may have moved. So what is in registers before a loop goes to memory, or stays in its register until the loop is over.

use super::*;
use crate::emit::asm::Label;

/// Registers that are left to a turn when values from before the loop stay in theirs.
const LEFT: [usize; 2] = [8, 14];

/// A loop that is being written.
pub(super) struct Turning {
    /// Where its turns begin.
    top: Label,
    /// Where what it carries is between two turns.
    homes: Vec<Home>,
    /// What stays in a register while it runs.
    kept: Vec<u32>,
}

impl Gen<'_> {
    /// The end of a loop, among the instructions.
    fn until_of(&self, number: u32) -> usize {
        let end = |i: &Inst| i.i == I::Until && i.a == number;
        self.ir.insts.iter().position(end).expect("a loop ends")
    }
    /// The beginning of a loop.
    pub(super) fn again(&mut self, p: u32, number: u32) {
        self.flush(p);
        let (ir, until) = (self.ir, self.until_of(number));
        let turns = &ir.loops[number as usize];
        let bytes = self.carried();
        let mut homes = vec![];
        for (start, _) in &turns.carries {
            let home = match self.free[0].len() >= SPARE {
                true => Home::Reg(self.free[0].remove(0)),
                false => {
                    self.slots += 1;
                    Home::Slot(self.slots - 1)
                }
            };
            let r = if let Home::Reg(r) = home { r } else { self.spare };
            match self.loc[*start as usize].reg {
                NONE => self.fetch(*start, r),
                there => self.asm.copy(bytes, r, there),
            }
            if let Home::Slot(slot) = home {
                let to = self.slot(slot);
                self.asm.spill(bytes, r, to)
            }
            homes.push(home)
        }
        for q in p as usize..until {
            let Inst { i: I::Carry, a, .. } = ir.insts[q] else { continue };
            match homes[a as usize] {
                Home::Reg(r) => {
                    self.loc[q] = Loc { reg: r, slot: NOWHERE, pinned: true };
                    self.holds[0][r as usize] = q as u32
                }
                Home::Slot(slot) => self.loc[q].slot = slot,
            }
        }
        // What is read in every turn stays in a register, if there are enough.
        let mut wanted: Vec<(usize, u32)> = vec![];
        for v in 0..p {
            let i = &ir.insts[v as usize];
            let reads = self.readers(v).iter().filter(|r| (p..until as u32).contains(r)).count();
            if reads > 0 && !remote(i) && self.class(i.ty) == 0 && self.loc[v as usize].reg == NONE {
                wanted.push((reads, v))
            }
        }
        wanted.sort_unstable_by_key(|w| (std::cmp::Reverse(w.0), w.1));
        let mut kept = vec![];
        for (_, v) in wanted {
            if self.free[0].len() <= LEFT[self.l.evex as usize] {
                break;
            }
            let r = self.free[0].remove(0);
            if self.lies(v) {
                self.read(v, r)
            } else {
                let from = self.slot(self.loc[v as usize].slot);
                self.asm.fill(self.l.bytes(self.ty(v)), r, from)
            }
            self.put(v, r);
            self.loc[v as usize].pinned = true;
            kept.push(v)
        }
        self.mark(Mark::Loop);
        self.asm.set(gp::RDX, 0);
        let top = self.asm.label();
        self.asm.align();
        self.asm.here(top);
        self.turning = Some(Turning { top, homes, kept })
    }
    /// The end of a loop.
    pub(super) fn until(&mut self, p: u32, number: u32) {
        let Turning { top, homes, kept } = self.turning.take().expect("a loop begins before it ends");
        let turns = &self.ir.loops[number as usize];
        let nexts: Vec<u32> = turns.carries.iter().map(|c| c.1).collect();
        self.mark(Mark::Next);
        self.moves(&nexts, &homes);
        self.mark(Mark::Loop);
        self.asm.immediate(0, gp::RDX, turns.step as i32);
        self.asm.immediate(7, gp::RDX, (turns.step * turns.turns) as i32);
        self.asm.jump_if(If::Below, top);
        for v in kept {
            self.loc[v as usize].pinned = false
        }
        // What a turn has made is read no more, and what was there before it is in memory.
        self.flush(p);
        let end = self.ir.insts.len();
        for (k, home) in homes.iter().enumerate() {
            let over = |q: &usize| matches!(self.ir.insts[*q], Inst { i: I::Over, a, b, .. } if a as usize == k && b == number);
            let over = (p as usize..end).find(over).filter(|q| !self.readers(*q as u32).is_empty());
            match (*home, over) {
                (Home::Reg(r), Some(q)) => {
                    self.loc[q] = Loc { reg: r, slot: NOWHERE, pinned: false };
                    self.holds[0][r as usize] = q as u32
                }
                (Home::Reg(r), None) => {
                    self.holds[0][r as usize] = NOWHERE;
                    self.free[0].push(r)
                }
                (Home::Slot(slot), Some(q)) => self.loc[q].slot = slot,
                (Home::Slot(_), None) => {}
            }
        }
    }
    /// Puts into memory what is in registers and will be read after `p`; what stays where it is for good does.
    fn flush(&mut self, p: u32) {
        for class in 0..2 {
            for r in 0..32u8 {
                let v = self.holds[class][r as usize];
                if v == NOWHERE || self.loc[v as usize].pinned {
                    continue;
                }
                if self.next(v, p) != u32::MAX {
                    self.keep(v, class, r)
                }
                self.release(v)
            }
        }
    }
}
