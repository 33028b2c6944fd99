//! Random maps.

use super::{Fuzz, values};
use crate::{Body, Dt, Kind, M, Op, Part, Ty, Use};
use std::sync::Arc;

/// How many sums an elementary function costs, one element at a time.
const MATH: usize = 40;

/// Operations with operands and result of one type.
const PLAIN: [Op; 28] = [
    Op::Neg,
    Op::Abs,
    Op::Sign,
    Op::Floor,
    Op::Ceil,
    Op::RoundEven,
    Op::RoundAway,
    Op::Trunc,
    Op::Sqrt,
    Op::Not,
    Op::PopCount,
    Op::Clz,
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Div,
    Op::Rem,
    Op::Max,
    Op::Min,
    Op::And,
    Op::Or,
    Op::Xor,
    Op::Shl,
    Op::Shr,
    Op::ShrLogical,
    Op::NextAfter,
    Op::MulAdd,
    Op::Select,
];

impl Fuzz {
    /// A map with several operands and results.
    pub(super) fn map(&mut self) {
        let dims = self.some_dims();
        let mut body = Body::default();
        let mut uses: Vec<Use> = vec![];
        for _ in 0..self.r.pick(&[0, 1, 1, 1, 2, 2, 2, 3, 3, 4]) {
            let dt = self.dt();
            let u = self.operand(dt, &dims);
            let parts: &[Part] = match dt.is_complex() {
                true => self.r.pick(&[&[Part::Re, Part::Im][..], &[Part::Im][..]]),
                false => &[Part::Whole],
            };
            for part in parts {
                body.input(uses.len() as u32, dt.part());
                uses.push(Use { part: *part, ..u });
            }
        }
        if uses.is_empty() || self.r.once_in(8) {
            let dt = self.dt();
            self.constant(&mut body, dt.part());
        }
        if !dims.is_empty() && self.r.once_in(4) {
            let dt = self.dt_where(|dt| dt.is_int());
            body.index(self.r.below(dims.len()) as u32, dt);
        }
        let size = dims.iter().product::<usize>();
        let most = 1 + self.r.below(8);
        let mut cost = 0;
        for _ in 0..most {
            if size * cost <= self.left {
                self.instruction(&mut body, size);
                cost = body.ops.iter().map(|s| if matches!(s.op, Op::Math(_)) { MATH } else { 1 }).sum();
            }
        }
        self.spend(size * cost);
        let mut results = vec![];
        for _ in 0..self.r.pick(&[1, 1, 1, 2, 3]) {
            // More often a late instruction; a complex number if there are two of the type.
            let n = body.ops.len();
            let out = (n - 1 - self.r.below(n).min(self.r.below(n))) as u32;
            let dt = body.dt(out);
            let whole = match dt {
                Dt::F32 => Dt::C64,
                Dt::F64 => Dt::C128,
                dt => dt,
            };
            body.outs.push(out);
            if whole != dt && (self.types.contains(&whole) || self.r.once_in(8)) {
                let im = self.like(&mut body, out);
                body.outs.push(im);
                results.push(Ty::new(whole, &dims));
            } else {
                results.push(Ty::new(dt, &dims));
            }
        }
        self.spend(size * results.len());
        self.p.push(Kind::Map(Arc::new(body)), &uses, &results);
    }
    fn constant(&mut self, body: &mut Body, dt: Dt) -> u32 {
        let bits = values::element(&mut self.r, dt, self.mood)[0];
        body.bits(dt, bits)
    }
    /// Any instruction so far.
    fn any(&mut self, body: &Body) -> u32 {
        let n = body.ops.len();
        (n - 1 - self.r.below(n).min(self.r.below(n))) as u32
    }
    /// An instruction of the same type as `a`: another one if there is one, or a constant, or itself.
    fn like(&mut self, body: &mut Body, a: u32) -> u32 {
        let dt = body.dt(a);
        let others: Vec<u32> = (0..body.ops.len() as u32).filter(|b| body.dt(*b) == dt).collect();
        if others.len() == 1 && !self.r.once_in(3) || self.r.once_in(8) {
            return self.constant(body, dt);
        }
        self.r.pick(&others)
    }
    /// Appends an instruction that something so far can be the operand of, in a map of `size` elements.
    fn instruction(&mut self, body: &mut Body, size: usize) {
        let a = self.any(body);
        let dt = body.dt(a);
        match self.r.below(12) {
            0 => {
                let op = self.r.pick(&[Op::Eq, Op::Ne, Op::Lt, Op::Le]);
                let b = self.like(body, a);
                body.cmp(op, a, b);
            }
            1 | 2 => {
                let to = if self.r.once_in(2) { self.dt().part() } else { self.r.pick(&Dt::ALL).part() };
                body.un(Op::Cast, to, a);
            }
            3 => self.bitcast(body, a),
            4 | 5 if dt.is_float() && size * MATH <= self.left => {
                let m = self.r.pick(&M::ALL);
                let b = if m.arity() == 2 { self.like(body, a) } else { 0 };
                body.bin(Op::Math(m), dt, a, b);
            }
            _ => {
                let ops: Vec<Op> = PLAIN.into_iter().filter(|op| op.takes(dt, dt)).collect();
                let op = self.r.pick(&ops);
                let b = if op.arity() > 1 { self.like(body, a) } else { 0 };
                if op == Op::Select {
                    let c = self.like(body, a);
                    let p = body.cmp(Op::Lt, a, c);
                    body.select(dt, p, a, b);
                } else {
                    let c = if op.arity() > 2 { self.like(body, a) } else { 0 };
                    body.push(op, dt, a, b, c);
                }
            }
        }
    }
    /// The bits of `a` as another type. NaNs are replaced first, because their bits are not defined.
    fn bitcast(&mut self, body: &mut Body, mut a: u32) {
        let dt = body.dt(a);
        if dt.is_float() {
            let number = body.cmp(Op::Eq, a, a);
            let zero = body.num(dt, 0.0);
            a = body.select(dt, number, a, zero);
        }
        let to: Vec<Dt> = Dt::ALL.into_iter().filter(|to| Op::Bitcast.takes(dt, *to)).collect();
        let to = self.r.pick(&to);
        body.un(Op::Bitcast, to, a);
    }
}
