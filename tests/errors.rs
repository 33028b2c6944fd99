//! Every mistake that can be made here is told off: the operation, shapes and element types, the user's line, what to do.

mod common;

use common::told;
use cotangent::prelude::*;
use cotangent::{CheckGrads, Grad, Vmap, jacfwd, jacrev, jvp, linear_transpose, vjp, vmap, vmap_axes};
use num_complex::Complex;

use ErrorKind::*;

fn vector() -> Array {
    array![1., 2., 3.]
}

#[test]
fn gradients_of_what_is_no_real_scalar() {
    told(Shape, &["grad", "scalar", "float32[3]", "jacrev", "sum"], || grad(|x: &Array| x.sin())(&vector()));
    told(Shape, &["float32[1]", "reshape"], || grad(|x: &Array| x.reshape(&[1]))(&array(1.0)));
    told(Type, &["int32[]", "vjp"], || grad(|x: &Array| x.astype(DType::Int32))(&array(1.0)));
    told(Type, &["complex64[]", "holomorphic"], || grad(|x: &Array| x.astype(DType::Complex64))(&array(1.0)));
    told(Type, &["int32[3]", "allow_int", "vjp"], || grad(|x: &Array| x.sum())(&array![1, 2, 3]));
    told(Type, &["bool[]"], || grad(|x: &Array| x.astype(DType::Float32))(&array(true)));
    let holomorphic = Grad::new().holomorphic(true);
    told(Type, &["holomorphic", "complex", "float32[]"], || holomorphic.grad(|x: &Array| x * x)(&array(1.0)));
    let z = array(Complex::new(1.0, 2.0));
    told(Type, &["holomorphic", "float32[]"], || holomorphic.grad(|z: &Array| cotangent::prim::real(z))(&z));
}

#[test]
fn argnums_that_do_not_fit() {
    let f = |x: &Array, y: &Array| x * y;
    told(Argnums, &["argnums 2", "2 arguments"], || grad_argnums(f, 2));
    told(Argnums, &["argument 1 twice"], || grad_argnums(f, [1, 1]));
}

#[test]
fn numbers_of_abstract_values() {
    let f = |x: &Array| if x.to_bool() { x.clone() } else { -x };
    told(Concrete, &["to_bool", "abstract under jit", "argument 0", "select"], || jit(f)(&array(1.0)));
    told(Concrete, &["to_bool", "under vmap", "lanes"], || vmap(f)(&vector()));
    told(Concrete, &["item"], || jit(|x: &Array| array(x.item::<f32>()))(&array(1.0)));
    told(Concrete, &["to_vec"], || jit(|x: &Array| array(x.to_vec::<f32>()))(&vector()));
    told(Shape, &["to_f64", "(3,)"], || vector().to_f64());
    told(Shape, &["to_bool", "ambiguous", "(3,)"], || vector().to_bool());
    told(Type, &["item", "float32", "float64"], || array(1.0).item::<f64>());
}

#[test]
fn shapes_and_types_of_operations() {
    told(Shape, &["add", "(3,)", "(2,)", "broadcast"], || vector() + array![1., 2.]);
    told(Shape, &["mul", "lhs made at tests/errors.rs"], || {
        grad(|x: &Array| (x.sin() * array![1., 2.]).sum())(&vector())
    });
    told(Shape, &["reshape", "float32[3]", "(2, 2)"], || vector().reshape(&[2, 2]));
    told(Shape, &["(3,)", "(2, 2)"], || vector().dot(&array![[1., 2.], [3., 4.]]));
    told(Shape, &["broadcast_to", "(3,)", "(2, 2)"], || cotangent::np::broadcast_to(&vector(), &[2, 2]));
    told(Shape, &["take_along_axis", "(1, 1)", "along axis 0", "(3,)", "broadcast"], || {
        cotangent::np::take_along_axis(&vector(), &array![[0]], Some(0))
    });
    told(Shape, &["compress", "bool[4]", "a vector of at most 3 elements"], || {
        cotangent::np::compress(&array![true, false, true, true], &vector(), Some(0))
    });
    told(Shape, &["from_slice", "3 elements", "(2, 2)"], || Array::from_slice(&[1f32, 2., 3.], &[2, 2]));
    told(Type, &["add", "float32[]", "float64[]"], || {
        cotangent::prim::add(&array(1.0), &Array::from_slice(&[1f64], &[]))
    });
    told(Type, &["sin", "int32"], || cotangent::prim::sin(&array![1, 2]));
    let keys = cotangent::prim::random_seed(&array![1, 2]);
    told(Type, &["add", "key<fry>[2]", "int32[]"], || &keys + 1);
    told(Type, &["mul", "key<fry>[2]", "float32[3]"], || &keys * vector());
    told(Type, &["key<fry>, int32", "no common type"], || {
        cotangent::dtype::promote((DType::Key, false), (DType::Int32, false))
    });
    told(Type, &["integers", "negative power -1"], || array![1, 2].powi(-1));
    told(Type, &["is_finite", "int32", "but floating-point numbers"], || cotangent::prim::is_finite(&array![1, 2]));
    told(Type, &["and", "float32", "but integers and booleans"], || vector() & vector());
    told(Shape, &["axis 2", "float32[3]"], || cotangent::prim::reduce_sum(&vector(), &[2]));
    // what would change nothing is checked, too
    told(Shape, &["slice", "float32[3]"], || cotangent::prim::slice(&vector(), &[], &[3], None));
    told(Shape, &["slice", "float32[3]"], || cotangent::prim::slice(&vector(), &[0], &[3], Some(&[1, 1])));
    told(Shape, &["broadcast_in_dim", "float32[3]"], || cotangent::prim::broadcast_in_dim(&vector(), &[3], &[]));
    told(Shape, &["slice_in_dim", "dimension 1", "float32[3]"], || {
        cotangent::prim::slice_in_dim(&vector(), 0, 1, 1, 1)
    });
    told(Shape, &["expand_dims", "(2,)", "float32[3]"], || cotangent::prim::expand_dims(&vector(), &[2]));
    told(Shape, &["expand_dims", "(0, 0)", "float32[3]"], || cotangent::prim::expand_dims(&vector(), &[0, 0]));
    // under a map, in terms of one lane
    told(Shape, &["add", "(2,)", "(3,)"], || vmap(|x: &Array| x + vector())(&array![[1., 2.], [3., 4.]]));
}

#[test]
fn maps_that_do_not_fit() {
    let f = |x: &Array, y: &Array| x + y;
    told(Shape, &["vmap", "different extents", "axis 0", "extent 3", "extent 2"], || {
        vmap(f)(&vector(), &array![1., 2.])
    });
    told(Shape, &["in_axes says axis 1", "float32[3]", "2 dimensions"], || {
        vmap_axes(f, (1, 0), 0)(&vector(), &vector())
    });
    told(Axis, &["no argument is mapped", "axis_size"], || vmap_axes(f, None, 0)(&vector(), &vector()));
    told(Axis, &["out_axes says None", "differs from lane to lane"], || vmap_axes(f, 0, None)(&vector(), &vector()));
    told(Shape, &["axis_size is 4", "extent 3"], || Vmap::new().axis_size(4).of(f)(&vector(), &vector()));
    told(Structure, &["in_axes", "length"], || {
        vmap_axes(|x: &Vec<Array>| x[0].clone(), (vec![Some(0)],), 0)(&vec![vector(), vector()])
    });
    told(Axis, &["psum", "unbound axis name: i", "axis_name"], || {
        vmap(|x: &Array| cotangent::lax::psum(x, "i"))(&vector())
    });
}

#[test]
fn tangents_and_cotangents_that_do_not_fit() {
    let f = |x: &Array| x * 2.0;
    told(Shape, &["jvp", "tangent", "float32[2]", "float32[3]"], || jvp(f, (&vector(),), (&array![1., 2.],)));
    told(Type, &["jvp", "int32", "float32"], || jvp(f, (&vector(),), (&array![1, 2, 3],)));
    told(Type, &["float0"], || jvp(|x: &Array| x + 1, (&array![1, 2],), (&array![1, 2],)));
    let (_, pull) = vjp(f, (&vector(),));
    told(Shape, &["vjp", "cotangent", "float32[2]"], || pull.call(&array![1., 2.]));
    told(Type, &["vjp", "cotangent", "int32"], || pull.call(&array![1, 2, 3]));
    let g = |x: &Vec<Array>| &x[0] + 1.0;
    told(Structure, &["jvp", "2 tangents", "1 value"], || jvp(g, (&vec![vector()],), (&vec![vector(), vector()],)));
}

#[test]
fn derivatives_that_do_not_exist() {
    let next = |x: &Array| cotangent::prim::nextafter(x, &array(1.0));
    told(NotDifferentiable, &["nextafter", "stop_gradient"], || grad(next)(&Array::from_slice(&[0f32], &[])));
    told(NotLinear, &["mul", "not linear"], || linear_transpose(|x: &Array| x * x, (&array(1.0),)));
    told(Type, &["jacfwd", "real", "int32[2]"], || jacfwd(|x: &Array| x * 1.0)(&array![1, 2]));
    told(Type, &["jacrev", "result", "int32[3]"], || jacrev(|x: &Array| x.astype(DType::Int32))(&vector()));
}

#[test]
fn wrong_derivatives_are_found() {
    // a function whose value depends on x where its derivative is told not to
    let wrong = |x: &Array| x * stop_gradient(x);
    let check = |order| CheckGrads::new().check(wrong, (&array(3.0),), order).unwrap_err();
    let e = check(1);
    assert_eq!(e.kind(), Check);
    assert!(e.to_string().contains("JVP tangent") && e.to_string().contains("tests/errors.rs:"), "{e}");
    let e = CheckGrads::new().reverse_only().check(wrong, (&array(3.0),), 1).unwrap_err();
    assert!(e.to_string().contains("VJP cotangent projection"), "{e}");
    // right to first order, wrong to second
    let wrong = |x: &Array| x.powi(2) * 0.5 + stop_gradient(&x.powi(2)) * 0.0 + (x - stop_gradient(x)).powi(2);
    assert!(CheckGrads::new().check(wrong, (&array(3.0),), 1).is_ok());
    let e = CheckGrads::new().check(wrong, (&array(3.0),), 2).unwrap_err();
    assert!(e.to_string().contains("of JVP") || e.to_string().contains("of VJP"), "{e}");
}

#[test]
fn trees_of_different_structure() {
    let e = catch(|| tree::map2(&vec![vector()], &vec![vector(), vector()], |x, y| x + y)).unwrap_err();
    assert_eq!(e.kind(), Structure);
}

#[test]
fn programs_that_cannot_be_loaded() {
    let load = |text: &str| cotangent::jaxpr::Loaded::parse(text).err().expect("an error");
    assert_eq!(load("nonsense").kind(), Program);
    let aval = r#"{"dtype": "float32", "shape": [2], "weak": false}"#;
    let program = |prim: &str, out: &str| {
        format!(
            r#"{{"jaxpr": {{"in": [{{"id": 0, "aval": {aval}}}], "consts": [], "out": [{{"var": 1}}], "eqns": [
                {{"prim": "{prim}", "params": {{}}, "in": [{{"var": 0}}], "out": [{{"id": 1, "aval": {out}}}]}}]}}}}"#
        )
    };
    let e = load(&program("frobnicate", aval));
    assert_eq!(e.kind(), Unsupported);
    assert!(e.to_string().contains("frobnicate"), "{e}");
    // operands that are missing, or that an operation does not take
    let e = load(&program("add", aval));
    assert_eq!((e.kind(), e.to_string().as_str()), (Program, "equation 0, add: operand 1 is missing"));
    let e = load(&program("sin", aval).replace(r#"[{"var": 0}]"#, r#"[{"var": 0}, {"var": 0}]"#));
    assert_eq!((e.kind(), e.to_string().as_str()), (Program, "equation 0, sin: 2 operands are recorded, it takes 1"));
    let e = load(&program("sin", r#"{"dtype": "float32", "shape": [3], "weak": false}"#));
    assert!(e.kind() == Program && e.to_string().contains("float32[3]"), "{e}");
    let loaded = cotangent::jaxpr::Loaded::parse(&program("sin", aval)).unwrap();
    told(Shape, &["float32[2]", "float32[3]"], || loaded.call(&[vector()]));
}

#[test]
fn what_is_caught_is_not_printed() {
    thread_local! { static HEARD: std::cell::Cell<u32> = const { std::cell::Cell::new(0) }; }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        HEARD.set(HEARD.get() + 1);
        usual(info)
    }));
    assert!(catch(|| vector().reshape(&[2])).is_err());
    assert_eq!(HEARD.get(), 0);
    // an error that nobody catches is heard of, and so is a panic that is not the library's
    assert!(std::panic::catch_unwind(|| vector().reshape(&[2])).is_err());
    assert!(std::panic::catch_unwind(|| catch(|| panic!("not ours"))).is_err());
    assert_eq!(HEARD.get(), 2);
}
