//! Residuals that a loop is spared: what its way back computes from others.
//!
//! The slope of a sigmoid `s` is `s (1 - s)`, and where `s` is kept as well, as it is where it multiplies something, the slope need not be: the two operations that
//! make it cost less than to write it to memory in each turn and to read it there. So a residual that follows from others by a few additions and products is
//! made in the linear program, with the same operations and so with the same bits. That holds for loops alone, whose residuals lie in memory, turn by turn.
//!
//! What is read by anything but elementwise operations stays: a matrix product wants it as an array.

use super::binary::{Add, AddAny, Div, Mul, Sub};
use super::neg::Neg;
use super::select::SelectN;
use super::*;
use crate::jaxpr::Atom;
use crate::trace::linearize::{LinJaxpr, Residual};
use crate::trace::stage::stage_rule;
use crate::trace::{bind_in, current};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The most operations that are done again for a residual.
const STEPS: usize = 3;

fn is_one_of(prim: &dyn Any, more: bool) -> bool {
    prim.is::<Add>()
        || prim.is::<AddAny>()
        || prim.is::<Sub>()
        || prim.is::<Mul>()
        || prim.is::<Neg>()
        || more && (prim.is::<Div>() || prim.is::<SelectN>())
}
fn of(l: &LinJaxpr, r: &Residual) -> Atom {
    match r {
        Residual::In(i) => Atom::Var(l.primal.ins[*i]),
        Residual::Out(j) => l.primal.outs[*j],
    }
}

/// The linear program without the residuals that follow from others, and the numbers of those that it takes; none, if it takes all. `costs` says which
/// would be kept for it alone.
pub(super) fn spared(l: &LinJaxpr, costs: impl Fn(&Residual, Atom) -> bool) -> Option<(Arc<Jaxpr>, Vec<usize>)> {
    let p = &l.primal;
    let mut made: HashMap<u32, usize> = HashMap::new();
    for (k, e) in p.eqns.iter().enumerate().filter(|(_, e)| e.n_out == 1) {
        made.insert(e.out, k);
    }
    let residuals: Vec<Atom> = l.residuals.iter().map(|r| of(l, r)).collect();
    let known: HashSet<Atom> = residuals.iter().copied().collect();
    // read by elementwise operations alone
    let mut near = vec![true; l.linear.avals.len()];
    for (k, _) in l.linear.eqns.iter().enumerate().filter(|(_, e)| !is_one_of(&*e.prim, true)) {
        for a in l.linear.args(k) {
            if let Atom::Var(v) = a {
                near[*v as usize] = false
            }
        }
    }
    // the equations that make it of other residuals
    let steps = |v: u32| {
        let (mut open, mut all) = (vec![v], BTreeSet::new());
        while let Some(v) = open.pop() {
            let k = *made.get(&v).filter(|k| is_one_of(&*p.eqns[**k].prim, false))?;
            all.insert(k);
            if all.len() > STEPS {
                return None;
            }
            open.extend(p.args(k).iter().filter(|a| !known.contains(a)).filter_map(|a| match a {
                Atom::Var(v) => Some(*v),
                Atom::Lit(_) => None,
            }))
        }
        Some(all)
    };
    let (mut kept, mut again) = (vec![], BTreeSet::new());
    for (i, (r, a)) in l.residuals.iter().zip(&residuals).enumerate() {
        let steps = match a {
            Atom::Var(v) if near[l.linear.ins[i] as usize] && costs(r, *a) => steps(*v),
            _ => None,
        };
        match steps {
            Some(steps) => again.extend(steps),
            None => kept.push(i),
        }
    }
    if kept.len() == residuals.len() {
        return None;
    }
    let types: Vec<Aval> = l.linear.in_avals().cloned().collect();
    let (of_residuals, tangents) = types.split_at(residuals.len());
    let types: Vec<Aval> = kept.iter().map(|i| &of_residuals[*i]).chain(tangents).cloned().collect();
    let linear = stage_rule(&types, |a| {
        let (given, tangents) = a.split_at(kept.len());
        let mut values: HashMap<Atom, Array> =
            kept.iter().zip(given).map(|(i, x)| (residuals[*i], x.clone())).collect();
        for k in &again {
            let e = &p.eqns[*k];
            let value = |a: &Atom| match a {
                Atom::Lit(l) => l.array(),
                a => values[a].clone(),
            };
            let args: Vec<Array> = p.args(*k).iter().map(value).collect();
            let made = bind_in(&current(), &*e.prim, &args.iter().collect::<Vec<_>>(), e.loc).remove(0);
            values.insert(Atom::Var(e.out), made);
        }
        let all: Vec<&Array> = residuals.iter().map(|r| &values[r]).chain(tangents).collect();
        l.linear.eval(&all)
    });
    Some((linear, kept))
}
