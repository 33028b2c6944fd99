//! Random programs of operations, loops, branches and transformations, within one another to any depth: the library's value against what the program
//! means, `jit` against none bit for bit, and lanes against one at a time.
//!
//! `COTANGENT_STACKS=first..end` chooses the seeds. A failure prints its seed and the smallest program found that fails, too.

mod common;
#[path = "stacks/library.rs"]
mod library;
#[path = "stacks/number.rs"]
mod number;
#[path = "stacks/program.rs"]
mod program;
#[path = "stacks/reference.rs"]
mod reference;

use common::{equal, nth};
use cotangent::prelude::*;
use cotangent::{make_jaxpr, vmap};
use library::{run, vector};
use program::{Limits, Node, Op, Random};
use reference::{Derivatives, Reference};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many cases in every run.
const CASES: u64 = 5000;
/// What is larger somewhere on its way is left out.
const LARGEST: f64 = 1e6;

/// A program and where it is tried.
struct Case {
    program: Node,
    limits: Limits,
    /// The first is where it is tried alone, all are lanes.
    points: Vec<Vec<f64>>,
}
impl Case {
    fn of(seed: u64) -> Case {
        let mut r = Random::new(seed);
        let extent = [1, 2, 3, 3][r.below(4)];
        let limits = Limits { extent, orders: r.below(4), honest: r.below(2) == 0 };
        let depth = [1, 2, 3, 3, 4, 4, 5, 5][r.below(8)];
        let program = Node::random(&mut r, depth, limits);
        let points = (0..3).map(|_| (0..extent).map(|_| r.number() * 1.5).collect()).collect();
        Case { program, limits, points }
    }
    fn text(&self) -> String {
        format!("{}\n  at {:?}, lanes {:?}", self.program, self.points[0], &self.points[1..])
    }
}

/// What has been compared.
#[derive(Default, Debug, Clone, Copy)]
struct Compared {
    value: bool,
    differences: bool,
}

fn near(what: &str, got: &Array, want: &[f64], tolerance: f64) -> Result<(), String> {
    let got = got.to_vec::<f64>();
    let far = got.iter().zip(want).any(|(g, w)| (g - w).is_nan() || (g - w).abs() > tolerance);
    match got.len() != want.len() || far {
        true => Err(format!("{what}: {got:?}, expected {want:?}, tolerance {tolerance:e}")),
        false => Ok(()),
    }
}

fn compare(case: &Case) -> Result<Compared, String> {
    let (p, x) = (&case.program, &case.points[0]);
    let mut compared = Compared::default();
    let mut exact = Reference::new(Derivatives::Infinitesimal);
    let Some(want) = exact.run(p, x).filter(|_| exact.largest < LARGEST) else { return Ok(compared) };
    let size = 1.0 + exact.largest;
    let f = |x: &Array| run(p, std::slice::from_ref(x));
    let eager = f(&vector(x));
    near("value", &eager, &want, 1e-10 * size)?;
    compared.value = true;

    let dishonest = |op: &Op| matches!(op, Op::CustomJvp { factor } | Op::CustomVjp { factor } if *factor != 1.0);
    if !p.any(&dishonest) {
        let [a, b] = [4e-3, 2.5e-3].map(|step| {
            let mut r = Reference::new(Derivatives::Differences(step));
            r.run(p, x).filter(|_| !r.broken)
        });
        if let (Some(a), Some(b)) = (a, b)
            && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4 * size)
        {
            near("by differences", &eager, &b, 3e-4 * size)?;
            compared.differences = true
        }
    }
    make_jaxpr(f, (&vector(x),)).check().map_err(|e| format!("its program: {e}"))?;
    // A branch that is known to be taken moves or does not; one that is not known moves by 0, and -1 times that is -0.
    let chosen = p.any(&|op| matches!(op, Op::Cond { .. } | Op::Switch));
    let staged = jit(f)(&vector(x));
    let signs = |x: &Array| if chosen { x + 0.0 } else { x.clone() };
    equal(&signs(&staged), &signs(&eager)).map_err(|e| format!("jit: {e}"))?;
    let all: Vec<f64> = case.points.iter().flatten().copied().collect();
    let xs = Array::from_slice(&all, &[case.points.len(), x.len()]);
    let lanes = vmap(f)(&xs);
    equal(&signs(&jit(vmap(f))(&xs)), &signs(&lanes)).map_err(|e| format!("jit of vmap: {e}"))?;
    for (i, x) in case.points.iter().enumerate() {
        let mut exact = Reference::new(Derivatives::Infinitesimal);
        if exact.run(p, x).is_some_and(|_| exact.largest < LARGEST) {
            let alone = f(&vector(x)).to_vec::<f64>();
            near(&format!("lane {i}"), &nth(&lanes, i), &alone, 1e-10 * (1.0 + exact.largest))?
        }
    }
    Ok(compared)
}

/// As [`compare`], with panics as errors.
fn tried(case: &Case) -> Result<Compared, String> {
    let quiet = catch_unwind(AssertUnwindSafe(|| catch(|| compare(case))));
    match quiet {
        Ok(Ok(compared)) => compared,
        Ok(Err(e)) => Err(format!("error: {e}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Err(format!("panic: {}", text.or(panic.downcast_ref::<&str>().map(|t| t.to_string())).unwrap_or_default()))
        }
    }
}

/// The smallest program that still `fails`, as far as small steps lead to it.
fn smallest(program: Node, fails: &mut dyn FnMut(&Node) -> bool) -> Node {
    let mut best = program;
    let mut left = 3000;
    'again: loop {
        let mut candidates = best.smaller(1);
        candidates.sort_by_key(Node::size);
        for c in candidates {
            left -= 1;
            if left == 0 {
                return best;
            }
            if fails(&c) {
                best = c;
                continue 'again;
            }
        }
        return best;
    }
}

#[test]
fn random_stacks_of_transformations_mean_what_they_say() {
    let (first, end) = match std::env::var("COTANGENT_STACKS") {
        Ok(range) => {
            let (a, b) = range.split_once("..").expect("first..end");
            (a.parse().expect("a number"), b.parse().expect("a number"))
        }
        Err(_) => (0, CASES),
    };
    let (mut values, mut differences, mut failures) = (0, 0, vec![]);
    for seed in first..end {
        match tried(&Case::of(seed)) {
            Ok(c) => {
                values += c.value as u64;
                differences += c.differences as u64
            }
            Err(why) => failures.push((seed, why)),
        }
    }
    println!("of {} programs: {values} compared, {differences} of them with differences", end - first);
    let told = failures.iter().take(3).map(|(seed, why)| {
        let case = Case::of(*seed);
        let of = |program: Node| Case { program, limits: case.limits, points: case.points.clone() };
        let mut fails = |p: &Node| tried(&of(p.clone())).is_err();
        let small = of(smallest(case.program.clone(), &mut fails));
        let still = tried(&small).err().unwrap_or_default();
        format!("seed {seed}: {why}\n{}\nsmaller: {still}\n{}\n", case.text(), small.text())
    });
    let told: Vec<String> = told.collect();
    let seeds: Vec<u64> = failures.iter().map(|f| f.0).collect();
    assert!(failures.is_empty(), "{} failures: {seeds:?}\n{}", seeds.len(), told.join("\n"));
    if end - first >= 100 {
        let n = end - first;
        assert!(values * 10 > n * 9 && differences * 10 > n * 5, "too little was compared")
    }
}

#[test]
fn a_lost_rule_would_be_noticed() {
    let node = |op, arguments, bodies| Node { op, arguments, bodies };
    let variable = |k| node(Op::Var(k), vec![], vec![]);
    let derived = |factor: f64| {
        let sine = node(Op::Unary(program::Unary::Sin), vec![variable(0)], vec![]);
        let custom = node(Op::CustomVjp { factor }, vec![variable(1), variable(0)], vec![sine]);
        node(Op::Forward(program::Forward::Jvp), vec![variable(0), variable(0)], vec![custom])
    };
    let x = [0.5, -0.25];
    let value = |p: &Node| Reference::new(Derivatives::Infinitesimal).run(p, &x).expect("a value");
    let got = run(&derived(2.0), &[vector(&x)]);
    near("kept", &got, &value(&derived(2.0)), 1e-12).expect("the rule");
    assert!(near("lost", &got, &value(&derived(1.0)), 1e-3).is_err());
}

#[test]
fn failures_are_made_small() {
    let bad = |p: &Node| p.any(&|op| matches!(op, Op::While { .. })) && p.any(&|op| matches!(op, Op::Jit));
    let mut found = (0..).map(Case::of).filter(|c| bad(&c.program) && c.program.size() > 25);
    let program = found.next().expect("such a program").program;
    let small = smallest(program, &mut |p| bad(p));
    assert!(small.size() <= 9, "{small}");
}
