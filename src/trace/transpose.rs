//! Reverse mode: a tape walked backwards. Rules push cotangents into accumulators, one for each tape variable. The rules bind
//! ordinary operations in the current trace, so a backward pass is itself differentiable, batchable and staged.

use super::linearize::{Linear, Tape, TapeArg, TapeEqn};
use super::*;
use crate::aval::{AxisSet, Shape};
use crate::jaxpr::Jaxpr;
use crate::prim::{self, zeros_of};
use std::sync::Arc;

/// The cotangent gathered so far for one variable.
pub(crate) enum Accum {
    Zero,
    Value(Array),
}

/// Elements from which on an array is worth adding to in parts.
const LARGE: usize = 4096;

/// Where a box lies whose first corner is asked to be at these concrete `starts`.
fn corner(starts: &[&Array], shape: &[usize], sizes: &[usize]) -> Shape {
    let at = |d: usize| (starts[d].to_f64().max(0.0) as usize).min(shape[d] - sizes[d]);
    (0..shape.len()).map(at).collect()
}

/// A transpose rule's view of its operands: known values to use, accumulators to push into.
pub struct Cotangents<'a> {
    operands: &'a [TapeArg],
    avals: &'a [Aval],
    accums: &'a mut [Accum],
    reduce: AxisSet,
}

impl Cotangents<'_> {
    /// Number of operands.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.operands.len()
    }
    /// Does operand `i` want a cotangent?
    pub fn is_linear(&self, i: usize) -> bool {
        matches!(self.operands[i], TapeArg::Var(_))
    }
    /// The known operand `i`.
    pub fn known(&self, i: usize) -> &Array {
        match &self.operands[i] {
            TapeArg::Known(a) => a,
            TapeArg::Var(_) => unreachable!("operand {i} is linear"),
        }
    }
    /// The type of operand `i`.
    pub fn aval(&self, i: usize) -> &Aval {
        match &self.operands[i] {
            TapeArg::Known(a) => a.aval(),
            TapeArg::Var(v) => &self.avals[*v as usize],
        }
    }
    /// Adds `ct` to the cotangent of operand `i`; for a known operand there is nothing to do.
    pub fn add(&mut self, i: usize, ct: Array) {
        let TapeArg::Var(v) = self.operands[i] else { return };
        let ct = if self.reduce == 0 { ct } else { self.reduce_axes(v, ct) };
        let like = &self.avals[v as usize];
        if ct.shape() != &like.shape[..] || ct.dtype() != like.dtype {
            misfit(i, &ct, like)
        }
        let acc = &mut self.accums[v as usize];
        *acc = Accum::Value(match std::mem::replace(acc, Accum::Zero) {
            Accum::Zero => ct,
            Accum::Value(old) => prim::stacks::add_cotangents(&old, &ct),
        });
    }
    /// Adds `ct` to the box of the cotangent of operand `i` whose first corner is at `starts`; `whole` makes an array of the operand's
    /// shape of it, zero outside the box. A small part of a large array is added to what is there already, at the cost of the part:
    /// which form it takes depends on shapes alone, so that it is the same under every trace.
    pub fn add_box(&mut self, i: usize, ct: Array, starts: &[&Array], whole: impl FnOnce(&Array) -> Array) {
        let TapeArg::Var(v) = self.operands[i] else { return };
        let size = self.avals[v as usize].size();
        let acc = &mut self.accums[v as usize];
        if size < LARGE || ct.size() >= size / 4 || self.reduce != 0 || matches!(acc, Accum::Zero) {
            return self.add(i, whole(&ct));
        }
        let Accum::Value(mut all) = std::mem::replace(acc, Accum::Zero) else { return };
        let sum = prim::add_any(&prim::dynamic_slice(&all, starts, ct.shape()), &ct);
        if !(evaluating() && all.write_box(&sum, &corner(starts, all.shape(), sum.shape()))) {
            all = prim::dynamic_update_slice(&all, &sum, starts)
        }
        *acc = Accum::Value(all)
    }
    /// The named axes over which a cotangent that varies is summed where it meets a variable that does not. An operation that holds a program
    /// transposes it with the same.
    pub(crate) fn reduce(&self) -> AxisSet {
        self.reduce
    }
    /// A cotangent that varies over a named axis, for a variable that does not: summed over that axis if asked for.
    fn reduce_axes(&self, v: u32, ct: Array) -> Array {
        let extra = ct.aval().varying & !self.avals[v as usize].varying & self.reduce;
        if extra == 0 { ct } else { prim::psum_bits(&ct, extra) }
    }
}

/// A transpose rule is wrong: the line is that of the operation.
#[cold]
fn misfit(i: usize, ct: &Array, like: &Aval) -> ! {
    let kind = if ct.dtype() == like.dtype { crate::ErrorKind::Shape } else { crate::ErrorKind::Type };
    let text = format!("a transpose rule gives a cotangent of type {} for operand {i}, of type {like}", ct.aval());
    crate::error::fail(kind, text)
}

impl Linear {
    /// Cotangents of the inputs. The tape stays: this may be called again. `at` is the transformation's line.
    pub(crate) fn transpose(&self, ct: &[Option<Array>], reduce: AxisSet, at: Loc) -> Vec<Option<Array>> {
        let (_g, _pass) = (enter(current(), Some(at)), Pass::begin(true));
        let mut accums = self.seed(ct, reduce);
        for (k, e) in self.tape.eqns.iter().enumerate().rev() {
            step(e, self.tape.operands_of(k), &self.tape.avals, &mut accums, reduce)
        }
        take(accums, self.n_in)
    }
    /// The same, and each residual is freed as it is passed.
    pub(crate) fn transpose_once(mut self, ct: &[Option<Array>], reduce: AxisSet, at: Loc) -> Vec<Option<Array>> {
        let (_g, _pass) = (enter(current(), Some(at)), Pass::begin(true));
        let mut accums = self.seed(ct, reduce);
        while let Some(e) = self.tape.eqns.pop() {
            step(&e, &self.tape.operands[e.first as usize..], &self.tape.avals, &mut accums, reduce);
            self.tape.operands.truncate(e.first as usize);
        }
        take(accums, self.n_in)
    }
    fn seed(&self, ct: &[Option<Array>], reduce: AxisSet) -> Vec<Accum> {
        assert_eq!(ct.len(), self.outs.len(), "one cotangent for each result");
        let mut accums: Vec<Accum> = Vec::with_capacity(self.tape.avals.len());
        accums.resize_with(self.tape.avals.len(), || Accum::Zero);
        for (c, v) in ct.iter().zip(&self.outs) {
            let (Some(c), Some(v)) = (c, v) else { continue };
            let op = [TapeArg::Var(*v)];
            Cotangents { operands: &op, avals: &self.tape.avals, accums: &mut accums, reduce }.add(0, c.clone());
        }
        accums
    }
}

/// One equation. The context is the caller's to restore.
#[inline]
fn step(e: &TapeEqn, operands: &[TapeArg], avals: &[Aval], accums: &mut [Accum], reduce: AxisSet) {
    if e.n_out == 1 {
        let Accum::Value(ct) = std::mem::replace(&mut accums[e.out as usize], Accum::Zero) else { return };
        work_for(e.loc);
        return e.prim.transpose(&[Some(ct)], &mut Cotangents { operands, avals, accums, reduce });
    }
    let mut any = false;
    let cts: SmallVec<[Option<Array>; 1]> = (e.out..e.out + e.n_out)
        .map(|v| match std::mem::replace(&mut accums[v as usize], Accum::Zero) {
            Accum::Value(a) => {
                any = true;
                Some(a)
            }
            Accum::Zero => None,
        })
        .collect();
    if !any {
        return;
    }
    work_for(e.loc);
    e.prim.transpose(&cts, &mut Cotangents { operands, avals, accums, reduce });
}

fn take(accums: Vec<Accum>, n: usize) -> Vec<Option<Array>> {
    accums
        .into_iter()
        .take(n)
        .map(|a| match a {
            Accum::Zero => None,
            Accum::Value(a) => Some(a),
        })
        .collect()
}

/// The linear function `f` written down: inputs have the given types, known values are captured. Its values come back too:
/// `None` for an output that depends on no input.
pub(crate) fn record_linear(f: &mut dyn FnMut(&[Array]) -> Vec<Array>, ins: &[Aval], loc: Loc, user: bool) -> Linear {
    let t = Trace::new(current(), Kind::Tape(RefCell::new(Tape::new())), loc);
    let xs: Vec<Array> = ins.iter().map(|a| t.tape_input(a.clone(), loc)).collect();
    let outs = {
        let _g = enter(Some(t.clone()), if user { None } else { Some(loc) });
        f(&xs)
    };
    let vars = outs.iter().map(|o| t.tape_output(o, loc)).collect();
    Linear { tape: t.take_tape(), n_in: ins.len(), outs: vars }
}

/// Which cotangents are given, and over which named axes each varies: that may be more than its result does.
pub(crate) fn varied(ct: &[Option<Array>]) -> Vec<Option<AxisSet>> {
    ct.iter().map(|c| c.as_ref().map(|c| c.aval().varying)).collect()
}
/// What distinguishes transposed programs beside masks: the axes over which cotangents vary, and those over which they are summed.
pub(crate) fn axes_key(ct: &[Option<AxisSet>], reduce: AxisSet) -> Vec<bool> {
    let mut words: Vec<u64> = ct.iter().flatten().map(|s| u64::from(*s)).chain([u64::from(reduce)]).collect();
    if words.iter().all(|w| *w == 0) {
        return vec![];
    }
    words.extend(axis::bound().iter().filter(|a| a.bit & reduce != 0).map(|a| a.size as u64));
    words.iter().flat_map(|w| (0..64).map(move |b| w >> b & 1 == 1)).collect()
}

/// The transposed program: known inputs, then the cotangents of the outputs in `ct`, which vary over these axes, to cotangents of the
/// linear inputs, with zeros written out where `force`. Its second part says which linear inputs have one.
pub(crate) fn transpose_jaxpr(
    j: &Arc<Jaxpr>,
    linear: &[bool],
    ct: &[Option<AxisSet>],
    reduce: AxisSet,
    force: bool,
) -> Arc<(Arc<Jaxpr>, Vec<bool>)> {
    let given: Vec<bool> = ct.iter().map(|c| c.is_some()).collect();
    j.memo("transpose", &[linear, &given, &[force], &axes_key(ct, reduce)], || {
        let loc = Location::caller();
        // the program is made where no map runs
        let _axes = (reduce != 0).then(|| axis::provide(&axis::bound()));
        let avals: Vec<Aval> = j.in_avals().cloned().collect();
        let lin_avals: Vec<Aval> = avals.iter().zip(linear).filter(|(_, l)| **l).map(|(a, _)| a.clone()).collect();
        let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let known: Vec<Array> =
            avals.iter().zip(linear).filter(|(_, l)| !**l).map(|(a, _)| s.stage_input(a.clone(), loc, None)).collect();
        let input = |(a, c): (Aval, &Option<AxisSet>)| c.map(|varying| s.stage_input(Aval { varying, ..a }, loc, None));
        let cts: Vec<Option<Array>> = j.out_avals().into_iter().zip(ct).map(input).collect();
        let back = {
            let _g = enter(Some(s.clone()), Some(loc));
            let mut run = |xs: &[Array]| {
                let (mut k, mut l) = (known.iter(), xs.iter());
                let args: Vec<&Array> =
                    linear.iter().map(|m| if *m { l.next() } else { k.next() }.expect("an operand")).collect();
                j.eval(&args)
            };
            let back = record_linear(&mut run, &lin_avals, loc, false).transpose_once(&cts, reduce, loc);
            if force {
                back.into_iter().zip(&lin_avals).map(|(b, a)| Some(b.unwrap_or_else(|| zeros_of(a)))).collect()
            } else {
                back
            }
        };
        let mask = back.iter().map(|b| b.is_some()).collect();
        let ins: Vec<Array> = known.into_iter().chain(cts.into_iter().flatten()).collect();
        Arc::new((s.finish_closed(&ins, &back.into_iter().flatten().collect::<Vec<_>>()), mask))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cotangent_that_does_not_fit_is_an_error() {
        let aval = Aval::new(crate::DType::Float32, &[3]);
        let (operands, mut accums) = ([TapeArg::Var(0)], [Accum::Zero]);
        let mut io = Cotangents { operands: &operands, avals: &[aval], accums: &mut accums, reduce: 0 };
        let e = crate::catch(std::panic::AssertUnwindSafe(|| io.add(0, crate::array(vec![1f32, 2.0])))).unwrap_err();
        assert_eq!(e.kind(), crate::ErrorKind::Shape);
        assert!(e.message().contains("float32[2] for operand 0, of type float32[3]"), "{e}");
    }
}
