//! Random chains of maps and folds over the rows of an array, as softmaxes and normalizations are, and folds down its columns: what becomes machine code for a row. Rows with frames.

use super::Fuzz;
use crate::{Body, Dt, Fold, Guard, Kind, M, Op, Ty, Use, ValId, View};

impl Fuzz {
    /// A chain over the rows of `[a, b, n]`: maps with columns, masks and what is one for a row, folds, and maps of what they give.
    pub fn rows(&mut self) {
        let n = self.r.pick(&[9, 12, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 72, 100, 128, 130, 200]);
        let (a, b) = (1 + self.r.below(3), self.r.pick(&[1, 2, 3, 5, 8, 9, 16, 40, 70, 140]));
        let dt = self.r.pick(&[Dt::F32, Dt::F32, Dt::F32, Dt::F64, Dt::I32, Dt::U64, Dt::F16]);
        let (ty, one) = (Ty::new(dt, &[a, b, n]), Ty::new(dt, &[a, b]));
        if 40 * ty.len() > self.left {
            return self.node();
        }
        self.spend(10 * ty.len());
        let mut x = self.arg(dt, &ty.dims);
        let (mut last, mut row): (ValId, Option<ValId>) = (x, None);
        for _ in 0..3 + self.r.below(6) {
            match self.r.below(8) {
                0 | 1 => {
                    let op = self.r.pick(&[Fold::Sum, Fold::Sum, Fold::Max, Fold::Min, Fold::Prod]);
                    let from = if self.r.once_in(4) { x } else { last };
                    let fold = Kind::Reduce { op, first: 2, count: 1 };
                    row = Some(self.p.push(fold, &[Use::plain(from)], std::slice::from_ref(&one)))
                }
                2 if let Some(r) = row => {
                    let op = self.r.pick(&[Op::Neg, Op::Abs, Op::Sign]);
                    row = Some(self.simple(op, &one, &[Use::plain(r)]))
                }
                3 if dt.is_float() => {
                    let math = self.r.pick(&[M::Exp, M::Tanh, M::Log1p, M::Sin]);
                    last = self.simple(Op::Math(math), &ty, &[Use::plain(last)])
                }
                4 => {
                    // a column, or rows that come again
                    let dims: &[usize] = if self.r.once_in(2) { &[n] } else { &[b, n] };
                    let strides = [0, if dims.len() > 1 { n as i64 } else { 0 }, 1];
                    let other = self.arg(dt, dims);
                    let view = View { strides: strides.into_iter().collect(), ..View::splat(&ty.dims) };
                    let other = self.p.through(other, view);
                    let op = self.r.pick(&[Op::Add, Op::Mul, Op::Max]);
                    last = self.simple(op, &ty, &[Use::plain(last), other])
                }
                5 => last = self.simple(Op::Sub, &ty, &[Use::plain(last), Use::plain(x)]),
                6 => {
                    // down the columns of each array, or of all of them, or over the arrays
                    let (first, count) = self.r.pick(&[(0, 2), (1, 1), (1, 1), (0, 1)]);
                    let of = [&ty.dims[..first as usize], &ty.dims[(first + count) as usize..]].concat();
                    let op = self.r.pick(&[Fold::Sum, Fold::Sum, Fold::Max, Fold::Min, Fold::Prod]);
                    self.p.push(Kind::Reduce { op, first, count }, &[Use::plain(last)], &[Ty::new(dt, &of)]);
                }
                _ => {
                    let Some(r) = row else { continue };
                    let wide = View { strides: [b as i64, 1, 0].into_iter().collect(), ..View::splat(&ty.dims) };
                    let wide = self.p.through(r, wide);
                    let op = self.r.pick(&[Op::Sub, Op::Mul, Op::Add, Op::Min]);
                    let from = if self.r.once_in(4) { x } else { last };
                    last = self.simple(op, &ty, &[Use::plain(from), wide]);
                    if self.r.once_in(6) {
                        x = last
                    }
                }
            }
        }
    }
    /// Folds of long rows, of products of columns with rows and of what there is: they run block by block.
    pub fn blocks(&mut self) {
        let (a, m, n) =
            (1 + self.r.below(3), self.r.pick(&[5, 9, 16, 18, 33, 40]), self.r.pick(&[64, 100, 128, 256, 512]));
        let dt = self.r.pick(&[Dt::F32, Dt::F32, Dt::F64, Dt::I32]);
        let ty = Ty::new(dt, &[a, m, n]);
        if 8 * ty.len() > self.left {
            return self.node();
        }
        self.spend(4 * ty.len());
        let (column, row) = (self.arg(dt, &[a, m]), self.arg(dt, &[a, n]));
        let seen = |strides: [i64; 3]| View { strides: strides.into_iter().collect(), ..View::splat(&ty.dims) };
        let uses = [self.p.through(column, seen([m as i64, 1, 0])), self.p.through(row, seen([n as i64, 0, 1]))];
        let mut x = self.simple(Op::Mul, &ty, &uses);
        if self.r.once_in(2) {
            let other = self.arg(dt, &ty.dims);
            let op = self.r.pick(&[Op::Add, Op::Sub]);
            x = self.simple(op, &ty, &[Use::plain(x), Use::plain(other)])
        }
        if dt.is_float() && self.r.once_in(3) {
            x = self.simple(Op::Math(M::Sin), &ty, &[Use::plain(x)])
        }
        for _ in 0..1 + self.r.below(2) {
            let y = if self.r.once_in(3) { x } else { self.simple(Op::Mul, &ty, &[Use::plain(x), Use::plain(x)]) };
            let op = self.r.pick(&[Fold::Sum, Fold::Sum, Fold::Max, Fold::Min]);
            let (first, of) = if self.r.once_in(3) { (0, Ty::new(dt, &[])) } else { (1, Ty::new(dt, &[a])) };
            let made =
                self.p.push(Kind::Reduce { op, first, count: 3 - first }, &[Use::plain(y)], std::slice::from_ref(&of));
            if self.r.once_in(2) {
                // and something with what they are
                let seen = self.p.through(made, seen([first as i64, 0, 0]));
                let op = self.r.pick(&[Op::Sub, Op::Mul, Op::Max]);
                x = self.simple(op, &ty, &[Use::plain(x), seen])
            }
        }
    }
    /// Long rows with something around them, shifted against each other, and beside each other: runs of elements between guards, and pieces that are made in the rows of a larger value.
    pub fn framed(&mut self) {
        let (m, n) = (self.r.pick(&[1, 2, 5, 9]), self.r.pick(&[128, 129, 160, 200, 256]));
        let dt = self.r.pick(&[Dt::F32, Dt::F32, Dt::F32, Dt::F64, Dt::I32, Dt::F16, Dt::U8]);
        let (ty, two) = (Ty::new(dt, &[m, n]), Ty::new(dt, &[m, 2 * n]));
        if 40 * ty.len() > self.left {
            return self.node();
        }
        self.spend(15 * ty.len());
        let x = self.arg(dt, &ty.dims);
        let mut last = x;
        for _ in 0..2 + self.r.below(5) {
            let from = if self.r.once_in(3) { x } else { last };
            let op = self.r.pick(&[Op::Add, Op::Sub, Op::Max]);
            last = match self.r.below(8) {
                6 | 7 => {
                    let around = self.around(from, &ty);
                    self.simple(op, &ty, &[Use::plain(last), Use::plain(around)])
                }
                5 => {
                    // what comes of something, moved in two ways, as a derivative of differences is
                    let simple = [Op::Add, Op::Sub, Op::Mul];
                    let mut made = [x; 2];
                    for k in 0..2 {
                        let op = self.r.pick(&simple);
                        let y = if k == 1 && self.r.once_in(2) { made[0] } else { from };
                        made[k] = self.simple(op, &ty, &[Use::plain(y), Use::plain(x)]);
                    }
                    let moved = made.map(|y| {
                        let view = View { fill: [0, 0], ..self.frame(&ty) };
                        Use::plain(self.p.view(y, view))
                    });
                    self.simple(Op::Sub, &ty, &moved)
                }
                0 | 1 => {
                    let view = self.frame(&ty);
                    let shifted = self.p.through(from, view);
                    self.simple(op, &ty, &[Use::plain(last), shifted])
                }
                2 => {
                    let view = self.frame(&ty);
                    let holds = View { guards: view.guards.clone(), ..View::splat(&ty.dims) };
                    let (yes, around) = (self.p.constant(Dt::Bool, [1, 0]), self.p.constant(dt, [3, 0]));
                    let around = self.p.through(around, View::splat(&ty.dims));
                    let (holds, inside) = (self.p.view(yes, holds), self.p.view(from, view));
                    let mut b = Body::default();
                    let [p, x, z] = [b.input(0, Dt::Bool), b.input(1, dt), b.input(2, dt)];
                    let y = b.select(dt, p, x, z);
                    b.outs.push(y);
                    let uses = [Use::plain(holds), Use::plain(inside), around];
                    self.p.push(Kind::Map(b.into()), &uses, std::slice::from_ref(&ty))
                }
                3 => {
                    // a triangle
                    let mut b = Body::default();
                    let [x, y] = [b.input(0, dt), b.input(1, dt)];
                    let int = self.r.pick(&[Dt::I32, Dt::I64, Dt::U8]);
                    let [i, j] = [0, 1].map(|d| b.index(d, int));
                    let p = b.bin(Op::Le, Dt::Bool, i, j);
                    let y = b.select(dt, p, x, y);
                    b.outs.push(y);
                    self.p.push(Kind::Map(b.into()), &[last, from].map(Use::plain), std::slice::from_ref(&ty))
                }
                _ => {
                    let a = self.simple(op, &ty, &[Use::plain(last), Use::plain(x)]);
                    let b = self.simple(Op::Min, &ty, &[Use::plain(from), Use::plain(x)]);
                    let uses = if self.r.once_in(2) { [a, b] } else { [b, a] }.map(Use::plain);
                    let both = self.p.push(Kind::Concat { dim: 1 }, &uses, std::slice::from_ref(&two));
                    let offset = self.r.below(n + 1) as i64;
                    let strides = [2 * n as i64, 1].into_iter().collect();
                    let view = View { offset, strides, ..View::splat(&ty.dims) };
                    let seen = self.p.through(both, view);
                    let other = if self.r.once_in(2) { a } else { x };
                    self.simple(op, &ty, &[seen, Use::plain(other)])
                }
            }
        }
    }
    /// A matrix of which one end came to the other: a view, or two pieces.
    fn around(&mut self, from: ValId, ty: &Ty) -> ValId {
        let dim = self.r.below(2);
        let n = ty.dims[dim];
        let any = self.r.below(n);
        let by = self.r.pick(&[0, 1, 1, n / 2, n - 1, any]);
        if by == 0 || by == n || self.r.once_in(2) {
            let lo = by as i64 - self.r.pick(&[0, n as i64]);
            let guard = Guard { dim: dim as u32, lo, hi: lo + n as i64, step: Guard::AROUND };
            return self.p.view(from, View { guards: [guard].into_iter().collect(), ..View::identity(&ty.dims) });
        }
        let pieces = [(n - by, by), (0, n - by)].map(|(first, count)| {
            let mut view = View::identity(&ty.dims);
            view.dims[dim] = count;
            view.offset = first as i64 * view.strides[dim];
            Use::plain(self.p.view(from, view))
        });
        self.p.push(Kind::Concat { dim: dim as u32 }, &pieces, std::slice::from_ref(ty))
    }
    /// A view of all of a matrix, shifted along one dimension or both, with something where there is nothing.
    fn frame(&mut self, ty: &Ty) -> View {
        let mut view = View { fill: [self.r.pick(&[0, 1]), 0], ..View::identity(&ty.dims) };
        let which = self.r.below(3);
        for dim in (0..2).filter(|d| which == 2 || which == *d) {
            let lo = self.r.below(7) as i64 - 3;
            view.guards.push(Guard { dim: dim as u32, lo, hi: lo + ty.dims[dim] as i64, step: 1 })
        }
        view
    }
}
