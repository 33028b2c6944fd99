//! Steps that put lines in order, and how they are built.

use super::access::Access;
use super::build::{Builder, Place};
use super::run::{Copy, Frame, Step};
use crate::sort::{self, Wanted};
use crate::{Node, Part, Ty, View, row_major};

/// Lines of several operands, sorted.
pub struct Sort {
    /// Dense lines one behind the other.
    pub from: Vec<(Place, isize)>,
    /// The results that somebody reads, by number.
    pub to: Vec<(usize, Place)>,
    pub lines: usize,
    pub sort: sort::Sort,
}
impl Sort {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        let from: Vec<*const u8> = self.from.iter().map(|x| frame.spot(*x).cast_const()).collect();
        let to: Vec<Wanted> =
            self.to.iter().map(|(operand, to)| Wanted { operand: *operand, to: frame.at(*to) }).collect();
        // SAFETY: operands and results have these lines.
        unsafe { self.sort.run(self.lines, &from, &to) }
    }
}

/// The greatest elements of lines.
pub struct Top {
    pub from: (Place, isize),
    pub values: Place,
    pub indices: Place,
    pub lines: usize,
    pub top: sort::Top,
}
impl Top {
    /// # Safety
    /// The frame belongs to the program that the step was built from.
    pub unsafe fn run(&self, frame: &Frame) {
        // SAFETY: operand and results have these lines.
        unsafe { self.top.run(self.lines, frame.spot(self.from), frame.at(self.values), frame.at(self.indices)) }
    }
}

/// A view whose last dimension is what was dimension `d`.
fn last(mut view: View, d: usize) -> View {
    let end = view.dims.len();
    view.dims[d..].rotate_left(1);
    view.strides[d..].rotate_left(1);
    for g in &mut view.guards {
        g.dim = match g.dim as usize {
            e if e == d => end as u32 - 1,
            e if e > d => g.dim - 1,
            _ => g.dim,
        };
    }
    view.guards.sort_by_key(|g| g.dim);
    view
}

impl Builder<'_> {
    /// An operand as dense lines along `d`.
    fn lines(&mut self, u: usize, d: usize) -> (Place, isize) {
        let (from, view) = self.viewed(u);
        if view.dims[d + 1..].iter().all(|n| *n == 1) {
            return self.dense(u);
        }
        let dt = self.p.ty(self.plan.sources[u].val).dt;
        (self.dense_copy((from, last(view, d)), dt), 0)
    }
    /// Where lines along `d` of a result are made: in its own place or, if that has them side by side, in another, from where they
    /// are brought there.
    fn made(&mut self, ty: &Ty, d: usize) -> (Place, Place) {
        let to = self.take(ty);
        (if ty.dims[d + 1..].iter().all(|n| *n == 1) { to } else { self.temp(ty) }, to)
    }
    fn brought(&mut self, (from, to): (Place, Place), ty: &Ty, d: usize) {
        if from == to {
            return;
        }
        // The memory has the dimensions of `ty` with `d` last.
        let mut dims = ty.dims.clone();
        dims[d..].rotate_left(1);
        let mut strides = row_major(&dims);
        strides[d..].rotate_right(1);
        let view = View { dims: ty.dims.clone(), strides, ..View::splat(&[]) };
        self.emit(Step::Copy(Box::new(Copy { from, to, access: Access::new(&view, ty.dt, Part::Whole) })));
    }

    pub fn sort(&mut self, node: &Node, d: usize, keys: usize) {
        let types: Vec<_> = self.uses(node).map(|u| self.p.ty(self.plan.sources[u].val).dt).collect();
        let wanted: Vec<usize> = (0..types.len()).filter(|k| self.last[node.vals.0 as usize + k] != u32::MAX).collect();
        let first = node.uses.0 as usize;
        let from = (0..types.len())
            .map(|k| match k < keys || wanted.contains(&k) {
                true => self.lines(first + k, d),
                false => (self.place_of(first + k), 0),
            })
            .collect();
        let ty = |b: &Self, k: usize| b.p.vals[node.vals.0 as usize + k].ty.clone();
        let mut to = Vec::new();
        let mut places = Vec::new();
        for k in wanted {
            let made = self.made(&ty(self, k), d);
            to.push((k, made.0));
            places.push((k, made));
        }
        let dims = ty(self, 0).dims;
        let lines = dims.iter().product::<usize>() / dims[d].max(1);
        let sort = sort::Sort::new(self.isa, &types, keys, dims[d]);
        self.emit(Step::Sort(Box::new(Sort { from, to, lines, sort })));
        for (k, made) in places {
            self.brought(made, &ty(self, k), d);
            self.place[node.vals.0 as usize + k] = Some(made.1);
        }
    }

    pub fn top(&mut self, node: &Node, d: usize) {
        let u = node.uses.0 as usize;
        let dt = self.p.ty(self.plan.sources[u].val).dt;
        let n = self.p.dims_of(&self.p.uses[u])[d];
        let from = self.lines(u, d);
        let types = [0, 1].map(|k| self.p.vals[node.vals.0 as usize + k].ty.clone());
        let made = types.each_ref().map(|ty| self.made(ty, d));
        let k = types[0].dims[d];
        let lines = types[0].len() / k.max(1);
        let top = sort::Top::new(self.isa, dt, n, k, types[1].dt.size());
        self.emit(Step::Top(Box::new(Top { from, values: made[0].0, indices: made[1].0, lines, top })));
        for (k, made) in made.into_iter().enumerate() {
            self.brought(made, &types[k], d);
            let v = node.vals.0 as usize + k;
            match (self.last[v], made.1) {
                // Nobody reads it.
                (u32::MAX, Place::Slot(s)) => self.drop_after(s),
                _ => self.place[v] = Some(made.1),
            }
        }
    }
}
