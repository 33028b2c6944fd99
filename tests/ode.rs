//! Differential equations: solutions and gradients recorded from JAX, known solutions, and every transformation.

mod common;

use common::{close, nth, same};
use cotangent::ode::{Odeint, odeint};
use cotangent::prelude::*;
use cotangent::{CheckGrads, jvp, vmap};
use serde_json::Value;

type State = (Array, Array);

/// A scalar of float64.
fn scalar(x: f64) -> Array {
    Array::from_slice(&[x], &[])
}

/// A pendulum with friction that is pushed: the length of its string, and the friction.
fn pendulum((angle, speed): &State, t: &Array, (length, friction): &State) -> State {
    (speed.clone(), -angle.sin() / length - friction * speed + 0.3 * t.cos())
}
fn numbers(v: &Value) -> Array {
    array(v.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect::<Vec<f64>>())
}
fn solver() -> Odeint {
    Odeint::new().rtol(1e-10).atol(1e-10)
}
fn loss(solver: Odeint) -> impl Fn(&State, &Array, &State) -> Array + Send + Sync {
    move |start: &State, ts: &Array, args: &State| {
        let (angle, speed) = solver.solve(pendulum, start, ts, args);
        (angle * array(vec![0.5f64, 0.75, 1.0, 1.25, 1.5])).sum() + speed.powi(2).sum()
    }
}
fn setting() -> (State, Array, State) {
    let times = array(vec![0.2f64, 0.9, 1.0, 2.5, 6.0]);
    ((scalar(1.2), scalar(-0.3)), times, (scalar(0.8), scalar(0.25)))
}

#[test]
fn solutions_and_gradients_are_those_of_jax() {
    let want: Value = serde_json::from_str(include_str!("data/ode.json")).expect("the solution is JSON");
    let (start, ts, args) = setting();
    let (angle, speed) = solver().solve(pendulum, &start, &ts, &args);
    close("angle", &angle, &numbers(&want["angle"]), 1e-10);
    close("speed", &speed, &numbers(&want["speed"]), 1e-10);
    for (what, solver) in [("adjoint", solver()), ("through the steps", solver().through_steps())] {
        let g = cotangent::grad_argnums(loss(solver), (cotangent::ARG0, cotangent::ARG1, cotangent::ARG2));
        let (by_start, by_times, by_args) = g(&start, &ts, &args);
        let both = |x: &State| cotangent::tree::ravel(x);
        close(what, &both(&by_start), &numbers(&want["start"]), 1e-7);
        close(what, &by_times, &numbers(&want["times"]), 1e-7);
        close(what, &both(&by_args), &numbers(&want["args"]), 1e-7);
        // compiled, with the same bits
        let (s, t, a) = jit(&g)(&start, &ts, &args);
        same(what, &both(&s), &both(&by_start));
        same(what, &t, &by_times);
        same(what, &both(&a), &both(&by_args));
    }
}

#[test]
fn derivatives_through_the_steps_are_those_of_what_was_computed() {
    let (start, ts, args) = setting();
    let f = loss(Odeint::new().rtol(1e-9).atol(1e-9).through_steps());
    CheckGrads::new().rtol(1e-5).atol(1e-5).check(|s: &State, a: &State| f(s, &ts, a), (&start, &args), 1).unwrap();
}

#[test]
fn known_solutions() {
    // a circle, in float64 and in float32
    let turn = |(x, y): &State, _: &Array, rate: &Array| (-(rate * y), rate * x);
    let ts = array(vec![0f64, 1.0, 10.0]);
    let (x, y) = odeint(turn, &(scalar(1.0), scalar(0.0)), &ts, &scalar(2.0));
    close("the cosine", &x, &(2.0 * &ts).cos(), 1e-6);
    close("the sine", &y, &(2.0 * &ts).sin(), 1e-6);
    let (x, _) = odeint(turn, &(array(1.0), array(0.0)), &array![0., 1., 3.], &array(2.0));
    assert_eq!(x.dtype(), DType::Float32);
    close("in float32", &x, &array![1., -0.4161468, 0.9601703], 1e-5);
    // one time is where it begins; arrays of any shape; a slope of time alone
    let grow = |y: &Array, t: &Array, _: &()| y * 0.0 + t;
    let y = odeint(grow, &Array::from_slice(&[1f64; 6], &[2, 3]), &array(vec![0f64, 2.0]), &());
    close("a parabola", &y, &Array::from_slice(&[[1f64; 6], [3f64; 6]].concat(), &[2, 2, 3]), 1e-9);
    assert_eq!(odeint(grow, &scalar(1.0), &array(vec![5f64]), &()).to_vec::<f64>(), [1.0]);
    // few and short steps
    let decay = |y: &Array, _: &Array, _: &()| -y;
    let short = Odeint::new().max_step(0.01).solve(decay, &scalar(1.0), &array(vec![0f64, 1.0]), &());
    close("short steps", &short, &array(vec![1f64, (-1f64).exp()]), 1e-12);
    let few = Odeint::new().max_steps(2).solve(decay, &scalar(1.0), &array(vec![0f64, 1e-9, 100.0]), &());
    let few = few.to_vec::<f64>();
    assert!(few[1] < 1.0 && few[2].is_nan(), "{few:?}");
}

#[test]
fn lanes_take_their_own_steps() {
    let (start, ts, _) = setting();
    let solve = |length: &Array| {
        let args = (length.clone(), scalar(0.25));
        solver().solve(pendulum, &start, &ts, &args).0
    };
    let lengths = [0.1f64, 0.8, 30.0];
    let slope = |length: &Array| solve(length).sum();
    let (all, slopes) = (vmap(solve)(&array(lengths.to_vec())), vmap(grad(slope))(&array(lengths.to_vec())));
    for (i, length) in lengths.into_iter().enumerate() {
        same("a lane", &nth(&all, i), &solve(&scalar(length)));
        close("its slope", &nth(&slopes, i), &grad(slope)(&scalar(length)), 1e-12);
    }
}

#[test]
fn forward_mode_goes_through_the_steps() {
    let (start, ts, args) = setting();
    let f = |length: &Array| loss(solver().through_steps())(&start, &ts, &(length.clone(), args.1.clone()));
    let (_, forward) = jvp(f, (&args.0,), (&scalar(1.0),));
    close("forwards and backwards", &forward, &grad(f)(&args.0), 1e-11);
}

#[test]
fn errors_name_what_does_not_fit() {
    let ts = array![0., 1.];
    let e = catch(|| odeint(|y: &Array, _: &Array, _: &()| y.reshape(&[1]), &array(1.0), &ts, &())).unwrap_err();
    assert!(e.message().contains("odeint: the slope has shape (1,), but the state there has shape ()"), "{e}");
    let e = catch(|| odeint(|y: &Array, _: &Array, _: &()| y.clone(), &array(1), &ts, &())).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Type);
    let e = catch(|| odeint(|y: &Array, _: &Array, _: &()| y.clone(), &array(1.0), &array(1.0), &())).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
}
