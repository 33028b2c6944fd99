//! Loops over scalars: the register machine's program again and again, over registers that stay where they are.

use super::register::Registers;
use super::{Executable, Form};

/// A loop whose programs have nothing but scalars: a carry that goes from turn to turn, elements of arrays that come in, and results of each
/// turn that go out. All by the convention of [`Operand::Bits`](super::Operand::Bits).
pub struct ScalarLoop<'a> {
    /// Of its constants and the carry: whether there is another turn. Asked before each.
    pub cond: Option<(&'a Executable, &'a [u64])>,
    /// Of constants, carry and elements: the next carry, and what goes out.
    pub body: &'a Executable,
    /// The body's constants.
    pub consts: &'a [u64],
    /// How many turns: needed without a condition, and with elements.
    pub length: Option<usize>,
    /// Does it begin with the last element?
    pub reverse: bool,
    /// Arrays of as many elements as there are turns: their bytes, and those of an element.
    pub xs: &'a [(&'a [u8], usize)],
}

impl Executable {
    fn registers(&self) -> Option<&Registers> {
        match &self.form {
            Form::Scalar(r) => Some(r),
            _ => None,
        }
    }
    /// Has it nothing but scalars, so that it can be a part of a [`ScalarLoop`]?
    pub fn is_scalar(&self) -> bool {
        self.registers().is_some()
    }
}

impl ScalarLoop<'_> {
    /// Runs the turns over the carry, and returns their number and, for each result beside the carry, the bytes of its elements.
    ///
    /// # Panics
    /// If a program is not [scalar](Executable::is_scalar), if the numbers of operands and results do not fit, or if an array has too few elements.
    pub fn run(&self, carry: &mut [u64]) -> (usize, Vec<Vec<u8>>) {
        let body = self.body.registers().expect("a body of scalars");
        let (nc, nk) = (self.consts.len(), carry.len());
        assert!(body.args == nc + nk + self.xs.len() && body.outs.len() >= nk, "the body's operands and results");
        assert!(self.length.is_some() || self.cond.is_some() && self.xs.is_empty(), "when the loop ends");
        let n = self.length.unwrap_or(0);
        for (bytes, width) in self.xs {
            assert!((1..=8).contains(width) && bytes.len() == n * width, "an element for each turn")
        }
        let cond = self.cond.map(|(cond, consts)| {
            let r = cond.registers().expect("a condition of scalars");
            assert!(r.args == consts.len() + nk && r.outs.len() == 1, "the condition's operands and result");
            (r, r.start(consts), consts.len())
        });
        let (mut cond, mut cells) = (cond, body.start(self.consts));
        cells[nc..nc + nk].copy_from_slice(carry);
        let widths: Vec<usize> = body.outs[nk..].iter().map(|o| o.1).collect();
        let mut ys: Vec<Vec<u8>> = widths.iter().map(|w| vec![0; n * w]).collect();
        let mut turn = 0;
        loop {
            if self.length.is_some_and(|n| turn == n) {
                break;
            }
            if let Some((r, own, at)) = &mut cond {
                own[*at..*at + nk].copy_from_slice(&cells[nc..nc + nk]);
                // SAFETY: the registers are those of this program, with its operands in place.
                if unsafe { r.turn(own) } == 0 {
                    break;
                }
            }
            let i = if self.reverse && self.length.is_some() { n - 1 - turn } else { turn };
            for (k, (bytes, width)) in self.xs.iter().enumerate() {
                cells[nc + nk + k] = word(bytes, i, *width)
            }
            // SAFETY: as above.
            unsafe { body.turn(&mut cells) };
            for (k, y) in ys.iter_mut().enumerate() {
                if self.length.is_none() {
                    y.resize((turn + 1) * widths[k], 0)
                }
                put(y, i, widths[k], body.out(&cells, nk + k))
            }
            // all are read before the first is written
            for (k, c) in carry.iter_mut().enumerate() {
                *c = body.out(&cells, k)
            }
            cells[nc..nc + nk].copy_from_slice(carry);
            turn += 1
        }
        (turn, ys)
    }
}
/// The element number `i` of so many bytes. Most have four or eight, which are copied without a loop.
#[inline(always)]
fn word(bytes: &[u8], i: usize, width: usize) -> u64 {
    match width {
        4 => u32::from_le_bytes(*bytes[4 * i..].first_chunk().expect("four bytes")).into(),
        8 => u64::from_le_bytes(*bytes[8 * i..].first_chunk().expect("eight bytes")),
        _ => bytes[i * width..(i + 1) * width].iter().rev().fold(0, |w, b| w << 8 | u64::from(*b)),
    }
}
/// Writes it.
#[inline(always)]
fn put(bytes: &mut [u8], i: usize, width: usize, word: u64) {
    match width {
        4 => *bytes[4 * i..].first_chunk_mut().expect("four bytes") = (word as u32).to_le_bytes(),
        8 => *bytes[8 * i..].first_chunk_mut().expect("eight bytes") = word.to_le_bytes(),
        _ => bytes[i * width..(i + 1) * width].copy_from_slice(&word.to_le_bytes()[..width]),
    }
}

impl Registers {
    /// Registers with the constants, and with the first operands, in place.
    fn start(&self, operands: &[u64]) -> Vec<u64> {
        let mut cells = vec![0; self.cells.max(self.args + self.fixed.len())];
        cells[..operands.len()].copy_from_slice(operands);
        cells[self.args..self.args + self.fixed.len()].copy_from_slice(&self.fixed);
        cells
    }
    /// Runs the program once; the bits of the first result, if it has results.
    ///
    /// # Safety
    /// `cells` come from `start` of this program, and its operands are in place.
    #[inline(always)]
    unsafe fn turn(&self, cells: &mut [u64]) -> u64 {
        let base = cells.as_mut_ptr().cast::<u8>();
        for c in &self.calls {
            // SAFETY: offsets lie inside the registers, and each kernel was chosen for this processor and one element; a result overlaps no
            // operand, for every call has registers of its own.
            unsafe {
                let at = |offset: u32| base.add(offset as usize);
                c.code.call(at(c.out), at(c.args[0]), at(c.args[1]), at(c.args[2]), 1)
            }
        }
        if self.outs.is_empty() { 0 } else { self.out(cells, 0) }
    }
    /// The bits of a result.
    #[inline(always)]
    fn out(&self, cells: &[u64], k: usize) -> u64 {
        let (offset, bytes) = self.outs[k];
        let word = cells[offset as usize / 8] >> (8 * (offset % 8));
        if bytes == 8 { word } else { word & ((1 << (8 * bytes)) - 1) }
    }
}
