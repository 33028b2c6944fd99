//! The programs of the documents print what the documents print.
//!
//! The expected text is that of JAX 0.10.2. Where it was printed by an older version in the document itself, the file says so, and a
//! printed float may differ in its last two digits.

use std::collections::BTreeMap;
use std::process::Command;

#[path = "../examples/seeds/main.rs"]
mod programs;

/// The test runs itself with this variable in a process of its own, to print what it then reads.
const PRINT: &str = "COTANGENT_PRINT_SEEDS";

/// The numbers in a text, and the text around them.
fn split(text: &str) -> (Vec<String>, String) {
    let (mut numbers, mut rest, mut now) = (vec![], String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        let part = c.is_ascii_digit() || c == '.' || !now.is_empty() && (c == 'e' || c == '-' && now.ends_with('e'));
        if part {
            now.push(c)
        } else {
            if now.chars().any(|c| c.is_ascii_digit()) {
                rest.push('#');
                numbers.push(std::mem::take(&mut now))
            } else {
                rest.push_str(&std::mem::take(&mut now))
            }
            rest.push(c)
        }
    }
    (numbers, rest)
}

/// Do two printed floats agree but for their last two digits?
fn near(a: &str, b: &str) -> bool {
    let (x, y): (f64, f64) = match (a.parse(), b.parse()) {
        (Ok(x), Ok(y)) => (x, y),
        _ => return a == b,
    };
    let decimals = |s: &str| s.split_once('.').map_or(0, |(_, d)| d.len() as i32);
    // older and newer versions may print different numbers of digits
    let unit = 10f64.powi(-decimals(a).max(decimals(b)));
    (x - y).abs() < 100.0 * unit
}

#[test]
fn the_documents_programs_print_what_the_documents_print() {
    if std::env::var_os(PRINT).is_some() {
        programs::main();
        println!("## end, ");
        return;
    }
    let this = std::env::current_exe().expect("this test has a path");
    let name = "the_documents_programs_print_what_the_documents_print";
    let out = Command::new(this).args(["--exact", name, "--nocapture"]).env(PRINT, "1").output().expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).expect("text");
    let mut printed: BTreeMap<String, String> = BTreeMap::new();
    for cell in text.split("## ").skip(1) {
        let (name, body) = cell.split_once('\n').expect("a name and an output");
        printed.insert(name.replace(", ", "/"), body.to_string());
    }
    let data: serde_json::Value = serde_json::from_str(include_str!("data/seeds.json")).expect("JSON");
    let cases = data["cases"].as_array().expect("cases");
    assert!(cases.len() >= 25);
    for case in cases {
        let id = case["id"].as_str().expect("an id");
        let want = case["printed"].as_str().expect("a text");
        let got = printed.get(id).unwrap_or_else(|| panic!("{id} was not run"));
        if case["about_jax"].as_bool() == Some(true) {
            assert!(!got.is_empty(), "{id} names this library instead of JAX");
            continue;
        }
        if case["same_as_seed"].as_bool() != Some(false) {
            assert_eq!(got, want, "{id}");
            continue;
        }
        let ((a, x), (b, y)) = (split(got), split(want));
        // the columns of an array are as wide as its longest number
        assert_eq!(x.replace(' ', ""), y.replace(' ', ""), "{id}");
        for (a, b) in a.iter().zip(&b) {
            assert!(near(a, b), "{id}: {a} instead of {b}\n{got}\n{want}")
        }
    }
    // the page without a program shows each parameter that it describes
    for part in ["fun", "argnums", "has_aux", "holomorphic", "allow_int", "reduce_axes"] {
        assert!(printed.contains_key(&format!("001_eb1656e3c0dccf63.txt/{part}")), "{part}");
    }
}
