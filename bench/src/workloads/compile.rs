//! From a function to a program that can run: staged with its derivative, lowered, compiled, each by itself and all together; every time anew.

use crate::measure::{Bench, median, short};
use crate::models::*;
use cotangent::Jaxpr;
use cotangent::ahead::Lowered;
use cotangent::prelude::*;
use cotangent::{clear_caches, make_jaxpr};
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Instant;

/// How often; the first time, which is not counted, also fills what the process keeps for good.
const TIMES: usize = 12;

/// `stage` makes the program, `args` are what it is called with, and `result` is compared.
fn measured(
    b: &mut Bench,
    key: &str,
    stage: &dyn Fn() -> Arc<Jaxpr>,
    args: &[Array],
    result: impl FnOnce() -> Vec<Array>,
) {
    let name = format!("compile.{key}");
    if !b.wants(&name) || b.compares(&name, result) {
        return;
    }
    if let Some(n) = b.args.repeat {
        (0..n).for_each(|_| drop(Lowered::new(&stage()).compile()));
        return;
    }
    let args: Vec<&Array> = args.iter().collect();
    let mut rows: Vec<[f64; 4]> = vec![];
    let (mut equations, mut last) = (0, None);
    for _ in 0..TIMES {
        clear_caches();
        let begin = Instant::now();
        let since = |from: Instant| from.elapsed().as_secs_f64() * 1e3;
        let jaxpr = stage();
        let trace = since(begin);
        let lowered = Lowered::new(&jaxpr);
        let lower = since(begin) - trace;
        equations = lowered.equations();
        let compiled = lowered.compile();
        let total = since(begin);
        rows.push([trace, lower, total - trace - lower, total]);
        last = Some(compiled)
    }
    let run = Instant::now();
    drop(last.expect("a program").call(&args));
    let run = run.elapsed().as_secs_f64() * 1e3;
    let column = |k: usize| rows[1..].iter().map(|r| r[k]).collect::<Vec<_>>();
    for (k, metric) in ["trace", "lower", "compile", "total"].into_iter().enumerate() {
        let mut info = Map::new();
        info.insert("first".into(), short(rows[0][k]));
        info.insert("jaxpr_eqns".into(), json!(equations));
        info.insert("us_per_eqn".into(), short(median(&column(k)) * 1e3 / equations as f64));
        info.insert("first_run".into(), short(run));
        b.emit(&name, metric, &column(k), "ms", info)
    }
}

pub fn poly_vg(b: &mut Bench) {
    let x = scalar(2.0);
    measured(b, "poly_vg", &|| make_jaxpr(value_and_grad(poly), (&x,)), std::slice::from_ref(&x), || {
        tree::leaves(&jit(value_and_grad(poly))(&x))
    })
}

macro_rules! of_batch {
    ($b:ident, $name:literal, $f:expr, $params:expr, $batch:expr) => {{
        if !$b.wants(concat!("compile.", $name)) {
            return;
        }
        let (params, (x, y)) = ($params, $batch);
        let args = [tree::leaves(&params), vec![x.clone(), y.clone()]].concat();
        measured($b, $name, &|| make_jaxpr($f, (&params, &x, &y)), &args, || tree::leaves(&jit($f)(&params, &x, &y)))
    }};
}

pub fn mlp_step(b: &mut Bench) {
    of_batch!(b, "mlp_step", sgd(mlp_loss, 1e-3), mlp_params(), mlp_batch(128))
}
pub fn transformer12_grad(b: &mut Bench) {
    of_batch!(b, "transformer12_grad", value_and_grad(transformer_loss), transformer_params(12, 64), token_batch(4, 64))
}
pub fn rnn_scan_grad(b: &mut Bench) {
    let (params, xs) = (rnn_params(), normal(&[256, 32, 128], 5, 1.0));
    let args = [tree::leaves(&params), vec![xs.clone()]].concat();
    measured(b, "rnn_scan_grad", &|| make_jaxpr(value_and_grad(rnn_loss), (&params, &xs)), &args, || {
        tree::leaves(&jit(value_and_grad(rnn_loss))(&params, &xs))
    })
}
