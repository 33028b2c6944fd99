//! The register machine: programs whose values are all scalars of at most eight bytes.
//!
//! It runs the kernels of the block interpreter on single elements, so there is one definition of every operation. A register is a
//! word; an operand is an offset in bytes, so that a part of a complex number is an operand as it is.

use super::map::{Call, Code as Kernel};
use super::turns::TurnsKey;
use super::{Operand, Output, Outputs, When};
use crate::emit::Code;
use crate::emit::translate::Line;
use crate::isa::Isa;
use std::sync::Mutex;

/// Registers on the stack; programs with more take them from the heap.
const STACK: usize = 32;

/// A program of scalars. Registers: the arguments, then constants, then what is computed.
#[derive(Default)]
pub struct Registers {
    pub args: usize,
    /// The constants.
    pub fixed: Vec<u64>,
    /// Number of registers.
    pub cells: usize,
    pub calls: Vec<Call>,
    /// Offsets and bytes of the results.
    pub outs: Vec<(u32, usize)>,
    /// The whole program, if it is one call.
    pub one: Option<One>,
    /// The same for the emitter, which makes loops of it.
    pub flat: Flat,
}

/// A program of scalars as columns of one element.
#[derive(Default)]
pub struct Flat {
    pub isa: Option<Isa>,
    pub when: When,
    pub lines: Vec<Line>,
    /// Of a line that is not computed; `None` for others, and for what nobody reads.
    pub words: Vec<Option<FlatWord>>,
    /// The lines of the results.
    pub outs: Vec<u32>,
    /// Unlike that of any other program.
    pub id: u64,
    /// The loops that it is the body of, as machine code.
    pub turns: Mutex<Vec<(TurnsKey, Option<Code>)>>,
}
/// Where a line of [`Flat`] comes from.
#[derive(Clone, Copy)]
pub enum FlatWord {
    /// An argument, from this byte on.
    Arg(u32, u32),
    /// These bits.
    Const(u64),
}

/// A program of one call with one result.
pub struct One {
    code: Kernel,
    args: [Word; 3],
}
/// An operand of [`One`].
#[derive(Clone, Copy)]
enum Word {
    /// An argument, from this byte on.
    Arg(u32, u32),
    Fixed(u64),
}
impl One {
    /// The result's bits for arguments' bits.
    ///
    /// # Safety
    /// The processor has the kernels' instruction set.
    #[inline]
    pub unsafe fn word(&self, arg: impl Fn(usize) -> u64) -> u64 {
        let words = self.args.map(|w| match w {
            Word::Arg(i, byte) => arg(i as usize) >> (8 * byte),
            Word::Fixed(b) => b,
        });
        let at = |k: usize| (&raw const words[k]).cast::<u8>();
        let mut out = 0u64;
        // SAFETY: the caller's; the machine is little-endian, so the result's bytes are the low ones.
        unsafe { self.code.call((&raw mut out).cast(), at(0), at(1), at(2), 1) };
        out
    }
    /// # Safety
    /// As for [`Registers::run`].
    #[inline]
    unsafe fn run(&self, args: &[Operand]) -> Outputs {
        let arg = |i: usize| match args[i] {
            Operand::Bits(b) => b,
            Operand::Buffer(_) | Operand::Given(_) => 0,
        };
        // SAFETY: the caller's.
        Outputs::from_buf([Output::Bits(unsafe { self.word(arg) })])
    }
}

impl Registers {
    /// Looks whether the program is one call.
    pub fn simplify(&mut self) {
        let ([call], [(out, _)]) = (&self.calls[..], &self.outs[..]) else { return };
        if call.out != *out {
            return;
        }
        let word = |offset: u32| {
            let (cell, byte) = (offset / 8, offset % 8);
            match (cell as usize).checked_sub(self.args) {
                None => Word::Arg(cell, byte),
                Some(k) => Word::Fixed(self.fixed[k] >> (8 * byte)),
            }
        };
        self.one = Some(One { code: call.code, args: call.args.map(word) });
    }
    /// # Safety
    /// The operands are bits, as many as the program has arguments, and the processor has the kernels' instruction set.
    #[inline]
    pub unsafe fn run(&self, args: &[Operand]) -> Outputs {
        if let Some(one) = &self.one {
            // SAFETY: as below.
            return unsafe { one.run(args) };
        }
        if self.cells <= STACK {
            let mut cells = [const { std::mem::MaybeUninit::<u64>::uninit() }; STACK];
            // SAFETY: the caller's; there are enough registers.
            unsafe { self.run_in(cells.as_mut_ptr().cast(), args) }
        } else {
            let mut cells: Vec<u64> = Vec::with_capacity(self.cells);
            // SAFETY: as above.
            unsafe { self.run_in(cells.as_mut_ptr(), args) }
        }
    }

    /// # Safety
    /// As for [`Registers::run`]; there are `self.cells` registers.
    #[inline(always)]
    unsafe fn run_in(&self, cells: *mut u64, args: &[Operand]) -> Outputs {
        // SAFETY: offsets lie inside the registers; registers are written before they are read.
        unsafe {
            for (i, a) in args.iter().enumerate() {
                if let Operand::Bits(b) = a {
                    *cells.add(i) = *b;
                }
            }
            for (i, b) in self.fixed.iter().enumerate() {
                *cells.add(self.args + i) = *b;
            }
            let at = |offset: u32| cells.cast::<u8>().add(offset as usize);
            for c in &self.calls {
                c.code.call(at(c.out), at(c.args[0]), at(c.args[1]), at(c.args[2]), 1);
            }
            let mut outs = Outputs::new();
            for (offset, bytes) in &self.outs {
                let mut word = 0;
                std::ptr::copy_nonoverlapping(at(*offset), (&raw mut word).cast::<u8>(), *bytes);
                outs.push(Output::Bits(word));
            }
            outs
        }
    }
}
