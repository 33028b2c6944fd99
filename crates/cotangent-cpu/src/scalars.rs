//! Programs over small arrays as programs over their elements: what runs turn after turn in registers.
//!
//! Every element of every value becomes a scalar of its own. Views and pieces cost nothing then: they only say which scalar is meant. A fold is
//! the operations of its tree one by one, a product those of its chain, in the order that [`program`](crate::program) fixes, so the bits are the same.
//! What is the same scalar operation on the same scalars (a row that is broadcast) is there once.

use crate::reference::each_index;
use crate::{Body, DotOrder, Dt, FEW, Fold, Kind, Node, Op, Part, Program, Ty, Use, ValId, lanes};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::Arc;

/// The most elements of a value and of what a view shows, and the most operations in all.
const LARGE: usize = 128;
const LONG: f64 = 4096.0;
/// Nanoseconds: of an operation on one element, of a map beside others, of what is no map, and of a run.
const ONE: f64 = 0.35;
const MAP: f64 = 3.0;
const STEP: f64 = 40.0;
const RUN: f64 = 50.0;
/// Elements that are computed at once where values are arrays.
const WIDE: f64 = 12.0;

/// The program over elements: its arguments are the elements of the arguments one after the other, and so are its results. None, if it would
/// take longer than the program itself, or has something for which there is no such form.
pub fn scalars(p: &Program) -> Option<Program> {
    if worth(p) { elements(p) } else { None }
}
/// The same however long it takes.
#[doc(hidden)]
pub fn elements(p: &Program) -> Option<Program> {
    let mut e = Elements { p, to: Program::default(), of: Vec::new(), consts: HashMap::new(), bodies: HashMap::new() };
    let fits = |ty: &Ty| ty.len() <= LARGE && ty.dt.size() <= 8;
    let seen = |u: &Use| p.dims_of(u).iter().product::<usize>() <= LARGE;
    if !p.vals.iter().all(|v| fits(&v.ty)) || !p.nodes.iter().flat_map(|n| p.uses_of(n)).all(seen) {
        return None;
    }
    e.of.reserve(p.vals.len());
    for node in &p.nodes {
        e.node(node)?;
    }
    e.to.outs = p.outs.iter().flat_map(|v| e.of[*v as usize].iter().copied()).collect();
    Some(e.to)
}

/// Is it faster element by element? By the operations that it has then, beside what its steps take.
fn worth(p: &Program) -> bool {
    let (mut operations, mut whole) = (0.0, RUN);
    for node in &p.nodes {
        let uses = p.uses_of(node);
        let len = |k: usize| p.ty(node.vals.0 + k as u32).len() as f64;
        let count = match &node.kind {
            Kind::Arg(_) | Kind::Const(_) | Kind::View => continue,
            Kind::Map(body) => {
                let weight = |op: Op| if let Op::Math(_) = op { 25.0 } else { 1.0 };
                whole += MAP;
                len(0) * body.ops.iter().map(|o| weight(o.op)).sum::<f64>()
            }
            Kind::Dot(_) => len(0) * p.dims_of(&uses[0])[2] as f64,
            Kind::DynSlice => {
                let dims = p.dims_of(&uses[0]);
                dims.iter().product::<usize>() as f64 * len(0)
            }
            Kind::Update => {
                let (whole, piece) = (p.dims_of(&uses[0]), p.dims_of(&uses[1]));
                len(0) * whole.iter().zip(piece).map(|(w, p)| (w - p + 1) as f64).product::<f64>()
            }
            _ => uses.iter().map(|u| p.dims_of(u).iter().product::<usize>() as f64).sum(),
        };
        if !matches!(node.kind, Kind::Map(_)) {
            whole += STEP
        }
        operations += count;
        whole += ONE * count / WIDE
    }
    operations <= LONG && ONE * operations <= whole
}

struct Elements<'a> {
    p: &'a Program,
    to: Program,
    /// The scalars of each value.
    of: Vec<Vec<ValId>>,
    consts: HashMap<(Dt, [u64; 2]), ValId>,
    bodies: HashMap<(Op, Dt, Dt), Arc<Body>>,
}

impl Elements<'_> {
    fn node(&mut self, node: &Node) -> Option<()> {
        let p = self.p;
        let ty = p.ty(node.vals.0).clone();
        let uses = p.uses_of(node);
        let made = match &node.kind {
            Kind::Arg(_) => (0..ty.len()).map(|_| self.to.arg(Ty::new(ty.dt, &[]))).collect(),
            Kind::Const(bits) => vec![self.constant(ty.dt, *bits)],
            Kind::View => self.read(&uses[0]),
            Kind::Map(body) => {
                self.map(node, body, &ty);
                return Some(());
            }
            Kind::Reduce { op, first, count } if !ty.dt.is_complex() => {
                let x = self.read(&uses[0]);
                let dims = p.dims_of(&uses[0]);
                let (first, count) = (*first as usize, *count as usize);
                let inner: usize = dims[first + count..].iter().product();
                let n: usize = dims[first..first + count].iter().product();
                let line = |e: usize| (0..n).map(|k| x[(e / inner * n + k) * inner + e % inner]).collect::<Vec<_>>();
                (0..ty.len()).map(|e| self.reduce(*op, ty.dt, line(e))).collect::<Option<_>>()?
            }
            Kind::Prefix { op, dim, reverse } if !ty.dt.is_complex() && *op != Fold::LogAddExp => {
                let mut x = self.read(&uses[0]);
                let d = *dim as usize;
                let (n, inner): (usize, usize) = (ty.dims[d], ty.dims[d + 1..].iter().product());
                // one group of the order
                if n > 16 {
                    return None;
                }
                for e in 0..ty.len() / n.max(1) {
                    let at = |k: usize| (e / inner * n + if *reverse { n - 1 - k } else { k }) * inner + e % inner;
                    let mut line: Vec<ValId> = (0..n).map(|k| x[at(k)]).collect();
                    line = line.into_iter().map(|v| self.cast(v, ty.dt, ty.dt.acc())).collect();
                    for s in [1, 2, 4, 8] {
                        for i in (s..n).rev() {
                            line[i] = self.combine(*op, ty.dt.acc(), line[i - s], line[i])?
                        }
                    }
                    // what joins nothing is made by an operation, too: subnormal numbers do not come through
                    if ty.dt.acc().is_float() && n > 0 {
                        let bits = if ty.dt.acc().size() == 8 { 1 << 63 } else { 1 << 31 };
                        let zero = self.constant(ty.dt.acc(), [bits, 0]);
                        line[0] = self.two(Op::Add, ty.dt.acc(), line[0], zero)
                    }
                    for (k, v) in line.into_iter().enumerate() {
                        x[at(k)] = self.cast(v, ty.dt.acc(), ty.dt)
                    }
                }
                x
            }
            Kind::Concat { dim } => {
                let d = *dim as usize;
                let outer: usize = ty.dims[..d].iter().product();
                let parts: Vec<Vec<ValId>> = uses.iter().map(|u| self.read(u)).collect();
                let row = |x: &[ValId], i: usize| x[i * x.len() / outer..(i + 1) * x.len() / outer].to_vec();
                (0..outer).flat_map(|i| parts.iter().flat_map(move |x| row(x, i))).collect()
            }
            Kind::Dot(spec) => {
                let (a, b) = (p.dims_of(&uses[0]), p.dims_of(&uses[1]));
                let (m, k, n) = (a[1], a[2], b[2]);
                let tree = spec.order == DotOrder::Tree && spec.acc.is_float();
                if spec.acc.is_complex() || spec.acc.acc() != spec.acc || tree || k > FEW * FEW {
                    return None;
                }
                let types = [0, 1].map(|i| p.ty(uses[i].val).dt);
                let sides = [0, 1].map(|i| {
                    let x = self.read(&uses[i]);
                    x.into_iter().map(|v| self.cast(v, types[i], spec.acc)).collect::<Vec<_>>()
                });
                let element = |e: usize| {
                    let (t, i, j) = (e / n / m, e / n % m, e % n);
                    let pair = |q| (sides[0][(t * m + i) * k + q], sides[1][(t * k + q) * n + j]);
                    let sum = (0..k).fold(self.constant(spec.acc, [0; 2]), |s, q| {
                        let (a, b) = pair(q);
                        if spec.acc == Dt::Bool {
                            let both = self.two(Op::And, spec.acc, a, b);
                            return self.two(Op::Or, spec.acc, s, both);
                        }
                        self.apply(Op::MulAdd, spec.acc, spec.acc, &[a, b, s])
                    });
                    self.cast(sum, spec.acc, ty.dt)
                };
                (0..ty.len()).map(element).collect()
            }
            Kind::DynSlice => {
                let mut x = self.read(&uses[0]);
                let mut dims = p.dims_of(&uses[0]).clone();
                for d in 0..dims.len() {
                    let starts = dims[d] - ty.dims[d] + 1;
                    let at = self.read(&uses[1 + d])[0];
                    let (from, inner): (usize, usize) = (dims[d], dims[d + 1..].iter().product());
                    dims[d] = ty.dims[d];
                    let piece = |e: usize| {
                        let (i, rest) = (e / inner, e % inner);
                        let place = |s: usize| x[(i / dims[d] * from + i % dims[d] + s) * inner + rest];
                        let each: Vec<ValId> = (0..starts).map(place).collect();
                        self.choose(ty.dt, at, p.ty(uses[1 + d].val).dt, &each)
                    };
                    x = (0..dims.iter().product()).map(piece).collect()
                }
                x
            }
            Kind::Update if ty.dims.len() <= 2 => {
                let (old, new) = (self.read(&uses[0]), self.read(&uses[1]));
                let piece = p.dims_of(&uses[1]).clone();
                if new.is_empty() {
                    self.of.push(old);
                    return Some(());
                }
                // as a matrix
                let two = |dims: &[usize]| if let [a, b] = *dims { [a, b] } else { [1, dims.iter().product()] };
                let ([_, cols], [h, w]) = (two(&ty.dims), two(&piece));
                let last = [two(&ty.dims)[0] - h, cols - w];
                let starts: Vec<(ValId, Dt)> = uses[2..].iter().map(|u| (self.read(u)[0], p.ty(u.val).dt)).collect();
                let mut along = [None, None];
                for (k, s) in starts.iter().rev().enumerate() {
                    along[1 - k] = Some(*s)
                }
                let element = |e: usize| {
                    let (i, j) = (e / cols, e % cols);
                    let inside = |i: usize, s: usize, n: usize| (s <= i && i < s + n).then(|| i - s);
                    let row = |r: usize, this: &mut Self| {
                        let at = |c: usize| match (inside(i, r, h), inside(j, c, w)) {
                            (Some(y), Some(x)) => new[y * w + x],
                            _ => old[e],
                        };
                        let each: Vec<ValId> = (0..=last[1]).map(at).collect();
                        match along[1] {
                            Some((at, dt)) => this.choose(ty.dt, at, dt, &each),
                            None => each[0],
                        }
                    };
                    let rows: Vec<ValId> = (0..=last[0]).map(|r| row(r, self)).collect();
                    match along[0] {
                        Some((at, dt)) => self.choose(ty.dt, at, dt, &rows),
                        None => rows[0],
                    }
                };
                (0..ty.len()).map(element).collect()
            }
            _ => return None,
        };
        self.of.push(made);
        Some(())
    }

    fn constant(&mut self, dt: Dt, bits: [u64; 2]) -> ValId {
        let to = &mut self.to;
        *self.consts.entry((dt, bits)).or_insert_with(|| to.constant(dt, bits))
    }
    /// The scalars of an operand through its view.
    fn read(&mut self, u: &Use) -> Vec<ValId> {
        let Some(v) = u.view else { return self.of[u.val as usize].clone() };
        let (p, mut x) = (self.p, Vec::new());
        let v = &p.views[v as usize];
        each_index(&v.dims, |i| {
            x.push(match v.at(i) {
                Some(at) => self.of[u.val as usize][at],
                None => self.constant(p.ty(u.val).dt, v.fill),
            })
        });
        x
    }

    /// One operation on operands of a type.
    fn apply(&mut self, op: Op, dt: Dt, from: Dt, x: &[ValId]) -> ValId {
        let body = self.bodies.entry((op, dt, from)).or_insert_with(|| {
            let mut b = Body::default();
            let mut ids = [0; 3];
            for (k, id) in ids.iter_mut().enumerate().take(x.len()) {
                *id = b.input(k as u32, from)
            }
            let y = b.push(op, dt, ids[0], ids[1], ids[2]);
            b.outs.push(y);
            Arc::new(b)
        });
        let uses: SmallVec<[Use; 3]> = x.iter().map(|v| Use::plain(*v)).collect();
        self.to.push(Kind::Map(body.clone()), &uses, &[Ty::new(dt, &[])])
    }
    fn two(&mut self, op: Op, dt: Dt, a: ValId, b: ValId) -> ValId {
        self.apply(op, dt, dt, &[a, b])
    }
    fn cast(&mut self, x: ValId, from: Dt, to: Dt) -> ValId {
        if from == to { x } else { self.apply(Op::Cast, to, from, &[x]) }
    }
    fn combine(&mut self, fold: Fold, dt: Dt, a: ValId, b: ValId) -> Option<ValId> {
        Some(self.two(fold.op()?, dt, a, b))
    }
    /// The fold of a line.
    fn reduce(&mut self, fold: Fold, dt: Dt, line: Vec<ValId>) -> Option<ValId> {
        let acc = dt.acc();
        // what a fold of nothing gives is seldom wanted
        if line.is_empty() {
            return None;
        }
        let line: Vec<ValId> = line.into_iter().map(|v| self.cast(v, dt, acc)).collect();
        let w = if line.len() <= FEW { 1 } else { lanes(acc.size()) };
        let mut lane: Vec<Option<ValId>> = vec![None; w];
        for (k, v) in line.into_iter().enumerate() {
            lane[k % w] = Some(match lane[k % w] {
                Some(sum) => self.combine(fold, acc, sum, v)?,
                None => v,
            })
        }
        let mut h = w / 2;
        while h >= 1 {
            for i in 0..h {
                if let (Some(a), Some(b)) = (lane[i], lane[i + h]) {
                    lane[i] = Some(self.combine(fold, acc, a, b)?)
                }
            }
            h /= 2
        }
        Some(self.cast(lane[0]?, acc, dt))
    }
    /// The one of these that an index says; the first or the last, if it is none of theirs.
    fn choose(&mut self, dt: Dt, at: ValId, index: Dt, each: &[ValId]) -> ValId {
        let mut chosen = each[each.len() - 1];
        for (k, v) in each.iter().enumerate().rev().skip(1) {
            if *v == chosen {
                continue;
            }
            let k = self.constant(index, [k as u64, 0]);
            let here = self.apply(Op::Le, Dt::Bool, index, &[at, k]);
            let mut b = Body::default();
            let (m, yes, no) = (b.input(0, Dt::Bool), b.input(1, dt.part()), b.input(2, dt.part()));
            let mut uses: SmallVec<[Use; 5]> = [here, *v, chosen].map(Use::plain).into_iter().collect();
            let y = b.select(dt.part(), m, yes, no);
            b.outs.push(y);
            if dt.is_complex() {
                let (yes, no) = (b.input(3, dt.part()), b.input(4, dt.part()));
                let y = b.select(dt.part(), m, yes, no);
                b.outs.push(y);
                uses.extend([*v, chosen].map(|val| Use { val, view: None, part: Part::Im }));
                uses[1].part = Part::Re;
                uses[2].part = Part::Re
            }
            chosen = self.to.push(Kind::Map(b.into()), &uses, &[Ty::new(dt, &[])])
        }
        chosen
    }

    fn map(&mut self, node: &Node, body: &Arc<Body>, ty: &Ty) {
        let p = self.p;
        let uses = p.uses_of(node);
        let x: Vec<Vec<ValId>> = uses.iter().map(|u| self.read(u)).collect();
        let results: SmallVec<[Ty; 2]> = (0..node.vals.1).map(|k| Ty::new(p.ty(node.vals.0 + k).dt, &[])).collect();
        let indexed = body.ops.iter().any(|o| o.op == Op::Index);
        let mut made: Vec<Vec<ValId>> = vec![Vec::with_capacity(ty.len()); results.len()];
        let mut known: HashMap<SmallVec<[ValId; 4]>, ValId> = HashMap::new();
        let mut e = 0;
        each_index(&ty.dims, |i| {
            let operands: SmallVec<[ValId; 4]> = x.iter().map(|x| x[e]).collect();
            e += 1;
            let uses: SmallVec<[Use; 4]> =
                operands.iter().zip(uses).map(|(val, u)| Use { val: *val, view: None, part: u.part }).collect();
            let first = if indexed {
                let mut at = (**body).clone();
                for o in at.ops.iter_mut().filter(|o| o.op == Op::Index) {
                    let bits = i[o.a as usize] as u64;
                    (o.op, o.a, o.b) = (Op::Const, bits as u32, (bits >> 32) as u32)
                }
                self.to.push(Kind::Map(at.into()), &uses, &results)
            } else {
                let to = &mut self.to;
                *known.entry(operands).or_insert_with(|| to.push(Kind::Map(body.clone()), &uses, &results))
            };
            for (k, made) in made.iter_mut().enumerate() {
                made.push(first + k as u32)
            }
        });
        self.of.extend(made)
    }
}
