//! The rules about windows.

use super::{Checked, dims, ensure};
use crate::{ConvOrder, ConvSpec, Slide};

/// No number that says where an element of a window lies is greater than this.
const FAR: u128 = 1 << 60;

/// Windows along these dimensions of the operand, as many as the result says, can be counted.
pub(super) fn fit(slides: &[Slide], operand: &[usize], result: &[usize]) -> Checked {
    ensure!(
        slides.len() == operand.len() && slides.len() == result.len(),
        "windows of {} dimensions over {operand:?} make {result:?}",
        slides.len()
    );
    for ((s, n), m) in slides.iter().zip(operand).zip(result) {
        ensure!(s.size >= 1 && s.stride >= 1 && s.dilation >= 1 && s.base >= 1, "nothing can be moved by zero: {s:?}");
        // also where nothing is counted, a step is a number that is computed with
        let reach = |count: usize, step: usize| count.max(1) as u128 * step as u128;
        let far = reach(*m, s.stride) + reach(s.size, s.dilation) + reach(*n, s.base) + s.lo.unsigned_abs() as u128;
        ensure!(far <= FAR, "windows out of all bounds: {s:?}");
    }
    // A window may have more elements than memory: it is walked through, never held.
    let count = slides.iter().try_fold(1usize, |n, s| n.checked_mul(s.size));
    ensure!(count.is_some_and(|n| n as u128 <= FAR), "windows of more elements than can be counted");
    Ok(())
}

/// `[g, n, s.., c]` by `[g, k.., c, o]` is `[n, p.., g, o]`, or `[p.., n, g, o]`.
pub(super) fn conv(spec: &ConvSpec, x: &[usize], filter: &[usize], result: &[usize]) -> Checked {
    let d = spec.slides.len();
    ensure!(x.len() == d + 3 && filter.len() == d + 3, "operands {x:?} and {filter:?} for {d} spatial dimensions");
    ensure!(result.len() == d + 3, "a result {result:?} for {d} spatial dimensions");
    let sizes: Vec<usize> = spec.slides.iter().map(|s| s.size).collect();
    dims::same(&filter[1..=d], &sizes)?;
    ensure!(x[0] == filter[0] && x[d + 2] == filter[d + 1], "{x:?} and {filter:?} have other groups or channels");
    let first = if spec.batch_last { 0 } else { 1 };
    let windows = &result[first..first + d];
    let batch = if spec.batch_last { result[d] } else { result[0] };
    ensure!(batch == x[1] && result[d + 1..] == [x[0], filter[d + 2]], "the result {result:?} of {x:?} and {filter:?}");
    ensure!(
        spec.order == ConvOrder::Chain || spec.has_tiles(windows, x[d + 2]),
        "no tiles of Winograd's for {:?}, {windows:?} windows, {} channels and sums of {}",
        spec.slides,
        x[d + 2],
        spec.acc
    );
    fit(&spec.slides, &x[2..d + 2], windows)
}
