//! Products summed over dimensions: shapes, types and values against NumPy's and JAX's, and the promises of a primitive.

mod common;

use common::{close, same};
use cotangent::prelude::*;
use cotangent::{make_jaxpr, np, prim};

/// 0, 1, .. as float32.
fn count(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<_>>(), shape)
}

#[test]
fn orders_of_dimensions() {
    // the definition, by loops, for groups whose strides chain and for such whose strides do not
    let (x, y) = (count(&[2, 3, 4, 5]), count(&[5, 3, 2, 4]));
    let out = prim::dot_general(&x, &y, (&[3, 1], &[0, 1]), (&[2, 0], &[3, 2]), None);
    assert_eq!(out.shape(), [4, 2]);
    let (a, b) = (x.to_vec::<f32>(), y.to_vec::<f32>());
    for i in 0..4 {
        for j in 0..2 {
            let mut sum = 0.0;
            for k in 0..5 {
                for l in 0..3 {
                    sum += a[((j * 3 + l) * 4 + i) * 5 + k] * b[((k * 3 + l) * 2 + j) * 4 + i];
                }
            }
            assert_eq!(out.to_vec::<f32>()[i * 2 + j], sum);
        }
    }
}

#[test]
fn shapes_of_dot() {
    let shape = |x: &[usize], y: &[usize]| np::dot(&count(x), &count(y)).shape().to_vec();
    assert!(shape(&[], &[]).is_empty());
    assert_eq!(shape(&[2, 3], &[]), [2, 3]);
    assert_eq!(shape(&[], &[2]), [2]);
    assert!(shape(&[3], &[3]).is_empty());
    assert_eq!(shape(&[2, 3], &[3]), [2]);
    assert_eq!(shape(&[3], &[3, 4]), [4]);
    assert_eq!(shape(&[3], &[5, 3, 4]), [5, 4]);
    assert_eq!(shape(&[3, 2, 4], &[3, 4, 1]), [3, 2, 3, 1]);
    assert_eq!(shape(&[2, 0], &[0, 3]), [2, 3]);
}

#[test]
fn shapes_of_matmul() {
    let check = |x: &[usize], y: &[usize], want: &[usize]| {
        let (a, b) = (count(x), count(y));
        let out = np::matmul(&a, &b);
        assert_eq!(out.shape(), want, "{x:?} by {y:?}");
        // each element, with batches broadcast
        let (m, k) = (if x.len() > 1 { x[x.len() - 2] } else { 1 }, x[x.len() - 1]);
        let n = if y.len() > 1 { y[y.len() - 1] } else { 1 };
        let (bx, by) = (&x[..x.len().saturating_sub(2)], &y[..y.len().saturating_sub(2)]);
        let batch = cotangent::array::broadcast_shapes(&[bx, by]).unwrap();
        let a = np::broadcast_to(&count(x).reshape(&[bx, &[m, k]].concat()), &[&batch[..], &[m, k]].concat());
        let b = np::broadcast_to(&count(y).reshape(&[by, &[k, n]].concat()), &[&batch[..], &[k, n]].concat());
        let (a, b, out) = (a.to_vec::<f32>(), b.to_vec::<f32>(), out.to_vec::<f32>());
        for t in 0..batch.iter().product() {
            for i in 0..m {
                for j in 0..n {
                    let sum: f32 = (0..k).map(|l| a[(t * m + i) * k + l] * b[(t * k + l) * n + j]).sum();
                    assert_eq!(out[(t * m + i) * n + j], sum, "{x:?} by {y:?} at {t} {i} {j}");
                }
            }
        }
    };
    check(&[3], &[3], &[]);
    check(&[2, 3], &[3], &[2]);
    check(&[3], &[3, 2], &[2]);
    check(&[2, 3], &[3, 4], &[2, 4]);
    check(&[5, 2, 3], &[3, 4], &[5, 2, 4]);
    check(&[2, 3], &[5, 3, 4], &[5, 2, 4]);
    check(&[5, 2, 3], &[5, 3, 4], &[5, 2, 4]);
    check(&[1, 2, 3], &[1, 3, 4], &[1, 2, 4]);
    check(&[6, 1, 2, 3], &[5, 3, 4], &[6, 5, 2, 4]);
    check(&[1, 5, 2, 3], &[6, 1, 3, 4], &[6, 5, 2, 4]);
    check(&[6, 1, 5, 2, 3], &[1, 1, 5, 3, 1], &[6, 1, 5, 2, 1]);
    check(&[3], &[5, 3, 4], &[5, 4]);
    check(&[5, 2, 3], &[3], &[5, 2]);
}

#[test]
fn types() {
    let of = |x: &Array, y: &Array| {
        let z = np::dot(x, y);
        (z.dtype(), z.weak_type())
    };
    let typed = |t: DType| count(&[2]).astype(t);
    assert_eq!(of(&typed(DType::Int32), &typed(DType::Float32)), (DType::Float32, false));
    assert_eq!(of(&typed(DType::Float16), &typed(DType::BFloat16)), (DType::Float32, false));
    assert_eq!(of(&typed(DType::Int8), &typed(DType::Uint8)), (DType::Int16, false));
    assert_eq!(of(&typed(DType::Float32), &typed(DType::Complex64)), (DType::Complex64, false));
    assert_eq!(of(&typed(DType::Bool), &typed(DType::Bool)), (DType::Bool, false));
    assert_eq!(of(&typed(DType::Float16), &array(2.0)), (DType::Float16, false));
    assert_eq!(of(&array(3), &array(2.0)), (DType::Float32, true));
}

#[test]
fn the_other_products() {
    let x = array![[1., 2.], [3., 4.]];
    assert_eq!(np::vdot(&x, &x).to_f64(), 30.0);
    let i = num_complex::Complex::new(0f32, 1.0);
    let z = array(vec![i, i * 2.0]);
    assert_eq!(np::vdot(&z, &z).item::<num_complex::Complex<f32>>().re, 5.0);
    assert_eq!(np::dot(&z, &z).item::<num_complex::Complex<f32>>().re, -5.0);
    assert_eq!(np::inner(&count(&[2, 3]), &count(&[5, 3])).shape(), [2, 5]);
    assert_eq!(np::inner(&x, &array(2.0)).to_string(), "[[2. 4.]\n [6. 8.]]");
    assert_eq!(np::outer(&x, &array![1, 10]).to_string(), "[[ 1. 10.]\n [ 2. 20.]\n [ 3. 30.]\n [ 4. 40.]]");
    assert_eq!(np::tensordot(&x, &x, 0).shape(), [2, 2, 2, 2]);
    assert_eq!(np::tensordot(&x, &x, 2).to_f64(), 30.0);
    assert_eq!(np::tensordot(&x, &x, ([0, 1], [1, 0])).to_f64(), 1. + 6. + 6. + 16.);
    assert_eq!(np::tensordot(&x, &x, (-1, -1)).to_string(), "[[ 5. 11.]\n [11. 25.]]");
}

#[test]
fn traces() {
    let x = array![[1., 2.], [3., 4.]];
    assert_eq!(x.trace().to_f64(), 5.0);
    assert_eq!(np::trace(&count(&[2, 3])).to_f64(), 4.0);
    assert_eq!(np::trace(&count(&[2, 2, 2])).to_string(), "[6. 8.]");
    assert_eq!(np::trace(&x.astype(DType::Uint8)).dtype(), DType::Uint32);
    // infinities off the diagonal stay out of it, and of its derivative
    let y = array![[1., f64::INFINITY], [f64::NAN, 4.]];
    assert_eq!(y.trace().to_f64(), 5.0);
    assert_eq!(grad(|x: &Array| x.trace())(&y).to_string(), "[[1. 0.]\n [0. 1.]]");
    // W W^T has the derivative 2 W
    let f = |w: &Array| w.dot(&w.t()).trace();
    let (v, g) = value_and_grad(f)(&x);
    assert_eq!((v.to_f64(), g.to_string()), (30.0, "[[2. 4.]\n [6. 8.]]".to_string()));
}

#[test]
fn batching_is_in_the_dimension_numbers() {
    let x = count(&[2, 3]);
    let f = cotangent::vmap(|a: &Array| a.dot(a));
    assert_eq!(f(&x).to_string(), "[ 5. 50.]");
    let names: Vec<_> = make_jaxpr(f, (&x,)).primitives().collect();
    assert_eq!(names, ["dot_general"]);
    // one mapped operand is one free dimension more: no copy of the other is made
    let w = count(&[3, 4]);
    let right = cotangent::vmap_axes(|a: &Array, w: &Array| a.dot(w), (0, None), 0);
    same("left", &right(&x, &w), &x.dot(&w));
    let names: Vec<_> = make_jaxpr(right, (&x, &w)).primitives().collect();
    assert_eq!(names, ["dot_general"]);
}

#[test]
fn second_derivatives() {
    // of x' A x: A + A'
    let a = array![[1., 2.], [3., 5.]];
    let h = cotangent::hessian(|x: &Array| x.dot(&a).dot(x))(&array![0.5, -1.0]);
    assert_eq!(h.to_string(), "[[ 2.  5.]\n [ 5. 10.]]");
    let x = array![0.5, -1.0];
    close("grad of jit", &grad(jit(|x: &Array| x.dot(&a).dot(x)))(&x), &array![-4.0, -7.5], 0.0);
}

#[test]
fn cotangents_have_the_operands_types() {
    // half precision summed and returned as float32: back it goes as half precision
    let (x, y) = (array![[1., 2.], [3., 4.]].astype(DType::Float16), array![0.5, 1.5].astype(DType::Float16));
    let f = |x: &Array, y: &Array| prim::dot_general(x, y, (&[1], &[0]), (&[], &[]), Some(DType::Float32)).sum();
    let (dx, dy) = cotangent::grad_argnums(f, (cotangent::ARG0, cotangent::ARG1))(&x, &y);
    assert_eq!(format!("{dx:?}"), "Array([[0.5, 1.5],\n       [0.5, 1.5]], dtype=float16)");
    assert_eq!(format!("{dy:?}"), "Array([4., 6.], dtype=float16)");
    // a real operand beside a complex one has a real derivative
    let z = array(vec![num_complex::Complex::new(1f32, 2.0), num_complex::Complex::new(3.0, 4.0)]);
    let g = grad(|x: &Array| prim::real(&x.dot(&z)))(&array![1., 1.]);
    assert_eq!(format!("{g:?}"), "Array([1., 3.], dtype=float32)");
}

#[test]
fn mistakes_name_shapes_and_extents() {
    let text = |f: &dyn Fn() -> Array| catch(f).unwrap_err().message().to_string();
    let (x, y) = (count(&[2, 3]), count(&[4, 5]));
    assert_eq!(
        text(&|| x.dot(&y)),
        "dot: shapes (2, 3) and (4, 5) do not fit: dimension 1 of the first has extent 3, dimension 0 of the second 4"
    );
    assert!(
        text(&|| x.matmul(&y)).contains("matmul: shapes (2, 3) and (4, 5) do not fit"),
        "{}",
        text(&|| x.matmul(&y))
    );
    assert!(text(&|| count(&[2, 3, 4]).matmul(&count(&[5, 4, 3]))).contains("batches (2,) and (5,) do not broadcast"));
    assert!(text(&|| x.matmul(&array(2.0))).contains("the second operand is a scalar"));
    assert!(text(&|| np::tensordot(&x, &y, 3)).contains("tensordot: 3 axes of shapes (2, 3) and (4, 5)"));
    assert!(text(&|| np::tensordot(&x, &y, (2, 0))).contains("axis 2 is out of bounds for an array of shape (2, 3)"));
    let general = |c: (&[usize], &[usize]), b: (&[usize], &[usize])| text(&|| prim::dot_general(&x, &y, c, b, None));
    assert!(
        general((&[2], &[0]), (&[], &[])).contains("dimension 2 is out of bounds for the first operand, float32[2,3]")
    );
    assert!(general((&[0], &[0, 1]), (&[], &[])).contains("dimensions (0,) and (0, 1) are summed over together"));
    assert!(
        general((&[0], &[0]), (&[0], &[1])).contains("dimensions (0, 0) of the first operand, float32[2,3], repeat")
    );
    assert!(
        general((&[1], &[0]), (&[], &[]))
            .contains("dimension 1 of float32[2,3] has extent 3, dimension 0 of float32[4,5] has extent 4")
    );
    let to_int = || prim::dot_general(&x, &x, (&[0, 1], &[0, 1]), (&[], &[]), Some(DType::Int32));
    assert!(text(&to_int).contains("elements of type (dtype) float32 cannot have type int32"));
}
