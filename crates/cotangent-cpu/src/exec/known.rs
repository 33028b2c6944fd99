//! Numbers that are known: maps of constants are constants.
//!
//! Derivatives multiply numbers with each other before they meet an array. A group that waits for such a product could not be merged with what comes before it.
//!
//! A piece whose place is known is a view, as are derivatives of arrays that are put together or written into.

use crate::reference::{evaluate, scalar};
use crate::{Body, Dt, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};
use std::sync::Arc;

/// The program with such numbers as constants; none, if there are none.
pub fn constants(p: &Program) -> Option<Program> {
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let now = to.as_ref().unwrap_or(p);
        let ty = p.ty(node.vals.0);
        if node.kind == Kind::DynSlice
            && let Some(piece) = piece(now, node)
        {
            let to = to.get_or_insert_with(|| p.clone());
            let u = to.through(piece.0, piece.1);
            to.uses.push(u);
            to.nodes[i] = Node { kind: Kind::View, uses: (to.uses.len() as u32 - 1, 1), vals: node.vals };
            continue;
        }
        let (Kind::Map(body), true, 1) = (&node.kind, ty.dims.is_empty(), node.vals.1) else { continue };
        let operands: Option<Vec<Number>> = (p.uses_of(node).iter())
            .map(|u| match now.nodes[p.vals[u.val as usize].node as usize].kind {
                Kind::Const(bits) if u.view.is_none() => Some((p.ty(u.val).dt, bits, u.part)),
                _ => None,
            })
            .collect();
        let Some(bits) = operands.and_then(|o| value(body, ty.dt, &o)) else { continue };
        let begin = node.uses.0;
        to.get_or_insert_with(|| p.clone()).nodes[i] =
            Node { kind: Kind::Const(bits), uses: (begin, 0), vals: node.vals };
    }
    to
}

/// A number's type and bits, and which part of it is meant.
pub type Number = (Dt, [u64; 2], Part);
/// What a body with one result, of this type, makes of numbers, as the reference says.
pub fn value(body: &Arc<Body>, dt: Dt, operands: &[Number]) -> Option<[u64; 2]> {
    let mut one = Program::default();
    let operand = |(dt, bits, part): &Number| Use { part: *part, ..Use::plain(one.constant(*dt, *bits)) };
    let uses: Vec<Use> = operands.iter().map(operand).collect();
    let made = one.push(Kind::Map(body.clone()), &uses, &[Ty::new(dt, &[])]);
    one.outs.push(made);
    let bytes = evaluate(&one, &[]).ok()?;
    let half = dt.part().size();
    let word = |k: usize| bytes[0][k * half..(k + 1) * half].iter().rev().fold(0, |w, b| w << 8 | *b as u64);
    Some([word(0), if dt.is_complex() { word(1) } else { 0 }])
}

/// What a slice shows of its operand, and how, if it begins at known numbers.
fn piece(p: &Program, node: &Node) -> Option<(ValId, View)> {
    let (array, starts) = p.uses_of(node).split_first()?;
    let (dims, all) = (&p.ty(node.vals.0).dims, p.dims_of(array));
    let mut view = View { strides: View::identity(all).strides, ..View::splat(dims) };
    for (d, u) in starts.iter().enumerate() {
        let Kind::Const(bits) = p.nodes[p.vals[u.val as usize].node as usize].kind else { return None };
        let dt = p.ty(u.val).dt;
        let start = match scalar(Op::Cast, Dt::I64, dt, bits[0], 0, 0) as i64 {
            start if dt == Dt::U64 && start < 0 => i64::MAX,
            start => start,
        };
        view.offset += start.clamp(0, (all[d] - dims[d]) as i64) * view.strides[d]
    }
    let plain = array.part == Part::Whole && starts.iter().all(|u| u.view.is_none() && u.part == Part::Whole);
    Some((array.val, p.shown(array, &view).filter(|_| plain)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts that are known, inside and outside of the array; and one that is not.
    #[test]
    fn pieces_at_known_places_are_views() {
        for (start, found) in [(0, true), (2, true), (-1i32, true), (9, true), (3, false)] {
            let mut p = Program::default();
            let (x, i) = (p.arg(Ty::new(Dt::F32, &[5, 3])), p.arg(Ty::new(Dt::I32, &[])));
            let [a, b] = [start, 1].map(|k: i32| p.constant(Dt::I32, [k as u32 as u64, 0]));
            let a = if found { a } else { i };
            let made = p.push(Kind::DynSlice, &[x, a, b].map(Use::plain), &[Ty::new(Dt::F32, &[3, 2])]);
            p.outs.push(made);
            let bytes = |len: usize| (0..len).flat_map(|i| (i as f32).to_le_bytes()).collect::<Vec<u8>>();
            let args = [bytes(15), 3i32.to_le_bytes().to_vec()];
            let Some(next) = constants(&p) else {
                assert!(!found);
                continue;
            };
            next.check().unwrap();
            assert!(found && next.nodes[next.vals[made as usize].node as usize].kind == Kind::View);
            assert_eq!(evaluate(&next, &args).unwrap(), evaluate(&p, &args).unwrap(), "from {start}");
        }
    }

    #[test]
    fn what_follows_from_constants_is_one() {
        let mut p = Program::default();
        let one = Ty::new(Dt::F32, &[]);
        let (a, b) =
            (p.constant(Dt::F32, [0.5f32.to_bits() as u64, 0]), p.constant(Dt::F32, [3f32.to_bits() as u64, 0]));
        let x = p.arg(one.clone());
        let product = |p: &mut Program, x, y| {
            let mut body = Body::default();
            let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
            let made = body.bin(Op::Mul, Dt::F32, a, b);
            body.outs.push(made);
            p.push(Kind::Map(body.into()), &[Use::plain(x), Use::plain(y)], std::slice::from_ref(&one))
        };
        let known = product(&mut p, a, b);
        let more = product(&mut p, known, b);
        let unknown = product(&mut p, more, x);
        p.outs.push(unknown);
        let next = constants(&p).expect("something that is known");
        next.check().unwrap();
        let kind = |v| &next.nodes[next.vals[v as usize].node as usize].kind;
        let bits = |x: f32| Kind::Const([x.to_bits() as u64, 0]);
        assert_eq!((kind(known), kind(more)), (&bits(1.5), &bits(4.5)));
        assert!(matches!(kind(unknown), Kind::Map(_)));
        assert!(constants(&next).is_none());
    }
}
