//! Sampling and reporting: warm up, take samples that repeat the call until they last long enough, and print one JSON line with
//! the median, the best and what else is known.

use crate::args::Args;
use crate::check::Check;
use crate::process::{cpu_seconds, minor_faults};
use crate::workloads::Workload;
use cotangent::prelude::*;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

/// What a call does, for rates beside its time.
#[derive(Clone, Copy, Default)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes that must be read or written.
    pub bytes: f64,
    /// Elements.
    pub elems: f64,
    /// Steps within one call: the time reported is that of one step.
    pub steps: Option<u64>,
}
impl Work {
    /// This many floating-point operations.
    pub fn flops(flops: f64) -> Work {
        Work { flops, ..Default::default() }
    }
    /// This many bytes.
    pub fn bytes(bytes: f64) -> Work {
        Work { bytes, ..Default::default() }
    }
    /// And this many bytes.
    pub fn and_bytes(self, bytes: f64) -> Work {
        Work { bytes, ..self }
    }
    /// And this many elements.
    pub fn and_elems(self, elems: f64) -> Work {
        Work { elems, ..self }
    }
}

/// Runs workloads and prints what they measure.
pub struct Bench {
    /// The command line.
    pub args: Args,
    out: Option<File>,
    failed: bool,
    /// Is the workload that runs asked for by its own name? Then so are all its measurements.
    whole: bool,
    /// The baseline's results: then nothing is measured, but compared.
    check: Option<Check>,
}

impl Bench {
    /// With the file for the lines opened.
    pub fn new(args: Args) -> Result<Bench, String> {
        let open =
            |path: &String| File::options().create(true).append(true).open(path).map_err(|e| format!("{path}: {e}"));
        let out = args.json.as_ref().map(open).transpose()?;
        let check = args.check.as_ref().map(|path| Check::read(path)).transpose()?;
        Ok(Bench { args, out, failed: false, whole: true, check })
    }
    /// Has a workload failed?
    pub fn failed(&self) -> bool {
        self.failed
    }
    /// Runs a workload if it, or a measurement of its family, is asked for. An error ends the workload and not the run.
    pub fn run(&mut self, w: &Workload) {
        self.whole = self.args.selects(w.name);
        if !self.whole && !self.args.selects_inside(w.name) {
            return;
        }
        if let Err(error) = cotangent::catch(|| (w.run)(self)) {
            self.fail(w.name, &error.to_string())
        }
    }
    /// Says that a workload broke.
    pub fn fail(&mut self, name: &str, why: &str) {
        self.failed = true;
        self.line(json!({"name": name, "error": why}))
    }
    /// Says that a workload of the baseline cannot be expressed yet, and why.
    pub fn skip(&mut self, name: &str, why: &str) {
        if self.args.selects(name) && self.args.repeat.is_none() {
            self.line(json!({"name": name, "skipped": why}))
        }
    }
    /// Is this measurement asked for?
    pub fn wants(&self, name: &str) -> bool {
        self.whole || self.args.selects(name)
    }

    /// Are results compared instead? Then this one is.
    pub fn compares(&mut self, name: &str, result: impl FnOnce() -> Vec<Array>) -> bool {
        if self.check.is_none() {
            return false;
        }
        if self.wants(name) {
            let ours = result();
            match self.check.as_mut().expect("results of the baseline").compare(name, &ours) {
                Some(Ok((d, allowed))) => self.line(json!({"name": name, "distance": short(d), "allowed": allowed})),
                Some(Err(why)) => self.fail(name, &why),
                None => self.line(json!({"name": name, "unchecked": "the baseline has no such result"})),
            }
        }
        true
    }
    /// Says what the baseline computes and nobody has compared, though it was asked for. `skipped` has given its reasons already.
    pub fn finish(&mut self, skipped: impl Fn(&str) -> bool) {
        for name in self.check.as_ref().map(Check::left).unwrap_or_default() {
            if self.args.selects(&name) && !skipped(&name) {
                self.fail(&name, "the baseline computes this, and nothing was compared with it")
            }
        }
    }

    /// Measures a call. Its result is dropped within the time.
    pub fn time<T: Pytree>(&mut self, name: &str, call: impl FnMut() -> T) {
        self.time_work(name, Work::default(), call)
    }
    /// Measures a call of which it is known how much it does.
    pub fn time_work<T: Pytree>(&mut self, name: &str, work: Work, mut call: impl FnMut() -> T) {
        if !self.compares(name, || tree::leaves(&call())) {
            self.time_only(name, work, call)
        }
    }
    /// The same of a call whose result is not compared, but another.
    pub fn time_beside<T>(
        &mut self,
        name: &str,
        work: Work,
        call: impl FnMut() -> T,
        result: impl FnOnce() -> Vec<Array>,
    ) {
        if !self.compares(name, result) {
            self.time_only(name, work, call)
        }
    }
    fn time_only<T>(&mut self, name: &str, work: Work, mut call: impl FnMut() -> T) {
        if self.wants(name) {
            self.sample(name, work, &mut |n| {
                let start = Instant::now();
                for _ in 0..n {
                    black_box(call());
                }
                start.elapsed().as_secs_f64()
            })
        }
    }
    fn sample(&mut self, name: &str, work: Work, sample: &mut dyn FnMut(u64) -> f64) {
        if let Some(n) = self.args.repeat {
            sample(n);
            return;
        }
        let goal = self.args.min_sample;
        sample(1);
        let (mut n, mut t) = (1u64, sample(1));
        while t < goal && n < 1 << 32 {
            let wanted = (n as f64 * goal * 1.25 / t.max(1e-9)) as u64 + 1;
            n = wanted.min(n * 10).max(n + 1);
            t = sample(n)
        }
        let count = if t > 2.0 { 3 } else { ((self.args.budget / t) as usize).clamp(5, 25) };
        let steps = work.steps.unwrap_or(1);
        let calls = n as f64 * count as f64;
        let (faults, cpu, wall) = (minor_faults(), cpu_seconds(), Instant::now());
        let seconds: Vec<f64> = (0..count).map(|_| sample(n) / (n * steps) as f64).collect();
        let wall = wall.elapsed().as_secs_f64();
        let (med, best) = (median(&seconds), least(&seconds));
        let mut info = Map::new();
        info.insert("iters".into(), json!(n));
        if let (Some(before), Some(after)) = (cpu, cpu_seconds()) {
            info.insert("cpu".into(), short((after - before) / wall));
            info.insert("cpu_us".into(), short((after - before) / (calls * steps as f64) * 1e6));
        }
        if let (Some(before), Some(after)) = (faults, minor_faults()) {
            info.insert("minflt".into(), short((after - before) as f64 / calls));
        }
        let mut rate = |key: &str, amount: f64| {
            if amount > 0.0 {
                info.insert(key.into(), short(amount / med / 1e9));
                info.insert(format!("{key}_best"), short(amount / best / 1e9));
            }
        };
        rate("gflops", work.flops);
        rate("gbps", work.bytes);
        if work.elems > 0.0 {
            info.insert("ns_per_elem".into(), short(med / work.elems * 1e9));
            info.insert("ns_per_elem_best".into(), short(best / work.elems * 1e9));
        }
        let metric = if work.steps.is_some() { "time_per_step" } else { "time_per_call" };
        let us: Vec<f64> = seconds.iter().map(|s| s * 1e6).collect();
        self.emit(name, metric, &us, "us", info)
    }

    /// Prints the line of a measurement.
    pub fn emit(&mut self, name: &str, metric: &str, samples: &[f64], unit: &str, info: Map<String, Value>) {
        let med = median(samples);
        let mut line = json!({
            "name": name, "metric": metric, "value": short(med), "unit": unit, "n": samples.len(),
            "min": short(least(samples)), "median": short(med),
            "threads": if self.args.all_threads { "all" } else { "1" }, "pinned": self.args.pinned,
        });
        line.as_object_mut().expect("an object").extend(info);
        self.line(line)
    }
    fn line(&mut self, line: Value) {
        println!("{line}");
        if let Some(out) = &mut self.out
            && let Err(why) = writeln!(out, "{line}")
        {
            eprintln!("cannot write the lines: {why}");
            self.failed = true
        }
    }
}

/// The middle one, or the mean of the two in the middle.
pub fn median(samples: &[f64]) -> f64 {
    let mut s = samples.to_vec();
    s.sort_by(f64::total_cmp);
    (s[(s.len() - 1) / 2] + s[s.len() / 2]) / 2.0
}
fn least(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}
/// Five significant digits.
pub fn short(x: f64) -> Value {
    format!("{x:.4e}").parse::<f64>().map_or(Value::Null, Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_digits() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(short(0.000123456789).to_string(), "0.00012346");
        assert_eq!(short(f64::NAN), Value::Null);
    }
}
