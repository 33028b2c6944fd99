//! Loops over arrays: the steps of one program turn after turn, over one frame.
//!
//! What a run of an executable does again each time is done once for the loop: operands are checked, slots get memory, results find their places. The
//! carry changes places with the slots that its next value is made in, elements of arrays are read where they lie, and what goes out is made where it is to
//! lie.

use super::access::copy;
use super::build::{Built, Out, Place, Single};
use super::constants::Constants;
use super::register::Registers;
use super::run::{Frame, Slot, Step};
use super::{BITS, Executable, Form, Operand, Output};
use crate::Buffer;
use crate::float::Arithmetic;

/// The elements of an array that goes into a loop, for each turn.
pub enum Rows<'a> {
    /// One after the other.
    Along(&'a [u8]),
    /// Each where it is.
    Each(Vec<&'a [u8]>),
}

/// A loop over arrays and scalars: a carry that goes from turn to turn, rows of arrays that come in, and results of each turn that go out.
pub struct ArrayLoop<'a> {
    /// Of its constants and the carry: whether there is another turn. Asked before each.
    pub cond: Option<(&'a Executable, &'a [Operand<'a>])>,
    /// Of constants, carry and rows: the next carry, and what goes out.
    pub body: &'a Executable,
    /// The body's constants.
    pub consts: &'a [Operand<'a>],
    /// The first carry.
    pub carry: &'a [Operand<'a>],
    /// How many turns: needed without a condition, and with rows.
    pub length: Option<usize>,
    /// Does it begin with the last row?
    pub reverse: bool,
    /// Arrays with a row for each turn.
    pub xs: &'a [Rows<'a>],
}
/// What a loop left: the last carry ([`Output::Arg`] counts in the first one), the number of turns, and the rows that went out, one after the other.
pub struct Turned {
    /// The last carry.
    pub carry: Vec<Output>,
    /// How many turns it took.
    pub turns: usize,
    /// What went out.
    pub ys: Vec<Buffer>,
}

/// What a turn runs.
enum Work<'a> {
    Steps(Vec<&'a Step>, &'a Constants),
    Single(&'a Single),
    Scalars(&'a Registers, Vec<u64>),
}
/// A program and its frame.
struct Drive<'a> {
    work: Work<'a>,
    /// Where the arguments lie, and what they are as bytes, for those that travel as bits.
    args: Vec<*mut u8>,
    sizes: &'a [usize],
    slots: Vec<Slot>,
    scratch: Buffer,
}

/// Where the next value of a carry is after a turn.
#[derive(Clone, Copy)]
enum Next {
    /// Where it was.
    Stay,
    /// In a slot, which gets the memory that is read no more.
    Swap(usize),
    /// In the row that goes out.
    Row(usize),
    Copy(Place, usize),
    Word(Place, usize),
}
/// How a row gets to its place.
#[derive(Clone, Copy)]
enum Goes {
    /// It is made there: this slot is there.
    Made(usize),
    Copy(Place),
}

/// Rows that go out, of so many bytes. Where nobody knows how many there will be, they are in pieces.
struct Grown {
    row: usize,
    pieces: Vec<Buffer>,
    /// The number of the last piece's first row, and how many rows it has room for.
    first: usize,
    room: usize,
}
impl Grown {
    fn new(row: usize, rows: usize) -> Grown {
        Grown { row, pieces: vec![Buffer::uninit(row * rows)], first: 0, room: rows }
    }
    fn at(&mut self, i: usize) -> *mut u8 {
        if i >= self.first + self.room {
            (self.first, self.room) = (i, (2 * self.room).max(16));
            self.pieces.push(Buffer::uninit(self.row * self.room))
        }
        self.pieces.last().expect("a piece").ptr().wrapping_add((i - self.first) * self.row)
    }
    /// The first `n` rows, which have all been written.
    fn whole(mut self, n: usize) -> Buffer {
        if self.pieces.len() == 1 && self.room == n {
            return self.pieces.remove(0);
        }
        let to = Buffer::uninit(self.row * n);
        let mut at = 0;
        for p in &self.pieces {
            let bytes = p.len().min(to.len() - at);
            // SAFETY: both have so many bytes.
            unsafe { std::ptr::copy_nonoverlapping(p.ptr(), to.ptr().wrapping_add(at), bytes) };
            at += bytes
        }
        to
    }
}

impl<'a> Drive<'a> {
    /// The frame, its slots without memory, for operands to be put in place.
    fn new(e: &'a Executable) -> Drive<'a> {
        let (work, slots, scratch) = match &e.form {
            Form::Scalar(r) => (Work::Scalars(r, r.start(&[])), 0, 0),
            Form::Single(s) => (Work::Single(s), 1, 0),
            Form::Steps(b) => {
                let steps = b.steps.iter().filter(|s| !matches!(s, Step::Make(..) | Step::Free(_))).collect();
                (Work::Steps(steps, &b.consts), b.slots, b.scratch)
            }
        };
        Drive {
            work,
            args: vec![std::ptr::null_mut(); e.args.len()],
            sizes: &e.args,
            slots: (0..slots).map(|_| Slot::new()).collect(),
            scratch: Buffer::uninit(scratch),
        }
    }
    /// The most bytes that each slot has, those that it has in the end, and whether that is always as many.
    fn memory(&self, e: &Executable) -> (Vec<usize>, Vec<usize>, Vec<bool>) {
        let (mut most, mut last) = (vec![0; self.slots.len()], vec![0; self.slots.len()]);
        let mut even = vec![true; self.slots.len()];
        match &e.form {
            Form::Scalar(_) => {}
            Form::Single(s) => (most, last) = (vec![s.bytes], vec![s.bytes]),
            Form::Steps(b) => {
                for step in &b.steps {
                    if let Step::Make(slot, bytes, _) = step {
                        let slot = *slot as usize;
                        even[slot] &= most[slot] == 0 || most[slot] == *bytes;
                        (most[slot], last[slot]) = (most[slot].max(*bytes), *bytes)
                    }
                }
            }
        }
        (most, last, even)
    }
    fn operands(&mut self, first: usize, x: &[Operand]) {
        for (to, x) in self.args[first..].iter_mut().zip(x) {
            *to = super::pointer(x, &[])
        }
    }
    /// # Safety
    /// The operands and the slots' memory are in place, with the sizes that the program has.
    #[inline]
    unsafe fn turn(&mut self) {
        // SAFETY: the caller's.
        unsafe {
            match &mut self.work {
                Work::Steps(steps, consts) => {
                    let frame = Frame::new(&self.args, consts, &self.slots, self.scratch.ptr());
                    for s in steps {
                        s.run(&frame)
                    }
                }
                Work::Single(s) => s.call(|i| self.args[i].cast_const(), self.slots[0].ptr.get()),
                Work::Scalars(r, cells) => {
                    for ((cell, from), size) in cells.iter_mut().zip(&self.args).zip(self.sizes) {
                        *cell = word(*from, size - BITS)
                    }
                    r.turn(cells);
                }
            }
        }
    }
    /// Where something is after a turn.
    fn at(&mut self, place: Place) -> *mut u8 {
        match (&self.work, place) {
            (_, Place::Arg(i)) => self.args[i as usize],
            (_, Place::Slot(i)) => self.slots[i as usize].ptr.get(),
            (Work::Steps(_, consts), _) => Frame::new(&[], consts, &self.slots, std::ptr::null_mut()).at(place),
            _ => unreachable!("one kernel makes one array"),
        }
    }
}

/// Up to eight bytes as the low ones of a word.
///
/// # Safety
/// They are there.
#[inline(always)]
unsafe fn word(from: *const u8, bytes: usize) -> u64 {
    let mut word = 0u64;
    // SAFETY: the caller's; the machine is little-endian.
    unsafe {
        match bytes {
            4 => word = from.cast::<u32>().read_unaligned().into(),
            8 => word = from.cast::<u64>().read_unaligned(),
            n => std::ptr::copy_nonoverlapping(from, (&raw mut word).cast(), n),
        }
    }
    word
}

/// What a program's results are: [`Single`] has one.
fn results(e: &Executable) -> &[Out] {
    match &e.form {
        Form::Single(_) => &[Out::Take(0)],
        Form::Steps(Built { outs, .. }) => outs,
        Form::Scalar(_) => &[],
    }
}

impl ArrayLoop<'_> {
    /// Runs the turns. None, if the body has nothing but scalars ([`ScalarLoop`](super::ScalarLoop) is for that).
    ///
    /// # Panics
    /// If the operands are not of the number, kinds and lengths of the programs' arguments, or if the carry changes its type.
    pub fn run(&self) -> Option<Turned> {
        if let Form::Scalar(_) = self.body.form {
            return None;
        }
        let (nc, nk) = (self.consts.len(), self.carry.len());
        assert!(self.length.is_some() || self.cond.is_some() && self.xs.is_empty(), "when the loop ends");
        let n = self.length.unwrap_or(0);
        let sizes = &self.body.args;
        assert!(sizes.len() == nc + nk + self.xs.len(), "{} operands of the body", sizes.len());
        super::check(&sizes[..nc], self.consts, &[]);
        super::check(&sizes[nc..nc + nk], self.carry, &[]);
        let bytes = |size: &usize| if *size >= BITS { *size - BITS } else { *size };
        for (x, size) in self.xs.iter().zip(&sizes[nc + nk..]) {
            let row = bytes(size);
            assert!(
                match x {
                    Rows::Along(b) => b.len() == n * row,
                    Rows::Each(rows) => rows.len() == n && rows.iter().all(|r| r.len() == row),
                },
                "a row of {row} bytes for each of {n} turns"
            )
        }
        let _arithmetic = Arithmetic::enter();
        let mut body = Drive::new(self.body);
        let mut cond = self.cond.map(|(e, consts)| {
            assert!(e.args.len() == consts.len() + nk, "{} operands of the condition", e.args.len());
            super::check(&e.args[..consts.len()], consts, &[]);
            assert!(e.args[consts.len()..] == sizes[nc..nc + nk], "the condition is of the carry");
            let mut drive = Drive::new(e);
            drive.operands(0, consts);
            let (most, ..) = drive.memory(e);
            let held: Vec<Buffer> = most.iter().map(|b| Buffer::uninit(*b)).collect();
            drive.slots.iter_mut().zip(&held).for_each(|(s, b)| s.ptr.set(b.ptr()));
            (drive, held, consts.len(), truth(e))
        });

        // where results are made, and of how many bytes
        let outs = results(self.body);
        let (most, last, even) = body.memory(self.body);
        let size_of = |out: &Out| match out {
            Out::Arg(i) => bytes(&sizes[*i as usize]),
            Out::Take(s) => last[*s as usize],
            Out::Copy(_, bytes) | Out::Bits(_, bytes) => *bytes,
        };
        assert!(outs.len() >= nk, "a next value for each carry");
        for (out, size) in outs.iter().zip(&sizes[nc..nc + nk]) {
            assert!((size_of(out), matches!(out, Out::Bits(..))) == (bytes(size), *size >= BITS), "a carry of one type")
        }
        let place_of = |out: &Out| match out {
            Out::Arg(i) => Place::Arg(*i),
            Out::Take(s) => Place::Slot(*s),
            Out::Copy(place, _) | Out::Bits(place, _) => *place,
        };
        // Whatever else is made in the slot before must find room in a row, and be aligned there.
        let fits = |s: usize| most[s] == last[s] && (even[s] || last[s].is_multiple_of(16));
        let goes: Vec<Goes> = (outs[nk..].iter())
            .map(|out| match out {
                Out::Take(s) if fits(*s as usize) => Goes::Made(*s as usize),
                out => Goes::Copy(place_of(out)),
            })
            .collect();
        let written: Vec<bool> = (nc..nc + nk).map(|i| self.body.written().contains(&(i as u32))).collect();
        let all = self.body.written().iter().all(|i| (nc..nc + nk).contains(&(*i as usize)));
        assert!(all && self.cond.is_none_or(|c| c.0.written().is_empty()), "only the carry is written over");
        let row_in = |s: u32| goes.iter().position(|g| matches!(g, Goes::Made(made) if *made == s as usize));
        let next: Vec<Next> = (outs[..nk].iter().enumerate())
            .map(|(k, out)| {
                let own = Place::Arg((nc + k) as u32);
                match *out {
                    Out::Take(s) => Next::Swap(s as usize),
                    _ if place_of(out) == own => Next::Stay,
                    Out::Bits(place, bytes) => Next::Word(place, bytes),
                    Out::Copy(Place::Slot(s), _) if row_in(s).is_some() && !written[k] => {
                        Next::Row(row_in(s).expect("a row"))
                    }
                    _ => Next::Copy(place_of(out), size_of(out)),
                }
            })
            .collect();
        let mut ys: Vec<Grown> =
            outs[nk..].iter().map(|out| Grown::new(size_of(out), if self.length.is_some() { n } else { 16 })).collect();

        // memory: every block is in one place at a time, a slot or a carry
        let mut held: Vec<Buffer> = most.iter().map(|b| Buffer::uninit(*b)).collect();
        body.slots.iter_mut().zip(&held).for_each(|(s, b)| s.ptr.set(b.ptr()));
        body.operands(0, self.consts);
        body.operands(nc, self.carry);
        let (mut words, mut fresh) = (vec![0u64; nk], vec![0u64; nk]);
        let words = words.as_mut_ptr();
        let mut spare: Vec<*mut u8> = vec![std::ptr::null_mut(); nk];
        for (k, x) in self.carry.iter().enumerate() {
            if let Operand::Bits(b) = x {
                // SAFETY: there are `nk` words.
                unsafe { *words.add(k) = *b };
                body.args[nc + k] = words.wrapping_add(k).cast()
            }
            // the first carry is the caller's, and not to be written
            if let (Operand::Buffer(b), true) = (x, written[k] && self.length != Some(0)) {
                held.push(Buffer::from_bytes(b.as_bytes()));
                body.args[nc + k] = held[held.len() - 1].ptr()
            }
            if let Next::Copy(_, bytes) = next[k] {
                held.push(Buffer::uninit(bytes));
                spare[k] = held[held.len() - 1].ptr()
            }
        }
        // Kernels want elements where their type may be: what lies elsewhere is copied.
        let mut there = |b: &[u8]| -> *const u8 {
            if b.as_ptr().addr().is_multiple_of(16) {
                return b.as_ptr();
            }
            held.push(Buffer::from_bytes(b));
            held[held.len() - 1].ptr()
        };
        let rows: Vec<(usize, Vec<*const u8>)> = (self.xs.iter().zip(&sizes[nc + nk..]))
            .map(|(x, size)| match x {
                Rows::Along(b) => (bytes(size), vec![there(b)]),
                Rows::Each(rows) => (0, rows.iter().map(|r| there(r)).collect()),
            })
            .collect();

        let mut turn = 0;
        while self.length.is_none_or(|n| turn < n) {
            if let Some((cond, _, first, truth)) = &mut cond {
                cond.args[*first..].copy_from_slice(&body.args[nc..nc + nk]);
                // SAFETY: sizes were checked above, and the slots have memory.
                let on = unsafe {
                    cond.turn();
                    match truth {
                        Some(place) => *cond.at(*place) != 0,
                        None => match &cond.work {
                            Work::Scalars(r, cells) => r.out(cells, 0) != 0,
                            _ => unreachable!("a condition of scalars"),
                        },
                    }
                };
                if !on {
                    break;
                }
            }
            let i = if self.reverse && self.length.is_some() { n - 1 - turn } else { turn };
            for (to, (row, at)) in body.args[nc + nk..].iter_mut().zip(&rows) {
                *to = if let [at] = at[..] { at.wrapping_add(row * i) } else { at[i] }.cast_mut()
            }
            for (y, goes) in ys.iter_mut().zip(&goes) {
                let at = y.at(i);
                if let Goes::Made(s) = goes {
                    body.slots[*s].ptr.set(at)
                }
            }
            // SAFETY: sizes were checked above; whatever a slot has memory of is as large as its largest value, and nothing else lies there.
            unsafe { body.turn() };
            // everything is read before anything is put in its place
            for (y, goes) in ys.iter_mut().zip(&goes) {
                if let Goes::Copy(place) = goes {
                    let (from, to, row) = (body.at(*place), y.at(i), y.row);
                    // SAFETY: the result and the row have so many bytes.
                    unsafe { copy(to, from, row) }
                }
            }
            for (k, next) in next.iter().enumerate() {
                match *next {
                    // SAFETY: the result has so many bytes, at most eight.
                    Next::Word(place, bytes) => fresh[k] = unsafe { word(body.at(place), bytes) },
                    // SAFETY: the result and the block have so many bytes, and nobody reads the block.
                    Next::Copy(place, bytes) => unsafe { copy(spare[k], body.at(place), bytes) },
                    _ => {}
                }
            }
            for (k, next) in next.iter().enumerate() {
                let at = nc + k;
                match *next {
                    Next::Stay => {}
                    // SAFETY: there are `nk` words.
                    Next::Word(..) => unsafe { *words.add(k) = fresh[k] },
                    Next::Row(y) => {
                        let Goes::Made(s) = goes[y] else { unreachable!("a row that is made in its place") };
                        body.args[at] = body.slots[s].ptr.get()
                    }
                    Next::Swap(_) | Next::Copy(..) => {
                        let other = if let Next::Swap(s) = *next { body.slots[s].ptr.get_mut() } else { &mut spare[k] };
                        std::mem::swap(other, &mut body.args[at]);
                        if turn == 0 {
                            // the memory of the first carry may be too small, and the caller's
                            let bytes = if let Next::Swap(s) = *next { most[s] } else { bytes(&sizes[at]) };
                            held.push(Buffer::uninit(bytes));
                            *other = held[held.len() - 1].ptr()
                        }
                    }
                }
            }
            turn += 1
        }

        let carry = (0..nk)
            .map(|k| {
                let (at, size) = (body.args[nc + k], sizes[nc + k]);
                if size >= BITS {
                    // SAFETY: there are `nk` words.
                    return Output::Bits(unsafe { *words.add(k) });
                }
                if turn == 0 || matches!(next[k], Next::Stay) && !written[k] {
                    return Output::Arg(k as u32);
                }
                match held.iter().position(|b| b.ptr() == at && b.len() == size && size > 0) {
                    Some(b) => Output::Buffer(held.swap_remove(b)),
                    // SAFETY: so many bytes of the carry are there.
                    None => Output::Buffer(Buffer::from_bytes(unsafe { std::slice::from_raw_parts(at, size) })),
                }
            })
            .collect();
        Some(Turned { carry, turns: turn, ys: ys.into_iter().map(|y| y.whole(turn)).collect() })
    }
}

/// Where the truth value of a condition is.
///
/// # Panics
/// If it is no program of one byte.
fn truth(e: &Executable) -> Option<Place> {
    if let Form::Scalar(r) = &e.form {
        assert!(matches!(r.outs[..], [(_, 1)]), "a truth value");
        return None;
    }
    match results(e) {
        [Out::Bits(place, 1)] => Some(*place),
        _ => panic!("a truth value"),
    }
}
