//! Initializers of networks against numbers recorded from JAX.

mod common;

use common::{near, numbers};
use cotangent::nn::initializers::*;
use cotangent::prelude::*;
use cotangent::random::key;
use serde_json::Value;

fn initializer(name: &str) -> Initializer {
    match name {
        "zeros" => zeros(),
        "ones" => ones(),
        "constant" => constant(0.7),
        "uniform" => uniform(0.3),
        "normal" => normal(0.3),
        "truncated_normal" => truncated_normal(0.5, -1.0, 1.5),
        "glorot_uniform" => glorot_uniform(),
        "glorot_normal" => xavier_normal(),
        "lecun_uniform" => lecun_uniform(),
        "lecun_normal" => lecun_normal(),
        "he_uniform" => he_uniform(),
        "he_normal" => kaiming_normal(),
        "geometric" => variance_scaling(3.0, Fan::GeometricAverage, Distribution::Normal),
        "out" => variance_scaling(3.0, Fan::Out, Distribution::Uniform),
        "axes" => variance_scaling(1.0, Fan::In, Distribution::Uniform).in_axis(&[0, 1]).out_axis(&[2]),
        "orthogonal" => orthogonal(1.5, -1),
        "orthogonal_0" => orthogonal(1.0, 0),
        "delta_orthogonal" => delta_orthogonal(1.0, -1),
        other => panic!("no initializer {other}"),
    }
}

#[test]
fn numbers_are_those_of_jax() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/initializers.json")).expect("the cases are JSON");
    assert_eq!(cases.len(), 41);
    let mut wrong = vec![];
    for c in &cases {
        let (name, dtype) = (c["name"].as_str().unwrap(), DType::from_name(c["dtype"].as_str().unwrap()).unwrap());
        if cfg!(not(feature = "linalg")) && name.contains("orthogonal") {
            continue;
        }
        let list = |v: &Value| v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect::<Vec<_>>();
        let shape: Vec<usize> = list(&c["shape"]).into_iter().map(|n| n as usize).collect();
        let made = initializer(name).dtype(dtype).init(key(5), &shape);
        assert_eq!((made.dtype(), made.shape()), (dtype, &shape[..]), "{name}");
        let tolerance = if dtype == DType::Float64 { 1e-13 } else { 2e-6 };
        if let Err(why) = near(&array(numbers(&made)), &array(list(&c["y"])), tolerance) {
            wrong.push(format!("{name} of {dtype}: {why}"))
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_cannot_be_drawn() {
    let told = |f: &dyn Fn() -> Array, kind, words: &str| {
        let e = catch(f).unwrap_err();
        assert!(e.kind() == kind && e.message().contains(words), "{e}");
    };
    told(&|| he_normal().init(key(0), &[3]), ErrorKind::Shape, "a shape of (3,) has no axis -2");
    told(&|| ones().dtype(DType::Int32).init(key(0), &[3]), ErrorKind::Type, "not int32");
    told(&|| orthogonal(1.0, -1).init(key(0), &[3]), ErrorKind::Shape, "at least two dimensions");
    told(&|| delta_orthogonal(1.0, -1).init(key(0), &[3, 4, 2]), ErrorKind::Shape, "which are not fewer");
}
