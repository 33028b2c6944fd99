//! Padded arrays whose value is known, as views.
//!
//! An array in the midst of a value is a choice: a mask, which is true where the array is, between the array and the value. Where the value is a constant, a view of the array says as much, with
//! the constant outside its guards; and a view needs no mask, and goes along with what reads it.

use crate::{Guard, Kind, Op, Part, Program, Use, ValId, View};

/// A choice between what a view with guards shows and a value, everywhere else.
pub struct Choice<'a> {
    /// The view's result.
    pub inside: ValId,
    /// What it shows, and how.
    pub shown: (ValId, &'a View),
    /// The bits outside.
    pub around: [u64; 2],
}
impl Choice<'_> {
    /// What a node chooses, if it is such a one.
    pub fn of(p: &Program, node: usize) -> Option<Choice<'_>> {
        let node = &p.nodes[node];
        let Kind::Map(body) = &node.kind else { return None };
        let [.., s] = body.ops[..] else { return None };
        if s.op != Op::Select || body.ops.len() != 4 || body.outs != [3] {
            return None;
        }
        let operand = |k: u32| {
            let s = body.ops[k as usize];
            (s.op == Op::In).then(|| p.uses_of(node)[s.a as usize])
        };
        let made = |u: &Use| &p.nodes[p.vals[u.val as usize].node as usize];
        let guarded = |u: &Use| {
            let &[shown] = p.uses_of(made(u)).first_chunk()?;
            let plain = u.view.is_none() && made(u).kind == Kind::View && shown.part == Part::Whole;
            Some((shown.val, &p.views[shown.view.filter(|_| plain)? as usize]))
        };
        let constant = |v: ValId| match p.nodes[p.vals[v as usize].node as usize].kind {
            Kind::Const(bits) => Some(bits),
            _ => None,
        };
        let (mask, inside, around) = (operand(s.a)?, operand(s.b)?, operand(s.c)?);
        let ((yes, holds), shown) = (guarded(&mask)?, guarded(&inside)?);
        let around = constant(around.val)?;
        let same = constant(yes) == Some([1, 0]) && holds.guards == shown.1.guards && holds.fill[0] == 0;
        let turns = |v: &View| v.guards.iter().any(|g| g.step == Guard::AROUND);
        let simple = !p.ty(shown.0).dt.is_complex() && !shown.1.guards.is_empty() && !turns(shown.1);
        (same && simple).then_some(Choice { inside: inside.val, shown, around })
    }
}

/// The program with such choices as views; none, if there are none.
pub fn views(p: &Program) -> Option<Program> {
    let mut to: Option<Program> = None;
    for i in 0..p.nodes.len() {
        let Some(Choice { shown: (val, view), around, .. }) = Choice::of(p, i) else { continue };
        let to = to.get_or_insert_with(|| p.clone());
        to.views.push(View { fill: around, ..view.clone() });
        to.uses.push(Use { view: Some(to.views.len() as u32 - 1), ..Use::plain(val) });
        to.nodes[i].kind = Kind::View;
        to.nodes[i].uses = (to.uses.len() as u32 - 1, 1)
    }
    to
}
