//! How fast the library is, workload by workload, under the names, metrics and units of `jax_baseline.py`, so that
//! `beside_jax.py` can put one beside the other.
//!
//!     cargo run --release -p cotangent-bench -- --only eager --threads 1

#![forbid(unsafe_code)]

mod args;
mod check;
mod measure;
mod models;
mod numbers;
mod process;
mod workloads;

use args::{Args, Parsed};
use measure::Bench;
use std::process::ExitCode;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // first of all: what a child process does is what is being measured
    if let [first, which, ..] = &given[..]
        && first == process::CHILD
    {
        return workloads::child(which, given.len() > 2);
    }
    let args = match Args::parse(&given) {
        Ok(Parsed::Run(args)) => args,
        Ok(Parsed::Help) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    if args.list {
        workloads::all().for_each(|w| println!("{}", w.name));
        return ExitCode::SUCCESS;
    }
    let mut bench = match Bench::new(process::pinned(args, &given)) {
        Ok(bench) => bench,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    for w in workloads::all() {
        bench.run(w)
    }
    workloads::skipped::all(&mut bench);
    bench.finish(workloads::skipped::covers);
    if bench.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
