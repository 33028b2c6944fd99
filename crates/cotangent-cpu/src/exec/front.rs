//! Short last dimensions before long ones.
//!
//! Particles have positions of three coordinates, so what there is for each pair of them is an array whose rows have three elements: too short for vectors, and to be spread over when a
//! number of the pair meets it. What is only computed to be folded over the particles may lie in memory as one likes: with the coordinate before the second of them rows are long,
//! an operand without the coordinate is read as it is, and all that there is of a particle lies together, so that a strip can have it as its row. Where a fold goes over both of them, the
//! coordinate becomes the first dimension. A fold's order is that of its elements, wherever they lie.
//!
//! Such values are found by leaving out what somebody else reads, until all that is left is read within, or folded. What the folds make is small, and its readers see it through a view.

use super::compose::compose;
use super::inline::NEAR;
use crate::{FEW, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};

/// Elements of a value that are worth it.
pub const LEAST: usize = 1 << 14;
/// How many times fewer elements a fold has to make than it reads.
const LESS: usize = 8;

/// The program with such values the other way round; none, if there are none.
pub fn moved(p: &Program, least: usize) -> Option<Program> {
    let between = To::Between.moved(p, least);
    To::Front.moved(between.as_ref().unwrap_or(p), least).or(between)
}

/// Where a short last dimension goes.
#[derive(Clone, Copy, PartialEq)]
enum To {
    /// Before the last of the others.
    Between,
    Front,
}
impl To {
    fn moved(self, p: &Program, least: usize) -> Option<Program> {
        let short = |node: &Node| {
            let ty = p.ty(node.vals.0);
            let rank = ty.dims.len();
            let complex = (0..node.vals.1).any(|k| p.ty(node.vals.0 + k).dt.is_complex());
            rank > 2 && (2..=FEW).contains(&ty.dims[rank - 1]) && ty.len() >= least && !complex
        };
        let map = |n: &Node| matches!(&n.kind, Kind::Map(body) if !body.ops.iter().any(|s| s.op == Op::Index));
        let mut inside: Vec<bool> = p.nodes.iter().map(|n| map(n) && short(n)).collect();
        if !inside.contains(&true) {
            return None;
        }
        let readers = p.readers();
        let from = |u: &Use| p.vals[u.val as usize].node as usize;
        // What folds over other dimensions make is turned as well.
        let mut folds: Vec<bool> = vec![false; p.nodes.len()];
        for (i, node) in p.nodes.iter().enumerate() {
            inside[i] &= node.lives(&readers);
            let Kind::Reduce { first, count, .. } = node.kind else { continue };
            let u = p.uses_of(node)[0];
            let over = (first + count) as usize;
            let small = p.ty(node.vals.0).len() <= p.ty(u.val).len() / LESS;
            let rank = p.ty(u.val).dims.len();
            let apart = self == To::Between && count > 1 && over + 1 == rank;
            folds[i] = node.lives(&readers) && small && u.view.is_none() && over < rank && !apart
        }
        for v in &p.outs {
            let made = p.vals[*v as usize].node as usize;
            (inside[made], folds[made]) = (false, false)
        }
        loop {
            let mut turned = false;
            for (i, node) in p.nodes.iter().enumerate() {
                for u in p.uses_of(node) {
                    let made = from(u);
                    if !node.lives(&readers) {
                        // It is not computed, but has to be a node.
                        if (inside[made] || folds[made]) && self.seen(p, u).is_none() {
                            (inside[made], folds[made], turned) = (false, false, true)
                        }
                        continue;
                    }
                    let within = inside[i] && u.view.is_none() && p.ty(u.val).dims == p.ty(node.vals.0).dims;
                    // A value that somebody reads who is neither of them nor a fold stays as it is,
                    if inside[made] && !within && !folds[i] {
                        (inside[made], turned) = (false, true)
                    }
                    // and so does what could not be read along its rows, or what a fold makes whose readers could not see it.
                    if inside[i] && !inside[made] && !self.readable(p, u, folds[made]) {
                        (inside[i], turned) = (false, true)
                    }
                    if folds[i] && !inside[made] {
                        (folds[i], turned) = (false, true)
                    }
                    if folds[made] && self.seen(p, u).is_none() {
                        (folds[made], turned) = (false, true)
                    }
                }
            }
            // A fold that stays reads its operand as it was.
            for (i, node) in p.nodes.iter().enumerate() {
                if let (Kind::Reduce { .. }, true, false) = (&node.kind, node.lives(&readers), folds[i]) {
                    let made = from(&p.uses_of(node)[0]);
                    turned |= std::mem::replace(&mut inside[made], false)
                }
            }
            if !turned {
                break;
            }
        }
        inside.contains(&true).then(|| self.rewritten(p, &inside, &folds))
    }
    /// Which dimension of so many the last one becomes.
    fn place(self, rank: usize) -> usize {
        if self == To::Between { rank.saturating_sub(2) } else { 0 }
    }
    /// The extents of a value with its last dimension there, and how it is seen as it was.
    fn turned(self, dims: &[usize]) -> (crate::Dims, View) {
        let (mut to, at) = (crate::Dims::from_slice(dims), self.place(dims.len()));
        to[at..].rotate_right(1);
        let mut back = View::identity(&to);
        back.dims[at..].rotate_left(1);
        back.strides[at..].rotate_left(1);
        (to, back)
    }
    /// A view whose last dimension comes there.
    fn turn(self, view: &mut View) {
        let at = self.place(view.dims.len());
        view.dims[at..].rotate_right(1);
        view.strides[at..].rotate_right(1)
    }
    /// Does a fold go over the dimension that becomes the last one? What it makes is then as it was.
    fn last(self, p: &Program, node: &Node) -> bool {
        let Kind::Reduce { first, count, .. } = node.kind else { return false };
        self == To::Between && (first + count) as usize + 1 == p.ty(p.uses_of(node)[0].val).dims.len()
    }
    /// How an operand is seen that was turned.
    fn seen(self, p: &Program, u: &Use) -> Option<View> {
        if self.last(p, &p.nodes[p.vals[u.val as usize].node as usize]) {
            return Some(p.view_of(u));
        }
        let back = self.turned(&p.ty(u.val).dims).1;
        match u.view {
            Some(v) => compose(&p.views[v as usize], &back),
            None => Some(back),
        }
    }
    /// Can an operand be read along its rows once the last dimension is turned? (`turned`: an operand that will be turned itself, and is small.)
    fn readable(self, p: &Program, u: &Use, turned: bool) -> bool {
        let (val, mut view) = root(p, u);
        self.turn(&mut view);
        view.guards.is_empty() && u.part == Part::Whole && (view.along() || turned || p.ty(val).bytes() <= NEAR)
    }

    fn rewritten(self, p: &Program, inside: &[bool], folds: &[bool]) -> Program {
        let mut to = p.clone();
        for (i, node) in p.nodes.iter().enumerate() {
            if inside[i] || folds[i] && !self.last(p, node) {
                for v in node.vals.0..node.vals.0 + node.vals.1 {
                    to.vals[v as usize].ty = Ty { dims: self.turned(&p.ty(v).dims).0, dt: p.ty(v).dt }
                }
            }
            if let (Kind::Reduce { first, .. }, true) =
                (&mut to.nodes[i].kind, folds[i] && (self == To::Front || self.last(p, node)))
            {
                *first += 1
            }
            for k in node.uses.0..node.uses.0 + node.uses.1 {
                let u = p.uses[k as usize];
                let made = p.vals[u.val as usize].node as usize;
                if !(inside[i] || folds[i] || inside[made] || folds[made]) {
                    continue;
                }
                let (val, mut view) = match inside[made] || folds[made] {
                    true => (u.val, self.seen(p, &u).expect("a view that was looked at")),
                    false => root(p, &u),
                };
                if inside[i] || folds[i] {
                    self.turn(&mut view)
                }
                to.uses[k as usize] = Use { part: u.part, ..to.through(val, view) }
            }
        }
        to
    }
}

/// What an operand shows of a value that is no view, as far as one view says it.
fn root(p: &Program, u: &Use) -> (ValId, View) {
    let (mut val, mut view) = (u.val, p.view_of(u));
    loop {
        let node = &p.nodes[p.vals[val as usize].node as usize];
        let (Kind::View, &[inner]) = (&node.kind, p.uses_of(node)) else { return (val, view) };
        let Some(next) = p.shown(&inner, &view) else { return (val, view) };
        (val, view) = (inner.val, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Body, Dt, Fold};

    /// Forces between pairs: the differences and what becomes of them are turned, and what reads the sums sees them as they were.
    #[test]
    fn what_is_only_folded_is_turned() {
        let (n, c) = (9, 3);
        let mut p = Program::default();
        let (x, t) = (p.arg(Ty::new(Dt::F32, &[n, c])), p.arg(Ty::new(Dt::F32, &[n, n])));
        let all = Ty::new(Dt::F32, &[n, n, c]);
        let seen = |strides: [i64; 3]| View { strides: strides.into_iter().collect(), ..View::splat(&[n, n, c]) };
        let map = |p: &mut Program, op, ty: &Ty, uses: &[Use; 2]| {
            let mut body = Body::default();
            let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
            let made = body.bin(op, Dt::F32, a, b);
            body.outs.push(made);
            p.push(Kind::Map(body.into()), uses, std::slice::from_ref(ty))
        };
        let uses = [p.through(x, seen([3, 0, 1])), p.through(x, seen([0, 3, 1]))];
        let d = map(&mut p, Op::Sub, &all, &uses);
        let t = p.view(t, seen([n as i64, 1, 0]));
        let f = map(&mut p, Op::Mul, &all, &[Use::plain(d), Use::plain(t)]);
        let ty = Ty::new(Dt::F32, &[n, c]);
        let sum =
            p.push(Kind::Reduce { op: Fold::Sum, first: 1, count: 1 }, &[Use::plain(f)], std::slice::from_ref(&ty));
        let out = map(&mut p, Op::Add, &ty, &[Use::plain(sum), Use::plain(x)]);
        p.outs.push(out);
        p.check().unwrap();
        let turned = moved(&p, 1).expect("something to turn");
        turned.check().unwrap();
        assert_eq!(turned.ty(f).dims[..], [n, c, n]);
        assert_eq!(turned.ty(sum).dims[..], [n, c]);
        assert_eq!(turned.ty(out).dims[..], [n, c]);
        let args: Vec<Vec<u8>> =
            [n * c, n * n].map(|len| (0..len).flat_map(|i| (i as f32 * 0.37).sin().to_le_bytes()).collect()).into();
        let of = |p: &Program| crate::reference::evaluate(p, &args).unwrap();
        assert_eq!(of(&turned), of(&p));
        // What is wanted as it is stays.
        let mut wanted = p.clone();
        wanted.outs.push(f);
        assert!(moved(&wanted, 1).is_none());
    }
}
