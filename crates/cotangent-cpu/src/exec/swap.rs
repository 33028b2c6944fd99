//! Products that come out as they are wanted: transposed, or added to what is there.
//!
//! If the transpose is wanted: the transpose of a product is the product of the transposed operands, the later one first.
//!
//! A derivative of a matrix is such a one. Read through strides operands cost nothing more, while a transposed copy of a result goes through memory.
//! Factors may change places in every sum, so the bits are the same; but for complex numbers, whose parts are added in an order of their own.

use super::compose::compose;
use crate::dot::CHUNK;
use crate::{DotOrder, Dt, Kind, Node, Op, Program, Ty, Use, View};
use std::ops::Range;

/// The program with such products the other way round; none, if there are none.
pub fn swapped(p: &Program) -> Option<Program> {
    let dots = || p.nodes.iter().enumerate().filter(|(_, n)| matches!(n.kind, Kind::Dot(_)));
    dots().next()?;
    let readers = p.readers();
    // the last reader, which is the only one where there is one
    let mut reader = vec![None; p.vals.len()];
    for (i, node) in p.nodes.iter().enumerate() {
        if node.lives(&readers) {
            p.uses_of(node).iter().for_each(|u| reader[u.val as usize] = Some(i))
        }
    }
    let mut to: Option<Program> = None;
    for (d, dot) in dots() {
        let Kind::Dot(spec) = dot.kind else { continue };
        let product = dot.vals.0;
        let [batch, m, n] = p.ty(product).dims[..] else { continue };
        if spec.order != DotOrder::Chain || spec.acc.is_complex() || m < 2 || n < 2 || batch == 0 {
            continue;
        }
        // what the product is of its transpose
        let of = [(m * n) as i64, 1, m as i64];
        let turn = View { strides: of.into_iter().collect(), ..View::splat(&[batch, m, n]) };
        let (mut v, mut seen) = (product, None::<View>);
        // who shows it, unless what is shown is transposed back in the end
        let mut found = None;
        while let Some(r) = reader[v as usize].filter(|_| readers[v as usize] == 1) {
            let node = &p.nodes[r];
            let Some(w) = p.uses_of(node)[0].view.filter(|_| node.kind == Kind::View) else { break };
            let view = &p.views[w as usize];
            let Some(all) = seen.as_ref().map_or(Some(view.clone()), |seen| compose(view, seen)) else { break };
            match compose(&all, &turn).is_some_and(|t| t.is_identity()) {
                true => found = found.or(Some(r)),
                false if all.is_identity() => found = None,
                false => break,
            }
            (v, seen) = (node.vals.0, Some(all))
        }
        let Some(transpose) = found else { continue };
        let to = to.get_or_insert_with(|| p.clone());
        let (a, b) = (dot.uses.0 as usize, dot.uses.0 as usize + 1);
        let sides = [b, a].map(|u| transposed(p, &p.uses[u]));
        for (u, (val, view)) in [a, b].into_iter().zip(sides) {
            to.views.push(view);
            to.uses[u] = Use { view: Some(to.views.len() as u32 - 1), ..val }
        }
        let dt = p.ty(product).dt;
        to.vals[p.nodes[d].vals.0 as usize].ty = Ty::new(dt, &[batch, n, m]);
        let read = p.nodes[transpose].uses.0 as usize;
        to.views.push(View::identity(&p.ty(p.nodes[transpose].vals.0).dims));
        to.uses[read] = Use { val: product, view: Some(to.views.len() as u32 - 1), part: p.uses[read].part }
    }
    to
}

/// The operand of a product, its rows as columns.
fn transposed(p: &Program, u: &Use) -> (Use, View) {
    let mut view = p.view_of(u);
    view.dims.swap(1, 2);
    view.strides.swap(1, 2);
    for g in &mut view.guards {
        g.dim = [0, 2, 1][g.dim as usize]
    }
    view.guards.sort_by_key(|g| g.dim);
    (*u, view)
}

/// The program with sums of an argument in `owned` and a product as products that are added to that argument, which is their third operand. Each
/// sum is complete when it is added, for it is one chunk. None, if there are none.
pub fn onto(p: &Program, owned: Range<usize>) -> Option<Program> {
    if owned.is_empty() {
        return None;
    }
    let readers = p.readers();
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let (Kind::Map(body), &[x, y]) = (&node.kind, p.uses_of(node)) else { continue };
        let [a, b, sum] = body.ops[..] else { continue };
        let inputs = [a, b].iter().all(|o| o.op == Op::In && o.dt == sum.dt) && a.a != b.a;
        if !inputs || sum.op != Op::Add || sum.a == sum.b || !matches!(sum.dt, Dt::F32 | Dt::F64) || body.outs != [2] {
            continue;
        }
        let sum_of = |x: &Use, y: &Use| {
            let at = p.nodes[p.vals[x.val as usize].node as usize].kind.clone();
            let ours = matches!(at, Kind::Arg(k) if owned.contains(&(k as usize))) && x.view.is_none();
            let (mut v, mut seen) = (y.val, y.view);
            loop {
                // through what leaves the elements in their order
                if !ours || readers[v as usize] != 1 || seen.is_some_and(|v| !p.views[v as usize].is_identity()) {
                    return None;
                }
                let from = &p.nodes[p.vals[v as usize].node as usize];
                match from.kind {
                    Kind::View => (v, seen) = (p.uses_of(from)[0].val, p.uses_of(from)[0].view),
                    Kind::Dot(spec) => {
                        let k = p.dims_of(&p.uses_of(from)[0])[2];
                        let plain = spec.order == DotOrder::Chain && spec.acc == sum.dt && p.ty(v).dt == sum.dt;
                        let plain = plain && p.ty(v).dims[0] == 1;
                        return (plain && (2..=CHUNK).contains(&k)).then_some((spec, from.uses.0 as usize, *x));
                    }
                    _ => return None,
                }
            }
        };
        // what else reads the sum would rather read it in registers
        if readers[node.vals.0 as usize] != 1 || !p.outs.contains(&node.vals.0) {
            continue;
        }
        let Some((spec, dot, x)) = sum_of(&x, &y).or_else(|| sum_of(&y, &x)) else { continue };
        let to = to.get_or_insert_with(|| p.clone());
        let first = to.uses.len() as u32;
        to.uses.extend([p.uses[dot], p.uses[dot + 1], x]);
        to.nodes[i] = Node { kind: Kind::Dot(spec), uses: (first, 3), vals: node.vals }
    }
    to
}
