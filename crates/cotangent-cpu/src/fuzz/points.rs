//! Random programs on many small things beside each other, as points with coordinates and small matrices are: single coordinates of all of them, what is made of these put together
//! again, something for each coordinate that is the same for all points, products with small matrices.

use super::Fuzz;
use crate::{DotSpec, Dt, Fold, Kind, Op, Ty, Use, ValId, View};

impl Fuzz {
    pub fn points(&mut self) {
        let c = self.r.pick(&[1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 12, 13, 17]);
        let n = self.r.pick(&[1, 15, 16, 31, 33, 40, 64, 200, 600, 1030]);
        let dt = self.r.pick(&[Dt::F32, Dt::F32, Dt::F32, Dt::F64, Dt::I32, Dt::F16, Dt::U8]);
        let (ty, one) = (Ty::new(dt, &[n, c]), Ty::new(dt, &[n]));
        if 40 * ty.len() > self.left {
            return self.node();
        }
        self.spend(15 * ty.len());
        let mut last = self.arg(dt, &ty.dims);
        for _ in 0..2 + self.r.below(4) {
            match self.r.below(5) {
                0 | 1 => {
                    // some of what one can make of the coordinates, in columns
                    let columns: Vec<ValId> = (0..c).map(|_| self.coordinates(last, &one, c)).collect();
                    let uses: Vec<Use> = columns.into_iter().map(|x| self.column(x, n)).collect();
                    last = self.p.push(Kind::Concat { dim: 1 }, &uses, std::slice::from_ref(&ty))
                }
                2 => {
                    // the same for all points, or for all coordinates of a point
                    let (dims, strides): (_, &[i64]) =
                        if self.r.once_in(2) { ([c].to_vec(), &[0, 1]) } else { ([n].to_vec(), &[1, 0]) };
                    let other = self.arg(dt, &dims);
                    let view = View { strides: strides.iter().copied().collect(), ..View::splat(&ty.dims) };
                    let other = self.p.through(other, view);
                    let op = self.r.pick(&[Op::Add, Op::Sub, Op::Mul]);
                    last = self.simple(op, &ty, &[Use::plain(last), other])
                }
                3 => {
                    // a matrix for each point, in rows or in columns
                    let matrices = self.arg(dt, &[n, c, c]);
                    let size = (c * c) as i64;
                    let (row, col) = if self.r.once_in(2) { (c as i64, 1) } else { (1, c as i64) };
                    let view = View { strides: [size, row, col].into_iter().collect(), ..View::splat(&[n, c, c]) };
                    self.spend(n * c * c);
                    let left = self.p.through(matrices, view);
                    let k = if self.r.once_in(2) { 1 } else { c };
                    let (spec, of) = (DotSpec::for_sizes(k, c, dt.acc()), Ty::new(dt, &[n, c, k]));
                    let strides = [c as i64, 1, 0].into_iter().collect();
                    let right = self.p.through(last, View { strides, ..View::splat(&[n, c, k]) });
                    let made = self.p.push(Kind::Dot(spec), &[left, right], std::slice::from_ref(&of));
                    // one of the columns
                    let offset = self.r.below(k) as i64;
                    let strides = [(c * k) as i64, k as i64].into_iter().collect();
                    let seen = self.p.through(made, View { offset, strides, ..View::splat(&ty.dims) });
                    last = self.simple(Op::Sub, &ty, &[seen, Use::plain(last)])
                }
                _ => {
                    let op = self.r.pick(&[Fold::Sum, Fold::Max]);
                    let (first, of) = if self.r.once_in(2) { (1, &one.dims[..]) } else { (0, &ty.dims[1..]) };
                    let of = Ty::new(dt, of);
                    let made = self.p.push(Kind::Reduce { op, first, count: 1 }, &[Use::plain(last)], &[of]);
                    let strides = if first == 1 { [1, 0] } else { [0, 1] }.into_iter().collect();
                    let seen = self.p.through(made, View { strides, ..View::splat(&ty.dims) });
                    last = self.simple(Op::Sub, &ty, &[Use::plain(last), seen])
                }
            }
        }
    }
    /// Something made of one or two coordinates of all points.
    fn coordinates(&mut self, points: ValId, one: &Ty, c: usize) -> ValId {
        let n = one.dims[0];
        let uses = [0, 1].map(|_| {
            let backwards = self.r.once_in(8);
            let (first, stride) = if backwards { ((n - 1) * c, -(c as i64)) } else { (0, c as i64) };
            let offset = (first + self.r.below(c)) as i64;
            self.p.through(points, View { offset, strides: [stride].into_iter().collect(), ..View::splat(&[n]) })
        });
        let op = self.r.pick(&[Op::Add, Op::Sub, Op::Mul]);
        self.simple(op, one, &uses)
    }
    /// As a column, which stands beside others.
    fn column(&mut self, x: ValId, n: usize) -> Use {
        self.p.through(x, View { strides: [1, 0].into_iter().collect(), ..View::splat(&[n, 1]) })
    }
}
