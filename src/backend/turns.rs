//! Loops that the engine runs as a whole: those that have nothing but scalars and small arrays in its registers, others turn by turn over one frame. What is
//! the same in all turns, and products of a row with what is, leave the loop first.

use super::{Compiled, Ready, operand, program, ready, result};
use crate::array::stack::Item;
use crate::array::*;
use crate::aval::Aval;
use crate::dtype::DType;
use crate::error::Loc;
use crate::jaxpr::Jaxpr;
use crate::stages::clock;
use cotangent_cpu::{ArrayLoop, Buffer, Executable, Operand, Output, Outputs, Program, Rows, ScalarLoop, Ty, hoist};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock};

/// A loop on concrete values.
pub(crate) struct Turns<'a> {
    /// Of its constants and the carry.
    pub cond: Option<(&'a Arc<Jaxpr>, &'a [&'a Array])>,
    /// Of constants, carry and elements of xs.
    pub body: &'a Arc<Jaxpr>,
    pub consts: &'a [&'a Array],
    pub carry: &'a [&'a Array],
    pub xs: &'a [&'a Array],
    pub length: Option<usize>,
    pub reverse: bool,
    /// Does what the turns leave become stacks?
    pub stacks: bool,
}
/// The last carry, the number of turns, and the elements of the further results one after the other.
pub(crate) type Turned = (Vec<Array>, usize, Vec<Buffer>);

/// The most elements of what a loop in registers is given.
const SMALL: usize = 128;
/// The most bytes of what a turn leaves, where the number of turns is not known; and of an element of a stack that is copied to lie beside the others.
const PIECE: usize = 1 << 16;

/// What a loop is given, but for its conditions: constants with what was computed before the loop, and arrays with their rows.
struct Given<'a> {
    consts: &'a [Operand<'a>],
    carry: &'a [Operand<'a>],
    xs: Vec<Rows<'a>>,
}

impl Turns<'_> {
    /// Runs it, if the engine does.
    pub(crate) fn run(&self, loc: Loc) -> Option<Turned> {
        let plain = |a: &Aval| a.stack == 0 && a.dtype != DType::Float0;
        let outs = self.body.out_avals();
        if crate::debug::watch::on() || clock::on() || !self.body.in_avals().chain(&outs).all(plain) {
            return None;
        }
        let compiled = whole(self.body, loc)?;
        let cond = match self.cond {
            None => None,
            Some((j, _)) if !j.in_avals().all(plain) => return None,
            Some((j, consts)) => Some((whole(j, loc)?, j, operands(consts))),
        };
        let (nc, nk) = (self.consts.len(), self.carry.len());
        // the elements of xs, beside each other or each where it is
        let mut flat: Vec<Option<Cow<[u8]>>> = vec![];
        for (x, a) in self.xs.iter().zip(self.body.in_avals().skip(nc + nk)) {
            let apart = x.aval().stack > 0 && bytes(a) > PIECE;
            flat.push(if apart { None } else { Some(elements(x, a, self.length?)?) })
        }
        let beside = !self.stacks && !self.xs.is_empty();
        let looped = compiled.looped(self.body, (nc, nk, self.length.filter(|_| beside)));
        let mut consts = operands(self.consts);
        let made = looped.before.as_ref().map(|(before, _)| {
            let of_rows = if before.args() > nc { self.xs } else { &[] };
            before.run(&consts.iter().copied().chain(operands(of_rows)).collect::<Vec<_>>())
        });
        let constants = looped.before.as_ref().map_or(0, |b| b.1);
        let (further, rows) = split(made.as_ref(), constants);
        let first = consts.clone();
        consts.extend(further.iter().map(|o| as_operand(o, &first)));
        let mut xs = vec![];
        for (x, f) in self.xs.iter().zip(&flat) {
            xs.push(match f {
                Some(bytes) => Rows::Along(bytes),
                None => {
                    let items: Vec<&[u8]> = x.items().iter().map_while(item).collect();
                    if items.len() != self.length? {
                        return None;
                    }
                    Rows::Each(items)
                }
            })
        }
        for row in rows {
            match row {
                Output::Buffer(b) => xs.push(Rows::Along(b.as_bytes())),
                _ => return None,
            }
        }
        let carry = operands(self.carry);
        let given = Given { consts: &consts, carry: &carry, xs };
        self.in_registers(compiled, &looped, cond.as_ref(), &given, &outs)
            .or_else(|| self.in_frame(compiled, &looped, cond.as_ref(), &given, &outs))
    }

    /// Runs it in registers, if all that it computes are scalars, or can be.
    fn in_registers(
        &self,
        compiled: &Compiled,
        looped: &Looped,
        cond: Option<&(&Compiled, &Arc<Jaxpr>, Vec<Operand>)>,
        given: &Given,
        outs: &[Aval],
    ) -> Option<Turned> {
        let p = &looped.program;
        let (body, cond_body, apart) = looped.both(compiled, cond.map(|c| (c.0, c.1)))?;
        let (nc, nk) = (given.consts.len(), given.carry.len());
        let words_of = |j: &Jaxpr, consts: &[Operand]| words(consts, j.in_avals().map(|a| a.dtype.size()));
        let cond = cond_body.zip(cond).map(|(e, (_, j, consts))| (e, words_of(j, consts)));
        let widths = |range: std::ops::Range<usize>| p.args[range].iter().map(|ty| ty.dt.size());
        let (consts, mut carry) = (words(given.consts, widths(0..nc)), words(given.carry, widths(nc..nc + nk)));
        let mut xs = vec![];
        for (x, ty) in given.xs.iter().zip(&p.args[nc + nk..]) {
            match x {
                Rows::Along(b) => xs.push((*b, ty.dt.size(), ty.len())),
                Rows::Each(_) => return None,
            }
        }
        let ys: Vec<usize> = outs[nk..].iter().map(|a| a.size()).collect();
        let turns = ScalarLoop {
            cond: cond.as_ref().map(|(e, c)| (*e, &c[..])),
            body,
            consts: &consts,
            length: self.length,
            reverse: self.reverse,
            xs: &xs,
            ys: &ys,
        };
        // element by element, arrays are fast in machine code only
        if apart && !turns.is_compiled(carry.len()) {
            return None;
        }
        let (n, ys) = turns.run(&mut carry);
        let mut words = carry.into_iter();
        let last = outs[..nk].iter().map(|a| of_words(a, &mut words)).collect();
        Some((last, n, ys.iter().map(|y| Buffer::from_bytes(y)).collect()))
    }

    /// Runs it turn by turn, without arrays in between.
    fn in_frame(
        &self,
        compiled: &Compiled,
        looped: &Looped,
        cond: Option<&(&Compiled, &Arc<Jaxpr>, Vec<Operand>)>,
        given: &Given,
        outs: &[Aval],
    ) -> Option<Turned> {
        let (last, ys) = outs.split_at(given.carry.len());
        let small = |a: &Aval| (1..=PIECE).contains(&bytes(a));
        if self.stacks && !ys.iter().all(|a| bytes(a) > 0) || self.length.is_none() && !ys.iter().all(small) {
            return None;
        }
        let turned = ArrayLoop {
            cond: cond.map(|(c, _, consts)| (&c.exec, &consts[..])),
            body: looped.frame(compiled),
            consts: given.consts,
            carry: given.carry,
            length: self.length,
            reverse: self.reverse,
            xs: &given.xs,
        }
        .run()?;
        let carry = turned.carry.into_iter().zip(last).map(|(o, a)| result(o, a, self.carry)).collect();
        Some((carry, turned.turns, turned.ys))
    }
}

/// A loop without its values: what its machine code depends on.
pub(crate) struct Shape<'a> {
    /// With the number of its constants.
    pub cond: Option<(&'a Arc<Jaxpr>, usize)>,
    pub body: &'a Arc<Jaxpr>,
    pub consts: usize,
    pub carry: usize,
    pub length: Option<usize>,
    pub reverse: bool,
}
impl Shape<'_> {
    /// The machine code of a loop that runs in registers, as text, or why it has none; nothing for other loops.
    pub(crate) fn assembly(&self, loc: Loc) -> Option<Result<String, String>> {
        let plain = |a: &Aval| a.stack == 0 && a.dtype != DType::Float0;
        let outs = self.body.out_avals();
        if !self.body.in_avals().chain(&outs).all(plain) {
            return None;
        }
        let compiled = whole(self.body, loc)?;
        let cond = match self.cond {
            None => None,
            Some((j, _)) if !j.in_avals().all(plain) => return None,
            Some((j, n)) => Some((whole(j, loc)?, j, n)),
        };
        let (nc, nk) = (self.consts, self.carry);
        let beside = self.length.filter(|_| self.body.ins.len() > nc + nk);
        let looped = compiled.looped(self.body, (nc, nk, beside));
        let (body, cond_body, apart) = looped.both(compiled, cond.map(|c| (c.0, c.1)))?;
        let p = &looped.program;
        let (consts, rest) = p.args.split_at(nc + looped.before.as_ref().map_or(0, |b| b.1));
        let (carry, xs) = rest.split_at(nk);
        let words = |types: &mut dyn Iterator<Item = usize>| vec![0; types.sum()];
        let sizes = |j: &Jaxpr, n: usize| words(&mut j.in_avals().take(n).map(|a| a.size()));
        let cond = cond_body.zip(cond).map(|(e, (_, j, n))| (e, sizes(j, n)));
        let turns = ScalarLoop {
            cond: cond.as_ref().map(|(e, c)| (*e, &c[..])),
            body,
            consts: &words(&mut consts.iter().map(Ty::len)),
            // the number of turns does not matter
            length: self.cond.is_none().then_some(0),
            reverse: self.reverse,
            xs: &xs.iter().map(|ty| (&[][..], ty.dt.size(), ty.len())).collect::<Vec<_>>(),
            ys: &outs[nk..].iter().map(|a| a.size()).collect::<Vec<_>>(),
        };
        let text = turns.text(carry.iter().map(Ty::len).sum());
        // element by element, arrays are fast in machine code only
        if apart && text.is_err() { None } else { Some(text) }
    }
}

/// A program as the body of loops: how many constants and carried values they have, and how many turns if that is known.
#[derive(Clone, Copy, PartialEq)]
struct Kind(usize, usize, Option<usize>);
/// The bodies of loops that a compiled program has become.
#[derive(Default)]
pub(crate) struct Bodies {
    looped: Mutex<Vec<(Kind, Arc<Looped>)>>,
    /// As a condition.
    apart: OnceLock<Option<Executable>>,
}
/// The body of a loop.
struct Looped {
    kind: Kind,
    /// What runs before the loop, and how many of its results are constants.
    before: Option<(Executable, usize)>,
    /// What is left for the turns.
    program: Program,
    registers: OnceLock<Option<(Executable, bool)>>,
    frame: OnceLock<Option<Executable>>,
}
/// More kinds of loops of one body than this are forgotten.
const KINDS: usize = 8;

impl Compiled {
    fn looped(&self, j: &Jaxpr, (nc, nk, n): (usize, usize, Option<usize>)) -> Arc<Looped> {
        let kind = Kind(nc, nk, n);
        let lock = || self.bodies.looped.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((_, found)) = lock().iter().find(|l| l.0 == kind) {
            return found.clone();
        }
        let program = program(j);
        let (before, program) = match hoist(&program, nc, nk, n) {
            Some(h) => match Executable::compile(&h.before) {
                Ok(before) => (Some((before, h.constants)), h.body),
                Err(_) => (None, program),
            },
            None => (None, program),
        };
        let (registers, frame) = Default::default();
        let made = Arc::new(Looped { kind, before, program, registers, frame });
        let mut all = lock();
        if all.len() >= KINDS {
            all.clear()
        }
        all.push((kind, made.clone()));
        made
    }
    /// As a condition in registers; and whether arrays became their elements.
    fn registers(&self, j: &Jaxpr) -> Option<(&Executable, bool)> {
        if self.exec.is_scalar() {
            return Some((&self.exec, false));
        }
        self.bodies.apart.get_or_init(|| by_elements(&program(j))).as_ref().map(|e| (e, true))
    }
}
impl Looped {
    /// The body, if the engine runs it in registers; and whether arrays became their elements.
    fn registers<'a>(&'a self, compiled: &'a Compiled) -> Option<(&'a Executable, bool)> {
        if self.before.is_none() && compiled.exec.is_scalar() {
            return Some((&compiled.exec, false));
        }
        let make = || {
            // what is left may be scalars
            let plain = self.before.as_ref().and_then(|_| Executable::compile(&self.program).ok());
            match plain.filter(|e| e.is_scalar()) {
                Some(e) => Some((e, false)),
                None => by_elements(&self.program).map(|e| (e, true)),
            }
        };
        self.registers.get_or_init(make).as_ref().map(|(e, apart)| (e, *apart))
    }
    /// Body and condition, if the engine runs them in registers; and whether arrays became their elements.
    fn both<'a>(
        &'a self,
        compiled: &'a Compiled,
        cond: Option<(&'a Compiled, &Arc<Jaxpr>)>,
    ) -> Option<(&'a Executable, Option<&'a Executable>, bool)> {
        let p = &self.program;
        let small = |ty: &Ty| (1..=SMALL).contains(&ty.len()) && ty.dt.size() <= 8;
        if !p.args.iter().chain(p.outs.iter().map(|v| p.ty(*v))).all(small) {
            return None;
        }
        let (body, apart) = self.registers(compiled)?;
        let Some((compiled, j)) = cond else { return Some((body, None, apart)) };
        let (cond, elements) = compiled.registers(j)?;
        Some((body, Some(cond), apart || elements))
    }
    /// The body for a frame: perhaps it writes over the carry.
    fn frame<'a>(&'a self, compiled: &'a Compiled) -> &'a Executable {
        let first = self.kind.0 + self.before.as_ref().map_or(0, |b| b.1);
        let make = || {
            let made = Executable::body(&self.program, first..first + self.kind.1);
            made.or_else(|| Executable::compile(&self.program).ok().filter(|_| self.before.is_some()))
        };
        self.frame.get_or_init(make).as_ref().unwrap_or(&compiled.exec)
    }
}
/// The program over the elements of its values.
fn by_elements(p: &Program) -> Option<Executable> {
    let made = Executable::compile(&cotangent_cpu::scalars(p)?).ok()?;
    made.is_scalar().then_some(made)
}

/// The program, if it has no control flow and no constants.
fn whole(j: &Arc<Jaxpr>, loc: Loc) -> Option<&Compiled> {
    match ready(j, loc) {
        Ready::Whole(c, consts) if consts.is_empty() => Some(c),
        _ => None,
    }
}
fn bytes(a: &Aval) -> usize {
    a.size() * a.dtype.size()
}
/// Further constants and further rows.
fn split(made: Option<&Outputs>, constants: usize) -> (&[Output], &[Output]) {
    made.map_or((&[], &[]), |m| m.split_at(constants))
}
fn operands<'a>(x: &[&'a Array]) -> Vec<Operand<'a>> {
    x.iter().map(|a| operand(a)).collect()
}
fn as_operand<'a>(x: &'a Output, args: &[Operand<'a>]) -> Operand<'a> {
    match x {
        Output::Bits(b) => Operand::Bits(*b),
        Output::Buffer(b) => Operand::Buffer(b),
        Output::Arg(i) => args[*i as usize],
    }
}
/// The bytes of an item that is a value of all lanes.
fn item(i: &Item) -> Option<&[u8]> {
    match (&i.lanes, &i.value.0) {
        (None, Repr::Buf(b)) if i.value.aval().stack == 0 => Some(b.buffer().as_bytes()),
        _ => None,
    }
}
/// The elements of all these, of so many bytes each, as words.
fn words(x: &[Operand], widths: impl Iterator<Item = usize>) -> Vec<u64> {
    let mut words = Vec::with_capacity(x.len());
    for (x, width) in x.iter().zip(widths) {
        match x {
            Operand::Bits(b) => words.push(*b),
            Operand::Buffer(b) => words.extend(b.as_bytes().chunks_exact(width).map(|b| {
                let mut word = [0; 8];
                word[..width].copy_from_slice(b);
                u64::from_le_bytes(word)
            })),
            Operand::Given(_) => unreachable!("a loop keeps its operands"),
        }
    }
    words
}
/// An array of the next words.
fn of_words(a: &Aval, words: &mut impl Iterator<Item = u64>) -> Array {
    let size = a.dtype.size();
    if a.shape.is_empty() {
        return Array::scalar(a.dtype, a.weak, words.next().expect("a word for each element"));
    }
    let bytes: Vec<u8> = words.take(a.size()).flat_map(|w| w.to_le_bytes().into_iter().take(size)).collect();
    Array::from_bytes(a.clone(), &bytes)
}
/// The bytes of the elements of an array along its axis, or of a stack.
fn elements<'a>(x: &'a Array, one: &Aval, n: usize) -> Option<Cow<'a, [u8]>> {
    if x.aval().stack > 0 {
        return x.bytes_of_stack(one, n);
    }
    match &x.0 {
        Repr::Buf(b) => Some(Cow::Borrowed(b.buffer().as_bytes())),
        _ => None,
    }
}
