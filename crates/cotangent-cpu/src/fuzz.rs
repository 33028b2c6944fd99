//! Random programs, for comparing an engine with the reference.
//!
//! [`case`] makes a valid program and arguments from a seed, always the same ones; [`same`] compares two results. Programs are
//! chains of a few nodes of every kind that read each other through random views, on extents around those where blocks, lanes and
//! groups end. Arguments hold NaN, infinities, zeros of both signs, subnormal numbers and extreme integers, but most of them hold
//! tame numbers, since in a sum with a NaN nothing else can be seen.
//!
//! The payload and sign of a NaN are nobody's promise, so no program here makes integers out of the bits of a NaN.

mod access;
mod body;
mod engine;
mod library;
mod points;
mod rows;
mod values;
mod whole;
mod windows;

pub use engine::{run, run_operands};
pub use values::same;
pub use whole::{over, whole};

use crate::{DotSpec, Dt, Fold, Kind, Program, Ty, Use, ValId};
use values::Mood;

/// The most elements of a value.
const LARGEST: usize = 4500;
/// How much a program may do, in elements times operations.
const BUDGET: usize = 12_000;

/// A small generator: splitmix64, from a seed.
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }
    /// Less than `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    /// From `lo` to `hi`, both included.
    fn range(&mut self, lo: i64, hi: i64) -> i64 {
        lo + self.below((hi - lo + 1) as usize) as i64
    }
    /// Once in `n` times.
    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
    /// Some of `0..n` in ascending order, `k` of them.
    fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut all = self.shuffled(n);
        all.truncate(k);
        all.sort_unstable();
        all
    }
    /// `0..n` in any order.
    fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            all.swap(i, self.below(i + 1));
        }
        all
    }
}

/// A program in the making.
struct Fuzz {
    r: Rng,
    p: Program,
    args: Vec<Vec<u8>>,
    /// The types that this program prefers: few, so that nodes find operands among each other's results.
    types: Vec<Dt>,
    /// What its arguments are like.
    mood: Mood,
    /// What it may still do.
    left: usize,
    /// The most elements of a value, as a rule.
    largest: usize,
    /// Extents that most values have, if there are any.
    shapes: Vec<Vec<usize>>,
}

/// The program and the arguments of a seed.
pub fn case(seed: u64) -> (Program, Vec<Vec<u8>>) {
    case_within(seed, LARGEST)
}
/// The same over values that have seldom more than so many elements.
pub fn case_within(seed: u64, largest: usize) -> (Program, Vec<Vec<u8>>) {
    let mut r = Rng(seed);
    r.next();
    let n = 1 + r.below(3);
    // Floats are where an order can go wrong: they come more often.
    let common = [Dt::F32, Dt::F32, Dt::F32, Dt::F64, Dt::F64, Dt::I32, Dt::Bool, Dt::C64, Dt::F16, Dt::Bf16];
    let types = (0..n).map(|_| if r.once_in(3) { r.pick(&Dt::ALL) } else { r.pick(&common) }).collect();
    let mood = Mood::any(&mut r);
    let mut f = Fuzz::new(r, types, mood, BUDGET, largest);
    for _ in 0..1 + f.r.below(2) {
        let dt = f.dt();
        let dims = f.dims();
        f.arg(dt, &dims);
    }
    let nodes = 1 + f.r.below(6);
    for _ in 0..nodes {
        if f.left > 0 {
            f.node();
        }
    }
    f.choose_results();
    if seed.is_multiple_of(5) {
        f.p.fences.push((seed / 5 % (f.p.nodes.len() as u64 + 1)) as u32);
    }
    (f.p, f.args)
}

impl Fuzz {
    fn new(r: Rng, types: Vec<Dt>, mood: Mood, left: usize, largest: usize) -> Fuzz {
        Fuzz { r, p: Program::default(), args: vec![], types, mood, left, largest, shapes: vec![] }
    }
    fn dt(&mut self) -> Dt {
        let i = self.r.below(self.types.len());
        self.types[i]
    }
    /// A preferred type with a property, or else any that has it.
    fn dt_where(&mut self, ok: impl Fn(Dt) -> bool) -> Dt {
        let dt = self.dt();
        if ok(dt) {
            return dt;
        }
        let all: Vec<Dt> = Dt::ALL.into_iter().filter(|dt| ok(*dt)).collect();
        self.r.pick(&all)
    }
    /// An extent of at most `most` (at least 1).
    fn extent(&mut self, most: usize) -> usize {
        let most = most.max(1);
        if self.r.once_in(100) {
            return 0;
        }
        let sizes = [1, 1, 2, 2, 3, 3, 7, 16, 17, 63, 64, 65, 255, 256, 257, 1023, 1025, 4095, 4096, 4097];
        let n = sizes.iter().filter(|n| **n <= most).count();
        // The greatest ones are chosen seldom by themselves: they leave no room for other dimensions.
        let n = if n > 15 && !self.r.once_in(4) { 15 } else { n };
        sizes[self.r.below(n)]
    }
    /// Extents of an array of at most `most` elements.
    fn dims_within(&mut self, rank: usize, most: usize) -> Vec<usize> {
        let mut dims = vec![1; rank];
        let mut left = most;
        for d in self.r.shuffled(rank) {
            dims[d] = self.extent(left);
            left /= dims[d].max(1);
        }
        dims
    }
    /// The room for a value.
    fn room(&self) -> usize {
        self.largest.min(self.left)
    }
    fn dims(&mut self) -> Vec<usize> {
        if !self.shapes.is_empty() && !self.r.once_in(5) {
            let k = self.r.below(self.shapes.len());
            return self.shapes[k].clone();
        }
        let rank = self.r.pick(&[0, 1, 1, 1, 2, 2, 2, 3, 3, 4]);
        self.dims_within(rank, self.room())
    }
    /// Extents of an existing value, or new ones.
    fn some_dims(&mut self) -> Vec<usize> {
        let v = self.recent();
        let dims = self.p.ty(v).dims.to_vec();
        if self.r.once_in(3) || self.p.ty(v).len() > self.room() { self.dims() } else { dims }
    }
    /// Counts work.
    fn spend(&mut self, n: usize) {
        self.left = self.left.saturating_sub(n);
    }
    /// A value that is there, more often a late one.
    fn recent(&mut self) -> ValId {
        let n = self.p.vals.len();
        let back = self.r.below(n).min(self.r.below(n));
        (n - 1 - back) as ValId
    }
    /// A new argument.
    fn arg(&mut self, dt: Dt, dims: &[usize]) -> ValId {
        let mood = if self.r.once_in(3) { Mood::any(&mut self.r) } else { self.mood };
        let ty = Ty::new(dt, dims);
        let bytes = values::array(&mut self.r, dt, ty.len(), mood);
        self.args.push(bytes);
        self.spend(ty.len() / 8);
        self.p.arg(ty)
    }
    /// An argument of integers from `lo` to `hi`, seldom others, as indices.
    fn index_arg(&mut self, dims: &[usize], lo: i64, hi: i64) -> ValId {
        let dt = self.r.pick(&[Dt::I32, Dt::I32, Dt::I64, Dt::U8, Dt::I8, Dt::U32, Dt::U64, Dt::I16]);
        let ty = Ty::new(dt, dims);
        let mut bytes = Vec::with_capacity(ty.bytes());
        for _ in 0..ty.len() {
            let i = if self.r.once_in(20) { self.r.next() as i64 } else { self.r.range(lo, hi) };
            bytes.extend_from_slice(&i.to_le_bytes()[..dt.size()]);
        }
        self.args.push(bytes);
        self.p.arg(ty)
    }
    /// An operand of this type and these extents: a value seen through a view.
    fn operand(&mut self, dt: Dt, dims: &[usize]) -> Use {
        let there: Vec<ValId> = (0..self.p.vals.len() as ValId).filter(|v| self.p.ty(*v).dt == dt).collect();
        let size: usize = dims.iter().product();
        let own = size <= self.room();
        let mut val = None;
        if !there.is_empty() && !self.r.once_in(6) {
            let n = there.len();
            let mut late = || there[n - 1 - self.r.below(n).min(self.r.below(n))];
            let (a, b) = (late(), late());
            // A larger one has more to show.
            val = Some(if self.p.ty(a).len() >= self.p.ty(b).len() { a } else { b });
            if self.p.ty(a).len().max(self.p.ty(b).len()) < size.div_ceil(4) && own && !self.r.once_in(3) {
                val = None;
            }
        }
        let val = match val {
            Some(v) => v,
            None => {
                let dims = if own && !self.r.once_in(4) { dims.to_vec() } else { self.dims() };
                self.arg(dt, &dims)
            }
        };
        self.through(val, dims)
    }
    /// Extents for an operation along a dimension, and that dimension: sometimes it is long, with few others.
    fn line(&mut self) -> (Vec<usize>, usize) {
        if self.r.once_in(6) && self.left > BUDGET / 3 {
            let long = match self.r.once_in(8) {
                true => self.r.pick(&[8192, 8193, 12289]),
                false => self.r.pick(&[1023, 1024, 1025, 2049, 4095, 4096, 4097]),
            };
            let rank = 1 + self.r.below(3);
            let mut dims = self.dims_within(rank, LARGEST / long);
            let d = self.r.below(rank);
            dims[d] = long;
            return (dims, d);
        }
        let mut dims = self.some_dims();
        if dims.is_empty() {
            let most = self.room();
            dims = vec![self.extent(most)];
        }
        let d = self.r.below(dims.len());
        (dims, d)
    }
    /// Any operand with at least one dimension, whose type has a property, and one of its dimensions.
    fn array(&mut self, ok: impl Fn(Dt) -> bool) -> (Use, Dt, Vec<usize>, usize) {
        let dt = self.dt_where(ok);
        let (dims, d) = self.line();
        let u = self.operand(dt, &dims);
        self.spend(dims.iter().product());
        (u, dt, dims, d)
    }
    /// Appends a node of one result.
    fn push(&mut self, kind: Kind, uses: &[Use], dt: Dt, dims: &[usize]) {
        let ty = Ty::new(dt, dims);
        self.spend(ty.len());
        self.p.push(kind, uses, &[ty]);
    }

    /// Appends a node, and what it needs.
    fn node(&mut self) {
        match self.r.below(35) {
            0..8 => self.map(),
            8 | 9 => {
                let (u, dt, dims, _) = self.array(|_| true);
                self.push(Kind::View, &[u], dt, &dims);
            }
            10..14 => self.reduce(),
            14 => self.arg_reduce(),
            15 | 16 => self.prefix(),
            17 | 18 => self.gather(),
            19 | 20 => self.scatter(),
            21 => self.piece(),
            22 | 23 => self.concat(),
            24 => self.dot(),
            25 | 26 => self.sort(),
            27 => self.top(),
            28 | 29 => self.conv(),
            30 | 31 => self.window(),
            32 | 33 => self.library(),
            _ => {
                let dt = self.dt();
                let bits = values::element(&mut self.r, dt, self.mood);
                self.p.constant(dt, bits);
            }
        }
    }
    fn reduce(&mut self) {
        let op = self.r.pick(&[
            Fold::Sum,
            Fold::Sum,
            Fold::Sum,
            Fold::Prod,
            Fold::Max,
            Fold::Min,
            Fold::And,
            Fold::Or,
            Fold::Xor,
        ]);
        let (u, dt, dims, first) = self.array(|dt| op.takes(dt));
        let count = 1 + self.r.below(dims.len() - first);
        let rest: Vec<usize> = dims[..first].iter().chain(&dims[first + count..]).copied().collect();
        self.push(Kind::Reduce { op, first: first as u32, count: count as u32 }, &[u], dt, &rest);
    }
    fn arg_reduce(&mut self) {
        let (u, _, mut dims, dim) = self.array(|dt| !dt.is_complex());
        if dims.remove(dim) == 0 {
            return;
        }
        let index = self.r.pick(&[Dt::I32, Dt::I64, Dt::U32, Dt::I8]);
        let kind = Kind::ArgReduce { max: self.r.once_in(2), dim: dim as u32 };
        self.push(kind, &[u], index, &dims);
    }
    fn prefix(&mut self) {
        let folds =
            [Fold::Sum, Fold::Sum, Fold::Prod, Fold::Max, Fold::Min, Fold::Or, Fold::Xor, Fold::And, Fold::LogAddExp];
        let op = self.r.pick(&folds);
        let (u, dt, dims, dim) = self.array(|dt| op.takes(dt));
        let kind = Kind::Prefix { op, dim: dim as u32, reverse: self.r.once_in(2) };
        self.spend(2 * dims.iter().product::<usize>());
        self.push(kind, &[u], dt, &dims);
    }
    fn sort(&mut self) {
        let (first, dt, dims, dim) = self.array(|_| true);
        let (mut uses, mut types) = (vec![first], vec![Ty::new(dt, &dims)]);
        while uses.len() < 4 && self.r.once_in(2) {
            let dt = self.dt();
            uses.push(self.operand(dt, &dims));
            types.push(Ty::new(dt, &dims));
        }
        let keys = if self.r.once_in(2) { 1 } else { 1 + self.r.below(uses.len()) as u32 };
        self.spend(4 * types.iter().map(Ty::len).sum::<usize>());
        self.p.push(Kind::Sort { dim: dim as u32, keys }, &uses, &types);
    }
    fn top(&mut self) {
        let (u, dt, mut dims, dim) = self.array(|dt| !dt.is_complex());
        dims[dim] = if self.r.once_in(2) { dims[dim].min(self.r.below(5)) } else { self.r.below(dims[dim] + 1) };
        let index = self.r.pick(&[Dt::I32, Dt::I64, Dt::U32, Dt::I8]);
        self.spend(2 * dims.iter().product::<usize>());
        self.p.push(Kind::Top { dim: dim as u32 }, &[u], &[Ty::new(dt, &dims), Ty::new(index, &dims)]);
    }
    /// A slice or an update at a run-time position.
    fn piece(&mut self) {
        let (u, dt, dims, _) = self.array(|_| true);
        let small: Vec<usize> = dims.iter().map(|n| if self.r.once_in(2) { *n } else { self.r.below(n + 1) }).collect();
        let starts: Vec<Use> = dims
            .iter()
            .map(|n| {
                let v = self.index_arg(&[], -2, *n as i64 + 1);
                self.through(v, &[])
            })
            .collect();
        if self.r.once_in(2) {
            self.push(Kind::DynSlice, &[&[u], &starts[..]].concat(), dt, &small);
        } else {
            let piece = self.operand(dt, &small);
            self.push(Kind::Update, &[&[u, piece], &starts[..]].concat(), dt, &dims);
        }
    }
    fn concat(&mut self) {
        let (first, dt, mut dims, dim) = self.array(|_| true);
        let rest: usize = dims.iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, n)| *n).product();
        let mut uses = vec![first];
        let mut whole = dims[dim];
        for _ in 0..self.r.below(4) {
            let most = self.room() / rest.max(1);
            dims[dim] = self.extent(most.min(300));
            if dims[dim] * rest <= self.room() {
                uses.push(self.operand(dt, &dims));
                whole += dims[dim];
                self.spend(dims[dim] * rest);
            }
        }
        dims[dim] = whole;
        self.push(Kind::Concat { dim: dim as u32 }, &uses, dt, &dims);
    }
    fn dot(&mut self) {
        let dt = self.dt();
        let other = if self.r.once_in(6) { self.dt_where(|o| o.is_complex() == dt.is_complex()) } else { dt };
        let out = if self.r.once_in(6) { self.dt_where(|o| o.is_complex() == dt.is_complex()) } else { dt };
        let acc = if self.r.once_in(6) { out.acc() } else { dt.acc() };
        // Seldom a sum that has more than one super-chunk.
        let far = self.r.once_in(60) && !dt.is_complex();
        let (b, m, n, k) = match far {
            true => (1, 1, 1 + self.r.below(2), self.r.pick(&[16384, 16385, 16641])),
            false => {
                // A sum of many products costs as much as many elements, and none of the operands is as large as that.
                let dims = self.dims_within(4, self.left.max(1));
                (dims[0], dims[1], dims[2], dims[3])
            }
        };
        self.spend(b * m * n * k);
        let left = self.operand(dt, &[b, m, k]);
        let right = self.operand(other, &[b, k, n]);
        self.push(Kind::Dot(DotSpec::for_sizes(n, k, acc)), &[left, right], out, &[b, m, n]);
    }
    /// The last value and some others, sometimes one of them twice.
    fn choose_results(&mut self) {
        let n = self.p.vals.len() as ValId;
        let mut outs: Vec<ValId> = (0..n - 1).filter(|_| self.r.once_in(3)).collect();
        outs.push(n - 1);
        if self.r.once_in(6) {
            outs.push(self.r.pick(&outs));
        }
        if self.r.once_in(3) {
            outs.reverse();
        }
        self.p.outs = outs;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod guarded;
#[cfg(test)]
mod tests;
