//! What passes share by which maps compute their own operands: the instructions of one body within another, and how an operand is read.

use super::compose::compose;
use crate::{Body, Op, Program, Sop, Use, View};

/// Bytes of operands that may be read across their rows: they stay in the first cache.
pub const NEAR: usize = 1 << 15;

/// Does it take so long that it should not be computed twice?
pub fn dear(op: Op) -> bool {
    matches!(op, Op::Math(_) | Op::Div | Op::Rem | Op::Sqrt)
}

/// How many instructions a body has, besides operands and constants.
pub fn instructions(body: &Body) -> usize {
    body.ops.iter().filter(|s| !matches!(s.op, Op::In | Op::Const)).count()
}

/// Appends the instructions of a body to the one that `to` finds in `t`, with what `operand` makes of each operand, and gives their new numbers; none, if an operand cannot be had.
pub fn splice<T>(
    t: &mut T,
    to: fn(&mut T) -> &mut Body,
    body: &Body,
    mut operand: impl FnMut(&mut T, &Sop) -> Option<u32>,
) -> Option<Vec<u32>> {
    let mut ids: Vec<u32> = Vec::with_capacity(body.ops.len());
    for s in &body.ops {
        ids.push(match s.op {
            Op::In => operand(t, s)?,
            Op::Const | Op::Index => to(t).push(s.op, s.dt, s.a, s.b, s.c),
            _ => {
                let at = |k: u32| ids.get(k as usize).copied().unwrap_or(0);
                to(t).push(s.op, s.dt, at(s.a), at(s.b), at(s.c))
            }
        })
    }
    Some(ids)
}

/// Does a view show each of so many elements once?
pub fn permutes(view: &View, len: usize) -> bool {
    let mut axes: Vec<(i64, i64)> = view.strides.iter().copied().zip(view.dims.iter().map(|n| *n as i64)).collect();
    axes.retain(|a| a.1 != 1);
    axes.sort_unstable();
    let mut radix = 1;
    let dense = axes.iter().all(|(s, n)| {
        let next = *s == radix;
        radix *= n;
        next
    });
    dense && radix as usize == len && view.offset == 0 && view.guards.is_empty()
}

impl View {
    /// Is it read along its rows: are neighbors the same element, or the next one?
    pub fn along(&self) -> bool {
        self.dims.iter().zip(&self.strides).rfind(|(n, _)| **n > 1).is_none_or(|(_, s)| (0..2).contains(s))
    }
}
impl Program {
    /// How an operand is read, as a view even if it has none.
    pub fn view_of(&self, u: &Use) -> View {
        u.view.map_or_else(|| View::identity(self.dims_of(u)), |v| self.views[v as usize].clone())
    }
    /// What a view shows of an operand, as a view of its value.
    pub fn shown(&self, u: &Use, view: &View) -> Option<View> {
        match u.view {
            Some(v) => compose(view, &self.views[v as usize]),
            None => Some(view.clone()),
        }
    }
}
