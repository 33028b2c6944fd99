//! Programs that the baseline does not have, of other shapes and kinds: `jax_programs.py` has JAX's half of them, under the
//! same names and with the same numbers.

mod applied;
mod grids;
mod loops;
mod networks;
mod order;
mod rows;
mod single;
mod small;

use super::Workload;
use crate::measure::Bench;
use crate::models;
use crate::numbers::Random;
use cotangent::prelude::*;

/// All of them, in the order of `jax_programs.py`.
pub const ALL: &[Workload] = &[
    Workload { name: "program.rows", run: rows::all },
    Workload { name: "program.grids", run: grids::all },
    Workload { name: "program.order", run: order::all },
    Workload { name: "program.types", run: single::types },
    Workload { name: "program.functions", run: single::functions },
    Workload { name: "program.small", run: small::all },
    Workload { name: "program.layers", run: networks::all },
    Workload { name: "program.loops", run: loops::all },
    Workload { name: "program.applied", run: applied::all },
];

/// Measures what `jit` makes of a function of one array.
fn one<T: Pytree>(b: &mut Bench, name: &str, x: &Array, f: impl Fn(&Array) -> T + Send + Sync + 'static) {
    let f = jit(f);
    b.time(&format!("program.{name}"), || f(x))
}

/// Measures what `jit` makes of a function of two arrays.
fn two<T: Pytree>(
    b: &mut Bench,
    name: &str,
    x: &Array,
    y: &Array,
    f: impl Fn(&Array, &Array) -> T + Send + Sync + 'static,
) {
    let f = jit(f);
    b.time(&format!("program.{name}"), || f(x, y))
}

fn normal(shape: &[usize], seed: u32) -> Array {
    models::normal(shape, seed, 1.0)
}

fn integers(shape: &[usize], seed: u32, below: u32) -> Array {
    models::integers(shape, &mut Random::new(seed), below)
}

/// The last axis again, with extent 1.
fn kept(x: &Array) -> Array {
    cotangent::prim::expand_dims(x, &[x.ndim()])
}
