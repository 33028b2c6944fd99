//! Cheap maps that are computed again where they are read later.
//!
//! A normalization takes a mean away, sums the squares of the differences, and scales the differences by what comes of it. Between the two, where the sum is not there yet, the differences would
//! be written to memory, to be read where what they come from can be read just as well. So a map of a few additions and products that reads one array of its size at most (and what is
//! spread over it) is not kept for later groups: each makes it from its operands. What is the same within a group is computed once (see [`super::lower`]).
//!
//! What takes long is stored if a later group reads it, and then it counts as being in memory for what follows from it: of a hyperbolic tangent and its slope only the first is kept.
//!
//! A fence keeps what is behind it from what is before it: nothing is computed again across one.

use super::inline::{NEAR, dear, instructions, splice};
use crate::{Body, Kind, Node, Op, Part, Program, Use, ValId, View};

/// Elements of a value that are worth it.
pub const LEAST: usize = 1 << 14;
/// The most instructions that are computed again.
const CHEAP: usize = 6;
/// An operand that is smaller than a value by this factor stays in the cache.
const SMALL: usize = 16;

/// The program with such maps in their later readers; none, if there are none.
pub fn maps(p: &Program, least: usize) -> Option<Program> {
    let worth = |n: &Node| matches!(n.kind, Kind::Map(_)) && p.ty(n.vals.0).len() >= least;
    p.nodes.iter().filter(|n| worth(n)).nth(1)?;
    let mut finder = Finder::new(p, least);
    for (i, node) in p.nodes.iter().enumerate() {
        if worth(node) {
            finder.gone[i] = finder.leaves(i as u32);
            finder.stored[i] |= !finder.gone[i] && finder.late[i]
        }
    }
    let mut to = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let later = |u: &Use| finder.gone[finder.node(u)] && finder.rank[finder.node(u)] < finder.rank[i];
        let Kind::Map(body) = &node.kind else { continue };
        if node.lives(&finder.readers) && p.uses_of(node).iter().any(later) {
            finder.rewrite(to.get_or_insert_with(|| p.clone()), i, body)
        }
    }
    to
}

struct Finder<'a> {
    p: &'a Program,
    readers: Vec<u32>,
    /// What each node waits for: it is in a group with maps of its own rank, or may be.
    rank: Vec<u32>,
    /// Is a node's value in memory, whatever is done here?
    stored: Vec<bool>,
    /// Does a map of a later group read a node's value?
    late: Vec<bool>,
    /// Is a node's value in no memory, because its group computes it, and so do later readers?
    gone: Vec<bool>,
}
impl<'a> Finder<'a> {
    fn new(p: &'a Program, least: usize) -> Finder<'a> {
        let n = p.nodes.len();
        let [stored, late, gone] = [0; 3].map(|_| vec![false; n]);
        let mut f = Finder { p, readers: p.readers(), rank: vec![0; n], stored, late, gone };
        for v in &p.outs {
            f.stored[p.vals[*v as usize].node as usize] = true
        }
        for (i, node) in p.nodes.iter().enumerate() {
            if !node.lives(&f.readers) {
                continue;
            }
            let map = matches!(node.kind, Kind::Map(_));
            let ty = p.ty(node.vals.0);
            // A reader may want one part of a complex number, of which a body has both.
            f.stored[i] |= !map || node.vals.1 != 1 || ty.len() < least || ty.dt.is_complex();
            for u in p.uses_of(node) {
                let from = f.node(u);
                let apart = p.stage(from as u32) != p.stage(i as u32);
                let same = map && u.view.is_none() && p.ty(u.val).dims == p.ty(node.vals.0).dims;
                // A view is nothing of its own.
                let view = matches!(node.kind, Kind::View);
                let step = (view || same && !apart && matches!(p.nodes[from].kind, Kind::Map(_))) as u32;
                f.rank[i] = f.rank[i].max(f.rank[from] + 1 - step);
                f.stored[from] |= !same || apart;
            }
            for u in p.uses_of(node) {
                let from = f.node(u);
                f.late[from] |= f.rank[from] < f.rank[i]
            }
        }
        f
    }
    fn node(&self, u: &Use) -> usize {
        self.p.vals[u.val as usize].node as usize
    }
    /// Can later readers compute this from what is in memory, and read no more for it?
    fn leaves(&self, i: u32) -> bool {
        let bytes = self.p.ty(self.p.nodes[i as usize].vals.0).bytes();
        let (mut full, mut ops) = (vec![], 0);
        !self.stored[i as usize] && self.collect(i, bytes, &mut full, &mut ops) && full.len() <= 1
    }
    /// Adds the large operands that its value comes from, and how many instructions that takes.
    fn collect(&self, i: u32, bytes: usize, full: &mut Vec<ValId>, ops: &mut usize) -> bool {
        let p = self.p;
        let node = &p.nodes[i as usize];
        let Kind::Map(body) = &node.kind else { return false };
        *ops += instructions(body);
        if *ops > CHEAP || body.ops.iter().any(|s| dear(s.op) || s.op == Op::Index) {
            return false;
        }
        p.uses_of(node).iter().all(|u| {
            let from = self.node(u) as u32;
            if u.part != Part::Whole || p.ty(u.val).dt.is_complex() {
                return false;
            }
            if self.gone[from as usize] {
                return u.view.is_none() && self.collect(from, bytes, full, ops);
            }
            let Some((root, easy)) = self.root(u) else { return false };
            let all = p.ty(root).bytes();
            if all > bytes / SMALL && !full.contains(&root) {
                full.push(root)
            }
            easy && all <= bytes && (self.stored[self.p.vals[root as usize].node as usize])
        })
    }
    /// The value that an operand shows, and whether it is read along its rows, or is so small that it does not matter.
    fn root(&self, u: &Use) -> Option<(ValId, bool)> {
        let p = self.p;
        let is = |u: &Use, ok: &dyn Fn(&View) -> bool| {
            let view = u.view.map(|v| &p.views[v as usize]);
            view.is_none_or(|v| v.guards.is_empty() && ok(v))
        };
        let (mut all, mut inner) = (is(u, &|v| v.along() || p.ty(u.val).bytes() <= NEAR), *u);
        loop {
            let node = &p.nodes[self.node(&inner)];
            match node.kind {
                // With another reader it would be copied.
                Kind::View => inner = p.uses_of(node)[0],
                _ => return (inner.part == Part::Whole).then_some((inner.val, all)),
            }
            all &= is(&inner, &View::along)
        }
    }

    /// A map that computes what it reads of earlier groups.
    fn rewrite(&self, to: &mut Program, i: usize, body: &Body) {
        let mut inline =
            Inline { finder: self, body: Body::default(), uses: vec![], known: vec![], rank: self.rank[i] };
        let ids = inline.body(i, body);
        let mut body = inline.body;
        body.outs = ids;
        let first = to.uses.len() as u32;
        to.uses.extend(&inline.uses);
        let vals = to.nodes[i].vals;
        to.nodes[i] = Node { kind: Kind::Map(body.into()), uses: (first, inline.uses.len() as u32), vals };
    }
}

/// A body in the making.
struct Inline<'a> {
    finder: &'a Finder<'a>,
    body: Body,
    uses: Vec<Use>,
    /// Values that are there already.
    known: Vec<(ValId, u32)>,
    /// Of the map that it is for.
    rank: u32,
}
impl Inline<'_> {
    /// The instructions of a node's body; gives its results.
    fn body(&mut self, i: usize, body: &Body) -> Vec<u32> {
        let uses = self.finder.p.uses_of(&self.finder.p.nodes[i]);
        let ids = splice(self, |t| &mut t.body, body, |t, s| Some(t.operand(uses[s.a as usize], s.dt)));
        let ids = ids.expect("every operand can be had");
        body.outs.iter().map(|o| ids[*o as usize]).collect()
    }
    fn operand(&mut self, u: Use, dt: crate::Dt) -> u32 {
        let from = self.finder.node(&u);
        if !self.finder.gone[from] || self.finder.rank[from] >= self.rank {
            self.uses.push(u);
            return self.body.input(self.uses.len() as u32 - 1, dt);
        }
        if let Some(k) = self.known.iter().find(|k| k.0 == u.val) {
            return k.1;
        }
        let Kind::Map(body) = &self.finder.p.nodes[from].kind else { unreachable!("a map is computed again") };
        let made = self.body(from, body)[0];
        self.known.push((u.val, made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dt, Fold, Ty};

    /// A normalization: the differences are computed for the sum of their squares, and again with the factor; with something costly in them they are kept.
    #[test]
    fn what_is_cheap_is_computed_again() {
        let n = 100;
        let program = |op: Op| {
            let mut p = Program::default();
            let (ty, one) = (Ty::new(Dt::F32, &[n]), Ty::new(Dt::F32, &[]));
            let x = p.arg(ty.clone());
            let map = |p: &mut Program, op, uses: &[Use; 2]| {
                let mut body = Body::default();
                let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
                let made = body.bin(op, Dt::F32, a, b);
                body.outs.push(made);
                p.push(Kind::Map(body.into()), uses, std::slice::from_ref(&ty))
            };
            let sum = |p: &mut Program, x| {
                let sum = p.push(
                    Kind::Reduce { op: Fold::Sum, first: 0, count: 1 },
                    &[Use::plain(x)],
                    std::slice::from_ref(&one),
                );
                p.through(sum, View::splat(&[n]))
            };
            let mean = sum(&mut p, x);
            let centred = map(&mut p, op, &[Use::plain(x), mean]);
            let squares = map(&mut p, Op::Mul, &[Use::plain(centred); 2]);
            let scale = sum(&mut p, squares);
            let out = map(&mut p, Op::Mul, &[Use::plain(centred), scale]);
            p.outs.push(out);
            (p, centred, out)
        };
        let (p, centred, out) = program(Op::Sub);
        let again = maps(&p, 1).expect("something to compute again");
        again.check().unwrap();
        let reads = |p: &Program, v: ValId| {
            p.uses_of(&p.nodes[p.vals[v as usize].node as usize]).iter().map(|u| u.val).collect::<Vec<_>>()
        };
        assert!(reads(&p, out).contains(&centred) && !reads(&again, out).contains(&centred));
        let args = [(0..n).flat_map(|i| (i as f32 * 0.37).sin().to_le_bytes()).collect::<Vec<u8>>()];
        let of = |p: &Program| crate::reference::evaluate(p, &args).unwrap();
        assert_eq!(of(&again), of(&p));
        assert!(maps(&program(Op::Div).0, 1).is_none());
        // nothing is computed again behind a fence
        let mut fenced = p.clone();
        fenced.fences.push(p.vals[out as usize].node);
        assert!(maps(&fenced, 1).is_none());
    }
    /// What takes long is kept for whoever reads it later; what follows from it is computed from it, there as well.
    #[test]
    fn what_follows_from_what_is_kept_is_computed_again() {
        let ty = Ty::new(Dt::F32, &[100]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let map = |p: &mut Program, op, uses: &[ValId]| {
            let mut body = Body::default();
            let ins: Vec<u32> = (0..uses.len()).map(|k| body.input(k as u32, Dt::F32)).collect();
            let made = body.push(op, Dt::F32, ins[0], ins.get(1).copied().unwrap_or(0), 0);
            body.outs.push(made);
            let uses: Vec<Use> = uses.iter().map(|v| Use::plain(*v)).collect();
            p.push(Kind::Map(body.into()), &uses, std::slice::from_ref(&ty))
        };
        let root = map(&mut p, Op::Sqrt, &[x]);
        let slope = map(&mut p, Op::Neg, &[root]);
        let once = map(&mut p, Op::Mul, &[root, slope]);
        let sums = Kind::Prefix { op: Fold::Sum, dim: 0, reverse: false };
        let sums = p.push(sums, &[Use::plain(once)], std::slice::from_ref(&ty));
        let last = map(&mut p, Op::Mul, &[sums, slope]);
        let out = map(&mut p, Op::Add, &[last, root]);
        p.outs.push(out);
        let again = maps(&p, 1).expect("a slope to compute again");
        again.check().unwrap();
        let reads = |p: &Program, v: ValId| {
            p.uses_of(&p.nodes[p.vals[v as usize].node as usize]).iter().map(|u| u.val).collect::<Vec<_>>()
        };
        assert_eq!((reads(&p, last), reads(&again, last)), (vec![sums, slope], vec![sums, root]));
        let args = [(0..100).flat_map(|i| (i as f32 * 0.37).to_le_bytes()).collect::<Vec<u8>>()];
        let of = |p: &Program| crate::reference::evaluate(p, &args).unwrap();
        assert_eq!(of(&again), of(&p));
        // Nobody reads the root later: it would be stored for this.
        p.outs[0] = last;
        assert!(maps(&p, 1).is_none());
    }

    /// A part of a complex number that costs nothing is not its other part.
    #[test]
    fn complex_numbers_stay() {
        let mut p = Program::default();
        let (mut both, mut one) = (Body::default(), Body::default());
        both.outs = vec![both.num(Dt::F32, 7.0), both.num(Dt::F32, 9.0)];
        let c = p.push(Kind::Map(both.into()), &[], &[Ty::new(Dt::C64, &[5])]);
        let x = p.arg(Ty::new(Dt::F32, &[5]));
        let [a, b] = [one.input(0, Dt::F32), one.input(1, Dt::F32)];
        let sum = one.bin(Op::Add, Dt::F32, a, b);
        one.outs.push(sum);
        let im = Use { part: Part::Im, ..Use::plain(c) };
        let y = p.push(Kind::Map(one.into()), &[Use::plain(x), im], &[Ty::new(Dt::F32, &[5])]);
        p.outs.push(y);
        assert!(maps(&p, 1).is_none());
    }
}
