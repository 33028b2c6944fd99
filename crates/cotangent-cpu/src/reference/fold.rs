//! Everything whose order is part of its meaning: the reduction tree, prefixes, products, and the first extreme.

use super::{Array, Elem, scalar::scalar};
use crate::float::Flush;
use crate::{BLOCK, DotOrder, DotSpec, Dt, FEW, Fold, M, Op, lanes};

/// The elements of a prefix's block, and of the groups in it.
const PREFIX_BLOCK: usize = 1024;
const PREFIX_GROUP: usize = 16;
/// The elements of a product's chunk and super-chunk.
const CHUNK: usize = 256;
const SUPER_CHUNK: usize = 64 * CHUNK;

/// One scalar operation whose operands and result have one type.
fn op(op: Op, dt: Dt, a: u64, b: u64) -> u64 {
    scalar(op, dt, dt, a, b, 0)
}

/// Fused multiplication and addition; on truth values, or of and.
fn fma(dt: Dt, a: u64, b: u64, c: u64) -> u64 {
    match dt {
        Dt::Bool => c | a & b,
        _ => scalar(Op::MulAdd, dt, dt, a, b, c),
    }
}

/// The conversion of an element, part by part.
pub(super) fn convert(to: Dt, from: Dt, x: Elem) -> Elem {
    let part = |x| scalar(Op::Cast, to.part(), from.part(), x, 0, 0);
    [part(x[0]), if from.is_complex() { part(x[1]) } else { 0 }]
}

/// `a op b`. The product of complex numbers is `(ac - bd, ad + bc)`, each operation rounded.
///
/// `logaddexp(a, b)` is `max(a, b) + log1p(exp(-|a - b|))`, and `a + b` where `a - b` is NaN.
pub(super) fn combine(fold: Fold, dt: Dt, a: Elem, b: Elem) -> Elem {
    let t = dt.part();
    let one = |o: Op| match dt.is_complex() {
        true => [op(o, t, a[0], b[0]), op(o, t, a[1], b[1])],
        false => [op(o, t, a[0], b[0]), 0],
    };
    match fold {
        Fold::Prod if dt.is_complex() => {
            let mul = |x, y| op(Op::Mul, t, x, y);
            [op(Op::Sub, t, mul(a[0], b[0]), mul(a[1], b[1])), op(Op::Add, t, mul(a[0], b[1]), mul(a[1], b[0]))]
        }
        Fold::LogAddExp => {
            let (a, b) = (a[0], b[0]);
            let un = |o: Op, x| op(o, t, x, 0);
            let d = op(Op::Sub, t, a, b);
            let rest = un(Op::Math(M::Log1p), un(Op::Math(M::Exp), un(Op::Neg, un(Op::Abs, d))));
            let is_nan = scalar(Op::Ne, Dt::Bool, t, d, d, 0) != 0;
            [if is_nan { op(Op::Add, t, a, b) } else { op(Op::Add, t, op(Op::Max, t, a, b), rest) }, 0]
        }
        fold => one(fold.op().expect("one operation")),
    }
}

/// What a fold of nothing gives: 0 (a sum's is +0), 1, the least or greatest value, all ones.
pub(super) fn empty(fold: Fold, dt: Dt) -> Elem {
    let number = |x: f64| scalar(Op::Cast, dt.part(), Dt::F64, x.to_bits(), 0, 0);
    let word = match fold {
        // Conversions saturate: an infinity becomes the extreme of the type.
        Fold::Max | Fold::LogAddExp if dt == Dt::Bool => 0,
        Fold::Max | Fold::LogAddExp => number(f64::NEG_INFINITY),
        Fold::Min => number(f64::INFINITY),
        Fold::Prod => number(1.0),
        Fold::And => scalar(Op::Not, dt, dt, 0, 0, 0),
        Fold::Sum | Fold::Or | Fold::Xor => 0,
    };
    [word, 0]
}

/// Adjacent pairs, level by level; an odd one passes through.
pub(super) fn pairs<T: Copy>(mut x: Vec<T>, join: impl Fn(T, T) -> T) -> Option<T> {
    while x.len() > 1 {
        x = x.chunks(2).map(|c| if c.len() == 2 { join(c[0], c[1]) } else { c[0] }).collect();
    }
    x.pop()
}

/// The reduction tree over `n` elements in `w` lanes: `step` puts an element into its lane (the first into `None`), `join` joins
/// two lanes or two blocks. A block of at most `few` elements has one lane.
fn tree(
    n: usize,
    w: usize,
    few: usize,
    step: impl Fn(Option<Elem>, usize) -> Elem,
    join: impl Fn(Elem, Elem) -> Elem,
) -> Option<Elem> {
    let mut blocks = Vec::new();
    for start in (0..n).step_by(BLOCK) {
        let w = if n - start <= few { 1 } else { w };
        let mut lane: Vec<Option<Elem>> = vec![None; w];
        for k in start..n.min(start + BLOCK) {
            lane[k % w] = Some(step(lane[k % w], k));
        }
        let mut h = w / 2;
        while h >= 1 {
            for i in 0..h {
                // A lane that has no element takes no part.
                if let (Some(a), Some(b)) = (lane[i], lane[i + h]) {
                    lane[i] = Some(join(a, b));
                }
            }
            h /= 2;
        }
        blocks.extend(lane[0]);
    }
    pairs(blocks, join)
}

/// The fold of a line.
pub(super) fn reduce(fold: Fold, dt: Dt, x: &[Elem]) -> Elem {
    let acc = dt.acc();
    let x: Vec<Elem> = x.iter().map(|x| convert(acc, dt, *x)).collect();
    let join = |a, b| combine(fold, acc, a, b);
    let step = |lane: Option<Elem>, k: usize| lane.map_or(x[k], |lane| join(lane, x[k]));
    match tree(x.len(), lanes(acc.size()), FEW, step, join) {
        Some(r) => convert(dt, acc, r),
        None => empty(fold, dt),
    }
}

/// All partial folds of a line.
pub(super) fn prefix(fold: Fold, dt: Dt, reverse: bool, x: &[Elem]) -> Vec<Elem> {
    let acc = dt.acc();
    let mut x: Vec<Elem> = x.iter().map(|x| convert(acc, dt, *x)).collect();
    if reverse {
        x.reverse();
    }
    let join = |a, b| combine(fold, acc, a, b);
    let after = |before: Option<Elem>, v: Elem| before.map_or(v, |b| join(b, v));
    let mut y = Vec::with_capacity(x.len());
    if fold == Fold::LogAddExp {
        for v in x {
            y.push(after(y.last().copied(), v));
        }
    } else {
        let mut off = None;
        for block in x.chunks_mut(PREFIX_BLOCK) {
            let mut c = None;
            for v in block.chunks_mut(PREFIX_GROUP) {
                for s in [1, 2, 4, 8] {
                    // Descending, so that v[i - s] is still the one before this shift.
                    for i in (s..v.len()).rev() {
                        v[i] = join(v[i - s], v[i]);
                    }
                }
                let p: Vec<Elem> = v.iter().map(|v| after(c, *v)).collect();
                c = p.last().copied();
                y.extend(p.iter().map(|p| after(off, *p)));
            }
            off = c.map(|c| after(off, c));
        }
    }
    // Subnormal numbers are zero also in the first result, which joins nothing.
    if let Some(y) = y.first_mut() {
        match acc {
            Dt::F32 => y[0] = f32::from_bits(y[0] as u32).flush().to_bits() as u64,
            Dt::F64 => y[0] = f64::from_bits(y[0]).flush().to_bits(),
            _ => {}
        }
    }
    if reverse {
        y.reverse();
    }
    y.iter().map(|y| convert(dt, acc, *y)).collect()
}

/// The index of the first extreme; the first NaN wins. Equal elements (also zeros of either sign) are no improvement.
pub(super) fn arg_extreme(max: bool, dt: Dt, x: &[Elem]) -> usize {
    let is = |o: Op, a: u64, b: u64| scalar(o, Dt::Bool, dt, a, b, 0) != 0;
    if let Some(nan) = x.iter().position(|x| is(Op::Ne, x[0], x[0])) {
        return nan;
    }
    let mut best = 0;
    for (k, v) in x.iter().enumerate() {
        let better = if max { is(Op::Lt, x[best][0], v[0]) } else { is(Op::Lt, v[0], x[best][0]) };
        if better {
            best = k;
        }
    }
    best
}

/// `s + a * b`, fused.
fn multiply_add(dt: Dt, a: Elem, b: Elem, s: Elem) -> Elem {
    let t = dt.part();
    if !dt.is_complex() {
        return [fma(t, a[0], b[0], s[0]), 0];
    }
    let minus = op(Op::Neg, t, a[1], 0);
    [fma(t, minus, b[1], fma(t, a[0], b[0], s[0])), fma(t, a[1], b[0], fma(t, a[0], b[1], s[1]))]
}

/// The product of two batches of matrices. The sum of nothing is +0 in both orders.
pub(super) fn dot(spec: &DotSpec, a: &Array, b: &Array, dt: Dt) -> Vec<Elem> {
    let acc = spec.acc;
    let (batch, m, k, n) = (a.dims[0], a.dims[1], a.dims[2], b.dims[2]);
    let left: Vec<Elem> = a.data.iter().map(|x| convert(acc, a.dt, *x)).collect();
    let right: Vec<Elem> = b.data.iter().map(|x| convert(acc, b.dt, *x)).collect();
    // The identity of a sum of floats is -0: the first product keeps its sign.
    let identity = if acc.part().is_float() { [op(Op::Neg, acc.part(), 0, 0); 2] } else { [0; 2] };
    let mut data = Vec::with_capacity(batch * m * n);
    for e in 0..batch * m * n {
        let (t, i, j) = (e / n / m, e / n % m, e % n);
        let pair = |q| (left[(t * m + i) * k + q], right[(t * k + q) * n + j]);
        let step = |s, q| multiply_add(acc, pair(q).0, pair(q).1, s);
        let sum = match spec.order {
            DotOrder::Tree => {
                tree(k, lanes(acc.size()), 0, |lane, q| step(lane.unwrap_or(identity), q), join_sums(acc))
            }
            DotOrder::Chain => Some(chain(acc, k, pair)),
        };
        data.push(convert(dt, acc, sum.unwrap_or([0; 2])));
    }
    data
}

/// How two sums of products are added.
fn join_sums(acc: Dt) -> impl Fn(Elem, Elem) -> Elem {
    move |a, b| combine(if acc == Dt::Bool { Fold::Or } else { Fold::Sum }, acc, a, b)
}

/// The sum of the products of `k` pairs, in the order of a chain.
pub(super) fn chain(acc: Dt, k: usize, pair: impl Fn(usize) -> (Elem, Elem)) -> Elem {
    let join = join_sums(acc);
    let step = |s, q| multiply_add(acc, pair(q).0, pair(q).1, s);
    let mut supers = Vec::new();
    for first in (0..k).step_by(SUPER_CHUNK) {
        let mut total = None;
        for start in (first..k.min(first + SUPER_CHUNK)).step_by(CHUNK) {
            let s = (start..k.min(start + CHUNK)).fold([0; 2], step);
            total = Some(total.map_or(s, |t| join(t, s)));
        }
        supers.extend(total);
    }
    pairs(supers, join).unwrap_or([0; 2])
}
