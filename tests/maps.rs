//! Maps over devices. What a function gives on devices it gives under `vmap`, bit for bit; failures end every device.

mod common;

use common::{close, same, told};
use cotangent::devices::{Mesh, P, cpu};
use cotangent::prelude::*;
use cotangent::{ARG0, ARG1, Grad, Pmap, Vmap, grad_argnums, jvp, lax, pmap, shard_map, vjp, vmap};

type OfX = Box<dyn Fn(&Array) -> Array + Send + Sync>;

/// The function over devices and over lanes, eager and staged, gives the same bits.
#[track_caller]
fn both(what: &str, f: impl Fn(&Array) -> Array + Send + Sync + Copy, x: &Array) -> Array {
    let lanes = Vmap::new().axis_name("i").of(f)(x);
    same(what, &Pmap::new().axis_name("i").of(f)(x), &lanes);
    same(what, &jit(Pmap::new().axis_name("i").of(f))(x), &lanes);
    same(what, &Pmap::new().axis_name("i").of(jit(f))(x), &lanes);
    lanes
}
fn data(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| ((i * 37 % 101) as f64 * 0.731).sin() * 3.0).collect::<Vec<_>>(), shape)
}
fn data32(shape: &[usize]) -> Array {
    data(shape).astype(DType::Float32)
}
const AROUND: [(usize, usize); 4] = [(0, 1), (1, 2), (2, 3), (3, 0)];

#[test]
fn every_collective_gives_the_bits_of_vmap() {
    for x in [data(&[4, 4, 3]), data32(&[4, 4, 3])] {
        both("psum", |x| x * lax::psum(x, "i"), &x);
        both("pmean", |x| x - lax::pmean(x, "i"), &x);
        both("pmax", |x| x - lax::pmax(x, "i"), &x);
        both("pmin", |x| x - lax::pmin(x, "i"), &x);
        both("ppermute", |x| lax::ppermute(x, "i", &AROUND), &x);
        both("ppermute", |x| lax::ppermute(x, "i", &[(1, 3)]), &x);
        both("all_gather", |x| lax::all_gather(x, "i", 0), &x);
        both("all_gather", |x| lax::all_gather(x, "i", 2), &x);
        both("psum_scatter", |x| lax::psum_scatter(x, "i", 0), &x);
        both("all_to_all", |x| lax::all_to_all(x, "i", 0, 1), &x);
        both("axis_index", |x| x * lax::axis_index("i"), &x);
        both("axis_size", |x| x * lax::axis_size("i"), &x);
        both("pvary", |x| x + lax::pvary(&lax::psum(x, "i"), "i"), &x);
        both("shared", |x| x + lax::psum(0.1, "i"), &x);
    }
    // as many as fold in blocks
    for n in [1, 2, 3, 7, 9, 17, 70] {
        both("psum", |x| lax::psum(x, "i"), &data32(&[n, 5]));
        both("psum of numbers", |x| lax::psum(x * x, "i"), &data32(&[n]));
    }
}
