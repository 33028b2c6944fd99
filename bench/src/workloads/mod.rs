//! The workloads, in the order and under the names of the baseline.

mod call;
mod compile;
mod conv;
mod eager;
mod kernel;
mod linalg;
mod loops;
mod memory;
mod programs;
mod random;
pub mod skipped;
mod startup;
mod train;
mod transform;

use crate::measure::Bench;
use crate::process;
use serde_json::json;
use std::process::ExitCode;

/// Measurements that belong together.
pub struct Workload {
    /// Its name in the baseline.
    pub name: &'static str,
    /// Sets up and measures.
    pub run: fn(&mut Bench),
}

/// Those of the baseline.
const BASELINE: &[Workload] = &[
    Workload { name: "startup.process", run: startup::process },
    Workload { name: "startup.seed_eager", run: startup::seed_eager },
    Workload { name: "startup.seed_jit", run: startup::seed_jit },
    Workload { name: "eager.add", run: eager::add },
    Workload { name: "eager.sin", run: eager::sin },
    Workload { name: "eager.grad_poly", run: eager::grad_poly },
    Workload { name: "eager.vg_logistic", run: eager::vg_logistic },
    Workload { name: "eager.grad3_tanh", run: eager::grad3_tanh },
    Workload { name: "eager.vmap_grad_poly", run: eager::vmap_grad_poly },
    Workload { name: "eager.mlp_step", run: eager::mlp_step },
    Workload { name: "compile.poly_vg", run: compile::poly_vg },
    Workload { name: "compile.mlp_step", run: compile::mlp_step },
    Workload { name: "compile.transformer12_grad", run: compile::transformer12_grad },
    Workload { name: "compile.rnn_scan_grad", run: compile::rnn_scan_grad },
    Workload { name: "call.overhead", run: call::overhead },
    Workload { name: "kernel.chain", run: kernel::chain },
    Workload { name: "kernel.add1_large", run: kernel::add1_large },
    Workload { name: "kernel.unary", run: kernel::unary },
    Workload { name: "kernel.reduce", run: kernel::reduce },
    Workload { name: "kernel.layout", run: kernel::layout },
    Workload { name: "kernel.matmul", run: kernel::matmul },
    Workload { name: "kernel.conv", run: conv::kernel },
    Workload { name: "kernel.pool", run: conv::windows },
    Workload { name: "kernel.embedding", run: kernel::embedding },
    Workload { name: "kernel.sort_scan", run: kernel::prefix },
    Workload { name: "kernel.linalg", run: linalg::factorizations },
    Workload { name: "kernel.fft", run: linalg::transform },
    Workload { name: "linalg", run: linalg::sizes },
    Workload { name: "train.linreg4", run: train::linreg },
    Workload { name: "train.logistic", run: train::logistic },
    Workload { name: "train.mlp", run: train::mlp },
    Workload { name: "train.cnn", run: conv::cnn },
    Workload { name: "train.transformer", run: train::transformer },
    Workload { name: "train.rnn", run: train::recurrent },
    Workload { name: "transform.per_example", run: transform::per_example },
    Workload { name: "transform.hessian", run: transform::hessian },
    Workload { name: "transform.hvp", run: transform::hvp },
    Workload { name: "transform.nbody", run: transform::nbody },
    Workload { name: "transform.ode", run: loops::lorenz },
    Workload { name: "random", run: random::numbers },
    Workload { name: "memory.chain100", run: memory::chain100 },
    Workload { name: "memory.chain100_ckpt_segments", run: memory::chain100_ckpt_segments },
    Workload { name: "memory.chain100_ckpt_whole", run: memory::chain100_ckpt_whole },
    Workload { name: "memory.centred100", run: memory::centred100 },
    Workload { name: "memory.centred100_ckpt_layers", run: memory::centred100_ckpt_layers },
    Workload { name: "memory.centred100_ckpt_segments", run: memory::centred100_ckpt_segments },
    Workload { name: "memory.centred100_ckpt_whole", run: memory::centred100_ckpt_whole },
    Workload { name: "memory.mlp_step", run: memory::mlp_step },
];

/// All of them, and after them the programs that the baseline does not have.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    BASELINE.iter().chain(programs::ALL)
}

/// The programs that run in a process of their own. With `report` the process says at its end what it has used.
pub fn child(which: &str, report: bool) -> ExitCode {
    let told = match which {
        "process" => json!({}),
        "seed_eager" => startup::descend(false),
        "seed_jit" => startup::descend(true),
        _ if ["chain100", "centred100", "mlp_step"].iter().any(|p| which.starts_with(p)) => memory::first_run(which),
        _ => {
            eprintln!("there is no program {which}");
            return ExitCode::from(2);
        }
    };
    if report {
        let mut told = told;
        let own = told.as_object_mut().expect("an object");
        own.insert("peak_rss".into(), json!(process::status_mib("VmHWM")));
        own.insert("cpu_s".into(), json!(process::cpu_seconds()));
        eprintln!("{told}")
    }
    ExitCode::SUCCESS
}
