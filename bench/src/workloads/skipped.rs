//! What the baseline measures and cannot be expressed here yet, and why: nothing is left out in silence.

use crate::measure::Bench;

const COMPILE: &str = "the stages of a compilation cannot be run one by one, nor compiled programs be forgotten";

const SKIPPED: &[(&str, &str)] = &[
    ("startup.python", "there is no interpreter to start; see startup.process"),
    ("startup.import_numpy", "there is nothing to import"),
    ("startup.import_jax", "there is nothing to import"),
    ("compile.poly_vg", COMPILE),
    ("compile.mlp_step", COMPILE),
    ("compile.transformer12_grad", COMPILE),
    ("compile.rnn_scan_grad", COMPILE),
    ("kernel.numpy_matmul", "that is NumPy and not JAX"),
    ("kernel.conv", "there is no convolution yet"),
    ("kernel.embedding", "there is no indexing by arrays with its own name yet"),
    ("kernel.sort.1e6", "there is no sort yet"),
    ("kernel.argsort.1e6", "there is no sort yet"),
    ("train.cnn", "there is no convolution yet"),
    ("train.transformer", "waits for indexing, softmax and gelu under their own names"),
];

/// A line for each that is asked for.
pub fn all(b: &mut Bench) {
    for (name, why) in SKIPPED {
        b.skip(name, why)
    }
}

#[cfg(test)]
mod tests {
    use super::SKIPPED;
    use crate::workloads::ALL;

    #[test]
    fn every_workload_that_the_baseline_names_is_measured_or_skipped() {
        let baseline = include_str!("../../jax_baseline.py");
        let names: Vec<&str> =
            baseline.lines().filter_map(|l| l.strip_prefix("@workload(\"")?.strip_suffix("\")")).collect();
        assert!(names.len() > 20, "{names:?}");
        let known = |name: &str| ALL.iter().any(|w| w.name == name) || SKIPPED.iter().any(|s| s.0 == name);
        let lost: Vec<&&str> = names.iter().filter(|n| !known(n)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
