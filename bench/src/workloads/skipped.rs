//! What the baseline measures and cannot be expressed here yet, and why: nothing is left out in silence.

use crate::measure::Bench;

const SKIPPED: &[(&str, &str)] = &[
    ("startup.python", "there is no interpreter to start; see startup.process"),
    ("startup.import_numpy", "there is nothing to import"),
    ("startup.import_jax", "there is nothing to import"),
    ("kernel.numpy_matmul", "that is NumPy and not JAX"),
];

/// A line for each that is asked for.
pub fn all(b: &mut Bench) {
    for (name, why) in SKIPPED {
        b.skip(name, why)
    }
}

/// Is this a measurement of what was left out?
pub fn covers(name: &str) -> bool {
    SKIPPED.iter().any(|s| name == s.0 || name.strip_prefix(s.0).is_some_and(|rest| rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::{SKIPPED, covers};
    use crate::workloads::all;

    #[test]
    fn every_workload_that_the_baseline_names_is_measured_or_skipped() {
        let theirs = [include_str!("../../jax_baseline.py"), include_str!("../../jax_programs.py")];
        let names: Vec<&str> = theirs
            .iter()
            .flat_map(|f| f.lines())
            .filter_map(|l| l.strip_prefix("@workload(\"")?.strip_suffix("\")"))
            .collect();
        assert!(names.len() > 20, "{names:?}");
        let known = |name: &str| all().any(|w| w.name == name) || SKIPPED.iter().any(|s| s.0 == name);
        let lost: Vec<&&str> = names.iter().filter(|n| !known(n)).collect();
        assert!(lost.is_empty(), "{lost:?}");
        assert!(covers("kernel.numpy_matmul.64") && covers("startup.python") && !covers("startup.pythons"));
    }
}
