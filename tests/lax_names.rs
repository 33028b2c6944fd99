//! What `lax` has under JAX's names as compositions: boxes at positions of run time, parts, shapes, and folds by any function.

mod common;

use common::{same, told};
use cotangent::prelude::*;
use cotangent::{check_grads, lax, np, vmap};

fn counted(shape: &[usize]) -> Array {
    np::arange(shape.iter().product::<usize>() as i32).reshape(shape) * 7 % 11
}

#[test]
fn positions_count_from_the_end_and_are_moved_inside() {
    let x = counted(&[4, 5]);
    let inside = |i: i32, n: i32, size: i32| (if i < 0 { i + n } else { i }).clamp(0, n - size) as usize;
    let box_at = |i: &Array, j: &Array| lax::dynamic_slice(&x, &[i, j], &[2, 3]);
    let written = |i: &Array, j: &Array| lax::dynamic_update_slice(&x, &counted(&[2, 3]), &[i, j]);
    let (staged, staged_write) = (jit(box_at), jit(written));
    for (i, j) in (-9..9).flat_map(|i| [-7, -1, 0, 1, 9].map(|j| (i, j))) {
        let (p, q) = (inside(i, 4, 2), inside(j, 5, 3));
        let want = x.i((p..p + 2, q..q + 3));
        let update = x.at((p..p + 2, q..q + 3)).set(counted(&[2, 3]));
        let long = |i: i32| array(i).astype(DType::Int64);
        // numbers, beside typed ones, and values that only the run knows
        for (i, j) in [(array(i), array(j)), (long(i), array(j)), (long(i), long(j))] {
            same("a box", &box_at(&i, &j), &want);
            same("a box of run time", &staged(&i, &j), &want);
            same("a written box", &written(&i, &j), &update);
            same("a box written at run time", &staged_write(&i, &j), &update);
        }
    }
    let lanes = vmap(|i: &Array| lax::dynamic_index_in_dim(&x, i, 1, false))(&array![0, -1, 3]);
    same("lanes", &lanes, &np::stack(&[&x.i((.., 0)), &x.i((.., 4)), &x.i((.., 3))], 0));
    let unsigned = Array::from_slice(&[3u32], &[]);
    same("unsigned", &lax::dynamic_slice_in_dim(&x, &unsigned, 2, 0), &x.i(2..4));
}

#[test]
fn along_one_dimension() {
    let x = counted(&[3, 4, 2]);
    same("a slice", &lax::dynamic_slice_in_dim(&x, &array(-3), 2, 1), &x.i((.., 1..3)));
    same("kept", &lax::dynamic_index_in_dim(&x, &array(2), 0, true), &x.i(2..3));
    same(
        "written",
        &lax::dynamic_update_slice_in_dim(&x, &(-x.i((.., ..2))), &array(9), 1),
        &x.at((.., 2..)).set(-x.i((.., ..2))),
    );
    for update in [x.i((.., 0, ..)), x.i((.., 0..1, ..))] {
        same("one", &lax::dynamic_update_index_in_dim(&x, &update, &array(-1), 1), &x.at((.., 3)).set(x.i((.., 0))));
    }
    same("known", &lax::index_in_dim(&x, -2, 1, true), &x.i((.., 2..3)));
    same("known", &lax::index_in_dim(&x, 1, 2, false), &x.i((Ellipsis, 1)));
    let parts = lax::split(&x, &[1, 0, 3], 1);
    assert_eq!(parts.iter().map(|p| p.shape()[1]).collect::<Vec<_>>(), [1, 0, 3]);
    same("together", &np::concatenate(&parts.iter().collect::<Vec<_>>(), 1), &x);
    assert_eq!(lax::collapse(&x, 0, 3).shape(), [24]);
    assert_eq!(lax::collapse(&x, 1, 1).shape(), [3, 1, 4, 2]);
    same("repeated", &lax::broadcast(&x, &[2, 1]), &np::broadcast_to(&x, &[2, 1, 3, 4, 2]));
    let f = |x: &Array, i: &Array| lax::dynamic_update_index_in_dim(x, &(x.i(0) * x.i(1)), i, 0).powi(2);
    check_grads(
        |x: &Array| f(x, &array(-1)),
        (&np::linspace(0.5, 2.0, 12).astype(DType::Float64).reshape(&[3, 4]),),
        2,
    );
}

#[test]
fn folds_by_any_function() {
    let x = counted(&[3, 5, 4]) - 5;
    let add = |a: &Array, b: &Array| a + b;
    let zero = Array::from_slice(&[0i32], &[]);
    for dims in [&[0][..], &[1], &[2], &[0, 2], &[2, 0], &[0, 1, 2], &[]] {
        let mut sorted = dims.to_vec();
        sorted.sort();
        let y = lax::reduce(&x, &zero, add, dims);
        same("sums", &y, &lax::reduce_sum(&x, &sorted));
        same("sums, staged", &jit(|x: &Array| lax::reduce(x, &zero, add, dims))(&x), &y);
        let least = Array::from_slice(&[i32::MIN], &[]);
        same(
            "greatest",
            &lax::reduce(&x, &least, |a: &Array, b: &Array| a.maximum(b), dims),
            &lax::reduce_max(&x, &sorted),
        );
    }
    // a function that is associative and does not commute: the composition of maps x -> a x + b
    type Affine = (Array, Array);
    let after = |f: &Affine, g: &Affine| (&f.0 * &g.0, &g.0 * &f.1 + &g.1);
    let one = Array::from_slice(&[1i32], &[]);
    for n in 0..12 {
        let (a, b) = (counted(&[n, 2]) - 4, counted(&[n, 2]) * 3 % 7 - 3);
        let whole = lax::reduce(&(a.clone(), b.clone()), &(one.clone(), zero.clone()), after, &[0]);
        let mut sofar = (np::ones_dtype(&[2], DType::Int32), np::zeros_dtype(&[2], DType::Int32));
        for i in 0..n {
            sofar = after(&sofar, &(a.i(i), b.i(i)))
        }
        same("factors", &whole.0, &sofar.0);
        same("terms", &whole.1, &sofar.1);
    }
    let x = np::linspace(0.5, 2.0, 14).astype(DType::Float64).reshape(&[2, 7]);
    let one = Array::from_slice(&[1f64], &[]);
    let product = |x: &Array| lax::reduce(x, &one, |a: &Array, b: &Array| a * b, &[x.ndim() - 1]);
    check_grads(product, (&x,), 2);
    let lanes = vmap(product)(&x);
    same("lanes", &lanes, &product(&x));
    common::close("products", &lanes, &x.prod_over(1), 1e-14);
}

#[test]
fn mistakes() {
    let x = counted(&[3, 4]);
    told(ErrorKind::Shape, &["dynamic_slice: 1 positions for the 2 dimensions of int32[3,4]"], || {
        lax::dynamic_slice(&x, &[&array(0)], &[1, 1])
    });
    told(ErrorKind::Type, &["a position is an integer scalar, not of type float32[]"], || {
        lax::dynamic_slice_in_dim(&x, &array(0.5), 1, 0)
    });
    told(ErrorKind::Shape, &["dynamic_update_index_in_dim", "dimension 2 is out of bounds"], || {
        lax::dynamic_update_index_in_dim(&x, &x, &array(0), 2)
    });
    told(ErrorKind::Value, &["index_in_dim: position -4 is outside of dimension 0"], || {
        lax::index_in_dim(&x, -4, 0, true)
    });
    told(ErrorKind::Shape, &["split: parts of [1, 2] along dimension 1"], || lax::split(&x, &[1, 2], 1));
    told(ErrorKind::Shape, &["collapse: dimensions 1 to 3"], || lax::collapse(&x, 1, 3));
    told(ErrorKind::Shape, &["broadcast_to_rank: 1 dimensions"], || lax::broadcast_to_rank(&x, 1));
    let add = |a: &Array, b: &Array| a + b;
    told(ErrorKind::Shape, &["reduce: (0, 0) are not distinct dimensions of shape (3, 4)"], || {
        lax::reduce(&x, &Array::from_slice(&[0i32], &[]), add, &[0, 0])
    });
    told(ErrorKind::Type, &["reduce: an operand of type int32[3,4] with the initial value float32[]"], || {
        lax::reduce(&x, &Array::from_slice(&[0f32], &[]), add, &[0])
    });
    told(ErrorKind::Type, &["reduce: f makes float32[1,4] of elements of type int32[1,4]"], || {
        lax::reduce(&x, &Array::from_slice(&[0i32], &[]), |a: &Array, b: &Array| (a + b) * 0.5, &[0])
    });
}
