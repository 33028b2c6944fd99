//! Folds of a few elements as maps that compute what they fold.
//!
//! A squared distance is a sum of three squares of differences. The differences of all pairs are an array three times as large as the distances; written, squared, written and folded
//! in rows of three, they cost far more than they are worth. As a map over the pairs the fold reads the coordinates, which are few, and computes its terms in registers.
//! What it folds is folded from left to right, so a map says the same ([`FEW`]).
//!
//! A fold of one element is a view of it.
//!
//! The terms' operands are read through views composed of all that lies between; where no view says it, or the terms would be read from far apart, the fold stays.

use super::inline::{NEAR, dear, instructions, splice};
use crate::{Body, FEW, Fold, Kind, Node, Op, Part, Program, Use, ValId, View};

/// The most instructions of such a map.
const LIMIT: usize = 64;
/// Elements of a result that are worth it.
pub const LEAST: usize = 1024;

/// The program with such folds, whose results have at least so many elements, as maps; none, if there are none.
pub fn maps(p: &Program, least: usize) -> Option<Program> {
    let mut readers = vec![];
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let Kind::Reduce { op, first, count } = node.kind else { continue };
        let (u, ty) = (p.uses_of(node)[0], p.ty(node.vals.0));
        let (first, end) = (first as usize, (first + count) as usize);
        let dims = p.dims_of(&u);
        let n: usize = dims[first..end].iter().product();
        if n == 1 && op != Fold::LogAddExp && u.part == Part::Whole {
            let mut view = p.view_of(&u);
            if view.guards.is_empty() {
                view.dims.drain(first..end);
                view.strides.drain(first..end);
                let to = to.get_or_insert_with(|| p.clone());
                to.views.push(view);
                to.uses.push(Use { view: Some(to.views.len() as u32 - 1), ..u });
                to.nodes[i] = Node { kind: Kind::View, uses: (to.uses.len() as u32 - 1, 1), vals: node.vals };
            }
            continue;
        }
        let Some(op) = op.op() else { continue };
        if !(2..=FEW).contains(&n) || ty.len() < least || ty.dt.is_complex() || ty.dt.acc() != ty.dt {
            continue;
        }
        if readers.is_empty() {
            readers = p.readers()
        }
        let view = p.view_of(&u);
        if !view.guards.is_empty() {
            continue;
        }
        let mut terms = Terms {
            p,
            readers: &readers,
            stage: p.stage(i as u32),
            body: Body::default(),
            reads: vec![],
            known: vec![],
            inlined: 0,
        };
        let mut sum = None;
        for k in 0..n {
            let mut one = view.clone();
            let mut rest = k;
            for d in (first..end).rev() {
                one.offset += (rest % dims[d]) as i64 * view.strides[d];
                rest /= dims[d];
            }
            one.dims.drain(first..end);
            one.strides.drain(first..end);
            let Some(x) = terms.of(u.val, one) else { break };
            sum = Some(sum.map_or(x, |s| terms.body.bin(op, ty.dt, s, x)));
            if k + 1 < n || terms.inlined == 0 || terms.body.ops.len() > LIMIT {
                continue;
            }
            let to = to.get_or_insert_with(|| p.clone());
            let (mut body, reads) = (std::mem::take(&mut terms.body), std::mem::take(&mut terms.reads));
            body.outs.push(sum.expect("a term"));
            let begin = to.uses.len() as u32;
            for (val, view) in reads {
                to.views.push(view);
                to.uses.push(Use { val, view: Some(to.views.len() as u32 - 1), part: Part::Whole })
            }
            let uses = (begin, to.uses.len() as u32 - begin);
            to.nodes[i] = Node { kind: Kind::Map(body.into()), uses, vals: node.vals };
        }
    }
    to
}

/// The terms of a fold in the making.
struct Terms<'a> {
    p: &'a Program,
    readers: &'a [u32],
    stage: usize,
    body: Body,
    /// What the map reads.
    reads: Vec<(ValId, View)>,
    known: Vec<(ValId, View, u32)>,
    /// Maps whose instructions are in the body.
    inlined: usize,
}
impl Terms<'_> {
    /// The element of a value that the view shows, as an instruction.
    fn of(&mut self, val: ValId, view: View) -> Option<u32> {
        if let Some(k) = self.known.iter().find(|k| k.0 == val && k.1 == view) {
            return Some(k.2);
        }
        let p = self.p;
        let number = p.vals[val as usize].node;
        let node = &p.nodes[number as usize];
        let made = match &node.kind {
            // What a guard leaves out is a value of this map's own, and not computed from its operands.
            Kind::Const(_) | Kind::Map(_) if !view.guards.is_empty() => self.read(val, &view)?,
            Kind::Const(bits) if !p.ty(val).dt.is_complex() => self.body.bits(p.ty(val).dt, bits[0]),
            Kind::View => {
                let u = p.uses_of(node)[0];
                self.of(u.val, p.shown(&u, &view)?)?
            }
            Kind::Map(body) if self.cheap(val, body) && p.stage(number) == self.stage => {
                self.map(body, node, val, &view)?
            }
            _ => self.read(val, &view)?,
        };
        self.known.push((val, view, made));
        Some(made)
    }
    /// Is it no loss to compute a map here, and perhaps for others again?
    fn cheap(&self, val: ValId, body: &Body) -> bool {
        let number = instructions(body);
        !body.ops.iter().any(|s| s.op == Op::Index)
            && (self.readers[val as usize] == 1 || number <= 4 && !body.ops.iter().any(|s| dear(s.op)))
    }
    fn map(&mut self, body: &Body, node: &Node, val: ValId, view: &View) -> Option<u32> {
        let p = self.p;
        let complex = (0..node.vals.1).any(|k| p.ty(node.vals.0 + k).dt.is_complex());
        if complex || p.uses_of(node).iter().any(|u| u.part != Part::Whole) {
            return self.read(val, view);
        }
        let ids = splice(
            self,
            |t| &mut t.body,
            body,
            |t, s| {
                let u = p.uses_of(node)[s.a as usize];
                t.of(u.val, p.shown(&u, view)?).filter(|_| t.body.ops.len() <= LIMIT)
            },
        )?;
        self.inlined += 1;
        (self.body.ops.len() <= LIMIT).then(|| ids[body.outs[(val - node.vals.0) as usize] as usize])
    }
    /// An operand in memory, if it is read along its rows, or is small.
    fn read(&mut self, val: ValId, view: &View) -> Option<u32> {
        let ty = self.p.ty(val);
        if ty.dt.is_complex() || !view.along() && ty.bytes() > NEAR {
            return None;
        }
        self.reads.push((val, view.clone()));
        Some(self.body.input(self.reads.len() as u32 - 1, ty.dt))
    }
}
