//! Type promotion against the table recorded from JAX.

use cotangent::dtype::{DType, promote, promote_all, try_promote_all};
use serde_json::Value;

struct Case {
    x64: bool,
    names: [String; 2],
    result: DType,
    weak: bool,
}

/// Types of JAX's that there are not here: elements of fewer than 8 bits, and floats of 8, have no arithmetic of their own in JAX either.
const ABSENT: &[&str] = &["int4", "uint4", "float8_e4m3fn", "float8_e5m2"];

fn cases() -> Vec<Case> {
    let text = include_str!("data/promotion.json");
    let json: Value = serde_json::from_str(text).expect("the table is JSON");
    let (here, absent): (Vec<&Value>, Vec<&Value>) = json["cases"]
        .as_array()
        .unwrap()
        .iter()
        .partition(|v| [&v[1], &v[2]].iter().all(|n| !ABSENT.contains(&n.as_str().unwrap())));
    assert_eq!((here.len(), absent.len()), (520, 288));
    assert!(ABSENT.iter().all(|n| DType::from_name(n).is_none()));
    let case = |v: &Value| Case {
        x64: v[0].as_bool().unwrap(),
        names: [v[1].as_str().unwrap().to_owned(), v[2].as_str().unwrap().to_owned()],
        result: DType::from_name(v[3].as_str().unwrap()).unwrap(),
        weak: v[4].as_bool().unwrap(),
    };
    here.into_iter().map(case).collect()
}

/// A literal is weak and has the default width of the setting under which the case was recorded.
fn operand(name: &str, x64: bool) -> (DType, bool) {
    match (name, x64) {
        ("int*", false) => (DType::Int32, true),
        ("int*", true) => (DType::Int64, true),
        ("float*", false) => (DType::Float32, true),
        ("float*", true) => (DType::Float64, true),
        ("complex*", false) => (DType::Complex64, true),
        ("complex*", true) => (DType::Complex128, true),
        _ => (DType::from_name(name).unwrap(), false),
    }
}

/// Without 64-bit types, JAX cuts the result of `uint32` with signed integers to 32 bits. Here 64-bit types always exist.
fn cut_to_32_bits(case: &Case) -> bool {
    let signed = |n: &String| n.starts_with("int") && !n.ends_with('*');
    !case.x64 && case.names.iter().any(|n| n == "uint32") && case.names.iter().any(signed)
}

/// Numbers that can be written down stand on either side.
#[test]
fn numbers_on_the_left() {
    use num_complex::Complex;
    let x = &cotangent::array(vec![1f32, 2.0]);
    let (z, w) = (Complex::new(0f64, 1.0), Complex::new(2f32, 0.0));
    assert_eq!(format!("{:?}", z * x), "Array([0.+1.j, 0.+2.j], dtype=complex64)");
    assert_eq!(format!("{:?}", w - x), "Array([1.+0.j, 0.+0.j], dtype=complex64)");
    assert_eq!(format!("{:?}", true + x), "Array([2., 3.], dtype=float32)");
    assert_eq!(format!("{:?}", half::f16::from_f64(0.5) * x), "Array([0.5, 1. ], dtype=float32)");
    assert_eq!(format!("{:?}", (2.0 * x).sum() + (3 - x).sum()), "Array(9., dtype=float32)");
}

#[test]
fn every_recorded_case() {
    let cases = cases();
    let mut cut = 0;
    for case in &cases {
        let [a, b] = case.names.each_ref().map(|n| operand(n, case.x64));
        let found = promote(a, b);
        if cut_to_32_bits(case) {
            assert_eq!((case.result, found), (DType::Int32, (DType::Int64, false)), "{:?}", case.names);
            cut += 1;
            continue;
        }
        assert_eq!(found, (case.result, case.weak), "{:?} with x64 = {}", case.names, case.x64);
    }
    assert_eq!(cut, 6);
}

/// With literals of the default width, the recorded results that do not depend on that width must come out as well, and those
/// that do must have the default width.
#[test]
fn default_literals_among_64_bit_types() {
    let mut width_shows = 0;
    for case in cases().iter().filter(|c| c.x64 && c.names.iter().any(|n| n.ends_with('*'))) {
        let [a, b] = case.names.each_ref().map(|n| operand(n, false));
        let found = promote(a, b);
        if case.weak {
            let narrow = match case.result {
                DType::Int64 => DType::Int32,
                DType::Float64 => DType::Float32,
                DType::Complex128 => DType::Complex64,
                t => panic!("a weak {t}"),
            };
            assert_eq!(found, (narrow, true), "{:?}", case.names);
            width_shows += 1;
        } else {
            assert_eq!(found, (case.result, false), "{:?}", case.names);
        }
    }
    assert!(width_shows > 30);
}

/// All operands there are: every type, strong and, where that means something, weak.
fn operands() -> Vec<(DType, bool)> {
    let numbers = DType::ALL.into_iter().filter(|t| t.is_number());
    numbers.flat_map(|t| [(t, false), (t, true)]).filter(|&(t, weak)| !(weak && t.is_bool())).collect()
}

#[test]
fn laws() {
    let all = operands();
    for &a in &all {
        assert_eq!(promote(a, a), a);
        assert_eq!(promote_all([a]), a);
        for &b in &all {
            assert_eq!(promote(a, b), promote(b, a));
            // A result absorbs what it came from. Not so for weak types that no literal has, such as a weak `uint32`: with `bool` it
            // gives a weak `int32`, and among weak values concrete types count.
            let literal = |(t, weak): (DType, bool)| !weak || t.is_complex() || (t.size() >= 4 && !t.is_unsigned());
            if literal(a) && literal(b) {
                assert_eq!(promote(promote(a, b), a).0, promote(a, b).0, "{a:?} {b:?}");
            }
            for &c in &all {
                assert_eq!(promote_all([a, b, c]), promote_all([c, a, b]));
            }
        }
    }
}

#[test]
fn weak_values_keep_their_width() {
    use DType::*;
    assert_eq!(promote((Int64, false), (Float32, true)), (Float32, true));
    assert_eq!(promote((Int8, false), (Float16, true)), (Float32, true));
    assert_eq!(promote((Float16, true), (Bool, false)), (Float32, true));
    assert_eq!(promote((Float64, true), (Float16, false)), (Float16, false));
    assert_eq!(promote((Float64, true), (Float32, true)), (Float64, true));
    assert_eq!(promote((Uint64, false), (Int8, false)), (Float64, true));
    assert_eq!(promote_all([(Uint64, false), (Int8, false), (Float32, true)]), (Float32, true));
    assert_eq!(promote_all([(Int32, false), (Float64, true), (Complex64, true)]), (Complex128, true));
    assert_eq!(promote((Bool, true), (Bool, true)), (Bool, false));
}

#[test]
fn opaque_types_meet_only_themselves() {
    use DType::*;
    for t in [Key, Float0] {
        assert_eq!(promote((t, false), (t, false)), (t, false));
        assert_eq!(try_promote_all([(t, false), (Float32, false)]), None);
    }
    assert_eq!(try_promote_all([]), None);
}

#[test]
#[should_panic(expected = "the types key<fry>, int32 have no common type")]
fn no_common_type() {
    promote((DType::Key, false), (DType::Int32, true));
}
