//! Loops that the engine runs as a whole: those that have nothing but scalars and small arrays in its registers, others turn by turn over one frame.

use super::{Compiled, Ready, operand, program, ready, result};
use crate::array::stack::Item;
use crate::array::*;
use crate::aval::Aval;
use crate::dtype::DType;
use crate::error::Loc;
use crate::jaxpr::Jaxpr;
use crate::stages::clock;
use cotangent_cpu::{ArrayLoop, Buffer, Executable, Operand, Rows, ScalarLoop};
use std::borrow::Cow;
use std::sync::Arc;

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

/// The most elements of what such a loop is given.
const SMALL: usize = 128;
/// The most bytes of what a turn leaves, where the number of turns is not known.
const PIECE: usize = 1 << 16;

impl Turns<'_> {
    /// Runs it, if the engine does.
    pub(crate) fn run(&self, loc: Loc) -> Option<Turned> {
        self.in_registers(loc).or_else(|| self.in_frame(loc))
    }
    /// Runs it turn by turn, without arrays in between, if its programs have no control flow.
    fn in_frame(&self, loc: Loc) -> Option<Turned> {
        let plain = |a: &Aval| a.stack == 0 && a.dtype != DType::Float0;
        let outs = self.body.out_avals();
        if crate::debug::watch::on() || clock::on() || !self.body.in_avals().chain(&outs).all(plain) {
            return None;
        }
        let bytes = |a: &Aval| a.size() * a.dtype.size();
        let (last, ys) = outs.split_at(self.carry.len());
        let small = |a: &Aval| (1..=PIECE).contains(&bytes(a));
        if self.stacks && !ys.iter().all(|a| bytes(a) > 0) || self.length.is_none() && !ys.iter().all(small) {
            return None;
        }
        let cond = match self.cond {
            None => None,
            Some((j, consts)) => Some((whole(j, loc)?, operands(consts))),
        };
        let body = whole(self.body, loc)?;
        let types = self.body.in_avals().skip(self.consts.len() + self.carry.len());
        let mut flat: Vec<Option<Cow<[u8]>>> = vec![];
        for (x, a) in self.xs.iter().zip(types) {
            let stacked = x.aval().stack > 0 && bytes(a) > PIECE;
            flat.push(if stacked { None } else { Some(elements(x, a, self.length?)?) })
        }
        let mut xs = vec![];
        for (x, f) in self.xs.iter().zip(&flat) {
            xs.push(match f {
                Some(bytes) => Rows::Along(bytes),
                // large ones stay where they are
                None => {
                    let items: Vec<&[u8]> = x.items().iter().map_while(item).collect();
                    if items.len() != self.length? {
                        return None;
                    }
                    Rows::Each(items)
                }
            })
        }
        let turned = ArrayLoop {
            cond: cond.as_ref().map(|(e, c)| (*e, &c[..])),
            body,
            consts: &operands(self.consts),
            carry: &operands(self.carry),
            length: self.length,
            reverse: self.reverse,
            xs: &xs,
        }
        .run()?;
        let carry = turned.carry.into_iter().zip(last).map(|(o, a)| result(o, a, self.carry)).collect();
        Some((carry, turned.turns, turned.ys))
    }
    /// Runs it in registers, if all that it computes are scalars, or can be.
    fn in_registers(&self, loc: Loc) -> Option<Turned> {
        let kind = |a: &Aval| a.stack == 0 && a.dtype.size() <= 8 && a.dtype != DType::Float0;
        let small = |a: &Aval| kind(a) && (1..=SMALL).contains(&a.size());
        let outs = self.body.out_avals();
        if crate::debug::watch::on() || !self.body.in_avals().chain(&outs).all(small) {
            return None;
        }
        let (body, mut apart) = registers(self.body, loc)?;
        let cond = match self.cond {
            None => None,
            Some((j, consts)) => {
                let (program, elements) = registers(j, loc)?;
                apart |= elements;
                Some((program, words(consts)?))
            }
        };
        let (consts, mut carry) = (words(self.consts)?, words(self.carry)?);
        let types = self.body.in_avals().skip(self.consts.len() + self.carry.len());
        let mut xs: Vec<(Cow<[u8]>, usize, usize)> = vec![];
        for (x, a) in self.xs.iter().zip(types) {
            xs.push((elements(x, a, self.length?)?, a.dtype.size(), a.size()))
        }
        let ys: Vec<usize> = outs[self.carry.len()..].iter().map(|a| a.size()).collect();
        let turns = ScalarLoop {
            cond: cond.as_ref().map(|(e, c)| (*e, &c[..])),
            body,
            consts: &consts,
            length: self.length,
            reverse: self.reverse,
            xs: &xs.iter().map(|(b, w, n)| (&**b, *w, *n)).collect::<Vec<_>>(),
            ys: &ys,
        };
        // element by element, arrays are fast in machine code only
        if apart && !turns.is_compiled(carry.len()) {
            return None;
        }
        let (n, ys) = turns.run(&mut carry);
        let mut words = carry.into_iter();
        let last = outs[..self.carry.len()].iter().map(|a| of_words(a, &mut words)).collect();
        Some((last, n, ys.iter().map(|y| Buffer::from_bytes(y)).collect()))
    }
}
/// The program, if it has no control flow and no constants.
fn whole(j: &Arc<Jaxpr>, loc: Loc) -> Option<&Executable> {
    match ready(j, loc) {
        Ready::Whole(c, consts) if consts.is_empty() => Some(&c.exec),
        _ => None,
    }
}
/// The bytes of an item that is a value of all lanes.
fn item(i: &Item) -> Option<&[u8]> {
    match (&i.lanes, &i.value.0) {
        (None, Repr::Buf(b)) if i.value.aval().stack == 0 => Some(b.buffer().as_bytes()),
        _ => None,
    }
}
fn operands<'a>(x: &[&'a Array]) -> Vec<Operand<'a>> {
    x.iter().map(|a| operand(a)).collect()
}
/// The program, if the engine runs it in registers; and whether arrays became their elements.
fn registers(j: &Arc<Jaxpr>, loc: Loc) -> Option<(&Executable, bool)> {
    match ready(j, loc) {
        Ready::Whole(c, consts) if consts.is_empty() => c.registers(j),
        _ => None,
    }
}
impl Compiled {
    fn registers(&self, j: &Jaxpr) -> Option<(&Executable, bool)> {
        if self.exec.is_scalar() {
            return Some((&self.exec, false));
        }
        let made = || {
            let made = Executable::compile(&cotangent_cpu::scalars(&program(j))?).ok()?;
            made.is_scalar().then_some(made)
        };
        self.apart.get_or_init(made).as_ref().map(|e| (e, true))
    }
}
/// The elements of all these as words.
fn words(x: &[&Array]) -> Option<Vec<u64>> {
    let mut words = Vec::with_capacity(x.len());
    for a in x {
        match &a.0 {
            Repr::Scalar(s) => words.push(s.bits),
            Repr::Buf(_) if a.aval().stack == 0 => {
                let size = a.dtype().size();
                a.with_bytes(|b| {
                    words.extend(b.chunks_exact(size).map(|b| {
                        let mut word = [0; 8];
                        word[..size].copy_from_slice(b);
                        u64::from_le_bytes(word)
                    }))
                })
            }
            _ => return None,
        }
    }
    Some(words)
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
