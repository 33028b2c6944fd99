//! What is computed, shifted, and surrounded by a constant, as a map that computes it where it is read.
//!
//! The derivative of a difference of neighbors is what came of it, once moved back by one and once not, with zeros where there is no neighbor. As padded arrays these are views of what is
//! computed ([`super::padded`]), which would be written to memory for them. A map of a few instructions instead does the same of its own operands, seen between the same guards: with something outside of them of
//! which it makes the constant. Zeros do for sums and products of all kinds; which of them, or ones, is found by trying.
//!
//! Only values that nobody else reads are computed so, from what is in memory anyway: then they are in no memory at all.

use super::inline::{dear, instructions, splice};
use super::known::{Number, value};
use super::plan::in_runs;
use crate::{Body, Dt, Guard, Kind, Node, Op, Part, Program, Use, ValId, View};
use std::sync::Arc;

/// Elements of a value that are worth it.
pub const LEAST: usize = 1 << 14;
/// The most instructions that a view becomes, and the most operands whose surroundings are sought.
const LIMIT: usize = 12;
const SOUGHT: usize = 4;

/// The program with such views as maps; none, if there are none.
pub fn maps(p: &Program, least: usize) -> Option<Program> {
    let worth = |n: &Node| p.ty(n.vals.0).len() >= least;
    let made = |u: &Use| p.vals[u.val as usize].node as usize;
    let shifted = |n: &Node| n.kind == Kind::View && worth(n) && guarded(p, n).is_some();
    if !p.nodes.iter().any(|n| shifted(n) && matches!(p.nodes[made(&p.uses_of(n)[0])].kind, Kind::Map(_))) {
        return None;
    }
    let readers = p.readers();
    let mut gone: Vec<bool> = p.nodes.iter().map(|n| n.lives(&readers) && worth(n) && cheap(p, n)).collect();
    p.outs.iter().for_each(|v| gone[p.vals[*v as usize].node as usize] = false);
    // What is in memory anyway: results, and what is no map or what somebody reads who is none.
    let mut stored: Vec<bool> = p.nodes.iter().map(|n| !matches!(n.kind, Kind::Map(_))).collect();
    p.outs.iter().for_each(|v| stored[p.vals[*v as usize].node as usize] = true);
    for node in p.nodes.iter().filter(|n| n.lives(&readers) && !matches!(n.kind, Kind::Map(_) | Kind::View)) {
        p.uses_of(node).iter().for_each(|u| stored[made(u)] = true)
    }
    let mut found: Vec<(usize, Arc<Body>, Vec<(ValId, View)>)> = vec![];
    let mut again = true;
    while std::mem::take(&mut again) {
        found.clear();
        for (i, node) in p.nodes.iter().enumerate().filter(|(_, n)| n.lives(&readers)) {
            let stays = |u: &Use| p.stage(made(u) as u32) != p.stage(i as u32);
            if shifted(node) && gone[made(&p.uses_of(node)[0])] && !stays(&p.uses_of(node)[0]) {
                let mut maker = Maker {
                    p,
                    gone: &gone,
                    stored: &stored,
                    body: Body::default(),
                    reads: vec![],
                    known: vec![],
                    ops: 0,
                };
                if let Some(body) = maker.made(node) {
                    found.push((i, body, maker.reads));
                    continue;
                }
            }
            for u in p.uses_of(node) {
                again |= (stays(u) || !gone[i]) && std::mem::replace(&mut gone[made(u)], false)
            }
        }
    }
    let mut to = None;
    for (i, body, reads) in found {
        let to = to.get_or_insert_with(|| p.clone());
        let begin = to.uses.len() as u32;
        let uses = (begin, reads.len() as u32);
        for (val, view) in reads {
            let u = to.through(val, view);
            to.uses.push(u)
        }
        to.nodes[i] = Node { kind: Kind::Map(body), uses, vals: to.nodes[i].vals }
    }
    to
}

/// The view of a node that shows something between guards, run by run.
fn guarded<'a>(p: &'a Program, node: &Node) -> Option<&'a View> {
    let u = p.uses_of(node)[0];
    let view = &p.views[u.view.filter(|_| u.part == Part::Whole)? as usize];
    let outside = |v: &View| v.guards.iter().any(|g| g.step != Guard::AROUND);
    (outside(view) && in_runs(view)).then_some(view)
}
/// Is it a map of a few instructions on numbers?
fn cheap(p: &Program, node: &Node) -> bool {
    let Kind::Map(body) = &node.kind else { return false };
    let real = |v: ValId| !p.ty(v).dt.is_complex();
    let quick = |op: Op| !dear(op) && op != Op::Index;
    let operands = p.uses_of(node).iter().all(|u| u.part == Part::Whole && real(u.val));
    node.vals.1 == 1
        && real(node.vals.0)
        && operands
        && body.ops.iter().all(|s| quick(s.op))
        && instructions(body) <= LIMIT
}

/// A map in the making.
struct Maker<'a> {
    p: &'a Program,
    /// Maps that are computed where they are read.
    gone: &'a [bool],
    /// Values that are in memory for others.
    stored: &'a [bool],
    body: Body,
    /// What it reads.
    reads: Vec<(ValId, View)>,
    known: Vec<(ValId, View, u32)>,
    ops: usize,
}
impl Maker<'_> {
    /// The body of the map that does what a view's node does; what it reads is known then.
    fn made(&mut self, node: &Node) -> Option<Arc<Body>> {
        let view = guarded(self.p, node)?;
        let out = self.of(self.p.uses_of(node)[0].val, view.clone())?;
        let mut body = std::mem::take(&mut self.body);
        body.outs.push(out);
        let body = Arc::new(body);
        // what is around the operands must become what is around the view
        let sought: Vec<usize> = (0..self.reads.len()).filter(|k| !self.reads[*k].1.guards.is_empty()).collect();
        if sought.len() > SOUGHT {
            return None;
        }
        let ty = self.p.ty(node.vals.0);
        for choice in 0..3usize.pow(sought.len() as u32) {
            for (at, k) in sought.iter().enumerate() {
                let which = choice / 3usize.pow(at as u32) % 3;
                let (val, view) = &mut self.reads[*k];
                view.fill = [number_of(self.p.ty(*val).dt, which), 0];
            }
            let outside: Vec<Number> =
                self.reads.iter().map(|(val, view)| (self.p.ty(*val).dt, view.fill, Part::Whole)).collect();
            if value(&body, ty.dt, &outside)? == [view.fill[0], 0] {
                return Some(body);
            }
        }
        None
    }
    fn guards(&self, u: &Use) -> bool {
        u.view.is_some_and(|v| !self.p.views[v as usize].guards.is_empty())
    }
    /// The element of a value that the view shows, as an instruction.
    fn of(&mut self, val: ValId, view: View) -> Option<u32> {
        if let Some(k) = self.known.iter().find(|k| k.0 == val && k.1 == view) {
            return Some(k.2);
        }
        let p = self.p;
        let at = p.vals[val as usize].node as usize;
        let node = &p.nodes[at];
        let made = match &node.kind {
            Kind::Const(bits) if !p.ty(val).dt.is_complex() => self.body.bits(p.ty(val).dt, bits[0]),
            Kind::View if p.uses_of(node)[0].part == Part::Whole && !self.guards(&p.uses_of(node)[0]) => {
                let u = p.uses_of(node)[0];
                self.of(u.val, p.shown(&u, &view)?)?
            }
            Kind::Map(body) if self.gone[at] => {
                self.ops += instructions(body);
                if self.ops > LIMIT {
                    return None;
                }
                let uses = p.uses_of(node);
                let ids = splice(
                    self,
                    |t| &mut t.body,
                    body,
                    |t, s| {
                        let u = uses[s.a as usize];
                        // with guards of its own it would have surroundings of its own
                        if t.guards(&u) { None } else { t.of(u.val, p.shown(&u, &view)?) }
                    },
                )?;
                ids[body.outs[0] as usize]
            }
            // of what is not known a body makes nothing that is, and nothing should go to memory for this
            _ if !in_runs(&view) || !self.stored[at] => return None,
            _ => {
                self.reads.push((val, view.clone()));
                self.body.input(self.reads.len() as u32 - 1, p.ty(val).dt)
            }
        };
        self.known.push((val, view, made));
        Some(made)
    }
}
/// Zero, the other zero, and one.
fn number_of(dt: Dt, which: usize) -> u64 {
    let bits = 8 * dt.size() as u32;
    let one = crate::reference::scalar(Op::Cast, dt, Dt::F64, 1f64.to_bits(), 0, 0);
    match which {
        0 => 0,
        1 if dt.is_float() => 1 << (bits - 1),
        _ => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ty;

    /// Twice the differences of neighboring rows, moved back by one row and not: the gradient of the sum of their squares.
    fn gradient(outside: f32) -> (Program, ValId, ValId) {
        let (m, n) = (9, 130);
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F32, &[m, n]));
        let two = p.constant(Dt::F32, [2f32.to_bits() as u64, 0]);
        let less = [m - 1, n];
        let map = |p: &mut Program, op, uses: &[Use; 2], dims: &[usize]| {
            let mut body = Body::default();
            let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
            let made = body.bin(op, Dt::F32, a, b);
            body.outs.push(made);
            p.push(Kind::Map(body.into()), uses, &[Ty::new(Dt::F32, dims)])
        };
        let rows = |p: &mut Program, offset| {
            Use::plain(p.view(x, View { offset, strides: [n as i64, 1].into_iter().collect(), ..View::splat(&less) }))
        };
        let sides = [rows(&mut p, n as i64), rows(&mut p, 0)];
        let d = map(&mut p, Op::Sub, &sides, &less);
        let twice = [p.through(two, View::splat(&less)), Use::plain(d)];
        let d = map(&mut p, Op::Mul, &twice, &less);
        let moved = |p: &mut Program, lo: i64| {
            let guard = Guard { dim: 0, lo, hi: lo + m as i64 - 1, step: 1 };
            let strides = [n as i64, 1].into_iter().collect();
            let fill = [outside.to_bits() as u64, 0];
            Use::plain(p.view(d, View { strides, guards: [guard].into_iter().collect(), fill, ..View::splat(&[m, n]) }))
        };
        let both = [moved(&mut p, 1), moved(&mut p, 0)];
        let out = map(&mut p, Op::Sub, &both, &[m, n]);
        p.outs.push(out);
        p.check().unwrap();
        (p, d, out)
    }

    #[test]
    fn differences_are_computed_where_they_are_read() {
        for outside in [0.0, -0.0] {
            let (p, d, _) = gradient(outside);
            // a minus zero is what is between a minus zero and zero
            let to = maps(&p, 1).expect("something to compute");
            to.check().unwrap();
            let readers = to.readers();
            assert!(!to.nodes[to.vals[d as usize].node as usize].lives(&readers));
            let args = [(0..9 * 130).flat_map(|i| (i as f32 * 0.37).sin().to_le_bytes()).collect::<Vec<u8>>()];
            assert_eq!(crate::reference::evaluate(&to, &args).unwrap(), crate::reference::evaluate(&p, &args).unwrap());
        }
        // nothing twice whose surroundings would be seven
        assert!(maps(&gradient(7.0).0, 1).is_none());
        // what is wanted as it is stays, and so do its readers
        let (mut p, d, _) = gradient(0.0);
        p.outs.push(d);
        assert!(maps(&p, 1).is_none());
        // and so does what comes from something that would have to go to memory
        let (p, d, _) = gradient(0.0);
        let mut wanted = p.clone();
        let node = wanted.vals[d as usize].node as usize;
        let Kind::Map(body) = &mut wanted.nodes[node].kind else { panic!("a map") };
        let mut dear = (**body).clone();
        let out = dear.outs[0];
        dear.outs[0] = dear.push(Op::Sqrt, Dt::F32, out, 0, 0);
        *body = dear.into();
        assert!(maps(&wanted, 1).is_none());
    }
}
