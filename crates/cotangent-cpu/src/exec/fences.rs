//! Fences that keep nothing out of memory.
//!
//! What is computed again waits behind a fence, so as not to be in memory beside what it is the same as; and what it is computed from is in memory until then. Where layers run as
//! one loop, element by element, what is between them is in no memory in the first place. There the fences alone would bring some of it there.

use super::plan::Plan;
use crate::{Kind, Program};

/// The program without its fences, if it then stores no more in all than has to be in memory at one of them.
pub fn needless(p: &Program) -> Option<Program> {
    let most = crossing(p).into_iter().max()?;
    let mut open = p.clone();
    open.fences.clear();
    // Without fences equal operations become one, whose results wait in memory for both readers: that has to count.
    let open = super::same::once(&open).unwrap_or(open);
    (stored(&open) <= most).then_some(open)
}

/// Bytes of the values that are made before a fence and read behind it, or are results, fence by fence.
fn crossing(p: &Program) -> Vec<usize> {
    if p.fences.is_empty() {
        return vec![];
    }
    let readers = p.readers();
    let mut last: Vec<usize> = p.vals.iter().map(|v| p.stage(v.node)).collect();
    for (i, node) in p.nodes.iter().enumerate().filter(|n| n.1.lives(&readers)) {
        for u in p.uses_of(node) {
            last[u.val as usize] = last[u.val as usize].max(p.stage(i as u32));
        }
    }
    p.outs.iter().for_each(|v| last[*v as usize] = p.fences.len());
    let mut bytes = vec![0; p.fences.len()];
    for (v, value) in p.vals.iter().enumerate() {
        let given = matches!(p.nodes[value.node as usize].kind, Kind::Arg(_) | Kind::Const(_) | Kind::View);
        if !given && readers[v] > 0 {
            bytes[p.stage(value.node)..last[v]].iter_mut().for_each(|b| *b += value.ty.bytes())
        }
    }
    bytes
}
/// Bytes of all values that a group leaves for others, and of the results.
fn stored(p: &Program) -> usize {
    let plan = Plan::new(p, true);
    let mut group = vec![usize::MAX; p.nodes.len()];
    for g in 0..plan.ends.len() {
        plan.group(g).iter().for_each(|i| group[*i as usize] = g)
    }
    let mut kept = vec![false; p.vals.len()];
    plan.outs.iter().for_each(|v| kept[*v as usize] = true);
    for i in &plan.members {
        for s in plan.sources_of(p, *i) {
            let from = group[p.vals[s.val as usize].node as usize];
            kept[s.val as usize] |= from != usize::MAX && from != group[*i as usize]
        }
    }
    p.vals.iter().zip(kept).filter(|v| v.1).map(|v| v.0.ty.bytes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Dt, Fold, Op, Ty, Use, ValId};

    fn sum(p: &mut Program, x: ValId, y: ValId) -> ValId {
        let mut body = Body::default();
        let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
        let made = body.bin(Op::Add, Dt::F32, a, b);
        body.outs.push(made);
        let ty = p.ty(x).clone();
        p.push(Kind::Map(body.into()), &[Use::plain(x), Use::plain(y)], &[ty])
    }
    /// Layers, and what is computed again of them behind a fence; with a number for each layer that all elements have a part in, or without.
    fn layers(folded: bool) -> Program {
        let mut p = Program::default();
        let mut x = p.arg(Ty::new(Dt::F32, &[1000]));
        let layer = |p: &mut Program, x| {
            let x = sum(p, x, x);
            if folded {
                let one = Kind::Reduce { op: Fold::Sum, first: 0, count: 1 };
                let sum = p.push(one, &[Use::plain(x)], &[Ty::new(Dt::F32, &[])]);
                p.outs.push(sum);
            }
            x
        };
        let first = layer(&mut p, x);
        x = layer(&mut p, first);
        p.fence();
        for _ in 0..2 {
            let again = layer(&mut p, first);
            x = sum(&mut p, x, again);
        }
        p.outs.push(x);
        p.check().unwrap();
        p
    }
    #[test]
    fn a_fence_stays_where_something_is_kept() {
        let open = needless(&layers(false)).expect("one loop");
        assert!(open.fences.is_empty());
        assert!(needless(&layers(true)).is_none());
        assert!(needless(&open).is_none(), "it has none");
    }
}
