//! Loops whose programs have nothing but scalars: they run in the engine's registers, without arrays in between.

use super::{Ready, ready};
use crate::array::*;
use crate::aval::Aval;
use crate::dtype::DType;
use crate::error::Loc;
use crate::jaxpr::Jaxpr;
use cotangent_cpu::{Buffer, Executable, ScalarLoop};
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
}
/// The last carry, the number of turns, and the elements of the further results one after the other.
pub(crate) type Turned = (Vec<Array>, usize, Vec<Buffer>);

impl Turns<'_> {
    /// Runs it in registers, if all that it computes are scalars.
    pub(crate) fn in_registers(&self, loc: Loc) -> Option<Turned> {
        let scalar = |a: &Aval| a.shape.is_empty() && a.stack == 0 && a.dtype.size() <= 8 && a.dtype != DType::Float0;
        let outs = self.body.out_avals();
        if crate::debug::watch::on() || !self.body.in_avals().chain(&outs).all(scalar) {
            return None;
        }
        let body = registers(self.body, loc)?;
        let words = |x: &[&Array]| x.iter().map(|a| bits(a)).collect::<Option<Vec<u64>>>();
        let cond = match self.cond {
            None => None,
            Some((j, consts)) => Some((registers(j, loc)?, words(consts)?)),
        };
        let (consts, mut carry) = (words(self.consts)?, words(self.carry)?);
        let types = self.body.in_avals().skip(consts.len() + carry.len());
        let mut xs: Vec<(Cow<[u8]>, usize)> = vec![];
        for (x, a) in self.xs.iter().zip(types) {
            xs.push((elements(x, a, self.length?)?, a.dtype.size()))
        }
        let (n, ys) = ScalarLoop {
            cond: cond.as_ref().map(|(e, c)| (*e, &c[..])),
            body,
            consts: &consts,
            length: self.length,
            reverse: self.reverse,
            xs: &xs.iter().map(|(b, w)| (&**b, *w)).collect::<Vec<_>>(),
        }
        .run(&mut carry);
        let last = carry.iter().zip(&outs).map(|(c, a)| Array::scalar(a.dtype, a.weak, *c)).collect();
        Some((last, n, ys.iter().map(|y| Buffer::from_bytes(y)).collect()))
    }
}
/// The program, if the engine runs it in registers.
fn registers(j: &Arc<Jaxpr>, loc: Loc) -> Option<&Executable> {
    match ready(j, loc) {
        Ready::Whole(c, consts) if consts.is_empty() && c.exec.is_scalar() => Some(&c.exec),
        _ => None,
    }
}
fn bits(a: &Array) -> Option<u64> {
    match &a.0 {
        Repr::Scalar(s) => Some(s.bits),
        _ => None,
    }
}
/// The bytes of the elements of an array along its axis, or of a stack of scalars.
fn elements<'a>(x: &'a Array, one: &Aval, n: usize) -> Option<Cow<'a, [u8]>> {
    if x.aval().stack > 0 {
        return x.scalars_of_stack(one, n);
    }
    match &x.0 {
        Repr::Buf(b) => Some(Cow::Borrowed(b.buffer().as_bytes())),
        _ => None,
    }
}
