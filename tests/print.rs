//! Printed arrays against the texts recorded from JAX.

use cotangent::array::print::{display, format_python, format_python_float, repr};
use cotangent::dtype::{DType, Element};
use half::{bf16, f16};
use num_complex::Complex;
use serde_json::Value;

fn base64(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let value = |&c: &u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => 0,
            _ => panic!("{:?} is no digit of base64", c as char),
        };
        let bits = group.iter().map(value).fold(0u32, |bits, v| bits << 6 | v as u32);
        let padding = group.iter().filter(|&&c| c == b'=').count();
        out.extend(&bits.to_be_bytes()[1..4 - padding]);
    }
    out
}

/// Types of JAX's that there are not here.
const ABSENT: &[&str] = &["int4", "uint4", "float8_e4m3fn", "float8_e5m2"];

#[test]
fn every_recorded_case() {
    let json: Value = serde_json::from_str(include_str!("data/printing.json")).expect("the cases are JSON");
    let cases = json["cases"].as_array().unwrap();
    let mut absent = 0;
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let name = case["dtype"].as_str().unwrap();
        let Some(dtype) = DType::from_name(name) else {
            assert!(ABSENT.contains(&name), "{id}");
            absent += 1;
            continue;
        };
        let shape: Vec<usize> =
            case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let data = base64(case["data"].as_str().unwrap());
        let weak = case["weak"].as_bool().unwrap();
        assert_eq!(display(dtype, &shape, &data), case["str"].as_str().unwrap(), "str of {id:?}");
        assert_eq!(repr(dtype, weak, &shape, &data), case["repr"].as_str().unwrap(), "repr of {id:?}");
    }
    assert_eq!((cases.len(), absent), (111, 8));
}

fn shown<T: Element>(shape: &[usize], values: &[T]) -> String {
    display(T::DTYPE, shape, &T::to_bytes(values))
}

#[test]
fn single_numbers() {
    assert_eq!(shown(&[], &[0.1f32 + 0.2]), "0.3");
    assert_eq!(shown(&[], &[1e6f32]), "1e+06");
    assert_eq!(shown(&[], &[999999.94f32]), "999999.94");
    assert_eq!(shown(&[], &[f32::from_bits(1)]), "1e-45");
    assert_eq!(shown(&[], &[f64::from_bits(1)]), "5e-324");
    assert_eq!(shown(&[], &[f64::MAX]), "1.7976931348623157e+308");
    assert_eq!(shown(&[], &[1e23]), "1e+23");
    assert_eq!(shown(&[], &[9007199254740993f64]), "9007199254740992.0");
    assert_eq!(shown(&[], &[f16::MAX]), "6.55e+04");
    assert_eq!(shown(&[], &[f16::from_bits(1)]), "6e-08");
    assert_eq!(shown(&[], &[f16::from_f32(0.1)]), "0.1");
    assert_eq!(shown(&[], &[bf16::from_f32(0.1)]), "0.100098");
    assert_eq!(shown(&[], &[Complex::new(1e10f64, 1e-10)]), "(10000000000+1e-10j)");
    assert_eq!(shown(&[], &[Complex::new(0.0f32, -0.0)]), "-0j");
    assert_eq!(shown(&[], &[Complex::new(-0.0f32, f32::NAN)]), "(-0+nanj)");
}

#[test]
fn forms_of_columns() {
    // Numbers forced to more digits than they need show their exact value, numbers with too many are rounded.
    let half = |x: &[f32]| x.iter().map(|&x| f16::from_f32(x)).collect::<Vec<_>>();
    assert_eq!(shown(&[3], &half(&[0.1, 0.3, 999.5])), "[9.998e-02 3.000e-01 9.995e+02]");
    assert_eq!(shown(&[2], &[2f64 / 3.0, 1.0]), "[0.66666667 1.        ]");
    assert_eq!(shown(&[2], &[0.999999999f64, 1.0]), "[1. 1.]");
    assert_eq!(shown(&[2], &[1e-100f64, 1.0]), "[1.e-100 1.e+000]");
    assert_eq!(shown(&[2], &[Complex::new(1.0f32, f32::NAN), Complex::new(1.5, 2.25)]), "[1.  +nanj 1.5+2.25j]");
}

#[test]
fn python_numbers() {
    let python = |x: f64| format_python_float(x);
    assert_eq!([1.0, 1e-7, 1e16, 1e15].map(python), ["1.0", "1e-07", "1e+16", "1000000000000000.0"]);
    assert_eq!([0.1 + 0.2, -0.0, 0.0001].map(python), ["0.30000000000000004", "-0.0", "0.0001"]);
    assert_eq!([f64::INFINITY, f64::NEG_INFINITY, f64::NAN].map(python), ["inf", "-inf", "nan"]);
    let one = |dtype: DType, bytes: Vec<u8>| format_python(dtype, &[], &bytes);
    assert_eq!(one(DType::Float32, f32::to_bytes(&[0.1])), "0.10000000149011612");
    assert_eq!(one(DType::BFloat16, bf16::to_bytes(&[bf16::from_f32(0.1)])), "0.10009765625");
    assert_eq!(one(DType::Complex64, Element::to_bytes(&[Complex::new(0.1f32, 0.0)])), "(0.10000000149011612+0j)");
    assert_eq!(one(DType::Bool, vec![1]), "True");
    assert_eq!(format_python(DType::Float32, &[1], &f32::to_bytes(&[0.1])), "[0.1]");
}

#[test]
fn opaque_and_empty_values() {
    assert_eq!(display(DType::Float0, &[2, 2], &[]), "[[(b'',) (b'',)]\n [(b'',) (b'',)]]");
    assert_eq!(display(DType::Float0, &[], &[]), "(b'',)");
    assert_eq!(repr(DType::Float0, false, &[1], &[]), "Array([(b'',)], dtype=float0)");
    assert_eq!(display(DType::Key, &[0], &[]), "Array((0,), dtype=key<fry>) overlaying:\n[]");
    assert_eq!(
        repr(DType::Float32, true, &[0, 3, 2], &[]),
        "Array([], shape=(0, 3, 2), dtype=float32, weak_type=True)"
    );
    assert_eq!(display(DType::Int8, &[usize::MAX, 2, 0], &[]), "[]");
    let long = [[1; 16].as_slice(), &[0]].concat();
    let tuple = "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0)";
    assert_eq!(repr(DType::Float32, false, &long, &[]), format!("Array([], shape={tuple},      dtype=float32)"));
}

#[test]
#[should_panic(expected = "an array of float32 and shape (2,) has 8 bytes, not 4")]
fn wrong_number_of_bytes() {
    display(DType::Float32, &[2], &[0; 4]);
}
