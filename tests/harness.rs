//! Every promise of a primitive, run over every sample of every family.
//!
//! A family's `cases()` are functions and arguments to try them on. Here each of them is evaluated, staged, compiled, differentiated
//! forwards and backwards, mapped and transposed, and what comes out is compared with what must come out. Each promise is one test; it
//! goes through all samples and then fails once, with everything that is wrong.
//!
//! `FAMILY=gather cargo test --test harness` tries one family.

mod common;
#[path = "harness/custom.rs"]
mod custom;
#[path = "harness/lanes.rs"]
mod lanes;
#[path = "harness/weak_types.rs"]
mod weak_types;

use common::{equal, inner, near, tolerance};
use cotangent::prelude::*;
use cotangent::prim::testing::{self, bytes, stage};
use cotangent::prim::{self, Case};
use cotangent::{jvp, linear_transpose, linearize, vjp, vmap_axes};
use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Function<'a> = &'a (dyn Fn(&[Array]) -> Vec<Array> + Send + Sync);
type Boxed<'a> = Box<dyn Fn(&[Array]) -> Vec<Array> + Send + Sync + 'a>;

/// What went wrong so far.
#[derive(Default)]
struct Report {
    /// The sample and the promise in question.
    place: String,
    wrong: Vec<String>,
    tried: usize,
}
impl Report {
    /// Notes that something is not as it must be.
    fn note(&mut self, what: impl std::fmt::Display, outcome: Result<(), String>) {
        self.tried += 1;
        if let Err(why) = outcome {
            self.wrong.push(format!("{}: {what}: {why}", self.place))
        }
    }
    /// The same for lists.
    fn all(
        &mut self,
        what: impl std::fmt::Display,
        a: &[Array],
        b: &[Array],
        check: impl Fn(&Array, &Array) -> Result<(), String>,
    ) {
        if a.len() != b.len() {
            return self.note(what, Err(format!("{} results against {}", a.len(), b.len())));
        }
        for (k, (a, b)) in a.iter().zip(b).enumerate() {
            self.note(format!("{what}, result {k}"), check(a, b))
        }
    }
    /// Runs a part; a panic is something wrong, too.
    fn part(&mut self, what: impl std::fmt::Display, f: impl FnOnce(&mut Report)) {
        if let Err(e) = catch_unwind(AssertUnwindSafe(|| f(self))) {
            let text = e.downcast_ref::<String>().cloned().or(e.downcast_ref::<&str>().map(|s| s.to_string()));
            self.note(what, Err(format!("panic: {}", text.unwrap_or_default())))
        }
    }
}

/// The samples of every family, and those that come from recorded programs.
fn samples() -> Vec<(&'static str, Vec<Case>)> {
    prim::cases().into_iter().chain([("recorded", custom::cases())]).collect()
}

/// Runs a promise over all samples.
fn promise(name: &str, check: fn(&mut Report, &Case)) {
    let only = std::env::var("FAMILY").ok();
    let mut report = Report::default();
    for (family, cases) in samples() {
        if only.as_ref().is_some_and(|f| f != family) {
            continue;
        }
        for case in &cases {
            report.place = format!("{family}, {}", case.name);
            report.part(name, |r| check(r, case))
        }
    }
    assert!(report.tried > 0, "{name}: nothing was tried");
    let n = report.wrong.len();
    assert!(n == 0, "{name}: {n} of {} are wrong:\n  {}", report.tried, report.wrong.join("\n  "));
}

// The transformations, on functions of lists.

fn compiled(f: Function, x: &[Array]) -> Vec<Array> {
    jit(|x: &Vec<Array>| f(x))(&x.to_vec())
}
fn forwards(f: Function, x: &[Array], t: &[Array]) -> (Vec<Array>, Vec<Array>) {
    jvp(|x: &Vec<Array>| f(x), (&x.to_vec(),), (&t.to_vec(),))
}
fn backwards(f: Function, x: &[Array], ct: &[Array]) -> Vec<Array> {
    let (_, pull) = vjp(|x: &Vec<Array>| f(x), (&x.to_vec(),));
    pull.call(&ct.to_vec()).0
}
fn mapped(f: Function, axes: &[Option<i32>], out: i32, x: &[Array]) -> Vec<Array> {
    vmap_axes(|x: &Vec<Array>| f(x), (axes.to_vec(),), out)(&x.to_vec())
}

// Samples of their own.

/// Which arguments are differentiated.
fn differentiated(case: &Case) -> Vec<usize> {
    (0..case.args.len()).filter(|i| case.args[*i].dtype() == DType::Float64).collect()
}
/// The sample as a function of the arguments `at`, with those of its results that can have a derivative.
fn smooth<'a>(case: &'a Case, at: &'a [usize]) -> impl Fn(&[Array]) -> Vec<Array> + Send + Sync + 'a {
    move |x| {
        let mut args = case.args.clone();
        for (i, x) in at.iter().zip(x) {
            args[*i] = x.clone()
        }
        (case.run)(&args).into_iter().filter(|y| y.dtype().is_inexact()).collect()
    }
}
fn pick(x: &[Array], at: &[usize]) -> Vec<Array> {
    at.iter().map(|i| x[*i].clone()).collect()
}
/// All that can be differentiated, then each alone.
fn choices(of: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![of.to_vec()];
    if of.len() > 1 {
        all.extend(of.iter().map(|i| vec![*i]))
    }
    all
}

/// Numbers of this type and shape, of moderate size, none of them zero; few bits, so that half precision holds them.
fn direction(like: &Array, seed: usize) -> Array {
    let data = |seed: usize| -> Array {
        let number = |i: usize| {
            let mut h =
                (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (seed as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            h = (h ^ (h >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let k = (h >> 40) % 32;
            (k as f64 - 15.5) / 8.0
        };
        Array::from_slice(&(0..like.size()).map(number).collect::<Vec<f64>>(), like.shape())
    };
    let x = data(seed);
    let x = if like.dtype().is_complex() { prim::complex(&x, &data(seed + 1000)) } else { x };
    prim::convert_element_type(&x, like.dtype(), like.weak_type())
}
fn zero(like: &Array) -> Array {
    let d = direction(like, 0);
    combine(1.0, &d, -1.0, &d)
}
fn directions(like: &[Array], seed: usize) -> Vec<Array> {
    like.iter().enumerate().map(|(i, x)| direction(x, seed * 17 + i)).collect()
}
fn combine(a: f64, x: &Array, b: f64, y: &Array) -> Array {
    let scaled = |a: f64, x: &Array| prim::mul(x, &prim::convert_element_type(&array(a), x.dtype(), x.weak_type()));
    prim::add(&scaled(a, x), &scaled(b, y))
}
fn dot(a: &[Array], b: &[Array]) -> (f64, f64) {
    a.iter().zip(b).map(|(a, b)| inner(a, b)).fold((0.0, 0.0), |s, t| (s.0 + t.0, s.1 + t.1))
}
/// Two inner products; the error is relative to the sum of the terms' absolute values, if that is above 1.
fn equal_products(a: (f64, f64), b: (f64, f64), tolerance: f64) -> Result<(), String> {
    let near = (a.0 - b.0).abs() <= tolerance * (1.0 + a.1 + b.1) || a.0.is_nan() && b.0.is_nan();
    if near { Ok(()) } else { Err(format!("inner products {} and {}", a.0, b.0)) }
}
fn coarsest(x: &[Array]) -> f64 {
    x.iter().map(|x| tolerance(x.dtype())).fold(1e-12, f64::max)
}

/// A function made of a sample, and its arguments.
struct Derived<'a> {
    what: &'static str,
    f: Boxed<'a>,
    args: Vec<Array>,
}
/// The sample and its transformations.
fn derived<'a>(case: &'a Case, at: &'a [usize]) -> Vec<Derived<'a>> {
    let mut all = vec![Derived { what: "itself", f: Box::new(|x| (case.run)(x)), args: case.args.clone() }];
    if !case.args.is_empty() {
        let axes = vec![Some(-1); case.args.len()];
        let f: Boxed = Box::new(move |x| mapped(&|x| (case.run)(x), &axes, 0, x));
        let args = case.args.iter().map(|x| prim::stack(&lanes_of(x).iter().collect::<Vec<_>>(), x.ndim())).collect();
        all.push(Derived { what: "vmap", f, args })
    }
    let y = smooth(case, at)(&case.args_at(at));
    if at.is_empty() || y.is_empty() {
        return all;
    }
    let x = case.args_at(at);
    let n = x.len();
    let join = |x: &[Array], y: Vec<Array>| x.iter().cloned().chain(y).collect::<Vec<_>>();
    let pushed: Boxed = Box::new(move |x| {
        let (y, dy) = forwards(&smooth(case, at), &x[..n], &x[n..]);
        y.into_iter().chain(dy).collect()
    });
    all.push(Derived { what: "jvp", f: pushed, args: join(&x, directions(&x, 1)) });
    let later: Boxed = Box::new(move |x| {
        let f = smooth(case, at);
        let (_, push) = linearize(|x: &Vec<Array>| f(x), (&x[..n].to_vec(),));
        push.call((&x[n..].to_vec(),))
    });
    all.push(Derived { what: "linearize", f: later, args: join(&x, directions(&x, 1)) });
    let pulled: Boxed = Box::new(move |x| backwards(&smooth(case, at), &x[..n], &x[n..]));
    let args = join(&x, directions(&y, 2));
    let axes = vec![Some(0); args.len()];
    let each: Vec<Array> = args.iter().map(|x| prim::stack(&lanes_of(x).iter().collect::<Vec<_>>(), 0)).collect();
    all.push(Derived { what: "vjp", f: pulled, args });
    let all_pulled: Boxed = Box::new(move |x| mapped(&|x| backwards(&smooth(case, at), &x[..n], &x[n..]), &axes, 0, x));
    all.push(Derived { what: "vmap of vjp", f: all_pulled, args: each });
    all
}
trait At {
    fn args_at(&self, at: &[usize]) -> Vec<Array>;
}
impl At for Case {
    fn args_at(&self, at: &[usize]) -> Vec<Array> {
        pick(&self.args, at)
    }
}

/// Number of lanes of a map.
const LANES: usize = 3;
/// A value for each lane: as it is, its elements moved round, its elements nearer to zero.
fn lanes_of(x: &Array) -> Vec<Array> {
    (0..LANES).map(|l| variant(x, l)).collect()
}
fn variant(x: &Array, l: usize) -> Array {
    let (n, t) = (x.size(), x.dtype());
    if l == 0 || n == 0 {
        x.clone()
    } else if t.is_inexact() && (l.is_multiple_of(2) || n == 1) {
        combine(1.0 - l as f64 / 8.0, x, 0.0, x)
    } else if n > 1 {
        let flat = prim::reshape(x, &[n]);
        let part = |low: usize, high: usize| prim::slice(&flat, &[low], &[high], None);
        prim::reshape(&prim::concatenate(&[&part(l % n, n), &part(0, l % n)], 0), x.shape())
    } else if t.is_bool() {
        if l % 2 == 1 { prim::not(x) } else { x.clone() }
    } else if t.is_integer() {
        prim::add(x, &prim::convert_element_type(&array(l as i32), t, x.weak_type()))
    } else {
        x.clone()
    }
}
fn stacked(each: &[Array], axis: i32) -> Array {
    let axis = if axis < 0 { each[0].ndim() } else { axis as usize };
    prim::stack(&each.iter().collect::<Vec<_>>(), axis)
}
/// Lane `l` of a result whose lanes lie on the first axis (`0`) or on the last (`-1`).
fn lane(y: &Array, axis: i32, l: usize) -> Array {
    let axis = if axis < 0 { y.ndim() - 1 } else { axis as usize };
    let (mut low, mut high) = (vec![0; y.ndim()], y.shape().to_vec());
    (low[axis], high[axis]) = (l, l + 1);
    prim::squeeze(&prim::slice(y, &low, &high, None), &[axis])
}

#[test]
fn types_are_known_without_values() {
    promise("types", |r, case| {
        let at = differentiated(case);
        for d in derived(case, &at) {
            r.part(d.what, |r| {
                let y = (d.f)(&d.args);
                let j = stage(&d.f, &d.args).jaxpr;
                r.note(d.what, j.check().map_err(|e| e.to_string()));
                let types = j.out_avals();
                let same = types.len() == y.len() && types.iter().zip(&y).all(|(t, y)| t == y.aval());
                let told = || format!("types {types:?} for {:?}", y.iter().map(|y| y.aval()).collect::<Vec<_>>());
                r.note(d.what, if same { Ok(()) } else { Err(told()) })
            })
        }
    })
}

#[test]
fn compiled_is_eager_bit_for_bit() {
    promise("jit", |r, case| {
        let at = differentiated(case);
        for d in derived(case, &at) {
            r.part(d.what, |r| r.all(d.what, &compiled(&d.f, &d.args), &(d.f)(&d.args), equal))
        }
    })
}

#[test]
fn the_engine_is_the_reference_bit_for_bit() {
    promise("reference", |r, case| {
        let at = differentiated(case);
        for d in derived(case, &at) {
            r.part(d.what, |r| {
                let staged = stage(&d.f, &d.args);
                // the parts of a program with control flow are programs like those of the other families
                let Some((program, consts)) = testing::program(&staged.jaxpr) else {
                    return r.note(d.what, Ok(()));
                };
                let args: Vec<Vec<u8>> = staged.captured.iter().chain(&d.args).chain(&consts).map(bytes).collect();
                let want = match cotangent_cpu::reference::evaluate(&program, &args) {
                    Ok(want) => want,
                    Err(why) => return r.note(d.what, Err(why)),
                };
                let got = compiled(&d.f, &d.args);
                r.note(d.what, if want.len() == got.len() { Ok(()) } else { Err("number of results".into()) });
                for (k, (got, want)) in got.iter().zip(&want).enumerate() {
                    let want = testing::from_bytes(got.aval(), want);
                    r.note(format!("{}, result {k}", d.what), equal(got, &want))
                }
            })
        }
    })
}

/// Central differences of `f` along `t`, with a step that suits the types.
fn differences(f: Function, x: &[Array], t: &[Array], h: f64) -> Vec<Array> {
    let moved = |h: f64| f(&x.iter().zip(t).map(|(x, t)| combine(1.0, x, h, t)).collect::<Vec<_>>());
    let (up, down) = (moved(h), moved(-h));
    up.iter().zip(&down).map(|(u, d)| combine(0.5 / h, u, -0.5 / h, d)).collect()
}

/// The derivative of `f` forwards, against differences, for results of double precision; narrower ones with a wider step.
fn against_differences(r: &mut Report, what: &str, f: Function, x: &[Array], t: &[Array], near: f64) {
    let (y, dy) = forwards(f, x, t);
    r.all(format!("{what}: value"), &y, &f(x), equal);
    let (fine, wide) = (differences(f, x, t, 1e-6), differences(f, x, t, 1.0 / 32.0));
    for k in 0..y.len() {
        let (slope, near) = match tolerance(y[k].dtype()) {
            e if e < 1e-10 => (&fine[k], near),
            e => (&wide[k], 300.0 * e),
        };
        // nothing can be said where a value is infinite
        let finite = match y[k].dtype().is_complex() {
            true => prim::and(&prim::is_finite(&prim::real(&y[k])), &prim::is_finite(&prim::imag(&y[k]))),
            false => prim::is_finite(&y[k]),
        };
        let of = |d: &Array| prim::select_n(&finite, &[&zero(d), d]);
        r.note(format!("{what}: slope of result {k}"), common::near(&of(&dy[k]), &of(slope), near))
    }
}

#[test]
fn derivatives_forwards_are_those_of_differences() {
    promise("jvp", |r, case| {
        for at in choices(&differentiated(case)) {
            let (f, x) = (smooth(case, &at), case.args_at(&at));
            if x.is_empty() || f(&x).is_empty() {
                continue;
            }
            for seed in 0..3 {
                let t = directions(&x, seed);
                let what = format!("by arguments {at:?}, direction {seed}");
                r.part(&what, |r| against_differences(r, &what, &f, &x, &t, 1e-6));
                r.part(&what, |r| {
                    let (y, push) = linearize(|x: &Vec<Array>| f(x), (&x,));
                    let (want, dy) = forwards(&f, &x, &t);
                    r.all(format!("{what}: value of linearize"), &y, &want, equal);
                    r.all(format!("{what}: linearize"), &push.call((&t,)), &dy, |a, b| near(a, b, tolerance(a.dtype())))
                })
            }
        }
    })
}

#[test]
fn derivatives_backwards_are_transposes() {
    promise("vjp", |r, case| {
        for at in choices(&differentiated(case)) {
            let (f, x) = (smooth(case, &at), case.args_at(&at));
            if x.is_empty() || f(&x).is_empty() {
                continue;
            }
            let what = format!("by arguments {at:?}");
            r.part(&what, |r| {
                let t = directions(&x, 3);
                let (y, dy) = forwards(&f, &x, &t);
                let near = coarsest(&y);
                let ct = directions(&y, 4);
                let dx = backwards(&f, &x, &ct);
                r.note(format!("{what}: transpose"), equal_products(dot(&ct, &dy), dot(&dx, &t), near));
                // each result alone: the others have no cotangent
                for k in 0..y.len() {
                    let one = |x: &[Array]| vec![f(x).swap_remove(k)];
                    let dx = backwards(&one, &x, &ct[k..k + 1]);
                    let products = equal_products(inner(&ct[k], &dy[k]), dot(&dx, &t), near);
                    r.note(format!("{what}: transpose of result {k}"), products)
                }
                // once more: forwards over backwards, and the transpose of that
                let g = |x: &[Array]| backwards(&f, x, &ct);
                if near < 1e-10 {
                    against_differences(r, &format!("{what}: vjp"), &g, &x, &t, 1e-5)
                }
                let (_, turned) = forwards(&g, &x, &t);
                let u = directions(&x, 5);
                let back = backwards(&g, &x, &u);
                r.note(
                    format!("{what}: second transpose"),
                    equal_products(dot(&u, &turned), dot(&back, &t), 10.0 * near),
                );
            })
        }
    })
}

/// Does the sample multiply matrices? Then lanes may be rows of one matrix, summed in another order.
fn multiplies(f: Function, args: &[Array]) -> bool {
    let staged = stage(f, args);
    let inputs: Vec<Array> = staged.captured.iter().chain(args).cloned().collect();
    testing::equations(&staged.jaxpr, &inputs).iter().any(|e| e.name() == "dot_general")
}

/// `f` over lanes against `f` lane by lane, for the mapped arguments in `mask`, the lanes lying on `axis`.
fn lanes_agree(r: &mut Report, what: &str, f: Function, args: &[Array], mask: &[bool], axis: i32, exact: bool) {
    let variants: Vec<Vec<Array>> = args.iter().map(lanes_of).collect();
    let x: Vec<Array> =
        (0..args.len()).map(|i| if mask[i] { stacked(&variants[i], axis) } else { args[i].clone() }).collect();
    let axes: Vec<Option<i32>> = mask.iter().map(|m| m.then_some(axis)).collect();
    let all = mapped(f, &axes, axis, &x);
    for l in 0..LANES {
        let args: Vec<Array> =
            (0..args.len()).map(|i| if mask[i] { variants[i][l].clone() } else { args[i].clone() }).collect();
        let got: Vec<Array> = all.iter().map(|y| lane(y, axis, l)).collect();
        let check = |a: &Array, b: &Array| if exact { equal(a, b) } else { near(a, b, tolerance(a.dtype())) };
        r.all(format!("{what}: lane {l} of {mask:?} on axis {axis}"), &got, &f(&args), check)
    }
}
/// Each alone, then all.
fn masks(n: usize) -> Vec<Vec<bool>> {
    let alone = (0..n).map(|i| (0..n).map(|k| k == i).collect());
    alone.chain((n > 1).then(|| vec![true; n])).collect()
}

#[test]
fn lanes_are_what_each_is_alone() {
    promise("vmap", |r, case| {
        let f = |x: &[Array]| (case.run)(x);
        let exact = !multiplies(&f, &case.args);
        for mask in masks(case.args.len()) {
            for axis in [0, -1] {
                r.part(format!("{mask:?} on axis {axis}"), |r| {
                    lanes_agree(r, "vmap", &f, &case.args, &mask, axis, exact)
                })
            }
        }
    })
}

#[test]
fn few_lanes() {
    promise("vmap", |r, case| {
        if case.args.is_empty() {
            return;
        }
        let f = |x: &[Array]| (case.run)(x);
        let (y, axes) = (f(&case.args), vec![Some(0); case.args.len()]);
        let widened = |n: usize| -> Vec<Array> {
            let wide = |x: &Array| {
                let shape: Vec<usize> = [n].into_iter().chain(x.shape().iter().copied()).collect();
                prim::broadcast_in_dim(x, &shape, &(1..shape.len()).collect::<Vec<_>>())
            };
            case.args.iter().map(wide).collect()
        };
        let one: Vec<Array> = mapped(&f, &axes, 0, &widened(1)).iter().map(|y| lane(y, 0, 0)).collect();
        let exact = !multiplies(&f, &case.args);
        r.all("one lane", &one, &y, |a, b| if exact { equal(a, b) } else { near(a, b, tolerance(a.dtype())) });
        let none = mapped(&f, &axes, 0, &widened(0));
        for (k, (none, y)) in none.iter().zip(&y).enumerate() {
            let fits = none.dtype() == y.dtype() && none.shape()[0] == 0 && &none.shape()[1..] == y.shape();
            r.note(format!("no lane, result {k}"), if fits { Ok(()) } else { Err(format!("{none:?} for {y:?}")) })
        }
    })
}

#[test]
fn lanes_of_lanes() {
    promise("vmap of vmap", |r, case| {
        if case.args.is_empty() {
            return;
        }
        let f = |x: &[Array]| (case.run)(x);
        let exact = !multiplies(&f, &case.args);
        let axes = vec![Some(-1); case.args.len()];
        let row = |x: &[Array]| mapped(&f, &axes, -1, x);
        // lanes in columns, inside lanes in front
        let outer: Vec<Array> = case.args.iter().map(|x| stacked(&lanes_of(x), -1)).collect();
        lanes_agree(r, "vmap of vmap", &row, &outer, &vec![true; outer.len()], 0, exact);
        // every argument mapped by one of the two maps only
        let n = case.args.len();
        for i in 0..n {
            let only: Vec<Option<i32>> = (0..n).map(|k| (k == i).then_some(0)).collect();
            let row = |x: &[Array]| mapped(&f, &only, 0, x);
            let mut args = case.args.clone();
            args[i] = stacked(&lanes_of(&args[i]), 0);
            let others: Vec<bool> = (0..n).map(|k| k != i || n == 1).collect();
            lanes_agree(r, &format!("vmap over argument {i} in vmap"), &row, &args, &others, -1, exact)
        }
    })
}

#[test]
fn lanes_of_derivatives() {
    promise("vmap of vjp", |r, case| {
        let at = differentiated(case);
        for d in derived(case, &at) {
            if d.what != "vjp" && d.what != "jvp" {
                continue;
            }
            let exact = !multiplies(&d.f, &d.args);
            for mask in masks(d.args.len()) {
                for axis in [0, -1] {
                    r.part(format!("{} {mask:?} on axis {axis}", d.what), |r| {
                        lanes_agree(r, d.what, &d.f, &d.args, &mask, axis, exact)
                    })
                }
            }
        }
    })
}

/// Operations of which a known operand that is not zero makes an affine function: their derivative rules put zeros there. So do calls of
/// programs that hold such an operation.
const AFFINE: [&str; 9] = [
    "gather",
    "concatenate",
    "pad",
    "select_n",
    "dynamic_update_slice",
    "scatter",
    "scatter-add",
    "scatter-sub",
    "complex",
];

/// All subsets of up to three operands of the equation, of those that have a derivative.
fn subsets(e: &testing::Equation) -> Vec<Vec<bool>> {
    let at: Vec<usize> = (0..e.args.len()).filter(|i| e.args[*i].dtype().is_inexact()).collect();
    let chosen = |bits: u32, i: usize| at.iter().position(|k| *k == i).is_some_and(|k| bits >> k & 1 == 1);
    let bits = (1..1u32 << at.len().min(6)).filter(|b| b.count_ones() <= 3 || b.count_ones() as usize == at.len());
    bits.map(|b| (0..e.args.len()).map(|i| chosen(b, i)).collect()).collect()
}

/// The operation of an equation as a linear function of the operands in `mask`.
fn linear(r: &mut Report, e: &testing::Equation, mask: &[bool]) {
    let what = format!("{} by {mask:?}", e.text());
    let at: Vec<usize> = (0..mask.len()).filter(|i| mask[*i]).collect();
    let x = pick(&e.args, &at);
    if e.run(&e.args).iter().any(|y| !y.dtype().is_inexact()) {
        return; // such a conversion is never on a tape
    }
    let mut known = e.args.clone();
    let with = |known: &[Array], x: &[Array]| {
        let mut args = known.to_vec();
        for (i, x) in at.iter().zip(x) {
            args[*i] = x.clone()
        }
        e.run(&args)
    };
    let zeros: Vec<Array> = x.iter().map(zero).collect();
    let nothing =
        |known: &[Array]| with(known, &zeros).iter().all(|y| dot(std::slice::from_ref(y), &[direction(y, 0)]).1 == 0.0);
    if !nothing(&known) {
        let affine = AFFINE.contains(&e.name()) || e.called().iter().any(|n| AFFINE.contains(n));
        r.note(format!("{what}: of zero"), if affine { Ok(()) } else { Err("not zero".into()) });
        for (i, k) in known.iter_mut().enumerate() {
            if !mask[i] && k.dtype().is_inexact() {
                *k = zero(k)
            }
        }
        if e.name() == "gather" && !nothing(&known) {
            return; // filled with what is not zero; the derivative fills with zeros
        }
        r.note(format!("{what}: of zero, with zeros"), if nothing(&known) { Ok(()) } else { Err("not zero".into()) })
    }
    let f = |x: &[Array]| with(&known, x);
    let (s, t) = (directions(&x, 6), directions(&x, 7));
    let mix =
        |x: &[Array], y: &[Array]| -> Vec<Array> { x.iter().zip(y).map(|(x, y)| combine(2.0, x, -3.0, y)).collect() };
    let near = coarsest(&e.args).max(coarsest(&f(&x)));
    let (fs, ft) = (f(&s), f(&t));
    r.all(format!("{what}: linear"), &f(&mix(&s, &t)), &mix(&fs, &ft), |a, b| common::near(a, b, near));
    // each result alone, and all
    let n = ft.len();
    for part in (0..n).map(|k| vec![k]).chain((n > 1).then(|| (0..n).collect())) {
        let g = |x: &Vec<Array>| pick(&f(x), &part);
        let (y, ct) = (pick(&ft, &part), directions(&pick(&ft, &part), 8));
        let back = linear_transpose(g, (&x,))(&ct).0;
        let fits = back.iter().zip(&x).all(|(b, x)| b.dtype() == x.dtype() && b.shape() == x.shape());
        r.note(format!("{what}: types of the transpose"), if fits { Ok(()) } else { Err(format!("{back:?}")) });
        r.note(format!("{what}: transpose of {part:?}"), equal_products(dot(&ct, &y), dot(&back, &t), near));
    }
}

/// The equations of the programs of a sample and of what is derived from it, on values, each once.
fn equations_of(case: &Case) -> Vec<testing::Equation> {
    let (at, mut seen) = (differentiated(case), HashSet::new());
    let mut all = vec![];
    for d in derived(case, &at) {
        let staged = stage(&d.f, &d.args);
        let inputs: Vec<Array> = staged.captured.iter().chain(&d.args).cloned().collect();
        all.extend(testing::equations(&staged.jaxpr, &inputs).into_iter().filter(|e| seen.insert(e.text())))
    }
    all
}

#[test]
fn what_says_that_it_is_linear_is_and_transposes() {
    promise("linear", |r, case| {
        for e in equations_of(case) {
            // stacks are tried inside of the loops that make them
            let stacks = e.args.iter().any(testing::is_stack) || e.param("length").is_some_and(|n| n == "None");
            for mask in if stacks { vec![] } else { subsets(&e) } {
                if e.linear_in(&mask) {
                    r.part(format!("{} by {mask:?}", e.text()), |r| linear(r, &e, &mask))
                }
            }
        }
        // a sample without linear operations keeps the promise
        r.tried += 1
    })
}

/// The operations that `docs/primitives.md` lists, and whether they have a derivative other than zero.
fn documented() -> Vec<(String, bool)> {
    let rows = include_str!("../docs/primitives.md").lines().filter_map(|l| l.strip_prefix("| `"));
    let of = |row: &str| {
        let mut columns = row.split(" | ");
        let names = columns.next().expect("names").split('`').step_by(2).map(str::to_string).collect::<Vec<_>>();
        let derivative = columns.next().expect("what it is linear in").trim();
        names.into_iter().map(|n| (n, !["", "0", "–"].contains(&derivative))).collect::<Vec<_>>()
    };
    rows.flat_map(of).collect()
}

#[test]
fn every_operation_has_samples_and_a_line_in_the_documents() {
    // communication is found inside the lanes, and its derivatives are those of the equations there
    let (mut reached, mut differentiable) = (lanes::reached(), lanes::reached());
    for (family, cases) in samples() {
        assert!(!cases.is_empty(), "{family} has no sample");
        for case in &cases {
            let at = differentiated(case);
            for d in derived(case, &at) {
                let staged = stage(&d.f, &d.args);
                let inputs: Vec<Array> = staged.captured.iter().chain(&d.args).cloned().collect();
                let names = testing::equations(&staged.jaxpr, &inputs).into_iter().map(|e| e.name());
                // what a derivative is made of says nothing of the derivatives of that
                let of_sample =
                    d.what == "itself" && !at.is_empty() && !smooth(case, &at)(&case.args_at(&at)).is_empty();
                for name in names {
                    reached.insert(name);
                    if of_sample {
                        differentiable.insert(name);
                    }
                }
            }
        }
    }
    let documented = documented();
    assert!(documented.len() > 80, "{documented:?}");
    let mut wrong = vec![];
    for (name, derivative) in &documented {
        let name = name.as_str();
        if !reached.contains(name) {
            wrong.push(format!("{name} is in no sample"))
        } else if *derivative && !differentiable.contains(name) {
            wrong.push(format!("{name} is in no sample that is differentiated"))
        }
    }
    let undocumented = reached.iter().filter(|r| !documented.iter().any(|(d, _)| d == *r));
    wrong.extend(undocumented.map(|r| format!("{r} is not in docs/primitives.md")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
