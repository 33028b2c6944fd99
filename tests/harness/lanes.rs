//! The communicating operations one by one, inside a map that names its axis.
//!
//! A map takes its collectives apart before anything is staged outside, so the samples' programs hold none. Here programs are staged inside
//! the lanes. Values cannot be looked at there: what is to be compared is handed out, and compared when the map is done.

use super::*;
use cotangent::prim::testing::Equation;
use cotangent::{Vmap, lax};
use std::sync::Mutex;

/// What is done in a lane, to f64[2,3]; there are two lanes.
const SAMPLES: [(&str, fn(&Array) -> Array); 13] = [
    ("psum", |x| x * lax::psum(x, "i")),
    ("pmax", |x| x + stop_gradient(&lax::pmax(stop_gradient(x), "i"))),
    ("pmin", |x| x + stop_gradient(&lax::pmin(stop_gradient(x), "i"))),
    ("pvary", |x| x * lax::pvary(&lax::psum(x, "i"), "i")),
    ("axis_index", |x| x * prim::convert_element_type(&lax::axis_index("i"), DType::Float64, false)),
    ("all_gather_invariant", |x| lax::all_gather_invariant(x, "i", 1) * x.sum()),
    ("all_gather", |x| lax::all_gather(x, "i", 1) * x.sum()),
    ("psum_scatter", |x| lax::psum_scatter(x, "i", 0) * x.sum()),
    ("all_to_all", |x| lax::all_to_all(x, "i", 0, 1) * x.sum()),
    ("ppermute", |x| x * lax::ppermute(x, "i", &[(0, 1)])),
    // what all lanes share differs afterwards
    ("ppermute of a sum", |x| x * lax::ppermute(&lax::psum(x, "i"), "i", &[(0, 1)])),
    ("psum of a sum", |x| x * lax::psum(lax::psum(x, "i"), "i")),
    ("all_gather of a sum", |x| lax::all_gather(&lax::psum(x, "i"), "i", 0) * x.sum()),
];
const COLLECTIVES: [&str; 11] = [
    "psum",
    "pmax",
    "pmin",
    "psum_transpose",
    "pvary",
    "axis_index",
    "all_gather",
    "all_gather_invariant",
    "reduce_scatter",
    "all_to_all",
    "ppermute",
];

/// The collectives in a sample's program and in that of its derivative.
fn equations(f: fn(&Array) -> Array, x: &Array) -> Vec<Equation> {
    let run = |x: &[Array]| vec![f(&x[0])];
    let pulled = |x: &[Array]| backwards(&run, x, &run(x));
    let mut all: Vec<Equation> = vec![];
    for g in [&run as Function, &pulled] {
        let args = std::slice::from_ref(x);
        let staged = stage(g, args);
        let inputs: Vec<Array> = staged.captured.iter().chain(args).cloned().collect();
        let new = testing::equations(&staged.jaxpr, &inputs);
        all.extend(new.into_iter().filter(|e| COLLECTIVES.contains(&e.name())))
    }
    all
}

/// Arrays that leave the map with the lanes in front.
type Told = Vec<Vec<Array>>;

/// Runs `inside` in each lane of a map over values that differ, and gives back the lists of arrays that it returns.
fn in_lanes(inside: &(dyn Fn(&Array) -> Told + Sync)) -> Told {
    let x = Array::from_slice(&[1.5f64, -2.0, 0.25, 3.0, 0.5, -1.0, 2.0, 4.0, -0.5, 1.0, -3.0, 0.75], &[2, 2, 3]);
    Vmap::new().axis_name("i").of(|x: &Array| inside(x))(&x)
}
/// A direction that differs from lane to lane if the value does.
fn in_lane(like: &Array, varies: bool, seed: usize) -> Array {
    let d = direction(like, seed);
    if !varies {
        return d;
    }
    let lane = prim::convert_element_type(&(lax::axis_index("i") * 3 + 1), d.dtype(), d.weak_type());
    d * lane
}
/// The inner product over all lanes; what they share is one value and counts once.
fn product(a: &Array, b: &Array, varies: bool) -> (f64, f64) {
    if varies { inner(a, b) } else { inner(&lane(a, 0, 0), &lane(b, 0, 0)) }
}

/// The collectives that the samples hold.
pub(crate) fn reached() -> BTreeSet<&'static str> {
    let names = Mutex::new(BTreeSet::new());
    for (_, f) in SAMPLES {
        in_lanes(&|x| {
            names.lock().unwrap().extend(equations(f, x).iter().map(|e| e.name()));
            vec![]
        });
    }
    names.into_inner().unwrap()
}

#[test]
fn collectives_are_linear_and_transpose() {
    let (mut report, mut linear) = (Report::default(), BTreeSet::new());
    for (name, f) in SAMPLES {
        report.place = format!("collective, {name} in a lane");
        let texts = Mutex::new(vec![]);
        report.part(name, |r| {
            let told = in_lanes(&|x| {
                let mut lists = vec![];
                for e in equations(f, x).iter().filter(|e| e.args.len() == 1 && e.linear_in(&[true])) {
                    let like = &e.args[0];
                    let run = |x: &Array| e.run(std::slice::from_ref(x)).remove(0);
                    // what lanes share is a matter of types: in a map a value may happen to be the same in all of them
                    let out = stage(&|x| e.run(x), &e.args).jaxpr.out_avals().remove(0);
                    let varying = [testing::varies(like.aval()), testing::varies(&out)];
                    let (s, t) = (in_lane(like, varying[0], 6), in_lane(like, varying[0], 7));
                    let (fs, ft) = (run(&s), run(&t));
                    let ct = in_lane(&ft, varying[1], 8);
                    let transposed = |ct: &[Array]| vec![linear_transpose(run, (like,))(&ct[0]).0];
                    let back = transposed(std::slice::from_ref(&ct)).remove(0);
                    // the cotangent of what lanes share may still differ: then it is their sum that is meant
                    let types = stage(&transposed, std::slice::from_ref(&ct)).jaxpr.out_avals();
                    let varying = [testing::varies(&types[0]), varying[1]];
                    let mixed = run(&combine(2.0, &s, -3.0, &t));
                    let mix = combine(2.0, &fs, -3.0, &ft);
                    lists.push(vec![t, ft, ct, back, mixed, mix, run(&zero(like))]);
                    texts.lock().unwrap().push((e.name(), e.text(), varying));
                }
                lists
            });
            let texts = texts.lock().unwrap();
            assert_eq!(told.len(), texts.len(), "lists");
            for ((name, text, [x, y]), l) in texts.iter().zip(&told) {
                let [t, ft, ct, back, mixed, mix, none] = &l[..] else { unreachable!("seven arrays") };
                linear.insert(*name);
                r.note(format!("{text}: transpose"), equal_products(product(ct, ft, *y), product(back, t, *x), 1e-12));
                r.note(format!("{text}: linear"), near(mixed, mix, 1e-12));
                r.note(
                    format!("{text}: of zero"),
                    if inner(none, none).1 == 0.0 { Ok(()) } else { Err("not zero".into()) },
                );
                for (shared, of) in [(!y, ft), (!x, back)] {
                    let same = equal(&lane(of, 0, 0), &lane(of, 0, 1));
                    r.note(format!("{text}: shared by the lanes"), if shared { same } else { Ok(()) })
                }
            }
        })
    }
    let n = report.wrong.len();
    assert!(n == 0, "{n} of {} are wrong:\n  {}", report.tried, report.wrong.join("\n  "));
    let tried = [
        "psum",
        "psum_transpose",
        "pvary",
        "all_gather",
        "all_gather_invariant",
        "reduce_scatter",
        "all_to_all",
        "ppermute",
    ];
    assert_eq!(linear, tried.into());
}

#[test]
fn collectives_are_weak_where_their_operands_are() {
    let report = Mutex::new(Report::default());
    for (name, f) in SAMPLES {
        report.lock().unwrap().place = format!("collective, {name} in a lane");
        in_lanes(&|x| {
            for e in equations(f, x) {
                weak_types::check(&mut report.lock().unwrap(), &e)
            }
            vec![]
        });
    }
    let report = report.into_inner().unwrap();
    let n = report.wrong.len();
    assert!(report.tried > 20 && n == 0, "{n} of {} are wrong:\n  {}", report.tried, report.wrong.join("\n  "));
}
