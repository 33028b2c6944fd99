//! Data that lie in `ndarray` come in and go out with their shape, whatever their layout.

use cotangent::prelude::*;
use ndarray::{Array2, ArrayD, array as nd};

#[test]
fn arrays_come_in_by_rows_whatever_their_layout() {
    let x = nd![[1f32, 2., 3.], [4., 5., 6.]];
    assert_eq!(Array::from(&x).to_string(), "[[1. 2. 3.]\n [4. 5. 6.]]");
    assert_eq!(Array::from(&x.clone().reversed_axes()).to_string(), "[[1. 4.]\n [2. 5.]\n [3. 6.]]");
    let columns = Array2::from_shape_vec(ndarray::ShapeBuilder::f((2, 2)), vec![1i64, 2, 3, 4]).unwrap();
    let y = Array::from(&columns);
    assert_eq!((y.to_string(), y.dtype(), y.weak_type()), ("[[1 3]\n [2 4]]".to_string(), DType::Int64, false));
    assert_eq!(Array::from(&Array2::<f64>::zeros((0, 3))).shape(), [0, 3]);
}

#[test]
fn results_go_out() {
    let x = nd![1f64, 2., 3.];
    let g = grad(|x: &Array| (x * x).sum())(&Array::from(&x));
    let out: ArrayD<f64> = ArrayD::try_from(&g).unwrap();
    assert_eq!(out, (&x * 2.0).into_dyn());
}

#[test]
fn another_element_type_is_an_error() {
    let e = ArrayD::<f64>::try_from(&array![1f32, 2.]).unwrap_err();
    let text = e.to_string();
    assert!(text.contains("float32") && text.contains("float64"), "{text}");
    // under grad a value has a number, under jit it has none
    let f = |x: &Array| {
        assert_eq!(ArrayD::<f32>::try_from(x).map(|y| y.sum()).map_err(|e| e.kind()), Ok(1.0));
        x * x
    };
    assert_eq!(grad(f)(&array(1.0)).to_f64(), 2.0);
    let f = |x: &Array| {
        assert_eq!(ArrayD::<f32>::try_from(x).map(|y| y.sum()).map_err(|e| e.kind()), Err(ErrorKind::Concrete));
        x * x
    };
    assert_eq!(jit(f)(&array(1.0)).to_f64(), 1.0);
}

#[test]
fn views_in_both_directions() {
    let x = nd![[1f64, 2., 3.], [4., 5., 6.]];
    assert_eq!(Array::from(&x.slice(ndarray::s![.., ..;-2])).to_string(), "[[3. 1.]\n [6. 4.]]");
    assert_eq!(Array::from(&x.row(1)).to_string(), "[4. 5. 6.]");
    let y = array![[1., 2.], [3., 4.]];
    assert_eq!(y.with_ndarray(|v: ndarray::ArrayViewD<f32>| v[[1, 0]]), 3.0);
    // the view is the array's memory
    assert!(y.with_slice(|a: &[f32]| y.with_ndarray(|v: ndarray::ArrayViewD<f32>| a.as_ptr() == v.as_ptr())));
    assert_eq!(array(2.5).with_ndarray(|v: ndarray::ArrayViewD<f32>| v.sum()), 2.5);
}

#[test]
fn large_ones_come_in_as_they_are() {
    let address = |x: &Array| x.with_slice(|s: &[f64]| s.as_ptr() as usize);
    let make = || Array2::from_shape_fn((512, 256), |(i, j)| (i * 1000 + j) as f64);
    let (x, want) = (make(), Array::from(&make()));
    let at = x.as_ptr() as usize;
    let y = Array::from(x);
    assert_eq!((address(&y), y.shape(), y.to_vec::<f64>() == want.to_vec::<f64>()), (at, &[512, 256][..], true));
    // columns, and a part of a larger one
    let y = Array::from(make().reversed_axes());
    assert_eq!((y.shape(), y.i((3, 5)).to_f64()), (&[256, 512][..], 5003.0));
    let part = Array::from(make().slice_move(ndarray::s![100.., ..]));
    assert_eq!(
        (part.shape(), part.i((0, 7)).to_f64(), part.i((-1, -1)).to_f64()),
        (&[412, 256][..], 100007.0, 511255.0)
    );
    assert_eq!(Array::from(make().slice_move(ndarray::s![..2, 3..5])).to_string(), "[[   3.    4.]\n [1003. 1004.]]");
}
