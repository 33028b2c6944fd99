//! Matrices of `faer` come in and go out.

use cotangent::io::faer::with_matrix;
use cotangent::prelude::*;
use faer::{Mat, MatRef};
use num_complex::Complex;

#[test]
fn matrices_come_in_whatever_their_layout() {
    let m = Mat::from_fn(2, 3, |i, j| (10 * i + j) as f32);
    let rows = "[[ 0.  1.  2.]\n [10. 11. 12.]]";
    assert_eq!(Array::from(m.as_ref()).to_string(), rows);
    assert_eq!(Array::from(m.transpose()).to_string(), "[[ 0. 10.]\n [ 1. 11.]\n [ 2. 12.]]");
    assert_eq!(Array::from(m.transpose().to_owned().transpose()).to_string(), rows);
    assert_eq!(Array::from(m.as_ref().reverse_rows()).to_string(), "[[10. 11. 12.]\n [ 0.  1.  2.]]");
    assert_eq!(Array::from(m.as_ref().submatrix(0, 1, 2, 2)).to_string(), "[[ 1.  2.]\n [11. 12.]]");
    assert_eq!(Array::from(Mat::<f64>::zeros(0, 3).as_ref()).shape(), [0, 3]);
}

#[test]
fn arrays_are_seen_as_matrices() {
    let x = array![[1., 2.], [3., 4.], [5., 6.]];
    let seen = with_matrix(&x, |m: MatRef<f32>| (m.nrows(), m.ncols(), m[(2, 0)], m.as_ptr() as usize)).unwrap();
    assert_eq!((seen.0, seen.1, seen.2), (3, 2, 5.0));
    assert_eq!(seen.3, x.with_slice(|s: &[f32]| s.as_ptr() as usize), "the array's own memory");
    let z = Array::from_slice(&[Complex::new(1f64, 2.0)], &[1, 1]);
    assert_eq!(with_matrix(&z, |m: MatRef<Complex<f64>>| m[(0, 0)]).unwrap(), Complex::new(1.0, 2.0));
    assert_eq!(with_matrix(&x, |_: MatRef<f64>| ()).unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(with_matrix(&array![1.], |_: MatRef<f32>| ()).unwrap_err().kind(), ErrorKind::Shape);
}
