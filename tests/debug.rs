//! Printing and host code under every transformation, where NaNs come from, and leaks.

mod common;

use common::told;
use cotangent::debug::{self, VmapMethod, capture};
use cotangent::devices::{Mesh, P, cpu};
use cotangent::prelude::*;
use cotangent::{
    Vmap, custom_jvp, custom_vjp, jacfwd, jvp, lax, linearize, make_jaxpr, shard_map, vjp, vmap, vmap_axes,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The lines that `f` prints.
fn lines<R>(f: impl FnOnce() -> R) -> Vec<String> {
    capture(f).1
}
fn shout(x: &Array) -> Array {
    let y = x * 2.0;
    debug::print!("x {x} y {y:.1}");
    y.sin()
}

#[test]
fn a_line_under_every_transformation() {
    let (one, xs) = (array(1.5), array![1.5, 2.5]);
    let want = ["x 1.5 y 3.0"];
    assert_eq!(lines(|| shout(&one)), want);
    let f = jit(shout);
    assert_eq!(lines(|| f(&one)), want);
    assert_eq!(lines(|| f(&one)), want, "each time, not only when it is staged");
    assert_eq!(lines(|| grad(shout)(&one)), want);
    assert_eq!(lines(|| jit(grad(shout))(&one)), want);
    assert_eq!(lines(|| grad(jit(shout))(&one)), want);
    assert_eq!(lines(|| grad(grad(shout))(&one)), want);
    assert_eq!(lines(|| jit(grad(grad(jit(shout))))(&one)), want);
    assert_eq!(lines(|| jvp(shout, (&one,), (&one,))), want);
    assert_eq!(lines(|| jit(jacfwd(shout))(&one)), want);
    let both = ["x 1.5 y 3.0", "x 2.5 y 5.0"];
    assert_eq!(lines(|| vmap(shout)(&xs)), both);
    assert_eq!(lines(|| jit(vmap(shout))(&xs)), both);
    assert_eq!(lines(|| vmap(jit(shout))(&xs)), both);
    assert_eq!(lines(|| vmap(grad(shout))(&xs)), both);
    assert_eq!(lines(|| jit(grad(|x: &Array| vmap(jit(shout))(x).sum()))(&xs)), both);
    // values once, when they are known; a pullback or a pushforward prints no more
    let (_, pull) = vjp(shout, (&one,));
    assert_eq!(lines(|| (pull.call(&one), pull.call(&one))), [""; 0]);
    let pushed = |x: &Array| {
        let (_, push) = linearize(jit(shout), (x,));
        (push.call((x,)), push.call((x,)))
    };
    assert_eq!(lines(|| pushed(&one)), want);
}

#[test]
fn lanes_in_order_and_what_they_share() {
    let (xs, ys) = (array![[1., 2.], [3., 4.]], array![7., 8.]);
    let inner = |x: &Array, y: &Array| {
        debug::print!("{x} {y}");
        x * y
    };
    let outer = |x: &Array, y: &Array| vmap_axes(inner, (0, None), 0)(x, y);
    let want = ["1.0 7.0", "2.0 7.0", "3.0 8.0", "4.0 8.0"];
    assert_eq!(lines(|| vmap(outer)(&xs, &ys)), want);
    assert_eq!(lines(|| jit(vmap(outer))(&xs, &ys)), want);
    let columns = vmap_axes(|x: &Array| debug_sum(x), (1,), 0);
    assert_eq!(lines(|| columns(&xs)), ["[1. 3.]", "[2. 4.]"]);
    // what no lane has its own of is printed once
    let shared = vmap(|x: &Array| {
        debug::print!("hello");
        x * 2
    });
    assert_eq!(lines(|| shared(&ys)), ["hello"]);
    assert_eq!(lines(|| jit(shared)(&ys)), ["hello"]);
}
fn debug_sum(x: &Array) -> Array {
    debug::print!("{x}");
    x.sum()
}

#[test]
fn loops_and_branches() {
    let scanned = |xs: &Array| {
        let turn = |c: &Array, x: &Array| {
            debug::print!("carry {c} element {x}");
            (c * x, c + x)
        };
        lax::scan(turn, &array(1.0), xs).0
    };
    let xs = array![2., 3.];
    let want = ["carry 1.0 element 2.0", "carry 2.0 element 3.0"];
    for run in [lines(|| scanned(&xs)), lines(|| jit(scanned)(&xs)), lines(|| grad(scanned)(&xs))] {
        assert_eq!(run, want);
    }
    assert_eq!(lines(|| jit(grad(scanned))(&xs)), want);
    assert_eq!(lines(|| jvp(scanned, (&xs,), (&xs,))), want);
    // turn by turn, and the lanes of each
    let many = lines(|| jit(vmap(scanned))(&array![[2., 3.], [4., 5.]]));
    assert_eq!(
        many,
        ["carry 1.0 element 2.0", "carry 1.0 element 4.0", "carry 2.0 element 3.0", "carry 4.0 element 5.0"]
    );

    let branch = |x: &Array| {
        let yes = |x: &Array| {
            debug::print!("positive {x}");
            x.sin()
        };
        let no = |x: &Array| {
            debug::print!("negative {x}");
            -x
        };
        lax::cond(&x.gt(0), yes, no, x)
    };
    let x = array(2.0);
    for run in
        [lines(|| branch(&x)), lines(|| jit(branch)(&x)), lines(|| grad(branch)(&x)), lines(|| jit(grad(branch))(&x))]
    {
        assert_eq!(run, ["positive 2.0"]);
    }
    // a lane prints only from the branch that it takes
    let mixed = array![-1., 2., -3.];
    let want = ["negative -1.0", "positive 2.0", "negative -3.0"];
    assert_eq!(lines(|| vmap(branch)(&mixed)), want);
    assert_eq!(lines(|| jit(vmap(grad(branch)))(&mixed)), want);
    assert_eq!(vmap(branch)(&mixed).to_string(), "[1.        0.9092974 3.       ]");
    assert_eq!(vmap(grad(branch))(&mixed).to_string(), "[-1.         -0.41614684 -1.        ]");

    let halved = |x: &Array| {
        let body = |x: &Array| {
            debug::print!("{x}");
            x * 0.5
        };
        lax::while_loop(|x: &Array| x.gt(1), body, x)
    };
    let x = array(4.0);
    for run in [lines(|| halved(&x)), lines(|| jit(halved)(&x)), lines(|| grad(halved)(&x))] {
        assert_eq!(run, ["4.0", "2.0"]);
    }
    assert_eq!(lines(|| jit(grad(halved))(&x)), ["4.0", "2.0"]);
    assert_eq!(lines(|| vmap(halved)(&array![4., 1., 2.])), ["4.0", "2.0", "2.0"]);
    let each = ["16.0", "8.0", "4.0", "2.0", "3.0", "1.5"];
    assert_eq!(lines(|| vmap(grad(halved))(&array![16., 1., 3.])), each);
    assert_eq!(lines(|| jit(vmap(grad(halved)))(&array![16., 1., 3.])), each);
    assert_eq!(vmap(grad(halved))(&array![16., 1., 3.]).to_string(), "[0.0625 1.     0.25  ]");
    let back = |x: &Array| lax::while_loop(|x: &Array| x.gt(1), |x| debug::print_gradient("d", &(x * 0.5)), x);
    assert_eq!(lines(|| jit(grad(back))(&x)), ["d: 1.0", "d: 0.5"]);
    assert_eq!(lines(|| vmap(grad(back))(&array![4., 1., 2.])), ["d: 1.0", "d: 0.5", "d: 1.0"]);
    assert_eq!(vmap(halved)(&array![4., 1., 3.]).to_string(), "[1.   1.   0.75]");
}

#[test]
fn loops_whose_derivative_computes_something_outside() {
    // what follows from constants alone is computed once, outside of the loop; what is printed stays inside
    let f = |w: &Array, xs: &Array| {
        let turn = |c: &Array, x: &Array| {
            let s = w.sin().exp();
            debug::print!("{s:.2} {c:.2}");
            (c * &s + x, ())
        };
        lax::scan(turn, &array(1.0), xs).0
    };
    let want = ["2.32 1.00", "2.32 4.32"];
    let (w, xs) = (array(1.0), array![2., 3.]);
    assert_eq!(lines(|| grad(f)(&w, &xs)), want);
    assert_eq!(lines(|| jit(grad(f))(&w, &xs)), want);
}

#[test]
fn from_rules_and_on_the_way_back() {
    let f = custom_vjp(
        |x: &Array| x.sin(),
        |(x,)| {
            debug::print!("forward {x}");
            (x.sin(), x)
        },
        |x, ct| {
            debug::print!("backward {x} {ct:.3}");
            (ct * x.cos(),)
        },
    );
    let want = ["forward 0.5", "backward 0.5 3.000"];
    let loss = |x: &Array| f(x) * 3.0;
    assert_eq!(lines(|| grad(loss)(&array(0.5))), want);
    assert_eq!(lines(|| jit(grad(loss))(&array(0.5))), want);
    let both = lines(|| jit(vmap(grad(loss)))(&array![0.5, 1.5]));
    assert_eq!(both, ["forward 0.5", "forward 1.5", "backward 0.5 3.000", "backward 1.5 3.000"]);

    let g = custom_jvp(
        |x: &Array| x.sin(),
        |(x,), (dx,)| {
            debug::print!("{x} moves {dx}");
            (x.sin(), dx * x.cos())
        },
    );
    assert_eq!(lines(|| jvp(&g, (&array(0.5),), (&array(2.0),))), ["0.5 moves 2.0"]);
    assert_eq!(lines(|| jit(jacfwd(&g))(&array(0.5))), ["0.5 moves 1.0"]);
    // in reverse mode there is no tangent, and the rule still works
    assert_eq!(lines(|| grad(&g)(&array(0.5))), [""; 0]);
    assert_eq!(jit(grad(&g))(&array(0.5)).to_string(), array(0.5).cos().to_string());
    let pushed = |x: &Array| {
        let (_, push) = linearize(&g, (x,));
        (push.call((&array(4.0),)), push.call((&array(5.0),)))
    };
    assert_eq!(lines(|| pushed(&array(0.5))), ["0.5 moves 4.0", "0.5 moves 5.0"]);
}

#[test]
fn cotangents() {
    let f = |x: &Array| {
        let y = debug::print_gradient("dy", &x.sin());
        (&y * &y, &y + 1.0)
    };
    let loss = |x: &Array| {
        let (a, b) = f(x);
        a + b
    };
    let x = array(0.5);
    let want = ["dy: 1.9588511"];
    assert_eq!(lines(|| loss(&x)), [""; 0]);
    assert_eq!(lines(|| grad(loss)(&x)), want);
    assert_eq!(lines(|| jit(grad(loss))(&x)), want);
    assert_eq!(lines(|| grad(jit(loss))(&x)), want);
    assert_eq!(lines(|| vmap(grad(loss))(&array![0.5, 0.0])), ["dy: 1.9588511", "dy: 1.0"]);
    assert_eq!(lines(|| jvp(loss, (&x,), (&x,))), [""; 0]);
    let turns = |x: &Array| lax::fori_loop(0, 3, |_, y| debug::print_gradient("d", &(y * 2.0)), x);
    assert_eq!(lines(|| grad(turns)(&x)), ["d: 1.0", "d: 2.0", "d: 4.0"]);
    assert_eq!(lines(|| jit(grad(turns))(&x)), ["d: 1.0", "d: 2.0", "d: 4.0"]);
    let pair = |x: &Array| {
        let (a, b) = debug::print_gradient("p", &(x * 2.0, x * 3.0));
        a + 5.0 * b
    };
    assert_eq!(lines(|| grad(pair)(&x)), ["p[1]: 5.0", "p[0]: 1.0"]);
    let sum = Arc::new(Mutex::new(0.0));
    let (note, seen) = (sum.clone(), move || *sum.lock().unwrap());
    let watched = move |x: &Array| {
        let note = note.clone();
        debug::on_gradient(move |ct| *note.lock().unwrap() += ct.to_f64(), &x.sin()) * 4.0
    };
    assert_eq!((jit(grad(watched))(&x).to_f64(), seen()), (4.0 * 0.5f32.cos() as f64, 4.0));
}

#[test]
fn what_a_format_string_says() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct State {
        w: Array,
        step: usize,
    }
    let show = |w: &Array| {
        let total = w.sum();
        let state = State { w: w.clone(), step: 7 };
        debug::print!("{{}} {total:>8.2}|{total:<8.2}|{:^+9.1}|{:*<6}|{:08.3}|{n}", total, "ab", total, n = 3);
        debug::print!("{state:?} {w:?}");
        total
    };
    let want = [
        "{}     3.25|3.25    |  +3.2   |ab****|0003.250|3",
        "State { w: Array([1.5 , 1.75], dtype=float32), step: 7 } Array([1.5 , 1.75], dtype=float32)",
    ];
    let w = array![1.5, 1.75];
    assert_eq!(lines(|| show(&w)), want);
    assert_eq!(lines(|| jit(show)(&w)), want);
    assert_eq!(lines(|| jit(grad(show))(&w)), want);
    let j = make_jaxpr(
        |x: &Array| {
            debug::print!("x {x} {:.3}", x);
            debug::callback(|_: Array| (), x);
            x * 2
        },
        (&array(1.0),),
    );
    assert_eq!(
        j.to_string(),
        "{ lambda ; a:f32[]. let\n    debug_print[fmt=x {} {:.3}] a a\n    debug_callback[callback=<lambda>] a\n    b:f32[] = mul a 2.0:f32[]\n  in (b,) }"
    );
}

#[test]
fn callbacks_get_values_and_are_never_dropped() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = seen.clone();
    let f = move |x: &(Array, Array)| {
        let note = note.clone();
        debug::callback(
            move |(a, b): (Array, Array)| {
                // host code computes, whatever runs around it
                let sum = jit(|a: &Array, b: &Array| a + b)(&a, &b);
                note.lock().unwrap().push(format!("{sum} {}", sum.is_tracer()))
            },
            x,
        );
        array(0.0)
    };
    let take = || std::mem::take(&mut *seen.lock().unwrap());
    let x = (array(1.0), array(2.0));
    f(&x);
    assert_eq!(take(), ["3.0 false"]);
    jit(f.clone())(&x);
    assert_eq!(take(), ["3.0 false"]);
    jit(grad(f.clone()))(&x);
    assert_eq!(take(), ["3.0 false"]);
    vmap(f.clone())(&(array![1., 2.], array![3., 4.]));
    assert_eq!(take(), ["4.0 false", "6.0 false"]);
    jit(|x: &(Array, Array)| jit(f.clone())(x))(&x);
    assert_eq!(take(), ["3.0 false"]);
}

#[test]
fn effects_keep_their_order() {
    let f = |x: &Array| {
        debug::print!("first");
        let y = x * 2;
        debug::print!("then {y}");
        let z = lax::cond(
            &y.gt(0),
            |y| {
                jit(|y: &Array| {
                    debug::print!("inside {y}");
                    y * 3
                })(y)
            },
            |y| y.clone(),
            &y,
        );
        debug::print!("last {z}");
        z
    };
    let want = ["first", "then 2.0", "inside 2.0", "last 6.0"];
    assert_eq!(lines(|| f(&array(1.0))), want);
    assert_eq!(lines(|| jit(f)(&array(1.0))), want);
    assert_eq!(lines(|| jit(grad(f))(&array(1.0))), want);
}

#[test]
fn a_panic_in_host_code_goes_to_the_caller() {
    let f = jit(vmap(|x: &Array| {
        debug::callback(|x: Array| assert!(x.to_f64() < 2.0, "too large: {x}"), x);
        x * 2
    }));
    let e = catch_unwind(AssertUnwindSafe(|| f(&array![1., 2., 3.]))).unwrap_err();
    assert_eq!(e.downcast_ref::<String>().unwrap(), "too large: 2.0");
    // everything works as before
    assert_eq!(f(&array![0., 1.]).to_string(), "[0. 2.]");
    assert_eq!(grad(|x: &Array| x * x)(&array(3.0)).to_f64(), 6.0);
    // an error of the library's own stays one
    let e = catch(|| {
        jit(|x: &Array| {
            debug::callback(
                |x: Array| {
                    let _ = x + array![1., 2., 3.];
                },
                x,
            );
            x * 2
        })(&array![1., 2.])
    });
    assert_eq!(e.unwrap_err().kind(), ErrorKind::Shape);
}

#[test]
fn values_from_host_code() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let squared = move |method: VmapMethod| {
        let count = count.clone();
        move |x: &Array, y: &Array| {
            let count = count.clone();
            let f = move |(x, y): (Array, Array)| {
                count.fetch_add(1, Ordering::Relaxed);
                &x * &x + y
            };
            debug::PureCallback::new().vmap_method(method).run(f, x, &(x.clone(), y.clone()))
        }
    };
    let called = || calls.swap(0, Ordering::Relaxed);
    let (xs, y) = (array![1., 2., 3.], array(10.0));
    for (method, times) in [(VmapMethod::Sequential, 3), (VmapMethod::ExpandDims, 1), (VmapMethod::BroadcastAll, 1)] {
        let f = squared(method);
        assert_eq!((f(&y, &y).to_f64(), called()), (110.0, 1));
        assert_eq!((jit(f.clone())(&y, &y).to_f64(), called()), (110.0, 1));
        let each = vmap_axes(f.clone(), (0, None), 0);
        assert_eq!((each(&xs, &y).to_string(), called()), ("[11. 14. 19.]".to_string(), times));
        assert_eq!((jit(each)(&xs, &y).to_string(), called()), ("[11. 14. 19.]".to_string(), times));
    }
    let shapes: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = shapes.clone();
    let shape = move |method: VmapMethod| {
        let note = note.clone();
        move |x: &Array, y: &Array| {
            let note = note.clone();
            let f = move |(x, y): (Array, Array)| {
                note.lock().unwrap().push(format!("{:?} {:?}", x.shape(), y.shape()));
                x
            };
            debug::PureCallback::new().vmap_method(method).run(f, x, &(x.clone(), y.clone()))
        }
    };
    for (method, want) in [(VmapMethod::ExpandDims, "[3] [1]"), (VmapMethod::BroadcastAll, "[3] [3]")] {
        vmap_axes(shape(method), (0, None), 0)(&xs, &y);
        assert_eq!(std::mem::take(&mut *shapes.lock().unwrap()), [want]);
    }
    // nobody reads it
    let f = squared(VmapMethod::Sequential);
    jit(move |x: &Array| {
        f(x, x);
        x * 2
    })(&y);
    assert_eq!(called(), 0);
    let f = squared(VmapMethod::Sequential);
    told(ErrorKind::NotDifferentiable, &["pure_callback", "custom_jvp or custom_vjp"], || {
        grad(|x: &Array| f(x, x))(&y)
    });
    told(ErrorKind::NotDifferentiable, &["pure_callback"], || jit(grad(|x: &Array| jit(&f)(x, x)))(&y));
    told(ErrorKind::NotDifferentiable, &["pure_callback"], || jvp(|x: &Array| f(x, x), (&y,), (&y,)));
    // with a rule
    let sin =
        custom_jvp(|x: &Array| debug::pure_callback(|x: Array| x.sin(), x, x), |(x,), (dx,)| (x.sin(), dx * x.cos()));
    assert_eq!(jit(grad(&sin))(&array(0.5)).to_string(), array(0.5).cos().to_string());
    told(ErrorKind::Shape, &["pure_callback: result 0 has type float32[], but float32[3] is promised"], || {
        jit(|x: &Array| debug::pure_callback(|x: Array| x.sum(), x, x))(&xs)
    });
    told(ErrorKind::Type, &["pure_callback", "int32"], || {
        debug::pure_callback(|x: Array| x.astype(DType::Int32), &xs, &xs)
    });
    let j = make_jaxpr(|x: &Array| debug::pure_callback(|x: Array| x, x, x), (&xs,));
    assert_eq!(
        j.to_string(),
        "\
{ lambda ; a:f32[3]. let
    b:f32[3] = pure_callback[
      callback=<lambda>
      result_avals=(ShapedArray(float32[3]),)
      sharding=None
      vmap_method=sequential
    ] a
  in (b,) }"
    );
}

#[test]
fn effects_and_communicating_lanes() {
    let f = |x: &Array| {
        let yes = |x: &Array| {
            debug::print!("yes {x}");
            lax::psum(x, "i")
        };
        lax::cond(&x.gt(0), yes, |x| lax::psum(x, "i") * 0.0, x)
    };
    // lanes that communicate cannot run one after the other: all run both branches, as in JAX
    let (y, lines) = capture(|| Vmap::new().axis_name("i").of(f)(&array![1., -2.]));
    assert_eq!((y.to_string(), lines), ("[-1. -0.]".to_string(), vec!["yes 1.0".to_string(), "yes -2.0".to_string()]));
}

/// The words of the error that `f` is told.
#[track_caller]
fn words<R>(kind: ErrorKind, f: impl FnOnce() -> R) -> String {
    let e = match catch(f) {
        Err(e) => e,
        Ok(_) => panic!("an error was expected"),
    };
    assert_eq!(e.kind(), kind, "{e}");
    e.to_string()
}
/// The words without the place, and the line of this file that they name.
fn place(text: &str) -> (String, u32) {
    let (words, at) = text.rsplit_once("\n  at ").expect("a place");
    let mut parts = at.rsplit(':');
    assert!(at.contains("debug.rs"), "{text}");
    (words.to_string(), parts.nth(1).unwrap().parse().unwrap())
}

#[test]
fn the_operation_that_makes_a_nan() {
    let line = line!() + 1;
    let f = |x: &Array| x.log().sin().sum();
    let x = array![1., -1., 0.5, -2.];
    let nan = |f: &dyn Fn() -> Array| place(&words(ErrorKind::NotFinite, || debug::nans(f)));
    let want = "log: makes a NaN of operands without one, in the forward pass: 2 of 4 elements, the first at index (1,) of the \
                result float32[4]\n  operand 0, float32[4]: from -2 to 1";
    let want = (want.to_string(), line);
    assert_eq!(nan(&|| f(&x)), want);
    assert_eq!(nan(&|| jit(f)(&x)), want);
    assert_eq!(nan(&|| grad(f)(&x)), want);
    assert_eq!(nan(&|| jit(grad(jit(f)))(&x)), want);
    assert_eq!(nan(&|| jvp(f, (&x,), (&x,)).1), want);
    let turns = |x: &Array| lax::scan(|c: &Array, x: &Array| (c + f(&x.reshape(&[1])), ()), &array(0.0), x).0;
    for (text, at) in
        [nan(&|| turns(&x)), nan(&|| jit(turns)(&x)), nan(&|| jit(grad(turns))(&x)), nan(&|| grad(turns)(&x))]
    {
        assert!(text.contains("log: makes a NaN") && text.contains("index (0,) of the result float32[1]"), "{text}");
        assert_eq!(at, line);
    }
    let branch = |x: &Array| lax::cond(&x.sum().lt(0), f, |x| x.sum(), x);
    assert_eq!(nan(&|| jit(branch)(&x)), want);
    let looped = |x: &Array| {
        let body = |c: &(Array, Array)| (&c.0 + 1, f(&c.1) * &c.1);
        lax::while_loop(|c: &(Array, Array)| c.0.lt(2), body, &(array(0), x.clone())).1
    };
    assert_eq!(nan(&|| jit(looped)(&x)), want);
    // outside, nothing is looked for, and the bits are those of the compiled program
    let y = array![0.3, 1.7, 2.9];
    let g = jit(grad(|x: &Array| (x.log() * x.sin()).sum()));
    assert_eq!(format!("{:?}", debug::nans(|| g(&y))), format!("{:?}", g(&y)));
    assert!(f(&x).to_f64().is_nan());
    assert!(jit(f)(&x).to_f64().is_nan());
}

#[test]
fn a_nan_on_the_way_back() {
    let line = line!() + 1;
    let f = |x: &Array| (x * 0.0 + x.sqrt() * x).sum();
    let x = array![1., 0.];
    for run in [&|x: &Array| grad(f)(x) as Array, &|x: &Array| jit(grad(f))(x) as Array, &|x: &Array| grad(jit(f))(x)]
        as [&dyn Fn(&Array) -> Array; 3]
    {
        let (text, at) = place(&words(ErrorKind::NotFinite, || debug::nans(|| run(&x))));
        assert!(text.contains("mul: makes a NaN of operands without one, in the backward pass: 1 of 2 elements, the first at index (1,)"), "{text}");
        assert!(text.contains("to inf"), "{text}");
        assert_eq!(at, line, "{text}");
    }
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::infs(|| jit(grad(f))(&x))));
    assert!(text.contains("makes an infinity of finite operands"), "{text}");
}

#[test]
fn the_lane_of_a_nan() {
    let f = |x: &Array| x.log().sum();
    let xs = array![[1., 2.], [3., -4.], [-5., 6.]];
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::nans(|| vmap(f)(&xs))));
    assert!(
        text.contains("the first at index (1, 1)")
            && text.contains("in lane 1 of the map of 3 lanes at tests/debug.rs:"),
        "{text}"
    );
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::nans(|| vmap_axes(f, (1,), 0)(&xs))));
    assert!(text.contains("in lane 1 of the map of 2 lanes"), "{text}");
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::nans(|| vmap(grad(f))(&xs))));
    assert!(text.contains("in lane 1 of the map of 3 lanes"), "{text}");
    let deep = |x: &Array| vmap_axes(|x: &Array| x.log(), (0,), 0)(x).sum();
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::nans(|| vmap(deep)(&xs))));
    assert!(
        text.contains("in lane 1 of the map of 3 lanes") && text.contains("in lane 1 of the map of 2 lanes"),
        "{text}"
    );
    let (text, _) = place(&words(ErrorKind::NotFinite, || debug::nans(|| jit(vmap(f))(&xs))));
    assert!(text.contains("the first at index (1, 1) of the result float32[3,2]"), "{text}");
}

#[test]
fn what_is_no_new_nan() {
    let x = array![f32::NAN, 1.];
    // data with NaNs pass
    assert!(debug::nans(|| jit(|x: &Array| (x * 2.0).sum())(&x)).to_f64().is_nan());
    // infinities are another matter, and both may be looked for
    assert_eq!(debug::nans(|| 1.0 / array(0.0)).to_f64(), f64::INFINITY);
    let text = words(ErrorKind::NotFinite, || debug::infs(|| debug::nans(|| 1.0 / array![1., 0.])));
    assert!(
        text.contains(
            "div: makes an infinity of finite operands, in the forward pass: 1 of 2 elements, the first at index (1,)"
        ),
        "{text}"
    );
    let text = words(ErrorKind::NotFinite, || debug::infs(|| debug::nans(|| array(0.0) / array(0.0))));
    assert!(
        text.contains("div: makes a NaN of operands without one, in the forward pass: the result float32[]"),
        "{text}"
    );
    for t in [DType::Float16, DType::BFloat16, DType::Float64, DType::Complex64, DType::Complex128] {
        let text = words(ErrorKind::NotFinite, || debug::nans(|| array(0.0).astype(t) / array(0.0).astype(t)));
        assert!(text.contains("div: makes a NaN"), "{text}");
    }
    // host code that gives one
    let f = |x: &Array| debug::pure_callback(|x: Array| x * f32::NAN, x, x);
    let text = words(ErrorKind::NotFinite, || debug::nans(|| jit(f)(&array(1.0))));
    assert!(text.contains("mul: ") || text.contains("pure_callback: makes a NaN"), "{text}");
    // the setting ends with its closure, also where that panics
    assert!((array(0.0) / array(0.0)).to_f64().is_nan());
}

#[test]
fn tracers_that_outlive_their_transformation() {
    let kept: Mutex<Vec<Array>> = Mutex::default();
    let keep = |x: &Array| kept.lock().unwrap().push(x.clone());
    let made = line!() + 2;
    let f = |x: &Array| {
        let y = x.sin();
        keep(&y);
        (&y * &y).sum()
    };
    let x = array![1., 2.];
    const STAGED: &str = "jit, make_jaxpr, a loop, a branch or a map over devices";
    let runs: [(&str, &str, &dyn Fn() -> Array); 6] = [
        ("grad, vjp, jvp or linearize", "float32[2]", &|| grad(f)(&x)),
        (STAGED, "float32[2]", &|| jit(f)(&x)),
        (STAGED, "float32[2]", &|| make_jaxpr(f, (&x,)).out_avals().len().to_string().len().into_array()),
        ("vmap", "float32[2]", &|| vmap(f)(&array![[1., 2.], [3., 4.]])),
        ("grad, vjp, jvp or linearize", "float32[2]", &|| jvp(f, (&x,), (&x,)).1),
        (STAGED, "float32[2]", &|| lax::map(f, &array![[1., 2.]])),
    ];
    for (under, aval, run) in runs {
        let at = line!() + 1;
        let text = words(ErrorKind::Leak, || debug::leaks(run));
        let want = format!("1 tracer outlives its transformation:\n  {aval}, made at tests/debug.rs:{made}:");
        assert!(text.starts_with(&want), "{text}");
        assert!(text.contains(&format!(" under {under}, which is written at tests/debug.rs:")), "{text}");
        assert!(at > made);
        kept.lock().unwrap().clear();
    }
    // one of each transformation, not what it holds: the value of the outer one is held by that of the inner one alone
    let text = words(ErrorKind::Leak, || debug::leaks(|| vmap(grad(f))(&array![[1., 2.]])));
    assert!(text.starts_with("1 tracer outlives its transformation:\n  float32[2]"), "{text}");
    kept.lock().unwrap().clear();
    let both = |x: &Array| {
        keep(x);
        grad(|x: &Array| f(x))(x)
    };
    let text = words(ErrorKind::Leak, || debug::leaks(|| jit(both)(&x)));
    assert!(text.starts_with("2 tracers outlive their transformations:\n  float32[2]"), "{text}");
    kept.lock().unwrap().clear();
    // what is dropped in time does not leak, and neither does what still runs around
    assert_eq!(
        debug::leaks(|| {
            let y = grad(f)(&x);
            kept.lock().unwrap().clear();
            y
        })
        .shape(),
        [2]
    );
    let around = |x: &Array| {
        let y = debug::leaks(|| {
            keep(x);
            x * 2
        });
        y.sum()
    };
    assert_eq!(grad(around)(&x).to_string(), "[2. 2.]");
    kept.lock().unwrap().clear();
    let text = words(ErrorKind::Leak, || debug::leaks(|| grad(around)(&x)));
    assert!(text.starts_with("1 tracer outlives"), "{text}");
    kept.lock().unwrap().clear();
    // after an error nothing is written down any more
    grad(f)(&x);
    assert_eq!(kept.lock().unwrap().len(), 1);
}
trait IntoArray {
    fn into_array(self) -> Array;
}
impl IntoArray for usize {
    fn into_array(self) -> Array {
        array(self as f64)
    }
}

/// Nothing that the library itself keeps, programs and rules and pullbacks, holds a tracer.
#[test]
fn transformations_leave_nothing_behind() {
    let f = custom_vjp(|x: &Array| x.sin(), |(x,)| (x.sin(), x), |x, ct| (ct * x.cos(),));
    let g = custom_jvp(|x: &Array| x.sin(), |(x,), (dx,)| (x.sin(), dx * x.cos()));
    let h = jit(|x: &Array| x.sin() * 2.0);
    let loss = |x: &Array| {
        let turns = lax::scan(|c: &Array, x: &Array| (c * x.cos(), c + x), &array(1.0), &f(x));
        let branch = lax::cond(&x.sum().gt(0), |x| g(x), |x| h(x), x);
        let stop = lax::while_loop(|x: &Array| x.lt(4), |x| x * 2.0, &cotangent::stop_gradient(&x.sum().abs()));
        debug::print!("{x}");
        let (failure, y) = cotangent::checkify(|x: &Array| {
            cotangent::check!(x.sum().gt(0), "{x}");
            x * 2
        })(x);
        turns.1.sum() + branch.sum() + stop + y.sum() + failure.failed().astype(DType::Float32)
    };
    let x = array![1., 2.];
    let (_, lines) = capture(|| {
        debug::leaks(|| {
            let ways = [
                loss(&x),
                jit(loss)(&x),
                grad(loss)(&x),
                grad(jit(loss))(&x),
                jvp(loss, (&x,), (&x,)).1,
                jit(jacfwd(loss))(&x),
                vmap(loss)(&array![[1., 2.], [3., 4.]]),
                jit(vmap(|x: &Array| h(x)))(&array![[1., 2.]]),
            ];
            let (_, pull) = vjp(loss, (&x,));
            (ways, pull.call(&array(1.0)), make_jaxpr(loss, (&x,)))
        })
    });
    assert_eq!(lines.len(), 9);
}

#[test]
fn devices() {
    let mesh = Mesh::new(cpu(2), [("d", 2)]);
    let x = array![1., -2., 3., 4.];
    let log = |x: &Array| {
        debug::print!("piece {x}");
        x.log()
    };
    let all = shard_map(log, &mesh, P("d"), P("d"));
    let (y, printed) = capture(|| all(&x));
    assert_eq!(y.shape(), [4]);
    assert_eq!(printed, ["piece [ 1. -2.]", "piece [3. 4.]"]);
    let loss = |x: &Array| all(&x.abs()).sum();
    assert_eq!(lines(|| jit(grad(loss))(&x)), ["piece [1. 2.]", "piece [3. 4.]"]);
    let text = words(ErrorKind::NotFinite, || debug::nans(|| all(&x)));
    assert!(
        text.contains(
            "log: makes a NaN of operands without one, in the forward pass: 1 of 2 elements, the first at index (1,)"
        ),
        "{text}"
    );
}
