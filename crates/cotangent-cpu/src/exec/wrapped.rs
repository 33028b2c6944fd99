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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Bounds, Dims, Dt, GatherSpec, Ty};

    /// Takes elements at `i < zero ? i + n : i`, with the choice over a few maps, and a view behind it.
    fn program(dt: Dt, zero: u64, n: u64) -> Program {
        let mut p = Program::default();
        let table = p.arg(Ty::new(Dt::F32, &[10]));
        let i = p.arg(Ty::new(dt, &[6]));
        let (zero, n) = (p.constant(dt, [zero, 0]), p.constant(dt, [n, 0]));
        let all = p.through(zero, View::splat(&[6]));
        let more = p.through(n, View::splat(&[6]));
        let map = |p: &mut Program, op: Op, to: Dt, a: Use, b: Use| {
            let mut body = Body::default();
            let (x, y) = (body.input(0, dt), body.input(1, dt));
            let made = if op == Op::Lt { body.cmp(op, x, y) } else { body.bin(op, to, x, y) };
            body.outs = vec![made];
            p.push(Kind::Map(body.into()), &[a, b], &[Ty::new(to, &[6])])
        };
        let less = map(&mut p, Op::Lt, Dt::Bool, Use::plain(i), all);
        let sum = map(&mut p, Op::Add, dt, Use::plain(i), more);
        let mut body = Body::default();
        let (c, x, y) = (body.input(0, Dt::Bool), body.input(1, dt), body.input(2, dt));
        let not = body.un(Op::Not, Dt::Bool, c);
        let chosen = body.push(Op::Select, dt, not, x, y);
        body.outs = vec![chosen];
        let uses = [less, i, sum].map(Use::plain);
        let chosen = p.push(Kind::Map(body.into()), &uses, &[Ty::new(dt, &[6])]);
        let vectors = p.view(chosen, View::identity(&[6, 1]));
        let spec = GatherSpec {
            offset_dims: Dims::new(),
            collapsed_slice_dims: Dims::from_slice(&[0]),
            start_index_map: Dims::from_slice(&[0]),
            operand_batching_dims: Dims::new(),
            start_indices_batching_dims: Dims::new(),
            slice_sizes: Dims::from_slice(&[1]),
            bounds: Bounds::Fill,
            below: 0,
            fill: [0; 2],
        };
        let uses = [table, vectors].map(Use::plain);
        let out = p.push(Kind::Gather(Arc::new(spec)), &uses, &[Ty::new(Dt::F32, &[6])]);
        p.outs = vec![out];
        p.check().unwrap();
        p
    }

    #[test]
    fn indices_from_the_end_are_read_where_they_lie() {
        for dt in [Dt::I8, Dt::I32, Dt::I64] {
            let made = indices(&program(dt, 0, 10)).expect("a choice");
            made.check_live().unwrap();
            let last = made.nodes.last().unwrap();
            let Kind::Gather(spec) = &last.kind else { panic!("a gather") };
            assert_eq!((spec.below, made.uses_of(last)[1].val), (10, 1));
        }
        // others than those below zero, what is subtracted, and what is never below zero
        let others = [program(Dt::I32, 1, 10), program(Dt::I32, 0, -10i32 as u32 as u64), program(Dt::U32, 0, 10)];
        assert!(others.iter().all(|p| indices(p).is_none()));
    }
}
