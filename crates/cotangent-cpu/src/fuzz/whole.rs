//! Whole programs: dozens of nodes over a few extents, with what real programs are full of, so that groups, strips, memory that is written over and values with
//! several readers meet each other.

use super::values::Mood;
use super::{Fuzz, Rng};
use crate::{Body, DotSpec, Dt, Fold, Guard, Kind, Op, Ty, Use, ValId, View, row_major};
use smallvec::SmallVec;

/// How much a whole program may do.
const BUDGET: usize = 60_000;
/// Types of which most values are.
const COMMON: [Dt; 12] =
    [Dt::F32, Dt::F32, Dt::F32, Dt::F32, Dt::F64, Dt::F64, Dt::I32, Dt::I64, Dt::U8, Dt::F16, Dt::Bf16, Dt::C64];

/// The program and the arguments of a seed.
pub fn whole(seed: u64) -> (crate::Program, Vec<Vec<u8>>) {
    let mut f = fresh(seed ^ 0x5851_f42d_4c95_7f2d);
    f.shapes();
    for _ in 0..2 + f.r.below(3) {
        let (dt, dims) = (f.dt(), f.dims());
        f.arg(dt, &dims);
    }
    let nodes = 5 + f.r.below(36);
    f.grow(nodes);
    let n = f.p.vals.len() as ValId;
    let mut outs: Vec<ValId> = (0..n - 1).filter(|_| f.r.once_in(10)).collect();
    outs.push(n - 1);
    if f.r.once_in(8) {
        outs.push(f.r.pick(&outs));
    }
    f.p.outs = outs;
    f.fences();
    (f.p, f.args)
}

/// A program from values of these types to others of these types, for a loop: its first arguments and results. Behind them are further arguments, and as many further
/// results as the number says.
pub fn over(seed: u64, types: &[Ty]) -> (crate::Program, Vec<Vec<u8>>, usize) {
    let mut f = fresh(seed ^ 0x1405_7b7e_f767_814f);
    f.types.extend(types.iter().map(|ty| ty.dt));
    f.shapes.extend(types.iter().map(|ty| ty.dims.to_vec()));
    for ty in types {
        f.arg(ty.dt, &ty.dims);
    }
    let nodes = 2 + f.r.below(12);
    f.grow(nodes);
    let mut outs = vec![];
    for ty in types {
        let all: Vec<ValId> = (0..f.p.vals.len() as ValId).filter(|v| f.p.ty(*v) == ty).collect();
        // most often one of the last that were computed
        let late = all.len() - 1 - f.r.below(all.len().min(3));
        outs.push(all[late])
    }
    let more = f.r.below(3);
    let n = f.p.vals.len();
    outs.extend((0..more).map(|_| (n - 1 - f.r.below(n.min(8))) as ValId));
    f.p.outs = outs;
    f.fences();
    (f.p, f.args, more)
}

fn fresh(seed: u64) -> Fuzz {
    let mut r = Rng(seed);
    r.next();
    let n = 1 + r.below(3);
    let types = (0..n).map(|_| if r.once_in(8) { r.pick(&Dt::ALL) } else { r.pick(&COMMON) }).collect();
    let mood = r.pick(&[Mood::Tame, Mood::Tame, Mood::Tame, Mood::Sprinkled, Mood::Small]);
    Fuzz::new(r, types, mood, BUDGET, 3000)
}

impl Fuzz {
    /// A few extents that go together: rows, columns, and each of them alone.
    fn shapes(&mut self) {
        let (a, b) = (self.r.pick(&[1, 2, 3, 5, 8, 16, 33]), self.r.pick(&[1, 3, 7, 8, 16, 17, 31, 64, 65]));
        let all = [vec![a, b], vec![b], vec![a], vec![b, a], vec![2, a, b], vec![], vec![a, 1]];
        let n = 2 + self.r.below(3);
        self.shapes = (0..n).map(|k| if k == 0 { vec![a, b] } else { all[self.r.below(all.len())].clone() }).collect();
    }
    fn fences(&mut self) {
        while self.r.once_in(4) {
            let at = self.r.below(self.p.nodes.len() + 1) as u32;
            self.p.fences.push(at)
        }
        self.p.fences.sort_unstable()
    }
    fn grow(&mut self, nodes: usize) {
        let end = self.p.nodes.len() + nodes;
        while self.p.nodes.len() < end && self.left > 0 {
            match self.r.below(16) {
                _ if self.r.once_in(150) => self.linear(),
                _ if self.r.once_in(16) => self.repeat(),
                _ if self.r.once_in(24) => self.framed(),
                _ if self.r.once_in(16) => self.points(),
                0 => self.softmax(),
                1 => self.layer(),
                2 | 3 => self.again(),
                4 => self.piecewise(),
                5 => self.mean(),
                6 => self.pairs(),
                7 => self.normalize(),
                8 if self.r.once_in(2) => self.rows(),
                8 => self.blocks(),
                9 => self.parts(),
                _ => self.node(),
            }
        }
    }
    /// Some of the last nodes once more: they compute the same, but where they read each other.
    fn repeat(&mut self) {
        let end = self.p.nodes.len();
        let first = end - self.r.below(end.min(8)) - 1;
        let mut copies: Vec<ValId> = (0..self.p.vals.len() as ValId).collect();
        for i in first..end {
            let node = self.p.nodes[i].clone();
            if matches!(node.kind, Kind::Arg(_)) {
                continue;
            }
            let uses: Vec<Use> =
                self.p.uses_of(&node).iter().map(|u| Use { val: copies[u.val as usize], ..*u }).collect();
            let made = node.vals.0 as usize..(node.vals.0 + node.vals.1) as usize;
            let types: Vec<Ty> = made.clone().map(|v| self.p.ty(v as ValId).clone()).collect();
            self.spend(40 * types.iter().map(Ty::len).sum::<usize>());
            let copy = self.p.push(node.kind, &uses, &types);
            made.zip(copy..).for_each(|(v, copy)| copies[v] = copy)
        }
    }
    /// A value of a type with a property, most often a late one, and its type.
    fn late(&mut self, ok: impl Fn(&Ty) -> bool) -> Option<(ValId, Ty)> {
        let all: Vec<ValId> = (0..self.p.vals.len() as ValId).filter(|v| ok(self.p.ty(*v))).collect();
        let n = all.len();
        if n == 0 {
            return None;
        }
        let v = all[n - 1 - self.r.below(n).min(self.r.below(n))];
        Some((v, self.p.ty(v).clone()))
    }
    /// A map of values of one type, element by element or as their views show them.
    pub(super) fn simple(&mut self, op: Op, ty: &Ty, uses: &[Use]) -> ValId {
        let mut b = Body::default();
        let ins: Vec<u32> = (0..uses.len()).map(|k| b.input(k as u32, ty.dt)).collect();
        let y = b.push(op, ty.dt, ins[0], ins.get(1).copied().unwrap_or(0), ins.get(2).copied().unwrap_or(0));
        b.outs.push(y);
        self.spend(ty.len());
        self.p.push(Kind::Map(b.into()), uses, std::slice::from_ref(ty))
    }
    /// What there is one of for all elements along a dimension, for each of them.
    fn spread(&mut self, val: ValId, dims: &[usize], along: usize) -> Use {
        let mut strides: SmallVec<[i64; 6]> = SmallVec::from_elem(0, dims.len());
        let mut s = 1;
        for d in (0..dims.len()).rev().filter(|d| *d != along) {
            strides[d] = s;
            s *= dims[d] as i64
        }
        self.p.through(val, View { strides, ..View::splat(dims) })
    }
    /// The greatest of a row or a column, differences, their function, its sum, and quotients: what becomes a strip.
    fn softmax(&mut self) {
        let math = self.r.pick(&[crate::M::Exp, crate::M::Tanh, crate::M::Log1p]);
        let real = |ty: &Ty| matches!(ty.dt, Dt::F32 | Dt::F64) && ty.dims.len() > 1 && !ty.is_empty();
        let Some((x, ty)) = self.late(real) else { return self.node() };
        let along = if self.r.once_in(2) { self.r.below(ty.dims.len()) } else { ty.dims.len() - 1 };
        let mut rows = ty.clone();
        rows.dims.remove(along);
        let fold = |op| Kind::Reduce { op, first: along as u32, count: 1 };
        self.spend(50 * ty.len());
        let most = self.p.push(fold(Fold::Max), &[Use::plain(x)], std::slice::from_ref(&rows));
        let most = self.spread(most, &ty.dims, along);
        let y = self.simple(Op::Sub, &ty, &[Use::plain(x), most]);
        let y = self.simple(Op::Math(math), &ty, &[Use::plain(y)]);
        let sum = self.p.push(fold(Fold::Sum), &[Use::plain(y)], std::slice::from_ref(&rows));
        let sum = self.spread(sum, &ty.dims, along);
        self.simple(Op::Div, &ty, &[Use::plain(y), sum]);
    }
    /// A product of matrices that are there, a sum with a row, and the greater of that and something.
    fn layer(&mut self) {
        let matrix = |ty: &Ty| ty.dt.is_float() && ty.dims.len() == 2 && !ty.is_empty();
        let Some((x, ty)) = self.late(matrix) else { return self.node() };
        let (m, k) = (ty.dims[0], ty.dims[1]);
        let Some((w, wt)) = self.late(|t| t.dt == ty.dt && t.dims.len() == 2 && !t.is_empty() && t.dims.contains(&k))
        else {
            return self.node();
        };
        let turned = wt.dims[0] != k;
        let n = if turned { wt.dims[0] } else { wt.dims[1] };
        if m * n * k > self.left {
            return self.node();
        }
        let right = match turned {
            false => View { strides: [0, n as i64, 1].into_iter().collect(), ..View::splat(&[1, k, n]) },
            true => View { strides: [0, 1, k as i64].into_iter().collect(), ..View::splat(&[1, k, n]) },
        };
        let left = View { strides: [0, k as i64, 1].into_iter().collect(), ..View::splat(&[1, m, k]) };
        let uses = [self.p.through(x, left), self.p.through(w, right)];
        let acc = ty.dt.acc();
        let made = Ty::new(ty.dt, &[1, m, n]);
        let product = self.p.push(Kind::Dot(DotSpec::for_sizes(n, k, acc)), &uses, &[made]);
        let product = self.p.view(product, View::identity(&[m, n]));
        self.spend(m * n * k);
        let ty = Ty::new(ty.dt, &[m, n]);
        let bias = self.operand(ty.dt, &[m, n]);
        let sum = self.simple(Op::Add, &ty, &[Use::plain(product), bias]);
        let other = self.operand(ty.dt, &[m, n]);
        self.simple(Op::Max, &ty, &[Use::plain(sum), other]);
    }
    /// The differences of all pairs of short vectors, what becomes of their squares, and the sum over one of each pair: vectors lie with their elements far apart.
    fn pairs(&mut self) {
        let short = |ty: &Ty| matches!(ty.dt, Dt::F32 | Dt::F64) && ty.dims.len() == 2 && (2..9).contains(&ty.dims[1]);
        let (x, ty) = match self.late(short) {
            Some(found) => found,
            None => {
                let ty = Ty::new(Dt::F32, &[2 + self.r.below(20), 3]);
                (self.arg(ty.dt, &ty.dims), ty)
            }
        };
        let (n, c) = (ty.dims[0], ty.dims[1]);
        if n == 0 || 20 * n * n * c > self.left {
            return self.node();
        }
        self.spend(20 * n * n * c);
        let (all, each) = (Ty::new(ty.dt, &[n, n, c]), Ty::new(ty.dt, &[n, n]));
        let [one, other] = [[c as i64, 0, 1], [0, c as i64, 1]].map(|strides| {
            let view = View { strides: strides.into_iter().collect(), ..View::splat(&all.dims) };
            self.p.through(x, view)
        });
        let d = self.simple(Op::Sub, &all, &[one, other]);
        let squares = self.simple(Op::Mul, &all, &[Use::plain(d); 2]);
        let sum = self.p.push(
            Kind::Reduce { op: Fold::Sum, first: 2, count: 1 },
            &[Use::plain(squares)],
            std::slice::from_ref(&each),
        );
        let weight = self.simple(Op::Math(crate::M::Exp), &each, &[Use::plain(sum)]);
        let weight = self.spread(weight, &all.dims, 2);
        let mut force = self.simple(Op::Mul, &all, &[weight, Use::plain(d)]);
        if self.r.once_in(2) {
            force = self.simple(Op::Neg, &all, &[Use::plain(force)])
        }
        for first in 0..2 {
            if self.r.once_in(3) {
                continue;
            }
            let op = self.r.pick(&[Fold::Sum, Fold::Max]);
            let sum =
                self.p.push(Kind::Reduce { op, first, count: 1 }, &[Use::plain(force)], &[Ty::new(ty.dt, &[n, c])]);
            self.simple(Op::Add, &ty, &[Use::plain(sum), Use::plain(x)]);
        }
    }
    /// Differences from a mean, their squares' sum, and the differences with a factor that comes of it: they are computed twice.
    fn normalize(&mut self) {
        let real = |ty: &Ty| matches!(ty.dt, Dt::F32 | Dt::F64) && ty.dims.len() > 1 && !ty.is_empty();
        let Some((x, ty)) = self.late(real) else { return self.node() };
        let along = self.r.below(ty.dims.len());
        let mut rows = ty.clone();
        rows.dims.remove(along);
        let fold = Kind::Reduce { op: Fold::Sum, first: along as u32, count: 1 };
        self.spend(20 * ty.len());
        let sum = self.p.push(fold.clone(), &[Use::plain(x)], std::slice::from_ref(&rows));
        let sum = self.spread(sum, &ty.dims, along);
        let centred = self.simple(Op::Sub, &ty, &[Use::plain(x), sum]);
        let squares = self.simple(Op::Mul, &ty, &[Use::plain(centred); 2]);
        let sum = self.p.push(fold, &[Use::plain(squares)], std::slice::from_ref(&rows));
        let scale = self.spread(sum, &ty.dims, along);
        self.simple(Op::Mul, &ty, &[Use::plain(centred), scale]);
    }
    /// A model of many rows and few columns: products with the rows, a function of them, its sum, and products of it with the columns. It is a strip of blocks.
    fn linear(&mut self) {
        let dt = self.r.pick(&[Dt::F32, Dt::F64]);
        let (n, m) = (self.r.pick(&[4097, 5000, 8192, 16384, 16385, 20_491]), 1 + self.r.below(3));
        if 2 * n * m > self.left {
            return self.node();
        }
        self.spend(2 * n * m);
        let (x, w) = (self.arg(dt, &[n, m]), self.arg(dt, &[m]));
        let (along, across) = ([0, m as i64, 1], [0, 1, m as i64]);
        let seen =
            |dims: [usize; 3], strides: [i64; 3]| View { strides: strides.into_iter().collect(), ..View::splat(&dims) };
        let turned = self.r.once_in(2);
        let (left, right, dims) = match turned {
            false => ((x, seen([1, n, m], along)), (w, seen([1, m, 1], [0, 1, 0])), [1, n, 1]),
            true => ((w, seen([1, 1, m], [0, 0, 1])), (x, seen([1, m, n], across)), [1, 1, n]),
        };
        let uses = [self.p.through(left.0, left.1), self.p.through(right.0, right.1)];
        let z = self.p.push(Kind::Dot(DotSpec::for_sizes(dims[2], m, dt)), &uses, &[Ty::new(dt, &dims)]);
        let z = self.p.view(z, View::identity(&[n]));
        let ty = Ty::new(dt, &[n]);
        let y = self.simple(Op::Math(crate::M::Tanh), &ty, &[Use::plain(z)]);
        // something small between, of what is there and of what is not yet there
        let first = self.p.through(w, View::splat(&[]));
        let scale = self.simple(Op::Add, &Ty::new(dt, &[]), &[first, first]);
        let scale = self.p.through(scale, View::splat(&[n]));
        let y = self.simple(Op::Mul, &ty, &[Use::plain(y), scale]);
        let sum =
            self.p.push(Kind::Reduce { op: Fold::Sum, first: 0, count: 1 }, &[Use::plain(y)], &[Ty::new(dt, &[])]);
        self.simple(Op::Neg, &Ty::new(dt, &[]), &[Use::plain(sum)]);
        let turned = self.r.once_in(2);
        let (left, right, dims) = match turned {
            false => ((y, seen([1, 1, n], [0, 0, 1])), (x, seen([1, n, m], along)), [1, 1, m]),
            true => ((x, seen([1, m, n], across)), (y, seen([1, n, 1], [0, 1, 0])), [1, m, 1]),
        };
        let uses = [self.p.through(left.0, left.1), self.p.through(right.0, right.1)];
        self.p.push(Kind::Dot(DotSpec::for_sizes(dims[2], n, dt)), &uses, &[Ty::new(dt, &dims)]);
        // a reader of some of it keeps it in memory
        if self.r.once_in(3) {
            self.simple(Op::Sub, &ty, &[Use::plain(y), Use::plain(z)]);
        }
    }
    /// A few maps of values that nobody else reads, with operands of the same type: memory that is written over.
    fn again(&mut self) {
        let Some((mut x, ty)) = self.late(|ty| ty.dt != Dt::Bool && !ty.dt.is_complex() && ty.len() > 1) else {
            return self.node();
        };
        let ops: Vec<Op> = [Op::Add, Op::Sub, Op::Mul, Op::Max, Op::Neg, Op::Div, Op::MulAdd]
            .into_iter()
            .filter(|op| op.takes(ty.dt, ty.dt))
            .collect();
        for _ in 0..1 + self.r.below(4) {
            let op = self.r.pick(&ops);
            let mut uses = vec![Use::plain(x)];
            while uses.len() < op.arity() {
                let same = self.late(|t| *t == ty).expect("at least itself").0;
                let u = if self.r.once_in(3) { self.operand(ty.dt, &ty.dims) } else { Use::plain(same) };
                uses.push(u)
            }
            x = self.simple(op, &ty, &uses);
            // now and then something between that ends the group
            if self.r.once_in(4) && !ty.dims.is_empty() {
                let dim = self.r.below(ty.dims.len()) as u32;
                let kind = Kind::Prefix { op: Fold::Sum, dim, reverse: self.r.once_in(2) };
                self.spend(2 * ty.len());
                x = self.p.push(kind, &[Use::plain(x)], std::slice::from_ref(&ty))
            }
        }
    }
    /// What becomes of an array that was split, on the way back: parts with zeros around them, added up, but now and then not beside each other, or not with zeros.
    fn parts(&mut self) {
        let plain = |ty: &Ty| ty.dt != Dt::Bool && !ty.dt.is_complex() && !ty.dims.is_empty() && !ty.is_empty();
        let Some((_, ty)) = self.late(plain) else { return self.node() };
        let dim = self.r.below(ty.dims.len());
        let n = ty.dims[dim];
        let mut cuts = vec![0, n];
        cuts.extend((0..1 + self.r.below(3)).map(|_| self.r.below(n + 1)));
        cuts.sort_unstable();
        cuts.dedup();
        self.spend(8 * cuts.len() * ty.len());
        let bits = if self.r.once_in(12) { self.r.pick(&[1, 1 << (8 * ty.dt.size() - 1)]) } else { 0 };
        let (yes, zero) = (self.p.constant(Dt::Bool, [1, 0]), self.p.constant(ty.dt, [bits, 0]));
        let zero = self.p.through(zero, View::splat(&ty.dims));
        let mut terms = vec![];
        for cut in cuts.windows(2) {
            let (from, to) = (cut[0] as i64, cut[1] as i64);
            let part = self.part(&ty, dim, from, to);
            let mut view = View { dims: ty.dims.clone(), ..View::identity(&self.p.ty(part).dims) };
            let to = if self.r.once_in(20) { to - 1 } else { to };
            view.guards.push(Guard { dim: dim as u32, lo: from, hi: to, step: 1 });
            let holds = View { guards: view.guards.clone(), ..View::splat(&ty.dims) };
            let (holds, padded) = (self.p.view(yes, holds), self.p.view(part, view));
            let mut b = Body::default();
            let [p, x, z] = [b.input(0, Dt::Bool), b.input(1, ty.dt), b.input(2, ty.dt)];
            let y = b.select(ty.dt, p, x, z);
            b.outs.push(y);
            let uses = [Use::plain(holds), Use::plain(padded), zero];
            terms.push(self.p.push(Kind::Map(b.into()), &uses, std::slice::from_ref(&ty)));
        }
        if self.r.once_in(8) {
            let same = self.late(|t| *t == ty).expect("at least itself").0;
            terms.push(same)
        }
        while terms.len() > 1 {
            let mut some = || terms.swap_remove(self.r.below(terms.len()));
            let uses = [some(), some()].map(Use::plain);
            terms.push(self.simple(Op::Add, &ty, &uses))
        }
    }
    /// A part of a value of this type along a dimension, or what becomes of it, computed with its dimensions in any order, the last one perhaps as two.
    fn part(&mut self, ty: &Ty, dim: usize, from: i64, to: i64) -> ValId {
        let x = self.late(|t| t == ty).expect("at least itself").0;
        let mut view = View::identity(&ty.dims);
        view.offset = from * view.strides[dim];
        view.dims[dim] = (to - from) as usize;
        let dims = view.dims.clone();
        if self.r.once_in(3) {
            return self.p.view(x, view);
        }
        let last = dims[dims.len() - 1];
        if last.is_multiple_of(2) && self.r.once_in(2) {
            let at = dims.len() - 1;
            let stride = view.strides[at];
            view.dims[at] = 2;
            view.strides[at] = stride * last as i64 / 2;
            view.dims.push(last / 2);
            view.strides.push(stride)
        }
        let between = view.dims.clone();
        let order = self.r.shuffled(between.len());
        let strides = view.strides.clone();
        for (d, o) in order.iter().enumerate() {
            (view.dims[d], view.strides[d]) = (between[*o], strides[*o])
        }
        let made = Ty { dt: ty.dt, dims: view.dims.clone() };
        let u = self.p.through(x, view);
        let op = if Op::Neg.takes(ty.dt, ty.dt) { Op::Neg } else { Op::Not };
        let y = self.simple(op, &made, &[u]);
        let mut back = View::identity(&between);
        let radix = row_major(&made.dims);
        order.iter().enumerate().for_each(|(d, o)| back.strides[*o] = radix[d]);
        let y = self.p.view(y, back);
        self.p.view(y, View::identity(&dims))
    }
    /// A piece of what was just computed is replaced, and what is there then is read as a whole: an update in place.
    fn piecewise(&mut self) {
        let Some((x, ty)) = self.late(|ty| !ty.dims.is_empty() && !ty.is_empty()) else { return self.node() };
        let one = self.p.constant(ty.dt, [1, 0]);
        let filled = self.p.through(one, View::splat(&ty.dims));
        let plus = if ty.dt == Dt::Bool { Op::Or } else { Op::Max };
        let x = match plus.takes(ty.dt, ty.dt) {
            true => self.simple(plus, &ty, &[Use::plain(x), filled]),
            false => x,
        };
        let small: Vec<usize> = ty.dims.iter().map(|n| 1 + self.r.below(*n)).collect();
        let piece = self.operand(ty.dt, &small);
        let mut uses = vec![Use::plain(x), piece];
        for n in &ty.dims {
            let v = self.index_arg(&[], -2, *n as i64 + 1);
            uses.push(Use::plain(v))
        }
        self.spend(2 * ty.len());
        self.p.push(Kind::Update, &uses, std::slice::from_ref(&ty));
    }
    /// The sum of everything, and something with it: a strip of blocks.
    fn mean(&mut self) {
        let Some((x, ty)) = self.late(|ty| matches!(ty.dt, Dt::F32 | Dt::F64) && !ty.dims.is_empty()) else {
            return self.node();
        };
        let y = self.simple(Op::Mul, &ty, &[Use::plain(x); 2]);
        let kind = Kind::Reduce { op: Fold::Sum, first: 0, count: ty.dims.len() as u32 };
        let sum = self.p.push(kind, &[Use::plain(y)], &[Ty::new(ty.dt, &[])]);
        let all = self.p.through(sum, View::splat(&ty.dims));
        self.spend(2 * ty.len());
        self.simple(Op::Sub, &ty, &[Use::plain(x), all]);
    }
}
