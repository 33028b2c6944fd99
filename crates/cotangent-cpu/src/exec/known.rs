//! Numbers that are known: maps of constants are constants.
//!
//! Derivatives multiply numbers with each other before they meet an array. A group that waits for such a product could not be merged with what comes before it.

use crate::reference::evaluate;
use crate::{Kind, Program, Ty, Use};

/// The program with such numbers as constants; none, if there are none.
pub fn constants(p: &Program) -> Option<Program> {
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let now = to.as_ref().unwrap_or(p);
        let ty = p.ty(node.vals.0);
        let (Kind::Map(body), true, 1) = (&node.kind, ty.dims.is_empty(), node.vals.1) else { continue };
        let mut one = Program::default();
        let uses: Option<Vec<Use>> = (p.uses_of(node).iter())
            .map(|u| match now.nodes[p.vals[u.val as usize].node as usize].kind {
                Kind::Const(bits) if u.view.is_none() => Some(Use { val: one.constant(p.ty(u.val).dt, bits), ..*u }),
                _ => None,
            })
            .collect();
        let Some(uses) = uses else { continue };
        let made = one.push(Kind::Map(body.clone()), &uses, &[Ty::new(ty.dt, &[])]);
        one.outs.push(made);
        let Ok(bytes) = evaluate(&one, &[]) else { continue };
        let half = ty.dt.part().size();
        let word = |k: usize| bytes[0][k * half..(k + 1) * half].iter().rev().fold(0, |w, b| w << 8 | *b as u64);
        let bits = [word(0), if ty.dt.is_complex() { word(1) } else { 0 }];
        let begin = node.uses.0;
        to.get_or_insert_with(|| p.clone()).nodes[i] =
            crate::Node { kind: Kind::Const(bits), uses: (begin, 0), vals: node.vals };
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Dt, Op};

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
