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
}

pub(crate) fn process(
    t: &Rc<Trace>,
    builder: &RefCell<Builder>,
    prim: &dyn Primitive,
    args: &[&Array],
    loc: Loc,
) -> Outs {
    let mut avals = SmallVec::<[&Aval; 4]>::new();
    for a in args {
        avals.push(a.aval())
    }
    if let Some(f) = prim.live() {
        // a program is made of it here; what it captures are operands
        let (jaxpr, captured) = {
            let _g = enter(Some(t.clone()), Some(loc));
            let avals: Vec<Aval> = avals.into_iter().cloned().collect();
            stage_flat(&mut |x| f.run(&x.iter().collect::<Vec<_>>()), &avals, loc)
        };
        let prim = f.staged(jaxpr, captured.len());
        let args: Args = captured.iter().chain(args.iter().copied()).collect();
        return process(t, builder, &*prim, &args, loc);
    }
    let outs = result_types(prim, &avals, args, loc);
    let mut b = builder.borrow_mut();
    let b = &mut *b;
    let first = b.atoms.len() as u32;
    for a in args {
        let atom = b.atom(t, a, loc);
        b.atoms.push(atom)
    }
    let out = b.avals.len() as u32;
    b.eqns.push(Eqn { prim: prim.boxed(), first, out, n_out: outs.len() as u32, back: in_backward(), loc });
    t.results(outs, out, &mut b.avals, |var, aval| {
        Array::tracer(t.id, loc, Payload::Staged { var, aval, argument: None })
    })
}

impl Builder {
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
        Array::tracer(self.id, loc, Payload::Staged { var, aval, argument })
    }
    pub(crate) fn staged_var(&self, a: &Array) -> Option<u32> {
        match a.node(self.id) {
            Some(Node { kind: Payload::Staged { var, .. }, .. }) => Some(*var),
            _ => None,
        }
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
