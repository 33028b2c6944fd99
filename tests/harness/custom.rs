//! Samples of functions that bring a derivative rule of their own. They come from recorded programs, so no family has them.

use cotangent::jaxpr::Loaded;
use cotangent::prelude::*;
use cotangent::prim::Case;
use std::sync::LazyLock;

/// sin(x) y with the rule cos(x) dx y + sin(x) dy, of float64[2], in the format of recorded programs. The rule takes both tangents as
/// values, also that of an argument that has none.
static PRODUCT: LazyLock<Loaded> = LazyLock::new(|| {
    let float = r#"{"dtype": "float64", "shape": [2], "weak": false}"#;
    let var = |id: usize| format!(r#"{{"id": {id}, "aval": {float}}}"#);
    let eqn = |prim: &str, ins: &[usize], out: usize| {
        let ins: Vec<String> = ins.iter().map(|i| format!(r#"{{"var": {i}}}"#)).collect();
        format!(r#"{{"prim": "{prim}", "params": {{}}, "in": [{}], "out": [{}]}}"#, ins.join(", "), var(out))
    };
    let program = |ins: usize, eqns: &[String], outs: &[usize]| {
        let ins: Vec<String> = (0..ins).map(var).collect();
        let outs: Vec<String> = outs.iter().map(|o| format!(r#"{{"var": {o}}}"#)).collect();
        let [ins, eqns, outs] = [ins.join(", "), eqns.join(", "), outs.join(", ")];
        format!(r#"{{"in": [{ins}], "consts": [], "eqns": [{eqns}], "out": [{outs}]}}"#)
    };
    let body = program(2, &[eqn("sin", &[0], 2), eqn("mul", &[2, 1], 3)], &[3]);
    let rule = [
        eqn("sin", &[0], 4),
        eqn("mul", &[4, 1], 5),
        eqn("cos", &[0], 6),
        eqn("mul", &[2, 6], 7),
        eqn("mul", &[7, 1], 8),
        eqn("mul", &[4, 3], 9),
        eqn("add_any", &[8, 9], 10),
    ];
    let rule = program(4, &rule, &[5, 10]);
    let call = format!(
        r#"{{"prim": "custom_jvp_call",
            "params": {{"name": "product", "num_consts": 0, "rule": 0, "call_jaxpr": {{"jaxpr": {body}}}}},
            "in": [{{"var": 0}}, {{"var": 1}}], "out": [{}]}}"#,
        var(2)
    );
    let whole = program(2, &[call], &[2]);
    let text = format!(
        r#"{{"jaxpr": {whole},
            "rules": [{{"kind": "jvp", "in_zeros": [false, false], "out_zeros": [false], "jaxpr": {rule}}}]}}"#
    );
    Loaded::parse(&text).expect("a program")
});

pub(crate) fn cases() -> Vec<Case> {
    let two = || [array(vec![1.5f64, -2.0]), array(vec![0.5f64, 3.0])];
    vec![
        Case { name: "a product", args: two().to_vec(), run: |x| PRODUCT.call(x) },
        Case {
            name: "a product by one argument",
            args: two()[..1].to_vec(),
            run: |x| PRODUCT.call(&[x[0].clone(), array(vec![0.5f64, 3.0])]),
        },
        Case {
            name: "a product of itself",
            args: two()[..1].to_vec(),
            run: |x| PRODUCT.call(&[x[0].clone(), x[0].clone()]),
        },
    ]
}
