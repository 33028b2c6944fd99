//! Indices that count from the end, where they are used.
//!
//! NumPy's index below zero counts from the end of its axis, so whoever indexes adds the extent to such ones first: `i < 0 ? i + n : i`. As a map that is a pass over all indices, whose
//! result is written and read again. A gather or scatter that adds the extent itself reads them where they lie.

use crate::{Kind, Node, Op, Part, Program, Use, ValId, View};
use std::sync::Arc;

/// How deep the choice may be spelled out over maps.
const DEEP: usize = 6;

/// The program with such choices as parts of gathers and scatters; none, if there are none.
pub fn indices(p: &Program) -> Option<Program> {
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let parts = match &node.kind {
            Kind::Gather(spec) if spec.below == 0 => spec.start_index_map.len(),
            Kind::Scatter(spec) if spec.below == 0 => spec.scatter_dims_to_operand_dims.len(),
            _ => continue,
        };
        let at = node.uses.0 as usize + 1;
        let Some((val, below)) = counted(p, &p.uses[at]).filter(|_| parts == 1) else { continue };
        let dims = p.dims_of(&p.uses[at]).clone();
        let to = to.get_or_insert_with(|| p.clone());
        to.uses[at] = to.through(val, View::identity(&dims));
        match &mut to.nodes[i].kind {
            Kind::Gather(spec) => Arc::make_mut(spec).below = below,
            Kind::Scatter(spec) => Arc::make_mut(spec).below = below,
            _ => unreachable!("only those have indices"),
        }
    }
    to
}

/// What is chosen from, and what is added to it below zero, if an operand is such a choice, whatever its extents.
fn counted(p: &Program, u: &Use) -> Option<(ValId, i64)> {
    let v = plain(p, u)?;
    let node = made(p, v);
    if node.kind == Kind::View {
        return counted(p, p.uses_of(node).first()?);
    }
    let Term::Of(Op::Select, mut c, mut yes, mut no) = Term::of(p, v, DEEP) else { return None };
    while let Term::Of(Op::Not, x, ..) = *c {
        c = x;
        std::mem::swap(&mut yes, &mut no)
    }
    let (Term::Of(Op::Lt, x, zero, _), Term::Of(Op::Add, y, n, _), Term::Val(of)) = (*c, *yes, *no) else {
        return None;
    };
    let (Term::Const(0), Term::Const(n)) = (*zero, *n) else { return None };
    let same = [*x, *y].into_iter().all(|t| matches!(t, Term::Val(v) if v == of));
    let dt = p.ty(of).dt;
    let n = dt.is_signed().then(|| (n << (64 - 8 * dt.size())) as i64 >> (64 - 8 * dt.size()))?;
    (same && n >= 0 && p.ty(of).len() == p.ty(v).len()).then_some((of, n))
}

/// What an element is made of.
enum Term {
    /// The element of a value at the same place.
    Val(ValId),
    /// A constant, by its bits.
    Const(u64),
    Of(Op, Box<Term>, Box<Term>, Box<Term>),
}
impl Term {
    fn of(p: &Program, v: ValId, deep: usize) -> Term {
        match &made(p, v).kind {
            Kind::Const(bits) => Term::Const(bits[0]),
            Kind::Map(body) if deep > 0 && body.outs.len() == 1 => {
                Term::body(p, made(p, v), body.outs[0], deep - 1).unwrap_or(Term::Val(v))
            }
            _ => Term::Val(v),
        }
    }
    /// Of an instruction of a map's body, if it is one of those that a choice is made of.
    fn body(p: &Program, node: &Node, k: u32, deep: usize) -> Option<Term> {
        let Kind::Map(body) = &node.kind else { return None };
        let s = body.ops[k as usize];
        if s.op == Op::In {
            let u = &p.uses_of(node)[s.a as usize];
            let constant = matches!(made(p, u.val).kind, Kind::Const(_)) && u.part == Part::Whole;
            return if constant { Some(Term::of(p, u.val, 0)) } else { plain(p, u).map(|v| Term::of(p, v, deep)) };
        }
        let operands = match s.op {
            Op::Select => 3,
            Op::Add | Op::Lt => 2,
            Op::Not => 1,
            Op::Const => return Some(Term::Const(s.a as u64 | (s.b as u64) << 32)),
            _ => return None,
        };
        let operand = |n: usize, k: u32| match n < operands {
            true if deep > 0 => Term::body(p, node, k, deep - 1).map(Box::new),
            true => None,
            false => Some(Box::new(Term::Const(0))),
        };
        Some(Term::Of(s.op, operand(0, s.a)?, operand(1, s.b)?, operand(2, s.c)?))
    }
}
fn made(p: &Program, v: ValId) -> &Node {
    &p.nodes[p.vals[v as usize].node as usize]
}
/// The value whose elements an operand is, in their order.
fn plain(p: &Program, u: &Use) -> Option<ValId> {
    let whole = |v: u32| {
        p.views[v as usize].is_identity() && p.views[v as usize].dims.iter().product::<usize>() == p.ty(u.val).len()
    };
    (u.part == Part::Whole && u.view.is_none_or(whole)).then_some(u.val)
}
