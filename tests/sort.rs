//! Sorting, greatest elements and searching: values, types and derivatives are those that JAX gives.

use cotangent::np::{self, Side};
use cotangent::prelude::*;
use cotangent::{jacrev, lax, make_jaxpr, prim, vmap_axes};

const NAN: f32 = f32::NAN;

#[test]
fn nans_are_last_and_zeros_are_equal() {
    let x = array![[2., NAN, -1., 0., 2., -0.], [1., 1., 0., NAN, 3., f32::NEG_INFINITY]];
    let bits = |x: &Array| x.to_vec::<f32>().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let want = [-1., 0., -0., 2., 2., NAN, f32::NEG_INFINITY, 0., 1., 1., 3., NAN];
    assert_eq!(bits(&np::sort(&x, 1)), want.map(f32::to_bits));
    assert_eq!(np::argsort(&x, -1).to_vec::<i32>(), [2, 3, 5, 0, 4, 1, 5, 2, 0, 1, 4, 3]);
    assert_eq!(np::argsort(&x, 0).to_vec::<i32>(), [1, 1, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0]);
    let (values, indices) = lax::top_k(&x, 4, 1);
    assert_eq!(bits(&values)[..4], [NAN, 2., 2., 0.].map(f32::to_bits));
    assert_eq!((indices.to_vec::<i32>()[..4].to_vec(), indices.dtype()), (vec![1, 0, 4, 3], DType::Int32));
}

#[test]
fn places_in_a_sorted_array() {
    let a = array![-1., 0., -0., 2., 2., f32::INFINITY, NAN, NAN];
    let v = array![[0., -0., 2., NAN], [f32::INFINITY, 5., -7., -1.]];
    assert_eq!(np::searchsorted(&a, &v, Side::Left).to_vec::<i32>(), [1, 1, 3, 6, 5, 5, 0, 0]);
    assert_eq!(np::searchsorted(&a, &v, Side::Right).to_vec::<i32>(), [3, 3, 5, 8, 6, 5, 0, 1]);
    let complex = |re: &[f32], im: &[f32]| prim::complex(&array(re.to_vec()), &array(im.to_vec()));
    let (z, w) = (complex(&[1., 2., 2.], &[1., 0., 1.]), complex(&[2., 1., 2.5, 0.], &[0., 5., -1., 9.]));
    assert_eq!(np::searchsorted(&z, &w, Side::Left).to_vec::<i32>(), [1, 1, 3, 0]);
    assert_eq!(np::searchsorted(&z, &w, Side::Right).to_vec::<i32>(), [2, 1, 3, 0]);
    assert_eq!(np::searchsorted(&array![1, 3, 5, 7, 9], &array![0.5, 3., 9.5], Side::Left).to_vec::<i32>(), [0, 1, 5]);
    let none = array(Vec::<f32>::new());
    assert_eq!(np::searchsorted(&none, &array![1., 2.], Side::Left).to_vec::<i32>(), [0, 0]);
    // every place of every length, also where halves are uneven
    for n in 0..40i32 {
        let a = array((0..n).map(|i| 2 * i).collect::<Vec<_>>());
        let v = array((-1..2 * n + 1).collect::<Vec<_>>());
        let want = |right: bool| {
            let below = |v: i32| (0..n).filter(|i| 2 * i < v || right && 2 * i == v).count() as i32;
            (-1..2 * n + 1).map(below).collect::<Vec<_>>()
        };
        assert_eq!(np::searchsorted(&a, &v, Side::Left).to_vec::<i32>(), want(false));
        assert_eq!(np::searchsorted(&a, &v, Side::Right).to_vec::<i32>(), want(true));
    }
}

#[test]
fn derivatives_move_with_the_elements() {
    let k = array![2, 1, 2, 1, 0];
    let y = array![0.5, 1.5, 2.5, 3.5, 4.5];
    let f = |y: &Array| lax::sort_key_val(&k, &(y * y), 0).1;
    let j = jacrev(f)(&y);
    let rows =
        [[0., 0., 0., 0., 9.], [0., 3., 0., 0., 0.], [0., 0., 0., 7., 0.], [1., 0., 0., 0., 0.], [0., 0., 5., 0., 0.]];
    assert_eq!(j.to_vec::<f32>(), rows.concat());
    let weights = array![0., 1., 2., 3., 4.];
    let second = grad(|y: &Array| {
        let g = grad(|y: &Array| (np::sort(&(y * y * y), 0) * &weights).sum());
        g(y).sum()
    });
    assert_eq!(second(&array![4.5, 3.5, 2.5, 1.5, 0.5]).to_vec::<f32>(), [108., 63., 30., 9., 0.]);
    let keys = array![[2, 1, 2, 1, 0], [0, 1, 0, 1, 0]];
    let lanes = vmap_axes(|k: &Array, y: &Array| lax::sort_key_val(k, y, 0).1, (0, None), 0)(&keys, &y);
    assert_eq!(lanes.to_vec::<f32>(), [4.5, 1.5, 3.5, 0.5, 2.5, 0.5, 2.5, 4.5, 1.5, 3.5]);
}

#[test]
fn programs_read_like_those_of_jax() {
    let (k, y) = (array![2, 1, 2, 1, 0], array![0.5, 1.5, 2.5, 3.5, 4.5]);
    let text = "\
{ lambda ; a:i32[5] b:f32[5]. let
    c:i32[5] d:f32[5] = sort[dimension=0 is_stable=True num_keys=2] a b
  in (c, d) }";
    assert_eq!(make_jaxpr(|a: &Array, b: &Array| lax::sort(&[a, b], 0, 2), (&k, &y)).to_string(), text);
    let text = "{ lambda ; a:f32[5]. let b:f32[2] c:i32[2] = top_k[axis=0 k=2] a in (b, c) }";
    assert_eq!(make_jaxpr(|y: &Array| lax::top_k(y, 2, 0), (&y,)).to_string(), text);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, y) = (array![1., 2.], array![1., 2., 3.]);
    let refused = |f: &dyn Fn() -> Vec<Array>| cotangent::catch(f).unwrap_err().to_string();
    assert!(refused(&|| lax::sort(&[&x, &y], 0, 1)).contains("shapes of float32[2] and float32[3] differ"));
    assert!(refused(&|| lax::sort(&[&x], 1, 1)).contains("dimension 1 is out of bounds for float32[2]"));
    assert!(refused(&|| lax::sort(&[&x], 0, 2)).contains("2 keys of 1 operands"));
    assert!(refused(&|| lax::sort(&[], 0, 0)).contains("0 keys of 0 operands"));
    assert!(refused(&|| vec![lax::top_k(&x, 3, 0).0]).contains("3 elements along axis 0 of float32[2]"));
    assert!(refused(&|| vec![np::argsort(&x, 1)]).contains("axis 1 is out of bounds"));
    assert!(refused(&|| vec![np::searchsorted(&array![[1.]], &x, Side::Left)]).contains("not one dimension"));
}
