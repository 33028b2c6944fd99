//! Staging: every operation becomes an equation of a jaxpr.

use super::*;
use crate::jaxpr::{Atom, Eqn, Jaxpr, Lit};
use std::collections::HashMap;
use std::sync::Arc;

/// A jaxpr under construction.
#[derive(Default)]
pub(crate) struct Builder {
    eqns: Vec<Eqn>,
    atoms: Vec<Atom>,
    avals: Vec<Aval>,
    /// Captured arrays, each once. They become hidden arguments, never constants in code.
    consts: Vec<(u32, Array)>,
    seen: HashMap<usize, u32>,
    /// Are operations on concrete values computed as they are written down?
    watched: bool,
}

pub(crate) fn process(
    t: &Rc<Trace>,
    builder: &RefCell<Builder>,
    prim: &dyn Primitive,
    args: &[&Array],
    loc: Loc,
) -> Outs {
    let watched = builder.borrow().watched;
    if let Some(f) = prim.live() {
        // a program is made of it here; what it captures are operands
        let (jaxpr, captured, values) = {
            let _g = enter(Some(t.clone()), Some(loc));
            let mut run = |x: &[Array]| f.run(&x.iter().collect::<Vec<_>>());
            if watched {
                record_flat(&mut run, args, loc)
            } else {
                let avals: Vec<Aval> = args.iter().map(|a| a.aval().clone()).collect();
                let (jaxpr, captured) = stage_flat(&mut run, &avals, loc);
                (jaxpr, captured, None)
            }
        };
        let prim = f.staged(jaxpr, captured.len());
        let args: Args = captured.iter().chain(args.iter().copied()).collect();
        return append(t, builder, &*prim, &args, || values, loc);
    }
    append(t, builder, prim, args, || if watched { values(prim, args, loc) } else { None }, loc)
}

fn append(
    t: &Rc<Trace>,
    builder: &RefCell<Builder>,
    prim: &dyn Primitive,
    args: &[&Array],
    values: impl FnOnce() -> Option<Vec<Array>>,
    loc: Loc,
) -> Outs {
    let mut avals = SmallVec::<[&Aval; 4]>::new();
    for a in args {
        avals.push(a.aval())
    }
    let outs = result_types(prim, &avals, args, loc);
    let mut values = values().map(Vec::into_iter);
    let mut b = builder.borrow_mut();
    let b = &mut *b;
    let watched = b.watched;
    let first = b.atoms.len() as u32;
    for a in args {
        let atom = b.atom(t, a, loc);
        b.atoms.push(atom)
    }
    let out = b.avals.len() as u32;
    b.eqns.push(Eqn { prim: prim.boxed(), first, out, n_out: outs.len() as u32, back: in_backward(), loc });
    t.results(outs, out, &mut b.avals, |var, aval| {
        let value = match values.as_mut().and_then(|v| v.next()) {
            Some(x) => Watched::Value(x),
            None if watched => Watched::Unknown,
            None => Watched::No,
        };
        Array::tracer(t.id, loc, Payload::Staged { var, aval, argument: None, value })
    })
}

/// What an operation gives for operands that are all concrete. It is computed only where that has no other effect.
fn values(prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Option<Vec<Array>> {
    if prim.effect() || prim.named_axes() != 0 {
        return None;
    }
    let x: Args = args.iter().map(|a| a.try_concrete().ok()).collect::<Option<_>>()?;
    let _g = enter(None, Some(loc));
    Some(super::eval::process(prim, &x, loc).into_vec())
}

impl Builder {
    /// Is this variable zero: the result of an operation that is linear in operands which are?
    fn is_zero(&self, var: u32, depth: usize) -> bool {
        let k = self.eqns.partition_point(|e| e.out <= var);
        let Some(e) = self.eqns[..k].last().filter(|e| depth > 0 && var < e.out + e.n_out) else { return false };
        let end = self.eqns.get(k).map_or(self.atoms.len(), |e| e.first as usize);
        let zero = |a: &Atom| match a {
            Atom::Lit(l) => l.dtype.all_zero(&l.bits.to_le_bytes()[..l.dtype.size()]),
            Atom::Var(v) => self.is_zero(*v, depth - 1),
        };
        let zeros: Vec<bool> = self.atoms[e.first as usize..end].iter().map(zero).collect();
        zeros.contains(&true) && e.prim.linear_in(&zeros)
    }
    fn atom(&mut self, t: &Trace, a: &Array, loc: Loc) -> Atom {
        match &a.0 {
            Repr::Scalar(s) => Atom::Lit(Lit { bits: s.bits, dtype: s.dtype, weak: s.weak }),
            Repr::Tracer(n) if n.trace == t.id => match n.kind {
                Payload::Staged { var, .. } => Atom::Var(var),
                _ => unreachable!("a staged tracer"),
            },
            _ => {
                if let Repr::Tracer(n) = &a.0
                    && !t.encloses(n.trace)
                {
                    stray(n, Some(loc))
                }
                Atom::Var(match self.seen.get(&a.ptr()) {
                    Some(v) => *v,
                    None => {
                        let v = self.avals.len() as u32;
                        self.avals.push(a.aval().clone());
                        self.consts.push((v, a.clone()));
                        self.seen.insert(a.ptr(), v);
                        v
                    }
                })
            }
        }
    }
}

impl Trace {
    fn builder(&self) -> std::cell::RefMut<'_, Builder> {
        let Kind::Stage(b) = &self.kind else { unreachable!("a stage") };
        b.borrow_mut()
    }
    pub(crate) fn stage_input(&self, aval: Aval, loc: Loc, argument: Option<u32>) -> Array {
        let mut b = self.builder();
        b.avals.push(aval.clone());
        let var = b.avals.len() as u32 - 1;
        let value = Watched::No;
        Array::tracer(self.id, loc, Payload::Staged { var, aval, argument, value })
    }
    pub(crate) fn staged_var(&self, a: &Array) -> Option<u32> {
        match a.node(self.id) {
            Some(Node { kind: Payload::Staged { var, .. }, .. }) => Some(*var),
            _ => None,
        }
    }
    /// Is it zero, as far as can be seen within so many operations, in this trace or one around it?
    pub(crate) fn is_zero(&self, a: &Array, depth: usize) -> bool {
        let node = match &a.0 {
            Repr::Tracer(n) => n,
            _ => return a.aval().stack > 0 || a.with_bytes(|b| a.dtype().all_zero(b)),
        };
        let var = match (&node.kind, &self.kind) {
            (Payload::Dual { x, .. } | Payload::Batched { x, .. }, _) => return self.is_zero(x, depth),
            (Payload::Staged { var, .. }, Kind::Stage(_)) if node.trace == self.id => *var,
            _ => return self.parent.as_ref().is_some_and(|p| p.is_zero(a, depth)),
        };
        let Kind::Stage(b) = &self.kind else { unreachable!("a stage") };
        b.borrow().is_zero(var, depth)
    }
    /// The jaxpr, and the captured arrays that it takes before its inputs.
    pub(crate) fn finish(&self, ins: &[Array], outs: &[Array]) -> (Arc<Jaxpr>, Vec<Array>) {
        let mut b = self.builder();
        let outs: Vec<Atom> = outs.iter().map(|o| b.atom(self, o, self.loc)).collect();
        let b = std::mem::take(&mut *b);
        let (vars, consts): (Vec<u32>, Vec<Array>) = b.consts.into_iter().unzip();
        let hidden = vars.len();
        let ins = vars.into_iter().chain(ins.iter().map(|a| self.staged_var(a).expect("an input"))).collect();
        (Arc::new(Jaxpr::new(ins, hidden, vec![], b.eqns, b.atoms, outs, b.avals)), consts)
    }
    /// For programs derived from programs: what they capture is concrete and stays inside.
    pub(crate) fn finish_closed(&self, ins: &[Array], outs: &[Array]) -> Arc<Jaxpr> {
        let mut b = self.builder();
        let outs: Vec<Atom> = outs.iter().map(|o| b.atom(self, o, self.loc)).collect();
        let b = std::mem::take(&mut *b);
        for (_, c) in &b.consts {
            if c.is_tracer() {
                crate::error::fail(
                    ErrorKind::Leak,
                    format!(
                        "a rule inside a staged program closes over a traced value of type {}: pass it in as an argument",
                        c.aval()
                    ),
                )
            }
        }
        let ins = ins.iter().map(|a| self.staged_var(a).expect("an input")).collect();
        Arc::new(Jaxpr::new(ins, 0, b.consts, b.eqns, b.atoms, outs, b.avals))
    }
}

/// Runs `f` on abstract values: its jaxpr, and what it captured. The program takes the captured arrays before its inputs.
pub(crate) fn stage_flat(
    f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    avals: &[Aval],
    loc: Loc,
) -> (Arc<Jaxpr>, Vec<Array>) {
    let s = Trace::new(current(), Kind::Stage(RefCell::default()), loc);
    let ins: Vec<Array> =
        avals.iter().enumerate().map(|(i, a)| s.stage_input(a.clone(), loc, Some(i as u32))).collect();
    let outs = {
        let _g = enter(Some(s.clone()), None);
        f(&ins)
    };
    s.finish(&ins, &outs)
}

/// The same while the function is run: what it computes from concrete arguments, and from concrete values that it captures, has values
/// that host code may look at. The program is that of the way which the function went. Its results come, too, if they all have values.
pub(crate) fn record_flat(
    f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    x: &[&Array],
    loc: Loc,
) -> (Arc<Jaxpr>, Vec<Array>, Option<Vec<Array>>) {
    let s = Trace::new(current(), Kind::Stage(RefCell::new(Builder { watched: true, ..Builder::default() })), loc);
    let mut input = |(i, x): (usize, &&Array)| {
        let aval = x.aval().clone();
        let value = x.try_concrete().map_or(Watched::Unknown, |x| Watched::Value(x.clone()));
        let var = s.staged_var(&s.stage_input(aval.clone(), loc, None)).expect("an input");
        Array::tracer(s.id, loc, Payload::Staged { var, aval, argument: Some(i as u32), value })
    };
    let ins: Vec<Array> = x.iter().enumerate().map(&mut input).collect();
    let outs = {
        let _g = enter(Some(s.clone()), None);
        f(&ins)
    };
    let values = outs.iter().map(|y| y.try_concrete().ok().cloned()).collect();
    let (jaxpr, captured) = s.finish(&ins, &outs);
    (jaxpr, captured, values)
}

/// Is a program written down for which there are no values, here or around here?
pub(crate) fn abstractly() -> bool {
    let mut t = current();
    while let Some(now) = t {
        if matches!(&now.kind, Kind::Stage(b) if !b.borrow().watched) {
            return true;
        }
        t = now.parent.clone();
    }
    false
}

/// The same for a program written by a rule or read from a file: nothing to capture but concrete values.
pub(crate) fn stage_rule(avals: &[Aval], f: impl FnOnce(&[Array]) -> Vec<Array>) -> Arc<Jaxpr> {
    let loc = Location::caller();
    let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
    let ins: Vec<Array> = avals.iter().map(|a| s.stage_input(a.clone(), loc, None)).collect();
    let outs = {
        let _g = enter(Some(s.clone()), Some(loc));
        f(&ins)
    };
    s.finish_closed(&ins, &outs)
}
