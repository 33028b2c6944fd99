//! The driver: one flat list of steps over slots.

use super::build::{Place, Step, Work};
use super::{Operand, fold};
use crate::Buffer;
use crate::dot::{Mat, dot};
use smallvec::SmallVec;
use std::cell::UnsafeCell;

/// Memory of one value: a buffer, or up to eight bytes.
pub struct Slot {
    pub buffer: Buffer,
    /// Written through a pointer while the frame is shared.
    pub cell: UnsafeCell<u64>,
}

/// What a run has in hand.
pub struct Frame<'a> {
    pub args: &'a [Operand<'a>],
    pub consts: &'a [[u64; 2]],
    pub slots: SmallVec<[Slot; 8]>,
}

impl Frame<'_> {
    /// Start of the memory of a place. It is written only by the step that makes the value.
    #[inline]
    pub fn at(&self, place: Place) -> *mut u8 {
        match place {
            Place::Arg(i) => match &self.args[i as usize] {
                Operand::Bits(b) => std::ptr::from_ref(b).cast::<u8>().cast_mut(),
                Operand::Buffer(b) => b.ptr(),
            },
            Place::Const(i) => self.consts[i as usize].as_ptr().cast::<u8>().cast_mut(),
            Place::Slot(i) => self.slots[i as usize].buffer.ptr(),
            Place::Cell(i) => self.slots[i as usize].cell.get().cast(),
        }
    }
}

/// Runs the steps.
///
/// # Safety
/// The frame has the arguments and slots that the steps were built for.
pub unsafe fn run(steps: &[Step], frame: &mut Frame) {
    for step in steps {
        for (slot, bytes) in &step.makes {
            frame.slots[*slot as usize].buffer = Buffer::uninit(*bytes);
        }
        for slot in &step.cells {
            frame.slots[*slot as usize].cell = UnsafeCell::new(0);
        }
        // SAFETY: the caller's; a checked program reads nothing outside its operands.
        unsafe {
            match &step.work {
                Work::Map(m) => m.run(frame),
                Work::Copy(c) => c.access.copy(frame.at(c.to), frame.at(c.from)),
                Work::Reduce(r) => fold::run(r, frame),
                Work::Prefix(w) => w.run(frame),
                Work::Extreme(w) => w.run(frame),
                Work::Slice(w) => w.run(frame),
                Work::Update(w) => w.run(frame),
                Work::Concat(w) => w.run(frame),
                Work::Gather(w) => w.run(frame),
                Work::Scatter(w) => w.run(frame),
                Work::Dot(w) => {
                    let mat = |(place, offset, [batch, row, col]): (Place, isize, [isize; 3])| Mat {
                        ptr: frame.at(place).wrapping_offset(offset),
                        batch,
                        row,
                        col,
                    };
                    dot(w.spec, w.src, w.out, w.sizes, mat(w.a), mat(w.b), frame.at(w.to));
                }
            }
        }
        for slot in &step.frees {
            frame.slots[*slot as usize].buffer = Buffer::uninit(0);
        }
    }
}
