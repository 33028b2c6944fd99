//! What a program does, as far as it decides how closely its results must agree.
//!
//! Two evaluators of one program agree bit for bit as long as they only move, select, compare and do single correctly rounded operations.
//! Everything else has some freedom: the last digits of elementary functions, the order of sums, the stability of factorizations.

use std::collections::HashMap;

use cotangent::jaxpr::json::{Atom, EqnData, JaxprData, ProgramData};

use crate::number::{Kind, kind};

/// Operations that pass elements on as they are, or choose among them, in any type.
const MOVES: &[&str] = &[
    "argmax",
    "argmin",
    "bitcast_convert_type",
    "broadcast_in_dim",
    "clamp",
    "complex",
    "concatenate",
    "conj",
    "copy",
    "copy_p",
    "cummax",
    "cummin",
    "device_put",
    "dynamic_slice",
    "dynamic_update_slice",
    "empty2",
    "eq",
    "expand_dims",
    "gather",
    "ge",
    "gt",
    "imag",
    "iota",
    "is_finite",
    "le",
    "le_to",
    "lt",
    "lt_to",
    "max",
    "min",
    "name",
    "ne",
    "neg",
    "optimization_barrier",
    "pad",
    "pmax",
    "pmin",
    "real",
    "reduce_max",
    "reduce_min",
    "reshape",
    "rev",
    "select_n",
    "slice",
    "sort",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "tile",
    "top_k",
    "transpose",
    "unstack",
];

/// Operations that are exact in real types; of complex numbers they take roots and quotients.
const EXACT_IF_REAL: &[&str] = &["abs", "ceil", "floor", "nextafter", "round", "sign"];

/// Arithmetic that is correctly rounded in `float32` and `float64`.
const ARITHMETIC: &[&str] = &["add", "add_any", "div", "mul", "square", "sub"];

/// Sums, and what else does not change the order of magnitude.
const ADDITIVE: &[&str] = &[
    "add",
    "add_any",
    "convert_element_type",
    "cumsum",
    "psum",
    "reduce_sum",
    "reduce_window_sum",
    "scatter-add",
    "scatter-sub",
    "sub",
];

/// Operations that choose between numbers, where IEEE 754 leaves open which of two zeros of different sign is taken.
const EXTREMES: &[&str] = &[
    "argmax",
    "argmin",
    "clamp",
    "cummax",
    "cummin",
    "max",
    "min",
    "pmax",
    "pmin",
    "reduce_max",
    "reduce_min",
    "scatter-max",
    "scatter-min",
    "reduce_window_max",
    "reduce_window_min",
];

/// Calls whose bodies were evaluated operation by operation when the programs were recorded. Bodies of all others were compiled whole, so that
/// a product and a sum may have been contracted to one operation.
const INLINED: &[&str] = &["jit", "closed_call", "call"];

/// Factorizations and solvers, whose errors grow with the condition of the matrix.
const LINEAR_ALGEBRA: &[&str] = &[
    "cholesky",
    "cholesky_update",
    "custom_linear_solve",
    "eig",
    "eigh",
    "geqp3",
    "geqrf",
    "hessenberg",
    "householder_product",
    "lu",
    "ormqr",
    "qr",
    "schur",
    "svd",
    "triangular_solve",
    "tridiagonal",
    "tridiagonal_solve",
];

/// Factorizations whose vectors are fixed only up to sign or phase.
pub const PHASE_FREE: &[&str] = &["eig", "eigh", "geqp3", "geqrf", "householder_product", "qr", "schur", "svd"];

/// What a program does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// For each result: is it made of exact operations only?
    pub exact: Vec<bool>,
    /// Is the sign of a zero left open?
    pub zero_sign: bool,
    /// Does it divide?
    pub divides: bool,
    /// Does it factorize or solve?
    pub linear_algebra: bool,
    /// Are vectors among its results fixed only up to sign or phase?
    pub phase_free: bool,
    /// The number of terms in its longest sum or product along axes; 0 if it has none.
    pub terms: usize,
    /// Does it do nothing but move and add, so that no intermediate value is of another order of magnitude than its operands and results?
    pub additive: bool,
}

impl Profile {
    /// Looks through a program.
    pub fn of(program: &ProgramData) -> Profile {
        let jaxpr = &program.jaxpr;
        let exact = exact_results(jaxpr, &vec![true; jaxpr.ins.len()]);
        let mut profile = Profile { exact, additive: true, ..Profile::default() };
        each_equation(jaxpr, &mut |eqn, ins| {
            let prim = eqn.prim.as_str();
            profile.zero_sign |= EXTREMES.contains(&prim);
            profile.divides |= prim == "div";
            profile.linear_algebra |= LINEAR_ALGEBRA.contains(&prim);
            profile.phase_free |= PHASE_FREE.contains(&prim);
            profile.additive &=
                holds_program(eqn) || ADDITIVE.contains(&prim) || MOVES.contains(&prim) || of_types(eqn, &[]);
            profile.terms = profile.terms.max(terms(eqn, ins));
        });
        profile
    }

    /// The same without any claim to exact bits.
    pub fn relaxed(&self) -> Profile {
        Profile { exact: vec![], ..self.clone() }
    }
}

/// An operand as far as it matters here.
#[derive(Clone, Copy)]
struct Operand<'a> {
    dtype: &'a str,
    shape: &'a [usize],
    /// Is it made of exact operations only?
    exact: bool,
}

/// The variables of one jaxpr.
struct Scope<'a>(HashMap<usize, Operand<'a>>);

impl<'a> Scope<'a> {
    fn of(jaxpr: &'a JaxprData, exact: &[bool]) -> Scope<'a> {
        let ins = jaxpr
            .ins
            .iter()
            .zip(exact)
            .map(|(b, &exact)| (b.id, Operand { dtype: &b.aval.dtype, shape: &b.aval.shape, exact }));
        let consts =
            jaxpr.consts.iter().map(|c| (c.id, Operand { dtype: &c.array.dtype, shape: &c.array.shape, exact: true }));
        Scope(ins.chain(consts).collect())
    }

    fn bind(&mut self, eqn: &'a EqnData, exact: &[bool]) {
        for (b, &exact) in eqn.outs.iter().zip(exact) {
            self.0.insert(b.id, Operand { dtype: &b.aval.dtype, shape: &b.aval.shape, exact });
        }
    }

    fn read(&self, atoms: &'a [Atom]) -> Vec<Operand<'a>> {
        let read = |atom: &'a Atom| match atom {
            Atom::Var(id) => self.0[id],
            Atom::Lit(array) => Operand { dtype: &array.dtype, shape: &array.shape, exact: true },
        };
        atoms.iter().map(read).collect()
    }
}

/// Shows every equation with its operands, those of nested programs included.
fn each_equation<'a>(jaxpr: &'a JaxprData, see: &mut dyn FnMut(&'a EqnData, &[Operand<'a>])) {
    let mut scope = Scope::of(jaxpr, &vec![true; jaxpr.ins.len()]);
    for eqn in &jaxpr.eqns {
        see(eqn, &scope.read(&eqn.ins));
        eqn.nested().into_iter().for_each(|nested| each_equation(nested, see));
        scope.bind(eqn, &vec![true; eqn.outs.len()]);
    }
}

/// The number of terms that an equation adds up (or multiplies) for one element of its result; 0 for all that do neither.
fn terms(eqn: &EqnData, ins: &[Operand]) -> usize {
    let size = |shape: &[usize]| shape.iter().product::<usize>();
    let out = eqn.outs.first().map_or(&[][..], |b| &b.aval.shape);
    let params = eqn.params();
    match eqn.prim.as_str() {
        "reduce_sum" | "reduce_prod" | "reduce" | "psum" => size(ins[0].shape) / size(out).max(1),
        "cumsum" | "cumprod" | "cumlogsumexp" => params.usize("axis").map_or(0, |axis| ins[0].shape[axis]),
        "dot_general" => params
            .dot_dims("dimension_numbers")
            .map_or(0, |[[lhs, _], _]| lhs.iter().map(|&axis| ins[0].shape[axis]).product()),
        "conv_general_dilated" => {
            // Each result adds up one kernel: all of its elements but for the axis of output features.
            let spec = params.object("dimension_numbers").and_then(|numbers| numbers.usizes("rhs_spec"));
            let features = spec.map_or(1, |spec| ins[1].shape[spec[0]]);
            size(ins[1].shape) / features.max(1)
        }
        // Of the scattering kind: several windows may choose the same element.
        "reduce_window" | "reduce_window_sum" | "select_and_gather_add" | "select_and_scatter_add" => {
            params.usizes("window_dimensions").map_or(0, |window| size(&window))
        }
        "scatter-add" | "scatter-sub" | "scatter-mul" => size(ins[2].shape),
        "fft" => params.usizes("fft_lengths").map_or(0, |lengths| size(&lengths)),
        "scan" => params.usize("length").unwrap_or(0),
        _ => 0,
    }
}

/// For each result of a program: is it made of exact operations only, given which inputs are?
fn exact_results(jaxpr: &JaxprData, ins: &[bool]) -> Vec<bool> {
    let mut scope = Scope::of(jaxpr, ins);
    for eqn in &jaxpr.eqns {
        let ins = scope.read(&eqn.ins);
        let known: Vec<bool> = ins.iter().map(|x| x.exact).collect();
        let outs = match eqn.nested()[..] {
            [body] if INLINED.contains(&eqn.prim.as_str()) => exact_results(body, &known),
            _ => vec![known.iter().all(|&e| e) && exact_operation(eqn, &ins); eqn.outs.len()],
        };
        scope.bind(eqn, &outs);
    }
    scope.read(&jaxpr.outs).iter().map(|x| x.exact).collect()
}

/// Is the result of an operation on exact operands fixed to the last bit?
fn exact_operation(eqn: &EqnData, ins: &[Operand]) -> bool {
    if !holds_program(eqn) {
        return exact_step(eqn, ins)
            || (ARITHMETIC.contains(&eqn.prim.as_str()) && of_types(eqn, &["float32", "float64"]));
    }
    let mut exact = true;
    for body in eqn.nested() {
        each_equation(body, &mut |e, ins| exact &= holds_program(e) || exact_step(e, ins));
    }
    exact
}

/// Is this a call or control flow, which does what its bodies do? The scalar programs of scatters and reductions are not meant.
fn holds_program(eqn: &EqnData) -> bool {
    !eqn.nested().is_empty() && !eqn.prim.starts_with("scatter") && !eqn.prim.starts_with("reduce")
}

/// Is an operation exact wherever it is, even in a body that was compiled whole?
fn exact_step(eqn: &EqnData, ins: &[Operand]) -> bool {
    let prim = eqn.prim.as_str();
    MOVES.contains(&prim)
        || of_types(eqn, &[])
        || matches!(prim, "scatter-max" | "scatter-min")
        || (prim == "scatter" && eqn.nested().is_empty())
        || (EXACT_IF_REAL.contains(&prim) && ins.iter().all(|x| kind(x.dtype) != Kind::Complex))
        || (prim == "convert_element_type" && of_types(eqn, &["float32", "float64", "complex64", "complex128"]))
}

/// Are all results of types that have nothing to round, or of those named?
fn of_types(eqn: &EqnData, named: &[&str]) -> bool {
    eqn.outs.iter().all(|b| kind(&b.aval.dtype) == Kind::Exact || named.contains(&b.aval.dtype.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn aval(dtype: &str, shape: &[usize]) -> Value {
        json!({"dtype": dtype, "shape": shape, "weak": false})
    }

    /// A program of one input and equations of one operand list and one result each.
    fn program(input: Value, eqns: &[(&str, Value, &[usize], Value)]) -> ProgramData {
        let eqn = |(i, (prim, params, ins, out)): (usize, &(&str, Value, &[usize], Value))| {
            let ins: Vec<Value> = ins.iter().map(|id| json!({"var": id})).collect();
            json!({"prim": prim, "params": params, "in": ins, "out": [{"id": i + 1, "aval": out}]})
        };
        let eqns: Vec<Value> = eqns.iter().enumerate().map(eqn).collect();
        let outs: Vec<Value> = (1..=eqns.len()).map(|id| json!({"var": id})).collect();
        let jaxpr = json!({"in": [{"id": 0, "aval": input}], "consts": [], "eqns": eqns, "out": outs});
        ProgramData::from_json(&json!({ "jaxpr": jaxpr })).unwrap()
    }

    #[test]
    fn exactness_follows_the_data() {
        let f = || aval("float32", &[8]);
        let p = program(
            f(),
            &[
                ("mul", json!({}), &[0, 0], f()),
                ("sin", json!({}), &[1], f()),
                ("neg", json!({}), &[2], f()),
                ("add", json!({}), &[1, 0], f()),
                ("reduce_sum", json!({"axes": [0]}), &[4], aval("float32", &[])),
            ],
        );
        let profile = Profile::of(&p);
        assert_eq!(profile.exact, [true, false, false, true, false]);
        assert_eq!(
            (profile.terms, profile.linear_algebra, profile.phase_free, profile.additive),
            (8, false, false, false)
        );
        let sum = program(f(), &[("reduce_sum", json!({"axes": [0]}), &[0], aval("float32", &[]))]);
        assert!(Profile::of(&sum).additive);
    }

    #[test]
    fn halves_round_and_bodies_contract() {
        let h = || aval("float16", &[2]);
        let p = program(h(), &[("mul", json!({}), &[0, 0], h()), ("neg", json!({}), &[0], h())]);
        assert_eq!(Profile::of(&p).exact, [false, true]);
        let f = || aval("float32", &[2]);
        let body = program(f(), &[("mul", json!({}), &[0, 0], f())]).jaxpr.to_json();
        let call = |prim, field: &str| program(f(), &[(prim, json!({field: {"jaxpr": body}}), &[0], f())]);
        assert_eq!(Profile::of(&call("jit", "jaxpr")).exact, [true]);
        assert_eq!(Profile::of(&call("custom_jvp_call", "call_jaxpr")).exact, [false]);
    }

    #[test]
    fn absolute_values_of_complex_numbers_are_roots() {
        let of =
            |dtype| Profile::of(&program(aval(dtype, &[]), &[("abs", json!({}), &[0], aval("float32", &[]))])).exact;
        assert_eq!((of("float32"), of("complex64")), (vec![true], vec![false]));
    }
}
