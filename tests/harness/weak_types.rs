//! When the results of an operation are weakly typed: as JAX says of each of its primitives, in `tests/data/weak_types.txt`.
//!
//! Bits do not show a wrong weak type, and no promise about values does: it decides what type a later sum has. So every operation that some
//! sample's program holds is staged again for many choices of weakly typed operands, and its results are compared with the table.

use super::*;
use cotangent::prim::testing::Equation;
use std::collections::BTreeMap;

/// What differs from JAX's table, or is not in it.
const OWN: [(&str, &str); 12] = [
    // JAX adds tangents and cotangents of one type and looks at the first; those of one type here have one weakness, too
    ("add_any", "all"),
    // the table says what JAX's types between devices are; under a map these are folds and moves, in JAX too, and keep weakness
    ("psum", "all"),
    ("pmax", "all"),
    ("pmin", "all"),
    ("all_to_all", "all"),
    ("all_gather_invariant", "all"),
    // not among JAX's, or under another name
    ("psum_transpose", "all"),
    ("pvary", "all"),
    ("mul_add", "all"),
    ("roll", "all"),
    ("zeros", "same"),
    ("on_gradient", "all"),
];
/// These hold programs, whose types are those of the equations in them, or host code, which says itself what it gives, or give nothing.
const PROGRAMS: [&str; 20] = [
    "shard_map",
    "loop_with_snapshots",
    "rewind",
    "rewind_transpose",
    "jit",
    "remat2",
    "partitioned_vmap",
    "custom_linear_solve",
    "stack_each",
    "stack_add",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_lin",
    "cond",
    "scan",
    "while",
    "pure_callback",
    "debug_callback",
    "debug_print",
    "check",
];

fn table() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("../data/weak_types.txt").lines();
    lines.map(|l| l.split_once(' ').expect("a name and a rule")).chain(OWN).collect()
}

/// Whether the results are weakly typed by this rule, if these operands are.
fn expected(rule: &str, e: &Equation, weak: &[bool], result: usize) -> bool {
    match rule {
        "each" => weak[result],
        "all" => weak.iter().all(|w| *w),
        "first" => weak[0],
        "cases" => weak[1..].iter().all(|w| *w),
        "never" => false,
        "same" => e.param("weak_type").expect("a parameter of this name") == "True",
        other => panic!("no rule is called {other}"),
    }
}

/// All choices among three operands; among more, none, each alone, all but each, all.
fn choices_of(n: usize) -> Vec<Vec<bool>> {
    if n <= 3 {
        return (0..1 << n).map(|bits| (0..n).map(|i| bits >> i & 1 == 1).collect()).collect();
    }
    let one = |i: usize, weak: bool| (0..n).map(|k| (k == i) == weak).collect();
    [vec![false; n], vec![true; n]].into_iter().chain((0..n).flat_map(|i| [one(i, true), one(i, false)])).collect()
}

pub(crate) fn check(r: &mut Report, e: &Equation) {
    if PROGRAMS.contains(&e.name()) || e.args.iter().any(|x| x.dtype() == DType::Key) {
        return;
    }
    let Some(rule) = table().get(e.name()).copied() else {
        return r.note(e.name(), Err("is not in tests/data/weak_types.txt".into()));
    };
    for weak in choices_of(e.args.len()) {
        let args: Vec<Array> =
            e.args.iter().zip(&weak).map(|(x, w)| prim::convert_element_type(x, x.dtype(), *w)).collect();
        let staged = stage(&|x| e.run(x), &args).jaxpr;
        let want: Vec<bool> = (0..staged.out_avals().len()).map(|k| expected(rule, e, &weak, k)).collect();
        let wrong = staged.out_avals().iter().zip(&want).any(|(t, want)| t.weak != *want);
        let told = || format!("results are {:?}, weak is to be {want:?}", staged.out_avals());
        r.note(format!("{} with weak operands {weak:?}", e.text()), if wrong { Err(told()) } else { Ok(()) })
    }
}

#[test]
fn results_are_weak_where_those_of_jax_are() {
    promise("weak types", |r, case| {
        for e in equations_of(case) {
            r.part(e.text(), |r| check(r, &e))
        }
        // a sample of which nothing is staged keeps the promise
        r.tried += 1
    })
}

/// As in JAX, a tangent is as weak as its value, a cotangent as what it belongs to, and a lane's result as what one alone gives; staging
/// changes nothing. Tried on strong and on weak arguments.
#[test]
fn transformations_keep_weakness() {
    promise("weakness", |r, case| {
        for weak in [false, true] {
            let as_weak = |x: &Array| prim::convert_element_type(x, x.dtype(), weak && x.dtype() != DType::Key);
            let args: Vec<Array> = case.args.iter().map(as_weak).collect();
            let case = Case { name: case.name, args, run: case.run };
            let at = differentiated(&case);
            let same = |what: String, r: &mut Report, got: &[Array], want: &[Array]| {
                r.all(what, got, want, |a, b| {
                    let fits = a.weak_type() == b.weak_type();
                    if fits { Ok(()) } else { Err(format!("weak is {} and not {}", a.weak_type(), b.weak_type())) }
                })
            };
            for d in derived(&case, &at) {
                let what = format!("{} of weak arguments: {weak}", d.what);
                r.part(&what, |r| same(format!("jit of {what}"), r, &compiled(&d.f, &d.args), &(d.f)(&d.args)))
            }
            r.part("vmap", |r| {
                if !case.args.is_empty() {
                    let axes = vec![Some(0); case.args.len()];
                    let each: Vec<Array> = case.args.iter().map(|x| stacked(&lanes_of(x), 0)).collect();
                    let (all, alone) = (mapped(&|x| (case.run)(x), &axes, 0, &each), (case.run)(&case.args));
                    same(format!("vmap of weak arguments: {weak}"), r, &all, &alone)
                }
            });
            let (f, x) = (smooth(&case, &at), case.args_at(&at));
            r.part("derivatives", |r| {
                let y = f(&x);
                if x.is_empty() || y.is_empty() {
                    return;
                }
                let (_, dy) = forwards(&f, &x, &directions(&x, 1));
                same(format!("tangents of weak arguments: {weak}"), r, &dy, &y);
                let dx = backwards(&f, &x, &directions(&y, 2));
                same(format!("cotangents of weak arguments: {weak}"), r, &dx, &x);
            });
        }
        r.tried += 1
    })
}
