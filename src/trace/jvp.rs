//! Forward mode: a tangent beside each value.
//!
//! This is also the first half of reverse mode. Linearising is this trace over a `Tape`: the rule below is the same text, and
//! whether its operations compute or are written down is decided by the trace that runs them.

use super::*;
use crate::jaxpr::Jaxpr;
use crate::prim::{LinArg, Tangents};
use std::sync::Arc;

pub(crate) fn process(t: &Rc<Trace>, linear: bool, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    let mut x = Args::new();
    let mut dx: SmallVec<[Option<&Array>; 4]> = SmallVec::new();
    let mut moves = false;
    for &a in args {
        match a.node(t.id) {
            Some(Node { kind: Payload::Dual { x: p, dx: d }, .. }) => {
                x.push(p);
                dx.push(Some(d));
                moves = true
            }
            _ => {
                x.push(a);
                dx.push(None)
            }
        }
    }
    let below = &t.parent;
    let values = if linear { &below.as_ref().expect("a tape below").parent } else { below };
    if !moves {
        return bind_in(values, prim, &x, loc);
    }
    match prim.higher() {
        None => {
            let y = bind_in(values, prim, &x, loc);
            let dy = {
                let _g = enter(below.clone(), Some(loc));
                prim.jvp(&x, &dx, &y)
            };
            wrap(t, y, dy, loc)
        }
        Some(h) => {
            let l = if linear {
                let _g = enter(values.clone(), Some(loc));
                h.linearize(&x, &dx.iter().map(|d| d.is_some()).collect::<Vec<_>>())
            } else {
                None
            };
            if let Some(l) = l {
                let Some(prim) = l.prim else { return l.outs };
                let ops: Vec<&Array> = l
                    .operands
                    .iter()
                    .map(|o| match o {
                        LinArg::Known(a) => a,
                        LinArg::Tangent(i) => dx[*i].expect("a tangent"),
                    })
                    .collect();
                let mut tangents = bind_in(below, &*prim, &ops, loc).into_iter();
                let dy = l.out_mask.iter().map(|m| if *m { tangents.next() } else { None }).collect();
                return wrap(t, l.outs, dy, loc);
            }
            let (y, dy) = {
                let _g = enter(below.clone(), Some(loc));
                h.jvp_call(&x, &dx)
            };
            // a rule may say "zero" with a value: nothing on the tape follows from it
            let on_tape = |d: Array| below.as_ref().and_then(|t| t.tape_output(&d, loc)).map(|_| d);
            let dy = if linear { dy.into_iter().map(|d| d.and_then(on_tape)).collect() } else { dy };
            wrap(t, y, dy, loc)
        }
    }
}

#[inline]
fn wrap(t: &Rc<Trace>, mut y: Outs, mut dy: Tangents, loc: Loc) -> Outs {
    debug_assert_eq!(y.len(), dy.len());
    if y.len() == 1 {
        if let Some(Some(dx)) = dy.pop() {
            let x = y.pop().expect("one result");
            y.push(t.dual(x, dx, loc))
        }
        return y;
    }
    y.into_iter()
        .zip(dy)
        .map(|(x, dx)| match dx {
            None => x,
            Some(dx) => t.dual(x, dx, loc),
        })
        .collect()
}

impl Trace {
    /// A value with a tangent. Types without derivatives (integers, booleans, keys) have none: it is dropped here, not in rules.
    #[inline]
    pub(crate) fn dual(&self, x: Array, dx: Array, loc: Loc) -> Array {
        if !x.dtype().is_inexact() {
            return x;
        }
        debug_assert_eq!(x.shape(), dx.shape(), "shape of a tangent, {loc}");
        debug_assert_eq!(x.dtype(), dx.dtype(), "type of a tangent, {loc}");
        Array::tracer(self.id, loc, Payload::Dual { x, dx })
    }
    /// A result of the function: its value and, if it moves, its tangent.
    pub(crate) fn undual(&self, a: Array) -> (Array, Option<Array>) {
        match a.node(self.id) {
            Some(Node { kind: Payload::Dual { x, dx }, .. }) => (x.clone(), Some(dx.clone())),
            _ => (a, None),
        }
    }
}

/// Values and tangents of `f`. Tangents may be missing: symbolic zeros.
pub(crate) fn jvp_flat(
    f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    x: &[Array],
    dx: &[Option<Array>],
    loc: Loc,
    user: bool,
) -> (Vec<Array>, Vec<Option<Array>>) {
    let t = Trace::new(current(), Kind::Jvp { linear: false }, loc);
    let ins: Vec<Array> = x
        .iter()
        .zip(dx)
        .map(|(x, d)| match d {
            Some(d) => t.dual(x.clone(), d.clone(), loc),
            None => x.clone(),
        })
        .collect();
    let outs = {
        let _g = enter(Some(t.clone()), if user { None } else { Some(loc) });
        f(&ins)
    };
    outs.into_iter().map(|o| t.undual(o)).unzip()
}

/// The program with tangents: inputs, then the tangents of those in `mask`, to results, then the tangents of those in the returned
/// mask; outputs in `force` have one even if it is zero.
pub(crate) fn jvp_jaxpr(j: &Arc<Jaxpr>, mask: &[bool], force: &[bool]) -> Arc<(Arc<Jaxpr>, Vec<bool>)> {
    j.memo("jvp", &[mask, force], || {
        let loc = Location::caller();
        let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let x: Vec<Array> = j.in_avals().map(|a| s.stage_input(a.clone(), loc, None)).collect();
        let dx: Vec<Option<Array>> =
            j.in_avals().zip(mask).map(|(a, m)| m.then(|| s.stage_input(a.clone(), loc, None))).collect();
        let _g = enter(Some(s.clone()), Some(loc));
        let (y, dy) = jvp_flat(&mut |x| j.eval(&x.iter().collect::<Vec<_>>()), &x, &dx, loc, false);
        let out_mask: Vec<bool> = dy.iter().zip(force).map(|(d, f)| d.is_some() || *f).collect();
        let dy: Vec<Array> = dy
            .into_iter()
            .zip(&y)
            .zip(&out_mask)
            .filter(|(_, m)| **m)
            .map(|((d, y), _)| d.unwrap_or_else(|| crate::prim::zeros_of(y.aval())))
            .collect();
        drop(_g);
        let ins: Vec<Array> = x.into_iter().chain(dx.into_iter().flatten()).collect();
        let outs: Vec<Array> = y.into_iter().chain(dy).collect();
        Arc::new((s.finish_closed(&ins, &outs), out_mask))
    })
}
