//! Functions with NumPy's names where types or derivatives are easily wrong. Expected values are JAX's.

use cotangent::prelude::*;
use cotangent::{make_jaxpr, np};

#[test]
fn sums_are_made_in_wider_types() {
    use DType::*;
    let of = |t: DType| array![100, 100, 100].astype(t);
    for (t, sum, mean) in [
        (Bool, Int32, Float32),
        (Int8, Int32, Float32),
        (Int16, Int32, Float32),
        (Uint8, Uint32, Float32),
        (Uint16, Uint32, Float32),
        (Int32, Int32, Float32),
        (Float16, Float16, Float16),
        (BFloat16, BFloat16, BFloat16),
        (Float64, Float64, Float64),
    ] {
        assert_eq!((of(t).sum().dtype(), of(t).mean().dtype()), (sum, mean), "{t}");
        let diagonal = Array::from_slice(&[1f32; 4], &[2, 2]).astype(t).trace();
        assert_eq!((diagonal.dtype(), diagonal.to_f64()), (sum, 2.0), "{t}");
    }
    assert_eq!(of(Int8).sum().to_f64(), 300.0);
    // no partial sum is rounded to 11 bits, and none overflows
    let many = Array::from_slice(&[half::f16::from_f32(33.3); 3000], &[3000]);
    assert_eq!((many.sum().to_f64(), many.mean().to_f64()), (f64::INFINITY, 33.3125));
    let text = "\
{ lambda ; a:f16[3]. let
    b:f32[3] = convert_element_type[new_dtype=float32 weak_type=False] a
    c:f32[] = reduce_sum[axes=(0,) out_sharding=None] b
    d:f32[] = div c 3.0:f32[]
    e:f16[] = convert_element_type[new_dtype=float16 weak_type=False] d
  in (e,) }";
    assert_eq!(make_jaxpr(|x: &Array| x.mean(), (&of(Float16),)).to_string(), text);
}

#[test]
fn integer_exponents() {
    let n = array![0, 2, 3];
    let f = |x: &Array| np::power(x, &n).sum();
    assert_eq!((f(&array(0.0)).to_f64(), grad(f)(&array(0.0)).to_f64()), (1.0, 0.0));
    assert_eq!(grad(f)(&array(2.0)).to_f64(), 16.0);
    // a row of bases and a column of exponents, in the type of the bases
    let x = array![0.5, -2.0].astype(DType::Float16);
    let y = np::power(&x, &array![[2], [-1]]);
    assert_eq!((y.dtype(), y.to_string().as_str()), (DType::Float16, "[[ 0.25  4.  ]\n [ 2.   -0.5 ]]"));
    // a number is an exponent of any size
    assert_eq!(np::power(&array(1.001), &array(1000)).to_string(), array(1.001).powi(1000).to_string());
    let e = catch(|| np::power(&array![1., 2.], &array![1, 2, 3])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    assert!(e.message().contains("power: shapes of float32[2] and int32[3] do not broadcast"), "{e}");
}

#[test]
fn numbers_to_choose_from_do_not_take_the_type_of_the_condition() {
    let small = array(vec![1i8, 0]);
    let x = array(vec![0.25f64, 0.5]);
    assert_eq!(np::where_(&small, &x, 0.1).to_vec::<f64>(), [0.25, 0.1]);
    assert_eq!(np::where_(&small, 0.1, &x).to_vec::<f64>(), [0.1, 0.5]);
    let of = |y: Array| format!("{y:?}");
    assert_eq!(of(np::where_(&small, 300, 1)), "Array([300,   1], dtype=int32, weak_type=True)");
    let half = small.astype(DType::Float16);
    assert_eq!(of(np::where_(&half, 1e6, 2)), "Array([1.e+06, 2.e+00], dtype=float32, weak_type=True)");
}

#[test]
fn booleans_are_counted() {
    let (x, y) = (array![true, true, false], array![true, false, false]);
    assert_eq!(format!("{:?}", np::power(&x, &y)), "Array([1, 1, 1], dtype=int32)");
    assert_eq!(format!("{:?}", np::remainder(&x, &array![true, true, true])), "Array([0, 0, 0], dtype=int32)");
    let keys = cotangent::prim::random_seed(&array![1, 2]);
    let e = catch(|| keys.exp()).unwrap_err();
    assert!(e.message().contains("exp: no arithmetic on elements of type key<fry>"), "{e}");
}

#[test]
fn numbers_keep_their_digits_on_the_way_to_float64() {
    use np::Spaced;
    let spaced = || Spaced::new(3).dtype(DType::Float64);
    let of = |x: Array| x.to_vec::<f64>();
    assert_eq!(of(spaced().linspace(0.1, 0.3)), [0.1, 0.2, 0.3]);
    assert_eq!(of(np::linspace(array([0.5]), 0.1, 2)), [0.5, 0.1]);
    assert_eq!(of(np::arange_dtype((0.1, 0.35, 0.1), DType::Float64)), [0.1, 0.2, 0.1 + 0.1 * 2.0]);
    assert!((of(spaced().geomspace(0.1, 0.001))[1] - 0.01).abs() < 1e-16);
    assert!((of(spaced().base(0.1).logspace(0., 2.))[1] - 0.1).abs() < 1e-16);
    assert_eq!(of(np::Pad::constant(0.1).of(&array([1.0]), 1)), [0.1, 1.0, 0.1]);
}

/// Shifts and the operators that assign keep the type beside a number, as others do.
#[test]
fn operators_of_integers() {
    let x = array(vec![1u32, 6]);
    assert_eq!(((&x << 3).to_string(), (&x << 3).dtype()), ("[ 8 48]".into(), DType::Uint32));
    assert_eq!((array![-8, 9] >> 1).to_string(), "[-4  4]");
    assert_eq!((1 << &x).to_string(), "[ 2 64]");
    let mut y = x.clone();
    y <<= 2; // 4, 24
    y |= 3; // 7, 27
    y ^= 8; // 15, 19
    y %= 7; // 1, 5
    y &= 5; // 1, 5
    y >>= &array(vec![0u32, 1]); // 1, 2
    assert_eq!((y.to_string(), y.dtype()), ("[1 2]".into(), DType::Uint32));
}
