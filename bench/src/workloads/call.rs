//! What it costs to call something that is compiled already.

use crate::measure::Bench;
use crate::models::*;
use cotangent::prelude::*;
use std::collections::BTreeMap;

/// The keys are strings that the program knows: as in the dictionary of the baseline, a copy of the tree shares them.
type Tree = BTreeMap<&'static str, Array>;

pub fn overhead(b: &mut Bench) {
    let x = scalar(1.0);
    let inc = jit(|x: &Array| x + 1);
    b.time("call.jit_add1_scalar", || inc(&x));
    // results are there when a call returns: to wait for each call changes nothing
    b.time("call.jit_add1_scalar.waited", || inc(&x));
    let both = jit(value_and_grad(poly));
    b.time("call.jit_vg_poly", || both(&x));
    let tree: Tree = (0..100).map(|i| (&*format!("p{i:03}").leak(), normal(&[8], i, 1.0))).collect();
    let bump = jit(|t: &Tree| tree::map(t, |v| v + 1));
    b.time("call.jit_tree100_to_tree100", || bump(&tree));
    let total = jit(|t: &Tree| tree::leaves(t).iter().map(|v| v.sum()).reduce(|a, b| a + b).expect("leaves"));
    b.time("call.jit_tree100_to_scalar", || total(&tree));
    b.time("call.tree_flatten100", || tree::flatten(&tree).0.swap_remove(0));
}
