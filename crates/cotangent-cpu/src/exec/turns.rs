//! Loops over scalars: the register machine's program again and again, over registers that stay where they are.

use super::register::{Flat, FlatWord, Registers};
use super::what::What;
use super::{Executable, Form, When};
use crate::emit::ir::{Carried, I, Ir, Ty};
use crate::emit::translate::{Source, Translate};
use crate::emit::{Code, Loop, code, listing};
use crate::float::Arithmetic;
use crate::isa::Isa;

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
    /// Arrays of as many rows as there are turns: their bytes, those of an element, and how many elements a row has, each of which is an operand.
    pub xs: &'a [(&'a [u8], usize, usize)],
    /// How many of the further results, which are of one type, make a row of each array that goes out.
    pub ys: &'a [usize],
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
    /// Is there machine code for it?
    pub fn is_compiled(&self, carry: usize) -> bool {
        let of = |e: &Executable| e.registers().is_some();
        of(self.body) && self.cond.is_none_or(|c| of(c.0)) && emitted(self, carry, &self.rows(carry)).is_some()
    }
    /// The machine code as text; else why there is none. Only the numbers and the types of what the loop is given matter, and whether it has a length.
    pub fn text(&self, carry: usize) -> Result<String, String> {
        let (Some(body), true) = (self.body.registers(), self.cond.is_none_or(|c| c.0.is_scalar())) else {
            return Err("no machine code: it has arrays".into());
        };
        let isa = body.flat.isa.unwrap_or(Isa::Portable);
        super::assembly::why_none(body.flat.when, isa).map_or(Ok(()), Err)?;
        let Some((ir, calls)) = ir(self, isa, carry, &self.rows(carry)) else {
            return Err("no machine code: it has something that there is none for".into());
        };
        let calls = calls.into_iter().map(|(at, what)| (at, what.to_string())).collect();
        let ys = STREAMS + self.xs.len() as u32;
        let entry = |e: u32| match e {
            CARRY => "the carry".into(),
            CONSTS => "a constant".into(),
            CONDS => "a constant of the condition".into(),
            e if e < ys => format!("xs {}", e - STREAMS),
            e => format!("ys {}", e - ys),
        };
        listing::text(&ir, isa, self.kind(), &listing::Notes { calls, entry: &entry })
    }
    fn kind(&self) -> Loop {
        Loop::Turns { reverse: self.reverse && self.length.is_some(), carry: CARRY }
    }
    /// Bytes of the elements of each array that goes out, and of its rows.
    fn rows(&self, carry: usize) -> Vec<(usize, usize)> {
        let outs = self.body.registers().map_or(&[][..], |r| &r.outs[carry..]);
        let mut at = 0;
        let row = |n: &usize| {
            let width = outs.get(at).map_or(1, |o| o.1);
            assert!(outs[at..at + n].iter().all(|o| o.1 == width), "elements of one row");
            at += n;
            (width, n * width)
        };
        self.ys.iter().map(row).collect()
    }
    /// Runs the turns over the carry, and returns their number and the bytes of the arrays that go out.
    ///
    /// # Panics
    /// If a program is not [scalar](Executable::is_scalar), if the numbers of operands and results do not fit, or if an array has too few elements.
    pub fn run(&self, carry: &mut [u64]) -> (usize, Vec<Vec<u8>>) {
        let body = self.body.registers().expect("a body of scalars");
        let (nc, nk) = (self.consts.len(), carry.len());
        let (nx, ny) = (self.xs.iter().map(|x| x.2).sum::<usize>(), self.ys.iter().sum::<usize>());
        assert!(body.args == nc + nk + nx && body.outs.len() == nk + ny, "the body's operands and results");
        assert!(self.length.is_some() || self.cond.is_some() && self.xs.is_empty(), "when the loop ends");
        let n = self.length.unwrap_or(0);
        let _arithmetic = Arithmetic::enter();
        for (bytes, width, count) in self.xs {
            assert!((1..=8).contains(width) && bytes.len() == n * width * count, "a row for each turn")
        }
        let cond = self.cond.map(|(cond, consts)| {
            let r = cond.registers().expect("a condition of scalars");
            assert!(r.args == consts.len() + nk && r.outs.len() == 1, "the condition's operands and result");
            (r, r.start(consts), consts.len())
        });
        let (mut cond, mut cells) = (cond, body.start(self.consts));
        cells[nc..nc + nk].copy_from_slice(carry);
        let rows = self.rows(nk);
        let mut ys: Vec<Vec<u8>> = rows.iter().map(|r| vec![0; n * r.1]).collect();
        let mut turn = 0;
        let backwards = self.reverse && self.length.is_some();
        let emitted = emitted(self, carry.len(), &rows);
        // Without a length results grow; for machine code there is room for some turns at a time.
        let mut room = n;
        loop {
            if self.length.is_some_and(|n| turn == n) {
                break;
            }
            if let Some(code) = &emitted {
                if self.length.is_none() {
                    room = if ys.is_empty() { usize::MAX / 2 } else { (2 * turn).max(64) };
                    ys.iter_mut().zip(&rows).for_each(|(y, r)| y.resize(room * r.1, 0));
                }
                // The pointers of streams: of the first row, or of the last.
                let last = |w: usize| if backwards { (n - 1) * w } else { 0 };
                let mut table: Vec<*mut u8> = vec![
                    carry.as_mut_ptr().cast(),
                    self.consts.as_ptr().cast_mut().cast(),
                    self.cond.map_or(std::ptr::null_mut(), |c| c.1.as_ptr().cast_mut().cast()),
                ];
                table.extend(self.xs.iter().map(|(x, w, m)| x.as_ptr().wrapping_add(last(w * m)).cast_mut()));
                table.extend(ys.iter_mut().zip(&rows).map(|(y, r)| y.as_mut_ptr().wrapping_add(last(r.1))));
                // SAFETY: the code was made of these programs for these numbers of words and elements, which are there, and `room` results are.
                let stop = unsafe { code.run(table.as_ptr(), room, turn) };
                turn = stop.at as usize;
                match stop.why {
                    0 => continue,
                    2 => break,
                    // something rare: this turn is interpreted
                    _ => {}
                }
                cells[nc..nc + nk].copy_from_slice(carry)
            }
            if let Some((r, own, at)) = &mut cond {
                own[*at..*at + nk].copy_from_slice(carry);
                // SAFETY: the registers are those of this program, with its operands in place.
                if unsafe { r.turn(own) } == 0 {
                    break;
                }
            }
            let i = if backwards { n - 1 - turn } else { turn };
            let mut at = nc + nk;
            for (bytes, width, count) in self.xs {
                for e in i * count..(i + 1) * count {
                    cells[at] = word(bytes, e, *width);
                    at += 1
                }
            }
            // SAFETY: as above.
            unsafe { body.turn(&mut cells) };
            let mut at = nk;
            for ((y, (width, row)), count) in ys.iter_mut().zip(&rows).zip(self.ys) {
                if y.len() < (i + 1) * row {
                    y.resize((i + 1) * row, 0)
                }
                for e in i * count..(i + 1) * count {
                    put(y, e, *width, body.out(&cells, at));
                    at += 1
                }
            }
            // all are read before the first is written
            for (k, c) in carry.iter_mut().enumerate() {
                *c = body.out(&cells, k)
            }
            cells[nc..nc + nk].copy_from_slice(carry);
            turn += 1
        }
        if self.length.is_none() {
            ys.iter_mut().zip(&rows).for_each(|(y, r)| y.truncate(turn * r.1));
        }
        (turn, ys)
    }
}

/// Entries of the pointer table: carried words, the body's constants, the condition's, elements and results.
const CARRY: u32 = 0;
const CONSTS: u32 = 1;
const CONDS: u32 = 2;
const STREAMS: u32 = 3;

/// The loop as machine code, if there is such.
fn emitted(turns: &ScalarLoop, nk: usize, rows: &[(usize, usize)]) -> Option<Code> {
    let body = turns.body.registers()?;
    let isa = body.flat.isa.filter(|_| body.flat.when != When::Never)?;
    let kind = turns.kind();
    let key = TurnsKey {
        cond: turns.cond.map(|(c, consts)| (c.registers().map_or(0, |r| r.flat.id), consts.len())),
        consts: turns.consts.len(),
        kind,
        xs: turns.xs.iter().map(|x| (x.1, x.2)).collect(),
        ys: turns.ys.into(),
        carry: nk,
    };
    let mut known = body.flat.turns.lock().unwrap_or_else(|e| e.into_inner());
    if let Some((_, code)) = known.iter().find(|k| k.0 == key) {
        return *code;
    }
    let code = ir(turns, isa, nk, rows).and_then(|(ir, _)| code(ir, isa, kind));
    known.push((key, code));
    code
}
/// What a loop of one program depends on beside it.
#[derive(PartialEq, Eq)]
pub struct TurnsKey {
    cond: Option<(u64, usize)>,
    consts: usize,
    kind: Loop,
    xs: Box<[(usize, usize)]>,
    ys: Box<[usize]>,
    carry: usize,
}

/// The program for the emitter, and its calls: before which instruction each of them begins.
fn ir(turns: &ScalarLoop, isa: Isa, nk: usize, rows: &[(usize, usize)]) -> Option<(Ir, Vec<(u32, What)>)> {
    // the array and the byte in its row of every operand that is an element
    let elements: Vec<(usize, usize)> = (turns.xs.iter().enumerate())
        .flat_map(|(k, (_, width, count))| (0..*count).map(move |e| (k, e * width)))
        .collect();
    let mut t = Translate::new(isa);
    let source = |flat: &Flat, i: usize, consts: u32, nc: usize, nx: usize| {
        Some(match flat.words[i]? {
            FlatWord::Const(bits) => Source::Const(bits),
            FlatWord::Arg(a, at) if (a as usize) < nc => Source::Splat(consts, 8 * a + at),
            FlatWord::Arg(a, at) if (a as usize) < nc + nk => Source::Carry(8 * (a - nc as u32) + at),
            FlatWord::Arg(a, 0) if (a as usize) < nc + nk + nx => {
                let (k, at) = elements[a as usize - nc - nk];
                if flat.lines[i].size != turns.xs[k].1 {
                    return None;
                }
                Source::Stream(STREAMS + k as u32, at as u32)
            }
            _ => return None,
        })
    };
    let live = |flat: &Flat, i: usize| flat.lines[i].call.is_some() || flat.words[i].is_some();
    if let Some((cond, consts)) = turns.cond {
        let flat = &cond.registers()?.flat;
        t.program(&flat.lines, |i| live(flat, i), |i| source(flat, i, CONDS, consts.len(), 0).map(Into::into))?;
        let on = t.mask(flat.outs[0])?;
        t.build.un(I::While, Ty::Mask, on);
    }
    let flat = &turns.body.registers()?.flat;
    t.program(
        &flat.lines,
        |i| live(flat, i),
        |i| source(flat, i, CONSTS, turns.consts.len(), elements.len()).map(Into::into),
    )?;
    let mut carries: Vec<Option<Carried>> = vec![];
    for k in 0..nk {
        let (mem, next) = t.stored(flat.outs[k])?;
        let at = 8 * k as u32;
        let number = t.carry(at, mem)? as usize;
        carries.resize(carries.len().max(number + 1), None);
        carries[number] = Some(Carried { at, mem, next })
    }
    let mut stores = vec![];
    let first = STREAMS + turns.xs.len() as u32;
    let mut strides: Vec<(u32, usize, usize)> =
        turns.xs.iter().zip(STREAMS..).map(|((_, width, count), entry)| (entry, *width, width * count)).collect();
    strides.extend(rows.iter().zip(first..).map(|((width, row), entry)| (entry, *width, *row)));
    let mut outs = flat.outs[nk..].iter();
    for (((width, _), count), entry) in rows.iter().zip(turns.ys).zip(first..) {
        for e in 0..*count {
            let store = t.store(*outs.next()?, entry, (e * width) as u32)?;
            if store.mem.size() != *width {
                return None;
            }
            stores.push(store)
        }
    }
    let strides = strides.into_iter().filter(|s| s.1 != s.2 && s.2 > 0).map(|s| (s.0, s.2 as u32)).collect();
    // Everything that is carried has a next value.
    let carries =
        t.carries.iter().enumerate().map(|(k, _)| carries.get(k).copied().flatten()).collect::<Option<_>>()?;
    Some((Ir { insts: t.build.finish(), stores, carries, strides, ..Ir::default() }, t.calls))
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
    pub(super) fn start(&self, operands: &[u64]) -> Vec<u64> {
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
    pub(super) unsafe fn turn(&self, cells: &mut [u64]) -> u64 {
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
    pub(super) fn out(&self, cells: &[u64], k: usize) -> u64 {
        let (offset, bytes) = self.outs[k];
        let word = cells[offset as usize / 8] >> (8 * (offset % 8));
        if bytes == 8 { word } else { word & ((1 << (8 * bytes)) - 1) }
    }
}
