//! Windows that move over an array.

use super::fold::{chain, combine, convert, empty};
use super::{Array, Elem, each_index, flat, scalar};
use crate::{ConvSpec, Dt, Fold, Op, Slide, Ty};

/// The places of a window in row-major order: the element that lies there, or nothing if it is padding.
fn places(slides: &[Slide], dims: &[usize], window: &[usize]) -> Vec<Option<usize>> {
    let sizes: Vec<usize> = slides.iter().map(|s| s.size).collect();
    let mut places = Vec::new();
    each_index(&sizes, |j| {
        let at: Option<Vec<usize>> = (0..dims.len()).map(|d| slides[d].at(window[d], j[d], dims[d])).collect();
        places.push(at.map(|at| flat(dims, &at)));
    });
    places
}

/// For each window and feature the chain over the places of the window and the channels.
pub(super) fn conv(spec: &ConvSpec, x: &Array, filter: &Array, ty: &Ty) -> Vec<Elem> {
    let d = spec.slides.len();
    let (n, channels, features) = (x.dims[1], x.dims[d + 2], ty.dims[d + 2]);
    let space = &x.dims[2..d + 2];
    let size: usize = space.iter().product();
    let taps: usize = filter.dims[1..=d].iter().product();
    let mut data = Vec::new();
    each_index(&ty.dims, |i| {
        let (b, window) = if spec.batch_last { (i[d], &i[..d]) } else { (i[0], &i[1..=d]) };
        let (g, o) = (i[d + 1], i[d + 2]);
        let places = places(&spec.slides, space, window);
        let sum = chain(spec.acc, taps * channels, |k| {
            let (j, c) = (k / channels, k % channels);
            let left = places[j].map_or([0; 2], |at| x.data[((g * n + b) * size + at) * channels + c]);
            let right = filter.data[((g * taps + j) * channels + c) * features + o];
            (convert(spec.acc, x.dt, left), convert(spec.acc, filter.dt, right))
        });
        data.push(convert(ty.dt, spec.acc, sum));
    });
    data
}

/// What is in a window, folded from left to right. A sum starts with +0.
pub(super) fn fold(op: Fold, slides: &[Slide], x: &Array, ty: &Ty) -> Vec<Elem> {
    let acc = x.dt.acc();
    let mut data = Vec::new();
    each_index(&ty.dims, |i| {
        let inside = places(slides, &x.dims, i).into_iter().flatten();
        let y = inside.fold(empty(op, acc), |y, at| combine(op, acc, y, convert(acc, x.dt, x.data[at])));
        data.push(convert(x.dt, acc, y));
    });
    data
}

/// Does the chosen number stay when this one comes?
fn stays(max: bool, dt: Dt, chosen: u64, next: u64) -> bool {
    let (a, b) = if max { (next, chosen) } else { (chosen, next) };
    scalar(Op::Le, Dt::Bool, dt, a, b, 0) != 0
}

/// What every number of the window stays behind.
fn least(max: bool, dt: Dt) -> u64 {
    empty(if max { Fold::Max } else { Fold::Min }, dt)[0]
}

/// The value of the number that is chosen in each window.
pub(super) fn pick(max: bool, slides: &[Slide], x: &Array, by: &Array, ty: &Ty) -> Vec<Elem> {
    let mut data = Vec::new();
    each_index(&ty.dims, |i| {
        let mut chosen = (least(max, by.dt), [0; 2]);
        for place in places(slides, &by.dims, i) {
            let next = place.map_or((least(max, by.dt), [0; 2]), |at| (by.data[at][0], x.data[at]));
            if !stays(max, by.dt, chosen.0, next.0) {
                chosen = next;
            }
        }
        data.push(chosen.1);
    });
    data
}

/// Every window's element, added to where the chosen number lies.
pub(super) fn put(max: bool, slides: &[Slide], x: &Array, by: &Array) -> Vec<Elem> {
    let acc = x.dt.acc();
    let add = if acc == Dt::Bool { Fold::Or } else { Fold::Sum };
    let mut sums = vec![[0; 2]; by.data.len()];
    let mut k = 0;
    each_index(&x.dims, |i| {
        let mut chosen: Option<(u64, Option<usize>)> = None;
        for place in places(slides, &by.dims, i) {
            let next = (place.map_or(least(max, by.dt), |at| by.data[at][0]), place);
            if !chosen.is_some_and(|c| stays(max, by.dt, c.0, next.0)) {
                chosen = Some(next);
            }
        }
        if let Some((_, Some(at))) = chosen {
            sums[at] = combine(add, acc, sums[at], convert(acc, x.dt, x.data[k]));
        }
        k += 1;
    });
    sums.into_iter().map(|s| convert(x.dt, acc, s)).collect()
}
