//! Gather and scatter. The expected arrays of the larger cases are JAX's.

use super::*;
use crate::{Bounds, Dims, GatherSpec, Put, ScatterSpec};
use std::sync::Arc;

fn d(dims: &[usize]) -> Dims {
    Dims::from_slice(dims)
}

/// Windows of three out of a vector of six.
fn take(bounds: Bounds) -> GatherSpec {
    GatherSpec {
        below: 0,
        offset_dims: d(&[1]),
        collapsed_slice_dims: d(&[]),
        start_index_map: d(&[0]),
        operand_batching_dims: d(&[]),
        start_indices_batching_dims: d(&[]),
        slice_sizes: d(&[3]),
        bounds,
        fill: [99, 0],
    }
}

fn gather<I: Data>(spec: GatherSpec, a: (&[usize], &[i32]), i: (&[usize], &[I]), result: &[usize]) -> Vec<i32> {
    let mut c = Case::default();
    let (x, i) = (c.arg(a.0, a.1), c.arg(i.0, i.1));
    c.node(Kind::Gather(Arc::new(spec)), &[x, i], Ty::new(Dt::I32, result));
    c.run()
}

#[test]
fn a_gather_clips_or_fills() {
    let x = [0, 1, 2, 3, 4, 5];
    let at = [4i64, -1, 1];
    let a = (&[6][..], &x[..]);
    assert_eq!(gather(take(Bounds::Clip), a, (&[3, 1], &at), &[3, 3]), [3, 4, 5, 0, 1, 2, 1, 2, 3]);
    assert_eq!(gather(take(Bounds::Fill), a, (&[3, 1], &at), &[3, 3]), [99, 99, 99, 99, 99, 99, 1, 2, 3]);
    // Indices of every type are read as numbers.
    assert_eq!(gather(take(Bounds::Clip), a, (&[1, 1], &[250u8]), &[1, 3]), [3, 4, 5]);
    assert_eq!(gather(take(Bounds::Clip), a, (&[1, 1], &[u64::MAX]), &[1, 3]), [3, 4, 5]);
    assert_eq!(gather(take(Bounds::Fill), a, (&[1, 1], &[-6i8]), &[1, 3]), [99, 99, 99]);
    // Without indices a slice may be larger than the array.
    assert_eq!(gather::<i32>(take(Bounds::Clip), (&[1], &[5]), (&[0, 1], &[]), &[0, 3]), []);
}

#[test]
fn a_gather_of_two_components() {
    // Windows [2, 1] of [3, 4], the second dimension collapsed; the index's components are swapped; the window comes first.
    let x: Vec<i32> = (0..12).collect();
    let spec = GatherSpec {
        offset_dims: d(&[0]),
        collapsed_slice_dims: d(&[1]),
        start_index_map: d(&[1, 0]),
        slice_sizes: d(&[2, 1]),
        ..take(Bounds::Clip)
    };
    // (column, row): (1, 0), (3, 1), (9, 9).
    let got = gather(spec, (&[3, 4], &x), (&[3, 2], &[1i32, 0, 3, 1, 9, 9]), &[2, 3]);
    assert_eq!(got, [1, 7, 7, 5, 11, 11]);
}

#[test]
fn a_gather_with_batching_dimensions() {
    // take_along_axis of [2, 3] along the columns: [2, 2] indices.
    let spec = GatherSpec {
        offset_dims: d(&[]),
        collapsed_slice_dims: d(&[1]),
        start_index_map: d(&[1]),
        operand_batching_dims: d(&[0]),
        start_indices_batching_dims: d(&[0]),
        slice_sizes: d(&[1, 1]),
        ..take(Bounds::Fill)
    };
    let x = [10, 11, 12, 20, 21, 22];
    assert_eq!(gather(spec, (&[2, 3], &x), (&[2, 2, 1], &[2i32, 0, 1, 3]), &[2, 2]), [12, 10, 21, 99]);
    // The batch is the indices' second dimension, the array's last.
    let spec = GatherSpec {
        offset_dims: d(&[0]),
        collapsed_slice_dims: d(&[]),
        start_index_map: d(&[0]),
        operand_batching_dims: d(&[1]),
        start_indices_batching_dims: d(&[1]),
        slice_sizes: d(&[2, 1]),
        ..take(Bounds::Clip)
    };
    // Array [3, 2]; indices [1, 2, 1]; result [2 (window), 1, 2].
    assert_eq!(gather(spec, (&[3, 2], &[0, 1, 10, 11, 20, 21]), (&[1, 2, 1], &[0i32, 1]), &[2, 1, 2]), [0, 11, 10, 21]);
}

/// The scatter that mirrors [`take`].
fn place(put: Put, bounds: Bounds) -> ScatterSpec {
    ScatterSpec {
        below: 0,
        update_window_dims: d(&[1]),
        inserted_window_dims: d(&[]),
        scatter_dims_to_operand_dims: d(&[0]),
        operand_batching_dims: d(&[]),
        scatter_indices_batching_dims: d(&[]),
        put,
        bounds,
    }
}

fn scatter<T: Data>(spec: ScatterSpec, a: (&[usize], &[T]), i: (&[usize], &[i32]), u: (&[usize], &[T])) -> Vec<T> {
    let mut c = Case::default();
    let (x, i, u) = (c.arg(a.0, a.1), c.arg(i.0, i.1), c.arg(u.0, u.1));
    c.node(Kind::Scatter(Arc::new(spec)), &[x, i, u], Ty::new(T::dt(), a.0));
    c.run()
}

#[test]
fn a_scatter_clips_or_drops_whole_windows() {
    let x = [0i32, 1, 2, 3, 4, 5];
    let u = [10, 11, 12, 20, 21, 22];
    let f = |bounds| scatter(place(Put::Set, bounds), (&[6], &x), (&[2, 1], &[4, -1]), (&[2, 3], &u));
    assert_eq!(f(Bounds::Clip), [20, 21, 22, 10, 11, 12]);
    assert_eq!(f(Bounds::Fill), x);
    // Into nothing.
    let spec =
        ScatterSpec { update_window_dims: d(&[]), inserted_window_dims: d(&[0]), ..place(Put::Set, Bounds::Clip) };
    assert_eq!(scatter::<i32>(spec, (&[0], &[]), (&[1, 1], &[0]), (&[1], &[5])), []);
}

#[test]
fn updates_come_in_order() {
    let one =
        |put| ScatterSpec { update_window_dims: d(&[]), inserted_window_dims: d(&[0]), ..place(put, Bounds::Fill) };
    let f = |put| scatter(one(put), (&[2], &[3.0f32, 7.0]), (&[3, 1], &[0, 1, 0]), (&[3], &[5.0, f32::NAN, 2.0]));
    equal(&f(Put::Set), &[2.0, f32::NAN]);
    equal(&f(Put::Add), &[10.0, f32::NAN]);
    equal(&f(Put::Sub), &[-4.0, f32::NAN]);
    equal(&f(Put::Mul), &[30.0, f32::NAN]);
    equal(&f(Put::Min), &[2.0, f32::NAN]);
    equal(&f(Put::Max), &[5.0, f32::NAN]);
    // (1 + 1e8) - 1e8, and in half precision (2048 + 1) + 1, each sum rounded.
    let got = scatter(one(Put::Add), (&[1], &[1.0f32]), (&[2, 1], &[0, 0]), (&[2], &[1e8, -1e8]));
    equal(&got, &[0.0]);
    let h = |x| half::f16::from_f32(x);
    let got = scatter(one(Put::Add), (&[1], &[h(2048.0)]), (&[2, 1], &[0, 0]), (&[2], &[h(1.0), h(1.0)]));
    assert_eq!(got, [h(2048.0)]);
    let got = scatter(one(Put::Mul), (&[1], &[[1.0f32, 2.0]]), (&[1, 1], &[0]), (&[1], &[[3.0, 4.0]]));
    assert_eq!(got, [[-5.0, 10.0]]);
    let got = scatter(one(Put::Sub), (&[1], &[[1.0f32, 2.0]]), (&[1, 1], &[0]), (&[1], &[[3.0, 5.0]]));
    assert_eq!(got, [[-2.0, -3.0]]);
}

#[test]
fn a_scatter_with_batching_dimensions() {
    // Array [3, 2], the batch its last dimension; indices [2, 2, 1] whose first is the batch; windows of two rows.
    let spec = ScatterSpec {
        below: 0,
        update_window_dims: d(&[1]),
        inserted_window_dims: d(&[]),
        scatter_dims_to_operand_dims: d(&[0]),
        operand_batching_dims: d(&[1]),
        scatter_indices_batching_dims: d(&[0]),
        put: Put::Add,
        bounds: Bounds::Fill,
    };
    // Updates [2 (batch), 2 (window), 2 (scatter)].
    let got =
        scatter(spec, (&[3, 2], &[0i32; 6]), (&[2, 2, 1], &[0, 1, 1, 2]), (&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]));
    // Batch 0: rows 0, 1 get 1, 3; rows 1, 2 get 2, 4. Batch 1: rows 1, 2 get 5, 7; the other window is out of bounds.
    assert_eq!(got, [1, 0, 5, 5, 4, 7]);
}
