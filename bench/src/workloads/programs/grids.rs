//! Neighbours in arrays: stencils, frames, shifts, mirrors.

use super::{normal, one};
use crate::measure::Bench;
use cotangent::prelude::*;
use cotangent::{lax, np};

fn laplace(x: &Array) -> Array {
    let n = x.shape()[0];
    let (low, inner, high) = (|| ..n - 2, || 1..n - 1, || 2..n);
    let sides = x.i((inner(), low())) + x.i((inner(), high())) + x.i((low(), inner())) + x.i((high(), inner()));
    x.at((inner(), inner())).add(0.1 * (sides - 4 * x.i((inner(), inner()))))
}
fn roll(x: &Array, shift: i64, axis: i32) -> Array {
    np::roll_axes(x, &[shift], &[axis])
}
fn turned(x: &Array) -> Array {
    roll(x, 1, 0) + roll(x, -1, 0) + roll(x, 1, 1) + roll(x, -1, 1) - 4 * x
}
fn life(x: &Array) -> Array {
    let row = roll(x, 1, 1) + x + roll(x, -1, 1);
    let n = roll(&row, 1, 0) + &row + roll(&row, -1, 0) - x;
    (n.equal(3) | (n.equal(2) & x.equal(1))).astype(DType::Int32)
}
fn total_variation(x: &Array) -> Array {
    let corner = x.i((..-1, ..-1));
    ((x.i((1.., ..-1)) - &corner).powi(2) + (x.i((..-1, 1..)) - &corner).powi(2) + 1e-3).sqrt().sum()
}

pub fn all(b: &mut Bench) {
    let x = normal(&[1024, 1024], 0);
    let small = normal(&[256, 256], 1);
    let cells = x.gt(0.5).astype(DType::Int32);
    let line = normal(&[1_000_000], 2);
    one(b, "grids.pad", &x, |x| np::pad(x, 1));
    one(b, "grids.pad_edge", &x, |x| np::Pad::edge().of(x, 1));
    one(b, "grids.roll", &x, |x| roll(x, 1, 1));
    one(b, "grids.flip", &x, |x| np::flip_axes(x, &[1]));
    one(b, "grids.flip.first", &x, |x| np::flip_axes(x, &[0]));
    let rows = |x: &Array| (x.i(1..) - x.i(..-1)).powi(2).sum();
    one(b, "grids.differences.rows", &x, rows);
    one(b, "grids.differences.rows.grad", &x, grad(rows));
    one(b, "grids.differences.columns.grad", &x, grad(|x: &Array| (x.i((.., 1..)) - x.i((.., ..-1))).powi(2).sum()));
    one(b, "grids.total_variation.grad", &x, grad(total_variation));
    one(b, "grids.laplace", &x, laplace);
    one(b, "grids.laplace.grad", &x, grad(|x: &Array| laplace(x).powi(2).sum()));
    one(b, "grids.turned", &x, turned);
    one(b, "grids.life", &cells, life);
    one(b, "grids.heat100", &small, |x| lax::fori_loop(0, 100, |_, x: &Array| x + 0.1 * turned(x), x));
    let heat = |x: &Array| {
        let turns = lax::Scan::new().length(20);
        turns.run(|x: &Array, _: &()| (x + 0.1 * turned(x), ()), x, &()).0.powi(2).sum()
    };
    one(b, "grids.heat20.grad", &small, grad(heat));
    one(b, "grids.moving_mean", &line, |x| np::convolve(x, &(np::ones(&[5]) / 5), np::Overlap::Same));
    one(b, "grids.diff", &line, np::diff);
    one(b, "grids.upwind", &line, |u| u - 0.1 * u * (u - np::roll(u, 1)));
    one(b, "grids.halves", &x, |x| {
        let (p, q) = (x.i((.., ..512)), x.i((.., 512..)));
        np::concatenate(&[&(&p * 0.5 - &q * 0.8), &(&p * 0.8 + &q * 0.5)], 1)
    });
    one(b, "grids.even_odd", &x, |x| x.i((.., s(..).step(2))) + x.i((.., s(1..).step(2))));
    one(b, "grids.stack", &x, |x| np::stack(&[x, &(x * 2)], -1));
    one(b, "grids.repeat", &x.i((..512, ..512)), |x| np::repeat(&np::repeat(x, 2, Some(0)), 2, Some(1)));
    one(b, "grids.tile", &small, |x| np::tile(x, &[4, 4]));
    one(b, "grids.mean_pool", &x, |x| np::over([1, 3]).mean(&x.reshape(&[512, 2, 512, 2])));
    one(b, "grids.to_patches", &x, |x| {
        np::permute_dims(&x.reshape(&[64, 16, 64, 16]), &[0, 2, 1, 3]).reshape(&[4096, 256])
    });
    one(b, "grids.trace", &x, np::trace);
    one(b, "grids.add_diagonal", &x, |x| x + 0.1 * np::identity(1024));
}
