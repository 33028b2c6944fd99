//! Optimizers and schedules against steps recorded from optax, and the minimizer on functions with known minima.

mod common;

use common::{close, same};
use cotangent::optim::{self, Optimizer, Schedule};
use cotangent::prelude::*;
use cotangent::vmap;
use serde_json::Value;

fn recorded() -> Value {
    serde_json::from_str(include_str!("data/optim.json")).expect("the steps are JSON")
}
fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}
type Params = (Array, Array);

/// A scalar of float64.
fn scalar(x: f64) -> Array {
    Array::from_slice(&[x], &[])
}

fn loss(p: &Params) -> Array {
    let (w, b) = p;
    ((w - array(vec![1f64, -2.0, 0.5])).powi(2) * array(vec![1f64, 10.0, 0.1])).sum() + (w.sum() * b - 1.0).powi(2)
}
fn start() -> Params {
    (array(vec![0.3f64, 0.7, -1.1]), scalar(0.4))
}
/// The recorded steps, eagerly, and compiled with the same bits.
fn steps<O: Optimizer + Send + Sync>(name: &str, optimizer: O, rows: &Value) {
    let rows = rows[name].as_array().unwrap_or_else(|| panic!("steps of {name}"));
    let step = |p: &Params, s: &O::State<Params>| optimizer.step(p, &grad(loss)(p), s);
    let staged = jit(&step);
    let (mut p, mut s) = (start(), optimizer.init(&start()));
    let (mut q, mut r) = (start(), optimizer.init(&start()));
    for (i, row) in rows.iter().enumerate() {
        (p, s) = step(&p, &s);
        (q, r) = staged(&q, &r);
        let what = format!("{name}, step {i}");
        // optax has rates by schedules in float32 here
        let tolerance = if ["scheduled", "adamw"].contains(&name) { 1e-6 } else { 1e-12 };
        close(&what, &cotangent::tree::ravel(&p), &array(numbers(row)), tolerance);
        same(&what, &p.0, &q.0);
        same(&what, &p.1, &q.1);
    }
}

#[test]
fn steps_are_those_of_optax() {
    let all = &recorded()["optimizers"];
    let warm = || Schedule::warmup_cosine_decay(0.0, 0.1, 2, 5, 0.01);
    steps("sgd", optim::sgd(0.03), all);
    steps("momentum", optim::sgd(0.03).momentum(0.8), all);
    steps("nesterov", optim::sgd(0.03).nesterov(0.8), all);
    steps("scheduled", optim::sgd(warm()), all);
    steps("adam", optim::adam(0.1), all);
    steps("nadam", optim::adam(0.1).b1(0.8).b2(0.9).eps(1e-3).eps_root(1e-4).nesterov(true), all);
    steps("adamw", optim::adamw(warm()).weight_decay(0.1), all);
    steps("adamw_masked", optim::adamw(0.1).weight_decay(0.1).decay_only(|path| path == "[0]"), all);
    steps("rmsprop", optim::rmsprop(0.05), all);
    steps("rmsprop_centered", optim::rmsprop(0.05).decay(0.8).eps(1e-3).centered(true).nesterov(0.7), all);
    steps("adagrad", optim::adagrad(0.3), all);
    steps("lion", optim::lion(0.05), all);
    steps("clipped", optim::clip(0.5).then(optim::sgd(0.1)), all);
    steps("clipped_together", optim::clip_by_global_norm(1.5).then(optim::adam(0.1)), all);
    let decayed = optim::add_decayed_weights(0.2).then(optim::momentum(0.9, false)).then(optim::scale(-0.01));
    steps("decayed", decayed, all);
    assert_eq!(all.as_object().expect("a map").len(), 15);
}

#[test]
fn schedules_are_those_of_optax() {
    let all = &recorded()["schedules"];
    let made = [
        ("constant", Schedule::constant(0.3)),
        ("exponential", Schedule::exponential_decay(0.3, 10, 0.5)),
        ("staircase", Schedule::staircase_decay(0.3, 10, 0.5)),
        ("polynomial", Schedule::polynomial(0.3, 0.1, 2.0, 15)),
        ("linear", Schedule::linear(0.3, 0.1, 15)),
        ("cosine", Schedule::cosine_decay(0.3, 15, 0.1)),
        ("warmup_cosine", Schedule::warmup_cosine_decay(0.0, 0.3, 5, 20, 0.02)),
        ("piecewise", Schedule::piecewise_constant(0.3, [(5, 0.5), (12, 0.1)])),
        ("joined", Schedule::join([(0, Schedule::linear(0.3, 0.1, 4)), (7, Schedule::constant(0.7))])),
    ];
    assert_eq!(all.as_object().expect("a map").len(), made.len());
    for (name, schedule) in made {
        let s = schedule.clone();
        let staged = jit(move |t: &Array| s.at(t));
        for (t, want) in numbers(&all[name]).into_iter().enumerate() {
            let t = array(t as i32);
            close(name, &schedule.at(&t), &scalar(want), 1e-12);
            same(name, &schedule.at(&t), &staged(&t));
        }
    }
}

#[test]
fn a_rate_may_be_an_argument() {
    let step = jit(|p: &Array, rate: &Array| optim::sgd(rate).step(p, &(2.0 * p), &optim::sgd(0.0).init(p)).0);
    assert_eq!(step(&array(1.0), &array(0.25)).to_f64(), 0.5);
    // and the loss after a step a function of it
    let after = |rate: &Array| step(&array(1.0), rate).powi(2);
    assert_eq!(grad(after)(&array(0.25)).to_f64(), -2.0);
}

#[test]
fn integers_stay_and_types_are_kept() {
    let p = (array(vec![1f32, 2.0]).astype(DType::BFloat16), array(3));
    let g = (array(vec![1f32, 1.0]).astype(DType::BFloat16), array(1));
    let adam = optim::adam(Schedule::constant(0.5));
    let (q, _) = adam.step(&p, &g, &adam.init(&p));
    assert_eq!((q.0.dtype(), q.0.to_string(), q.1.to_string()), (DType::BFloat16, "[0.5 1.5]".into(), "3".into()));
    let e = catch(|| optim::apply_updates(&vec![array(1.0)], &vec![])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Structure);
}

/// Rosenbrock's valley in several dimensions.
fn valley(x: &Array) -> Array {
    let n = x.size();
    let (a, b) = (cotangent::prim::slice_in_dim(x, 0, n - 1, 1, 0), cotangent::prim::slice_in_dim(x, 1, n, 1, 0));
    (100.0 * (b - a.powi(2)).powi(2) + (1.0 - a).powi(2)).sum()
}

#[test]
fn minima_are_found() {
    let x = array(vec![-1.2f64, 1.0, 0.5, -0.7, 2.0, 1.3]);
    let found = optim::lbfgs().tolerance(1e-9).minimize(valley, &x);
    assert!(found.converged.to_bool(), "{found:?}");
    close("the minimum", &found.params, &array(vec![1f64; 6]), 1e-8);
    assert!(found.iterations.to_f64() < 80.0 && found.evaluations.to_f64() < 110.0, "{found:?}");
    // the same in a compiled function
    let staged = jit(|x: &Array| optim::lbfgs().tolerance(1e-9).minimize(valley, x))(&x);
    same("compiled", &staged.params, &found.params);
    // step by step
    let method = optim::lbfgs();
    let mut state = method.init(valley, &x);
    let mut before = state.value.to_f64();
    for _ in 0..60 {
        state = method.step(valley, &state);
        assert!(state.value.to_f64() <= before);
        before = state.value.to_f64();
    }
    assert!(before < 1e-2);
    // a quadratic function, by lanes that stop at different times
    let bowl = |x: &Array| (x.powi(2) * array(vec![1f64, 30.0])).sum();
    let lanes = vmap(|x: &Array| optim::lbfgs().minimize(bowl, x).params)(&Array::from_slice(
        &[1f64, 1.0, 0.0, 0.0, -5.0, 3.0],
        &[3, 2],
    ));
    close("lanes", &lanes, &Array::from_slice(&[0f64; 6], &[3, 2]), 1e-5);
    // in float32, where values near the minimum are equal
    let found = optim::lbfgs().tolerance(1e-3).minimize(valley, &array(vec![-1.2f32, 1.0]));
    assert!(found.converged.to_bool(), "{found:?}");
    // nothing to do, and nothing that can be done
    let there = optim::lbfgs().minimize(bowl, &array(vec![0f64, 0.0]));
    assert_eq!((there.iterations.to_f64(), there.converged.to_bool()), (0.0, true));
    let cliff = optim::lbfgs().max_iterations(3).minimize(valley, &x);
    assert_eq!((cliff.iterations.to_f64(), cliff.converged.to_bool()), (3.0, false));
    let e = catch(|| optim::lbfgs().minimize(|x: &Array| x.astype(DType::Float32).sum(), &array![1, 2])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Type);
}

#[test]
fn a_search_is_watched() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(vec![]));
    let valley = |p: &Array| (1.0 - p.i(0)).powi(2) + 100.0 * (p.i(1) - p.i(0).powi(2)).powi(2);
    let start = array(vec![-1.2f64, 1.0]);
    let all = seen.clone();
    let search = move |x: &Array| {
        let note = all.clone();
        optim::lbfgs().minimize_watched(valley, x, move |p| note.lock().unwrap().push(*p))
    };
    let plain = optim::lbfgs().minimize(valley, &start);
    for how in ["eager", "compiled"] {
        let found = if how == "eager" { search(&start) } else { jit(&search)(&start) };
        same(how, &found.params, &plain.params);
        let told = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(told.iter().map(|p| p.iteration).collect::<Vec<_>>(), (1..=told.len()).collect::<Vec<_>>(), "{how}");
        let last = told.last().expect("some iterations");
        assert_eq!((last.iteration as f64, last.value), (plain.iterations.to_f64(), plain.value.to_f64()), "{how}");
        assert!(last.slope <= 1e-5 && told[0].slope > 1e-5, "{how}");
    }
    vmap(&search)(&array(vec![-1.2f64, 1.0, 0.0, 0.5]).reshape(&[2, 2]));
    assert!(seen.lock().unwrap().iter().filter(|p| p.iteration == 1).count() == 2, "each lane");
}
