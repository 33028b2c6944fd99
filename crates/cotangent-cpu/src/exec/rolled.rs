//! Both ends of an array, put together the other way round, as a view that goes around.
//!
//! A shift along a periodic axis (`roll`) is a concatenation of two pieces of the same array. As one it writes the whole array again. As a view it is read where it lies, if maps
//! read it: row by row, or in columns of a few hundred elements.

use super::plan::in_runs;
use crate::{Guard, Kind, Node, Part, Program, Ty, Use, ValId, View};

/// The program with such concatenations as views; none, if there are none.
pub fn views(p: &Program) -> Option<Program> {
    let two = |n: &Node| matches!(n.kind, Kind::Concat { .. }) && n.uses.1 == 2;
    if !p.nodes.iter().any(two) {
        return None;
    }
    let readers = p.readers();
    let mut maps = vec![true; p.vals.len()];
    p.outs.iter().for_each(|v| maps[*v as usize] = false);
    for node in p.nodes.iter().filter(|n| n.lives(&readers) && !matches!(n.kind, Kind::Map(_))) {
        p.uses_of(node).iter().for_each(|u| maps[u.val as usize] = false)
    }
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate().filter(|(_, n)| two(n) && n.lives(&readers)) {
        let Some((val, view)) = around(p, node).filter(|_| maps[node.vals.0 as usize]) else { continue };
        let to = to.get_or_insert_with(|| p.clone());
        let u = to.through(val, view);
        to.uses.push(u);
        to.nodes[i] = Node { kind: Kind::View, uses: (to.uses.len() as u32 - 1, 1), vals: node.vals };
    }
    to
}

/// The array, and the view of it that goes around.
fn around(p: &Program, node: &Node) -> Option<(ValId, View)> {
    let Kind::Concat { dim } = node.kind else { return None };
    let [a, b] = p.uses_of(node) else { return None };
    let ((of, a), (same, b)) = (piece(p, a)?, piece(p, b)?);
    let d = dim as usize;
    let (na, nb) = (a.dims[d] as i64, b.dims[d] as i64);
    // the first piece begins where the second ends
    let follows = a.strides == b.strides && b.strides[d].checked_mul(nb)?.checked_add(b.offset)? == a.offset;
    if of != same || !follows || na == 0 || nb == 0 {
        return None;
    }
    let mut view = b;
    view.dims[d] = (na + nb) as usize;
    view.guards.push(Guard { dim, lo: na, hi: 2 * na + nb, step: Guard::AROUND });
    in_runs(&view).then_some((of, view))
}
/// What a piece shows of which array, without guards.
fn piece(p: &Program, u: &Use) -> Option<(ValId, View)> {
    let node = &p.nodes[p.vals[u.val as usize].node as usize];
    let shown = *p.uses_of(node).first()?;
    let plain = u.view.is_none() && node.kind == Kind::View && shown.part == Part::Whole;
    let view = &p.views[shown.view.filter(|_| plain)? as usize];
    let Ty { dims, .. } = p.ty(u.val);
    (view.guards.is_empty() && view.dims == *dims).then(|| (shown.val, view.clone()))
}
