//! Vectors that are fixed only up to sign or phase.
//!
//! Eigenvectors, singular vectors and the factors of a QR decomposition may be multiplied by any number of modulus 1, column by column (or row
//! by row where they are stored so). Two results that differ in nothing else are aligned here. Because a constant phase passes through every
//! derivative, tangents are aligned by the same factors, and cotangents are turned the other way before they go in; then the
//! cotangents of the inputs must agree as if the vectors had.

use cotangent::jaxpr::json::ArrayData;

use crate::number::{Kind, kind, numbers, with_numbers};

/// The factors by which the vectors of one array differ from those of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    /// Are the vectors the rows of the matrices, rather than the columns?
    rows: bool,
    /// For each vector of each matrix, in order: found / expected.
    factors: Vec<[f64; 2]>,
}

/// The rows and columns of the matrices that an array is made of, or nothing if it has too few axes.
fn matrix(array: &ArrayData) -> Option<[usize; 2]> {
    array.shape.last_chunk::<2>().copied()
}

/// The vector to which each element belongs.
fn owners(array: &ArrayData, rows: bool) -> Option<Vec<usize>> {
    let [m, n] = matrix(array)?;
    let of = |i: usize| if rows { i / n } else { i / (m * n) * n + i % n };
    Some((0..array.len()).map(of).collect())
}

impl Phases {
    /// The factors that explain best how `found` differs from `expected`, or nothing where there can be none.
    pub fn between(expected: &ArrayData, found: &ArrayData) -> Option<Phases> {
        let comparable = |a: &ArrayData| matches!(kind(&a.dtype), Kind::Real | Kind::Complex);
        if expected.dtype != found.dtype
            || expected.shape != found.shape
            || !comparable(expected)
            || expected.is_empty()
        {
            return None;
        }
        let (want, got) = (numbers(expected), numbers(found));
        let attempt = |rows| {
            let owners = owners(expected, rows)?;
            let mut factors = vec![[0.0; 2]; owners.iter().max()? + 1];
            for ((w, g), &owner) in want.iter().zip(&got).zip(&owners) {
                let product = times(*g, conj(*w));
                factors[owner] = [factors[owner][0] + product[0], factors[owner][1] + product[1]];
            }
            for factor in &mut factors {
                let size = factor[0].hypot(factor[1]);
                *factor =
                    if size > 0.0 && size.is_finite() { [factor[0] / size, factor[1] / size] } else { [1.0, 0.0] };
            }
            let error: f64 = want
                .iter()
                .zip(&got)
                .zip(&owners)
                .map(|((w, g), &owner)| {
                    let turned = times(*w, factors[owner]);
                    (g[0] - turned[0]).powi(2) + (g[1] - turned[1]).powi(2)
                })
                .sum();
            Some((error, Phases { rows, factors }))
        };
        let (columns, rows) = (attempt(false)?, attempt(true)?);
        Some(if rows.0 < columns.0 { rows.1 } else { columns.1 })
    }

    /// Takes the factors out of an array of the same shape: of results, of tangents, and of cotangents before they go in.
    pub fn remove(&self, array: &ArrayData) -> Option<ArrayData> {
        let owners = owners(array, self.rows)?;
        // Nothing to turn: not even the sign of a zero.
        if self.factors.iter().all(|f| *f == [1.0, 0.0]) {
            return Some(array.clone());
        }
        if array.is_empty() || owners.iter().max()? + 1 != self.factors.len() {
            return None;
        }
        let turned: Vec<_> =
            numbers(array).iter().zip(owners).map(|(z, owner)| times(*z, conj(self.factors[owner]))).collect();
        with_numbers(array, &turned)
    }
}

fn times(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

fn conj(a: [f64; 2]) -> [f64; 2] {
    [a[0], -a[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(shape: &[usize], values: &[f64]) -> ArrayData {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        ArrayData { dtype: "float64".into(), shape: shape.to_vec(), weak: false, bytes }
    }

    #[test]
    fn signs_of_columns_and_rows() {
        let want = real(&[2, 2], &[1.0, 2.0, 3.0, 5.0]);
        let columns = real(&[2, 2], &[-1.0, 2.0, -3.0, 5.0]);
        let rows = real(&[2, 2], &[1.0, 2.0, -3.0, -5.0]);
        for got in [&columns, &rows] {
            assert_eq!(Phases::between(&want, got).unwrap().remove(got).unwrap(), want);
        }
        let other = real(&[2, 2], &[1.0, -2.0, -3.0, -5.0]);
        assert_ne!(Phases::between(&want, &other).unwrap().remove(&other).unwrap(), want);
        assert!(Phases::between(&real(&[2], &[1.0, 2.0]), &real(&[2], &[1.0, 2.0])).is_none());
    }

    #[test]
    fn phases_of_stacked_complex_columns() {
        let complex = |values: &[[f64; 2]]| ArrayData {
            dtype: "complex128".into(),
            ..real(&[2, 1, 2], &values.iter().flatten().copied().collect::<Vec<_>>())
        };
        let want = complex(&[[1.0, 0.0], [0.0, 2.0], [3.0, 4.0], [1.0, 1.0]]);
        let got = complex(&[[0.0, 1.0], [0.0, -2.0], [-4.0, 3.0], [1.0, 1.0]]);
        assert_eq!(numbers(&Phases::between(&want, &got).unwrap().remove(&got).unwrap()), numbers(&want));
    }
}
