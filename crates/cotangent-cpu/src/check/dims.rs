//! The rules about extents and dimension numbers.

use super::{Checked, ensure};
use crate::{DotSpec, GatherSpec, ScatterSpec};

/// The extents are those.
pub(super) fn same(want: &[usize], got: &[usize]) -> Checked {
    ensure!(want == got, "extents {got:?} where {want:?} are needed");
    Ok(())
}

/// A piece is not larger than the whole, in any dimension.
pub(super) fn fits(piece: &[usize], whole: &[usize]) -> Checked {
    ensure!(
        piece.len() == whole.len() && piece.iter().zip(whole).all(|(p, w)| p <= w),
        "a piece {piece:?} does not fit into {whole:?}"
    );
    Ok(())
}

/// The result lacks `count` dimensions of the operand.
pub(super) fn without(result: &[usize], operand: &[usize], first: usize, count: usize) -> Checked {
    let end = first.saturating_add(count);
    ensure!(count >= 1 && end <= operand.len(), "dimensions {first}..{end} of {operand:?}");
    let rest: Vec<usize> = operand[..first].iter().chain(&operand[end..]).copied().collect();
    same(&rest, result)
}

/// The pieces make up the whole along `dim`.
pub(super) fn concat(whole: &[usize], pieces: &[&[usize]], dim: usize) -> Checked {
    ensure!(dim < whole.len(), "dimension {dim} of {whole:?}");
    let mut sum = 0usize;
    for p in pieces {
        ensure!(
            p.len() == whole.len() && p.iter().zip(whole).enumerate().all(|(d, (p, w))| d == dim || p == w),
            "a piece {p:?} of {whole:?} along dimension {dim}"
        );
        sum = sum.saturating_add(p[dim]);
    }
    ensure!(sum == whole[dim], "the pieces have {sum} in dimension {dim} of {whole:?}");
    Ok(())
}

/// `[b, m, k]` by `[b, k, n]` is `[b, m, n]`, summed in the order that belongs to the sizes.
pub(super) fn dot(spec: &DotSpec, a: &[usize], b: &[usize], result: &[usize]) -> Checked {
    ensure!(a.len() == 3 && b.len() == 3, "operands {a:?} and {b:?} are not [batch, m, k] and [batch, k, n]");
    ensure!(a[0] == b[0] && a[2] == b[1], "{a:?} and {b:?} do not multiply");
    same(&[a[0], a[1], b[2]], result)?;
    let want = DotSpec::for_sizes(b[2], b[1], spec.acc);
    ensure!(spec.order == want.order, "the order {:?}, where n = {} has {:?}", spec.order, b[2], want.order);
    Ok(())
}

/// Dimensions that are in range, each once.
fn distinct(name: &str, dims: &[usize], rank: usize) -> Checked {
    let mut seen = vec![false; rank];
    for d in dims {
        ensure!(*d < rank, "{name} {dims:?} for {rank} dimensions");
        ensure!(!seen[*d], "{name} {dims:?} name one dimension twice");
        seen[*d] = true;
    }
    Ok(())
}

/// Dimensions that are in range and ascending.
fn ascending(name: &str, dims: &[usize], rank: usize) -> Checked {
    distinct(name, dims, rank)?;
    ensure!(dims.is_sorted(), "{name} {dims:?} are not ascending");
    Ok(())
}

/// The dimensions of `0..rank` that are not in `dims`.
fn others(dims: &[usize], rank: usize) -> Vec<usize> {
    (0..rank).filter(|d| !dims.contains(d)).collect()
}

/// What gather and scatter have in common: where the components of an index go, the batching dimensions, and that the window's
/// dimensions and the removed ones are all of the array's. Returns the array's dimensions that the window keeps.
fn index_numbers(
    array: &[usize],
    indices: &[usize],
    map: (&str, &[usize]),
    removed: (&str, &[usize]),
    array_batching: &[usize],
    index_batching: &[usize],
    window: usize,
) -> Result<Vec<usize>, String> {
    let Some((parts, batch)) = indices.split_last() else {
        return Err("indices without the dimension of the index vector".to_owned());
    };
    ensure!(*parts == map.1.len(), "indices {indices:?} for {} {:?}", map.0, map.1);
    distinct(map.0, map.1, array.len())?;
    ascending(removed.0, removed.1, array.len())?;
    ascending("operand_batching_dims", array_batching, array.len())?;
    distinct("indices' batching dims", index_batching, batch.len())?;
    ensure!(
        array_batching.iter().all(|d| !removed.1.contains(d) && !map.1.contains(d)),
        "operand_batching_dims {array_batching:?} meet {} {:?} or {} {:?}",
        removed.0,
        removed.1,
        map.0,
        map.1
    );
    ensure!(
        array_batching.len() == index_batching.len()
            && array_batching.iter().zip(index_batching).all(|(a, i)| array[*a] == batch[*i]),
        "batching dims {array_batching:?} of {array:?} against {index_batching:?} of indices {indices:?}"
    );
    let gone: Vec<usize> = removed.1.iter().chain(array_batching).copied().collect();
    let kept = others(&gone, array.len());
    ensure!(kept.len() == window, "a window of {window} dimensions for the dimensions {kept:?} of {array:?}");
    Ok(kept)
}

/// XLA's rules for a gather.
pub(super) fn gather(spec: &GatherSpec, array: &[usize], indices: &[usize], result: &[usize]) -> Checked {
    ensure!(spec.slice_sizes.len() == array.len(), "slice_sizes {:?} for {array:?}", spec.slice_sizes);
    let kept = index_numbers(
        array,
        indices,
        ("start_index_map", &spec.start_index_map),
        ("collapsed_slice_dims", &spec.collapsed_slice_dims),
        &spec.operand_batching_dims,
        &spec.start_indices_batching_dims,
        spec.offset_dims.len(),
    )?;
    ascending("offset_dims", &spec.offset_dims, result.len())?;
    // Where there is no index nothing is read, and a slice may be larger than the array.
    let empty = indices[..indices.len() - 1].contains(&0);
    for (s, n) in spec.slice_sizes.iter().zip(array) {
        ensure!(s <= n || empty, "slices {:?} of {array:?}", spec.slice_sizes);
    }
    for d in &spec.collapsed_slice_dims {
        ensure!(spec.slice_sizes[*d] == 1, "dimension {d} of slices {:?} is collapsed", spec.slice_sizes);
    }
    for d in &spec.operand_batching_dims {
        ensure!(spec.slice_sizes[*d] <= 1, "dimension {d} of slices {:?} is a batching dimension", spec.slice_sizes);
    }
    let batch = others(&spec.offset_dims, result.len());
    let mut want = vec![0; result.len()];
    ensure!(
        batch.len() == indices.len() - 1,
        "a result {result:?} of indices {indices:?} and offset_dims {:?}",
        spec.offset_dims
    );
    for (d, n) in batch.iter().zip(indices) {
        want[*d] = *n;
    }
    for (d, k) in spec.offset_dims.iter().zip(&kept) {
        want[*d] = spec.slice_sizes[*k];
    }
    same(&want, result)
}

/// XLA's rules for a scatter.
pub(super) fn scatter(spec: &ScatterSpec, array: &[usize], indices: &[usize], updates: &[usize]) -> Checked {
    let kept = index_numbers(
        array,
        indices,
        ("scatter_dims_to_operand_dims", &spec.scatter_dims_to_operand_dims),
        ("inserted_window_dims", &spec.inserted_window_dims),
        &spec.operand_batching_dims,
        &spec.scatter_indices_batching_dims,
        spec.update_window_dims.len(),
    )?;
    ascending("update_window_dims", &spec.update_window_dims, updates.len())?;
    for (d, k) in spec.update_window_dims.iter().zip(&kept) {
        ensure!(updates[*d] <= array[*k], "a window of updates {updates:?} that is larger than the array {array:?}");
    }
    let batch: Vec<usize> = others(&spec.update_window_dims, updates.len()).iter().map(|d| updates[*d]).collect();
    ensure!(batch == indices[..indices.len() - 1], "updates {updates:?} for indices {indices:?}");
    Ok(())
}
