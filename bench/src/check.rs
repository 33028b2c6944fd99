//! Results beside the baseline's. `jax_results.py` writes a digest of what each of the baseline's measurements computes; here the same
//! digest is made of ours, for the same inputs, and compared. Whatever is not compared is said, too.

use cotangent::prelude::*;
use cotangent::prim::{imag, real};
use serde_json::Value;
use std::collections::BTreeMap;

/// The baseline's digests by name, and what has been found so far.
pub struct Check {
    expected: BTreeMap<String, Vec<Value>>,
    visited: Vec<String>,
}

/// How far a result may be away, relative to the greater of the number itself and the root of the mean square of its array; and of a sum,
/// relative to the root of the length times the norm. The first row whose name begins like the measurement's counts.
const TOLERANCES: &[(&str, f64, &str)] = &[
    // Random bits are the same bits; what is made of them passes through a logarithm at most.
    ("random.bits", 0.0, "bits"),
    ("random.split", 0.0, "bits"),
    ("random.uniform", 1e-9, "bits and exact operations; the digests have twelve digits"),
    // Over ten thousand steps the Lorenz equations make the last digit of the first step a thousand times larger, and a gradient
    // multiplies what the steps rounded.
    ("transform.lorenz", 2e-2, "chaos"),
    // A hundred times a mean of a million numbers is taken away that nearly cancel, and the gradient is a product of all layers: in
    // float64 it is 0.1% away from the baseline's and 0.5% from ours.
    ("memory.centred100", 1e-2, "cancellation"),
    // A vector moves by the rounding of the matrix divided by the distance of its value to the next.
    ("kernel.svd", 5e-3, "values close to each other"),
    // Here the two least values are 1.5e-6 of the greatest apart: one rounding of that turns their vectors by 8%.
    ("kernel.eigh", 1e-2, "values close to each other"),
    // Points lie 6e-4 apart around 1, and each place between two of them is a quotient of differences.
    ("program.order.interp", 1e-3, "differences of close numbers"),
    // Some of ten thousand random matrices of three by three, and of a thousand of eight by eight, are nearly singular.
    ("program.small.inv3", 2e-4, "matrices of condition 1e4"),
    ("program.small.solve8", 2e-4, "matrices of condition 1e4"),
    ("program.small.likelihood", 2e-4, "a matrix of condition 1e3"),
    ("", 2e-5, "some hundred roundings of float32"),
];
fn tolerance(name: &str) -> f64 {
    TOLERANCES.iter().find(|t| name.starts_with(t.0)).expect("a last row for all").1
}

/// What is compared of an array.
#[derive(Debug, PartialEq)]
struct Digest {
    dtype: String,
    shape: Vec<usize>,
    sum: f64,
    norm: f64,
    at: Vec<f64>,
}
impl Digest {
    /// With as many elements as the other side took.
    fn of(a: &Array, samples: usize) -> Digest {
        let wide = |a: &Array| a.astype(DType::Float64).to_vec::<f64>();
        let all: Vec<f64> = match a.dtype() {
            DType::Complex64 | DType::Complex128 => {
                wide(&real(a)).into_iter().zip(wide(&imag(a))).flat_map(|(r, i)| [r, i]).collect()
            }
            _ => wide(a),
        };
        let at = (0..samples).map(|i| i * (all.len() - 1) / (samples - 1).max(1)).map(|i| all[i]).collect();
        let norm = all.iter().map(|x| x * x).sum::<f64>().sqrt();
        Digest { dtype: a.dtype().name().to_string(), shape: a.shape().to_vec(), sum: all.iter().sum(), norm, at }
    }
    fn read(v: &Value) -> Option<Digest> {
        let extents = v["shape"].as_array()?.iter().map(|n| n.as_u64().map(|n| n as usize));
        Some(Digest {
            dtype: v["dtype"].as_str()?.to_string(),
            shape: extents.collect::<Option<_>>()?,
            sum: v["sum"].as_f64()?,
            norm: v["norm"].as_f64()?,
            at: v["at"].as_array()?.iter().map(Value::as_f64).collect::<Option<_>>()?,
        })
    }
    /// The greatest distance in the sense of [`TOLERANCES`], or why there is none.
    fn distance(&self, want: &Digest) -> Result<f64, String> {
        if (&self.dtype, &self.shape) != (&want.dtype, &want.shape) {
            return Err(format!("{}{:?} instead of {}{:?}", self.dtype, self.shape, want.dtype, want.shape));
        }
        let size = (want.shape.iter().product::<usize>() as f64).max(1.0);
        let rms = want.norm / size.sqrt();
        let far = |x: f64, y: f64, scale: f64| if x == y { 0.0 } else { (x - y).abs() / scale.max(f64::MIN_POSITIVE) };
        let each = self.at.iter().zip(&want.at).map(|(x, y)| far(*x, *y, rms.max(y.abs())));
        let sum = far(self.sum, want.sum, want.norm * size.sqrt());
        // sums of integers beyond 2^53 are rounded, here and there
        let whole = [sum, far(self.norm, want.norm, want.norm)].map(|d| if d < 1e-11 { 0.0 } else { d });
        let worst = each.chain(whole).fold(0.0, |worst: f64, d| if d > worst || d.is_nan() { d } else { worst });
        if worst.is_finite() { Ok(worst) } else { Err(format!("{self:?} instead of {want:?}")) }
    }
}

impl Check {
    /// The lines of `jax_results.py`.
    pub fn read(path: &str) -> Result<Check, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
        let mut expected = BTreeMap::new();
        for line in text.lines().filter(|l| !l.trim().is_empty()) {
            let v: Value = serde_json::from_str(line).map_err(|e| format!("{path}: {e}: {line}"))?;
            match (v["name"].as_str(), v["leaves"].as_array()) {
                (Some(name), Some(leaves)) => expected.insert(name.to_string(), leaves.clone()),
                _ => return Err(format!("{path}: no result: {line}")),
            };
        }
        Ok(Check { expected, visited: vec![] })
    }
    /// The distance of a result and the greatest that is allowed. `None`: the baseline has no such measurement.
    pub fn compare(&mut self, name: &str, ours: &[Array]) -> Option<Result<(f64, f64), String>> {
        self.visited.push(name.to_string());
        let want = self.expected.get(name)?;
        let all = || {
            if ours.len() != want.len() {
                return Err(format!("{} arrays instead of {}", ours.len(), want.len()));
            }
            let mut worst = 0.0;
            for (k, (a, w)) in ours.iter().zip(want).enumerate() {
                let w = Digest::read(w).ok_or_else(|| format!("array {k} of the baseline is not a digest: {w}"))?;
                let mine = Digest::of(a, w.at.len());
                let d = mine.distance(&w).map_err(|why| format!("array {k}: {why}"))?;
                if d > tolerance(name) {
                    return Err(format!(
                        "array {k} is {d:.1e} away, more than {:.1e}: {mine:?} instead of {w:?}",
                        tolerance(name)
                    ));
                }
                worst = d.max(worst)
            }
            Ok((worst, tolerance(name)))
        };
        Some(all())
    }
    /// What the baseline computes and nobody has compared.
    pub fn left(&self) -> Vec<String> {
        self.expected.keys().filter(|n| !self.visited.contains(n)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_found() {
        let a = Array::from_slice(&(0..100).map(|i| (i as f32).sin()).collect::<Vec<_>>(), &[10, 10]);
        let d = |a: &Array| Digest::of(a, 8);
        assert_eq!(d(&a).distance(&d(&a)), Ok(0.0));
        assert!(d(&a.t()).distance(&d(&a)).expect("alike") > 0.1);
        assert!(d(&(&a * 1.001)).distance(&d(&a)).expect("alike") > 5e-4);
        assert!(d(&(&a * f64::NAN)).distance(&d(&a)).is_err());
        assert!(
            d(&a.reshape(&[100])).distance(&d(&a)).is_err() && d(&a.astype(DType::Float64)).distance(&d(&a)).is_err()
        );
        // one element that no sample looks at
        let mut one = a.to_vec::<f32>();
        one[50] += 0.01;
        assert!(d(&Array::from_slice(&one, &[10, 10])).distance(&d(&a)).expect("alike") > 1e-5);
    }
}
