//! Sums of padded arrays that lie beside each other, as the arrays one behind the other.
//!
//! The derivative of an array that was split is a sum: the derivative of each piece, with zeros where the other pieces are. As a map it reads every piece through a guard, for every
//! element of the whole. As a concatenation it writes each piece once, or nothing, if the pieces are made where they belong.
//!
//! What is written is what was summed. In a tree of sums every other term of an element is +0, and sums of +0 are +0; so a piece's element `x` becomes `x + 0`, perhaps several times. That is `x`
//! but for -0 and subnormal numbers, which become +0, and after the first time nothing changes any more. So each piece is a map, `x + 0`, that may be merged with what makes the piece. Views move
//! elements as they are: the map stands in front of those between the piece and what it shows.

use super::inline::permutes;
use super::padded::Choice;
use crate::{Body, Dt, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};

/// Elements of a sum that are worth it.
pub const LEAST: usize = 1024;
/// The least bytes of a piece's row: below, rows cost more to find than to copy.
const ROW: usize = 64;

/// The program with such sums, of at least so many elements, as concatenations; none, if there are none.
pub fn joined(p: &Program, least: usize) -> Option<Program> {
    // An array of zeros around a piece is a choice by a mask, which few programs have.
    let any = |n: &Node| {
        matches!(n.kind, Kind::View) && p.uses_of(n)[0].view.is_some_and(|v| !p.views[v as usize].guards.is_empty())
    };
    if !p.nodes.iter().any(any) {
        return None;
    }
    let readers = p.readers();
    let (mut to, mut part): (Option<Program>, _) = (None, vec![false; p.nodes.len()]);
    // The last sum of a tree comes first, so that a tree is taken as a whole.
    for i in (0..p.nodes.len()).rev() {
        let ty = p.ty(p.nodes[i].vals.0);
        if part[i] || !adds(&p.nodes[i]) || ty.len() < least || !p.nodes[i].lives(&readers) {
            continue;
        }
        let Some((mut terms, sums)) = tree(p, &readers, i) else { continue };
        terms.sort_unstable_by_key(|t| t.from);
        let dim = terms[0].dim;
        let mut end = 0;
        let beside = terms.iter().all(|t| t.dim == dim && std::mem::replace(&mut end, t.to) == t.from);
        let outer: usize = ty.dims[..dim].iter().product();
        let inner: usize = ty.dims[dim + 1..].iter().product::<usize>() * ty.dt.size();
        if !beside || end != ty.dims[dim] || outer > 1 && terms.iter().any(|t| (t.to - t.from) * inner < ROW) {
            continue;
        }
        let to = to.get_or_insert_with(|| p.clone());
        let pieces: Vec<Use> = terms.iter().map(|t| t.piece(p, to, outer)).collect();
        let first = to.uses.len() as u32;
        to.uses.extend(pieces);
        to.nodes[i].kind = Kind::Concat { dim: dim as u32 };
        to.nodes[i].uses = (first, terms.len() as u32);
        // Nobody asks for a part of the sum any more.
        for k in sums {
            let v = p.nodes[k].vals.0;
            part[k] = true;
            to.nodes[k].kind = Kind::Const([0; 2]);
            to.nodes[k].uses.1 = 0;
            to.vals[v as usize].ty = Ty::new(p.ty(v).dt, &[])
        }
    }
    to
}

/// Is it the sum of two values, and nothing else?
fn adds(node: &Node) -> bool {
    let Kind::Map(body) = &node.kind else { return false };
    let [a, b, sum] = body.ops[..] else { return false };
    let inputs = a.op == Op::In && b.op == Op::In && a.a != b.a && [(0, 1), (1, 0)].contains(&(sum.a, sum.b));
    inputs && sum.op == Op::Add && sum.dt != Dt::Bool && body.outs == [2] && node.uses.1 == 2
}
/// The terms of a tree of sums that nobody else reads, all of them padded arrays, and the sums within.
fn tree(p: &Program, readers: &[u32], top: usize) -> Option<(Vec<Term>, Vec<usize>)> {
    let (mut terms, mut sums, mut rest) = (vec![], vec![], vec![top]);
    while let Some(i) = rest.pop() {
        for u in p.uses_of(&p.nodes[i]) {
            let at = p.vals[u.val as usize].node as usize;
            if u.view.is_some() || u.part != Part::Whole || readers[u.val as usize] != 1 {
                return None;
            }
            match Term::of(p, readers, at) {
                Some(term) => terms.push(term),
                None if adds(&p.nodes[at]) => {
                    sums.push(at);
                    rest.push(at)
                }
                None => return None,
            }
        }
    }
    Some((terms, sums))
}

/// An array with zeros around it along one dimension.
struct Term {
    /// The view of the array with a guard, and the choice between it and zeros.
    view: usize,
    choice: usize,
    /// What the view shows within its guard.
    shown: (ValId, View),
    /// Where that is.
    dim: usize,
    from: usize,
    to: usize,
}
impl Term {
    fn of(p: &Program, readers: &[u32], choice: usize) -> Option<Term> {
        let Choice { inside, shown: (val, view), around } = Choice::of(p, choice)?;
        let [guard] = view.guards[..] else { return None };
        let dim = guard.dim as usize;
        let within = guard.step == 1 && 0 <= guard.lo && guard.lo < guard.hi && guard.hi <= view.dims[dim] as i64;
        // The view's node is needed for what stands in its place.
        if around != [0; 2] || !within || p.ty(val).dt == Dt::Bool || readers[inside as usize] != 1 {
            return None;
        }
        let mut piece = View { fill: [0; 2], ..view.clone() };
        piece.guards.clear();
        piece.dims[dim] = (guard.hi - guard.lo) as usize;
        let (from, to) = (guard.lo as usize, guard.hi as usize);
        Some(Term { view: p.vals[inside as usize].node as usize, choice, shown: (val, piece), dim, from, to })
    }
    /// The piece with zero added to it: the nodes of the guarded view and the choice are a map and a view.
    fn piece(&self, p: &Program, to: &mut Program, outer: usize) -> Use {
        let (val, view) = &self.shown;
        let dims = view.dims.clone();
        let dt = p.ty(*val).dt;
        let (root, through) = root(p, *val, view.clone());
        let all = through.is_identity() && through.dims.iter().product::<usize>() == p.ty(root).len();
        // What shows all elements of a value row by row is read by the concatenation. Other pieces are made as they are wanted.
        let (operand, ty, seen) = match all || outer > 1 && through.along() && permutes(&through, p.ty(root).len()) {
            true => (Use::plain(root), p.ty(root).clone(), through),
            false => (to.through(*val, view.clone()), Ty { dt, dims: dims.clone() }, View::identity(&dims)),
        };
        let mut body = Body::default();
        let [x, zero] = [body.input(0, dt), body.num(dt, 0.0)];
        let sum = body.bin(Op::Add, dt, x, zero);
        body.outs.push(sum);
        let made = [self.view, self.choice].map(|i| p.nodes[i].vals.0);
        to.vals[made[0] as usize].ty = ty;
        to.vals[made[1] as usize].ty = Ty { dt, dims: seen.dims.clone() };
        to.views.push(seen);
        let seen = Use { view: Some(to.views.len() as u32 - 1), ..Use::plain(made[0]) };
        for (i, kind, u) in [(self.view, Kind::Map(body.into()), operand), (self.choice, Kind::View, seen)] {
            to.uses.push(u);
            to.nodes[i] = Node { kind, uses: (to.uses.len() as u32 - 1, 1), vals: p.nodes[i].vals }
        }
        to.through(made[1], View::identity(&dims))
    }
}
/// The value that is no view whose elements a view shows, in the same order, though the extents may be others.
fn root(p: &Program, mut val: ValId, mut view: View) -> (ValId, View) {
    loop {
        let node = &p.nodes[p.vals[val as usize].node as usize];
        let (Kind::View, &[inner]) = (&node.kind, p.uses_of(node)) else { return (val, view) };
        let all = view.is_identity() && view.dims.iter().product::<usize>() == p.ty(val).len();
        let next = if all { Some(p.view_of(&inner)) } else { p.shown(&inner, &view) };
        let Some(next) = next else { return (val, view) };
        (val, view) = (inner.val, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Guard;
    use crate::reference::evaluate;

    const WHOLE: [usize; 2] = [3, 64];

    /// A value of `rows` rows with this around it along the last dimension, from this column on.
    fn padded(p: &mut Program, x: ValId, from: usize, around: f32) -> ValId {
        let ty = Ty::new(Dt::F32, &WHOLE);
        let (n, yes) = (p.ty(x).dims[1], p.constant(Dt::Bool, [1, 0]));
        let mut view = View { dims: ty.dims.clone(), ..View::identity(&p.ty(x).dims) };
        view.guards.push(Guard { dim: 1, lo: from as i64, hi: (from + n) as i64, step: 1 });
        let holds = View { guards: view.guards.clone(), ..View::splat(&WHOLE) };
        let (holds, inside) = (p.view(yes, holds), p.view(x, view));
        let around = p.constant(Dt::F32, [around.to_bits() as u64, 0]);
        let around = p.through(around, View::splat(&WHOLE));
        let mut body = Body::default();
        let [a, b, c] = [body.input(0, Dt::Bool), body.input(1, Dt::F32), body.input(2, Dt::F32)];
        let made = body.select(Dt::F32, a, b, c);
        body.outs.push(made);
        p.push(Kind::Map(body.into()), &[Use::plain(holds), Use::plain(inside), around], &[ty])
    }
    fn sum(p: &mut Program, a: ValId, b: ValId) -> ValId {
        let mut body = Body::default();
        let [x, y] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
        let made = body.bin(Op::Add, Dt::F32, x, y);
        body.outs.push(made);
        p.push(Kind::Map(body.into()), &[Use::plain(a), Use::plain(b)], &[Ty::new(Dt::F32, &WHOLE)])
    }
    /// Arguments of so many columns, from these columns on, padded with this and added up.
    fn program(pieces: [(usize, usize, f32); 3]) -> Program {
        let mut p = Program::default();
        let args = pieces.map(|(_, n, _)| p.arg(Ty::new(Dt::F32, &[WHOLE[0], n])));
        let [a, b, c] = [0, 1, 2].map(|k| padded(&mut p, args[k], pieces[k].0, pieces[k].2));
        let ab = sum(&mut p, a, b);
        let all = sum(&mut p, c, ab);
        p.outs.push(all);
        p.check().unwrap();
        p
    }

    #[test]
    fn zeros_have_the_sign_that_sums_have() {
        let p = program([(32, 16, 0.0), (0, 32, 0.0), (48, 16, 0.0)]);
        let made = joined(&p, 1).expect("a sum of pieces");
        made.check().unwrap();
        let top = &made.nodes[made.vals[made.outs[0] as usize].node as usize];
        assert_eq!(top.kind, Kind::Concat { dim: 1 });
        // both zeros, both least numbers, infinities, a NaN and a number, in every piece
        let values = [0.0f32, -0.0, 1e-42, -1e-42, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -1.5];
        let args: Vec<Vec<u8>> = [16, 32, 16]
            .map(|n| (0..WHOLE[0] * n).flat_map(|i| values[(i + n) % values.len()].to_le_bytes()).collect())
            .into();
        let (want, got) = (evaluate(&p, &args).unwrap(), evaluate(&made, &args).unwrap());
        assert_eq!(want, got);
        let bits = |b: &[u8]| b.chunks(4).map(|b| u32::from_le_bytes(b.try_into().unwrap())).collect::<Vec<_>>();
        assert!(!bits(&got[0]).contains(&(-0.0f32).to_bits()), "a sum with +0 is not -0");
    }
    #[test]
    fn other_sums_stay() {
        for pieces in [
            // something is left out
            [(32, 16, 0.0), (0, 32, 0.0), (49, 15, 0.0)],
            // two of them meet
            [(32, 16, 0.0), (0, 33, 0.0), (48, 16, 0.0)],
            // not with zeros, or with zeros that change nothing at all
            [(32, 16, 1.0), (0, 32, 0.0), (48, 16, 0.0)],
            [(32, 16, 0.0), (0, 32, -0.0), (48, 16, 0.0)],
        ] {
            assert!(joined(&program(pieces), 1).is_none(), "{pieces:?}")
        }
        // a part of the sum is wanted as well
        let mut p = program([(32, 16, 0.0), (0, 32, 0.0), (48, 16, 0.0)]);
        let all = p.outs[0];
        let part = p.uses_of(&p.nodes[p.vals[all as usize].node as usize])[1].val;
        p.outs.push(part);
        assert!(joined(&p, 1).is_none());
    }
}
