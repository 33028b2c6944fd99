//! Building of the steps whose places depend on values, and of products.

use super::access::{Access, Axes, Form};
use super::build::{Builder, Place, travels_as_bits};
use super::index::{Concat, Gather, Scatter, Slice, Start, Update, Windows};
use super::library::LibStep;
use super::run::Step;
use super::{fold, line};
use crate::isa::Isa;
use crate::{Bounds, Dims, Dt, Fold, GatherSpec, Kind, Lib, Node, Part, Put, ScatterSpec, Ty, ValId, View, row_major};
use smallvec::SmallVec;

/// A product.
pub struct Product {
    pub spec: crate::DotSpec,
    pub src: Dt,
    pub out: Dt,
    /// batch, m, n, k
    pub sizes: [usize; 4],
    /// Places, bytes to the first element, and strides in elements.
    pub a: (Place, isize, [isize; 3]),
    pub b: (Place, isize, [isize; 3]),
    /// How many matrices of each operand lie evenly, and elements from so many to the next so many.
    pub even: [(usize, isize); 2],
    pub to: Place,
    /// Is it added to what is there?
    pub onto: bool,
}

impl Builder<'_> {
    /// A node that is no map.
    pub fn other(&mut self, node: &Node, g: u32) {
        for u in self.uses(node) {
            self.settle(self.plan.sources[u].val);
        }
        if let Kind::Lib(lib) = &node.kind {
            return self.library(node, lib, g);
        }
        let v = node.vals.0 as usize;
        let ty = self.p.vals[v].ty.clone();
        let u = node.uses.0 as usize;
        let to = match &node.kind {
            Kind::View => {
                let to = self.take(&ty);
                self.copy_to(self.viewed(u), ty.dt, to);
                to
            }
            Kind::Reduce { op, first, count } => self.reduce(u, v, *op, *first as usize, *count as usize),
            Kind::Prefix { op, dim, reverse } => self.prefix(u, &ty, *op, *dim as usize, *reverse),
            Kind::ArgReduce { max, dim } => self.extreme(u, &ty, *max, *dim as usize),
            Kind::DynSlice => self.slice(node, &ty),
            Kind::Update => self.update(node, &ty, g),
            Kind::Concat { dim } => self.concat(node, &ty, *dim as usize),
            Kind::Gather(spec) => self.gather(u, &ty, spec),
            Kind::Scatter(spec) => self.scatter(node, &ty, spec, g),
            Kind::Dot(spec) => self.product(node, *spec, g),
            Kind::Sort { dim, keys } => return self.sort(node, *dim as usize, *keys as usize),
            Kind::Top { dim } => return self.top(node, *dim as usize),
            Kind::Conv(spec) => self.conv(u, &ty, spec),
            Kind::Window { op, slides } => self.window(u, &ty, *op, slides),
            Kind::WindowPick { max, slides } => self.pick(u, &ty, *max, slides),
            Kind::WindowPut { max, slides } => self.put(u, &ty, *max, slides),
            Kind::Map(_) | Kind::Lib(_) | Kind::Arg(_) | Kind::Const(_) => unreachable!("built elsewhere"),
        };
        self.place[v] = Some(to);
    }

    /// Makes the truth values of an argument 0 or 1: whoever passes it may have put any bytes there. (Maps do it as they read.)
    fn settle(&mut self, val: ValId) {
        let ty = self.p.ty(val).clone();
        if let (Dt::Bool, place @ Place::Arg(_)) = (ty.dt, self.place[val as usize].expect("an operand has a place")) {
            let to = self.take(&ty);
            self.convert((place, View::identity(&ty.dims)), Dt::Bool, Dt::Bool, to);
            self.place[val as usize] = Some(to);
        }
    }

    /// Outer, folded and inner elements of a dimension.
    fn around(dims: &[usize], d: usize) -> [usize; 3] {
        [dims[..d].iter().product(), dims[d], dims[d + 1..].iter().product()]
    }

    /// An operand as dense memory of type `to` (its own, or that of its sums).
    pub fn dense_as(&mut self, u: usize, to: Dt) -> (Place, isize) {
        let dt = self.p.ty(self.plan.sources[u].val).dt;
        if dt == to {
            return self.dense(u);
        }
        (self.converted(self.viewed(u), dt, to), 0)
    }

    fn prefix(&mut self, u: usize, ty: &Ty, op: Fold, dim: usize, reverse: bool) -> Place {
        let acc = ty.dt.acc();
        let from = self.dense_as(u, acc);
        let to = self.take(ty);
        let sums = if acc == ty.dt { to } else { self.temp(&Ty { dt: acc, dims: ty.dims.clone() }) };
        let mut step = line::Prefix::new(self.isa, op, acc, Self::around(&ty.dims, dim), reverse);
        (step.from, step.to) = (from, sums);
        self.emit(Step::Prefix(Box::new(step)));
        if acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), acc, ty.dt, to);
        }
        to
    }

    fn extreme(&mut self, u: usize, ty: &Ty, max: bool, dim: usize) -> Place {
        let dt = self.p.ty(self.plan.sources[u].val).dt.acc();
        let around = Self::around(self.p.dims_of(&self.p.uses[u]), dim);
        let from = self.dense_as(u, dt);
        let to = self.take(ty);
        let mut step = line::Extreme::new(self.isa, max, dt, ty.dt, around);
        (step.from, step.to) = (from, to);
        self.emit(Step::Extreme(Box::new(step)));
        to
    }

    /// Start indices: the operands from `first` on, for a piece of these extents in a whole with these strides in bytes.
    fn starts(
        &mut self,
        first: usize,
        piece: &[usize],
        whole: &[usize],
        strides: impl Fn(usize) -> isize,
    ) -> SmallVec<[Start; 4]> {
        (0..piece.len())
            .map(|d| {
                let (place, offset) = self.dense(first + d);
                let dt = self.p.ty(self.plan.sources[first + d].val).dt;
                Start { place, offset, dt, last: (whole[d] - piece[d]) as i64, stride: strides(d) }
            })
            .collect()
    }

    fn slice(&mut self, node: &Node, ty: &Ty) -> Place {
        let u = node.uses.0 as usize;
        let whole = self.p.dims_of(&self.p.uses[u]).clone();
        let (from, mut view) = self.unguarded(u);
        let size = ty.dt.size();
        let strides = view.strides.clone();
        let starts = self.starts(u + 1, &ty.dims, &whole, |d| bytes(strides[d], size));
        view.dims = ty.dims.clone();
        let to = self.take(ty);
        self.emit(Step::Slice(Box::new(Slice { from, to, access: Access::new(&view, ty.dt, Part::Whole), starts })));
        to
    }

    /// An operand of a node, to be changed: its own memory if nobody else wants it, else a copy.
    fn base(&mut self, node: &Node, k: usize, ty: &Ty, g: u32) -> Place {
        let u = node.uses.0 as usize + k;
        let s = self.plan.sources[u];
        let place = self.place_of(u);
        let alone = self.uses(node).filter(|w| *w != u).all(|w| self.plan.sources[w].val != s.val);
        let ours = match place {
            Place::Slot(_) => true,
            Place::Arg(i) => self.owned.contains(&(i as usize)) && !travels_as_bits(ty),
            _ => false,
        };
        if s.view.is_none() && alone && self.last[s.val as usize] == g && ours {
            self.last[s.val as usize] = u32::MAX;
            if let Place::Arg(i) = place {
                self.written.push(i)
            }
            return place;
        }
        let given = if s.view.is_none() && alone && self.last[s.val as usize] == g { self.given(s.val) } else { None };
        let to = match given {
            Some(i) => self.take_over(i),
            None => self.take(ty),
        };
        self.copy_to(self.viewed(u), ty.dt, to);
        to
    }

    /// A routine of a library: dense operands, and memory for all results, also those that nobody reads.
    fn library(&mut self, node: &Node, lib: &Lib, g: u32) {
        let types =
            |p: &crate::Program| -> Vec<Ty> { (0..node.vals.1).map(|k| p.ty(node.vals.0 + k).clone()).collect() };
        let tys = types(self.p);
        let over = lib.routine.in_place.then(|| self.base(node, 0, &tys[0], g));
        let ins = self.uses(node).skip(over.is_some() as usize).map(|u| self.dense(u)).collect();
        let mut outs: SmallVec<[(Place, usize); 4]> = SmallVec::new();
        for (k, ty) in tys.iter().enumerate() {
            let v = node.vals.0 as usize + k;
            let place = match over {
                Some(place) if k == 0 => place,
                _ if self.last[v] == u32::MAX => self.temp(ty),
                _ => self.take(ty),
            };
            self.place[v] = Some(place);
            outs.push((place, ty.bytes()));
        }
        let operands: Vec<Ty> = self
            .uses(node)
            .map(|u| Ty::new(self.p.ty(self.p.uses[u].val).dt, self.p.dims_of(&self.p.uses[u])))
            .collect();
        self.emit(Step::Lib(Box::new(LibStep::new(lib, &operands, &tys, ins, outs))));
    }

    fn update(&mut self, node: &Node, ty: &Ty, g: u32) -> Place {
        let u = node.uses.0 as usize;
        let (from, view) = self.viewed(u + 1);
        let size = ty.dt.size();
        let radix = row_major(&ty.dims);
        let piece = view.dims.clone();
        let starts = self.starts(u + 2, &piece, &ty.dims, |d| bytes(radix[d], size));
        let to = self.base(node, 0, ty, g);
        let (rows, row) = Update::rows(&piece, &ty.dims, size);
        let access = Access::new(&view, ty.dt, Part::Whole);
        self.emit(Step::Update(Box::new(Update { from, access, to, starts, rows, row })));
        to
    }

    fn concat(&mut self, node: &Node, ty: &Ty, dim: usize) -> Place {
        let to = self.whole(node.vals.0);
        let (mut pieces, mut at) = (vec![], 0);
        for u in self.uses(node) {
            let (place, view) = self.viewed(u);
            let row: usize = self.p.dims_of(&self.p.uses[u])[dim..].iter().product();
            // what lies there already is left alone
            let there = match (place, to) {
                (Place::Piece(s, b), Place::Slot(t)) => s == t && b as usize == at,
                _ => false,
            };
            if !there {
                let mut access = Access::new(&view, ty.dt, Part::Whole);
                if access.row().is_some_and(|(n, _)| row > 0 && n.is_multiple_of(row)) {
                    access.cut(row)
                }
                pieces.push((at, place, access, row))
            }
            at += row * ty.dt.size();
        }
        let outer = ty.dims[..dim].iter().product();
        self.emit(Step::Concat(Box::new(Concat { to, pieces, outer, row: at })));
        to
    }

    fn gather(&mut self, u: usize, ty: &Ty, spec: &GatherSpec) -> Place {
        let (from, view) = self.unguarded(u);
        let indices = self.dense(u + 1);
        let numbers = Numbers {
            window_dims: &spec.offset_dims,
            removed: &spec.collapsed_slice_dims,
            map: &spec.start_index_map,
            array_batching: &spec.operand_batching_dims,
            index_batching: &spec.start_indices_batching_dims,
        };
        let mut windows = numbers.windows(&view, &ty.dims, &spec.slice_sizes, ty.dt.size());
        windows.array = (from, bytes(view.offset, ty.dt.size()));
        windows.indices = indices;
        windows.index_dt = self.p.ty(self.plan.sources[u + 1].val).dt;
        windows.bounds = spec.bounds;
        windows.below = spec.below;
        windows.isa = self.isa;
        windows.collapse();
        let mut fill = spec.fill;
        if ty.dt == Dt::C64 {
            fill[0] |= fill[1] << 32;
        }
        let to = self.take(ty);
        self.emit(Step::Gather(Box::new(Gather { windows, to, fill })));
        to
    }

    fn scatter(&mut self, node: &Node, ty: &Ty, spec: &ScatterSpec, g: u32) -> Place {
        let u = node.uses.0 as usize;
        let indices = self.dense(u + 1);
        let updates = self.dense(u + 2);
        let update_dims = self.p.dims_of(&self.p.uses[u + 2]).clone();
        let to = self.base(node, 0, ty, g);
        let numbers = Numbers {
            window_dims: &spec.update_window_dims,
            removed: &spec.inserted_window_dims,
            map: &spec.scatter_dims_to_operand_dims,
            array_batching: &spec.operand_batching_dims,
            index_batching: &spec.scatter_indices_batching_dims,
        };
        let mut sizes: Dims = SmallVec::from_elem(1, ty.dims.len());
        for (d, w) in numbers.kept(ty.dims.len()).iter().zip(&spec.update_window_dims) {
            sizes[*d] = update_dims[*w];
        }
        let mut windows = numbers.windows(&View::identity(&ty.dims), &update_dims, &sizes, ty.dt.size());
        windows.array = (to, 0);
        windows.indices = indices;
        windows.index_dt = self.p.ty(self.plan.sources[u + 1].val).dt;
        windows.bounds = spec.bounds;
        windows.below = spec.below;
        windows.isa = self.isa;
        // Taken window by window, updates of one element keep their order if windows are the last dimensions, or if the place inside
        // a window says which of its elements it is.
        let batch = update_dims.len() - spec.update_window_dims.len();
        let last = spec.update_window_dims.iter().all(|d| *d >= batch);
        let apart = spec.scatter_dims_to_operand_dims.iter().all(|d| sizes[*d] == 1);
        let one_by_one = (!last && !apart).then(|| {
            let mut stride = (windows.parts.len() * windows.index_dt.size()) as isize;
            let mut dims: Axes<2> = SmallVec::from_elem((0, [0; 2]), update_dims.len());
            let (mut b, mut w) = (windows.batch.len(), windows.window.len());
            for d in (0..update_dims.len()).rev() {
                if spec.update_window_dims.contains(&d) {
                    w -= 1;
                    dims[d] = (update_dims[d], [0, windows.window[w].1[1]]);
                } else {
                    b -= 1;
                    dims[d] = (update_dims[d], [stride, windows.batch[b].1[1]]);
                    stride *= update_dims[d] as isize;
                }
            }
            dims
        });
        windows.collapse();
        let pairs = ty.dt.is_complex() && matches!(spec.put, Put::Add | Put::Sub);
        let put = fold::put_kernel(self.isa, spec.put, ty.dt);
        let pieces = if pairs { 2 } else { 1 };
        self.emit(Step::Scatter(Box::new(Scatter { windows, updates, put, pieces, one_by_one })));
        to
    }

    fn product(&mut self, node: &Node, spec: crate::DotSpec, g: u32) -> Place {
        let (u, v) = (node.uses.0 as usize, node.vals.0 as usize);
        let types = [0, 1].map(|k| self.p.ty(self.plan.sources[u + k].val).dt);
        let mut src = types[0];
        if types[0] != types[1] {
            src = spec.acc;
        }
        let dims = [0, 1].map(|k| self.p.dims_of(&self.p.uses[u + k]).clone());
        let mut sides = [0, 1].map(|k| (Place::Const(k), 0, [0; 3]));
        let mut even = [(dims[0][0].max(1), 0); 2];
        for k in 0..2 {
            let (place, view) = if types[k] == src {
                self.unguarded(u + k)
            } else {
                (self.converted(self.viewed(u + k), types[k], src), View::identity(&dims[k]))
            };
            // the batch may be two dimensions
            let mut s = &view.strides[..];
            if let [outer, within @ ..] = s
                && view.dims.len() > dims[k].len()
            {
                (even[k], s) = ((view.dims[1], *outer as isize), within)
            }
            // Strides that lead nowhere may be anything, and are left out.
            let empty = dims[k].contains(&0);
            let steps = [0, 1, 2].map(|d| if empty || dims[k][d] == 1 { 0 } else { s[d] as isize });
            sides[k] = (place, bytes(view.offset, src.size()), steps);
        }
        // what a third operand is, `onto` says
        let onto = node.uses.1 == 3;
        let ty = self.p.vals[v].ty.clone();
        let to = if onto { self.base(node, 2, &ty, g) } else { self.make(v) };
        let sizes = [dims[0][0], dims[0][1], dims[1][2], dims[0][2]];
        let product = Product { spec, src, out: ty.dt, sizes, a: sides[0], b: sides[1], even, to, onto };
        self.main(Step::Dot(Box::new(product)), sizes[0]);
        to
    }

    /// How an operand is read without guards: it is copied if its view has some.
    pub fn unguarded(&mut self, u: usize) -> (Place, View) {
        let (place, view) = self.viewed(u);
        if view.guards.is_empty() {
            return (place, view);
        }
        let s = self.plan.sources[u];
        (self.copy(s, self.p.ty(s.val).dt), View::identity(&view.dims))
    }

    /// An operand as dense memory, copied if it is not, with its offset in bytes.
    pub fn dense(&mut self, u: usize) -> (Place, isize) {
        let s = self.plan.sources[u];
        let dt = self.p.ty(s.val).dt;
        let place = self.place_of(u);
        let Some(v) = s.view else { return (place, 0) };
        let access = Access::new(&self.plan.views[v as usize], dt, Part::Whole);
        match access.form() {
            Form::Dense => (place, access.offset),
            Form::Splat if access.len == 1 => (place, access.offset),
            _ => (self.copy(s, dt), 0),
        }
    }
}

/// Elements as bytes. Of a view that reads nothing they may be anything, so they wrap.
pub fn bytes(x: i64, size: usize) -> isize {
    (x as isize).wrapping_mul(size as isize)
}

/// The dimension numbers of a gather or a scatter, under the names of neither.
struct Numbers<'a> {
    window_dims: &'a [usize],
    removed: &'a [usize],
    map: &'a [usize],
    array_batching: &'a [usize],
    index_batching: &'a [usize],
}
impl Numbers<'_> {
    /// The dimensions of the array that a window has.
    fn kept(&self, rank: usize) -> SmallVec<[usize; 6]> {
        (0..rank).filter(|d| !self.removed.contains(d) && !self.array_batching.contains(d)).collect()
    }
    /// Windows of these sizes in an array seen through `view`; `dense` are the extents of the result or the updates.
    fn windows(&self, view: &View, dense: &[usize], sizes: &[usize], size: usize) -> Windows {
        let bytes = |x: i64| bytes(x, size);
        let radix = row_major(dense);
        let empty = view.dims.contains(&0);
        let stride = |d: usize| if empty || view.dims[d] == 1 { 0 } else { bytes(view.strides[d]) };
        let last = |d: usize| view.dims[d] as i64 - sizes[d] as i64;
        let batch_dims: SmallVec<[usize; 6]> = (0..dense.len()).filter(|d| !self.window_dims.contains(d)).collect();
        Windows {
            isa: Isa::Portable,
            array: (Place::Const(0), 0),
            indices: (Place::Const(0), 0),
            index_dt: Dt::I32,
            parts: self.map.iter().map(|d| (last(*d), stride(*d))).collect(),
            batch: batch_dims
                .iter()
                .enumerate()
                .map(|(k, d)| {
                    let along = self.index_batching.iter().position(|b| *b == k);
                    (dense[*d], [bytes(radix[*d]), along.map_or(0, |a| stride(self.array_batching[a]))])
                })
                .collect(),
            window: self
                .kept(view.dims.len())
                .iter()
                .zip(self.window_dims)
                .map(|(d, w)| (dense[*w], [bytes(radix[*w]), stride(*d)]))
                .collect(),
            bounds: Bounds::Clip,
            below: 0,
            never: (0..view.dims.len()).any(|d| last(d) < 0),
            size,
        }
    }
}
