//! Random views, gathers and scatters.

use super::Fuzz;
use super::values;
use crate::{Body, Bounds, Dims, Dt, GatherSpec, Guard, Kind, Op, Put, ScatterSpec, Ty, Use, ValId, View, row_major};
use smallvec::SmallVec;
use std::sync::Arc;

/// How index vectors address windows of an array: what gather and scatter have in common.
struct Windows {
    /// Dimensions of the array without one in the window.
    removed: Dims,
    /// The array's and the indices' batching dimensions.
    batching: (Dims, Dims),
    /// Where the components of an index go.
    map: Dims,
    /// Extents of the window in the dimensions of the array.
    sizes: Dims,
    /// Positions of the window's dimensions in result or updates.
    window_dims: Dims,
    /// Extents of result or updates.
    dims: Vec<usize>,
    /// The indices.
    indices: Use,
    /// What is added to those below zero.
    below: i64,
    bounds: Bounds,
}

impl Fuzz {
    /// A value through a random view with these extents.
    pub(super) fn through(&mut self, val: ValId, dims: &[usize]) -> Use {
        let ty = self.p.ty(val).clone();
        if ty.dims[..] == *dims && !self.r.once_in(3) {
            return Use::plain(val);
        }
        let strides =
            if self.r.once_in(4) { self.any_strides(dims, ty.len()) } else { self.natural_strides(dims, &ty.dims) };
        let mut v = View { strides, ..View::splat(dims) };
        if !dims.is_empty() && self.r.once_in(4) {
            self.guard(&mut v);
        }
        v.fill = if v.guards.is_empty() { [0; 2] } else { values::element(&mut self.r, ty.dt, self.mood) };
        if ty.is_empty() && v.range().is_some() {
            if dims.is_empty() {
                // Nothing can be read from nothing, and a scalar has no guard: another operand.
                let one = self.arg(ty.dt, &[1]);
                return self.p.through(one, View::splat(&[]));
            }
            // All of it is fill.
            v.guards = SmallVec::from_elem(Guard { dim: 0, lo: 2, hi: 1, step: 1 }, 1);
        }
        // The offset brings the least element to one that there is; strides that reach too far are given up.
        while let Some((lo, hi)) = v.range() {
            if hi - lo < ty.len() as i64 {
                v.offset = self.r.range(0, ty.len() as i64 - 1 - (hi - lo)) - lo;
                break;
            }
            let far: Vec<usize> = (0..dims.len()).filter(|d| v.strides[*d] != 0).collect();
            let d = self.r.pick(&far);
            v.strides[d] = 0;
        }
        self.p.through(val, v)
    }
    /// Strides that have to do with the operand's extents: broadcasts, transpositions, steps, reversed dimensions.
    fn natural_strides(&mut self, dims: &[usize], operand: &[usize]) -> SmallVec<[i64; 6]> {
        let natural = row_major(operand);
        let mut free: Vec<usize> = (0..operand.len()).collect();
        let transposes = self.r.once_in(3);
        let mut strides = SmallVec::from_elem(0, dims.len());
        for d in (0..dims.len()).rev() {
            let fitting: Vec<usize> = free.iter().copied().filter(|o| operand[*o] >= dims[d]).collect();
            if fitting.is_empty() || self.r.once_in(8) {
                continue;
            }
            let o = if transposes { self.r.pick(&fitting) } else { fitting[fitting.len() - 1] };
            free.retain(|x| *x != o);
            let most = if dims[d] > 1 { (operand[o] - 1) / (dims[d] - 1) } else { 1 };
            let step = if self.r.once_in(4) { 1 + self.r.below(most.min(3)) as i64 } else { 1 };
            strides[d] = natural[o] * if self.r.once_in(6) { -step } else { step };
        }
        strides
    }
    /// Any strides.
    fn any_strides(&mut self, dims: &[usize], len: usize) -> SmallVec<[i64; 6]> {
        let steps = [0, 1, 1, 2, 3, -1, -2, 16, 17, dims.last().map_or(1, |n| *n as i64), len as i64 / 2];
        dims.iter().map(|_| self.r.pick(&steps)).collect()
    }
    /// Puts guards on some dimensions, most often one.
    fn guard(&mut self, v: &mut View) {
        let rank = v.dims.len();
        let k = if self.r.once_in(4) { 1 + self.r.below(rank) } else { 1 };
        for d in self.r.choose(rank, k) {
            let n = v.dims[d] as i64;
            let lo = self.r.range(-3, n.min(5));
            let hi = if self.r.once_in(5) { self.r.range(lo - 1, n + 2) } else { (n - self.r.range(-2, 3)).max(lo) };
            if self.r.once_in(4) {
                let around = self.r.range(1, 2 * n.max(1));
                v.guards.push(Guard { dim: d as u32, lo, hi: lo + around, step: Guard::AROUND });
                continue;
            }
            v.guards.push(Guard { dim: d as u32, lo, hi, step: self.r.pick(&[1, 1, 1, 2, 3]) });
        }
    }

    /// Random windows of an array of these extents.
    fn windows(&mut self, array: &[usize]) -> Windows {
        let rank = array.len();
        let mut batch: Vec<usize> = (0..self.r.below(3)).map(|_| self.extent(20)).collect();
        let (mut removed, mut of_array, mut of_indices) = (Dims::new(), Dims::new(), vec![]);
        let (mut sizes, mut kept) = (Dims::from_slice(array), vec![]);
        for d in 0..rank {
            let small = array[d] <= 20;
            match self.r.below(7) {
                0 if small && of_array.len() < 2 => {
                    // A new dimension of the indices, somewhere among those that there are.
                    let at = self.r.below(batch.len() + 1);
                    batch.insert(at, array[d]);
                    of_indices.iter_mut().filter(|i| **i >= at).for_each(|i: &mut usize| *i += 1);
                    of_indices.push(at);
                    of_array.push(d);
                    sizes[d] = 1;
                }
                1..4 if array[d] > 0 => {
                    removed.push(d);
                    sizes[d] = 1;
                }
                _ => {
                    if !self.r.once_in(2) {
                        sizes[d] = self.r.below(array[d].min(20) + 1).max(array[d].min(1));
                    }
                    kept.push(d);
                }
            }
        }
        // Keep the whole small: drop batch dimensions to 1 and windows to one element, but not what others depend on.
        let size = |batch: &[usize], sizes: &Dims| {
            batch.iter().product::<usize>() * kept.iter().map(|d| sizes[*d]).product::<usize>()
        };
        let room = self.room() / 8;
        for i in 0..batch.len() {
            if size(&batch, &sizes) > room && !of_indices.contains(&i) {
                batch[i] = 1;
            }
        }
        for d in &kept {
            if size(&batch, &sizes) > room {
                sizes[*d] = 1;
            }
        }
        let free: Vec<usize> = (0..rank).filter(|d| !of_array.contains(d)).collect();
        let parts = self.r.below(free.len() + 1).max(free.len().min(1));
        let map: Dims = self.r.shuffled(free.len()).into_iter().take(parts).map(|i| free[i]).collect();
        let reach = map.iter().map(|d| array[*d]).max().unwrap_or(0) as i64;
        let mut index_dims = batch.clone();
        index_dims.push(map.len());
        let least = self.r.pick(&[-2, 0]);
        let mut indices = self.index_arg(&index_dims, least, reach.max(1));
        if self.r.once_in(3) {
            indices = self.end_relative(indices, &index_dims, reach)
        }
        let window_dims: Dims = self.r.choose(batch.len() + kept.len(), kept.len()).into_iter().collect();
        let (mut b, mut w) = (batch.iter(), kept.iter());
        let dims = (0..batch.len() + kept.len())
            .map(|d| if window_dims.contains(&d) { w.next().map(|d| sizes[*d]) } else { b.next().copied() })
            .map(|n| n.expect("as many dimensions as positions"))
            .collect();
        Windows {
            removed,
            batching: (of_array, of_indices.into_iter().collect()),
            map,
            sizes,
            window_dims,
            dims,
            indices: Use::plain(indices),
            bounds: self.r.pick(&[Bounds::Clip, Bounds::Fill]),
            below: self.r.pick(&[0, 0, 1, reach]),
        }
    }
    /// Indices of which those below zero count from the end, or nearly so: as maps, together or one by one.
    fn end_relative(&mut self, indices: ValId, dims: &[usize], n: i64) -> ValId {
        let dt = self.p.ty(indices).dt;
        let (most, n) = (if dt.size() < 8 { (1i64 << (8 * dt.size() - 1)) - 1 } else { i64::MAX }, n.max(1));
        let n = self.r.pick(&[n.min(most), 0, 1]) as u64;
        let together = self.r.once_in(2);
        let (turned, x) = (self.r.once_in(2), Use::plain(indices));
        let mut b = Body::default();
        let x_ = b.input(0, dt);
        let (zero, n_) = (b.bits(dt, 0), b.bits(dt, n));
        let (mut less, more) = (b.cmp(Op::Lt, x_, zero), b.bin(Op::Add, dt, x_, n_));
        if turned {
            less = b.un(Op::Not, Dt::Bool, less)
        }
        if together {
            let (yes, no) = if turned { (x_, more) } else { (more, x_) };
            let chosen = b.push(Op::Select, dt, less, yes, no);
            b.outs = vec![chosen];
            return self.p.push(Kind::Map(b.into()), &[x], &[Ty::new(dt, dims)]);
        }
        b.outs = vec![less, more];
        let less = self.p.push(Kind::Map(b.into()), &[x], &[Ty::new(Dt::Bool, dims), Ty::new(dt, dims)]);
        let mut b = Body::default();
        let (less_, x_, more_) = (b.input(0, Dt::Bool), b.input(1, dt), b.input(2, dt));
        let (yes, no) = if turned { (x_, more_) } else { (more_, x_) };
        let chosen = b.push(Op::Select, dt, less_, yes, no);
        b.outs = vec![chosen];
        self.p.push(Kind::Map(b.into()), &[Use::plain(less), x, Use::plain(less + 1)], &[Ty::new(dt, dims)])
    }
    pub(super) fn gather(&mut self) {
        let (array, dt, dims, _) = self.array(|_| true);
        let w = self.windows(&dims);
        let spec = GatherSpec {
            below: w.below,
            offset_dims: w.window_dims,
            collapsed_slice_dims: w.removed,
            start_index_map: w.map,
            operand_batching_dims: w.batching.0,
            start_indices_batching_dims: w.batching.1,
            slice_sizes: w.sizes,
            bounds: w.bounds,
            fill: values::element(&mut self.r, dt, self.mood),
        };
        self.spend(10 * w.dims.iter().product::<usize>());
        self.push(Kind::Gather(Arc::new(spec)), &[array, w.indices], dt, &w.dims);
    }
    pub(super) fn scatter(&mut self) {
        let put = self.r.pick(&[Put::Set, Put::Add, Put::Add, Put::Sub, Put::Mul, Put::Min, Put::Max]);
        let (array, dt, dims, _) = self.array(|dt| put.takes(dt));
        let w = self.windows(&dims);
        let updates = self.operand(dt, &w.dims);
        let spec = ScatterSpec {
            below: w.below,
            update_window_dims: w.window_dims,
            inserted_window_dims: w.removed,
            scatter_dims_to_operand_dims: w.map,
            operand_batching_dims: w.batching.0,
            scatter_indices_batching_dims: w.batching.1,
            put,
            bounds: w.bounds,
        };
        self.spend(10 * w.dims.iter().product::<usize>());
        self.push(Kind::Scatter(Arc::new(spec)), &[array, w.indices, updates], dt, &dims);
    }
}
