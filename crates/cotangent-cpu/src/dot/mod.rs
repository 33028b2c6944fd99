//! The batched matrix product with a fixed order of summation (see [`DotSpec`]).
//!
//! An element of the result is a function of its row and its column only.

mod cast;
mod scalar;

use crate::{DotSpec, Dt};

/// A batch of matrices somewhere in memory: element `(t, i, j)` lies `t * batch + i * row + j * col` elements behind `ptr`.
/// Strides may be anything, also 0 and negative.
#[derive(Clone, Copy, Debug)]
pub struct Mat {
    /// Element (0, 0, 0).
    pub ptr: *const u8,
    /// From a matrix to the next, in elements.
    pub batch: isize,
    /// From a row to the next, in elements.
    pub row: isize,
    /// From a column to the next, in elements.
    pub col: isize,
}

/// `out[t, i, j] = sum over p of a[t, i, p] * b[t, p, j]`, in the order that `spec` fixes. `sizes` are `[batch, m, n, k]`.
///
/// Operands of type `src` are converted to `spec.acc`, and the sums from it to `out_dt`. `out` is dense `[batch, m, n]`.
///
/// # Safety
/// * For every `t < batch`, `i < m`, `p < k`, `j < n` the elements `(t, i, p)` of `a` and `(t, p, j)` of `b` must be initialized
///   elements of type `src`, valid for reads and aligned for it (a complex element: for its parts). If `batch`, `m` or `n`
///   is 0 nothing is read, and if `k` is 0 neither operand is.
/// * `out` must be valid for writes of `batch * m * n` elements of type `out_dt`, aligned in the same sense, and these bytes must
///   not overlap any element read. They need not be initialized.
/// * No offset in bytes may overflow `isize`.
pub unsafe fn dot(spec: DotSpec, src: Dt, out_dt: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { scalar::dot(spec, src, out_dt, sizes, a, b, out) }
}

/// `out = a * b` of dense matrices in row-major order, or of their transposes: `a` holds `[m, k]`, or `[k, m]` if transposed,
/// `b` holds `[k, n]` or `[n, k]`.
///
/// # Panics
/// If a slice does not have the length of its matrix.
pub fn matmul_f32(
    m: usize,
    n: usize,
    k: usize,
    a: &[f32],
    a_transposed: bool,
    b: &[f32],
    b_transposed: bool,
    out: &mut [f32],
) {
    let len = |x: usize, y: usize| x.checked_mul(y).expect("the size of a matrix overflows");
    assert_eq!(a.len(), len(m, k), "the left operand does not have {m} x {k} elements");
    assert_eq!(b.len(), len(k, n), "the right operand does not have {k} x {n} elements");
    assert_eq!(out.len(), len(m, n), "the result does not have {m} x {n} elements");
    let mat = |x: &[f32], rows: usize, cols: usize, transposed: bool| {
        let (row, col) = if transposed { (1, rows) } else { (cols, 1) };
        Mat { ptr: x.as_ptr().cast(), batch: 0, row: row as isize, col: col as isize }
    };
    let (a, b) = (mat(a, m, k, a_transposed), mat(b, k, n, b_transposed));
    // SAFETY: the lengths are checked, the slices are aligned and initialized, and `out` is borrowed mutably.
    unsafe {
        dot(DotSpec::for_sizes(n, Dt::F32), Dt::F32, Dt::F32, [1, m, n, k], a, b, out.as_mut_ptr().cast());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_product() {
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let mut out = [0.0; 4];
        matmul_f32(2, 2, 3, &a, false, &b, false, &mut out);
        assert_eq!(out, [4.0, 5.0, 10.0, 11.0]);
        matmul_f32(2, 2, 3, &a, true, &b, true, &mut out);
        assert_eq!(out, [1.0, 9.0, 2.0, 12.0]);
    }
}
