//! Resident memory that the first run of a program adds at its peak, in a process of its own.

use crate::measure::Bench;
use crate::models::*;
use crate::process::{report_of_child, reset_peak, status_mib};
use cotangent::checkpoint;
use cotangent::prelude::*;
use cotangent::stages::lower;
use serde_json::{Map, Value, json};
use std::ops::Range;
use std::time::Instant;

/// Layers on a million numbers. A mean per layer keeps the layers from becoming one loop.
fn layers(x: &Array, which: Range<usize>, centred: bool) -> Array {
    let mut x = x.clone();
    for i in which {
        x = x.sin() * (1.0 + 0.01 * i as f64) + 0.1 * &x;
        if centred {
            x = &x - x.mean()
        }
    }
    x
}
/// A hundred of them, so many wrapped together if they are.
fn chain(x: &Array, centred: bool, together: Option<usize>) -> Array {
    let mut x = x.clone();
    match together {
        None => x = layers(&x, 0..100, centred),
        Some(n) => {
            for first in (0..100).step_by(n) {
                x = checkpoint(move |x: &Array| layers(x, first..first + n, centred))(&x)
            }
        }
    }
    x.powi(2).sum()
}

/// The program of this name, compiled.
fn program(which: &str) -> Box<dyn Fn() -> Vec<Array>> {
    if which == "mlp_step" {
        let (params, (x, labels)) = (mlp_params(), mlp_batch(128));
        let step = lower(sgd(mlp_loss, 1e-3), (&params, &x, &labels)).compile();
        return Box::new(move || tree::leaves(&step.call((&params, &x, &labels))));
    }
    let centred = which.starts_with("centred100");
    let together = match which.split_once("_ckpt_") {
        None => None,
        Some((_, "layers")) => Some(1),
        Some((_, "segments")) => Some(10),
        Some(_) => Some(100),
    };
    let x = normal(&[1_000_000], 0, 1.0);
    let gradient = lower(grad(move |x: &Array| chain(x, centred, together)), (&x,)).compile();
    Box::new(move || vec![gradient.call((&x,))])
}
/// Compiles the program, looks at the memory, as the baseline does, and runs the program twice. What comes into memory are also the pages of this program's own file
/// that are used for the first time (`files`).
pub fn first_run(which: &str) -> Value {
    let run = program(which);
    let (before, files) = (status_mib("VmRSS"), status_mib("RssFile"));
    reset_peak();
    let start = Instant::now();
    let out = run();
    let first = start.elapsed().as_secs_f64();
    let peak = status_mib("VmHWM");
    let files = status_mib("RssFile").zip(files).map(|(after, before)| after - before);
    // as in the baseline, the first result lives until the second is there
    let start = Instant::now();
    let again = run();
    let second = start.elapsed().as_secs_f64();
    drop((out, again));
    let delta = peak.zip(before).map(|(peak, before)| peak - before);
    json!({"delta": delta, "files": files, "before": before, "first_ms": first * 1e3, "second_ms": second * 1e3})
}

fn measured(b: &mut Bench, name: &str, which: &str) {
    if b.args.repeat.is_some() || b.compares(name, || program(which)()) {
        return;
    }
    match (0..3).map(|_| report_of_child(which)).collect::<Result<Vec<_>, _>>() {
        Err(why) => b.fail(name, &why),
        Ok(rows) => {
            let column = |key: &str| rows.iter().filter_map(|r| r[key].as_f64()).collect::<Vec<_>>();
            let best = |key: &str| column(key).into_iter().fold(f64::INFINITY, f64::min);
            if column("delta").is_empty() {
                return b.skip(name, "the resident memory of a process is not known on this system");
            }
            let mut info = Map::new();
            for (key, value) in
                [("files", "files"), ("rss_before", "before"), ("first_ms", "first_ms"), ("second_ms", "second_ms")]
            {
                let value = best(value);
                info.insert(key.into(), crate::measure::short(value));
            }
            b.emit(name, "rss_delta_peak", &column("delta"), "MiB", info)
        }
    }
}

macro_rules! programs { ($($name:ident)*) => { $(
    pub fn $name(b: &mut Bench) {
        measured(b, concat!("memory.", stringify!($name)), stringify!($name))
    }
)* } }
programs! {
    chain100 chain100_ckpt_segments chain100_ckpt_whole
    centred100 centred100_ckpt_layers centred100_ckpt_segments centred100_ckpt_whole
    mlp_step
}
