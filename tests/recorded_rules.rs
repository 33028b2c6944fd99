//! Recorded derivative rules that do not fit their functions are errors when they are read, and no panics when they are asked.

use cotangent::jaxpr::Loaded;
use cotangent::prelude::*;
use serde_json::{Value, json};

fn var(id: usize) -> Value {
    json!({"id": id, "aval": {"dtype": "float64", "shape": [2], "weak": false}})
}
/// A program of so many inputs; the equations have an operation, operands and a result.
fn program(ins: usize, eqns: &[(&str, &[usize], usize)], outs: &[usize]) -> Value {
    let eqn = |(prim, ins, out): &(&str, &[usize], usize)| {
        let ins: Vec<Value> = ins.iter().map(|v| json!({"var": v})).collect();
        json!({"prim": prim, "params": {}, "in": ins, "out": [var(*out)]})
    };
    json!({
        "in": (0..ins).map(var).collect::<Vec<_>>(),
        "consts": [],
        "eqns": eqns.iter().map(eqn).collect::<Vec<_>>(),
        "out": outs.iter().map(|v| json!({"var": v})).collect::<Vec<_>>(),
    })
}
/// x y by a function with a rule: a forward one, or a reverse one.
fn product(forward: bool) -> Value {
    let body = program(2, &[("mul", &[0, 1], 2)], &[2]);
    let rule = if forward {
        let eqns: [(&str, &[usize], usize); 4] =
            [("mul", &[0, 1], 4), ("mul", &[2, 1], 5), ("mul", &[0, 3], 6), ("add_any", &[5, 6], 7)];
        json!({"kind": "jvp", "in_zeros": [false, false], "out_zeros": [false], "jaxpr": program(4, &eqns, &[4, 7])})
    } else {
        let fwd = program(2, &[("mul", &[0, 1], 2), ("neg", &[1], 3)], &[3, 2]);
        let bwd = program(3, &[("mul", &[2, 0], 3), ("neg", &[3], 4), ("mul", &[2, 1], 5)], &[4, 5]);
        json!({"kind": "vjp", "fwd": fwd, "res_from_in": [null, 0], "bwd": bwd, "bwd_for": [0, 1]})
    };
    let prim = if forward { "custom_jvp_call" } else { "custom_vjp_call" };
    let params = json!({"name": "product", "num_consts": 0, "rule": 0, "call_jaxpr": {"jaxpr": body}});
    let call = json!({"prim": prim, "params": params, "in": [{"var": 0}, {"var": 1}], "out": [var(2)]});
    let mut whole = program(2, &[], &[2]);
    whole["eqns"] = json!([call]);
    json!({"jaxpr": whole, "rules": [rule]})
}

#[test]
fn rules_that_fit() {
    for forward in [true, false] {
        let f = Loaded::parse(&product(forward).to_string()).expect("a program");
        let f = |x: &Array, y: &Array| f.call(&[x.clone(), y.clone()]).remove(0).sum();
        let (x, y) = (array(vec![2.0, 3.0]), array(vec![5.0, 7.0]));
        let (dx, dy) = grad_argnums(f, (ARG0, ARG1))(&x, &y);
        assert_eq!((dx.to_vec::<f64>(), dy.to_vec::<f64>()), (vec![5.0, 7.0], vec![2.0, 3.0]));
    }
}

#[test]
fn rules_that_do_not_fit() {
    let rule = |field: &'static str| format!("/rules/0/{field}");
    let call = |field: &'static str| format!("/jaxpr/eqns/0/params/{field}");
    let short = json!([false]);
    let other_shape = json!({"id": 0, "aval": {"dtype": "float64", "shape": [3], "weak": false}});
    let none = program(0, &[], &[]);
    let kind_of_other = |forward: bool| product(!forward)["rules"][0].clone();
    // where the program is changed, to what, and what the error names
    let forward = [
        (rule("in_zeros"), short.clone(), "1 inputs and 1 results of 2 and 1"),
        (rule("out_zeros"), json!([false, true]), "2 inputs and 2 results"),
        (rule("in_zeros"), json!([false, true]), "its inputs"),
        (rule("out_zeros"), json!([true]), "2 results"),
        (rule("jaxpr/out"), json!([{"var": 4}]), "1 results"),
        (rule("jaxpr/in/3/aval/shape"), json!([3]), "[3]"),
        (rule("jaxpr/eqns/3/out/0/aval/shape"), json!([2, 1]), "its tangents"),
        (call("num_consts"), json!(7), "7 constants of 2"),
        (call("num_consts"), json!(1), "2 inputs"),
        (call("rule"), json!(1), "rule 1"),
        ("/rules/0".to_string(), kind_of_other(true), "of the other kind"),
    ];
    let reverse = [
        (rule("res_from_in"), json!([null, 2]), "input 2 of 2"),
        (rule("res_from_in"), json!([null, null, null]), "3 residuals"),
        (rule("res_from_in"), json!([null]), "the inputs of bwd"),
        (rule("bwd_for"), json!([0, 5]), "input 5 of 2"),
        (rule("bwd_for"), json!([0]), "bwd has 2 results for 1 inputs"),
        (rule("fwd/in/0"), other_shape, "the inputs of fwd"),
        (rule("fwd/out"), json!([{"var": 3}]), "fwd has 0 results"),
        (rule("bwd"), none, "the inputs of bwd"),
        (call("num_consts"), json!(-1), "num_consts"),
        ("/rules/0".to_string(), kind_of_other(false), "of the other kind"),
    ];
    let all = forward.map(|c| (true, c)).into_iter().chain(reverse.map(|c| (false, c)));
    for (forward, (place, bad, words)) in all {
        let mut program = product(forward);
        *program.pointer_mut(&place).unwrap_or_else(|| panic!("nothing at {place}")) = bad;
        let e = Loaded::parse(&program.to_string()).err().unwrap_or_else(|| panic!("{place} is taken as it is"));
        assert_eq!(e.kind(), ErrorKind::Program, "{e}");
        assert!(e.to_string().contains(words), "{words} in {e}")
    }
}
