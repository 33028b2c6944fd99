//! The frame on the stack: what has no register lies there.

use super::*;

/// Bytes that one touch of the stack proves to be there.
const PAGE: u32 = 4096;
/// Bytes of a place.
const PLACE: u32 = 64;
/// Bytes of the largest frame: a quarter of the stack that Rust gives a thread.
const MOST: u32 = 512 << 10;

impl Gen<'_> {
    /// A place in the frame.
    pub fn slot(&self, slot: u32) -> Rm {
        Rm::Mem { base: gp::RSP, index: None, disp: (PLACE * slot) as i32 }
    }
    /// The same as the last operand of an instruction.
    pub fn frame_at(&self, slot: u32) -> Rm {
        Rm::Frame((PLACE * slot) as i32)
    }
    /// Room for the frame, whose size is not known yet. Where it may be larger than a page, each of its pages is touched on the way down: a stack that is too small
    /// then ends at its guard, as it does for the compiler's own functions, and nothing behind it is written. Returns where [`Gen::frame_is`] puts the size.
    pub fn frame(&mut self) -> usize {
        let most = 2 * self.ir.insts.len() + 2 * self.ir.carries.len();
        if most < (PAGE / PLACE) as usize {
            self.asm.immediate(5, gp::RSP, 0);
            return self.asm.code.len() - 4;
        }
        self.asm.mov(gp::RCX, gp::RSP);
        self.asm.immediate(5, gp::RCX, 0);
        let size = self.asm.code.len() - 4;
        let next = self.asm.label();
        self.asm.here(next);
        self.asm.immediate(5, gp::RSP, PAGE as i32);
        self.asm.load(gp::RAX, gp::RSP, 0);
        self.asm.cmp(gp::RCX, gp::RSP);
        self.asm.jump_if(If::Below, next);
        self.asm.mov(gp::RSP, gp::RCX);
        size
    }
    /// Puts in the size, where [`Gen::frame`] said, now that all places are known.
    pub fn frame_is(&mut self, at: usize) {
        self.asm.code[at..at + 4].copy_from_slice(&(PLACE * self.slots).to_le_bytes())
    }
    /// Is the frame no larger than a thread's stack can be expected to hold?
    pub fn fits(&self) -> bool {
        self.slots <= MOST / PLACE
    }
}
