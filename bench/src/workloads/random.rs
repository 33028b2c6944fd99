//! Random numbers, compiled; and keys, split in a compiled program and without.

use crate::measure::{Bench, Work};
use cotangent::prelude::*;
use cotangent::random::{self, Key};

/// The measurement hands the same key to every call; a program would split it.
fn sampled(b: &mut Bench, name: &str, draw: fn(Key, &[usize]) -> Array) {
    if b.wants(name) {
        let (n, key) = (10_000_000, random::key(0));
        let f = jit(move |k: Key| draw(k, &[n]));
        b.time_work(name, Work::bytes(4.0 * n as f64).and_elems(n as f64), || f(key.share()))
    }
}

pub fn numbers(b: &mut Bench) {
    sampled(b, "random.normal.1e7", random::normal);
    sampled(b, "random.bits.1e7", random::bits);
    sampled(b, "random.uniform.1e7", random::uniform);
    let (n, key) = (10_000, random::key(0));
    let split = jit(move |k: Key| random::split_array(k, &[n]));
    let words = |k: Key| vec![random::key_data(&k)];
    let work = Work::default().and_elems(n as f64);
    b.time_beside("random.split.1e4", work, || split(key.share()), || words(split(key.share())));
    let two = || random::split_array(key.share(), &[2]);
    b.time_beside("random.split.2.eager", Work::default(), two, || words(two()));
}
