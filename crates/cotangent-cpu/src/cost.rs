//! What a tensor program asks for: operations and bytes, whatever an engine makes of it.
//!
//! * **flops**: arithmetic on floating-point numbers, one for each number that an instruction gives: signs, rounding, roots, sums, differences,
//!   products, quotients, remainders, maxima and minima. `MulAdd` is two. Half precision counts as the rest. A fold of n elements is n - 1 of its
//!   operations, a product of matrices a product and a sum for each of its terms, a scatter that combines one for each element of the updates; a complex
//!   sum is two, a complex product six. Comparisons, selections, conversions, moving data and arithmetic on integers and truth values are none.
//! * **transcendentals**: evaluations of the elementary functions [`M`](crate::M), which are not flops as well. A step of `LogAddExp` is two, and four flops. Sorting compares and is no arithmetic, and what a routine of a library does is not known: both count as none.
//! * **bytes**: each node reads its operands once from memory and writes its results. An operand seen through a view counts with no more elements than it has,
//!   and with no more than the view shows. What reads or writes only pieces (slices, gathers, scatters, updates) counts the pieces.
//!
//! Nodes that nobody reads count nothing.

use crate::{Body, Dt, Fold, Kind, Node, Op, Program, Put, Ty, Use, View};
use std::ops::AddAssign;

/// See [the module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Arithmetic on floats.
    pub flops: u64,
    /// Elementary functions.
    pub transcendentals: u64,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}
impl AddAssign for Cost {
    fn add_assign(&mut self, o: Cost) {
        self.flops += o.flops;
        self.transcendentals += o.transcendentals;
        self.read += o.read;
        self.written += o.written;
    }
}

/// Flops and transcendentals of one instruction for one element.
fn instruction(op: Op, dt: Dt) -> (u64, u64) {
    match op {
        Op::Math(_) => (0, 1),
        _ if !dt.is_float() => (0, 0),
        Op::MulAdd => (2, 0),
        Op::Neg | Op::Abs | Op::Sign | Op::Floor | Op::Ceil | Op::RoundEven | Op::RoundAway | Op::Trunc | Op::Sqrt => {
            (1, 0)
        }
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Max | Op::Min | Op::NextAfter => (1, 0),
        _ => (0, 0),
    }
}
fn body(b: &Body) -> (u64, u64) {
    b.ops.iter().map(|s| instruction(s.op, s.dt)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}
/// Of a sum and of a product of numbers of this type.
fn arithmetic(dt: Dt) -> (u64, u64) {
    match dt {
        _ if dt.is_float() => (1, 1),
        _ if dt.is_complex() => (2, 6),
        _ => (0, 0),
    }
}
fn combining(op: Fold, dt: Dt) -> (u64, u64) {
    let (sum, product) = arithmetic(dt);
    match op {
        Fold::Sum | Fold::Max | Fold::Min => (sum, 0),
        Fold::Prod => (product, 0),
        Fold::LogAddExp => (4 * sum, 2),
        Fold::And | Fold::Or | Fold::Xor => (0, 0),
    }
}

impl Node {
    /// Does somebody read one of its values, if these are the numbers of readers?
    pub fn lives(&self, readers: &[u32]) -> bool {
        (self.vals.0..self.vals.0 + self.vals.1).any(|v| readers[v as usize] > 0)
    }
}
impl Program {
    /// How many uses each value has; those by nodes without effect are not counted.
    pub fn readers(&self) -> Vec<u32> {
        let mut readers = vec![0u32; self.vals.len()];
        for v in &self.outs {
            readers[*v as usize] += 1;
        }
        for node in self.nodes.iter().rev() {
            if node.lives(&readers) {
                for u in self.uses_of(node) {
                    readers[u.val as usize] += 1;
                }
            }
        }
        readers
    }
    /// Flops and transcendentals of a node.
    pub(crate) fn work(&self, node: &Node) -> (u64, u64) {
        let result = self.ty(node.vals.0);
        let times = |n: usize, (f, t): (u64, u64)| (n as u64 * f, n as u64 * t);
        let dims = |k: usize| self.dims_of(&self.uses_of(node)[k]);
        match &node.kind {
            Kind::Map(b) => times(result.len(), body(b)),
            Kind::Reduce { op, .. } => {
                let n: usize = dims(0).iter().product();
                times(n.saturating_sub(result.len()), combining(*op, result.dt))
            }
            Kind::Prefix { op, dim, .. } => {
                let lines = result.len() / result.dims[*dim as usize].max(1);
                times(result.len() - lines, combining(*op, result.dt))
            }
            Kind::Dot(spec) => {
                let (sum, product) = arithmetic(spec.acc);
                times(result.len() * dims(0)[2], (sum + product, 0))
            }
            Kind::Conv(spec) => {
                let (sum, product) = arithmetic(spec.acc);
                let filter = dims(1);
                let taps: usize = filter[1..filter.len() - 1].iter().product();
                times(result.len() * taps, (sum + product, 0))
            }
            Kind::Window { op, slides } => {
                let taps: usize = slides.iter().map(|s| s.size).product();
                times(result.len() * taps.saturating_sub(1), combining(*op, result.dt))
            }
            Kind::WindowPut { .. } => times(dims(0).iter().product(), (arithmetic(result.dt).0, 0)),
            Kind::Scatter(spec) => {
                let (sum, product) = arithmetic(result.dt);
                let each = match spec.put {
                    Put::Set => 0,
                    Put::Add | Put::Sub | Put::Min | Put::Max => sum,
                    Put::Mul => product,
                };
                times(dims(2).iter().product(), (each, 0))
            }
            Kind::Arg(_)
            | Kind::Const(_)
            | Kind::View
            | Kind::ArgReduce { .. }
            | Kind::WindowPick { .. }
            | Kind::Sort { .. }
            | Kind::Lib(_)
            | Kind::Top { .. }
            | Kind::Gather(_)
            | Kind::DynSlice
            | Kind::Update
            | Kind::Concat { .. } => (0, 0),
        }
    }
    /// Bytes that a node reads and writes, where it fetches so many for operand `k`.
    pub(crate) fn traffic(&self, node: &Node, fetched: &dyn Fn(usize) -> u64) -> (u64, u64) {
        let n = node.uses.1 as usize;
        let results = bytes((node.vals.0..node.vals.0 + node.vals.1).map(|v| self.ty(v)));
        let from = |k: usize| (k..n).map(fetched).sum::<u64>();
        match &node.kind {
            Kind::Arg(_) | Kind::Const(_) => (0, 0),
            Kind::DynSlice | Kind::Gather(_) => (results + from(1), results),
            Kind::Update => (from(1), fetched(1)),
            // what is combined with is read as well
            Kind::Scatter(s) => (from(1) + if s.put == Put::Set { 0 } else { fetched(2) }, fetched(2)),
            _ => (from(0), results),
        }
    }
    /// What a node costs by itself.
    pub fn cost_of(&self, node: &Node) -> Cost {
        let uses = self.uses_of(node);
        let (flops, transcendentals) = self.work(node);
        let view = |u: &Use| u.view.map(|v| &self.views[v as usize]);
        let (read, written) = self.traffic(node, &|k| fetched(self.ty(uses[k].val), view(&uses[k])));
        Cost { flops, transcendentals, read, written }
    }
    /// What all nodes cost that somebody reads.
    pub fn cost(&self) -> Cost {
        let readers = self.readers();
        let mut all = Cost::default();
        for node in &self.nodes {
            if node.lives(&readers) {
                all += self.cost_of(node);
            }
        }
        all
    }
}

/// Bytes of values of these types.
pub(crate) fn bytes<'a>(types: impl IntoIterator<Item = &'a Ty>) -> u64 {
    types.into_iter().map(|t| t.bytes() as u64).sum()
}
/// Bytes that somebody fetches who sees a value through a view.
pub(crate) fn fetched(ty: &Ty, view: Option<&View>) -> u64 {
    let shown = match view {
        // what is broadcast is read once
        Some(v) => v.dims.iter().zip(&v.strides).filter(|(n, s)| **s != 0 || **n == 0).map(|(n, _)| *n).product(),
        None => ty.len(),
    };
    (shown.min(ty.len()) * ty.dt.size()) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DotSpec;

    fn costs(c: Cost) -> [u64; 4] {
        [c.flops, c.transcendentals, c.read, c.written]
    }

    #[test]
    fn of_each_kind_by_hand() {
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F32, &[3, 4]));
        let mut b = Body::default();
        let (a, c) = (b.input(0, Dt::F32), b.num(Dt::F32, 2.0));
        let m = b.push(Op::MulAdd, Dt::F32, a, a, c);
        let e = b.un(Op::Math(crate::M::Exp), Dt::F32, m);
        let s = b.bin(Op::Sub, Dt::F32, e, m);
        let t = b.cmp(Op::Lt, s, m);
        let out = b.select(Dt::F32, t, s, m);
        b.outs.push(out);
        let y = p.push(Kind::Map(b.into()), &[Use::plain(x)], &[Ty::new(Dt::F32, &[3, 4])]);
        let r = p.push(Kind::Reduce { op: Fold::Sum, first: 1, count: 1 }, &[Use::plain(y)], &[Ty::new(Dt::F32, &[3])]);
        let q = p.push(
            Kind::Prefix { op: Fold::LogAddExp, dim: 1, reverse: false },
            &[Use::plain(y)],
            &[Ty::new(Dt::F32, &[3, 4])],
        );
        let left = p.through(y, View { strides: [0, 4, 1].into_iter().collect(), ..View::identity(&[1, 3, 4]) });
        let right = p.through(q, View { strides: [0, 1, 4].into_iter().collect(), ..View::identity(&[1, 4, 3]) });
        let spec = DotSpec::for_sizes(3, 4, Dt::F32);
        let d = p.push(Kind::Dot(spec), &[left, right], &[Ty::new(Dt::F32, &[1, 3, 3])]);
        let unread = p.push(Kind::View, &[Use::plain(y)], &[Ty::new(Dt::F32, &[3, 4])]);
        p.outs = vec![r, d];
        let of = |v: u32| costs(p.cost_of(&p.nodes[p.vals[v as usize].node as usize]));
        assert_eq!(of(y), [3 * 12, 12, 48, 48]);
        assert_eq!(of(r), [9, 0, 48, 12]);
        assert_eq!(of(q), [4 * 9, 2 * 9, 48, 48]);
        assert_eq!(of(d), [2 * 9 * 4, 0, 96, 36]);
        assert_eq!(of(unread), [0, 0, 48, 48]);
        let all = costs(p.cost());
        assert_eq!(all, [36 + 9 + 36 + 72, 30, 48 * 5, 48 + 12 + 48 + 36]);
    }

    #[test]
    fn what_is_broadcast_is_read_once_and_a_piece_is_a_piece() {
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F64, &[]));
        let y = p.arg(Ty::new(Dt::F64, &[100]));
        let i = p.arg(Ty::new(Dt::I32, &[]));
        let wide = p.through(x, View::splat(&[1000]));
        let w = p.push(Kind::View, &[wide], &[Ty::new(Dt::F64, &[1000])]);
        let uses = [Use::plain(y), Use::plain(i)];
        let s = p.push(Kind::DynSlice, &uses, &[Ty::new(Dt::F64, &[7])]);
        p.outs = vec![w, s];
        let of = |v: u32| costs(p.cost_of(&p.nodes[p.vals[v as usize].node as usize]));
        assert_eq!(of(w), [0, 0, 8, 8000]);
        assert_eq!(of(s), [0, 0, 56 + 4, 56]);
    }
}
