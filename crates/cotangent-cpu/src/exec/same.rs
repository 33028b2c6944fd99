//! What is computed twice is computed once: a loss beside its gradient, a mean that two functions take, a product that both directions of a derivative need.
//!
//! Values are numbered (Cocke and Schwartz, *Programming Languages and Their Compilers*, 1970): two nodes that do the same with operands of the same number have results of the same
//! number. Readers of the later one then read the earlier one, and nobody reads the later one any more. Maps that are cheap stay, and so do views: it costs less to compute them where they are read than
//! to keep them in memory until then. So do nodes on two sides of a fence, for what is computed again behind one is not to be in memory until then.

use super::inline::dear;
use crate::emit::ir::Quick;
use crate::{Kind, Node, Part, Program, Ty, Use, View};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Is it worth being read from memory rather than being computed again?
fn worth(kind: &Kind) -> bool {
    match kind {
        Kind::Arg(_) | Kind::Const(_) | Kind::View => false,
        Kind::Map(body) => body.ops.iter().any(|o| dear(o.op)) || body.ops.len() > MANY,
        _ => true,
    }
}
/// Instructions of a map that are worth it, whatever they are.
const MANY: usize = 24;

/// What tells a node from others: what it does with which values, seen how, of how many elements, and between which fences.
struct Seen<'a> {
    p: &'a Program,
    /// The number of each value: the first value that is the same.
    same: &'a [u32],
    node: u32,
}
impl Seen<'_> {
    fn node(&self) -> &Node {
        &self.p.nodes[self.node as usize]
    }
    fn uses(&self) -> impl Iterator<Item = (u32, Option<&View>, Part)> {
        let seen = |u: &Use| (self.same[u.val as usize], u.view.map(|v| &self.p.views[v as usize]), u.part);
        self.p.uses_of(self.node()).iter().map(seen)
    }
    fn types(&self) -> impl Iterator<Item = &Ty> {
        let (first, n) = self.node().vals;
        (first..first + n).map(|v| self.p.ty(v))
    }
    /// Values that cost no memory are the same everywhere.
    fn stage(&self) -> usize {
        if worth(&self.node().kind) { self.p.stage(self.node) } else { 0 }
    }
    fn hash(&self) -> u64 {
        let mut h = Quick::default();
        (&self.node().kind, self.stage()).hash(&mut h);
        self.uses().for_each(|u| u.hash(&mut h));
        h.finish()
    }
    fn equals(&self, other: u32) -> bool {
        let other = Seen { node: other, ..*self };
        (&self.node().kind, self.stage()) == (&other.node().kind, other.stage())
            && self.types().eq(other.types())
            && self.uses().eq(other.uses())
    }
}

/// The program with the readers of what is computed twice reading the first of them; none, if nothing is.
pub fn once(p: &Program) -> Option<Program> {
    let readers = p.readers();
    let live = |n: &Node| n.lives(&readers);
    if p.nodes.iter().filter(|n| worth(&n.kind) && live(n)).take(2).count() < 2 {
        return None;
    }
    let mut same: Vec<u32> = (0..p.vals.len() as u32).collect();
    let mut first: HashMap<u64, u32, BuildHasherDefault<Quick>> = HashMap::default();
    // which values are others
    let mut instead: Vec<(u32, u32)> = vec![];
    for (i, node) in p.nodes.iter().enumerate() {
        if matches!(node.kind, Kind::Arg(_)) || !live(node) {
            continue;
        }
        let seen = Seen { p, same: &same, node: i as u32 };
        match first.entry(seen.hash()) {
            Entry::Vacant(e) => _ = e.insert(i as u32),
            // of several that have one hash the first one counts
            Entry::Occupied(e) if seen.equals(*e.get()) => {
                let (from, to) = (node.vals.0, p.nodes[*e.get() as usize].vals.0);
                for k in 0..node.vals.1 {
                    same[(from + k) as usize] = same[(to + k) as usize];
                    if worth(&node.kind) {
                        instead.push((from + k, to + k))
                    }
                }
            }
            Entry::Occupied(_) => {}
        }
    }
    if instead.is_empty() {
        return None;
    }
    let mut to = p.clone();
    let mut is: Vec<u32> = (0..p.vals.len() as u32).collect();
    instead.iter().for_each(|(from, to)| is[*from as usize] = *to);
    to.uses.iter_mut().for_each(|u| u.val = is[u.val as usize]);
    // Every result has memory of its own.
    for k in 0..to.outs.len() {
        let v = is[to.outs[k] as usize];
        if !to.outs.contains(&v) {
            to.outs[k] = v
        }
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, DotSpec, Dt, Fold, M, Op, ValId};

    fn map(p: &mut Program, op: Op, x: Use, ty: &Ty) -> ValId {
        let mut body = Body::default();
        let x0 = body.input(0, ty.dt);
        let y = body.push(op, ty.dt, x0, x0, 0);
        body.outs.push(y);
        p.push(Kind::Map(body.into()), &[x], std::slice::from_ref(ty))
    }
    fn running(p: &Program) -> usize {
        let readers = p.readers();
        p.nodes.iter().filter(|n| n.lives(&readers) && !matches!(n.kind, Kind::Arg(_) | Kind::View)).count()
    }

    /// A cheap map, a product of it with its transpose, and the product's sine, twice over.
    fn twice(fence: bool) -> Program {
        let ty = Ty::new(Dt::F32, &[1, 3, 3]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let turn = || View { strides: [0, 1, 3].into_iter().collect(), ..View::identity(&[1, 3, 3]) };
        for k in 0..2 {
            let y = map(&mut p, Op::Neg, Use::plain(x), &ty);
            let t = p.through(y, turn());
            let y =
                p.push(Kind::Dot(DotSpec::for_sizes(3, 3, Dt::F32)), &[Use::plain(y), t], std::slice::from_ref(&ty));
            let y = map(&mut p, Op::Math(M::Sin), Use::plain(y), &ty);
            let one = Ty::new(Dt::F32, &[1]);
            let y =
                p.push(Kind::Reduce { op: [Fold::Sum, Fold::Max][k], first: 1, count: 2 }, &[Use::plain(y)], &[one]);
            p.outs.push(y);
            if fence && k == 0 {
                p.fence()
            }
        }
        p
    }

    #[test]
    fn once_is_enough() {
        let p = twice(false);
        assert_eq!(running(&p), 8);
        let q = once(&p).expect("something is computed twice");
        q.check_live().unwrap();
        // a map, a product, a sine, and two folds
        assert_eq!(running(&q), 5, "{q}");
        assert_eq!(once(&q).map(|q| running(&q)), None);
        let args = vec![(0..9).flat_map(|i| (i as f32).cos().to_le_bytes()).collect::<Vec<u8>>()];
        assert_eq!(crate::reference::evaluate(&p, &args), crate::reference::evaluate(&q, &args));
        // what is computed again is
        assert!(once(&twice(true)).is_none());
        // but not twice behind the fence
        let mut p = twice(true);
        let of = p.nodes[p.nodes.len() - 3].clone();
        let (uses, ty) = (p.uses_of(&of).to_vec(), p.ty(of.vals.0).clone());
        let y = p.push(of.kind, &uses, &[ty]);
        p.outs.push(y);
        let q = once(&p).expect("something is computed twice");
        assert_eq!((running(&p), running(&q)), (9, 8), "{q}");
    }

    #[test]
    fn results_are_apart() {
        let ty = Ty::new(Dt::F32, &[4]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let all: Vec<ValId> = (0..3).map(|_| map(&mut p, Op::Math(M::Exp), Use::plain(x), &ty)).collect();
        // two of them are results, and neither is the first one, which somebody reads
        let kind = Kind::Reduce { op: Fold::Sum, first: 0, count: 1 };
        let sum = p.push(kind, &[Use::plain(all[0])], &[Ty::new(Dt::F32, &[])]);
        p.outs = vec![all[1], all[2], sum];
        let q = once(&p).expect("something is computed twice");
        assert_eq!(q.outs, [all[0], all[2], sum]);
        // another type, or another part, is another value
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::I32, &[4]));
        let sum = |p: &mut Program, dims: &[usize], view: View| {
            let x = p.through(x, view);
            let kind = Kind::Reduce { op: Fold::Sum, first: 0, count: 1 };
            let y = p.push(kind, &[x], &[Ty::new(Dt::I32, dims)]);
            p.outs.push(y)
        };
        sum(&mut p, &[], View::identity(&[4]));
        sum(&mut p, &[2], View::identity(&[2, 2]));
        sum(&mut p, &[], View { strides: [-1].into_iter().collect(), offset: 3, ..View::identity(&[4]) });
        assert!(once(&p).is_none());
    }
}
