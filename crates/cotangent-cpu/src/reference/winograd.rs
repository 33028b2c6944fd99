//! Convolutions by Winograd's tiles, one number at a time.

use super::fold::{chain, convert, pairs};
use super::{Array, Elem, each_index, flat};
use crate::{ConvSpec, Dt, Ty};

/// The elements that windows see become the numbers that are multiplied.
fn data([a, b, c, d]: [f32; 4]) -> [f32; 4] {
    [a - c, b + c, c - b, b - d]
}
fn filter_of_three([a, b, c]: [f32; 3]) -> [f32; 4] {
    [a, ((a + c) + b) / 2.0, ((a + c) - b) / 2.0, c]
}
fn filter_of_two([a, b]: [f32; 2]) -> [f32; 4] {
    [a, (a + b) / 2.0, (a - b) / 2.0, b]
}
fn two_results([a, b, c, d]: [f32; 4]) -> [f32; 2] {
    [(a + b) + c, (b - c) - d]
}
fn three_results([a, b, c, d]: [f32; 4]) -> [f32; 3] {
    [(a + b) + c, b - c, (b + c) - d]
}

/// The first dimension and then the second.
fn both<const N: usize, const M: usize>(x: [[f32; N]; N], map: impl Fn([f32; N]) -> [f32; M]) -> [[f32; M]; M] {
    let mut half = [[0.0; N]; M];
    for j in 0..N {
        let column = map(std::array::from_fn(|i| x[i][j]));
        (0..M).for_each(|i| half[i][j] = column[i]);
    }
    half.map(map)
}

fn float(x: &Elem) -> f32 {
    f32::from_bits(x[0] as u32)
}
fn elem(x: f32) -> Elem {
    [x.to_bits() as u64, 0]
}

/// See [`ConvOrder::Winograd`](crate::ConvOrder).
pub(super) fn conv(spec: &ConvSpec, x: &Array, filter: &Array, ty: &Ty) -> Vec<Elem> {
    let batch = if spec.batch_last { ty.dims[2] } else { ty.dims[0] };
    let windows = if spec.batch_last { [ty.dims[0], ty.dims[1]] } else { [ty.dims[1], ty.dims[2]] };
    let [groups, features, channels] = [ty.dims[3], ty.dims[4], x.dims[4]];
    let size = [filter.dims[1], filter.dims[2]];
    let few = size != [3, 3];
    let tiles: Vec<usize> = (0..2).map(|d| if few { size[d] } else { windows[d] }.div_ceil(2)).collect();
    // An element of the array, if a window sees it, and one of the filter.
    let place = |d: usize, q: usize| {
        let at = q as i64 - spec.slides[d].lo;
        (q < windows[d] + size[d] - 1 && at >= 0 && at < x.dims[d + 2] as i64).then_some(at as usize)
    };
    let seen = |g: usize, b: usize, q: [usize; 2], c: usize| match (place(0, q[0]), place(1, q[1])) {
        (Some(i), Some(j)) => float(&x.data[flat(&x.dims, &[g, b, i, j, c])]),
        _ => 0.0,
    };
    let tap = |g: usize, t: [usize; 2], c: usize, f: usize| match t[0] < size[0] && t[1] < size[1] {
        true => float(&filter.data[flat(&filter.dims, &[g, t[0], t[1], c, f])]),
        false => 0.0,
    };
    let points = |g: usize, b: usize, t: [usize; 2], c: usize| {
        let square = |i: usize, j: usize| seen(g, b, [2 * t[0] + i, 2 * t[1] + j], c);
        both(std::array::from_fn(|i| std::array::from_fn(|j| square(i, j))), data)
    };
    let sum =
        |pairs: &[(f32, f32)]| -> f32 { float(&chain(Dt::F32, pairs.len(), |k| (elem(pairs[k].0), elem(pairs[k].1)))) };
    let mut result = vec![0.0; ty.len()];
    let mut put = |g: usize, b: usize, w: [usize; 2], f: usize, y: f32| {
        if w[0] < windows[0] && w[1] < windows[1] {
            let at = if spec.batch_last { [w[0], w[1], b, g, f] } else { [b, w[0], w[1], g, f] };
            result[flat(&ty.dims, &at)] = y;
        }
    };
    each_index(&[groups, batch, features], |i| {
        let (g, b, f) = (i[0], i[1], i[2]);
        if !few {
            each_index(&tiles, |t| {
                let products: Vec<_> = (0..channels)
                    .map(|c| {
                        let taps = std::array::from_fn(|i| std::array::from_fn(|j| tap(g, [i, j], c, f)));
                        (points(g, b, [t[0], t[1]], c), both(taps, filter_of_three))
                    })
                    .collect();
                let at = |i: usize, j: usize| -> f32 {
                    sum(&products.iter().map(|(x, y)| (x[i][j], y[i][j])).collect::<Vec<_>>())
                };
                let y = both(std::array::from_fn(|i| std::array::from_fn(|j| at(i, j))), two_results);
                for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    put(g, b, [2 * t[0] + i, 2 * t[1] + j], f, y[i][j]);
                }
            });
            return;
        }
        // All points of all sets, each chunk of a chain by itself.
        let all: Vec<usize> = (0..channels).collect();
        let mut sets = Vec::new();
        for line in 0..tiles[0] {
            for set in all.chunks(ConvSpec::set(channels, tiles[1])) {
                let products: Vec<_> = set
                    .iter()
                    .flat_map(|c| (0..tiles[1]).map(move |t| (*c, t)))
                    .map(|(c, t)| {
                        let taps = |i: usize, j: usize| tap(g, [2 * line + i, 2 * t + j], c, f);
                        let taps = std::array::from_fn(|i| std::array::from_fn(|j| taps(i, j)));
                        (points(g, b, [line, t], c), both(taps, filter_of_two))
                    })
                    .collect();
                sets.push(products);
            }
        }
        let at = |i: usize, j: usize| -> f32 {
            let supers: Vec<f32> = sets
                .chunks(64)
                .map(|some| {
                    let chunks = some.iter().flat_map(|set| set.chunks(256));
                    let chunks = chunks.map(|c| sum(&c.iter().map(|(x, y)| (x[i][j], y[i][j])).collect::<Vec<_>>()));
                    chunks.reduce(|a, b| a + b).expect("a set")
                })
                .collect();
            pairs(supers, |a, b| a + b).expect("a set")
        };
        let y = both(std::array::from_fn(|i| std::array::from_fn(|j| at(i, j))), three_results);
        for (i, row) in y.iter().enumerate() {
            for (j, y) in row.iter().enumerate() {
                put(g, b, [i, j], f, *y);
            }
        }
    });
    result.into_iter().map(|y| convert(ty.dt, Dt::F32, elem(y))).collect()
}
