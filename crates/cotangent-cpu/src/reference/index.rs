//! Where elements come from and go to: gather, scatter, pieces at run-time positions, concatenation.

use super::{
    Array, Elem, each_index, flat,
    scalar::{scalar, wide},
};
use crate::{Bounds, Dt, GatherSpec, Op, Put, ScatterSpec, Ty};

/// Start indices at which a window of extents `window` lies inside `dims`. `None` if they are to be inside and are not.
fn place(bounds: Bounds, start: &[i128], window: &[usize], dims: &[usize]) -> Option<Vec<usize>> {
    start
        .iter()
        .zip(window)
        .zip(dims)
        .map(|((s, w), n)| {
            let last = *n as i128 - *w as i128;
            match bounds {
                // A window that is larger than the array fits nowhere.
                _ if last < 0 => None,
                Bounds::Clip => Some((*s).clamp(0, last) as usize),
                Bounds::Fill => (0..=last).contains(s).then_some(*s as usize),
            }
        })
        .collect()
}

/// The scalar start indices of a piece, clamped.
fn starts(indices: &[Array], piece: &[usize], dims: &[usize]) -> Vec<usize> {
    let start: Vec<i128> = indices.iter().map(|i| wide(i.dt, i.data[0][0])).collect();
    place(Bounds::Clip, &start, piece, dims).expect("a piece is not larger than the whole")
}

/// The sum of two indices.
fn plus(a: &[usize], b: &[usize]) -> Vec<usize> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(super) fn dyn_slice(a: &Array, indices: &[Array], ty: &Ty) -> Vec<Elem> {
    let start = starts(indices, &ty.dims, &a.dims);
    let mut data = Vec::new();
    each_index(&ty.dims, |i| data.push(a.data[flat(&a.dims, &plus(&start, i))]));
    data
}

pub(super) fn update(a: &Array, piece: &Array, indices: &[Array]) -> Vec<Elem> {
    let start = starts(indices, &piece.dims, &a.dims);
    let mut data = a.data.clone();
    each_index(&piece.dims, |i| data[flat(&a.dims, &plus(&start, i))] = piece.data[flat(&piece.dims, i)]);
    data
}

pub(super) fn concat(pieces: &[Array], ty: &Ty, dim: usize) -> Vec<Elem> {
    let mut data = Vec::new();
    each_index(&ty.dims, |i| {
        let mut at = i.to_vec();
        for p in pieces {
            if at[dim] < p.dims[dim] {
                return data.push(p.data[flat(&p.dims, &at)]);
            }
            at[dim] -= p.dims[dim];
        }
        unreachable!("the pieces make up the whole")
    });
    data
}

/// How the windows of a gather or scatter lie in the array: the numbers under the names of neither.
struct Windows<'a> {
    /// The dimensions of result or updates that are of the window.
    window_dims: &'a [usize],
    /// The dimensions of the array that a window has no dimension for.
    removed: &'a [usize],
    /// The dimension of the array for each component of an index vector.
    map: &'a [usize],
    /// Batching dimensions of the array, and those of the indices.
    array_batching: &'a [usize],
    index_batching: &'a [usize],
    bounds: Bounds,
    below: i64,
}

impl Windows<'_> {
    /// For the index `i` of result or updates: the element of the array, or `None` for a window out of bounds. `sizes` are the
    /// window's extents in the dimensions of the array.
    fn find(&self, array: &Array, indices: &Array, sizes: &[usize], i: &[usize]) -> Option<usize> {
        let batch: Vec<usize> = (0..i.len()).filter(|d| !self.window_dims.contains(d)).map(|d| i[d]).collect();
        let mut start = vec![0i128; array.dims.len()];
        for (component, d) in self.map.iter().enumerate() {
            let mut at = batch.clone();
            at.push(component);
            let at = wide(indices.dt, indices.data[flat(&indices.dims, &at)][0]);
            start[*d] = if at < 0 { at + self.below as i128 } else { at };
        }
        for (d, of) in self.array_batching.iter().zip(self.index_batching) {
            start[*d] = batch[*of] as i128;
        }
        let mut at = place(self.bounds, &start, sizes, &array.dims)?;
        for (d, w) in self.kept(array.dims.len()).iter().zip(self.window_dims) {
            at[*d] += i[*w];
        }
        Some(flat(&array.dims, &at))
    }
    /// The dimensions of the array that a window has, in order.
    fn kept(&self, rank: usize) -> Vec<usize> {
        (0..rank).filter(|d| !self.removed.contains(d) && !self.array_batching.contains(d)).collect()
    }
}

/// The element of the array at start index + offset; the start index is clamped, or the whole slice is `fill`.
pub(super) fn gather(spec: &GatherSpec, array: &Array, indices: &Array, ty: &Ty) -> Vec<Elem> {
    let windows = Windows {
        window_dims: &spec.offset_dims,
        removed: &spec.collapsed_slice_dims,
        map: &spec.start_index_map,
        array_batching: &spec.operand_batching_dims,
        index_batching: &spec.start_indices_batching_dims,
        bounds: spec.bounds,
        below: spec.below,
    };
    let mut data = Vec::new();
    each_index(&ty.dims, |i| {
        let at = windows.find(array, indices, &spec.slice_sizes, i);
        data.push(at.map_or(spec.fill, |at| array.data[at]));
    });
    data
}

/// Updates in row-major order of the update array. A window that is not inside is dropped as a whole, or moved inside.
/// Half precision is rounded after every update. The product of complex numbers is that of `Fold::Prod`, with the array's element
/// first.
pub(super) fn scatter(spec: &ScatterSpec, array: &Array, indices: &Array, updates: &Array) -> Vec<Elem> {
    let windows = Windows {
        window_dims: &spec.update_window_dims,
        removed: &spec.inserted_window_dims,
        map: &spec.scatter_dims_to_operand_dims,
        array_batching: &spec.operand_batching_dims,
        index_batching: &spec.scatter_indices_batching_dims,
        bounds: spec.bounds,
        below: spec.below,
    };
    let mut sizes = vec![1; array.dims.len()];
    for (d, w) in windows.kept(array.dims.len()).iter().zip(windows.window_dims) {
        sizes[*d] = updates.dims[*w];
    }
    let mut data = array.data.clone();
    let mut k = 0;
    each_index(&updates.dims, |i| {
        if let Some(at) = windows.find(array, indices, &sizes, i) {
            data[at] = put(spec.put, array.dt, data[at], updates.data[k]);
        }
        k += 1;
    });
    data
}

/// What is there, combined with an update.
fn put(put: Put, dt: Dt, old: Elem, new: Elem) -> Elem {
    let t = dt.part();
    let op = |o: Op, a: u64, b: u64| scalar(o, t, t, a, b, 0);
    let parts = |o: Op| [op(o, old[0], new[0]), if dt.is_complex() { op(o, old[1], new[1]) } else { 0 }];
    match put {
        Put::Set => new,
        Put::Add => parts(Op::Add),
        Put::Sub => parts(Op::Sub),
        Put::Mul => super::fold::combine(crate::Fold::Prod, dt, old, new),
        Put::Min => parts(Op::Min),
        Put::Max => parts(Op::Max),
    }
}
