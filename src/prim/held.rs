//! What operations that hold programs share: masks over operands and results, and programs with their inputs in another order.

use super::*;
use crate::trace::batch::to_front;
use crate::trace::jvp::jvp_jaxpr;

/// What is the same for all operations that are not lowered: their programs are run, and host code decides which and how often. Most have their tangents
/// from `jvp_call`; the others say `own jvp`.
macro_rules! driven {
    () => {
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
            self.jvp_call(x, dx).1
        }
        driven!(own jvp);
    };
    (own jvp) => {
        fn lower(&self, _: &mut Lower, _: &[cotangent_cpu::ValId], _: &[&Aval], _: &[Aval]) -> Vals {
            unreachable!("{} is run between compiled parts", self.name())
        }
        fn higher(&self) -> Option<&dyn HigherOrder> {
            Some(self)
        }
        fn driven(&self) -> bool {
            true
        }
    };
}
/// What is the same for all operations that merely call a program, the one that `inline` gives.
macro_rules! inlined {
    () => {
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
            self.jvp_call(x, dx).1
        }
        fn lower(&self, _: &mut Lower, _: &[cotangent_cpu::ValId], _: &[&Aval], _: &[Aval]) -> Vals {
            unreachable!("calls are inlined when a program is lowered")
        }
        fn higher(&self) -> Option<&dyn HigherOrder> {
            Some(self)
        }
        fn driven(&self) -> bool {
            self.inline().is_some_and(|j| j.driven())
        }
    };
}
pub(crate) use {driven, inlined};

/// References to all.
pub(crate) fn refs(x: &[Array]) -> Vec<&Array> {
    x.iter().collect()
}
/// How many are true.
pub(crate) fn count(m: &[bool]) -> usize {
    m.iter().filter(|m| **m).count()
}
/// True where one of the two is.
pub(crate) fn joined(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a || *b).collect()
}
/// The values at the true places.
pub(crate) fn picked<'a, T>(v: &'a [T], m: &'a [bool]) -> impl Iterator<Item = &'a T> {
    v.iter().zip(m).filter(|(_, m)| **m).map(|(v, _)| v)
}
/// Values at the true places, nothing at the others.
pub(crate) fn spread(m: &[bool], v: impl IntoIterator<Item = Array>) -> Tangents {
    let mut v = v.into_iter();
    m.iter().map(|m| if *m { v.next() } else { None }).collect()
}
/// Which are given: tangents, cotangents, mapped axes.
pub(crate) fn given<T>(some: &[Option<T>]) -> Vec<bool> {
    some.iter().map(|s| s.is_some()).collect()
}

/// The tangents of the inputs in a mask, as operands of a linear operation. `first` is the number of the first input.
pub(crate) fn moving(m: &[bool], first: usize) -> impl Iterator<Item = LinArg> {
    m.iter().enumerate().filter(|(_, m)| **m).map(move |(i, _)| LinArg::Tangent(first + i))
}
/// Those of a loop's first carry `x`. What moves only from the first turn on, and so was not `given` a tangent, begins with zero.
pub(crate) fn moving_carry(m: &[bool], given: &[bool], first: usize, x: &[&Array]) -> Vec<LinArg> {
    let one = |i: usize| if given[i] { LinArg::Tangent(first + i) } else { LinArg::Known(zeros_of(x[i].aval())) };
    (0..m.len()).filter(|i| m[*i]).map(one).collect()
}
/// Which operands are tangents.
pub(crate) fn tangents_in(operands: &[LinArg]) -> Vec<bool> {
    operands.iter().map(|o| matches!(o, LinArg::Tangent(_))).collect()
}

/// Grows a mask of a loop's carry until the body agrees with it, which takes at most one round for each place. `body` is the body made for a mask,
/// and `out` says which of its results are true then, the next carry first.
pub(crate) fn grown<T>(start: &[bool], body: impl Fn(&[bool]) -> T, out: impl Fn(&T) -> &[bool]) -> (T, Vec<bool>) {
    let mut m = start.to_vec();
    loop {
        let made = body(&m);
        let next = joined(&m, &out(&made)[..m.len()]);
        if next == m {
            return (made, m);
        }
        m = next
    }
}

/// Which results of a loop's body depend on its operands in a mask, and which of the carry in the end, if they do so linearly. `operands` completes a
/// mask of the carry, of which what comes to depend on them must be zero at first.
pub(crate) fn depending(
    body: &Jaxpr,
    carry: &[bool],
    zero: &[bool],
    operands: impl Fn(&[bool]) -> Vec<bool>,
) -> Option<(Vec<bool>, Vec<bool>)> {
    let mut m = carry.to_vec();
    loop {
        let (outs, _) = body.follow(&operands(&m), &[], false).expect("an answer for each result");
        let next = joined(&m, &outs[..m.len()]);
        if next == m {
            break;
        }
        m = next
    }
    let affine = (0..m.len()).any(|i| m[i] && !carry[i] && !zero[i]);
    let outs = body.linear_outs(&operands(&m)).filter(|_| !affine)?;
    Some((outs, m))
}

/// The program with its inputs in this order.
pub(crate) fn permuted(j: &Jaxpr, order: impl IntoIterator<Item = usize>) -> Arc<Jaxpr> {
    j.rewire(order.into_iter().map(|i| j.ins[i]).collect(), j.outs.clone(), &[])
}

/// The program as one of more operands: for each of them the input that it is, or its type if the program ignores it.
pub(crate) fn among(j: &Jaxpr, operands: impl IntoIterator<Item = Result<usize, Aval>>) -> Arc<Jaxpr> {
    let mut extra = vec![];
    let ins = operands.into_iter().map(|o| match o {
        Ok(i) => j.ins[i],
        Err(ignored) => {
            extra.push(ignored);
            (j.avals.len() + extra.len() - 1) as u32
        }
    });
    let ins = ins.collect();
    j.rewire(ins, j.outs.clone(), &extra)
}

/// A program that takes constants, so many, and then what it is a function of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub jaxpr: Arc<Jaxpr>,
    pub consts: usize,
}
impl Held {
    /// Types of the constants.
    pub(crate) fn const_avals(&self) -> impl Iterator<Item = &Aval> {
        self.jaxpr.in_avals().take(self.consts)
    }
    /// The tangents of the results at `x` along tangents of constants, in the current trace.
    pub(crate) fn along_consts(&self, consts: &[&Array], x: &[Array], dc: &[Option<&Array>]) -> Tangents {
        let (j, mask) = (&self.jaxpr, given(dc));
        let along = j.memo("tangents along constants", &[&mask], || {
            let with = jvp_jaxpr(j, &[&mask[..], &vec![false; x.len()]].concat(), &vec![false; j.outs.len()]);
            let tangents = with.0.outs[j.outs.len()..].to_vec();
            Arc::new((with.0.part(with.0.ins.clone(), tangents), with.1.clone()))
        });
        let args: Vec<&Array> = consts.iter().copied().chain(x).chain(dc.iter().copied().flatten()).collect();
        spread(&along.1, along.0.eval(&args))
    }
}

/// Mapped operands with their lanes in front, the others as they are.
pub(crate) fn in_front(x: &[&Array], dims: &[Option<usize>], mask: &[bool], lanes: &Lanes) -> Vec<Array> {
    let front = |i: usize| if mask[i] { to_front(x[i], dims[i], lanes.size) } else { x[i].clone() };
    (0..x.len()).map(front).collect()
}

/// Types of a program's results for operands of these types, or why they do not fit.
pub(crate) fn call_types(jaxpr: &Jaxpr, x: &[&Aval]) -> Result<Avals, String> {
    if x.len() != jaxpr.ins.len() {
        return Err(format!("the program takes {} arguments, and is given {}", jaxpr.ins.len(), x.len()));
    }
    for (i, (want, got)) in jaxpr.in_avals().zip(x).enumerate() {
        if want.dtype != got.dtype || want.shape != got.shape {
            return Err(format!("argument {i} has type {got}, but the program was staged for {want}"));
        }
    }
    let varying = varying(x);
    let cleared = jaxpr.in_avals().fold(0, |s, a| s | a.varying);
    // what varies more than it did when the program was staged makes the results vary more, too
    Ok(jaxpr.out_avals().into_iter().map(|a| Aval { varying: a.varying | (varying & !cleared), ..a }).collect())
}
