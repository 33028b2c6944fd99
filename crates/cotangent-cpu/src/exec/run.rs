//! The driver: one flat list of steps over slots.

use super::access::Access;
use super::build::Place;
use super::constants::Constants;
use super::map::{Code, MapStep};
use super::{fold, index, library, line, order, place, strip, window};
use crate::Buffer;
use crate::dot::{Mat, add_dot, dot};
use smallvec::SmallVec;
use std::cell::{Cell, UnsafeCell};

/// One step of a run.
pub enum Step {
    /// Gives a slot a buffer of so many bytes: that of the argument, if the caller gave it away.
    Make(u32, usize, Option<u32>),
    /// Takes a slot's buffer back.
    Free(u32),
    Direct(Box<Direct>),
    Map(Box<MapStep>),
    Copy(Box<Copy>),
    Reduce(Box<fold::Reduce>),
    Prefix(Box<line::Prefix>),
    Extreme(Box<line::Extreme>),
    Sort(Box<order::Sort>),
    Top(Box<order::Top>),
    Slice(Box<index::Slice>),
    Update(Box<index::Update>),
    Concat(Box<index::Concat>),
    Gather(Box<index::Gather>),
    Scatter(Box<index::Scatter>),
    Dot(Box<place::Product>),
    Strip(Box<strip::Strip>),
    Conv(Box<window::Conv>),
    Fold(Box<window::Fold>),
    Pick(Box<window::Pick>),
    Put(Box<window::Put>),
    Lib(Box<library::LibStep>),
}

/// A step and its frame, for the threads that share the work.
pub struct Shared<'a, S>(&'a S, &'a Frame<'a>);
// SAFETY: what threads do with them is to read places and constants, and to write to memory behind pointers, each to its own elements: whoever shares a step gives each thread others.
unsafe impl<S: Sync> Sync for Shared<'_, S> {}
impl<'a, S> Shared<'a, S> {
    pub fn new(step: &'a S, frame: &'a Frame<'a>) -> Shared<'a, S> {
        Shared(step, frame)
    }
    /// As one, so that what a closure captures is this and not the frame in it.
    pub fn both(&self) -> (&'a S, &'a Frame<'a>) {
        (self.0, self.1)
    }
}

/// A map of one kernel whose operands lie in memory as it reads them, with the bytes to their first elements.
pub struct Direct {
    pub code: Code,
    pub out: (Place, isize),
    pub args: [(Place, isize); 3],
    pub len: usize,
}

/// A dense copy of an operand.
pub struct Copy {
    pub from: Place,
    pub to: Place,
    pub access: Access,
}

/// Memory of one value: a buffer, or up to eight bytes.
pub struct Slot {
    /// Where the value lies: in the buffer, or where a loop wants it.
    pub ptr: Cell<*mut u8>,
    /// Replaced only between steps.
    buffer: UnsafeCell<Buffer>,
    /// Written through a pointer while the frame is shared.
    cell: UnsafeCell<u64>,
}

/// What a run has in hand.
pub struct Frame<'a> {
    /// Where the arguments lie.
    pub args: &'a [*mut u8],
    pub consts: &'a Constants,
    pub slots: &'a [Slot],
    pub scratch: *mut u8,
    /// Where row 0 of the values of a strip would be.
    pub locals: SmallVec<[*mut u8; 8]>,
}

impl Slot {
    /// Without a buffer.
    pub fn new() -> Slot {
        Slot {
            ptr: Cell::new(std::ptr::null_mut()),
            buffer: UnsafeCell::new(Buffer::uninit(0)),
            cell: UnsafeCell::new(0),
        }
    }
}

impl<'a> Frame<'a> {
    /// Outside of strips.
    #[inline(always)]
    pub fn new(args: &'a [*mut u8], consts: &'a Constants, slots: &'a [Slot], scratch: *mut u8) -> Frame<'a> {
        Frame { args, consts, slots, scratch, locals: SmallVec::new() }
    }
    /// Start of the memory of a place. It is written only by the step that makes the value.
    #[inline(always)]
    pub fn at(&self, place: Place) -> *mut u8 {
        match place {
            Place::Arg(i) => self.args[i as usize],
            Place::Const(i) => self.consts.ptr(i).cast_mut(),
            Place::Slot(i) => self.slots[i as usize].ptr.get(),
            Place::Cell(i) => self.slots[i as usize].cell.get().cast(),
            Place::Scratch => self.scratch,
            Place::Local(i) => self.locals[i as usize],
            Place::Piece(i, at) => self.slots[i as usize].ptr.get().wrapping_add(at as usize),
        }
    }
    /// So many bytes behind the start of a place.
    #[inline(always)]
    pub fn spot(&self, (place, offset): (Place, isize)) -> *mut u8 {
        self.at(place).wrapping_offset(offset)
    }
    /// The buffer of a slot.
    #[inline]
    pub fn take(&mut self, slot: u32) -> Buffer {
        self.put(slot, Buffer::uninit(0))
    }
    /// Gives a slot another buffer.
    #[inline]
    fn put(&mut self, slot: u32, buffer: Buffer) -> Buffer {
        let to = &self.slots[slot as usize];
        to.ptr.set(buffer.ptr());
        // SAFETY: the frame is not shared now, and its slots belong to one run.
        unsafe { std::mem::replace(&mut *to.buffer.get(), buffer) }
    }
}

/// Runs the steps. `given` has the memory of arguments that were given away.
///
/// # Safety
/// The frame has the arguments, constants and slots that the steps were built for.
pub unsafe fn run(steps: &[Step], frame: &mut Frame, mut given: impl FnMut(u32) -> Option<Buffer>) {
    for step in steps {
        match step {
            Step::Make(slot, bytes, arg) => {
                let buffer = arg.and_then(&mut given).unwrap_or_else(|| Buffer::uninit(*bytes));
                drop(frame.put(*slot, buffer))
            }
            Step::Free(slot) => drop(frame.take(*slot)),
            // SAFETY: the caller's.
            step => unsafe { step.run(frame) },
        }
    }
}

impl Step {
    /// Does what it does between the taking of memory and its giving back.
    ///
    /// # Safety
    /// As for [`run`]; the memory of the slots is there.
    pub unsafe fn run(&self, frame: &Frame) {
        // SAFETY: the caller's; a checked program reads nothing outside its operands.
        unsafe {
            match self {
                Step::Make(..) | Step::Free(_) => {}
                Step::Direct(d) => {
                    let [a, b, c] = d.args;
                    d.code.call(frame.spot(d.out), frame.spot(a), frame.spot(b), frame.spot(c), d.len)
                }
                Step::Map(m) => m.run(frame),
                // an argument that was given away is there already
                Step::Copy(c) if frame.at(c.to) == frame.at(c.from) => {}
                Step::Copy(c) => c.access.copy_shared(frame.at(c.to), frame.at(c.from)),
                Step::Reduce(r) => r.run(frame),
                Step::Prefix(w) => w.run(frame),
                Step::Extreme(w) => w.run(frame),
                Step::Sort(w) => w.run(frame),
                Step::Top(w) => w.run(frame),
                Step::Slice(w) => w.run(frame),
                Step::Update(w) => w.run(frame),
                Step::Concat(w) => w.run(frame),
                Step::Gather(w) => w.run(frame),
                Step::Scatter(w) => w.run(frame),
                Step::Conv(w) => w.run(frame),
                Step::Fold(w) => w.run(frame),
                Step::Pick(w) => w.run(frame),
                Step::Put(w) => w.run(frame),
                Step::Lib(w) => w.run(frame),
                Step::Dot(w) => product(w, frame, 0, w.sizes[0]),
                Step::Strip(w) => w.run(frame),
            }
        }
    }
}

/// The products from one of a batch to another.
///
/// # Safety
/// The frame belongs to the program that the step was built from.
pub unsafe fn product(w: &place::Product, frame: &Frame, mut from: usize, to: usize) {
    let [_, m, n, k] = w.sizes;
    let [one, other] = w.even;
    while from < to {
        // as many as lie evenly
        let end = [one.0, other.0].map(|n| (from / n + 1) * n).into_iter().fold(to, usize::min);
        let mat = |(place, offset, [batch, row, col]): (Place, isize, [isize; 3]), (n, next): (usize, isize)| {
            let at = (from / n) as isize * next + (from % n) as isize * batch;
            let ptr = frame.spot((place, offset)).wrapping_offset(at * w.src.size() as isize);
            Mat { ptr, batch, row, col }
        };
        let (a, b) = (mat(w.a, one), mat(w.b, other));
        let out = frame.at(w.to).wrapping_add(from * m * n * w.out.size());
        // SAFETY: the caller's; a checked program reads nothing outside its operands.
        unsafe {
            match w.onto {
                true => add_dot(w.spec, w.src, w.sizes, a, b, out),
                false => dot(w.spec, w.src, w.out, [end - from, m, n, k], a, b, out),
            }
        }
        from = end
    }
}
